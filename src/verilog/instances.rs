//! Instances, clock gates and memories.

use std::sync::Arc;

use super::Gating;
use super::ast::{Expr, bit_literal};
use super::clocking::{CLOCK_ENABLE, Clocking, FREE_CLOCK};
use super::interface::declaration;
use super::layout::Text;
use super::module::Printer;
use super::names::stem;
use crate::config::Reset;
use crate::hdl::ir::{Connection, DomainId, Memory, Module, NodeId};

impl<'a> Printer<'a> {
    pub(super) fn clock_gates(&mut self) {
        for domain in &self.logic.domains[1..] {
            self.legal.purpose(&domain.name);
            let enable = domain.enable.expect("only the module's own clock has none");
            let mut enable = self.legal.simple(enable);
            // A reset at the clock's edge reaches nobody whose clock stands still.
            let opens_in_reset = self.module.has_reset && self.style.reset != Reset::AsyncLow;
            if opens_in_reset {
                enable = Expr::binary("||", enable, self.style.reset.is_active(), 1);
            }
            if self.clocking != Clocking::Plain {
                let name = CLOCK_ENABLE.to_string();
                let passes = Expr::Ident { name, width: 1, signed: false };
                enable = Expr::binary("&&", passes, enable, 1);
            }
            self.flush_nets();
            if opens_in_reset {
                self.body.line("// Open in reset, which takes an edge of the clock.");
            }
            match (self.style.gating, &self.style.clock_gate) {
                (Gating::Tree, Some(cell)) => self.clock_gate(&cell.name, &domain.name, &enable),
                (gating, cell) => {
                    let name = domain_enable(&domain.name);
                    let shown = self.show(&enable);
                    self.declare_readable(&name, 1);
                    self.body.line(&format!("wire {name} = {shown};"));
                    if let (Gating::Flat, Some(cell)) = (gating, cell) {
                        let enable = Expr::Ident { name, width: 1, signed: false };
                        self.clock_gate(&cell.name, &domain.name, &enable);
                    }
                }
            }
            self.body.gap();
        }
    }

    /// The cell behind a gated clock.
    fn clock_gate(&mut self, cell: &str, clock: &str, enable: &Expr) {
        let free = self.free_clock();
        self.read(free, 1);
        let enable = self.show(enable);
        self.body.line(&format!("wire {clock};"));
        self.declare_readable(clock, 1);
        self.body.block(&format!("{cell} u_{clock} ("), ");", |text| {
            text.line(&format!(".clk_i({free}),"));
            text.line(&format!(".enable_i({enable}),"));
            text.line(".test_enable_i(1'b0),");
            text.line(&format!(".clk_o({clock})"));
        });
    }

    /// The clock that gates stand behind.
    fn free_clock(&self) -> &'static str {
        if self.clocking == Clocking::Beside { FREE_CLOCK } else { "clk_i" }
    }

    /// The name of a domain's clock.
    pub(super) fn clock(&self, domain: DomainId) -> &'a str {
        match self.logic.domains[domain.index()].name.as_str() {
            _ if self.style.gating == Gating::Enable => "clk_i",
            "" => "clk_i",
            name => name,
        }
    }

    /// Whether a domain's clock passes, where the clock alone does not say so.
    pub(super) fn clock_enable(&mut self, domain: DomainId) -> Option<Expr> {
        let name = match (domain, self.style.gating) {
            (DomainId(0), Gating::Enable) if self.clocking == Clocking::Enabled => {
                CLOCK_ENABLE.into()
            }
            (DomainId(0), _) | (_, Gating::Tree | Gating::Flat) => return None,
            (_, Gating::Enable) => domain_enable(&self.logic.domains[domain.index()].name),
        };
        Some(Expr::Ident { name, width: 1, signed: false })
    }

    /// The name of an instance's module as it is clocked, and the connections of clock and reset.
    pub(super) fn clock_connections(
        &mut self,
        module: &Arc<Module>,
        domain: DomainId,
    ) -> (String, Vec<String>) {
        let clocking = self.clocking.of(domain, module, self.style.gating);
        let mut connections = Vec::new();
        if module.has_clock {
            let clock = self.clock(domain);
            self.read(clock, 1);
            connections.push(format!(".clk_i({clock})"));
        }
        for (port, _) in clocking.ports() {
            let name = match (*port, domain) {
                (FREE_CLOCK, _) => self.free_clock().to_string(),
                (_, DomainId(0)) => CLOCK_ENABLE.to_string(),
                (_, domain) => domain_enable(&self.logic.domains[domain.index()].name),
            };
            self.read(&name, 1);
            connections.push(format!(".{port}({name})"));
        }
        if module.has_reset {
            let reset = self.style.reset.port();
            self.read(reset, 1);
            connections.push(format!(".{reset}({reset})"));
        }
        (clocking.name(module), connections)
    }

    pub(super) fn instances(&mut self) {
        for instance in &self.logic.instances {
            let (module, mut connections) =
                self.clock_connections(&instance.module, instance.domain);
            let mut ports = Vec::new();
            let mut open = Vec::new();
            for (index, connection) in instance.connections.iter().enumerate() {
                let port = instance.module.port(index).name.clone();
                self.legal.purpose(&format!("{}_{}", instance.name, stem(&port)));
                ports.push(match *connection {
                    Connection::Input(node) => (port, self.legal.simple(node), false),
                    Connection::Output(signal) => (port, self.legal.signal(signal), true),
                    Connection::Open => {
                        // Tools ask about a port that is left open, so it drives a net.
                        let wish = format!("{}_{}", instance.name, stem(&port));
                        let name = self.legal.names.fresh(&wish);
                        let ty = instance.module.port(index).ty;
                        self.declare_readable(&name, ty.width);
                        open.push(format!("{};", declaration("wire", ty, &name)));
                        let (width, signed) = (ty.width, ty.signed);
                        (port, Expr::Ident { name, width, signed }, true)
                    }
                });
            }
            self.flush_nets();
            for (port, value, is_output) in ports {
                let value = if is_output { value.text() } else { self.show(&value) };
                connections.push(format!(".{port}({value})"));
            }
            let head = format!("{module} u_{} (", instance.name);
            self.body.gap();
            open.iter().for_each(|line| self.body.line(line));
            self.body.block(&head, ");", |text| list(text, &connections));
            self.body.gap();
        }
    }

    pub(super) fn memories(&mut self) {
        for (memory, name) in self.logic.memories.iter().zip(self.memory_names.clone()) {
            self.body.gap();
            self.async_reads(memory, &name, false);
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
            let passes = self.clock_enable(DomainId(0)).map(|enable| self.show(&enable));
            let mut lines = self.body.inner();
            if passes.is_some() {
                lines.indent();
            }
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
            self.body.block("always @(posedge clk_i) begin", "end", |text| match passes {
                None => text.insert(&lines),
                Some(passes) => {
                    text.block(&format!("if ({passes}) begin"), "end", |t| t.insert(&lines));
                }
            });
            self.body.gap();
        }
    }

    /// The asynchronous read ports of a memory; `formal`: those whose data only properties read.
    pub(super) fn async_reads(&mut self, memory: &Memory, name: &str, formal: bool) {
        for read in &memory.async_reads {
            if !self.belongs(read.data, formal) {
                continue;
            }
            self.legal.purpose(&format!("{}_read", memory.name));
            let address = self.address(read.address);
            self.flush_nets();
            let address = self.show(&address);
            let data = self.legal.name(read.data).to_string();
            self.body.line(&format!("assign {data} = {name}[{address}];"));
        }
    }

    /// An address: unsigned, and no more than a name.
    fn address(&mut self, id: NodeId) -> Expr {
        let address = self.legal.simple(id);
        if address.is_signed() { Expr::Unsigned(address.into()) } else { address }
    }
}

/// What the enable of a gated clock is called where it has a name.
pub(super) fn domain_enable(clock: &str) -> String {
    format!("{clock}_enable")
}

/// Items one per line, with commas between.
pub(super) fn list(text: &mut Text, items: &[String]) {
    for (index, item) in items.iter().enumerate() {
        let comma = if index + 1 < items.len() { "," } else { "" };
        text.line(&format!("{item}{comma}"));
    }
}
