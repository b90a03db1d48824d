//! Tests of the width converter against the bits themselves.

use super::*;
use crate::blocks::testing::{Bench, Bits, Stalls, beats, check_timing, data, elaborate, snapshot};

/// Ratios 1, 2, 3 and 8 both ways, at narrow widths of 1, 3, 17 and 65.
fn all() -> Vec<WidthConverterParameters> {
    let mut all = vec![];
    for narrow in [1, 3, 17, 65] {
        for ratio in [1, 2, 3, 8] {
            let wide = narrow * ratio;
            all.push(WidthConverterParameters { in_width: narrow, out_width: wide });
            if ratio > 1 {
                all.push(WidthConverterParameters { in_width: wide, out_width: narrow });
            }
        }
    }
    all
}

/// `beats` as one row of bits, cut into beats of `out_width`; what is left over is no beat.
fn converted(beats: &[Bits], p: &WidthConverterParameters) -> Vec<Bits> {
    let bit = |beat: &Bits, i: u32| beat[i as usize / 64] >> (i % 64) & 1;
    let row: Vec<u64> =
        beats.iter().flat_map(|beat| (0..p.in_width).map(move |i| bit(beat, i))).collect();
    let cut = row.chunks_exact(p.out_width as usize);
    cut.map(|bits| {
        let mut beat = vec![0; p.out_width.div_ceil(64) as usize];
        bits.iter().enumerate().for_each(|(i, bit)| beat[i / 64] |= bit << (i % 64));
        beat
    })
    .collect()
}

#[test]
fn the_reference_puts_what_comes_first_lowest() {
    let join = WidthConverterParameters { in_width: 4, out_width: 8 };
    assert_eq!(converted(&[vec![1], vec![2], vec![3]], &join), [vec![0x21]]);
    let split = WidthConverterParameters { in_width: 8, out_width: 4 };
    assert_eq!(converted(&[vec![0x21]], &split), [vec![1], vec![2]]);
}

#[test]
fn order_and_content_survive_every_stall() {
    for parameters in all() {
        let module = elaborate::<WidthConverter>(&parameters);
        for (seed, stalls) in (0..).zip(Stalls::pairs()) {
            // A number of beats that leaves a part over.
            let beats = beats(parameters.in_width, 73, seed);
            let expected = converted(&beats, &parameters);
            let mut bench = Bench::new(&module, seed);
            bench.run(&beats, expected.len(), stalls, 40, |_| {});
            assert_eq!(data(&bench.accepted), beats);
            assert_eq!(data(&bench.emitted), expected, "{parameters:?}, {stalls:?}");
        }
    }
}

#[test]
fn nothing_outlives_a_reset() {
    for parameters in all() {
        let module = elaborate::<WidthConverter>(&parameters);
        let mut bench = Bench::new(&module, 1);
        for cycles in 0..30 {
            let beats = beats(parameters.in_width, 40, cycles);
            bench.abandon(&beats, &converted(&beats, &parameters), cycles);
        }
        let beats = beats(parameters.in_width, 40, 99);
        let expected = converted(&beats, &parameters);
        bench.run(&beats, expected.len(), (Stalls::Random, Stalls::Random), 1, |_| {});
        assert_eq!(data(&bench.emitted), expected);
    }
}

#[test]
fn the_timing_is_the_declared_one() {
    for p in all() {
        let module = elaborate::<WidthConverter>(&p);
        let joined = (p.out_width / p.in_width).max(1) as usize;
        let split = (p.in_width / p.out_width).max(1) as usize;
        check_timing(&module, (joined, split), &beats(p.in_width, 96, 1));
    }
}

#[test]
fn one_width_is_a_multiple_of_the_other() {
    let help = |in_width, out_width| {
        let violations =
            WidthConverter::validate(&WidthConverterParameters { in_width, out_width });
        violations.first().map(|violation| violation.help.clone())
    };
    assert_eq!(help(8, 32), None);
    assert_eq!(help(32, 8), None);
    assert_eq!(help(7, 7), None);
    assert_eq!(help(8, 12).as_deref(), Some("use 8 and 8, or 8 and 16"));
    assert_eq!(help(12, 8).as_deref(), Some("use 8 and 8, or 8 and 16"));
    // What is proposed is legal.
    assert_eq!(help(4095, 4096).as_deref(), Some("use 4095 and 4095"));
}

#[test]
fn snapshots() {
    let parameters = |in_width, out_width| WidthConverterParameters { in_width, out_width };
    snapshot!(WidthConverter, "width_converter_4_to_12", parameters(4, 12));
    snapshot!(WidthConverter, "width_converter_12_to_4", parameters(12, 4));
    snapshot!(WidthConverter, "width_converter_3_to_3", parameters(3, 3));
}
