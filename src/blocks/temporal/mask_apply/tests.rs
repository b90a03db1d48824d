//! Tests of mask apply.

use super::*;
use crate::blocks::testing::agrees;

#[test]
fn survivors_agree_at_odd_sizes() {
    for parameters in MaskApply::variants() {
        agrees::<MaskApply>(&parameters);
    }
    agrees::<MaskApply>(&MaskApplyParameters::default());
}
