//! The hardware of the register slice.

use std::sync::Arc;

use super::properties::{self, Place};
use super::{Cut, RegisterSlice, RegisterSliceParameters};
use crate::blocks::Block;
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, bit, uint};

/// The offering side of a stream inside of the module.
struct Offer<'m> {
    valid: Expr<'m>,
    data: Expr<'m>,
}

/// What is offered on, ready towards the source, and the places of beats, the first first.
type Stage<'m> = (Offer<'m>, Expr<'m>, Vec<Place<'m>>);

/// Registers valid and payload.
fn forward<'m>(m: &'m ModuleBuilder, from: &Offer<'m>, ready: Expr<'m>) -> Stage<'m> {
    let valid = m.register("valid", bit()).reset(0);
    let data = m.register("data", from.data.ty());
    let accept = (!valid | ready).named("accept");
    m.when(accept, || valid.set(from.valid));
    m.when(accept & from.valid, || data.set(from.data));
    let (is_taken, data) = (valid.expr(), data.expr());
    (Offer { valid: is_taken, data }, accept, vec![Place { is_taken, data }])
}

/// Registers ready: what arrives while the receiver stalls waits in a spare element.
fn backward<'m>(m: &'m ModuleBuilder, from: &Offer<'m>, ready: Expr<'m>) -> Stage<'m> {
    let spare_valid = m.register("spare_valid", bit()).reset(0);
    let spare = m.register("spare", from.data.ty());
    m.when(ready, || spare_valid.set(0)).or_when(from.valid, || spare_valid.set(1));
    // It follows whatever is offered while it is free: then the multiplexer in front of it is that
    // of what is offered on, which is a seventh of the area.
    m.when(!spare_valid, || spare.set(from.data));
    let offer = Offer { valid: from.valid | spare_valid, data: spare_valid.mux(spare, from.data) };
    let place = Place { is_taken: spare_valid.expr(), data: spare.expr() };
    (offer, !spare_valid, vec![place])
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
    let (result, ready, places) = match p.cut {
        Cut::Forward => forward(&m, &offered, output.ready),
        Cut::Backward => backward(&m, &offered, output.ready),
        Cut::Full => {
            // The spare element stands in front, so that both outputs come from registers. Its
            // receiver is ready whenever the register behind it is.
            let accept = m.wire("spare_ready", bit());
            let (middle, ready, spare) = backward(&m, &offered, accept.expr());
            let (result, accepted, mut places) = forward(&m, &middle, output.ready);
            accept.set(accepted);
            places.extend(spare);
            (result, ready, places)
        }
    };
    output.valid.set(result.valid);
    output["data"].set(result.data);
    input.ready.set(ready);
    properties::state(&m, p, &input, &output, &places);
    m.finish()
}
