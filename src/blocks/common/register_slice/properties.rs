//! What is proven of the register slice.

use super::{Cut, RegisterSliceParameters};
use crate::blocks::properties::Tracked;
use crate::hdl::{Expr, ModuleBuilder, StreamIn, StreamOut};

/// A register that a beat may stand in.
pub(super) struct Place<'m> {
    /// Whether one does.
    pub is_taken: Expr<'m>,
    /// The beat.
    pub data: Expr<'m>,
}

/// `places`: the first is that of the beat that leaves first.
pub(super) fn state<'m>(
    m: &'m ModuleBuilder,
    p: &RegisterSliceParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    places: &[Place<'m>],
) {
    let (push, pop) = (input.fire().named("push"), output.fire().named("pop"));
    let (data, capacity) = (input["data"], places.len() as u32);
    let tracked = Tracked::new(m, capacity, push, pop, data, |enters| push & enters);
    let passes = (p.cut == Cut::Backward).then_some(input.valid);
    tracked.conserved(m, output, pop, passes);
    let leaves = output.valid & tracked.leaves;
    match p.cut {
        Cut::Backward => {
            let brought = tracked.inside.eq(0).mux(data, tracked.data);
            m.assert("in_order", !leaves | output["data"].eq(brought));
        }
        Cut::Forward | Cut::Full => {
            tracked.is_at(m, "in_order", leaves, output["data"].expr());
        }
    }
    let has_room = match p.cut {
        Cut::Full | Cut::Backward => tracked.inside.ne(capacity),
        Cut::Forward => tracked.inside.eq(0) | output.ready,
    };
    m.assert("ready_if_room", input.ready.expr().eq(has_room));
    m.cover("tracked_leaves", pop & tracked.leaves);
    m.cover("is_full", tracked.inside.eq(capacity));
    m.cover("in_and_out", push & pop);

    match *places {
        [Place { is_taken, data }] => {
            m.assert("all_counted", tracked.inside.eq(is_taken));
            tracked.is_at(m, "tracked_in_place", is_taken & tracked.ahead.eq(0), data);
        }
        [ref first, ref spare] => {
            m.assert("all_counted", tracked.inside.eq(first.is_taken + spare.is_taken));
            m.assert("spare_behind_first", !spare.is_taken | first.is_taken);
            let is_first = first.is_taken & tracked.ahead.eq(0);
            tracked.is_at(m, "tracked_in_first", is_first, first.data);
            let is_spare = spare.is_taken & tracked.ahead.eq(1);
            tracked.is_at(m, "tracked_in_spare", is_spare, spare.data);
        }
        _ => unreachable!("there is one register, or two"),
    }
}
