//! The technology cells: modules whose text is a template, with a behaviour for the evaluator.

use std::sync::Arc;

use minijinja::{Value, context};

use super::render::{check_ports, generator, render};
use crate::config::{ClockGate, Reset, Tech};
use crate::hdl::{Errors, Module, ModuleBuilder, bit, index_width, uint};
use crate::verilog::Style;

/// The name of the clock gate in emitted designs.
const CLOCK_GATE: &str = "lacuna_clock_gate";

/// How designs are printed for a technology; `digest` names the configuration in the headers.
pub fn style(tech: &Tech, digest: Option<String>) -> Style {
    let cell = clock_gate(CLOCK_GATE, tech).expect("the cell's description is fixed");
    Style { reset: tech.reset, clock_gate: Some(cell), digest }
}

/// A clock gate: `clk_o` passes a high phase of `clk_i` where `enable_i` (or `test_enable_i`) was
/// 1 before it.
///
/// # Errors
/// If `name` is not an identifier.
pub fn clock_gate(name: &str, tech: &Tech) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    let when = match tech.clock_gate {
        ClockGate::Latch => "when it begins",
        ClockGate::FallingEdge => "at the edge before",
    };
    m.doc(format!("Clock gate: passes a high phase of the clock if the enable is 1 {when}."));
    m.clocking(true, false);
    m.input("enable_i", bit());
    m.input("test_enable_i", bit());
    m.output("clk_o", bit());
    let template = match tech.clock_gate {
        ClockGate::Latch => "clock_gate_latch.v",
        ClockGate::FallingEdge => "clock_gate_falling_edge.v",
    };
    let text = render(template, context! { name, generator => generator() });
    let module = m.finish_black_box(Some(text.clone()), None)?;
    check_ports(&module, &["clk_i"], &text);
    Ok(module)
}

/// What is proven of [`clock_gate`]: what stands before its `endmodule` then.
pub(crate) fn clock_gate_properties(tech: &Tech) -> String {
    let latch = tech.clock_gate == ClockGate::Latch;
    render("clock_gate_properties.v", context! { latch })
}

/// A RAM of `depth` elements of `width` bits: one write port, one read port, one cycle, read-first.
///
/// # Errors
/// If `name` is not an identifier or `width` or `depth` is 0.
pub fn sync_ram(name: &str, width: u32, depth: u32) -> Result<Arc<Module>, Errors> {
    let describe = |m: &ModuleBuilder, with_logic: bool| {
        m.doc("Synchronous RAM: one write port, one read port, read-first.");
        m.parameter("width", width);
        m.parameter("depth", depth);
        m.timing(1, 1);
        let (address, data) = (uint(index_width(depth)), uint(width));
        let write_enable = m.input("write_enable_i", bit());
        let write_address = m.input("write_address_i", address);
        let write_data = m.input("write_data_i", data);
        let read_enable = m.input("read_enable_i", bit());
        let read_address = m.input("read_address_i", address);
        let read_data = m.output("read_data_o", data);
        if with_logic {
            let memory = m.memory("data", depth, data);
            memory.write(write_address, write_data, write_enable);
            read_data.set(memory.read("read_data", read_address, read_enable));
        }
    };
    let behavior = ModuleBuilder::new(name);
    describe(&behavior, true);
    let behavior = behavior.finish()?;
    let m = ModuleBuilder::new(name);
    describe(&m, false);

    let text = render("sync_ram.v", sync_ram_variables(name, width, depth));
    let module = m.finish_black_box(Some(text.clone()), Some(behavior))?;
    check_ports(&module, &["clk_i"], &text);
    Ok(module)
}

/// What is proven of [`sync_ram`]: what stands before its `endmodule` then.
pub(crate) fn sync_ram_properties(width: u32, depth: u32) -> String {
    render("sync_ram_properties.v", sync_ram_variables("", width, depth))
}

fn sync_ram_variables(name: &str, width: u32, depth: u32) -> Value {
    let range = |width: u32| match width {
        1 => String::new(),
        _ => format!("[{}:0] ", width - 1),
    };
    let address_width = index_width(depth);
    context! {
        name, width, depth,
        address_range => range(address_width),
        data_range => range(width),
        beyond => depth < 2 || !depth.is_power_of_two(),
        depth_literal => format!("{address_width}'d{depth}"),
        generator => generator(),
    }
}

/// A reset synchroniser of `stages` flip-flops (at least 2). Its output is active like its input.
///
/// # Errors
/// If `name` is not an identifier or there are fewer than 2 stages.
pub fn reset_synchronizer(name: &str, stages: u32, tech: &Tech) -> Result<Arc<Module>, Errors> {
    let (active_low, output_name) = reset_output(tech);
    let behavior = ModuleBuilder::new(name);
    let mut value = behavior.constant(true, bit());
    for stage in 0..stages {
        let register = behavior.register(format!("sync_{stage}"), bit()).reset(0);
        register.set(value);
        value = register.expr();
    }
    behavior.output(output_name, bit()).set(if active_low { value } else { !value });
    let behavior = behavior.finish()?;

    let m = ModuleBuilder::new(name);
    m.doc("Reset synchroniser: the reset begins at once and ends with the clock.");
    m.parameter("stages", stages);
    m.output(output_name, bit());
    let reset_in = tech.reset.port();
    let text = render("reset_synchronizer.v", reset_variables(name, stages, tech));
    let module = m.finish_black_box(Some(text.clone()), Some(behavior))?;
    check_ports(&module, &["clk_i", reset_in], &text);
    Ok(module)
}

/// What is proven of [`reset_synchronizer`]: what stands before its `endmodule` then.
pub(crate) fn reset_synchronizer_properties(stages: u32, tech: &Tech) -> String {
    render("reset_synchronizer_properties.v", reset_variables("", stages, tech))
}

/// Whether a synchroniser's output is active low, and what it is called.
fn reset_output(tech: &Tech) -> (bool, &'static str) {
    let active_low = tech.reset != Reset::SyncHigh;
    (active_low, if active_low { "rst_no" } else { "rst_o" })
}

fn reset_variables(name: &str, stages: u32, tech: &Tech) -> Value {
    let (active_low, reset_out) = reset_output(tech);
    let reset_in = tech.reset.port();
    context! { name, stages, reset_in, reset_out, active_low, generator => generator() }
}
