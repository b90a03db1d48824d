//! Variable-precision multiply-accumulate: weights of 2 to 32 bits, exactly, in slots of 8 bits.
//!
//! A slot takes 8 bits of weights per cycle: four weights of 2 bits, two of 4, one of 8, or one
//! byte of a wider weight, so 16 bits take two cycles and 32 bits four. The tag `precision` of each
//! beat says which: 0 for 2 bits, 1 for 4, 2 for 8, 3 for 16 and 4 for 32. With a tag that is not
//! built in, the weights of the beat count as zero. Weights are two's complement, the first in the
//! lowest bits of its slot.
//!
//! A weight w of p bits stands for w * 2^(`reference` - p), so all precisions share one scale, and
//! a sum may mix them. With `exponents` a beat brings `exponent` instead, and its weights stand for
//! w * 2^exponent; sums are sure to fit as long as that is at most `reference` - p.
//!
//! A wide weight comes low byte first, in consecutive beats, each with the activation again: a beat
//! adds activation * byte * 256^n for byte number n, which is signed if it is the highest. Bytes
//! are counted over beats of 16 and of 32 bits, modulo the bytes of a weight; any other beat, and
//! the end of a packet, begin anew.
//!
//! # Dot
//!
//! `lanes` slots, each with an activation for every weight that it can hold, into one sum. Streams:
//! `in` with `activations`, `weights`, `precision`, `exponent` and `last`, which ends a packet, and
//! `out` with `sum`. The places of a slot are as wide as the narrowest weight; the activation of a
//! weight stands in the place where the weight begins, so with weights from 2 bits on those of two
//! weights of 4 bits are in places 0 and 2. The others are not looked at.
//!
//! A packet's sum goes out one cycle after its last beat came in, two with `product_register`. One
//! beat per cycle is sustained, whatever the precisions. `in_ready_o` follows `out_ready_i` without
//! a register between.
//!
//! # Outer
//!
//! One slot and one activation: the weights are those of several output rows. There is a bank of
//! `depth` accumulators for each place of the slot. Streams: `in` with `operation`, `activation`,
//! `weights`, `precision`, `exponent`, for each bank a bit of `enable` and an accumulator `row`,
//! and `value`; and `out` with `sums`, one of each bank. Operations:
//!
//! - 0 adds: each enabled bank adds to its accumulator the activation times the weight that has
//!   bits in the bank's place. So a weight of 2 bits has its bank, one of 4 bits has two to choose
//!   from, and one of 8 bits any; to enable several adds it to each of them.
//! - 1 loads: each enabled bank sets its accumulator to `value`.
//! - 2 reads: `out` brings the accumulator of each bank, enabled or not.
//! - 3 clears: in each bank the accumulators of the page that its row is on are 0, as all are after
//!   reset. A page is `depth` / `pages` rows.
//!
//! A row beyond the depth reads 0 and is not written. All but reads take one cycle, one beat after
//! the other; a read stays until its sums are taken. They are offered in the cycle in which the
//! read is, one later with `product_register`.
//!
//! With `peek`, the sums of all banks in `peek_row_i` stand at `peek_sums_o` in the same cycle,
//! whatever goes in: what beats have made of them that went in before it, or one cycle before with
//! `product_register`.
//!
//! # Sums
//!
//! A sum has just as many bits as `longest` of the most extreme products need, of which a bias may
//! be one; `sum_bits` makes it wider. Beyond that it is exact modulo two to the power of its width.
//!
//! # Area
//!
//! Each bit of the slots is summed over the lanes first, as what it selects of the activations, and
//! weighed, negated and shifted once per core. With `isolate` the weights are zero in every cycle
//! without a beat; a product whose activation or weight is zero toggles nothing in the sums.
//!
//! In OSU018 cells, beside plain lanes of 8-bit weights with as many accumulators of the same width
//! (`benches/baselines/vp_mac.v`), for 8-bit activations:
//!
//! | | GE | plain | area ratio | path, ns | plain | Fmax ratio | netlist |
//! |---|---|---|---|---|---|---|---|
//! | `dot`, 16 lanes, 2 to 32 bits | 11757 | 12077 | 0.97 | 10.18 | 9.25 | 0.91 | simulated |
//! | `outer`, 16 accumulators, 2 to 32 bits | 9444 | 7585 | 1.24 | 8.84 | 8.15 | 0.92 | proven |
//! | `outer`, 16 accumulators, 2 to 8 bits | 5323 | 4299 | 1.24 | 6.22 | 6.16 | 0.99 | proven |
//!
//! By `lacuna synth vp_mac --target osu018`, with `--set lanes=16`, `--set organisation=outer`, and
//! that with `--set widest=8 --set reference=8`.

mod model;
mod properties;
mod rtl;
mod stimulus;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::blocks::{Baseline, Block};
use crate::config::{Reset, Tech, Violation, choices, parameters};
use crate::hdl::{Errors, Module};
use crate::model::{Kind, Model, Random, Shape, Stimulus};

pub(in crate::blocks) use model::{run as respond, sum_bits};
pub(in crate::blocks) use rtl::total_type as sum_type;

/// Bits of weights that a slot takes per cycle.
const SLOT: u32 = 8;

choices! {
    /// What is summed.
    pub enum Organisation {
        /// The products of several activations, into one sum.
        Dot = "dot",
        /// The products of one activation, into a sum for each output row.
        Outer = "outer",
    }
}

parameters! {
    /// Parameters of the variable-precision multiply-accumulate.
    pub struct VpMacParameters {
        /// What is summed: products of several activations, or those of one in several rows.
        organisation: Organisation = Organisation::Dot,
        /// Slots of weights. No effect in organisation `outer`, which has one.
        lanes: u32 = 4 in 1..=256,
        /// Accumulators of a bank. No effect in organisation `dot`.
        depth: u32 = 4 in 1..=1024,
        /// Pages of accumulators, of which one at a time is cleared. No effect in organisation `dot`.
        pages: u32 = 1 in 1..=64,
        /// A second way to read accumulators, of a row that is not worked on. No effect in
        /// organisation `dot`.
        peek: bool = false,
        /// Bits of an activation.
        activation_bits: u32 = 8 in 4..=16,
        /// Whether activations are two's complement.
        signed: bool = true,
        /// Bits of the narrowest weight: 2, 4 or 8.
        narrowest: u32 = 2 in 2..=8,
        /// Bits of the widest weight: 8, 16 or 32.
        widest: u32 = 32 in 8..=32,
        /// Bits of the weight whose scale all others share: at least `widest`.
        reference: u32 = 32 in 8..=32,
        /// Whether a beat brings the exponent of its weights.
        exponents: bool = false,
        /// Products of the longest sum that fits for certain; they decide its width.
        longest: u32 = 1024 in 1..=1048576,
        /// Bits of a sum; 0 for as many as `longest` needs.
        sum_bits: u32 = 0 in 0..=96,
        /// A register between the products and their accumulation.
        product_register: bool = false,
        /// Operand isolation: the weights are zero while no beat is offered.
        isolate: bool = true,
    }
}

impl VpMacParameters {
    /// Places of a slot: the weights of the narrowest precision that it holds.
    fn places(&self) -> u32 {
        SLOT / self.narrowest
    }

    /// The bits of a weight in each precision that is built in.
    fn precisions(&self) -> impl Iterator<Item = u32> {
        let (narrowest, widest) = (self.narrowest, self.widest);
        [2, 4, 8, 16, 32].into_iter().filter(move |bits| (narrowest..=widest).contains(bits))
    }
}

/// The variable-precision multiply-accumulate.
pub struct VpMac;

impl Block for VpMac {
    type Parameters = VpMacParameters;
    const NAME: &'static str = "vp_mac";
    const SUMMARY: &'static str = "Adds products with weights of 2 to 32 bits, exactly.";

    fn validate(p: &VpMacParameters) -> Vec<Violation> {
        let mut violations = vec![];
        let mut refuse = |parameter, rule: &str, note, help| {
            let rule = rule.into();
            violations.push(Violation { parameter, code: "E0103", rule, note, help });
        };
        if !p.narrowest.is_power_of_two() {
            let note = format!("narrowest = {}", p.narrowest);
            let rule = "the narrowest weight has 2, 4 or 8 bits";
            refuse("narrowest", rule, note, "use 2, 4 or 8".into());
        }
        if !p.widest.is_power_of_two() {
            let note = format!("widest = {}", p.widest);
            let rule = "the widest weight has 8, 16 or 32 bits";
            refuse("widest", rule, note, "use 8, 16 or 32".into());
        }
        let page = p.depth / p.pages;
        if p.pages > 1 && (!page.is_power_of_two() || page * p.pages != p.depth) {
            let rule = "the rows of a page are a power of two";
            let note = format!("depth = {}, pages = {}", p.depth, p.pages);
            let help =
                format!("use 1 page, or depth = {}", p.pages * page.max(1).next_power_of_two());
            refuse("pages", rule, note, help);
        }
        if p.reference < p.widest {
            let rule = "no weight is wider than the one whose scale it shares";
            let note = format!("reference = {}, widest = {}", p.reference, p.widest);
            let help = match p.widest {
                32 => "use 32".into(),
                widest => format!("use {widest} to 32"),
            };
            refuse("reference", rule, note, help);
            return violations;
        }
        let least = rtl::least_sum_bits(p);
        if p.sum_bits != 0 && p.sum_bits < least {
            let rule = "a sum has room for the longest of the most extreme products";
            let note = format!("sum_bits = {}, longest = {}", p.sum_bits, p.longest);
            refuse("sum_bits", rule, note, format!("use 0 for {least}, or more than that"));
        }
        violations
    }

    fn elaborate(
        name: &str,
        parameters: &Self::Parameters,
        _: &Tech,
    ) -> Result<Arc<Module>, Errors> {
        match parameters.organisation {
            Organisation::Dot => rtl::dot::describe(name, parameters),
            Organisation::Outer => rtl::outer::describe(name, parameters),
        }
    }

    fn model(parameters: &VpMacParameters, _: &Tech) -> Model {
        let parameters = parameters.clone();
        Model::streams(move |stimulus| model::run(&parameters, stimulus))
    }

    fn stimulus(
        parameters: &VpMacParameters,
        shape: &Shape,
        kind: Kind,
        beats: usize,
        random: &mut Random,
    ) -> Option<Stimulus> {
        Some(stimulus::stimulus(parameters, shape, kind, beats, random))
    }

    fn variants() -> Vec<VpMacParameters> {
        let small = VpMacParameters { activation_bits: 4, longest: 5, ..Self::mutated() };
        let outer = VpMacParameters { organisation: Organisation::Outer, ..small.clone() };
        let pipelined =
            VpMacParameters { product_register: true, exponents: true, ..small.clone() };
        vec![
            VpMacParameters { lanes: 3, signed: false, isolate: false, ..pipelined.clone() },
            VpMacParameters { lanes: 1, narrowest: 4, widest: 8, reference: 8, ..small.clone() },
            VpMacParameters { lanes: 1, product_register: true, ..Default::default() },
            VpMacParameters { narrowest: 8, widest: 32, reference: 32, sum_bits: 50, ..small },
            VpMacParameters {
                organisation: Organisation::Outer,
                depth: 6,
                pages: 3,
                peek: true,
                ..pipelined
            },
            VpMacParameters { narrowest: 4, depth: 1, signed: false, ..outer },
        ]
    }

    fn mutated() -> VpMacParameters {
        VpMacParameters {
            lanes: 2,
            depth: 2,
            activation_bits: 4,
            widest: 16,
            reference: 16,
            longest: 5,
            ..Default::default()
        }
    }

    fn baseline(p: &VpMacParameters, tech: &Tech) -> Option<Baseline> {
        rtl::baseline(p).filter(|_| tech.reset == Reset::AsyncLow)
    }
}
