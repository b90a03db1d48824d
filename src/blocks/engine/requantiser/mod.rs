//! Requantiser: from the sums of a layer to the vector of the next one.
//!
//! Streams: `load` with biases; `in` with sums, `lanes` in a beat, of a layer's vector up to `last`;
//! `out` with the vectors of all layers but the final one, for the next layer; `result` with the sums
//! of the final one. `tag` goes along.
//!
//! A sum and its bias make the accumulator. In `result` it goes out as it is; for `out` it is, in this
//! order, multiplied by `multiplier_i`, rounded (plus 2^(`shift_i` - 1), or 0 with a shift of 0),
//! shifted right by `shift_i`, and saturated to `activation_bits`; with `relu_i`, what is negative
//! becomes 0. All of these are known of each layer, the first lowest; so is `empty_i`, how many lanes
//! of a vector's last beat hold nothing.
//!
//! The biases of lane l of a layer's beats stand at `bias_base_i` and behind, a beat after the other.
//! `load` brings one for a `lane` at an `address`; one for a lane that does not exist is not kept. A
//! beat with `last` ends them; nothing else goes in before, and later on biases go in where the block
//! is at rest, and then again nothing else does until `last`.
//!
//! `holds_o` says whether any beat is inside.
//!
//! # Cycles
//!
//! One beat per cycle. A result is there two cycles after its beat went in, a vector's beat four.
//! What waits to be taken holds up what comes behind it, once the stages between are full:
//! `in_ready_o` follows `out_ready_i` and `result_ready_i` without a register between.

mod lane;
mod model;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::Block;
use crate::config::{Tech, Violation, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

parameters! {
    /// Parameters of the requantiser.
    pub struct RequantiserParameters {
        /// Sums that come in at once.
        lanes: u32 = 4 in 1..=64,
        /// Layers.
        layers: u32 = 4 in 2..=8,
        /// Bits of a sum.
        sum_bits: u32 = 23 in 8..=64,
        /// Bits of an element of a vector, which is signed.
        activation_bits: u32 = 8 in 4..=16,
        /// Biases of a lane.
        biases: u32 = 128 in 2..=65536,
    }
}

pub(crate) use model::Layer;

/// The requantiser.
pub struct Requantiser;

impl Block for Requantiser {
    type Parameters = RequantiserParameters;
    const NAME: &'static str = "requantiser";
    const SUMMARY: &'static str = "Makes the next layer's vector of a layer's sums.";

    fn validate(_: &RequantiserParameters) -> Vec<Violation> {
        vec![]
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &RequantiserParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &RequantiserParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn accepts(parameters: &RequantiserParameters, stimulus: &Stimulus) -> bool {
        stimulus::accepts(parameters, stimulus)
    }

    fn mutated() -> RequantiserParameters {
        let (lanes, layers, sum_bits, activation_bits, biases) = (1, 2, 8, 4, 4);
        RequantiserParameters { lanes, layers, sum_bits, activation_bits, biases }
    }

    fn variants() -> Vec<RequantiserParameters> {
        vec![
            RequantiserParameters {
                lanes: 3,
                layers: 3,
                sum_bits: 17,
                activation_bits: 5,
                biases: 5,
            },
            RequantiserParameters { lanes: 1, sum_bits: 50, biases: 17, ..Default::default() },
        ]
    }
}
