//! Stimulus for the cluster of processing elements: weights first, then vectors of survivors.

use rand::{RngExt, SeedableRng};

use super::{PeClusterParameters, ROW_BITS, SLOT};
use crate::blocks::engine::bits;
use crate::model::{Beat, Bits, Kind, Random, Shape, Stimulus};

/// Columns of a layer that are worked with, at most.
const COLUMNS: u32 = 4;

/// Words that are loaded for an element, at most: a simulation has to get past them.
const WORDS: u32 = 24;

/// A layer as the stimulus lays it out.
struct Layer {
    base: u32,
    stride: u32,
    columns: u32,
}

pub(super) fn stimulus(
    p: &PeClusterParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // How much chance values take depends on their number, so all else has its own.
    let mut chance = Random::from_rng(random);
    let used = p.words.min(WORDS);
    let layers: Vec<Layer> = (0..p.layers)
        .map(|_| {
            let columns = chance.random_range(1..=p.longest.min(COLUMNS).min(used));
            let stride = chance.random_range(0..=(used / columns).min(p.longest_column()).min(6));
            let base = chance.random_range(0..=used - columns * stride);
            Layer { base, stride, columns }
        })
        .collect();
    let of_layers = |width: u32, values: Vec<u32>| {
        Bits::concat(&values.iter().map(|&value| Bits::new(width, value)).collect::<Vec<_>>())
    };
    let width = |port: usize| shape.held[port].width / p.layers;
    let spreads: Vec<u32> =
        layers.iter().map(|_| chance.random_range(0..=p.most_spread())).collect();
    let of_beats = |spread: &u32| chance.random_range(0..16.min(3 << spread));
    let counts = spreads.iter().map(of_beats).collect();
    let held = vec![
        of_layers(width(0), layers.iter().map(|layer| layer.base).collect()),
        of_layers(width(1), layers.iter().map(|layer| layer.stride).collect()),
        of_layers(width(2), counts),
        of_layers(width(3), spreads),
    ];
    let loads = loads(p, used, kind, &mut chance);
    let mut all = shape.stimulus(kind, beats, random);
    let mut survivors = std::mem::take(&mut all.inputs[1]);
    vectors(p, &layers, kind, &mut survivors, &mut chance);
    Stimulus { inputs: vec![loads, survivors], held }
}

/// Words for all elements, in any order of the elements.
fn loads(p: &PeClusterParameters, used: u32, kind: Kind, chance: &mut Random) -> Vec<Beat> {
    let count = used * p.elements;
    let load = |number: u32| {
        let (address, element) = (number / p.elements, number % p.elements);
        vec![
            Bits::new(bits(p.words), address),
            Bits::new(bits(p.elements + 1), element),
            word(p, kind, chance),
            Bits::new(1, number + 1 == count),
        ]
    };
    (0..count).map(load).collect()
}

/// The words of a column, in which each wide weight that begins also ends.
pub(in crate::blocks::engine) fn column(
    p: &PeClusterParameters,
    stride: u32,
    kind: Kind,
    chance: &mut Random,
) -> Vec<Bits> {
    let mut words = vec![];
    while words.len() < stride as usize {
        let tag = tag(p, chance);
        // A precision that there is not has no weights.
        let exists = tag < p.widest.ilog2();
        let bytes = if exists { ((2_u32 << tag) / SLOT).max(1) } else { 1 };
        if words.len() + bytes as usize <= stride as usize {
            words.extend((0..bytes).map(|_| of_tag(p, tag, kind, chance)));
        }
    }
    words
}

/// A word of weights.
fn word(p: &PeClusterParameters, kind: Kind, chance: &mut Random) -> Bits {
    let tag = tag(p, chance);
    of_tag(p, tag, kind, chance)
}

/// The tag of a precision, most often one that means something.
fn tag(p: &PeClusterParameters, chance: &mut Random) -> u32 {
    let tags = p.narrowest.ilog2() - 1..=p.widest.ilog2() - 1;
    if chance.random_ratio(1, 20) { chance.random_range(0..8) } else { chance.random_range(tags) }
}

/// A word with the tag of a precision.
fn of_tag(p: &PeClusterParameters, tag: u32, kind: Kind, chance: &mut Random) -> Bits {
    let slot = match kind {
        Kind::Corner => Bits::corner(SLOT, chance),
        _ => Bits::random(SLOT, chance),
    };
    let mut parts = vec![slot, Bits::random(ROW_BITS * p.places(), chance)];
    if p.passes > 1 {
        parts.push(Bits::random(p.passes.ilog2(), chance));
    }
    let room = p.reference.saturating_sub((2_u32 << tag.min(4)).max(p.narrowest));
    let exponent = bits(p.reference - p.narrowest + 1);
    parts.push(Bits::new(exponent, chance.random_range(0..=room)));
    parts.push(Bits::new(3, tag));
    Bits::concat(&parts)
}

/// Makes vectors of beats.
fn vectors(
    p: &PeClusterParameters,
    layers: &[Layer],
    kind: Kind,
    beats: &mut [Beat],
    chance: &mut Random,
) {
    let (mut left, mut layer, mut is_empty) = (0_u32, 0, false);
    let mut threshold = 0;
    for beat in beats {
        if left == 0 {
            layer = chance.random_range(0..p.layers);
            left = chance.random_range(1..=6);
            is_empty = chance.random_ratio(1, 6);
            if is_empty {
                left = 1;
            }
            // What weights of all widths have above it and below.
            let most =
                if chance.random() { 0 } else { 1_u64 << chance.random_range(0..p.reference) };
            threshold = chance.random_range(0..=most);
        }
        left -= 1;
        let columns = layers[layer as usize].columns;
        if kind == Kind::Corner && chance.random() {
            beat[0] = Bits::corner(p.activation_bits, chance);
        }
        beat[1] = Bits::new(bits(p.longest), chance.random_range(0..columns));
        beat[2] = Bits::new(1, !is_empty);
        beat[3] = Bits::new(bits(p.layers), layer);
        beat[6] = Bits::new(p.reference, threshold);
        beat[7] = Bits::new(1, left == 0);
    }
}

/// Whether all words that may be worked with are loaded, and nothing more is after the last.
pub(super) fn accepts(p: &PeClusterParameters, stimulus: &Stimulus) -> bool {
    let loads = &stimulus.inputs[0];
    let used = p.words.min(WORDS) * p.elements;
    let is_last = |(index, load): (usize, &Beat)| load[3].bit(0) == (index + 1 == loads.len());
    let in_place = |(index, load): (usize, &Beat)| {
        let (address, element) = (load[0].unsigned(), load[1].unsigned());
        address * u64::from(p.elements) + element == index as u64
    };
    let layers = super::model::layers(p, &stimulus.held);
    let inside = stimulus.inputs[1].iter().all(|beat| {
        let survivor = super::model::Survivor::of(p, beat);
        let layer = layers[survivor.layer];
        let end = layer.base + (survivor.column + 1) * layer.stride;
        end <= p.words.min(WORDS) as usize && layer.beats <= p.most_beats() as usize
    });
    loads.len() == used as usize
        && loads.iter().enumerate().all(is_last)
        && loads.iter().enumerate().all(in_place)
        && inside
}
