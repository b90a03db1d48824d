//! Every operator, narrow and wide, against its definition on exact integers.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::{One, Zero};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::hdl::eval::{Evaluator, Port};
use crate::hdl::fold::evaluate;
use crate::hdl::ir::*;
use crate::hdl::{Expr, ModuleBuilder, Type, bit, concat, sint, uint};

/// Widths around the limbs' ends come up more often.
fn random_width(rng: &mut ChaCha8Rng) -> u32 {
    match rng.random_range(0..10) {
        0..4 => rng.random_range(1..=64),
        4 => 1,
        5 => [31, 32, 33, 63, 64][rng.random_range(0..5)],
        6..8 => [65, 66, 127, 128, 129, 192, 200, 256][rng.random_range(0..8)],
        8 => rng.random_range(1..300),
        _ => [8, 16, 1000][rng.random_range(0..3)],
    }
}

fn random_type(rng: &mut ChaCha8Rng) -> Type {
    Type { width: random_width(rng), signed: rng.random() }
}

/// The ends of the range come up more often.
fn random_value(rng: &mut ChaCha8Rng, ty: Type) -> BigInt {
    match rng.random_range(0..8) {
        0 => ty.min(),
        1 => ty.max(),
        2 => ty.wrap(&BigInt::from(-1)),
        3 => BigInt::zero(),
        4 => ty.wrap(&(BigInt::one() << rng.random_range(0..ty.width))),
        _ => {
            let words = (0..ty.width.div_ceil(32)).map(|_| rng.random()).collect();
            ty.wrap(&BigInt::new(num_bigint::Sign::Plus, words))
        }
    }
}

/// A module of operators on inputs, every node an output.
struct Operators {
    nodes: Vec<Node>,
    inputs: Vec<Type>,
}

impl Operators {
    fn node(&mut self, op: Op, ty: Type) -> NodeId {
        let source = Source(Location::caller());
        self.nodes.push(Node { op, ty, name: None, source });
        NodeId(self.nodes.len() as u32 - 1)
    }

    fn input(&mut self, ty: Type) -> NodeId {
        self.inputs.push(ty);
        self.node(Op::Signal(SignalId(self.inputs.len() as u32 - 1)), ty)
    }

    /// An operator with operands and a result of random types, which need not fit each other.
    fn random(&mut self, rng: &mut ChaCha8Rng) {
        use BinaryOp::*;
        use UnaryOp::*;
        let (a, b) = (random_type(rng), random_type(rng));
        let ty = random_type(rng);
        let op = match rng.random_range(0..8) {
            0 => {
                let op = [Not, Negate, ReduceAnd, ReduceOr, ReduceXor][rng.random_range(0..5)];
                Op::Unary(op, self.input(a))
            }
            1..4 => {
                let all = [Add, Sub, Mul, And, Or, Xor, Eq, Ne, Lt, Le, Gt, Ge];
                let op = all[rng.random_range(0..all.len())];
                let b = if rng.random_range(0..4) == 0 { a } else { b };
                Op::Binary(op, self.input(a), self.input(b))
            }
            4 => {
                let op = [ShiftLeft, ShiftRight][rng.random_range(0..2)];
                let most = if op == ShiftLeft { 8 } else { 80 };
                let amount = uint(rng.random_range(1..=most));
                Op::Binary(op, self.input(a), self.input(amount))
            }
            5 => match rng.random_range(0..2) {
                0 => Op::Mux(self.input(bit()), self.input(a), self.input(b)),
                _ => {
                    let items = rng.random_range(1..6);
                    let index = uint([1, 2, 3, 70][rng.random_range(0..4)]);
                    let index = self.input(index);
                    let items = (0..items).map(|_| self.input(random_type(rng))).collect();
                    Op::Select(index, items)
                }
            },
            6 => {
                let low = rng.random_range(0..a.width);
                let ty = ty.with_width(rng.random_range(1..=a.width - low));
                let op = Op::Slice(self.input(a), low);
                self.node(op, ty);
                return;
            }
            _ => match rng.random_range(0..2) {
                0 => Op::Cast(self.input(a)),
                _ => {
                    let short = rng.random();
                    let mut item = |_| {
                        let ty = random_type(rng);
                        if short { ty.with_width(ty.width % 16 + 1) } else { ty }
                    };
                    let types: Vec<Type> = (0..4).map(&mut item).collect();
                    let width = types.iter().map(|ty| ty.width).sum();
                    let op = Op::Concat(types.into_iter().map(|ty| self.input(ty)).collect());
                    self.node(op, ty.with_width(width));
                    return;
                }
            },
        };
        self.node(op, ty);
    }

    /// Slices and casts of what is there, which the evaluator may join with what they are taken
    /// from. The operators themselves may then have no other user.
    fn derive(&mut self, rng: &mut ChaCha8Rng) {
        for index in 0..self.nodes.len() as u32 {
            let ty = self.nodes[index as usize].ty;
            let low = rng.random_range(0..ty.width);
            let width = rng.random_range(1..=ty.width - low);
            let to = random_type(rng);
            match rng.random_range(0..2) {
                0 => self.node(Op::Slice(NodeId(index), low), to.with_width(width)),
                _ => self.node(Op::Cast(NodeId(index)), to),
            };
        }
    }

    /// The module, with the nodes from `first` on as its outputs.
    fn module(&self, first: usize) -> Arc<Module> {
        let m = ModuleBuilder::new("operators");
        for (i, &ty) in self.inputs.iter().enumerate() {
            m.discard(m.input(format!("i{i}"), ty));
        }
        for (i, node) in self.nodes.iter().enumerate().skip(first) {
            m.output(format!("o{i}"), node.ty).set(m.constant(0, node.ty));
        }
        let mut module = Arc::unwrap_or_clone(m.finish().unwrap());
        let Body::Logic(logic) = &mut module.body else { unreachable!() };
        logic.discarded.clear();
        logic.nodes = self.nodes.clone();
        for (i, statement) in logic.statements.iter_mut().enumerate() {
            let Statement::Assign { value, .. } = statement else { unreachable!() };
            *value = NodeId((first + i) as u32);
        }
        Arc::new(module)
    }

    fn expected(&self, inputs: &[BigInt]) -> Vec<BigInt> {
        let mut values: Vec<BigInt> = Vec::new();
        for node in &self.nodes {
            let operands = node.op.operands();
            let types: Vec<Type> = operands.iter().map(|id| self.nodes[id.index()].ty).collect();
            let operands: Vec<BigInt> =
                operands.iter().map(|id| values[id.index()].clone()).collect();
            values.push(match node.op {
                Op::Signal(id) => inputs[id.index()].clone(),
                _ => evaluate(&node.op, node.ty, &operands, &types),
            });
        }
        values
    }
}

#[test]
fn operators_agree_with_their_definition() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for round in 0..120 {
        let mut operators = Operators { nodes: vec![], inputs: vec![] };
        for _ in 0..20 {
            operators.random(&mut rng);
        }
        let mut first = 0;
        if round % 2 == 1 {
            first = operators.nodes.len();
            operators.derive(&mut rng);
        }
        let mut sim = Evaluator::new(&operators.module(first)).unwrap();
        for _ in 0..20 {
            let inputs: Vec<BigInt> =
                operators.inputs.iter().map(|&ty| random_value(&mut rng, ty)).collect();
            for (i, value) in inputs.iter().enumerate() {
                let port = sim.port(&format!("i{i}")).unwrap();
                sim.set_value(port, value);
            }
            let expected = operators.expected(&inputs);
            for (i, node) in operators.nodes.iter().enumerate().skip(first) {
                let port = sim.port(&format!("o{i}")).unwrap();
                let types = node.op.operands().into_iter().map(|id| &operators.nodes[id.index()]);
                let types: Vec<_> = types.map(|node| (&node.op, node.ty)).collect();
                assert_eq!(
                    sim.get_value(port),
                    expected[i],
                    "{:?} of {types:?} as {}",
                    node.op,
                    node.ty
                );
            }
        }
    }
}

/// A random expression of what is there.
fn random_expression<'m>(
    m: &'m ModuleBuilder,
    known: &[Expr<'m>],
    rng: &mut ChaCha8Rng,
) -> Expr<'m> {
    let mut any = || known[rng.random_range(0..known.len())];
    let (a, b, c) = (any(), any(), any());
    let e = match rng.random_range(0..16) {
        0 => a + b,
        1 => a - b,
        2 => a * b,
        3 => a & b,
        4 => a | b,
        5 => a ^ b,
        6 => !a,
        7 => -a,
        8 => a.lt(b).mux(b, c),
        9 => a.saturate(sint(7)),
        10 => concat(m, &[a, b, c]),
        11 => a.shift_right(b.wrap(uint(4))),
        12 => b.wrap(uint(2)).select(&[a, b, c]),
        13 => a.slice(a.width() / 2, a.width() - a.width() / 2),
        14 => a.wrap(uint(3)).shift_left(b.wrap(uint(3))),
        _ => concat(m, &[a.eq(b), a.le(c), a.any(), b.all(), c.parity()]),
    };
    // Products of products would soon be as wide as a type may be.
    if e.width() > 150 { e.wrap(random_type(rng)) } else { e }
}

/// A module of random expressions, conditional assignments and registers.
fn random_module(rng: &mut ChaCha8Rng) -> Arc<Module> {
    let m = ModuleBuilder::new("random");
    let mut known: Vec<Expr> = Vec::new();
    for i in 0..4 {
        known.push(m.input(format!("i{i}"), random_type(rng)));
    }
    let registers: Vec<_> = (0..4)
        .map(|i| {
            let ty = random_type(rng);
            let register = m.register(format!("r{i}"), ty);
            if rng.random() { register.reset(random_value(rng, ty)) } else { register }
        })
        .collect();
    known.extend(registers.iter().map(|register| register.expr()));
    for i in 0..12 {
        for _ in 0..5 {
            known.push(random_expression(&m, &known, rng));
        }
        let register = registers.get(i).copied();
        let target = register.unwrap_or_else(|| m.wire(format!("w{i}"), random_type(rng)));
        let mut value = || known[rng.random_range(0..known.len())].wrap(target.ty());
        let (a, b, c, d) = (value(), value(), value(), value());
        let subject = value().wrap(uint(2));
        target.set(a);
        m.when(subject.bit(0), || {
            m.when(subject.bit(1), || target.set(b)).otherwise(|| target.set(c));
        });
        m.switch(subject.wrap(sint(2)), |arms| arms.cases(&[-1, 1], || target.set(d)));
        if register.is_some() {
            // A register that was assigned once more holds under a condition.
            m.when(subject.any(), || target.set(target));
        } else {
            known.push(target.expr());
        }
    }
    for (i, &value) in known.iter().enumerate() {
        m.output(format!("o{i}"), value.ty()).set(value);
    }
    m.finish().unwrap()
}

/// Runs a module without instances by the book: assignments in order, expressions on demand.
struct Reference<'m> {
    module: &'m Module,
    logic: &'m Logic,
    signals: Vec<BigInt>,
    next: HashMap<SignalId, BigInt>,
}

impl<'m> Reference<'m> {
    fn new(module: &'m Module) -> Reference<'m> {
        let signals = vec![BigInt::zero(); module.signals.len()];
        Reference { module, logic: module.logic().unwrap(), signals, next: HashMap::new() }
    }

    /// As many passes as it takes for nothing to change any more.
    fn settle(&mut self) {
        loop {
            let nodes = self.nodes();
            let mut assigned = HashMap::new();
            execute(&self.logic.statements, &nodes, &mut assigned);
            let before = self.signals.clone();
            self.next.clear();
            for (id, value) in assigned {
                match self.module.signal(id).kind {
                    SignalKind::Register { .. } => {
                        self.next.insert(id, value);
                    }
                    _ => self.signals[id.index()] = value,
                }
            }
            if self.signals == before {
                return;
            }
        }
    }

    fn nodes(&self) -> Vec<BigInt> {
        let mut values: Vec<BigInt> = Vec::new();
        for node in &self.logic.nodes {
            let operands = node.op.operands();
            let types: Vec<Type> =
                operands.iter().map(|id| self.logic.nodes[id.index()].ty).collect();
            let operands: Vec<BigInt> =
                operands.iter().map(|id| values[id.index()].clone()).collect();
            values.push(match node.op {
                Op::Signal(id) => self.signals[id.index()].clone(),
                _ => evaluate(&node.op, node.ty, &operands, &types),
            });
        }
        values
    }

    fn step(&mut self) {
        self.settle();
        for (id, value) in self.next.drain() {
            self.signals[id.index()] = value;
        }
    }

    fn reset(&mut self) {
        for (value, signal) in self.signals.iter_mut().zip(&self.module.signals) {
            if let SignalKind::Register { reset: Some(reset) } = &signal.kind {
                *value = reset.clone();
            }
        }
    }
}

fn execute(block: &[Statement], nodes: &[BigInt], assigned: &mut HashMap<SignalId, BigInt>) {
    for statement in block {
        match statement {
            Statement::Assign { target, value, .. } => {
                assigned.insert(*target, nodes[value.index()].clone());
            }
            Statement::If { condition, then, otherwise } => {
                let taken = if nodes[condition.index()].is_zero() { otherwise } else { then };
                execute(taken, nodes, assigned);
            }
            Statement::Case { subject, arms, default } => {
                let subject = &nodes[subject.index()];
                let arm = arms.iter().find(|(values, _)| values.contains(subject));
                execute(arm.map_or(default, |(_, block)| block), nodes, assigned);
            }
        }
    }
}

#[test]
fn random_modules_agree_with_the_book() {
    for seed in 0..40 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let module = random_module(&mut rng);
        let mut sim = Evaluator::new(&module).unwrap();
        let mut reference = Reference::new(&module);
        for cycle in 0..12 {
            for &id in module.ports.iter().filter(|&&id| module.direction(id) == Direction::Input) {
                let signal = module.signal(id);
                let value = random_value(&mut rng, signal.ty);
                let port = sim.port(&signal.name).unwrap();
                sim.set_value(port, &value);
                reference.signals[id.index()] = value;
            }
            reference.settle();
            for (index, &id) in module.ports.iter().enumerate() {
                let value = sim.get_value(Port(index as u32));
                let name = &module.signal(id).name;
                assert_eq!(
                    value,
                    reference.signals[id.index()],
                    "{name}, seed {seed}, cycle {cycle}"
                );
            }
            if cycle == 6 {
                sim.reset();
                reference.reset();
            } else {
                sim.step();
                reference.step();
            }
        }
    }
}
