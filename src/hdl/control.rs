//! Conditional assignment: when, switch, and state machines with named states.

use std::cell::RefCell;

use num_bigint::BigInt;

use super::builder::{MAX_NESTING, ModuleBuilder};
use super::error::ErrorKind;
use super::expr::{Expr, Operand, here};
use super::ir::{SignalKind, Source, StateMachine, Statement};
use super::signal::Signal;
use super::ty::{index_width, uint};

/// A [`when`](ModuleBuilder::when) that can be given alternatives.
pub struct When<'m> {
    builder: &'m ModuleBuilder,
    /// The block that the statement stands in, and its position there.
    depth: usize,
    position: usize,
    /// How many alternatives were chained so far.
    nesting: usize,
}

impl ModuleBuilder {
    /// The assignments that `body` makes count only where `condition` (one bit) is 1.
    ///
    /// ```
    /// # use lacuna::hdl::*;
    /// let m = ModuleBuilder::new("clamp");
    /// let a = m.input("a_i", uint(8));
    /// let b = m.output("b_o", uint(8));
    /// m.when(a.gt(100), || b.set(100)).or_when(a.lt(10), || b.set(10)).otherwise(|| b.set(a));
    /// assert!(m.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn when<'m>(&'m self, condition: impl Operand<'m>, body: impl FnOnce()) -> When<'m> {
        let source = here();
        let condition = self.condition(condition.lift(self, source), source).id;
        let then = self.block(source, body);
        let position = self.with_draft(|draft| draft.open.last().map_or(0, Vec::len));
        self.push_statement(Statement::If { condition, then, otherwise: vec![] });
        When { builder: self, depth: self.depth(), position, nesting: 0 }
    }

    /// The assignments of the arm that `subject` equals count.
    ///
    /// ```
    /// # use lacuna::hdl::*;
    /// let m = ModuleBuilder::new("decoder");
    /// let code = m.input("code_i", uint(2));
    /// let hot = m.output("hot_o", uint(3));
    /// m.switch(code, |arms| {
    ///     arms.case(0, || hot.set(1));
    ///     arms.cases(&[1, 2], || hot.set(2));
    ///     arms.default(|| hot.set(4));
    /// });
    /// assert!(m.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn switch<'m>(&'m self, subject: impl Operand<'m>, body: impl FnOnce(&Switch<'m>)) {
        let source = here();
        let subject = subject.lift(self, source);
        let switch = Switch { builder: self, subject, arms: RefCell::default() };
        body(&switch);
        let (arms, default) = switch.arms.into_inner();
        self.push_statement(Statement::Case {
            subject: subject.id,
            arms,
            default: default.unwrap_or_default(),
        });
    }

    /// Declares a register whose values have names; reset gives it the first.
    ///
    /// State names are words in `UpperCamelCase`; in Verilog they follow the machine's name.
    #[track_caller]
    pub fn state_machine(&self, name: &str, states: &[&str]) -> Machine<'_> {
        let source = here();
        if states.is_empty() {
            self.report(ErrorKind::Empty(format!("state machine `{name}`")), source);
        }
        let mut known: Vec<String> = Vec::new();
        for state in states {
            let qualified = format!("{}{state}", capitalized(name));
            self.claim_for(state, &qualified, source);
            known.push(state.to_string());
        }
        let ty = uint(index_width(states.len() as u32));
        let kind = SignalKind::Register { reset: Some(0.into()) };
        let register = self.declare(name.to_string(), ty, kind, source);
        let machine = StateMachine { register: register.id, states: known.clone() };
        self.with_draft(|draft| draft.logic.machines.push(machine));
        Machine { builder: self, register, name: name.to_string(), states: known }
    }
}

/// The first letter in upper case: how a state machine's name starts those of its states.
pub(crate) fn capitalized(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or(String::new(), |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}

impl<'m> When<'m> {
    /// The assignments that `body` makes count where no condition before held, and this one does.
    #[track_caller]
    pub fn or_when(self, condition: impl Operand<'m>, body: impl FnOnce()) -> When<'m> {
        let source = here();
        let condition = self.builder.condition(condition.lift(self.builder, source), source).id;
        let then = self.builder.block(source, body);
        if self.depth + self.nesting >= MAX_NESTING {
            self.builder.too_deep(source);
            return self;
        }
        let statement = Statement::If { condition, then, otherwise: vec![] };
        self.attach(vec![statement], source);
        When { nesting: self.nesting + 1, ..self }
    }

    /// The assignments that `body` makes count where no condition before held.
    #[track_caller]
    pub fn otherwise(self, body: impl FnOnce()) {
        let source = here();
        let block = self.builder.block(source, body);
        self.attach(block, source);
    }

    fn attach(&self, block: Vec<Statement>, source: Source) {
        // The order of assignments is the order of the text, so an alternative belongs right
        // behind what it is an alternative to.
        let last = self.builder.with_draft(|draft| draft.open.last().map_or(0, Vec::len));
        if self.depth != self.builder.depth() || self.position + 1 != last {
            let text = "an alternative must directly follow its `when`".to_string();
            self.builder.report(ErrorKind::Misuse(text), source);
            return;
        }
        self.builder.with_draft(|draft| {
            let mut statements = draft.open.last_mut().expect("a block is open");
            let mut position = self.position;
            for _ in 0..=self.nesting {
                let Statement::If { otherwise, .. } = &mut statements[position] else {
                    unreachable!("the position is that of a conditional statement")
                };
                (statements, position) = (otherwise, 0);
            }
            *statements = block;
        });
    }
}

/// The arms' values and blocks, and the default's block.
type Arms = (Vec<(Vec<BigInt>, Vec<Statement>)>, Option<Vec<Statement>>);

/// The arms of a [`switch`](ModuleBuilder::switch).
pub struct Switch<'m> {
    builder: &'m ModuleBuilder,
    subject: Expr<'m>,
    arms: RefCell<Arms>,
}

impl Switch<'_> {
    /// Where the subject equals `value`.
    #[track_caller]
    pub fn case(&self, value: impl Into<BigInt>, body: impl FnOnce()) {
        self.arm(vec![value.into()], body, here());
    }

    /// Where the subject equals any of `values`.
    #[track_caller]
    pub fn cases<T: Into<BigInt> + Clone>(&self, values: &[T], body: impl FnOnce()) {
        self.arm(values.iter().cloned().map(Into::into).collect(), body, here());
    }

    /// Where no other arm fits.
    #[track_caller]
    pub fn default(&self, body: impl FnOnce()) {
        let source = here();
        let block = self.builder.block(source, body);
        if self.arms.borrow_mut().1.replace(block).is_some() {
            let text = "a switch has one default".to_string();
            self.builder.report(ErrorKind::Misuse(text), source);
        }
    }

    fn arm(&self, values: Vec<BigInt>, body: impl FnOnce(), source: Source) {
        let ty = self.subject.ty();
        if values.is_empty() {
            self.builder.report(ErrorKind::Empty("an arm of a switch".into()), source);
        }
        for (position, value) in values.iter().enumerate() {
            if !ty.holds(value) {
                let (what, range) = (format!("the value {value}"), ty.to_string());
                self.builder.report(ErrorKind::OutOfRange { what, range }, source);
            }
            let arms = self.arms.borrow();
            let earlier = arms.0.iter().flat_map(|(values, _)| values);
            if earlier.chain(&values[..position]).any(|other| other == value) {
                self.builder.report(ErrorKind::ArmTwice(value.to_string()), source);
            }
        }
        let block = self.builder.block(source, body);
        self.arms.borrow_mut().0.push((values, block));
    }
}

/// A register whose values have names.
pub struct Machine<'m> {
    builder: &'m ModuleBuilder,
    register: Signal<'m>,
    name: String,
    states: Vec<String>,
}

impl<'m> Machine<'m> {
    /// 1 in the state called `state`.
    #[track_caller]
    pub fn is(&self, state: &str) -> Expr<'m> {
        let code = self.code(state, here());
        self.register.eq(code)
    }

    /// Makes `state` the next one.
    #[track_caller]
    pub fn goto(&self, state: &str) {
        let source = here();
        let code = self.code(state, source).lift(self.builder, source);
        let value = code.cast_at(self.register.ty(), source);
        self.builder.assign(self.register.id, value, source);
    }

    /// The assignments of the current state's arm count.
    #[track_caller]
    pub fn switch(&self, body: impl FnOnce(&MachineSwitch<'_, 'm>)) {
        let source = here();
        let subject = self.register.expr().lift(self.builder, source);
        let switch = Switch { builder: self.builder, subject, arms: RefCell::default() };
        let arms = MachineSwitch { machine: self, switch };
        body(&arms);
        let (arms, default) = arms.switch.arms.into_inner();
        let default = default.unwrap_or_default();
        self.builder.push_statement(Statement::Case { subject: subject.id, arms, default });
    }

    fn code(&self, state: &str, source: Source) -> u32 {
        match self.states.iter().position(|s| s == state) {
            Some(code) => code as u32,
            None => {
                let (owner, what) = (self.name.clone(), "state");
                let (name, known) = (state.to_string(), self.states.clone());
                self.builder.report(ErrorKind::Unknown { owner, what, name, known }, source);
                0
            }
        }
    }
}

/// The arms of a [`Machine::switch`].
pub struct MachineSwitch<'s, 'm> {
    machine: &'s Machine<'m>,
    switch: Switch<'m>,
}

impl MachineSwitch<'_, '_> {
    /// In the state called `state`.
    #[track_caller]
    pub fn case(&self, state: &str, body: impl FnOnce()) {
        let source = here();
        let code = self.machine.code(state, source);
        self.switch.arm(vec![code.into()], body, source);
    }

    /// In every other state.
    #[track_caller]
    pub fn default(&self, body: impl FnOnce()) {
        self.switch.default(body);
    }
}
