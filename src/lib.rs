//! Lacuna: an RTL generator and hardware description toolkit.

pub mod blocks;
pub mod cli;
pub mod config;
pub mod design;
pub mod eda;
pub mod hdl;
pub mod tech;
pub mod verilog;
