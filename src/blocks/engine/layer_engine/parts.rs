//! The blocks that a layer engine is made of.

use std::sync::Arc;

use super::LayerEngineParameters;
use crate::blocks::Block;
use crate::blocks::common::fifo::Fifo;
use crate::blocks::engine::pe_cluster::{self, PeCluster};
use crate::blocks::engine::requantiser::Requantiser;
use crate::blocks::fabric::crossbar::Crossbar;
use crate::blocks::temporal::temporal_path::TemporalPath;
use crate::config::Tech;
use crate::hdl::{Errors, Field, Module, bit, index_width, sint, uint};

/// Their modules.
pub(super) struct Parts {
    pub path: Arc<Module>,
    pub vectors: Arc<Module>,
    pub queue: Arc<Module>,
    pub feed: Arc<Module>,
    pub cluster: Arc<Module>,
    pub collect: Arc<Module>,
    pub requantiser: Arc<Module>,
}

/// The bits of some fields.
pub(super) fn width(fields: &[Field<'_>]) -> u32 {
    fields.iter().map(|(_, ty)| ty.width).sum()
}

/// What is known of a vector while it is in the path.
pub(super) fn vector_fields(p: &LayerEngineParameters) -> [Field<'static>; 3] {
    [("layer", uint(index_width(p.layers))), ("fresh", bit()), ("tag", bit())]
}

/// A survivor on its way to the clusters, in the order of their fields.
pub(super) fn survivor_fields(p: &LayerEngineParameters) -> Vec<Field<'static>> {
    let value = ("value", sint(p.activation_bits));
    let place = [("column", uint(index_width(p.longest))), ("count", bit())];
    let vector = vector_fields(p);
    [value].into_iter().chain(place).chain(vector).chain([("last", bit())]).collect()
}

/// Sums on their way from a cluster.
pub(super) fn sum_fields(p: &LayerEngineParameters) -> [Field<'static>; 4] {
    let sums = p.sum_lanes() * pe_cluster::sum_type(&p.cluster()).width;
    [("sums", uint(sums)), ("layer", uint(index_width(p.layers))), ("tag", bit()), ("last", bit())]
}

impl Parts {
    /// Makes the modules; their names begin with that of the engine.
    pub fn elaborate(name: &str, p: &LayerEngineParameters, tech: &Tech) -> Result<Parts, Errors> {
        let named = |part: &str| format!("{name}_{part}");
        let survivor = width(&survivor_fields(p));
        let sums = width(&sum_fields(p));
        let sum = pe_cluster::sum_type(&p.cluster()).width;
        let vectors = p.vectors(width(&vector_fields(p)));
        let (feed, collect) = (p.crossbar(1, survivor), p.crossbar(p.clusters, sums));
        Ok(Parts {
            path: TemporalPath::elaborate(&named("path"), &p.path(), tech)?,
            vectors: Fifo::elaborate(&named("vectors"), &vectors, tech)?,
            queue: Fifo::elaborate(&named("queue"), &p.queue(survivor), tech)?,
            feed: Crossbar::elaborate(&named("feed"), &feed, tech)?,
            cluster: PeCluster::elaborate(&named("cluster"), &p.cluster(), tech)?,
            collect: Crossbar::elaborate(&named("collect"), &collect, tech)?,
            requantiser: Requantiser::elaborate(&named("requantiser"), &p.requantiser(sum), tech)?,
        })
    }
}
