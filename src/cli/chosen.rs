//! Which blocks a subcommand works on: registered ones, or those of a configuration.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{DEFAULT_CONFIG, Failure, find_block};
use crate::blocks::{self, Configured, Entry};
use crate::config::Config;
use crate::design::DesignError;

/// The blocks asked for.
#[derive(Args, Clone, Debug)]
pub(super) struct Blocks {
    /// Blocks by name; with `--config`, by module name.
    #[arg(value_name = "BLOCK")]
    blocks: Vec<String>,
    /// Every registered block, or every block of the configuration.
    #[arg(long, conflicts_with = "blocks")]
    all: bool,
    /// The blocks of this configuration.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A parameter, or `tech.KEY`; then the block is taken at these parameters alone.
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "config")]
    set: Vec<String>,
}

/// At which parameters blocks are meant that are only named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sizes {
    /// At their defaults.
    Defaults,
    /// At their defaults, and at the odd sizes that they name themselves.
    AllOdd,
}

/// A block that was asked for.
pub(super) struct Chosen {
    /// The block.
    pub block: Configured,
    /// The command that means it alone, if it is one of a configuration.
    pub command: Option<String>,
}

impl Blocks {
    /// The blocks asked for; at least one. `verb` is the subcommand, for what there is to say.
    pub fn chosen(&self, verb: &str, sizes: Sizes) -> Result<Vec<Chosen>, Failure> {
        let default = Path::new(DEFAULT_CONFIG);
        let names_none = self.blocks.is_empty() && !self.all;
        let path = match &self.config {
            Some(path) => Some(path.as_path()),
            None if names_none && default.exists() => Some(default),
            None => None,
        };
        if let (Some(_), Some(setting)) = (path, self.set.first()) {
            return Err(Failure::input(format!(
                "error[E0120]: `--set {setting}` is for blocks that are named; these are those of \
                 {DEFAULT_CONFIG}\n help: name a block, or edit {DEFAULT_CONFIG}"
            )));
        }
        if let Some(path) = path {
            return self.of_config(path, verb);
        }
        if names_none {
            return Err(Failure::input(format!(
                "error[E0116]: no block is named, and there is no {DEFAULT_CONFIG} here\n help: \
                 `lacuna {verb} --all`, or name blocks: `lacuna {verb} fifo`"
            )));
        }
        let entries: Vec<&'static Entry> = match self.all {
            true => blocks::REGISTRY.iter().collect(),
            false => self.named()?,
        };
        let mut chosen = vec![];
        for entry in entries {
            match (self.set.is_empty(), sizes) {
                (true, Sizes::Defaults) => chosen.push(Configured::defaults(entry)),
                (true, Sizes::AllOdd) => chosen.extend(Configured::all_sizes(entry)),
                (false, _) => chosen.push(with_settings(entry, &self.set)?),
            }
        }
        Ok(chosen.into_iter().map(|block| Chosen { block, command: None }).collect())
    }

    /// Whether blocks that are named are meant at more than one size.
    pub fn takes_all_sizes(&self) -> bool {
        self.set.is_empty()
    }

    /// Whether anything is asked for.
    pub fn names_any(&self) -> bool {
        !self.blocks.is_empty() || self.all || self.config.is_some() || !self.set.is_empty()
    }

    /// The registered blocks that are named, each once.
    fn named(&self) -> Result<Vec<&'static Entry>, Failure> {
        let mut entries: Vec<&Entry> = vec![];
        for name in &self.blocks {
            let entry = find_block(name).map_err(|failure| {
                let help = "or, if it is the name of a module in a configuration, add `--config`";
                Failure::input(format!("{}, {help}", failure.text()))
            })?;
            if entries.iter().all(|known| known.name != entry.name) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// The blocks of a configuration.
    fn of_config(&self, path: &Path, verb: &str) -> Result<Vec<Chosen>, Failure> {
        let config = Config::read(path, &blocks::sections())?;
        let known: Vec<&str> = config.blocks.iter().map(|block| block.name.as_str()).collect();
        if let Some(name) = self.blocks.iter().find(|name| !known.contains(&name.as_str())) {
            let known = known.into_iter().map(str::to_string).collect();
            return Err(DesignError::NoSuchBlock { name: name.clone(), known }.into());
        }
        let wanted = |name: &String| self.blocks.is_empty() || self.blocks.contains(name);
        let sections = config.blocks.iter().filter(|section| wanted(&section.name));
        let chosen = sections.map(|section| Chosen {
            block: Configured::of(section, config.tech),
            command: Some(format!("lacuna {verb} {} -c {}", section.name, path.display())),
        });
        Ok(chosen.collect())
    }
}

/// A block with settings from the command line.
pub(super) fn with_settings(
    entry: &'static Entry,
    settings: &[String],
) -> Result<Configured, Failure> {
    // The reader of configurations knows all rules and has the words for them.
    let (mut tech, mut block) = ("[tech]\n".to_string(), format!("[{}]\n", entry.name));
    for setting in settings {
        let pair = setting.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        let Some((key, value)) = pair.filter(|(key, _)| *key != "name") else {
            return Err(Failure::input(format!(
                "error[E0120]: `--set {setting}` is no parameter and its value\n help: \
                 `--set width=8`, or `--set tech.reset=sync_high`"
            )));
        };
        // Words need no quotes here, which a shell would take away anyway.
        let is_number =
            value.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit());
        let is_bare = is_number || value.starts_with('"') || ["true", "false"].contains(&value);
        let value = if is_bare { value.to_string() } else { format!("{value:?}") };
        match key.strip_prefix("tech.") {
            Some(key) => tech.push_str(&format!("{key} = {value}\n")),
            None => block.push_str(&format!("{key} = {value}\n")),
        }
    }
    let config = Config::parse("--set", &format!("{tech}{block}"), &blocks::sections())?;
    Ok(Configured::of(&config.blocks[0], config.tech))
}
