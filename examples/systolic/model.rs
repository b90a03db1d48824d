//! The golden model of the systolic matrix multiplier, and what to feed it.

use lacuna::config::Tech;
use lacuna::cosim::Subject;
use lacuna::model::{Bits, Cause, Emitted, Kind, Model, Random, Response, Shape, Stimulus};
use rand::{RngExt, SeedableRng};

use super::systolic::systolic;

/// The multiplier, ready for cosimulation.
pub fn subject(rows: u32, cols: u32) -> Subject {
    let module = systolic(rows, cols).unwrap_or_else(|errors| panic!("{errors}"));
    let model = Model::streams(move |stimulus| multiply(rows, cols, stimulus));
    let subject = Subject::new(module, Tech::default(), model).expect("it can be printed");
    subject.with_stimulus(|shape, kind, beats, random| Some(matrices(shape, kind, beats, random)))
}

/// A product by the book. Operands need `rows + cols - 2` cycles to pass through; before the first
/// product the array does the same once with what the reset left behind.
fn multiply(rows: u32, cols: u32, stimulus: &Stimulus) -> Response {
    let lane = |packed: &Bits, at: u32, width: u32| packed.slice(at * width, width).signed();
    let pass = u64::from(rows + cols - 2);
    let mut free = pass.max(1) + u64::from(rows);
    let (mut accepted, mut emitted) = (vec![], vec![]);
    let mut product = vec![vec![0_i64; cols as usize]; rows as usize];
    for (beat, fields) in stimulus.inputs[0].iter().enumerate() {
        let [act, weight, last] = &fields[..] else { panic!("a beat has three fields") };
        for (row, sums) in (0..).zip(&mut product) {
            for (col, sum) in (0..).zip(sums) {
                *sum += lane(act, row, 8) * lane(weight, col, 8);
            }
        }
        accepted.push(free);
        free += 1;
        if !last.bit(0) {
            continue;
        }
        free += pass;
        for (row, sums) in product.iter_mut().enumerate().rev() {
            let packed: Vec<Bits> = sums.drain(..).map(|sum| Bits::new(32, sum)).collect();
            emitted.push(Emitted {
                beat: vec![Bits::concat(&packed), Bits::new(1, row == 0)],
                cycle: free,
                cause: Cause { channel: 0, beat },
            });
            *sums = vec![0; cols as usize];
            free += 1;
        }
    }
    Response { accepted: vec![accepted], emitted: vec![emitted] }
}

/// Matrices of 1 to 12 beats; the last of them may have no end.
fn matrices(shape: &Shape, kind: Kind, beats: usize, random: &mut Random) -> Stimulus {
    // Chance of its own, so that a longer stimulus begins with the shorter one.
    let mut lengths = Random::seed_from_u64(random.random());
    let mut stimulus = shape.stimulus(kind, beats, random);
    let mut left = 0;
    for beat in &mut stimulus.inputs[0] {
        if left == 0 {
            left = lengths.random_range(1..=12);
        }
        left -= 1;
        beat[2] = Bits::new(1, left == 0);
    }
    stimulus
}
