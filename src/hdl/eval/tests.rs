//! The evaluator against what the language says.

mod operators;

use std::sync::Arc;

use num_bigint::BigInt;

use super::limbs;
use super::{EvalError, Evaluator, Failure, MAX_FAILURES};
use crate::hdl::ir::{Body, Logic, Module, PropertyKind, SignalId, Statement};
use crate::hdl::*;

/// Drives inputs by name, takes an edge, and gives an output.
struct Bench(Evaluator);

impl Bench {
    fn new(module: &Arc<Module>) -> Bench {
        Bench(Evaluator::new(module).unwrap())
    }

    fn set(&mut self, name: &str, value: impl Into<i128>) -> &mut Bench {
        let port = self.0.port(name).unwrap();
        self.0.set(port, value);
        self
    }

    fn step(&mut self) -> &mut Bench {
        self.0.step();
        self
    }

    fn get(&mut self, name: &str) -> i64 {
        let port = self.0.port(name).unwrap();
        self.0.get_signed(port)
    }
}

/// One register between `d_i` and `q_o`, with a reset value of 1.
fn flop(width: u32) -> Arc<Module> {
    let m = ModuleBuilder::new(format!("flop_{width}"));
    let d = m.input("d_i", uint(width));
    let q = m.register("q", uint(width)).reset(1);
    q.set(d);
    m.output("q_o", uint(width)).set(q);
    m.finish().unwrap()
}

#[test]
fn counter_wraps_holds_and_resets() {
    let m = ModuleBuilder::new("counter");
    let enable = m.input("enable_i", bit());
    let count = m.register("count", uint(3)).reset(5);
    let free = m.register("free", uint(8));
    m.when(enable, || count.set((count + 1).truncate(3)));
    free.set((free + 1).truncate(8));
    m.output("count_o", uint(3)).set(count);
    m.output("free_o", uint(8)).set(free);
    m.output("following_o", uint(4)).set(count + 1);
    let mut sim = Bench::new(&m.finish().unwrap());
    assert_eq!((sim.get("count_o"), sim.get("following_o")), (0, 1));
    sim.0.reset();
    assert_eq!((sim.get("count_o"), sim.get("following_o")), (5, 6));
    sim.set("enable_i", true).step().step();
    assert_eq!(sim.get("count_o"), 7);
    sim.step();
    assert_eq!(sim.get("count_o"), 0);
    sim.set("enable_i", false).step();
    assert_eq!(sim.get("count_o"), 0);
    sim.0.reset();
    assert_eq!((sim.get("count_o"), sim.get("free_o"), sim.0.cycle()), (5, 4, 4));
}

#[test]
fn registers_swap_without_a_race() {
    let m = ModuleBuilder::new("swap");
    let a = m.register("a", uint(8)).reset(1);
    let b = m.register("b", uint(8)).reset(2);
    a.set(b);
    b.set(a);
    m.output("a_o", uint(8)).set(a);
    m.output("b_o", uint(8)).set(b);
    let mut sim = Bench::new(&m.finish().unwrap());
    sim.0.reset();
    sim.step();
    assert_eq!((sim.get("a_o"), sim.get("b_o")), (2, 1));
}

#[test]
fn one_value_for_two_registers() {
    let m = ModuleBuilder::new("twins");
    let a = m.input("a_i", uint(8));
    let sum = a + 1;
    m.output("b_o", uint(9)).set(m.delayed("b", sum));
    m.output("c_o", uint(9)).set(m.delayed("c", sum));
    let mut sim = Bench::new(&m.finish().unwrap());
    sim.set("a_i", 255).step();
    assert_eq!((sim.get("b_o"), sim.get("c_o")), (256, 256));
}

#[test]
fn values_wrap_into_the_type_of_the_port() {
    let m = ModuleBuilder::new("wires");
    let types = [uint(8), sint(8), sint(64), uint(64), uint(65), sint(200)];
    for (i, ty) in types.into_iter().enumerate() {
        m.output(format!("p{i}_o"), ty).set(m.input(format!("p{i}_i"), ty));
    }
    let mut sim = Evaluator::new(&m.finish().unwrap()).unwrap();
    for (i, ty) in types.into_iter().enumerate() {
        let (from, to) =
            (sim.port(&format!("p{i}_i")).unwrap(), sim.port(&format!("p{i}_o")).unwrap());
        assert_eq!(sim.ty(to), ty);
        for value in [-1, 0, 1, 127, 128, 200, -129, i128::MAX, i128::MIN] {
            sim.set(from, value);
            let expected = ty.wrap(&BigInt::from(value));
            assert_eq!(sim.get_value(to), expected);
            let pattern = uint(ty.width.min(64)).wrap(&expected);
            assert_eq!(BigInt::from(sim.get(to)), pattern);
            assert_eq!(BigInt::from(sim.get_signed(to)), sint(64).wrap(&expected));
            let limbs = sim.get_limbs(to).to_vec();
            sim.set(from, 0);
            sim.set_limbs(from, &limbs);
            assert_eq!(sim.get_value(to), expected);
            sim.set(from, 0);
            sim.set_value(from, &BigInt::from(value));
            assert_eq!(sim.get_value(to), expected);
        }
    }
}

#[test]
fn signed_corners() {
    let m = ModuleBuilder::new("corners");
    let (a, b) = (m.input("a_i", sint(8)), m.input("b_i", uint(8)));
    m.output("product_o", sint(16)).set(a * a);
    m.output("mixed_o", sint(16)).set(a * b);
    m.output("negated_o", sint(9)).set(-a);
    m.output("less_o", bit()).set(a.lt(b));
    m.output("magnitude_o", uint(8)).set(a.abs());
    m.output("clamped_o", sint(4)).set(a.saturate(sint(4)));
    m.output("third_o", sint(5)).set(a >> 3);
    let mut sim = Bench::new(&m.finish().unwrap());
    sim.set("a_i", -128).set("b_i", 255);
    assert_eq!(sim.get("product_o"), 16384);
    assert_eq!(sim.get("mixed_o"), -128 * 255);
    assert_eq!(sim.get("negated_o"), 128);
    assert_eq!(sim.get("less_o"), 1);
    assert_eq!(sim.get("magnitude_o"), 128);
    assert_eq!(sim.get("clamped_o"), -8);
    assert_eq!(sim.get("third_o"), -16);
    sim.set("a_i", -1).set("b_i", 0);
    assert_eq!((sim.get("third_o"), sim.get("less_o"), sim.get("mixed_o")), (-1, 1, 0));
}

#[test]
fn wide_registers_and_counters() {
    for width in [63, 64, 65, 128, 200, 1000] {
        let m = ModuleBuilder::new("wide");
        let a = m.input("a_i", uint(width));
        let sum = m.register("sum", uint(width)).reset(3);
        sum.set((sum + a).truncate(width));
        m.output("sum_o", uint(width)).set(sum);
        let mut sim = Evaluator::new(&m.finish().unwrap()).unwrap();
        let (a, sum) = (sim.port("a_i").unwrap(), sim.port("sum_o").unwrap());
        sim.reset();
        let most = uint(width).max();
        sim.set_value(a, &most);
        sim.run(5);
        assert_eq!(sim.get_value(sum), &most - 1, "{width} bits");
    }
}

#[test]
fn the_last_assignment_that_counts_wins() {
    let m = ModuleBuilder::new("order");
    let a = m.input("a_i", uint(3));
    let b = m.output("b_o", uint(8));
    b.set(1);
    m.when(a.ge(2), || {
        b.set(2);
        m.when(a.eq(3), || b.set(3)).or_when(a.eq(4), || b.set(4)).otherwise(|| b.set(5));
        m.when(a.eq(6), || b.set(6));
    });
    m.when(a.eq(7), || b.set(7));
    let mut sim = Bench::new(&m.finish().unwrap());
    let results: Vec<i64> = (0..8).map(|a| sim.set("a_i", a).get("b_o")).collect();
    assert_eq!(results, [1, 1, 5, 3, 4, 5, 6, 7]);
}

#[test]
fn switches_by_table_and_by_comparison() {
    for ty in [uint(3), sint(3), uint(20), uint(80)] {
        let m = ModuleBuilder::new("switch");
        let a = m.input("a_i", ty);
        let b = m.output("b_o", uint(8));
        let held = m.register("held", uint(8));
        let only = m.register("only", uint(8));
        m.switch(a, |arms| {
            arms.case(0, || {
                b.set(10);
                held.set(1);
            });
            arms.cases(&[1, 3], || b.set(20));
            arms.default(|| {
                b.set(30);
                held.set(7);
            });
        });
        m.switch(a, |arms| arms.case(3, || only.set(9)));
        m.output("held_o", uint(8)).set(held);
        m.output("only_o", uint(8)).set(only);
        let mut sim = Bench::new(&m.finish().unwrap());
        let results: Vec<i64> = (0..4).map(|a| sim.set("a_i", a).get("b_o")).collect();
        assert_eq!(results, [10, 20, 30, 20], "{ty}");
        sim.set("a_i", 2).step();
        assert_eq!((sim.get("held_o"), sim.get("only_o")), (7, 0));
        sim.set("a_i", 1).step();
        assert_eq!((sim.get("held_o"), sim.get("only_o")), (7, 0));
        sim.set("a_i", 3).step();
        assert_eq!((sim.get("held_o"), sim.get("only_o")), (7, 9));
        sim.set("a_i", 0).step();
        assert_eq!((sim.get("held_o"), sim.get("only_o")), (1, 9));
    }
}

#[test]
fn state_machine_walks() {
    let m = ModuleBuilder::new("walk");
    let go = m.input("go_i", bit());
    let state = m.state_machine("state", &["Idle", "Run", "Done"]);
    state.switch(|arms| {
        arms.case("Idle", || {
            m.when(go, || state.goto("Run"));
        });
        arms.case("Run", || state.goto("Done"));
        arms.default(|| state.goto("Idle"));
    });
    m.output("run_o", bit()).set(state.is("Run"));
    m.output("done_o", bit()).set(state.is("Done"));
    let mut sim = Bench::new(&m.finish().unwrap());
    let mut seen = vec![];
    for go in [0, 1, 0, 0, 0] {
        sim.set("go_i", go).step();
        seen.push((sim.get("run_o"), sim.get("done_o")));
    }
    assert_eq!(seen, [(0, 0), (1, 0), (0, 1), (0, 0), (0, 0)]);
}

/// A memory with two write ports and one read port.
fn memory(depth: u32, ty: Type) -> Arc<Module> {
    let m = ModuleBuilder::new("memory");
    let memory = m.memory("cells", depth, ty);
    for port in ["a", "b"] {
        let address = m.input(format!("{port}_address_i"), uint(4));
        let data = m.input(format!("{port}_data_i"), ty);
        let enable = m.input(format!("{port}_write_i"), bit());
        memory.write(address, data, enable);
    }
    let address = m.input("address_i", uint(4));
    let enable = m.input("read_i", bit());
    m.output("data_o", ty).set(memory.read("data", address, enable));
    m.finish().unwrap()
}

#[test]
fn memory_is_read_first_and_the_last_write_wins() {
    for ty in [uint(16), sint(100)] {
        let mut sim = Bench::new(&memory(16, ty));
        sim.set("a_address_i", 3).set("a_data_i", 11).set("a_write_i", 1);
        sim.set("address_i", 3).set("read_i", 1).step();
        assert_eq!(sim.get("data_o"), 0, "the read sees the content before the edge");
        sim.set("b_address_i", 3).set("b_data_i", 22).set("b_write_i", 1).step();
        assert_eq!(sim.get("data_o"), 11);
        sim.set("a_write_i", 0).set("b_write_i", 0).step();
        assert_eq!(sim.get("data_o"), 22, "of two writes the last wins");
        sim.set("read_i", 0).set("address_i", 4).step();
        assert_eq!(sim.get("data_o"), 22, "a read port that is not enabled holds");
        sim.set("read_i", 1).step();
        assert_eq!(sim.get("data_o"), 0);
    }
}

#[test]
fn a_memory_on_a_gated_clock_stands_still() {
    let child = memory(16, uint(8));
    let m = ModuleBuilder::new("parent");
    let gate = m.gated_clock("gated_clk", m.input("enable_i", bit()));
    let instance = m.instance("memory", &child);
    instance.clocked_by(gate);
    for &port in &child.ports {
        let signal = child.signal(port);
        if child.direction(port) == crate::hdl::ir::Direction::Input {
            instance.connect(&signal.name, m.input(&signal.name, signal.ty));
        }
    }
    m.output("data_o", uint(8)).set(instance.output("data_o"));
    let mut sim = Bench::new(&m.finish().unwrap());
    sim.set("a_data_i", 5).set("a_write_i", 1).set("enable_i", 1).step();
    sim.set("a_data_i", 6).set("read_i", 1).set("enable_i", 0).step();
    assert_eq!(sim.get("data_o"), 0, "the read port takes no edge");
    sim.set("a_write_i", 0).set("enable_i", 1).step();
    assert_eq!(sim.get("data_o"), 5, "nor did the write port");
}

#[test]
fn memory_beyond_its_depth() {
    let mut sim = Bench::new(&memory(5, uint(8)));
    for address in 0..16 {
        sim.set("a_address_i", address).set("a_data_i", 100 + address).set("a_write_i", 1).step();
    }
    sim.set("a_write_i", 0).set("read_i", 1);
    let read = |address: i32| sim.set("address_i", address).step().get("data_o");
    let results: Vec<i64> = (0..16).map(read).collect();
    let expected: Vec<i64> = (0..16).map(|a| if a < 5 { 100 + a } else { 0 }).collect();
    assert_eq!(results, expected);
}

#[test]
fn an_address_that_nothing_masks_reads_zero_and_writes_nothing() {
    // The builder masks addresses; a description from elsewhere may not.
    let module = memory(16, uint(8));
    let mut module = Arc::unwrap_or_clone(module);
    let Body::Logic(logic) = &mut module.body else { unreachable!() };
    logic.memories[0].depth = 5;
    let mut sim = Bench::new(&Arc::new(module));
    sim.set("a_address_i", 7).set("a_data_i", 1).set("a_write_i", 1);
    sim.set("b_address_i", 4).set("b_data_i", 9).set("b_write_i", 1);
    sim.set("address_i", 4).set("read_i", 1).step().step();
    assert_eq!(sim.get("data_o"), 9);
    sim.set("address_i", 7).step();
    assert_eq!(sim.get("data_o"), 0);
}

#[test]
fn one_memory_feeds_the_address_of_another() {
    let m = ModuleBuilder::new("indirect");
    let (write, data) = (m.input("write_i", bit()), m.input("data_i", uint(2)));
    let address = m.input("address_i", uint(2));
    let pointers = m.memory("pointers", 4, uint(2));
    let values = m.memory("values", 4, uint(2));
    pointers.write(address, data, write);
    values.write(address, data, write);
    let pointer = pointers.read("pointer", address, !write);
    m.output("value_o", uint(2)).set(values.read("value", pointer, !write));
    let mut sim = Bench::new(&m.finish().unwrap());
    for (address, data) in [(0, 3), (1, 2), (2, 1), (3, 0)] {
        sim.set("address_i", address).set("data_i", data).set("write_i", 1).step();
    }
    // The second memory takes the address that the first one gave one cycle before.
    sim.set("write_i", 0).set("address_i", 1).step();
    sim.set("address_i", 0).step();
    assert_eq!(sim.get("value_o"), 1, "element 2, which element 1 points to");
    sim.step();
    assert_eq!(sim.get("value_o"), 0, "element 3, which element 0 points to");
}

#[test]
fn gated_and_free_instances_exchange_values() {
    let flop = flop(8);
    let m = ModuleBuilder::new("exchange");
    let enable = m.input("enable_i", bit());
    let gate = m.gated_clock("gated_clk", enable);
    let count = m.register("count", uint(8)).reset(1);
    count.set((count + 1).truncate(8));
    let free = m.instance("free", &flop);
    let gated = m.instance("gated", &flop);
    gated.clocked_by(gate);
    gated.connect("d_i", count);
    free.connect("d_i", (gated.output("q_o") + 100).truncate(8));
    // And from the free instance back into another one on the gated clock.
    let back = m.instance("back", &flop);
    back.clocked_by(gate).connect("d_i", free.output("q_o"));
    m.output("free_o", uint(8)).set(free.output("q_o"));
    m.output("gated_o", uint(8)).set(gated.output("q_o"));
    m.output("back_o", uint(8)).set(back.output("q_o"));
    let mut sim = Bench::new(&m.finish().unwrap());
    sim.0.reset();
    let mut state = [1, 1, 1, 1];
    for enable in [1, 1, 0, 0, 1, 0, 1] {
        sim.set("enable_i", enable).step();
        let [count, free, gated, back] = state;
        let passed = |next, held| if enable == 1 { next } else { held };
        state = [count + 1, gated + 100, passed(count, gated), passed(free, back)];
        let seen = [sim.get("free_o"), sim.get("gated_o"), sim.get("back_o")];
        assert_eq!(seen, state[1..]);
    }
}

#[test]
fn a_synchronous_reset_opens_gates() {
    let m = ModuleBuilder::new("delay");
    let d = m.input("d_i", uint(8));
    m.output("q_o", uint(8)).set(m.delayed("q", d));
    let delay = m.finish().unwrap();
    let m = ModuleBuilder::new("gated");
    let (data, enable) = (m.input("d_i", uint(8)), m.input("enable_i", bit()));
    let gate = m.gated_clock("gated_clk", enable);
    let (own, child) = (m.register("own", uint(8)).reset(7), m.instance("child", &delay));
    own.set(data);
    child.clocked_by(gate).connect("d_i", data);
    m.output("own_o", uint(8)).set(own);
    m.output("child_o", uint(8)).set(child.output("q_o"));
    let mut sim = Evaluator::new(&m.finish().unwrap()).unwrap();
    let [data, own, child] = ["d_i", "own_o", "child_o"].map(|name| sim.port(name).unwrap());
    sim.set(data, 3);
    sim.step();
    assert_eq!((sim.get(own), sim.get(child)), (3, 0));
    sim.step_in_reset();
    assert_eq!((sim.get(own), sim.get(child)), (7, 3));
}

#[test]
fn gates_nest_and_reset_passes_them() {
    let flop = flop(8);
    let m = ModuleBuilder::new("inner");
    let (data, enable) = (m.input("d_i", uint(8)), m.input("enable_i", bit()));
    let gate = m.gated_clock("inner_clk", enable);
    let (own, child) = (m.register("own", uint(8)), m.instance("child", &flop));
    own.set(data);
    child.clocked_by(gate).connect("d_i", data);
    m.output("own_o", uint(8)).set(own);
    m.output("child_o", uint(8)).set(child.output("q_o"));
    let inner = m.finish().unwrap();

    let m = ModuleBuilder::new("outer");
    let enable = m.input("outer_i", bit());
    let gate = m.gated_clock("outer_clk", enable);
    let instance = m.instance("inner", &inner);
    instance.clocked_by(gate);
    instance.connect("d_i", m.input("d_i", uint(8)));
    instance.connect("enable_i", m.input("inner_i", bit()));
    m.output("own_o", uint(8)).set(instance.output("own_o"));
    m.output("child_o", uint(8)).set(instance.output("child_o"));
    let mut sim = Bench::new(&m.finish().unwrap());
    let (mut own, mut child) = (0, 0);
    for (cycle, (outer, inner)) in [(0, 0), (0, 1), (1, 0), (1, 1), (0, 1)].into_iter().enumerate()
    {
        let data = 10 + cycle as i64;
        sim.set("d_i", data).set("outer_i", outer).set("inner_i", inner).step();
        own = if outer == 1 { data } else { own };
        child = if outer == 1 && inner == 1 { data } else { child };
        assert_eq!((sim.get("own_o"), sim.get("child_o")), (own, child), "cycle {cycle}");
    }
    sim.0.reset();
    assert_eq!((sim.get("own_o"), sim.get("child_o")), (13, 1));
}

/// `b_o` is `a_i` plus `offset_i`, at once; `seen_o` is `a_i` a cycle later.
fn adder() -> Arc<Module> {
    let m = ModuleBuilder::new("adder");
    let (a, offset) = (m.input("a_i", sint(8)), m.input("offset_i", sint(8)));
    m.output("b_o", sint(8)).set((a + offset).truncate(8));
    m.output("seen_o", sint(8)).set(m.delayed("seen", a));
    m.finish().unwrap()
}

#[test]
fn arrays_in_one_dimension() {
    let adder = adder();
    for back in [false, true] {
        let m = ModuleBuilder::new("line");
        let a = m.input("a_i", sint(8));
        let cells = m.array("cell", &[("stage", 4)], &adder);
        match back {
            false => cells.chain("a_i", "b_o", "stage", &[a]),
            true => cells.chain_back("a_i", "b_o", "stage", &[a]),
        };
        cells.each("offset_i", &[1, 10, -20, 40]);
        m.output("first_o", sint(8)).set(cells.first("b_o", "stage")[0]);
        m.output("last_o", sint(8)).set(cells.last("b_o", "stage")[0]);
        for (i, seen) in cells.outputs("seen_o").into_iter().enumerate() {
            m.output(format!("seen{i}_o"), sint(8)).set(seen);
        }
        let mut sim = Bench::new(&m.finish().unwrap());
        sim.set("a_i", -5);
        let expected = if back { (26, 35) } else { (-4, 26) };
        assert_eq!((sim.get("first_o"), sim.get("last_o")), expected);
        sim.step();
        let seen: Vec<i64> = (0..4).map(|i| sim.get(&format!("seen{i}_o"))).collect();
        assert_eq!(seen, if back { [25, 15, 35, -5] } else { [-5, -4, 6, -14] });
        let inside = if back { 25 } else { -5 };
        assert_eq!(sim.0.peek("cell[0].seen").unwrap(), BigInt::from(inside));
    }
}

#[test]
fn arrays_in_two_dimensions_shift_and_chain() {
    // Activations go right through registers of the array, sums go down at once.
    let m = ModuleBuilder::new("mac");
    let (act, weight) = (m.input("act_i", sint(8)), m.input("weight_i", sint(8)));
    let (sum, enable) = (m.input("sum_i", sint(20)), m.input("enable_i", bit()));
    m.output("sum_o", sint(20)).set((sum + enable.mux(act * weight, 0)).truncate(20));
    let mac = m.finish().unwrap();

    let (rows, columns) = (3usize, 4usize);
    let m = ModuleBuilder::new("grid");
    let (shift, gate) = (m.input("shift_i", bit()), m.input("gate_i", bit()));
    let clock = m.gated_clock("array_clk", gate);
    let acts: Vec<_> = (0..rows).map(|r| m.input(format!("act{r}_i"), sint(8))).collect();
    let weights: Vec<i32> = (0..rows * columns).map(|i| 3 * i as i32 - 11).collect();
    let tops: Vec<_> = (0..columns).map(|c| m.input(format!("top{c}_i"), sint(20))).collect();
    let cells = m.array("pe", &[("row", rows as u32), ("column", columns as u32)], &mac);
    cells.clocked_by(clock);
    cells.shift("act_i", "column", &acts, shift).each("weight_i", &weights);
    cells.chain("sum_i", "sum_o", "row", &tops).broadcast("enable_i", true);
    for (c, sum) in cells.last("sum_o", "row").into_iter().enumerate() {
        m.output(format!("sum{c}_o"), sint(20)).set(sum);
    }
    for (r, sum) in cells.first("sum_o", "column").into_iter().enumerate() {
        m.output(format!("left{r}_o"), sint(20)).set(sum);
    }
    let mut sim = Bench::new(&m.finish().unwrap());

    let mut inside = vec![vec![0i64; columns]; rows];
    for cycle in 0..40 {
        let (shift, gate) = (cycle % 3 != 1, cycle % 5 != 2);
        sim.set("shift_i", shift).set("gate_i", gate);
        for (r, row) in inside.iter_mut().enumerate() {
            row[0] = (cycle * 37 + r as i64 * 11) % 256 - 128;
            sim.set(&format!("act{r}_i"), row[0]);
        }
        for c in 0..columns {
            sim.set(&format!("top{c}_i"), 1000 * c as i64 - cycle);
        }
        let product = |r: usize, c: usize| inside[r][c] * i64::from(weights[r * columns + c]);
        for c in 0..columns {
            let sum: i64 = (0..rows).map(|r| product(r, c)).sum();
            let sum = sum + 1000 * c as i64 - cycle;
            assert_eq!(sim.get(&format!("sum{c}_o")), sum, "column {c} in cycle {cycle}");
        }
        for r in 0..rows {
            let sum: i64 = (0..=r).map(|r| product(r, 0)).sum::<i64>() - cycle;
            assert_eq!(sim.get(&format!("left{r}_o")), sum, "row {r} in cycle {cycle}");
        }
        let path = "pe[1][2].act_i";
        assert_eq!(sim.0.peek(path).unwrap(), BigInt::from(inside[1][2]));
        sim.step();
        if shift && gate {
            for row in &mut inside {
                row.copy_within(0..columns - 1, 1);
            }
        }
    }
}

#[test]
fn a_black_box_needs_a_behaviour() {
    let black_box = |behavior| {
        let m = ModuleBuilder::new("vendor");
        m.input("d_i", uint(8));
        m.output("q_o", uint(8));
        m.finish_black_box(None, behavior).unwrap()
    };
    let parent = |child| {
        let m = ModuleBuilder::new("parent");
        let instance = m.instance("ip", &child);
        instance.connect("d_i", m.input("d_i", uint(8)));
        m.output("q_o", uint(8)).set(instance.output("q_o"));
        m.finish().unwrap()
    };
    let (module, path) = ("vendor".to_string(), "u_ip".to_string());
    let error = Evaluator::new(&parent(black_box(None))).unwrap_err();
    assert_eq!(error, EvalError::BlackBox { module, path });
    assert_eq!(error.to_string(), "black box `vendor` at `u_ip` has no behaviour to evaluate");

    let known = black_box(Some(flop(8)));
    for module in [parent(known.clone()), known.clone(), parent(black_box(Some(known)))] {
        let mut sim = Bench::new(&module);
        sim.set("d_i", 42).step();
        assert_eq!(sim.get("q_o"), 42);
    }
}

#[test]
fn random_state_reaches_everything_and_repeats() {
    let flop = flop(64);
    let m = ModuleBuilder::new("random");
    let held = m.register("held", sint(9));
    held.set(held);
    m.output("held_o", sint(9)).set(held);
    let wide = m.register("wide", uint(130));
    wide.set(wide);
    m.output("wide_o", uint(130)).set(wide);
    let fixed = m.register("fixed", uint(64)).reset(7);
    fixed.set(fixed);
    m.output("fixed_o", uint(64)).set(fixed);
    let lines = m.array("line", &[("i", 3)], &flop);
    let zero = m.constant(0, uint(64));
    lines.shift("d_i", "i", &[zero], false);
    m.output("shift_o", uint(64)).set(lines.last("q_o", "i")[0]);
    let cells = m.memory("cells", 3, uint(70));
    cells.write(0, m.constant(0, uint(70)), false);
    m.output("cell_o", uint(70)).set(cells.read("cell", 2, true));
    let module = m.finish();
    let module = module.unwrap();

    let ports = ["held_o", "wide_o", "fixed_o", "shift_o", "cell_o"];
    let values = |sim: &mut Evaluator| {
        ports.map(|name| {
            let port = sim.port(name).unwrap();
            let value = sim.get_value(port);
            let canonical = limbs::from_integer(&value, sim.ty(port));
            assert_eq!(sim.get_limbs(port), canonical);
            value
        })
    };
    let mut sim = Evaluator::new(&module).unwrap();
    assert_eq!(values(&mut sim), ports.map(|_| BigInt::ZERO));
    sim.randomize(1);
    let mut fork = sim.clone();
    let first = values(&mut sim);
    sim.step();
    let second = values(&mut sim);
    // Read data and the register behind the shift register changed to other random values.
    for (i, value) in first.iter().chain(&second).enumerate() {
        assert_ne!(*value, BigInt::ZERO, "{}", ports[i % ports.len()]);
    }
    assert_ne!(first[4], second[4], "the memory's content is random too");
    assert_eq!(values(&mut fork), first, "a clone goes its own way");
    sim.reset();
    assert_eq!(values(&mut sim)[2], BigInt::from(7));
    sim.randomize(2);
    assert_ne!(values(&mut sim), first);
    sim.randomize(1);
    assert_eq!(values(&mut sim), first);
}

#[test]
fn properties_are_looked_at_before_each_edge() {
    let m = ModuleBuilder::new("checked");
    let a = m.input("a_i", uint(8));
    m.assume("below_200", a.lt(200));
    m.assert("not_three", a.ne(3));
    m.cover("five", a.eq(5));
    m.output("a_o", uint(8)).set(a);
    let child = m.finish().unwrap();
    let m = ModuleBuilder::new("parent");
    let line = m.array("line", &[("i", 2)], &child);
    line.each("a_i", &[m.input("a_i", uint(8)), m.input("b_i", uint(8))]);
    m.output("a_o", uint(8)).set(line.last("a_o", "i")[0]);
    let parent = m.finish().unwrap();

    let mut sim = Bench::new(&parent);
    sim.0.reset();
    sim.set("a_i", 3);
    sim.get("a_o");
    assert_eq!(sim.0.failure_count(), 0, "nothing is looked at between edges");
    sim.step().set("a_i", 5).step().step().set("b_i", 255).step();
    let failure = |path: &str, property: &str, kind, cycle| Failure {
        path: path.to_string(),
        property: property.to_string(),
        kind,
        cycle,
    };
    let expected = [
        failure("line[0]", "not_three", PropertyKind::Assert, 0),
        failure("line[1]", "below_200", PropertyKind::Assume, 3),
    ];
    assert_eq!(sim.0.failures(), expected);
    assert_eq!(expected[1].to_string(), "assumption `line[1].below_200` failed in cycle 3");
    let covers = vec![("line[0].five".to_string(), 3), ("line[1].five".to_string(), 0)];
    assert_eq!(sim.0.covers(), covers);
    sim.0.run(2000);
    assert_eq!((sim.0.failures().len(), sim.0.failure_count()), (MAX_FAILURES, 2002));
}

#[test]
fn names_that_do_not_exist() {
    let mut sim = Evaluator::new(&flop(4)).unwrap();
    let error = sim.port("x_i").unwrap_err();
    assert_eq!(error.to_string(), "there is no port `x_i`; there are d_i, q_o");
    let error = sim.peek("x").unwrap_err();
    assert_eq!(error.to_string(), "there is no signal `x`; there are d_i, q, q_o");
    assert!(matches!(sim.peek("u_x.q"), Err(EvalError::UnknownPath { .. })));
}

#[test]
#[should_panic(expected = "`q_o` is an output")]
fn an_output_is_not_driven() {
    Bench::new(&flop(4)).set("q_o", 1);
}

#[test]
fn a_look_inside_shows_also_what_nothing_needs() {
    let m = ModuleBuilder::new("looked_at");
    let a = m.input("a_i", uint(8));
    let square = m.wire("square", uint(16));
    square.set(a * a);
    m.discard(square);
    m.output("a_o", uint(8)).set(a);
    let mut sim = Bench::new(&m.finish().unwrap());
    for a in [3, 7] {
        sim.set("a_i", a);
        assert_eq!(sim.0.peek("square").unwrap(), BigInt::from(a * a));
    }
}

/// A module as the builder makes it, with its assignments exchanged for others.
fn reassigned(module: Arc<Module>, change: impl FnOnce(&mut Logic)) -> Arc<Module> {
    let mut module = Arc::unwrap_or_clone(module);
    let Body::Logic(logic) = &mut module.body else { unreachable!() };
    change(logic);
    Arc::new(module)
}

#[test]
fn loops_are_errors_with_names() {
    let m = ModuleBuilder::new("looped");
    let a = m.input("a_i", uint(8));
    let (b, c) = (m.wire("b", uint(8)), m.wire("c", uint(8)));
    b.set((a + 1).truncate(8));
    c.set(b ^ 1);
    m.output("c_o", uint(8)).set(c);
    // `b` takes the value meant for `c_o`, which is `c`.
    let module = reassigned(m.finish().unwrap(), |logic| {
        let Statement::Assign { value: c, .. } = logic.statements[2] else { unreachable!() };
        let Statement::Assign { target, value, .. } = &mut logic.statements[0] else {
            unreachable!()
        };
        assert_eq!(*target, SignalId(1));
        *value = c;
    });
    let m = ModuleBuilder::new("parent");
    let instance = m.instance("inner", &module);
    instance.connect("a_i", m.input("a_i", uint(8)));
    m.output("c_o", uint(8)).set(instance.output("c_o"));
    let error = Evaluator::new(&m.finish().unwrap()).unwrap_err();
    let message = error.to_string();
    assert!(
        ["u_inner.b -> u_inner.c -> u_inner.b", "u_inner.c -> u_inner.b -> u_inner.c"]
            .iter()
            .any(|names| message == format!("combinational loop: {names}")),
        "{message}"
    );
}

#[test]
fn a_loop_through_instances() {
    let adder = adder();
    let m = ModuleBuilder::new("parent");
    let a = m.input("a_i", sint(8));
    let (one, two) = (m.instance("one", &adder), m.instance("two", &adder));
    one.connect("a_i", a).connect("offset_i", 1);
    two.connect("a_i", one.output("b_o")).connect("offset_i", 1);
    m.output("b_o", sint(8)).set(two.output("b_o"));
    m.output("seen_o", sint(8)).set(two.output("seen_o"));
    let module = reassigned(m.finish().unwrap(), |logic| {
        let from_two = logic.statements.iter().find_map(|statement| match statement {
            Statement::Assign { value, .. } => Some(*value),
            _ => None,
        });
        logic.instances[0].connections[0] = crate::hdl::ir::Connection::Input(from_two.unwrap());
    });
    let Err(EvalError::Loop(names)) = Evaluator::new(&module) else { panic!("a loop is an error") };
    assert!(names.iter().any(|name| name == "u_one.b_o"), "{names:?}");
    assert_eq!(names.first(), names.last());
}

#[test]
fn a_register_breaks_a_loop() {
    let flop = flop(8);
    let m = ModuleBuilder::new("ring");
    let instance = m.instance("flop", &flop);
    let next = m.wire("next", uint(8));
    instance.connect("d_i", next);
    next.set((instance.output("q_o") + 1).truncate(8));
    m.output("next_o", uint(8)).set(next);
    let mut sim = Bench::new(&m.finish().unwrap());
    sim.step().step();
    assert_eq!(sim.get("next_o"), 3);
}

#[test]
fn long_chains_need_no_stack() {
    let run = || {
        let m = ModuleBuilder::new("chain");
        let a = m.input("a_i", uint(32));
        let mut sum = a;
        for _ in 0..100_000 {
            sum = (sum + a).truncate(32);
        }
        m.output("sum_o", uint(32)).set(sum);
        let mut sim = Bench::new(&m.finish().unwrap());
        assert_eq!(sim.set("a_i", 3).get("sum_o"), 300_003);
    };
    let small_stack = std::thread::Builder::new().stack_size(256 << 10);
    small_stack.spawn(run).unwrap().join().unwrap();
}
