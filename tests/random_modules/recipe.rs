//! Recipes: random modules as plain data, and the modules they describe.
//!
//! Any recipe can be built. What does not fit is brought into form on the way (a condition to one
//! bit, a slice into the value's width, a reference to something that is gone to 0), so the
//! generator need not know types and the shrinker may cut anywhere.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lacuna::hdl::ir::Direction;
use lacuna::hdl::{
    Errors, Expr, GatedClock, Machine, Module, ModuleBuilder, Signal, Type, bit, concat, pack,
    sint, uint,
};
use num_bigint::BigInt;

/// No expression is wider; what would be is cut.
const WIDEST: u32 = 320;

/// How many cycles the reset lasts: each memory is swept, and registers without reset fill up.
pub const RESET_CYCLES: usize = 64;

/// The most stages of registers without reset, one behind the other, that [`RESET_CYCLES`] flush.
pub const MOST_STAGES: u32 = 40;

/// What a value, a register, a port is called in a recipe.
pub type Id = u32;

/// A hierarchy of modules; the last is the top, and each instances only earlier ones.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub modules: Vec<Mod>,
}

/// One module. Besides its own inputs it has `load_i`, which is 1 throughout reset, and `sweep_i`,
/// which counts then.
#[derive(Clone, Debug, Default)]
pub struct Mod {
    pub inputs: Vec<(Id, Type)>,
    pub items: Vec<Item>,
    pub outputs: Vec<(Id, Type, E)>,
}

/// A part of a module. Its expressions refer to earlier parts and to registers with reset.
#[derive(Clone, Debug)]
pub enum Item {
    Value {
        id: Id,
        value: E,
    },
    /// Statements that assign some signals. A guard holds registers without reset.
    Process {
        targets: Vec<Target>,
        guard: Option<E>,
        body: Vec<Stmt>,
    },
    Memory {
        id: Id,
        ty: Type,
        depth: u32,
        writes: Vec<Write>,
        reads: Vec<Read>,
    },
    /// Whether it is in state n is the value `id + n`.
    Machine {
        id: Id,
        states: usize,
        arms: Vec<(usize, Vec<Goto>)>,
        default: Option<Goto>,
    },
    Instance {
        id: Id,
        module: usize,
        inputs: Vec<E>,
        gate: Option<E>,
        outputs: Vec<(usize, Id)>,
    },
    /// The elements' values of an output are `id`, `id + 1` and so on.
    Array {
        id: Id,
        module: usize,
        axes: Vec<u32>,
        inputs: Vec<Feed>,
        gate: Option<E>,
        outputs: Vec<(usize, Place, Id)>,
    },
    StreamIn {
        id: Id,
        fields: Vec<(Id, Type)>,
        ready: E,
    },
    /// What its ready brings is the value `id`.
    StreamOut {
        id: Id,
        fields: Vec<(Type, E)>,
        valid: E,
    },
}

#[derive(Clone, Debug)]
pub struct Target {
    pub id: Id,
    pub ty: Type,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Wire,
    Output,
    /// With this reset value.
    Register(BigInt),
    /// Without reset; in a process of its kind only.
    Plain,
}

#[derive(Clone, Debug)]
pub struct Goto {
    pub when: Option<E>,
    pub state: usize,
}

#[derive(Clone, Debug)]
pub struct Write {
    pub address: E,
    pub width: u32,
    pub data: E,
    pub enable: E,
}

#[derive(Clone, Debug)]
pub struct Read {
    pub id: Id,
    pub address: E,
    pub width: u32,
    pub enable: E,
    /// Whether the data follow at once, whatever the enable.
    pub at_once: bool,
}

/// What an array's input takes.
#[derive(Clone, Debug)]
pub enum Feed {
    Broadcast(E),
    Each(Vec<E>),
    /// Falls back to the first edge for all, where no output fits or a loop would close.
    Chain {
        axis: usize,
        back: bool,
        output: usize,
        edge: Vec<E>,
    },
    Shift {
        axis: usize,
        enable: E,
        edge: Vec<E>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    All,
    First(usize),
    Last(usize),
}

#[derive(Clone, Debug)]
pub enum Stmt {
    /// The position of a target, and its value.
    Assign(usize, E),
    If(Vec<(E, Vec<Stmt>)>, Option<Vec<Stmt>>),
    Switch(E, Vec<(Vec<BigInt>, Vec<Stmt>)>, Option<Vec<Stmt>>),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum E {
    Ref(Id),
    /// A constant of the smallest type.
    Const(BigInt),
    Typed(BigInt, Type),
    Op(Op, Vec<E>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Min,
    Max,
    BitAt,
    ShiftLeft,
    ShiftRight,
    Not,
    Neg,
    All,
    Any,
    Parity,
    CountOnes,
    Abs,
    Msb,
    AsSigned,
    AsUnsigned,
    Mux,
    Select,
    Slice(u32, u32),
    Bit(u32),
    Shl(u32),
    Shr(u32),
    Truncate(u32),
    Wrap(Type),
    Cast(Type),
    Saturate(Type),
    Concat,
    Pack,
    /// The element of this number and type.
    Element(u32, Type),
    Named(u32),
}

impl Recipe {
    /// A measure of size, for the shrinker.
    pub fn size(&self) -> usize {
        format!("{self:?}").len()
    }

    /// The module, its names starting with `prefix`.
    pub fn build(&self, prefix: &str) -> Result<Arc<Module>, Errors> {
        let mut built: Vec<Arc<Module>> = Vec::new();
        for (index, module) in self.modules.iter().enumerate() {
            let builder = ModuleBuilder::new(format!("{prefix}_m{index}"));
            describe(&builder, module, &built, None);
            built.push(builder.finish()?);
        }
        Ok(built.pop().expect("a recipe has modules"))
    }

    /// The module with an input in place of each constant of its top, so that the builder has
    /// nothing to simplify there; and the values of those inputs.
    pub fn build_opaque(&self) -> Result<(Arc<Module>, Inputs), Errors> {
        let (top, children) = self.modules.split_last().expect("a recipe has modules");
        let mut built: Vec<Arc<Module>> = Vec::new();
        for (index, module) in children.iter().enumerate() {
            let builder = ModuleBuilder::new(format!("r0_m{index}"));
            describe(&builder, module, &built, None);
            built.push(builder.finish()?);
        }
        let builder = ModuleBuilder::new("opaque");
        let constants = RefCell::default();
        describe(&builder, top, &built, Some(&constants));
        Ok((builder.finish()?, constants.into_inner()))
    }
}

/// Inputs that keep a value.
type Inputs = Vec<(String, BigInt)>;

/// The inputs that stand for constants.
type Constants = RefCell<Inputs>;

struct Scope<'m> {
    m: &'m ModuleBuilder,
    constants: Option<&'m Constants>,
    values: HashMap<Id, Expr<'m>>,
    /// The targets of the process being described, of which expressions see the first few.
    targets: RefCell<Vec<(Id, Expr<'m>)>>,
    visible: Cell<usize>,
    load: Expr<'m>,
    sweep: Expr<'m>,
}

fn describe<'m>(
    m: &'m ModuleBuilder,
    recipe: &Mod,
    children: &[Arc<Module>],
    constants: Option<&'m Constants>,
) {
    let (load, sweep) = (m.input("load_i", bit()), m.input("sweep_i", uint(4)));
    m.discard(load);
    m.discard(sweep);
    let mut scope = Scope {
        m,
        constants,
        values: HashMap::new(),
        targets: RefCell::default(),
        visible: Cell::new(0),
        load,
        sweep,
    };
    for &(id, ty) in &recipe.inputs {
        scope.define(id, m.input(format!("a{id}_i"), ty));
    }
    // Registers with reset can be read from anywhere.
    let mut registers: HashMap<Id, Signal> = HashMap::new();
    let mut machines: HashMap<Id, Machine> = HashMap::new();
    for item in &recipe.items {
        match item {
            Item::Process { targets, .. } => {
                for target in targets {
                    if let Kind::Register(value) = &target.kind {
                        let value = target.ty.wrap(value);
                        let register = m.register(format!("r{}", target.id), target.ty);
                        let register = register.reset(value);
                        registers.insert(target.id, register);
                        scope.define(target.id, register.expr());
                    }
                }
            }
            Item::Machine { id, states, .. } => {
                let names: Vec<String> = (0..*states).map(|n| format!("S{n}")).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let machine = m.state_machine(&format!("state{id}"), &names);
                for (code, name) in names.iter().enumerate() {
                    scope.define(id + code as u32, machine.is(name));
                }
                machines.insert(*id, machine);
            }
            _ => {}
        }
    }
    for item in &recipe.items {
        scope.item(item, children, &registers, &machines);
    }
    for (id, ty, value) in &recipe.outputs {
        m.output(format!("y{id}_o"), *ty).set(scope.typed(value, *ty));
    }
}

impl<'m> Scope<'m> {
    fn define(&mut self, id: Id, value: Expr<'m>) {
        self.m.discard(value);
        self.values.insert(id, value);
    }

    fn zero(&self) -> Expr<'m> {
        self.m.constant(0, bit())
    }

    fn constant(&self, value: BigInt, ty: Type) -> Expr<'m> {
        let Some(constants) = self.constants else { return self.m.constant(value, ty) };
        let name = format!("k{}_i", constants.borrow().len());
        let input = self.m.input(&name, ty);
        self.m.discard(input);
        constants.borrow_mut().push((name, value));
        input
    }

    fn expr(&self, e: &E) -> Expr<'m> {
        let value = match e {
            E::Ref(id) => {
                let targets = self.targets.borrow();
                let mut visible = targets[..self.visible.get()].iter();
                let target = visible.find(|(target, _)| target == id).map(|(_, value)| *value);
                target.or(self.values.get(id).copied()).unwrap_or(self.zero())
            }
            E::Const(value) => self.constant(value.clone(), Type::of(value)),
            E::Typed(value, ty) => self.constant(ty.wrap(value), *ty),
            E::Op(op, operands) => {
                let operands: Vec<Expr> = operands.iter().map(|e| self.expr(e)).collect();
                self.operator(op, &operands)
            }
        };
        if value.width() > WIDEST { value.truncate(200) } else { value }
    }

    fn operator(&self, op: &Op, operands: &[Expr<'m>]) -> Expr<'m> {
        let Some(&a) = operands.first() else { return self.zero() };
        let b = operands.get(1).copied().unwrap_or(a);
        let count = || {
            let amount = b.as_unsigned();
            amount.slice(0, amount.width().min(3))
        };
        match op {
            Op::Add => a + b,
            Op::Sub => a - b,
            Op::Mul => a * b,
            Op::And => a & b,
            Op::Or => a | b,
            Op::Xor => a ^ b,
            Op::Eq => a.eq(b),
            Op::Ne => a.ne(b),
            Op::Lt => a.lt(b),
            Op::Le => a.le(b),
            Op::Gt => a.gt(b),
            Op::Ge => a.ge(b),
            Op::Min => a.min(b),
            Op::Max => a.max(b),
            Op::BitAt => a.bit_at(b.as_unsigned()),
            Op::ShiftLeft => a.shift_left(count()),
            Op::ShiftRight => a.shift_right(b.as_unsigned()),
            Op::Not => !a,
            Op::Neg => -a,
            Op::All => a.all(),
            Op::Any => a.any(),
            Op::Parity => a.parity(),
            Op::CountOnes => a.slice(0, a.width().min(20)).count_ones(),
            Op::Abs => a.abs(),
            Op::Msb => a.msb(),
            Op::AsSigned => a.as_signed(),
            Op::AsUnsigned => a.as_unsigned(),
            Op::Mux => self.to_bit(a).mux(b, operands.get(2).copied().unwrap_or(b)),
            Op::Select => {
                let index = a.as_unsigned();
                let items = if operands.len() > 1 { &operands[1..] } else { operands };
                index.slice(0, index.width().min(5)).select(items)
            }
            Op::Slice(low, width) => {
                let low = low % a.width();
                a.slice(low, 1 + width % (a.width() - low))
            }
            Op::Bit(index) => a.bit(index % a.width()),
            Op::Shl(amount) => a << *amount,
            Op::Shr(amount) => a >> *amount,
            Op::Truncate(width) => a.truncate(1 + width % a.width()),
            Op::Wrap(ty) => a.wrap(*ty),
            Op::Cast(ty) => a.cast(a.ty().join(*ty)),
            Op::Saturate(ty) => a.saturate(*ty),
            Op::Concat => concat(self.m, operands),
            Op::Pack => pack(self.m, operands),
            Op::Element(index, ty) => {
                // As many whole elements as there are.
                let count = (a.width() / ty.width).max(1);
                let whole = a.wrap(uint(count * ty.width));
                whole.elements(*ty)[(index % count) as usize]
            }
            Op::Named(number) => a.named(["sum", "next", "w1", "total"][*number as usize % 4]),
        }
    }

    fn to_bit(&self, value: Expr<'m>) -> Expr<'m> {
        match value.ty() {
            Type { width: 1, signed: false } => value,
            Type { width: 1, signed: true } => value.as_unsigned(),
            _ => value.parity(),
        }
    }

    fn condition(&self, e: &E) -> Expr<'m> {
        self.to_bit(self.expr(e))
    }

    fn typed(&self, e: &E, ty: Type) -> Expr<'m> {
        self.expr(e).wrap(ty)
    }

    fn item(
        &mut self,
        item: &Item,
        children: &[Arc<Module>],
        registers: &HashMap<Id, Signal<'m>>,
        machines: &HashMap<Id, Machine<'m>>,
    ) {
        let m = self.m;
        match item {
            Item::Value { id, value } => {
                let value = self.expr(value);
                self.define(*id, value);
            }
            Item::Process { targets, guard, body } => {
                self.process(targets, guard.as_ref(), body, registers);
            }
            Item::Memory { id, ty, depth, writes, reads } => {
                let memory = m.memory(&format!("store{id}"), *depth, *ty);
                let address = |e: &E, width: u32| self.typed(e, uint(width));
                for write in writes {
                    let enable = self.condition(&write.enable) & !self.load;
                    let data = self.typed(&write.data, *ty);
                    memory.write(address(&write.address, write.width), data, enable);
                }
                let start = m.constant(ty.wrap(&BigInt::from(*id)), *ty);
                memory.write(self.sweep, start, self.load);
                let mut found = Vec::new();
                for read in reads {
                    let enable = self.condition(&read.enable) | self.load;
                    let address = address(&read.address, read.width);
                    let name = format!("d{}", read.id);
                    let data = match read.at_once {
                        true => memory.read_async(&name, address),
                        false => memory.read(&name, address, enable),
                    };
                    found.push((read.id, data));
                }
                if found.is_empty() {
                    found.push((*id, memory.read(&format!("d{id}"), self.sweep, true)));
                }
                found.into_iter().for_each(|(id, data)| self.define(id, data));
            }
            Item::Machine { id, states, arms, default } => {
                let machine = &machines[id];
                let name = |state: usize| format!("S{}", state % states);
                let go = |goto: &Goto| match &goto.when {
                    Some(condition) => {
                        m.when(self.condition(condition), || machine.goto(&name(goto.state)));
                    }
                    None => machine.goto(&name(goto.state)),
                };
                let mut known = HashSet::new();
                // Without any arm the register would be undriven.
                machine.switch(|cases| {
                    cases.case("S0", || {
                        machine.goto(&name(1));
                        known.insert(0);
                    });
                    for (state, gotos) in arms {
                        if known.insert(state % states) {
                            cases.case(&name(*state), || {
                                gotos.iter().take(2).for_each(go_late(&go))
                            });
                        }
                    }
                    if let Some(default) = default {
                        cases.default(|| go(default));
                    }
                });
            }
            Item::Instance { id, module, inputs, gate, outputs } => {
                let Some(child) = children.get(*module) else { return };
                let instance = m.instance(&format!("i{id}"), child);
                let mut next = 0;
                for (_, name, ty) in ports(child, Direction::Input) {
                    let value = self.port_value(&name, ty, inputs, &mut next);
                    instance.connect(&name, value);
                }
                if let Some(clock) = self.gate(*id, gate.as_ref()) {
                    instance.clocked_by(clock);
                }
                let ports = ports(child, Direction::Output);
                for (port, id) in outputs {
                    if !ports.is_empty() {
                        let value = instance.output(&ports[port % ports.len()].1);
                        self.define(*id, value);
                    }
                }
            }
            Item::Array { id, module, axes, inputs, gate, outputs } => {
                if let Some(child) = children.get(*module) {
                    self.array(*id, child, axes, inputs, gate.as_ref(), outputs);
                }
            }
            Item::StreamIn { id, fields, ready } => {
                let named: Vec<(String, Type)> =
                    fields.iter().map(|(id, ty)| (format!("f{id}"), *ty)).collect();
                let named: Vec<(&str, Type)> =
                    named.iter().map(|(n, t)| (n.as_str(), *t)).collect();
                let stream = m.stream_in(&format!("in{id}"), &named);
                stream.ready.set(self.condition(ready));
                let valid = stream.valid;
                self.define(*id, valid);
                let values: Vec<Expr> = stream.payload().map(|(_, value)| value).collect();
                for ((id, _), value) in fields.iter().zip(values) {
                    self.define(*id, value);
                }
            }
            Item::StreamOut { id, fields, valid } => {
                let named: Vec<(String, Type)> =
                    fields.iter().enumerate().map(|(n, (ty, _))| (format!("f{n}"), *ty)).collect();
                let named: Vec<(&str, Type)> =
                    named.iter().map(|(n, t)| (n.as_str(), *t)).collect();
                let stream = m.stream_out(&format!("out{id}"), &named);
                stream.valid.set(self.condition(valid));
                for ((_, port), (ty, value)) in stream.payload().zip(fields) {
                    port.set(self.typed(value, *ty));
                }
                let ready = stream.ready;
                self.define(*id, ready);
            }
        }
    }

    /// A gated clock, open throughout reset.
    fn gate(&self, id: Id, gate: Option<&E>) -> Option<GatedClock<'m>> {
        let enable = self.condition(gate?) | self.load;
        Some(self.m.gated_clock(&format!("clk_g{id}"), enable))
    }

    fn port_value(&self, name: &str, ty: Type, inputs: &[E], next: &mut usize) -> Expr<'m> {
        match name {
            "load_i" => self.load,
            "sweep_i" => self.sweep,
            _ => {
                *next += 1;
                inputs.get(*next - 1).map_or(self.zero(), |e| self.expr(e)).wrap(ty)
            }
        }
    }

    fn array(
        &mut self,
        id: Id,
        child: &Arc<Module>,
        axes: &[u32],
        inputs: &[Feed],
        gate: Option<&E>,
        outputs: &[(usize, Place, Id)],
    ) {
        let names: &[&str] = if axes.len() == 1 { &["lane"] } else { &["row", "col"] };
        let named: Vec<(&str, u32)> = names.iter().copied().zip(axes.iter().copied()).collect();
        let array = self.m.array(&format!("cells{id}"), &named, child);
        let count: u32 = axes.iter().product();
        let drives = ports(child, Direction::Output);
        // Along an axis, values go one way or both; both only where no loop can close.
        let mut ways: HashMap<usize, bool> = HashMap::new();
        let mut next = 0;
        for (_, name, ty) in ports(child, Direction::Input) {
            let fixed = match name.as_str() {
                "load_i" => Some(self.load),
                "sweep_i" => Some(self.sweep),
                _ => None,
            };
            if let Some(value) = fixed {
                array.broadcast(&name, value);
                continue;
            }
            next += 1;
            let none = Feed::Broadcast(E::Const(0.into()));
            let feed = inputs.get(next - 1).unwrap_or(&none);
            let edge = |values: &[E], count: u32| -> Vec<Expr<'m>> {
                let value = |n: usize| match values.len() {
                    0 => self.zero().wrap(ty),
                    len => self.typed(&values[n % len], ty),
                };
                (0..count as usize).map(value).collect()
            };
            match feed {
                Feed::Broadcast(value) => {
                    array.broadcast(&name, self.typed(value, ty));
                }
                Feed::Each(values) => {
                    array.each(&name, &edge(values, count));
                }
                Feed::Chain { axis, back, output, edge: values } => {
                    let axis = axis % axes.len();
                    let fitting: Vec<_> = drives.iter().filter(|(_, _, t)| *t == ty).collect();
                    let one_way = ways.get(&axis).is_none_or(|way| way == back);
                    if fitting.is_empty() || (!one_way && holds_unreset_state(child)) {
                        array.broadcast(&name, edge(values, 1)[0]);
                        continue;
                    }
                    let (port, from, _) = fitting[output % fitting.len()];
                    if !one_way && !child.paths[*port].is_empty() {
                        array.broadcast(&name, edge(values, 1)[0]);
                        continue;
                    }
                    if one_way {
                        ways.insert(axis, *back);
                    }
                    let edge = edge(values, count / axes[axis]);
                    if *back {
                        array.chain_back(&name, from, names[axis], &edge);
                    } else {
                        array.chain(&name, from, names[axis], &edge);
                    }
                }
                Feed::Shift { axis, enable, edge: values } => {
                    let axis = axis % axes.len();
                    let enable = self.condition(enable) | self.load;
                    let edge = edge(values, count / axes[axis]);
                    array.shift(&name, names[axis], &edge, enable);
                }
            }
        }
        if let Some(clock) = self.gate(id, gate) {
            array.clocked_by(clock);
        }
        for (port, place, id) in outputs {
            if drives.is_empty() {
                continue;
            }
            let port = &drives[port % drives.len()].1;
            let values = match place {
                Place::All => array.outputs(port),
                Place::First(axis) => array.first(port, names[axis % axes.len()]),
                Place::Last(axis) => array.last(port, names[axis % axes.len()]),
            };
            for (n, value) in values.into_iter().enumerate() {
                self.define(id + n as u32, value);
            }
        }
    }

    fn process(
        &mut self,
        targets: &[Target],
        guard: Option<&E>,
        body: &[Stmt],
        registers: &HashMap<Id, Signal<'m>>,
    ) {
        let m = self.m;
        let signals: Vec<Signal> = targets
            .iter()
            .map(|target| match target.kind {
                Kind::Wire => m.wire(format!("w{}", target.id), target.ty),
                Kind::Output => m.output(format!("o{}_o", target.id), target.ty),
                Kind::Register(_) => registers[&target.id],
                Kind::Plain => m.register(format!("p{}", target.id), target.ty),
            })
            .collect();
        *self.targets.borrow_mut() =
            targets.iter().zip(&signals).map(|(t, s)| (t.id, s.expr())).collect();
        let describe = || {
            // What must be assigned in every case gets a default where the body leaves one out.
            for (index, target) in targets.iter().enumerate() {
                let needed = match target.kind {
                    Kind::Register(_) => !assigns(body, index),
                    _ => !is_definite(body, index),
                };
                let has_default =
                    body.iter().any(|s| matches!(s, Stmt::Assign(t, _) if *t == index));
                if needed && !has_default {
                    signals[index].set(0);
                }
            }
            self.block(body, targets, &signals);
        };
        let plain = targets.iter().any(|target| target.kind == Kind::Plain);
        match guard.filter(|_| plain) {
            Some(guard) => {
                m.when(self.condition(guard) | self.load, describe);
            }
            None => describe(),
        }
        self.targets.borrow_mut().clear();
        for (target, signal) in targets.iter().zip(&signals) {
            m.discard(signal.expr());
            self.values.insert(target.id, signal.expr());
        }
    }

    fn block(&self, body: &[Stmt], targets: &[Target], signals: &[Signal<'m>]) {
        let m = self.m;
        let mut done = HashSet::new();
        for statement in body {
            if let Stmt::Assign(target, value) = statement
                && *target < targets.len()
                && done.insert(*target)
            {
                self.visible.set(*target);
                let value = self.typed(value, targets[*target].ty);
                self.visible.set(0);
                signals[*target].set(value);
            }
        }
        for statement in body {
            match statement {
                Stmt::Assign(..) => {}
                Stmt::If(arms, otherwise) => {
                    let mut when = None;
                    for (condition, block) in arms {
                        let condition = self.condition(condition);
                        let body = || self.block(block, targets, signals);
                        when = Some(match when {
                            None => m.when(condition, body),
                            Some(when) => lacuna::hdl::When::or_when(when, condition, body),
                        });
                    }
                    match (when, otherwise) {
                        (Some(when), Some(block)) => {
                            when.otherwise(|| self.block(block, targets, signals));
                        }
                        (None, Some(block)) => self.block_of_conditionals(block, targets, signals),
                        _ => {}
                    }
                }
                Stmt::Switch(subject, arms, default) => {
                    let subject = self.expr(subject);
                    m.switch(subject, |cases| {
                        let mut known = HashSet::new();
                        for (values, block) in arms {
                            let values: Vec<BigInt> = values
                                .iter()
                                .map(|value| subject.ty().wrap(value))
                                .filter(|value| known.insert(value.clone()))
                                .collect();
                            if !values.is_empty() {
                                cases.cases(&values, || self.block(block, targets, signals));
                            }
                        }
                        if let Some(block) = default {
                            cases.default(|| self.block(block, targets, signals));
                        }
                    });
                }
            }
        }
    }

    /// A block that stands behind assignments: within a condition that always holds.
    fn block_of_conditionals(&self, body: &[Stmt], targets: &[Target], signals: &[Signal<'m>]) {
        self.m.when(true, || self.block(body, targets, signals)).otherwise(|| {
            for (index, target) in targets.iter().enumerate() {
                if assigns(body, index) && !matches!(target.kind, Kind::Register(_)) {
                    signals[index].set(0);
                }
            }
        });
    }
}

/// Only the last of several ways to go on may be unconditional, and it must come first.
fn go_late<'a>(go: &'a impl Fn(&Goto)) -> impl FnMut(&'a Goto) {
    let mut is_first = true;
    move |goto| {
        if is_first || goto.when.is_some() {
            go(goto);
        }
        is_first = false;
    }
}

/// Whether a target is assigned for certain somewhere. Arms behind the first may fall away.
fn assigns(body: &[Stmt], target: usize) -> bool {
    body.iter().any(|statement| match statement {
        Stmt::Assign(t, _) => *t == target,
        Stmt::If(arms, otherwise) => {
            arms.iter().any(|(_, block)| assigns(block, target))
                || otherwise.as_ref().is_some_and(|block| assigns(block, target))
        }
        Stmt::Switch(_, arms, default) => {
            arms.iter().take(1).any(|(_, block)| assigns(block, target))
                || default.as_ref().is_some_and(|block| assigns(block, target))
        }
    })
}

fn is_definite(body: &[Stmt], target: usize) -> bool {
    body.iter().any(|statement| match statement {
        Stmt::Assign(t, _) => *t == target,
        Stmt::If(arms, otherwise) => {
            arms.iter().all(|(_, block)| is_definite(block, target))
                && otherwise.as_ref().is_some_and(|block| is_definite(block, target))
        }
        Stmt::Switch(_, arms, default) => {
            arms.iter().all(|(_, block)| is_definite(block, target))
                && default.as_ref().is_some_and(|block| is_definite(block, target))
        }
    })
}

/// The ports of one direction: index, name, type.
pub fn ports(module: &Module, direction: Direction) -> Vec<(usize, String, Type)> {
    let fits = |index: &usize| module.direction(module.ports[*index]) == direction;
    let port = |index: usize| (index, module.port(index).name.clone(), module.port(index).ty);
    (0..module.ports.len()).filter(fits).map(port).collect()
}

/// Whether values can circle through neighbours without any reset reaching them.
fn holds_unreset_state(module: &Module) -> bool {
    use lacuna::hdl::ir::SignalKind;
    let unreset = |kind: &SignalKind| {
        matches!(
            kind,
            SignalKind::Register { reset: None }
                | SignalKind::ReadData(_)
                | SignalKind::AsyncReadData(_)
        )
    };
    module.signals.iter().any(|signal| unreset(&signal.kind))
        || module.logic().is_some_and(|logic| {
            logic.instanced().any(|child| holds_unreset_state(child))
                || logic
                    .arrays
                    .iter()
                    .flat_map(|a| a.inputs.iter().flatten())
                    .any(|input| matches!(input, lacuna::hdl::ir::ArrayInput::Shift { .. }))
        })
}

/// The cell behind gated clocks.
pub fn clock_gate() -> Arc<Module> {
    const TEXT: &str = "\
module clock_gate (
  input  wire clk_i,
  input  wire enable_i,
  input  wire test_enable_i,
  output wire clk_o
);
  // verilator lint_off LATCH
  reg enable_l;
  always @* if (!clk_i) enable_l = enable_i | test_enable_i;
  // verilator lint_on LATCH
  assign clk_o = clk_i & enable_l;
endmodule
";
    let m = ModuleBuilder::new("clock_gate");
    m.input("enable_i", bit());
    m.input("test_enable_i", bit());
    m.output("clk_o", bit());
    m.finish_black_box(Some(TEXT.into()), None).expect("the ports are fine")
}

/// The signed or unsigned type of a width.
pub fn ty(width: u32, signed: bool) -> Type {
    if signed { sint(width) } else { uint(width) }
}
