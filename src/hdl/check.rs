//! The checks of a finished description, and the facts derived on the way: which outputs depend
//! on which inputs without a register between, and whether there are a clock and a reset.

use std::collections::{HashMap, HashSet};

use super::builder::Found;
use super::error::{Error, ErrorKind};
use super::ir::{
    ArrayInput, Body, Connection, Direction, Logic, Module, NodeId, Op, SignalId, SignalKind,
    Source, Statement,
};

/// Checks a module with logic.
pub(super) fn check(module: &mut Module, found: &mut Found) {
    let Body::Logic(logic) = &module.body else { return };
    let drivers = Drivers::of(logic);
    let mut report = |kind, source| {
        found.push(Error { module: module.name.clone(), kind, source });
    };

    check_driven(module, logic, &drivers, &mut report);
    check_connected(logic, &mut report);
    check_used(module, logic, &drivers, &mut report);
    check_children(module, logic, &mut report);

    let graph = Graph::of(module, logic, &drivers);
    if let Some(cycle) = graph.find_cycle() {
        let places: Vec<_> = cycle.iter().filter_map(|&v| graph.place(module, logic, v)).collect();
        let mut names: Vec<String> = places.iter().map(|(name, _)| name.clone()).collect();
        names.extend(names.first().cloned());
        let source = places.first().map_or(module.source, |&(_, source)| source);
        report(ErrorKind::Loop(names), source);
    } else {
        let places: HashMap<SignalId, u32> = module.ports.iter().copied().zip(0..).collect();
        let mut marks = Marks::new(graph.edges.len());
        let paths: Vec<Vec<u32>> = module
            .ports
            .iter()
            .map(|&port| match module.direction(port) {
                Direction::Input => vec![],
                Direction::Output => graph.inputs_reached(module, port, &places, &mut marks),
            })
            .collect();
        check_streams(module, &paths, &mut report);
        module.paths = paths;
    }

    let Body::Logic(logic) = &module.body else { return };
    let (clock, reset) = needs(module, logic);
    (module.has_clock, module.has_reset) = (clock, reset);
}

/// Checks a black box against the module that stands in for it.
pub(super) fn check_black_box(module: &mut Module, found: &mut Found) {
    let Body::BlackBox(black_box) = &module.body else { return };
    let Some(behavior) = &black_box.behavior else {
        // Nothing is known, so every output may depend on every input.
        let is_input =
            |port: &u32| module.direction(module.ports[*port as usize]) == Direction::Input;
        let inputs: Vec<u32> = (0..module.ports.len() as u32).filter(is_input).collect();
        module.paths = module
            .ports
            .iter()
            .map(|&port| match module.direction(port) {
                Direction::Input => vec![],
                Direction::Output => inputs.clone(),
            })
            .collect();
        return;
    };
    let ports = |m: &Module| -> Vec<_> {
        m.ports
            .iter()
            .map(|&p| (m.signal(p).name.clone(), m.signal(p).ty, m.direction(p)))
            .collect()
    };
    if ports(module) != ports(behavior) {
        let kind = ErrorKind::Behavior(module.name.clone());
        found.push(Error { module: module.name.clone(), kind, source: module.source });
    }
    module.paths = behavior.paths.clone();
    (module.has_clock, module.has_reset) = (behavior.has_clock, behavior.has_reset);
}

/// For each assigned signal: the values and conditions that its assignments depend on.
pub(crate) struct Drivers(HashMap<SignalId, Vec<NodeId>>);

impl Drivers {
    pub(crate) fn of(logic: &Logic) -> Drivers {
        fn visit(
            statements: &[Statement],
            conditions: &mut Vec<NodeId>,
            drivers: &mut HashMap<SignalId, Vec<NodeId>>,
        ) {
            for statement in statements {
                match statement {
                    Statement::Assign { target, value, .. } => {
                        let known = drivers.entry(*target).or_default();
                        known.push(*value);
                        known.extend(conditions.iter());
                    }
                    Statement::If { condition, then, otherwise } => {
                        conditions.push(*condition);
                        visit(then, conditions, drivers);
                        visit(otherwise, conditions, drivers);
                        conditions.pop();
                    }
                    Statement::Case { subject, arms, default } => {
                        conditions.push(*subject);
                        for (_, block) in arms {
                            visit(block, conditions, drivers);
                        }
                        visit(default, conditions, drivers);
                        conditions.pop();
                    }
                }
            }
        }
        let mut drivers = HashMap::new();
        visit(&logic.statements, &mut vec![], &mut drivers);
        for nodes in drivers.values_mut() {
            nodes.sort();
            nodes.dedup();
        }
        Drivers(drivers)
    }

    pub(crate) fn get(&self, signal: SignalId) -> &[NodeId] {
        self.0.get(&signal).map_or(&[], Vec::as_slice)
    }
}

type Report<'a> = &'a mut dyn FnMut(ErrorKind, Source);

/// Everything that assignments drive is driven, in every case, and by no assignment in vain.
fn check_driven(module: &Module, logic: &Logic, drivers: &Drivers, report: Report) {
    let mut driven_twice = Vec::new();
    let definite = definitely_assigned(&logic.statements, &mut driven_twice).definite;
    for (signal, other, source) in driven_twice {
        let name = module.signal(signal).name.clone();
        report(ErrorKind::DrivenTwice { name, other }, source);
    }
    for (index, signal) in module.signals.iter().enumerate() {
        let id = SignalId(index as u32);
        let name = || signal.name.clone();
        match signal.kind {
            SignalKind::Input
            | SignalKind::ReadData(_)
            | SignalKind::AsyncReadData(_)
            | SignalKind::Instance => {}
            _ if drivers.get(id).is_empty() => report(ErrorKind::Undriven(name()), signal.source),
            SignalKind::Register { .. } => {}
            _ if !definite.contains(&id) => report(ErrorKind::Latch(name()), signal.source),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Assigned {
    /// Assigned whichever way the conditions go.
    definite: HashSet<SignalId>,
    /// Assigned anywhere, and where first.
    possible: HashMap<SignalId, Source>,
}

impl Assigned {
    fn then(&mut self, other: Assigned) {
        self.definite.extend(other.definite);
        for (signal, source) in other.possible {
            self.possible.entry(signal).or_insert(source);
        }
    }

    fn either(mut self, other: Assigned) -> Assigned {
        self.definite.retain(|signal| other.definite.contains(signal));
        self.then(Assigned { definite: HashSet::new(), possible: other.possible });
        self
    }
}

fn definitely_assigned(
    statements: &[Statement],
    twice: &mut Vec<(SignalId, Source, Source)>,
) -> Assigned {
    let mut assigned = Assigned::default();
    for statement in statements {
        match statement {
            Statement::Assign { target, source, .. } => {
                if let Some(&earlier) = assigned.possible.get(target) {
                    twice.push((*target, *source, earlier));
                }
                assigned.definite.insert(*target);
                assigned.possible.insert(*target, *source);
            }
            Statement::If { then, otherwise, .. } => {
                let then = definitely_assigned(then, twice);
                assigned.then(then.either(definitely_assigned(otherwise, twice)));
            }
            Statement::Case { arms, default, .. } => {
                let mut all = definitely_assigned(default, twice);
                for (_, block) in arms {
                    all = all.either(definitely_assigned(block, twice));
                }
                assigned.then(all);
            }
        }
    }
    assigned
}

fn check_connected(logic: &Logic, report: Report) {
    let inputs = |m: &Module| -> Vec<usize> {
        let is_input = |p: &usize| m.direction(m.ports[*p]) == Direction::Input;
        (0..m.ports.len()).filter(is_input).collect()
    };
    for instance in &logic.instances {
        for port in inputs(&instance.module) {
            if instance.connections[port] == Connection::Open {
                let port = instance.module.port(port).name.clone();
                let instance_name = instance.name.clone();
                let kind = ErrorKind::Unconnected { instance: instance_name, port };
                report(kind, instance.source);
            }
        }
    }
    for array in &logic.arrays {
        for port in inputs(&array.module) {
            if array.inputs[port].is_none() {
                let port = array.module.port(port).name.clone();
                let kind = ErrorKind::Unconnected { instance: array.name.clone(), port };
                report(kind, array.source);
            }
        }
    }
}

/// Every input, wire, register and memory has a part in an output, an instance or a property.
fn check_used(module: &Module, logic: &Logic, drivers: &Drivers, report: Report) {
    let used = Used::of(module, logic, drivers, true);
    for (index, signal) in module.signals.iter().enumerate() {
        if !used.signals[index] && signal.kind != SignalKind::Output {
            report(ErrorKind::Unused(signal.name.clone()), signal.source);
        }
    }
    for memory in &logic.memories {
        if memory.reads.is_empty() && memory.async_reads.is_empty() {
            report(ErrorKind::Unused(memory.name.clone()), memory.source);
        }
        if memory.writes.is_empty() {
            report(ErrorKind::Undriven(memory.name.clone()), memory.source);
        }
    }
}

/// What the outputs and instances of a module depend on.
pub(crate) struct Used {
    /// For each signal of the module.
    pub(crate) signals: Vec<bool>,
}

impl Used {
    /// `properties`: whether what only properties look at counts too.
    ///
    /// Without them, what memories and instances drive counts as used in any case: they are there
    /// whether or not a tool looks at the properties.
    pub(crate) fn of(module: &Module, logic: &Logic, drivers: &Drivers, properties: bool) -> Used {
        let mut used = Walk {
            nodes: vec![false; logic.nodes.len()],
            signals: vec![false; module.signals.len()],
            fresh: vec![],
            todo: vec![],
        };
        for &port in &module.ports {
            if module.direction(port) == Direction::Output {
                used.signal(port);
            }
        }
        for instance in &logic.instances {
            for connection in &instance.connections {
                if let Connection::Input(node) = connection {
                    used.todo.push(*node);
                }
            }
        }
        for array in &logic.arrays {
            for input in array.inputs.iter().flatten() {
                used.todo.extend(input.operands());
            }
        }
        used.todo.extend(logic.domains.iter().filter_map(|domain| domain.enable));
        if properties {
            used.todo.extend(logic.properties.iter().map(|p| p.condition));
        } else {
            for (index, signal) in module.signals.iter().enumerate() {
                let (SignalKind::ReadData(_) | SignalKind::AsyncReadData(_) | SignalKind::Instance) =
                    signal.kind
                else {
                    continue;
                };
                used.signal(SignalId(index as u32));
            }
        }
        used.todo.extend(&logic.discarded);
        // Whatever a signal depends on is used with it.
        let mut followed = vec![false; logic.memories.len()];
        loop {
            used.drain(logic);
            let Some(signal) = used.fresh.pop() else { return Used { signals: used.signals } };
            used.todo.extend(drivers.get(signal));
            if let SignalKind::ReadData(memory) | SignalKind::AsyncReadData(memory) =
                module.signal(signal).kind
                && !std::mem::replace(&mut followed[memory.index()], true)
            {
                let memory = &logic.memories[memory.index()];
                used.todo.extend(memory.reads.iter().flat_map(|r| [r.address, r.enable]));
                used.todo.extend(memory.async_reads.iter().map(|r| r.address));
                let writes = memory.writes.iter();
                used.todo.extend(writes.flat_map(|w| [w.address, w.data, w.enable]));
            }
        }
    }
}

struct Walk {
    nodes: Vec<bool>,
    signals: Vec<bool>,
    /// Signals that were reached, and what they depend on was not followed yet.
    fresh: Vec<SignalId>,
    todo: Vec<NodeId>,
}

impl Walk {
    fn signal(&mut self, id: SignalId) {
        if !std::mem::replace(&mut self.signals[id.index()], true) {
            self.fresh.push(id);
        }
    }

    fn drain(&mut self, logic: &Logic) {
        while let Some(node) = self.todo.pop() {
            if std::mem::replace(&mut self.nodes[node.index()], true) {
                continue;
            }
            let op = &logic.nodes[node.index()].op;
            if let Op::Signal(id) = op {
                self.signal(*id);
            }
            self.todo.extend(op.operands());
        }
    }
}

/// Modules of one name under this one are one and the same.
fn check_children(module: &Module, logic: &Logic, report: Report) {
    fn visit<'a>(
        module: &'a Module,
        known: &mut HashMap<&'a str, &'a Module>,
        clashes: &mut Vec<String>,
    ) {
        match known.get(module.name.as_str()) {
            Some(other) if std::ptr::eq(*other, module) || *other == module => return,
            Some(_) => return clashes.push(module.name.clone()),
            None => known.insert(&module.name, module),
        };
        for child in module.logic().into_iter().flat_map(Logic::instanced) {
            visit(child, known, clashes);
        }
    }
    let mut known = HashMap::from([(module.name.as_str(), module)]);
    let instances = logic.instances.iter().map(|i| (&i.module, i.source));
    for (child, source) in instances.chain(logic.arrays.iter().map(|a| (&a.module, a.source))) {
        let mut clashes = Vec::new();
        visit(child, &mut known, &mut clashes);
        for name in clashes {
            report(ErrorKind::ModuleClash(name), source);
        }
    }
}

/// No valid of a stream depends combinationally on a ready.
fn check_streams(module: &Module, paths: &[Vec<u32>], report: Report) {
    let readies: HashSet<SignalId> = module
        .streams
        .iter()
        .filter(|stream| stream.direction == Direction::Output)
        .map(|stream| stream.ready)
        .collect();
    for stream in module.streams.iter().filter(|s| s.direction == Direction::Output) {
        let port = module.ports.iter().position(|&p| p == stream.valid);
        let Some(port) = port else { continue };
        for &input in &paths[port] {
            let ready = module.ports[input as usize];
            if readies.contains(&ready) {
                let (ready, valid) = (module.signal(ready), module.signal(stream.valid));
                let (source, valid) = (valid.source, valid.name.clone());
                report(ErrorKind::ReadyToValid { ready: ready.name.clone(), valid }, source);
            }
        }
    }
}

/// The combinational dependencies of a module's signals.
pub(crate) struct Dependencies {
    drivers: Drivers,
    graph: Graph,
    marks: Marks,
}

impl Dependencies {
    pub(crate) fn of(module: &Module, logic: &Logic) -> Dependencies {
        let drivers = Drivers::of(logic);
        let graph = Graph::of(module, logic, &drivers);
        let marks = Marks::new(graph.edges.len());
        Dependencies { drivers, graph, marks }
    }

    /// Whether any of `targets` depends combinationally on any of `signals`.
    pub(crate) fn reaches(&mut self, targets: &[SignalId], signals: &[SignalId]) -> bool {
        let start = targets.iter().flat_map(|&target| self.drivers.get(target)).map(|id| id.0);
        self.graph.reached(start.collect(), &mut self.marks);
        signals.iter().any(|id| self.marks.has((self.graph.nodes + id.index()) as u32))
    }
}

/// A set of vertices that costs nothing to empty.
struct Marks {
    /// When each vertex came into the set.
    stamps: Vec<u32>,
    /// How often the set was emptied.
    now: u32,
}

impl Marks {
    fn new(vertices: usize) -> Marks {
        Marks { stamps: vec![0; vertices], now: 0 }
    }

    fn clear(&mut self) {
        self.now += 1;
    }

    fn has(&self, vertex: u32) -> bool {
        self.stamps[vertex as usize] == self.now
    }

    /// Whether the vertex is new to the set.
    fn insert(&mut self, vertex: u32) -> bool {
        std::mem::replace(&mut self.stamps[vertex as usize], self.now) != self.now
    }
}

/// Whether the module needs a clock and a reset.
fn needs(module: &Module, logic: &Logic) -> (bool, bool) {
    let register = |s: &super::ir::Signal| matches!(s.kind, SignalKind::Register { .. });
    let reset = |s: &super::ir::Signal| matches!(s.kind, SignalKind::Register { reset: Some(_) });
    let shifts = |input: &Option<ArrayInput>| matches!(input, Some(ArrayInput::Shift { .. }));
    let clock = module.signals.iter().any(register)
        || !logic.memories.is_empty()
        || logic.arrays.iter().any(|a| a.inputs.iter().any(shifts))
        || logic.domains.len() > 1
        || logic.instanced().any(|child| child.has_clock);
    let reset = module.signals.iter().any(reset) || logic.instanced().any(|child| child.has_reset);
    (clock || reset, reset)
}

/// The combinational dependencies inside of a module.
///
/// Vertices are the expressions, then the signals, then the ports of array elements. Arrays are
/// regular, so two elements along each axis show every kind of path that there is.
struct Graph {
    nodes: usize,
    signals: usize,
    /// The first vertex of each array.
    arrays: Vec<usize>,
    edges: Vec<Vec<u32>>,
}

impl Graph {
    fn of(module: &Module, logic: &Logic, drivers: &Drivers) -> Graph {
        let (nodes, signals) = (logic.nodes.len(), module.signals.len());
        let signal_vertex = |id: SignalId| (nodes + id.index()) as u32;
        let mut edges: Vec<Vec<u32>> = logic
            .nodes
            .iter()
            .map(|node| match node.op {
                Op::Signal(id) => vec![signal_vertex(id)],
                ref op => op.operands().iter().map(|id| id.0).collect(),
            })
            .collect();
        for (index, signal) in module.signals.iter().enumerate() {
            edges.push(match signal.kind {
                SignalKind::Wire | SignalKind::Output => {
                    drivers.get(SignalId(index as u32)).iter().map(|id| id.0).collect()
                }
                _ => vec![],
            });
        }
        for read in logic.memories.iter().flat_map(|memory| &memory.async_reads) {
            edges[nodes + read.data.index()].push(read.address.0);
        }
        for instance in &logic.instances {
            for (port, connection) in instance.connections.iter().enumerate() {
                let Connection::Output(signal) = *connection else { continue };
                let inputs = instance.module.paths.get(port).into_iter().flatten();
                edges[nodes + signal.index()] = inputs
                    .filter_map(|&input| match instance.connections[input as usize] {
                        Connection::Input(node) => Some(node.0),
                        _ => None,
                    })
                    .collect();
            }
        }
        let mut arrays = Vec::new();
        for array in &logic.arrays {
            let base = edges.len();
            arrays.push(base);
            let ports = array.module.ports.len();
            let counts: Vec<usize> = array.axes.iter().map(|&(_, n)| n.min(2) as usize).collect();
            let elements: usize = counts.iter().product();
            let stride = |axis: usize| counts[axis + 1..].iter().product::<usize>();
            let position = |element: usize, axis: usize| element / stride(axis) % counts[axis];
            for element in 0..elements {
                for port in 0..ports {
                    let from = match &array.inputs[port] {
                        None => {
                            let inputs = array.module.paths.get(port).into_iter().flatten();
                            inputs.map(|&i| (base + element * ports + i as usize) as u32).collect()
                        }
                        Some(ArrayInput::Broadcast(node) | ArrayInput::Each(node)) => vec![node.0],
                        Some(ArrayInput::Shift { axis, edge, .. }) => {
                            if position(element, *axis) == 0 { vec![edge.0] } else { vec![] }
                        }
                        Some(ArrayInput::Chain { output, axis, reverse, edge }) => {
                            let at = position(element, *axis);
                            let first = if *reverse { counts[*axis] - 1 } else { 0 };
                            if at == first {
                                vec![edge.0]
                            } else {
                                let step = stride(*axis);
                                let from = if *reverse { element + step } else { element - step };
                                vec![(base + from * ports + output) as u32]
                            }
                        }
                    };
                    edges.push(from);
                }
            }
            for output in &array.outputs {
                let reads = |element: &usize| match output.only {
                    None => true,
                    Some((axis, first)) => {
                        position(*element, axis) == if first { 0 } else { counts[axis] - 1 }
                    }
                };
                edges[nodes + output.signal.index()] = (0..elements)
                    .filter(reads)
                    .map(|element| (base + element * ports + output.port) as u32)
                    .collect();
            }
        }
        Graph { nodes, signals, arrays, edges }
    }

    fn signal(&self, vertex: u32) -> Option<SignalId> {
        let index = (vertex as usize).checked_sub(self.nodes)?;
        (index < self.signals).then_some(SignalId(index as u32))
    }

    /// What a vertex is called, and where that was declared; an expression has no name.
    fn place(&self, module: &Module, logic: &Logic, vertex: u32) -> Option<(String, Source)> {
        if let Some(id) = self.signal(vertex) {
            let signal = module.signal(id);
            return Some((signal.name.clone(), signal.source));
        }
        let index = self.arrays.iter().rposition(|&base| base <= vertex as usize)?;
        let array = &logic.arrays[index];
        let port = (vertex as usize - self.arrays[index]) % array.module.ports.len();
        Some((format!("{}.{}", array.name, array.module.port(port).name), array.source))
    }

    /// Any cycle, in the order in which values flow. The stack is explicit because chains of
    /// expressions can be long.
    fn find_cycle(&self) -> Option<Vec<u32>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.edges.len()];
        for start in 0..self.edges.len() as u32 {
            if marks[start as usize] != Mark::New {
                continue;
            }
            marks[start as usize] = Mark::Open;
            let mut stack = vec![(start, 0)];
            while let Some((vertex, next)) = stack.last_mut() {
                let Some(&to) = self.edges[*vertex as usize].get(*next) else {
                    marks[*vertex as usize] = Mark::Done;
                    stack.pop();
                    continue;
                };
                *next += 1;
                match marks[to as usize] {
                    Mark::New => {
                        marks[to as usize] = Mark::Open;
                        stack.push((to, 0));
                    }
                    Mark::Open => {
                        let from = stack.iter().position(|&(v, _)| v == to).expect("it is open");
                        return Some(stack[from..].iter().rev().map(|&(v, _)| v).collect());
                    }
                    Mark::Done => {}
                }
            }
        }
        None
    }

    /// Everything that the vertices `todo` depend on, themselves included.
    fn reached(&self, mut todo: Vec<u32>, marks: &mut Marks) -> Vec<u32> {
        marks.clear();
        let mut reached = Vec::new();
        while let Some(vertex) = todo.pop() {
            if marks.insert(vertex) {
                reached.push(vertex);
                todo.extend(&self.edges[vertex as usize]);
            }
        }
        reached
    }

    /// The input ports, as indices, that a signal depends on; `places`: each port's index.
    fn inputs_reached(
        &self,
        module: &Module,
        signal: SignalId,
        places: &HashMap<SignalId, u32>,
        marks: &mut Marks,
    ) -> Vec<u32> {
        let reached = self.reached(vec![(self.nodes + signal.index()) as u32], marks);
        let signals = reached.into_iter().filter_map(|vertex| self.signal(vertex));
        let inputs = signals.filter(|&id| module.signal(id).kind == SignalKind::Input);
        let mut inputs: Vec<u32> = inputs.map(|id| places[&id]).collect();
        inputs.sort_unstable();
        inputs
    }
}
