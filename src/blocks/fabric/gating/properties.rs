//! What is proven of the gating fabric.

use super::GatingParameters;
use super::rtl::element;
use crate::hdl::{Expr, ModuleBuilder, Signal, bit, index_width, uint};

/// What one core's clock is decided by.
pub(super) struct Watched<'m> {
    /// Why it should run.
    pub need: Expr<'m>,
    /// The cycles that it still runs without, if it ever does.
    pub linger: Option<Expr<'m>>,
    /// Whether it runs, but for scan.
    pub enable: Expr<'m>,
    /// For how long it has run, if that matters.
    pub settled: Option<Expr<'m>>,
    /// Whether it runs, as the port says.
    pub runs: Expr<'m>,
    /// Whether the core may take a beat, as the port says.
    pub awake: Expr<'m>,
    /// Whether it runs for scan.
    pub test_enable: Expr<'m>,
}

/// The ports that speak of cores.
pub(super) struct Ports<'m> {
    /// What is offered work.
    pub pending: Expr<'m>,
    /// What holds work.
    pub busy: Expr<'m>,
    /// Whose clock passes.
    pub enable: Expr<'m>,
    /// What may take a beat.
    pub awake: Expr<'m>,
    /// Which cluster's clock passes.
    pub cluster_enable: Expr<'m>,
}

/// The counters.
pub(super) struct Counted<'m> {
    /// They begin again.
    pub clear: Expr<'m>,
    /// A core's are read.
    pub read: Expr<'m>,
    /// Which core's.
    pub index: Expr<'m>,
    /// Cycles since they began.
    pub cycles: Expr<'m>,
    /// Active cycles of each core.
    pub active: Vec<Expr<'m>>,
    /// Cycles in which each core's clock ran.
    pub ran: Vec<Expr<'m>>,
    /// What was read last: active, idle, gated.
    pub readings: [Expr<'m>; 3],
}

/// How long one core waits for its clock, and its clock for work.
pub(super) fn core<'m>(m: &'m ModuleBuilder, p: &GatingParameters, core: &Watched<'m>) {
    let &Watched { need, linger, enable, settled, runs, awake, test_enable } = core;
    let wake = p.wake_cycles;
    if wake == 0 {
        m.assert("served_in_time", !need | awake);
    } else {
        let ty = uint(index_width(wake + 1));
        let waited = m.register("waited", ty).reset(0).doc("cycles in need and not awake");
        waited.set((need & !awake).mux((waited + 1).wrap(ty), 0));
        m.assert("served_in_time", waited.lt(wake) | !need | awake);
        let settling = settled.map(|settled| (settled + 1).ge(waited));
        m.assert("need_wakes", waited.eq(0) | settling.map_or(enable, |settles| enable & settles));
        m.cover("woken", need & !runs);
    }
    if let Some(settled) = settled {
        m.assert("settled_in_range", settled.lt(wake));
        m.assert("only_clocks_settle", enable | settled.eq(0));
        m.cover("given_up", runs & !test_enable & !awake & !need);
    }

    let most = p.longest_rest();
    if most == 0 {
        m.assert("rest_stops_the_clock", need | test_enable | !runs);
    } else {
        let ty = uint(index_width(most + 1));
        let rested = m.register("rested", ty).reset(most).doc("cycles in a row without need");
        let more = rested.eq(most).mux(rested, (rested + 1).wrap(ty));
        rested.set(need.mux(0, more));
        m.assert("rest_stops_the_clock", need | rested.lt(most) | test_enable | !runs);
        if let Some(linger) = linger {
            m.assert("linger_ends", linger.eq(0) | (linger + rested).le(p.idle_cycles));
        }
        m.cover("rested_out", rested.eq(most) & !runs);
    }
}

/// What the ports say of all cores.
pub(super) fn state<'m>(
    m: &'m ModuleBuilder,
    p: &GatingParameters,
    ports: &Ports<'m>,
    counted: &Counted<'m>,
) {
    let &Ports { pending, busy, enable, awake, .. } = ports;
    // A core becomes busy by what it takes.
    let was_busy = m.register("was_busy", busy.ty()).reset(0);
    let took = m.register("took", busy.ty()).reset(0);
    was_busy.set(busy);
    took.set(pending & awake);
    m.assume("busy_by_taking", (busy & !was_busy & !took).eq(0));
    m.assert("busy_runs", (busy & !enable).eq(0));
    m.assert("awake_runs", (awake & !enable).eq(0));

    let ty = uint(index_width(p.total()));
    let who = m.any_constant("who", ty);
    let of_who = |bits: Expr<'m>, name: &str| bits.bit_at(who).named(&format!("who_{name}"));
    let runs = of_who(enable, "runs");
    clusters(m, p, ports);
    let works = of_who(pending | busy, "works");
    let is_active = (of_who(awake, "is_awake") & works).named("who_is_active");
    let is_idle = (runs & !is_active).named("who_is_idle");
    counts(m, p, counted, who, [is_active, is_idle, !runs, runs]);
    if p.gate {
        if p.total() > 1 {
            m.cover("one_of_several_runs", enable.any() & !enable.all());
        }
        m.cover("all_run", enable.all());
        m.cover("none_runs", !enable.any());
    }
}

/// A cluster's clock stands still where all of its cores' do, and only there.
fn clusters<'m>(m: &'m ModuleBuilder, p: &GatingParameters, ports: &Ports<'m>) {
    let cluster = m.any_constant("cluster", uint(index_width(p.clusters)));
    let exists = cluster.lt(p.clusters);
    let first = (cluster * p.cores).named("cluster_first");
    let cores = ports.enable.shift_right(first).truncate(p.cores.min(p.total()));
    let opens = ports.cluster_enable.bit_at(cluster);
    m.assert("cluster_stops_with_its_cores", !exists | opens.eq(cores.any()));
}

/// The cycles of any core since the counters began, and what is read of them.
fn counts<'m>(
    m: &'m ModuleBuilder,
    p: &GatingParameters,
    counted: &Counted<'m>,
    who: Expr<'m>,
    now: [Expr<'m>; 4],
) {
    let ty = uint(p.counter_width);
    let exists = who.lt(p.total());
    let names = ["active", "idle", "gated"];
    let count = |name: &str, now: Expr<'m>| -> Signal<'m> {
        let count = m.register(format!("who_{name}"), ty).reset(0);
        count.set(counted.clear.mux(0, (count + now).wrap(ty)));
        count
    };
    let [active, idle] = [count("active", now[0]), count("idle", now[1])];
    let [gated, ran] = [count("gated", now[2]), count("ran", now[3])];
    m.assert("cycles_are_partitioned", !exists | (ran + gated).wrap(ty).eq(counted.cycles));
    m.assert("runs_are_partitioned", !exists | (active + idle).wrap(ty).eq(ran));
    let of_core = element(m, &counted.active, who, "who_active_counts");
    m.assert("active_is_counted", !exists | of_core.eq(active));
    let of_core = element(m, &counted.ran, who, "who_ran_counts");
    m.assert("ran_is_counted", !exists | of_core.eq(ran));

    let known = m.register("who_is_known", bit()).reset(0).doc("the last one read is `who`");
    m.when(counted.read, || known.set(counted.index.eq(who)));
    let read = |name: &str, value: Expr<'m>| {
        let read = m.register(format!("{name}_read"), ty);
        m.when(counted.read, || read.set(value));
        read.expr()
    };
    let cycles = read("cycles", counted.cycles);
    let (active, ran) = (read("who_active", active.expr()), read("who_ran", ran.expr()));
    let parts = [active, (ran - active).wrap(ty), (cycles - ran).wrap(ty)];
    for ((name, part), reading) in names.iter().zip(parts).zip(counted.readings) {
        m.assert(&format!("{name}_is_read"), !exists | !known | reading.eq(part));
    }
    m.cover("counts_are_read", known & exists);
}
