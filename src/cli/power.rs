//! `lacuna power`: what the toggles of a mapped netlist cost.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::chosen::{Blocks, Chosen, Sizes};
use super::{Failure, Report, table};
use crate::cosim::{Subject, Workshop};
use crate::evidence::power::{ModulePower, Options, Parts, Power, PowerError, Workload, estimate};

/// Estimate power from the toggles of a simulation of the mapped netlist.
///
/// The netlist has to do what the golden model says. Where nothing is named, the blocks are those
/// of `lacuna.toml`.
#[derive(Args)]
pub(super) struct PowerCommand {
    #[command(flatten)]
    blocks: Blocks,
    /// Whose cells.
    #[arg(long, value_enum, default_value_t = Target::Osu018)]
    target: Target,
    /// The clock's frequency.
    #[arg(long, value_name = "MHZ", default_value_t = Options::default().clock_mhz,
          value_parser = parse_clock)]
    clock: f64,
    /// Only this scenario, such as `random/half`; without one, random data while busy, half idle
    /// and mostly idle.
    #[arg(long, value_name = "S")]
    scenario: Option<String>,
    /// About how many beats the block is given.
    #[arg(long, value_name = "N", default_value_t = Options::default().beats as u32,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    beats: u32,
    /// Where all chance comes from, in decimal or after `0x` in hexadecimal digits.
    #[arg(long, value_name = "SEED", value_parser = super::cosim::parse_seed,
          default_value = "0x5eed0000")]
    seed: u64,
}

/// Cells that a block can be mapped to.
#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// OSU's standard cells for 0.18 um.
    Osu018,
}

/// A frequency.
fn parse_clock(text: &str) -> Result<f64, String> {
    let clock = text.parse().ok().filter(|clock| (0.001..=100_000.0).contains(clock));
    clock.ok_or_else(|| "a clock is a number of MHz from 0.001 to 100000, such as 100".to_string())
}

impl From<PowerError> for Failure {
    fn from(error: PowerError) -> Failure {
        match error {
            PowerError::Subject(error) => error.into(),
            PowerError::Tool(error) => error.into(),
            PowerError::NoSuchWorkload { .. } => Failure::input(error),
            PowerError::Check(_) => Failure::Check(error.to_string()),
        }
    }
}

impl PowerCommand {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let Target::Osu018 = self.target;
        let only = self.scenario.as_deref().map(str::parse::<Workload>).transpose();
        let only = only.map_err(|rule| {
            let text = self.scenario.as_deref().unwrap_or_default();
            Failure::input(format!(
                "error[E0119]: `{text}` is no scenario: {rule}\n help: `lacuna power` without \
                 `--scenario` has three of them"
            ))
        })?;
        let chosen = self.blocks.chosen("power", Sizes::Defaults)?;
        let workshop = Workshop::find()?;
        let mut found = vec![];
        for chosen in &chosen {
            let workloads = match only {
                Some(only) => vec![only],
                None => Workload::usual(&Subject::of(&chosen.block)?),
            };
            for workload in workloads {
                found.push(self.estimate(chosen, workload, &workshop)?);
            }
        }
        Ok(Report::new(text(&found), json!({ "powers": found })))
    }

    fn estimate(
        &self,
        chosen: &Chosen,
        workload: Workload,
        workshop: &Workshop,
    ) -> Result<Power, PowerError> {
        let (beats, seed) = (self.beats as usize, self.seed);
        let options = Options { workload, beats, seed, clock_mhz: self.clock };
        let mut power = estimate(&chosen.block, &options, workshop)?;
        if chosen.command.is_some() {
            power.block = chosen.block.name.clone();
        }
        Ok(power)
    }
}

fn text(powers: &[Power]) -> String {
    let Some(first) = powers.first() else { return String::new() };
    let mut text = table::text(&summary(powers));
    for power in powers.iter().filter(|power| power.modules.len() > 1) {
        text += &format!("\n{} by module, {}\n", label(power), power.workload);
        text += &table::text(&modules(power));
    }
    text += &format!(
        "\nmW in {} cells at {} MHz, {} V, {} C; outputs compared with the golden model in each \
         run\nwith {}\n",
        first.target,
        first.clock_mhz,
        first.voltage,
        first.temperature,
        first.tools.join(", ")
    );
    let mut caveats: Vec<&String> = powers.iter().flat_map(|power| &power.caveats).collect();
    let mut known: Vec<&String> = vec![];
    caveats.retain(|caveat| {
        !known.contains(caveat) && {
            known.push(caveat);
            true
        }
    });
    for caveat in caveats {
        text += &format!("  {caveat}\n");
    }
    text
}

/// The block and what is not the default of it.
fn label(power: &Power) -> String {
    let name = std::iter::once(&power.block);
    name.chain(&power.settings).cloned().collect::<Vec<_>>().join(" ")
}

fn summary(powers: &[Power]) -> Vec<Vec<String>> {
    let head = [
        "block",
        "GE",
        "scenario",
        "moving",
        "toggles",
        "mW",
        "internal",
        "switching",
        "leakage",
        "comb",
        "seq",
        "clock",
        "inputs",
    ];
    let mut lines = vec![head.map(String::from).to_vec()];
    for power in powers {
        let moving = power.moving.map_or("-".to_string(), |share| format!("{:.0}%", share * 100.0));
        let mut line = vec![
            label(power),
            format!("{:.0}", power.gate_equivalents),
            power.workload.to_string(),
            moving,
            format!("{:.1}", power.toggles_per_cycle),
        ];
        line.extend(figures(&power.total));
        let groups = [power.combinational, power.sequential, power.clock, power.inputs];
        line.extend(groups.map(|parts| figure(parts.total_mw())));
        lines.push(line);
    }
    lines
}

fn modules(power: &Power) -> Vec<Vec<String>> {
    let head = ["module", "cells", "mW", "internal", "switching", "leakage"];
    let mut lines = vec![head.map(String::from).to_vec()];
    for ModulePower { path, cells, parts } in &power.modules {
        let place = if path.is_empty() { format!("{} itself", power.block) } else { path.clone() };
        let mut line = vec![place, cells.to_string()];
        line.extend(figures(parts));
        lines.push(line);
    }
    lines
}

fn figures(parts: &Parts) -> Vec<String> {
    let all = [parts.total_mw(), parts.internal_mw, parts.switching_mw, parts.leakage_mw];
    all.map(figure).to_vec()
}

/// Three digits that count, or two and their place, so that little does not look like nothing.
fn figure(mw: f64) -> String {
    if mw > 0.0 && mw < 0.001 {
        return format!("{mw:.1e}");
    }
    let digits = if mw > 0.0 { (2.0 - mw.log10().floor()).max(0.0) } else { 0.0 };
    format!("{mw:.*}", digits as usize)
}
