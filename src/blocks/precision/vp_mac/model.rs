//! The golden model of the variable-precision multiply-accumulate.

use super::{Organisation, SLOT, VpMacParameters};
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// How many bits a two's complement number needs to hold the sum of any `longest` products.
pub(in crate::blocks) fn sum_bits(p: &VpMacParameters) -> u32 {
    let weights = [-(1_i128 << (p.reference - 1)), (1_i128 << (p.reference - 1)) - 1];
    let activations = match p.signed {
        true => [-(1_i128 << (p.activation_bits - 1)), (1_i128 << (p.activation_bits - 1)) - 1],
        false => [0, (1_i128 << p.activation_bits) - 1],
    };
    let sums = weights.map(|weight| activations.map(|a| a * weight * i128::from(p.longest)));
    let fits = |bits: u32| {
        let bound = 1_i128 << (bits - 1);
        sums.as_flattened().iter().all(|sum| (-bound..bound).contains(sum))
    };
    (2..127).find(|&bits| fits(bits)).expect("no sum is that long").max(p.sum_bits)
}

/// A two's complement or unsigned number out of the bits of a field.
fn number(field: &Bits, low: u32, bits: u32, is_signed: bool) -> i128 {
    let part = field.slice(low, bits);
    if is_signed { part.signed().into() } else { part.unsigned().into() }
}

/// Which byte of a wide weight is next.
#[derive(Default)]
struct Bytes {
    done: u32,
}

/// The weights of a slot in one beat.
struct Weights {
    /// Bits of a weight in the slot.
    width: u32,
    /// Each as the number that it stands for.
    values: Vec<i128>,
}

impl Bytes {
    /// The weights of every slot; `None` if the tag is not built in.
    fn weights(
        &mut self,
        p: &VpMacParameters,
        slots: &Bits,
        tag: u64,
        exponent: Option<u64>,
    ) -> Option<Vec<Weights>> {
        let bits = 2_u32 << tag;
        if !(p.narrowest..=p.widest).contains(&bits) {
            self.done = 0;
            return None;
        }
        let bytes = bits.div_ceil(SLOT);
        let byte = self.done % bytes;
        self.done = (byte + 1) % bytes;
        let width = bits.min(SLOT);
        let shift = exponent.unwrap_or(u64::from(p.reference - bits)) as u32 + byte * SLOT;
        let is_signed = byte + 1 == bytes;
        let slots = slots.lanes(SLOT).map(|slot| {
            let value = |n: u32| number(&slot, n * width, width, is_signed) << shift;
            Weights { width, values: (0..SLOT / width).map(value).collect() }
        });
        Some(slots.collect())
    }
}

pub(in crate::blocks) fn run(p: &VpMacParameters, stimulus: &Stimulus) -> Response {
    match p.organisation {
        Organisation::Dot => dot(p, &stimulus.inputs[0]),
        Organisation::Outer => outer(p, &stimulus.inputs[0]),
    }
}

/// Multiplies and adds until `last`.
fn dot(p: &VpMacParameters, beats: &[Beat]) -> Response {
    let latency = 1 + u64::from(p.product_register);
    let mut bytes = Bytes::default();
    let mut sum = 0_i128;
    let mut emitted = vec![];
    for (index, beat) in beats.iter().enumerate() {
        let (activations, slots, tag) = (&beat[0], &beat[1], beat[2].unsigned());
        let exponent = p.exponents.then(|| beat[3].unsigned());
        let places = SLOT / p.narrowest;
        for (lane, slot) in bytes.weights(p, slots, tag, exponent).iter().flatten().enumerate() {
            for (n, weight) in slot.values.iter().enumerate() {
                let place = lane as u32 * places + n as u32 * slot.width / p.narrowest;
                let low = place * p.activation_bits;
                sum += number(activations, low, p.activation_bits, p.signed) * weight;
            }
        }
        if beat[beat.len() - 1].bit(0) {
            let cause = Cause { channel: 0, beat: index };
            let beat = vec![Bits::new(sum_bits(p), sum)];
            emitted.push(Emitted { beat, cycle: index as u64 + latency, cause });
            (sum, bytes) = (0, Bytes::default());
        }
    }
    // Beats go in until a sum waits, and one more to where products wait.
    let first = emitted.first().map_or(beats.len() + 1, |first| first.cause.beat + 1);
    Response {
        accepted: vec![(0..beats.len() as u64).collect()],
        emitted: vec![emitted],
        capacity: vec![first + usize::from(p.product_register)],
    }
}

/// Adds to, loads, reads and clears accumulators.
fn outer(p: &VpMacParameters, beats: &[Beat]) -> Response {
    let latency = u64::from(p.product_register);
    let banks = SLOT / p.narrowest;
    let row_bits = p.depth.next_power_of_two().ilog2().max(1);
    let mut sums = vec![vec![Bits::zero(sum_bits(p)); p.depth as usize]; banks as usize];
    let mut bytes = Bytes::default();
    let mut emitted = vec![];
    let mut capacity = None;
    for (index, beat) in beats.iter().enumerate() {
        let (operation, tag) = (beat[0].unsigned(), beat[3].unsigned());
        let exponent = p.exponents.then(|| beat[4].unsigned());
        let [.., enable, rows, value] = &beat[..] else { unreachable!("it has more fields") };
        let activation = number(&beat[1], 0, p.activation_bits, p.signed);
        let weights = match operation {
            0 => bytes.weights(p, &beat[2], tag, exponent),
            _ => None,
        };
        if operation != 0 {
            bytes = Bytes::default();
        }
        let mut read = vec![];
        for (bank, sums) in sums.iter_mut().enumerate() {
            let row = rows.slice(bank as u32 * row_bits, row_bits).unsigned() as usize;
            let Some(sum) = sums.get_mut(row) else {
                read.push(Bits::zero(sum_bits(p)));
                continue;
            };
            read.push(sum.clone());
            if enable.bit(bank as u32) && operation == 1 {
                *sum = value.clone();
            }
            if let Some(weights) = weights.as_ref().filter(|_| enable.bit(bank as u32)) {
                let slot = &weights[0];
                let weight = slot.values[bank * p.narrowest as usize / slot.width as usize];
                *sum = Bits::new(sum_bits(p), wide(sum) + activation * weight);
            }
        }
        if operation == 3 {
            let page = (p.depth / p.pages) as usize;
            for (bank, sums) in sums.iter_mut().enumerate() {
                let row = rows.slice(bank as u32 * row_bits, row_bits).unsigned() as usize;
                let pages = sums.chunks_mut(page);
                let on_it = |(number, _): &(usize, _)| p.pages == 1 || *number == row / page;
                pages
                    .enumerate()
                    .filter(on_it)
                    .for_each(|(_, sums)| sums.fill(Bits::zero(sum_bits(p))));
            }
        }
        if operation == 2 {
            let cause = Cause { channel: 0, beat: index };
            let cycle = index as u64 + latency;
            emitted.push(Emitted { beat: vec![Bits::concat(&read)], cycle, cause });
            capacity.get_or_insert(index + latency as usize);
        }
    }
    Response {
        accepted: vec![(0..beats.len() as u64).collect()],
        emitted: vec![emitted],
        capacity: vec![capacity.unwrap_or(beats.len() + 1)],
    }
}

/// A sum as a number, modulo what 128 bits hold.
fn wide(sum: &Bits) -> i128 {
    let limbs = sum.limbs();
    limbs.iter().rev().fold(0, |high, &limb| high << 64 | i128::from(limb))
}
