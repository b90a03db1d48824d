//! Stimulus for the cluster: packets of all lengths and mixed precision, for cores that all want, or
//! that nobody wants for a while.

use rand::{RngExt, SeedableRng};

use super::{ClusterParameters, LAST, TO};
use crate::model::{Beat, Bits, Kind, Random, Shape, Stimulus};

/// Where the precision of a beat stands.
const PRECISION: usize = TO - 1;

/// About how many beats of a source go to the same cores.
const LASTS: usize = 16;

pub(super) fn stimulus(
    p: &ClusterParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // How much chance the operands take depends on their number, so all else comes first.
    let seed: u64 = random.random();
    let mut held = shape.stimulus(kind, 0, random).held;
    // Clocks that never stop, and counters that never run, are worth looking at now and then.
    for bit in &mut held[..3] {
        *bit = Bits::new(1, random.random_range(0..6) == 0);
    }
    let of_each = beats.div_ceil(p.sources as usize);
    let mut stimulus = Stimulus { held, ..shape.stimulus(kind, of_each, random) };
    for (source, beats) in (0..).zip(&mut stimulus.inputs) {
        address(p, source, beats, seed);
    }
    stimulus
}

/// Gives the beats of a source precisions and cores, and leaves out a packet that would not end.
fn address(p: &ClusterParameters, source: u64, beats: &mut Vec<Beat>, seed: u64) {
    // Sources change their habits together, so that they meet, but else have chances of their own: a
    // longer stimulus begins with the shorter one.
    let mut shared = Random::seed_from_u64(seed);
    let mut own = Random::seed_from_u64(seed);
    own.set_stream(1 + source);
    let mut whole = 0;
    'all: loop {
        let hot = shared.random_range(0..p.cores);
        let (in_hot, longest) = (shared.random_range(0..=4), [1, 3, 9][shared.random_range(0..3)]);
        let until = whole + LASTS;
        while whole < until {
            let bits = (p.cores.max(2) - 1).ilog2() + 1;
            let to = match own.random_ratio(in_hot, 4) {
                true => Bits::new(bits, hot),
                false => Bits::random(bits, &mut own),
            };
            let Some(packet) = beats.get_mut(whole..whole + own.random_range(1..=longest)) else {
                break 'all;
            };
            whole += packet.len();
            let mut rest = packet;
            while !rest.is_empty() {
                let tag = tag(p, &mut own);
                let length = (2_usize << tag).div_ceil(8).min(rest.len());
                let (weight, others) = rest.split_at_mut(length);
                let is_end = others.is_empty();
                for (left, beat) in (0..length).rev().zip(weight) {
                    beat[PRECISION] = Bits::new(3, tag);
                    beat[TO] = to.clone();
                    beat[LAST] = Bits::new(1, is_end && left == 0);
                }
                rest = others;
            }
        }
    }
    beats.truncate(whole);
}

/// A precision, most often one that is built in.
fn tag(p: &ClusterParameters, own: &mut Random) -> u32 {
    if own.random_ratio(1, 16) {
        return own.random_range(0..5);
    }
    own.random_range(p.narrowest.ilog2() - 1..=p.widest.ilog2() - 1)
}
