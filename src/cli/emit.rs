//! `lacuna emit`: Verilog and collateral.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::{Failure, Report, Selection};
use crate::blocks::Configured;
use crate::config::Config;
use crate::cosim::{Subject, testbench};
use crate::design::{self, Design};
use crate::hdl::Module;

/// Emit Verilog, file list, FuseSoC core, constraints and datasheet.
#[derive(Args)]
pub(super) struct Emit {
    #[command(flatten)]
    selection: Selection,
    /// The folder to write to; it is made if it does not exist.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Add, for each block, a self-checking testbench with vectors from the golden model, and a
    /// Makefile that runs them all.
    #[arg(long)]
    testbench: bool,
    /// Beats, or cycles, of each kind of stimulus: random, corner and recorded values.
    #[arg(
        long, value_name = "N", requires = "testbench", default_value_t = testbench::BEATS,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    beats: u32,
}

impl Emit {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let config = self.selection.config()?;
        let design = Design::of(&config, self.selection.block.as_deref())?;
        let mut files = design.files();
        if self.testbench {
            self.spare_makefile()?;
            files.extend(self.testbenches(&config, &design)?);
        }
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

    /// A folder may well have had a `Makefile` of its own before.
    fn spare_makefile(&self) -> Result<(), Failure> {
        let path = self.output.join("Makefile");
        if path.is_file() && !design::is_generated(&path) {
            return Err(Failure::input(format!(
                "error[E0118]: {} is not from an earlier run\n \
                 help: emit testbenches to a folder of their own",
                path.display()
            )));
        }
        Ok(())
    }

    fn testbenches(
        &self,
        config: &Config,
        design: &Design,
    ) -> Result<Vec<(String, String)>, Failure> {
        let subject = |top: &Arc<Module>| {
            let section = config.blocks.iter().find(|block| block.name == top.name);
            let section = section.expect("a design's top modules are its configuration's blocks");
            Subject::of(&Configured::of(section, config.tech)).map_err(Failure::input)
        };
        let subjects: Vec<Subject> = design.tops.iter().map(subject).collect::<Result<_, _>>()?;
        testbench::files(design, &subjects, self.beats as usize).map_err(Failure::input)
    }
}
