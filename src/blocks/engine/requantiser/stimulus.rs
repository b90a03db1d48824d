//! Stimulus for the requantiser: biases first, then sums of layers, at factors that matter.

use rand::{RngExt, SeedableRng};

use super::RequantiserParameters;
use crate::blocks::engine::bits;
use crate::model::{Beat, Bits, Kind, Random, Shape, Stimulus};

/// Biases of a lane that are loaded, at most: a simulation has to get past them.
const BIASES: u32 = 12;

pub(super) fn stimulus(
    p: &RequantiserParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // How much chance values take depends on their number, so all else has its own.
    let mut chance = Random::from_rng(random);
    let used = p.biases.min(BIASES);
    let mut stimulus = shape.stimulus(kind, beats, random);
    for (field, value) in shape.held.iter().zip(&mut stimulus.held) {
        let width = field.width / p.layers;
        let mut each = |value: &mut dyn FnMut(&mut Random) -> u64| {
            let values = (0..p.layers).map(|_| Bits::new(width, value(&mut chance)));
            Bits::concat(&values.collect::<Vec<_>>())
        };
        match field.name.as_str() {
            "final_layer" => *value = Bits::new(field.width, chance.random_range(0..p.layers)),
            "bias_base" => *value = each(&mut |chance| chance.random_range(0..used).into()),
            "empty" => *value = each(&mut |chance| chance.random_range(0..p.lanes).into()),
            // Any sum should matter, and often just reach what saturates.
            "shift" => {
                let product = u64::from(p.sum_bits) + 16;
                let most = product.saturating_sub(u64::from(p.activation_bits)).min(31);
                *value = each(&mut |chance| chance.random_range(0..=most));
            }
            _ => {}
        }
    }
    let count = used * p.lanes;
    let load = |number: u32| {
        let bias = match kind {
            Kind::Corner => Bits::corner(p.sum_bits, &mut chance),
            _ => Bits::random(p.sum_bits, &mut chance),
        };
        let (address, lane) = (number / p.lanes, number % p.lanes);
        let address = Bits::new(bits(p.biases), address);
        vec![address, Bits::new(bits(p.lanes + 1), lane), bias, Bits::new(1, number + 1 == count)]
    };
    stimulus.inputs[0] = (0..count).map(load).collect();
    let bases: Vec<u64> =
        stimulus.held[1].lanes(bits(p.biases)).map(|base| base.unsigned()).collect();
    let (mut left, mut layer) = (0, 0);
    for beat in &mut stimulus.inputs[1] {
        if left == 0 {
            layer = chance.random_range(0..p.layers);
            left = chance.random_range(1..=u64::from(used) - bases[layer as usize]);
        }
        left -= 1;
        beat[1] = Bits::new(bits(p.layers), layer);
        beat[3] = Bits::new(1, left == 0);
        let sum = |_| match chance.random_range(0..3) {
            0 => Bits::random(p.sum_bits, &mut chance),
            1 => Bits::corner(p.sum_bits, &mut chance),
            // Sums of all sizes.
            _ => {
                let bits = chance.random_range(1..=p.sum_bits.min(62));
                let most = 1_i64 << (bits - 1);
                Bits::new(p.sum_bits, chance.random_range(-most..most))
            }
        };
        beat[0] = Bits::concat(&(0..p.lanes).map(sum).collect::<Vec<_>>());
    }
    stimulus
}

/// Whether all biases are loaded that may be added, and nothing more is after the last.
pub(super) fn accepts(p: &RequantiserParameters, stimulus: &Stimulus) -> bool {
    let loads = &stimulus.inputs[0];
    let used = p.biases.min(BIASES);
    let in_place = |(index, load): (usize, &Beat)| {
        let number = load[0].unsigned() * u64::from(p.lanes) + load[1].unsigned();
        number == index as u64 && load[3].bit(0) == (index + 1 == loads.len())
    };
    let (_, layers) = super::model::settings(p, &stimulus.held);
    let mut number = 0;
    let inside = stimulus.inputs[1].iter().all(|beat| {
        let Some(layer) = layers.get(beat[1].unsigned() as usize) else { return false };
        let address = layer.bias_base + number;
        number = if beat[3].bit(0) { 0 } else { number + 1 };
        address < used as usize
    });
    loads.len() == (used * p.lanes) as usize && loads.iter().enumerate().all(in_place) && inside
}
