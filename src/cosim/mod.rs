//! Cosimulation: the golden model, the evaluator and Verilator, side by side.

mod subject;
pub mod testbench;

pub use subject::{Subject, SubjectError};
