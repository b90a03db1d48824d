//! The OSU018 cells: Yosys and abc map to them, OpenSTA finds the slowest paths.

use std::path::Path;

use super::netlist::Netlist;
use super::{Cost, Figure, Maximum, read, write};
use crate::eda::{Liberty, ToolError, YOSYS, file_names, in_folder, slowest_paths};
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

/// The same for OpenSTA, in pF.
const TIMING: &str = "if {[llength $inputs] > 0} {set_driving_cell -lib_cell INVX4 $inputs}\n\
                      set_load 0.01 [all_outputs]";

/// What the recipe is, for people.
pub(super) const RECIPE: &str = "\
    yosys synth -flatten -noalumacc, dfflibmap, abc -liberty -constr (driven by INVX4, load 10 fF); \
    memories become flip-flops; OpenSTA: typical corner, ideal clock, no wires";

/// Maps a module to OSU018 cells; `flat` dissolves the modules that it instances. Memories become
/// flip-flops.
///
/// # Errors
/// If Yosys or the liberty file is missing, or Yosys does not accept the text.
pub(crate) fn map(files: &[File], top: &str, flat: bool) -> Result<Netlist, ToolError> {
    in_folder(files, |folder| {
        let liberty = Liberty::find()?;
        map_in(folder, &liberty, &file_names(files), top, flat)
    })
}

/// As [`map`], in a folder that holds the files; leaves `netlist.v` there.
fn map_in(
    folder: &Path,
    liberty: &Liberty,
    files: &[String],
    top: &str,
    flat: bool,
) -> Result<Netlist, ToolError> {
    write(folder, "latches.v", LATCHES)?;
    write(folder, "abc.constr", CONSTRAINTS)?;
    let script = script(files, top, flat, &liberty.path);
    let output = YOSYS.run_well(folder, &["-q", "-p", &script])?;
    let (text, json) = (read(folder, "netlist.v")?, read(folder, "netlist.json")?);
    Netlist::read(top, text, &json).ok_or_else(|| YOSYS.failed(folder, &output))
}

/// No `$macc` is made: `alumacc` fuses `acc + a * b` into one, which costs half as much area again.
/// Registers are named after their nets, and what is written as JSON is read from the text, so that
/// both have the same names.
fn script(files: &[String], top: &str, flat: bool, liberty: &Path) -> String {
    let (files, liberty) = (files.join(" "), liberty.display());
    let flatten = if flat { "-flatten " } else { "" };
    format!(
        "read_liberty -lib {liberty}; read_verilog {files}; \
         synth {flatten}-noalumacc -top {top}; setundef -zero; techmap -map latches.v; \
         dfflibmap -liberty {liberty}; abc -liberty {liberty} -constr abc.constr; \
         opt_clean; check -mapped -assert; rename -wire t:DFF* t:LATCH; \
         write_verilog -noattr -simple-lhs netlist.v; design -reset; \
         read_liberty -lib {liberty}; read_verilog netlist.v; write_json netlist.json"
    )
}

/// Maps a module and measures what came of it.
pub(super) fn cost(files: &[File], top: &str) -> Result<(Netlist, Cost), ToolError> {
    in_folder(files, |folder| {
        let liberty = Liberty::find()?;
        let netlist = map_in(folder, &liberty, &file_names(files), top, true)?;
        let known = liberty.areas();
        let cells = netlist.cells();
        let area_of = |kind: &str| known.get(kind).copied().unwrap_or(0.0);
        // The sum of nothing would be -0.
        let areas = cells.iter().map(|(kind, &count)| area_of(kind) * count as f64);
        let area = areas.fold(0.0, |sum, area| sum + area);
        let mut figures = vec![
            Figure::new("area", "um^2", area),
            Figure::new("area in NAND2X1", "GE", area / area_of("NAND2X1")),
            Figure::new("cells", "", cells.values().sum::<u64>() as f64),
            Figure::new("flip-flops", "", netlist.count("DFF") as f64),
        ];
        if netlist.count("LATCH") > 0 {
            figures.push(Figure::new("latches", "", netlist.count("LATCH") as f64));
        }
        let paths = slowest_paths(folder, &liberty.path, top, TIMING)?;
        let slowest = paths.iter().map(|path| path.nanoseconds).reduce(f64::max);
        figures.extend(slowest.map(|ns| Figure::new("critical path", "ns", ns)));
        // Wires alone have no frequency.
        let slowest = slowest.filter(|&ns| ns > 0.0 && !cells.is_empty());
        let fmax = slowest.map(|ns| Maximum::exactly(1000.0 / ns));
        Ok((netlist, Cost { figures, fmax, paths, notes: vec![] }))
    })
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
            // A RAM of its default size takes long as flip-flops.
            let block = match entry.name {
                "sync_ram" => continue,
                "pe_cluster" | "requantiser" | "layer_engine" | "accelerator" => {
                    Configured::mutated(entry)
                }
                _ => Configured::defaults(entry),
            };
            let module = block.elaborate().unwrap();
            let files = verilog::emit(&module, &tech::style(&block.tech, None)).unwrap();
            for flat in [true, false] {
                let netlist = map(&files, &module.name, flat).unwrap();
                assert!(netlist.text.contains(&format!("module {}(", module.name)));
                // Of a hierarchy the top is counted, which may have none of its own.
                assert!(!flat || netlist.count("DFF") + netlist.count("LATCH") > 0);
                assert!(!netlist.text.contains("$_"), "{}", netlist.text);
                assert!(!netlist.text.contains("always"), "{}", netlist.text);
            }
        }
    }
}
