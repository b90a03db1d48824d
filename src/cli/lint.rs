//! `lacuna lint`: what three tools say about the Verilog.

use clap::Args;
use serde_json::json;

use super::{Failure, Report, Selection};
use crate::eda;

/// Lint the Verilog with Verilator, Icarus and Yosys.
#[derive(Args)]
pub(super) struct Lint {
    #[command(flatten)]
    selection: Selection,
}

impl Lint {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let design = self.selection.design()?;
        let tops = design.top_names();
        let findings = eda::lint(&design.verilog, &tops)?;
        let mut text = String::new();
        for finding in &findings {
            text.push_str(&format!("{} on {}:\n{}\n", finding.tool, finding.top, finding.message));
        }
        text.push_str(&format!(
            "{}: {} top modules, {} files, verilator -Wall, iverilog -Wall, yosys check: {} findings",
            design.name,
            tops.len(),
            design.verilog.len(),
            findings.len(),
        ));
        let json = json!({ "tops": tops, "findings": findings });
        Ok(Report { text, json, passed: findings.is_empty() })
    }
}
