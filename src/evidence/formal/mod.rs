//! Proofs: what a block's properties say holds for ever, for every input.
//!
//! Assertions are proven together by k-induction: no run of `k` cycles from reset breaks one, and
//! after any `k` cycles in which none was broken, however the design got there, none is broken in
//! the next. The search is Z3's, through Yosys and yosys-smtbmc. What is covered shows that the
//! assumptions leave something to prove: each cover has to be reached.
//!
//! A module that instances others between streams is proven in parts: each of them by itself, for
//! every input that its streams may have; and the module, that it gives them no other and what it
//! states itself, with what they state as given. That is no circle: what an instance offers follows
//! from its registers alone, so it keeps the rules in a cycle if the ones before were well.
//!
//! A block whose Verilog comes from a template is proven with the properties that
//! [`Block::properties`](crate::blocks::Block::properties) gives; all others bring theirs in
//! their text.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::blocks::{Configured, Entry};
use crate::config::{ClockGate, Reset, Tech};
use crate::eda::{
    self, Base, Cache, Clocks, Digest, Failed, Formulas, Induction, Inside, Stated, ToolError,
};
use crate::hdl::ir::{Body, Direction, Instance, PropertyKind};
use crate::hdl::{Errors, Module};
use crate::tech;
use crate::verilog::{self, File, VerilogError};

/// The longest induction that is tried.
const LONGEST_INDUCTION: u32 = 5;

/// How many cycles are searched in any case before a longer search for what an induction did not
/// prove, so that what fails soon is found soon.
const FIRST_SEARCH: u32 = 12;

/// Why there is no verdict about what holds as far as was searched when something else failed.
pub(crate) const OTHER_FAILS: &str = "another property fails";

/// How hard to try.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many cycles are searched for what is covered, and for counterexamples of what an
    /// induction does not prove.
    pub depth: u32,
    /// How long one run of the solver may take.
    pub limit: Duration,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { depth: 80, limit: Duration::from_secs(60) }
    }
}

/// What is known of a property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// An assertion holds for ever.
    Proven {
        /// The length of the induction, in cycles.
        k: u32,
    },
    /// What is covered comes true.
    Reached {
        /// The cycles before.
        step: u32,
    },
    /// An assertion is broken.
    Refuted {
        /// The cycles before.
        step: u32,
    },
    /// Neither proven nor refuted, or not reached.
    Unknown {
        /// Why.
        why: String,
    },
    /// What drives the inputs is taken to keep it.
    Assumed,
}

/// A property and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Its label, after the instances on the way to it.
    pub name: String,
    /// The file.
    pub file: String,
    /// The line in it.
    pub line: u32,
    /// The statement that begins there.
    pub text: String,
    /// Whether it is covered, and not asserted.
    pub is_cover: bool,
    /// What is known of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// How a property is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterexample {
    /// The property.
    pub property: String,
    /// The ports, each with its values from the first cycle to that in which the property is
    /// broken, in hexadecimal digits.
    pub ports: Vec<(String, Vec<String>)>,
    /// All signals, in the format VCD.
    pub waveform: String,
}

/// What is known of a design's properties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proofs {
    /// The top module.
    pub top: String,
    /// The properties.
    pub properties: Vec<Property>,
    /// For each refuted property how it is broken.
    pub counterexamples: Vec<Counterexample>,
    /// The versions of the tools.
    pub tools: Vec<String>,
    /// How long the search took when it was made, in seconds.
    pub seconds: f64,
}

impl Proofs {
    /// Whether every assertion is proven and everything covered is reached, and there is any.
    pub fn all_good(&self) -> bool {
        let is_good =
            |p: &Property| !matches!(p.verdict, Verdict::Refuted { .. } | Verdict::Unknown { .. });
        !self.properties.is_empty() && self.properties.iter().all(is_good)
    }

    /// Puts the verdicts about an instance, which was proven by itself, in the place of what was
    /// given of it.
    fn complete(&mut self, instance: &str, part: Proofs) {
        for property in part.properties {
            let name = format!("{instance}.{}", property.name);
            let given = self.properties.iter_mut().find(|known| known.name == name);
            match (given, &property.verdict) {
                // What it assumes was shown here.
                (_, Verdict::Assumed) => {}
                (Some(given), verdict) => given.verdict = verdict.clone(),
                (None, _) => self.properties.push(Property { name, ..property }),
            }
        }
        let renamed = |example: Counterexample| Counterexample {
            property: format!("{instance}.{}", example.property),
            ..example
        };
        self.counterexamples.extend(part.counterexamples.into_iter().map(renamed));
        self.seconds += part.seconds;
    }

    /// The verdict about a property.
    pub fn verdict(&self, name: &str) -> Option<&Verdict> {
        self.properties.iter().find(|p| p.name == name).map(|p| &p.verdict)
    }
}

/// Why there is nothing known of a block.
#[derive(Debug, thiserror::Error)]
pub enum FormalError {
    /// The description of the block is wrong: a defect of the block.
    #[error(transparent)]
    Description(#[from] Errors),
    /// The module cannot be printed.
    #[error(transparent)]
    Verilog(#[from] VerilogError),
    /// A tool is missing, or failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// The files of a block that is to be proven, and its top module.
///
/// # Errors
/// If the block's description is wrong.
pub fn files(block: &Configured) -> Result<(Vec<File>, String), FormalError> {
    let module = block.elaborate()?;
    let mut files = verilog::emit(&module, &tech::style(&block.tech, None))?;
    let top = module.name.clone();
    if let Some(properties) = (block.entry.properties)(&block.values, &block.tech) {
        let file = files.iter_mut().find(|file| file.module == top);
        let file = file.expect("a module has a file of its own");
        let end = file.text.rfind("endmodule").expect("a module has an end");
        file.text.insert_str(end, properties.trim_start_matches('\n'));
    }
    Ok((files, top))
}

/// The same blocks, and those whose Verilog is another with another technology, at their defaults.
pub fn with_other_cells(mut blocks: Vec<Configured>) -> Vec<Configured> {
    let gates = [ClockGate::FallingEdge, ClockGate::Cell, ClockGate::Bufgce, ClockGate::Dcca];
    let gates = gates.map(|clock_gate| Tech { clock_gate, ..Tech::default() });
    let others = gates.into_iter().chain([Tech { reset: Reset::SyncHigh, ..Tech::default() }]);
    let others: Vec<Tech> = others.collect();
    let text = |block: &Configured| files(block).ok().map(|(files, _)| files);
    let is_cell = |b: &Configured| (b.entry.properties)(&b.values, &b.tech).is_some();
    let mut entries: Vec<&'static Entry> = vec![];
    for block in blocks.iter().filter(|block| is_cell(block)) {
        if entries.iter().all(|entry| entry.name != block.entry.name) {
            entries.push(block.entry);
        }
    }
    for entry in entries {
        let usual = Configured::defaults(entry);
        let other = others.iter().map(|&tech| Configured { tech, ..usual.clone() });
        blocks.extend(other.filter(|block| text(block) != text(&usual)));
    }
    blocks
}

/// Proves the properties of a block, or finds out that they do not hold.
///
/// # Errors
/// If the block's description is wrong, or a tool is missing or fails.
pub fn prove(block: &Configured, plan: &Plan, cache: &Cache) -> Result<Proofs, FormalError> {
    let (files, top) = files(block)?;
    let module = block.elaborate()?;
    prove_module(&module, (&files, &top), &block.tech, plan, cache)
}

/// Proves a module whose text is in `files`, and what it instances between streams.
fn prove_module(
    module: &Module,
    (files, top): (&[File], &str),
    tech: &Tech,
    plan: &Plan,
    cache: &Cache,
) -> Result<Proofs, FormalError> {
    let parts = parts(module);
    let (mut streaming, whole) = (BTreeSet::new(), parts.is_empty());
    between_streams(module, &mut streaming);
    let streaming: Vec<String> = streaming.into_iter().collect();
    let inside = if whole { Inside::Proven(&streaming) } else { Inside::Given };
    let mut proofs = prove_text(files, top, inside, plan, cache)?;
    for part in parts {
        let files = verilog::emit(&part.module, &tech::style(tech, None))?;
        let text = (&files[..], part.module.name.as_str());
        let of_part = prove_module(&part.module, text, tech, plan, cache)?;
        proofs.complete(&format!("u_{}", part.name), of_part);
    }
    Ok(proofs)
}

/// The names of all modules between streams that a module instances, and of those that they do.
fn between_streams(module: &Module, found: &mut BTreeSet<String>) {
    let Body::Logic(logic) = &module.body else { return };
    let instances = logic.instances.iter().map(|instance| &instance.module);
    for inside in instances.chain(logic.arrays.iter().map(|array| &array.module)) {
        if !inside.streams.is_empty() {
            found.insert(inside.name.clone());
        }
        between_streams(inside, found);
    }
}

/// The instances of a module that are proven by themselves: those between streams, if none of them
/// has a path through gates alone from what comes in to what it offers.
fn parts(module: &Module) -> Vec<&Instance> {
    let Body::Logic(logic) = &module.body else { return vec![] };
    let between_streams = |instance: &&Instance| !instance.module.streams.is_empty();
    let parts: Vec<&Instance> = logic.instances.iter().filter(between_streams).collect();
    match parts.iter().all(|part| offers_registers(&part.module)) {
        true => parts,
        false => vec![],
    }
}

/// Whether what a module offers at its streams follows from its registers alone.
pub(super) fn offers_registers(module: &Module) -> bool {
    let offered = module.streams.iter().filter(|stream| stream.direction == Direction::Output);
    let mut ports = offered.flat_map(|stream| stream.payload.iter().chain([&stream.valid]));
    ports.all(|port| {
        let index = module.ports.iter().position(|known| known == port);
        index.is_some_and(|index| module.paths[index].is_empty())
    })
}

/// Proves the properties of any Verilog. If it has a signal with the attribute `gclk`, any number
/// of clocks and latches are taken for what they are; otherwise one clock's edges are the steps.
///
/// # Errors
/// If a tool is missing or fails.
pub fn prove_files(
    files: &[File],
    top: &str,
    plan: &Plan,
    cache: &Cache,
) -> Result<Proofs, ToolError> {
    prove_text(files, top, Inside::Proven(&[]), plan, cache)
}

fn prove_text(
    files: &[File],
    top: &str,
    inside: Inside,
    plan: &Plan,
    cache: &Cache,
) -> Result<Proofs, ToolError> {
    let tools = eda::proof_tools()?;
    let clocks = match files.iter().any(|file| file.text.contains("(* gclk *)")) {
        true => Clocks::Any,
        false => Clocks::One,
    };
    let mut key = Digest::builder();
    key.add("formal 2");
    tools.iter().for_each(|tool| key.add(tool));
    key.add(eda::proof_recipe(files, top, clocks, inside));
    key.add(format!("{plan:?}"));
    for file in files {
        key.add(&file.module);
        key.add(&file.text);
    }
    // What a busy machine had no time for, another time it may have.
    let mut unfinished = None;
    let bytes = cache.result(key.finish(), || {
        let proofs =
            eda::in_folder(files, |folder| search(folder, files, top, (clocks, inside), plan))?;
        let proofs = Proofs { tools: tools.clone(), ..proofs };
        if proofs.properties.iter().any(|p| p.verdict == out_of_time(plan)) {
            unfinished = Some(proofs);
            let what = "the proof took too long".to_string();
            return Err(ToolError::Files { what, source: io::ErrorKind::TimedOut.into() });
        }
        Ok(serde_json::to_vec(&proofs).expect("proofs are plain data"))
    });
    if let Some(proofs) = unfinished {
        return Ok(proofs);
    }
    let bytes = bytes?;
    serde_json::from_slice(&bytes).map_err(|error| ToolError::Files {
        what: format!("cannot read the cache in {}", cache.folder().display()),
        source: error.into(),
    })
}

fn search(
    folder: &Path,
    files: &[File],
    top: &str,
    (clocks, inside): (Clocks, Inside),
    plan: &Plan,
) -> Result<Proofs, ToolError> {
    let begin = Instant::now();
    let (formulas, stated) = eda::formulas(folder, files, top, (clocks, inside), plan.limit)?;
    let is = |kind| stated.iter().any(|property: &Stated| property.kind == kind);
    let assertions = match is(PropertyKind::Assert) {
        true => assertions(&formulas, plan)?,
        false => Assertions { failed: vec![], rest: Verdict::Proven { k: 0 } },
    };
    let failed = &assertions.failed;
    let (reached, in_time) = match is(PropertyKind::Cover) && failed.is_empty() {
        true => formulas.covers(plan.depth)?,
        false => (vec![], true),
    };
    let verdict = |property: &Stated| match property.kind {
        PropertyKind::Assume => Verdict::Assumed,
        PropertyKind::Assert => {
            let failed = failed.iter().find(|failed| failed.name == property.name);
            failed.map_or(assertions.rest.clone(), |failed| Verdict::Refuted { step: failed.step })
        }
        PropertyKind::Cover => match reached.iter().find(|(name, _)| *name == property.name) {
            Some(&(_, step)) => Verdict::Reached { step },
            None if !failed.is_empty() => unknown(OTHER_FAILS),
            None if in_time => unknown(format!("not reached within {} cycles", plan.depth)),
            None => out_of_time(plan),
        },
    };
    let properties = stated.iter().map(|property| Property {
        name: property.name.clone(),
        file: property.place.0.clone(),
        line: property.place.1,
        text: statement(files, &property.place),
        is_cover: property.kind == PropertyKind::Cover,
        verdict: verdict(property),
    });
    let mut properties: Vec<Property> = properties.collect();
    properties.sort_by(|a, b| (&a.file, a.line, &a.name).cmp(&(&b.file, b.line, &b.name)));
    let counterexamples = failed.iter().map(|failed| counterexample(&formulas, clocks, failed));
    Ok(Proofs {
        top: top.to_string(),
        properties,
        counterexamples: counterexamples.collect::<Result<_, _>>()?,
        tools: vec![],
        seconds: begin.elapsed().as_secs_f64(),
    })
}

/// What came of the assertions.
struct Assertions {
    failed: Vec<Failed>,
    /// The verdict about those that did not fail.
    rest: Verdict,
}

fn unknown(why: impl Into<String>) -> Verdict {
    Verdict::Unknown { why: why.into() }
}

fn out_of_time(plan: &Plan) -> Verdict {
    unknown(format!("not within {} s", plan.limit.as_secs_f64()))
}

/// Induction first, since that is what should succeed; then its base, or a counterexample.
fn assertions(formulas: &Formulas, plan: &Plan) -> Result<Assertions, ToolError> {
    let induction = formulas.induction(LONGEST_INDUCTION)?;
    let searches = match induction {
        Induction::Holds { steps } => vec![steps.max(1) + 1],
        Induction::Fails | Induction::OutOfTime if plan.depth > FIRST_SEARCH => {
            vec![FIRST_SEARCH, plan.depth]
        }
        Induction::Fails | Induction::OutOfTime => vec![plan.depth],
    };
    for steps in searches {
        match formulas.base(steps, matches!(induction, Induction::Holds { .. }))? {
            Base::Searched(failed) if failed.is_empty() => {}
            Base::Searched(failed) => {
                let rest = unknown(OTHER_FAILS);
                return Ok(Assertions { failed, rest });
            }
            Base::Contradiction => {
                let rest = unknown("the assumptions contradict each other");
                return Ok(Assertions { failed: vec![], rest });
            }
            Base::OutOfTime => return Ok(Assertions { failed: vec![], rest: out_of_time(plan) }),
        }
    }
    let rest = match induction {
        Induction::Holds { steps } => Verdict::Proven { k: steps },
        Induction::Fails => unknown(format!(
            "no counterexample within {} cycles, no proof by induction over {LONGEST_INDUCTION}",
            plan.depth
        )),
        Induction::OutOfTime => out_of_time(plan),
    };
    Ok(Assertions { failed: vec![], rest })
}

/// The statement that begins at a line of a file, in one line.
fn statement(files: &[File], (file, line): &(String, u32)) -> String {
    let module = file.strip_suffix(".v").unwrap_or(file);
    let found = files.iter().find(|file| file.module == module);
    let lines = found.into_iter().flat_map(|file| file.text.lines());
    let mut text = String::new();
    for line in lines.skip((*line as usize).saturating_sub(1)).map(str::trim) {
        text.push_str(line);
        if text.ends_with(';') || line.is_empty() {
            break;
        }
        text.push(' ');
    }
    text.trim_end().to_string()
}

fn counterexample(
    formulas: &Formulas,
    clocks: Clocks,
    failed: &Failed,
) -> Result<Counterexample, ToolError> {
    let mut ports = formulas.ports()?;
    if clocks == Clocks::One {
        // Its edges are the steps.
        ports.retain(|port| port != "clk_i");
    }
    let traces = eda::traces(&failed.waveform, &ports, failed.step + 1)?;
    let waveform =
        std::fs::read_to_string(&failed.waveform).map_err(|source| ToolError::Files {
            what: format!("cannot read the waveform {}", failed.waveform.display()),
            source,
        })?;
    Ok(Counterexample {
        property: failed.name.clone(),
        ports: traces.into_iter().map(|trace| (trace.name, trace.values)).collect(),
        waveform,
    })
}
