//! Sparsity control: from the coherence of each vector to how many of its elements survive.
//!
//! Streams: `band` in, a beat for each vector once its coherence is decided: how many thresholds it
//! met (`band`; beyond `bands - 1` counts as that), or that it is a `first` step, which `band` says
//! nothing of; and `level` out, a beat for each vector: its `level`, 0 (LOW) the least sparse, and
//! that level's `keep` (survivors of each group) and `threshold`. With `level_from = "previous"`
//! there is `vector` as well, a beat as each vector begins, with `new_sequence`. All are in the order
//! of the vectors. Beats that go in have `layer` if there are several layers, and `weights`, which
//! tells vectors of weights from those of activations, unless activations alone count.
//!
//! # The level of a layer
//!
//! Each band moves its layer's level to the one that it asks for: the band itself with
//! `coherent = "sparser"`, `bands - 1` less the band with `"denser"`. Where weights count, the last
//! band of activations and the last of weights are remembered of each layer, and the one that
//! `combine` names decides, with `"both"` the smaller. A first step is a band of its own: whatever
//! the polarity, it asks for LOW, and with `"both"` it counts as smaller than any other; so does
//! the band of what nothing has come of yet.
//!
//! After a change `dwell_i` vectors use the new level before the next change, that with which it
//! came included; 0 and 1 mean the same. A first step, of activations or weights, sets LOW at once
//! and ends any dwell; it begins none.
//!
//! A vector is a first step as well if nothing has come yet of the layer's activations, or weights,
//! whichever it is of, or if it begins a new sequence.
//!
//! # The level of a vector
//!
//! With `level_from = "current"` it is what its own band made of its layer's level. With
//! `"previous"` it is what the band of the vector before of its layer made of it. The vector of a
//! first step, as far as that is known when its level goes out, has LOW with `first_keep` instead
//! of that level's keep.
//!
//! While `override_i` is 1 every vector gets `override_level_i` (beyond `bands - 1` counts as that)
//! with that level's keep and threshold, also a first step; below it, all goes on as without.
//! `keep_i`, `threshold_i` and the override are looked at as the beat goes in that the level
//! follows, `dwell_i` as a band goes in.
//!
//! # When beats move
//!
//! One register holds the level that goes out, one cycle after the beat that it follows: that of
//! `band` or, with `"previous"`, of `vector`. A beat that a level follows goes in if that register
//! is free or becomes free in the same cycle: its ready follows `level_ready_i` without a register
//! between.
//!
//! With `"previous"`, vectors and bands of a layer take turns: the next vector goes in no earlier
//! than a cycle after the band of the one before, a band no earlier than a cycle after its own
//! vector; bands go in whether or not levels are taken. So levels do not depend on which of the two
//! streams is faster. Layers do not wait for each other, but in one stream each beat waits for those
//! before it. A layer takes a vector every two cycles at most, several layers one in each cycle.

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

pub(in crate::blocks::temporal) use model::{Control, Settings, Whose};

choices! {
    /// Which vector's coherence decides on a vector's level.
    pub enum LevelFrom {
        /// Its own.
        Current = "current",
        /// That of the vector before, of its layer.
        Previous = "previous",
    }
}

choices! {
    /// What more coherence does.
    pub enum Coherent {
        /// It raises the level.
        Sparser = "sparser",
        /// It lowers the level.
        Denser = "denser",
    }
}

choices! {
    /// Whose coherence counts.
    pub enum Combine {
        /// That of the activations.
        Activations = "activations",
        /// That of the weights.
        Weights = "weights",
        /// The smaller of the two.
        Both = "both",
    }
}

parameters! {
    /// Parameters of the sparsity control.
    pub struct SparsityControlParameters {
        /// Bands of coherence, and levels of sparsity.
        bands: u32 = 2 in 2..=8,
        /// Elements of a group, of which so many are kept.
        group: u32 = 16 in 2..=64,
        /// Survivors in each group of a first step; at most `group`.
        first_keep: u32 = 16 in 0..=64,
        /// Bits of a threshold.
        threshold_width: u32 = 8 in 1..=32,
        /// Layers, each with a level of its own.
        layers: u32 = 1 in 1..=16,
        /// Whose coherence decides: that of the vector itself, or of the one before.
        level_from: LevelFrom = LevelFrom::Previous,
        /// Whether more coherence raises the level or lowers it.
        coherent: Coherent = Coherent::Sparser,
        /// Whose bands count: those of activations, of weights, or the smaller of the two.
        combine: Combine = Combine::Activations,
    }
}

/// The sparsity control.
pub struct SparsityControl;

impl Block for SparsityControl {
    type Parameters = SparsityControlParameters;
    const NAME: &'static str = "sparsity_control";
    const SUMMARY: &'static str = "Turns bands of coherence into levels of sparsity.";

    fn validate(p: &SparsityControlParameters) -> Vec<Violation> {
        if p.first_keep > p.group {
            return vec![Violation {
                parameter: "first_keep",
                code: "E0103",
                rule: "a group has no more survivors than elements".to_string(),
                note: format!("first_keep = {}, group = {}", p.first_keep, p.group),
                help: format!("use first_keep = {}, which keeps all", p.group),
            }];
        }
        vec![]
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        rtl::describe(name, parameters)
    }

    fn model(parameters: &SparsityControlParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &SparsityControlParameters,
        _: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, kind, beats, random))
    }

    fn accepts(parameters: &SparsityControlParameters, stimulus: &Stimulus) -> bool {
        stimulus::accepts(parameters, stimulus)
    }

    fn variants() -> Vec<SparsityControlParameters> {
        let of = |bands, group, layers, level_from, coherent, combine| SparsityControlParameters {
            bands,
            group,
            first_keep: group - 1,
            threshold_width: 5,
            layers,
            level_from,
            coherent,
            combine,
        };
        use {Coherent::*, Combine::*, LevelFrom::*};
        vec![
            of(2, 2, 1, Current, Sparser, Activations),
            of(3, 16, 3, Previous, Denser, Both),
            of(8, 17, 2, Current, Denser, Weights),
            of(5, 64, 1, Previous, Denser, Weights),
            of(4, 8, 9, Previous, Sparser, Both),
            of(3, 5, 5, Current, Sparser, Both),
        ]
    }
}
