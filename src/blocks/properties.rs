//! Properties that blocks of streams share: what goes in comes out, once, and in order.
//!
//! Beats are numbered as they go in and as they come out, modulo a power of two that is larger
//! than the number of beats inside. What holds of the beats of one arbitrary number holds of all.

use crate::hdl::{Expr, ModuleBuilder, StreamOut, Type, bit, index_width, uint};

/// The beats of one arbitrary number, on their way through a block.
pub(crate) struct Tracked<'m> {
    /// How many beats are inside.
    pub inside: Expr<'m>,
    /// How many of those leave before the tracked one does, if that is inside.
    pub ahead: Expr<'m>,
    /// Whether the tracked one is next to go in.
    pub enters: Expr<'m>,
    /// Whether the tracked one is next to come out.
    pub leaves: Expr<'m>,
    /// What the tracked one brought.
    pub data: Expr<'m>,
}

/// What counts beats of a stream, modulo `2^width`.
fn counted<'m>(m: &'m ModuleBuilder, name: &str, width: u32, when: Expr<'m>) -> Expr<'m> {
    let number = m.register(name, uint(width)).reset(0);
    m.when(when, || number.set((number + 1).truncate(width)));
    number.expr()
}

impl<'m> Tracked<'m> {
    /// Follows the beats of a block that holds up to `capacity`. Where `push` is 1 one goes in,
    /// where `pop` is 1 one comes out; `taken` says where the tracked one brings `data`, out of
    /// whether the tracked one is next to go in.
    pub fn new(
        m: &'m ModuleBuilder,
        capacity: u32,
        push: Expr<'m>,
        pop: Expr<'m>,
        data: Expr<'m>,
        taken: impl FnOnce(Expr<'m>) -> Expr<'m>,
    ) -> Tracked<'m> {
        let width = index_width(capacity + 1);
        let number_in = counted(m, "number_in", width, push);
        let number_out = counted(m, "number_out", width, pop);
        let tracked = m.any_constant("tracked", uint(width));
        let enters = number_in.eq(tracked);
        let brought = m.register("tracked_data", data.ty());
        m.when(taken(enters), || brought.set(data));
        Tracked {
            inside: difference(number_in, number_out, uint(width)).named("held"),
            ahead: difference(tracked, number_out, uint(width)).named("ahead"),
            enters,
            leaves: number_out.eq(tracked),
            data: brought.expr(),
        }
    }

    /// States that nothing comes out that is not inside or, with `passing`, arrives at this
    /// moment; and that what has been inside for a cycle is offered.
    pub fn conserved(
        &self,
        m: &'m ModuleBuilder,
        output: &StreamOut<'m>,
        pop: Expr<'m>,
        passing: Option<Expr<'m>>,
    ) {
        let there = self.inside.ne(0);
        let there = passing.map_or(there, |passing| there | passing);
        m.assert("nothing_invented", !output.valid | there);
        let stayed = m.register("stayed", bit()).reset(0);
        stayed.set(self.inside.gt(pop));
        m.assert("nothing_lost", !stayed | output.valid);
    }

    /// States that the tracked beat is at a place: where `is_there` is 1, `data` is what it brought.
    pub fn is_at(&self, m: &'m ModuleBuilder, name: &str, is_there: Expr<'m>, data: Expr<'m>) {
        m.assert(name, !is_there | data.eq(self.data));
    }
}

/// `a - b`, modulo what the type holds.
pub(crate) fn difference<'m>(a: Expr<'m>, b: Expr<'m>, ty: Type) -> Expr<'m> {
    (a - b).wrap(ty)
}
