//! The hardware of the variable-precision multiply-accumulate: what both organisations share.

pub(super) mod dot;
pub(super) mod outer;

use std::collections::BTreeMap;

use super::{Organisation, SLOT, VpMacParameters};
use crate::blocks::Baseline;
use crate::hdl::{Expr, Field, ModuleBuilder, Type, bit, concat, index_width, sint, uint};

/// An activation's type.
pub(super) fn activation(p: &VpMacParameters) -> Type {
    if p.signed { sint(p.activation_bits) } else { uint(p.activation_bits) }
}

/// The smallest type that holds the sum of any `count` products of activations with numbers of the
/// given types.
fn sum_type(p: &VpMacParameters, weights: &[Type], count: u32) -> Type {
    let activation = activation(p);
    let products = weights.iter().flat_map(|weight| {
        let ends = [activation.min(), activation.max()];
        ends.map(|a| [&a * weight.min(), a * weight.max()])
    });
    let types = products.flatten().map(|product| Type::of(&(product * count)));
    types.reduce(Type::join).expect("there is a weight")
}

/// The fewest bits of a sum.
pub(super) fn least_sum_bits(p: &VpMacParameters) -> u32 {
    sum_type(p, &[sint(p.reference)], p.longest).width
}

/// A sum's type.
pub(in crate::blocks) fn total_type(p: &VpMacParameters) -> Type {
    sint(p.sum_bits.max(least_sum_bits(p)))
}

/// The tag of weights of so many bits.
pub(super) fn tag(bits: u32) -> u32 {
    bits.ilog2() - 1
}

/// The fields that say what the weights of a beat are.
fn weight_fields(p: &VpMacParameters, slots: u32) -> Vec<Field<'static>> {
    let mut fields = vec![("weights", uint(slots * SLOT)), ("precision", uint(3))];
    if p.exponents {
        fields.push(("exponent", uint(index_width(p.reference - p.narrowest + 1))));
    }
    fields
}

/// Says what there is to choose in both organisations.
fn parameters(m: &ModuleBuilder, p: &VpMacParameters) {
    m.parameter("organisation", p.organisation);
    m.parameter("activation_bits", p.activation_bits);
    m.parameter("signed", p.signed);
    m.parameter("narrowest", p.narrowest);
    m.parameter("widest", p.widest);
    m.parameter("reference", p.reference);
    m.parameter("exponents", p.exponents);
    m.parameter("longest", p.longest);
    m.parameter("product_register", p.product_register);
    m.parameter("isolate", p.isolate);
}

/// The tags that are built in, for people.
fn known_tags(p: &VpMacParameters) -> String {
    p.precisions().map(|bits| format!("{} for {bits}", tag(bits))).collect::<Vec<_>>().join(", ")
}

/// The weights, or zeros where they do not count.
fn isolated<'m>(
    p: &VpMacParameters,
    precision: Precision<'m>,
    weights: Expr<'m>,
    offered: Expr<'m>,
) -> Expr<'m> {
    let counts = precision.is_known();
    let counts = if p.isolate { counts & offered } else { counts };
    counts.mux(weights, 0).named("weights_gated")
}

/// What a beat's tag says.
#[derive(Clone, Copy)]
pub(super) struct Precision<'m> {
    m: &'m ModuleBuilder,
    narrowest: u32,
    reference: u32,
    widest: u32,
    tag: Expr<'m>,
    /// The number of the weight's byte in this beat, where there are several.
    pub byte: Option<Expr<'m>>,
}

impl<'m> Precision<'m> {
    /// Whether weights have `bits` bits.
    pub fn is(self, bits: u32) -> Expr<'m> {
        self.tag.eq(tag(bits))
    }

    /// Whether weights have more than `bits` bits.
    fn exceeds(self, bits: u32) -> Expr<'m> {
        self.tag.gt(tag(bits))
    }

    /// Whether the tag is built in.
    fn is_known(self) -> Expr<'m> {
        let known = self.tag.le(tag(self.widest));
        if self.narrowest > 2 { known & self.tag.ge(tag(self.narrowest)) } else { known }
    }

    /// For digit `digit`, whether it is the highest of a signed weight.
    fn is_signed(self, digit: u32, digits: u32) -> Expr<'m> {
        // A digit is the highest of a weight of 2^n digits if its number ends in n ones.
        match digit + 1 == digits {
            false => !self.exceeds(self.narrowest << digit.trailing_ones()),
            true => self.byte.map_or(self.m.constant(1, bit()), |byte| {
                let is_highest = match self.widest {
                    16 => byte,
                    _ => byte.eq(self.is(16).mux(1, 3)),
                };
                !self.exceeds(SLOT) | is_highest
            }),
        }
    }

    /// By how many bits what the beat adds is shifted, if the beat says so.
    fn shift(self, exponent: Option<Expr<'m>>) -> Option<Expr<'m>> {
        let amount = match self.byte {
            Some(byte) => exponent? + self.exceeds(SLOT).mux(byte << 3, 0),
            None => exponent?,
        };
        Some(amount.named("shift"))
    }

    /// With registers behind what there is; the byte's number says no more where a shift does.
    fn map(
        self,
        shift: Option<Expr<'m>>,
        keep: impl Fn(&str, Expr<'m>) -> Expr<'m>,
    ) -> Precision<'m> {
        let tag = keep("precision", self.tag);
        let byte = self.byte.filter(|_| shift.is_none());
        Precision { tag, byte: byte.map(|byte| keep("byte_number", byte)), ..self }
    }

    /// A value in its place in a sum: by a given shift, or that of weights of any of so many
    /// `bits`.
    fn align(
        self,
        value: Expr<'m>,
        bits: impl IntoIterator<Item = u32>,
        shift: Option<Expr<'m>>,
        ty: Type,
    ) -> Expr<'m> {
        if let Some(amount) = shift {
            return value.shift_left(amount).wrap(ty);
        }
        // Several precisions share a shift, and gates for each are fewer than a selection.
        let mut shifts: BTreeMap<u32, Expr<'m>> = BTreeMap::new();
        for bits in bits {
            for number in 0..bits.div_ceil(SLOT) {
                let is_there = match (bits > SLOT, self.byte) {
                    (true, Some(byte)) => self.is(bits) & byte.eq(number),
                    _ => self.is(bits),
                };
                let amount = self.reference - bits + number * SLOT;
                let is_there = shifts.get(&amount).map_or(is_there, |&other| other | is_there);
                shifts.insert(amount, is_there);
            }
        }
        let shifted = |(amount, is_there): (u32, Expr<'m>)| {
            is_there.named(&format!("shifts_{amount}")).mux((value << amount).wrap(ty), 0)
        };
        let shifted = shifts.into_iter().map(shifted);
        shifted.reduce(|a, b| a | b).expect("weights have some precision")
    }
}

/// What the tag of a beat that goes in says; counts the bytes of wide weights in beats that are
/// `accepted`, and begins anew after the one that `ends` them.
fn precision<'m>(
    m: &'m ModuleBuilder,
    p: &VpMacParameters,
    tag: Expr<'m>,
    accepted: Expr<'m>,
    ends: Expr<'m>,
) -> Precision<'m> {
    let (narrowest, reference, widest) = (p.narrowest, p.reference, p.widest);
    let of = |byte| Precision { m, narrowest, reference, widest, tag, byte };
    if widest == SLOT {
        return of(None);
    }
    let ty = uint(index_width(widest / SLOT));
    let counted = m.register("bytes_before", ty).reset(0).doc("bytes of a wide weight that came");
    let byte = match widest {
        16 => counted.expr(),
        _ => of(None).is(16).mux(counted & 1, counted),
    };
    let byte = byte.named("byte_number");
    let next = (byte + 1).truncate(ty.width);
    let next = if widest == 16 { next } else { of(None).is(16).mux(next & 1, next) };
    let goes_on = of(None).exceeds(SLOT) & of(None).is_known() & !ends;
    m.when(accepted, || counted.set(goes_on.mux(next, 0).wrap(ty)));
    of(Some(byte))
}

/// The values of the digits of a slot, out of those of its bits.
fn digits<'m>(precision: Precision<'m>, bits: &[Expr<'m>]) -> Vec<Expr<'m>> {
    let width = precision.narrowest as usize;
    let count = (bits.len() / width) as u32;
    let digits = (0..).zip(bits.chunks(width));
    digits.map(|(digit, bits)| value_of_digit(precision, (digit, count), bits)).collect()
}

/// The value of a digit, whose highest bit is a sign if it is that of a signed weight.
fn value_of_digit<'m>(
    precision: Precision<'m>,
    (digit, count): (u32, u32),
    bits: &[Expr<'m>],
) -> Expr<'m> {
    let m = precision.m;
    let negative = precision.is_signed(digit, count).named(&format!("is_signed_{digit}"));
    let (&highest, lower) = bits.split_last().expect("a digit has bits");
    // -x is the complement of x, plus one, which comes in below the sum.
    let mut flipped = vec![highest ^ negative.mux(-1, 0)];
    flipped.extend(lower.iter().map(|_| negative));
    let flipped = concat(m, &flipped).as_signed();
    let (lower, one) = (weighed(lower, 1), m.constant(1, bit()));
    let ty = sint(flipped.ty().join(lower.ty()).width + 1);
    let (a, b) = (concat(m, &[lower.wrap(ty), one]), concat(m, &[flipped.wrap(ty), negative]));
    (a + b).slice(1, ty.width).as_signed().named(&format!("digit_{digit}"))
}

/// The sum of values of which each has `bits` more bits below it than the one before.
fn weighed<'m>(values: &[Expr<'m>], bits: u32) -> Expr<'m> {
    match values {
        [value] => *value,
        values => {
            let (low, high) = values.split_at(values.len().div_ceil(2));
            weighed(low, bits) + (weighed(high, bits) << (low.len() as u32 * bits))
        }
    }
}

/// The plain Verilog beside either organisation: lanes of 8 bits, with accumulators of the same
/// size.
pub(super) fn baseline(p: &VpMacParameters) -> Option<Baseline> {
    let mut parameters = vec![
        ("PLACES", p.places()),
        ("BITS", p.activation_bits),
        ("SIGNED", u32::from(p.signed)),
        ("SUM_BITS", total_type(p).width),
        ("ISOLATE", u32::from(p.isolate)),
        ("REGISTER", u32::from(p.product_register)),
    ];
    let module = match p.organisation {
        Organisation::Dot => {
            parameters.push(("LANES", p.lanes));
            "plain_vp_dot"
        }
        Organisation::Outer => {
            parameters.extend([("DEPTH", p.depth), ("ROW_BITS", index_width(p.depth))]);
            "plain_vp_outer"
        }
    };
    let text = include_str!("../../../../../benches/baselines/vp_mac.v");
    (!p.exponents).then_some(Baseline { module, text, parameters })
}
