//! Ports and declarations.

use std::collections::HashSet;

use super::ast::Expr;
use super::layout::{Text, harmless, plain};
use super::module::Printer;
use crate::hdl::ir::{Direction, Signal, SignalId, SignalKind, Stream};
use crate::hdl::{Type, bit};

impl<'a> Printer<'a> {
    /// The module's head: clock, reset and plain ports first, then a commented group per stream.
    pub(super) fn ports(&mut self, text: &mut Text) {
        let module = self.module;
        let groups = self.port_groups();
        let ports = || groups.iter().flat_map(|group| &group.ports);
        let Some(last) = ports().last() else {
            text.line(&format!("module {} ();", self.clocking.name(module)));
            return;
        };
        let width = ports().map(|port| port.head.len()).max().unwrap_or(0);
        text.line(&format!("module {} (", self.clocking.name(module)));
        text.nested(|text| {
            for group in &groups {
                if !group.title.is_empty() {
                    text.comment(&group.title);
                }
                for port in &group.ports {
                    let comma = if std::ptr::eq(port, last) { "" } else { "," };
                    let line = format!("{:width$} {}{comma}", port.head, port.name);
                    documented(text, &line, &port.doc);
                }
            }
        });
        text.line(");");
    }

    fn port_groups(&self) -> Vec<PortGroup> {
        let module = self.module;
        let mut plain = Vec::new();
        let input = |name: &str, doc: &str| PortLine {
            head: head("input  wire", bit()),
            name: name.to_string(),
            doc: doc.to_string(),
        };
        if module.has_clock {
            plain.push(input("clk_i", ""));
        }
        plain.extend(self.clocking.ports().iter().map(|(name, doc)| input(name, doc)));
        if module.has_reset {
            plain.push(input(self.style.reset.port(), self.style.reset.doc()));
        }
        let belongs = |stream: &Stream, id: SignalId| {
            stream.valid == id || stream.ready == id || stream.payload.contains(&id)
        };
        let in_no_stream =
            |id: &&SignalId| !module.streams.iter().any(|stream| belongs(stream, **id));
        plain.extend(module.ports.iter().filter(in_no_stream).map(|&id| self.port_line(id)));
        let mut groups = vec![PortGroup { title: String::new(), ports: plain }];
        for stream in &module.streams {
            let way = match stream.direction {
                Direction::Input => "in",
                Direction::Output => "out",
            };
            let doc = match stream.doc.as_str() {
                "" => String::new(),
                doc => format!(": {doc}"),
            };
            let ids = [stream.valid, stream.ready].into_iter().chain(stream.payload.clone());
            groups.push(PortGroup {
                title: format!("Stream {way} `{}`{doc}", stream.name),
                ports: ids.map(|id| self.port_line(id)).collect(),
            });
        }
        groups
    }

    fn port_line(&self, id: SignalId) -> PortLine {
        let signal = self.module.signal(id);
        let keyword = match (self.module.direction(id), self.variables.contains(&id)) {
            (Direction::Input, _) => "input  wire",
            (Direction::Output, false) => "output wire",
            (Direction::Output, true) => "output reg",
        };
        let head = attributed(signal, head(keyword, signal.ty));
        PortLine { head, name: self.legal.name(id).to_string(), doc: signal.doc.clone() }
    }

    pub(super) fn declarations(&mut self, text: &mut Text, formal: bool) {
        if !formal {
            self.state_declarations(text);
        }
        for (index, signal) in self.module.signals.iter().enumerate() {
            let id = SignalId::from_index(index as u32);
            let is_port = matches!(signal.kind, SignalKind::Input | SignalKind::Output);
            if !self.belongs(id, formal) || is_port {
                continue;
            }
            let keyword = match signal.kind {
                SignalKind::Register { .. } | SignalKind::ReadData(_) => "reg",
                _ if self.variables.contains(&id) => "reg",
                _ => "wire",
            };
            let line = attributed(signal, declaration(keyword, signal.ty, self.legal.name(id)));
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

/// Ports under one comment.
struct PortGroup {
    title: String,
    ports: Vec<PortLine>,
}

/// A port: what stands before its name, its name, the comment behind it.
struct PortLine {
    head: String,
    name: String,
    doc: String,
}

/// What stands before a name: `reg signed [7:0]`.
fn head(keyword: &str, ty: Type) -> String {
    let signed = if ty.signed { " signed" } else { "" };
    match ty {
        ty if ty == bit() => keyword.to_string(),
        ty => format!("{keyword}{signed} [{}:0]", ty.width - 1),
    }
}

/// A declaration without its semicolon: `reg signed [7:0] x`.
pub(super) fn declaration(keyword: &str, ty: Type, name: &str) -> String {
    format!("{} {name}", head(keyword, ty))
}

fn attributed(signal: &Signal, declaration: String) -> String {
    if signal.attributes.is_empty() {
        return declaration;
    }
    format!("(* {} *) {declaration}", signal.attributes.join(", "))
}

/// A line with a comment behind it, or above it where that is too long.
fn documented(text: &mut Text, line: &str, doc: &str) {
    let doc = plain(doc);
    let doc = doc.trim();
    if doc.is_empty() {
        text.line(line);
    } else if line.len() + doc.len() < 88 && !doc.contains('\n') {
        text.raw(&format!("{line}  // {}", harmless(doc)));
    } else {
        text.comment(doc);
        text.line(line);
    }
}
