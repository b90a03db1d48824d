//! What depends on what: drivers of signals, what is used at all, and the combinational graph.

use std::collections::HashMap;

use super::ir::{
    ArrayInput, Connection, Direction, Logic, Module, NodeId, Op, SignalId, SignalKind, Source,
    Statement,
};

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

/// What the outputs and instances of a module depend on.
pub(crate) struct Used {
    /// For each signal of the module.
    pub(crate) signals: Vec<bool>,
}

impl Used {
    /// `properties`: whether what only properties look at counts too.
    ///
    /// Without them, what instances and the synchronous ports of memories drive counts as used in
    /// any case: they are there whether or not a tool looks at the properties.
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
                if let SignalKind::ReadData(_) | SignalKind::Instance = signal.kind {
                    used.signal(SignalId(index as u32));
                }
            }
        }
        used.todo.extend(&logic.discarded);
        // Whatever a signal depends on is used with it.
        let mut followed = vec![false; logic.memories.len()];
        loop {
            used.drain(logic);
            let Some(signal) = used.fresh.pop() else { return Used { signals: used.signals } };
            used.todo.extend(drivers.get(signal));
            let (SignalKind::ReadData(id) | SignalKind::AsyncReadData(id)) =
                module.signal(signal).kind
            else {
                continue;
            };
            let memory = &logic.memories[id.index()];
            let port = memory.async_reads.iter().find(|read| read.data == signal);
            used.todo.extend(port.map(|read| read.address));
            if !std::mem::replace(&mut followed[id.index()], true) {
                used.todo.extend(memory.reads.iter().flat_map(|r| [r.address, r.enable]));
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
    pub(super) fn signal(&mut self, id: SignalId) {
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
pub(super) struct Marks {
    /// When each vertex came into the set.
    stamps: Vec<u32>,
    /// How often the set was emptied.
    now: u32,
}

impl Marks {
    pub(super) fn new(vertices: usize) -> Marks {
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

/// The combinational dependencies inside of a module.
///
/// Vertices are the expressions, then the signals, then the ports of array elements. Arrays are
/// regular, so two elements along each axis show every kind of path that there is.
pub(super) struct Graph {
    nodes: usize,
    signals: usize,
    /// The first vertex of each array.
    arrays: Vec<usize>,
    pub(super) edges: Vec<Vec<u32>>,
}

impl Graph {
    pub(super) fn of(module: &Module, logic: &Logic, drivers: &Drivers) -> Graph {
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

    pub(super) fn signal(&self, vertex: u32) -> Option<SignalId> {
        let index = (vertex as usize).checked_sub(self.nodes)?;
        (index < self.signals).then_some(SignalId(index as u32))
    }

    /// What a vertex is called, and where that was declared; an expression has no name.
    pub(super) fn place(
        &self,
        module: &Module,
        logic: &Logic,
        vertex: u32,
    ) -> Option<(String, Source)> {
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
    pub(super) fn find_cycle(&self) -> Option<Vec<u32>> {
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
    pub(super) fn reached(&self, mut todo: Vec<u32>, marks: &mut Marks) -> Vec<u32> {
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
    pub(super) fn inputs_reached(
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
