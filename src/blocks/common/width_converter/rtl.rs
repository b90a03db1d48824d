//! The hardware of the width converter.

use std::sync::Arc;

use super::WidthConverterParameters;
use super::properties::{self, State};
use crate::hdl::{
    Errors, Module, ModuleBuilder, StreamIn, StreamOut, bit, concat, index_width, uint,
};

pub(super) fn describe(name: &str, p: &WidthConverterParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    let (ratio, what) = match p.out_width.checked_div(p.in_width) {
        Some(0) | None => (p.in_width / p.out_width, "Splits each beat of a stream into"),
        Some(ratio) => (ratio, "Joins beats of a stream,"),
    };
    m.doc(format!(
        "{what} {ratio}, the first in the lowest bits.\n\n\
         The narrow side moves one beat per cycle; a beat goes out one cycle after what completes \
         it came in. `in_ready_o` follows `out_ready_i` without a register between."
    ));
    m.parameter("in_width", p.in_width);
    m.parameter("out_width", p.out_width);
    let input = m.stream_in("in", &[("data", uint(p.in_width))]);
    let output = m.stream_out("out", &[("data", uint(p.out_width))]);
    if p.out_width >= p.in_width {
        m.timing(1, 1);
        join(&m, &input, &output, p.out_width / p.in_width);
    } else {
        m.timing(1, p.in_width / p.out_width);
        split(&m, &input, &output, p.in_width / p.out_width);
    }
    m.finish()
}

/// Parts are shifted in from the top until the first has reached the bottom.
fn join<'m>(m: &'m ModuleBuilder, input: &StreamIn<'m>, output: &StreamOut<'m>, parts: u32) {
    let data = m.register("data", output["data"].ty());
    let valid = m.register("valid", bit()).reset(0);
    let push = input.fire().named("push");
    let part = input["data"];
    let mut begun = None;
    if parts == 1 {
        m.when(push, || data.set(part));
        m.when(input.ready, || valid.set(input.valid));
    } else {
        let rest = data.slice(part.width(), data.width() - part.width());
        m.when(push, || data.set(concat(m, &[part, rest])));
        let count = m.register("count", uint(index_width(parts))).reset(0);
        let is_last = count.eq(parts - 1).named("is_last");
        let next = (count + 1).truncate(count.width());
        m.when(push, || count.set(is_last.mux(0, next)));
        m.when(push & is_last, || valid.set(1)).or_when(output.ready, || valid.set(0));
        begun = Some(count.expr());
    }
    input.ready.set(!valid | output.ready);
    output.valid.set(valid);
    output["data"].set(data);
    let state = State { push, valid: valid.expr(), data: data.expr(), count: begun };
    properties::of_join(m, input, output, parts, &state);
}

/// A beat is shifted out at the bottom, part by part.
fn split<'m>(m: &'m ModuleBuilder, input: &StreamIn<'m>, output: &StreamOut<'m>, parts: u32) {
    let data = m.register("data", input["data"].ty());
    let valid = m.register("valid", bit()).reset(0);
    let count = m.register("count", uint(index_width(parts))).reset(0);
    let is_last = count.eq(parts - 1).named("is_last");
    let (push, pop) = (input.fire().named("push"), output.fire().named("pop"));
    let width = output["data"].width();
    m.when(push, || data.set(input["data"]))
        .or_when(pop, || data.set((data >> width).cast(data.ty())));
    m.when(pop, || count.set(is_last.mux(0, (count + 1).truncate(count.width()))));
    m.when(input.ready, || valid.set(input.valid));
    input.ready.set(!valid | (output.ready & is_last));
    output.valid.set(valid);
    output["data"].set(data.slice(0, width));
    let count = Some(count.expr());
    let state = State { push, valid: valid.expr(), data: data.expr(), count };
    properties::of_split(m, input, output, parts, &state, pop);
}
