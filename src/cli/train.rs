//! `lacuna train`: the network that comes along, from a seed.

use std::path::PathBuf;
#[cfg(feature = "train")]
use {
    super::table,
    crate::design,
    crate::workload::network::Network,
    crate::workload::train::{Figures, Recipe, train},
    indicatif::{ProgressBar, ProgressStyle},
    serde_json::json,
    std::path::Path,
};

use clap::Args;

use super::{Failure, Report};

/// Train a sparse network on Japanese Vowels; takes a build with the feature `train`.
///
/// It goes to a folder: `network.toml` and the arrays beside it, and in `dense` the same network
/// before anything was left out. The same seed gives the same files on the same machine.
#[derive(Args)]
#[cfg_attr(not(feature = "train"), allow(dead_code, reason = "nothing is trained"))]
pub(super) struct Train {
    /// Where all chance comes from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// The folder to write to.
    #[arg(short, long, value_name = "FOLDER", default_value = "network")]
    output: PathBuf,
}

#[cfg(not(feature = "train"))]
impl Train {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        Err(Failure::input(
            "error[E0122]: this `lacuna` was built without the feature `train`\n help: \
             `cargo run --release --features train -- train`, in its sources",
        ))
    }
}

#[cfg(feature = "train")]
impl Train {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        self.probe()?;
        let style = ProgressStyle::with_template("{bar:30} {percent}% {msg}");
        let bar = ProgressBar::new(1000).with_style(style.expect("the template is fixed"));
        let trained = train(self.seed, &Recipe::default(), |phase, share| {
            bar.set_message(phase);
            bar.set_position((share * 1000.0) as u64);
        });
        bar.finish_and_clear();
        let trained = trained.map_err(|error| {
            Failure::Check(format!("error[E0409]: the training came to no end: {error}"))
        })?;
        let files = self.files(&trained.network, &trained.dense);
        design::write_files(&self.output, &files)?;
        let folder = self.output.display().to_string();
        let text = format!("{}\nwritten to {folder}", text(&trained.figures));
        let figures = trained.figures;
        Ok(Report::new(text, json!({ "seed": self.seed, "figures": figures, "folder": folder })))
    }

    /// Minutes of work should not be for nothing: looks whether the folder can be written,
    /// without making it.
    fn probe(&self) -> Result<(), Failure> {
        let existing = self.output.ancestors().find(|folder| folder.exists());
        tempfile::tempfile_in(existing.unwrap_or(Path::new("."))).map_err(|error| {
            Failure::input(format!(
                "error[E0115]: cannot write {}: {error}\n help: name another folder with \
                 `--output`",
                self.output.display()
            ))
        })?;
        Ok(())
    }

    fn files(&self, network: &Network, dense: &Network) -> Vec<(String, Vec<u8>)> {
        let made = format!("Made by `lacuna train --seed {}` from Japanese Vowels", self.seed);
        let mut files = network.files(&format!("{made}."));
        let dense = dense.files(&format!("{made}: before pruning, nothing left out."));
        files.extend(dense.into_iter().map(|(name, file)| (format!("dense/{name}"), file)));
        files
    }
}

#[cfg(feature = "train")]
fn text(figures: &Figures) -> String {
    let row = |name: &str, errors: usize, ratios: [Option<f64>; 2]| {
        let accuracy = 100.0 * (1.0 - errors as f64 / figures.tested as f64);
        let ratio = |ratio: Option<f64>| ratio.map_or("-".into(), |ratio| format!("{ratio:.2}x"));
        let [train, test] = ratios.map(ratio);
        vec![name.to_string(), format!("{accuracy:.2}%"), errors.to_string(), test, train]
    };
    let head = ["network", "accuracy", "errors", "R", "R in training"].map(String::from).to_vec();
    let delta = [Some(figures.train_ratio), Some(figures.test_ratio)];
    let rows = [
        head,
        row("floating point", figures.float_errors, [None; 2]),
        row("8 bits, dense", figures.dense_errors, [Some(1.0); 2]),
        row("pruned", figures.pruned_errors, [Some(figures.pruned_ratio); 2]),
        row("pruned, delta", figures.delta_errors, delta),
    ];
    format!(
        "{}of {} utterances that are tested with; R is products of a dense execution per product",
        table::text(&rows),
        figures.tested
    )
}
