//! Tests of the harness on the evaluator alone: every block is right, and what is wrong is found.

use rayon::prelude::*;

use super::*;
use crate::blocks::{Configured, REGISTRY};
use crate::config::{Reset, Tech};
use crate::hdl::{ModuleBuilder, bit, sint, uint};
use crate::model::{Bits, Cause, Emitted, Model, PortModel, Response, Stimulus};

/// Longer text is that of a composite, which takes minutes at all sizes; its parts are here by
/// themselves, and its own tests run it at others.
const LONGEST_TEXT: usize = 150_000;

#[test]
fn every_block_does_what_its_model_says() {
    let mut subjects = vec![];
    for entry in REGISTRY {
        let defaults = Subject::of(&Configured::defaults(entry)).unwrap();
        if defaults.files.iter().map(|file| file.text.len()).sum::<usize>() > LONGEST_TEXT {
            subjects.push(Subject::of(&Configured::mutated(entry)).unwrap());
            continue;
        }
        for block in Configured::all_sizes(entry) {
            for reset in [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh] {
                let tech = Tech { reset, ..Tech::default() };
                subjects.push(Subject::of(&Configured { tech, ..block.clone() }).unwrap());
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
        Response { accepted: vec![accepted], emitted: vec![sums.collect()], capacity: vec![1] }
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
        (Fault::DroppedStall, "nothing is taken: model 1, evaluator", "a stall is dropped", 3),
        (Fault::WrongSign, "bit 8 differs", "extends by the sign", 1),
        (Fault::MissingReset, "beat 0, cycle 0", "the reset leaves something behind", 0),
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

/// Everything as it comes, `delay` cycles later and not more often than each `interval` cycles.
fn through(delay: u64, interval: u64, capacity: usize) -> impl Fn(&Stimulus) -> Response {
    move |stimulus| {
        let beats = stimulus.inputs[0].iter().enumerate();
        let accepted = (0..stimulus.inputs[0].len() as u64).map(|beat| beat * interval);
        let emitted = beats.map(|(beat, fields)| Emitted {
            beat: fields.clone(),
            cycle: beat as u64 * interval + delay,
            cause: Cause { channel: 0, beat },
        });
        Response {
            accepted: vec![accepted.collect()],
            emitted: vec![emitted.collect()],
            capacity: vec![capacity],
        }
    }
}

/// What goes in, comes out, after `describe` has had its say.
fn wire(
    model: impl Fn(&Stimulus) -> Response + Send + Sync + 'static,
    describe: fn(&ModuleBuilder),
) -> Subject {
    let m = ModuleBuilder::new("wires");
    describe(&m);
    let module = m.finish().unwrap_or_else(|errors| panic!("{errors}"));
    Subject::new(module, Tech::default(), Model::streams(model)).unwrap()
}

fn direct(m: &ModuleBuilder) {
    let input = m.stream_in("in", &[("x", uint(8))]);
    let output = m.stream_out("out", &[("x", uint(8))]);
    output.valid.set(input.valid);
    output["x"].set(input["x"]);
    input.ready.set(output.ready);
}

/// A register between two streams that shows a beat only after it saw ready.
fn waiting_for_ready(m: &ModuleBuilder) {
    let input = m.stream_in("in", &[("x", uint(8))]);
    let output = m.stream_out("out", &[("x", uint(8))]);
    let (full, seen) = (m.register("full", bit()).reset(0), m.register("seen", bit()).reset(0));
    let x = m.register("x", uint(8));
    input.ready.set(!full);
    output.valid.set(full & seen);
    output["x"].set(x);
    seen.set(full & (seen | output.ready) & !output.fire());
    m.when(output.fire(), || full.set(0));
    m.when(input.fire(), || {
        full.set(1);
        x.set(input["x"]);
    });
}

/// A wire that spoils a beat that waits for 40 cycles.
fn spoiling(m: &ModuleBuilder) {
    let input = m.stream_in("in", &[("x", uint(8))]);
    let output = m.stream_out("out", &[("x", uint(8))]);
    let waited = m.register("waited", uint(6)).reset(0);
    output.valid.set(input.valid);
    waited.set((waited + 1).truncate(6));
    m.when(output.ready | !input.valid, || waited.set(0));
    output["x"].set((input["x"] ^ waited.ge(40)).wrap(uint(8)));
    input.ready.set(output.ready);
}

/// A wire that shows one more beat, 20 cycles after the last.
fn repeating(m: &ModuleBuilder) {
    let input = m.stream_in("in", &[("x", uint(8))]);
    let output = m.stream_out("out", &[("x", uint(8))]);
    let idle = m.register("idle", uint(5)).reset(20);
    m.when(idle.ne(20), || idle.set((idle + 1).truncate(5)));
    m.when(input.valid, || idle.set(0));
    output.valid.set(input.valid | idle.eq(19));
    output["x"].set(input["x"]);
    input.ready.set(output.ready);
}

#[test]
fn what_takes_long_to_go_wrong_is_found() {
    for (subject, says) in [
        (wire(through(2, 3, 1), waiting_for_ready), "nothing moves any more after 0 of"),
        (wire(through(0, 1, 0), spoiling), "the payload changed before the beat was taken"),
        (wire(through(0, 1, 0), repeating), "the model has no such beat"),
    ] {
        let report = first_report(&subject).unwrap_or_default();
        assert!(report.contains(says), "{says}: {report}");
    }
}

#[test]
fn what_takes_long_may_be_right() {
    // Takes a beat in every 300th cycle, and shows nothing.
    let m = ModuleBuilder::new("slow");
    let input = m.stream_in("in", &[("x", uint(8))]);
    let left = m.register("left", uint(9)).reset(299);
    input.ready.set(left.eq(0));
    m.when(input.valid, || left.set((left - 1).wrap(uint(9))));
    m.when(input.fire(), || left.set(299));
    m.discard(input["x"]);
    let slow = Model::streams(|stimulus| {
        let beats = 1..=stimulus.inputs[0].len() as u64;
        let accepted = vec![beats.map(|beat| 300 * beat - 1).collect()];
        Response { accepted, emitted: vec![], capacity: vec![usize::MAX] }
    });
    let slow = Subject::new(m.finish().unwrap(), Tech::default(), slow).unwrap();
    let slow = slow.with_stimulus(|shape, kind, _, random| Some(shape.stimulus(kind, 4, random)));
    assert_eq!(first_report(&slow), None);

    // Shows a beat while it is offered, and accepts it when it was taken.
    let peek = wire(
        |stimulus| {
            let mut response = through(0, 2, 0)(stimulus);
            response.accepted[0].iter_mut().for_each(|cycle| *cycle += 1);
            response
        },
        |m| {
            m.timing(0, 2);
            let input = m.stream_in("in", &[("x", uint(8))]);
            let output = m.stream_out("out", &[("x", uint(8))]);
            let taken = m.register("taken", bit()).reset(0);
            taken.set(output.fire());
            output.valid.set(input.valid & !taken);
            output["x"].set(input["x"]);
            input.ready.set(taken);
        },
    );
    assert_eq!(first_report(&peek), None);
}

/// Shows some values of some width.
#[derive(Clone)]
struct Shows(Vec<Option<Bits>>);

impl PortModel for Shows {
    fn outputs(&self, _: &[Bits]) -> Vec<Option<Bits>> {
        self.0.clone()
    }

    fn step(&mut self, _: &[Bits]) {}

    fn reset(&mut self) {}
}

#[test]
fn what_has_another_shape_is_named() {
    type Change<T> = fn(&mut T);
    let models: [(Change<Response>, &str); 9] = [
        (|r| r.accepted.clear(), "response.accepted: 0 streams instead of 1"),
        (|r| r.accepted[0].push(0), "response.accepted, in: 3 beats instead of 2"),
        (|r| r.emitted.clear(), "response.emitted: 0 streams instead of 1"),
        (|r| r.emitted.push(vec![]), "response.emitted: 2 streams instead of 1"),
        (|r| r.capacity.push(0), "response.capacity: 2 streams instead of 1"),
        (|r| r.emitted[0][1].beat.clear(), "emitted, out, beat 1: fields of [] bits, where the"),
        (
            |r| r.emitted[0][0].beat[0] = Bits::zero(9),
            "fields of [9] bits, where the block has [x 8]",
        ),
        (|r| r.emitted[0][0].cause.beat = 2, "its cause is beat 2 of channel 0, which does not go"),
        (|r| r.emitted[0][0].cause.channel = 1, "its cause is beat 0 of channel 1, which does not"),
    ];
    let two = |subject: Subject| {
        subject
            .with_stimulus(|shape, kind, _, random| Some(shape.stimulus(kind, 2, random)))
            .with_accepts(|stimulus| stimulus.inputs[0].len() == 2)
    };
    let mut subjects = vec![];
    for (change, says) in models {
        let model = move |stimulus: &Stimulus| {
            let mut response = through(0, 1, 0)(stimulus);
            change(&mut response);
            response
        };
        subjects.push((two(wire(model, direct)), says));
    }
    let stimuli: [(Change<Stimulus>, &str); 4] = [
        (|s| s.inputs.clear(), "stimulus.inputs: 0 channels instead of 1"),
        (|s| s.inputs[0][1].clear(), "in, beat 1: fields of [] bits, where the block has [x 8]"),
        (
            |s| s.inputs[0][0][0] = Bits::zero(70),
            "stimulus.inputs, in, beat 0: fields of [70] bits",
        ),
        (
            |s| s.held.push(Bits::zero(1)),
            "stimulus.held: fields of [1] bits, where the block has []",
        ),
    ];
    for (change, says) in stimuli {
        let subject =
            wire(through(0, 1, 0), direct).with_stimulus(move |shape, kind, _, random| {
                let mut stimulus = shape.stimulus(kind, 2, random);
                change(&mut stimulus);
                Some(stimulus)
            });
        subjects.push((subject, says));
    }
    for (shown, says) in [
        (vec![], "outputs: 0 ports instead of 1"),
        (vec![None, None], "outputs: 2 ports instead of 1"),
        (vec![Some(Bits::zero(9))], "outputs, y: 9 bits, where the block has 8"),
    ] {
        let m = ModuleBuilder::new("plain");
        m.output("y_o", uint(8)).set(m.input("x_i", uint(8)));
        let model = Model::ports(Shows(shown));
        subjects.push((Subject::new(m.finish().unwrap(), Tech::default(), model).unwrap(), says));
    }
    for (subject, says) in &subjects {
        let report = first_report(subject).unwrap_or_default();
        assert!(report.starts_with("error[E0403]"), "{says}: {report}");
        assert!(report.contains(says), "{says}: {report}");
    }
}

#[test]
fn a_held_input_that_is_none_is_no_part_of_a_case() {
    let subject = wire(through(0, 1, 0), direct);
    let text = "block = \"wires\"\nstalls = [\"none\", \"none\"]\nseed = 1\n\
                [held]\nmode = \"1\"\n[inputs]\nin = [[\"1\"]]\n";
    let error = Replay::parse(text).unwrap().case(&subject).unwrap_err();
    assert_eq!(error, "held.mode: the block has []");
}

#[test]
fn a_case_says_what_payloads_are_while_nothing_is_offered() {
    let subject = wire(through(0, 1, 0), direct);
    let text = |idle: &str| {
        format!(
            "block = \"wires\"\nstalls = [\"mostly\", \"none\"]\nseed = 1\n{idle}\n[inputs]\n\
             in = [[\"0x01\"]]\n"
        )
    };
    for (line, idle) in [("", Idle::Noise), ("idle = \"held\"\n", Idle::Held)] {
        let case = Replay::parse(&text(line)).unwrap().case(&subject).unwrap();
        assert_eq!((case.idle, case.stalls.0), (idle, Stalls::Mostly));
        let again = Replay::new(&subject, &case).to_toml();
        assert_eq!(again.contains("idle"), idle == Idle::Held, "{again}");
        assert_eq!(Replay::parse(&again).unwrap().case(&subject).unwrap(), case);
    }
}
