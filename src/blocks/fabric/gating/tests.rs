//! Tests of the gating fabric.

use super::*;
use crate::blocks::testing::{agrees, agrees_with};
use crate::cosim::Plan;

#[test]
fn cores_run_when_they_should() {
    for parameters in Gating::variants() {
        agrees::<Gating>(&parameters);
    }
    let plan = Plan { beats: 2000, ..Plan::default() };
    agrees_with::<Gating>(&Gating::mutated(), Tech::default(), &plan);
}
