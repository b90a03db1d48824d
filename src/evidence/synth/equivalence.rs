//! Whether a netlist does what the Verilog says that it was made from.
//!
//! Yosys proves it by induction. Every flip-flop becomes a state that is looked at in each step of
//! time, with its clock and its asynchronous reset as ordinary signals (`clk2fflogic`), so an edge
//! or a reset of the wrong kind shows. Outputs and registers of one name are paired; a proof says
//! that where all pairs were equal for some steps they go on being so, whatever comes in. Registers
//! without a reset begin anywhere, but equal. What has too many registers for that, or a multiplier,
//! is proven in [`combinational`], if it can be.
//!
//! Nothing counts as proven by what Yosys prints: its result is read, and every output and every
//! paired register has to be one of the proven points there.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::netlist::{self, Netlist, bits, cells, kind, ports, registers};
use super::{Target, combinational, read, write};
use crate::eda::{Liberty, ToolError, file_names, in_folder, said};
use crate::verilog::File;

/// What was found out about a netlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Equivalence {
    /// Equal to the Verilog in every output at all times.
    Proven {
        /// Bits of outputs and registers that were proven equal.
        points: usize,
        /// How many of them are registers.
        registers: usize,
    },
    /// Not proven, but it agrees with the golden model wherever it was simulated.
    Simulated {
        /// Beats of outputs that were compared; of a module of plain ports, cycles.
        beats: u64,
        /// Why it is not proven.
        why: String,
    },
    /// E0404: it disagrees with the golden model.
    Refuted {
        /// Why it is not proven.
        why: String,
        /// What is wrong.
        report: String,
        /// Where the netlist lies.
        folder: String,
    },
    /// Neither proven nor simulated.
    Unchecked {
        /// Why not.
        why: String,
    },
    /// There is no netlist: the target cannot have one.
    NotMapped,
}

impl Equivalence {
    /// Whether nothing speaks against the netlist.
    pub fn is_good(&self) -> bool {
        !matches!(self, Equivalence::Refuted { .. })
    }
}

/// How a proof ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Proof {
    /// Bits of outputs and registers, and how many of them are registers.
    Proven { points: usize, registers: usize },
    /// Why there is none.
    Open(String),
    /// There was not enough time.
    Late,
}

/// With more bits of registers an induction may take many minutes, if it comes to an end: with the
/// 600 of a mask generator, more than three.
const MOST_REGISTERS: usize = 256;

/// With more, a proof by cutting takes minutes too.
const MOST_CUT: usize = 16_384;

/// Steps of time; a clock's edge takes two.
const STEPS: u32 = 2;

/// Makes memories registers, as long as there is room for that, in the Verilog and in the netlist.
pub(super) const EXPAND: &str = "proc; flatten; memory -nomap; memory_map; opt_clean";

/// Proves that a netlist does what the files say.
///
/// # Errors
/// If a tool is missing, or does not accept the text or the netlist.
pub(super) fn prove(
    target: Target,
    files: &[File],
    netlist: &Netlist,
    limit: Duration,
) -> Result<Proof, ToolError> {
    let (yosys, top) = (target.yosys(), &netlist.top);
    in_folder(files, |folder| {
        let rtl = expanded(target, files, top, folder)?;
        let distinct: BTreeSet<String> =
            registers(&rtl).into_values().map(|bit| bit.to_string()).collect();
        let count = distinct.len();
        if count > MOST_CUT {
            let why = format!("{count} register bits are more than the {MOST_CUT} for a proof");
            return Ok(Proof::Open(why));
        }
        lay_out(folder, &rtl, netlist)?;
        let is_large = count > MOST_REGISTERS;
        if is_large || cells(&rtl).any(|(_, cell)| kind(cell) == "$mul") {
            match combinational::prove(target, folder, top, limit)? {
                Proof::Open(_) if !is_large => {}
                proof => return Ok(proof),
            }
        }
        let script = induction(target, top)?;
        write(folder, "prove.ys", &script)?;
        let Some(output) = yosys.run_within(limit, folder, &["-q", "prove.ys"])? else {
            return Ok(Proof::Late);
        };
        match output.status.success() {
            true => verdict(folder, &rtl).ok_or_else(|| yosys.failed(folder, &output)),
            false => match no_model(&said(&output)) {
                Some(cell) => Ok(Proof::Open(format!("{cell} has no model to prove with"))),
                None => Err(yosys.failed(folder, &output)),
            },
        }
    })
}

/// The Verilog's module, its memories as registers.
pub(super) fn expanded(
    target: Target,
    files: &[File],
    top: &str,
    folder: &Path,
) -> Result<Value, ToolError> {
    let script = format!(
        "read_verilog {}; hierarchy -check -top {top}; {EXPAND}; write_json rtl.json",
        file_names(files).join(" ")
    );
    let output = target.yosys().run_well(folder, &["-q", "-p", &script])?;
    let rtl = netlist::module(&read(folder, "rtl.json")?, top);
    rtl.ok_or_else(|| target.yosys().failed(folder, &output))
}

/// Writes the two sides of a proof, `gold.json` and `gate.json`.
pub(super) fn lay_out(folder: &Path, rtl: &Value, netlist: &Netlist) -> Result<(), ToolError> {
    let gold = netlist::design(&netlist.top, netlist::keep_registers(rtl));
    write(folder, "gold.json", &gold.to_string())?;
    write(folder, "gate.json", &netlist.for_equivalence(rtl).to_string())
}

fn induction(target: Target, top: &str) -> Result<String, ToolError> {
    Ok(format!(
        "read_json gold.json; rename {top} gold; design -stash gold\n\
         {}; read_json gate.json; hierarchy -check -top {top}; {EXPAND}; rename {top} gate\n\
         design -copy-from gold gold\n\
         clk2fflogic\n\
         equiv_make gold gate equiv; hierarchy -top equiv\n\
         equiv_induct -undef -seq {STEPS}\n\
         write_json equiv.json\n",
        models(target)?
    ))
}

/// Reads what the cells do. Only those that are there are elaborated: all of iCE40's take half a
/// minute.
pub(super) fn models(target: Target) -> Result<String, ToolError> {
    Ok(match target {
        Target::Osu018 => format!("read_liberty {}", Liberty::find()?.path.display()),
        Target::Ice40 => "read_verilog -defer +/ice40/cells_sim.v".to_string(),
        Target::Ecp5 => "read_verilog -defer -overwrite +/ecp5/cells_sim.v; \
                         read_verilog -lib -overwrite +/ecp5/cells_bb.v"
            .to_string(),
    })
}

/// The cell that Yosys cannot look into.
fn no_model(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("No SAT model available for ")?;
    let kind = rest.split(['(', ')']).nth(1)?;
    let kind = kind.rsplit('\\').next().unwrap_or(kind);
    Some(kind.trim_start_matches('$').to_string())
}

/// What the module `equiv` says: both sides of a point that was proven are the same net.
fn verdict(folder: &Path, rtl: &Value) -> Option<Proof> {
    let equiv = netlist::module(&read(folder, "equiv.json").ok()?, "equiv")?;
    let input = |cell: &Value, port: &str| bits(&cell["connections"][port]).first().cloned();
    let mut open = vec![];
    let mut proven = vec![];
    for (_, cell) in cells(&equiv).filter(|(_, cell)| kind(cell) == "$equiv") {
        let is_proven = input(cell, "A") == input(cell, "B");
        let list = if is_proven { &mut proven } else { &mut open };
        list.extend(input(cell, "Y"));
    }
    if !open.is_empty() {
        let all = open.len() + proven.len();
        return Some(Proof::Open(format!("{} of {all} points not proven", open.len())));
    }
    // What is a constant or an input on both sides needs no point.
    let inputs: Vec<&Value> = ports(&equiv)
        .filter(|(_, p)| p["direction"] == "input")
        .flat_map(|(_, p)| bits(&p["bits"]))
        .collect();
    for (name, port) in ports(&equiv).filter(|(_, port)| port["direction"] == "output") {
        let covered =
            |bit: &Value| !bit.is_number() || inputs.contains(&bit) || proven.contains(bit);
        if !bits(&port["bits"]).iter().all(covered) {
            return Some(Proof::Open(format!("output {name} was compared with nothing")));
        }
    }
    let nets = &equiv["netnames"];
    let is_proven =
        |name: &str| bits(&nets[name]["bits"]).first().is_some_and(|b| proven.contains(b));
    // A register may have several names.
    let paired: BTreeSet<String> = registers(rtl)
        .into_iter()
        .filter(|(name, _)| is_proven(name))
        .map(|(_, bit)| bit.to_string())
        .collect();
    let paired = paired.len();
    Some(Proof::Proven { points: proven.len(), registers: paired })
}
