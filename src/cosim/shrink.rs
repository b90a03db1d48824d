//! The shortest stimulus that still shows a mismatch.

use super::engine::Start;
use super::scenario::Case;
use super::stalls::Stalls;
use crate::model::{Bits, Stimulus};

/// How often a candidate is tried.
const MOST_RUNS: usize = 2000;

/// Makes a failing case simpler as long as `fails` says that it fails alike: fewer stalls, no reset
/// in mid-stream, fewer beats, smaller values. `accepts` says which stimulus is legal.
pub(super) fn shrink(
    case: &Case,
    accepts: impl Fn(&Stimulus) -> bool,
    fails: impl FnMut(&Case) -> bool,
) -> Case {
    let mut shrinker = Shrinker { best: case.clone(), accepts, fails, left: MOST_RUNS };
    shrinker.conditions();
    shrinker.prefix();
    shrinker.beats();
    shrinker.conditions();
    shrinker.values();
    shrinker.best
}

struct Shrinker<A, F> {
    best: Case,
    accepts: A,
    fails: F,
    left: usize,
}

impl<A: Fn(&Stimulus) -> bool, F: FnMut(&Case) -> bool> Shrinker<A, F> {
    /// Takes the candidate if it fails.
    fn attempt(&mut self, candidate: Case) -> bool {
        if self.left == 0 || candidate == self.best || !(self.accepts)(&candidate.stimulus) {
            return false;
        }
        self.left -= 1;
        let fails = (self.fails)(&candidate);
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

    /// The first beats alone.
    fn prefix(&mut self) {
        let mut length = 0;
        while length < self.longest() {
            if self.attempt_stimulus(|stimulus| {
                stimulus.inputs.iter_mut().for_each(|beats| beats.truncate(length));
            }) {
                return;
            }
            length = (2 * length).max(1);
        }
    }

    /// Leaves out beats, first many at once, then single ones.
    fn beats(&mut self) {
        let mut size = self.longest().div_ceil(2);
        while size > 0 {
            for channel in 0..self.best.stimulus.inputs.len() {
                let mut at = 0;
                while at < self.best.stimulus.inputs[channel].len() {
                    let removed = self.attempt_stimulus(|stimulus| {
                        let beats = &mut stimulus.inputs[channel];
                        beats.drain(at..(at + size).min(beats.len()));
                    });
                    at += if removed { 0 } else { size };
                }
            }
            size /= 2;
        }
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
