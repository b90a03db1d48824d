//! Tests of the reset synchroniser.

use super::*;
use crate::blocks::testing::{agrees_with, design, snapshot};
use crate::config::Reset;
use crate::cosim::Plan;
use crate::hdl::eval::Evaluator;

const RESETS: [Reset; 3] = [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh];

fn tech(reset: Reset) -> Tech {
    Tech { reset, ..Tech::default() }
}

#[test]
fn the_reset_ends_with_the_clock() {
    for reset in RESETS {
        for stages in 2..=8 {
            let parameters = ResetSynchronizerParameters { stages };
            // Also from a release that was cut short, which the number of beats limits.
            for beats in 2..stages as usize + 4 {
                let plan = Plan { beats, ..Plan::default() };
                agrees_with::<ResetSynchronizer>(&parameters, tech(reset), &plan);
            }
        }
    }
}

/// The golden model is asked when the reset is over.
#[test]
fn the_reset_begins_without_the_clock() {
    for reset in RESETS {
        let parameters = ResetSynchronizerParameters::default();
        let module = ResetSynchronizer::elaborate("sync", &parameters, &tech(reset)).unwrap();
        let (output, active) = match reset {
            Reset::SyncHigh => ("rst_o", 1),
            _ => ("rst_no", 0),
        };
        let mut sim = Evaluator::new(&module).unwrap();
        let output = sim.port(output).unwrap();
        for _ in 0..10 {
            sim.step();
        }
        assert_eq!(sim.get(output), 1 - active, "{reset}");
        sim.reset();
        assert_eq!(sim.get(output), active, "{reset}");
    }
}

#[test]
fn the_ports_are_those_of_the_reset() {
    for (reset, ports) in [
        (Reset::AsyncLow, ["rst_ni,", "rst_no "]),
        (Reset::SyncLow, ["rst_ni,", "rst_no "]),
        (Reset::SyncHigh, ["rst_i,", "rst_o "]),
    ] {
        let parameters = ResetSynchronizerParameters { stages: 2 };
        let design = design::<ResetSynchronizer>("sync", &parameters, tech(reset));
        for port in ports {
            assert!(design.verilog[0].text.contains(&format!("wire {port}")), "{reset}: {port}");
        }
    }
}

#[test]
fn snapshots() {
    let parameters = |stages| ResetSynchronizerParameters { stages };
    snapshot!(ResetSynchronizer, "reset_synchronizer_2", parameters(2));
    snapshot!(ResetSynchronizer, "reset_synchronizer_3_high", parameters(3), tech(Reset::SyncHigh));
}
