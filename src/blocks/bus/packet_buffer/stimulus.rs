//! Stimulus for the packet buffer: packets of the right length, and some of each that is dropped.

use rand::{RngExt, SeedableRng};

use super::PacketBufferParameters;
use crate::model::{Beat, Bits, Kind, Random, Shape, Stimulus};

/// Beats of the longest packet of right length, so that a stimulus of usual length has some.
const LONGEST: u32 = 20;

/// Elements in the packets; the rest of a beat is as good as any other.
pub(super) fn stimulus(
    p: &PacketBufferParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // How much chance values take depends on their number, so all else has its own.
    let mut chance = Random::from_rng(random);
    let mut stimulus = shape.stimulus(kind, beats, random);
    let length = length(p, kind, &mut chance);
    for (field, value) in shape.held.iter().zip(&mut stimulus.held) {
        *value = Bits::new(field.width, length);
    }
    let mut rest = &mut stimulus.inputs[0][..];
    while !rest.is_empty() {
        // Chance of its own for each, so that a longer stimulus begins with the shorter one.
        let mut chance = Random::from_rng(&mut chance);
        let keeps = packet(p, length, &mut chance);
        // A stimulus may end in the middle of a packet.
        let (packet, others) = rest.split_at_mut(keeps.len().min(rest.len()));
        for (number, (beat, keep)) in packet.iter_mut().zip(&keeps).enumerate() {
            set(beat, keep, chance.random_range(0..3) == 0, number + 1 == keeps.len());
        }
        rest = others;
    }
    stimulus
}

fn set(beat: &mut Beat, keep: &[bool], user: bool, last: bool) {
    let keep: Vec<Bits> = keep.iter().map(|&byte| Bits::new(1, byte)).collect();
    beat[1] = Bits::concat(&keep);
    beat[2] = Bits::new(1, user);
    beat[3] = Bits::new(1, last);
}

/// How many elements a right packet has.
fn length(p: &PacketBufferParameters, kind: Kind, random: &mut Random) -> u32 {
    let longest = p.longest.min(LONGEST * p.lanes);
    match random.random_range(0..8) {
        0 => 1,
        1 | 2 => longest,
        // Nothing is right, or what does not exist counts as the longest.
        3 if kind == Kind::Corner => [0, p.longest + 1][random.random_range(0..2)],
        _ => random.random_range(1..=longest.min(4 * p.lanes)),
    }
}

/// `keep` of each beat of a packet: mostly of a right one.
fn packet(p: &PacketBufferParameters, length: u32, random: &mut Random) -> Vec<Vec<bool>> {
    let length = length.clamp(1, p.longest);
    let fault = random.random_range(0..14);
    let elements = match fault {
        0 => random.random_range(1..=length),
        1 => length + 1,
        2 => length + random.random_range(1..=2 * p.lanes),
        3 => p.longest.min(LONGEST * p.lanes) + random.random_range(1..=4 * p.lanes),
        4 => length.saturating_sub(1).max(1),
        _ => length,
    };
    let mut keeps = whole(p, elements);
    // A malformed packet may have too many elements as well.
    if (5..9).contains(&fault) || fault == 3 && random.random() {
        let number =
            if random.random() { keeps.len() - 1 } else { random.random_range(0..keeps.len()) };
        spoil(&mut keeps[number], p.bytes() as usize, random);
    }
    keeps
}

/// `keep` of each beat of a well-formed packet.
fn whole(p: &PacketBufferParameters, elements: u32) -> Vec<Vec<bool>> {
    let mut left = elements;
    let mut keeps = vec![];
    while left > 0 {
        let here = left.min(p.lanes);
        keeps.push((0..p.lanes * p.bytes()).map(|byte| byte < here * p.bytes()).collect());
        left -= here;
    }
    keeps
}

/// Makes a beat malformed, or the last one shorter.
fn spoil(keep: &mut [bool], bytes: usize, random: &mut Random) {
    let place = random.random_range(0..keep.len());
    match random.random_range(0..6) {
        0 => keep.fill(false),
        1 => keep[0] = false,
        2 => keep[place] = !keep[place],
        // All but whole elements.
        3 => {
            let first = place / bytes * bytes;
            keep[first..first + bytes].fill(false);
        }
        // A part of the last element, or an element too many.
        4 => {
            if let Some(end) = keep.iter().rposition(|&byte| byte) {
                keep[end] = false;
            }
        }
        _ => keep.fill_with(|| random.random()),
    }
}
