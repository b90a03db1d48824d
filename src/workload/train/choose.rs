//! The run-time control that costs least for its work, as far as training data tell.

use crate::workload::network::{Control, Level, Metric, Network};
use crate::workload::reference;

/// No level keeps fewer elements of a group: some have to get through.
const LEAST_KEEP: usize = 4;

/// An utterance of the training data: its vectors, and its class.
pub(super) type Example = (Vec<Vec<i8>>, usize);

/// The cross-entropy of the mean logits, over all examples, and R. `unit` is what a step of the
/// accumulators stands for.
pub(super) fn cost(network: &Network, unit: f64, examples: &[Example]) -> (f64, f64) {
    let products: usize = network.layers.iter().map(|layer| layer.inputs * layer.outputs).sum();
    let (mut loss, mut executed, mut dense) = (0.0, 0, 0);
    for (vectors, label) in examples {
        let execution = reference::run(network, vectors);
        let steps = &execution.accumulators;
        let logits: Vec<f64> = (0..steps[0].len())
            .map(|output| steps.iter().map(|step| step[output]).sum::<i64>() as f64)
            .map(|sum| sum * unit / steps.len() as f64)
            .collect();
        let most = logits.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = logits.iter().map(|logit| (logit - most).exp()).sum();
        loss += most + sum.ln() - logits[*label];
        executed += execution.executed();
        dense += (products * vectors.len()) as u64;
    }
    (loss / examples.len() as f64, dense as f64 / executed as f64)
}

/// Sets each layer's threshold of coherence so that half of the vectors meet it.
pub(super) fn coherence(network: &mut Network, examples: &[Example]) {
    for index in 0..network.layers.len() {
        let mut before = network.clone();
        before.layers.truncate(index);
        let mut needed: Vec<u32> = vec![];
        for (vectors, _) in examples {
            let vectors = reference::activations(&before, vectors);
            needed.extend(vectors.windows(2).map(|pair| least_threshold(&pair[0], &pair[1])));
        }
        needed.sort_unstable();
        network.layers[index].control.coherence = vec![needed[needed.len() / 2]];
    }
}

/// The least threshold that two vectors meet, by [`Metric::NormalisedL1`].
fn least_threshold(a: &[i8], b: &[i8]) -> u32 {
    let pairs = || a.iter().zip(b).map(|(&a, &b)| (i32::from(a), i32::from(b)));
    let distance: u32 = pairs().map(|(a, b)| a.abs_diff(b)).sum();
    let norms: u32 = pairs().map(|(a, b)| a.unsigned_abs() + b.unsigned_abs()).sum();
    (256 * distance).div_ceil(norms.max(1)).min(Metric::NormalisedL1.most())
}

/// Each way to make a control a step sparser.
fn sparser(control: &Control) -> Vec<Control> {
    let mut found = vec![];
    for (index, level) in control.levels.iter().enumerate() {
        let mut add = |level| {
            let mut next = control.clone();
            next.levels[index] = level;
            found.push(next);
        };
        if level.threshold < 255 {
            add(Level { threshold: level.threshold + 1, ..*level });
        }
        if level.keep > LEAST_KEEP {
            add(Level { keep: level.keep - 2, ..*level });
        }
    }
    found
}

/// A control under trial, and what it would bring.
struct Trial {
    layer: usize,
    control: Control,
    loss: f64,
    ratio: f64,
    /// Loss for the work that is saved.
    price: f64,
}

/// Makes the control of `network` sparser, at each step that which adds the least loss for the work
/// that it saves, until R reaches `target`. `progress` hears the share that is done.
pub(super) fn towards(
    network: &mut Network,
    unit: f64,
    examples: &[Example],
    target: f64,
    mut progress: impl FnMut(f64),
) {
    let (mut loss, start) = cost(network, unit, examples);
    let mut ratio = start;
    while ratio < target {
        progress((ratio / start).ln() / (target / start).ln());
        let mut trials = vec![];
        for layer in 0..network.layers.len() {
            let before = network.layers[layer].control.clone();
            for control in sparser(&before) {
                network.layers[layer].control = control.clone();
                let (next_loss, next_ratio) = cost(network, unit, examples);
                let price = (next_loss - loss) / (1.0 / ratio - 1.0 / next_ratio);
                if next_ratio > ratio {
                    let (loss, ratio) = (next_loss, next_ratio);
                    trials.push(Trial { layer, control, loss, ratio, price });
                }
            }
            network.layers[layer].control = before;
        }
        let best = trials.into_iter().min_by(|a, b| a.price.total_cmp(&b.price));
        let Some(best) = best else { return };
        network.layers[best.layer].control = best.control;
        (loss, ratio) = (best.loss, best.ratio);
    }
}
