//! Tests of the clock gate; how a gated clock behaves, the evaluator's own tests say.

use super::*;
use crate::blocks::testing::{agrees_with, design, elaborate, snapshot};
use crate::config::{ClockGate, Name};
use crate::cosim::Plan;
use crate::hdl::eval::{EvalError, Evaluator};

#[test]
fn edges_pass_where_the_enable_is() {
    for word in ClockGate::WORDS {
        let tech = Tech { clock_gate: word.parse().unwrap(), ..Tech::default() };
        agrees_with::<ClockGateBlock>(&NoParameters, tech, &Plan::default());
    }
}

/// The cell that somebody else brings stands apart, and the gate says nothing that it could not.
#[test]
fn a_cell_is_instanced_by_its_name() {
    let tech = Tech {
        clock_gate: ClockGate::Cell,
        clock_gate_cell: Name::of("sky130_fd_sc_hd__dlclkp_1"),
        clock_gate_clock: Name::of("CLK"),
        clock_gate_enable: Name::of("GATE"),
        clock_gate_test: Name::of(""),
        clock_gate_output: Name::of("GCLK"),
        ..Tech::default()
    };
    agrees_with::<ClockGateBlock>(&NoParameters, tech, &Plan::default());
    let design = design::<ClockGateBlock>("clock_gate", &NoParameters, tech);
    let files = design.files();
    let text = |path: &str| {
        let found = files.iter().find(|(known, _)| known == path);
        &found.unwrap_or_else(|| panic!("there is no {path}")).1
    };
    let gate = text("rtl/clock_gate.v");
    for line in [
        ".CLK(clk_i)",
        ".GATE(enable_i || test_enable_i)",
        ".GCLK(clk_o)",
        "sky130_fd_sc_hd__dlclkp_1 u_",
    ] {
        assert!(gate.contains(line), "{line}: {gate}");
    }
    let model = "models/sky130_fd_sc_hd__dlclkp_1.v";
    assert!(text(model).contains("input  wire GATE"));
    // No flow reads it that does not ask for it.
    let list = text("clock_gate.f");
    assert!(list.contains(&format!("\n// {model}\n")) && !list.contains(&format!("\n{model}\n")));
    assert!(text("clock_gate.core").contains("\"tool_icarus? (models)\""));
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
    snapshot!(ClockGateBlock, "clock_gate_cell", NoParameters, tech(ClockGate::Cell));
    snapshot!(ClockGateBlock, "clock_gate_bufgce", NoParameters, tech(ClockGate::Bufgce));
}
