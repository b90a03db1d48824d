//! What is proven of the coherence metric.

use super::CoherenceMetricParameters;
use super::decide::Decision;
use crate::hdl::{Expr, ModuleBuilder, StreamIn, StreamOut};

/// What the block knows.
pub(super) struct State<'m> {
    /// Whether a beat goes in.
    pub accept: Expr<'m>,
    /// Whether a vector becomes whole.
    pub load: Expr<'m>,
    /// Whether there is a beat that is added up, and whether its vector ends with it.
    pub loaded: Expr<'m>,
    pub ends: Expr<'m>,
    /// Whether the vector that comes in begins a sequence.
    pub head: Expr<'m>,
    /// Whether the vector that is whole has none before.
    pub fresh: Expr<'m>,
}

pub(super) fn state<'m>(
    _m: &'m ModuleBuilder,
    _p: &CoherenceMetricParameters,
    _input: &StreamIn<'m>,
    _output: &StreamOut<'m>,
    _state: &State<'m>,
    _decision: &Decision<'m>,
) {
}
