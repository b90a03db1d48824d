//! Assignments: always blocks, continuous assignments, registers.

use std::collections::{HashMap, HashSet};

use super::ast::Expr;
use super::layout::Text;
use super::module::Printer;
use super::names::stem;
use super::plan::{Group, Load};
use crate::hdl::Type;
use crate::hdl::ir::{DomainId, NodeId, Op, SignalId, SignalKind, Statement};

/// What must hold (or, `false`, must not) for a register to be loaded.
type Conditions = Vec<(NodeId, bool)>;

/// A statement whose expressions are legal Verilog.
enum Stmt {
    Assign(String, Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    Case(Expr, Vec<(Vec<Expr>, Vec<Stmt>)>, Vec<Stmt>),
}

impl<'a> Printer<'a> {
    pub(super) fn combinational(&mut self, formal: bool) {
        let groups = std::mem::take(&mut self.groups);
        let mut was_block = false;
        for group in &groups {
            if !self.belongs(group.targets[0], formal) {
                continue;
            }
            let targets: HashSet<SignalId> = group.targets.iter().copied().collect();
            let statements = self.lower(group.statements.iter().copied(), &targets);
            let defaults = self.defaults(group);
            if group.procedural || was_block {
                self.body.gap();
            }
            self.flush_nets();
            was_block = group.procedural;
            if group.procedural {
                let lines = self.statement_lines(&statements, "=");
                self.body.block("always @* begin", "end", |text| {
                    defaults.iter().for_each(|line| text.line(line));
                    text.insert(&lines);
                });
                self.body.gap();
            } else {
                for statement in &statements {
                    let Stmt::Assign(target, value) = statement else {
                        unreachable!("a group with conditions is procedural")
                    };
                    let value = self.show(value);
                    self.body.line(&format!("assign {target} = {value};"));
                }
            }
        }
        self.groups = groups;
        self.body.gap();
    }

    /// `x_d = x_q;` for the registers of a group that hold unless told otherwise.
    fn defaults(&mut self, group: &Group) -> Vec<String> {
        let mut lines = Vec::new();
        for &target in &group.targets {
            let holds = matches!(self.module.signal(target).kind, SignalKind::Register { .. })
                && !group
                    .statements
                    .iter()
                    .any(|s| matches!(s, Statement::Assign { target: t, .. } if *t == target));
            if holds {
                let current = self.legal.signal(target);
                let current = self.show(&current);
                lines.push(format!("{} = {current};", self.next_names[&target]));
            }
        }
        lines
    }

    /// What `target` is called on the left of an assignment.
    fn target(&self, target: SignalId) -> String {
        match self.next_names.get(&target) {
            Some(next) => next.clone(),
            None => self.legal.name(target).to_string(),
        }
    }

    /// The statements that assign any of `targets`.
    fn lower(
        &mut self,
        statements: impl IntoIterator<Item = &'a Statement>,
        targets: &HashSet<SignalId>,
    ) -> Vec<Stmt> {
        // Conditions may nest deeper than a thread's stack is deep.
        stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, || self.shallow_lower(statements, targets))
    }

    fn shallow_lower(
        &mut self,
        statements: impl IntoIterator<Item = &'a Statement>,
        targets: &HashSet<SignalId>,
    ) -> Vec<Stmt> {
        let mut lowered = Vec::new();
        for statement in statements {
            match statement {
                Statement::Assign { target, value, .. } if targets.contains(target) => {
                    self.legal.purpose(stem(&self.module.signal(*target).name));
                    let value = self.assigned(*target, *value);
                    lowered.push(Stmt::Assign(self.target(*target), value));
                }
                Statement::Assign { .. } => {}
                Statement::If { condition, then, otherwise } => {
                    let then = self.lower(then, targets);
                    let otherwise = self.lower(otherwise, targets);
                    if then.is_empty() && otherwise.is_empty() {
                        continue;
                    }
                    let condition = self.legal.condition(*condition);
                    lowered.push(Stmt::If(condition, then, otherwise));
                }
                Statement::Case { subject, arms, default } => {
                    let ty = self.logic.nodes[subject.index()].ty;
                    let mut branches = Vec::new();
                    for (values, block) in arms {
                        let block = self.lower(block, targets);
                        branches.push((values, block));
                    }
                    let default = self.lower(default, targets);
                    if default.is_empty() && branches.iter().all(|(_, block)| block.is_empty()) {
                        continue;
                    }
                    // An arm may only be left out if it does what the default does: nothing.
                    if default.is_empty() {
                        branches.retain(|(_, block)| !block.is_empty());
                    }
                    let register = match self.logic.nodes[subject.index()].op {
                        Op::Signal(id) => Some(id),
                        _ => None,
                    };
                    let subject = self.legal.simple(*subject);
                    let branches = branches.into_iter().map(|(values, block)| {
                        let labels = values.iter().map(|value| {
                            let state = register.and_then(|id| self.legal.state(id, value));
                            let ty = Type { signed: subject.is_signed(), ..ty };
                            state.unwrap_or_else(|| Expr::literal(ty.wrap(value), ty))
                        });
                        (labels.collect(), block)
                    });
                    let branches = branches.collect();
                    lowered.push(Stmt::Case(subject, branches, default));
                }
            }
        }
        lowered
    }

    fn assigned(&mut self, target: SignalId, value: NodeId) -> Expr {
        if let Op::Const(code) = &self.logic.nodes[value.index()].op
            && let Some(state) = self.legal.state(target, code)
        {
            return state;
        }
        self.legal.value(value)
    }

    /// The lines of statements that assign with `operator`.
    fn statement_lines(&mut self, statements: &[Stmt], operator: &str) -> String {
        let mut text = self.body.inner();
        self.write_statements(&mut text, statements, operator);
        text.finish()
    }

    fn write_statements(&mut self, text: &mut Text, statements: &[Stmt], operator: &str) {
        for statement in statements {
            match statement {
                Stmt::Assign(target, value) => {
                    let value = self.show(value);
                    text.line(&format!("{target} {operator} {value};"));
                }
                Stmt::If(condition, then, otherwise) if then.is_empty() => {
                    let condition = Expr::unary("!", condition.clone(), 1);
                    let condition = self.show(&condition);
                    text.line(&format!("if ({condition}) begin"));
                    text.indent();
                    self.write_statements(text, otherwise, operator);
                    text.dedent();
                    text.line("end");
                }
                Stmt::If(condition, then, otherwise) => {
                    let shown = self.show(condition);
                    text.line(&format!("if ({shown}) begin"));
                    text.indent();
                    self.write_statements(text, then, operator);
                    text.dedent();
                    let mut rest = otherwise;
                    while let [Stmt::If(condition, then, otherwise)] = &rest[..]
                        && !then.is_empty()
                    {
                        let shown = self.show(condition);
                        text.line(&format!("end else if ({shown}) begin"));
                        text.indent();
                        self.write_statements(text, then, operator);
                        text.dedent();
                        rest = otherwise;
                    }
                    if !rest.is_empty() {
                        text.line("end else begin");
                        text.indent();
                        self.write_statements(text, rest, operator);
                        text.dedent();
                    }
                    text.line("end");
                }
                Stmt::Case(subject, arms, default) => {
                    let subject = self.show(subject);
                    text.line(&format!("case ({subject})"));
                    text.indent();
                    for (labels, block) in arms {
                        let labels: Vec<String> = labels.iter().map(|l| self.show(l)).collect();
                        self.write_arm(text, &labels.join(", "), block, operator);
                    }
                    self.write_arm(text, "default", default, operator);
                    text.dedent();
                    text.line("endcase");
                }
            }
        }
    }

    fn write_arm(&mut self, text: &mut Text, label: &str, block: &[Stmt], operator: &str) {
        match block {
            [] => text.line(&format!("{label}: ;")),
            [Stmt::Assign(target, value)] => {
                let value = self.show(value);
                text.line(&format!("{label}: {target} {operator} {value};"));
            }
            _ => {
                text.line(&format!("{label}: begin"));
                text.indent();
                self.write_statements(text, block, operator);
                text.dedent();
                text.line("end");
            }
        }
    }

    /// The sequential blocks: one for the registers with reset, one for those without.
    pub(super) fn registers(&mut self, formal: bool) {
        let ids = (0..self.module.signals.len() as u32).map(SignalId::from_index);
        let registers: Vec<(SignalId, Option<Expr>)> = ids
            .filter(|id| self.belongs(*id, formal))
            .filter_map(|id| match &self.module.signal(id).kind {
                SignalKind::Register { reset } => {
                    let ty = self.module.signal(id).ty;
                    let value = reset.as_ref().map(|value| {
                        let state = self.legal.state(id, value);
                        state.unwrap_or_else(|| Expr::literal(value.clone(), ty))
                    });
                    Some((id, value))
                }
                _ => None,
            })
            .collect();
        let (with_reset, without): (Vec<_>, Vec<_>) =
            registers.into_iter().partition(|(_, reset)| reset.is_some());

        for (group, is_reset) in [(with_reset, true), (without, false)] {
            if group.is_empty() {
                continue;
            }
            let ids: Vec<SignalId> = group.iter().map(|(id, _)| *id).collect();
            let mut statements = self.loads(&ids);
            if let Some(enable) = self.clock_enable(DomainId(0)) {
                statements = vec![Stmt::If(enable, statements, vec![])];
            }
            let mut events = "posedge clk_i";
            if is_reset {
                let resets = group.into_iter().map(|(id, value)| {
                    let value = value.expect("the group is of registers with a reset value");
                    Stmt::Assign(self.legal.name(id).to_string(), value)
                });
                let active = self.style.reset.is_active();
                statements = vec![Stmt::If(active, resets.collect(), statements)];
                events = self.style.reset.sensitivity();
            }
            self.read("clk_i", 1);
            let lines = self.statement_lines(&statements, "<=");
            self.body.gap();
            let open = format!("always @({events}) begin");
            self.body.block(&open, "end", |text| text.insert(&lines));
            self.body.gap();
        }
    }

    /// The statements that load registers; those with one condition share it.
    fn loads(&mut self, registers: &[SignalId]) -> Vec<Stmt> {
        let mut loads: Vec<(Conditions, Vec<Stmt>)> = Vec::new();
        let mut places: HashMap<Conditions, usize> = HashMap::new();
        for &id in registers {
            let (conditions, value) = match &self.loads[&id] {
                Load::Next => {
                    let ty = self.module.signal(id).ty;
                    let name = self.next_names[&id].clone();
                    (vec![], Expr::Ident { name, width: ty.width, signed: ty.signed })
                }
                Load::Direct { value, conditions } => {
                    let (value, conditions) = (*value, conditions.clone());
                    self.legal.purpose(&self.module.signal(id).name);
                    (conditions, self.assigned(id, value))
                }
            };
            let load = Stmt::Assign(self.legal.name(id).to_string(), value);
            match places.get(&conditions) {
                Some(&place) => loads[place].1.push(load),
                None => {
                    places.insert(conditions.clone(), loads.len());
                    loads.push((conditions, vec![load]));
                }
            }
        }
        let mut statements = Vec::new();
        for (conditions, group) in loads {
            let conditions = conditions.into_iter().map(|(id, holds)| {
                let condition = self.legal.condition(id);
                if holds { condition } else { Expr::unary("!", condition, 1) }
            });
            match conditions.reduce(|a, b| Expr::binary("&&", a, b, 1)) {
                None => statements.extend(group),
                Some(condition) => statements.push(Stmt::If(condition, group, vec![])),
            }
        }
        self.body.gap();
        self.flush_nets();
        statements
    }
}
