//! Tests of the cluster.

use super::*;
use crate::blocks::testing::{agrees, elaborate, evaluator, paths, snapshot};

fn small() -> ClusterParameters {
    ClusterParameters { gate: true, ..Cluster::mutated() }
}

#[test]
fn sums_agree_at_odd_sizes() {
    for (sources, cores, lanes) in [(1, 1, 1), (1, 3, 1), (3, 1, 2), (3, 2, 3), (2, 5, 1)] {
        for (wake_cycles, gate) in [(0, true), (1, true), (3, true), (1, false)] {
            let of = ClusterParameters { sources, cores, lanes, wake_cycles, gate, ..small() };
            agrees::<Cluster>(&of);
        }
    }
    agrees::<Cluster>(&ClusterParameters::default());
    agrees::<Cluster>(&ClusterParameters { cores: 16, widest: 32, lanes: 2, ..small() });
}

#[test]
fn only_ready_follows_ready() {
    let module = elaborate::<Cluster>(&small());
    for (output, inputs) in paths(&module) {
        let is_ready = output.ends_with("ready_o");
        let follows = inputs.iter().any(|input| input.ends_with("ready_i"));
        assert!(is_ready || !follows, "{output} follows {inputs:?}");
    }
}

#[test]
fn a_core_that_nobody_wants_stands_still_and_the_others_take_a_beat_per_cycle() {
    let p = ClusterParameters { cores: 4, counter_width: 16, ..small() };
    let mut sim = evaluator::<Cluster>(&p);
    let port = |name: &str| sim.port(name).unwrap();
    let offers = [port("in_0_valid_i"), port("in_1_valid_i")];
    let taken = [port("in_0_ready_o"), port("in_1_ready_o")];
    let (to, read, core) = (port("in_1_to_i"), port("read_i"), port("core_i"));
    let counts = ["active_o", "idle_o", "gated_o"].map(port);
    let others =
        ["override_i", "test_enable_i", "clear_i", "in_0_to_i", "in_0_last_i", "in_1_last_i"];
    for name in others {
        let port = sim.port(name).unwrap();
        sim.set(port, 0_u64);
    }
    // Two sources, a core each, for 100 cycles, of which the first wakes it.
    sim.set(to, 1_u64);
    offers.iter().for_each(|&offer| sim.set(offer, true));
    let mut beats = [0; 2];
    for _ in 0..100 {
        for (beats, &taken) in beats.iter_mut().zip(&taken) {
            *beats += sim.get(taken);
        }
        sim.step();
    }
    assert_eq!(beats, [99, 99]);
    sim.set(read, true);
    let mut of_core = |number: u64| {
        sim.set(core, number);
        sim.step();
        counts.map(|count| sim.get(count))
    };
    let [active, idle, gated] = of_core(1);
    assert_eq!((active, idle, gated), (99, 0, 1));
    let [active, idle, gated] = of_core(2);
    assert_eq!((active, idle, gated), (0, 0, 101));
}

#[test]
fn snapshots() {
    snapshot!(Cluster, "cluster_2_to_2", small());
    snapshot!(
        Cluster,
        "cluster_1_to_1_plain",
        ClusterParameters { sources: 1, cores: 1, gate: false, ..small() }
    );
}
