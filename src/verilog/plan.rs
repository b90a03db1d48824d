//! Which block of the text drives which signal.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::hdl::dependencies::Dependencies;
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

/// The assignments to one signal.
struct Assigned {
    /// The outermost statements that they stand in, as positions in ascending order.
    statements: Vec<usize>,
    /// How to load it, if one assignment under plain conditions says it all.
    direct: Option<Load>,
}

/// For each assigned signal, in the order of the first assignments.
#[derive(Default)]
struct Assignments {
    order: Vec<SignalId>,
    of: HashMap<SignalId, Assigned>,
}

impl Assignments {
    fn visit(
        &mut self,
        statements: &[Statement],
        outermost: usize,
        conditions: &mut Vec<(NodeId, bool)>,
        in_case: bool,
    ) {
        for statement in statements {
            match statement {
                Statement::Assign { target, value, .. } => match self.of.get_mut(target) {
                    Some(assigned) => {
                        assigned.direct = None;
                        if assigned.statements.last() != Some(&outermost) {
                            assigned.statements.push(outermost);
                        }
                    }
                    None => {
                        let load =
                            || Load::Direct { value: *value, conditions: conditions.clone() };
                        let direct = (!in_case).then(load);
                        self.order.push(*target);
                        self.of.insert(*target, Assigned { statements: vec![outermost], direct });
                    }
                },
                Statement::If { condition, then, otherwise } => {
                    for (block, holds) in [(then, true), (otherwise, false)] {
                        conditions.push((*condition, holds));
                        self.visit(block, outermost, conditions, in_case);
                        conditions.pop();
                    }
                }
                Statement::Case { arms, default, .. } => {
                    for block in arms.iter().map(|(_, block)| block).chain([default]) {
                        self.visit(block, outermost, conditions, true);
                    }
                }
            }
        }
    }
}

/// Decides which block drives what: the groups in the order of their first assignment, and how
/// each register is loaded. `formal_only`: the signals that only properties look at.
pub(super) fn plan<'a>(
    module: &Module,
    logic: &'a Logic,
    formal_only: &HashSet<SignalId>,
) -> (Vec<Group<'a>>, HashMap<SignalId, Load>) {
    let is_register = |id: SignalId| matches!(module.signal(id).kind, SignalKind::Register { .. });

    let mut assignments = Assignments::default();
    for (index, statement) in logic.statements.iter().enumerate() {
        assignments.visit(std::slice::from_ref(statement), index, &mut vec![], false);
    }
    let Assignments { order, of: mut assigned } = assignments;

    let mut loads = HashMap::new();
    for &target in order.iter().filter(|&&id| is_register(id)) {
        let direct = assigned.get_mut(&target).and_then(|assigned| assigned.direct.take());
        loads.insert(target, direct.unwrap_or(Load::Next));
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
        for &statement in &assigned[&target].statements {
            let Some(&other) = owner.get(&statement) else { continue };
            let (keep, drop) = (other.min(joined), other.max(joined));
            if keep != drop {
                let moved = std::mem::take(&mut groups[drop]);
                groups[keep].extend(moved);
                owner.values_mut().filter(|group| **group == drop).for_each(|g| *g = keep);
                joined = keep;
            }
        }
        for &statement in &assigned[&target].statements {
            owner.insert(statement, joined);
        }
    }

    // But not if one of them depends on another: inside of one block it could be read before its
    // last assignment. And what only properties look at stands apart.
    let mut dependencies = None;
    let mut planned = Vec::new();
    let groups = groups.into_iter().flat_map(|targets| {
        let (formal, rest): (Vec<_>, Vec<_>) =
            targets.into_iter().partition(|target| formal_only.contains(target));
        [rest, formal]
    });
    for mut targets in groups.filter(|targets| !targets.is_empty()) {
        let wires: Vec<SignalId> = targets.iter().copied().filter(|&id| !is_register(id)).collect();
        let entangled = targets.len() > 1
            && !wires.is_empty()
            && dependencies
                .get_or_insert_with(|| Dependencies::of(module, logic))
                .reaches(&targets, &wires);
        targets.sort();
        if entangled {
            planned.extend(targets.into_iter().map(|target| vec![target]));
        } else {
            planned.push(targets);
        }
    }
    let groups = planned.into_iter().map(|targets| {
        let indices: BTreeSet<usize> =
            targets.iter().flat_map(|target| &assigned[target].statements).copied().collect();
        let statements: Vec<&Statement> =
            indices.into_iter().map(|index| &logic.statements[index]).collect();
        let procedural = statements.iter().any(|s| !matches!(s, Statement::Assign { .. }));
        Group { targets, statements, procedural }
    });
    (groups.collect(), loads)
}
