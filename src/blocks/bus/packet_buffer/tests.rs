//! Tests of the packet buffer.

use super::*;
use crate::blocks::testing::agrees;

#[test]
fn it_agrees_at_odd_sizes() {
    agrees::<PacketBuffer>(&PacketBuffer::mutated());
    PacketBuffer::variants().iter().for_each(agrees::<PacketBuffer>);
    agrees::<PacketBuffer>(&PacketBufferParameters::default());
}
