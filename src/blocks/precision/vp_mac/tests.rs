//! Tests of the variable-precision multiply-accumulate.

use rayon::prelude::*;

use super::*;
use crate::blocks::testing::{agrees, elaborate, evaluator, paths, snapshot};
use crate::hdl::eval::Evaluator;
use crate::model::Bits;

fn dot(lanes: u32, activation_bits: u32) -> VpMacParameters {
    VpMacParameters { lanes, activation_bits, ..Default::default() }
}

fn outer(depth: u32, activation_bits: u32) -> VpMacParameters {
    let organisation = Organisation::Outer;
    VpMacParameters { organisation, depth, activation_bits, ..Default::default() }
}

/// Built for weights of `narrowest` to `widest` bits, the widest of which has the scale.
fn built_for(narrowest: u32, widest: u32, p: VpMacParameters) -> VpMacParameters {
    VpMacParameters { narrowest, widest, reference: widest, ..p }
}

/// As parameters say, with exponents and a product register, and with neither.
fn in_all_ways(p: VpMacParameters) -> [VpMacParameters; 2] {
    let other = VpMacParameters {
        exponents: !p.exponents,
        product_register: true,
        isolate: false,
        signed: !p.signed,
        ..p.clone()
    };
    [p, other]
}

#[test]
fn sums_agree_at_odd_sizes() {
    let mut all = VpMac::variants();
    let sizes = [
        dot(1, 8),
        dot(3, 5),
        dot(17, 8),
        dot(2, 16),
        outer(1, 8),
        outer(3, 5),
        outer(17, 16),
        VpMacParameters { pages: 4, peek: true, ..outer(16, 4) },
        VpMacParameters { pages: 3, product_register: true, ..outer(3, 5) },
        built_for(2, 8, dot(3, 8)),
        built_for(4, 16, dot(3, 8)),
        built_for(8, 8, dot(5, 4)),
        built_for(8, 32, outer(2, 4)),
        built_for(4, 8, outer(5, 8)),
        VpMacParameters { longest: 1 << 20, ..dot(4, 16) },
        VpMacParameters { reference: 21, widest: 16, sum_bits: 96, longest: 1, ..dot(1, 4) },
    ];
    all.extend(sizes.into_iter().flat_map(in_all_ways));
    all.push(VpMacParameters::default());
    all.par_iter().for_each(agrees::<VpMac>);
}

/// A beat of organisation `dot`: activations of all places, slots and whether it ends a packet.
struct DotBeat<'a>(&'a [i64], &'a [u64], u32, bool);

/// The sums of the packets in the golden model.
fn sums(p: &VpMacParameters, beats: &[DotBeat]) -> Vec<i64> {
    let beats = beats.iter().map(|DotBeat(activations, slots, bits, last)| {
        let activations = activations.iter().map(|&a| Bits::new(p.activation_bits, a));
        let slots = slots.iter().map(|&slot| Bits::new(SLOT, slot));
        vec![
            Bits::concat(&activations.collect::<Vec<_>>()),
            Bits::concat(&slots.collect::<Vec<_>>()),
            Bits::new(3, bits.ilog2() - 1),
            Bits::new(1, *last),
        ]
    });
    let stimulus = Stimulus { inputs: vec![beats.collect()], held: vec![] };
    let response = model::run(p, &stimulus);
    response.emitted[0].iter().map(|emitted| emitted.beat[0].signed()).collect()
}

#[test]
fn the_golden_model_multiplies_and_adds() {
    let p = VpMacParameters { reference: 32, ..dot(1, 8) };
    let of = |activations: [i64; 4], slot: u64, bits, last| (activations, [slot], bits, last);
    let sums = |beats: &[([i64; 4], [u64; 1], u32, bool)]| {
        let beats = beats.iter().map(|(a, s, bits, last)| DotBeat(a, s, *bits, *last));
        sums(&p, &beats.collect::<Vec<_>>())
    };
    // 1, -2, -1 and 0 as two bits each.
    let two = of([10, 20, 30, 40], 0b00_11_10_01, 2, true);
    assert_eq!(sums(&[two]), [(10 - 40 - 30) << 30]);
    // 7 and -8, whose activations are in places 0 and 2.
    let four = of([10, 20, 30, 40], 0x87, 4, true);
    assert_eq!(sums(&[four]), [(70 - 240) << 28]);
    assert_eq!(sums(&[of([10, 20, 30, 40], 0x80, 8, true)]), [-1280 << 24]);
    // -2 as 16 bits, and -3 as 32.
    let of_16 = [(0xfe, false), (0xff, true)].map(|(byte, last)| of([5; 4], byte, 16, last));
    assert_eq!(sums(&of_16), [-10 << 16]);
    let bytes = [(0xfd, false), (0xff, false), (0xff, false), (0xff, true)];
    let of_32 = bytes.map(|(byte, last)| of([5; 4], byte, 32, last));
    assert_eq!(sums(&of_32), [-15]);
    // All of them in one sum.
    let all = [two, four].into_iter().chain(of_16).chain(of_32);
    let all: Vec<_> = all.map(|(a, s, bits, _)| (a, s, bits, false)).collect();
    let end = of([0; 4], 0, 8, true);
    let expected = (-60_i64 << 30) + (-170 << 28) + (-10 << 16) - 15;
    assert_eq!(sums(&[&all[..], &[end]].concat()), [expected]);
}

/// Bits of a port.
fn width(p: &VpMacParameters, port: &str) -> u32 {
    let module = elaborate::<VpMac>(p);
    let ports = module.ports.iter().map(|&port| module.signal(port));
    ports.into_iter().find(|signal| signal.name == port).unwrap().ty.width
}

#[test]
fn no_bit_is_missing_and_none_is_spare() {
    let of = |longest, p| width(&VpMacParameters { longest, ..p }, "out_sum_o");
    // The greatest product is 2^7 * 2^31, or 255 * 2^31 of activations without a sign.
    assert_eq!([1, 2, 1023, 1024].map(|longest| of(longest, dot(1, 8))), [40, 41, 49, 50]);
    let unsigned = || VpMacParameters { signed: false, ..dot(1, 8) };
    assert_eq!([1, 2, 1024].map(|longest| of(longest, unsigned())), [40, 41, 50]);
    assert_eq!(of(1024, built_for(2, 8, dot(1, 8))), 26);
    assert_eq!(of(1 << 20, dot(1, 16)), 68);
    assert_eq!(of(1, VpMacParameters { sum_bits: 77, ..dot(1, 8) }), 77);
    assert_eq!(width(&outer(3, 8), "in_value_i"), 50);
}

fn set(sim: &mut Evaluator, port: &str, value: &Bits) {
    let port = sim.port(port).unwrap();
    sim.set_limbs(port, value.limbs());
}

/// The greatest products there are, in every lane, for as long as is promised.
#[test]
fn extreme_sums_are_exact_for_the_longest_row() {
    let p = VpMacParameters { longest: 1024, ..dot(16, 8) };
    for (activation, exact) in [(0x80_u64, 128 << 31), (0x7f, -127 << 31)] {
        let mut sim = evaluator::<VpMac>(&p);
        set(&mut sim, "in_activations_i", &Bits::concat(&vec![Bits::new(8, activation); 64]));
        set(&mut sim, "in_precision_i", &Bits::new(3, 4_u64));
        set(&mut sim, "in_valid_i", &Bits::new(1, true));
        // 64 beats of 16 lanes, of four bytes each; one cycle for each byte.
        for beat in 0..64 {
            for byte in [0_u64, 0, 0, 0x80].into_iter().enumerate() {
                let last = beat == 63 && byte.0 == 3;
                set(&mut sim, "in_weights_i", &Bits::concat(&vec![Bits::new(8, byte.1); 16]));
                set(&mut sim, "in_last_i", &Bits::new(1, last));
                assert_eq!(sim.get(sim.port("in_ready_o").unwrap()), 1);
                assert_eq!(sim.get(sim.port("out_valid_o").unwrap()), 0);
                sim.step();
            }
        }
        assert_eq!(sim.get(sim.port("out_valid_o").unwrap()), 1);
        let sum = Bits::new(50, sim.get(sim.port("out_sum_o").unwrap()));
        assert_eq!(sum.signed(), exact * 1024);
    }
}

/// So many cycles for so many beats, whatever their precisions are.
#[test]
fn a_beat_goes_in_every_cycle() {
    for product_register in [false, true] {
        let p = VpMacParameters { product_register, ..dot(3, 8) };
        let mut sim = evaluator::<VpMac>(&p);
        set(&mut sim, "out_ready_i", &Bits::new(1, true));
        let mut taken = 0;
        for cycle in 0..999 + 1 + u64::from(product_register) {
            set(&mut sim, "in_valid_i", &Bits::new(1, cycle < 999));
            // Weights of 2, 16, 32, 4 and 8 bits in turn, at as many beats as their bytes.
            let tag = [0, 3, 3, 4, 4, 4, 4, 1, 2][cycle as usize % 9];
            set(&mut sim, "in_precision_i", &Bits::new(3, tag as u64));
            set(&mut sim, "in_last_i", &Bits::new(1, cycle % 9 == 8));
            assert_eq!(sim.get(sim.port("in_ready_o").unwrap()), 1);
            taken += sim.get(sim.port("out_valid_o").unwrap());
            sim.step();
        }
        assert_eq!(taken, 999 / 9);
    }
}

#[test]
fn only_ready_and_reads_have_paths_through() {
    let of = |p| {
        let module = elaborate::<VpMac>(&p);
        let paths = paths(&module);
        paths.into_iter().map(|(o, i)| format!("{o}: {}", i.join(" "))).collect::<Vec<_>>()
    };
    assert_eq!(of(dot(3, 8)), ["in_ready_o: out_ready_i"]);
    assert_eq!(
        of(outer(3, 8)),
        [
            "in_ready_o: in_valid_i in_operation_i out_ready_i",
            "out_valid_o: in_valid_i in_operation_i",
            "out_sums_o: in_row_i"
        ]
    );
    let registered = VpMacParameters { product_register: true, ..outer(3, 8) };
    assert_eq!(of(registered), ["in_ready_o: out_ready_i"]);
}

#[test]
fn what_does_not_work_is_refused_with_what_does() {
    let refused = |p: VpMacParameters| {
        let violations = VpMac::validate(&p);
        violations.iter().map(|v| format!("{}: {}, {}", v.parameter, v.note, v.help)).collect()
    };
    let cases: Vec<Vec<String>> = vec![
        refused(built_for(5, 8, dot(1, 8))),
        refused(built_for(2, 24, dot(1, 8))),
        refused(VpMacParameters { reference: 16, ..dot(1, 8) }),
        refused(VpMacParameters { sum_bits: 49, ..dot(1, 8) }),
        refused(VpMacParameters { sum_bits: 50, ..dot(1, 8) }),
    ];
    assert_eq!(
        cases,
        [
            vec!["narrowest: narrowest = 5, use 2, 4 or 8"],
            vec!["widest: widest = 24, use 8, 16 or 32"],
            vec!["reference: reference = 16, widest = 32, use 32"],
            vec!["sum_bits: sum_bits = 49, longest = 1024, use 0 for 50, or more than that"],
            vec![],
        ]
    );
}

#[test]
fn snapshots() {
    let small = built_for(4, 8, VpMacParameters { longest: 3, ..dot(3, 4) });
    snapshot!(VpMac, "vp_mac_dot_8_4", small);
    let wide = VpMacParameters { longest: 1, product_register: true, ..dot(1, 4) };
    snapshot!(VpMac, "vp_mac_dot_32_16_8", built_for(8, 32, wide));
    let rows = VpMacParameters { longest: 3, exponents: true, ..outer(2, 4) };
    snapshot!(VpMac, "vp_mac_outer_16_to_4", built_for(4, 16, rows));
}
