//! What is simulated in place of the gating fabric alone: small cores on the clocks that it gates.
//!
//! The same parent for real cores is made the same way: a module that gates a core's clock, an array
//! of it for a cluster, a module that gates the cluster's clock, an array of that.

use std::sync::Arc;

use super::{GatingParameters, rtl};
use crate::hdl::{Errors, Module, ModuleBuilder, bit, index_width, pack, uint};

/// Bits of what a core takes.
pub(super) const DATA_WIDTH: u32 = 4;

/// Bits of what a core makes of it.
pub(super) const SUM_WIDTH: u32 = 8;

/// Bits of a beat that say for how many cycles a core works on after it.
pub(super) const REST_WIDTH: u32 = 2;

/// A core: adds up squares, and goes on for some cycles after each.
fn core(name: &str) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc(
        "Adds up squares, and the number of cycles left for as many cycles as the lowest bits say.",
    );
    let valid = m.input("valid_i", bit());
    let data = m.input("data_i", uint(DATA_WIDTH));
    let rest = m.register("rest", uint(REST_WIDTH)).reset(0);
    let sum = m.register("sum", uint(SUM_WIDTH)).reset(0);
    let busy = rest.any().named("busy");
    m.when(busy, || {
        rest.set((rest - 1).wrap(rest.ty()));
        sum.set((sum + rest).wrap(sum.ty()));
    })
    .or_when(valid, || {
        rest.set(data.truncate(REST_WIDTH));
        sum.set((sum + data * data).wrap(sum.ty()));
    });
    m.output("ready_o", bit()).set(!busy);
    m.output("busy_o", bit()).set(busy);
    m.output("sum_o", uint(SUM_WIDTH)).set(sum);
    m.finish()
}

/// A core behind its clock gate. While it sleeps nobody sees its ready, and it sees neither valid
/// nor data.
fn gated_core(name: &str) -> Result<Arc<Module>, Errors> {
    let core = core(&format!("{name}_core"))?;
    let m = ModuleBuilder::new(format!("{name}_gated_core"));
    m.doc("A core behind its clock gate.");
    let clock = m.gated_clock("clk_core", m.input("enable_i", bit()));
    let awake = m.input("awake_i", bit());
    let offer = m.input("offer_i", bit());
    let data = m.input("data_i", uint(DATA_WIDTH));
    let valid = (offer & awake).named("valid");
    let core = m.instance("core", &core);
    core.clocked_by(clock);
    core.connect("valid_i", valid).connect("data_i", awake.mux(data, 0));
    m.output("taken_o", bit()).set(valid & core.output("ready_o"));
    m.output("busy_o", bit()).set(core.output("busy_o"));
    m.output("sum_o", uint(SUM_WIDTH)).set(core.output("sum_o"));
    m.finish()
}

/// What goes to each of several elements side by side, and what is shared by all.
const EACH: [&str; 3] = ["enable_i", "awake_i", "offer_i"];

/// What comes from each of them, and how wide that of one core is.
const FROM_EACH: [(&str, u32); 3] = [("taken_o", 1), ("busy_o", 1), ("sum_o", SUM_WIDTH)];

/// The cores of a cluster.
fn cluster(name: &str, cores: u32) -> Result<Arc<Module>, Errors> {
    let core = gated_core(name)?;
    let m = ModuleBuilder::new(format!("{name}_cluster"));
    m.doc("The cores of a cluster.");
    let array = m.array("core", &[("core", cores)], &core);
    for port in EACH {
        array.each(port, &m.input(port, uint(cores)).bits());
    }
    array.broadcast("data_i", m.input("data_i", uint(DATA_WIDTH)));
    for (port, width) in FROM_EACH {
        m.output(port, uint(cores * width)).set(pack(&m, &array.outputs(port)));
    }
    m.finish()
}

/// A cluster behind its clock gate.
fn gated_cluster(name: &str, cores: u32) -> Result<Arc<Module>, Errors> {
    let cluster = cluster(name, cores)?;
    let m = ModuleBuilder::new(format!("{name}_gated_cluster"));
    m.doc("A cluster behind its clock gate.");
    let clock = m.gated_clock("clk_cluster", m.input("cluster_enable_i", bit()));
    let instance = m.instance("cluster", &cluster);
    instance.clocked_by(clock);
    for port in EACH {
        instance.connect(port, m.input(port, uint(cores)));
    }
    instance.connect("data_i", m.input("data_i", uint(DATA_WIDTH)));
    for (port, width) in FROM_EACH {
        m.output(port, uint(cores * width)).set(instance.output(port));
    }
    m.finish()
}

pub(super) fn describe(name: &str, p: &GatingParameters) -> Result<Arc<Module>, Errors> {
    let gating = rtl::describe(name, p)?;
    let bench = format!("{name}_bench");
    let cluster = gated_cluster(&bench, p.cores)?;
    let m = ModuleBuilder::new(bench);
    m.doc("Small cores on gated clocks.");
    let fabric = m.instance("gating", &gating);
    let clusters = m.array("cluster", &[("cluster", p.clusters)], &cluster);
    let offer = m.input("offer_i", uint(p.total()));
    clusters.broadcast("data_i", m.input("data_i", uint(DATA_WIDTH)));
    for port in ["override_i", "test_enable_i", "clear_i", "read_i"] {
        fabric.connect(port, m.input(port, bit()));
    }
    fabric.connect("core_i", m.input("core_i", uint(index_width(p.total()))));
    let busy = pack(&m, &clusters.outputs("busy_o"));
    fabric.connect("pending_i", offer).connect("busy_i", busy);
    for port in ["enable_o", "awake_o", "cluster_enable_o", "active_o", "idle_o", "gated_o"] {
        let value = fabric.output(port);
        m.output(port, value.ty()).set(value);
    }
    let values = [fabric.output("enable_o"), fabric.output("awake_o"), offer];
    for (port, value) in EACH.into_iter().zip(values) {
        clusters.each(port, &value.elements(uint(p.cores)));
    }
    clusters.each("cluster_enable_i", &fabric.output("cluster_enable_o").bits());
    for (port, width) in [FROM_EACH[0], FROM_EACH[2]] {
        m.output(port, uint(p.total() * width)).set(pack(&m, &clusters.outputs(port)));
    }
    m.finish()
}
