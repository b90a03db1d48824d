//! The golden model of the delta block.

use super::DeltaParameters;
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// What of a vector is transmitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::blocks::temporal) enum Mode {
    /// Every element.
    Dense,
    /// The elements in the mask; the others count as 0.
    Mask,
    /// What changed, of the elements in the mask.
    Delta,
}

impl Mode {
    /// The mode that a field stands for.
    pub fn of(field: u64) -> Mode {
        match field {
            0 => Mode::Dense,
            1 => Mode::Mask,
            _ => Mode::Delta,
        }
    }
}

/// What is remembered of a layer's elements.
#[derive(Clone, Debug)]
struct Layer {
    /// What each counts as in the layer: all that has been transmitted of it.
    estimates: Vec<i64>,
    /// Whether it was in the mask the last time.
    masks: Vec<bool>,
}

/// What is remembered of all layers.
#[derive(Clone, Debug)]
pub(in crate::blocks::temporal) struct Estimates {
    /// The greatest magnitude that is transmitted of a difference, if they are clamped.
    clip: Option<i64>,
    layers: Vec<Layer>,
}

impl Estimates {
    /// As a reset leaves it: of `layers` layers with `longest` elements each.
    pub fn new(width: u32, clip: bool, layers: usize, longest: usize) -> Estimates {
        let clip = clip.then(|| (1 << (width - 1)) - 1);
        let layer = Layer { estimates: vec![0; longest], masks: vec![false; longest] };
        Estimates { clip, layers: vec![layer; layers] }
    }

    /// A new sequence begins in the layer.
    pub fn begin(&mut self, layer: usize) {
        let Layer { estimates, masks } = &mut self.layers[layer];
        estimates.fill(0);
        masks.fill(false);
    }

    /// What the elements of the layer count as, the first one first.
    #[cfg(test)]
    pub fn layer(&self, layer: usize) -> &[i64] {
        &self.layers[layer].estimates
    }

    /// For each of some elements of the layer, from number `from` on: the score, which is how large
    /// it is before clipping, and whether it was in the mask the last time.
    pub fn scores(
        &self,
        layer: usize,
        from: usize,
        mode: Mode,
        values: &[i64],
    ) -> impl Iterator<Item = (u64, bool)> {
        let Layer { estimates, masks } = &self.layers[layer];
        let elements = estimates[from..].iter().zip(&masks[from..]).zip(values);
        elements.map(move |((&estimate, &mask), &value)| {
            // Of an element that begins again, the layer has nothing.
            let reference = if mode == Mode::Delta { estimate } else { 0 };
            (value.abs_diff(reference), mask)
        })
    }

    /// What is transmitted of these elements, 64 at most, as it is asked for: of each that counts as
    /// in the mask, the position among them and the value. The mask has a bit for each.
    pub fn transmit(
        &mut self,
        layer: usize,
        from: usize,
        mode: Mode,
        values: &[i64],
        mask: u64,
    ) -> impl Iterator<Item = (usize, i64)> {
        let most = self.clip.filter(|_| mode == Mode::Delta).unwrap_or(i64::MAX);
        let Layer { estimates, masks } = &mut self.layers[layer];
        let elements = from..from + values.len();
        let (estimates, masks) = (&mut estimates[elements.clone()], &mut masks[elements]);
        masks.fill(false);
        if mode != Mode::Delta {
            estimates.fill(0);
        }
        let present = u64::MAX >> (64 - values.len());
        let mut left = if mode == Mode::Dense { present } else { mask & present };
        std::iter::from_fn(move || {
            let index = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            let sent = (values[index] - estimates[index]).clamp(-most, most);
            estimates[index] += sent;
            masks[index] = true;
            Some((index, sent))
        })
    }
}

/// How many bits a number up to `most` needs.
fn bits(most: u32) -> u32 {
    (1..).find(|&width| u64::from(most) < 1_u64 << width).expect("there are 32 at most")
}

/// The vector that is under way.
#[derive(Clone, Copy)]
struct Vector {
    mode: Mode,
    layer: usize,
    /// Which beat is next, up to the last that has a place.
    beat: usize,
}

/// Where the times of a beat are: when it goes in, when its score goes out, when its mask goes in.
#[derive(Clone, Copy)]
struct Times {
    accepted: u64,
    scored: u64,
    masked: u64,
}

/// What comes out, and when.
pub(super) fn run(p: &DeltaParameters, stimulus: &Stimulus) -> Response {
    let (beats, masks) = (&stimulus.inputs[0], &stimulus.inputs[1]);
    let (lanes, places) = (p.lanes as usize, p.places() as usize);
    let mut estimates = Estimates::new(p.width, p.clip, p.layers as usize, places * lanes);
    let mut vector: Option<Vector> = None;
    // From when on each place of each layer is free.
    let mut free = vec![vec![0; places]; p.layers as usize];
    let mut times: Vec<Times> = vec![];
    let (mut scores, mut sent) = (vec![], vec![]);
    for (index, (beat, mask)) in beats.iter().zip(masks).enumerate() {
        let Vector { mode, layer, beat: number } = vector.unwrap_or_else(|| {
            let layer = if p.layers > 1 { beat[3].unsigned() as usize } else { 0 };
            let layer = layer.min(p.layers as usize - 1);
            if beat[2].bit(0) {
                estimates.begin(layer);
            }
            Vector { mode: Mode::of(beat[1].unsigned()), layer, beat: 0 }
        });
        let framing = &beat[if p.lanes > 1 { beat.len() - 2 } else { beat.len() - 1 }..];
        let last = framing[framing.len() - 1].bit(0);
        let next = Vector { mode, layer, beat: (number + 1).min(places - 1) };
        vector = (!last).then_some(next);

        let values: Vec<i64> = beat[0].lanes(p.width).map(|value| value.signed()).collect();
        let empty = if last && lanes > 1 { framing[0].unsigned() as usize } else { 0 };
        let length = lanes - empty.min(lanes - 1);
        let from = number * lanes;
        let (score, previous): (Vec<u64>, Vec<bool>) =
            estimates.scores(layer, from, mode, &values).unzip();
        let (mut data, mut survive) = (vec![0; lanes], vec![false; lanes]);
        let values = &values[..length];
        for (lane, sent) in estimates.transmit(layer, from, mode, values, mask[0].unsigned()) {
            (data[lane], survive[lane]) = (sent, true);
        }

        let time = time(p, &times, free[layer][number]);
        free[layer][number] = time.masked + 1;
        let emitted = |beat: Beat, cycle: u64, channel: usize| Emitted {
            beat: [beat, framing.to_vec()].concat(),
            cycle,
            cause: Cause { channel, beat: index },
        };
        let score = score.into_iter().map(|score| Bits::new(p.width, score));
        scores.push(emitted(vec![pack(score), flags(previous)], time.scored, 0));
        let width = p.width + u32::from(!p.clip);
        let data = data.into_iter().map(|value| Bits::new(width, value));
        sent.push(emitted(vec![pack(data), flags(survive)], time.masked + 1, 1));
        times.push(time);
    }
    Response {
        accepted: vec![
            times.iter().map(|time| time.accepted).collect(),
            times.iter().map(|time| time.masked).collect(),
        ],
        emitted: vec![scores, sent],
        // One beat waits to be scored, and nothing comes for a mask.
        capacity: vec![1, 0],
    }
}

/// The times of the next beat, whose place is free from a cycle on.
fn time(p: &DeltaParameters, before: &[Times], free: u64) -> Times {
    let last = before.last();
    let accepted = last.map_or(0, |last| u64::max(last.accepted + 1, last.scored)).max(free);
    // It cannot wait for a mask before there is room for it to wait in.
    let room = before.len().checked_sub(p.depth as usize).map_or(0, |at| before[at].masked + 1);
    let scored = u64::max(accepted + 1, room);
    let masked = last.map_or(0, |last| last.masked + 1).max(scored + 1);
    Times { accepted, scored, masked }
}

fn pack(lanes: impl Iterator<Item = Bits>) -> Bits {
    Bits::concat(&lanes.collect::<Vec<_>>())
}

fn flags(flags: Vec<bool>) -> Bits {
    pack(flags.into_iter().map(|flag| Bits::new(1, flag)))
}

/// Bits of `empty`, and of `layer`.
pub(super) fn widths(p: &DeltaParameters) -> (u32, u32) {
    (bits(p.lanes.max(2) - 1), bits(p.layers.max(2) - 1))
}
