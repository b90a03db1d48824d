//! Tests of the crossbar.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::*;
use crate::blocks::testing::{agrees_with, design, elaborate, evaluator, paths, snapshot, verilog};
use crate::config::Config;
use crate::cosim::Plan;

const MODES: [Mode; 3] = [Mode::Static, Mode::Arbitrated, Mode::Multicast];

fn mux(inputs: u32, outputs: u32, width: u32, mode: Mode) -> CrossbarParameters {
    CrossbarParameters { inputs, outputs, width, mode, topology: Topology::Mux }
}

fn network(inputs: u32, outputs: u32, width: u32) -> CrossbarParameters {
    let topology = Topology::Benes;
    CrossbarParameters { inputs, outputs, width, mode: Mode::Static, topology }
}

/// Odd sizes of everything.
fn all() -> Vec<CrossbarParameters> {
    let sizes = [(1, 1, 1), (3, 2, 3), (1, 17, 1), (17, 3, 3), (5, 5, 65)];
    let of = |mode| sizes.map(|(inputs, outputs, width)| mux(inputs, outputs, width, mode));
    let networks = sizes.map(|(inputs, outputs, width)| network(inputs, outputs, width));
    MODES.into_iter().flat_map(of).chain(networks).collect()
}

#[test]
fn beats_arrive_where_they_are_for() {
    all().par_iter().for_each(|parameters| {
        let plan = Plan { beats: 60, ..Plan::default() };
        agrees_with::<Crossbar>(parameters, Tech::default(), &plan);
    });
}

#[test]
fn what_is_offered_depends_on_no_ready() {
    for parameters in all() {
        let module = elaborate::<Crossbar>(&parameters);
        for (output, inputs) in paths(&module) {
            let of_readies = inputs.iter().any(|input| input.contains("_ready_"));
            assert!(!of_readies || output.contains("_ready_"), "{parameters:?} {output}");
        }
    }
}

/// One output is never ready; the inputs of another bring a beat in every cycle all the same.
#[test]
fn an_output_that_is_not_ready_delays_no_other() {
    for mode in [Mode::Arbitrated, Mode::Multicast] {
        let mut sim = evaluator::<Crossbar>(&mux(3, 2, 8, mode));
        let number = |output: u32| if mode == Mode::Multicast { 1 << output } else { output };
        for (input, output) in [(0, 0), (1, 1), (2, 1)] {
            let port = |field: &str| format!("in_{input}_{field}_i");
            sim.set(sim.port(&port("valid")).unwrap(), true);
            sim.set(sim.port(&port("to")).unwrap(), number(output));
            if mode == Mode::Arbitrated {
                sim.set(sim.port(&port("last")).unwrap(), true);
            }
        }
        sim.set(sim.port("out_1_ready_i").unwrap(), true);
        let [valid, source] = ["out_1_valid_o", "out_1_source_o"].map(|p| sim.port(p).unwrap());
        let stuck = sim.port("in_0_ready_o").unwrap();
        for cycle in 0..10 {
            assert_eq!((sim.get(valid), sim.get(source)), (1, 1 + cycle % 2), "{mode}");
            assert_eq!(sim.get(stuck), 0);
            sim.step();
        }
    }
}

#[test]
fn networks_lead_as_they_are_told() {
    let mut random = Random::seed_from_u64(7);
    for ports in [2, 4, 8, 16, 32, 64] {
        for _ in 0..50 {
            let mut outputs: Vec<usize> = (0..ports).collect();
            outputs.shuffle(&mut random);
            let crossed = benes::route(&outputs);
            assert_eq!(crossed.len(), benes::switches(ports));
            assert_eq!(benes::follow(&crossed), outputs);
            // Some of them alone: a network may be larger on one side.
            let some = &outputs[..ports.div_ceil(3)];
            assert!(benes::follow(&benes::route_ports(some, ports)).starts_with(some));
        }
    }
    assert_eq!(benes::follow(&benes::route(&[4, 0])).len(), 8);
}

#[test]
#[should_panic(expected = "two inputs have output 1")]
fn two_inputs_do_not_have_one_output() {
    benes::route(&[0, 1, 1]);
}

#[test]
fn what_cannot_be_is_refused() {
    let parse = |text: &str| Config::parse("test", text, &crate::blocks::sections());
    assert!(parse("[crossbar]\ninputs = 64\noutputs = 64\n").is_ok());
    for parameter in ["inputs", "outputs"] {
        let errors = parse(&format!("[crossbar]\n{parameter} = 65\n")).unwrap_err().to_string();
        assert!(errors.contains(parameter) && errors.contains("64"), "{errors}");
    }
    let of = |mode| Crossbar::validate(&CrossbarParameters { mode, ..network(4, 4, 8) });
    assert!(of(Mode::Static).is_empty());
    for mode in [Mode::Arbitrated, Mode::Multicast] {
        assert_eq!(of(mode)[0].parameter, "topology");
    }
}

#[test]
fn text_does_not_grow_with_the_square_of_ports() {
    let bytes = |parameters: &CrossbarParameters| {
        verilog(&design::<Crossbar>("crossbar", parameters, Tech::default())).len()
    };
    for mode in MODES {
        assert!(bytes(&mux(64, 64, 8, mode)) < 5 * bytes(&mux(16, 16, 8, mode)), "{mode}");
    }
    assert!(bytes(&network(64, 64, 8)) < 5 * bytes(&network(16, 16, 8)));
}

#[test]
fn snapshots() {
    snapshot!(Crossbar, "crossbar_static_2x3", mux(2, 3, 4, Mode::Static));
    snapshot!(Crossbar, "crossbar_arbitrated_3x2", mux(3, 2, 4, Mode::Arbitrated));
    snapshot!(Crossbar, "crossbar_multicast_2x2", mux(2, 2, 1, Mode::Multicast));
    snapshot!(Crossbar, "crossbar_benes_3x4", network(3, 4, 2));
}
