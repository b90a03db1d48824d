//! Layer engine: runs a stack of fully connected layers on sequences of vectors, and skips what did
//! not change.
//!
//! ```text
//!  in ---+-> temporal_path -> queue -> feed ==> pe_cluster ==> collect -> requantiser ---> out
//!        |    (survivors)            (crossbar)   (sums)     (crossbar)        |
//!        +---------------------------------------------------------------------+
//!                                  vectors of the next layer
//! ```
//!
//! A vector goes through the [`temporal_path`](crate::blocks::temporal::temporal_path) of its layer,
//! which picks the survivors. They are multicast to all clusters of
//! [processing elements](super::pe_cluster), which share the outputs of each layer. When the last
//! survivor is worked on, the clusters' sums come together in the [`requantiser`](super::requantiser),
//! and go back as the vector of the next layer, or out if it was the final one.
//!
//! # Streams
//!
//! - `load`: words of weights and biases. `unit` is the processing element that a word is for, those
//!   of cluster 0 first, or behind all of them the lane of a bias; `word` is what is said there. A
//!   beat with `last` ends them; nothing else goes in before, and later on they go in where the engine
//!   is at rest. A weight of 16 or 32 bits ends in the column that it begins in, because vectors of
//!   other layers may come between two survivors.
//! - `in`: the vectors of layer 0, one for each step; `new_sequence` counts in a vector's first beat
//!   and holds for all layers of the step: nothing is known of what was before.
//! - `out`: for each step the accumulators of the final layer.
//!
//! # State
//!
//! After each vector a layer's accumulators are its biases and its weights times x̂, what the layer
//! made of its input: in mode dense the vector, in mode mask the survivors, in mode delta all that
//! was transmitted of it. In the first two modes, and as a sequence begins, sums begin with 0 again;
//! so `mode_i` may change from vector to vector, between steps.
//!
//! In mode mask weights are masked as well: of each column those count whose magnitude is above
//! `weight_threshold_i` of the vector's level (see `pe_cluster`). Where a layer has one that is not 0,
//! what follows such a vector in mode delta is a dense vector, unless a sequence begins.
//!
//! # Clocks
//!
//! Each cluster runs on a clock of its own, behind one of all of them; what stops them is
//! [`gating`](crate::blocks::fabric::gating), which has `override_i` (here `keep_awake_i`),
//! `test_enable_i` and the counters, with clusters in the place of cores. What is offered to a cluster
//! wakes it in the same cycle, so no cycle is lost.
//!
//! # Counters
//!
//! `executed_o` counts, of each layer, products with weights that are neither 0 nor masked (of a weight
//! of 16 or 32 bits, one for each byte), `vectors_o` its vectors; `bands_o` counts vectors by the band of their
//! coherence, `firsts_o` those that there was nothing to compare with. They wrap; `clear_i` sets them
//! to 0. `busy_o` is 1 while any step is under way or a band is still to be known: settings have to
//! rest then. `loading_o` is 1 until `load_last_i`.
//!
//! # Outputs of a layer
//!
//! Output b * `lanes` + l of a layer is in lane l of beat b. Of a row's 2^`spread_i` beats each cluster
//! has `lanes` / `clusters` lanes: lane l is that of cluster l / (`lanes` / `clusters`), and beat b is
//! beat b modulo 2^`spread_i` of row b / 2^`spread_i` there (see `pe_cluster`).
//!
//! # Cycles
//!
//! Up to `in_flight` steps are under way, each in one layer at a time. A vector that comes back goes
//! into the path before a new one, and a new one does not begin while any sums are on their way. The
//! queue holds the survivors of all vectors, so the path never waits for the clusters.

mod clock;
mod counters;
mod model;
mod parts;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::pe_cluster::{PeCluster, PeClusterParameters};
use super::requantiser::RequantiserParameters;
use crate::blocks::Block;
use crate::blocks::common::fifo::{FifoParameters, Storage};
use crate::blocks::fabric::crossbar::{CrossbarParameters, Mode, Topology};
use crate::blocks::fabric::gating::GatingParameters;
use crate::blocks::temporal::temporal_path::{TemporalPath, TemporalPathParameters};
use crate::config::{Tech, Violation, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

pub(crate) use clock::{Vector, run as schedule};
pub(crate) use model::{Engine, Layer, Settings, Step};

/// Elements of a group of inputs, of which so many survive, and outputs of a group of rows.
pub(crate) const GROUP: u32 = 16;

parameters! {
    /// Parameters of the layer engine.
    pub struct LayerEngineParameters {
        /// Elements of a vector that go in at once; a power of two, at least `clusters`.
        lanes: u32 = 4 in 1..=16,
        /// Clusters of processing elements; a power of two.
        clusters: u32 = 2 in 1..=8,
        /// Processing elements of a cluster; a power of two.
        elements: u32 = 8 in 1..=32,
        /// Layers.
        layers: u32 = 4 in 2..=8,
        /// Elements of the longest vector, and outputs of the largest layer.
        longest: u32 = 128 in 1..=4096,
        /// Words of weights of a processing element.
        words: u32 = 4096 in 1..=1048576,
        /// Bits of an element, which is signed.
        activation_bits: u32 = 8 in 4..=16,
        /// Bits of the narrowest weight: 2, 4 or 8.
        narrowest: u32 = 2 in 2..=8,
        /// Bits of the widest weight: 8, 16 or 32.
        widest: u32 = 8 in 8..=32,
        /// Bits of the weight whose scale all others share: at least `widest`.
        reference: u32 = 8 in 8..=32,
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
        /// Bits that the mask generator decides at once: more take fewer cycles and more gates.
        digit: u32 = 2 in 1..=3,
        /// Beats of a vector that wait to be compared, while survivors leave one by one: where it holds
        /// a whole vector, the sums that make it are read without a pause.
        buffer: u32 = 16 in 2..=65536,
        /// Whether the clocks of clusters are ever stopped; otherwise cycles are only counted.
        gate: bool = true,
        /// For how many cycles a cluster's clock goes on when there is nothing to do.
        idle_cycles: u32 = 4 in 0..=65535,
        /// Steps that are under way at the same time, at most.
        in_flight: u32 = 2 in 1..=8,
    }
}

impl LayerEngineParameters {
    /// The parameters of the temporal path.
    pub(crate) fn path(&self) -> TemporalPathParameters {
        TemporalPathParameters {
            width: self.activation_bits,
            lanes: self.lanes,
            group: GROUP,
            longest: self.longest,
            layers: self.layers,
            layer_settings: true,
            bands: self.bands,
            cosine: self.cosine,
            correlation: self.correlation,
            l1: self.l1,
            l2: self.l2,
            normalised_l1: self.normalised_l1,
            normalised_l2: self.normalised_l2,
            first_keep: GROUP,
            digit: self.digit,
            buffer: self.buffer,
            outlets: false,
            ..TemporalPathParameters::default()
        }
    }

    /// Sums that a cluster sends at once.
    pub(crate) fn sum_lanes(&self) -> u32 {
        (self.lanes / self.clusters).max(1)
    }

    /// Groups of outputs of a processing element, in the largest layer.
    pub(crate) fn passes(&self) -> u32 {
        let groups = self.longest.div_ceil(GROUP).next_power_of_two();
        (groups / (self.clusters * self.elements)).max(1)
    }

    /// The parameters of a cluster.
    pub(crate) fn cluster(&self) -> PeClusterParameters {
        PeClusterParameters {
            elements: self.elements,
            lanes: self.sum_lanes(),
            layers: self.layers,
            longest: self.longest,
            passes: self.passes(),
            words: self.words,
            activation_bits: self.activation_bits,
            narrowest: self.narrowest,
            widest: self.widest,
            reference: self.reference,
        }
    }

    /// The parameters of what stops the clocks of clusters: what is offered wakes them at once.
    fn gating(&self) -> GatingParameters {
        GatingParameters {
            clusters: 1,
            cores: self.clusters,
            idle_cycles: self.idle_cycles,
            wake_cycles: 0,
            counter_width: 32,
            gate: self.gate,
        }
    }

    /// The parameters of the requantiser, of sums of `sum_bits`.
    pub(crate) fn requantiser(&self, sum_bits: u32) -> RequantiserParameters {
        RequantiserParameters {
            lanes: self.lanes,
            layers: self.layers,
            sum_bits,
            activation_bits: self.activation_bits,
            biases: (self.layers * self.longest.div_ceil(self.lanes)).max(2),
        }
    }

    /// The parameters of the queue of survivors, whose elements are `width` bits wide: it holds those
    /// of all vectors that are under way, or the word that there are none.
    fn queue(&self, width: u32) -> FifoParameters {
        let depth = (self.in_flight * self.longest).max(4);
        FifoParameters { width, depth, storage: Storage::Ram }
    }

    /// The parameters of the queue of what is known of the vectors in the path.
    fn vectors(&self, width: u32) -> FifoParameters {
        FifoParameters { width, depth: self.in_flight.max(2), storage: Storage::Registers }
    }

    /// The parameters of a crossbar of multicast to all clusters.
    fn crossbar(&self, inputs: u32, width: u32) -> CrossbarParameters {
        CrossbarParameters {
            inputs,
            outputs: self.clusters,
            width,
            mode: Mode::Multicast,
            topology: Topology::Mux,
        }
    }
}

/// The layer engine.
pub struct LayerEngine;

impl Block for LayerEngine {
    type Parameters = LayerEngineParameters;
    const NAME: &'static str = "layer_engine";
    const SUMMARY: &'static str =
        "Runs layers on sequences of vectors, and skips what did not change.";

    fn validate(p: &LayerEngineParameters) -> Vec<Violation> {
        let mut violations = vec![];
        let mut refuse = |parameter, rule: &str, note, help| {
            let rule = rule.into();
            violations.push(Violation { parameter, code: "E0103", rule, note, help });
        };
        let sizes = [("lanes", p.lanes), ("clusters", p.clusters), ("elements", p.elements)];
        for (parameter, value) in sizes.into_iter().filter(|(_, value)| !value.is_power_of_two()) {
            let power = value.next_power_of_two();
            let note = format!("{parameter} = {value} is no power of two");
            let help = format!("use {} or {power}", power / 2);
            refuse(parameter, "outputs are spread by bits of their numbers", note, help);
        }
        if p.lanes < p.clusters {
            let note = format!("lanes = {}", p.lanes);
            let help = format!("use up to {} clusters, or lanes = {}", p.lanes, p.clusters);
            refuse("clusters", "each cluster has a lane of its own", note, help);
        }
        if p.lanes > p.clusters * p.elements {
            let note = format!("clusters = {}, elements = {}", p.clusters, p.elements);
            let help = format!("use up to {}", p.clusters * p.elements);
            refuse("lanes", "each lane has a processing element of its own", note, help);
        }
        if !violations.is_empty() {
            return violations;
        }
        let passes = p.passes();
        if passes > 8 {
            violations.push(Violation {
                parameter: "longest",
                code: "E0103",
                rule: "a processing element has at most 8 groups of 16 outputs".into(),
                note: format!("clusters = {}, elements = {}", p.clusters, p.elements),
                help: format!("use up to {}", 8 * GROUP * p.clusters * p.elements),
            });
            return violations;
        }
        violations.extend(PeCluster::validate(&p.cluster()));
        violations.extend(TemporalPath::validate(&p.path()));
        violations
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        tech: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters, tech)
    }

    fn model(parameters: &LayerEngineParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &LayerEngineParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn accepts(parameters: &LayerEngineParameters, stimulus: &Stimulus) -> bool {
        stimulus::accepts(parameters, stimulus)
    }

    fn mutated() -> LayerEngineParameters {
        LayerEngineParameters {
            lanes: 2,
            clusters: 1,
            elements: 2,
            layers: 2,
            longest: 4,
            words: 16,
            activation_bits: 4,
            narrowest: 4,
            gate: false,
            ..Default::default()
        }
    }

    fn variants() -> Vec<LayerEngineParameters> {
        vec![
            LayerEngineParameters {
                lanes: 8,
                clusters: 4,
                elements: 2,
                layers: 3,
                longest: 33,
                words: 256,
                activation_bits: 6,
                bands: 3,
                l1: true,
                in_flight: 3,
                ..Default::default()
            },
            LayerEngineParameters {
                lanes: 1,
                clusters: 1,
                elements: 1,
                layers: 3,
                longest: 16,
                words: 64,
                activation_bits: 5,
                cosine: true,
                in_flight: 3,
                ..Default::default()
            },
            LayerEngineParameters {
                clusters: 2,
                words: 32,
                gate: true,
                widest: 32,
                reference: 32,
                ..Self::mutated()
            },
        ]
    }
}
