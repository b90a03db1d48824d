//! A lane: from a sum to an element of the next layer's vector, in four stages.

use std::sync::Arc;

use super::RequantiserParameters;
use super::rtl::{MULTIPLIER, SHIFT};
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, bit, index_width, sint, uint};

/// The stages, in the order in which a sum goes through them.
pub(super) const STAGES: [&str; 4] = ["arrived", "biased", "multiplied", "shifted"];

/// The module of a lane.
pub(super) fn describe(name: &str, p: &RequantiserParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc("A lane of the requantiser: its biases, and a value in each stage.");
    let (sum, address) = (sint(p.sum_bits), uint(index_width(p.biases)));
    let write = m.input_doc("write_i", bit(), "a bias is loaded");
    let write_address = m.input("write_address_i", address);
    let bias = m.input("bias_i", sum);
    let read = m.input_doc("read_i", bit(), "takes the bias of the sum that comes");
    let read_address = m.input("read_address_i", address);
    let value = m.input("sum_i", sum);
    let moves = STAGES.map(|stage| {
        let what = format!("a value comes to the stage `{stage}`");
        (stage, m.input_doc(format!("{stage}_comes_i"), bit(), &what))
    });
    let factor = m.input_doc("multiplier_i", uint(MULTIPLIER), "of the layer in stage `biased`");
    let shift = m.input_doc("shift_i", uint(SHIFT), "of the layer in stage `multiplied`");
    let relu = m.input_doc("relu_i", bit(), "whether negative elements become 0, of the same");
    let stage = |number: usize, value: Expr<'_>| {
        let (name, comes) = moves[number];
        let register = m.register(name, value.ty());
        m.when(comes, || register.set(value));
        register.expr()
    };

    let biases = m.memory("biases", p.biases, sum);
    biases.write(write_address, bias, write);
    let bias = biases.read("bias", read_address, read);
    let accumulator = (stage(0, value) + bias).wrap(sum).named("accumulator");
    let biased = stage(1, accumulator);
    m.output("biased_o", sum).doc("the sum with its bias").set(biased);
    let product = stage(2, biased * factor);
    let half = (m.constant(1, bit()).shift_left(shift) >> 1).named("half");
    let element = sint(p.activation_bits);
    let rounded = (product + half).shift_right(shift).saturate(element);
    let shifted = stage(3, (relu & rounded.msb()).mux(0, rounded).wrap(element));
    m.output("element_o", element).doc("the element").set(shifted);
    m.finish()
}
