//! Agents at the streams: what is offered, what is taken, and the rules of both.

use super::Bench;
use super::order::Order;
use crate::cosim::mismatch::{Finding, Place, differences};
use crate::cosim::scenario::Idle;
use crate::cosim::stalls::Pace;
use crate::model::{Beat, Bits, Channel, Emitted, Random, Turns};

/// The ports of a stream, by position.
pub(super) struct Ports {
    pub(super) valid: usize,
    pub(super) ready: usize,
    pub(super) payload: Vec<usize>,
}

/// An agent that offers beats to the block.
pub(super) struct Source<'a> {
    pub(super) channel: &'a Channel,
    pub(super) ports: Ports,
    pub(super) beats: &'a [Beat],
    pub(super) pace: Pace,
    pub(super) offers: bool,
    /// The cycle in which each beat was accepted.
    pub(super) accepted: Vec<u64>,
}

/// An agent that takes beats from the block, and knows what they should be.
pub(super) struct Sink<'a> {
    pub(super) channel: &'a Channel,
    pub(super) ports: Ports,
    pub(super) expected: &'a [Emitted],
    /// Which of these may come next.
    pub(super) order: Order<'a>,
    /// The stream's position, and where turns end, if beats come in turns.
    pub(super) turns: Option<(usize, &'a Turns)>,
    pub(super) pace: Pace,
    pub(super) takes: bool,
    /// What was offered and not taken.
    pub(super) waiting: Option<Beat>,
    /// The cycle in which each beat was taken.
    pub(super) emitted: Vec<u64>,
}

impl Source<'_> {
    pub(super) fn drive(&mut self, bench: &mut Bench, quiet: u64, random: &mut Random) {
        let next = self.beats.get(self.accepted.len());
        let works = self.pace.works(quiet, random);
        self.offers = next.is_some() && (self.offers || works);
        bench.set(self.ports.valid, &Bits::new(1, self.offers));
        for (field, &port) in self.ports.payload.iter().enumerate() {
            match next.filter(|_| self.offers) {
                Some(beat) => bench.set(port, &beat[field]),
                // What is not valid means nothing.
                None if bench.case.idle == Idle::Noise => {
                    let width = self.channel.fields[field].width;
                    bench.set(port, &Bits::random(width, random));
                }
                None => {}
            }
        }
    }

    /// Whether the offered beat moves.
    pub(super) fn observe(&mut self, bench: &mut Bench) -> bool {
        bench.compare(self.ports.ready);
        let moves = self.offers && bench.get(self.ports.ready).bit(0);
        if moves {
            self.accepted.push(bench.cycle);
        }
        moves
    }
}

impl Sink<'_> {
    /// Forgets all beats; they come in turns, or in the model's order.
    pub(super) fn restart(&mut self, in_turns: bool) {
        self.order = Order::new(self.expected, in_turns && self.turns.is_some());
        (self.waiting, self.emitted) = (None, vec![]);
    }

    /// How many beats before or after the one at a position the model has this.
    fn displaced(&self, at: usize, seen: &Beat) -> Option<i32> {
        [1, -1, 2, -2].into_iter().find(|&by| {
            let position = at.checked_add_signed(by as isize);
            position.and_then(|at| self.expected.get(at)).is_some_and(|e| e.beat == *seen)
        })
    }

    /// Whether a beat moves; checks what is offered.
    pub(super) fn observe(&mut self, bench: &mut Bench, sources: &[Source]) -> bool {
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
            match self.order.next(&seen) {
                None => bench.report(place(), Finding::Extra),
                Some(position) => {
                    let expected = &self.expected[position];
                    let source = &sources[expected.cause.channel];
                    if source.accepted.len() <= expected.cause.beat
                        && !(source.offers && source.accepted.len() == expected.cause.beat)
                    {
                        bench.report(place(), Finding::Uncaused);
                    } else if expected.beat != seen {
                        let differences = differences(self.channel, &expected.beat, &seen);
                        let displaced = self.displaced(position, &seen);
                        bench.report(place(), Finding::Value { differences, displaced });
                    }
                    bench.run.beats += 1;
                }
            }
        }
        if self.takes {
            if let Some(position) = self.order.next(&seen) {
                self.order.take(position, self.turns);
            }
            self.emitted.push(bench.cycle);
        } else {
            self.waiting = Some(seen);
        }
        self.takes
    }
}
