//! Tests of the layer engine.

use super::*;
use crate::blocks::testing::{agrees, snapshot};

#[test]
fn it_agrees_at_odd_sizes() {
    agrees::<LayerEngine>(&LayerEngine::mutated());
    LayerEngine::variants().iter().for_each(agrees::<LayerEngine>);
}

#[test]
fn sizes_that_do_not_go_together_are_refused() {
    let help = |p: &LayerEngineParameters| {
        let violations = LayerEngine::validate(p).into_iter();
        violations.map(|v| format!("{}: {}", v.parameter, v.help)).collect::<Vec<_>>()
    };
    let default = LayerEngineParameters::default;
    assert_eq!(help(&LayerEngineParameters { lanes: 3, ..default() }), ["lanes: use 2 or 4"]);
    assert_eq!(
        help(&LayerEngineParameters { clusters: 8, ..default() }),
        ["clusters: use up to 4 clusters, or lanes = 8"]
    );
    assert_eq!(
        help(&LayerEngineParameters { lanes: 2, elements: 1, longest: 1024, ..default() }),
        ["longest: use up to 256"]
    );
    assert_eq!(help(&LayerEngineParameters { lanes: 32, ..default() }), ["lanes: use up to 16"]);
    assert!(help(&default()).is_empty());
}

#[test]
fn snapshots() {
    snapshot!(LayerEngine, "layer_engine_small", LayerEngine::mutated());
}
