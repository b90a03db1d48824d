//! A program on the golden model: results, cycles, and what was executed.

use super::program::Program;
use crate::blocks::engine::layer_engine::{Engine, LayerEngineParameters, Step, schedule};
use crate::workload::network::Network;

/// What became of sequences that went in back to back.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// For each vector, the accumulators of the final layer.
    pub results: Vec<Vec<i64>>,
    /// Cycles from the edge of the first beat in to that of the last out, both counted.
    pub cycles: u64,
    /// Cycles in which the processing elements work on a word.
    pub working: u64,
    /// Cycles in which a survivor is there, and waits for sums to be read.
    pub waiting: u64,
    /// Of each layer, products of a survivor with a stored weight of a real output, neither zero nor
    /// left out.
    pub executed: Vec<u64>,
    /// Of each layer and level of sparsity, how many vectors had it.
    pub levels: Vec<Vec<u64>>,
    /// Of each layer and position in a sequence, how many vectors were coherent with the one before,
    /// and how many there were.
    pub coherence: Vec<Vec<(u64, u64)>>,
}

impl Run {
    /// Runs sequences of vectors through the golden model, one after the other.
    pub fn new(p: &LayerEngineParameters, program: &Program, sequences: &[Vec<Vec<i8>>]) -> Run {
        let loads = program.loads.iter().map(|load| (load.unit, load.address, &load.word));
        let mut engine = Engine::new(p, &program.settings, loads);
        let layers = program.stored.len();
        let mut run = Run {
            executed: vec![0; layers],
            levels: vec![vec![0; p.bands as usize]; layers],
            coherence: vec![vec![]; layers],
            ..Run::default()
        };
        let vectors = sequences.iter().flat_map(|sequence| sequence.iter().enumerate());
        let steps = vectors.map(|(number, vector)| {
            let values = vector.iter().map(|&value| value.into()).collect();
            let step = Step { values, new_sequence: number == 0, last: 0 };
            let (vectors, result) = engine.step(&step);
            for (layer, vector) in vectors.iter().enumerate() {
                let stored = &program.stored[layer][vector.level];
                let stored: usize =
                    vector.survivors.iter().map(|&(column, _)| stored[column]).sum();
                run.executed[layer] += stored as u64;
                run.levels[layer][vector.level] += 1;
                let positions = &mut run.coherence[layer];
                positions.resize(positions.len().max(number + 1), (0, 0));
                positions[number].0 += u64::from(vector.band.is_some_and(|band| band > 0));
                positions[number].1 += 1;
            }
            let last = &program.settings.layers[program.settings.final_layer];
            let outputs = result.len() - last.requantiser.empty as usize;
            run.results.push(result[..outputs].to_vec());
            vectors
        });
        // A packet is offered to the engine two cycles after its last beat came in.
        let first = sequences.iter().flatten().next();
        let first = first.map_or(0, |vector| vector.len().div_ceil(p.lanes as usize) as u64 + 1);
        let schedule = schedule(p, &program.settings, steps, first);
        run.cycles = schedule.out.last().map_or(0, |last| last + 1);
        (run.working, run.waiting) = (schedule.working, schedule.waiting);
        run
    }

    /// The share of the weight slots that is used, of 8 bits each in every processing element and
    /// cycle: a product takes as much of one as its weight has bits.
    pub fn utilisation(&self, p: &LayerEngineParameters, network: &Network) -> f64 {
        let bits = self.executed.iter().zip(&network.layers);
        let bits: u64 = bits.map(|(executed, layer)| executed * u64::from(layer.precision)).sum();
        let slots = u64::from(p.clusters * p.elements) * self.cycles;
        bits as f64 / 8.0 / slots.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::data_set::{Part, japanese_vowels};
    use crate::workload::network::{Level, Mode};
    use crate::workload::reference;

    /// Runs utterances on engines of several sizes; results have to be those of the reference.
    fn agrees_with_the_reference(network: &Network, sequences: usize) {
        let utterances = japanese_vowels(Part::Test)[..sequences].iter();
        let sequences: Vec<Vec<Vec<i8>>> =
            utterances.map(|utterance| network.quantised(utterance).unwrap()).collect();
        let runs: Vec<reference::Execution> =
            sequences.iter().map(|sequence| reference::run(network, sequence)).collect();
        let executed: u64 = runs.iter().map(reference::Execution::executed).sum();
        let expected: Vec<Vec<i64>> = runs.into_iter().flat_map(|run| run.accumulators).collect();
        for (lanes, clusters, elements) in [(4, 2, 8), (1, 1, 1), (8, 4, 4), (4, 2, 32)] {
            let p = LayerEngineParameters { lanes, clusters, elements, ..Default::default() };
            let p = LayerEngineParameters { words: 8192, ..p };
            let program = Program::new(&p, network).unwrap_or_else(|errors| panic!("{errors:?}"));
            let run = Run::new(&p, &program, &sequences);
            assert_eq!(run.results, expected, "{lanes} lanes, {clusters} x {elements} elements");
            assert!(run.utilisation(&p, network) <= 1.0);
            assert_eq!(run.executed.iter().sum::<u64>(), executed);
        }
    }

    /// With masks of vectors and of weights, other ones where vectors are coherent.
    fn masked(network: &Network) -> Network {
        let mut network = network.clone();
        for control in network.layers.iter_mut().map(|layer| &mut layer.control) {
            control.mode = Mode::Mask;
            control.levels[0] = Level { keep: 9, threshold: 1, weight_threshold: 16 };
            control.levels[1] = Level { keep: 5, threshold: 2, weight_threshold: 47 };
        }
        network
    }

    /// With weights of 4 bits in the hidden layers, which have exponents.
    fn narrow(network: &Network) -> Network {
        let mut network = network.clone();
        for layer in &mut network.layers[..2] {
            layer.precision = 4;
            layer.weights.iter_mut().for_each(|weight| *weight >>= 4);
            layer.exponents = Some(vec![4; layer.inputs * layer.groups()]);
        }
        network
    }

    #[test]
    fn results_are_those_of_the_reference_at_any_size() {
        agrees_with_the_reference(&Network::built_in(), 4);
        agrees_with_the_reference(&Network::built_in_dense(), 1);
        agrees_with_the_reference(&Network::built_in_dense().dense(), 1);
        agrees_with_the_reference(&masked(&Network::built_in()), 2);
        agrees_with_the_reference(&narrow(&Network::built_in()), 2);
    }
}
