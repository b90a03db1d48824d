//! Tests of the arbiter.

use rand::{RngExt, SeedableRng};

use super::*;
use crate::blocks::testing::{agrees_with, elaborate, evaluator, paths, snapshot};
use crate::cosim::Plan;
use crate::model::Bits;

const REQUESTERS: [u32; 7] = [1, 2, 3, 5, 17, 64, 256];

fn all() -> impl Iterator<Item = ArbiterParameters> {
    let of = |requesters| [true, false].map(|hold| ArbiterParameters { requesters, hold });
    REQUESTERS.into_iter().flat_map(of)
}

#[test]
fn requests_are_granted_in_turn() {
    for (seed, parameters) in
        all().flat_map(|parameters| (0..4).map(move |i| (i, parameters.clone())))
    {
        let plan = Plan { beats: 500, seed, only: None };
        agrees_with::<Arbiter>(&parameters, Tech::default(), &plan);
    }
}

#[test]
fn nobody_waits_for_more_than_everybody_else() {
    for parameters in all() {
        let mut sim = evaluator::<Arbiter>(&parameters);
        let (request, advance) = (sim.port("request_i").unwrap(), sim.port("advance_i").unwrap());
        let index = sim.port("index_o").unwrap();
        let mut random = Random::seed_from_u64(7);
        let count = parameters.requesters as usize;
        let (mut asks, mut waited) = (vec![false; count], vec![0; count]);
        for _ in 0..1000 {
            asks.iter_mut().for_each(|asks| *asks |= random.random_ratio(1, 4));
            let advances = random.random_ratio(3, 4);
            let bits: Vec<Bits> = asks.iter().map(|&asks| Bits::new(1, asks)).collect();
            sim.set_limbs(request, Bits::concat(&bits).limbs());
            sim.set(advance, advances);
            let granted = sim.get(index) as usize;
            sim.step();
            if !advances {
                continue;
            }
            (asks[granted], waited[granted]) = (false, 0);
            for (waited, _) in waited.iter_mut().zip(&asks).filter(|(_, asks)| **asks) {
                *waited += 1;
                assert!(*waited < count, "{parameters:?}");
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
