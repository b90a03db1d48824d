//! What the golden models are made of: bit patterns, stimulus, and what should come of it.
//!
//! A golden model is plain Rust on integers. It shares nothing with the hardware but the validated
//! parameters of the block, so it can only agree with it by being right. There are two kinds:
//!
//! - A block between streams has a function from all beats that go in to all beats that come out,
//!   with the cycle of each when nothing stalls ([`Model::streams`]).
//! - A block of plain ports has a machine that is asked for its outputs in every cycle
//!   ([`Model::ports`]).
//!
//! Both see the block through a [`Shape`]: channels that go in and come out, each a list of fields.

mod bits;
mod response;
mod shape;
mod stimulus;

pub use bits::Bits;
pub(crate) use response::Turns;
pub use response::{Cause, Emitted, Model, Moved, PortModel, Response, StreamModel};
pub use shape::{Channel, Field, Shape};
pub use stimulus::{Kind, Random, Stimulus, recording};

/// One beat of a channel: its fields in declared order.
pub type Beat = Vec<Bits>;
