//! What is proven of the variable-precision multiply-accumulate.
//!
//! What a beat adds is compared with multiplications, and sums with the beats that are in them.

use super::rtl::{Precision, activation, total_type};
use super::{SLOT, VpMacParameters};
use crate::blocks::properties::Tracked;
use crate::hdl::{Expr, Memory, ModuleBuilder, StreamIn, StreamOut, bit, concat};

/// Up to so many bits of activations a solver finds that adding bit by bit is multiplying.
const MOST_BITS: u32 = 8;

/// What is multiplied.
pub(super) struct Slots<'m> {
    /// The activations, those of slot 0 lowest.
    pub activations: Expr<'m>,
    /// The weights as they come in.
    pub weights: Expr<'m>,
    /// Whether they count.
    pub is_offered: Expr<'m>,
    pub precision: Precision<'m>,
    pub exponent: Option<Expr<'m>>,
}

impl<'m> Slots<'m> {
    /// What the weight that has bits in a place of a slot stands for times its activation, if the
    /// weights have so many bits; modulo what a sum holds.
    fn product(
        &self,
        p: &VpMacParameters,
        bits: u32,
        (slot, place): (u32, u32),
        activation: Expr<'m>,
    ) -> Expr<'m> {
        let width = bits.min(SLOT);
        let first = place * p.narrowest / width * width;
        let weight = self.weights.slice(slot * SLOT + first, width);
        let shifted = |number: u32, is_signed: bool| {
            let weight = if is_signed { weight.as_signed() } else { weight };
            let product = activation * weight;
            let product = match self.exponent {
                Some(exponent) => product.shift_left(exponent),
                None => product << (p.reference - bits),
            };
            (product << (number * SLOT)).wrap(total_type(p))
        };
        match self.precision.byte.filter(|_| bits > SLOT) {
            None => shifted(0, true),
            Some(byte) => {
                let last = bits / SLOT - 1;
                let lower = (0..last).map(|number| shifted(number, false)).collect::<Vec<_>>();
                byte.eq(last).mux(shifted(last, true), byte.select(&lower))
            }
        }
    }

    /// The same, whatever the precision.
    fn value(&self, p: &VpMacParameters, of: impl Fn(u32) -> Expr<'m>) -> Expr<'m> {
        let values = p.precisions().map(|bits| self.precision.is(bits).mux(of(bits), 0));
        let value = values.reduce(|a, b| a | b).expect("weights have some precision");
        self.is_offered.mux(value, 0).wrap(total_type(p))
    }
}

/// Follows a value into the register between products and accumulation, if there is one.
fn beside_products<'m>(
    m: &'m ModuleBuilder,
    p: &VpMacParameters,
    name: &str,
    accept: Expr<'m>,
    expected: Expr<'m>,
) -> Expr<'m> {
    if !p.product_register {
        return expected;
    }
    let register = m.register(format!("expected_product_{name}"), expected.ty());
    m.when(accept, || register.set(expected));
    register.expr()
}

/// How far a packet is, in organisation `dot`.
pub(super) struct Progress<'m> {
    /// Whether a beat goes into the sum.
    pub accumulate: Expr<'m>,
    /// Whether a beat is there to do so.
    pub is_there: Expr<'m>,
    /// Whether it is the last of its packet.
    pub last: Expr<'m>,
    /// What it adds.
    pub addend: Expr<'m>,
    /// Whether nothing of a packet is in the sum.
    pub first: Expr<'m>,
    /// Whether the sum is that of a whole packet and waits to be taken.
    pub valid: Expr<'m>,
    /// The sum with the beat in it.
    pub next: Expr<'m>,
}

/// The sum is that of the products of what went in, and each packet's comes out, once and in order.
pub(super) fn of_dot<'m>(
    m: &'m ModuleBuilder,
    p: &VpMacParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    slots: &Slots<'m>,
    progress: &Progress<'m>,
) {
    let ends = (progress.accumulate & progress.last).named("packet_ends");
    let pop = output.fire().named("pop");
    let tracked = Tracked::new(m, 1, ends, pop, progress.next, |enters| ends & enters);
    tracked.conserved(m, output, pop, None);
    tracked.is_at(m, "in_order", output.valid & tracked.leaves, output["sum"].expr());
    m.assert("all_counted", tracked.inside.eq(progress.valid));
    m.assert("a_sum_that_waits_is_whole", !progress.valid | progress.first);
    let held = if p.product_register { progress.is_there } else { m.constant(1, bit()) };
    let is_ready = !held | !output.valid | output.ready;
    m.assert("ready_unless_blocked", input.ready.expr().eq(is_ready));
    if p.product_register {
        let last = (input["last"], progress.last);
        waits(m, input.fire(), progress.accumulate, progress.is_there, last);
    }
    adds_up(m, output["sum"].expr(), progress);
    if p.lanes * p.activation_bits <= MOST_BITS {
        let elements = slots.activations.elements(activation(p));
        let of_place = |bits: u32, slot: u32, place: u32| {
            let activation = elements[(slot * p.places() + place) as usize];
            slots.product(p, bits, (slot, place), activation)
        };
        let of = |bits: u32| {
            let places = (0..p.places()).step_by((bits.min(SLOT) / p.narrowest) as usize);
            let all = places.flat_map(|place| (0..p.lanes).map(move |slot| (slot, place)));
            let products = all.map(|(slot, place)| of_place(bits, slot, place));
            products.reduce(|a, b| (a + b).wrap(total_type(p))).expect("a slot has a place")
        };
        let expected = slots.value(p, of).named("expected_beat");
        let expected = beside_products(m, p, "beat", input.fire(), expected);
        m.assert("products_are_exact", !progress.is_there | progress.addend.eq(expected));
    }
    m.cover("tracked_leaves", pop & tracked.leaves);
    m.cover("packet_of_several", ends & !progress.first);
    m.cover("out_and_in", pop & ends);
    cover_bytes(m, p, slots);
}

/// A register between products and accumulation holds what went in last, until it went on.
fn waits<'m>(
    m: &'m ModuleBuilder,
    accept: Expr<'m>,
    goes_on: Expr<'m>,
    is_there: Expr<'m>,
    (came, waiting): (Expr<'m>, Expr<'m>),
) {
    let waits = m.register("waits", bit()).reset(0);
    m.when(accept, || waits.set(1)).or_when(goes_on, || waits.set(0));
    m.assert("products_wait", waits.expr().eq(is_there));
    let brought = m.register("brought", came.ty());
    m.when(accept, || brought.set(came));
    m.assert("products_are_of_their_beat", !is_there | waiting.eq(brought));
}

/// The sum is that of what went into it.
fn adds_up<'m>(m: &'m ModuleBuilder, sum: Expr<'m>, progress: &Progress<'m>) {
    let added = m.register("added", sum.ty());
    let so_far = progress.first.mux(0, added).named("added_so_far");
    m.when(progress.accumulate, || added.set((so_far + progress.addend).wrap(sum.ty())));
    m.assert("sum_is_exact", (progress.first & !progress.valid) | sum.eq(added));
}

/// The highest byte of a wide weight comes.
fn cover_bytes<'m>(m: &'m ModuleBuilder, p: &VpMacParameters, slots: &Slots<'m>) {
    if let Some(byte) = slots.precision.byte {
        let is_last = byte.eq(p.widest / SLOT - 1) & slots.precision.is(p.widest);
        m.cover("whole_weight", slots.is_offered & is_last);
    }
}

/// What happens to the accumulators of a bank.
pub(super) struct Access<'m> {
    pub row: Expr<'m>,
    pub clear: Expr<'m>,
    pub write: Expr<'m>,
    /// What is written, if it is `value`, and what is added to the sum if not.
    pub load: Expr<'m>,
    pub value: Expr<'m>,
    pub addend: Expr<'m>,
    /// What is read.
    pub sum: Expr<'m>,
}

/// An arbitrary accumulator is what was done to it.
pub(super) fn of_bank<'m>(
    m: &'m ModuleBuilder,
    p: &VpMacParameters,
    access: &Access<'m>,
    (stored, written): (&Memory<'m>, Expr<'m>),
) {
    let ty = access.sum.ty();
    let tracked = m.any_constant("tracked_row", access.row.ty());
    let expected = m.register("expected", ty).reset(0);
    let is_tracked = (access.row.eq(tracked) & tracked.lt(p.depth)).named("is_tracked");
    let next = access.load.mux(access.value, (expected + access.addend).wrap(ty));
    m.when(access.clear, || expected.set(0))
        .or_when(access.write & is_tracked, || expected.set(next));
    let holds = written.bit_at(tracked).mux(stored.read_async("stored_tracked", tracked), 0);
    m.assert("accumulator_is_exact", holds.eq(expected));
    m.assert("sum_is_that_of_the_row", access.row.ne(tracked) | access.sum.eq(expected));
}

/// A beat in front of the banks, in organisation `outer`.
pub(super) struct AtBanks<'m> {
    pub is_there: Expr<'m>,
    /// Whether it goes on.
    pub done: Expr<'m>,
    pub operation: Expr<'m>,
    pub enable: Expr<'m>,
    pub row: Expr<'m>,
    pub value: Expr<'m>,
    /// What each bank would add.
    pub addends: Vec<Expr<'m>>,
}

/// Each bank adds its product, and each read is answered, once and in order.
pub(super) fn of_outer<'m>(
    m: &'m ModuleBuilder,
    p: &VpMacParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    slots: &Slots<'m>,
    beat: &AtBanks<'m>,
) {
    let (accept, pop) = (input.fire(), output.fire().named("pop"));
    m.assert("ready_unless_blocked", input.ready.expr().eq(!output.valid | output.ready));
    let is_read = beat.is_there & beat.operation.eq(2);
    m.assert("reads_are_answered", output.valid.expr().eq(is_read));
    if p.product_register {
        let came = ["operation", "enable", "row", "value"].map(|name| input[name]);
        let there = [beat.operation, beat.enable, beat.row, beat.value];
        let at_banks = (concat(m, &came), concat(m, &there));
        waits(m, accept, beat.is_there & beat.done, beat.is_there, at_banks);
    }
    if p.activation_bits <= MOST_BITS {
        for (bank, addend) in (0..).zip(&beat.addends) {
            let of = |bits| slots.product(p, bits, (0, bank), slots.activations);
            let expected = slots.value(p, of).named(&format!("expected_{bank}"));
            let expected = beside_products(m, p, &format!("{bank}"), accept, expected);
            let adds = beat.is_there & beat.operation.eq(0);
            m.assert(&format!("product_{bank}_is_exact"), !adds | addend.eq(expected));
        }
    }
    m.cover("read_after_read", pop & m.delayed("was_read", pop));
    m.cover("read_waits", output.valid & !output.ready);
    cover_bytes(m, p, slots);
}
