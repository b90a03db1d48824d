//! Stimulus for the clock gate: an enable that stays for a while.

use rand::RngExt;

use crate::model::{Bits, Kind, Random, Stimulus};

/// Runs of cycles with and without enable, in turn.
pub(super) fn stimulus(kind: Kind, beats: usize, random: &mut Random) -> Stimulus {
    let mut enable: bool = random.random();
    let mut rows = vec![];
    while rows.len() < beats {
        let length = match kind {
            Kind::Corner => [1, 2, 100][random.random_range(0..3)],
            _ => random.random_range(1..=16),
        };
        rows.extend(std::iter::repeat_n(vec![Bits::new(1, enable)], length));
        enable = !enable;
    }
    rows.truncate(beats);
    Stimulus { inputs: vec![rows], held: vec![] }
}
