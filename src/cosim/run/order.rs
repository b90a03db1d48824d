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

    /// The position of the beat that `seen` is or, if it is none of those that may come, of one
    /// that may. None if no beat may.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Bits, Cause};

    /// A beat that follows from the beat of that number of a stream.
    fn emitted(channel: usize, beat: usize) -> Emitted {
        let value = vec![Bits::new(8, (16 * channel + beat) as u64)];
        Emitted { beat: value, cycle: 0, cause: Cause { channel, beat } }
    }

    /// Whether these beats may come one after the other; a turn ends with each odd one.
    fn may_come(in_turns: bool, seen: &[Emitted]) -> bool {
        let model = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 3)].map(|(c, b)| emitted(c, b));
        let ends: Turns = Box::new(|_, beat| beat[0].bit(0));
        let mut order = Order::new(&model, in_turns);
        seen.iter().all(|seen| {
            let next = order.next(&seen.beat);
            let is_right = next.is_some_and(|position| model[position] == *seen);
            next.into_iter().for_each(|position| order.take(position, Some((0, &ends))));
            is_right
        })
    }

    #[test]
    fn the_order_of_a_stream_counts_and_that_of_streams_where_nothing_stalls() {
        let of = |beats: &[(usize, usize)]| -> Vec<Emitted> {
            beats.iter().map(|&(channel, beat)| emitted(channel, beat)).collect()
        };
        let model = of(&[(0, 0), (0, 1), (1, 0), (1, 1), (1, 3)]);
        let other = of(&[(1, 0), (1, 1), (0, 0), (0, 1), (1, 3)]);
        assert!(may_come(false, &model) && may_come(true, &model));
        assert!(!may_come(false, &other) && may_come(true, &other));
        // One of the other stream before the turn ends; one too early; one twice.
        assert!(!may_come(true, &of(&[(0, 0), (1, 0)])));
        assert!(!may_come(true, &of(&[(1, 1)])));
        assert!(!may_come(true, &of(&[(0, 0), (0, 1), (0, 1)])));
    }
}
