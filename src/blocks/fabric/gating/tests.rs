//! Tests of the gating fabric.

use super::*;
use crate::blocks::testing::{agrees, agrees_with, elaborate, evaluator, paths, snapshot};
use crate::cosim::Plan;

fn of(clusters: u32, cores: u32, idle_cycles: u32, wake_cycles: u32) -> GatingParameters {
    let counter_width = 4;
    GatingParameters { clusters, cores, idle_cycles, wake_cycles, counter_width, gate: true }
}

#[test]
fn cores_run_when_they_should() {
    for parameters in Gating::variants() {
        agrees::<Gating>(&parameters);
    }
    for (idle_cycles, wake_cycles) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 15), (40, 3)] {
        let plan = Plan { beats: 1000, ..Plan::default() };
        agrees_with::<Gating>(&of(2, 2, idle_cycles, wake_cycles), Tech::default(), &plan);
    }
}

/// Work is offered once, at a time when the core sleeps: when does it wake, and how long does it run?
#[test]
fn a_core_wakes_and_rests_as_declared() {
    for (idle_cycles, wake_cycles) in [(0, 0), (0, 1), (3, 0), (3, 1), (3, 2), (0, 5)] {
        let mut sim = evaluator::<Gating>(&of(1, 2, idle_cycles, wake_cycles));
        let port = |name: &str| sim.port(name).unwrap();
        let (pending, awake, enable) = (port("pending_i"), port("awake_o"), port("enable_o"));
        sim.run(10);
        assert_eq!((sim.get(enable), sim.get(awake)), (0, 0));
        sim.set(pending, 2);
        let mut waited = 0;
        while sim.get(awake) != 2 {
            sim.step();
            waited += 1;
        }
        assert_eq!(waited, u64::from(wake_cycles), "{idle_cycles}");
        sim.step();
        sim.set(pending, 0);
        let mut rested = 0;
        while sim.get(enable) != 0 {
            sim.step();
            rested += 1;
        }
        assert_eq!(rested, idle_cycles + u32::from(wake_cycles > 0), "{wake_cycles}");
    }
}

/// Only without a latency does anything but scan open a gate in the same cycle.
#[test]
fn enables_come_from_registers() {
    let module = elaborate::<Gating>(&of(2, 2, 1, 1));
    let scan = vec!["test_enable_i"];
    assert_eq!(paths(&module), [("enable_o", scan.clone()), ("cluster_enable_o", scan)]);
    let module = elaborate::<Gating>(&of(2, 2, 1, 0));
    let awake = vec!["pending_i", "busy_i", "override_i"];
    assert_eq!(paths(&module)[1], ("awake_o", awake));
}

#[test]
fn there_are_so_many_cores_at_most() {
    let parameters = of(64, 17, 0, 0);
    let violations = Gating::validate(&parameters);
    assert_eq!(violations.len(), 1);
    assert_eq!((violations[0].parameter, &violations[0].help[..]), ("cores", "write cores = 16"));
    assert!(Gating::validate(&of(64, 16, 0, 0)).is_empty());
}

#[test]
fn snapshots() {
    snapshot!(Gating, "gating_1x1", of(1, 1, 0, 0));
    snapshot!(Gating, "gating_3x1", of(3, 1, 3, 2));
    snapshot!(Gating, "gating_1x17", of(1, 17, 2, 1));
}
