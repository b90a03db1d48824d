//! Stimulus for the arbiter: from nobody to everybody asks, for good or for a moment.

use rand::RngExt;

use super::ArbiterParameters;
use super::model::Finger;
use crate::model::{Bits, Kind, PortModel, Random, Stimulus};

/// Some cycles of one habit after another: how many ask anew, whether requests stand until the
/// golden model grants them for good, how often grants are taken.
pub(super) fn stimulus(
    p: &ArbiterParameters,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    let mut finger = Finger::new(p);
    let mut asks = vec![false; p.requesters as usize];
    let mut rows = vec![];
    while rows.len() < beats {
        let one_in = [1, 2, 4, 16, p.requesters][random.random_range(0..5)];
        let stands: bool = random.random();
        let quarters = [0, 1, 3, 4][random.random_range(0..4)];
        for _ in 0..random.random_range(1..=32) {
            let corner = Bits::corner(p.requesters, random);
            for (position, asks) in (0..).zip(&mut asks) {
                let anew = match kind {
                    Kind::Corner => corner.bit(position),
                    _ => random.random_ratio(1, one_in),
                };
                *asks = anew || (stands && *asks);
            }
            let bits: Vec<Bits> = asks.iter().map(|&asks| Bits::new(1, asks)).collect();
            let advance = random.random_ratio(quarters, 4);
            let row = vec![Bits::concat(&bits), Bits::new(1, advance)];
            if let (true, Some(index)) = (advance, &finger.outputs(&row)[1]) {
                asks[index.unsigned() as usize] = false;
            }
            finger.step(&row);
            rows.push(row);
        }
    }
    rows.truncate(beats);
    Stimulus { inputs: vec![rows], held: vec![] }
}
