//! Which Verilator and which C++ compiler build the simulations.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;
use std::time::UNIX_EPOCH;

use crate::eda::{Digest, GXX, Tool, ToolError, VERILATOR, on_path, said};

/// A Verilator and a C++ compiler that are there.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub(super) verilator: PathBuf,
    pub(super) compiler: PathBuf,
    /// Where Verilator's runtime lies, in `include`.
    pub(super) root: PathBuf,
    versions: [String; 2],
    /// Whatever makes these tools others than those of another version.
    pub(super) identity: Digest,
}

impl Toolchain {
    /// Verilator from `LACUNA_VERILATOR` or else the search path, the compiler from `CXX` or else
    /// `g++` on the search path.
    ///
    /// # Errors
    /// [`ToolError::Missing`] if there is none.
    pub fn find() -> Result<Toolchain, ToolError> {
        let tool = |variable: &str, default: &str| {
            let named = env::var_os(variable).filter(|path| !path.is_empty());
            PathBuf::from(named.unwrap_or_else(|| default.into()))
        };
        Toolchain::at(&tool("LACUNA_VERILATOR", "verilator"), &tool("CXX", "g++"))
    }

    /// The tools at these paths, or of these names on the search path. The compiler has to
    /// understand the options of `g++`.
    ///
    /// # Errors
    /// [`ToolError::Missing`] if one is not there, [`ToolError::Failed`] if it does not say what
    /// it is.
    pub fn at(verilator: &Path, compiler: &Path) -> Result<Toolchain, ToolError> {
        let verilator = on_path(verilator).ok_or_else(|| VERILATOR.missing())?;
        let compiler = on_path(compiler).ok_or_else(|| GXX.missing())?;
        let here = env::temp_dir();
        let ask = |tool: Tool, path: &Path, arguments: &[&str]| {
            let output = tool.run_at(path, &here, arguments)?;
            if output.status.success() { Ok(output) } else { Err(tool.failed(&here, &output)) }
        };
        // Starting the tools is most of the time that an unchanged module takes. Threads of its
        // own, because one of a pool might take up another job meanwhile, which waits for this.
        let (version, root, compiler_version) = thread::scope(|scope| {
            let version = scope.spawn(|| ask(VERILATOR, &verilator, &["--version"]));
            let root = scope.spawn(|| ask(VERILATOR, &verilator, &["--getenv", "VERILATOR_ROOT"]));
            let compiler_version = ask(GXX, &compiler, &["--version"]);
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().expect("starting a tool does not panic")
            };
            (join(version), join(root), compiler_version)
        });
        let first_line =
            |output: &Output| said(output).lines().next().unwrap_or("").trim().to_string();
        let mut versions = [first_line(&version?), first_line(&compiler_version?)];
        // Some builds forget their own name.
        if !versions[0].starts_with("Verilator") {
            versions[0].insert_str(0, "Verilator ");
        }
        if is_too_old(&versions[0]) {
            return Err(ToolError::Missing {
                tool: "verilator 5.006 or newer",
                package: "verilator",
            });
        }
        let root = root?;
        let root_path = PathBuf::from(first_line(&root));
        if !root_path.join("include/verilated.cpp").is_file() {
            return Err(VERILATOR.failed(&root_path, &root));
        }

        // Some builds of Verilator have no number to say, so the files speak as well.
        let mut identity = Digest::builder();
        versions.iter().for_each(|version| identity.add(version));
        let beside = verilator.canonicalize().unwrap_or_else(|_| verilator.clone());
        let parts = [
            verilator.clone(),
            beside.with_file_name("verilator_bin"),
            root_path.join("bin/verilator_bin"),
            root_path.join("include/verilated.cpp"),
            root_path.join("include/verilated_config.h"),
            compiler.clone(),
        ];
        parts.iter().for_each(|path| identity.add(fingerprint(path)));
        let identity = identity.finish();
        Ok(Toolchain { verilator, compiler, root: root_path, versions, identity })
    }

    /// Where Verilator is.
    pub fn verilator(&self) -> &Path {
        &self.verilator
    }

    /// Where the compiler is.
    pub fn compiler(&self) -> &Path {
        &self.compiler
    }

    /// What Verilator says that it is.
    pub fn verilator_version(&self) -> &str {
        &self.versions[0]
    }

    /// What the compiler says that it is.
    pub fn compiler_version(&self) -> &str {
        &self.versions[1]
    }

    /// Where the compiler finds Verilator's headers.
    pub(super) fn include_flags(&self) -> [String; 2] {
        let include = self.root.join("include");
        [&include, &include.join("vltstd")].map(|path| format!("-I{}", path.display()))
    }
}

/// Whether a version says a number before 5.006. Not every build says one.
fn is_too_old(version: &str) -> bool {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let numbers = number.split_once('.').map(|(major, minor)| (major.parse(), minor.parse()));
    matches!(numbers, Some((Ok(major), Ok(minor))) if (major, minor) < (5_u32, 6_u32))
}

/// Where a file really lies, how long it is and when it was written.
fn fingerprint(path: &Path) -> String {
    let Ok(path) = path.canonicalize() else { return String::new() };
    let Ok(data) = path.metadata() else { return String::new() };
    let written = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("{} {} {}", path.display(), data.len(), written.unwrap_or_default().as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_told_from_those_that_say_nothing() {
        let said = [
            ("Verilator 4.038 2020-07-11 rev v4.036", true),
            ("Verilator 5.002 2022-10-29", true),
            ("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", false),
            ("Verilator 5.048 2026-05-16", false),
            ("Verilator rev vUNKNOWN-built20260516", false),
            ("", false),
        ];
        for (version, old) in said {
            assert_eq!(is_too_old(version), old, "{version}");
        }
    }
}
