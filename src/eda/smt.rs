//! Proofs: Yosys makes a formula of a design, yosys-smtbmc asks Z3 about it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::tool::{SMTBMC, Tool, ToolError, YOSYS, Z3, file_names, said};
use crate::hdl::ir::PropertyKind;
use crate::verilog::File;

/// The formula about the assertions, and the one about what is covered.
const ASSERTIONS: &str = "assertions.smt2";
const COVERS: &str = "covers.smt2";

/// How yosys-smtbmc is to ask. Z3 does not come back from functions over states, and is many times
/// slower where it has to be ready for more.
const ASKING: [&str; 5] = ["-s", "z3", "--unroll", "--noincr", "--noprogress"];

/// Which clocks a design has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clocks {
    /// One clock, whose edges are the steps. A reset counts at the edge where it is active.
    One,
    /// Any number, and latches; a step is a moment of time.
    Any,
}

/// What becomes of what instanced modules state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inside<'a> {
    /// It is proven along with the rest, but what these modules cover is left out: it is shown of
    /// them by themselves, and here not all of it need be possible.
    Proven(&'a [String]),
    /// It is given, because it has a proof of its own.
    Given,
}

/// A property as the text states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stated {
    /// Its label, after the instances on the way to it; of one without a label, the place.
    pub name: String,
    pub kind: PropertyKind,
    /// The file and the line.
    pub place: (String, u32),
}

/// What came of an induction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Induction {
    /// So many steps without a failure are never followed by one.
    Holds { steps: u32 },
    /// No number of steps that was tried is enough.
    Fails,
    /// It took too long.
    OutOfTime,
}

/// What came of looking at every state that is reached within some steps.
#[derive(Clone, Debug)]
pub(crate) enum Base {
    /// What failed; nothing did if there is none.
    Searched(Vec<Failed>),
    /// No run keeps all assumptions.
    Contradiction,
    /// It took too long.
    OutOfTime,
}

/// An assertion that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub name: String,
    /// The steps before the one that it failed in.
    pub step: u32,
    /// How that came about: a file in the format VCD.
    pub waveform: PathBuf,
}

/// The formulas about a design, in a folder.
pub(crate) struct Formulas<'a> {
    folder: &'a Path,
    limit: Duration,
    /// The property behind each name that the solver's side uses.
    names: HashMap<String, String>,
}

/// The tools that a proof depends on.
pub(crate) fn versions() -> Result<Vec<String>, ToolError> {
    SMTBMC.path()?;
    Ok(vec![YOSYS.version()?, Z3.version()?])
}

/// All that the tools are told about a design, but for how far to search.
pub(crate) fn recipe(files: &[File], top: &str, clocks: Clocks, inside: Inside) -> String {
    format!("{}; {}", script(files, top, clocks, inside), ASKING.join(" "))
}

/// What Yosys is told to make the formulas of a design.
fn script(files: &[File], top: &str, clocks: Clocks, inside: Inside) -> String {
    let (early, steps) = match clocks {
        Clocks::One => ("chformal -early;", "async2sync"),
        Clocks::Any => ("", "clk2fflogic"),
    };
    let given = match inside {
        Inside::Proven([]) => String::new(),
        Inside::Proven(modules) => format!("chformal -cover -remove {};", modules.join(" ")),
        Inside::Given => format!(
            "select -set inner * {top} %d; chformal -assert2assume @inner; \
             chformal -cover -remove @inner;"
        ),
    };
    // A memory of one element is more than the writer of formulas can take.
    let finish = "memory_map t:$mem_v2 r:SIZE=1 %i; opt_clean; setundef -undriven -anyseq; \
                  dffunmap; check -assert";
    format!(
        "read_verilog -formal {}; hierarchy -check -top {top}; \
         select -set owed * {top} %d t:$assume %i c:$* %d; {given} \
         chformal -assume2assert @owed; proc; flatten; {early} memory_collect; \
         dump -o properties.il t:$assert t:$assume t:$cover; {steps}; design -save whole; \
         {finish}; write_smt2 -wires {ASSERTIONS}; design -load whole; \
         chformal -assert -remove; delete -output; opt_clean -purge; {finish}; \
         write_smt2 -wires {COVERS}",
        file_names(files).join(" ")
    )
}

/// Makes the formulas of the design whose files lie in `folder`. Each later run may take `limit`.
///
/// Assumptions of what `top` instances are assertions here: they speak of what drives it, and that
/// is part of the design. Those without a label say that the design begins in reset, and stay.
pub(crate) fn formulas<'a>(
    folder: &'a Path,
    files: &[File],
    top: &str,
    (clocks, inside): (Clocks, Inside),
    limit: Duration,
) -> Result<(Formulas<'a>, Vec<Stated>), ToolError> {
    let script = script(files, top, clocks, inside);
    YOSYS.run_well(folder, &["-q", "-p", &script])?;
    let listed = read(&folder.join("properties.il"))?;
    let (mut names, mut stated) = (HashMap::new(), vec![]);
    for (cell, property) in listed_properties(&listed) {
        names.insert(cell, property.name.clone());
        stated.push(property);
    }
    Ok((Formulas { folder, limit, names }, stated))
}

/// The properties in a dump of their cells, each with the cell's name.
fn listed_properties(text: &str) -> Vec<(String, Stated)> {
    let (mut found, mut source) = (vec![], "");
    for line in text.lines().map(str::trim) {
        if let Some(value) = line.strip_prefix("attribute \\src ") {
            source = value.trim_matches('"');
        }
        let mut words = line.split(' ');
        let (Some("cell"), Some(kind), Some(cell)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let kind = match kind {
            "$assert" => PropertyKind::Assert,
            "$assume" => PropertyKind::Assume,
            _ => PropertyKind::Cover,
        };
        let place = place(source);
        let (cell, name) = match cell.strip_prefix('\\') {
            Some(label) => (label.to_string(), label.to_string()),
            // What has no label is called by its place. The formula has other slashes.
            None => (cell.replace('\\', "/"), format!("{}:{}", place.0, place.1)),
        };
        // An assumption about the beginning is no property of its own.
        if kind != PropertyKind::Assume || !cell.starts_with('$') {
            found.push((cell, Stated { name, kind, place }));
        }
    }
    found
}

/// The innermost file and line of an attribute such as `a.v:1.2-3.4|b.v:5.6-7.8`.
fn place(source: &str) -> (String, u32) {
    let mut inner = source.split('|').filter_map(|part| {
        let (file, range) = part.split_once(':')?;
        let line = range.split(['.', '-']).next()?.parse().ok()?;
        (line > 0).then(|| (file.to_string(), line))
    });
    inner.next_back().unwrap_or_default()
}

impl Formulas<'_> {
    /// Looks for a number of steps, up to `most`, after which no assertion fails if none did
    /// before.
    pub fn induction(&self, most: u32) -> Result<Induction, ToolError> {
        let most_text = most.to_string();
        let Some(said) = self.ask(&["-i", "-t", &most_text, ASSERTIONS])? else {
            return Ok(Induction::OutOfTime);
        };
        if !said.contains("Status: PASSED") {
            return Ok(Induction::Fails);
        }
        let tried = said.lines().filter_map(|line| number(line, "Trying induction in step ")).min();
        Ok(Induction::Holds { steps: most - tried.unwrap_or(most) })
    }

    /// Looks for assertions that fail in the first `steps` steps; `contradictions`: asks first
    /// whether there are so many steps at all.
    pub fn base(&self, steps: u32, contradictions: bool) -> Result<Base, ToolError> {
        let steps = steps.to_string();
        let mut arguments = vec!["--keep-going", "--dump-vcd", "failed%.vcd", "-t", &steps];
        arguments.extend(contradictions.then_some("--presat"));
        arguments.push(ASSERTIONS);
        let Some(said) = self.ask(&arguments)? else { return Ok(Base::OutOfTime) };
        if said.contains("PREUNSAT") {
            return Ok(Base::Contradiction);
        }
        let (mut failed, mut step, mut untraced): (Vec<Failed>, _, _) = (vec![], 0, 0);
        for line in said.lines() {
            step = number(line, "Checking assertions in step ").unwrap_or(step);
            if let Some((_, rest)) = line.split_once("Assert failed in ") {
                let name = rest.split_once(": ").map_or(rest, |(_, name)| name);
                if !name.ends_with("[failed before]") {
                    let name = self.name(name);
                    failed.push(Failed { name, step, waveform: PathBuf::new() });
                }
            }
            if let Some((_, file)) = line.split_once("Writing trace to VCD file: ") {
                let waveform = self.folder.join(file.trim());
                failed[untraced..].iter_mut().for_each(|one| one.waveform = waveform.clone());
                untraced = failed.len();
            }
        }
        Ok(Base::Searched(failed))
    }

    /// Looks for what is covered in the first `steps` steps: each name that was reached, and the
    /// steps before; and whether there was time for all of it.
    pub fn covers(&self, steps: u32) -> Result<(Vec<(String, u32)>, bool), ToolError> {
        let steps = steps.to_string();
        let Some(said) = self.ask(&["-c", "-t", &steps, COVERS])? else {
            return Ok((vec![], false));
        };
        let reached = said.lines().filter_map(|line| {
            let (_, rest) = line.split_once("Reached cover statement at ")?;
            let (name, step) = rest.rsplit_once(" in step ")?;
            Some((self.name(name), step.trim_end_matches('.').parse().ok()?))
        });
        Ok((reached.collect(), true))
    }

    /// What yosys-smtbmc says; nothing if that takes too long.
    fn ask(&self, arguments: &[&str]) -> Result<Option<String>, ToolError> {
        let all: Vec<OsString> = ASKING.iter().chain(arguments).map(OsString::from).collect();
        let Some(output) = Tool::run_within(SMTBMC, self.limit, self.folder, &all)? else {
            return Ok(None);
        };
        let said = said(&output);
        match said.contains("Status: ") {
            true => Ok(Some(said)),
            false => Err(SMTBMC.failed(self.folder, &output)),
        }
    }

    /// The property that a report means: `NAME`, or `PLACE (CELL)`.
    fn name(&self, reported: &str) -> String {
        let cell = match reported.trim().strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
            Some((_, cell)) => cell,
            None => reported.trim(),
        };
        self.names.get(cell).cloned().unwrap_or_else(|| cell.to_string())
    }

    /// The ports of the design, in the order of their names.
    pub fn ports(&self) -> Result<Vec<String>, ToolError> {
        let text = read(&self.folder.join(ASSERTIONS))?;
        let mut ports = vec![];
        for line in text.lines() {
            let input = line.strip_prefix("; yosys-smt2-input ");
            let port = input.or_else(|| line.strip_prefix("; yosys-smt2-output "));
            ports.extend(port.and_then(|port| port.split(' ').next()).map(str::to_string));
        }
        Ok(ports)
    }
}

/// The number behind some words.
fn number(line: &str, words: &str) -> Option<u32> {
    line.split_once(words)?.1.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The values of a signal, step by step, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub name: String,
    pub values: Vec<String>,
}

/// How far apart steps are in a waveform of yosys-smtbmc.
const STEP: u64 = 10;

/// The values that signals of the top module had in the first `steps` steps.
pub(crate) fn traces(path: &Path, names: &[String], steps: u32) -> Result<Vec<Trace>, ToolError> {
    let failed = |source| {
        let what = format!("cannot read the waveform {}", path.display());
        ToolError::Files { what, source }
    };
    let mut parser = vcd::Parser::new(BufReader::new(fs::File::open(path).map_err(failed)?));
    let header = parser.parse_header().map_err(failed)?;
    let top = header.items.iter().find_map(|item| match item {
        vcd::ScopeItem::Scope(scope) => Some(scope.identifier.clone()),
        _ => None,
    });
    let top = top.unwrap_or_default();
    let mut traces: HashMap<vcd::IdCode, (usize, String)> = HashMap::new();
    let mut found = vec![];
    for name in names {
        let Some(variable) = header.find_var(&[top.as_str(), name.as_str()]) else { continue };
        traces.insert(variable.code, (found.len(), String::new()));
        found.push(Trace { name: name.clone(), values: vec![] });
    }
    let mut time = 0;
    let mut step = |time: u64, traces: &HashMap<vcd::IdCode, (usize, String)>| {
        if time.is_multiple_of(STEP) && time / STEP < u64::from(steps) {
            for (index, value) in traces.values() {
                found[*index].values.push(value.clone());
            }
        }
    };
    for command in parser {
        match command.map_err(failed)? {
            vcd::Command::Timestamp(next) => {
                if next > 0 {
                    step(time, &traces);
                }
                time = next;
            }
            vcd::Command::ChangeVector(code, bits) => {
                if let Some((_, value)) = traces.get_mut(&code) {
                    *value = hexadecimal(&bits.to_string());
                }
            }
            _ => {}
        }
    }
    step(time, &traces);
    Ok(found)
}

/// Binary digits as hexadecimal ones.
fn hexadecimal(bits: &str) -> String {
    let missing = (4 - bits.len() % 4) % 4;
    let bits: Vec<u8> = std::iter::repeat_n(b'0', missing).chain(bits.bytes()).collect();
    let digits = bits.chunks(4).map(|digit| match digit.iter().any(|bit| *bit > b'1') {
        true => 'x',
        false => {
            let value = digit.iter().fold(0, |value, bit| 2 * value + u32::from(bit - b'0'));
            char::from_digit(value, 16).expect("four bits are one digit")
        }
    });
    digits.collect()
}

fn read(path: &Path) -> Result<String, ToolError> {
    fs::read_to_string(path).map_err(|source| ToolError::Files {
        what: format!("cannot read what Yosys wrote to {}", path.display()),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_listed_with_their_place() {
        let text = "attribute \\src \"t.v:22.7-22.66|t.v:13.5-13.20\"\ncell $assert \\u_sub.keeps\n\
                    attribute \\src \"t.v:9.1-9.8\"\ncell $cover $flatten\\u_a.$cover$t.v:9$1\n\
                    attribute \\src \"t.v:2.1-2.8\"\ncell $assume $assume$t.v:2$1\n";
        let listed = listed_properties(text);
        let shown: Vec<_> = listed
            .iter()
            .map(|(cell, p)| (cell.as_str(), p.name.as_str(), p.kind, p.place.1))
            .collect();
        assert_eq!(
            shown,
            [
                ("u_sub.keeps", "u_sub.keeps", PropertyKind::Assert, 13),
                ("$flatten/u_a.$cover$t.v:9$1", "t.v:9", PropertyKind::Cover, 9),
            ]
        );
    }

    #[test]
    fn values_are_in_hexadecimal_digits() {
        assert_eq!(hexadecimal("1"), "1");
        assert_eq!(hexadecimal("10011"), "13");
        assert_eq!(hexadecimal("1x110000"), "x0");
    }
}
