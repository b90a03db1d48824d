//! Cluster of processing elements: multiplies each survivor by its column of weights and keeps the
//! sums of all layers.
//!
//! A processing element has a memory of weights and a [`vp_mac`](crate::blocks::precision::vp_mac)
//! in its organisation `outer`. All elements of a cluster work on the same survivor, each with the
//! weights that its own memory holds at the same address, so all have the same to do: a survivor
//! that is left out saves its cycles everywhere.
//!
//! # Streams
//!
//! - `load`: words of weights, for an `element` at an `address`; one for an element that does not
//!   exist is not kept. `last` is with the final one: after a reset nothing else goes in before that. Later on words go in where the cluster is at rest, and
//!   then again nothing else does until `last`.
//! - `in`: the survivors of vectors: `value`, `column` (its position in the vector), `layer`; `count`
//!   is 0 in the one beat of a vector that has none. `fresh`, which counts in a vector's first beat,
//!   sets the layer's sums to 0 before. `tag` goes along with the sums of the vector whose last beat
//!   it is in. Weights whose magnitude is not above `weight_threshold` are left out.
//! - `out`: after the last survivor of a vector its layer's sums, `lanes` in a beat.
//!
//! `sends_o` says whether sums are on their way out, from when the last word of a vector is worked with,
//! `busy_o` whether anything is inside: then, and while anything is offered, the clock has to run.
//!
//! # Words
//!
//! Of a layer's column c the words stand at `base_i` + c * `stride_i` and behind, `stride_i` of them,
//! and take a cycle each. A word is, from its lowest bit: 8 bits of weights, 4 bits of a row for each
//! place in them (see `vp_mac`), the pass if there are several, the exponent and the tag of the
//! precision. A weight counts for the row of the place that it begins in; what is not needed is 0.
//!
//! # The mask of weights
//!
//! Of each word only those weights count for which |w · 2^e| > `weight_threshold`, with the exponent e
//! of the word: those of a mask generator that keeps all above a threshold. It is decided as a word is
//! worked with and takes no cycle. A weight that is 0 never counts, one of more than 8 bits always.
//!
//! # Where an output's weights are
//!
//! The outputs of a layer come in groups of up to 16 rows, as many groups as are nearest to a
//! multiple of the elements: with 2^`spread_i` beats to a row, `lanes` * 2^`spread_i` of them. Output
//! lane i of beat j of row r is row r of group g = j * `lanes` + i. With no more groups than elements,
//! group g belongs to the `elements` / groups elements from g * `elements` / groups on, which may
//! share its weights in any way: the sums of their rows are added. With more groups, it belongs to
//! element g modulo `elements`, in pass g / `elements`.
//!
//! # Cycles
//!
//! A survivor takes a cycle for each word of its column, one at least, and one more where it begins a
//! vector that is `fresh`. The next goes in as the last of them is read, so there is no gap. Two
//! cycles after the last word of a vector was read its first sums are there, and one beat follows in
//! each cycle; meanwhile survivors of other layers are worked on. A survivor waits while sums of its
//! own layer are to be read, and the last word of a vector while those of another vector are.
//! `in_ready_o` follows `in_layer_i` and `out_ready_i` without a register between.

mod model;
mod properties;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::Block;
use crate::blocks::precision::vp_mac::{Organisation, VpMac, VpMacParameters};
use crate::config::{Tech, Violation, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

pub(super) use model::{Clock, Sums, Words, Work};
pub(crate) use model::{Layer, Word, sum_bits, word_bits};
pub(crate) use rtl::{products_bits, sum_type, word_in_words, word_type};
pub(super) use stimulus::column as any_column;

/// Rows of a group.
const ROWS: u32 = 16;

/// Bits of a row's number within its group.
const ROW_BITS: u32 = 4;

/// Bits of weights in a word.
const SLOT: u32 = 8;

parameters! {
    /// Parameters of the cluster of processing elements.
    pub struct PeClusterParameters {
        /// Processing elements, each with a slot of 8 bits of weights; a power of two.
        elements: u32 = 8 in 1..=64,
        /// Sums that go out at once; a power of two, no more than `elements`.
        lanes: u32 = 2 in 1..=64,
        /// Layers, each with sums of its own.
        layers: u32 = 4 in 2..=8,
        /// Elements of the longest vector.
        longest: u32 = 128 in 1..=4096,
        /// Groups of outputs that an element may have; a power of two.
        passes: u32 = 1 in 1..=8,
        /// Words of weights of an element.
        words: u32 = 4096 in 1..=1048576,
        /// Bits of a value, which is signed.
        activation_bits: u32 = 8 in 4..=16,
        /// Bits of the narrowest weight: 2, 4 or 8.
        narrowest: u32 = 2 in 2..=8,
        /// Bits of the widest weight: 8, 16 or 32.
        widest: u32 = 8 in 8..=32,
        /// Bits of the weight whose scale all others share: at least `widest`.
        reference: u32 = 8 in 8..=32,
    }
}

impl PeClusterParameters {
    /// The parameters of the multiply-accumulate.
    fn mac(&self) -> VpMacParameters {
        VpMacParameters {
            organisation: Organisation::Outer,
            depth: self.layers * self.rows(),
            pages: self.layers,
            peek: true,
            activation_bits: self.activation_bits,
            narrowest: self.narrowest,
            widest: self.widest,
            reference: self.reference,
            exponents: true,
            longest: self.longest,
            ..VpMacParameters::default()
        }
    }

    /// Rows of a layer in an element.
    fn rows(&self) -> u32 {
        ROWS * self.passes
    }

    /// Places for weights in a word.
    fn places(&self) -> u32 {
        SLOT / self.narrowest
    }

    /// The most words of a column.
    pub(super) fn longest_column(&self) -> u32 {
        self.rows() * self.widest / SLOT
    }

    /// The most beats of a row, as a power of two.
    pub(super) fn most_spread(&self) -> u32 {
        (self.elements * self.passes / self.lanes).ilog2()
    }

    /// The most beats of a layer's sums.
    pub(super) fn most_beats(&self) -> u32 {
        ROWS << self.most_spread()
    }
}

/// The cluster of processing elements.
pub struct PeCluster;

impl Block for PeCluster {
    type Parameters = PeClusterParameters;
    const NAME: &'static str = "pe_cluster";
    const SUMMARY: &'static str =
        "Multiplies survivors by their columns of weights, and keeps sums.";

    fn validate(p: &PeClusterParameters) -> Vec<Violation> {
        let mut violations = vec![];
        let sizes = [("elements", p.elements), ("lanes", p.lanes), ("passes", p.passes)];
        for (parameter, value) in sizes.into_iter().filter(|(_, value)| !value.is_power_of_two()) {
            let power = value.next_power_of_two();
            violations.push(Violation {
                parameter,
                code: "E0103",
                rule: "groups are spread over elements by bits of their numbers".into(),
                note: format!("{parameter} = {value} is no power of two"),
                help: format!("use {} or {power}", power / 2),
            });
        }
        if !violations.is_empty() {
            return violations;
        }
        if p.lanes > p.elements {
            violations.push(Violation {
                parameter: "lanes",
                code: "E0103",
                rule: "no more sums go out at once than elements have".into(),
                note: format!("elements = {}", p.elements),
                help: format!("use up to {}", p.elements),
            });
        }
        // What the multiply-accumulate asks for has the same names here.
        violations.extend(VpMac::validate(&p.mac()));
        violations
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        tech: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters, tech)
    }

    fn model(parameters: &PeClusterParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &PeClusterParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn accepts(parameters: &PeClusterParameters, stimulus: &Stimulus) -> bool {
        stimulus::accepts(parameters, stimulus)
    }

    fn mutated() -> PeClusterParameters {
        PeClusterParameters {
            elements: 2,
            lanes: 1,
            layers: 2,
            longest: 3,
            words: 16,
            activation_bits: 4,
            narrowest: 4,
            ..Default::default()
        }
    }

    fn variants() -> Vec<PeClusterParameters> {
        let small = PeClusterParameters { longest: 17, words: 64, ..Default::default() };
        vec![
            PeClusterParameters { elements: 1, lanes: 1, layers: 2, passes: 4, ..small.clone() },
            PeClusterParameters {
                elements: 2,
                layers: 3,
                passes: 2,
                activation_bits: 5,
                narrowest: 4,
                widest: 32,
                reference: 32,
                ..small.clone()
            },
            PeClusterParameters { elements: 16, lanes: 4, widest: 16, reference: 20, ..small },
        ]
    }
}
