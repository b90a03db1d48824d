//! The hardware of the packet buffer.

use std::sync::Arc;

use super::properties::{self, Buffer, Packet};
use super::{PacketBuffer, PacketBufferParameters};
use crate::blocks::Block;
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, StreamIn, StreamOut, bit, index_width, pack, uint,
};

/// What `keep` says of a beat.
struct Form<'m> {
    /// Whether the packet can be right.
    is_well_formed: Expr<'m>,
    /// How many elements the beat has.
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
    let containers = if lanes > 1 { format!("{lanes} containers") } else { "a container".into() };
    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "{}\n\n\
         A beat of `in` has {containers} of {container} bits, with an element of {} bits at the bottom \
         of each; `in_keep_i` has a bit for each byte. A packet of `length_i` elements goes \
         on; its first beat goes out at the earliest two cycles after its last one came in. For each \
         packet that is dropped, one of `malformed_o`, `long_o` and `short_o` is high in the cycle \
         after its last beat came in.",
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
    let what = format!("elements of right packets, 1 to {}; rests while any are inside", p.longest);
    let asked = m.input_doc("length_i", ty, &what);
    let length = match asked.gt(p.longest).constant() {
        Some(_) => asked,
        None => asked.min(p.longest).truncate(ty.width).named("length"),
    };

    let form = form(&m, p, &input);
    let packet = judge(&m, p, &input, length, &form);
    let buffer = store(&m, p, &input, &output, &form, &packet);
    properties::contract(&m, &input, &output, asked, buffer.holds);
    properties::state(&m, p, &input, &output, length, &packet, &buffer);
    m.finish()
}

/// Looks at `keep`: full, or of the last beat the bytes of the first elements.
fn form<'m>(m: &'m ModuleBuilder, p: &PacketBufferParameters, input: &StreamIn<'m>) -> Form<'m> {
    let keep = input["keep"];
    let of_lane = |byte: u32| {
        let bits: Vec<Expr> = (0..p.lanes).map(|lane| keep.bit(lane * p.bytes() + byte)).collect();
        pack(m, &bits)
    };
    let present = if p.bytes() > 1 { of_lane(0).named("present") } else { keep };
    let mut is_contiguous = keep.bit(0);
    if keep.width() > 1 {
        let below = keep.width() - 1;
        let gaps = keep.slice(1, below) & !keep.slice(0, below);
        is_contiguous = is_contiguous & !gaps.any().named("has_gap");
    }
    if p.bytes() > 1 {
        let is_cut = present.ne(of_lane(p.bytes() - 1)).named("is_cut");
        is_contiguous = is_contiguous & !is_cut;
    }
    let is_well_formed = m.wire("is_well_formed", bit());
    is_well_formed.doc("whether the beat is full, or the last and full up to some element");
    is_well_formed.set(match keep.width() {
        1 => keep,
        _ => keep.all() | (input["last"] & is_contiguous),
    });
    let count = present.count_ones();
    let elements = m.wire("elements", count.ty()).doc("of the beat");
    elements.set(count);
    Form { is_well_formed: is_well_formed.expr(), elements: elements.expr() }
}

/// What is known of the packet with the beat that is offered.
fn judge<'m>(
    m: &'m ModuleBuilder,
    p: &PacketBufferParameters,
    input: &StreamIn<'m>,
    length: Expr<'m>,
    form: &Form<'m>,
) -> Packet<'m> {
    let first =
        m.register("first", bit()).reset(1).doc("whether the next beat is a packet's first");
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
    let sum = count + form.elements;
    let total = m.wire("total", sum.ty()).doc("elements of the packet with those of the beat");
    total.set(sum);
    // Another element follows a beat that is not the last.
    let exceeds = last.mux(total.gt(length), total.ge(length)).named("exceeds");
    let malformed = (was_malformed | !form.is_well_formed).named("malformed");
    let long = (was_long | exceeds).named("too_long");
    let short = (last & total.lt(length)).named("too_short");
    let wrong = m.wire("wrong", bit()).doc("whether the packet is known to be dropped");
    wrong.set(malformed | long | short);
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
    let faults = [
        ("malformed", malformed, "a malformed packet was dropped"),
        ("long", long & !malformed, "one with more than `length_i` elements was"),
        ("short", short & !malformed & !long, "one with fewer was"),
    ];
    let faults = faults.map(|(name, is, what)| {
        let dropped = m.register(format!("dropped_{name}"), bit()).reset(0);
        dropped.set(ends & is);
        let output = m.output(format!("{name}_o"), bit()).doc(what);
        output.set(dropped);
        output.expr()
    });
    Packet {
        accept,
        wrong: wrong.expr(),
        commit,
        begins,
        faults,
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
    // There is room for all beats behind one that shows that its packet is dropped: its own.
    input.ready.set(!is_full);
    let next_write = (write + 1).truncate(ty.width).named("next_write");
    m.when(packet.accept, || write.set(packet.wrong.mux(kept, next_write)));
    m.when(packet.commit, || kept.set(next_write));

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
    // What is dropped goes where nothing is kept.
    beats.write(write.truncate(address), word, packet.accept);

    let pop = output.fire().named("pop");
    let fetch = (read.ne(kept) & (!valid | pop)).named("fetch");
    valid.set(fetch | (valid & !output.ready));
    m.when(fetch, || read.set((read + 1).truncate(ty.width)));
    let holds = !packet.first | write.ne(read) | valid;
    let output_holds = m.output("holds_o", bit()).doc("beats are inside, or to come of a packet");
    output_holds.set(holds);
    let front = beats.read("front", read.truncate(address), fetch);
    output.valid.set(valid);
    let mut low = 0;
    for (_, field) in output.payload() {
        field.set(front.slice(low, field.width()));
        low += field.width();
    }
    let (write, kept, read) = (write.expr(), kept.expr(), read.expr());
    Buffer { beats, pop, write, kept, read, holds: output_holds.expr() }
}
