//! `lacuna evidence`: everything that is known of the registered blocks, as pages.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Failure, Report, find_block};
use crate::blocks::{Entry, REGISTRY};
use crate::cosim::Workshop;
use crate::design;
use crate::evidence::{self, EvidenceError, Known};

/// Synthesise, prove, mutate and simulate registered blocks, and write what came of it.
///
/// Each block gets a page, of which one more page has a row each. Without names, those blocks are meant whose page is of other Verilog than today's.
#[derive(Args)]
pub(super) struct Evidence {
    /// Blocks by name.
    #[arg(value_name = "BLOCK")]
    blocks: Vec<String>,
    /// Every registered block.
    #[arg(long, conflicts_with = "blocks")]
    all: bool,
    /// The folder to write to: `evidence.md`, and `evidence/BLOCK.md`.
    #[arg(short, long, value_name = "FOLDER", default_value = "docs")]
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
        let entries = self.entries()?;
        let cannot_write = |path: &Path, error: io::Error| {
            Failure::input(format!(
                "error[E0115]: cannot write {}: {error}\n help: name another folder with `--output`",
                path.display()
            ))
        };
        // Minutes of work should not be for nothing.
        let folder = self.output.join("evidence");
        let can_write =
            std::fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder));
        can_write.map_err(|error| cannot_write(&folder, error))?;

        let known = gather(&entries)?;
        for known in &known {
            let path = self.page_path(known.block);
            design::write_file(&path, &evidence::page(known), true)
                .map_err(|error| cannot_write(&path, error))?;
        }
        let pages: Vec<String> =
            REGISTRY.iter().filter_map(|entry| self.page(entry.name)).collect();
        let overview = self.output.join("evidence.md");
        design::write_file(&overview, &evidence::overview(pages.iter().map(String::as_str)), true)
            .map_err(|error| cannot_write(&overview, error))?;

        let flaws: Vec<String> = known.iter().flat_map(evidence::flaws).collect();
        let mut text: String = flaws.iter().map(|flaw| format!("{flaw}\n")).collect();
        text += &format!(
            "{} of {} blocks, {} flaws, written to {}",
            known.len(),
            REGISTRY.len(),
            flaws.len(),
            folder.display()
        );
        let json = json!({ "evidence": known, "flaws": flaws });
        Ok(Report { text, json, passed: flaws.is_empty() })
    }

    fn page_path(&self, block: &str) -> PathBuf {
        self.output.join("evidence").join(format!("{block}.md"))
    }

    fn page(&self, block: &str) -> Option<String> {
        std::fs::read_to_string(self.page_path(block)).ok()
    }

    /// The blocks asked for.
    fn entries(&self) -> Result<Vec<&'static Entry>, Failure> {
        if !self.blocks.is_empty() {
            return self.blocks.iter().map(|name| find_block(name)).collect();
        }
        let mut entries = vec![];
        for entry in REGISTRY {
            let digest = evidence::digest(entry)?;
            let page = self.page(entry.name).unwrap_or_default();
            let is_known = evidence::is_untouched(&page) && evidence::is_of(&page, &digest);
            if self.all || !is_known {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

fn gather(entries: &[&'static Entry]) -> Result<Vec<Known>, Failure> {
    let workshop = Workshop::find()?;
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} pieces of evidence");
    let bar = ProgressBar::new(0).with_style(style.expect("the template is fixed"));
    let known = evidence::gather(entries, &workshop, |progress| match progress {
        evidence::Progress::Made(count) => bar.set_length(count as u64),
        evidence::Progress::Done => bar.inc(1),
    })?;
    bar.finish_and_clear();
    Ok(known)
}
