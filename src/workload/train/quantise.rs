//! From floating-point weights to integers.

use crate::workload::network::{Activation, Control, GROUP, Layer, Network, Requantisation};

/// Bits of the scale that all precisions share.
const REFERENCE: u32 = 8;

/// The units of integers.
#[derive(Clone, Debug)]
pub(super) struct Scales {
    /// Steps of an input in a unit of the data.
    pub input: f64,
    /// What a step of the activations behind each layer but the last stands for.
    pub activations: Vec<f64>,
}

impl Scales {
    /// What a step of the vectors into `layer` stands for.
    pub(super) fn units(&self, layer: usize) -> f64 {
        if layer == 0 { 1.0 / self.input } else { self.activations[layer - 1] }
    }
}

/// 1 for the `keep` largest weights of each input and group, 0 for the others.
pub(super) fn balanced(weights: &[f32], inputs: usize, outputs: usize, keep: usize) -> Vec<f32> {
    let groups = outputs.div_ceil(GROUP);
    let mut kept = vec![0.0; weights.len()];
    for input in 0..inputs {
        for group in 0..groups {
            let mut places: Vec<usize> =
                (group..outputs).step_by(groups).map(|output| output * inputs + input).collect();
            places.sort_by(|&a, &b| weights[b].abs().total_cmp(&weights[a].abs()));
            places.iter().take(keep).for_each(|&place| kept[place] = 1.0);
        }
    }
    kept
}

/// The weights of a layer as they are stored.
pub(super) struct Stored {
    /// [outputs, inputs].
    pub integers: Vec<i32>,
    /// [inputs, groups], where the precision is below the reference.
    pub exponents: Option<Vec<u8>>,
    /// What a step of the reference precision stands for.
    pub unit: f32,
    inputs: usize,
    groups: usize,
}

impl Stored {
    /// What the integers stand for.
    pub(super) fn values(&self) -> Vec<f32> {
        let value = |(place, &integer): (usize, &i32)| {
            let (output, input) = (place / self.inputs, place % self.inputs);
            let exponent = self.exponents.as_ref();
            let exponent = exponent.map_or(0, |e| e[input * self.groups + output % self.groups]);
            (integer << exponent) as f32 * self.unit
        };
        self.integers.iter().enumerate().map(value).collect()
    }
}

/// Rounds the weights of a layer to `precision` bits, with the least exponent that each group's
/// largest fits in.
pub(super) fn weights(values: &[f32], inputs: usize, outputs: usize, precision: u32) -> Stored {
    let most = values.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
    let limit = ((1 << (precision - 1)) - 1) as f32;
    // With the greatest exponent, the greatest weight is the greatest integer.
    let unit = most / limit / (1_u32 << (REFERENCE - precision)) as f32;
    let groups = outputs.div_ceil(GROUP);
    let mut exponents = vec![0_u8; inputs * groups];
    for (place, value) in values.iter().enumerate() {
        let exponent = &mut exponents[place % inputs * groups + place / inputs % groups];
        while (value / unit).abs() / f32::from(1_u16 << *exponent) > limit + 0.5 {
            *exponent += 1;
        }
    }
    let integer = |(place, value): (usize, &f32)| {
        let exponent = exponents[place % inputs * groups + place / inputs % groups];
        let steps = value / unit / f32::from(1_u16 << exponent);
        steps.round().clamp(-limit, limit) as i32
    };
    let integers = values.iter().enumerate().map(integer).collect();
    let exponents = Some(exponents).filter(|_| precision < REFERENCE);
    Stored { integers, exponents, unit, inputs, groups }
}

/// The multiplier and shift that come closest to `factor`, which is below 2^16.
fn requantisation(factor: f64) -> Requantisation {
    let scaled = |shift: u32| (factor * f64::from(1_u32 << shift)).round();
    let shift = (0..=31).rev().find(|&shift| scaled(shift) <= f64::from(u16::MAX)).unwrap_or(0);
    let multiplier = scaled(shift).min(f64::from(u16::MAX)) as u16;
    Requantisation { multiplier, shift, activation: Activation::Relu }
}

/// A layer while it is floating point.
pub(super) struct Float {
    pub inputs: usize,
    pub outputs: usize,
    pub weights: Vec<f32>,
    pub bias: Vec<f32>,
}

/// The network of integers, and what a step of its accumulators stands for.
pub(super) fn network(
    layers: &[Float],
    scales: &Scales,
    precisions: &[u32],
    controls: &[Control],
    stack: usize,
    keeps: &[usize],
) -> (Network, f64) {
    let mut unit = 1.0;
    let quantised = layers.iter().enumerate().map(|(index, layer)| {
        let Float { inputs, outputs, .. } = *layer;
        let stored = weights(&layer.weights, inputs, outputs, precisions[index]);
        unit = scales.units(index) * f64::from(stored.unit);
        Layer {
            inputs,
            outputs,
            precision: precisions[index],
            reference: REFERENCE,
            keep: keeps[index],
            weights: stored.integers,
            exponents: stored.exponents,
            bias: layer.bias.iter().map(|&b| (f64::from(b) / unit).round() as i64).collect(),
            requantisation: scales.activations.get(index).map(|to| requantisation(unit / to)),
            control: controls[index].clone(),
        }
    });
    let layers = quantised.collect();
    (Network { scale: scales.input, stack, layers }, unit)
}
