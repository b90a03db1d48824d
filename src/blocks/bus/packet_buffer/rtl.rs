//! The hardware of the packet buffer.

use std::sync::Arc;

use super::properties::{self, Buffer, Packet};
use super::{PacketBuffer, PacketBufferParameters};
use crate::blocks::Block;
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, StreamIn, StreamOut, bit, index_width, pack, uint,
};

/// What a beat that comes in is, in itself.
struct Form<'m> {
    /// Whether its packet can be right as far as `keep` says.
    is_well_formed: Expr<'m>,
    /// Its elements.
    elements: Expr<'m>,
}

/// The parts of a beat that goes out, the lowest of the RAM's word first.
fn fields(p: &PacketBufferParameters) -> Vec<Field<'static>> {
    let empty = (p.lanes > 1).then(|| ("empty", uint(index_width(p.lanes))));
    let head = [("data", uint(p.lanes * p.width)), ("new_sequence", bit())];
    head.into_iter().chain(empty).chain([("last", bit())]).collect()
}

pub(super) fn describe(name: &str, p: &PacketBufferParameters) -> Result<Arc<Module>, Errors> {
    let (lanes, container) = (p.lanes, 8 * p.bytes());
    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "{}\n\n\
         A beat of `in` has {lanes} containers of {container} bits with an element of {} bits at the \
         bottom of each; `in_keep_i` has a bit for each byte. A packet of `length_i` elements goes on, \
         others are dropped; in the cycle after the last beat of one of these one of `malformed_o`, \
         `long_o` and `short_o` is high. If a packet's last beat is accepted in cycle t, its first \
         beat goes out in t + 2.",
        PacketBuffer::SUMMARY,
        p.width
    ));
    m.parameter("lanes", p.lanes);
    m.parameter("width", p.width);
    m.parameter("longest", p.longest);
    let data = uint(lanes * container);
    let keep = uint(lanes * p.bytes());
    let input =
        m.stream_in("in", &[("data", data), ("keep", keep), ("user", bit()), ("last", bit())]);
    m.stream_doc(
        "in",
        "packets of elements, the first lowest; `user` of the first beat: a new sequence begins",
    );
    let output = m.stream_out("out", &fields(p));
    let empty = if lanes > 1 { "; `empty` lanes of the last beat hold none" } else { "" };
    m.stream_doc("out", &format!("right packets, the first element lowest{empty}"));
    let ty = uint(index_width(p.longest + 1));
    let what = format!("elements of a right packet, 1 to {}; rests meanwhile", p.longest);
    let length = m.input_doc("length_i", ty, &what);
    let length = match length.gt(p.longest).constant() {
        Some(_) => length,
        None => length.min(p.longest).truncate(ty.width).named("length"),
    };

    let form = form(&m, p, &input);
    let packet = judge(&m, p, &input, length, &form);
    let buffer = store(&m, p, &input, &output, &form, &packet);
    properties::state(&m, p, &input, &output, length, &packet, &buffer);
    m.finish()
}

/// Looks at `keep`, which has the same bits for all bytes of an element.
fn form<'m>(m: &'m ModuleBuilder, p: &PacketBufferParameters, input: &StreamIn<'m>) -> Form<'m> {
    let keep = input["keep"];
    let of_lane = |byte: u32| {
        let bits: Vec<Expr> = (0..p.lanes).map(|lane| keep.bit(lane * p.bytes() + byte)).collect();
        pack(m, &bits)
    };
    let present = if p.bytes() > 1 { of_lane(0).named("present") } else { keep };
    let mut begins_below = keep.bit(0);
    if keep.width() > 1 {
        let below = keep.width() - 1;
        let gaps = keep.slice(1, below) & !keep.slice(0, below);
        begins_below = begins_below & !gaps.any().named("has_gap");
    }
    if p.bytes() > 1 {
        let is_cut = present.ne(of_lane(p.bytes() - 1)).named("is_cut");
        begins_below = begins_below & !is_cut;
    }
    let is_well_formed = keep.all() | (input["last"] & begins_below);
    Form {
        is_well_formed: is_well_formed.named("is_well_formed"),
        elements: present.count_ones().named("elements"),
    }
}

/// What is known of the packet with the beat that is offered.
fn judge<'m>(
    m: &'m ModuleBuilder,
    p: &PacketBufferParameters,
    input: &StreamIn<'m>,
    length: Expr<'m>,
    form: &Form<'m>,
) -> Packet<'m> {
    let first = m.register("first", bit()).reset(1).doc("whether a packet's first beat is next");
    let count = m.register("count", uint(index_width(p.longest))).reset(0);
    count.doc("elements of the packet so far, unless it is dropped");
    let was_malformed = m.register("was_malformed", bit()).reset(0);
    was_malformed.doc("whether a beat of the packet was malformed");
    let was_long = m.register("was_long", bit()).reset(0);
    was_long.doc("whether the packet is known to be too long");
    let new_sequence = m.register("new_sequence", bit()).reset(0);
    new_sequence.doc("whether a new sequence begins with the packet, or with the next right one");

    let accept = input.fire().named("accept");
    let last = input["last"];
    let total = (count + form.elements).named("total");
    // Another element follows a beat that is not the last.
    let exceeds = last.mux(total.gt(length), total.ge(length)).named("exceeds");
    let malformed = (was_malformed | !form.is_well_formed).named("malformed");
    let long = (was_long | exceeds).named("too_long");
    let short = (last & total.lt(length)).named("too_short");
    let wrong = (malformed | long | short).named("wrong");
    let begins = (new_sequence | (first & input["user"])).named("begins");
    let ends = (accept & last).named("ends");
    let commit = (ends & !wrong).named("commit");
    m.when(accept, || {
        first.set(last);
        count.set(last.mux(0, total.wrap(count.ty())));
        was_malformed.set(malformed & !last);
        was_long.set(long & !last);
        new_sequence.set(begins & !commit);
    });
    for (name, is, what) in [
        ("malformed", malformed, "a malformed packet was dropped"),
        ("long", long & !malformed, "a packet with more elements was dropped"),
        ("short", short & !(malformed | long), "a packet with fewer elements was dropped"),
    ] {
        let dropped = m.register(format!("dropped_{name}"), bit()).reset(0);
        dropped.set(ends & is);
        m.output(format!("{name}_o"), bit()).doc(what).set(dropped);
    }
    Packet {
        accept,
        wrong,
        commit,
        begins,
        first: first.expr(),
        count: count.expr(),
        was_malformed: was_malformed.expr(),
        was_long: was_long.expr(),
        new_sequence: new_sequence.expr(),
    }
}

/// Beats are written behind those that are kept; those of a right packet are kept with its last.
fn store<'m>(
    m: &'m ModuleBuilder,
    p: &PacketBufferParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    form: &Form<'m>,
    packet: &Packet<'m>,
) -> Buffer<'m> {
    let depth = p.depth();
    let address = index_width(depth);
    // One bit more than an address has tells a full RAM from an empty one.
    let ty = uint(address + 1);
    let write = m.register("write", ty).reset(0).doc("where the next beat is written");
    let kept = m.register("kept", ty).reset(0).doc("behind the last beat of the last right packet");
    let read = m.register("read", ty).reset(0).doc("where the next beat is read");
    let valid = m.register("valid", bit()).reset(0).doc("whether the RAM's output is a beat");

    let is_full = (write - read).wrap(ty).eq(depth).named("is_full");
    let drops = (packet.was_malformed | packet.was_long).named("drops");
    input.ready.set(!is_full | drops);
    let behind = (write + 1).truncate(ty.width).named("behind");
    m.when(packet.accept, || write.set(packet.wrong.mux(kept, behind)));
    m.when(packet.commit, || kept.set(behind));

    let container = 8 * p.bytes();
    let elements = input["data"].elements(uint(container));
    let elements: Vec<Expr> = elements.iter().map(|all| all.slice(0, p.width)).collect();
    let mut word = vec![pack(m, &elements), packet.begins];
    if p.lanes > 1 {
        let empty = (m.constant(p.lanes, form.elements.ty()) - form.elements)
            .wrap(uint(index_width(p.lanes)));
        word.push(empty.named("empty"));
    }
    word.push(input["last"]);
    let word = pack(m, &word);
    let beats = m.memory("beats", depth, word.ty());
    beats.write(write.truncate(address), word, packet.accept & !drops);

    let pop = output.fire().named("pop");
    let fetch = (read.ne(kept) & (!valid | pop)).named("fetch");
    m.when(fetch, || {
        valid.set(1);
        read.set((read + 1).truncate(ty.width));
    })
    .or_when(pop, || valid.set(0));
    let front = beats.read("front", read.truncate(address), fetch);
    output.valid.set(valid);
    let mut low = 0;
    for (_, field) in output.payload() {
        field.set(front.slice(low, field.width()));
        low += field.width();
    }
    Buffer { beats, pop, drops, write: write.expr(), kept: kept.expr(), read: read.expr() }
}
