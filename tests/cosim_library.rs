//! Emitted text in Verilator, inside of this process: against the evaluator, and where caches,
//! processes, messages and memory matter.
//!
//! With `LACUNA_VERILATOR_NEW` set to the path of another Verilator, most of it runs with both.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use lacuna::config::{ClockGate, Reset, Tech};
use lacuna::cosim::verilator::{Instance, Kind, Library, Options, PointKind, Start, Toolchain};
use lacuna::eda::{Cache, ToolError};
use lacuna::hdl::eval::Evaluator;
use lacuna::hdl::{Module, ModuleBuilder, bit, sint, uint};
use lacuna::{tech, verilog};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn cache() -> Cache {
    Cache::at(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cosim"))
}

/// The toolchains to test with: the one of the path, and that of `LACUNA_VERILATOR_NEW` if set.
fn toolchains() -> &'static [Toolchain] {
    static TOOLCHAINS: OnceLock<Vec<Toolchain>> = OnceLock::new();
    TOOLCHAINS.get_or_init(|| {
        let mut found = vec![Toolchain::find().unwrap_or_else(|error| panic!("{error}"))];
        if let Some(path) = std::env::var_os("LACUNA_VERILATOR_NEW") {
            let new = Toolchain::at(path.as_ref(), "g++".as_ref());
            found.push(new.unwrap_or_else(|error| panic!("{error}")));
        }
        found
    })
}

fn build_with(
    toolchain: &Toolchain,
    module: &Arc<Module>,
    tech: &Tech,
    options: Options,
) -> Library {
    let files = verilog::emit(module, &tech::style(tech, None)).unwrap();
    Library::build(module, &files, tech.reset, options, toolchain, &cache())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn build(module: &Arc<Module>, options: Options) -> Library {
    build_with(&toolchains()[0], module, &Tech::default(), options)
}

/// A counter of a width that adds `step`.
fn counter(name: &str, width: u32, step: u32) -> Arc<Module> {
    let m = ModuleBuilder::new(name);
    let enable = m.input("enable_i", bit());
    let count = m.register("count", uint(width)).reset(0);
    m.when(enable, || count.set((count + step).truncate(width)));
    m.output("count_o", uint(width)).set(count);
    m.finish().unwrap()
}

/// Runs a module in both for some cycles of random inputs and compares every output, twice in each
/// cycle: after some of the inputs and after all of them.
fn compare(module: &Arc<Module>, mut sim: Instance, cycles: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut eval = Evaluator::new(module).unwrap();
    let (mut inputs, mut outputs) = (vec![], vec![]);
    for &port in &module.ports {
        let name = &module.signals[port.index()].name;
        let both = (sim.port(name).unwrap(), eval.port(name).unwrap());
        match module.direction(port) {
            lacuna::hdl::ir::Direction::Input => inputs.push(both),
            lacuna::hdl::ir::Direction::Output => outputs.push((name, both)),
        }
    }
    sim.reset();
    eval.reset();
    for cycle in 0..cycles {
        if cycle % 50 == 49 {
            sim.reset();
            eval.reset();
        }
        for _ in 0..2 {
            for &(ours, theirs) in &inputs {
                if random.random() {
                    let limbs: Vec<u64> = (0..4).map(|_| random.random()).collect();
                    sim.set_limbs(ours, &limbs);
                    eval.set_limbs(theirs, &limbs);
                }
            }
            for &(name, (ours, theirs)) in &outputs {
                let (got, expected) = (sim.get_value(ours), eval.get_value(theirs));
                assert_eq!(got, expected, "{name} in cycle {cycle} of {}", module.name);
                assert_eq!(sim.get(ours), eval.get(theirs));
                assert_eq!(sim.get_signed(ours), eval.get_signed(theirs));
            }
        }
        sim.step();
        eval.step();
    }
    assert_eq!(sim.cycle(), eval.cycle());
}

#[test]
fn a_counter_counts() {
    for toolchain in toolchains() {
        let module = counter("counting", 8, 1);
        let library = build_with(toolchain, &module, &Tech::default(), Options::default());
        let mut sim = library.instance(Start::Zero);
        let (enable, count) = (sim.port("enable_i").unwrap(), sim.port("count_o").unwrap());
        sim.reset();
        sim.set(enable, 1);
        sim.run(300);
        assert_eq!(sim.get(count), 300 % 256);
        let error = sim.port("count").unwrap_err().to_string();
        assert_eq!(error, "there is no port `count`; there are enable_i, count_o");
        compare(&module, library.instance(Start::Random(7)), 200);
    }
}

/// Ports of every kind of place: through wires, through registers, of either sign.
fn widths() -> Arc<Module> {
    let m = ModuleBuilder::new("widths");
    for (index, width) in [1, 7, 8, 9, 16, 17, 32, 33, 64, 65, 96, 128, 200].into_iter().enumerate()
    {
        let ty = if index % 2 == 0 { uint(width) } else { sint(width) };
        // Names that Verilator and C++ have a use for.
        let input = match width {
            7 => m.input("delete", ty),
            8 => m.input("a__b___c", ty),
            _ => m.input(format!("in_{width}_i"), ty),
        };
        let held = m.register(format!("held_{width}"), ty).reset(1);
        held.set(input);
        m.output(format!("through_{width}_o"), ty).set(!input);
        m.output(format!("held_{width}_o"), ty).set(held);
        m.output(format!("mixed_{width}_o"), ty).set(held.expr() ^ input);
    }
    m.finish().unwrap()
}

#[test]
fn every_width_and_reset_is_as_in_the_evaluator() {
    let module = widths();
    for toolchain in toolchains() {
        for reset in [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh] {
            let tech = Tech { reset, ..Tech::default() };
            let library = build_with(toolchain, &module, &tech, Options::default());
            compare(&module, library.instance(Start::Random(3)), 200);
        }
    }
}

/// Registers on gated clocks: enabled by an input, by a register, by both; one gate in another.
fn gated(nested: bool) -> Arc<Module> {
    let cell = |name: &str| {
        let m = ModuleBuilder::new(name);
        let data = m.input("data_i", uint(8));
        let sum = m.register("sum", uint(8)).reset(0);
        sum.set((sum + data).truncate(8));
        m.output("sum_o", uint(8)).set(sum);
        m.finish().unwrap()
    };
    let leaf = cell("gated_leaf");
    let inner = {
        let m = ModuleBuilder::new("gated_inner");
        let data = m.input("data_i", uint(8));
        let clock = m.gated_clock("clk_inner", m.input("enable_i", bit()));
        let instance = m.instance("leaf", &leaf);
        instance.clocked_by(clock).connect("data_i", data);
        m.output("sum_o", uint(8)).set(instance.output("sum_o"));
        m.finish().unwrap()
    };
    let m = ModuleBuilder::new(if nested { "gated_nested" } else { "gated_flat" });
    let data = m.input("data_i", uint(8));
    let enable = m.input("enable_i", bit());
    let other = m.input("other_i", bit());
    let held = m.register("held", bit()).reset(0);
    held.set(enable ^ held.expr());
    let toggle = m.register("toggle", bit()).reset(0);
    toggle.set(!toggle);
    let enables = [enable, held.expr(), enable & toggle, held.expr() ^ other];
    for (index, enable) in enables.into_iter().enumerate() {
        let clock = m.gated_clock(&format!("clk_{index}"), enable);
        let instance = m.instance(&format!("cell_{index}"), if nested { &inner } else { &leaf });
        instance.clocked_by(clock).connect("data_i", data);
        if nested {
            instance.connect("enable_i", other);
        }
        let sum = instance.output("sum_o");
        m.output(format!("sum_{index}_o"), uint(8)).set(sum);
        m.output(format!("mixed_{index}_o"), uint(8)).set(sum ^ data);
    }
    m.finish().unwrap()
}

#[test]
fn gated_clocks_are_as_in_the_evaluator() {
    for toolchain in toolchains() {
        for word in ClockGate::WORDS {
            let tech = Tech { clock_gate: word.parse().unwrap(), ..Tech::default() };
            let library = build_with(toolchain, &gated(false), &tech, Options::default());
            compare(&gated(false), library.instance(Start::Random(5)), 400);
            let library = build_with(toolchain, &gated(true), &tech, Options::default());
            compare(&gated(true), library.instance(Start::Zero), 400);
        }
    }
}

#[test]
fn a_module_without_a_clock_follows_its_inputs() {
    let m = ModuleBuilder::new("adder");
    let (a, b) = (m.input("a_i", sint(70)), m.input("b_i", sint(70)));
    m.output("sum_o", sint(71)).set(a + b);
    let module = m.finish().unwrap();
    compare(&module, build(&module, Options::default()).instance(Start::Zero), 100);
}

/// A module with the text of a black box.
fn black_box(name: &str, outputs: u32, text: &str) -> Arc<Module> {
    let m = ModuleBuilder::new(name);
    m.clocking(true, true);
    m.input("a_i", uint(8));
    if outputs > 0 {
        m.output("b_o", uint(outputs));
    }
    m.finish_black_box(Some(text.to_string()), None).unwrap()
}

#[test]
fn a_property_that_fails_is_a_message() {
    let m = ModuleBuilder::new("limited");
    let count = m.register("count", uint(8)).reset(0);
    count.set((count + 1).truncate(8));
    m.output("count_o", uint(8)).set(count);
    m.assert("is_small", count.expr().lt(5));
    let module = m.finish().unwrap();
    for toolchain in toolchains() {
        let options = Options { assertions: true, ..Options::default() };
        let library = build_with(toolchain, &module, &Tech::default(), options);
        let mut sim = library.instance(Start::Random(1));
        let mut eval = Evaluator::new(&module).unwrap();
        sim.reset();
        eval.reset();
        sim.run(9);
        eval.run(9);
        // In reset nothing is expected of anything.
        sim.set_reset(true);
        sim.run(3);
        sim.set_reset(false);
        sim.run(3);
        let failures: Vec<_> = sim.failures().collect();
        assert_eq!(sim.failure_count(), eval.failure_count());
        assert_eq!(failures.len(), 4);
        for (ours, theirs) in failures.iter().zip(eval.failures()) {
            assert_eq!((ours.kind, ours.cycle), (Kind::Assertion, theirs.cycle));
            assert_eq!(ours.text, "limited.is_small");
            assert_eq!(ours.file, "limited.v");
            assert!(ours.line > 0);
        }
        let plain = build_with(toolchain, &module, &Tech::default(), Options::default());
        let mut plain = plain.instance(Start::Zero);
        plain.run(9);
        assert_eq!(plain.failure_count(), 0);
    }
}

#[test]
fn what_a_design_says_is_recorded_and_ends_nothing() {
    let text = "module talker(input wire clk_i, input wire rst_ni, input wire [7:0] a_i,\n\
        output reg [7:0] b_o);\n\
        always @(posedge clk_i) begin\n  b_o <= a_i;\n  case (a_i)\n\
        1: $display(\"one %0d\", a_i);\n    2: $stop;\n    3: $finish;\n    4: $error(\"four\");\n\
        default: ;\n  endcase\nend\nendmodule\n";
    let module = black_box("talker", 8, text);
    for toolchain in toolchains() {
        let library = build_with(toolchain, &module, &Tech::default(), Options::default());
        let mut sim = library.instance(Start::Zero);
        let (a, b) = (sim.port("a_i").unwrap(), sim.port("b_o").unwrap());
        // What one says is not for another.
        let mut other = library.instance(Start::Zero);
        for value in 0..6 {
            sim.set(a, value);
            sim.step();
            other.step();
            assert_eq!(sim.get(b), value);
        }
        assert_eq!(other.messages(), []);
        let found: Vec<_> = sim.messages().iter().map(|m| (m.kind, m.cycle)).collect();
        let expected = [(Kind::Print, 1), (Kind::Stop, 2), (Kind::Finish, 3), (Kind::Stop, 4)];
        assert_eq!(found, expected, "{:?}", sim.messages());
        assert_eq!(sim.messages()[0].text, "one 1");
        assert_eq!(sim.messages()[3].text, "talker: four");
        assert_eq!((sim.messages()[1].file.as_str(), sim.messages()[1].line), ("talker.v", 7));
        assert_eq!(sim.failure_count(), 2);
    }
}

#[test]
fn a_design_that_never_settles_is_a_fatal_message() {
    let text = "module restless(input wire clk_i, input wire rst_ni, input wire [7:0] a_i,\n\
        output wire [7:0] b_o);\n  reg x;\n  reg y;\n\
        always @(posedge x or negedge x) y = !y;\n  always @* x = a_i[0] ^ y;\n\
        assign b_o = {7'd0, x};\nendmodule\n";
    let module = black_box("restless", 8, text);
    for toolchain in toolchains() {
        let library = build_with(toolchain, &module, &Tech::default(), Options::default());
        let mut sim = library.instance(Start::Zero);
        let (a, b) = (sim.port("a_i").unwrap(), sim.port("b_o").unwrap());
        sim.step();
        assert_eq!(sim.failure_count(), 0);
        sim.set(a, 3);
        sim.run(10);
        sim.get(b);
        assert_eq!(sim.cycle(), 11);
        let kinds: Vec<_> = sim.failures().map(|failure| (failure.kind, failure.cycle)).collect();
        assert_eq!(kinds, [(Kind::Fatal, 1)], "{:?}", sim.messages());
        assert!(sim.messages()[0].text.contains("converge"), "{:?}", sim.messages());
        // It stays as it is.
        for value in [0, 3] {
            sim.set(a, value);
            sim.step();
        }
        assert_eq!((sim.failure_count(), sim.cycle()), (1, 13));
        // Others do not mind.
        let mut sim = library.instance(Start::Zero);
        sim.step();
        assert_eq!(sim.failure_count(), 0);
    }
}

#[test]
fn libraries_and_instances_do_not_meddle() {
    let libraries: Vec<Library> = (1..=3)
        .map(|step| build(&counter(&format!("counter_by_{step}"), 32, step), Options::default()))
        .collect();
    std::thread::scope(|scope| {
        for (library, step) in libraries.iter().zip(1u64..) {
            for _ in 0..2 {
                scope.spawn(move || {
                    let mut sims: Vec<Instance> =
                        (0..4).map(|_| library.instance(Start::Zero)).collect();
                    for round in 0..1000 {
                        for (index, sim) in sims.iter_mut().enumerate() {
                            let enable = sim.port("enable_i").unwrap();
                            sim.set(enable, round % (index + 1) == 0);
                            sim.step();
                        }
                    }
                    // An instance may go to another thread.
                    std::thread::scope(|inner| {
                        inner.spawn(|| {
                            for (sim, count) in sims.iter_mut().zip([1000, 500, 334, 250]) {
                                let port = sim.port("count_o").unwrap();
                                assert_eq!(sim.get(port), count * step);
                            }
                        });
                    });
                });
            }
        }
    });
}

#[test]
fn a_random_start_follows_from_its_seed() {
    let m = ModuleBuilder::new("unreset");
    let load = m.input("load_i", bit());
    for index in 0..4 {
        let held = m.register(format!("held_{index}"), uint(100));
        m.when(load, || held.set(0));
        m.output(format!("held_{index}_o"), uint(100)).set(held);
    }
    // Large enough that two threads fill theirs at the same time.
    let memory = m.memory("cells", 4096, uint(64));
    let address = m.input("address_i", uint(12));
    memory.write(address, 1, load);
    m.output("cell_o", uint(64)).set(memory.read_async("content", address));
    let module = m.finish().unwrap();
    for toolchain in toolchains() {
        let library = build_with(toolchain, &module, &Tech::default(), Options::default());
        let state = |start: Start| -> Vec<u64> {
            let mut sim = library.instance(start);
            let ports: Vec<_> =
                (0..4).map(|index| sim.port(&format!("held_{index}_o")).unwrap()).collect();
            let mut state: Vec<u64> =
                ports.into_iter().flat_map(|port| sim.get_limbs(port).to_vec()).collect();
            let (address, cell) = (sim.port("address_i").unwrap(), sim.port("cell_o").unwrap());
            for at in [0, 2000, 4095] {
                sim.set(address, at);
                state.push(sim.get(cell));
            }
            state
        };
        assert_eq!(state(Start::Zero), [0; 11]);
        let expected = state(Start::Random(1));
        assert!(expected.iter().all(|&limb| limb != 0), "{expected:x?}");
        assert_ne!(expected, state(Start::Random(2)));
        // Also while others begin.
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..50).for_each(|_| assert_eq!(state(Start::Random(1)), expected)));
            }
            scope.spawn(|| (0..50).for_each(|seed| drop(state(Start::Random(seed)))));
        });
    }
}

#[test]
fn a_waveform_has_the_clock_in_it() {
    let options = Options { trace: true, ..Options::default() };
    let library = build(&counter("traced", 8, 1), options);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wave.fst");
    let mut sim = library.instance(Start::Zero);
    sim.reset();
    sim.trace(&path).unwrap();
    assert!(sim.trace(&folder.path().join("second.fst")).is_err());
    let enable = sim.port("enable_i").unwrap();
    sim.set(enable, 1);
    sim.run(20);
    assert!(sim.trace(Path::new("/nowhere/wave.fst")).is_err());
    drop(sim);
    let size = path.metadata().unwrap().len();
    assert!(size > 300, "{size} bytes");
    let mut plain = build(&counter("traced", 8, 1), Options::default()).instance(Start::Zero);
    let error = plain.trace(&path).unwrap_err().to_string();
    assert!(error.contains("built without waveforms"), "{error}");
}

#[test]
fn coverage_counts_by_module() {
    let m = ModuleBuilder::new("covered");
    let child = counter("covered_child", 2, 1);
    let instances = [0, 1].map(|index| m.instance(&format!("child_{index}"), &child));
    instances[0].connect("enable_i", m.input("enable_i", bit()));
    instances[1].connect("enable_i", false);
    for (index, instance) in instances.iter().enumerate() {
        m.output(format!("count_{index}_o"), uint(2)).set(instance.output("count_o"));
    }
    let module = m.finish().unwrap();
    for toolchain in toolchains() {
        let options = Options { coverage: true, ..Options::default() };
        let library = build_with(toolchain, &module, &Tech::default(), options);
        let mut sim = library.instance(Start::Zero);
        let enable = sim.port("enable_i").unwrap();
        sim.reset();
        sim.set(enable, 1);
        sim.run(5);
        let mut coverage = sim.coverage().unwrap();
        let toggles = |coverage: &lacuna::cosim::verilator::Coverage, bit: &str| -> u64 {
            let points = coverage.points().filter(|(point, _)| {
                let is_bit = point.comment == bit || point.comment.starts_with(&format!("{bit}:"));
                point.kind == PointKind::Toggle && point.module == "covered_child" && is_bit
            });
            points.map(|(_, hits)| hits).sum()
        };
        assert_eq!(toggles(&coverage, "count_q[0]"), 5, "{coverage:#?}");
        assert_eq!(toggles(&coverage, "count_q[1]"), 2);
        let (hit, all) = coverage.count(&PointKind::Toggle);
        assert!(0 < hit && hit < all, "{hit} of {all}");
        coverage.merge(&sim.coverage().unwrap());
        assert_eq!(toggles(&coverage, "count_q[0]"), 10);
        // Another instance begins anew.
        let fresh = library.instance(Start::Zero).coverage().unwrap();
        assert_eq!(toggles(&fresh, "count_q[0]"), 0);
    }
}

/// The bytes of this process that are in memory.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// Runs one test of this file in a process of its own, with a variable set.
fn alone(test: &str, variable: &str, value: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(variable, value)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

fn succeeds(child: std::process::Child) {
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&text));
}

/// Memory is only quiet in a process that does nothing else.
#[test]
fn instances_leave_nothing_behind() {
    const ALONE: &str = "LACUNA_TEST_LEAK";
    if std::env::var_os(ALONE).is_none() {
        return succeeds(alone("instances_leave_nothing_behind", ALONE, Path::new("1")));
    }
    let module = counter("dropped", 8, 1);
    let library = build(&module, Options::default());
    let churn = |count: u64| {
        for seed in 0..count {
            let mut sim = library.instance(Start::Random(seed));
            sim.reset();
            sim.run(2);
        }
    };
    churn(500);
    let before = resident();
    churn(4000);
    let grown = resident().saturating_sub(before);
    // An instance takes some kilobytes, so a leak of 64 bytes in each would be seen.
    assert!(grown < 4000 * 64, "{grown} bytes more");
}

#[test]
fn two_processes_share_a_cache() {
    const ALONE: &str = "LACUNA_TEST_CACHE";
    if let Some(folder) = std::env::var_os(ALONE) {
        for step in 1..=2 {
            let module = counter("shared", 16, step);
            let library = built_in(Path::new(&folder), &module).0;
            compare(&module, library.instance(Start::Zero), 100);
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let children = [(); 2].map(|()| alone("two_processes_share_a_cache", ALONE, folder.path()));
    children.into_iter().for_each(succeeds);
    let built = std::fs::read_dir(folder.path().join("libraries")).unwrap().count();
    let runtimes = std::fs::read_dir(folder.path().join("runtimes")).unwrap().count();
    assert_eq!((built, runtimes), (2, 1));
}

/// The library of a module in a cache, and the file that it came to lie in.
fn built_in(folder: &Path, module: &Arc<Module>) -> (Library, PathBuf) {
    let files = verilog::emit(module, &tech::style(&Tech::default(), None)).unwrap();
    let (options, toolchain) = (Options::default(), &toolchains()[0]);
    let cache = Cache::at(folder);
    let library = Library::build(module, &files, Reset::AsyncLow, options, toolchain, &cache);
    let entries = std::fs::read_dir(folder.join("libraries")).unwrap();
    let newest = entries
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap())
        .unwrap();
    (library.unwrap(), newest)
}

#[test]
fn damaged_entries_are_built_again_and_edits_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let module = counter("damaged", 8, 1);
    let (library, path) = built_in(folder.path(), &module);
    compare(&module, library.instance(Start::Zero), 20);
    // A loaded library is mapped from its file, so it has to be gone before that is cut off.
    drop(library);
    let sound = std::fs::read(&path).unwrap();
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    let damages: [&[u8]; 4] = [b"", b"garbage", &sound[..sound.len() / 2], &flipped];
    for damage in damages {
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, damage).unwrap();
        let (library, again) = built_in(folder.path(), &module);
        assert_eq!(path, again);
        compare(&module, library.instance(Start::Zero), 20);
        assert_eq!(std::fs::read(&path).unwrap().len(), sound.len());
    }
    std::fs::remove_file(&path).unwrap();
    compare(&module, built_in(folder.path(), &module).0.instance(Start::Zero), 20);

    // The runtime objects as well.
    let runtime = std::fs::read_dir(folder.path().join("runtimes")).unwrap().next().unwrap();
    std::fs::write(runtime.unwrap().path().join("verilated.o"), b"garbage").unwrap();
    // The same name with another content is another library, also while the first is loaded.
    let first = built_in(folder.path(), &module).0;
    let edited = counter("damaged", 8, 3);
    let (second, other) = built_in(folder.path(), &edited);
    assert_ne!(path, other);
    compare(&edited, second.instance(Start::Zero), 20);
    compare(&module, first.instance(Start::Zero), 20);
}

#[test]
fn what_is_missing_or_refused_is_said() {
    let nowhere = Path::new("/nowhere/verilator");
    let missing = |error| match error {
        ToolError::Missing { tool, .. } => tool,
        other => panic!("{other}"),
    };
    assert_eq!(missing(Toolchain::at(nowhere, Path::new("g++")).unwrap_err()), "verilator");
    let verilator = Path::new("verilator");
    assert_eq!(missing(Toolchain::at(verilator, Path::new("no-g++")).unwrap_err()), "g++");
    // A program that is no Verilator.
    let other = Toolchain::at(Path::new("true"), Path::new("g++")).unwrap_err();
    assert!(matches!(other, ToolError::Failed { tool: "verilator", .. }), "{other}");

    let module =
        black_box("broken", 8, "module broken(input wire clk_i);\n  nonsense\nendmodule\n");
    let files = verilog::emit(&module, &tech::style(&Tech::default(), None)).unwrap();
    let (options, toolchain) = (Options::default(), &toolchains()[0]);
    let refused = Library::build(&module, &files, Reset::AsyncLow, options, toolchain, &cache());
    match refused.unwrap_err() {
        ToolError::Failed { tool: "verilator", last_lines, folder } => {
            assert!(last_lines.contains("broken.v:3"), "{last_lines}");
            assert!(folder.join("broken.v").is_file());
            std::fs::remove_dir_all(folder).unwrap();
        }
        other => panic!("{other}"),
    }
}
