//! A network on a sequence of vectors, in plain integers: what every other execution has to equal.
//!
//! Each layer takes the vectors one after the other, and of each:
//!
//! 1. The *level* follows from how alike the two vectors before were, the first of them having been
//!    the one before the other: see [`Control`]. The first vector of a sequence has LOW with
//!    `first_keep`.
//! 2. The *score* of an element is |x|, in mode delta |x − x̂|. Of each 16 consecutive elements (the
//!    last group may be shorter) those with a score above the level's threshold may survive, at most
//!    the level's `keep`: those with the highest score, to which `bonus` is added if the element
//!    survived the vector before; of equals the one with the lower index.
//! 3. The *estimate* x̂ becomes x in mode dense; in mode mask x where an element survives, and 0
//!    elsewhere; in mode delta it advances by x − x̂ where an element survives, by ±127 at most.
//! 4. The accumulators are bias + W·x̂, computed anew from all of x̂; in mode mask without the weights
//!    whose magnitude is not above the level's `weight_threshold`.
//!
//! At the start of a sequence x̂ is 0 and nothing has survived.

#[cfg(test)]
mod tests;

use super::data_set::Sequence;
use super::network::{Activation, Control, GROUP, Layer, Metric, Mode, Network, Requantisation};
use crate::config::Diagnostics;

/// What comes of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// For each vector, the raw accumulators of the last layer.
    pub accumulators: Vec<Vec<i64>>,
    /// For each layer and each vector, what it took.
    pub steps: Vec<Vec<Step>>,
}

/// What a layer did with a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The level of sparsity.
    pub level: usize,
    /// Elements that were used, or transmitted.
    pub survivors: usize,
    /// Products: of each survivor with each weight that is neither zero nor left out.
    pub executed: u64,
}

impl Execution {
    /// The class that the sequence is of; see [`class`].
    pub fn class(&self) -> usize {
        class(&self.accumulators)
    }

    /// Products of all layers and vectors.
    pub fn executed(&self) -> u64 {
        self.steps.iter().flatten().map(|step| step.executed).sum()
    }
}

/// The class that a sequence with these results is of: the output with the greatest sum over all
/// vectors, of equals the first.
pub fn class<'a>(results: impl IntoIterator<Item = &'a Vec<i64>>) -> usize {
    let mut sums: Vec<i64> = vec![];
    for result in results {
        sums.resize(result.len(), 0);
        sums.iter_mut().zip(result).for_each(|(sum, value)| *sum += value);
    }
    (0..sums.len()).rev().max_by_key(|&output| sums[output]).unwrap_or(0)
}

/// Runs `network` on the vectors of one sequence, each with an element for each input of the first
/// layer.
pub fn run(network: &Network, vectors: &[Vec<i8>]) -> Execution {
    let mut vectors = vectors.to_vec();
    let mut accumulators = vec![];
    let mut steps = vec![];
    for layer in &network.layers {
        let mut state = State::new(layer);
        let (results, taken): (Vec<Vec<i64>>, Vec<Step>) =
            vectors.iter().map(|vector| state.step(vector)).unzip();
        steps.push(taken);
        match &layer.requantisation {
            Some(to) => {
                let activations =
                    |step: &Vec<i64>| step.iter().map(|&a| requantise(a, to)).collect();
                vectors = results.iter().map(activations).collect();
            }
            None => accumulators = results,
        }
    }
    Execution { accumulators, steps }
}

/// The vectors that come out behind the last layer of `network` that requantises.
#[cfg(feature = "train")]
pub(super) fn activations(network: &Network, vectors: &[Vec<i8>]) -> Vec<Vec<i8>> {
    let mut vectors = vectors.to_vec();
    for layer in &network.layers {
        let mut state = State::new(layer);
        let to = layer.requantisation.expect("only the last layer has none");
        let activations = |vector: &Vec<i8>| -> Vec<i8> {
            state.step(vector).0.into_iter().map(|acc| requantise(acc, &to)).collect()
        };
        vectors = vectors.iter().map(activations).collect();
    }
    vectors
}

/// An accumulator as an activation: multiplied, rounded half up as it is shifted, saturated.
pub fn requantise(accumulator: i64, to: &Requantisation) -> i8 {
    let half = if to.shift == 0 { 0 } else { 1_i128 << (to.shift - 1) };
    let scaled = (i128::from(accumulator) * i128::from(to.multiplier) + half) >> to.shift;
    let least = match to.activation {
        Activation::Relu => 0,
        Activation::None => -128,
    };
    scaled.clamp(least, 127) as i8
}

/// What a network does with many sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sequences with a label.
    pub labelled: usize,
    /// Those of them that are taken for another class.
    pub errors: usize,
    /// Products of the network as it is.
    pub executed: u64,
    /// Products of the same layers with nothing left out: inputs · outputs for each vector.
    pub dense: u64,
}

impl Tally {
    /// The share of sequences that are taken for what they are.
    pub fn accuracy(&self) -> f64 {
        1.0 - self.errors as f64 / self.labelled.max(1) as f64
    }

    /// How many products a dense execution has for each of this one: R.
    pub fn ratio(&self) -> f64 {
        self.dense as f64 / self.executed.max(1) as f64
    }
}

/// Runs `network` on all `sequences`.
///
/// # Errors
/// If vectors do not have as many elements as the network takes.
pub fn tally(network: &Network, sequences: &[Sequence]) -> Result<Tally, Diagnostics> {
    let products: usize = network.layers.iter().map(|layer| layer.inputs * layer.outputs).sum();
    let mut tally = Tally::default();
    for sequence in sequences {
        let vectors = network.quantised(sequence)?;
        let execution = run(network, &vectors);
        if let Some(label) = sequence.label {
            tally.labelled += 1;
            tally.errors += usize::from(execution.class() != label);
        }
        tally.executed += execution.executed();
        tally.dense += (products * vectors.len()) as u64;
    }
    Ok(tally)
}

/// A layer within a sequence.
struct State<'n> {
    layer: &'n Layer,
    /// What the weights stand for.
    weights: Vec<i64>,
    /// For each level, and each input, how many weights count.
    stored: Vec<Vec<usize>>,
    memory: Memory<'n>,
}

impl State<'_> {
    fn new(layer: &Layer) -> State<'_> {
        let Layer { inputs, outputs, .. } = *layer;
        let places = (0..outputs).flat_map(|output| (0..inputs).map(move |input| (output, input)));
        State {
            layer,
            weights: places.map(|(output, input)| layer.weight(output, input)).collect(),
            stored: (0..layer.control.levels.len())
                .map(|level| {
                    let least = layer.control.weight_threshold(level);
                    (0..inputs).map(|input| layer.stored(input, least)).collect()
                })
                .collect(),
            memory: Memory::new(&layer.control, inputs),
        }
    }

    fn step(&mut self, vector: &[i8]) -> (Vec<i64>, Step) {
        let level = self.memory.level;
        self.memory.take(vector);
        let Memory { survived, estimate, .. } = &self.memory;
        let counted = survived.iter().zip(&self.stored[level]).filter(|(survived, _)| **survived);
        let stored: Vec<u64> = counted.map(|(_, &stored)| stored as u64).collect();
        let step = Step { level, survivors: stored.len(), executed: stored.iter().sum() };
        let least = u64::from(self.layer.control.weight_threshold(level));
        let rows = self.weights.chunks(self.layer.inputs).zip(&self.layer.bias);
        let accumulators = rows.map(|(row, bias)| {
            let weights = row.iter().map(|&w| if w.unsigned_abs() > least { w } else { 0 });
            let products = weights.zip(estimate).map(|(weight, &x)| weight * i64::from(x));
            bias + products.sum::<i64>()
        });
        (accumulators.collect(), step)
    }
}

/// What a layer remembers of the vectors of a sequence.
pub(super) struct Memory<'n> {
    control: &'n Control,
    /// What the layer takes the vector for.
    pub(super) estimate: Vec<i16>,
    survived: Vec<bool>,
    /// The vector before, if there is one.
    before: Option<Vec<i8>>,
    /// The band of the vector before.
    band: usize,
    level: usize,
    /// Vectors that have used the level since it changed; none since the start.
    used: Option<u32>,
}

impl Memory<'_> {
    pub(super) fn new(control: &Control, inputs: usize) -> Memory<'_> {
        Memory {
            control,
            estimate: vec![0; inputs],
            survived: vec![false; inputs],
            before: None,
            band: 0,
            level: 0,
            used: None,
        }
    }

    /// Takes the next vector in.
    pub(super) fn take(&mut self, vector: &[i8]) {
        self.survived = self.survivors(vector);
        self.advance(vector);
        self.settle(vector);
    }

    fn survivors(&self, vector: &[i8]) -> Vec<bool> {
        let &Control { mode, first_keep, bonus, ref levels, .. } = self.control;
        if mode == Mode::Dense {
            return vec![true; vector.len()];
        }
        let score = |index: usize| -> u32 {
            let taken_for = if mode == Mode::Delta { self.estimate[index] } else { 0 };
            (i16::from(vector[index]) - taken_for).unsigned_abs().into()
        };
        let level = levels[self.level];
        let keep = if self.before.is_none() { first_keep } else { level.keep };
        let mut survivors = vec![false; vector.len()];
        for start in (0..vector.len()).step_by(GROUP) {
            let group = start..(start + GROUP).min(vector.len());
            let mut able: Vec<usize> = group.filter(|&i| score(i) > level.threshold).collect();
            let key = |index: usize| score(index) + if self.survived[index] { bonus } else { 0 };
            // Stable, so that of equals the lower index stays ahead.
            able.sort_by_key(|&index| std::cmp::Reverse(key(index)));
            able.iter().take(keep).for_each(|&index| survivors[index] = true);
        }
        survivors
    }

    fn advance(&mut self, vector: &[i8]) {
        for ((estimate, &x), &survived) in self.estimate.iter_mut().zip(vector).zip(&self.survived)
        {
            let x = i16::from(x);
            *estimate = match self.control.mode {
                Mode::Dense => x,
                Mode::Mask if survived => x,
                Mode::Mask => 0,
                Mode::Delta if survived => *estimate + (x - *estimate).clamp(-127, 127),
                Mode::Delta => *estimate,
            };
        }
    }

    /// Compares the vector with the one before, and sets the level of the next.
    fn settle(&mut self, vector: &[i8]) {
        let Some(before) = self.before.replace(vector.to_vec()) else { return };
        self.band = band(self.control, vector, &before, self.band);
        let stays = self.used.is_some_and(|used| used < self.control.dwell);
        if self.band != self.level && !stays {
            (self.level, self.used) = (self.band, Some(1));
        } else {
            self.used = self.used.map(|used| used + 1);
        }
    }
}

/// How many thresholds two vectors meet; those below the band of before are easier to meet.
fn band(control: &Control, a: &[i8], b: &[i8], before: usize) -> usize {
    let met = control.coherence.iter().enumerate().filter(|&(position, &threshold)| {
        let (metric, hysteresis) = (control.metric, control.hysteresis);
        let is_easier = position < before;
        let threshold = if is_easier == metric.is_similarity() {
            threshold.saturating_sub(hysteresis)
        } else {
            threshold + hysteresis
        };
        let most = if metric.is_similarity() { metric.most() } else { u32::MAX };
        is_met(metric, threshold.min(most), a, b)
    });
    met.count()
}

/// Whether two vectors are as alike as a threshold asks, in exact integers.
fn is_met(metric: Metric, threshold: u32, a: &[i8], b: &[i8]) -> bool {
    let pairs = || a.iter().zip(b).map(|(&a, &b)| (i64::from(a), i64::from(b)));
    let sum =
        |of: &dyn Fn(i64, i64) -> i64| i128::from(pairs().map(|(a, b)| of(a, b)).sum::<i64>());
    let distance = || sum(&|a, b| (a - b).abs());
    let squares = || sum(&|a, b| (a - b) * (a - b));
    let products = || (sum(&|a, b| a * b), sum(&|a, _| a * a), sum(&|_, b| b * b));
    let (n, t) = (a.len() as i128, i128::from(threshold));
    let similar = |ab: i128, aa: i128, bb: i128| match aa * bb {
        0 => distance() == 0,
        product => ab >= 0 && (ab * ab) << 32 >= t * t * product,
    };
    match metric {
        Metric::Cosine => {
            let (ab, aa, bb) = products();
            similar(ab, aa, bb)
        }
        Metric::Correlation => {
            let ((ab, aa, bb), of_a, of_b) = (products(), sum(&|a, _| a), sum(&|_, b| b));
            similar(n * ab - of_a * of_b, n * aa - of_a * of_a, n * bb - of_b * of_b)
        }
        Metric::L1 => distance() << 8 <= t * n,
        Metric::L2 => squares() << 16 <= t * t * n,
        Metric::NormalisedL1 => distance() << 8 <= t * sum(&|a, b| a.abs() + b.abs()),
        Metric::NormalisedL2 => squares() << 16 <= t * t * sum(&|a, b| a * a + b * b),
    }
}
