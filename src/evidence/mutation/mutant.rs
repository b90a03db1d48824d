//! A mutant: one bit of one pin of one cell that is not what it should be.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::netlist::SELECTOR;
use crate::verilog::File;

/// A small change to a netlist, and the place in the text that it is a mistake in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutant {
    /// Its number, from 1; the netlist's selector has to have this value.
    pub number: usize,
    /// The file of the module, such as `fifo.v`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What stands in that line.
    pub text: String,
    /// The change in words, such as `bit 3 of the right operand of $add stuck at 0`.
    pub change: String,
    /// What Yosys' `mutate` is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<Command>,
}

/// The arguments of a `mutate` that say what is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Command {
    mode: String,
    module: String,
    cell: String,
    port: String,
    bit: u32,
    /// Of the same pin, where the change depends on another bit.
    control: Option<u32>,
    /// The line at which the net is declared, where the change is to one with a name.
    net: Option<String>,
}

impl Mutant {
    /// The same without what Yosys is told, which is nobody else's business.
    pub(super) fn without_command(&self) -> Mutant {
        Mutant { command: None, ..self.clone() }
    }

    /// What makes it in a netlist with a selector of so many bits: a line for Yosys.
    pub(super) fn script(&self, selector_width: u32) -> String {
        let selector = Some((SELECTOR, selector_width, self.number));
        format!("{}\n", self.command().script(selector))
    }

    /// Whether it is at the clock of something.
    pub(super) fn is_of_a_clock(&self) -> bool {
        ["CLK", "WR_CLK"].contains(&self.command().port.as_str())
    }

    fn command(&self) -> &Command {
        self.command.as_ref().expect("a mutant is made from a command")
    }
}

impl Command {
    /// Reads a line of `mutate -list`; none if it is no such line.
    pub(super) fn parse(line: &str) -> Option<Command> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, options) = words.split_first()?;
        let all = |option: &'static str| {
            let pairs = options.chunks_exact(2).filter(move |pair| pair[0] == option);
            pairs.map(|pair| pair[1].to_string())
        };
        let one = |option| all(option).next();
        (*name == "mutate").then_some(())?;
        Some(Command {
            mode: one("-mode")?,
            module: one("-module")?,
            cell: one("-cell")?,
            port: one("-port")?,
            bit: one("-portbit")?.parse().ok()?,
            control: one("-ctrlbit").map(|bit| bit.parse()).transpose().ok()?,
            // The nets' places come before those of the cell.
            net: one("-wire").and_then(|_| one("-src")),
        })
    }

    /// The command; with a selector, the change is there only where the input of that name and
    /// width has that value.
    pub(super) fn script(&self, selector: Option<(&str, u32, usize)>) -> String {
        let Command { mode, module, cell, port, bit, .. } = self;
        let selector = selector
            .map_or(String::new(), |(name, width, value)| format!(" -ctrl {name} {width} {value}"));
        let control = self.control.map_or(String::new(), |bit| format!(" -ctrlbit {bit}"));
        format!(
            "mutate -mode {mode}{selector} -module {module} -cell {cell} -port {port} -portbit \
             {bit}{control}"
        )
    }

    /// Whether the text has no such pin: how Yosys writes down a memory has more of them than what
    /// is described, all constant.
    pub(super) fn is_of_yosys(&self) -> bool {
        ["RD_CLK", "RD_EN", "RD_ARST", "RD_SRST"].contains(&self.port.as_str())
    }
}

/// The cells of a netlist: what each is, and where it comes from.
pub(super) struct Cells {
    cells: HashMap<String, Cell>,
    /// Whether everything runs on the rising edge of the module's clock.
    pub has_plain_clock: bool,
}

struct Cell {
    kind: String,
    is_binary: bool,
    /// Where it is in the text, one place after the other.
    places: Vec<String>,
}

impl Cells {
    /// Reads Yosys' `write_json`; none if it is none.
    pub(super) fn parse(text: &[u8], module: &str) -> Option<Cells> {
        let netlist: Value = serde_json::from_slice(text).ok()?;
        let module = netlist.get("modules")?.get(module)?;
        let cells = module.get("cells")?.as_object()?;
        let clock = module.get("ports")?.get("clk_i").and_then(|port| port.get("bits")?.get(0));
        let cell = |cell: &Value| {
            let places = cell.get("attributes")?.get("src").and_then(Value::as_str);
            Some(Cell {
                kind: cell.get("type")?.as_str()?.to_string(),
                is_binary: cell.get("connections")?.get("B").is_some(),
                places: places.unwrap_or_default().split('|').map(str::to_string).collect(),
            })
        };
        let known = cells.iter().map(|(name, value)| Some((name.clone(), cell(value)?)));
        Some(Cells {
            cells: known.collect::<Option<_>>()?,
            has_plain_clock: cells.values().all(|cell| runs_on(cell, clock)),
        })
    }

    /// The mutant that a command makes.
    pub(super) fn mutant(&self, number: usize, command: Command, files: &[File]) -> Option<Mutant> {
        let cell = self.cells.get(&command.cell)?;
        let mut places: Vec<Span> =
            cell.places.iter().filter_map(|place| Span::parse(place)).collect();
        // Line 0 stands where Yosys does not know the place.
        places.sort_by_key(|place| (place.first == 0, place.size()));
        let net = command.net.as_deref().and_then(Span::parse);
        // A whole block says less than the declaration of what it drives.
        let place = match (places.into_iter().next(), net) {
            (Some(place), net) if place.first == place.last || net.is_none() => place,
            (place, net) => net.or(place)?,
        };
        let text = files.iter().find(|file| format!("{}.v", file.module) == place.file)?;
        let line = text.text.lines().nth(place.first.wrapping_sub(1));
        Some(Mutant {
            number,
            line: place.first,
            text: line.unwrap_or("").trim().to_string(),
            file: place.file,
            change: command.words(cell),
            command: Some(command),
        })
    }
}

/// Whether a cell runs on the rising edge of a clock, or on none.
fn runs_on(cell: &Value, clock: Option<&Value>) -> bool {
    let is_latch = cell["type"].as_str().is_some_and(|kind| kind.contains("latch"));
    let runs = |pin: &str| {
        let bits = cell["connections"][pin].as_array();
        bits.is_none_or(|bits| bits.iter().all(|bit| Some(bit) == clock))
    };
    let rises = |parameter: &str| {
        cell["parameters"][parameter].as_str().is_none_or(|polarity| !is_zero(polarity))
    };
    let polarities = cell["parameters"]["WR_CLK_POLARITY"].as_str().unwrap_or_default();
    !is_latch
        && (runs("CLK") && rises("CLK_POLARITY"))
        && (runs("WR_CLK") && !polarities.contains('0'))
        && cell["parameters"]["RD_CLK_ENABLE"].as_str().is_none_or(is_zero)
}

fn is_zero(digits: &str) -> bool {
    !digits.contains('1')
}

impl Command {
    fn words(&self, cell: &Cell) -> String {
        let pin = match (self.port.as_str(), cell.kind.as_str()) {
            ("A", "$mux" | "$pmux") => "the value otherwise",
            ("B", "$mux" | "$pmux") => "the chosen value",
            ("S", _) => "the condition",
            ("A", _) if cell.is_binary => "the left operand",
            ("A", _) => "the operand",
            ("B", _) => "the right operand",
            ("Y", _) => "the result",
            ("D", _) => "what is stored",
            ("Q", _) => "what is held",
            ("CLK" | "WR_CLK", _) => "the clock",
            ("ARST", _) => "the reset",
            ("EN", _) => "the enable",
            ("RD_ADDR", _) => "the read address",
            ("RD_DATA", _) => "the read data",
            ("WR_ADDR", _) => "the write address",
            ("WR_DATA", _) => "the write data",
            ("WR_EN", _) => "the write enable",
            (port, _) => port,
        };
        let (bit, kind) = (self.bit, &cell.kind);
        let change = match (self.mode.as_str(), self.control) {
            ("inv", _) => "inverted".to_string(),
            ("const0", _) => "stuck at 0".to_string(),
            ("const1", _) => "stuck at 1".to_string(),
            ("cnot0", Some(control)) => format!("inverted where bit {control} of it is 0"),
            ("cnot1", Some(control)) => format!("inverted where bit {control} of it is 1"),
            (mode, _) => mode.to_string(),
        };
        format!("bit {bit} of {pin} of {kind} {change}")
    }
}

/// A part of a text: `fifo.v:35.9-35.21`.
struct Span {
    file: String,
    first: usize,
    last: usize,
    columns: (usize, usize),
}

impl Span {
    fn parse(text: &str) -> Option<Span> {
        let (file, range) = text.rsplit_once(':')?;
        let (start, end) = range.split_once('-')?;
        let point = |text: &str| -> Option<(usize, usize)> {
            let (line, column) = text.split_once('.')?;
            Some((line.parse().ok()?, column.parse().ok()?))
        };
        let (start, end) = (point(start)?, point(end)?);
        let file = file.to_string();
        Some(Span { file, first: start.0, last: end.0, columns: (start.1, end.1) })
    }

    /// The smaller, the more exactly it says where something is.
    fn size(&self) -> (usize, usize) {
        (self.last - self.first, self.columns.1.saturating_sub(self.columns.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "mutate -mode cnot1 -module fifo -cell $sub$fifo.v:38$10 -port B -portbit 1 \
                        -ctrlbit 4 -wire level_q -wirebit 1 -src fifo.v:25.13-25.20 -src \
                        fifo.v:38.17-38.31";

    #[test]
    fn a_command_is_read_and_said_again() {
        let command = Command::parse(LINE).unwrap();
        let selected = command.script(Some(("mutant_i", 3, 7)));
        assert_eq!(
            selected,
            "mutate -mode cnot1 -ctrl mutant_i 3 7 -module fifo -cell $sub$fifo.v:38$10 -port B \
             -portbit 1 -ctrlbit 4"
        );
        assert_eq!(Command::parse(&command.script(None)).unwrap().net, None);
        assert_eq!(Command::parse("mutate -mode inv"), None);
        assert_eq!(Command::parse(""), None);
    }

    #[test]
    fn a_mutant_says_where_it_is() {
        let netlist = br#"{"modules": {"fifo": {"ports": {}, "cells": {"$sub$fifo.v:38$10": {
            "type": "$sub", "attributes": {"src": "fifo.v:38.17-38.31"},
            "connections": {"A": [], "B": [], "Y": []}}}}}}"#;
        let cells = Cells::parse(netlist, "fifo").unwrap();
        let text = "\n".repeat(37) + "  level_d = level_q - 5'd1;\n";
        let files = [File { module: "fifo".into(), text }];
        let mutant = cells.mutant(7, Command::parse(LINE).unwrap(), &files).unwrap();
        assert_eq!((mutant.file.as_str(), mutant.line), ("fifo.v", 38));
        assert_eq!(mutant.text, "level_d = level_q - 5'd1;");
        assert_eq!(
            mutant.change,
            "bit 1 of the right operand of $sub inverted where bit 4 of it is 1"
        );
    }

    #[test]
    fn a_block_of_many_lines_is_known_by_what_it_drives() {
        let netlist = br#"{"modules": {"m": {"ports": {}, "cells": {"$procdff$1": {
            "type": "$dff", "attributes": {"src": "m.v:2.1-9.4"}, "connections": {}}}}}}"#;
        let cells = Cells::parse(netlist, "m").unwrap();
        let files = [File { module: "m".into(), text: "reg a_q;\nalways\n".into() }];
        let line = "mutate -mode inv -module m -cell $procdff$1 -port Q -portbit 0";
        let mutant = |line: &str| cells.mutant(1, Command::parse(line).unwrap(), &files).unwrap();
        assert_eq!(mutant(line).text, "always");
        let named = format!("{line} -wire a_q -wirebit 0 -src m.v:1.5-1.8 -src m.v:2.1-9.4");
        assert_eq!(mutant(&named).text, "reg a_q;");
    }
}
