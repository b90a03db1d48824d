//! Modules of odd shapes print without a message from any tool, in plain, narrow text.

use std::sync::Arc;

use lacuna::config::Tech;
use lacuna::design::Design;
use lacuna::eda;
use lacuna::hdl::*;
use num_bigint::BigInt;

fn module(name: &str, describe: impl FnOnce(&ModuleBuilder)) -> Arc<Module> {
    let m = ModuleBuilder::new(name);
    describe(&m);
    m.finish().unwrap_or_else(|errors| panic!("{errors}"))
}

/// Docs that would end a comment, continue it, or give an order to a tool.
const DOCS: &str = "Ends a comment */ or starts /* one; `define X \\\nverilator lint_off WIDTH\n\n\
                    synopsys translate_off\n\u{b5}s \u{2264} 5 \u{2014} \u{201c}quoted\u{201d} \u{1f980}\tand\u{b}more\r\
                    endmodule\n// not code \\";

fn docs() -> Arc<Module> {
    module("odd_docs", |m| {
        m.doc(format!("{DOCS}\n\n{}", "A very long line of words. ".repeat(40)));
        m.parameter("text", DOCS);
        m.parameter("word", "x".repeat(300));
        let a = m.input_doc("a_i", uint(8), DOCS);
        let b = m.input_doc("b_i", uint(8), "verilator public ");
        let s = m.stream_in("s", &[("data", uint(8))]);
        m.stream_doc("s", DOCS);
        s.ready.set(s.valid);
        let held = m.register("held", uint(8)).doc("trailing \\").attribute("keep");
        held.set(a ^ b ^ s["data"]);
        let out = m.output("a_o", uint(8)).doc("one\ttab \u{e9}");
        out.attribute("keep = \"true\"").attribute("mark_debug").set(held);
    })
}

fn one_bit_signed() -> Arc<Module> {
    module("odd_one_bit_signed", |m| {
        let (a, b) = (m.input("a_i", sint(1)), m.input("b_i", sint(1)));
        let c = m.input("c_i", sint(4));
        m.output("sum_o", sint(2)).set(a + b);
        m.output("product_o", sint(2)).set(a * b);
        m.output("less_o", bit()).set(a.lt(b));
        m.output("wide_o", sint(8)).set(a.cast(sint(8)));
        m.output("not_o", sint(1)).set(!a);
        m.output("mixed_o", sint(5)).set(c - a);
        m.output("abs_o", bit()).set(b.abs());
        m.output("cut_o", sint(1)).set((c * b).saturate(sint(1)));
        let held = m.register("held", sint(1)).reset(-1);
        held.set(a);
        m.output("held_o", sint(1)).set(held);
    })
}

fn memories(name: &str, depth: u32, ty: Type) -> Arc<Module> {
    module(name, |m| {
        let (address, data) = (m.input("address_i", uint(5)), m.input("data_i", ty));
        let write = m.input("write_i", bit());
        let memory = m.memory("cells", depth, ty);
        memory.write(address, data, write);
        m.output("data_o", ty).set(memory.read("data", address, !write));
        m.output("now_o", ty).set(memory.read_async("now", address));
    })
}

/// Nothing but a memory between the ports.
fn only_a_memory() -> Arc<Module> {
    module("odd_only_a_memory", |m| {
        let (address, data) = (m.input("address_i", uint(4)), m.input("data_i", sint(3)));
        let memory = m.memory("cells", 16, sint(3));
        memory.write(address, data, true);
        memory.write(!address, !data, address.bit(0));
        m.output("data_o", sint(3)).set(memory.read("data", address, true));
    })
}

fn machine(name: &str, states: &[&str]) -> Arc<Module> {
    module(name, |m| {
        let go = m.input("go_i", bit());
        let machine = m.state_machine("phase", states);
        let out = m.output("out_o", uint(4));
        machine.switch(|s| {
            for (index, state) in states.iter().enumerate() {
                s.case(state, || {
                    out.set(index as u32);
                    m.when(go, || machine.goto(states[(index + 1) % states.len()]));
                });
            }
            s.default(|| {
                out.set(15);
                machine.goto(states[0]);
            });
        });
        m.output("first_o", bit()).set(machine.is(states[0]));
    })
}

fn switches() -> Arc<Module> {
    module("odd_switches", |m| {
        let (a, b) = (m.input("a_i", sint(4)), m.input("b_i", sint(4)));
        let go = m.input("go_i", bit());
        let (out, other) = (m.output("out_o", sint(4)), m.output("other_o", uint(3)));
        let held = m.register("held", sint(4)).reset(-8);
        other.set(5);
        m.switch(a, |s| {
            s.cases(&[-8, -1], || {
                out.set(-8);
                other.set(0);
            });
            s.case(0, || {
                m.when(go, || {
                    out.set(b);
                    m.switch(a + b, |inner| {
                        inner.case(-3, || other.set(1));
                        inner.case(7, || m.when(b.msb(), || held.set(a)).otherwise(|| held.set(b)));
                        inner.default(|| other.set(2));
                    });
                    m.when(b.eq(3), || other.set(4));
                })
                .otherwise(|| out.set(held));
            });
            s.default(|| {
                out.set(7);
                other.set(3);
            });
        });
    })
}

fn arrays() -> Arc<Module> {
    let cell = module("odd_cell", |m| {
        let (a, b) = (m.input("a_i", sint(3)), m.input("b_i", bit()));
        let c = m.input("c_i", uint(2));
        m.output("a_o", sint(3)).set(m.delayed("a", a));
        m.output("b_o", bit()).set(b ^ c.any());
        m.output("c_o", uint(2)).set(c);
    });
    module("odd_arrays", |m| {
        let (a, b) = (m.input("a_i", uint(18)), m.input("b_i", uint(8)));
        let (c, go) = (m.input("c_i", uint(24)), m.input("go_i", bit()));
        let cells = m.array("cell", &[("x", 2), ("y", 3), ("z", 4)], &cell);
        let a = a.elements(sint(3)).repeat(2);
        cells.chain("a_i", "a_o", "x", &a);
        cells.shift("b_i", "y", &b.bits(), go);
        cells.chain_back("c_i", "c_o", "z", &c.elements(uint(2))[..6]);
        m.discard(c);
        m.output("a_o", uint(36)).set(pack(m, &cells.last("a_o", "x")));
        m.output("b_o", uint(24)).set(pack(m, &cells.outputs("b_o")));
        m.output("c_o", uint(12)).set(pack(m, &cells.first("c_o", "z")));
    })
}

/// An array of one element along each axis, and an instance of which nothing is read.
fn one_element() -> Arc<Module> {
    let cell = module("odd_only_cell", |m| {
        let (a, b, c) = (m.input("a_i", sint(1)), m.input("b_i", bit()), m.input("c_i", uint(2)));
        m.output("a_o", sint(1)).set(m.delayed("a", a));
        m.output("b_o", bit()).set(b ^ c.any());
    });
    module("odd_one_element", |m| {
        let (a, b, go) = (m.input("a_i", sint(1)), m.input("b_i", bit()), m.input("go_i", bit()));
        let cells = m.array("cell", &[("x", 1), ("y", 1)], &cell);
        cells.chain("a_i", "a_o", "x", &[a]).shift("b_i", "y", &[b], go);
        cells.each("c_i", &[concat(m, &[b, go])]);
        m.output("a_o", sint(1)).set(cells.last("a_o", "x")[0]);
        let other = m.instance("other", &cell);
        other.connect("a_i", 0).connect("b_i", b).connect("c_i", 3);
        m.output("b_o", bit()).set(other.output("b_o"));
    })
}

fn named_values() -> Arc<Module> {
    module("odd_named_values", |m| {
        let (a, b) = (m.input("a_i", sint(8)), m.input("b_i", uint(8)));
        let sum = (a + b).named("sum").named("total");
        m.output("sum_o", sint(10)).set(sum);
        m.output("same_o", bit()).set(sum.eq(sum.named("sum")));
        m.output("port_o", uint(8)).set(b.named("a_i"));
        m.output("constant_o", uint(4)).set(m.constant(5, uint(4)).named("five"));
        m.output("cut_o", sint(3)).set(sum.slice(2, 3).as_signed().named("clk_i"));
    })
}

fn wide_resets() -> Arc<Module> {
    module("odd_wide_resets", |m| {
        let a = m.input("a_i", sint(200));
        let least: BigInt = -BigInt::from(2).pow(199);
        let values: [BigInt; 5] = [least.clone(), least + 1, (-1).into(), 0.into(), 1.into()];
        for (index, value) in values.into_iter().enumerate() {
            let held = m.register(format!("held_{index}"), sint(200)).reset(value.clone());
            m.when(a.gt(value), || held.set(a));
            m.output(format!("held_{index}_o"), sint(200)).set(held);
        }
    })
}

/// No ports, and what only properties look at.
fn properties() -> Arc<Module> {
    let child = module("odd_child", |m| {
        let a = m.input("a_i", uint(2));
        m.output("a_o", uint(2)).set(m.delayed("a", a));
        m.output("b_o", bit()).set(a.any());
    });
    module("odd_properties", |m| {
        let count = m.register("count", uint(2)).reset(0);
        count.set((count + 1).truncate(2));
        m.cover("count_is_full", count.all());
        // Read by nothing but a property: a memory's data and an instance's output.
        let address = m.wire("address", uint(2));
        address.set(!count);
        let memory = m.memory("cells", 4, uint(2));
        memory.write(address, count, true);
        let data = memory.read("data", address, true);
        m.assert("data_is_old", data.ne(count));
        m.cover("data_now", memory.read_async("now", address).any());
        let child = m.instance("child", &child);
        child.connect("a_i", address);
        m.assert("child_follows", child.output("a_o").eq(count) | child.output("b_o"));
    })
}

/// One condition that drives an output, and a wire and registers that only properties look at.
fn shadow() -> Arc<Module> {
    module("odd_shadow", |m| {
        let (a, go) = (m.input("a_i", uint(4)), m.input("go_i", bit()));
        let (out, shadow) = (m.output("out_o", uint(4)), m.wire("shadow", uint(4)));
        let (held, last) = (m.register("held", uint(4)), m.register("last", uint(4)).reset(3));
        m.when(go, || {
            out.set(a);
            shadow.set(a);
            held.set(a);
        })
        .otherwise(|| {
            out.set(0);
            shadow.set(1);
        });
        m.switch(a, |s| {
            s.case(1, || last.set(held));
            s.default(|| last.set(0));
        });
        m.assert("shadow_is_as_the_output", shadow.eq(out) | !go);
        m.assert("last_is_small", last.lt(15));
    })
}

fn combinational() -> Arc<Module> {
    module("odd_combinational", |m| {
        let a = m.input("a_i", uint(5));
        let index = m.input("index_i", uint(3));
        m.output("a_o", uint(7)).set(index.select(&[a + 1, a * 3, a ^ 3, a | 7]).wrap(uint(7)));
        m.output("b_o", bit()).set(a.bit_at(index));
        m.output("c_o", uint(12)).set(a.shift_left(index));
        m.output("d_o", uint(3)).set(a.count_ones());
        m.output("e_o", uint(5)).set(5);
        m.assert("is_small", a.lt(31) | index.any());
    })
}

fn gated_twice() -> Arc<Module> {
    let inner = module("odd_gated_inner", |m| {
        let a = m.input("a_i", uint(2));
        let held = m.register("held", uint(2)).reset(1);
        held.set(a);
        m.output("a_o", uint(2)).set(held);
    });
    let middle = module("odd_gated_middle", |m| {
        let (a, go) = (m.input("a_i", uint(2)), m.input("go_i", bit()));
        let child = m.instance("inner", &inner);
        child.clocked_by(m.gated_clock("inner_clk", go)).connect("a_i", a);
        m.output("a_o", uint(2)).set(child.output("a_o"));
    });
    module("odd_gated", |m| {
        let (a, go) = (m.input("a_i", uint(2)), m.input("go_i", uint(2)));
        let child = m.instance("middle", &middle);
        child.clocked_by(m.gated_clock("middle_clk", go.any())).connect("a_i", a);
        child.connect("go_i", go.bit(0));
        m.output("a_o", uint(2)).set(child.output("a_o"));
    })
}

/// Names as long as they may be, and lines that have no place to break for long.
fn long_names() -> Arc<Module> {
    module("odd_long_names", |m| {
        let long = |first: &str, last: &str| format!("{first}{}{last}", "_long".repeat(20));
        let (a, b) = (m.input(long("a", "_i"), uint(9)), m.input(long("b", "_i"), uint(9)));
        let held = m.register(long("held", ""), uint(10)).reset(7);
        m.when(a.lt(b), || held.set(a + b));
        m.output(long("held", "_o"), uint(10)).set(held);
    })
}

#[test]
fn odd_shapes_lint_clean() {
    let tops = vec![
        docs(),
        memories("odd_depth_1", 1, uint(8)),
        memories("odd_depth_2", 2, sint(8)),
        memories("odd_depth_5", 5, uint(1)),
        memories("odd_elements_of_1_bit", 32, uint(1)),
        memories("odd_signed_bits", 32, sint(1)),
        only_a_memory(),
        machine("odd_machine_of_1", &["Only"]),
        machine("odd_machine_of_5", &["One", "Two", "Three", "Four", "Five"]),
        switches(),
        arrays(),
        one_element(),
        named_values(),
        wide_resets(),
        properties(),
        shadow(),
        combinational(),
        gated_twice(),
        long_names(),
        one_bit_signed(),
    ];
    let design = Design::new("odd", tops, Tech::default(), None).expect("it can be printed");
    let mut wrong = Vec::new();
    for file in &design.verilog {
        for line in file.text.lines() {
            let is_long = line.len() > 100 && line.contains(' ') && !line.contains("xxx");
            // A name may be longer than that is wide.
            let is_long = is_long && !line.contains("_long");
            if !line.is_ascii() || is_long || line.ends_with(' ') || line.contains(['\t', '\r']) {
                wrong.push(format!("{}: {line:?}", file.module));
            }
        }
        assert!(file.text.bytes().all(|b| b == b'\n' || !b.is_ascii_control()), "{}", file.module);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let longest = design.verilog.iter().flat_map(|file| file.text.lines());
    let longest = longest.filter(|line| line.contains("_long")).map(str::len).max();
    assert!(longest < Some(160), "{longest:?}");
    let findings = eda::lint(&design.verilog, &design.top_names()).expect("the tools are there");
    let findings: Vec<_> =
        findings.iter().map(|f| format!("{} {}: {}", f.tool, f.top, f.message)).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n\n"));
}

/// The text that only a formal tool sees is sound too.
#[test]
fn properties_are_sound() {
    for module in [properties(), shadow(), combinational()] {
        let files = lacuna::verilog::emit(&module, &Default::default()).unwrap();
        let defined = files.into_iter().map(|file| {
            // SystemVerilog's assertions are not Verilog's; a wire takes their place.
            let mut text = file.text.replace("`ifdef FORMAL", "`ifndef NOTHING");
            for keyword in ["assert", "cover", "assume"] {
                text = text.replace(&format!(": {keyword} ("), ": if (");
            }
            let label = |line: &str| match line.trim().split_once(": if (") {
                _ if line.trim().starts_with("initial assume") => String::new(),
                Some((_, condition)) => {
                    let condition = condition.trim_end_matches(");");
                    format!("if ({condition}) $display;")
                }
                None => line.to_string(),
            };
            let text: Vec<String> = text.lines().map(label).collect();
            lacuna::verilog::File { module: file.module, text: text.join("\n") + "\n" }
        });
        let files: Vec<_> = defined.collect();
        let findings = eda::lint(&files, &[&module.name]).expect("the tools are there");
        let found: Vec<_> = findings.iter().filter(|f| f.tool == "iverilog").collect();
        assert!(found.is_empty(), "{found:?}\n{}", files.last().unwrap().text);
    }
}
