//! What a crossbar of static routes costs in OSU018 cells as a network of switches, and as
//! multiplexers, which can copy and leave outputs out besides.

use lacuna::blocks::{self, Configured};
use lacuna::config::Value;
use lacuna::evidence::synth::{self, Effort, Target};
use lacuna::{tech, verilog};

/// Bits of a beat's data.
const WIDTH: i64 = 8;

fn main() {
    println!("{}\n", Target::Osu018.recipe(Effort::Full));
    println!("| ports | mux GE | benes GE | benes / mux |");
    println!("|---|---|---|---|");
    for ports in [4, 8, 16, 32, 64] {
        let [mux, benes] = ["mux", "benes"].map(|topology| area(ports, topology));
        println!("| {ports} | {mux:.0} | {benes:.0} | {:.2} |", benes / mux);
    }
}

/// In NAND2X1.
fn area(ports: i64, topology: &'static str) -> f64 {
    let entry = blocks::find("crossbar").expect("it is registered");
    let mut block = Configured::defaults(entry);
    for (key, value) in [("inputs", ports), ("outputs", ports), ("width", WIDTH)] {
        block.values.set(key, Value::Integer(value));
    }
    block.values.set("mode", Value::Choice("static"));
    block.values.set("topology", Value::Choice(topology));
    let module = block.elaborate().expect("the block is right");
    let files = verilog::emit(&module, &tech::style(&block.tech, None)).expect("it can be printed");
    let cost = synth::cost_of_cells(&files, &module.name).unwrap_or_else(|error| panic!("{error}"));
    cost.figure("area in NAND2X1").expect("cells have this figure")
}
