//! Gating: says of each core and each cluster of cores whether its clock runs, and counts what the
//! cores do.
//!
//! Core `k` of cluster `c` is bit `c * cores + k` of all ports that speak of cores. `pending_i` says
//! that work is offered to a core: the valid of what it takes, before any ready. `busy_i` says that
//! it holds work, so that its registers have to move; it rises at an edge at which the core takes
//! what is pending, and falls when everything is drained. `enable_o` and `cluster_enable_o` are what
//! clock gates need, those of the cores behind those of the clusters. Where `awake_o` is 1 a core
//! may take a beat at the end of the cycle: whoever offers has to hide valid and ready from each
//! other where it is 0.
//!
//! A core runs while it is offered work or is busy, or while `override_i` keeps all of them awake,
//! and for `idle_cycles` more; one more than that where `wake_cycles` is not 0. What is offered to a
//! core that sleeps is taken `wake_cycles` later at most: with 0, `enable_o` and `awake_o` follow
//! `pending_i` and `busy_i` in the same cycle; with 1, both are a register; with more, the clock
//! begins after one cycle and runs for the rest of them before the core is awake. `cluster_enable_o`
//! is 0 where all cores of a cluster sleep. `test_enable_i` runs all clocks at once.
//!
//! Each cycle is one of three to a core: active, if it is awake and offered work or busy; idle, if
//! its clock runs for nothing, which is also how it wakes; gated, if its clock stands still. In a
//! cycle with `read_i`, the counts of core `core_i` up to that cycle are taken to `active_o`,
//! `idle_o` and `gated_o`, where they stay until the next: together they are the cycles since the
//! one with `clear_i`, which sets all counters to 0, or since reset. Counters wrap, and so does what
//! they add up to, so that the difference of two readings is right as long as there are fewer than
//! 2^`counter_width` cycles between them. A number beyond the last core reads as one always gated.
//!
//! Without `gate` all clocks run all the time, and only the counters are left.

mod bench;
mod model;
mod properties;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, Violation, parameters};
use crate::hdl::{Errors, Module, index_width};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

/// The most cores there are.
const MOST_CORES: u32 = 1024;

pub(super) use model::Clock;

parameters! {
    /// Parameters of the gating fabric.
    pub struct GatingParameters {
        /// How many clusters there are.
        clusters: u32 = 4 in 1..=64,
        /// How many cores each cluster has.
        cores: u32 = 2 in 1..=64,
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

impl GatingParameters {
    /// The number of cores in all clusters.
    fn total(&self) -> u32 {
        self.clusters * self.cores
    }

    /// For how many cycles without work a clock may go on.
    fn longest_rest(&self) -> u32 {
        self.idle_cycles + u32::from(self.wake_cycles > 0)
    }
}

/// The gating fabric.
pub struct Gating;

impl Block for Gating {
    type Parameters = GatingParameters;
    const NAME: &'static str = "gating";
    const SUMMARY: &'static str = "Stops the clocks of clusters and cores that have nothing to do.";

    fn validate(p: &GatingParameters) -> Vec<Violation> {
        if p.total() <= MOST_CORES {
            return vec![];
        }
        vec![Violation {
            parameter: "cores",
            code: "E0103",
            rule: format!("there are at most {MOST_CORES} cores in all clusters together"),
            note: format!("clusters = {}", p.clusters),
            help: format!("write cores = {}", MOST_CORES / p.clusters),
        }]
    }

    fn elaborate(name: &str, p: &GatingParameters, _: &Tech) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, p)
    }

    fn model(p: &GatingParameters, _: &Tech) -> Model {
        Model::ports(model::Bench::new(p))
    }

    fn stimulus(
        p: &GatingParameters,
        _: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(p, kind, beats, random))
    }

    fn variants() -> Vec<GatingParameters> {
        let of = |clusters, cores, idle_cycles, wake_cycles, counter_width| GatingParameters {
            clusters,
            cores,
            idle_cycles,
            wake_cycles,
            counter_width,
            gate: true,
        };
        vec![
            of(1, 1, 0, 0, 1),
            of(3, 1, 3, 0, 5),
            of(1, 17, 0, 1, 8),
            of(2, 3, 5, 4, 6),
            GatingParameters { gate: false, ..of(2, 2, 4, 1, 8) },
        ]
    }

    fn mutated() -> GatingParameters {
        GatingParameters {
            clusters: 1,
            cores: 2,
            idle_cycles: 2,
            wake_cycles: 2,
            counter_width: 2,
            gate: true,
        }
    }

    /// Whether a clock runs when it should is seen by what runs on it: small cores behind the gates
    /// of their clusters and their own.
    fn bench(name: &str, p: &GatingParameters, _: &Tech) -> Result<Arc<Module>, Errors> {
        bench::describe(name, p)
    }

    fn baseline(p: &GatingParameters, tech: &Tech) -> Option<Baseline> {
        (tech.reset == Reset::AsyncLow && p.gate && p.wake_cycles == 1).then(|| Baseline {
            module: "plain_gating",
            text: include_str!("../../../../benches/baselines/gating.v"),
            parameters: vec![
                ("CLUSTERS", p.clusters),
                ("CORES", p.cores),
                ("INDEX_WIDTH", index_width(p.total())),
                ("IDLE_CYCLES", p.idle_cycles),
                ("COUNTER_WIDTH", p.counter_width),
            ],
        })
    }
}
