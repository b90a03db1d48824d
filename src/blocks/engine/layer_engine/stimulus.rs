//! Stimulus for the layer engine: a small network, and sequences of vectors that resemble each other.

use std::collections::HashMap;

use rand::{RngExt, SeedableRng};

use super::model::{Settings, steps};
use super::{GROUP, LayerEngineParameters};
use crate::blocks::engine::bits;
use crate::blocks::engine::pe_cluster::{Word, any_column, word_bits};
use crate::model::{Beat, Bits, Field, Kind, Random, Shape, Stimulus, recording};

/// Words of a processing element for all layers, at most: a simulation has to get past them.
const WORDS: u32 = 24;

/// A layer as the stimulus lays it out.
#[derive(Clone, Copy, Debug, Default)]
struct Layer {
    inputs: u32,
    outputs: u32,
    base: u32,
    stride: u32,
    spread: u32,
    bias_base: u32,
}

impl Layer {
    fn beats(&self, lanes: u32) -> u32 {
        self.outputs.div_ceil(lanes)
    }
}

/// The beats of a row of the largest layer, as a power of two.
fn most_spread(p: &LayerEngineParameters) -> u32 {
    (p.elements * p.passes() / p.sum_lanes()).ilog2()
}

/// A network whose layers fit one behind the other.
fn network(p: &LayerEngineParameters, chance: &mut Random) -> Vec<Layer> {
    let used = p.words.min(WORDS);
    let of_each = (used / p.layers).max(1);
    let (mut base, mut bias_base) = (0, 0);
    let mut inputs = chance.random_range(1..=p.longest.min(of_each));
    let layer = |_| {
        let spread = chance.random_range(0..=most_spread(p));
        let most = p.longest.min(of_each).min((p.lanes * GROUP) << spread);
        let outputs = chance.random_range(1..=most);
        let stride = chance.random_range(1..=(of_each / inputs).clamp(1, 5));
        let layer = Layer { inputs, outputs, base, stride, spread, bias_base };
        base += inputs * stride;
        bias_base += layer.beats(p.lanes);
        inputs = outputs;
        layer
    };
    (0..p.layers).map(layer).collect()
}

pub(super) fn stimulus(
    p: &LayerEngineParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    let mut chance = Random::from_rng(random);
    let layers = network(p, &mut chance);
    let held = shape.held.iter().map(|field| setting(p, &layers, field, kind, &mut chance));
    let held = held.collect();
    let loads = loads(p, shape, &layers, kind, &mut chance);
    let inputs = vectors(p, layers[0].inputs, kind, beats, random);
    Stimulus { inputs: vec![loads, inputs], held }
}

/// What stands at a plain input.
fn setting(
    p: &LayerEngineParameters,
    layers: &[Layer],
    field: &Field,
    kind: Kind,
    chance: &mut Random,
) -> Bits {
    let width = field.width / p.layers;
    let given = |value: &dyn Fn(&Layer) -> u32| {
        Bits::concat(&layers.iter().map(|l| Bits::new(width, value(l))).collect::<Vec<_>>())
    };
    let mut any = |count: u32, value: &mut dyn FnMut(&mut Random) -> u64| {
        let width = width / count;
        let all = (0..count * p.layers).map(|_| Bits::new(width, value(chance)));
        Bits::concat(&all.collect::<Vec<_>>())
    };
    match field.name.as_str() {
        "base" => given(&|layer| layer.base),
        "stride" => given(&|layer| layer.stride),
        "beats" => given(&|layer| layer.beats(p.lanes) - 1),
        "spread" => given(&|layer| layer.spread),
        "bias_base" => given(&|layer| layer.bias_base),
        "empty" => given(&|layer| layer.beats(p.lanes) * p.lanes - layer.outputs),
        "final_layer" => Bits::new(field.width, chance.random_range(0..p.layers)),
        // Weights of all widths are above it and below, and often none is to be left out.
        "weight_threshold" => any(p.bands, &mut |chance| {
            let most = 1_u64 << chance.random_range(0..p.reference);
            if chance.random() { 0 } else { chance.random_range(0..=most) }
        }),
        "mode" => any(1, &mut |chance| chance.random_range(0..4_u64).min(2)),
        // Sums are small here, and what follows of them should not always saturate.
        "shift" => any(1, &mut |chance| chance.random_range(14..24)),
        "keep" => any(p.bands, &mut |chance| chance.random_range(0..=GROUP).into()),
        "score_threshold" => any(p.bands, &mut |chance| chance.random_range(0..8)),
        "bonus" => Bits::new(field.width, chance.random_range(0..8_u64)),
        "dwell" => any(1, &mut |chance| chance.random_range(0..4)),
        "override" => any(1, &mut |chance| u64::from(chance.random_ratio(1, 6))),
        "coherence_hysteresis" => any(1, &mut |chance| chance.random_range(0..16)),
        _ if kind == Kind::Corner => Bits::corner(field.width, chance),
        _ => Bits::random(field.width, chance),
    }
}

/// All words and biases that the layers need.
fn loads(
    p: &LayerEngineParameters,
    shape: &Shape,
    layers: &[Layer],
    kind: Kind,
    chance: &mut Random,
) -> Vec<Beat> {
    let width = |field: usize| shape.inputs[0].fields[field].width;
    let biases: u32 = layers.iter().map(|layer| layer.beats(p.lanes)).sum();
    let units = p.clusters * p.elements;
    let cluster = p.cluster();
    let mut all = vec![];
    for unit in 0..units + p.lanes {
        let of_unit: Vec<Bits> = match unit < units {
            true => layers
                .iter()
                .flat_map(|layer| std::iter::repeat_n(layer.stride, layer.inputs as usize))
                .flat_map(|stride| any_column(&cluster, stride, kind, chance))
                .collect(),
            false => {
                let bias = |_| Bits::new(width(2), chance.random_range(-500..500_i64));
                (0..biases).map(bias).collect()
            }
        };
        all.extend((0_u32..).zip(of_unit).map(|(address, word)| {
            let word = Bits::from_limbs(width(2), word.limbs());
            vec![Bits::new(width(0), unit), Bits::new(width(1), address), word]
        }));
    }
    let count = all.len();
    for (index, beat) in all.iter_mut().enumerate() {
        beat.push(Bits::new(1, index + 1 == count));
    }
    all
}

/// Whole vectors of up to so many elements, in about so many beats.
fn vectors(
    p: &LayerEngineParameters,
    most: u32,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Vec<Beat> {
    let bits_of = p.activation_bits;
    let top = (1_i64 << (bits_of - 1)) - 1;
    let mut values: Vec<i64> = vec![];
    let mut all: Vec<Beat> = vec![];
    loop {
        let is_new = values.is_empty() || random.random_ratio(1, 8);
        if is_new || random.random_ratio(1, 10) {
            let length = if random.random() { most } else { random.random_range(1..=most) };
            values.resize(length as usize, 0);
        }
        let at = random.random_range(0..recording().len());
        for (index, value) in values.iter_mut().enumerate() {
            let changes = is_new || random.random_ratio(1, 3);
            *value = match kind {
                Kind::Recorded => {
                    i64::from(recording()[(at + index) % recording().len()]).clamp(-top - 1, top)
                }
                Kind::Corner if changes => [-top - 1, top, 0, 1, -1][random.random_range(0..5)],
                Kind::Random if changes => random.random_range(-top - 1..=top),
                _ => *value,
            };
        }
        let chunks = values.chunks(p.lanes as usize);
        let count = chunks.len();
        if all.len() + count > beats {
            return all;
        }
        for (index, chunk) in chunks.enumerate() {
            let is_last = index + 1 == count;
            let missing = p.lanes as usize - chunk.len();
            let mut lanes: Vec<Bits> = chunk.iter().map(|&v| Bits::new(bits_of, v)).collect();
            lanes.extend((0..missing).map(|_| Bits::random(bits_of, random)));
            let mut beat = vec![Bits::concat(&lanes), Bits::new(1, is_new)];
            if p.lanes > 1 {
                beat.push(Bits::new(bits(p.lanes), missing as u64));
            }
            beat.push(Bits::new(1, is_last));
            all.push(beat);
        }
    }
}

/// Whether all is loaded that the vectors are worked on with, and every step comes to its end.
pub(super) fn accepts(p: &LayerEngineParameters, stimulus: &Stimulus) -> bool {
    let [loads, beats] = &stimulus.inputs[..] else { return false };
    let settings = Settings::of(p, &stimulus.held);
    let is_last = |(index, load): (usize, &Beat)| load[3].bit(0) == (index + 1 == loads.len());
    let whole = beats.last().is_none_or(|beat| beat[beat.len() - 1].bit(0));
    if loads.is_empty() || !loads.iter().enumerate().all(is_last) || !whole {
        return false;
    }
    let units = p.clusters * p.elements;
    let loaded: HashMap<(u64, u64), &Bits> =
        loads.iter().map(|load| ((load[0].unsigned(), load[1].unsigned()), &load[2])).collect();
    let all_of = |units: std::ops::Range<u32>, first: usize, count: usize| {
        let mut of = units.flat_map(|unit| {
            (first..first + count).map(move |address| (u64::from(unit), address as u64))
        });
        of.all(|one| loaded.contains_key(&one))
    };
    // Vectors of other layers come between those of one.
    let (cluster, word_bits) = (p.cluster(), word_bits(&p.cluster()));
    let ends_wide_weights = |unit: u32, first: usize, count: usize| {
        let words = (first..first + count).map(|address| &loaded[&(unit.into(), address as u64)]);
        let words = words.map(|word| Word::of(&cluster, &word.slice(0, word_bits)));
        words.fold(0, |byte, word| word.byte_after(byte)) == 0
    };
    let mut inputs = steps(p, beats).iter().map(|step| step.values.len()).max().unwrap_or(1);
    let Some(layers) = settings.layers.get(..=settings.final_layer) else { return false };
    layers.iter().all(|layer| {
        let (cluster, requantiser) = (&layer.cluster, &layer.requantiser);
        let fits = inputs <= p.longest as usize
            && cluster.spread <= most_spread(p)
            && cluster.beats <= (GROUP as usize) << cluster.spread
            && all_of(0..units, cluster.base, inputs * cluster.stride)
            && (0..inputs).all(|input| {
                let first = cluster.base + input * cluster.stride;
                (0..units).all(|unit| ends_wide_weights(unit, first, cluster.stride))
            })
            && all_of(units..units + p.lanes, requantiser.bias_base, cluster.beats);
        inputs = cluster.beats * p.lanes as usize - requantiser.empty as usize;
        fits && (requantiser.empty as u32) < p.lanes
    })
}
