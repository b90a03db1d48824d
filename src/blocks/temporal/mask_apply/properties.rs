//! What is proven of mask apply.
//!
//! Compaction: an arbitrary element of every window is followed to an arbitrary slot of an arbitrary
//! beat, so what is shown of these holds of every survivor and every slot. Beats are numbered as
//! they begin and as they go out, modulo a power of two that is larger than the number of beats in
//! the queue. Which survivors move, and where to, is counted here once more, without a prefix sum;
//! from large ones a solver does not come back, and of those the numbers of beats are looked at.

use super::rtl::Sizes;
use super::rtl::queue::{Queue, Write};
use super::rtl::window::Window;
use crate::blocks::properties::difference;
use crate::hdl::{
    Expr, Memory, ModuleBuilder, StreamIn, StreamOut, bit, concat, index_width, uint,
};

/// Up to this width of the window, and this many lanes, elements are followed.
const WIDEST: u32 = 5;
const MOST_LANES: u32 = 2;

/// Every element of a beat is as it came, or zero.
pub(super) fn of_gate<'m>(
    m: &'m ModuleBuilder,
    width: u32,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    survivors: Expr<'m>,
) {
    let lane = m.any_constant("tracked_lane", uint(index_width(survivors.width())));
    let element = |data: Expr<'m>| data.shift_right(lane * width).truncate(width);
    let survives = survivors.bit_at(lane).named("tracked_survives");
    let gated = survives.mux(element(input["data"]), 0);
    m.assert("element_or_zero", element(output["data"].expr()).eq(gated));
    m.cover("survives", input.valid & survives);
}

pub(super) fn of_compact<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    window: &Window<'m>,
    queue: &Queue<'m>,
) {
    let open = queue.fill.ne(0).named("has_open");
    if s.window <= WIDEST && s.lanes <= MOST_LANES {
        let slot = Slot::new(m, s, queue, open);
        let filled = slot.filled(m, output, window, queue);
        slot.ended(m, output, window, queue);
        let element = Element::new(m, s, input, window);
        increasing(m, s, input, window);
        slot.held(m, queue, &filled, &element);
        let room = queue.used.le(s.beats - 2);
        m.assert("ready_unless_more", input.ready.expr().eq(room & !element.leaves_some));
        m.cover("queue_is_full", queue.used.gt(s.beats - 2));
        m.cover("empty_vector", queue.pop & output["count"].expr().eq(0));
        m.cover("whole_beat_then_last", queue.pop & !output["last"].expr());
    }
    m.assert("open_is_inside", !open | queue.used.ne(0));
    m.assert("used_in_range", queue.used.le(s.beats));
    if !(s.lanes + 1).is_power_of_two() {
        m.assert("fill_in_range", queue.fill.le(s.lanes));
    }
    let behind_all = place(s.beats, queue.head, difference(queue.used, open, queue.used.ty()));
    m.assert("tail_behind_all", queue.tail.eq(behind_all));
    if let Some((begun, _)) = window.begun {
        m.assert("window_waits", !begun | input.valid);
        m.cover("split_window", window.step & begun);
    }
    m.assert("valid_if_whole", output.valid.expr().eq(queue.used.gt(open)));
    m.cover("in_and_out", input.fire() & queue.pop);
}

/// The arbitrary element of each window.
struct Element<'m> {
    /// Survivors that move with it and are before it.
    before: Expr<'m>,
    /// Whether it moves.
    moves: Expr<'m>,
    /// The element with its place in the vector.
    item: Expr<'m>,
    /// Whether survivors are left for another cycle.
    leaves_some: Expr<'m>,
}

impl<'m> Element<'m> {
    fn new(
        m: &'m ModuleBuilder,
        s: &Sizes,
        input: &StreamIn<'m>,
        window: &Window<'m>,
    ) -> Element<'m> {
        let lane = m.any_constant("tracked_lane", s.lane);
        let width = s.item.width - s.index.width;
        // Each rank takes the lowest survivor that the ranks before have left.
        let mut rest = window.pending;
        let mut before = m.constant(0, uint(index_width(s.take)));
        let mut number = m.constant(0, uint(index_width(s.take + 1)));
        let mut is_picked = m.constant(0, bit());
        for (rank, &selected) in (0_u32..).zip(&window.selected) {
            let lowest = rest & (-rest).wrap(rest.ty());
            m.assert(&format!("rank_{rank}_is_lowest"), selected.eq(lowest));
            rest = (rest & !selected).named(&format!("rest_{rank}"));
            let is_it = selected.bit_at(lane);
            before = is_it.mux(rank, before);
            is_picked = is_picked | is_it;
            number = (number + selected.any()).truncate(number.width());
        }
        let before = before.named("number_before");
        let leaves_some = rest.any().named("leaves_some");

        let has_moved = m.register("has_moved", bit()).reset(0);
        let waits = (window.survivors.bit_at(lane) & !has_moved).named("tracked_waits");
        let moves = (window.step & waits & is_picked).named("tracked_moves");
        m.when(window.step, || has_moved.set((has_moved | moves) & leaves_some));
        let exists = lane.lt(s.window);
        m.assert("waits_until_moved", !exists | window.pending.bit_at(lane).eq(waits));
        let begun = window.begun.map_or(m.constant(0, bit()), |(begun, _)| begun);
        m.assert("moved_since_begun", begun | !has_moved);

        let base = m.register("elements_before", s.index).reset(0);
        let next = (base + s.window).wrap(s.index);
        m.when(input.fire(), || base.set(input["last"].mux(0, next)));
        m.assert("elements_counted", window.base.eq(base));
        let data = input["data"].shift_right(lane * width).truncate(width);
        let item = concat(m, &[(base + lane).wrap(s.index), data]).named("tracked_item");
        m.assert("moved_counted", window.count.eq(number.named("number_moved")));
        let picked = before.select(&window.items).named("item_picked");
        m.assert("tracked_is_picked", !(moves & exists) | picked.eq(item));
        Element { before, moves: moves & exists, item, leaves_some }
    }
}

/// Places in the vector grow from survivor to survivor, until they begin again.
fn increasing<'m>(m: &'m ModuleBuilder, s: &Sizes, input: &StreamIn<'m>, window: &Window<'m>) {
    if s.index.max() < s.window.into() {
        // Within one window already.
        return;
    }
    let fits = m.register("indices_fit", bit()).reset(1);
    let next = window.base + s.window;
    let next_fits = fits & next.le(s.index.max());
    m.when(input.fire(), || fits.set(input["last"] | next_fits));
    let any = m.register("any_moved", bit()).reset(0);
    let last = m.register("last_index", s.index);
    let index = |item: &Expr<'m>| item.slice(s.item.width - s.index.width, s.index.width);
    let (mut before, mut is_there, mut grow) = (last.expr(), any.expr(), m.constant(1, bit()));
    for (item, &valid) in window.items.iter().zip(&window.valid) {
        grow = grow & (!(valid & is_there) | index(item).gt(before));
        before = valid.mux(index(item), before);
        is_there = is_there | valid;
    }
    m.when(window.step, || {
        any.set(is_there & !window.ends);
        last.set(before);
    });
    m.assert("indices_grow", !(window.step & next_fits) | grow);
    let before_window = !any | !fits | last.lt(window.base);
    let before_window = match window.begun {
        None => before_window,
        Some((begun, last_gone)) => {
            let is_last = last.eq((window.base + last_gone).wrap(s.index));
            if !s.window.is_power_of_two() {
                m.assert("last_gone_exists", !begun | last_gone.lt(s.window));
            }
            m.assert("moved_in_window", !begun | (any & is_last));
            begun | before_window
        }
    };
    m.assert("moved_before_window", before_window);
}

/// What is known of the arbitrary slot.
struct Filled<'m> {
    /// Whether a survivor has come to it, and is there.
    is_filled: Expr<'m>,
    /// Whether its beat goes out.
    leaves: Expr<'m>,
    /// Whether its beat is offered, and what the slot then holds.
    comes: Expr<'m>,
    item: Expr<'m>,
}

/// The arbitrary slot of the arbitrary beat.
struct Slot<'m> {
    beats: u32,
    lanes: u32,
    /// The number of the open beat, or of the next one.
    tail: Expr<'m>,
    /// The number of the tracked beat, and which of its slots is meant.
    beat: Expr<'m>,
    lane: Expr<'m>,
    /// Whether it is in the queue, whether it is the open one, and whether it goes out next.
    is_inside: Expr<'m>,
    is_open: Expr<'m>,
    is_next: Expr<'m>,
    /// Whether its place in the ring is its own, and where that is.
    has_place: Expr<'m>,
    place: Expr<'m>,
}

impl<'m> Slot<'m> {
    fn new(m: &'m ModuleBuilder, s: &Sizes, queue: &Queue<'m>, open: Expr<'m>) -> Slot<'m> {
        let ty = uint(index_width(s.beats + 1));
        let begun = counted(m, "number_begun", ty.width, queue.begun);
        let gone = counted(m, "number_gone", ty.width, queue.pop);
        m.assert("beats_counted", difference(begun, gone, ty).eq(queue.used));
        let beat = m.any_constant("tracked_beat", ty);
        let lane = m.any_constant("tracked_slot", uint(index_width(s.lanes)));
        let ahead = difference(beat, gone, ty).named("beats_ahead");
        let is_inside = ahead.lt(queue.used).named("beat_is_inside");
        let is_youngest = (ahead + 1).eq(queue.used);
        Slot {
            beats: s.beats,
            lanes: s.lanes,
            tail: difference(begun, open, ty).named("number_of_tail"),
            beat,
            lane,
            is_inside,
            is_open: (open & is_youngest).named("beat_is_open"),
            is_next: (is_inside & ahead.eq(0)).named("beat_is_next"),
            has_place: ahead.lt(s.beats),
            place: place(s.beats, queue.head, ahead).named("beat_place"),
        }
    }

    /// Whether it is this slot that lies so many behind the first one of the open or next beat.
    fn is_behind(&self, behind: Expr<'m>) -> Expr<'m> {
        let hit = |beats: u32| {
            let beat = (self.tail + beats).wrap(self.beat.ty());
            behind.eq(self.lane + beats * self.lanes) & beat.eq(self.beat)
        };
        let exists = self.lane.lt(self.lanes);
        exists & (0..3).map(hit).reduce(|any, one| any | one).expect("there are three beats")
    }

    /// Survivors fill the slots of a beat from the first one on, and its `count` says how many.
    fn filled(
        &self,
        m: &'m ModuleBuilder,
        output: &StreamOut<'m>,
        window: &Window<'m>,
        queue: &Queue<'m>,
    ) -> Filled<'m> {
        let leaves = (queue.pop & self.is_next).named("beat_leaves");
        let fills = (0..window.items.len())
            .map(|i| window.count.gt(i) & self.is_behind(queue.fill + i))
            .reduce(|any, one| any | one)
            .expect("at least one survivor moves at once");
        let fills = (window.step & fills).named("slot_fills");
        let is_filled = m.register("is_filled", bit()).reset(0);
        is_filled.set((is_filled | fills) & !leaves);
        m.assert("slot_is_free", !(fills & is_filled));
        let exists = self.lane.lt(self.lanes).named("slot_exists");
        m.assert("filled_inside", !is_filled | (self.is_inside & exists));
        let count = self.is_open.mux(queue.fill, self.count(queue)).named("slots_filled");
        let is_counted = is_filled.eq(count.gt(self.lane)).named("slot_is_counted");
        m.assert("all_counted", !(self.is_inside & exists) | is_counted);

        let data = output["data"].expr();
        let data = data.elements(uint(data.width() / self.lanes));
        let index = output["index"].expr();
        let index = index.elements(uint(index.width() / self.lanes));
        let items: Vec<Expr> =
            index.iter().zip(&data).map(|(index, data)| concat(m, &[*index, *data])).collect();
        let item = self.lane.select(&items).named("slot_out");
        let comes = (output.valid & self.is_next & exists).named("slot_comes_out");
        m.assert("rest_is_zero", !(comes & !is_filled) | item.eq(0));
        m.assert("count_is_exact", !comes | output["count"].expr().gt(self.lane).eq(is_filled));
        Filled { is_filled: is_filled.expr(), leaves, comes, item }
    }

    /// What the slot holds is the survivor that belongs there, and it comes out.
    fn held(
        &self,
        m: &'m ModuleBuilder,
        queue: &Queue<'m>,
        filled: &Filled<'m>,
        element: &Element<'m>,
    ) {
        let leaves = filled.leaves;
        let behind = self.is_behind(queue.fill + element.before);
        let lands = (element.moves & behind).named("tracked_lands");
        let is_known = m.register("is_known", bit()).reset(0);
        let known = m.register("known_item", element.item.ty());
        is_known.set((is_known | lands) & !leaves);
        m.when(lands, || known.set(element.item));
        m.assert("known_is_filled", !is_known | filled.is_filled);

        let row = (self.place >> 1).wrap(uint(index_width(self.beats / 2))).named("slot_row");
        let number = self.place.bit(0).mux(self.lane + self.lanes, self.lane).named("slot");
        let of = |part: fn(&Write<'m>) -> Expr<'m>| {
            number.select(&queue.writes.iter().map(part).collect::<Vec<_>>())
        };
        let row_written = of(|write| write.row).named("row_written");
        let is_written = of(|write| write.enable) & row_written.eq(row);
        let is_written = is_written.named("slot_written");
        let item = of(|write| write.item).named("item_written");
        m.assert("what_is_filled_stays", !(is_written & filled.is_filled));
        m.assert("tracked_is_written", !lands | is_written);
        m.assert("written_as_it_came", !lands | item.eq(element.item));

        let read =
            |(i, memory): (usize, &Memory<'m>)| memory.read_async(&format!("tracked_{i}"), row);
        let held: Vec<Expr> = queue.slots.iter().enumerate().map(read).collect();
        let held = number.select(&held).named("item_held");
        m.assert("item_in_place", !is_known | held.eq(known));
        m.assert("in_order", !(filled.comes & is_known) | filled.item.eq(known));
        m.cover("tracked_leaves", filled.comes & is_known & leaves);
    }

    /// Survivors of the beat, if it is not the open one.
    fn count(&self, queue: &Queue<'m>) -> Expr<'m> {
        let of_last = queue.counts.read_async("tracked_count", self.place);
        queue.is_last.bit_at(self.place).mux(of_last, self.lanes)
    }

    /// A vector ends with the beat that belongs to it, which is empty only if the vector is.
    fn ended(
        &self,
        m: &'m ModuleBuilder,
        output: &StreamOut<'m>,
        window: &Window<'m>,
        queue: &Queue<'m>,
    ) {
        let leaves = queue.pop & self.is_next;
        let sum = queue.fill + window.count;
        let passed = sum.gt(self.lanes) + sum.gt(2 * self.lanes);
        let is_it = (self.tail + passed).wrap(self.beat.ty()).eq(self.beat);
        let closes = (window.step & window.ends & is_it).named("closes_tracked");
        let is_last = m.register("is_end", bit()).reset(0);
        let is_empty = m.register("is_empty", bit()).reset(0);
        is_last.set((is_last | closes) & !leaves);
        let closes_empty = (closes & sum.eq(0)).named("closes_empty");
        is_empty.set((is_empty | closes_empty) & !leaves);
        let marked = queue.is_last.bit_at(self.place);
        m.assert("ends_marked", !self.has_place | marked.eq(is_last));
        m.assert("end_inside", !is_last | (self.is_inside & !self.is_open));
        m.assert("empty_is_end", !is_empty | is_last);
        let closed = self.is_inside & !self.is_open;
        let is_zero = queue.counts.read_async("end_count", self.place).eq(0) & is_last;
        m.assert("empty_counted", !closed | is_zero.eq(is_empty));
        let comes = output.valid & self.is_next;
        m.assert("last_with_end", !comes | output["last"].expr().eq(is_last));
        let count = output["count"].expr();
        m.assert("zero_if_empty", !comes | count.eq(0).eq(is_empty));
        m.assert(
            "full_unless_last",
            !output.valid.expr() | output["last"].expr() | count.eq(self.lanes),
        );
    }
}

/// The place in the ring of a beat that so many are ahead of.
fn place<'m>(beats: u32, head: Expr<'m>, ahead: Expr<'m>) -> Expr<'m> {
    let sum = head + ahead;
    let sum = sum.ge(beats).mux((sum - beats).wrap(sum.ty()), sum);
    sum.truncate(head.width())
}

/// A number that grows, modulo `2^width`.
fn counted<'m>(m: &'m ModuleBuilder, name: &str, width: u32, by: Expr<'m>) -> Expr<'m> {
    let number = m.register(name, uint(width)).reset(0);
    number.set((number + by).wrap(uint(width)));
    number.expr()
}
