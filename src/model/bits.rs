//! Bit patterns of a fixed width.

use std::fmt;

use smallvec::{SmallVec, smallvec};

/// A bit pattern of a fixed width, at least 1. Whether it is a signed number, its user knows.
///
/// ```
/// use lacuna::model::Bits;
/// let x = Bits::new(5, -3);
/// assert_eq!((x.unsigned(), x.signed()), (0b11101, -3));
/// assert_eq!(x.to_string(), "0x1d");
/// assert_eq!(Bits::concat(&[Bits::new(4, 1), Bits::new(4, 2)]), Bits::new(8, 0x21));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bits {
    width: u32,
    /// 64 bits in each, the lowest first; what lies above the width is 0.
    limbs: SmallVec<[u64; 2]>,
}

impl Bits {
    /// `value` modulo `2^width`: any Rust integer of up to 64 bits, an `i128` or a `bool`.
    ///
    /// # Panics
    /// If `width` is 0.
    pub fn new(width: u32, value: impl Into<i128>) -> Bits {
        let value: i128 = value.into();
        let sign = (value >> 127) as u64;
        let low = [value as u64, (value >> 64) as u64];
        Bits::of(width, |index| low.get(index).copied().unwrap_or(sign))
    }

    /// A pattern of 64 bits in each limb, the lowest first. Missing limbs count as 0; bits beyond
    /// the width are dropped.
    ///
    /// # Panics
    /// If `width` is 0.
    pub fn from_limbs(width: u32, limbs: &[u64]) -> Bits {
        Bits::of(width, |index| limbs.get(index).copied().unwrap_or(0))
    }

    /// All bits 0.
    pub fn zero(width: u32) -> Bits {
        Bits::of(width, |_| 0)
    }

    /// The pattern whose limbs are `limb(0)`, `limb(1)` and so on.
    pub(super) fn of(width: u32, limb: impl FnMut(usize) -> u64) -> Bits {
        assert!(width > 0, "a pattern has at least one bit");
        let mut limbs: SmallVec<_> = (0..width.div_ceil(64) as usize).map(limb).collect();
        if !width.is_multiple_of(64) {
            limbs[width as usize / 64] &= (1 << (width % 64)) - 1;
        }
        Bits { width, limbs }
    }

    /// The parts side by side, the first lowest.
    ///
    /// # Panics
    /// If there are none.
    pub fn concat(parts: &[Bits]) -> Bits {
        let width = parts.iter().map(|part| part.width).sum();
        let mut all = Bits::zero(width);
        let mut low = 0;
        for part in parts {
            all.put(low, part);
            low += part.width;
        }
        all
    }

    /// Sets the bits from `low` up, which are 0, to those of `part`.
    fn put(&mut self, low: u32, part: &Bits) {
        let (first, shift) = (low as usize / 64, low % 64);
        for (index, limb) in part.limbs.iter().enumerate() {
            self.limbs[first + index] |= limb << shift;
            let above = limb.checked_shr(64 - shift).unwrap_or(0);
            if above != 0 {
                self.limbs[first + index + 1] |= above;
            }
        }
    }

    /// `width` bits from `low` up; beyond the end there are zeros.
    ///
    /// # Panics
    /// If `width` is 0.
    pub fn slice(&self, low: u32, width: u32) -> Bits {
        let (first, shift) = (low as usize / 64, low % 64);
        let limb = |index: usize| self.limbs.get(index).copied().unwrap_or(0);
        Bits::of(width, |index| {
            let above = limb(first + index + 1).checked_shl(64 - shift).unwrap_or(0);
            limb(first + index) >> shift | above
        })
    }

    /// The pattern in parts of `width` bits, the lowest first; the last may reach beyond the end.
    ///
    /// # Panics
    /// If `width` is 0.
    pub fn lanes(&self, width: u32) -> impl Iterator<Item = Bits> + '_ {
        (0..self.width.div_ceil(width)).map(move |lane| self.slice(lane * width, width))
    }

    /// The bit at a position; beyond the end it is 0.
    pub fn bit(&self, position: u32) -> bool {
        let limb = self.limbs.get(position as usize / 64);
        limb.is_some_and(|limb| limb >> (position % 64) & 1 == 1)
    }

    /// The number of bits.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// 64 bits in each element, the lowest first; what lies above the width is 0.
    pub fn limbs(&self) -> &[u64] {
        &self.limbs
    }

    /// The low 64 bits as an unsigned number.
    pub fn unsigned(&self) -> u64 {
        self.limbs[0]
    }

    /// The number that a two's complement pattern of up to 64 bits is, or the low 64 bits of a
    /// wider one.
    pub fn signed(&self) -> i64 {
        let unused = 64 - self.width.min(64);
        (self.limbs[0] << unused) as i64 >> unused
    }

    /// The positions at which two patterns of one width differ, the lowest first.
    pub fn differences<'a>(&'a self, other: &'a Bits) -> impl Iterator<Item = u32> + 'a {
        (0..self.width).filter(|&position| self.bit(position) != other.bit(position))
    }

    /// Reads a number in decimal or, after `0x`, in hexadecimal digits; `_` between digits is
    /// skipped, a `-` in front of decimal digits negates.
    ///
    /// None if it is no such number, or needs more than `width` bits.
    pub fn parse(width: u32, text: &str) -> Option<Bits> {
        let digits: String = text.chars().filter(|&c| c != '_').collect();
        if let Some(hex) = digits.strip_prefix("0x") {
            let mut limbs: SmallVec<[u64; 2]> = smallvec![];
            let mut end = hex.len();
            if end == 0 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
                return None;
            }
            while end > 0 {
                let start = end.saturating_sub(16);
                limbs.push(u64::from_str_radix(&hex[start..end], 16).ok()?);
                end = start;
            }
            let bits = Bits::from_limbs(width, &limbs);
            let fits = limbs
                .iter()
                .enumerate()
                .all(|(index, &limb)| limb == bits.limbs.get(index).copied().unwrap_or(0));
            return fits.then_some(bits);
        }
        let value: i128 = digits.parse().ok()?;
        let bits = Bits::new(width, value);
        let wide = i128::from(bits.limbs.get(1).copied().unwrap_or(0)) << 64;
        let unsigned = wide | i128::from(bits.limbs[0]);
        let negative = width < 128 && value < 0 && value >= -(1 << (width - 1));
        (value == unsigned || negative).then_some(bits)
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{self:x}")
    }
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}'h{self:x}", self.width)
    }
}

/// As many digits as the width needs, without a prefix.
impl fmt::LowerHex for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: String = self.limbs.iter().rev().map(|limb| format!("{limb:016x}")).collect();
        f.write_str(&digits[digits.len() - self.width.div_ceil(4) as usize..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_if_they_fit() {
        let parse = |width, text| Bits::parse(width, text).map(|bits| format!("{bits:?}"));
        assert_eq!(parse(8, "0xff").as_deref(), Some("8'hff"));
        assert_eq!(parse(8, "-128").as_deref(), Some("8'h80"));
        assert_eq!(parse(8, "255").as_deref(), Some("8'hff"));
        assert_eq!(parse(65, "0x1_0000_0000_0000_0000").as_deref(), Some("65'h10000000000000000"));
        for (width, text) in
            [(8, "256"), (8, "-129"), (8, "0x100"), (64, "0x1_0000_0000_0000_0000")]
        {
            assert_eq!(parse(width, text), None, "{text}");
        }
        for text in ["", "0x", "x", "1.5", "0xg", "--1", "0x-1"] {
            assert_eq!(parse(8, text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn concatenation_and_slices_are_inverse(
            parts in proptest::collection::vec((1..200_u32, any::<[u64; 4]>()), 1..6)
        ) {
            let parts: Vec<Bits> =
                parts.iter().map(|(width, limbs)| Bits::from_limbs(*width, limbs)).collect();
            let all = Bits::concat(&parts);
            let mut low = 0;
            for part in &parts {
                prop_assert_eq!(&all.slice(low, part.width()), part);
                low += part.width();
            }
            prop_assert_eq!(all.width(), low);
            prop_assert_eq!(Bits::parse(low, &all.to_string()), Some(all));
        }
    }
}
