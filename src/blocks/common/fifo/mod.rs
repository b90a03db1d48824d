//! FIFO: holds up to `depth` elements of a stream.
//!
//! Streams: `in` and `out`, payload `data`; `level_o` is the number of elements held. Kept in
//! registers, an element takes one cycle from in to out; kept in a RAM, two. One beat per cycle is
//! sustained where the depth covers the way round: at least 2 elements in registers, 3 in a RAM.
//! Neither side's ready or valid depends on the other side without a register between.

mod model;
mod rtl;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, Violation, choices, parameters};
use crate::hdl::{Errors, Module, index_width};
use crate::model::Model;

/// The most elements that are kept in registers: beyond, the multiplexer at the output is larger
/// and slower than a RAM.
const MOST_REGISTERS: u32 = 64;

choices! {
    /// Where a FIFO keeps its elements.
    pub enum Storage {
        /// In registers, behind a multiplexer.
        Registers = "registers",
        /// In a synchronous RAM.
        Ram = "ram",
    }
}

parameters! {
    /// Parameters of the FIFO.
    pub struct FifoParameters {
        /// Bits per element.
        width: u32 = 32 in 1..=4096,
        /// Elements held at most.
        depth: u32 = 16 in 1..=65536,
        /// Where they are kept: in registers, or what a flow makes of a memory that is read at
        /// once (at most 64 elements), or in a synchronous RAM.
        storage: Storage = Storage::Registers,
    }
}

/// The FIFO.
pub struct Fifo;

impl Block for Fifo {
    type Parameters = FifoParameters;
    const NAME: &'static str = "fifo";
    const SUMMARY: &'static str = "Holds elements of a stream, first in, first out.";

    fn validate(p: &FifoParameters) -> Vec<Violation> {
        if p.storage == Storage::Registers && p.depth > MOST_REGISTERS {
            return vec![Violation {
                parameter: "depth",
                code: "E0103",
                rule: format!("registers hold at most {MOST_REGISTERS} elements"),
                note: format!("depth = {}, storage = \"registers\"", p.depth),
                help: format!("use storage = \"ram\", or a depth up to {MOST_REGISTERS}"),
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

    fn model(parameters: &FifoParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        let level = model::level(&parameters);
        Model::streams(move |stimulus| model::run(&parameters, stimulus)).with_status(level)
    }

    fn variants() -> Vec<FifoParameters> {
        let of = |width, depth, storage| FifoParameters { width, depth, storage };
        vec![
            of(1, 1, Storage::Registers),
            of(3, 5, Storage::Registers),
            of(8, 1, Storage::Ram),
            of(17, 3, Storage::Ram),
            of(65, 16, Storage::Ram),
        ]
    }

    fn baseline(p: &FifoParameters, tech: &Tech) -> Option<Baseline> {
        (tech.reset == Reset::AsyncLow).then(|| Baseline {
            module: "plain_fifo",
            text: include_str!("../../../../benches/baselines/fifo.v"),
            parameters: vec![
                ("WIDTH", p.width),
                ("DEPTH", p.depth),
                ("POINTER_WIDTH", index_width(p.depth)),
                ("LEVEL_WIDTH", p.depth.ilog2() + 1),
                ("RAM", u32::from(p.storage == Storage::Ram)),
            ],
        })
    }
}
