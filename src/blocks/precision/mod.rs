//! Blocks that multiply and add, exactly.

pub mod mac;
pub mod vp_mac;
