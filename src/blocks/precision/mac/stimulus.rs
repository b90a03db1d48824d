//! Stimulus for the multiply-accumulate lane: packets of all lengths, and sums at the bounds.

use rand::{RngExt, SeedableRng};

use super::MacParameters;
use crate::model::{Beat, Bits, Kind, Random, Shape, Stimulus};

/// The longest packet, so that a stimulus of usual length has some.
const LONGEST: usize = 40;

/// What the operands of a packet are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// What the kind of stimulus says.
    AsTheyCome,
    /// The lowest number of both: the greatest product.
    Greatest,
    /// The lowest number of one and the highest of the other: the least product.
    Least,
}

/// Operands of the kind, in packets of one beat, of as many as are sure to fit, of one more, and
/// of any number; with corners, packets of nothing but extreme products as well.
pub(super) fn stimulus(
    p: &MacParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // How much chance the operands take depends on their number, so the packets have their own.
    let mut chance = Random::from_rng(random);
    let mut stimulus = shape.stimulus(kind, beats, random);
    let mut rest = &mut stimulus.inputs[0][..];
    while !rest.is_empty() {
        let longest = (p.longest as usize).min(LONGEST);
        let length = match chance.random_range(0..6) {
            0 => 1,
            1 => longest,
            2 => longest + 1,
            _ => chance.random_range(1..=LONGEST),
        };
        let habit = match (kind, chance.random_range(0..4)) {
            (Kind::Corner, 0) => Habit::Greatest,
            (Kind::Corner, 1) => Habit::Least,
            _ => Habit::AsTheyCome,
        };
        // A stimulus may end in the middle of a packet.
        let (packet, others) = rest.split_at_mut(length.min(rest.len()));
        for (index, beat) in packet.iter_mut().enumerate() {
            set_operands(beat, p, habit);
            beat[2] = Bits::new(1, index + 1 == length);
        }
        rest = others;
    }
    stimulus
}

fn set_operands(beat: &mut Beat, p: &MacParameters, habit: Habit) {
    if habit == Habit::AsTheyCome {
        return;
    }
    let lowest = |width: u32| -(1_i128 << (width - 1));
    // The narrower one takes its lowest number: what the product lacks is that number once.
    let (a, b) = (lowest(p.a_width), lowest(p.b_width));
    let (a, b) = match habit {
        Habit::Least if p.a_width <= p.b_width => (a, -b - 1),
        Habit::Least => (-a - 1, b),
        _ => (a, b),
    };
    beat[0] = Bits::new(p.a_width, a);
    beat[1] = Bits::new(p.b_width, b);
}
