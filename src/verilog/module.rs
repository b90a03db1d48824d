//! One module as text: the printer and what it remembers, and the order of the parts.

use std::collections::{HashMap, HashSet};

use super::array;
use super::ast::Expr;
use super::clocking::{CLOCK_ENABLE, Clocking};
use super::decide::decide;
use super::instances::domain_enable;
use super::interface::declaration;
use super::layout::Text;
use super::legalize::{Legalizer, Net, NetValue, signal_name};
use super::names::Names;
use super::plan::{Group, Load, plan};
use super::stated::stated;
use super::{Gating, Style, VerilogError};
use crate::hdl::dependencies::{Drivers, Used};
use crate::hdl::ir::{
    Connection, Logic, Module, NodeId, PropertyKind, SignalId, SignalKind, Statement,
};

/// Prints a module with logic.
pub(super) fn print(
    module: &Module,
    logic: &Logic,
    style: &Style,
    clocking: Clocking,
) -> Result<String, VerilogError> {
    let drivers = Drivers::of(logic);
    let used = Used::of(module, logic, &drivers, false);
    let (logic, unstated) = stated(module, decide(module, logic), &used);
    let mut printer = Printer::new((module, &logic), used, unstated, style, clocking)?;
    printer.combinational(false);
    printer.clock_gates();
    printer.instances();
    for array in &logic.arrays {
        array::print(&mut printer, array);
    }
    printer.memories();
    printer.registers(false);
    let sink = printer.sink("unused_ok");
    let formal = printer.formal();
    let mut text = Text::default();
    super::header(&mut text, module, style);
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

pub(super) struct Printer<'a> {
    pub(super) module: &'a Module,
    pub(super) logic: &'a Logic,
    pub(super) style: &'a Style,
    pub(super) clocking: Clocking,
    pub(super) legal: Legalizer<'a>,
    /// What stands between the declarations and the end.
    pub(super) body: Text,
    pub(super) groups: Vec<Group<'a>>,
    pub(super) loads: HashMap<SignalId, Load>,
    pub(super) next_names: HashMap<SignalId, String>,
    /// Signals that a procedural block drives.
    pub(super) variables: HashSet<SignalId>,
    /// Signals that only properties look at.
    formal_only: HashSet<SignalId>,
    /// Signals that only properties look at that are not stated.
    unstated: HashSet<SignalId>,
    pub(super) memory_names: Vec<String>,
    /// Which bits of each net the text reads, before the properties or, later, in them.
    pub(super) reads: HashMap<String, Vec<bool>>,
    /// What could go unread: name and width, in the order of their declaration.
    pub(super) readable: Vec<(String, u32)>,
    /// The names of states that the text mentions.
    pub(super) states_read: HashSet<String>,
}

impl<'a> Printer<'a> {
    fn new(
        (module, logic): (&'a Module, &'a Logic),
        used: Used,
        unstated: HashSet<SignalId>,
        style: &'a Style,
        clocking: Clocking,
    ) -> Result<Printer<'a>, VerilogError> {
        let formal_only: HashSet<SignalId> = (0..module.signals.len() as u32)
            .map(SignalId::from_index)
            .filter(|id| !used.signals[id.index()] && module.signal(*id).kind != SignalKind::Input)
            .filter(|id| !unstated.contains(id))
            .collect();

        let mut names = Names::default();
        for name in ["clk_i", style.reset.port(), &clocking.name(module)] {
            names.take(name);
        }
        clocking.ports().iter().for_each(|(name, _)| names.take(name));
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
            names.take(&domain_enable(&domain.name));
            if style.clock_gate.is_none() && style.gating != Gating::Enable {
                let module = module.name.clone();
                return Err(VerilogError::NoClockGate { module, clock: domain.name.clone() });
            }
        }
        for property in &logic.properties {
            names.take(&property.name);
        }
        for name in logic.nodes.iter().filter_map(|node| node.name.as_ref()) {
            names.reserve(name);
        }
        for array in &logic.arrays {
            names.take(&format!("gen_{}", array.name));
            for (axis, _) in &array.axes {
                names.take(axis);
                names.take(&format!("gen_{}_{axis}", array.name));
            }
        }

        let (groups, loads) = plan(module, logic, &formal_only);
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
        readable.extend(clocking.ports().iter().map(|(name, _)| (name.to_string(), 1)));
        if module.has_reset {
            readable.push((style.reset.port().to_string(), 1));
        }
        for (index, signal) in module.signals.iter().enumerate() {
            let id = SignalId::from_index(index as u32);
            let is_left_out = formal_only.contains(&id) || unstated.contains(&id);
            if signal.kind != SignalKind::Output && !is_left_out {
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
            clocking,
            legal,
            body,
            groups,
            loads,
            next_names,
            variables,
            formal_only,
            unstated,
            memory_names,
            reads: HashMap::new(),
            readable,
            states_read: HashSet::new(),
        })
    }

    /// Whether a signal belongs to the hardware or, `formal`, to the properties.
    pub(super) fn belongs(&self, id: SignalId, formal: bool) -> bool {
        self.formal_only.contains(&id) == formal && !self.unstated.contains(&id)
    }

    /// The text of an expression, remembering what it reads.
    pub(super) fn show(&mut self, expr: &Expr) -> String {
        let (reads, states) = (&mut self.reads, &mut self.states_read);
        expr.reads(&mut |name, low, width| {
            if name.starts_with(|c: char| c.is_ascii_uppercase()) {
                states.insert(name.to_string());
            }
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
        });
        expr.text()
    }

    /// Remembers that the text reads a whole net.
    pub(super) fn read(&mut self, name: &str, width: u32) {
        self.show(&Expr::Ident { name: name.to_string(), width, signed: false });
    }

    /// Declares a net and what could go unread of it.
    pub(super) fn declare_readable(&mut self, name: &str, width: u32) {
        self.readable.push((name.to_string(), width));
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

    /// The properties and what only they need.
    fn formal(&mut self) -> String {
        if self.logic.properties.is_empty() {
            return String::new();
        }
        // What is read here is read by nobody without the properties, and the other way round.
        self.reads.clear();
        self.readable.clear();
        for (index, signal) in self.module.signals.iter().enumerate() {
            let id = SignalId::from_index(index as u32);
            if self.formal_only.contains(&id) {
                self.readable.push((self.legal.name(id).to_string(), signal.ty.width));
            }
        }
        let mut outer = Text::default();
        outer.indent();
        std::mem::swap(&mut outer, &mut self.body);
        let mut declarations = Text::default();
        declarations.indent();
        self.declarations(&mut declarations, true);
        self.combinational(true);
        for (memory, name) in self.logic.memories.iter().zip(self.memory_names.clone()) {
            self.async_reads(memory, &name, true);
        }
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
        if self.logic.properties.iter().any(|property| property.kind == PropertyKind::Assume) {
            self.body.comment(
                "In a proof of a module that has this one inside, assert what is assumed here \
                 (Yosys: chformal -assume2assert).",
            );
        }
        if self.module.has_reset {
            let active = self.style.reset.is_active().text();
            self.body.line(&format!("initial assume ({active});"));
            self.body.gap();
        }
        if self.module.has_clock {
            let outside = self.module.has_reset.then(|| self.style.reset.inactive());
            let enabled = (self.clocking == Clocking::Enabled).then_some(CLOCK_ENABLE);
            let conditions: Vec<&str> = outside.into_iter().chain(enabled).collect();
            self.body.block("always @(posedge clk_i) begin", "end", |text| {
                match conditions.is_empty() {
                    true => all(text),
                    false => {
                        let open = format!("if ({}) begin", conditions.join(" && "));
                        text.block(&open, "end", all);
                    }
                }
            });
        } else {
            self.body.block("always @* begin", "end", all);
        }
        std::mem::swap(&mut outer, &mut self.body);
        let mut sink = self.sink("formal_unused_ok");
        if !sink.is_empty() {
            sink.insert(0, '\n');
        }
        let body = outer.finish();
        declarations.gap();
        let declarations = declarations.finish();
        let body = body.trim_end_matches('\n');
        format!("`ifdef FORMAL\n{declarations}{body}\n{sink}`endif\n")
    }

    /// A net that reads what nothing else reads, so that no tool has to ask whether it is meant.
    fn sink(&mut self, name: &str) -> String {
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
        let name = self.legal.names.fresh(name);
        text.line(&format!("wire {name} = &{{1'b0, {}}};", unread.join(", ")));
        text.finish()
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
        found.extend(memory.async_reads.iter().map(|r| r.address));
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
