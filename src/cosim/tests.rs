//! Tests of the harness on the evaluator alone: every block is right, and what is wrong is found.

use rayon::prelude::*;

use super::*;
use crate::blocks::REGISTRY;
use crate::config::{Reset, Tech, Values};

#[test]
fn every_block_does_what_its_model_says() {
    let mut subjects = vec![];
    for entry in REGISTRY {
        let defaults = Values::defaults(entry.parameters);
        for values in std::iter::once(defaults).chain((entry.variants)()) {
            for reset in [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh] {
                let tech = Tech { reset, ..Tech::default() };
                subjects.push(Subject::of(entry, entry.name, &values, tech).unwrap());
            }
        }
    }
    let plan = Plan { beats: 100, ..Plan::default() };
    let outcomes: Vec<_> = subjects
        .par_iter()
        .map(|subject| {
            let rig = Rig::evaluator(subject).unwrap();
            let outcome = rig.check(subject, &plan);
            let reports = outcome.failures.iter().map(|f| f.report(subject, &plan, None));
            assert!(outcome.failures.is_empty(), "{}", reports.collect::<Vec<_>>().join("\n\n"));
            outcome
        })
        .collect();
    let beats: u64 = outcomes.iter().map(|outcome| outcome.beats).sum();
    assert!(beats > 100_000, "{beats}");
}
