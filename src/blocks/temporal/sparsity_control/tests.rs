//! Tests of the sparsity control.

use super::model::{Control, Sent, Settings, Whose};
use super::*;
use crate::blocks::testing::{agrees, elaborate, paths, snapshot};

fn parameters(bands: u32, coherent: Coherent, combine: Combine) -> SparsityControlParameters {
    SparsityControlParameters { bands, coherent, combine, ..SparsityControlParameters::default() }
}

/// Level `l` keeps `8 - l`, with a threshold of `10 * l`.
fn control(p: &SparsityControlParameters, dwell: u32) -> Control {
    let keeps = (0..p.bands).map(|level| 8 - u64::from(level)).collect();
    let thresholds = (0..p.bands).map(|level| 10 * u64::from(level)).collect();
    Control::new(p, Settings { keeps, thresholds, dwell, ordered: None })
}

const ACTIVATIONS: Whose = Whose { weights: false, layer: 0 };
const WEIGHTS: Whose = Whose { weights: true, layer: 0 };

/// The levels that bands of activations make after a first step.
fn levels(control: &mut Control, bands: &[u32]) -> Vec<usize> {
    control.band(0, true, ACTIVATIONS);
    bands.iter().map(|&band| control.band(band, false, ACTIVATIONS).level).collect()
}

#[test]
fn the_golden_model_follows_the_bands() {
    let p = parameters(4, Coherent::Sparser, Combine::Activations);
    assert_eq!(levels(&mut control(&p, 0), &[3, 1, 1, 2, 0]), [3, 1, 1, 2, 0]);
    let p = parameters(4, Coherent::Denser, Combine::Activations);
    assert_eq!(levels(&mut control(&p, 0), &[3, 1, 1, 2, 0]), [0, 2, 2, 1, 3]);
    // Bands that do not exist.
    let p = parameters(3, Coherent::Sparser, Combine::Activations);
    assert_eq!(levels(&mut control(&p, 0), &[3, 0]), [2, 0]);
}

#[test]
fn the_golden_model_dwells() {
    let p = parameters(4, Coherent::Sparser, Combine::Activations);
    let bands = [3, 0, 0, 0, 2, 1, 1, 1];
    assert_eq!(levels(&mut control(&p, 1), &bands), bands.map(|band| band as usize));
    assert_eq!(levels(&mut control(&p, 2), &bands), [3, 3, 0, 0, 2, 2, 1, 1]);
    assert_eq!(levels(&mut control(&p, 3), &bands), [3, 3, 3, 0, 0, 0, 1, 1]);
    // A first step ends it at once, and begins none.
    let mut dwelling = control(&p, 255);
    assert_eq!(levels(&mut dwelling, &[3, 1]), [3, 3]);
    assert_eq!(levels(&mut dwelling, &[2, 1]), [2, 2]);
}

#[test]
fn the_golden_model_combines_activations_and_weights() {
    let run = |combine, coherent| {
        let mut control = control(&parameters(4, coherent, combine), 0);
        let beats = [
            (0, true, ACTIVATIONS),
            (2, false, ACTIVATIONS),
            (0, false, WEIGHTS),
            (3, false, ACTIVATIONS),
            (1, false, WEIGHTS),
            (0, false, ACTIVATIONS),
        ];
        beats.map(|(band, first, whose)| control.band(band, first, whose).level)
    };
    // The third is a first step, because nothing was known of the weights.
    assert_eq!(run(Combine::Weights, Coherent::Sparser), [0, 0, 0, 0, 1, 1]);
    assert_eq!(run(Combine::Both, Coherent::Sparser), [0, 0, 0, 0, 1, 0]);
    assert_eq!(run(Combine::Weights, Coherent::Denser), [0, 0, 0, 0, 2, 2]);
    assert_eq!(run(Combine::Both, Coherent::Denser), [0, 0, 0, 0, 2, 3]);
}

#[test]
fn the_golden_model_knows_the_first_step_before_its_band() {
    let p = parameters(4, Coherent::Denser, Combine::Activations);
    let mut control = control(&p, 0);
    let low = Sent { level: 0, keep: 8, threshold: 0 };
    let first = Sent { keep: 16, ..low };
    assert_eq!(control.vector(false, ACTIVATIONS), first);
    control.band(0, true, ACTIVATIONS);
    assert_eq!(control.vector(false, ACTIVATIONS), low);
    control.band(0, false, ACTIVATIONS);
    assert_eq!(control.vector(false, ACTIVATIONS), Sent { level: 3, keep: 5, threshold: 30 });
    // A band that does not say so is that of a first step all the same.
    control.band(1, false, ACTIVATIONS);
    assert_eq!(control.vector(true, ACTIVATIONS), first);
    control.band(1, false, ACTIVATIONS);
    assert_eq!(control.vector(false, ACTIVATIONS), low);
    control.band(1, false, ACTIVATIONS);
    assert_eq!(control.vector(false, ACTIVATIONS).level, 2);
}

#[test]
fn levels_agree_at_odd_sizes() {
    for level_from in [LevelFrom::Current, LevelFrom::Previous] {
        for coherent in [Coherent::Sparser, Coherent::Denser] {
            for combine in [Combine::Activations, Combine::Weights, Combine::Both] {
                for (bands, layers) in [(2, 1), (3, 3), (7, 1), (8, 4)] {
                    let p = parameters(bands, coherent, combine);
                    let (group, threshold_width) = (17, 3);
                    agrees::<SparsityControl>(&SparsityControlParameters {
                        level_from,
                        layers,
                        group,
                        threshold_width,
                        ..p
                    });
                }
            }
        }
    }
}

#[test]
fn only_ready_follows_ready() {
    for parameters in SparsityControl::variants() {
        let module = elaborate::<SparsityControl>(&parameters);
        for (output, inputs) in paths(&module) {
            assert!(output.ends_with("_ready_o"), "{output} follows {inputs:?}");
            let from_ready = inputs.contains(&"level_ready_i");
            let has_level = match parameters.level_from {
                LevelFrom::Current => "band_ready_o",
                LevelFrom::Previous => "vector_ready_o",
            };
            assert_eq!(from_ready, output == has_level, "{output}");
        }
    }
}

#[test]
fn a_first_step_keeps_no_more_than_there_is() {
    let of = |first_keep| {
        let group = 8;
        let p = SparsityControlParameters { group, first_keep, ..Default::default() };
        let violation = SparsityControl::validate(&p).pop();
        violation.map(|violation| (violation.parameter, violation.note, violation.help))
    };
    assert_eq!(of(8), None);
    let (parameter, note, help) = of(9).unwrap();
    assert_eq!(parameter, "first_keep");
    assert_eq!(note, "first_keep = 9, group = 8");
    assert_eq!(help, "use first_keep = 8, which keeps all");
}

#[test]
fn snapshots() {
    let of = |bands, layers, level_from, coherent, combine| SparsityControlParameters {
        bands,
        group: 4,
        first_keep: 4,
        threshold_width: 3,
        layers,
        level_from,
        coherent,
        combine,
    };
    use {Coherent::*, Combine::*, LevelFrom::*};
    snapshot!(
        SparsityControl,
        "sparsity_control_2_current",
        of(2, 1, Current, Sparser, Activations)
    );
    snapshot!(SparsityControl, "sparsity_control_3_both", of(3, 3, Previous, Denser, Both));
}
