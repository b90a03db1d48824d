//! Tests of the clock gate; how a gated clock behaves, the evaluator's own tests say.

use super::*;
use crate::blocks::testing::{agrees, elaborate, snapshot};
use crate::config::ClockGate;
use crate::hdl::eval::{EvalError, Evaluator};

#[test]
fn edges_pass_where_the_enable_is() {
    agrees::<ClockGateBlock>(&NoParameters);
}

#[test]
fn a_bare_gate_is_not_evaluated() {
    let module = elaborate::<ClockGateBlock>(&NoParameters);
    assert!(matches!(Evaluator::new(&module), Err(EvalError::BlackBox { .. })));
}

#[test]
fn snapshots() {
    let tech = |clock_gate| Tech { clock_gate, ..Tech::default() };
    snapshot!(ClockGateBlock, "clock_gate_latch", NoParameters, tech(ClockGate::Latch));
    snapshot!(
        ClockGateBlock,
        "clock_gate_falling_edge",
        NoParameters,
        tech(ClockGate::FallingEdge)
    );
}
