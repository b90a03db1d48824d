//! Delta: what a layer remembers of its input, and what of a new input is transmitted.
//!
//! Of each element of each layer the block remembers an estimate, which is what has been transmitted
//! of it, and the mask that it had the last time. Streams, with the framing of vectors
//! ([`temporal`](crate::blocks::temporal)):
//!
//! - `in`: the elements x (`data`, signed), and with the first beat of a vector its `mode` (0 dense,
//!   1 mask, 2 and 3 delta), whether a `new_sequence` begins with it, and its `layer`. With other
//!   beats these three mean nothing.
//! - `score` out, for each beat: how large each element is (`data`, unsigned): |x|, and in mode
//!   delta |x - estimate|; and its mask of the last time (`previous`). Of lanes without an element
//!   both are what they would be with one.
//! - `mask` in, for each beat of `score`: the elements that survive (`mask`).
//! - `out`, for each beat of `mask`: what is transmitted (`data`, signed), and of which elements
//!   (`mask`); both are 0 elsewhere.
//!
//! | mode  | transmitted          | of               | the estimate becomes     |
//! |-------|----------------------|------------------|--------------------------|
//! | dense | x                    | every element    | x                        |
//! | mask  | x                    | those in `mask`  | x there, 0 elsewhere     |
//! | delta | clamp(x - estimate)  | those in `mask`  | estimate + transmitted   |
//!
//! With `clip`, clamp is to ±(2^(width-1) - 1), so that what is transmitted has `width` bits; without,
//! it does nothing, and there is one bit more. Either way the sum of all that was transmitted of an
//! element in mode delta is its estimate, and what is not transmitted is not lost: it is part of the
//! next difference.
//!
//! A new sequence and a reset make every estimate 0 and every mask empty, at no cost in time. What a
//! shorter vector does not reach stays as it is. A vector of more than `longest` elements is
//! transmitted as if all beats from the last that fits on were one and the same place.
//!
//! # When beats move
//!
//! A beat of `score` is there one cycle after its beat of `in`, unless `depth` beats of `score` have
//! no mask yet; then it waits for one. A beat of `mask` goes in no earlier than one cycle after its
//! beat of `score` went out; its beat of `out` is there one cycle later. `in_ready_o` follows
//! `score_ready_i`, and `mask_ready_o` follows `out_ready_i`, without a register between: one beat
//! each is held at `score` and at `out`, and the next goes in as that is taken.
//!
//! A beat of `in` waits while the same place of its layer (as many beats from the vector's first) is
//! under way, which it is from when it goes in until its mask has gone in; it goes in no earlier
//! than one cycle after that. `in_ready_o` depends on `in_layer_i` in the first beat. Otherwise a
//! beat goes in in every cycle: vectors of at least three beats lose nothing if masks come at once,
//! and those of different layers never wait for each other.

mod model;
mod properties;
mod queue;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::Block;
use crate::config::{Tech, Violation, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

pub(in crate::blocks::temporal) use model::{Estimates, Mode};

/// The most places of all layers: each has a flip-flop.
const MOST_PLACES: u32 = 4096;

parameters! {
    /// Parameters of the delta block.
    pub struct DeltaParameters {
        /// Bits of an element, which is signed.
        width: u32 = 8 in 2..=16,
        /// Elements of a beat.
        lanes: u32 = 4 in 1..=64,
        /// The most elements of a vector that each have a place.
        longest: u32 = 48 in 1..=4096,
        /// Layers, each with places of its own.
        layers: u32 = 1 in 1..=16,
        /// Whether differences are clamped to `width` bits.
        clip: bool = true,
        /// Beats that may be between score and mask.
        depth: u32 = 8 in 2..=256,
    }
}

impl DeltaParameters {
    /// Beats of the longest vector.
    fn places(&self) -> u32 {
        self.longest.div_ceil(self.lanes)
    }
}

/// The delta block.
pub struct Delta;

impl Block for Delta {
    type Parameters = DeltaParameters;
    const NAME: &'static str = "delta";
    const SUMMARY: &'static str = "Transmits what changed, and remembers what was transmitted.";

    fn validate(p: &DeltaParameters) -> Vec<Violation> {
        let places = p.layers * p.places();
        if places > MOST_PLACES {
            return vec![Violation {
                parameter: "longest",
                code: "E0103",
                rule: format!("all layers together have at most {MOST_PLACES} beats"),
                note: format!(
                    "longest = {}, lanes = {}, layers = {}: {places} beats",
                    p.longest, p.lanes, p.layers
                ),
                help: format!("use a longest of {}", MOST_PLACES / p.layers * p.lanes),
            }];
        }
        vec![]
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &DeltaParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &DeltaParameters,
        _: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, kind, beats, random))
    }

    fn accepts(_: &DeltaParameters, stimulus: &Stimulus) -> bool {
        // A mask for each score: what waits for one otherwise waits for ever.
        stimulus.inputs[0].len() == stimulus.inputs[1].len()
    }

    fn mutated() -> DeltaParameters {
        let (width, lanes, longest, layers, depth) = (4, 2, 6, 2, 4);
        DeltaParameters { width, lanes, longest, layers, depth, ..Default::default() }
    }

    fn variants() -> Vec<DeltaParameters> {
        let of = |width, lanes, longest, layers, clip, depth| DeltaParameters {
            width,
            lanes,
            longest,
            layers,
            clip,
            depth,
        };
        vec![
            of(3, 1, 3, 1, false, 2),
            of(3, 2, 4, 2, true, 3),
            of(5, 3, 17, 3, true, 5),
            of(16, 1, 1, 1, false, 4),
            of(8, 16, 40, 2, false, 17),
        ]
    }
}
