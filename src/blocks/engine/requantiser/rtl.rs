//! The hardware of the requantiser: four stages.

use std::sync::Arc;

use super::lane::{self, STAGES};
use super::{Requantiser, RequantiserParameters};
use crate::blocks::Block;
use crate::blocks::engine::{of_layer as of, rest};
use crate::config::Parameters;
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, Signal, Type, bit, index_width, pack, sint, uint,
};

/// A factor of the requantisation.
pub(super) const MULTIPLIER: u32 = 16;

/// How far products are shifted, at most 31.
pub(super) const SHIFT: u32 = 5;

fn sum_type(p: &RequantiserParameters) -> Type {
    sint(p.sum_bits)
}

fn layer_type(p: &RequantiserParameters) -> Type {
    uint(index_width(p.layers))
}

/// What goes with a beat from stage to stage.
#[derive(Clone, Copy)]
struct Context<'m> {
    valid: Expr<'m>,
    layer: Expr<'m>,
    tag: Expr<'m>,
    last: Expr<'m>,
}

/// A stage of registers: a beat comes in where `goes` is 1, and moves on where `leaves` is.
struct Stage<'m> {
    goes: Expr<'m>,
    came: Expr<'m>,
    leaves: Signal<'m>,
    /// The beat that it holds.
    beat: Context<'m>,
}

impl<'m> Stage<'m> {
    /// The stage behind a beat.
    fn new(m: &'m ModuleBuilder, name: &'static str, before: Context<'m>) -> Stage<'m> {
        let leaves = m.wire(format!("{name}_leaves"), bit());
        let valid = m.register(format!("{name}_valid"), bit()).reset(0);
        let goes = (!valid | leaves).named(&format!("{name}_goes"));
        m.when(goes, || valid.set(before.valid));
        let came = (goes & before.valid).named(&format!("{name}_comes"));
        let kept = |field: &str, value: Expr<'m>| {
            let register = m.register(format!("{name}_{field}"), value.ty());
            m.when(came, || register.set(value));
            register.expr()
        };
        let beat = Context {
            valid: valid.expr(),
            layer: kept("layer", before.layer),
            tag: kept("tag", before.tag),
            last: kept("last", before.last),
        };
        Stage { goes, came, leaves, beat }
    }
}

pub(super) fn describe(name: &str, p: &RequantiserParameters) -> Result<Arc<Module>, Errors> {
    let lane = lane::describe(&format!("{name}_lane"), p)?;
    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "{}\n\n\
         A sum and its bias, times a factor, rounded, shifted and saturated, are an element of the \
         next layer's vector. The final layer's sums go out as results, with their biases.",
        Requantiser::SUMMARY
    ));
    for (name, value) in p.to_values().iter() {
        m.parameter(name, value);
    }
    let (sum, address) = (sum_type(p), uint(index_width(p.biases)));
    let load = m.stream_in(
        "load",
        &[
            ("address", address),
            ("lane", uint(index_width(p.lanes + 1))),
            ("bias", sum),
            ("last", bit()),
        ],
    );
    m.stream_doc("load", "biases");
    let tagged = [("layer", layer_type(p)), ("tag", bit()), ("last", bit())];
    let beat = |field: Field<'static>| -> Vec<Field<'static>> {
        [field].into_iter().chain(tagged).collect()
    };
    let input = m.stream_in("in", &beat(("sums", uint(p.lanes * p.sum_bits))));
    m.stream_doc("in", "sums of a layer, the first lowest");
    let empty = (p.lanes > 1).then(|| ("empty", uint(index_width(p.lanes))));
    let with_empty = |field| beat(field).into_iter().chain(empty).collect::<Vec<_>>();
    let output = m.stream_out("out", &with_empty(("data", uint(p.lanes * p.activation_bits))));
    m.stream_doc("out", "the vector of the layer `out_layer_o`, the first element lowest");
    let result = m.stream_out("result", &with_empty(("sums", uint(p.lanes * p.sum_bits))));
    m.stream_doc("result", "sums of the final layer, the first lowest");
    let final_layer = m.input_doc("final_layer_i", layer_type(p), "whose sums are results");
    let settings = |name: &str, ty: Type, doc: &str| {
        m.input_doc(name, uint(p.layers * ty.width), &format!("{doc}, of each layer"))
    };
    let base = settings("bias_base_i", address, "address of the first beat's biases");
    let multiplier = settings("multiplier_i", uint(MULTIPLIER), "factor of accumulators");
    let shift_all = settings("shift_i", uint(SHIFT), "by how many bits products are shifted");
    let relu_all = settings("relu_i", bit(), "whether negative elements become 0");
    let emptys =
        empty.map(|(_, ty)| settings("empty_i", ty, "lanes of the last beat without element"));

    let loading = m.register("loading", bit()).reset(1).doc("biases are to come");
    m.when(load.fire(), || loading.set(!load["last"]));

    // The biases of a beat are read as it goes in.
    let beats = m.register("beats", address).reset(0).doc("beats of the vector that went in");
    let accept = input.fire().named("accept");
    m.when(accept, || {
        let next = (beats + 1).truncate(address.width);
        beats.set(input["last"].mux(0, next).wrap(address));
    });
    let came = Context {
        valid: (input.valid & !loading).named("offered"),
        layer: input["layer"],
        tag: input["tag"],
        last: input["last"],
    };
    let arrived = Stage::new(&m, "arrived", came);
    input.ready.set(arrived.goes & !loading);
    let first = of(base, input["layer"], address).named("bias_base_of_layer");
    let bias_address = (first + beats).truncate(address.width).named("bias_address");
    let biased = Stage::new(&m, "biased", arrived.beat);
    let is_result = biased.beat.layer.eq(final_layer).named("is_result");
    let goes_on = (biased.beat.valid & !is_result).named("goes_on");
    let goes_on = Context { valid: goes_on, ..biased.beat };
    let multiplied = Stage::new(&m, "multiplied", goes_on);
    let shifted = Stage::new(&m, "shifted", multiplied.beat);

    let lanes = m.array("lane", &[("lane", p.lanes)], &lane);
    let writes = |lane: u32| load.fire() & load["lane"].eq(lane);
    lanes.each("write_i", &(0..p.lanes).map(writes).collect::<Vec<_>>());
    lanes.broadcast("write_address_i", load["address"]).broadcast("bias_i", load["bias"]);
    lanes.broadcast("read_i", accept).broadcast("read_address_i", bias_address);
    lanes.each("sum_i", &input["sums"].elements(sum));
    for (name, stage) in STAGES.iter().zip([&arrived, &biased, &multiplied, &shifted]) {
        lanes.broadcast(&format!("{name}_comes_i"), stage.came);
    }
    let (in_biased, in_multiplied) = (biased.beat.layer, multiplied.beat.layer);
    let factor = of(multiplier, in_biased, uint(MULTIPLIER)).named("multiplier_of_layer");
    let shift = of(shift_all, in_multiplied, uint(SHIFT)).named("shift_of_layer");
    let relu = of(relu_all, in_multiplied, bit()).named("relu_of_layer");
    lanes.broadcast("multiplier_i", factor).broadcast("shift_i", shift).broadcast("relu_i", relu);
    result.valid.set(biased.beat.valid & is_result);
    result["sums"].set(pack(&m, &lanes.outputs("biased_o")));
    output.valid.set(shifted.beat.valid);
    output["data"].set(pack(&m, &lanes.outputs("element_o")));
    shifted.leaves.set(output.ready);
    multiplied.leaves.set(shifted.goes);
    biased.leaves.set(is_result.mux(result.ready, multiplied.goes));
    arrived.leaves.set(biased.goes);

    for (stream, context) in [(&output, shifted.beat), (&result, biased.beat)] {
        stream["tag"].set(context.tag);
        stream["last"].set(context.last);
        if let (Some((name, ty)), Some(all)) = (empty, emptys) {
            stream[name].set(context.last.mux(of(all, context.layer, ty), 0).wrap(ty));
        }
    }
    output["layer"].set((shifted.beat.layer + 1).truncate(layer_type(p).width));
    result["layer"].set(biased.beat.layer);
    let busy = [&arrived, &biased, &multiplied, &shifted].map(|stage| stage.beat.valid);
    let holds = busy.into_iter().reduce(|any, valid| any | valid).expect("there are stages");
    let holds = holds.named("holds");
    m.output("holds_o", bit()).doc("whether any beat is inside").set(holds);
    load.ready.set(loading | (!holds & !input.valid).named("rests"));
    let settings = [final_layer, base, multiplier, shift_all, relu_all];
    rest(&m, &settings.into_iter().chain(emptys).collect::<Vec<_>>(), holds);
    m.finish()
}
