//! The golden model of the packet buffer.
//!
//! What becomes of each packet does not depend on when its beats come; when they move, [`Clock`]
//! says, with counters in place of beats.

use super::PacketBufferParameters;
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// Why a packet is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Bytes are missing other than at its end, or parts of an element, or all of the last beat.
    Malformed,
    /// It has too many elements.
    Long,
    /// It has too few elements.
    Short,
}

/// A packet that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// The elements as two's complement numbers.
    pub elements: Vec<i64>,
    /// Whether a new sequence begins with it.
    pub new_sequence: bool,
    /// The position of its last beat among all beats.
    pub last: usize,
}

/// A packet that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Why.
    pub fault: Fault,
    /// The position of its last beat among all beats.
    pub last: usize,
}

/// What a beat that goes in does to the packet buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is stored, and waits for its packet's last beat.
    Stored,
    /// It is stored, and completes a right packet.
    Completes,
    /// It needs room, but shows that its packet is wrong, which frees the room of all its beats.
    Spoils,
    /// It comes behind such a beat, and needs no room.
    Dropped,
}

/// Whether the elements of a beat begin at the bottom without a gap, and how many there are. None
/// if there are none, or if one is there in part.
fn elements(p: &PacketBufferParameters, beat: &Beat) -> Option<u32> {
    let keep = &beat[1];
    let kept = (0..keep.width()).take_while(|&byte| keep.bit(byte)).count() as u32;
    let has_gap = (kept..keep.width()).any(|byte| keep.bit(byte));
    let is_right = !has_gap && kept > 0 && kept.is_multiple_of(p.bytes());
    is_right.then_some(kept / p.bytes())
}

fn is_last(beat: &Beat) -> bool {
    beat[3].bit(0)
}

/// The beats up to and with each last one; what is left over at the end is none.
fn whole(beats: &[Beat]) -> impl Iterator<Item = &[Beat]> {
    beats.split_inclusive(is_last).filter(|packet| packet.last().is_some_and(is_last))
}

/// How many elements a packet has if it is well formed. Only its last beat may have fewer than lanes.
fn size(p: &PacketBufferParameters, packet: &[Beat]) -> Option<u32> {
    let sizes: Option<Vec<u32>> = packet.iter().map(|beat| elements(p, beat)).collect();
    let sizes = sizes?;
    let (_, before) = sizes.split_last()?;
    before.iter().all(|&size| size == p.lanes).then(|| sizes.iter().sum())
}

/// What becomes of each packet that is complete, where right ones have `length` elements.
pub(crate) fn packets(
    p: &PacketBufferParameters,
    length: u32,
    beats: &[Beat],
) -> Vec<Result<Packet, Dropped>> {
    let length = length.min(p.longest);
    let (mut is_owed, mut end) = (false, 0);
    let judge = |packet: &[Beat]| {
        end += packet.len();
        let last = end - 1;
        is_owed |= packet[0][2].bit(0);
        let size = match size(p, packet) {
            None => return Err(Dropped { fault: Fault::Malformed, last }),
            Some(size) if size > length => return Err(Dropped { fault: Fault::Long, last }),
            Some(size) if size < length => return Err(Dropped { fault: Fault::Short, last }),
            Some(size) => size as usize,
        };
        let values = packet.iter().flat_map(|beat| beat[0].lanes(8 * p.bytes()));
        let values = values.map(|container| container.slice(0, p.width).signed());
        let new_sequence = std::mem::take(&mut is_owed);
        Ok(Packet { elements: values.take(size).collect(), new_sequence, last })
    };
    whole(beats).map(judge).collect()
}

/// What each beat does, of complete packets and of one that is not.
pub(crate) fn fates(p: &PacketBufferParameters, length: u32, beats: &[Beat]) -> Vec<Fate> {
    let length = length.min(p.longest);
    let of_packet = |packet: &[Beat]| {
        let is_wrong = |number: usize| {
            let (beat, so_far) = (&packet[number], &packet[..=number]);
            match size(p, so_far) {
                None => true,
                Some(size) if is_last(beat) => size != length,
                // Another beat has at least one element.
                Some(size) => elements(p, beat) != Some(p.lanes) || size >= length,
            }
        };
        let first_wrong = (0..packet.len()).find(|&number| is_wrong(number));
        let fate = |number: usize| match first_wrong {
            Some(wrong) if number == wrong => Fate::Spoils,
            Some(wrong) if number > wrong => Fate::Dropped,
            _ if is_last(&packet[number]) => Fate::Completes,
            _ => Fate::Stored,
        };
        (0..packet.len()).map(fate).collect::<Vec<_>>()
    };
    beats.split_inclusive(is_last).flat_map(of_packet).collect()
}

/// When beats move: counts of them since the reset.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    depth: usize,
    /// Beats that were written, and not dropped since.
    written: usize,
    /// Those of complete packets.
    kept: usize,
    /// Those that were read.
    read: usize,
    /// Whether the last one that was read has yet to be taken.
    offers: bool,
}

impl Clock {
    /// A packet buffer after a reset.
    pub fn new(p: &PacketBufferParameters) -> Clock {
        Clock { depth: p.depth() as usize, written: 0, kept: 0, read: 0, offers: false }
    }

    /// Whether a beat is offered at the output, whatever happens in this cycle.
    pub fn offers(&self) -> bool {
        self.offers
    }

    /// Whether a beat would go in, which only depends on what it does.
    pub fn accepts(&self, fate: Fate) -> bool {
        fate == Fate::Dropped || self.written - self.read < self.depth
    }

    /// A cycle in which the source offers a beat that does this, or none, and the sink takes what
    /// is offered or not. Returns whether the source's beat goes in.
    pub fn step(&mut self, offer: Option<Fate>, is_taken: bool) -> bool {
        let entering = offer.filter(|&fate| self.accepts(fate));
        let stays = self.offers && !is_taken;
        let is_read = self.read < self.kept && !stays;
        self.read += usize::from(is_read);
        self.offers = is_read || stays;
        match entering {
            Some(Fate::Stored) => self.written += 1,
            Some(Fate::Completes) => {
                self.written += 1;
                self.kept = self.written;
            }
            Some(Fate::Spoils) => self.written = self.kept,
            Some(Fate::Dropped) | None => {}
        }
        entering.is_some()
    }
}

/// The beats that go out for a packet.
fn outgoing(p: &PacketBufferParameters, packet: &Packet, beats: &[Beat]) -> Vec<Beat> {
    let size = packet.elements.len() as u32;
    let count = size.div_ceil(p.lanes) as usize;
    let first = packet.last + 1 - count;
    let beat = |number: usize| {
        let is_last = number + 1 == count;
        // Lanes without an element keep what stands there.
        let containers = beats[first + number][0].lanes(8 * p.bytes());
        let data: Vec<Bits> = containers.map(|all| all.slice(0, p.width)).collect();
        let mut beat = vec![Bits::concat(&data), Bits::new(1, packet.new_sequence)];
        if p.lanes > 1 {
            let width = p.lanes.next_power_of_two().ilog2();
            let empty = if is_last { count as u32 * p.lanes - size } else { 0 };
            beat.push(Bits::new(width, empty));
        }
        beat.push(Bits::new(1, is_last));
        beat
    };
    (0..count).map(beat).collect()
}

pub(super) fn run(p: &PacketBufferParameters, stimulus: &Stimulus) -> Response {
    let beats = &stimulus.inputs[0];
    let length = stimulus.held[0].unsigned() as u32;
    let right = packets(p, length, beats).into_iter().flatten();
    let outgoing = right.flat_map(|packet| {
        let cause = Cause { channel: 0, beat: packet.last };
        outgoing(p, &packet, beats).into_iter().map(move |beat| (beat, cause))
    });
    let fates = fates(p, length, beats);
    let mut clock = Clock::new(p);
    let (mut accepted, mut emitted) = (vec![], vec![]);
    let mut outgoing = outgoing.peekable();
    let mut cycle = 0;
    while accepted.len() < beats.len() || outgoing.peek().is_some() {
        if clock.offers()
            && let Some((beat, cause)) = outgoing.next()
        {
            emitted.push(Emitted { beat, cycle, cause });
        }
        if clock.step(fates.get(accepted.len()).copied(), true) {
            accepted.push(cycle);
        }
        cycle += 1;
    }
    let capacity = vec![capacity(p, &fates)];
    Response { accepted: vec![accepted], emitted: vec![emitted], capacity }
}

/// How many beats go in while none is taken.
fn capacity(p: &PacketBufferParameters, fates: &[Fate]) -> usize {
    let mut clock = Clock::new(p);
    let (mut accepted, mut refused) = (0, 0);
    // One that is refused may go in a cycle later, when a beat has left the RAM for the output.
    while accepted < fates.len() && refused < 2 {
        let is_accepted = clock.step(Some(fates[accepted]), false);
        (accepted, refused) = if is_accepted { (accepted + 1, 0) } else { (accepted, refused + 1) };
    }
    accepted
}
