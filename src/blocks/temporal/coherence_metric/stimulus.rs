//! Stimulus for the coherence metric: vectors and, between them, pairs of vectors of which a metric
//! is exactly what a threshold says, or that a threshold was chosen for.

use rand::{RngExt, SeedableRng};

use super::model::{is_similarity, meets, threshold_bits};
use super::{CoherenceMetricParameters, Metric};
use crate::blocks::temporal::stimulus::{Sizes, Vector, Vectors, empty, lanes};
use crate::model::{Bits, Kind, Random, Shape, Stimulus};

/// 1.0 as the threshold of a similarity.
const ONE: u64 = 1 << 16;

pub(super) fn stimulus(
    p: &CoherenceMetricParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // How much chance the data of absent lanes take depends on their number.
    let mut chance = Random::from_rng(random);
    let given = shape.stimulus(kind, 0, random).held;
    let longest = p.longest.min(32 * p.lanes);
    let (mut held, mut witnesses) = (vec![], vec![]);
    for (of_weights, given) in [false, true].into_iter().zip(given.chunks(2)) {
        let [mut thresholds, hysteresis] = thresholds(p, given, &mut chance);
        if chance.random() {
            thresholds = Witness::of_each(p, longest, of_weights, &mut witnesses, &mut chance);
        }
        held.extend([thresholds, hysteresis]);
    }
    let sizes = Sizes { width: p.width, longest, usual: 5 * p.lanes, layers: p.layers };
    let mut vectors = Vectors::new(sizes, kind);
    let mut input = vec![];
    while input.len() < beats {
        let vector = vectors.next(&mut chance);
        let metric = metric(p, &mut chance);
        let is_weights = p.weights && chance.random_range(0..3) == 0;
        if !witnesses.is_empty() && chance.random_range(0..3) == 0 {
            let Witness { metric, of_weights, pair } =
                &witnesses[chance.random_range(0..witnesses.len())];
            for values in pair.clone() {
                let vector = Vector { values, layer: vector.layer, new_sequence: false };
                input.extend(packets(p, vector, *metric as u64, *of_weights, &mut chance));
            }
            continue;
        }
        if chance.random_range(0..3) > 0 {
            let [thresholds, hysteresis] = [0, 1].map(|of| &held[2 * usize::from(is_weights) + of]);
            // Where there are none for one target, there may be for the next.
            let found = (0..2).find_map(|_| {
                let target = target(p, thresholds, hysteresis, metric, &mut chance);
                pair(p, metric, target, longest, &mut chance)
            });
            if let Some((before, after)) = found {
                for values in [before, after] {
                    let vector = Vector { values, layer: vector.layer, new_sequence: false };
                    input.extend(packets(p, vector, metric as u64, is_weights, &mut chance));
                }
                continue;
            }
        }
        // Codes that are not built in count as one that is.
        let code = match chance.random_range(0..4) {
            0 => chance.random_range(0..8),
            _ => metric as u64,
        };
        input.extend(packets(p, vector, code, is_weights, &mut chance));
    }
    input.truncate(beats);
    Stimulus { inputs: vec![input], held }
}

fn metric(p: &CoherenceMetricParameters, random: &mut Random) -> Metric {
    let metrics = p.metrics();
    metrics[random.random_range(0..metrics.len())]
}

/// Two vectors that a threshold was chosen for: any bit of what is compared decides.
#[derive(Clone, Debug)]
pub(in crate::blocks::temporal) struct Witness {
    pub metric: Metric,
    pub of_weights: bool,
    /// The vector before, and the one that is compared with it.
    pub pair: [Vec<i64>; 2],
}

impl Witness {
    /// Vectors, often as long and as loud as can be, and the last threshold that they meet or the
    /// first that they do not.
    fn new(
        p: &CoherenceMetricParameters,
        longest: u32,
        of_weights: bool,
        random: &mut Random,
    ) -> (Witness, Bits) {
        let half = 1_i64 << (p.width - 1);
        // The top bits of sums and of their squares need the lowest number everywhere, twice.
        let is_extreme = random.random_ratio(1, 3);
        let length = match random.random_range(0..3) {
            0 if !is_extreme => random.random_range(1..=longest),
            _ => longest,
        };
        let least = [0, half / 2, half][if is_extreme { 2 } else { random.random_range(0..3) }];
        // They reach as far if some are one more, and the metric is then near its end, not at it.
        let noise = match is_extreme {
            true => i64::from(random.random_range(0..3) > 0),
            false => 1 << random.random_range(0..p.width),
        };
        let all_negative = is_extreme || random.random_range(0..3) == 0;
        let mut element = || {
            let magnitude = random.random_range(least..=half);
            if all_negative || random.random() { -magnitude } else { magnitude.min(half - 1) }
        };
        let one: Vec<i64> = (0..length).map(|_| element()).collect();
        let mut near =
            |value: &i64| (value + random.random_range(-noise..=noise)).clamp(-half, half - 1);
        let other: Vec<i64> = one.iter().map(&mut near).collect();
        let (before, after) = if random.random() { (one, other) } else { (other, one) };
        let metric = metric(p, random);
        let bits = threshold_bits(p);
        // The lowest threshold at which what is met is not what it is at 0.
        let at = |threshold| meets(metric, threshold, &after, &before) == is_similarity(metric);
        let (mut low, mut high) = (0, 1_u64 << bits);
        while low < high {
            let middle = (low + high) / 2;
            if at(middle) { low = middle + 1 } else { high = middle }
        }
        let threshold = low.saturating_sub(random.random_range(0..2)).min((1 << bits) - 1);
        let pair = [before, after];
        (Witness { metric, of_weights, pair }, Bits::new(bits, threshold))
    }

    /// A threshold of each band with a witness, which is added to the others.
    pub fn of_each(
        p: &CoherenceMetricParameters,
        longest: u32,
        of_weights: bool,
        witnesses: &mut Vec<Witness>,
        random: &mut Random,
    ) -> Bits {
        let chosen = (1..p.bands).map(|_| Witness::new(p, longest, of_weights, random));
        let (chosen, thresholds): (Vec<_>, Vec<_>) = chosen.unzip();
        witnesses.extend(chosen);
        Bits::concat(&thresholds)
    }
}

/// Thresholds that vectors can meet exactly, or any; no hysteresis, one step between such
/// thresholds, or any.
fn thresholds(p: &CoherenceMetricParameters, given: &[Bits], random: &mut Random) -> [Bits; 2] {
    let bits = given[1].width();
    let steps = |metric: Metric, random: &mut Random| match metric {
        // What is above 1 counts as 1, whichever bit says that it is.
        Metric::Cosine | Metric::Correlation => match random.random_range(0..8) {
            quarters @ 0..=4 => ONE / 4 * quarters,
            _ => ONE + (1 << random.random_range(0..16)),
        },
        Metric::L1 => 128 * random.random_range(0..(2_u64 << p.width) - 1),
        Metric::L2 => 256 * random.random_range(0..1_u64 << p.width),
        Metric::NormalisedL1 => 32 * random.random_range(0..8),
        // Of the others, few vectors are short enough to meet them exactly.
        Metric::NormalisedL2 => 64 * random.random_range(0..4),
    };
    let habit = random.random_range(0..8);
    let threshold = |given: Bits, random: &mut Random| match habit {
        0 => given,
        _ => Bits::new(bits, steps(metric(p, random), random)),
    };
    let all: Vec<Bits> = given[0].lanes(bits).map(|given| threshold(given, random)).collect();
    let hysteresis = match random.random_range(0..4) {
        0 | 1 => Bits::zero(bits),
        2 => Bits::new(bits, steps(metric(p, random), random) / 2),
        _ => given[1].clone(),
    };
    [Bits::concat(&all), hysteresis]
}

/// One of the thresholds, as it is or moved.
fn target(
    p: &CoherenceMetricParameters,
    thresholds: &Bits,
    hysteresis: &Bits,
    metric: Metric,
    random: &mut Random,
) -> u64 {
    let position = random.random_range(0..p.bands - 1) * hysteresis.width();
    let threshold = thresholds.slice(position, hysteresis.width()).unsigned();
    let moved = match random.random_range(0..3) {
        0 => threshold,
        1 => threshold + hysteresis.unsigned(),
        _ => threshold.saturating_sub(hysteresis.unsigned()),
    };
    if is_similarity(metric) { moved.min(ONE) } else { moved }
}

/// Two vectors of which a metric is exactly `target`, or just not; none if there are none of this
/// construction.
fn pair(
    p: &CoherenceMetricParameters,
    metric: Metric,
    target: u64,
    longest: u32,
    random: &mut Random,
) -> Option<(Vec<i64>, Vec<i64>)> {
    let half = 1_i64 << (p.width - 1);
    let length = random.random_range(1..=longest.min(40)) as usize;
    let mut pairs = match metric {
        Metric::Cosine => signs(target, length, half, random)?,
        Metric::Correlation => balanced(target, length, half, random)?,
        Metric::L1 => differences(target, length, half, random)?,
        Metric::L2 => {
            let whole = target.is_multiple_of(256).then_some(target)?;
            differences(whole, length, half, random)?
        }
        Metric::NormalisedL1 => ratios(target, length, half, random)?,
        Metric::NormalisedL2 => orthogonal(target, length, half, random)?,
    };
    // In any order.
    for index in 1..pairs.len() {
        pairs.swap(index, random.random_range(0..=index));
    }
    // One less here or there is on one side of the boundary or on the other.
    if random.random_range(0..3) == 0 {
        let place = random.random_range(0..pairs.len());
        let value = &mut pairs[place].0;
        *value += if *value > 0 { -1 } else { 1 };
    }
    Some(pairs.into_iter().unzip())
}

/// Elements of one magnitude each, of a number that is a power of two, and zeros. The cosine is the
/// share of those of like sign, less that of the others.
fn signs(target: u64, length: usize, half: i64, random: &mut Random) -> Option<Vec<(i64, i64)>> {
    let active = 1_u64 << random.random_range(0..=length.ilog2());
    let unlike = active * (ONE - target) / 2;
    let unlike = unlike.is_multiple_of(ONE).then_some(unlike / ONE)?;
    let (a, b) = (random.random_range(1..half), random.random_range(1..half));
    let mut pairs = vec![(0, 0); length];
    for (index, pair) in pairs.iter_mut().take(active as usize).enumerate() {
        let sign = if random.random() { 1 } else { -1 };
        *pair = (a * sign, if (index as u64) < unlike { -b * sign } else { b * sign });
    }
    Some(pairs)
}

/// As many elements of each sign, around an offset: the correlation is what the cosine is without.
fn balanced(target: u64, length: usize, half: i64, random: &mut Random) -> Option<Vec<(i64, i64)>> {
    let couples = 1_u64 << random.random_range(0..=(length / 2).checked_ilog2()?);
    let unlike = couples * (ONE - target) / 2;
    let unlike = unlike.is_multiple_of(ONE).then_some(unlike / ONE)?;
    let mut scale = || {
        let scale = random.random_range(1..half);
        (scale, random.random_range(scale - half..half - scale))
    };
    let ((a, of_a), (b, of_b)) = (scale(), scale());
    let mut pairs = vec![(of_a, of_b); length];
    for (index, couple) in pairs.chunks_exact_mut(2).take(couples as usize).enumerate() {
        let b = if (index as u64) < unlike { -b } else { b };
        couple[0] = (of_a + a, of_b + b);
        couple[1] = (of_a - a, of_b - b);
    }
    Some(pairs)
}

/// Differences whose sum is `target` 256ths of their number, as alike as they can be.
fn differences(
    target: u64,
    length: usize,
    half: i64,
    random: &mut Random,
) -> Option<Vec<(i64, i64)>> {
    let sum = target * length as u64;
    let sum = sum.is_multiple_of(256).then_some((sum / 256) as i64)?;
    let (each, more) = (sum / length as i64, sum % length as i64);
    let fits = each + i64::from(more > 0) < 2 * half;
    fits.then(|| {
        let pair = |index: usize| {
            let difference = each + i64::from((index as i64) < more);
            let low = random.random_range(-half..half - difference);
            if random.random() { (low, low + difference) } else { (low + difference, low) }
        };
        (0..length).map(pair).collect()
    })
}

/// Elements u·c and v·c, where (u − v)/(u + v) is `target` 256ths.
fn ratios(target: u64, length: usize, half: i64, random: &mut Random) -> Option<Vec<(i64, i64)>> {
    let (u, v) = (256 + target as i64, 256_i64.checked_sub_unsigned(target)?);
    if v < 0 {
        return None;
    }
    let common =
        1 << u.trailing_zeros().min(if v == 0 { u.trailing_zeros() } else { v.trailing_zeros() });
    let (u, v) = if v == 0 { (1, 0) } else { (u / common, v / common) };
    let most = (half - 1) / u;
    (most > 0).then(|| {
        let pair = |_| {
            let scale = random.random_range(-most..=most);
            if random.random() { (u * scale, v * scale) } else { (v * scale, u * scale) }
        };
        (0..length).map(pair).collect()
    })
}

/// Elements of one magnitude, equal, or zero in one of the vectors: of d of these and e of those
/// the squared metric is d/(d + 2e).
fn orthogonal(
    target: u64,
    length: usize,
    half: i64,
    random: &mut Random,
) -> Option<Vec<(i64, i64)>> {
    let squared = target * target;
    if squared > ONE {
        return None;
    }
    // d·(2^16 − t²) = 2·e·t², in lowest terms and doubled as chance has it.
    let (mut d, mut e) = (2 * squared, ONE - squared);
    let common = match (d, e) {
        (0, e) => e,
        (d, 0) => d,
        (d, e) => 1 << d.trailing_zeros().min(e.trailing_zeros()),
    };
    (d, e) = (d / common, e / common);
    let times = (length as u64 / (d + e)).max(1);
    let times = random.random_range(1..=times);
    (d, e) = (d * times, e * times);
    (d + e <= length as u64).then(|| {
        let scale = random.random_range(1..half);
        let mut pairs = vec![(0, 0); length];
        for (index, pair) in pairs.iter_mut().take((d + e) as usize).enumerate() {
            let value = if random.random() { scale } else { -scale };
            *pair = match ((index as u64) < d, random.random()) {
                (false, _) => (value, value),
                (true, false) => (value, 0),
                (true, true) => (0, value),
            };
        }
        pairs
    })
}

/// The beats of a vector. What counts in the first beat only is anything in the others.
fn packets(
    p: &CoherenceMetricParameters,
    vector: Vector,
    code: u64,
    is_weights: bool,
    random: &mut Random,
) -> Vec<Vec<Bits>> {
    let missing = empty(vector.values.len(), p.lanes);
    let values = vector.values.into_iter().map(|value| Bits::new(p.width, value)).collect();
    let beats = lanes(values, p.lanes, || Bits::random(p.width, random));
    let count = beats.len();
    let layer_bits = if p.layers > 1 { (p.layers - 1).ilog2() + 1 } else { 0 };
    let lane_bits = if p.lanes > 1 { (p.lanes - 1).ilog2() + 1 } else { 0 };
    let beat = |(index, elements): (usize, Vec<Bits>)| {
        let (begins, ends) = (index == 0, index + 1 == count);
        let mut beat = vec![Bits::concat(&elements)];
        let mut field = |is_there: bool, width: u32, when: bool, value: u64| {
            if is_there {
                let value =
                    if when { Bits::new(width, value) } else { Bits::random(width, random) };
                beat.push(value);
            }
        };
        field(p.metrics().len() > 1, 3, begins, code);
        field(true, 1, begins, vector.new_sequence.into());
        field(p.weights, 1, begins, is_weights.into());
        // The last layer has other numbers, too, where there are any.
        let layer = match u64::from(vector.layer) {
            layer if layer + 1 == u64::from(p.layers) => layer.max((1 << layer_bits) - 1),
            layer => layer,
        };
        field(p.layers > 1, layer_bits, begins, layer);
        let all = missing + 1 == p.lanes && !p.lanes.is_power_of_two();
        let missing = if all { (1 << lane_bits) - 1 } else { u64::from(missing) };
        field(p.lanes > 1, lane_bits, ends, missing);
        field(true, 1, true, ends.into());
        beat
    };
    beats.into_iter().enumerate().map(beat).collect()
}
