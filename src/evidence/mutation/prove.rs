//! Proof that a mutant does what the original does, though nobody who looks could tell.
//!
//! Two copies of the netlist, the original and one with the mutant, get the same inputs. Until the
//! mutant is armed, in any reset or, where there is none, at any time, it does what the original does;
//! so both are reset in the same state, any that the original reaches from a power-up at which every
//! register is 0. From then on what an observer sees has to be equal outside of resets for ever: plain
//! outputs, valid and ready always, a payload while it is valid.
//!
//! ABC proves that: registers and nets that are the same in both copies are found by induction and
//! merged (`scorr`; Mishchenko, Case, Brayton and Jang, "Scalable and scalably-verifiable sequential
//! synthesis", ICCAD 2008), and what then is left is searched for a difference or an invariant that
//! rules one out (`pdr`; Eén, Mishchenko and Brayton, "Efficient implementation of property directed
//! reachability", FMCAD 2011).
//!
//! What is not proven for all inputs is tried again for those that keep the contract of streams: what
//! is offered and not taken stays. And of what is not proven at first, a difference is looked for that
//! such inputs show of a mutant that is armed from power-up on (`bmc3`; Biere, Cimatti, Clarke and Zhu,
//! "Symbolic model checking without BDDs", TACAS 1999).
//!
//! A reset lasts at least one edge of the clock, two where the clock is not the module's alone.
//! Memories become registers, so a large one takes long.

use std::path::Path;
use std::time::Duration;

use super::hints::{Register, expose, hints};
use super::mutant::Mutant;
use super::netlist::{Netlist, SELECTOR, not_understood, read};
use crate::config::Reset;
use crate::cosim::Subject;
use crate::eda::{ABC, ToolError, YOSYS, in_folder};
use crate::hdl::ir::{Direction, SignalId};
use crate::verilog::File;

/// What `pdr` has not found out in so many seconds stays open. Most of what it finds takes less than
/// one; what takes longer, mostly an invariant that counts, takes hours.
const PROOF_LIMIT: u32 = 10;

/// How many seconds `bmc3` looks for a difference.
const SEARCH_LIMIT: u32 = 30;

/// `scorr` has no limit of its own, and where the copies multiply it may take for ever.
const WHOLE_LIMIT: Duration = Duration::from_secs(120);

/// How time is modelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    /// A step is a cycle; everything runs on the rising edge of the one clock.
    Cycles,
    /// The clock is an input like others, a step is any moment.
    Moments,
}

/// What is known of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// It does what the original does.
    Same,
    /// After so many cycles an observer can see that it does not.
    Differs { after: u32 },
    /// Neither was found out.
    Open,
}

/// How a proof or a difference is looked for.
#[derive(Clone, Copy)]
struct Attempt {
    /// Whether the netlist is simplified first: it may be small enough for a proof then, or its
    /// copies no longer alike.
    is_simplified: bool,
    /// Whether inputs keep the contract of streams, which takes registers.
    in_contract: bool,
    /// Steps of the second induction, which finds what one step alone does not: that a value is used
    /// up before it is looked at, say. Few take little time; as many as a calculation has cycles find
    /// that it comes to the same in the end.
    steps: u32,
    /// Whether induction is given hints.
    has_hints: bool,
    /// Whether a difference is looked for, of a mutant that is armed from power-up on, instead of a
    /// proof.
    is_search: bool,
}

impl Attempt {
    const FIRST: Attempt = Attempt {
        is_simplified: false,
        in_contract: false,
        steps: 4,
        has_hints: false,
        is_search: false,
    };

    /// What ABC does with a miter of which `output` says that the copies differ.
    fn commands(self, output: &str) -> String {
        // With hints there is much to refute, and what is given up is lost.
        let first = match self.has_hints {
            true => format!("scorr -C 100000; cone -s -O {output}"),
            false => "scorr".to_string(),
        };
        let (engine, limit) = match self.is_search {
            true => ("bmc3", SEARCH_LIMIT),
            false => ("pdr", PROOF_LIMIT),
        };
        format!(
            "read_aiger miter.aig; {first}; scorr -F {}; {engine} -T {limit}; print_status",
            self.steps
        )
    }
}

/// Those that find most first.
const ATTEMPTS: [Attempt; 7] = [
    Attempt::FIRST,
    Attempt { has_hints: true, ..Attempt::FIRST },
    Attempt { in_contract: true, is_search: true, ..Attempt::FIRST },
    Attempt { is_simplified: true, ..Attempt::FIRST },
    Attempt { steps: 32, ..Attempt::FIRST },
    Attempt { in_contract: true, ..Attempt::FIRST },
    Attempt { in_contract: true, has_hints: true, ..Attempt::FIRST },
];

/// What can be found out of the mutant and the original.
///
/// # Errors
/// If a tool is missing, or does not accept the netlist.
pub(super) fn compare(
    subject: &Subject,
    netlist: &Netlist,
    mutant: &Mutant,
) -> Result<Comparison, ToolError> {
    let is_plain = netlist.has_plain_clock && !mutant.is_of_a_clock();
    let time = if is_plain { Time::Cycles } else { Time::Moments };
    // What breaks the contract may show a difference that is none.
    let mut breaks_it = false;
    for attempt in ATTEMPTS {
        let takes_cycles = attempt.in_contract || attempt.has_hints;
        if (takes_cycles && time == Time::Moments) || (breaks_it && !attempt.in_contract) {
            continue;
        }
        match tried(subject, netlist, mutant, (time, attempt))? {
            Comparison::Same if !attempt.is_search => return Ok(Comparison::Same),
            found @ Comparison::Differs { .. } if attempt.is_search => return Ok(found),
            Comparison::Differs { .. } => breaks_it = true,
            _ => {}
        }
    }
    Ok(Comparison::Open)
}

fn tried(
    subject: &Subject,
    netlist: &Netlist,
    mutant: &Mutant,
    (time, attempt): (Time, Attempt),
) -> Result<Comparison, ToolError> {
    let text = miter(subject, netlist, mutant, (time, attempt));
    let miter = File { module: "miter".into(), text };
    in_folder(&[miter], |folder| {
        write(folder, "original.il", &netlist.original)?;
        write(folder, "miter.ys", &script(subject, netlist, mutant, (time, attempt)))?;
        YOSYS.run_well(folder, &["-q", "miter.ys"])?;
        let commands = ["-c", &attempt.commands(&output(folder)?)];
        let Some(output) = ABC.run_within(WHOLE_LIMIT, folder, &commands)? else {
            return Ok(Comparison::Open);
        };
        let said = String::from_utf8_lossy(&output.stdout);
        status(&said).ok_or_else(|| ABC.failed(folder, &output))
    })
}

/// What hints alone find out of a mutant in a netlist of one clock.
#[cfg(test)]
pub(super) fn hinted(subject: &Subject, netlist: &Netlist, mutant: &Mutant) -> Comparison {
    let attempt = Attempt { has_hints: true, ..Attempt::FIRST };
    tried(subject, netlist, mutant, (Time::Cycles, attempt)).unwrap()
}

/// The number of the miter's output that says that the copies differ.
fn output(folder: &Path) -> Result<String, ToolError> {
    let outputs = read(folder, "outputs")?;
    let number =
        outputs.lines().find_map(|line| line.strip_prefix("output ")?.strip_suffix(" 0 differ_o"));
    number.map(str::to_string).ok_or_else(|| not_understood(folder, "its list of outputs"))
}

/// What `print_status` said; none if it said nothing.
fn status(said: &str) -> Option<Comparison> {
    let status = said.lines().rev().find_map(|line| line.trim().strip_prefix("Status = "))?;
    let frame = || status.split_once(" Frame =")?.1.split_whitespace().next()?.parse().ok();
    match status.chars().next()? {
        '1' => Some(Comparison::Same),
        '0' => frame().map(|after| Comparison::Differs { after }),
        _ => Some(Comparison::Open),
    }
}

/// Makes the miter's one output a circuit of ANDs and registers that begin with 0.
fn script(
    subject: &Subject,
    netlist: &Netlist,
    mutant: &Mutant,
    (time, attempt): (Time, Attempt),
) -> String {
    let top = &subject.module.name;
    let [of_words, of_gates] =
        if attempt.is_simplified { ["opt -full; ", "opt; "] } else { [""; 2] };
    let one_clock = match time {
        Time::Cycles => "async2sync",
        Time::Moments => "clk2fflogic",
    };
    let expose = |module: &str| match attempt.has_hints {
        true => expose(&netlist.registers, module),
        false => String::new(),
    };
    let (of_original, of_mutant) = (expose("original"), expose("mutant"));
    format!(
        "read_rtlil original.il; rename {top} original\n{of_original}\
         read_rtlil original.il\n\
         {}rename {top} mutant\n{of_mutant}\
         read_verilog -formal miter.v; hierarchy -check -top miter; proc; flatten\n\
         memory_map; setundef -zero -init; {one_clock}; setundef -zero -undriven -init\n\
         {of_words}techmap; {of_gates}dffunmap; setundef -zero -undriven; aigmap; opt_clean; \
         write_aiger -zinit -map outputs miter.aig\n",
        mutant.script(netlist.selector_width())
    )
}

/// Both copies, and whether they are seen to differ.
fn miter(
    subject: &Subject,
    netlist: &Netlist,
    mutant: &Mutant,
    (time, attempt): (Time, Attempt),
) -> String {
    let module = &subject.module;
    let reset = module.has_reset.then(|| subject.tech.reset.port());
    let clock = module.has_clock.then_some("clk_i");
    let mut ports = vec!["input arm_i".to_string(), "output differ_o".to_string()];
    ports.extend(clock.iter().chain(&reset).map(|name| format!("input {name}")));
    let pins = clock.iter().chain(&reset).map(|name| format!(".{name}({name})"));
    let mut copies = [pins.clone().collect::<Vec<_>>(), pins.collect()];
    let mut nets = String::new();
    for &id in &module.ports {
        let signal = module.signal(id);
        let (name, range) = (&signal.name, format!("[{}:0]", signal.ty.width - 1));
        match module.direction(id) {
            Direction::Input => ports.push(format!("input {range} {name}")),
            Direction::Output => nets += &format!("wire {range} \\o:{name} , \\m:{name} ;\n"),
        }
        for (copy, pins) in ["o", "m"].iter().zip(&mut copies) {
            pins.push(match module.direction(id) {
                Direction::Input => format!(".{name}({name})"),
                Direction::Output => format!(".{name}(\\{copy}:{name} )"),
            });
        }
    }
    let mut hinted = vec![];
    if attempt.has_hints {
        for Register { name, width, .. } in &netlist.registers {
            nets += &format!("wire [{}:0] \\o:{name} , \\m:{name} ;\n", width - 1);
            for (copy, pins) in ["o", "m"].iter().zip(&mut copies) {
                pins.push(format!(".\\{name} (\\{copy}:{name} )"));
            }
        }
        hinted = hints(&netlist.registers);
        let count = hinted.len();
        ports.extend((count > 0).then(|| format!("output [{}:0] hint_o", count - 1)));
    }
    let hinted = hinted.iter().enumerate();
    let hinted = hinted.map(|(index, hint)| format!("assign hint_o[{index}] = {hint};\n"));
    let hinted: String = hinted.collect();
    let (width, number) = (netlist.selector_width(), mutant.number);
    copies[1].push(format!(".{SELECTOR}(armed ? {width}'d{number} : {width}'d0)"));
    let [original, mutant] = copies.map(|pins| pins.join(", "));
    let is_reset = reset.map_or("1'b0".into(), |port| match subject.tech.reset {
        Reset::SyncHigh => port.to_string(),
        Reset::AsyncLow | Reset::SyncLow => format!("!{port}"),
    });
    format!(
        "module miter ({});\n\
         {nets}original u_original ({original});\n\
         mutant u_mutant ({mutant});\n\
         wire is_reset = {is_reset};\n\
         {}{}{hinted}\
         assign differ_o = begun && !is_reset && !is_broken && ({});\n\
         endmodule\n",
        ports.join(", "),
        beginning(module.has_clock, module.has_reset, time, attempt.is_search),
        if attempt.in_contract {
            contract(subject)
        } else {
            "wire is_broken = 1'b0;\n".to_string()
        },
        differences(subject).join(" || ")
    )
}

/// When the mutant is armed, at any time or from power-up on, and when the comparison has begun: from
/// the first reset on.
fn beginning(has_clock: bool, has_reset: bool, time: Time, is_armed: bool) -> String {
    if !has_clock && time == Time::Cycles {
        return "wire armed = arm_i, begun = arm_i;\n".to_string();
    }
    let clock = match time {
        Time::Cycles => "wire moment = clk_i;\nwire is_edge = 1'b1;\n".to_string(),
        Time::Moments => {
            let now = if has_clock { "clk_i" } else { "1'b0" };
            format!(
                "(* gclk *) reg moment;\nreg was = 0;\nalways @(posedge moment) was <= {now};\n\
                 wire is_edge = {now} && !was;\n"
            )
        }
    };
    let may_arm = if has_reset { "is_reset" } else { "1'b1" };
    let edges = match (has_reset, time) {
        (false, _) => 0,
        (true, Time::Cycles) => 1,
        (true, Time::Moments) => 2,
    };
    format!(
        "{clock}reg armed = {};\nreg [1:0] edges = 0;\nreg reached = 0;\n\
         always @(posedge moment) begin\n\
         armed <= armed || (arm_i && {may_arm});\n\
         edges <= (armed && is_reset) ? edges + (is_edge && edges != 3) : 0;\n\
         reached <= reached || begun;\n\
         end\n\
         wire begun = reached || (armed && edges >= {edges});\n",
        u8::from(is_armed)
    )
}

/// Whether what was offered and not taken has ever been something else in the next cycle.
fn contract(subject: &Subject) -> String {
    let module = &subject.module;
    let name = |id: SignalId| &module.signal(id).name;
    let mut text = String::new();
    let mut breaks = vec!["1'b0".to_string()];
    for stream in module.streams.iter().filter(|stream| stream.direction == Direction::Input) {
        let (valid, ready) = (name(stream.valid), name(stream.ready));
        text += &format!(
            "reg \\waited:{valid} = 0;\nalways @(posedge clk_i) \\waited:{valid} <= {valid} && \
             !\\o:{ready} && !is_reset;\n"
        );
        let mut kept = vec![valid.to_string()];
        for &id in &stream.payload {
            let (field, width) = (name(id), module.signal(id).ty.width);
            text += &format!(
                "reg [{}:0] \\was:{field} = 0;\nalways @(posedge clk_i) \\was:{field} <= {field};\n",
                width - 1
            );
            kept.push(format!("{field} == \\was:{field} "));
        }
        breaks.push(format!("(\\waited:{valid} && !({}))", kept.join(" && ")));
    }
    text += &format!(
        "reg was_broken = 0;\nwire is_broken = was_broken || {};\n\
         always @(posedge clk_i) was_broken <= is_broken;\n",
        breaks.join(" || ")
    );
    text
}

/// What an observer may see that is not the same.
fn differences(subject: &Subject) -> Vec<String> {
    let module = &subject.module;
    let differ = |id: SignalId| {
        let name = &module.signal(id).name;
        let is_other = format!("\\o:{name} != \\m:{name} ");
        match module.stream_of(id).filter(|stream| stream.payload.contains(&id)) {
            Some(stream) => format!("(\\o:{} && {is_other})", module.signal(stream.valid).name),
            None => format!("({is_other})"),
        }
    };
    let outputs = module.ports.iter().filter(|&&id| module.direction(id) == Direction::Output);
    outputs.map(|&id| differ(id)).collect()
}

fn write(folder: &Path, file: &str, text: &str) -> Result<(), ToolError> {
    std::fs::write(folder.join(file), text)
        .map_err(|source| ToolError::Files { what: "cannot write for Yosys".into(), source })
}
