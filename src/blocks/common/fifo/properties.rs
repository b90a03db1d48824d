//! What is proven of the FIFO.

use super::{FifoParameters, Storage};
use crate::blocks::properties::{Tracked, difference};
use crate::hdl::{Expr, Memory, ModuleBuilder, StreamIn, StreamOut};

/// Where the elements are, the first first.
pub(super) struct Places<'m> {
    /// Whether one goes in.
    pub push: Expr<'m>,
    /// Whether one comes out.
    pub pop: Expr<'m>,
    /// How many there are.
    pub level: Expr<'m>,
    /// The register that the first may stand in, and whether it does.
    pub front: Option<(Expr<'m>, Expr<'m>)>,
    /// The memory that holds the others, and where they begin and end.
    pub memory: Option<(Memory<'m>, Expr<'m>, Expr<'m>)>,
}

pub(super) fn state<'m>(
    m: &'m ModuleBuilder,
    p: &FifoParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    level: Expr<'m>,
    places: &Places<'m>,
) {
    let &Places { push, pop, .. } = places;
    let tracked = Tracked::new(m, p.depth, push, pop, input["data"], |enters| push & enters);
    tracked.conserved(m, output, pop, None);
    tracked.is_at(m, "in_order", output.valid & tracked.leaves, output["data"].expr());
    m.cover("tracked_leaves", pop & tracked.leaves);
    m.cover("is_full", places.level.eq(p.depth));
    if p.depth > 1 {
        m.cover("in_and_out", push & pop);
    }

    m.assert("level_counts", level.eq(tracked.inside));
    m.assert("ready_unless_full", input.ready.expr().eq(level.ne(p.depth)));
    if p.storage == Storage::Registers {
        m.assert("valid_unless_empty", output.valid.expr().eq(level.ne(0)));
    }
    let is_inside = tracked.ahead.lt(tracked.inside).named("tracked_is_held");
    let in_front = places.front.map(|(is_there, data)| {
        let first = is_there & tracked.ahead.eq(0) & is_inside;
        tracked.is_at(m, "tracked_in_front", first, data);
        is_there
    });
    let Some((memory, head, tail)) = places.memory else { return };
    // The place of the element that so many are ahead of.
    let place = |ahead: Expr<'m>| {
        let sum = head + in_front.map_or(ahead, |one| difference(ahead, one, ahead.ty()));
        let wrapped = match p.depth.is_power_of_two() && p.depth > 1 {
            true => sum,
            false => sum.ge(p.depth).mux((sum - p.depth).wrap(sum.ty()), sum),
        };
        wrapped.truncate(head.width())
    };
    m.assert("tail_behind_all", place(places.level).named("behind_all").eq(tail));
    let place = place(tracked.ahead).named("tracked_place");
    let waits = in_front.map_or(is_inside, |one| is_inside & tracked.ahead.ge(one));
    let element = memory.read_async("tracked_element", place);
    tracked.is_at(m, "tracked_in_place", waits, element);
    if p.depth > 1 {
        m.cover("wraps_around", tail.lt(head) & push);
    }
}
