//! Width converter: joins beats of a stream into wider ones, or splits them into narrower ones.
//!
//! Streams: `in` and `out`, payload `data`; one width is a multiple of the other. The part that
//! comes first is in the lowest bits. Joining, a beat goes out one cycle after its last part came
//! in; splitting, its first part goes out one cycle after it came in. The narrow side sustains one
//! beat per cycle. A joined beat waits for all of its parts: there is no flush.

mod model;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, Violation, parameters};
use crate::hdl::{Errors, Module, index_width};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

/// The widest beat.
const MOST_WIDTH: u32 = 4096;

parameters! {
    /// Parameters of the width converter.
    pub struct WidthConverterParameters {
        /// Bits of a beat that comes in.
        in_width: u32 = 8 in 1..=MOST_WIDTH,
        /// Bits of a beat that goes out: a multiple or a divisor of `in_width`.
        out_width: u32 = 32 in 1..=MOST_WIDTH,
    }
}

/// The width converter.
pub struct WidthConverter;

impl Block for WidthConverter {
    type Parameters = WidthConverterParameters;
    const NAME: &'static str = "width_converter";
    const SUMMARY: &'static str = "Joins or splits the beats of a stream.";

    fn validate(p: &WidthConverterParameters) -> Vec<Violation> {
        let (narrow, wide) = (p.in_width.min(p.out_width), p.in_width.max(p.out_width));
        if wide.is_multiple_of(narrow) {
            return vec![];
        }
        let below = wide - wide % narrow;
        let above = below + narrow;
        let or_above = match above <= MOST_WIDTH {
            true => format!(", or {narrow} and {above}"),
            false => String::new(),
        };
        vec![Violation {
            parameter: "out_width",
            code: "E0103",
            rule: "one width must be a multiple of the other".into(),
            note: format!("in_width = {}, out_width = {}", p.in_width, p.out_width),
            help: format!("use {narrow} and {below}{or_above}"),
        }]
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &WidthConverterParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &WidthConverterParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(shape.stimulus(kind, stimulus::beats(parameters, beats), random))
    }

    fn variants() -> Vec<WidthConverterParameters> {
        let of = |in_width, out_width| WidthConverterParameters { in_width, out_width };
        vec![of(32, 8), of(1, 3), of(51, 17), of(5, 5), of(65, 130)]
    }

    fn baseline(p: &WidthConverterParameters, tech: &Tech) -> Option<Baseline> {
        let parts = p.in_width.max(p.out_width) / p.in_width.min(p.out_width);
        (tech.reset == Reset::AsyncLow).then(|| Baseline {
            module: "plain_width_converter",
            text: include_str!("../../../../benches/baselines/width_converter.v"),
            parameters: vec![
                ("IN_WIDTH", p.in_width),
                ("OUT_WIDTH", p.out_width),
                ("PARTS", parts),
                ("COUNT_WIDTH", index_width(parts)),
            ],
        })
    }
}
