//! Testbenches in Verilog, for those who simulate without Rust.
//!
//! A testbench plays stimulus from a file into a block and compares what comes out with what the
//! golden model said, in another file. What it checks, its own first lines say; the skeletons are
//! the templates in `tb/`.

use std::sync::Arc;

use minijinja::{Value, context};
use rand::SeedableRng;

use super::Subject;
use crate::config::Reset;
use crate::design::Design;
use crate::hdl::Module;
use crate::hdl::ir::{Direction, SignalId, Stream};
use crate::model::{Bits, Kind, Model, PortModel, Random, Response, Stimulus};
use crate::tech::{self, generator, render};
use crate::verilog::{self, VerilogError};

/// Stimulus is the same in every run of the generator.
const SEED: u64 = 0x1ac0_7e57;

/// The bits in which a row holds a cycle.
const CYCLE_WIDTH: u32 = 32;

/// Beats that a stimulus of each kind has, unless asked otherwise.
pub const BEATS: u32 = 256;

/// The files that simulate a design without Rust: for each top module a testbench and its vectors,
/// and a `Makefile`. Paths are from the design's folder, where the design's own files have to be.
///
/// There is a subject for each of the design's top modules, in their order: the module itself, or
/// one around it. Each kind of stimulus has about `beats` beats.
///
/// # Errors
/// If a module around a top module cannot be printed.
///
/// # Panics
/// If there are more or fewer subjects than top modules.
pub fn files(
    design: &Design,
    subjects: &[Subject],
    beats: usize,
) -> Result<Vec<(String, String)>, VerilogError> {
    assert_eq!(design.tops.len(), subjects.len(), "each top module has a subject");
    let mut files = vec![];
    let mut blocks = vec![];
    for (top, subject) in design.tops.iter().zip(subjects) {
        let mut sources = vec![];
        for (path, text) in sources_of(design, top, subject)? {
            sources.push(path.clone());
            files.extend(text.map(|text| (path, text)));
        }
        let testbench = Testbench { design, name: &top.name, subject };
        let made = testbench.render(beats);
        sources.push(made[0].0.clone());
        blocks.push(context! { name => top.name.clone(), files => sources });
        files.extend(made);
    }
    let variables = context! {
        design => design.name.clone(),
        digest => design.digest.clone(),
        generator => generator(),
        blocks,
    };
    files.push(("Makefile".to_string(), render("Makefile", variables)));
    Ok(files)
}

/// The Verilog that a subject needs: paths, with a text if it is no part of the design.
fn sources_of(
    design: &Design,
    top: &Arc<Module>,
    subject: &Subject,
) -> Result<Vec<(String, Option<String>)>, VerilogError> {
    let mut style = tech::style(&design.tech, design.digest.clone());
    // A module around the top module that does not instance it has it as the cell behind its gated
    // clocks.
    if !subject.module.hierarchy().iter().any(|module| module.name == top.name) {
        style.clock_gate = Some(top.clone());
    }
    let place = |file: verilog::File| match design.verilog.contains(&file) {
        true => (design.path(&file), None),
        false => (format!("tb/{}.v", file.module), Some(file.text)),
    };
    Ok(verilog::emit(&subject.module, &style)?.into_iter().map(place).collect())
}

/// The testbench of one top module.
struct Testbench<'a> {
    design: &'a Design,
    name: &'a str,
    subject: &'a Subject,
}

impl Testbench<'_> {
    /// The testbench, then its vectors.
    fn render(&self, beats: usize) -> Vec<(String, String)> {
        let stimuli = stimuli(self.subject, beats);
        let (template, variables, vectors) = match &self.subject.model {
            Model::Streams(model) => {
                let respond = |(kind, stimulus): (Kind, Stimulus)| Run {
                    kind,
                    response: model.respond(&stimulus),
                    stimulus,
                };
                let runs: Vec<Run> = stimuli.into_iter().map(respond).collect();
                // With stalls another order may be right, too, which takes more than a table.
                let has_turns = model.turns().is_some();
                let (variables, vectors) = self.streams(&runs, has_turns);
                ("streams.v", variables, vectors)
            }
            Model::Ports(make) => {
                let (variables, vectors) = self.ports(make().as_mut(), &stimuli);
                ("ports.v", variables, vectors)
            }
        };
        let path = |vectors: &Vectors| format!("tb/{}.{}.hex", self.name, vectors.name);
        let table = |vectors: &Vectors| {
            let rows = format!("{}_rows", vectors.table);
            context! { file => path(vectors), rows, last => vectors.size() - 1 }
        };
        let module = &self.subject.module;
        let common = context! {
            name => self.name,
            bench => module.name.clone(),
            digest => self.design.digest.clone(),
            generator => generator(),
            reset => module.has_reset.then(|| reset(self.design.tech.reset)),
            tables => vectors.iter().map(table).collect::<Vec<_>>(),
        };
        let text = render(template, context! { ..common, ..variables });
        let mut files = vec![(format!("tb/{}_tb.v", self.name), text)];
        files.extend(vectors.iter().map(|vectors| (path(vectors), vectors.text())));
        files
    }

    /// What the template of a block between streams wants to know, and the vectors.
    fn streams(&self, runs: &[Run], has_turns: bool) -> (Value, Vec<Vectors>) {
        let module = &self.subject.module;
        let mut vectors = vec![];
        let mut of = |direction: Direction| -> Vec<Value> {
            let streams = module.streams.iter().filter(|stream| stream.direction == direction);
            let streams = streams.enumerate();
            streams.map(|(index, stream)| self.stream(stream, index, runs, &mut vectors)).collect()
        };
        let (inputs, outputs) = (of(Direction::Input), of(Direction::Output));
        let (plain_inputs, unchecked): (Vec<_>, Vec<_>) = module
            .ports
            .iter()
            .filter(|&&port| module.stream_of(port).is_none())
            .partition(|&&port| module.direction(port) == Direction::Input);
        let held: Vec<u32> = plain_inputs.iter().map(|&&port| self.width(port)).collect();
        if !held.is_empty() {
            let mut table = Vectors::new("held", "held inputs, a row for each run");
            table.rows.extend(runs.iter().map(|run| row(&run.stimulus.held)));
            vectors.push(table);
        }
        // The longest that a block without stalls was at work, and then some.
        let last = |run: &Run| {
            let accepted = run.response.accepted.iter().flatten().copied();
            let emitted = run.response.emitted.iter().flatten().map(|emitted| emitted.cycle);
            accepted.chain(emitted).max().unwrap_or(0)
        };
        let patience = runs.iter().map(last).max().unwrap_or(0) + 1000;
        let names: Vec<_> = module.streams.iter().map(|stream| stream.name.clone()).collect();
        let variables = context! {
            runs => runs.iter().map(|run| run.kind.name()).collect::<Vec<_>>(),
            patience,
            last_stalls => if has_turns { "NO_STALLS" } else { "LONG_STALLS" },
            has_capacity => !has_turns
                && runs.first().is_some_and(|run| !run.response.capacity.is_empty()),
            inputs,
            outputs,
            streams => names,
            held_width => row_width(&held),
            held => self.fields(&plain_inputs, &parts(&held)),
            not_checked => match unchecked.is_empty() {
                true => String::new(),
                false => {
                    let names = unchecked.iter().map(|&&port| module.signal(port).name.as_str());
                    format!(", without a look at {}", names.collect::<Vec<_>>().join(", "))
                }
            },
            unchecked => self.fields(&unchecked, &vec![String::new(); unchecked.len()]),
            pins => self.pins(|port| match unchecked.contains(&&port) {
                true => format!("unused_{}", module.signal(port).name),
                false => module.signal(port).name.clone(),
            }),
        };
        (variables, vectors)
    }

    /// A stream, the `index`th of its direction, and its vectors.
    fn stream(
        &self,
        stream: &Stream,
        index: usize,
        runs: &[Run],
        vectors: &mut Vec<Vectors>,
    ) -> Value {
        let module = &self.subject.module;
        let what = match stream.direction {
            Direction::Input => "beats that go in",
            Direction::Output => "beats that should come out",
        };
        let mut table = Vectors::new(&stream.name, what);
        let mut first = vec![0];
        for run in runs {
            match stream.direction {
                // Beats that the model never accepts are left out.
                Direction::Input => {
                    let beats = run.stimulus.inputs[index].iter();
                    let accepted = run.response.accepted[index].iter();
                    table.rows.extend(accepted.zip(beats).map(|(&at, beat)| timed(at, beat)));
                }
                Direction::Output => {
                    let emitted = run.response.emitted[index].iter();
                    table.rows.extend(emitted.map(|emitted| timed(emitted.cycle, &emitted.beat)));
                }
            }
            first.push(table.rows.len());
        }
        let payload: Vec<&SignalId> = stream.payload.iter().collect();
        let mut widths = vec![CYCLE_WIDTH];
        widths.extend(payload.iter().map(|&&port| self.width(port)));
        let parts = parts(&widths);
        let value = context! {
            name => stream.name.clone(),
            valid => module.signal(stream.valid).name.clone(),
            ready => module.signal(stream.ready).name.clone(),
            fields => self.fields(&payload, &parts[1..]),
            cycle_part => parts[0].clone(),
            row_width => row_width(&widths),
            rows => table.size(),
            capacity => runs.first().map(|run| {
                let holds = run.response.capacity.get(index).copied().unwrap_or_default();
                holds.min(run.stimulus.inputs.get(index).map_or(0, Vec::len))
            }),
            first,
        };
        vectors.push(table);
        value
    }

    /// What the template of a block of plain ports wants to know, and the vectors.
    fn ports(
        &self,
        model: &mut dyn PortModel,
        stimuli: &[(Kind, Stimulus)],
    ) -> (Value, Vec<Vectors>) {
        let module = &self.subject.module;
        let (inputs, outputs): (Vec<_>, Vec<_>) =
            module.ports.iter().partition(|&&port| module.direction(port) == Direction::Input);
        let mut input_table = Vectors::new("inputs", "inputs, a row for each cycle");
        input_table.table = "input".to_string();
        let mut output_table = Vectors::new("outputs", "expected outputs, a row for each cycle");
        output_table.table = "output".to_string();
        let mut passes = vec![];
        let flag = |flag: bool| Bits::new(1, flag);
        for (kind, stimulus) in stimuli {
            let cycles = &stimulus.inputs[0];
            // The start comes once more, so that a reset comes while the block is at work.
            for (pass, cycles) in
                [(kind.to_string(), &cycles[..]), (format!("{kind}, its start"), start(cycles))]
            {
                model.reset();
                for (cycle, inputs) in cycles.iter().enumerate() {
                    let begins = std::iter::once(flag(cycle == 0));
                    input_table
                        .rows
                        .push(row(&begins.chain(inputs.iter().cloned()).collect::<Vec<_>>()));
                    let expected = model.outputs(inputs).into_iter().zip(&outputs);
                    let expected = expected.flat_map(|(value, &&port)| match value {
                        Some(value) => [flag(true), value],
                        None => [flag(false), Bits::zero(self.width(port))],
                    });
                    output_table.rows.push(row(&expected.collect::<Vec<_>>()));
                    model.step(inputs);
                }
                passes.push(pass);
            }
        }
        let width = |&&port: &&SignalId| self.width(port);
        let input_widths: Vec<u32> = std::iter::once(1).chain(inputs.iter().map(width)).collect();
        let output_widths: Vec<u32> = outputs.iter().flat_map(|port| [1, width(port)]).collect();
        let (input_parts, output_parts) = (parts(&input_widths), parts(&output_widths));
        let variables = context! {
            passes,
            rows => input_table.size(),
            begins => input_parts[0].clone(),
            inputs => self.fields(&inputs, &input_parts[1..]),
            outputs => outputs.iter().zip(output_parts.chunks(2)).map(|(&&port, parts)| {
                let checked = parts[0].clone();
                context! { checked, ..self.field(port, &parts[1]) }
            }).collect::<Vec<_>>(),
            input_width => row_width(&input_widths),
            output_width => row_width(&output_widths),
            pins => self.pins(|port| module.signal(port).name.clone()),
        };
        (variables, vec![input_table, output_table])
    }

    /// The connections of the module, each to a net of the testbench.
    fn pins(&self, net: impl Fn(SignalId) -> String) -> Vec<Value> {
        let module = &self.subject.module;
        let clock = module.has_clock.then_some("clk_i");
        let reset = module.has_reset.then(|| self.design.tech.reset.port());
        let special = clock.into_iter().chain(reset).map(|port| context! { port, net => port });
        let pin = |&port: &SignalId| {
            context! { port => module.signal(port).name.clone(), net => net(port) }
        };
        special.chain(module.ports.iter().map(pin)).collect()
    }

    /// Ports, each with its part of a row.
    fn fields(&self, ports: &[&SignalId], parts: &[String]) -> Vec<Value> {
        ports.iter().zip(parts).map(|(&&port, part)| self.field(port, part)).collect()
    }

    fn field(&self, port: SignalId, part: &str) -> Value {
        let (name, width) = (self.subject.module.signal(port).name.clone(), self.width(port));
        let range = match width {
            1 => String::new(),
            _ => format!("[{}:0] ", width - 1),
        };
        context! { name, range, part, zero => format!("{width}'d0") }
    }

    fn width(&self, port: SignalId) -> u32 {
        self.subject.module.signal(port).ty.width
    }
}

/// What is played between two resets, and what should come of it.
struct Run {
    kind: Kind,
    stimulus: Stimulus,
    response: Response,
}

/// A stimulus of each kind that the subject has.
fn stimuli(subject: &Subject, beats: usize) -> Vec<(Kind, Stimulus)> {
    let kinds = Kind::ALL.into_iter().zip(SEED..);
    kinds
        .filter_map(|(kind, seed)| {
            let mut random = Random::seed_from_u64(seed);
            Some((kind, subject.stimulus(kind, beats, &mut random)?))
        })
        .collect()
}

/// The first third.
fn start<T>(all: &[T]) -> &[T] {
    &all[..all.len().div_ceil(3)]
}

/// The reset's port, and its levels.
fn reset(reset: Reset) -> Value {
    let (active, inactive) = match reset {
        Reset::AsyncLow | Reset::SyncLow => ("1'b0", "1'b1"),
        Reset::SyncHigh => ("1'b1", "1'b0"),
    };
    context! { port => reset.port(), active, inactive }
}

/// A file of vectors.
struct Vectors {
    /// Tells the file from others of the testbench.
    name: String,
    /// The memory that it is read into, without its suffix.
    table: String,
    /// What is in it.
    what: &'static str,
    rows: Vec<String>,
}

impl Vectors {
    fn new(name: &str, what: &'static str) -> Vectors {
        Vectors { name: name.to_string(), table: name.to_string(), what, rows: vec![] }
    }

    /// The elements of the memory, which cannot be none.
    fn size(&self) -> usize {
        self.rows.len().max(1)
    }

    fn text(&self) -> String {
        let mut text =
            format!("// Vectors: {}. Generated by {}; do not edit.\n", self.what, generator());
        for row in &self.rows {
            text.push_str(row);
            text.push('\n');
        }
        // A memory that is not empty wants something to read.
        if self.rows.is_empty() {
            text.push_str("0\n");
        }
        text
    }
}

/// A row: hexadecimal digits for each value, the first on top.
fn row(values: &[Bits]) -> String {
    values.iter().map(|value| format!("{value:x}")).collect::<Vec<_>>().join("_")
}

/// A row of a beat and its cycle.
fn timed(cycle: u64, beat: &[Bits]) -> String {
    let mut values = vec![Bits::new(CYCLE_WIDTH, cycle)];
    values.extend_from_slice(beat);
    row(&values)
}

/// The bits of a row of values of these widths: each has digits of its own.
fn row_width(widths: &[u32]) -> u32 {
    widths.iter().map(|width| 4 * width.div_ceil(4)).sum()
}

/// Where in a row each value is, as Verilog selects it.
fn parts(widths: &[u32]) -> Vec<String> {
    let part = |(index, &width): (usize, &u32)| {
        let low = row_width(&widths[index + 1..]);
        match width {
            1 => format!("[{low}]"),
            _ => format!("[{}:{low}]", low + width - 1),
        }
    };
    widths.iter().enumerate().map(part).collect()
}
