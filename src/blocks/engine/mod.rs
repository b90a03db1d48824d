//! The engine: from survivors to the next layer's vector.

pub mod layer_engine;
pub mod pe_cluster;
pub mod requantiser;

use crate::hdl::{Expr, Type};

/// Of what is known of each layer, the first lowest, that of one.
fn of_layer<'m>(all: Expr<'m>, layer: Expr<'m>, ty: Type) -> Expr<'m> {
    layer.select(&all.elements(ty)).wrap(ty)
}

/// How many bits numbers below `count` need, one at least: for golden models.
fn bits(count: u32) -> u32 {
    count.next_power_of_two().ilog2().max(1)
}
