//! `lacuna completions`: completion scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use serde_json::json;

use super::{Cli, Failure, Report};

/// Print a completion script for a shell.
#[derive(Args)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "lacuna", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        Ok(Report::new(script.clone(), json!({ "script": script })))
    }
}
