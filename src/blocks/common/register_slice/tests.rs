//! Tests of the register slice: whatever stalls, what goes in comes out.

use super::*;
use crate::blocks::testing::{
    Bench, Stalls, beats, check_timing, data, elaborate, paths, snapshot,
};

const CUTS: [Cut; 3] = [Cut::Forward, Cut::Backward, Cut::Full];

fn all() -> impl Iterator<Item = RegisterSliceParameters> {
    let widths = [1, 3, 17, 65, 200];
    widths.into_iter().flat_map(|width| CUTS.map(|cut| RegisterSliceParameters { width, cut }))
}

#[test]
fn order_and_content_survive_every_stall() {
    for parameters in all() {
        let module = elaborate::<RegisterSlice>(&parameters);
        for (seed, stalls) in (0..).zip(Stalls::pairs()) {
            let beats = beats(parameters.width, 200, seed);
            let mut bench = Bench::new(&module, seed);
            bench.run(&beats, beats.len(), stalls, 20, |_| {});
            assert_eq!(data(&bench.accepted), beats);
            assert_eq!(data(&bench.emitted), beats, "{parameters:?}, {stalls:?}");
        }
    }
}

#[test]
fn nothing_outlives_a_reset() {
    for parameters in all() {
        let module = elaborate::<RegisterSlice>(&parameters);
        let mut bench = Bench::new(&module, 1);
        for cycles in 0..30 {
            let beats = beats(parameters.width, 40, cycles);
            bench.abandon(&beats, &beats, cycles);
        }
        let beats = beats(parameters.width, 40, 99);
        bench.run(&beats, beats.len(), (Stalls::Random, Stalls::Random), 1, |_| {});
        assert_eq!(data(&bench.emitted), beats);
    }
}

#[test]
fn the_timing_is_the_declared_one() {
    for parameters in all() {
        let module = elaborate::<RegisterSlice>(&parameters);
        check_timing(&module, (1, 1), &beats(parameters.width, 50, 1));
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
    for (cut, held) in [(Cut::Forward, 1), (Cut::Backward, 1), (Cut::Full, 2)] {
        let module = elaborate::<RegisterSlice>(&RegisterSliceParameters { width: 8, cut });
        let mut bench = Bench::new(&module, 1);
        let beats = beats(8, 10, 1);
        for _ in 0..10 {
            let next = beats[bench.accepted.len()].clone();
            bench.cycle(Some(&next), false, &mut |_| {});
        }
        assert_eq!(bench.accepted.len(), held, "{cut}");
    }
}

#[test]
fn snapshots() {
    let parameters = |width, cut| RegisterSliceParameters { width, cut };
    snapshot!(RegisterSlice, "register_slice_forward_1", parameters(1, Cut::Forward));
    snapshot!(RegisterSlice, "register_slice_backward_8", parameters(8, Cut::Backward));
    snapshot!(RegisterSlice, "register_slice_full_3", parameters(3, Cut::Full));
}
