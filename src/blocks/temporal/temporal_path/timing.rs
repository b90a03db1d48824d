//! When the blocks of a path hand beats on: the golden model's clock.
//!
//! Each block is what its documentation says of it under back-pressure, with counters in place of
//! payload. In a cycle, everything looks at the state that the cycle before left.

use std::collections::VecDeque;

use super::TemporalPathParameters;
use crate::blocks::common::fifo::Storage;
use crate::blocks::temporal::sparsity_control::LevelFrom;

/// A queue whose elements can leave so many cycles after they came in.
pub(in crate::blocks) struct Queue<T> {
    depth: usize,
    latency: u64,
    /// Each element and the first cycle in which it can leave.
    elements: VecDeque<(u64, T)>,
}

impl<T> Queue<T> {
    pub fn new(depth: usize, latency: u64) -> Queue<T> {
        Queue { depth, latency, elements: VecDeque::new() }
    }

    pub fn has_room(&self) -> bool {
        self.elements.len() < self.depth
    }

    pub fn front(&self, cycle: u64) -> Option<&T> {
        self.elements.front().filter(|(from, _)| *from <= cycle).map(|(_, element)| element)
    }

    pub fn push(&mut self, cycle: u64, element: T) {
        self.elements.push_back((cycle + self.latency, element));
    }

    pub fn pop(&mut self) -> Option<T> {
        self.elements.pop_front().map(|(_, element)| element)
    }
}

/// The coherence metric.
#[derive(Default)]
pub(super) struct Metric {
    /// The decision of a vector that is complete in the first stage takes so many cycles.
    complete: Option<u64>,
    /// When the band of the vector that is decided about comes out.
    done: Option<u64>,
}

impl Metric {
    /// Whether a band is offered.
    pub fn offers(&self, cycle: u64) -> bool {
        self.done.is_some_and(|done| done <= cycle)
    }

    /// Whether the decision is free for the next vector; `leaves`: the band is taken.
    fn is_free(&self, leaves: bool) -> bool {
        self.done.is_none() || leaves
    }

    /// Whether a beat is taken.
    pub fn has_room(&self, leaves: bool) -> bool {
        self.complete.is_none() || self.is_free(leaves)
    }

    /// The clock's edge; `last`: a beat goes in that is the last of a vector, whose band comes out
    /// `latency` cycles later at the earliest.
    pub fn step(&mut self, cycle: u64, leaves: bool, last: Option<u64>) {
        if self.is_free(leaves) {
            // The beat came in a cycle ago or earlier.
            self.done = self.complete.take().map(|latency| cycle + latency - 1);
        }
        if last.is_some() {
            self.complete = last;
        }
    }
}

/// A beat that goes into the mask generator.
#[derive(Clone, Copy)]
pub(super) struct Scores {
    /// Whether it is the last of its group.
    pub ends_group: bool,
}

/// The mask generator: stages that each hold a group.
pub(super) struct Generator {
    /// Whether a register holds a beat with norms in front.
    norms: bool,
    waiting: Option<Scores>,
    /// Whether groups are gathered beat by beat, and how far the group is.
    gathers: bool,
    gathered: usize,
    complete: bool,
    /// The least cycles in each cell.
    holds: Vec<u64>,
    /// In each cell, the beats of its group and the cycle at whose end it can leave.
    cells: Vec<Option<(usize, u64)>>,
    /// Beats of the group on its way out that are still to go.
    output: usize,
}

/// What the mask generator does in a cycle.
pub(super) struct GeneratorMoves {
    /// Which cells hand their group on, a bit for each.
    leave: u64,
    /// Whether the gathering does.
    gathered: bool,
    /// Whether a beat is taken.
    pub has_room: bool,
    /// Whether what waits in front goes on.
    goes_on: bool,
}

impl Generator {
    /// `holds`: the least cycles of each cell.
    pub fn new(holds: Vec<u64>, gathers: bool, norms: bool) -> Generator {
        let cells = vec![None; holds.len()];
        Generator {
            norms,
            waiting: None,
            gathers,
            gathered: 0,
            complete: false,
            holds,
            cells,
            output: 0,
        }
    }

    /// Whether a beat of a mask is offered.
    pub fn offers(&self) -> bool {
        self.output > 0
    }

    /// What happens in a cycle; `taken`: the offered beat goes.
    pub fn moves(&self, cycle: u64, taken: bool) -> GeneratorMoves {
        let mut free = self.output == 0 || (self.output == 1 && taken);
        let mut leave = 0;
        for (number, cell) in self.cells.iter().enumerate().rev() {
            let leaves = free && cell.is_some_and(|(_, from)| from <= cycle);
            leave |= u64::from(leaves) << number;
            free = cell.is_none() || leaves;
        }
        let gathered = self.gathers && self.complete && free;
        if self.gathers {
            free = !self.complete || gathered;
        }
        let goes_on = self.waiting.is_some() && free;
        let has_room = if self.norms { self.waiting.is_none() || goes_on } else { free };
        GeneratorMoves { leave, gathered, has_room, goes_on }
    }

    /// The clock's edge.
    pub fn step(&mut self, cycle: u64, taken: bool, moves: &GeneratorMoves, beat: Option<Scores>) {
        if taken {
            self.output -= 1;
        }
        let mut entering = None;
        let enters = if self.norms {
            let enters = self.waiting.filter(|_| moves.goes_on);
            if moves.has_room {
                self.waiting = beat;
            }
            enters
        } else {
            beat
        };
        if moves.gathered {
            entering = Some(self.gathered);
            (self.gathered, self.complete) = (0, false);
        }
        if let Some(beat) = enters {
            if self.gathers {
                self.gathered += 1;
                self.complete = beat.ends_group;
            } else {
                entering = Some(1);
            }
        }
        for (number, (cell, hold)) in self.cells.iter_mut().zip(&self.holds).enumerate() {
            let leaves = moves.leave >> number & 1 == 1;
            let leaving = if leaves { cell.take() } else { None };
            if let Some(beats) = entering {
                *cell = Some((beats, cycle + hold));
            }
            entering = leaving.map(|(beats, _)| beats);
        }
        if let Some(beats) = entering {
            self.output = beats;
        }
    }
}

/// A window of elements that goes into mask apply.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub survivors: usize,
    pub last: bool,
}

/// Mask apply: a queue of beats of survivors.
pub(super) struct Apply {
    lanes: usize,
    beats: usize,
    /// Beats that nothing is added to.
    closed: usize,
    /// Survivors in the beat behind them, which may be joined by others of their vector.
    open: usize,
    /// Survivors of the offered window that have moved.
    moved: usize,
}

impl Apply {
    /// `queue`: survivors that it holds at most.
    pub fn new(lanes: usize, queue: usize) -> Apply {
        Apply { lanes, beats: queue / lanes, closed: 0, open: 0, moved: 0 }
    }

    /// Whether a beat is offered.
    pub fn offers(&self) -> bool {
        self.closed > 0
    }

    fn has_room(&self) -> bool {
        self.closed + usize::from(self.open > 0) + 2 <= self.beats
    }

    /// Whether an offered window is taken in this cycle.
    pub fn takes(&self, window: Window) -> bool {
        self.has_room() && window.survivors - self.moved <= 2 * self.lanes
    }

    /// The clock's edge: the offered beat is taken, and survivors of the offered window move.
    pub fn step(&mut self, window: Option<Window>) {
        let (has_room, takes) = (self.has_room(), window.is_some_and(|window| self.takes(window)));
        self.closed = self.closed.saturating_sub(1);
        let Some(window) = window.filter(|_| has_room) else { return };
        let moving = (window.survivors - self.moved).min(2 * self.lanes);
        for _ in 0..moving {
            if self.open == self.lanes {
                (self.closed, self.open) = (self.closed + 1, 0);
            }
            self.open += 1;
        }
        self.moved += moving;
        if takes {
            self.moved = 0;
            if window.last {
                (self.closed, self.open) = (self.closed + 1, 0);
            }
        }
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

/// Runs a path on beats that are always offered, with all that comes out taken at once.
pub(super) fn run(p: &TemporalPathParameters, arrivals: Vec<Arrival>) -> Schedule {
    let mut clock = Clock::new(p);
    arrivals.into_iter().for_each(|beat| clock.offer(beat));
    let mut schedule = Schedule::default();
    let mut quiet = 0;
    for cycle in 0.. {
        let moves = clock.step(cycle);
        // What passes a register slice is there one cycle later.
        let events = [
            (moves.accepted, &mut schedule.accepted, 0),
            (moves.scored && p.norm, &mut schedule.norms, 0),
            (moves.band, &mut schedule.bands, 1),
            (moves.level, &mut schedule.levels, 1),
            (moves.mask, &mut schedule.masks, 1),
            (moves.out, &mut schedule.out, 0),
        ];
        for (happens, cycles, later) in events {
            if happens {
                cycles.push(cycle + later);
            }
        }
        quiet = if moves.any { 0 } else { quiet + 1 };
        if quiet > QUIET {
            break;
        }
    }
    schedule
}

/// Longer than any block is busy without a beat that moves: a decision.
const QUIET: u64 = 2000;

/// What moves in a cycle.
#[derive(Clone, Copy, Default)]
pub(in crate::blocks) struct Moves {
    /// A beat goes in.
    pub accepted: bool,
    /// Its scores go on to the mask generator.
    scored: bool,
    /// The band of a vector goes into a register slice.
    band: bool,
    /// So does its level.
    level: bool,
    /// So does a mask.
    mask: bool,
    /// Survivors go out.
    pub out: bool,
    /// Anything moves.
    any: bool,
}

/// How many beats there were. They keep their order, so between two places are those that have got
/// to the one, but not to the other.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// Into the buffer.
    accepted: usize,
    /// From the buffer to the memory, where their scores are offered.
    stored: usize,
    /// To where they wait for their masks.
    scored: usize,
    /// To the way out.
    masked: usize,
    /// Out.
    sent: usize,
}

/// The whole path, with all that comes out taken at once.
pub(in crate::blocks) struct Clock {
    /// Beats that are offered or inside: all that were not sent.
    beats: VecDeque<Arrival>,
    counts: Counts,
    announces: bool,
    metric: Metric,
    /// An element for each beat between accepted and stored.
    buffer: Queue<()>,
    /// The layers of vectors that are compared.
    compared: VecDeque<usize>,
    /// The layers whose next band is to come before their next vector.
    pending: Vec<bool>,
    /// Whether a level is offered.
    level: bool,
    /// Beats between scored and masked, at most.
    depth: usize,
    /// For each place of all memories, whether a beat that goes there is between stored and masked.
    busy: Vec<bool>,
    generator: Generator,
    apply: Apply,
}

impl Clock {
    /// As a reset leaves it.
    pub fn new(p: &TemporalPathParameters) -> Clock {
        let buffer = p.buffer(1);
        let latency = if buffer.storage == Storage::Ram { 2 } else { 1 };
        let (holds, gathers) = p.generator().cells();
        let apply = p.apply();
        Clock {
            beats: VecDeque::new(),
            counts: Counts::default(),
            announces: p.level_from == LevelFrom::Previous,
            metric: Metric::default(),
            buffer: Queue::new(buffer.depth as usize, latency),
            compared: VecDeque::new(),
            pending: vec![false; p.layers as usize],
            level: false,
            depth: p.delta().depth as usize,
            busy: vec![false; (p.places() * p.beats()) as usize],
            generator: Generator::new(holds, gathers, p.norm),
            apply: Apply::new(apply.lanes as usize, apply.queue as usize),
        }
    }

    /// From the next cycle on a beat is offered, once those before it have gone in.
    pub fn offer(&mut self, beat: Arrival) {
        self.beats.push_back(beat);
    }

    /// The beat with a number, counted from the first there ever was.
    fn beat(&self, number: usize) -> Option<Arrival> {
        self.beats.get(number - self.counts.sent).copied()
    }

    /// One cycle.
    pub fn step(&mut self, cycle: u64) -> Moves {
        let before = self.counts;
        // From the end to the beginning: whether a block can take a beat depends on the next one.
        let leaving = self.beat(before.sent).filter(|_| before.sent < before.masked);
        let window = leaving.map(|beat| Window { survivors: beat.survivors, last: beat.last });
        let sent = window.is_some_and(|window| self.apply.takes(window));
        let offered = self.apply.offers();

        let can_send = leaving.is_none() || sent;
        let masked = self.generator.offers() && before.masked < before.scored && can_send;
        let moves = self.generator.moves(cycle, masked);
        let can_wait = before.scored - before.masked < self.depth;
        let can_score = before.scored < before.stored && can_wait && self.level && moves.has_room;
        let scored = self.beat(before.scored).filter(|_| can_score);
        let level_leaves = scored.is_some_and(|beat| beat.last);
        let level_free = !self.level || level_leaves;

        let can_store = self.buffer.front(cycle).is_some()
            && (before.scored == before.stored || scored.is_some());
        let stored = self.beat(before.stored).filter(|beat| {
            let may_begin = level_free && !self.pending[beat.layer];
            let is_free = can_store && !self.busy[beat.place];
            is_free && (!self.announces || !beat.first || may_begin)
        });

        let decided = self.compared.front().copied().filter(|&layer| {
            let may_leave = if self.announces { self.pending[layer] } else { level_free };
            self.metric.offers(cycle) && may_leave
        });
        let has_room = self.metric.has_room(decided.is_some()) && self.buffer.has_room();
        let accepted = self.beat(before.accepted).filter(|_| has_room);

        // The clock's edge.
        let ending = accepted.filter(|beat| beat.last);
        self.metric.step(cycle, decided.is_some(), ending.map(|beat| beat.decision));
        let begun = stored.filter(|beat| self.announces && beat.first);
        if let Some(layer) = decided {
            self.compared.pop_front();
            self.pending[layer] = false;
        }
        if let Some(beat) = begun {
            self.pending[beat.layer] = true;
        }
        let comes = if self.announces { begun.is_some() } else { decided.is_some() };
        self.level = comes || (self.level && !level_leaves);
        let scores = scored.map(|beat| Scores { ends_group: beat.ends_group });
        self.generator.step(cycle, masked, &moves, scores);
        self.apply.step(window);
        if let Some(beat) = self.beat(before.masked).filter(|_| masked) {
            self.busy[beat.place] = false;
        }
        if let Some(beat) = stored {
            self.buffer.pop();
            self.busy[beat.place] = true;
        }
        if accepted.is_some() {
            self.buffer.push(cycle, ());
        }
        if let Some(beat) = ending {
            self.compared.push_back(beat.layer);
        }
        if sent {
            self.beats.pop_front();
        }
        self.counts = Counts {
            accepted: before.accepted + usize::from(accepted.is_some()),
            stored: before.stored + usize::from(stored.is_some()),
            scored: before.scored + usize::from(scored.is_some()),
            masked: before.masked + usize::from(masked),
            sent: before.sent + usize::from(sent),
        };
        let moved = accepted.or(stored).or(scored).is_some() || decided.is_some();
        Moves {
            accepted: accepted.is_some(),
            scored: scored.is_some(),
            band: decided.is_some(),
            level: level_leaves,
            mask: sent,
            out: offered,
            any: moved || masked || sent || offered,
        }
    }
}
