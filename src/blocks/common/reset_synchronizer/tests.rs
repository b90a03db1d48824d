//! Tests of the reset synchroniser's behaviour.

use super::*;
use crate::blocks::testing::{design, snapshot};
use crate::config::Reset;
use crate::hdl::eval::Evaluator;

fn tech(reset: Reset) -> Tech {
    Tech { reset, ..Tech::default() }
}

#[test]
fn the_reset_begins_at_once_and_ends_with_the_clock() {
    for reset in [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh] {
        for stages in 2..=8 {
            let parameters = ResetSynchronizerParameters { stages };
            let module = ResetSynchronizer::elaborate("sync", &parameters, &tech(reset)).unwrap();
            let (output, active) = match reset {
                Reset::SyncHigh => ("rst_o", 1),
                _ => ("rst_no", 0),
            };
            let mut sim = Evaluator::new(&module).unwrap();
            let output = sim.port(output).unwrap();
            // Also from a release that was cut short.
            for released_for in [100, 0, 1, u64::from(stages) - 1, u64::from(stages), 3] {
                sim.randomize(released_for);
                sim.reset();
                assert_eq!(sim.get(output), active, "{reset}, {stages}: it begins at once");
                for edge in 0..released_for {
                    let is_active = sim.get(output) == active;
                    assert_eq!(is_active, edge < u64::from(stages), "{reset}, {stages}, {edge}");
                    sim.step();
                }
            }
            assert_eq!(sim.failures(), []);
        }
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
