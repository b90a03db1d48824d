//! Stimulus for the sparsity control: layers whose coherence comes and goes.

use rand::RngExt;

use super::model::whose;
use super::{Combine, LevelFrom, SparsityControlParameters};
use crate::model::{Beat, Bits, Kind, Random, Stimulus, recording};

/// How many bits a number below `count` needs.
fn width(count: u32) -> u32 {
    u32::max(1, 32 - (count - 1).leading_zeros())
}

/// The bands of one layer.
struct Layer {
    band: u32,
    /// Where in the recording it is.
    position: usize,
}

/// As many vectors as asked for, and the band of each.
pub(super) fn stimulus(
    p: &SparsityControlParameters,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    let held = held(p, random);
    // A long dwell is seen to its end where nothing interrupts it.
    let is_long = held[2].unsigned() >= 6;
    let (seldom, changing) = if is_long { (1000, 16) } else { (12, 2) };
    let layer = |index| Layer { band: 0, position: 97 * index };
    let mut layers: Vec<Layer> = (0..p.layers as usize).map(layer).collect();
    let (mut vectors, mut bands) = (vec![], vec![]);
    let mut chosen = 0;
    for _ in 0..beats {
        // The same layer again is what has to wait.
        if random.random_ratio(1, changing) {
            chosen = random.random_range(0..p.layers);
        }
        let band = layers[chosen as usize].next(p, kind, random);
        let new_sequence = random.random_ratio(1, seldom);
        // The metric knows of first steps that this block cannot know of.
        let first =
            (new_sequence && random.random_ratio(7, 8)) || random.random_ratio(1, 2 * seldom);
        let weights = random.random_ratio(1, 4);
        let rest = |random: &mut Random| {
            let weights = (p.combine != Combine::Activations).then(|| Bits::new(1, weights));
            let layer = (p.layers > 1).then(|| Bits::new(width(p.layers), name(p, chosen, random)));
            weights.into_iter().chain(layer).collect::<Beat>()
        };
        vectors.push([vec![Bits::new(1, new_sequence)], rest(random)].concat());
        let band = Bits::new(width(p.bands), band);
        bands.push([vec![band, Bits::new(1, first)], rest(random)].concat());
    }
    let inputs = match p.level_from {
        LevelFrom::Current => vec![bands],
        LevelFrom::Previous => vec![vectors, bands],
    };
    Stimulus { inputs, held }
}

/// The number of a layer; the last has all beyond as well.
fn name(p: &SparsityControlParameters, layer: u32, random: &mut Random) -> u32 {
    match layer + 1 == p.layers {
        true => random.random_range(layer..1 << width(p.layers)),
        false => layer,
    }
}

impl Layer {
    /// The band of the next vector.
    fn next(&mut self, p: &SparsityControlParameters, kind: Kind, random: &mut Random) -> u32 {
        let most = p.bands - 1;
        self.band = match (kind, random.random_range(0..8)) {
            (Kind::Recorded, _) => {
                // The less two steps differ, the more coherent they are.
                self.position = (self.position + 12) % (recording().len() - 12);
                let number = |index: usize| i32::from(recording()[index]);
                let change = number(self.position + 12).abs_diff(number(self.position));
                most.saturating_sub(change / 4)
            }
            (_, 0..3) => self.band,
            (Kind::Random, 3..6) => (self.band + random.random_range(0..=2)).clamp(1, most + 1) - 1,
            (Kind::Corner, 3..6) => [0, most][random.random_range(0..2)],
            _ => random.random_range(0..1 << width(p.bands)),
        };
        self.band
    }
}

/// The plain inputs. Levels differ in what they keep, so that one is not taken for another.
fn held(p: &SparsityControlParameters, random: &mut Random) -> Vec<Bits> {
    let numbers = |random: &mut Random, width: u32, most: u64| {
        let number = |_| Bits::new(width, random.random_range(0..=most));
        Bits::concat(&(0..p.bands).map(number).collect::<Vec<_>>())
    };
    let keep = numbers(random, width(p.group + 1), p.group.into());
    let threshold = numbers(random, p.threshold_width, (1 << p.threshold_width) - 1);
    let dwell = match random.random_range(0..6) {
        0..3 => random.random_range(0..6),
        3 => random.random_range(6..=40),
        4 => random.random_range(40..=150),
        _ => [64, 128, 129, 130][random.random_range(0..4)],
    };
    let overrides = random.random_ratio(1, 4);
    let level = Bits::random(width(p.bands), random);
    vec![keep, threshold, Bits::new(8, dwell), Bits::new(1, overrides), level]
}

/// Whether each band is that of a vector, and each vector has one, if another of its layer follows.
pub(super) fn accepts(p: &SparsityControlParameters, stimulus: &Stimulus) -> bool {
    let [vectors, bands] = &stimulus.inputs[..] else { return true };
    let vectors: Vec<_> = vectors.iter().map(|beat| whose(p, &beat[1..])).collect();
    let bands: Vec<_> = bands.iter().map(|beat| whose(p, &beat[2..])).collect();
    let Some(rest) = vectors.strip_prefix(&bands[..]) else { return false };
    let mut seen = vec![false; p.layers as usize];
    rest.iter().all(|vector| !std::mem::replace(&mut seen[vector.layer], true))
}
