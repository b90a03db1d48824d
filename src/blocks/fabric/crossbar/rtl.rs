//! The hardware of the crossbar with multiplexers: its streams, and an outlet for each output.

use std::sync::Arc;

use super::properties::{self, Whole};
use super::{Crossbar, CrossbarParameters, Mode, output};
use crate::blocks::Block;
use crate::config::{Parameters, Tech};
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, StreamIn, StreamOut, bit, index_width, pack, uint,
};

/// The streams of a crossbar.
pub(super) struct Streams<'m> {
    pub inputs: Vec<StreamIn<'m>>,
    pub outputs: Vec<StreamOut<'m>>,
}

impl<'m> Streams<'m> {
    /// Declares them, and says what the module is.
    pub(super) fn new(m: &'m ModuleBuilder, p: &CrossbarParameters) -> Streams<'m> {
        m.doc(Crossbar::SUMMARY);
        for (name, value) in p.to_values().iter() {
            m.parameter(name, value.to_string().trim_matches('"'));
        }
        let (mut coming, mut leaving): (Vec<Field>, Vec<Field>) =
            (vec![("data", uint(p.width))], vec![("data", uint(p.width))]);
        if p.mode != Mode::Static {
            coming.push(("to", uint(p.to_width())));
        }
        if p.mode == Mode::Arbitrated {
            coming.push(("last", bit()));
            leaving.push(("last", bit()));
        }
        if p.mode != Mode::Static {
            leaving.push(("source", uint(index_width(p.inputs))));
        }
        let inputs = (0..p.inputs).map(|i| m.stream_in(&format!("in_{i}"), &coming)).collect();
        let outputs = (0..p.outputs).map(|i| m.stream_out(&format!("out_{i}"), &leaving)).collect();
        Streams { inputs, outputs }
    }

    /// A field of every input.
    pub(super) fn coming(&self, field: &str) -> Vec<Expr<'m>> {
        self.inputs.iter().map(|stream| stream[field]).collect()
    }

    /// Whether each input offers a beat.
    pub(super) fn offers(&self) -> Vec<Expr<'m>> {
        self.inputs.iter().map(|stream| stream.valid).collect()
    }

    /// Whether each output is taken from.
    pub(super) fn takes(&self) -> Vec<Expr<'m>> {
        self.outputs.iter().map(|stream| stream.ready).collect()
    }
}

pub(super) fn describe(
    name: &str,
    p: &CrossbarParameters,
    tech: &Tech,
) -> Result<Arc<Module>, Errors> {
    let outlet = output::describe(name, p, tech)?;
    let m = ModuleBuilder::new(name);
    if p.mode == Mode::Static {
        m.timing(0, 1);
    }
    let streams = Streams::new(&m, p);
    let offered = pack(&m, &streams.offers()).named("offered");
    let outlets = m.array("outlet", &[("index", p.outputs)], &outlet);
    outlets.broadcast("valid_i", offered);
    outlets.each("ready_i", &streams.takes());
    for (i, input) in streams.inputs.iter().enumerate() {
        for (field, value) in input.payload().filter(|(field, _)| *field != "last") {
            outlets.broadcast(&format!("in_{i}_{field}_i"), value);
        }
    }
    let mut select = None;
    match p.mode {
        Mode::Static => {
            let what = format!(
                "for each output, {} bits with the number of the input that it follows",
                p.select_width()
            );
            let numbers = m.input_doc("select_i", uint(p.outputs * p.select_width()), &what);
            outlets.each("select_i", &numbers.elements(uint(p.select_width())));
            select = Some(numbers);
        }
        Mode::Arbitrated | Mode::Multicast => {
            let numbers: Vec<u32> = (0..p.outputs).collect();
            outlets.each("number_i", &numbers);
        }
    }
    if p.mode == Mode::Arbitrated {
        outlets.broadcast("last_i", pack(&m, &streams.coming("last")).named("last"));
    }
    let waits = outlets.outputs("waits_o");
    let waiting = waits.iter().copied().reduce(|a, b| a | b).expect("there is an output");
    let waiting = waiting.named("waiting");
    if p.mode != Mode::Arbitrated {
        outlets.broadcast("waiting_i", waiting);
    }
    for (input, waits) in streams.inputs.iter().zip(waiting.bits()) {
        input.ready.set(!waits);
    }
    let valid = outlets.outputs("valid_o");
    for (i, output) in streams.outputs.iter().enumerate() {
        output.valid.set(valid[i]);
    }
    let fields: Vec<&str> = streams.outputs[0].payload().map(|(field, _)| field).collect();
    for field in fields {
        let values = outlets.outputs(&format!("{field}_o"));
        for (output, value) in streams.outputs.iter().zip(values) {
            output[field].set(value);
        }
    }
    properties::whole(&m, p, &Whole { streams: &streams, offered, select, waits });
    m.finish()
}
