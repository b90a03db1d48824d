//! The hardware of a [`RegisterMap`]: an AXI4-Lite subordinate, and a module for each group of
//! registers, made from the map.
//!
//! A field `f` of register `r` is known by the name `r_f`: a setting and a flag can be read, a flag and
//! a status are driven, and a command can be read where the order `r_write` is given.
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

/// Bytes of a copy's addresses, as a power of two.
fn span(group: &Group) -> u32 {
    if group.count > 1 { group.stride } else { group.size().next_power_of_two() }
}

fn number_type(group: &Group) -> Type {
    uint(index_width(span(group) / BYTES))
}

/// Whether any field is of a kind.
fn has(register: &Register, kind: FieldKind) -> bool {
    register.fields.iter().any(|field| field.kind == kind)
}

/// The registers of one copy of a group.
fn registers(name: &str, group: &Group) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(format!("{name}_{}", group.name));
    m.doc(format!("Registers: {}", group.doc));
    let write = m.input("write_i", bit());
    let write_number = m.input("write_number_i", number_type(group));
    let data = m.input("data_i", word());
    let apply = m.input_doc("apply_i", bit(), "what waits for the next packet counts from now on");
    let read_number = m.input("read_number_i", number_type(group));
    let mut values = vec![];
    for register in &group.registers {
        let writes = (register.write != Write::Never).then(|| {
            let writes = write & write_number.eq(number(register));
            writes.named(&format!("writes_{}", register.name))
        });
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
    data: Expr<'m>,
    apply: Expr<'m>,
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
        let written = || self.data.slice(field.low, field.width);
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
                m.when(self.apply, || now.set(next));
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

/// The subordinate: says of each copy of a group whether it is written, and answers.
fn subordinate(name: &str, map: &RegisterMap) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc(
        "Answers accesses of AXI4-Lite to registers.\n\n\
         A write that is refused, an address that is none, and data of which not all bytes are strobed \
         are answered with SLVERR (2) and change nothing.",
    );
    let bus = Bus::new(&m, map);
    let busy = m.input_doc("busy_i", bit(), "some registers may not be written");
    let rests = m.input_doc("rests_i", bit(), "what is written for the next packet may count");
    let pending =
        m.register("pending", bit()).reset(0).doc("something was written for the next packet");
    m.output("pending_o", bit()).doc("something waits for the next packet").set(pending);
    let apply = m.output("apply_o", bit()).doc("it counts from the next cycle on");
    apply.set(pending & rests);

    let there = (bus.aw.valid & bus.w.valid).named("write_there");
    let write = answered(&m, "write", &bus.b, there);
    bus.aw.ready.set(write);
    bus.w.ready.set(write);
    let read = answered(&m, "read", &bus.r, bus.ar.valid);
    bus.ar.ready.set(read);

    let never = || m.constant(0, bit());
    let (mut may_write, mut for_next, mut known) = (never(), never(), never());
    let mut only_at_rest = never();
    let mut values = vec![];
    let mut copies = vec![];
    for group in &map.groups {
        let rule = |what: &str, of: &StreamIn<'_>, registers: Vec<u32>| {
            let rule = m.wire(format!("{}_{what}", group.name), bit());
            m.switch(number_of(group, of["addr"]), |switch| {
                switch.cases(&registers, || rule.set(1));
                switch.default(|| rule.set(0));
            });
            rule.expr()
        };
        let of = |writes: &[Write]| -> Vec<u32> {
            let chosen = group.registers.iter().filter(|one| writes.contains(&one.write));
            chosen.map(number).collect()
        };
        let hits = copies_of(&m, group, bus.aw["addr"], "written");
        let any_hit = hits.any().named(&format!("{}_is_written", group.name));
        let free = rule("is_free", &bus.aw, of(&[Write::Always, Write::NextPacket]));
        let at_rest = rule("is_free_at_rest", &bus.aw, of(&[Write::AtRest]));
        let at_rest = (any_hit & at_rest).named(&format!("{}_needs_rest", group.name));
        may_write = may_write | (any_hit & free) | (at_rest & !busy);
        only_at_rest = only_at_rest | at_rest;
        if !of(&[Write::NextPacket]).is_empty() {
            for_next = for_next | (any_hit & rule("waits", &bus.aw, of(&[Write::NextPacket])));
        }
        copies.push((group, hits));

        let hits = copies_of(&m, group, bus.ar["addr"], "read");
        let all = group.registers.iter().map(number).collect();
        known = known | (hits.any() & rule("is_known", &bus.ar, all));
        let of_copies = m.input(format!("{}_read_i", group.name), uint(group.count * BITS));
        let of_copies = of_copies.elements(word());
        let chosen = hits.bits().into_iter().zip(of_copies);
        values.extend(chosen.map(|(hit, value)| hit.mux(value, 0).wrap(word())));
    }
    let value = values.into_iter().reduce(|any, one| any | one).expect("a map has registers");
    let accepted = (may_write & bus.w["strb"].all()).named("write_accepted");
    let known = known.named("read_known");
    let writes = (write & accepted).named("writes");
    m.when(writes & for_next, || pending.set(1)).or_when(rests, || pending.set(0));
    for (group, hits) in copies {
        let output = m.output(format!("{}_write_o", group.name), uint(group.count));
        output.doc("whose register is written").set(writes.mux(hits, 0).wrap(uint(group.count)));
    }
    let at_rest = m.output("at_rest_o", bit()).doc("what may only be written at rest is written");
    at_rest.set(writes & only_at_rest);
    m.discard(bus.w["data"]);

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
    properties(&m, &bus);
    m.cover("write_is_refused", write & !accepted);
    m.cover("read_is_refused", read & !known);
    m.cover("applies", pending & rests);
    m.finish()
}

/// Each response answers an access that was taken, and each access is answered once.
fn properties(m: &ModuleBuilder, bus: &Bus<'_>) {
    let count = |name: &str, moves: Expr<'_>| {
        let count = m.register(name, uint(2)).reset(0);
        m.when(moves, || count.set((count + 1).truncate(2)));
        count.expr()
    };
    let (addresses, data) =
        (count("addresses", bus.aw.fire()), count("writes_taken", bus.w.fire()));
    let (answers, reads) = (count("answers", bus.b.fire()), count("reads_taken", bus.ar.fire()));
    let values = count("values", bus.r.fire());
    m.assert("address_with_data", addresses.eq(data));
    let written = (answers + bus.b.valid.expr().wrap(uint(2))).truncate(2);
    m.assert("each_write_is_answered", written.eq(addresses));
    let read = (values + bus.r.valid.expr().wrap(uint(2))).truncate(2);
    m.assert("each_read_is_answered", read.eq(reads));
}

/// The number of a register, as an address has it.
fn number_of<'m>(group: &Group, address: Expr<'m>) -> Expr<'m> {
    address.slice(BYTES.ilog2(), number_type(group).width)
}

/// Which copy of a group an address is of, a bit for each.
fn copies_of<'m>(m: &'m ModuleBuilder, group: &Group, address: Expr<'m>, what: &str) -> Expr<'m> {
    let low = span(group).ilog2();
    let place =
        address.slice(low, address.width() - low).named(&format!("{}_place_{what}", group.name));
    let copy = |copy: u32| place.eq(group.base / span(group) + copy);
    pack(m, &(0..group.count).map(copy).collect::<Vec<_>>())
        .named(&format!("{}_{what}", group.name))
}

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
}

/// The modules of a map.
pub(crate) struct RegisterModules {
    subordinate: Arc<Module>,
    groups: Vec<Arc<Module>>,
}

impl RegisterModules {
    /// Makes them; their names begin with this one.
    pub fn elaborate(name: &str, map: &RegisterMap) -> Result<RegisterModules, Errors> {
        let groups = map.groups.iter().map(|group| registers(name, group));
        Ok(RegisterModules {
            groups: groups.collect::<Result<_, _>>()?,
            subordinate: subordinate(name, map)?,
        })
    }
}

/// The registers in a module under description, whose streams are those of AXI4-Lite then.
pub(crate) struct RegisterFile<'m> {
    m: &'m ModuleBuilder,
    subordinate: Instance<'m>,
    groups: Vec<(Copies<'m>, Arc<Module>)>,
}

impl<'m> RegisterFile<'m> {
    /// Adds the registers; some may not be written where `busy` is 1, and what was written for the
    /// next packet counts behind a cycle in which `rests` is.
    pub fn new(m: &'m ModuleBuilder, map: &RegisterMap, modules: &RegisterModules) -> Self {
        let subordinate = m.instance("registers", &modules.subordinate);
        let address = [("addr", uint(map.address_bits())), ("prot", uint(3))];
        let [aw, w, b, ar, r] = CHANNELS;
        let response = ("resp", uint(2));
        let write = m.stream_in(aw, &address);
        let data = m.stream_in(w, &[("data", word()), ("strb", uint(BYTES))]);
        subordinate.feed(aw, &write).feed(w, &data);
        subordinate.drain(b, &m.stream_out(b, &[response]));
        let read = m.stream_in(ar, &address);
        subordinate.feed(ar, &read);
        subordinate.drain(r, &m.stream_out(r, &[("data", word()), response]));
        for stream in &modules.subordinate.streams {
            m.stream_doc(&stream.name, &stream.doc);
        }
        let mut groups = vec![];
        for (group, module) in map.groups.iter().zip(&modules.groups) {
            let copies = Copies::new(m, group, module);
            copies.each("write_i", &subordinate.output(&format!("{}_write_o", group.name)).bits());
            copies.broadcast("write_number_i", number_of(group, write["addr"]));
            copies.broadcast("read_number_i", number_of(group, read["addr"]));
            copies.broadcast("data_i", data["data"]);
            copies.broadcast("apply_i", subordinate.output("apply_o"));
            let values = pack(m, &copies.outputs("read_o"));
            subordinate.connect(&format!("{}_read_i", group.name), values);
            groups.push((copies, module.clone()));
        }
        RegisterFile { m, subordinate, groups }
    }

    /// What is known while nothing may be written, and while what was written may count.
    pub fn guard(&self, busy: Expr<'m>, rests: Expr<'m>) {
        self.subordinate.connect("busy_i", busy).connect("rests_i", rests);
    }

    /// Whether something was written for the next packet that does not count yet.
    pub fn pending(&self) -> Expr<'m> {
        self.subordinate.output("pending_o")
    }

    /// Whether a register is written that may only be so at rest.
    pub fn written_at_rest(&self) -> Expr<'m> {
        self.subordinate.output("at_rest_o")
    }

    /// Whether an access is refused.
    pub fn refused(&self) -> Expr<'m> {
        self.subordinate.output("refused_o")
    }

    /// A field, or the order that a register is written, of each copy the first lowest.
    pub fn get(&self, field: &str) -> Expr<'m> {
        let (copies, port) = (self.group(field, Direction::Output), format!("{field}_o"));
        pack(self.m, &copies.outputs(&port))
    }

    /// Drives a status, or what sets a flag, of each copy the first lowest.
    pub fn set(&self, field: &str, value: Expr<'m>) {
        let copies = self.group(field, Direction::Input);
        let count = copies.outputs("read_o").len() as u32;
        copies.each(&format!("{field}_i"), &value.elements(uint(value.width() / count)));
    }

    fn group(&self, field: &str, direction: Direction) -> &Copies<'m> {
        let suffix = if direction == Direction::Input { "i" } else { "o" };
        let name = format!("{field}_{suffix}");
        let has =
            |module: &Module| module.ports.iter().any(|&port| module.signal(port).name == name);
        let found = self.groups.iter().find(|(_, module)| has(module));
        &found.unwrap_or_else(|| panic!("no register has `{field}`")).0
    }
}
