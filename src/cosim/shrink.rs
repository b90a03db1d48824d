//! The shortest stimulus that still shows a mismatch.

use super::scenario::Case;
use super::stalls::Stalls;
use super::verilator::Start;
use crate::model::{Beat, Bits, Stimulus};

/// How many cycles are spent on candidates.
const MOST_CYCLES: u64 = 500_000;

/// How many beats take as long to copy as a cycle takes.
const BEATS_PER_CYCLE: u64 = 64;

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
        self.change(change).is_some_and(|candidate| self.attempt(candidate))
    }

    /// The best case with another stimulus, if that is legal and there are cycles left.
    fn change(&mut self, change: impl FnOnce(&mut Stimulus)) -> Option<Case> {
        if self.left == 0 {
            return None;
        }
        let mut candidate = self.best.clone();
        let beats: usize = candidate.stimulus.inputs.iter().map(Vec::len).sum();
        self.left = self.left.saturating_sub(beats as u64 / BEATS_PER_CYCLE);
        change(&mut candidate.stimulus);
        (self.accepts)(&candidate.stimulus).then_some(candidate)
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
    fn attempt_beats(&mut self, change: impl FnOnce(&mut Stimulus)) -> bool {
        let Some(candidate) = self.change(change) else { return false };
        (0..SEEDS).any(|other| {
            let seed = candidate.seed.wrapping_add(other);
            self.left > 0 && self.attempt(Case { seed, ..candidate.clone() })
        })
    }

    /// The first beats alone, or those just before something went wrong at beat `around`.
    fn window(&mut self, around: usize) {
        // Each of the attempts may take long, so first what is sure to be too much goes.
        let beats_before = |beats: &mut Vec<Beat>| beats.truncate(around.saturating_add(2));
        self.attempt_stimulus(|stimulus| stimulus.inputs.iter_mut().for_each(beats_before));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosim::Idle;

    /// A case of that many beats of 8 bits.
    fn case(beats: usize) -> Case {
        let stimulus = Stimulus { inputs: vec![vec![vec![Bits::new(8, -1)]; beats]], held: vec![] };
        let (start, stalls) = (Start::Zero, (Stalls::None, Stalls::None));
        Case { start, stalls, seed: 0, idle: Idle::Noise, reset_after: None, stimulus }
    }

    #[test]
    fn what_cannot_be_shorter_takes_no_longer() {
        // Once no run is left, and if nothing is legal, where none is ever made.
        let long = case(20_000);
        let beats = |case: &Case| case.stimulus.inputs[0].len();
        let shortest = shrink(&long, 19_999, |_| true, |it| (beats(it) == 20_000, 20_000));
        assert_eq!(beats(&shortest), 20_000);
        assert_eq!(shrink(&long, 0, |_| false, |_| (true, 1)), long);
    }

    #[test]
    fn few_beats_and_small_values_are_left() {
        let shortest = shrink(
            &case(256),
            100,
            |stimulus| stimulus.inputs[0].len().is_multiple_of(4),
            |case| (case.stimulus.inputs[0].iter().any(|beat| beat[0].bit(1)), 256),
        );
        let values: Vec<u64> =
            shortest.stimulus.inputs[0].iter().map(|beat| beat[0].unsigned()).collect();
        assert_eq!(values, [0, 0, 0, 3]);
    }
}
