//! Tests of the crossbar.
