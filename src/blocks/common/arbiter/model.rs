//! The golden model of the arbiter: a finger that goes round.

use super::ArbiterParameters;
use crate::model::{Bits, PortModel};

/// Whose turn it is, by number.
#[derive(Clone)]
pub(super) struct Finger {
    requesters: u32,
    hold: bool,
    turn: u32,
    /// Who was granted in the cycle before, if the grant was not taken.
    held: Option<u32>,
}

impl Finger {
    pub(super) fn new(p: &ArbiterParameters) -> Finger {
        Finger { requesters: p.requesters, hold: p.hold, turn: 0, held: None }
    }

    fn grant(&self, requests: &Bits) -> Option<u32> {
        if let Some(held) = self.held.filter(|&held| self.hold && requests.bit(held)) {
            return Some(held);
        }
        let mut round = (0..self.requesters).map(|i| (self.turn + i) % self.requesters);
        round.find(|&i| requests.bit(i))
    }
}

impl PortModel for Finger {
    fn outputs(&self, inputs: &[Bits]) -> Vec<Option<Bits>> {
        let grant = self.grant(&inputs[0]);
        let one_hot: Vec<Bits> =
            (0..self.requesters).map(|i| Bits::new(1, grant == Some(i))).collect();
        // As many bits as the highest number has.
        let width = (self.requesters.max(2) - 1).ilog2() + 1;
        vec![Some(Bits::concat(&one_hot)), Some(Bits::new(width, grant.unwrap_or(0)))]
    }

    fn step(&mut self, inputs: &[Bits]) {
        let (grant, advance) = (self.grant(&inputs[0]), inputs[1].bit(0));
        if let (Some(grant), true) = (grant, advance) {
            self.turn = (grant + 1) % self.requesters;
        }
        self.held = grant.filter(|_| !advance);
    }

    fn reset(&mut self) {
        (self.turn, self.held) = (0, None);
    }
}
