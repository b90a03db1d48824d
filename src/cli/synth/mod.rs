//! `lacuna synth`: what blocks cost in cells and time, beside plain baselines.

mod table;

use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::chosen::{Blocks, Chosen, Sizes};
use super::{Failure, Report};
use crate::cosim::Workshop;
use crate::evidence;
use crate::evidence::synth::{Effort, Row, SynthError, Target, measure};

/// Synthesise blocks: what they cost, beside a plain baseline, and whether the netlist is right.
///
/// Named blocks are synthesised at their defaults; with a configuration, its blocks are. Each
/// netlist is proven equal to its Verilog, or else simulated against the golden model; one that is
/// not equal makes the exit code 1. What was measured before with the same tools comes from the
/// cache.
#[derive(Args)]
pub(super) struct Synth {
    #[command(flatten)]
    blocks: Blocks,
    /// What to synthesise for; may be given several times. Without it, all three, which takes
    /// some seconds per block the first time, and up to minutes where there is a large memory.
    #[arg(long, value_name = "TARGET", value_parser = PossibleValuesParser::new(Target::WORDS))]
    target: Vec<String>,
    /// Place once instead of three times, and do not check the netlist: for what is as large as the
    /// accelerator, which takes hours otherwise.
    #[arg(long)]
    quick: bool,
}

impl Synth {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let chosen = self.blocks.chosen("synth", Sizes::Defaults)?;
        let is_wanted = |target: &Target| {
            self.target.is_empty() || self.target.iter().any(|t| t == target.word())
        };
        let targets: Vec<Target> = Target::ALL.into_iter().filter(is_wanted).collect();
        // What is missing is known before anything takes its time.
        targets.iter().try_for_each(|target| target.tools().map(drop))?;
        let workshop = Workshop::find()?;
        let effort = if self.quick { Effort::Quick } else { Effort::Full };
        let rows = all(&chosen, &targets, effort, &workshop)?;
        let passed = rows.iter().all(|row| row.equivalence.is_good());
        let json = json!({ "passed": passed, "rows": rows });
        Ok(Report { text: table::text(&rows), json, passed })
    }
}

/// A row for each block and target.
fn all(
    chosen: &[Chosen],
    targets: &[Target],
    effort: Effort,
    workshop: &Workshop,
) -> Result<Vec<Row>, SynthError> {
    let jobs: Vec<(Target, &Chosen)> = targets
        .iter()
        .flat_map(|&target| chosen.iter().map(move |chosen| (target, chosen)))
        .collect();
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} netlists  {msg}");
    let bar = ProgressBar::new(jobs.len() as u64).with_style(style.expect("the template is fixed"));
    let rows = evidence::each(&jobs, |(target, chosen)| {
        bar.set_message(format!("{} for {target}", chosen.block.name));
        let row = measure(&chosen.block, *target, effort, workshop);
        bar.inc(1);
        row
    });
    bar.finish_and_clear();
    rows.into_iter().collect()
}
