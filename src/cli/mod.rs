//! The `lacuna` command: one file per subcommand, and the only code that prints.
//!
//! A subcommand returns a report: the text for a person, the JSON for a program, and whether
//! what it checked is good. Exit codes: 0 good, 1 a check failed, 2 the input is wrong, 3 a needed
//! tool is missing.
//!
//! Besides the codes of [configurations](crate::config), [descriptions](crate::hdl::ErrorKind) and
//! [workloads](crate::workload):
//!
//! | Code  | What is wrong                                                            |
//! |-------|--------------------------------------------------------------------------|
//! | E0113 | The configuration has no block of that name.                             |
//! | E0114 | Two different modules have one name.                                     |
//! | E0115 | A file or a folder cannot be written.                                    |
//! | E0116 | Nothing says what to work on.                                            |
//! | E0117 | No such block is registered.                                             |
//! | E0118 | A file of somebody else stands where one would be written.               |
//! | E0119 | No such scenario, or a file that holds no case.                          |
//! | E0120 | A setting is not `KEY=VALUE`.                                            |
//! | E0121 | As many threads cannot be had.                                           |
//! | E0122 | What is asked for was not built in.                                      |
//! | E0301 | A tool is missing.                                                       |
//! | E0302 | A tool failed in a way that is no finding.                               |
//! | E0303 | A tool's files cannot be written or read.                                |
//! | E0401 | What was simulated disagrees with the golden model or the declared timing. |
//! | E0402 | Two simulators disagree where the golden model has nothing against either. |
//! | E0403 | A golden model or a stimulus is not of the module's shape.               |
//! | E0404 | A mapped netlist is not equal to its Verilog.                            |
//! | E0405 | A property does not hold.                                                |
//! | E0406 | A property is not proven, or what is covered is not reached.             |
//! | E0407 | A mistake in the Verilog that the cosimulation does not find.            |
//! | E0408 | What power is to be estimated from cannot be used.                       |
//! | E0409 | The training of a network came to no end.                                |

mod chosen;
mod completions;
mod cosim;
mod describe;
mod emit;
mod evidence;
mod formal;
mod init;
mod lint;
mod list;
mod mutate;
mod power;
mod run;
mod schema;
mod snapshot;
mod synth;
mod table;
mod train;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};

use crate::blocks;
use crate::config::{Config, Diagnostics};
use crate::cosim::{RigError, SubjectError};
use crate::design::{Design, DesignError, WriteError};
use crate::eda::ToolError;
use crate::evidence::synth::SynthError;

/// The configuration that is read where none is named.
const DEFAULT_CONFIG: &str = "lacuna.toml";

/// RTL generator for neural-network accelerators that skip work.
#[derive(Parser)]
#[command(name = "lacuna", version, about, max_term_width = 100)]
struct Cli {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Init),
    List(list::List),
    Describe(describe::Describe),
    Emit(emit::Emit),
    Lint(lint::Lint),
    Cosim(cosim::Cosim),
    Synth(synth::Synth),
    Formal(formal::Formal),
    Mutate(mutate::Mutate),
    Power(power::PowerCommand),
    Evidence(evidence::Evidence),
    Snapshot(snapshot::Snapshot),
    Train(train::Train),
    Run(run::RunCommand),
    Schema(schema::Schema),
    Completions(completions::Completions),
}

/// What a subcommand has to say.
struct Report {
    text: String,
    json: Value,
    /// Whether what was checked is good.
    passed: bool,
}

impl Report {
    /// A report of something that cannot fail any more.
    fn new(text: impl Into<String>, json: Value) -> Report {
        Report { text: text.into(), json, passed: true }
    }
}

/// Why a subcommand could not do its work.
enum Failure {
    /// What the user gave is wrong: exit code 2.
    Input { text: String, json: Value },
    /// A tool is missing (exit code 3) or did not work (exit code 1).
    Tool(ToolError),
    /// A check failed, and without it there is nothing to report: exit code 1.
    Check(String),
}

impl Failure {
    /// Wrong input, described in the form of section `error[CODE]: text`.
    fn input(error: impl fmt::Display) -> Failure {
        let text = error.to_string();
        Failure::Input { json: json!({ "errors": [{ "message": text }] }), text }
    }

    /// What there is to say to a person.
    fn text(&self) -> String {
        match self {
            Failure::Input { text, .. } => text.clone(),
            Failure::Tool(error) => error.to_string(),
            Failure::Check(text) => text.clone(),
        }
    }

    fn code(&self) -> u8 {
        match self {
            Failure::Input { .. } => 2,
            Failure::Tool(ToolError::Missing { .. }) => 3,
            Failure::Tool(_) | Failure::Check(_) => 1,
        }
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Failure {
        let json = json!({ "errors": diagnostics.to_json() });
        Failure::Input { text: diagnostics.to_string(), json }
    }
}

impl From<DesignError> for Failure {
    fn from(error: DesignError) -> Failure {
        Failure::input(error)
    }
}

impl From<SubjectError> for Failure {
    fn from(error: SubjectError) -> Failure {
        Failure::input(error)
    }
}

impl From<RigError> for Failure {
    fn from(error: RigError) -> Failure {
        match error {
            RigError::Tool(error) => error.into(),
            error => Failure::input(error),
        }
    }
}

impl From<SynthError> for Failure {
    fn from(error: SynthError) -> Failure {
        match error {
            SynthError::Subject(error) => error.into(),
            SynthError::Rig(error) => error.into(),
            SynthError::Tool(error) => error.into(),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        Failure::input(error)
    }
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Failure {
        Failure::Tool(error)
    }
}

/// Which part of which configuration a subcommand works on.
#[derive(Args)]
struct Selection {
    /// The configuration; without one, `lacuna.toml`, or, with a block, the block's defaults.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only this block of the configuration, by its module name.
    #[arg(long, value_name = "NAME")]
    block: Option<String>,
}

impl Selection {
    /// The configuration asked for.
    fn config(&self) -> Result<Config, Failure> {
        let kinds = blocks::sections();
        let default = Path::new(DEFAULT_CONFIG);
        match (&self.config, &self.block) {
            (Some(path), _) => Ok(Config::read(path, &kinds)?),
            (None, _) if default.exists() => Ok(Config::read(default, &kinds)?),
            (None, Some(block)) => {
                let entry = find_block(block)?;
                Ok(Config::parse("defaults", &format!("[{}]\n", entry.name), &kinds)?)
            }
            (None, None) => Err(Failure::input(format!(
                "error[E0116]: there is no configuration: no `--config`, and no {DEFAULT_CONFIG} \
                 here\n help: `lacuna init` writes one, or name a block with `--block`"
            ))),
        }
    }

    /// The design asked for.
    fn design(&self) -> Result<Design, Failure> {
        Ok(Design::of(&self.config()?, self.block.as_deref())?)
    }
}

/// The registered block called `name`.
fn find_block(name: &str) -> Result<&'static blocks::Entry, Failure> {
    blocks::find(name).ok_or_else(|| {
        let known: Vec<&str> = blocks::REGISTRY.iter().map(|entry| entry.name).collect();
        Failure::input(format!(
            "error[E0117]: there is no block `{name}`\n help: there are {}",
            known.join(", ")
        ))
    })
}

/// Runs the command line of this process.
///
/// # Errors
/// If the result cannot be printed.
pub fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Init(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Describe(command) => command.run(),
        Command::Emit(command) => command.run(),
        Command::Lint(command) => command.run(),
        Command::Cosim(command) => command.run(),
        Command::Synth(command) => command.run(),
        Command::Formal(command) => command.run(),
        Command::Mutate(command) => command.run(),
        Command::Power(command) => command.run(),
        Command::Evidence(command) => command.run(),
        Command::Snapshot(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Completions(command) => command.run(),
    };
    match result {
        Ok(report) => {
            let text = if cli.json { pretty(&report.json) } else { report.text };
            print(&mut io::stdout().lock(), &text)?;
            Ok(if report.passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Err(failure) => {
            let code = ExitCode::from(failure.code());
            let text = failure.text();
            let json = match failure {
                Failure::Input { json, .. } => json,
                _ => json!({ "errors": [{ "message": text }] }),
            };
            if cli.json {
                print(&mut io::stdout().lock(), &pretty(&json))?;
            }
            print(&mut io::stderr().lock(), &text)?;
            Ok(code)
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// Prints a text and an end of line. A reader that has gone, as in `lacuna list | head -1`, is no
/// error.
fn print(to: &mut impl Write, text: &str) -> io::Result<()> {
    let text = text.trim_end_matches('\n');
    if text.is_empty() {
        return Ok(());
    }
    match writeln!(to, "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Lines in two columns.
fn columns<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<(&str, String)> = rows.into_iter().collect();
    let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(left, right)| format!("{left:width$}  {right}\n")).collect()
}
