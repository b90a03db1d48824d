//! Which block of the text drives which signal.

use std::collections::{BTreeSet, HashMap};

use crate::hdl::check::reaches;
use crate::hdl::ir::{Logic, Module, NodeId, SignalId, SignalKind, Statement};

/// Signals that one always block, or one continuous assignment, drives.
pub(super) struct Group<'a> {
    pub(super) targets: Vec<SignalId>,
    /// The outermost statements that assign them, in order.
    pub(super) statements: Vec<&'a Statement>,
    /// Whether there are conditions, so that it takes an always block.
    pub(super) procedural: bool,
}

/// How a register is loaded.
pub(super) enum Load {
    /// With one value, where all of some conditions hold (or, `false`, do not hold).
    Direct { value: NodeId, conditions: Vec<(NodeId, bool)> },
    /// With the value of a `_d` variable.
    Next,
}

/// Decides which block drives what: the groups in the order of their first assignment, and how
/// each register is loaded.
pub(super) fn plan<'a>(
    module: &Module,
    logic: &'a Logic,
) -> (Vec<Group<'a>>, HashMap<SignalId, Load>) {
    let is_register = |id: SignalId| matches!(module.signal(id).kind, SignalKind::Register { .. });

    // For each assigned signal, the outermost statements that assign it.
    let mut order: Vec<SignalId> = Vec::new();
    let mut assigning: HashMap<SignalId, BTreeSet<usize>> = HashMap::new();
    for (index, statement) in logic.statements.iter().enumerate() {
        let mut targets = Vec::new();
        collect_targets(std::slice::from_ref(statement), &mut targets);
        for target in targets {
            let statements = assigning.entry(target).or_insert_with(|| {
                order.push(target);
                BTreeSet::new()
            });
            statements.insert(index);
        }
    }
    let statements_of = |indices: &BTreeSet<usize>| -> Vec<&'a Statement> {
        indices.iter().map(|&index| &logic.statements[index]).collect()
    };

    let mut loads = HashMap::new();
    for &target in order.iter().filter(|&&id| is_register(id)) {
        let load = direct_load(statements_of(&assigning[&target]), target);
        loads.insert(target, load.unwrap_or(Load::Next));
    }

    // Signals that one conditional statement assigns share a block.
    let mut owner: HashMap<usize, usize> = HashMap::new();
    let mut groups: Vec<Vec<SignalId>> = Vec::new();
    for &target in &order {
        if matches!(loads.get(&target), Some(Load::Direct { .. })) {
            continue;
        }
        let mine = groups.len();
        groups.push(vec![target]);
        let mut joined = mine;
        for &statement in &assigning[&target] {
            let Some(&other) = owner.get(&statement) else { continue };
            let (keep, drop) = (other.min(joined), other.max(joined));
            if keep != drop {
                let moved = std::mem::take(&mut groups[drop]);
                groups[keep].extend(moved);
                owner.values_mut().filter(|group| **group == drop).for_each(|g| *g = keep);
                joined = keep;
            }
        }
        for &statement in &assigning[&target] {
            owner.insert(statement, joined);
        }
    }

    // But not if one of them depends on another: inside of one block it could be read before its
    // last assignment.
    let mut planned = Vec::new();
    for mut targets in groups.into_iter().filter(|targets| !targets.is_empty()) {
        let wires: Vec<SignalId> = targets.iter().copied().filter(|&id| !is_register(id)).collect();
        let entangled =
            targets.len() > 1 && !wires.is_empty() && reaches(module, logic, &targets, &wires);
        targets.sort();
        if entangled {
            planned.extend(targets.into_iter().map(|target| vec![target]));
        } else {
            planned.push(targets);
        }
    }
    let groups = planned.into_iter().map(|targets| {
        let indices = targets.iter().flat_map(|target| &assigning[target]).copied().collect();
        let statements = statements_of(&indices);
        let procedural = statements.iter().any(|s| !matches!(s, Statement::Assign { .. }));
        Group { targets, statements, procedural }
    });
    (groups.collect(), loads)
}

fn collect_targets(statements: &[Statement], found: &mut Vec<SignalId>) {
    for statement in statements {
        match statement {
            Statement::Assign { target, .. } => {
                if !found.contains(target) {
                    found.push(*target);
                }
            }
            Statement::If { then, otherwise, .. } => {
                collect_targets(then, found);
                collect_targets(otherwise, found);
            }
            Statement::Case { arms, default, .. } => {
                arms.iter().for_each(|(_, block)| collect_targets(block, found));
                collect_targets(default, found);
            }
        }
    }
}

/// How a register is loaded, if one assignment under plain conditions says it all.
fn direct_load<'a>(
    statements: impl IntoIterator<Item = &'a Statement>,
    target: SignalId,
) -> Option<Load> {
    let mut load = None;
    for statement in statements {
        let found = match statement {
            Statement::Assign { target: t, value, .. } if *t == target => {
                Load::Direct { value: *value, conditions: vec![] }
            }
            Statement::Assign { .. } => continue,
            Statement::If { condition, then, otherwise } => {
                let branch = |block: &'a [Statement], holds| match assigns(block, target) {
                    false => Some(None),
                    true => match direct_load(block, target)? {
                        Load::Direct { value, mut conditions } => {
                            conditions.insert(0, (*condition, holds));
                            Some(Some(Load::Direct { value, conditions }))
                        }
                        Load::Next => None,
                    },
                };
                match (branch(then, true)?, branch(otherwise, false)?) {
                    (None, None) => continue,
                    (Some(load), None) | (None, Some(load)) => load,
                    (Some(_), Some(_)) => return None,
                }
            }
            Statement::Case { .. } if assigns(std::slice::from_ref(statement), target) => {
                return None;
            }
            Statement::Case { .. } => continue,
        };
        if load.replace(found).is_some() {
            return None;
        }
    }
    load
}

fn assigns(statements: &[Statement], target: SignalId) -> bool {
    let mut found = Vec::new();
    collect_targets(statements, &mut found);
    found.contains(&target)
}
