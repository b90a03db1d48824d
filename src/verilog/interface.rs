//! Ports and declarations.

use std::collections::HashSet;

use super::ast::Expr;
use super::layout::{Text, harmless, plain};
use super::module::Printer;
use crate::hdl::ir::{Direction, Signal, SignalId, SignalKind};
use crate::hdl::{Type, bit};

impl<'a> Printer<'a> {
    pub(super) fn ports(&mut self, text: &mut Text) {
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

    pub(super) fn declarations(&mut self, text: &mut Text, formal: bool) {
        if !formal {
            self.state_declarations(text);
        }
        for (index, signal) in self.module.signals.iter().enumerate() {
            let id = SignalId::from_index(index as u32);
            let is_port = matches!(signal.kind, SignalKind::Input | SignalKind::Output);
            if self.formal_only.contains(&id) != formal || is_port {
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
