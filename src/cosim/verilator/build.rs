//! From emitted text to a shared library.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use super::Options;
use super::library::{Functions, place_bytes};
use super::toolchain::Toolchain;
use crate::config::Reset;
use crate::eda::{Cache, Digest, GXX, ToolError, VERILATOR, file_names, in_folder, said};
use crate::hdl::ir::Module;
use crate::verilog::File;

/// The C++ that stands between Verilator's output and the library's C functions.
const SHIM: &str = include_str!("../../../sim/shim.cpp");

/// Headers that waveforms need, the second with newer Verilators, and Debian's packages of them.
const HEADERS: [(&str, &str); 2] = [("zlib.h", "zlib1g-dev"), ("lz4.h", "liblz4-dev")];

/// What Verilator's runtime and output have to see first.
const RUNTIME: &str = include_str!("../../../sim/runtime.h");

/// Verilator 5.006 miscomputes with two of its optimisations: with the data flow graph,
/// comparisons such as `$signed(x) <= $signed(x)` and shifts of constants; with trees of bit
/// operators, a reduction such as `|(65'h1… ^ x)`.
const OPTIMIZED: [&str; 3] = ["-O3", "-fno-dfg", "-fno-const-bit-op-tree"];

/// For where the optimiser itself stumbles.
const PLAIN: [&str; 1] = ["-O0"];

/// `unique` leaves both to the instance: 0 or random, as it is opened. Emitted text has no x; that
/// of a black box may, and then a random start shows what depends on it. (`--x-initial fast` would
/// make registers constant.)
const VERILATE: [&str; 16] = [
    "--cc",
    "-Wno-fatal",
    "--prefix",
    "Vtop",
    "--Mdir",
    "obj",
    "--x-initial",
    "unique",
    "--x-assign",
    "unique",
    "--output-split",
    "0",
    "--timescale",
    "1ns/1ns",
    "--noassert",
    "--top-module",
];

/// A library's symbols are its own: several in one process bring a runtime each.
///
/// Each evaluation looks at thread-local variables, which takes a call. They cannot lie at fixed
/// places (`-ftls-model=initial-exec`): a runtime has 33 KB of them, and a process has room for 2.
/// The other way to call (`-mtls-dialect=gnu2`) was slower by 1 to 2 %.
///
/// GCC 12.2 miscompiles some of Verilator's output where it joins scalar operations into vectors:
/// masks of the mask generator's netlist come out wrong with `-O2`, and right with `-O1`, with
/// `-O2 -fno-tree-slp-vectorize`, and with the sanitizers, which find nothing undefined.
const COMPILE: [&str; 12] = [
    "-std=gnu++17",
    "-w",
    "-pthread",
    "-fPIC",
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-fno-semantic-interposition",
    "-fno-gnu-unique",
    "-fno-plt",
    "-faligned-new",
    "-fno-extern-tls-init",
    "-fno-tree-slp-vectorize",
];

/// Where it is spent: the runtime is small in time and large in text.
const RUNTIME_LEVEL: &str = "-O1";
const LEVEL: &str = "-O2";
/// A counter for each line and bit makes the text many times as long: with `-O2`, that of a temporal
/// path takes g++ a quarter of an hour.
const COVERAGE_LEVEL: &str = "-O0";

fn level(options: Options) -> &'static str {
    if options.coverage { COVERAGE_LEVEL } else { LEVEL }
}

/// The header that everything reads first, and which is compiled once.
const HEADER: &str = "runtime.h";

/// What to build.
pub(super) struct Job<'a> {
    pub top: &'a Module,
    pub files: &'a [File],
    /// The text that `files` is a netlist of, or the same.
    pub original: &'a [File],
    pub reset: Reset,
    pub options: Options,
    pub toolchain: &'a Toolchain,
}

impl Job<'_> {
    /// The library, from the cache or built.
    pub fn load(&self, cache: &Cache) -> Result<Functions, ToolError> {
        let key = self.key();
        let mut attempts = 0;
        loop {
            let path = cache.library(key, || {
                let runtime = runtime(self.options, self.toolchain, cache)?;
                in_folder(self.files, |folder| {
                    self.verilate(folder)?;
                    self.compile(&runtime, folder)
                })
            })?;
            match Functions::load(&path) {
                Ok(functions) => return Ok(functions),
                // Somebody may have cleaned the cache since.
                Err(_) if attempts < 2 && !path.exists() => attempts += 1,
                Err(error) => {
                    let what = format!("cannot load {}", path.display());
                    return Err(ToolError::Files { what, source: io::Error::other(error) });
                }
            }
        }
    }

    /// Whether something takes values at the falling edge of a clock.
    pub fn late_fall(&self) -> bool {
        let active = self.reset.port();
        self.original.iter().any(|file| {
            let edges = file.text.match_indices("negedge").map(|(at, word)| at + word.len());
            edges.map(|end| file.text[end..].trim_start()).any(|rest| !rest.starts_with(active))
        })
    }

    /// Whether something follows a level of a clock: what does has to tell Verilator that it is meant.
    pub fn has_latch(&self) -> bool {
        self.original.iter().any(|file| file.text.contains("lint_off LATCH"))
    }

    fn key(&self) -> Digest {
        let mut key = Digest::builder();
        key.add(how(self.options, self.toolchain));
        key.add(&self.top.name);
        for file in self.files {
            key.add(&file.module);
            key.add(&file.text);
        }
        for &port in &self.top.ports {
            let signal = &self.top.signals[port.index()];
            key.add(format!("{} {:?}", signal.name, signal.ty));
        }
        let Module { has_clock, has_reset, .. } = self.top;
        key.add(format!("{has_clock} {has_reset} {}", self.late_fall()));
        key.add(self.reset.word());
        key.finish()
    }

    fn verilate(&self, folder: &Path) -> Result<(), ToolError> {
        let names = file_names(self.files);
        let run = |optimization: &[&str]| {
            let mut arguments: Vec<&str> = VERILATE.to_vec();
            arguments.push(&self.top.name);
            arguments.extend(optimization);
            if self.options.assertions {
                arguments.extend(["--assert", "-DFORMAL"]);
            }
            if self.options.trace {
                arguments.push("--trace-fst");
            }
            if self.options.coverage {
                arguments.extend(["--coverage-line", "--coverage-toggle"]);
            }
            arguments.extend(names.iter().map(String::as_str));
            VERILATOR.run_at(&self.toolchain.verilator, folder, &arguments)
        };
        let mut output = run(&OPTIMIZED)?;
        // Verilator 5.006 stumbles over reductions of what it found to be one bit.
        if !output.status.success() && said(&output).contains("Internal Error") {
            let _ = fs::remove_dir_all(folder.join("obj"));
            output = run(&PLAIN)?;
        }
        if output.status.success() { Ok(()) } else { Err(VERILATOR.failed(folder, &output)) }
    }

    /// One call compiles and links everything.
    fn compile(&self, runtime: &Path, folder: &Path) -> Result<Vec<u8>, ToolError> {
        files("prepare Verilator's output", || {
            let mut sources: Vec<String> = fs::read_dir(folder.join("obj"))?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| name.ends_with(".cpp"))
                .collect();
            sources.sort();
            let mut all = String::new();
            for source in sources {
                let _ = writeln!(all, "#include \"obj/{source}\"");
            }
            all.push_str("#include \"shim.cpp\"\n");
            let members = fs::read_to_string(folder.join("obj/Vtop.h"))?;
            fs::write(folder.join("all.cpp"), all)?;
            fs::write(folder.join("shim.cpp"), SHIM)?;
            fs::write(folder.join("ports.h"), self.ports(&members))
        })?;

        let mut arguments = compiler_flags(self.options, self.toolchain, level(self.options));
        let here = |name: &str| runtime.join(name).display().to_string();
        arguments.extend(["-I.", "-Iobj", "-include"].map(str::to_string));
        arguments.push(here(HEADER));
        arguments.extend(["-shared", "-Wl,-Bsymbolic", "-o", "library.so"].map(str::to_string));
        arguments.push("all.cpp".to_string());
        arguments.extend(objects(self.options).iter().map(|name| here(&format!("{name}.o"))));
        if self.options.trace {
            arguments.push("-lz".to_string());
            // What newer versions write waveforms with.
            if self.toolchain.root.join("include/fstcpp").is_dir() {
                arguments.push("-llz4".to_string());
            }
        }
        call_compiler(self.toolchain, folder, &arguments)?;
        files("read the library", || fs::read(folder.join("library.so")))
    }

    /// The generated part of the shim: what Verilator calls the ports.
    fn ports(&self, members: &str) -> String {
        let member = |name: &str| {
            // Two underscores in a row are Verilator's own, and names of C++ are told apart.
            let plain = name.replace("__", "___05F");
            let reserved = format!("__SYM__{plain}");
            let is_reserved = members.contains(&format!("(&{reserved},"));
            if is_reserved { reserved } else { plain }
        };
        let mut text = String::from("#define LACUNA_PORTS(X)");
        for &port in &self.top.ports {
            let signal = &self.top.signals[port.index()];
            let bytes = place_bytes(signal.ty.width);
            let _ = write!(text, " X({}, {bytes})", member(&signal.name));
        }
        text.push('\n');
        if self.top.has_clock {
            let rest = u8::from(self.late_fall());
            let _ = writeln!(text, "#define LACUNA_CLOCK clk_i\n#define LACUNA_CLOCK_START {rest}");
        }
        if self.top.has_reset {
            let active = u8::from(self.reset == Reset::SyncHigh);
            let _ = writeln!(text, "#define LACUNA_RESET {}", self.reset.port());
            let _ = writeln!(text, "#define LACUNA_RESET_ACTIVE {active}");
        }
        text
    }
}

/// All that does not depend on the module. What this file does with the tools is part of it, and
/// so is what `library.rs` takes for granted.
fn how(options: Options, toolchain: &Toolchain) -> Digest {
    let mut key = Digest::builder();
    key.add(toolchain.identity);
    let sources = [SHIM, RUNTIME, include_str!("build.rs"), include_str!("library.rs")];
    sources.iter().for_each(|text| key.add(text));
    key.add(format!("{options:?}"));
    key.finish()
}

/// Verilator's own sources that a library needs.
fn objects(options: Options) -> Vec<&'static str> {
    let mut names = vec!["verilated", "verilated_threads"];
    if options.trace {
        names.push("verilated_fst_c");
    }
    if options.coverage {
        names.push("verilated_cov");
    }
    names
}

fn compiler_flags(options: Options, toolchain: &Toolchain, level: &str) -> Vec<String> {
    let mut flags: Vec<String> = COMPILE.map(str::to_string).to_vec();
    flags.push(level.to_string());
    flags.extend(toolchain.include_flags());
    let trace = u8::from(options.trace);
    flags.push("-DVERILATOR=1".to_string());
    flags.extend(["VM_TRACE", "VM_TRACE_FST"].map(|name| format!("-D{name}={trace}")));
    flags.push(format!("-DVM_COVERAGE={}", u8::from(options.coverage)));
    flags
}

fn call_compiler(
    toolchain: &Toolchain,
    folder: &Path,
    arguments: &[String],
) -> Result<(), ToolError> {
    let output = GXX.run_at(&toolchain.compiler, folder, arguments)?;
    if output.status.success() {
        return Ok(());
    }
    let said = said(&output);
    let absent = |(header, _): &&(&str, &str)| said.contains(&format!("{header}: No such file"));
    match HEADERS.iter().find(absent) {
        Some(&(tool, package)) => Err(ToolError::Missing { tool, package }),
        None => Err(GXX.failed(folder, &output)),
    }
}

/// Verilator's runtime and the precompiled header: once for each toolchain and options.
fn runtime(options: Options, toolchain: &Toolchain, cache: &Cache) -> Result<PathBuf, ToolError> {
    // Assertions change nothing of it.
    let options = Options { assertions: false, ..options };
    cache.runtime(how(options, toolchain), |folder| {
        files("write a header", || fs::write(folder.join(HEADER), RUNTIME))?;
        let header = folder.join(HEADER).display().to_string();
        let mut calls: Vec<Vec<String>> = vec![];
        for name in objects(options) {
            let mut arguments = compiler_flags(options, toolchain, RUNTIME_LEVEL);
            let source = toolchain.root.join(format!("include/{name}.cpp"));
            arguments.extend(["-include".to_string(), header.clone(), "-c".to_string()]);
            arguments.extend([source.display().to_string(), "-o".to_string()]);
            arguments.push(format!("{name}.o"));
            calls.push(arguments);
        }
        let mut arguments = compiler_flags(options, toolchain, level(options));
        arguments.extend(["-x", "c++-header", HEADER, "-o"].map(str::to_string));
        // Under another name until the other calls, which would take it, are done.
        arguments.push("precompiled".to_string());
        calls.push(arguments);
        // Threads of its own: one of a pool might take up another build meanwhile, which waits for
        // the lock that this one holds.
        thread::scope(|scope| {
            let calls = calls
                .iter()
                .map(|arguments| scope.spawn(move || call_compiler(toolchain, folder, arguments)));
            let calls: Vec<_> = calls.collect();
            calls.into_iter().try_for_each(|c| c.join().expect("a call does not panic"))
        })?;
        let precompiled = folder.join(format!("{HEADER}.gch"));
        files("rename the header", || fs::rename(folder.join("precompiled"), precompiled))
    })
}

fn files<T>(what: &str, work: impl FnOnce() -> io::Result<T>) -> Result<T, ToolError> {
    work().map_err(|source| ToolError::Files { what: format!("cannot {what}"), source })
}
