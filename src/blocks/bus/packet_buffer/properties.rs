//! What is proven of the packet buffer.

use super::PacketBufferParameters;
use crate::hdl::{Expr, Memory, ModuleBuilder, StreamIn, StreamOut};

/// What is known of the packet that comes in.
pub(super) struct Packet<'m> {
    pub accept: Expr<'m>,
    pub wrong: Expr<'m>,
    pub commit: Expr<'m>,
    pub begins: Expr<'m>,
    pub first: Expr<'m>,
    pub count: Expr<'m>,
    pub was_malformed: Expr<'m>,
    pub was_long: Expr<'m>,
    pub new_sequence: Expr<'m>,
}

/// Where beats are.
pub(super) struct Buffer<'m> {
    pub beats: Memory<'m>,
    pub pop: Expr<'m>,
    pub drops: Expr<'m>,
    pub write: Expr<'m>,
    pub kept: Expr<'m>,
    pub read: Expr<'m>,
}

pub(super) fn state<'m>(
    _: &'m ModuleBuilder,
    _: &PacketBufferParameters,
    _: &StreamIn<'m>,
    _: &StreamOut<'m>,
    _: Expr<'m>,
    _: &Packet<'m>,
    _: &Buffer<'m>,
) {
}
