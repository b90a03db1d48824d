//! A program on the golden model: results, cycles and what was executed.

use super::program::Program;
use crate::blocks::engine::layer_engine::{Engine, LayerEngineParameters, Step, schedule};
use crate::model::Bits;

/// What became of sequences that went in back to back.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// For each vector, the accumulators of the final layer.
    pub results: Vec<Vec<i64>>,
    /// Cycles from the first beat in to the last beat out.
    pub cycles: u64,
    /// Products of a survivor with a stored weight of a real output, of each layer.
    pub executed: Vec<u64>,
}

/// Runs sequences of vectors through the golden model, one after the other.
pub fn run(p: &LayerEngineParameters, program: &Program, sequences: &[Vec<Vec<i8>>]) -> Run {
    let loads: Vec<Vec<Bits>> = program
        .loads
        .iter()
        .map(|load| {
            let (unit, address) =
                (Bits::new(32, load.unit as u64), Bits::new(32, load.address as u64));
            vec![unit, address, Bits::from_limbs(64, load.word.limbs())]
        })
        .collect();
    let mut engine = Engine::new(p, &program.settings, &loads);
    let mut run = Run { executed: vec![0; program.stored.len()], ..Run::default() };
    let mut vectors = vec![];
    for (number, vector) in sequences.iter().flat_map(|sequence| sequence.iter().enumerate()) {
        let values = vector.iter().map(|&value| value.into()).collect();
        let step = Step { values, new_sequence: number == 0, last: 0 };
        let (through, outputs) = engine.step(&step);
        for (layer, vector) in through.iter().enumerate() {
            let stored = vector.columns.iter().map(|&column| program.stored[layer][column] as u64);
            run.executed[layer] += stored.sum::<u64>();
        }
        let mut result: Vec<i64> = outputs.into_iter().flatten().collect();
        let final_layer = &program.settings.layers[program.settings.final_layer];
        result.truncate(result.len() - final_layer.requantiser.empty as usize);
        run.results.push(result);
        vectors.push(through);
    }
    let schedule = schedule(p, &program.settings, vectors, 0);
    let (first, last) = (schedule.accepted.first(), schedule.out.last());
    run.cycles = first.zip(last).map_or(0, |(first, last)| last - first + 1);
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::data_set::{Part, japanese_vowels};
    use crate::workload::network::Network;
    use crate::workload::reference;

    fn random() -> Network {
        use crate::workload::network::*;
        use rand::{RngExt, SeedableRng};
        let mut chance = crate::model::Random::seed_from_u64(1);
        let sizes = [48_usize, 64, 64, 9];
        let theta: Vec<u32> = std::env::var("THETA")
            .unwrap_or("4,12,12".into())
            .split(',')
            .map(|t| t.parse().unwrap())
            .collect();
        let layers = (0..3)
            .map(|l| {
                let (inputs, outputs) = (sizes[l], sizes[l + 1]);
                let groups = outputs.div_ceil(16);
                let mut weights = vec![0; inputs * outputs];
                for input in 0..inputs {
                    let groups = groups * 2;
                    for group in 0..groups {
                        let mut rows: Vec<usize> = (group..outputs).step_by(groups).collect();
                        for _ in 0..4.min(rows.len()) {
                            let row = rows.swap_remove(chance.random_range(0..rows.len()));
                            weights[row * inputs + input] = chance.random_range(-100..100);
                        }
                    }
                }
                Layer {
                    inputs,
                    outputs,
                    precision: 8,
                    reference: 8,
                    keep: 8,
                    weights,
                    exponents: None,
                    bias: vec![0; outputs],
                    requantisation: (l < 2).then_some(Requantisation {
                        multiplier: 30000,
                        shift: 22,
                        activation: Activation::Relu,
                    }),
                    control: Control {
                        coherence: vec![64],
                        levels: vec![Level { keep: 16, threshold: theta[l] }; 2],
                        ..Control::default()
                    },
                }
            })
            .collect();
        Network { scale: 64.0, stack: 4, layers }
    }

    #[test]
    #[ignore = "explores"]
    fn explore() {
        let network = match std::env::var("NETWORK") {
            Ok(path) => Network::read(path.as_ref()).unwrap(),
            Err(_) => random(),
        };
        let sequences: Vec<_> =
            japanese_vowels(Part::Test).iter().map(|s| network.quantised(s).unwrap()).collect();
        for (elements, lanes, in_flight, digit) in [
            (8, 8, 1, 2),
            (8, 8, 2, 2),
            (8, 8, 2, 3),
            (8, 8, 3, 2),
            (8, 4, 2, 2),
            (4, 8, 2, 2),
            (16, 8, 2, 2),
        ] {
            let p =
                LayerEngineParameters { elements, lanes, in_flight, digit, ..Default::default() };
            let program = match Program::new(&p, &network) {
                Ok(program) => program,
                Err(errors) => panic!("{errors:?}"),
            };
            let begin = std::time::Instant::now();
            let run = run(&p, &program, &sequences);
            let time = begin.elapsed();
            let steps = run.results.len();
            let executed: u64 = run.executed.iter().sum();
            let precision: u64 = run
                .executed
                .iter()
                .zip(&network.layers)
                .map(|(e, l)| e * u64::from(l.precision))
                .sum();
            let slots = u64::from(p.clusters * p.elements);
            println!(
                "digit {digit} slots {slots} lanes {lanes} in flight {in_flight}: {} cycles, {} per step, executed {executed} {:?}, U {:.3}, {:.1} Mcycles/s",
                run.cycles,
                run.cycles as f64 / steps as f64,
                run.executed,
                precision as f64 / 8.0 / (slots * run.cycles) as f64,
                run.cycles as f64 / time.as_secs_f64() / 1e6,
            );
            let mut at = 0;
            for sequence in &sequences {
                let execution = reference::run(&network, sequence);
                for accumulators in &execution.accumulators {
                    assert_eq!(accumulators, &run.results[at]);
                    at += 1;
                }
            }
        }
    }
}
