//! How wide what a decision computes is, and how many digits its factors have.

use num_bigint::BigInt;

use super::sums::Sum;
use super::{CoherenceMetricParameters, Metric};
use crate::hdl::{Type, sint, uint};

/// Bits of a similarity's threshold: 1.0 and 16 bits below.
const SIMILARITY_BITS: u32 = 17;
/// Bits of a normalised distance's threshold, all of them below 1.0.
const FRACTION_BITS: u32 = 8;

/// Whether one of these metrics is built in.
fn has(p: &CoherenceMetricParameters, metrics: &[Metric]) -> bool {
    p.metrics().iter().any(|metric| metrics.contains(metric))
}

const SIMILARITIES: &[Metric] = &[Metric::Cosine, Metric::Correlation];
const ABSOLUTE: &[Metric] = &[Metric::L1, Metric::L2];

/// Bits of a threshold that comes in.
pub(super) fn threshold_bits(p: &CoherenceMetricParameters) -> u32 {
    let similarity = if has(p, SIMILARITIES) { SIMILARITY_BITS } else { 0 };
    let absolute = if has(p, ABSOLUTE) { p.width + 8 } else { 0 };
    similarity.max(absolute).max(FRACTION_BITS)
}

/// The types and digits of a decision.
pub(super) struct Sizes {
    /// Bits of a digit.
    pub digit: u32,
    /// Bits of a threshold with its hysteresis.
    pub threshold: u32,
    /// The square of one.
    pub square: Type,
    /// The factors of a similarity, which are not negative: a sum of squares or a variance.
    pub value: Type,
    /// The square of one.
    pub value_square: Type,
    /// The dividend of a linear distance.
    pub sum_left: Type,
    /// The dividend of a squared distance.
    pub square_left: Type,
    /// What thresholds are multiplied with.
    pub right: Type,
    /// The dividend.
    pub left: Type,
    /// The multiplier's sum so far.
    pub accumulator: Type,
    /// Digits of a threshold.
    pub threshold_digits: u32,
    /// Digits of a threshold, or of its square, as the divisor is multiplied by it.
    pub scale_digits: u32,
    /// Digits of `value`.
    pub value_digits: u32,
    /// Digits of a sum of elements.
    pub sum_digits: u32,
    /// Digits of a number of elements.
    pub elements_digits: u32,
}

impl Sizes {
    pub fn new(p: &CoherenceMetricParameters) -> Sizes {
        let has = |metrics: &[Metric]| has(p, metrics);
        let sum = |sum: Sum| sum.ty(p.width, p.longest);
        let (similarity, correlation) = (has(SIMILARITIES), has(&[Metric::Correlation]));
        let linear = has(&[Metric::L1, Metric::NormalisedL1]);
        let squared_distance = has(&[Metric::L2, Metric::NormalisedL2]);

        // The sum of a threshold below 1.0 and a hysteresis has one bit more.
        let threshold = threshold_bits(p).max(FRACTION_BITS + 1);
        let most: BigInt = uint(threshold).max();
        let one = BigInt::from(1) << (SIMILARITY_BITS - 1);
        let squares = [(squared_distance, &most * &most), (similarity, &one * &one)];
        let squares =
            squares.into_iter().filter(|(is_built, _)| *is_built).map(|(_, square)| square);
        let square = squares.max().unwrap_or_default();
        let scale = if linear { square.clone().max(most) } else { square.clone() };
        let square = Type::of(&square);
        let scale = Type::of(&scale);

        let elements = BigInt::from(p.longest);
        let most_difference = uint(p.width).max();
        let mut value = if has(&[Metric::Cosine]) { sum(Sum::Squares).max() } else { 1.into() };
        if correlation {
            let range: BigInt = &elements * &most_difference;
            value = value.max(&range * &range / 4);
        }
        let value_square = Type::of(&(&value * &value));
        let value = Type::of(&value);
        let sum_left = sum(Sum::Differences);
        let square_left = Type::of(&(&elements * &most_difference * &most_difference));

        let (mut right, mut left) = (uint(1), uint(1));
        if similarity {
            right = right.join(value_square);
            left = left.join(value_square).join(sint(value.width + 1)).join(sum(Sum::Products));
        }
        if has(ABSOLUTE) {
            right = right.join(Type::of(&elements));
        }
        if has(&[Metric::NormalisedL1]) {
            right = right.join(Type::of(&(sum(Sum::Magnitudes).max() * 2)));
        }
        if has(&[Metric::NormalisedL2]) {
            right = right.join(Type::of(&((BigInt::from(2) * &elements) << (2 * p.width - 2))));
        }
        if linear {
            left = left.join(sum_left);
        }
        if squared_distance {
            left = left.join(square_left);
        }
        // What is multiplied by a digit; the sum so far is never more than it, nor than its start.
        let mut accumulator = right;
        if square.width > 1 {
            accumulator = accumulator.join(uint(threshold));
        }
        if correlation {
            let start = (&elements * &elements) << (2 * p.width - 2);
            let operands = accumulator.join(sum(Sum::Elements)).join(sum(Sum::Products));
            let widest = operands.join(sum(Sum::Squares)).join(sint(value.width + 1));
            accumulator = sint(widest.join(Type::of(&start)).join(Type::of(&-start)).width + 1);
        }

        let sum_width = sum(Sum::Elements).width;
        let elements_width = Type::of(&elements).width;
        let mut widest = scale.width.max(threshold);
        if similarity {
            widest = widest.max(value.width);
        }
        if correlation {
            widest = widest.max(sum_width).max(elements_width);
        }
        let digit = p.digit.min(widest);
        let digits = |width: u32| width.div_ceil(digit);
        Sizes {
            digit,
            threshold,
            square,
            value,
            value_square,
            sum_left,
            square_left,
            right,
            left,
            accumulator,
            threshold_digits: digits(threshold),
            scale_digits: digits(scale.width),
            value_digits: if similarity { digits(value.width) } else { 1 },
            sum_digits: if correlation { digits(sum_width) } else { 1 },
            elements_digits: if correlation { digits(elements_width) } else { 1 },
        }
    }

    /// Digits of the widest factor.
    pub fn most_digits(&self) -> u32 {
        let values = self.value_digits.max(self.sum_digits).max(self.elements_digits);
        let squared = if self.square.width > 1 { self.threshold_digits } else { 1 };
        values.max(squared).max(self.scale_digits)
    }
}
