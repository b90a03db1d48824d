//! Stimulus for the delta block: sequences of vectors in all modes, and masks.

use rand::RngExt;

use super::DeltaParameters;
use super::model::widths;
use crate::blocks::temporal::stimulus::{Sizes, Vectors, empty, lanes};
use crate::model::{Beat, Bits, Kind, Random, Stimulus};

/// Beats that a vector has at most, mostly: few enough that places come again soon.
const USUAL: u32 = 6;

/// As many beats as asked for, and a mask for each.
pub(super) fn stimulus(
    p: &DeltaParameters,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    let sizes = Sizes {
        width: p.width,
        // Some are longer than what there are places for.
        longest: (p.places() + 1) * p.lanes,
        usual: p.lanes * USUAL,
        layers: p.layers,
    };
    let mut vectors = Vectors::new(sizes, kind);
    let mut modes = vec![2; p.layers as usize];
    let (mut inputs, mut masks) = (vec![], vec![]);
    while inputs.len() < beats {
        let vector = vectors.next(random);
        let mode = &mut modes[vector.layer as usize];
        if random.random_ratio(1, 4) {
            *mode = random.random_range(0..4);
        }
        let head = [Bits::new(2, *mode), Bits::new(1, vector.new_sequence)];
        let layer = match vector.layer + 1 == p.layers {
            true => random.random_range(vector.layer..1 << widths(p).1),
            false => vector.layer,
        };
        let head = [&head[..], &[Bits::new(widths(p).1, layer)]].concat();
        let length = vector.values.len();
        let rows = lanes(vector.values, p.lanes, || random.random::<i32>().into());
        let last = rows.len() - 1;
        let habit = random.random_range(0..5);
        for (index, row) in rows.into_iter().enumerate() {
            let values: Vec<Bits> =
                row.into_iter().map(|value| Bits::new(p.width, value)).collect();
            let mut beat: Beat = vec![Bits::concat(&values)];
            for field in &head[..if p.layers > 1 { 3 } else { 2 }] {
                // Only the first beat's counts.
                let noise = Bits::random(field.width(), random);
                beat.push(if index == 0 { field.clone() } else { noise });
            }
            let missing = if index == last { Some(empty(length, p.lanes)) } else { None };
            beat.extend((p.lanes > 1).then(|| framing(p, missing, random)));
            beat.push(Bits::new(1, index == last));
            inputs.push(beat);
            masks.push(vec![match habit {
                0 => Bits::new(p.lanes, -1),
                1 => Bits::zero(p.lanes),
                _ => Bits::random(p.lanes, random),
            }]);
        }
    }
    inputs.truncate(beats);
    masks.truncate(beats);
    Stimulus { inputs: vec![inputs, masks], held: vec![] }
}

/// The lanes that are empty; anything in a beat that is not the last. More than there can be count
/// as those that there can.
fn framing(p: &DeltaParameters, empty: Option<u32>, random: &mut Random) -> Bits {
    let width = widths(p).0;
    match empty {
        None => Bits::random(width, random),
        Some(empty) if empty + 1 == p.lanes => {
            Bits::new(width, random.random_range(empty..1 << width))
        }
        Some(empty) => Bits::new(width, empty),
    }
}
