//! The queue: beats that fill up, and that wait to go out.
//!
//! It is a ring of beats. A beat has a slot for each lane; the slots of an even and an odd beat are
//! memories of their own, so that as many survivors as two beats hold can move at once. The last
//! beat is open: it takes survivors until one more comes than it holds, or its vector ends.

use super::Sizes;
use super::window::Window;
use crate::hdl::{Expr, Memory, ModuleBuilder, Signal, StreamOut, concat, index_width, pack, uint};

/// What the queue knows.
pub(in super::super) struct Queue<'m> {
    /// The first beat.
    pub head: Expr<'m>,
    /// The open beat, or the next one if none is open.
    pub tail: Expr<'m>,
    /// Survivors in the open beat; 0 if none is open.
    pub fill: Expr<'m>,
    /// Beats, the open one too.
    pub used: Expr<'m>,
    /// For each beat, whether a vector ends with it.
    pub is_last: Expr<'m>,
    /// For each beat that a vector ends with, its survivors.
    pub counts: Memory<'m>,
    /// For each slot of an even beat, then of an odd one, what it holds in each pair of beats.
    pub slots: Vec<Memory<'m>>,
    /// For each of them, what comes to it.
    pub writes: Vec<Write<'m>>,
    /// Beats that begin.
    pub begun: Expr<'m>,
    /// Whether a beat goes out.
    pub pop: Expr<'m>,
}

/// A survivor that comes to a slot.
pub(in super::super) struct Write<'m> {
    pub enable: Expr<'m>,
    /// The pair of beats that it comes to.
    pub row: Expr<'m>,
    pub item: Expr<'m>,
}

/// A number of beats, which is less than twice as many as there are, brought into the ring.
fn wrapped<'m>(sum: Expr<'m>, beats: u32) -> Expr<'m> {
    let ty = uint(index_width(beats));
    match beats.is_power_of_two() {
        true => sum.wrap(ty),
        false => sum.ge(beats).mux((sum - beats).wrap(ty), sum.wrap(ty)),
    }
}

/// Where survivors go.
struct Tail<'m> {
    beat: Signal<'m>,
    fill: Signal<'m>,
    /// Beats that begin.
    begin: Expr<'m>,
    /// The beat that a vector ends with, if it does, and its survivors.
    last: Expr<'m>,
    last_count: Expr<'m>,
}

impl<'m> Tail<'m> {
    fn new(m: &'m ModuleBuilder, s: &Sizes, window: &Window<'m>) -> Tail<'m> {
        let beat = m.register("tail", uint(index_width(s.beats))).reset(0);
        let beat = beat.doc("the open beat, or the next one");
        let fill = m.register("fill", uint(index_width(s.lanes + 1))).reset(0);
        let fill = fill.doc("survivors in the open beat");
        let sum = (fill + window.count).named("filled");
        let passes = sum.gt(s.lanes).named("passes_one");
        let mut rest = passes.mux((sum - s.lanes).wrap(fill.ty()), sum.wrap(fill.ty()));
        let mut passed = passes;
        if s.take > s.lanes {
            let passes = sum.gt(2 * s.lanes).named("passes_two");
            rest = passes.mux((sum - 2 * s.lanes).wrap(fill.ty()), rest);
            passed = (passed + passes).named("passed");
        }
        let rest = rest.named("fill_then");
        let last = wrapped(beat + passed, s.beats).named("tail_then");
        let after = wrapped(last + window.ends, s.beats).named("tail_after");
        m.when(window.step, || {
            beat.set(after);
            fill.set(window.ends.mux(0, rest));
        });
        let begins = fill.eq(0) & (window.ends | window.count.ne(0));
        let begin = (passed + begins.named("opens")).wrap(uint(2)).named("starting");
        Tail { beat, fill, begin, last, last_count: rest }
    }
}

/// Puts what moves into the queue, and offers its first beat.
pub(super) fn hold<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    window: &Window<'m>,
    output: &StreamOut<'m>,
) -> Queue<'m> {
    let step = window.step;
    let tail = Tail::new(m, s, window);
    let head = m.register("head", uint(index_width(s.beats))).reset(0).doc("the first beat");
    let used = m.register("used", uint(index_width(s.beats + 1))).reset(0);
    let used = used.doc("beats in the queue, the open one too");
    let pop = output.fire().named("pop");
    m.when(pop, || head.set(wrapped(head + 1, s.beats)));
    let begun = step.mux(tail.begin, 0).named("begun_beats");
    used.set((used + begun - pop).wrap(used.ty()));
    output.valid.set(used.gt(tail.fill.ne(0).named("is_open")));

    let close = (step & window.ends).named("close");
    // What moves nothing changes nothing, also where simulators of four states do not know where.
    let one = |beat: Expr<'m>, when: Expr<'m>| {
        let bit = m.constant(1, uint(1)).shift_left(beat).wrap(uint(s.beats));
        when.mux(bit, 0).wrap(uint(s.beats))
    };
    let is_last = m.register("is_last", uint(s.beats)).reset(0);
    let is_last = is_last.doc("for each beat, whether a vector ends with it");
    let closed = one(tail.last, close).named("closed");
    let gone = one(head.expr(), pop).named("popped");
    is_last.set((is_last & !gone) | closed);
    let counts = m.memory("counts", s.beats, tail.fill.ty());
    counts.asserted().write(tail.last, tail.last_count, close);
    let head_count = counts.asserted().read_async("head_count", head);
    let ends = is_last.bit_at(head).named("head_is_last");
    let count = ends.mux(head_count, s.lanes).named("lanes_out");
    output["last"].set(ends);
    output["count"].set(count.wrap(output["count"].ty()));

    let (slots, writes) = write(m, s, window, &tail).into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    read(m, s, &slots, head.expr(), count, output);
    Queue {
        head: head.expr(),
        tail: tail.beat.expr(),
        fill: tail.fill.expr(),
        used: used.expr(),
        is_last: is_last.expr(),
        counts,
        slots,
        writes,
        begun,
        pop,
    }
}

/// Writes what moves to the slots behind those that are taken.
fn write<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    window: &Window<'m>,
    tail: &Tail<'m>,
) -> Vec<(Memory<'m>, Write<'m>)> {
    let (number, rows) = (2 * s.lanes, s.beats / 2);
    let is_odd = tail.beat.expr().bit(0);
    let place = is_odd.mux(tail.fill + s.lanes, tail.fill);
    let place = place.wrap(uint(index_width(number + 1))).named("first_slot");
    let offset = match number.is_power_of_two() {
        true => place.truncate(index_width(number)),
        false => place.eq(number).mux(0, place).wrap(uint(index_width(number))),
    };
    // Each with a bit above that says whether it is there.
    let width = s.item.width + 1;
    let there = window.items.iter().zip(&window.valid);
    let mut items: Vec<Expr> = there.map(|(item, valid)| concat(m, &[*valid, *item])).collect();
    items.resize(number as usize, m.constant(0, uint(width)));
    let mut turned = pack(m, &items);
    for (i, turn) in offset.bits().into_iter().enumerate() {
        let distance = (1 << i) % number;
        let stays = (number - distance) * width;
        let (low, high) = (turned.slice(0, stays), turned.slice(stays, distance * width));
        turned = turn.mux(concat(m, &[low, high]), turned).named(&format!("turned_{}", 1 << i));
    }
    let row = (tail.beat >> 1).wrap(uint(index_width(rows))).named("row");
    let next_row = match rows.is_power_of_two() {
        true => (row + 1).wrap(row.ty()),
        false => row.eq(rows - 1).mux(0, row + 1).wrap(row.ty()),
    };
    let next_row = next_row.named("next_row");
    let slot = |(slot, item): (u32, Expr<'m>)| {
        let memory = m.memory(&format!("slot_{slot}"), rows, s.item);
        let row = place.gt(slot).mux(next_row, row);
        let enable = (window.step & item.msb()).named(&format!("write_{slot}"));
        let item = item.truncate(s.item.width);
        memory.asserted().write(row, item, enable);
        (memory, Write { enable, row, item })
    };
    (0..).zip(turned.elements(uint(width))).map(slot).collect()
}

/// Offers the survivors of the first beat.
fn read<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    slots: &[Memory<'m>],
    head: Expr<'m>,
    count: Expr<'m>,
    output: &StreamOut<'m>,
) {
    let rows = s.beats / 2;
    let row = (head >> 1).wrap(uint(index_width(rows))).named("head_row");
    let held: Vec<Expr> = (0..)
        .zip(slots)
        .map(|(slot, memory)| memory.asserted().read_async(&format!("head_{slot}"), row))
        .collect();
    let (even, odd) = held.split_at(s.lanes as usize);
    let items = (0..).zip(even.iter().zip(odd)).map(|(lane, (even, odd))| {
        let item = head.bit(0).mux(*odd, *even);
        count.gt(lane).mux(item, 0).named(&format!("item_{lane}"))
    });
    let items: Vec<Expr> = items.collect();
    let width = s.item.width - s.index.width;
    let data: Vec<Expr> = items.iter().map(|item| item.truncate(width)).collect();
    let index: Vec<Expr> = items.iter().map(|item| item.slice(width, s.index.width)).collect();
    output["data"].set(pack(m, &data));
    output["index"].set(pack(m, &index));
}
