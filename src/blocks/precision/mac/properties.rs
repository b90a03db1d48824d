//! What is proven of the multiply-accumulate lane.

use crate::blocks::properties::Tracked;
use crate::hdl::{Expr, ModuleBuilder, StreamIn, StreamOut};

/// How far a packet is.
pub(super) struct Progress<'m> {
    /// Whether nothing of a packet is in the sum.
    pub first: Expr<'m>,
    /// Whether the sum is that of a whole packet and waits to be taken.
    pub valid: Expr<'m>,
    /// The sum with the product of the beat that goes in.
    pub next: Expr<'m>,
}

/// Each packet's sum comes out, once, in order, and as it was when its last beat went in.
pub(super) fn state<'m>(
    m: &'m ModuleBuilder,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    progress: &Progress<'m>,
) {
    let ends = (input.fire() & input["last"]).named("packet_ends");
    let pop = output.fire().named("pop");
    let tracked = Tracked::new(m, 1, ends, pop, progress.next, |enters| ends & enters);
    tracked.conserved(m, output, pop, None);
    tracked.is_at(m, "in_order", output.valid & tracked.leaves, output["sum"].expr());
    m.assert("all_counted", tracked.inside.eq(progress.valid));
    m.assert("a_sum_that_waits_is_whole", !progress.valid | progress.first);
    m.cover("tracked_leaves", pop & tracked.leaves);
    m.cover("packet_of_several", ends & !progress.first);
    m.cover("out_and_in", pop & ends);
}
