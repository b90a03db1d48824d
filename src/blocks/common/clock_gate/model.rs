//! The golden model of a counter behind the clock gate.

use crate::model::{Bits, PortModel};

/// Counts the edges that pass.
#[derive(Clone, Default)]
pub(super) struct Counter {
    count: u64,
}

impl PortModel for Counter {
    fn outputs(&self, _: &[Bits]) -> Vec<Option<Bits>> {
        vec![Some(Bits::new(super::COUNT_WIDTH, self.count))]
    }

    fn step(&mut self, inputs: &[Bits]) {
        self.count += u64::from(inputs[0].bit(0));
    }

    fn reset(&mut self) {
        self.count = 0;
    }
}
