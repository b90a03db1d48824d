//! Tests of power: ratios within one run, and numbers that follow from the liberty file by hand.

use std::collections::BTreeMap;

use super::account::Group;
use super::gates::{Instance, Port};
use super::*;
use crate::blocks::fabric::gating::{Gating, GatingParameters};
use crate::blocks::precision::mac::{Mac, MacParameters};
use crate::blocks::{Block, find};
use crate::config::{Parameters, Tech};

fn workshop() -> Workshop {
    Workshop::find().unwrap_or_else(|error| panic!("{error}"))
}

/// A lane that is quickly built.
fn mac(isolate: bool) -> Configured {
    let parameters = MacParameters { a_width: 4, b_width: 4, longest: 16, isolate };
    Configured::new(find(Mac::NAME).unwrap(), parameters.to_values(), Tech::default())
}

fn options(workload: &str) -> Options {
    Options { workload: workload.parse().unwrap(), beats: 200, ..Options::default() }
}

fn library() -> Library {
    Library::parse(&Liberty::find().unwrap().text).unwrap()
}

#[test]
fn isolation_saves_where_inputs_move_and_no_beat_does() {
    let of = |isolate, workload: &str| {
        let power = estimate(&mac(isolate), &options(workload), &workshop());
        power.unwrap_or_else(|error| panic!("{error}"))
    };
    let (plain, isolated) = (of(false, "random/rare"), of(true, "random/rare"));
    let ratio = isolated.combinational.total_mw() / plain.combinational.total_mw();
    assert!(ratio < 0.4, "{ratio}");
    assert!(plain.moving.unwrap() < 0.2, "{:?}", plain.moving);
    // The clock does not care, and neither do inputs that rest.
    assert!((isolated.clock.total_mw() / plain.clock.total_mw() - 1.0).abs() < 0.2);
    let held = of(false, "random/rare/held");
    assert!(held.combinational.total_mw() < 0.5 * plain.combinational.total_mw());
    let busy = of(false, "random/busy");
    assert_eq!(busy.moving, Some(1.0));
    assert!(busy.toggles_per_cycle > held.toggles_per_cycle);
    for power in [&plain, &isolated, &held, &busy] {
        let parts = [power.combinational, power.sequential, power.clock, power.inputs];
        let sum: f64 = parts.iter().map(Parts::total_mw).sum();
        let modules: f64 = power.modules.iter().map(|module| module.parts.total_mw()).sum();
        let total = power.total.total_mw();
        assert!((sum / total - 1.0).abs() < 1e-9 && (modules / total - 1.0).abs() < 1e-9);
        assert!(power.compared > 10 && power.compared_cells > 0);
    }
}

/// A clock that is twice as fast moves everything twice as often, and leaks as much.
#[test]
fn power_follows_the_clock() {
    let of = |clock_mhz| {
        let options = Options { clock_mhz, ..options("random/half") };
        estimate(&mac(true), &options, &workshop()).unwrap_or_else(|error| panic!("{error}"))
    };
    let (slow, fast) = (of(50.0).total, of(100.0).total);
    assert!((fast.switching_mw / slow.switching_mw - 2.0).abs() < 1e-9);
    assert!((fast.internal_mw / slow.internal_mw - 2.0).abs() < 1e-9);
    assert_eq!(fast.leakage_mw, slow.leakage_mw);
}

#[test]
fn modules_have_their_own_share() {
    let block = Configured::defaults(find("clock_gate").unwrap());
    let power = estimate(&block, &options("random/busy"), &workshop()).unwrap();
    let paths: Vec<&str> = power.modules.iter().map(|module| module.path.as_str()).collect();
    assert_eq!(paths, ["", "u_clk_gated", "u_counter"]);
    assert!(power.modules[1..].iter().all(|module| module.parts.internal_mw > 0.0));
    assert_eq!(power.modules.iter().map(|module| module.cells).sum::<usize>(), power.cells);
    let wrong = options("random/half");
    let error = estimate(&block, &wrong, &workshop()).unwrap_err().to_string();
    assert!(error.contains("clock_gate has no scenario `random/half`"), "{error}");
}

/// Three of four cores sleep. What stands behind closed gates costs no clock, and next to nothing at
/// all; the gates themselves do, and so does the core that works.
#[test]
fn cores_that_sleep_cost_next_to_nothing() {
    let of = |gate| {
        let sizes =
            GatingParameters { clusters: 4, cores: 1, counter_width: 2, ..Gating::mutated() };
        let values = GatingParameters { gate, ..sizes }.to_values();
        let block = Configured::new(find(Gating::NAME).unwrap(), values, Tech::default());
        estimate(&block, &options("recorded/busy"), &workshop()).unwrap_or_else(|e| panic!("{e}"))
    };
    let (gated, free) = (of(true), of(false));
    let sum = |power: &Power, is: &dyn Fn(&str) -> bool| {
        let modules = power.modules.iter().filter(|module| is(&module.path));
        modules.map(|module| module.parts.total_mw()).sum::<f64>()
    };
    let sleeps = |path: &str| (1..4).any(|c| path.starts_with(&format!("gen_cluster[{c}].")));
    let (left, all) = (sum(&gated, &sleeps), sum(&free, &sleeps));
    assert!(left < 0.1 * all, "{left} of {all} mW");
    let is_gate = |path: &str| sleeps(path) && path.ends_with("u_clk_cluster");
    let gates = sum(&gated, &is_gate);
    assert!(gates > 0.1 * sum(&free, &is_gate) && gates > 0.5 * left, "{gates} of {left} mW");
    let works = |path: &str| path.starts_with("gen_cluster[0].");
    let (with, without) = (sum(&gated, &works), sum(&free, &works));
    assert!((with / without - 1.0).abs() < 0.1, "{with} beside {without} mW");
    assert!(gated.clock.total_mw() < free.clock.total_mw());
}

/// What E0408 says of a netlist, or of what was made of it.
fn refused<T>(result: Result<T, PowerError>, words: &str) {
    match result {
        Err(PowerError::Check(text)) => assert!(text.contains(words), "{text}"),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("nobody minds that {words}"),
    }
}

#[test]
fn a_netlist_that_does_something_else_is_refused() {
    let workshop = workshop();
    let mut mapped = Mapped::of(&mac(true), &workshop).unwrap();
    let (right, wrong) = ("XNOR2X1 cell", "XOR2X1 cell");
    assert!(mapped.subject.files[0].text.contains(right));
    mapped.subject.files[0].text = mapped.subject.files[0].text.replacen(right, wrong, 1);
    // So that the other cell has a model.
    assert!(mapped.subject.files[1].text.contains("module XOR2X1"));
    let run = mapped.simulate(&options("random/busy"), &workshop);
    refused(run, "does not do what the golden model says");
}

#[test]
fn what_is_not_annotated_is_refused() {
    let workshop = workshop();
    let mut mapped = Mapped::of(&mac(true), &workshop).unwrap();
    // A net more than the simulated text has.
    mapped.gates.nets += 1;
    let net = mapped.gates.nets - 1;
    mapped.gates.cells[0].pins.insert("Y".to_string(), net);
    let options = options("random/busy");
    refused(mapped.simulate(&options, &workshop), "the simulation shows nothing of a net at a");

    let mapped = Mapped::of(&mac(true), &workshop).unwrap();
    let clock: [bool; 9] = std::array::from_fn(|sample| sample % 2 == 1);
    let mut still = vec![&[false; 9][..]; mapped.gates.nets];
    let run = Run { through: 4, ..Run::default() };
    refused(mapped.power(&options, &run, &Activity::of(&still)), "the clock toggles 0 times in 4");
    still[mapped.gates.port("clk_i").unwrap()] = &clock;
    refused(mapped.power(&options, &run, &Activity::of(&still)), "no net of mac but the clock");
    let nothing = vec![&[false][..]; mapped.gates.nets];
    let run = Run::default();
    refused(mapped.power(&options, &run, &Activity::of(&nothing)), "no net of mac but the clock");
    refused(
        mapped.simulate(&Options { beats: 1, ..options }, &workshop),
        "nothing came out of mac",
    );
}

/// What is counted are the cycles in which the beats move: neither the reset before, nor what
/// follows.
#[test]
fn the_cycles_that_count_are_those_of_the_stimulus() {
    let workshop = workshop();
    let mapped = Mapped::of(&mac(true), &workshop).unwrap();
    let (run, activity) = mapped.simulate(&options("random/half"), &workshop).unwrap();
    assert_eq!(activity.cycles, run.through);
    let at = |port: &str, cycle| activity.levels(mapped.gates.port(port).unwrap(), cycle);
    let cycles = || 0..activity.cycles;
    assert!(cycles().all(|cycle| at("clk_i", cycle) == [false, true]));
    assert!(cycles().all(|cycle| at("rst_ni", cycle)[0]));
    let moves = |cycle: &u64| at("in_valid_i", *cycle)[0] && at("in_ready_o", *cycle)[0];
    let leaves = |cycle: &u64| at("out_valid_o", *cycle)[0] && at("out_ready_i", *cycle)[0];
    assert_eq!(cycles().filter(moves).count(), 200);
    assert_eq!(cycles().filter(leaves).count() as u64, run.beats);
    assert_eq!(cycles().filter(|cycle| moves(cycle) || leaves(cycle)).count() as u64, run.moving);
    let last = activity.cycles - 1;
    assert!(moves(&last) || leaves(&last));
}

/// Three inverters in a row; the first two load what follows, the last one nothing.
fn inverters() -> Gates {
    let cell = |input: usize, output: usize| Instance {
        cell: "INVX1".to_string(),
        path: vec![],
        pins: BTreeMap::from([("A".to_string(), input), ("Y".to_string(), output)]),
    };
    let port = |name: &str, is_output, net| Port { name: name.into(), is_output, nets: vec![net] };
    Gates {
        top: "inverters".to_string(),
        ports: vec![port("in_i", false, 2), port("out_o", true, 5)],
        cells: vec![cell(2, 3), cell(3, 4), cell(4, 5)],
        nets: 6,
    }
}

/// Every net of [`inverters`] in four cycles, of which the input toggles in some.
fn inverting(toggles: &[usize]) -> Activity {
    let mut level = false;
    let input: Vec<bool> = (0..9)
        .map(|sample| {
            level ^= toggles.contains(&sample);
            level
        })
        .collect();
    let inverse: Vec<bool> = input.iter().map(|level| !level).collect();
    let (low, high) = (vec![false; 9], vec![true; 9]);
    Activity::of(&[&low, &high, &input, &inverse, &input, &inverse])
}

#[test]
fn toggles_cost_what_the_library_says() {
    let (library, gates) = (library(), inverters());
    let analysis = Analysis::of(&gates).unwrap();
    let plant = Plant::new(&library, &gates, &analysis);
    assert_eq!(plant.compare().unwrap(), 3);
    let of = |activity: &Activity| plant.account(activity, 100.0).unwrap().groups;
    let (once, twice) = (of(&inverting(&[1, 5])), of(&inverting(&[1, 3, 5, 7])));
    let logic = |groups: &BTreeMap<Group, Parts>| groups[&Group::Combinational];
    // Two inputs of 9.32456 fF, toggled twice in four cycles of 10 ns, at 1.8 V.
    let expected = 2.0 * 0.00932456 * 0.5 * 1.8 * 1.8 * (2.0 / 4.0) * 100.0 * 1e-3;
    assert!((logic(&once).switching_mw / expected - 1.0).abs() < 1e-6);
    assert!((once[&Group::Inputs].switching_mw / (expected / 2.0) - 1.0).abs() < 1e-6);
    assert!((logic(&twice).switching_mw / logic(&once).switching_mw - 2.0).abs() < 1e-9);
    assert!((logic(&twice).internal_mw / logic(&once).internal_mw - 2.0).abs() < 1e-9);
    assert_eq!(logic(&twice).leakage_mw, logic(&once).leakage_mw);
    assert!((logic(&once).leakage_mw / (3.0 * 0.0221741e-6) - 1.0).abs() < 1e-9);

    // Half of what OpenSTA says at one toggle a cycle is what half a toggle is, but for the energy
    // of the other edge, which it counts each time.
    let theirs: f64 = analysis.cells.iter().map(|cell| cell.internal).sum();
    assert!((logic(&once).internal_mw / (theirs * 1e3 / 2.0 / 2.0) - 1.0).abs() < 1e-3);
    let toggles = |often: f64| (0..3).map(|cell| (cell, often)).collect::<BTreeMap<_, _>>();
    let opensta = |often| analysis::switching(&gates, &toggles(often), 10.0).unwrap();
    assert!((opensta(0.5) / expected - 1.0).abs() < 1e-3);
    assert!((opensta(1.0) / opensta(0.5) - 2.0).abs() < 1e-6);
}

#[test]
fn numbers_that_are_not_openstas_are_refused() {
    let (library, gates) = (library(), inverters());
    let analysis = Analysis::of(&gates).unwrap();
    let refused_with = |change: &dyn Fn(&mut library::Cell), words: &str| {
        let mut library = library.clone();
        change(library.cells.get_mut("INVX1").unwrap());
        refused(Plant::new(&library, &gates, &analysis).compare(), words);
    };
    refused_with(&|cell| cell.leakage *= 1.01, "the leakage of a INVX1");
    refused_with(
        &|cell| cell.pins.get_mut("A").unwrap().capacitances = [0.01; 2],
        "the switching power of a INVX1",
    );
    refused_with(
        &|cell| {
            let energy = &mut cell.pins.get_mut("Y").unwrap().energies[0];
            energy.rise = energy.fall.clone();
        },
        "the internal power of a INVX1",
    );
}

/// The energy of an output's toggle is that of the input which caused it.
#[test]
fn the_cause_of_a_toggle_counts() {
    let library = library();
    let pins = [("A", 2), ("B", 3), ("Y", 4)].map(|(pin, net)| (pin.to_string(), net));
    let cell = Instance { cell: "AND2X1".to_string(), path: vec![], pins: pins.into() };
    let port = |name: &str, is_output, net| Port { name: name.into(), is_output, nets: vec![net] };
    let gates = Gates {
        top: "and_gate".to_string(),
        ports: vec![port("a_i", false, 2), port("b_i", false, 3), port("y_o", true, 4)],
        cells: vec![cell],
        nets: 5,
    };
    let analysis = Analysis::of(&gates).unwrap();
    let plant = Plant::new(&library, &gates, &analysis);
    let (low, high, toggling) = ([false; 3], [true; 3], [false, true, true]);
    let internal = |a: &[bool], b: &[bool]| {
        let activity = Activity::of(&[&low, &high, a, b, &toggling]);
        plant.account(&activity, 1000.0).unwrap().groups[&Group::Combinational].internal_mw
    };
    let energy = |input: usize| {
        let energy = &library.cells["AND2X1"].pins["Y"].energies[input];
        energy.rise.at(0.0, INPUT_SLEW)
    };
    let (by_a, by_b) = (internal(&toggling, &high), internal(&high, &toggling));
    // pJ in a cycle of 1 ns are mW.
    assert!((by_a / energy(0) - 1.0).abs() < 1e-6 && (by_b / energy(1) - 1.0).abs() < 1e-6);
    assert!(by_a != by_b);
    let both = internal(&toggling, &toggling);
    assert!((both / (0.5 * (by_a + by_b)) - 1.0).abs() < 1e-9);
}

/// Ports that pass through a module, constants at its ports, and names with brackets.
#[test]
fn a_hierarchy_becomes_one_row_of_cells() {
    let netlist = br#"{"modules": {
        "INVX1": {"attributes": {"blackbox": "1"}, "ports": {}, "cells": {}},
        "leaf": {"attributes": {},
            "ports": {"a": {"direction": "input", "bits": [2]},
                      "k": {"direction": "input", "bits": [3]},
                      "y": {"direction": "output", "bits": [4, 2, "1"]}},
            "cells": {"g": {"type": "INVX1", "connections": {"A": [2], "Y": [4]}},
                      "h": {"type": "INVX1", "connections": {"A": [3], "Y": [9]}}}},
        "top": {"attributes": {},
            "ports": {"x_i": {"direction": "input", "bits": [2]},
                      "y_o": {"direction": "output", "bits": [5, 6, 7]}},
            "cells": {"u[0].v": {"type": "leaf",
                "connections": {"a": [2], "k": ["0"], "y": [5, 6, 7]}}}}}}"#;
    let gates = Gates::parse("top", netlist).unwrap();
    let [x, y] = &gates.ports[..] else { panic!("two ports") };
    assert_eq!((x.nets[0], y.nets[1], y.nets[2]), (2, 2, 1));
    assert!(gates.cells.iter().all(|cell| cell.path == ["u[0].v"]));
    assert_eq!((gates.cells[0].pins["A"], gates.cells[0].pins["Y"]), (2, y.nets[0]));
    assert_eq!(gates.cells[1].pins["A"], 0);
    assert_eq!(gates.nets, 5);
    let text = gates.bare_verilog();
    assert!(text.contains("input net2;") && !text.contains("output net2;"), "{text}");
    assert_eq!(Gates::parse("none", netlist), None);
}

#[test]
fn workloads_are_read_as_they_are_written() {
    for text in ["random/busy", "corner/half", "recorded/rare/held", "random/stalled"] {
        assert_eq!(text.parse::<Workload>().unwrap().to_string(), text);
    }
    for text in ["", "random", "random/0", "busy", "random/busy/noise", "x/busy"] {
        let error = text.parse::<Workload>().unwrap_err();
        assert!(error.contains("random/half"), "{text}: {error}");
    }
}
