//! Accelerator: a layer engine behind AXI.
//!
//! ```text
//!  s_axil_* ---> registers ----+ settings, words of weights
//!                              v
//!  s_axis -> packet_buffer -> layer_engine ---> m_axis
//! ```
//!
//! The names of ports are those of AMBA in the shell that is emitted along with it.
//!
//! # Use
//!
//! After a reset the host writes the registers of the device and of each layer, then words of weights
//! and biases: `load` says for whom and from which address on, each `load_word` is the next, and
//! `load_end` ends them. From then on packets go in: each is a vector of layer 0, of `packet.elements`
//! elements, and TUSER in its first beat begins a new sequence. For each comes a packet of the final
//! layer's sums, sign-extended to 32 bits, or to 64 if they are wider.
//!
//! # Writes
//!
//! What decides how vectors are thinned out (`policy`, `hysteresis`, `coherence_k`, `level_k`, `bonus`)
//! may be written at any time, and counts from the next packet on: it waits until all before it are
//! through. What describes the network may be written while nothing is in the accelerator and no
//! packet is offered (`status.busy` is 0); otherwise the write is answered with SLVERR and changes
//! nothing. Words may be loaded anew in the same way; the first one closes `s_axis` until `load_end`.
//! The first packet after any such write begins a new sequence, whatever its TUSER: sums of another
//! network mean nothing.
//!
//! # Faults
//!
//! A packet that is too short, too long or has gaps in its TKEEP is dropped, and an event says so; the
//! next one is as if it had not been, and begins a sequence if it was to. See
//! [`packet_buffer`](crate::blocks::bus::packet_buffer).

mod host;
mod model;
mod registers;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::layer_engine::{LayerEngine, LayerEngineParameters};
use super::pe_cluster;
use crate::blocks::Block;
use crate::blocks::bus::packet_buffer::PacketBufferParameters;
use crate::config::{Tech, Violation};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};
use crate::registers::RegisterMap;

pub(crate) use host::{Registers, Word, Write, load, policy, settings};
pub(crate) use model::{Through, through};
pub(crate) use registers::{EVENTS, map};

/// The parameters of the packet buffer.
pub(crate) fn packets(p: &LayerEngineParameters) -> PacketBufferParameters {
    PacketBufferParameters { lanes: p.lanes, width: p.activation_bits, longest: p.longest }
}

/// Bits in which an element of `width` bits stands.
pub(crate) fn container(width: u32) -> u32 {
    width.next_multiple_of(8).next_power_of_two()
}

/// Bits in which a sum stands.
pub(crate) fn sum_container(p: &LayerEngineParameters) -> u32 {
    pe_cluster::sum_bits(&p.cluster()).next_power_of_two().max(32)
}

/// The accelerator.
pub struct Accelerator;

impl Block for Accelerator {
    type Parameters = LayerEngineParameters;
    const NAME: &'static str = "accelerator";
    const SUMMARY: &'static str = "Runs layers on packets of AXI4-Stream, set up over AXI4-Lite.";

    fn validate(p: &LayerEngineParameters) -> Vec<Violation> {
        LayerEngine::validate(p)
    }

    fn elaborate(
        name: &str,
        parameters: &LayerEngineParameters,
        tech: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters, tech)
    }

    fn registers(parameters: &LayerEngineParameters) -> Option<RegisterMap> {
        Some(map(parameters))
    }

    fn model(parameters: &LayerEngineParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &LayerEngineParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        stimulus::stimulus(parameters, shape, kind, beats, random)
    }

    fn accepts(parameters: &LayerEngineParameters, stimulus: &Stimulus) -> bool {
        stimulus::accepts(parameters, stimulus)
    }

    fn mutated() -> LayerEngineParameters {
        LayerEngine::mutated()
    }

    fn variants() -> Vec<LayerEngineParameters> {
        LayerEngine::variants()
    }
}
