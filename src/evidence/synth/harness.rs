//! A module around a block that makes every path one between registers and needs few pins.

use std::fmt::Write as _;

use crate::config::{Reset, Tech};
use crate::hdl::Module;
use crate::hdl::ir::Direction;
use crate::verilog::File;

/// What the module around a block is called.
pub(super) const HARNESS: &str = "lacuna_harness";

/// The harness of a module: a shift register behind one pin drives the inputs, registers take the
/// outputs, and a second row of them folds these into one pin, bit by bit, with one gate between.
pub(super) fn harness(module: &Module, tech: &Tech) -> File {
    let is_input = |name: &&(&str, u32, bool)| name.2;
    let ports: Vec<(&str, u32, bool)> = (0..module.ports.len())
        .map(|index| {
            let is_input = module.direction(module.ports[index]) == Direction::Input;
            let signal = module.port(index);
            (signal.name.as_str(), signal.ty.width, is_input)
        })
        .collect();
    let bits = |inputs: bool| -> u32 {
        ports.iter().filter(|port| is_input(port) == inputs).map(|port| port.1).sum()
    };
    let (inputs, outputs) = (bits(true), bits(false));
    let reset = tech.reset.port();
    let reset_port =
        if module.has_reset { format!("  input  wire {reset},\n") } else { String::new() };
    let mut text = format!(
        "`default_nettype none\n\nmodule {HARNESS} (\n  input  wire clk_i,\n{reset_port}  \
         input  wire in_i,\n  output wire out_o\n);\n"
    );
    let _ = writeln!(text, "  reg  [{inputs}:0] in_q;  // the pin itself, then what drives inputs");
    let _ = writeln!(text, "  wire [{outputs}:0] out;  // nothing, then the outputs");
    let _ = writeln!(text, "  reg  [{outputs}:0] out_q;\n  reg  [{outputs}:0] fold_q;\n");
    let _ = writeln!(text, "  assign out[0] = in_q[0];\n  assign out_o = fold_q[{outputs}];\n");
    text.push_str("  always @(posedge clk_i) begin\n");
    let shifted = match inputs {
        0 => "in_i".to_string(),
        _ => format!("{{in_q[{}:0], in_i}}", inputs - 1),
    };
    let folded = match outputs {
        0 => "out_q".to_string(),
        _ => format!("{{fold_q[{}:0], 1'b0}} ^ out_q", outputs - 1),
    };
    let _ = writeln!(text, "    in_q <= {shifted};\n    out_q <= out;\n    fold_q <= {folded};");
    text.push_str("  end\n\n");
    let mut connections: Vec<String> = vec![];
    if module.has_clock {
        connections.push("clk_i(clk_i)".into());
    }
    if module.has_reset {
        // A reset that is looked at by the clock comes from a register, as any other input does.
        let from = if tech.reset == Reset::AsyncLow { reset } else { "reset_q" };
        if from == "reset_q" {
            let _ =
                writeln!(text, "  reg reset_q;\n  always @(posedge clk_i) reset_q <= {reset};\n");
        }
        connections.push(format!("{reset}({from})"));
    }
    let (mut next_in, mut next_out) = (1, 1);
    for (name, width, is_input) in ports {
        let (net, next) = if is_input { ("in_q", &mut next_in) } else { ("out", &mut next_out) };
        connections.push(format!("{name}({net}[{}:{next}])", *next + width - 1));
        *next += width;
    }
    let _ =
        writeln!(text, "  {} u_block (\n    .{}\n  );", module.name, connections.join(",\n    ."));
    text.push_str("endmodule\n\n`default_nettype wire\n");
    File { module: HARNESS.to_string(), text }
}

/// The module with its ports alone, as a black box.
pub(super) fn stub(module: &Module, tech: &Tech) -> File {
    let mut ports: Vec<String> = vec![];
    if module.has_clock {
        ports.push("input wire clk_i".into());
    }
    if module.has_reset {
        ports.push(format!("input wire {}", tech.reset.port()));
    }
    ports.extend((0..module.ports.len()).map(|index| {
        let signal = module.port(index);
        let is_input = module.direction(module.ports[index]) == Direction::Input;
        let direction = if is_input { "input" } else { "output" };
        format!("{direction} wire [{}:0] {}", signal.ty.width - 1, signal.name)
    }));
    let (name, ports) = (&module.name, ports.join(",\n  "));
    let text = format!("(* blackbox *)\nmodule {name} (\n  {ports}\n);\nendmodule\n");
    File { module: name.clone(), text }
}
