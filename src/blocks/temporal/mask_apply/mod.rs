//! Mask apply: keeps of each vector the elements that survive a mask.
//!
//! Streams: `in` and `out`. A beat of `in` is a window of `window` elements of a vector: `data`,
//! `mask` (a bit for each element, element 0 lowest), with `joint` also `weight_mask`, and the
//! framing `empty` and `last`. An element survives if it is present, its bit of `mask` is 1 and,
//! with `joint`, that of `weight_mask` too.
//!
//! # Gate
//!
//! Each beat goes out in the cycle in which it comes in, through gates alone: `data` with zeros in
//! place of what does not survive, so that a multiplier behind sees an operand at rest, `mask` with
//! a bit for each survivor, and `last`. `in_ready_o` is `out_ready_i`.
//!
//! # Compact
//!
//! The survivors of a vector go out in their order, `lanes` in a beat, the first in lane 0: `data`,
//! `index` (the place of each in its vector, modulo two to the power of the field's width, which is
//! just enough for `longest` elements), `count` (how many lanes hold a survivor; the others are 0)
//! and `last`. Every beat but the last of a vector is full: what a window leaves over waits for
//! the next one. No beat mixes vectors. The last beat holds at least one survivor, unless the vector
//! has none at all: then one beat of count 0 ends it.
//!
//! In each cycle in which at least two beats of the queue are free, the first `2 * lanes` survivors
//! of the offered window that have not gone yet move to the queue, found by a prefix sum over the
//! mask. The source holds the window meanwhile: it is accepted in the cycle in which its last
//! survivor moves, so a window of n survivors takes max(1, n / (2 * lanes)) cycles, rounded up.
//! `in_ready_o` thus follows `in_mask_i`, `in_weight_mask_i`, `in_empty_i` and `in_last_i` without
//! a register between, and survivors may come out before their window is accepted.
//!
//! A beat goes out in the cycle after it is known to be whole at the earliest: after the next
//! survivor of its vector, which begins the next beat, or the vector's last window. The queue holds
//! `queue` survivors in beats of `lanes`, and a beat that is not full takes the room of a full one;
//! it bridges windows without survivors, so what it holds decides how well clustered survivors go.
//!
//! # Throughput
//!
//! With S survivors of n elements, a vector takes at least ceil(S / lanes) cycles to go out and
//! ceil(n / window) to come in. The greater of the two over the cycles taken is the share of the
//! ideal. Hardest are survivors in runs at high sparsity: the queue has to last from run to run, or
//! a window has to reach as far. With one lane, 94 % sparsity and runs of 16 on average:
//!
//! | `window` | `queue` 4 | 8 | 12 | 16 | 24 | 32 |
//! |---|---|---|---|---|---|---|
//! | 16 | 0.55 | 0.60 | 0.63 | 0.66 | 0.69 | 0.70 |
//! | 32 | 0.70 | 0.78 | 0.83 | 0.86 | 0.90 | 0.92 |
//! | 48 | 0.79 | 0.88 | 0.92 | 0.95 | 0.98 | 0.99 |
//! | 64 | 0.84 | 0.93 | 0.96 | 0.98 | 0.99 | 1.00 |
//!
//! The window is not stored, so a wide one with a short queue costs less than the reverse: in
//! OSU018 cells 4.6 thousand gate equivalents for 64 with 8, 4.4 for 48 with 12, and 6.8 for 32
//! with 32. The defaults are the cheapest whose window is a power of two. `cargo bench --bench
//! compact` measures the shares.

mod model;
mod properties;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::Block;
use crate::config::{Tech, Violation, choices, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

/// The widest window.
const MOST_WINDOW: u32 = 256;

choices! {
    /// What becomes of the elements that do not survive.
    pub enum Mode {
        /// They become zero, where they stand.
        Gate = "gate",
        /// They are left out, and the survivors move together.
        Compact = "compact",
    }
}

parameters! {
    /// Parameters of mask apply.
    pub struct MaskApplyParameters {
        /// Bits of an element.
        width: u32 = 8 in 1..=32,
        /// Elements that come in per beat.
        window: u32 = 64 in 1..=MOST_WINDOW,
        /// Whether what does not survive becomes zero or is left out.
        mode: Mode = Mode::Compact,
        /// Survivors that go out per beat, at most `window`. No effect in mode `gate`.
        lanes: u32 = 1 in 1..=16,
        /// Survivors that wait to go out at most: a multiple of twice `lanes`, at least four times
        /// `lanes`. No effect in mode `gate`.
        queue: u32 = 8 in 4..=256,
        /// Elements of the longest vector, whose indices are all different. No effect in mode
        /// `gate`.
        longest: u32 = 128 in 1..=65536,
        /// A second mask, of the weights: an element survives if both say so.
        joint: bool = false,
    }
}

/// Mask apply.
pub struct MaskApply;

impl Block for MaskApply {
    type Parameters = MaskApplyParameters;
    const NAME: &'static str = "mask_apply";
    const SUMMARY: &'static str = "Keeps of each vector the elements that survive a mask.";

    fn validate(p: &MaskApplyParameters) -> Vec<Violation> {
        if p.mode == Mode::Gate {
            return vec![];
        }
        let mut violations = vec![];
        if p.lanes > p.window {
            violations.push(Violation {
                parameter: "lanes",
                code: "E0103",
                rule: "no more survivors go out than elements come in".into(),
                note: format!("lanes = {}, window = {}", p.lanes, p.window),
                help: format!("use lanes up to {}", p.window),
            });
        }
        let (unit, least) = (2 * p.lanes, 4 * p.lanes);
        if p.queue < least || !p.queue.is_multiple_of(unit) {
            violations.push(Violation {
                parameter: "queue",
                code: "E0103",
                rule: "the queue holds at least four beats, and an even number of them".into(),
                note: format!("queue = {}, lanes = {}", p.queue, p.lanes),
                help: format!(
                    "use {}",
                    p.queue.next_multiple_of(unit).max(least).min(256 / unit * unit)
                ),
            });
        }
        violations
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        match parameters.mode {
            Mode::Gate => rtl::gate(name, parameters),
            Mode::Compact => rtl::compact(name, parameters),
        }
    }

    fn model(parameters: &MaskApplyParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &MaskApplyParameters,
        _: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, kind, beats, random))
    }

    fn mutated() -> MaskApplyParameters {
        let (width, window, longest) = (3, 8, 32);
        MaskApplyParameters { width, window, longest, ..Default::default() }
    }

    fn variants() -> Vec<MaskApplyParameters> {
        let default = MaskApplyParameters::default;
        let of = |width, window, lanes, queue, longest, joint| MaskApplyParameters {
            width,
            window,
            lanes,
            queue,
            longest,
            joint,
            ..default()
        };
        vec![
            of(3, 5, 1, 6, 17, false),
            of(5, 1, 1, 4, 17, false),
            of(1, 5, 3, 12, 17, true),
            of(9, 3, 2, 8, 5, false),
            of(5, 16, 4, 16, 1000, true),
            MaskApplyParameters { mode: Mode::Gate, window: 5, joint: true, ..default() },
            MaskApplyParameters { mode: Mode::Gate, width: 3, window: 1, ..default() },
        ]
    }
}
