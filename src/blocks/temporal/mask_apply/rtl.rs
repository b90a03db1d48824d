//! The hardware of mask apply.

pub(super) mod queue;
pub(super) mod window;

use std::sync::Arc;

use num_bigint::BigInt;

use super::properties;
use super::{MaskApply, MaskApplyParameters};
use crate::blocks::Block;
use crate::blocks::temporal::vector::framing;
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, StreamIn, Type, bit, index_width, pack, uint,
};

/// The stream that comes in.
fn input<'m>(m: &'m ModuleBuilder, p: &MaskApplyParameters) -> StreamIn<'m> {
    let mut fields: Vec<Field> = vec![("data", uint(p.window * p.width)), ("mask", uint(p.window))];
    if p.joint {
        fields.push(("weight_mask", uint(p.window)));
    }
    fields.extend(framing(p.window));
    m.stream_in("in", &fields)
}

/// The elements that survive, a bit for each.
fn survivors<'m>(m: &'m ModuleBuilder, p: &MaskApplyParameters, input: &StreamIn<'m>) -> Expr<'m> {
    let mut survivors = input["mask"];
    if p.window > 1 {
        // A shift prints shorter than a comparison for each lane.
        let all = m.constant((BigInt::from(1) << p.window) - 1, uint(p.window));
        let of_last = all.shift_right(input["empty"]) | 1;
        survivors = survivors & input["last"].mux(of_last, all).named("present");
    }
    let survivors = if p.joint { survivors & input["weight_mask"] } else { survivors };
    survivors.named("survivors")
}

/// An element that becomes zero unless it is kept.
fn gate_element(name: &str, width: u32) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc("An element, or zero.");
    let data = m.input("data_i", uint(width));
    let keep = m.input("keep_i", bit());
    m.output("data_o", uint(width)).set(keep.mux(data, 0));
    m.finish()
}

pub(super) fn gate(name: &str, p: &MaskApplyParameters) -> Result<Arc<Module>, Errors> {
    let element = gate_element(&format!("{name}_element"), p.width)?;
    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "{}\n\nWhat does not survive becomes zero. There are gates alone between `in` and `out`.",
        MaskApply::SUMMARY
    ));
    m.parameter("width", p.width);
    m.parameter("window", p.window);
    m.parameter("mode", p.mode);
    m.parameter("joint", p.joint);
    m.timing(0, 1);
    let input = input(&m, p);
    let data = ("data", uint(p.window * p.width));
    let output = m.stream_out("out", &[data, ("mask", uint(p.window)), ("last", bit())]);
    let survivors = survivors(&m, p, &input);
    let elements = m.array("element", &[("lane", p.window)], &element);
    elements.each("data_i", &input["data"].elements(uint(p.width)));
    elements.each("keep_i", &survivors.bits());
    input.ready.set(output.ready);
    output.valid.set(input.valid);
    output["data"].set(pack(&m, &elements.outputs("data_o")));
    output["mask"].set(survivors);
    output["last"].set(input["last"]);
    properties::of_gate(&m, p.width, &input, &output, survivors);
    m.finish()
}

/// Sizes of the compaction.
pub(super) struct Sizes {
    /// Elements of a window.
    pub window: u32,
    /// Survivors of a beat that goes out.
    pub lanes: u32,
    /// Survivors that move in a cycle at most.
    pub take: u32,
    /// Beats of the queue.
    pub beats: u32,
    /// A place in the window.
    pub lane: Type,
    /// A place in the vector.
    pub index: Type,
    /// The element with its place in the vector.
    pub item: Type,
}

impl Sizes {
    fn new(p: &MaskApplyParameters) -> Sizes {
        let index = uint(index_width(p.longest));
        Sizes {
            window: p.window,
            lanes: p.lanes,
            take: (2 * p.lanes).min(p.window),
            beats: p.queue / p.lanes,
            lane: uint(index_width(p.window)),
            index,
            item: uint(p.width + index.width),
        }
    }
}

pub(super) fn compact(name: &str, p: &MaskApplyParameters) -> Result<Arc<Module>, Errors> {
    let s = Sizes::new(p);
    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "{}\n\n\
         They go out {} in a beat, with their places in the vector. In each cycle up to {} of the \
         offered window move to the queue; the window is accepted with the last of them. A beat goes \
         out when it is known to be whole: a cycle after the next survivor came, or the vector's end. \
         One of count 0 ends a vector without survivors. `in_ready_o` follows the masks and the \
         framing without a register between.",
        MaskApply::SUMMARY,
        s.lanes,
        s.take
    ));
    m.parameter("width", p.width);
    m.parameter("window", p.window);
    m.parameter("mode", p.mode);
    m.parameter("lanes", p.lanes);
    m.parameter("queue", p.queue);
    m.parameter("longest", p.longest);
    m.parameter("joint", p.joint);
    let input = input(&m, p);
    let output = m.stream_out(
        "out",
        &[
            ("data", uint(p.lanes * p.width)),
            ("index", uint(p.lanes * s.index.width)),
            ("count", uint(index_width(p.lanes + 1))),
            ("last", bit()),
        ],
    );
    let survivors = survivors(&m, p, &input);
    let room = m.wire("room", bit()).doc("whether two beats of the queue are free");
    let step = (input.valid & room).named("step");
    let window = window::pick(&m, name, p, &s, &input, survivors, step)?;
    input.ready.set(room & !window.more);
    let queue = queue::hold(&m, &s, &window, &output);
    room.set(queue.used.le(s.beats - 2));
    properties::of_compact(&m, &s, &input, &output, &window, &queue);
    m.finish()
}
