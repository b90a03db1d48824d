//! How much the width converter is fed.

use super::WidthConverterParameters;

/// A beat is worth up to thousands on the other side, so about as many as asked for go in or come
/// out, and enough for some to come out and for the interval between them to be measured.
pub(super) fn beats(p: &WidthConverterParameters, beats: usize) -> usize {
    let joined = (p.out_width / p.in_width) as usize;
    let split = (p.in_width / p.out_width).max(1) as usize;
    (beats / split).max(beats.min(18)).max(2 * joined + 1)
}
