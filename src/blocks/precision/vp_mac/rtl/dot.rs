//! Organisation `dot`: the products of several activations, into one sum.

use std::sync::Arc;

use super::super::properties::{self, Progress, Shifted, Slots};
use super::super::{SLOT, VpMac, VpMacParameters};
use super::{Precision, digits, precision, sum_type, total_type, weight_fields};
use crate::blocks::Block;
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, Signal, StreamIn, Type, bit, pack, sint, uint,
};

/// For every digit after the first, whether its weight began before it, by the highest power of two
/// that divides its number.
fn joins<'m>(m: &'m ModuleBuilder, p: &VpMacParameters) -> Vec<Expr<'m>> {
    let levels = p.places().ilog2();
    (0..levels).map(|level| m.input(format!("joins_{level}_i"), bit())).collect()
}

/// What each bit of a slot selects of the activations.
fn lane(name: &str, p: &VpMacParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_lane"));
    m.doc(
        "A slot of weights: for each of its bits, the activation of the bit's weight, or 0. The top \
         bit of a signed one is inverted, so that numbers without a sign are to be added.",
    );
    let ty = uint(p.activation_bits);
    let activations = m.input("activations_i", uint(p.places() * ty.width)).elements(ty);
    let weights = m.input("weights_i", uint(SLOT));
    let joins = joins(&m, p);
    let top = if p.signed { 1_u64 << (ty.width - 1) } else { 0 };
    let mut of_digit = vec![activations[0]];
    for digit in 1..p.places() {
        let own = activations[digit as usize];
        let lower = of_digit[(digit & (digit - 1)) as usize];
        of_digit.push(joins[digit.trailing_zeros() as usize].mux(lower, own));
    }
    for digit in (0..of_digit.len()).step_by(2) {
        of_digit[digit] = of_digit[digit].named(&format!("activation_{digit}"));
    }
    for number in 0..SLOT {
        let digit = number / p.narrowest;
        let weight = weights.bit(number);
        let selected = match digit % 2 {
            0 => of_digit[digit as usize] & every(weight, ty),
            // Either activation with a weight of its own is smaller than a weight for both.
            _ => {
                let joins = joins[0];
                let lower = of_digit[digit as usize - 1] & every(weight & joins, ty);
                lower | (activations[digit as usize] & every(weight & !joins, ty))
            }
        };
        let row = m.output(format!("row_{number}_o"), ty);
        row.set(if top == 0 { selected } else { selected ^ top });
    }
    m.finish()
}

/// A bit, as often as a type is wide.
fn every(value: Expr<'_>, ty: Type) -> Expr<'_> {
    value.mux(ty.max(), 0)
}

/// The sum of a bit of the slots.
fn column(name: &str, p: &VpMacParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_column"));
    m.doc("The sum of what one bit of all slots selects.");
    let rows = m.input("rows_i", uint(p.lanes * p.activation_bits));
    let mut rows = rows.elements(uint(p.activation_bits));
    while rows.len() > 1 {
        let pairs = rows.chunks(2);
        rows = pairs.filter_map(|pair| pair.iter().copied().reduce(|a, b| a + b)).collect();
    }
    let ty = sum_type(p, &[uint(1)], p.lanes);
    let offset = if p.signed { u64::from(p.lanes) << (p.activation_bits - 1) } else { 0 };
    let sum = if offset == 0 { rows[0] } else { rows[0] - offset };
    m.output("sum_o", ty).set(sum.wrap(ty));
    m.finish()
}

/// The sum of all products of a beat, out of the sums of the bits.
fn product<'m>(p: &VpMacParameters, precision: Precision<'m>, columns: &[Expr<'m>]) -> Expr<'m> {
    let mut parts = digits(precision, columns);
    let mut bits = p.narrowest;
    while parts.len() > 1 {
        let joins = precision.exceeds(bits);
        let shift = bits;
        bits *= 2;
        // The low byte of a wide weight has no sign; nor have the low digits of any.
        let ty = sum_type(p, &[uint(bits), sint(bits)], p.lanes);
        let join = |pair: &[Expr<'m>]| pair[0] + joins.mux(pair[1] << shift, pair[1]);
        parts = parts.chunks(2).map(|pair| join(pair).wrap(ty)).collect();
    }
    parts[0].named("beat_sum")
}

pub(in super::super) fn describe(name: &str, p: &VpMacParameters) -> Result<Arc<Module>, Errors> {
    let (lane, column) = (lane(name, p)?, column(name, p)?);
    let m = ModuleBuilder::new(name);
    let total = total_type(p);
    m.doc(format!(
        "{}\n\n\
         `precision` says how many bits the weights of a beat have: {}. The sum of up to {} \
         products fits; that of more is exact modulo 2^{}. `in_ready_o` follows `out_ready_i` \
         without a register between.",
        VpMac::SUMMARY,
        super::known_tags(p),
        p.longest,
        total.width
    ));
    super::parameters(&m, p);
    m.parameter("lanes", p.lanes);
    m.timing(1 + u32::from(p.product_register), 1);
    let places = p.lanes * p.places();
    let mut fields: Vec<Field> = vec![("activations", uint(places * p.activation_bits))];
    fields.extend(weight_fields(p, p.lanes));
    fields.push(("last", bit()));
    let input = m.stream_in("in", &fields);
    let output = m.stream_out("out", &[("sum", total)]);

    let accept = input.fire().named("accept");
    let precision = precision(&m, p, input["precision"], accept, input["last"]);
    let weights = super::isolated(p, precision, input["weights"], input.valid);
    let lanes = m.array("lane", &[("lane", p.lanes)], &lane);
    lanes.each(
        "activations_i",
        &input["activations"].elements(uint(p.places() * p.activation_bits)),
    );
    lanes.each("weights_i", &weights.elements(uint(SLOT)));
    for level in 0..p.places().ilog2() {
        let joins = precision.exceeds(p.narrowest << level);
        lanes.broadcast(&format!("joins_{level}_i"), joins.named(&format!("joins_{level}")));
    }
    let columns = m.array("column", &[("position", SLOT)], &column);
    let rows = |bit| pack(&m, &lanes.outputs(&format!("row_{bit}_o")));
    columns.each("rows_i", &(0..SLOT).map(rows).collect::<Vec<_>>());
    let product = product(p, precision, &columns.outputs("sum_o"));
    let shift = precision.shift(p.exponents.then(|| input["exponent"]));

    let sum_ready = m.wire("sum_ready", bit()).doc("whether the sum may change");
    let slots = Slots {
        activations: input["activations"],
        weights: input["weights"],
        is_offered: input.valid,
        precision,
    };
    let beat = Beat { valid: input.valid, product, precision, shift, last: input["last"] };
    let beat = match p.product_register {
        true => beat.registered(&m, &input, accept, sum_ready),
        false => {
            input.ready.set(sum_ready);
            beat
        }
    };
    let addend =
        beat.precision.align(beat.product, p.precisions(), beat.shift, total).named("addend");
    let accumulate = (beat.valid & sum_ready).named("accumulate");
    let sum = m.register("sum", total);
    let first = m.register("first", bit()).reset(1);
    let valid = m.register("valid", bit()).reset(0);
    let so_far = first.mux(0, sum).named("so_far");
    let next = (so_far + addend).wrap(total).named("next_sum");
    m.when(accumulate, || {
        sum.set(next);
        first.set(beat.last);
    });
    m.when(sum_ready, || valid.set(beat.valid & beat.last));
    sum_ready.set(!valid | output.ready);
    output.valid.set(valid);
    output["sum"].set(sum);
    let progress = Progress {
        accumulate,
        is_there: beat.valid,
        last: beat.last,
        product: beat.product,
        shifted: Shifted { precision: beat.precision, shift: beat.shift },
        addend,
        first: first.expr(),
        valid: valid.expr(),
        next,
    };
    properties::of_dot(&m, p, &input, &output, &slots, product, &progress);
    m.finish()
}

/// A beat on its way to the sum.
struct Beat<'m> {
    valid: Expr<'m>,
    product: Expr<'m>,
    precision: Precision<'m>,
    shift: Option<Expr<'m>>,
    last: Expr<'m>,
}

impl<'m> Beat<'m> {
    /// The beat one cycle later.
    fn registered(
        self,
        m: &'m ModuleBuilder,
        input: &StreamIn<'m>,
        accept: Expr<'m>,
        sum_ready: Signal<'m>,
    ) -> Beat<'m> {
        let valid = m.register("product_valid", bit()).reset(0);
        input.ready.set(!valid | sum_ready);
        m.when(input.ready, || valid.set(self.valid));
        let keep = |name: &str, value: Expr<'m>| {
            let register = m.register(format!("product_{name}"), value.ty());
            m.when(accept, || register.set(value));
            register.expr()
        };
        Beat {
            valid: valid.expr(),
            product: keep("sum", self.product),
            precision: self.precision.map(self.shift, keep),
            shift: self.shift.map(|shift| keep("shift", shift)),
            last: keep("last", self.last),
        }
    }
}
