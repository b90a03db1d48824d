//! Cosimulation: the emitted text runs, and is compared with what it should be.

pub mod verilator;
