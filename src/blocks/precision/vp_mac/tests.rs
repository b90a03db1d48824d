//! Tests of the variable-precision multiply-accumulate.

use super::*;
use crate::blocks::testing::agrees;

#[test]
fn all_variants_agree() {
    VpMac::variants().iter().for_each(agrees::<VpMac>);
}
