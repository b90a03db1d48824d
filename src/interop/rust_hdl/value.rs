//! What moves between ports of run-time width and rust-hdl's types.

use std::fmt;

use num_bigint::{BigInt, BigUint};
use num_traits::One;
use rust_hdl_core::bits::{Bit, Bits};
use rust_hdl_core::clock::Clock;
use rust_hdl_core::signed::{Signed, signed_cast, unsigned_cast};

use crate::hdl::Type;

/// Bits of a width known at run time: what stands in for rust-hdl's `Bits<N>` at a
/// [`Port`](super::Port).
///
/// It converts from and into `Bits<N>`, `Signed<N>`, `bool` and `Clock`, so that inside of a
/// `#[hdl_gen]` function `.into()` is all there is to write, which leaves no trace in the Verilog.
///
/// ```
/// use lacuna::interop::rust_hdl::Value;
/// use lacuna::interop::rust_hdl::rust_hdl_core::prelude::*;
/// let value = Value::from(bits::<12>(0xabc));
/// assert_eq!((value.width(), value.to_string()), (12, "12'habc".to_string()));
/// assert_eq!(Bits::<12>::from(value), bits(0xabc));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    bits: BigUint,
    width: u32,
}

impl Value {
    /// The low `width` bits of `value`, in two's complement if it is negative.
    pub fn new(value: impl Into<BigInt>, width: u32) -> Value {
        let modulus = BigInt::one() << width;
        let bits = ((value.into() % &modulus) + &modulus) % modulus;
        Value { bits: bits.to_biguint().expect("the remainder is not negative"), width }
    }

    /// The number of bits.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The bits as an unsigned number.
    pub fn bits(&self) -> &BigUint {
        &self.bits
    }

    /// The number that the bits stand for, read by the signedness of `ty`.
    pub fn number(&self, ty: Type) -> BigInt {
        ty.wrap(&BigInt::from(self.bits.clone()))
    }

    #[track_caller]
    fn expect_width(&self, width: usize) {
        let own = self.width;
        assert!(own as usize == width, "a value of {own} bits where {width} are needed");
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}'h{:x}", self.width, self.bits)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<const N: usize> From<Bits<N>> for Value {
    fn from(bits: Bits<N>) -> Value {
        let bits = num_bigint_04::BigUint::from(bits).to_bytes_le();
        Value { bits: BigUint::from_bytes_le(&bits), width: N as u32 }
    }
}

impl<const N: usize> From<Signed<N>> for Value {
    fn from(value: Signed<N>) -> Value {
        unsigned_cast(value).into()
    }
}

impl From<Bit> for Value {
    fn from(bit: Bit) -> Value {
        Value { bits: u32::from(bit).into(), width: 1 }
    }
}

impl From<Clock> for Value {
    fn from(clock: Clock) -> Value {
        clock.clk.into()
    }
}

impl<const N: usize> From<Value> for Bits<N> {
    /// # Panics
    /// If the value is not `N` bits wide.
    #[track_caller]
    fn from(value: Value) -> Bits<N> {
        value.expect_width(N);
        num_bigint_04::BigUint::from_bytes_le(&value.bits.to_bytes_le()).into()
    }
}

impl<const N: usize> From<Value> for Signed<N> {
    /// # Panics
    /// If the value is not `N` bits wide.
    #[track_caller]
    fn from(value: Value) -> Signed<N> {
        signed_cast(value.into())
    }
}

impl From<Value> for Bit {
    /// # Panics
    /// If the value is not one bit wide.
    #[track_caller]
    fn from(value: Value) -> Bit {
        value.expect_width(1);
        value.bits.is_one()
    }
}

impl From<Value> for Clock {
    /// # Panics
    /// If the value is not one bit wide.
    #[track_caller]
    fn from(value: Value) -> Clock {
        Clock { clk: value.into() }
    }
}
