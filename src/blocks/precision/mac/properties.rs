//! What is proven of the multiply-accumulate lane.

use super::MacParameters;
use crate::blocks::properties::Tracked;
use crate::hdl::{Expr, ModuleBuilder, StreamIn, StreamOut, bit};

/// How far a packet is.
pub(super) struct Progress<'m> {
    /// Whether nothing of a packet is in the sum.
    pub first: Expr<'m>,
    /// Whether the sum is that of a whole packet and waits to be taken.
    pub valid: Expr<'m>,
    /// The sum with the product of the beat that goes in.
    pub next: Expr<'m>,
}

/// The sum is that of the products of what went in, and each packet's comes out, once, in order, and as it was when its last beat went in.
pub(super) fn state<'m>(
    m: &'m ModuleBuilder,
    p: &MacParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    progress: &Progress<'m>,
) {
    let ends = (input.fire() & input["last"]).named("packet_ends");
    let pop = output.fire().named("pop");
    let tracked = Tracked::new(m, 1, ends, pop, progress.next, |enters| ends & enters);
    tracked.conserved(m, output, pop, None);
    m.assert("ready_unless_blocked", input.ready.expr().eq(!output.valid.expr() | output.ready));
    tracked.is_at(m, "in_order", output.valid & tracked.leaves, output["sum"].expr());
    exact(m, p, input, output["sum"].expr(), progress);
    m.assert("all_counted", tracked.inside.eq(progress.valid));
    m.assert("a_sum_that_waits_is_whole", !progress.valid | progress.first);
    m.cover("tracked_leaves", pop & tracked.leaves);
    m.cover("packet_of_several", ends & !progress.first);
    m.cover("out_and_in", pop & ends);
}

/// Adds up the products of what goes in a second time. Its multiplier has the operands of the lane's,
/// so that a solver need not look into them.
fn exact<'m>(
    m: &'m ModuleBuilder,
    p: &MacParameters,
    input: &StreamIn<'m>,
    sum: Expr<'m>,
    lane: &Progress<'m>,
) {
    let operand = |name: &str| match p.isolate {
        true => input.valid.mux(input[name], 0),
        false => input[name],
    };
    let ty = sum.ty();
    let expected = m.register("expected", ty);
    let begins = m.register("begins", bit()).reset(1);
    let so_far = begins.mux(0, expected).named("expected_so_far");
    let product = (operand("a") * operand("b")).named("expected_product");
    m.when(input.fire(), || {
        expected.set((so_far + product).wrap(ty));
        begins.set(input["last"]);
    });
    m.assert("packet_begins", lane.first.eq(begins));
    m.assert("sum_is_exact", (lane.first & !lane.valid) | sum.eq(expected));
}
