//! Tests of mask apply.

use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use super::*;
use crate::blocks::testing::{agrees, elaborate, evaluator, paths, snapshot};
use crate::model::{Beat, Bits};

fn compact(width: u32, window: u32, lanes: u32, queue: u32, longest: u32) -> MaskApplyParameters {
    MaskApplyParameters { width, window, lanes, queue, longest, ..Default::default() }
}

fn gate(width: u32, window: u32) -> MaskApplyParameters {
    MaskApplyParameters { width, window, mode: Mode::Gate, ..Default::default() }
}

#[test]
fn survivors_agree_at_odd_sizes() {
    let mut all = MaskApply::variants();
    all.extend([
        MaskApplyParameters::default(),
        compact(3, 2, 1, 4, 1),
        compact(1, 3, 1, 6, 2),
        compact(8, 3, 3, 12, 100),
        compact(5, 17, 3, 18, 64),
        compact(2, 17, 8, 32, 1000),
        gate(17, 3),
        gate(8, 16),
    ]);
    all.par_iter().for_each(agrees::<MaskApply>);
}

/// A vector of which element n is n + 1, as windows.
fn windows(p: &MaskApplyParameters, mask: &[bool]) -> Vec<Beat> {
    let window = p.window as usize;
    let empty_width = p.window.next_power_of_two().ilog2();
    let last = mask.len().div_ceil(window) - 1;
    let beats = mask.chunks(window).enumerate().map(|(number, part)| {
        let lane = |lane: usize| Bits::new(p.width, (number * window + lane + 1) as u64);
        let data: Vec<Bits> = (0..window).map(lane).collect();
        let bit = |lane: usize| Bits::new(1, part.get(lane).copied().unwrap_or(true));
        let mask: Vec<Bits> = (0..window).map(bit).collect();
        let mut beat = vec![Bits::concat(&data), Bits::concat(&mask)];
        if window > 1 {
            beat.push(Bits::new(empty_width, (window - part.len()) as u64));
        }
        beat.push(Bits::new(1, number == last));
        beat
    });
    beats.collect()
}

/// Of each beat that the golden model puts out, the elements, the places, and whether it is the
/// last of its vector.
type Seen = Vec<(Vec<u64>, Vec<u64>, bool)>;

fn seen(p: &MaskApplyParameters, vectors: &[Vec<bool>]) -> Seen {
    let beats = vectors.iter().flat_map(|mask| windows(p, mask)).collect();
    let response = model::run(p, &Stimulus { inputs: vec![beats], held: vec![] });
    let beats = response.emitted[0].iter().map(|emitted| {
        let [data, index, count, last] = &emitted.beat[..] else { panic!("four fields") };
        let count = count.unsigned() as usize;
        let numbers = |bits: &Bits, width| -> Vec<u64> {
            let mut all: Vec<u64> = bits.lanes(width).map(|lane| lane.unsigned()).collect();
            assert!(all[count..].iter().all(|&lane| lane == 0), "what is empty is 0");
            all.truncate(count);
            all
        };
        (numbers(data, p.width), numbers(index, index.width() / p.lanes), last.bit(0))
    });
    beats.collect()
}

#[test]
fn the_golden_model_compacts() {
    let mask = |text: &str| text.chars().map(|c| c == 'x').collect::<Vec<bool>>();
    let p = compact(8, 4, 2, 8, 16);
    // Across windows; a partial window; none at all; a vector that ends with a full beat, long
    // before its last window.
    let vectors = [
        mask("x..x .x..".replace(' ', "").as_str()),
        mask("xxxxx"),
        mask("....."),
        mask("xx......."),
    ];
    let expected: Seen = vec![
        (vec![1, 4], vec![0, 3], false),
        (vec![6], vec![5], true),
        (vec![1, 2], vec![0, 1], false),
        (vec![3, 4], vec![2, 3], false),
        (vec![5], vec![4], true),
        (vec![], vec![], true),
        (vec![1, 2], vec![0, 1], true),
    ];
    assert_eq!(seen(&p, &vectors), expected);
    // Beyond the longest, places begin again.
    let p = compact(8, 3, 1, 4, 4);
    let places: Vec<u64> = seen(&p, &[vec![true; 6]]).iter().map(|beat| beat.1[0]).collect();
    assert_eq!(places, [0, 1, 2, 3, 0, 1]);
}

/// Every survivor of every vector comes out of the golden model once, in order, in full beats that
/// hold no survivor of another vector.
#[test]
fn the_golden_model_is_a_filter() {
    let mut random = Random::seed_from_u64(5);
    for p in [compact(32, 5, 1, 4, 4096), compact(32, 7, 3, 12, 4096), compact(32, 16, 4, 16, 4096)]
    {
        let vectors: Vec<Vec<bool>> = (0..200)
            .map(|_| {
                let density = [0.0, 0.05, 0.3, 0.7, 1.0][random.random_range(0..5)];
                let length = random.random_range(1..80);
                (0..length).map(|_| random.random_bool(density)).collect()
            })
            .collect();
        let mut expected: Seen = vec![];
        for mask in &vectors {
            let places: Vec<u64> =
                (0..).zip(mask).filter_map(|(place, &is)| is.then_some(place)).collect();
            let beats: Vec<&[u64]> = match places.is_empty() {
                true => vec![&[]],
                false => places.chunks(p.lanes as usize).collect(),
            };
            expected.extend(beats.iter().enumerate().map(|(i, places)| {
                let elements = places.iter().map(|place| place + 1).collect();
                (elements, places.to_vec(), i + 1 == beats.len())
            }));
        }
        assert_eq!(seen(&p, &vectors), expected);
    }
}

#[test]
fn only_ready_follows_what_is_offered() {
    let mut p = MaskApplyParameters { joint: true, ..compact(3, 5, 1, 4, 17) };
    let masks = vec!["in_mask_i", "in_weight_mask_i", "in_empty_i", "in_last_i"];
    assert_eq!(paths(&elaborate::<MaskApply>(&p)), [("in_ready_o", masks)]);
    // All survivors of a window move at once.
    p.window = 2;
    assert_eq!(paths(&elaborate::<MaskApply>(&p)), []);
    let gate = elaborate::<MaskApply>(&gate(3, 5));
    let ready = ("in_ready_o", vec!["out_ready_i"]);
    assert!(paths(&gate).contains(&ready));
    assert!(!paths(&gate).iter().any(|(to, from)| *to == "out_valid_o" && *from != ["in_valid_i"]));
}

/// A mask of independent elements, or of runs of survivors of 16 on average.
fn sparse(elements: usize, density: f64, is_clustered: bool) -> Vec<bool> {
    let mut random = Random::seed_from_u64(11);
    let mut survives = random.random_bool(density);
    let (ends, begins) = (1.0 / 16.0, density / (1.0 - density) / 16.0);
    let element = |_| {
        if !is_clustered {
            return random.random_bool(density);
        }
        let before = survives;
        survives ^= random.random_bool(if survives { ends } else { begins });
        before
    };
    (0..elements).map(element).collect()
}

/// A vector as windows; what its elements are does not matter.
fn masked(p: &MaskApplyParameters, mask: &[bool]) -> Stimulus {
    let window = p.window as usize;
    assert!(window > 1 && mask.len().is_multiple_of(window));
    let last = mask.len() / window - 1;
    let beats = mask.chunks(window).enumerate().map(|(number, part)| {
        let part: Vec<Bits> = part.iter().map(|&bit| Bits::new(1, bit)).collect();
        let empty = Bits::zero(p.window.next_power_of_two().ilog2());
        let data = Bits::zero(p.width * p.window);
        vec![data, Bits::concat(&part), empty, Bits::new(1, number == last)]
    });
    Stimulus { inputs: vec![beats.collect()], held: vec![] }
}

/// Cycles that a vector takes in the golden model, from the first window that goes in to the last
/// beat that comes out, nothing stalling.
fn cycles(p: &MaskApplyParameters, mask: &[bool]) -> u64 {
    let response = model::run(p, &masked(p, mask));
    response.emitted[0].last().expect("a vector ends").cycle + 1
}

/// The same of the hardware.
fn cycles_of_hardware(p: &MaskApplyParameters, mask: &[bool]) -> u64 {
    let mut sim = evaluator::<MaskApply>(p);
    let port = |name: &str| sim.port(name).unwrap();
    let (valid, ready) = (port("in_valid_i"), port("in_ready_o"));
    let (in_mask, empty, last) = (port("in_mask_i"), port("in_empty_i"), port("in_last_i"));
    let (out_valid, out_ready) = (port("out_valid_o"), port("out_ready_i"));
    let out_last = port("out_last_o");
    sim.set(out_ready, true);
    sim.set(empty, 0);
    let windows = masked(p, mask);
    let mut windows = windows.inputs[0].iter();
    let mut offered = windows.next();
    let start = sim.cycle();
    loop {
        sim.set(valid, offered.is_some());
        if let Some(window) = offered {
            sim.set_limbs(in_mask, window[1].limbs());
            sim.set(last, window[3].bit(0));
            if sim.get(ready) == 1 {
                offered = windows.next();
            }
        }
        if sim.get(out_valid) == 1 && sim.get(out_last) == 1 {
            return sim.cycle() - start + 1;
        }
        sim.step();
    }
}

const ELEMENTS: usize = 1 << 16;

/// Masks of all sparsities: how sparse, whether clustered, and the mask.
fn masks() -> Vec<(f64, bool, Vec<bool>)> {
    let cases = [0.5, 0.75, 0.87, 0.94].into_iter().flat_map(|s| [(s, false), (s, true)]);
    cases.map(|(s, clustered)| (s, clustered, sparse(ELEMENTS, 1.0 - s, clustered))).collect()
}

#[test]
fn no_share_of_the_ideal_is_below_nine_tenths() {
    let p = MaskApplyParameters::default();
    for (sparsity, is_clustered, mask) in masks() {
        let survivors = mask.iter().filter(|&&is| is).count();
        let ideal = survivors.div_ceil(p.lanes as usize).max(ELEMENTS / p.window as usize);
        let share = ideal as f64 / cycles(&p, &mask) as f64;
        assert!((0.9..=1.0).contains(&share), "{sparsity} clustered {is_clustered}: {share:.3}");
    }
}

#[test]
fn without_a_mask_it_is_as_fast_as_its_output() {
    for p in [MaskApplyParameters::default(), compact(1, 16, 4, 16, 128), compact(8, 3, 2, 8, 9)] {
        let elements = ELEMENTS / p.window as usize * p.window as usize;
        let dense = elements.div_ceil(p.lanes as usize) as u64;
        let cycles = cycles(&p, &vec![true; elements]);
        assert!(cycles - dense <= dense / 100, "{cycles} cycles instead of {dense}");
    }
}

/// The same cycles on long vectors as in the golden model, where the queue is full and empty in
/// turn.
#[test]
fn hardware_takes_the_cycles_of_the_golden_model() {
    let p = MaskApplyParameters { width: 1, ..Default::default() };
    for (_, _, mask) in masks() {
        let mask = &mask[..4096];
        assert_eq!(cycles_of_hardware(&p, mask), cycles(&p, mask));
    }
}

#[test]
fn parameters_that_do_not_go_together() {
    let help = |p: &MaskApplyParameters| -> Vec<(&str, String)> {
        MaskApply::validate(p).into_iter().map(|v| (v.parameter, v.help)).collect()
    };
    assert_eq!(help(&MaskApplyParameters::default()), []);
    assert_eq!(help(&compact(8, 2, 3, 12, 128)), [("lanes", "use lanes up to 2".into())]);
    assert_eq!(help(&compact(8, 16, 3, 8, 128)), [("queue", "use 12".into())]);
    assert_eq!(help(&compact(8, 16, 1, 5, 128)), [("queue", "use 6".into())]);
    // What is proposed is legal.
    assert_eq!(help(&compact(8, 16, 9, 255, 128)), [("queue", "use 252".into())]);
    assert_eq!(help(&compact(8, 16, 9, 252, 128)), []);
    // In mode `gate` they have no effect.
    assert_eq!(help(&MaskApplyParameters { lanes: 3, queue: 5, ..gate(8, 2) }), []);
}

#[test]
fn snapshots() {
    snapshot!(MaskApply, "mask_apply_3_to_1", compact(2, 3, 1, 4, 8));
    let joint = MaskApplyParameters { joint: true, ..compact(1, 5, 2, 12, 17) };
    snapshot!(MaskApply, "mask_apply_5_to_2_joint", joint);
    snapshot!(MaskApply, "mask_apply_gate_5", gate(2, 5));
}
