//! A design on its way to disk: the blocks of a configuration, their Verilog, the collateral.

mod write;

use std::sync::Arc;

use crate::blocks::Configured;
use crate::config::{Config, Tech};
use crate::hdl::{Errors, Module};
use crate::registers::RegisterMap;
use crate::tech::{self, Collateral};
use crate::verilog::{self, File};

pub use write::{WriteError, is_generated, write, write_file, write_files};

/// The folder of what stands in for cells.
const MODELS: &str = "models";

/// Blocks that are emitted together.
#[derive(Clone, Debug)]
pub struct Design {
    /// What the collateral files are called.
    pub name: String,
    /// One module for each block.
    pub tops: Vec<Arc<Module>>,
    /// What the technology asks for.
    pub tech: Tech,
    /// What the design was made from, for the headers.
    pub digest: Option<String>,
    /// Every Verilog file, those that others instance first.
    pub verilog: Vec<File>,
    /// The registers of top modules, by the module's name.
    pub registers: Vec<(String, RegisterMap)>,
}

/// Why a design cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DesignError {
    /// The configuration has no such block.
    #[error(
        "error[E0113]: the configuration names no block `{name}`\n help: it has {}",
        known.join(", ")
    )]
    NoSuchBlock {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A block's description is wrong: a defect of the block.
    #[error(transparent)]
    Description(#[from] Errors),
    /// A module cannot be printed.
    #[error(transparent)]
    Verilog(#[from] verilog::VerilogError),
    /// Two blocks bring different modules of one name.
    #[error(
        "error[E0114]: two different modules are named `{0}`\n \
         help: give one of the blocks another `name`"
    )]
    ModuleClash(String),
}

impl Design {
    /// The design of a configuration: all of its blocks, or the one of the name `only`.
    ///
    /// # Errors
    /// [`DesignError`].
    pub fn of(config: &Config, only: Option<&str>) -> Result<Design, DesignError> {
        let wanted = |name: &str| only.is_none_or(|only| only == name);
        let sections: Vec<_> = config.blocks.iter().filter(|block| wanted(&block.name)).collect();
        if let (Some(name), true) = (only, sections.is_empty()) {
            let known = config.blocks.iter().map(|block| block.name.clone()).collect();
            return Err(DesignError::NoSuchBlock { name: name.to_string(), known });
        }
        let tops: Result<Vec<_>, Errors> =
            sections.iter().map(|block| Configured::of(block, config.tech).elaborate()).collect();
        let name = only.unwrap_or(&config.name);
        let mut design = Design::new(name, tops?, config.tech, Some(config.digest.clone()))?;
        design.registers = sections
            .iter()
            .filter_map(|section| {
                let block = Configured::of(section, config.tech);
                Some((block.name.clone(), (block.entry.registers)(&block.values)?))
            })
            .collect();
        Ok(design)
    }

    /// A design of modules that were made by other means.
    ///
    /// # Errors
    /// [`DesignError`].
    pub fn new(
        name: &str,
        tops: Vec<Arc<Module>>,
        tech: Tech,
        digest: Option<String>,
    ) -> Result<Design, DesignError> {
        let style = tech::style(&tech, digest.clone());
        let mut files: Vec<File> = Vec::new();
        for top in &tops {
            for file in verilog::emit(top, &style)? {
                // Some file systems do not tell `Fifo.v` from `fifo.v`.
                match files.iter().find(|f| f.module.eq_ignore_ascii_case(&file.module)) {
                    Some(known) if *known == file => {}
                    Some(_) => return Err(DesignError::ModuleClash(file.module)),
                    None => files.push(file),
                }
            }
        }
        files.extend(tops.iter().filter_map(|top| tech::axi_shell(top, &tech, digest.as_deref())));
        let registers = vec![];
        Ok(Design { name: name.to_string(), tops, tech, digest, verilog: files, registers })
    }

    /// The names of the top modules, or of the shells around them.
    pub fn top_names(&self) -> Vec<&str> {
        let files = || self.verilog.iter().map(|file| file.module.as_str());
        let shell = |name: &str| files().find(|file| file.strip_suffix("_axi") == Some(name));
        let names = self.tops.iter().map(|module| module.name.as_str());
        names.map(|name| shell(name).unwrap_or(name)).collect()
    }

    /// Where a Verilog file of the design lies. What only stands in for a cell that somebody else
    /// brings lies apart from the rest.
    pub fn path(&self, file: &File) -> String {
        let is_model = tech::foreign_cell(&self.tech) == Some(&file.module);
        format!("{}/{}.v", if is_model { MODELS } else { "rtl" }, file.module)
    }

    /// Every file: its path from the design's folder, with `/` between, and its text.
    pub fn files(&self) -> Vec<(String, String)> {
        let paths: Vec<String> = self.verilog.iter().map(|file| self.path(file)).collect();
        let (models, sources): (Vec<String>, Vec<String>) =
            paths.iter().cloned().partition(|path| path.starts_with(MODELS));
        let collateral = Collateral {
            name: &self.name,
            tops: &self.tops,
            files: &sources,
            models: &models,
            tech: &self.tech,
            digest: self.digest.as_deref(),
        };
        let texts = self.verilog.iter().map(|file| file.text.clone());
        let mut files: Vec<_> = paths.iter().cloned().zip(texts).collect();
        files.extend(collateral.render());
        files.extend(
            self.registers.iter().flat_map(|(module, map)| {
                tech::register_files(module, map, self.digest.as_deref())
            }),
        );
        files
    }
}
