//! The offered window: its first survivors that have not gone yet.

use std::sync::Arc;

use num_bigint::BigInt;

use super::super::MaskApplyParameters;
use super::Sizes;
use crate::hdl::{
    Errors, Expr, Module, ModuleBuilder, StreamIn, bit, concat, index_width, pack, uint,
};

/// What moves from the window to the queue.
pub(in super::super) struct Window<'m> {
    /// The elements that survive, a bit for each.
    pub survivors: Expr<'m>,
    /// Whether survivors of it have moved, and the last element that has, if there can be too many
    /// for one cycle.
    pub begun: Option<(Expr<'m>, Expr<'m>)>,
    /// Whether what is picked moves.
    pub step: Expr<'m>,
    /// Survivors that have not gone yet, a bit for each element.
    pub pending: Expr<'m>,
    /// For each rank, the pending element of that rank, a bit for each element.
    pub selected: Vec<Expr<'m>>,
    /// Survivors in their order, of which the first `count` are there: the element, and above it
    /// its place in the vector.
    pub items: Vec<Expr<'m>>,
    /// Which of them are there.
    pub valid: Vec<Expr<'m>>,
    /// How many.
    pub count: Expr<'m>,
    /// Whether survivors are left for another cycle.
    pub more: Expr<'m>,
    /// Whether the vector ends with these.
    pub ends: Expr<'m>,
    /// Elements of the vector before the window, modulo what an index holds.
    pub base: Expr<'m>,
}

/// Picks the first survivors; `step` says whether they move.
pub(super) fn pick<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    p: &MaskApplyParameters,
    s: &Sizes,
    input: &StreamIn<'m>,
    survivors: Expr<'m>,
    step: Expr<'m>,
) -> Result<Window<'m>, Errors> {
    // Whether there can be more survivors than move in a cycle.
    let is_split = s.window > s.take;
    let more = m.wire("more", bit()).doc("whether survivors are left for another cycle");
    let last_lane = is_split.then(|| m.wire("last_lane", s.lane).doc("the last that moves"));
    let (pending, begun) = match last_lane {
        Some(last) => {
            let (gone, begun, last) = gone(m, s, step, more.expr(), last.expr());
            ((survivors & !gone).named("pending"), Some((begun, last)))
        }
        None => (survivors, None),
    };
    let (selected, beyond) = first(m, s, pending);
    more.set(if is_split { beyond.any() } else { m.constant(0, bit()) });

    let splitter = splitter(&format!("{name}_split"), p.width)?;
    let elements = m.array("element", &[("lane", s.window)], &splitter);
    elements.each("data_i", &input["data"].elements(uint(p.width)));
    let planes: Vec<Expr> =
        (0..p.width).map(|i| pack(m, &elements.outputs(&format!("bit_{i}_o")))).collect();
    let picker = picker(&format!("{name}_pick"), p.width, s)?;
    let picks = m.array("pick", &[("rank", s.take)], &picker);
    picks.broadcast("planes_i", pack(m, &planes));
    picks.each("selected_i", &selected);
    let lanes = picks.outputs("lane_o");
    if let (Some(signal), Some(&lane)) = (last_lane, lanes.last()) {
        signal.set(lane);
    }
    let base = base(m, s, input, (step & !more).named("accept"));
    let index = |lane: &Expr<'m>| place(m, s, base, *lane);
    let data = picks.outputs("data_o");
    let items = lanes.iter().zip(data).map(|(lane, data)| concat(m, &[index(lane), data]));
    let items = items.collect();
    let valid = picks.outputs("valid_o");
    let count = pack(m, &valid).count_ones().named("count");
    let ends = (input["last"] & !more).named("vector_ends");
    let base = place(m, s, base, m.constant(0, s.lane));
    let more = more.expr();
    Ok(Window { survivors, begun, step, pending, selected, items, valid, count, more, ends, base })
}

/// The elements up to the last one that has moved, whether any has, and which it is.
fn gone<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    step: Expr<'m>,
    more: Expr<'m>,
    last_lane: Expr<'m>,
) -> (Expr<'m>, Expr<'m>, Expr<'m>) {
    let begun = m.register("begun", bit()).reset(0).doc("whether survivors of it have moved");
    let last_gone = m.register("last_gone", s.lane).doc("the last element that has moved");
    m.when(step, || {
        begun.set(more);
        last_gone.set(last_lane);
    });
    let ones = m.constant((BigInt::from(1) << s.window) - 1, uint(s.window));
    let behind = (m.constant(s.window - 1, s.lane) - last_gone).wrap(s.lane).named("behind");
    let up_to = ones.shift_right(behind).named("up_to_last_gone");
    (begun.mux(up_to, 0).named("gone"), begun.expr(), last_gone.expr())
}

/// For each rank, the pending element of that rank; and the pending elements beyond these.
fn first<'m>(m: &'m ModuleBuilder, s: &Sizes, pending: Expr<'m>) -> (Vec<Expr<'m>>, Expr<'m>) {
    let (rank, above) = ranks(m, s, pending);
    let near = match s.window > s.take {
        true => (pending & !above).named("near"),
        false => pending,
    };
    let select = |number: u32| {
        let bits = rank.iter().enumerate().map(|(i, &bit)| match number >> i & 1 {
            1 => bit,
            _ => !bit,
        });
        bits.fold(near, |all, bit| all & bit).named(&format!("selected_{number}"))
    };
    let selected: Vec<Expr> = (0..s.take).map(select).collect();
    let reached = match s.take.is_power_of_two() {
        true => near,
        false => {
            let either = |a: Expr<'m>, b: &Expr<'m>| a | *b;
            selected[1..].iter().fold(selected[0], either).named("reached")
        }
    };
    (selected, (pending & !reached).named("beyond"))
}

/// How many pending elements are before each one, by a prefix sum as of Brent and Kung (A Regular
/// Layout for Parallel Adders, 1982), for all elements at once: the bits of the counts, the lowest
/// first, and the elements whose counts have more bits.
fn ranks<'m>(m: &'m ModuleBuilder, s: &Sizes, pending: Expr<'m>) -> (Vec<Expr<'m>>, Expr<'m>) {
    let none = m.constant(0, uint(s.window));
    if s.window == 1 {
        return (vec![], none);
    }
    let width = index_width(s.take);
    let mut counts = Counts { bits: vec![none; width as usize], above: none };
    counts.bits[0] = shifted(pending, 1);
    let mut distance = 1;
    while distance < s.window {
        let name = format!("of_{}", 2 * distance);
        counts = counts.add(s.window, distance, |place| place % (2 * distance) == 0, &name);
        distance *= 2;
    }
    while distance > 1 {
        distance /= 2;
        let name = format!("with_{distance}");
        let behind = |place: u32| place % (2 * distance) == distance && place > distance;
        counts = counts.add(s.window, distance, behind, &name);
    }
    (counts.bits, counts.above)
}

/// A count at each element of the window.
struct Counts<'m> {
    /// Its bits, the lowest first, each of all elements.
    bits: Vec<Expr<'m>>,
    /// Where there are more bits.
    above: Expr<'m>,
}

/// What each element has, `distance` elements further.
fn shifted<'m>(elements: Expr<'m>, distance: u32) -> Expr<'m> {
    elements.truncate(elements.width() - distance) << distance
}

impl<'m> Counts<'m> {
    /// Adds to the elements at the places that are `chosen`, the first being place 1, what is
    /// counted `distance` elements before.
    fn add(
        self,
        window: u32,
        distance: u32,
        chosen: impl Fn(u32) -> bool,
        name: &str,
    ) -> Counts<'m> {
        let places = (0..window).filter(|lane| chosen(lane + 1) && *lane >= distance);
        let chosen = places.fold(BigInt::ZERO, |all, lane| all | BigInt::from(1) << lane);
        if chosen == BigInt::ZERO {
            return self;
        }
        let other = |elements: Expr<'m>| shifted(elements, distance) & chosen.clone();
        let mut carry = None;
        let mut bits = vec![];
        for (i, &a) in self.bits.iter().enumerate() {
            let b = other(a).named(&format!("added_{i}_{name}"));
            // Where two of them are 1 the highest bit does not matter: then there are more bits.
            let is_highest = i + 1 == self.bits.len();
            let half = if is_highest { a | b } else { a ^ b };
            let (sum, over) = match carry {
                None => (half, a & b),
                Some(carry) => {
                    let carry: Expr = carry;
                    let carry = carry.named(&format!("carry_{i}_{name}"));
                    let sum = if is_highest { half | carry } else { half ^ carry };
                    (sum, (a & b) | ((a | b) & carry))
                }
            };
            bits.push(sum.named(&format!("count_{i}_{name}")));
            carry = Some(over);
        }
        let above = self.above | other(self.above);
        let above = carry.map_or(above, |carry| above | carry);
        Counts { bits, above: above.named(&format!("above_{name}")) }
    }
}

/// A register for the elements of the vector before the window, none where an index has no bit for
/// them. Where windows are of a power of two, it counts windows.
fn base<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    input: &StreamIn<'m>,
    accept: Expr<'m>,
) -> Option<Expr<'m>> {
    let (name, ty, step) = match s.counts_windows() {
        true if s.index.width <= s.lane.width => return None,
        true => ("window_number", uint(s.index.width - s.lane.width), 1),
        false => ("base", s.index, s.window),
    };
    let base = m.register(name, ty).reset(0);
    m.when(accept, || base.set(input["last"].mux(0, (base + step).wrap(ty))));
    Some(base.expr())
}

/// The place in the vector of an element of the window.
fn place<'m>(m: &'m ModuleBuilder, s: &Sizes, base: Option<Expr<'m>>, lane: Expr<'m>) -> Expr<'m> {
    match base {
        None => lane.truncate(s.index.width),
        Some(base) if s.counts_windows() => concat(m, &[base, lane]),
        Some(base) => (base + lane).wrap(s.index),
    }
}

/// An element's bits, each an output, so that the array of all has one vector for each bit.
fn splitter(name: &str, width: u32) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc("An element bit by bit, so that bits of the same weight lie side by side.");
    let data = m.input("data_i", uint(width));
    for i in 0..width {
        m.output(format!("bit_{i}_o"), bit()).set(data.bit(i));
    }
    m.finish()
}

/// Brings out the selected element of a window.
fn picker(name: &str, width: u32, s: &Sizes) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc("Brings out the one element of a window that is selected, and its number.");
    let planes = m.input_doc("planes_i", uint(width * s.window), "bit 0 of all elements lowest");
    let selected = m.input_doc("selected_i", uint(s.window), "one bit at most");
    let bits = planes.elements(uint(s.window)).into_iter();
    let bits: Vec<Expr> = bits.map(|plane| (plane & selected).any()).collect();
    m.output("data_o", uint(width)).set(pack(&m, &bits));
    let number = |i: u32| {
        let lanes = (0..s.window).filter(|lane| lane >> i & 1 == 1);
        let lanes = lanes.fold(BigInt::ZERO, |all, lane| all | BigInt::from(1) << lane);
        (selected & lanes).any()
    };
    let number: Vec<Expr> = (0..s.lane.width).map(number).collect();
    m.output("lane_o", s.lane).set(pack(&m, &number));
    m.output("valid_o", bit()).set(selected.any());
    m.finish()
}

impl Sizes {
    /// Whether the place in a vector is that in the window below the window's number.
    fn counts_windows(&self) -> bool {
        self.window.is_power_of_two() && self.window > 1
    }
}
