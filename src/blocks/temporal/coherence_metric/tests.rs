//! Tests of the coherence metric.

use super::*;
use crate::blocks::testing::agrees;

#[test]
fn variants_agree() {
    agrees::<CoherenceMetric>(&CoherenceMetricParameters::default());
    for p in CoherenceMetric::variants() {
        agrees::<CoherenceMetric>(&p);
    }
}
