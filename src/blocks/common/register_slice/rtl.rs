//! The hardware of the register slice.

use std::sync::Arc;

use super::{Cut, RegisterSlice, RegisterSliceParameters};
use crate::blocks::Block;
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, bit, uint};

/// The offering side of a stream inside of the module.
struct Offer<'m> {
    valid: Expr<'m>,
    data: Expr<'m>,
}

/// Registers valid and payload. Returns what is offered on, and ready towards the source.
fn forward<'m>(m: &'m ModuleBuilder, from: &Offer<'m>, ready: Expr<'m>) -> (Offer<'m>, Expr<'m>) {
    let valid = m.register("valid", bit()).reset(0);
    let data = m.register("data", from.data.ty());
    let accept = (!valid | ready).named("accept");
    m.when(accept, || valid.set(from.valid));
    m.when(accept & from.valid, || data.set(from.data));
    (Offer { valid: valid.expr(), data: data.expr() }, accept)
}

/// Registers ready: what arrives while the receiver stalls waits in a spare element. Returns what
/// is offered on, and ready towards the source.
fn backward<'m>(m: &'m ModuleBuilder, from: &Offer<'m>, ready: Expr<'m>) -> (Offer<'m>, Expr<'m>) {
    let spare_valid = m.register("spare_valid", bit()).reset(0);
    let spare = m.register("spare", from.data.ty());
    m.when(ready, || spare_valid.set(0)).or_when(from.valid, || spare_valid.set(1));
    // It follows whatever is offered while it is free: then the multiplexer in front of it is that
    // of what is offered on, which is a seventh of the area.
    m.when(!spare_valid, || spare.set(from.data));
    let offer = Offer { valid: from.valid | spare_valid, data: spare_valid.mux(spare, from.data) };
    (offer, !spare_valid)
}

pub(super) fn describe(name: &str, p: &RegisterSliceParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc(RegisterSlice::SUMMARY);
    m.parameter("width", p.width);
    m.parameter("cut", p.cut);
    m.timing(if p.cut == Cut::Backward { 0 } else { 1 }, 1);
    let input = m.stream_in("in", &[("data", uint(p.width))]);
    let output = m.stream_out("out", &[("data", uint(p.width))]);

    let offered = Offer { valid: input.valid, data: input["data"] };
    let (result, ready) = match p.cut {
        Cut::Forward => forward(&m, &offered, output.ready),
        Cut::Backward => backward(&m, &offered, output.ready),
        Cut::Full => {
            // The spare element stands in front, so that both outputs come from registers. Its
            // receiver is ready whenever the register behind it is.
            let accept = m.wire("spare_ready", bit());
            let (middle, ready) = backward(&m, &offered, accept.expr());
            let (result, accepted) = forward(&m, &middle, output.ready);
            accept.set(accepted);
            (result, ready)
        }
    };
    output.valid.set(result.valid);
    output["data"].set(result.data);
    input.ready.set(ready);
    m.finish()
}
