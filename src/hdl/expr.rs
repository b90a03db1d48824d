//! Expressions: handles to values of a module under description, and their lossless operators.

use std::panic::Location;

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::builder::ModuleBuilder;
use super::error::ErrorKind;
use super::fold;
use super::ir::{BinaryOp, Node, NodeId, Op, Source, UnaryOp};
use super::signal::Signal;
use super::ty::{Type, bit, sint, uint};

/// A value of the module under description. Copy it freely: it is a handle.
///
/// Operators never lose a bit: `a + b` is one bit wider than the wider operand, `a * b` as wide as
/// both together, `a - b` and `-a` are signed; operands of unlike signedness are promoted by
/// value, and comparisons compare values. `a << 3` and `a >> 3` shift by a constant. Narrowing is written out: [`wrap`](Expr::wrap),
/// [`truncate`](Expr::truncate), [`saturate`](Expr::saturate), [`slice`](Expr::slice).
///
/// ```
/// use lacuna::hdl::*;
/// let m = ModuleBuilder::new("example");
/// let a = m.input("a_i", uint(8));
/// let b = m.input("b_i", sint(8));
/// assert_eq!((a + 1).ty(), uint(9));
/// assert_eq!((a * b).ty(), sint(16));
/// assert_eq!((a - a).ty(), sint(9));
/// assert_eq!((a & b).ty(), sint(9));
/// assert_eq!(a.lt(b).ty(), bit());
/// ```
#[derive(Clone, Copy)]
pub struct Expr<'m> {
    pub(super) builder: &'m ModuleBuilder,
    pub(super) id: NodeId,
    pub(super) ty: Type,
}

/// What can stand as an operand: an [`Expr`], a [`Signal`], an integer or a `bool`.
///
/// An integer has the smallest type that holds it.
pub trait Operand<'m>: Sized {
    /// The operand as an expression of `builder`'s module.
    #[doc(hidden)]
    fn lift(self, builder: &'m ModuleBuilder, source: Source) -> Expr<'m>;
}

impl<'m> Operand<'m> for Expr<'m> {
    fn lift(self, builder: &'m ModuleBuilder, source: Source) -> Expr<'m> {
        if std::ptr::eq(self.builder, builder) {
            return self;
        }
        builder.report(ErrorKind::Foreign(self.builder.name().to_string()), source);
        builder.node(Op::Const(0.into()), self.ty, source)
    }
}

impl<'m> Operand<'m> for Signal<'m> {
    fn lift(self, builder: &'m ModuleBuilder, source: Source) -> Expr<'m> {
        self.expr().lift(builder, source)
    }
}

impl<'m, T: Operand<'m> + Copy> Operand<'m> for &T {
    fn lift(self, builder: &'m ModuleBuilder, source: Source) -> Expr<'m> {
        (*self).lift(builder, source)
    }
}

impl<'m> Operand<'m> for BigInt {
    fn lift(self, builder: &'m ModuleBuilder, source: Source) -> Expr<'m> {
        let ty = Type::of(&self);
        builder.node(Op::Const(self), ty, source)
    }
}

macro_rules! integer_operands {
    ($($t:ty)*) => {$(
        impl<'m> Operand<'m> for $t {
            fn lift(self, builder: &'m ModuleBuilder, source: Source) -> Expr<'m> {
                BigInt::from(self).lift(builder, source)
            }
        }
    )*};
}
integer_operands!(i32 u32 i64 u64 i128 u128 usize);

impl<'m> Operand<'m> for bool {
    fn lift(self, builder: &'m ModuleBuilder, source: Source) -> Expr<'m> {
        builder.node(Op::Const(BigInt::from(u8::from(self))), bit(), source)
    }
}

impl<'m> Expr<'m> {
    /// The type of the value.
    pub fn ty(self) -> Type {
        self.ty
    }

    /// The width of the value in bits.
    pub fn width(self) -> u32 {
        self.ty.width
    }

    /// The value, if it is a constant.
    pub fn constant(self) -> Option<BigInt> {
        self.builder.with_node(self.id, |node| match &node.op {
            Op::Const(value) => Some(value.clone()),
            _ => None,
        })
    }

    fn unary(self, op: UnaryOp, ty: Type, source: Source) -> Expr<'m> {
        self.builder.node(Op::Unary(op, self.id), ty, source)
    }

    fn binary(self, op: BinaryOp, other: impl Operand<'m>, source: Source) -> Expr<'m> {
        let other = other.lift(self.builder, source);
        let joined = self.ty.join(other.ty);
        let ty = match op {
            BinaryOp::Add => joined.with_width(joined.width.saturating_add(1)),
            BinaryOp::Sub => sint(joined.width.saturating_add(1)),
            BinaryOp::Mul => {
                Type { width: self.ty.width.saturating_add(other.ty.width), signed: joined.signed }
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => joined,
            BinaryOp::ShiftLeft => {
                // The greatest amount is 2^width - 1; beyond 16 bits the result is too wide anyway.
                let most = (1u32 << other.ty.width.min(17)) - 1;
                self.ty.with_width(self.ty.width.saturating_add(most))
            }
            BinaryOp::ShiftRight => self.ty,
            _ => bit(),
        };
        // A known amount moves the bits; a tool may refuse one that is wider than its integers.
        if let (BinaryOp::ShiftLeft | BinaryOp::ShiftRight, Some(amount)) = (op, other.constant())
            && ty.is_legal()
        {
            let amount = amount.to_u32().unwrap_or(u32::MAX);
            let shifted = match op {
                BinaryOp::ShiftLeft => self.shl_const(amount, source),
                _ => self.shr_const(amount, source),
            };
            return shifted.cast_at(ty, source);
        }
        // Verilator 5.006 miscomputes shifts by more than 32 bits of amount; far fewer say as much.
        let enough = Type::of(&BigInt::from(self.width()));
        let other = if op == BinaryOp::ShiftRight && other.width() > 32 {
            other.saturate(enough)
        } else {
            other
        };
        self.builder.node(Op::Binary(op, self.id, other.id), ty, source)
    }

    /// 1 where the two values are equal.
    #[track_caller]
    pub fn eq(self, other: impl Operand<'m>) -> Expr<'m> {
        self.binary(BinaryOp::Eq, other, here())
    }

    /// 1 where the two values differ.
    #[track_caller]
    pub fn ne(self, other: impl Operand<'m>) -> Expr<'m> {
        self.binary(BinaryOp::Ne, other, here())
    }

    /// 1 where this value is less than the other.
    #[track_caller]
    pub fn lt(self, other: impl Operand<'m>) -> Expr<'m> {
        self.binary(BinaryOp::Lt, other, here())
    }

    /// 1 where this value is at most the other.
    #[track_caller]
    pub fn le(self, other: impl Operand<'m>) -> Expr<'m> {
        self.binary(BinaryOp::Le, other, here())
    }

    /// 1 where this value is greater than the other.
    #[track_caller]
    pub fn gt(self, other: impl Operand<'m>) -> Expr<'m> {
        self.binary(BinaryOp::Gt, other, here())
    }

    /// 1 where this value is at least the other.
    #[track_caller]
    pub fn ge(self, other: impl Operand<'m>) -> Expr<'m> {
        self.binary(BinaryOp::Ge, other, here())
    }

    /// `if_one` where this bit is 1, `if_zero` where it is 0; of a type that holds both.
    #[track_caller]
    pub fn mux(self, if_one: impl Operand<'m>, if_zero: impl Operand<'m>) -> Expr<'m> {
        let source = here();
        let condition = self.builder.condition(self, source);
        let a = if_one.lift(self.builder, source);
        let b = if_zero.lift(self.builder, source);
        self.builder.node(Op::Mux(condition.id, a.id, b.id), a.ty.join(b.ty), source)
    }

    /// The element of `items` at this (unsigned) index, of a type that holds all; 0 where there is
    /// no such element.
    #[track_caller]
    pub fn select<T: Operand<'m> + Copy>(self, items: &[T]) -> Expr<'m> {
        let source = here();
        let index = self.unsigned_operand("an index", source);
        let items: Vec<_> = items.iter().map(|item| item.lift(self.builder, source)).collect();
        let Some(ty) = items.iter().map(|item| item.ty).reduce(Type::join) else {
            self.builder.report(ErrorKind::Empty("a selection".into()), source);
            return self;
        };
        let items = items.iter().map(|item| item.id).collect();
        self.builder.node(Op::Select(index.id, items), ty, source)
    }

    /// 1 if every bit is 1.
    #[track_caller]
    pub fn all(self) -> Expr<'m> {
        self.unary(UnaryOp::ReduceAnd, bit(), here())
    }

    /// 1 if any bit is 1.
    #[track_caller]
    pub fn any(self) -> Expr<'m> {
        self.unary(UnaryOp::ReduceOr, bit(), here())
    }

    /// 1 if an odd number of bits is 1.
    #[track_caller]
    pub fn parity(self) -> Expr<'m> {
        self.unary(UnaryOp::ReduceXor, bit(), here())
    }

    /// How many bits are 1: unsigned, just wide enough for `width`.
    #[track_caller]
    pub fn count_ones(self) -> Expr<'m> {
        let ty = Type::of(&BigInt::from(self.width()));
        // A balanced tree: as deep as the logarithm, and narrow where there are many.
        let mut sums = self.bits();
        while sums.len() > 1 {
            let pair = |pair: &[Expr<'m>]| match *pair {
                [a, b] => a + b,
                _ => pair[0],
            };
            sums = sums.chunks(2).map(pair).collect();
        }
        sums[0].wrap(ty)
    }

    /// Bits `low` to `low + width - 1`, unsigned.
    #[track_caller]
    pub fn slice(self, low: u32, width: u32) -> Expr<'m> {
        let source = here();
        if width == 0 || u64::from(low) + u64::from(width) > u64::from(self.width()) {
            let what = format!("a slice of {width} bits from bit {low}");
            let range = format!("a value of {} bits", self.width());
            self.builder.report(ErrorKind::OutOfRange { what, range }, source);
            return self.builder.node(Op::Cast(self.id), uint(width.max(1)), source);
        }
        self.builder.node(Op::Slice(self.id, low), uint(width), source)
    }

    /// Bit `index`; 0 is the lowest.
    #[track_caller]
    pub fn bit(self, index: u32) -> Expr<'m> {
        self.slice(index, 1)
    }

    /// Every bit, the lowest first.
    #[track_caller]
    pub fn bits(self) -> Vec<Expr<'m>> {
        self.elements(uint(1))
    }

    /// The top bit: of a signed value, whether it is negative.
    #[track_caller]
    pub fn msb(self) -> Expr<'m> {
        self.slice(self.width() - 1, 1)
    }

    /// The value cut into elements of type `ty`, the lowest bits first. The width must be a
    /// multiple of the element's.
    #[track_caller]
    pub fn elements(self, ty: Type) -> Vec<Expr<'m>> {
        let source = here();
        if !ty.is_legal() || !self.width().is_multiple_of(ty.width) {
            let what = format!("a part of {} bits", ty.width);
            let range = format!("the divisors of {}", self.width());
            self.builder.report(ErrorKind::OutOfRange { what, range }, source);
            return vec![self.builder.node(Op::Cast(self.id), uint(1), source)];
        }
        (0..self.width() / ty.width)
            .map(|i| {
                let part = Op::Slice(self.id, i * ty.width);
                self.builder.node(part, uint(ty.width), source).cast_at(ty, source)
            })
            .collect()
    }

    /// The bit at a run-time (unsigned) index; 0 beyond the width.
    #[track_caller]
    pub fn bit_at(self, index: impl Operand<'m>) -> Expr<'m> {
        let source = here();
        let index = index.lift(self.builder, source).unsigned_operand("an index", source);
        self.as_unsigned().binary(BinaryOp::ShiftRight, index, source).wrap(bit())
    }

    fn shl_const(self, amount: u32, source: Source) -> Expr<'m> {
        if amount == 0 {
            return self;
        }
        let zeros = self.builder.node(Op::Const(0.into()), uint(amount), source);
        let width = self.width().saturating_add(amount);
        let bits = self.builder.node(Op::Concat(vec![self.id, zeros.id]), uint(width), source);
        bits.cast_at(self.ty.with_width(width), source)
    }

    fn shr_const(self, amount: u32, source: Source) -> Expr<'m> {
        if amount == 0 {
            return self;
        }
        if amount >= self.width() {
            return if self.ty.signed {
                self.msb().cast_at(sint(1), source)
            } else {
                self.builder.node(Op::Const(0.into()), bit(), source)
            };
        }
        let width = self.width() - amount;
        let bits = self.builder.node(Op::Slice(self.id, amount), uint(width), source);
        bits.cast_at(self.ty.with_width(width), source)
    }

    /// The value multiplied by `2^amount` for a run-time unsigned amount. The result has room for
    /// the greatest amount that the operand's type allows, so keep that type small.
    #[track_caller]
    pub fn shift_left(self, amount: impl Operand<'m>) -> Expr<'m> {
        let source = here();
        let amount = amount.lift(self.builder, source).unsigned_operand("a shift amount", source);
        self.binary(BinaryOp::ShiftLeft, amount, source)
    }

    /// The value divided by `2^amount`, rounded down, for a run-time unsigned amount. The type
    /// stays.
    #[track_caller]
    pub fn shift_right(self, amount: impl Operand<'m>) -> Expr<'m> {
        let source = here();
        let amount = amount.lift(self.builder, source).unsigned_operand("a shift amount", source);
        self.binary(BinaryOp::ShiftRight, amount, source)
    }

    /// The low `width` bits, read with the same signedness.
    #[track_caller]
    pub fn truncate(self, width: u32) -> Expr<'m> {
        let source = here();
        if width > self.width() {
            let what = format!("truncation to {width} bits");
            let range = format!("a value of {} bits", self.width());
            self.builder.report(ErrorKind::OutOfRange { what, range }, source);
        }
        self.cast_at(self.ty.with_width(width), source)
    }

    /// The value modulo `2^width`, read as `ty`: the bits are kept as far as they fit.
    #[track_caller]
    pub fn wrap(self, ty: Type) -> Expr<'m> {
        self.cast_at(ty, here())
    }

    /// The same value in a type that holds every value of this one.
    #[track_caller]
    pub fn cast(self, ty: Type) -> Expr<'m> {
        let source = here();
        if self.ty.join(ty) != ty && !self.constant().is_some_and(|v| ty.is_legal() && ty.holds(&v))
        {
            let target = "cast".into();
            let kind = ErrorKind::TypeMismatch { target, expected: ty, found: self.ty };
            self.builder.report(kind, source);
        }
        self.cast_at(ty, source)
    }

    /// The nearest value that `ty` holds.
    #[track_caller]
    pub fn saturate(self, ty: Type) -> Expr<'m> {
        let source = here();
        if !ty.is_legal() || self.ty.join(ty) == ty {
            return self.cast_at(ty, source);
        }
        let mut value = self.cast_at(ty, source);
        let most = ty.max().lift(self.builder, source).cast_at(ty, source);
        let above = self.binary(BinaryOp::Gt, most, source);
        value = self.builder.node(Op::Mux(above.id, most.id, value.id), ty, source);
        let least = ty.min().lift(self.builder, source).cast_at(ty, source);
        let below = self.binary(BinaryOp::Lt, least, source);
        self.builder.node(Op::Mux(below.id, least.id, value.id), ty, source)
    }

    /// The same bits, read as an unsigned number.
    #[track_caller]
    pub fn as_unsigned(self) -> Expr<'m> {
        self.cast_at(uint(self.width()), here())
    }

    /// The same bits, read as a two's complement number.
    #[track_caller]
    pub fn as_signed(self) -> Expr<'m> {
        self.cast_at(sint(self.width()), here())
    }

    /// The magnitude: unsigned and just as wide, since -2^(w-1) has magnitude 2^(w-1).
    #[track_caller]
    pub fn abs(self) -> Expr<'m> {
        let source = here();
        if !self.ty.signed {
            return self;
        }
        let negated = -self;
        let ty = uint(self.width());
        let (a, b) = (negated.cast_at(ty, source), self.cast_at(ty, source));
        self.builder.node(Op::Mux(self.msb().id, a.id, b.id), ty, source)
    }

    /// The smaller of the two values.
    #[track_caller]
    pub fn min(self, other: impl Operand<'m>) -> Expr<'m> {
        let other = other.lift(self.builder, here());
        self.lt(other).mux(self, other)
    }

    /// The greater of the two values.
    #[track_caller]
    pub fn max(self, other: impl Operand<'m>) -> Expr<'m> {
        let other = other.lift(self.builder, here());
        self.gt(other).mux(self, other)
    }

    /// The same value under a name that stands in the emitted Verilog.
    ///
    /// Without one, a value that needs a wire of its own is named after what it is used for.
    #[track_caller]
    pub fn named(self, name: &str) -> Expr<'m> {
        self.builder.named(self, name, here())
    }

    pub(super) fn cast_at(self, ty: Type, source: Source) -> Expr<'m> {
        self.builder.node(Op::Cast(self.id), ty, source)
    }

    fn unsigned_operand(self, what: &str, source: Source) -> Expr<'m> {
        if self.ty.signed {
            let text = format!("{what} is unsigned, not {}", self.ty);
            self.builder.report(ErrorKind::Misuse(text), source);
            return self.cast_at(uint(self.width()), source);
        }
        self
    }
}

/// The bits of several values side by side, the first on top, unsigned.
#[track_caller]
pub fn concat<'m, T: Operand<'m> + Copy>(m: &'m ModuleBuilder, items: &[T]) -> Expr<'m> {
    let source = here();
    let items: Vec<_> = items.iter().map(|item| item.lift(m, source)).collect();
    if items.is_empty() {
        m.report(ErrorKind::Empty("a concatenation".into()), source);
        return m.node(Op::Const(0.into()), bit(), source);
    }
    let width = items.iter().fold(0u32, |sum, item| sum.saturating_add(item.width()));
    m.node(Op::Concat(items.iter().map(|item| item.id).collect()), uint(width), source)
}

/// Several values packed into one, the first in the lowest bits, unsigned: the inverse of
/// [`Expr::elements`].
#[track_caller]
pub fn pack<'m, T: Operand<'m> + Copy>(m: &'m ModuleBuilder, items: &[T]) -> Expr<'m> {
    let reversed: Vec<T> = items.iter().rev().copied().collect();
    concat(m, &reversed)
}

#[track_caller]
pub(super) fn here() -> Source {
    Source(Location::caller())
}

macro_rules! binary_operators {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        impl<'m, T: Operand<'m>> std::ops::$trait<T> for Expr<'m> {
            type Output = Expr<'m>;
            #[track_caller]
            fn $method(self, other: T) -> Expr<'m> {
                self.binary(BinaryOp::$op, other, here())
            }
        }

        impl<'m, T: Operand<'m>> std::ops::$trait<T> for Signal<'m> {
            type Output = Expr<'m>;
            #[track_caller]
            fn $method(self, other: T) -> Expr<'m> {
                self.expr().binary(BinaryOp::$op, other, here())
            }
        }
    )*};
}
binary_operators! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    BitAnd bitand And;
    BitOr bitor Or;
    BitXor bitxor Xor;
}

macro_rules! shift_operators {
    ($($type:ident)*) => {$(
        /// The value multiplied by `2^amount`: `amount` zeros come in below.
        impl<'m> std::ops::Shl<u32> for $type<'m> {
            type Output = Expr<'m>;
            #[track_caller]
            fn shl(self, amount: u32) -> Expr<'m> {
                let e: Expr<'m> = self.into();
                e.shl_const(amount, here())
            }
        }

        /// The value divided by `2^amount`, rounded down: the low `amount` bits go. At least one
        /// bit stays.
        impl<'m> std::ops::Shr<u32> for $type<'m> {
            type Output = Expr<'m>;
            #[track_caller]
            fn shr(self, amount: u32) -> Expr<'m> {
                let e: Expr<'m> = self.into();
                e.shr_const(amount, here())
            }
        }
    )*};
}
shift_operators!(Expr Signal);

macro_rules! unary_operators {
    ($($type:ident)*) => {$(
        impl<'m> std::ops::Not for $type<'m> {
            type Output = Expr<'m>;
            #[track_caller]
            fn not(self) -> Expr<'m> {
                let e: Expr<'m> = self.into();
                e.unary(UnaryOp::Not, e.ty, here())
            }
        }

        impl<'m> std::ops::Neg for $type<'m> {
            type Output = Expr<'m>;
            #[track_caller]
            fn neg(self) -> Expr<'m> {
                let e: Expr<'m> = self.into();
                e.unary(UnaryOp::Negate, sint(e.width().saturating_add(1)), here())
            }
        }
    )*};
}
unary_operators!(Expr Signal);

impl<'m> From<Signal<'m>> for Expr<'m> {
    fn from(signal: Signal<'m>) -> Expr<'m> {
        signal.expr()
    }
}

impl ModuleBuilder {
    /// Makes a node, simplified where that leaves the type as it is.
    pub(super) fn node(&self, op: Op, ty: Type, source: Source) -> Expr<'_> {
        let (op, ty) = if ty.is_legal() {
            (op, ty)
        } else {
            let what = "the result".into();
            self.report(ErrorKind::Width { what, width: ty.width.into() }, source);
            (Op::Const(0.into()), ty.with_width(1))
        };
        let id = self.with_nodes(|nodes| match fold::simplify(nodes, op, ty) {
            fold::Simplified::Node(id) => id,
            fold::Simplified::Op(op) => {
                nodes.push(Node { op, ty, name: None, source });
                NodeId(nodes.len() as u32 - 1)
            }
        });
        Expr { builder: self, id, ty }
    }

    /// Makes sure that an expression is one unsigned bit.
    pub(super) fn condition<'m>(&'m self, e: Expr<'m>, source: Source) -> Expr<'m> {
        let e = e.lift(self, source);
        if e.ty != bit() {
            self.report(ErrorKind::NotABit(e.ty), source);
            return self.node(Op::Cast(e.id), bit(), source);
        }
        e
    }
}
