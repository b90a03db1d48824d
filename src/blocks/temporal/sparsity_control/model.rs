//! The golden model of the sparsity control.

use super::{Coherent, Combine, LevelFrom, SparsityControlParameters};
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// How many bits a number up to `most` needs.
fn bits(most: u32) -> u32 {
    (1..).find(|&width| u64::from(most) < 1_u64 << width).expect("there are 32 at most")
}

/// What stands at the plain inputs.
#[derive(Clone, Debug)]
pub(in crate::blocks::temporal) struct Settings {
    /// Survivors of a group, for each level.
    pub keeps: Vec<u64>,
    /// The threshold of each level.
    pub thresholds: Vec<u64>,
    /// Vectors that use a level at least.
    pub dwell: u32,
    /// The level that is ordered, if one is.
    pub ordered: Option<usize>,
}

/// What a vector gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::blocks::temporal) struct Sent {
    pub level: usize,
    pub keep: u64,
    pub threshold: u64,
}

/// Whose a beat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::blocks::temporal) struct Whose {
    /// Whether it is of weights; otherwise it is of activations.
    pub weights: bool,
    /// The layer, which exists.
    pub layer: usize,
}

/// What is known of the coherence of activations, or of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coherence {
    /// Nothing has come yet.
    Unknown,
    /// What came last was a first step.
    First,
    /// The last band.
    Band(u32),
}

#[derive(Clone, Debug)]
struct Layer {
    activations: Coherence,
    weights: Coherence,
    level: usize,
    /// How many vectors have used the level since it changed; none since a first step.
    used: Option<u32>,
    /// How many have to, as it was set when the level changed.
    least: u32,
}

/// The sparsity control between vectors and bands that take turns in each layer.
pub(in crate::blocks::temporal) struct Control {
    p: SparsityControlParameters,
    settings: Settings,
    layers: Vec<Layer>,
}

impl Control {
    /// As a reset leaves it.
    pub fn new(p: &SparsityControlParameters, settings: Settings) -> Control {
        let unknown = Coherence::Unknown;
        let layer =
            Layer { activations: unknown, weights: unknown, level: 0, used: None, least: 0 };
        Control { p: p.clone(), settings, layers: vec![layer; p.layers as usize] }
    }

    /// What is set counts from the next vector on.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// A vector begins: what it gets where the vector before decides.
    pub fn vector(&mut self, new_sequence: bool, whose: Whose) -> Sent {
        let layer = &mut self.layers[whose.layer];
        let coherence = if whose.weights { &mut layer.weights } else { &mut layer.activations };
        if new_sequence {
            *coherence = Coherence::Unknown;
        }
        let is_first = *coherence == Coherence::Unknown;
        let level = layer.level;
        self.sent(is_first, level)
    }

    /// The coherence of a vector is decided: what the vector gets where its own decides.
    pub fn band(&mut self, band: u32, first: bool, whose: Whose) -> Sent {
        let layer = &mut self.layers[whose.layer];
        let coherence = if whose.weights { &mut layer.weights } else { &mut layer.activations };
        let is_first = first || *coherence == Coherence::Unknown;
        *coherence = match is_first {
            true => Coherence::First,
            false => Coherence::Band(band.min(self.p.bands - 1)),
        };
        if is_first {
            (layer.level, layer.used) = (0, None);
            return self.sent(true, 0);
        }
        let wanted = wanted(&self.p, layer.activations, layer.weights);
        let dwells = layer.used.is_some_and(|used| used < layer.least);
        if wanted != layer.level && !dwells {
            (layer.level, layer.used) = (wanted, Some(1));
            layer.least = self.settings.dwell;
        } else {
            layer.used = layer.used.map(|used| used + 1);
        }
        let level = layer.level;
        self.sent(false, level)
    }

    fn sent(&self, is_first: bool, level: usize) -> Sent {
        let Settings { keeps, thresholds, ordered, .. } = &self.settings;
        let of = |level: usize| Sent { level, keep: keeps[level], threshold: thresholds[level] };
        match ordered {
            Some(level) => of(*level),
            None if is_first => Sent { keep: self.p.first_keep.into(), ..of(0) },
            None => of(level),
        }
    }
}

/// The level that the coherence of activations and weights asks for.
fn wanted(p: &SparsityControlParameters, activations: Coherence, weights: Coherence) -> usize {
    let [activations, weights] = [activations, weights].map(|coherence| match coherence {
        Coherence::Band(band) => Some(band),
        Coherence::Unknown | Coherence::First => None,
    });
    let smallest = match p.combine {
        Combine::Activations => activations,
        Combine::Weights => weights,
        Combine::Both => activations.zip(weights).map(|(a, w)| a.min(w)),
    };
    match (smallest, p.coherent) {
        (None, _) => 0,
        (Some(band), Coherent::Sparser) => band as usize,
        (Some(band), Coherent::Denser) => (p.bands - 1 - band) as usize,
    }
}

/// The plain inputs, in the order of the ports.
pub(super) fn settings(p: &SparsityControlParameters, held: &[Bits]) -> Settings {
    let [keep, threshold, dwell, overrides, level] = held else {
        unreachable!("there are five plain inputs")
    };
    let ordered = (level.unsigned() as usize).min(p.bands as usize - 1);
    Settings {
        keeps: keep.lanes(bits(p.group)).map(|keep| keep.unsigned()).collect(),
        thresholds: threshold.lanes(p.threshold_width).map(|t| t.unsigned()).collect(),
        dwell: dwell.unsigned() as u32,
        ordered: overrides.bit(0).then_some(ordered),
    }
}

/// Whose a beat is, which says so in its fields from `weights` on.
pub(super) fn whose(p: &SparsityControlParameters, fields: &[Bits]) -> Whose {
    let mut fields = fields.iter();
    let mut next = |is_there: bool| if is_there { fields.next() } else { None };
    let weights = next(p.combine != Combine::Activations).is_some_and(|weights| weights.bit(0));
    let layer = next(p.layers > 1).map_or(0, Bits::unsigned);
    Whose { weights, layer: (layer as usize).min(p.layers as usize - 1) }
}

fn beat(p: &SparsityControlParameters, sent: Sent) -> Beat {
    vec![
        Bits::new(bits(p.bands - 1), sent.level as u64),
        Bits::new(bits(p.group), sent.keep),
        Bits::new(p.threshold_width, sent.threshold),
    ]
}

/// What comes out, and when.
pub(super) fn run(p: &SparsityControlParameters, stimulus: &Stimulus) -> Response {
    let control = Control::new(p, settings(p, &stimulus.held));
    match p.level_from {
        LevelFrom::Current => current(p, control, &stimulus.inputs[0]),
        LevelFrom::Previous => previous(p, control, &stimulus.inputs[0], &stimulus.inputs[1]),
    }
}

fn decide(p: &SparsityControlParameters, control: &mut Control, band: &Beat) -> Sent {
    control.band(band[0].unsigned() as u32, band[1].bit(0), whose(p, &band[2..]))
}

fn current(p: &SparsityControlParameters, mut control: Control, bands: &[Beat]) -> Response {
    let emitted = bands.iter().enumerate().map(|(index, band)| {
        let beat = beat(p, decide(p, &mut control, band));
        Emitted { beat, cycle: index as u64 + 1, cause: Cause { channel: 0, beat: index } }
    });
    let emitted = vec![emitted.collect()];
    Response { accepted: vec![(0..bands.len() as u64).collect()], emitted, capacity: vec![1] }
}

fn previous(
    p: &SparsityControlParameters,
    mut control: Control,
    vectors: &[Beat],
    bands: &[Beat],
) -> Response {
    // The cycle from which on the next vector and the next band go in, and the next vector of each
    // layer.
    let (mut vector_from, mut band_from) = (0, 0);
    let mut layer_from = vec![0; p.layers as usize];
    let (mut begun, mut decided, mut emitted) = (vec![], vec![], vec![]);
    for (index, vector) in vectors.iter().enumerate() {
        let whose = whose(p, &vector[1..]);
        let begins = u64::max(vector_from, layer_from[whose.layer]);
        let beat = beat(p, control.vector(vector[0].bit(0), whose));
        let cause = Cause { channel: 0, beat: index };
        emitted.push(Emitted { beat, cycle: begins + 1, cause });
        begun.push(begins);
        vector_from = begins + 1;
        // Of the last vectors the bands may not come any more.
        if let Some(band) = bands.get(index) {
            decide(p, &mut control, band);
            let decides = u64::max(band_from, begins + 1);
            decided.push(decides);
            band_from = decides + 1;
            layer_from[whose.layer] = decides + 1;
        }
    }
    Response { accepted: vec![begun, decided], emitted: vec![emitted], capacity: vec![1, 1] }
}
