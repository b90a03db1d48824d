//! From a network to the words, biases and settings of a layer engine.
//!
//! # Where weights stand
//!
//! A layer of `outputs` takes 2^spread beats to a row, the fewest with which 16 rows are enough, so
//! its outputs form lanes · 2^spread groups: output o is of row o / groups, and of group o modulo
//! groups; see [`layer_engine`](crate::blocks::engine::layer_engine) for who has which group. Where
//! several elements share a group, the words of its weights are dealt out to them in turns. Every
//! column of a layer takes as many words as the one that needs most.

use crate::blocks::engine::layer_engine::{GROUP, Layer, LayerEngineParameters, Settings};
use crate::blocks::engine::pe_cluster::{self, Word};
use crate::blocks::engine::requantiser;
use crate::blocks::temporal::temporal_path::LayerSettings;
use crate::config::Diagnostic;
use crate::model::{Beat, Bits, Field, Shape, Stimulus};
use crate::workload::network::{self, Activation, Network};

/// A word of weights, or a bias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The processing element, or, behind all of them, the lane of a bias.
    pub unit: usize,
    /// Where it goes.
    pub address: usize,
    /// The pattern.
    pub word: Bits,
}

/// What a layer engine is given for a network.
#[derive(Clone, Debug)]
pub struct Program {
    /// Words and biases, in the order in which they go in.
    pub loads: Vec<Load>,
    /// What stands in its registers.
    pub(crate) settings: Settings,
    /// Of each layer, level of sparsity and column, the stored weights of real outputs that are neither
    /// zero nor left out.
    pub stored: Vec<Vec<Vec<usize>>>,
}

impl Program {
    /// The program of a network.
    ///
    /// # Errors
    /// Each limit of the engine that the network exceeds, with what works.
    pub fn new(p: &LayerEngineParameters, network: &Network) -> Result<Program, Vec<Diagnostic>> {
        let limits = limits(p, network);
        if !limits.is_empty() {
            return Err(limits);
        }
        let mut program = Program { loads: vec![], settings: Settings::default(), stored: vec![] };
        let (mut base, mut bias_base) = (0, 0);
        for layer in &network.layers {
            let placed = Placed::new(p, layer);
            let settings = placed.settings(p, layer, base, bias_base);
            placed.load(p, base, &mut program.loads);
            for (output, &bias) in layer.bias.iter().enumerate() {
                let lanes = p.lanes as usize;
                let unit = (p.clusters * p.elements) as usize + output % lanes;
                let width = pe_cluster::sum_bits(&p.cluster());
                let word = Bits::new(width, bias);
                program.loads.push(Load { unit, address: bias_base + output / lanes, word });
            }
            base += layer.inputs * placed.stride;
            bias_base += settings.cluster.beats;
            let of_level = |level| {
                let least = layer.control.weight_threshold(level);
                (0..layer.inputs).map(|input| layer.stored(input, least)).collect()
            };
            program.stored.push((0..layer.control.levels.len()).map(of_level).collect());
            program.settings.layers.push(settings);
        }
        if base > p.words as usize {
            let message = format!("the weights take {base} words of a processing element");
            let help = format!("use words = {base} or more in the engine, or a smaller network");
            return Err(vec![limit(message, format!("words = {}", p.words), help)]);
        }
        program.settings.final_layer = network.layers.len() - 1;
        program.settings.bonus = network.layers[0].control.bonus.into();
        program.settings.layers.resize(p.layers as usize, idle_layer(p));
        Ok(program)
    }
}

impl Program {
    /// What goes into the engine, which has this shape, for sequences that follow each other.
    pub fn stimulus(
        &self,
        p: &LayerEngineParameters,
        shape: &Shape,
        sequences: &[Vec<Vec<i8>>],
    ) -> Stimulus {
        let width = |field: usize| shape.inputs[0].fields[field].width;
        let count = self.loads.len();
        let load = |(number, load): (usize, &Load)| -> Beat {
            vec![
                Bits::new(width(0), load.unit as u64),
                Bits::new(width(1), load.address as u64),
                Bits::from_limbs(width(2), load.word.limbs()),
                Bits::new(1, number + 1 == count),
            ]
        };
        let loads = self.loads.iter().enumerate().map(load).collect();
        let vectors = sequences.iter().flat_map(|sequence| sequence.iter().enumerate());
        let vectors = vectors.flat_map(|(number, vector)| beats(p, shape, number == 0, vector));
        let held = shape.held.iter().map(|field| self.settings.port(p, field)).collect();
        Stimulus { inputs: vec![loads, vectors.collect()], held }
    }
}

/// The beats of a vector.
fn beats(p: &LayerEngineParameters, shape: &Shape, new_sequence: bool, vector: &[i8]) -> Vec<Beat> {
    let chunks = vector.chunks(p.lanes as usize);
    let last = chunks.len() - 1;
    let beat = |(number, chunk): (usize, &[i8])| -> Beat {
        let lane =
            |lane: usize| Bits::new(p.activation_bits, chunk.get(lane).copied().unwrap_or(0));
        let data = Bits::concat(&(0..p.lanes as usize).map(lane).collect::<Vec<_>>());
        let field = |field: &Field| match field.name.as_str() {
            "data" => data.clone(),
            "new_sequence" => Bits::new(1, new_sequence),
            "empty" => Bits::new(field.width, (p.lanes as usize - chunk.len()) as u64),
            _ => Bits::new(1, number == last),
        };
        shape.inputs[1].fields.iter().map(field).collect()
    };
    chunks.enumerate().map(beat).collect()
}

/// A layer that no vector reaches.
fn idle_layer(p: &LayerEngineParameters) -> Layer {
    let path = LayerSettings {
        thresholds: vec![0; p.bands as usize - 1],
        keeps: vec![0; p.bands as usize],
        score_thresholds: vec![0; p.bands as usize],
        ..LayerSettings::default()
    };
    let cluster = pe_cluster::Layer { beats: 1, ..pe_cluster::Layer::default() };
    Layer { path, cluster, weight_thresholds: vec![0; p.bands as usize], ..Layer::default() }
}

fn limit(message: String, note: String, help: String) -> Diagnostic {
    Diagnostic { code: "E0601", message, place: None, note, help: Some(help) }
}

/// What of the network the engine has no room or no hardware for.
fn limits(p: &LayerEngineParameters, network: &Network) -> Vec<Diagnostic> {
    let mut found = vec![];
    let mut refuse = |message: String, note: String, help: String| {
        found.push(limit(message, note, help));
    };
    let count = network.layers.len();
    if count > p.layers as usize {
        let help = format!("use layers = {count} in the engine");
        refuse(format!("the network has {count} layers"), format!("layers = {}", p.layers), help);
    }
    let metrics = p.path().metric_codes();
    for (number, layer) in network.layers.iter().enumerate() {
        let control = &layer.control;
        let widest = layer.inputs.max(layer.outputs);
        if widest > p.longest as usize {
            let message = format!("layer {number} has {widest} inputs or outputs");
            let help = format!("use longest = {widest} in the engine");
            refuse(message, format!("longest = {}", p.longest), help);
        }
        if !(p.narrowest..=p.widest).contains(&layer.precision) || layer.reference > p.reference {
            let (precision, reference) = (layer.precision, layer.reference);
            let message =
                format!("layer {number} has weights of {precision} bits, scaled to {reference}");
            let has = format!(
                "narrowest = {}, widest = {}, reference = {}",
                p.narrowest, p.widest, p.reference
            );
            refuse(message, has, "build the engine for them".into());
        }
        if control.levels.len() != p.bands as usize {
            let levels = control.levels.len();
            let message = format!("layer {number} has {levels} levels");
            refuse(message, format!("bands = {}", p.bands), format!("use bands = {levels}"));
        }
        if control.first_keep != GROUP as usize {
            let message = format!("layer {number} keeps {} in a first step", control.first_keep);
            refuse(message, "the engine keeps all".into(), format!("use first_keep = {GROUP}"));
        }
        if control.bonus != network.layers[0].control.bonus {
            let message = format!("layer {number} has a bonus of its own");
            refuse(message, "the engine has one for all".into(), "use one bonus".into());
        }
        if !metrics.iter().any(|(name, _)| *name == control.metric.to_string()) {
            let message = format!("layer {number} is compared by {}", control.metric);
            let help = format!("set {} = true in the engine", control.metric);
            refuse(message, "the engine has no such metric".into(), help);
        }
    }
    found
}

/// Where the weights of a layer stand.
struct Placed {
    spread: u32,
    stride: usize,
    /// Of each column, the words of each processing element.
    columns: Vec<Vec<Vec<Bits>>>,
}

impl Placed {
    fn new(p: &LayerEngineParameters, layer: &network::Layer) -> Placed {
        let rows = GROUP as usize * p.lanes as usize;
        let spread = layer.outputs.div_ceil(rows).next_power_of_two().ilog2();
        let columns: Vec<Vec<Vec<Bits>>> =
            (0..layer.inputs).map(|input| column(p, layer, spread, input)).collect();
        let stride = columns.iter().flatten().map(Vec::len).max().unwrap_or(0);
        Placed { spread, stride, columns }
    }

    /// The words of all columns, those that are missing as well: what is read has been written.
    fn load(&self, p: &LayerEngineParameters, base: usize, loads: &mut Vec<Load>) {
        let nothing = Word::pattern(&p.cluster(), p.narrowest, 0, 0, &[]);
        for (input, column) in self.columns.iter().enumerate() {
            for (unit, words) in column.iter().enumerate() {
                let words = words.iter().chain(std::iter::repeat(&nothing)).take(self.stride);
                let address = base + input * self.stride;
                loads.extend((address..).zip(words).map(|(address, word)| Load {
                    unit,
                    address,
                    word: word.clone(),
                }));
            }
        }
    }

    fn settings(
        &self,
        p: &LayerEngineParameters,
        layer: &network::Layer,
        base: usize,
        bias_base: usize,
    ) -> Layer {
        let control = &layer.control;
        let beats = layer.outputs.div_ceil(p.lanes as usize);
        let levels = || control.levels.iter();
        let codes = p.path().metric_codes();
        let metric = codes.iter().find(|(name, _)| *name == control.metric.to_string());
        let mut requantised = requantiser::Layer {
            bias_base,
            empty: (beats * p.lanes as usize - layer.outputs) as u64,
            ..requantiser::Layer::default()
        };
        if let Some(to) = &layer.requantisation {
            requantised.multiplier = to.multiplier.into();
            requantised.shift = to.shift;
            requantised.relu = to.activation == Activation::Relu;
        }
        Layer {
            mode: control.mode as u64,
            // No weight is above what a register holds.
            weight_thresholds: levels()
                .map(|level| u64::from(level.weight_threshold).min((1 << p.reference) - 1))
                .collect(),
            path: LayerSettings {
                metric: metric.map_or(0, |(_, code)| *code),
                thresholds: control.coherence.iter().map(|&t| t.into()).collect(),
                hysteresis: control.hysteresis.into(),
                keeps: levels().map(|level| level.keep as u64).collect(),
                score_thresholds: levels().map(|level| level.threshold.into()).collect(),
                dwell: control.dwell,
                ordered: None,
            },
            cluster: pe_cluster::Layer { base, stride: self.stride, beats, spread: self.spread },
            requantiser: requantised,
        }
    }
}

/// The words of a column, for each processing element.
fn column(
    p: &LayerEngineParameters,
    layer: &network::Layer,
    spread: u32,
    input: usize,
) -> Vec<Vec<Bits>> {
    let (lanes, elements) = (p.sum_lanes() as usize, p.elements as usize);
    let groups = (p.lanes as usize) << spread;
    let of_cluster = groups / p.clusters as usize;
    let mut words = vec![vec![]; elements * p.clusters as usize];
    for group in 0..groups {
        // Lane, cluster and beat of the row, from the lowest digits of the output's number.
        let (lane, cluster) = (group % lanes, group / lanes % p.clusters as usize);
        let beat = group / lanes / p.clusters as usize;
        let here = beat * lanes + lane;
        let (first, count, pass) = match of_cluster > elements {
            true => (here % elements, 1, here / elements),
            false => (here * (elements / of_cluster), elements / of_cluster, 0),
        };
        let first = cluster * elements + first;
        for (number, unit) in units(p, layer, groups, group, pass, input).into_iter().enumerate() {
            words[first + number % count].extend(unit);
        }
    }
    words
}

/// The words of a group's weights, as they have to stay together: bytes of a wide weight do.
fn units(
    p: &LayerEngineParameters,
    layer: &network::Layer,
    groups: usize,
    group: usize,
    pass: usize,
    input: usize,
) -> Vec<Vec<Bits>> {
    let (cluster, precision) = (p.cluster(), layer.precision);
    let of_layer = layer.groups();
    // Weights by their exponents: a word has one for all.
    let mut by_exponent: std::collections::BTreeMap<u32, Vec<(usize, i32)>> = Default::default();
    for output in (group..layer.outputs).step_by(groups) {
        let weight = layer.weights[output * layer.inputs + input];
        let exponent = match &layer.exponents {
            Some(exponents) => exponents[input * of_layer + output % of_layer].into(),
            None => layer.reference - precision,
        };
        if weight != 0 {
            by_exponent.entry(exponent).or_default().push((output / groups, weight));
        }
    }
    let mut units = vec![];
    for (exponent, weights) in by_exponent {
        let word =
            |weights: &[(usize, i32)]| Word::pattern(&cluster, precision, exponent, pass, weights);
        if precision <= 8 {
            units.extend(weights.chunks(8 / precision as usize).map(|weights| vec![word(weights)]));
            continue;
        }
        units.extend(weights.iter().map(|&(row, weight)| {
            (0..precision / 8).map(|byte| word(&[(row, weight >> (8 * byte))])).collect()
        }));
    }
    units
}
