//! A cluster: cores that multiply and add at variable precision, behind a crossbar, on clocks that
//! stop where there is nothing to do.
//!
//! Streams: from each source, `in_0`, `in_1`, …, packets of a dot product; from each core, `out_0`,
//! `out_1`, …, their sums. A beat is one of [`vp_mac`](crate::blocks::precision::vp_mac) in its
//! organisation `dot` (`activations`, `weights`, `precision`, `last`), with the number of the core
//! that is to work on it in `to`, the same in all beats of a packet; packets for a number beyond
//! the last core come out nowhere. A sum goes out with the number of its `source`.
//!
//! A core works on a packet at a time; sources that ask for the same core take turns, as the
//! arbitrated [`crossbar`](crate::blocks::fabric::crossbar) says. Sums of one source leave a core
//! in order. While a sum waits to be taken, its core takes no beat; other cores go on.
//! `in_*_ready_o` follows `out_*_ready_i` without a register between.
//!
//! Each core runs on a clock of its own behind that of the cluster; the fabric that stops them is
//! [`gating`](crate::blocks::fabric::gating), which has `override_i`, `test_enable_i` and the
//! counters. A core is offered work while a source asks for it, and busy while a sum waits: between
//! the beats of a packet it may sleep, too. The first beat that is offered to a core that sleeps
//! waits for up to `wake_cycles`; whoever is chosen meanwhile stays so.
//!
//! # Timing
//!
//! Each core takes one beat per cycle while it is awake, and its sum goes out in the cycle after
//! the last beat of the packet.

mod model;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::crossbar::{CrossbarParameters, Mode, Topology};
use super::gating::GatingParameters;
use crate::blocks::Block;
use crate::blocks::precision::vp_mac::{Organisation, VpMac, VpMacParameters};
use crate::config::{Tech, Violation, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Beat, Kind, Model, Random, Shape, Stimulus};

/// Bits of what goes through the crossbar, at most.
const WIDEST_BEAT: u32 = 512;

parameters! {
    /// Parameters of the cluster.
    pub struct ClusterParameters {
        /// How many streams bring work.
        sources: u32 = 2 in 1..=16,
        /// How many cores there are.
        cores: u32 = 4 in 1..=16,
        /// Slots of weights of a core.
        lanes: u32 = 4 in 1..=32,
        /// Bits of an activation.
        activation_bits: u32 = 8 in 4..=16,
        /// Bits of the narrowest weight: 2, 4 or 8.
        narrowest: u32 = 2 in 2..=8,
        /// Bits of the widest weight, 8, 16 or 32, whose scale all share.
        widest: u32 = 8 in 8..=32,
        /// Products of the longest sum that fits for certain; they decide its width.
        longest: u32 = 1024 in 1..=1048576,
        /// For how many cycles a core's clock goes on when there is nothing to do.
        idle_cycles: u32 = 4 in 0..=65535,
        /// How many cycles what is offered to a core that sleeps waits for it.
        wake_cycles: u32 = 1 in 0..=15,
        /// Bits of the counters of cycles.
        counter_width: u32 = 32 in 1..=64,
        /// Whether clocks are ever stopped; otherwise cycles are only counted.
        gate: bool = true,
    }
}

impl ClusterParameters {
    /// The parameters of a core.
    fn mac(&self) -> VpMacParameters {
        VpMacParameters {
            organisation: Organisation::Dot,
            lanes: self.lanes,
            activation_bits: self.activation_bits,
            narrowest: self.narrowest,
            widest: self.widest,
            reference: self.widest,
            longest: self.longest,
            ..VpMacParameters::default()
        }
    }

    /// The parameters of the crossbar, for beats of so many bits.
    fn crossbar(&self, width: u32) -> CrossbarParameters {
        CrossbarParameters {
            inputs: self.sources,
            outputs: self.cores,
            width,
            mode: Mode::Arbitrated,
            topology: Topology::Mux,
        }
    }

    /// The parameters of what stops the clocks.
    fn gating(&self) -> GatingParameters {
        GatingParameters {
            clusters: 1,
            cores: self.cores,
            idle_cycles: self.idle_cycles,
            wake_cycles: self.wake_cycles,
            counter_width: self.counter_width,
            gate: self.gate,
        }
    }

    /// Bits of the operands of a beat, with their precision.
    fn beat_width(&self) -> u32 {
        self.lanes * (8 / self.narrowest * self.activation_bits + 8) + 3
    }
}

/// The cluster.
pub struct Cluster;

impl Block for Cluster {
    type Parameters = ClusterParameters;
    const NAME: &'static str = "cluster";
    const SUMMARY: &'static str =
        "Cores for dot products of mixed precision, from several sources.";

    fn validate(p: &ClusterParameters) -> Vec<Violation> {
        let mut violations = VpMac::validate(&p.mac());
        if violations.is_empty() && p.beat_width() > WIDEST_BEAT {
            let lanes = (1..p.lanes).rev().find(|&lanes| {
                ClusterParameters { lanes, ..p.clone() }.beat_width() <= WIDEST_BEAT
            });
            violations.push(Violation {
                parameter: "lanes",
                code: "E0103",
                rule: format!("a beat has at most {WIDEST_BEAT} bits"),
                note: format!(
                    "activation_bits = {}, narrowest = {} make {}",
                    p.activation_bits,
                    p.narrowest,
                    p.beat_width()
                ),
                help: format!("use up to {} lanes", lanes.unwrap_or(1)),
            });
        }
        violations
    }

    fn elaborate(name: &str, p: &ClusterParameters, tech: &Tech) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, p, tech)
    }

    fn model(p: &ClusterParameters, _: &Tech) -> Model {
        let p = p.clone();
        Model::streams(move |stimulus| model::run(&p, stimulus)).with_turns(|_, _| true)
    }

    fn stimulus(
        p: &ClusterParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(p, shape, kind, beats, random))
    }

    fn accepts(_: &ClusterParameters, stimulus: &Stimulus) -> bool {
        let goes_on = |pair: &[Beat]| pair[0][LAST].bit(0) || pair[0][TO] == pair[1][TO];
        stimulus.inputs.iter().all(|beats| {
            beats.last().is_none_or(|beat| beat[LAST].bit(0)) && beats.windows(2).all(goes_on)
        })
    }

    fn variants() -> Vec<ClusterParameters> {
        let small = ClusterParameters { gate: true, ..Self::mutated() };
        vec![
            ClusterParameters {
                sources: 1,
                cores: 1,
                idle_cycles: 0,
                wake_cycles: 0,
                ..small.clone()
            },
            ClusterParameters { cores: 3, lanes: 3, wake_cycles: 3, narrowest: 2, ..small.clone() },
            ClusterParameters { sources: 3, widest: 32, gate: false, ..small },
        ]
    }

    /// Without gates, whose mutants are those of `gating`: of the netlist with a clock gate behind
    /// another one and mutants between, Verilator 5.006 makes something else than of the text.
    fn mutated() -> ClusterParameters {
        ClusterParameters {
            cores: 2,
            lanes: 1,
            activation_bits: 4,
            narrowest: 4,
            longest: 5,
            idle_cycles: 2,
            counter_width: 6,
            gate: false,
            ..Default::default()
        }
    }
}

/// Fields of a beat, by position.
const TO: usize = 3;
const LAST: usize = 4;
