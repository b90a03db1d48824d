//! Round-robin arbiter: grants one of several requests, each in its turn.
//!
//! `grant_o` has at most one bit set, always one that `request_i` has, and one whenever there is
//! any request; `index_o` is its number. The grant follows the requests in the same cycle. In a
//! cycle with `advance_i` it is taken, and the turn passes to the requesters behind it, so a
//! standing request waits for at most `requesters - 1` other grants; without a request `advance_i`
//! does nothing. With `hold`, a grant that is not taken stays with a requester that goes on asking,
//! as a stream's payload must; without, it may move on to whom the turn favours.

mod model;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, parameters};
use crate::hdl::{Errors, Module, index_width};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

parameters! {
    /// Parameters of the round-robin arbiter.
    pub struct ArbiterParameters {
        /// How many requesters take turns.
        requesters: u32 = 4 in 1..=256,
        /// Whether a grant stays where it is until it is taken, as streams need it.
        hold: bool = true,
    }
}

/// The round-robin arbiter.
pub struct Arbiter;

impl Block for Arbiter {
    type Parameters = ArbiterParameters;
    const NAME: &'static str = "arbiter";
    const SUMMARY: &'static str = "Grants one of several requests, each in its turn.";

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &ArbiterParameters, _: &Tech) -> Model {
        Model::ports(model::Finger::new(parameters))
    }

    fn stimulus(
        parameters: &ArbiterParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(match kind {
            Kind::Recorded => shape.stimulus(kind, beats, random),
            _ => stimulus::stimulus(parameters, kind, beats, random),
        })
    }

    fn variants() -> Vec<ArbiterParameters> {
        let of = |requesters, hold| ArbiterParameters { requesters, hold };
        vec![of(1, true), of(2, false), of(3, true), of(17, false), of(65, true)]
    }

    fn baseline(p: &ArbiterParameters, tech: &Tech) -> Option<Baseline> {
        (tech.reset == Reset::AsyncLow).then(|| Baseline {
            module: "plain_arbiter",
            text: include_str!("../../../../benches/baselines/arbiter.v"),
            parameters: vec![
                ("REQUESTERS", p.requesters),
                ("INDEX_WIDTH", index_width(p.requesters)),
                ("HOLD", u32::from(p.hold)),
            ],
        })
    }
}
