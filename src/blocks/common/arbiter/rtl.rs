//! The hardware of the round-robin arbiter.

use std::sync::Arc;

use super::properties::{self, Turn};
use super::{Arbiter, ArbiterParameters};
use crate::blocks::Block;
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, bit, index_width, pack, uint};

/// The lowest bit that is set, alone: `x & -x`.
fn lowest<'m>(x: Expr<'m>) -> Expr<'m> {
    x & (-x).wrap(x.ty())
}

/// The number of the only bit that is set; 0 where none is.
fn number<'m>(m: &'m ModuleBuilder, one_hot: Expr<'m>) -> Expr<'m> {
    let bits = one_hot.bits();
    let digits: Vec<_> = (0..index_width(one_hot.width()))
        .map(|digit| {
            let with_digit = bits.iter().enumerate().filter(|(i, _)| i >> digit & 1 == 1);
            let set = with_digit.map(|(_, bit)| *bit).reduce(|a, b| a | b);
            let set = set.unwrap_or_else(|| m.constant(false, bit()));
            if one_hot.width() > 2 { set.named(&format!("index_{digit}")) } else { set }
        })
        .collect();
    pack(m, &digits)
}

pub(super) fn describe(name: &str, p: &ArbiterParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc(Arbiter::SUMMARY);
    m.parameter("requesters", p.requesters);
    m.parameter("hold", p.hold);
    let ty = uint(p.requesters);
    let request = m.input_doc("request_i", ty, "who asks");
    let advance = m.input_doc("advance_i", bit(), "the grant is taken: pass the turn on");
    let grant_out = m.output("grant_o", ty).doc("who is granted");
    let index_out = m.output("index_o", uint(index_width(p.requesters))).doc("its number");

    let mut turn = None;
    let grant = if p.requesters == 1 {
        m.discard(advance);
        request
    } else {
        // Those behind the last granted come first; if none of them asks, the turn starts over.
        let behind = m.register("behind", ty).reset(0).doc("those behind the last taken grant");
        let favored = (request & behind).named("favored");
        let mut held = None;
        let mut grant = favored.any().mux(lowest(favored), lowest(request));
        if p.hold {
            let waiting = m.register("held", ty).reset(0).doc("the grant, while it waits");
            let kept = (request & waiting).named("kept");
            grant = kept.any().mux(kept, grant).named("grant");
            waiting.set(advance.mux(0, grant));
            held = Some(waiting.expr());
        } else {
            grant = grant.named("grant");
        }
        let up_to_grant = grant | (grant - 1).wrap(ty);
        m.when(advance & request.any(), || behind.set(!up_to_grant));
        turn = Some(Turn { advance, behind: behind.expr(), held });
        grant
    };
    grant_out.set(grant);
    index_out.set(number(&m, grant));
    properties::state(&m, request, grant_out.expr(), index_out.expr(), turn.as_ref());
    m.finish()
}
