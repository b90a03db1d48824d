//! The hardware of the coherence metric: sums over vectors as they come in.

use std::sync::Arc;

use super::before::Before;
use super::decide::{Whole, decide};
use super::properties::{self, State};
use super::sums::Sum;
use super::thresholds::Thresholds;
use super::{CoherenceMetric, CoherenceMetricParameters, Metric, lane};
use crate::blocks::Block;
use crate::blocks::temporal::vector::{document, framing, layer, layer_field, present};
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, Signal, StreamIn, StreamOut, bit, concat,
    index_width, sint, uint,
};

pub(super) fn describe(name: &str, p: &CoherenceMetricParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    let lane = lane::describe(&format!("{name}_lane"), p)?;
    header(&m, p);
    let input = m.stream_in("in", &fields(p));
    document(&m, "in", p.lanes, true, "; all else counts in a vector's first beat");
    let output = outputs(&m, p);
    let thresholds = Thresholds::ports(&m, p, "", "activations");
    let of_weights = p.weights.then(|| Thresholds::ports(&m, p, "weight_", "weights"));

    let accept = input.fire().named("accept");
    let begins = m.register("begins", bit()).reset(1).doc("a vector begins");
    m.when(accept, || begins.set(input["last"]));
    let head = Head::new(&m, p, &input, accept & begins);
    let beat = Beat::new(&m, p, &input, accept, begins.expr());
    let take = m.wire("take", bit());
    let load = (beat.loaded & beat.ends & take).named("load");

    let elements = elements(&m, p, &input, &head, &beat, accept, &lane);
    let sums = accumulate(&m, p, elements, &beat, load);
    let length = m.register("length", beat.length.ty());
    let metric = head.metric.map(|metric| kept(&m, "metric", metric, load));
    let context = head.context.map(|context| kept_from_0(&m, "context", context, load));
    m.when(load, || length.set(beat.length));

    let contexts = head.context.map(|context| (context, head.contexts));
    let before = Before::new(&m, p, &sums, (length, beat.length), contexts, load);
    let fresh = kept(&m, "fresh", head.fresh | !before.known, load);
    let first = (fresh | length.ne(before.length)).named("is_first");
    let band = m.register("band", output["band"].ty());
    let whole = Whole {
        sums: sums.iter().zip(&before.sums).map(|(&(sum, a, _), &b)| (sum, a.expr(), b)).collect(),
        elements: counts_elements(p).then_some(length.expr()),
        metrics: flags(&m, p, metric),
        always: m.constant(1, bit()),
        thresholds: match of_weights {
            None => thresholds,
            Some(others) => {
                let is_weights = is_weights(p, context);
                Thresholds {
                    all: is_weights.mux(others.all, thresholds.all).named("thresholds"),
                    hysteresis: is_weights
                        .mux(others.hysteresis, thresholds.hysteresis)
                        .named("hysteresis"),
                }
            }
        },
        band_before: before.band(band, head.context, load),
        first,
    };
    let decision = decide(&m, p, &whole, (take.expr(), load));
    m.when(decision.ends, || band.set(decision.band));
    before.keep_band(decision.band, context, decision.ends);

    let done = decision.state.is("Done");
    take.set(decision.state.is("Idle") | (done & output.ready));
    input.ready.set(!(beat.loaded & beat.ends) | take);
    output.valid.set(done);
    output["band"].set(band);
    output["first"].set(first);
    put_out(p, &output, &whole, context);
    let state = State {
        begins: begins.expr(),
        loaded: beat.loaded,
        ends: beat.ends,
        head_fresh: head.fresh,
        fresh,
    };
    properties::state(&m, p, &input, &output, &state, &decision);
    m.finish()
}

fn header(m: &ModuleBuilder, p: &CoherenceMetricParameters) {
    m.doc(format!(
        "{}\n\n\
         Compares each vector with the one before of its layer, and counts the thresholds that are \
         met. The sums are those over a, the vector, and b, the one before. `in_ready_o` follows \
         `out_ready_i` without a register between.\n\n\
         {}\n\n{}",
        CoherenceMetric::SUMMARY,
        latencies(p),
        units(p)
    ));
    m.parameter("width", p.width);
    m.parameter("lanes", p.lanes);
    m.parameter("longest", p.longest);
    m.parameter("layers", p.layers);
    m.parameter("bands", p.bands);
    m.parameter("cosine", p.cosine);
    m.parameter("correlation", p.correlation);
    m.parameter("l1", p.l1);
    m.parameter("l2", p.l2);
    m.parameter("normalised_l1", p.normalised_l1);
    m.parameter("normalised_l2", p.normalised_l2);
    m.parameter("weights", p.weights);
    m.parameter("digit", p.digit);
}

/// How long a decision takes with each metric, and the metrics' codes.
fn latencies(p: &CoherenceMetricParameters) -> String {
    let metrics = p.metrics();
    let latency = |metric: &Metric| {
        let (code, name) = (*metric as u64, metric.name());
        let code_of =
            if metrics.len() > 1 { format!(" (`in_metric_i` = {code})") } else { String::new() };
        format!("{} for {name}{code_of}", p.latency(code))
    };
    let latencies: Vec<String> = metrics.iter().map(latency).collect();
    let other = match metrics.len() {
        1 => String::new(),
        _ => format!(" Other codes are {}.", metrics[0].name()),
    };
    format!(
        "Cycles from a vector's last beat to its band: {}.{other} A beat goes in per cycle, also while \
         the vector before is decided about; vectors follow each other in as many cycles as they have \
         beats, or in those of the decision less 1.",
        latencies.join(", ")
    )
}

/// What thresholds and hysteresis count in.
fn units(p: &CoherenceMetricParameters) -> String {
    let unit = |metric: Metric| match metric {
        Metric::Cosine | Metric::Correlation => "2^-16",
        Metric::L1 | Metric::L2 => "2^-8 of an element's unit",
        Metric::NormalisedL1 | Metric::NormalisedL2 => "2^-8",
    };
    let all =
        p.metrics().into_iter().map(|metric| format!("{} for {}", unit(metric), metric.name()));
    format!("Thresholds and hysteresis are unsigned, in {}.", all.collect::<Vec<_>>().join(", in "))
}

/// What a beat carries.
fn fields(p: &CoherenceMetricParameters) -> Vec<Field<'static>> {
    let mut fields = vec![("data", uint(p.lanes * p.width))];
    if p.metrics().len() > 1 {
        fields.push(("metric", uint(3)));
    }
    fields.push(("new_sequence", bit()));
    if p.weights {
        fields.push(("weights", bit()));
    }
    fields.extend(layer_field(p.layers));
    fields.extend(framing(p.lanes));
    fields
}

/// Which of a vector's facts the number of elements is one of: where it is not, the place of the
/// last one says as much.
fn counts_elements(p: &CoherenceMetricParameters) -> bool {
    p.correlation || p.l1 || p.l2
}

fn outputs<'m>(m: &'m ModuleBuilder, p: &CoherenceMetricParameters) -> StreamOut<'m> {
    let sums: Vec<(String, crate::hdl::Type)> = Sum::needed(p)
        .into_iter()
        .flat_map(|sum| {
            let ty = sum.ty(p.width, p.longest);
            let names = [Some(sum.name()), sum.before()];
            names.into_iter().flatten().map(move |name| (format!("sum_{name}"), ty))
        })
        .collect();
    let mut fields = vec![("band", uint(index_width(p.bands))), ("first", bit())];
    if p.weights {
        fields.push(("weights", bit()));
    }
    fields.extend(layer_field(p.layers));
    fields.extend(sums.iter().map(|(name, ty)| (name.as_str(), *ty)));
    m.stream_out("out", &fields)
}

/// Keeps a value of the vector that is whole.
fn kept<'m>(m: &'m ModuleBuilder, name: &str, value: Expr<'m>, load: Expr<'m>) -> Expr<'m> {
    let register = m.register(name, value.ty());
    m.when(load, || register.set(value));
    register.expr()
}

/// The same for an address, which has to be one before there is a vector.
fn kept_from_0<'m>(m: &'m ModuleBuilder, name: &str, value: Expr<'m>, load: Expr<'m>) -> Expr<'m> {
    let register = m.register(name, value.ty()).reset(0);
    m.when(load, || register.set(value));
    register.expr()
}

/// What the first beat of a vector says, for the beats that follow.
struct Head<'m> {
    metric: Option<Expr<'m>>,
    /// Whether a new sequence begins.
    fresh: Expr<'m>,
    /// The number of the layer, and whether it is one of weights on top; none if there is but one.
    context: Option<Expr<'m>>,
    /// The context of the beat that is offered.
    offered: Option<Expr<'m>>,
    contexts: u32,
}

impl<'m> Head<'m> {
    fn new(
        m: &'m ModuleBuilder,
        p: &CoherenceMetricParameters,
        input: &StreamIn<'m>,
        begins: Expr<'m>,
    ) -> Head<'m> {
        let keep = |name: &str, value: Expr<'m>| kept(m, name, value, begins);
        let layer = layer(input, p.layers);
        let (offered, contexts) = match (p.weights, layer) {
            (false, layer) => (layer, p.layers),
            (true, None) => (Some(input["weights"]), 2),
            (true, Some(layer)) => {
                let context = concat(m, &[input["weights"], layer]);
                (Some(context), (1 << layer.width()) + p.layers)
            }
        };
        let context = offered.map(|offered| kept_from_0(m, "head_context", offered, begins));
        let offered =
            context.map(|context| begins.mux(offered.unwrap_or(context), context).named("offered"));
        let metric = code(m, p, input).map(|code| keep("head_metric", code));
        let fresh = keep("head_fresh", input["new_sequence"]);
        Head { metric, fresh, context, offered, contexts }
    }
}

/// Which of the metrics that are built in a beat asks for, by its position among them.
fn code<'m>(
    m: &'m ModuleBuilder,
    p: &CoherenceMetricParameters,
    input: &StreamIn<'m>,
) -> Option<Expr<'m>> {
    let metrics = p.metrics();
    let ty = uint(index_width(metrics.len() as u32));
    let codes = metrics.iter().enumerate().skip(1);
    (metrics.len() > 1).then(|| {
        let code = codes.fold(m.constant(0, ty), |code, (position, metric)| {
            input["metric"].eq(*metric as u32).mux(m.constant(position, ty), code)
        });
        code.named("metric_index")
    })
}

/// For each metric that is built in, whether it is the one asked for.
fn flags<'m>(
    m: &'m ModuleBuilder,
    p: &CoherenceMetricParameters,
    metric: Option<Expr<'m>>,
) -> Vec<(Metric, Expr<'m>)> {
    let flag = |position: usize| match metric {
        Some(metric) => metric.eq(position),
        None => m.constant(1, bit()),
    };
    let named = |(position, metric): (usize, Metric)| {
        let name = format!("is_{}", metric.name());
        (metric, flag(position).named(&name))
    };
    p.metrics().into_iter().enumerate().map(named).collect()
}

/// Whether the vector that is whole is one of weights.
fn is_weights<'m>(p: &CoherenceMetricParameters, context: Option<Expr<'m>>) -> Expr<'m> {
    let context = context.expect("with weights there are several contexts");
    if p.layers > 1 { context.msb() } else { context }
}

/// The beat that is added up.
struct Beat<'m> {
    /// Whether there is one.
    loaded: Expr<'m>,
    /// Whether its vector begins with it.
    opens: Expr<'m>,
    /// Whether its vector ends with it.
    ends: Expr<'m>,
    /// The number of the beat that is offered, in its vector.
    place: Expr<'m>,
    /// What says how long the vector is that ends with it.
    length: Expr<'m>,
}

impl<'m> Beat<'m> {
    fn new(
        m: &'m ModuleBuilder,
        p: &CoherenceMetricParameters,
        input: &StreamIn<'m>,
        accept: Expr<'m>,
        begins: Expr<'m>,
    ) -> Beat<'m> {
        let beats = p.longest.div_ceil(p.lanes);
        let place = m.register("place", uint(index_width(beats))).reset(0);
        let next = (place + 1).truncate(place.width());
        let next = match beats == 1 << place.width() {
            true => next,
            false => {
                m.assert("place_in_range", place.lt(beats));
                place.eq(beats - 1).mux(0, next)
            }
        };
        m.when(accept, || place.set(input["last"].mux(0, next)));

        let loaded = m.register("beat_loaded", bit()).reset(0);
        m.when(input.ready, || loaded.set(input.valid));
        let keep = |name: &str, value: Expr<'m>| kept(m, name, value, accept);
        let opens = keep("beat_opens", begins);
        let ends = keep("beat_ends", input["last"]);
        let beat_place = keep("beat_place", place.expr());
        let empty = (p.lanes > 1).then(|| {
            let empty = keep("beat_empty", input["empty"]);
            match p.lanes.is_power_of_two() {
                true => empty,
                false => empty.min(p.lanes - 1).truncate(empty.width()).named("beat_missing"),
            }
        });
        let length = match (counts_elements(p), empty) {
            (true, empty) => {
                let others = empty.map_or(m.constant(1, bit()), |empty| {
                    let present = m.constant(p.lanes, uint(empty.width() + 1)) - empty;
                    present.as_unsigned().named("beat_present")
                });
                let before = match p.lanes.is_power_of_two() {
                    true => beat_place << p.lanes.ilog2(),
                    false => beat_place * p.lanes,
                };
                (before + others).wrap(uint(index_width(p.longest + 1)))
            }
            (false, Some(empty)) => concat(m, &[beat_place, empty]),
            (false, None) => beat_place,
        };
        Beat { loaded: loaded.expr(), opens, ends, place: place.expr(), length }
    }
}

/// The sums over the beat that is added up, and the RAM with the vectors before.
fn elements<'m>(
    m: &'m ModuleBuilder,
    p: &CoherenceMetricParameters,
    input: &StreamIn<'m>,
    head: &Head<'m>,
    beat: &Beat<'m>,
    accept: Expr<'m>,
    lane: &Arc<Module>,
) -> Vec<Expr<'m>> {
    let beats = p.longest.div_ceil(p.lanes);
    let (address, depth) = match head.offered {
        Some(context) => {
            let stride = 1 << beat.place.width();
            (concat(m, &[context, beat.place]), (head.contexts - 1) * stride + beats)
        }
        None => (beat.place, beats),
    };
    let vectors = m.memory("vectors", depth, uint(p.lanes * p.width)).asserted();
    let before = vectors.read("before", address, accept);
    let lanes = m.array("lane", &[("index", p.lanes)], lane);
    lanes.each("element_i", &input["data"].elements(sint(p.width)));
    lanes.each("present_i", &present(m, input, p.lanes).bits());
    lanes.broadcast("accept_i", accept);
    lanes.each("b_i", &before.elements(sint(p.width)));
    let elements: Vec<Expr> =
        lanes.outputs("element_o").into_iter().map(Expr::as_unsigned).collect();
    vectors.write(address, crate::hdl::pack(m, &elements), accept);
    let of_beat = |sum: Sum| {
        let (below, above) = (format!("{}_i", sum.name()), format!("{}_o", sum.name()));
        let zero = m.constant(0, sum.ty(p.width, p.lanes));
        lanes.chain(&below, &above, "index", &[zero]);
        lanes.last(&above, "index")[0]
    };
    Sum::needed(p).into_iter().map(of_beat).collect()
}

/// Adds up the sums; they stay when their vector is whole. Each is given with its next value.
fn accumulate<'m>(
    m: &'m ModuleBuilder,
    p: &CoherenceMetricParameters,
    of_beat: Vec<Expr<'m>>,
    beat: &Beat<'m>,
    load: Expr<'m>,
) -> Vec<(Sum, Signal<'m>, Expr<'m>)> {
    let add = |(sum, of_beat): (Sum, Expr<'m>)| {
        let (name, ty) = (sum.name(), sum.ty(p.width, p.longest));
        let partial = m.register(format!("partial_{name}"), ty);
        let so_far = beat.opens.mux(0, partial).named(&format!("{name}_so_far"));
        let next = (so_far + of_beat).wrap(ty).named(&format!("next_{name}"));
        (partial, (sum, m.register(format!("sum_{name}"), ty), next))
    };
    let sums: Vec<_> = Sum::needed(p).into_iter().zip(of_beat).map(add).collect();
    m.when((beat.loaded & !beat.ends).named("add"), || {
        sums.iter().for_each(|(partial, (.., next))| partial.set(next));
    });
    m.when(load, || sums.iter().for_each(|(_, (_, whole, next))| whole.set(next)));
    sums.into_iter().map(|(_, sum)| sum).collect()
}

/// The sums, where there is a vector to compare with all of them, and whose they are.
fn put_out<'m>(
    p: &CoherenceMetricParameters,
    output: &StreamOut<'m>,
    whole: &Whole<'m>,
    context: Option<Expr<'m>>,
) {
    let put = |name: &str, value: Expr<'m>| output[&*format!("sum_{name}")].set(value);
    for (sum, a, b) in &whole.sums {
        let compared = |value: Expr<'m>| whole.first.mux(0, value);
        match sum.before() {
            None => put(sum.name(), compared(*a)),
            Some(name) => {
                put(sum.name(), *a);
                put(name, compared(b.unwrap_or(*a)));
            }
        }
    }
    if p.weights {
        output["weights"].set(is_weights(p, context));
    }
    if let (true, Some(context)) = (p.layers > 1, context) {
        output["layer"].set(context.truncate(output["layer"].width()));
    }
}
