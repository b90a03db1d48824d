//! The hardware of the delta block.

use std::sync::Arc;

use super::properties::{self, Places};
use super::queue::{Beat, Queue, Waiting};
use super::{Delta, DeltaParameters};
use crate::blocks::Block;
use crate::blocks::temporal::layers::{Flags, PerLayer};
use crate::blocks::temporal::vector::{framing, layer, layer_field};
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, StreamIn, StreamOut, Type, bit, index_width, pack,
    sint, uint,
};

/// What is transmitted of an element.
fn sent_type(p: &DeltaParameters) -> Type {
    sint(p.width + u32::from(!p.clip))
}

/// The modes, as they stand in a beat; 3 is delta as well.
const DENSE: u32 = 0;
const DELTA_FROM: u32 = 2;

/// How a lane scores an element: combinational.
fn score_cell(name: &str, p: &DeltaParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_score"));
    m.doc("How far an element is from its estimate, and what would be transmitted of it.");
    let ty = sint(p.width);
    let element = m.input_doc("element_i", ty, "x");
    let remembered = m.input_doc("remembered_i", ty, "the estimate, if it is known");
    let known = m.input_doc("known_i", bit(), "it is; otherwise it is 0");
    let delta = m.input_doc("delta_i", bit(), "the mode is delta");
    let present = m.input_doc("present_i", bit(), "the lane holds an element");
    let estimate = known.mux(remembered, 0).named("estimate");
    let reference = delta.mux(estimate, 0).named("reference");
    let difference = (element - reference).named("difference");
    m.output("score_o", uint(p.width)).set(difference.abs().truncate(p.width));
    let candidate = match p.clip {
        true => {
            let most = (1 << (p.width - 1)) - 1;
            let clamped = difference.min(most).max(-most).named("clamped");
            delta.mux(clamped, element)
        }
        false => difference,
    };
    m.output("candidate_o", sent_type(p)).set(candidate.wrap(sent_type(p)));
    m.output("base_o", ty).doc("what it is added to").set((delta | !present).mux(estimate, 0));
    m.finish()
}

/// How a lane transmits an element: combinational.
fn send_cell(name: &str, p: &DeltaParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_send"));
    m.doc("What is transmitted of an element, and what its estimate becomes.");
    let candidate = m.input("candidate_i", sent_type(p));
    let base = m.input("base_i", sint(p.width));
    let selected = m.input_doc("selected_i", bit(), "it is transmitted");
    let sent = selected.mux(candidate, 0).named("sent");
    m.output("sent_o", sent_type(p)).set(sent);
    m.output("estimate_o", sint(p.width)).set((base + sent).wrap(sint(p.width)));
    m.finish()
}

/// The memory's elements and masks side by side.
fn word_type(p: &DeltaParameters) -> Type {
    uint(p.lanes * (p.width + 1))
}

pub(super) fn describe(name: &str, p: &DeltaParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    let clamp = if p.clip { "clamped " } else { "" };
    m.doc(format!(
        "{}\n\n\
         Mode 0 (dense) transmits every element x; 1 (mask) those in the mask; 2 and 3 (delta) \
         the {clamp}difference to what was transmitted before of those in the mask. A score \
         goes out one cycle after its beat came in, what is transmitted one cycle after its mask. \
         One beat per cycle; a beat waits while the same place of its layer is between the two. \
         `in_ready_o` follows `score_ready_i`, and `mask_ready_o` follows `out_ready_i`, without a \
         register between.",
        Delta::SUMMARY,
    ));
    m.parameter("width", p.width);
    m.parameter("lanes", p.lanes);
    m.parameter("longest", p.longest);
    m.parameter("layers", p.layers);
    m.parameter("clip", p.clip);
    m.parameter("depth", p.depth);
    let begins: Vec<Field> =
        [("data", uint(p.lanes * p.width)), ("mode", uint(2)), ("new_sequence", bit())]
            .into_iter()
            .chain(layer_field(p.layers))
            .chain(framing(p.lanes))
            .collect();
    let input = m.stream_in("in", &begins);
    let scores = uint(p.lanes * p.width);
    let framed = |fields: [Field<'static>; 2]| -> Vec<Field<'static>> {
        fields.into_iter().chain(framing(p.lanes)).collect()
    };
    let score = m.stream_out("score", &framed([("data", scores), ("previous", uint(p.lanes))]));
    let mask = m.stream_in("mask", &[("mask", uint(p.lanes))]);
    let sent = uint(p.lanes * sent_type(p).width);
    let output = m.stream_out("out", &framed([("data", sent), ("mask", uint(p.lanes))]));
    lanes(&m, name, p, &input, &score, &mask, &output)?;
    m.finish()
}

/// Everything, from `in` to `out`.
fn lanes<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    p: &DeltaParameters,
    input: &StreamIn<'m>,
    score: &StreamOut<'m>,
    mask: &StreamIn<'m>,
    output: &StreamOut<'m>,
) -> Result<(), Errors> {
    let (accept, push, pop) =
        (input.fire().named("accept"), score.fire().named("push"), mask.fire().named("pop"));
    let places = p.layers * p.places();
    let memory = PerLayer::new(m, "estimates", word_type(p), places);
    let busy = Flags::new(m, "busy", places);
    let arrival = arrive(m, p, input, accept);
    let stage_valid = m.register("stage_valid", bit()).reset(0);
    m.when(accept, || stage_valid.set(1)).or_when(push, || stage_valid.set(0));
    input.ready.set((!stage_valid | push) & !busy.get(arrival.beat.place));

    // The stage in which an element meets its estimate.
    let hold = |name: &str, value: Expr<'m>| {
        let held = m.register(format!("stage_{name}"), value.ty());
        m.when(accept, || held.set(value));
        held.expr()
    };
    let word = memory.fetch(m, "remembered", arrival.beat.place, accept);
    let elements = hold("data", input["data"]);
    let (known, delta) = (hold("known", arrival.known), hold("delta", arrival.delta));
    let stage = Beat {
        place: arrival.beat.place.map(|place| hold("place", place)),
        dense: hold("dense", arrival.beat.dense),
        empty: arrival.beat.empty.map(|empty| hold("empty", empty)),
        last: hold("last", arrival.beat.last),
    };
    let cells = m.array("score", &[("lane", p.lanes)], &score_cell(name, p)?);
    cells.each("element_i", &elements.elements(sint(p.width)));
    cells.each("remembered_i", &word.slice(0, p.lanes * p.width).elements(sint(p.width)));
    cells.each("present_i", &stage.present(m, p).bits());
    cells.broadcast("known_i", known).broadcast("delta_i", delta);
    let previous = word.slice(p.lanes * p.width, p.lanes);
    let staged = Waiting {
        candidates: pack(m, &cells.outputs("candidate_o")).named("candidates"),
        bases: pack(m, &cells.outputs("base_o")).named("bases"),
        previous: known.mux(previous, 0).named("previous"),
        beat: stage,
    };
    score["data"].set(pack(m, &cells.outputs("score_o")));
    score["previous"].set(staged.previous);
    frame(score, &staged.beat);

    let queue = Queue::new(m, p, &staged, push, pop);
    let Waiting { candidates, bases, .. } = queue.front;
    score.valid.set(stage_valid & queue.level.ne(p.depth));
    let out_valid = m.register("out_valid", bit()).reset(0);
    mask.ready.set(queue.level.ne(0) & (!out_valid | output.ready));

    // The beat that a mask comes for.
    let front = &queue.front.beat;
    let present = front.present(m, p).named("present");
    let all = front.dense.mux(present, mask["mask"] & present).named("selected");
    let cells = m.array("send", &[("lane", p.lanes)], &send_cell(name, p)?);
    cells.each("candidate_i", &candidates.elements(sent_type(p)));
    cells.each("base_i", &bases.elements(sint(p.width)));
    cells.each("selected_i", &all.bits());
    let sent = pack(m, &cells.outputs("sent_o")).named("sent");
    let estimates = pack(m, &cells.outputs("estimate_o")).named("new_estimates");
    // What the vector does not reach keeps its mask.
    let masks = (all | (queue.front.previous & !present)).named("new_masks");
    let next = pack(m, &[estimates, masks]);
    // What waits is in a memory, too, of which a proof would have to know each word.
    memory.write_if_there(m, front.place, next, pop);
    busy.change(m, (accept, arrival.beat.place), Some((pop, front.place)));

    m.when(pop, || out_valid.set(1)).or_when(output.ready, || out_valid.set(0));
    output.valid.set(out_valid);
    let send = |name: &str, value: Expr<'m>| {
        let held = m.register(format!("out_{name}"), value.ty());
        m.when(pop, || held.set(value));
        output[name].set(held);
    };
    send("data", sent);
    send("mask", all);
    if let Some(empty) = front.empty {
        send("empty", empty);
    }
    send("last", front.last);

    properties::streams(m, p, score, output, [accept, push, pop], &queue, stage_valid.expr());
    properties::estimates(
        m,
        p,
        &Places {
            accept,
            push,
            pop,
            arrival: &arrival,
            elements: input["data"],
            staged: &staged,
            stage_valid: stage_valid.expr(),
            queue: &queue,
            present,
            selected: all,
            sent,
            next,
            memory: &memory,
            busy: &busy,
            score,
            output,
        },
    );
    Ok(())
}

fn frame<'m>(stream: &StreamOut<'m>, beat: &Beat<'m>) {
    if let Some(empty) = beat.empty {
        stream["empty"].set(empty);
    }
    stream["last"].set(beat.last);
}

/// A beat as it arrives.
pub(super) struct Arrival<'m> {
    pub beat: Beat<'m>,
    pub delta: Expr<'m>,
    /// Whether the place was written since the sequence began.
    pub known: Expr<'m>,
    /// Its layer, if there are several.
    pub layer: Option<Expr<'m>>,
    /// Whether it is the first of its vector.
    pub first: Expr<'m>,
    /// Whether a sequence begins with it.
    pub begins: Expr<'m>,
    /// Which beat of its vector it is, up to the last that has a place.
    pub number: Expr<'m>,
    /// How many places of each layer have been written since the sequence began, where any has.
    pub extent: PerLayer<'m>,
    pub begun: Flags<'m>,
}

/// What the first beat of a vector says is held for the others.
fn arrive<'m>(
    m: &'m ModuleBuilder,
    p: &DeltaParameters,
    input: &StreamIn<'m>,
    accept: Expr<'m>,
) -> Arrival<'m> {
    let first = m.register("is_first", bit()).reset(1);
    m.when(accept, || first.set(input["last"]));
    let held = |name: &str, value: Expr<'m>| {
        let register = m.register(name, value.ty());
        m.when(accept & first, || register.set(value));
        first.mux(value, register).named(&format!("{name}_now"))
    };
    let mode = held("mode", input["mode"]);
    let layer = layer(input, p.layers).map(|layer| held("layer", layer));
    let begins = (first & input["new_sequence"]).named("sequence_begins");

    let count = p.places();
    let number = counter(m, "number", count, accept, input["last"]);
    let extent = PerLayer::new(m, "extent", uint(index_width(count + 1)), p.layers);
    let begun = Flags::new(m, "begun", p.layers);
    let known_extent = extent.read("extent_before", layer);
    let so_far = (begun.get(layer) & !begins).mux(known_extent, 0).named("extent_now");
    let known = number.lt(so_far).named("is_known");
    let reached = known.mux(so_far, number + 1).wrap(uint(index_width(count + 1)));
    extent.write(m, layer, reached, accept);
    begun.change(m, (accept, layer), None);

    let place = place_of(p, layer, number);
    let beat = Beat {
        place: place.map(|place| place.named("place")),
        dense: mode.eq(DENSE),
        empty: (p.lanes > 1).then(|| input["empty"]),
        last: input["last"],
    };
    let delta = mode.ge(DELTA_FROM);
    let first = first.expr();
    Arrival { beat, delta, known, layer, first, begins, number, extent, begun }
}

/// Where a beat lies in the memory.
pub(super) fn place_of<'m>(
    p: &DeltaParameters,
    layer: Option<Expr<'m>>,
    number: Expr<'m>,
) -> Option<Expr<'m>> {
    let ty = uint(index_width(p.layers * p.places()));
    match (layer, p.places()) {
        (None, 1) => None,
        (None, _) => Some(number),
        (Some(layer), 1) => Some(layer),
        (Some(layer), count) => Some((layer * count + number).wrap(ty)),
    }
}

/// Counts up to the last and stays there; begins again behind the last beat of a vector.
fn counter<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    count: u32,
    when: Expr<'m>,
    ends: Expr<'m>,
) -> Expr<'m> {
    if count == 1 {
        return m.constant(0, bit());
    }
    let number = m.register(name, uint(index_width(count))).reset(0);
    let next = number.eq(count - 1).mux(number, (number + 1).truncate(number.width()));
    m.when(when, || number.set(ends.mux(0, next)));
    number.expr()
}
