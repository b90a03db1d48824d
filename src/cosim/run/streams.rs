//! A module between streams: all agents together, and what is measured where nothing stalls.

use rand::{RngExt, SeedableRng};

use super::Bench;
use super::agents::{Ports, Sink, Source};
use super::order::Order;
use crate::cosim::mismatch::{Difference, Finding, Place, difference};
use crate::cosim::stalls::{Pace, Stalls};
use crate::hdl::ir::{Direction, SignalId, Stream};
use crate::model::{Bits, Moved, Random, Response, Stimulus, StreamModel};

/// Cycles without any beat after which nothing is expected to come, besides those that the model
/// takes for everything.
const PATIENCE: u64 = 200;

/// The initiation interval is measured over at least as many, in the second half of a stimulus.
pub(in crate::cosim) const MEASURED_INTERVALS: usize = 8;

/// Cycles after the last beat in which none may come, besides those that the model takes for one.
const IDLE: u64 = 32;

/// The agents of all streams.
pub(super) struct Streams<'a> {
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
    /// Cycles in which one did.
    moving: u64,
}

impl<'a> Streams<'a> {
    pub(super) fn new(
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
                .enumerate()
                .map(|(position, ((channel, ports), expected))| Sink {
                    channel,
                    ports,
                    expected,
                    order: Order::new(expected, false),
                    turns: model.turns().map(|ends| (position, ends)),
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
            moving: 0,
        }
    }

    pub(super) fn run(mut self, bench: &mut Bench) {
        // Where nothing stalls, the model knows whose turn it is.
        let in_turns = bench.case.stalls != (Stalls::None, Stalls::None);
        self.reset(bench, in_turns);
        if let Some(cycles) = bench.case.reset_after {
            while bench.cycle < cycles && !self.is_done() {
                self.cycle(bench);
                if bench.has_enough() {
                    return;
                }
            }
            self.reset(bench, in_turns);
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
        (bench.run.through, bench.run.moving) = (bench.cycle, self.moving);
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

    /// Resets the block and forgets all beats; those to come may come in turns.
    fn reset(&mut self, bench: &mut Bench, in_turns: bool) {
        // A reset asks nobody outside to hold still.
        let is_noisy = bench.subject.module.has_reset;
        for source in &mut self.sources {
            (source.offers, source.accepted) = (false, vec![]);
            let noise = is_noisy && self.random.random();
            bench.set(source.ports.valid, &Bits::new(1, noise));
        }
        for sink in &mut self.sinks {
            sink.restart(in_turns);
            let noise = is_noisy && self.random.random();
            bench.set(sink.ports.ready, &Bits::new(1, noise));
        }
        for (port, value) in &self.held {
            bench.set(*port, value);
        }
        bench.reset();
        (self.quiet, self.moving) = (0, 0);
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
        self.moving += u64::from(moved);
        bench.step();
    }

    /// How many beats of each stream have moved.
    pub(super) fn moved(&self) -> Moved {
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
        self.reset(bench, true);
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
