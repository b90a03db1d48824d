//! Streams: valid/ready bundles.
//!
//! A beat moves in every cycle in which valid and ready are both 1. Valid never waits for ready,
//! and the payload is held while a beat waits; a combinational path from a ready to a valid is an
//! error of the module.

use super::builder::ModuleBuilder;
use super::error::ErrorKind;
use super::expr::{Expr, here};
use super::ir::{self, Direction, SignalId, SignalKind, Source};
use super::signal::Signal;
use super::ty::{Type, bit};

/// One part of a stream's payload: its name and type.
pub type Field<'a> = (&'a str, Type);

/// A stream into the module under description: ports `NAME_valid_i`, `NAME_ready_o`, and
/// `NAME_FIELD_i` for each part of the payload, which `stream["FIELD"]` reads.
pub struct StreamIn<'m> {
    /// Whether a beat is offered.
    pub valid: Expr<'m>,
    /// Whether the module takes it; to be assigned.
    pub ready: Signal<'m>,
    name: String,
    fields: Vec<(String, Expr<'m>)>,
}

/// A stream out of the module under description: ports `NAME_valid_o`, `NAME_ready_i`, and
/// `NAME_FIELD_o` for each part of the payload, to be assigned through `stream["FIELD"]`.
pub struct StreamOut<'m> {
    /// Whether a beat is offered; to be assigned.
    pub valid: Signal<'m>,
    /// Whether the receiver takes it.
    pub ready: Expr<'m>,
    name: String,
    fields: Vec<(String, Signal<'m>)>,
}

impl ModuleBuilder {
    /// Declares a stream into the module.
    #[track_caller]
    pub fn stream_in(&self, name: &str, fields: &[Field<'_>]) -> StreamIn<'_> {
        let source = here();
        let ports = self.stream_ports(name, fields, Direction::Input, source);
        StreamIn {
            valid: ports.valid.expr,
            ready: ports.ready,
            name: name.to_string(),
            fields: ports.payload.into_iter().map(|(name, port)| (name, port.expr)).collect(),
        }
    }

    /// Declares a stream out of the module.
    #[track_caller]
    pub fn stream_out(&self, name: &str, fields: &[Field<'_>]) -> StreamOut<'_> {
        let source = here();
        let ports = self.stream_ports(name, fields, Direction::Output, source);
        StreamOut {
            valid: ports.valid,
            ready: ports.ready.expr,
            name: name.to_string(),
            fields: ports.payload,
        }
    }

    /// Says what a stream carries, above its ports.
    #[track_caller]
    pub fn stream_doc(&self, name: &str, doc: &str) {
        let known = self.with_draft(|draft| {
            match draft.streams.iter_mut().find(|stream| stream.name == name) {
                Some(stream) => {
                    stream.doc = doc.to_string();
                    None
                }
                None => Some(draft.streams.iter().map(|s| s.name.clone()).collect()),
            }
        });
        if let Some(known) = known {
            let (owner, what, name) = (self.name().to_string(), "stream", name.to_string());
            self.report(ErrorKind::Unknown { owner, what, name, known }, here());
        }
    }

    fn stream_ports(
        &self,
        name: &str,
        fields: &[Field<'_>],
        direction: Direction,
        source: Source,
    ) -> Ports<'_> {
        let (forward, backward) = match direction {
            Direction::Input => (SignalKind::Input, SignalKind::Output),
            Direction::Output => (SignalKind::Output, SignalKind::Input),
        };
        let suffix = |kind: &SignalKind| if *kind == SignalKind::Input { "i" } else { "o" };
        let port = |part: &str, ty, kind: &SignalKind| {
            self.port(format!("{name}_{part}_{}", suffix(kind)), ty, kind.clone(), source)
        };
        let valid = port("valid", bit(), &forward);
        let ready = port("ready", bit(), &backward);
        let payload: Vec<_> = fields
            .iter()
            .map(|(field, ty)| (field.to_string(), port(field, *ty, &forward)))
            .collect();
        let ids: Vec<SignalId> = payload.iter().map(|(_, signal)| signal.id).collect();
        self.with_draft(|draft| {
            draft.streams.push(ir::Stream {
                name: name.to_string(),
                direction,
                valid: valid.id,
                ready: ready.id,
                payload: ids,
                doc: String::new(),
            });
        });
        Ports { valid, ready, payload }
    }
}

struct Ports<'m> {
    valid: Signal<'m>,
    ready: Signal<'m>,
    payload: Vec<(String, Signal<'m>)>,
}

impl<'m> StreamIn<'m> {
    /// Whether a beat moves in this cycle.
    #[track_caller]
    pub fn fire(&self) -> Expr<'m> {
        self.valid & self.ready
    }

    /// The parts of the payload, in declared order.
    pub fn payload(&self) -> impl Iterator<Item = (&str, Expr<'m>)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl<'m> StreamOut<'m> {
    /// Whether a beat moves in this cycle.
    #[track_caller]
    pub fn fire(&self) -> Expr<'m> {
        self.valid & self.ready
    }

    /// The parts of the payload, in declared order.
    pub fn payload(&self) -> impl Iterator<Item = (&str, Signal<'m>)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// Finds a field; a name that the stream does not have is reported, and the first field stands in.
#[track_caller]
fn field<'a, T>(
    name: &str,
    fields: &'a [(String, T)],
    field: &str,
    m: &ModuleBuilder,
) -> Option<&'a T> {
    let found = fields.iter().find(|(name, _)| name == field).map(|(_, value)| value);
    if found.is_none() {
        let (owner, what) = (name.to_string(), "field");
        let known = fields.iter().map(|(name, _)| name.clone()).collect();
        let kind = ErrorKind::Unknown { owner, what, name: field.to_string(), known };
        m.report(kind, here());
    }
    found.or_else(|| fields.first().map(|(_, value)| value))
}

impl<'m> std::ops::Index<&str> for StreamIn<'m> {
    type Output = Expr<'m>;

    #[track_caller]
    fn index(&self, name: &str) -> &Expr<'m> {
        field(&self.name, &self.fields, name, self.valid.builder).unwrap_or(&self.valid)
    }
}

impl<'m> std::ops::Index<&str> for StreamOut<'m> {
    type Output = Signal<'m>;

    #[track_caller]
    fn index(&self, name: &str) -> &Signal<'m> {
        field(&self.name, &self.fields, name, self.ready.builder).unwrap_or(&self.valid)
    }
}
