//! `lacuna init`: a starter configuration.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{DEFAULT_CONFIG, Failure, Report};
use crate::{blocks, config, design};

/// Write a commented starter configuration.
#[derive(Args)]
pub(super) struct Init {
    /// Where to; nothing that exists is overwritten.
    #[arg(default_value = DEFAULT_CONFIG)]
    file: PathBuf,
}

impl Init {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let text = config::starter(&blocks::sections());
        design::write_file(&self.file, &text, false).map_err(|error| {
            let file = self.file.display();
            let help = match error.kind() {
                std::io::ErrorKind::AlreadyExists => "choose another name, or remove the file",
                _ => "choose a place that you may write to",
            };
            Failure::input(format!("error[E0115]: cannot write {file}: {error}\n help: {help}"))
        })?;
        let file = self.file.display().to_string();
        let next = format!("wrote {file}\nnext: lacuna emit -c {file} -o build");
        Ok(Report::new(next, json!({ "written": [file] })))
    }
}
