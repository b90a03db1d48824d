//! Emitted text in Verilator, inside of this process: against the evaluator, and where caches,
//! processes, messages and memory matter.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use lacuna::config::Tech;
use lacuna::cosim::verilator::{Cache, Instance, Library, Options, Start, Toolchain};
use lacuna::hdl::eval::Evaluator;
use lacuna::hdl::{Module, ModuleBuilder, bit, uint};
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
