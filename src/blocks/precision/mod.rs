//! Blocks that multiply and add, exactly.

pub mod mac;
