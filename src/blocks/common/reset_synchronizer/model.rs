//! The golden model of the reset synchroniser: a count of edges.

use super::ResetSynchronizerParameters;
use crate::config::{Reset, Tech};
use crate::model::{Bits, PortModel};

#[derive(Clone)]
pub(super) struct Countdown {
    stages: u32,
    /// The output while the reset lasts.
    active: bool,
    edges: u32,
}

impl Countdown {
    pub(super) fn new(p: &ResetSynchronizerParameters, tech: &Tech) -> Countdown {
        Countdown { stages: p.stages, active: tech.reset == Reset::SyncHigh, edges: 0 }
    }
}

impl PortModel for Countdown {
    fn outputs(&self, _: &[Bits]) -> Vec<Option<Bits>> {
        vec![Some(Bits::new(1, (self.edges < self.stages) == self.active))]
    }

    fn step(&mut self, _: &[Bits]) {
        self.edges += 1;
    }

    fn reset(&mut self) {
        self.edges = 0;
    }
}
