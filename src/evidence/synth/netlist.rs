//! A mapped netlist, as Yosys writes it in JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A module mapped to cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Netlist {
    /// The module.
    pub top: String,
    /// The netlist as Verilog: instances of cells, and, where the hierarchy was kept, of the
    /// modules below.
    pub text: String,
    /// The same in JSON; only the module itself, which is all of it if it is flat.
    pub(super) module: Value,
}

/// A bit of a net: a number, or a constant as a string.
type Bit = Value;

impl Netlist {
    /// From what Yosys wrote.
    pub(super) fn read(top: &str, text: String, json: &str) -> Option<Netlist> {
        let module = module(json, top)?;
        Some(Netlist { top: top.to_string(), text, module })
    }

    /// How many cells there are of each type.
    pub fn cells(&self) -> BTreeMap<String, u64> {
        let mut found = BTreeMap::new();
        for (_, cell) in cells(&self.module) {
            *found.entry(kind(cell).to_string()).or_default() += 1;
        }
        found
    }

    /// How many cells there are whose type begins so.
    pub fn count(&self, prefix: &str) -> u64 {
        self.cells().iter().filter(|(kind, _)| kind.starts_with(prefix)).map(|(_, n)| n).sum()
    }

    /// The design that consists of this module alone, with no public names but those of ports and
    /// registers. A register of `rtl` that is gone is taken for the constant that it is reset to,
    /// which is one more thing to be proven.
    pub(super) fn for_equivalence(&self, rtl: &Value) -> Value {
        let mut module = keep_registers(&self.module);
        let names = module["netnames"].as_object_mut().expect("it was made so");
        for (aliases, value) in reset_values(rtl) {
            if !aliases.iter().any(|name| names.contains_key(name)) {
                names.insert(aliases[0].clone(), net(json!([value])));
            }
        }
        design(&self.top, module)
    }

    /// The design that consists of this module alone.
    pub(super) fn design(&self) -> Value {
        design(&self.top, self.module.clone())
    }
}

/// A design of one module.
pub(super) fn design(top: &str, module: Value) -> Value {
    json!({ "creator": "lacuna", "modules": { top: module } })
}

/// A module of a design in JSON.
pub(super) fn module(json: &str, top: &str) -> Option<Value> {
    let mut design: Value = serde_json::from_str(json).ok()?;
    design.get_mut("modules")?.get_mut(top).map(Value::take)
}

/// The module, whose nets have no public names but those of ports and of the bits of registers:
/// other nets may carry another value after synthesis than their name says, such as the input of a
/// register whose enable has become a cell's.
pub(super) fn keep_registers(module: &Value) -> Value {
    let mut kept = module.clone();
    let mut names: Map<String, Value> =
        ports(module).map(|(name, port)| (name.clone(), net(port["bits"].clone()))).collect();
    for (name, bit) in registers(module) {
        names.entry(name).or_insert_with(|| net(json!([bit])));
    }
    kept["netnames"] = Value::Object(names);
    kept
}

fn net(bits: Value) -> Value {
    json!({ "hide_name": 0, "bits": bits, "attributes": {} })
}

/// The bits of flip-flops and latches, by each name that they have: that of the net, with the
/// number of the bit where it has several, and that of the cell where it was named after the net.
pub(super) fn registers(module: &Value) -> BTreeMap<String, Bit> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, net) in entries(module, "netnames").filter(|(_, net)| net["hide_name"] == 0) {
        let bits = bits(&net["bits"]);
        for (index, bit) in bits.iter().enumerate() {
            let name = if bits.len() == 1 { name.clone() } else { format!("{name}[{index}]") };
            names.entry(bit.to_string()).or_default().push(name);
        }
    }
    let mut found = BTreeMap::new();
    for (cell_name, cell) in cells(module).filter(|(_, cell)| is_register(kind(cell))) {
        for bit in bits(&cell["connections"]["Q"]) {
            let known = names.get(&bit.to_string()).into_iter().flatten().cloned();
            // Newer versions of Yosys name the cell `NET[BIT]\TYPE`.
            let of_cell = cell_name.strip_suffix(&format!("\\{}", kind(cell))).map(str::to_string);
            found.extend(known.chain(of_cell).map(|name| (name, bit.clone())));
        }
    }
    let ports: BTreeSet<&String> = ports(module).map(|(name, _)| name).collect();
    found.retain(|name, bit| bit.is_number() && !ports.contains(name));
    found
}

/// The bits of registers with a reset: the names of each, and what it is reset to, `"0"` or `"1"`.
/// Those that are outputs are left out.
fn reset_values(module: &Value) -> Vec<(Vec<String>, String)> {
    let mut values = BTreeMap::new();
    for (_, cell) in cells(module).filter(|(_, cell)| is_register(kind(cell))) {
        let parameters = ["ARST_VALUE", "SRST_VALUE"].map(|name| &cell["parameters"][name]);
        let Some(value) = parameters.into_iter().find_map(Value::as_str) else { continue };
        // The text begins with the highest bit.
        for (bit, value) in bits(&cell["connections"]["Q"]).iter().zip(value.chars().rev()) {
            values.insert(bit.to_string(), (vec![], value.to_string()));
        }
    }
    for (_, port) in ports(module) {
        bits(&port["bits"]).iter().for_each(|bit| drop(values.remove(&bit.to_string())));
    }
    for (name, bit) in registers(module) {
        if let Some((names, _)) = values.get_mut(&bit.to_string()) {
            names.push(name);
        }
    }
    values.into_values().filter(|(names, _)| !names.is_empty()).collect()
}

fn is_register(kind: &str) -> bool {
    let internal = kind.starts_with('$') && ["ff", "latch"].iter().any(|word| kind.contains(word));
    let mapped = ["DFF", "LATCH", "SB_DFF", "TRELLIS_FF"];
    internal || mapped.iter().any(|start| kind.starts_with(start))
}

/// The cells by name.
pub(super) fn cells(module: &Value) -> impl Iterator<Item = (&String, &Value)> {
    entries(module, "cells").filter(|(_, cell)| cell["type"] != "$scopeinfo")
}

/// The ports by name.
pub(super) fn ports(module: &Value) -> impl Iterator<Item = (&String, &Value)> {
    entries(module, "ports")
}

fn entries<'a>(module: &'a Value, what: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    module[what].as_object().into_iter().flatten()
}

/// The type of a cell.
pub(super) fn kind(cell: &Value) -> &str {
    cell["type"].as_str().unwrap_or_default()
}

/// The bits of a connection.
pub(super) fn bits(value: &Value) -> &[Bit] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_have_the_names_of_their_nets_and_cells() {
        let module = json!({
            "ports": { "out_o": { "direction": "output", "bits": [5] } },
            "cells": {
                "$a": { "type": "$adff", "connections": { "Q": [2, 3], "D": [9, 9] } },
                "b": { "type": "SB_DFFR", "connections": { "Q": [5] } },
                "c_q[7]\\TRELLIS_FF": { "type": "TRELLIS_FF", "connections": { "Q": [6] } },
                "d": { "type": "SB_LUT4", "connections": { "Q": [4] } },
            },
            "netnames": {
                "pair_q": { "hide_name": 0, "bits": [2, 3] },
                "$hidden": { "hide_name": 1, "bits": [2] },
                "valid_q": { "hide_name": 0, "bits": [5] },
                "out_o": { "hide_name": 0, "bits": [5] },
                "other": { "hide_name": 0, "bits": [4] },
            },
        });
        let found: Vec<String> =
            registers(&module).into_iter().map(|(name, bit)| format!("{name}={bit}")).collect();
        assert_eq!(found, ["c_q[7]=6", "pair_q[0]=2", "pair_q[1]=3", "valid_q=5"]);
        let kept = keep_registers(&module);
        let names: Vec<_> = entries(&kept, "netnames").map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["out_o", "c_q[7]", "pair_q[0]", "pair_q[1]", "valid_q"]);
    }
}
