//! The contract of streams: a beat that waits stays, with its payload, until it is taken.
//!
//! It is stated for every stream of a module with a clock and a reset: of an output, the module
//! keeps it (`NAME_held` is asserted), of an input, whoever drives it does (it is assumed). It
//! takes one register for whether a beat waits and one for each part of the payload. A reset ends
//! the wait.

use std::collections::HashSet;

use super::ir::{
    BinaryOp, Body, Direction, Logic, Module, Node, NodeId, Op, Property, PropertyKind, Signal,
    SignalId, SignalKind, Source, Statement, Stream, UnaryOp,
};
use super::ty::{Type, bit};

/// Adds the properties of a checked module's streams; `taken`: the names that it uses.
pub(super) fn add(module: &mut Module, taken: HashSet<String>) {
    if !(module.has_clock && module.has_reset) {
        return;
    }
    let Module { signals, streams, body: Body::Logic(logic), source, .. } = module else { return };
    let mut writer = Writer { signals, logic, taken, source: *source };
    streams.iter().for_each(|stream| writer.stream(stream));
}

/// Writes expressions and statements into the tables of a module.
struct Writer<'a> {
    signals: &'a mut Vec<Signal>,
    logic: &'a mut Logic,
    taken: HashSet<String>,
    source: Source,
}

impl Writer<'_> {
    fn stream(&mut self, stream: &Stream) {
        let (valid, ready) = (self.read(stream.valid), self.read(stream.ready));
        let not_ready = self.node(Op::Unary(UnaryOp::Not, ready), bit());
        let waits = self.both(valid, not_ready);
        let doc = format!("whether a beat of `{}` was offered and not taken", stream.name);
        let waited = format!("{}_waited", stream.name);
        let waited = self.register(&waited, Some(0.into()), waits, bit(), &doc);

        let mut held = valid;
        for &part in &stream.payload {
            let Signal { name, ty, .. } = &self.signals[part.index()];
            let (name, ty) = (format!("{}_was", stem(name)), *ty);
            let now = self.read(part);
            let before = self.register(&name, None, now, ty, "");
            let same = self.node(Op::Binary(BinaryOp::Eq, now, before), bit());
            held = self.both(held, same);
        }
        let not_waited = self.node(Op::Unary(UnaryOp::Not, waited), bit());
        let condition = self.node(Op::Binary(BinaryOp::Or, not_waited, held), bit());
        let name = self.fresh(&format!("{}_held", stream.name), "");
        let kind = match stream.direction {
            Direction::Input => PropertyKind::Assume,
            Direction::Output => PropertyKind::Assert,
        };
        let source = self.signals[stream.valid.index()].source;
        self.logic.properties.push(Property { kind, name, condition, is_contract: true, source });
    }

    /// The value of a new register that always takes `next`.
    fn register(
        &mut self,
        wish: &str,
        reset: Option<num_bigint::BigInt>,
        next: NodeId,
        ty: Type,
        doc: &str,
    ) -> NodeId {
        let (name, doc) = (self.fresh(wish, "_q"), doc.to_string());
        let (kind, source) = (SignalKind::Register { reset }, self.source);
        self.signals.push(Signal { name, ty, kind, doc, attributes: vec![], source });
        let target = SignalId(self.signals.len() as u32 - 1);
        self.logic.statements.push(Statement::Assign { target, value: next, source });
        self.read(target)
    }

    /// A name that is not taken, nor is it with a suffix.
    fn fresh(&mut self, wish: &str, suffix: &str) -> String {
        let numbered = (2..).map(|number| format!("{wish}_{number}"));
        let mut wishes = std::iter::once(wish.to_string()).chain(numbered);
        let is_free = |name: &String| self.taken.insert(format!("{name}{suffix}"));
        wishes.find(is_free).expect("there is always a larger number")
    }

    fn both(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.node(Op::Binary(BinaryOp::And, a, b), bit())
    }

    fn read(&mut self, signal: SignalId) -> NodeId {
        let ty = self.signals[signal.index()].ty;
        self.node(Op::Signal(signal), ty)
    }

    fn node(&mut self, op: Op, ty: Type) -> NodeId {
        self.logic.nodes.push(Node { op, ty, name: None, source: self.source });
        NodeId(self.logic.nodes.len() as u32 - 1)
    }
}

/// A port's name without the suffix of its direction.
fn stem(port: &str) -> &str {
    port.strip_suffix("_i").or(port.strip_suffix("_o")).unwrap_or(port)
}
