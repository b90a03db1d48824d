//! What a host writes for a network, and what the accelerator reads in it.

use std::collections::BTreeMap;

use super::registers::{map, word_bits};
use crate::blocks::engine::layer_engine::{Layer, LayerEngineParameters, Settings};
use crate::blocks::engine::{pe_cluster, requantiser};
use crate::blocks::temporal::temporal_path::LayerSettings;
use crate::model::Bits;
use crate::registers::{BITS, Register, RegisterMap};

/// A word of weights or a bias on its way: for whom, to which address, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub unit: u32,
    pub address: u32,
    pub bits: Bits,
}

/// A write of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub address: u32,
    pub data: u32,
}

/// A register in the making.
struct Filled<'a> {
    address: u32,
    register: &'a Register,
    data: u32,
}

/// The writes of registers, one field after the other.
struct Writes<'a> {
    map: &'a RegisterMap,
    filled: Vec<Filled<'a>>,
}

impl Writes<'_> {
    fn put(&mut self, (group, index): (&str, usize), register: &str, field: &str, value: u64) {
        let address = self.map.address(group, index as u32, register);
        if self.filled.last().is_none_or(|last| last.address != address) {
            let (_, register) = self.map.register(group, register);
            self.filled.push(Filled { address, register, data: 0 });
        }
        let last = self.filled.last_mut().expect("one was added if there was none");
        last.data |= last.register.field(field).put(value as u32);
    }

    fn all(self) -> Vec<Write> {
        let write = |one: Filled<'_>| Write { address: one.address, data: one.data };
        self.filled.into_iter().map(write).collect()
    }
}

/// The writes of a network's settings, whose vectors have so many elements.
pub(crate) fn settings(
    p: &LayerEngineParameters,
    settings: &Settings,
    elements: usize,
) -> Vec<Write> {
    let map = map(p);
    let mut writes = Writes { map: &map, filled: vec![] };
    writes.put(("device", 0), "packet", "elements", elements as u64);
    writes.put(("device", 0), "final", "layer", settings.final_layer as u64);
    for (l, layer) in settings.layers.iter().enumerate() {
        describe(p, &mut writes, l, layer);
    }
    let mut writes = writes.all();
    writes.extend(policy(p, settings));
    writes
}

/// The writes of what decides how vectors are thinned out.
pub(crate) fn policy(p: &LayerEngineParameters, settings: &Settings) -> Vec<Write> {
    let map = map(p);
    let mut writes = Writes { map: &map, filled: vec![] };
    writes.put(("device", 0), "bonus", "value", settings.bonus);
    for (l, Layer { mode, path, weight_thresholds, .. }) in settings.layers.iter().enumerate() {
        let mut put =
            |register: &str, field, value| writes.put(("layer", l), register, field, value);
        put("policy", "mode", *mode);
        if p.path().has_several_metrics() {
            put("policy", "metric", path.metric);
        }
        put("policy", "override", path.ordered.is_some().into());
        put("policy", "override_level", path.ordered.unwrap_or(0) as u64);
        put("policy", "dwell", path.dwell.into());
        put("hysteresis", "value", path.hysteresis);
        for (k, &threshold) in path.thresholds.iter().enumerate() {
            put(&format!("coherence_{k}"), "threshold", threshold);
        }
        for (k, (&keep, &threshold)) in path.keeps.iter().zip(&path.score_thresholds).enumerate() {
            put(&format!("level_{k}"), "keep", keep);
            put(&format!("level_{k}"), "threshold", threshold);
        }
        for (k, &threshold) in weight_thresholds.iter().enumerate() {
            put(&format!("weight_level_{k}"), "threshold", threshold);
        }
    }
    writes.all()
}

fn describe(p: &LayerEngineParameters, writes: &mut Writes<'_>, l: usize, layer: &Layer) {
    let Layer { cluster, requantiser, .. } = layer;
    let mut put = |register, field, value| writes.put(("layer", l), register, field, value);
    put("weights", "base", cluster.base as u64);
    put("shape", "stride", cluster.stride as u64);
    put("shape", "beats", cluster.beats as u64 - 1);
    put("shape", "spread", cluster.spread.into());
    put("bias", "base", requantiser.bias_base as u64);
    put("requantise", "multiplier", requantiser.multiplier as u64);
    put("requantise", "shift", requantiser.shift.into());
    put("requantise", "relu", requantiser.relu.into());
    if p.lanes > 1 {
        put("requantise", "empty", requantiser.empty);
    }
}

/// The writes of words, in their order, and of their end.
pub(crate) fn load(p: &LayerEngineParameters, words: &[Word]) -> Vec<Write> {
    let map = map(p);
    let write = |register: &str, field: &str, value: u32| {
        let (_, found) = map.register("device", register);
        Write { address: map.address("device", 0, register), data: found.field(field).put(value) }
    };
    let mut writes = vec![];
    let (mut next, mut high) = (None, None);
    for word in words {
        if next != Some((word.unit, word.address)) {
            let mut at = write("load", "address", word.address);
            at.data |= write("load", "unit", word.unit).data;
            writes.push(at);
        }
        next = Some((word.unit, word.address + 1));
        let width = word_bits(p);
        let bits = Bits::from_limbs(width, word.bits.limbs());
        if width > BITS {
            let upper = bits.slice(BITS, width - BITS).unsigned() as u32;
            if high.replace(upper) != Some(upper) {
                writes.push(write("load_high", "bits", upper));
            }
        }
        let low = bits.slice(0, width.min(BITS)).unsigned() as u32;
        writes.push(write("load_word", "bits", low));
    }
    writes.push(write("load_end", "last", 1));
    writes
}

/// The registers of an accelerator, as writes leave them.
#[derive(Clone, Debug)]
pub(crate) struct Registers {
    p: LayerEngineParameters,
    pub map: RegisterMap,
    /// What was written, by address.
    written: BTreeMap<u32, u32>,
    /// What was loaded since the last reset.
    pub words: Vec<Word>,
    next: (u32, u32),
    /// Whether more is to be loaded before packets go in.
    pub loading: bool,
}

impl Registers {
    /// As a reset leaves them.
    pub fn new(p: &LayerEngineParameters) -> Registers {
        Registers {
            p: p.clone(),
            map: map(p),
            written: BTreeMap::new(),
            words: vec![],
            next: (0, 0),
            loading: true,
        }
    }

    /// A write of a register that may be written now.
    pub fn write(&mut self, Write { address, data }: Write) {
        let Some(found) = self.map.find(address) else { return };
        let field = |name: &str| found.register.field(name).of(data);
        match found.register.name.as_str() {
            "load" => self.next = (field("unit"), field("address")),
            "load_word" => {
                let (unit, address) = self.next;
                let low = Bits::new(word_bits(&self.p).min(BITS), field("bits"));
                let bits = match word_bits(&self.p).checked_sub(BITS) {
                    Some(more @ 1..) => {
                        Bits::concat(&[low, Bits::new(more, self.read("device", 0, "load_high"))])
                    }
                    _ => low,
                };
                self.words.push(Word { unit, address, bits });
                self.next = (unit, address + 1);
                self.loading = true;
            }
            "load_end" => self.loading = false,
            _ => drop(self.written.insert(address & !3, data)),
        }
    }

    /// What the host wrote last into a register.
    pub fn read(&self, group: &str, index: usize, register: &str) -> u32 {
        let address = self.map.address(group, index as u32, register);
        self.written.get(&address).copied().unwrap_or(0)
    }

    fn field(&self, group: &str, index: usize, register: &str, field: &str) -> u64 {
        let (_, found) = self.map.register(group, register);
        found.field(field).of(self.read(group, index, register)).into()
    }

    /// Elements of a packet.
    pub fn elements(&self) -> u32 {
        self.field("device", 0, "packet", "elements") as u32
    }

    /// The settings of the layer engine.
    pub fn settings(&self) -> Settings {
        Settings {
            bonus: self.field("device", 0, "bonus", "value"),
            final_layer: self.field("device", 0, "final", "layer") as usize,
            layers: (0..self.p.layers as usize).map(|l| self.layer(l)).collect(),
        }
    }

    fn layer(&self, l: usize) -> Layer {
        let p = &self.p;
        let field = |register: &str, field: &str| self.field("layer", l, register, field);
        let of_levels = |register: &str, name: &str| {
            (0..p.bands).map(|k| field(&format!("{register}_{k}"), name)).collect::<Vec<u64>>()
        };
        let ordered = field("policy", "override_level").min(u64::from(p.bands) - 1) as usize;
        let several = p.path().has_several_metrics();
        let thresholds = (0..p.bands - 1).map(|k| field(&format!("coherence_{k}"), "threshold"));
        Layer {
            mode: field("policy", "mode"),
            weight_thresholds: of_levels("weight_level", "threshold"),
            path: LayerSettings {
                metric: if several { field("policy", "metric") } else { 0 },
                thresholds: thresholds.collect(),
                hysteresis: field("hysteresis", "value"),
                keeps: of_levels("level", "keep"),
                score_thresholds: of_levels("level", "threshold"),
                dwell: field("policy", "dwell") as u32,
                ordered: (field("policy", "override") == 1).then_some(ordered),
            },
            cluster: pe_cluster::Layer {
                base: field("weights", "base") as usize,
                stride: field("shape", "stride") as usize,
                beats: field("shape", "beats") as usize + 1,
                spread: field("shape", "spread") as u32,
            },
            requantiser: requantiser::Layer {
                bias_base: field("bias", "base") as usize,
                multiplier: field("requantise", "multiplier") as i64,
                shift: field("requantise", "shift") as u32,
                relu: field("requantise", "relu") == 1,
                empty: if p.lanes > 1 { field("requantise", "empty") } else { 0 },
            },
        }
    }

    /// For each address, how many weights whose magnitude is above a threshold the words of all
    /// elements have there; of one of more than 8 bits, each byte counts.
    pub fn products(&self, threshold: u64) -> BTreeMap<u32, u32> {
        let cluster = self.p.cluster();
        let width = pe_cluster::word_bits(&cluster);
        let units = self.p.clusters * self.p.elements;
        let latest: BTreeMap<(u32, u32), &Bits> =
            self.words.iter().map(|word| ((word.address, word.unit), &word.bits)).collect();
        let mut products = BTreeMap::new();
        for (&(address, _), bits) in latest.iter().filter(|((_, unit), _)| *unit < units) {
            let word = pe_cluster::Word::of(&cluster, &bits.slice(0, width));
            *products.entry(address).or_insert(0) += word.products(threshold);
        }
        products
    }

    /// What was loaded, as the layer engine's model takes it.
    pub fn loads(&self) -> impl Iterator<Item = (usize, usize, &Bits)> {
        self.words.iter().map(|word| (word.unit as usize, word.address as usize, &word.bits))
    }
}
