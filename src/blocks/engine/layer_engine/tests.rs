//! Tests of the layer engine.

use super::*;
use crate::blocks::testing::agrees;

#[test]
fn it_agrees_at_odd_sizes() {
    agrees::<LayerEngine>(&LayerEngine::mutated());
    LayerEngine::variants().iter().for_each(agrees::<LayerEngine>);
}
