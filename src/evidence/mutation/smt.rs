//! A netlist as a machine for an SMT solver, as Yosys' `write_smt2` prints it.

use std::collections::BTreeSet;

use crate::eda::{ToolError, Z3, in_folder};
use crate::verilog::File;

/// More steps of the solver than this are not spent on a question. A count, not a time, so that the
/// answer is the same on every machine.
const EFFORT: u64 = 5_000_000;

/// A module's states and how one follows another.
///
/// Yosys writes functions of a state. Here they become constants, one set for each state that is
/// spoken of, because the solver unfolds a function at each call: what a state's `x` is called in
/// Yosys, `(|x| state)`, is `|x@g|` for a state `g`.
pub(super) struct Machine {
    /// The module.
    name: String,
    /// What a state consists of, and what is computed from that.
    lines: Vec<Line>,
    /// What the next state consists of.
    next: Vec<String>,
    /// The registers.
    pub registers: Vec<Register>,
    /// The widths of products that may be any function of their factors.
    any_products: BTreeSet<u32>,
}

#[derive(Clone)]
enum Line {
    /// Anything of a type.
    Declared { name: String, ty: String },
    /// A value of a type.
    Defined { name: String, ty_and_value: String },
}

/// A register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Register {
    name: String,
    /// Bits.
    pub width: u32,
    is_bool: bool,
}

impl Register {
    /// What it is called where states are declared.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value in a state.
    pub fn of(&self, state: &str) -> String {
        format!("|{}@{state}|", self.name)
    }

    /// That it has a value in a state; of a register of up to 64 bits.
    pub fn is(&self, state: &str, value: u64) -> String {
        let of = self.of(state);
        match self.is_bool {
            true if value == 0 => format!("(not {of})"),
            true => of,
            false => format!("(= {of} (_ bv{value} {}))", self.width),
        }
    }
}

impl Machine {
    /// Reads what Yosys wrote about the module `name`; none if it is something else.
    pub fn parse(name: &str, text: &str) -> Option<Machine> {
        let of_a_state = format!("| ((state |{name}_s|)) ");
        let declared = format!("| (|{name}_s|) ");
        let transition = format!("(define-fun |{name}_t| ");
        let (before, after) = text.split_at(text.find(&transition)?);
        let mut lines = vec![];
        for line in before.lines() {
            let code = line.split(" ; ").next()?;
            if let Some((name, ty)) =
                code.strip_prefix("(declare-fun |").and_then(|rest| rest.split_once(&declared))
            {
                let (name, ty) = (name.to_string(), ty.strip_suffix(')')?.to_string());
                lines.push(Line::Declared { name, ty });
            } else if let Some((name, value)) =
                code.strip_prefix("(define-fun |").and_then(|rest| rest.split_once(&of_a_state))
                && code.ends_with(')')
            {
                let (name, ty_and_value) = (name.to_string(), value.to_string());
                lines.push(Line::Defined { name, ty_and_value });
            }
        }
        let next: Vec<String> = after
            .lines()
            .skip(1)
            .take_while(|line| line.starts_with("  "))
            .map(|line| line.split(" ; ").next().unwrap_or_default().trim().to_string())
            .collect();
        let register = |line: &String| {
            let end = line.find("| next_state)")?;
            let name = &line[line[..end].rfind("(|")? + 2..end];
            let ty = lines.iter().find_map(|line| match line {
                Line::Declared { name: declared, ty } if declared == name => Some(ty),
                _ => None,
            })?;
            let is_bool = ty == "Bool";
            let width = match ty.strip_prefix("(_ BitVec ") {
                Some(width) => width.strip_suffix(')')?.parse().ok()?,
                None => is_bool.then_some(1)?,
            };
            Some(Register { name: name.to_string(), width, is_bool })
        };
        let registers = next.iter().map(register).collect::<Option<_>>()?;
        let (name, any_products) = (name.to_string(), BTreeSet::new());
        Some(Machine { name, lines, next, registers, any_products })
    }

    /// The same with products that may be any function of their factors; none if it has no products.
    /// What holds then holds of products, and equal factors have equal products without a look at
    /// their bits, which is what a solver is bad at.
    pub fn with_any_products(&self) -> Option<Machine> {
        let mut any_products = BTreeSet::new();
        let mut line = |line: &Line| {
            let Line::Defined { name, ty_and_value } = line else { return line.clone() };
            let parts =
                ty_and_value.strip_prefix("(_ BitVec ").and_then(|r| r.split_once(") (bvmul "));
            let Some((width, factors)) = parts else { return line.clone() };
            any_products.extend(width.parse::<u32>().ok());
            let ty_and_value = format!("(_ BitVec {width}) (|product {width}| {factors}");
            Line::Defined { name: name.clone(), ty_and_value }
        };
        let lines: Vec<Line> = self.lines.iter().map(&mut line).collect();
        let Machine { name, next, registers, .. } = self;
        let (name, next, registers) = (name.clone(), next.clone(), registers.clone());
        let machine = Machine { name, lines, next, registers, any_products };
        (!machine.any_products.is_empty()).then_some(machine)
    }

    /// A new state, in which some of what it consists of has a value.
    fn state(&self, state: &str, value: impl Fn(&str) -> Option<String>) -> String {
        let line = |line: &Line| match line {
            Line::Declared { name, ty } => match value(name) {
                Some(value) => format!("(define-fun |{name}@{state}| () {ty} {value})\n"),
                None => format!("(declare-const |{name}@{state}| {ty})\n"),
            },
            Line::Defined { name, ty_and_value } => {
                format!("(define-fun |{name}@{state}| () {}\n", at(ty_and_value, state, state))
            }
        };
        self.lines.iter().map(line).collect()
    }

    /// What an input is called where states are declared; none if nothing there depends on it.
    pub fn input(&self, port: &str) -> Option<&str> {
        let wanted = format!("{}_n {port}", self.name);
        self.lines.iter().find_map(|line| match line {
            Line::Defined { name, ty_and_value } if *name == wanted => {
                // The declared value itself, or that its only bit is 1.
                Some(ty_and_value.split_once("(|")?.1.split_once("| state)")?.0)
            }
            _ => None,
        })
    }

    /// The value of a port in a state.
    pub fn port(&self, port: &str, state: &str) -> String {
        format!("|{}_n {port}@{state}|", self.name)
    }

    /// That one state follows another.
    pub fn follows(&self, state: &str, next: &str) -> String {
        let parts: Vec<String> = self.next.iter().map(|line| at(line, state, next)).collect();
        format!("(and true {})", parts.join(" "))
    }
}

/// What is said about `state` and `next_state`, said about two others.
fn at(text: &str, state: &str, next: &str) -> String {
    let mut parts = text.split("(|");
    let mut said = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (name, rest) = part.split_once('|').unwrap_or((part, ""));
        let of = |of: &str, rest: &str| format!("|{name}@{of}|{rest}");
        said += &match (rest.strip_prefix(" state)"), rest.strip_prefix(" next_state)")) {
            (Some(rest), _) => of(state, rest),
            (_, Some(rest)) => of(next, rest),
            _ => format!("(|{part}"),
        };
    }
    said
}

/// A script for the solver.
pub(super) struct Script<'a> {
    machine: &'a Machine,
    text: String,
    questions: usize,
}

impl<'a> Script<'a> {
    pub fn new(machine: &'a Machine) -> Script<'a> {
        let mut text = format!("(set-option :rlimit {EFFORT})\n(set-logic QF_UFBV)\n");
        for width in &machine.any_products {
            let ty = format!("(_ BitVec {width})");
            text += &format!("(declare-fun |product {width}| ({ty} {ty}) {ty})\n");
        }
        Script { machine, text, questions: 0 }
    }

    /// Speaks of a new state. What `value` has a value for is that and nothing else, which tells the
    /// solver more than to assert it: what is computed from the same is the same without a thought.
    pub fn state(&mut self, state: &str, value: impl Fn(&str) -> Option<String>) {
        self.text += &self.machine.state(state, value);
    }

    /// Takes something for true.
    pub fn assert(&mut self, claim: &str) {
        self.text += &format!("(assert {claim})\n");
    }

    /// What is said in `work` counts only there.
    pub fn aside(&mut self, work: impl FnOnce(&mut Self)) {
        self.text += "(push)\n";
        work(self);
        self.text += "(pop)\n";
    }

    /// Asks whether `claim` follows from what was said.
    pub fn ask(&mut self, claim: &str) {
        self.text += &format!("(push)\n(assert (not {claim}))\n(check-sat)\n(pop)\n");
        self.questions += 1;
    }

    /// The answers: of each claim, whether it follows. It may, and the answer be no, if to find out
    /// takes too long.
    ///
    /// # Errors
    /// If the solver is missing, or does not understand the script.
    pub fn answers(self) -> Result<Vec<bool>, ToolError> {
        let file = File { module: "script".to_string(), text: self.text };
        in_folder(&[file], |folder| {
            let output = Z3.run(folder, &["-smt2", "script.v"])?;
            let text = String::from_utf8_lossy(&output.stdout);
            match answers(&text, self.questions) {
                Some(answers) => Ok(answers),
                None => Err(Z3.failed(folder, &output)),
            }
        })
    }
}

/// What a solver wrote to so many questions: of each, whether the claim follows. None if it is not
/// an answer to all of them.
fn answers(text: &str, questions: usize) -> Option<Vec<bool>> {
    let mut answers = vec![];
    for line in text.lines().map(str::trim) {
        match line {
            "unsat" => answers.push(true),
            "sat" | "unknown" => answers.push(false),
            // A limit that is reached between two questions is an error, and ends the answers.
            _ if line.contains("canceled") => {
                answers.resize(answers.len().max(questions), false);
                break;
            }
            _ => return None,
        }
    }
    (answers.len() == questions).then_some(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_answered_does_not_follow() {
        assert_eq!(answers("unsat\nsat\nunknown\n", 3), Some(vec![true, false, false]));
        let canceled = "unsat\n(error \"line 9 column 8: push canceled\")\n";
        assert_eq!(answers(canceled, 3), Some(vec![true, false, false]));
        assert_eq!(answers("unsat\n", 3), None);
        assert_eq!(answers("unsat\n(error \"line 9: unknown constant\")\nsat\n", 3), None);
    }
}
