//! Tests of the FIFO.

use rayon::prelude::*;

use super::*;
use crate::blocks::testing::{agrees_with, elaborate, paths, snapshot};
use crate::cosim::Plan;

const WIDTHS: [u32; 5] = [1, 3, 17, 65, 200];

/// Every depth with every storage; width 17.
fn depths() -> impl Iterator<Item = FifoParameters> {
    let of = |storage: Storage, depths: [u32; 6]| {
        depths.map(|depth| FifoParameters { width: 17, depth, storage })
    };
    let registers = of(Storage::Registers, [1, 2, 3, 5, 16, 64]);
    registers.into_iter().chain(of(Storage::Ram, [1, 2, 3, 5, 16, 1000]))
}

#[test]
fn what_goes_in_comes_out_in_order() {
    let widths = WIDTHS.into_iter().flat_map(|width| {
        [Storage::Registers, Storage::Ram].map(|storage| FifoParameters {
            width,
            depth: 3,
            storage,
        })
    });
    depths().chain(widths).collect::<Vec<_>>().par_iter().for_each(|parameters| {
        // More than fit, so that the pointers pass the end.
        let beats = 100 + 5 * parameters.depth as usize / 2;
        let plan = Plan { beats, ..Plan::default() };
        agrees_with::<Fifo>(parameters, Tech::default(), &plan);
    });
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
