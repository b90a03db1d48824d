//! The hardware of the FIFO.

use std::sync::Arc;

use super::properties::{self, Places};
use super::{Fifo, FifoParameters, Storage};
use crate::blocks::Block;
use crate::hdl::{
    Errors, Expr, Module, ModuleBuilder, Signal, StreamIn, StreamOut, bit, index_width, uint,
};

/// A register that counts round from 0 to `limit - 1`.
struct Pointer<'m> {
    register: Signal<'m>,
    limit: u32,
}

impl<'m> Pointer<'m> {
    fn new(m: &'m ModuleBuilder, name: &str, limit: u32) -> Pointer<'m> {
        Pointer { register: m.register(name, uint(index_width(limit))).reset(0), limit }
    }

    fn advance(&self, m: &'m ModuleBuilder, when: Expr<'m>) {
        let next = (self.register + 1).truncate(self.register.width());
        let wrapped = match self.limit.is_power_of_two() && self.limit > 1 {
            true => next,
            false => self.register.eq(self.limit - 1).mux(0, next),
        };
        m.when(when, || self.register.set(wrapped));
    }
}

pub(super) fn describe(name: &str, p: &FifoParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc(Fifo::SUMMARY);
    m.parameter("width", p.width);
    m.parameter("depth", p.depth);
    m.parameter("storage", p.storage);
    let latency = match p.storage {
        Storage::Registers => 1,
        Storage::Ram => 2,
    };
    // An element's place is free again one cycle after it left.
    m.timing(latency, if p.depth > latency { 1 } else { (latency + 1).div_ceil(p.depth) });
    let input = m.stream_in("in", &[("data", uint(p.width))]);
    let output = m.stream_out("out", &[("data", uint(p.width))]);
    let level_out = m.output("level_o", uint(index_width(p.depth + 1))).doc("elements held");

    let level = m.register("level", level_out.ty()).reset(0);
    let push = input.fire().named("push");
    let pop = output.fire().named("pop");
    m.when(push & !pop, || level.set((level + 1).truncate(level.width())))
        .or_when(pop & !push, || level.set((level - 1).wrap(level.ty())));
    input.ready.set(level.ne(p.depth));
    level_out.set(level);
    m.assert("level_in_range", level.le(p.depth));

    let places = match p.storage {
        Storage::Registers => registers(&m, p, &input, &output, level, push, pop),
        Storage::Ram => ram(&m, p, &input, &output, level, push, pop),
    };
    properties::state(&m, p, &input, &output, level_out.expr(), &places);
    m.finish()
}

/// The element at the head is selected by a multiplexer.
fn registers<'m>(
    m: &'m ModuleBuilder,
    p: &FifoParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    level: Signal<'m>,
    push: Expr<'m>,
    pop: Expr<'m>,
) -> Places<'m> {
    output.valid.set(level.ne(0));
    if p.depth == 1 {
        let element = m.register("element", uint(p.width));
        m.when(push, || element.set(input["data"]));
        output["data"].set(element);
        let front = Some((level.ne(0), element.expr()));
        return Places { push, pop, level: level.expr(), front, memory: None };
    }
    let head = Pointer::new(m, "head", p.depth);
    let tail = Pointer::new(m, "tail", p.depth);
    head.advance(m, pop);
    tail.advance(m, push);
    let elements = m.memory("elements", p.depth, uint(p.width));
    elements.asserted().write(tail.register, input["data"], push);
    output["data"].set(elements.asserted().read_async("head_data", head.register));
    let memory = Some((elements, head.register.expr(), tail.register.expr()));
    Places { push, pop, level: level.expr(), front: None, memory }
}

/// The RAM's own output register holds the element at the head; it is filled again as it empties.
fn ram<'m>(
    m: &'m ModuleBuilder,
    p: &FifoParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    level: Signal<'m>,
    push: Expr<'m>,
    pop: Expr<'m>,
) -> Places<'m> {
    let head_valid = m.register("head_valid", bit()).reset(0);
    let head = Pointer::new(m, "head", p.depth);
    let tail = Pointer::new(m, "tail", p.depth);
    // One of the elements counted by the level is in the output register already.
    let waiting = level.gt(head_valid).named("waiting");
    let fetch = (waiting & (!head_valid | pop)).named("fetch");
    m.when(fetch, || head_valid.set(1)).or_when(pop, || head_valid.set(0));
    head.advance(m, fetch);
    tail.advance(m, push);
    let memory = m.memory("elements", p.depth, uint(p.width));
    memory.asserted().write(tail.register, input["data"], push);
    let head_data = memory.asserted().read("head_data", head.register, fetch);
    output["data"].set(head_data);
    m.assert("head_is_counted", !head_valid | level.ne(0));
    output.valid.set(head_valid);
    Places {
        push,
        pop,
        level: level.expr(),
        front: Some((head_valid.expr(), head_data)),
        memory: Some((memory, head.register.expr(), tail.register.expr())),
    }
}
