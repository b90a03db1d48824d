//! How fast a simulation runs inside of this process, against a program in C++ that does the same,
//! and how long it takes until it runs.

#[path = "../examples/systolic/systolic.rs"]
mod systolic;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lacuna::blocks::Configured;
use lacuna::config::Tech;
use lacuna::cosim::Subject;
use lacuna::cosim::verilator::{self, Library, Options, Start, Toolchain};
use lacuna::eda::Cache;
use lacuna::hdl::Module;
use lacuna::hdl::eval::{self, Evaluator};
use lacuna::{blocks, tech, verilog};

/// How many times both sides begin anew, since where their memory lies makes them faster or slower;
/// how many rounds each time; how long one takes in C++.
const STARTS: usize = 7;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(20);

/// How many cycles are compared with the evaluator first.
const CHECKED: u64 = 10_000;

/// How the library is built too, as far as speed goes.
const VERILATE: [&str; 8] = [
    "-O3",
    "-fno-dfg",
    "-fno-const-bit-op-tree",
    "--x-initial",
    "unique",
    "--x-assign",
    "unique",
    "--noassert",
];
const LEVEL: &str = "-O2";

fn main() {
    let toolchain = Toolchain::find().unwrap_or_else(|error| panic!("{error}"));
    println!("{}", toolchain.verilator_version());
    println!("{}", toolchain.compiler_version());
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let cache = Cache::at(folder.path().join("cache"));
    build_times(&cache);
    for size in [4, 8, 16] {
        speed(size, &toolchain, &cache, &folder.path().join(format!("bare_{size}")));
    }
}

/// Prints how long it takes from a description to the first simulated cycle, looking for the tools
/// included.
fn build_times(cache: &Cache) {
    let fifo = || {
        let entry = blocks::find("fifo").expect("it is registered");
        let subject = Subject::of(&Configured::defaults(entry)).unwrap();
        (subject.module, subject.files)
    };
    let systolic = || {
        let module = systolic::systolic(8, 8).expect("the example is right");
        let files = verilog::emit(&module, &tech::style(&Tech::default(), None)).unwrap();
        (module, files)
    };
    // The first finds nothing but the tools.
    let cold = first_cycle(fifo, cache, 0);
    println!("fifo, Verilator's runtime not compiled yet: {:.2} s", cold.as_secs_f64());
    let print = |name: &str, times: &dyn Fn(u32) -> Duration| {
        let changed = median((1..=5).map(times));
        let unchanged = median((0..15).map(|_| times(1)));
        println!("{name}, changed: {changed:.2} s; unchanged: {unchanged:.3} s");
    };
    print("fifo", &|edit| first_cycle(fifo, cache, edit));
    print("systolic 8x8", &|edit| first_cycle(systolic, cache, edit));
}

/// The time from a description to its first simulated cycle, with properties as `lacuna cosim` has
/// them. Another `edit` is another text.
fn first_cycle(
    describe: impl Fn() -> (Arc<Module>, Vec<verilog::File>),
    cache: &Cache,
    edit: u32,
) -> Duration {
    let begin = Instant::now();
    let toolchain = Toolchain::find().unwrap();
    let (module, mut files) = describe();
    files[0].text.push_str(&format!("// edit {edit}\n"));
    let options = Options { assertions: true, ..Options::default() };
    let library =
        Library::build(&module, &files, Tech::default().reset, options, &toolchain, cache);
    let mut sim = library.unwrap().instance(Start::Zero);
    sim.reset();
    sim.step();
    begin.elapsed()
}

fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let mut times: Vec<f64> = times.map(|time| time.as_secs_f64()).collect();
    quartiles(&mut times)[1]
}

/// Prints the ratio of the speeds on the systolic example, each with its own clock.
fn speed(size: u32, toolchain: &Toolchain, cache: &Cache, folder: &Path) {
    let module = systolic::systolic(size, size).expect("the example is right");
    let tech = Tech::default();
    let files = verilog::emit(&module, &tech::style(&tech, None)).expect("it can be printed");
    let program = bare_program(&module.name, &files, toolchain, folder);
    let library =
        Library::build(&module, &files, tech.reset, Options::default(), toolchain, cache).unwrap();

    // The evaluator says what both are to see.
    let mut evaluator = Evaluator::new(&module).expect("it has no black boxes");
    let ports = Ports::of(|name| evaluator.port(name).unwrap());
    evaluator.reset();
    let expected = Load::new(size).run(&mut evaluator, &ports, CHECKED);

    let (mut ratios, mut speeds) = (vec![], vec![]);
    for _ in 0..STARTS {
        let mut bare = Bare::start(&program);
        let mut sim = library.instance(Start::Zero);
        let ports = Ports::of(|name| sim.port(name).unwrap());
        sim.reset();
        let mut load = Load::new(size);
        let mut ours = |cycles| {
            let begin = Instant::now();
            let checksum = load.run(&mut sim, &ports, cycles);
            (begin.elapsed(), checksum)
        };
        assert_eq!(ours(CHECKED).1, expected, "the library differs from the evaluator");
        let (trial, checksum) = bare.run(CHECKED);
        assert_eq!(checksum, expected, "the program differs from the evaluator");
        let cycles = (CHECKED as f64 * ROUND.as_secs_f64() / trial.as_secs_f64()) as u64;
        for round in 0..ROUNDS {
            // Neither is always the first.
            let (ours, theirs) = if round % 2 == 0 {
                let ours = ours(cycles);
                (ours, bare.run(cycles))
            } else {
                let theirs = bare.run(cycles);
                (ours(cycles), theirs)
            };
            assert_eq!(ours.1, theirs.1, "the checksums differ");
            ratios.push(theirs.0.as_secs_f64() / ours.0.as_secs_f64());
            speeds.push(cycles as f64 / ours.0.as_secs_f64());
        }
    }
    let [low, ratio, high] = quartiles(&mut ratios);
    let [_, speed, _] = quartiles(&mut speeds);
    println!(
        "systolic {size}x{size}: {ratio:.2} of the speed of C++ (quartiles {low:.2} and {high:.2}, \
         {} rounds), {:.0} thousand cycles/s",
        ratios.len(),
        speed / 1e3
    );
}

fn quartiles(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[values.len() * quarter / 4])
}

/// The ports of the systolic example, in some simulator.
struct Ports<P> {
    inputs: [P; 5],
    outputs: [P; 4],
}

impl<P> Ports<P> {
    fn of(port: impl Fn(&str) -> P) -> Ports<P> {
        let inputs = ["in_valid_i", "in_last_i", "out_ready_i", "in_act_i", "in_weight_i"];
        let outputs = ["in_ready_o", "out_valid_o", "out_last_o", "out_sum_o"];
        Ports { inputs: inputs.map(&port), outputs: outputs.map(&port) }
    }
}

/// What the loop needs of a simulator.
trait Simulator {
    type Port: Copy;
    fn set(&mut self, port: Self::Port, value: bool);
    fn set_limbs(&mut self, port: Self::Port, limbs: &[u64]);
    fn get(&mut self, port: Self::Port) -> u64;
    fn get_limbs(&mut self, port: Self::Port) -> &[u64];
    fn step(&mut self);
}

macro_rules! simulator {
    ($simulator:ty, $port:ty) => {
        impl Simulator for $simulator {
            type Port = $port;
            #[inline]
            fn set(&mut self, port: $port, value: bool) {
                <$simulator>::set(self, port, value)
            }
            #[inline]
            fn set_limbs(&mut self, port: $port, limbs: &[u64]) {
                <$simulator>::set_limbs(self, port, limbs)
            }
            #[inline]
            fn get(&mut self, port: $port) -> u64 {
                <$simulator>::get(self, port)
            }
            #[inline]
            fn get_limbs(&mut self, port: $port) -> &[u64] {
                <$simulator>::get_limbs(self, port)
            }
            #[inline]
            fn step(&mut self) {
                <$simulator>::step(self)
            }
        }
    };
}
simulator!(verilator::Instance, verilator::Port);
simulator!(Evaluator, eval::Port);

/// The same operands and the same checksum as in `bare_main.cpp`.
struct Load {
    state: u64,
    checksum: u64,
    limbs: usize,
}

impl Load {
    fn new(size: u32) -> Load {
        Load { state: 0x0123_4567_89ab_cdef, checksum: 0, limbs: size.div_ceil(8) as usize }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn add(&mut self, limb: u64) {
        self.checksum = self.checksum.rotate_left(5) ^ limb;
    }

    /// Runs some cycles with new operands in each, and looks at every output: the checksum so far.
    fn run<S: Simulator>(&mut self, sim: &mut S, ports: &Ports<S::Port>, cycles: u64) -> u64 {
        let [valid, last, out_ready, act, weight] = ports.inputs;
        let [ready, out_valid, out_last, sum] = ports.outputs;
        let mut operands = [0; 4];
        for _ in 0..cycles {
            let chance = self.next();
            sim.set(valid, chance & 7 != 0);
            sim.set(last, chance >> 3 & 31 == 0);
            sim.set(out_ready, chance >> 8 & 3 != 0);
            for port in [act, weight] {
                let operands = &mut operands[..self.limbs];
                operands.iter_mut().for_each(|limb| *limb = self.next());
                sim.set_limbs(port, operands);
            }
            sim.step();
            self.add(sim.get(ready) | sim.get(out_valid) << 1 | sim.get(out_last) << 2);
            sim.get_limbs(sum).iter().for_each(|&limb| self.add(limb));
        }
        self.checksum
    }
}

/// The program in C++, waiting for numbers of cycles.
struct Bare {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Bare {
    fn start(program: &Path) -> Bare {
        let mut command = Command::new(program);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let orders = process.stdin.take().expect("it is piped");
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Bare { process, orders, answers }
    }

    /// Runs some cycles: the time, and the checksum so far.
    fn run(&mut self, cycles: u64) -> (Duration, u64) {
        writeln!(self.orders, "{cycles}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let (spent, checksum) = line.trim().split_once(' ').expect("two numbers");
        (Duration::from_nanos(spent.parse().unwrap()), checksum.parse().unwrap())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Compiles the program, in one piece as the library is.
fn bare_program(
    top: &str,
    files: &[verilog::File],
    toolchain: &Toolchain,
    folder: &Path,
) -> PathBuf {
    const BUILD: &str = include_str!("../src/cosim/verilator/build.rs");
    for flag in VERILATE.iter().chain([&LEVEL]) {
        assert!(BUILD.contains(&format!("\"{flag}\"")), "the library is not built with {flag}");
    }
    fs::create_dir_all(folder).unwrap();
    let names = files.iter().map(|file| format!("{}.v", file.module));
    let names: Vec<String> = names.collect();
    for (file, name) in files.iter().zip(&names) {
        fs::write(folder.join(name), &file.text).unwrap();
    }
    let run = |tool: &Path, arguments: &[&str]| {
        let output = Command::new(tool).current_dir(folder).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", tool.display());
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    let mut arguments = vec!["--cc", "-Wno-fatal", "--prefix", "Vtop", "--Mdir", "obj"];
    arguments.extend(["--top-module", top]);
    arguments.extend(VERILATE);
    arguments.extend(names.iter().map(String::as_str));
    run(toolchain.verilator(), &arguments);

    let runtime = run(toolchain.verilator(), &["--getenv", "VERILATOR_ROOT"]) + "/include";
    let sources = fs::read_dir(folder.join("obj")).unwrap();
    let mut sources: Vec<String> = sources
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".cpp"))
        .collect();
    sources.sort();
    let mut all: String = sources.iter().map(|name| format!("#include \"{name}\"\n")).collect();
    all.push_str(include_str!("bare_main.cpp"));
    fs::write(folder.join("all.cpp"), all).unwrap();
    let include = format!("-I{runtime}");
    let runtime = ["verilated", "verilated_threads"].map(|name| format!("{runtime}/{name}.cpp"));
    let fixed = ["-std=gnu++17", "-pthread", "-faligned-new", "-DVERILATOR=1", "-Iobj", &include];
    let mut arguments = fixed.to_vec();
    arguments.extend([LEVEL, "-o", "bare", "all.cpp", &runtime[0], &runtime[1]]);
    run(toolchain.compiler(), &arguments);
    folder.join("bare")
}
