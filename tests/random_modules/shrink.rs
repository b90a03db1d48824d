//! From a failing recipe to a small one that fails alike.

use super::generator::narrower;
use super::recipe::*;
use super::simulators::{Case, Failure, Tools, run};

/// How many simpler recipes are tried at once.
const AT_ONCE: usize = 24;
/// How many rounds at most.
const ROUNDS: usize = 200;

/// The smallest recipe found that fails like `failure`, and how it fails.
pub fn shrink(case: &Case, failure: &Failure, limit: std::time::Duration) -> (Case, Failure) {
    let tools = match failure {
        Failure::Refused(_) => {
            Tools { verilator: false, icarus: false, yosys: false, optimized: true }
        }
        Failure::Differ(difference) => Tools {
            verilator: difference.verilator != difference.evaluator,
            icarus: difference.icarus != difference.evaluator,
            yosys: false,
            optimized: true,
        },
        Failure::Message(tool, _) => Tools {
            verilator: matches!(*tool, "verilator" | "g++" | "simulation"),
            icarus: matches!(*tool, "iverilog" | "vvp"),
            yosys: *tool == "yosys",
            optimized: true,
        },
    };
    let start = std::time::Instant::now();
    let mut best = (case.clone(), failure.clone());
    // Where in the list of candidates the last success was: what failed to help before it is
    // tried last.
    let mut from = 0;
    for _ in 0..ROUNDS {
        let candidates = candidates(&best.0.recipe);
        let count = candidates.len();
        let mut ordered: Vec<(usize, Recipe)> = candidates.into_iter().enumerate().collect();
        ordered.rotate_left(from.min(count));
        let mut found = None;
        for chunk in ordered.chunks(AT_ONCE) {
            if start.elapsed() > limit {
                return best;
            }
            let cases: Vec<Case> = chunk
                .iter()
                .map(|(_, recipe)| Case { recipe: recipe.clone(), ..case.clone() })
                .collect();
            let verdicts = run(&cases, tools);
            let alike =
                cases.into_iter().zip(verdicts).zip(chunk).filter_map(|((c, v), (at, _))| {
                    let v = v.filter(|v| v.is_alike(failure))?;
                    Some((c, v, *at))
                });
            found = alike.min_by_key(|(case, _, _)| case.recipe.size());
            if found.is_some() {
                break;
            }
        }
        match found {
            Some((case, failure, at)) => {
                from = at;
                best = (case, failure);
            }
            None => return best,
        }
    }
    best
}

/// Simpler recipes, the boldest cuts first.
fn candidates(recipe: &Recipe) -> Vec<Recipe> {
    let mut found = Vec::new();
    let size = recipe.size();
    let mut try_one = |change: &dyn Fn(&mut Recipe)| {
        let mut other = recipe.clone();
        change(&mut other);
        if other.size() < size && !other.modules.is_empty() {
            found.push(other);
        }
    };
    // Fewer modules, and a top that was a child.
    if recipe.modules.len() > 1 {
        try_one(&|r| {
            r.modules.pop();
        });
    }
    for index in 0..recipe.modules.len() {
        let module = &recipe.modules[index];
        // Outputs: all but one, half, one less.
        let outputs = module.outputs.len();
        let is_top = index + 1 == recipe.modules.len();
        if is_top && outputs > 1 {
            for keep in 0..outputs {
                try_one(&|r| {
                    let kept = r.modules[index].outputs.swap_remove(keep);
                    r.modules[index].outputs = vec![kept];
                });
            }
        }
        for keep in [0..outputs / 2, outputs / 2..outputs] {
            try_one(&|r| {
                let outputs = &mut r.modules[index].outputs;
                *outputs = outputs[keep.clone()].to_vec();
            });
        }
        for output in 0..outputs {
            try_one(&|r| {
                r.modules[index].outputs.remove(output);
            });
        }
        let items = module.items.len();
        if items > 3 {
            for half in 0..2 {
                try_one(&|r| {
                    let items = &mut r.modules[index].items;
                    let middle = items.len() / 2;
                    if half == 0 {
                        items.drain(..middle)
                    } else {
                        items.drain(middle..)
                    };
                });
            }
        }
        for item in 0..items {
            try_one(&|r| {
                r.modules[index].items.remove(item);
            });
        }
        for input in 0..module.inputs.len() {
            try_one(&|r| {
                r.modules[index].inputs.remove(input);
            });
            for ty in narrower(module.inputs[input].1) {
                try_one(&|r| r.modules[index].inputs[input].1 = ty);
            }
        }
        for output in 0..outputs {
            for ty in narrower(module.outputs[output].1) {
                try_one(&|r| r.modules[index].outputs[output].1 = ty);
            }
        }
        for item in 0..items {
            for change in 0..item_changes(&module.items[item]) {
                try_one(&|r| change_item(&mut r.modules[index].items[item], change));
            }
        }
    }
    // Expressions, by their place in the whole recipe.
    let mut count = 0;
    expressions(&mut recipe.clone(), &mut |_| count += 1);
    for place in 0..count {
        for change in 0..6 {
            try_one(&|r| {
                let mut at = 0;
                expressions(r, &mut |e| {
                    if at == place {
                        simplify(e, change);
                    }
                    at += 1;
                });
            });
        }
    }
    found
}

fn simplify(e: &mut E, change: usize) {
    let simpler = match (&*e, change) {
        (E::Op(..), 0) => E::Const(0.into()),
        (E::Op(_, operands), 1..5) => match operands.get(change - 1) {
            Some(operand) => operand.clone(),
            None => return,
        },
        (E::Op(op, operands), 5)
            if operands.len() > 1 && matches!(op, Op::Select | Op::Concat | Op::Pack) =>
        {
            E::Op(op.clone(), operands[..operands.len() - 1].to_vec())
        }
        (E::Ref(_) | E::Typed(..), 0) => E::Const(0.into()),
        (E::Typed(..), 1) => E::Const(1.into()),
        (E::Const(value), 0) if *value != 0.into() => E::Const(0.into()),
        (E::Const(value), 1) if *value > 9.into() => E::Const(1.into()),
        (E::Const(value), 2) if *value > 99.into() => E::Const(value / 1024),
        _ => return,
    };
    *e = simpler;
}

fn item_changes(item: &Item) -> usize {
    match item {
        Item::Value { .. } => 0,
        Item::Process { targets, body, .. } => 1 + 6 * targets.len() + 8 * statements(body),
        Item::Memory { writes, reads, .. } => 8 + writes.len() + reads.len(),
        Item::Machine { arms, .. } => 1 + arms.len(),
        Item::Instance { inputs, outputs, .. } => 1 + inputs.len() + outputs.len(),
        Item::Array { inputs, outputs, .. } => 4 + inputs.len() + outputs.len(),
        Item::StreamIn { fields, .. } => fields.len(),
        Item::StreamOut { fields, .. } => fields.len(),
    }
}

fn change_item(item: &mut Item, mut change: usize) {
    match item {
        Item::Value { .. } => {}
        Item::Process { targets, guard, body } => {
            if change == 0 {
                *guard = None;
                return;
            }
            change -= 1;
            if let Some(target) = targets.get_mut(change / 6) {
                if let Some(ty) = narrower(target.ty).get(change % 6) {
                    target.ty = *ty;
                }
                return;
            }
            change -= 6 * targets.len();
            change_statement(body, change / 8, change % 8);
        }
        Item::Memory { ty, depth, writes, reads, .. } => {
            if change < 6 {
                if let Some(narrow) = narrower(*ty).get(change) {
                    *ty = *narrow;
                }
            } else if change < 8 {
                *depth = if change == 6 { 1 } else { (*depth / 2).max(1) };
            } else if change - 8 < writes.len() {
                writes.remove(change - 8);
            } else {
                reads.remove(change - 8 - writes.len());
            }
        }
        Item::Machine { arms, default, .. } => match change {
            0 => *default = None,
            _ => {
                arms.remove(change - 1);
            }
        },
        Item::Instance { inputs, gate, outputs, .. } => match change {
            0 => *gate = None,
            _ if change - 1 < inputs.len() => {
                inputs[change - 1] = E::Const(0.into());
            }
            _ => {
                outputs.remove(change - 1 - inputs.len());
            }
        },
        Item::Array { axes, inputs, gate, outputs, .. } => match change {
            0 => *gate = None,
            1 => *axes = vec![axes[0]],
            2 => axes.iter_mut().for_each(|n| *n = (*n).min(2)),
            3 => axes.iter_mut().for_each(|n| *n = 1),
            _ if change - 4 < inputs.len() => {
                inputs[change - 4] = Feed::Broadcast(E::Const(0.into()));
            }
            _ => {
                outputs.remove(change - 4 - inputs.len());
            }
        },
        Item::StreamIn { fields, .. } => {
            fields.remove(change);
        }
        Item::StreamOut { fields, .. } => {
            fields.remove(change);
        }
    }
}

/// How many statements there are at all depths.
fn statements(body: &[Stmt]) -> usize {
    body.iter()
        .map(|statement| match statement {
            Stmt::Assign(..) => 1,
            Stmt::If(arms, otherwise) => {
                1 + arms.iter().map(|(_, block)| statements(block)).sum::<usize>()
                    + otherwise.as_ref().map_or(0, |block| statements(block))
            }
            Stmt::Switch(_, arms, default) => {
                1 + arms.iter().map(|(_, block)| statements(block)).sum::<usize>()
                    + default.as_ref().map_or(0, |block| statements(block))
            }
        })
        .sum()
}

/// Drops a statement, puts one of its blocks in its place, or drops one of its arms.
fn change_statement(body: &mut Vec<Stmt>, mut place: usize, change: usize) {
    for index in 0..body.len() {
        let size = statements(&body[index..=index]);
        if place >= size {
            place -= size;
            continue;
        }
        if place == 0 {
            let statement = body.remove(index);
            let (mut blocks, otherwise): (Vec<Vec<Stmt>>, _) = match &statement {
                Stmt::Assign(..) => return,
                Stmt::If(arms, otherwise) => {
                    (arms.iter().map(|(_, block)| block.clone()).collect(), otherwise.clone())
                }
                Stmt::Switch(_, arms, default) => {
                    (arms.iter().map(|(_, block)| block.clone()).collect(), default.clone())
                }
            };
            blocks.extend(otherwise);
            let mut kept = statement;
            match change {
                0 => return,
                1..4 => {
                    if let Some(block) = blocks.get(change - 1) {
                        body.splice(index..index, block.iter().cloned());
                        return;
                    }
                }
                4 => match &mut kept {
                    Stmt::If(_, last) | Stmt::Switch(_, _, last) => *last = None,
                    Stmt::Assign(..) => {}
                },
                _ => match &mut kept {
                    Stmt::If(arms, _) if arms.len() > 1 => {
                        drop(arms.remove((change - 5) % arms.len()))
                    }
                    Stmt::Switch(_, arms, _) if arms.len() > 1 => {
                        drop(arms.remove((change - 5) % arms.len()));
                    }
                    _ => {}
                },
            }
            body.insert(index, kept);
            return;
        }
        place -= 1;
        let blocks: Vec<&mut Vec<Stmt>> = match &mut body[index] {
            Stmt::Assign(..) => vec![],
            Stmt::If(arms, last) => arms.iter_mut().map(|(_, b)| b).chain(last).collect(),
            Stmt::Switch(_, arms, last) => arms.iter_mut().map(|(_, b)| b).chain(last).collect(),
        };
        for block in blocks {
            let size = statements(block);
            if place < size {
                return change_statement(block, place, change);
            }
            place -= size;
        }
        return;
    }
}

/// Calls `f` with every expression of a recipe, operands included.
fn expressions(recipe: &mut Recipe, f: &mut dyn FnMut(&mut E)) {
    fn walk(e: &mut E, f: &mut dyn FnMut(&mut E)) {
        f(e);
        if let E::Op(_, operands) = e {
            operands.iter_mut().for_each(|operand| walk(operand, f));
        }
    }
    fn block(body: &mut [Stmt], f: &mut dyn FnMut(&mut E)) {
        for statement in body {
            match statement {
                Stmt::Assign(_, value) => walk(value, f),
                Stmt::If(arms, otherwise) => {
                    for (condition, body) in arms {
                        walk(condition, f);
                        block(body, f);
                    }
                    otherwise.iter_mut().for_each(|body| block(body, f));
                }
                Stmt::Switch(subject, arms, default) => {
                    walk(subject, f);
                    arms.iter_mut().for_each(|(_, body)| block(body, f));
                    default.iter_mut().for_each(|body| block(body, f));
                }
            }
        }
    }
    for module in &mut recipe.modules {
        for item in &mut module.items {
            match item {
                Item::Value { value, .. } => walk(value, f),
                Item::Process { guard, body, .. } => {
                    guard.iter_mut().for_each(|guard| walk(guard, f));
                    block(body, f);
                }
                Item::Memory { writes, reads, .. } => {
                    for write in writes {
                        walk(&mut write.address, f);
                        walk(&mut write.data, f);
                        walk(&mut write.enable, f);
                    }
                    for read in reads {
                        walk(&mut read.address, f);
                        walk(&mut read.enable, f);
                    }
                }
                Item::Machine { arms, default, .. } => {
                    let gotos = arms.iter_mut().flat_map(|(_, gotos)| gotos).chain(default);
                    gotos.filter_map(|goto| goto.when.as_mut()).for_each(|e| walk(e, f));
                }
                Item::Instance { inputs, gate, .. } => {
                    inputs.iter_mut().chain(gate).for_each(|e| walk(e, f));
                }
                Item::Array { inputs, gate, .. } => {
                    gate.iter_mut().for_each(|gate| walk(gate, f));
                    for feed in inputs {
                        match feed {
                            Feed::Broadcast(value) => walk(value, f),
                            Feed::Each(values) => values.iter_mut().for_each(|e| walk(e, f)),
                            Feed::Chain { edge, .. } => edge.iter_mut().for_each(|e| walk(e, f)),
                            Feed::Shift { enable, edge, .. } => {
                                walk(enable, f);
                                edge.iter_mut().for_each(|e| walk(e, f));
                            }
                        }
                    }
                }
                Item::StreamIn { ready, .. } => walk(ready, f),
                Item::StreamOut { fields, valid, .. } => {
                    walk(valid, f);
                    fields.iter_mut().for_each(|(_, value)| walk(value, f));
                }
            }
        }
        module.outputs.iter_mut().for_each(|(_, _, value)| walk(value, f));
    }
}
