//! When the two sides of a block wait.

use std::fmt;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::model::Random;

/// When one side of a block's streams does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stalls {
    /// Never.
    None,
    /// In every second cycle, by chance.
    Random,
    /// For some cycles, then works for some cycles: up to 8 each.
    Bursts,
    /// Until nothing has moved for some time, so that everything between runs full or empty.
    Long,
    /// In all but one of 16 cycles, by chance. No scenario has it: it tells little more than
    /// `Random` about whether a block is right, but how much it moves when there is little to do.
    Mostly,
}

impl Stalls {
    /// Every profile that scenarios are made of.
    pub const ALL: [Stalls; 4] = [Stalls::None, Stalls::Random, Stalls::Bursts, Stalls::Long];

    /// Every profile against every other: the sources' and the sinks'. The first pair never stalls.
    pub fn pairs() -> impl Iterator<Item = (Stalls, Stalls)> {
        Stalls::ALL.into_iter().flat_map(|source| Stalls::ALL.map(|sink| (source, sink)))
    }

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Stalls::None => "none",
            Stalls::Random => "random",
            Stalls::Bursts => "bursts",
            Stalls::Long => "long",
            Stalls::Mostly => "mostly",
        }
    }
}

impl fmt::Display for Stalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The stalls of one stream's side as they come, cycle by cycle.
pub(super) struct Pace {
    stalls: Stalls,
    works: bool,
    /// Cycles until that changes; of a long stall, cycles in which nothing moves.
    left: u32,
}

impl Pace {
    pub(super) fn new(stalls: Stalls) -> Pace {
        // A stall comes first, so that it is met with few beats, too.
        Pace { stalls, works: true, left: 0 }
    }

    /// A stall without end.
    pub(super) fn closed() -> Pace {
        Pace { stalls: Stalls::Bursts, works: false, left: u32::MAX }
    }

    /// Whether the side works in the next cycle; before it, nothing has moved for `quiet` cycles.
    pub(super) fn works(&mut self, quiet: u64, random: &mut Random) -> bool {
        match self.stalls {
            Stalls::None => return true,
            Stalls::Random => return random.random(),
            Stalls::Mostly => return random.random_ratio(1, 16),
            Stalls::Bursts | Stalls::Long => {}
        }
        if self.left == 0 {
            self.works = !self.works;
            self.left = match (self.stalls, self.works) {
                // Some are long enough for what counts cycles.
                (Stalls::Long, false) if random.random_ratio(1, 16) => 80,
                (Stalls::Long, false) => random.random_range(4..12),
                (Stalls::Long, true) => random.random_range(1..48),
                _ => random.random_range(1..=8),
            };
        }
        if self.works || self.stalls == Stalls::Bursts || quiet > 0 {
            self.left -= 1;
        }
        self.works
    }
}
