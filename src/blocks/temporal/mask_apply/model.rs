//! The golden model of mask apply.

use std::collections::VecDeque;

use super::{MaskApplyParameters, Mode};
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// A beat that came in.
struct Window {
    elements: Vec<Bits>,
    /// The lanes that survive.
    survivors: Vec<usize>,
    is_last: bool,
}

fn window(p: &MaskApplyParameters, beat: &Beat) -> Window {
    let mut masks = vec![&beat[1]];
    let mut framing = &beat[2..];
    if p.joint {
        masks.push(&beat[2]);
        framing = &beat[3..];
    }
    let is_last = framing.last().expect("there is a `last`").bit(0);
    let elements = p.window as usize;
    let empty = match framing {
        [empty, _] if is_last => (empty.unsigned() as usize).min(elements - 1),
        _ => 0,
    };
    let survives = |lane: &usize| masks.iter().all(|mask| mask.bit(*lane as u32));
    Window {
        elements: beat[0].lanes(p.width).collect(),
        survivors: (0..elements - empty).filter(survives).collect(),
        is_last,
    }
}

pub(super) fn run(p: &MaskApplyParameters, stimulus: &Stimulus) -> Response {
    let windows: Vec<Window> = stimulus.inputs[0].iter().map(|beat| window(p, beat)).collect();
    match p.mode {
        Mode::Gate => gate(p, &windows),
        Mode::Compact => compact(p, &windows),
    }
}

/// What does not survive is zero.
fn gate(p: &MaskApplyParameters, windows: &[Window]) -> Response {
    let gated = |(beat, window): (usize, &Window)| {
        let mut data = vec![Bits::zero(p.width); p.window as usize];
        let mut mask = vec![Bits::zero(1); p.window as usize];
        for &lane in &window.survivors {
            data[lane] = window.elements[lane].clone();
            mask[lane] = Bits::new(1, true);
        }
        let beat_out = vec![Bits::concat(&data), Bits::concat(&mask), Bits::new(1, window.is_last)];
        let cause = Cause { channel: 0, beat };
        Emitted { beat: beat_out, cycle: beat as u64, cause }
    };
    Response {
        accepted: vec![(0..windows.len() as u64).collect()],
        emitted: vec![windows.iter().enumerate().map(gated).collect()],
        capacity: vec![0],
    }
}

/// A beat in the queue.
#[derive(Default)]
struct Waiting {
    /// Of each survivor, the element and its place in the vector.
    survivors: Vec<(Bits, u64)>,
    is_last: bool,
    /// The window that it is complete with.
    cause: usize,
}

/// Everything that compaction remembers from cycle to cycle.
struct Compaction<'a> {
    p: &'a MaskApplyParameters,
    windows: &'a [Window],
    /// The offered window, and how many of its survivors have moved.
    offered: usize,
    moved: usize,
    /// Elements of its vector before the offered window.
    base: u64,
    /// Beats, the first first. The last one may be open, if its vector goes on.
    queue: VecDeque<Waiting>,
    is_open: bool,
}

impl Compaction<'_> {
    /// The first beat, if it is whole.
    fn is_offered(&self) -> bool {
        self.queue.len() > usize::from(self.is_open)
    }

    fn has_room(&self) -> bool {
        let beats = (self.p.queue / self.p.lanes) as usize;
        self.queue.len() + 2 <= beats
    }

    /// Moves survivors of the offered window; whether all of them have moved.
    fn take(&mut self) -> bool {
        let window = &self.windows[self.offered];
        let lanes = self.p.lanes as usize;
        for &lane in window.survivors.iter().skip(self.moved).take(2 * lanes) {
            let is_full = self.queue.back().is_none_or(|beat| beat.survivors.len() == lanes);
            if !self.is_open || is_full {
                if let (true, Some(before)) = (self.is_open, self.queue.back_mut()) {
                    before.cause = self.offered;
                }
                self.queue.push_back(Waiting::default());
                self.is_open = true;
            }
            let beat = self.queue.back_mut().expect("there is an open beat");
            beat.survivors.push((window.elements[lane].clone(), self.base + lane as u64));
            self.moved += 1;
        }
        if self.moved < window.survivors.len() {
            return false;
        }
        if window.is_last {
            if !self.is_open {
                self.queue.push_back(Waiting::default());
            }
            let beat = self.queue.back_mut().expect("there is a beat to end the vector");
            (beat.is_last, beat.cause) = (true, self.offered);
            self.is_open = false;
            self.base = 0;
        } else {
            self.base += u64::from(self.p.window);
        }
        self.offered += 1;
        self.moved = 0;
        true
    }

    /// The payload of a beat.
    fn payload(&self, beat: &Waiting) -> Beat {
        let (lanes, longest) = (self.p.lanes as usize, self.p.longest);
        // As many bits as the number of the last element has, and one at least.
        let index_width = (u32::BITS - (longest - 1).leading_zeros()).max(1);
        let mut data = vec![Bits::zero(self.p.width); lanes];
        let mut index = vec![Bits::zero(index_width); lanes];
        for (lane, (element, place)) in beat.survivors.iter().enumerate() {
            data[lane] = element.clone();
            index[lane] = Bits::new(index_width, *place);
        }
        let count_width = self.p.lanes.ilog2() + 1;
        vec![
            Bits::concat(&data),
            Bits::concat(&index),
            Bits::new(count_width, beat.survivors.len() as u64),
            Bits::new(1, beat.is_last),
        ]
    }
}

/// Every cycle looks at the queue as the one before left it.
fn compact(p: &MaskApplyParameters, windows: &[Window]) -> Response {
    let start = || Compaction {
        p,
        windows,
        offered: 0,
        moved: 0,
        base: 0,
        queue: VecDeque::new(),
        is_open: false,
    };
    let mut block = start();
    let (mut accepted, mut emitted) = (vec![], vec![]);
    let mut cycle = 0;
    while block.offered < windows.len() || block.is_offered() {
        let (has_room, is_offered) = (block.has_room(), block.is_offered());
        if is_offered && let Some(beat) = block.queue.pop_front() {
            let cause = Cause { channel: 0, beat: beat.cause };
            emitted.push(Emitted { beat: block.payload(&beat), cycle, cause });
        }
        if has_room && block.offered < windows.len() && block.take() {
            accepted.push(cycle);
        }
        cycle += 1;
    }
    // Nothing is taken from another one.
    let mut full = start();
    while full.has_room() && full.offered < windows.len() {
        full.take();
    }
    // A shorter stimulus goes in whole, so what holds more is not known.
    let capacity = if full.has_room() { windows.len() } else { full.offered };
    Response { accepted: vec![accepted], emitted: vec![emitted], capacity: vec![capacity] }
}
