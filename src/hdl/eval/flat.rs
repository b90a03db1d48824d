//! The second step: the hierarchy becomes one table of values.
//!
//! Every expression and every signal of every instance is a [`Value`]. What defines a value is
//! looked up through [`Flat::view`], which also looks through everything that moves bits without
//! changing them, so that ports, packed arrays and names cost nothing when running.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use num_bigint::BigInt;

use super::EvalError;
use super::limbs;
use super::plan::Plan;
use crate::hdl::ir::{
    ArrayInput, ArrayOutput, Body, Connection, Instance, InstanceArray, Logic, Module, NodeId, Op,
    Property, SignalId, SignalKind,
};
use crate::hdl::ty::Type;

/// A value of the flattened design: an index into [`Flat::defs`].
pub(super) type Value = u32;

/// A clock domain of the flattened design: an index into [`Flat::domains`]; 0 is the root clock.
pub(super) type DomainIndex = usize;

/// How many steps [`Flat::slice`] looks back. A limit keeps the work linear, and finite in a
/// combinational loop.
const MAX_HOPS: usize = 64;

/// What defines a value.
#[derive(Clone, Copy)]
enum Def {
    /// An expression of the owner's plan.
    Node,
    /// Something that lasts from edge to edge: a register, read data, an input of the top.
    State,
    /// The same value as another.
    Alias(Value),
    /// Bits of another value from `low` up.
    Part { of: Value, low: u32 },
    /// Values of equal width side by side, the first lowest: a range of the pool.
    Pack { first: u32, count: u32 },
    /// An element of a memory, asynchronously: the memory's index and the address.
    Fetch { memory: u32, address: Value },
    /// Nothing drives it.
    Zero,
}

/// What a value is, seen through everything that only moves bits.
pub(super) enum View<'f> {
    State,
    Zero,
    Const(&'f BigInt),
    /// The very same limbs as another value.
    Alias(Value),
    /// Another value modulo `2^width`, read by the own type.
    Cast(Value),
    /// Bits of another value from a position up.
    Slice(Value, u32),
    Concat(Parts<'f>),
    /// An element of a memory: its index and the address.
    Fetch(u32, Value),
    /// An operator; its operands count from the given value.
    Op(&'f Op, Value),
}

/// The operands of a concatenation.
pub(super) enum Parts<'f> {
    /// The operands of a node, the highest first, and the lowest bit of each.
    Nodes { items: &'f [NodeId], offsets: &'f [u32], base: Value },
    /// Values of equal width, the lowest first.
    Pack { values: &'f [Value], width: u32 },
}

impl Parts<'_> {
    /// The values and the lowest bit of each.
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = (Value, u32)> + '_> {
        match *self {
            Parts::Nodes { items, offsets, base } => {
                Box::new(items.iter().zip(offsets).map(move |(id, &low)| (base + id.0, low)))
            }
            Parts::Pack { values, width } => {
                let lows = (0..).step_by(width as usize);
                Box::new(values.iter().zip(lows).map(|(&value, low)| (value, low)))
            }
        }
    }

    /// The part that bit `low` falls into, and the lowest bit of that part.
    fn at(&self, low: u32) -> Option<(Value, u32)> {
        match *self {
            Parts::Nodes { items, offsets, base } => {
                let index = offsets.partition_point(|&offset| offset > low);
                Some((base + items.get(index)?.0, offsets[index]))
            }
            Parts::Pack { values, width } => {
                let index = low / width;
                Some((*values.get(index as usize)?, index * width))
            }
        }
    }
}

/// An instance of the flattened design.
pub(super) struct FlatInstance<'m> {
    /// The names on the way from the top; empty for the top itself.
    pub path: String,
    pub module: &'m Module,
    plan: Rc<Plan>,
    nodes: Value,
    signals: Value,
}

impl FlatInstance<'_> {
    pub(super) fn signal(&self, id: SignalId) -> Value {
        self.signals + id.0
    }

    /// The values of the module's signals, in order.
    pub(super) fn signals(&self) -> std::ops::Range<Value> {
        self.signals..self.signals + self.module.signals.len() as Value
    }

    fn node(&self, id: NodeId) -> Value {
        self.nodes + id.0
    }
}

/// A register, or a register between neighbours of an array.
pub(super) struct FlatRegister {
    pub value: Value,
    pub next: Value,
    /// Where given, the register holds unless this is 1.
    pub enable: Option<Value>,
    pub domain: DomainIndex,
    pub reset: Option<BigInt>,
}

/// A clock domain.
pub(super) struct FlatDomain {
    /// The clock that is gated and the enable; none for the root.
    pub gate: Option<(DomainIndex, Value)>,
    /// Whether a synchronous reset opens the gate: it does in a module that has a reset.
    pub opens: bool,
}

pub(super) struct FlatMemory {
    pub ty: Type,
    pub depth: u32,
    pub domain: DomainIndex,
    /// Address, enable and data of each read port.
    pub reads: Vec<[Value; 3]>,
    /// Address, enable and data of each write port.
    pub writes: Vec<[Value; 3]>,
}

pub(super) struct FlatProperty<'m> {
    pub instance: usize,
    pub property: &'m Property,
    pub condition: Value,
}

/// A design without hierarchy.
#[derive(Default)]
pub(super) struct Flat<'m> {
    pub instances: Vec<FlatInstance<'m>>,
    pub types: Vec<Type>,
    pub registers: Vec<FlatRegister>,
    pub domains: Vec<FlatDomain>,
    pub memories: Vec<FlatMemory>,
    pub properties: Vec<FlatProperty<'m>>,
    defs: Vec<Def>,
    /// The instance that each value belongs to.
    owners: Vec<u32>,
    pool: Vec<Value>,
    plans: HashMap<*const Module, Rc<Plan>>,
}

impl<'m> Flat<'m> {
    pub(super) fn of(module: &'m Arc<Module>) -> Result<Flat<'m>, EvalError> {
        let mut flat = Flat::default();
        flat.domains.push(FlatDomain { gate: None, opens: false });
        flat.instance(module, String::new(), 0)?;
        let top = &flat.instances[0];
        for &port in &top.module.ports {
            if top.module.signal(port).kind == SignalKind::Input {
                flat.defs[top.signal(port) as usize] = Def::State;
            }
        }
        Ok(flat)
    }

    pub(super) fn ty(&self, value: Value) -> Type {
        self.types[value as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.defs.len()
    }

    /// The hierarchical name of a value that is a signal.
    pub(super) fn signal_name(&self, value: Value) -> Option<String> {
        let owner = &self.instances[self.owners[value as usize] as usize];
        let index = value.checked_sub(owner.signals)?;
        Some(join(&owner.path, &owner.module.signals.get(index as usize)?.name))
    }

    /// Every value that is a signal.
    pub(super) fn signals(&self) -> impl Iterator<Item = Value> {
        self.instances.iter().flat_map(FlatInstance::signals)
    }

    // Looking at values.

    /// What a value is.
    pub(super) fn view(&self, value: Value) -> View<'_> {
        match self.plain_view(value) {
            View::Slice(of, low) => self.slice(of, low, self.ty(value)),
            view => view,
        }
    }

    fn plain_view(&self, value: Value) -> View<'_> {
        let ty = self.ty(value);
        match self.defs[value as usize] {
            Def::Node => self.node_view(value),
            Def::State => View::State,
            Def::Alias(of) => View::Alias(of),
            Def::Part { of, low } => View::Slice(of, low),
            Def::Fetch { memory, address } => View::Fetch(memory, address),
            Def::Zero => View::Zero,
            Def::Pack { first, count } => {
                let values = &self.pool[first as usize..(first + count) as usize];
                View::Concat(Parts::Pack { values, width: ty.width / count })
            }
        }
    }

    fn node_view(&self, value: Value) -> View<'_> {
        let owner = &self.instances[self.owners[value as usize] as usize];
        let id = NodeId(value - owner.nodes);
        let base = owner.nodes;
        match &owner.plan.nodes[id.index()].op {
            Op::Const(constant) => View::Const(constant),
            Op::Signal(signal) => View::Alias(owner.signal(*signal)),
            Op::Cast(of) => self.cast(base + of.0, self.ty(value)),
            Op::Slice(of, low) => View::Slice(base + of.0, *low),
            Op::Concat(items) => {
                let offsets = &owner.plan.offsets[&id];
                View::Concat(Parts::Nodes { items, offsets, base })
            }
            op => View::Op(op, base),
        }
    }

    fn cast(&self, of: Value, ty: Type) -> View<'_> {
        if limbs::same_limbs(self.ty(of), ty) { View::Alias(of) } else { View::Cast(of) }
    }

    /// Bits of a value, taken as far back as they come unchanged from.
    fn slice(&self, mut of: Value, mut low: u32, ty: Type) -> View<'_> {
        for _ in 0..MAX_HOPS {
            match self.plain_view(of) {
                View::Alias(from) | View::Cast(from) if low + ty.width <= self.ty(from).width => {
                    of = from;
                }
                View::Slice(from, below) => (of, low) = (from, low + below),
                View::Concat(parts) => match parts.at(low) {
                    Some((part, start)) if low - start + ty.width <= self.ty(part).width => {
                        (of, low) = (part, low - start);
                    }
                    _ => break,
                },
                _ => break,
            }
        }
        if low == 0 { self.cast(of, ty) } else { View::Slice(of, low) }
    }

    // Building.

    fn values(&mut self, owner: usize, def: Def, types: impl Iterator<Item = Type>) -> Value {
        let first = self.types.len();
        self.types.extend(types);
        self.defs.resize(self.types.len(), def);
        self.owners.resize(self.types.len(), owner as u32);
        first as Value
    }

    /// Adds an instance of `module` and all that is inside, running on `domain`.
    ///
    /// The recursion is as deep as the hierarchy.
    fn instance(
        &mut self,
        module: &'m Arc<Module>,
        path: String,
        domain: DomainIndex,
    ) -> Result<usize, EvalError> {
        let (module, logic) = implementation(module, &path)?;
        let plan = self.plans.entry(module).or_insert_with(|| Rc::new(Plan::of(module, logic)));
        let plan = plan.clone();
        let index = self.instances.len();
        let nodes = self.values(index, Def::Node, plan.nodes.iter().map(|node| node.ty));
        let signals = self.values(index, Def::Zero, module.signals.iter().map(|signal| signal.ty));
        self.instances.push(FlatInstance { path, module, plan, nodes, signals });

        self.drive_signals(index, domain);
        self.add_memories(index, logic, domain);
        let base = nodes;
        let mut domains = vec![domain];
        for gated in logic.domains.iter().skip(1) {
            let enable = gated.enable.expect("only a module's own clock is not gated");
            let gate = Some((domain, base + enable.0));
            self.domains.push(FlatDomain { gate, opens: module.has_reset });
            domains.push(self.domains.len() - 1);
        }
        self.properties.extend(logic.properties.iter().map(|property| FlatProperty {
            instance: index,
            property,
            condition: base + property.condition.0,
        }));
        for instance in &logic.instances {
            self.add_instance(index, instance, domains[instance.domain.index()])?;
        }
        for array in &logic.arrays {
            self.add_array(index, array, domains[array.domain.index()])?;
        }
        Ok(index)
    }

    fn drive_signals(&mut self, index: usize, domain: DomainIndex) {
        let instance = &self.instances[index];
        for (position, signal) in instance.module.signals.iter().enumerate() {
            let value = instance.signals + position as Value;
            let driver = instance.plan.drivers[position].map(|id| instance.node(id));
            match &signal.kind {
                SignalKind::Wire | SignalKind::Output => {
                    if let Some(driver) = driver {
                        self.defs[value as usize] = Def::Alias(driver);
                    }
                }
                SignalKind::Register { reset } => {
                    self.defs[value as usize] = Def::State;
                    self.registers.push(FlatRegister {
                        value,
                        next: driver.unwrap_or(value),
                        enable: None,
                        domain,
                        reset: reset.clone(),
                    });
                }
                SignalKind::ReadData(_) => self.defs[value as usize] = Def::State,
                SignalKind::AsyncReadData(_) | SignalKind::Input | SignalKind::Instance => {}
            }
        }
    }

    fn add_memories(&mut self, index: usize, logic: &Logic, domain: DomainIndex) {
        let instance = &self.instances[index];
        for memory in &logic.memories {
            let node = |id| instance.node(id);
            let reads = memory
                .reads
                .iter()
                .map(|r| [node(r.address), node(r.enable), instance.signal(r.data)]);
            let writes =
                memory.writes.iter().map(|w| [node(w.address), node(w.enable), node(w.data)]);
            for read in &memory.async_reads {
                let memory = self.memories.len() as u32;
                let address = node(read.address);
                let data = instance.signal(read.data);
                self.defs[data as usize] = Def::Fetch { memory, address };
            }
            self.memories.push(FlatMemory {
                ty: memory.ty,
                depth: memory.depth,
                domain,
                reads: reads.collect(),
                writes: writes.collect(),
            });
        }
    }

    fn add_instance(
        &mut self,
        parent: usize,
        instance: &'m Instance,
        domain: DomainIndex,
    ) -> Result<(), EvalError> {
        let path = join(&self.instances[parent].path, &format!("u_{}", instance.name));
        let child = self.instance(&instance.module, path, domain)?;
        for (port, connection) in instance.connections.iter().enumerate() {
            let inside = self.port(child, port);
            let outside = &self.instances[parent];
            match *connection {
                Connection::Input(node) => {
                    self.defs[inside as usize] = Def::Alias(outside.node(node));
                }
                Connection::Output(signal) => {
                    let signal = outside.signal(signal);
                    self.defs[signal as usize] = Def::Alias(inside);
                }
                Connection::Open => {}
            }
        }
        Ok(())
    }

    fn add_array(
        &mut self,
        parent: usize,
        array: &'m InstanceArray,
        domain: DomainIndex,
    ) -> Result<(), EvalError> {
        let grid = Grid::of(array);
        let mut elements = Vec::new();
        for element in 0..array.len() {
            let name = format!("{}{}", array.name, grid.indices(element));
            let path = join(&self.instances[parent].path, &name);
            elements.push(self.instance(&array.module, path, domain)?);
        }
        let place = Place { parent, elements: &elements, grid: &grid, domain };
        for (port, input) in array.inputs.iter().enumerate() {
            if let Some(input) = input {
                self.connect_array_input(&place, port, input);
            }
        }
        for output in &array.outputs {
            self.connect_array_output(&place, output);
        }
        Ok(())
    }

    fn connect_array_input(&mut self, place: &Place, port: usize, input: &ArrayInput) {
        let Place { parent, elements, grid, domain } = *place;
        for (position, &element) in elements.iter().enumerate() {
            let inside = self.port(element, port);
            let ty = self.ty(inside);
            let outside = |id: NodeId| self.instances[parent].node(id);
            let part = |of: NodeId, index: usize| Def::Part {
                of: outside(of),
                low: index as u32 * ty.width,
            };
            let def = match *input {
                ArrayInput::Broadcast(node) => Def::Alias(outside(node)),
                ArrayInput::Each(node) => part(node, position),
                ArrayInput::Chain { output, axis, reverse, edge } => {
                    match grid.before(position, axis, reverse) {
                        Some(neighbour) => Def::Alias(self.port(elements[neighbour], output)),
                        None => part(edge, grid.across(position, axis)),
                    }
                }
                ArrayInput::Shift { axis, enable, edge } => {
                    match grid.before(position, axis, false) {
                        Some(neighbour) => {
                            let next = self.port(elements[neighbour], port);
                            let enable = Some(outside(enable));
                            let value = self.values(element, Def::State, std::iter::once(ty));
                            let reset = None;
                            let register = FlatRegister { value, next, enable, domain, reset };
                            self.registers.push(register);
                            Def::Alias(value)
                        }
                        None => part(edge, grid.across(position, axis)),
                    }
                }
            };
            self.defs[inside as usize] = def;
        }
    }

    fn connect_array_output(&mut self, place: &Place, output: &ArrayOutput) {
        let first = self.pool.len() as u32;
        for (position, &element) in place.elements.iter().enumerate() {
            let taken = match output.only {
                None => true,
                // The last position has nobody behind it, the first nobody before it.
                Some((axis, first)) => place.grid.before(position, axis, !first).is_none(),
            };
            if taken {
                self.pool.push(self.port(element, output.port));
            }
        }
        let count = self.pool.len() as u32 - first;
        let signal = self.instances[place.parent].signal(output.signal);
        self.defs[signal as usize] = Def::Pack { first, count };
    }

    /// The signal of a port of an instance.
    fn port(&self, instance: usize, port: usize) -> Value {
        let instance = &self.instances[instance];
        instance.signal(instance.module.ports[port])
    }
}

/// An array in its parent.
#[derive(Clone, Copy)]
struct Place<'a> {
    parent: usize,
    /// The instances, the last axis fastest.
    elements: &'a [usize],
    grid: &'a Grid,
    domain: DomainIndex,
}

/// The positions of an array's elements.
struct Grid {
    /// For each axis the number of elements, and how far neighbours are apart.
    axes: Vec<(usize, usize)>,
}

impl Grid {
    fn of(array: &InstanceArray) -> Grid {
        let counts: Vec<usize> = array.axes.iter().map(|&(_, n)| n as usize).collect();
        let axis = |i: usize| (counts[i], counts[i + 1..].iter().product());
        Grid { axes: (0..counts.len()).map(axis).collect() }
    }

    fn position(&self, element: usize, axis: usize) -> usize {
        let (count, stride) = self.axes[axis];
        element / stride % count
    }

    /// The element before (`reverse`: after) another along an axis.
    fn before(&self, element: usize, axis: usize, reverse: bool) -> Option<usize> {
        let (count, stride) = self.axes[axis];
        match (self.position(element, axis), reverse) {
            (0, false) => None,
            (_, false) => Some(element - stride),
            (at, true) if at == count - 1 => None,
            (_, true) => Some(element + stride),
        }
    }

    /// The element's position among those that differ in the other axes.
    fn across(&self, element: usize, axis: usize) -> usize {
        let (count, stride) = self.axes[axis];
        element / (stride * count) * stride + element % stride
    }

    /// The element's indices as they stand in a path.
    fn indices(&self, element: usize) -> String {
        (0..self.axes.len()).map(|axis| format!("[{}]", self.position(element, axis))).collect()
    }
}

/// The module that runs for `module`, and its logic: for a black box, its behaviour's.
fn implementation<'m>(
    module: &'m Arc<Module>,
    path: &str,
) -> Result<(&'m Module, &'m Logic), EvalError> {
    let mut running = module;
    loop {
        match &running.body {
            Body::Logic(logic) => return Ok((running, logic)),
            Body::BlackBox(black_box) => match &black_box.behavior {
                Some(behavior) => running = behavior,
                None => {
                    let (module, path) = (running.name.clone(), path.to_string());
                    return Err(EvalError::BlackBox { module, path });
                }
            },
        }
    }
}

/// A name below a path.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}
