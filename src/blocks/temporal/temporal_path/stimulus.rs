//! Stimulus for the temporal path: sequences of vectors in all modes, at settings that matter.

use rand::RngExt;

use super::TemporalPathParameters;
use crate::blocks::temporal::coherence_metric::Witness;
use crate::blocks::temporal::stimulus::{Sizes, Vector, Vectors, empty, lanes};
use crate::model::{Beat, Bits, Field, Kind, Random, Shape, Stimulus};

/// Elements of a vector of usual length, at most.
const USUAL: u32 = 72;

/// From so many vectors on a dwell is a long one.
const LONG_DWELL: u64 = 6;

/// Vectors of the kind, each in a mode by chance, and norms.
pub(super) fn stimulus(
    p: &TemporalPathParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    let mut witnesses = vec![];
    let of_field = |field: &Field| match field.name.strip_suffix("thresholds") {
        // What meets the threshold of one layer means nothing to another.
        Some(prefix) if p.settings() == 1 && random.random() => {
            let (metric, of_weights) = (p.metric(), prefix.starts_with("weight"));
            Witness::of_each(&metric, p.longest.min(USUAL), of_weights, &mut witnesses, random)
        }
        _ => setting(p, field, kind, random),
    };
    let held: Vec<Bits> = shape.held.iter().map(of_field).collect();
    let (width, layers) = (p.width, p.layers);
    let sizes = Sizes { width, longest: p.longest, usual: USUAL.max(2 * p.lanes), layers };
    // A long dwell is seen to its end where nothing interrupts it.
    let is_long_dwell = |dwell: Bits| dwell.unsigned() >= LONG_DWELL;
    let is_long = held_at(shape, &held, "dwell").lanes(8).any(is_long_dwell);
    let of_kind = || {
        let vectors = Vectors::new(sizes, kind);
        if is_long { vectors.lasting() } else { vectors }
    };
    let (mut vectors, mut weights) = (of_kind(), of_kind());
    let (mut inputs, mut norms) = (vec![], vec![]);
    while inputs.len() < beats {
        let is_weights = p.takes_weights() && random.random_range(0..3) == 0;
        let source = if is_weights { &mut weights } else { &mut vectors };
        let vector = source.next(random);
        let in_layer = |values| Vector { values, layer: vector.layer, new_sequence: false };
        let sent = match random.random_range(0..12) {
            0 | 1 if kind != Kind::Recorded => {
                let keep = keep_of_a_level(p, held_at(shape, &held, "keep"), vector.layer, random);
                let bonus = held_at(shape, &held, "bonus").unsigned();
                let (dense, delta) = at_a_boundary(p, vector.values.len(), keep, bonus, random);
                let pair = [(dense, 0), (delta, 2)];
                let said = |mode| Said { mode: Some(mode), ..Said::default() };
                pair.map(|(values, mode)| (in_layer(values), is_weights, said(mode))).to_vec()
            }
            2..5 if !witnesses.is_empty() && !is_long => {
                let witness = &witnesses[random.random_range(0..witnesses.len())];
                let said = Said { metric: Some(witness.metric as u64), ..Said::default() };
                let pair = witness.pair.clone();
                pair.map(|values| (in_layer(values), witness.of_weights, said)).to_vec()
            }
            _ => vec![(vector, is_weights, Said::default())],
        };
        for (vector, is_weights, said) in sent {
            inputs.extend(beats_of(p, shape, &vector, is_weights, said, random));
        }
        norms.resize_with(inputs.len(), || norm(p, kind, random));
    }
    inputs.truncate(beats);
    norms.truncate(beats);
    let inputs = if p.norm { vec![inputs, norms] } else { vec![inputs] };
    Stimulus { inputs, held }
}

/// Whether each vector has room, and each beat its norms.
pub(super) fn accepts(p: &TemporalPathParameters, stimulus: &Stimulus) -> bool {
    let beats = &stimulus.inputs[0];
    let mut vectors = beats.split_inclusive(|beat| beat[beat.len() - 1].bit(0));
    let are_all_of_a_length = stimulus.inputs.iter().all(|input| input.len() == beats.len());
    are_all_of_a_length && vectors.all(|vector| vector.len() <= p.beats() as usize)
}

/// What stands at a plain input.
fn held_at<'a>(shape: &Shape, held: &'a [Bits], name: &str) -> &'a Bits {
    let mut all = shape.held.iter().zip(held);
    all.find_map(|(field, value)| (field.name == name).then_some(value)).expect("it is there")
}

/// How many of a group survive at one of the levels that a layer may have.
fn keep_of_a_level(
    p: &TemporalPathParameters,
    keep: &Bits,
    layer: u32,
    random: &mut Random,
) -> usize {
    let width = keep.width() / p.bands / p.settings();
    let first = if p.settings() == 1 { 0 } else { layer * p.bands };
    let level = first + random.random_range(0..p.bands);
    keep.slice(level * width, width).unsigned() as usize
}

/// Two vectors: one to be sent dense (mode 0), so that it is known what its elements count as and that
/// they were in the mask, and one for mode delta (2) whose changes, with the bonus, are at a boundary
/// or one short of it. `keep` of each group are at it: where one of the generator's counts is too low,
/// those survive that are ahead in the digits below.
fn at_a_boundary(
    p: &TemporalPathParameters,
    length: usize,
    keep: usize,
    bonus: u64,
    random: &mut Random,
) -> (Vec<i64>, Vec<i64>) {
    let half = 1_i64 << (p.width - 1);
    let zeros = random.random_range(0..p.width);
    let boundary = random.random_range(0..2 * half) >> zeros << zeros;
    let higher = boundary.saturating_sub_unsigned(bonus).clamp(1, 2 * half - 1);
    let (group, mut left) = (p.group as usize, keep);
    let mut element = |index: usize| {
        if index.is_multiple_of(group) {
            left = keep;
        }
        // Those at the boundary are any of the group.
        let rest = (group - index % group).min(length - index);
        let is_at = random.random_range(0..rest) < left;
        left -= usize::from(is_at);
        let change = if is_at { higher } else { higher - 1 };
        let low = random.random_range(-half..half - change);
        if random.random() { (low, low + change) } else { (low + change, low) }
    };
    (0..length).map(&mut element).unzip()
}

/// What a vector's first beat says; where it says nothing, anything.
#[derive(Clone, Copy, Default)]
struct Said {
    mode: Option<u64>,
    metric: Option<u64>,
}

/// The beats of a vector. What counts in the first one only is anything in the others.
fn beats_of(
    p: &TemporalPathParameters,
    shape: &Shape,
    vector: &Vector,
    is_weights: bool,
    said: Said,
    random: &mut Random,
) -> Vec<Beat> {
    let number = |value: i64| Bits::new(p.width, value);
    let values = vector.values.iter().copied().map(number).collect();
    let data = lanes(values, p.lanes, || Bits::random(p.width, random));
    let empty = empty(vector.values.len(), p.lanes);
    let last = data.len() - 1;
    let code = |field: &Field, code: Option<u64>, random: &mut Random| match code {
        Some(code) => Bits::new(field.width, code),
        None => Bits::random(field.width, random),
    };
    let beat = |(index, data): (usize, Vec<Bits>)| {
        let mut field = |field: &Field| match (field.name.as_str(), index) {
            ("data", _) => Bits::concat(&data),
            ("last", _) => Bits::new(1, index == last),
            ("empty", _) if index == last => Bits::new(field.width, empty),
            ("new_sequence", 0) => Bits::new(1, vector.new_sequence),
            ("weights", 0) => Bits::new(1, is_weights),
            ("layer", 0) => Bits::new(field.width, vector.layer),
            ("mode", 0) => code(field, said.mode, random),
            ("metric", 0) => code(field, said.metric, random),
            _ => Bits::random(field.width, random),
        };
        shape.inputs[0].fields.iter().map(&mut field).collect()
    };
    data.into_iter().enumerate().map(beat).collect()
}

fn norm(p: &TemporalPathParameters, kind: Kind, random: &mut Random) -> Beat {
    let width = 16 * p.lanes;
    let norm = match kind {
        Kind::Corner => Bits::corner(width, random),
        _ => Bits::random(width, random),
    };
    vec![norm, Bits::random(1, random)]
}

/// A value of a plain input: where all are equally likely, few elements would survive, or all.
fn setting(p: &TemporalPathParameters, field: &Field, kind: Kind, random: &mut Random) -> Bits {
    let of_each = |width: u32, mut value: Box<dyn FnMut() -> u64 + '_>| {
        let count = field.width / width;
        Bits::concat(&(0..count).map(|_| Bits::new(width, value())).collect::<Vec<_>>())
    };
    let is_corner = kind == Kind::Corner && random.random_range(0..3) == 0;
    match field.name.as_str() {
        "keep" => {
            let width = field.width / p.bands / p.settings();
            of_each(width, Box::new(|| random.random_range(0..=u64::from(p.group))))
        }
        _ if is_corner => Bits::corner(field.width, random),
        "score_threshold" => {
            let width = field.width / p.bands / p.settings();
            of_each(width, Box::new(|| (1 << random.random_range(0..width)) / 2))
        }
        "bonus" => Bits::new(field.width, (1_u64 << random.random_range(0..field.width)) / 2),
        "dwell" => {
            let width = field.width / p.settings();
            let range = if random.random() { 0..LONG_DWELL } else { LONG_DWELL..34 };
            of_each(width, Box::new(|| random.random_range(range.clone())))
        }
        "override" => of_each(1, Box::new(|| u64::from(random.random_range(0..6) == 0))),
        // None, so that thresholds are met exactly; an eighth of the range, so that it matters and not
        // everything is met; or any, so that moved thresholds leave their range.
        name if name.ends_with("hysteresis") => {
            let width = field.width / p.settings();
            let hysteresis = |random: &mut Random| match random.random_range(0..4) {
                0 | 1 => 0,
                2 => Bits::random(width, random).unsigned() >> 3,
                _ => Bits::random(width, random).unsigned(),
            };
            of_each(width, Box::new(|| hysteresis(random)))
        }
        _ => Bits::random(field.width, random),
    }
}
