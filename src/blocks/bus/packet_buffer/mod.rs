//! Packet buffer: stores packets of an AXI4-Stream whole, lets the right ones go on, and drops the
//! others.
//!
//! # Streams
//!
//! - `in`: what AMBA 4 AXI4-Stream (ARM IHI 0051A) calls TDATA, TKEEP, TUSER and TLAST. `data` has a
//!   container for each of `lanes` elements, the first lowest: 8, 16 or 32 bits, the fewest that hold
//!   `width`. The element is in the low bits; the others mean nothing. `keep` has a bit for each byte.
//!   `user` counts in a packet's first beat: a new sequence begins.
//! - `out`: the right packets, without anything between the elements. `new_sequence` is the same in
//!   all beats of a packet. `empty`, if there are several lanes, says how many of the last beat's hold
//!   no element, but what stood there; in other beats it is 0. It is the stream `in` of
//!   [`layer_engine`](crate::blocks::engine::layer_engine).
//!
//! # Right packets
//!
//! A packet is right if it has `length_i` elements, 1 to `longest`, which is to rest while packets come
//! in or are inside. More than `longest` counts as `longest`; with 0 no packet is right. All others are
//! dropped. In the cycle after the last beat of such a packet was accepted, one output is high, the
//! first of these that fits:
//!
//! - `malformed_o`: `keep` is not all ones before the last beat; or in the last beat it is zero, has a
//!   byte without the one below it, or holds a part of an element.
//! - `long_o`, `short_o`: it has more or fewer elements.
//!
//! A new sequence that a dropped packet was to begin begins with the next right one.
//!
//! # Room
//!
//! Beats wait in a RAM, which holds two of the longest packets, until the last one shows that the packet
//! is right. A beat that shows that it is not frees its room and that of those before; what comes behind
//! it, up to the last, is accepted at once and not kept. So a packet never waits for room that it takes
//! itself.
//!
//! `holds_o` says whether any beat is inside, or a packet has begun and not ended.
//!
//! # Cycles
//!
//! One beat per cycle goes in and out. If the last beat of a packet is accepted in cycle t and nothing
//! else waits, its first beat is read in t + 1 and offered in t + 2; the RAM's output register is that of
//! `out`. No output follows an input without a register between.

mod model;
mod properties;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

pub(crate) use model::{Clock, Dropped, Fault, Packet, fates, packets};

use std::sync::Arc;

use crate::blocks::Block;
use crate::config::{Tech, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

parameters! {
    /// Parameters of the packet buffer.
    pub struct PacketBufferParameters {
        /// Elements in a beat.
        lanes: u32 = 4 in 1..=16,
        /// Bits of an element.
        width: u32 = 8 in 2..=32,
        /// Elements of the longest packet.
        longest: u32 = 128 in 1..=4096,
    }
}

impl PacketBufferParameters {
    /// Bytes that an element takes in a beat that comes in: 1, 2 or 4.
    pub(crate) fn bytes(&self) -> u32 {
        self.width.div_ceil(8).next_power_of_two()
    }

    /// Beats of the longest packet.
    pub(crate) fn most_beats(&self) -> u32 {
        self.longest.div_ceil(self.lanes)
    }

    /// Beats that the RAM holds: a power of two.
    pub(crate) fn depth(&self) -> u32 {
        (2 * self.most_beats()).next_power_of_two().max(4)
    }
}

/// The packet buffer.
pub struct PacketBuffer;

impl Block for PacketBuffer {
    type Parameters = PacketBufferParameters;
    const NAME: &'static str = "packet_buffer";
    const SUMMARY: &'static str =
        "Stores whole packets of an AXI4-Stream: good ones go on, the others are dropped.";

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &PacketBufferParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &PacketBufferParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn mutated() -> PacketBufferParameters {
        PacketBufferParameters { lanes: 2, width: 9, longest: 5 }
    }

    fn variants() -> Vec<PacketBufferParameters> {
        let of = |lanes, width, longest| PacketBufferParameters { lanes, width, longest };
        vec![of(1, 5, 1), of(3, 12, 17), of(16, 8, 50), of(4, 17, 9), of(1, 32, 5)]
    }
}
