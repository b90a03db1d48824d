//! The golden model of the coherence metric.

use std::collections::HashMap;

use num_bigint::BigUint;

use super::{CoherenceMetricParameters, Metric};
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// A vector as it went in, and what its first beat said.
struct Vector {
    values: Vec<i64>,
    metric: Metric,
    new_sequence: bool,
    weights: bool,
    layer: u64,
}

/// What is added up over a vector `a` and the one before, `b`: 2^16 products of 2^15 squared are 2^46.
#[derive(Default)]
struct Sums {
    a: i64,
    b: i64,
    aa: i64,
    bb: i64,
    ab: i64,
    difference: i64,
    abs_a: i64,
    abs_b: i64,
}

impl Sums {
    /// At a first step there is no `b`, and nothing to multiply or subtract.
    fn new(a: &[i64], b: Option<&[i64]>) -> Sums {
        let mut sums = Sums::default();
        for (index, &a) in a.iter().enumerate() {
            sums.a += a;
            sums.aa += a * a;
            sums.abs_a += a.abs();
            let Some(b) = b.map(|b| b[index]) else { continue };
            sums.b += b;
            sums.bb += b * b;
            sums.abs_b += b.abs();
            sums.ab += a * b;
            sums.difference += (a - b).abs();
        }
        sums
    }

    /// The sums that a linear metric looks at; the others are 0.
    fn linear(a: &[i64], b: &[i64]) -> Sums {
        let mut sums = Sums::default();
        for (a, b) in a.iter().zip(b) {
            sums.abs_a += a.abs();
            sums.abs_b += b.abs();
            sums.difference += (a - b).abs();
        }
        sums
    }
}

/// The bits of the greatest number up to `most`.
fn bits(most: u128) -> u32 {
    128 - most.leading_zeros()
}

/// Bits of a threshold that comes in.
pub(super) fn threshold_bits(p: &CoherenceMetricParameters) -> u32 {
    let needed = |metric: &Metric| match metric {
        Metric::Cosine | Metric::Correlation => 17,
        Metric::L1 | Metric::L2 => p.width + 8,
        Metric::NormalisedL1 | Metric::NormalisedL2 => 8,
    };
    p.metrics().iter().map(needed).max().expect("a metric is built in")
}

pub(super) fn is_similarity(metric: Metric) -> bool {
    matches!(metric, Metric::Cosine | Metric::Correlation)
}

fn is_linear(metric: Metric) -> bool {
    matches!(metric, Metric::L1 | Metric::NormalisedL1)
}

/// Cycles from a vector's last beat until its band comes out, if nothing is in the way.
pub(super) fn latency(p: &CoherenceMetricParameters, metric: Metric) -> u64 {
    let metrics = p.metrics();
    let any = |f: fn(Metric) -> bool| metrics.iter().any(|&metric| f(metric));
    let digits = |bits: u32| u64::from(bits.div_ceil(p.digit));

    let threshold = threshold_bits(p).max(9);
    let mut widest = 0;
    if any(is_linear) {
        widest = threshold;
    }
    if any(is_similarity) {
        // The square of 1.0, which is 2^16.
        widest = widest.max(33);
    }
    if any(|metric| matches!(metric, Metric::L2 | Metric::NormalisedL2)) {
        widest = widest.max(2 * threshold);
    }
    let square = if is_linear(metric) { 0 } else { digits(threshold) };
    let one_threshold = 1 + square + digits(widest);

    let (elements, range) = (u128::from(p.longest), (1_u128 << p.width) - 1);
    let squares = elements << (2 * p.width - 2);
    let variance = elements * elements * range * range / 4;
    let mut value = if p.cosine { bits(squares) } else { 1 };
    if p.correlation {
        value = value.max(bits(variance));
    }
    let mut factors = 0;
    if is_similarity(metric) {
        factors += 2 * digits(value);
    }
    if metric == Metric::Correlation {
        // One bit more for the sign, but the most negative sum is a power of two.
        let sum = bits((elements << (p.width - 1)) - 1) + 1;
        factors += 3 * (digits(sum) + digits(bits(elements)));
    }
    3 + factors + u64::from(p.bands - 1) * one_threshold
}

/// Takes the vectors out of the beats, each with the position of its last beat. Beats at the end
/// that are no whole vector are left out.
fn vectors(p: &CoherenceMetricParameters, beats: &[Beat]) -> Vec<(Vector, usize)> {
    let mut vectors = vec![];
    let mut open: Option<Vector> = None;
    for (index, beat) in beats.iter().enumerate() {
        let mut fields = beat.iter();
        let mut field = || fields.next().expect("a beat has all of its fields");
        let data = field();
        let code = if p.metrics().len() > 1 { field().unsigned() } else { 0 };
        let new_sequence = field().bit(0);
        let weights = p.weights && field().bit(0);
        let layer = if p.layers > 1 { field().unsigned() } else { 0 };
        let empty = if p.lanes > 1 { field().unsigned() } else { 0 };
        let last = field().bit(0);
        let vector = open.get_or_insert_with(|| {
            let known = p.metrics().into_iter().find(|&metric| metric as u64 == code);
            let metric = known.unwrap_or(p.metrics()[0]);
            let layer = layer.min(u64::from(p.layers) - 1);
            Vector { values: vec![], metric, new_sequence, weights, layer }
        });
        let missing = if last { empty.min(u64::from(p.lanes) - 1) } else { 0 };
        let present = p.lanes as usize - missing as usize;
        vector.values.extend(data.lanes(p.width).take(present).map(|value| value.signed()));
        if last {
            vectors.extend(open.take().map(|vector| (vector, index)));
        }
    }
    vectors
}

/// Whether a threshold is met, in exact integers.
fn is_met(metric: Metric, threshold: u64, sums: &Sums, elements: usize) -> bool {
    let (n, t) = (elements as i128, i128::from(threshold));
    let [a, b, aa, bb, ab] = [sums.a, sums.b, sums.aa, sums.bb, sums.ab].map(i128::from);
    let difference = i128::from(sums.difference);
    let squared_difference = aa + bb - 2 * ab;
    let similar = |product: i128, of_a: i128, of_b: i128| {
        if of_a == 0 || of_b == 0 {
            return difference == 0;
        }
        let big = |value: i128| BigUint::try_from(value).expect("it is not negative");
        let below = big(of_a) * big(of_b) * big(t * t);
        product >= 0 && ((big(product) * big(product)) << 32) >= below
    };
    match metric {
        Metric::Cosine => similar(ab, aa, bb),
        Metric::Correlation => similar(n * ab - a * b, n * aa - a * a, n * bb - b * b),
        Metric::L1 => difference << 8 <= t * n,
        Metric::L2 => squared_difference << 16 <= t * t * n,
        Metric::NormalisedL1 => difference << 8 <= t * i128::from(sums.abs_a + sums.abs_b),
        Metric::NormalisedL2 => squared_difference << 16 <= t * t * (aa + bb),
    }
}

/// Whether a vector and the one before meet a threshold.
pub(super) fn meets(metric: Metric, threshold: u64, after: &[i64], before: &[i64]) -> bool {
    is_met(metric, threshold, &Sums::new(after, Some(before)), after.len())
}

/// A threshold as the band of the vector before makes it.
fn moved(metric: Metric, threshold: u64, hysteresis: u64, is_easier: bool) -> u64 {
    if is_similarity(metric) {
        let moved = match is_easier {
            true => threshold.saturating_sub(hysteresis),
            false => threshold + hysteresis,
        };
        return moved.min(1 << 16);
    }
    match is_easier {
        true => threshold + hysteresis,
        false => threshold.saturating_sub(hysteresis),
    }
}

/// The sums that come out, in the order of the fields, with the bits of each.
fn put_out(p: &CoherenceMetricParameters, sums: &Sums) -> Vec<Bits> {
    let metrics = p.metrics();
    let any = |wanted: &[Metric]| wanted.iter().any(|metric| metrics.contains(metric));
    let n = u128::from(p.longest);
    let (half, full) = (1_u128 << (p.width - 1), (1_u128 << p.width) - 1);
    let mut fields = vec![];
    if any(&[Metric::Correlation]) {
        let width = bits(n * half - 1) + 1;
        fields.extend([(width, sums.a), (width, sums.b)]);
    }
    if any(&[Metric::Cosine, Metric::Correlation, Metric::L2, Metric::NormalisedL2]) {
        let width = bits(n * half * half);
        fields.extend([(width, sums.aa), (width, sums.bb), (width + 1, sums.ab)]);
    }
    if any(&[Metric::L1, Metric::NormalisedL1]) {
        fields.push((bits(n * full), sums.difference));
    }
    if any(&[Metric::NormalisedL1]) {
        let width = bits(n * half);
        fields.extend([(width, sums.abs_a), (width, sums.abs_b)]);
    }
    fields.into_iter().map(|(width, sum)| Bits::new(width, sum)).collect()
}

/// The vector before of a layer and kind.
struct Context {
    values: Vec<i64>,
    band: u64,
}

pub(super) fn run(p: &CoherenceMetricParameters, stimulus: &Stimulus) -> Response {
    let beats = &stimulus.inputs[0];
    let vectors = vectors(p, beats);
    let (accepted, done) = cycles(p, beats.len(), &vectors);
    let mut contexts: HashMap<(bool, u64), Context> = HashMap::new();
    let mut emitted = vec![];
    let band_bits = bits(u128::from(p.bands - 1));
    for ((vector, last), cycle) in vectors.iter().zip(done) {
        let key = (vector.weights, vector.layer);
        let before = contexts
            .get(&key)
            .filter(|before| !vector.new_sequence && before.values.len() == vector.values.len());
        let sums = Sums::new(&vector.values, before.map(|before| &before.values[..]));
        let band = before.map_or(0, |before| band(p, stimulus, vector, &sums, before.band));
        let mut beat = vec![Bits::new(band_bits, band), Bits::new(1, before.is_none())];
        if p.weights {
            beat.push(Bits::new(1, vector.weights));
        }
        if p.layers > 1 {
            beat.push(Bits::new(bits(u128::from(p.layers - 1)), vector.layer));
        }
        beat.extend(put_out(p, &sums));
        emitted.push(Emitted { beat, cycle, cause: Cause { channel: 0, beat: *last } });
        contexts.insert(key, Context { values: vector.values.clone(), band });
    }
    // The first waits for its band to be taken, the second for the first.
    let held = vectors.get(1).map_or(beats.len() + 1, |(_, last)| last + 1);
    Response { accepted: vec![accepted], emitted: vec![emitted], capacity: vec![held] }
}

/// How many of some thresholds, moved by a hysteresis, a vector meets whose layer's band was `band`.
pub(in crate::blocks::temporal) fn band_of(
    metric: Metric,
    (thresholds, hysteresis): (impl Iterator<Item = u64>, u64),
    band: u64,
    after: &[i64],
    before: &[i64],
) -> u64 {
    let sums = match is_linear(metric) {
        true => Sums::linear(after, before),
        false => Sums::new(after, Some(before)),
    };
    met(metric, (thresholds, hysteresis), band, &sums, after.len())
}

fn met(
    metric: Metric,
    (thresholds, hysteresis): (impl Iterator<Item = u64>, u64),
    band: u64,
    sums: &Sums,
    elements: usize,
) -> u64 {
    let met = thresholds.enumerate().filter(|(position, threshold)| {
        let threshold = moved(metric, *threshold, hysteresis, band > *position as u64);
        is_met(metric, threshold, sums, elements)
    });
    met.count() as u64
}

/// How many thresholds a vector meets.
fn band(
    p: &CoherenceMetricParameters,
    stimulus: &Stimulus,
    vector: &Vector,
    sums: &Sums,
    before: u64,
) -> u64 {
    let first = if vector.weights { 2 } else { 0 };
    let hysteresis = stimulus.held[first + 1].unsigned();
    let thresholds = stimulus.held[first].lanes(threshold_bits(p));
    let thresholds = (thresholds.map(|threshold| threshold.unsigned()), hysteresis);
    met(vector.metric, thresholds, before, sums, vector.values.len())
}

/// When each beat goes in and when each band comes out, if nothing stalls.
fn cycles(
    p: &CoherenceMetricParameters,
    beats: usize,
    vectors: &[(Vector, usize)],
) -> (Vec<u64>, Vec<u64>) {
    let mut accepted: Vec<u64> = vec![];
    let mut done: Vec<u64> = vec![];
    let mut vectors = vectors.iter().peekable();
    let mut next = 0;
    for beat in 0..beats {
        accepted.push(next);
        next += 1;
        if let Some((vector, _)) = vectors.next_if(|(_, last)| *last == beat) {
            // A last beat stays until the vector before leaves; no other comes in meanwhile.
            let leaves = next.max(done.last().copied().unwrap_or(0));
            done.push(leaves + latency(p, vector.metric) - 1);
            next = leaves;
        }
    }
    (accepted, done)
}
