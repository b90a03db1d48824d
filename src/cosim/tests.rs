//! Tests of the harness on the evaluator alone: every block is right, and what is wrong is found.

use rayon::prelude::*;

use super::*;
use crate::blocks::REGISTRY;
use crate::config::{Reset, Tech, Values};
use crate::hdl::{ModuleBuilder, bit, sint};
use crate::model::{Bits, Cause, Emitted, Model, Response};

#[test]
fn every_block_does_what_its_model_says() {
    let mut subjects = vec![];
    for entry in REGISTRY {
        let defaults = Values::defaults(entry.parameters);
        for values in std::iter::once(defaults).chain((entry.variants)()) {
            for reset in [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh] {
                let tech = Tech { reset, ..Tech::default() };
                subjects.push(Subject::of(entry, entry.name, &values, tech).unwrap());
            }
        }
    }
    let plan = Plan { beats: 100, ..Plan::default() };
    let outcomes: Vec<_> = subjects
        .par_iter()
        .map(|subject| {
            let rig = Rig::evaluator(subject).unwrap();
            let outcome = rig.check(subject, &plan, || {});
            let report = outcome.failure.as_ref().map(|f| f.report(subject, &plan, None));
            assert_eq!(outcome.failed, 0, "{}", report.unwrap_or_default());
            outcome
        })
        .collect();
    let beats: u64 = outcomes.iter().map(|outcome| outcome.beats).sum();
    assert!(beats > 100_000, "{beats}");
}

/// What is wrong with an adder between streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    OffByOne,
    DroppedStall,
    WrongSign,
    MissingReset,
    LostBeat,
    LateBeat,
    WrongLatency,
    WrongInterval,
    UnheldPayload,
    TwiceABeat,
    FailingProperty,
}

/// Adds two signed numbers of 8 bits, with a register behind the adder.
fn adder(fault: Option<Fault>) -> Subject {
    let is = |this: Fault| fault == Some(this);
    let m = ModuleBuilder::new("adder");
    m.timing(
        if is(Fault::WrongLatency) { 2 } else { 1 },
        if is(Fault::WrongInterval) { 2 } else { 1 },
    );
    let input = m.stream_in("in", &[("a", sint(8)), ("b", sint(8))]);
    let output = m.stream_out("out", &[("sum", sint(9))]);
    let valid = m.register("valid", bit());
    let valid = if is(Fault::MissingReset) { valid } else { valid.reset(0) };
    let sum = m.register("sum", sint(9));
    let ready = match fault {
        Some(Fault::DroppedStall) => m.constant(true, bit()),
        Some(Fault::LateBeat) => !valid,
        _ => !valid | output.ready,
    };
    let accept = (ready & input.valid).named("accept");
    let (a, b) = (input["a"], input["b"]);
    let total = match fault {
        Some(Fault::OffByOne) => (a + b + 1).wrap(sint(9)),
        Some(Fault::WrongSign) => (a.as_unsigned() + b).wrap(sint(9)),
        _ => a + b,
    };
    let busy = m.register("busy", bit()).reset(0);
    busy.set(accept);
    let waits = m.register("waits", bit()).reset(0);
    waits.set(valid & !output.ready);
    let taken = match fault {
        Some(Fault::LostBeat) => accept & a.ne(-128),
        _ => accept,
    };
    let free = match fault {
        Some(Fault::DroppedStall) => ready,
        _ => !valid | output.ready,
    };
    m.when(free, || valid.set(taken));
    if is(Fault::TwiceABeat) {
        m.when(output.fire() & sum.eq(-1) & !busy, || valid.set(1));
    }
    m.when(taken, || sum.set(total));
    input.ready.set(ready);
    m.discard(busy);
    m.discard(waits);
    output.valid.set(valid);
    output["sum"].set(match fault {
        Some(Fault::UnheldPayload) => (sum ^ waits).wrap(sint(9)),
        _ => sum.expr(),
    });
    m.assert("in_range", if is(Fault::FailingProperty) { sum.lt(200) } else { sum.lt(256) });
    let model = Model::streams(|stimulus| {
        let sums = stimulus.inputs[0].iter().enumerate().map(|(index, beat)| Emitted {
            beat: vec![Bits::new(9, beat[0].signed() + beat[1].signed())],
            cycle: index as u64 + 1,
            cause: Cause { channel: 0, beat: index },
        });
        let accepted = (0..stimulus.inputs[0].len() as u64).collect();
        Response { accepted: vec![accepted], emitted: vec![sums.collect()] }
    });
    Subject::new(m.finish().unwrap_or_else(|e| panic!("{e}")), Tech::default(), model).unwrap()
}

/// The report on the first scenario that fails.
fn first_report(subject: &Subject) -> Option<String> {
    let plan = Plan::default();
    let outcome = Rig::evaluator(subject).unwrap().check(subject, &plan, || {});
    outcome.failure.map(|failure| failure.report(subject, &plan, None))
}

#[test]
fn what_is_wrong_is_found_and_named() {
    assert_eq!(first_report(&adder(None)), None);
    // What each report says, and how many beats the shortest stimulus has at most.
    for (fault, says, likeness, beats) in [
        (Fault::OffByOne, "bit 0 differs", "off by one", 1),
        (Fault::DroppedStall, "the payload changed", "although its beat was not taken", 2),
        (Fault::WrongSign, "bit 8 differs", "extends by the sign", 1),
        (Fault::MissingReset, "beat 0, cycle 0", "what was there before the reset", 1),
        (Fault::LostBeat, "model 0x", "a beat was lost", 2),
        (Fault::TwiceABeat, "stream out, beat", "a beat was taken for two", 1),
        (Fault::LateBeat, "without stalls it moves in cycle 1 of the model", "", 2),
        (Fault::UnheldPayload, "the payload changed", "although its beat was not taken", 1),
        (Fault::WrongLatency, "the declared latency is 2, the measured 1", "", 1),
        (Fault::WrongInterval, "initiation interval is 2, the measured 1", "", 17),
        (Fault::FailingProperty, "the property `in_range` does not hold", "", 1),
    ] {
        let report = first_report(&adder(Some(fault))).unwrap_or_default();
        assert!(report.contains("error[E0401]: evaluator disagrees"), "{fault:?}: {report}");
        assert!(report.contains(says), "{fault:?}: {report}");
        assert_eq!(report.contains("looks like"), !likeness.is_empty(), "{fault:?}: {report}");
        assert!(report.contains(likeness), "{fault:?}: {report}");
        let (_, found) = report.split_once("shortest stimulus found: ").expect("it is there");
        let found: usize = found.split(' ').next().unwrap().parse().unwrap();
        assert!(found <= beats, "{fault:?}: {report}");
    }
}
