//! The technology cells: modules whose text is a template, with a behaviour for the evaluator.

use std::sync::Arc;

use minijinja::{Value, context};

use super::render::{check_ports, generator, render};
use crate::config::{ClockGate, Reset, Tech};
use crate::hdl::{Errors, Module, ModuleBuilder, bit, index_width, uint};
use crate::verilog::{Gating, Style};

/// The name of the clock gate in emitted designs.
const CLOCK_GATE: &str = "lacuna_clock_gate";

/// How designs are printed for a technology; `digest` names the configuration in the headers.
pub fn style(tech: &Tech, digest: Option<String>) -> Style {
    let cell = clock_gate(CLOCK_GATE, tech).expect("the cell's description is fixed");
    let gating = match tech.clock_gate {
        ClockGate::Latch | ClockGate::Cell => Gating::Tree,
        // A flip-flop at the falling edge has to see one; clock buffers should not stand in a row.
        ClockGate::FallingEdge | ClockGate::Bufgce | ClockGate::Dcca => Gating::Flat,
        ClockGate::Enable => Gating::Enable,
    };
    Style { reset: tech.reset, clock_gate: Some(cell), gating, digest }
}

/// A cell that somebody else brings: its name and those of its pins.
struct Cell {
    cell: &'static str,
    library: &'static str,
    clock: &'static str,
    enable: &'static str,
    /// Empty if there is none.
    test: &'static str,
    output: &'static str,
}

impl Cell {
    /// The cell that a technology gates clocks with, if it names one.
    fn of(tech: &Tech) -> Option<Cell> {
        match tech.clock_gate {
            ClockGate::Latch | ClockGate::FallingEdge | ClockGate::Enable => None,
            ClockGate::Cell => Some(Cell {
                cell: tech.clock_gate_cell.as_str(),
                library: "your library",
                clock: tech.clock_gate_clock.as_str(),
                enable: tech.clock_gate_enable.as_str(),
                test: tech.clock_gate_test.as_str(),
                output: tech.clock_gate_output.as_str(),
            }),
            ClockGate::Bufgce => Some(Cell {
                cell: "BUFGCE",
                library: "AMD's (Xilinx') FPGAs",
                clock: "I",
                enable: "CE",
                test: "",
                output: "O",
            }),
            ClockGate::Dcca => Some(Cell {
                cell: "DCCA",
                library: "Lattice's ECP5",
                clock: "CLKI",
                enable: "CE",
                test: "",
                output: "CLKO",
            }),
        }
    }

    fn variables(&self, name: &str) -> Value {
        let &Cell { cell, library, clock, enable, test, output } = self;
        context! { name, cell, library, clock, enable, test, output, generator => generator() }
    }

    /// What stands in for the cell where its library is not there.
    fn model(&self) -> Result<Arc<Module>, Errors> {
        let m = ModuleBuilder::new(self.cell);
        m.clocking(false, false);
        for pin in [self.clock, self.enable, self.test].iter().filter(|pin| !pin.is_empty()) {
            m.input(*pin, bit());
        }
        m.output(self.output, bit());
        let text = render("clock_gate_model.v", self.variables(""));
        let module = m.finish_black_box(Some(text.clone()), None)?;
        check_ports(&module, &[], &text);
        Ok(module)
    }
}

/// The name of the cell that a technology gates clocks with, if it is one that somebody else brings:
/// the module of that name in a design only stands in for it.
pub fn foreign_cell(tech: &Tech) -> Option<&'static str> {
    Cell::of(tech).map(|cell| cell.cell)
}

/// A clock gate: `clk_o` passes a high phase of `clk_i` where `enable_i` (or `test_enable_i`) was
/// 1 before it. Where clocks are not gated at all, it is that with a latch.
///
/// # Errors
/// If `name` is not an identifier, or is that of the technology's cell.
pub fn clock_gate(name: &str, tech: &Tech) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    let when = match tech.clock_gate {
        ClockGate::FallingEdge => "at the edge before",
        _ => "when it begins",
    };
    m.doc(format!("Clock gate: passes a high phase of the clock if the enable is 1 {when}."));
    m.clocking(true, false);
    m.input("enable_i", bit());
    m.input("test_enable_i", bit());
    m.output("clk_o", bit());
    let text = match (tech.clock_gate, Cell::of(tech)) {
        (_, Some(cell)) => {
            m.part(&cell.model()?);
            render("clock_gate_cell.v", cell.variables(name))
        }
        (ClockGate::FallingEdge, None) => {
            render("clock_gate_falling_edge.v", context! { name, generator => generator() })
        }
        (_, None) => render("clock_gate_latch.v", context! { name, generator => generator() }),
    };
    let module = m.finish_black_box(Some(text.clone()), None)?;
    check_ports(&module, &["clk_i"], &text);
    Ok(module)
}

/// What is proven of [`clock_gate`]: what stands before its `endmodule` then.
pub(crate) fn clock_gate_properties(tech: &Tech) -> String {
    let latch = tech.clock_gate != ClockGate::FallingEdge;
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
