//! Synchronous RAM: a technology cell with one write port and one read port.
//!
//! Where `read_enable_i` is 1, `read_data_o` shows one cycle later what the element at
//! `read_address_i` held before the edge; otherwise it stays. Beyond the depth, reads give 0 and
//! writes are lost.

mod model;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Tech, parameters};
use crate::hdl::{Errors, Module, index_width};
use crate::model::{Kind, Model, Random, Shape, Stimulus};
use crate::tech;

parameters! {
    /// Parameters of the synchronous RAM.
    pub struct SyncRamParameters {
        /// Bits per element.
        width: u32 = 32 in 1..=4096,
        /// Elements.
        depth: u32 = 256 in 1..=1048576,
    }
}

/// The synchronous RAM.
pub struct SyncRam;

impl Block for SyncRam {
    type Parameters = SyncRamParameters;
    const NAME: &'static str = "sync_ram";
    const SUMMARY: &'static str = "Synchronous RAM: one write port, one read port, read-first.";

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        tech::sync_ram(name, parameters.width, parameters.depth)
    }

    fn model(parameters: &SyncRamParameters, _: &Tech) -> Model {
        Model::ports(model::Array::new(parameters))
    }

    fn stimulus(
        parameters: &SyncRamParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn variants() -> Vec<SyncRamParameters> {
        let of = |width, depth| SyncRamParameters { width, depth };
        vec![of(1, 1), of(3, 5), of(17, 2), of(65, 16)]
    }

    fn baseline(p: &SyncRamParameters, _: &Tech) -> Option<Baseline> {
        Some(Baseline {
            module: "plain_sync_ram",
            text: include_str!("../../../../benches/baselines/sync_ram.v"),
            parameters: vec![
                ("WIDTH", p.width),
                ("DEPTH", p.depth),
                ("ADDRESS_WIDTH", index_width(p.depth)),
            ],
        })
    }
}
