//! `lacuna emit --testbench`: what it writes passes with the blocks as they are, and fails with
//! blocks that were broken.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use lacuna::blocks::{self, Configured, REGISTRY};
use lacuna::config::{ClockGate, Config, Reset, Tech, Values};
use lacuna::cosim::{Plan, Rig, Subject, Workshop, testbench};
use lacuna::design::{self, Design};
use lacuna::hdl::{Module, ModuleBuilder, bit, sint, uint};
use lacuna::model::{Bits, Cause, Emitted, Model, PortModel, Response, Stimulus};
use rayon::prelude::*;
use tempfile::TempDir;

type Files = Vec<(String, String)>;

fn techs() -> Vec<Tech> {
    let resets = [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh];
    let of = |reset| {
        let gates = ClockGate::WORDS.iter().map(|word| word.parse().expect("it is one of them"));
        gates.map(move |clock_gate| Tech { reset, clock_gate, ..Tech::default() })
    };
    resets.into_iter().flat_map(of).collect()
}

/// A design of one module with its testbench.
fn with_testbench(top: Arc<Module>, subject: Subject, beats: usize) -> Files {
    let tech = subject.tech;
    let design = Design::new(&top.name.clone(), vec![top], tech, Some("0123456789ab".into()));
    let design = design.unwrap_or_else(|error| panic!("{error}"));
    let made = testbench::files(&design, &[subject], beats);
    let mut files = design.files();
    files.extend(made.unwrap_or_else(|error| panic!("{error}")));
    files
}

fn of_block(block: &str, name: &str, values: &Values, tech: Tech, beats: usize) -> Files {
    let entry = blocks::find(block).expect("it is registered");
    let block = Configured { name: name.into(), ..Configured::new(entry, values.clone(), tech) };
    let (top, subject) = (block.elaborate(), Subject::of(&block));
    let top = top.unwrap_or_else(|errors| panic!("{errors}"));
    with_testbench(top, subject.unwrap_or_else(|error| panic!("{error}")), beats)
}

/// As a configuration asks for it.
fn configured(text: &str, beats: usize) -> Files {
    let config = Config::parse("test", text, &blocks::sections());
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let section = &config.blocks[0];
    of_block(section.kind, &section.name, &section.values, config.tech, beats)
}

fn write(files: &[(String, String)]) -> TempDir {
    let folder = tempfile::tempdir().expect("temporary folders can be made");
    design::write(folder.path(), files).unwrap_or_else(|error| panic!("{error}"));
    folder
}

fn make(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("make");
    // What runs the tests may be a `make` that hands down its own flags.
    command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    command.arg("-s").args(arguments).current_dir(folder).output().expect("make is installed")
}

/// All that was printed, and whether it was good.
fn said(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("the tools print UTF-8"))
}

/// Runs a testbench; checks that the verdict is good and that nothing else is said.
#[track_caller]
fn passes(files: &[(String, String)], arguments: &[&str], what: &str) {
    let folder = write(files);
    let (good, text) = said(&make(folder.path(), arguments));
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("- ")).collect();
    let is_verdict = lines.len() == 1 && lines[0].starts_with("PASS ");
    assert!(good && is_verdict, "{what}:\n{text}");
}

/// Runs a testbench of a module that was broken; gives what it says.
#[track_caller]
fn fails(mut files: Files, path: &str, from: &str, to: &str) -> String {
    let (_, text) = files.iter_mut().find(|(known, _)| known == path).expect("the file is there");
    assert!(text.contains(from), "there is no `{from}` to break in\n{text}");
    *text = text.replace(from, to);
    let folder = write(&files);
    let (good, text) = said(&make(folder.path(), &[]));
    assert!(!good && text.contains("\nFAIL "), "`{from}` to `{to}` went through:\n{text}");
    text
}

/// Of a module that was broken, the first error.
#[track_caller]
fn first_error(config: &str, from: &str, to: &str) -> String {
    let files = configured(config, 64);
    let path = files[0].0.clone();
    let text = fails(files, &path, from, to);
    text.lines().next().expect("it says something").to_string()
}

#[test]
fn every_block_passes() {
    let mut all = vec![];
    for entry in REGISTRY {
        let configurations =
            [vec![Values::defaults(entry.parameters)], (entry.variants)()].concat();
        for (index, values) in configurations.into_iter().enumerate() {
            // The gate matters where there is one.
            let gates = entry.name == "clock_gate" || (entry.name == "gating" && index == 0);
            let fits = |tech: &Tech| gates || tech.clock_gate == ClockGate::Latch;
            let techs = techs().into_iter().filter(fits);
            all.extend(techs.map(|tech| (entry.name, index, values.clone(), tech)));
        }
    }
    all.par_iter().for_each(|(block, index, values, tech)| {
        let files = of_block(block, &format!("{block}_{index}"), values, *tech, 64);
        passes(&files, &[], &format!("{block} {values:?} {tech:?}"));
    });
}

/// Registers that hand numbers on from the free clock to a gated one, to one gated behind it, and
/// back.
#[derive(Clone, Default)]
struct Crossed {
    count: u64,
    gated: u64,
    twice: u64,
    back: u64,
}

/// The hardware of [`Crossed`].
fn crossing() -> Arc<Module> {
    let flop = |name: &str| {
        let m = ModuleBuilder::new(name);
        let held = m.register("held", uint(8)).reset(0);
        held.set(m.input("data_i", uint(8)));
        m.output("held_o", uint(8)).set(held);
        m
    };
    let leaf = flop("crossing_leaf").finish().unwrap();
    let m = flop("crossing_inner");
    let clock = m.gated_clock("clk_leaf", m.input("enable_i", bit()));
    let instance = m.instance("leaf", &leaf);
    instance.clocked_by(clock).connect("data_i", m.input("inner_i", uint(8)));
    m.output("inner_o", uint(8)).set(instance.output("held_o"));
    let inner = m.finish().unwrap();

    let m = ModuleBuilder::new("crossing");
    let (outer, enable) = (m.input("outer_i", bit()), m.input("inner_i", bit()));
    let count = m.register("count", uint(8)).reset(0);
    count.set((count + 1).truncate(8));
    let back = m.register("back", uint(8)).reset(0);
    let clock = m.gated_clock("clk_inner", outer);
    let instance = m.instance("inner", &inner);
    instance.clocked_by(clock).connect("enable_i", enable).connect("data_i", count);
    let gated = instance.output("held_o");
    instance.connect("inner_i", (gated + back).truncate(8));
    back.set((instance.output("inner_o") ^ gated ^ count).truncate(8));
    for (name, value) in [("gated_o", gated), ("twice_o", instance.output("inner_o"))] {
        m.output(name, uint(8)).set(value);
    }
    m.output("back_o", uint(8)).set(back);
    m.finish().unwrap_or_else(|errors| panic!("{errors}"))
}

impl PortModel for Crossed {
    fn outputs(&self, _: &[Bits]) -> Vec<Option<Bits>> {
        [self.gated, self.twice, self.back].map(|value| Some(Bits::new(8, value))).to_vec()
    }

    fn step(&mut self, inputs: &[Bits]) {
        let (outer, inner) = (inputs[0].bit(0), inputs[1].bit(0));
        let before = self.clone();
        self.count = (before.count + 1) % 256;
        self.back = before.twice ^ before.gated ^ before.count;
        if outer {
            self.gated = before.count;
        }
        if outer && inner {
            self.twice = (before.gated + before.back) % 256;
        }
    }

    fn reset(&mut self) {
        *self = Crossed::default();
    }
}

/// No race between clocks: what crosses from one to another is the same in the golden model, the
/// evaluator, Verilator and Icarus.
#[test]
fn data_crosses_between_free_and_gated_clocks() {
    let techs = techs().into_iter().filter(|tech| tech.reset == Reset::AsyncLow);
    techs.collect::<Vec<_>>().par_iter().for_each(|&tech| {
        let subject = || {
            let model = Model::ports(Crossed::default());
            Subject::new(crossing(), tech, model).unwrap()
        };
        let plan = Plan { beats: 300, ..Plan::default() };
        let workshop = Workshop::find().unwrap_or_else(|error| panic!("{error}"));
        let evaluator = Rig::evaluator(&subject()).unwrap_or_else(|error| panic!("{error}"));
        let verilator = Rig::verilator(&subject(), &workshop, false);
        for rig in [evaluator, verilator.unwrap_or_else(|error| panic!("{error}"))] {
            let failure = rig.check(&subject(), &plan, || {}).failure;
            let report = failure.map(|failure| failure.report(&subject(), &plan, None));
            assert_eq!(report, None, "{tech:?}");
        }
        let files = with_testbench(crossing(), subject(), 300);
        passes(&files, &[], &format!("{tech:?}"));
    });
}

/// Sizes at which a testbench is made differently, and the number of beats that is usual.
#[test]
fn wide_deep_and_few() {
    let usual = testbench::BEATS as usize;
    for (config, beats) in [
        ("[register_slice]\nwidth = 4096\n", 20),
        ("[fifo]\nwidth = 1\ndepth = 65536\nstorage = \"ram\"\n", usual),
        ("[fifo]\nwidth = 4\ndepth = 3\n", usual),
        ("[sync_ram]\nwidth = 4095\ndepth = 3\n", 20),
        ("[arbiter]\nrequesters = 256\n", usual),
        ("[width_converter]\nin_width = 1\nout_width = 4096\n", 5000),
        ("[width_converter]\nin_width = 4096\nout_width = 2\n", 1),
        ("[fifo]\n", 1),
        ("[clock_gate]\nname = \"tb\"\n", 1),
    ] {
        passes(&configured(config, beats), &[], config);
    }
}

#[test]
fn verilator_runs_the_same() {
    let configs = [
        "[tech]\nclock_gate = \"falling_edge\"\n[clock_gate]\n",
        "[tech]\nreset = \"sync_high\"\n[fifo]\nwidth = 70\nstorage = \"ram\"\n",
    ];
    // The compiler's optimisation would take longer than the run.
    let arguments = ["verilator", "OPT_GLOBAL=-O0"];
    configs.par_iter().for_each(|config| passes(&configured(config, 64), &arguments, config));
}

/// Any simulator that takes Verilog files will do.
#[cfg(unix)]
#[test]
fn another_simulator() {
    use std::os::unix::fs::PermissionsExt;
    let mut files = configured("[fifo]\n", 8);
    let script = "#!/bin/sh\niverilog -g2005 -o other.vvp \"$@\" && vvp other.vvp\n";
    files.push(("other.sh".to_string(), script.to_string()));
    let folder = write(&files);
    let script = folder.path().join("other.sh");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
    let (good, text) = said(&make(folder.path(), &["SIMULATOR=./other.sh"]));
    assert!(good && text.starts_with("PASS fifo: "), "{text}");
    let (good, text) = said(&make(folder.path(), &["WAVES=1"]));
    assert!(good && text.contains("PASS fifo: "), "{text}");
    assert!(folder.path().join("tb/sim/fifo.vcd").is_file());
    assert!(make(folder.path(), &["clean"]).status.success());
    assert!(!folder.path().join("tb/sim").exists() && folder.path().join("tb/fifo_tb.v").is_file());
}

#[test]
fn a_missing_simulator_is_named() {
    let folder = write(&configured("[fifo]\n", 8));
    for (arguments, package) in [
        (&["IVERILOG=no-such-tool"][..], "apt-get install iverilog"),
        (&["verilator", "VERILATOR=no-such-tool"], "apt-get install verilator"),
    ] {
        let (good, text) = said(&make(folder.path(), arguments));
        assert!(!good && text.contains("no-such-tool is not installed"), "{text}");
        assert!(text.contains(package), "{text}");
    }
}

#[test]
fn broken_blocks_fail() {
    const FIFO: &str = "[fifo]\nwidth = 8\ndepth = 2\n";
    const RAM: &str = "[fifo]\nwidth = 8\ndepth = 4\nstorage = \"ram\"\n";
    const MANY: &str = "[fifo]\nwidth = 8\n";
    const SLICE: &str = "[register_slice]\nwidth = 8\n";
    let broken = [
        ("a place less", FIFO, "level_q != 2'd2", "level_q != 2'd1"),
        ("a place more", FIFO, "level_q != 2'd2", "level_q != 2'd3"),
        ("a place less of many", MANY, "level_q != 5'd16", "level_q != 5'd15"),
        ("a place more in a RAM", RAM, "level_q != 3'd4", "level_q != 3'd5"),
        ("a stall dropped", RAM, "pop = out_valid_o && out_ready_i", "pop = out_valid_o"),
        ("a bit flipped", RAM, "out_data_o = head_data_q", "out_data_o = head_data_q ^ 8'h20"),
        ("a bit unknown", RAM, "out_data_o = head_data_q", "out_data_o = head_data_q | 8'bx0"),
        ("no reset", RAM, "head_valid_q <= 1'b0", "head_valid_q <= head_valid_q"),
        ("a reset half done", FIFO, "level_q <= 2'd0", "level_q <= level_q === 2'dx ? 0 : level_q"),
        ("a reset that waits", FIFO, "if (!rst_ni)", "if (!rst_ni && !in_valid_i)"),
        ("never ready", FIFO, "in_ready_o = ", "in_ready_o = 1'b0 && "),
        ("never valid", FIFO, "out_valid_o = ", "out_valid_o = 1'b0 && "),
        ("always valid", FIFO, "out_valid_o = ", "out_valid_o = 1'b1 || "),
        ("a beat more", FIFO, "(pop && !push)", "(pop && !push && in_valid_i)"),
        ("ready unknown", FIFO, "in_ready_o = ", "in_ready_o = 1'bx && "),
        ("valid waits", SLICE, "out_valid_o = ", "out_valid_o = out_ready_i && "),
        ("data not held", SLICE, "out_data_o = ", "out_data_o = {8{out_ready_i}} | "),
        ("a turn lost", "[arbiter]\n", "if (advance_i && ", "if ("),
        (
            "write first",
            "[sync_ram]\nwidth = 8\ndepth = 4\n",
            "read_data_q <= data_mem[read_address_i]",
            "read_data_q <= (write_enable_i && write_address_i == read_address_i) ? write_data_i \
             : data_mem[read_address_i]",
        ),
        ("an edge early", "[reset_synchronizer]\nstages = 3\n", "sync_q[2];", "sync_q[1];"),
        ("never closed", "[clock_gate]\n", "clk_i && enable_q", "clk_i"),
        ("a glitch", "[clock_gate]\n", "clk_i && enable_q", "clk_i && enable_i"),
        (
            "half a cycle late",
            "[tech]\nclock_gate = \"falling_edge\"\n[clock_gate]\n",
            "negedge clk_i",
            "posedge clk_i",
        ),
    ];
    let errors: Vec<String> = broken
        .par_iter()
        .map(|(what, config, from, to)| format!("{what}: {}\n", first_error(config, from, to)))
        .collect();
    snapshot("errors", &errors.concat());
}

/// Two streams in, one out, an output beside them, and an input that is held.
fn adder() -> (Arc<Module>, Model) {
    let m = ModuleBuilder::new("adder");
    m.doc("Adds two streams and an offset.");
    let offset = m.input("offset_i", sint(5));
    let (a, b) = (m.stream_in("a", &[("x", uint(4))]), m.stream_in("b", &[("x", uint(7))]));
    let out = m.stream_out("out", &[("odd", bit()), ("sum", sint(10))]);
    let sum = a["x"] + b["x"] + offset;
    let valid = a.valid & b.valid;
    out.valid.set(valid);
    out["sum"].set(sum);
    out["odd"].set(sum.slice(0, 1));
    a.ready.set(b.valid & out.ready);
    b.ready.set(a.valid & out.ready);
    m.output("both_o", bit()).set(valid);
    let module = m.finish().unwrap_or_else(|errors| panic!("{errors}"));
    let run = |stimulus: &Stimulus| {
        let offset = stimulus.held[0].signed();
        let pairs = stimulus.inputs[0].iter().zip(&stimulus.inputs[1]).enumerate();
        let emitted = pairs.map(|(index, (a, b))| {
            let sum = a[0].unsigned() as i64 + b[0].unsigned() as i64 + offset;
            Emitted {
                beat: vec![Bits::new(1, sum & 1), Bits::new(10, sum)],
                cycle: index as u64,
                cause: Cause { channel: 1, beat: index },
            }
        });
        let emitted: Vec<Emitted> = emitted.collect();
        let accepted: Vec<u64> = (0..emitted.len() as u64).collect();
        Response {
            accepted: vec![accepted.clone(), accepted],
            emitted: vec![emitted],
            capacity: vec![],
        }
    };
    (module, Model::streams(run))
}

/// More of a shape than the blocks that come along have.
#[test]
fn several_streams_and_held_inputs() {
    let (module, model) = adder();
    let subject = Subject::new(module.clone(), Tech::default(), model).unwrap();
    // The second stream has a beat more, which never goes in.
    let subject = subject.with_stimulus(|shape, kind, beats, random| {
        let mut stimulus = shape.stimulus(kind, beats, random);
        stimulus.inputs[0].pop();
        Some(stimulus)
    });
    let files = with_testbench(module, subject, 40);
    passes(&files, &[], "adder");
    let text = fails(files, "rtl/adder.v", "assign out_odd_o = ", "assign out_odd_o = !");
    assert!(text.contains("stream out, beat 0: out_odd_o is "), "{text}");
}

/// A model that knows no reset, and has nothing to say at first.
#[derive(Clone, Default)]
struct Delay(Option<Bits>);

impl PortModel for Delay {
    fn outputs(&self, _: &[Bits]) -> Vec<Option<Bits>> {
        vec![self.0.clone()]
    }

    fn step(&mut self, inputs: &[Bits]) {
        self.0 = Some(inputs[0].clone());
    }

    fn reset(&mut self) {}
}

#[test]
fn no_reset_and_no_clock() {
    let m = ModuleBuilder::new("delay");
    m.doc("One cycle.");
    let value = m.register("value", uint(3));
    value.set(m.input("in_i", uint(3)));
    m.output("out_o", uint(3)).set(value);
    let delay = m.finish().unwrap_or_else(|errors| panic!("{errors}"));

    let m = ModuleBuilder::new("wires");
    m.doc("No cycle.");
    let input = m.stream_in("in", &[]);
    let out = m.stream_out("out", &[]);
    out.valid.set(input.valid);
    input.ready.set(out.ready);
    let wires = m.finish().unwrap_or_else(|errors| panic!("{errors}"));
    let through = |stimulus: &Stimulus| {
        let beats = stimulus.inputs[0].len();
        let emitted = (0..beats).map(|beat| Emitted {
            beat: vec![],
            cycle: beat as u64,
            cause: Cause { channel: 0, beat },
        });
        let emitted = vec![emitted.collect()];
        Response { accepted: vec![(0..beats as u64).collect()], emitted, capacity: vec![] }
    };
    for (module, model) in
        [(delay, Model::ports(Delay::default())), (wires, Model::streams(through))]
    {
        let subject = Subject::new(module.clone(), Tech::default(), model).unwrap();
        let name = module.name.clone();
        passes(&with_testbench(module, subject, 20), &[], &name);
    }
}

#[test]
fn vectors_that_are_missing_are_no_success() {
    let files = configured("[fifo]\n", 8);
    for kept in [0, 3] {
        let mut files = files.clone();
        let (_, text) = files.iter_mut().find(|(path, _)| path == "tb/fifo.out.hex").unwrap();
        *text = text.lines().take(kept).map(|line| format!("{line}\n")).collect();
        let (good, text) = said(&make(write(&files).path(), &[]));
        assert!(!good && text.contains("tb/fifo.out.hex is not there, or not whole"), "{text}");
    }
    // Nor is nothing at all.
    let block = Configured::defaults(blocks::find("fifo").unwrap());
    let (top, subject) = (block.elaborate().unwrap(), Subject::of(&block).unwrap());
    let files = with_testbench(top, subject.with_stimulus(|_, _, _, _| None), 8);
    let (good, text) = said(&make(write(&files).path(), &[]));
    assert!(!good && text.contains("FAIL fifo: nothing came out"), "{text}");
}

/// A block that fails keeps no other from being tried.
#[test]
fn all_blocks_run() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[fifo]\n[[arbiter]]\nname = \"one\"\n[[arbiter]]\nname = \"other\"\n";
    fs::write(folder.path().join("lacuna.toml"), config).unwrap();
    let (good, text) = said(&lacuna(folder.path(), "emit --testbench --beats 20 -o build"));
    assert!(good, "{text}");
    let build = folder.path().join("build");
    let one = build.join("rtl/one.v");
    let broken = fs::read_to_string(&one).unwrap().replace("behind_q <= ~", "behind_q <= ");
    fs::write(&one, broken).unwrap();
    let (good, text) = said(&make(&build, &[]));
    assert!(!good, "{text}");
    for verdict in ["PASS fifo: ", "FAIL one: ", "PASS other: "] {
        assert!(text.contains(verdict), "{verdict}\n{text}");
    }
    assert!(make(&build, &["icarus-other"]).status.success());
    assert!(!make(&build, &["icarus-one"]).status.success());
}

fn lacuna(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lacuna"));
    command.args(line.split(' ')).current_dir(folder).output().expect("the command starts")
}

fn names(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for inside in ["", "tb", "rtl"] {
        let Ok(entries) = fs::read_dir(folder.join(inside)) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    found
}

#[test]
fn stale_testbenches_go_and_what_is_not_ours_stays() {
    let folder = tempfile::tempdir().unwrap();
    let build = folder.path().join("build");
    let config = |text: &str| fs::write(folder.path().join("lacuna.toml"), text).unwrap();
    config("[fifo]\n[clock_gate]\n");
    assert!(lacuna(folder.path(), "emit --testbench --beats 4 -o build").status.success());
    let first = names(&build);
    assert!(lacuna(folder.path(), "emit --testbench --beats 4 -o build").status.success());
    assert_eq!(names(&build), first, "the same configuration gives the same bytes");

    fs::write(build.join("tb/mine.v"), "module mine; endmodule\n").unwrap();
    fs::write(build.join("tb/mine.hex"), "00\n").unwrap();
    config("[fifo]\n");
    assert!(lacuna(folder.path(), "emit --testbench --beats 4 -o build").status.success());
    let of_tb = |folder: &Path| -> Vec<String> {
        names(folder).into_keys().filter(|n| n.starts_with("tb/") || n == "Makefile").collect()
    };
    assert_eq!(
        of_tb(&build),
        [
            "Makefile",
            "tb/fifo.in.hex",
            "tb/fifo.out.hex",
            "tb/fifo_tb.v",
            "tb/mine.hex",
            "tb/mine.v"
        ]
    );
    assert!(lacuna(folder.path(), "emit -o build").status.success());
    assert_eq!(of_tb(&build), ["tb/mine.hex", "tb/mine.v"]);

    fs::write(build.join("Makefile"), "all:\n").unwrap();
    let (good, text) = said(&lacuna(folder.path(), "emit --testbench -o build"));
    assert!(!good && text.contains("E0118") && text.contains("Makefile"), "{text}");
    assert!(lacuna(folder.path(), "emit -o build").status.success());
    assert_eq!(fs::read_to_string(build.join("Makefile")).unwrap(), "all:\n");
    for wrong in ["--beats 4", "--testbench --beats 0", "--testbench --beats 100001"] {
        let output = lacuna(folder.path(), &format!("emit {wrong} -o other"));
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    assert!(!folder.path().join("other").exists());
}

fn snapshot(name: &str, text: &str) {
    let text = text.replace(concat!("lacuna ", env!("CARGO_PKG_VERSION")), "lacuna VERSION");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("testbench_{name}"), text);
    });
}

#[test]
fn snapshots() {
    for (name, config) in [
        ("fifo", "[fifo]\nwidth = 5\ndepth = 2\n"),
        ("clock_gate", "[tech]\nclock_gate = \"falling_edge\"\n[clock_gate]\n"),
        ("sync_ram", "[sync_ram]\nwidth = 9\ndepth = 3\n"),
    ] {
        let files = configured(config, 2);
        let is_new = |path: &str| path.starts_with("tb/") || path == "Makefile";
        let new = files.iter().filter(|(path, _)| is_new(path));
        let text: Vec<String> = new.map(|(path, text)| format!("==> {path}\n{text}")).collect();
        snapshot(name, &text.join("\n"));
    }
}
