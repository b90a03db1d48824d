//! Stimulus for the synchronous RAM: addresses that meet.

use rand::{RngExt, SeedableRng};

use super::SyncRamParameters;
use crate::model::{Bits, Kind, Random, Shape, Stimulus};

/// What a cycle does: the address written and the address read, if any.
struct Access {
    writes: bool,
    writes_at: u64,
    reads: bool,
    reads_at: u64,
}

/// Any data at addresses that are written, and read in the same cycle, right after it, and later.
pub(super) fn stimulus(
    p: &SyncRamParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // How much chance the data take depends on their number, so the addresses have their own.
    let mut chance = Random::from_rng(random);
    let mut stimulus = shape.stimulus(kind, beats, random);
    let (depth, width) = (u64::from(p.depth), shape.inputs[0].fields[1].width);
    let accesses = match kind {
        Kind::Recorded => delay_line(depth, beats, &mut chance),
        _ => meetings(depth, 1 << width, kind, beats, &mut chance),
    };
    for (row, access) in stimulus.inputs[0].iter_mut().zip(accesses) {
        row[0] = Bits::new(1, access.writes);
        row[1] = Bits::new(width, access.writes_at);
        row[3] = Bits::new(1, access.reads);
        row[4] = Bits::new(width, access.reads_at);
    }
    stimulus
}

/// Writes every element in turn and reads each some cycles later; with a delay of 0, what was
/// written one round before.
fn delay_line(depth: u64, beats: usize, random: &mut Random) -> Vec<Access> {
    let delay = random.random_range(0..depth.min(16));
    let access = |cycle| {
        let reads_at = (cycle + depth - delay) % depth;
        Access { writes: true, writes_at: cycle % depth, reads: true, reads_at }
    };
    (0..beats as u64).map(access).collect()
}

/// Writes and reads of changing density at any address, also beyond the depth, and often at one
/// that was written before.
fn meetings(
    depth: u64,
    addresses: u64,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Vec<Access> {
    let corners = [0, 1, depth - 1, depth % addresses, addresses - 1];
    let mut accesses = vec![];
    let mut written = vec![0];
    while accesses.len() < beats {
        let (writes, reads) = (random.random_range(1..=4), random.random_range(1..=4));
        for _ in 0..random.random_range(1..=32) {
            let any = |random: &mut Random| match kind {
                Kind::Corner => corners[random.random_range(0..corners.len())],
                _ => random.random_range(0..addresses),
            };
            let last = written[written.len() - 1];
            let earlier = written[random.random_range(0..written.len())];
            let writes_at = match random.random_range(0..4) {
                0 => (last + 1) % addresses,
                1 => earlier,
                _ => any(random),
            };
            let reads_at = match random.random_range(0..4) {
                0 => writes_at,
                1 => last,
                2 => earlier,
                _ => any(random),
            };
            let writes = random.random_ratio(writes, 4);
            if writes {
                written.push(writes_at);
            }
            accesses.push(Access {
                writes,
                writes_at,
                reads: random.random_ratio(reads, 4),
                reads_at,
            });
        }
    }
    accesses
}
