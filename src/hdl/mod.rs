//! Hardware description: modules with typed, lossless expressions, all checks, and an evaluator.
//!
//! A description is Rust code that runs: widths and dimensions are values. [`ModuleBuilder`] is
//! where it starts; a finished [`Module`] is plain data that the evaluator runs and that
//! [`crate::verilog`] prints.

mod array;
mod builder;
mod check;
mod contract;
mod control;
pub(crate) mod dependencies;
mod error;
pub mod eval;
mod expr;
mod fold;
mod instance;
pub mod ir;
mod memory;
pub mod name;
mod signal;
mod stream;
mod ty;

pub use array::Array;
pub use builder::ModuleBuilder;
pub(crate) use control::capitalized;
pub use control::{Machine, MachineSwitch, Switch, When};
pub use error::{Error, ErrorKind, Errors};
pub use expr::{Expr, Operand, concat, pack};
pub use instance::{GatedClock, Instance};
pub use ir::Module;
pub use memory::Memory;
pub use signal::Signal;
pub use stream::{Field, StreamIn, StreamOut};
pub use ty::{MAX_DEPTH, MAX_ELEMENTS, MAX_WIDTH, Type, bit, index_width, sint, uint};
