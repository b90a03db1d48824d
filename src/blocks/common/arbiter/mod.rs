//! Round-robin arbiter: grants one of several requests, each in its turn.
//!
//! `grant_o` has at most one bit set, always one that `request_i` has, and one whenever there is
//! any request; `index_o` is its number. In a cycle with `advance_i`, the turn passes to the
//! requesters behind the granted one, so a standing request waits for at most `requesters - 1`
//! other grants. The grant follows the requests in the same cycle.

mod rtl;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::Block;
use crate::config::{Tech, parameters};
use crate::hdl::{Errors, Module};

parameters! {
    /// Parameters of the round-robin arbiter.
    pub struct ArbiterParameters {
        /// How many requesters take turns.
        requesters: u32 = 4 in 1..=256,
    }
}

/// The round-robin arbiter.
pub struct Arbiter;

impl Block for Arbiter {
    type Parameters = ArbiterParameters;
    const NAME: &'static str = "arbiter";
    const SUMMARY: &'static str = "Grants one of several requests, each in its turn.";

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }
}
