//! Cosimulation: the golden model, the evaluator and Verilator, side by side.

mod check;
mod engine;
mod mismatch;
mod replay;
mod report;
mod rig;
mod run;
mod scenario;
mod shrink;
mod stalls;
mod subject;
pub mod testbench;
pub mod verilator;

#[cfg(test)]
mod tests;

pub use check::{Failure, Outcome, Plan};
pub use mismatch::{Difference, Finding, Mismatch, Place};
pub use replay::Replay;
pub use rig::{Rig, RigError, Workshop};
pub use run::Run;
pub use scenario::{Case, Scenario};
pub use stalls::Stalls;
pub use subject::{Subject, SubjectError};
