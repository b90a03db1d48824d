//! Tools of the trade: run them, read what they say.
//!
//! A tool that is not there is an error that says what to install; a tool that fails is one with
//! its own last lines and the folder where its input lies.

mod cache;
mod lint;
mod netlist;
mod smt;
#[allow(dead_code)]
mod tool;

pub use cache::Cache;
pub(crate) use cache::Digest;
pub use lint::{Finding, lint};
pub use netlist::{Netlists, netlists};
pub(crate) use smt::{
    Base, Clocks, Failed, Formulas, Induction, Stated, formulas, recipe as proof_recipe, traces,
    versions as proof_tools,
};
pub use tool::ToolError;
pub(crate) use tool::{GXX, Tool, VERILATOR, file_names, in_folder, on_path, said};
