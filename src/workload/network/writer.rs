//! From a [`Network`] to its files.

use std::fmt::{Display, Write};

use super::{Control, Layer, Network};
use crate::workload::npy;

/// See [`Network::files`].
pub(super) fn files(network: &Network, comment: &str) -> Vec<(String, Vec<u8>)> {
    let mut text: String = comment.lines().map(|line| format!("# {line}\n")).collect();
    let scale = network.scale;
    text += &format!("\n[network]\nscale = {scale:?}\nstack = {}\n", network.stack);
    let mut arrays = vec![];
    for (index, layer) in network.layers.iter().enumerate() {
        let mut file = |what: &str, content| {
            let name = format!("{what}_{index}.npy");
            arrays.push((name.clone(), content));
            format!("\"{name}\"")
        };
        let Layer { inputs, outputs, .. } = *layer;
        let weights = file("weights", weights(layer));
        let exponents = layer
            .exponents
            .as_ref()
            .map(|exponents| file("exponents", npy::write(&[inputs, layer.groups()], exponents)));
        let bias = file("bias", npy::write(&[outputs], &layer.bias));
        text += "\n[[layer]]\n";
        let mut line = |key, value: &dyn Display| {
            writeln!(text, "{key} = {value}").expect("a string takes any text");
        };
        line("inputs", &inputs);
        line("outputs", &outputs);
        line("precision", &layer.precision);
        line("reference", &layer.reference);
        line("keep", &layer.keep);
        line("weights", &weights);
        if let Some(exponents) = exponents {
            line("exponents", &exponents);
        }
        line("bias", &bias);
        if let Some(requantisation) = layer.requantisation {
            line("multiplier", &requantisation.multiplier);
            line("shift", &requantisation.shift);
            line("activation", &format!("\"{}\"", requantisation.activation));
        }
        text += &control(&layer.control);
    }
    let mut files = vec![("network.toml".to_string(), text.into_bytes())];
    files.extend(arrays);
    files
}

/// Stored weights, in as few bytes as the precision takes.
fn weights(layer: &Layer) -> Vec<u8> {
    let shape = [layer.outputs, layer.inputs];
    match layer.precision {
        2..=8 => npy::write(&shape, &layer.weights.iter().map(|&w| w as i8).collect::<Vec<_>>()),
        16 => npy::write(&shape, &layer.weights.iter().map(|&w| w as i16).collect::<Vec<_>>()),
        _ => npy::write(&shape, &layer.weights),
    }
}

fn control(control: &Control) -> String {
    let Control { mode, metric, coherence, hysteresis, dwell, first_keep, bonus, levels } = control;
    let keep: Vec<usize> = levels.iter().map(|level| level.keep).collect();
    let threshold: Vec<u32> = levels.iter().map(|level| level.threshold).collect();
    let weights: Vec<u32> = levels.iter().map(|level| level.weight_threshold).collect();
    let weights = match weights.iter().any(|&threshold| threshold > 0) {
        true => format!("weight_threshold = {weights:?}\n"),
        false => String::new(),
    };
    format!(
        "\n[layer.control]\nmode = \"{mode}\"\nmetric = \"{metric}\"\ncoherence = {coherence:?}\n\
         hysteresis = {hysteresis}\ndwell = {dwell}\nfirst_keep = {first_keep}\nkeep = {keep:?}\n\
         threshold = {threshold:?}\n{weights}bonus = {bonus}\n"
    )
}
