//! The first step for each module: assignments under conditions become expressions.
//!
//! A plan is made once for a module, however often it is instanced. It holds the module's own
//! expressions and, behind them, those that choose between assignments.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::hdl::ir::{BinaryOp, Logic, Module, Node, NodeId, Op, SignalId, SignalKind, Statement};
use crate::hdl::ty::{Type, bit};

/// What drives the signals of a module, as expressions.
pub(super) struct Plan {
    /// The module's expressions, then those added here.
    pub nodes: Vec<Node>,
    /// For each signal what its assignments give it: the value of a wire or an output, the next
    /// value of a register.
    pub drivers: Vec<Option<NodeId>>,
    /// For each concatenation the lowest bit of each of its operands, in the operands' order.
    pub offsets: BTreeMap<NodeId, Vec<u32>>,
}

impl Plan {
    pub(super) fn of(module: &Module, logic: &Logic) -> Plan {
        let nodes = logic.nodes.clone();
        let mut lowering = Lowering { module, nodes, scopes: vec![] };
        let assigned = lowering.block(&logic.statements);
        let nodes = lowering.nodes;
        let drivers = (0..module.signals.len() as u32)
            .map(|index| assigned.get(&SignalId(index)).copied())
            .collect();
        let offsets = concat_offsets(&nodes);
        Plan { nodes, drivers, offsets }
    }
}

fn concat_offsets(nodes: &[Node]) -> BTreeMap<NodeId, Vec<u32>> {
    let mut offsets = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let Op::Concat(items) = &node.op else { continue };
        let mut above = items.iter().map(|id| nodes[id.index()].ty.width).sum::<u32>();
        let lows = items.iter().map(|id| {
            above -= nodes[id.index()].ty.width;
            above
        });
        offsets.insert(NodeId(index as u32), lows.collect());
    }
    offsets
}

/// What a block of statements assigns, and to which values.
type Assigned = BTreeMap<SignalId, NodeId>;

struct Lowering<'m> {
    module: &'m Module,
    nodes: Vec<Node>,
    /// What the open blocks have assigned so far, the outermost first.
    scopes: Vec<Assigned>,
}

impl Lowering<'_> {
    /// The recursion is as deep as the statements are nested in the text.
    fn block(&mut self, statements: &[Statement]) -> Assigned {
        self.scopes.push(Assigned::new());
        for statement in statements {
            match statement {
                Statement::Assign { target, value, .. } => self.assign(*target, *value),
                Statement::If { condition, then, otherwise } => {
                    let blocks = [self.block(then), self.block(otherwise)];
                    self.choose(&blocks, |lowering, ty, values| {
                        lowering.node(Op::Mux(*condition, values[0], values[1]), ty)
                    });
                }
                Statement::Case { subject, arms, default } => self.case(*subject, arms, default),
            }
        }
        self.scopes.pop().expect("the block's scope was pushed above")
    }

    fn case(
        &mut self,
        subject: NodeId,
        arms: &[(Vec<BigInt>, Vec<Statement>)],
        default: &[Statement],
    ) {
        let mut blocks: Vec<Assigned> = arms.iter().map(|(_, block)| self.block(block)).collect();
        blocks.push(self.block(default));
        let arms: Vec<&[BigInt]> = arms.iter().map(|(values, _)| values.as_slice()).collect();

        if let Some(table) = dense_table(self.nodes[subject.index()].ty, &arms) {
            return self.choose(&blocks, |lowering, ty, values| {
                let items = table.iter().map(|&arm| values[arm]).collect();
                lowering.node(Op::Select(subject, items), ty)
            });
        }
        let hits: Vec<NodeId> = arms.iter().map(|values| self.is_any(subject, values)).collect();
        self.choose(&blocks, |lowering, ty, values| {
            let (default, values) = values.split_last().expect("there is a default");
            let arms = hits.iter().zip(values).rev();
            arms.fold(*default, |other, (&hit, &value)| {
                lowering.node(Op::Mux(hit, value, other), ty)
            })
        });
    }

    /// One bit: whether the subject is one of the values.
    fn is_any(&mut self, subject: NodeId, values: &[BigInt]) -> NodeId {
        let ty = self.nodes[subject.index()].ty;
        let mut hit = None;
        for value in values {
            let value = self.node(Op::Const(value.clone()), ty);
            let equal = self.node(Op::Binary(BinaryOp::Eq, subject, value), bit());
            hit = Some(match hit {
                Some(before) => self.node(Op::Binary(BinaryOp::Or, before, equal), bit()),
                None => equal,
            });
        }
        hit.unwrap_or_else(|| self.node(Op::Const(0.into()), bit()))
    }

    /// Assigns whatever any of the alternative blocks assigns; `make` makes the value from those
    /// that the blocks give.
    fn choose(
        &mut self,
        blocks: &[Assigned],
        mut make: impl FnMut(&mut Self, Type, &[NodeId]) -> NodeId,
    ) {
        let targets: BTreeSet<SignalId> = blocks.iter().flat_map(|b| b.keys().copied()).collect();
        for target in targets {
            let before = self.current(target);
            let values: Vec<NodeId> =
                blocks.iter().map(|b| b.get(&target).copied().unwrap_or(before)).collect();
            let value = if values.iter().all(|value| *value == values[0]) {
                values[0]
            } else {
                make(self, self.module.signal(target).ty, &values)
            };
            self.assign(target, value);
        }
    }

    fn assign(&mut self, target: SignalId, value: NodeId) {
        self.scopes.last_mut().expect("a block is open").insert(target, value);
    }

    /// What the statements so far give the target. Without any, a register holds; for anything
    /// else the checks make sure that this value is never chosen.
    fn current(&mut self, target: SignalId) -> NodeId {
        let known = self.scopes.iter().rev().find_map(|scope| scope.get(&target).copied());
        known.unwrap_or_else(|| {
            let signal = self.module.signal(target);
            match signal.kind {
                SignalKind::Register { .. } => self.node(Op::Signal(target), signal.ty),
                _ => self.node(Op::Const(0.into()), signal.ty),
            }
        })
    }

    fn node(&mut self, op: Op, ty: Type) -> NodeId {
        self.nodes.push(Node { op, ty, name: None, source: self.module.source });
        NodeId(self.nodes.len() as u32 - 1)
    }
}

/// For each value of the subject which arm it takes (one beyond the arms: the default), if a table
/// of all values is not much larger than the list of arms.
fn dense_table(subject: Type, arms: &[&[BigInt]]) -> Option<Vec<usize>> {
    let listed: usize = arms.iter().map(|values| values.len()).sum();
    if subject.signed || subject.width > 16 || 1 << subject.width > (4 * listed).max(16) {
        return None;
    }
    let mut table = vec![arms.len(); 1 << subject.width];
    for (arm, values) in arms.iter().enumerate() {
        for value in values.iter() {
            table[value.to_usize()?] = arm;
        }
    }
    Some(table)
}
