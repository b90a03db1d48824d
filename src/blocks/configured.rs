//! A registered block at parameters.

use std::sync::Arc;

use super::{Baseline, Entry, find};
use crate::config::{BlockSection, Parameter, Parameters, Tech, Value, Values};
use crate::hdl::{Errors, Module};

/// A registered block at parameters, for a technology.
#[derive(Clone)]
pub struct Configured {
    /// The block.
    pub entry: &'static Entry,
    /// What the module is called.
    pub name: String,
    /// The parameters; legal ones.
    pub values: Values,
    /// The technology.
    pub tech: Tech,
}

impl Configured {
    /// The block under its own name.
    pub fn new(entry: &'static Entry, values: Values, tech: Tech) -> Configured {
        Configured { entry, name: entry.name.to_string(), values, tech }
    }

    /// What a section of a configuration asks for.
    ///
    /// # Panics
    /// If the section's kind is not in the registry; the reader accepts no other.
    pub fn of(section: &BlockSection, tech: Tech) -> Configured {
        let entry = find(section.kind).expect("the reader accepts registered kinds only");
        Configured { entry, name: section.name.clone(), values: section.values.clone(), tech }
    }

    /// The block at its defaults.
    pub fn defaults(entry: &'static Entry) -> Configured {
        Configured::new(entry, Values::defaults(entry.parameters), Tech::default())
    }

    /// The block as mistakes are planted in it.
    pub fn mutated(entry: &'static Entry) -> Configured {
        Configured::new(entry, (entry.mutated)(), Tech::default())
    }

    /// The block at its defaults, and at the odd sizes that it names itself.
    pub fn all_sizes(entry: &'static Entry) -> Vec<Configured> {
        let variants = (entry.variants)().into_iter();
        let variants = variants.map(|values| Configured::new(entry, values, Tech::default()));
        std::iter::once(Configured::defaults(entry)).chain(variants).collect()
    }

    /// Makes the module.
    ///
    /// # Errors
    /// As [`Block::elaborate`](super::Block::elaborate).
    pub fn elaborate(&self) -> Result<Arc<Module>, Errors> {
        (self.entry.elaborate)(&self.name, &self.values, &self.tech)
    }

    /// The plain Verilog that the block is compared with.
    pub fn baseline(&self) -> Option<Baseline> {
        (self.entry.baseline)(&self.values, &self.tech)
    }

    /// Each parameter that is not its default, as `key=value`; those of the technology are called
    /// `tech.key`.
    pub fn settings(&self) -> Vec<String> {
        let mut settings = settings("", self.entry.parameters, &self.values);
        settings.extend(settings_of_tech(&self.tech));
        settings
    }

    /// What a command line says to mean this block at these parameters alone.
    pub fn arguments(&self) -> String {
        let mut settings = self.settings();
        // A default is named as well, because without any setting the odd sizes are meant, too.
        if let (true, Some(first)) = (settings.is_empty(), self.entry.parameters.first()) {
            settings.push(setting("", first.name, first.default));
        }
        let settings = settings.iter().map(|setting| format!(" --set {setting}"));
        std::iter::once(self.entry.name.to_string()).chain(settings).collect()
    }
}

fn settings_of_tech(tech: &Tech) -> Vec<String> {
    settings("tech.", Tech::PARAMETERS, &tech.to_values())
}

/// Each value that is not its parameter's default, as `KEY=VALUE` with `prefix` before the key.
fn settings(prefix: &str, parameters: &[Parameter], values: &Values) -> Vec<String> {
    let chosen = parameters.iter().filter_map(|parameter| {
        let value = values.get(parameter.name).filter(|value| *value != parameter.default)?;
        Some(setting(prefix, parameter.name, value))
    });
    chosen.collect()
}

/// A value as the command line takes it.
fn setting(prefix: &str, name: &str, value: Value) -> String {
    format!("{prefix}{name}={}", value.to_string().trim_matches('"'))
}
