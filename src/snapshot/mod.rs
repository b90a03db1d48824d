//! Snapshots for tests: what exactly does a module become?
//!
//! With [insta](https://docs.rs/insta) among a crate's development dependencies,
//! [`assert_verilog_snapshot!`](crate::assert_verilog_snapshot) pins the emitted text of a module
//! and [`assert_netlist_snapshot!`](crate::assert_netlist_snapshot) its cells, so that a review
//! sees which hardware a change touches.
//!
//! ```no_run
//! use lacuna::hdl::*;
//! # fn counter(_: u32) -> std::sync::Arc<Module> { unimplemented!() }
//! lacuna::assert_verilog_snapshot!("counter_of_3_bits", counter(3));
//! lacuna::assert_netlist_snapshot!("counter_of_3_bits_cells", counter(3));
//! ```

use std::sync::Arc;

use crate::eda::{self, ToolError};
use crate::hdl::Module;
use crate::tech;
use crate::verilog::{self, File};

/// The text of a module and all that it instances, without the generator's version, so that a
/// release changes no snapshot.
///
/// # Panics
/// If the module cannot be printed; the default technology can print all modules.
pub fn verilog(module: &Arc<Module>) -> String {
    let version = concat!("lacuna ", env!("CARGO_PKG_VERSION"));
    let texts: Vec<String> =
        files(module).into_iter().map(|file| file.text.replace(version, "lacuna")).collect();
    texts.join("\n")
}

/// The cells of a module and of all that it instances, after Yosys' `proc`.
///
/// # Errors
/// [`ToolError`] if Yosys is missing or does not accept the text.
///
/// # Panics
/// As [`verilog()`].
pub fn netlist(module: &Arc<Module>) -> Result<String, ToolError> {
    Ok(eda::netlists(&files(module))?.to_string())
}

fn files(module: &Arc<Module>) -> Vec<File> {
    let style = tech::style(&Default::default(), None);
    verilog::emit(module, &style).expect("the default technology has a clock gate")
}

/// Compares the emitted Verilog of a module with its insta snapshot; a name may come first.
#[macro_export]
macro_rules! assert_verilog_snapshot {
    ($name:expr, $module:expr $(,)?) => {
        ::insta::assert_snapshot!($name, $crate::snapshot::verilog(&$module))
    };
    ($module:expr $(,)?) => {
        ::insta::assert_snapshot!($crate::snapshot::verilog(&$module))
    };
}

/// Compares the cells of a module with its insta snapshot; a name may come first. Needs Yosys.
#[macro_export]
macro_rules! assert_netlist_snapshot {
    ($name:expr, $module:expr $(,)?) => {
        ::insta::assert_snapshot!(
            $name,
            $crate::snapshot::netlist(&$module).unwrap_or_else(|error| panic!("{error}"))
        )
    };
    ($module:expr $(,)?) => {
        ::insta::assert_snapshot!(
            $crate::snapshot::netlist(&$module).unwrap_or_else(|error| panic!("{error}"))
        )
    };
}
