//! Small modules that once came out wrong; the random modules found them.

use std::sync::Arc;

use lacuna::hdl::*;
use lacuna::verilog::{self, Style};

fn finish(m: ModuleBuilder) -> Arc<Module> {
    m.finish().unwrap_or_else(|errors| panic!("{errors}"))
}

fn text(module: &Arc<Module>) -> String {
    let files = verilog::emit(module, &Style::default()).expect("nothing gates a clock");
    files.last().expect("there is a file").text.clone()
}

#[test]
fn a_shift_by_a_constant_has_no_run_time_amount() {
    let m = ModuleBuilder::new("shifts");
    let a = m.input("a_i", uint(8));
    let huge = m.constant(1u64 << 40, uint(64));
    m.output("b_o", uint(8)).set(a.shift_right(huge));
    m.output("c_o", uint(8)).set(a.shift_right(3));
    m.output("d_o", uint(11)).set(a.shift_left(3));
    let text = text(&finish(m));
    assert!(!text.contains(">>") && !text.contains("<<"), "{text}");
    assert!(text.contains("assign b_o = 8'd0;"), "{text}");
    assert!(text.contains("assign c_o = {3'd0, a_i[7:3]};"), "{text}");
    assert!(text.contains("assign d_o = {a_i, 3'd0};"), "{text}");
}

#[test]
fn a_constant_address_beyond_the_depth_writes_nothing() {
    let m = ModuleBuilder::new("beyond");
    let a = m.input("a_i", uint(8));
    let memory = m.memory("cells", 3, uint(8));
    memory.write(3, a, true);
    memory.write(1, a, true);
    m.output("b_o", uint(8)).set(memory.read("b", 3, true));
    m.output("c_o", uint(8)).set(memory.read("c", 1, true));
    m.output("d_o", uint(8)).set(memory.read_async("d", 3));
    let text = text(&finish(m));
    assert!(!text.contains("cells_mem[2'd3]"), "{text}");
}

#[test]
fn a_constant_condition_makes_no_block_that_never_runs() {
    let m = ModuleBuilder::new("decided");
    let (b, c, d) = (m.output("b_o", uint(8)), m.output("c_o", uint(8)), m.output("d_o", uint(8)));
    let held = m.register("held", uint(8)).reset(7);
    m.when(true, || b.set(1)).otherwise(|| b.set(2));
    c.set(3);
    m.when(true, || c.set(4));
    m.switch(m.constant(2, uint(2)), |arms| {
        arms.case(1, || d.set(5));
        arms.default(|| d.set(held));
    });
    m.when(false, || held.set(9));
    let text = text(&finish(m));
    assert!(!text.contains("@*"), "{text}");
    assert!(text.contains("assign b_o = 8'd1;"), "{text}");
    assert!(text.contains("assign c_o = 8'd4;") && !text.contains("8'd3"), "{text}");
    assert!(text.contains("assign d_o = held_q;"), "{text}");
}

#[test]
fn a_value_compared_with_itself_is_decided() {
    let m = ModuleBuilder::new("same");
    let a = m.input("a_i", sint(8));
    m.discard(a);
    m.output("b_o", bit()).set(a.le(a));
    m.output("c_o", bit()).set(a.ne(a));
    let text = text(&finish(m));
    assert!(text.contains("assign b_o = 1'b1;"), "{text}");
    assert!(text.contains("assign c_o = 1'b0;"), "{text}");
}

fn pair() -> Arc<Module> {
    let m = ModuleBuilder::new("pair");
    let (a, b) = (m.input("a_i", bit()), m.input("b_i", uint(3)));
    m.output("a_o", bit()).set(!a);
    m.output("b_o", uint(3)).set(!b);
    finish(m)
}

#[test]
fn no_output_is_left_open() {
    let m = ModuleBuilder::new("open");
    let (a, b) = (m.input("a_i", bit()), m.input("b_i", uint(3)));
    let one = m.instance("one", &pair());
    one.connect("a_i", a).connect("b_i", b);
    m.output("c_o", bit()).set(one.output("a_o"));
    let many = m.array("many", &[("lane", 2)], &pair());
    many.broadcast("a_i", a).broadcast("b_i", b);
    m.output("d_o", bit()).set(many.outputs("a_o")[1]);
    let text = text(&finish(m));
    assert!(!text.contains("()"), "{text}");
}

#[test]
fn arrays_take_constants_and_single_bits() {
    let m = ModuleBuilder::new("edges");
    let (a, b) = (m.input("a_i", bit()), m.input("b_i", uint(3)));
    let one = m.array("one", &[("lane", 1)], &pair());
    one.each("a_i", &[a]).shift("b_i", "lane", &[b], a);
    m.output("c_o", bit()).set(one.outputs("a_o")[0]);
    let two = m.array("two", &[("lane", 2)], &pair());
    two.each("a_i", &[0, 0]).each("b_i", &[0, 0]);
    m.output("d_o", bit()).set(two.outputs("a_o")[1]);
    let text = text(&finish(m));
    assert!(!text.contains("a_i[") && !text.contains("d0["), "{text}");
    assert!(!text.contains("if (a_i)"), "nothing is behind the only element:\n{text}");
}

#[test]
fn a_negative_factor_is_as_wide_as_the_product() {
    let m = ModuleBuilder::new("negative");
    let a = m.input("a_i", sint(3));
    m.output("b_o", sint(11)).set(a * m.constant(-5, sint(8)));
    let text = text(&finish(m));
    assert!(text.contains("-11'sd5"), "{text}");
}

#[test]
fn a_gated_clock_takes_a_clock() {
    let m = ModuleBuilder::new("gates");
    let enable = m.input("enable_i", bit());
    let clock = m.gated_clock("clk_slow", enable);
    let one = m.instance("one", &pair());
    one.connect("a_i", enable).connect("b_i", m.constant(0, uint(3))).clocked_by(clock);
    m.output("c_o", bit()).set(one.output("a_o"));
    assert!(finish(m).has_clock);
}
