use super::*;
use crate::workload::network::Layer;

/// Little of everything, on a few utterances.
fn recipe() -> Recipe {
    Recipe {
        float_epochs: 8,
        keeps: vec![[8, 8, 16], [6, 6, 7]],
        pruning_epochs: 1,
        precisions: [2, 4, 8],
        rounding_epochs: 1,
        targets: vec![4.0, 5.0],
        delta_epochs: 1,
        noise: 0.05,
    }
}

fn trained(seed: u64) -> Trained {
    let data: Vec<Sequence> = japanese_vowels(Part::Train).iter().step_by(30).cloned().collect();
    let recipe = recipe();
    Training::new(seed, &recipe, &data, |_, _| {}).unwrap().run(&data).unwrap()
}

#[test]
fn a_seed_decides_everything() {
    let files = |trained: &Trained| trained.network.files("");
    let (one, again, other) = (trained(1), trained(1), trained(2));
    assert!(files(&one) == files(&again) && one.dense == again.dense);
    assert_eq!(one.figures, again.figures);
    assert!(files(&one) != files(&other));
}

#[test]
fn networks_are_as_the_recipe_says() {
    let Trained { network, dense, figures } = trained(3);
    let nonzero = |layer: &Layer| layer.weights.iter().filter(|&&weight| weight != 0).count();
    let wanted = recipe().precisions.into_iter().zip(recipe().keeps[1]);
    for (layer, (precision, keep)) in network.layers.iter().zip(wanted) {
        assert_eq!((layer.precision, layer.keep), (precision, keep));
        assert_eq!(layer.exponents.is_some(), precision < 8);
        assert!(nonzero(layer) <= layer.inputs * layer.groups() * keep);
        assert!(nonzero(layer) > layer.inputs * layer.groups() * keep / 3);
    }
    assert!(dense.layers.iter().all(|layer| layer.precision == 8 && layer.keep == GROUP));
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in network.files("") {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    assert_eq!(Network::read(&folder.path().join("network.toml")), Ok(network));
    assert!(figures.train_ratio > 4.5, "{figures:?}");
    // The same work by another way: data that are tested with are those of the training here.
    assert_eq!(figures.train_ratio, figures.test_ratio);
}

#[test]
fn the_heaviest_weights_of_a_group_are_kept() {
    // 18 outputs in two groups, one input: the even ones, and the odd ones.
    let weights: Vec<f32> =
        (0..18).map(|output| if output < 4 { -9.0 } else { output as f32 / 2.0 }).collect();
    let kept = quantise::balanced(&weights, 1, 18, 3);
    let places: Vec<usize> = (0..18).filter(|&output| kept[output] == 1.0).collect();
    assert_eq!(places, [0, 1, 2, 3, 16, 17]);
}

#[test]
fn exponents_are_as_small_as_the_largest_weight_allows() {
    // Two inputs, one group of two outputs, 4 bits: units of 1.
    let weights = [112.0, 7.4, -60.0, 3.0];
    let stored = quantise::weights(&weights, 2, 2, 4);
    assert_eq!(stored.unit, 1.0);
    // 7 * 2^4 is 112; 7.4 is in reach of 7.
    assert_eq!(stored.exponents.as_deref(), Some(&[4, 0][..]));
    assert_eq!(stored.integers, [7, 7, -4, 3]);
    assert_eq!(stored.values(), [112.0, 7.0, -64.0, 3.0]);
    assert_eq!(quantise::weights(&weights, 2, 2, 8).integers, [127, 8, -68, 3]);
}

#[test]
fn integers_compute_what_the_training_does() {
    // Without noise and in dense mode, the classes are those of floating point, but for rounding.
    let data: Vec<Sequence> = japanese_vowels(Part::Train).iter().step_by(9).cloned().collect();
    let recipe = Recipe { float_epochs: 60, ..recipe() };
    let mut training = Training::new(0, &recipe, &data, |_, _| {}).unwrap();
    training.fit("", recipe.float_epochs, 5e-3, None).unwrap();
    let controls = vec![Control::default(); 3];
    let regime = Regime { scales: training.scales().unwrap(), precisions: vec![8; 3], controls };
    let (network, unit) = training.integers(&regime, &[GROUP; 3]).unwrap();
    let vectors = network.quantised(&data[0]).unwrap();
    let found = crate::workload::reference::run(&network, &vectors);
    let batch = batch(&data[..1]).unwrap();
    let wanted = training.model.integer(&batch.vectors, &batch.lengths, &regime).unwrap();
    let wanted: Vec<Vec<f32>> = wanted.to_vec2().unwrap();
    for (found, wanted) in found.accumulators.iter().zip(&wanted) {
        for (&found, wanted) in found.iter().zip(wanted) {
            let found = found as f64 * unit;
            assert!((found - f64::from(*wanted)).abs() < 0.05, "{found} {wanted}");
        }
    }
}
