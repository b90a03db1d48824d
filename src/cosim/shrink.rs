//! The shortest stimulus that still shows a mismatch.

use super::scenario::Case;
use super::stalls::Stalls;
use super::verilator::Start;
use crate::model::{Beat, Bits, Stimulus};

/// How many cycles are spent on candidates.
const MOST_CYCLES: u64 = 500_000;

/// How many stalls of a kind are tried for each number of beats.
const SEEDS: u64 = 8;

/// Makes a failing case simpler as long as `fails` says that it fails alike: fewer stalls, no reset
/// in mid-stream, fewer beats, smaller values. `accepts` says which stimulus is legal; `fails` says
/// as well how many cycles it took to find out. What goes wrong shows at beat `around`.
pub(super) fn shrink(
    case: &Case,
    around: usize,
    accepts: impl Fn(&Stimulus) -> bool,
    fails: impl FnMut(&Case) -> (bool, u64),
) -> Case {
    let mut shrinker = Shrinker { best: case.clone(), accepts, fails, left: MOST_CYCLES };
    shrinker.conditions();
    shrinker.window(around);
    while shrinker.beats() {}
    shrinker.conditions();
    shrinker.values();
    shrinker.best
}

struct Shrinker<A, F> {
    best: Case,
    accepts: A,
    fails: F,
    /// Cycles that may yet be spent.
    left: u64,
}

impl<A: Fn(&Stimulus) -> bool, F: FnMut(&Case) -> (bool, u64)> Shrinker<A, F> {
    /// Takes the candidate if it fails.
    fn attempt(&mut self, candidate: Case) -> bool {
        if self.left == 0 || candidate == self.best || !(self.accepts)(&candidate.stimulus) {
            return false;
        }
        let (fails, cycles) = (self.fails)(&candidate);
        self.left = self.left.saturating_sub(cycles);
        if fails {
            self.best = candidate;
        }
        fails
    }

    fn attempt_stimulus(&mut self, change: impl FnOnce(&mut Stimulus)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate.stimulus);
        self.attempt(candidate)
    }

    fn conditions(&mut self) {
        self.attempt(Case { reset_after: None, ..self.best.clone() });
        self.attempt(Case { start: Start::Zero, ..self.best.clone() });
        let (source, sink) = self.best.stalls;
        let simpler = [(Stalls::None, Stalls::None), (source, Stalls::None), (Stalls::None, sink)];
        simpler.into_iter().any(|stalls| self.attempt(Case { stalls, ..self.best.clone() }));
    }

    fn longest(&self) -> usize {
        self.best.stimulus.inputs.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// As [`attempt_stimulus`](Self::attempt_stimulus), also under other stalls of the kind: with
    /// fewer beats, others meet them.
    fn attempt_beats(&mut self, change: impl Fn(&mut Stimulus)) -> bool {
        (0..SEEDS).any(|other| {
            let seed = self.best.seed.wrapping_add(other);
            let mut candidate = Case { seed, ..self.best.clone() };
            change(&mut candidate.stimulus);
            self.attempt(candidate)
        })
    }

    /// The first beats alone, or those just before something went wrong at beat `around`.
    fn window(&mut self, around: usize) {
        let mut length = 0;
        while length < self.longest() {
            for end in [length, around + 1, around + 2] {
                let window = |beats: &mut Vec<Beat>| {
                    beats.truncate(end);
                    beats.drain(..beats.len().saturating_sub(length));
                };
                if self.attempt_beats(|stimulus| stimulus.inputs.iter_mut().for_each(window)) {
                    return;
                }
            }
            length = (2 * length).max(1);
        }
    }

    /// Leaves out beats, first many at once, then single ones; whether any could be.
    fn beats(&mut self) -> bool {
        let mut shorter = false;
        let mut size = self.longest().div_ceil(2);
        while size > 0 {
            for channel in 0..self.best.stimulus.inputs.len() {
                let mut at = 0;
                while at < self.best.stimulus.inputs[channel].len() {
                    let removed = self.attempt_beats(|stimulus| {
                        let beats = &mut stimulus.inputs[channel];
                        beats.drain(at..(at + size).min(beats.len()));
                    });
                    at += if removed { 0 } else { size };
                    shorter |= removed;
                }
            }
            size /= 2;
        }
        shorter
    }

    /// Makes values 0, or leaves out their upper bits.
    fn values(&mut self) {
        for channel in 0..self.best.stimulus.inputs.len() {
            for beat in 0..self.best.stimulus.inputs[channel].len() {
                for field in 0..self.best.stimulus.inputs[channel][beat].len() {
                    let value = self.best.stimulus.inputs[channel][beat][field].clone();
                    let width = value.width();
                    let low = |bits: u32| Bits::from_limbs(width, value.slice(0, bits).limbs());
                    let lower = (0..width.ilog2()).map(|digits| low(1 << digits));
                    let simpler = std::iter::once(Bits::zero(width)).chain(lower);
                    for simpler in simpler.collect::<Vec<_>>() {
                        if self.attempt_stimulus(|stimulus| {
                            stimulus.inputs[channel][beat][field] = simpler;
                        }) {
                            break;
                        }
                    }
                }
            }
        }
    }
}
