//! Clock gate: a technology cell that stops a clock without glitches.
//!
//! Which cell it is, `[tech] clock_gate` says. Designs that gate clocks bring it along by
//! themselves; as a block it is there to be looked at and replaced.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::Block;
use crate::config::{NoParameters, Tech};
use crate::hdl::{Errors, Module};
use crate::tech;

/// The clock gate.
pub struct ClockGateBlock;

impl Block for ClockGateBlock {
    type Parameters = NoParameters;
    const NAME: &'static str = "clock_gate";
    const SUMMARY: &'static str = "Stops a clock without glitches.";

    fn elaborate(name: &str, _: &Self::Parameters, tech: &Tech) -> Result<Arc<Module>, Errors> {
        tech::clock_gate(name, tech)
    }
}
