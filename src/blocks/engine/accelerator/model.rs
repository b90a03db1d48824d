//! The golden model of the accelerator: registers first, then packets.
//!
//! The host is one that writes everything before it lets packets in, and reads only what always is the
//! same; then nothing depends on which stream is faster. Whatever else a host may do is a matter of
//! [`system`](crate::system), whose driver knows what it did when.

use super::LayerEngineParameters;
use super::host::{Registers, Write};
use crate::blocks::bus::packet_buffer::{self, Clock, Dropped, Packet, PacketBufferParameters};
use crate::blocks::engine::layer_engine::{Engine, Settings, Step, Vector, schedule};
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};
use crate::registers::{self, FieldKind, RegisterMap};

/// Responses: all is well, and the accelerator refuses.
const OKAY: u64 = 0;
const SLVERR: u64 = 2;

/// The streams that go in, by their positions.
pub(super) const WRITE_ADDRESSES: usize = 0;
pub(super) const WRITE_DATA: usize = 1;
pub(super) const READ_ADDRESSES: usize = 2;
pub(super) const PACKETS: usize = 3;

/// The writes of a stimulus, with what their strobes say.
fn writes(stimulus: &Stimulus) -> impl Iterator<Item = (Write, bool)> + '_ {
    let (addresses, data) = (&stimulus.inputs[WRITE_ADDRESSES], &stimulus.inputs[WRITE_DATA]);
    addresses.iter().zip(data).map(|(address, data)| {
        let write =
            Write { address: address[0].unsigned() as u32, data: data[0].unsigned() as u32 };
        (write, data[1].unsigned() == 0xf)
    })
}

/// Whether a register may be written while the accelerator is at rest.
fn may_write(map: &RegisterMap, address: u32) -> bool {
    map.find(address).is_some_and(|found| found.register.write != registers::Write::Never)
}

/// What a register reads as, if that never changes: that of none, of constants, and of orders.
pub(super) fn always_read(map: &RegisterMap, address: u32) -> Option<u32> {
    let Some(found) = map.find(address) else { return Some(0) };
    let value = |field: &registers::Field| match field.kind {
        FieldKind::Constant(value) => Some(field.put(value)),
        FieldKind::Command => Some(0),
        _ => None,
    };
    found.register.fields.iter().try_fold(0, |all, field| Some(all | value(field)?))
}

/// The registers as all writes leave them.
pub(super) fn written(p: &LayerEngineParameters, stimulus: &Stimulus) -> Registers {
    let mut registers = Registers::new(p);
    for (write, whole) in writes(stimulus) {
        if whole && may_write(&registers.map, write.address) {
            registers.write(write);
        }
    }
    registers
}

pub(super) fn run(p: &LayerEngineParameters, stimulus: &Stimulus) -> Response {
    let mut registers = Registers::new(p);
    let mut responses = vec![];
    let mut opens = None;
    for (number, (write, whole)) in writes(stimulus).enumerate() {
        let good = whole && may_write(&registers.map, write.address);
        if good {
            registers.write(write);
        }
        if !registers.loading {
            opens.get_or_insert(number as u64 + 1);
        }
        let beat = vec![Bits::new(2, if good { OKAY } else { SLVERR })];
        let cause = Cause { channel: WRITE_DATA, beat: number };
        responses.push(Emitted { beat, cycle: number as u64 + 1, cause });
    }
    let reads = stimulus.inputs[READ_ADDRESSES].iter().enumerate().map(|(number, beat)| {
        let address = beat[0].unsigned() as u32;
        let value = always_read(&registers.map, address).expect("the stimulus reads nothing else");
        let response = if registers.map.find(address).is_some() { OKAY } else { SLVERR };
        let beat = vec![Bits::new(32, value), Bits::new(2, response)];
        let cause = Cause { channel: READ_ADDRESSES, beat: number };
        Emitted { beat, cycle: number as u64 + 1, cause }
    });
    let (accepted, results) = match opens {
        Some(opens) => packets(p, &registers, &stimulus.inputs[PACKETS], opens),
        None => (vec![], vec![]),
    };
    let beats = |channel: usize| stimulus.inputs[channel].len() as u64;
    let written = beats(WRITE_ADDRESSES).min(beats(WRITE_DATA));
    let accepted = vec![
        (0..written).collect(),
        (0..written).collect(),
        (0..beats(READ_ADDRESSES)).collect(),
        accepted,
    ];
    Response { accepted, emitted: vec![responses, reads.collect(), results], capacity: vec![] }
}

/// Packets on their way through.
pub(crate) struct Through {
    /// When their beats go in; nothing where any of them is dropped, which takes time of its own.
    pub accepted: Vec<u64>,
    /// What becomes of each.
    pub packets: Vec<Result<Packet, Dropped>>,
    /// Of those that are not dropped, the vector of each layer.
    pub vectors: Vec<Vec<Vector>>,
    /// Of those, the accumulators of the final layer, beats of lanes one behind the other.
    pub accumulators: Vec<Vec<i64>>,
    /// When their beats come out.
    pub out: Vec<u64>,
}

/// What becomes of packets that are offered from the cycle `opens` on, to an engine at rest. A new
/// sequence begins with the first if it is `fresh`.
pub(crate) fn through(
    p: &LayerEngineParameters,
    engine: &mut Engine,
    settings: &Settings,
    (elements, mut fresh): (u32, bool),
    beats: &[Beat],
    opens: u64,
) -> Through {
    let buffer = super::packets(p);
    let packets = packet_buffer::packets(&buffer, elements, beats);
    let (mut vectors, mut accumulators) = (vec![], vec![]);
    for packet in packets.iter().flatten() {
        let (values, last) = (packet.elements.clone(), packet.last);
        let new_sequence = packet.new_sequence | std::mem::take(&mut fresh);
        let (through, sums) = engine.step(&Step { values, new_sequence, last });
        vectors.push(through);
        accumulators.push(sums);
    }
    // The first packet is offered to the engine two cycles after its last beat came in, and those behind
    // it are never late, since they come in as fast as others go out.
    let first = packets.iter().flatten().next();
    let first = first.map_or(0, |packet| opens + packet.last as u64 + 2);
    let schedule = schedule(p, settings, vectors.iter().cloned(), first);
    let accepted = match packets.iter().all(Result::is_ok) {
        true => accepted(&buffer, elements, beats, opens, &schedule.accepted),
        false => vec![],
    };
    Through { accepted, packets, vectors, accumulators, out: schedule.out }
}

/// When packets go in, from the cycle `opens` on, and what comes out.
fn packets(
    p: &LayerEngineParameters,
    registers: &Registers,
    beats: &[Beat],
    opens: u64,
) -> (Vec<u64>, Vec<Emitted>) {
    let settings = registers.settings();
    let mut engine = Engine::new(p, &settings, registers.loads());
    let first = (registers.elements(), true);
    let through = through(p, &mut engine, &settings, first, beats, opens);
    let empty = settings.layers[settings.final_layer].requantiser.empty as usize;
    let lanes = p.lanes as usize;
    let mut cycles = through.out.iter();
    let mut results = vec![];
    for (packet, sums) in through.packets.iter().flatten().zip(&through.accumulators) {
        let count = sums.len() / lanes;
        for (number, sums) in sums.chunks(lanes).enumerate() {
            let cycle = *cycles.next().expect("each beat has its cycle");
            let is_last = number + 1 == count;
            let present = if is_last { lanes - empty } else { lanes };
            let cause = Cause { channel: PACKETS, beat: packet.last };
            results.push(Emitted { beat: result(p, sums, present, is_last), cycle, cause });
        }
    }
    (through.accepted, results)
}

/// When beats of packets go in, from the cycle `opens` on, where they leave the buffer in the cycles
/// `taken`.
fn accepted(
    p: &PacketBufferParameters,
    elements: u32,
    beats: &[Beat],
    opens: u64,
    taken: &[u64],
) -> Vec<u64> {
    let fates = packet_buffer::fates(p, elements, beats);
    let mut clock = Clock::new(p);
    let mut taken = taken.iter().copied().peekable();
    let mut accepted = vec![];
    let mut cycle = opens;
    while accepted.len() < beats.len() {
        let is_taken = taken.next_if_eq(&cycle).is_some();
        assert!(clock.offers() || !is_taken, "a packet is there when the engine is ready for it");
        if clock.step(fates.get(accepted.len()).copied(), is_taken) {
            accepted.push(cycle);
        }
        cycle += 1;
    }
    accepted
}

/// A beat of results.
fn result(p: &LayerEngineParameters, sums: &[i64], present: usize, last: bool) -> Beat {
    let container = super::sum_container(p);
    let data: Vec<Bits> = sums.iter().map(|&sum| Bits::new(container, sum)).collect();
    let bytes = container / 8;
    let keep = |lane: usize| match lane < present {
        true => Bits::new(bytes, (1_i128 << bytes) - 1),
        false => Bits::zero(bytes),
    };
    let keep: Vec<Bits> = (0..sums.len()).map(keep).collect();
    vec![Bits::concat(&data), Bits::concat(&keep), Bits::new(1, last)]
}
