//! Synthesis: what a block costs in cells and time, beside a plain baseline.
//!
//! [`measure`] maps a block and its baseline with the same recipe and the same tools, and looks
//! whether the block's netlist still is the block: by proof, or, where there is none, by simulation
//! against the golden model. Figures are those of one run of certain versions of certain tools;
//! what means something beyond that are the ratios.

mod baseline;
mod combinational;
mod equivalence;
mod fpga;
mod gate_level;
mod harness;
mod netlist;
mod osu018;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::blocks::Configured;
use crate::config::{Tech, choices};
use crate::cosim::{RigError, SubjectError, Workshop};
use crate::eda::{
    Cache, Digest, DigestBuilder, Liberty, OPENSTA, TimingPath, Tool, ToolError, YOSYS,
};
use crate::hdl::{Errors, Module};
use crate::verilog::{File, VerilogError};
use crate::{tech, verilog};

pub use baseline::files as baseline_files;
pub use equivalence::Equivalence;
pub(crate) use netlist::Netlist;
pub(crate) use osu018::map;

use equivalence::Proof;

/// How much is done for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// What is placed is placed three times, and the netlist is checked.
    Full,
    /// Placed once, and not checked: for designs that take hours otherwise.
    Quick,
}

impl Effort {
    /// The seeds that nextpnr places with; the figure is the median.
    fn seeds(self) -> &'static [u32] {
        match self {
            Effort::Full => &[1, 2, 3],
            Effort::Quick => &[1],
        }
    }
}

/// How long a proof may take; those that come to an end took up to a quarter of a minute.
const PROOF: Duration = Duration::from_secs(180);

choices! {
    /// What is synthesised for.
    pub enum Target {
        /// Standard cells of Oklahoma State University for a process of 0.18 um.
        Osu018 = "osu018",
        /// Lattice iCE40.
        Ice40 = "ice40",
        /// Lattice ECP5.
        Ecp5 = "ecp5",
    }
}

/// One figure of a netlist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// Its unit; empty for a count.
    pub unit: String,
    /// How much.
    pub value: f64,
}

/// The highest frequency of a clock, in MHz.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Maximum {
    /// The median over the seeds.
    pub median: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

/// What a netlist costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// What is counted.
    pub figures: Vec<Figure>,
    /// The highest frequency; none where no path is between registers, or nothing was placed.
    pub fmax: Option<Maximum>,
    /// The slowest path of each class, for cells.
    pub paths: Vec<TimingPath>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// A block's figure over that of its baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The figure; `Fmax` for the highest frequency.
    pub name: String,
    /// Ours over the baseline's; none where the baseline's is 0 or there is none.
    pub ratio: Option<f64>,
}

/// What synthesis says of a block for a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The block, by name.
    pub block: String,
    /// Each parameter that is not its default, as `key=value`.
    pub settings: Vec<String>,
    /// What was synthesised for.
    pub target: &'static str,
    /// What the block costs.
    pub cost: Cost,
    /// What its baseline costs, if it has one.
    pub baseline: Option<Cost>,
    /// A ratio for each figure of both.
    pub ratios: Vec<Ratio>,
    /// Whether the block's netlist is the block.
    pub equivalence: Equivalence,
    /// The tools and their versions.
    pub tools: Vec<String>,
    /// How it was synthesised.
    pub recipe: String,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// The block's description is wrong: a defect of the block.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// The netlist cannot be simulated.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// A tool is missing or failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl From<Errors> for SynthError {
    fn from(errors: Errors) -> SynthError {
        SynthError::Subject(errors.into())
    }
}

impl From<VerilogError> for SynthError {
    fn from(error: VerilogError) -> SynthError {
        SynthError::Subject(error.into())
    }
}

impl Figure {
    fn new(name: &str, unit: &str, value: f64) -> Figure {
        Figure { name: name.into(), unit: unit.into(), value }
    }
}

impl Maximum {
    fn exactly(value: f64) -> Maximum {
        Maximum { median: value, lowest: value, highest: value }
    }

    /// Of several runs; none if one of them found no path.
    fn of(mut values: Vec<f64>) -> Option<Maximum> {
        values.sort_by(f64::total_cmp);
        let (lowest, highest) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Maximum { median: (low + high) / 2.0, lowest, highest })
    }
}

impl Cost {
    /// A figure by name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }
}

impl Row {
    /// A ratio by the figure's name.
    pub fn ratio(&self, name: &str) -> Option<f64> {
        self.ratios.iter().find(|ratio| ratio.name == name)?.ratio
    }
}

impl Target {
    /// Every target.
    pub const ALL: [Target; 3] = [Target::Osu018, Target::Ice40, Target::Ecp5];

    fn family(self) -> Option<&'static fpga::Family> {
        match self {
            Target::Osu018 => None,
            Target::Ice40 => Some(&fpga::ICE40),
            Target::Ecp5 => Some(&fpga::ECP5),
        }
    }

    fn yosys(self) -> Tool {
        self.family().map_or(YOSYS, |family| family.yosys)
    }

    /// How it is synthesised for, in words.
    pub fn recipe(self, effort: Effort) -> String {
        match self.family() {
            None => osu018::RECIPE.to_string(),
            Some(family) => format!(
                "{}, seeds {:?}; Fmax in a harness of registers around the mapped netlist, \
                 whose cells are not counted",
                family.recipe,
                effort.seeds()
            ),
        }
    }

    /// The tools that work for it, with their versions.
    ///
    /// # Errors
    /// If one is missing.
    pub fn tools(self) -> Result<Vec<String>, ToolError> {
        let second = self.family().map_or(OPENSTA, |family| family.device.tool);
        [self.yosys(), second].map(Tool::version).into_iter().collect()
    }
}

/// Synthesises a block and its baseline for a target, and checks the block's netlist, if the effort
/// says so.
///
/// # Errors
/// If a tool is missing or fails, or the block's description is wrong.
pub fn measure(
    block: &Configured,
    target: Target,
    effort: Effort,
    workshop: &Workshop,
) -> Result<Row, SynthError> {
    let module = block.elaborate()?;
    let files = verilog::emit(&module, &tech::style(&block.tech, None))?;
    let plain = block.baseline().map(|plain| baseline::files(&plain, &module, &block.tech));
    let of = |files: &[File]| cost(files, &module, &block.tech, (target, effort), workshop);
    let (netlist, ours) = of(&files)?;
    let baseline = plain.map(|files| of(&files)).transpose()?.map(|(_, cost)| cost);
    let equivalence = match netlist {
        Some(_) if effort == Effort::Quick => {
            Equivalence::Unchecked { why: "nobody asked for it".into() }
        }
        Some(netlist) => equivalent(block, &files, &netlist, target, workshop)?,
        None => Equivalence::NotMapped,
    };
    Ok(Row {
        block: block.name.clone(),
        settings: block.settings(),
        target: target.word(),
        ratios: baseline.as_ref().map(|plain| ratios(&ours, plain)).unwrap_or_default(),
        cost: ours,
        baseline,
        equivalence,
        tools: target.tools()?,
        recipe: target.recipe(effort),
    })
}

/// What a block costs for each target that it was synthesised for before, with the tools of today.
///
/// # Errors
/// If the block's description is wrong, or the cache cannot be read. A tool that is missing is none:
/// nothing is known of its target then.
pub fn known(block: &Configured, cache: &Cache) -> Result<Vec<(Target, Effort, Cost)>, SynthError> {
    let module = block.elaborate()?;
    let files = verilog::emit(&module, &tech::style(&block.tech, None))?;
    let mut known = vec![];
    for target in Target::ALL {
        for effort in [Effort::Full, Effort::Quick] {
            let Ok(key) = cost_key(&files, &module.name, &block.tech, target, effort) else {
                break;
            };
            if let Some(bytes) = cache.known(key)? {
                known.push((target, effort, read_cost(&bytes).1));
                break;
            }
        }
    }
    Ok(known)
}

/// What any Verilog costs in OSU018 cells, without a check of the netlist.
///
/// # Errors
/// If a tool is missing or fails.
pub fn cost_of_cells(files: &[File], top: &str) -> Result<Cost, ToolError> {
    osu018::cost(files, top).map(|(_, cost)| cost)
}

fn ratios(ours: &Cost, plain: &Cost) -> Vec<Ratio> {
    let over = |ours: f64, plain: f64| (plain > 0.0).then(|| ours / plain);
    let ratio = |figure: &Figure| Ratio {
        name: figure.name.clone(),
        ratio: plain.figure(&figure.name).and_then(|plain| over(figure.value, plain)),
    };
    let mut ratios: Vec<Ratio> = ours.figures.iter().map(ratio).collect();
    if let (Some(ours), Some(plain)) = (&ours.fmax, &plain.fmax) {
        ratios.push(Ratio { name: "Fmax".into(), ratio: over(ours.median, plain.median) });
    }
    ratios
}

/// A netlist, if the target has one, and its cost, which are in the cache if they were measured before.
fn cost(
    files: &[File],
    module: &Module,
    tech: &Tech,
    (target, effort): (Target, Effort),
    workshop: &Workshop,
) -> Result<(Option<Netlist>, Cost), ToolError> {
    let key = cost_key(files, &module.name, tech, target, effort)?;
    let bytes = workshop.cache.result(key, || {
        let (netlist, cost) = match target.family() {
            None => {
                let (netlist, cost) = osu018::cost(files, &module.name)?;
                (Some(netlist), cost)
            }
            Some(family) => family.cost(files, module, tech, effort.seeds())?,
        };
        Ok(serde_json::to_vec(&(netlist, cost)).expect("plain data is JSON"))
    })?;
    Ok(read_cost(&bytes))
}

fn read_cost(bytes: &[u8]) -> (Option<Netlist>, Cost) {
    serde_json::from_slice(bytes).expect("the cache holds what was written")
}

fn cost_key(
    files: &[File],
    top: &str,
    tech: &Tech,
    target: Target,
    effort: Effort,
) -> Result<Digest, ToolError> {
    let mut key = key("cost", files, top, tech, target)?;
    if target.family().is_some() {
        key.add(format!("{:?}", effort.seeds()));
    }
    Ok(key.finish())
}

/// Whether a netlist is the block: by proof, or else by simulation.
fn equivalent(
    block: &Configured,
    files: &[File],
    netlist: &Netlist,
    target: Target,
    workshop: &Workshop,
) -> Result<Equivalence, SynthError> {
    let mut key = key("proof", files, &netlist.top, &block.tech, target)?;
    key.add(&netlist.text);
    // How long something takes is not a finding to keep.
    let mut late = false;
    let bytes = workshop.cache.result(key.finish(), || {
        let proof = equivalence::prove(target, files, netlist, PROOF)?;
        late = proof == Proof::Late;
        let what = "a proof took too long".to_string();
        let source = std::io::ErrorKind::TimedOut.into();
        match late {
            true => Err(ToolError::Files { what, source }),
            false => Ok(serde_json::to_vec(&proof).expect("plain data is JSON")),
        }
    });
    let proof = match bytes {
        Err(_) if late => Proof::Late,
        bytes => serde_json::from_slice(&bytes?).expect("the cache holds what was written"),
    };
    match proof {
        Proof::Proven { points, registers } => Ok(Equivalence::Proven { points, registers }),
        Proof::Late => {
            let why = format!("no proof within {} s", PROOF.as_secs());
            gate_level::compare(block, netlist, target, workshop, why)
        }
        Proof::Open(why) => gate_level::compare(block, netlist, target, workshop, why),
    }
}

/// What results depend on: the text, the target's tools and recipe, and what is done with them.
fn key(
    what: &str,
    files: &[File],
    top: &str,
    tech: &Tech,
    target: Target,
) -> Result<DigestBuilder, ToolError> {
    const SOURCES: [&str; 10] = [
        include_str!("mod.rs"),
        include_str!("combinational.rs"),
        include_str!("equivalence.rs"),
        include_str!("fpga.rs"),
        include_str!("gate_level.rs"),
        include_str!("harness.rs"),
        include_str!("netlist.rs"),
        include_str!("osu018.rs"),
        include_str!("../../eda/nextpnr.rs"),
        include_str!("../../eda/opensta.rs"),
    ];
    let mut key = Digest::builder();
    key.add(what);
    SOURCES.iter().for_each(|text| key.add(text));
    target.tools()?.iter().for_each(|version| key.add(version));
    if target == Target::Osu018 {
        key.add(Liberty::find()?.text);
    }
    key.add(target.word());
    key.add(top);
    key.add(tech.reset.word());
    for file in files {
        key.add(&file.module);
        key.add(&file.text);
    }
    Ok(key)
}

/// Writes a file of a tool's.
fn write(folder: &Path, name: &str, text: &str) -> Result<(), ToolError> {
    let what = format!("cannot write {name}");
    std::fs::write(folder.join(name), text).map_err(|source| ToolError::Files { what, source })
}

/// Reads a file that a tool wrote.
fn read(folder: &Path, name: &str) -> Result<String, ToolError> {
    let what = format!("cannot read {name}");
    std::fs::read_to_string(folder.join(name)).map_err(|source| ToolError::Files { what, source })
}
