//! Mapping to the OSU018 cells: Yosys, and abc with the liberty file.

use std::path::Path;

use crate::eda::{ToolError, YOSYS, file_names, in_folder, liberty};
use crate::verilog::File;

/// What a latch becomes; `dfflibmap` knows flip-flops only.
const LATCHES: &str = "\
module \\$_DLATCH_P_ (input E, input D, output Q);
  LATCH _TECHMAP_REPLACE_ (.CLK(E), .D(D), .Q(Q));
endmodule
module \\$_DLATCH_N_ (input E, input D, output Q);
  wire open;
  \\$_NOT_ invert (.A(E), .Y(open));
  LATCH _TECHMAP_REPLACE_ (.CLK(open), .D(D), .Q(Q));
endmodule
";

/// What drives inputs and flip-flops, and what an output or the input of a flip-flop loads, in fF:
/// with these abc sizes cells and puts buffers where a net has many readers.
const CONSTRAINTS: &str = "set_driving_cell INVX4\nset_load 10\n";

/// A module mapped to cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Netlist {
    /// The module.
    pub top: String,
    /// The netlist as Verilog: instances of cells, and, where the hierarchy was kept, of the
    /// modules below.
    pub text: String,
}

/// Maps a module to OSU018 cells; `flat` dissolves the modules that it instances. Memories become
/// flip-flops.
///
/// # Errors
/// If Yosys or the liberty file is missing, or Yosys does not accept the text.
pub(crate) fn map(files: &[File], top: &str, flat: bool) -> Result<Netlist, ToolError> {
    in_folder(files, |folder| {
        let script = script(&file_names(files), top, flat, liberty()?);
        write(&folder.join("latches.v"), LATCHES)?;
        write(&folder.join("abc.constr"), CONSTRAINTS)?;
        YOSYS.run_well(folder, &["-q", "-p", &script])?;
        let what = "cannot read the netlist".to_string();
        let text = std::fs::read_to_string(folder.join("netlist.v"))
            .map_err(|source| ToolError::Files { what, source })?;
        Ok(Netlist { top: top.to_string(), text })
    })
}

/// No `$macc` is made: `alumacc` fuses `acc + a * b` into one, which costs half as much area again.
fn script(files: &[String], top: &str, flat: bool, liberty: &Path) -> String {
    let (files, liberty) = (files.join(" "), liberty.display());
    let flatten = if flat { "-flatten " } else { "" };
    format!(
        "read_liberty -lib {liberty}; read_verilog {files}; \
         synth {flatten}-noalumacc -top {top}; setundef -zero; techmap -map latches.v; \
         dfflibmap -liberty {liberty}; abc -liberty {liberty} -constr abc.constr; \
         opt_clean -purge; check -mapped -assert; write_verilog -noattr netlist.v"
    )
}

fn write(path: &Path, text: &str) -> Result<(), ToolError> {
    let what = format!("cannot write {}", path.display());
    std::fs::write(path, text).map_err(|source| ToolError::Files { what, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::{Configured, REGISTRY};
    use crate::{tech, verilog};

    /// Every register has a cell, whatever its reset and edge, latches too.
    #[test]
    fn every_block_becomes_cells() {
        for entry in REGISTRY {
            let block = Configured::defaults(entry);
            // A RAM of its default size takes long as flip-flops.
            if entry.name == "sync_ram" {
                continue;
            }
            let module = block.elaborate().unwrap();
            let files = verilog::emit(&module, &tech::style(&block.tech, None)).unwrap();
            for flat in [true, false] {
                let netlist = map(&files, &module.name, flat).unwrap();
                assert!(netlist.text.contains(&format!("module {}(", module.name)));
                assert!(["DFF", "LATCH"].iter().any(|cell| netlist.text.contains(cell)));
                assert!(!netlist.text.contains("$_"), "{}", netlist.text);
                assert!(!netlist.text.contains("always"), "{}", netlist.text);
            }
        }
    }
}
