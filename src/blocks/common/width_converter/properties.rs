//! What is proven of the width converter.
//!
//! Of an arbitrary wide beat, an arbitrary part is followed.

use crate::blocks::properties::{Tracked, difference};
use crate::hdl::{Expr, ModuleBuilder, StreamIn, StreamOut, bit, index_width, uint};

/// What the converter knows.
pub(super) struct State<'m> {
    /// Whether a beat goes in.
    pub push: Expr<'m>,
    /// Whether there is a wide beat.
    pub valid: Expr<'m>,
    /// The wide beat, or what there is of it.
    pub data: Expr<'m>,
    /// How many of its parts have been moved, if there are several.
    pub count: Option<Expr<'m>>,
}

/// The narrow side of a converter.
struct Parts<'m> {
    /// How many there are to a wide beat.
    number: u32,
    /// Which one is next, counted here once more.
    next: Expr<'m>,
    /// Whether the last one moves.
    last_moves: Expr<'m>,
    /// The arbitrary one.
    tracked: Expr<'m>,
}

impl<'m> Parts<'m> {
    fn new(m: &'m ModuleBuilder, number: u32, moves: Expr<'m>, state: &State<'m>) -> Parts<'m> {
        let Some(count) = state.count else {
            let zero = m.constant(0, bit());
            return Parts { number, next: zero, last_moves: moves, tracked: zero };
        };
        let ty = uint(index_width(number));
        let next = m.register("part", ty).reset(0);
        let is_last = next.eq(number - 1);
        m.when(moves, || next.set(is_last.mux(0, (next + 1).truncate(ty.width))));
        m.assert("part_counted", count.eq(next));
        if !number.is_power_of_two() {
            m.assert("part_in_range", next.lt(number));
        }
        let tracked = m.any_constant("tracked_part", ty);
        Parts { number, next: next.expr(), last_moves: moves & is_last, tracked }
    }

    /// The part of a wide value at a place that is known to be one.
    fn of(&self, wide: Expr<'m>, place: Expr<'m>) -> Expr<'m> {
        let width = wide.width() / self.number;
        if self.number == 1 { wide } else { wide.shift_right(place * width).truncate(width) }
    }
}

/// Narrow beats go in, wide ones come out.
pub(super) fn of_join<'m>(
    m: &'m ModuleBuilder,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    number: u32,
    state: &State<'m>,
) {
    let (push, pop) = (state.push, output.fire().named("pop"));
    let parts = Parts::new(m, number, push, state);
    let is_tracked = parts.next.eq(parts.tracked);
    let taken = |enters| push & enters & is_tracked;
    let tracked = Tracked::new(m, 1, parts.last_moves, pop, input["data"], taken);
    tracked.conserved(m, output, pop, None);
    m.assert("one_counted", tracked.inside.eq(state.valid));
    let is_part = parts.tracked.lt(number);
    let brought = parts.of(output["data"].expr(), parts.tracked);
    tracked.is_at(m, "in_order", output.valid & tracked.leaves & is_part, brought);
    m.cover("tracked_leaves", pop & tracked.leaves & is_part);
    m.cover("in_and_out", push & pop);
    if number > 1 {
        m.assert("one_at_a_time", !state.valid | parts.next.eq(0));
        // What has come stands at the top.
        let ty = uint(index_width(number));
        let place = difference(parts.tracked + number, parts.next, uint(ty.width + 1));
        let is_there = tracked.enters & parts.tracked.lt(parts.next);
        tracked.is_at(m, "tracked_in_place", is_there, parts.of(state.data, place));
        m.cover("waits_for_rest", parts.next.eq(number - 1));
    }
}

/// Wide beats go in, narrow ones come out.
pub(super) fn of_split<'m>(
    m: &'m ModuleBuilder,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    number: u32,
    state: &State<'m>,
    pop: Expr<'m>,
) {
    let push = state.push;
    let parts = Parts::new(m, number, pop, state);
    let brought = parts.of(input["data"], parts.tracked);
    let last = parts.last_moves;
    let tracked = Tracked::new(m, 1, push, last, brought, |enters| push & enters);
    tracked.conserved(m, output, last, None);
    m.assert("one_counted", tracked.inside.eq(state.valid));
    let leaves = tracked.leaves & parts.next.eq(parts.tracked);
    tracked.is_at(m, "in_order", output.valid & leaves, output["data"].expr());
    m.cover("tracked_leaves", pop & leaves);
    m.cover("in_and_out", push & pop);

    m.assert("begins_with_first", state.valid | parts.next.eq(0));
    let place = difference(parts.tracked, parts.next, parts.next.ty());
    let waits = parts.tracked.ge(parts.next) & parts.tracked.lt(number);
    let is_there = state.valid & tracked.leaves & waits;
    tracked.is_at(m, "tracked_in_place", is_there, parts.of(state.data, place));
}
