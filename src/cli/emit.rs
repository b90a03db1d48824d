//! `lacuna emit`: Verilog and collateral.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Failure, Report, Selection};
use crate::design;

/// Emit Verilog, file list, FuseSoC core, constraints and datasheet.
#[derive(Args)]
pub(super) struct Emit {
    #[command(flatten)]
    selection: Selection,
    /// The folder to write to; it is made if it does not exist.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

impl Emit {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let design = self.selection.design()?;
        let files = design.files();
        design::write(&self.output, &files)?;
        let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
        let mut text = String::new();
        for (path, _) in &files {
            text.push_str(&format!("{}\n", self.output.join(path).display()));
        }
        text.push_str(&format!("{} files, {bytes} bytes", files.len()));
        let paths: Vec<&String> = files.iter().map(|(path, _)| path).collect();
        let json = json!({
            "folder": self.output.display().to_string(), "files": paths, "tops": design.top_names(), "bytes": bytes,
        });
        Ok(Report::new(text, json))
    }
}
