//! Tests of the mask generator.

use rand::{RngExt, SeedableRng};

use super::*;
use crate::blocks::testing::{agrees, agrees_with, elaborate, evaluator, paths, snapshot};
use crate::cosim::Plan;

fn parameters(width: u32, lanes: u32, group: u32, digit: u32) -> MaskGeneratorParameters {
    MaskGeneratorParameters { width, lanes, group, digit, ..MaskGeneratorParameters::default() }
}

/// Survivors by sorting, and nothing of the golden model's way.
fn sorted_survivors(
    scores: &[u64],
    keep: usize,
    threshold: u64,
    bonus: u64,
    previous: &[bool],
) -> Vec<bool> {
    let mut order: Vec<(u64, usize)> = scores
        .iter()
        .zip(previous)
        .enumerate()
        .filter(|(_, (score, _))| **score > threshold)
        .map(|(index, (score, previous))| (score + bonus * u64::from(*previous), index))
        .collect();
    // A stable sort leaves the lower index in front.
    order.sort_by_key(|&(key, _)| std::cmp::Reverse(key));
    let mut mask = vec![false; scores.len()];
    order.iter().take(keep).for_each(|&(_, index)| mask[index] = true);
    mask
}

#[test]
fn the_golden_model_keeps_the_highest() {
    let previous = [false, true, false, false, true];
    let of = |keep, threshold, bonus| {
        let scores = [5, 3, 5, 9, 0].into_iter().zip(previous);
        let mask = model::survivors(scores, keep, threshold, bonus);
        (0..5).map(|index| if mask >> index & 1 == 1 { '#' } else { '.' }).collect::<String>()
    };
    assert_eq!(of(1, 0, 0), "...#.");
    assert_eq!(of(2, 0, 0), "#..#.", "the lower index wins");
    assert_eq!(of(2, 0, 2), "#..#.", "the bonus makes equal, the index decides");
    assert_eq!(of(2, 0, 3), ".#.#.");
    assert_eq!(of(5, 0, 9), "####.", "a score of 0 exceeds nothing");
    assert_eq!(of(5, 5, 9), "...#.");
    assert_eq!(of(0, 0, 9), ".....");
}

/// 2 million groups of all sizes, with few different scores and with many.
#[test]
fn the_golden_model_sorts() {
    let mut random = Random::seed_from_u64(0x5eed);
    let mut exact = [0_u64; 2];
    for round in 0..2_000_000_u64 {
        // Small groups mostly, but thousands of each size.
        let size = match round % 16 {
            0 => 2 + (round / 16 % 63) as usize,
            _ => 2 + (round / 16 % 7) as usize,
        };
        let bits = [1, 2, 4, 8, 32, 48][(round % 6) as usize];
        let most = (1_u64 << bits) - 1;
        let chance: u64 = random.random();
        let scores: Vec<u64> = match chance % 4 {
            0 => vec![chance >> 8 & most; size],
            1 => {
                (0..size).map(|_| chance >> 8 & most ^ 1 << random.random_range(0..bits)).collect()
            }
            _ => (0..size).map(|_| random.random::<u64>() & most).collect(),
        };
        let previous: Vec<bool> = (0..size).map(|_| random.random()).collect();
        let keep = random.random_range(0..=size + 1);
        let threshold =
            [0, most / 2, most - 1, most, chance >> 12 & most][(chance >> 3) as usize % 5];
        let bonus = [0, 1, most, chance >> 16 & most][(chance >> 5) as usize % 4];
        let elements = scores.iter().copied().zip(previous.iter().copied());
        let mask = model::survivors(elements, keep, threshold, bonus);
        let mask: Vec<bool> = (0..size).map(|index| mask >> index & 1 == 1).collect();
        assert_eq!(
            mask,
            sorted_survivors(&scores, keep, threshold, bonus, &previous),
            "{scores:?}, keep {keep}, threshold {threshold}, bonus {bonus}, previous {previous:?}"
        );
        let survivors = mask.iter().filter(|&&survives| survives).count();
        let above = scores.iter().filter(|&&score| score > threshold).count();
        assert_eq!(survivors, keep.min(above));
        exact[usize::from(above > keep)] += 1;
    }
    assert!(exact.iter().all(|&cases| cases > 400_000), "{exact:?}");
}

#[test]
fn masks_agree_at_odd_sizes() {
    for (width, lanes, group, digit) in [
        (1, 1, 2, 1),
        (1, 1, 2, 3),
        (2, 1, 3, 2),
        (5, 1, 17, 1),
        (5, 3, 3, 2),
        (5, 3, 9, 1),
        (3, 4, 2, 1),
        (8, 4, 16, 1),
        (8, 16, 16, 2),
        (17, 2, 10, 3),
        (32, 1, 5, 2),
    ] {
        for signed in [false, true] {
            agrees::<MaskGenerator>(&MaskGeneratorParameters {
                signed,
                ..parameters(width, lanes, group, digit)
            });
        }
    }
    agrees::<MaskGenerator>(&MaskGeneratorParameters::default());
    for parameters in MaskGenerator::variants() {
        agrees::<MaskGenerator>(&parameters);
    }
}

#[test]
fn masks_agree_at_all_sizes_of_a_group() {
    for group in 2..=64 {
        let lanes = [1, 2, 3, 4].into_iter().rev().find(|lanes| group % lanes == 0).unwrap_or(1);
        let digit = 1 + group % 3;
        let plan = Plan { beats: 40, ..Plan::default() };
        agrees_with::<MaskGenerator>(&parameters(3, lanes, group, digit), Tech::default(), &plan);
    }
}

#[test]
fn masks_agree_with_every_score() {
    for (change, norm) in [(true, false), (false, true), (true, true)] {
        for (width, signed, lanes, group) in [(5, true, 3, 9), (8, false, 4, 4), (32, true, 2, 4)] {
            let p = parameters(width, lanes, group, 2);
            agrees::<MaskGenerator>(&MaskGeneratorParameters { signed, change, norm, ..p });
        }
    }
}

/// Whole groups back to back, with another keep, threshold, bonus and source in each beat: one beat
/// in and one out per cycle, and the first mask D + 2 cycles after the last beat of its group.
#[test]
fn a_beat_goes_in_and_out_in_every_cycle() {
    let all =
        [(1, 16, 1), (1, 16, 2), (4, 16, 1), (4, 16, 2), (16, 16, 2), (32, 16, 1), (8, 64, 3)];
    for (lanes, group, digit) in all {
        for norm in [false, true] {
            let p = MaskGeneratorParameters {
                change: true,
                norm,
                ..parameters(8, lanes, group, digit)
            };
            let mut sim = evaluator::<MaskGenerator>(&p);
            let port = |name: &str| sim.port(name).unwrap();
            let (ready, offered) = (port("in_ready_o"), port("out_valid_o"));
            let names = ["data", "source", "keep", "threshold", "bonus"];
            let fields = names.map(|field| port(&format!("in_{field}_i")));
            let (valid, last, takes) = (port("in_valid_i"), port("in_last_i"), port("out_ready_i"));
            sim.set(valid, 1);
            sim.set(takes, 1);
            let beats = u64::from((group / lanes).max(1));
            let key_bits = if norm { 24 } else { 9_u32 };
            let digits = key_bits.div_ceil(digit) + group.ilog2().div_ceil(digit);
            let until = beats + u64::from(digits) + u64::from(beats > 1) + u64::from(norm);
            for cycle in 0..300_u64 {
                for (index, &field) in (1_u64..).zip(&fields) {
                    sim.set_limbs(field, &[cycle.wrapping_mul(0x9e37_79b9 * index); 16]);
                }
                sim.set(last, cycle % (5 * beats) == 5 * beats - 1);
                assert_eq!(sim.get(ready), 1, "{p:?}, cycle {cycle}");
                assert_eq!(sim.get(offered), u64::from(cycle >= until), "{p:?}, cycle {cycle}");
                sim.step();
            }
        }
    }
}

#[test]
fn the_offer_does_not_depend_on_ready() {
    for (lanes, norm) in [(1, false), (4, true), (16, false), (32, true)] {
        let p = MaskGeneratorParameters { norm, ..parameters(8, lanes, 16, 2) };
        assert_eq!(paths(&elaborate::<MaskGenerator>(&p)), [("in_ready_o", vec!["out_ready_i"])]);
    }
}

#[test]
fn lanes_and_groups_fit() {
    let help = |lanes, group| {
        let violations = MaskGenerator::validate(&parameters(8, lanes, group, 2));
        violations.first().map(|violation| violation.help.clone())
    };
    for lanes in [1, 2, 4, 8, 16, 32, 48, 64] {
        assert_eq!(help(lanes, 16), None);
    }
    assert_eq!(help(10, 16).as_deref(), Some("use 1, 2, 4, 8, 16, 32, 48 or 64"));
    assert_eq!(help(24, 16).as_deref(), Some("use 1, 2, 4, 8, 16, 32, 48 or 64"));
    assert_eq!(help(2, 61).as_deref(), Some("use 1 or 61"));
}

#[test]
fn snapshots() {
    snapshot!(MaskGenerator, "mask_generator_2_of_4", parameters(3, 2, 4, 1));
    let p = MaskGeneratorParameters { change: true, norm: true, ..parameters(2, 4, 2, 2) };
    snapshot!(MaskGenerator, "mask_generator_4_of_2", p);
}
