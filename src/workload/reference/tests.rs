use rand::{RngExt, SeedableRng};

use super::*;
use crate::model::Random;
use crate::workload::network::Level;

/// Two layers of random balanced weights, 37 -> 20 -> 5, at one precision.
fn network(precision: u32, random: &mut Random) -> Network {
    let mut layer = |inputs: usize, outputs: usize, is_last: bool| {
        let groups = outputs.div_ceil(GROUP);
        let half = 1_i64 << (precision - 1);
        let weights = (0..inputs * outputs).map(|_| match random.random_bool(0.5) {
            true => random.random_range(-half..half) as i32,
            false => 0,
        });
        let weights = weights.collect();
        let exponents = (0..inputs * groups).map(|_| random.random_range(0..=32 - precision) as u8);
        Layer {
            inputs,
            outputs,
            precision,
            reference: 32,
            keep: GROUP,
            weights,
            exponents: Some(exponents.collect()),
            bias: (0..outputs).map(|_| random.random_range(-1 << 40..1 << 40)).collect(),
            requantisation: (!is_last).then_some(Requantisation {
                multiplier: 3,
                shift: 31,
                activation: Activation::Relu,
            }),
            control: Control::default(),
        }
    };
    let layers = vec![layer(37, 20, false), layer(20, 5, true)];
    Network { scale: 1.0, stack: 1, layers }
}

fn vectors(range: std::ops::RangeInclusive<i8>, count: usize, random: &mut Random) -> Vec<Vec<i8>> {
    let vector =
        |random: &mut Random| (0..37).map(|_| random.random_range(range.clone())).collect();
    (0..count).map(|_| vector(random)).collect()
}

/// The raw accumulators of one vector, by the textbook.
fn dense(network: &Network, vector: &[i8]) -> Vec<i64> {
    let mut x: Vec<i128> = vector.iter().map(|&value| value.into()).collect();
    for layer in &network.layers {
        let mut y = vec![];
        for output in 0..layer.outputs {
            let mut sum = i128::from(layer.bias[output]);
            for input in 0..layer.inputs {
                let group = output % layer.outputs.div_ceil(16);
                let exponents = layer.exponents.as_ref().unwrap();
                let exponent = exponents[input * layer.outputs.div_ceil(16) + group];
                let weight = i128::from(layer.weights[output * layer.inputs + input]);
                sum += weight * 2_i128.pow(exponent.into()) * x[input];
            }
            y.push(match layer.requantisation {
                Some(to) => {
                    let product = sum * i128::from(to.multiplier) + 2_i128.pow(to.shift - 1);
                    product.div_euclid(2_i128.pow(to.shift)).clamp(0, 127)
                }
                None => sum,
            });
        }
        x = y;
    }
    x.into_iter().map(|value| value as i64).collect()
}

fn with(network: &Network, change: impl Fn(&mut Control)) -> Network {
    let mut network = network.clone();
    network.layers.iter_mut().for_each(|layer| change(&mut layer.control));
    network
}

#[test]
fn nothing_left_out_equals_dense_bit_for_bit() {
    for (seed, precision) in [2, 4, 8, 16, 32].into_iter().enumerate() {
        let mut random = Random::seed_from_u64(seed as u64);
        let network = network(precision, &mut random);
        // Differences of these are not clipped.
        let vectors = vectors(-63..=63, 9, &mut random);
        let wanted: Vec<Vec<i64>> = vectors.iter().map(|vector| dense(&network, vector)).collect();
        assert!(wanted[0].iter().any(|&value| value != 0));
        for mode in [Mode::Dense, Mode::Mask, Mode::Delta] {
            let found = run(&with(&network, |control| control.mode = mode), &vectors);
            assert_eq!(found.accumulators, wanted, "{mode} at {precision} bits");
        }
    }
}

#[test]
fn what_is_clipped_comes_later() {
    let control = Control::default();
    let mut memory = Memory::new(&control, 1);
    let mut estimate = |x: i8| {
        memory.take(&[x]);
        memory.estimate[0]
    };
    assert_eq!([-128, -128, 127, 127, 127].map(&mut estimate), [-127, -128, -1, 126, 127]);
}

/// A layer of `N` inputs whose one output is their sum, under a control.
fn sum<const N: usize>(control: Control) -> Network {
    let layer = Layer {
        inputs: N,
        outputs: 1,
        precision: 8,
        reference: 8,
        keep: 1,
        weights: vec![1; N],
        exponents: None,
        bias: vec![1000],
        requantisation: None,
        control,
    };
    Network { scale: 1.0, stack: 1, layers: vec![layer] }
}

fn levels<const N: usize>(levels: [(usize, u32); N]) -> Vec<Level> {
    levels.map(|(keep, threshold)| Level { keep, threshold, ..Level::default() }).to_vec()
}

/// The accumulator, the level and the survivors of each vector.
fn trace<const N: usize>(control: Control, vectors: &[[i8; N]]) -> Vec<(i64, usize, usize)> {
    let vectors: Vec<Vec<i8>> = vectors.iter().map(|vector| vector.to_vec()).collect();
    let Execution { accumulators, steps } = run(&sum::<N>(control), &vectors);
    let pairs = accumulators.iter().zip(&steps[0]);
    pairs.map(|(acc, step)| (acc[0] - 1000, step.level, step.survivors)).collect()
}

#[test]
fn delta_keeps_what_it_does_not_transmit() {
    let control = Control { levels: levels([(2, 3), (2, 3)]), ..Control::default() };
    let vectors = [[10, 20, 30, 3], [13, 24, 34, 8], [14, 24, 34, 8], [14, 24, 34, 8]];
    // First all above 3; then of 3, 4, 4 and 8 the 8 and the first 4; then the other 4 and what has
    // grown to 4; then nothing is above 3.
    let wanted = [(60, 0, 3), (72, 0, 2), (80, 0, 2), (80, 0, 0)];
    assert_eq!(trace(control, &vectors), wanted);
}

#[test]
fn a_mask_makes_zeros() {
    let mode = Mode::Mask;
    let control =
        Control { mode, first_keep: 3, levels: levels([(1, 5), (1, 5)]), ..Control::default() };
    let vectors = [[-6, 7, 5, 6], [-6, 7, 5, 6], [-7, 7, 5, 6]];
    assert_eq!(trace(control.clone(), &vectors), [(7, 0, 3), (7, 0, 1), (-7, 1, 1)]);
    // What survived stays ahead of the other by 1.
    let control = Control { bonus: 1, ..control };
    assert_eq!(trace(control.clone(), &vectors)[2], (7, 1, 1));
    let vectors = [[0, 7, 0, 0], [7, 7, 0, 0], [8, 7, 0, 0], [9, 7, 0, 0]];
    let sums = |control: &Control| {
        let trace = trace(control.clone(), &vectors);
        trace.into_iter().map(|(sum, _, _)| sum).collect::<Vec<i64>>()
    };
    assert_eq!(sums(&control), [7, 7, 8, 9]);
    assert_eq!(sums(&Control { bonus: 2, ..control }), [7, 7, 7, 9]);
}

#[test]
fn weights_below_the_threshold_of_the_level_are_left_out_in_mode_mask() {
    let level = |weight_threshold| Level { weight_threshold, ..Level::default() };
    let of = |mode| {
        let levels = vec![level(2), level(7)];
        let mut network = sum::<3>(Control { mode, levels, ..Control::default() });
        network.layers[0].weights = vec![3, -8, 2];
        // Two equal vectors, so that the third has level 1.
        let found = run(&network, &vec![vec![1, 1, 1]; 3]);
        let of_each = found.accumulators.iter().zip(&found.steps[0]);
        of_each.map(|(sum, step)| (sum[0] - 1000, step.executed)).collect::<Vec<_>>()
    };
    // 3 - 8, and then -8 alone.
    assert_eq!(of(Mode::Mask), [(-5, 2), (-5, 2), (-8, 1)]);
    assert_eq!(of(Mode::Dense), [(-3, 3); 3]);
    assert_eq!(of(Mode::Delta)[0], (-3, 3));
}

#[test]
fn groups_count_from_the_start_and_the_last_may_be_short() {
    let control = Control {
        mode: Mode::Mask,
        first_keep: 1,
        levels: levels([(1, 0); 2]),
        ..Control::default()
    };
    let mut vector = [1; 18];
    (vector[15], vector[16]) = (50, 30);
    assert_eq!(trace(control, &[vector]), [(80, 0, 2)]);
}

#[test]
fn the_step_before_decides_the_level() {
    let control = |hysteresis: u32, dwell| Control {
        mode: Mode::Dense,
        metric: Metric::L1,
        coherence: vec![10 << 8, 2 << 8],
        hysteresis: hysteresis << 8,
        dwell,
        levels: levels([(16, 0); 3]),
        ..Control::default()
    };
    let found = |hysteresis, dwell| {
        // Differences of 10, 2, 2, 3, 3, 11, 11, 0.
        let vectors = [[0], [10], [12], [14], [17], [20], [31], [42], [42]];
        let trace = trace(control(hysteresis, dwell), &vectors);
        trace.into_iter().map(|(_, level, _)| level).collect::<Vec<usize>>()
    };
    assert_eq!(found(0, 0), [0, 0, 1, 2, 2, 1, 1, 0, 0]);
    assert_eq!(found(0, 1), found(0, 0));
    // 9 and 11 for the first threshold, 1 and 3 for the second.
    assert_eq!(found(1, 0), [0, 0, 0, 1, 1, 1, 1, 1, 1]);
    assert_eq!(found(0, 3), [0, 0, 1, 1, 1, 1, 1, 0, 0]);
    assert_eq!(found(0, 2), [0, 0, 1, 1, 2, 2, 1, 1, 0]);
}

#[test]
fn metrics_are_met_at_their_thresholds_and_not_beside() {
    let (a, b) = ([3, -4, 0], [4, -3, 1]);
    // Σab = 24, Σa² = 25, Σb² = 26, Σa = -1, Σb = 2, Σ|a-b| = 3, Σ(a-b)² = 3, norms 7 and 8.
    let cases = [
        // 24 / √650 = 0.941357; 74 / √(74 · 74) = 1.
        (Metric::Cosine, 61692),
        (Metric::Correlation, 65536),
        // 3/3 · 256; √(3/3) · 256; 3/15 · 256 = 51.2; √(3/51) · 256 = 62.09.
        (Metric::L1, 256),
        (Metric::L2, 256),
        (Metric::NormalisedL1, 52),
        (Metric::NormalisedL2, 63),
    ];
    for (metric, threshold) in cases {
        let harder = if metric.is_similarity() { threshold + 1 } else { threshold - 1 };
        assert!(is_met(metric, threshold, &a, &b), "{metric}");
        assert!(!is_met(metric, harder, &a, &b), "{metric}");
    }
    for metric in [Metric::Cosine, Metric::Correlation] {
        assert!(is_met(metric, 65536, &[0, 0], &[0, 0]));
        assert!(!is_met(metric, 0, &[0, 0], &[0, 1]));
        assert!(!is_met(metric, 0, &[1, -1], &[-1, 1]));
    }
}

#[test]
fn accumulators_are_rounded_half_up_and_saturate() {
    let to = |multiplier, shift, activation| Requantisation { multiplier, shift, activation };
    let none = |multiplier, shift| to(multiplier, shift, Activation::None);
    let cases = [
        (5, none(3, 0), 15),
        (5, none(1, 1), 3),
        (-5, none(1, 1), -2),
        (-7, none(1, 2), -2),
        (127, none(1, 0), 127),
        (128, none(1, 0), 127),
        (-129, none(1, 0), -128),
        (-1, to(1, 0, Activation::Relu), 0),
        (1_i64 << 62, none(65535, 31), 127),
        (i64::MIN, none(65535, 31), -128),
    ];
    for (accumulator, to, wanted) in cases {
        assert_eq!(requantise(accumulator, &to), wanted, "{accumulator} {to:?}");
    }
}

#[test]
fn work_is_survivors_times_their_weights() {
    let mut random = Random::seed_from_u64(7);
    let network = network(4, &mut random);
    let vectors = vectors(-20..=20, 5, &mut random);
    let masked = with(&network, |control| {
        control.mode = Mode::Mask;
        control.levels = levels([(3, 4), (3, 4)]);
    });
    let found = run(&masked, &vectors);
    let layer = &network.layers[0];
    for (vector, step) in vectors.iter().zip(&found.steps[0]).skip(1) {
        let mut places: Vec<usize> = vec![];
        for group in [0..16, 16..32, 32..37] {
            let mut able: Vec<usize> = group.filter(|&i| vector[i].abs() > 4).collect();
            able.sort_by_key(|&i| (-i32::from(vector[i].abs()), i));
            places.extend(able.iter().take(3));
        }
        let products: usize =
            places.iter().map(|i| (0..20).filter(|o| layer.weights[o * 37 + i] != 0).count()).sum();
        assert_eq!((step.survivors, step.executed), (places.len(), products as u64));
    }
    let total: u64 = found.steps.iter().flatten().map(|step| step.executed).sum();
    assert_eq!(found.executed(), total);

    let all = run(&with(&network, |control| control.mode = Mode::Dense), &vectors[..1]);
    let nonzero = |layer: &Layer| layer.weights.iter().filter(|&&weight| weight != 0).count();
    let nonzero: usize = network.layers.iter().map(nonzero).sum();
    assert_eq!(all.executed(), nonzero as u64);
}

#[test]
fn the_class_is_the_first_of_the_greatest_sums() {
    let of = |accumulators: &[[i64; 3]]| {
        let accumulators = accumulators.iter().map(|step| step.to_vec()).collect();
        Execution { accumulators, steps: vec![] }.class()
    };
    assert_eq!(of(&[[0, 5, 0], [4, -2, 3]]), 0);
    assert_eq!(of(&[[-1, 2, 2]]), 1);
}
