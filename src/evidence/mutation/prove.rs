//! Proof that a mutant does what the original does, though nobody who looks could tell.
//!
//! Two copies of the netlist with the mutants start in the same state, any state, are reset, and
//! get the same inputs from then on, resets included; in one of them the selector is 0, in the other
//! it names the mutant. What has to be equal in each cycle outside of resets is what an observer
//! sees: plain outputs, valid and ready always, a payload while it is valid.
//!
//! The proof is by induction over any number of cycles. What holds from one cycle to the next is
//! searched among many candidates: those that do not hold after the reset, or do not follow from
//! all others one cycle before, are given up until the rest stands (the greatest inductive subset,
//! as in Flanagan and Leino, "Houdini", FME 2001). The candidates are that a register is equal in
//! both copies, always or while a bit of state has a value, and that a small register of the
//! original never has some value.
//!
//! A reset lasts at least one edge of the clock. Memories become registers, so a large one takes long.

use std::collections::HashSet;
use std::path::Path;

use super::mutant::Mutant;
use super::netlist::{Netlist, SELECTOR};
use super::smt::{Machine, Register, Script};
use crate::config::Reset;
use crate::cosim::Subject;
use crate::eda::{ToolError, YOSYS, in_folder};
use crate::hdl::ir::Direction;

/// Registers, alone or two together, of up to as many bits are asked which values they take.
const SMALL: u32 = 6;

/// The original and a mutant of it, as one machine with a selector.
pub(super) struct Pair<'a> {
    subject: &'a Subject,
    machine: Machine,
    /// The machine with products that may be anything, if it has products.
    abstracted: Option<Machine>,
    selector_width: u32,
    /// Steps of the machine that a reset takes, with the clock's level in each if it has one.
    reset_steps: Vec<Option<bool>>,
    /// What is known of the original's states, over a state `g`.
    known: Vec<String>,
}

/// How time is modelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    /// A step is a cycle; everything runs on the rising edge of the one clock.
    Cycles,
    /// The clock is an input like others, a step is any moment.
    Moments,
}

impl<'a> Pair<'a> {
    /// The machine of the netlist with these mutants.
    pub fn new(
        subject: &'a Subject,
        netlist: &Netlist,
        mutants: &[&Mutant],
    ) -> Result<Pair<'a>, ToolError> {
        let has_plain_clock =
            netlist.has_plain_clock && !mutants.iter().any(|mutant| mutant.is_of_a_clock());
        let time = if has_plain_clock { Time::Cycles } else { Time::Moments };
        let machine = machine(subject, netlist, mutants, time)?;
        let reset_steps = match (subject.module.has_reset, time) {
            (false, _) => vec![],
            (true, Time::Cycles) => vec![None],
            (true, Time::Moments) => [false, true, false, true].map(Some).to_vec(),
        };
        let selector_width = netlist.selector_width();
        let abstracted = machine.with_any_products();
        Ok(Pair { subject, machine, abstracted, selector_width, reset_steps, known: vec![] })
    }

    /// Finds out what the original's small registers never hold, for proofs that need it.
    pub fn learn(&mut self) -> Result<(), ToolError> {
        self.known = self.unreachable()?;
        Ok(())
    }

    /// Whether the mutant does what the original does in every state, reached or not.
    pub fn is_equivalent_anywhere(&self, mutant: &Mutant) -> Result<bool, ToolError> {
        self.holds(mutant, self.equalities())
    }

    /// Whether the mutant is proven to do what the original does, by all that is known.
    pub fn is_equivalent(&self, mutant: &Mutant) -> Result<bool, ToolError> {
        Ok(self.holds(mutant, self.equalities())? || self.holds(mutant, self.conditional())?)
    }

    /// Whether what is seen is equal wherever the candidates hold that can.
    fn holds(&self, mutant: &Mutant, candidates: Vec<String>) -> Result<bool, ToolError> {
        if let Some(abstracted) = &self.abstracted
            && self.holds_in(abstracted, mutant, candidates.clone())?
        {
            return Ok(true);
        }
        self.holds_in(&self.machine, mutant, candidates)
    }

    fn holds_in(
        &self,
        machine: &Machine,
        mutant: &Mutant,
        mut left: Vec<String>,
    ) -> Result<bool, ToolError> {
        let mut is_first = true;
        loop {
            let mut script = Script::new(machine);
            if is_first {
                script.aside(|script| self.ask_after_reset(script, &left, mutant.number));
            }
            self.states(&mut script, ["g", "m"], mutant.number, &left);
            left.iter().chain(&self.known).for_each(|claim| script.assert(claim));
            script.aside(|script| self.ask_next(script, &left, mutant.number));
            script.assert(&format!("(not {})", self.in_reset("g")));
            script.ask(&self.seen_equal());
            let mut answers = script.answers()?;
            // With fewer claims to rely on, it would not follow either.
            if answers.pop() != Some(true) {
                return Ok(false);
            }
            let before = left.len();
            left = kept(left, &answers);
            if left.len() == before {
                return Ok(true);
            }
            is_first = false;
        }
    }

    /// Asks whether the claims hold in the states that follow.
    fn ask_next(&self, script: &mut Script, claims: &[String], mutant: usize) {
        self.states(script, ["g2", "m2"], mutant, &[]);
        for (state, next) in [("g", "g2"), ("m", "m2")] {
            script.assert(&self.machine.follows(state, next));
        }
        claims.iter().for_each(|claim| script.ask(&moved(claim, "g2", "m2")));
    }

    /// What the original's small registers never hold.
    fn unreachable(&self) -> Result<Vec<String>, ToolError> {
        let small = |register: &&Register| register.width <= SMALL;
        let small: Vec<&Register> = self.machine.registers.iter().filter(small).collect();
        let mut candidates = vec![];
        for (index, a) in small.iter().enumerate() {
            let width = a.width;
            candidates.extend((0..1 << width).map(|value| format!("(not {})", a.is("g", value))));
            for b in &small[index + 1..] {
                let total = width + b.width;
                if total <= SMALL {
                    candidates.extend((0..1 << total).map(|value| {
                        let (low, high) = (value & ((1 << width) - 1), value >> width);
                        format!("(not (and {} {}))", a.is("g", low), b.is("g", high))
                    }));
                }
            }
        }
        let mut left = candidates;
        let mut is_first = true;
        loop {
            let mut script = Script::new(&self.machine);
            if is_first {
                script.aside(|script| self.ask_after_reset(script, &left, 0));
            }
            self.state(&mut script, "g", 0);
            left.iter().for_each(|claim| script.assert(claim));
            self.state(&mut script, "g2", 0);
            script.assert(&self.machine.follows("g", "g2"));
            left.iter().for_each(|claim| script.ask(&moved(claim, "g2", "g2")));
            let answers = script.answers()?;
            let before = left.len();
            left = kept(left, &answers);
            if left.len() == before {
                return Ok(left);
            }
            is_first = false;
        }
    }

    /// That each register is the same in both.
    fn equalities(&self) -> Vec<String> {
        self.machine.registers.iter().map(equality).collect()
    }

    /// The same, and that each is where a bit of state has some value, and each bit of each.
    fn conditional(&self) -> Vec<String> {
        let mut candidates = self.equalities();
        let bits: Vec<&Register> =
            self.machine.registers.iter().filter(|register| register.width == 1).collect();
        for register in &self.machine.registers {
            let equal = equality(register);
            for bit in bits.iter().filter(|bit| **bit != register) {
                candidates
                    .extend([0, 1].map(|value| format!("(=> {} {equal})", bit.is("g", value))));
            }
            if let width @ 2..=16 = register.width {
                candidates.extend((0..width).map(|bit| {
                    let of = |state| format!("((_ extract {bit} {bit}) {})", register.of(state));
                    format!("(= {} {})", of("g"), of("m"))
                }));
            }
        }
        candidates
    }

    /// Asks whether the claims hold once the reset is over.
    fn ask_after_reset(&self, script: &mut Script, claims: &[String], mutant: usize) {
        let (mut g, mut m) = ("g".to_string(), "m".to_string());
        self.states(script, [&g, &m], mutant, &self.equalities());
        for (step, clock) in self.reset_steps.iter().enumerate() {
            script.assert(&self.in_reset(&g));
            if let Some(level) = clock {
                script.assert(&format!("(= {} {level})", self.machine.port("clk_i", &g)));
            }
            let next = [format!("g_{step}"), format!("m_{step}")];
            self.states(script, [&next[0], &next[1]], mutant, &[]);
            script.assert(&self.machine.follows(&g, &next[0]));
            script.assert(&self.machine.follows(&m, &next[1]));
            [g, m] = next;
        }
        claims.iter().for_each(|claim| script.ask(&moved(claim, &g, &m)));
    }

    /// Speaks of two states with the same inputs, of the original and of the mutant. Registers are
    /// the same where a claim about the states `g` and `m` says so.
    fn states(&self, script: &mut Script, [g, m]: [&str; 2], mutant: usize, claims: &[String]) {
        let module = &self.subject.module;
        let ports = module.ports.iter().filter(|&&id| module.direction(id) == Direction::Input);
        let mut inputs: Vec<&str> = ports.map(|&id| module.signal(id).name.as_str()).collect();
        inputs.extend(module.has_clock.then_some("clk_i"));
        inputs.extend(module.has_reset.then_some(self.subject.tech.reset.port()));
        let claims: HashSet<&str> = claims.iter().map(String::as_str).collect();
        let registers = self.machine.registers.iter();
        let equal = registers.filter(|r| claims.contains(equality(r).as_str())).map(Register::name);
        let inputs = inputs.into_iter().filter_map(|input| self.machine.input(input));
        let same: HashSet<&str> = inputs.chain(equal).collect();
        self.state(script, g, 0);
        let selector = self.machine.input(SELECTOR);
        script.state(m, |name| match name {
            _ if Some(name) == selector => Some(self.selected(mutant)),
            _ => same.contains(name).then(|| format!("|{name}@{g}|")),
        });
    }

    /// Speaks of a state of a mutant, or of the original.
    fn state(&self, script: &mut Script, state: &str, number: usize) {
        let selector = self.machine.input(SELECTOR);
        script.state(state, |name| (Some(name) == selector).then(|| self.selected(number)));
    }

    /// The selector's value.
    fn selected(&self, number: usize) -> String {
        match self.selector_width {
            1 => format!("{}", number == 1),
            width => format!("(_ bv{number} {width})"),
        }
    }

    fn in_reset(&self, state: &str) -> String {
        if !self.subject.module.has_reset {
            return "false".to_string();
        }
        let reset = self.machine.port(self.subject.tech.reset.port(), state);
        match self.subject.tech.reset {
            Reset::SyncHigh => reset,
            Reset::AsyncLow | Reset::SyncLow => format!("(not {reset})"),
        }
    }

    /// That an observer sees the same.
    fn seen_equal(&self) -> String {
        let module = &self.subject.module;
        let outputs = module.ports.iter().filter(|&&id| module.direction(id) == Direction::Output);
        let claims = outputs.map(|&id| {
            let of = |state| self.machine.port(&module.signal(id).name, state);
            let same = equal(&of("g"), &of("m"));
            match module.stream_of(id).filter(|stream| stream.payload.contains(&id)) {
                Some(stream) => {
                    let valid = self.machine.port(&module.signal(stream.valid).name, "g");
                    format!("(=> {valid} {same})")
                }
                None => same,
            }
        });
        format!("(and true {})", claims.collect::<Vec<_>>().join(" "))
    }
}

fn equal(a: &str, b: &str) -> String {
    format!("(= {a} {b})")
}

/// That a register is the same in the states `g` and `m`.
fn equality(register: &Register) -> String {
    equal(&register.of("g"), &register.of("m"))
}

/// What is said about the states `g` and `m`, said about two others.
fn moved(claim: &str, g: &str, m: &str) -> String {
    claim.replace("@g|", &format!("@{g}|")).replace("@m|", &format!("@{m}|"))
}

/// The claims that every question about them was answered with yes; the questions go through all
/// claims once or several times.
fn kept(claims: Vec<String>, answers: &[bool]) -> Vec<String> {
    let count = claims.len();
    let holds = |index: usize| answers.iter().skip(index).step_by(count).all(|answer| *answer);
    claims.into_iter().enumerate().filter(|(index, _)| holds(*index)).map(|(_, c)| c).collect()
}

/// The netlist with the mutants, for the solver.
fn machine(
    subject: &Subject,
    netlist: &Netlist,
    mutants: &[&Mutant],
    time: Time,
) -> Result<Machine, ToolError> {
    let top = &subject.module.name;
    let mut script = "read_rtlil original.il\n".to_string();
    for mutant in mutants {
        script += &mutant.script(netlist.selector_width());
    }
    // Bits alone, for which solvers are at their best.
    let time = match time {
        Time::Cycles => "async2sync\ndffunmap",
        Time::Moments => "clk2fflogic",
    };
    script += &format!("memory_map\nopt_clean\n{time}\nopt_clean\nwrite_smt2 {top}.smt2\n");
    in_folder(&[], |folder| {
        write(folder, "original.il", &netlist.original)?;
        write(folder, "machine.ys", &script)?;
        let output = YOSYS.run_well(folder, &["-q", "machine.ys"])?;
        let text = std::fs::read_to_string(folder.join(format!("{top}.smt2")));
        let text = text.map_err(cannot("read what Yosys wrote"))?;
        Machine::parse(top, &text).ok_or_else(|| YOSYS.failed(folder, &output))
    })
}

fn write(folder: &Path, file: &str, text: &str) -> Result<(), ToolError> {
    std::fs::write(folder.join(file), text).map_err(cannot("write for Yosys"))
}

fn cannot(what: &'static str) -> impl Fn(std::io::Error) -> ToolError {
    move |source| ToolError::Files { what: format!("cannot {what}"), source }
}
