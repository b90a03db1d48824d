//! The blocks, one folder each, and their registry.
//!
//! A block turns checked parameters into a module. Everything that is said about blocks (`list`,
//! `describe`, the configuration and its schema, lint, snapshots) iterates [`REGISTRY`], so a new
//! block is a folder and one line here.

pub mod bus;
pub mod common;
mod configured;
pub mod engine;
pub mod fabric;
pub mod precision;
mod properties;
pub mod temporal;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

use crate::config::{Parameter, Parameters, SectionKind, Tech, Values, Violation};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};
use crate::registers::RegisterMap;

pub use configured::Configured;

/// The same function as a block's in ordinary, hand-written Verilog: what it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// The module in the text.
    pub module: &'static str,
    /// The text: one module with the block's ports.
    pub text: &'static str,
    /// The values of its parameters.
    pub parameters: Vec<(&'static str, u32)>,
}

/// A kind of module, made from parameters.
pub trait Block {
    /// What can be chosen.
    type Parameters: Parameters;

    /// The name: of the configuration's section, and of a module that is not given one.
    const NAME: &'static str;

    /// What the block does, in one line.
    const SUMMARY: &'static str;

    /// The rules between parameters, asked only about values that are legal one by one.
    fn validate(_: &Self::Parameters) -> Vec<Violation> {
        vec![]
    }

    /// Makes the module.
    ///
    /// # Errors
    /// None for parameters that [`validate`](Block::validate) accepts and a name that is an
    /// identifier; anything else is a defect of the block.
    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        tech: &Tech,
    ) -> Result<Arc<Module>, Errors>;

    /// The golden model: what the block should do, in plain integers.
    fn model(parameters: &Self::Parameters, tech: &Tech) -> Model;

    /// A stimulus of about `beats` beats, or none if the block has none of this kind. A longer one
    /// of the same kind and chance begins with the shorter one.
    fn stimulus(
        _: &Self::Parameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(shape.stimulus(kind, beats, random))
    }

    /// Whether the block may be given this stimulus. Shrinking asks, which leaves out beats and
    /// makes values smaller.
    fn accepts(_: &Self::Parameters, _: &Stimulus) -> bool {
        true
    }

    /// Parameters at which the block is simulated, besides the defaults: those at which it is made
    /// differently, and odd sizes.
    fn variants() -> Vec<Self::Parameters> {
        vec![]
    }

    /// Parameters at which mistakes are planted in the evidence: of those that nothing shows it has
    /// to be proven that they change nothing, so a block that is large at its defaults is a small one
    /// here.
    fn mutated() -> Self::Parameters {
        Self::Parameters::default()
    }

    /// Properties for proofs, of a block whose Verilog is a template: what stands before its
    /// `endmodule` then. A block described with [`crate::hdl`] states its properties there.
    fn properties(_: &Self::Parameters, _: &Tech) -> Option<String> {
        None
    }

    /// The registers by which a host drives the block, if it has any.
    fn registers(_: &Self::Parameters) -> Option<RegisterMap> {
        None
    }

    /// What is simulated in the block's place: a module around it, if it cannot be observed alone.
    ///
    /// # Errors
    /// As [`elaborate`](Block::elaborate).
    fn bench(
        name: &str,
        parameters: &Self::Parameters,
        tech: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        Self::elaborate(name, parameters, tech)
    }

    /// The plain Verilog that the block is compared with after synthesis; none if there is none
    /// for these parameters or this technology.
    fn baseline(_: &Self::Parameters, _: &Tech) -> Option<Baseline> {
        None
    }
}

/// A block in the registry.
#[derive(Clone, Copy)]
pub struct Entry {
    /// [`Block::NAME`].
    pub name: &'static str,
    /// [`Block::SUMMARY`].
    pub summary: &'static str,
    /// What can be chosen.
    pub parameters: &'static [Parameter],
    /// [`Block::validate`].
    pub validate: fn(&Values) -> Vec<Violation>,
    /// [`Block::elaborate`].
    pub elaborate: fn(&str, &Values, &Tech) -> Result<Arc<Module>, Errors>,
    /// [`Block::bench`].
    pub bench: fn(&str, &Values, &Tech) -> Result<Arc<Module>, Errors>,
    /// [`Block::properties`].
    pub properties: fn(&Values, &Tech) -> Option<String>,
    /// [`Block::registers`].
    pub registers: fn(&Values) -> Option<RegisterMap>,
    /// [`Block::model`].
    pub model: fn(&Values, &Tech) -> Model,
    /// [`Block::stimulus`].
    pub stimulus: fn(&Values, &Shape, Kind, usize, &mut Random) -> Option<Stimulus>,
    /// [`Block::accepts`].
    pub accepts: fn(&Values, &Stimulus) -> bool,
    /// [`Block::variants`].
    pub variants: fn() -> Vec<Values>,
    /// [`Block::mutated`].
    pub mutated: fn() -> Values,
    /// [`Block::baseline`].
    pub baseline: fn(&Values, &Tech) -> Option<Baseline>,
}

impl Entry {
    /// The entry of a block.
    pub const fn of<B: Block>() -> Entry {
        Entry {
            name: B::NAME,
            summary: B::SUMMARY,
            parameters: B::Parameters::PARAMETERS,
            validate: |values| B::validate(&B::Parameters::from_values(values)),
            elaborate: |name, values, tech| {
                B::elaborate(name, &B::Parameters::from_values(values), tech)
            },
            bench: |name, values, tech| B::bench(name, &B::Parameters::from_values(values), tech),
            properties: |values, tech| B::properties(&B::Parameters::from_values(values), tech),
            registers: |values| B::registers(&B::Parameters::from_values(values)),
            model: |values, tech| B::model(&B::Parameters::from_values(values), tech),
            stimulus: |values, shape, kind, beats, random| {
                B::stimulus(&B::Parameters::from_values(values), shape, kind, beats, random)
            },
            accepts: |values, stimulus| B::accepts(&B::Parameters::from_values(values), stimulus),
            variants: || B::variants().iter().map(B::Parameters::to_values).collect(),
            mutated: || B::mutated().to_values(),
            baseline: |values, tech| B::baseline(&B::Parameters::from_values(values), tech),
        }
    }

    /// What the configuration's reader needs to know.
    pub const fn section(&self) -> SectionKind {
        SectionKind {
            name: self.name,
            summary: self.summary,
            parameters: self.parameters,
            validate: self.validate,
        }
    }
}

/// Every block, in the order of the documentation.
pub const REGISTRY: &[Entry] = &[
    Entry::of::<common::register_slice::RegisterSlice>(),
    Entry::of::<common::fifo::Fifo>(),
    Entry::of::<common::width_converter::WidthConverter>(),
    Entry::of::<common::arbiter::Arbiter>(),
    Entry::of::<common::sync_ram::SyncRam>(),
    Entry::of::<common::reset_synchronizer::ResetSynchronizer>(),
    Entry::of::<common::clock_gate::ClockGateBlock>(),
    Entry::of::<precision::mac::Mac>(),
    Entry::of::<precision::vp_mac::VpMac>(),
    Entry::of::<temporal::coherence_metric::CoherenceMetric>(),
    Entry::of::<temporal::sparsity_control::SparsityControl>(),
    Entry::of::<temporal::mask_generator::MaskGenerator>(),
    Entry::of::<temporal::mask_apply::MaskApply>(),
    Entry::of::<temporal::delta::Delta>(),
    Entry::of::<temporal::temporal_path::TemporalPath>(),
    Entry::of::<fabric::crossbar::Crossbar>(),
    Entry::of::<fabric::gating::Gating>(),
    Entry::of::<fabric::cluster::Cluster>(),
    Entry::of::<engine::pe_cluster::PeCluster>(),
    Entry::of::<engine::requantiser::Requantiser>(),
    Entry::of::<engine::layer_engine::LayerEngine>(),
    Entry::of::<bus::packet_buffer::PacketBuffer>(),
    Entry::of::<engine::accelerator::Accelerator>(),
];

/// The block called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}

/// What the configuration's reader needs to know of all blocks.
pub fn sections() -> Vec<SectionKind> {
    REGISTRY.iter().map(Entry::section).collect()
}
