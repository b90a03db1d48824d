//! The golden model of the register slice.

use super::Cut;
use crate::model::{Cause, Emitted, Response, Stimulus};

/// What goes in comes out, one cycle later where valid passes a register.
pub(super) fn run(cut: Cut, stimulus: &Stimulus) -> Response {
    let latency = match cut {
        Cut::Backward => 0,
        Cut::Forward | Cut::Full => 1,
    };
    let beats = &stimulus.inputs[0];
    let emit = |(index, beat): (usize, &Vec<_>)| Emitted {
        beat: beat.clone(),
        cycle: index as u64 + latency,
        cause: Cause { channel: 0, beat: index },
    };
    Response {
        accepted: vec![(0..beats.len() as u64).collect()],
        emitted: vec![beats.iter().enumerate().map(emit).collect()],
        capacity: vec![if cut == Cut::Full { 2 } else { 1 }],
    }
}
