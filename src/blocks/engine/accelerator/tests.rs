//! Tests of the accelerator.

use super::*;
use crate::blocks::testing::agrees;

/// Sizes at which the map of registers differs: words wider than a register, elements of two bytes, one
/// lane, one metric and several.
fn sizes() -> Vec<LayerEngineParameters> {
    let mut sizes = Accelerator::variants();
    sizes.extend([
        LayerEngineParameters::default(),
        LayerEngineParameters { lanes: 1, clusters: 1, activation_bits: 12, ..Default::default() },
        LayerEngineParameters { widest: 32, reference: 32, cosine: true, ..Default::default() },
        LayerEngineParameters {
            lanes: 16,
            clusters: 4,
            elements: 16,
            layers: 8,
            longest: 512,
            bands: 8,
            ..Default::default()
        },
    ]);
    sizes
}

#[test]
fn maps_of_registers_are_right_and_hold_all_settings() {
    for p in sizes() {
        assert_eq!(map(&p).mistakes(), Vec::<String>::new(), "{p:?}");
        let module = Accelerator::elaborate("accelerator", &p, &Tech::default());
        module.unwrap_or_else(|errors| panic!("{p:?}: {errors}"));
    }
}

#[test]
fn it_agrees_at_odd_sizes() {
    agrees::<Accelerator>(&Accelerator::mutated());
    Accelerator::variants().iter().for_each(agrees::<Accelerator>);
}
