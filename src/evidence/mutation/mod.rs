//! Mutation: would the cosimulation notice if the text were wrong?
//!
//! Yosys changes the emitted text in one bit of one pin of a cell at a time: a mutant. The block's
//! ordinary cosimulation has to find each of them, and a mutant that it does not find has to be
//! proven to do what the original does. One that is neither is a survivor: a hole in the stimulus or
//! in the golden model if it can be seen to differ, and a question where that is open.

mod hints;
mod kill;
mod mutant;
mod netlist;
mod prove;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use crate::blocks::Configured;
use crate::cosim::verilator::{Library, Options as Building};
use crate::cosim::{Case, Plan, Rig, RigError, Subject, SubjectError, Workshop};
use crate::eda::{ToolError, YOSYS, in_folder};
use crate::model::Bits;

pub use kill::Killer;
pub use mutant::Mutant;

use kill::{by_evaluator, by_model};
use netlist::{Netlist, SELECTOR};
use prove::{Comparison, compare};

/// Which mutants, and how they are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many mutants; fewer if the text has fewer.
    pub mutants: usize,
    /// What chooses them.
    pub seed: u32,
    /// The cosimulation that has to find them.
    pub plan: Plan,
}

impl Default for Options {
    fn default() -> Options {
        Options { mutants: 300, seed: 1, plan: Plan::default() }
    }
}

/// What became of the mutants of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mutation {
    /// The block.
    pub block: String,
    /// Each parameter that is not its default, as `key=value`.
    pub settings: Vec<String>,
    /// What chose the mutants.
    pub seed: u32,
    /// How many mutants the text has.
    pub available: usize,
    /// How many were made.
    pub mutants: usize,
    /// How many the golden model and the rules of streams found.
    pub killed_by_model: usize,
    /// How many more were found because the evaluator shows something else on a port.
    pub killed_by_evaluator: usize,
    /// How many each finding was the first of.
    pub killers: BTreeMap<Killer, usize>,
    /// Mutants that do what the original does; it is proven.
    pub equivalent: Vec<Mutant>,
    /// Mutants that nothing found, and that are not proven to be equivalent.
    pub survivors: Vec<Survivor>,
    /// What made the mutants.
    pub yosys: String,
    /// What simulated them.
    pub verilator: String,
}

/// A mutant that nothing found, and that is not proven to do what the original does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Survivor {
    /// The mutant.
    #[serde(flatten)]
    pub mutant: Mutant,
    /// After how many cycles an observer can see a difference; none if it is open whether any can.
    pub differs_after: Option<u32>,
}

impl Survivor {
    /// What is known of it, in words.
    pub fn what(&self) -> String {
        match self.differs_after {
            Some(cycles) => format!("can be seen to differ after {cycles} cycles"),
            None => "neither a proof nor a difference found".to_string(),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum MutationError {
    /// The block cannot be made.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// It cannot be simulated.
    #[error(transparent)]
    Rig(#[from] RigError),
}

impl From<ToolError> for MutationError {
    fn from(error: ToolError) -> MutationError {
        RigError::from(error).into()
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There are so many mutants.
    Made(usize),
    /// It is known of one more whether it is found.
    Judged,
}

/// Makes mutants of a block and looks for them.
///
/// # Errors
/// If the block cannot be made or simulated, a tool is missing or fails, or the netlist that holds
/// the mutants is not even right without one.
pub fn mutate(
    block: &Configured,
    options: &Options,
    workshop: &Workshop,
    progress: impl Fn(Progress) + Sync,
) -> Result<Mutation, MutationError> {
    mutate_subject(&Subject::of(block)?, options, workshop, progress)
}

/// As [`mutate`], of any subject.
///
/// # Errors
/// As [`mutate`].
pub fn mutate_subject(
    subject: &Subject,
    options: &Options,
    workshop: &Workshop,
    progress: impl Fn(Progress) + Sync,
) -> Result<Mutation, MutationError> {
    let netlist = Netlist::of(subject, options.mutants, options.seed, &workshop.cache)?;
    progress(Progress::Made(netlist.mutants.len()));
    // Where wires are all there is, nothing can be mistaken.
    let verdicts = match netlist.mutants.is_empty() {
        true => vec![],
        false => judge(subject, &netlist, options, workshop, &progress)?,
    };

    let count =
        |killer: Killer| verdicts.iter().filter(|&&verdict| verdict == Killed(killer)).count();
    let killers = Killer::ALL.map(|killer| (killer, count(killer)));
    let killed: usize = killers.iter().map(|(_, count)| count).sum();
    let killed_by_evaluator = count(Killer::Evaluator);
    let judged = || netlist.mutants.iter().map(Mutant::without_command).zip(&verdicts);
    let equivalent = judged().filter(|(_, verdict)| **verdict == Equivalent);
    let survivor = |(mutant, verdict): (Mutant, &Verdict)| match *verdict {
        Survives { differs_after } => Some(Survivor { mutant, differs_after }),
        _ => None,
    };
    Ok(Mutation {
        block: subject.name.clone(),
        settings: subject.settings.clone(),
        seed: options.seed,
        available: netlist.available,
        mutants: netlist.mutants.len(),
        killed_by_model: killed - killed_by_evaluator,
        killed_by_evaluator,
        killers: killers.into_iter().filter(|(_, count)| *count > 0).collect(),
        equivalent: equivalent.map(|(mutant, _)| mutant).collect(),
        survivors: judged().filter_map(survivor).collect(),
        yosys: YOSYS.version()?,
        verilator: workshop.toolchain.verilator_version().to_string(),
    })
}

/// The cases of all scenarios of a plan.
fn cases(subject: &Subject, plan: &Plan) -> Vec<Case> {
    let scenarios = plan.scenarios(subject).into_iter();
    scenarios.flat_map(|scenario| scenario.cases(subject, plan.beats, plan.seed)).collect()
}

/// What becomes of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Killed(Killer),
    Equivalent,
    Survives { differs_after: Option<u32> },
}

use Verdict::{Equivalent, Killed, Survives};

/// What becomes of each mutant. The evaluator is slow, so it is asked last.
fn judge(
    subject: &Subject,
    netlist: &Netlist,
    options: &Options,
    workshop: &Workshop,
    progress: &(impl Fn(Progress) + Sync),
) -> Result<Vec<Verdict>, MutationError> {
    let rig = rig(subject, netlist, workshop)?;
    check_original(subject, &rig.tie(SELECTOR, selected(netlist, 0)), netlist, &options.plan)?;

    let cases = cases(subject, &options.plan);
    let survives = |rig: &Rig, differs_after| {
        by_evaluator(subject, rig, &cases).map_or(Survives { differs_after }, Killed)
    };
    let judge = |mutant: &Mutant| -> Result<Verdict, ToolError> {
        let rig = rig.tie(SELECTOR, selected(netlist, mutant.number));
        let verdict = match by_model(subject, &rig, &cases) {
            Some(killer) => Killed(killer),
            None => match compare(subject, netlist, mutant)? {
                Comparison::Same => Equivalent,
                Comparison::Differs { after } => survives(&rig, Some(after)),
                Comparison::Open => survives(&rig, None),
            },
        };
        progress(Progress::Judged);
        Ok(verdict)
    };
    let verdicts: Vec<_> = netlist.mutants.par_iter().map(judge).collect();
    Ok(verdicts.into_iter().collect::<Result<_, _>>()?)
}

/// The value of the selector for a mutant.
fn selected(netlist: &Netlist, number: usize) -> Bits {
    Bits::new(netlist.selector_width(), number as u64)
}

/// The simulators, with the netlist in the place of the text.
fn rig(subject: &Subject, netlist: &Netlist, workshop: &Workshop) -> Result<Rig, MutationError> {
    let module = netlist.module(subject).map_err(SubjectError::from)?;
    let (netlist, original) = (netlist.files(subject), &subject.files);
    let (reset, building) = (subject.tech.reset, Building::default());
    let Workshop { toolchain, cache } = workshop;
    let library =
        Library::of_netlist(&module, &netlist, original, reset, building, toolchain, cache)?;
    Ok(Rig::of_library(subject, library).map_err(RigError::from)?)
}

/// Without a mutant, the netlist has to pass.
fn check_original(
    subject: &Subject,
    rig: &Rig,
    netlist: &Netlist,
    plan: &Plan,
) -> Result<(), ToolError> {
    let outcome = rig.check(subject, plan, || {});
    let Some(failure) = outcome.failure else { return Ok(()) };
    in_folder(&netlist.files(subject), |folder| {
        let report = failure.report(subject, plan, None);
        Err(ToolError::Failed {
            tool: YOSYS.command,
            last_lines: format!(
                "without a mutant, the netlist does not pass (does `lacuna cosim`?)\n{report}"
            ),
            folder: folder.to_path_buf(),
        })
    })
}
