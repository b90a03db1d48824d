//! When the blocks of a path hand beats on: the golden model's clock.
//!
//! Beats keep their order, and all that leaves the path is taken at once. So when a beat moves follows
//! from the beats before it: in the first cycle in which nothing in front is in its way. Each block is
//! what its documentation says of it under back-pressure. What moves in a cycle is gone in the next.

use super::TemporalPathParameters;
use crate::blocks::common::fifo::Storage;
use crate::blocks::temporal::sparsity_control::LevelFrom;

/// The cycle of what does not happen.
const NEVER: u64 = u64::MAX >> 1;

/// The cycles from which on the places of a queue are free again.
struct Places {
    free: Vec<u64>,
    next: usize,
    leaving: usize,
}

impl Places {
    fn new(depth: u32) -> Places {
        Places { free: vec![0; depth as usize], next: 0, leaving: 0 }
    }

    /// When there is a place for the next element.
    fn free(&self) -> u64 {
        self.free[self.next]
    }

    /// The next element goes in.
    fn enter(&mut self) {
        self.free[self.next] = NEVER;
        self.next = self.after(self.next);
    }

    /// The first element inside leaves.
    fn leave(&mut self, cycle: u64) {
        self.free[self.leaving] = cycle + 1;
        self.leaving = self.after(self.leaving);
    }

    fn after(&self, place: usize) -> usize {
        if place + 1 == self.free.len() { 0 } else { place + 1 }
    }
}

/// The coherence metric, which decides about one vector while it takes in the next.
#[derive(Default)]
struct Metric {
    /// When the decision about the last whole vector began.
    begun: u64,
    /// When its band left.
    decided: u64,
}

impl Metric {
    /// When the band of a vector leaves whose last beat came in the cycle `last`; it may from the cycle
    /// `free` on.
    fn decide(&mut self, last: u64, latency: u64, free: u64) -> u64 {
        self.begun = self.decided.max(last + 1);
        self.decided = free.max(self.begun + (latency - 1).max(1));
        self.decided
    }
}

/// The mask generator: stages that each hold a group.
struct Generator {
    /// Whether a register holds a beat with norms in front.
    norms: bool,
    /// Whether groups are gathered beat by beat.
    gathers: bool,
    /// The least cycles in each cell.
    holds: Vec<u64>,
    /// When the last beat went on from the register.
    entered: u64,
    /// When the last group went on from where its beats came in.
    gathered: u64,
    /// When it left each cell.
    left: Vec<u64>,
    /// When its last mask left.
    sent: u64,
}

impl Generator {
    /// When there is room for a beat.
    fn free(&self) -> u64 {
        if self.norms { self.entered } else { self.gathered }
    }

    /// A beat comes in.
    fn enter(&mut self, cycle: u64) {
        self.entered = if self.norms { self.gathered.max(cycle + 1) } else { cycle };
    }

    /// The beat that came in ends its group: when that has left the last cell.
    fn decide(&mut self) -> u64 {
        let mut cycle = self.entered;
        if self.gathers {
            cycle = self.left[0].max(cycle + 1);
            self.gathered = cycle;
        }
        for cell in 0..self.left.len() {
            let free = self.left.get(cell + 1).copied().unwrap_or(self.sent);
            cycle = free.max(cycle + self.holds[cell]);
            self.left[cell] = cycle;
        }
        if !self.gathers {
            self.gathered = self.left[0];
        }
        cycle
    }
}

/// Mask apply: a queue of beats of survivors.
struct Apply {
    lanes: usize,
    beats: u64,
    /// Survivors in the last beat, which may be joined by others of their vector.
    open: usize,
    /// The cycle after that in which the last of the other beats leaves.
    left: u64,
}

impl Apply {
    /// A window of elements that is there from the cycle `from` on: when it is taken. `out` hears when
    /// beats of survivors leave.
    fn window(&mut self, from: u64, beat: &Arrival, mut out: impl FnMut(u64)) -> u64 {
        let (mut cycle, mut waiting) = (from, beat.survivors);
        loop {
            // Two beats have to have room, besides the one that is open.
            let room = self.beats - 2 - u64::from(self.open > 0);
            cycle = cycle.max(self.left.saturating_sub(room));
            let moving = waiting.min(2 * self.lanes);
            (waiting, self.open) = (waiting - moving, self.open + moving);
            let is_taken = waiting == 0;
            while self.open > self.lanes {
                self.open -= self.lanes;
                self.close(cycle, &mut out);
            }
            if is_taken {
                if beat.last {
                    self.open = 0;
                    self.close(cycle, &mut out);
                }
                return cycle;
            }
            cycle += 1;
        }
    }

    fn close(&mut self, cycle: u64, out: &mut impl FnMut(u64)) {
        let leaves = self.left.max(cycle + 1);
        self.left = leaves + 1;
        out(leaves);
    }
}

/// A beat on its way in, as far as the clock is concerned.
#[derive(Clone, Copy)]
pub(in crate::blocks) struct Arrival {
    /// The layer of its vector.
    pub layer: usize,
    /// Where it goes: each memory has as many places as the longest vector has beats.
    pub place: usize,
    /// How many of its elements survive.
    pub survivors: usize,
    pub first: bool,
    pub last: bool,
    /// Whether a group ends with it.
    pub ends_group: bool,
    /// Cycles from the last beat of its vector until the band comes out.
    pub decision: u64,
}

/// What happens to beats on their way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::blocks) enum Event {
    /// The scores of a beat go on to the mask generator.
    Scored,
    /// The band of a vector goes into a register slice.
    Band,
    /// So does its level.
    Level,
    /// So does a mask.
    Mask,
    /// Survivors go out.
    Out,
}

/// When everything goes in and comes out.
#[derive(Default)]
pub(super) struct Schedule {
    pub accepted: Vec<u64>,
    pub norms: Vec<u64>,
    pub bands: Vec<u64>,
    pub levels: Vec<u64>,
    pub masks: Vec<u64>,
    pub out: Vec<u64>,
}

/// Runs a path on beats that are always offered.
pub(super) fn run(p: &TemporalPathParameters, arrivals: Vec<Arrival>) -> Schedule {
    let mut clock = Clock::new(p);
    let mut schedule = Schedule::default();
    for beat in arrivals {
        let accepted = clock.beat(beat, 0, &mut |event, cycle| {
            // What passes a register slice is there one cycle later.
            let (cycles, later) = match event {
                Event::Scored => (&mut schedule.norms, 0),
                Event::Band => (&mut schedule.bands, 1),
                Event::Level => (&mut schedule.levels, 1),
                Event::Mask => (&mut schedule.masks, 1),
                Event::Out => (&mut schedule.out, 0),
            };
            cycles.extend((cycle < NEVER).then_some(cycle + later));
        });
        schedule.accepted.extend((accepted < NEVER).then_some(accepted));
    }
    schedule
}

/// The whole path.
pub(in crate::blocks) struct Clock {
    announces: bool,
    metric: Metric,
    buffer: Places,
    /// Cycles from where a beat goes into the buffer to where it may leave.
    latency: u64,
    /// The cycle after that in which the last beat went in.
    accepted: u64,
    /// Beats of the vector that waits for its level, and when they went in.
    buffered: Vec<(Arrival, u64)>,
    /// From when on each place of all memories is free.
    memories: Vec<u64>,
    /// From when on a vector of each layer may begin, because the band of the one before has left.
    layers: Vec<u64>,
    /// From when on the band of the vector that began last may leave.
    begun: u64,
    /// When the last beat left the memory, and the level of the last whole vector with it.
    scored: u64,
    level_left: u64,
    /// What of the memory waits for masks.
    waiting: Places,
    /// Of that, the beats of the group that is not whole.
    group: Vec<Arrival>,
    generator: Generator,
    apply: Apply,
    /// When mask apply took the last beat.
    sent: u64,
}

impl Clock {
    /// As a reset leaves it.
    pub fn new(p: &TemporalPathParameters) -> Clock {
        let buffer = p.buffer(1);
        let (holds, gathers) = p.generator().cells();
        let left = vec![0; holds.len()];
        let apply = p.apply();
        let (lanes, beats) = (apply.lanes as usize, u64::from(apply.queue / apply.lanes));
        Clock {
            announces: p.level_from == LevelFrom::Previous,
            metric: Metric::default(),
            buffer: Places::new(buffer.depth),
            latency: if buffer.storage == Storage::Ram { 2 } else { 1 },
            accepted: 0,
            buffered: vec![],
            memories: vec![0; (p.places() * p.beats()) as usize],
            layers: vec![0; p.layers as usize],
            begun: 0,
            scored: 0,
            level_left: 0,
            waiting: Places::new(p.delta().depth),
            group: vec![],
            generator: Generator {
                norms: p.norm,
                gathers,
                holds,
                entered: 0,
                gathered: 0,
                left,
                sent: 0,
            },
            apply: Apply { lanes, beats, open: 0, left: 0 },
            sent: 0,
        }
    }

    /// A beat is offered from the cycle `from` on: when it goes in. `hear` is told what else happens
    /// because of it.
    pub fn beat(&mut self, beat: Arrival, from: u64, hear: &mut impl FnMut(Event, u64)) -> u64 {
        let free = self.accepted.max(self.metric.begun).max(self.buffer.free());
        let accepted = free.max(from);
        self.accepted = accepted + 1;
        self.buffer.enter();
        if self.announces {
            // The level is known from the vector before.
            let first = self.level_left.max(self.layers[beat.layer]);
            let stored = self.store(&beat, accepted, if beat.first { first } else { 0 });
            if beat.first {
                self.begun = stored + 1;
            }
            self.score(&beat, stored + 1, hear);
            if beat.last {
                let band = self.metric.decide(accepted, beat.decision, self.begun);
                self.layers[beat.layer] = band + 1;
                self.end(band, hear);
            }
            return accepted;
        }
        self.buffered.push((beat, accepted));
        if beat.last {
            let band = self.metric.decide(accepted, beat.decision, self.level_left);
            for (beat, accepted) in std::mem::take(&mut self.buffered) {
                let stored = self.store(&beat, accepted, 0);
                self.score(&beat, stored.max(band) + 1, hear);
            }
            self.end(band, hear);
        }
        accepted
    }

    /// A vector has left the memory.
    fn end(&mut self, band: u64, hear: &mut impl FnMut(Event, u64)) {
        self.level_left = self.scored;
        hear(Event::Band, band);
        hear(Event::Level, self.level_left);
    }

    /// When a beat goes from the buffer to the memory; it may from the cycle `from` on.
    fn store(&mut self, beat: &Arrival, accepted: u64, from: u64) -> u64 {
        let memory = &mut self.memories[beat.place];
        let stored = from.max(accepted + self.latency).max(self.scored).max(*memory);
        *memory = NEVER;
        self.buffer.leave(stored);
        stored
    }

    /// A beat leaves the memory, from the cycle `from` on; with the last of its group, all of that goes
    /// on.
    fn score(&mut self, beat: &Arrival, from: u64, hear: &mut impl FnMut(Event, u64)) {
        self.scored = from.max(self.waiting.free()).max(self.generator.free());
        hear(Event::Scored, self.scored);
        self.waiting.enter();
        self.generator.enter(self.scored);
        self.group.push(*beat);
        if self.generator.gathers && !beat.ends_group {
            return;
        }
        let mut masked = self.generator.decide();
        for beat in self.group.drain(..) {
            masked = self.sent.max(masked + 1);
            self.waiting.leave(masked);
            self.memories[beat.place] = masked + 1;
            let out = |cycle| hear(Event::Out, cycle);
            self.sent = self.apply.window(masked + 1, &beat, out);
            hear(Event::Mask, self.sent);
        }
        self.generator.sent = masked;
    }
}
