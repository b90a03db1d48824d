//! Tests of the FIFO against a queue.

use rayon::prelude::*;

use super::*;
use crate::blocks::testing::{
    Bench, Stalls, beats, check_timing, data, elaborate, paths, snapshot,
};

const WIDTHS: [u32; 5] = [1, 3, 17, 65, 200];

/// Every depth with every storage; width 17.
fn depths() -> impl Iterator<Item = FifoParameters> {
    let of = |storage: Storage, depths: [u32; 6]| {
        depths.map(|depth| FifoParameters { width: 17, depth, storage })
    };
    let registers = of(Storage::Registers, [1, 2, 3, 5, 16, 64]);
    registers.into_iter().chain(of(Storage::Ram, [1, 2, 3, 5, 16, 1000]))
}

/// What the module's documentation says.
fn holds_beats_in_order(parameters: &FifoParameters, stalls: (Stalls, Stalls), seed: u64) {
    let module = elaborate::<Fifo>(parameters);
    // More than fit, so that the pointers pass the end.
    let beats = beats(parameters.width, 100 + 5 * parameters.depth as usize / 2, seed);
    let mut bench = Bench::new(&module, seed);
    let level = bench.sim.port("level_o").unwrap();
    let ready = bench.sim.port("in_ready_o").unwrap();
    let mut fullest = 0;
    let long = 20 + 6 * parameters.depth;
    bench.run(&beats, beats.len(), stalls, long, |bench| {
        let held = bench.accepted.len() - bench.emitted.len();
        assert_eq!(bench.sim.get(level), held as u64, "{parameters:?}, {stalls:?}");
        assert_eq!(bench.sim.get(ready) == 1, held < parameters.depth as usize);
        fullest = fullest.max(held);
    });
    assert_eq!(data(&bench.emitted), beats, "{parameters:?}, {stalls:?}");
    assert_eq!(bench.sim.get(level), 0);
    if stalls.1 == Stalls::Long && stalls.0 != Stalls::Long {
        assert_eq!(fullest, parameters.depth as usize, "{parameters:?}, {stalls:?}");
    }
}

#[test]
fn order_and_content_survive_every_stall_at_every_depth() {
    let runs: Vec<_> = depths()
        .flat_map(|parameters| Stalls::pairs().map(move |stalls| (parameters.clone(), stalls)))
        .collect();
    runs.par_iter().enumerate().for_each(|(seed, (parameters, stalls))| {
        holds_beats_in_order(parameters, *stalls, seed as u64);
    });
}

#[test]
fn order_and_content_survive_every_stall_at_every_width() {
    for width in WIDTHS {
        for storage in [Storage::Registers, Storage::Ram] {
            for (seed, stalls) in (0..).zip(Stalls::pairs()) {
                holds_beats_in_order(&FifoParameters { width, depth: 3, storage }, stalls, seed);
            }
        }
    }
}

#[test]
fn nothing_outlives_a_reset() {
    for parameters in depths() {
        let module = elaborate::<Fifo>(&parameters);
        let mut bench = Bench::new(&module, 1);
        let level = bench.sim.port("level_o").unwrap();
        for cycles in 0..30 {
            let beats = beats(parameters.width, 40, cycles);
            bench.abandon(&beats, &beats, cycles);
            assert_eq!(bench.sim.get(level), 0);
        }
        let beats = beats(parameters.width, 40, 99);
        bench.run(&beats, beats.len(), (Stalls::Random, Stalls::Random), 1, |_| {});
        assert_eq!(data(&bench.emitted), beats);
    }
}

#[test]
fn the_timing_is_the_declared_one() {
    for parameters in depths() {
        let module = elaborate::<Fifo>(&parameters);
        check_timing(&module, (1, 1), &beats(parameters.width, 129, 1));
    }
}

#[test]
fn one_beat_per_cycle_from_the_depth_that_the_contract_names() {
    for (storage, least) in [(Storage::Registers, 2), (Storage::Ram, 3)] {
        for depth in 1..6 {
            let module = elaborate::<Fifo>(&FifoParameters { width: 3, depth, storage });
            let interval = module.initiation_interval.unwrap();
            assert_eq!(interval == 1, depth >= least, "{storage} {depth}");
        }
    }
}

#[test]
fn no_side_sees_the_other_without_a_register_between() {
    for parameters in depths() {
        let module = elaborate::<Fifo>(&parameters);
        assert_eq!(paths(&module), []);
    }
}

#[test]
fn registers_hold_64_elements_at_most() {
    let of = |storage, depth| {
        let parameters = FifoParameters { width: 8, depth, storage };
        Fifo::validate(&parameters).iter().map(|violation| violation.parameter).collect::<Vec<_>>()
    };
    assert!(of(Storage::Registers, 64).is_empty());
    assert_eq!(of(Storage::Registers, 65), ["depth"]);
    assert!(of(Storage::Ram, 65).is_empty());
}

#[test]
fn snapshots() {
    let parameters = |width, depth, storage| FifoParameters { width, depth, storage };
    snapshot!(Fifo, "fifo_registers_8x1", parameters(8, 1, Storage::Registers));
    snapshot!(Fifo, "fifo_registers_3x5", parameters(3, 5, Storage::Registers));
    snapshot!(Fifo, "fifo_ram_8x4", parameters(8, 4, Storage::Ram));
}
