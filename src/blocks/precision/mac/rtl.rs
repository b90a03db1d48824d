//! The hardware of the multiply-accumulate lane.

use std::sync::Arc;

use num_bigint::BigInt;

use super::properties::{self, Progress};
use super::{Mac, MacParameters};
use crate::blocks::Block;
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, Type, bit, sint};

/// The smallest type that holds the sum of any `longest` products.
pub(super) fn sum_type(p: &MacParameters) -> Type {
    let (a, b) = (sint(p.a_width), sint(p.b_width));
    let greatest: BigInt = a.min() * b.min();
    let least: BigInt = (a.min() * b.max()).min(a.max() * b.min());
    Type::of(&(greatest * p.longest)).join(Type::of(&(least * p.longest)))
}

pub(super) fn describe(name: &str, p: &MacParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    let sum_type = sum_type(p);
    let isolated = match p.isolate {
        true => " While nothing is offered, the multiplier sees zeros.",
        false => "",
    };
    m.doc(format!(
        "{}\n\n\
         The sum of up to {} products fits; that of more is exact modulo 2^{}.{isolated} \
         `in_ready_o` follows `out_ready_i` without a register between.",
        Mac::SUMMARY,
        p.longest,
        sum_type.width
    ));
    m.parameter("a_width", p.a_width);
    m.parameter("b_width", p.b_width);
    m.parameter("longest", p.longest);
    m.parameter("isolate", p.isolate);
    m.timing(1, 1);
    let input =
        m.stream_in("in", &[("a", sint(p.a_width)), ("b", sint(p.b_width)), ("last", bit())]);
    let output = m.stream_out("out", &[("sum", sum_type)]);

    let accept = input.fire().named("accept");
    let operand = |name: &str| -> Expr {
        match p.isolate {
            true => input.valid.mux(input[name], 0).named(&format!("{name}_isolated")),
            false => input[name],
        }
    };
    let (a, b) = (operand("a"), operand("b"));
    if p.isolate {
        m.assert("operands_rest", input.valid | (a.eq(0) & b.eq(0)));
    }
    let product = (a * b).named("product");

    let sum = m.register("sum", sum_type);
    let first = m.register("first", bit()).reset(1);
    let valid = m.register("valid", bit()).reset(0);
    let so_far = first.mux(0, sum).named("so_far");
    let next = (so_far + product).wrap(sum_type).named("next_sum");
    m.when(accept, || {
        sum.set(next);
        first.set(input["last"]);
    });
    m.when(input.ready, || valid.set(input.valid & input["last"]));
    input.ready.set(!valid | output.ready);
    output.valid.set(valid);
    output["sum"].set(sum);
    let progress = Progress { first: first.expr(), valid: valid.expr(), next };
    properties::state(&m, p, &input, &output, &progress);
    m.finish()
}
