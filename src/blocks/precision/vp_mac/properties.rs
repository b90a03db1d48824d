//! What is proven of the variable-precision multiply-accumulate.
//!
//! What a beat adds is compared with multiplications, and sums with the beats that are in them.

use super::rtl::{Precision, activation, total_type};
use super::{SLOT, VpMacParameters};
use crate::blocks::properties::Tracked;
use crate::hdl::{Expr, Memory, ModuleBuilder, StreamIn, StreamOut, bit, concat};

/// Up to so many bits of activations a solver finds that adding bit by bit is multiplying, and that
/// products which no register keeps apart from what they came from are in their place.
const MOST_BITS: u32 = 4;

/// What is multiplied.
pub(super) struct Slots<'m> {
    /// The activations, those of slot 0 lowest.
    pub activations: Expr<'m>,
    /// The weights as they come in.
    pub weights: Expr<'m>,
    /// Whether they count, if their tag is built in.
    pub is_offered: Expr<'m>,
    pub precision: Precision<'m>,
}

/// A value on its way into a sum.
pub(super) struct Shifted<'m> {
    pub precision: Precision<'m>,
    pub shift: Option<Expr<'m>>,
}

/// Whether the tag is built in.
fn is_known<'m>(p: &VpMacParameters, precision: Precision<'m>) -> Expr<'m> {
    let known = p.precisions().map(|bits| precision.is(bits));
    known.reduce(|a, b| a | b).expect("weights have some precision")
}

impl<'m> Slots<'m> {
    /// Whether the beat has weights that count.
    fn count(&self, p: &VpMacParameters) -> Expr<'m> {
        self.is_offered & is_known(p, self.precision)
    }

    /// Bits of the slots, as a number that is signed if they end a signed weight.
    fn part(&self, p: &VpMacParameters, low: u32, width: u32) -> Expr<'m> {
        let ends = p.precisions().filter(|&bits| (low + width).is_multiple_of(bits.min(SLOT)));
        let ends = ends.map(|bits| match self.precision.byte.filter(|_| bits > SLOT) {
            Some(byte) => self.precision.is(bits) & byte.eq(bits / SLOT - 1),
            None => self.precision.is(bits),
        });
        let part = self.weights.slice(low, width);
        let signed = ends.reduce(|a, b| a | b);
        signed.map_or(part, |signed| signed.mux(part.as_signed(), part))
    }
}

impl<'m> Shifted<'m> {
    /// A value of weights of so many bits in its place.
    fn of(&self, p: &VpMacParameters, bits: u32, value: Expr<'m>) -> Expr<'m> {
        let value = match (self.shift, self.precision.byte.filter(|_| bits > SLOT)) {
            (Some(shift), _) => value.shift_left(shift),
            (None, Some(byte)) => (value << (p.reference - bits)).shift_left(byte << 3),
            (None, None) => value << (p.reference - bits),
        };
        value.wrap(total_type(p))
    }

    /// What has to be added, if weights have so many bits `of` a value.
    fn chosen(&self, p: &VpMacParameters, of: impl Fn(u32) -> Expr<'m>) -> Expr<'m> {
        let values = p.precisions();
        let values = values.map(|bits| self.precision.is(bits).mux(self.of(p, bits, of(bits)), 0));
        values.reduce(|a, b| a | b).expect("weights have some precision")
    }
}

/// How far a packet is, in organisation `dot`.
pub(super) struct Progress<'m> {
    /// Whether a beat goes into the sum.
    pub accumulate: Expr<'m>,
    /// Whether a beat is there to do so.
    pub is_there: Expr<'m>,
    /// Whether it is the last of its packet.
    pub last: Expr<'m>,
    /// The sum of its products, and how it is shifted.
    pub product: Expr<'m>,
    pub shifted: Shifted<'m>,
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
    product: Expr<'m>,
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
    let is_small = p.lanes * p.activation_bits <= MOST_BITS;
    if p.product_register || is_small {
        let aligned = progress.shifted.chosen(p, |_| progress.product);
        let counts = progress.is_there & is_known(p, progress.shifted.precision);
        m.assert("addend_is_in_place", !counts | progress.addend.eq(aligned));
    }
    if is_small {
        multiplies(m, p, slots, product);
    }
    m.cover("tracked_leaves", pop & tracked.leaves);
    m.cover("packet_of_several", ends & !progress.first);
    m.cover("out_and_in", pop & ends);
    cover_bytes(m, p, slots);
}

/// The products of a beat are those of multiplications.
fn multiplies<'m>(m: &'m ModuleBuilder, p: &VpMacParameters, slots: &Slots<'m>, product: Expr<'m>) {
    let elements = slots.activations.elements(activation(p));
    let products = p.precisions().map(|bits| {
        let width = bits.min(SLOT);
        let firsts = (0..p.lanes * SLOT).step_by(width as usize);
        let products =
            firsts.map(|low| elements[(low / p.narrowest) as usize] * slots.part(p, low, width));
        let sum = products.reduce(|a, b| a + b).expect("there is a weight");
        slots.precision.is(bits).mux(sum, 0)
    });
    let expected = products.reduce(|a, b| a | b).expect("weights have some precision");
    let expected = expected.named("expected_product");
    m.assert("product_is_exact", !slots.count(p) | product.eq(expected));
}

/// A weight's product out of those of its digits; in pairs, which a solver sees through.
fn in_pairs<'m>(digits: &[Expr<'m>], bits: u32) -> Expr<'m> {
    if let [digit] = digits {
        return *digit;
    }
    let pairs: Vec<Expr> = digits.chunks(2).map(|pair| pair[0] + (pair[1] << bits)).collect();
    in_pairs(&pairs, 2 * bits)
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
    peek: Option<(Expr<'m>, Expr<'m>)>,
) {
    let ty = access.sum.ty();
    let tracked = m.any_constant("tracked_row", access.row.ty());
    let expected = m.register("expected", ty).reset(0);
    let is_tracked = (access.row.eq(tracked) & tracked.lt(p.depth)).named("is_tracked");
    let next = access.load.mux(access.value, (expected + access.addend).wrap(ty));
    let page = (p.depth / p.pages).ilog2();
    let is_cleared = match p.pages {
        1 => access.clear,
        _ => access.clear & access.row.shift_right(page).eq(tracked.shift_right(page)),
    };
    m.when(is_cleared, || expected.set(0))
        .or_when(access.write & is_tracked, || expected.set(next));
    let holds = written.bit_at(tracked).mux(stored.read_async("stored_tracked", tracked), 0);
    m.assert("accumulator_is_exact", holds.eq(expected));
    m.assert("sum_is_that_of_the_row", access.row.ne(tracked) | access.sum.eq(expected));
    if let Some((row, sum)) = peek {
        m.assert("peek_is_that_of_the_row", row.ne(tracked) | sum.eq(expected));
    }
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
    /// The activation times each digit of the slot, and how products are shifted.
    pub digits: Vec<Expr<'m>>,
    pub shifted: Shifted<'m>,
    /// What each bank would add.
    pub addends: Vec<Expr<'m>>,
}

/// Each bank adds its product, and each read is answered, once and in order.
pub(super) fn of_outer<'m>(
    m: &'m ModuleBuilder,
    p: &VpMacParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    (slots, digits): (&Slots<'m>, &[Expr<'m>]),
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
    let counts = slots.count(p);
    for (number, digit) in (0..).zip(digits) {
        let part = slots.part(p, number * p.narrowest, p.narrowest);
        let exact = digit.eq(slots.activations * part);
        m.assert(&format!("digit_{number}_is_exact"), !counts | exact);
    }
    let is_seen_through = p.product_register || p.activation_bits <= MOST_BITS;
    for (bank, addend) in (0..).zip(&beat.addends).filter(|_| is_seen_through) {
        let expected = beat.shifted.chosen(p, |bits| {
            let count = bits.min(SLOT) / p.narrowest;
            let first = bank / count * count;
            let digits = &beat.digits[first as usize..(first + count) as usize];
            in_pairs(digits, p.narrowest)
        });
        let adds = beat.is_there & beat.operation.eq(0);
        let adds = adds & is_known(p, beat.shifted.precision);
        m.assert(&format!("addend_{bank}_is_exact"), !adds | addend.eq(expected));
    }
    m.cover("read_after_read", pop & m.delayed("was_read", pop));
    m.cover("read_waits", output.valid & !output.ready);
    cover_bytes(m, p, slots);
}
