//! The hardware of the layer engine: its blocks, and what brings vectors and loads to them.

use std::cell::RefCell;
use std::sync::Arc;

use super::parts::{Parts, sum_fields, survivor_fields, vector_fields};
use super::{LayerEngine, LayerEngineParameters};
use crate::blocks::Block;
use crate::blocks::engine::{of_layer, pe_cluster, rest};
use crate::config::{Parameters, Tech};
use crate::hdl::{
    Array, Errors, Expr, Field, Instance, Module, ModuleBuilder, Signal, StreamIn, StreamOut, Type,
    bit, concat, index_width, pack, uint,
};

/// More vectors than the path ever holds of which the band is not known.
const MOST_UNDECIDED: u32 = 15;

/// The mode in which weights are masked, too.
const MASK: u32 = 1;

/// From this mode on, sums go on from the vector before.
const DELTA: u32 = 2;

pub(super) fn describe(
    name: &str,
    p: &LayerEngineParameters,
    tech: &Tech,
) -> Result<Arc<Module>, Errors> {
    let parts = Parts::elaborate(name, p, tech)?;
    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "{}\n\n\
         Words of weights and biases go in first, up to one with `load_last_i`: for `load_unit_i`, \
         processing elements below {} and lanes of biases from there on. Then each vector of layer 0 \
         goes through all layers, up to {} at a time, and the accumulators of the final one come out. \
         Settings have to stay while anything is under way.\n\n\
         Output b * {} + i of a layer is in lane i of beat b, of its biases as well. {}",
        LayerEngine::SUMMARY,
        p.clusters * p.elements,
        p.in_flight,
        p.lanes,
        pe_cluster::word_in_words(&p.cluster())
    ));
    for (name, value) in p.to_values().iter() {
        m.parameter(name, value);
    }
    let engine = Engine::new(&m, p, &parts);
    engine.load();
    let busy = engine.choose_vector();
    engine.queue_survivors();
    engine.multiply();
    engine.stop_clocks();
    engine.collect_sums();
    engine.send();
    rest(&m, &engine.settings.borrow(), busy);
    m.finish()
}

/// Fields side by side, the first lowest.
fn packed<'m>(m: &'m ModuleBuilder, fields: &[Expr<'m>]) -> Expr<'m> {
    concat(m, &fields.iter().rev().copied().collect::<Vec<_>>())
}

/// What [`packed`] made of fields.
fn unpacked<'m>(packed: Expr<'m>, fields: &[Field<'static>]) -> Vec<(&'static str, Expr<'m>)> {
    let mut low = 0;
    let part = |&(name, ty): &Field<'static>| {
        low += ty.width;
        (name, packed.slice(low - ty.width, ty.width).wrap(ty))
    };
    fields.iter().map(part).collect()
}

/// The blocks of an engine, in the order in which a vector meets them.
struct Engine<'m> {
    m: &'m ModuleBuilder,
    p: &'m LayerEngineParameters,
    parts: &'m Parts,
    load: StreamIn<'m>,
    input: StreamIn<'m>,
    output: StreamOut<'m>,
    path: Instance<'m>,
    vectors: Instance<'m>,
    levels: Instance<'m>,
    queue: Instance<'m>,
    feed: Instance<'m>,
    clusters: Array<'m>,
    collect: Instance<'m>,
    requantiser: Instance<'m>,
    counters: Instance<'m>,
    /// What stays while anything is under way.
    settings: RefCell<Vec<Expr<'m>>>,
    /// For each level of each layer.
    weight_thresholds: Expr<'m>,
    loading: Signal<'m>,
    /// A vector is offered to the path.
    inside: Signal<'m>,
    /// Steps that are under way.
    steps: Signal<'m>,
}

impl<'m> Engine<'m> {
    fn new(m: &'m ModuleBuilder, p: &'m LayerEngineParameters, parts: &'m Parts) -> Engine<'m> {
        let cluster = p.cluster();
        let sum = pe_cluster::sum_type(&cluster);
        let address = index_width(p.words).max(index_width(p.requantiser(sum.width).biases));
        let word = pe_cluster::word_type(&cluster).width.max(sum.width);
        let units = p.clusters * p.elements + p.lanes;
        let load = m.stream_in(
            "load",
            &[
                // One more than there are, for a word that is for nobody.
                ("unit", uint(index_width(units + 1))),
                ("address", uint(address)),
                ("word", uint(word)),
                ("last", bit()),
            ],
        );
        m.stream_doc("load", "words of weights, and biases");
        let empty = (p.lanes > 1).then(|| ("empty", uint(index_width(p.lanes))));
        let framed = |data: Vec<Field<'static>>| -> Vec<Field<'static>> {
            data.into_iter().chain(empty).chain([("last", bit())]).collect()
        };
        let data = ("data", uint(p.lanes * p.activation_bits));
        let input = m.stream_in("in", &framed(vec![data, ("new_sequence", bit())]));
        m.stream_doc("in", "vectors of two's complement elements, the first lowest");
        let output = m.stream_out("out", &framed(vec![("sums", uint(p.lanes * sum.width))]));
        m.stream_doc("out", "accumulators of the final layer, the first lowest");
        let weight_thresholds = m.input_doc(
            "weight_threshold_i",
            uint(p.layers * p.bands * p.reference),
            "what magnitudes of weights have to exceed in mode mask; of each level of each layer",
        );
        Engine {
            m,
            p,
            settings: RefCell::new(vec![weight_thresholds]),
            weight_thresholds,
            parts,
            load,
            input,
            output,
            path: m.instance("path", &parts.path),
            vectors: m.instance("vectors", &parts.vectors),
            levels: m.instance("levels", &parts.levels),
            queue: m.instance("queue", &parts.queue),
            feed: m.instance("feed", &parts.feed),
            clusters: m.array("cluster", &[("cluster", p.clusters)], &parts.cluster),
            collect: m.instance("collect", &parts.collect),
            requantiser: m.instance("requantiser", &parts.requantiser),
            counters: m.instance("counters", &parts.counters),
            inside: m.register("inside", bit()).reset(0).doc("a vector is offered to the path"),
            loading: m.register("loading", bit()).reset(1).doc("weights and biases are to come"),
            steps: m
                .register("steps", uint(index_width(p.in_flight + 1)))
                .reset(0)
                .doc("steps that are under way"),
        }
    }

    /// Words go to clusters, biases to the requantiser; each knows when they end.
    fn load(&self) {
        let (m, p, load) = (self.m, self.p, &self.load);
        let ready = self.clusters.outputs("load_ready_o").into_iter();
        let ready = ready.fold(self.requantiser.output("load_ready_o"), |all, one| all & one);
        let rests = self.steps.eq(0) & !self.input.valid;
        let may_load = (ready & (self.loading | rests)).named("may_load");
        load.ready.set(may_load);
        let loads = load.fire().named("loads");
        m.when(loads, || self.loading.set(!load["last"]));

        // A block keeps nothing for an element or lane that does not exist.
        let unit = load["unit"];
        let within = |first: u32, count: u32| {
            let here = unit.ge(first) & unit.lt(first + count);
            here.mux((unit - first).wrap(uint(index_width(count + 1))), count)
                .wrap(uint(index_width(count + 1)))
        };
        let elements: Vec<Expr> =
            (0..p.clusters).map(|cluster| within(cluster * p.elements, p.elements)).collect();
        let word = pe_cluster::word_type(&p.cluster()).width;
        let sum = pe_cluster::sum_type(&p.cluster());
        self.clusters.broadcast("load_valid_i", loads).each("load_element_i", &elements);
        let address = load["address"];
        self.clusters.broadcast("load_address_i", address.truncate(index_width(p.words)));
        self.clusters.broadcast("load_word_i", load["word"].truncate(word));
        self.clusters.broadcast("load_last_i", load["last"]);
        let requantiser = &self.requantiser;
        let biases = p.requantiser(sum.width).biases;
        requantiser.connect("load_valid_i", loads);
        requantiser.connect("load_address_i", address.truncate(index_width(biases)));
        requantiser.connect("load_lane_i", within(p.clusters * p.elements, p.lanes).named("lane"));
        requantiser.connect("load_bias_i", load["word"].truncate(sum.width).as_signed());
        requantiser.connect("load_last_i", load["last"]);
    }

    /// The next vector of the path is one that comes back, if there is one, or a new step. Whether any
    /// is under way.
    fn choose_vector(&self) -> Expr<'m> {
        let (m, p, path) = (self.m, self.p, &self.path);
        let (input, requantiser) = (&self.input, &self.requantiser);
        let inside = self.inside;
        let returns = m.register("returns", bit()).doc("it is one that comes back");
        let begins = m.register("begins", bit()).reset(1).doc("its first beat is next");
        let back = requantiser.output("out_valid_o");
        let chosen = inside.mux(returns, back).named("takes_returning");
        // A vector that comes back soon would have to wait for a new one.
        let sends = self.clusters.outputs("sends_o").into_iter();
        let comes_back = sends.fold(requantiser.output("holds_o"), |any, one| any | one);
        let has_room = self.steps.lt(p.in_flight) & !self.loading;
        let may_begin = (has_room & !comes_back.named("comes_back")).named("may_begin");
        let new = (input.valid & (inside | may_begin)).named("new_offered");
        let offered = chosen.mux(back, new).named("vector_offered");
        let ready = path.output("in_ready_o");
        let moves = (offered & ready).named("vector_moves");
        path.connect("in_valid_i", offered);
        requantiser.connect("out_ready_i", chosen & ready);
        input.ready.set(!chosen & (inside | may_begin) & ready);

        let of_both = |back: &str, new: Expr<'m>, name: &str| {
            chosen.mux(requantiser.output(back), new).wrap(new.ty()).named(name)
        };
        let last = of_both("out_last_o", input["last"], "vector_last");
        m.when(offered, || {
            inside.set(!(ready & last));
            returns.set(chosen);
        });
        m.when(moves, || begins.set(last));

        let layer = of_both("out_layer_o", m.constant(0, uint(index_width(p.layers))), "layer");
        let new_sequence = of_both("out_tag_o", input["new_sequence"], "new_sequence");
        let asked = self.setting("mode_i", 2, "0 dense, 1 mask, 2 and 3 delta", layer);
        let asked = asked.named("asked_mode");
        let of_levels = of_layer(self.weight_thresholds, layer, uint(p.bands * p.reference));
        let of_levels = of_levels.named("weight_thresholds");
        let masks = (asked.eq(MASK) & of_levels.any()).named("masks_weights");
        let enters = (moves & begins).named("vector_begins");
        // There is no going on from sums of masked weights, so a vector in delta is then a dense one.
        let masked = m.register("masked", uint(p.layers)).reset(0);
        masked.doc("layers whose sums are those of masked weights");
        let is_masked = layer.select(&masked.bits()).wrap(bit()).named("is_masked");
        let now = (0..).zip(masked.bits());
        let now = now.map(|(l, was)| layer.eq(l as u32).mux(masks, was).wrap(bit()));
        let now: Vec<Expr> = now.collect();
        m.when(enters, || masked.set(pack(m, &now)));
        let goes_on = (asked.ge(DELTA) & !new_sequence).named("goes_on");
        let mode = (goes_on & is_masked).mux(0, asked).wrap(asked.ty());
        path.connect("in_data_i", of_both("out_data_o", input["data"], "vector_data"));
        path.connect("in_mode_i", mode.named("mode")).connect("in_last_i", last);
        path.connect("in_new_sequence_i", new_sequence).connect("in_layer_i", layer);
        if p.path().has_several_metrics() {
            path.connect("in_metric_i", self.setting("metric_i", 3, "code of the metric", layer));
        }
        if p.lanes > 1 {
            path.connect("in_empty_i", of_both("out_empty_o", input["empty"], "vector_empty"));
        }
        // What is known of the vector meets its survivors behind the path.
        let fresh = (new_sequence | mode.lt(DELTA)).named("fresh");
        self.vectors.connect("in_valid_i", enters);
        self.vectors.connect("in_data_i", packed(m, &[layer, fresh, new_sequence, masks]));
        m.assert("vectors_have_room", !enters | self.vectors.output("in_ready_o"));
        m.discard(self.vectors.output("level_o"));

        let ends = (self.output.fire() & self.output["last"].expr()).named("step_ends");
        let begins = (enters & !chosen).named("step_begins");
        let steps = self.steps;
        m.when(begins & !ends, || steps.set((steps + 1).truncate(steps.width())))
            .or_when(ends & !begins, || steps.set((steps - 1).wrap(steps.ty())));

        // The path's other inputs are the engine's.
        for (port, ty, doc) in self.parts.path.plain_inputs() {
            path.connect(port, self.held(port, ty, doc));
        }
        path.connect("coherence_ready_i", m.constant(1, bit()));
        self.counters.connect("vector_i", enters).connect("vector_layer_i", layer);
        self.report((moves & last).named("vector_ends"))
    }

    /// Says whether settings have to rest: a vector's band is decided by those of its time.
    fn report(&self, vector_ends: Expr<'m>) -> Expr<'m> {
        let (m, path, counters) = (self.m, &self.path, &self.counters);
        let known = path.output("coherence_valid_o");
        let ty = uint(index_width(MOST_UNDECIDED + 1));
        let undecided =
            m.register("undecided", ty).reset(0).doc("vectors whose band is not known yet");
        m.when(vector_ends & !known, || undecided.set((undecided + 1).truncate(ty.width)))
            .or_when(known & !vector_ends, || undecided.set((undecided - 1).wrap(ty)));
        m.assert("undecided_are_counted", undecided.ne(MOST_UNDECIDED));
        counters.connect("coherence_i", known);
        counters.connect("band_i", path.output("coherence_band_o"));
        counters.connect("first_i", path.output("coherence_first_o"));
        let busy = self.steps.ne(0) | undecided.ne(0) | self.inside;
        let output = m.output("busy_o", bit()).doc("settings have to stay");
        output.set(busy);
        self.tell_loading();
        for port in ["vectors_o", "executed_o", "bands_o", "firsts_o"] {
            let signal = self.parts.counters.ports.iter().map(|&id| self.parts.counters.signal(id));
            let doc = signal.clone().find(|signal| signal.name == port).map(|found| &found.doc);
            let count = counters.output(port);
            m.output(port, count.ty()).doc(doc.map_or("", |doc| doc)).set(count);
        }
        output.expr()
    }

    /// Says whether weights and biases are to come: after a reset, and from where a load begins.
    fn tell_loading(&self) {
        let m = self.m;
        let output = m.output("loading_o", bit()).doc("weights and biases are to come");
        output.set(self.loading);
        let was = m.register("was_loading", bit()).reset(1);
        was.set(output);
        let loaded = m.register("loaded", bit()).reset(0);
        loaded.set(self.load.fire());
        m.guarantee("loading_begins_with_a_load", !output | was | loaded);
    }

    /// What is known of each layer, that of one.
    fn setting(&self, port: &str, width: u32, doc: &str, layer: Expr<'m>) -> Expr<'m> {
        let all = uint(self.p.layers * width);
        let doc = format!("{doc}, of each layer");
        of_layer(self.held(port, all, &doc), layer, uint(width))
    }

    /// A plain input that stays while anything is under way.
    fn held(&self, port: &str, ty: Type, doc: &str) -> Expr<'m> {
        let input = self.m.input_doc(port, ty, doc);
        self.settings.borrow_mut().push(input);
        input
    }

    /// Survivors wait for the clusters.
    fn queue_survivors(&self) {
        let (m, p, path, queue) = (self.m, self.p, &self.path, &self.queue);
        let vector = unpacked(self.vectors.output("out_data_o"), &vector_fields(p));
        let leaves = path.output("out_valid_o").named("survivor_leaves");
        let last = path.output("out_last_o");
        let vector_leaves = (leaves & last).named("vector_leaves");
        self.vectors.connect("out_ready_i", vector_leaves);
        m.assert("vector_is_known", !leaves | self.vectors.output("out_valid_o"));
        let threshold = self.weight_threshold(vector[0].1, vector[3].1, leaves, vector_leaves);
        let mut fields: Vec<Expr> =
            ["data", "index", "count"].map(|field| path.output(&format!("out_{field}_o"))).into();
        fields.extend(vector[..3].iter().map(|(_, value)| *value));
        fields.extend([threshold, last]);
        path.connect("out_ready_i", m.constant(1, bit()));
        queue.connect("in_valid_i", leaves).connect("in_data_i", packed(m, &fields));
        m.assert("queue_has_room", !leaves | queue.output("in_ready_o"));
        m.discard(queue.output("level_o"));

        let feed = &self.feed;
        feed.connect("in_0_valid_i", queue.output("out_valid_o"));
        feed.connect("in_0_data_i", queue.output("out_data_o"));
        feed.connect("in_0_to_i", !m.constant(0, uint(p.clusters)));
        queue.connect("out_ready_i", feed.output("in_0_ready_o"));
    }

    /// What weights have to exceed for the vector whose survivors leave the path.
    fn weight_threshold(
        &self,
        layer: Expr<'m>,
        masks: Expr<'m>,
        leaves: Expr<'m>,
        vector_leaves: Expr<'m>,
    ) -> Expr<'m> {
        let (m, p, path, levels) = (self.m, self.p, &self.path, &self.levels);
        levels.connect("in_valid_i", path.output("begins_o"));
        levels.connect("in_data_i", path.output("level_o"));
        levels.connect("out_ready_i", vector_leaves);
        m.assert("levels_have_room", !path.output("begins_o") | levels.output("in_ready_o"));
        m.assert("level_is_known", !leaves | levels.output("out_valid_o"));
        m.discard(levels.output("level_o"));
        let ty = uint(p.reference);
        let of_levels = of_layer(self.weight_thresholds, layer, uint(p.bands * ty.width));
        let of_level = levels.output("out_data_o").select(&of_levels.elements(ty)).wrap(ty);
        masks.mux(of_level, 0).wrap(ty).named("weight_threshold")
    }

    /// All clusters work on each survivor.
    fn multiply(&self) {
        let (m, p, feed, clusters) = (self.m, self.p, &self.feed, &self.clusters);
        let from_feed = |field: &str| -> Vec<Expr> {
            (0..p.clusters).map(|c| feed.output(&format!("out_{c}_{field}_o"))).collect()
        };
        clusters.each("in_valid_i", &from_feed("valid"));
        from_feed("source").into_iter().for_each(|source| m.discard(source));
        let survivors: Vec<_> =
            from_feed("data").into_iter().map(|data| unpacked(data, &survivor_fields(p))).collect();
        for (number, (field, _)) in survivor_fields(p).into_iter().enumerate() {
            let values: Vec<Expr> = survivors.iter().map(|fields| fields[number].1).collect();
            clusters.each(&format!("in_{field}_i"), &values);
        }
        for (cluster, ready) in clusters.outputs("in_ready_o").into_iter().enumerate() {
            feed.connect(&format!("out_{cluster}_ready_i"), ready);
        }
        let plain = self.parts.cluster.plain_inputs();
        for (port, ty, doc) in plain.filter(|(port, ..)| *port != "enable_i") {
            clusters.broadcast(port, self.held(port, ty, doc));
        }
    }

    /// The clocks of clusters that have nothing to do stand still.
    fn stop_clocks(&self) {
        let (m, p, clusters) = (self.m, self.p, &self.clusters);
        let gating = m.instance("gating", &self.parts.gating);
        let keep = m.input_doc("keep_awake_i", bit(), "all clusters stay awake");
        gating.connect("override_i", keep);
        for (port, what) in [
            ("test_enable_i", "all clocks run for scan"),
            ("clear_i", "all counters begin again"),
            ("read_i", "takes the cycles of a cluster to `active_o`, `idle_o` and `gated_o`"),
        ] {
            let order = m.input_doc(port, bit(), what);
            gating.connect(port, order);
            if port == "clear_i" {
                self.counters.connect(port, order);
            }
        }
        for port in ["products", "products_layer"] {
            let of_each = clusters.outputs(&format!("{port}_o"));
            self.counters.connect(&format!("{port}_i"), pack(m, &of_each));
        }
        let which = uint(index_width(p.clusters));
        let what = "the cluster whose cycles `read_i` takes";
        gating.connect("core_i", m.input_doc("cluster_i", which, what));
        let offered = (0..p.clusters).map(|c| self.feed.output(&format!("out_{c}_valid_o")));
        let loads = self.load.valid;
        let pending: Vec<Expr> = offered.map(|offered| offered | loads).collect();
        gating.connect("pending_i", pack(m, &pending));
        gating.connect("busy_i", pack(m, &clusters.outputs("busy_o")));
        m.discard(gating.output("awake_o"));
        let enable = gating.output("enable_o");
        if p.gate {
            clusters.each("enable_i", &enable.bits());
            clusters.clocked_by(m.gated_clock("clk_clusters", gating.output("cluster_enable_o")));
        } else {
            m.discard(gating.output("cluster_enable_o"));
        }
        m.output("enable_o", uint(p.clusters)).doc("which clusters' clocks run").set(enable);
        for name in ["active", "idle", "gated"] {
            let count = gating.output(&format!("{name}_o"));
            let output = m.output(format!("{name}_o"), count.ty());
            output.doc(&format!("{name} cycles of the cluster last asked for")).set(count);
        }
    }

    /// The sums of all clusters make a beat.
    fn collect_sums(&self) {
        let (m, p, clusters, collect) = (self.m, self.p, &self.clusters, &self.collect);
        let fields = sum_fields(p);
        let outputs = fields.map(|(field, _)| clusters.outputs(&format!("out_{field}_o")));
        let valid = clusters.outputs("out_valid_o");
        let mut ready = vec![];
        for cluster in 0..p.clusters {
            let port = |field: &str| format!("in_{cluster}_{field}");
            let beat: Vec<Expr> = outputs.iter().map(|field| field[cluster as usize]).collect();
            collect.connect(&port("valid_i"), valid[cluster as usize]);
            collect.connect(&port("data_i"), packed(m, &beat));
            collect.connect(&port("to_i"), m.constant(1_u32 << cluster, uint(p.clusters)));
            ready.push(collect.output(&port("ready_o")));
        }
        clusters.each("out_ready_i", &ready);

        let requantiser = &self.requantiser;
        let there: Vec<Expr> =
            (0..p.clusters).map(|c| collect.output(&format!("out_{c}_valid_o"))).collect();
        let all = pack(m, &there).all().named("sums_there");
        let taken = (all & requantiser.output("in_ready_o")).named("sums_taken");
        let beats: Vec<_> = (0..p.clusters)
            .map(|c| {
                collect.connect(&format!("out_{c}_ready_i"), taken);
                m.discard(collect.output(&format!("out_{c}_source_o")));
                unpacked(collect.output(&format!("out_{c}_data_o")), &fields)
            })
            .collect();
        let sums: Vec<Expr> = beats.iter().map(|beat| beat[0].1).collect();
        requantiser.connect("in_valid_i", all).connect("in_sums_i", packed(m, &sums));
        // The rest is the same of all.
        for &(field, value) in &beats[0][1..] {
            requantiser.connect(&format!("in_{field}_i"), value);
        }
        for beat in &beats[1..] {
            beat[1..].iter().for_each(|&(_, value)| m.discard(value));
        }
        for (port, ty, doc) in self.parts.requantiser.plain_inputs() {
            requantiser.connect(port, self.held(port, ty, doc));
        }
    }

    /// The results of the final layer go out.
    fn send(&self) {
        let (m, output, requantiser) = (self.m, &self.output, &self.requantiser);
        output.valid.set(requantiser.output("result_valid_o"));
        requantiser.connect("result_ready_i", output.ready);
        for (field, signal) in output.payload() {
            signal.set(requantiser.output(&format!("result_{field}_o")));
        }
        m.discard(requantiser.output("result_layer_o"));
        m.discard(requantiser.output("result_tag_o"));
    }
}
