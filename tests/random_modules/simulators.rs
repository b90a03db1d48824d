//! Batches of modules in three simulators.
//!
//! A batch is one Verilog top with an instance of each module, which reads its stimulus from a
//! file and writes each output of each cycle to another. Verilator and Icarus run the same top.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use lacuna::config::Reset;
use lacuna::hdl::eval::Evaluator;
use lacuna::hdl::ir::Direction;
use lacuna::hdl::{Module, Type};
use lacuna::verilog::{self, Style};
use num_bigint::BigInt;

use super::generator::{stimulus, stimulus_rng};
use super::recipe::{RESET_CYCLES, Recipe, clock_gate, ports};

/// How many cycles are compared.
const COMPARED_CYCLES: usize = 48;
const CYCLES: usize = RESET_CYCLES + COMPARED_CYCLES;

/// A recipe, and where its stimulus and style come from.
#[derive(Clone, Debug)]
pub struct Case {
    pub seed: u64,
    pub number: usize,
    pub recipe: Recipe,
}

impl Case {
    pub fn style(&self) -> Style {
        let reset = [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh][self.number % 3];
        Style { reset, clock_gate: Some(clock_gate()), ..Style::default() }
    }

    /// The emitted text, or why there is none.
    pub fn verilog(&self) -> Vec<String> {
        match self.recipe.build("r0") {
            Ok(module) => {
                let files = verilog::emit(&module, &self.style()).expect("there is a clock gate");
                files.into_iter().map(|file| file.text).collect()
            }
            Err(errors) => vec![errors.to_string()],
        }
    }

    /// For each input port, its values; `constants` are inputs that keep one.
    fn stimulus(
        &self,
        module: &Module,
        constants: &[(String, BigInt)],
    ) -> Vec<(String, Type, Vec<BigInt>)> {
        let mut rng = stimulus_rng(self.seed, self.number);
        ports(module, Direction::Input)
            .into_iter()
            .map(|(_, name, ty)| {
                if let Some((_, value)) = constants.iter().find(|(known, _)| *known == name) {
                    return (name, ty, vec![value.clone(); CYCLES]);
                }
                let mut values = stimulus(&mut rng, ty, CYCLES);
                for (cycle, value) in values[..RESET_CYCLES].iter_mut().enumerate() {
                    match name.as_str() {
                        "load_i" => *value = 1.into(),
                        "sweep_i" => *value = (cycle % 16).into(),
                        _ => {}
                    }
                }
                (name, ty, values)
            })
            .collect()
    }
}

/// What went wrong with a module.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The recipe is refused.
    Refused(String),
    /// The simulators disagree.
    Differ(Difference),
    /// A tool has something to say: which, and what.
    Message(&'static str, String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Refused(errors) => write!(f, "the description is refused: {errors}"),
            Failure::Message(tool, text) => write!(f, "{tool}: {text}"),
            Failure::Differ(Difference { cycle, output, evaluator, verilator, icarus }) => write!(
                f,
                "cycle {cycle} after reset, output `{output}`:\n  evaluator {evaluator}\n  \
                 verilator {verilator}\n  icarus    {icarus}"
            ),
        }
    }
}

impl Failure {
    /// One line.
    pub fn brief(&self) -> String {
        let text = self.to_string();
        let lines: Vec<&str> =
            text.lines().take(if self.is_difference() { 4 } else { 1 }).collect();
        lines.join("")
    }

    fn is_difference(&self) -> bool {
        matches!(self, Failure::Differ(_))
    }

    /// Whether two failures are likely of one cause.
    pub fn is_alike(&self, other: &Failure) -> bool {
        let first = |text: &str| {
            let message = text.lines().next().unwrap_or_default();
            message.split(':').next().unwrap_or_default().to_string()
        };
        match (self, other) {
            (Failure::Refused(a), Failure::Refused(b)) => first(a) == first(b),
            (Failure::Differ(a), Failure::Differ(b)) => a.odd_one() == b.odd_one(),
            (Failure::Message(a, x), Failure::Message(b, y)) => a == b && first(x) == first(y),
            _ => false,
        }
    }
}

/// An output on which the simulators disagree.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub cycle: usize,
    pub output: String,
    pub evaluator: String,
    pub verilator: String,
    pub icarus: String,
}

impl Difference {
    fn odd_one(&self) -> &'static str {
        match () {
            _ if self.evaluator == self.verilator => "icarus",
            _ if self.evaluator == self.icarus => "verilator",
            _ if self.verilator == self.icarus => "evaluator",
            _ => "all",
        }
    }
}

/// Which tools a batch goes through. Shrinking leaves out those that are not needed.
#[derive(Clone, Copy, Debug)]
pub struct Tools {
    pub verilator: bool,
    pub icarus: bool,
    pub yosys: bool,
    /// Whether Verilator optimises; what it then computes can be wrong.
    pub optimized: bool,
}

/// The verdict on each case: none if all is well.
pub fn run(cases: &[Case], tools: Tools) -> Vec<Option<Failure>> {
    let mut verdicts: Vec<Option<Failure>> = vec![None; cases.len()];
    let mut modules: Vec<(usize, Arc<Module>)> = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        match case.recipe.build(&format!("r{index}")) {
            Ok(module) => modules.push((index, module)),
            Err(errors) => verdicts[index] = Some(Failure::Refused(errors.to_string())),
        }
    }
    check(cases, &modules, tools, &mut verdicts);
    verdicts
}

/// Runs a batch; where a tool refuses it as a whole, its halves.
fn check(
    cases: &[Case],
    modules: &[(usize, Arc<Module>)],
    tools: Tools,
    verdicts: &mut [Option<Failure>],
) {
    if modules.is_empty() {
        return;
    }
    let batch = Batch::write(cases, modules);
    let mut said: Vec<(usize, &'static str, String)> = Vec::new();
    let outcome = (|| {
        let verilator =
            if tools.verilator { Some(batch.verilator(tools.optimized, &mut said)?) } else { None };
        let icarus = if tools.icarus { Some(batch.icarus(&mut said)?) } else { None };
        if tools.yosys {
            batch.yosys()?;
        }
        Ok((verilator, icarus))
    })();
    let (verilator, icarus) = match outcome {
        Ok(outputs) => outputs,
        Err((tool, message)) => {
            if let [(index, _)] = modules {
                verdicts[*index] = Some(Failure::Message(tool, message));
            } else {
                let (left, right) = modules.split_at(modules.len() / 2);
                check(cases, left, tools, verdicts);
                check(cases, right, tools, verdicts);
            }
            return;
        }
    };
    for (index, tool, message) in said {
        verdicts[index].get_or_insert(Failure::Message(tool, message));
    }
    for (position, (index, module)) in modules.iter().enumerate() {
        let case = &cases[*index];
        let outputs = ports(module, Direction::Output);
        let evaluated = match std::panic::catch_unwind(|| evaluate(case, module, &[])) {
            Ok(evaluated) => evaluated,
            Err(_) => {
                let message = "panicked: see above".to_string();
                verdicts[*index] = Some(Failure::Message("evaluator", message));
                continue;
            }
        };
        let line = |outputs: &Option<Vec<String>>, cycle: usize| -> Option<Vec<String>> {
            let line = outputs.as_ref()?.get(cycle * modules.len() + position);
            Some(line.map_or("", String::as_str).split_whitespace().map(str::to_string).collect())
        };
        for (cycle, expected) in evaluated.iter().enumerate() {
            let verilator = line(&verilator, cycle);
            let icarus = line(&icarus, cycle);
            let differs =
                |other: &Option<Vec<String>>| other.as_ref().is_some_and(|o| o != expected);
            if !differs(&verilator) && !differs(&icarus) {
                continue;
            }
            let at = |other: &Option<Vec<String>>, n: usize| match other {
                Some(values) => values.get(n).cloned().unwrap_or("nothing".into()),
                None => expected[n].clone(),
            };
            let output = (0..expected.len())
                .find(|&n| at(&verilator, n) != expected[n] || at(&icarus, n) != expected[n]);
            let output = output.unwrap_or(0);
            verdicts[*index] = Some(Failure::Differ(Difference {
                cycle,
                output: outputs[output].1.clone(),
                evaluator: expected[output].clone(),
                verilator: at(&verilator, output),
                icarus: at(&icarus, output),
            }));
            break;
        }
    }
}

/// What the evaluator says of the module as described and of the same without constants; none
/// where a description relies on a value being constant.
pub fn evaluate_opaque(case: &Case) -> Option<[Vec<Vec<String>>; 2]> {
    let module = case.recipe.build("r0").ok()?;
    let (opaque, constants) = case.recipe.build_opaque().ok()?;
    Some([evaluate(case, &module, &[]), evaluate(case, &opaque, &constants)])
}

/// The outputs as the evaluator has them, in hexadecimal digits; `constants` are inputs that keep
/// a value.
fn evaluate(case: &Case, module: &Arc<Module>, constants: &[(String, BigInt)]) -> Vec<Vec<String>> {
    let mut simulator = Evaluator::new(module).expect("the module can be evaluated");
    let inputs: Vec<_> = case
        .stimulus(module, constants)
        .into_iter()
        .map(|(name, _, values)| (simulator.port(&name).expect("it is a port"), values))
        .collect();
    let outputs: Vec<_> = ports(module, Direction::Output)
        .into_iter()
        .map(|(_, name, ty)| (simulator.port(&name).expect("it is a port"), ty))
        .collect();
    // Whatever the reset has to reach, it reaches.
    simulator.randomize(case.seed ^ case.number as u64);
    let mut seen = Vec::new();
    for cycle in 0..CYCLES {
        if cycle <= RESET_CYCLES {
            simulator.reset();
        }
        for (port, values) in &inputs {
            simulator.set_value(*port, &values[cycle]);
        }
        if cycle >= RESET_CYCLES {
            let value = |&(port, ty): &(_, Type)| hex(&simulator.get_value(port), ty.width);
            seen.push(outputs.iter().map(value).collect());
        }
        simulator.step();
    }
    seen
}

fn hex(value: &BigInt, width: u32) -> String {
    let pattern = lacuna::hdl::uint(width).wrap(value);
    format!("{pattern:0>digits$x}", digits = width.div_ceil(4) as usize)
}

/// A batch on disk.
struct Batch {
    directory: tempfile::TempDir,
    /// Every file of the modules.
    files: Vec<PathBuf>,
    /// For each module, in which case it is.
    cases: Vec<usize>,
}

type Refusal = (&'static str, String);

impl Batch {
    fn write(cases: &[Case], modules: &[(usize, Arc<Module>)]) -> Batch {
        let directory = tempfile::tempdir().expect("a directory for the batch");
        let path = directory.path();
        let mut files = Vec::new();
        let mut top = String::from(
            "module random_top (\n  input wire clk_i,\n  input wire reset_i,\n  input wire sample_i,\n  \
             input wire [7:0] cycle_i\n);\n  integer file;\n  \
             initial file = $fopen(\"outputs.txt\", \"w\");\n",
        );
        let mut samples = String::new();
        for (index, module) in modules {
            let case = &cases[*index];
            let style = case.style();
            let emitted = verilog::emit(module, &style).expect("the style names a clock gate");
            for file in emitted {
                let path = path.join(format!("{}.v", file.module));
                if !files.contains(&path) {
                    fs::write(&path, file.text).expect("the file can be written");
                    files.push(path);
                }
            }
            let stimulus = case.stimulus(module, &[]);
            let width: u32 = stimulus.iter().map(|(_, ty, _)| ty.width).sum();
            let mut lines = String::new();
            for cycle in 0..CYCLES {
                let packed =
                    stimulus.iter().rev().fold(BigInt::from(0), |packed, (_, ty, values)| {
                        (packed << ty.width) + lacuna::hdl::uint(ty.width).wrap(&values[cycle])
                    });
                let _ = writeln!(lines, "{}", hex(&packed, width));
            }
            fs::write(path.join(format!("stimulus{index}.hex")), lines).expect("it can be written");

            let mut connections = Vec::new();
            if module.has_clock {
                connections.push(".clk_i(clk_i)".to_string());
            }
            if module.has_reset {
                let not = if style.reset == Reset::SyncHigh { "" } else { "!" };
                connections.push(format!(".{}({not}reset_i)", style.reset.port()));
            }
            let mut low = 0;
            for (name, ty, _) in &stimulus {
                let high = low + ty.width - 1;
                connections.push(format!(".{name}(in{index}[{high}:{low}])"));
                low += ty.width;
            }
            let mut read = Vec::new();
            let _ = writeln!(
                top,
                "  reg [{0}:0] stimulus{index} [0:{1}];\n  \
                 initial $readmemh(\"stimulus{index}.hex\", stimulus{index});\n  \
                 wire [{0}:0] in{index} = stimulus{index}[cycle_i[6:0]];",
                width - 1,
                CYCLES - 1,
            );
            for (n, (_, name, ty)) in ports(module, Direction::Output).iter().enumerate() {
                let _ = writeln!(top, "  wire [{}:0] out{index}_{n};", ty.width - 1);
                connections.push(format!(".{name}(out{index}_{n})"));
                // Verilator 5.006 misprints what it knows to be constant; the cycle's top bit is 0.
                read.push(format!("out{index}_{n} ^ {{{}{{cycle_i[7]}}}}", ty.width));
            }
            let _ = writeln!(
                top,
                "  {} u{index} (\n    {}\n  );",
                module.name,
                connections.join(",\n    ")
            );
            let format = vec!["%h"; read.len()].join(" ");
            let _ = writeln!(samples, "    $fwrite(file, \"{format}\\n\", {});", read.join(", "));
        }
        let _ = write!(top, "  always @(posedge sample_i) begin\n{samples}  end\nendmodule\n");
        fs::write(path.join("random_top.v"), top).expect("the file can be written");
        Batch { files, cases: modules.iter().map(|(index, _)| *index).collect(), directory }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Shares the lines that a tool said among the modules whose files they name.
    fn share(
        &self,
        tool: &'static str,
        text: &str,
        said: &mut Vec<(usize, &'static str, String)>,
    ) -> Result<(), Refusal> {
        let mut last = None;
        for line in text.lines() {
            let owner =
                self.cases.iter().copied().find(|index| line.contains(&format!("r{index}_m")));
            let starts = line.starts_with('%') || owner.is_some() && !line.starts_with(' ');
            if starts && !line.starts_with("%Warning: ") {
                match owner {
                    Some(index) => said.push((index, tool, line.to_string())),
                    None if line.contains("Exiting") => {}
                    None => return Err((tool, text.to_string())),
                }
                last = said.len().checked_sub(1);
            } else if let Some(last) = last {
                said[last].2.push('\n');
                said[last].2.push_str(line);
            }
        }
        Ok(())
    }

    fn verilator(
        &self,
        optimized: bool,
        said: &mut Vec<(usize, &'static str, String)>,
    ) -> Result<Vec<String>, Refusal> {
        let lint = Path::new("waive.vlt");
        fs::write(self.path().join(lint), WAIVERS).expect("the file can be written");
        let verilate = |flags: &[&str]| {
            let mut command = Command::new("verilator");
            command
                .args(["--cc", "-Wall", "-Wno-fatal", "--top-module", "random_top"])
                .args(["--prefix", "Vtop", "--Mdir", "obj"])
                .args(["--x-initial", "unique", "--output-split", "0"])
                .args(flags)
                .arg(lint)
                .args(&self.files)
                .arg("random_top.v");
            self.call("verilator", &mut command)
        };
        let text = match verilate(if optimized { &FAST } else { &SAFE }) {
            // Verilator 5.006 stumbles over reductions of what it found to be one bit.
            Err((_, text)) if text.contains("Internal Error") => {
                let _ = fs::remove_dir_all(self.path().join("obj"));
                verilate(&SAFE)?
            }
            other => other?,
        };
        self.share("verilator", &text, said)?;
        let objects = runtime();
        let sources = fs::read_dir(self.path().join("obj")).expect("verilator made it");
        let mut all = String::new();
        let mut names: Vec<String> = sources
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".cpp"))
            .collect();
        names.sort();
        names.iter().for_each(|name| {
            let _ = writeln!(all, "#include \"obj/{name}\"");
        });
        let _ = writeln!(all, "#define CYCLES {CYCLES}\n#define RESET_CYCLES {RESET_CYCLES}");
        all.push_str(MAIN);
        fs::write(self.path().join("all.cpp"), all).expect("the file can be written");
        let mut command = Command::new("g++");
        command
            .args(["-std=gnu++17", "-w", "-I.", "-Iobj", "-include", "precompiled.h"])
            .arg("-O0")
            .arg("-I")
            .arg(objects)
            .args(include_flags())
            .arg("all.cpp")
            .args([objects.join("verilated.o"), objects.join("verilated_threads.o")])
            .args(["-pthread", "-o", "simulation"]);
        self.call("g++", &mut command)?;
        self.call("simulation", &mut Command::new(self.path().join("simulation")))?;
        Ok(self.outputs())
    }

    fn icarus(
        &self,
        said: &mut Vec<(usize, &'static str, String)>,
    ) -> Result<Vec<String>, Refusal> {
        fs::write(self.path().join("bench.v"), bench()).expect("the file can be written");
        let mut command = Command::new("iverilog");
        command.args(["-g2005", "-Wall", "-Wno-timescale", "-s", "bench", "-o", "simulation.vvp"]);
        command.args(&self.files).args(["random_top.v", "bench.v"]);
        let text = self.call("iverilog", &mut command)?;
        self.share("iverilog", &text, said)?;
        self.call("vvp", Command::new("vvp").arg("-n").arg("simulation.vvp"))?;
        Ok(self.outputs())
    }

    fn yosys(&self) -> Result<(), Refusal> {
        let files: Vec<String> = self.files.iter().map(|p| p.display().to_string()).collect();
        let tops: Vec<String> = self
            .cases
            .iter()
            .filter_map(|index| {
                let mut files = self.files.iter().filter_map(|p| p.file_stem()?.to_str());
                files.rfind(|stem| stem.starts_with(&format!("r{index}_m"))).map(str::to_string)
            })
            .collect();
        let instances: Vec<String> =
            tops.iter().enumerate().map(|(n, top)| format!("{top} u{n} ();")).collect();
        let top = format!("module yosys_top ();\n{}\nendmodule\n", instances.join("\n"));
        fs::write(self.path().join("yosys_top.v"), top).expect("the file can be written");
        let script = format!(
            "read_verilog {} yosys_top.v; hierarchy -check; proc; check -assert",
            files.join(" ")
        );
        let text = self.call("yosys", Command::new("yosys").args(["-q", "-p", &script]))?;
        if text.trim().is_empty() { Ok(()) } else { Err(("yosys", text)) }
    }

    fn outputs(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path().join("outputs.txt")).expect("the top wrote it");
        text.lines().map(str::to_string).collect()
    }

    /// Runs a tool in the batch's directory: what it said, unless it failed.
    fn call(&self, tool: &'static str, command: &mut Command) -> Result<String, Refusal> {
        let output = command.current_dir(self.path()).output();
        let output = output.unwrap_or_else(|e| panic!("`{tool}` is needed on the path: {e}"));
        let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        let text = text.replace(&format!("{}/", self.path().display()), "");
        if output.status.success() { Ok(text) } else { Err((tool, text)) }
    }
}

/// Optimisation saves more in the C++ compiler than it costs. Verilator 5.006 miscomputes with two
/// of its optimisations: with the data flow graph, comparisons such as `$signed(x) <= $signed(x)`
/// and shifts of constants; with trees of bit operators, a reduction such as `|(65'h1… ^ x)`.
const FAST: [&str; 3] = ["-O3", "-fno-dfg", "-fno-const-bit-op-tree"];
const SAFE: [&str; 1] = ["-O0"];

fn include_flags() -> Vec<String> {
    let root = verilator_root();
    vec![format!("-I{root}/include"), format!("-I{root}/include/vltstd")]
}

fn verilator_root() -> &'static str {
    static ROOT: OnceLock<String> = OnceLock::new();
    ROOT.get_or_init(|| {
        let output = Command::new("verilator").arg("-V").output();
        let output = output.expect("`verilator` is needed on the path");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let roots = text.lines().filter_map(|line| line.trim().strip_prefix("VERILATOR_ROOT"));
        let mut roots = roots.filter_map(|rest| Some(rest.trim().strip_prefix('=')?.trim()));
        roots.find(|root| !root.is_empty()).expect("verilator knows its root").to_string()
    })
}

/// Where Verilator's runtime and the precompiled header are: compiled once.
fn runtime() -> &'static Path {
    static RUNTIME: OnceLock<PathBuf> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let version = Command::new("verilator").arg("--version").output();
        let version = version.expect("`verilator` is needed on the path").stdout;
        let version: String = String::from_utf8_lossy(&version)
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("runtime_{version}"));
        if path.join("done").exists() {
            return path;
        }
        fs::create_dir_all(&path).expect("the directory can be made");
        let own = |source: &str| format!("{}/include/{source}", verilator_root());
        let compile = |source: &str, object: &str, header: bool| {
            let mut command = Command::new("g++");
            command.args(["-std=gnu++17", "-w", "-pthread"]).args(include_flags());
            command.arg("-O0");
            if header {
                command.args(["-x", "c++-header"]);
            } else {
                command.arg("-c");
            }
            let status = command.arg(source).arg("-o").arg(path.join(object)).status();
            assert!(status.is_ok_and(|s| s.success()), "g++ compiles verilator's runtime");
        };
        rayon::join(
            || compile(&own("verilated.cpp"), "verilated.o", false),
            || {
                compile(&own("verilated_threads.cpp"), "verilated_threads.o", false);
                let header = path.join("precompiled.h");
                fs::write(&header, "#include \"verilated.h\"\n").expect("it can be written");
                compile(&header.display().to_string(), "precompiled.h.gch", true);
            },
        );
        fs::write(path.join("done"), "").expect("the file can be written");
        path
    })
}

/// Modules of unlike resets stand side by side; a random comparison may be one that Verilator finds to be constant, such as with `0 << x`; the
/// top is no part of what is tested.
const WAIVERS: &str = "\
`verilator_config
lint_off -file \"*random_top.v\"
lint_off -rule SYNCASYNCNET -file \"*\"
lint_off -rule UNSIGNED -file \"*\"
lint_off -rule CMPCONST -file \"*\"
";

/// The clock for Verilator. Inputs change while it is low; outputs are sampled before it rises.
const MAIN: &str = "
#include \"Vtop.h\"
#include <memory>
int main() {
    VerilatedContext context;
    context.randReset(2);
    context.randSeed(1);
    auto top = std::make_unique<Vtop>(&context, \"top\");
    top->clk_i = 0;
    top->sample_i = 0;
    for (int cycle = 0; cycle < CYCLES; ++cycle) {
        top->cycle_i = cycle;
        top->reset_i = cycle < RESET_CYCLES;
        top->eval();
        if (cycle >= RESET_CYCLES) {
            top->sample_i = 1;
            top->eval();
            top->sample_i = 0;
        }
        top->clk_i = 1;
        top->eval();
        top->clk_i = 0;
        top->eval();
    }
    top->final();
}
";

/// The clock for Icarus: the same.
fn bench() -> String {
    format!(
        "module bench;
  reg clk, reset, sample;
  reg [7:0] cycle;
  random_top top (.clk_i(clk), .reset_i(reset), .sample_i(sample), .cycle_i(cycle));
  initial begin
    clk = 0;
    sample = 0;
    reset = 1;
    for (cycle = 0; cycle < {CYCLES}; cycle = cycle + 1) begin
      reset = cycle < {RESET_CYCLES};
      #1;
      if (!reset) sample = 1;
      #1;
      sample = 0;
      clk = 1;
      #1;
      clk = 0;
    end
    $finish;
  end
endmodule
"
    )
}
