//! Operators on values of more than one limb.
//!
//! Every operator computes modulo `2^(64 * limbs)` of its result and then brings the result into
//! canonical form. Nothing is allocated while running. A result never overlaps an operand.

use std::cmp::Ordering;

use super::limbs::{self, BITS, extension};
use crate::hdl::ir::{BinaryOp, UnaryOp};
use crate::hdl::ty::Type;

/// A value in the slab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub slot: u32,
    pub ty: Type,
}

/// An operation with a result of any width.
#[derive(Clone, Debug)]
pub(super) struct WideOp {
    pub to: Place,
    pub action: Action,
}

/// What a wide operation does.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// The value modulo `2^width`.
    Cast(Place),
    Unary(UnaryOp, Place),
    Binary(BinaryOp, Place, Place),
    /// The second where the first is 1, else the third.
    Mux(Place, Place, Place),
    Select(Place, Box<[Place]>),
    /// An element of those that start at a slot.
    Fetch {
        address: Place,
        content: u32,
        depth: u32,
    },
    /// Bits from a position up.
    Slice(Place, u32),
    /// Values, and the lowest bit of each.
    Concat(Box<[(Place, u32)]>),
}

impl Place {
    fn start(self) -> usize {
        self.slot as usize
    }

    fn limbs(self) -> usize {
        limbs::count(self.ty.width) as usize
    }

    pub(super) fn slice(self, slab: &[u64]) -> &[u64] {
        &slab[self.start()..self.start() + self.limbs()]
    }

    pub(super) fn slice_mut(self, slab: &mut [u64]) -> &mut [u64] {
        &mut slab[self.start()..self.start() + self.limbs()]
    }

    /// What stands above the top limb.
    fn sign(self, slab: &[u64]) -> u64 {
        extension(slab[self.start() + self.limbs() - 1], self.ty.signed)
    }

    /// Any limb, also beyond the top one; `sign` is what stands there.
    fn limb(self, slab: &[u64], sign: u64, index: usize) -> u64 {
        if index < self.limbs() { slab[self.start() + index] } else { sign }
    }

    /// The value as an index or an amount, if it is below 2^32.
    fn small(self, slab: &[u64]) -> Option<usize> {
        let (low, rest) = self.slice(slab).split_first()?;
        let fits = rest.iter().all(|&limb| limb == 0) && *low <= u64::from(u32::MAX);
        fits.then_some(*low as usize)
    }
}

/// Computes the result of an operation.
pub(super) fn run(op: &WideOp, slab: &mut [u64]) {
    let to = op.to;
    match &op.action {
        Action::Cast(a) => copy(slab, to, *a),
        Action::Unary(op, a) => unary(slab, *op, to, *a),
        Action::Binary(op, a, b) => binary(slab, *op, to, *a, *b),
        Action::Mux(condition, a, b) => {
            let taken = if slab[condition.start()] != 0 { a } else { b };
            copy(slab, to, *taken);
        }
        Action::Select(index, items) => match index.small(slab).and_then(|i| items.get(i)) {
            Some(item) => copy(slab, to, *item),
            None => to.slice_mut(slab).fill(0),
        },
        &Action::Fetch { address, content, depth } => match address.small(slab) {
            Some(index) if index < depth as usize => {
                let slot = content + index as u32 * to.limbs() as u32;
                copy(slab, to, Place { slot, ty: to.ty });
            }
            _ => to.slice_mut(slab).fill(0),
        },
        Action::Slice(a, low) => {
            let sign = a.sign(slab);
            shift_right(slab, to, *a, *low as usize, sign);
        }
        Action::Concat(parts) => concat(slab, to, parts),
    }
    limbs::canonicalize(to.slice_mut(slab), to.ty);
}

fn copy(slab: &mut [u64], to: Place, a: Place) {
    let sign = a.sign(slab);
    let common = to.limbs().min(a.limbs());
    slab.copy_within(a.start()..a.start() + common, to.start());
    to.slice_mut(slab)[common..].fill(sign);
}

fn unary(slab: &mut [u64], op: UnaryOp, to: Place, a: Place) {
    match op {
        UnaryOp::Not => {
            let sign = a.sign(slab);
            for i in 0..to.limbs() {
                slab[to.start() + i] = !a.limb(slab, sign, i);
            }
        }
        UnaryOp::Negate => {
            let sign = a.sign(slab);
            let mut carry = true;
            for i in 0..to.limbs() {
                let (limb, over) = (!a.limb(slab, sign, i)).overflowing_add(carry.into());
                (slab[to.start() + i], carry) = (limb, over);
            }
        }
        UnaryOp::ReduceAnd => {
            let top = limbs::extend(u64::MAX, top_bits(a.ty), a.ty.signed);
            let (last, below) = a.slice(slab).split_last().expect("a value has limbs");
            let all = *last == top && below.iter().all(|&limb| limb == u64::MAX);
            set_bit(slab, to, all);
        }
        UnaryOp::ReduceOr => {
            let any = a.slice(slab).iter().any(|&limb| limb != 0);
            set_bit(slab, to, any);
        }
        UnaryOp::ReduceXor => {
            let (last, below) = a.slice(slab).split_last().expect("a value has limbs");
            let last = limbs::extend(*last, top_bits(a.ty), false);
            let ones = below.iter().fold(last, |ones, &limb| ones ^ limb).count_ones();
            set_bit(slab, to, ones % 2 == 1);
        }
    }
}

/// How many bits of the top limb the type uses.
fn top_bits(ty: Type) -> u32 {
    (ty.width - 1) % BITS + 1
}

fn set_bit(slab: &mut [u64], to: Place, bit: bool) {
    to.slice_mut(slab).fill(0);
    slab[to.start()] = bit.into();
}

fn binary(slab: &mut [u64], op: BinaryOp, to: Place, a: Place, b: Place) {
    use BinaryOp::*;
    match op {
        Add => carry_chain(slab, to, a, b, false),
        Sub => carry_chain(slab, to, a, b, true),
        Mul => multiply(slab, to, a, b),
        And => bitwise(slab, to, a, b, |a, b| a & b),
        Or => bitwise(slab, to, a, b, |a, b| a | b),
        Xor => bitwise(slab, to, a, b, |a, b| a ^ b),
        Eq | Ne | Lt | Le | Gt | Ge => {
            let order = compare(slab, a, b);
            let holds = match op {
                Eq => order.is_eq(),
                Ne => order.is_ne(),
                Lt => order.is_lt(),
                Le => order.is_le(),
                Gt => order.is_gt(),
                _ => order.is_ge(),
            };
            set_bit(slab, to, holds);
        }
        ShiftLeft => {
            // An amount beyond every width shifts everything out.
            let amount = b.small(slab).unwrap_or(usize::MAX);
            shift_left(slab, to, a, amount);
        }
        ShiftRight => {
            let amount = b.small(slab).unwrap_or(usize::MAX).min(a.ty.width as usize);
            let sign = a.sign(slab);
            shift_right(slab, to, a, amount, sign);
        }
    }
}

/// `a + b`, or `a + !b + 1`.
fn carry_chain(slab: &mut [u64], to: Place, a: Place, b: Place, subtract: bool) {
    let (sign_a, sign_b) = (a.sign(slab), b.sign(slab));
    let invert = if subtract { u64::MAX } else { 0 };
    let mut carry = u128::from(subtract);
    for i in 0..to.limbs() {
        let limb_b = b.limb(slab, sign_b, i) ^ invert;
        carry += u128::from(a.limb(slab, sign_a, i)) + u128::from(limb_b);
        slab[to.start() + i] = carry as u64;
        carry >>= BITS;
    }
}

/// The rows of the written multiplication, cut off at the result's width; the sign extension of
/// the operands is multiplied like the rest.
fn multiply(slab: &mut [u64], to: Place, a: Place, b: Place) {
    let (sign_a, sign_b) = (a.sign(slab), b.sign(slab));
    let limbs = to.limbs();
    to.slice_mut(slab).fill(0);
    for i in 0..limbs {
        let factor = u128::from(a.limb(slab, sign_a, i));
        if factor == 0 {
            continue;
        }
        let mut carry = 0u128;
        for j in 0..limbs - i {
            let sum = u128::from(slab[to.start() + i + j]);
            carry += factor * u128::from(b.limb(slab, sign_b, j)) + sum;
            slab[to.start() + i + j] = carry as u64;
            carry >>= BITS;
        }
    }
}

fn bitwise(slab: &mut [u64], to: Place, a: Place, b: Place, f: impl Fn(u64, u64) -> u64) {
    let (sign_a, sign_b) = (a.sign(slab), b.sign(slab));
    for i in 0..to.limbs() {
        slab[to.start() + i] = f(a.limb(slab, sign_a, i), b.limb(slab, sign_b, i));
    }
}

fn compare(slab: &[u64], a: Place, b: Place) -> Ordering {
    let (sign_a, sign_b) = (a.sign(slab), b.sign(slab));
    // The signs decide first: -1 as a number is below 0.
    let signs = (sign_a as i64).cmp(&(sign_b as i64));
    let limbs = (0..a.limbs().max(b.limbs())).rev();
    limbs.fold(signs, |order, i| {
        order.then_with(|| a.limb(slab, sign_a, i).cmp(&b.limb(slab, sign_b, i)))
    })
}

fn shift_left(slab: &mut [u64], to: Place, a: Place, amount: usize) {
    let sign = a.sign(slab);
    let (whole, bits) = (amount / BITS as usize, amount % BITS as usize);
    for i in 0..to.limbs() {
        let limb = |back: usize| match i.checked_sub(back) {
            Some(from) => a.limb(slab, sign, from),
            None => 0,
        };
        slab[to.start() + i] = match bits {
            0 => limb(whole),
            _ => limb(whole) << bits | limb(whole + 1) >> (BITS as usize - bits),
        };
    }
}

fn shift_right(slab: &mut [u64], to: Place, a: Place, amount: usize, sign: u64) {
    let (whole, bits) = (amount / BITS as usize, amount % BITS as usize);
    for i in 0..to.limbs() {
        let low = a.limb(slab, sign, i + whole);
        slab[to.start() + i] = match bits {
            0 => low,
            _ => low >> bits | a.limb(slab, sign, i + whole + 1) << (BITS as usize - bits),
        };
    }
}

fn concat(slab: &mut [u64], to: Place, parts: &[(Place, u32)]) {
    to.slice_mut(slab).fill(0);
    for &(part, low) in parts {
        let (whole, bits) = ((low / BITS) as usize, low % BITS);
        for i in 0..part.limbs() {
            // Above the pattern of the part there are no ones, whatever its sign.
            let used = (part.ty.width - i as u32 * BITS).min(BITS);
            let limb = limbs::extend(slab[part.start() + i], used, false);
            slab[to.start() + whole + i] |= limb << bits;
            if bits > 0 && used + bits > BITS {
                slab[to.start() + whole + i + 1] |= limb >> (BITS - bits);
            }
        }
    }
}
