//! `lacuna cosim`: golden model, evaluator and Verilator, side by side.

mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::chosen::{Blocks, Chosen, Sizes, with_settings};
use super::{Failure, Report, find_block};
use crate::cosim::{Case, Outcome, Plan, Replay, Rig, Scenario, Subject, Workshop};
use crate::design;

/// Simulate blocks: golden model, evaluator and Verilator have to agree.
///
/// Named blocks are simulated at their defaults and at the odd sizes that they name themselves; with
/// a configuration, its blocks are. Where nothing is named, that is `lacuna.toml`.
#[derive(Args)]
pub(super) struct Cosim {
    #[command(flatten)]
    blocks: Blocks,
    /// About how many beats each stimulus has.
    #[arg(long, value_name = "N", default_value_t = Plan::default().beats as u32,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    beats: u32,
    /// Only this scenario, such as `random/3`, or a file that an earlier failure left.
    #[arg(long, value_name = "S")]
    scenario: Option<String>,
    /// Where all chance comes from, in decimal or after `0x` in hexadecimal digits.
    #[arg(long, value_name = "SEED", value_parser = parse_seed, default_value = "0x5eed0000")]
    seed: u64,
    /// Record a waveform of the first scenario also if nothing fails.
    #[arg(long)]
    wave: bool,
    /// Measure which lines and bits of the Verilog are exercised.
    #[arg(long)]
    coverage: bool,
    /// How many simulations run at once; without it, as many as there are processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// The folder for waveforms and for the stimulus of failures.
    #[arg(short, long, value_name = "DIR", default_value = "build/cosim")]
    output: PathBuf,
}

/// Numbers in decimal or hexadecimal digits.
pub(super) fn parse_seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "a seed is a number of up to 64 bits, such as 7 or 0x5eed0000".to_string())
}

/// What came of a subject.
struct Row {
    subject: Subject,
    outcome: Outcome,
    /// Where a waveform is, if one was recorded.
    waveform: Option<PathBuf>,
    /// Where the shortest failing case is.
    case: Option<PathBuf>,
    /// Why a failure has no waveform or no case.
    not_recorded: Option<String>,
}

impl Cosim {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let plan = self.plan()?;
        let (mut subjects, case) = self.subjects(&plan)?;
        if case.is_none() && subjects.len() > 1 {
            subjects.retain(|subject| !plan.scenarios(subject).is_empty());
        }
        let scenarios: u64 = match case {
            Some(_) => 1,
            None => subjects.iter().map(|subject| plan.scenarios(subject).len() as u64).sum(),
        };
        if let (0, Some(only)) = (scenarios, plan.only) {
            return Err(Failure::input(format!(
                "error[E0119]: no block asked for has a scenario `{only}`\n help: a block of plain \
                 ports has random/0, corner/0 and recorded/0"
            )));
        }
        let workshop = Workshop::find()?;
        let bar = progress(scenarios);
        let count = subjects.len();
        let simulate = || -> Vec<Result<Row, Failure>> {
            let subjects = subjects.into_par_iter();
            let row = |subject| self.simulate(subject, &plan, case.as_ref(), &workshop, &bar);
            subjects.map(row).collect()
        };
        // More threads than modules would have nothing to do.
        let jobs = usize::from(self.jobs.unwrap_or(0)).min(count);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs);
        let rows = match pool.build() {
            Ok(pool) => pool.install(simulate),
            Err(error) => {
                let text = format!("error[E0121]: {error}\n help: use fewer `--jobs`");
                return Err(Failure::input(text));
            }
        };
        bar.finish_and_clear();
        let rows = rows.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(table::report(&rows, &plan, &workshop))
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let mut plan = Plan { beats: self.beats as usize, seed: self.seed, only: None };
        if let Some(text) = self.scenario.as_ref().filter(|text| !Path::new(text).is_file()) {
            plan.only = Some(text.parse::<Scenario>().map_err(|rule| {
                Failure::input(format!(
                    "error[E0119]: `{text}` is neither a scenario nor a file: {rule}\n help: \
                     `lacuna cosim` without `--scenario` runs all of them"
                ))
            })?);
        }
        Ok(plan)
    }

    /// What is to be simulated; a case, if it is one alone.
    fn subjects(&self, plan: &Plan) -> Result<(Vec<Subject>, Option<Case>), Failure> {
        if let (Some(file), None) = (&self.scenario, plan.only) {
            return self.replay(Path::new(file));
        }
        let chosen = self.blocks.chosen("cosim", Sizes::AllOdd)?;
        let subject = |chosen: &Chosen| {
            let mut subject = Subject::of(&chosen.block)?;
            if let Some(command) = &chosen.command {
                subject.name = chosen.block.name.clone();
                subject.command = Some(command.clone());
            }
            Ok(subject)
        };
        Ok((chosen.iter().map(subject).collect::<Result<_, Failure>>()?, None))
    }

    /// The case that a file describes.
    fn replay(&self, path: &Path) -> Result<(Vec<Subject>, Option<Case>), Failure> {
        if self.blocks.names_any() {
            return Err(Failure::input(format!(
                "error[E0119]: {} says itself which block it is for\n help: name nothing besides \
                 the file",
                path.display()
            )));
        }
        let file = path.display();
        let wrong = |what: String| {
            Failure::input(format!(
                "error[E0119]: {file} is no case: {what}\n help: a failing `lacuna cosim` writes \
                 such files"
            ))
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let replay = Replay::parse(&text).map_err(wrong)?;
        let mut subject = Subject::of(&with_settings(find_block(&replay.block)?, &replay.set)?)?;
        subject.command = None;
        let case = replay.case(&subject).map_err(wrong)?;
        Ok((vec![subject], Some(case)))
    }

    fn simulate(
        &self,
        subject: Subject,
        plan: &Plan,
        case: Option<&Case>,
        workshop: &Workshop,
        bar: &ProgressBar,
    ) -> Result<Row, Failure> {
        bar.set_message(subject.name.clone());
        let rig = Rig::verilator(&subject, workshop, self.coverage)?;
        let outcome = match case {
            Some(case) => rig.check_case(&subject, case),
            None => rig.check(&subject, plan, || bar.inc(1)),
        };
        let mut row = Row { subject, outcome, waveform: None, case: None, not_recorded: None };
        match self.record(&mut row, plan, case, workshop) {
            // What was found out must not get lost for a waveform.
            Err(failure) if row.outcome.failed > 0 => row.not_recorded = Some(failure.text()),
            other => other?,
        }
        Ok(row)
    }

    /// Records the shortest failing case, or, if that was asked for, the first case.
    fn record(
        &self,
        row: &mut Row,
        plan: &Plan,
        case: Option<&Case>,
        workshop: &Workshop,
    ) -> Result<(), Failure> {
        let subject = &row.subject;
        let failure = row.outcome.failure.as_deref();
        let scenario = match failure {
            Some(failure) => failure.scenario,
            None if case.is_some() => None,
            None => plan.scenarios(subject).into_iter().next(),
        };
        let case = match (failure, case, scenario) {
            (Some(failure), ..) => Some(failure.shortest.clone()),
            (None, Some(case), _) if self.wave => Some(case.clone()),
            (None, None, Some(scenario)) if self.wave => {
                scenario.cases(subject, plan.beats, plan.seed).into_iter().next()
            }
            _ => None,
        };
        let Some(case) = case else { return Ok(()) };
        let mut name = vec![subject.name.clone()];
        name.extend(subject.settings.iter().map(|setting| setting.replace('=', "-")));
        name.push(
            scenario.map_or("case".into(), |scenario| scenario.to_string()).replace('/', "-"),
        );
        let path = |extension: &str| self.output.join(format!("{}.{extension}", name.join(".")));
        std::fs::create_dir_all(&self.output)
            .map_err(|error| cannot_write(&self.output, &error))?;
        if failure.is_some() {
            let file = path("toml");
            let text = Replay::new(subject, &case).to_toml();
            let written = design::write_file(&file, &text, true);
            written.map_err(|error| cannot_write(&file, &error))?;
            row.case = Some(file);
        }
        let waveform = path("fst");
        Rig::record(subject, workshop, &case, &waveform)?;
        row.waveform = Some(waveform);
        Ok(())
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::input(format!(
        "error[E0115]: cannot write {}: {error}\n help: name another folder with `--output`",
        path.display()
    ))
}

fn progress(scenarios: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} scenarios  {msg}");
    ProgressBar::new(scenarios).with_style(style.expect("the template is fixed"))
}
