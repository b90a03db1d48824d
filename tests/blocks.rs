//! Every block at random configurations: the text keeps its rules, and no tool has a word to say.

use std::fmt::Write;
use std::sync::Arc;

use lacuna::blocks::{Entry, REGISTRY};
use lacuna::config::{ClockGate, ParameterKind, Reset, Tech, Value, Values};
use lacuna::design::Design;
use lacuna::eda::{self, Finding};
use lacuna::hdl::Module;
use lacuna::hdl::ir::Direction;
use lacuna::verilog::File;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Random configurations of each block, besides the bounds of each parameter.
const SAMPLES: usize = 200;

/// The tools read at least this many of them.
const FEWEST: usize = 10;

/// How often the other parameters are drawn beside one at its bounds, until the tools are quick with
/// what comes of it.
const BOUND_DRAWS: usize = 30;

/// Longer text and wider ports are left out of what the tools read, so that they stay quick, and of
/// each block so are random configurations beyond a total length; the bounds of each parameter are
/// tried whatever they become.
const LONGEST_TEXT: usize = 150_000;
const LONGEST_TOTAL: usize = 2_500_000;
const WIDEST_PORTS: u32 = 1000;

/// The longest text of a composite, and its widest ports: a block whose text is too long at its
/// defaults. The tools read few configurations of it, because they read its parts by themselves.
const LONGEST_COMPOSITE: usize = 350_000;
const WIDEST_COMPOSITE: u32 = 2000;

/// Every technology.
fn techs() -> Vec<Tech> {
    let resets = [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh];
    let of = |reset| {
        let gates = ClockGate::WORDS.iter().map(|word| word.parse().expect("it is one of them"));
        gates.map(move |clock_gate| Tech { reset, clock_gate, ..Tech::default() })
    };
    resets.into_iter().flat_map(of).collect()
}

/// A configuration of a block.
struct Sample {
    entry: &'static Entry,
    /// The module's name, which no other sample has.
    name: String,
    values: Values,
    is_bound: bool,
}

impl Sample {
    fn elaborate(&self, tech: &Tech) -> Arc<Module> {
        let module = (self.entry.elaborate)(&self.name, &self.values, tech);
        module.unwrap_or_else(|errors| panic!("{} {:?}: {errors}", self.name, self.values))
    }

    /// The length of the text, unless it or the ports are too large.
    fn small(&self) -> Option<usize> {
        let (text, bits) = self.size();
        (text <= LONGEST_TEXT && bits <= WIDEST_PORTS).then_some(text)
    }

    /// The length of the text, and the bits of all ports.
    fn size(&self) -> (usize, u32) {
        let design = self.design(Tech::default());
        let text = design.verilog.iter().map(|file| file.text.len()).sum();
        let top = &design.tops[0];
        (text, top.ports.iter().map(|&port| top.signal(port).ty.width).sum())
    }

    /// The design with this module alone.
    fn design(&self, tech: Tech) -> Design {
        let digest = Some("0123456789ab".to_string());
        let design = Design::new(&self.name, vec![self.elaborate(&tech)], tech, digest);
        design.unwrap_or_else(|error| panic!("{} {:?}: {error}", self.name, self.values))
    }
}

/// A block at these values.
fn sample(entry: &'static Entry, values: &Values) -> Sample {
    Sample { entry, name: entry.name.to_string(), values: values.clone(), is_bound: false }
}

/// Whether the tools are quick with a block at these values.
fn fits(entry: &'static Entry, values: &Values) -> bool {
    sample(entry, values).small().is_some()
}

/// Whether the tools can read a composite at these values.
fn fits_composite(entry: &'static Entry, values: &Values) -> bool {
    let (text, bits) = sample(entry, values).size();
    text <= LONGEST_COMPOSITE && bits <= WIDEST_COMPOSITE
}

/// Every parameter at its bounds, or each of its words, and random configurations.
fn samples(entry: &'static Entry) -> Vec<Sample> {
    let mut random = ChaCha8Rng::seed_from_u64(0x1ac0_2a00);
    let mut rng = || random.random::<u64>();
    // With `fixed` as it is and the others by chance, until they go together.
    let mut draw = |fixed: Option<(&'static str, Value)>| {
        let mut values = Values::defaults(entry.parameters);
        for attempt in 0..10_000 {
            if attempt > 0 || fixed.is_none() {
                for parameter in entry.parameters {
                    values.set(parameter.name, parameter.sample(&mut rng));
                }
            }
            if let Some((name, value)) = fixed {
                values.set(name, value);
            }
            if (entry.validate)(&values).is_empty() {
                return values;
            }
        }
        panic!("{}: nothing goes together with {fixed:?}", entry.name);
    };
    let mut all: Vec<(Values, bool)> = vec![];
    let (text, _) = sample(entry, &Values::defaults(entry.parameters)).size();
    let is_composite = text > LONGEST_TEXT;
    for parameter in entry.parameters.iter().filter(|_| !is_composite) {
        let bounds = match parameter.kind {
            ParameterKind::Integer { min, max } => vec![Value::Integer(min), Value::Integer(max)],
            ParameterKind::Boolean => vec![Value::Boolean(false), Value::Boolean(true)],
            ParameterKind::Choice(words) => words.iter().map(|&word| Value::Choice(word)).collect(),
            ParameterKind::Name { .. } => vec![parameter.default],
        };
        for bound in bounds {
            let mut drawn: Vec<Values> = vec![];
            while drawn.len() < BOUND_DRAWS && !drawn.last().is_some_and(|last| fits(entry, last)) {
                drawn.push(draw(Some((parameter.name, bound))));
            }
            all.push((drawn.pop().expect("something was drawn"), true));
        }
    }
    if is_composite {
        let drawn = std::iter::repeat_with(|| draw(None));
        let small = drawn.take(SAMPLES * BOUND_DRAWS).filter(|v| fits_composite(entry, v));
        // They count as bounds do, which are tried whatever they become.
        all.extend(small.take(FEWEST).map(|values| (values, true)));
        assert_eq!(all.len(), FEWEST, "{}: most configurations are too large", entry.name);
    } else {
        all.extend((0..SAMPLES).map(|_| (draw(None), false)));
    }
    let samples = all.into_iter().enumerate().map(|(index, (values, is_bound))| Sample {
        entry,
        name: format!("{}_{index}", entry.name),
        values,
        is_bound,
    });
    samples.collect()
}

/// A top module that brings out every port of every module, so that one run of a tool looks at all.
fn wrapper(name: &str, modules: &[Arc<Module>], tech: &Tech) -> File {
    let mut ports = vec!["input wire clk_i".to_string()];
    let mut instances = String::new();
    for module in modules {
        let mut pins = vec![];
        if module.has_clock {
            pins.push(".clk_i(clk_i)".to_string());
        }
        if module.has_reset {
            // One for each: a synchroniser's is asynchronous though others may not be.
            let (reset, outside) = (tech.reset.port(), format!("{}__reset", module.name));
            ports.push(format!("input wire {outside}"));
            pins.push(format!(".{reset}({outside})"));
        }
        for &port in &module.ports {
            let signal = module.signal(port);
            let direction = match module.direction(port) {
                Direction::Input => "input",
                Direction::Output => "output",
            };
            let signed = if signal.ty.signed { "signed " } else { "" };
            let range = match signal.ty.width {
                1 => String::new(),
                width => format!("[{}:0] ", width - 1),
            };
            let outside = format!("{}__{}", module.name, signal.name);
            ports.push(format!("{direction} wire {signed}{range}{outside}"));
            pins.push(format!(".{}({outside})", signal.name));
        }
        let module = &module.name;
        writeln!(instances, "  {module} u_{module} (\n    {}\n  );", pins.join(",\n    "))
            .expect("a string takes any text");
    }
    let ports = ports.join(",\n  ");
    let text = format!(
        "`default_nettype none\n\nmodule {name} (\n  {ports}\n);\n{instances}endmodule\n\n\
         `default_nettype wire\n"
    );
    File { module: name.to_string(), text }
}

/// What the tools say of many modules at once.
fn lint(modules: Vec<Arc<Module>>, tech: Tech, change: impl FnOnce(&mut [File])) -> Vec<Finding> {
    let design = Design::new("batch", modules, tech, None);
    let mut design = design.unwrap_or_else(|error| panic!("{error}"));
    change(&mut design.verilog);
    design.verilog.push(wrapper("batch_top", &design.tops, &tech));
    eda::lint(&design.verilog, &["batch_top"]).unwrap_or_else(|error| panic!("{error}"))
}

/// The samples of a block that the tools read.
fn linted(entry: &'static Entry) -> Vec<Sample> {
    let mut total = 0;
    let reads = |sample: &Sample| {
        sample.is_bound
            || sample.small().is_some_and(|length| {
                total += length;
                total <= LONGEST_TOTAL
            })
    };
    let linted: Vec<Sample> = samples(entry).into_iter().filter(reads).collect();
    let random = linted.iter().filter(|sample| !sample.is_bound).count();
    let is_composite = random == 0 && linted.len() == FEWEST;
    assert!(
        is_composite || random >= FEWEST,
        "{}: only {random} random configurations",
        entry.name
    );
    linted
}

#[test]
fn no_tool_has_a_word_to_say() {
    let samples: Vec<Sample> = REGISTRY.par_iter().flat_map(linted).collect();
    let techs = techs();
    techs.par_iter().enumerate().for_each(|(index, &tech)| {
        let mine = samples.iter().enumerate().filter(|(i, _)| i % techs.len() == index);
        let modules = mine.map(|(_, sample)| sample.elaborate(&tech)).collect();
        let findings = lint(modules, tech, |_| {});
        let report: Vec<String> =
            findings.iter().map(|f| format!("{}: {}", f.tool, f.message)).collect();
        assert!(findings.is_empty(), "{tech:?}\n{}", report.join("\n"));
    });
}

/// A wrapper could hide what is wrong inside.
#[test]
fn findings_inside_a_wrapped_module_surface() {
    let broken = |tool: &str, code: &str| {
        let tech = Tech::default();
        let names = ["fifo_0", "arbiter_0", "sync_ram_0"];
        let simple =
            REGISTRY.iter().filter(|entry| names.contains(&format!("{}_0", entry.name).as_str()));
        let samples: Vec<_> = simple.flat_map(samples).collect();
        let mine = samples.iter().filter(|sample| names.contains(&sample.name.as_str()));
        let modules = mine.map(|sample| sample.elaborate(&tech)).collect();
        let findings = lint(modules, tech, |files| {
            let file = files.iter_mut().find(|file| file.module == "fifo_0");
            let file = file.expect("it is one of the samples");
            file.text = file.text.replace("endmodule", &format!("{code}\nendmodule"));
        });
        let found = findings.iter().any(|f| f.tool == tool && f.message.contains("fifo_0"));
        assert!(found, "{tool} does not see `{code}`: {findings:?}");
    };
    broken("verilator", "  wire lint_me = level_o[0];");
    broken("iverilog", "  wire lint_me = level_o[9];");
    broken("yosys", "  wire lint_me = level_o[0] ^ lint_me;");
}

#[test]
fn the_text_keeps_its_rules() {
    for entry in REGISTRY {
        let techs = techs();
        samples(entry).par_iter().enumerate().for_each(|(index, sample)| {
            let tech = techs[index % techs.len()];
            let design = sample.design(tech);
            let files = design.files();
            assert_eq!(
                files,
                sample.design(tech).files(),
                "{}: another run, other text",
                sample.name
            );
            let names: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
            let name = &sample.name;
            for expected in [
                format!("rtl/{name}.v"),
                format!("constraints/{}.sdc", design.top_names()[0]),
                format!("{name}.f"),
                format!("{name}.core"),
                format!("{name}.md"),
            ] {
                assert!(names.contains(&expected.as_str()), "{expected}: {names:?}");
            }
            for (path, text) in &files {
                let offences = offences(path, text);
                assert!(offences.is_empty(), "{:?} {offences:#?}", sample.values);
            }
        });
    }
}

/// What an emitted file must not have.
fn offences(path: &str, text: &str) -> Vec<String> {
    let mut found = vec![];
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !text.ends_with('\n') || text.ends_with("\n\n") {
        found.push(format!("{path}: it does not end with one end of line"));
    }
    for (index, line) in text.split('\n').enumerate() {
        let mut offence = |what: &str| found.push(format!("{path}:{}: {what}: {line}", index + 1));
        // A row of a Markdown table cannot be broken.
        if line.len() > 100 && !line.starts_with('|') {
            offence("more than 100 columns");
        }
        if line.ends_with(char::is_whitespace) {
            offence("white space at the end");
        }
        if line.contains(|c: char| c.is_ascii_control()) {
            offence("a control character");
        }
        if !line.is_ascii() {
            offence("not ASCII");
        }
        let digits: String =
            line.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        if ["0000-00-00", "0000/00/00", "00:00:00"].iter().any(|date| digits.contains(date)) {
            offence("a date");
        }
        let tokens = line.split(|c: char| c.is_whitespace() || "\"'`(,{[".contains(c));
        let is_path = |token: &str| {
            token.strip_prefix('/').is_some_and(|rest| rest.starts_with(char::is_alphabetic))
        };
        if tokens.clone().any(is_path) || line.contains(env!("CARGO_MANIFEST_DIR")) {
            offence("an absolute path");
        }
        let code = line.split("//").next().unwrap_or_default();
        if path.ends_with(".v") {
            if line.contains("_T_") {
                offence("a name that says nothing");
            }
            for (at, _) in code.match_indices('$') {
                let is_part = code[..at].ends_with(is_name);
                let is_known =
                    ["signed(", "unsigned("].iter().any(|f| code[at + 1..].starts_with(f));
                if is_part || !is_known {
                    offence("a dollar sign");
                }
            }
            if code.contains('\\') {
                offence("an escaped name");
            }
        }
    }
    if let Some(name) = path.strip_prefix("rtl/").and_then(|path| path.strip_suffix(".v")) {
        let modules: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("module "))
            .map(|rest| rest.trim_end_matches(&[' ', '(', ';'][..]))
            .collect();
        if modules != [name] {
            found.push(format!("{path}: it holds {modules:?}"));
        }
        for once in ["endmodule\n", "`default_nettype none\n", "`default_nettype wire\n"] {
            if text.matches(once).count() != 1 {
                found.push(format!("{path}: not one `{}`", once.trim_end()));
            }
        }
    }
    found
}

#[test]
fn what_breaks_a_rule_is_found() {
    let good = "`default_nettype none\nmodule a (\n);\n  x = $signed(b);  // see a/b\nendmodule\n\n\
                `default_nettype wire\n";
    assert_eq!(offences("rtl/a.v", good), Vec::<String>::new());
    assert_eq!(offences("rtl/b.v", good), ["rtl/b.v: it holds [\"a\"]"]);
    for bad in [
        format!("// {}", "x".repeat(98)),
        "x ".into(),
        "\tx".into(),
        "x\r".into(),
        "// \u{e9}".into(),
        "// 2024-05-06".into(),
        "// made at 10:11:12".into(),
        "// from /usr/share/x".into(),
        "// from \"/x\"".into(),
        format!("// {}", env!("CARGO_MANIFEST_DIR")),
        "wire _T_17;".into(),
        "wire a$b;".into(),
        "wire $b;".into(),
        "wire \\a ;".into(),
        "endmodule".into(),
        "module c;".into(),
    ] {
        let text = good.replace("endmodule", &format!("{bad}\nendmodule"));
        assert!(!offences("rtl/a.v", &text).is_empty(), "{bad}");
    }
    assert!(!offences("rtl/a.v", good.trim_end()).is_empty());
}
