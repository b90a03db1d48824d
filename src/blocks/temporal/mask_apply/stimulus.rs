//! Stimulus for mask apply: vectors of all lengths under masks of all habits.

use rand::{RngExt, SeedableRng};

use super::MaskApplyParameters;
use crate::blocks::temporal::stimulus::{Sizes, Vectors, empty, lanes};
use crate::model::{Beat, Bits, Kind, Random, Stimulus};

/// Windows of the longest vector, so that a stimulus of usual length has several vectors.
const LONGEST: u32 = 20;

/// Which elements of a vector survive.
fn mask(p: &MaskApplyParameters, length: usize, random: &mut Random) -> Vec<bool> {
    let window = p.window as usize;
    let habit = random.random_range(0..11);
    if habit > 7 {
        return few(p, length, random);
    }
    let density = [0.03, 0.1, 0.3, 0.6, 0.95][random.random_range(0..5)];
    let place = random.random_range(0..length);
    // Runs of 16 on average, as many survivors as the density says.
    let mut survives = random.random_bool(density);
    let (ends, begins) = (1.0 / 16.0, (density / (1.0 - density) / 16.0).min(1.0));
    let element = |index: usize| match habit {
        0 => false,
        1 => true,
        2 => index == place,
        // Full windows and empty ones.
        3 => (index / window) % 3 == place % 3,
        4 | 5 => {
            if random.random_bool(if survives { ends } else { begins }) {
                survives = !survives;
            }
            survives
        }
        _ => random.random_bool(density),
    };
    (0..length).map(element).collect()
}

/// About as many survivors in each window as move in a cycle, near each other or not: whether one is
/// the last of them depends on each pair of places.
fn few(p: &MaskApplyParameters, length: usize, random: &mut Random) -> Vec<bool> {
    let window = p.window as usize;
    let mut mask = vec![false; length.next_multiple_of(window)];
    for mask in mask.chunks_mut(window) {
        let reach = random.random_range(1..=window);
        let first = random.random_range(0..=window - reach);
        for _ in 0..2 * p.lanes + random.random_range(0..2) {
            mask[first + random.random_range(0..reach)] = true;
        }
    }
    mask.truncate(length);
    mask
}

/// The bits of lanes, lane 0 lowest.
fn bits(lanes: &[bool]) -> Bits {
    let lanes: Vec<Bits> = lanes.iter().map(|&lane| Bits::new(1, lane)).collect();
    Bits::concat(&lanes)
}

pub(super) fn stimulus(
    p: &MaskApplyParameters,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // Beyond the longest, indices begin again.
    let longest = (p.longest + p.window).min(LONGEST * p.window);
    let sizes = Sizes { width: p.width, longest, usual: longest.min(6 * p.window), layers: 1 };
    let mut vectors = Vectors::new(sizes, kind);
    let mut all: Vec<Beat> = vec![];
    while all.len() < beats {
        // Chance of its own for each, so that a longer stimulus begins with the shorter one.
        let mut random = Random::from_rng(random);
        all.extend(vector(p, &vectors.next(&mut random).values, &mut random));
    }
    // A stimulus may end in the middle of a vector.
    all.truncate(beats);
    Stimulus { inputs: vec![all], held: vec![] }
}

/// The windows of a vector.
fn vector(p: &MaskApplyParameters, values: &[i64], random: &mut Random) -> Vec<Beat> {
    let length = values.len();
    let elements: Vec<Bits> = values.iter().map(|&value| Bits::new(p.width, value)).collect();
    let missing = Bits::random(p.width, random);
    let data = lanes(elements, p.window, || missing.clone());
    let mut masks = vec![];
    for _ in 0..if p.joint { 2 } else { 1 } {
        let mask = mask(p, length, random);
        // The mask of a lane without an element is anything.
        masks.push(lanes(mask, p.window, || random.random()));
    }
    let windows = data.len();
    let window = |(number, data): (usize, Vec<Bits>)| {
        let is_last = number + 1 == windows;
        let mut beat = vec![Bits::concat(&data)];
        beat.extend(masks.iter().map(|mask| bits(&mask[number])));
        if p.window > 1 {
            let width = p.window.next_power_of_two().ilog2();
            beat.push(match is_last {
                true => Bits::new(width, at_least(empty(length, p.window), p.window, random)),
                false => Bits::random(width, random),
            });
        }
        beat.push(Bits::new(1, is_last));
        beat
    };
    data.into_iter().enumerate().map(window).collect()
}

/// A number of empty lanes, or a greater one that counts as the same.
fn at_least(empty: u32, window: u32, random: &mut Random) -> u32 {
    match empty == window - 1 {
        true => random.random_range(empty..window.next_power_of_two()),
        false => empty,
    }
}
