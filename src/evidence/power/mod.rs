//! Power: what the toggles of a simulation of the mapped netlist cost.
//!
//! A block is mapped to cells with its hierarchy kept, and the netlist is simulated in place of the
//! Verilog: it has to do what the golden model says, so that what toggles belongs to a run that is
//! right. Each toggle of a net costs what its load takes to charge and what the liberty file says
//! is used inside of the cells; with leakage that is power at a stated clock.
//!
//! What it does not know is part of every result: [`Power::caveats`].

mod account;
mod activity;
mod analysis;
mod gates;
mod library;
#[cfg(test)]
mod tests;
mod workload;

use std::collections::BTreeSet;
use std::ops::AddAssign;

use serde::Serialize;

use self::account::{Account, Group, Plant, TOLERANCE, toggles_per_cycle};
use self::activity::{Activity, SAMPLES};
use self::analysis::{Analysis, INPUT_SLEW};
use self::gates::Gates;
use self::library::{HEAVY, Library};
use super::synth;
use crate::blocks::Configured;
use crate::cosim::{
    Idle, Place, RESET_CYCLES, Rig, RigError, Run, Subject, SubjectError, Workshop,
};
use crate::eda::{Cache, Digest, Liberty, OPENSTA, ToolError, VERILATOR, YOSYS, in_folder};
use crate::model::Model;
use crate::verilog::File;

pub use workload::{Pace, Workload};

/// The cell whose area is one gate equivalent.
const GATE: &str = "NAND2X1";

/// What is to be estimated.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What the block does.
    pub workload: Workload,
    /// About how many beats it is given.
    pub beats: usize,
    /// Where all chance comes from.
    pub seed: u64,
    /// The clock's frequency.
    pub clock_mhz: f64,
}

impl Default for Options {
    fn default() -> Options {
        let workload = Workload::default();
        Options { workload, beats: 1000, seed: 0x5eed_0000, clock_mhz: 100.0 }
    }
}

/// Power by what takes it, in mW.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Parts {
    /// Used inside of cells by toggles of their pins.
    pub internal_mw: f64,
    /// Used to charge what nets load: the pins of cells.
    pub switching_mw: f64,
    /// Used whatever happens.
    pub leakage_mw: f64,
}

impl Parts {
    /// All of it.
    pub fn total_mw(&self) -> f64 {
        self.internal_mw + self.switching_mw + self.leakage_mw
    }
}

impl AddAssign for Parts {
    fn add_assign(&mut self, other: Parts) {
        self.internal_mw += other.internal_mw;
        self.switching_mw += other.switching_mw;
        self.leakage_mw += other.leakage_mw;
    }
}

/// The power of a block in a simulation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Power {
    /// The block's name in the registry.
    pub block: String,
    /// What is not the default: `key=value` for each parameter.
    pub settings: Vec<String>,
    /// Whose cells.
    pub target: &'static str,
    /// The clock's frequency.
    pub clock_mhz: f64,
    /// The supply's voltage, in V.
    pub voltage: f64,
    /// In degrees Celsius.
    pub temperature: f64,
    /// What the block did.
    pub workload: Workload,
    /// Cycles of it that are counted, without resets.
    pub cycles: u64,
    /// In which share of them a beat of a stream went in or came out; none of plain ports.
    pub moving: Option<f64>,
    /// Outputs that were compared with the golden model: beats, or cycles of plain ports.
    pub compared: u64,
    /// How many cells.
    pub cells: usize,
    /// Their area, in two-input NANDs.
    pub gate_equivalents: f64,
    /// How many nets toggle in a cycle on average, clocks apart.
    pub toggles_per_cycle: f64,
    /// All of it.
    pub total: Parts,
    /// Of cells without a state.
    pub combinational: Parts,
    /// Of flip-flops and latches, but for the pins of their clocks.
    pub sequential: Parts,
    /// Of the clock: all that it reaches, gates in its way included.
    pub clock: Parts,
    /// What whoever drives the other inputs needs to charge their pins.
    pub inputs: Parts,
    /// By module.
    pub modules: Vec<ModulePower>,
    /// Cells of one input, whose energies, loads and leakage OpenSTA sees exactly so; of all
    /// cells, loads and leakage are compared.
    pub compared_cells: usize,
    /// What OpenSTA says that the recorded toggles of all cells' outputs take to charge their nets,
    /// clocks apart; the same is part of the sums here.
    pub opensta_switching_mw: f64,
    /// What was used.
    pub tools: Vec<String>,
    /// What the numbers do not know.
    pub caveats: Vec<String>,
}

/// The power of a module in its place, without that of the modules in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModulePower {
    /// The names of the instances that lead to it, with dots between; empty for the block itself.
    pub path: String,
    /// How many cells are right inside.
    pub cells: usize,
    /// What they take.
    pub parts: Parts,
}

/// Why there is no estimate.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// The block cannot be simulated.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// A tool did not do its work.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The block has no such workload.
    #[error(
        "error[E0119]: {block} has no scenario `{workload}`\n help: a block of plain ports has \
         only those that are busy; not every block has each kind of stimulus"
    )]
    NoSuchWorkload {
        /// The block.
        block: String,
        /// What was asked for.
        workload: Workload,
    },
    /// E0408: what was measured cannot be used.
    #[error("error[E0408]: {0}")]
    Check(String),
}

impl PowerError {
    fn check(text: impl Into<String>) -> PowerError {
        PowerError::Check(text.into())
    }
}

impl From<RigError> for PowerError {
    fn from(error: RigError) -> PowerError {
        match error {
            RigError::Tool(error) => PowerError::Tool(error),
            RigError::Evaluator(error) => PowerError::Check(error.to_string()),
        }
    }
}

/// Estimates the power of a block in OSU018 cells.
///
/// ```no_run
/// use lacuna::blocks::{Configured, find};
/// use lacuna::cosim::Workshop;
/// use lacuna::evidence::power::{Options, estimate};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mac = Configured::defaults(find("mac").expect("it is registered"));
/// let power = estimate(&mac, &Options::default(), &Workshop::find()?)?;
/// assert!(power.total.switching_mw > 0.0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If a tool is missing or fails, if the block has no such workload, or if the netlist does not do
/// what the golden model says, shows nothing of a net, or does not toggle at all.
pub fn estimate(
    block: &Configured,
    options: &Options,
    workshop: &Workshop,
) -> Result<Power, PowerError> {
    let mapped = Mapped::of(block, workshop)?;
    let (run, activity) = mapped.simulate(options, workshop)?;
    mapped.power(options, &run, &activity)
}

/// A block in cells.
struct Mapped {
    /// With the netlist for its text.
    subject: Subject,
    library: Library,
    gates: Gates,
    analysis: Analysis,
}

impl Mapped {
    fn of(block: &Configured, workshop: &Workshop) -> Result<Mapped, PowerError> {
        let mut subject = Subject::of(block)?;
        let liberty = Liberty::find()?;
        let library = Library::parse(&liberty.text).ok_or_else(|| {
            PowerError::check("the liberty file does not say what the energies of its cells are")
        })?;
        let gates = netlist(&subject, &liberty, &workshop.cache)?;
        let analysis = analysis(&gates, &liberty, &workshop.cache)?;
        subject.files = vec![
            File { module: gates.top.clone(), text: gates.verilog() },
            models(&gates, &liberty, &workshop.cache)?,
        ];
        Ok(Mapped { subject, library, gates, analysis })
    }

    /// Simulates the netlist beside the golden model.
    fn simulate(
        &self,
        options: &Options,
        workshop: &Workshop,
    ) -> Result<(Run, Activity), PowerError> {
        let subject = &self.subject;
        let workload = options.workload;
        let case = workload.case(subject, options.beats, options.seed);
        let case = case.ok_or_else(|| {
            let block = subject.name.clone();
            PowerError::NoSuchWorkload { block, workload }
        })?;
        let failed = |source| ToolError::Files {
            what: "cannot make a temporary folder".to_string(),
            source,
        };
        let folder = tempfile::Builder::new().prefix("lacuna-").tempdir().map_err(failed)?;
        let waveform = folder.path().join("netlist.fst");
        let run = Rig::record(subject, workshop, &case, &waveform)?;
        if let Some(first) = run.mismatches.first() {
            let (place, cycle) = (&first.place, first.cycle);
            let place = if *place == Place::Module { &subject.name } else { &place.to_string() };
            return Err(PowerError::check(format!(
                "the netlist of {} does not do what the golden model says: {place}, cycle {cycle}: \
                 {:?}\n help: `{}` compares the Verilog that it was made of",
                subject.name,
                first.finding,
                subject.command.as_deref().unwrap_or("lacuna cosim"),
            )));
        }
        if run.beats == 0 {
            return Err(PowerError::check(format!(
                "nothing came out of {}, so nothing was compared with the golden model\n help: use \
                 more `--beats`",
                subject.name
            )));
        }
        let activity = Activity::read(&self.gates, &waveform, RESET_CYCLES.into(), run.through)?;
        Ok((run, activity))
    }

    fn power(
        &self,
        options: &Options,
        run: &Run,
        activity: &Activity,
    ) -> Result<Power, PowerError> {
        let plant = Plant::new(&self.library, &self.gates, &self.analysis);
        let compared_cells = plant.compare()?;
        if let Some(clock) = self.gates.port("clk_i")
            && activity.toggles(clock) != SAMPLES * activity.cycles
        {
            let (seen, cycles) = (activity.toggles(clock), activity.cycles);
            return Err(PowerError::check(format!(
                "the clock toggles {seen} times in {cycles} cycles of the waveform"
            )));
        }
        let toggles_per_cycle = match activity.cycles {
            0 => 0.0,
            _ => toggles_per_cycle(&plant, activity),
        };
        if toggles_per_cycle == 0.0 {
            return Err(PowerError::check(format!(
                "no net of {} but the clock toggles in {} cycles\n help: use more `--beats`, or \
                 another `--scenario`",
                self.subject.name, activity.cycles
            )));
        }
        let opensta_switching_mw = self.opensta(&plant, activity, options.clock_mhz)?;
        let account = plant.account(activity, options.clock_mhz)?;
        let group = |group: Group| account.groups.get(&group).copied().unwrap_or_default();
        let mut total = Parts::default();
        account.groups.values().for_each(|parts| total += *parts);
        let is_stream = matches!(self.subject.model, Model::Streams(_));
        // The sum of nothing would be -0.
        let areas = self.gates.cells.iter().map(|cell| self.library.cells[&cell.cell].area);
        let area = areas.fold(0.0, |sum, area| sum + area);
        Ok(Power {
            block: self.subject.name.clone(),
            settings: self.subject.settings.clone(),
            target: "osu018",
            clock_mhz: options.clock_mhz,
            voltage: self.library.voltage,
            temperature: self.library.temperature,
            workload: options.workload,
            cycles: activity.cycles,
            moving: is_stream.then(|| run.moving as f64 / run.through as f64),
            compared: run.beats,
            cells: self.gates.cells.len(),
            gate_equivalents: area / self.library.cells[GATE].area,
            toggles_per_cycle,
            total,
            combinational: group(Group::Combinational),
            sequential: group(Group::Sequential),
            clock: group(Group::Clock),
            inputs: group(Group::Inputs),
            modules: self.modules(&account),
            compared_cells,
            opensta_switching_mw,
            tools: [YOSYS, VERILATOR, OPENSTA]
                .iter()
                .map(|tool| tool.version())
                .collect::<Result<_, _>>()?,
            caveats: self.caveats(options),
        })
    }

    /// Hands the toggles to OpenSTA; what it makes of them has to be what is summed here.
    fn opensta(
        &self,
        plant: &Plant,
        activity: &Activity,
        clock_mhz: f64,
    ) -> Result<f64, PowerError> {
        let (toggles, mine) = plant.charged(activity, clock_mhz);
        let theirs = analysis::switching(&self.gates, &toggles, 1e3 / clock_mhz)?;
        if (mine - theirs).abs() <= TOLERANCE * mine.abs().max(theirs.abs()) {
            return Ok(theirs);
        }
        Err(PowerError::check(format!(
            "the nets of {} take {mine} mW to charge, and by OpenSTA {theirs} mW",
            self.subject.name
        )))
    }

    fn modules(&self, account: &Account) -> Vec<ModulePower> {
        let modules = account.modules.iter().map(|(path, &parts)| ModulePower {
            path: path.join("."),
            cells: self.gates.cells.iter().filter(|cell| cell.path == *path).count(),
            parts,
        });
        modules.collect()
    }

    fn caveats(&self, options: &Options) -> Vec<String> {
        let idle = match (&self.subject.model, options.workload.idle) {
            (Model::Ports(_), _) => "",
            (_, Idle::Noise) => {
                "; while nothing is offered, a payload is something else in every cycle"
            }
            (_, Idle::Held) => "; while nothing is offered, a payload is that of the beat before",
        };
        let mut caveats = vec![
            "no wires: a net loads the pins of cells alone, and an output nothing".to_string(),
            format!(
                "an ideal clock without a tree; its edges, and those of the inputs, take \
                 {INPUT_SLEW} ns"
            ),
            "a simulation without delays: glitches are not counted".to_string(),
            format!("this stimulus alone{idle}"),
            "an academic library of 0.18 um, typical corner, in which a gate uses nothing inside \
             unless its output moves"
                .to_string(),
            "slews are OpenSTA's, and so is what toggles of nets cost; energies inside of cells \
             are summed here"
                .to_string(),
        ];
        let is_heavy = |name: &&String| {
            self.library.cells[*name].least_load().is_some_and(|load| load >= HEAVY)
        };
        let cells = self.gates.cells.iter().map(|cell| &cell.cell);
        let heavy: BTreeSet<&String> = cells.filter(is_heavy).collect();
        if !heavy.is_empty() {
            let names: Vec<&str> = heavy.into_iter().map(String::as_str).collect();
            caveats.push(format!(
                "energies of {} are extrapolated: the library has them from {HEAVY} pF on",
                names.join(", ")
            ));
        }
        caveats
    }
}

/// The hash that a result is kept under: of the kind of work, the sources that do it, the tool, the
/// liberty file and the input.
fn key(work: &str, how: &[&str], tool: String, liberty: &Liberty, input: &str) -> Digest {
    let mut key = Digest::builder();
    key.add(work);
    how.iter().for_each(|source| key.add(source));
    key.add(tool);
    key.add(&liberty.text);
    key.add(input);
    key.finish()
}

/// The subject's Verilog in cells.
fn netlist(subject: &Subject, liberty: &Liberty, cache: &Cache) -> Result<Gates, PowerError> {
    let how = [include_str!("../synth/osu018.rs"), include_str!("gates.rs")];
    let top = &subject.module.name;
    let mut input = top.clone();
    for file in &subject.files {
        input.push_str(&format!("\n{}\n{}", file.module, file.text));
    }
    let key = key("netlist", &how, YOSYS.version()?, liberty, &input);
    let json = cache.result(key, || Gates::json(&synth::map(&subject.files, top, false)?))?;
    Gates::parse(top, &json).ok_or_else(|| {
        PowerError::check(format!("the netlist of {top} has more than cells of the library"))
    })
}

/// What OpenSTA says of it.
fn analysis(gates: &Gates, liberty: &Liberty, cache: &Cache) -> Result<Analysis, PowerError> {
    let how = [include_str!("analysis.rs")];
    let key = key("power analysis", &how, OPENSTA.version()?, liberty, &gates.bare_verilog());
    let found = cache.result(key, || {
        let analysis = Analysis::of(gates)?;
        Ok(serde_json::to_vec(&analysis).expect("an analysis has a form in JSON"))
    })?;
    serde_json::from_slice(&found)
        .map_err(|error| PowerError::check(format!("cannot read what OpenSTA said: {error}")))
}

/// What the cells of a netlist do, as Yosys reads it in the liberty file. Nothing inside of them is
/// recorded.
fn models(gates: &Gates, liberty: &Liberty, cache: &Cache) -> Result<File, PowerError> {
    let mut cells: Vec<&str> = gates.cells.iter().map(|cell| cell.cell.as_str()).collect();
    cells.sort_unstable();
    cells.dedup();
    let path = liberty.path.display();
    let script = format!(
        "read_liberty {path}; select {}; write_verilog -noattr -selected cells.v",
        cells.join(" ")
    );
    let key = key("cell models", &[&script], YOSYS.version()?, liberty, "");
    let text = cache.result(key, || {
        in_folder(&[], |folder| {
            YOSYS.run_well(folder, &["-q", "-p", &script])?;
            let what = "cannot read the models of cells".to_string();
            std::fs::read(folder.join("cells.v"))
                .map_err(|source| ToolError::Files { what, source })
        })
    })?;
    let text = format!("/* verilator tracing_off */\n{}", String::from_utf8_lossy(&text));
    Ok(File { module: "lacuna_cells".to_string(), text })
}
