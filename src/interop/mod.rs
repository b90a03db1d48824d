//! Modules in the terms of other hardware description libraries.

pub mod rust_hdl;
