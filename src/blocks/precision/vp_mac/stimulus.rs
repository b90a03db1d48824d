//! Stimulus for the variable-precision multiply-accumulate: precisions that change at every beat or
//! stay, wide weights that are whole or are not, packets of all lengths, and sums at the bounds.

use rand::{RngExt, SeedableRng};

use super::{Organisation, SLOT, VpMacParameters};
use crate::model::{Beat, Bits, Kind, Random, Shape, Stimulus};

/// The longest packet, so that a stimulus of usual length has some.
const LONGEST: usize = 40;

/// What the operands of some beats are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// What the kind of stimulus says.
    AsTheyCome,
    /// The lowest activations, or the highest if they have no sign, and the lowest weights.
    Greatest,
    /// The highest activations and the lowest weights.
    Least,
    /// Activations or weights are zero.
    Zero,
}

/// A tag, most often one that is built in.
fn tag(p: &VpMacParameters, chance: &mut Random) -> u32 {
    let tags = p.narrowest.ilog2() - 1..=p.widest.ilog2() - 1;
    if chance.random_ratio(1, 12) { chance.random_range(0..8) } else { chance.random_range(tags) }
}

/// How many beats a weight with a tag takes.
fn bytes(tag: u32) -> u32 {
    (2_u32 << tag).div_ceil(SLOT).min(4)
}

pub(super) fn stimulus(
    p: &VpMacParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // How much chance the operands take depends on their number, so all else has its own.
    let mut chance = Random::from_rng(random);
    let mut stimulus = shape.stimulus(kind, beats, random);
    let (mut current, mut left, mut habit) = (0, 0, Habit::AsTheyCome);
    let mut to_last = 0;
    let (mut before, mut is_begun) = (Bits::zero(1), false);
    for beat in &mut stimulus.inputs[0] {
        if left == 0 {
            current = tag(p, &mut chance);
            left = bytes(current);
            // Some weights are left in the middle.
            if chance.random_ratio(1, 10) {
                left = chance.random_range(1..=left);
            }
            if to_last == 0 && kind == Kind::Corner {
                let habits = [Habit::AsTheyCome, Habit::Greatest, Habit::Least, Habit::Zero];
                habit = habits[chance.random_range(0..4)];
            }
        }
        left -= 1;
        let operation = set_operation(p, beat, &mut to_last, &mut chance);
        let (activation, weights) = match p.organisation {
            Organisation::Dot => (0, 1),
            Organisation::Outer => (1, 2),
        };
        let has_exponent = p.exponents && operation;
        beat[weights + 1] = Bits::new(3, current);
        if has_exponent {
            set_exponent(p, &mut beat[weights + 2], current);
        }
        set_operands(p, beat, (activation, weights), habit, &mut chance);
        // The bytes of a weight have one activation, most often.
        if is_begun && !chance.random_ratio(1, 10) {
            beat[activation] = before;
        }
        before = beat[activation].clone();
        is_begun = left > 0;
    }
    stimulus
}

/// Whether the packet goes on, or what a beat does; gives whether its exponent is to be legal.
fn set_operation(
    p: &VpMacParameters,
    beat: &mut Beat,
    to_last: &mut usize,
    chance: &mut Random,
) -> bool {
    match p.organisation {
        Organisation::Dot => {
            if *to_last == 0 {
                let longest = (p.longest as usize).min(LONGEST);
                let lengths = [1, longest, longest + 1, chance.random_range(1..=LONGEST)];
                *to_last = lengths[chance.random_range(0..4)];
            }
            *to_last -= 1;
            let last = beat.len() - 1;
            beat[last] = Bits::new(1, *to_last == 0);
        }
        Organisation::Outer => {
            let operations = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2];
            let operation = match chance.random_range(0..30) {
                0 => 3,
                _ => operations[chance.random_range(0..operations.len())],
            };
            beat[0] = Bits::new(2, operation);
        }
    }
    chance.random_ratio(9, 10)
}

/// Brings an exponent into the range of its precision.
fn set_exponent(p: &VpMacParameters, exponent: &mut Bits, tag: u32) {
    let most = u64::from(p.reference.saturating_sub(2 << tag));
    *exponent = Bits::new(exponent.width(), exponent.unsigned() % (most + 1));
}

fn set_operands(
    p: &VpMacParameters,
    beat: &mut Beat,
    (activation, weights): (usize, usize),
    habit: Habit,
    chance: &mut Random,
) {
    let field = |beat: &Beat, index: usize, element: Bits| {
        let count = beat[index].width() / element.width();
        Bits::concat(&vec![element; count as usize])
    };
    let bits = p.activation_bits;
    let lowest = if p.signed { 1_u64 << (bits - 1) } else { 0 };
    let highest = if p.signed { lowest - 1 } else { (1 << bits) - 1 };
    let (a, w) = match habit {
        Habit::AsTheyCome => return,
        Habit::Greatest => (if p.signed { lowest } else { highest }, 0x80),
        Habit::Least => (highest, 0x80),
        Habit::Zero => {
            let index = if chance.random() { activation } else { weights };
            beat[index] = Bits::zero(beat[index].width());
            return;
        }
    };
    // Lowest weights of any precision have a bit of each.
    let tag = beat[weights + 1].unsigned();
    let w = [0xaa, 0x88].get(tag as usize).copied().unwrap_or(w);
    beat[activation] = field(beat, activation, Bits::new(bits, a));
    beat[weights] = field(beat, weights, Bits::new(SLOT, w));
}
