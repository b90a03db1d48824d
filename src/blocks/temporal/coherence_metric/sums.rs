//! The sums over a vector, and what they can be.

use num_bigint::BigInt;

use super::{CoherenceMetricParameters, Metric};
use crate::hdl::{Type, sint};

/// A sum over the elements of a vector `a` and of the one before, `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    /// Σa.
    Elements,
    /// Σa².
    Squares,
    /// Σab.
    Products,
    /// Σ|a−b|.
    Differences,
    /// Σ|a|.
    Magnitudes,
}

impl Sum {
    /// The sums that the metrics need.
    pub fn needed(p: &CoherenceMetricParameters) -> Vec<Sum> {
        let any = |metrics: &[Metric]| p.metrics().iter().any(|metric| metrics.contains(metric));
        let squares = any(&[Metric::Cosine, Metric::Correlation, Metric::L2, Metric::NormalisedL2]);
        let needed = [
            (any(&[Metric::Correlation]), Sum::Elements),
            (squares, Sum::Squares),
            (squares, Sum::Products),
            (any(&[Metric::L1, Metric::NormalisedL1]), Sum::Differences),
            (any(&[Metric::NormalisedL1]), Sum::Magnitudes),
        ];
        needed.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, sum)| sum).collect()
    }

    /// What is added up, in names.
    pub fn name(self) -> &'static str {
        match self {
            Sum::Elements => "a",
            Sum::Squares => "aa",
            Sum::Products => "ab",
            Sum::Differences => "difference",
            Sum::Magnitudes => "abs_a",
        }
    }

    /// The same of the vector before, which is remembered; none where `b` is in the sum anyway.
    pub fn before(self) -> Option<&'static str> {
        match self {
            Sum::Elements => Some("b"),
            Sum::Squares => Some("bb"),
            Sum::Magnitudes => Some("abs_b"),
            Sum::Products | Sum::Differences => None,
        }
    }

    /// The smallest type for so many elements of `width` bits.
    pub fn ty(self, width: u32, elements: u32) -> Type {
        let element = sint(width);
        let (least, most) = (element.min(), element.max());
        let (lowest, highest): (BigInt, BigInt) = match self {
            Sum::Elements => (least, most),
            Sum::Squares => (0.into(), &least * &least),
            Sum::Products => (&least * &most, &least * &least),
            Sum::Differences => (0.into(), most - least),
            Sum::Magnitudes => (0.into(), -least),
        };
        Type::of(&(lowest * elements)).join(Type::of(&(highest * elements)))
    }
}
