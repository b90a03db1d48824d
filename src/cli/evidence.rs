//! `lacuna evidence`: everything that is known of the registered blocks, as a page.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Failure, Report};
use crate::cosim::Workshop;
use crate::design;
use crate::evidence::{self, EvidenceError};

/// Synthesise, prove, mutate and simulate every registered block, and write what came of it.
///
/// What the tools said of the same Verilog before is not asked again.
#[derive(Args)]
pub(super) struct Evidence {
    /// The file to write.
    #[arg(short, long, value_name = "FILE", default_value = "docs/evidence.md")]
    output: PathBuf,
}

impl From<EvidenceError> for Failure {
    fn from(error: EvidenceError) -> Failure {
        match error {
            EvidenceError::Subject(error) => error.into(),
            EvidenceError::Rig(error) => error.into(),
            EvidenceError::Synth(error) => error.into(),
            EvidenceError::Formal(error) => error.into(),
            EvidenceError::Mutation(error) => error.into(),
            EvidenceError::Power(error) => error.into(),
        }
    }
}

impl Evidence {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let cannot_write = |error: std::io::Error| {
            let path = self.output.display();
            Failure::input(format!(
                "error[E0115]: cannot write {path}: {error}\n help: name another file with \
                 `--output`"
            ))
        };
        // Minutes of work should not be for nothing.
        let folder = self.output.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(cannot_write)?;
        tempfile::tempfile_in(folder).map_err(cannot_write)?;
        let workshop = Workshop::find()?;
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} pieces of evidence");
        let bar = ProgressBar::new(0).with_style(style.expect("the template is fixed"));
        let evidence = evidence::gather(&workshop, |progress| match progress {
            evidence::Progress::Made(count) => bar.set_length(count as u64),
            evidence::Progress::Done => bar.inc(1),
        })?;
        bar.finish_and_clear();
        let page = evidence::page(&evidence);
        design::write_file(&self.output, &page, true).map_err(cannot_write)?;
        let flaws = evidence::flaws(&evidence);
        let mut text: String = flaws.iter().map(|flaw| format!("{flaw}\n")).collect();
        text += &format!(
            "{} blocks, {} flaws, written to {}",
            evidence.blocks.len(),
            flaws.len(),
            self.output.display()
        );
        let json = json!({ "evidence": evidence, "flaws": flaws });
        Ok(Report { text, json, passed: flaws.is_empty() })
    }
}
