//! The simulators of a module, ready to start.

use std::path::Path;

use super::engine::{Engine, Evaluated, Verilated};
use super::mismatch::Mismatch;
use super::pins::Pins;
use super::run::{MOST_MISMATCHES, Run, run};
use super::scenario::Case;
use super::subject::Subject;
use super::verilator::{Library, Options, Start, Toolchain};
use crate::eda::{Cache, ToolError};
use crate::hdl::eval::EvalError;
use crate::model::Bits;

/// What builds simulations, and where they are kept.
#[derive(Clone, Debug)]
pub struct Workshop {
    /// Verilator and the C++ compiler.
    pub toolchain: Toolchain,
    /// What was built before.
    pub cache: Cache,
}

/// Why there is no simulation.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// The evaluator cannot run the module.
    #[error(transparent)]
    Evaluator(#[from] EvalError),
    /// Verilator or the compiler did not do their work.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// The simulators of a module.
///
/// ```no_run
/// use lacuna::cosim::{Plan, Rig, Subject, Workshop};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let subject: Subject = unimplemented!();
/// let (workshop, plan) = (Workshop::find()?, Plan::default());
/// let outcome = Rig::verilator(&subject, &workshop, false)?.check(&subject, &plan, || {});
/// if let Some(failure) = &outcome.failure {
///     let waveform = std::path::Path::new("failure.fst");
///     Rig::record(&subject, &workshop, &failure.shortest, waveform)?;
///     panic!("{}", failure.report(&subject, &plan, Some(waveform)));
/// }
/// # Ok(())
/// # }
/// ```
///
/// The model is compared with the first of them, and what the others show has to be what the first
/// shows.
#[derive(Clone)]
pub struct Rig {
    evaluator: Evaluated,
    library: Option<Library>,
    /// Inputs of the library that the subject does not have.
    tied: Vec<(String, Bits)>,
    measures: bool,
}

impl Workshop {
    /// The tools of this machine, and the user's cache.
    ///
    /// # Errors
    /// If a tool is missing, or there is no place for a cache.
    pub fn find() -> Result<Workshop, ToolError> {
        Ok(Workshop { toolchain: Toolchain::find()?, cache: Cache::user()? })
    }

    fn library(&self, subject: &Subject, options: Options) -> Result<Library, ToolError> {
        let (reset, files) = (subject.tech.reset, &subject.files);
        Library::build(&subject.module, files, reset, options, &self.toolchain, &self.cache)
    }
}

impl Rig {
    /// The evaluator alone: no compiler, no simulator.
    ///
    /// # Errors
    /// If the module cannot be evaluated.
    pub fn evaluator(subject: &Subject) -> Result<Rig, EvalError> {
        let evaluator = Evaluated::new(&subject.module, subject.tech.reset)?;
        Ok(Rig { evaluator, library: None, tied: vec![], measures: false })
    }

    /// Verilator, with the properties of the design, and the evaluator beside it; with `coverage`,
    /// what runs is counted.
    ///
    /// # Errors
    /// If the module cannot be evaluated or built.
    pub fn verilator(
        subject: &Subject,
        workshop: &Workshop,
        coverage: bool,
    ) -> Result<Rig, RigError> {
        let mut rig = Rig::evaluator(subject)?;
        let options = Options { assertions: true, coverage, trace: false };
        rig.library = Some(workshop.library(subject, options)?);
        rig.measures = coverage;
        Ok(rig)
    }

    /// Another library in the place of the subject's text, such as one of its netlist, and the
    /// evaluator beside it. The library has the subject's ports, and perhaps further inputs.
    ///
    /// # Errors
    /// If the module cannot be evaluated.
    pub fn of_library(subject: &Subject, library: Library) -> Result<Rig, EvalError> {
        Ok(Rig { library: Some(library), ..Rig::evaluator(subject)? })
    }

    /// The same, where an input of the library that the subject does not have keeps a value.
    pub fn tie(&self, input: &str, value: Bits) -> Rig {
        let mut rig = self.clone();
        rig.tied.push((input.to_string(), value));
        rig
    }

    /// What reports call the engine that the model is compared with.
    pub(super) fn first_name(&self) -> &'static str {
        if self.library.is_some() { "rtl" } else { "evaluator" }
    }

    /// The module by itself, in the simulator that the model is compared with, after a reset.
    pub fn pins(&self, subject: &Subject) -> Pins {
        let engine: Box<dyn Engine> = match &self.library {
            Some(library) => {
                Box::new(Verilated::new(&subject.module, library.instance(Start::Zero), &self.tied))
            }
            None => Box::new(self.evaluator.start(Start::Zero)),
        };
        let mut pins = Pins::new(subject, engine);
        pins.reset();
        pins
    }

    /// Runs a case.
    pub fn run(&self, subject: &Subject, case: &Case) -> Run {
        let mut engines = self.engines(subject, case);
        let mut result = run(subject, &mut engines, case, MOST_MISMATCHES);
        if self.measures {
            result.coverage = engines[0].coverage();
        }
        result
    }

    /// Runs a case in the first simulator alone, which the model is compared with.
    pub fn run_first(&self, subject: &Subject, case: &Case) -> Run {
        let mut engines = self.engines(subject, case);
        engines.truncate(1);
        run(subject, &mut engines, case, MOST_MISMATCHES)
    }

    /// The first mismatch of a case, at which the run ends. Without `others`, only the first
    /// simulator runs, which the model is compared with.
    pub fn first_mismatch(&self, subject: &Subject, case: &Case, others: bool) -> Option<Mismatch> {
        let mut engines = self.engines(subject, case);
        if !others {
            engines.truncate(1);
        }
        run(subject, &mut engines, case, 1).mismatches.into_iter().next()
    }

    /// The simulators as they begin, the one that the model is compared with first.
    fn engines(&self, subject: &Subject, case: &Case) -> Vec<Box<dyn Engine>> {
        let mut engines: Vec<Box<dyn Engine>> = vec![];
        if let Some(library) = &self.library {
            let instance = library.instance(case.start);
            engines.push(Box::new(Verilated::new(&subject.module, instance, &self.tied)));
        }
        engines.push(Box::new(self.evaluator.start(case.start)));
        engines
    }

    /// Whether the evaluator alone agrees with the model in a case. None if it is what the model is
    /// compared with anyway, or began in another state.
    pub(super) fn evaluator_agrees(&self, subject: &Subject, case: &Case) -> Option<bool> {
        if self.library.is_none() || case.start != Start::Zero {
            return None;
        }
        let mut engines: [Box<dyn Engine>; 1] = [Box::new(self.evaluator.start(case.start))];
        Some(run(subject, &mut engines, case, 1).mismatches.is_empty())
    }

    /// Records a waveform (FST) of a case in Verilator, and says what came of the run.
    ///
    /// # Errors
    /// If the simulation cannot be built, or the file not be written.
    pub fn record(
        subject: &Subject,
        workshop: &Workshop,
        case: &Case,
        path: &Path,
    ) -> Result<Run, ToolError> {
        let options = Options { trace: true, assertions: true, coverage: false };
        let mut instance = workshop.library(subject, options)?.instance(case.start);
        instance.trace(path)?;
        let mut engines: [Box<dyn Engine>; 1] =
            [Box::new(Verilated::new(&subject.module, instance, &[]))];
        Ok(run(subject, &mut engines, case, MOST_MISMATCHES))
    }
}
