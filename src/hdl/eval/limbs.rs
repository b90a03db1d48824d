//! How a value lies in memory: 64-bit limbs, the lowest first, in canonical form.
//!
//! Canonical means extended to whole limbs as the type says: with the sign if it is signed, with
//! zeros if not. Two values of one type are then equal exactly if their limbs are, and the low limb
//! of a value of at most 64 bits computes like a plain machine word.

use num_bigint::{BigInt, Sign};

use crate::hdl::ty::{Type, uint};

/// Bits in a limb.
pub(super) const BITS: u32 = u64::BITS;

/// The number of limbs of a value of `width` bits.
pub(super) const fn count(width: u32) -> u32 {
    width.div_ceil(BITS)
}

/// Whether a value of type `from`, read modulo `2^width` as a `to`, has the very same limbs.
pub(super) fn same_limbs(from: Type, to: Type) -> bool {
    count(from.width) == count(to.width) && (to.width.is_multiple_of(BITS) || from.join(to) == to)
}

/// What fills the limbs above a value whose top limb is `top`.
pub(super) const fn extension(top: u64, signed: bool) -> u64 {
    if signed { (top as i64 >> (BITS - 1)) as u64 } else { 0 }
}

/// Extends the low `width` bits of a limb to all of it; `width` is 1 to 64.
pub(super) const fn extend(limb: u64, width: u32, signed: bool) -> u64 {
    let unused = BITS - width;
    if signed { ((limb << unused) as i64 >> unused) as u64 } else { limb << unused >> unused }
}

/// Brings limbs whose low `ty.width` bits are right into canonical form.
pub(super) fn canonicalize(limbs: &mut [u64], ty: Type) {
    let used = ty.width % BITS;
    if let (Some(top), 1..) = (limbs.last_mut(), used) {
        *top = extend(*top, used, ty.signed);
    }
}

/// The canonical limbs of `value` modulo `2^width`.
pub(super) fn from_integer(value: &BigInt, ty: Type) -> Vec<u64> {
    let limbs = count(ty.width) as usize;
    let pattern = uint(ty.width).wrap(value);
    let mut digits: Vec<u64> = pattern.iter_u64_digits().collect();
    digits.resize(limbs, 0);
    canonicalize(&mut digits, ty);
    digits
}

/// The number that canonical limbs stand for.
pub(super) fn to_integer(limbs: &[u64], ty: Type) -> BigInt {
    let words = limbs.iter().flat_map(|&limb| [limb as u32, (limb >> 32) as u32]).collect();
    ty.wrap(&BigInt::new(Sign::Plus, words))
}
