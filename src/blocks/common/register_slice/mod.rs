//! Register slice: cuts the paths of a stream with registers.
//!
//! Streams: `in` and `out`, payload `data`. `forward` registers valid and payload (latency 1, one
//! element), `backward` registers ready (latency 0, one element), `full` both (latency 1, two
//! elements). Each sustains one beat per cycle; order and payload are unchanged.

mod model;
mod rtl;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, choices, parameters};
use crate::hdl::{Errors, Module};
use crate::model::Model;

choices! {
    /// Which paths of a stream a register slice cuts.
    pub enum Cut {
        /// From valid and payload in to valid and payload out.
        Forward = "forward",
        /// From ready in to ready out.
        Backward = "backward",
        /// Both.
        Full = "full",
    }
}

parameters! {
    /// Parameters of the register slice.
    pub struct RegisterSliceParameters {
        /// Bits of the payload.
        width: u32 = 32 in 1..=4096,
        /// Which paths are cut: valid and payload, ready, or both.
        cut: Cut = Cut::Full,
    }
}

/// The register slice.
pub struct RegisterSlice;

impl Block for RegisterSlice {
    type Parameters = RegisterSliceParameters;
    const NAME: &'static str = "register_slice";
    const SUMMARY: &'static str = "Cuts the combinational paths of a stream with registers.";

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &RegisterSliceParameters, _: &Tech) -> Model {
        let cut = parameters.cut;
        Model::streams(move |stimulus| model::run(cut, stimulus))
    }

    fn variants() -> Vec<RegisterSliceParameters> {
        let of = |width, cut| RegisterSliceParameters { width, cut };
        vec![of(1, Cut::Forward), of(17, Cut::Backward), of(65, Cut::Full)]
    }

    fn baseline(p: &RegisterSliceParameters, tech: &Tech) -> Option<Baseline> {
        (tech.reset == Reset::AsyncLow).then(|| Baseline {
            module: "plain_register_slice",
            text: include_str!("../../../../benches/baselines/register_slice.v"),
            parameters: vec![
                ("WIDTH", p.width),
                ("FORWARD", u32::from(p.cut != Cut::Backward)),
                ("BACKWARD", u32::from(p.cut != Cut::Forward)),
            ],
        })
    }
}
