//! The hardware at an output of the crossbar: whose beat it is, and a multiplexer.

use std::sync::Arc;

use super::properties::{self, Turns};
use super::{CrossbarParameters, Mode};
use crate::blocks::Block;
use crate::blocks::common::arbiter::{Arbiter, ArbiterParameters};
use crate::config::Tech;
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, Type, bit, index_width, pack, uint};

/// What all inputs offer, and the output's receiver.
struct Ports<'m> {
    /// A bit for each input.
    valid: Expr<'m>,
    data: Vec<Expr<'m>>,
    ready: Expr<'m>,
}

/// What an output does.
struct Choice<'m> {
    /// Whose data come out, a bit for each input.
    chosen: Expr<'m>,
    /// Whether they are a beat.
    valid: Expr<'m>,
    /// A bit for each input whose beat is yet to be taken here after this cycle.
    waits: Expr<'m>,
}

/// The item whose bit is the only one set; 0 if none is.
fn one_of<'m>(m: &'m ModuleBuilder, chosen: Expr<'m>, items: &[Expr<'m>]) -> Expr<'m> {
    let zero = m.constant(0, items[0].ty());
    let terms = chosen.bits().into_iter().zip(items).map(|(bit, item)| bit.mux(*item, zero));
    terms.reduce(|a, b| a | b).unwrap_or(zero)
}

/// `value` where `condition` is 1, else 0.
fn gated<'m>(condition: Expr<'m>, value: Expr<'m>) -> Expr<'m> {
    condition.mux(value, 0)
}

pub(super) fn describe(
    name: &str,
    p: &CrossbarParameters,
    tech: &Tech,
) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_outlet"));
    m.doc("An output of a crossbar: takes the beats that are for it.");
    let valid = m.input_doc("valid_i", uint(p.inputs), "which inputs offer a beat");
    let each = |field: &str, ty: Type| -> Vec<Expr> {
        (0..p.inputs).map(|input| m.input(format!("in_{input}_{field}_i"), ty)).collect()
    };
    let data = each("data", uint(p.width));
    let ready = m.input("ready_i", bit());
    let ports = Ports { valid, data, ready };
    let choice = match p.mode {
        Mode::Static => follow(&m, p, &ports),
        Mode::Arbitrated => {
            let asks = asking(&m, p, valid, &each("to", uint(p.to_width())));
            take_packets(&m, name, p, &ports, asks, tech)?
        }
        Mode::Multicast => {
            let asks = asking(&m, p, valid, &each("to", uint(p.to_width())));
            take_copies(&m, name, p, &ports, asks, tech)?
        }
    };
    m.output("valid_o", bit()).set(choice.valid);
    m.output("data_o", uint(p.width)).set(one_of(&m, choice.chosen, &ports.data));
    let waits = m.output("waits_o", uint(p.inputs)).doc("whose beat has yet to be taken");
    waits.set(choice.waits);
    m.finish()
}

/// Which inputs offer a beat that is for this output.
fn asking<'m>(
    m: &'m ModuleBuilder,
    p: &CrossbarParameters,
    valid: Expr<'m>,
    to: &[Expr<'m>],
) -> Expr<'m> {
    let number = m.input_doc("number_i", uint(index_width(p.outputs)), "that of this output");
    let is_here = |to: &Expr<'m>| match p.mode {
        Mode::Multicast => to.bit_at(number),
        _ => to.eq(number),
    };
    let here: Vec<Expr<'m>> = to.iter().map(is_here).collect();
    (valid & pack(m, &here)).named("asks")
}

/// Which inputs offer a beat that some output has yet to take after this cycle.
fn waiting<'m>(m: &'m ModuleBuilder, p: &CrossbarParameters) -> Expr<'m> {
    m.input_doc(
        "waiting_i",
        uint(p.inputs),
        "whose beat stays, because any output has yet to take it",
    )
}

/// The beats of one input. Where others follow it, too, this output may have a copy before them.
fn follow<'m>(m: &'m ModuleBuilder, p: &CrossbarParameters, ports: &Ports<'m>) -> Choice<'m> {
    let select = m.input_doc("select_i", uint(p.select_width()), "the input to follow");
    let waiting = waiting(m, p);
    let follows: Vec<Expr<'m>> = (0..p.inputs).map(|input| select.eq(input)).collect();
    let follows = pack(m, &follows).named("follows");
    let offered = (follows & ports.valid).named("offered");
    let taken = m.register("taken", bit()).reset(0).doc("this output has its copy");
    let done = (taken | ports.ready).named("done");
    taken.set(done & (offered & waiting).any());
    Choice { chosen: follows, valid: offered.any() & !taken, waits: done.mux(0, follows) }
}

/// The inputs that take turns, and the number of the one whose turn it is.
fn in_turns<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    p: &CrossbarParameters,
    request: Expr<'m>,
    advance: Expr<'m>,
    tech: &Tech,
) -> Result<Expr<'m>, Errors> {
    let parameters = ArbiterParameters { requesters: p.inputs, hold: true };
    let arbiter = Arbiter::elaborate(&format!("{name}_arbiter"), &parameters, tech)?;
    let arbiter = m.instance("arbiter", &arbiter);
    arbiter.connect("request_i", request).connect("advance_i", advance);
    let source = m.output("source_o", uint(index_width(p.inputs)));
    source.doc("the number of the input").set(arbiter.output("index_o"));
    Ok(arbiter.output("grant_o"))
}

/// Packets of the inputs in turns: the arbiter's grant stays until the last beat is taken, also
/// while the packet's next beat is not there yet.
fn take_packets<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    p: &CrossbarParameters,
    ports: &Ports<'m>,
    asks: Expr<'m>,
    tech: &Tech,
) -> Result<Choice<'m>, Errors> {
    let lasts = m.input_doc("last_i", uint(p.inputs), "whose beat is the last of its packet");
    let in_packet = m.register("in_packet", bit()).reset(0).doc("the packet goes on");
    // The grant stays with whoever has it while that one asks, and so does everybody then.
    let everybody = pack(m, &vec![in_packet.expr(); p.inputs as usize]);
    let request = (asks | everybody).named("request");
    let advance = m.wire("advance", bit());
    let grant = in_turns(m, name, p, request, advance.expr(), tech)?;
    let valid = (grant & asks).any().named("valid");
    let last = (grant & lasts).any().named("last");
    let take = (valid & ports.ready).named("take");
    advance.set(take & last);
    m.when(take, || in_packet.set(!last));
    m.output("last_o", bit()).set(last);
    let turns = Turns { asks, request, grant };
    properties::packets(m, p, &turns, in_packet, (valid, take, last));
    Ok(Choice { chosen: grant, valid, waits: asks & !gated(ports.ready, grant) })
}

/// Beats of the inputs in turns. An input whose beat other outputs have yet to take does not ask
/// for a second copy.
fn take_copies<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    p: &CrossbarParameters,
    ports: &Ports<'m>,
    asks: Expr<'m>,
    tech: &Tech,
) -> Result<Choice<'m>, Errors> {
    let waiting = waiting(m, p);
    let taken = m.register("taken", asks.ty()).reset(0).doc("whose beat has its copy here");
    let request = (asks & !taken).named("request");
    let grant = in_turns(m, name, p, request, ports.ready, tech)?;
    let waits = (request & !gated(ports.ready, grant)).named("waits");
    taken.set(asks & waiting & !waits);
    let valid = request.any().named("valid");
    let turns = Turns { asks: request, request, grant };
    properties::copies(m, &turns, (valid, valid & ports.ready));
    Ok(Choice { chosen: grant, valid, waits })
}
