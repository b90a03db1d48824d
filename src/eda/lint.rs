//! Lint: every message of Verilator, Icarus and Yosys about emitted text.

use std::process::Output;

use rayon::prelude::*;
use serde::Serialize;

use super::tool::{ICARUS, Tool, ToolError, VERILATOR, YOSYS, file_names, in_folder, said};
use crate::verilog::File;

/// What a tool had to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The tool.
    pub tool: &'static str,
    /// The top module that was looked at.
    pub top: String,
    /// Its words.
    pub message: String,
}

/// Looks at a design with `verilator --lint-only -Wall`, `iverilog -g2005 -Wall` and Yosys'
/// `check`, once for each top module. No message is waived; a clean design gives no findings.
///
/// # Errors
/// [`ToolError`] if a tool is missing or cannot be run.
pub fn lint(files: &[File], tops: &[&str]) -> Result<Vec<Finding>, ToolError> {
    in_folder(files, |folder| {
        let names = file_names(files);
        let runs: Vec<(Tool, &str)> = tops
            .iter()
            .flat_map(|&top| [VERILATOR, ICARUS, YOSYS].map(|tool| (tool, top)))
            .collect();
        // Not collected into one result at once: of several errors that would keep any.
        let found: Vec<Result<_, ToolError>> = runs
            .par_iter()
            .map(|&(tool, top)| {
                let arguments = arguments(tool, top, &names);
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let output = tool.run(folder, &arguments)?;
                Ok(finding(tool, top, &output))
            })
            .collect();
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(found.into_iter().flatten().collect())
    })
}

fn arguments(tool: Tool, top: &str, files: &[String]) -> Vec<String> {
    let fixed: Vec<String> = match tool.command {
        "verilator" => ["--lint-only", "-Wall", "--top-module", top].map(String::from).into(),
        "iverilog" => ["-g2005", "-Wall", "-o", "/dev/null", "-s", top].map(String::from).into(),
        _ => {
            let read = format!("read_verilog {}", files.join(" "));
            let check = format!("hierarchy -check -top {top}; proc; check -assert");
            return ["-q".into(), "-p".into(), format!("{read}; {check}")].into();
        }
    };
    fixed.into_iter().chain(files.iter().cloned()).collect()
}

fn finding(tool: Tool, top: &str, output: &Output) -> Option<Finding> {
    let said = said(output);
    // Newer Verilators close with a report, in lines that start with a dash.
    let lines: Vec<&str> =
        said.lines().filter(|line| !line.starts_with("- ") && !line.trim().is_empty()).collect();
    if output.status.success() && lines.is_empty() {
        return None;
    }
    let message = if lines.is_empty() { output.status.to_string() } else { lines.join("\n") };
    Some(Finding { tool: tool.command, top: top.to_string(), message })
}
