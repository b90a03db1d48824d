//! Tests of the RAM.

use rand::SeedableRng;

use super::*;
use crate::blocks::Configured;
use crate::blocks::testing::{agrees_with, elaborate, paths, snapshot};
use crate::cosim::{Plan, Subject};

/// Depths at width 17, and widths at depth 5.
fn all() -> impl Iterator<Item = SyncRamParameters> {
    let depths = [1, 2, 3, 5, 16, 1000].map(|depth| SyncRamParameters { width: 17, depth });
    depths.into_iter().chain([1, 3, 65, 200].map(|width| SyncRamParameters { width, depth: 5 }))
}

#[test]
fn it_behaves_like_an_array() {
    for parameters in all() {
        for seed in 0..4 {
            let plan = Plan { beats: 600 + 4 * parameters.depth as usize, seed, only: None };
            agrees_with::<SyncRam>(&parameters, Tech::default(), &plan);
        }
    }
}

#[test]
fn the_stimulus_reaches_every_address_and_meets_itself() {
    for parameters in all() {
        let entry = crate::blocks::find(SyncRam::NAME).unwrap();
        let values = crate::config::Parameters::to_values(&parameters);
        let block = Configured::new(entry, values, Tech::default());
        let shape = Subject::of(&block).unwrap().shape;
        let mut random = Random::seed_from_u64(7);
        let addresses = 1 << shape.inputs[0].fields[1].width;
        let (mut written, mut read) = (vec![false; addresses], vec![false; addresses]);
        let (mut same_cycle, mut just_written, mut last) = (0, 0, None);
        for kind in Kind::ALL {
            let stimulus =
                SyncRam::stimulus(&parameters, &shape, kind, 10 * addresses, &mut random);
            for row in &stimulus.unwrap().inputs[0] {
                let [writes_at, reads_at] = [(0, 1), (3, 4)]
                    .map(|(enable, at)| row[enable].bit(0).then_some(row[at].unsigned() as usize));
                same_cycle += u32::from(reads_at.is_some() && reads_at == writes_at);
                just_written += u32::from(reads_at.is_some() && reads_at == last);
                last = writes_at;
                writes_at.into_iter().for_each(|at| written[at] = true);
                reads_at.into_iter().for_each(|at| read[at] = true);
            }
        }
        assert!(written.iter().chain(&read).all(|reached| *reached), "{parameters:?}");
        assert!(same_cycle > 0 && just_written > 0, "{parameters:?}");
    }
}

/// How long a read takes, the golden model says.
#[test]
fn the_declared_timing_is_that_of_a_read() {
    let module = elaborate::<SyncRam>(&SyncRamParameters::default());
    assert_eq!((module.latency, module.initiation_interval), (Some(1), Some(1)));
    assert_eq!(paths(&module), []);
}

#[test]
fn snapshots() {
    snapshot!(SyncRam, "sync_ram_8x4", SyncRamParameters { width: 8, depth: 4 });
    snapshot!(SyncRam, "sync_ram_1x5", SyncRamParameters { width: 1, depth: 5 });
    snapshot!(SyncRam, "sync_ram_3x1", SyncRamParameters { width: 3, depth: 1 });
}
