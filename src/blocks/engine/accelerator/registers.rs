//! The registers of the accelerator.

use super::LayerEngineParameters;
use crate::blocks::engine::layer_engine::GROUP;
use crate::blocks::engine::{bits, pe_cluster};
use crate::registers::{BITS, BYTES, Field, FieldKind, Group, Register, RegisterMap, Write};

/// What the register `id` reads as: "LACN" in ASCII, the first letter highest.
pub(crate) const IDENTITY: u32 = u32::from_be_bytes(*b"LACN");

/// Where the registers of layers begin.
const LAYERS: u32 = 0x400;

/// Bytes from those of a layer to those of the next.
const STRIDE: u32 = 0x100;

/// What is set by name: a plain input of the layer engine, and the fields that it consists of, of each
/// layer the first lowest.
pub(crate) const LAYER_INPUTS: [(&str, &str); 19] = [
    ("weight_threshold", "weight_level_N_threshold"),
    ("mode", "policy_mode"),
    ("metric", "policy_metric"),
    ("override", "policy_override"),
    ("override_level", "policy_override_level"),
    ("dwell", "policy_dwell"),
    ("coherence_hysteresis", "hysteresis_value"),
    ("coherence_thresholds", "coherence_N_threshold"),
    ("keep", "level_N_keep"),
    ("score_threshold", "level_N_threshold"),
    ("base", "weights_base"),
    ("stride", "shape_stride"),
    ("beats", "shape_beats"),
    ("spread", "shape_spread"),
    ("bias_base", "bias_base"),
    ("multiplier", "requantise_multiplier"),
    ("shift", "requantise_shift"),
    ("relu", "requantise_relu"),
    ("empty", "requantise_empty"),
];

/// The fields of a plain input of the layer engine, in their order, if there are any of it.
pub(crate) fn fields_of_input(p: &LayerEngineParameters, input: &str) -> Vec<String> {
    let found = LAYER_INPUTS.iter().find(|(name, _)| *name == input);
    let count = if input == "coherence_thresholds" { p.bands - 1 } else { p.bands };
    match found {
        None => vec![],
        Some((_, field)) if field.contains('N') => {
            (0..count).map(|k| field.replace('N', &k.to_string())).collect()
        }
        Some((_, field)) => vec![field.to_string()],
    }
}

fn field(name: &str, low: u32, width: u32, kind: FieldKind, doc: &str) -> Field {
    Field { name: name.into(), doc: doc.into(), low, width, kind }
}

/// Registers in the order of their addresses.
struct Registers(Vec<Register>);

impl Registers {
    fn add(&mut self, offset: u32, name: &str, write: Write, doc: &str, fields: Vec<Field>) {
        let (name, doc) = (name.into(), doc.into());
        self.0.push(Register { name, doc, offset, write, fields });
    }
}

/// The registers of an accelerator.
pub(crate) fn map(p: &LayerEngineParameters) -> RegisterMap {
    let device = Group {
        name: "device".into(),
        doc: "what there is one of".into(),
        base: 0,
        count: 1,
        stride: LAYERS,
        registers: device(p),
    };
    let layer = Group {
        name: "layer".into(),
        doc: "what there is of each layer".into(),
        base: LAYERS,
        count: p.layers,
        stride: STRIDE,
        registers: layer(p),
    };
    RegisterMap {
        name: "accelerator".into(),
        doc: "Runs layers on sequences of vectors, and skips what did not change.".into(),
        groups: vec![device, layer],
    }
}

/// What can happen, in the order of the bits of `event` and `interrupt`.
pub(crate) const EVENTS: [(&str, &str); 5] = [
    ("done", "the results of a packet went out"),
    ("short", "a packet with too few elements was dropped"),
    ("long", "a packet with too many elements was dropped"),
    ("malformed", "a packet whose TKEEP leaves out bytes was dropped"),
    ("refused", "an access was answered with SLVERR"),
];

fn device(p: &LayerEngineParameters) -> Vec<Register> {
    use FieldKind::{Command, Constant, Flag, Setting, Status};
    let layer_bits = bits(p.layers);
    let sizes = [p.lanes, p.clusters, p.elements, p.layers];
    let mut all = Registers(vec![]);
    let identity = field("value", 0, BITS, Constant(IDENTITY), "\"LACN\"");
    all.add(0x00, "id", Write::Never, "which device this is", vec![identity]);
    let of_size = |(number, name): (usize, &str)| {
        let doc = format!("how many {name}");
        field(name, 8 * number as u32, 8, Constant(sizes[number]), &doc)
    };
    let names = ["lanes", "clusters", "elements", "layers"];
    let fields = names.into_iter().enumerate().map(of_size).collect();
    all.add(0x04, "size", Write::Never, "what it consists of", fields);
    let fields = vec![
        field("busy", 0, 1, Status, "packets or layers are under way"),
        field("loading", 1, 1, Status, "`load_end` is to come; no packet goes in before"),
    ];
    all.add(0x08, "status", Write::Never, "what it does", fields);
    let flag =
        |(number, (name, doc)): (usize, &(&str, &str))| field(name, number as u32, 1, Flag, doc);
    let fields = EVENTS.iter().enumerate().map(flag).collect();
    all.add(0x0c, "event", Write::Always, "what happened; a 1 that is written clears", fields);
    let enable = |(number, (name, doc)): (usize, &(&str, &str))| {
        field(name, number as u32, 1, Setting, &format!("interrupt where {doc}"))
    };
    let fields = EVENTS.iter().enumerate().map(enable).collect();
    all.add(0x10, "interrupt", Write::Always, "which events interrupt", fields);
    let fields = vec![field("keep_awake", 0, 1, Setting, "no cluster's clock is stopped")];
    all.add(0x14, "power", Write::Always, "clocks of clusters", fields);
    let fields = vec![
        field("clear", 0, 1, Command, "all counters begin again"),
        field("take", 1, 1, Command, "takes the cycles of a cluster to `active`, `idle`, `gated`"),
        field("cluster", 8, bits(p.clusters), Command, "the cluster of `take`"),
    ];
    all.add(0x18, "order", Write::Always, "what is to be done now", fields);
    let fields = vec![field("elements", 0, bits(p.longest + 1), Setting, "of layer 0's vectors")];
    all.add(0x1c, "packet", Write::AtRest, "what a packet has to be", fields);
    let fields = vec![field("layer", 0, layer_bits, Setting, "the layer whose sums are results")];
    all.add(0x20, "final", Write::AtRest, "where a network ends", fields);
    let doc = "what elements of the mask before have ahead";
    let fields = vec![field("value", 0, p.path().score_width(), Setting, doc)];
    all.add(0x24, "bonus", Write::NextPacket, "how steady masks are", fields);
    let fields = vec![
        field("address", 0, 20, Command, "the word or bias that comes next"),
        field("unit", 20, 12, Command, "its processing element, or behind those its lane"),
    ];
    all.add(0x28, "load", Write::AtRest, "where words go", fields);
    let word = word_bits(p);
    if word > BITS {
        let doc = "bits of the next words from 32 on";
        let fields = vec![field("bits", 0, word - BITS, Setting, doc)];
        all.add(0x2c, "load_high", Write::AtRest, "the upper bits of words", fields);
    }
    let doc = "the word; the address goes on by one";
    let fields = vec![field("bits", 0, word.min(BITS), Command, doc)];
    all.add(0x30, "load_word", Write::AtRest, "a word of weights, or a bias", fields);
    let fields = vec![field("last", 0, 1, Command, "of any value")];
    all.add(0x34, "load_end", Write::AtRest, "everything is loaded", fields);
    let count = |doc: &str| vec![field("count", 0, BITS, Status, doc)];
    for (offset, name, doc) in [
        (0x40, "packets", "packets that went in, since `order.clear`"),
        (0x44, "results", "packets of results that went out, since `order.clear`"),
        (0x48, "firsts", "vectors that there was nothing to compare with"),
        (0x4c, "active", "cycles in which the cluster of `order.take` worked"),
        (0x50, "idle", "cycles in which it ran for nothing"),
        (0x54, "gated", "cycles in which its clock stood still"),
    ] {
        all.add(offset, name, Write::Never, doc, count(doc));
    }
    for band in 0..p.bands {
        let doc = "vectors of this band of coherence, since `order.clear`";
        all.add(0x80 + BYTES * band, &format!("band_{band}"), Write::Never, doc, count(doc));
    }
    all.0
}

/// Bits of what is loaded: words of weights, and biases.
pub(crate) fn word_bits(p: &LayerEngineParameters) -> u32 {
    let cluster = p.cluster();
    pe_cluster::word_bits(&cluster).max(pe_cluster::sum_bits(&cluster))
}

fn layer(p: &LayerEngineParameters) -> Vec<Register> {
    use FieldKind::{Setting, Status};
    let (path, cluster) = (p.path(), p.cluster());
    let (band, threshold) = (bits(p.bands), path.threshold_bits());
    let set = |name, low, width, doc| field(name, low, width, Setting, doc);
    let mut all = Registers(vec![]);
    let mut fields = vec![set("mode", 0, 2, "0 dense, 1 mask, 2 and 3 delta")];
    if path.has_several_metrics() {
        fields.push(set("metric", 4, 3, "code of the metric of coherence"));
    }
    fields.extend([
        set("override", 8, 1, "every vector gets `override_level`"),
        set("override_level", 12, band, "the level that is ordered"),
        set("dwell", 16, 8, "vectors that a level lasts, at least"),
    ]);
    all.add(0x00, "policy", Write::NextPacket, "how vectors are thinned out", fields);
    let fields = vec![set("value", 0, threshold, "what makes thresholds easier or harder to meet")];
    all.add(0x04, "hysteresis", Write::NextPacket, "how steady bands are", fields);
    for k in 0..p.bands - 1 {
        let fields =
            vec![set("threshold", 0, threshold, "from here on a vector is of the next band")];
        let name = format!("coherence_{k}");
        all.add(0x08 + BYTES * k, &name, Write::NextPacket, "threshold of coherence", fields);
    }
    for k in 0..p.bands {
        let fields = vec![
            set("keep", 0, bits(GROUP + 1), "survivors of 16 elements, at most"),
            set("threshold", 8, path.score_width(), "survivors have a higher score"),
        ];
        let name = format!("level_{k}");
        all.add(0x24 + BYTES * k, &name, Write::NextPacket, "a level of sparsity", fields);
    }
    let base = set("base", 0, bits(p.words), "address of the first word");
    all.add(0x50, "weights", Write::AtRest, "words of weights in each element", vec![base]);
    let fields = vec![
        set("stride", 0, bits(cluster.longest_column() + 1), "words of a column"),
        set("beats", 16, bits(cluster.most_beats()), "beats of sums, less one"),
        set("spread", 28, bits(cluster.most_spread() + 1), "beats of a row, as a power of two"),
    ];
    all.add(0x54, "shape", Write::AtRest, "how outputs are laid out", fields);
    let biases = p.requantiser(pe_cluster::sum_bits(&cluster)).biases;
    let base = set("base", 0, bits(biases), "address of the first beat's biases");
    all.add(0x58, "bias", Write::AtRest, "biases in each lane", vec![base]);
    let mut fields = vec![
        set("multiplier", 0, 16, "factor of sums"),
        set("shift", 16, 5, "by how many bits products are shifted to the right"),
        set("relu", 24, 1, "negative elements become 0"),
    ];
    if p.lanes > 1 {
        fields.push(set("empty", 28, bits(p.lanes), "lanes of the last beat without element"));
    }
    all.add(0x5c, "requantise", Write::AtRest, "from sums to the next layer's elements", fields);
    let count = |doc: &str| vec![field("count", 0, BITS, Status, doc)];
    let doc = "vectors that went through, since `order.clear`";
    all.add(0x60, "vectors", Write::Never, doc, count(doc));
    let doc = "products with weights, neither 0 nor masked, since `order.clear`; one for each byte of a weight";
    all.add(0x64, "executed", Write::Never, doc, count(doc));
    for k in 0..p.bands {
        let doc = "weights count in mode mask if their magnitude is above it";
        let fields = vec![set("threshold", 0, p.reference, doc)];
        let name = format!("weight_level_{k}");
        let doc = "weights at a level of sparsity";
        all.add(0x80 + BYTES * k, &name, Write::NextPacket, doc, fields);
    }
    all.0
}
