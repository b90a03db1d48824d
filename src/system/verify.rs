//! The emitted engine beside its golden model, on sequences that mean something.

use std::time::Instant;

use super::program::Program;
use crate::blocks::Configured;
use crate::blocks::engine::layer_engine::LayerEngineParameters;
use crate::config::Parameters;
use crate::cosim::verilator::Start;
use crate::cosim::{Case, Idle, Rig, RigError, Stalls, Subject, SubjectError, Workshop};

/// What runs the engine's hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulator {
    /// The evaluator of descriptions.
    Evaluator,
    /// The emitted Verilog in Verilator.
    Verilator,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The engine cannot be described.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// It cannot be simulated.
    #[error(transparent)]
    Rig(#[from] RigError),
}

/// What was compared with the golden model.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Cycles that were simulated.
    pub cycles: u64,
    /// Beats of results.
    pub beats: u64,
    /// How long the simulator and the comparison took.
    pub seconds: f64,
    /// What was wrong first, in words.
    pub mismatch: Option<String>,
}

/// Runs sequences through an engine: every beat has to go in and every result to come out in the
/// cycle that the golden model says, with its value.
///
/// # Errors
/// If there is no simulation of the engine.
pub fn verify(
    block: &Configured,
    program: &Program,
    sequences: &[Vec<Vec<i8>>],
    simulator: Simulator,
) -> Result<Verified, VerifyError> {
    let subject = Subject::of(block)?;
    let parameters = LayerEngineParameters::from_values(&block.values);
    let stimulus = program.stimulus(&parameters, &subject.shape, sequences);
    let rig = match simulator {
        Simulator::Evaluator => Rig::evaluator(&subject).map_err(RigError::from)?,
        Simulator::Verilator => {
            Rig::verilator(&subject, &Workshop::find().map_err(RigError::from)?, false)?
        }
    };
    let case = Case {
        start: Start::Zero,
        stalls: (Stalls::None, Stalls::None),
        seed: 0,
        idle: Idle::Noise,
        reset_after: None,
        stimulus,
    };
    let begin = Instant::now();
    let run = rig.run_first(&subject, &case);
    let seconds = begin.elapsed().as_secs_f64();
    let mismatch = run.mismatches.first().map(|mismatch| format!("{mismatch:?}"));
    Ok(Verified { cycles: run.cycles, beats: run.beats, seconds, mismatch })
}
