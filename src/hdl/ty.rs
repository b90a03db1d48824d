//! Types: a width in bits and a signedness.

use std::fmt;

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

/// The widest type, in bits.
pub const MAX_WIDTH: u32 = 65_536;

/// The most elements of a memory: as many as IEEE 1364 lets every tool take.
pub const MAX_DEPTH: u32 = 1 << 24;

/// The most elements of an array of instances.
pub const MAX_ELEMENTS: u32 = 1 << 20;

/// The type of an expression or a signal: how many bits it has and how they are read as a number.
///
/// Signed numbers are two's complement. A type outside of 1 to [`MAX_WIDTH`] bits can be written
/// down; declaring a signal with it, or computing an expression of it, is an error of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Width in bits.
    pub width: u32,
    /// Whether the top bit weighs `-2^(width-1)`.
    pub signed: bool,
}

/// The unsigned type of `width` bits.
pub const fn uint(width: u32) -> Type {
    Type { width, signed: false }
}

/// The signed (two's complement) type of `width` bits.
pub const fn sint(width: u32) -> Type {
    Type { width, signed: true }
}

/// The type of conditions: one unsigned bit.
pub const fn bit() -> Type {
    uint(1)
}

impl Type {
    /// The smallest type that holds `value`: unsigned unless `value` is negative.
    pub fn of(value: &BigInt) -> Type {
        if value.is_negative() {
            // -2^(w-1) needs w bits, one fewer than the next larger magnitude.
            sint(((-value - 1u32).bits() + 1) as u32)
        } else {
            uint((value.bits() as u32).max(1))
        }
    }

    /// The smallest type that holds every value of `self` and of `other`.
    pub fn join(self, other: Type) -> Type {
        match (self.signed, other.signed) {
            (false, false) => uint(self.width.max(other.width)),
            (true, true) => sint(self.width.max(other.width)),
            (true, false) => sint(self.width.max(other.width.saturating_add(1))),
            (false, true) => other.join(self),
        }
    }

    /// The same signedness at another width.
    pub const fn with_width(self, width: u32) -> Type {
        Type { width, signed: self.signed }
    }

    /// Whether the width is one that a signal may have.
    pub const fn is_legal(self) -> bool {
        self.width >= 1 && self.width <= MAX_WIDTH
    }

    /// The least value of the type. An illegal width counts as the nearest legal one.
    pub fn min(self) -> BigInt {
        let width = self.width.clamp(1, MAX_WIDTH);
        if self.signed { -(BigInt::one() << (width - 1)) } else { BigInt::zero() }
    }

    /// The greatest value of the type. An illegal width counts as the nearest legal one.
    pub fn max(self) -> BigInt {
        let width = self.width.clamp(1, MAX_WIDTH);
        (BigInt::one() << (width - u32::from(self.signed))) - 1
    }

    /// Whether `value` is one of the type's values. A type of an illegal width has none.
    pub fn holds(self, value: &BigInt) -> bool {
        self.is_legal() && *value >= self.min() && *value <= self.max()
    }

    /// The value of the type that equals `value` modulo `2^width`.
    pub fn wrap(self, value: &BigInt) -> BigInt {
        let modulus = BigInt::one() << self.width;
        let low = value & (&modulus - 1);
        if low > self.max() { low - modulus } else { low }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", if self.signed { "sint" } else { "uint" }, self.width)
    }
}

/// How many bits an index into `count` elements needs: at least one.
///
/// ```
/// use lacuna::hdl::index_width;
/// assert_eq!([1, 2, 3, 4, 5].map(index_width), [1, 1, 2, 2, 3]);
/// ```
pub const fn index_width(count: u32) -> u32 {
    match count {
        0..=2 => 1,
        _ => (count - 1).ilog2() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smallest_types() {
        let of = |v: i64| Type::of(&BigInt::from(v));
        assert_eq!([of(0), of(1), of(255), of(256)], [uint(1), uint(1), uint(8), uint(9)]);
        assert_eq!([of(-1), of(-2), of(-128), of(-129)], [sint(1), sint(2), sint(8), sint(9)]);
    }

    #[test]
    fn join_holds_both() {
        assert_eq!(uint(8).join(sint(8)), sint(9));
        assert_eq!(sint(9).join(uint(8)), sint(9));
        assert_eq!(uint(3).join(uint(5)), uint(5));
    }

    #[test]
    fn wrapping() {
        let wrap = |t: Type, v: i64| t.wrap(&BigInt::from(v));
        assert_eq!(wrap(sint(8), 200), BigInt::from(-56));
        assert_eq!(wrap(uint(8), -1), BigInt::from(255));
        assert_eq!(wrap(sint(1), 1), BigInt::from(-1));
    }
}
