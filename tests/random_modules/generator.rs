//! Random recipes.

use lacuna::hdl::{Type, uint};
use num_bigint::{BigInt, BigUint};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::recipe::*;

/// The recipe of a number under a seed.
pub fn recipe(seed: u64, number: usize) -> Recipe {
    let mut rng =
        ChaCha8Rng::seed_from_u64(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    loop {
        let recipe = hierarchy(&mut rng);
        if stages(&recipe) <= MOST_STAGES {
            return recipe;
        }
    }
}

/// The random stimulus of a port: a value for each cycle. Values repeat, stay and go to extremes
/// more often than independent ones would.
pub fn stimulus(rng: &mut ChaCha8Rng, ty: Type, cycles: usize) -> Vec<BigInt> {
    let mut value = BigInt::from(0);
    (0..cycles)
        .map(|_| {
            if rng.random_bool(0.8) {
                value = random_value(rng, ty);
            }
            value.clone()
        })
        .collect()
}

/// The random numbers of a number under a seed, for its stimulus.
pub fn stimulus_rng(seed: u64, number: usize) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(!seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn random_value(rng: &mut ChaCha8Rng, ty: Type) -> BigInt {
    match rng.random_range(0..10) {
        0 => ty.min(),
        1 => ty.max(),
        2 => ty.wrap(&BigInt::from(-1)),
        3 => ty.wrap(&BigInt::from(rng.random_range(-4..20))),
        4 => ty.wrap(&(BigInt::from(1) << rng.random_range(0..ty.width))),
        _ => {
            let bytes: Vec<u8> = (0..ty.width.div_ceil(8)).map(|_| rng.random()).collect();
            ty.wrap(&BigInt::from(BigUint::from_bytes_le(&bytes)))
        }
    }
}

/// An upper bound of how many registers without reset stand one behind the other.
fn stages(recipe: &Recipe) -> u32 {
    let mut known: Vec<u32> = Vec::new();
    for module in &recipe.modules {
        let mut total = 0;
        for item in &module.items {
            total += match item {
                Item::Process { targets, .. } => {
                    targets.iter().filter(|t| t.kind == Kind::Plain).count() as u32
                }
                Item::Memory { .. } => 2,
                Item::Instance { module, .. } => known[*module],
                Item::Array { module, axes, .. } => axes.iter().sum::<u32>() * (known[*module] + 1),
                _ => 0,
            };
        }
        known.push(total);
    }
    *known.last().expect("a recipe has modules")
}

fn hierarchy(rng: &mut ChaCha8Rng) -> Recipe {
    let mut modules = Vec::new();
    if rng.random_bool(0.5) {
        for _ in 0..rng.random_range(1..=2) {
            modules.push(module(rng, 1..4, 2, &modules));
        }
        if rng.random_bool(0.3) {
            modules.push(module(rng, 1..4, 2, &modules));
        }
    }
    modules.push(module(rng, 2..9, 3, &modules));
    Recipe { modules }
}

struct Generator<'r> {
    rng: &'r mut ChaCha8Rng,
    next: Id,
    /// The values that an expression may refer to, the latest last.
    known: Vec<Id>,
    depth: u32,
}

/// How many inputs and outputs of its own a module has.
fn shape(module: &Mod) -> (usize, usize) {
    let mut inputs = module.inputs.len();
    let mut outputs = module.outputs.len();
    for item in &module.items {
        match item {
            Item::Process { targets, .. } => {
                outputs += targets.iter().filter(|t| t.kind == Kind::Output).count();
            }
            Item::StreamIn { fields, .. } => {
                inputs += fields.len() + 1;
                outputs += 1;
            }
            Item::StreamOut { fields, .. } => {
                inputs += 1;
                outputs += fields.len() + 1;
            }
            _ => {}
        }
    }
    (inputs, outputs)
}

fn module(rng: &mut ChaCha8Rng, size: std::ops::Range<usize>, depth: u32, children: &[Mod]) -> Mod {
    let count = rng.random_range(size);
    let mut g = Generator { rng, next: 0, known: vec![], depth };
    let mut inputs = Vec::new();
    for _ in 0..g.rng.random_range(1..5) {
        // Ports of one type can be chained.
        let ty = match inputs.last() {
            Some(&(_, ty)) if g.rng.random_bool(0.3) => ty,
            _ => g.ty(),
        };
        inputs.push((g.value(), ty));
    }
    // Registers with reset are known before anything else, so that feedback is common.
    let mut items: Vec<Item> = Vec::new();
    let mut has_stream_out = false;
    let mut plan: Vec<u32> = (0..count).map(|_| g.rng.random_range(0..100)).collect();
    if !children.is_empty() {
        for _ in 0..g.rng.random_range(1..=2) {
            let at = g.rng.random_range(0..=plan.len());
            plan.insert(at, if g.rng.random_bool(0.5) { 100 } else { 101 });
        }
    }
    for what in plan {
        let item = match what {
            0..30 => {
                let value = g.expr(g.depth);
                Item::Value { id: g.value(), value }
            }
            30..75 => g.process(),
            75..83 => g.memory(),
            83..90 => g.machine(),
            90..94 => {
                let fields: Vec<Type> = (0..g.rng.random_range(0..3)).map(|_| g.ty()).collect();
                let ready = g.condition();
                let id = g.value();
                let fields = fields.into_iter().map(|ty| (g.value(), ty)).collect();
                Item::StreamIn { id, fields, ready }
            }
            94..98 if !has_stream_out => {
                has_stream_out = true;
                let fields = (0..g.rng.random_range(0..3)).map(|_| (g.ty(), g.expr(2))).collect();
                let valid = g.condition();
                Item::StreamOut { id: g.value(), fields, valid }
            }
            100 => g.instance(children),
            101 => g.array(children),
            _ => {
                let value = g.expr(g.depth);
                Item::Value { id: g.value(), value }
            }
        };
        items.push(item);
    }
    let mut outputs: Vec<(Id, Type, E)> = Vec::new();
    for &(id, ty) in &inputs {
        // Such that elements of an array can be chained.
        if g.rng.random_bool(0.4) {
            let value = if g.rng.random_bool(0.2) { E::Ref(id) } else { g.expr(2) };
            let id = g.fresh();
            outputs.push((id, ty, value));
        }
    }
    for id in g.known.clone() {
        if g.rng.random_bool(0.6) {
            let value = if g.rng.random_bool(0.7) { E::Ref(id) } else { g.expr(2) };
            let (id, ty) = (g.fresh(), g.ty());
            outputs.push((id, ty, value));
        }
    }
    if outputs.is_empty() {
        let (id, ty, value) = (g.fresh(), g.ty(), g.expr(2));
        outputs.push((id, ty, value));
    }
    Mod { inputs, items, outputs }
}

impl Generator<'_> {
    fn fresh(&mut self) -> Id {
        self.next += 1;
        self.next - 1
    }

    /// A new value that the following expressions may refer to.
    fn value(&mut self) -> Id {
        let id = self.fresh();
        self.known.push(id);
        id
    }

    fn width(&mut self) -> u32 {
        const USUAL: [u32; 16] = [1, 1, 1, 2, 3, 4, 5, 7, 8, 8, 9, 12, 16, 17, 20, 31];
        const EDGES: [u32; 11] = [31, 32, 33, 63, 64, 65, 127, 128, 129, 199, 200];
        match self.rng.random_range(0..100) {
            0..62 => USUAL[self.rng.random_range(0..USUAL.len())],
            62..85 => EDGES[self.rng.random_range(0..EDGES.len())],
            85..95 => self.rng.random_range(1..48),
            _ => self.rng.random_range(1..=200),
        }
    }

    fn ty(&mut self) -> Type {
        ty(self.width(), self.rng.random_bool(0.45))
    }

    fn constant(&mut self) -> BigInt {
        let ty = self.ty();
        random_value(self.rng, ty)
    }

    fn leaf(&mut self) -> E {
        match self.rng.random_range(0..100) {
            _ if self.known.is_empty() => E::Const(self.constant()),
            0..45 => {
                let low = self.known.len().saturating_sub(5);
                E::Ref(self.known[self.rng.random_range(low..self.known.len())])
            }
            45..84 => E::Ref(self.known[self.rng.random_range(0..self.known.len())]),
            84..94 => E::Const(self.constant()),
            _ => {
                let ty = self.ty();
                E::Typed(random_value(self.rng, ty), ty)
            }
        }
    }

    fn condition(&mut self) -> E {
        if self.rng.random_bool(0.25) { self.leaf() } else { self.expr(2) }
    }

    fn expr(&mut self, depth: u32) -> E {
        if depth == 0 || self.rng.random_bool(0.15) {
            return self.leaf();
        }
        const BINARY: [Op; 17] = [
            Op::Add,
            Op::Sub,
            Op::Mul,
            Op::And,
            Op::Or,
            Op::Xor,
            Op::Eq,
            Op::Ne,
            Op::Lt,
            Op::Le,
            Op::Gt,
            Op::Ge,
            Op::Min,
            Op::Max,
            Op::BitAt,
            Op::ShiftLeft,
            Op::ShiftRight,
        ];
        const UNARY: [Op; 10] = [
            Op::Not,
            Op::Neg,
            Op::All,
            Op::Any,
            Op::Parity,
            Op::CountOnes,
            Op::Abs,
            Op::Msb,
            Op::AsSigned,
            Op::AsUnsigned,
        ];
        let (op, operands) = match self.rng.random_range(0..100) {
            0..42 => (BINARY[self.rng.random_range(0..BINARY.len())].clone(), 2),
            42..58 => (UNARY[self.rng.random_range(0..UNARY.len())].clone(), 1),
            58..66 => (Op::Mux, 3),
            66..70 => (Op::Select, self.rng.random_range(2..7)),
            70..75 => (Op::Slice(self.rng.random_range(0..200), self.rng.random_range(0..200)), 1),
            75..77 => (Op::Bit(self.rng.random_range(0..200)), 1),
            77..79 => (Op::Shl(self.rng.random_range(0..20)), 1),
            79..81 => (Op::Shr(self.rng.random_range(0..40)), 1),
            81..83 => (Op::Truncate(self.rng.random_range(0..200)), 1),
            83..86 => (Op::Wrap(self.ty()), 1),
            86..88 => (Op::Cast(self.ty()), 1),
            88..91 => (Op::Saturate(self.ty()), 1),
            91..93 => (Op::Concat, self.rng.random_range(1..4)),
            93..94 => (Op::Pack, self.rng.random_range(1..4)),
            94..97 => (Op::Element(self.rng.random_range(0..8), self.ty()), 1),
            _ => (Op::Named(self.rng.random_range(0..4)), 1),
        };
        E::Op(op, (0..operands).map(|_| self.expr(depth - 1)).collect())
    }

    fn process(&mut self) -> Item {
        let plain = self.rng.random_bool(0.2);
        let count = [1, 1, 1, 1, 2, 2, 3][self.rng.random_range(0..7)];
        let mut targets = Vec::new();
        for _ in 0..count {
            let ty = self.ty();
            let kind = match self.rng.random_range(0..10) {
                _ if plain => Kind::Plain,
                0..4 => Kind::Register(random_value(self.rng, ty)),
                4..6 => Kind::Output,
                _ => Kind::Wire,
            };
            let id = self.fresh();
            targets.push(Target { id, ty, kind });
        }
        // Feedback, and values of one process within another.
        let before = self.known.len();
        for target in &targets {
            if matches!(target.kind, Kind::Register(_)) || self.rng.random_bool(0.3) {
                self.known.push(target.id);
            }
        }
        let guard = (plain && self.rng.random_bool(0.5)).then(|| self.condition());
        let all: Vec<usize> = (0..targets.len()).collect();
        let body = self.block(&all, 2);
        self.known.truncate(before);
        self.known.extend(targets.iter().map(|target| target.id));
        Item::Process { targets, guard, body }
    }

    fn block(&mut self, targets: &[usize], nesting: u32) -> Vec<Stmt> {
        let mut body = Vec::new();
        for &target in targets {
            let certain = if nesting == 0 { 0.8 } else { 0.5 };
            if self.rng.random_bool(certain) {
                let depth = self.depth;
                body.push(Stmt::Assign(target, self.expr(depth)));
            }
        }
        if nesting > 0 {
            for _ in 0..[0, 1, 1, 1, 2][self.rng.random_range(0..5)] {
                let some: Vec<usize> =
                    targets.iter().copied().filter(|_| self.rng.random_bool(0.8)).collect();
                if some.is_empty() {
                    continue;
                }
                let default = self.rng.random_bool(0.6);
                let arms = self.rng.random_range(1..4);
                if self.rng.random_bool(0.65) {
                    let arms = (0..arms)
                        .map(|_| (self.condition(), self.block(&some, nesting - 1)))
                        .collect();
                    let otherwise = default.then(|| self.block(&some, nesting - 1));
                    body.push(Stmt::If(arms, otherwise));
                } else {
                    let subject = self.expr(1);
                    let arms = (0..arms)
                        .map(|_| {
                            let values = (0..self.rng.random_range(1..3))
                                .map(|_| match self.rng.random_bool(0.8) {
                                    true => BigInt::from(self.rng.random_range(-4..6)),
                                    false => self.constant(),
                                })
                                .collect();
                            (values, self.block(&some, nesting - 1))
                        })
                        .collect();
                    let default = default.then(|| self.block(&some, nesting - 1));
                    body.push(Stmt::Switch(subject, arms, default));
                }
            }
        }
        body
    }

    fn memory(&mut self) -> Item {
        let depth = [1, 2, 3, 5, 8, 16][self.rng.random_range(0..6)];
        let ty = self.ty();
        let needed = lacuna::hdl::index_width(depth);
        let width = |g: &mut Self| match g.rng.random_range(0..4) {
            0 => needed + g.rng.random_range(1..5),
            1 if needed > 1 => needed - 1,
            _ => needed,
        };
        let mut writes = Vec::new();
        for _ in 0..self.rng.random_range(1..3) {
            let (address, width) = (self.expr(2), width(self));
            let (data, enable) = (self.expr(2), self.condition());
            writes.push(Write { address, width, data, enable });
        }
        let mut reads = Vec::new();
        for _ in 0..self.rng.random_range(1..4) {
            let (address, width, enable) = (self.expr(2), width(self), self.condition());
            let (id, at_once) = (self.fresh(), self.rng.random_bool(0.25));
            reads.push(Read { id, address, width, enable, at_once });
        }
        let id = self.fresh();
        self.known.extend(reads.iter().map(|read| read.id));
        Item::Memory { id, ty, depth, writes, reads }
    }

    fn machine(&mut self) -> Item {
        let states = self.rng.random_range(1..6);
        let id = self.fresh();
        self.next += states as u32;
        self.known.extend((0..states as u32).map(|n| id + n));
        let goto = |g: &mut Self, always: bool| Goto {
            when: (!always).then(|| g.condition()),
            state: g.rng.random_range(0..states),
        };
        let mut arms = Vec::new();
        for state in 0..states {
            if self.rng.random_bool(0.8) {
                let always = self.rng.random_bool(0.3);
                arms.push((state, vec![goto(self, always), goto(self, false)]));
            }
        }
        let default = self.rng.random_bool(0.5).then(|| goto(self, false));
        Item::Machine { id, states, arms, default }
    }

    fn gate(&mut self) -> Option<E> {
        self.rng.random_bool(0.3).then(|| self.condition())
    }

    fn instance(&mut self, children: &[Mod]) -> Item {
        let module = self.rng.random_range(0..children.len());
        let (inputs, outputs) = shape(&children[module]);
        let inputs = (0..inputs).map(|_| self.expr(2)).collect();
        let gate = self.gate();
        let id = self.fresh();
        let outputs = (0..outputs)
            .filter(|_| self.rng.random_bool(0.7))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|port| (port, self.value()))
            .collect();
        Item::Instance { id, module, inputs, gate, outputs }
    }

    fn array(&mut self, children: &[Mod]) -> Item {
        const AXES: [&[u32]; 11] =
            [&[1], &[2], &[3], &[4], &[5], &[2, 2], &[2, 3], &[3, 2], &[1, 3], &[3, 1], &[1, 1]];
        let module = self.rng.random_range(0..children.len());
        let axes = AXES[self.rng.random_range(0..AXES.len())].to_vec();
        let (inputs, outputs) = shape(&children[module]);
        let mut feeds = Vec::new();
        for _ in 0..inputs {
            let axis = self.rng.random_range(0..axes.len());
            let values = |g: &mut Self| match g.rng.random_range(0..5) {
                0 => vec![E::Const(0.into())],
                1 => vec![E::Const(g.constant())],
                _ => (0..g.rng.random_range(1..4)).map(|_| g.expr(1)).collect::<Vec<_>>(),
            };
            let feed = match self.rng.random_range(0..10) {
                0..2 => Feed::Broadcast(self.expr(2)),
                2..4 => Feed::Each(values(self)),
                4..7 => {
                    let (back, output) = (self.rng.random_bool(0.4), self.rng.random_range(0..8));
                    Feed::Chain { axis, back, output, edge: values(self) }
                }
                _ => Feed::Shift { axis, enable: self.condition(), edge: values(self) },
            };
            feeds.push(feed);
        }
        let gate = self.gate();
        let id = self.fresh();
        let mut reads = Vec::new();
        for port in 0..outputs.min(4) {
            let (place, count) = match self.rng.random_range(0..8) {
                0..3 => (Place::All, axes.iter().product()),
                3..5 => (Place::Last(0), axes[1..].iter().product()),
                5 => (Place::First(axes.len() - 1), axes[..axes.len() - 1].iter().product()),
                6 => (Place::First(0), axes[1..].iter().product()),
                _ => continue,
            };
            let count: u32 = count;
            reads.push((port, place, self.next));
            (0..count).for_each(|_| {
                self.value();
            });
        }
        Item::Array { id, module, axes, inputs: feeds, gate, outputs: reads }
    }
}

/// A type that shrinks to something.
pub fn narrower(ty: Type) -> Vec<Type> {
    let mut narrower = vec![];
    for width in [1, 2, 4, 8, ty.width / 2, ty.width - 1] {
        if width > 0 && width < ty.width {
            narrower.push(ty.with_width(width));
        }
    }
    if ty.signed {
        narrower.push(uint(ty.width));
    }
    narrower
}
