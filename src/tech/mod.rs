//! Technology: cells whose Verilog comes from `rtl_templates/`, and the collateral of a flow.
//!
//! Templates hold what a technology replaces (a clock gate, a RAM, a reset synchroniser) and the
//! files that a flow reads, never datapath; those of testbenches lie in `tb/`. They are rendered in strict mode: an unknown variable
//! is an error, and a cell's ports are declared in Rust and compared with the text.

mod cells;
mod collateral;
mod registers;
mod render;
mod shell;

pub use cells::{clock_gate, foreign_cell, reset_synchronizer, style, sync_ram};
pub(crate) use cells::{clock_gate_properties, reset_synchronizer_properties, sync_ram_properties};
pub use collateral::{Collateral, datasheet};
pub use registers::register_files;
pub(crate) use render::{generator, render};
pub use shell::axi_shell;
