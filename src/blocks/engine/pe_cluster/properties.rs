//! What holds of the cluster of processing elements: sums rest while they are read.

use crate::hdl::{Expr, ModuleBuilder};

/// A layer that something happens to, where `valid` is 1.
#[derive(Clone, Copy)]
pub(super) struct Of<'m> {
    pub valid: Expr<'m>,
    pub layer: Expr<'m>,
}

impl<'m> Of<'m> {
    fn is_apart_from(self, other: Of<'m>) -> Expr<'m> {
        !(self.valid & other.valid) | self.layer.ne(other.layer)
    }
}

/// `next`: whose words are read; `now`: whose sums change; `ends`: whose sums are read next;
/// `read`: whose are.
pub(super) fn layers<'m>(
    m: &'m ModuleBuilder,
    next: Of<'m>,
    now: Of<'m>,
    ends: Of<'m>,
    read: Of<'m>,
) {
    m.assert("sums_rest_while_read", now.is_apart_from(read));
    m.assert("next_is_of_another_layer", next.is_apart_from(read));
    m.assert("next_waits_for_the_end", next.is_apart_from(ends));
    m.assert("one_is_read_at_a_time", !(ends.valid & read.valid));
    m.cover("works_while_sums_are_read", now.valid & read.valid);
}
