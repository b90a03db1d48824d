//! Crossbar: brings the beats of several streams to several others.
//!
//! Streams: `in_0`, `in_1`, … and `out_0`, `out_1`, …; payload `data`. In every mode a beat leaves
//! its input in the cycle in which the last of the outputs that it is for takes it, and one that is
//! for no output leaves at once and comes out nowhere. Latency 0: nothing is stored but whose turn
//! it is and who has a copy, so outputs follow inputs in the same cycle, and ready follows ready.
//! No valid or payload depends on a ready, and an offer stands until it is taken. A [register
//! slice](crate::blocks::common::register_slice) in front or behind cuts the paths.
//!
//! # Modes
//!
//! - `static`: output *j* follows the input whose number is element *j* of `select_i`, output 0 in
//!   the lowest bits; a number of `inputs` or more follows none. Several outputs may follow one
//!   input: each takes its copy of a beat when it is ready. `select_i` may change in a cycle before
//!   which no offered beat had to wait.
//! - `arbitrated`: `to` is the number of the output that a beat is for; `outputs` or more is none.
//!   An output takes the inputs that ask for it in turns, a packet each, of which the last beat has
//!   `last`. Once a packet has begun, its output waits for the rest of it, so all beats of a packet
//!   have to have the same `to`.
//! - `multicast`: `to` has a bit for each output that a beat is for; all, some or none. An output
//!   takes the inputs that ask for it in turns, a beat each, and each output its copy as soon as it
//!   is the input's turn there and the output is ready. Beats are self-contained: those of several
//!   inputs mix at an output. Packets could not be kept together without a deadlock, in which two
//!   inputs hold one output each and wait for the other's.
//!
//! Where inputs take turns, `source` at the output is the number of the input.
//!
//! # What waits for what
//!
//! - An output that is not ready delays no other output, but for what stands behind a beat that
//!   waits for it: an input shows one beat at a time, so the beats behind wait, whatever they are
//!   for.
//! - A copy waits for nothing but its own output: neither for the other copies of its beat nor for
//!   their outputs. The next beat of that input waits for the slowest of them.
//! - An output is never idle while an input offers it a beat, unless it waits for the rest of a
//!   packet.
//! - From the cycle in which it is first offered, a beat waits for at most `inputs - 1` others at
//!   an output in the mode `multicast`, and a packet for at most as many other packets in the mode
//!   `arbitrated`.
//!
//! # Topologies
//!
//! `mux` is a multiplexer in front of each output. `benes` is a Beneš network of switches of 2 by
//! 2, for the mode `static`: any permutation, but no copies. It has as many ports as the next power
//! of two, at least 2, and `route_i` has a bit for each switch, which crosses where it is 1;
//! [`route_ports`](benes::route_ports) computes them, the lowest bit first. An input that is led to
//! a port beyond the outputs is for no output. `route_i` may change where `select_i` may.
//!
//! Static routes in OSU018 cells at a width of 8, both topologies through the same recipe
//! (`cargo bench --bench crossbar`); multiplexers can copy and leave outputs out besides:
//!
//! | ports | mux GE | benes GE | benes / mux |
//! |---|---|---|---|
//! | 4 | 294 | 277 | 0.94 |
//! | 8 | 1216 | 888 | 0.73 |
//! | 16 | 5198 | 2451 | 0.47 |
//! | 32 | 21622 | 6244 | 0.29 |
//! | 64 | 82724 | 15184 | 0.18 |
//!
//! Not checked: that `to` stays the same within a packet, and that `select_i` and `route_i` rest.

pub mod benes;
mod model;
mod network;
mod output;
mod properties;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, Violation, choices, parameters};
use crate::hdl::{Errors, Module, index_width};
use crate::model::{Beat, Kind, Model, Random, Shape, Stimulus};

choices! {
    /// What decides which output a beat is for.
    pub enum Mode {
        /// A plain input for each output, which rests while beats wait.
        Static = "static",
        /// The beat: one output.
        Arbitrated = "arbitrated",
        /// The beat: any outputs.
        Multicast = "multicast",
    }
}

choices! {
    /// What the crossbar is made of.
    pub enum Topology {
        /// A multiplexer in front of each output.
        Mux = "mux",
        /// A Beneš network: permutations only.
        Benes = "benes",
    }
}

parameters! {
    /// Parameters of the crossbar.
    pub struct CrossbarParameters {
        /// How many streams come in.
        inputs: u32 = 4 in 1..=64,
        /// How many streams go out.
        outputs: u32 = 4 in 1..=64,
        /// Bits of a beat's data.
        width: u32 = 32 in 1..=512,
        /// What decides which output a beat is for: a plain input for each output (`static`), or
        /// the beat, which names one output (`arbitrated`) or any (`multicast`).
        mode: Mode = Mode::Arbitrated,
        /// A multiplexer in front of each output, or a Beneš network, for static permutations.
        topology: Topology = Topology::Mux,
    }
}

impl CrossbarParameters {
    /// Bits of the number of an output, or one for each.
    fn to_width(&self) -> u32 {
        match self.mode {
            Mode::Multicast => self.outputs,
            _ => index_width(self.outputs),
        }
    }

    /// Bits that choose an input, or none.
    fn select_width(&self) -> u32 {
        index_width(self.inputs + 1)
    }

    /// How many ports a network has on each side.
    fn ports(&self) -> u32 {
        self.inputs.max(self.outputs).next_power_of_two().max(2)
    }
}

/// The crossbar.
pub struct Crossbar;

impl Block for Crossbar {
    type Parameters = CrossbarParameters;
    const NAME: &'static str = "crossbar";
    const SUMMARY: &'static str = "Brings the beats of several streams to several others.";

    fn validate(p: &CrossbarParameters) -> Vec<Violation> {
        if p.topology == Topology::Benes && p.mode != Mode::Static {
            return vec![Violation {
                parameter: "topology",
                code: "E0103",
                rule: "a network of switches has static routes only".to_string(),
                note: format!("topology = \"benes\", mode = \"{}\"", p.mode),
                help: "use topology = \"mux\", or mode = \"static\"".to_string(),
            }];
        }
        vec![]
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        tech: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        match parameters.topology {
            Topology::Mux => rtl::describe(name, parameters, tech),
            Topology::Benes => network::describe(name, parameters),
        }
    }

    fn model(parameters: &CrossbarParameters, _: &Tech) -> Model {
        let p = parameters.clone();
        let model = Model::streams(move |stimulus| model::run(&p, stimulus));
        match parameters.mode {
            Mode::Static => model,
            Mode::Arbitrated => model.with_turns(|_, beat: &Beat| beat[1].bit(0)),
            Mode::Multicast => model.with_turns(|_, _| true),
        }
    }

    fn stimulus(
        parameters: &CrossbarParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn accepts(parameters: &CrossbarParameters, stimulus: &Stimulus) -> bool {
        stimulus::is_legal(parameters, stimulus)
    }

    fn variants() -> Vec<CrossbarParameters> {
        use Mode::{Arbitrated, Multicast, Static};
        let of = |inputs, outputs, width, mode| {
            let topology = Topology::Mux;
            CrossbarParameters { inputs, outputs, width, mode, topology }
        };
        let network = |inputs, outputs, width| CrossbarParameters {
            topology: Topology::Benes,
            ..of(inputs, outputs, width, Static)
        };
        vec![
            of(1, 1, 1, Arbitrated),
            of(3, 2, 3, Arbitrated),
            of(3, 2, 3, Multicast),
            of(3, 2, 3, Static),
            of(1, 3, 2, Multicast),
            of(5, 1, 1, Arbitrated),
            network(1, 1, 1),
            network(3, 4, 3),
        ]
    }

    fn mutated() -> CrossbarParameters {
        CrossbarParameters { inputs: 3, outputs: 2, width: 2, ..Default::default() }
    }

    fn baseline(p: &CrossbarParameters, tech: &Tech) -> Option<Baseline> {
        (tech.reset == Reset::AsyncLow && p.topology == Topology::Mux).then(|| Baseline {
            module: "plain_crossbar",
            text: include_str!("../../../../benches/baselines/crossbar.v"),
            parameters: vec![
                ("INPUTS", p.inputs),
                ("OUTPUTS", p.outputs),
                ("WIDTH", p.width),
                ("MODE", p.mode as u32),
                ("TO_WIDTH", p.to_width()),
                ("SOURCE_WIDTH", index_width(p.inputs)),
                ("SELECT_WIDTH", p.select_width()),
            ],
        })
    }
}
