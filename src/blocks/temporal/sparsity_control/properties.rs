//! What is proven of the sparsity control.

use super::rtl::{Beat, Decision, Settings, State, keep_type};
use super::{Coherent, Combine, SparsityControlParameters};
use crate::blocks::properties::{Tracked, difference};
use crate::blocks::temporal::layers::Flags;
use crate::hdl::{Expr, ModuleBuilder, StreamOut, bit, index_width, pack, uint};

/// A layer, whichever; none if there is but one.
pub(super) fn any_layer<'m>(
    m: &'m ModuleBuilder,
    p: &SparsityControlParameters,
) -> Option<Expr<'m>> {
    if p.layers == 1 {
        return None;
    }
    let any = m.any_constant("any_layer", uint(index_width(p.layers)));
    Some(match p.layers.is_power_of_two() {
        true => any,
        false => any.min(p.layers - 1).truncate(any.width()).named("tracked_layer"),
    })
}

/// Whether a beat is of this layer.
fn is_of<'m>(m: &'m ModuleBuilder, beat: &Beat<'m>, layer: Option<Expr<'m>>) -> Expr<'m> {
    let is_of = layer.zip(beat.layer).map(|(layer, other)| layer.eq(other));
    is_of.unwrap_or_else(|| m.constant(1, bit()))
}

/// Each level goes out once, in order, and is what it has to be where that is plain: the ordered
/// one, LOW at a first step, and with its own keep and threshold.
pub(super) fn levels<'m>(
    m: &'m ModuleBuilder,
    p: &SparsityControlParameters,
    settings: &Settings<'m>,
    output: &StreamOut<'m>,
    beat: &Beat<'m>,
    first: Expr<'m>,
    layer: Option<Expr<'m>>,
) {
    let (push, pop) = (beat.moves, output.fire().named("pop"));
    // What stood at the plain inputs as the beat went in, and what it was.
    let overrides = settings.overrides;
    let facts = [
        settings.keeps,
        settings.thresholds,
        overrides,
        settings.override_level,
        (first & !overrides).named("first_counts"),
        is_of(m, beat, layer).named("of_tracked_layer"),
    ];
    let tracked = Tracked::new(m, 1, push, pop, pack(m, &facts), |enters| push & enters);
    tracked.conserved(m, output, pop, None);
    m.assert("one_counted", tracked.inside.eq(output.valid));
    let mut low = 0;
    let [keeps, thresholds, overridden, ordered, is_first, is_of_layer] = facts.map(|fact| {
        low += fact.width();
        tracked.data.slice(low - fact.width(), fact.width())
    });
    let is_there = (output.valid & tracked.leaves).named("tracked_is_there");
    let (level, keep) = (output["level"].expr(), output["keep"].expr());
    m.assert("level_in_range", !is_there | !is_of_layer | level.lt(p.bands));
    let is_ordered =
        (level.eq(ordered) & ordered.lt(p.bands)) | (level.eq(p.bands - 1) & ordered.ge(p.bands));
    m.assert("override_is_exact", !is_there | !overridden | is_ordered);
    let is_low = level.eq(0) & keep.eq(p.first_keep);
    m.assert("first_is_low", !is_there | !is_first | is_low);
    // What stood at the input for the level.
    let own = |packed: Expr<'m>, width: u32| level.select(&packed.elements(uint(width)));
    let own_keep = own(keeps, keep_type(p).width).eq(keep);
    m.assert("keep_of_level", !is_there | is_first | own_keep);
    let own_threshold = own(thresholds, p.threshold_width).eq(output["threshold"]);
    m.assert("threshold_of_level", !is_there | own_threshold);
    m.cover("tracked_leaves", pop & tracked.leaves);
    m.cover("in_and_out", push & pop);
    m.cover("overrides_first", push & overrides & first);
}

/// The vectors and bands of any layer take turns.
pub(super) fn turns<'m>(
    m: &'m ModuleBuilder,
    pending: &Flags<'m>,
    begins: &Beat<'m>,
    decides: &Beat<'m>,
    layer: Option<Expr<'m>>,
) {
    let begins = (begins.moves & is_of(m, begins, layer)).named("layer_begins");
    let decides = (decides.moves & is_of(m, decides, layer)).named("layer_decides");
    let waits = m.register("layer_waits", bit()).reset(0);
    waits.set(waits ^ begins ^ decides);
    m.assert("one_vector_at_a_time", !begins | !waits);
    m.assert("bands_behind_vectors", !decides | waits);
    m.assert("pending_waits", pending.get(layer).eq(waits));
    m.cover("band_after_vector", decides);
}

/// A level of any layer is used as often as was asked for when it came, and exists.
pub(super) fn decisions<'m>(
    m: &'m ModuleBuilder,
    p: &SparsityControlParameters,
    settings: &Settings<'m>,
    state: &State<'m>,
    beat: &Beat<'m>,
    decision: &Decision<'m>,
    layer: Option<Expr<'m>>,
) {
    let moves = (beat.moves & is_of(m, beat, layer)).named("layer_moves");
    let level = state.level.read("tracked_level", layer);
    let left = state.left.read("tracked_left", layer);
    // How many bands went in since the level changed, with that one; up to the longest dwell.
    let used = m.register("used", uint(8)).reset(0);
    let promised = m.register("promised", uint(8)).reset(0);
    let begun = m.register("layer_begun", bit()).reset(0);
    let is_other = decision.level.ne(level).named("level_moves");
    let first = decision.first;
    m.when(moves, || begun.set(1));
    m.when(moves & (first | is_other), || {
        used.set(1);
        promised.set(first.mux(0, settings.dwell));
    })
    .or_when(moves & used.ne(255), || used.set((used + 1).truncate(8)));
    let free = used.ge(promised).named("is_free");
    m.assert("dwells", !moves | first | !is_other | free | !begun);
    for metric in &state.metrics {
        let known = metric.known.get(layer);
        m.assert(&format!("{}known_has_begun", metric.name), !known | begun);
        let most = p.bands - u32::from(p.coherent == Coherent::Sparser);
        let Some(rank) = metric.rank.as_ref().filter(|_| !(most + 1).is_power_of_two()) else {
            continue;
        };
        let rank = rank.read(&format!("tracked_{}rank", metric.name), layer);
        m.assert(&format!("{}rank_in_range", metric.name), !known | rank.le(most));
    }
    let rest = free.mux(0, difference(promised.expr(), used.expr(), uint(8)));
    m.assert("left_is_kept", !begun | left.eq(rest));
    m.assert("tracked_level_in_range", !begun | level.lt(p.bands));
    // With both, the way there is too long to search for.
    if p.combine != Combine::Both {
        m.cover("dwells_on", moves & !free);
    }
}
