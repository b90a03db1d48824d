//! Tools of the trade: run them, read what they say.
//!
//! A tool that is not there is an error that says what to install; a tool that fails is one with
//! its own last lines and the folder where its input lies.

mod lint;
mod netlist;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub use lint::{Finding, lint};
pub use netlist::{Netlists, netlists};

/// Why a tool gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// E0301: the tool is not on the search path.
    #[error(
        "error[E0301]: `{tool}` is not installed, or not on PATH\n \
         help: run `scripts/setup.sh`, or install the package `{package}`"
    )]
    Missing {
        /// The command.
        tool: &'static str,
        /// Debian's package.
        package: &'static str,
    },
    /// E0302: the tool failed in a way that is no finding about its input.
    #[error("error[E0302]: `{tool}` failed\n{last_lines}\n its input lies in {}", folder.display())]
    Failed {
        /// The command.
        tool: &'static str,
        /// The end of what it printed.
        last_lines: String,
        /// Where it ran.
        folder: PathBuf,
    },
    /// E0303: the work folder could not be written or read.
    #[error("error[E0303]: {what}: {source}")]
    Files {
        /// What was tried.
        what: String,
        /// Why it did not work.
        source: std::io::Error,
    },
}

/// A tool and where it comes from.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    command: &'static str,
    package: &'static str,
}

pub(crate) const VERILATOR: Tool = Tool { command: "verilator", package: "verilator" };
const ICARUS: Tool = Tool { command: "iverilog", package: "iverilog" };
pub(crate) const GXX: Tool = Tool { command: "g++", package: "g++" };
const YOSYS: Tool = Tool { command: "yosys", package: "yosys" };

impl Tool {
    /// Runs the tool in `folder` to its end.
    fn run(self, folder: &Path, arguments: &[&str]) -> Result<Output, ToolError> {
        self.run_at(Path::new(self.command), folder, arguments)
    }

    /// Runs the tool that lies at `path`, or is found by that name.
    pub(crate) fn run_at(
        self,
        path: &Path,
        folder: &Path,
        arguments: &[impl AsRef<OsStr>],
    ) -> Result<Output, ToolError> {
        let output = Command::new(path).args(arguments).current_dir(folder).output();
        output.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound if folder.is_dir() => self.missing(),
            _ => ToolError::Files { what: format!("cannot run {}", self.command), source: error },
        })
    }

    /// The error if it is not there.
    pub(crate) fn missing(self) -> ToolError {
        ToolError::Missing { tool: self.command, package: self.package }
    }

    /// The error for a run that should have succeeded. The folder stays for a look.
    pub(crate) fn failed(self, folder: &Path, output: &Output) -> ToolError {
        let text = said(output);
        let lines: Vec<&str> = text.lines().collect();
        let last_lines = lines[lines.len().saturating_sub(8)..].join("\n");
        ToolError::Failed { tool: self.command, last_lines, folder: folder.to_path_buf() }
    }
}

/// All that a tool printed.
pub(crate) fn said(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// Runs `work` in a new temporary folder that holds the files; it stays if a tool failed there.
pub(crate) fn in_folder<T>(
    files: &[crate::verilog::File],
    work: impl FnOnce(&Path) -> Result<T, ToolError>,
) -> Result<T, ToolError> {
    let failed = |what: &str| {
        let what = what.to_string();
        move |source| ToolError::Files { what, source }
    };
    let folder = tempfile::Builder::new().prefix("lacuna-").tempdir();
    let mut folder = folder.map_err(failed("cannot make a temporary folder"))?;
    for file in files {
        let path = folder.path().join(format!("{}.v", file.module));
        std::fs::write(path, &file.text).map_err(failed("cannot write a temporary file"))?;
    }
    let result = work(folder.path());
    if matches!(result, Err(ToolError::Failed { .. })) {
        folder.disable_cleanup(true);
    }
    result
}

/// The names of the files that [`in_folder`] writes.
pub(crate) fn file_names(files: &[crate::verilog::File]) -> Vec<String> {
    files.iter().map(|file| format!("{}.v", file.module)).collect()
}
