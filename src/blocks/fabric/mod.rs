//! The fabric: how work reaches the clusters of cores, and which of them run.

pub mod cluster;
pub mod crossbar;
pub mod gating;
