//! Blocks that the engines are made of.

pub mod arbiter;
pub mod clock_gate;
pub mod fifo;
pub mod register_slice;
pub mod reset_synchronizer;
pub mod sync_ram;
pub mod width_converter;
