//! The blocks that a temporal path is made of.

use std::sync::Arc;

use super::TemporalPathParameters;
use crate::blocks::Block;
use crate::blocks::common::fifo::Fifo;
use crate::blocks::common::register_slice::{Cut, RegisterSlice, RegisterSliceParameters};
use crate::blocks::temporal::coherence_metric::CoherenceMetric;
use crate::blocks::temporal::delta::Delta;
use crate::blocks::temporal::mask_apply::MaskApply;
use crate::blocks::temporal::mask_generator::MaskGenerator;
use crate::blocks::temporal::sparsity_control::SparsityControl;
use crate::config::Tech;
use crate::hdl::{Errors, Field, Module, index_width};

/// Their modules.
pub(super) struct Parts {
    pub metric: Arc<Module>,
    pub buffer: Arc<Module>,
    pub control: Arc<Module>,
    pub delta: Arc<Module>,
    pub generator: Arc<Module>,
    pub apply: Arc<Module>,
    pub coherence_slice: Arc<Module>,
    pub level_slice: Arc<Module>,
    pub mask_slice: Arc<Module>,
}

impl Parts {
    /// Makes the modules; their names begin with that of the path. `kept`: what the buffer
    /// keeps of a beat.
    pub fn elaborate(
        name: &str,
        p: &TemporalPathParameters,
        kept: &[Field<'_>],
        tech: &Tech,
    ) -> Result<Parts, Errors> {
        let buffer = p.buffer(kept.iter().map(|(_, ty)| ty.width).sum());
        let named = |part: &str| format!("{name}_{part}");
        let slice = |part: &str, width: u32| {
            let parameters = RegisterSliceParameters { width, cut: Cut::Full };
            RegisterSlice::elaborate(&named(part), &parameters, tech)
        };
        let band = index_width(p.bands);
        Ok(Parts {
            metric: CoherenceMetric::elaborate(&named("metric"), &p.metric(), tech)?,
            buffer: Fifo::elaborate(&named("buffer"), &buffer, tech)?,
            control: SparsityControl::elaborate(&named("control"), &p.control(), tech)?,
            delta: Delta::elaborate(&named("delta"), &p.delta(), tech)?,
            generator: MaskGenerator::elaborate(&named("generator"), &p.generator(), tech)?,
            apply: MaskApply::elaborate(&named("apply"), &p.apply(), tech)?,
            coherence_slice: slice("coherence_slice", band + 1)?,
            level_slice: slice("level_slice", band)?,
            mask_slice: slice("mask_slice", p.lanes + 1)?,
        })
    }
}
