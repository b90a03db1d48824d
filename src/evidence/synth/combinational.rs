//! Proof by cutting at the registers, for what has too many of them for induction, or a multiplier,
//! whose equality a solver without a look at the structure does not find.
//!
//! Each register of the Verilog is paired with the netlist's of the same name. Both have to be
//! flip-flops at the same edge of the same input, which an input, if anything, resets to the same
//! value. Their outputs then become inputs, equal on both sides, and what they are set to and what
//! resets them become outputs; abc proves that all outputs are equal, whatever the inputs. So
//! registers that are equal stay equal, which is an induction over one step; registers without a
//! reset begin anywhere, but equal.
//!
//! What it does not tell: Yosys turns the operators of the Verilog into gates here by the same rules
//! as for the netlist, so a mistake in a rule would be on both sides. Nor is there a proof where the
//! Verilog leaves something open, such as a read beyond the end of a memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::equivalence::{EXPAND, Proof, models};
use super::netlist::{self, bits, cells, kind, ports};
use super::{Target, read, write};
use crate::eda::{ABC, ToolError, said};

/// To flip-flops of one bit without enable or synchronous reset, and to gates.
const GATES: &str = "dffunmap; techmap; opt_clean";

/// The gates that one bit of an output is computed with.
const COMBINATIONAL: [&str; 16] = [
    "$_BUF_",
    "$_NOT_",
    "$_AND_",
    "$_NAND_",
    "$_OR_",
    "$_NOR_",
    "$_XOR_",
    "$_XNOR_",
    "$_ANDNOT_",
    "$_ORNOT_",
    "$_MUX_",
    "$_NMUX_",
    "$_AOI3_",
    "$_OAI3_",
    "$_AOI4_",
    "$_OAI4_",
];

/// Where the numbers of nets begin that are not Yosys's.
const FIRST_OWN_NET: usize = 1 << 30;

/// A flip-flop of one bit.
#[derive(Clone)]
struct FlipFlop {
    /// The net that it drives.
    output: u64,
    /// What it is set to.
    next: Value,
    /// `P` for the rising edge of the clock, `N` for the falling one.
    edge: char,
    /// The input that is the clock: a port and a bit of it.
    clock: (String, usize),
    reset: Option<Reset>,
}

/// An asynchronous reset.
#[derive(Clone)]
struct Reset {
    net: Value,
    /// `P` if 1 resets, `N` if 0 does.
    active: char,
    /// `0` or `1`.
    value: char,
}

/// A module's flip-flops by the net that each drives, and the names of these nets.
struct Registers {
    flip_flops: BTreeMap<u64, FlipFlop>,
    names: BTreeMap<String, u64>,
    /// The nets that are inputs.
    inputs: BTreeSet<u64>,
}

/// Proves `gate.json`, a netlist, equal to `gold.json`, both in the folder.
///
/// # Errors
/// If a tool is missing or fails.
pub(super) fn prove(
    target: Target,
    folder: &Path,
    top: &str,
    limit: Duration,
) -> Result<Proof, ToolError> {
    let yosys = target.yosys();
    // `opt_dff` drops the set or reset that a cell has and the netlist ties off.
    let script = format!(
        "read_json gold.json; hierarchy -top {top}; setundef -zero; {GATES}; \
         write_json gold_gates.json; design -reset\n\
         {}; read_json gate.json; hierarchy -check -top {top}; {EXPAND}; \
         opt_dff -nodffe -nosdff; {GATES}; \
         write_json gate_gates.json\n",
        models(target)?
    );
    write(folder, "gates.ys", &script)?;
    let output = yosys.run_well(folder, &["-q", "gates.ys"])?;
    let module = |name: &str| -> Result<Value, ToolError> {
        let module = netlist::module(&read(folder, name)?, top);
        module.ok_or_else(|| yosys.failed(folder, &output))
    };
    let (mut gold, mut gate) = (module("gold_gates.json")?, module("gate_gates.json")?);
    let pairs = match pairs(&gold, &gate) {
        Ok(pairs) => pairs,
        Err(why) => return Ok(Proof::Open(why)),
    };
    for (module, name, side) in [(&mut gold, "gold", 0), (&mut gate, "gate", 1)] {
        cut(module, pairs.iter().map(|pair| &pair[side]));
        write(
            folder,
            &format!("{name}_cut.json"),
            &netlist::design(top, module.take()).to_string(),
        )?;
    }
    let script = "read_json gold_cut.json; write_blif gold.blif; design -reset; \
                  read_json gate_cut.json; write_blif gate.blif";
    yosys.run_well(folder, &["-q", "-p", script])?;
    let script = "read_blif gold.blif; print_stats; read_blif gate.blif; print_stats; \
                  cec gold.blif gate.blif";
    let Some(output) = ABC.run_within(limit, folder, &["-c", script])? else {
        return Ok(Proof::Late);
    };
    let gold = netlist::module(&read(folder, "gold_cut.json")?, top).unwrap_or_default();
    Ok(verdict(&said(&output), &gold, pairs.len()))
}

/// Each register's net and what it is set to, in the Verilog and in the netlist; or why the two do
/// not have the same registers.
fn pairs(gold: &Value, gate: &Value) -> Result<Vec<[FlipFlop; 2]>, String> {
    let (gold, gate) = (Registers::of(gold)?, Registers::of(gate)?);
    let mut partners: BTreeMap<u64, (&String, u64)> = BTreeMap::new();
    for (name, bit) in gold.names.iter().filter(|(_, bit)| gold.flip_flops.contains_key(bit)) {
        let Some(&partner) = gate.names.get(name) else { continue };
        if partners.insert(*bit, (name, partner)).is_some_and(|(_, other)| other != partner) {
            return Err(format!("register {name} is several registers of the netlist"));
        }
    }
    let mut pairs = vec![];
    for (bit, of_gold) in &gold.flip_flops {
        let found = partners.get(bit).and_then(|(name, partner)| {
            gate.flip_flops.get(partner).map(|of_gate| (name, of_gate))
        });
        let Some((name, of_gate)) = found else {
            let name = gold.names.iter().find(|(_, of)| *of == bit).map_or("?", |(name, _)| name);
            return Err(format!("register {name} is not in the netlist by its name"));
        };
        let value = |register: &FlipFlop| register.reset.as_ref().map(|reset| reset.value);
        let kind = |register: &FlipFlop| (register.edge, register.clock.clone(), value(register));
        if kind(of_gold) != kind(of_gate) {
            return Err(format!("register {name} has another clock or reset in the netlist"));
        }
        let is_input = |reset: &Reset| reset.net.as_u64().is_some_and(|n| gold.inputs.contains(&n));
        if !of_gold.reset.iter().all(is_input) {
            return Err(format!("what resets register {name} is not an input"));
        }
        pairs.push([of_gold.clone(), of_gate.clone()]);
    }
    let paired: BTreeSet<u64> = pairs.iter().map(|[_, gate]| gate.output).collect();
    match paired.len() == pairs.len() && paired.len() == gate.flip_flops.len() {
        true => Ok(pairs),
        false => Err("the netlist's registers are not those of the Verilog".to_string()),
    }
}

impl Registers {
    /// Of a module of gates; or what stands in the way of cutting it.
    fn of(module: &Value) -> Result<Registers, String> {
        let mut inputs = BTreeMap::new();
        for (name, port) in ports(module).filter(|(_, port)| port["direction"] == "input") {
            let bits = bits(&port["bits"]).iter().enumerate();
            inputs.extend(bits.filter_map(|(i, bit)| Some((bit.as_u64()?, (name.clone(), i)))));
        }
        let mut flip_flops = BTreeMap::new();
        for (_, cell) in cells(module) {
            let connections = &cell["connections"];
            let pin = |name: &str| bits(&connections[name]).first().cloned().unwrap_or_default();
            let all = connections.as_object().into_iter().flatten().flat_map(|(_, net)| bits(net));
            let is_gate = COMBINATIONAL.contains(&kind(cell));
            let kind_of_flip_flop: Vec<char> =
                kind(cell).strip_prefix("$_DFF_").unwrap_or_default().chars().collect();
            let (edge, reset) = match kind_of_flip_flop[..] {
                _ if is_gate => ('P', None),
                [edge, '_'] => (edge, None),
                [edge, active, value, '_'] => (edge, Some(Reset { net: pin("R"), active, value })),
                _ => {
                    let name = kind(cell).rsplit('\\').next().unwrap_or_default();
                    return Err(format!("{name} has no model to prove with"));
                }
            };
            if all.into_iter().any(is_unknown) {
                return Err("the netlist has undefined inputs of cells".to_string());
            }
            if is_gate {
                continue;
            }
            let clock = pin("C").as_u64().and_then(|net| inputs.get(&net).cloned());
            let (Some(clock), Some(output)) = (clock, pin("Q").as_u64()) else {
                return Err("a register's clock is not an input".to_string());
            };
            let next = pin("D");
            flip_flops.insert(output, FlipFlop { output, next, edge, clock, reset });
        }
        let mut names = BTreeMap::new();
        let public = module["netnames"].as_object().into_iter().flatten();
        for (name, net) in public.filter(|(_, net)| net["hide_name"] == 0) {
            let bits = bits(&net["bits"]);
            for (index, bit) in bits.iter().enumerate() {
                let name = if bits.len() == 1 { name.clone() } else { format!("{name}[{index}]") };
                names.extend(bit.as_u64().map(|bit| (name, bit)));
            }
        }
        Ok(Registers { flip_flops, names, inputs: inputs.into_keys().collect() })
    }
}

fn is_unknown(bit: &Value) -> bool {
    !bit.is_number() && bit != "0" && bit != "1"
}

/// Takes the flip-flops out of a module, and makes their outputs its inputs and their inputs its
/// outputs, in the order of `registers`. Resets become active high.
fn cut<'a>(module: &mut Value, registers: impl Iterator<Item = &'a FlipFlop>) {
    let mut gates = module["cells"].take();
    let gates_by_name = gates.as_object_mut().expect("a module has cells");
    gates_by_name.retain(|_, cell| COMBINATIONAL.contains(&kind(cell)));
    let all = module["ports"].as_object_mut().expect("a module has ports");
    let port = |direction: &str, bit: &Value| json!({ "direction": direction, "bits": [bit] });
    for (index, register) in registers.enumerate() {
        all.insert(format!("register.{index}.q"), port("input", &json!(register.output)));
        all.insert(format!("register.{index}.d"), port("output", &register.next));
        let Some(reset) = &register.reset else { continue };
        let (name, mut net) = (format!("register.{index}.r"), reset.net.clone());
        if reset.active == 'N' {
            // No net of Yosys has such a number.
            let inverted = json!(FIRST_OWN_NET + index);
            let pins = json!({ "A": [net], "Y": [inverted] });
            let directions = json!({ "A": "input", "Y": "output" });
            let inverter =
                json!({ "type": "$_NOT_", "port_directions": directions, "connections": pins });
            gates_by_name.insert(format!("{name}.inverter"), inverter);
            net = inverted;
        }
        all.insert(name, port("output", &net));
    }
    module["cells"] = gates;
    let nets: Map<String, Value> = ports(module)
        .map(|(name, port)| {
            let net = json!({ "hide_name": 0, "bits": port["bits"], "attributes": {} });
            (name.clone(), net)
        })
        .collect();
    module["netnames"] = Value::Object(nets);
}

/// What abc said. It has to have seen every input and output of both sides, each driven.
fn verdict(said: &str, gold: &Value, registers: usize) -> Proof {
    let of = |direction: &'static str| {
        let all = ports(gold).filter(move |(_, port)| port["direction"] == direction);
        all.flat_map(|(_, port)| bits(&port["bits"]))
    };
    let inputs: BTreeSet<u64> = of("input").filter_map(Value::as_u64).collect();
    let expected = (of("input").count(), of("output").count());
    let seen: Vec<_> = said.split("i/o =").skip(1).map(inputs_and_outputs).collect();
    if said.contains("non-driven") {
        return Proof::Open("a net without a driver could be anything".to_string());
    }
    let is_complete = seen == [Some(expected); 2];
    match is_complete && said.contains("Networks are equivalent") {
        true => {
            // A constant or an input needs no point; an output that is a register is one already.
            let plain = ports(gold).filter(|(name, port)| {
                port["direction"] == "output" && !name.starts_with("register.")
            });
            let plain: BTreeSet<u64> =
                plain.flat_map(|(_, port)| bits(&port["bits"])).filter_map(Value::as_u64).collect();
            let points = registers + plain.difference(&inputs).count();
            Proof::Proven { points, registers }
        }
        false if !is_complete => Proof::Open("abc did not see every input and output".to_string()),
        false => Proof::Open("abc finds the two not equal, or comes to no end".to_string()),
    }
}

/// The two numbers that follow, as in ` 49/  56`.
fn inputs_and_outputs(text: &str) -> Option<(usize, usize)> {
    let (inputs, rest) = text.split_once('/')?;
    let outputs = rest.trim_start().split(|c: char| !c.is_ascii_digit()).next()?;
    Some((inputs.trim().parse().ok()?, outputs.parse().ok()?))
}
