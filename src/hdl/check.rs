//! The checks of a finished description, and the facts derived on the way: which outputs depend
//! on which inputs without a register between, and whether there are a clock and a reset.

use std::collections::{HashMap, HashSet};

use super::dependencies::{Drivers, Graph, Marks, Used};
use super::error::{Error, ErrorKind};
use super::ir::{
    ArrayInput, Body, Connection, Direction, Logic, Module, SignalId, SignalKind, Source, Statement,
};

/// Checks a module with logic; `any_constants`: the registers that are for properties alone.
pub(super) fn check(module: &mut Module, any_constants: &[SignalId], found: &mut Vec<Error>) {
    let Body::Logic(logic) = &module.body else { return };
    let drivers = Drivers::of(logic);
    let mut report = |kind, source| {
        found.push(Error { module: module.name.clone(), kind, source });
    };

    check_driven(module, logic, &drivers, &mut report);
    check_connected(logic, &mut report);
    check_used(module, logic, &drivers, &mut report);
    check_any_constants(module, logic, &drivers, any_constants, &mut report);
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
pub(super) fn check_black_box(module: &mut Module, found: &mut Vec<Error>) {
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

/// Only properties may know of an arbitrary constant: the hardware has none.
fn check_any_constants(
    module: &Module,
    logic: &Logic,
    drivers: &Drivers,
    any_constants: &[SignalId],
    report: Report,
) {
    if any_constants.is_empty() {
        return;
    }
    let used = Used::of(module, logic, drivers, false);
    for &id in any_constants.iter().filter(|id| used.signals[id.index()]) {
        let signal = module.signal(id);
        let text = format!(
            "`{}` is an arbitrary constant for properties, and something else depends on it",
            signal.name
        );
        report(ErrorKind::Misuse(text), signal.source);
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
