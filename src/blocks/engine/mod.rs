//! The engine: from survivors to the next layer's vector.

pub mod accelerator;
pub mod layer_engine;
pub mod pe_cluster;
pub mod requantiser;

use crate::hdl::{Expr, ModuleBuilder, Type, bit, concat};

/// Of what is known of each layer, the first lowest, that of one.
fn of_layer<'m>(all: Expr<'m>, layer: Expr<'m>, ty: Type) -> Expr<'m> {
    layer.select(&all.elements(ty)).wrap(ty)
}

/// Assumes that settings rest while `busy` is 1.
fn rest<'m>(m: &'m ModuleBuilder, settings: &[Expr<'m>], busy: Expr<'m>) {
    let all: Vec<Expr> = settings.iter().map(|setting| setting.as_unsigned()).collect();
    let all = concat(m, &all);
    let was_busy = m.register("was_busy", bit()).reset(0);
    was_busy.set(busy);
    let rested = all.eq(m.delayed("settings_were", all));
    m.assume("settings_rest", !(busy & was_busy) | rested);
}

/// How many bits numbers below `count` need, one at least: for golden models.
fn bits(count: u32) -> u32 {
    count.next_power_of_two().ilog2().max(1)
}

/// What an accumulator of `width` bits keeps of a number: for golden models.
fn wrapped(number: i64, width: u32) -> i64 {
    let above = i64::BITS - width;
    number << above >> above
}
