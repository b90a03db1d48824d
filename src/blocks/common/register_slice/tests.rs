//! Tests of the register slice.

use super::*;
use crate::blocks::testing::{agrees, elaborate, evaluator, paths, snapshot};

const CUTS: [Cut; 3] = [Cut::Forward, Cut::Backward, Cut::Full];

#[test]
fn what_goes_in_comes_out_in_order() {
    for width in [1, 3, 17, 65, 200] {
        for cut in CUTS {
            agrees::<RegisterSlice>(&RegisterSliceParameters { width, cut });
        }
    }
}

#[test]
fn the_cut_paths_are_cut() {
    let paths_of = |cut| {
        let module = elaborate::<RegisterSlice>(&RegisterSliceParameters { width: 8, cut });
        let paths = paths(&module);
        paths.iter().map(|(output, inputs)| format!("{output}: {}", inputs.join(" "))).collect()
    };
    let forward: Vec<String> = paths_of(Cut::Forward);
    assert_eq!(forward, ["in_ready_o: out_ready_i"]);
    let backward: Vec<String> = paths_of(Cut::Backward);
    assert_eq!(backward, ["out_valid_o: in_valid_i", "out_data_o: in_data_i"]);
    let full: Vec<String> = paths_of(Cut::Full);
    assert!(full.is_empty(), "{full:?}");
}

/// How many beats go in while none comes out.
#[test]
fn it_holds_as_much_as_it_says() {
    for (cut, holds) in [(Cut::Forward, 1), (Cut::Backward, 1), (Cut::Full, 2)] {
        let mut sim = evaluator::<RegisterSlice>(&RegisterSliceParameters { width: 8, cut });
        let (offer, ready) = (sim.port("in_valid_i").unwrap(), sim.port("in_ready_o").unwrap());
        sim.set(offer, true);
        let accepted: u64 = (0..10)
            .map(|_| {
                let accepted = sim.get(ready);
                sim.step();
                accepted
            })
            .sum();
        assert_eq!(accepted, holds, "{cut}");
    }
}

#[test]
fn snapshots() {
    let parameters = |width, cut| RegisterSliceParameters { width, cut };
    snapshot!(RegisterSlice, "register_slice_forward_1", parameters(1, Cut::Forward));
    snapshot!(RegisterSlice, "register_slice_backward_8", parameters(8, Cut::Backward));
    snapshot!(RegisterSlice, "register_slice_full_3", parameters(3, Cut::Full));
}
