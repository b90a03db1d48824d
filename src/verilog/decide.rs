//! Statements whose conditions are constant, decided.
//!
//! A block `always @*` in which nothing varies never runs in an event-driven simulator, so a
//! condition that a parameter decided must not come to stand in one.

use std::collections::HashSet;

use num_traits::Zero;

use crate::hdl::ir::{Logic, Module, NodeId, Op, SignalId, SignalKind, Statement};

/// The logic with every constant condition decided and every assignment left out that a later one
/// overrides in any case.
pub(super) fn decide(module: &Module, logic: &Logic) -> Logic {
    let mut statements = block(logic, &logic.statements);
    let mut assigned = HashSet::new();
    targets(&statements, &mut assigned);
    let mut before = HashSet::new();
    targets(&logic.statements, &mut before);
    for (index, signal) in module.signals.iter().enumerate() {
        let target = SignalId::from_index(index as u32);
        let is_register = matches!(signal.kind, SignalKind::Register { .. });
        if is_register && before.contains(&target) && !assigned.contains(&target) {
            // Nothing loads it, so it holds.
            let is_own = |node: &crate::hdl::ir::Node| node.op == Op::Signal(target);
            let own = logic.nodes.iter().position(is_own).expect("every signal is an expression");
            let (value, source) = (NodeId(own as u32), signal.source);
            statements.push(Statement::Assign { target, value, source });
        }
    }
    Logic { statements, ..logic.clone() }
}

fn block(logic: &Logic, statements: &[Statement]) -> Vec<Statement> {
    // Conditions may nest deeper than a thread's stack is deep.
    stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, || shallow_block(logic, statements))
}

fn shallow_block(logic: &Logic, statements: &[Statement]) -> Vec<Statement> {
    let constant = |id: NodeId| match &logic.nodes[id.index()].op {
        Op::Const(value) => Some(value),
        _ => None,
    };
    let mut decided = Vec::new();
    for statement in statements {
        match statement {
            Statement::Assign { .. } => decided.push(statement.clone()),
            Statement::If { condition, then, otherwise } => {
                let (then, otherwise) = (block(logic, then), block(logic, otherwise));
                match constant(*condition) {
                    Some(value) => decided.extend(if value.is_zero() { otherwise } else { then }),
                    None => {
                        decided.push(Statement::If { condition: *condition, then, otherwise });
                    }
                }
            }
            Statement::Case { subject, arms, default } => match constant(*subject) {
                Some(value) => {
                    let arm = arms.iter().find(|(values, _)| values.contains(value));
                    decided.extend(block(logic, arm.map_or(default, |(_, statements)| statements)));
                }
                // Without arms nothing is asked.
                None if arms.is_empty() => decided.extend(block(logic, default)),
                None => {
                    let arm = |(values, statements): &(_, Vec<Statement>)| {
                        (Vec::clone(values), block(logic, statements))
                    };
                    decided.push(Statement::Case {
                        subject: *subject,
                        arms: arms.iter().map(arm).collect(),
                        default: block(logic, default),
                    });
                }
            },
        }
    }
    // What is assigned once more, in any case, is not assigned before.
    let mut later = HashSet::new();
    let mut kept = Vec::new();
    for statement in decided.into_iter().rev() {
        if let Statement::Assign { target, .. } = &statement
            && !later.insert(*target)
        {
            continue;
        }
        kept.extend(without(statement, &later));
    }
    kept.reverse();
    kept
}

/// A statement without the assignments to some targets, unless nothing is left of it.
fn without(statement: Statement, targets: &HashSet<SignalId>) -> Option<Statement> {
    stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, || shallow_without(statement, targets))
}

/// Statements without the assignments to some targets.
pub(super) fn without_targets(
    statements: Vec<Statement>,
    targets: &HashSet<SignalId>,
) -> Vec<Statement> {
    let is_other =
        |s: &Statement| !matches!(s, Statement::Assign { target, .. } if targets.contains(target));
    statements.into_iter().filter(is_other).filter_map(|s| without(s, targets)).collect()
}

fn shallow_without(statement: Statement, targets: &HashSet<SignalId>) -> Option<Statement> {
    let all = |statements| without_targets(statements, targets);
    match statement {
        Statement::Assign { .. } => Some(statement),
        Statement::If { condition, then, otherwise } => {
            let (then, otherwise) = (all(then), all(otherwise));
            let left = !then.is_empty() || !otherwise.is_empty();
            left.then_some(Statement::If { condition, then, otherwise })
        }
        Statement::Case { subject, arms, default } => {
            let arms: Vec<_> = arms.into_iter().map(|(values, arm)| (values, all(arm))).collect();
            let default = all(default);
            let left = !default.is_empty() || arms.iter().any(|(_, arm)| !arm.is_empty());
            left.then_some(Statement::Case { subject, arms, default })
        }
    }
}

fn targets(statements: &[Statement], found: &mut HashSet<SignalId>) {
    for statement in statements {
        match statement {
            Statement::Assign { target, .. } => {
                found.insert(*target);
            }
            Statement::If { then, otherwise, .. } => {
                targets(then, found);
                targets(otherwise, found);
            }
            Statement::Case { arms, default, .. } => {
                arms.iter().for_each(|(_, statements)| targets(statements, found));
                targets(default, found);
            }
        }
    }
}
