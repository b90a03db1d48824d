//! The fourth step: instructions for values.

use std::collections::HashMap;

use num_bigint::BigInt;
use num_traits::Zero;

use super::flat::{Flat, Parts, Value, View};
use super::limbs::{self, BITS};
use super::order::Order;
use super::program::{Draft, Instr, Kind, Program};
use super::wide::{Action, Place, WideOp};
use crate::hdl::ir::{BinaryOp, Op, UnaryOp};
use crate::hdl::ty::{Type, bit, sint};

/// Where a value is, and how many instructions deep it is computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located {
    pub slot: u32,
    pub level: u32,
    pub ty: Type,
}

impl Located {
    fn place(self) -> Place {
        Place { slot: self.slot, ty: self.ty }
    }

    fn is_narrow(self) -> bool {
        is_narrow(self.ty)
    }
}

fn is_narrow(ty: Type) -> bool {
    ty.width <= BITS
}

/// Marks a value that has no slot yet.
const NOWHERE: u32 = u32::MAX;

/// Makes the instructions for a flat design.
pub(super) struct Emitter<'f, 'm> {
    flat: &'f Flat<'m>,
    /// The initial slab: constants, and zeros for everything else.
    pub slab: Vec<u64>,
    /// Slot and level of each value.
    located: Vec<(u32, u32)>,
    /// For values that are a register's next one, the slot where that is wanted.
    homes: HashMap<Value, u32>,
    /// Values that are computed as a part of another one.
    absorbed: Vec<bool>,
    constants: HashMap<Vec<u64>, u32>,
    /// The slot of each memory's first element.
    pub contents: Vec<u32>,
    draft: Draft,
}

impl<'f, 'm> Emitter<'f, 'm> {
    pub(super) fn new(flat: &'f Flat<'m>, order: &Order) -> Emitter<'f, 'm> {
        let mut emitter = Emitter {
            flat,
            slab: vec![],
            located: vec![(NOWHERE, 0); flat.len()],
            homes: HashMap::new(),
            absorbed: vec![false; flat.len()],
            constants: HashMap::new(),
            contents: vec![],
            draft: Draft::default(),
        };
        for &value in &order.values {
            if let Some(inner) = emitter.narrowed(value, order) {
                emitter.absorbed[inner as usize] = true;
            }
        }
        emitter
    }

    /// Gives the program so far and starts another.
    pub(super) fn take_program(&mut self) -> Program {
        std::mem::take(&mut self.draft).finish()
    }

    /// New limbs in the slab.
    pub(super) fn allocate(&mut self, limbs: u32) -> u32 {
        let slot = self.slab.len() as u32;
        self.slab.resize(self.slab.len() + limbs as usize, 0);
        slot
    }

    /// Says where a value that is not computed stands.
    pub(super) fn locate(&mut self, value: Value, slot: u32) {
        self.located[value as usize] = (slot, 0);
    }

    pub(super) fn is_located(&self, value: Value) -> bool {
        self.located[value as usize].0 != NOWHERE
    }

    /// Asks for a value to be computed into a slot. It is a wish: [`Emitter::settle_home`] copies
    /// where it cannot be fulfilled.
    pub(super) fn wish_home(&mut self, mut value: Value, slot: u32) {
        while let View::Alias(of) = self.flat.view(value) {
            value = of;
        }
        self.homes.entry(value).or_insert(slot);
    }

    /// Makes sure that a slot holds a value.
    pub(super) fn settle_home(&mut self, value: Value, slot: u32) {
        let from = self.get(value);
        if from.slot != slot {
            self.copy(from, Place { slot, ty: from.ty });
        }
    }

    /// Makes a slot hold a value where the condition is 1, else another.
    pub(super) fn choose(&mut self, slot: u32, condition: Value, value: Value, other: Value) {
        let (c, a, b) = (self.get(condition), self.get(value), self.get(other));
        self.mux(Place { slot, ty: a.ty }, c, a, b);
    }

    pub(super) fn get(&self, value: Value) -> Located {
        let (slot, level) = self.located[value as usize];
        debug_assert!(slot != NOWHERE, "value {value} is used before it is computed");
        Located { slot, level, ty: self.flat.ty(value) }
    }

    /// Computes a value whose operands are there.
    pub(super) fn emit(&mut self, value: Value, order: &Order) {
        if self.absorbed[value as usize] || self.is_located(value) {
            return;
        }
        let ty = self.flat.ty(value);
        let flat = self.flat;
        self.located[value as usize] = match flat.view(value) {
            View::State => unreachable!("state is located before anything is computed"),
            View::Alias(of) => self.located[of as usize],
            View::Const(constant) => (self.constant(constant, ty), 0),
            View::Zero => (self.constant(&BigInt::zero(), ty), 0),
            View::Cast(of) => match self.narrowed(value, order) {
                Some(inner) => match flat.view(inner) {
                    View::Op(op, base) => self.operator(value, op, base),
                    _ => unreachable!("only operators are narrowed"),
                },
                None => self.slice(value, of, 0),
            },
            View::Slice(of, low) => self.slice(value, of, low),
            View::Concat(parts) => self.concat(value, &parts),
            View::Fetch(memory, address) => self.fetch(value, memory as usize, address),
            View::Op(op, base) => self.operator(value, op, base),
        };
    }

    /// The operator that a value is the low bits of, if nobody else needs the operator's result.
    ///
    /// Arithmetic is lossless, so that a wrapping counter is a wider sum that is cut off; this
    /// way the wider sum is never made. Any operator's result can be cut off at once instead of
    /// first at its own width, as long as that is not less.
    fn narrowed(&self, value: Value, order: &Order) -> Option<Value> {
        let View::Cast(mut inner) = self.flat.view(value) else { return None };
        loop {
            if order.uses[inner as usize] != 1 {
                return None;
            }
            match self.flat.view(inner) {
                View::Alias(of) => inner = of,
                View::Op(..) => {
                    let wide_enough = self.flat.ty(inner).width >= self.flat.ty(value).width;
                    return wide_enough.then_some(inner);
                }
                _ => return None,
            }
        }
    }

    fn constant(&mut self, value: &BigInt, ty: Type) -> u32 {
        let limbs = limbs::from_integer(value, ty);
        if let Some(&slot) = self.constants.get(&limbs) {
            return slot;
        }
        let slot = self.slab.len() as u32;
        self.slab.extend(&limbs);
        self.constants.insert(limbs, slot);
        slot
    }

    fn constant_operand(&mut self, value: &BigInt, ty: Type) -> Located {
        Located { slot: self.constant(value, ty), level: 0, ty }
    }

    /// Where to compute a value.
    fn target(&mut self, value: Value) -> Place {
        let ty = self.flat.ty(value);
        let slot = match self.homes.get(&value) {
            Some(&slot) => slot,
            None => self.allocate(limbs::count(ty.width)),
        };
        Place { slot, ty }
    }

    // Instructions. Each gives the slot and the level of its result.

    fn push(&mut self, kind: Kind, to: u32, operands: &[Located], s: u32, t: u32) -> (u32, u32) {
        let level = level_above(operands);
        let slot = |i: usize| operands.get(i).map_or(0, |operand| operand.slot);
        let (a, b, c) = (slot(0), slot(1), slot(2));
        self.draft.push(level, Instr { kind, s: s as u8, t: t as u8, to, a, b, c });
        (to, level)
    }

    fn push_wide(&mut self, to: Place, operands: &[Located], action: Action) -> (u32, u32) {
        let level = level_above(operands);
        self.draft.push_wide(level, WideOp { to, action });
        (to.slot, level)
    }

    fn copy(&mut self, from: Located, to: Place) {
        if from.is_narrow() {
            self.push(Kind::Copy, to.slot, &[from], 0, 0);
        } else {
            self.push_wide(to, &[from], Action::Cast(from.place()));
        }
    }

    /// A field of one limb, read by a type.
    fn field(&mut self, to: u32, from: Located, low: u32, ty: Type) -> (u32, u32) {
        let kind = if ty.signed { Kind::FieldSigned } else { Kind::FieldUnsigned };
        let unused = BITS - ty.width;
        self.push(kind, to, &[from], unused - low, unused)
    }

    /// Brings a narrow result, of which the low bits are right, into canonical form, unless its
    /// values do not need it.
    fn fit(&mut self, result: (u32, u32), exact: Type, ty: Type) -> (u32, u32) {
        if ty.width == BITS || exact.join(ty) == ty {
            return result;
        }
        let (slot, level) = result;
        self.field(slot, Located { slot, level, ty }, 0, ty)
    }

    fn slice(&mut self, value: Value, of: Value, low: u32) -> (u32, u32) {
        let (from, ty) = (self.get(of), self.flat.ty(value));
        let (limb, low_in_limb) = (low / BITS, low % BITS);
        let at = |limb: u32| Located { slot: from.slot + limb, ..from };
        // Whole limbs are there already. A cast may reach beyond what there is.
        let inside = low + ty.width <= limbs::count(from.ty.width) * BITS;
        if low_in_limb == 0 && ty.width.is_multiple_of(BITS) && inside {
            return (from.slot + limb, from.level);
        }
        let to = self.target(value);
        if !is_narrow(ty) {
            let action = match low {
                0 => Action::Cast(from.place()),
                _ => Action::Slice(from.place(), low),
            };
            return self.push_wide(to, &[from], action);
        }
        if low_in_limb + ty.width <= BITS {
            return self.field(to.slot, at(limb), low_in_limb, ty);
        }
        let (operands, unused) = ([at(limb), at(limb + 1)], BITS - ty.width);
        let bits = self.push(Kind::Straddle, to.slot, &operands, low_in_limb, unused);
        self.fit(bits, ty_unsigned(ty), ty)
    }

    fn concat(&mut self, value: Value, parts: &Parts) -> (u32, u32) {
        let to = self.target(value);
        let mut parts: Vec<(Located, u32)> =
            parts.iter().map(|(part, low)| (self.get(part), low)).collect();
        parts.sort_by_key(|&(_, low)| std::cmp::Reverse(low));
        if !is_narrow(to.ty) {
            let operands: Vec<Located> = parts.iter().map(|&(part, _)| part).collect();
            let parts = parts.iter().map(|&(part, low)| (part.place(), low)).collect();
            return self.push_wide(to, &operands, Action::Concat(parts));
        }
        let (top, _) = parts[0];
        let mut joined = top;
        if top.ty.signed || parts.len() == 1 {
            let (slot, level) = self.field(to.slot, top, 0, ty_unsigned(top.ty));
            joined = Located { slot, level, ty: ty_unsigned(top.ty) };
        }
        for &(part, _) in &parts[1..] {
            let (width, operands) = (part.ty.width, [joined, part]);
            let (slot, level) = self.push(Kind::Join, to.slot, &operands, width, BITS - width);
            joined = Located { slot, level, ty: to.ty };
        }
        self.fit((joined.slot, joined.level), ty_unsigned(to.ty), to.ty)
    }

    fn operator(&mut self, value: Value, op: &Op, base: Value) -> (u32, u32) {
        let to = self.target(value);
        match op {
            Op::Unary(op, a) => {
                let a = self.get(base + a.0);
                self.unary(*op, to, a)
            }
            Op::Binary(op, a, b) => {
                let (a, b) = (self.get(base + a.0), self.get(base + b.0));
                self.binary(*op, to, a, b)
            }
            Op::Mux(c, a, b) => {
                let (c, a, b) = (self.get(base + c.0), self.get(base + a.0), self.get(base + b.0));
                self.mux(to, c, a, b)
            }
            Op::Select(index, items) => {
                let index = self.get(base + index.0);
                let items: Vec<_> = items.iter().map(|item| self.get(base + item.0)).collect();
                self.select(to, index, &items)
            }
            Op::Const(_) | Op::Signal(_) | Op::Slice(..) | Op::Concat(_) | Op::Cast(_) => {
                unreachable!("the view shows these as what they are")
            }
        }
    }

    fn unary(&mut self, op: UnaryOp, to: Place, a: Located) -> (u32, u32) {
        if !(a.is_narrow() && is_narrow(to.ty)) {
            return self.push_wide(to, &[a], Action::Unary(op, a.place()));
        }
        match op {
            UnaryOp::Not if !a.ty.signed && !to.ty.signed && a.ty.width <= to.ty.width => {
                let ones = self.constant_operand(&to.ty.max(), to.ty);
                self.push(Kind::Xor, to.slot, &[a, ones], 0, 0)
            }
            UnaryOp::Not => {
                let result = self.push(Kind::Not, to.slot, &[a], 0, 0);
                // Of an unsigned operand the complement is negative.
                self.fit(result, sint(a.ty.width + u32::from(!a.ty.signed)), to.ty)
            }
            UnaryOp::Negate => {
                let zero = self.constant_operand(&BigInt::zero(), a.ty);
                let result = self.push(Kind::Sub, to.slot, &[zero, a], 0, 0);
                self.fit(result, sint(a.ty.width + 1), to.ty)
            }
            UnaryOp::ReduceAnd => {
                let ones = self.constant_operand(&BigInt::from(-1), a.ty);
                let result = self.push(Kind::Equal, to.slot, &[a, ones], 0, 0);
                self.fit(result, bit(), to.ty)
            }
            UnaryOp::ReduceOr => {
                let zero = self.constant_operand(&BigInt::zero(), a.ty);
                let result = self.push(Kind::Unequal, to.slot, &[a, zero], 0, 0);
                self.fit(result, bit(), to.ty)
            }
            UnaryOp::ReduceXor => {
                let (slot, level) = self.field(to.slot, a, 0, ty_unsigned(a.ty));
                let pattern = Located { slot, level, ty: a.ty };
                let result = self.push(Kind::Parity, to.slot, &[pattern], 0, 0);
                self.fit(result, bit(), to.ty)
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, to: Place, a: Located, b: Located) -> (u32, u32) {
        let narrow = a.is_narrow() && b.is_narrow() && is_narrow(to.ty);
        let kind = match op {
            _ if op.is_comparison() => comparison(op, a.ty, b.ty)
                .map(|(kind, swap)| (kind, if swap { [b, a] } else { [a, b] })),
            _ => Some((arithmetic(op, a.ty), [a, b])),
        };
        let Some((kind, operands)) = kind.filter(|_| narrow) else {
            return self.push_wide(to, &[a, b], Action::Binary(op, a.place(), b.place()));
        };
        let exact = exact_type(op, a.ty, b.ty);
        if kind == Kind::Add && exact.join(to.ty) != to.ty {
            let kind = if to.ty.signed { Kind::AddSigned } else { Kind::AddUnsigned };
            return self.push(kind, to.slot, &operands, BITS - to.ty.width, 0);
        }
        let result = self.push(kind, to.slot, &operands, 0, 0);
        self.fit(result, exact, to.ty)
    }

    fn mux(&mut self, to: Place, c: Located, a: Located, b: Located) -> (u32, u32) {
        if !(a.is_narrow() && b.is_narrow() && is_narrow(to.ty)) {
            let action = Action::Mux(c.place(), a.place(), b.place());
            return self.push_wide(to, &[a, b, c], action);
        }
        let result = self.push(Kind::Mux, to.slot, &[a, b, c], 0, 0);
        self.fit(result, a.ty.join(b.ty), to.ty)
    }

    fn fetch(&mut self, value: Value, memory: usize, address: Value) -> (u32, u32) {
        let (to, address) = (self.target(value), self.get(address));
        let (content, depth) = (self.contents[memory], self.flat.memories[memory].depth);
        if !(is_narrow(to.ty) && address.is_narrow()) {
            let action = Action::Fetch { address: address.place(), content, depth };
            return self.push_wide(to, &[address], action);
        }
        let level = level_above(&[address]);
        let (a, b, c) = (address.slot, content, depth);
        self.draft.push(level, Instr { kind: Kind::Fetch, s: 0, t: 0, to: to.slot, a, b, c });
        (to.slot, level)
    }

    fn select(&mut self, to: Place, index: Located, items: &[Located]) -> (u32, u32) {
        let operands: Vec<Located> = std::iter::once(index).chain(items.iter().copied()).collect();
        let narrow = is_narrow(to.ty) && operands.iter().all(|operand| operand.is_narrow());
        if !narrow {
            let items = items.iter().map(|item| item.place()).collect();
            return self.push_wide(to, &operands, Action::Select(index.place(), items));
        }
        let level = level_above(&operands);
        let b = self.draft.push_slots(items.iter().map(|item| item.slot));
        let (a, c) = (index.slot, items.len() as u32);
        self.draft.push(level, Instr { kind: Kind::Select, s: 0, t: 0, to: to.slot, a, b, c });
        let exact = items.iter().map(|item| item.ty).reduce(Type::join).unwrap_or(bit());
        self.fit((to.slot, level), exact, to.ty)
    }
}

fn level_above(operands: &[Located]) -> u32 {
    1 + operands.iter().map(|operand| operand.level).max().unwrap_or(0)
}

const fn ty_unsigned(ty: Type) -> Type {
    Type { width: ty.width, signed: false }
}

/// The type that holds every result of an operator.
fn exact_type(op: BinaryOp, a: Type, b: Type) -> Type {
    let joined = a.join(b);
    match op {
        BinaryOp::Add => joined.with_width(joined.width + 1),
        BinaryOp::Sub => sint(joined.width + 1),
        BinaryOp::Mul => Type { width: a.width + b.width, signed: joined.signed },
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => joined,
        // More than the widest narrow type, whatever the amount may be.
        BinaryOp::ShiftLeft => a.with_width(a.width + (1 << b.width.min(7)) - 1),
        BinaryOp::ShiftRight => a,
        _ => bit(),
    }
}

fn arithmetic(op: BinaryOp, a: Type) -> Kind {
    match op {
        BinaryOp::Add => Kind::Add,
        BinaryOp::Sub => Kind::Sub,
        BinaryOp::Mul => Kind::Mul,
        BinaryOp::And => Kind::And,
        BinaryOp::Or => Kind::Or,
        BinaryOp::Xor => Kind::Xor,
        BinaryOp::ShiftLeft => Kind::ShiftLeft,
        BinaryOp::ShiftRight if a.signed => Kind::ShiftRightSigned,
        BinaryOp::ShiftRight => Kind::ShiftRightUnsigned,
        _ => unreachable!("comparisons are chosen by both types"),
    }
}

/// The instruction for a comparison of limbs, and whether the operands change places; none if no
/// one reading of a limb fits both types.
fn comparison(op: BinaryOp, a: Type, b: Type) -> Option<(Kind, bool)> {
    let signed = a.signed || b.signed;
    if signed && a.join(b).width > BITS {
        return None;
    }
    let (less, less_equal) = match signed {
        true => (Kind::LessSigned, Kind::LessEqualSigned),
        false => (Kind::LessUnsigned, Kind::LessEqualUnsigned),
    };
    Some(match op {
        BinaryOp::Eq => (Kind::Equal, false),
        BinaryOp::Ne => (Kind::Unequal, false),
        BinaryOp::Lt => (less, false),
        BinaryOp::Le => (less_equal, false),
        BinaryOp::Gt => (less, true),
        _ => (less_equal, true),
    })
}
