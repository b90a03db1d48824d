//! One lane: what an element adds to the sums of its beat.

use std::sync::Arc;

use super::CoherenceMetricParameters;
use super::sums::Sum;
use crate::hdl::{Errors, Module, ModuleBuilder, bit, sint};

/// The lanes are a chain: each adds what its element is worth to what comes from the lane below.
pub(super) fn describe(name: &str, p: &CoherenceMetricParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc(
        "Takes an element and, one cycle later, adds what it is worth to the sums of the lanes \
         below.",
    );
    m.parameter("width", p.width);
    m.parameter("lanes", p.lanes);
    let element = m.input("element_i", sint(p.width));
    let present = m.input_doc("present_i", bit(), "whether there is an element; if not, it is 0");
    let accept = m.input("accept_i", bit());
    let masked = present.mux(element, 0).named("masked");
    m.output("element_o", sint(p.width)).doc("for the RAM").set(masked);
    let a = m.register("a", sint(p.width));
    m.when(accept, || a.set(masked));
    let b = m.input_doc("b_i", sint(p.width), "element of the vector before");
    for sum in Sum::needed(p) {
        let ty = sum.ty(p.width, p.lanes);
        let below = m.input(format!("{}_i", sum.name()), ty);
        let own = match sum {
            Sum::Elements => a.expr(),
            Sum::Squares => (a * a).named("square"),
            Sum::Products => (a * b).named("product"),
            Sum::Differences => (a - b).named("a_minus_b").abs(),
            Sum::Magnitudes => a.abs(),
        };
        m.output(format!("{}_o", sum.name()), ty).set((below + own).wrap(ty));
    }
    m.finish()
}
