//! The golden model of the FIFO.

use std::collections::VecDeque;

use super::{FifoParameters, Storage};
use crate::model::{Bits, Cause, Emitted, Moved, Response, Stimulus};

/// An element in the FIFO: which beat it is, and from which cycle on it can come out.
struct Element {
    beat: usize,
    from: u64,
}

/// What goes in comes out; a place that was left is free one cycle later.
pub(super) fn run(p: &FifoParameters, stimulus: &Stimulus) -> Response {
    let beats = &stimulus.inputs[0];
    let mut held: VecDeque<Element> = VecDeque::new();
    let (mut accepted, mut emitted) = (vec![], vec![]);
    let mut cycle = 0;
    while emitted.len() < beats.len() {
        let has_room = held.len() < p.depth as usize;
        if held.front().is_some_and(|element| element.from <= cycle)
            && let Some(element) = held.pop_front()
        {
            let beat = beats[element.beat].clone();
            emitted.push(Emitted { beat, cycle, cause: Cause { channel: 0, beat: element.beat } });
        }
        if has_room && accepted.len() < beats.len() {
            let latency = match p.storage {
                Storage::Registers => 1,
                Storage::Ram => 2,
            };
            held.push_back(Element { beat: accepted.len(), from: cycle + latency });
            accepted.push(cycle);
        }
        cycle += 1;
    }
    Response { accepted: vec![accepted], emitted: vec![emitted], capacity: vec![p.depth as usize] }
}

/// The level: what went in and has not come out.
pub(super) fn level(p: &FifoParameters) -> impl Fn(&Moved) -> Vec<Option<Bits>> + use<> {
    // As many bits as the depth has.
    let width = p.depth.ilog2() + 1;
    move |moved| {
        let level = moved.accepted[0].saturating_sub(moved.emitted[0]) as u64;
        vec![Some(Bits::new(width, level))]
    }
}
