//! The golden model of the mask generator.

use super::MaskGeneratorParameters;
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// Which elements of a group of up to 64 survive, a bit for each. Of an element there is its score,
/// and whether it was in the mask the last time, which earns it the bonus. Survivors are, of those
/// whose score exceeds the threshold, the `keep` with the highest scores, bonus included; of equals it
/// is the one with the lower index.
pub(in crate::blocks::temporal) fn survivors(
    scores: impl Iterator<Item = (u64, bool)>,
    keep: usize,
    threshold: u64,
    bonus: u64,
) -> u64 {
    // The index, counted from the other end, makes a difference between equals. A score has 48 bits
    // at most.
    let (mut keys, mut count) = ([0; 64], 0);
    for (index, (score, previous)) in (0..).zip(scores) {
        let bonus = if previous { bonus } else { 0 };
        keys[count] = (score + bonus) << 6 | (63 - index);
        count += usize::from(score > threshold);
    }
    let keys = &mut keys[..count];
    if keep < count {
        keys.select_nth_unstable_by(keep, |a, b| b.cmp(a));
    }
    keys[..keep.min(count)].iter().fold(0, |mask, key| mask | 1 << (63 - (key & 63)))
}

/// The score of an element, from the patterns of a lane; with a norm, in units of 1/256.
fn score(p: &MaskGeneratorParameters, x: &Bits, reference: &Bits, norm: u64, source: u64) -> u64 {
    let number = |bits: &Bits| if p.signed { bits.signed() } else { bits.unsigned() as i64 };
    let value = match source {
        1 if p.change => (number(x) - number(reference)).unsigned_abs(),
        _ => number(x).unsigned_abs(),
    };
    match (p.norm, source) {
        (false, _) => value,
        (true, 2) => value * norm,
        (true, _) => value * 256,
    }
}

/// The fields of a beat by name; those that are not built in are 0.
struct Fields {
    data: Bits,
    reference: Bits,
    norm: Bits,
    previous: Bits,
    source: u64,
    keep: usize,
    threshold: u64,
    bonus: u64,
    /// How many lanes hold an element.
    present: u32,
    last: bool,
}

impl Fields {
    fn of(p: &MaskGeneratorParameters, beat: &Beat) -> Fields {
        let mut fields = beat.iter();
        let mut next = |is_there: bool| match is_there {
            true => fields.next().expect("the beat has all fields").clone(),
            false => Bits::zero(1),
        };
        let (data, reference, norm) = (next(true), next(p.change), next(p.norm));
        let (previous, source) = (next(true), next(p.change || p.norm));
        let (keep, threshold, bonus) = (next(true), next(true), next(true));
        let (empty, last) = (next(p.lanes > 1), next(true).bit(0));
        let empty = if last { (empty.unsigned() as u32).min(p.lanes - 1) } else { 0 };
        Fields {
            data,
            reference,
            norm,
            previous,
            source: source.unsigned(),
            keep: keep.unsigned() as usize,
            threshold: threshold.unsigned(),
            bonus: bonus.unsigned(),
            present: p.lanes - empty,
            last,
        }
    }
}

/// The mask of consecutive beats that begin with a group and end with one.
fn masks(p: &MaskGeneratorParameters, beats: &[Fields]) -> Vec<bool> {
    let first = &beats[0];
    let mut scores = vec![];
    for beat in beats {
        for lane in 0..beat.present {
            let of = |field: &Bits, width: u32| field.slice(lane * width, width);
            let (x, reference) = (of(&beat.data, p.width), of(&beat.reference, p.width));
            let score = score(p, &x, &reference, of(&beat.norm, 16).unsigned(), first.source);
            scores.push((score, beat.previous.bit(lane)));
        }
    }
    let Fields { keep, threshold, bonus, .. } = *first;
    let groups = scores.chunks(p.group as usize);
    groups
        .flat_map(|group| {
            let mask = survivors(group.iter().copied(), keep, threshold, bonus);
            (0..group.len()).map(move |index| mask >> index & 1 == 1)
        })
        .collect()
}

/// The stages that groups pass through between gathering and the way out: for each, the least
/// cycles that it holds a group.
pub(super) fn cells(p: &MaskGeneratorParameters) -> Vec<u64> {
    let fraction_and_norm = if p.signed { 15 } else { 16 };
    let score_bits = p.width + if p.norm { fraction_and_norm } else { 0 };
    // The bonus may carry into a bit more.
    let index_bits = 32 - (p.group - 1).leading_zeros();
    let digits = (score_bits + 1).div_ceil(p.digit) + index_bits.div_ceil(p.digit);
    let beats = if p.lanes < p.group { p.group / p.lanes } else { 1 };
    let cells = digits.div_ceil(beats);
    let most = digits.div_ceil(cells);
    (0..cells).map(|cell| u64::from(most.min(digits - cell * most))).collect()
}

/// When a group moves: the cycles at whose ends it leaves the gathering and each cell, and the one
/// in which its last mask leaves.
#[derive(Clone)]
struct Moves {
    leaves: Vec<u64>,
    ends: u64,
}

/// All masks, and when each stage hands a group on if nothing stalls.
pub(super) fn run(p: &MaskGeneratorParameters, stimulus: &Stimulus) -> Response {
    let beats: Vec<Fields> = stimulus.inputs[0].iter().map(|beat| Fields::of(p, beat)).collect();
    let cells = cells(p);
    let most = (p.group / p.lanes).max(1) as usize;
    let gathers = most > 1;
    // A beat with norms stands in a register first.
    let waits = u64::from(p.norm);

    let (mut accepted, mut emitted): (Vec<u64>, Vec<Emitted>) = (vec![], vec![]);
    let mut before: Option<Moves> = None;
    // When the beat before went on from the register of products, or came in if there is none.
    let mut entered: Option<u64> = None;
    let (mut begin, mut sizes) = (0, vec![]);
    for (index, beat) in beats.iter().enumerate() {
        // The register takes a beat as the one before leaves it, and so may the gathering.
        accepted.push(match (waits, index) {
            (_, 0) => 0,
            (0, _) => 0,
            _ => entered.unwrap_or(0).max(accepted[index - 1] + 1),
        });
        let mut enters = accepted[index] + waits;
        enters = enters.max(entered.map_or(0, |cycle| cycle + 1));
        if index == begin
            && let Some(before) = &before
        {
            enters = enters.max(before.leaves[0]);
        }
        if waits == 0 {
            accepted[index] = enters;
        }
        entered = Some(enters);
        if !beat.last && index + 1 - begin < most {
            continue;
        }

        let mut moves = Moves { leaves: vec![], ends: 0 };
        let mut cycle = enters;
        if gathers {
            // Where beats hold whole groups, they enter the first cell at once.
            cycle += 1;
            if let Some(before) = &before {
                cycle = cycle.max(before.leaves[1]);
            }
            moves.leaves.push(cycle);
        }
        for (cell, &steps) in cells.iter().enumerate() {
            let next = cell + 1 + usize::from(gathers);
            let is_free = before
                .as_ref()
                .map_or(0, |before| before.leaves.get(next).copied().unwrap_or(before.ends));
            cycle = (cycle + steps).max(is_free);
            moves.leaves.push(cycle);
        }
        let group = &beats[begin..=index];
        let mut mask = masks(p, group).into_iter();
        for (beat, fields) in group.iter().enumerate() {
            let bits = (0..p.lanes).fold(0_u64, |bits, lane| {
                let survives = lane < fields.present && mask.next().unwrap_or(false);
                bits | u64::from(survives) << lane
            });
            cycle += 1;
            emitted.push(Emitted {
                beat: vec![Bits::from_limbs(p.lanes, &[bits]), Bits::new(1, fields.last)],
                cycle,
                cause: Cause { channel: 0, beat: index },
            });
            debug_assert!(beat <= index);
        }
        moves.ends = cycle;
        sizes.push(group.len());
        before = Some(moves);
        begin = index + 1;
    }
    // Each stage holds a group, the register of products a beat.
    let stages = cells.len() + 1 + usize::from(gathers);
    let capacity = match sizes.len() < stages {
        true => beats.len() + 1,
        false => sizes[..stages].iter().sum::<usize>() + waits as usize,
    };
    Response { accepted: vec![accepted], emitted: vec![emitted], capacity: vec![capacity] }
}
