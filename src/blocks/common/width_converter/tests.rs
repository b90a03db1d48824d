//! Tests of the width converter.

use super::*;
use crate::blocks::testing::{agrees_with, elaborate, paths, snapshot};
use crate::cosim::Plan;
use crate::model::{Bits, Stimulus};

/// Ratios 1, 2, 3 and 8 both ways, at narrow widths of 1, 3, 17 and 65.
fn all() -> Vec<WidthConverterParameters> {
    let mut all = vec![];
    for narrow in [1, 3, 17, 65] {
        for ratio in [1, 2, 3, 8] {
            let wide = narrow * ratio;
            all.push(WidthConverterParameters { in_width: narrow, out_width: wide });
            if ratio > 1 {
                all.push(WidthConverterParameters { in_width: wide, out_width: narrow });
            }
        }
    }
    all
}

#[test]
fn the_golden_model_puts_what_comes_first_lowest() {
    let emitted = |in_width, out_width, beats: &[u64]| -> Vec<u64> {
        let parameters = WidthConverterParameters { in_width, out_width };
        let beats = beats.iter().map(|&beat| vec![Bits::new(in_width, beat)]).collect();
        let response = model::run(&parameters, &Stimulus { inputs: vec![beats], held: vec![] });
        response.emitted[0].iter().map(|emitted| emitted.beat[0].unsigned()).collect()
    };
    assert_eq!(emitted(4, 8, &[1, 2, 3]), [0x21]);
    assert_eq!(emitted(8, 4, &[0x21]), [1, 2]);
}

#[test]
fn the_bits_come_out_in_order() {
    // A number of beats that leaves a part over.
    let plan = Plan { beats: 73, ..Plan::default() };
    for parameters in all() {
        agrees_with::<WidthConverter>(&parameters, Tech::default(), &plan);
    }
}

#[test]
fn the_offer_does_not_depend_on_ready() {
    for parameters in all() {
        let module = elaborate::<WidthConverter>(&parameters);
        assert_eq!(paths(&module), [("in_ready_o", vec!["out_ready_i"])]);
    }
}

#[test]
fn one_width_is_a_multiple_of_the_other() {
    let help = |in_width, out_width| {
        let violations =
            WidthConverter::validate(&WidthConverterParameters { in_width, out_width });
        violations.first().map(|violation| violation.help.clone())
    };
    assert_eq!(help(8, 32), None);
    assert_eq!(help(32, 8), None);
    assert_eq!(help(7, 7), None);
    assert_eq!(help(8, 12).as_deref(), Some("use 8 and 8, or 8 and 16"));
    assert_eq!(help(12, 8).as_deref(), Some("use 8 and 8, or 8 and 16"));
    // What is proposed is legal.
    assert_eq!(help(4095, 4096).as_deref(), Some("use 4095 and 4095"));
}

#[test]
fn snapshots() {
    let parameters = |in_width, out_width| WidthConverterParameters { in_width, out_width };
    snapshot!(WidthConverter, "width_converter_4_to_12", parameters(4, 12));
    snapshot!(WidthConverter, "width_converter_12_to_4", parameters(12, 4));
    snapshot!(WidthConverter, "width_converter_3_to_3", parameters(3, 3));
}
