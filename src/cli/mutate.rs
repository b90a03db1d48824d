//! `lacuna mutate`: would the cosimulation notice if the Verilog were wrong?

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::chosen::{Blocks, Chosen, Sizes};
use super::{Failure, Report, table};
use crate::cosim::Workshop;
use crate::evidence::mutation::{
    Killer, Mutant, Mutation, MutationError, Options, Progress, mutate,
};

/// Make small mistakes in the Verilog of blocks: the cosimulation has to find each.
///
/// A mutant that it does not find is either proven to do what the original does, or it survives:
/// then the stimulus has a hole. Named blocks are taken at their defaults.
#[derive(Args)]
pub(super) struct Mutate {
    #[command(flatten)]
    blocks: Blocks,
    /// How many mutants of each block, spread over its text.
    #[arg(long, value_name = "N", default_value_t = Options::default().mutants as u32,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    mutants: u32,
    /// What chooses the mutants.
    #[arg(long, value_name = "SEED", default_value_t = Options::default().seed)]
    seed: u32,
}

impl Mutate {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let chosen = self.blocks.chosen("mutate", Sizes::Defaults)?;
        let options =
            Options { mutants: self.mutants as usize, seed: self.seed, ..Options::default() };
        let workshop = Workshop::find()?;
        let bar = progress();
        let mut results = vec![];
        for Chosen { block, command } in &chosen {
            bar.set_message(block.name.clone());
            let mut result = mutate(block, &options, &workshop, |progress| match progress {
                Progress::Made(count) => bar.inc_length(count as u64),
                Progress::Judged => bar.inc(1),
            })?;
            // A configuration has names of its own.
            if command.is_some() {
                result.block = block.name.clone();
            }
            results.push(result);
        }
        bar.finish_and_clear();
        Ok(report(&results, &options))
    }
}

impl From<MutationError> for Failure {
    fn from(error: MutationError) -> Failure {
        match error {
            MutationError::Subject(error) => error.into(),
            MutationError::Rig(error) => error.into(),
        }
    }
}

fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} mutants  {msg}");
    ProgressBar::new(0).with_style(style.expect("the template is fixed"))
}

fn report(results: &[Mutation], options: &Options) -> Report {
    let passed = results.iter().all(|result| result.survivors.is_empty());
    let mut text: String = results.iter().map(survivors).collect();
    text += &overview(results);
    let sum = |of: fn(&Mutation) -> usize| results.iter().map(of).sum::<usize>();
    text += &format!(
        "\n{} mutants, seed {}: {} killed, {} proven equivalent, {}\n",
        sum(|result| result.mutants),
        options.seed,
        sum(|result| result.killed_by_model + result.killed_by_evaluator),
        sum(|result| result.equivalent.len()),
        match sum(|result| result.survivors.len()) {
            0 => "none survives".to_string(),
            1 => "1 survives".to_string(),
            more => format!("{more} survive"),
        }
    );
    for result in results.iter().filter(|result| result.available < options.mutants) {
        text += &format!("{} has no more than {} mutants\n", label(result), result.available);
    }
    if let Some(result) = results.first() {
        text += &format!("made by {}, found in {}\n", result.yosys, result.verilator);
    }
    Report { text, json: json!({ "passed": passed, "blocks": results }), passed }
}

/// A block and what is not its default.
fn label(result: &Mutation) -> String {
    let parts: Vec<&str> =
        std::iter::once(&result.block).chain(&result.settings).map(String::as_str).collect();
    parts.join(" ")
}

/// The mutants that nothing found.
fn survivors(result: &Mutation) -> String {
    let what = match result.survivors.len() {
        0 => return String::new(),
        1 => "1 mutant survives".to_string(),
        more => format!("{more} mutants survive"),
    };
    let mut text = format!("error[E0407]: {what}\n block {}\n", label(result));
    for survivor in &result.survivors {
        let Mutant { file, line, text: of_line, change, .. } = &survivor.mutant;
        text += &format!(" {file}:{line}: {of_line}\n   {change}\n   {}\n", survivor.what());
    }
    text + " no scenario shows them, and they are not proven to do what the original does\n \
            help: a stimulus or a golden model that shows them\n\n"
}

/// A row for each block.
fn overview(results: &[Mutation]) -> String {
    let head = ["block", "mutants", "by model", "by evaluator", "equivalent", "survivors"];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(results.iter().map(|result| {
        let mutants = format!("{} of {}", result.mutants, result.available);
        let found = [result.killed_by_model, result.killed_by_evaluator];
        let left = [result.equivalent.len(), result.survivors.len()];
        let counts = found.iter().chain(&left).map(ToString::to_string);
        [label(result), mutants].into_iter().chain(counts).collect()
    }));
    table::text(&rows) + &found(results)
}

/// What gave the mutants away.
fn found(results: &[Mutation]) -> String {
    let of = |killer: Killer| -> usize {
        results.iter().filter_map(|result| result.killers.get(&killer)).sum()
    };
    let words = |killer: Killer| match killer {
        Killer::Value => "a wrong value",
        Killer::Rule => "a broken rule of streams",
        Killer::Timing => "a wrong cycle",
        Killer::Capacity => "room for too many or too few",
        Killer::Stuck => "a deadlock",
        Killer::Simulation => "a loop that does not settle",
        Killer::Evaluator => "the evaluator alone",
    };
    let found = Killer::ALL.into_iter().filter(|killer| of(*killer) > 0);
    let found: Vec<String> =
        found.map(|killer| format!("{} by {}", of(killer), words(killer))).collect();
    match found.is_empty() {
        true => String::new(),
        false => format!("\nfound first: {}", found.join(", ")),
    }
}
