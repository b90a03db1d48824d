//! Networks: layers of integers, and the file that holds them.
//!
//! A network is a TOML file with `.npy` files beside it:
//!
//! ```toml
//! [network]
//! scale = 64.0                # x = round(value * scale), clamped to -128…127
//! stack = 4                   # frames side by side in a vector; 1 if left out
//!
//! [[layer]]
//! inputs = 48
//! outputs = 64
//! precision = 4               # bits of a stored weight: 2, 4, 8 (default), 16, 32
//! reference = 8               # bits P of the scale that all precisions share
//! keep = 8                    # nonzero weights of a group of outputs; 16 if left out
//! weights = "weights_0.npy"   # integers [outputs, inputs]
//! exponents = "exponents_0.npy"   # may be left out: integers [inputs, groups]
//! bias = "bias_0.npy"         # integers [outputs], or a list; zeros if left out
//! multiplier = 30573
//! shift = 22
//! activation = "relu"         # or "none"
//!
//! [layer.control]             # of the layer above; this, and each key in it, may be left out
//! mode = "delta"              # or "dense", "mask"
//! metric = "normalised_l1"    # as the block coherence_metric has them
//! coherence = [64]            # thresholds of bands, in the units of the metric
//! hysteresis = 0
//! dwell = 0                   # vectors that use a level before it changes again
//! first_keep = 16             # survivors of a group in the first step of a sequence
//! keep = [16, 8]              # survivors of a group, for each level from LOW
//! threshold = [2, 4]          # what a score has to exceed, for each level
//! weight_threshold = [0, 0]   # in mode mask, what a weight has to exceed, for each level
//! bonus = 0                   # what survivors of the step before have ahead
//!
//! [[layer]]                   # the last: no multiplier, shift, activation
//! inputs = 64
//! outputs = 9
//! weights = "weights_1.npy"
//! ```
//!
//! # What a layer computes
//!
//! The accumulator of output o is bias\[o\] + Σ weight(o, i) · x̂\[i\], where x̂ is what
//! [the mode](Mode) lets through of the vector. A stored weight w of `precision` p stands for
//! w · 2^(P − p), or with `exponents` for w · 2^e, 0 ≤ e ≤ P − p, with e of its input and group.
//! Accumulators become activations of 8 bits by [`Requantisation`]; those of the last layer are the
//! result.
//!
//! In mode mask, weights that stand for no more than the level's `weight_threshold`, positive or
//! negative, are left out; that is for weights of up to 8 bits.
//!
//! Outputs form G = ⌈`outputs` / 16⌉ groups, of which o is in group o mod G. Weights are balanced:
//! of each input, at most `keep` weights in each group are not zero.

mod built_in;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;

use super::data_set::Sequence;
use super::{diagnostic, read_bytes};
use crate::config::{Diagnostics, choices};

/// Outputs of a group, unless there are fewer; and inputs, of which so many survive.
pub const GROUP: usize = 16;

/// The bits that a stored weight may have.
pub const PRECISIONS: [u32; 5] = [2, 4, 8, 16, 32];

choices! {
    /// What a layer uses of a vector.
    pub enum Mode {
        /// All of it.
        Dense = "dense",
        /// The elements that survive, as they are, and zeros.
        Mask = "mask",
        /// Of the elements that survive the change since they were last transmitted, and of the
        /// others what was transmitted last.
        Delta = "delta",
    }
}

choices! {
    /// How vectors are compared: see the block
    /// [`coherence_metric`](crate::blocks::temporal::coherence_metric).
    pub enum Metric {
        /// Cosine similarity; thresholds in 2^-16, at most 1.0.
        Cosine = "cosine",
        /// Pearson's correlation; thresholds in 2^-16, at most 1.0.
        Correlation = "correlation",
        /// The mean absolute difference; thresholds in 2^-8, up to 65535.
        L1 = "l1",
        /// The root of the mean squared difference; thresholds in 2^-8, up to 65535.
        L2 = "l2",
        /// The L1 distance relative to the sum of the norms; thresholds in 2^-8, up to 255.
        NormalisedL1 = "normalised_l1",
        /// The L2 distance relative to the root of the sum of the squared norms; thresholds in 2^-8,
        /// up to 255.
        NormalisedL2 = "normalised_l2",
    }
}

impl Metric {
    /// Whether more means more alike.
    pub fn is_similarity(self) -> bool {
        matches!(self, Metric::Cosine | Metric::Correlation)
    }

    /// The greatest threshold, which is 1.0 for similarities.
    pub fn most(self) -> u32 {
        match self {
            Metric::Cosine | Metric::Correlation => 1 << 16,
            Metric::L1 | Metric::L2 => (1 << 16) - 1,
            Metric::NormalisedL1 | Metric::NormalisedL2 => (1 << 8) - 1,
        }
    }
}

choices! {
    /// What follows a layer.
    pub enum Activation {
        /// Negative values become zero.
        Relu = "relu",
        /// Nothing.
        None = "none",
    }
}

/// A network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// What an element of the data is multiplied by before it is rounded to 8 bits.
    pub scale: f64,
    /// Vectors of the data that stand side by side in one of the first layer.
    pub stack: usize,
    /// The layers, one after the other: as many inputs as the one before has outputs.
    pub layers: Vec<Layer>,
}

/// A layer; see [the module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Elements of the vector that goes in.
    pub inputs: usize,
    /// Elements of the vector that comes out.
    pub outputs: usize,
    /// Bits of a stored weight: one of [`PRECISIONS`], at most `reference`.
    pub precision: u32,
    /// Bits P of the scale that all precisions share.
    pub reference: u32,
    /// Weights of an input, in a group of outputs, that may differ from zero: 1 to 16.
    pub keep: usize,
    /// The stored weights [outputs, inputs], the input counting fastest.
    pub weights: Vec<i32>,
    /// An exponent for each input and group, [inputs, groups]; without, P − p for all.
    pub exponents: Option<Vec<u8>>,
    /// For each output, in units of the accumulator; of 48 bits.
    pub bias: Vec<i64>,
    /// From accumulators to activations; the last layer has none.
    pub requantisation: Option<Requantisation>,
    /// What decides how much of a vector is used.
    pub control: Control,
}

/// How accumulators become activations of 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requantisation {
    /// What an accumulator is multiplied by.
    pub multiplier: u16,
    /// By how many bits the product is shifted to the right, rounded half up: 0 to 31.
    pub shift: u32,
    /// What follows.
    pub activation: Activation,
}

/// The run-time control of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// What is used of a vector.
    pub mode: Mode,
    /// How a vector is compared with the one before.
    pub metric: Metric,
    /// The thresholds of coherence, one less than levels.
    pub coherence: Vec<u32>,
    /// By how much a threshold moves towards the band of the vector before.
    pub hysteresis: u32,
    /// Vectors that use a level before it changes again; 0 and 1 mean the same.
    pub dwell: u32,
    /// Survivors of a group in the first step of a sequence: up to 16.
    pub first_keep: usize,
    /// What the survivors of the vector before have ahead when scores are compared.
    pub bonus: u32,
    /// The levels from LOW on: 2 to 8.
    pub levels: Vec<Level>,
}

/// A level of sparsity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Survivors of a group of 16 inputs at most.
    pub keep: usize,
    /// What the score of a survivor has to exceed: 0 to 255.
    pub threshold: u32,
    /// What the magnitude of a weight has to exceed in mode mask: 0 to 2^31 - 1; 0 if weights have
    /// more than 8 bits.
    pub weight_threshold: u32,
}

impl Default for Level {
    /// One that leaves nothing out.
    fn default() -> Level {
        Level { keep: GROUP, threshold: 0, weight_threshold: 0 }
    }
}

impl Default for Control {
    /// Two levels that leave nothing out.
    fn default() -> Control {
        Control {
            mode: Mode::Delta,
            metric: Metric::NormalisedL1,
            coherence: vec![0],
            hysteresis: 0,
            dwell: 0,
            first_keep: GROUP,
            bonus: 0,
            levels: vec![Level::default(); 2],
        }
    }
}

impl Control {
    /// What the magnitude of a weight has to exceed at a level: 0 but in mode mask.
    pub fn weight_threshold(&self, level: usize) -> u32 {
        if self.mode == Mode::Mask { self.levels[level].weight_threshold } else { 0 }
    }
}

impl Layer {
    /// How many groups the outputs form.
    pub fn groups(&self) -> usize {
        self.outputs.div_ceil(GROUP)
    }

    /// What the stored weight of an output and an input stands for.
    pub fn weight(&self, output: usize, input: usize) -> i64 {
        let groups = self.groups();
        let exponent = match &self.exponents {
            Some(exponents) => u32::from(exponents[input * groups + output % groups]),
            None => self.reference - self.precision,
        };
        i64::from(self.weights[output * self.inputs + input]) << exponent
    }

    /// Weights of an input whose magnitude, for what they stand, is above a threshold; with 0, those
    /// that differ from zero.
    pub fn stored(&self, input: usize, threshold: u32) -> usize {
        let column = (0..self.outputs).map(|output| self.weight(output, input).unsigned_abs());
        column.filter(|&magnitude| magnitude > u64::from(threshold)).count()
    }
}

impl Network {
    /// Reads a network.
    ///
    /// # Errors
    /// Everything that is wrong with the file, and with the arrays that it names.
    pub fn read(path: &Path) -> Result<Network, Diagnostics> {
        let file = path.display().to_string();
        let text = String::from_utf8(read_bytes(path)?).map_err(|_| {
            diagnostic("E0501", format!("{file} is not UTF-8 text"), "save it as UTF-8")
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        reader::parse(&file, &text, &|name| std::fs::read(folder.join(name)))
    }

    /// The files that hold it: `network.toml`, which begins with the lines of `comment`, and its
    /// arrays, each with its name. Whoever reads them gets the same network.
    pub fn files(&self, comment: &str) -> Vec<(String, Vec<u8>)> {
        writer::files(self, comment)
    }

    /// A sequence as vectors of 8 bits for the first layer.
    ///
    /// # Errors
    /// If its vectors have another number of elements than the network takes.
    pub fn quantised(&self, sequence: &Sequence) -> Result<Vec<Vec<i8>>, Diagnostics> {
        let elements = self.layers[0].inputs / self.stack;
        if let Some(other) = sequence.vectors.iter().find(|vector| vector.len() != elements) {
            let given = other.len();
            let message =
                format!("the vectors have {given} elements, the network takes {elements}");
            let help = "name data that the network was trained for";
            return Err(diagnostic("E0507", message, help).into());
        }
        let element = |value: &f64| (value * self.scale).round().clamp(-128.0, 127.0) as i8;
        let stacked = sequence.stacked(self.stack).vectors;
        Ok(stacked.iter().map(|vector| vector.iter().map(element).collect()).collect())
    }

    /// The same, with everything used of every vector.
    pub fn dense(mut self) -> Network {
        for layer in &mut self.layers {
            layer.control.mode = Mode::Dense;
        }
        self
    }
}
