//! The engine: from survivors to the next layer's vector.

pub mod pe_cluster;
