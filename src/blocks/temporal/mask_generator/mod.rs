//! Mask generator (SMG): marks the elements of each group of a vector that are worth most.
//!
//! A group is `group` consecutive elements of a vector, counted from its start; the last group of a
//! vector may be shorter. Each element x has a score s, exact and unsigned:
//!
//! | `source` | score |
//! |---|---|
//! | 0 | magnitude, the absolute value of x |
//! | 1 | change, the absolute value of x - x̂; only with `change` |
//! | 2 | magnitude times the norm of the other operand; only with `norm` |
//!
//! A code that is not built in counts as 0. S is the set of elements with s > threshold. Those that
//! survive are the min(keep, number of S) elements of S with the highest s + bonus · previous, ties
//! going to the lower index.
//!
//! # Streams
//!
//! `in`, per beat:
//!
//! | field | bits | |
//! |---|---|---|
//! | `data` | `lanes` x `width` | the elements x, lane 0 lowest |
//! | `reference` | `lanes` x `width` | x̂, read as x is; only with `change` |
//! | `norm` | `lanes` x 16 | unsigned Q8.8; only with `norm` |
//! | `previous` | `lanes` | the mask before, a bit for each element |
//! | `source` | 2 | which score; only with `change` or `norm` |
//! | `keep` | those of `group` | how many may survive; more than `group` counts as `group` |
//! | `threshold` | those of a score | what a score has to exceed |
//! | `bonus` | those of a score | what the elements of the previous mask have ahead |
//! | `empty`, `last` | | where the vector ends, as everywhere in the engine |
//!
//! `source`, `keep`, `threshold` and `bonus` count in the first beat of a group. Where a beat has
//! several groups, they are those of all.
//!
//! A score has `width` bits. With `norm` built in, it has 15 more (16, if elements are unsigned), of
//! which the lowest 8 are fraction, and so have `threshold` and `bonus`, whatever the source.
//!
//! `out`, for each beat of `in` and in the same order: `mask`, a bit for each lane, 0 where there is
//! no element, and `last`.
//!
//! # The array
//!
//! The survivors are those whose *key* is not below the keep-th highest. A key is the score with its
//! bonus, and below it the index counted from the other end, so that no two are equal. The array
//! finds it digit by digit, the most significant first (`digit` bits each). A cell holds one group:
//! of each element the digits that are still to be decided, and whether its key is, so far, that of
//! the last survivor. It counts how many elements have at least each value of the digit, and the
//! highest value that `keep` elements reach is the digit of the last survivor's key. Elements above
//! it have survived and elements below it have not: as their next digits they show the highest and
//! the lowest value from there on. So cells pass groups on to their neighbour, and nothing else.
//! The digits of the index are never stored: they are constants.
//!
//! A group takes part in group / lanes beats, so a cell may decide as many digits before its
//! neighbour has to have the group: there are as few cells as keep up with one beat per cycle.
//!
//! # Cycles
//!
//! A group moves through these stages, each of which holds one group:
//!
//! 1. *gathering*, where the beats of a group are collected; left out where a beat holds whole
//!    groups. A group can leave in the cycle after its last beat came in.
//! 2. the cells, the first C - 1 of which hold a group for n cycles or longer and the last for the
//!    rest of the D digits. D is the number of digits of a score with its bonus and of an index, each
//!    rounded up; C is D over the beats of a whole group, rounded up, and n is D over C, rounded up.
//! 3. the output, from where the masks leave beat by beat, from the cycle after the group came in.
//!
//! A group leaves a stage at the first clock edge at which it may and the next stage is empty or is
//! left at the same edge. The first beat of a group is taken while the gathering (or the first cell)
//! is empty or at the edge at which it is left. With `norm`, one beat waits in front in a register,
//! for one cycle or until it can go on.
//!
//! One beat per cycle is sustained while groups are whole. Unstalled, the mask of a whole group
//! begins D + 2 cycles after the group's last beat came in (D + 1 where beats hold whole groups), and
//! one more with `norm`. A shorter group stays in a cell as long as a whole one: what follows it may
//! have to wait for up to n cycles. `in_ready_o` follows `out_ready_i` without a register between.
//!
//! # Cost
//!
//! Gate equivalents per element and cycle, and the highest frequency in MHz, in OSU018 cells for
//! elements of 8 bits, beside other ways to the same mask that sustain as much: the rank of each
//! element among all pairs, with the same scores, keep and ties, and Batcher's sorting network. The
//! threshold alone has no limit to the survivors (`cargo bench --bench mask_array`).
//!
//! | lanes | group | `digit` = 1 | 2 | 3 | ranks | sorting | threshold |
//! |---|---|---|---|---|---|---|---|
//! | 1 | 16 | 3180, 396 | 3777, 304 | 4368, 282 | 3938, 329 | 14724, 318 | 223, 645 |
//! | 4 | 16 | 1421, 357 | 1336, 304 | 1627, 281 | 1548, 332 | 3656, 336 | 99, 554 |
//! | 16 | 16 | 758, 359 | 640, 319 | 638, 297 | 521, 342 | 945, 280 | 60, 712 |
//! | 16 | 64 | 1374, 246 | 1215, 228 | 1586, 212 | 3859, 258 | 9060, 315 | 68, 483 |
//!
//! At the best `digit` the array is 0.81 of the ranks with one lane, 0.86 with four, 0.31 with 16 and
//! groups of 64. Where a beat is a whole group of 16 the ranks need neither cells nor digits, and the
//! array is 1.23 of them.

mod cell;
mod model;
mod properties;
mod rtl;
mod score;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, Violation, parameters};
use crate::hdl::{Errors, Module, index_width};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

pub(in crate::blocks::temporal) use model::survivors;

parameters! {
    /// Parameters of the mask generator.
    pub struct MaskGeneratorParameters {
        /// Bits of an element.
        width: u32 = 8 in 1..=32,
        /// Whether elements are signed; the magnitude of an unsigned one is itself.
        signed: bool = true,
        /// Elements per beat; it divides `group` or is a multiple of it.
        lanes: u32 = 4 in 1..=64,
        /// Elements of a group.
        group: u32 = 16 in 2..=64,
        /// Builds in the change since a reference as a score.
        change: bool = false,
        /// Builds in the magnitude times the other operand's norm as a score.
        norm: bool = false,
        /// Bits of a key that are decided at a time: more of them need fewer cells, each of which is
        /// larger.
        digit: u32 = 2 in 1..=3,
    }
}

impl MaskGeneratorParameters {
    /// The most beats between `in` and `out`: where each stage holds a group.
    pub(super) fn beats_inside(&self) -> u32 {
        let beats = (self.group / self.lanes).max(1);
        let stages = model::cells(self).len() as u32 + 1 + u32::from(beats > 1);
        stages * beats + u32::from(self.norm)
    }

    /// The least cycles that a group is in each cell, and whether it is gathered before them.
    pub(super) fn cells(&self) -> (Vec<u64>, bool) {
        (model::cells(self), self.lanes < self.group)
    }
}

/// The mask generator.
pub struct MaskGenerator;

impl Block for MaskGenerator {
    type Parameters = MaskGeneratorParameters;
    const NAME: &'static str = "mask_generator";
    const SUMMARY: &'static str =
        "Marks the elements of each group of a vector that are worth most.";

    fn validate(p: &MaskGeneratorParameters) -> Vec<Violation> {
        let works = |lanes: u32| p.group.is_multiple_of(lanes) || lanes.is_multiple_of(p.group);
        if works(p.lanes) {
            return vec![];
        }
        let counts: Vec<String> =
            (1..=64).filter(|&lanes| works(lanes)).map(|lanes| lanes.to_string()).collect();
        let (last, others) = counts.split_last().expect("one lane always works");
        vec![Violation {
            parameter: "lanes",
            code: "E0103",
            rule: "`lanes` must divide `group` or be a multiple of it".into(),
            note: format!("group = {}", p.group),
            help: format!("use {} or {last}", others.join(", ")),
        }]
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &MaskGeneratorParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &MaskGeneratorParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn mutated() -> MaskGeneratorParameters {
        // An index has whole digits, so that each of their values counts.
        let (width, lanes, group) = (4, 2, 4);
        MaskGeneratorParameters { width, lanes, group, ..Default::default() }
    }

    fn variants() -> Vec<MaskGeneratorParameters> {
        let of = |width, signed, lanes, group, change, norm, digit| MaskGeneratorParameters {
            width,
            signed,
            lanes,
            group,
            change,
            norm,
            digit,
        };
        vec![
            of(5, true, 1, 16, false, false, 1),
            of(5, true, 3, 3, true, false, 2),
            of(3, false, 8, 4, true, true, 3),
            of(4, true, 2, 6, false, true, 2),
            of(6, true, 4, 8, true, false, 3),
        ]
    }

    fn baseline(p: &MaskGeneratorParameters, tech: &Tech) -> Option<Baseline> {
        (tech.reset == Reset::AsyncLow).then(|| Baseline {
            module: "plain_mask_generator",
            text: include_str!("../../../../benches/baselines/mask_generator.v"),
            parameters: vec![
                ("WIDTH", p.width),
                ("SIGNED", u32::from(p.signed)),
                ("CHANGE", u32::from(p.change)),
                ("NORM", u32::from(p.norm)),
                ("SCORE", score::score_width(p)),
                ("LANES", p.lanes),
                ("GROUP", p.group),
                ("KEEP_WIDTH", index_width(p.group + 1)),
                ("EMPTY_WIDTH", index_width(p.lanes)),
            ],
        })
    }
}
