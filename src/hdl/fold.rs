//! What an expression is worth, and simplification while a module is described.
//!
//! [`evaluate`] defines every operator on exact integers. [`simplify`] computes what is constant
//! and drops what changes nothing, so that degenerate parameters (one lane, an element of full
//! width) leave no odd text behind.

use num_bigint::BigInt;
use num_traits::{One, ToPrimitive, Zero};

use super::ir::{BinaryOp, Node, NodeId, Op, UnaryOp};
use super::ty::{Type, uint};

/// The value of an operator for given operand values; `types` are the operands' types and `ty` the
/// result's. Signals have no value here.
pub(crate) fn evaluate(op: &Op, ty: Type, values: &[BigInt], types: &[Type]) -> BigInt {
    let pattern = |i: usize| uint(types[i].width).wrap(&values[i]);
    let exact = match op {
        Op::Const(value) => value.clone(),
        Op::Signal(_) => unreachable!("a signal's value is not computed from operands"),
        Op::Unary(op, _) => match op {
            UnaryOp::Not => !&values[0],
            UnaryOp::Negate => -&values[0],
            UnaryOp::ReduceAnd => (pattern(0) == uint(types[0].width).max()).into(),
            UnaryOp::ReduceOr => (!values[0].is_zero()).into(),
            UnaryOp::ReduceXor => {
                let ones: u64 =
                    pattern(0).iter_u64_digits().map(|d| u64::from(d.count_ones())).sum();
                BigInt::from(ones % 2)
            }
        },
        Op::Binary(op, ..) => {
            let (a, b) = (&values[0], &values[1]);
            match op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::And => a & b,
                BinaryOp::Or => a | b,
                BinaryOp::Xor => a ^ b,
                BinaryOp::Eq => (a == b).into(),
                BinaryOp::Ne => (a != b).into(),
                BinaryOp::Lt => (a < b).into(),
                BinaryOp::Le => (a <= b).into(),
                BinaryOp::Gt => (a > b).into(),
                BinaryOp::Ge => (a >= b).into(),
                BinaryOp::ShiftLeft => a << b.to_u32().expect("the builder bounds the amount"),
                BinaryOp::ShiftRight => match b.to_u32() {
                    Some(amount) => a >> amount.min(types[0].width),
                    None => a >> types[0].width,
                },
            }
        }
        Op::Mux(..) => values[if values[0].is_zero() { 2 } else { 1 }].clone(),
        Op::Select(_, items) => match values[0].to_usize() {
            Some(index) if index < items.len() => values[index + 1].clone(),
            _ => BigInt::zero(),
        },
        Op::Slice(_, low) => pattern(0) >> low,
        Op::Concat(items) => (0..items.len())
            .fold(BigInt::zero(), |joined, i| (joined << types[i].width) | pattern(i)),
        Op::Cast(_) => values[0].clone(),
    };
    ty.wrap(&exact)
}

/// What is left of an operation.
pub(super) enum Simplified {
    /// An expression that exists already.
    Node(NodeId),
    /// An operation, perhaps a simpler one.
    Op(Op),
}

/// Simplifies `op`, whose result has type `ty`, among the expressions `nodes`.
pub(super) fn simplify(nodes: &[Node], op: Op, ty: Type) -> Simplified {
    let node = |id: NodeId| &nodes[id.index()];
    let operands = op.operands();
    if let Op::Const(value) = op {
        return Simplified::Op(Op::Const(ty.wrap(&value)));
    }

    let constants: Option<Vec<BigInt>> = operands
        .iter()
        .map(|&id| match &node(id).op {
            Op::Const(value) => Some(value.clone()),
            _ => None,
        })
        .collect();
    if let Some(values) = constants.filter(|values| !values.is_empty()) {
        let types: Vec<_> = operands.iter().map(|&id| node(id).ty).collect();
        return Simplified::Op(Op::Const(evaluate(&op, ty, &values, &types)));
    }

    match op {
        Op::Binary(op, a, b) if op.is_comparison() && a == b => {
            let holds = matches!(op, BinaryOp::Eq | BinaryOp::Le | BinaryOp::Ge);
            Simplified::Op(Op::Const(BigInt::from(u8::from(holds))))
        }
        Op::Binary(op, a, b) if op.is_comparison() => match decided(op, node(a), node(b)) {
            Some(result) => Simplified::Op(Op::Const(BigInt::from(u8::from(result)))),
            None => Simplified::Op(Op::Binary(op, a, b)),
        },
        Op::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) if ty == uint(1) => {
            // With one bit, a constant operand decides the result or leaves the other operand.
            let known = |id: NodeId| match &node(id).op {
                Op::Const(value) => Some(value.is_one()),
                _ => None,
            };
            let (constant, other) = match (known(a), known(b)) {
                (Some(value), _) => (value, b),
                (_, Some(value)) => (value, a),
                _ => return Simplified::Op(Op::Binary(op, a, b)),
            };
            match (op, constant) {
                (BinaryOp::And, false) => Simplified::Op(Op::Const(BigInt::zero())),
                (BinaryOp::Or, true) => Simplified::Op(Op::Const(BigInt::one())),
                _ => Simplified::Node(other),
            }
        }
        Op::Unary(UnaryOp::ReduceAnd | UnaryOp::ReduceOr | UnaryOp::ReduceXor, a)
            if node(a).ty == ty =>
        {
            Simplified::Node(a)
        }
        Op::Mux(condition, a, b) => match &node(condition).op {
            Op::Const(value) => cast(nodes, if value.is_zero() { b } else { a }, ty),
            _ => Simplified::Op(Op::Mux(condition, a, b)),
        },
        Op::Select(index, mut items) => {
            if let Op::Const(value) = &node(index).op {
                return match value.to_usize().and_then(|i| items.get(i)) {
                    Some(&item) => cast(nodes, item, ty),
                    None => Simplified::Op(Op::Const(BigInt::zero())),
                };
            }
            // Elements that the index cannot reach would make arms that never match.
            let reach = node(index).ty.max().to_usize().map_or(usize::MAX, |i| i.saturating_add(1));
            items.truncate(reach);
            Simplified::Op(Op::Select(index, items))
        }
        Op::Slice(a, low) => match &node(a).op {
            _ if low == 0 && node(a).ty == ty => Simplified::Node(a),
            Op::Slice(inner, inner_low) => simplify(nodes, Op::Slice(*inner, inner_low + low), ty),
            // The bits of a cast are its operand's, as long as the operand has them.
            Op::Cast(inner)
                if node(a).name.is_none() && low + ty.width <= node(*inner).ty.width =>
            {
                simplify(nodes, Op::Slice(*inner, low), ty)
            }
            _ => Simplified::Op(Op::Slice(a, low)),
        },
        Op::Concat(items) => simplify_concat(nodes, items, ty),
        Op::Cast(a) => cast(nodes, a, ty),
        op => Simplified::Op(op),
    }
}

/// Joins neighbouring slices of one value, so that taking a value apart and putting it together
/// again is the value.
fn simplify_concat(nodes: &[Node], items: Vec<NodeId>, ty: Type) -> Simplified {
    // Only the bits count, so a cast that leaves them alone does not.
    let bare = |id: NodeId| match &nodes[id.index()] {
        Node { op: Op::Cast(inner), ty, name: None, .. }
            if nodes[inner.index()].ty.width == ty.width =>
        {
            *inner
        }
        _ => id,
    };
    let items: Vec<NodeId> = items.into_iter().map(bare).collect();
    let as_slice = |id: NodeId| {
        let node = &nodes[id.index()];
        match &node.op {
            _ if node.name.is_some() => (id, 0, node.ty.width),
            Op::Slice(inner, low) => (*inner, *low, node.ty.width),
            _ => (id, 0, node.ty.width),
        }
    };
    if let [only] = items[..] {
        return cast(nodes, only, ty);
    }
    let mut slices = items.iter().map(|&id| as_slice(id));
    let (inner, mut low, _) = slices.next().expect("the builder refuses to join nothing");
    let contiguous = slices.all(|(other, other_low, width)| {
        let fits = other == inner && other_low.checked_add(width) == Some(low);
        low = other_low;
        fits
    });
    if contiguous {
        // The nested simplification ends: a slice is never turned into a concatenation.
        return simplify(nodes, Op::Slice(inner, low), ty);
    }
    Simplified::Op(Op::Concat(items))
}

fn cast(nodes: &[Node], a: NodeId, ty: Type) -> Simplified {
    let node = &nodes[a.index()];
    if node.ty == ty {
        return Simplified::Node(a);
    }
    match &node.op {
        Op::Const(value) => Simplified::Op(Op::Const(ty.wrap(value))),
        // The inner cast matters only if it drops bits that the outer one would keep, or if the
        // outer one extends by the inner one's signedness.
        Op::Cast(inner) if node.name.is_none() => {
            let from = nodes[inner.index()].ty;
            let keeps_value = from.join(node.ty) == node.ty;
            if keeps_value || ty.width <= node.ty.width {
                cast(nodes, *inner, ty)
            } else {
                Simplified::Op(Op::Cast(a))
            }
        }
        _ => Simplified::Op(Op::Cast(a)),
    }
}

/// The result of a comparison that the two ranges decide alone. Verilator rightly complains about
/// such comparisons in the emitted text.
fn decided(op: BinaryOp, a: &Node, b: &Node) -> Option<bool> {
    let range = |node: &Node| match &node.op {
        Op::Const(value) => (value.clone(), value.clone()),
        _ => (node.ty.min(), node.ty.max()),
    };
    let ((a_min, a_max), (b_min, b_max)) = (range(a), range(b));
    let less = || match () {
        _ if a_max < b_min => Some(true),
        _ if a_min >= b_max => Some(false),
        _ => None,
    };
    let less_or_equal = || match () {
        _ if a_max <= b_min => Some(true),
        _ if a_min > b_max => Some(false),
        _ => None,
    };
    let disjoint = a_max < b_min || b_max < a_min;
    match op {
        BinaryOp::Lt => less(),
        BinaryOp::Le => less_or_equal(),
        BinaryOp::Gt => less_or_equal().map(|le| !le),
        BinaryOp::Ge => less().map(|lt| !lt),
        BinaryOp::Eq => disjoint.then_some(false),
        BinaryOp::Ne => disjoint.then_some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hdl::ty::sint;

    #[test]
    fn slices_are_cut_from_the_pattern() {
        let op = Op::Slice(NodeId(0), 4);
        assert_eq!(evaluate(&op, uint(4), &[BigInt::from(-1)], &[sint(8)]), BigInt::from(15));
    }
}
