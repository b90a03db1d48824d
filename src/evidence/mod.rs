//! Evidence about emitted text: what it costs, and proof that the checks can fail.
//!
//! Four kinds, one folder each, from a registered block at parameters to plain data: what it costs
//! in cells and time, and whether its netlists are it ([`synth`]); what is proven of it
//! ([`formal`]); which mistakes its cosimulation would notice ([`mutation`]); what its toggles cost
//! ([`power`]). [`gather`] asks all of them of some blocks, [`page()`] writes down what is known of one,
//! and [`overview`] has a row of each.

pub mod formal;
mod known;
pub mod mutation;
mod page;
pub mod power;
pub mod synth;
mod workers;

pub use known::{EvidenceError, Known, Progress, Proven, Simulated, digest, gather};
pub use page::{flaws, is_of, is_untouched, overview, page};
pub use workers::each;
