//! The hardware of the Beneš network: switches, networks of switches, and the streams around.
//!
//! On its way through a network a beat has the bit on top that says whether it is offered; its
//! ready comes back through the same switches.

use std::sync::Arc;

use super::rtl::Streams;
use super::{CrossbarParameters, benes, properties};
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, bit, concat, pack, uint};

/// Beats and readies, one for each port.
type Side<'m> = (Vec<Expr<'m>>, Vec<Expr<'m>>);

fn switch(name: &str, beat: u32) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_switch"));
    m.doc("A switch of a network: two streams go straight, or cross.");
    let cross = m.input("crossed_i", bit());
    let exchange = |first: &str, second: &str, ty| {
        let (a, b) = (m.input(format!("{first}_i"), ty), m.input(format!("{second}_i"), ty));
        m.output(format!("{first}_o"), ty).set(cross.mux(b, a));
        m.output(format!("{second}_o"), ty).set(cross.mux(a, b));
    };
    exchange("first", "second", uint(beat));
    exchange("first_ready", "second_ready", bit());
    m.finish()
}

/// Every second one of several, and the others between.
fn alternate<'m>(values: &[Expr<'m>]) -> [Vec<Expr<'m>>; 2] {
    [0, 1].map(|from| values.iter().skip(from).step_by(2).copied().collect())
}

/// The inverse of [`alternate`].
fn interleave<'m>(first: Vec<Expr<'m>>, second: Vec<Expr<'m>>) -> Vec<Expr<'m>> {
    first.into_iter().zip(second).flat_map(|(first, second)| [first, second]).collect()
}

/// A network of more than two ports around two of half as many.
fn network(name: &str, ports: u32, beat: u32) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_network_{ports}"));
    m.doc("A network of switches: two columns, and two networks of half the size between them.");
    let half = ports as usize / 2;
    let bits = benes::switches(ports as usize);
    let cross = m.input_doc("crossed_i", uint(bits as u32), "which switches cross").bits();
    let beats = m.input_doc("beats_i", uint(ports * beat), "of each port, offered or not on top");
    let ready = m.input("ready_i", uint(ports));

    let switch = switch(name, beat)?;
    let [entry, exit] = [("entry", 0), ("exit", bits - half)].map(|(name, from)| {
        let switches = m.array(name, &[("index", half as u32)], &switch);
        switches.each("crossed_i", &cross[from..from + half]);
        switches
    });
    let [first, second] = alternate(&beats.elements(uint(beat)));
    entry.each("first_i", &first).each("second_i", &second);
    let [first, second] = alternate(&ready.bits());
    exit.each("first_ready_i", &first).each("second_ready_i", &second);

    let inner = half * (2 * half.ilog2() as usize - 1) / 2;
    for (place, from) in [("first", half), ("second", half + inner)] {
        let beats = entry.outputs(&format!("{place}_o"));
        let ready = exit.outputs(&format!("{place}_ready_o"));
        let cross = &cross[from..from + inner];
        let (beats, ready) = through(&m, (name, &format!("{place}_half")), cross, &(beats, ready))?;
        exit.each(&format!("{place}_i"), &beats);
        entry.each(&format!("{place}_ready_i"), &ready);
    }
    let beats = interleave(exit.outputs("first_o"), exit.outputs("second_o"));
    let ready = interleave(entry.outputs("first_ready_o"), entry.outputs("second_ready_o"));
    m.output("beats_o", uint(ports * beat)).set(pack(&m, &beats));
    m.output("ready_o", uint(ports)).set(pack(&m, &ready));
    m.finish()
}

/// The beats that come out of a network, and the readies that go back, from the other way round.
fn through<'m>(
    m: &'m ModuleBuilder,
    (block, name): (&str, &str),
    cross: &[Expr<'m>],
    (beats, ready): &Side<'m>,
) -> Result<Side<'m>, Errors> {
    let beat = beats[0].width();
    if let [cross] = *cross {
        let switch = m.instance(name, &switch(block, beat)?);
        let places = ["first", "second"];
        switch.connect("crossed_i", cross);
        for (index, place) in places.iter().enumerate() {
            switch.connect(&format!("{place}_i"), beats[index]);
            switch.connect(&format!("{place}_ready_i"), ready[index]);
        }
        let out = |suffix: &str| places.map(|place| switch.output(&format!("{place}{suffix}")));
        return Ok((out("_o").to_vec(), out("_ready_o").to_vec()));
    }
    let network = m.instance(name, &network(block, beats.len() as u32, beat)?);
    network.connect("crossed_i", pack(m, cross));
    network.connect("beats_i", pack(m, beats)).connect("ready_i", pack(m, ready));
    let beats = network.output("beats_o").elements(uint(beat));
    Ok((beats, network.output("ready_o").bits()))
}

pub(super) fn describe(name: &str, p: &CrossbarParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.timing(0, 1);
    let streams = Streams::new(&m, p);
    let ports = p.ports() as usize;
    let switches = benes::switches(ports) as u32;
    let cross = m.input_doc("route_i", uint(switches), "which switches of the network cross");
    // Ports beyond the streams offer nothing and take everything.
    let beat = |port: usize| match streams.inputs.get(port) {
        Some(input) => concat(&m, &[input.valid, input["data"]]),
        None => m.constant(0, uint(1 + p.width)),
    };
    let beats: Vec<Expr> = (0..ports).map(beat).collect();
    let mut ready = streams.takes();
    ready.resize(ports, m.constant(1, bit()));
    let side = (beats, ready);
    let (arriving, taken) = through(&m, (name, "network"), &cross.bits(), &side)?;
    for (output, beat) in streams.outputs.iter().zip(&arriving) {
        output.valid.set(beat.bit(p.width));
        output["data"].set(beat.slice(0, p.width));
    }
    for (input, ready) in streams.inputs.iter().zip(&taken) {
        input.ready.set(*ready);
    }
    let hidden =
        arriving.iter().skip(p.outputs as usize).chain(taken.iter().skip(p.inputs as usize));
    hidden.for_each(|value| m.discard(*value));
    properties::network(&m, p, (&side.0, &taken), (&arriving, &side.1));
    m.finish()
}
