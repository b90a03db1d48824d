//! What stands between the engine and a bus.

pub mod packet_buffer;
pub(crate) mod register_file;
