//! The simulators of a module, ready to start.

use super::engine::{Engine, Evaluated, Start};
use super::run::{Run, run};
use super::scenario::Case;
use super::subject::Subject;
use crate::hdl::eval::EvalError;

/// The simulators of a module.
pub struct Rig {
    evaluator: Evaluated,
}

impl Rig {
    /// The evaluator alone: no compiler, no simulator.
    ///
    /// # Errors
    /// If the module cannot be evaluated.
    pub fn evaluator(subject: &Subject) -> Result<Rig, EvalError> {
        Ok(Rig { evaluator: Evaluated::new(&subject.module, subject.tech.reset)? })
    }

    /// The simulators at their start. The first is the one that the model is compared with.
    fn engines(&self, start: Start) -> Vec<Box<dyn Engine>> {
        vec![Box::new(self.evaluator.start(start))]
    }

    /// What reports call the engine that the model is compared with.
    pub(super) fn first_name(&self) -> &'static str {
        "evaluator"
    }

    /// Whether the evaluator alone agrees with the model, if it is not what the model is compared
    /// with anyway.
    pub(super) fn evaluator_agrees(&self, _subject: &Subject, _case: &Case) -> Option<bool> {
        None
    }

    /// Runs a case.
    pub fn run(&self, subject: &Subject, case: &Case) -> Run {
        run(subject, &mut self.engines(case.start), case)
    }
}
