//! The sequential multiplier.

use super::sizes::Sizes;
use crate::hdl::{Expr, Machine, ModuleBuilder, Signal, Type, concat, index_width, uint};

/// The multiplier: `accumulator + factor * multiplicand`, from the lowest digit of the factor on.
/// The low digits of the product follow into the factor's register from above.
pub(super) struct Multiplier<'m> {
    pub m: &'m ModuleBuilder,
    pub sizes: Sizes,
    pub state: Machine<'m>,
    pub accumulator: Signal<'m>,
    pub factor: Signal<'m>,
    pub digits: Signal<'m>,
    /// What the accumulator becomes, with the digit of the product that leaves it.
    sum: Expr<'m>,
    /// Whether the last digit is multiplied by.
    pub at_last: Expr<'m>,
}

impl<'m> Multiplier<'m> {
    /// `multiplicand` is what it says it is in each state; in those of `signed`, the factor is
    /// signed.
    pub fn new(
        m: &'m ModuleBuilder,
        sizes: Sizes,
        state: Machine<'m>,
        multiplicand: Expr<'m>,
        signed: Option<Expr<'m>>,
    ) -> Multiplier<'m> {
        let accumulator = m.register("accumulator", sizes.accumulator);
        let factor = m.register("factor", uint(sizes.digit * sizes.most_digits()));
        let digits = m.register("digits", uint(index_width(sizes.most_digits())));
        let at_last = digits.eq(0).named("at_last_digit");
        let digit = factor.truncate(sizes.digit).named("digit");
        // The top digit of a signed factor has its sign.
        let digit = match signed {
            Some(signed) => {
                let negative = (signed & at_last & digit.msb()).named("digit_is_negative");
                concat(m, &[negative, digit]).as_signed().named("signed_digit")
            }
            None => digit,
        };
        let product = (digit * multiplicand).named("digit_product");
        let sum = (accumulator + product).named("digit_sum");
        Multiplier { m, sizes, state, accumulator, factor, digits, sum, at_last }
    }

    /// One digit more.
    pub fn step(&self) {
        let digit = self.sizes.digit;
        let low = self.sum.slice(0, digit);
        self.accumulator.set((self.sum >> digit).wrap(self.accumulator.ty()));
        self.factor.set(match self.factor.width() - digit {
            0 => low,
            rest => concat(self.m, &[low, self.factor.slice(digit, rest)]),
        });
        self.digits.set((self.digits - 1).wrap(self.digits.ty()));
    }

    /// Begins to multiply by a factor of so many digits, and to add that to `start`.
    pub fn begin(&self, state: &str, factor: Expr<'m>, digits: u32, start: Expr<'m>) {
        self.factor.set(factor.wrap(self.factor.ty()));
        self.digits.set(digits - 1);
        self.accumulator.set(start.wrap(self.accumulator.ty()));
        self.state.goto(state);
    }

    /// The product, at the last of so many digits.
    pub fn product(&self, digits: u32, ty: Type) -> Expr<'m> {
        let low = self.sizes.digit * (digits - 1);
        let sum = match low {
            0 => self.sum.as_unsigned(),
            _ => concat(self.m, &[self.sum, self.low(low)]),
        };
        let sum = if self.sum.ty().signed { sum.as_signed() } else { sum };
        sum.wrap(ty)
    }

    /// The `width` bits of the product that came out last.
    pub fn low(&self, width: u32) -> Expr<'m> {
        self.factor.slice(self.factor.width() - width, width)
    }
}
