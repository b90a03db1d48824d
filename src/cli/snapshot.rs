//! `lacuna snapshot`: have the netlists changed?

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use similar::TextDiff;

use super::{Failure, Report, Selection};
use crate::{design, eda};

/// Compare the netlists of a configuration with the accepted ones.
///
/// The accepted netlists are the cells of each module after Yosys' `proc`, in a file beside the
/// configuration, meant to be kept under version control.
#[derive(Args)]
pub(super) struct Snapshot {
    #[command(flatten)]
    selection: Selection,
    /// Accept the netlists as they are now.
    #[arg(long)]
    update: bool,
    /// The accepted netlists; without this, the configuration's name with `.netlist` at the end.
    #[arg(long, value_name = "FILE")]
    accepted: Option<PathBuf>,
}

impl Snapshot {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let design = self.selection.design()?;
        let now = format!(
            "# Cells of each module of {} after Yosys' proc; `lacuna snapshot --update` accepts \
             new ones.\n\n{}",
            design.name,
            eda::netlists(&design.verilog)?
        );
        let path = self.path();
        let file = path.display();
        let accepted = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let text =
                    format!("error[E0101]: cannot read {file}: {error}\n help: check the path");
                return Err(Failure::input(text));
            }
        };
        let unchanged = accepted.as_deref() == Some(now.as_str());
        if self.update && !unchanged {
            design::write_file(&path, &now, true).map_err(|error| {
                Failure::input(format!(
                    "error[E0115]: cannot write {file}: {error}\n help: name another file with \
                     `--accepted`"
                ))
            })?;
        }
        let diff = difference(accepted.as_deref().unwrap_or_default(), &now);
        let text = match (&accepted, unchanged) {
            (_, true) => format!("{file}: the netlists are the accepted ones"),
            _ if self.update => format!("{diff}{file}: accepted"),
            (None, _) => format!(
                "{file}: there are no accepted netlists yet\n help: `--update` accepts these"
            ),
            _ => {
                format!("{diff}{file}: the netlists differ\n help: `--update` accepts the new ones")
            }
        };
        let json = json!({
            "file": file.to_string(), "changed": !unchanged, "updated": self.update && !unchanged,
            "difference": diff,
        });
        Ok(Report { text, json, passed: unchanged || self.update })
    }

    fn path(&self) -> PathBuf {
        let config = self.selection.config.as_deref().unwrap_or(Path::new(super::DEFAULT_CONFIG));
        match (&self.accepted, &self.selection.block) {
            (Some(path), _) => path.clone(),
            (None, None) => config.with_extension("netlist"),
            (None, Some(block)) => config.with_extension(format!("{block}.netlist")),
        }
    }
}

/// The changed lines with some around them, and the module they belong to.
fn difference(old: &str, new: &str) -> String {
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(2)
        .header("accepted", "now")
        .to_string()
}
