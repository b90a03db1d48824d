//! Stimulus for the mask generator.

use rand::{RngExt, SeedableRng};

use super::MaskGeneratorParameters;
use crate::blocks::temporal::stimulus::{Sizes, Vectors, empty, lanes};
use crate::model::{Beat, Bits, Kind, Random, Shape, Stimulus};

/// What the groups of a vector have in common.
#[derive(Clone, Copy)]
enum Habit {
    /// Elements of vectors that resemble each other.
    AsTheyCome,
    /// Two magnitudes only, of both signs: ties everywhere.
    Ties,
    /// One element like all others.
    Equal,
    /// Elements that differ from one another in one bit.
    OneBit,
    /// Two neighbours, the higher with zeros in the lowest bits and so the lower with ones, and mostly
    /// just room for the higher. Where one of the array's counts is too low, those above the digit that
    /// it then decides make up for it in the digits below, but not against ones alone.
    Carry,
    /// Up to four neighbours of both signs, mostly with just room for some of them: the digit that
    /// decides has all its values.
    Neighbours,
}

/// What there is just room for.
#[derive(Clone, Copy)]
struct Room {
    /// The least magnitude of the elements.
    least: i64,
    /// What all of them have ahead: higher digits have other values so.
    bonus: u64,
}

/// Vectors whose groups have a keep, a threshold and a bonus of their own.
pub(super) fn stimulus(
    p: &MaskGeneratorParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    let mut chance = Random::from_rng(random);
    let usual = 3 * p.group.max(p.lanes);
    let sizes = Sizes { width: p.width, longest: usual + p.group + 1, usual, layers: 1 };
    let mut vectors = Vectors::new(sizes, kind);
    let mut all: Vec<Beat> = vec![];
    let mut before = vec![];
    while all.len() < beats {
        let values = vectors.next(&mut chance).values;
        let (values, room) = with_habit(p, kind, values, &mut chance);
        all.extend(vector(p, shape, &values, room, &before, &mut chance));
        before = values;
    }
    all.truncate(beats);
    Stimulus { inputs: vec![all], held: vec![] }
}

/// The values as they become by a habit, and what there is to be room for, if anything.
fn with_habit(
    p: &MaskGeneratorParameters,
    kind: Kind,
    values: Vec<i64>,
    random: &mut Random,
) -> (Vec<i64>, Option<Room>) {
    let habit = match (kind, random.random_range(0..10)) {
        (Kind::Recorded, _) | (_, 0..3) => Habit::AsTheyCome,
        (_, 3) => Habit::Ties,
        (_, 4) => Habit::Equal,
        (_, 5) => Habit::OneBit,
        (_, 6..8) => Habit::Carry,
        _ => Habit::Neighbours,
    };
    let common = values[0];
    let zeros = random.random_range(0..p.width);
    let higher = (values[0].abs() >> zeros << zeros).max(1 << zeros);
    let most = (1 << (p.width - 1)) - 1;
    let above = match habit {
        Habit::Carry => Some(0),
        Habit::Neighbours => Some(random.random_range(0..4)),
        _ => None,
    };
    let above = above.filter(|_| random.random_range(0..4) > 0);
    let mut element = |value: i64| match habit {
        Habit::AsTheyCome => value,
        Habit::Ties => [common, -common, values[values.len() - 1]][random.random_range(0..3)],
        Habit::Equal => common,
        Habit::OneBit => common ^ 1 << random.random_range(0..p.width),
        Habit::Carry => higher - i64::from(random.random::<bool>()),
        Habit::Neighbours => {
            let magnitude = (higher + random.random_range(0..4)).min(most);
            if random.random() { magnitude } else { -magnitude }
        }
    };
    let values = values.iter().copied().map(&mut element).collect();
    let room = above.map(|above| {
        let bonus = if random.random() { 0 } else { 1 << random.random_range(zeros..p.width) };
        Room { least: higher + above, bonus }
    });
    (values, room)
}

/// The beats of a vector; `before` is the one before it. Its groups have just room for some of their
/// elements, if `room` says which.
fn vector(
    p: &MaskGeneratorParameters,
    shape: &Shape,
    values: &[i64],
    room: Option<Room>,
    before: &[i64],
    random: &mut Random,
) -> Vec<Beat> {
    let references = (0..values.len()).map(|index| before.get(index).copied().unwrap_or(0));
    let pairs: Vec<(i64, i64)> = values.iter().copied().zip(references).collect();
    let pairs = lanes(pairs, p.lanes, || (random.random(), random.random()));
    let number = pairs.len();
    let pattern = |of: &dyn Fn(&(i64, i64)) -> i64, beat: &[(i64, i64)]| {
        let patterns: Vec<Bits> = beat.iter().map(|pair| Bits::new(p.width, of(pair))).collect();
        Bits::concat(&patterns)
    };
    let beat = |(index, beat): (usize, &Vec<(i64, i64)>)| {
        let is_last = index + 1 == number;
        let (lanes, group) = (p.lanes as usize, p.group as usize);
        let rest = &values[index * lanes / group * group..];
        let in_group = &rest[..group.min(rest.len())];
        let keeps =
            |least: i64| in_group.iter().filter(|value| value.abs() >= least).count() as u64;
        let field = |field: &crate::model::Field| match (field.name.as_str(), room) {
            ("data", _) => pattern(&|pair| pair.0, beat),
            ("reference", _) => pattern(&|pair| pair.1, beat),
            ("previous", Some(_)) => Bits::new(field.width, -1),
            ("keep", Some(room)) => Bits::new(field.width, keeps(room.least)),
            ("threshold", Some(_)) => Bits::zero(field.width),
            ("bonus", Some(room)) => Bits::new(field.width, room.bonus),
            ("keep", None) => keep(p, field.width, random),
            ("threshold" | "bonus", None) => amount(p, field.width, random),
            ("empty", _) if is_last => Bits::new(field.width, empty(values.len(), p.lanes)),
            ("last", _) => Bits::new(1, is_last),
            ("norm", _) if random.random_range(0..3) == 0 => Bits::corner(field.width, random),
            _ => Bits::random(field.width, random),
        };
        shape.inputs[0].fields.iter().map(field).collect()
    };
    pairs.iter().enumerate().map(beat).collect()
}

/// None, all, more than all, or any number.
fn keep(p: &MaskGeneratorParameters, width: u32, random: &mut Random) -> Bits {
    match random.random_range(0..8) {
        0 => Bits::zero(width),
        1 => Bits::new(width, p.group),
        2 => Bits::new(width, -1),
        3 => Bits::new(width, p.group - 1),
        _ => Bits::new(width, random.random_range(0..=p.group)),
    }
}

/// A threshold or a bonus: of the size of a score or part of one, or at the bounds.
fn amount(p: &MaskGeneratorParameters, width: u32, random: &mut Random) -> Bits {
    let magnitude = 1_i64 << random.random_range(0..p.width);
    let fraction = width - p.width;
    match random.random_range(0..8) {
        0..3 => Bits::zero(width),
        3 => Bits::corner(width, random),
        4 => Bits::random(width, random),
        _ => Bits::new(width, random.random_range(0..=magnitude) << (fraction / 2)),
    }
}
