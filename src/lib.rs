//! Lacuna: an RTL generator and hardware description toolkit.

pub mod config;
pub mod hdl;
pub mod verilog;
