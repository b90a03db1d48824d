//! Evidence about emitted text: what it costs, and proof that the checks can fail.

pub mod formal;
pub mod mutation;
pub mod power;
pub mod synth;
