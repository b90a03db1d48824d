//! The fabric: what joins the engines, and brings work to where there is room for it.

pub mod crossbar;
