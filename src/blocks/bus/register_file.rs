//! The hardware of a [`RegisterMap`]: an AXI4-Lite subordinate, and behind it the registers.
//!
//! Ports are made from the map. A field `f` of register `r` has, of all copies of its group and the
//! first lowest: a setting `r_f_o`; a status `r_f_i`; a flag `r_f_i`, which sets it, and `r_f_o`; a
//! command `r_f_o`, which counts where `r_write_o` is 1.
//!
//! A write moves where its address and its data are there, and the response before has gone. Registers
//! of [`Write::AtRest`] refuse it where `busy_i` is 1; those of [`Write::NextPacket`] keep it until
//! `rests_i` is 1, and `pending_o` says that they do. What is refused, an address that is none, and data
//! of which not all bytes are strobed are answered with SLVERR and change nothing; `refused_o` says so
//! in the same cycle. (ARM IHI 0022, AMBA AXI: chapters on AXI4-Lite and on transaction structure.)

use std::sync::Arc;

use crate::hdl::ir::Direction;
use crate::hdl::{
    Array, Errors, Expr, Instance, Module, ModuleBuilder, StreamIn, StreamOut, Type, bit, concat,
    index_width, pack, uint,
};
use crate::registers::{BITS, BYTES, Field, FieldKind, Group, Register, RegisterMap, Write};

/// Responses: all is well, and the subordinate refuses.
const OKAY: u32 = 0;
const SLVERR: u32 = 2;

/// The port of a field, without its direction.
pub(crate) fn port(register: &Register, field: &Field) -> String {
    format!("{}_{}", register.name, field.name)
}

fn word() -> Type {
    uint(BITS)
}

/// The number of a register in its group.
fn number(register: &Register) -> u32 {
    register.offset / BYTES
}

fn number_type(group: &Group) -> Type {
    uint(index_width(group.stride.min(group.size().next_power_of_two()) / BYTES))
}

/// Whether any field is of a kind.
fn has(register: &Register, kind: FieldKind) -> bool {
    register.fields.iter().any(|field| field.kind == kind)
}

/// The registers of one copy of a group.
fn registers(name: &str, group: &Group) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_{}", group.name));
    m.doc(format!("Registers: {}", group.doc));
    let of_kind = |write: Write| group.registers.iter().any(|one| one.write == write);
    let written = group.registers.iter().any(|one| one.write != Write::Never);
    let port = |name: &str, ty: Type| written.then(|| m.input(name, ty));
    let write = port("write_i", bit());
    let write_number = port("write_number_i", number_type(group));
    let data = port("data_i", word());
    let apply = of_kind(Write::NextPacket)
        .then(|| m.input_doc("apply_i", bit(), "what was written counts from the next cycle on"));
    let read_number = m.input("read_number_i", number_type(group));
    let mut values = vec![];
    for register in &group.registers {
        let writes = write.zip(write_number).map(|(write, number_i)| {
            let fires = write & number_i.eq(number(register));
            fires.named(&format!("writes_{}", register.name))
        });
        let writes = writes.filter(|_| register.write != Write::Never);
        let bits = Bits { m: &m, register, writes, data, apply };
        let value = bits.fields();
        if has(register, FieldKind::Command) {
            let writes = writes.expect("a command is written");
            m.output(format!("{}_write_o", register.name), bit()).set(writes);
        }
        values.extend(value.map(|value| (number(register), value)));
    }
    let read = m.wire("read", word());
    m.output("read_o", word()).set(read);
    m.switch(read_number, |switch| {
        for &(number, value) in &values {
            switch.case(number, || read.set(value));
        }
        switch.default(|| read.set(0));
    });
    m.finish()
}

/// The fields of a register in the making.
struct Bits<'m, 'a> {
    m: &'m ModuleBuilder,
    register: &'a Register,
    writes: Option<Expr<'m>>,
    data: Option<Expr<'m>>,
    apply: Option<Expr<'m>>,
}

impl<'m> Bits<'m, '_> {
    /// Makes the fields; what the host reads of them, if it is anything but 0.
    fn fields(&self) -> Option<Expr<'m>> {
        let mut parts = vec![];
        let mut end = 0;
        let mut is_read = false;
        for field in &self.register.fields {
            let Some(value) = self.field(field) else { continue };
            if field.low > end {
                parts.push(self.m.constant(0, uint(field.low - end)));
            }
            parts.push(value);
            end = field.low + field.width;
            is_read = true;
        }
        parts.reverse();
        is_read.then(|| concat(self.m, &parts).wrap(word()))
    }

    fn field(&self, field: &Field) -> Option<Expr<'m>> {
        let (m, ty, name) = (self.m, uint(field.width), port(self.register, field));
        let written = || {
            let data = self.data.expect("a group with a field that is written has data");
            data.slice(field.low, field.width)
        };
        let writes = || self.writes.expect("a field that is written is so by its register");
        match field.kind {
            FieldKind::Constant(value) => Some(m.constant(value, ty)),
            FieldKind::Status => Some(m.input_doc(format!("{name}_i"), ty, &field.doc)),
            FieldKind::Command => {
                m.output(format!("{name}_o"), ty).doc(&field.doc).set(written());
                None
            }
            FieldKind::Flag => {
                let sets = m.input_doc(format!("{name}_i"), ty, &field.doc);
                let flag = m.register(&name, ty).reset(0);
                let cleared = writes().mux(!written(), !m.constant(0, ty)).wrap(ty);
                flag.set((flag & cleared) | sets);
                m.output(format!("{name}_o"), ty).set(flag);
                Some(flag.expr())
            }
            FieldKind::Setting if self.register.write == Write::NextPacket => {
                let next = m.register(format!("{name}_next"), ty).reset(0);
                let now = m.register(&name, ty).reset(0);
                m.when(writes(), || next.set(written()));
                m.when(self.apply.expect("the group has such registers"), || now.set(next));
                m.output(format!("{name}_o"), ty).doc(&field.doc).set(now);
                Some(next.expr())
            }
            FieldKind::Setting => {
                let setting = m.register(&name, ty).reset(0);
                m.when(writes(), || setting.set(written()));
                m.output(format!("{name}_o"), ty).doc(&field.doc).set(setting);
                Some(setting.expr())
            }
        }
    }
}

/// An address, as a group understands it.
struct Decoded<'m> {
    /// The group's copies, of which the address is of one, or of none.
    copies: Vec<Expr<'m>>,
    number: Expr<'m>,
}

fn decode<'m>(group: &Group, address: Expr<'m>) -> Decoded<'m> {
    let number = address.slice(BYTES.ilog2(), number_type(group).width);
    let place = group.stride.ilog2();
    let place = address.slice(place, address.width() - place);
    let copy = |copy: u32| place.eq(group.base / group.stride + copy);
    Decoded { copies: (0..group.count).map(copy).collect(), number }
}

impl<'m> Decoded<'m> {
    /// Whether the address is that of a register which this is said of.
    fn is(&self, m: &'m ModuleBuilder, group: &Group, of: impl Fn(&Register) -> bool) -> Expr<'m> {
        let chosen = group.registers.iter().filter(|register| of(register));
        let chosen: Vec<Expr> = chosen.map(|one| self.number.eq(number(one))).collect();
        any(m, &self.copies) & any(m, &chosen)
    }
}

/// All of them, or 0 if there are none.
fn any<'m>(m: &'m ModuleBuilder, items: &[Expr<'m>]) -> Expr<'m> {
    match items {
        [] => m.constant(0, bit()),
        [first, rest @ ..] => rest.iter().fold(*first, |any, &one| any | one),
    }
}

/// The response to an access that is in order, or is not.
fn response(good: Expr<'_>) -> Expr<'_> {
    good.mux(OKAY, SLVERR).wrap(uint(2))
}

/// The channels of the bus.
struct Bus<'m> {
    aw: StreamIn<'m>,
    w: StreamIn<'m>,
    b: StreamOut<'m>,
    ar: StreamIn<'m>,
    r: StreamOut<'m>,
}

/// The names of the channels' streams.
pub(crate) const CHANNELS: [&str; 5] =
    ["s_axil_aw", "s_axil_w", "s_axil_b", "s_axil_ar", "s_axil_r"];

impl<'m> Bus<'m> {
    fn new(m: &'m ModuleBuilder, map: &RegisterMap) -> Bus<'m> {
        let address = [("addr", uint(map.address_bits())), ("prot", uint(3))];
        let [aw, w, b, ar, r] = CHANNELS;
        let data = [("data", word()), ("strb", uint(BYTES))];
        let bus = Bus {
            aw: m.stream_in(aw, &address),
            w: m.stream_in(w, &data),
            b: m.stream_out(b, &[("resp", uint(2))]),
            ar: m.stream_in(ar, &address),
            r: m.stream_out(r, &[("data", word()), ("resp", uint(2))]),
        };
        m.stream_doc(aw, "addresses of writes, in bytes");
        m.stream_doc(w, "data of writes");
        m.stream_doc(b, "responses to writes: 0 OKAY, 2 SLVERR");
        m.stream_doc(ar, "addresses of reads, in bytes");
        m.stream_doc(r, "data of reads, and responses to them");
        for address in [&bus.aw, &bus.ar] {
            m.discard(address["prot"]);
            m.discard(address["addr"].slice(0, BYTES.ilog2()));
        }
        bus
    }
}

/// A group's copies.
enum Copies<'m> {
    One(Instance<'m>),
    Several(Array<'m>),
}

impl<'m> Copies<'m> {
    fn new(m: &'m ModuleBuilder, group: &Group, module: &Arc<Module>) -> Copies<'m> {
        match group.count {
            1 => Copies::One(m.instance(&group.name, module)),
            count => Copies::Several(m.array(&group.name, &[(&group.name, count)], module)),
        }
    }

    fn each(&self, port: &str, values: &[Expr<'m>]) {
        match self {
            Copies::One(instance) => drop(instance.connect(port, values[0])),
            Copies::Several(array) => drop(array.each(port, values)),
        }
    }

    fn broadcast(&self, port: &str, value: Expr<'m>) {
        match self {
            Copies::One(instance) => drop(instance.connect(port, value)),
            Copies::Several(array) => drop(array.broadcast(port, value)),
        }
    }

    fn outputs(&self, port: &str) -> Vec<Expr<'m>> {
        match self {
            Copies::One(instance) => vec![instance.output(port)],
            Copies::Several(array) => array.outputs(port),
        }
    }

    /// Fields are ports of the register file, those of all copies side by side.
    fn connect_fields(&self, m: &'m ModuleBuilder, module: &Module) {
        let count = self.outputs("read_o").len() as u32;
        for &port in &module.ports {
            let signal = module.signal(port);
            let (name, ty, doc) = (signal.name.as_str(), signal.ty, &signal.doc);
            let of_each = if count > 1 { format!("{doc}; of each") } else { doc.clone() };
            match module.direction(port) {
                Direction::Input if !OF_BUS.contains(&name) => {
                    let all = m.input_doc(name, uint(count * ty.width), &of_each);
                    self.each(name, &all.elements(ty));
                }
                Direction::Output if name != "read_o" => {
                    let all = m.output(name, uint(count * ty.width)).doc(&of_each);
                    all.set(pack(m, &self.outputs(name)));
                }
                _ => {}
            }
        }
    }
}

/// The inputs of a group that are no fields.
const OF_BUS: [&str; 5] = ["write_i", "write_number_i", "data_i", "apply_i", "read_number_i"];

/// A response that waits to be taken; whether what it answers may move, where that is `there`.
fn answered<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    response: &StreamOut<'m>,
    there: Expr<'m>,
) -> Expr<'m> {
    let waits = m.register(format!("{name}_answered"), bit()).reset(0);
    let moves = (there & (!waits | response.ready)).named(&format!("{name}_moves"));
    m.when(moves, || waits.set(1)).or_when(response.ready, || waits.set(0));
    response.valid.set(waits);
    moves
}

/// The module of a map.
pub(crate) fn describe(name: &str, map: &RegisterMap) -> Result<Arc<Module>, Errors> {
    let groups: Result<Vec<_>, Errors> =
        map.groups.iter().map(|group| registers(name, group)).collect();
    let groups = groups?;
    let m = ModuleBuilder::new(name);
    m.doc(format!(
        "Registers of {} behind AXI4-Lite.\n\n\
         A write that is refused, an address that is none, and data of which not all bytes are strobed \
         are answered with SLVERR (2) and change nothing.",
        map.name
    ));
    let bus = Bus::new(&m, map);
    let busy = m.input_doc("busy_i", bit(), "some registers may not be written");
    let rests = m.input_doc("rests_i", bit(), "what is written for the next packet may count");
    let pending = m
        .register("pending", bit())
        .reset(0)
        .doc("something was written for the next packet");
    m.output("pending_o", bit()).set(pending);
    let apply = (pending & rests).named("apply");

    let there = (bus.aw.valid & bus.w.valid).named("write_there");
    let write = answered(&m, "write", &bus.b, there);
    bus.aw.ready.set(write);
    bus.w.ready.set(write);
    let read = answered(&m, "read", &bus.r, bus.ar.valid);
    bus.ar.ready.set(read);

    let (mut writable, mut for_next, mut readable) = (vec![], vec![], vec![]);
    let mut decoded = vec![];
    for group in &map.groups {
        let (writes, reads) = (decode(group, bus.aw["addr"]), decode(group, bus.ar["addr"]));
        let free = writes.is(&m, group, |one| matches!(one.write, Write::Always | Write::NextPacket));
        let at_rest = writes.is(&m, group, |one| one.write == Write::AtRest);
        writable.push(free | (at_rest & !busy));
        for_next.push(writes.is(&m, group, |one| one.write == Write::NextPacket));
        readable.push(reads.is(&m, group, |_| true));
        decoded.push((writes, reads));
    }
    let whole = bus.w["strb"].all();
    let accepted = (any(&m, &writable) & whole).named("write_accepted");
    let known = any(&m, &readable).named("read_known");
    let writes = (write & accepted).named("writes");
    m.when(writes & any(&m, &for_next), || pending.set(1)).or_when(rests, || pending.set(0));

    let mut values = vec![];
    for ((group, module), (writing, reading)) in map.groups.iter().zip(&groups).zip(&decoded) {
        let copies = Copies::new(&m, group, module);
        let has_input = |port: &str| module.plain_inputs().any(|(name, ..)| name == port);
        if has_input("write_i") {
            let fires: Vec<Expr> = writing.copies.iter().map(|&copy| writes & copy).collect();
            copies.each("write_i", &fires);
            copies.broadcast("write_number_i", writing.number);
            copies.broadcast("data_i", bus.w["data"]);
        }
        if has_input("apply_i") {
            copies.broadcast("apply_i", apply);
        }
        copies.broadcast("read_number_i", reading.number);
        copies.connect_fields(&m, module);
        let read = copies.outputs("read_o").into_iter().zip(&reading.copies);
        values.extend(read.map(|(value, &copy)| copy.mux(value, 0).wrap(word())));
    }
    let value = any(&m, &values).named("read_value");
    let b_resp = m.register("b_resp", uint(2));
    m.when(write, || b_resp.set(response(accepted)));
    bus.b["resp"].set(b_resp);
    let (r_resp, r_data) = (m.register("r_resp", uint(2)), m.register("r_data", word()));
    m.when(read, || {
        r_resp.set(response(known));
        r_data.set(value);
    });
    bus.r["resp"].set(r_resp);
    bus.r["data"].set(r_data);
    let refused = (write & !accepted) | (read & !known);
    m.output("refused_o", bit()).doc("an access is answered with SLVERR").set(refused);
    m.cover("write_is_refused", write & !accepted);
    m.cover("read_is_refused", read & !known);
    m.cover("applies", apply);
    m.finish()
}
