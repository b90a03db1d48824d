//! What is proven of the coherence metric: of vectors, that each has one band, in order; of the
//! decision, that it stays within its bounds. That sums and decisions are right is for simulation:
//! a solver does not come back from their products.

use super::CoherenceMetricParameters;
use super::decide::Decision;
use crate::blocks::properties::Tracked;
use crate::hdl::{Expr, ModuleBuilder, StreamIn, StreamOut};

/// What the block knows.
pub(super) struct State<'m> {
    /// Whether a vector begins with the beat that is offered.
    pub begins: Expr<'m>,
    /// Whether there is a beat that is added up, and whether its vector ends with it.
    pub loaded: Expr<'m>,
    pub ends: Expr<'m>,
    /// Whether the vector that comes in, or came in last, begins a sequence.
    pub head_fresh: Expr<'m>,
    /// Whether the vector that is whole has none before.
    pub fresh: Expr<'m>,
}

pub(super) fn state<'m>(
    m: &'m ModuleBuilder,
    p: &CoherenceMetricParameters,
    input: &StreamIn<'m>,
    output: &StreamOut<'m>,
    state: &State<'m>,
    decision: &Decision<'m>,
) {
    let accept = input.fire();
    let completes = (accept & input["last"]).named("vector_completes");
    let pop = output.fire().named("pop");
    let fresh = state.begins.mux(input["new_sequence"], state.head_fresh).named("is_fresh");
    let tracked = Tracked::new(m, 2, completes, pop, fresh, |enters| completes & enters);
    m.assert("nothing_invented", !output.valid | tracked.inside.ne(0));
    let is_whole = (state.loaded & state.ends).named("vector_waits");
    m.assert("state_exists", decision.is_somewhere);
    let decides = (!decision.state.is("Idle")).named("decides");
    m.assert("vectors_counted", tracked.inside.eq(is_whole + decides));
    m.assert("one_beat_at_a_time", !is_whole | state.begins);
    let is_next = is_whole & !decides & tracked.leaves;
    tracked.is_at(m, "tracked_comes", is_next, state.head_fresh);
    let is_behind = is_whole & decides & tracked.ahead.eq(1);
    tracked.is_at(m, "tracked_follows", is_behind, state.head_fresh);
    let is_decided = decides & tracked.leaves & tracked.data;
    m.assert("tracked_is_fresh", !is_decided | state.fresh);

    let first = output.valid & output["first"];
    m.assert("new_sequence_is_first", !(output.valid & tracked.leaves & tracked.data) | first);
    m.assert("first_has_band_0", !first | output["band"].eq(0));
    if !p.bands.is_power_of_two() {
        m.assert("band_in_range", !output.valid | output["band"].lt(p.bands));
    }
    let (digits, most) = decision.digits;
    if most > 1 {
        m.assert("digits_in_range", decision.rests | digits.lt(most));
    }
    if let Some((next, met)) = decision.several {
        let compares = decision.compares;
        let prepares = decides & !compares & !decision.state.is("Done");
        m.assert("begins_at_first", !prepares | (next.eq(0) & met.eq(0)));
        m.assert("threshold_exists", !compares | next.lt(p.bands));
        m.assert("met_of_those_before", !compares | met.lt(next));
    }
    m.cover("waits_behind", is_whole & decides);
    // A decision of many digits is too long a way for a solver.
    if most == 1 {
        m.cover("tracked_leaves", pop & tracked.leaves);
        m.cover("out_and_in", pop & completes);
    }
}
