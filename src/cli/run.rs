//! `lacuna run`: a network on sequences, in the accelerator.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{Failure, Report, find_block, table};
use crate::blocks::engine::layer_engine::LayerEngineParameters;
use crate::blocks::{self, Configured};
use crate::config::{Config, Diagnostics, Parameters};
use crate::system::program::Program;
use crate::system::run::Run;
use crate::system::verify::{Simulator, VerifyError, verify};
use crate::workload::data_set::{self, Part, Sequence, japanese_vowels};
use crate::workload::network::{Mode, Network};
use crate::workload::reference::class;

/// The block that runs networks.
const ENGINE: &str = "layer_engine";

/// Run a network on sequences: accuracy, work and cycles beside a dense execution.
///
/// Without options it is the built-in network on the utterances of Japanese Vowels that it was not
/// trained on, in the layer engine at its defaults. With a simulator, the hardware has to agree with
/// the golden model in every result and every cycle.
#[derive(Args)]
pub(super) struct RunCommand {
    /// The configuration whose layer engine it is; without, the engine at its defaults.
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

/// A way to run the sequences, and what came of it.
struct Row {
    name: String,
    network: Network,
    run: Run,
    /// Sequences that were taken for another class, if the data have labels.
    errors: Option<usize>,
}

impl RunCommand {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let block = self.block()?;
        let p = LayerEngineParameters::from_values(&block.values);
        let mut network = match &self.network {
            Some(path) => Network::read(path)?,
            None => Network::built_in(),
        };
        if let Some(mode) = self.mode {
            network.layers.iter_mut().for_each(|layer| layer.control.mode = mode.mode());
        }
        let read;
        let data: &[Sequence] = match &self.data {
            Some(path) => {
                read = data_set::read(path)?;
                &read
            }
            None => japanese_vowels(Part::Test),
        };
        let modes: Vec<String> =
            network.layers.iter().map(|layer| layer.control.mode.to_string()).collect();
        let mut ways = vec![("dense".to_string(), network.clone().dense())];
        if self.network.is_none() {
            let unpruned = Network::built_in_dense().dense();
            ways.insert(0, ("dense, unpruned".to_string(), unpruned));
        }
        let is_uniform = modes.windows(2).all(|pair| pair[0] == pair[1]);
        ways.push((if is_uniform { modes[0].clone() } else { modes.join(", ") }, network));

        let bar = ProgressBar::new(ways.len() as u64 + u64::from(self.engine != Engine::Model));
        bar.set_style(
            ProgressStyle::with_template("{bar:30} {msg}").expect("the template is fixed"),
        );
        let mut rows = vec![];
        for (name, network) in ways {
            bar.set_message(name.clone());
            rows.push(row(name, network, &p, data)?);
            bar.inc(1);
        }
        let last = rows.last().expect("there is at least one way");
        let verified = match self.engine {
            Engine::Model => None,
            Engine::Evaluator => Some(Simulator::Evaluator),
            Engine::Verilator => Some(Simulator::Verilator),
        };
        let verified = verified.map(|simulator| {
            bar.set_message("simulating");
            let program = program(&p, &last.network)?;
            let sequences = quantised(&last.network, data)?;
            Ok::<_, Failure>(verify(&block, &program, &sequences, simulator)?)
        });
        let verified = verified.transpose()?;
        bar.finish_and_clear();

        let mut text = text(&p, &rows, data.len());
        let mut passed = true;
        if let Some(verified) = &verified {
            passed = verified.mismatch.is_none();
            text += &match &verified.mismatch {
                None => format!(
                    "\nthe hardware agrees with the golden model: {} results and {} cycles\n",
                    verified.beats, verified.cycles
                ),
                Some(mismatch) => format!(
                    "\nerror[E0401]: the hardware disagrees with the golden model\n {mismatch}\n"
                ),
            };
        }
        let json = json!({
            "rows": rows.iter().map(|row| json_of(row, &p)).collect::<Vec<_>>(),
            "sequences": data.len(),
            "verified": verified.map(|verified| json!({
                "cycles": verified.cycles,
                "beats": verified.beats,
                "mismatch": verified.mismatch,
            })),
        });
        Ok(Report { text, json, passed })
    }

    /// The layer engine that is asked for.
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

fn program(p: &LayerEngineParameters, network: &Network) -> Result<Program, Failure> {
    Program::new(p, network).map_err(|errors| Diagnostics(errors).into())
}

fn quantised(network: &Network, data: &[Sequence]) -> Result<Vec<Vec<Vec<i8>>>, Failure> {
    let sequences = data.iter().map(|sequence| network.quantised(sequence));
    sequences.collect::<Result<_, _>>().map_err(|error| Diagnostics::from(error).into())
}

/// Runs the sequences through the golden model.
fn row(
    name: String,
    network: Network,
    p: &LayerEngineParameters,
    data: &[Sequence],
) -> Result<Row, Failure> {
    let sequences = quantised(&network, data)?;
    let run = Run::new(p, &program(p, &network)?, &sequences);
    let mut results = run.results.iter();
    let mut errors = Some(0);
    for (sequence, vectors) in data.iter().zip(&sequences) {
        let results: Vec<&Vec<i64>> = results.by_ref().take(vectors.len()).collect();
        let is_wrong = sequence.label.map(|label| class(results) != label);
        errors = errors.zip(is_wrong).map(|(errors, is_wrong)| errors + usize::from(is_wrong));
    }
    Ok(Row { name, network, run, errors })
}

/// Products of a dense execution.
fn dense(row: &Row) -> u64 {
    let of_vector: usize = row.network.layers.iter().map(|l| l.inputs * l.outputs).sum();
    (of_vector * row.run.results.len()) as u64
}

fn text(p: &LayerEngineParameters, rows: &[Row], sequences: usize) -> String {
    let head =
        ["", "accuracy", "errors", "MACs", "of dense", "cycles", "per vector", "faster", "U"];
    let mut cells = vec![head.map(String::from).to_vec()];
    let first = &rows[0];
    for row in rows {
        let executed: u64 = row.run.executed.iter().sum();
        let accuracy = row.errors.map(|errors| 100.0 * (1.0 - errors as f64 / sequences as f64));
        let vectors = row.run.results.len().max(1) as f64;
        cells.push(vec![
            row.name.clone(),
            accuracy.map_or("-".into(), |accuracy| format!("{accuracy:.2}%")),
            row.errors.map_or("-".into(), |errors| errors.to_string()),
            executed.to_string(),
            format!("{:.2}x fewer", dense(row) as f64 / executed.max(1) as f64),
            row.run.cycles.to_string(),
            format!("{:.1}", row.run.cycles as f64 / vectors),
            format!("{:.2}x", first.run.cycles as f64 / row.run.cycles.max(1) as f64),
            format!("{:.3}", row.run.utilisation(p, &row.network)),
        ]);
    }
    let slots = p.clusters * p.elements;
    let last = rows.last().expect("there is a row");
    let share = |cycles: u64| 100.0 * cycles as f64 / last.run.cycles.max(1) as f64;
    format!(
        "{}\n{sequences} sequences of {} vectors, back to back, on {slots} slots of 8 bits. U is the share \
         of slots and\ncycles that a product with a stored weight takes.\n\n\
         Where the cycles of the last row went: {:.1} % on survivors, {:.1} % until sums were read, \
         {:.1} %\nuntil there was a survivor.\n",
        table::text(&cells),
        last.run.results.len(),
        share(last.run.working),
        share(last.run.waiting),
        share(last.run.cycles.saturating_sub(last.run.working + last.run.waiting)),
    )
}

fn json_of(row: &Row, p: &LayerEngineParameters) -> Value {
    json!({
        "name": row.name,
        "errors": row.errors,
        "vectors": row.run.results.len(),
        "executed": row.run.executed,
        "dense": dense(row),
        "cycles": row.run.cycles,
        "working": row.run.working,
        "waiting": row.run.waiting,
        "utilisation": row.run.utilisation(p, &row.network),
        "levels": row.run.levels,
    })
}
