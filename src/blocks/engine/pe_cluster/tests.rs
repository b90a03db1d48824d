//! Tests of the cluster of processing elements.

use super::*;
use crate::blocks::testing::{agrees, elaborate, paths, snapshot};
use crate::model::Bits;

#[test]
fn it_agrees_at_odd_sizes() {
    agrees::<PeCluster>(&PeCluster::mutated());
    PeCluster::variants().iter().for_each(agrees::<PeCluster>);
    agrees::<PeCluster>(&PeClusterParameters { words: 24, ..Default::default() });
}

#[test]
fn only_ready_follows_ready() {
    let module = elaborate::<PeCluster>(&PeCluster::mutated());
    let ready = ["in_layer_i", "out_ready_i"];
    let paths = paths(&module);
    for (output, inputs) in &paths {
        match *output {
            "in_ready_o" => assert!(inputs.iter().all(|input| {
                ready.contains(input) || ["beats_i", "in_valid_i"].contains(input)
            })),
            "load_ready_o" => assert_eq!(inputs, &["in_valid_i"]),
            "out_sums_o" => assert_eq!(inputs, &["spread_i"]),
            other => panic!("{other} follows {inputs:?}"),
        }
    }
}

/// Of a cluster of one element and layer 0, the sums of row 0 to 3 after values for columns 0, 1, ….
fn sums(words: Vec<Bits>, values: &[i64], threshold: u64) -> Vec<i64> {
    let p = PeClusterParameters { elements: 1, lanes: 1, ..PeCluster::mutated() };
    let layer = Layer { base: 0, stride: words.len() / values.len(), beats: 4, spread: 0 };
    let mut of_element = Words::default();
    for (address, word) in words.iter().enumerate() {
        of_element.load(address, Word::of(&p, word));
    }
    let mut sums = Sums::new(&p, &[layer, layer], vec![of_element]);
    for (column, &value) in values.iter().enumerate() {
        sums.add(0, &[(column, value)], threshold);
    }
    (0..4).flat_map(|beat| sums.beat(0, beat).to_vec()).collect()
}

#[test]
fn weights_count_for_their_rows_at_their_scale() {
    let p = PeClusterParameters { elements: 1, lanes: 1, ..PeCluster::mutated() };
    // Two weights of 4 bits, at a scale of 16 and of 1, and one of 8.
    let of_4 = |exponent, weights: &[(usize, i32)]| Word::pattern(&p, 4, exponent, 0, weights);
    let of_8 = Word::pattern(&p, 8, 0, 0, &[(3, -128)]);
    assert_eq!(sums(vec![of_4(4, &[(0, 7), (2, -8)])], &[3], 0), [336, 0, -384, 0]);
    assert_eq!(sums(vec![of_4(0, &[(1, 1), (1, 2)])], &[3], 0), [0, 9, 0, 0]);
    assert_eq!(sums(vec![of_8.clone(), of_4(0, &[(3, 1)])], &[-2, 5], 0), [0, 0, 0, 261]);
    // 7 * 16 is not above 112, 8 * 16 is; -128 is not above 128.
    assert_eq!(sums(vec![of_4(4, &[(0, 7), (2, -8)])], &[3], 112), [0, 0, -384, 0]);
    assert_eq!(sums(vec![of_8, of_4(0, &[(3, 1)])], &[-2, 5], 128), [0; 4]);
}

#[test]
fn sizes_that_do_not_go_together_are_refused() {
    let p = |elements, lanes, reference| PeClusterParameters {
        elements,
        lanes,
        reference,
        ..Default::default()
    };
    let help = |p: &PeClusterParameters| {
        PeCluster::validate(p).into_iter().map(|v| (v.parameter, v.help)).collect::<Vec<_>>()
    };
    assert_eq!(help(&p(6, 2, 8)), [("elements", "use 4 or 8".to_string())]);
    assert_eq!(help(&p(4, 8, 8)), [("lanes", "use up to 4".to_string())]);
    assert!(help(&p(4, 4, 8)).is_empty());
    assert_eq!(help(&PeClusterParameters { widest: 16, ..p(4, 4, 8) }).len(), 1);
}

#[test]
fn snapshots() {
    snapshot!(PeCluster, "pe_cluster_2_of_4_bits", PeCluster::mutated());
}
