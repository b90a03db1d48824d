//! Organisation `outer`: the products of one activation, into a sum for each output row.

use std::sync::Arc;

use super::super::properties::{self, Access, AtBanks, Shifted, Slots};
use super::super::{SLOT, VpMac, VpMacParameters};
use super::{Precision, activation, digits, precision, sum_type, total_type, weight_fields};
use crate::blocks::Block;
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, Signal, bit, index_width, pack, sint, uint,
};

/// What a beat does.
const ADD: u32 = 0;
const LOAD: u32 = 1;
const READ: u32 = 2;
const CLEAR: u32 = 3;

/// Accumulators with one adder.
fn bank(name: &str, p: &VpMacParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_bank"));
    m.doc("Accumulators, of which one at a time is read, and changed.");
    let total = total_type(p);
    let row = m.input("row_i", uint(index_width(p.depth)));
    let clears =
        if p.pages > 1 { "makes those of the row's page 0" } else { "makes all of them 0" };
    let clear = m.input_doc("clear_i", bit(), clears);
    let write = m.input("write_i", bit());
    let load = m.input_doc("load_i", bit(), "sets one, instead of adding to it");
    let value = m.input("value_i", total);
    let addend = m.input("addend_i", total);

    let cells = m.memory("sums", p.depth, total);
    let written = m.register("written", uint(p.depth)).reset(0).doc("those that are not 0");
    let sum = written.expr().bit_at(row).mux(cells.read_async("stored", row), 0).named("sum");
    let next = load.mux(value, (sum + addend).wrap(total)).named("next_sum");
    cells.write(row, next, write);
    let one = m.constant(1, bit());
    let here = one.shift_left(row).truncate(p.depth);
    let access = Access { row, clear, write, load, value, addend, sum };
    let peek = p.peek.then(|| {
        let row = m.input_doc("peek_row_i", row.ty(), "that of `peek_sum_o`");
        let stored = cells.read_async("peek_stored", row);
        let sum = written.expr().bit_at(row).mux(stored, 0).named("peek_sum");
        m.output("peek_sum_o", total).set(sum);
        (row, sum)
    });
    properties::of_bank(&m, p, &access, (&cells, written.expr()), peek);
    let left =
        if p.pages > 1 { written & !page_of(&m, p, row) } else { m.constant(0, written.ty()) };
    m.when(clear, || written.set(left)).or_when(write, || written.set(written | here));
    m.output("sum_o", total).set(sum);
    m.finish()
}

/// The rows of the page that a row is on, a bit for each.
fn page_of<'m>(m: &'m ModuleBuilder, p: &VpMacParameters, row: Expr<'m>) -> Expr<'m> {
    let rows = p.depth / p.pages;
    let page = row.shift_right(rows.ilog2()).named("page");
    let is_on = |number: u32| page.eq(number).mux(uint(rows).max(), 0).wrap(uint(rows));
    pack(m, &(0..p.pages).map(is_on).collect::<Vec<_>>()).named("rows_of_page")
}

/// A beat on its way to the banks.
struct Beat<'m> {
    valid: Expr<'m>,
    operation: Expr<'m>,
    digits: Vec<Expr<'m>>,
    precision: Precision<'m>,
    shift: Option<Expr<'m>>,
    enable: Expr<'m>,
    row: Expr<'m>,
    value: Expr<'m>,
}

impl<'m> Beat<'m> {
    fn is(&self, operation: u32) -> Expr<'m> {
        self.valid & self.operation.eq(operation)
    }

    /// The beat one cycle later, once the banks are `free` of the one before.
    fn registered(self, m: &'m ModuleBuilder, free: Signal<'m>) -> Beat<'m> {
        let valid = m.register("product_valid", bit()).reset(0);
        m.when(free, || valid.set(self.valid));
        let accept = (self.valid & free).named("accept");
        let keep = |name: &str, value: Expr<'m>| {
            let register = m.register(format!("product_{name}"), value.ty());
            m.when(accept, || register.set(value));
            register.expr()
        };
        let digits = (0..).zip(&self.digits);
        let digits = digits.map(|(n, digit)| keep(&format!("digit_{n}"), *digit));
        Beat {
            valid: valid.expr(),
            operation: keep("operation", self.operation),
            digits: digits.collect(),
            precision: self.precision.map(self.shift, keep),
            shift: self.shift.map(|shift| keep("shift", shift)),
            enable: keep("enable", self.enable),
            row: keep("row", self.row),
            value: keep("value", self.value),
        }
    }

    /// What each bank adds: the weight that has bits in its place.
    fn addends(&self, p: &VpMacParameters) -> Vec<Expr<'m>> {
        let total = total_type(p);
        let mut parts = self.digits.clone();
        let mut levels = vec![];
        let mut bits = p.narrowest;
        while parts.len() > 1 {
            let ty = sum_type(p, &[uint(2 * bits), sint(2 * bits)], 1);
            let join = |pair: &[Expr<'m>]| (pair[0] + (pair[1] << bits)).wrap(ty);
            let joined = parts.chunks(2).map(join).collect();
            levels.push((bits, std::mem::replace(&mut parts, joined)));
            bits *= 2;
        }
        let whole = parts[0].named("product");
        let whole = match self.shift {
            Some(_) => whole,
            None => self
                .precision
                .align(whole, p.precisions().filter(|&bits| bits >= SLOT), None, total)
                .named("addend"),
        };
        let of_bank = |bank: u32| {
            let narrower = levels.iter().fold(whole, |other, (bits, parts)| {
                let part = parts[(bank * p.narrowest / bits) as usize];
                let part = match self.shift {
                    Some(_) => part,
                    None => (part << (p.reference - bits)).wrap(total),
                };
                self.precision.is(*bits).mux(part, other)
            });
            match self.shift {
                Some(_) => self.precision.align(narrower, [], self.shift, total),
                None => narrower,
            }
        };
        (0..p.places()).map(of_bank).collect()
    }
}

/// What each bit of the slot selects of the activation.
fn rows<'m>(activation: Expr<'m>, weights: Expr<'m>) -> Vec<Expr<'m>> {
    weights.bits().into_iter().map(|weight| weight.mux(activation, 0)).collect()
}

pub(in super::super) fn describe(name: &str, p: &VpMacParameters) -> Result<Arc<Module>, Errors> {
    let bank = bank(name, p)?;
    let m = ModuleBuilder::new(name);
    let total = total_type(p);
    m.doc(format!(
        "{}\n\n\
         `precision` says how many bits the weights of a beat have: {}. `operation` is 0 to add, \
         1 to load, 2 to read and 3 to clear. The sum of up to {} products fits; that of more is exact \
         modulo 2^{}.",
        VpMac::SUMMARY,
        super::known_tags(p),
        p.longest,
        total.width
    ));
    super::parameters(&m, p);
    m.parameter("depth", p.depth);
    m.parameter("pages", p.pages);
    m.parameter("peek", p.peek);
    let banks = p.places();
    let row = uint(index_width(p.depth));
    let mut fields: Vec<Field> = vec![("operation", uint(2)), ("activation", activation(p))];
    fields.extend(weight_fields(p, 1));
    fields.extend([("enable", uint(banks)), ("row", uint(banks * row.width)), ("value", total)]);
    let input = m.stream_in("in", &fields);
    let output = m.stream_out("out", &[("sums", uint(banks * total.width))]);

    let adds = input["operation"].eq(ADD).named("adds");
    let precision = precision(&m, p, input["precision"], input.fire(), !adds);
    let offered = input.valid & adds;
    let weights = super::isolated(p, precision, input["weights"], offered);
    let free = m.wire("free", bit()).doc("whether the banks are done with what they have");
    let products = digits(precision, &rows(input["activation"], weights));
    let beat = Beat {
        valid: input.valid,
        operation: input["operation"],
        digits: products.clone(),
        precision,
        shift: precision.shift(p.exponents.then(|| input["exponent"])),
        enable: input["enable"],
        row: input["row"],
        value: input["value"],
    };
    let beat = if p.product_register { beat.registered(&m, free) } else { beat };
    let is_read = beat.is(READ).named("is_read");
    let done = !is_read | output.ready;
    free.set(done);
    input.ready.set(free);

    let instances = m.array("bank", &[("bank", banks)], &bank);
    let changes = (beat.is(ADD) | beat.is(LOAD)).named("changes");
    let writes: Vec<Expr> = beat.enable.bits().into_iter().map(|bit| changes & bit).collect();
    instances.each("write_i", &writes).each("row_i", &beat.row.elements(row));
    let addends = beat.addends(p);
    instances.each("addend_i", &addends).broadcast("value_i", beat.value);
    instances.broadcast("load_i", beat.operation.eq(LOAD).named("loads"));
    instances.broadcast("clear_i", beat.is(CLEAR).named("clears"));
    if p.peek {
        let doc = "of all banks, whose sums are `peek_sums_o`";
        instances.broadcast("peek_row_i", m.input_doc("peek_row_i", row, doc));
        let peeked = pack(&m, &instances.outputs("peek_sum_o"));
        m.output("peek_sums_o", peeked.ty()).doc("of each bank, bank 0 lowest").set(peeked);
    }
    output.valid.set(is_read);
    output["sums"].set(pack(&m, &instances.outputs("sum_o")));
    let slots = Slots {
        activations: input["activation"],
        weights: input["weights"],
        is_offered: offered,
        precision,
    };
    let at_banks = AtBanks {
        is_there: beat.valid,
        done,
        operation: beat.operation,
        enable: beat.enable,
        row: beat.row,
        value: beat.value,
        digits: beat.digits,
        shifted: Shifted { precision: beat.precision, shift: beat.shift },
        addends,
    };
    properties::of_outer(&m, p, &input, &output, (&slots, &products), &at_banks);
    m.finish()
}
