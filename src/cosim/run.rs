//! One simulation from start to end: agents at the streams, a scoreboard, the rules of streams.

use rand::SeedableRng;

use super::engine::Engine;
use super::mismatch::{Difference, Finding, Mismatch, Place, difference, differences};
use super::scenario::Case;
use super::stalls::{Pace, Stalls};
use super::subject::Subject;
use super::verilator::{Coverage, Start};
use crate::hdl::ir::{Direction, SignalId, Stream};
use crate::model::{
    Beat, Bits, Channel, Emitted, Model, Moved, PortModel, Random, Response, Stimulus, StreamModel,
};

/// More mismatches than this end a run: one cause makes any number of them.
pub(super) const MOST_MISMATCHES: usize = 100;

/// Cycles without any beat after which nothing is expected to come, besides those that the model
/// takes for everything.
const PATIENCE: u64 = 200;

/// The initiation interval is measured over at least as many, in the second half of a stimulus.
pub(super) const MEASURED_INTERVALS: usize = 8;

/// Cycles after the last beat in which none may come, besides those that the model takes for one.
const IDLE: u64 = 32;

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Edges, those of resets apart.
    pub cycles: u64,
    /// Beats of the outputs that were compared with the model's.
    pub beats: u64,
    /// What was wrong, in the order of its appearance, up to a limit.
    pub mismatches: Vec<Mismatch>,
    /// Whether the block was filled until nothing went in any more, as far as the model says when.
    pub filled: bool,
    /// How often each point of the text was hit, if that was measured.
    pub coverage: Option<Coverage>,
}

/// Runs a stimulus through the engines at once. The first is the one that the model is compared
/// with and that decides when beats move; the others have to show the same.
pub(super) fn run(subject: &Subject, engines: &mut [Box<dyn Engine>], case: &Case) -> Run {
    let stimulus = &case.stimulus;
    let mut bench = Bench {
        subject,
        engines,
        case,
        cycle: 0,
        engines_agree: true,
        is_sound: true,
        run: Run::default(),
    };
    let fits = subject.shape.check_stimulus(stimulus).and_then(|()| match &subject.model {
        Model::Streams(model) => {
            let response = model.respond(stimulus);
            subject.shape.check_response(stimulus, &response)?;
            let streams = Streams::new(&bench, model, stimulus, &response);
            if let Some(status) = model.status(&streams.moved()) {
                subject.shape.check_status(&status)?;
            }
            streams.run(&mut bench);
            Ok(())
        }
        Model::Ports(model) => run_ports(&mut bench, stimulus, model().as_mut()),
    });
    if let Err(misfit) = fits {
        bench.report(Place::Module, Finding::Misfit(misfit));
    }
    bench.run
}

/// What both kinds of runs share.
struct Bench<'a> {
    subject: &'a Subject,
    engines: &'a mut [Box<dyn Engine>],
    case: &'a Case,
    /// Since the last reset.
    cycle: u64,
    /// Until they do not: what follows from a difference is not one more.
    engines_agree: bool,
    is_sound: bool,
    run: Run,
}

impl Bench<'_> {
    fn set(&mut self, port: usize, value: &Bits) {
        self.engines.iter_mut().for_each(|engine| engine.set(port, value));
    }

    fn get(&mut self, port: usize) -> Bits {
        self.engines[0].get(port)
    }

    fn reset(&mut self) {
        self.engines.iter_mut().for_each(|engine| engine.reset());
        self.cycle = 0;
    }

    fn report(&mut self, place: Place, finding: Finding) {
        self.report_at(self.cycle, place, finding);
    }

    fn report_at(&mut self, cycle: u64, place: Place, finding: Finding) {
        self.run.mismatches.push(Mismatch { cycle, place, finding });
    }

    fn has_same_start(&self) -> bool {
        self.case.start == Start::Zero
    }

    fn has_enough(&self) -> bool {
        self.run.mismatches.len() >= MOST_MISMATCHES
    }

    /// Compares a port of all engines.
    fn compare(&mut self, port: usize) {
        if !self.engines_agree {
            return;
        }
        let (first, others) = self.engines.split_first_mut().expect("there is an engine");
        let rtl = first.get(port);
        let different = others.iter_mut().map(|engine| engine.get(port)).find(|seen| *seen != rtl);
        if let Some(evaluator) = different {
            self.engines_agree = false;
            let place = Place::Port(self.subject.module.port(port).name.clone());
            self.report(place, Finding::Simulators { evaluator, rtl });
        }
    }

    fn step(&mut self) {
        self.engines.iter_mut().for_each(|engine| engine.step());
        if self.is_sound
            && let Some(failure) = self.engines.iter().find_map(|engine| engine.failure())
        {
            self.is_sound = false;
            self.report(Place::Module, Finding::Inside(failure));
        }
        self.cycle += 1;
        self.run.cycles += 1;
    }
}

/// Asks the model in every cycle; an error if what it answers is not of the module's shape.
fn run_ports(
    bench: &mut Bench,
    stimulus: &Stimulus,
    model: &mut dyn PortModel,
) -> Result<(), String> {
    let module = bench.subject.module.clone();
    let of = |direction: Direction| -> Vec<usize> {
        let ports = 0..module.ports.len();
        ports.filter(|&port| module.direction(module.ports[port]) == direction).collect()
    };
    let (inputs, outputs) = (of(Direction::Input), of(Direction::Output));
    let shape = &bench.subject.shape.outputs[0];
    let reset = |bench: &mut Bench| {
        for &port in &inputs {
            bench.set(port, &Bits::zero(module.port(port).ty.width));
        }
        bench.reset();
    };
    reset(bench);
    let mut rows = &stimulus.inputs[0][..];
    let mut interrupts = bench.case.reset_after.filter(|&after| after < rows.len() as u64);
    while let Some((row, rest)) = rows.split_first() {
        if bench.has_enough() {
            return Ok(());
        }
        if interrupts == Some(bench.cycle) {
            interrupts = None;
            reset(bench);
            model.reset();
        }
        for (&port, value) in inputs.iter().zip(row) {
            bench.set(port, value);
        }
        let expected = model.outputs(row);
        bench.subject.shape.check_outputs(&expected)?;
        let mut wrong: Vec<Difference> = vec![];
        for ((&port, field), expected) in outputs.iter().zip(&shape.fields).zip(&expected) {
            if bench.has_same_start() || expected.is_some() {
                bench.compare(port);
            }
            if let Some(expected) = expected {
                wrong.extend(difference(field, expected, &bench.get(port)));
            }
        }
        if !wrong.is_empty() {
            let finding = Finding::Value { differences: wrong, displaced: None };
            bench.report(Place::Module, finding);
        }
        bench.run.beats += 1;
        bench.step();
        model.step(row);
        rows = rest;
    }
    Ok(())
}

/// The ports of a stream, by position.
struct Ports {
    valid: usize,
    ready: usize,
    payload: Vec<usize>,
}

/// An agent that offers beats to the block.
struct Source<'a> {
    channel: &'a Channel,
    ports: Ports,
    beats: &'a [Beat],
    pace: Pace,
    offers: bool,
    /// The cycle in which each beat was accepted.
    accepted: Vec<u64>,
}

/// An agent that takes beats from the block, and knows what they should be.
struct Sink<'a> {
    channel: &'a Channel,
    ports: Ports,
    expected: &'a [Emitted],
    pace: Pace,
    takes: bool,
    /// What was offered and not taken.
    waiting: Option<Beat>,
    /// The cycle in which each beat was taken.
    emitted: Vec<u64>,
}

/// The agents of all streams.
struct Streams<'a> {
    sources: Vec<Source<'a>>,
    sinks: Vec<Sink<'a>>,
    model: &'a StreamModel,
    response: &'a Response,
    held: Vec<(usize, Bits)>,
    /// Outputs that belong to no stream.
    plain: Vec<usize>,
    random: Random,
    /// Cycles since a beat moved.
    quiet: u64,
}

impl<'a> Streams<'a> {
    fn new(
        bench: &Bench<'a>,
        model: &'a StreamModel,
        stimulus: &'a Stimulus,
        response: &'a Response,
    ) -> Streams<'a> {
        let (module, shape) = (&bench.subject.module, &bench.subject.shape);
        let index = |id: SignalId| {
            let position = module.ports.iter().position(|&port| port == id);
            position.expect("a stream's ports are the module's")
        };
        let ports = |stream: &Stream| Ports {
            valid: index(stream.valid),
            ready: index(stream.ready),
            payload: stream.payload.iter().map(|&id| index(id)).collect(),
        };
        let streams = |direction: Direction| {
            module.streams.iter().filter(move |stream| stream.direction == direction).map(ports)
        };
        let plain = |direction: Direction| {
            (0..module.ports.len()).filter(move |&port| {
                let id = module.ports[port];
                module.direction(id) == direction && module.stream_of(id).is_none()
            })
        };
        let stalls = bench.case.stalls;
        let sources = shape.inputs.iter().zip(streams(Direction::Input)).zip(&stimulus.inputs);
        let sinks = shape.outputs.iter().zip(streams(Direction::Output)).zip(&response.emitted);
        Streams {
            sources: sources
                .map(|((channel, ports), beats)| Source {
                    channel,
                    ports,
                    beats,
                    pace: Pace::new(stalls.0),
                    offers: false,
                    accepted: vec![],
                })
                .collect(),
            sinks: sinks
                .map(|((channel, ports), expected)| Sink {
                    channel,
                    ports,
                    expected,
                    pace: Pace::new(stalls.1),
                    takes: false,
                    waiting: None,
                    emitted: vec![],
                })
                .collect(),
            model,
            response,
            held: plain(Direction::Input).zip(stimulus.held.iter().cloned()).collect(),
            plain: plain(Direction::Output).collect(),
            random: Random::seed_from_u64(bench.case.seed),
            quiet: 0,
        }
    }

    fn run(mut self, bench: &mut Bench) {
        self.reset(bench);
        if let Some(cycles) = bench.case.reset_after {
            while bench.cycle < cycles && !self.is_done() {
                self.cycle(bench);
                if bench.has_enough() {
                    return;
                }
            }
            self.reset(bench);
        }
        let patience = 4 * self.response.last() + PATIENCE;
        while !self.is_done() {
            self.cycle(bench);
            if bench.has_enough() {
                return;
            }
            if self.quiet > patience {
                return self.report_stuck(bench);
            }
        }
        // What the model does not know of would come now.
        for sink in &mut self.sinks {
            sink.pace = Pace::new(Stalls::None);
        }
        for _ in 0..self.response.longest_wait().min(bench.cycle) + IDLE {
            self.cycle(bench);
        }
        if bench.case.stalls == (Stalls::None, Stalls::None) && bench.run.mismatches.is_empty() {
            self.check_cycles(bench);
            self.check_timing(bench);
            self.check_capacity(bench);
        }
    }

    fn is_done(&self) -> bool {
        self.sources.iter().all(|source| source.accepted.len() == source.beats.len())
            && self.sinks.iter().all(|sink| sink.emitted.len() >= sink.expected.len())
    }

    /// Resets the block and forgets all beats.
    fn reset(&mut self, bench: &mut Bench) {
        for source in &mut self.sources {
            (source.offers, source.accepted) = (false, vec![]);
            bench.set(source.ports.valid, &Bits::zero(1));
        }
        for sink in &mut self.sinks {
            (sink.waiting, sink.emitted) = (None, vec![]);
        }
        for (port, value) in &self.held {
            bench.set(*port, value);
        }
        bench.reset();
        self.quiet = 0;
    }

    fn cycle(&mut self, bench: &mut Bench) {
        for source in &mut self.sources {
            source.drive(bench, self.quiet, &mut self.random);
        }
        for sink in &mut self.sinks {
            // It may not start to take before it sees something: valid never waits for ready.
            let quiet = if sink.waiting.is_some() { self.quiet } else { 0 };
            sink.takes = sink.pace.works(quiet, &mut self.random);
            bench.set(sink.ports.ready, &Bits::new(1, sink.takes));
        }
        self.observe_status(bench);
        let mut moved = false;
        for source in &mut self.sources {
            moved |= source.observe(bench);
        }
        for sink in &mut self.sinks {
            moved |= sink.observe(bench, &self.sources);
        }
        // A beat may follow from one that goes in in the same cycle.
        for source in &mut self.sources {
            source.offers &= source.accepted.last() != Some(&bench.cycle);
        }
        self.quiet = if moved { 0 } else { self.quiet + 1 };
        bench.step();
    }

    /// How many beats of each stream have moved.
    fn moved(&self) -> Moved {
        Moved {
            accepted: self.sources.iter().map(|source| source.accepted.len()).collect(),
            emitted: self.sinks.iter().map(|sink| sink.emitted.len()).collect(),
        }
    }

    /// Looks at the outputs that belong to no stream.
    fn observe_status(&self, bench: &mut Bench) {
        for &port in &self.plain {
            bench.compare(port);
        }
        if self.plain.is_empty() || !self.model.has_status() {
            return;
        }
        let expected = self.model.status(&self.moved()).unwrap_or_default();
        let fields = bench.subject.shape.status.iter().zip(expected).zip(&self.plain);
        let wrong = fields.filter_map(|((field, expected), &port)| {
            difference(field, &expected?, &bench.engines[0].get(port))
        });
        let differences: Vec<Difference> = wrong.collect();
        if !differences.is_empty() {
            bench.report(Place::Module, Finding::Value { differences, displaced: None });
        }
    }

    fn report_stuck(&self, bench: &mut Bench) {
        let sinks = self.sinks.iter().map(|s| (s.channel, s.emitted.len(), s.expected.len()));
        let sources = self.sources.iter().map(|s| (s.channel, s.accepted.len(), s.beats.len()));
        let short: Vec<_> = sinks.chain(sources).filter(|(_, moved, of)| moved < of).collect();
        for (channel, moved, of) in short {
            let place = Place::Stream { name: channel.name.clone(), beat: moved };
            bench.report(place, Finding::Stuck { moved, of });
        }
    }

    /// Compares the cycle of each beat with the model's.
    fn check_cycles(&self, bench: &mut Bench) {
        let sources = self.sources.iter().zip(&self.response.accepted);
        let sources = sources.map(|(source, model)| {
            let model: Vec<u64> = model.clone();
            (&source.channel.name, &source.accepted, model)
        });
        let sinks = self.sinks.iter().map(|sink| {
            let model = sink.expected.iter().map(|emitted| emitted.cycle).collect();
            (&sink.channel.name, &sink.emitted, model)
        });
        for (name, seen, model) in sources.chain(sinks).collect::<Vec<_>>() {
            let mut pairs = seen.iter().zip(model).enumerate();
            if let Some((beat, (&cycle, model))) = pairs.find(|(_, (seen, model))| **seen != *model)
            {
                let place = Place::Stream { name: name.clone(), beat };
                bench.report_at(cycle, place, Finding::Cycle { model });
            }
        }
    }

    /// Compares the declared latency and initiation interval with what was measured.
    fn check_timing(&self, bench: &mut Bench) {
        let module = &bench.subject.module;
        if let Some(declared) = module.latency {
            let wrong = self.sinks.iter().find_map(|sink| self.wrong_latency(sink, declared));
            if let Some((cycle, place, measured)) = wrong {
                bench.report_at(cycle, place, Finding::Latency { declared, measured });
            }
        }
        let fastest = self.sources.iter().filter_map(|source| {
            // In the long run, so without the beats that go into an empty block.
            let half = &source.accepted[source.accepted.len() / 2..];
            let intervals =
                half.len().checked_sub(1).filter(|&intervals| intervals >= MEASURED_INTERVALS)?
                    as u64;
            Some((half[half.len() - 1] - half[0]).div_ceil(intervals))
        });
        if let (Some(declared), Some(measured)) = (module.initiation_interval, fastest.min())
            && u64::from(declared) != measured
        {
            bench.report(Place::Module, Finding::Interval { declared, measured });
        }
    }

    /// Compares how many beats go in while none is taken with what the model says.
    fn check_capacity(&mut self, bench: &mut Bench) {
        if self.response.capacity.is_empty() {
            return;
        }
        let patience = 4 * self.response.longest_wait() + PATIENCE;
        self.reset(bench);
        self.sinks.iter_mut().for_each(|sink| sink.pace = Pace::closed());
        while self.quiet < patience && !bench.has_enough() {
            self.cycle(bench);
        }
        let consequences = bench.run.mismatches.len();
        bench.run.filled = true;
        for (source, &holds) in self.sources.iter().zip(&self.response.capacity) {
            let (model, seen) = (holds.min(source.beats.len()), source.accepted.len());
            bench.run.filled &= holds < source.beats.len();
            if seen != model {
                let place = Place::Stream { name: source.channel.name.clone(), beat: seen };
                bench.report(place, Finding::Capacity { model, seen });
            }
        }
        // What is too much overwrites something or breaks a property, which explains less.
        if bench.run.mismatches.len() > consequences {
            bench.run.mismatches.drain(..consequences);
        }
    }

    /// The first beat that follows from another, but not as long after it as declared.
    fn wrong_latency(&self, sink: &Sink, declared: u32) -> Option<(u64, Place, u64)> {
        let mut previous = None;
        for (beat, (expected, &cycle)) in sink.expected.iter().zip(&sink.emitted).enumerate() {
            let cause = Some(expected.cause);
            if previous == cause {
                continue;
            }
            previous = cause;
            let accepted = self.sources[expected.cause.channel].accepted[expected.cause.beat];
            // A beat that is offered may have its consequences before it is accepted.
            let measured = cycle.saturating_sub(accepted);
            if measured != u64::from(declared) {
                let place = Place::Stream { name: sink.channel.name.clone(), beat };
                return Some((cycle, place, measured));
            }
        }
        None
    }
}

impl Source<'_> {
    fn drive(&mut self, bench: &mut Bench, quiet: u64, random: &mut Random) {
        let next = self.beats.get(self.accepted.len());
        let works = self.pace.works(quiet, random);
        self.offers = next.is_some() && (self.offers || works);
        bench.set(self.ports.valid, &Bits::new(1, self.offers));
        for (field, &port) in self.ports.payload.iter().enumerate() {
            match next.filter(|_| self.offers) {
                Some(beat) => bench.set(port, &beat[field]),
                // What is not valid means nothing.
                None => {
                    let width = self.channel.fields[field].width;
                    bench.set(port, &Bits::random(width, random));
                }
            }
        }
    }

    /// Whether the offered beat moves.
    fn observe(&mut self, bench: &mut Bench) -> bool {
        bench.compare(self.ports.ready);
        let moves = self.offers && bench.get(self.ports.ready).bit(0);
        if moves {
            self.accepted.push(bench.cycle);
        }
        moves
    }
}

impl Sink<'_> {
    /// How many beats before or after the current one the model has this.
    fn displaced(&self, seen: &Beat) -> Option<i32> {
        let at = self.emitted.len();
        [1, -1, 2, -2].into_iter().find(|&by| {
            let position = at.checked_add_signed(by as isize);
            position.and_then(|at| self.expected.get(at)).is_some_and(|e| e.beat == *seen)
        })
    }

    /// Whether a beat moves; checks what is offered.
    fn observe(&mut self, bench: &mut Bench, sources: &[Source]) -> bool {
        bench.compare(self.ports.valid);
        let is_valid = bench.get(self.ports.valid).bit(0);
        if is_valid || bench.has_same_start() {
            self.ports.payload.iter().for_each(|&port| bench.compare(port));
        }
        let place = || Place::Stream { name: self.channel.name.clone(), beat: self.emitted.len() };
        if !is_valid {
            if self.waiting.take().is_some() {
                bench.report(place(), Finding::Withdrawn);
            }
            return false;
        }
        let seen: Beat = self.ports.payload.iter().map(|&port| bench.get(port)).collect();
        let was_waiting = match self.waiting.take() {
            Some(before) if before != seen => {
                let changed = differences(self.channel, &before, &seen);
                bench.report(place(), Finding::Changed(changed));
                true
            }
            before => before.is_some(),
        };
        // A beat is looked at when it is first offered: what is wrong then, is wrong for good.
        if !was_waiting {
            match self.expected.get(self.emitted.len()) {
                None => bench.report(place(), Finding::Extra),
                Some(expected) => {
                    let source = &sources[expected.cause.channel];
                    if source.accepted.len() <= expected.cause.beat
                        && !(source.offers && source.accepted.len() == expected.cause.beat)
                    {
                        bench.report(place(), Finding::Uncaused);
                    } else if expected.beat != seen {
                        let differences = differences(self.channel, &expected.beat, &seen);
                        let displaced = self.displaced(&seen);
                        bench.report(place(), Finding::Value { differences, displaced });
                    }
                    bench.run.beats += 1;
                }
            }
        }
        if self.takes {
            self.emitted.push(bench.cycle);
        } else {
            self.waiting = Some(seen);
        }
        self.takes
    }
}
