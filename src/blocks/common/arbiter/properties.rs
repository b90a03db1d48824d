//! What is proven of the round-robin arbiter.

use crate::hdl::{Expr, ModuleBuilder, index_width, uint};

/// What an arbiter of several requesters knows.
pub(super) struct Turn<'m> {
    /// Whether the grant is taken.
    pub advance: Expr<'m>,
    /// Those behind the last granted.
    pub behind: Expr<'m>,
    /// The grant that waits, if grants are held.
    pub held: Option<Expr<'m>>,
}

pub(super) fn state<'m>(
    m: &'m ModuleBuilder,
    request: Expr<'m>,
    grant: Expr<'m>,
    index: Expr<'m>,
    turn: Option<&Turn<'m>>,
) {
    m.assert("one_at_most", (grant & (grant - 1).wrap(grant.ty())).eq(0));
    m.assert("only_who_asks", (grant & !request).eq(0));
    m.assert("somebody_if_any", request.any().eq(grant.any()));
    m.assert("index_is_granted", !grant.any() | grant.bit_at(index));
    let Some(turn) = turn else {
        m.cover("granted", grant.any());
        return;
    };
    let advance = turn.advance;
    if let Some(held) = turn.held {
        let waited = m.register("waited", grant.ty()).reset(0);
        waited.set(advance.mux(0, grant));
        let stays = (request & waited).any();
        m.assert("waiting_grant_stays", !stays | grant.eq(waited));
        m.assert("held_waited", held.eq(waited));
    }
    fair(m, request, grant, index, turn);
    m.cover("everybody_asks", request.all() & advance);
}

/// Whoever goes on asking is granted after `requesters - 1` other taken grants at most.
fn fair<'m>(
    m: &'m ModuleBuilder,
    request: Expr<'m>,
    grant: Expr<'m>,
    index: Expr<'m>,
    turn: &Turn<'m>,
) {
    let (number, ty) = (request.width(), uint(index_width(request.width())));
    // The bits up to that of a requester, with it.
    let up_to = |who: Expr<'m>| {
        let bit = m.constant(1, uint(1)).shift_left(who).truncate(number);
        (bit, bit | (bit - 1).wrap(request.ty()))
    };
    let who = m.any_constant("who", ty);
    let asks = request.bit_at(who).named("asks");
    let is_granted = grant.bit_at(who).named("is_granted");
    let is_taken = (turn.advance & grant.any()).named("is_taken");

    let count = uint(index_width(number + 1));
    let passed =
        m.register("passed", count).reset(0).doc("grants taken by others while `who` asks");
    let next = is_taken.mux((passed + 1).truncate(count.width), passed);
    passed.set((asks & !(is_taken & is_granted)).mux(next, 0));
    m.assert("others_at_most", passed.le(number - 1));
    m.cover("bound_reached", passed.eq(number - 1) & is_taken & is_granted);

    // Each grant that others take brings the turn nearer.
    let last = m.register("last", ty).reset(number - 1).doc("who was granted last");
    m.when(is_taken, || last.set(index));
    m.assert("behind_last", turn.behind.eq(!up_to(last.expr()).1));
    if !number.is_power_of_two() {
        m.assert("last_in_range", last.lt(number));
    }
    let gap = who + (number - 1) - last;
    let distance = who.gt(last).mux((gap - number).wrap(gap.ty()), gap).named("distance");
    m.assert("turn_comes_nearer", passed.eq(0) | (distance + passed).lt(number));
    if let Some(held) = turn.held {
        // A grant that waits was given when `who` asked already, so it is one before its turn.
        let (bit, mask) = up_to(who);
        let before = turn.behind.bit_at(who).mux(turn.behind & mask, turn.behind | mask) | bit;
        m.assert("held_before_turn", passed.eq(0) | (held & !before).eq(0));
    }
}
