//! The golden model of the multiply-accumulate lane.

use super::MacParameters;
use crate::model::{Bits, Cause, Emitted, Response, Stimulus};

/// How many bits a two's complement number needs to hold the sum of any `longest` products.
fn sum_width(p: &MacParameters) -> u32 {
    let lowest = |width: u32| -(1_i128 << (width - 1));
    let highest = |width: u32| (1_i128 << (width - 1)) - 1;
    let products = [
        lowest(p.a_width) * lowest(p.b_width),
        lowest(p.a_width) * highest(p.b_width),
        highest(p.a_width) * lowest(p.b_width),
    ];
    let extremes = products.map(|product| product * i128::from(p.longest));
    let fits =
        |width: u32| extremes.iter().all(|sum| (lowest(width)..=highest(width)).contains(sum));
    (2..127).find(|&width| fits(width)).expect("no product has more than 63 bits")
}

/// Multiplies and adds until `last`.
pub(super) fn run(p: &MacParameters, stimulus: &Stimulus) -> Response {
    let beats = &stimulus.inputs[0];
    let width = sum_width(p);
    let mut emitted = vec![];
    let mut sum = 0_i128;
    for (index, beat) in beats.iter().enumerate() {
        let [a, b, last] = &beat[..] else { unreachable!("a beat has three fields") };
        sum += i128::from(a.signed()) * i128::from(b.signed());
        if last.bit(0) {
            let cause = Cause { channel: 0, beat: index };
            let beat = vec![Bits::new(width, sum)];
            emitted.push(Emitted { beat, cycle: index as u64 + 1, cause });
            sum = 0;
        }
    }
    // Beats go in until a sum waits.
    let held = emitted.first().map_or(beats.len() + 1, |first| first.cause.beat + 1);
    Response {
        accepted: vec![(0..beats.len() as u64).collect()],
        emitted: vec![emitted],
        capacity: vec![held],
    }
}
