//! The golden model of the layer engine: what becomes of each step, and then when.

use super::LayerEngineParameters;
use super::clock::Vector;
use crate::blocks::engine::pe_cluster::{self, Sums, Word, Words};
use crate::blocks::engine::{bits, requantiser, wrapped};
use crate::blocks::temporal::temporal_path::{LayerSettings, Steps};
use crate::model::{Beat, Bits, Cause, Emitted, Field, Response, Stimulus};

/// Codes of modes, the last of which goes on from the sums of the vector before.
const DENSE: u64 = 0;
const MASK: u64 = 1;
const DELTA: u64 = 2;

/// What is known of a layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    pub mode: u64,
    /// What magnitudes of weights have to exceed in mode mask, for each level.
    pub weight_thresholds: Vec<u64>,
    pub path: LayerSettings,
    pub cluster: pe_cluster::Layer,
    pub requantiser: requantiser::Layer,
}

impl Layer {
    /// Whether weights are left out in mode mask, at any level.
    fn masks_weights(&self) -> bool {
        self.weight_thresholds.iter().any(|&threshold| threshold > 0)
    }
}

/// All that stands at the plain inputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub bonus: u64,
    pub final_layer: usize,
    pub layers: Vec<Layer>,
}

/// Reads plain inputs in the order of the ports.
struct Ports<'a> {
    held: std::slice::Iter<'a, Bits>,
    layers: u32,
}

impl Ports<'_> {
    fn one(&mut self) -> u64 {
        self.held.next().expect("there is one more plain input").unsigned()
    }

    /// Of each layer, `count` values.
    fn several(&mut self, count: u32) -> Vec<Vec<u64>> {
        let held = self.held.next().expect("there is one more plain input");
        let width = held.width() / self.layers;
        let of_layer = |layer: Bits| layer.lanes(width / count).map(|one| one.unsigned()).collect();
        held.lanes(width).map(of_layer).collect()
    }

    /// Of each layer, a value.
    fn each(&mut self) -> Vec<u64> {
        self.several(1).into_iter().flatten().collect()
    }
}

impl Settings {
    /// The plain inputs, in the order of the ports; not every engine has all of them.
    pub fn inputs() -> [&'static str; 26] {
        [
            "weight_threshold",
            "mode",
            "metric",
            "coherence_thresholds",
            "coherence_hysteresis",
            "keep",
            "score_threshold",
            "dwell",
            "override",
            "override_level",
            "bonus",
            "base",
            "stride",
            "beats",
            "spread",
            "keep_awake",
            "test_enable",
            "clear",
            "read",
            "cluster",
            "final_layer",
            "bias_base",
            "multiplier",
            "shift",
            "relu",
            "empty",
        ]
    }

    pub fn of(p: &LayerEngineParameters, held: &[Bits]) -> Settings {
        let mut ports = Ports { held: held.iter(), layers: p.layers };
        let weight_thresholds = ports.several(p.bands);
        let modes = ports.each();
        let metrics = match p.path().has_several_metrics() {
            true => ports.each(),
            false => vec![0; p.layers as usize],
        };
        let thresholds = ports.several(p.bands - 1);
        let (hysteresis, keeps, score_thresholds) =
            (ports.each(), ports.several(p.bands), ports.several(p.bands));
        let (dwells, overrides, ordered) = (ports.each(), ports.each(), ports.each());
        let bonus = ports.one();
        let [bases, strides, beats, spreads] = [(); 4].map(|()| ports.each());
        // What is about clocks alone.
        ports.held.nth(4);
        let final_layer = ports.one() as usize;
        let [bias_bases, multipliers, shifts, relus] = [(); 4].map(|()| ports.each());
        let empties = if p.lanes > 1 { ports.each() } else { vec![0; p.layers as usize] };
        let layer = |l: usize| Layer {
            mode: modes[l],
            weight_thresholds: weight_thresholds[l].clone(),
            path: LayerSettings {
                metric: metrics[l],
                thresholds: thresholds[l].clone(),
                hysteresis: hysteresis[l],
                keeps: keeps[l].clone(),
                score_thresholds: score_thresholds[l].clone(),
                dwell: dwells[l] as u32,
                ordered: (overrides[l] == 1)
                    .then(|| (ordered[l] as usize).min(p.bands as usize - 1)),
            },
            cluster: pe_cluster::Layer {
                base: bases[l] as usize,
                stride: strides[l] as usize,
                beats: beats[l] as usize + 1,
                spread: spreads[l] as u32,
            },
            requantiser: requantiser::Layer {
                bias_base: bias_bases[l] as usize,
                multiplier: multipliers[l] as i64,
                shift: shifts[l] as u32,
                relu: relus[l] == 1,
                empty: empties[l],
            },
        };
        Settings { bonus, final_layer, layers: (0..p.layers as usize).map(layer).collect() }
    }
}

impl Settings {
    /// What stands at a plain input.
    pub fn port(&self, p: &LayerEngineParameters, field: &Field) -> Bits {
        let width = field.width / p.layers;
        let several = |values: &dyn Fn(&Layer) -> Vec<u64>| {
            let of_layer = |layer: &Layer| {
                let values = values(layer);
                let width = width / values.len() as u32;
                Bits::concat(&values.iter().map(|&v| Bits::new(width, v)).collect::<Vec<_>>())
            };
            Bits::concat(&self.layers.iter().map(of_layer).collect::<Vec<_>>())
        };
        let each = |value: &dyn Fn(&Layer) -> u64| several(&|layer| vec![value(layer)]);
        match field.name.as_str() {
            "weight_threshold" => several(&|layer| layer.weight_thresholds.clone()),
            "mode" => each(&|layer| layer.mode),
            "metric" => each(&|layer| layer.path.metric),
            "coherence_thresholds" => several(&|layer| layer.path.thresholds.clone()),
            "coherence_hysteresis" => each(&|layer| layer.path.hysteresis),
            "keep" => several(&|layer| layer.path.keeps.clone()),
            "score_threshold" => several(&|layer| layer.path.score_thresholds.clone()),
            "dwell" => each(&|layer| layer.path.dwell.into()),
            "override" => each(&|layer| layer.path.ordered.is_some().into()),
            "override_level" => each(&|layer| layer.path.ordered.unwrap_or(0) as u64),
            "bonus" => Bits::new(field.width, self.bonus),
            "base" => each(&|layer| layer.cluster.base as u64),
            "stride" => each(&|layer| layer.cluster.stride as u64),
            "beats" => each(&|layer| layer.cluster.beats as u64 - 1),
            "spread" => each(&|layer| layer.cluster.spread.into()),
            "final_layer" => Bits::new(field.width, self.final_layer as u64),
            "bias_base" => each(&|layer| layer.requantiser.bias_base as u64),
            "multiplier" => each(&|layer| layer.requantiser.multiplier as u64),
            "shift" => each(&|layer| layer.requantiser.shift.into()),
            "relu" => each(&|layer| layer.requantiser.relu.into()),
            "empty" => each(&|layer| layer.requantiser.empty),
            "keep_awake" | "test_enable" | "clear" | "read" | "cluster" => Bits::zero(field.width),
            other => unreachable!("`{other}` is no setting of the engine"),
        }
    }
}

/// A step from outside.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub values: Vec<i64>,
    pub new_sequence: bool,
    /// The last beat that it came in.
    pub last: usize,
}

/// The whole steps of a stream of vectors.
pub(super) fn steps(p: &LayerEngineParameters, beats: &[Beat]) -> Vec<Step> {
    let mut steps = vec![];
    let mut open: Option<Step> = None;
    for (index, beat) in beats.iter().enumerate() {
        let new_sequence = beat[1].bit(0);
        let step = open.get_or_insert(Step { values: vec![], new_sequence, last: 0 });
        let is_last = beat[beat.len() - 1].bit(0);
        let empty = if p.lanes > 1 && is_last { beat[2].unsigned() } else { 0 };
        let present = p.lanes as usize - (empty as usize).min(p.lanes as usize - 1);
        let elements = beat[0].lanes(p.activation_bits).take(present);
        step.values.extend(elements.map(|element| element.signed()));
        step.last = index;
        if is_last {
            steps.extend(open.take());
        }
    }
    steps
}

/// The engine without a clock.
pub(crate) struct Engine {
    settings: Settings,
    lanes: usize,
    activation_bits: u32,
    sum_bits: u32,
    path: Steps,
    /// The layers whose sums are those of masked weights.
    masked: Vec<bool>,
    sums: Sums,
    /// Of each beat, those of its lanes.
    biases: Vec<Vec<i64>>,
}

impl Engine {
    /// As what is loaded leaves it: for each word of weights and each bias the unit, the address there
    /// and the pattern.
    pub fn new<'a>(
        p: &LayerEngineParameters,
        settings: &Settings,
        loads: impl Iterator<Item = (usize, usize, &'a Bits)>,
    ) -> Engine {
        let cluster = p.cluster();
        let sum_bits = pe_cluster::sum_bits(&cluster);
        let word_bits = pe_cluster::word_bits(&cluster);
        let mut words = vec![Words::default(); (p.clusters * p.elements) as usize];
        let depth = 1 << bits(p.requantiser(sum_bits).biases);
        let mut biases = vec![vec![0; p.lanes as usize]; depth];
        for (unit, address, pattern) in loads {
            let pattern = |width: u32| Bits::from_limbs(width, pattern.limbs());
            if let Some(words) = words.get_mut(unit) {
                let word = Word::of(&cluster, &pattern(word_bits));
                words.load(address % (1 << bits(p.words)), word);
            } else if let Some(bias) = biases[address % depth].get_mut(unit - words.len()) {
                *bias = pattern(sum_bits).signed();
            }
        }
        let layers: Vec<_> = settings.layers.iter().map(|layer| layer.cluster).collect();
        let of_layers = settings.layers.iter().map(|layer| layer.path.clone()).collect();
        Engine {
            lanes: p.lanes as usize,
            activation_bits: p.activation_bits,
            sum_bits,
            path: Steps::new(&p.path(), of_layers, settings.bonus),
            masked: vec![false; settings.layers.len()],
            sums: Sums::new(&cluster, &layers, words),
            biases,
            settings: settings.clone(),
        }
    }

    /// What is set counts from the next step on; weights and what is known of vectors stay.
    pub fn set(&mut self, settings: &Settings) {
        let of_layers = settings.layers.iter().map(|layer| layer.path.clone()).collect();
        self.path.set(of_layers, settings.bonus);
        self.settings = settings.clone();
    }

    /// A step through all layers: the vector of each on its way, and the accumulators of the final
    /// one.
    pub fn step(&mut self, step: &Step) -> (Vec<Vector>, Vec<i64>) {
        let mut values = step.values.clone();
        let mut vectors = Vec::with_capacity(self.settings.final_layer + 1);
        let mut accumulators = vec![];
        for layer in 0..=self.settings.final_layer {
            let of_layer = &self.settings.layers[layer];
            let masks = of_layer.mode == MASK && of_layer.masks_weights();
            let was_masked = std::mem::replace(&mut self.masked[layer], masks);
            let mode = match was_masked && of_layer.mode >= DELTA && !step.new_sequence {
                true => DENSE,
                false => of_layer.mode,
            };
            let found = self.path.next(layer, mode, step.new_sequence, &values);
            let fresh = step.new_sequence || mode < DELTA;
            let threshold = if masks { of_layer.weight_thresholds[found.level] } else { 0 };
            if fresh {
                self.sums.clear(layer);
            }
            self.sums.add(layer, &found.survivors, threshold);
            vectors.push(Vector {
                fresh,
                beats: values.len().div_ceil(self.lanes),
                survivors: found.survivors,
                level: found.level,
                weight_threshold: threshold,
                band: found.band,
            });
            self.accumulate(layer, &mut accumulators);
            if layer == self.settings.final_layer {
                return (vectors, accumulators);
            }
            let requantiser = &self.settings.layers[layer].requantiser;
            let count = accumulators.len() - requantiser.empty as usize;
            let elements = accumulators[..count].iter();
            values.clear();
            values.extend(elements.map(|&sum| requantiser.element(sum, self.activation_bits)));
        }
        unreachable!("the final layer is one of them")
    }

    /// Reads the accumulators of a layer, beat by beat.
    fn accumulate(&self, layer: usize, accumulators: &mut Vec<i64>) {
        let Layer { cluster, requantiser, .. } = &self.settings.layers[layer];
        accumulators.clear();
        for beat in 0..cluster.beats {
            let biases = &self.biases[(requantiser.bias_base + beat) & (self.biases.len() - 1)];
            let sums = self.sums.beat(layer, beat).iter().zip(biases);
            let biased = sums.map(|(sum, bias)| wrapped(sum.wrapping_add(*bias), self.sum_bits));
            accumulators.extend(biased);
        }
    }
}

pub(super) fn run(p: &LayerEngineParameters, stimulus: &Stimulus) -> Response {
    let settings = Settings::of(p, &stimulus.held);
    let [loads, beats] = &stimulus.inputs[..] else { unreachable!("there are two streams") };
    let steps = steps(p, beats);
    let words = loads
        .iter()
        .map(|load| (load[0].unsigned() as usize, load[1].unsigned() as usize, &load[2]));
    let mut engine = Engine::new(p, &settings, words);
    let mut outputs = vec![];
    let vectors = steps.iter().map(|step| {
        let (vectors, accumulators) = engine.step(step);
        outputs.push(accumulators);
        vectors
    });
    let schedule = super::clock::run(p, &settings, vectors, loads.len() as u64);
    let mut cycles = schedule.out.into_iter();
    let mut emitted = vec![];
    for (step, accumulators) in steps.iter().zip(outputs) {
        let beats = accumulators.chunks(p.lanes as usize);
        let count = beats.len();
        for (number, sums) in beats.enumerate() {
            let is_last = number + 1 == count;
            let sums: Vec<Bits> = sums.iter().map(|&sum| Bits::new(engine.sum_bits, sum)).collect();
            let mut beat = vec![Bits::concat(&sums)];
            if p.lanes > 1 {
                let empty = settings.layers[settings.final_layer].requantiser.empty;
                beat.push(Bits::new(bits(p.lanes), if is_last { empty } else { 0 }));
            }
            beat.push(Bits::new(1, is_last));
            let cause = Cause { channel: 1, beat: step.last };
            let cycle = cycles.next().expect("each beat has its cycle");
            emitted.push(Emitted { beat, cycle, cause });
        }
    }
    let accepted = vec![(0..loads.len() as u64).collect(), schedule.accepted];
    Response { accepted, emitted: vec![emitted], capacity: vec![] }
}
