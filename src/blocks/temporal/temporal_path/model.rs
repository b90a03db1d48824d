//! The golden model of the temporal path: those of its blocks, one behind the other.
//!
//! Values follow from the order of beats alone, so they come first, vector by vector. When beats
//! move is up to [`timing`](super::timing).

use super::TemporalPathParameters;
use super::timing::{self, Arrival, Schedule};
use crate::blocks::Block;
use crate::blocks::temporal::coherence_metric::CoherenceMetric;
use crate::blocks::temporal::delta::{Estimates, Mode};
use crate::blocks::temporal::mask_apply::MaskApply;
use crate::blocks::temporal::mask_generator::MaskGenerator;
use crate::blocks::temporal::sparsity_control::{LevelFrom, SparsityControl};
use crate::config::Tech;
use crate::model::{Beat, Bits, Cause, Emitted, Model, Response, Stimulus};

/// A beat of `in`, by field.
struct Input {
    data: Bits,
    mode: u64,
    metric: Option<Bits>,
    new_sequence: Bits,
    weights: Option<Bits>,
    layer: Option<Bits>,
    empty: Option<Bits>,
    last: Bits,
}

impl Input {
    fn of(p: &TemporalPathParameters, beat: &Beat) -> Input {
        let mut fields = beat.iter().cloned();
        let mut next = || fields.next().expect("a beat has all of its fields");
        Input {
            data: next(),
            mode: next().unsigned(),
            metric: (p.metric().metrics().len() > 1).then(&mut next),
            new_sequence: next(),
            weights: p.takes_weights().then(&mut next),
            layer: (p.layers > 1).then(&mut next),
            empty: (p.lanes > 1).then(&mut next),
            last: next(),
        }
    }

    fn is_last(&self) -> bool {
        self.last.bit(0)
    }

    fn layer(&self, p: &TemporalPathParameters) -> usize {
        let layer = self.layer.as_ref().map_or(0, Bits::unsigned);
        layer.min(u64::from(p.layers) - 1) as usize
    }

    /// Whose memory it belongs to.
    fn place(&self, p: &TemporalPathParameters) -> usize {
        let is_weights = self.weights.as_ref().is_some_and(|weights| weights.bit(0));
        self.layer(p) + if is_weights { p.layers as usize } else { 0 }
    }

    /// What stands in all lanes.
    fn elements(&self, p: &TemporalPathParameters) -> Vec<i64> {
        self.data.lanes(p.width).map(|element| element.signed()).collect()
    }

    /// How many lanes hold an element.
    fn present(&self, p: &TemporalPathParameters) -> usize {
        let empty = self.empty.as_ref().filter(|_| self.is_last()).map_or(0, Bits::unsigned);
        p.lanes as usize - empty.min(u64::from(p.lanes) - 1) as usize
    }
}

/// Consecutive beats of a vector, which may lack its end.
struct Vector {
    begin: usize,
    end: usize,
    is_whole: bool,
}

fn vectors(beats: &[Input]) -> Vec<Vector> {
    let mut vectors = vec![];
    let mut begin = 0;
    for (index, beat) in beats.iter().enumerate() {
        if beat.is_last() || index + 1 == beats.len() {
            vectors.push(Vector { begin, end: index + 1, is_whole: beat.is_last() });
            begin = index + 1;
        }
    }
    vectors
}

fn respond(model: &Model, inputs: Vec<Vec<Beat>>, held: &[Bits]) -> Response {
    let Model::Streams(model) = model else { unreachable!("the block is between streams") };
    model.respond(&Stimulus { inputs, held: held.to_vec() })
}

/// A beat of fields, of which some are not built in.
fn beat<const N: usize>(fields: [Option<&Bits>; N]) -> Beat {
    fields.into_iter().flatten().cloned().collect()
}

/// What comes out of a beat between the generator and the outlets.
struct Sent {
    /// The beat of `in` that the last element of its group came with.
    cause: usize,
    mask: Bits,
    survivors: usize,
    /// What goes to mask apply.
    window: Beat,
}

pub(super) fn run(p: &TemporalPathParameters, tech: &Tech, stimulus: &Stimulus) -> Response {
    let beats: Vec<Input> = stimulus.inputs[0].iter().map(|beat| Input::of(p, beat)).collect();
    let vectors = vectors(&beats);
    let count = if p.takes_weights() { 4 } else { 2 };
    let (coherence, rest) = stimulus.held.split_at(count);
    let (control, bonus) = rest.split_at(rest.len() - 1);

    let bands = bands(p, tech, &beats, &vectors, coherence);
    let levels = levels(p, tech, &beats, &vectors, &bands, control);
    let norms = stimulus.inputs.get(1).map(|norms| &norms[..]);
    let sent = sent(p, tech, &beats, &vectors, &levels, norms, &bonus[0]);
    let windows = sent.iter().map(|sent| sent.window.clone()).collect();
    let survivors = respond(&MaskApply::model(&p.apply(), tech), vec![windows], &[]);
    let counts: Vec<usize> = sent.iter().map(|sent| sent.survivors).collect();
    let schedule = timing::run(p, arrivals(p, &beats, &counts));
    let outputs = Outputs { beats: &beats, bands, levels, sent, survivors: survivors.emitted };
    outputs.response(p, &vectors, schedule, stimulus.inputs.len())
}

/// Of each layer that has settings of its own, the vectors; or all of them, if there is but one set.
fn by_settings(p: &TemporalPathParameters, beats: &[Input], vectors: &[Vector]) -> Vec<Vec<usize>> {
    let mut sets = vec![vec![]; p.settings() as usize];
    for (index, vector) in vectors.iter().enumerate() {
        let set = if p.layer_settings { beats[vector.begin].layer(p) } else { 0 };
        sets[set].push(index);
    }
    sets
}

/// What a block makes of vectors, where each set of settings has a block of its own: layers know
/// nothing of each other.
fn respond_by_settings(
    p: &TemporalPathParameters,
    (beats, vectors): (&[Input], &[Vector]),
    held: &[Bits],
    respond: impl Fn(&[usize], &[Bits]) -> Vec<Beat>,
) -> Vec<Beat> {
    let mut all = vec![None; vectors.len()];
    for (set, indices) in by_settings(p, beats, vectors).iter().enumerate() {
        let of_set = |bits: &Bits| {
            let width = bits.width() / p.settings();
            bits.slice(set as u32 * width, width)
        };
        let held: Vec<Bits> = held.iter().map(of_set).collect();
        for (&index, beat) in indices.iter().zip(respond(indices, &held)) {
            all[index] = Some(beat);
        }
    }
    // Of a vector at the end, nothing may come.
    all.into_iter().map_while(|beat| beat).collect()
}

/// The band of each whole vector.
fn bands(
    p: &TemporalPathParameters,
    tech: &Tech,
    beats: &[Input],
    vectors: &[Vector],
    held: &[Bits],
) -> Vec<Beat> {
    let compared = |b: &Input| {
        let (metric, weights) = (b.metric.as_ref(), b.weights.as_ref());
        let (data, new, layer) = (Some(&b.data), Some(&b.new_sequence), b.layer.as_ref());
        beat([data, metric, new, weights, layer, b.empty.as_ref(), Some(&b.last)])
    };
    let model = CoherenceMetric::model(&p.metric(), tech);
    respond_by_settings(p, (beats, vectors), held, |indices, held| {
        let vectors = indices.iter().map(|&index| &vectors[index]);
        let beats = vectors.flat_map(|vector| &beats[vector.begin..vector.end]).map(compared);
        let response = respond(&model, vec![beats.collect()], held);
        response.emitted.into_iter().flatten().map(|emitted| emitted.beat).collect()
    })
}

/// What each vector gets: level, keep and threshold.
fn levels(
    p: &TemporalPathParameters,
    tech: &Tech,
    beats: &[Input],
    vectors: &[Vector],
    bands: &[Beat],
    held: &[Bits],
) -> Vec<Beat> {
    let whose = |index: usize, mut fields: Beat| {
        let first = &beats[vectors[index].begin];
        fields.extend([&first.weights, &first.layer].into_iter().flatten().cloned());
        fields
    };
    let began =
        |&index: &usize| whose(index, vec![beats[vectors[index].begin].new_sequence.clone()]);
    let decided = |&index: &usize| Some(whose(index, bands.get(index)?[..2].to_vec()));
    let model = SparsityControl::model(&p.control(), tech);
    respond_by_settings(p, (beats, vectors), held, |indices, held| {
        let decided = indices.iter().map_while(decided).collect();
        let inputs = match p.level_from {
            LevelFrom::Current => vec![decided],
            LevelFrom::Previous => vec![indices.iter().map(began).collect(), decided],
        };
        let response = respond(&model, inputs, held);
        response.emitted.into_iter().flatten().map(|emitted| emitted.beat).collect()
    })
}

/// What goes out of the memories: of vectors that got a level, all beats of groups that are whole.
fn sent(
    p: &TemporalPathParameters,
    tech: &Tech,
    beats: &[Input],
    vectors: &[Vector],
    levels: &[Beat],
    norms: Option<&[Beat]>,
    bonus: &Bits,
) -> Vec<Sent> {
    let generator = MaskGenerator::model(&p.generator(), tech);
    let (places, longest) = (p.places() as usize, p.longest.next_multiple_of(p.lanes) as usize);
    let mut estimates = Estimates::new(p.width, p.clip, places, longest);
    let mut all = vec![];
    for (vector, level) in vectors.iter().zip(levels) {
        let inputs = &beats[vector.begin..vector.end];
        let (place, mode) = (inputs[0].place(p), Mode::of(inputs[0].mode));
        if inputs[0].new_sequence.bit(0) {
            estimates.begin(place);
        }
        let scored = inputs.iter().enumerate().map(|(index, input)| {
            let base = index * p.lanes as usize;
            let elements = input.elements(p);
            let rows = estimates.scores(place, base, mode, &elements);
            let (scores, previous): (Vec<Bits>, Vec<Bits>) =
                rows.map(|(score, mask)| (Bits::new(p.width, score), Bits::new(1, mask))).unzip();
            let norm = norms.map(|norms| &norms[vector.begin + index]);
            let source = norm.map(|norm| Bits::new(2, if norm[1].bit(0) { 2 } else { 0 }));
            beat([
                Some(&Bits::concat(&scores)),
                norm.map(|norm| &norm[0]),
                Some(&Bits::concat(&previous)),
                source.as_ref(),
                Some(&level[1]),
                Some(&level[2]),
                Some(bonus),
                input.empty.as_ref(),
                Some(&input.last),
            ])
        });
        let masks = respond(&generator, vec![scored.collect()], &[]).emitted.remove(0);
        for (index, (input, mask)) in inputs.iter().zip(&masks).enumerate() {
            let (base, elements) = (index * p.lanes as usize, input.elements(p));
            let present = &elements[..input.present(p)];
            let mask_in = mask.beat[0].unsigned();
            let mut values = vec![Bits::zero(p.apply().width); p.lanes as usize];
            let mut survive = vec![Bits::zero(1); p.lanes as usize];
            let mut survivors = 0;
            for (lane, value) in estimates.transmit(place, base, mode, present, mask_in) {
                values[lane] = Bits::new(p.apply().width, value);
                survive[lane] = Bits::new(1, true);
                survivors += 1;
            }
            let (data, mask_out) = (Bits::concat(&values), Bits::concat(&survive));
            let empty = input.empty.as_ref();
            all.push(Sent {
                cause: vector.begin + mask.cause.beat,
                window: beat([Some(&data), Some(&mask_out), empty, Some(&input.last)]),
                mask: mask_out,
                survivors,
            });
        }
    }
    all
}

/// What the clock has to know of each beat, of which so many elements survive.
fn arrivals(p: &TemporalPathParameters, beats: &[Input], survivors: &[usize]) -> Vec<Arrival> {
    let metrics = p.metric();
    let whole = (p.group / p.lanes).max(1) as usize;
    let (mut first, mut number) = (0, 0);
    let mut arrivals = vec![];
    for (index, beat) in beats.iter().enumerate() {
        if number == 0 {
            first = index;
        }
        let begin = &beats[first];
        let code = begin.metric.as_ref().map_or(0, Bits::unsigned);
        arrivals.push(Arrival {
            layer: begin.layer(p),
            place: begin.place(p) * p.beats() as usize + number.min(p.beats() as usize - 1),
            // Of a group that is not whole nothing survives, because nothing comes out of it.
            survivors: survivors.get(index).copied().unwrap_or(0),
            first: number == 0,
            last: beat.is_last(),
            ends_group: beat.is_last() || (number + 1) % whole == 0,
            decision: metrics.latency(code),
        });
        number = if beat.is_last() { 0 } else { number + 1 };
    }
    arrivals
}

/// All that comes out, without the cycles.
struct Outputs<'a> {
    beats: &'a [Input],
    bands: Vec<Beat>,
    levels: Vec<Beat>,
    sent: Vec<Sent>,
    survivors: Vec<Vec<Emitted>>,
}

impl Outputs<'_> {
    fn response(
        self,
        p: &TemporalPathParameters,
        vectors: &[Vector],
        schedule: Schedule,
        inputs: usize,
    ) -> Response {
        let _ = self.beats;
        let emit = |beat: Beat, cycle: u64, beat_in: usize| {
            let cause = Cause { channel: 0, beat: beat_in };
            Emitted { beat, cycle, cause }
        };
        // A level goes out, and in the end a band, when the vector is complete.
        let whole = || vectors.iter().filter(|vector| vector.is_whole);
        let ends = || whole().map(|vector| vector.end - 1);
        let coherence = self.bands.into_iter().zip(&schedule.bands).zip(ends());
        let coherence = coherence.map(|((band, &cycle), end)| emit(band[..2].to_vec(), cycle, end));
        let levels = self.levels.into_iter().zip(&schedule.levels).zip(ends());
        let levels = levels.map(|((level, &cycle), end)| emit(level[..1].to_vec(), cycle, end));
        // With its own level, nothing of a vector goes out before it is complete.
        let waits = p.level_from == LevelFrom::Current;
        let cause = |beat: usize| match waits {
            true => vectors.iter().find(|vector| beat < vector.end).map_or(beat, |v| v.end - 1),
            false => beat,
        };
        let masks = self.sent.iter().zip(&schedule.masks).enumerate();
        let masks = masks.map(|(index, (sent, &cycle))| {
            let last = self.beats[index].last.clone();
            emit(vec![sent.mask.clone(), last], cycle, cause(sent.cause))
        });
        let out = self.survivors.iter().flatten().zip(&schedule.out);
        let out = out.map(|(survivors, &cycle)| {
            let window = survivors.cause.beat;
            emit(survivors.beat.clone(), cycle, cause(self.sent[window].cause))
        });
        let mut emitted = vec![coherence.collect()];
        if p.outlets {
            emitted.extend([levels.collect(), masks.collect()]);
        }
        emitted.push(out.collect());
        let mut accepted = vec![schedule.accepted];
        if inputs > 1 {
            accepted.push(schedule.norms);
        }
        Response { accepted, emitted, capacity: vec![] }
    }
}
