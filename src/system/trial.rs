//! Trials: a network on sequences in the golden model, and how many of them it takes for what they
//! are.

use super::program::Program;
use super::run::Run;
use crate::blocks::engine::layer_engine::LayerEngineParameters;
use crate::config::Diagnostics;
use crate::workload::data_set::Sequence;
use crate::workload::network::{GROUP, Layer, Level, Mode, Network};
use crate::workload::reference::class;

/// A network, and what came of it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What reports call it.
    pub name: String,
    /// What ran.
    pub network: Network,
    /// What came of the sequences, back to back.
    pub run: Run,
    /// Sequences, and those taken for another class than their label says; none without labels.
    pub sequences: usize,
    /// See `sequences`.
    pub errors: Option<usize>,
}

/// Trials of one kind, from the least left out to the most.
#[derive(Clone, Debug)]
pub struct Series {
    /// What they have in common.
    pub name: &'static str,
    /// The trials.
    pub trials: Vec<Trial>,
}

/// The vectors of sequences as a network takes them.
///
/// # Errors
/// If they have another number of elements.
pub fn quantised(network: &Network, data: &[Sequence]) -> Result<Vec<Vec<Vec<i8>>>, Diagnostics> {
    let sequences = data.iter().map(|sequence| network.quantised(sequence));
    sequences.collect()
}

impl Trial {
    /// Runs the sequences.
    ///
    /// # Errors
    /// If the engine has no room for the network, or the data are not for it.
    pub fn new(
        name: impl Into<String>,
        network: Network,
        p: &LayerEngineParameters,
        data: &[Sequence],
    ) -> Result<Trial, Diagnostics> {
        let sequences = quantised(&network, data)?;
        let program = Program::new(p, &network).map_err(Diagnostics)?;
        let run = Run::new(p, &program, &sequences);
        let mut results = run.results.iter();
        let mut errors = Some(0);
        for (sequence, vectors) in data.iter().zip(&sequences) {
            let results: Vec<&Vec<i64>> = results.by_ref().take(vectors.len()).collect();
            let is_wrong = sequence.label.map(|label| class(results) != label);
            errors = errors.zip(is_wrong).map(|(errors, is_wrong)| errors + usize::from(is_wrong));
        }
        Ok(Trial { name: name.into(), network, run, sequences: data.len(), errors })
    }

    /// Products of all layers and vectors with nothing left out: inputs times outputs.
    pub fn dense(&self) -> u64 {
        let of_vector: usize = self.network.layers.iter().map(|l| l.inputs * l.outputs).sum();
        (of_vector * self.run.results.len()) as u64
    }

    /// Products that were executed.
    pub fn executed(&self) -> u64 {
        self.run.executed.iter().sum()
    }

    /// How many products a dense execution has for each of this one.
    pub fn ratio(&self) -> f64 {
        self.dense() as f64 / self.executed().max(1) as f64
    }

    /// The share of sequences that are taken for what they are.
    pub fn accuracy(&self) -> Option<f64> {
        Some(1.0 - self.errors? as f64 / self.sequences.max(1) as f64)
    }
}

/// By what thresholds are multiplied in the series of mode delta.
const FACTORS: [f64; 7] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0];

/// Survivors of a group in the series of mode mask.
const KEEPS: [usize; 7] = [16, 12, 10, 8, 6, 4, 3];

/// What coherence is good for: each mode with and without, at work that grows less.
///
/// In mode delta the thresholds of all layers are multiplied by the same factor; without coherence,
/// both levels are what the first is. In mode mask so many elements of a group survive at level 0,
/// and with coherence half as many at the others; where weights are masked, too, those up to the median
/// of a layer's are left out at the others.
///
/// # Errors
/// As [`Trial::new`].
pub fn ablation(
    network: &Network,
    p: &LayerEngineParameters,
    data: &[Sequence],
    mut progress: impl FnMut(),
) -> Result<Vec<Series>, Diagnostics> {
    let mut series = vec![];
    let mut run = |name: &'static str, networks: Vec<(String, Network)>| {
        let trials = networks.into_iter().map(|(name, network)| {
            let trial = Trial::new(name, network, p, data);
            progress();
            trial
        });
        series.push(Series { name, trials: trials.collect::<Result<_, _>>()? });
        Ok::<_, Diagnostics>(())
    };
    for (name, coherent) in [("delta by coherence", true), ("delta, fixed", false)] {
        let of = |factor: f64| (format!("thresholds x {factor}"), delta(network, factor, coherent));
        run(name, FACTORS.map(of).into())?;
    }
    for (name, coherent, weights) in [
        ("mask by coherence", true, false),
        ("mask, fixed", false, false),
        ("mask by coherence, of weights, too", true, true),
    ] {
        let of =
            |keep: usize| (format!("{keep} of {GROUP}"), mask(network, keep, coherent, weights));
        run(name, KEEPS.map(of).into())?;
    }
    Ok(series)
}

/// How many trials there are in an [`ablation`].
pub const TRIALS: usize = 2 * FACTORS.len() + 3 * KEEPS.len();

fn delta(network: &Network, factor: f64, coherent: bool) -> Network {
    let mut network = network.clone();
    for control in network.layers.iter_mut().map(|layer| &mut layer.control) {
        control.mode = Mode::Delta;
        let first = control.levels[0];
        for level in &mut control.levels {
            let of = if coherent { *level } else { first };
            let threshold = (f64::from(of.threshold) * factor).round() as u32;
            let keep = if factor == 0.0 { GROUP } else { of.keep };
            *level = Level { keep, threshold: threshold.min(255), ..Level::default() };
        }
    }
    network
}

fn mask(network: &Network, keep: usize, coherent: bool, weights: bool) -> Network {
    let mut network = network.clone();
    for layer in &mut network.layers {
        let median = if weights && layer.precision <= 8 { median(layer) } else { 0 };
        let control = &mut layer.control;
        control.mode = Mode::Mask;
        for (number, level) in control.levels.iter_mut().enumerate() {
            let keep = if coherent && number > 0 { keep.div_ceil(2) } else { keep };
            let weight_threshold = if number > 0 { median } else { 0 };
            *level = Level { keep, weight_threshold, ..Level::default() };
        }
    }
    network
}

/// The median of the magnitudes that a layer's stored weights stand for, those that are not zero.
fn median(layer: &Layer) -> u32 {
    let places =
        (0..layer.outputs).flat_map(|output| (0..layer.inputs).map(move |input| (output, input)));
    let magnitudes = places.map(|(output, input)| layer.weight(output, input).unsigned_abs());
    let mut magnitudes: Vec<u64> = magnitudes.filter(|&magnitude| magnitude > 0).collect();
    magnitudes.sort_unstable();
    magnitudes.get(magnitudes.len() / 2).map_or(0, |&median| median as u32)
}
