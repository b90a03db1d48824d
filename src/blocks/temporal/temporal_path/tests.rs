//! Tests of the temporal path.

use super::*;
use crate::blocks::testing::{agrees, agrees_with, elaborate, paths, snapshot};
use crate::cosim::{Plan, Scenario};
use crate::model::{Beat, Bits};

/// A path of small parts, for snapshots.
fn small() -> TemporalPathParameters {
    TemporalPathParameters {
        width: 4,
        lanes: 2,
        group: 4,
        first_keep: 4,
        longest: 8,
        ..TemporalPathParameters::default()
    }
}

#[test]
fn it_agrees_at_odd_sizes() {
    agrees::<TemporalPath>(&TemporalPathParameters::default());
    TemporalPath::variants().iter().for_each(agrees::<TemporalPath>);
    agrees::<TemporalPath>(&small());
    agrees::<TemporalPath>(&TemporalPathParameters {
        layers: 3,
        layer_settings: true,
        level_from: LevelFrom::Current,
        ..small()
    });
    for level_from in [LevelFrom::Current, LevelFrom::Previous] {
        agrees::<TemporalPath>(&TemporalPathParameters {
            lanes: 1,
            group: 17,
            first_keep: 5,
            longest: 17,
            buffer: 20,
            level_from,
            ..TemporalPathParameters::default()
        });
    }
}

/// Vectors of the default path that all fit one after another: `(mode, elements)`.
fn respond(vectors: &[(u64, Vec<i64>)], keep: u64, threshold: u64) -> crate::model::Response {
    let p = TemporalPathParameters::default();
    let beats = vectors.iter().flat_map(|(mode, vector)| {
        let chunks = vector.chunks(4);
        let last = chunks.len() - 1;
        chunks.enumerate().map(move |(index, chunk)| -> Beat {
            let element = |lane: usize| Bits::new(8, chunk.get(lane).copied().unwrap_or(0));
            vec![
                Bits::concat(&(0..4).map(element).collect::<Vec<_>>()),
                Bits::new(2, *mode),
                Bits::new(1, false),
                Bits::new(2, 4 - chunk.len() as u64),
                Bits::new(1, index == last),
            ]
        })
    });
    let beats: Vec<Beat> = beats.collect();
    // Every vector is coherent that is not a first step, and both levels are the same.
    let keeps = Bits::concat(&[Bits::new(5, keep), Bits::new(5, keep)]);
    let thresholds = Bits::concat(&[Bits::new(8, threshold), Bits::new(8, threshold)]);
    let held = vec![
        Bits::new(8, 255),
        Bits::zero(8),
        keeps,
        thresholds,
        Bits::zero(8),
        Bits::zero(1),
        Bits::zero(1),
        Bits::zero(8),
    ];
    model::run(&p, &Tech::default(), &Stimulus { inputs: vec![beats], held })
}

/// Survivors of each vector: `(position, value)`.
fn survivors(response: &crate::model::Response) -> Vec<Vec<(u64, i64)>> {
    let mut vectors = vec![vec![]];
    for emitted in &response.emitted[3] {
        let [data, index, count, last] = &emitted.beat[..] else { panic!("four fields") };
        if count.unsigned() == 1 {
            vectors.last_mut().unwrap().push((index.unsigned(), data.signed()));
        }
        if last.bit(0) {
            vectors.push(vec![]);
        }
    }
    assert_eq!(vectors.pop(), Some(vec![]));
    vectors
}

/// A short group seldom comes so close behind a long one that it waits for its masks to leave.
#[test]
fn cycles_are_those_of_a_long_stream() {
    let without_stalls = Scenario { kind: Kind::Random, number: 0 };
    let plan = Plan { beats: 1000, only: Some(without_stalls), ..Plan::default() };
    for p in TemporalPath::variants() {
        agrees_with::<TemporalPath>(&p, Tech::default(), &plan);
    }
}

#[test]
fn what_is_transmitted_adds_up() {
    let first: Vec<i64> = vec![5, -3, 0, 100, 7];
    let second: Vec<i64> = vec![6, -3, 0, -100, 9];
    let of = |modes: [u64; 3], keep| {
        let [a, b, c] = modes;
        let vectors = [(a, first.clone()), (b, second.clone()), (c, second.clone())];
        survivors(&respond(&vectors, keep, 0))
    };
    // Dense transmits what is zero, too; a first step keeps all that exceeds the threshold.
    assert_eq!(of([0, 0, 0], 16)[0], [(0, 5), (1, -3), (2, 0), (3, 100), (4, 7)]);
    assert_eq!(of([2, 2, 2], 16)[0], [(0, 5), (1, -3), (3, 100), (4, 7)]);
    // What was clamped comes with the next step.
    assert_eq!(of([2, 2, 2], 16)[1..], [vec![(0, 1), (3, -127), (4, 2)], vec![(3, -73)]]);
    // Of a group the two that changed most; the rest follows later.
    assert_eq!(of([0, 2, 2], 2)[1..], [vec![(3, -127), (4, 2)], vec![(0, 1), (3, -73)]]);
    // What a mask pruned is zero, so from there on the whole value is a change.
    assert_eq!(of([0, 1, 2], 1)[1..], [vec![(3, -100)], vec![(4, 9)]]);
}

/// The cycles between vectors of `length` elements that come without end.
fn interval(length: usize, level_from: LevelFrom, buffer: u32) -> u64 {
    let p = TemporalPathParameters {
        longest: length as u32,
        level_from,
        buffer,
        out_lanes: 4,
        ..TemporalPathParameters::default()
    };
    let beats = length.div_ceil(4);
    let arrivals = |beat: usize| timing::Arrival {
        layer: 0,
        place: beat % beats,
        survivors: 4,
        first: beat.is_multiple_of(beats),
        last: beat % beats == beats - 1,
        ends_group: beat % 4 == 3 || beat % beats == beats - 1,
        decision: p.metric().latency(0),
    };
    let arrivals: Vec<_> = (0..20 * beats).map(arrivals).collect();
    let schedule = timing::run(&p, arrivals);
    let whole = |vector: usize| schedule.accepted[vector * beats];
    (whole(18) - whole(8)) / 10
}

#[test]
fn vectors_follow_each_other() {
    // Long enough a buffer hides the decision.
    assert_eq!(interval(128, LevelFrom::Current, 64), 32);
    assert_eq!(interval(128, LevelFrom::Previous, 32), 32);
}

#[test]
fn only_ready_follows_ready() {
    for p in TemporalPath::variants() {
        for (output, _) in paths(&elaborate::<TemporalPath>(&p)) {
            assert!(output.ends_with("_ready_o"), "{output}");
        }
    }
}

#[test]
fn rules_between_parameters() {
    let broken = |change: fn(&mut TemporalPathParameters)| {
        let mut p = TemporalPathParameters::default();
        change(&mut p);
        let violations = TemporalPath::validate(&p);
        violations.iter().map(|v| (v.parameter, v.help.clone())).collect::<Vec<_>>()
    };
    let of = |parameter, help: &str| vec![(parameter, help.to_string())];
    assert_eq!(broken(|_| ()), []);
    assert_eq!(
        broken(|p| p.first_keep = 17),
        of("first_keep", "use first_keep = 16, which keeps all")
    );
    assert_eq!(broken(|p| p.out_lanes = 5), of("out_lanes", "use out_lanes up to 4"));
    assert_eq!(
        broken(|p| p.level_from = LevelFrom::Current),
        of("buffer", "use buffer = 12, or level_from = \"previous\"")
    );
    assert_eq!(broken(|p| p.lanes = 5)[0].0, "lanes");
    assert_eq!(broken(|p| p.normalised_l1 = false).len(), 1);
}

#[test]
fn snapshots() {
    snapshot!(TemporalPath, "temporal_path_small", small());
}
