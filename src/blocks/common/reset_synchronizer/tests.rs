//! Tests of the block.
