//! Lacuna: an RTL generator and hardware description toolkit for neural-network accelerators that
//! skip work.
//!
//! One TOML file goes in; readable, synthesizable Verilog comes out. The blocks are described with
//! the toolkit that is there for modules of your own as well: Rust code that runs, in which widths
//! and dimensions are values.
//!
//! # From nothing to an evaluated, emitted counter
//!
//! Describe it with [`hdl::ModuleBuilder`]. Operators never lose a bit, so narrowing is written
//! out; whatever is wrong, [`finish`](hdl::ModuleBuilder::finish) reports all at once, each with
//! the line of Rust that made it.
//!
//! ```
//! use std::sync::Arc;
//! use lacuna::hdl::*;
//!
//! fn counter(width: u32) -> Result<Arc<Module>, Errors> {
//!     let m = ModuleBuilder::new(format!("counter_{width}"));
//!     m.doc("Counts the cycles in which it is enabled.");
//!     let enable = m.input("enable_i", bit());
//!     let count = m.register("count", uint(width)).reset(0);
//!     m.when(enable, || count.set((count + 1).truncate(width)));
//!     m.output("count_o", uint(width)).set(count);
//!     m.finish()
//! }
//!
//! let module = counter(4)?;
//!
//! // Run it: no simulator, no compiler.
//! let mut sim = eval::Evaluator::new(&module)?;
//! let (enable, count) = (sim.port("enable_i")?, sim.port("count_o")?);
//! sim.reset();
//! sim.set(enable, 1);
//! sim.run(18);
//! assert_eq!(sim.get(count), 2); // 18 modulo 16
//!
//! // Print it.
//! let files = lacuna::verilog::emit(&module, &lacuna::verilog::Style::default())?;
//! assert!(files[0].text.contains("count_q <= count_q + 4'd1;"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same from the command line, for the blocks that come along: `lacuna init`, `lacuna emit`,
//! `lacuna lint`.
//!
//! # Where things are
//!
//! - [`hdl`]: types, expressions, modules, checks; [`hdl::eval`] runs them.
//! - [`verilog`]: prints modules.
//! - [`tech`]: cells that a technology replaces, and the collateral of a flow.
//! - [`config`]: the TOML file, with every error at once.
//! - [`model`]: what golden models are made of.
//! - [`blocks`]: the blocks and their registry.
//! - [`design`]: a configuration's blocks on their way to disk.
//! - [`eda`]: Verilator, Icarus and Yosys as lint and netlist tools.
//! - [`cosim`]: golden model, evaluator and Verilator, side by side.
//! - [`snapshot`]: tests that pin emitted text and netlists.
//! - [`workload`]: networks, and sequences of vectors to run them on.
//! - `interop` (feature `rust-hdl`): any module as a block of rust-hdl.
//! - [`evidence`]: what the text costs, and proof that the checks can fail.
//! - [`cli`]: the `lacuna` command.

pub mod blocks;
pub mod cli;
pub mod config;
pub mod cosim;
pub mod design;
pub mod eda;
pub mod evidence;
pub mod hdl;
#[cfg(feature = "rust-hdl")]
pub mod interop;
pub mod model;
pub mod registers;
pub mod report;
pub mod snapshot;
pub mod system;
pub mod tech;
pub mod verilog;
pub mod workload;
