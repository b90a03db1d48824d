//! Tests of the delta block.

use rand::{RngExt, SeedableRng};

use super::model::{Estimates, Mode};
use super::*;
use crate::blocks::testing::{agrees, elaborate, evaluator, paths, snapshot};

/// A score, and whether the element was in the mask the last time.
type Score = (u64, bool);

/// What is transmitted, and whether the element counts as in the mask.
type Sent = (i64, bool);

fn parameters(width: u32, lanes: u32, longest: u32, layers: u32) -> DeltaParameters {
    DeltaParameters { width, lanes, longest, layers, ..DeltaParameters::default() }
}

/// Scores, and what is transmitted, of a vector.
fn step(
    estimates: &mut Estimates,
    mode: Mode,
    values: &[i64],
    masks: &[bool],
) -> (Vec<Score>, Vec<Sent>) {
    let scores = estimates.scores(0, 0, mode, values).collect();
    let mask = (0..).zip(masks).fold(0, |mask, (index, &bit)| mask | u64::from(bit) << index);
    let mut sent = vec![(0, false); values.len()];
    for (index, value) in estimates.transmit(0, 0, mode, values, mask) {
        sent[index] = (value, true);
    }
    (scores, sent)
}

#[test]
fn the_golden_model_remembers_what_was_transmitted() {
    let mut estimates = Estimates::new(8, true, 1, 2);
    let (scores, sent) = step(&mut estimates, Mode::Delta, &[-128, 5], &[true, false]);
    assert_eq!(scores, [(128, false), (5, false)]);
    assert_eq!(sent, [(-127, true), (0, false)]);
    let (scores, sent) = step(&mut estimates, Mode::Delta, &[127, 6], &[true, true]);
    assert_eq!(scores, [(254, true), (6, false)]);
    assert_eq!(sent, [(127, true), (6, true)]);
    assert_eq!(estimates.layer(0), [0, 6]);
    let (scores, sent) = step(&mut estimates, Mode::Mask, &[-128, 7], &[true, false]);
    assert_eq!(scores, [(128, true), (7, true)]);
    assert_eq!(sent, [(-128, true), (0, false)]);
    assert_eq!(estimates.layer(0), [-128, 0]);
    let (_, sent) = step(&mut estimates, Mode::Dense, &[3, -4], &[false, false]);
    assert_eq!(sent, [(3, true), (-4, true)]);
    // A shorter vector leaves the rest alone.
    step(&mut estimates, Mode::Dense, &[9], &[false]);
    assert_eq!(estimates.layer(0), [9, -4]);
    estimates.begin(0);
    assert_eq!(step(&mut estimates, Mode::Delta, &[1, 1], &[true, true]).0[0], (1, false));
}

#[test]
fn what_is_transmitted_adds_up_to_the_estimate() {
    for (width, clip) in [(2, true), (8, true), (8, false), (16, false)] {
        let mut random = Random::seed_from_u64(width.into());
        let mut estimates = Estimates::new(width, clip, 1, 20);
        let mut sums = [0; 20];
        let half = 1 << (width - 1);
        for _ in 0..1000 {
            let values: [i64; 20] = std::array::from_fn(|_| random.random_range(-half..half));
            let masks: [bool; 20] = std::array::from_fn(|_| random.random());
            let (scores, sent) = step(&mut estimates, Mode::Delta, &values, &masks);
            for (index, (sent, mask)) in sent.into_iter().enumerate() {
                let estimate = estimates.layer(0)[index];
                sums[index] += sent;
                assert_eq!(sums[index], estimate);
                assert!((-half..half).contains(&estimate));
                assert!(sent.unsigned_abs() <= scores[index].0);
                assert!(!clip || sent.abs() < half);
                assert!(clip || !mask || estimate == values[index]);
            }
        }
    }
}

#[test]
fn values_and_cycles_agree_at_odd_sizes() {
    for (width, lanes, longest, layers) in
        [(2, 1, 1, 1), (5, 3, 17, 1), (8, 4, 12, 3), (3, 1, 5, 2), (9, 17, 100, 2)]
    {
        for (clip, depth) in [(true, 2), (false, 3), (true, 16)] {
            let p = parameters(width, lanes, longest, layers);
            agrees::<Delta>(&DeltaParameters { clip, depth, ..p });
        }
    }
    agrees::<Delta>(&DeltaParameters::default());
}

/// The cycles from one beat of long vectors to the next, with masks that come at once.
#[test]
fn long_vectors_lose_nothing() {
    let p = DeltaParameters::default();
    let mut sim = evaluator::<Delta>(&p);
    let port = |name: &str| sim.port(name).unwrap();
    let (ready, last, count) = (port("in_ready_o"), port("in_last_i"), port("out_valid_o"));
    let always = ["in_valid_i", "score_ready_i", "mask_valid_i", "out_ready_i"].map(port);
    let mode = port("in_mode_i");
    always.into_iter().for_each(|port| sim.set(port, 1));
    sim.set(mode, 2);
    let mut out = 0;
    for cycle in 0..96 {
        assert_eq!(sim.get(ready), 1, "cycle {cycle}");
        sim.set(last, cycle % 3 == 2);
        out += sim.get(count);
        sim.step();
    }
    assert_eq!(out, 96 - 3);
}

#[test]
fn only_ready_follows_ready() {
    for parameters in Delta::variants() {
        let module = elaborate::<Delta>(&parameters);
        let ready: Vec<(&str, bool)> = paths(&module)
            .into_iter()
            .filter(|(_, inputs)| inputs.iter().any(|input| input.ends_with("_ready_i")))
            .map(|(output, inputs)| (output, inputs.contains(&"score_ready_i")))
            .collect();
        assert_eq!(ready, [("in_ready_o", true), ("mask_ready_o", false)]);
    }
}

#[test]
fn all_layers_have_room() {
    let of = |longest| Delta::validate(&parameters(8, 2, longest, 16)).pop();
    assert!(of(512).is_none());
    let violation = of(513).unwrap();
    assert_eq!(violation.parameter, "longest");
    assert_eq!(violation.note, "longest = 513, lanes = 2, layers = 16: 4112 beats");
    assert_eq!(violation.help, "use a longest of 512");
}

#[test]
fn snapshots() {
    let of = |width, lanes, longest, layers, clip, depth| DeltaParameters {
        width,
        lanes,
        longest,
        layers,
        clip,
        depth,
    };
    snapshot!(Delta, "delta_3x1", of(3, 1, 3, 1, false, 2));
    snapshot!(Delta, "delta_4x2_layers_2", of(4, 2, 8, 2, true, 8));
}
