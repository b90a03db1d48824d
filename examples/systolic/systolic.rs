//! An output-stationary int8 systolic matrix multiplier of run-time size.
//!
//! Computes C = A·B for an A of `rows` x K and a B of K x `cols`, both int8, for any K. Beat k
//! brings column k of A and row k of B; after the last, the rows of C come out, the bottom row
//! first, as 32-bit integers. Operands move one element right or down at each step, so an element
//! talks to its neighbours only.

use std::sync::Arc;

use lacuna::hdl::*;

/// One element: a multiplier and an accumulator that can also take its neighbour's.
fn element() -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new("systolic_element");
    m.doc("Multiply-accumulate element: adds a product at each step, or takes the sum from above.");
    let step = m.input("step_i", bit());
    let drain = m.input("drain_i", bit());
    let act = m.input("act_i", sint(8));
    let weight = m.input("weight_i", sint(8));
    let above = m.input("sum_i", sint(32));
    let sum = m.register("sum", sint(32)).reset(0);
    let product = (act * weight).named("product");
    m.when(drain, || sum.set(above)).or_when(step, || sum.set((sum + product).truncate(32)));
    m.output("sum_o", sint(32)).set(sum);
    m.finish()
}

/// Delays element i of `lanes` by i enabled cycles, so that operands meet where they should.
fn skew<'m>(m: &'m ModuleBuilder, name: &str, lanes: Expr<'m>, step: Expr<'m>) -> Vec<Expr<'m>> {
    let mut rest = lanes;
    let mut skewed = vec![rest.slice(0, 8).as_signed()];
    for lane in 1..lanes.width() / 8 {
        let held = m.register(format!("{name}_skew_{lane}"), uint(rest.width() - 8));
        let later = rest.slice(8, rest.width() - 8);
        m.when(step, || held.set(later));
        rest = held.expr();
        skewed.push(rest.slice(0, 8).as_signed());
    }
    skewed
}

/// The whole multiplier.
pub fn systolic(rows: u32, cols: u32) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("systolic_{rows}x{cols}"));
    m.doc(
        "Output-stationary systolic matrix multiplier, int8 by int8 into 32-bit sums.\n\n\
         Beat k of `in` is column k of A and row k of B, `last` with the last of any number of \
         beats; then the rows of the product come out, the bottom one first. The operands pass \
         through in rows + cols - 2 cycles, in which nothing is taken. After reset the array \
         flushes itself once.",
    );
    m.parameter("rows", rows);
    m.parameter("cols", cols);

    let input =
        m.stream_in("in", &[("act", uint(8 * rows)), ("weight", uint(8 * cols)), ("last", bit())]);
    m.stream_doc("in", "a column of A, a row of B, lane 0 in the lowest bits");
    let output = m.stream_out("out", &[("sum", uint(32 * cols)), ("last", bit())]);
    m.stream_doc("out", "a row of C, the bottom row first");

    // After the last beat the operands need as many steps as the array is long to pass through.
    // So do those that are in the array at reset, and the sums that they leave behind are drained
    // unseen.
    let steps = rows + cols - 2;
    let state = m.state_machine("state", &["Flush", "Drain", "Load"]);
    let clean = m.register("clean", bit()).reset(0).doc("what reset left behind is gone");
    let count = m.register("count", uint(index_width(steps.max(rows) + 1))).reset(0);
    let (load, flush, drain) = (state.is("Load"), state.is("Flush"), state.is("Drain"));
    let step = ((load & input.valid) | flush).named("step");
    let drained = (drain & (output.ready | !clean)).named("drained");
    let at_end = count.eq(rows - 1).named("at_end");
    let next = (count + 1).truncate(count.width());
    state.switch(|arms| {
        arms.case("Load", || {
            m.when(input.valid & input["last"], || {
                state.goto(if steps > 0 { "Flush" } else { "Drain" })
            });
        });
        arms.case("Flush", || {
            count.set(next);
            m.when(count.eq(steps.max(1) - 1), || {
                count.set(0);
                state.goto("Drain");
            });
        });
        arms.case("Drain", || {
            m.when(drained, || {
                count.set(next);
                m.when(at_end, || {
                    count.set(0);
                    clean.set(1);
                    state.goto("Load");
                });
            });
        });
    });

    // Zeros follow the last beat, so what flows through behind it adds nothing.
    let act = load.mux(input["act"], 0).named("act");
    let weight = load.mux(input["weight"], 0).named("weight");
    let elements = m.array("element", &[("row", rows), ("col", cols)], &element()?);
    elements.shift("act_i", "col", &skew(&m, "act", act, step), step);
    elements.shift("weight_i", "row", &skew(&m, "weight", weight, step), step);
    elements.broadcast("step_i", step).broadcast("drain_i", drained);
    elements.chain("sum_i", "sum_o", "row", &vec![0; cols as usize]);

    input.ready.set(load);
    output.valid.set(drain & clean);
    output["sum"].set(pack(&m, &elements.last("sum_o", "row")));
    output["last"].set(at_end);
    m.finish()
}
