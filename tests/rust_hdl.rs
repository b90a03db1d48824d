//! Modules as rust-hdl blocks: simulated there, printed from there, and why rust-hdl itself is not
//! what prints.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use lacuna::config::Reset;
use lacuna::hdl::{Module, ModuleBuilder, bit, concat, sint, uint};
use lacuna::interop::rust_hdl::rust_hdl_core;
use lacuna::interop::rust_hdl::{BlockError, Model, Value, Wrapped};
use lacuna::rust_hdl_ports;
use lacuna::verilog::{self, Style};
use num_bigint::BigInt;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_hdl_core::prelude::*;

#[path = "../examples/systolic/systolic.rs"]
mod systolic;

// Modules to wrap.

fn counter(width: u32) -> Arc<Module> {
    let m = ModuleBuilder::new("counter");
    let enable = m.input("enable_i", bit());
    let count = m.register("count", uint(width)).reset(0);
    m.when(enable, || count.set((count + 1).truncate(width)));
    m.output("count_o", uint(width)).set(count);
    m.finish().unwrap()
}

/// Adds up products; says when the sum is below a limit.
fn mac() -> Arc<Module> {
    let m = ModuleBuilder::new("mac");
    let (a, b) = (m.input("a_i", sint(8)), m.input("b_i", sint(8)));
    let sum = m.register("sum", sint(20)).reset(-3);
    sum.set((sum + a * b).truncate(20));
    m.output("sum_o", sint(20)).set(sum);
    m.output("below_o", bit()).set(sum.lt(a));
    m.finish().unwrap()
}

/// A difference of wide numbers, registered without a reset, and its sign.
fn wide() -> Arc<Module> {
    let m = ModuleBuilder::new("wide");
    let (a, b) = (m.input("a_i", sint(200)), m.input("b_i", uint(200)));
    let difference = m.delayed("difference", a - b);
    m.output("difference_o", difference.ty()).set(difference);
    m.output("less_o", bit()).set(a.lt(b));
    m.finish().unwrap()
}

/// One-bit ports, no clock.
fn majority() -> Arc<Module> {
    let m = ModuleBuilder::new("majority");
    let (a, b, c) = (m.input("a_i", bit()), m.input("b_i", bit()), m.input("c_i", sint(1)));
    let c = c.as_unsigned();
    m.output("y_o", bit()).set((a & b) | (a & c) | (b & c));
    m.finish().unwrap()
}

/// Holds one beat.
fn stage() -> Arc<Module> {
    let m = ModuleBuilder::new("stage");
    let input = m.stream_in("in", &[("data", sint(16)), ("last", bit())]);
    let output = m.stream_out("out", &[("data", sint(16)), ("last", bit())]);
    let full = m.register("full", bit()).reset(0);
    let data = m.register("data", sint(16));
    let last = m.register("last", bit());
    input.ready.set(!full | output.ready);
    m.when(input.ready, || full.set(input.valid));
    m.when(input.fire(), || {
        data.set(input["data"]);
        last.set(input["last"]);
    });
    output.valid.set(full);
    output["data"].set(data);
    output["last"].set(last);
    m.finish().unwrap()
}

// Tools.

fn run(tool: &str, command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| {
        panic!(
            "this test needs `{tool}`, which cannot be started: {error}; install it and put it on PATH"
        )
    })
}

fn text_of(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(name), text).unwrap();
}

/// Fails on any message but the one that several modules in one text always cause.
fn lint(text: &str) {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "top.v", text);
    let mut verilator = Command::new("verilator");
    verilator.args(["--lint-only", "-Wall", "-Wno-DECLFILENAME", "--top-module", "top", "top.v"]);
    let output = run("verilator", verilator.current_dir(&directory));
    let messages = text_of(&output);
    assert!(output.status.success() && messages.is_empty(), "{messages}\n{text}");
}

/// What a test bench prints, run by Icarus.
fn icarus(text: &str, bench: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "top.v", text);
    write(directory.path(), "bench.v", bench);
    let mut compile = Command::new("iverilog");
    compile.args(["-g2005", "-s", "bench", "-o", "bench.vvp", "top.v", "bench.v"]);
    let compiled = run("iverilog", compile.current_dir(&directory));
    assert!(compiled.status.success(), "{}\n{text}", text_of(&compiled));
    let mut simulate = Command::new("vvp");
    let output = run("vvp", simulate.args(["-n", "bench.vvp"]).current_dir(&directory));
    assert!(output.status.success(), "{}", text_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a test bench in a rust-hdl simulation of `block` and hands back what it leaves behind.
fn simulate_with<B, R, F>(block: B, bench: F) -> R
where
    B: Block + Send + 'static,
    R: Default + Send + 'static,
    F: Fn(&mut Sim<B>, Box<B>, &mut R) -> Result<Box<B>, SimError> + Send + 'static,
    F: std::panic::RefUnwindSafe,
{
    let result = Arc::new(Mutex::new(R::default()));
    let theirs = result.clone();
    let mut simulation = Simulation::new();
    simulation.add_testbench(move |mut sim: Sim<B>| {
        let block = sim.init()?;
        let block = bench(&mut sim, block, &mut theirs.lock().unwrap())?;
        sim.done(block)
    });
    simulation.run(Box::new(block), u64::MAX - 1).unwrap();
    std::mem::take(&mut *result.lock().unwrap())
}

fn wrap(module: &Arc<Module>) -> Wrapped {
    Wrapped::new(module, &Style::default()).unwrap()
}

/// A clock's period, with inputs changed while it is low.
macro_rules! cycle {
    ($sim:ident, $block:ident) => {
        $block.clock.next = true.into();
        $block = $sim.wait(5, $block)?;
        $block.clock.next = false.into();
        $block = $sim.wait(5, $block)?;
    };
}

// Simulation.

#[test]
fn a_counter_counts_while_enabled_and_obeys_its_reset() {
    let enables: Vec<bool> = (0..60).map(|i| i % 3 != 1).collect();
    let given = enables.clone();
    let seen = simulate_with(wrap(&counter(5)), move |sim, mut x, seen: &mut Vec<BigInt>| {
        x["enable_i"].set(1);
        cycle!(sim, x);
        assert_eq!(x["count_o"].get(), 0.into(), "held by the reset");
        x.reset.next = true;
        for &enable in &given {
            x["enable_i"].next = enable.into();
            cycle!(sim, x);
            seen.push(x["count_o"].get());
        }
        x.reset.next = false;
        x = sim.wait(1, x)?;
        assert_eq!(x["count_o"].get(), 0.into(), "no edge is needed");
        Ok(x)
    });
    let mut count = 0;
    let expected = enables.iter().map(|&enable| {
        count = (count + i32::from(enable)) % 32;
        BigInt::from(count)
    });
    assert_eq!(seen, expected.collect::<Vec<_>>());
}

#[test]
fn synchronous_resets_wait_for_the_edge() {
    for (reset, active) in [(Reset::SyncLow, false), (Reset::SyncHigh, true)] {
        let style = Style { reset, ..Style::default() };
        let block: Wrapped = Wrapped::new(&counter(5), &style).unwrap();
        let () = simulate_with(block, move |sim, mut x, ()| {
            x.reset.next = !active;
            x["enable_i"].set(1);
            cycle!(sim, x);
            x.reset.next = active;
            x = sim.wait(1, x)?;
            assert_eq!(x["count_o"].get(), 1.into());
            cycle!(sim, x);
            assert_eq!(x["count_o"].get(), 0.into());
            Ok(x)
        });
    }
}

/// A number of up to 200 bits, small or large, of either sign if `signed`.
fn random_wide(random: &mut ChaCha8Rng, signed: bool) -> BigInt {
    let limbs: Vec<u32> = (0..7).map(|_| random.random()).collect();
    let value = sint(200).wrap(&BigInt::from_slice(num_bigint::Sign::Plus, &limbs));
    let value = value >> [0, 0, 190, 100][random.random_range(0..4)];
    if signed { value } else { uint(200).wrap(&value) }
}

#[test]
fn wide_and_signed_values_pass_unharmed() {
    let seen = simulate_with(wrap(&wide()), |sim, mut x, seen: &mut Vec<[BigInt; 4]>| {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..100 {
            let (a, b) = (random_wide(&mut random, true), random_wide(&mut random, false));
            x["a_i"].set(a.clone());
            x["b_i"].set(b.clone());
            x = sim.wait(1, x)?;
            let less = x["less_o"].get();
            cycle!(sim, x);
            seen.push([a, b, less, x["difference_o"].get()]);
        }
        Ok(x)
    });
    assert_eq!(seen.len(), 100);
    for [a, b, less, difference] in seen {
        assert_eq!(less, BigInt::from(a < b));
        assert_eq!(difference, a - b);
    }
}

#[test]
fn a_stream_keeps_its_beats_in_order() {
    let (sent, got) = simulate_with(wrap(&stage()), |sim, mut x, seen: &mut (Vec<_>, Vec<_>)| {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        x.reset.next = true;
        for _ in 0..200 {
            x["in_valid_i"].next = random.random::<bool>().into();
            x["in_data_i"].set(random.random::<i16>());
            x["out_ready_i"].next = random.random::<bool>().into();
            x = sim.wait(1, x)?;
            let is_high = |name: &str| x[name].get() == BigInt::from(1);
            if is_high("in_valid_i") && is_high("in_ready_o") {
                seen.0.push(x["in_data_i"].get());
            }
            if is_high("out_valid_o") && is_high("out_ready_i") {
                seen.1.push(x["out_data_o"].get());
            }
            cycle!(sim, x);
        }
        Ok(x)
    });
    assert!(got.len() > 50 && sent.len() - got.len() <= 1);
    assert_eq!(got, sent[..got.len()]);
}

#[test]
fn any_rust_code_can_be_the_model() {
    /// Counts by the rules of the module, but down.
    #[derive(Default)]
    struct Down {
        enable: bool,
        count: u8,
    }

    impl Model for Down {
        fn reset(&mut self) {
            self.count = 0;
        }

        fn set(&mut self, port: usize, value: &BigInt) {
            assert_eq!(port, 0);
            self.enable = *value == BigInt::from(1);
        }

        fn get(&mut self, port: usize) -> BigInt {
            assert_eq!(port, 1);
            self.count.into()
        }

        fn step(&mut self) {
            self.count = self.count.wrapping_sub(self.enable.into());
        }
    }

    let model: Box<dyn Model + Send> = Box::new(Down::default());
    let block: Wrapped<_, _> = Wrapped::<lacuna::interop::rust_hdl::AllPorts, _>::with_model(
        &counter(8),
        &Style::default(),
        model,
    )
    .unwrap();
    let () = simulate_with(block, |sim, mut x, ()| {
        x.reset.next = true;
        x["enable_i"].set(1);
        for _ in 0..3 {
            cycle!(sim, x);
        }
        assert_eq!(x["count_o"].get(), 253.into());
        Ok(x)
    });
}

// A user's own blocks.

rust_hdl_ports! {
    /// The ports of [`mac`].
    struct MacPorts { a_i, b_i, sum_o, below_o }
}

/// Two multiply-accumulators on one clock, the second fed by registers of rust-hdl's own kind.
#[derive(LogicBlock)]
struct Pair {
    clock: Signal<In, Clock>,
    reset: Signal<In, Bit>,
    a: Signal<In, Signed<8>>,
    b: Signal<In, Signed<8>>,
    first: Wrapped<MacPorts>,
    second: Wrapped<MacPorts>,
    sum: Signal<Out, Signed<20>>,
    sums: Signal<Out, Signed<20>>,
    below: Signal<Out, Bit>,
    belows: Signal<Out, Bit>,
}

impl Logic for Pair {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, first, second);
        self.first.reset.next = self.reset.val();
        self.second.reset.next = self.reset.val();
        self.first.a_i.next = self.a.val().into();
        self.first.b_i.next = self.b.val().into();
        self.second.a_i.next = self.b.val().into();
        self.second.b_i.next = self.b.val().into();
        self.sum.next = self.first.sum_o.val().into();
        self.sums.next = self.second.sum_o.val().into();
        self.below.next = self.first.below_o.val().into();
        self.belows.next = self.second.below_o.val().into();
    }
}

impl Pair {
    fn new() -> Pair {
        let ports = || Wrapped::new(&mac(), &Style::default()).unwrap();
        Pair {
            clock: Signal::default(),
            reset: Signal::default(),
            a: Signal::default(),
            b: Signal::default(),
            first: ports(),
            second: ports(),
            sum: Signal::default(),
            sums: Signal::default(),
            below: Signal::default(),
            belows: Signal::default(),
        }
    }
}

fn operands() -> Vec<(i8, i8)> {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let corner = |random: &mut ChaCha8Rng| match random.random_range(0..4) {
        0 => i8::MIN,
        1 => i8::MAX,
        _ => random.random(),
    };
    (0..200).map(|_| (corner(&mut random), corner(&mut random))).collect()
}

/// What a [`Pair`] shows before each edge, as one line.
fn pair_in_rust_hdl() -> Vec<String> {
    let small = |value: i8| Signed::<8>::from(i64::from(value));
    simulate_with(Pair::new(), move |sim, mut x, seen: &mut Vec<String>| {
        x = sim.wait(5, x)?;
        x.reset.next = true;
        for (a, b) in operands() {
            x.a.next = small(a);
            x.b.next = small(b);
            x = sim.wait(5, x)?;
            let (sum, sums) = (x.sum.val().bigint(), x.sums.val().bigint());
            let (below, belows) = (u8::from(x.below.val()), u8::from(x.belows.val()));
            seen.push(format!("{sum} {sums} {below} {belows}"));
            cycle!(sim, x);
        }
        Ok(x)
    })
}

#[test]
fn a_block_in_a_block_computes_what_it_should() {
    let wrap20 = |value: i64| (value << 44) >> 44;
    let (mut sum, mut sums) = (-3, -3);
    let expected = operands().into_iter().map(|(a, b)| {
        let (below, belows) = (u8::from(sum < i64::from(a)), u8::from(sums < i64::from(b)));
        let line = format!("{sum} {sums} {below} {belows}");
        sum = wrap20(sum + i64::from(a) * i64::from(b));
        sums = wrap20(sums + i64::from(b) * i64::from(b));
        line
    });
    assert_eq!(pair_in_rust_hdl(), expected.collect::<Vec<_>>());
}

#[test]
fn icarus_agrees_with_rust_hdl() {
    let mut block = Pair::new();
    block.connect_all();
    let text = generate_verilog(&block);
    lint(&text);
    let mut steps = String::new();
    for (a, b) in operands() {
        steps += &format!("    a = 8'h{a:02x}; b = 8'h{b:02x}; cycle;\n");
    }
    let bench = format!(
        "module bench;
  reg clock, reset;
  reg signed [7:0] a, b;
  wire signed [19:0] sum, sums;
  wire below, belows;
  top top (.clock(clock), .reset(reset), .a(a), .b(b),
           .sum(sum), .sums(sums), .below(below), .belows(belows));
  task cycle;
    begin
      #5 $display(\"%0d %0d %b %b\", sum, sums, below, belows);
      clock = 1;
      #5 clock = 0;
    end
  endtask
  initial begin
    clock = 0; reset = 1; a = 0; b = 0;
    #1 reset = 0;
    #4 reset = 1;
{steps}  end
endmodule
"
    );
    let seen: Vec<String> = icarus(&text, &bench).lines().map(str::to_string).collect();
    assert_eq!(seen, pair_in_rust_hdl());
}

// Verilog.

#[test]
fn the_verilog_of_blocks_is_clean() {
    let gated = {
        let m = ModuleBuilder::new("two_counters");
        let enable = m.input("enable_i", bit());
        let inner = counter(7);
        let (low, high) = (m.instance("low", &inner), m.instance("high", &inner));
        low.connect("enable_i", enable);
        high.connect("enable_i", low.output("count_o").eq(127) & enable);
        let low = low.output("count_o");
        m.output("count_o", uint(14)).set(concat(&m, &[high.output("count_o"), low]));
        m.finish().unwrap()
    };
    let samples = [
        counter(5),
        counter(1),
        mac(),
        wide(),
        majority(),
        stage(),
        gated,
        systolic::systolic(3, 2).unwrap(),
    ];
    for module in &samples {
        for reset in [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh] {
            let style = Style { reset, ..Style::default() };
            let mut block: Wrapped = Wrapped::new(module, &style).unwrap();
            block.connect_all();
            let text = generate_verilog(&block);
            for file in verilog::emit(module, &style).unwrap() {
                assert!(text.contains(file.text.trim_end()), "{} in\n{text}", file.module);
            }
            if reset == Reset::AsyncLow || module.has_reset {
                lint(&text);
            }
        }
    }
}

#[test]
fn the_printed_instance() {
    let mut block = wrap(&counter(5));
    block.connect_all();
    let text = generate_verilog(&block);
    let top = text.split("`ifndef").next().unwrap();
    insta::assert_snapshot!(top.trim());
}

#[test]
fn waveforms_hold_the_ports() {
    let mut trace = Vec::new();
    let mut simulation = Simulation::new();
    simulation.add_testbench(|mut sim: Sim<Wrapped>| {
        let mut x = sim.init()?;
        x["a_i"].set(-1);
        x["b_i"].set(5);
        x = sim.wait(1, x)?;
        sim.done(x)
    });
    simulation.run_traced(Box::new(wrap(&wide())), 10, &mut trace).unwrap();
    let trace = String::from_utf8(trace).unwrap();
    assert!(trace.contains("$var wire 200 ") && trace.contains(&format!("b{} ", "1".repeat(200))));
}

// Mistakes.

#[test]
fn names_that_do_not_fit_are_refused() {
    let style = Style::default();
    let refused = |module: &Arc<Module>| Wrapped::<MacPorts>::new(module, &style).err().unwrap();
    assert_eq!(
        refused(&counter(3)),
        BlockError::Ports {
            module: "counter".into(),
            unknown: ["a_i", "b_i", "sum_o", "below_o"].map(String::from).to_vec(),
            missing: ["enable_i", "count_o"].map(String::from).to_vec(),
        }
    );
    let refused = |module: &str, port: &str| {
        let m = ModuleBuilder::new(module);
        let a = m.input(port, bit());
        m.output("b_o", bit()).set(m.delayed("held", a));
        let module = m.finish().unwrap();
        Wrapped::<lacuna::interop::rust_hdl::AllPorts>::new(&module, &style).err()
    };
    assert_eq!(refused("top", "a_i"), Some(BlockError::ModuleName));
    let clash =
        |port: &str| Some(BlockError::PortName { module: "held".into(), port: port.into() });
    assert_eq!(refused("held", "clock"), clash("clock"));
    assert_eq!(refused("held", "next"), clash("next"));
    assert_eq!(refused("held", "reset"), None, "without a reset the name is free");
}

#[test]
#[should_panic(expected = "port `a_i` has 200 bits, not 8")]
fn an_input_takes_its_own_width_only() {
    let mut block = wrap(&wide());
    block["a_i"].next = Value::new(3, 8);
    block.update_all();
}

#[test]
#[should_panic(expected = "a value of 202 bits where 200 are needed")]
fn an_output_gives_its_own_width_only() {
    let _: Bits<200> = wrap(&wide())["difference_o"].val().into();
}

#[test]
fn values_convert_at_every_width() {
    fn check<const N: usize>() {
        let ones = Bits::<N>::mask();
        let value = Value::from(ones);
        assert_eq!(value, Value::new(-1, N as u32));
        assert_eq!(value.number(sint(N as u32)), BigInt::from(-1));
        assert_eq!(Bits::<N>::from(value.clone()), ones);
        assert_eq!(Signed::<N>::from(value.clone()), signed_cast(ones));
        assert_eq!(Value::from(signed_cast(ones)), value);
    }
    check::<1>();
    check::<8>();
    check::<63>();
    check::<64>();
    check::<65>();
    check::<200>();
    assert!(bool::from(Value::from(true)) && Clock::from(Value::from(Clock { clk: true })).clk);
}

// Why rust-hdl does not print the modules. If one of these fails, it has learnt better, and the
// reason given for not using it is to be looked at again.

/// In Rust `&` binds tighter than `==`; in Verilog it is the other way round.
#[derive(LogicBlock, Default)]
struct Precedence {
    a: Signal<In, Bits<2>>,
    b: Signal<In, Bits<2>>,
    c: Signal<In, Bits<2>>,
    y: Signal<Out, Bit>,
}

impl Logic for Precedence {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val() & self.b.val() == self.c.val();
    }
}

#[test]
fn rust_hdl_loses_the_precedence_of_operators() {
    let mut block = Precedence::default();
    block.connect_all();
    let text = generate_verilog(&block);
    assert!(text.contains("y = a & b == c;"), "rust-hdl prints something else by now:\n{text}");

    let simulated: bool = simulate_with(Precedence::default(), |sim, mut x, y| {
        (x.a.next, x.b.next, x.c.next) = (bits(2), bits(2), bits(2));
        x = sim.wait(1, x)?;
        *y = x.y.val();
        Ok(x)
    });
    let bench = "module bench;
  reg [1:0] a, b, c;
  wire y;
  top top (.a(a), .b(b), .c(c), .y(y));
  initial begin a = 0; b = 0; c = 0; #1 a = 2; b = 2; c = 2; #1 $display(\"%b\", y); end
endmodule
";
    assert!(simulated, "(2 & 2) == 2 in Rust");
    assert_eq!(icarus(&text, bench).trim(), "0", "2 & (2 == 2) in the Verilog");
}

/// A cast to fewer bits that the Verilog leaves out.
#[derive(LogicBlock, Default)]
struct Narrow {
    a: Signal<In, Signed<16>>,
    b: Signal<In, Signed<8>>,
    y: Signal<Out, Bit>,
}

impl Logic for Narrow {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = signed_bit_cast::<8, 16>(self.a.val()) < self.b.val();
    }
}

#[test]
fn rust_hdl_loses_the_width_of_signed_casts() {
    let mut block = Narrow::default();
    block.connect_all();
    let text = generate_verilog(&block);
    assert!(text.contains("y = $signed(a) < b;"), "rust-hdl prints something else by now:\n{text}");

    let simulated: bool = simulate_with(Narrow::default(), |sim, mut x, y| {
        (x.a.next, x.b.next) = (signed(256), signed(5));
        x = sim.wait(1, x)?;
        *y = x.y.val();
        Ok(x)
    });
    let bench = "module bench;
  reg signed [15:0] a;
  reg signed [7:0] b;
  wire y;
  top top (.a(a), .b(b), .y(y));
  initial begin a = 0; b = 0; #1 a = 256; b = 5; #1 $display(\"%b\", y); end
endmodule
";
    assert!(simulated, "the low 8 bits of 256 are 0, and 0 < 5");
    assert_eq!(icarus(&text, bench).trim(), "0", "256 < 5 in the Verilog");
}
