//! How near `mask_apply` comes to the cycles that compaction takes at least, in Verilator.
//!
//! The share is max(ceil(S / lanes), ceil(n / window)) / cycles, for S survivors of n elements in
//! one vector, from the first window that is offered to the last beat that goes out. Survivors are
//! independent, or come in runs of 16 on average (a Markov chain of two states).

use lacuna::blocks::{self, Configured};
use lacuna::config::{Tech, Value, Values};
use lacuna::cosim::Subject;
use lacuna::cosim::verilator::{Instance, Library, Options, Start, Toolchain};
use lacuna::eda::Cache;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Elements of a vector.
const ELEMENTS: usize = 1 << 18;

/// Survivors of a run, on average.
const RUN: f64 = 16.0;

const SPARSITIES: [f64; 4] = [0.5, 0.75, 0.87, 0.94];

/// `window`, `lanes` and `queue`; the first are the defaults.
const SIZES: [[u32; 3]; 8] = [
    [64, 1, 8],
    [64, 1, 16],
    [48, 1, 12],
    [32, 1, 16],
    [32, 1, 32],
    [16, 1, 64],
    [128, 4, 64],
    [64, 4, 64],
];

fn main() {
    let toolchain = Toolchain::find().unwrap_or_else(|error| panic!("{error}"));
    println!("share of the ideal, vectors of {ELEMENTS} elements; independent | in runs\n");
    println!("window lanes queue    0 %   50 %   75 %   87 %   94 % |   50 %   75 %   87 %   94 %");
    for size in SIZES {
        let mut block = Compactor::new(size, &toolchain);
        let mut shares = vec![block.share(&vec![true; ELEMENTS])];
        for is_clustered in [false, true] {
            for sparsity in SPARSITIES {
                shares.push(block.share(&mask(1.0 - sparsity, is_clustered)));
            }
        }
        let [window, lanes, queue] = size;
        let shares: Vec<String> = shares.iter().map(|share| format!("{share:.3}")).collect();
        let (independent, clustered) = shares.split_at(1 + SPARSITIES.len());
        let (independent, clustered) = (independent.join("  "), clustered.join("  "));
        println!("{window:6} {lanes:5} {queue:5}  {independent} |  {clustered}");
    }
}

/// Which elements survive.
fn mask(density: f64, is_clustered: bool) -> Vec<bool> {
    let mut random = ChaCha8Rng::seed_from_u64(0x1ac0_2a00);
    let mut survives = random.random_bool(density);
    let (ends, begins) = (1.0 / RUN, density / (1.0 - density) / RUN);
    let element = |_| {
        if !is_clustered {
            return random.random_bool(density);
        }
        let before = survives;
        survives ^= random.random_bool(if survives { ends } else { begins });
        before
    };
    (0..ELEMENTS).map(element).collect()
}

/// The block in Verilator.
struct Compactor {
    window: usize,
    lanes: usize,
    sim: Instance,
}

impl Compactor {
    fn new([window, lanes, queue]: [u32; 3], toolchain: &Toolchain) -> Compactor {
        let entry = blocks::find("mask_apply").expect("it is registered");
        let mut values = Values::defaults(entry.parameters);
        for (name, value) in [("window", window), ("lanes", lanes), ("queue", queue)] {
            values.set(name, Value::Integer(value.into()));
        }
        let subject = Subject::of(&Configured::new(entry, values, Tech::default()));
        let subject = subject.unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let cache = Cache::at(folder.path().join("cache"));
        let reset = Tech::default().reset;
        let (module, files) = (&subject.module, &subject.files);
        let library = Library::build(module, files, reset, Options::default(), toolchain, &cache);
        let sim = library.unwrap_or_else(|error| panic!("{error}")).instance(Start::Zero);
        Compactor { window: window as usize, lanes: lanes as usize, sim }
    }

    /// The share of the ideal that a vector's cycles are.
    fn share(&mut self, mask: &[bool]) -> f64 {
        let survivors = mask.iter().filter(|&&survives| survives).count();
        let ideal = survivors.div_ceil(self.lanes).max(mask.len().div_ceil(self.window));
        ideal as f64 / self.cycles(mask, survivors) as f64
    }

    fn cycles(&mut self, mask: &[bool], survivors: usize) -> u64 {
        let sim = &mut self.sim;
        let port = |name: &str| sim.port(name).expect("the port is there");
        let (valid, ready) = (port("in_valid_i"), port("in_ready_o"));
        let (in_mask, empty, last) = (port("in_mask_i"), port("in_empty_i"), port("in_last_i"));
        let (out_valid, out_ready) = (port("out_valid_o"), port("out_ready_i"));
        let (count, out_last) = (port("out_count_o"), port("out_last_o"));
        sim.reset();
        sim.set(out_ready, 1);
        let mut windows = mask.chunks(self.window).enumerate();
        let windows_in_all = mask.len().div_ceil(self.window);
        let mut offered = windows.next();
        let (mut cycles, mut seen) = (0, 0);
        loop {
            sim.set(valid, offered.is_some());
            if let Some((number, window)) = offered {
                let is_last = number + 1 == windows_in_all;
                sim.set_limbs(in_mask, &limbs(window));
                sim.set(last, is_last);
                sim.set(empty, (self.window - window.len()) as u64);
                if sim.get(ready) == 1 {
                    offered = windows.next();
                }
            }
            cycles += 1;
            if sim.get(out_valid) == 1 {
                seen += sim.get(count) as usize;
                if sim.get(out_last) == 1 {
                    assert_eq!(seen, survivors, "survivors are lost or invented");
                    return cycles;
                }
            }
            sim.step();
        }
    }
}

/// Bits, the first lowest.
fn limbs(bits: &[bool]) -> Vec<u64> {
    let limb = |bits: &[bool]| bits.iter().rev().fold(0, |limb, &bit| limb << 1 | u64::from(bit));
    bits.chunks(64).map(limb).collect()
}
