//! What a finished module is: the data that the checks, the evaluator and the printer read.
//!
//! Everything refers to everything else by index into the module's own tables, so a module is a
//! plain value that can be compared, shared between threads and walked without recursion into
//! other modules.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use num_bigint::BigInt;

use super::ty::Type;

/// A line of the Rust source that described something.
///
/// It takes no part in comparisons, so that two modules described by different lines but alike in
/// hardware are equal.
#[derive(Clone, Copy)]
pub struct Source(pub &'static Location<'static>);

impl PartialEq for Source {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Source {}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.0.file(), self.0.line(), self.0.column())
    }
}

macro_rules! index_types {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// The position in the module's table.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index_types! {
    /// An expression of a module: an index into [`Logic::nodes`].
    NodeId;
    /// A signal of a module: an index into [`Module::signals`].
    SignalId;
    /// A memory of a module: an index into [`Logic::memories`].
    MemoryId;
    /// A clock domain of a module: an index into [`Logic::domains`]; 0 is the module's own clock.
    DomainId;
}

impl SignalId {
    /// The signal at a position of [`Module::signals`].
    pub(crate) const fn from_index(index: u32) -> SignalId {
        SignalId(index)
    }
}

/// A finished module. Cheap to share: pass it as `Arc<Module>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The Verilog name.
    pub name: String,
    /// What the module does: one sentence, then optional paragraphs.
    pub doc: String,
    /// The parameters the module was made from, for its header.
    pub parameters: Vec<(String, String)>,
    /// Cycles from an accepted beat to the beat it causes, when nothing stalls.
    pub latency: Option<u32>,
    /// Cycles from one accepted beat to the next, when nothing stalls.
    pub initiation_interval: Option<u32>,
    /// Every signal, ports included.
    pub signals: Vec<Signal>,
    /// The ports in declared order, without clock and reset.
    pub ports: Vec<SignalId>,
    /// The streams among the ports.
    pub streams: Vec<Stream>,
    /// Whether the module has a clock port.
    pub has_clock: bool,
    /// Whether the module has a reset port.
    pub has_reset: bool,
    /// For each port, whether it is an output, which inputs it depends on without a register
    /// between (indices into `ports`).
    pub paths: Vec<Vec<u32>>,
    /// Which of its properties its text states.
    pub stated: Properties,
    /// What is inside.
    pub body: Body,
    /// Where the module was described.
    pub source: Source,
}

/// What a module consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Logic described with this library.
    Logic(Logic),
    /// Verilog from elsewhere.
    BlackBox(BlackBox),
}

/// A module whose Verilog comes from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlackBox {
    /// The Verilog text, or none if the user's own flow brings the module.
    pub verilog: Option<String>,
    /// A module with the same ports that behaves alike, for the evaluator.
    pub behavior: Option<Arc<Module>>,
    /// The modules that the text instances.
    pub parts: Vec<Arc<Module>>,
}

/// The logic of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logic {
    /// Every expression; operands come before their users.
    pub nodes: Vec<Node>,
    /// The assignments, in order: a later one wins.
    pub statements: Vec<Statement>,
    /// The memories.
    pub memories: Vec<Memory>,
    /// The clock domains; the first is the module's own clock.
    pub domains: Vec<Domain>,
    /// The instances.
    pub instances: Vec<Instance>,
    /// The regular arrays of instances.
    pub arrays: Vec<InstanceArray>,
    /// The properties.
    pub properties: Vec<Property>,
    /// The state machines.
    pub machines: Vec<StateMachine>,
    /// Expressions declared to be unused on purpose.
    pub discarded: Vec<NodeId>,
}

/// A named value of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The name as the user gave it, without the suffix of a register.
    pub name: String,
    /// The type.
    pub ty: Type,
    /// What drives it.
    pub kind: SignalKind,
    /// What it means, for the comment at its declaration.
    pub doc: String,
    /// Verilog attributes, such as `keep`, as they stand between `(*` and `*)`.
    pub attributes: Vec<String>,
    /// Where it was declared.
    pub source: Source,
}

/// What drives a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// The world outside.
    Input,
    /// Assignments; visible outside.
    Output,
    /// Assignments.
    Wire,
    /// The clock's edge, with the value that the assignments give; without one it holds.
    Register {
        /// The value after reset; none if reset leaves the register alone.
        reset: Option<BigInt>,
    },
    /// A synchronous read port of a memory.
    ReadData(MemoryId),
    /// An asynchronous read port of a memory.
    AsyncReadData(MemoryId),
    /// An output port of an instance, or the collected outputs of an array.
    Instance,
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// How the value is made.
    pub op: Op,
    /// The type of the value.
    pub ty: Type,
    /// The name the user gave to the value, if any.
    pub name: Option<String>,
    /// Where the expression was written.
    pub source: Source,
}

/// How an expression's value is made. All arithmetic is on values, not on bits: the result type
/// that the builder chose holds every possible value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A constant.
    Const(BigInt),
    /// The value of a signal.
    Signal(SignalId),
    /// An operator with one operand.
    Unary(UnaryOp, NodeId),
    /// An operator with two operands.
    Binary(BinaryOp, NodeId, NodeId),
    /// The second operand where the first (one bit) is 1, else the third.
    Mux(NodeId, NodeId, NodeId),
    /// The element at an index; 0 where there is none.
    Select(NodeId, Vec<NodeId>),
    /// The operand's bits from `low` up, as many as the type is wide.
    Slice(NodeId, u32),
    /// The operands' bits side by side, the first on top.
    Concat(Vec<NodeId>),
    /// The value modulo `2^width`, read by the node's own type.
    Cast(NodeId),
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// Every bit inverted.
    Not,
    /// The negated value.
    Negate,
    /// 1 if every bit is 1.
    ReduceAnd,
    /// 1 if any bit is 1.
    ReduceOr,
    /// 1 if an odd number of bits is 1.
    ReduceXor,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// The first operand times `2^second`.
    ShiftLeft,
    /// The first operand divided by `2^second`, rounded down.
    ShiftRight,
}

impl BinaryOp {
    /// Whether the result is a condition about the two values.
    pub const fn is_comparison(self) -> bool {
        use BinaryOp::*;
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge)
    }
}

impl Logic {
    /// The module of each instance and of each array.
    pub fn instanced(&self) -> impl Iterator<Item = &Arc<Module>> {
        let instances = self.instances.iter().map(|instance| &instance.module);
        instances.chain(self.arrays.iter().map(|array| &array.module))
    }
}

impl Op {
    /// The operands, in order.
    pub fn operands(&self) -> Vec<NodeId> {
        match self {
            Op::Const(_) | Op::Signal(_) => vec![],
            Op::Unary(_, a) | Op::Slice(a, _) | Op::Cast(a) => vec![*a],
            Op::Binary(_, a, b) => vec![*a, *b],
            Op::Mux(c, a, b) => vec![*c, *a, *b],
            Op::Select(index, items) => {
                std::iter::once(*index).chain(items.iter().copied()).collect()
            }
            Op::Concat(items) => items.clone(),
        }
    }
}

/// An assignment, or assignments under a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `target` takes `value`.
    Assign {
        /// What is assigned.
        target: SignalId,
        /// A value of exactly the target's type.
        value: NodeId,
        /// Where it was written.
        source: Source,
    },
    /// One of two blocks.
    If {
        /// One bit.
        condition: NodeId,
        /// What happens where it is 1.
        then: Vec<Statement>,
        /// What happens where it is 0.
        otherwise: Vec<Statement>,
    },
    /// The block of the arm that the subject equals.
    Case {
        /// What is compared.
        subject: NodeId,
        /// Values of the subject's type, each at most once among all arms, and their blocks.
        arms: Vec<(Vec<BigInt>, Vec<Statement>)>,
        /// What happens where no arm fits.
        default: Vec<Statement>,
    },
}

/// A memory, written synchronously.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The name.
    pub name: String,
    /// The type of one element.
    pub ty: Type,
    /// How many elements.
    pub depth: u32,
    /// The synchronous read ports. A read sees what the memory held before the edge (read-first).
    pub reads: Vec<MemoryRead>,
    /// The asynchronous read ports.
    pub async_reads: Vec<AsyncRead>,
    /// The write ports; at one address the last wins.
    pub writes: Vec<MemoryWrite>,
    /// Where it was declared.
    pub source: Source,
}

/// A read port of a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryRead {
    /// Which element, as wide as an index needs; the builder masks what lies beyond the depth.
    pub address: NodeId,
    /// One bit: whether the data change at the edge.
    pub enable: NodeId,
    /// The data: registered, one cycle after the address.
    pub data: SignalId,
}

/// An asynchronous read port of a memory: the data follow the address and the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsyncRead {
    /// Which element, as wide as an index needs; the builder masks what lies beyond the depth.
    pub address: NodeId,
    /// The data.
    pub data: SignalId,
}

/// A write port of a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryWrite {
    /// Which element, as wide as an index needs; the builder disables what lies beyond the depth.
    pub address: NodeId,
    /// What is written.
    pub data: NodeId,
    /// One bit: whether it is written.
    pub enable: NodeId,
}

/// A clock domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The name of the gated clock; empty for the module's own clock.
    pub name: String,
    /// One bit: whether the next edge passes; none for the module's own clock.
    pub enable: Option<NodeId>,
}

/// An instance of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The name without the `u_` in front.
    pub name: String,
    /// What is instanced.
    pub module: Arc<Module>,
    /// The clock it runs on.
    pub domain: DomainId,
    /// For each port of the module: what it is connected to.
    pub connections: Vec<Connection>,
    /// Where it was made.
    pub source: Source,
}

/// What an instance's port is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// An input takes a value of exactly its type.
    Input(NodeId),
    /// An output drives a signal.
    Output(SignalId),
    /// An output that nobody reads.
    Open,
}

/// A regular array of instances of one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceArray {
    /// The name.
    pub name: String,
    /// What is instanced.
    pub module: Arc<Module>,
    /// The clock it runs on.
    pub domain: DomainId,
    /// The axes, outermost first: each a name and a number of elements.
    pub axes: Vec<(String, u32)>,
    /// For each input port of the module: where its value comes from. Outputs have none.
    pub inputs: Vec<Option<ArrayInput>>,
    /// The outputs that are read from outside of the array.
    pub outputs: Vec<ArrayOutput>,
    /// Where it was made.
    pub source: Source,
}

/// Where an input of every element of an array comes from.
///
/// Packed values hold one element's worth of bits for each position, position 0 lowest; the last
/// axis varies fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArrayInput {
    /// The same value for all.
    Broadcast(NodeId),
    /// A packed value with a part for each element.
    Each(NodeId),
    /// An output of the element before (`reverse`: after) along an axis; the first element along
    /// the axis takes its part of `edge`, which is packed over the other axes.
    Chain {
        /// The port of the neighbour, as an index into the module's ports.
        output: usize,
        /// Which axis.
        axis: usize,
        /// Whether values travel towards position 0.
        reverse: bool,
        /// What enters at the edge.
        edge: NodeId,
    },
    /// What the element before it along an axis had one enabled cycle earlier; the first element
    /// takes its part of `edge`, which is packed over the other axes.
    Shift {
        /// Which axis.
        axis: usize,
        /// One bit: whether values move at the edge.
        enable: NodeId,
        /// What enters at the edge.
        edge: NodeId,
    },
}

impl ArrayInput {
    /// The expressions it reads.
    pub fn operands(&self) -> Vec<NodeId> {
        match *self {
            ArrayInput::Broadcast(node) | ArrayInput::Each(node) => vec![node],
            ArrayInput::Chain { edge, .. } => vec![edge],
            ArrayInput::Shift { enable, edge, .. } => vec![enable, edge],
        }
    }
}

/// An output of an array that is read from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayOutput {
    /// The port, as an index into the module's ports.
    pub port: usize,
    /// Take only the elements at the last (or, reversed, first) position of an axis.
    pub only: Option<(usize, bool)>,
    /// The packed value.
    pub signal: SignalId,
}

impl InstanceArray {
    /// The number of elements.
    pub fn len(&self) -> usize {
        self.axes.iter().map(|(_, n)| *n as usize).product()
    }

    /// Whether there are no elements; a checked module has no such array.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of elements in a slice across `axis`.
    pub fn len_across(&self, axis: usize) -> usize {
        self.len() / self.axes[axis].1 as usize
    }
}

/// What a property asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PropertyKind {
    /// It holds in every cycle.
    Assert,
    /// Whoever drives the inputs keeps it in every cycle.
    Assume,
    /// It can come true.
    Cover,
}

/// A statement about the module that a tool can check, while reset is inactive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// What is asked.
    pub kind: PropertyKind,
    /// The label.
    pub name: String,
    /// One bit.
    pub condition: NodeId,
    /// Whether it is about what a module and its surroundings owe each other: all assumptions, that
    /// offered beats stay, and what is guaranteed.
    pub is_contract: bool,
    /// Where it was written.
    pub source: Source,
}

/// Which of its properties a module's text states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Properties {
    /// All of them.
    All,
    /// Its contract with its surroundings.
    Contract,
}

/// A register whose values have names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateMachine {
    /// The register.
    pub register: SignalId,
    /// The names of the values 0, 1, …
    pub states: Vec<String>,
}

/// Which way a port or a stream points, seen from the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Into the module.
    Input,
    /// Out of the module.
    Output,
}

/// A valid/ready bundle among a module's ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The name: what the ports' names start with.
    pub name: String,
    /// Which way the payload goes.
    pub direction: Direction,
    /// `NAME_valid_i` or `_o`.
    pub valid: SignalId,
    /// `NAME_ready_o` or `_i`.
    pub ready: SignalId,
    /// The payload's ports.
    pub payload: Vec<SignalId>,
    /// What it carries.
    pub doc: String,
}

impl Module {
    /// The signal behind an id.
    pub fn signal(&self, id: SignalId) -> &Signal {
        &self.signals[id.index()]
    }

    /// The logic, unless the module is a black box.
    pub fn logic(&self) -> Option<&Logic> {
        match &self.body {
            Body::Logic(logic) => Some(logic),
            Body::BlackBox(_) => None,
        }
    }

    /// The position among the ports of the one named `name`.
    pub fn port_index(&self, name: &str) -> Option<usize> {
        self.ports.iter().position(|&id| self.signal(id).name == name)
    }

    /// The signal of the port at a position.
    pub fn port(&self, index: usize) -> &Signal {
        self.signal(self.ports[index])
    }

    /// The stream that a port belongs to, unless it is a plain one.
    pub fn stream_of(&self, port: SignalId) -> Option<&Stream> {
        self.streams.iter().find(|stream| {
            stream.valid == port || stream.ready == port || stream.payload.contains(&port)
        })
    }

    /// The same module, in which the text of all modules states no more than their contracts: for
    /// blocks that are proven by themselves, inside of what is too large to be.
    pub fn with_contracts_alone(&self) -> Arc<Module> {
        let mut module = Module { stated: Properties::Contract, ..self.clone() };
        if let Body::Logic(logic) = &mut module.body {
            let instances = logic.instances.iter_mut().map(|instance| &mut instance.module);
            let arrays = logic.arrays.iter_mut().map(|array| &mut array.module);
            instances.chain(arrays).for_each(|inside| *inside = inside.with_contracts_alone());
        }
        Arc::new(module)
    }

    /// The first sentence of the documentation.
    pub fn summary(&self) -> &str {
        self.doc.split("\n\n").next().unwrap_or_default()
    }

    /// The modules that this one instances, each once, in the order of their first use.
    pub fn children(&self) -> Vec<&Arc<Module>> {
        let mut children: Vec<&Arc<Module>> = match &self.body {
            Body::BlackBox(black_box) => black_box.parts.iter().collect(),
            Body::Logic(_) => vec![],
        };
        for module in self.logic().into_iter().flat_map(Logic::instanced) {
            if !children.iter().any(|c| c.name == module.name) {
                children.push(module);
            }
        }
        children
    }

    /// The module and all that it instances at any depth, each once, children first.
    pub fn hierarchy(self: &Arc<Module>) -> Vec<Arc<Module>> {
        fn visit(module: &Arc<Module>, found: &mut Vec<Arc<Module>>) {
            if found.iter().any(|m| m.name == module.name) {
                return;
            }
            for child in module.children() {
                visit(child, found);
            }
            found.push(module.clone());
        }
        let mut found = Vec::new();
        visit(self, &mut found);
        found
    }
}
