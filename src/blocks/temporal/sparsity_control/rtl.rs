//! The hardware of the sparsity control.

use std::sync::Arc;

use super::properties;
use super::{Coherent, Combine, LevelFrom, SparsityControl, SparsityControlParameters};
use crate::blocks::Block;
use crate::blocks::temporal::layers::{Flags, PerLayer};
use crate::blocks::temporal::vector::{layer, layer_field};
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, StreamIn, StreamOut, Type, bit, index_width, uint,
};

/// A level.
pub(super) fn level_type(p: &SparsityControlParameters) -> Type {
    uint(index_width(p.bands))
}

/// Survivors of a group.
pub(super) fn keep_type(p: &SparsityControlParameters) -> Type {
    uint(index_width(p.group + 1))
}

/// What the levels mean, and whether one is ordered.
pub(super) struct Settings<'m> {
    pub keeps: Expr<'m>,
    pub thresholds: Expr<'m>,
    pub dwell: Expr<'m>,
    pub overrides: Expr<'m>,
    /// The ordered level, as it stands at the port.
    pub override_level: Expr<'m>,
}

impl<'m> Settings<'m> {
    fn new(m: &'m ModuleBuilder, p: &SparsityControlParameters) -> Settings<'m> {
        let (keeps, thresholds) = (p.bands * keep_type(p).width, p.bands * p.threshold_width);
        Settings {
            keeps: m.input_doc("keep_i", uint(keeps), "survivors of each level, level 0 lowest"),
            thresholds: m.input_doc(
                "threshold_i",
                uint(thresholds),
                "threshold of each level, level 0 lowest",
            ),
            dwell: m.input_doc("dwell_i", uint(8), "vectors that a level lasts, at least"),
            overrides: m.input_doc("override_i", bit(), "every vector gets the ordered level"),
            override_level: m.input_doc("override_level_i", level_type(p), "the ordered level"),
        }
    }
}

/// What is remembered of the coherence of activations, or of weights.
pub(super) struct Metric<'m> {
    pub name: &'static str,
    /// The layers of which any has come.
    pub known: Flags<'m>,
    /// The last band's rank, where it is needed again.
    pub rank: Option<PerLayer<'m>>,
}

/// All that is remembered.
pub(super) struct State<'m> {
    /// Of activations and, where they are told apart, of weights.
    pub metrics: Vec<Metric<'m>>,
    pub level: PerLayer<'m>,
    /// How many more vectors use the level before it may change.
    pub left: PerLayer<'m>,
}

/// A beat, and whose it is.
pub(super) struct Beat<'m> {
    /// Whether it moves.
    pub moves: Expr<'m>,
    pub layer: Option<Expr<'m>>,
    /// Whether it is of weights, where they are told apart.
    weights: Option<Expr<'m>>,
    /// For each metric, whether anything has come of its layer.
    known: Vec<Expr<'m>>,
}

/// What a band decides.
pub(super) struct Decision<'m> {
    pub first: Expr<'m>,
    pub level: Expr<'m>,
}

impl<'m> Beat<'m> {
    fn new(
        p: &SparsityControlParameters,
        state: &State<'m>,
        name: &str,
        stream: &StreamIn<'m>,
        moves: &str,
    ) -> Beat<'m> {
        let layer = layer(stream, p.layers).map(|layer| layer.named(&format!("layer_of_{name}")));
        let known = |metric: &Metric<'m>| {
            let known = metric.known.get(layer);
            let port = format!("{}known_of_{name}", metric.name);
            if p.layers == 1 { known } else { known.named(&port) }
        };
        Beat {
            moves: stream.fire().named(moves),
            layer,
            weights: (p.combine != Combine::Activations).then(|| stream["weights"]),
            known: state.metrics.iter().map(known).collect(),
        }
    }

    /// Whether anything has come yet of the layer and of what the beat is of.
    fn is_known(&self) -> Expr<'m> {
        self.weights.map_or(self.known[0], |weights| weights.mux(self.known[1], self.known[0]))
    }

    /// Whether the beat is of this metric: the first is that of activations.
    fn is_of(&self, metric: usize) -> Option<Expr<'m>> {
        self.weights.map(|weights| if metric == 0 { !weights } else { weights })
    }
}

impl<'m> State<'m> {
    fn new(m: &'m ModuleBuilder, p: &SparsityControlParameters) -> State<'m> {
        let metric = |name: &'static str, is_needed_again: bool| Metric {
            name,
            known: Flags::new(m, &format!("{name}known"), p.layers),
            rank: is_needed_again
                .then(|| PerLayer::new(m, &format!("{name}rank"), rank_type(p), p.layers)),
        };
        let metrics = match p.combine {
            Combine::Activations => vec![metric("", false)],
            combine => {
                vec![metric("activations_", combine == Combine::Both), metric("weights_", true)]
            }
        };
        State {
            metrics,
            level: PerLayer::new(m, "layer_level", level_type(p), p.layers),
            left: PerLayer::new(m, "dwell_left", uint(8), p.layers),
        }
    }

    /// A band goes in: what it makes of its layer's level.
    fn decide(
        &self,
        m: &'m ModuleBuilder,
        p: &SparsityControlParameters,
        stream: &StreamIn<'m>,
        beat: &Beat<'m>,
        settings: &Settings<'m>,
    ) -> Decision<'m> {
        let first = (stream["first"] | !beat.is_known()).named("is_first_band");
        let rank = first.mux(0, rank_of(p, stream["band"])).wrap(rank_type(p)).named("rank");
        let counts = self.combined(m, p, beat, rank);
        let wanted = level_of(m, p, counts).named("wanted_level");

        let before = self.level.read("level_before", beat.layer);
        let left = self.left.read("left_before", beat.layer);
        let stays = left.ne(0).named("stays");
        let level = first.mux(0, stays.mux(before, wanted)).wrap(level_type(p)).named("next_level");
        let changes = (!first & !stays & wanted.ne(before)).named("changes");
        let dwell = settings.dwell;
        let more = dwell.eq(0).mux(0, (dwell - 1).wrap(uint(8)));
        let less = (left - 1).wrap(uint(8));
        let next_left = changes.mux(more, (stays & !first).mux(less, 0)).named("next_left");
        self.level.write(m, beat.layer, level, beat.moves);
        self.left.write(m, beat.layer, next_left, beat.moves);
        Decision { first, level }
    }

    /// The rank that counts, of this beat's and of what is remembered.
    fn combined(
        &self,
        m: &'m ModuleBuilder,
        p: &SparsityControlParameters,
        beat: &Beat<'m>,
        rank: Expr<'m>,
    ) -> Expr<'m> {
        let newest = |(index, name): (usize, &str)| {
            let metric = &self.metrics[index];
            let remembered = metric.rank.as_ref()?;
            let is_of = beat.is_of(index)?;
            let last = remembered.read(&format!("last_{name}_rank"), beat.layer);
            remembered.write(m, beat.layer, rank, beat.moves & is_of);
            let last = beat.known[index].mux(last, 0);
            Some(is_of.mux(rank, last).named(&format!("newest_{name}_rank")))
        };
        let ranks = [(0, "activations"), (1, "weights")]
            .map(|one| if p.combine == Combine::Activations { None } else { newest(one) });
        ranks.into_iter().flatten().reduce(|a, b| a.min(b)).unwrap_or(rank)
    }
}

/// How much a band counts: 0 is a first step, which asks for LOW; more is a more coherent one.
fn rank_type(p: &SparsityControlParameters) -> Type {
    match p.coherent {
        Coherent::Sparser => level_type(p),
        Coherent::Denser => uint(index_width(p.bands + 1)),
    }
}

fn rank_of<'m>(p: &SparsityControlParameters, band: Expr<'m>) -> Expr<'m> {
    let band = in_range(p, band).named("band_in_range");
    match p.coherent {
        // The least coherent asks for LOW just as a first step does.
        Coherent::Sparser => band,
        Coherent::Denser => (band + 1).wrap(rank_type(p)),
    }
}

fn level_of<'m>(m: &'m ModuleBuilder, p: &SparsityControlParameters, rank: Expr<'m>) -> Expr<'m> {
    match p.coherent {
        Coherent::Sparser => rank,
        Coherent::Denser => {
            let level = m.constant(p.bands, rank.ty()) - rank;
            rank.eq(0).mux(0, level.wrap(level_type(p)))
        }
    }
}

/// A level or band, below the number of bands.
fn in_range<'m>(p: &SparsityControlParameters, level: Expr<'m>) -> Expr<'m> {
    match p.bands.is_power_of_two() {
        true => level,
        false => level.min(p.bands - 1).wrap(level_type(p)),
    }
}

pub(super) fn describe(name: &str, p: &SparsityControlParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    let (from, then) = match p.level_from {
        LevelFrom::Current => ("its own band", "its band goes in"),
        LevelFrom::Previous => ("the band of the vector before", "it begins"),
    };
    m.doc(format!(
        "{}\n\n\
         A vector's level follows {from}, and goes out one cycle after {then}.\n\
         First steps have level 0 with {} survivors in each group.",
        SparsityControl::SUMMARY,
        p.first_keep
    ));
    m.parameter("bands", p.bands);
    m.parameter("group", p.group);
    m.parameter("first_keep", p.first_keep);
    m.parameter("threshold_width", p.threshold_width);
    m.parameter("layers", p.layers);
    m.parameter("level_from", p.level_from);
    m.parameter("coherent", p.coherent);
    m.parameter("combine", p.combine);
    let settings = Settings::new(&m, p);
    let whose = || {
        let weights = (p.combine != Combine::Activations).then(|| ("weights", bit()));
        weights.into_iter().chain(layer_field(p.layers))
    };
    let vector = (p.level_from == LevelFrom::Previous).then(|| {
        let begins: Vec<Field> = [("new_sequence", bit())].into_iter().chain(whose()).collect();
        m.stream_in("vector", &begins)
    });
    let band = [("band", level_type(p)), ("first", bit())];
    let band = m.stream_in("band", &band.into_iter().chain(whose()).collect::<Vec<_>>());
    let threshold = uint(p.threshold_width);
    let fields = [("level", level_type(p)), ("keep", keep_type(p)), ("threshold", threshold)];
    let output = m.stream_out("level", &fields);
    match &vector {
        None => current(&m, p, &settings, &band, &output),
        Some(vector) => previous(&m, p, &settings, vector, &band, &output),
    }
    m.finish()
}

/// A vector's level follows its own band.
fn current<'m>(
    m: &'m ModuleBuilder,
    p: &SparsityControlParameters,
    settings: &Settings<'m>,
    band: &StreamIn<'m>,
    output: &StreamOut<'m>,
) {
    m.timing(1, 1);
    let state = State::new(m, p);
    let beat = Beat::new(p, &state, "band", band, "band_decides");
    let decision = state.decide(m, p, band, &beat, settings);
    for (index, metric) in state.metrics.iter().enumerate() {
        let is_of = beat.is_of(index).map_or(beat.moves, |is_of| beat.moves & is_of);
        metric.known.change(m, (is_of, beat.layer), None);
    }
    let (is_low, level) = (decision.first, decision.level);
    band.ready.set(send(m, p, settings, output, beat.moves, is_low, level));
    let layer = properties::any_layer(m, p);
    properties::levels(m, p, settings, output, &beat, is_low, layer);
    properties::decisions(m, p, settings, &state, &beat, &decision, layer);
}

/// A vector's level follows the band of the one before.
fn previous<'m>(
    m: &'m ModuleBuilder,
    p: &SparsityControlParameters,
    settings: &Settings<'m>,
    vector: &StreamIn<'m>,
    band: &StreamIn<'m>,
    output: &StreamOut<'m>,
) {
    m.timing(1, 2);
    let state = State::new(m, p);
    let (begins, decides) = (
        Beat::new(p, &state, "vector", vector, "vector_begins"),
        Beat::new(p, &state, "band", band, "band_decides"),
    );
    let decision = state.decide(m, p, band, &decides, settings);
    let new_sequence = (begins.moves & vector["new_sequence"]).named("sequence_begins");
    for (index, metric) in state.metrics.iter().enumerate() {
        let and_of =
            |what: Expr<'m>, beat: &Beat<'m>| beat.is_of(index).map_or(what, |is_of| what & is_of);
        let forgets = and_of(new_sequence, &begins);
        let learns = and_of(decides.moves, &decides);
        metric.known.change(m, (learns, decides.layer), Some((forgets, begins.layer)));
    }
    // A layer's vectors and bands take turns.
    let pending = Flags::new(m, "pending", p.layers);
    pending.change(m, (begins.moves, begins.layer), Some((decides.moves, decides.layer)));
    band.ready.set(pending.get(decides.layer));
    let first = (vector["new_sequence"] | !begins.is_known()).named("is_first");
    let level = state.level.read("level_now", begins.layer);
    let has_room = send(m, p, settings, output, begins.moves, first, level);
    vector.ready.set(has_room & !pending.get(begins.layer));
    let layer = properties::any_layer(m, p);
    properties::levels(m, p, settings, output, &begins, first, layer);
    properties::turns(m, &pending, &begins, &decides, layer);
    properties::decisions(m, p, settings, &state, &decides, &decision, layer);
}

/// Puts a level into the register that it goes out from; whether that has room for one.
fn send<'m>(
    m: &'m ModuleBuilder,
    p: &SparsityControlParameters,
    settings: &Settings<'m>,
    output: &StreamOut<'m>,
    accept: Expr<'m>,
    first: Expr<'m>,
    level: Expr<'m>,
) -> Expr<'m> {
    let overrides = settings.overrides;
    let ordered = in_range(p, settings.override_level);
    let level = overrides.mux(ordered, first.mux(0, level)).wrap(level_type(p)).named("sent_level");
    let keep = level.select(&settings.keeps.elements(keep_type(p)));
    let is_low = (first & !overrides).named("first_decides");
    let keep = is_low.mux(p.first_keep, keep).wrap(keep_type(p)).named("sent_keep");
    let thresholds = settings.thresholds.elements(uint(p.threshold_width));
    let threshold = level.select(&thresholds);

    let valid = m.register("valid", bit()).reset(0);
    for (name, value) in [("level", level), ("keep", keep), ("threshold", threshold)] {
        let sent = m.register(name, value.ty());
        m.when(accept, || sent.set(value));
        output[name].set(sent);
    }
    m.when(accept, || valid.set(1)).or_when(output.ready, || valid.set(0));
    output.valid.set(valid);
    !valid | output.ready
}
