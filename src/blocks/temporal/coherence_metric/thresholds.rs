//! The thresholds, made easier or harder to meet.

use super::CoherenceMetricParameters;
use super::sizes::{Sizes, threshold_bits};
use crate::hdl::{Expr, ModuleBuilder, uint};

/// 1.0 for a similarity.
const ONE: u32 = 1 << 16;

/// The thresholds of a kind of vectors.
#[derive(Clone, Copy)]
pub(super) struct Thresholds<'m> {
    /// All of them, the first lowest.
    pub all: Expr<'m>,
    /// By how much each is moved.
    pub hysteresis: Expr<'m>,
}

impl<'m> Thresholds<'m> {
    /// Those of the ports whose names begin with `prefix`.
    pub fn ports(
        m: &'m ModuleBuilder,
        p: &CoherenceMetricParameters,
        prefix: &str,
        what: &str,
    ) -> Thresholds<'m> {
        let bits = threshold_bits(p);
        let all = m.input_doc(
            format!("{prefix}thresholds_i"),
            uint(bits * (p.bands - 1)),
            &format!("of {what}, the first lowest"),
        );
        let hysteresis = m.input_doc(
            format!("{prefix}hysteresis_i"),
            uint(bits),
            "what makes them easier or harder to meet",
        );
        Thresholds { all, hysteresis }
    }
}

/// The threshold at a position as the current band makes it, in as many bits as [`Sizes`] says.
pub(super) fn effective<'m>(
    p: &CoherenceMetricParameters,
    thresholds: &Thresholds<'m>,
    position: Option<Expr<'m>>,
    band_before: Expr<'m>,
    similarity: Option<Expr<'m>>,
) -> Expr<'m> {
    let (given, bits) = (threshold_bits(p), Sizes::new(p).threshold);
    let (threshold, is_easier) = match position {
        Some(position) => {
            let all = thresholds.all.elements(uint(given));
            (position.select(&all).named("given_threshold"), band_before.gt(position))
        }
        None => (thresholds.all, band_before),
    };
    // A similarity is easier to meet where the threshold is lower, a distance where it is higher.
    let lowers = match similarity {
        Some(similarity) => is_easier.eq(similarity),
        None => !is_easier,
    };
    let lowers = lowers.named("lowers");
    let hysteresis = lowers.mux(!thresholds.hysteresis, thresholds.hysteresis);
    let moved = (threshold + hysteresis.named("signed_hysteresis") + lowers).truncate(given + 1);
    let moved = moved.named("moved_threshold");
    // Lowered, the carry says that it is not below 0; raised, it is one bit more.
    let (carry, low) = (moved.msb(), moved.truncate(given));
    let lowered = carry.mux(low, 0);
    let raised = match bits > given {
        true => moved,
        // So many bits hold thresholds that everything meets.
        false => carry.mux(uint(given).max(), low),
    };
    let moved = lowers.mux(lowered, raised).named("next_threshold");
    let Some(similarity) = similarity else { return moved };
    let is_above = moved.gt(ONE);
    // A normalised distance meets every threshold that is so high.
    let is_above = if p.l1 || p.l2 { similarity & is_above } else { is_above };
    is_above.mux(ONE, moved).named("next_threshold_or_1")
}
