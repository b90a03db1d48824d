//! From lossless expressions to Verilog's.
//!
//! Verilog evaluates most operators at a width and signedness that the surroundings determine.
//! Nothing here relies on that: operands are brought to the width of the result first, by
//! concatenation that is visible in the text, and whatever needs a sign bit, a slice or a full
//! product gets a wire of its own. Since `+`, `-`, `*`, `<<`, the bitwise operators and choices
//! compute low bits from low bits alone, narrowing is pushed into them, which gives the text a
//! person would write: `count_q + 4'd1` rather than the low bits of a five-bit sum.

use std::collections::HashMap;

use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};

use super::ast::Expr;
use super::deep;
use super::names::Names;
use crate::hdl::ir::{BinaryOp, Logic, Module, Node, NodeId, Op, SignalId, SignalKind, UnaryOp};
use crate::hdl::{Type, index_width, uint};

/// How many operators may nest in one line.
const DEEPEST: u32 = 16;

/// A net that an expression needed.
pub(super) struct Net {
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) value: NetValue,
}

/// How a net gets its value.
pub(super) enum NetValue {
    /// `wire x = value;`
    Expr(Expr),
    /// A case statement over an index; 0 where no element has it.
    Select { index: Expr, items: Vec<Expr> },
}

/// Turns a module's expressions into Verilog's.
pub(super) struct Legalizer<'a> {
    module: &'a Module,
    logic: &'a Logic,
    pub(super) names: Names,
    /// For each signal: its name in the text.
    signal_names: Vec<String>,
    /// How many expressions and statements use each expression.
    uses: Vec<u32>,
    /// Which expressions get a net because the text would nest too deeply without.
    deep: Vec<bool>,
    /// For an expression without a name that got one later: the expression with the name.
    named: HashMap<NodeId, NodeId>,
    /// The nets that expressions have got so far.
    nets: HashMap<NodeId, String>,
    /// The nets made since they were last taken.
    fresh: Vec<Net>,
    /// What the current expression is for: how its nets are named.
    purpose: String,
    /// The localparam of a state machine's state.
    states: HashMap<(SignalId, u64), String>,
}

impl<'a> Legalizer<'a> {
    pub(super) fn new(
        module: &'a Module,
        logic: &'a Logic,
        names: Names,
        signal_names: Vec<String>,
        roots: &[NodeId],
    ) -> Legalizer<'a> {
        let states = logic
            .machines
            .iter()
            .flat_map(|machine| {
                let name = crate::hdl::capitalized(&module.signal(machine.register).name);
                let states = machine.states.iter().enumerate();
                states.map(move |(code, state)| {
                    ((machine.register, code as u64), format!("{name}{state}"))
                })
            })
            .collect();
        Legalizer {
            module,
            logic,
            names,
            signal_names,
            uses: count_uses(logic, roots),
            deep: find_deep(logic),
            named: find_named(logic),
            nets: HashMap::new(),
            fresh: vec![],
            purpose: String::new(),
            states,
        }
    }

    /// Names the nets of the expressions to come after `purpose`.
    pub(super) fn purpose(&mut self, purpose: &str) {
        self.purpose = purpose.to_string();
    }

    /// The nets made since the last call, in an order in which each reads only earlier ones.
    pub(super) fn take_nets(&mut self) -> Vec<Net> {
        std::mem::take(&mut self.fresh)
    }

    /// The name of a signal in the text; a register's ends in `_q`.
    pub(super) fn name(&self, signal: SignalId) -> &str {
        &self.signal_names[signal.index()]
    }

    /// The signal as an expression.
    pub(super) fn signal(&self, id: SignalId) -> Expr {
        let ty = self.module.signal(id).ty;
        Expr::Ident { name: self.name(id).to_string(), width: ty.width, signed: ty.signed }
    }

    /// The name of a state of a machine, if `signal` is a state register.
    pub(super) fn state(&self, signal: SignalId, code: &BigInt) -> Option<Expr> {
        let name = self.states.get(&(signal, code.to_u64()?))?.clone();
        let width = self.module.signal(signal).ty.width;
        Some(Expr::Ident { name, width, signed: false })
    }

    fn node(&self, id: NodeId) -> &'a Node {
        &self.logic.nodes[id.index()]
    }

    fn constant(&self, id: NodeId) -> Option<&'a BigInt> {
        match &self.node(id).op {
            Op::Const(value) => Some(value),
            _ => None,
        }
    }

    /// The right-hand side of an assignment to a net of exactly the expression's type.
    ///
    /// Here, and only here, the net's width may decide how wide a sum or a product is computed.
    pub(super) fn value(&mut self, id: NodeId) -> Expr {
        if self.needs_net(id) {
            return self.net(id);
        }
        self.definition(id)
    }

    /// A condition.
    pub(super) fn condition(&mut self, id: NodeId) -> Expr {
        self.bits(id, 1)
    }

    /// Text that is short enough for a port connection or an index.
    pub(super) fn simple(&mut self, id: NodeId) -> Expr {
        let width = self.node(id).ty.width;
        let expr = self.bits(id, width);
        if expr.is_atomic() { expr } else { self.net(id) }
    }

    /// The expression as a net, made if there is none yet.
    pub(super) fn net(&mut self, id: NodeId) -> Expr {
        let id = self.named.get(&id).copied().unwrap_or(id);
        let node = self.node(id);
        if let Op::Signal(signal) = node.op {
            return self.signal(signal);
        }
        let ty = node.ty;
        if let Some(name) = self.nets.get(&id) {
            return Expr::Ident { name: name.clone(), width: ty.width, signed: ty.signed };
        }
        let name = match &node.name {
            Some(name) => self.names.claim(name),
            None => self.names.fresh(&format!("{}_{}", self.purpose, self.suffix(id))),
        };
        self.make_net(id, name)
    }

    /// The expression as a net, called `wish` if it has none yet.
    pub(super) fn net_called(&mut self, id: NodeId, wish: &str) -> Expr {
        let node = self.node(id);
        let has_name = node.name.is_some() || self.named.contains_key(&id);
        if matches!(node.op, Op::Signal(_)) || has_name || self.nets.contains_key(&id) {
            return self.net(id);
        }
        let name = self.names.fresh(wish);
        self.make_net(id, name)
    }

    fn make_net(&mut self, id: NodeId, name: String) -> Expr {
        let node = self.node(id);
        let ty = node.ty;
        // What a net of the user's needs is named after it.
        let purpose = if node.name.is_some() { name.clone() } else { self.purpose.clone() };
        let outer = std::mem::replace(&mut self.purpose, purpose);
        let defined = match node.op {
            Op::Cast(a) if self.named.get(&a) == Some(&id) => a,
            _ => id,
        };
        let value = match &self.node(defined).op {
            Op::Select(index, items) if !self.is_choice(*index, items) => {
                let index = self.simple(*index);
                let items = items.iter().map(|&item| self.bits(item, ty.width)).collect();
                NetValue::Select { index, items }
            }
            _ => NetValue::Expr(self.definition(defined)),
        };
        self.purpose = outer;
        self.nets.insert(id, name.clone());
        self.fresh.push(Net { name: name.clone(), ty, value });
        Expr::Ident { name, width: ty.width, signed: ty.signed }
    }

    /// Whether an expression must have, or should have, a net of its own.
    fn needs_net(&self, id: NodeId) -> bool {
        let node = self.node(id);
        match &node.op {
            Op::Const(_) | Op::Signal(_) => false,
            _ if node.name.is_some() => true,
            Op::Select(index, items) if !self.is_choice(*index, items) => true,
            _ => (self.uses[id.index()] > 1 && !self.is_trivial(id)) || self.deep[id.index()],
        }
    }

    /// Whether an expression is so short that it may as well be written again at each use.
    fn is_trivial(&self, id: NodeId) -> bool {
        let node = self.node(id);
        let is_leaf = |id: NodeId| matches!(self.node(id).op, Op::Const(_) | Op::Signal(_));
        match &node.op {
            Op::Const(_) | Op::Signal(_) => true,
            _ if node.name.is_some() => false,
            Op::Cast(a) => node.ty.width <= self.node(*a).ty.width && self.is_trivial(*a),
            Op::Slice(a, _) => is_leaf(*a) || self.node(*a).name.is_some(),
            Op::Unary(UnaryOp::Not, a) => node.ty.width == 1 && is_leaf(*a),
            Op::Binary(BinaryOp::Eq | BinaryOp::Ne, a, b) => is_leaf(*a) && is_leaf(*b),
            _ => false,
        }
    }

    /// Whether a selection is between two elements, so that it reads as a choice.
    fn is_choice(&self, index: NodeId, items: &[NodeId]) -> bool {
        items.len() == 2 && self.node(index).ty.width == 1
    }

    fn suffix(&self, id: NodeId) -> &'static str {
        match &self.node(id).op {
            Op::Const(_) => "constant",
            Op::Signal(_) => "copy",
            Op::Unary(UnaryOp::Not, _) => "inverted",
            Op::Unary(UnaryOp::Negate, _) => "negated",
            Op::Unary(UnaryOp::ReduceAnd, _) => "all",
            Op::Unary(UnaryOp::ReduceOr, _) => "any",
            Op::Unary(UnaryOp::ReduceXor, _) => "parity",
            Op::Binary(op, ..) => match op {
                BinaryOp::Add => "sum",
                BinaryOp::Sub => "difference",
                BinaryOp::Mul => "product",
                BinaryOp::And => "both",
                BinaryOp::Or => "either",
                BinaryOp::Xor => "differing",
                BinaryOp::Eq => "equal",
                BinaryOp::Ne => "unequal",
                BinaryOp::Lt => "less",
                BinaryOp::Le => "at_most",
                BinaryOp::Gt => "greater",
                BinaryOp::Ge => "at_least",
                BinaryOp::ShiftLeft | BinaryOp::ShiftRight => "shifted",
            },
            Op::Mux(..) => "choice",
            Op::Select(..) => "selected",
            Op::Slice(..) => "bits",
            Op::Concat(_) => "packed",
            Op::Cast(a) => self.suffix(*a),
        }
    }

    /// What a net of exactly the expression's type is assigned.
    fn definition(&mut self, id: NodeId) -> Expr {
        // Chains of expressions may be longer than a thread's stack is deep.
        deep(|| self.shallow_definition(id))
    }

    fn shallow_definition(&mut self, id: NodeId) -> Expr {
        let node = self.node(id);
        let width = node.ty.width;
        let ty = |id: NodeId| self.node(id).ty;
        match node.op {
            Op::Const(ref value) => Expr::literal(value.clone(), node.ty),
            Op::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), a, b)
                if ty(a).signed == ty(b).signed
                    && ty(a).width.max(ty(b).width) + 1 == width
                    && [a, b].iter().all(|&x| self.constant(x).is_none_or(|v| !v.is_zero())) =>
            {
                // One bit more than the operands: Verilog takes it from the assigned net.
                let (signed, text) = (ty(a).signed, if op == BinaryOp::Add { "+" } else { "-" });
                let left = self.isolated(a, width - 1, signed);
                let right = self.isolated(b, width - 1, signed);
                Expr::binary(text, left, right, width)
            }
            Op::Binary(BinaryOp::Mul, a, b) => {
                let signed = ty(a).signed || ty(b).signed;
                let factor = |this: &mut Self, x: NodeId| {
                    let ty = this.node(x).ty;
                    if ty.signed && this.constant(x).is_some() {
                        // The minus sign is an operator of the product's width.
                        return this.operand(x, width, true);
                    }
                    this.isolated(x, ty.width + u32::from(signed && !ty.signed), signed)
                };
                let (left, right) = (factor(self, a), factor(self, b));
                Expr::binary("*", left, right, width)
            }
            // A name for a value says nothing about how it is computed.
            Op::Cast(a) if ty(a) == node.ty => self.value(a),
            Op::Binary(BinaryOp::ShiftRight, a, amount) if node.ty.signed => {
                let left = self.operand(a, width, true);
                let amount = self.amount(amount);
                Expr::binary(">>>", left, amount, width)
            }
            _ => self.fresh_bits(id, width),
        }
    }

    /// An operand of a given width that Verilog takes for signed or unsigned as asked.
    fn operand(&mut self, id: NodeId, width: u32, signed: bool) -> Expr {
        if let Some(value) = self.constant(id) {
            let ty = Type { width, signed };
            return Expr::literal(ty.wrap(value), ty);
        }
        let bits = self.bits(id, width);
        match (signed, bits.is_signed()) {
            (true, false) => Expr::Signed(bits.into()),
            (false, true) => Expr::Unsigned(bits.into()),
            _ => bits,
        }
    }

    /// Like [`operand`](Self::operand), for a place that is wider than the operand: a sum would be
    /// carried on in there, so it gets a net.
    fn isolated(&mut self, id: NodeId, width: u32, signed: bool) -> Expr {
        let operand = self.operand(id, width, signed);
        if operand.is_self_determined() {
            return operand;
        }
        let net = self.net(id);
        let bits = self.resize(net, self.node(id).ty, width);
        match (signed, bits.is_signed()) {
            (true, false) => Expr::Signed(bits.into()),
            (false, true) => Expr::Unsigned(bits.into()),
            _ => bits,
        }
    }

    fn amount(&mut self, id: NodeId) -> Expr {
        let width = self.node(id).ty.width;
        self.bits(id, width)
    }

    /// The low `width` bits of an expression's value; beyond its own width, the extension of the
    /// value.
    pub(super) fn bits(&mut self, id: NodeId, width: u32) -> Expr {
        // Chains of expressions may be longer than a thread's stack is deep.
        deep(|| {
            if self.needs_net(id) {
                let net = self.net(id);
                return self.resize(net, self.node(id).ty, width);
            }
            self.fresh_bits(id, width)
        })
    }

    /// Like [`bits`](Self::bits), for an expression that has no net.
    fn fresh_bits(&mut self, id: NodeId, width: u32) -> Expr {
        let node = self.node(id);
        let ty = node.ty;
        let grows = width > ty.width;
        match node.op {
            Op::Const(ref value) => {
                let ty = ty.with_width(width);
                Expr::literal(ty.wrap(value), ty)
            }
            Op::Signal(signal) => {
                let signal = self.signal(signal);
                self.resize(signal, ty, width)
            }
            Op::Unary(op, a) => match op {
                UnaryOp::Not if ty.width == 1 && width == 1 => {
                    Expr::unary("!", self.condition(a), 1)
                }
                // Inverting an unsigned value leaves the bits above it 0, so it cannot be widened
                // from within.
                UnaryOp::Not if grows && !ty.signed => self.extended_net(id, width),
                UnaryOp::Not => Expr::unary("~", self.bits(a, width), width),
                UnaryOp::Negate if grows => self.extended_net(id, width),
                UnaryOp::Negate => Expr::unary("-", self.bits(a, width), width),
                UnaryOp::ReduceAnd | UnaryOp::ReduceOr | UnaryOp::ReduceXor => {
                    let text = match op {
                        UnaryOp::ReduceAnd => "&",
                        UnaryOp::ReduceOr => "|",
                        _ => "^",
                    };
                    let operand = self.bits(a, self.node(a).ty.width);
                    self.resize(Expr::unary(text, operand, 1), uint(1), width)
                }
            },
            Op::Binary(op, a, b) => self.binary_bits(id, op, a, b, width),
            Op::Mux(condition, a, b) => self.choice(condition, a, b, width),
            Op::Select(index, ref items) if self.is_choice(index, items) => {
                self.choice(index, items[1], items[0], width)
            }
            Op::Select(..) => {
                let net = self.net(id);
                self.resize(net, ty, width)
            }
            Op::Slice(a, low) => {
                let inner = self.node(a);
                if !grows
                    && let Op::Binary(BinaryOp::ShiftRight, x, amount) = inner.op
                    && let Some(bit) = self.indexed_bit(x, amount, low, width)
                {
                    return bit;
                }
                let cut = width.min(ty.width);
                // Verilog takes slices of nets only.
                let part = match self.net(a) {
                    whole if low == 0 && cut == inner.ty.width => whole,
                    Expr::Ident { name, .. } => Expr::Part { name, low, width: cut },
                    other => unreachable!("a net is an identifier, not {other:?}"),
                };
                self.resize(part, uint(cut), width)
            }
            Op::Concat(ref items) => {
                let mut missing = width.min(ty.width);
                let mut parts = Vec::new();
                for &item in items.iter().rev() {
                    let part = self.node(item).ty.width.min(missing);
                    if part > 0 {
                        parts.push(self.bits(item, part));
                    }
                    missing -= part;
                }
                parts.reverse();
                self.resize(concat(parts), uint(width.min(ty.width)), width)
            }
            Op::Cast(a) => {
                let from = self.node(a).ty;
                if width <= ty.width {
                    if ty.width == 1
                        && from.width > 1
                        && let Op::Binary(BinaryOp::ShiftRight, x, amount) = self.node(a).op
                        && !self.needs_net(a)
                        && let Some(bit) = self.indexed_bit(x, amount, 0, 1)
                    {
                        return bit;
                    }
                    return self.bits(a, width);
                }
                // The bits above the cast's own width follow from its type, not its operand's.
                if from.join(ty) == ty {
                    return self.bits(a, width);
                }
                let low = self.bits(a, ty.width);
                if ty.signed && !matches!(low, Expr::Ident { .. } | Expr::Part { .. }) {
                    return self.extended_net(id, width);
                }
                self.resize(low, ty, width)
            }
        }
    }

    fn binary_bits(&mut self, id: NodeId, op: BinaryOp, a: NodeId, b: NodeId, width: u32) -> Expr {
        let ty = self.node(id).ty;
        let grows = width > ty.width;
        let text = match op {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::And => "&",
            BinaryOp::Or => "|",
            BinaryOp::Xor => "^",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::ShiftLeft => "<<",
            BinaryOp::ShiftRight => ">>",
        };
        match op {
            // A sign-extended sum is cheaper than a sum of sign-extended operands.
            BinaryOp::Add | BinaryOp::Sub if grows && ty.signed => self.extended_net(id, width),
            BinaryOp::Add | BinaryOp::Sub => {
                let (a, b) = (self.bits(a, width), self.bits(b, width));
                Expr::binary(text, a, b, width)
            }
            BinaryOp::Mul => {
                let (wa, wb) = (self.node(a).ty.width, self.node(b).ty.width);
                if width <= wa.min(wb) {
                    let (a, b) = (self.bits(a, width), self.bits(b, width));
                    return Expr::binary(text, a, b, width);
                }
                self.extended_net(id, width)
            }
            BinaryOp::And | BinaryOp::Or if ty.width == 1 && width == 1 => {
                let text = if op == BinaryOp::And { "&&" } else { "||" };
                let (a, b) = (self.condition(a), self.condition(b));
                Expr::binary(text, a, b, 1)
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
                let (a, b) = (self.bits(a, width), self.bits(b, width));
                Expr::binary(text, a, b, width)
            }
            BinaryOp::ShiftLeft if grows => self.extended_net(id, width),
            BinaryOp::ShiftLeft => {
                let (a, amount) = (self.bits(a, width), self.amount(b));
                Expr::binary(text, a, amount, width)
            }
            BinaryOp::ShiftRight if ty.signed => self.extended_net(id, width),
            BinaryOp::ShiftRight => {
                if width < ty.width {
                    return self.extended_net(id, width);
                }
                let (a, amount) = (self.bits(a, ty.width), self.amount(b));
                let shifted = Expr::binary(text, a, amount, ty.width);
                self.resize(shifted, ty, width)
            }
            _ => {
                let comparison = self.comparison(text, a, b);
                self.resize(comparison, uint(1), width)
            }
        }
    }

    fn comparison(&mut self, text: &'static str, a: NodeId, b: NodeId) -> Expr {
        if let (Op::Signal(signal), Some(value)) = (&self.node(a).op, self.constant(b))
            && let Some(state) = self.state(*signal, value)
        {
            let register = self.signal(*signal);
            return Expr::binary(text, register, state, 1);
        }
        let common = self.node(a).ty.join(self.node(b).ty);
        let left = self.operand(a, common.width, common.signed);
        let right = self.operand(b, common.width, common.signed);
        Expr::binary(text, left, right, 1)
    }

    fn choice(&mut self, condition: NodeId, yes: NodeId, no: NodeId, width: u32) -> Expr {
        let condition = self.condition(condition).into();
        // Either branch is extended by its own signedness, which keeps the value.
        let yes = self.bits(yes, width).into();
        let no = self.bits(no, width).into();
        Expr::Ternary { condition, yes, no }
    }

    /// `x[amount]`, where the index can only name a bit that exists.
    fn indexed_bit(&mut self, x: NodeId, amount: NodeId, low: u32, width: u32) -> Option<Expr> {
        let (from, index) = (self.node(x).ty, self.node(amount).ty);
        let covers = from.width > 1
            && from.width.is_power_of_two()
            && index.width == index_width(from.width);
        if low != 0 || width != 1 || !covers || self.constant(amount).is_some() {
            return None;
        }
        let Expr::Ident { name, .. } = self.net(x) else { return None };
        let index = self.operand(amount, index.width, false);
        let index = if index.is_atomic() { index } else { self.net(amount) };
        Some(Expr::Index { name, index: index.into(), width: 1, signed: false })
    }

    /// The expression by way of a net of its own.
    fn extended_net(&mut self, id: NodeId, width: u32) -> Expr {
        let net = self.net(id);
        self.resize(net, self.node(id).ty, width)
    }

    /// Cuts or extends bits that stand for a value of type `ty`.
    fn resize(&mut self, bits: Expr, ty: Type, width: u32) -> Expr {
        if width == ty.width {
            return bits;
        }
        if width < ty.width {
            return match bits {
                Expr::Ident { name, .. } => Expr::Part { name, low: 0, width },
                Expr::Part { name, low, .. } => Expr::Part { name, low, width },
                other => unreachable!("only nets are cut, not {other:?}"),
            };
        }
        let missing = width - ty.width;
        if !ty.signed {
            return concat(vec![Expr::literal(0, uint(missing)), bits]);
        }
        let sign = match &bits {
            Expr::Ident { width: 1, .. } | Expr::Part { width: 1, .. } => bits.clone(),
            Expr::Ident { name, width, .. } => {
                Expr::Part { name: name.clone(), low: width - 1, width: 1 }
            }
            Expr::Part { name, low, width } => {
                Expr::Part { name: name.clone(), low: low + width - 1, width: 1 }
            }
            other => unreachable!("only nets have a sign bit to repeat, not {other:?}"),
        };
        let signs =
            if missing == 1 { sign } else { Expr::Repeat { count: missing, item: sign.into() } };
        concat(vec![signs, bits])
    }
}

fn concat(items: Vec<Expr>) -> Expr {
    let mut flat = Vec::new();
    for item in items {
        match item {
            Expr::Concat(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.len() == 1 { flat.remove(0) } else { Expr::Concat(flat) }
}

/// How many expressions and roots use each expression, among those that a root needs.
fn count_uses(logic: &Logic, roots: &[NodeId]) -> Vec<u32> {
    let mut uses = vec![0u32; logic.nodes.len()];
    let mut todo: Vec<NodeId> = roots.to_vec();
    while let Some(id) = todo.pop() {
        uses[id.index()] += 1;
        if uses[id.index()] == 1 {
            todo.extend(logic.nodes[id.index()].op.operands());
        }
    }
    uses
}

/// The expressions at which to cut deep ones, so that no line is unreadable and chains of any
/// length can be printed.
fn find_deep(logic: &Logic) -> Vec<bool> {
    let mut depths = vec![0u32; logic.nodes.len()];
    let mut deep = vec![false; logic.nodes.len()];
    for (index, node) in logic.nodes.iter().enumerate() {
        let operands = node.op.operands();
        let below = operands.iter().map(|id| depths[id.index()]).max().map_or(0, |d| d + 1);
        deep[index] = below >= DEEPEST;
        depths[index] = if deep[index] || node.name.is_some() { 0 } else { below };
    }
    deep
}

/// For each expression without a name that got one later, the first expression with its name: what is
/// used before it was named is written with the name as well.
fn find_named(logic: &Logic) -> HashMap<NodeId, NodeId> {
    let mut named = HashMap::new();
    for (index, node) in logic.nodes.iter().enumerate() {
        let Op::Cast(a) = node.op else { continue };
        let inner = &logic.nodes[a.index()];
        let is_leaf = matches!(inner.op, Op::Const(_) | Op::Signal(_));
        if node.name.is_some() && inner.name.is_none() && inner.ty == node.ty && !is_leaf {
            named.entry(a).or_insert(NodeId(index as u32));
        }
    }
    named
}

/// The name of a signal in the text.
pub(super) fn signal_name(module: &Module, id: SignalId) -> String {
    let signal = module.signal(id);
    match signal.kind {
        SignalKind::Register { .. } | SignalKind::ReadData(_) => format!("{}_q", signal.name),
        _ => signal.name.clone(),
    }
}
