//! The hardware of the temporal path: its blocks, and what joins their streams.
//!
//! A beat that goes to two blocks moves when both take it. What goes out of the path passes a
//! register slice or a block whose outputs are registers, so no valid waits for a ready.

use std::sync::Arc;

use super::parts::Parts;
use super::{TemporalPath, TemporalPathParameters};
use crate::blocks::Block;
use crate::blocks::temporal::sparsity_control::LevelFrom;
use crate::blocks::temporal::vector::{self, framing, layer_field};
use crate::config::{Parameters, Tech};
use crate::hdl::{
    Errors, Expr, Field, Instance, Module, ModuleBuilder, StreamIn, Type, bit, concat, index_width,
    uint,
};

pub(super) fn describe(
    name: &str,
    p: &TemporalPathParameters,
    tech: &Tech,
) -> Result<Arc<Module>, Errors> {
    let parts = Parts::elaborate(name, p, &kept_fields(p), tech)?;
    let m = ModuleBuilder::new(name);
    document(&m, p);
    let input = m.stream_in("in", &vector_fields(p));
    vector::document(&m, "in", p.lanes, true, "; all else counts in a vector's first beat");
    let norm = p.norm.then(|| {
        let norm = m.stream_in("norm", &[("norm", uint(16 * p.lanes)), ("weighted", bit())]);
        m.stream_doc(
            "norm",
            "for each beat of `in` the other operand's norms, and whether they count",
        );
        norm
    });
    let path = Path::new(&m, p, &parts);
    path.compare(&input);
    let begins_in = path.remember();
    path.decide(begins_in);
    path.choose(norm.as_ref());
    path.transmit();
    m.finish()
}

fn document(m: &ModuleBuilder, p: &TemporalPathParameters) {
    m.doc(format!(
        "{}\n\n\
         Vectors go in; of each come out the survivors with their positions (`out`){} the band of its \
         coherence (`coherence`){}. \
         Every stream has to be taken for the others to go on. In mode 0 (dense) every element \
         survives; in 1 (mask) those of the mask, as they are; in 2 (delta) those of the mask, as what \
         changed since they were transmitted. Settings have to stay while vectors are inside.\n\n\
         A beat goes in per cycle unless more survivors come than go out, a group at the end is \
         shorter than others, or a decision takes longer than a vector.",
        TemporalPath::SUMMARY,
        if p.outlets { ", the mask (`mask`)," } else { " and" },
        if p.outlets { " and its level of sparsity (`level`)" } else { "" },
    ));
    for (name, value) in p.to_values().iter() {
        m.parameter(name, value.to_string().trim_matches('"'));
    }
}

/// Codes of the mask generator's source.
const MAGNITUDE: u32 = 0;
const WEIGHTED: u32 = 2;

/// The fields of the stream of vectors.
fn vector_fields(p: &TemporalPathParameters) -> Vec<Field<'static>> {
    let mut fields = vec![("data", uint(p.width * p.lanes)), ("mode", uint(2))];
    fields.extend((p.metric().metrics().len() > 1).then_some(("metric", uint(3))));
    fields.push(("new_sequence", bit()));
    fields.extend(p.takes_weights().then_some(("weights", bit())));
    fields.extend(layer_field(p.layers));
    fields.extend(framing(p.lanes));
    fields
}

/// What the buffer keeps of a beat.
fn kept_fields(p: &TemporalPathParameters) -> Vec<Field<'static>> {
    vector_fields(p).into_iter().filter(|(name, _)| *name != "metric").collect()
}

/// Fields side by side, the first lowest.
fn packed<'m>(m: &'m ModuleBuilder, fields: &[Expr<'m>]) -> Expr<'m> {
    concat(m, &fields.iter().rev().copied().collect::<Vec<_>>())
}

/// A stream out of the path, behind a register slice.
struct Outlet<'m> {
    m: &'m ModuleBuilder,
    slice: Instance<'m>,
}

impl<'m> Outlet<'m> {
    fn new(
        m: &'m ModuleBuilder,
        name: &'static str,
        fields: &[Field<'static>],
        slice: &Arc<Module>,
    ) -> Outlet<'m> {
        let out = m.stream_out(name, fields);
        let slice = m.instance(&format!("{name}_slice"), slice);
        let data = slice.output("out_data_o");
        out.valid.set(slice.output("out_valid_o"));
        slice.connect("out_ready_i", out.ready);
        let mut low = 0;
        for &(field, ty) in fields {
            out[field].set(data.slice(low, ty.width));
            low += ty.width;
        }
        Outlet { m, slice }
    }

    fn ready(&self) -> Expr<'m> {
        self.slice.output("in_ready_o")
    }

    /// Where `valid` is 1, a beat of these fields is offered to it.
    fn offer(&self, valid: Expr<'m>, fields: &[Expr<'m>]) {
        self.slice.connect("in_valid_i", valid);
        self.slice.connect("in_data_i", packed(self.m, fields));
    }
}

/// The blocks of a path, in the order in which a vector meets them.
struct Path<'m> {
    m: &'m ModuleBuilder,
    p: &'m TemporalPathParameters,
    parts: &'m Parts,
    metric: Instance<'m>,
    buffer: Instance<'m>,
    control: Instance<'m>,
    delta: Instance<'m>,
    generator: Instance<'m>,
    apply: Instance<'m>,
    coherence: Outlet<'m>,
    /// Levels and masks, if they go out.
    level: Option<Outlet<'m>>,
    mask: Option<Outlet<'m>>,
}

impl<'m> Path<'m> {
    fn new(m: &'m ModuleBuilder, p: &'m TemporalPathParameters, parts: &'m Parts) -> Path<'m> {
        let band = uint(index_width(p.bands));
        let coherence = [("band", band), ("first", bit())];
        let mask = [("mask", uint(p.lanes)), ("last", bit())];
        Path {
            m,
            p,
            parts,
            metric: m.instance("metric", &parts.metric),
            buffer: m.instance("buffer", &parts.buffer),
            control: m.instance("control", &parts.control),
            delta: m.instance("delta", &parts.delta),
            generator: m.instance("generator", &parts.generator),
            apply: m.instance("apply", &parts.apply),
            coherence: Outlet::new(m, "coherence", &coherence, &parts.coherence_slice),
            level: p
                .outlets
                .then(|| Outlet::new(m, "level", &[("level", band)], &parts.level_slice)),
            mask: p.outlets.then(|| Outlet::new(m, "mask", &mask, &parts.mask_slice)),
        }
    }

    /// Each vector goes to the metric, and at the same time to the buffer.
    fn compare(&self, input: &StreamIn<'m>) {
        let (metric, buffer) = (&self.metric, &self.buffer);
        let both = (metric.output("in_ready_o"), buffer.output("in_ready_o"));
        input.ready.set(both.0 & both.1);
        let to_metric = (input.valid & both.1).named("in_to_metric");
        let to_buffer = (input.valid & both.0).named("in_to_buffer");
        metric.connect("in_valid_i", to_metric);
        buffer.connect("in_valid_i", to_buffer);
        self.moves_together("in_goes_both_ways", input.fire(), [to_metric, to_buffer], both);
        for (field, value) in input.payload().filter(|(field, _)| *field != "mode") {
            metric.connect(&format!("in_{field}_i"), value);
        }
        let kept = input.payload().filter(|(field, _)| *field != "metric");
        let kept: Vec<Expr<'m>> = kept.map(|(_, value)| value).collect();
        buffer.connect("in_data_i", packed(self.m, &kept));
        // The vector that is decided about is that whose band goes out next.
        let layer = (self.p.layers > 1).then(|| metric.output("out_layer_o"));
        for (port, ty, doc) in self.parts.metric.plain_inputs() {
            let outside = if port.starts_with("weight") { "" } else { "coherence_" };
            metric.connect(port, self.setting(&format!("{outside}{port}"), (ty, doc), layer));
        }
    }

    /// A plain input, or that part of it which is the layer's.
    fn setting(&self, port: &str, (ty, doc): (Type, &str), layer: Option<Expr<'m>>) -> Expr<'m> {
        let count = self.p.settings();
        let Some(layer) = layer.filter(|_| count > 1) else {
            return self.m.input_doc(port, ty, doc);
        };
        let all = self.m.input_doc(port, uint(count * ty.width), &format!("{doc}; of each layer"));
        let name = port.trim_end_matches("_i");
        layer.select(&all.elements(ty)).wrap(ty).named(&format!("{name}_of_layer"))
    }

    /// States that a beat moves into two blocks at the same time.
    fn moves_together(
        &self,
        name: &str,
        moves: Expr<'m>,
        valid: [Expr<'m>; 2],
        ready: (Expr<'m>, Expr<'m>),
    ) {
        let (first, second) = (valid[0] & ready.0, valid[1] & ready.1);
        self.m.assert(name, first.eq(moves) & second.eq(moves));
    }

    /// From the buffer a vector goes to where its layer's memory is; the control hears that it begins.
    /// The layer of what the buffer offers, if there are several.
    fn remember(&self) -> Option<Expr<'m>> {
        let (m, p) = (self.m, self.p);
        let (buffer, delta, control) = (&self.buffer, &self.delta, &self.control);
        let beat = unpacked(buffer.output("out_data_o"), &kept_fields(p), "buffered");
        let of =
            |name: &str| beat.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
        let valid = buffer.output("out_valid_o");
        let delta_ready = delta.output("in_ready_o");
        let mut may_move = m.constant(1, bit());
        if p.level_from == LevelFrom::Previous {
            let begins = m.register("begins", bit()).reset(1).doc("a vector's first beat is next");
            let announced = control.output("vector_ready_o");
            may_move = (!begins | announced).named("announced");
            let announces = (valid & begins & delta_ready).named("announces");
            control.connect("vector_valid_i", announces);
            for field in ["new_sequence", "weights", "layer"] {
                if let Some(value) = of(field) {
                    control.connect(&format!("vector_{field}_i"), value);
                }
            }
            m.when(valid & delta_ready & may_move, || begins.set(of("last").expect("it has one")));
        }
        delta.connect("in_valid_i", (valid & may_move).named("buffer_to_delta"));
        buffer.connect("out_ready_i", (delta_ready & may_move).named("buffer_taken"));
        for &(field, value) in &beat {
            if !["weights", "layer"].contains(&field) {
                delta.connect(&format!("in_{field}_i"), value);
            }
        }
        let layer = of("layer").map(|layer| layer.min(self.p.layers - 1));
        if let Some(place) = self.place(of("weights"), layer) {
            delta.connect("in_layer_i", place);
        }
        layer
    }

    /// Where the memory of the activations or weights of a layer, which exists, is.
    fn place(&self, weights: Option<Expr<'m>>, layer: Option<Expr<'m>>) -> Option<Expr<'m>> {
        let ty = uint(index_width(self.p.places()));
        match (weights, layer) {
            (None, layer) => layer.map(|layer| layer.truncate(ty.width)),
            (Some(weights), None) => Some(weights),
            // The weights' memories come after those of all activations.
            (Some(weights), Some(layer)) => {
                let first = weights.mux(self.p.layers, 0);
                Some((layer + first).wrap(ty).named("place"))
            }
        }
    }

    /// The band of a vector's coherence goes to the control, and out; a vector of the layer
    /// `begins_in` begins next.
    fn decide(&self, begins_in: Option<Expr<'m>>) {
        let (m, metric, control) = (self.m, &self.metric, &self.control);
        let both = (control.output("band_ready_o"), self.coherence.ready());
        let valid = metric.output("out_valid_o");
        let taken = (both.0 & both.1).named("band_taken");
        let to_control = (valid & both.1).named("band_to_control");
        let to_outlet = (valid & both.0).named("band_to_outlet");
        metric.connect("out_ready_i", taken);
        control.connect("band_valid_i", to_control);
        self.moves_together("band_goes_both_ways", valid & taken, [to_control, to_outlet], both);
        let (band, first) = (metric.output("out_band_o"), metric.output("out_first_o"));
        self.coherence.offer(to_outlet, &[band, first]);
        control.connect("band_band_i", band).connect("band_first_i", first);
        let context = [("weights", self.p.takes_weights()), ("layer", self.p.layers > 1)];
        for (field, _) in context.into_iter().filter(|(_, exists)| *exists) {
            control.connect(&format!("band_{field}_i"), metric.output(&format!("out_{field}_o")));
        }
        let sums = self.parts.metric.ports.iter().map(|&port| &self.parts.metric.signal(port).name);
        sums.filter(|port| port.starts_with("out_sum_"))
            .for_each(|sum| m.discard(metric.output(sum)));
        // A dwell is looked at as a band goes in, all else as the beat that a level follows does.
        let of_band = (self.p.layers > 1).then(|| metric.output("out_layer_o"));
        let of_level = match self.p.level_from {
            LevelFrom::Current => of_band,
            LevelFrom::Previous => begins_in,
        };
        for (port, ty, doc) in self.parts.control.plain_inputs() {
            let outside = if port == "threshold_i" { "score_threshold_i" } else { port };
            let layer = if port == "dwell_i" { of_band } else { of_level };
            control.connect(port, self.setting(outside, (ty, doc), layer));
        }
    }

    /// The scores of a vector go to the mask generator as soon as there is its level, which leaves
    /// with the last of them.
    fn choose(&self, norm: Option<&StreamIn<'m>>) {
        let (m, delta, control) = (self.m, &self.delta, &self.control);
        let generator = &self.generator;
        let last = delta.output("score_last_o");
        let scored = delta.output("score_valid_o") & control.output("level_valid_o");
        let there = norm.map_or(scored, |norm| scored & norm.valid).named("scores_there");
        let offers = match &self.level {
            Some(level) => there & (!last | level.ready()).named("outlet_ready"),
            None => there,
        };
        let offers = offers.named("scores_offered");
        let ready = generator.output("in_ready_o");
        let moves = (offers & ready).named("scores_move");
        generator.connect("in_valid_i", offers);
        delta.connect("score_ready_i", moves);
        control.connect("level_ready_i", (moves & last).named("level_taken"));
        match &self.level {
            Some(level) => {
                let to_outlet = (there & last & ready).named("level_to_outlet");
                level.offer(to_outlet, &[control.output("level_level_o")]);
                let leaves = (to_outlet & level.ready()).named("level_leaves");
                m.assert("level_goes_once", leaves.eq(moves & last));
            }
            None => self.tell_level(moves, last),
        }

        generator.connect("in_data_i", delta.output("score_data_o"));
        generator.connect("in_previous_i", delta.output("score_previous_o"));
        generator.connect("in_keep_i", control.output("level_keep_o"));
        generator.connect("in_threshold_i", control.output("level_threshold_o"));
        let what = "what elements of the mask before have ahead";
        let bonus = m.input_doc("bonus_i", uint(self.p.score_width()), what);
        generator.connect("in_bonus_i", bonus);
        let waited = m.register("scores_waited", bit()).reset(0);
        waited.set(offers & !ready);
        m.assume("bonus_held", !waited | bonus.eq(m.delayed("bonus_was", bonus)));
        if let Some(norm) = norm {
            norm.ready.set(moves);
            generator.connect("in_norm_i", norm["norm"]);
            generator.connect("in_source_i", norm["weighted"].mux(WEIGHTED, MAGNITUDE));
        }
        for (field, _) in framing(self.p.lanes) {
            generator.connect(&format!("in_{field}_i"), delta.output(&format!("score_{field}_o")));
        }
    }

    /// Says the level of a vector as it is first used, before any survivor comes out.
    fn tell_level(&self, moves: Expr<'m>, last: Expr<'m>) {
        let m = self.m;
        let begins = m.register("scores_begin", bit()).reset(1).doc("a vector's first are next");
        m.when(moves, || begins.set(last));
        let gets = (moves & begins).named("vector_gets_level");
        m.output("begins_o", bit()).doc("a vector gets its level").set(gets);
        let level = self.control.output("level_level_o");
        let level = gets.mux(level, 0).wrap(level.ty());
        m.output("level_o", level.ty()).doc("the level, while `begins_o` is 1").set(level);
    }

    /// What a mask lets through is transmitted, and its survivors are brought together.
    fn transmit(&self) {
        let (m, p, delta, apply) = (self.m, self.p, &self.delta, &self.apply);
        let generator = &self.generator;
        delta.connect("mask_valid_i", generator.output("out_valid_o"));
        delta.connect("mask_mask_i", generator.output("out_mask_o"));
        generator.connect("out_ready_i", delta.output("mask_ready_o"));
        m.discard(generator.output("out_last_o"));

        let ready = apply.output("in_ready_o");
        let outlet = self.mask.as_ref().map(|mask| (mask, mask.ready()));
        let valid = delta.output("out_valid_o");
        let to_mask = match outlet {
            Some((mask, mask_ready)) => {
                let both = (ready, mask_ready);
                let taken = (both.0 & both.1).named("values_taken");
                let to_apply = (valid & both.1).named("values_to_apply");
                let to_outlet = (valid & both.0).named("mask_to_outlet");
                delta.connect("out_ready_i", taken);
                apply.connect("in_valid_i", to_apply);
                let ways = [to_apply, to_outlet];
                self.moves_together("values_go_both_ways", valid & taken, ways, both);
                Some((mask, to_outlet))
            }
            None => {
                delta.connect("out_ready_i", ready);
                apply.connect("in_valid_i", valid);
                None
            }
        };
        for field in ["data", "mask"].into_iter().chain(framing(p.lanes).iter().map(|f| f.0)) {
            apply.connect(&format!("in_{field}_i"), delta.output(&format!("out_{field}_o")));
        }
        if let Some((mask, to_outlet)) = to_mask {
            let fields = ["mask", "last"].map(|field| delta.output(&format!("out_{field}_o")));
            mask.offer(to_outlet, &fields);
        }
        let fields = ["data", "index", "count", "last"];
        let ports = fields.map(|field| (field, apply.output(&format!("out_{field}_o"))));
        let out = m.stream_out("out", &ports.map(|(field, value)| (field, value.ty())));
        out.valid.set(apply.output("out_valid_o"));
        ports.iter().for_each(|&(field, value)| out[field].set(value));
        apply.connect("out_ready_i", out.ready);
    }
}

/// What [`packed`] made of fields.
fn unpacked<'m>(
    packed: Expr<'m>,
    fields: &[Field<'static>],
    prefix: &str,
) -> Vec<(&'static str, Expr<'m>)> {
    let mut low = 0;
    let part = |&(name, ty): &Field<'static>| {
        let value = packed.slice(low, ty.width).named(&format!("{prefix}_{name}"));
        low += ty.width;
        (name, value)
    };
    fields.iter().map(part).collect()
}
