//! Instances and gated clocks.

use std::sync::Arc;

use super::builder::ModuleBuilder;
use super::error::ErrorKind;
use super::expr::{Expr, Operand, here};
use super::ir::{
    self, Connection, Direction, Domain, DomainId, Module, Op, SignalId, SignalKind, Source,
};
use super::ty::uint;

/// A clock that passes an edge only where its enable was 1 before the edge.
#[derive(Clone, Copy)]
pub struct GatedClock<'m> {
    builder: &'m ModuleBuilder,
    domain: DomainId,
}

impl GatedClock<'_> {
    /// The domain, if the clock is one of `m`'s; another module's is an error.
    pub(super) fn domain(self, m: &ModuleBuilder, source: Source) -> DomainId {
        if std::ptr::eq(self.builder, m) {
            return self.domain;
        }
        m.report(ErrorKind::Foreign(self.builder.name().to_string()), source);
        DomainId(0)
    }
}

/// An instance in the module under description.
pub struct Instance<'m> {
    builder: &'m ModuleBuilder,
    index: usize,
    module: Arc<Module>,
    name: String,
}

impl ModuleBuilder {
    /// Declares a gated clock called `name`. Instances run on it with [`Instance::clocked_by`].
    #[track_caller]
    pub fn gated_clock<'m>(&'m self, name: &str, enable: impl Operand<'m>) -> GatedClock<'m> {
        let source = here();
        self.claim(name, source);
        // The cell behind it.
        self.claim(&format!("u_{name}"), source);
        let enable = self.condition(enable.lift(self, source), source).id;
        let name = name.to_string();
        let domain = self.with_draft(|draft| {
            draft.logic.domains.push(Domain { name, enable: Some(enable) });
            DomainId(draft.logic.domains.len() as u32 - 1)
        });
        GatedClock { builder: self, domain }
    }

    /// Makes an instance of `module`, called `u_NAME` in the emitted Verilog. Clock and reset are
    /// connected by themselves.
    #[track_caller]
    pub fn instance(&self, name: &str, module: &Arc<Module>) -> Instance<'_> {
        let source = here();
        self.claim_for(name, &format!("u_{name}"), source);
        let index = self.with_draft(|draft| {
            draft.logic.instances.push(ir::Instance {
                name: name.to_string(),
                module: module.clone(),
                domain: DomainId(0),
                // An input that stays open is reported as not connected.
                connections: vec![Connection::Open; module.ports.len()],
                source,
            });
            draft.logic.instances.len() - 1
        });
        Instance { builder: self, index, module: module.clone(), name: name.to_string() }
    }

    /// Finds a port of an instanced module, or reports that there is none of that direction.
    pub(super) fn find_port(
        &self,
        owner: &str,
        module: &Module,
        name: &str,
        direction: Direction,
        source: Source,
    ) -> Option<usize> {
        let fits = |id: &SignalId| module.direction(*id) == direction;
        let found = module.port_index(name).filter(|&index| fits(&module.ports[index]));
        if found.is_none() {
            let what = match direction {
                Direction::Input => "input",
                Direction::Output => "output",
            };
            let ports = module.ports.iter().filter(|id| fits(id));
            let known = ports.map(|&id| module.signal(id).name.clone()).collect();
            let (owner, name) = (owner.to_string(), name.to_string());
            self.report(ErrorKind::Unknown { owner, what, name, known }, source);
        }
        found
    }
}

impl<'m> Instance<'m> {
    /// Makes the instance run on a gated clock.
    #[track_caller]
    pub fn clocked_by(&self, clock: GatedClock<'m>) -> &Self {
        let domain = clock.domain(self.builder, here());
        self.builder.with_draft(|draft| draft.logic.instances[self.index].domain = domain);
        self
    }

    /// Connects the input `port` to `value`, which has exactly the port's type.
    #[track_caller]
    pub fn connect(&self, port: &str, value: impl Operand<'m>) -> &Self {
        let source = here();
        let m = self.builder;
        let value = value.lift(m, source);
        let found = m.find_port(&self.name, &self.module, port, Direction::Input, source);
        let Some(index) = found else { return self };
        let value = m.exactly(port, value, self.module.port(index).ty, source);
        let before = m.with_draft(|draft| {
            let connection = &mut draft.logic.instances[self.index].connections[index];
            std::mem::replace(connection, Connection::Input(value.id))
        });
        if before != Connection::Open {
            let text = format!("input `{port}` of instance `{}` is connected twice", self.name);
            m.report(ErrorKind::Misuse(text), source);
        }
        self
    }

    /// The value of the output `port`.
    #[track_caller]
    pub fn output(&self, port: &str) -> Expr<'m> {
        let source = here();
        let m = self.builder;
        let found = m.find_port(&self.name, &self.module, port, Direction::Output, source);
        let Some(index) = found else { return m.node(Op::Const(0.into()), uint(1), source) };
        let ty = self.module.port(index).ty;
        let connected = m.with_draft(|draft| draft.logic.instances[self.index].connections[index]);
        if let Connection::Output(id) = connected {
            return m.node(Op::Signal(id), ty, source);
        }
        let name = format!("{}_{}", self.name, port.trim_end_matches("_o"));
        let signal = m.declare(name, ty, SignalKind::Instance, source);
        m.with_draft(|draft| {
            let connections = &mut draft.logic.instances[self.index].connections;
            connections[index] = Connection::Output(signal.id);
        });
        signal.expr()
    }

    /// Connects a stream of this module to one of the instance: the payload fields of the same
    /// names, and valid; `ready` gets the instance's ready.
    #[track_caller]
    pub fn feed(&self, stream: &str, from: &super::StreamIn<'m>) -> &Self {
        self.connect(&format!("{stream}_valid_i"), from.valid);
        for (field, value) in from.payload() {
            self.connect(&format!("{stream}_{field}_i"), value);
        }
        from.ready.set(self.output(&format!("{stream}_ready_o")));
        self
    }

    /// Connects a stream of the instance to one of this module.
    #[track_caller]
    pub fn drain(&self, stream: &str, to: &super::StreamOut<'m>) -> &Self {
        to.valid.set(self.output(&format!("{stream}_valid_o")));
        for (field, port) in to.payload() {
            port.set(self.output(&format!("{stream}_{field}_o")));
        }
        self.connect(&format!("{stream}_ready_i"), to.ready)
    }
}
