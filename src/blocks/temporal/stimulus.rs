//! Sequences of vectors for all blocks of the engine: alike enough from one step to the next, and
//! now and then not at all.

use rand::RngExt;

use crate::model::{Kind, Random, recording};

/// Coefficients of a recorded frame; see `data/README.md`.
const RECORDED_FRAME: usize = 12;

/// What the elements of all vectors have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Bits of an element, which is signed.
    pub width: u32,
    /// The most elements of a vector.
    pub longest: u32,
    /// Elements that a vector of usual length has at most.
    pub usual: u32,
    /// How many layers the vectors belong to.
    pub layers: u32,
}

/// A vector of a step.
#[derive(Clone, Debug)]
pub(super) struct Vector {
    /// The elements; at least one.
    pub values: Vec<i64>,
    /// The layer that it belongs to.
    pub layer: u32,
    /// Whether a new sequence begins with it.
    pub new_sequence: bool,
}

/// Vectors without end.
pub(super) struct Vectors {
    sizes: Sizes,
    kind: Kind,
    /// The vector before of each layer.
    previous: Vec<Vec<i64>>,
    /// Where in the recording each layer is.
    positions: Vec<usize>,
    /// One vector in so many has a length of its own, and one in so many begins a sequence.
    interrupted: [u32; 2],
}

impl Vectors {
    /// Vectors of a kind; recorded sequences are the longer ones.
    pub fn new(sizes: Sizes, kind: Kind) -> Vectors {
        let layers = sizes.layers as usize;
        // Each layer looks at another part of the recording.
        let positions = (0..layers).map(|layer| layer * 7 * RECORDED_FRAME).collect();
        let interrupted = if kind == Kind::Recorded { [40, 40] } else { [6, 8] };
        Vectors { sizes, kind, previous: vec![vec![]; layers], positions, interrupted }
    }

    /// Sequences that last, so that what counts vectors comes far.
    pub fn lasting(self) -> Vectors {
        Vectors { interrupted: [1000, 1000], ..self }
    }

    /// The next one.
    pub fn next(&mut self, random: &mut Random) -> Vector {
        let layer = random.random_range(0..self.sizes.layers);
        let previous = &self.previous[layer as usize];
        let length = match previous.len() {
            0 => self.length(random),
            _ if random.random_ratio(1, self.interrupted[0]) => self.length(random),
            length => length,
        };
        let values: Vec<i64> = match self.kind {
            Kind::Random => self.alike_or_not(layer, length, random),
            Kind::Corner => self.extreme(layer, length, random),
            Kind::Recorded => self.recorded(layer, length, random),
        };
        self.previous[layer as usize].clone_from(&values);
        let new_sequence = random.random_ratio(1, self.interrupted[1]);
        Vector { values, layer, new_sequence }
    }

    fn bounds(&self) -> (i64, i64) {
        let half = 1_i64 << (self.sizes.width - 1);
        (-half, half - 1)
    }

    fn length(&self, random: &mut Random) -> usize {
        let Sizes { longest, usual, .. } = self.sizes;
        let length = match random.random_range(0..12) {
            0 | 1 => 1,
            2 => longest,
            _ => random.random_range(1..=longest.min(usual)),
        };
        length as usize
    }

    /// Elements by chance: new ones, the old ones, the old ones with changes, few or small, or up to
    /// four neighbouring magnitudes of both signs, of which a mask leaves out some.
    fn alike_or_not(&self, layer: u32, length: usize, random: &mut Random) -> Vec<i64> {
        let (least, most) = self.bounds();
        let previous = &self.previous[layer as usize];
        let habit = random.random_range(0..7);
        let scale = random.random_range(0..self.sizes.width);
        // Neighbours on both sides of a boundary differ in many bits.
        let lowest = (random.random_range(0..=most) >> scale << scale) - random.random_range(0..2);
        let element = |index: usize| {
            let old = previous.get(index).copied().unwrap_or(0);
            let new = random.random_range(least..=most);
            match habit {
                0 => new,
                1 => old,
                2 => old.saturating_neg(),
                3 if random.random_range(0..8) > 0 => old,
                3 => new,
                4 if new < 0 => -lowest - (new & 3),
                4 => lowest + (new & 3),
                _ => old + (new >> scale),
            }
        };
        (0..length).map(element).map(|value| value.clamp(least, most)).collect()
    }

    /// Elements at which sums, products and comparisons tend to break.
    fn extreme(&self, layer: u32, length: usize, random: &mut Random) -> Vec<i64> {
        let (least, most) = self.bounds();
        let previous = &self.previous[layer as usize];
        let habit = random.random_range(0..9);
        let chosen = random.random_range(least..=most);
        let place = random.random_range(0..length);
        let element = |index: usize| match habit {
            0 => least,
            1 => most,
            2 => 0,
            3 => chosen,
            4 => previous.get(index).copied().unwrap_or(least),
            5 => [least, most][index % 2],
            6 => [most, least][index % 2],
            7 if index == place => chosen,
            7 => 0,
            _ => [least, least + 1, -1, 0, 1, most][random.random_range(0..6)],
        };
        (0..length).map(element).map(|value| value.clamp(least, most)).collect()
    }

    /// As many recorded numbers as the vector has elements, one frame later at each step.
    fn recorded(&mut self, layer: u32, length: usize, random: &mut Random) -> Vec<i64> {
        let numbers = recording();
        let position = &mut self.positions[layer as usize];
        let skipped = if random.random_range(0..10) == 0 { 9 } else { 1 };
        *position = (*position + skipped * RECORDED_FRAME) % numbers.len();
        let number = |index: usize| i64::from(numbers[(*position + index) % numbers.len()]);
        // Wider elements get the same numbers, further up.
        let width = self.sizes.width;
        let fit = |value: i64| if width < 8 { value >> (8 - width) } else { value << (width - 8) };
        (0..length).map(number).map(fit).collect()
    }
}

/// The beats of a vector: for each, the elements of its lanes. Where the last one is not full, its
/// other lanes hold anything.
pub(super) fn lanes<T>(values: Vec<T>, lanes: u32, mut anything: impl FnMut() -> T) -> Vec<Vec<T>> {
    let mut beats = vec![];
    let mut values = values.into_iter().peekable();
    while values.peek().is_some() {
        let mut beat: Vec<T> = values.by_ref().take(lanes as usize).collect();
        beat.resize_with(lanes as usize, &mut anything);
        beats.push(beat);
    }
    beats
}

/// How many lanes of the last beat of a vector hold no element.
pub(super) fn empty(length: usize, lanes: u32) -> u32 {
    (lanes - 1) - (length as u32 - 1) % lanes
}
