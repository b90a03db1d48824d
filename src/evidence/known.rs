//! Everything that is known of registered blocks, gathered.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::formal::{self, FormalError, Proofs, Property};
use super::mutation::{self, Mutation, MutationError};
use super::power::{self, Pace, Power, PowerError, Workload};
use super::synth::{self, Effort, Row, SynthError, Target};
use super::workers;
use crate::blocks::{Configured, Entry};
use crate::config::Value;
use crate::cosim::verilator::PointKind;
use crate::cosim::{Idle, Plan, Rig, RigError, Subject, SubjectError, Workshop};
use crate::tech;
use crate::verilog::{self, File};

/// The block that shows what power depends on.
const EXAMPLE_OF_POWER: &str = "mac";

/// What is known of a registered block.
#[derive(Clone, Debug, Serialize)]
pub struct Known {
    /// The block, by name.
    pub block: &'static str,
    /// What its Verilog is known by; see [`digest`].
    pub digest: String,
    /// What it costs at its defaults, for each target.
    pub synth: Vec<Row>,
    /// What is proven of it, at its defaults and at odd sizes.
    pub proofs: Vec<Proven>,
    /// Which mistakes would be noticed, at [`Block::mutated`](crate::blocks::Block::mutated).
    pub mutation: Mutation,
    /// What was simulated, at its defaults and at odd sizes.
    pub simulated: Simulated,
    /// What its toggles cost, of the block that shows what that depends on.
    pub power: Vec<Power>,
}

/// The proofs of a block at parameters.
#[derive(Clone, Debug, Serialize)]
pub struct Proven {
    /// Each parameter that is not its default, as `key=value`.
    pub settings: Vec<String>,
    /// What is proven.
    pub proofs: Proofs,
}

/// What cosimulations compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Simulated {
    /// How many modules.
    pub modules: usize,
    /// How many scenarios of all of them.
    pub scenarios: usize,
    /// Beats of outputs, or cycles of plain ports, that were compared with the golden model.
    pub beats: u64,
    /// Scenarios in which something was wrong.
    pub failed: usize,
    /// Blocks of lines and branches that ran, and how many there are.
    pub lines: (usize, usize),
    /// Bits that toggled, and how many there are.
    pub toggles: (usize, usize),
}

/// Why something is not known.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// A block cannot be described.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// It cannot be simulated.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// It cannot be synthesised.
    #[error(transparent)]
    Synth(#[from] SynthError),
    /// Nothing can be proven or refuted of it.
    #[error(transparent)]
    Formal(#[from] FormalError),
    /// Its mutants cannot be made.
    #[error(transparent)]
    Mutation(#[from] MutationError),
    /// Its power cannot be estimated.
    #[error(transparent)]
    Power(#[from] PowerError),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There are so many pieces of work.
    Made(usize),
    /// One more is done.
    Done,
}

/// One piece of work.
enum Job {
    Mutate(&'static Entry),
    Synth(&'static Entry, Target),
    Prove(Configured),
    Simulate(Configured),
    Power(Configured, Workload),
}

/// What came of it.
enum Found {
    Mutation(Mutation),
    Synth(Row),
    Proven(Proven),
    Simulated(Simulated),
    Power(Power),
}

/// Gathers what is known of some registered blocks.
///
/// # Errors
/// The first that comes up; a block that is not right is none, but part of what is known.
pub fn gather(
    entries: &[&'static Entry],
    workshop: &Workshop,
    progress: impl Fn(Progress) + Sync,
) -> Result<Vec<Known>, EvidenceError> {
    // What is missing should be said before minutes of work.
    for target in Target::ALL {
        target.tools().map_err(SynthError::from)?;
    }
    let jobs = jobs(entries)?;
    progress(Progress::Made(jobs.len()));
    let found = workers::each(&jobs, |job| {
        let found = job.work(workshop);
        progress(Progress::Done);
        found
    });
    let found = found.into_iter().collect::<Result<Vec<Found>, EvidenceError>>()?;
    let mut found: Vec<(&Job, Found)> = jobs.iter().zip(found).collect();
    let blocks = entries.iter().map(|entry| {
        let mine = found.extract_if(.., |(job, _)| job.is_of(entry)).map(|(_, found)| found);
        Known::of(entry, mine.collect())
    });
    Ok(blocks.collect::<Result<_, SubjectError>>()?)
}

/// All there is to do; what takes longest comes first.
fn jobs(entries: &[&'static Entry]) -> Result<Vec<Job>, SubjectError> {
    let mut jobs: Vec<Job> = entries.iter().copied().map(Job::Mutate).collect();
    for &entry in entries {
        jobs.extend(Target::ALL.map(|target| Job::Synth(entry, target)));
    }
    for block in entries.iter().copied().flat_map(Configured::all_sizes) {
        jobs.extend([Job::Prove(block.clone()), Job::Simulate(block)]);
    }
    if let Some(entry) = entries.iter().find(|entry| entry.name == EXAMPLE_OF_POWER) {
        jobs.extend(power_jobs(entry)?);
    }
    Ok(jobs)
}

/// The power of the multiply-accumulate lane, with and without operand isolation.
fn power_jobs(entry: &'static Entry) -> Result<Vec<Job>, SubjectError> {
    let mut jobs = vec![];
    for isolate in [true, false] {
        let mut block = Configured::defaults(entry);
        block.values.set("isolate", Value::Boolean(isolate));
        let mut workloads = Workload::usual(&Subject::of(&block)?);
        workloads.push(Workload { pace: Pace::Stalled, ..Workload::default() });
        workloads.push(Workload { pace: Pace::Rare, idle: Idle::Held, ..Workload::default() });
        jobs.extend(workloads.into_iter().map(|workload| Job::Power(block.clone(), workload)));
    }
    Ok(jobs)
}

impl Job {
    fn is_of(&self, entry: &Entry) -> bool {
        match self {
            Job::Mutate(mine) | Job::Synth(mine, _) => mine.name == entry.name,
            Job::Prove(block) | Job::Simulate(block) | Job::Power(block, _) => {
                block.entry.name == entry.name
            }
        }
    }

    fn work(&self, workshop: &Workshop) -> Result<Found, EvidenceError> {
        Ok(match self {
            Job::Mutate(entry) => {
                let (block, options) = (Configured::mutated(entry), mutation::Options::default());
                Found::Mutation(mutation::mutate(&block, &options, workshop, |_| {})?)
            }
            Job::Synth(entry, target) => Found::Synth(synth::measure(
                &Configured::defaults(entry),
                *target,
                Effort::Full,
                workshop,
            )?),
            Job::Prove(block) => {
                let proofs = formal::prove(block, &formal::Plan::default(), &workshop.cache)?;
                Found::Proven(Proven { settings: block.settings(), proofs })
            }
            Job::Simulate(block) => Found::Simulated(simulate(block, workshop)?),
            Job::Power(block, workload) => {
                let options = power::Options { workload: *workload, ..Default::default() };
                Found::Power(power::estimate(block, &options, workshop)?)
            }
        })
    }
}

fn simulate(block: &Configured, workshop: &Workshop) -> Result<Simulated, EvidenceError> {
    let subject = Subject::of(block)?;
    let outcome =
        Rig::verilator(&subject, workshop, true)?.check(&subject, &Plan::default(), || {});
    let coverage = outcome.coverage.unwrap_or_default();
    let (lines, branches) = (coverage.count(&PointKind::Line), coverage.count(&PointKind::Branch));
    Ok(Simulated {
        modules: 1,
        scenarios: outcome.scenarios.len(),
        beats: outcome.beats,
        failed: outcome.failed,
        lines: (lines.0 + branches.0, lines.1 + branches.1),
        toggles: coverage.count(&PointKind::Toggle),
    })
}

impl Known {
    /// The properties at all sizes.
    pub fn properties(&self) -> impl Iterator<Item = &Property> {
        self.proofs.iter().flat_map(|proven| &proven.proofs.properties)
    }

    fn of(entry: &'static Entry, found: Vec<Found>) -> Result<Known, SubjectError> {
        let (mut synth, mut proofs, mut power, mut mutation) = (vec![], vec![], vec![], None);
        let mut simulated = Simulated::default();
        for found in found {
            match found {
                Found::Mutation(found) => mutation = Some(found),
                Found::Synth(row) => synth.push(row),
                Found::Proven(proven) => proofs.push(proven),
                Found::Simulated(one) => simulated.add(&one),
                Found::Power(one) => power.push(one),
            }
        }
        let mutation = mutation.expect("there is a job for it");
        let (block, digest) = (entry.name, digest(entry)?);
        Ok(Known { block, digest, synth, proofs, mutation, simulated, power })
    }
}

impl Simulated {
    fn add(&mut self, other: &Simulated) {
        let sum = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
        *self = Simulated {
            modules: self.modules + other.modules,
            scenarios: self.scenarios + other.scenarios,
            beats: self.beats + other.beats,
            failed: self.failed + other.failed,
            lines: sum(self.lines, other.lines),
            toggles: sum(self.toggles, other.toggles),
        };
    }
}

/// The first digits of the hash of a block's Verilog without comments, at all sizes that there is
/// evidence of.
///
/// # Errors
/// If the block's description is wrong.
pub fn digest(entry: &'static Entry) -> Result<String, SubjectError> {
    let mut hash = Sha256::new();
    let sizes = Configured::all_sizes(entry).into_iter();
    for block in sizes.chain([Configured::mutated(entry)]) {
        let files = verilog::emit(&block.elaborate()?, &tech::style(&block.tech, None))?;
        // Comments are not what there is evidence of.
        let code = |line: &'_ str| line.split("//").next().unwrap_or("").trim_end().to_string();
        for File { text, .. } in files {
            text.lines()
                .map(code)
                .filter(|line| !line.is_empty())
                .for_each(|line| hash.update(line));
        }
    }
    let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(digits[..12].to_string())
}
