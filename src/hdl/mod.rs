//! Hardware description: modules, typed lossless expressions, checks and an evaluator.

pub mod name;
