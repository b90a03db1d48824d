//! `lacuna run`: a network on sequences, in the accelerator.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{Failure, Report, find_block, table};
use crate::blocks::engine::layer_engine::LayerEngineParameters;
use crate::blocks::{self, Configured};
use crate::config::{Config, Diagnostics, Parameters};
use crate::design;
use crate::eda::Cache;
use crate::evidence::synth::{self, Cost, Effort, Figure, Target};
use crate::report::Page;
use crate::system::program::Program;
use crate::system::trial::{self, Trial, ablation, quantised};
use crate::system::verify::{Simulator, Verified, VerifyError, verify};
use crate::workload::data_set::{self, Part, Sequence, japanese_vowels};
use crate::workload::network::{Mode, Network};

/// The block that runs networks.
const ENGINE: &str = "accelerator";

/// Run a network on sequences: accuracy, work and cycles beside a dense execution.
///
/// Without options it is the built-in network on the utterances of Japanese Vowels that it was not
/// trained on, in the accelerator at its defaults. With a simulator, the hardware has to agree with
/// the golden model in every result, in the number of cycles and in what it counts.
#[derive(Args)]
pub(super) struct RunCommand {
    /// The configuration whose accelerator it is; without, the accelerator at its defaults.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The network, a TOML file.
    #[arg(long, value_name = "FILE")]
    network: Option<PathBuf>,
    /// The sequences, a .csv or .npy file.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// What runs them.
    #[arg(long, value_name = "ENGINE", default_value = "model")]
    engine: Engine,
    /// What of each vector is used, in all layers; without, what the network says.
    #[arg(long, value_name = "MODE")]
    mode: Option<ModeName>,
    /// Write a page with plots to this folder: what each mode is good for, at work that grows less.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// What runs sequences.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The golden model.
    Model,
    /// The golden model, and the description in the evaluator.
    Evaluator,
    /// The golden model, and the emitted Verilog in Verilator.
    Verilator,
}

/// A mode by name.
#[derive(Clone, Copy, ValueEnum)]
enum ModeName {
    /// All of a vector.
    Dense,
    /// What survives the mask, as it is.
    Mask,
    /// What changed, of what survives the mask.
    Delta,
}

impl ModeName {
    fn mode(self) -> Mode {
        match self {
            ModeName::Dense => Mode::Dense,
            ModeName::Mask => Mode::Mask,
            ModeName::Delta => Mode::Delta,
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Failure {
        match error {
            VerifyError::Subject(error) => error.into(),
            VerifyError::Rig(error) => error.into(),
        }
    }
}

impl RunCommand {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let block = self.block()?;
        let p = LayerEngineParameters::from_values(&block.values);
        let network = self.network()?;
        let read;
        let data: &[Sequence] = match &self.data {
            Some(path) => {
                read = data_set::read(path)?;
                &read
            }
            None => japanese_vowels(Part::Test),
        };
        let ways = self.ways(&network);
        let series = if self.report.is_some() { trial::TRIALS } else { 0 };
        let simulates = usize::from(self.engine != Engine::Model);
        let bar = ProgressBar::new((ways.len() + series + simulates) as u64);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
        bar.set_style(style.expect("the template is fixed"));

        let mut trials = vec![];
        for (name, network) in ways {
            bar.set_message(name.clone());
            trials.push(Trial::new(name, network, &p, data)?);
            bar.inc(1);
        }
        let verified = self.verify(&block, &p, &network, data, &bar)?;
        let series = match &self.report {
            Some(_) => ablation(&network, &p, data, || bar.inc(1))?,
            None => vec![],
        };
        bar.finish_and_clear();

        let verdict = verified.as_ref().map(verdict);
        if let Some(folder) = &self.report {
            // As it was typed, without the folder that the program lies in.
            let arguments: Vec<String> = std::env::args().skip(1).collect();
            let command = &format!("lacuna {}", arguments.join(" "));
            let (trials, series, verdict) = (&trials[..], &series[..], verdict.as_deref());
            let clusters = verified.as_ref().map_or(&[][..], |verified| &verified.clusters);
            let area = &area(&block)?[..];
            let page = Page { command, engine: &p, trials, series, verdict, clusters, area };
            let mut files = vec![("index.html".to_string(), page.html().into_bytes())];
            let picture = page.work().map(String::into_bytes);
            files.extend(picture.map(|picture| ("work.svg".to_string(), picture)));
            design::write_files(folder, &files)?;
        }
        let mut text = text(&p, &trials);
        text.extend(verdict.iter().map(|verdict| format!("\n{verdict}\n")));
        text.extend(
            self.report
                .iter()
                .map(|folder| format!("\nwritten to {}\n", folder.join("index.html").display())),
        );
        let passed = verified.as_ref().is_none_or(|verified| verified.disagreement.is_none());
        let json = json!({
            "trials": trials.iter().map(|trial| json_of(trial, &p)).collect::<Vec<_>>(),
            "verified": verified.map(|verified| json!({
                "cycles": verified.cycles,
                "vectors": verified.vectors,
                "disagreement": verified.disagreement.map(|found| found.to_string()),
            })),
        });
        Ok(Report { text, json, passed })
    }

    /// The network that is asked for, in the mode that is.
    fn network(&self) -> Result<Network, Failure> {
        let mut network = match &self.network {
            Some(path) => Network::read(path)?,
            None => Network::built_in(),
        };
        if let Some(mode) = self.mode {
            network.layers.iter_mut().for_each(|layer| layer.control.mode = mode.mode());
        }
        Ok(network)
    }

    /// What is tried, each with its name; what is asked for comes last.
    fn ways(&self, network: &Network) -> Vec<(String, Network)> {
        let mut ways = vec![("dense".to_string(), network.clone().dense())];
        if self.network.is_none() {
            let unpruned = Network::built_in_dense().dense();
            ways.insert(0, ("dense, unpruned".to_string(), unpruned));
        }
        let mut modes: Vec<String> =
            network.layers.iter().map(|layer| layer.control.mode.to_string()).collect();
        modes.dedup();
        ways.push((modes.join(", "), network.clone()));
        ways
    }

    /// What a simulator makes of the network, if one is asked for.
    fn verify(
        &self,
        block: &Configured,
        p: &LayerEngineParameters,
        network: &Network,
        data: &[Sequence],
        bar: &ProgressBar,
    ) -> Result<Option<Verified>, Failure> {
        let simulator = match self.engine {
            Engine::Model => return Ok(None),
            Engine::Evaluator => Simulator::Evaluator,
            Engine::Verilator => Simulator::Verilator,
        };
        bar.set_message("simulating");
        let program = Program::new(p, network).map_err(Diagnostics)?;
        let verified = verify(block, &program, &quantised(network, data)?, simulator)?;
        bar.inc(1);
        Ok(Some(verified))
    }

    /// The accelerator that is asked for.
    fn block(&self) -> Result<Configured, Failure> {
        let Some(path) = &self.config else { return Ok(Configured::defaults(find_block(ENGINE)?)) };
        let config = Config::read(path, &blocks::sections())?;
        let section = config.blocks.iter().find(|section| section.kind == ENGINE);
        let section = section.ok_or_else(|| {
            Failure::input(format!(
                "error[E0123]: {} has no section [{ENGINE}]\n help: add one; `lacuna describe \
                 {ENGINE}` lists its parameters",
                path.display()
            ))
        })?;
        Ok(Configured::of(section, config.tech))
    }
}

/// What the accelerator costs for each target that `lacuna synth` knows it for.
fn area(block: &Configured) -> Result<Vec<String>, Failure> {
    let known = synth::known(block, &Cache::user()?)?.into_iter();
    let line = |(target, effort, cost): (Target, Effort, Cost)| {
        let figure = |figure: &Figure| format!("{} {}", figure.value, figure.name);
        let mut figures: Vec<String> = cost.figures.iter().map(figure).collect();
        figures.extend(cost.fmax.map(|fmax| format!("{:.1} MHz", fmax.median)));
        figures.extend(cost.notes);
        format!("{}: {} ({})", target.word(), figures.join(", "), target.recipe(effort))
    };
    Ok(known.map(line).collect())
}

/// What a simulator has to say.
fn verdict(verified: &Verified) -> String {
    match &verified.disagreement {
        None => format!(
            "the hardware agrees with the golden model: {} vectors of results, {} cycles",
            verified.vectors, verified.cycles
        ),
        Some(found) => format!(
            "error[E0401]: the hardware disagrees with the golden model\n {found}\n help: `lacuna \
             cosim {ENGINE}` looks for the shortest stimulus that shows it"
        ),
    }
}

fn text(p: &LayerEngineParameters, trials: &[Trial]) -> String {
    let head = ["", "accuracy", "errors", "MACs", "fewer", "cycles", "per vector", "faster", "U"];
    let mut cells = vec![head.map(String::from).to_vec()];
    let first = &trials[0];
    for trial in trials {
        let accuracy = trial.accuracy().map(|accuracy| 100.0 * accuracy);
        let vectors = trial.run.results.len().max(1) as f64;
        cells.push(vec![
            trial.name.clone(),
            accuracy.map_or("-".into(), |accuracy| format!("{accuracy:.2}%")),
            trial.errors.map_or("-".into(), |errors| errors.to_string()),
            trial.executed().to_string(),
            format!("{:.2}x", trial.ratio()),
            trial.run.cycles.to_string(),
            format!("{:.1}", trial.run.cycles as f64 / vectors),
            format!("{:.2}x", first.run.cycles as f64 / trial.run.cycles.max(1) as f64),
            format!("{:.3}", trial.run.utilisation(p, &trial.network)),
        ]);
    }
    let last = trials.last().expect("there is a trial");
    let share = |cycles: u64| 100.0 * cycles as f64 / last.run.cycles.max(1) as f64;
    let rest = last.run.cycles.saturating_sub(last.run.working + last.run.waiting);
    format!(
        "{}\n{} sequences of {} vectors, back to back, on {} slots of 8 bits; fewer: than inputs times \
         outputs.\nU: the share of slots and cycles that a product with a stored weight takes.\n\n\
         where the cycles of the last went: {:.1} % on survivors, {:.1} % until sums were read, \
         {:.1} %\nuntil there was a survivor\n",
        table::text(&cells),
        last.sequences,
        last.run.results.len(),
        p.clusters * p.elements,
        share(last.run.working),
        share(last.run.waiting),
        share(rest),
    )
}

fn json_of(trial: &Trial, p: &LayerEngineParameters) -> Value {
    json!({
        "name": trial.name,
        "sequences": trial.sequences,
        "errors": trial.errors,
        "vectors": trial.run.results.len(),
        "executed": trial.run.executed,
        "dense": trial.dense(),
        "cycles": trial.run.cycles,
        "working": trial.run.working,
        "waiting": trial.run.waiting,
        "utilisation": trial.run.utilisation(p, &trial.network),
        "levels": trial.run.levels,
    })
}
