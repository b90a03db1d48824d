//! The golden model of the requantiser.

use super::RequantiserParameters;
use crate::blocks::engine::{bits, wrapped};
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// What is known of a layer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layer {
    pub bias_base: usize,
    pub multiplier: i64,
    pub shift: u32,
    pub relu: bool,
    /// Lanes of a vector's last beat without an element.
    pub empty: u64,
}

impl Layer {
    /// An element of `bits` bits of an accumulator.
    pub fn element(&self, accumulator: i64, bits: u32) -> i64 {
        let half = if self.shift == 0 { 0 } else { 1 << (self.shift - 1) };
        let (least, most) = (-(1_i64 << (bits - 1)), (1 << (bits - 1)) - 1);
        let product = accumulator.checked_mul(self.multiplier);
        let value = match product.and_then(|product| product.checked_add(half)) {
            Some(product) => (product >> self.shift).clamp(least, most),
            None => {
                let product = i128::from(accumulator) * i128::from(self.multiplier);
                let value = (product + i128::from(half)) >> self.shift;
                value.clamp(least.into(), most.into()) as i64
            }
        };
        if self.relu { value.max(0) } else { value }
    }
}

/// The plain inputs, in the order of the ports: the final layer, and what is known of each.
pub(super) fn settings(p: &RequantiserParameters, held: &[Bits]) -> (usize, Vec<Layer>) {
    let of = |port: usize, layer: u32| {
        let width = held[port].width() / p.layers;
        held[port].slice(layer * width, width).unsigned()
    };
    let layer = |layer| Layer {
        bias_base: of(1, layer) as usize,
        multiplier: of(2, layer) as i64,
        shift: of(3, layer) as u32,
        relu: of(4, layer) == 1,
        empty: if p.lanes > 1 { of(5, layer) } else { 0 },
    };
    (held[0].unsigned() as usize, (0..p.layers).map(layer).collect())
}

/// Cycles from a beat to its result, and to its beat of the next vector.
pub(in crate::blocks::engine) const RESULT: u64 = 2;
pub(in crate::blocks::engine) const ELEMENTS: u64 = 4;

pub(super) fn run(p: &RequantiserParameters, stimulus: &Stimulus) -> Response {
    let (final_layer, layers) = settings(p, &stimulus.held);
    let [loads, beats] = &stimulus.inputs[..] else { unreachable!("there are two streams") };
    let mut biases = vec![vec![0; 1 << bits(p.biases)]; p.lanes as usize];
    for load in loads {
        if let Some(lane) = biases.get_mut(load[1].unsigned() as usize) {
            lane[load[0].unsigned() as usize] = load[2].signed();
        }
    }
    let (mut out, mut results, mut number) = (vec![], vec![], 0);
    for (index, beat) in beats.iter().enumerate() {
        let (is_last, index_of_layer) = (beat[3].bit(0), beat[1].unsigned() as usize);
        let layer = &layers[index_of_layer];
        let address = (layer.bias_base + number) % (1 << bits(p.biases));
        let sums = beat[0].lanes(p.sum_bits).zip(&biases);
        let sums = sums.map(|(sum, biases)| sum.signed().wrapping_add(biases[address]));
        let sums: Vec<i64> = sums.map(|sum| wrapped(sum, p.sum_bits)).collect();
        number = if is_last { 0 } else { number + 1 };

        let is_result = index_of_layer == final_layer;
        let values: Vec<Bits> = match is_result {
            true => sums.iter().map(|&sum| Bits::new(p.sum_bits, sum)).collect(),
            false => {
                let bits = p.activation_bits;
                sums.iter().map(|&sum| Bits::new(bits, layer.element(sum, bits))).collect()
            }
        };
        let of_layer = index_of_layer as u64 + u64::from(!is_result);
        let mut fields: Beat = vec![
            Bits::concat(&values),
            Bits::new(bits(p.layers), of_layer % (1 << bits(p.layers))),
            beat[2].clone(),
            beat[3].clone(),
        ];
        if p.lanes > 1 {
            fields.push(Bits::new(bits(p.lanes), if is_last { layer.empty } else { 0 }));
        }
        let went_in = (loads.len() + index) as u64;
        let cycle = went_in + if is_result { RESULT } else { ELEMENTS };
        let emitted = Emitted { beat: fields, cycle, cause: Cause { channel: 1, beat: index } };
        if is_result { results.push(emitted) } else { out.push(emitted) }
    }
    let accepted = [0..loads.len(), loads.len()..loads.len() + beats.len()];
    let accepted = accepted.map(|cycles| cycles.map(|cycle| cycle as u64).collect());
    Response { accepted: accepted.to_vec(), emitted: vec![out, results], capacity: vec![] }
}
