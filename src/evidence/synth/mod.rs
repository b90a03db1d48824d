//! Synthesis: what a block costs in cells and time, beside a plain baseline.

#[allow(dead_code)]
mod osu018;

#[allow(unused_imports)]
pub(crate) use osu018::{Netlist, map};
