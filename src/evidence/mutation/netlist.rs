//! The text as a netlist that holds all its mutants.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::hints::Register;
use super::mutant::{Cells, Command, Mutant};
use crate::cosim::Subject;
use crate::eda::{Cache, Digest, ToolError, YOSYS, file_names, in_folder};
use crate::evidence::formal::offers_registers;
use crate::hdl::ir::{Direction, Module};
use crate::hdl::{Errors, ModuleBuilder};
use crate::verilog::File;

/// The input that says which mutant the netlist is; at 0 it is none.
pub(super) const SELECTOR: &str = "mutant_i";

/// More than any text has: as many as there are.
const ALL: u32 = 1_000_000_000;

/// As close to the text as a netlist can be: words, and memories in one piece.
const READ: &str = "proc; flatten; opt_clean; memory_collect; opt_clean";

/// A netlist with a selector.
#[derive(Serialize, Deserialize)]
pub(super) struct Netlist {
    /// The mutants in it.
    pub mutants: Vec<Mutant>,
    /// How many the text has.
    pub available: usize,
    /// The netlist in Verilog.
    pub verilog: String,
    /// The netlist without any mutant, in Yosys' own language.
    pub original: String,
    /// The registers of that.
    pub registers: Vec<Register>,
    /// Whether everything in that runs on the rising edge of the module's clock.
    pub has_plain_clock: bool,
}

impl Netlist {
    /// Bits of the selector.
    pub fn selector_width(&self) -> u32 {
        selector_width(self.mutants.len())
    }

    /// The netlist of a subject with up to `count` mutants, chosen by `seed`; from the cache, if it
    /// is there.
    pub fn of(
        subject: &Subject,
        count: usize,
        seed: u32,
        cache: &Cache,
    ) -> Result<Netlist, ToolError> {
        let mut key = Digest::builder();
        key.add("mutants");
        key.add(YOSYS.version()?);
        let code =
            [include_str!("netlist.rs"), include_str!("mutant.rs"), include_str!("hints.rs")];
        code.iter().for_each(|me| key.add(me));
        key.add(format!("{} {count} {seed}", subject.module.name));
        for file in &subject.files {
            key.add(&file.module);
            key.add(&file.text);
        }
        let bytes = cache.result(key.finish(), || {
            let netlist = in_folder(&subject.files, |folder| {
                let list = List::of(subject, count, seed, folder)?;
                list.netlist(subject, folder)
            })?;
            Ok(serde_json::to_vec(&netlist).expect("a netlist is plain data"))
        })?;
        Ok(serde_json::from_slice(&bytes).expect("the cache keeps what it was given"))
    }

    /// The netlist's module: the ports of the subject's, and the selector.
    pub fn module(&self, subject: &Subject) -> Result<Arc<Module>, Errors> {
        let module = &subject.module;
        let m = ModuleBuilder::new(&module.name);
        m.clocking(module.has_clock, module.has_reset);
        for &port in &module.ports {
            let signal = module.signal(port);
            match module.direction(port) {
                Direction::Input => drop(m.input(&signal.name, signal.ty)),
                Direction::Output => drop(m.output(&signal.name, signal.ty)),
            }
        }
        m.input(SELECTOR, crate::hdl::uint(self.selector_width()));
        m.finish_black_box(None, None)
    }

    /// The text of [`module`](Netlist::module).
    pub fn files(&self, subject: &Subject) -> Vec<File> {
        vec![File { module: subject.module.name.clone(), text: self.verilog.clone() }]
    }
}

fn selector_width(mutants: usize) -> u32 {
    mutants.max(1).ilog2() + 1
}

/// What Yosys says that may be changed.
struct List {
    mutants: Vec<Mutant>,
    available: usize,
    registers: Vec<Register>,
    has_plain_clock: bool,
}

impl List {
    /// Reads the text in `folder` and lists its mutants.
    fn of(subject: &Subject, count: usize, seed: u32, folder: &Path) -> Result<List, ToolError> {
        let (files, top) = (file_names(&subject.files).join(" "), &subject.module.name);
        run(
            folder,
            &format!(
                "read_verilog {files}; hierarchy -check -top {top}; {READ}; write_rtlil \
                 original.il; write_json original.json; mutate -list {ALL} -seed {seed} -o all; \
                 memory_map; opt_clean; write_json registers.json"
            ),
        )?;
        let all = commands(folder, "all")?;
        let cells = Cells::parse(read(folder, "original.json")?.as_bytes(), top);
        let cells = cells.ok_or_else(|| not_understood(folder, "its netlist"))?;
        let registers = Register::parse(read(folder, "registers.json")?.as_bytes(), top);
        let registers = registers.ok_or_else(|| not_understood(folder, "its registers"))?;
        let surplus = all.iter().filter(|command| command.is_of_yosys()).count();
        let available = all.len() - surplus;
        let mut chosen = all;
        if count < available {
            // Yosys spreads them over the text. Those that are no mistakes in it do not count.
            let some = count + surplus;
            run(
                folder,
                &format!("read_rtlil original.il; mutate -list {some} -seed {seed} -o some"),
            )?;
            chosen = commands(folder, "some")?;
        }
        chosen.retain(|command| !command.is_of_yosys());
        chosen.truncate(count);
        let numbered = (1..).zip(chosen);
        let mutants =
            numbered.map(|(number, command)| cells.mutant(number, command, &subject.files));
        let mutants: Option<Vec<Mutant>> = mutants.collect();
        let mutants = mutants.ok_or_else(|| not_understood(folder, "the places of its cells"))?;
        Ok(List { mutants, available, registers, has_plain_clock: cells.has_plain_clock })
    }

    /// Puts all mutants into one netlist.
    fn netlist(self, subject: &Subject, folder: &Path) -> Result<Netlist, ToolError> {
        let width = selector_width(self.mutants.len());
        let mut script = "read_rtlil original.il\n".to_string();
        for mutant in &self.mutants {
            script += &mutant.script(width);
        }
        // Where outputs follow inputs at once, bits of a word may depend on others of it. With
        // mutants between, Verilator 5.006 takes such words for loops, and may leave them before
        // they have settled; their bits are none.
        let split = if offers_registers(&subject.module) { "" } else { "splitnets\n" };
        script += &format!("{split}opt_clean\nwrite_verilog -noattr {}.v\n", subject.module.name);
        std::fs::write(folder.join("mutate.ys"), script).map_err(cannot("write a script"))?;
        run(folder, "script mutate.ys")?;
        Ok(Netlist {
            mutants: self.mutants,
            available: self.available,
            has_plain_clock: self.has_plain_clock,
            verilog: read(folder, &format!("{}.v", subject.module.name))?,
            original: read(folder, "original.il")?,
            registers: self.registers,
        })
    }
}

fn run(folder: &Path, script: &str) -> Result<(), ToolError> {
    YOSYS.run_well(folder, &["-q", "-p", script]).map(drop)
}

fn commands(folder: &Path, file: &str) -> Result<Vec<Command>, ToolError> {
    let commands: Option<Vec<_>> = read(folder, file)?.lines().map(Command::parse).collect();
    commands.ok_or_else(|| not_understood(folder, "its list of mutations"))
}

pub(super) fn read(folder: &Path, file: &str) -> Result<String, ToolError> {
    std::fs::read_to_string(folder.join(file)).map_err(cannot("read what Yosys wrote"))
}

fn cannot(what: &'static str) -> impl Fn(std::io::Error) -> ToolError {
    move |source| ToolError::Files { what: format!("cannot {what}"), source }
}

pub(super) fn not_understood(folder: &Path, what: &str) -> ToolError {
    ToolError::Failed {
        tool: YOSYS.command,
        last_lines: format!("cannot understand {what}"),
        folder: folder.to_path_buf(),
    }
}
