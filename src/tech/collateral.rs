//! What a flow wants besides the Verilog: file list, FuseSoC core, constraints, datasheet.

use std::sync::Arc;

use minijinja::{Value, context};

use super::render::{generator, render};
use super::shell::Outside;
use crate::config::Tech;
use crate::hdl::ir::{Direction, Module, Signal, SignalId};
use crate::verilog::fill;

/// The files that go along with emitted Verilog.
pub struct Collateral<'a> {
    /// The design's name: what the files are called.
    pub name: &'a str,
    /// The modules that nothing else instances.
    pub tops: &'a [Arc<Module>],
    /// The Verilog files in the order in which to read them, as paths from the design's folder.
    pub files: &'a [String],
    /// The Verilog files that stand in for cells of somebody else's, as such paths.
    pub models: &'a [String],
    /// What the technology asks for.
    pub tech: &'a Tech,
    /// What the design was made from.
    pub digest: Option<&'a str>,
}

impl Collateral<'_> {
    /// Every file: its path from the design's folder, and its text.
    pub fn render(&self) -> Vec<(String, String)> {
        let name = |module: &Arc<Module>| Outside::of(module).name();
        let tops: Vec<String> = self.tops.iter().map(name).collect();
        let variables = context! {
            name => self.name,
            files => self.files.to_vec(),
            models => self.models.to_vec(),
            tops,
            digest => self.digest,
            generator => generator(),
            version => env!("CARGO_PKG_VERSION"),
            description => self.description(),
        };
        let mut rendered: Vec<(String, String)> = ["f", "core"]
            .iter()
            .map(|kind| {
                let text = render(&format!("design.{kind}"), variables.clone());
                (format!("{}.{kind}", self.name), text)
            })
            .collect();
        rendered.extend(
            self.tops
                .iter()
                .map(|top| (format!("constraints/{}.sdc", name(top)), constraints(top, self.tech))),
        );
        let datasheet = datasheet(self.name, self.tops, self.tech, self.digest);
        rendered.push((format!("{}.md", self.name), datasheet));
        rendered
    }

    fn description(&self) -> String {
        match self.tops {
            [only] => only.summary().to_string(),
            several => {
                let names: Vec<&str> = several.iter().map(|module| module.name.as_str()).collect();
                names.join(", ")
            }
        }
    }
}

/// The timing constraints of a top module.
fn constraints(module: &Module, tech: &Tech) -> String {
    let outside = Outside::of(module);
    let names = |direction: Direction| {
        let ports = module.ports.iter().filter(move |&&port| module.direction(port) == direction);
        ports.map(|&port| module.signal(port))
    };
    // Tools name the bits of a bus `x[0]`, `x[1]` and so on.
    let pattern = |signal: &Signal| match signal.ty.width {
        1 => outside.port(&signal.name),
        _ => format!("{}[*]", outside.port(&signal.name)),
    };
    // A cell that makes a clock or a reset is known by the name of its output.
    let is_clock = |signal: &&Signal| signal.name == "clk_o";
    let outputs = names(Direction::Output).filter(|signal| !is_clock(signal)).map(pattern);
    let clocks_out = names(Direction::Output).filter(is_clock).map(pattern);
    let makes_reset =
        names(Direction::Output).any(|signal| matches!(signal.name.as_str(), "rst_no" | "rst_o"));
    let variables = context! {
        name => outside.name(),
        generator => generator(),
        clock => outside.clock(),
        has_clock => module.has_clock,
        inputs => names(Direction::Input).map(pattern).collect::<Vec<_>>(),
        outputs => outputs.collect::<Vec<_>>(),
        clocks_out => clocks_out.collect::<Vec<_>>(),
        reset => module.has_reset.then(|| outside.reset(tech)),
        makes_reset,
    };
    render("top.sdc", variables)
}

/// The datasheet of a design's top modules, in Markdown: parameters, timing, ports.
pub fn datasheet(name: &str, tops: &[Arc<Module>], tech: &Tech, digest: Option<&str>) -> String {
    let blocks: Vec<Value> = tops.iter().map(|module| describe(module, tech)).collect();
    render("datasheet.md", context! { name, digest, generator => generator(), blocks })
}

/// A text in lines that are as wide as those of the Verilog.
fn paragraphs(text: &str) -> String {
    text.lines().map(|line| fill(line, 100).join("\n")).collect::<Vec<_>>().join("\n")
}

fn describe(module: &Arc<Module>, tech: &Tech) -> Value {
    let plain = |name: &str, doc: &str| {
        context! { name, direction => "in", width => 1, signed => "no", stream => "", doc }
    };
    let mut ports = Vec::new();
    if module.has_clock {
        ports.push(plain("clk_i", "clock"));
    }
    if module.has_reset {
        ports.push(plain(tech.reset.port(), tech.reset.doc()));
    }
    ports.extend(module.ports.iter().map(|&id| {
        let signal = module.signal(id);
        let direction = match module.direction(id) {
            Direction::Input => "in",
            Direction::Output => "out",
        };
        context! {
            name => signal.name.clone(),
            direction,
            width => signal.ty.width,
            signed => if signal.ty.signed { "yes" } else { "no" },
            stream => module.stream_of(id).map_or("", |stream| &stream.name),
            doc => signal.doc.clone(),
        }
    }));
    let streams: Vec<Value> = module
        .streams
        .iter()
        .map(|stream| {
            let direction = match stream.direction {
                Direction::Input => "in",
                Direction::Output => "out",
            };
            let name = |&id: &SignalId| format!("`{}`", module.signal(id).name);
            let payload: Vec<String> = stream.payload.iter().map(name).collect();
            context! {
                name => stream.name.clone(),
                direction,
                payload => payload.join(", "),
                doc => stream.doc.clone(),
            }
        })
        .collect();
    let modules: Vec<String> = module.hierarchy().iter().map(|m| m.name.clone()).collect();
    context! {
        name => module.name.clone(),
        doc => paragraphs(&module.doc),
        latency => module.latency,
        interval => module.initiation_interval,
        parameters => module.parameters.iter().map(|(k, v)| vec![k.clone(), v.clone()]).collect::<Vec<_>>(),
        ports,
        streams,
        modules,
    }
}
