//! Scenarios, the cases that they consist of, and cases as files.

use std::fmt;
use std::str::FromStr;

use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::stalls::Stalls;
use super::subject::Subject;
use super::verilator::Start;
use crate::model::{Kind, Model, Random, Stimulus};

/// A kind of stimulus under a pair of stall profiles, such as `random/3`.
///
/// The number is the position of the pair in [`Stalls::pairs`]; a module of plain ports has number
/// 0 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scenario {
    /// How the stimulus is chosen.
    pub kind: Kind,
    /// Which stalls.
    pub number: usize,
}

/// A stimulus, and how it is applied: all that it takes to run it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The state before the first reset. From the same state all simulators have to agree on what
    /// is not valid as well.
    pub start: Start,
    /// The stalls of the sources and of the sinks.
    pub stalls: (Stalls, Stalls),
    /// Where the chance of the stalls comes from.
    pub seed: u64,
    /// What the sources' payloads are while nothing is offered.
    pub idle: Idle,
    /// After how many cycles a reset interrupts; then everything begins again.
    pub reset_after: Option<u64>,
    /// What goes in.
    pub stimulus: Stimulus,
}

/// What the payload of a stream is while its valid is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Idle {
    /// Something else in every cycle, by chance: it means nothing, so nothing may depend on it.
    #[default]
    Noise,
    /// That of the beat before.
    Held,
}

impl Idle {
    /// Whether it is what scenarios have.
    pub(super) fn is_noise(&self) -> bool {
        *self == Idle::Noise
    }
}

/// How many resets in mid-stream a module of plain ports meets in a scenario.
const ROUGH_CASES: usize = 8;

impl Scenario {
    /// Every scenario of a subject.
    pub fn all(subject: &Subject) -> Vec<Scenario> {
        let numbers = match subject.model {
            Model::Streams(_) => Stalls::pairs().count(),
            Model::Ports(_) => 1,
        };
        let of = |kind| (0..numbers).map(move |number| Scenario { kind, number });
        Kind::ALL.into_iter().flat_map(of).collect()
    }

    /// The stalls of the sources and of the sinks.
    pub fn stalls(self) -> (Stalls, Stalls) {
        Stalls::pairs().nth(self.number).expect("numbers are those of pairs")
    }

    /// The cases: once from state zero, and from random states with a reset in mid-stream, once or,
    /// for a module of plain ports, some times. None if the subject has no such stimulus.
    pub fn cases(self, subject: &Subject, beats: usize, seed: u64) -> Vec<Case> {
        let mut chance = Random::seed_from_u64(seed);
        let kind = Kind::ALL.iter().position(|&kind| kind == self.kind).unwrap_or(0);
        chance.set_stream((kind << 32 | self.number) as u64);
        // As small as an integer in TOML has to be.
        let mut small = || u64::from(chance.random::<u32>());
        let seed = small();
        let rough: [(u64, u64); ROUGH_CASES] = std::array::from_fn(|_| (small(), small()));
        let Some(stimulus) = subject.stimulus(self.kind, beats, &mut chance) else { return vec![] };
        let beats = stimulus.inputs.iter().map(Vec::len).max().unwrap_or(0) as u64;
        // The reset comes at any time before the last beat would be out.
        let longest = match &subject.model {
            Model::Streams(model) if subject.shape.check_stimulus(&stimulus).is_ok() => {
                beats.max(model.respond(&stimulus).last())
            }
            _ => beats,
        };
        let (start, reset_after) = (Start::Zero, None);
        let (stalls, idle) = (self.stalls(), Idle::Noise);
        let calm = Case { start, stalls, seed, idle, reset_after, stimulus };
        // Stream scenarios come in many pairs of stalls, each with a reset of its own.
        let count = if let Model::Ports(_) = subject.model { ROUGH_CASES } else { 1 };
        let rough = rough.iter().take(count).map(|(state, after)| Case {
            start: Start::Random(*state),
            reset_after: Some(1 + after % longest.max(1)),
            ..calm.clone()
        });
        std::iter::once(calm.clone()).chain(rough).collect()
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.number)
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Scenario, String> {
        let known = || {
            let kinds = Kind::ALL.map(Kind::name).join(", ");
            let last = Stalls::pairs().count() - 1;
            format!("a scenario is one of {kinds}, a slash, and a number up to {last}: random/3")
        };
        let (kind, number) = text.split_once('/').ok_or_else(known)?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(known)?;
        let number = number.parse().ok().filter(|&number| number < Stalls::pairs().count());
        Ok(Scenario { kind, number: number.ok_or_else(known)? })
    }
}
