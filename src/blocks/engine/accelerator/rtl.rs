//! The hardware of the accelerator: packets, registers and the layer engine.

use std::sync::Arc;

use super::registers::{EVENTS, fields_of_input, map, word_bits};
use super::{Accelerator, LayerEngineParameters};
use crate::blocks::Block;
use crate::blocks::bus::packet_buffer::PacketBuffer;
use crate::blocks::bus::register_file::{RegisterFile, RegisterModules};
use crate::blocks::engine::layer_engine::LayerEngine;
use crate::blocks::engine::pe_cluster;
use crate::config::{Parameters, Tech};
use crate::hdl::{
    Errors, Expr, Instance, Module, ModuleBuilder, Signal, StreamIn, StreamOut, bit, concat, pack,
    sint, uint,
};

pub(super) fn describe(
    name: &str,
    p: &LayerEngineParameters,
    tech: &Tech,
) -> Result<Arc<Module>, Errors> {
    let named = |part: &str| format!("{name}_{part}");
    let parts = Parts {
        packets: PacketBuffer::elaborate(&named("packets"), &super::packets(p), tech)?,
        registers: RegisterModules::elaborate(&named("registers"), &map(p))?,
        engine: LayerEngine::elaborate(&named("engine"), p, tech)?,
    };
    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "{}\n\n\
         The registers are loaded first: settings, then words of weights and biases up to `load_end`. \
         Then each packet of `s_axis` is a vector of layer 0, and for each comes one of `m_axis` with \
         the sums of the final layer. An element stands in whole bytes, the first lowest.",
        Accelerator::SUMMARY
    ));
    for (name, value) in p.to_values().iter() {
        m.parameter(name, value);
    }
    let top = Top::new(&m, p, &parts);
    top.load(&parts.engine);
    let starts = top.let_in();
    top.send();
    top.set(&parts.engine);
    top.report(starts);
    m.finish()
}

struct Parts {
    packets: Arc<Module>,
    registers: RegisterModules,
    engine: Arc<Module>,
}

struct Top<'m> {
    m: &'m ModuleBuilder,
    p: &'m LayerEngineParameters,
    packets: Instance<'m>,
    registers: RegisterFile<'m>,
    engine: Instance<'m>,
    input: StreamIn<'m>,
    output: StreamOut<'m>,
    /// A packet has begun to come in, and has not ended.
    receives: Signal<'m>,
}

impl<'m> Top<'m> {
    fn new(m: &'m ModuleBuilder, p: &'m LayerEngineParameters, parts: &Parts) -> Top<'m> {
        let registers = RegisterFile::new(m, &map(p), &parts.registers);
        let container = super::container(p.activation_bits);
        let input = m.stream_in(
            "s_axis",
            &[
                ("data", uint(p.lanes * container)),
                ("keep", uint(p.lanes * container / 8)),
                ("user", bit()),
                ("last", bit()),
            ],
        );
        m.stream_doc("s_axis", "vectors; TUSER in the first beat says that a new sequence begins");
        let container = super::sum_container(p);
        let output = m.stream_out(
            "m_axis",
            &[
                ("data", uint(p.lanes * container)),
                ("keep", uint(p.lanes * container / 8)),
                ("last", bit()),
            ],
        );
        m.stream_doc("m_axis", "sums of the final layer");
        Top {
            m,
            p,
            packets: m.instance("packets", &parts.packets),
            registers,
            engine: m.instance("engine", &parts.engine),
            input,
            output,
            receives: m.register("receives", bit()).reset(0).doc("a packet comes in"),
        }
    }

    /// Registers hand words to the engine, which is at rest then, so that it takes them.
    fn load(&self, module: &Module) {
        let (m, p, registers, engine) = (self.m, self.p, &self.registers, &self.engine);
        let ty = |port: &str| {
            let signals = module.ports.iter().map(|&port| module.signal(port));
            let found = signals.into_iter().find(|signal| signal.name == port);
            found.expect("the engine has the port").ty
        };
        let unit = m.register("load_unit", ty("load_unit_i"));
        let address = m.register("load_address", ty("load_address_i"));
        let word = registers.get("load_word_write").named("loads_word");
        let end = registers.get("load_end_write").named("ends_load");
        m.when(registers.get("load_write"), || {
            unit.set(registers.get("load_unit").wrap(unit.ty()));
            address.set(registers.get("load_address").wrap(address.ty()));
        })
        .or_when(word, || address.set((address + 1).truncate(address.width())));
        m.discard(registers.get("load_end_last"));
        let low = registers.get("load_word_bits");
        let bits = match word_bits(p) > low.width() {
            true => concat(m, &[registers.get("load_high_bits"), low]),
            false => low,
        };
        let offered = (word | end).named("load_offered");
        // The last word is for a unit that there is not.
        let nobody = p.clusters * p.elements + p.lanes;
        engine.connect("load_valid_i", offered);
        engine.connect("load_unit_i", end.mux(nobody, unit).wrap(unit.ty()));
        engine.connect("load_address_i", address).connect("load_word_i", bits);
        engine.connect("load_last_i", end);
        m.assert("loads_are_taken", !offered | engine.output("load_ready_o"));
    }

    /// Packets go in while there is a program, and to the engine while no setting waits for it to rest.
    /// Whether one begins there.
    fn let_in(&self) -> Expr<'m> {
        let (m, packets, engine, input) = (self.m, &self.packets, &self.engine, &self.input);
        let receives = self.receives;
        let open = (receives | !engine.output("loading_o")).named("open");
        packets.connect("in_valid_i", input.valid & open);
        input.ready.set(packets.output("in_ready_o") & open);
        for (field, value) in input.payload() {
            packets.connect(&format!("in_{field}_i"), value);
        }
        m.when(input.fire(), || receives.set(!input["last"]));
        packets.connect("length_i", self.registers.get("packet_elements"));

        let inside = m.register("enters", bit()).reset(0).doc("a packet goes to the engine");
        let may_enter = (inside | !self.registers.pending()).named("may_enter");
        let offered = (packets.output("out_valid_o") & may_enter).named("vector_offered");
        let ready = engine.output("in_ready_o");
        engine.connect("in_valid_i", offered);
        packets.connect("out_ready_i", may_enter & ready);
        let last = packets.output("out_last_o");
        let fresh = m.register("fresh", bit()).reset(1).doc("the network is not what it was");
        m.when(self.registers.written_at_rest(), || fresh.set(1))
            .or_when(offered & ready & last, || fresh.set(0));
        // What is offered has to stay, so a setting that comes now waits for the next packet.
        m.when(offered, || inside.set(!(ready & last)));
        engine.connect("in_data_i", packets.output("out_data_o")).connect("in_last_i", last);
        engine.connect("in_new_sequence_i", packets.output("out_new_sequence_o") | fresh);
        if self.p.lanes > 1 {
            engine.connect("in_empty_i", packets.output("out_empty_o"));
        }
        (offered & !inside).named("packet_enters")
    }

    /// Sums stand in whole words, with their sign.
    fn send(&self) {
        let (m, p, engine, output) = (self.m, self.p, &self.engine, &self.output);
        let sum = sint(pe_cluster::sum_bits(&p.cluster()));
        let container = super::sum_container(p);
        let widened = |one: Expr<'m>| one.as_signed().wrap(sint(container)).as_unsigned();
        let sums = engine.output("out_sums_o").elements(uint(sum.width));
        let sums: Vec<Expr> = sums.into_iter().map(widened).collect();
        output.valid.set(engine.output("out_valid_o"));
        engine.connect("out_ready_i", output.ready);
        output["data"].set(pack(m, &sums));
        let last = engine.output("out_last_o");
        output["last"].set(last);
        let all = !m.constant(0, uint(p.lanes));
        let present = match p.lanes {
            1 => all,
            _ => all.shift_right(engine.output("out_empty_o")).wrap(all.ty()).named("present"),
        };
        let bytes = container / 8;
        let keep = present.bits().into_iter().map(|lane| lane.mux(!m.constant(0, uint(bytes)), 0));
        let keep: Vec<Expr> = keep.map(|lane| lane.wrap(uint(bytes))).collect();
        output["keep"].set(pack(m, &keep));
    }

    /// The engine's inputs are the registers' fields.
    fn set(&self, engine: &Module) {
        let (m, p, registers) = (self.m, self.p, &self.registers);
        for (port, ty, _) in engine.plain_inputs() {
            let name = port.trim_end_matches("_i");
            let fields = fields_of_input(p, name);
            let value = match name {
                "bonus" => registers.get("bonus_value"),
                "final_layer" => registers.get("final_layer"),
                "keep_awake" => registers.get("power_keep_awake"),
                "cluster" => registers.get("order_cluster"),
                "clear" => registers.get("order_write") & registers.get("order_clear"),
                "read" => registers.get("order_write") & registers.get("order_take"),
                "test_enable" => m.input_doc(port, bit(), "all clocks run for scan"),
                _ => {
                    let of_field = |field: &String| {
                        let all = registers.get(field);
                        all.elements(uint(all.width() / p.layers))
                    };
                    let fields: Vec<Vec<Expr>> = fields.iter().map(of_field).collect();
                    let layers = 0..p.layers as usize;
                    let all: Vec<Expr> =
                        layers.flat_map(|l| fields.iter().map(move |field| field[l])).collect();
                    pack(m, &all)
                }
            };
            self.engine.connect(port, value.wrap(ty));
        }
    }

    /// What the host reads, and what interrupts it.
    fn report(&self, starts: Expr<'m>) {
        let (m, registers, packets, engine) =
            (self.m, &self.registers, &self.packets, &self.engine);
        let loading = engine.output("loading_o");
        let computes = engine.output("busy_o");
        let arrives = (self.input.valid & !loading).named("packet_arrives");
        let busy = computes | packets.output("holds_o") | arrives | self.receives;
        let busy = busy.named("is_busy");
        registers.guard(busy, (!computes & !starts).named("rests"));
        registers.set("status_busy", busy);
        registers.set("status_loading", loading);
        let ends = (self.output.fire() & self.output["last"].expr()).named("result_ends");
        for (event, _) in EVENTS {
            let happens = match event {
                "done" => ends,
                "refused" => registers.refused(),
                fault => packets.output(&format!("{fault}_o")),
            };
            registers.set(&format!("event_{event}"), happens);
        }
        let of = |register: &str| {
            let bits = EVENTS.map(|(event, _)| registers.get(&format!("{register}_{event}")));
            pack(m, &bits)
        };
        let interrupt = m.output("irq_o", bit()).doc("an event that interrupts has happened");
        interrupt.set((of("event") & of("interrupt")).any());

        let clear = (registers.get("order_write") & registers.get("order_clear")).named("clears");
        let counter = |name: &str, counts: Expr<'m>| {
            let counter = m.register(format!("{name}_count"), uint(32)).reset(0);
            m.when(clear, || counter.set(0))
                .or_when(counts, || counter.set((counter + 1).truncate(32)));
            registers.set(&format!("{name}_count"), counter.expr());
        };
        counter("packets", starts);
        counter("results", ends);
        for (register, port) in [
            ("firsts", "firsts_o"),
            ("active", "active_o"),
            ("idle", "idle_o"),
            ("gated", "gated_o"),
            ("vectors", "vectors_o"),
            ("executed", "executed_o"),
        ] {
            registers.set(&format!("{register}_count"), engine.output(port));
        }
        for (band, count) in engine.output("bands_o").elements(uint(32)).into_iter().enumerate() {
            registers.set(&format!("band_{band}_count"), count);
        }
        m.discard(engine.output("enable_o"));
    }
}
