//! What a block does while its power is estimated.

use std::fmt;
use std::str::FromStr;

use rand::{RngExt, SeedableRng};
use serde::{Serialize, Serializer};

use crate::cosim::verilator::Start;
use crate::cosim::{Case, Idle, Stalls, Subject};
use crate::model::{Kind, Model, Random};

/// How busy a block between streams is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Every source always offers, every sink always takes.
    Busy,
    /// Sources offer in about every second cycle, by chance.
    Half,
    /// Sources offer in about one of 16 cycles, by chance.
    Rare,
    /// Sources always offer; sinks take in about one of 16 cycles, by chance.
    Stalled,
}

impl Pace {
    /// Every pace.
    pub const ALL: [Pace; 4] = [Pace::Busy, Pace::Half, Pace::Rare, Pace::Stalled];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Pace::Busy => "busy",
            Pace::Half => "half",
            Pace::Rare => "rare",
            Pace::Stalled => "stalled",
        }
    }

    /// The stalls of the sources and of the sinks.
    const fn stalls(self) -> (Stalls, Stalls) {
        match self {
            Pace::Busy => (Stalls::None, Stalls::None),
            Pace::Half => (Stalls::Random, Stalls::None),
            Pace::Rare => (Stalls::Mostly, Stalls::None),
            Pace::Stalled => (Stalls::None, Stalls::Mostly),
        }
    }
}

/// A kind of stimulus at a pace, such as `random/half`; `random/half/held` if payloads rest while
/// nothing is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// How the stimulus is chosen.
    pub kind: Kind,
    /// When beats are offered and taken.
    pub pace: Pace,
    /// What the payloads are while nothing is offered.
    pub idle: Idle,
}

impl Default for Workload {
    fn default() -> Workload {
        Workload { kind: Kind::Random, pace: Pace::Busy, idle: Idle::Noise }
    }
}

impl Workload {
    /// Those that show what a block costs when it is busy, half idle and mostly idle. Of plain
    /// ports each cycle is as busy as their stimulus.
    pub fn usual(subject: &Subject) -> Vec<Workload> {
        let paces = match subject.model {
            Model::Streams(_) => &[Pace::Busy, Pace::Half, Pace::Rare][..],
            Model::Ports(_) => &[Pace::Busy],
        };
        paces.iter().map(|&pace| Workload { pace, ..Workload::default() }).collect()
    }

    /// The case; none if the subject has no such stimulus, or no streams that could wait.
    pub(super) fn case(self, subject: &Subject, beats: usize, seed: u64) -> Option<Case> {
        if let (Model::Ports(_), true) = (&subject.model, self.pace != Pace::Busy) {
            return None;
        }
        let mut chance = Random::seed_from_u64(seed);
        let seed = u64::from(chance.random::<u32>());
        let stimulus = subject.stimulus(self.kind, beats, &mut chance)?;
        let (start, stalls) = (Start::Zero, self.pace.stalls());
        Some(Case { start, stalls, seed, idle: self.idle, reset_after: None, stimulus })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = if self.idle == Idle::Held { "/held" } else { "" };
        write!(f, "{}/{}{held}", self.kind, self.pace.name())
    }
}

impl Serialize for Workload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Workload, String> {
        let known = || {
            let kinds = Kind::ALL.map(Kind::name).join(", ");
            let paces = Pace::ALL.map(Pace::name).join(", ");
            format!(
                "a scenario is one of {kinds}, a slash, and one of {paces}: random/half; with \
                 /held behind it payloads rest while nothing is offered"
            )
        };
        let (text, idle) = match text.strip_suffix("/held") {
            Some(text) => (text, Idle::Held),
            None => (text, Idle::Noise),
        };
        let (kind, pace) = text.split_once('/').ok_or_else(known)?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(known)?;
        let pace = Pace::ALL.into_iter().find(|known| known.name() == pace).ok_or_else(known)?;
        Ok(Workload { kind, pace, idle })
    }
}
