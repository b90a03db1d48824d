//! Reset synchroniser: a technology cell that lets a reset begin at once and end with the clock.
//!
//! The output is active like the reset port of `[tech]`; it ends `stages` rising edges after its
//! input did.

mod model;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, parameters};
use crate::hdl::{Errors, Module};
use crate::model::Model;
use crate::tech;

parameters! {
    /// Parameters of the reset synchroniser.
    pub struct ResetSynchronizerParameters {
        /// Flip-flops in a row; more give the first longer to settle.
        stages: u32 = 2 in 2..=8,
    }
}

/// The reset synchroniser.
pub struct ResetSynchronizer;

impl Block for ResetSynchronizer {
    type Parameters = ResetSynchronizerParameters;
    const NAME: &'static str = "reset_synchronizer";
    const SUMMARY: &'static str = "Lets a reset begin at once and end with the clock.";

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        tech: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        tech::reset_synchronizer(name, parameters.stages, tech)
    }

    fn model(parameters: &ResetSynchronizerParameters, tech: &Tech) -> Model {
        Model::ports(model::Countdown::new(parameters, tech))
    }

    fn variants() -> Vec<ResetSynchronizerParameters> {
        vec![ResetSynchronizerParameters { stages: 5 }]
    }

    fn baseline(p: &ResetSynchronizerParameters, tech: &Tech) -> Option<Baseline> {
        (tech.reset != Reset::SyncHigh).then(|| Baseline {
            module: "plain_reset_synchronizer",
            text: include_str!("../../../../benches/baselines/reset_synchronizer.v"),
            parameters: vec![("STAGES", p.stages)],
        })
    }
}
