//! What is proven of the delta block.
//!
//! Of an arbitrary element of an arbitrary layer everything is followed that happens to it: what
//! comes of it, what is transmitted of it, and their sum.

use super::DeltaParameters;
use super::queue::{Queue, Waiting};
use super::rtl::Arrival;
use crate::blocks::properties::difference;
use crate::blocks::temporal::layers::{Flags, PerLayer};
use crate::hdl::{Expr, ModuleBuilder, Signal, StreamOut, bit, index_width, sint, uint};

/// Up to this depth of the queue elements are followed: each of its slots is looked at.
const DEEPEST: u32 = 4;

/// What happens in the block.
pub(super) struct Places<'a, 'm> {
    pub accept: Expr<'m>,
    pub push: Expr<'m>,
    pub pop: Expr<'m>,
    pub arrival: &'a Arrival<'m>,
    /// The elements that arrive.
    pub elements: Expr<'m>,
    /// The beat that waits to be scored, if there is one.
    pub staged: &'a Waiting<'m>,
    pub stage_valid: Expr<'m>,
    pub queue: &'a Queue<'m>,
    /// Of the beat that a mask comes for: the lanes that hold an element, those that are
    /// transmitted, what is, and what the memory is to hold.
    pub present: Expr<'m>,
    pub selected: Expr<'m>,
    pub sent: Expr<'m>,
    pub next: Expr<'m>,
    pub memory: &'a PerLayer<'m>,
    pub busy: &'a Flags<'m>,
    pub score: &'a StreamOut<'m>,
    pub output: &'a StreamOut<'m>,
}

/// Every beat has its score, its mask and what is transmitted, one after the other.
pub(super) fn streams<'m>(
    m: &'m ModuleBuilder,
    p: &DeltaParameters,
    score: &StreamOut<'m>,
    output: &StreamOut<'m>,
    [accept, push, pop]: [Expr<'m>; 3],
    queue: &Queue<'m>,
    stage_valid: Expr<'m>,
) {
    // Enough to tell all numbers of beats apart that there can be.
    let ty = uint(index_width(p.depth + 1) + 1);
    let counted = |name: &str, when: Expr<'m>| {
        let count = m.register(name, ty).reset(0);
        m.when(when, || count.set((count + 1).truncate(ty.width)));
        count.expr()
    };
    let [arrived, scored, masked] =
        [("arrived", accept), ("scored", push), ("masked", pop)].map(|(n, w)| counted(n, w));
    let left = counted("left", output.fire().named("leaves"));
    let since = |later: Expr<'m>, earlier: Expr<'m>| difference(later, earlier, ty);
    m.assert("one_is_staged", since(arrived, scored).eq(stage_valid));
    m.assert("level_counts", since(scored, masked).eq(queue.level));
    m.assert("level_in_range", queue.level.le(p.depth));
    m.assert("each_mask_is_sent", since(masked, left).eq(output.valid));
    let is_full = queue.level.eq(p.depth);
    m.assert("score_is_offered", score.valid.expr().eq(stage_valid & !is_full));
    let tail = (queue.head + queue.level).named("behind_all");
    let wraps = tail.ge(p.depth);
    m.assert("tail_behind_all", wraps.mux(tail - p.depth, tail).eq(queue.tail));
    // Fewer places than that are never all under way, and a long way there is not searched.
    let places = p.layers * p.places();
    if places > p.depth && p.depth <= DEEPEST {
        m.cover("is_full", is_full);
    }
    if places > 2 {
        m.cover("all_at_once", accept & push & pop & output.fire());
    }
}

/// What is said of one lane of a place.
struct Followed<'a, 'm> {
    m: &'m ModuleBuilder,
    p: &'a DeltaParameters,
    layer: Option<Expr<'m>>,
    /// The number of the place in its layer.
    number: Expr<'m>,
    /// The place in the memory, if there are several.
    place: Option<Expr<'m>>,
    lane: Option<Expr<'m>>,
}

impl<'m> Followed<'_, 'm> {
    fn is_of(&self, layer: Option<Expr<'m>>) -> Expr<'m> {
        let same = self.layer.zip(layer).map(|(layer, other)| layer.eq(other));
        same.unwrap_or_else(|| self.m.constant(1, bit()))
    }

    fn is_at(&self, place: Option<Expr<'m>>) -> Expr<'m> {
        let same = self.place.zip(place).map(|(place, other)| place.eq(other));
        same.unwrap_or_else(|| self.m.constant(1, bit()))
    }

    /// Its part of a beat.
    fn part(&self, packed: Expr<'m>, width: u32) -> Expr<'m> {
        let parts = packed.elements(sint(width));
        self.lane.map_or_else(|| parts[0], |lane| lane.select(&parts))
    }

    fn flag(&self, packed: Expr<'m>) -> Expr<'m> {
        self.lane.map_or(packed.bit(0), |lane| packed.bit_at(lane))
    }

    /// What a word of the memory holds of it: estimate and mask.
    fn remembered(&self, word: Expr<'m>) -> (Expr<'m>, Expr<'m>) {
        let DeltaParameters { lanes, width, .. } = *self.p;
        let estimate = self.part(word.slice(0, lanes * width), width);
        (estimate, self.flag(word.slice(lanes * width, lanes)))
    }
}

/// The sum of what is transmitted of an element is its estimate.
pub(super) fn estimates<'m>(m: &'m ModuleBuilder, p: &DeltaParameters, s: &Places<'_, 'm>) {
    in_range(m, p, s.arrival);
    if p.depth > DEEPEST {
        return;
    }
    let any = |name: &str, count: u32| {
        let any = (count > 1).then(|| m.any_constant(name, uint(index_width(count))))?;
        Some(match count.is_power_of_two() {
            true => any,
            false => any.min(count - 1).truncate(any.width()).named(&format!("{name}_there")),
        })
    };
    let layer = any("any_layer", p.layers);
    let number = any("any_number", p.places()).unwrap_or_else(|| m.constant(0, bit()));
    let place = super::rtl::place_of(p, layer, number).map(|place| place.named("followed_place"));
    let one = Followed { m, p, layer, number, place, lane: any("any_lane", p.lanes) };

    let comes = (s.accept & one.is_at(s.arrival.beat.place)).named("followed_comes");
    let fresh = m.register("is_fresh", bit()).reset(0);
    let begins = (one.is_of(s.arrival.layer) & s.arrival.begins).named("followed_begins");
    m.when(comes, || fresh.set(1)).or_when(s.accept & begins, || fresh.set(0));
    m.assert("known_if_fresh", !comes | s.arrival.known.eq(fresh & !begins));
    known(m, s, &one, fresh.expr());

    // Where its beat is.
    let staged = m.register("followed_staged", bit()).reset(0);
    let queued = m.register("followed_queued", bit()).reset(0);
    let at = m.register("followed_at", s.queue.tail.ty());
    let is_pushed = (s.push & staged).named("followed_scored");
    let is_popped = (s.pop & queued & at.eq(s.queue.head)).named("followed_masked");
    m.when(comes, || staged.set(1)).or_when(is_pushed, || staged.set(0));
    m.when(is_pushed, || {
        queued.set(1);
        at.set(s.queue.tail);
    })
    .or_when(is_popped, || queued.set(0));
    whereabouts(m, s, &one, staged, queued, at.expr());

    let (sum, mask) = follow(m, s, &one, comes, fresh & !begins, staged, is_popped);
    let word = s.memory.read("followed_word", place);
    let (estimate, remembered) = one.remembered(word);
    let rests = fresh & !staged & !queued;
    m.assert("estimate_is_sum", !rests | estimate.eq(sum.sum));
    m.assert("mask_is_remembered", !rests | remembered.eq(mask));
    for (name, is_there, beat) in [
        ("stage", staged.expr(), None),
        ("queue", queued.expr(), Some(s.queue.slot("followed_waits", at.expr()))),
    ] {
        let beat = beat.as_ref().unwrap_or(s.staged);
        let present = one.flag(beat.beat.present(m, p));
        let base = (sum.was_delta | !present).mux(sum.sum, 0);
        let is_base = one.part(beat.bases, p.width).eq(base);
        m.assert(&format!("{name}_has_base"), !is_there | is_base);
        let width = p.width + u32::from(!p.clip);
        let change = sum.brought - sum.sum;
        let most = (1 << (p.width - 1)) - 1;
        let change = if p.clip { change.min(most).max(-most) } else { change };
        let candidate = sum.was_delta.mux(change, sum.brought);
        let is_candidate = one.part(beat.candidates, width).eq(candidate);
        m.assert(&format!("{name}_has_candidate"), !is_there | is_candidate);
        let is_previous = one.flag(beat.previous).eq(mask);
        m.assert(&format!("{name}_has_previous"), !is_there | is_previous);
        let is_dense = beat.beat.dense.eq(sum.was_dense);
        m.assert(&format!("{name}_has_mode"), !is_there | is_dense);
    }
}

/// Numbers and layers exist.
fn in_range<'m>(m: &'m ModuleBuilder, p: &DeltaParameters, arrival: &Arrival<'m>) {
    m.assert("number_in_range", arrival.number.lt(p.places()));
    m.assert("number_begins", !arrival.first | arrival.number.eq(0));
    if let Some(layer) = arrival.layer {
        m.assert("layer_in_range", arrival.first | layer.lt(p.layers));
    }
}

/// A place is known where it was written since the sequence began.
fn known<'m>(m: &'m ModuleBuilder, s: &Places<'_, 'm>, one: &Followed<'_, 'm>, fresh: Expr<'m>) {
    let Arrival { extent, begun, .. } = s.arrival;
    let (begun, extent) = (begun.get(one.layer), extent.read("followed_extent", one.layer));
    m.assert("extent_is_fresh", fresh.eq(begun & one.number.lt(extent)));
    let goes_on = !s.arrival.first & one.is_of(s.arrival.layer);
    let reached = s.arrival.number.le(extent) & extent.ne(0);
    m.assert("extent_without_gaps", !goes_on | (begun & reached));
}

/// The beat of a place is where it is said to be, and there is no second.
fn whereabouts<'m>(
    m: &'m ModuleBuilder,
    s: &Places<'_, 'm>,
    one: &Followed<'_, 'm>,
    staged: Signal<'m>,
    queued: Signal<'m>,
    at: Expr<'m>,
) {
    let is_staged = s.stage_valid & one.is_at(s.staged.beat.place);
    m.assert("staged_is_staged", staged.expr().eq(is_staged));
    m.assert("busy_under_way", s.busy.get(one.place).eq(staged | queued));
    m.assert("once_under_way", !(staged & queued));
    let depth = one.p.depth;
    for slot in 0..depth {
        let behind = s.queue.head.gt(slot);
        let ahead = behind.mux(m.constant(depth + slot, uint(9)), slot) - s.queue.head;
        let is_used = ahead.lt(s.queue.level);
        let place = one.place.and_then(|_| {
            let number = m.constant(slot, s.queue.head.ty());
            s.queue.slot(&format!("waits_{slot}"), number).beat.place
        });
        let is_it = (is_used & one.is_at(place)).named(&format!("is_in_{slot}"));
        let is_said = queued & at.eq(slot);
        m.assert(&format!("queued_in_{slot}"), is_it.eq(is_said));
    }
    m.assert("queued_somewhere", !queued | at.lt(depth));
}

/// What is known of the followed element.
struct Sum<'m> {
    /// Of all that was transmitted of it, since that was not a difference.
    sum: Expr<'m>,
    /// What it is in the beat under way.
    brought: Expr<'m>,
    was_delta: Expr<'m>,
    was_dense: Expr<'m>,
}

fn follow<'m>(
    m: &'m ModuleBuilder,
    s: &Places<'_, 'm>,
    one: &Followed<'_, 'm>,
    comes: Expr<'m>,
    known: Expr<'m>,
    staged: Signal<'m>,
    is_popped: Expr<'m>,
) -> (Sum<'m>, Expr<'m>) {
    let p = one.p;
    let sent_width = p.width + u32::from(!p.clip);
    let sum = m.register("sum", sint(p.width));
    let mask = m.register("last_mask", bit());
    let brought = m.register("brought", sint(p.width));
    let was_delta = m.register("was_delta", bit());
    let was_dense = m.register("was_dense", bit());
    let (present, selected) = (one.flag(s.present), one.flag(s.selected));
    let sent = one.part(s.sent, sent_width).named("followed_sent");
    let so_far = (was_delta | !present).mux(sum, 0);
    m.when(comes, || {
        sum.set(known.mux(sum, 0));
        mask.set(mask & known);
        brought.set(one.part(s.elements, p.width));
        was_delta.set(s.arrival.delta);
        was_dense.set(s.arrival.beat.dense);
    })
    .or_when(is_popped, || {
        sum.set((so_far + sent).wrap(sint(p.width)));
        mask.set(present.mux(selected, mask));
    });
    let (estimate, _) = one.remembered(s.next);
    let exact = (so_far + sent).eq(estimate);
    m.assert("sum_does_not_overflow", !is_popped | exact);
    let is_whole = if p.clip { !was_delta } else { m.constant(1, bit()) };
    let arrives = !selected | estimate.eq(brought);
    m.assert("what_is_sent_whole_arrives", !is_popped | !is_whole | arrives);
    m.assert("dense_sends_all", !is_popped | !was_dense | selected.eq(present));
    m.assert("nothing_else_is_sent", !is_popped | selected | sent.eq(0));
    // The score, and what goes out.
    let reference = was_delta.mux(sum, 0);
    let distance = (brought - reference).abs();
    let scored = one.part(s.score["data"].expr(), p.width).as_unsigned();
    m.assert("score_is_distance", !staged | scored.eq(distance));
    let out = m.register("followed_out", bit()).reset(0);
    let counted = m.register("last_sent", sint(sent_width));
    m.when(s.pop, || out.set(is_popped));
    m.when(is_popped, || counted.set(sent));
    let shown = out & s.output.valid;
    let goes_out = one.part(s.output["data"].expr(), sent_width);
    m.assert("what_goes_out_counts", !shown | goes_out.eq(counted));
    m.cover("difference_sent", is_popped & was_delta & sent.ne(0) & sum.ne(0));
    let was_delta = was_delta.expr();
    let sum =
        Sum { sum: sum.expr(), brought: brought.expr(), was_delta, was_dense: was_dense.expr() };
    (sum, mask.expr())
}
