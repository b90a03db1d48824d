//! Tools of the trade: run them, read what they say.
//!
//! A tool that is not there is an error that says what to install; a tool that fails is one with
//! its own last lines and the folder where its input lies.

mod cache;
mod liberty;
mod liberty_text;
mod lint;
mod netlist;
#[allow(dead_code, unused_imports)]
mod tool;

pub use cache::Cache;
pub(crate) use cache::Digest;
pub(crate) use liberty::liberty;
pub(crate) use liberty_text::Group;
pub use lint::{Finding, lint};
pub use netlist::{Netlists, netlists};
pub use tool::ToolError;
pub(crate) use tool::{
    GXX, OPENSTA, Tool, VERILATOR, YOSYS, Z3, file_names, in_folder, on_path, said,
};
