//! The blocks that a layer engine is made of.

use std::sync::Arc;

use super::{LayerEngineParameters, counters};
use crate::blocks::Block;
use crate::blocks::common::fifo::Fifo;
use crate::blocks::engine::pe_cluster::{self, PeCluster};
use crate::blocks::engine::requantiser::Requantiser;
use crate::blocks::fabric::crossbar::Crossbar;
use crate::blocks::fabric::gating::Gating;
use crate::blocks::temporal::temporal_path::TemporalPath;
use crate::config::Tech;
use crate::hdl::ir::{Direction, SignalId};
use crate::hdl::{Errors, Field, Module, ModuleBuilder, bit, index_width, sint, uint};

/// Their modules.
pub(super) struct Parts {
    pub path: Arc<Module>,
    pub vectors: Arc<Module>,
    pub levels: Arc<Module>,
    pub queue: Arc<Module>,
    pub feed: Arc<Module>,
    /// A cluster behind its clock gate, if clocks are ever stopped.
    pub cluster: Arc<Module>,
    pub gating: Arc<Module>,
    pub counters: Arc<Module>,
    pub collect: Arc<Module>,
    pub requantiser: Arc<Module>,
}

/// The bits of some fields.
pub(super) fn width(fields: &[Field<'_>]) -> u32 {
    fields.iter().map(|(_, ty)| ty.width).sum()
}

/// What is known of a vector as it goes into the path.
pub(super) fn vector_fields(p: &LayerEngineParameters) -> [Field<'static>; 4] {
    let layer = ("layer", uint(index_width(p.layers)));
    [layer, ("fresh", bit()), ("tag", bit()), ("masks_weights", bit())]
}

/// A survivor on its way to the clusters, in the order of their fields.
pub(super) fn survivor_fields(p: &LayerEngineParameters) -> Vec<Field<'static>> {
    let value = ("value", sint(p.activation_bits));
    let place = [("column", uint(index_width(p.longest))), ("count", bit())];
    let [layer, fresh, tag, _] = vector_fields(p);
    let vector = [layer, fresh, tag, ("weight_threshold", uint(p.reference)), ("last", bit())];
    [value].into_iter().chain(place).chain(vector).collect()
}

/// Sums on their way from a cluster.
pub(super) fn sum_fields(p: &LayerEngineParameters) -> [Field<'static>; 4] {
    let sums = p.sum_lanes() * pe_cluster::sum_type(&p.cluster()).width;
    [("sums", uint(sums)), ("layer", uint(index_width(p.layers))), ("tag", bit()), ("last", bit())]
}

/// A module on a clock of its own, which runs where `enable_i` is 1; itself, if that is not wanted.
fn gated(name: &str, module: &Arc<Module>, gate: bool) -> Result<Arc<Module>, Errors> {
    if !gate {
        return Ok(module.clone());
    }
    let m = ModuleBuilder::new(name);
    m.doc("A cluster of processing elements behind its clock gate.");
    let enable = m.input_doc("enable_i", bit(), "whether its clock runs");
    let instance = m.instance("cluster", module);
    instance.clocked_by(m.gated_clock("clk_cluster", enable));
    for stream in &module.streams {
        let field = |port: &SignalId| {
            let port = module.signal(*port);
            let name = port.name.strip_prefix(&format!("{}_", stream.name)).unwrap_or(&port.name);
            (name.trim_end_matches("_i").trim_end_matches("_o").to_string(), port.ty)
        };
        let fields: Vec<_> = stream.payload.iter().map(field).collect();
        let fields: Vec<Field> = fields.iter().map(|(name, ty)| (name.as_str(), *ty)).collect();
        match stream.direction {
            Direction::Input => {
                instance.feed(&stream.name, &m.stream_in(&stream.name, &fields));
            }
            Direction::Output => {
                instance.drain(&stream.name, &m.stream_out(&stream.name, &fields));
            }
        }
        m.stream_doc(&stream.name, &stream.doc);
    }
    for (port, ty, doc) in module.plain_inputs() {
        instance.connect(port, m.input_doc(port, ty, doc));
    }
    for port in ["sends_o", "busy_o", "products_o", "products_layer_o"] {
        let value = instance.output(port);
        m.output(port, value.ty()).set(value);
    }
    m.finish()
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
        // Each is proven by itself; what there would be of them all is too large to be.
        let part = |module: Arc<Module>| module.with_contracts_alone();
        let cluster = PeCluster::elaborate(&named("cluster"), &p.cluster(), tech)?;
        let cluster = gated(&named("gated_cluster"), &cluster, p.gate)?;
        let levels = p.vectors(index_width(p.bands));
        Ok(Parts {
            path: part(TemporalPath::elaborate(&named("path"), &p.path(), tech)?),
            vectors: part(Fifo::elaborate(&named("vectors"), &vectors, tech)?),
            levels: part(Fifo::elaborate(&named("levels"), &levels, tech)?),
            queue: part(Fifo::elaborate(&named("queue"), &p.queue(survivor), tech)?),
            feed: part(Crossbar::elaborate(&named("feed"), &feed, tech)?),
            cluster: part(cluster),
            gating: part(Gating::elaborate(&named("gating"), &p.gating(), tech)?),
            counters: counters::describe(&named("counters"), p)?,
            collect: part(Crossbar::elaborate(&named("collect"), &collect, tech)?),
            requantiser: part(Requantiser::elaborate(
                &named("requantiser"),
                &p.requantiser(sum),
                tech,
            )?),
        })
    }
}
