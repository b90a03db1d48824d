//! One module as text: ports, declarations, logic, instances, registers, properties.

use std::collections::{HashMap, HashSet};

use super::array;
use super::ast::{Expr, bit_literal};
use super::layout::Text;
use super::legalize::{Legalizer, Net, NetValue, signal_name};
use super::names::Names;
use super::{Reset, Style, VerilogError};
use crate::hdl::check::{Drivers, Used, reaches};
use crate::hdl::ir::{
    Connection, Direction, Logic, Module, NodeId, PropertyKind, Signal, SignalId, SignalKind,
    Statement,
};
use crate::hdl::{Type, bit};

/// Prints a module with logic.
pub(super) fn print(module: &Module, logic: &Logic, style: &Style) -> Result<String, VerilogError> {
    let mut printer = Printer::new(module, logic, style)?;
    printer.combinational(false);
    printer.clock_gates();
    printer.instances();
    for array in &logic.arrays {
        array::print(&mut printer, array);
    }
    printer.memories();
    printer.registers(false);
    let formal = printer.formal();
    let sink = printer.sink();
    let mut text = Text::default();
    printer.header(&mut text);
    text.line("`default_nettype none");
    text.gap();
    printer.ports(&mut text);
    text.nested(|text| {
        printer.declarations(text, false);
    });
    let mut text = text.finish();
    for part in [printer.body.finish(), sink, formal] {
        if !part.is_empty() {
            text.push('\n');
            text.push_str(part.trim_end_matches('\n'));
            text.push('\n');
        }
    }
    // Groups end with an empty line; the module does not.
    let text = text.trim_end();
    Ok(format!("{text}\nendmodule\n\n`default_nettype wire\n"))
}

/// A statement whose expressions are legal Verilog.
enum Stmt {
    Assign(String, Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    Case(Expr, Vec<(Vec<Expr>, Vec<Stmt>)>, Vec<Stmt>),
}

/// Signals that one always block, or one continuous assignment, drives.
struct Group {
    targets: Vec<SignalId>,
    procedural: bool,
}

/// How a register is loaded.
enum Load {
    /// With one value, where all of some conditions hold (or, `false`, do not hold).
    Direct { value: NodeId, conditions: Vec<(NodeId, bool)> },
    /// With the value of a `_d` variable.
    Next,
}

pub(super) struct Printer<'a> {
    pub(super) module: &'a Module,
    pub(super) logic: &'a Logic,
    pub(super) style: &'a Style,
    pub(super) legal: Legalizer<'a>,
    /// What stands between the declarations and the end.
    pub(super) body: Text,
    groups: Vec<Group>,
    loads: HashMap<SignalId, Load>,
    next_names: HashMap<SignalId, String>,
    /// Signals that a procedural block drives.
    variables: HashSet<SignalId>,
    /// Signals that only properties look at.
    formal_only: HashSet<SignalId>,
    memory_names: Vec<String>,
    /// Which bits of each net the text reads, outside of the properties.
    reads: HashMap<String, Vec<bool>>,
    /// What could go unread: name and width, in the order of their declaration.
    readable: Vec<(String, u32)>,
    /// The names of states that the text mentions.
    states_read: HashSet<String>,
    in_formal: bool,
}

impl<'a> Printer<'a> {
    fn new(
        module: &'a Module,
        logic: &'a Logic,
        style: &'a Style,
    ) -> Result<Printer<'a>, VerilogError> {
        let drivers = Drivers::of(logic);
        let used = Used::of(module, logic, &drivers, false);
        let is_port = |id: &SignalId| module.ports.contains(id);
        let formal_only: HashSet<SignalId> = (0..module.signals.len() as u32)
            .map(SignalId::from_index)
            .filter(|id| !used.signals[id.index()] && !is_port(id))
            .collect();

        let mut names = Names::default();
        for name in ["clk_i", style.reset.port()] {
            names.take(name);
        }
        let signal_names: Vec<String> = (0..module.signals.len() as u32)
            .map(|index| signal_name(module, SignalId::from_index(index)))
            .collect();
        signal_names.iter().for_each(|name| names.take(name));
        let memory_names: Vec<String> =
            logic.memories.iter().map(|memory| format!("{}_mem", memory.name)).collect();
        memory_names.iter().for_each(|name| names.take(name));
        for machine in &logic.machines {
            let prefix = crate::hdl::capitalized(&module.signal(machine.register).name);
            machine.states.iter().for_each(|state| names.take(&format!("{prefix}{state}")));
        }
        for instance in &logic.instances {
            names.take(&format!("u_{}", instance.name));
        }
        for domain in &logic.domains[1..] {
            names.take(&domain.name);
            names.take(&format!("u_{}", domain.name));
            if style.clock_gate.is_none() {
                let module = module.name.clone();
                return Err(VerilogError::NoClockGate { module, clock: domain.name.clone() });
            }
        }
        for property in &logic.properties {
            names.take(&property.name);
        }
        for array in &logic.arrays {
            names.take(&format!("gen_{}", array.name));
            array.axes.iter().for_each(|(axis, _)| names.take(axis));
        }

        let (groups, loads) = plan(module, logic);
        let mut next_names = HashMap::new();
        let mut variables = HashSet::new();
        for group in &groups {
            for &target in &group.targets {
                let is_register = matches!(module.signal(target).kind, SignalKind::Register { .. });
                if is_register {
                    let wish = format!("{}_d", module.signal(target).name);
                    next_names.insert(target, names.fresh(&wish));
                }
                if group.procedural {
                    variables.insert(target);
                }
            }
        }
        let mut readable = vec![];
        if module.has_clock {
            readable.push(("clk_i".to_string(), 1));
        }
        if module.has_reset {
            readable.push((style.reset.port().to_string(), 1));
        }
        for (index, signal) in module.signals.iter().enumerate() {
            let id = SignalId::from_index(index as u32);
            if signal.kind != SignalKind::Output && !formal_only.contains(&id) {
                readable.push((signal_names[index].clone(), signal.ty.width));
            }
        }
        let legal = Legalizer::new(module, logic, names, signal_names, &roots(logic));
        let mut body = Text::default();
        body.indent();
        Ok(Printer {
            module,
            logic,
            style,
            legal,
            body,
            groups,
            loads,
            next_names,
            variables,
            formal_only,
            memory_names,
            reads: HashMap::new(),
            readable,
            states_read: HashSet::new(),
            in_formal: false,
        })
    }

    /// The text of an expression, remembering what it reads.
    pub(super) fn show(&mut self, expr: &Expr) -> String {
        let (reads, states) = (&mut self.reads, &mut self.states_read);
        let in_formal = self.in_formal;
        expr.reads(&mut |name, low, width| {
            if name.starts_with(|c: char| c.is_ascii_uppercase()) {
                states.insert(name.to_string());
            }
            if !in_formal {
                let bits = reads.entry(name.to_string()).or_default();
                if width == u32::MAX {
                    // A run-time index may read any bit.
                    bits.clear();
                    bits.push(true);
                    bits.resize(crate::hdl::MAX_WIDTH as usize, true);
                    return;
                }
                let end = (low + width) as usize;
                if bits.len() < end {
                    bits.resize(end, false);
                }
                bits[low as usize..end].fill(true);
            }
        });
        expr.text()
    }

    /// Remembers that the text reads a whole net.
    pub(super) fn read(&mut self, name: &str, width: u32) {
        self.show(&Expr::Ident { name: name.to_string(), width, signed: false });
    }

    /// Declares a net and what could go unread of it.
    pub(super) fn declare_readable(&mut self, name: &str, width: u32) {
        if !self.in_formal {
            self.readable.push((name.to_string(), width));
        }
    }

    /// Writes the nets that the expressions since the last call needed.
    pub(super) fn flush_nets(&mut self) {
        for net in self.legal.take_nets() {
            self.net(net);
        }
    }

    fn net(&mut self, net: Net) {
        self.declare_readable(&net.name, net.ty.width);
        match net.value {
            NetValue::Expr(value) => {
                let value = self.show(&value);
                let declaration = declaration("wire", net.ty, &net.name);
                self.body.line(&format!("{declaration} = {value};"));
            }
            NetValue::Select { index, items } => {
                self.body.line(&format!("{};", declaration("reg", net.ty, &net.name)));
                let width = index.width();
                let index = self.show(&index);
                let items: Vec<String> = items.iter().map(|item| self.show(item)).collect();
                let zero = Expr::literal(0, net.ty).text();
                self.body.block("always @* begin", "end", |text| {
                    text.block(&format!("case ({index})"), "endcase", |text| {
                        for (position, item) in items.iter().enumerate() {
                            let label = Expr::literal(position, crate::hdl::uint(width)).text();
                            text.line(&format!("{label}: {} = {item};", net.name));
                        }
                        text.line(&format!("default: {} = {zero};", net.name));
                    });
                });
            }
        }
    }

    fn combinational(&mut self, formal: bool) {
        let groups = std::mem::take(&mut self.groups);
        let mut was_block = false;
        for group in &groups {
            if self.formal_only.contains(&group.targets[0]) != formal {
                continue;
            }
            let targets: HashSet<SignalId> = group.targets.iter().copied().collect();
            let statements = self.lower(&self.logic.statements, &targets);
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
                && !self
                    .logic
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
    fn lower(&mut self, statements: &'a [Statement], targets: &HashSet<SignalId>) -> Vec<Stmt> {
        let mut lowered = Vec::new();
        for statement in statements {
            match statement {
                Statement::Assign { target, value, .. } if targets.contains(target) => {
                    self.legal.purpose(&self.module.signal(*target).name);
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
                        crate::hdl::ir::Op::Signal(id) => Some(id),
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
        if let crate::hdl::ir::Op::Const(code) = &self.logic.nodes[value.index()].op
            && let Some(state) = self.legal.state(target, code)
        {
            return state;
        }
        self.legal.value(value)
    }

    /// The lines of statements that assign with `operator`.
    fn statement_lines(&mut self, statements: &[Stmt], operator: &str) -> String {
        let mut text = Text::default();
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

    fn clock_gates(&mut self) {
        let Some(cell) = &self.style.clock_gate else { return };
        for domain in &self.logic.domains[1..] {
            self.legal.purpose(&domain.name);
            let enable = domain.enable.expect("only the module's own clock has none");
            let enable = self.legal.simple(enable);
            self.flush_nets();
            let enable = self.show(&enable);
            self.read("clk_i", 1);
            self.body.line(&format!("wire {};", domain.name));
            self.body.block(&format!("{} u_{} (", cell.name, domain.name), ");", |text| {
                text.line(".clk_i(clk_i),");
                text.line(&format!(".enable_i({enable}),"));
                text.line(".test_enable_i(1'b0),");
                text.line(&format!(".clk_o({})", domain.name));
            });
            self.body.gap();
        }
    }

    /// The name of a domain's clock.
    pub(super) fn clock(&self, domain: crate::hdl::ir::DomainId) -> &'a str {
        match self.logic.domains[domain.index()].name.as_str() {
            "" => "clk_i",
            name => name,
        }
    }

    /// The connections of clock and reset to an instance.
    pub(super) fn clock_connections(
        &mut self,
        module: &Module,
        domain: crate::hdl::ir::DomainId,
    ) -> Vec<String> {
        let mut connections = Vec::new();
        if module.has_clock {
            let clock = self.clock(domain);
            self.read(clock, 1);
            connections.push(format!(".clk_i({clock})"));
        }
        if module.has_reset {
            let reset = self.style.reset.port();
            self.read(reset, 1);
            connections.push(format!(".{reset}({reset})"));
        }
        connections
    }

    fn instances(&mut self) {
        for instance in &self.logic.instances {
            let mut connections = self.clock_connections(&instance.module, instance.domain);
            let mut ports = Vec::new();
            for (index, connection) in instance.connections.iter().enumerate() {
                let port = instance.module.port(index).name.clone();
                self.legal.purpose(&format!("{}_{}", instance.name, super::names::stem(&port)));
                ports.push(match *connection {
                    Connection::Input(node) => (port, Some(self.legal.simple(node)), false),
                    Connection::Output(signal) => (port, Some(self.legal.signal(signal)), true),
                    Connection::Open => (port, None, true),
                });
            }
            self.flush_nets();
            for (port, value, is_output) in ports {
                let value = match value {
                    None => String::new(),
                    Some(value) if is_output => value.text(),
                    Some(value) => self.show(&value),
                };
                connections.push(format!(".{port}({value})"));
            }
            let open = format!("{} u_{} (", instance.module.name, instance.name);
            self.body.gap();
            self.body.block(&open, ");", |text| list(text, &connections));
            self.body.gap();
        }
    }

    fn memories(&mut self) {
        for (memory, name) in self.logic.memories.iter().zip(self.memory_names.clone()) {
            let mut entries = Vec::new();
            for write in &memory.writes {
                self.legal.purpose(&format!("{}_write", memory.name));
                let enable = self.legal.condition(write.enable);
                let address = self.address(write.address);
                let data = self.legal.bits(write.data, memory.ty.width);
                entries.push((enable, Err(address), data));
            }
            for read in &memory.reads {
                self.legal.purpose(&format!("{}_read", memory.name));
                let enable = self.legal.condition(read.enable);
                let address = self.address(read.address);
                let data = self.legal.signal(read.data);
                entries.push((enable, Ok(data), address));
            }
            self.body.gap();
            self.flush_nets();
            let mut lines = Text::default();
            for (enable, target, value) in entries {
                let assignment = match target {
                    Err(address) => {
                        let (address, value) = (self.show(&address), self.show(&value));
                        format!("{name}[{address}] <= {value};")
                    }
                    Ok(data) => {
                        let address = self.show(&value);
                        format!("{} <= {name}[{address}];", data.text())
                    }
                };
                if enable == bit_literal(true) {
                    lines.line(&assignment);
                } else {
                    let enable = self.show(&enable);
                    lines.block(&format!("if ({enable}) begin"), "end", |t| t.line(&assignment));
                }
            }
            self.read("clk_i", 1);
            let lines = lines.finish();
            self.body.block("always @(posedge clk_i) begin", "end", |text| {
                text.insert(&lines);
            });
            self.body.gap();
        }
    }

    /// An address: unsigned, and no more than a name.
    fn address(&mut self, id: NodeId) -> Expr {
        let address = self.legal.simple(id);
        if address.is_signed() { Expr::Unsigned(address.into()) } else { address }
    }

    /// The sequential blocks: one for the registers with reset, one for those without.
    fn registers(&mut self, formal: bool) {
        let ids = (0..self.module.signals.len() as u32).map(SignalId::from_index);
        let registers: Vec<(SignalId, Option<Expr>)> = ids
            .filter(|id| self.formal_only.contains(id) == formal)
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

        if !with_reset.is_empty() {
            let ids: Vec<SignalId> = with_reset.iter().map(|(id, _)| *id).collect();
            let loads = self.load_lines(&ids);
            let reset = self.style.reset;
            self.read("clk_i", 1);
            self.read(reset.port(), 1);
            let mut resets = Vec::new();
            for (id, value) in &with_reset {
                let value = self.show(value.as_ref().expect("it has a reset value"));
                resets.push(format!("{} <= {value};", self.legal.name(*id)));
            }
            self.body.gap();
            self.body.block(&format!("always @({}) begin", reset.sensitivity()), "end", |text| {
                text.line(&format!("if ({}) begin", reset.condition()));
                text.nested(|text| resets.iter().for_each(|line| text.line(line)));
                text.block("end else begin", "end", |text| {
                    text.insert(&loads);
                });
            });
            self.body.gap();
        }
        if !without.is_empty() {
            let ids: Vec<SignalId> = without.iter().map(|(id, _)| *id).collect();
            let loads = self.load_lines(&ids);
            self.read("clk_i", 1);
            self.body.gap();
            self.body.block("always @(posedge clk_i) begin", "end", |text| {
                text.insert(&loads);
            });
            self.body.gap();
        }
    }

    /// The lines that load registers; those with one condition share it.
    fn load_lines(&mut self, registers: &[SignalId]) -> String {
        let mut loads: Vec<(Vec<(NodeId, bool)>, Vec<Stmt>)> = Vec::new();
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
            match loads.iter_mut().find(|(known, _)| *known == conditions) {
                Some((_, group)) => group.push(load),
                None => loads.push((conditions, vec![load])),
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
        self.statement_lines(&statements, "<=")
    }

    /// The properties and what only they need.
    fn formal(&mut self) -> String {
        if self.logic.properties.is_empty() {
            return String::new();
        }
        self.in_formal = true;
        let mut outer = Text::default();
        outer.indent();
        std::mem::swap(&mut outer, &mut self.body);
        let mut declarations = Text::default();
        declarations.indent();
        self.declarations(&mut declarations, true);
        self.combinational(true);
        self.registers(true);
        let mut lines = Vec::new();
        for property in &self.logic.properties {
            self.legal.purpose(&property.name);
            let condition = self.legal.condition(property.condition);
            let keyword = match property.kind {
                PropertyKind::Assert => "assert",
                PropertyKind::Assume => "assume",
                PropertyKind::Cover => "cover",
            };
            let condition = self.show(&condition);
            lines.push(format!("{}: {keyword} ({condition});", property.name));
        }
        self.flush_nets();
        let all = |text: &mut Text| lines.iter().for_each(|line| text.line(line));
        self.body.gap();
        if self.module.has_clock {
            let outside = self.style.reset.inactive();
            let has_reset = self.module.has_reset;
            self.body.block("always @(posedge clk_i) begin", "end", |text| {
                if has_reset {
                    text.block(&format!("if ({outside}) begin"), "end", all);
                } else {
                    all(text);
                }
            });
        } else {
            self.body.block("always @* begin", "end", all);
        }
        std::mem::swap(&mut outer, &mut self.body);
        self.in_formal = false;
        let body = outer.finish();
        let declarations = declarations.finish();
        format!("`ifdef FORMAL\n{declarations}{}\n`endif\n", body.trim_end_matches('\n'))
    }

    /// A net that reads what nothing else reads, so that no tool has to ask whether it is meant.
    fn sink(&mut self) -> String {
        let mut unread = Vec::new();
        for (name, width) in &self.readable {
            let reads = self.reads.get(name).map_or(&[][..], Vec::as_slice);
            let is_read = |bit: u32| reads.get(bit as usize).copied().unwrap_or(false);
            let mut bit = 0;
            while bit < *width {
                let low = bit;
                while bit < *width && !is_read(bit) {
                    bit += 1;
                }
                if bit > low {
                    unread.push(match (low, bit - low) {
                        (0, all) if all == *width => name.clone(),
                        (low, 1) => format!("{name}[{low}]"),
                        (low, _) => format!("{name}[{}:{low}]", bit - 1),
                    });
                }
                bit += 1;
            }
        }
        if unread.is_empty() {
            return String::new();
        }
        let mut text = Text::default();
        text.indent();
        text.comment("Bits that are meant to go unread.");
        let name = self.legal.names.fresh("unused_ok");
        text.line(&format!("wire {name} = &{{1'b0, {}}};", unread.join(", ")));
        text.finish()
    }

    fn header(&self, text: &mut Text) {
        let module = self.module;
        super::header(text, module, self.style);
    }

    fn ports(&mut self, text: &mut Text) {
        let module = self.module;
        let mut groups: Vec<(String, Vec<(String, String)>)> = Vec::new();
        let mut general = Vec::new();
        if module.has_clock {
            general.push(("input  wire clk_i".to_string(), String::new()));
        }
        if module.has_reset {
            let doc = self.style.reset.doc().to_string();
            general.push((format!("input  wire {}", self.style.reset.port()), doc));
        }
        if !general.is_empty() {
            groups.push((String::new(), general));
        }
        let stream_of = |id: SignalId| {
            module.streams.iter().position(|stream| {
                stream.valid == id || stream.ready == id || stream.payload.contains(&id)
            })
        };
        let mut current = None;
        for &id in &module.ports {
            let stream = stream_of(id);
            if groups.is_empty() || current != Some(stream) {
                let title = stream.map_or(String::new(), |index| {
                    let stream = &module.streams[index];
                    let way = match stream.direction {
                        Direction::Input => "in",
                        Direction::Output => "out",
                    };
                    let doc = if stream.doc.is_empty() {
                        String::new()
                    } else {
                        format!(": {}", stream.doc)
                    };
                    format!("Stream {way} `{}`{doc}", stream.name)
                });
                let joins = current.is_none() && stream.is_none() && !groups.is_empty();
                if !joins {
                    groups.push((title, vec![]));
                }
                current = Some(stream);
            }
            let signal = module.signal(id);
            let keyword = match (module.direction(id), self.variables.contains(&id)) {
                (Direction::Input, _) => "input  wire",
                (Direction::Output, false) => "output wire",
                (Direction::Output, true) => "output reg ",
            };
            let ports = &mut groups.last_mut().expect("there is a group").1;
            ports.push((declaration_of(keyword, signal, self.legal.name(id)), signal.doc.clone()));
        }
        let count: usize = groups.iter().map(|(_, ports)| ports.len()).sum();
        if count == 0 {
            text.line(&format!("module {} ();", module.name));
            return;
        }
        text.line(&format!("module {} (", module.name));
        let mut left = count;
        text.nested(|text| {
            for (title, ports) in groups {
                if !title.is_empty() {
                    text.comment(&title);
                }
                for (port, doc) in ports {
                    left -= 1;
                    let comma = if left > 0 { "," } else { "" };
                    documented(text, &format!("{port}{comma}"), &doc);
                }
            }
        });
        text.line(");");
    }

    fn declarations(&mut self, text: &mut Text, formal: bool) {
        if !formal {
            self.state_declarations(text);
        }
        for (index, signal) in self.module.signals.iter().enumerate() {
            let id = SignalId::from_index(index as u32);
            if self.formal_only.contains(&id) != formal || self.module.ports.contains(&id) {
                continue;
            }
            let keyword = match signal.kind {
                SignalKind::Register { .. } | SignalKind::ReadData(_) => "reg",
                _ if self.variables.contains(&id) => "reg",
                _ => "wire",
            };
            let line = declaration_of(keyword, signal, self.legal.name(id));
            documented(text, &format!("{line};"), &signal.doc);
            if let Some(next) = self.next_names.get(&id) {
                let keyword = if self.variables.contains(&id) { "reg" } else { "wire" };
                text.line(&format!("{};", declaration(keyword, signal.ty, next)));
            }
        }
        if formal {
            return;
        }
        for (memory, name) in self.logic.memories.iter().zip(&self.memory_names) {
            let line = declaration("reg", memory.ty, name);
            text.line(&format!("{line} [0:{}];", memory.depth - 1));
        }
        let axes: Vec<&str> = {
            let mut seen = HashSet::new();
            let axes = self.logic.arrays.iter().flat_map(|array| &array.axes);
            axes.map(|(name, _)| name.as_str()).filter(|name| seen.insert(*name)).collect()
        };
        if !axes.is_empty() {
            text.line(&format!("genvar {};", axes.join(", ")));
        }
    }

    fn state_declarations(&mut self, text: &mut Text) {
        for machine in &self.logic.machines {
            let signal = self.module.signal(machine.register);
            let prefix = crate::hdl::capitalized(&signal.name);
            for (code, state) in machine.states.iter().enumerate() {
                let name = format!("{prefix}{state}");
                if self.states_read.contains(&name) {
                    let line = declaration("localparam", signal.ty, &name);
                    let value = Expr::literal(code, signal.ty).text();
                    text.line(&format!("{line} = {value};"));
                }
            }
            text.gap();
        }
    }
}

/// A declaration without its semicolon: `reg signed [7:0] x`.
pub(super) fn declaration(keyword: &str, ty: Type, name: &str) -> String {
    let signed = if ty.signed { " signed" } else { "" };
    match ty {
        ty if ty == bit() => format!("{keyword} {name}"),
        ty => format!("{keyword}{signed} [{}:0] {name}", ty.width - 1),
    }
}

fn declaration_of(keyword: &str, signal: &Signal, name: &str) -> String {
    let line = declaration(keyword, signal.ty, name);
    if signal.attributes.is_empty() {
        return line;
    }
    format!("(* {} *) {line}", signal.attributes.join(", "))
}

/// A line with a comment behind it, or above it where that is too long.
fn documented(text: &mut Text, line: &str, doc: &str) {
    if doc.is_empty() {
        text.line(line);
    } else if line.len() + doc.len() < 88 && !doc.contains('\n') {
        text.raw(&format!("{line}  // {doc}"));
    } else {
        text.comment(doc);
        text.line(line);
    }
}

/// Items one per line, with commas between.
pub(super) fn list(text: &mut Text, items: &[String]) {
    for (index, item) in items.iter().enumerate() {
        let comma = if index + 1 < items.len() { "," } else { "" };
        text.line(&format!("{item}{comma}"));
    }
}

/// Every expression that something other than an expression uses, once for each use.
fn roots(logic: &Logic) -> Vec<NodeId> {
    fn visit(statements: &[Statement], found: &mut Vec<NodeId>) {
        for statement in statements {
            match statement {
                Statement::Assign { value, .. } => found.push(*value),
                Statement::If { condition, then, otherwise } => {
                    found.push(*condition);
                    visit(then, found);
                    visit(otherwise, found);
                }
                Statement::Case { subject, arms, default } => {
                    found.push(*subject);
                    arms.iter().for_each(|(_, block)| visit(block, found));
                    visit(default, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    visit(&logic.statements, &mut found);
    for memory in &logic.memories {
        found.extend(memory.reads.iter().flat_map(|r| [r.address, r.enable]));
        found.extend(memory.writes.iter().flat_map(|w| [w.address, w.data, w.enable]));
    }
    found.extend(logic.domains.iter().filter_map(|domain| domain.enable));
    for instance in &logic.instances {
        found.extend(instance.connections.iter().filter_map(|connection| match connection {
            Connection::Input(node) => Some(*node),
            _ => None,
        }));
    }
    for array in &logic.arrays {
        found.extend(array.inputs.iter().flatten().flat_map(|input| input.operands()));
    }
    found.extend(logic.properties.iter().map(|property| property.condition));
    found
}

/// Decides which block drives what.
fn plan(module: &Module, logic: &Logic) -> (Vec<Group>, HashMap<SignalId, Load>) {
    let mut order: Vec<SignalId> = Vec::new();
    let mut together: Vec<Vec<SignalId>> = Vec::new();
    for statement in &logic.statements {
        let mut targets = Vec::new();
        collect_targets(std::slice::from_ref(statement), &mut targets);
        for &target in &targets {
            if !order.contains(&target) {
                order.push(target);
            }
        }
        together.push(targets);
    }

    let mut loads = HashMap::new();
    for &target in &order {
        if matches!(module.signal(target).kind, SignalKind::Register { .. }) {
            let load = direct_load(&logic.statements, target).unwrap_or(Load::Next);
            loads.insert(target, load);
        }
    }
    let is_direct = |id: &SignalId| matches!(loads.get(id), Some(Load::Direct { .. }));

    // Signals that one conditional statement assigns share a block.
    let mut groups: Vec<Vec<SignalId>> = Vec::new();
    for target in order.iter().copied().filter(|id| !is_direct(id)) {
        groups.push(vec![target]);
    }
    for targets in &together {
        let mut members = targets.iter().filter(|id| !is_direct(id));
        let Some(first) = members.next() else { continue };
        for other in members {
            let a = groups.iter().position(|g| g.contains(first)).expect("each has a group");
            let b = groups.iter().position(|g| g.contains(other)).expect("each has a group");
            if a != b {
                let (keep, drop) = (a.min(b), a.max(b));
                let moved = groups.remove(drop);
                groups[keep].extend(moved);
            }
        }
    }

    // But not if one of them depends on another: inside of one block it could be read before its
    // last assignment.
    let is_wire = |id: &SignalId| !matches!(module.signal(*id).kind, SignalKind::Register { .. });
    let mut planned = Vec::new();
    for mut targets in groups {
        let wires: Vec<SignalId> = targets.iter().copied().filter(is_wire).collect();
        let entangled = targets.len() > 1 && reaches(module, logic, &targets, &wires);
        targets.sort_by_key(|id| order.iter().position(|o| o == id));
        let parts = if entangled {
            targets.into_iter().map(|target| vec![target]).collect()
        } else {
            vec![targets]
        };
        for targets in parts {
            let conditional = |statement: &Statement| {
                let mut found = Vec::new();
                collect_targets(std::slice::from_ref(statement), &mut found);
                !matches!(statement, Statement::Assign { .. })
                    && found.iter().any(|id| targets.contains(id))
            };
            let procedural = logic.statements.iter().any(conditional);
            planned.push(Group { targets, procedural });
        }
    }
    (planned, loads)
}

fn collect_targets(statements: &[Statement], found: &mut Vec<SignalId>) {
    for statement in statements {
        match statement {
            Statement::Assign { target, .. } => {
                if !found.contains(target) {
                    found.push(*target);
                }
            }
            Statement::If { then, otherwise, .. } => {
                collect_targets(then, found);
                collect_targets(otherwise, found);
            }
            Statement::Case { arms, default, .. } => {
                arms.iter().for_each(|(_, block)| collect_targets(block, found));
                collect_targets(default, found);
            }
        }
    }
}

/// How a register is loaded, if one assignment under plain conditions says it all.
fn direct_load(statements: &[Statement], target: SignalId) -> Option<Load> {
    let mut load = None;
    for statement in statements {
        let found = match statement {
            Statement::Assign { target: t, value, .. } if *t == target => {
                Load::Direct { value: *value, conditions: vec![] }
            }
            Statement::Assign { .. } => continue,
            Statement::If { condition, then, otherwise } => {
                let branch = |block, holds| match assigns(block, target) {
                    false => Some(None),
                    true => match direct_load(block, target)? {
                        Load::Direct { value, mut conditions } => {
                            conditions.insert(0, (*condition, holds));
                            Some(Some(Load::Direct { value, conditions }))
                        }
                        Load::Next => None,
                    },
                };
                match (branch(then, true)?, branch(otherwise, false)?) {
                    (None, None) => continue,
                    (Some(load), None) | (None, Some(load)) => load,
                    (Some(_), Some(_)) => return None,
                }
            }
            Statement::Case { .. } if assigns(std::slice::from_ref(statement), target) => {
                return None;
            }
            Statement::Case { .. } => continue,
        };
        if load.replace(found).is_some() {
            return None;
        }
    }
    load
}

fn assigns(statements: &[Statement], target: SignalId) -> bool {
    let mut found = Vec::new();
    collect_targets(statements, &mut found);
    found.contains(&target)
}

impl Reset {
    /// The event list of a block that it resets.
    fn sensitivity(self) -> &'static str {
        match self {
            Reset::AsyncLow => "posedge clk_i or negedge rst_ni",
            Reset::SyncLow | Reset::SyncHigh => "posedge clk_i",
        }
    }

    /// What holds while it is active.
    fn condition(self) -> &'static str {
        match self {
            Reset::AsyncLow | Reset::SyncLow => "!rst_ni",
            Reset::SyncHigh => "rst_i",
        }
    }

    /// What holds while it is not active.
    fn inactive(self) -> &'static str {
        match self {
            Reset::AsyncLow | Reset::SyncLow => "rst_ni",
            Reset::SyncHigh => "!rst_i",
        }
    }

    /// The comment at its port.
    fn doc(self) -> &'static str {
        match self {
            Reset::AsyncLow => "asynchronous, active low",
            Reset::SyncLow => "synchronous, active low",
            Reset::SyncHigh => "synchronous, active high",
        }
    }
}
