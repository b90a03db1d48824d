//! What is proven of the mask generator: groups and beats are neither lost nor invented, groups keep
//! their order, and no more elements survive than may. Which of equal ones survive, simulation shows.

use super::cell::Sizes;
use super::score::Elements;
use crate::blocks::properties::{Tracked, difference};
use crate::hdl::{Array, Expr, ModuleBuilder, StreamIn, StreamOut, bit, index_width, pack, uint};

/// Up to this many elements of a group those that survive are counted: larger sums are more than a
/// solver chews.
const LARGEST: u32 = 3;

/// Where groups and beats are.
pub(super) struct State<'m> {
    /// Whether a group is offered to the first cell, and what it takes along.
    pub entry: (Expr<'m>, Expr<'m>),
    /// Whether the last cell's group can leave.
    pub exit_ready: Expr<'m>,
    /// How many beats are in front of the cells.
    pub before: Expr<'m>,
    /// How many beats are behind the cells.
    pub behind: Expr<'m>,
}

/// Groups pass through the cells in order, and no beat is lost.
pub(super) fn array<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    cells: &Array<'m>,
    (input, output): (&StreamIn<'m>, &StreamOut<'m>),
    state: &State<'m>,
) {
    let offers = cells.outputs("valid_o");
    let readies = cells.outputs("ready_o");
    let tags = cells.outputs("tag_o");
    let cell_count = s.cells as usize;
    let moves: Vec<Expr> = (0..=cell_count)
        .map(|cell| {
            let offered = if cell == 0 { state.entry.0 } else { offers[cell - 1] };
            let ready = readies.get(cell).copied().unwrap_or(state.exit_ready);
            (offered & ready).named(&format!("group_moves_{cell}"))
        })
        .collect();

    // Which cells hold a group, said by what moves between them.
    let holds = m.register("holds", uint(s.cells)).reset(0);
    let hold = |cell: usize| moves[cell] | (holds.expr().bit(cell as u32) & !moves[cell + 1]);
    holds.set(pack(m, &(0..cell_count).map(hold).collect::<Vec<_>>()));
    let (offers, readies) = (pack(m, &offers).named("offers"), pack(m, &readies).named("readies"));
    m.assert("empty_cell_is_ready", (readies | holds).all());
    m.assert("no_group_invented", (!offers | holds).all());
    m.assert("full_cell_takes_as_it_gives", (!readies | !holds | offers).all());

    let (first, last) = (moves[0], moves[cell_count]);
    let tracked = Tracked::new(m, s.cells, first, last, state.entry.1, |enters| first & enters);
    m.assert("groups_counted", tracked.inside.eq(holds.expr().count_ones()));
    let mut beats = vec![state.before, state.behind];
    for (cell, &tag) in tags.iter().enumerate() {
        let is_held = holds.expr().bit(cell as u32);
        let ahead = match cell + 1 == cell_count {
            true => m.constant(0, uint(1)),
            false => {
                let rest = cell_count as u32 - 1 - cell as u32;
                holds.expr().slice(cell as u32 + 1, rest).count_ones()
            }
        };
        let is_tracked = is_held & tracked.ahead.eq(ahead) & tracked.inside.gt(ahead);
        tracked.is_at(m, &format!("tracked_in_cell_{cell}"), is_tracked, tag);
        beats.push(is_held.mux(s.beats_of(m, tag), 0));
    }
    m.cover("all_cells_hold", holds.expr().all());

    // Beats are counted as they go in and come out.
    let ty = uint(index_width(s.beats * (s.cells + 3) + 1));
    let inside = m.register("beats_inside", ty).reset(0);
    let after = inside + input.fire();
    inside.set(difference(after, output.fire(), ty));
    let held = beats.into_iter().reduce(|a, b| a + b).expect("there are stages");
    m.assert("beats_counted", inside.eq(held));
    m.assert("no_beat_invented", !output.valid | inside.ne(0));
    if s.group <= LARGEST {
        m.cover("mask_of_some", output.fire() & output["mask"].expr().any());
    }
}

/// Nothing is gathered beside a group that is complete. Of one that has begun, who is not in S has
/// not survived.
pub(super) fn gathered<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    (complete, gathered): (Expr<'m>, Expr<'m>),
    group: &Elements<'m>,
) {
    let has_begun = complete | gathered.ne(0);
    m.assert("complete_stands_alone", !complete | gathered.eq(0));
    in_range(m, s, "gathered", m.constant(1, bit()), gathered);
    let digits = group.digits.elements(uint(s.digit));
    let out = group.tied.bits().into_iter().zip(digits);
    let is_zero: Vec<Expr> = out.map(|(tied, digit)| tied | digit.eq(0)).collect();
    m.assert("outside_has_no_digit", !has_begun | pack(m, &is_zero).all());
}

/// The number of a beat in its group is one that there is.
pub(super) fn in_range<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    name: &str,
    is_there: Expr<'m>,
    beat: Expr<'m>,
) {
    if !s.beats.is_power_of_two() {
        m.assert(&format!("{name}_in_range"), !is_there | beat.lt(s.beats));
    }
}

/// Those that have survived for certain are not too many.
pub(super) fn cell<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    valid: Expr<'m>,
    keep: Expr<'m>,
    (survives, tied): (Expr<'m>, Expr<'m>),
) {
    if s.group > LARGEST {
        return;
    }
    let survived = (survives & !tied).elements(uint(s.group));
    let fits: Vec<Expr> = survived.into_iter().map(|group| group.count_ones().le(keep)).collect();
    m.assert("survivors_fit", !valid | pack(m, &fits).all());
}
