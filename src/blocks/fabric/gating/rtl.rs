//! The hardware of the gating fabric: a module for each core, and what all of them share.

use std::sync::Arc;

use super::properties::{self, Counted, Watched};
use super::{Gating, GatingParameters};
use crate::blocks::Block;
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, bit, index_width, pack, uint};

/// The element at a run-time index; 0 beyond the last. Halves are chosen between, from the highest
/// bit of the index on, so that the text has a line for each bit.
pub(super) fn element<'m>(
    m: &'m ModuleBuilder,
    elements: &[Expr<'m>],
    index: Expr<'m>,
    name: &str,
) -> Expr<'m> {
    let width = elements[0].width();
    let mut left = pack(m, elements);
    for digit in (0..index.width()).rev() {
        let half = width << digit;
        let chosen = index.bit(digit);
        left = match left.width().checked_sub(half) {
            Some(rest) if rest > 0 => {
                let high = left.slice(half, rest).cast(uint(half));
                chosen.mux(high, left.slice(0, half))
            }
            _ => chosen.mux(0, left),
        };
        if digit > 0 {
            left = left.named(&format!("{name}_of_{}", 1 << digit));
        }
    }
    left
}

/// When the clock of one core runs, and what that follows from.
struct Core<'m> {
    enable: Expr<'m>,
    awake: Expr<'m>,
    linger: Option<Expr<'m>>,
    settled: Option<Expr<'m>>,
}

/// The decision about one core's clock: `need` is why it should run.
fn decide<'m>(m: &'m ModuleBuilder, p: &GatingParameters, need: Expr<'m>) -> Core<'m> {
    let mut wanted = need;
    let mut linger = None;
    if p.idle_cycles > 0 {
        let ty = uint(index_width(p.idle_cycles + 1));
        let left = m.register("linger", ty).reset(0).doc("cycles that an idle clock still runs");
        wanted = (need | left.any()).named("wanted");
        m.when(wanted, || left.set(need.mux(p.idle_cycles, (left - 1).wrap(ty))));
        linger = Some(left.expr());
    }
    if p.wake_cycles == 0 {
        return Core { enable: wanted, awake: wanted, linger, settled: None };
    }
    let enable = m.register("enable", bit()).reset(0);
    enable.set(wanted);
    let enable = enable.expr();
    if p.wake_cycles == 1 {
        return Core { enable, awake: enable, linger, settled: None };
    }
    let ty = uint(index_width(p.wake_cycles));
    let settled = m.register("settled", ty).reset(0).doc("cycles that the clock has run");
    let awake = settled.eq(p.wake_cycles - 1).named("is_settled");
    m.when(!wanted | !awake, || {
        settled.set((wanted & enable).mux((settled + 1).wrap(ty), 0));
    });
    Core { enable, awake, linger, settled: Some(settled.expr()) }
}

/// One core: its clock, and its counters.
fn core(name: &str, p: &GatingParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc("One core: when its clock runs, and in how many cycles it ran and worked.");
    let pending = m.input_doc("pending_i", bit(), "work is offered");
    let busy = m.input_doc("busy_i", bit(), "work is inside");
    let keep = m.input_doc("keep_i", bit(), "the core is to stay awake");
    let test_enable = m.input_doc("test_enable_i", bit(), "its clock runs for scan");
    let clear = m.input_doc("clear_i", bit(), "the counters begin again");

    let works = (pending | busy).named("works");
    let enable_out = m.output("enable_o", bit()).doc("its clock passes");
    let awake_out = m.output("awake_o", bit()).doc("it may take a beat");
    if p.gate {
        let need = (works | keep).named("need");
        let Core { enable, awake, linger, settled } = decide(&m, p, need);
        enable_out.set(enable | test_enable);
        awake_out.set(awake);
        let (runs, awake) = (enable_out.expr(), awake_out.expr());
        properties::core(
            &m,
            p,
            &Watched { need, linger, enable, settled, runs, awake, test_enable },
        );
    } else {
        m.discard(keep);
        m.discard(test_enable);
        enable_out.set(1);
        awake_out.set(1);
    }
    let (enable, awake) = (enable_out.expr(), awake_out.expr());
    let is_active = (awake & works).named("is_active");
    for (name, counts, doc) in [
        ("active", is_active, "cycles in which it worked"),
        ("ran", enable, "cycles in which its clock ran"),
    ] {
        let ty = uint(p.counter_width);
        let count = m.register(name, ty).reset(0);
        m.when(clear | counts, || count.set(clear.mux(0, (count + 1).wrap(ty))));
        m.output(format!("{name}_o"), ty).doc(doc).set(count);
    }
    m.finish()
}

pub(super) fn describe(name: &str, p: &GatingParameters) -> Result<Arc<Module>, Errors> {
    let core = core(&format!("{name}_core"), p)?;
    let m = ModuleBuilder::new(name);
    let rule = match (p.gate, p.wake_cycles) {
        (false, _) => "All clocks run; cycles are counted.".to_string(),
        (true, 0) => "What is offered to a core wakes it in the same cycle.".to_string(),
        (true, 1) => "What is offered to a core that sleeps is taken one cycle later.".to_string(),
        (true, wake) => {
            format!("What is offered to a core that sleeps is taken {wake} cycles later at most.")
        }
    };
    m.doc(format!(
        "{}\n\n\
         {rule} Core k of cluster c is bit c * {} + k. Gate the clock of each cluster with its bit of \
         `cluster_enable_o`, and behind it that of each core with its bit of `enable_o`. Counters \
         wrap.",
        Gating::SUMMARY,
        p.cores,
    ));
    m.parameter("clusters", p.clusters);
    m.parameter("cores", p.cores);
    m.parameter("idle_cycles", p.idle_cycles);
    m.parameter("wake_cycles", p.wake_cycles);
    m.parameter("counter_width", p.counter_width);
    m.parameter("gate", p.gate);

    let (each, count) = (uint(p.total()), uint(p.counter_width));
    let pending = m.input_doc("pending_i", each, "work is offered to the core");
    let busy = m.input_doc("busy_i", each, "the core holds work");
    let keep = m.input_doc("override_i", bit(), "all cores stay awake");
    let test_enable = m.input_doc("test_enable_i", bit(), "all clocks run for scan");
    let clear = m.input_doc("clear_i", bit(), "the counters begin again");
    let read = m.input_doc("read_i", bit(), "take the counts of a core");
    let index = m.input_doc("core_i", uint(index_width(p.total())), "which core's");

    let cores = m.array("core", &[("core", p.total())], &core);
    cores.each("pending_i", &pending.bits()).each("busy_i", &busy.bits());
    cores.broadcast("keep_i", keep).broadcast("test_enable_i", test_enable);
    cores.broadcast("clear_i", clear);
    let (enable, awake) = (pack(&m, &cores.outputs("enable_o")), cores.outputs("awake_o"));
    let awake = pack(&m, &awake);
    let clusters: Vec<Expr> =
        (0..p.clusters).map(|cluster| enable.slice(cluster * p.cores, p.cores).any()).collect();

    let enable_out = m.output("enable_o", each).doc("the core's clock passes");
    let awake_out = m.output("awake_o", each).doc("the core may take a beat");
    let cluster_out =
        m.output("cluster_enable_o", uint(p.clusters)).doc("the cluster's clock passes");
    enable_out.set(enable);
    awake_out.set(awake);
    cluster_out.set(pack(&m, &clusters));

    let cycles = m.register("cycles", count).reset(0).doc("cycles since the counters began");
    cycles.set(clear.mux(0, (cycles + 1).wrap(count)));
    let (active, ran) = (cores.outputs("active_o"), cores.outputs("ran_o"));
    let active_now = element(&m, &active, index, "active").named("active_now");
    let ran_now = element(&m, &ran, index, "ran").named("ran_now");
    let idle_now = (ran_now - active_now).wrap(count).named("idle_now");
    let gated_now = (cycles - ran_now).wrap(count).named("gated_now");
    let now = [("active", active_now), ("idle", idle_now), ("gated", gated_now)];
    let readings = now.map(|(name, now)| {
        let reading = m.register(format!("{name}_reading"), count).reset(0);
        m.when(read, || reading.set(now));
        let output = m.output(format!("{name}_o"), count);
        output.doc(&format!("{name} cycles of the core last asked for")).set(reading);
        output.expr()
    });
    let counted = Counted { clear, read, index, cycles: cycles.expr(), active, ran, readings };
    let ports = properties::Ports {
        pending,
        busy,
        enable: enable_out.expr(),
        awake: awake_out.expr(),
        cluster_enable: cluster_out.expr(),
    };
    properties::state(&m, p, &ports, &counted);
    m.finish()
}
