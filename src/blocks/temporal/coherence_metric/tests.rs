//! Tests of the coherence metric.

use num_bigint::BigInt;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::blocks::temporal::stimulus::{empty, lanes};
use crate::blocks::testing::{agrees, elaborate, evaluator, paths, snapshot};
use crate::blocks::{self, Configured};
use crate::config::Parameters;
use crate::cosim::Subject;
use crate::hdl::eval::Evaluator;
use crate::model::{Beat, Bits};

fn none() -> CoherenceMetricParameters {
    CoherenceMetricParameters {
        cosine: false,
        normalised_l1: false,
        ..CoherenceMetricParameters::default()
    }
}

fn all() -> CoherenceMetricParameters {
    CoherenceMetricParameters {
        correlation: true,
        l1: true,
        l2: true,
        normalised_l2: true,
        ..CoherenceMetricParameters::default()
    }
}

/// One metric alone.
fn only(metric: Metric) -> CoherenceMetricParameters {
    let mut p = none();
    match metric {
        Metric::Cosine => p.cosine = true,
        Metric::Correlation => p.correlation = true,
        Metric::L1 => p.l1 = true,
        Metric::L2 => p.l2 = true,
        Metric::NormalisedL1 => p.normalised_l1 = true,
        Metric::NormalisedL2 => p.normalised_l2 = true,
    }
    p
}

const METRICS: [Metric; 6] = [
    Metric::Cosine,
    Metric::Correlation,
    Metric::L1,
    Metric::L2,
    Metric::NormalisedL1,
    Metric::NormalisedL2,
];

/// What is below a line and above it, by the book: a similarity or a distance is the quotient, its
/// root where it is squared. In exact integers, and with nothing of the block.
fn quotient(metric: Metric, a: &[i64], b: &[i64]) -> (BigInt, BigInt) {
    let sum = |f: &dyn Fn(BigInt, BigInt) -> BigInt| -> BigInt {
        a.iter().zip(b).map(|(&a, &b)| f(a.into(), b.into())).sum()
    };
    let n = BigInt::from(a.len());
    let abs = |x: BigInt| if x < BigInt::ZERO { -x } else { x };
    let square = |x: BigInt| &x * &x;
    // The cosine of what is left of the means, N times as large.
    let (mean_a, mean_b) = (sum(&|a, _| a), sum(&|_, b| b));
    let (from_a, from_b) = (|a: BigInt| &n * a - &mean_a, |b: BigInt| &n * b - &mean_b);
    match metric {
        Metric::Cosine => (sum(&|a, b| a * b), sum(&|a, _| square(a)) * sum(&|_, b| square(b))),
        Metric::Correlation => (
            sum(&|a, b| from_a(a) * from_b(b)),
            sum(&|a, _| square(from_a(a))) * sum(&|_, b| square(from_b(b))),
        ),
        Metric::L1 => (sum(&|a, b| abs(a - b)), n.clone()),
        Metric::L2 => (sum(&|a, b| square(a - b)), n.clone()),
        Metric::NormalisedL1 => (sum(&|a, b| abs(a - b)), sum(&|a, b| abs(a) + abs(b))),
        Metric::NormalisedL2 => (sum(&|a, b| square(a - b)), sum(&|a, b| square(a) + square(b))),
    }
}

/// How a metric stands to a threshold: on its coherent side, exactly at it, or on the other.
fn compared(metric: Metric, threshold: i64, a: &[i64], b: &[i64]) -> std::cmp::Ordering {
    let (above, below) = quotient(metric, a, b);
    let t = BigInt::from(threshold);
    match metric {
        Metric::Cosine | Metric::Correlation if below == BigInt::ZERO => match a == b {
            true => std::cmp::Ordering::Greater,
            false => std::cmp::Ordering::Less,
        },
        // Σ/√(..) against t/2^16, both squared where neither is negative.
        Metric::Cosine | Metric::Correlation if above < BigInt::ZERO => std::cmp::Ordering::Less,
        Metric::Cosine | Metric::Correlation => {
            let one = BigInt::from(1) << 32;
            let squared: BigInt = &above * &above * one;
            squared.cmp(&(below * &t * &t))
        }
        Metric::L1 | Metric::NormalisedL1 => (below * t).cmp(&(above * 256)),
        Metric::L2 | Metric::NormalisedL2 => (below * &t * &t).cmp(&(above * 65536)),
    }
}

/// What a test knows of a vector that goes in.
struct Step {
    metric: Metric,
    weights: bool,
    layer: usize,
    new_sequence: bool,
    values: Vec<i64>,
}

/// The beats of a step, by the documentation of the block.
fn packets(p: &CoherenceMetricParameters, step: &Step) -> Vec<Beat> {
    let values = step.values.iter().map(|&value| Bits::new(p.width, value)).collect();
    let beats = lanes(values, p.lanes, || Bits::new(p.width, 3));
    let count = beats.len();
    let beat = |(index, elements): (usize, Vec<Bits>)| {
        let mut beat = vec![Bits::concat(&elements)];
        if p.metrics().len() > 1 {
            beat.push(Bits::new(3, step.metric as i32));
        }
        beat.push(Bits::new(1, step.new_sequence));
        if p.weights {
            beat.push(Bits::new(1, step.weights));
        }
        if p.layers > 1 {
            beat.push(Bits::new((p.layers - 1).ilog2() + 1, step.layer as i64));
        }
        if p.lanes > 1 {
            let empty = empty(step.values.len(), p.lanes);
            beat.push(Bits::new((p.lanes - 1).ilog2() + 1, empty));
        }
        beat.push(Bits::new(1, index + 1 == count));
        beat
    };
    beats.into_iter().enumerate().map(beat).collect()
}

/// Takes the steps out of beats of a stimulus, by the documentation of the block.
fn steps(p: &CoherenceMetricParameters, beats: &[Beat]) -> Vec<Step> {
    let mut steps = vec![];
    let mut open: Option<Step> = None;
    for beat in beats {
        let mut fields = beat.iter();
        let data = fields.next().unwrap();
        let mut field =
            |is_there: bool| if is_there { fields.next().unwrap().unsigned() } else { 0 };
        let code = field(p.metrics().len() > 1);
        let (new_sequence, weights) = (field(true) == 1, field(p.weights) == 1);
        let layer = (field(p.layers > 1) as usize).min(p.layers as usize - 1);
        let empty = field(p.lanes > 1).min(u64::from(p.lanes) - 1) as usize;
        let last = field(true) == 1;
        let metric = METRICS.into_iter().find(|&metric| metric as u64 == code);
        let metric = metric.filter(|metric| p.metrics().contains(metric)).unwrap_or(p.metrics()[0]);
        let step =
            open.get_or_insert(Step { metric, weights, layer, new_sequence, values: vec![] });
        let present = p.lanes as usize - if last { empty } else { 0 };
        step.values.extend(data.lanes(p.width).take(present).map(|value| value.signed()));
        if last {
            steps.extend(open.take());
        }
    }
    steps
}

/// What should come of steps: bands, and whether they are first; and counts, for each metric, how
/// often a metric was exactly what an effective threshold says.
fn bands(
    p: &CoherenceMetricParameters,
    held: &[Bits],
    steps: &[Step],
    equal: &mut [usize; 6],
) -> Vec<(u64, bool)> {
    let mut before: Vec<Option<(&[i64], u64)>> = vec![None; 2 * p.layers as usize];
    let mut results = vec![];
    for step in steps {
        let context = &mut before[2 * step.layer + usize::from(step.weights)];
        let known = context.filter(|(b, _)| !step.new_sequence && b.len() == step.values.len());
        let mut band = 0;
        if let Some((b, current)) = known {
            let held = &held[2 * usize::from(step.weights)..];
            let hysteresis = held[1].unsigned() as i64;
            for (position, threshold) in held[0].lanes(held[1].width()).enumerate() {
                let is_similarity = matches!(step.metric, Metric::Cosine | Metric::Correlation);
                let is_easier = current > position as u64;
                let step_up = if is_easier == is_similarity { -hysteresis } else { hysteresis };
                let moved = (threshold.unsigned() as i64 + step_up).max(0);
                let moved = if is_similarity { moved.min(65536) } else { moved };
                let order = compared(step.metric, moved, &step.values, b);
                band += u64::from(order.is_ge());
                let (above, below) = quotient(step.metric, &step.values, b);
                let is_plain = above != BigInt::ZERO && below != BigInt::ZERO;
                equal[step.metric as usize] += usize::from(order.is_eq() && is_plain);
            }
        }
        *context = Some((&step.values, band));
        results.push((band, known.is_none()));
    }
    results
}

/// The golden model's bands.
fn of_model(p: &CoherenceMetricParameters, stimulus: &Stimulus) -> Vec<(u64, bool)> {
    let response = model::run(p, stimulus);
    let of = |emitted: &crate::model::Emitted| (emitted.beat[0].unsigned(), emitted.beat[1].bit(0));
    response.emitted[0].iter().map(of).collect()
}

/// Where beats of the block go in and bands come out, in cycles.
struct Bench {
    sim: Evaluator,
    accepted: Vec<u64>,
    emitted: Vec<u64>,
    bands: Vec<(u64, bool)>,
}

/// Feeds beats back to back and takes every band at once.
fn simulate(p: &CoherenceMetricParameters, stimulus: &Stimulus) -> Bench {
    let sim = evaluator::<CoherenceMetric>(p);
    let module = elaborate::<CoherenceMetric>(p);
    let names: Vec<&str> =
        module.ports.iter().map(|&port| module.signal(port).name.as_str()).collect();
    let ends = |name: &&str| !name.starts_with("out_") && name.ends_with("_i");
    let inputs: Vec<&str> = names.into_iter().filter(ends).collect();
    let (fields, held): (Vec<&str>, Vec<&str>) =
        inputs.into_iter().partition(|name| name.starts_with("in_"));
    let fields = fields.into_iter().filter(|name| *name != "in_valid_i").collect::<Vec<_>>();
    let mut bench = Bench { sim, accepted: vec![], emitted: vec![], bands: vec![] };
    let wide = |bits: &Bits| -> BigInt {
        bits.limbs().iter().rev().fold(BigInt::ZERO, |all, limb| (all << 64) + limb)
    };
    for (name, value) in held.iter().zip(&stimulus.held) {
        let port = bench.sim.port(name).unwrap();
        bench.sim.set_value(port, &wide(value));
    }
    let port = |bench: &Bench, name: &str| bench.sim.port(name).unwrap();
    let (valid, ready) = (port(&bench, "in_valid_i"), port(&bench, "in_ready_o"));
    let (out_valid, out_ready) = (port(&bench, "out_valid_o"), port(&bench, "out_ready_i"));
    let (band, first) = (port(&bench, "out_band_o"), port(&bench, "out_first_o"));
    let fields: Vec<_> = fields.iter().map(|name| port(&bench, name)).collect();
    let beats = &stimulus.inputs[0];
    let vectors = steps(p, beats).len();
    bench.sim.set(out_ready, 1);
    let (mut next, mut cycle) = (0, 0);
    while bench.emitted.len() < vectors || next < beats.len() {
        bench.sim.set(valid, next < beats.len());
        if let Some(beat) = beats.get(next) {
            fields
                .iter()
                .zip(beat)
                .for_each(|(&port, bits)| bench.sim.set_value(port, &wide(bits)));
        }
        if bench.sim.get(out_valid) == 1 {
            bench.emitted.push(cycle);
            bench.bands.push((bench.sim.get(band), bench.sim.get(first) == 1));
        }
        if next < beats.len() && bench.sim.get(ready) == 1 {
            bench.accepted.push(cycle);
            next += 1;
        }
        bench.sim.step();
        cycle += 1;
        assert!(cycle < 200_000, "it hangs");
    }
    bench
}

#[test]
fn variants_agree() {
    agrees::<CoherenceMetric>(&CoherenceMetricParameters::default());
    for p in CoherenceMetric::variants() {
        agrees::<CoherenceMetric>(&p);
    }
}

#[test]
fn each_metric_alone_agrees() {
    for metric in METRICS {
        agrees::<CoherenceMetric>(&CoherenceMetricParameters { longest: 40, ..only(metric) });
    }
    agrees::<CoherenceMetric>(&CoherenceMetricParameters { bands: 8, ..all() });
    agrees::<CoherenceMetric>(&CoherenceMetricParameters { width: 16, longest: 65536, ..all() });
    agrees::<CoherenceMetric>(&CoherenceMetricParameters {
        lanes: 17,
        width: 3,
        digit: 3,
        layers: 16,
        longest: 35,
        ..all()
    });
}

/// Decisions of the golden model and of the hardware are those of exact arithmetic, and stimulus
/// has each metric exactly at a threshold.
#[test]
fn decisions_are_exact_and_at_the_boundary_too() {
    let with = |p: CoherenceMetricParameters| CoherenceMetricParameters { bands: 3, ..p };
    let five = CoherenceMetricParameters { width: 5, lanes: 3, longest: 40, ..all() };
    let many = CoherenceMetricParameters { layers: 3, weights: true, ..with(all()) };
    for p in [all(), with(five), many] {
        let entry = blocks::find(CoherenceMetric::NAME).unwrap();
        let block = Configured::new(entry, p.to_values(), Tech::default());
        let subject = Subject::of(&block).unwrap_or_else(|error| panic!("{error}"));
        let mut equal = [0; 6];
        for seed in 0..30 {
            for kind in Kind::ALL {
                let mut random = Random::seed_from_u64(seed);
                let stimulus = subject.stimulus(kind, 640, &mut random).unwrap();
                let steps = steps(&p, &stimulus.inputs[0]);
                let exact = bands(&p, &stimulus.held, &steps, &mut equal);
                assert_eq!(of_model(&p, &stimulus), exact, "seed {seed}, {kind}");
                if seed < 6 {
                    assert_eq!(simulate(&p, &stimulus).bands, exact, "seed {seed}, {kind}");
                }
            }
        }
        assert!(equal.iter().all(|&times| times > 10), "{equal:?}");
    }
}

/// Steps of one metric that are extreme: as long as may be, all of one number, of one element.
fn extremes(p: &CoherenceMetricParameters, metric: Metric) -> Vec<Step> {
    let (least, most) = (-(1_i64 << (p.width - 1)), (1_i64 << (p.width - 1)) - 1);
    let mut steps = vec![];
    for length in [1, 2, p.longest as usize - 1, p.longest as usize] {
        let alternating = |from: i64, to: i64| (0..length).map(|i| [from, to][i % 2]).collect();
        let vectors: [Vec<i64>; 12] = [
            vec![least; length],
            vec![least; length],
            vec![most; length],
            vec![0; length],
            vec![0; length],
            vec![1; length],
            alternating(least, most),
            alternating(most, least),
            alternating(most, least),
            (0..length).map(|index| if index == 0 { least } else { 0 }).collect(),
            (0..length).map(|index| if index + 1 == length { most } else { 0 }).collect(),
            vec![least; length],
        ];
        steps.extend(vectors.map(|values| Step {
            metric,
            weights: false,
            layer: 0,
            new_sequence: false,
            values,
        }));
    }
    steps
}

#[test]
fn extreme_vectors_are_decided_exactly() {
    let wide = CoherenceMetricParameters { width: 16, longest: 300, ..all() };
    for p in [all(), CoherenceMetricParameters { longest: 1024, lanes: 64, ..all() }, wide] {
        for metric in METRICS {
            let steps = extremes(&p, metric);
            let beats: Vec<Beat> = steps.iter().flat_map(|step| packets(&p, step)).collect();
            let bits = 17.max(p.width + 8);
            for (threshold, hysteresis) in [(0, 0), (65536, 0), (65536, 65536), (1 << 15, 1 << 13)]
            {
                let held = vec![Bits::new(bits, threshold), Bits::new(bits, hysteresis)];
                let stimulus = Stimulus { inputs: vec![beats.clone()], held };
                let exact = bands(&p, &stimulus.held, &steps, &mut [0; 6]);
                assert_eq!(of_model(&p, &stimulus), exact, "{metric:?} {threshold}");
                assert_eq!(simulate(&p, &stimulus).bands, exact, "{metric:?} {threshold}");
            }
        }
    }
}

/// A known number for each metric, on both sides of a threshold.
#[test]
fn the_golden_model_knows_its_metrics() {
    let p = all();
    let met = |metric, a: &[i64], b: &[i64], threshold: i64| {
        let step = |values: &[i64]| Step {
            metric,
            weights: false,
            layer: 0,
            new_sequence: false,
            values: values.to_vec(),
        };
        let inputs = [b, a].iter().flat_map(|values| packets(&p, &step(values))).collect();
        let held = vec![Bits::new(17, threshold), Bits::zero(17)];
        of_model(&p, &Stimulus { inputs: vec![inputs], held })[1].0
    };
    // 24/25 is between 62914 and 62915 of 65536.
    let cosine = |t| met(Metric::Cosine, &[3, 4], &[4, 3], t);
    assert_eq!([cosine(62914), cosine(62915)], [1, 0]);
    let correlation = |t| met(Metric::Correlation, &[1, 2, 3, 4], &[11, 12, 14, 13], t);
    // 4/5 is between 52428 and 52429.
    assert_eq!([correlation(52428), correlation(52429)], [1, 0]);
    let l1 = |t| met(Metric::L1, &[1, 5, 0], &[0, 0, 1], t);
    assert_eq!([l1(597), l1(598)], [0, 1]);
    let l2 = |t| met(Metric::L2, &[3, 0], &[0, 4], t);
    // The root of 12.5 is between 905 and 906 of 256.
    assert_eq!([l2(905), l2(906)], [0, 1]);
    let normalised_l1 = |t| met(Metric::NormalisedL1, &[3, -2], &[1, 2], t);
    assert_eq!([normalised_l1(191), normalised_l1(192)], [0, 1]);
    let normalised_l2 = |t| met(Metric::NormalisedL2, &[1, 0], &[2, 0], t);
    // The root of 1/5 is between 114 and 115 of 256.
    assert_eq!([normalised_l2(114), normalised_l2(115)], [0, 1]);
}

/// Random vectors of a length, back to back.
fn vectors(p: &CoherenceMetricParameters, metric: Metric, length: usize) -> Stimulus {
    let mut random = Random::seed_from_u64(1);
    let mut step = || Step {
        metric,
        weights: false,
        layer: 0,
        new_sequence: false,
        values: (0..length).map(|_| random.random_range(-128..128)).collect(),
    };
    let beats = (0..6).flat_map(|_| packets(p, &step())).collect();
    let bits = if p.metrics().iter().any(|m| (*m as u32) < 2) { 17 } else { 16 };
    let held = vec![Bits::new(bits * (p.bands - 1), 100), Bits::zero(bits)];
    Stimulus { inputs: vec![beats], held }
}

/// Cycles from the last beat of a vector to its band, and from band to band.
fn timing(p: &CoherenceMetricParameters, metric: Metric, length: usize) -> (u64, u64) {
    let bench = simulate(p, &vectors(p, metric, length));
    let beats = length.div_ceil(p.lanes as usize);
    let last = bench.accepted[beats - 1];
    (bench.emitted[0] - last, bench.emitted[5] - bench.emitted[4])
}

#[test]
fn decisions_take_as_long_as_stated_and_vectors_follow_at_once() {
    let p = CoherenceMetricParameters { longest: 1024, ..all() };
    let stated = [36, 60, 13, 18, 13, 18];
    for (metric, stated) in METRICS.into_iter().zip(stated) {
        let (latency, interval) = timing(&p, metric, 16);
        assert_eq!((latency, interval), (stated, stated - 1), "{metric:?}");
        assert!(latency <= 64);
        // Longer vectors than a decision follow each other without a gap.
        assert_eq!(timing(&p, metric, 256), (stated, 64), "{metric:?}");
        let with = CoherenceMetricParameters { bands: 3, ..p.clone() };
        assert!(timing(&with, metric, 16).0 - latency <= 16, "{metric:?}");
    }
}

#[test]
fn a_metric_has_to_be_built_in() {
    let violations = CoherenceMetric::validate(&none());
    assert_eq!(violations[0].parameter, "cosine");
    assert!(violations[0].help.contains("normalised_l1 = true"));
    assert!(METRICS.into_iter().all(|metric| CoherenceMetric::validate(&only(metric)).is_empty()));
}

#[test]
fn only_ready_follows_ready() {
    let module = elaborate::<CoherenceMetric>(&all());
    assert_eq!(paths(&module), [("in_ready_o", vec!["out_ready_i"])]);
}

#[test]
fn products_exist_only_where_a_metric_needs_them() {
    let product = |p: &CoherenceMetricParameters| {
        let files = crate::verilog::emit(&elaborate::<CoherenceMetric>(p), &Default::default());
        let text = files.unwrap().into_iter().find(|file| file.module.ends_with("_lane"));
        text.unwrap().text.contains(" * ")
    };
    for (metric, expected) in METRICS.into_iter().zip([true, true, false, true, false, true]) {
        assert_eq!(product(&only(metric)), expected, "{metric:?}");
    }
}

#[test]
fn snapshots() {
    let tiny = CoherenceMetricParameters { width: 3, lanes: 2, longest: 4, ..none() };
    snapshot!(
        CoherenceMetric,
        "coherence_metric_normalised_l1",
        CoherenceMetricParameters { normalised_l1: true, ..tiny.clone() }
    );
    snapshot!(
        CoherenceMetric,
        "coherence_metric_correlation_l2",
        CoherenceMetricParameters {
            correlation: true,
            l2: true,
            bands: 3,
            layers: 2,
            weights: true,
            ..tiny
        }
    );
}
