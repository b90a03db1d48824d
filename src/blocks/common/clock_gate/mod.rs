//! Clock gate: a technology cell that stops a clock without glitches.
//!
//! Which cell it is, `[tech] clock_gate` says. Designs that gate clocks bring it along by
//! themselves; as a block it is there to be looked at and replaced. With `enable` designs gate no
//! clock, and the block is the gate with a latch.

mod model;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{ClockGate, NoParameters, Tech};
use crate::hdl::{Errors, Module, ModuleBuilder, bit, uint};
use crate::model::{Kind, Model, Random, Shape, Stimulus};
use crate::tech;

/// Bits of the counter behind the gate that is simulated.
const COUNT_WIDTH: u32 = 8;

/// The clock gate.
pub struct ClockGateBlock;

impl Block for ClockGateBlock {
    type Parameters = NoParameters;
    const NAME: &'static str = "clock_gate";
    const SUMMARY: &'static str = "Stops a clock without glitches.";

    fn elaborate(name: &str, _: &Self::Parameters, tech: &Tech) -> Result<Arc<Module>, Errors> {
        tech::clock_gate(name, tech)
    }

    fn properties(_: &Self::Parameters, tech: &Tech) -> Option<String> {
        Some(tech::clock_gate_properties(tech))
    }

    fn model(_: &Self::Parameters, _: &Tech) -> Model {
        Model::ports(model::Counter::default())
    }

    fn stimulus(
        _: &Self::Parameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(match kind {
            Kind::Recorded => shape.stimulus(kind, beats, random),
            _ => stimulus::stimulus(kind, beats, random),
        })
    }

    /// A clock cannot be looked at from one edge to the next, what runs on it can: a counter.
    fn bench(name: &str, _: &Self::Parameters, _: &Tech) -> Result<Arc<Module>, Errors> {
        let m = ModuleBuilder::new(format!("{name}_counter"));
        m.doc("Counts the edges that pass.");
        let count = m.register("count", uint(COUNT_WIDTH)).reset(0);
        count.set((count + 1).truncate(COUNT_WIDTH));
        m.output("count_o", uint(COUNT_WIDTH)).set(count);
        let counter = m.finish()?;

        let m = ModuleBuilder::new(format!("{name}_bench"));
        m.doc("A counter on a gated clock.");
        let clock = m.gated_clock("clk_gated", m.input("enable_i", bit()));
        let counter = m.instance("counter", &counter);
        counter.clocked_by(clock);
        m.output("count_o", uint(COUNT_WIDTH)).set(counter.output("count_o"));
        m.finish()
    }

    fn baseline(_: &Self::Parameters, tech: &Tech) -> Option<Baseline> {
        Some(Baseline {
            module: "plain_clock_gate",
            text: include_str!("../../../../benches/baselines/clock_gate.v"),
            parameters: vec![("LATCH", u32::from(tech.clock_gate != ClockGate::FallingEdge))],
        })
    }
}
