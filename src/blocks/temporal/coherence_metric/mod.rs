//! Temporal coherence metric: how alike a vector and the one before it are, as a band.
//!
//! Streams: `in` with vectors (see [the engine's](super) conventions), `out` with one beat for each
//! vector, in order. The vector, `a`, is compared with the raw vector before of the same layer,
//! `b`, which stands in a RAM and is replaced as it is read. With `weights`, vectors of weights
//! (field `weights`) are compared with each other, and have thresholds of their own.
//!
//! `metric`, `new_sequence`, `weights` and `layer` count in a vector's first beat. A vector is at
//! most `longest` elements long: sums, and so the band, of a longer one mean nothing.
//!
//! # Metrics
//!
//! | code | metric | threshold `t` is met where | `t` |
//! |---|---|---|---|
//! | 0 | cosine | Σab ≥ 0 and 2^32·(Σab)² ≥ t²·Σa²·Σb² | 2^-16 |
//! | 1 | correlation | the same on N·Σab − Σa·Σb, N·Σa² − (Σa)² and N·Σb² − (Σb)² | 2^-16 |
//! | 2 | l1 | 2^8·Σ\|a−b\| ≤ t·N | 2^-8 LSB |
//! | 3 | l2 | 2^16·Σ(a−b)² ≤ t²·N | 2^-8 LSB |
//! | 4 | normalised_l1 | 2^8·Σ\|a−b\| ≤ t·(Σ\|a\| + Σ\|b\|) | 2^-8 |
//! | 5 | normalised_l2 | 2^16·Σ(a−b)² ≤ t²·(Σa² + Σb²) | 2^-8 |
//!
//! N is the number of elements. What is compared is exact. A similarity (cosine, correlation) whose
//! Σa²·Σb², or the product of whose variances, is zero meets every threshold if a = b, and else
//! none. A code that is not built in counts as the first that is; with one metric there is no field
//! `metric`.
//!
//! The `band` is the number of thresholds that are met, 0 to `bands` − 1; they need no order. They
//! are made easier to meet by `hysteresis_i` where the band of the vector before was above their
//! position (0 for the first), and harder where it was not: similarities t − h (0 at least) and
//! t + h, distances t + h and t − h (0 at least). What is above 1.0 counts as 1.0 for similarities.
//! Thresholds and hysteresis have as many bits as a metric that is built in needs: 17 for
//! similarities, `width` + 8 for L1 and L2, 8 for those normalised; all bits count for each metric.
//!
//! A vector is a `first` step after a reset, with `new_sequence`, and where its length is not that
//! of the one before. Its band is 0, and the sums with `b` in them are 0.
//!
//! # Timing
//!
//! One beat per cycle goes in. The band of a vector comes out L cycles after its last beat went in,
//! and vectors follow each other in max(beats, L − 1) cycles. With digits(x) = ⌈x/`digit`⌉, and the
//! bits of a number being those of its greatest value,
//!
//! L = 3 + f + (`bands` − 1)·u, where
//!
//! - u = 1 + s for L1 and normalised L1, and 1 + digits(T) + s for all others. T is the threshold
//!   in use: 17 bits with similarities, `width` + 8 with L1 or L2, 9 with those normalised, the
//!   most of what is built in; s is digits of the widest factor that the last multiplication has
//!   with any metric built in: T, or its square, of 33 bits for similarities and of twice those of
//!   T for L2 and normalised L2.
//! - f = 2·v for similarities, where v is digits of the widest that is built in of Σa² and of a
//!   variance, N²·(2^`width` − 1)²/4; 0 for distances.
//! - For the correlation, f has 3·(digits(Σa, signed) + digits(N)) more.
//!
//! With all metrics, 8 bits, vectors of 1,024 and one threshold these are 13 cycles for L1 and
//! normalised L1, 18 for L2 and normalised L2, 36 for cosine and 60 for the correlation; each
//! further threshold takes 10 or 15. With normalised L1 alone, `digit` = 1 is the smallest choice,
//! and its 13 cycles are as many.
//!
//! `in_ready_o` follows `out_ready_i` without a register between.

mod before;
mod decide;
mod lane;
mod model;
mod multiplier;
mod properties;
mod rtl;
mod sizes;
mod stimulus;
mod sums;
#[cfg(test)]
mod tests;
mod thresholds;

use std::sync::Arc;

use crate::blocks::Block;
use crate::config::{Tech, Violation, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

pub(in crate::blocks::temporal) use model::band_of;
pub(in crate::blocks::temporal) use stimulus::Witness;

parameters! {
    /// Parameters of the coherence metric.
    pub struct CoherenceMetricParameters {
        /// Bits of an element, which is signed.
        width: u32 = 8 in 2..=16,
        /// Elements of a beat.
        lanes: u32 = 4 in 1..=64,
        /// Elements of the longest vector.
        longest: u32 = 48 in 1..=65536,
        /// Layers, each with a vector before of its own.
        layers: u32 = 1 in 1..=16,
        /// Bands: one more than thresholds.
        bands: u32 = 2 in 2..=8,
        /// Builds in the cosine similarity.
        cosine: bool = true,
        /// Builds in Pearson's correlation.
        correlation: bool = false,
        /// Builds in the mean absolute difference.
        l1: bool = false,
        /// Builds in the root of the mean squared difference.
        l2: bool = false,
        /// Builds in the L1 distance relative to the sum of the norms.
        normalised_l1: bool = true,
        /// Builds in the L2 distance relative to the root of the sum of the squared norms.
        normalised_l2: bool = false,
        /// Compares vectors of weights, too, by thresholds of their own.
        weights: bool = false,
        /// Bits of a factor that the sequential multiplier takes in a cycle.
        digit: u32 = 4 in 1..=32,
    }
}

/// A measure of how alike two vectors are; its code is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    Cosine,
    Correlation,
    L1,
    L2,
    NormalisedL1,
    NormalisedL2,
}

impl Metric {
    /// The name of its parameter.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Metric::Cosine => "cosine",
            Metric::Correlation => "correlation",
            Metric::L1 => "l1",
            Metric::L2 => "l2",
            Metric::NormalisedL1 => "normalised_l1",
            Metric::NormalisedL2 => "normalised_l2",
        }
    }
}

impl CoherenceMetricParameters {
    /// The metrics that are built in, by their codes.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let all = [
            (self.cosine, Metric::Cosine),
            (self.correlation, Metric::Correlation),
            (self.l1, Metric::L1),
            (self.l2, Metric::L2),
            (self.normalised_l1, Metric::NormalisedL1),
            (self.normalised_l2, Metric::NormalisedL2),
        ];
        all.into_iter().filter(|(built_in, _)| *built_in).map(|(_, metric)| metric).collect()
    }

    /// Bits of a threshold.
    pub(in crate::blocks::temporal) fn threshold_bits(&self) -> u32 {
        sizes::threshold_bits(self)
    }

    /// Cycles from the last beat of a vector with this code of a metric to its band.
    pub(in crate::blocks) fn latency(&self, code: u64) -> u64 {
        let metrics = self.metrics();
        let known = metrics.iter().find(|&&metric| metric as u64 == code);
        model::latency(self, *known.unwrap_or(&metrics[0]))
    }
}

/// The coherence metric.
pub struct CoherenceMetric;

impl Block for CoherenceMetric {
    type Parameters = CoherenceMetricParameters;
    const NAME: &'static str = "coherence_metric";
    const SUMMARY: &'static str = "Says how alike a vector and the one before it are.";

    fn validate(p: &CoherenceMetricParameters) -> Vec<Violation> {
        if !p.metrics().is_empty() {
            return vec![];
        }
        vec![Violation {
            parameter: "cosine",
            code: "E0103",
            rule: "at least one metric must be built in".into(),
            note: "cosine, correlation, l1, l2, normalised_l1 and normalised_l2 are all false"
                .into(),
            help: "set one of them, for example normalised_l1 = true".into(),
        }]
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &CoherenceMetricParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &CoherenceMetricParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn mutated() -> CoherenceMetricParameters {
        // Each threshold more is one more that vectors come close to.
        let (width, lanes, longest, bands) = (4, 2, 6, 4);
        CoherenceMetricParameters { width, lanes, longest, bands, ..Default::default() }
    }

    fn variants() -> Vec<CoherenceMetricParameters> {
        let default = CoherenceMetricParameters::default;
        let none = CoherenceMetricParameters { cosine: false, normalised_l1: false, ..default() };
        vec![
            CoherenceMetricParameters {
                width: 5,
                lanes: 3,
                longest: 17,
                layers: 3,
                bands: 4,
                correlation: true,
                l1: true,
                l2: true,
                normalised_l2: true,
                weights: true,
                ..default()
            },
            CoherenceMetricParameters {
                lanes: 1,
                longest: 5,
                normalised_l1: true,
                digit: 1,
                ..none.clone()
            },
            CoherenceMetricParameters {
                width: 4,
                lanes: 2,
                longest: 6,
                correlation: true,
                digit: 32,
                bands: 3,
                ..none.clone()
            },
            CoherenceMetricParameters {
                layers: 2,
                longest: 16,
                l1: true,
                bands: 3,
                ..none.clone()
            },
            CoherenceMetricParameters { width: 2, longest: 1, l2: true, weights: true, ..none },
        ]
    }
}
