//! Emitted text in Verilator, inside of this process.
//!
//! Verilator translates the text to C++, which is compiled to a shared library and loaded; ports
//! are memory that both sides know, so a step costs what it costs in a program in C++. Libraries
//! are kept in a [`Cache`] under the hash of all that they were made from: what has not changed is
//! loaded at once.
//!
//! ```no_run
//! use lacuna::config::Reset;
//! use lacuna::cosim::verilator::{Library, Options, Start, Toolchain};
//! use lacuna::eda::Cache;
//! use lacuna::hdl::*;
//! use lacuna::verilog;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let m = ModuleBuilder::new("counter");
//! let enable = m.input("enable_i", bit());
//! let count = m.register("count", uint(8)).reset(0);
//! m.when(enable, || count.set((count + 1).truncate(8)));
//! m.output("count_o", uint(8)).set(count);
//! let counter = m.finish()?;
//! let files = verilog::emit(&counter, &verilog::Style::default())?;
//!
//! let toolchain = Toolchain::find()?;
//! let (options, cache) = (Options::default(), Cache::user()?);
//! let library = Library::build(&counter, &files, Reset::AsyncLow, options, &toolchain, &cache)?;
//! let mut sim = library.instance(Start::Zero);
//! let (enable, count) = (sim.port("enable_i")?, sim.port("count_o")?);
//! sim.reset();
//! sim.set(enable, 1);
//! sim.run(300);
//! assert_eq!(sim.get(count), 300 % 256);
//! # Ok(())
//! # }
//! ```
//!
//! # What happens when
//!
//! It is the order of [the evaluator](crate::hdl::eval): [`Instance::step`] is one rising edge, at
//! which everything takes what its operands were just before it, and outputs follow inputs at once.
//! The clock falls only when it has to: the falling edge and the new inputs of a cycle are one
//! evaluation, the rising edge is the other. An output that depends on registers alone needs none.
//! Where something takes values at the falling edge itself, the clock falls right before it rises
//! again, so that such a clock gate sees the inputs that the evaluator sees; outputs that inputs
//! reach without a register then cost a third evaluation. Elsewhere a reset begins and ends in
//! the low phase, never together with an edge. Where a latch follows the clock, new inputs arrive
//! while it is still high, as they do from registers: one more evaluation, in which a gated clock
//! has to stay as it is.
//!
//! An instance begins with inputs 0, out of reset, in the state of [`Start`].
//!
//! # What the design says
//!
//! Nothing reaches the terminal, and nothing ends the process: `$display`, a failed property,
//! `$stop`, `$finish` and what Verilator calls fatal are [`Message`]s of the instance, which goes
//! on (after a fatal one it stays as it is). With [`Options::assertions`] the properties under
//! `FORMAL` are compiled in; they are looked at with each edge outside of resets. The text also
//! assumes to begin in reset. It does, for a moment in which there is no edge.

mod build;
mod coverage;
mod instance;
mod library;
mod messages;
mod toolchain;

use std::fmt;
use std::sync::Arc;

use crate::config::Reset;
use crate::eda::{Cache, ToolError};
use crate::hdl::ir::Module;
use crate::verilog::File;

pub use coverage::{Coverage, Point, PointKind};
pub use instance::{Instance, Port, Start};
pub use messages::{Kind, MAX_MESSAGES, Message};
pub use toolchain::Toolchain;

/// What a simulation can do besides running. Each costs some of its speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Waveforms.
    pub trace: bool,
    /// Counts of the lines that ran and the bits that toggled.
    pub coverage: bool,
    /// The properties of the design.
    pub assertions: bool,
}

/// What a design does besides taking values at the rising edges of its clock.
#[derive(Clone, Copy)]
struct Clocking {
    /// Something takes values at the falling edge.
    late_fall: bool,
    /// Something follows a level.
    has_latch: bool,
}

/// A compiled and loaded design; a clone is the same. It makes any number of instances.
#[derive(Clone)]
pub struct Library {
    functions: Arc<library::Functions>,
    design: Arc<instance::Design>,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").finish_non_exhaustive()
    }
}

impl Library {
    /// Builds the library of `top`, or takes it from the cache, and loads it. `files` is the text
    /// of `top` and of all that is inside, emitted with `reset`.
    ///
    /// # Errors
    /// [`ToolError::Missing`] if a tool is gone, [`ToolError::Failed`] if one refuses its input
    /// (then its folder stays), [`ToolError::Files`] if the cache cannot be used.
    pub fn build(
        top: &Arc<Module>,
        files: &[File],
        reset: Reset,
        options: Options,
        toolchain: &Toolchain,
        cache: &Cache,
    ) -> Result<Library, ToolError> {
        Library::of_netlist(top, files, files, reset, options, toolchain, cache)
    }

    /// As [`build`](Library::build), where `files` is a netlist of the text `original`. That says
    /// whether something takes values at the falling edge of the clock, or follows its level: in a
    /// netlist, whose signals have other names, a reset looks like a clock.
    ///
    /// # Errors
    /// As [`build`](Library::build).
    pub fn of_netlist(
        top: &Arc<Module>,
        files: &[File],
        original: &[File],
        reset: Reset,
        options: Options,
        toolchain: &Toolchain,
        cache: &Cache,
    ) -> Result<Library, ToolError> {
        let job = build::Job { top, files, original, reset, options, toolchain };
        let functions = job.load(cache)?;
        let clocking = Clocking { late_fall: job.late_fall(), has_latch: job.has_latch() };
        let design = instance::Design::new(top, reset, options, clocking);
        Ok(Library { functions: Arc::new(functions), design: Arc::new(design) })
    }

    /// A new instance.
    pub fn instance(&self, start: Start) -> Instance {
        Instance::new(&self.functions, &self.design, start)
    }
}
