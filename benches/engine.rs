//! How much of the layer engine's slots is used: on the built-in network with 4 to 32 slots, and on
//! layers of 512 with 64; and how fast its golden model is.
//!
//! U is the share of slots and cycles that a product with a stored weight takes, each as many bits of
//! a slot as its weight has. Cycles are those of the golden model, which cosimulation compares with
//! the Verilog.

use std::time::Instant;

use lacuna::blocks::engine::layer_engine::LayerEngineParameters;
use lacuna::blocks::{Configured, find};
use lacuna::system::program::Program;
use lacuna::system::run::Run;
use lacuna::system::verify::{Simulator, verify};
use lacuna::workload::data_set::{Part, japanese_vowels};
use lacuna::workload::network::{Activation, Control, Layer, Level, Mode, Network, Requantisation};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Elements of the wide layers.
const WIDE: usize = 512;

/// Steps that are measured on them.
const STEPS: usize = 24;

fn run(p: &LayerEngineParameters, network: &Network, sequences: &[Vec<Vec<i8>>]) -> Run {
    let program = Program::new(p, network).unwrap_or_else(|errors| panic!("{errors:?}"));
    Run::new(p, &program, sequences)
}

fn main() {
    built_in();
    wide();
    speed();
}

/// Simulated cycles per second of the golden model beside Verilator, in turns.
fn speed() {
    let network = Network::built_in();
    let utterances = japanese_vowels(Part::Test).iter();
    let sequences: Vec<Vec<Vec<i8>>> = utterances
        .map(|utterance| network.quantised(utterance).expect("the network is for these data"))
        .collect();
    let block = Configured::defaults(find("accelerator").expect("it is registered"));
    let p = LayerEngineParameters::default();
    let program = Program::new(&p, &network).unwrap_or_else(|errors| panic!("{errors:?}"));
    let simulate = || {
        let verified = verify(&block, &program, &sequences, Simulator::Verilator);
        let verified = verified.unwrap_or_else(|error| panic!("{error}"));
        assert!(verified.disagreement.is_none(), "{:?}", verified.disagreement);
        verified.seconds
    };
    simulate();
    let mut ratios: Vec<(f64, f64)> = (0..5)
        .map(|_| {
            let begin = Instant::now();
            let run = Run::new(&p, &program, &sequences);
            let model = run.cycles as f64 / begin.elapsed().as_secs_f64();
            (model, model / (run.cycles as f64 / simulate()))
        })
        .collect();
    ratios.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (model, ratio) = ratios[2];
    println!("\ngolden model: {:.2} million cycles/s, {ratio:.1} times Verilator", model / 1e6);
}

/// The built-in network, and the same with nothing left out of its vectors.
fn built_in() {
    println!("48 -> 64 -> 64 -> 9, 370 utterances\n");
    println!("slots  in flight |  delta: cycles per vector, U |  dense: cycles per vector, U");
    let network = Network::built_in();
    let utterances = japanese_vowels(Part::Test).iter();
    let sequences: Vec<Vec<Vec<i8>>> = utterances
        .map(|utterance| network.quantised(utterance).expect("the network is for these data"))
        .collect();
    for (elements, in_flight) in
        [2, 4, 8, 16].into_iter().flat_map(|elements| [(elements, 2), (elements, 3)])
    {
        let p = LayerEngineParameters { elements, in_flight, ..Default::default() };
        let of = |network: &Network| {
            let run = run(&p, network, &sequences);
            let cycles = run.cycles as f64 / run.results.len() as f64;
            format!("{cycles:7.1} {:.3}", run.utilisation(&p, network))
        };
        let (delta, dense) = (of(&network), of(&network.clone().dense()));
        println!("{:5}  {in_flight:9} |  {delta:27} |  {dense}", 2 * elements);
    }
}

/// Eight layers of 512 with weights of 8 bits, of which `stored` in 16 are not zero.
fn network(stored: usize, control: &Control) -> Network {
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    let layer = |number: usize| {
        let groups = WIDE / 16;
        let mut weights = vec![0; WIDE * WIDE];
        for input in 0..WIDE {
            for group in 0..groups {
                let mut rows: Vec<usize> = (group..WIDE).step_by(groups).collect();
                for _ in 0..stored {
                    let row = rows.swap_remove(chance.random_range(0..rows.len()));
                    let sign = if chance.random() { 1 } else { -1 };
                    weights[row * WIDE + input] = sign * chance.random_range(1..100);
                }
            }
        }
        Layer {
            inputs: WIDE,
            outputs: WIDE,
            precision: 8,
            reference: 8,
            keep: stored,
            weights,
            exponents: None,
            bias: vec![0; WIDE],
            requantisation: (number < 7).then_some(Requantisation {
                multiplier: 40_000,
                shift: 22,
                activation: Activation::None,
            }),
            control: control.clone(),
        }
    };
    Network { scale: 1.0, stack: 1, layers: (0..8).map(layer).collect() }
}

fn wide() {
    println!("\n8 layers of 512, 64 slots, 8-bit weights, survivors by a mask of so many in 16\n");
    println!("weights  survivors |  cycles per vector      U");
    let mut chance = ChaCha8Rng::seed_from_u64(2);
    let mut vector = || (0..WIDE).map(|_| chance.random_range(-127..=127)).collect::<Vec<i8>>();
    let sequence: Vec<Vec<i8>> = (0..STEPS).map(|_| vector()).collect();
    let p = LayerEngineParameters {
        lanes: 16,
        clusters: 4,
        elements: 16,
        layers: 8,
        longest: 512,
        words: 32768,
        buffer: 32,

        ..Default::default()
    };
    let rows = [(8, Some(1)), (8, Some(2)), (8, Some(4)), (8, Some(8)), (8, None), (16, None)];
    for (stored, keep) in rows {
        let control = match keep {
            Some(keep) => Control {
                mode: Mode::Mask,
                first_keep: 16,
                levels: vec![Level { keep, ..Level::default() }; 2],
                ..Control::default()
            },
            None => Control { mode: Mode::Dense, ..Control::default() },
        };
        let network = network(stored, &control);
        let run = run(&p, &network, std::slice::from_ref(&sequence));
        let survivors = keep.map_or("all".to_string(), |keep| format!("{keep}/16"));
        let cycles = run.cycles as f64 / STEPS as f64;
        let utilisation = run.utilisation(&p, &network);
        println!("{stored:4}/16  {survivors:>9} |  {cycles:17.1}  {utilisation:.3}");
    }
}
