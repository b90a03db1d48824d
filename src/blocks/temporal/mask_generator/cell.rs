//! The array's cell: it decides some digits of the keys of the groups that pass through it.

use std::sync::Arc;

use super::{MaskGeneratorParameters, properties};
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, bit, index_width, pack, uint};

/// What follows from the parameters for the array and what feeds it.
pub(super) struct Sizes {
    /// Elements of a group.
    pub group: u32,
    /// Groups that move side by side.
    pub groups: u32,
    /// Beats of a whole group.
    pub beats: u32,
    /// Elements of a beat.
    pub lanes: u32,
    /// Bits of a digit.
    pub digit: u32,
    /// Digits of a score with its bonus.
    pub key_digits: u32,
    /// Digits of an index.
    pub index_digits: u32,
    /// Cells of the array.
    pub cells: u32,
    /// Digits that a cell decides, except for the last one, which may decide fewer.
    pub steps: u32,
}

impl Sizes {
    pub fn of(p: &MaskGeneratorParameters) -> Sizes {
        let beats = (p.group / p.lanes).max(1);
        let key = super::score::score_width(p) + 1;
        let (key_digits, index_digits) =
            (key.div_ceil(p.digit), index_width(p.group).div_ceil(p.digit));
        let cells = (key_digits + index_digits).div_ceil(beats);
        Sizes {
            group: p.group,
            groups: (p.lanes / p.group).max(1),
            beats,
            lanes: p.lanes,
            digit: p.digit,
            key_digits,
            index_digits,
            cells,
            steps: (key_digits + index_digits).div_ceil(cells),
        }
    }

    /// Elements that move side by side.
    pub fn elements(&self) -> u32 {
        self.group * self.groups
    }

    fn digits(&self) -> u32 {
        self.key_digits + self.index_digits
    }

    pub fn keep(&self) -> u32 {
        index_width(self.group + 1)
    }

    /// Bits of what a group takes along: with which of the beats of a whole group it begins, and
    /// whether its vector ends with it.
    pub fn tag(&self) -> u32 {
        1 + if self.beats > 1 { index_width(self.beats) } else { 0 }
    }

    /// The number of the last digit that each cell decides.
    pub fn last_digits(&self) -> Vec<u32> {
        (1..=self.cells).map(|cell| (cell * self.steps).min(self.digits()) - 1).collect()
    }

    /// For each cell, 1 in the bits of the digits that are left below the one that is decided next.
    pub fn remaining(&self) -> Vec<u64> {
        let left = |last: u32| self.key_digits.saturating_sub(last + 2) * self.digit;
        let bits = |left: u32| ((1 << left) - 1) << (self.lower() - left);
        self.last_digits().into_iter().map(|last| bits(left(last))).collect()
    }

    /// How many beats a group with a tag has.
    pub fn beats_of<'m>(&self, m: &'m ModuleBuilder, tag: Expr<'m>) -> Expr<'m> {
        let ty = uint(index_width(self.beats + 1));
        match self.beats {
            1 => m.constant(1, ty),
            beats => (m.constant(beats, ty) - tag.slice(1, tag.width() - 1)).wrap(ty),
        }
    }

    /// How many values a digit has besides 0.
    fn values(&self) -> u32 {
        (1 << self.digit) - 1
    }

    /// Bits of a key below its first digit.
    pub fn lower(&self) -> u32 {
        (self.key_digits - 1) * self.digit
    }

    /// Calls with the name and the width of each value that moves with an element.
    pub fn each_element(&self, mut call: impl FnMut(&str, u32)) {
        call("tied", 1);
        call("digit", self.digit);
        if self.lower() > 0 {
            call("lower", self.lower());
        }
    }
}

/// An element: the digit to be decided, and those below it.
fn element(name: &str, s: &Sizes) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_element"));
    m.doc(
        "An element of a group: whether its key is, so far, that of the last survivor, and its \
         digit. Of one that has survived already, that is the highest; of one that has not, 0.",
    );
    let load = m.input("load_i", bit());
    let step = (s.steps > 1).then(|| m.input("step_i", bit()));
    let decided = m.input_doc("decided_i", uint(s.digit), "the digit of the last survivor's key");
    let tied_in = m.input("tied_i", bit());
    let digit_in = m.input("digit_i", uint(s.digit));

    let tied = m.register("tied", bit());
    let digit = m.register("digit", uint(s.digit));
    for value in 1..=s.values() {
        m.output(format!("at_least_{value}_o"), bit()).set(digit.ge(value));
    }
    let stays_tied = (tied & digit.eq(decided)).named("stays_tied");
    let survived = tied.expr().mux(digit.gt(decided), digit.expr().msb()).named("survived");

    let below = lower_digits(&m, s, load, step);
    let next = (below | index_digit(&m, s)).named("next_digit");
    let highest = (1 << s.digit) - 1;
    let shown = stays_tied.mux(next, survived.mux(highest, 0)).named("shown");
    m.when(load, || {
        tied.set(tied_in);
        digit.set(digit_in);
    });
    if let Some(step) = step {
        m.when(step, || {
            tied.set(stays_tied);
            digit.set(shown);
        });
    }
    m.output("tied_o", bit()).set(stays_tied);
    m.output("digit_o", shown.ty()).set(shown);
    m.output("survives_o", bit()).set(stays_tied | survived);
    m.finish()
}

/// Keeps the digits below the one to be decided; gives the highest of them, 0 if there is none.
fn lower_digits<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    load: Expr<'m>,
    step: Option<Expr<'m>>,
) -> Expr<'m> {
    if s.lower() == 0 {
        return m.constant(0, uint(s.digit));
    }
    let ty = uint(s.lower());
    let lower_in = m.input("lower_i", ty);
    let lower = m.register("lower", ty);
    let moved = (lower << s.digit).truncate(ty.width).named("lower_moved");
    m.when(load, || lower.set(lower_in));
    if let Some(step) = step {
        m.when(step, || lower.set(moved));
    }
    // What the next cell has nothing to store for is a constant to it.
    let remains =
        m.input_doc("remains_i", ty, "1 in the digits that the next cell does not see first");
    m.output("lower_o", ty).set(moved & remains);
    lower.expr().slice(ty.width - s.digit, s.digit)
}

/// The next digit, if it is one of the index; else 0.
fn index_digit<'m>(m: &'m ModuleBuilder, s: &Sizes) -> Expr<'m> {
    let index = m.input_doc(
        "index_i",
        uint(s.index_digits * s.digit),
        "counted from the other end, the highest digit lowest",
    );
    let which = m.input_doc("next_i", uint(s.index_digits), "which of its digits is next");
    let digits = index.elements(uint(s.digit)).into_iter().zip(which.bits());
    let digits = digits.map(|(digit, is_next)| is_next.mux(digit, 0));
    digits.reduce(|a, b| a | b).expect("an index has digits")
}

/// How many of a group's elements have some property.
fn count(name: &str, s: &Sizes) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_count"));
    m.doc("Counts the bits that are 1.");
    let count = m.input("bits_i", uint(s.group)).count_ones();
    m.output("count_o", count.ty()).set(count);
    m.finish()
}

/// A group: it finds the digit of its last survivor.
fn group(name: &str, s: &Sizes) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_group"));
    m.doc(
        "A group in a cell: the digit of the last survivor is the highest that `keep_i` elements \
         have or exceed.",
    );
    let elements = m.array("element", &[("element", s.group)], &element(name, s)?);
    elements.broadcast("load_i", m.input("load_i", bit()));
    if s.steps > 1 {
        elements.broadcast("step_i", m.input("step_i", bit()));
    }
    let keep = m.input("keep_i", uint(s.keep()));
    elements.broadcast("next_i", m.input("next_i", uint(s.index_digits)));
    elements.each("index_i", &indices(s));
    if s.lower() > 0 {
        elements.broadcast("remains_i", m.input("remains_i", uint(s.lower())));
    }
    s.each_element(|port, width| {
        let value = m.input(format!("{port}_i"), uint(s.group * width));
        elements.each(&format!("{port}_i"), &value.elements(uint(width)));
        let moved = pack(&m, &elements.outputs(&format!("{port}_o")));
        m.output(format!("{port}_o"), value.ty()).set(moved);
    });
    m.output("survives_o", uint(s.group)).set(pack(&m, &elements.outputs("survives_o")));

    let counts = m.array("count", &[("value", s.values())], &count(name, s)?);
    let at_least = |value| pack(&m, &elements.outputs(&format!("at_least_{value}_o")));
    counts.each("bits_i", &(1..=s.values()).map(at_least).collect::<Vec<_>>());
    let reached = counts.outputs("count_o").into_iter().map(|count| count.ge(keep));
    let zero = m.constant(0, uint(s.digit));
    let decided = (1..)
        .zip(reached)
        .fold(zero, |lower, (value, reached)| reached.mux(m.constant(value, uint(s.digit)), lower));
    elements.broadcast("decided_i", decided.named("decided"));
    m.finish()
}

/// The index of each element counted from the other end, the lowest digit on top.
fn indices(s: &Sizes) -> Vec<u64> {
    let mask = (1 << s.digit) - 1;
    let reversed = |index: u64| {
        (0..s.index_digits)
            .fold(0, |done, digit| done << s.digit | index >> (digit * s.digit) & mask)
    };
    (0..s.group).map(|index| reversed(u64::from(s.group - 1 - index))).collect()
}

/// A cell: groups, and when they move.
pub(super) fn cell(name: &str, s: &Sizes) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_cell"));
    m.doc("A cell of the array: it holds what came with one beat of groups for some digits.");
    let valid_in = m.input("valid_i", bit());
    let ready_in = m.input("ready_i", bit());
    let keep_in = m.input("keep_i", uint(s.keep()));
    let tag_in = m.input("tag_i", uint(s.tag()));
    let number = uint(index_width(s.digits() + 1));
    let last_digit =
        m.input_doc("last_number_i", number, "the number of the last digit decided here");

    let valid = m.register("valid", bit()).reset(0);
    let keep = m.register("keep", keep_in.ty());
    let tag = m.register("tag", tag_in.ty());
    let digit = (s.steps > 1).then(|| {
        let digit_in = m.input("number_i", number);
        (digit_in, m.register("number", number))
    });
    let decided = match &digit {
        Some((_, digit)) => digit.eq(last_digit).named("decided"),
        None => m.constant(1, bit()),
    };
    let empties = (!valid | (decided & ready_in)).named("empties");
    let load = (valid_in & empties).named("load");
    m.when(empties, || valid.set(valid_in));
    m.when(load, || {
        keep.set(keep_in);
        tag.set(tag_in);
    });
    let current = digit.as_ref().map_or(last_digit, |(_, digit)| digit.expr());
    let next: Vec<Expr> =
        (0..s.index_digits).map(|digit| current.eq(s.key_digits - 1 + digit)).collect();

    let groups = m.array("group", &[("group", s.groups)], &group(name, s)?);
    groups.broadcast("load_i", load).broadcast("keep_i", keep.expr());
    groups.broadcast("next_i", pack(&m, &next).named("next_is_of_index"));
    if s.lower() > 0 {
        groups.broadcast("remains_i", m.input("remains_i", uint(s.lower())));
    }
    s.each_element(|port, width| {
        let value = m.input(format!("{port}_i"), uint(s.elements() * width));
        groups.each(&format!("{port}_i"), &value.elements(uint(s.group * width)));
        let moved = pack(&m, &groups.outputs(&format!("{port}_o")));
        m.output(format!("{port}_o"), value.ty()).set(moved);
    });
    if let Some((digit_in, digit)) = digit {
        m.assert("digits_in_range", !valid | digit.le(last_digit));
        let step = (valid & !decided).named("step");
        groups.broadcast("step_i", step);
        let next = (digit + 1).truncate(number.width);
        m.when(load, || digit.set(digit_in)).or_when(step, || digit.set(next));
        m.output("number_o", number).set(next);
    }
    m.output("ready_o", bit()).set(empties);
    m.output("valid_o", bit()).set(valid & decided);
    let survives = pack(&m, &groups.outputs("survives_o"));
    m.output("survives_o", uint(s.elements())).set(survives);
    let tied = pack(&m, &groups.outputs("tied_o"));
    if s.beats > 1 {
        let begin = tag.expr().slice(1, s.tag() - 1);
        properties::in_range(&m, s, "begin", valid.expr(), begin);
    }
    properties::cell(&m, s, valid.expr(), keep.expr(), (survives, tied));
    m.output("keep_o", keep.ty()).set(keep);
    m.output("tag_o", tag.ty()).set(tag);
    m.finish()
}
