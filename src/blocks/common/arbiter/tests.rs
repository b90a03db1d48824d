//! Tests of the arbiter against a finger that goes round.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::blocks::testing::{elaborate, paths, snapshot};
use crate::hdl::eval::Evaluator;

const REQUESTERS: [u32; 7] = [1, 2, 3, 5, 17, 64, 256];

/// What the arbiter does, with a number for the one whose turn it is.
struct Reference {
    requesters: usize,
    turn: usize,
    hold: bool,
    /// Who was granted in the cycle before, if the grant was not taken.
    held: Option<usize>,
}

impl Reference {
    fn grant(&self, requests: &[bool]) -> Option<usize> {
        if let Some(held) = self.held.filter(|&held| self.hold && requests[held]) {
            return Some(held);
        }
        let round = (0..self.requesters).map(|i| (self.turn + i) % self.requesters);
        round.into_iter().find(|&i| requests[i])
    }

    fn edge(&mut self, grant: Option<usize>, advance: bool) {
        if let (Some(grant), true) = (grant, advance) {
            self.turn = (grant + 1) % self.requesters;
        }
        self.held = grant.filter(|_| !advance);
    }
}

fn limbs(bits: &[bool]) -> Vec<u64> {
    let word = |bits: &[bool]| bits.iter().rev().fold(0, |word, &bit| word << 1 | u64::from(bit));
    bits.chunks(64).map(word).collect()
}

/// Runs `cycles` cycles of what `requests` asks for, which sees who was granted for good in the
/// cycle before.
fn run(
    requesters: u32,
    hold: bool,
    seed: u64,
    cycles: u64,
    mut requests: impl FnMut(&mut ChaCha8Rng, &mut Vec<bool>, Option<usize>),
) {
    let module = elaborate::<Arbiter>(&ArbiterParameters { requesters, hold });
    let mut sim = Evaluator::new(&module).unwrap();
    let port = |name: &str| sim.port(name).unwrap();
    let (request, advance) = (port("request_i"), port("advance_i"));
    let (grant, index) = (port("grant_o"), port("index_o"));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    sim.randomize(seed);
    sim.reset();
    let count = requesters as usize;
    let mut reference = Reference { requesters: count, turn: 0, hold, held: None };
    let mut asks = vec![false; count];
    // For each standing request, how many others were granted since.
    let mut waited = vec![0; count];
    let mut taken = None;
    for cycle in 0..cycles {
        requests(&mut random, &mut asks, taken);
        let advances = random.random_ratio(3, 4);
        sim.set_limbs(request, &limbs(&asks));
        sim.set(advance, advances);
        let expected = reference.grant(&asks);
        let one_hot: Vec<bool> = (0..count).map(|i| expected == Some(i)).collect();
        let seen = sim.get_limbs(grant).to_vec();
        assert_eq!(seen, limbs(&one_hot), "{requesters} requesters, cycle {cycle}");
        assert_eq!(sim.get(index), expected.unwrap_or(0) as u64);
        // The turn passes in the cycle of `advance_i`, not before: the grant does not depend on it.
        sim.set(advance, !advances);
        assert_eq!(sim.get_limbs(grant), seen);
        sim.set(advance, advances);

        taken = expected.filter(|_| advances);
        for (i, waited) in waited.iter_mut().enumerate() {
            match taken {
                Some(taken) if asks[i] && taken != i => *waited += 1,
                Some(_) => *waited = 0,
                None if !asks[i] => *waited = 0,
                None => {}
            }
            assert!(*waited < count, "{i} of {requesters} waited for {waited} others");
        }
        reference.edge(expected, advances);
        sim.step();
        if random.random_ratio(1, 100) {
            sim.reset();
            (reference.turn, reference.held) = (0, None);
            waited.fill(0);
        }
    }
    assert_eq!(sim.failures(), []);
}

/// Seeds, one in how many asks, and whether grants are held.
const SHARES: [(u64, u32, bool); 6] =
    [(1, 1, true), (2, 4, true), (3, 16, true), (1, 1, false), (2, 4, false), (3, 16, false)];

#[test]
fn requests_that_come_and_go_are_granted_in_turn() {
    for requesters in REQUESTERS {
        for (seed, part, hold) in SHARES {
            run(requesters, hold, seed, 500, |random, asks, _| {
                asks.iter_mut().for_each(|asks| *asks = random.random_ratio(1, part));
            });
        }
    }
}

#[test]
fn standing_requests_are_granted_in_turn() {
    for requesters in REQUESTERS {
        for (seed, part, hold) in SHARES {
            run(requesters, hold, seed, 500, |random, asks, taken| {
                if let Some(taken) = taken {
                    asks[taken] = false;
                }
                asks.iter_mut().for_each(|asks| *asks |= random.random_ratio(1, part));
            });
        }
    }
}

#[test]
fn all_ask_always_and_each_is_granted_once_a_round() {
    for requesters in REQUESTERS {
        let module = elaborate::<Arbiter>(&ArbiterParameters { requesters, ..Default::default() });
        let mut sim = Evaluator::new(&module).unwrap();
        let (request, advance) = (sim.port("request_i").unwrap(), sim.port("advance_i").unwrap());
        let index = sim.port("index_o").unwrap();
        sim.randomize(7);
        sim.reset();
        sim.set_limbs(request, &limbs(&vec![true; requesters as usize]));
        sim.set(advance, true);
        for _ in 0..3 {
            for expected in 0..requesters {
                assert_eq!(sim.get(index), u64::from(expected));
                sim.step();
            }
        }
    }
}

#[test]
fn the_grant_follows_the_requests_alone() {
    for requesters in REQUESTERS {
        let module = elaborate::<Arbiter>(&ArbiterParameters { requesters, ..Default::default() });
        for (output, inputs) in paths(&module) {
            assert_eq!(inputs, ["request_i"], "{output}");
        }
    }
}

#[test]
fn snapshots() {
    snapshot!(Arbiter, "arbiter_1", ArbiterParameters { requesters: 1, hold: true });
    snapshot!(Arbiter, "arbiter_2", ArbiterParameters { requesters: 2, hold: false });
    snapshot!(Arbiter, "arbiter_5", ArbiterParameters { requesters: 5, hold: true });
}
