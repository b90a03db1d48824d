//! What is proven of the packet buffer.
//!
//! The packet that comes in is judged a second time, from the ports alone. Beats are numbered as they
//! come in, those of dropped packets not, modulo a power of two that is larger than the number of beats
//! inside; what is stored of the beat of an arbitrary number is followed.

use super::PacketBufferParameters;
use crate::blocks::properties::difference;
use crate::hdl::{
    Expr, Memory, ModuleBuilder, StreamIn, StreamOut, Type, bit, index_width, pack, uint,
};

/// Beats of the longest packet up to which places in packets are followed, and up to which packets that
/// go out are counted and a full buffer is looked for: a solver needs much longer where there are more.
const MOST_FOLLOWED: u32 = 8;
const MOST_COUNTED: u32 = 4;

/// What the buffer knows of the packet that comes in.
pub(super) struct Packet<'m> {
    /// Whether a beat goes in.
    pub accept: Expr<'m>,
    /// Whether the packet is known to be dropped, with that beat.
    pub wrong: Expr<'m>,
    /// Whether that beat makes a right packet complete.
    pub commit: Expr<'m>,
    /// Whether a new sequence begins with the packet.
    pub begins: Expr<'m>,
    /// Whether nothing of it has come.
    pub first: Expr<'m>,
    /// How many of its elements have.
    pub count: Expr<'m>,
    /// Whether one of its beats was malformed.
    pub was_malformed: Expr<'m>,
    /// Whether it has too many elements.
    pub was_long: Expr<'m>,
    /// `malformed_o`, `long_o` and `short_o`.
    pub faults: [Expr<'m>; 3],
    /// Whether a new sequence begins with it or with a later one.
    pub new_sequence: Expr<'m>,
}

/// Where beats are.
pub(super) struct Buffer<'m> {
    /// The RAM.
    pub beats: Memory<'m>,
    /// Whether a beat goes out.
    pub pop: Expr<'m>,
    /// The pointers: where a beat is written, what is behind the last right packet, and where a beat
    /// is read.
    pub write: Expr<'m>,
    pub kept: Expr<'m>,
    pub read: Expr<'m>,
    /// Whether beats are inside, or to come of a packet.
    pub holds: Expr<'m>,
}

/// The packet that comes in, as it is seen from the ports.
struct Judged<'m> {
    /// Its beats that have gone in, at most as many as the longest packet has.
    position: Expr<'m>,
    /// Whether one of these shows that it is dropped.
    is_spoilt: Expr<'m>,
    /// Whether its last beat goes in, and it is right.
    ends_right: Expr<'m>,
    /// Whether the last beat of one that is not went in a cycle ago.
    was_wrong: Expr<'m>,
    /// What goes out for the beat that comes in.
    word: Expr<'m>,
}

/// What is stored, in numbers of beats.
struct Stored<'m> {
    ty: Type,
    /// Whether a beat goes out.
    pop: Expr<'m>,
    /// Whether a beat goes in, and is not of a packet that is dropped already.
    comes: Expr<'m>,
    /// Its number.
    number: Expr<'m>,
    /// The number of the first beat behind those of right packets.
    number_kept: Expr<'m>,
    /// The number of the beat that goes out next.
    number_out: Expr<'m>,
    /// Beats of right packets inside.
    inside: Expr<'m>,
    /// Beats in the RAM.
    level: Expr<'m>,
    /// These, and those of the packet that comes in unless it is dropped.
    held: Expr<'m>,
}

/// The beat of an arbitrary number.
struct Followed<'m> {
    /// The number.
    tracked: Expr<'m>,
    /// Whether it goes in.
    comes: Expr<'m>,
    /// Whether it is inside.
    is_held: Expr<'m>,
    /// How many go out before it does.
    ahead: Expr<'m>,
    /// What goes out for it.
    word: Expr<'m>,
}

pub(super) fn state<'m>(
    m: &'m ModuleBuilder,
    p: &PacketBufferParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    length: Expr<'m>,
    packet: &Packet<'m>,
    buffer: &Buffer<'m>,
) {
    let judged = judge(m, p, input, length, packet);
    let stored = store(m, p, input, output, &judged, buffer);
    let followed = follow(m, output, &judged, &stored, buffer);
    if p.most_beats() <= MOST_FOLLOWED {
        let place = frame(m, p, length, &judged, &stored, &followed);
        if p.most_beats() <= MOST_COUNTED {
            count(m, p, output, (length, place), &judged, &stored, &followed);
        }
    }
    m.cover("in_and_out", packet.accept & buffer.pop);
}

/// What it and its surroundings owe each other besides their streams: the length stays while anything
/// is there that it is compared with.
pub(super) fn contract<'m>(
    m: &'m ModuleBuilder,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    length: Expr<'m>,
    holds: Expr<'m>,
) {
    m.guarantee("holds_what_it_offers", !output.valid | holds);
    let busy = input.valid | holds;
    let was_busy = m.register("was_busy", bit()).reset(0);
    was_busy.set(busy);
    let before = m.delayed("length_was", length);
    m.assume("length_rests", !(busy & was_busy) | length.eq(before));
}

/// Elements are counted in bytes of `keep` here.
fn judge<'m>(
    m: &'m ModuleBuilder,
    p: &PacketBufferParameters,
    input: &StreamIn<'m>,
    length: Expr<'m>,
    packet: &Packet<'m>,
) -> Judged<'m> {
    let (keep, last) = (input["keep"], input["last"]);
    let accept = input.fire();
    let most = p.most_beats();
    let position = m.register("position", uint(index_width(most + 1))).reset(0);
    position.doc("beats of the packet so far, or those of the longest");
    let next = position.eq(most).mux(most, position + 1).truncate(position.width());
    m.when(accept, || position.set(last.mux(0, next)));
    m.assert("position_in_range", position.le(most));
    m.assert("first_is_first", packet.first.eq(position.eq(0)));

    let had_gap = m.register("had_gap", bit()).reset(0);
    m.when(accept, || had_gap.set(!last & (had_gap | !keep.all())));
    let is_contiguous = (keep & (keep + 1).truncate(keep.width())).eq(0) & keep.ne(0);
    let bytes = keep.count_ones();
    let shift = p.bytes().ilog2();
    let is_whole = if shift > 0 { bytes.slice(0, shift).eq(0) } else { m.constant(1, bit()) };
    let is_malformed = had_gap | !last.mux(is_contiguous & is_whole, keep.all());
    let is_malformed = is_malformed.named("is_malformed");
    let before = (position * p.lanes).named("elements_before");
    let size = (before + (bytes >> shift)).named("size");
    let ends = (accept & last).named("packet_ends");
    let ends_right = (ends & !is_malformed & size.eq(length)).named("ends_right");
    let ends_wrong = (ends & !ends_right).named("ends_wrong");

    let was_long = (position.ne(0) & before.ge(length)).named("before_is_long");
    let is_spoilt = (had_gap | was_long).named("is_spoilt");
    m.assert("malformed_counted", packet.was_malformed.eq(had_gap));
    m.assert("long_counted", had_gap | packet.was_long.eq(was_long));
    m.assert("elements_counted", is_spoilt | packet.count.eq(before));

    let was_wrong = m.register("was_wrong", bit()).reset(0);
    was_wrong.set(ends_wrong);
    let sized = ends & !is_malformed;
    let expected = [ends & is_malformed, sized & size.gt(length), sized & size.lt(length)];
    faults(m, p, packet, expected, was_wrong.expr());

    // A packet that was dropped left its new sequence behind.
    let owed = m.register("sequence_owed", bit()).reset(0);
    let user = m.register("user", bit());
    let user_now = position.eq(0).mux(input["user"], user).named("user_now");
    m.when(accept, || user.set(user_now));
    m.when(ends_right, || owed.set(0)).or_when(ends_wrong & user_now, || owed.set(1));
    let begun = position.ne(0) & user;
    m.assert("sequence_counted", packet.new_sequence.eq(owed | begun));
    m.cover("new_sequence_of_a_dropped_one", ends_right & owed & !user_now);

    let elements = input["data"].elements(uint(8 * p.bytes()));
    let elements: Vec<Expr> = elements.iter().map(|all| all.slice(0, p.width)).collect();
    let mut word = vec![pack(m, &elements), owed | user_now];
    if p.lanes > 1 {
        let empty = difference(m.constant(p.lanes, size.ty()), bytes >> shift, size.ty());
        word.push(empty.truncate(index_width(p.lanes)));
    }
    word.push(last);
    let word = pack(m, &word).named("word_in");
    Judged { position: position.expr(), is_spoilt, ends_right, was_wrong: was_wrong.expr(), word }
}

/// Each packet that is dropped shows in one output, others in none.
fn faults<'m>(
    m: &'m ModuleBuilder,
    p: &PacketBufferParameters,
    packet: &Packet<'m>,
    expected: [Expr<'m>; 3],
    was_wrong: Expr<'m>,
) {
    for ((name, fault), expected) in
        ["malformed", "long", "short"].into_iter().zip(packet.faults).zip(expected)
    {
        let was = m.register(format!("was_dropped_as_{name}"), bit()).reset(0);
        was.set(expected);
        m.assert(&format!("{name}_is_told"), fault.eq(was));
        if name != "short" || p.longest > 1 {
            m.cover(&format!("{name}_is_dropped"), was);
        }
    }
    let [malformed, long, short] = packet.faults;
    m.assert("one_fault_each", (malformed + long + short).eq(was_wrong));
}

/// Beats of right packets are inside until they go out, others until their packet is dropped.
fn store<'m>(
    m: &'m ModuleBuilder,
    p: &PacketBufferParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    judged: &Judged<'m>,
    buffer: &Buffer<'m>,
) -> Stored<'m> {
    let &Buffer { write, kept, read, pop, .. } = buffer;
    let ty = write.ty();
    let number_kept = m.register("number_kept", ty).reset(0);
    let number_out = m.register("number_out", ty).reset(0);
    let number = (number_kept + judged.position).wrap(ty).named("number_in");
    m.when(judged.ends_right, || number_kept.set((number + 1).wrap(ty)));
    m.when(pop, || number_out.set((number_out + 1).wrap(ty)));
    let inside = difference(number_kept.expr(), number_out.expr(), ty).named("kept_inside");
    let of_packet = judged.is_spoilt.mux(0, judged.position);
    let held = (inside + of_packet).wrap(ty).named("held_inside");

    m.assert("kept_counted", kept.eq(number_kept));
    m.assert("read_counted", read.eq((number_out + output.valid.expr()).wrap(ty)));
    m.assert("write_counted", write.eq((number_kept + of_packet).wrap(ty)));
    let level = difference(write, read, ty).named("level");
    m.assert("level_in_range", level.le(p.depth()));
    m.assert("kept_between", difference(kept, read, ty).le(level));
    let kept_before = m.delayed("kept_before", kept);
    m.assert("wrong_keeps_nothing", !judged.was_wrong | kept.eq(kept_before));

    let ready = input.ready.expr();
    let is_full = held.eq(output.valid + m.constant(p.depth(), ty)).named("is_full_with_front");
    m.assert("ready_if_room", ready.eq(!is_full));
    m.assert("dropped_is_taken", !judged.is_spoilt | ready);
    m.assert("waits_for_others", ready | inside.ne(0));
    if p.most_beats() <= MOST_COUNTED {
        m.cover("waits_for_room", input.valid & !ready);
    }

    m.assert("nothing_invented", !output.valid | inside.ne(0));
    let stayed = m.register("stayed", bit()).reset(0);
    stayed.set(inside.gt(pop));
    m.assert("nothing_lost", !stayed | output.valid);
    let comes = input.fire() & !judged.is_spoilt;
    Stored {
        ty,
        pop,
        comes,
        number,
        number_kept: number_kept.expr(),
        number_out: number_out.expr(),
        inside,
        level,
        held,
    }
}

/// A beat of a right packet comes out as it came in, in order.
fn follow<'m>(
    m: &'m ModuleBuilder,
    output: &StreamOut<'m>,
    judged: &Judged<'m>,
    stored: &Stored<'m>,
    buffer: &Buffer<'m>,
) -> Followed<'m> {
    let tracked = m.any_constant("tracked", stored.ty);
    let comes = (stored.comes & stored.number.eq(tracked)).named("tracked_comes");
    let word = m.register("tracked_word", judged.word.ty());
    m.when(comes, || word.set(judged.word));
    let ahead = difference(tracked, stored.number_out, stored.ty).named("ahead");
    let is_held = ahead.lt(stored.held).named("tracked_is_held");

    let payload: Vec<Expr> = output.payload().map(|(_, field)| field.expr()).collect();
    let is_next = output.valid & ahead.eq(0);
    m.assert("in_order", !is_next | pack(m, &payload).eq(word));
    let address = tracked.truncate(stored.ty.width - 1);
    let in_place = buffer.beats.read_async("word_in_place", address);
    let in_ram = difference(tracked, buffer.read, stored.ty).lt(stored.level);
    let waits = in_ram.named("tracked_waits");
    m.assert("tracked_in_place", !waits | in_place.eq(word));
    m.cover("tracked_leaves", buffer.pop & ahead.eq(0));
    Followed { tracked, comes, is_held, ahead, word: word.expr() }
}

/// The last beat of each packet is that with its last element, and behind it another packet begins: so
/// all that go out have as many elements as the length is. Returns the place of the tracked beat.
fn frame<'m>(
    m: &'m ModuleBuilder,
    p: &PacketBufferParameters,
    length: Expr<'m>,
    judged: &Judged<'m>,
    stored: &Stored<'m>,
    followed: &Followed<'m>,
) -> Expr<'m> {
    let &Followed { tracked, is_held, ahead, word, .. } = followed;
    let elements = (judged.position + 1) * p.lanes;
    let ends = elements.ge(length).named("should_be_last");
    let mut is_framed = judged.word.msb().eq(ends);
    if p.lanes > 1 {
        let empty = judged.word.slice(p.lanes * p.width + 1, index_width(p.lanes));
        let left = difference(elements, length, empty.ty()).named("lanes_left");
        is_framed = is_framed & empty.eq(ends.mux(left, 0));
    }
    let was_framed = m.register("tracked_was_framed", bit());
    let place = m.register("tracked_place", judged.position.ty());
    m.when(followed.comes, || {
        was_framed.set(is_framed);
        place.set(judged.position);
    });
    m.assert("tracked_is_framed", !is_held | was_framed);

    // Where the packet that comes in begins, and which beat follows the tracked one.
    let is_last = word.msb();
    let next = (tracked + 1).wrap(stored.ty);
    m.assert("kept_ends_with_last", !is_held | next.ne(stored.number_kept) | is_last);
    let is_kept = ahead.lt(stored.inside).named("tracked_is_kept");
    let of_packet = tracked.eq((stored.number_kept + place).wrap(stored.ty)) & !is_last;
    m.assert("place_counted", !is_held | is_kept | of_packet);
    let next_comes = stored.comes & is_held & stored.number.eq(next);
    let expected = is_last.mux(0, place + 1);
    m.assert("places_follow", !next_comes | judged.position.eq(expected));
    place.expr()
}

/// Beats that go out are counted: each packet has as many as the length takes, whatever number that is.
fn count<'m>(
    m: &'m ModuleBuilder,
    p: &PacketBufferParameters,
    output: &StreamOut<'m>,
    (length, tracked_place): (Expr<'m>, Expr<'m>),
    judged: &Judged<'m>,
    stored: &Stored<'m>,
    followed: &Followed<'m>,
) {
    let &Stored { inside, pop, ty, .. } = stored;
    let beats = m.any_constant("beats", judged.position.ty());
    let elements = beats * p.lanes;
    let fits = elements.ge(length) & elements.lt(length + p.lanes) & beats.ne(0);
    let fits = fits.named("beats_fit");

    // What is inside of the packet that goes out, and of others.
    let place = m.register("place_out", beats.ty()).reset(0);
    place.doc("beats of the packet that have gone out");
    let packets = m.register("packets", ty).reset(0);
    packets.doc("right packets inside, with the one that goes out");
    let is_last = (place + 1).eq(beats).named("ends_packet");
    let leaves = (pop & is_last).named("packet_leaves");
    // Where the number of beats is another, all begins again when there are none.
    let is_left_empty = (pop & inside.eq(1) & !judged.ends_right).named("is_left_empty");
    let next = (place + 1).truncate(place.width());
    m.when(pop, || place.set((is_last | is_left_empty).mux(0, next)));
    let counted = (packets + judged.ends_right - leaves).wrap(ty);
    packets.set(is_left_empty.mux(0, counted));
    m.assert("begins_with_none", inside.ne(0) | (place.eq(0) & packets.eq(0)));
    m.assert("place_in_range", !fits | place.lt(beats));
    m.assert("packets_add_up", !fits | (inside + place).eq(packets * beats));

    let packets_ahead = m.register("packets_ahead", ty);
    let before = followed.comes.mux(packets, packets_ahead);
    packets_ahead.set((before - leaves).wrap(ty));
    let known = (fits & followed.is_held).named("tracked_fits");
    let of_last = followed.word.msb().eq((tracked_place + 1).eq(beats));
    m.assert("tracked_is_in_place", !known | (tracked_place.lt(beats) & of_last));
    let of_place = (followed.ahead + place).eq(packets_ahead * beats + tracked_place);
    m.assert("tracked_adds_up", !known | of_place);
    let is_offered = fits & output.valid & followed.ahead.eq(0);
    m.assert("packet_is_whole", !is_offered | output["last"].expr().eq(is_last));
    m.cover("two_packets", fits & packets.gt(1));
    if p.most_beats() > 1 {
        m.cover("packet_of_several", fits & leaves & beats.gt(1));
    }
}
