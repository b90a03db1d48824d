//! The beats between score and mask.

use super::DeltaParameters;
use crate::blocks::temporal::vector::present_of;
use crate::hdl::{Expr, Memory, ModuleBuilder, Signal, bit, index_width, pack, uint};

/// A beat between `in` and `mask`: where it belongs, and how it is framed.
pub(super) struct Beat<'m> {
    /// Its place in the memory; none if that has one only.
    pub place: Option<Expr<'m>>,
    pub dense: Expr<'m>,
    pub empty: Option<Expr<'m>>,
    pub last: Expr<'m>,
}

/// A beat that a mask can come for.
pub(super) struct Waiting<'m> {
    pub beat: Beat<'m>,
    /// What would be transmitted of each element.
    pub candidates: Expr<'m>,
    /// What is added to it to make the estimate.
    pub bases: Expr<'m>,
    pub previous: Expr<'m>,
}

impl<'m> Beat<'m> {
    /// Its parts, in a fixed order.
    fn parts(&self) -> Vec<Expr<'m>> {
        let optional = [self.place, self.empty].into_iter().flatten();
        optional.chain([self.dense, self.last]).collect()
    }

    pub fn present(&self, m: &'m ModuleBuilder, p: &DeltaParameters) -> Expr<'m> {
        present_of(m, self.empty, self.last, p.lanes)
    }
}

/// The beats between score and mask.
pub(super) struct Queue<'m> {
    pub level: Signal<'m>,
    pub head: Expr<'m>,
    pub tail: Expr<'m>,
    pub memory: Memory<'m>,
    pub front: Waiting<'m>,
    like: Vec<u32>,
}

impl<'m> Queue<'m> {
    pub fn new(
        m: &'m ModuleBuilder,
        p: &DeltaParameters,
        staged: &Waiting<'m>,
        push: Expr<'m>,
        pop: Expr<'m>,
    ) -> Queue<'m> {
        let level = m.register("level", uint(index_width(p.depth + 1))).reset(0);
        m.when(push & !pop, || level.set((level + 1).truncate(level.width())))
            .or_when(pop & !push, || level.set((level - 1).wrap(level.ty())));
        let never = m.constant(0, bit());
        let pointer = |name: &str, when: Expr<'m>| {
            let pointer = m.register(name, uint(index_width(p.depth))).reset(0);
            let next = (pointer + 1).truncate(pointer.width());
            let wraps = if p.depth.is_power_of_two() { never } else { pointer.eq(p.depth - 1) };
            m.when(when, || pointer.set(wraps.mux(0, next)));
            pointer.expr()
        };
        let (head, tail) = (pointer("head", pop), pointer("tail", push));
        let parts: Vec<Expr> = [staged.candidates, staged.bases, staged.previous]
            .into_iter()
            .chain(staged.beat.parts())
            .collect();
        let record = pack(m, &parts);
        let memory = m.memory("waiting", p.depth, record.ty());
        memory.asserted().write(tail, record, push);
        let like: Vec<u32> = parts.iter().map(|part| part.width()).collect();
        let record = memory.asserted().read_async("front", head);
        let mut front = unpack(&like, record, &staged.beat);
        front.previous = front.previous.named("front_previous");
        let beat = &mut front.beat;
        beat.place = beat.place.map(|place| place.named("front_place"));
        beat.empty = beat.empty.map(|empty| empty.named("front_empty"));
        (beat.dense, beat.last) = (beat.dense.named("front_dense"), beat.last.named("front_last"));
        Queue { level, head, tail, memory, front, like }
    }

    /// What waits in a slot.
    pub fn slot(&self, name: &str, slot: Expr<'m>) -> Waiting<'m> {
        let record = self.memory.read_async(name, slot);
        unpack(&self.like, record, &self.front.beat)
    }
}

/// A record's parts, of these widths; which of them there are is as in `like`.
fn unpack<'m>(widths: &[u32], record: Expr<'m>, like: &Beat<'m>) -> Waiting<'m> {
    let mut low = 0;
    let mut parts = widths.iter().map(|&width| {
        low += width;
        record.slice(low - width, width)
    });
    let mut next = || parts.next().expect("a record has as many parts");
    let (candidates, bases, previous) = (next(), next(), next());
    let place = like.place.map(|_| next());
    let empty = like.empty.map(|_| next());
    let (dense, last) = (next(), next());
    Waiting { candidates, bases, previous, beat: Beat { place, dense, empty, last } }
}
