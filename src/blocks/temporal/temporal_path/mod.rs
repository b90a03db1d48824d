//! Temporal path: what is worth computing of a vector, given the step before.
//!
//! All of the engine's blocks as one:
//!
//! ```text
//!        +-> metric ---> control ----+           +-----------------------> coherence, level
//!        |                           v           |
//!   in --+-> buffer ---> delta ---> generator ---+-> delta ---+--> apply -> out
//!                        (scores)   (mask)           (values) +-----------> mask
//! ```
//!
//! Each vector is compared with the one before of its layer
//! ([`coherence_metric`](super::coherence_metric)); how alike they are decides how sparse it becomes
//! ([`sparsity_control`](super::sparsity_control)); the elements that matter most survive
//! ([`mask_generator`](super::mask_generator)) and go out with their positions
//! ([`mask_apply`](super::mask_apply)), as they are, or as what changed since they were last
//! transmitted ([`delta`](super::delta)). What each does is said there; this is what the path adds.
//!
//! # Streams
//!
//! - `in`: vectors. `mode` (0 dense, 1 mask, 2 delta), `metric` (if several are built in),
//!   `new_sequence`, `weights` and `layer` count in a vector's first beat. Where bands of weights
//!   count (`combine`), vectors of weights come in as well; they have memories of their own.
//! - `norm`, only with that parameter: for each beat of `in` the norm of the other operand for each
//!   element, unsigned Q8.8, and `weighted`: whether scores are multiplied by it. That counts in the
//!   first beat of each group.
//! - `out`: for each vector its survivors, up to `out_lanes` in a beat, with their positions.
//! - `mask`, with `outlets`: for each beat of `in` the mask, in dense mode of all elements.
//! - `coherence`: for each vector the band of its coherence, and whether it was a first step.
//! - `level`, with `outlets`: for each vector the level of sparsity that it got. Without, `begins_o` and
//!   `level_o` say it as they are used first, before any survivor of the vector comes out.
//!
//! Each stream is in the order of the vectors. All four have to be taken: one that is not holds up
//! the others in the end. What the settings (plain inputs) are has to stay while vectors are inside;
//! with `layer_settings`, each is that of every layer, the first lowest.
//!
//! # Cycles
//!
//! With `level_from = "previous"`, a vector's scores wait for the band of the vector before of its
//! layer, and `buffer` beats are taken meanwhile. With `"current"` they wait for its own, so the
//! buffer holds a whole vector. In dense mode a vector waits like any other. A beat goes on
//! each cycle unless more survivors come than go out, a short last group takes the time of a whole
//! one (see the mask generator), or a decision takes longer than a vector.

mod model;
mod parts;
mod rtl;
mod steps;
mod stimulus;
#[cfg(test)]
mod tests;
mod timing;

use std::sync::Arc;

use crate::blocks::Block;
use crate::blocks::common::fifo::{FifoParameters, Storage};
use crate::blocks::temporal::coherence_metric::{CoherenceMetric, CoherenceMetricParameters};
use crate::blocks::temporal::delta::{Delta, DeltaParameters};
use crate::blocks::temporal::mask_apply::{MaskApplyParameters, Mode};
use crate::blocks::temporal::mask_generator::{MaskGenerator, MaskGeneratorParameters};
use crate::blocks::temporal::sparsity_control::{
    Coherent, Combine, LevelFrom, SparsityControl, SparsityControlParameters,
};
use crate::config::{Tech, Violation, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

pub(crate) use steps::LayerSettings;
pub(in crate::blocks) use steps::Steps;
pub(in crate::blocks) use timing::{Arrival, Clock, Event};

/// Survivors that wait to go out, for each that goes out at once.
const QUEUE: u32 = 8;

/// The most survivors that go out at once.
const MOST_OUT_LANES: u32 = 16;

/// From this many beats on, the buffer is a RAM.
const RAM_FROM: u32 = 17;

parameters! {
    /// Parameters of the temporal path.
    pub struct TemporalPathParameters {
        /// Bits of an element, which is signed.
        width: u32 = 8 in 2..=16,
        /// Elements that come in at once.
        lanes: u32 = 4 in 1..=64,
        /// Elements of a group, of which so many survive; a multiple or a divisor of `lanes`.
        group: u32 = 16 in 2..=64,
        /// Elements of the longest vector.
        longest: u32 = 48 in 1..=4096,
        /// Layers, each with a memory of its own.
        layers: u32 = 1 in 1..=8,
        /// Whether each layer has settings of its own; `bonus_i` is always that of all.
        layer_settings: bool = false,
        /// Bands of coherence, and levels of sparsity.
        bands: u32 = 2 in 2..=8,
        /// Build in cosine similarity.
        cosine: bool = false,
        /// Build in Pearson's correlation.
        correlation: bool = false,
        /// Build in the mean absolute difference.
        l1: bool = false,
        /// Build in the mean squared difference.
        l2: bool = false,
        /// Build in the absolute difference over the magnitudes.
        normalised_l1: bool = true,
        /// Build in the squared difference over the energies.
        normalised_l2: bool = false,
        /// Whose bands count: those of activations, of weights, or the smaller of the two. If those
        /// of weights do, vectors of weights come in as well.
        combine: Combine = Combine::Activations,
        /// Whose coherence decides: that of the vector itself, or of the one before.
        level_from: LevelFrom = LevelFrom::Previous,
        /// Whether more coherence raises the level or lowers it.
        coherent: Coherent = Coherent::Sparser,
        /// Survivors in each group of a first step; at most `group`.
        first_keep: u32 = 16 in 0..=64,
        /// Scores may be multiplied by the other operand's norms.
        norm: bool = false,
        /// Clamp what is transmitted to the bits of an element.
        clip: bool = true,
        /// Beats that wait for their level: at least a whole vector if that is its own.
        buffer: u32 = 4 in 2..=65536,
        /// Bits that the mask generator decides at once: more take fewer cycles and more gates.
        digit: u32 = 2 in 1..=3,
        /// Survivors that go out at once; no more than `lanes`.
        out_lanes: u32 = 1 in 1..=MOST_OUT_LANES,
        /// Put out masks and levels as streams of their own.
        outlets: bool = true,
    }
}

impl TemporalPathParameters {
    /// Whether vectors of weights come in as well.
    pub(super) fn takes_weights(&self) -> bool {
        self.combine != Combine::Activations
    }

    /// Memories: of each layer's activations and, after them, of each layer's weights.
    pub(super) fn places(&self) -> u32 {
        self.layers << u32::from(self.takes_weights())
    }

    /// Beats of the longest vector.
    pub(in crate::blocks) fn beats(&self) -> u32 {
        self.longest.div_ceil(self.lanes)
    }

    /// Cycles from the last beat of a vector with this code of a metric to its band.
    pub(in crate::blocks) fn latency(&self, metric: u64) -> u64 {
        self.metric().latency(metric)
    }

    /// The names and codes of the metrics that are built in.
    pub(crate) fn metric_codes(&self) -> Vec<(&'static str, u64)> {
        self.metric().metrics().iter().map(|metric| (metric.name(), *metric as u64)).collect()
    }

    /// Whether a vector says by which metric it is compared.
    pub(in crate::blocks) fn has_several_metrics(&self) -> bool {
        self.metric().metrics().len() > 1
    }

    /// How many times as wide as that of a block a setting is.
    pub(super) fn settings(&self) -> u32 {
        if self.layer_settings { self.layers } else { 1 }
    }

    /// Bits of a threshold of coherence.
    pub(in crate::blocks) fn threshold_bits(&self) -> u32 {
        self.metric().threshold_bits()
    }

    /// Bits of a score.
    pub(in crate::blocks) fn score_width(&self) -> u32 {
        self.width + if self.norm { 16 } else { 0 }
    }

    /// The parameters of the coherence metric.
    pub(super) fn metric(&self) -> CoherenceMetricParameters {
        CoherenceMetricParameters {
            width: self.width,
            lanes: self.lanes,
            longest: self.longest,
            layers: self.layers,
            bands: self.bands,
            cosine: self.cosine,
            correlation: self.correlation,
            l1: self.l1,
            l2: self.l2,
            normalised_l1: self.normalised_l1,
            normalised_l2: self.normalised_l2,
            weights: self.takes_weights(),
            ..CoherenceMetricParameters::default()
        }
    }

    /// The parameters of the buffer in front of the scores, whose elements are `width` bits wide.
    pub(super) fn buffer(&self, width: u32) -> FifoParameters {
        let storage = if self.buffer < RAM_FROM { Storage::Registers } else { Storage::Ram };
        FifoParameters { width, depth: self.buffer, storage }
    }

    /// The parameters of the sparsity control.
    pub(super) fn control(&self) -> SparsityControlParameters {
        SparsityControlParameters {
            bands: self.bands,
            group: self.group,
            first_keep: self.first_keep,
            threshold_width: self.score_width(),
            layers: self.layers,
            level_from: self.level_from,
            coherent: self.coherent,
            combine: self.combine,
        }
    }

    /// The parameters of what remembers and transmits.
    pub(super) fn delta(&self) -> DeltaParameters {
        DeltaParameters {
            width: self.width,
            lanes: self.lanes,
            longest: self.longest,
            layers: self.places(),
            clip: self.clip,
            depth: self.generator().beats_inside() + 2,
        }
    }

    /// The parameters of the mask generator, which is given scores.
    pub(super) fn generator(&self) -> MaskGeneratorParameters {
        MaskGeneratorParameters {
            width: self.width,
            signed: false,
            lanes: self.lanes,
            group: self.group,
            change: false,
            norm: self.norm,
            digit: self.digit,
        }
    }

    /// The parameters of mask apply.
    pub(super) fn apply(&self) -> MaskApplyParameters {
        MaskApplyParameters {
            width: self.width + u32::from(!self.clip),
            window: self.lanes,
            mode: Mode::Compact,
            lanes: self.out_lanes,
            queue: QUEUE * self.out_lanes,
            longest: self.longest,
            joint: false,
        }
    }
}

/// The temporal path.
pub struct TemporalPath;

impl Block for TemporalPath {
    type Parameters = TemporalPathParameters;
    const NAME: &'static str = "temporal_path";
    const SUMMARY: &'static str =
        "Decides what is worth computing of a vector, given the step before.";

    fn validate(p: &TemporalPathParameters) -> Vec<Violation> {
        // What the blocks ask for, in the words of the path, whose parameters have their names.
        let mut violations = CoherenceMetric::validate(&p.metric());
        violations.extend(SparsityControl::validate(&p.control()));
        violations.extend(MaskGenerator::validate(&p.generator()));
        violations.extend(Delta::validate(&p.delta()));
        let beats = p.beats();
        if p.level_from == LevelFrom::Current && p.buffer < beats {
            violations.push(Violation {
                parameter: "buffer",
                code: "E0103",
                rule: "a vector waits for its own level as a whole".into(),
                note: format!(
                    "level_from = \"current\", longest = {}, lanes = {}",
                    p.longest, p.lanes
                ),
                help: format!("use buffer = {beats}, or level_from = \"previous\""),
            });
        }
        if p.out_lanes > p.lanes {
            violations.push(Violation {
                parameter: "out_lanes",
                code: "E0103",
                rule: "no more survivors go out than elements come in".into(),
                note: format!("lanes = {}", p.lanes),
                help: format!("use out_lanes up to {}", p.lanes.min(MOST_OUT_LANES)),
            });
        }
        violations
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        tech: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters, tech)
    }

    fn model(parameters: &TemporalPathParameters, tech: &Tech) -> Model {
        let (parameters, tech) = (parameters.clone(), *tech);
        Model::streams(move |stimulus| model::run(&parameters, &tech, stimulus))
    }

    fn stimulus(
        parameters: &TemporalPathParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn accepts(parameters: &TemporalPathParameters, stimulus: &Stimulus) -> bool {
        stimulus::accepts(parameters, stimulus)
    }

    fn mutated() -> TemporalPathParameters {
        let (width, lanes, group, longest, first_keep) = (4, 2, 4, 8, 3);
        TemporalPathParameters { width, lanes, group, longest, first_keep, ..Default::default() }
    }

    fn variants() -> Vec<TemporalPathParameters> {
        let default = TemporalPathParameters::default;
        vec![
            TemporalPathParameters {
                width: 5,
                lanes: 1,
                group: 3,
                first_keep: 2,
                longest: 17,
                level_from: LevelFrom::Current,
                buffer: 17,
                cosine: true,
                clip: false,
                ..default()
            },
            TemporalPathParameters {
                lanes: 3,
                group: 6,
                first_keep: 6,
                longest: 48,
                layers: 3,
                layer_settings: true,
                bands: 4,
                combine: Combine::Both,
                l2: true,
                out_lanes: 2,
                ..default()
            },
            TemporalPathParameters {
                width: 4,
                lanes: 8,
                group: 4,
                first_keep: 1,
                longest: 33,
                layers: 2,
                normalised_l1: false,
                correlation: true,
                combine: Combine::Weights,
                coherent: Coherent::Denser,
                norm: true,
                clip: false,
                out_lanes: 3,
                ..default()
            },
        ]
    }
}
