//! Tests of the multiply-accumulate lane.

use super::*;
use crate::blocks::testing::{agrees, elaborate, evaluator, paths, snapshot};
use crate::model::Bits;

fn parameters(a_width: u32, b_width: u32, longest: u32) -> MacParameters {
    MacParameters { a_width, b_width, longest, isolate: true }
}

/// Sums of packets in the golden model.
fn sums(p: &MacParameters, packets: &[&[(i64, i64)]]) -> Vec<i64> {
    let beats = packets.iter().flat_map(|packet| {
        packet.iter().enumerate().map(|(index, &(a, b))| {
            let last = index + 1 == packet.len();
            vec![Bits::new(p.a_width, a), Bits::new(p.b_width, b), Bits::new(1, last)]
        })
    });
    let stimulus = Stimulus { inputs: vec![beats.collect()], held: vec![] };
    let response = model::run(p, &stimulus);
    response.emitted[0].iter().map(|emitted| emitted.beat[0].signed()).collect()
}

/// Bits of `out_sum_o`.
fn sum_width(p: &MacParameters) -> u32 {
    let module = elaborate::<Mac>(p);
    let ports = module.ports.iter().map(|&port| module.signal(port));
    ports.into_iter().find(|port| port.name == "out_sum_o").unwrap().ty.width
}

#[test]
fn the_golden_model_multiplies_and_adds() {
    let packets: [&[(i64, i64)]; 3] = [&[(2, 3), (-4, 5)], &[(-128, -128)], &[(127, -128), (1, 1)]];
    assert_eq!(sums(&parameters(8, 8, 1024), &packets), [-14, 16384, -16255]);
    // 2 * 4 fits for certain; 8 more does not, and is brought back.
    let p = parameters(2, 3, 1);
    assert_eq!(
        sums(&p, &[&[(-2, -4)], &[(-2, -4); 2], &[(-2, -4), (-2, -4), (1, -1)]]),
        [8, -16, 15]
    );
}

#[test]
fn sums_agree_at_odd_sizes() {
    for (a_width, b_width, longest) in
        [(2, 2, 1), (2, 5, 3), (3, 17, 5), (8, 8, 17), (17, 4, 1), (32, 32, 3)]
    {
        for isolate in [false, true] {
            agrees::<Mac>(&MacParameters { isolate, ..parameters(a_width, b_width, longest) });
        }
    }
    agrees::<Mac>(&MacParameters::default());
}

#[test]
fn no_bit_is_missing_and_none_is_spare() {
    let of = |a, b, longest| sum_width(&parameters(a, b, longest));
    assert_eq!([of(8, 8, 1), of(8, 8, 2), of(8, 8, 1023), of(8, 8, 1024)], [16, 17, 25, 26]);
    assert_eq!([of(2, 2, 1), of(2, 2, 3), of(2, 2, 4), of(2, 2, 7)], [4, 5, 6, 6]);
    assert_eq!([of(32, 32, 1), of(32, 32, 1 << 20)], [64, 84]);
    assert_eq!(of(3, 17, 5), 22);
}

/// What the hardware says to a packet of beats of one kind.
fn sum_of(p: &MacParameters, (a, b): (i64, i64), beats: u32) -> i64 {
    let mut sim = evaluator::<Mac>(p);
    let port = |name: &str| sim.port(name).unwrap();
    let (valid, last) = (port("in_valid_i"), port("in_last_i"));
    let (in_a, in_b) = (port("in_a_i"), port("in_b_i"));
    let (out_valid, sum) = (port("out_valid_o"), port("out_sum_o"));
    sim.set(in_a, a as u64 & 0xff);
    sim.set(in_b, b as u64 & 0xff);
    sim.set(valid, true);
    for beat in 1..=beats {
        assert_eq!(sim.get(out_valid), 0);
        sim.set(last, beat == beats);
        sim.step();
    }
    assert_eq!(sim.get(out_valid), 1);
    Bits::new(sum_width(p), sim.get(sum)).signed()
}

#[test]
fn extreme_sums_are_exact_up_to_the_longest_packet() {
    for longest in [1023, 1024] {
        let p = parameters(8, 8, longest);
        for operands in [(-128, -128), (-128, 127), (127, -128)] {
            let exact = operands.0 * operands.1 * i64::from(longest);
            assert_eq!(sum_of(&p, operands, longest), exact);
        }
    }
    // 1024 * 16384 is 2^24, which 25 bits do not hold.
    assert_eq!(sum_of(&parameters(8, 8, 1023), (-128, -128), 1024), -(1 << 24));
}

#[test]
fn only_ready_follows_ready() {
    for isolate in [false, true] {
        let module = elaborate::<Mac>(&MacParameters { isolate, ..parameters(8, 8, 1024) });
        assert_eq!(paths(&module), [("in_ready_o", vec!["out_ready_i"])]);
    }
}

#[test]
fn snapshots() {
    let of = |a_width, b_width, longest, isolate| MacParameters {
        isolate,
        ..parameters(a_width, b_width, longest)
    };
    snapshot!(Mac, "mac_8x8", of(8, 8, 1024, true));
    snapshot!(Mac, "mac_8x8_plain", of(8, 8, 1024, false));
    snapshot!(Mac, "mac_2x3_longest_1", of(2, 3, 1, true));
}
