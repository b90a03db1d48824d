//! The accelerator: how a network becomes what it is given, and what it makes of sequences.

pub mod driver;
pub mod program;
pub mod run;
pub mod trial;
pub mod verify;
