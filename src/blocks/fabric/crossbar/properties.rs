//! What is proven of the crossbar.
//!
//! What holds of the beats of one arbitrary input, and of one arbitrary output, holds of all. That
//! nobody starves, the arbiter's properties say: a request that stands is granted after at most
//! `inputs - 1` turns of others (`others_at_most`). Here follows that whoever waits for an output
//! asks its arbiter, and that a turn is a packet or a beat.

use super::rtl::Streams;
use super::{CrossbarParameters, Mode};
use crate::hdl::{Expr, ModuleBuilder, Signal, bit, index_width, pack, uint};

/// The arbiter of an output.
pub(super) struct Turns<'m> {
    /// Which inputs wait for the output.
    pub asks: Expr<'m>,
    /// Which ask the arbiter.
    pub request: Expr<'m>,
    /// Who is granted.
    pub grant: Expr<'m>,
}

/// Whether a beat is offered, whether it is taken, and whether it is the last of its packet.
pub(super) fn packets<'m>(
    m: &'m ModuleBuilder,
    p: &CrossbarParameters,
    turns: &Turns<'m>,
    in_packet: Signal<'m>,
    (valid, take, last): (Expr<'m>, Expr<'m>, Expr<'m>),
) {
    let &Turns { asks, request, grant } = turns;
    let begun = m.register("begun", bit()).reset(0).doc("a packet has begun here, and not ended");
    let owner = m.register("owner", grant.ty()).reset(0).doc("whose it is");
    m.when(take, || {
        begun.set(!last);
        owner.set(grant);
    });
    m.assert("packet_is_whole", !(begun & take) | grant.eq(owner));
    m.assert("free_output_serves", begun | valid.eq(asks.any()));
    let owner_asks = (asks & owner).any();
    m.assert("packet_is_served", !begun | valid.eq(owner_asks));
    m.assert("who_waits_asks", (asks & !request).eq(0));
    // Why: the grant waits for the packet.
    m.assert("begun_in_packet", begun.eq(in_packet));
    m.assert("grant_waits", !begun | (grant.eq(owner) & owner.any()));
    take_turns(m, asks, grant, take & last);
    let others = if p.inputs == 1 { !asks.any() } else { asks.any() };
    m.cover("packet_pauses", begun & !owner_asks & others);
    m.cover("packet_ends", begun & take & last);
}

/// Whether a beat is offered, and whether it is taken.
pub(super) fn copies<'m>(
    m: &'m ModuleBuilder,
    turns: &Turns<'m>,
    (valid, take): (Expr<'m>, Expr<'m>),
) {
    m.assert("output_serves", turns.grant.any().eq(valid));
    take_turns(m, turns.asks, turns.grant, take);
}

/// States that a turn that ends is followed by another's, if others wait for one.
fn take_turns<'m>(m: &'m ModuleBuilder, asks: Expr<'m>, grant: Expr<'m>, ends: Expr<'m>) {
    let ended = m.register("ended", bit()).reset(0).doc("a turn ended in the cycle before");
    let last = m.register("last_turn", grant.ty()).doc("whose it was");
    ended.set(ends);
    last.set(grant);
    let others_ask = (asks & !last).any();
    m.assert("turn_moves_on", !(ended & others_ask) | (grant & last).eq(0));
}

/// The crossbar from outside, and what its outlets say.
pub(super) struct Whole<'a, 'm> {
    pub streams: &'a Streams<'m>,
    /// A bit for each input that offers a beat.
    pub offered: Expr<'m>,
    /// Of static routes, for each output the input that it follows.
    pub select: Option<Expr<'m>>,
    /// For each output, whose beat it has yet to take.
    pub waits: Vec<Expr<'m>>,
}

pub(super) fn whole<'m>(m: &'m ModuleBuilder, p: &CrossbarParameters, whole: &Whole<'_, 'm>) {
    let Whole { streams, offered, .. } = *whole;
    let selects = whole.select.map(|all| all.elements(uint(p.select_width())));
    // Any number that a source can have.
    let from_width = if selects.is_some() { p.select_width() } else { index_width(p.inputs) };
    let from = m.any_constant("from", uint(from_width));
    let to = m.any_constant("to", uint(index_width(p.outputs)));
    let offers = offered.bit_at(from).named("from_offers");
    let for_output: Vec<Expr<'m>> = match (&selects, p.mode) {
        (Some(selects), _) => selects.iter().map(|select| select.eq(from)).collect(),
        (None, Mode::Multicast) => from.select(&streams.coming("to")).bits(),
        (None, _) => {
            let number = from.select(&streams.coming("to"));
            (0..p.outputs).map(|output| number.eq(output)).collect()
        }
    };
    let wanted = offers.mux(pack(m, &for_output), 0).named("wanted");
    // Which outputs show its beat, and which of these are taken from.
    let shows = |output: usize| {
        let stream = &streams.outputs[output];
        let source = match &selects {
            Some(selects) => selects[output],
            None => stream["source"].expr(),
        };
        stream.valid.expr() & source.eq(from)
    };
    let shown: Vec<Expr<'m>> = (0..streams.outputs.len()).map(shows).collect();
    let shown = pack(m, &shown).named("shown");
    let moved = (shown & pack(m, &streams.takes())).named("moved");
    let ready: Vec<Expr<'m>> = streams.inputs.iter().map(|stream| stream.ready.expr()).collect();
    let ready = pack(m, &ready);

    let delivered = m.register("delivered", wanted.ty()).reset(0);
    let missing = (wanted & !delivered).named("missing");
    let stays = (offers & !ready.bit_at(from)).named("stays");
    delivered.set(stays.mux(delivered | moved, 0));
    m.assert("nothing_invented", (shown & !missing).eq(0));
    m.assert("leaves_with_last_copy", !offers | stays.eq((missing & !moved).any()));
    let is_shown = shown.bit_at(to);
    for (field, _) in streams.outputs[0].payload().filter(|(field, _)| *field != "source") {
        let sent = from.select(&streams.coming(field));
        let all: Vec<Expr<'m>> =
            streams.outputs.iter().map(|stream| stream[field].expr()).collect();
        m.assert(&format!("{field}_arrives"), !is_shown | to.select(&all).eq(sent));
    }
    if p.mode != Mode::Arbitrated {
        let valid: Vec<Expr<'m>> =
            streams.outputs.iter().map(|stream| stream.valid.expr()).collect();
        m.assert("whoever_waits_is_served", (missing & !pack(m, &valid)).eq(0));
    }
    // The outlets' registers and this count agree.
    let waits: Vec<Expr<'m>> = whole.waits.iter().map(|waits| waits.bit_at(from)).collect();
    m.assert("copies_are_counted", !offers | pack(m, &waits).eq(missing & !moved));
    if let Some(select) = whole.select {
        let waited = m.register("beats_waited", bit()).reset(0);
        waited.set((offered & !ready).any());
        m.assume("routes_rest", !waited | select.eq(m.delayed("select_was", select)));
    }
    m.cover("beat_leaves", moved.any() & !stays);
    m.cover("beat_waits", shown.any() & stays);
    if p.outputs > 1 && p.mode != Mode::Arbitrated {
        m.cover("copies_leave_apart", delivered.any() & !stays & moved.any());
    }
    let has_number_of_none = p.outputs == 1 || !p.outputs.is_power_of_two();
    if p.mode != Mode::Arbitrated || has_number_of_none {
        m.cover("beat_for_nobody", offers & wanted.eq(0));
    }
}

/// `before` and `after` a network: for each port a beat below whether it is offered, and whether it
/// is taken.
pub(super) fn network<'m>(
    m: &'m ModuleBuilder,
    p: &CrossbarParameters,
    before: (&[Expr<'m>], &[Expr<'m>]),
    after: (&[Expr<'m>], &[Expr<'m>]),
) {
    // Input 0 can have any payload, also while it offers none.
    let payload = before.0[0].truncate(before.0[0].width() - 1).named("payload");
    let like = |beats: &[Expr<'m>]| -> Vec<Expr<'m>> {
        let is_like = |beat: &Expr<'m>| beat.msb() & beat.truncate(beat.width() - 1).eq(payload);
        beats.iter().map(is_like).collect()
    };
    let (offered, arriving) = (like(before.0), like(after.0));
    let taken = |beats: &[Expr<'m>], ready: &[Expr<'m>]| -> Vec<Expr<'m>> {
        beats.iter().zip(ready).map(|(beat, ready)| *beat & *ready).collect()
    };
    let (leaving, moving) = (taken(&offered, before.1), taken(&arriving, after.1));
    let count = |name: &str, beats: &[Expr<'m>]| pack(m, beats).named(name).count_ones();
    let same = count("offered", &offered).eq(count("arriving", &arriving));
    m.assert("as_many_arrive_as_are_offered", same);
    let same = count("leaving", &leaving).eq(count("moving", &moving));
    m.assert("as_many_move_on_both_sides", same);
    m.cover("first_moves", before.0[0].msb() & before.1[0]);
    let last = p.inputs as usize - 1;
    m.cover("last_waits", before.0[last].msb() & !before.1[last]);
}
