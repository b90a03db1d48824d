//! The third step: an order in which every value comes after those it is computed from.

use super::EvalError;
use super::flat::{Flat, Value, View};
use crate::hdl::ir::{NodeId, Op};

/// Values in an order in which they can be computed.
pub(super) struct Order {
    /// First what each cycle needs, then what only an onlooker asks for.
    pub values: Vec<Value>,
    /// How many of them each cycle needs.
    pub needed: usize,
    /// For each value how many times it is used.
    pub uses: Vec<u32>,
}

impl Order {
    /// Orders what the next state, the outputs and the properties need, and then the other signals.
    pub(super) fn of(flat: &Flat) -> Result<Order, EvalError> {
        let mut search = Search {
            flat,
            marks: vec![Mark::New; flat.len()],
            stack: vec![],
            operands: vec![],
            order: Order { values: vec![], needed: 0, uses: vec![0; flat.len()] },
        };
        for root in roots(flat) {
            search.visit(root)?;
        }
        search.order.needed = search.order.values.len();
        for signal in flat.signals() {
            search.visit(signal)?;
        }
        Ok(search.order)
    }
}

/// What has an effect: on the state, on the outside or on a property.
fn roots(flat: &Flat) -> Vec<Value> {
    let mut roots = Vec::new();
    for register in &flat.registers {
        roots.push(register.next);
        roots.extend(register.enable);
    }
    for memory in &flat.memories {
        roots.extend(memory.reads.iter().chain(&memory.writes).flatten());
    }
    roots.extend(flat.domains.iter().filter_map(|domain| domain.gate).map(|(_, enable)| enable));
    roots.extend(flat.properties.iter().map(|property| property.condition));
    let top = &flat.instances[0];
    roots.extend(top.module.ports.iter().map(|&port| top.signal(port)));
    roots
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// A value whose operands are being visited.
struct Frame {
    value: Value,
    /// Where its operands start, and the next of them to visit.
    first: usize,
    next: usize,
}

/// Depth-first search with a stack of its own, since chains of expressions can be long.
struct Search<'f, 'm> {
    flat: &'f Flat<'m>,
    marks: Vec<Mark>,
    stack: Vec<Frame>,
    /// The operands of the open values, one after the other.
    operands: Vec<Value>,
    order: Order,
}

impl Search<'_, '_> {
    fn visit(&mut self, root: Value) -> Result<(), EvalError> {
        self.order.uses[root as usize] += 1;
        if self.marks[root as usize] == Mark::Done {
            return Ok(());
        }
        self.open(root);
        while let Some(frame) = self.stack.last_mut() {
            if frame.next == self.operands.len() {
                let frame = self.stack.pop().expect("it was just looked at");
                self.operands.truncate(frame.first);
                self.marks[frame.value as usize] = Mark::Done;
                self.order.values.push(frame.value);
                continue;
            }
            let operand = self.operands[frame.next];
            frame.next += 1;
            self.order.uses[operand as usize] += 1;
            match self.marks[operand as usize] {
                Mark::New => self.open(operand),
                Mark::Open => return Err(self.cycle(operand)),
                Mark::Done => {}
            }
        }
        Ok(())
    }

    fn open(&mut self, value: Value) {
        self.marks[value as usize] = Mark::Open;
        let first = self.operands.len();
        push_operands(self.flat, value, &mut self.operands);
        self.stack.push(Frame { value, first, next: first });
    }

    /// The open values from `value` on depend on each other in a circle.
    fn cycle(&self, value: Value) -> EvalError {
        let from = self.stack.iter().position(|frame| frame.value == value).unwrap_or(0);
        let circle = self.stack[from..].iter().rev();
        let mut names: Vec<String> =
            circle.filter_map(|frame| self.flat.signal_name(frame.value)).collect();
        names.extend(names.first().cloned());
        EvalError::Loop(names)
    }
}

fn push_operands(flat: &Flat, value: Value, operands: &mut Vec<Value>) {
    match flat.view(value) {
        View::State | View::Zero | View::Const(_) => {}
        View::Alias(of) | View::Cast(of) | View::Slice(of, _) => operands.push(of),
        View::Fetch(_, address) => operands.push(address),
        View::Concat(parts) => operands.extend(parts.iter().map(|(part, _)| part)),
        View::Op(op, base) => {
            let mut push = |id: &NodeId| operands.push(base + id.0);
            match op {
                Op::Unary(_, a) => push(a),
                Op::Binary(_, a, b) => [a, b].into_iter().for_each(push),
                Op::Mux(c, a, b) => [c, a, b].into_iter().for_each(push),
                Op::Select(index, items) => {
                    push(index);
                    items.iter().for_each(push);
                }
                op => op.operands().iter().for_each(push),
            }
        }
    }
}
