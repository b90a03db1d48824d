//! The hardware of the cluster: a crossbar, cores on clocks of their own, and what stops these.

use std::sync::Arc;

use super::{Cluster, ClusterParameters};
use crate::blocks::Block;
use crate::blocks::fabric::crossbar::Crossbar;
use crate::blocks::fabric::gating::Gating;
use crate::blocks::precision::vp_mac::VpMac;
use crate::config::{Parameters, Tech};
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, StreamIn, StreamOut, Type, bit, concat,
    index_width, pack, uint,
};

/// What a core works on, in the order of a beat.
fn operands(p: &ClusterParameters) -> Vec<Field<'static>> {
    let places = p.lanes * 8 / p.narrowest;
    vec![
        ("activations", uint(places * p.activation_bits)),
        ("weights", uint(p.lanes * 8)),
        ("precision", uint(3)),
    ]
}

/// Whose a packet is.
fn source(p: &ClusterParameters) -> Field<'static> {
    ("source", uint(index_width(p.sources)))
}

/// A core: multiplies and adds, and remembers whose packet it was until the sum is taken.
fn core(
    name: &str,
    p: &ClusterParameters,
    sum: Type,
    mac: &Arc<Module>,
) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_core"));
    m.doc("A core: a multiply-accumulate that says whose packet the sum is of.");
    m.timing(1, 1);
    let mut fields = operands(p);
    fields.extend([source(p), ("last", bit())]);
    let input = m.stream_in("in", &fields);
    let output = m.stream_out("out", &[("sum", sum), source(p)]);
    let mac = m.instance("mac", mac);
    mac.connect("in_valid_i", input.valid).connect("in_last_i", input["last"]);
    for (field, _) in operands(p) {
        mac.connect(&format!("in_{field}_i"), input[field]);
    }
    input.ready.set(mac.output("in_ready_o"));
    let source = m.register("source", source(p).1);
    m.when((input.fire() & input["last"]).named("packet_ends"), || source.set(input["source"]));
    output.valid.set(mac.output("out_valid_o"));
    mac.connect("out_ready_i", output.ready);
    output["sum"].set(mac.output("out_sum_o"));
    output["source"].set(source);
    m.finish()
}

/// A core behind its clock gate, which neither takes a beat nor sees one while it sleeps.
fn gated_core(
    name: &str,
    p: &ClusterParameters,
    sum: Type,
    core: &Arc<Module>,
) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_gated_core"));
    m.doc("A core behind its clock gate.");
    let awake = m.input_doc("awake_i", bit(), "whether it may take a beat");
    let mut fields = operands(p);
    fields.extend([source(p), ("last", bit())]);
    let input = m.stream_in("in", &fields);
    let output = m.stream_out("out", &[("sum", sum), source(p)]);
    let busy = m.output("busy_o", bit()).doc("whether a sum waits to be taken");
    let instance = m.instance("core", core);
    if p.gate {
        let enable = m.input_doc("enable_i", bit(), "whether its clock runs");
        instance.clocked_by(m.gated_clock("clk_core", enable));
    }
    instance.connect("in_valid_i", (input.valid & awake).named("valid"));
    for (field, value) in input.payload() {
        instance.connect(&format!("in_{field}_i"), value);
    }
    input.ready.set(awake & instance.output("in_ready_o"));
    output.valid.set(instance.output("out_valid_o"));
    instance.connect("out_ready_i", output.ready);
    for field in ["sum", "source"] {
        output[field].set(instance.output(&format!("out_{field}_o")));
    }
    busy.set(instance.output("out_valid_o"));
    m.finish()
}

/// The streams of a cluster.
struct Streams<'m> {
    inputs: Vec<StreamIn<'m>>,
    outputs: Vec<StreamOut<'m>>,
}

impl<'m> Streams<'m> {
    fn new(m: &'m ModuleBuilder, p: &ClusterParameters, sum: Type) -> Streams<'m> {
        let mut fields = operands(p);
        fields.extend([("to", uint(index_width(p.cores))), ("last", bit())]);
        let input = |number| m.stream_in(&format!("in_{number}"), &fields);
        let output = |number| m.stream_out(&format!("out_{number}"), &[("sum", sum), source(p)]);
        Streams {
            inputs: (0..p.sources).map(input).collect(),
            outputs: (0..p.cores).map(output).collect(),
        }
    }
}

pub(super) fn describe(
    name: &str,
    p: &ClusterParameters,
    tech: &Tech,
) -> Result<Arc<Module>, Errors> {
    let width = operands(p).iter().map(|(_, ty)| ty.width).sum();
    let named = |part: &str| format!("{name}_{part}");
    let mac = VpMac::elaborate(&named("mac"), &p.mac(), tech)?;
    let crossbar = Crossbar::elaborate(&named("crossbar"), &p.crossbar(width), tech)?;
    let gating = Gating::elaborate(&named("gating"), &p.gating(), tech)?;
    let sum = crate::blocks::precision::vp_mac::sum_type(&p.mac());
    let core = gated_core(name, p, sum, &core(name, p, sum, &mac)?)?;

    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "{}\n\n\
         Packets go from each source to the core that they name; its sum comes out with the number \
         of the source. Clocks of cores that have nothing to do stand still.",
        Cluster::SUMMARY
    ));
    for (name, value) in p.to_values().iter() {
        m.parameter(name, value.to_string());
    }
    let streams = Streams::new(&m, p, sum);
    let crossbar = m.instance("crossbar", &crossbar);
    for (number, input) in streams.inputs.iter().enumerate() {
        let port = |field: &str| format!("in_{number}_{field}");
        let fields: Vec<Expr> = operands(p).iter().rev().map(|(field, _)| input[*field]).collect();
        crossbar.connect(&port("valid_i"), input.valid);
        crossbar.connect(&port("data_i"), concat(&m, &fields));
        crossbar.connect(&port("to_i"), input["to"]).connect(&port("last_i"), input["last"]);
        input.ready.set(crossbar.output(&port("ready_o")));
    }

    let cores = m.array("core", &[("core", p.cores)], &core);
    let from_crossbar = |field: &str| -> Vec<Expr> {
        (0..p.cores).map(|core| crossbar.output(&format!("out_{core}_{field}_o"))).collect()
    };
    let offered = from_crossbar("valid");
    cores.each("in_valid_i", &offered);
    for field in ["source", "last"] {
        cores.each(&format!("in_{field}_i"), &from_crossbar(field));
    }
    let mut low = 0;
    for (field, ty) in operands(p) {
        let data = from_crossbar("data");
        let values: Vec<Expr> = data.iter().map(|data| data.slice(low, ty.width)).collect();
        cores.each(&format!("in_{field}_i"), &values);
        low += ty.width;
    }
    for (core, ready) in cores.outputs("in_ready_o").into_iter().enumerate() {
        crossbar.connect(&format!("out_{core}_ready_i"), ready);
    }
    let ready: Vec<Expr> = streams.outputs.iter().map(|output| output.ready).collect();
    cores.each("out_ready_i", &ready);
    let from_cores = |port: &str| cores.outputs(port).into_iter().zip(&streams.outputs);
    from_cores("out_valid_o").for_each(|(valid, output)| output.valid.set(valid));
    for field in ["sum", "source"] {
        from_cores(&format!("out_{field}_o")).for_each(|(value, output)| output[field].set(value));
    }

    let fabric = m.instance("gating", &gating);
    for (port, what) in [
        ("override_i", "all cores stay awake"),
        ("test_enable_i", "all clocks run for scan"),
        ("clear_i", "the counters begin again"),
        ("read_i", "take the counts of a core"),
    ] {
        fabric.connect(port, m.input_doc(port, bit(), what));
    }
    fabric.connect("core_i", m.input_doc("core_i", uint(index_width(p.cores)), "which core's"));
    let busy = pack(&m, &cores.outputs("busy_o"));
    fabric.connect("pending_i", pack(&m, &offered)).connect("busy_i", busy);
    let (awake, enable) = (fabric.output("awake_o"), fabric.output("enable_o"));
    cores.each("awake_i", &awake.bits());
    if p.gate {
        cores.each("enable_i", &enable.bits());
        cores.clocked_by(m.gated_clock("clk_cores", fabric.output("cluster_enable_o")));
    } else {
        m.discard(fabric.output("cluster_enable_o"));
    }
    m.output("enable_o", uint(p.cores)).doc("whose clocks run").set(enable);
    for name in ["active", "idle", "gated"] {
        let count = fabric.output(&format!("{name}_o"));
        let output = m.output(format!("{name}_o"), count.ty());
        output.doc(&format!("{name} cycles of the core last asked for")).set(count);
    }
    m.assert("works_awake", (busy & !enable).eq(0));
    m.cover("all_work", busy.all());
    m.cover("wakes", (pack(&m, &offered) & !awake).any());
    m.finish()
}
