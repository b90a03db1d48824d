//! Tests of the requantiser.

use super::*;
use crate::blocks::testing::{agrees, elaborate, paths, snapshot};

#[test]
fn it_agrees_at_odd_sizes() {
    agrees::<Requantiser>(&Requantiser::mutated());
    Requantiser::variants().iter().for_each(agrees::<Requantiser>);
    agrees::<Requantiser>(&RequantiserParameters::default());
}

#[test]
fn an_accumulator_becomes_an_element_in_the_stated_order() {
    let layer =
        |multiplier, shift, relu| model::Layer { bias_base: 0, multiplier, shift, relu, empty: 0 };
    // Half away from minus infinity: 3 * 5 = 15, 15 / 2 = 7.5.
    assert_eq!(layer(5, 1, false).element(3, 8), 8);
    assert_eq!(layer(5, 1, false).element(-3, 8), -7);
    assert_eq!(layer(5, 0, false).element(-3, 8), -15);
    assert_eq!(layer(65535, 16, false).element(1000, 8), 127);
    assert_eq!(layer(65535, 16, false).element(-1000, 8), -128);
    assert_eq!(layer(65535, 16, true).element(-1000, 8), 0);
}

#[test]
fn only_ready_follows_ready() {
    let module = elaborate::<Requantiser>(&Requantiser::mutated());
    for (output, inputs) in paths(&module) {
        match output {
            "in_ready_o" => assert!(inputs.contains(&"out_ready_i")),
            "load_ready_o" => assert_eq!(inputs, ["in_valid_i"]),
            "result_valid_o" => assert_eq!(inputs, ["final_layer_i"]),
            other => panic!("{other} follows {inputs:?}"),
        }
    }
}

#[test]
fn snapshots() {
    snapshot!(Requantiser, "requantiser_1_of_4_bits", Requantiser::mutated());
}
