//! The golden model of the width converter.

use super::WidthConverterParameters;
use crate::model::{Bits, Cause, Emitted, Response, Stimulus};

/// The beats as one row of bits, cut into beats of the other width.
pub(super) fn run(p: &WidthConverterParameters, stimulus: &Stimulus) -> Response {
    let beats: Vec<Bits> = stimulus.inputs[0].iter().map(|beat| beat[0].clone()).collect();
    let emit = |bits: Bits, cycle: usize, beat: usize| Emitted {
        beat: vec![bits],
        cycle: cycle as u64,
        cause: Cause { channel: 0, beat },
    };
    if p.out_width >= p.in_width {
        let parts = (p.out_width / p.in_width) as usize;
        let joined = beats.chunks_exact(parts).enumerate();
        let emitted = joined.map(|(index, group)| {
            let last = index * parts + parts - 1;
            emit(Bits::concat(group), last + 1, last)
        });
        let accepted = (0..beats.len() as u64).collect();
        // A joined beat waits in the register that it was joined in.
        let capacity = vec![parts];
        Response { accepted: vec![accepted], emitted: vec![emitted.collect()], capacity }
    } else {
        let parts = (p.in_width / p.out_width) as usize;
        let split = beats.iter().flat_map(|beat| beat.lanes(p.out_width)).enumerate();
        let emitted = split.map(|(index, part)| emit(part, index + 1, index / parts));
        // The next beat is taken while the last part of the one before goes out.
        let accepted = (0..beats.len()).map(|index| (index * parts) as u64).collect();
        Response { accepted: vec![accepted], emitted: vec![emitted.collect()], capacity: vec![1] }
    }
}
