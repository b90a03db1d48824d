//! What the cosimulation has against a mutant.

use serde::Serialize;

use crate::cosim::{Case, Finding, Mismatch, Rig, Subject};

/// What gave a mutant away first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Killer {
    /// A value is not the golden model's, or a beat is there that it does not have.
    Value,
    /// A stream breaks the rules: a beat is withdrawn, or changes while it waits.
    Rule,
    /// A beat moves in another cycle than the golden model says where nothing stalls, or the
    /// declared latency or initiation interval is not the measured one.
    Timing,
    /// Another number of beats goes in than fit.
    Capacity,
    /// Nothing moves any more.
    Stuck,
    /// The simulation cannot go on: a loop does not settle.
    Simulation,
    /// The golden model has nothing against it; it is not what the evaluator shows.
    Evaluator,
}

impl Killer {
    /// All, in the order of the documentation.
    pub const ALL: [Killer; 7] = [
        Killer::Value,
        Killer::Rule,
        Killer::Timing,
        Killer::Capacity,
        Killer::Stuck,
        Killer::Simulation,
        Killer::Evaluator,
    ];

    fn of(mismatch: &Mismatch) -> Killer {
        match mismatch.finding {
            Finding::Value { .. } | Finding::Uncaused | Finding::Extra | Finding::Misfit(_) => {
                Killer::Value
            }
            Finding::Withdrawn | Finding::Changed(_) => Killer::Rule,
            Finding::Cycle { .. } | Finding::Latency { .. } | Finding::Interval { .. } => {
                Killer::Timing
            }
            Finding::Capacity { .. } => Killer::Capacity,
            Finding::Stuck { .. } => Killer::Stuck,
            Finding::Inside(_) => Killer::Simulation,
            Finding::Simulators { .. } => Killer::Evaluator,
        }
    }
}

/// What gives a mutant away of what the golden model and the rules of streams say.
pub(super) fn by_model(subject: &Subject, rig: &Rig, cases: &[Case]) -> Option<Killer> {
    killer(subject, rig, cases, false)
}

/// What gives away a mutant that the golden model has nothing against: that it differs from the
/// evaluator.
pub(super) fn by_evaluator(subject: &Subject, rig: &Rig, cases: &[Case]) -> Option<Killer> {
    killer(subject, rig, cases, true)
}

fn killer(subject: &Subject, rig: &Rig, cases: &[Case], others: bool) -> Option<Killer> {
    let mismatch = cases.iter().find_map(|case| rig.first_mismatch(subject, case, others));
    mismatch.map(|mismatch| Killer::of(&mismatch))
}
