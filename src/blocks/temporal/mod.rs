//! The temporal engine: what changed since the step before decides what is worth computing.
//!
//! # Vectors
//!
//! A vector is a packet of a stream: beats of `lanes` elements, the first element in the lowest
//! bits, `last` with the last beat. Of the last beat, `empty` lanes at the top hold no element; in
//! other beats it means nothing. `lanes` or more counts as `lanes - 1`, so that each beat holds an
//! element and no vector is of length 0. With one lane there is no `empty`.
//!
//! A vector belongs to a layer; what a block remembers, it remembers of each layer apart. With one
//! layer there is no field `layer`; a number beyond the last layer is that of the last.

pub mod delta;
mod layers;
pub mod sparsity_control;
mod stimulus;
mod vector;
