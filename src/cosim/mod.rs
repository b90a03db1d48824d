//! Cosimulation: the golden model, the evaluator and Verilator, side by side.
//!
//! A [`Subject`] is a module with its golden [`Model`](crate::model::Model): a registered block, or
//! one of your own. A [`Rig`] has its simulators, and runs it under every [`Scenario`]: random,
//! corner and recorded stimulus, each side of the streams stalling never, by chance, in bursts or
//! for long; from state zero, and from a random state with a reset in mid-stream.
//!
//! ```
//! use lacuna::config::Tech;
//! use lacuna::cosim::{Plan, Rig, Subject};
//! use lacuna::hdl::*;
//! use lacuna::model::{Bits, Cause, Emitted, Model, Response};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Negates what passes through.
//! let m = ModuleBuilder::new("negate");
//! m.timing(0, 1);
//! let input = m.stream_in("in", &[("x", sint(8))]);
//! let output = m.stream_out("out", &[("y", sint(9))]);
//! output.valid.set(input.valid);
//! output["y"].set(-input["x"]);
//! input.ready.set(output.ready);
//!
//! // From all beats that go in to all that come out, with the cycle of each when nothing stalls.
//! let model = Model::streams(|stimulus| {
//!     let beats = stimulus.inputs[0].iter().enumerate();
//!     let emitted = beats.map(|(beat, fields)| Emitted {
//!         beat: vec![Bits::new(9, -fields[0].signed())],
//!         cycle: beat as u64,
//!         cause: Cause { channel: 0, beat },
//!     });
//!     Response {
//!         emitted: vec![emitted.collect()],
//!         accepted: vec![(0..stimulus.inputs[0].len() as u64).collect()],
//!         capacity: vec![0],
//!     }
//! });
//!
//! let subject = Subject::new(m.finish()?, Tech::default(), model)?;
//! let plan = Plan::default();
//! // `Rig::verilator` does the same with Verilator, and the evaluator beside it.
//! let outcome = Rig::evaluator(&subject)?.check(&subject, &plan, || {});
//! if let Some(failure) = &outcome.failure {
//!     panic!("{}", failure.report(&subject, &plan, None));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is compared
//!
//! Between streams: value and order of every beat with the model's; that a beat which waits is
//! held, that none comes before its cause or beyond the last, that nothing gets stuck, also where
//! whoever takes waits until there is something to take. Where nothing stalls, the cycle of every
//! beat as well, the declared latency and initiation interval, and how much goes in while nothing
//! is taken. Of plain ports, every output that the model knows, in every cycle. Beside it the
//! evaluator gets the same inputs: from state zero it has to show the same on every port in every
//! cycle, from a random state on all that is valid. Properties of the modules are looked at in
//! both. A stimulus or a model of another shape than the module's is named as such.
//!
//! A golden model does not see in which order the beats of several streams arrive under stalls. Of
//! a block that lets streams take turns, it says so
//! ([`with_turns`](crate::model::Model::with_turns)): then order counts among the beats of one
//! stream and within a turn, and where nothing stalls, everywhere. A block whose values depend on
//! the order needs a stimulus that leaves no choice; and every beat that comes out has to follow
//! from one that went in.
//!
//! What differs becomes a [`Failure`]: the first mismatch, what it looks like, and the shortest
//! stimulus that was found to fail alike.

mod check;
mod engine;
mod mismatch;
mod pins;
mod replay;
mod report;
mod rig;
mod run;
mod scenario;
mod shrink;
mod stalls;
mod subject;
pub mod testbench;
pub mod verilator;

#[cfg(test)]
mod tests;

pub use check::{Failure, Outcome, Plan};
pub(crate) use engine::RESET_CYCLES;
pub use mismatch::{Difference, Finding, Mismatch, Place};
pub use pins::Pins;
pub use replay::Replay;
pub use rig::{Rig, RigError, Workshop};
pub use run::Run;
pub use scenario::{Case, Idle, Scenario};
pub use stalls::Stalls;
pub use subject::{Subject, SubjectError};
