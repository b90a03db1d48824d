//! Multiply-accumulate lane: the exact sum of the products of a packet.
//!
//! Streams: `in` with the signed operands `a` and `b` and with `last`, which ends a packet, and
//! `out` with the signed `sum`. A packet's sum goes out one cycle after its last beat came in; the
//! next packet may follow at once. One beat per cycle is sustained. `in_ready_o` follows
//! `out_ready_i` without a register between: while a sum waits to be taken, nothing goes in.
//!
//! The sum has as many bits as `longest` beats of the most extreme operands need, and not one more.
//! That of a longer packet is the exact one modulo two to the power of that width: the right one
//! if it fits, whatever the sums on the way to it were.
//!
//! With `isolate` the multiplier sees zeros in every cycle in which no beat is offered, so whatever
//! its inputs do then, nothing toggles behind them. A beat that waits is held, and so toggles nothing
//! either.

mod model;
mod properties;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

parameters! {
    /// Parameters of the multiply-accumulate lane.
    pub struct MacParameters {
        /// Bits of the operand `a`.
        a_width: u32 = 8 in 2..=32,
        /// Bits of the operand `b`.
        b_width: u32 = 8 in 2..=32,
        /// Beats of the longest packet whose sum fits for certain; it decides the sum's width.
        longest: u32 = 1024 in 1..=1048576,
        /// Operand isolation: the multiplier sees zeros while no beat is offered.
        isolate: bool = true,
    }
}

/// The multiply-accumulate lane.
pub struct Mac;

impl Block for Mac {
    type Parameters = MacParameters;
    const NAME: &'static str = "mac";
    const SUMMARY: &'static str = "Adds the products of a packet of a stream, exactly.";

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &MacParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &MacParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn variants() -> Vec<MacParameters> {
        let of = |a_width, b_width, longest, isolate| MacParameters {
            a_width,
            b_width,
            longest,
            isolate,
        };
        vec![of(2, 2, 1, true), of(3, 17, 5, false), of(8, 8, 1024, false), of(32, 32, 17, true)]
    }

    fn baseline(p: &MacParameters, tech: &Tech) -> Option<Baseline> {
        (tech.reset == Reset::AsyncLow).then(|| Baseline {
            module: "plain_mac",
            text: include_str!("../../../../benches/baselines/mac.v"),
            parameters: vec![
                ("A_WIDTH", p.a_width),
                ("B_WIDTH", p.b_width),
                ("SUM_WIDTH", rtl::sum_type(p).width),
                ("ISOLATE", u32::from(p.isolate)),
            ],
        })
    }
}
