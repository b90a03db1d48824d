//! The way in: scores, and the keys that the array compares.

use std::sync::Arc;

use super::MaskGeneratorParameters;
use super::cell::Sizes;
use crate::blocks::temporal::vector;
use crate::hdl::{
    Errors, Expr, Module, ModuleBuilder, Signal, StreamIn, Type, bit, index_width, pack, sint, uint,
};

/// Codes of the field `source`.
const CHANGE: u32 = 1;
const NORM: u32 = 2;

/// Bits of a norm, and how many of them are fraction.
pub(super) const NORM_WIDTH: u32 = 16;
const FRACTION: u32 = 8;

/// Bits of a score. The magnitude of a signed element is at most `2^(width - 1)`.
pub(super) fn score_width(p: &MaskGeneratorParameters) -> u32 {
    p.width + if p.norm { NORM_WIDTH - u32::from(p.signed) } else { 0 }
}

fn element(p: &MaskGeneratorParameters) -> Type {
    if p.signed { sint(p.width) } else { uint(p.width) }
}

/// Elements as the array takes them.
#[derive(Clone, Copy)]
pub(super) struct Elements<'m> {
    /// Which of them are in S.
    pub tied: Expr<'m>,
    /// The first digits of their keys, 0 for those that are not in S.
    pub digits: Expr<'m>,
    /// The other digits of their keys, if there are any.
    pub lower: Option<Expr<'m>>,
}

/// A beat on its way to the array.
pub(super) struct Scored<'m> {
    pub valid: Expr<'m>,
    /// How many beats wait for the array in a register.
    pub waiting: Expr<'m>,
    /// To be assigned: whether it is taken.
    pub ready: Signal<'m>,
    pub elements: Elements<'m>,
    /// The number of the beat in its group, where that has several.
    pub position: Option<Expr<'m>>,
    /// How many beats of its group went on before it, or before the next one if it is not there.
    pub gathered: Option<Expr<'m>>,
    /// Counts where the position is 0.
    pub keep: Expr<'m>,
    pub last: Expr<'m>,
}

/// The score of an element.
fn score(name: &str, p: &MaskGeneratorParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_score"));
    m.doc("The score of an element.");
    let x = m.input("data_i", element(p));
    let source = (p.change || p.norm).then(|| m.input("source_i", uint(2)));
    let is_source = |code| source.expect("there is a choice").eq(code);
    let value = match p.change {
        true => {
            let reference = m.input("reference_i", element(p));
            let subtrahend = is_source(CHANGE).mux(reference, 0).named("subtrahend");
            (x - subtrahend).named("difference")
        }
        false => x,
    };
    // The change of signed elements has one bit more than the element, but no greater magnitude
    // than it has bits.
    let magnitude = value.abs().truncate(p.width).named("magnitude");
    let scaled = match p.norm {
        true => {
            let norm = m.input("norm_i", uint(NORM_WIDTH));
            let factor = is_source(NORM).mux(norm, 1 << FRACTION).named("factor");
            (magnitude * factor).truncate(score_width(p))
        }
        false => magnitude,
    };
    m.output("score_o", uint(score_width(p))).set(scaled);
    m.finish()
}

/// What the array compares of an element: its score with the bonus, in digits.
fn key(name: &str, p: &MaskGeneratorParameters, s: &Sizes) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_key"));
    m.doc("Whether an element may survive, and its score with the bonus as a number of digits.");
    let ty = uint(score_width(p));
    let (score, present) = (m.input("score_i", ty), m.input("present_i", bit()));
    let (previous, threshold) = (m.input("previous_i", bit()), m.input("threshold_i", ty));
    let bonus = previous.mux(m.input("bonus_i", ty), 0).named("bonus");
    let key = (score + bonus).named("key");
    let member = (present & score.gt(threshold)).named("member");
    let first_width = key.width() - s.lower();
    let first = member.mux(key.slice(s.lower(), first_width), 0);
    m.output("tied_o", bit()).set(member);
    m.output("digit_o", uint(s.digit)).set(first.cast(uint(s.digit)));
    if s.lower() > 0 {
        m.output("lower_o", uint(s.lower())).set(key.slice(0, s.lower()));
    }
    m.finish()
}

/// A beat's scores and keys.
pub(super) fn beat<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    p: &MaskGeneratorParameters,
    s: &Sizes,
    input: &StreamIn<'m>,
) -> Result<Scored<'m>, Errors> {
    let frame = Frame::new(m, s.beats, input);
    let scores = m.array("score", &[("lane", p.lanes)], &score(name, p)?);
    scores.each("data_i", &input["data"].elements(element(p)));
    if p.change {
        scores.each("reference_i", &input["reference"].elements(element(p)));
    }
    if p.norm {
        scores.each("norm_i", &input["norm"].elements(uint(NORM_WIDTH)));
    }
    if p.change || p.norm {
        scores.broadcast("source_i", frame.of_group("source"));
    }
    let scores_out = pack(m, &scores.outputs("score_o"));

    let ready = m.wire("taken", bit());
    let (valid, held) = match p.norm {
        // A product takes a cycle of its own.
        true => {
            let valid = m.register("scored_valid", bit()).reset(0);
            let free = (!valid | ready).named("scored_free");
            m.when(free, || valid.set(input.valid));
            input.ready.set(free);
            (valid.expr(), Some((free & input.valid).named("score")))
        }
        false => {
            input.ready.set(ready);
            (input.valid, None)
        }
    };
    let stage = |what: &str, value: Expr<'m>| match held {
        Some(enable) => {
            let register = m.register(format!("scored_{what}"), value.ty());
            m.when(enable, || register.set(value));
            register.expr()
        }
        None => value,
    };
    let keys = m.array("key", &[("key_lane", p.lanes)], &key(name, p, s)?);
    let score_type = uint(score_width(p));
    keys.each("score_i", &stage("scores", scores_out).elements(score_type));
    keys.each("present_i", &stage("present", vector::present(m, input, p.lanes)).bits());
    keys.each("previous_i", &stage("previous", input["previous"]).bits());
    keys.broadcast("threshold_i", stage("threshold", frame.of_group("threshold")));
    keys.broadcast("bonus_i", stage("bonus", frame.of_group("bonus")));
    // More than all is all.
    let keep = input["keep"].min(p.group).named("keep_in_range");
    let last = stage("last", input["last"]);
    let position = frame.position.map(|position| stage("position", position));
    let gathered = match (held, frame.position.zip(position)) {
        (Some(_), Some((next, position))) => {
            let ends = last | position.eq(s.beats - 1);
            let follows = ends.mux(next.eq(0), next.eq(position + 1));
            m.assert("position_follows", !valid | follows);
            Some(valid.mux(position, next))
        }
        _ => position,
    };
    Ok(Scored {
        valid,
        waiting: held.map_or(m.constant(0, bit()), |_| valid),
        ready,
        elements: Elements {
            tied: pack(m, &keys.outputs("tied_o")),
            digits: pack(m, &keys.outputs("digit_o")),
            lower: (s.lower() > 0).then(|| pack(m, &keys.outputs("lower_o"))),
        },
        position,
        gathered,
        keep: stage("keep", keep),
        last,
    })
}

/// Where in its group a beat stands.
struct Frame<'a, 'm> {
    m: &'m ModuleBuilder,
    input: &'a StreamIn<'m>,
    /// Its number in the group; none if beats hold whole groups.
    position: Option<Expr<'m>>,
}

impl<'a, 'm> Frame<'a, 'm> {
    fn new(m: &'m ModuleBuilder, beats: u32, input: &'a StreamIn<'m>) -> Frame<'a, 'm> {
        if beats == 1 {
            return Frame { m, input, position: None };
        }
        let position = m.register("position", uint(index_width(beats))).reset(0);
        let ends = (position.eq(beats - 1) | input["last"]).named("ends_group");
        let next = (position + 1).truncate(position.width());
        m.when(input.fire(), || position.set(ends.mux(0, next)));
        Frame { m, input, position: Some(position.expr()) }
    }

    /// A field that counts in the first beat of a group.
    fn of_group(&self, field: &str) -> Expr<'m> {
        let value = self.input[field];
        let Some(position) = self.position else { return value };
        let first = position.eq(0);
        let held = self.m.register(format!("group_{field}"), value.ty());
        self.m.when(self.input.valid & first, || held.set(value));
        first.mux(value, held).named(field)
    }
}
