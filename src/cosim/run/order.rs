//! Which beat a sink may see next.

use std::collections::VecDeque;

use crate::model::{Beat, Emitted, Turns};

/// The beats that have yet to come out of a stream.
pub(super) struct Order<'a> {
    expected: &'a [Emitted],
    /// Those that keep their order, by position: all of them, or those that follow from one stream.
    queues: Vec<VecDeque<usize>>,
    /// The queue whose turn has not ended.
    open: Option<usize>,
}

impl<'a> Order<'a> {
    /// The model's order, or that of each stream where these take turns.
    pub(super) fn new(expected: &'a [Emitted], in_turns: bool) -> Order<'a> {
        let mut queues: Vec<VecDeque<usize>> = vec![];
        for (position, emitted) in expected.iter().enumerate() {
            let queue = if in_turns { emitted.cause.channel } else { 0 };
            queues.resize(queues.len().max(queue + 1), VecDeque::new());
            queues[queue].push_back(position);
        }
        Order { expected, queues, open: None }
    }

    /// The position of the beat that `seen` is or, if it is none of those that may come, of one that
    /// may. None if no beat may.
    pub(super) fn next(&self, seen: &Beat) -> Option<usize> {
        let may_come = |queue: &usize| self.open.is_none_or(|open| open == *queue);
        let fronts = (0..self.queues.len()).filter(may_come);
        let mut fronts = fronts.filter_map(|queue| self.queues[queue].front().copied());
        let first = fronts.clone().min();
        fronts.find(|&position| self.expected[position].beat == *seen).or(first)
    }

    /// The beat at a position, which may come, has come.
    pub(super) fn take(&mut self, position: usize, turns: Option<(usize, &Turns)>) {
        let is_front = |queue: &VecDeque<usize>| queue.front() == Some(&position);
        let Some(queue) = self.queues.iter().position(is_front) else { return };
        self.queues[queue].pop_front();
        let ends = turns.is_none_or(|(output, ends)| ends(output, &self.expected[position].beat));
        self.open = (!ends).then_some(queue);
    }
}
