//! The last step: where everything lies, and what happens at an edge.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::EvalError;
use super::emit::Emitter;
use super::flat::{Flat, FlatInstance, FlatMemory, Value};
use super::limbs;
use super::order::Order;
use super::program::Program;
use super::wide::Place;
use crate::hdl::ir::{Direction, Module, PropertyKind};

/// A compiled design: everything about it that does not change while it runs.
pub(super) struct Design {
    /// Computes what the next edge, the outputs and the properties need.
    pub program: Program,
    /// Computes the other signals, after that.
    pub onlooker: Program,
    /// The slab with its constants; everything else is 0.
    pub slab: Vec<u64>,
    pub domains: Vec<Domain>,
    pub memories: Vec<Memory>,
    /// Everything that lasts from edge to edge, but for the content of memories.
    pub states: Vec<Place>,
    /// Slots and what reset puts there.
    pub resets: Vec<(usize, Vec<u64>)>,
    pub ports: Vec<PortPlace>,
    pub properties: Vec<PropertyPlace>,
    pub scopes: Vec<Scope>,
    /// The scope of each path.
    pub paths: HashMap<String, usize>,
}

/// A clock domain and the state that it updates.
pub(super) struct Domain {
    /// The clock that is gated, and the slot of the enable.
    pub gate: Option<(usize, usize)>,
    /// Whether a synchronous reset opens the gate.
    pub opens: bool,
    /// The slots of the state.
    pub state: Range<usize>,
    /// Where its next values start, in the same order.
    pub next: usize,
}

pub(super) struct Memory {
    /// The slot of the first element.
    pub content: usize,
    /// An element's place is that of a value of its type.
    pub element: Place,
    pub depth: usize,
    pub domain: usize,
    pub reads: Vec<MemoryRead>,
    pub writes: Vec<MemoryWrite>,
}

/// A read port's slots.
pub(super) struct MemoryRead {
    pub address: usize,
    pub enable: usize,
    pub data: usize,
    pub next: usize,
}

/// A write port's slots.
pub(super) struct MemoryWrite {
    pub address: usize,
    pub enable: usize,
    pub data: usize,
}

pub(super) struct PortPlace {
    pub name: String,
    pub direction: Direction,
    pub place: Place,
}

pub(super) struct PropertyPlace {
    pub scope: usize,
    pub name: String,
    pub kind: PropertyKind,
    pub slot: usize,
}

/// The signals of an instance.
pub(super) struct Scope {
    pub path: String,
    /// The position of each signal; instances of one module share this.
    pub names: Arc<HashMap<String, usize>>,
    pub places: Vec<Place>,
}

impl Memory {
    /// How many limbs an element takes.
    pub(super) fn stride(&self) -> usize {
        limbs::count(self.element.ty.width) as usize
    }

    /// The slots of all elements.
    pub(super) fn elements(&self) -> Range<usize> {
        self.content..self.content + self.depth * self.stride()
    }
}

impl Design {
    pub(super) fn of(module: &Arc<Module>) -> Result<Design, EvalError> {
        let flat = Flat::of(module)?;
        let order = Order::of(&flat)?;
        let mut emitter = Emitter::new(&flat, &order);

        let layout = StateLayout::of(&flat, &mut emitter);
        for &(value, next) in &layout.assigned {
            emitter.wish_home(value, next);
        }
        let (needed, extra) = order.values.split_at(order.needed);
        needed.iter().for_each(|&value| emitter.emit(value, &order));
        for &(value, next) in &layout.assigned {
            emitter.settle_home(value, next);
        }
        for (register, &next) in flat.registers.iter().zip(&layout.nexts) {
            if let Some(enable) = register.enable {
                emitter.choose(next, enable, register.next, register.value);
            }
        }
        let program = emitter.take_program();
        extra.iter().for_each(|&value| emitter.emit(value, &order));
        let onlooker = emitter.take_program();

        let slot = |value: Value| emitter.get(value).slot as usize;
        let place = |value: Value| Place { slot: emitter.get(value).slot, ty: flat.ty(value) };
        let mut domains = layout.domains;
        for (domain, flat) in domains.iter_mut().zip(&flat.domains) {
            domain.gate = flat.gate.map(|(parent, enable)| (parent, slot(enable)));
            domain.opens = flat.opens;
        }
        let mut nexts = layout.read_nexts.into_iter();
        let memories = flat.memories.iter().zip(&emitter.contents);
        let memories = memories
            .map(|(memory, &content)| lay_out_memory(memory, content, &slot, &mut nexts))
            .collect();
        let registers = flat.registers.iter();
        let resets = registers.clone().filter_map(|register| {
            let limbs = limbs::from_integer(register.reset.as_ref()?, flat.ty(register.value));
            Some((slot(register.value), limbs))
        });
        let read_data = flat.memories.iter().flat_map(|m| m.reads.iter().map(|&[_, _, data]| data));
        let scopes = scopes(&flat, &place);
        Ok(Design {
            program,
            onlooker,
            domains,
            memories,
            states: registers.map(|register| register.value).chain(read_data).map(place).collect(),
            resets: resets.collect(),
            ports: ports(&flat.instances[0], &place),
            properties: properties(&flat, &slot),
            paths: scopes.iter().enumerate().map(|(i, scope)| (scope.path.clone(), i)).collect(),
            scopes,
            slab: emitter.slab,
        })
    }
}

/// Where state stands: the state of a domain in one piece, and its next values in another, so that
/// an edge is one move for each domain.
struct StateLayout {
    domains: Vec<Domain>,
    /// For each register the slot of its next value.
    nexts: Vec<u32>,
    /// For each read port, memory by memory, the slot of its next data.
    read_nexts: Vec<u32>,
    /// The next value of each register that always takes it, and the slot where it is wanted.
    assigned: Vec<(Value, u32)>,
}

impl StateLayout {
    fn of(flat: &Flat, emitter: &mut Emitter) -> StateLayout {
        let top = &flat.instances[0];
        for &port in &top.module.ports {
            if top.module.direction(port) == Direction::Input {
                let value = top.signal(port);
                let slot = emitter.allocate(limbs::count(flat.ty(value).width));
                emitter.locate(value, slot);
            }
        }

        for memory in &flat.memories {
            let content = emitter.allocate(limbs::count(memory.ty.width) * memory.depth);
            emitter.contents.push(content);
        }

        let registers = flat.registers.iter().map(|r| (r.domain, r.value));
        let reads = flat.memories.iter().flat_map(|m| m.reads.iter().map(|r| (m.domain, r[2])));
        let states: Vec<(usize, Value)> = registers.chain(reads).collect();
        let mut by_domain = vec![vec![]; flat.domains.len()];
        for (position, &(domain, _)) in states.iter().enumerate() {
            by_domain[domain].push(position);
        }
        let mut nexts = vec![0; states.len()];
        let mut domains = Vec::new();
        for members in by_domain {
            let first = emitter.slab.len();
            for &member in &members {
                let value = states[member].1;
                let slot = emitter.allocate(limbs::count(flat.ty(value).width));
                emitter.locate(value, slot);
            }
            let state = first..emitter.slab.len();
            let next = emitter.allocate(state.len() as u32);
            for &member in &members {
                let offset = emitter.get(states[member].1).slot - first as u32;
                nexts[member] = next + offset;
            }
            domains.push(Domain { gate: None, opens: false, state, next: next as usize });
        }

        let read_nexts = nexts.split_off(flat.registers.len());
        let registers = flat.registers.iter().zip(&nexts);
        let assigned = registers.filter(|(register, _)| register.enable.is_none());
        let assigned = assigned.map(|(register, &next)| (register.next, next)).collect();
        StateLayout { domains, nexts, read_nexts, assigned }
    }
}

fn lay_out_memory(
    memory: &FlatMemory,
    content: u32,
    slot: &impl Fn(Value) -> usize,
    nexts: &mut impl Iterator<Item = u32>,
) -> Memory {
    let reads = memory.reads.iter().map(|&[address, enable, data]| MemoryRead {
        address: slot(address),
        enable: slot(enable),
        data: slot(data),
        next: nexts.next().expect("each read port has a next value") as usize,
    });
    let writes = memory.writes.iter().map(|&[address, enable, data]| MemoryWrite {
        address: slot(address),
        enable: slot(enable),
        data: slot(data),
    });
    Memory {
        content: content as usize,
        element: Place { slot: 0, ty: memory.ty },
        depth: memory.depth as usize,
        domain: memory.domain,
        reads: reads.collect(),
        writes: writes.collect(),
    }
}

fn ports(top: &FlatInstance, place: &impl Fn(Value) -> Place) -> Vec<PortPlace> {
    let port = |&id| PortPlace {
        name: top.module.signal(id).name.clone(),
        direction: top.module.direction(id),
        place: place(top.signal(id)),
    };
    top.module.ports.iter().map(port).collect()
}

fn properties(flat: &Flat, slot: &impl Fn(Value) -> usize) -> Vec<PropertyPlace> {
    let property = |p: &super::flat::FlatProperty| PropertyPlace {
        scope: p.instance,
        name: p.property.name.clone(),
        kind: p.property.kind,
        slot: slot(p.condition),
    };
    flat.properties.iter().map(property).collect()
}

fn scopes(flat: &Flat, place: &impl Fn(Value) -> Place) -> Vec<Scope> {
    let mut known: HashMap<*const Module, Arc<HashMap<String, usize>>> = HashMap::new();
    let scope = |instance: &FlatInstance| {
        let module = instance.module;
        let names = known.entry(module).or_insert_with(|| {
            let names = module.signals.iter().enumerate();
            Arc::new(names.map(|(position, signal)| (signal.name.clone(), position)).collect())
        });
        let values = instance.signals();
        Scope {
            path: instance.path.clone(),
            names: names.clone(),
            places: values.map(place).collect(),
        }
    };
    flat.instances.iter().map(scope).collect()
}
