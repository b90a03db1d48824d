//! Vectors in hardware: the fields that all of the engine's streams share.

use crate::hdl::{Expr, Field, ModuleBuilder, StreamIn, bit, index_width, uint};

/// The fields that frame a vector of `lanes` elements a beat: `empty`, unless there is one lane,
/// and `last`.
pub(super) fn framing(lanes: u32) -> Vec<Field<'static>> {
    let empty = (lanes > 1).then(|| ("empty", uint(index_width(lanes))));
    empty.into_iter().chain([("last", bit())]).collect()
}

/// What a stream of vectors carries, in words for its ports; `what` a beat has besides its elements.
pub(super) fn document(m: &ModuleBuilder, name: &str, lanes: u32, is_signed: bool, what: &str) {
    let sign = if is_signed { "two's complement" } else { "unsigned" };
    let order =
        if lanes > 1 { ", the first lowest; `empty` lanes of the last beat hold none" } else { "" };
    m.stream_doc(name, &format!("vectors of {sign} elements{order}{what}"));
}

/// Which lanes of a beat hold an element: a bit for each, lane 0 lowest.
pub(super) fn present<'m>(m: &'m ModuleBuilder, input: &StreamIn<'m>, lanes: u32) -> Expr<'m> {
    let empty = (lanes > 1).then(|| input["empty"]);
    present_of(m, empty, input["last"], lanes)
}

/// As [`present`], of a beat with this framing; there is `empty` unless there is one lane.
pub(super) fn present_of<'m>(
    m: &'m ModuleBuilder,
    empty: Option<Expr<'m>>,
    last: Expr<'m>,
    lanes: u32,
) -> Expr<'m> {
    let Some(empty) = empty else { return m.constant(1, bit()) };
    let all = !m.constant(0, uint(lanes));
    // However many lanes are said to be empty, the first one holds an element.
    last.mux(all.shift_right(empty) | 1, all)
}

/// The field that says which of several layers a vector belongs to.
pub(super) fn layer_field(layers: u32) -> Option<Field<'static>> {
    (layers > 1).then(|| ("layer", uint(index_width(layers))))
}

/// The layer of a beat, below `layers`; none if there is only one.
pub(super) fn layer<'m>(input: &StreamIn<'m>, layers: u32) -> Option<Expr<'m>> {
    (layers > 1).then(|| match layers.is_power_of_two() {
        true => input["layer"],
        false => input["layer"].min(layers - 1).truncate(index_width(layers)),
    })
}
