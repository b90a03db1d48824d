//! Netlists in the ordinary cosimulation: beside the golden model, in Verilator.

use crate::blocks::Configured;
use crate::cosim::{Plan, Rig, Subject, SubjectError, Workshop};
use crate::eda::{ToolError, in_folder};
use crate::verilog::File;
use crate::{tech, verilog};

use super::netlist::{self, Netlist};
use super::{Equivalence, SynthError, Target, equivalence, read, write};

/// Beats of a stimulus.
const BEATS: usize = 128;

/// Beyond so many cells, a compiler takes minutes and gigabytes for the simulation.
const MOST_CELLS: u64 = 20_000;

/// Models of our own, for cells of ECP5 for which Yosys has none.
const ECP5_CELLS: &str = include_str!("../../../sim/ecp5_cells.v");

/// The netlist as Verilog of assignments and registers, with the cells' models in it: the same that
/// proofs look into, and our own. Or a type of cell that has none.
///
/// # Errors
/// If Yosys is missing or does not accept the netlist.
pub(super) fn expand(target: Target, netlist: &Netlist) -> Result<Result<File, String>, ToolError> {
    let top = &netlist.top;
    in_folder(&[], |folder| {
        write(folder, "netlist.json", &netlist.design().to_string())?;
        write(folder, "ecp5_cells.v", ECP5_CELLS)?;
        let our_own = match target {
            Target::Ecp5 => "read_verilog -overwrite ecp5_cells.v",
            Target::Osu018 | Target::Ice40 => "",
        };
        let script = format!(
            "{}; {our_own}; read_json netlist.json; hierarchy -check -top {top}; proc; flatten; opt_clean; \
             write_json expanded.json; write_verilog -noattr expanded.v",
            equivalence::models(target)?
        );
        let output = target.yosys().run_well(folder, &["-q", "-p", &script])?;
        let module = netlist::module(&read(folder, "expanded.json")?, top);
        let module = module.ok_or_else(|| target.yosys().failed(folder, &output))?;
        let mut kinds = netlist::cells(&module).map(|(_, cell)| netlist::kind(cell));
        Ok(match kinds.find(|kind| !kind.starts_with('$') || kind.starts_with("$paramod")) {
            Some(kind) => Err(kind.rsplit('\\').next().unwrap_or(kind).to_string()),
            None => Ok(File { module: top.clone(), text: read(folder, "expanded.v")? }),
        })
    })
}

/// The block's ordinary simulation, and the module in it that is the block: its own, or, of a block
/// that is simulated inside of another module, the instance there.
///
/// # Errors
/// If the block's description is wrong.
pub(super) fn subject(block: &Configured) -> Result<(Subject, Configured), SubjectError> {
    let subject = Subject::of(block)?;
    if subject.module.name == block.elaborate()?.name {
        return Ok((subject, block.clone()));
    }
    let is_ours = |file: &&File| tech::foreign_cell(&block.tech) != Some(&file.module);
    for file in subject.files.iter().filter(is_ours) {
        let renamed = Configured { name: file.module.clone(), ..block.clone() };
        let module = renamed.elaborate()?;
        if verilog::emit(&module, &tech::style(&block.tech, None))?.contains(file) {
            return Ok((subject, renamed));
        }
    }
    Ok((subject, block.clone()))
}

/// Puts other text in the place of what a subject has of the same names.
pub(super) fn replace(subject: &mut Subject, files: Vec<File>) {
    subject.files.retain(|file| files.iter().all(|other| other.module != file.module));
    subject.files.splice(..0, files);
}

/// Whether a netlist that is not proven agrees with the golden model.
///
/// # Errors
/// If a tool is missing or fails.
pub(super) fn compare(
    block: &Configured,
    netlist: &Netlist,
    target: Target,
    workshop: &Workshop,
    why: String,
) -> Result<Equivalence, SynthError> {
    let count: u64 = netlist.cells().values().sum();
    if count > MOST_CELLS {
        let why = format!("{why}; {count} cells are more than the {MOST_CELLS} that are simulated");
        return Ok(Equivalence::Unchecked { why });
    }
    let (mut subject, inside) = subject(block)?;
    let netlist = Netlist { top: inside.name, ..netlist.clone() };
    let expanded = match expand(target, &netlist)? {
        Ok(expanded) => expanded,
        Err(cell) => {
            let why = format!("{why}; {cell} has no model to simulate with");
            return Ok(Equivalence::Unchecked { why });
        }
    };
    let plan = Plan { beats: BEATS, ..Plan::default() };
    subject.name = format!("{} as a netlist for {}", subject.name, target.word());
    // The ordinary command would simulate the Verilog.
    subject.command = None;
    replace(&mut subject, vec![expanded.clone()]);
    let outcome = Rig::verilator(&subject, workshop, false)?.check(&subject, &plan, || {});
    let Some(failure) = outcome.failure else {
        return Ok(Equivalence::Simulated { beats: outcome.beats, why });
    };
    let report = failure.report(&subject, &plan, None);
    let folder = keep(&[("netlist.v", &netlist.text), ("expanded.v", &expanded.text)])?;
    Ok(Equivalence::Refuted { why, report, folder })
}

/// A new folder with these files, which stays.
fn keep(files: &[(&str, &str)]) -> Result<String, ToolError> {
    let folder = tempfile::Builder::new().prefix("lacuna-").tempdir();
    let folder = folder.map_err(|source| {
        let what = "cannot make a temporary folder".to_string();
        ToolError::Files { what, source }
    })?;
    files.iter().try_for_each(|(name, text)| write(folder.path(), name, text))?;
    Ok(folder.keep().display().to_string())
}
