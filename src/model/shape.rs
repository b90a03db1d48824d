//! A block from outside, as stimulus and models see it.

/// The channels of a block.
///
/// In a block between streams each stream is a channel. In a block of plain ports all inputs are
/// one channel and all outputs another, with a beat in every cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// What goes in.
    pub inputs: Vec<Channel>,
    /// What comes out.
    pub outputs: Vec<Channel>,
    /// Plain inputs of a block between streams, which keep a value from reset to reset.
    pub held: Vec<Field>,
}

/// A stream, or all plain ports of one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The name of the stream.
    pub name: String,
    /// The parts of a beat.
    pub fields: Vec<Field>,
}

/// A part of a beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, without the stream's and without suffix.
    pub name: String,
    /// Bits.
    pub width: u32,
    /// Whether it is a two's complement number.
    pub signed: bool,
}
