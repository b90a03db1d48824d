//! Tests of the cluster of processing elements.

use super::*;
use crate::blocks::testing::agrees;

#[test]
fn it_agrees_at_odd_sizes() {
    agrees::<PeCluster>(&PeCluster::mutated());
    PeCluster::variants().iter().for_each(agrees::<PeCluster>);
    agrees::<PeCluster>(&PeClusterParameters { words: 24, ..Default::default() });
}
