//! The hardware of the cluster of processing elements.

use std::sync::Arc;

use super::properties::{self, Of};
use super::{PeCluster, PeClusterParameters, ROW_BITS, SLOT};
use crate::blocks::Block;
use crate::blocks::engine::{of_layer, rest};
use crate::blocks::precision::vp_mac::{self, VpMac};
use crate::config::{Parameters, Tech};
use crate::hdl::{
    Array, Errors, Expr, Module, ModuleBuilder, Signal, StreamIn, StreamOut, Type, bit, concat,
    index_width, pack, sint, uint,
};

/// Codes of what a multiply-accumulate does.
const ADD: u32 = 0;
const CLEAR: u32 = 3;

/// The parts of a word, from its lowest bit.
fn word_parts(p: &PeClusterParameters) -> [(&'static str, u32); 5] {
    [
        ("weights", SLOT),
        ("rows", ROW_BITS * p.places()),
        ("pass", p.passes.ilog2()),
        ("exponent", index_width(p.reference - p.narrowest + 1)),
        ("precision", 3),
    ]
}

/// What a word consists of, for people.
pub(crate) fn word_in_words(p: &PeClusterParameters) -> String {
    let what = |part: &str| match part {
        "weights" => "of weights".to_string(),
        "rows" => {
            format!("with the row of each weight that begins at a multiple of {}", p.narrowest)
        }
        "pass" => "with the pass".to_string(),
        "exponent" => "with the exponent e: a weight w stands for w * 2^e".to_string(),
        _ => "with the precision: 0 for weights of 2 bits, 1 for 4, 2 for 8, 3 for 16, 4 for 32"
            .into(),
    };
    let parts = word_parts(p).into_iter().filter(|(_, bits)| *bits > 0);
    let parts: Vec<String> = parts.map(|(part, bits)| format!("{bits} {}", what(part))).collect();
    format!("A word of weights has, from its lowest bit, {}.", parts.join("; "))
}

/// A word of weights.
pub(crate) fn word_type(p: &PeClusterParameters) -> Type {
    uint(word_parts(p).iter().map(|(_, bits)| bits).sum())
}

/// A sum.
pub(crate) fn sum_type(p: &PeClusterParameters) -> Type {
    vp_mac::sum_type(&p.mac())
}

/// The layer of a beat.
fn layer_type(p: &PeClusterParameters) -> Type {
    uint(index_width(p.layers))
}

/// A processing element.
fn element(name: &str, p: &PeClusterParameters, tech: &Tech) -> Result<Arc<Module>, Errors> {
    let mac = VpMac::elaborate(&format!("{name}_mac"), &p.mac(), tech)?;
    let m = ModuleBuilder::new(format!("{name}_element"));
    m.doc("A processing element: weights, and the sums of what they are multiplied by.");
    let address = uint(index_width(p.words));
    let write = m.input("write_i", bit());
    let write_address = m.input("write_address_i", address);
    let write_word = m.input("write_word_i", word_type(p));
    let read = m.input_doc("read_i", bit(), "takes the word that is worked with next");
    let read_address = m.input("read_address_i", address);
    let work = m.input_doc("work_i", bit(), "adds the products of the word");
    let clear = m.input_doc("clear_i", bit(), "sets the layer's sums to 0 instead");
    let layer = m.input("layer_i", layer_type(p));
    let value = m.input_doc("value_i", sint(p.activation_bits), "what weights are multiplied by");
    let threshold = m.input("weight_threshold_i", uint(p.reference));
    let peek = m.input_doc("peek_i", bit(), "takes the sum of a row");
    let peek_row = m.input("peek_row_i", uint(index_width(p.mac().depth)));

    let weights = m.memory("weights", p.words, word_type(p));
    weights.write(write_address, write_word, write);
    let word = weights.read("word", read_address, read);
    let mut low = 0;
    let parts = word_parts(p).map(|(part, bits)| {
        low += bits;
        (bits > 0).then(|| word.slice(low - bits, bits).named(&format!("word_{part}")))
    });
    let [Some(slot), Some(rows), pass, Some(exponent), Some(precision)] = parts else {
        unreachable!("only the pass may be of no bits")
    };
    let rows = rows.elements(uint(ROW_BITS)).into_iter().map(|row| {
        let parts: Vec<Expr> = [layer].into_iter().chain(pass).chain([row]).collect();
        concat(&m, &parts)
    });
    let rows: Vec<Expr> = rows.collect();
    let enable = weight_mask(&m, p, slot, precision, threshold.shift_right(exponent));

    let products = m.output("products_o", products_type(p)).doc("weights of the word that count");
    products.set(enable.count_ones().wrap(products_type(p)));

    let mac = m.instance("mac", &mac);
    mac.connect("in_valid_i", work);
    mac.connect("in_operation_i", clear.mux(CLEAR, ADD).wrap(uint(2)).named("operation"));
    mac.connect("in_activation_i", value).connect("in_weights_i", slot);
    mac.connect("in_precision_i", precision).connect("in_exponent_i", exponent);
    mac.connect("in_enable_i", enable).connect("in_row_i", pack(&m, &rows));
    mac.connect("in_value_i", m.constant(0, sum_type(p)));
    mac.connect("out_ready_i", m.constant(1, bit()));
    for port in ["in_ready_o", "out_valid_o", "out_sums_o"] {
        m.discard(mac.output(port));
    }
    mac.connect("peek_row_i", peek_row);
    let banks = mac.output("peek_sums_o").elements(sum_type(p));
    let sum = m.register("sum", sum_type(p));
    m.when(peek, || sum.set(total(&banks, sum_type(p))));
    m.output("sum_o", sum_type(p)).set(sum);
    m.finish()
}

/// Weights of a word, at most.
fn products_type(p: &PeClusterParameters) -> Type {
    uint(index_width(p.places() + 1))
}

/// Bits of the products of all elements in a cycle.
pub(crate) fn products_bits(p: &PeClusterParameters) -> u32 {
    index_width(p.places() * p.elements + 1)
}

/// For each place of a word whether a weight begins there that counts: one of more than 8 bits, whatever
/// the byte is, or one whose magnitude, which stands for more by the exponent, is above `cut`.
fn weight_mask<'m>(
    m: &'m ModuleBuilder,
    p: &PeClusterParameters,
    slot: Expr<'m>,
    precision: Expr<'m>,
    cut: Expr<'m>,
) -> Expr<'m> {
    let cut = cut.named("cut");
    // Of each tag of a precision, what it makes of a place.
    let widths = || (0..p.widest.ilog2()).map(|tag| 2_u32 << tag);
    let none = || m.constant(0, sint(SLOT));
    let counts = |place: u32| {
        let low = place * p.narrowest;
        let begins = |width: u32| width >= p.narrowest && low.is_multiple_of(width.min(SLOT));
        let weight = |width: u32| match begins(width) && width <= SLOT {
            true => slot.slice(low, width).as_signed().wrap(sint(SLOT)),
            false => none(),
        };
        let weights: Vec<Expr> = widths().map(weight).collect();
        let weight = precision.select(&weights).wrap(sint(SLOT)).named(&format!("weight_{place}"));
        let magnitude = weight.lt(0).mux(-weight, weight).wrap(uint(SLOT));
        let above = magnitude.named(&format!("magnitude_{place}")).gt(cut);
        // A wide weight begins where one of 8 bits does.
        match low == 0 && p.widest > SLOT {
            true => above | (precision.gt(SLOT.ilog2() - 1) & precision.lt(p.widest.ilog2())),
            false => above,
        }
    };
    let counts: Vec<Expr> = (0..p.places()).map(counts).collect();
    pack(m, &counts).named("weight_mask")
}

/// The sum of several, modulo what the type holds.
fn total<'m>(terms: &[Expr<'m>], ty: Type) -> Expr<'m> {
    match terms {
        [term] => *term,
        terms => {
            let (low, high) = terms.split_at(terms.len() / 2);
            (total(low, ty) + total(high, ty)).wrap(ty)
        }
    }
}

/// What is known of each layer.
struct Settings<'m> {
    base: Expr<'m>,
    stride: Expr<'m>,
    beats: Expr<'m>,
    spread: Expr<'m>,
}

impl<'m> Settings<'m> {
    fn new(m: &'m ModuleBuilder, p: &PeClusterParameters) -> Settings<'m> {
        let input = |name: &str, ty: Type, doc: &str| {
            m.input_doc(name, uint(p.layers * ty.width), &format!("{doc}, of each layer"))
        };
        Settings {
            base: input("base_i", address_type(p), "address of the first word of weights"),
            stride: input("stride_i", stride_type(p), "words of a column"),
            beats: input("beats_i", beats_type(p), "beats of sums, less one"),
            spread: input("spread_i", spread_type(p), "beats of a row, as a power of two"),
        }
    }
}

fn address_type(p: &PeClusterParameters) -> Type {
    uint(index_width(p.words))
}

fn stride_type(p: &PeClusterParameters) -> Type {
    uint(index_width(p.longest_column() + 1))
}

fn beats_type(p: &PeClusterParameters) -> Type {
    uint(index_width(p.most_beats()))
}

fn spread_type(p: &PeClusterParameters) -> Type {
    uint(index_width(p.most_spread() + 1))
}

pub(super) fn describe(
    name: &str,
    p: &PeClusterParameters,
    tech: &Tech,
) -> Result<Arc<Module>, Errors> {
    let element = element(name, p, tech)?;
    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "{}\n\n\
         Words of weights go in first, up to one with `load_last_i`. Each survivor then takes a cycle \
         for each word of its column, in all elements at once. After the last one of a vector its \
         layer's sums come out, while survivors of other layers are worked on.\n\n\
         {}\n\
         The words of column c of a layer stand at `base_i` + c * `stride_i` and behind.",
        PeCluster::SUMMARY,
        word_in_words(p)
    ));
    for (name, value) in p.to_values().iter() {
        m.parameter(name, value);
    }
    let load = m.stream_in(
        "load",
        &[
            ("address", address_type(p)),
            ("element", uint(index_width(p.elements + 1))),
            ("word", word_type(p)),
            ("last", bit()),
        ],
    );
    m.stream_doc("load", "words of weights");
    let input = m.stream_in(
        "in",
        &[
            ("value", sint(p.activation_bits)),
            ("column", uint(index_width(p.longest))),
            ("count", bit()),
            ("layer", layer_type(p)),
            ("fresh", bit()),
            ("tag", bit()),
            ("weight_threshold", uint(p.reference)),
            ("last", bit()),
        ],
    );
    m.stream_doc("in", "survivors of vectors");
    let sums = uint(p.lanes * sum_type(p).width);
    let output = m.stream_out(
        "out",
        &[("sums", sums), ("layer", layer_type(p)), ("tag", bit()), ("last", bit())],
    );
    m.stream_doc("out", "sums of a vector's layer");
    let settings = Settings::new(&m, p);

    let elements = m.array("element", &[("element", p.elements)], &element);
    let reader = Reader::new(&m, p);
    let issue = Issue::new(&m, p, &input, &settings, &reader);
    let peek = reader.read(&m, p, &settings, &issue, &output);
    let sends = (issue.ends_now | reader.busy | output.valid).named("sends");
    m.output("sends_o", bit()).doc("whether sums are on their way out").set(sends);
    let busy = (issue.busy | issue.works | sends).named("is_busy");
    let now = Of { valid: issue.works, layer: issue.layer_now };
    let next = Of { valid: issue.busy.expr(), layer: issue.layer };
    let ends = Of { valid: issue.ends_now, layer: issue.layer_now };
    let read = Of { valid: reader.busy.expr(), layer: reader.layer.expr() };
    properties::layers(&m, next, now, ends, read);
    let Settings { base, stride, beats, spread } = settings;
    rest(&m, &[base, stride, beats, spread], busy);
    m.output("busy_o", bit()).doc("whether anything is inside").set(busy);
    // A cycle in which elements work is one in which the clock runs, so each word counts once.
    let ty = uint(products_bits(p));
    let of_each: Vec<Expr> =
        elements.outputs("products_o").into_iter().map(|one| one.wrap(ty)).collect();
    let multiplies = (issue.works & !issue.clears_now).named("multiplies");
    let products = multiplies.mux(total(&of_each, ty), 0).wrap(ty);
    m.output("products_o", ty).doc("products of this cycle with weights that count").set(products);
    let layer = m.output("products_layer_o", layer_type(p)).doc("the layer whose they are");
    layer.set(multiplies.mux(issue.layer_now, 0).wrap(layer_type(p)));
    write_words(&m, p, &load, &elements, &issue, !issue.busy & !sends & !input.valid);
    elements.broadcast("peek_i", peek.0).broadcast("peek_row_i", peek.1);
    for (port, value) in [
        ("read_i", issue.reads),
        ("read_address_i", issue.address),
        ("work_i", issue.works),
        ("clear_i", issue.clears_now),
        ("layer_i", issue.layer_now),
        ("value_i", issue.value_now),
        ("weight_threshold_i", issue.threshold_now),
    ] {
        elements.broadcast(port, value);
    }
    reader.send(&m, p, &settings, &output, &elements);
    m.finish()
}

/// Words go to the memories of their elements.
fn write_words<'m>(
    m: &'m ModuleBuilder,
    p: &PeClusterParameters,
    load: &StreamIn<'m>,
    elements: &Array<'m>,
    issue: &Issue<'m>,
    rests: Expr<'m>,
) {
    let loading = issue.loading;
    load.ready.set(loading | rests);
    let loads = load.fire().named("loads");
    m.when(loads, || loading.set(!load["last"]));
    let writes = |element: u32| loads & load["element"].eq(element);
    let writes: Vec<Expr> = (0..p.elements).map(writes).collect();
    elements.each("write_i", &writes).broadcast("write_address_i", load["address"]);
    elements.broadcast("write_word_i", load["word"]);
}

/// What hands words to the elements: a survivor whose words are read, and behind it the word that is
/// worked with.
struct Issue<'m> {
    loading: Signal<'m>,
    busy: Signal<'m>,
    layer: Expr<'m>,
    address: Expr<'m>,
    reads: Expr<'m>,
    works: Expr<'m>,
    clears_now: Expr<'m>,
    layer_now: Expr<'m>,
    value_now: Expr<'m>,
    tag_now: Expr<'m>,
    threshold_now: Expr<'m>,
    /// The word that is worked with is the last of its vector.
    ends_now: Expr<'m>,
}

impl<'m> Issue<'m> {
    fn new(
        m: &'m ModuleBuilder,
        p: &PeClusterParameters,
        input: &StreamIn<'m>,
        settings: &Settings<'m>,
        reader: &Reader<'m>,
    ) -> Issue<'m> {
        let loading = m.register("loading", bit()).reset(1).doc("words of weights are to come");
        let busy = m.register("busy", bit()).reset(0).doc("a survivor is worked on");
        let begins = m.register("begins", bit()).reset(1).doc("a vector's first beat is next");
        let address = m.register("address", address_type(p));
        let left = m.register("words_left", stride_type(p));
        let clears = m.register("clears", bit()).doc("the layer's sums become 0 first");
        let ends = m.register("ends", bit()).doc("the survivor is the last of its vector");
        let kept = |name: &str, field: &str| m.register(name, input[field].ty());
        let (layer, value, tag) =
            (kept("layer", "layer"), kept("value", "value"), kept("tag", "tag"));
        let threshold = kept("weight_threshold", "weight_threshold");

        let works = m.register("works", bit()).reset(0).doc("elements work on a word, or clear");
        let clears_now = m.register("clears_now", bit());
        let layer_now = kept("layer_now", "layer");
        let value_now = kept("value_now", "value");
        let tag_now = kept("tag_now", "tag");
        let threshold_now = kept("weight_threshold_now", "weight_threshold");
        let ends_now = m.register("ends_now", bit()).reset(0).doc("a vector ends with it");

        let is_final = clears.expr().mux(left.eq(0), left.le(1)).named("is_final_step");
        let may_end = (!ends | (reader.is_free & !ends_now)).named("may_end");
        let moves = (busy & (!is_final | may_end)).named("moves");
        let done = (moves & is_final).named("done");
        let reads = (moves & !clears & left.ne(0)).named("reads_word");

        // Sums of the layer that are still to be read must not change.
        let of_input = |layer: Signal<'m>| layer.eq(input["layer"]);
        let waits = (busy & ends & of_input(layer))
            | (ends_now & of_input(layer_now))
            | (reader.goes_on & of_input(reader.layer));
        let waits = waits.named("waits_for_sums");
        input.ready.set((!busy | done) & !waits & !loading);
        let accept = input.fire().named("accept");

        let of = |all: Expr<'m>, ty: Type| of_layer(all, input["layer"], ty);
        let stride = of(settings.stride, stride_type(p)).named("stride_of_layer");
        let base = of(settings.base, address_type(p)).named("base_of_layer");
        let first_word = (base + input["column"] * stride).wrap(address_type(p));
        m.when(accept, || {
            busy.set(1);
            begins.set(input["last"]);
            address.set(first_word.named("first_word"));
            left.set(input["count"].mux(stride, 0).wrap(stride_type(p)));
            clears.set(begins & input["fresh"]);
            ends.set(input["last"]);
            layer.set(input["layer"]);
            value.set(input["value"]);
            tag.set(input["tag"]);
            threshold.set(input["weight_threshold"]);
        })
        .or_when(moves, || {
            busy.set(!is_final);
            clears.set(0);
            m.when(reads, || {
                address.set((address + 1).truncate(address.width()));
                left.set((left - 1).wrap(left.ty()));
            });
        });
        works.set(reads | (moves & clears));
        ends_now.set(done & ends);
        m.when(moves, || {
            clears_now.set(clears);
            layer_now.set(layer);
            value_now.set(value);
            tag_now.set(tag);
            threshold_now.set(threshold);
        });
        Issue {
            loading,
            busy,
            layer: layer.expr(),
            address: address.expr(),
            reads,
            works: works.expr(),
            clears_now: clears_now.expr(),
            layer_now: layer_now.expr(),
            value_now: value_now.expr(),
            tag_now: tag_now.expr(),
            threshold_now: threshold_now.expr(),
            ends_now: ends_now.expr(),
        }
    }
}

/// What reads a layer's sums, row by row.
struct Reader<'m> {
    busy: Signal<'m>,
    layer: Signal<'m>,
    tag: Signal<'m>,
    beat: Signal<'m>,
    /// Whether sums are still to be read after this cycle.
    goes_on: Signal<'m>,
    /// Whether the next vector's sums may be read after this cycle.
    is_free: Expr<'m>,
    /// The part of a row that goes out, where there are several.
    part: Option<Signal<'m>>,
}

impl<'m> Reader<'m> {
    fn new(m: &'m ModuleBuilder, p: &PeClusterParameters) -> Reader<'m> {
        let goes_on = m.wire("reading_goes_on", bit());
        let once = (p.elements / p.lanes).ilog2();
        Reader {
            busy: m.register("reading", bit()).reset(0).doc("sums of a layer are read"),
            layer: m.register("reading_layer", layer_type(p)),
            tag: m.register("reading_tag", bit()),
            beat: m.register("reading_beat", beats_type(p)),
            goes_on,
            is_free: !goes_on,
            part: (once > 0).then(|| m.register("out_part", uint(once))),
        }
    }

    /// Reads a row where there is room for it: whether it does, and which.
    fn read(
        &self,
        m: &'m ModuleBuilder,
        p: &PeClusterParameters,
        settings: &Settings<'m>,
        issue: &Issue<'m>,
        output: &StreamOut<'m>,
    ) -> (Expr<'m>, Expr<'m>) {
        let layer = self.layer.expr();
        let spread = of_layer(settings.spread, layer, spread_type(p));
        let beats = of_layer(settings.beats, layer, beats_type(p));
        let is_last = self.beat.eq(beats).named("is_last_beat");
        let valid = m.register("out_valid", bit()).reset(0);
        let takes = (self.busy & (!valid | output.ready)).named("takes_row");
        self.goes_on.set(self.busy & !(takes & is_last));
        m.when(issue.ends_now, || {
            self.busy.set(1);
            self.layer.set(issue.layer_now);
            self.tag.set(issue.tag_now);
            self.beat.set(0);
        })
        .or_when(takes, || {
            self.busy.set(!is_last);
            self.beat.set((self.beat + 1).truncate(self.beat.width()));
        });
        m.when(takes, || valid.set(1)).or_when(output.ready, || valid.set(0));
        output.valid.set(valid);
        let kept = |name: &str, value: Expr<'m>| {
            let register = m.register(name, value.ty());
            m.when(takes, || register.set(value));
            register.expr()
        };
        output["layer"].set(kept("out_layer", layer));
        output["tag"].set(kept("out_tag", self.tag.expr()));
        output["last"].set(kept("out_last", is_last));

        let row = self.beat.shift_right(spread).wrap(uint(ROW_BITS)).named("row");
        if let Some(part) = self.part {
            m.when(takes, || part.set(self.beat.wrap(part.ty())));
        }
        // The pass is what of the part exceeds the elements; a layer of fewer groups has row bits
        // there instead.
        let once = (p.elements / p.lanes).ilog2();
        let pass = (p.passes > 1).then(|| {
            let mask = (1_u32..=p.passes.ilog2()).map(|extra| (1 << extra) - 1);
            let masks: Vec<u32> = (0..=once).map(|_| 0).chain(mask).collect();
            let masks: Vec<Expr> =
                masks.iter().map(|&mask| m.constant(mask, uint(p.passes.ilog2()))).collect();
            let mask = spread.select(&masks).wrap(uint(p.passes.ilog2()));
            (self.beat.shift_right(once).wrap(mask.ty()) & mask).named("pass")
        });
        let parts: Vec<Expr> = [layer].into_iter().chain(pass).chain([row]).collect();
        (takes, concat(m, &parts).named("peek_row"))
    }

    /// Adds up what elements have of the same rows, and sends it.
    fn send(
        &self,
        m: &'m ModuleBuilder,
        p: &PeClusterParameters,
        settings: &Settings<'m>,
        output: &StreamOut<'m>,
        elements: &Array<'m>,
    ) {
        let ty = sum_type(p);
        let lanes = uint(p.lanes * ty.width);
        let mut sums = elements.outputs("sum_o");
        let mut of_spread = vec![];
        loop {
            // As many groups as sums: a beat has those of as many as there are lanes.
            let beats: Vec<Expr> =
                sums.chunks(p.lanes as usize).map(|beat| pack(m, beat)).collect();
            let beat = match self.part {
                Some(part) if beats.len() > 1 => {
                    let part = part.truncate((beats.len() as u32).ilog2());
                    part.select(&beats).wrap(lanes)
                }
                _ => beats[0],
            };
            of_spread.push(beat.named(&format!("sums_of_{}_groups", sums.len())));
            if sums.len() == p.lanes as usize {
                break;
            }
            sums = sums.chunks(2).map(|pair| total(pair, ty)).collect();
        }
        of_spread.reverse();
        // With more groups than elements, a part of a row is of one pass.
        let most = *of_spread.last().expect("there is at least one spread");
        of_spread.resize(p.most_spread() as usize + 1, most);
        let layer = output["layer"].expr();
        let spread = of_layer(settings.spread, layer, spread_type(p));
        let sums = match of_spread.len() {
            1 => of_spread[0],
            _ => spread.select(&of_spread).wrap(lanes),
        };
        output["sums"].set(sums);
    }
}
