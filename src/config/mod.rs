//! The configuration: TOML with spans in, validated parameters out, every error at once.
//!
//! A block declares its parameters with [`parameters!`] and hands a [`SectionKind`] to
//! [`Config::parse`], [`schema()`] and [`starter()`]; nothing here knows a block.
//!
//! ```toml
//! [design]
//! name = "lacuna_top"
//!
//! [tech]
//! reset = "async_low"
//!
//! [fifo]                  # one block
//! width = 9
//!
//! [[register_slice]]      # or several of a kind, each with a name of its own
//! name = "left_slice"
//! ```
//!
//! | Code  | What is wrong                                                                 |
//! |-------|-------------------------------------------------------------------------------|
//! | E0101 | The file cannot be read, or is not UTF-8.                                     |
//! | E0102 | The text is not TOML; a key or section that stands twice is part of this.     |
//! | E0103 | Parameters do not go together; a block may give its rules other codes.        |
//! | E0104 | No such section.                                                              |
//! | E0105 | What should be a section is a value, or stands as a list though it is single. |
//! | E0106 | No such key in the section.                                                   |
//! | E0107 | A value of the wrong type, such as a float for an integer.                    |
//! | E0108 | A number out of range.                                                        |
//! | E0109 | A word that is not one of the choices.                                        |
//! | E0110 | A name that is not an identifier, or a reserved word.                         |
//! | E0111 | A name that stands for two things.                                            |
//! | E0112 | The file names no block.                                                      |

pub mod diagnostic;
mod name;
pub mod parameter;
pub(crate) mod reader;
mod schema;
mod starter;

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

#[doc(inline)]
pub use crate::{choices, parameters};
pub use diagnostic::{Diagnostic, Diagnostics, Place};
pub use name::Name;
pub use parameter::{NoParameters, Parameter, ParameterKind, Parameters, Value, Values};
pub use schema::schema;
pub use starter::starter;

/// The name of a design that the configuration does not name.
const DEFAULT_NAME: &str = "lacuna";

/// The section of the design's name.
const DESIGN: &str = "design";

/// The section of [`Tech`].
const TECH: &str = "tech";

choices! {
    /// How state is reset.
    #[derive(Default)]
    pub enum Reset {
        /// By `rst_ni`, asynchronously, when low.
        #[default]
        AsyncLow = "async_low",
        /// By `rst_ni`, at a clock edge, when low.
        SyncLow = "sync_low",
        /// By `rst_i`, at a clock edge, when high.
        SyncHigh = "sync_high",
    }
}

choices! {
    /// How an idle part's clock is stopped.
    #[derive(Default)]
    pub enum ClockGate {
        /// By a latch and an AND gate, as in a standard-cell library.
        #[default]
        Latch = "latch",
        /// By a flip-flop on the falling edge and an AND gate, for flows that want no latches.
        FallingEdge = "falling_edge",
        /// Not at all: what would stand still keeps its state by enables.
        Enable = "enable",
        /// By a cell of the user's library.
        Cell = "cell",
        /// By the clock buffer BUFGCE of AMD's (Xilinx') FPGAs.
        Bufgce = "bufgce",
        /// By the clock gate DCCA of Lattice's ECP5.
        Dcca = "dcca",
    }
}

parameters! {
    /// What the technology asks of all blocks.
    #[derive(Copy, Serialize)]
    pub struct Tech {
        /// How state is reset: by `rst_ni` asynchronously, by `rst_ni` at a clock edge, or by
        /// `rst_i` at a clock edge.
        reset: Reset = Reset::AsyncLow,
        /// How an idle part's clock is stopped: by a latch, or by a flip-flop on the falling edge,
        /// and an AND gate; by a cell of your library; by a clock buffer of an FPGA; or not at all,
        /// with enables at all registers and memories in its place.
        clock_gate: ClockGate = ClockGate::Latch,
        /// The library's cell for `clock_gate = "cell"`: one that passes a high phase of the clock
        /// if its enable was 1 when it began.
        clock_gate_cell: Name = "CLKGATETST_X1",
        /// Its pin for the clock that comes in.
        clock_gate_clock: Name = "CK",
        /// Its pin for the enable, which is active high.
        clock_gate_enable: Name = "E",
        /// Its pin that keeps the clock running for scan; empty if it has none.
        clock_gate_test: OptionalName = "SE",
        /// Its pin for the clock that goes out.
        clock_gate_output: Name = "GCK",
    }
}

impl Tech {
    /// The same without what means nothing: the names of a cell that is not asked for.
    fn meant(self) -> Tech {
        match self.clock_gate {
            ClockGate::Cell => self,
            clock_gate => Tech { reset: self.reset, clock_gate, ..Tech::default() },
        }
    }

    /// The pins of the library's clock gate: the parameter and its value.
    fn clock_gate_pins(&self) -> [(&'static str, Name); 4] {
        [
            ("clock_gate_clock", self.clock_gate_clock),
            ("clock_gate_enable", self.clock_gate_enable),
            ("clock_gate_test", self.clock_gate_test),
            ("clock_gate_output", self.clock_gate_output),
        ]
    }

    /// The rules between the parameters.
    fn validate(&self) -> Vec<Violation> {
        let pins = self.clock_gate_pins();
        let twice = |&(index, (_, pin)): &(usize, (&str, Name))| {
            !pin.is_none() && pins[..index].iter().any(|(_, before)| *before == pin)
        };
        let violation = |(index, (parameter, pin)): (usize, (&'static str, Name))| {
            let others = pins[..index].iter().find(|(_, before)| *before == pin);
            let (other, _) = others.expect("it is one of those that are there twice");
            let default = Tech::default().clock_gate_pins()[index].1;
            let free = [default, Name::fixed("TE"), Name::fixed("EN"), Name::fixed("Q")];
            let free = free.into_iter().find(|free| pins.iter().all(|(_, pin)| pin != free));
            Violation {
                parameter,
                code: "E0111",
                rule: "each pin of a cell must have a name of its own".to_string(),
                note: format!("{other} = \"{pin}\""),
                help: format!("write {parameter} = \"{}\"", free.unwrap_or(default)),
            }
        };
        pins.into_iter().enumerate().filter(twice).map(violation).collect()
    }
}

/// A kind of section that describes a block.
#[derive(Clone, Copy, Debug)]
pub struct SectionKind {
    /// The name of the section, and of a module that is not given one. It is an identifier, and
    /// neither `design` nor `tech`.
    pub name: &'static str,
    /// What the block does, in one line.
    pub summary: &'static str,
    /// The keys of the section, besides the module's `name`.
    pub parameters: &'static [Parameter],
    /// The rules between the parameters; it is only asked about values that are legal one by one.
    pub validate: fn(&Values) -> Vec<Violation>,
}

/// A rule between parameters that a block found broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The parameter to blame: the one that the user should look at first.
    pub parameter: &'static str,
    /// The stable code of the error: `E0103`, unless it has one of its own.
    pub code: &'static str,
    /// The rule.
    pub rule: String,
    /// The values that break it, besides that of the parameter to blame.
    pub note: String,
    /// Values that work.
    pub help: String,
}

/// A configuration in which everything is as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Config {
    /// The name of the design.
    pub name: String,
    /// What the technology asks of all blocks.
    pub tech: Tech,
    /// The blocks, in order of kind and name: the order of the file's sections changes nothing.
    pub blocks: Vec<BlockSection>,
    /// The first 12 hexadecimal digits of the SHA-256 of [`Config::canonical`].
    pub digest: String,
}

/// A block that a configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockSection {
    /// The name of its [`SectionKind`].
    pub kind: &'static str,
    /// The name of the module; no other is equal to it but for case.
    pub name: String,
    /// The value of every parameter.
    pub values: Values,
}

impl Config {
    /// Reads a configuration from its text; `file_name` is only for messages.
    ///
    /// # Errors
    ///
    /// Every error of the text. If it is not TOML only that is reported, since a broken line
    /// changes what the lines after it mean.
    pub fn parse(
        file_name: &str,
        source: &str,
        kinds: &[SectionKind],
    ) -> Result<Self, Diagnostics> {
        reader::parse(file_name, source, kinds)
    }

    /// Reads a configuration from a file.
    ///
    /// # Errors
    ///
    /// As [`Config::parse`], and if the file cannot be read.
    pub fn read(path: impl AsRef<Path>, kinds: &[SectionKind]) -> Result<Self, Diagnostics> {
        reader::read(path.as_ref(), kinds)
    }

    fn new(name: String, tech: Tech, mut blocks: Vec<BlockSection>) -> Self {
        blocks.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        let mut config = Self { name, tech: tech.meant(), blocks, digest: String::new() };
        let hash = Sha256::digest(config.canonical());
        config.digest = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        config
    }

    /// The configuration as TOML with every value that means something spelled out. It is the same text for every file
    /// that means the same, and reading it gives the same configuration.
    pub fn canonical(&self) -> String {
        let mut text = format!("[{DESIGN}]\nname = \"{}\"\n\n[{TECH}]\n", self.name);
        let is_meant = |name: &str| {
            self.tech.clock_gate == ClockGate::Cell || !name.starts_with("clock_gate_")
        };
        let tech = self.tech.to_values();
        write_values(&mut text, &tech.iter().filter(|(name, _)| is_meant(name)).collect());
        for block in &self.blocks {
            write!(text, "\n[[{}]]\nname = \"{}\"\n", block.kind, block.name)
                .expect("a string takes any text");
            write_values(&mut text, &block.values);
        }
        text
    }
}

/// Appends a line of TOML per value.
fn write_values(text: &mut String, values: &Values) {
    for (name, value) in values.iter() {
        writeln!(text, "{name} = {value}").expect("a string takes any text");
    }
}
