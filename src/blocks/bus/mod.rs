//! The bus: how a host reaches the machine.

pub mod packet_buffer;
pub(crate) mod register_file;
