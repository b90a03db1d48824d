//! Hints: what may always hold of two copies of a netlist, for induction to find out.
//!
//! A mutant may change what a register holds while nobody looks: a counter in a state that does not
//! count, say. Such registers are not the same in both copies, and what follows them can then not be
//! shown to be. But each may be the same wherever a register that controls it has a certain value.
//! Induction takes all of that for granted at first and drops what does not hold.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most bits of a register that controls others: for each value there is a hint.
const CONTROL: usize = 3;

/// A register of a netlist, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Register {
    /// With the instances that it lies in, as `u_control.level_q`.
    pub name: String,
    pub width: usize,
    /// Whether it may be one that controls others: it is narrow and has a reset.
    controls: bool,
}

impl Register {
    /// All that Yosys' `write_json` lists of a module whose memories are registers; none if it is no
    /// such list.
    pub fn parse(text: &[u8], module: &str) -> Option<Vec<Register>> {
        let netlist: Value = serde_json::from_slice(text).ok()?;
        let module = netlist.get("modules")?.get(module)?;
        // For each bit that a flip-flop holds, whether that has a reset.
        let mut held = HashMap::new();
        for cell in module.get("cells")?.as_object()?.values() {
            let kind = cell.get("type")?.as_str()?;
            if kind.contains("dff") {
                let bits = cell.get("connections")?.get("Q")?.as_array()?;
                held.extend(bits.iter().map(|bit| (bit, kind != "$dff" && kind != "$dffe")));
            }
        }
        // Of several names, the one from the deepest instance.
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for (name, net) in module.get("netnames")?.as_object()? {
            let bits = net.get("bits")?.as_array()?;
            let is_port = module.get("ports")?.get(name).is_some();
            let is_named = net.get("hide_name")? == 0 && !is_port;
            if is_named && bits.iter().all(|bit| held.contains_key(bit)) {
                let depth = |name: &str| name.matches('.').count();
                let known = names.entry(net.get("bits")?.to_string()).or_insert(name);
                if depth(name) > depth(known) {
                    *known = name;
                }
            }
        }
        let register = |(bits, name): (String, &str)| {
            let bits: Vec<Value> = serde_json::from_str(&bits).ok()?;
            let controls = bits.len() <= CONTROL && bits.iter().all(|bit| held[bit]);
            Some(Register { name: name.to_string(), width: bits.len(), controls })
        };
        let mut registers: Vec<Register> =
            names.into_iter().map(register).collect::<Option<_>>()?;
        registers.sort();
        Some(registers)
    }

    fn instance(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(instance, _)| instance)
    }
}

/// Lines for Yosys that make registers outputs of a module.
pub(super) fn expose(registers: &[Register], module: &str) -> String {
    // Brackets mean something else in a pattern.
    let select = |register: &Register| {
        format!("select -add {module}/w:{}\n", register.name.replace(['[', ']'], "?"))
    };
    let selection: String = registers.iter().map(select).collect();
    format!("memory_map; opt_clean\nselect -none\n{selection}expose\nselect -clear\n")
}

/// The hints as expressions that should be 0, on nets `\o:NAME` and `\m:NAME`: for each value of each
/// register that controls, whether another of its instance is not the same in both copies.
pub(super) fn hints(registers: &[Register]) -> Vec<String> {
    let of = |control: &Register| {
        let near: Vec<&Register> = registers
            .iter()
            .filter(|other| other.instance() == control.instance() && other.name != control.name)
            .collect();
        let name = control.name.clone();
        let of_value = move |value: u32| {
            let hint = |Register { name: other, .. }: &Register| {
                format!("(\\o:{name} == {value}) && (\\o:{other} != \\m:{other} )")
            };
            near.iter().copied().map(hint).collect::<Vec<_>>()
        };
        (0..1_u32 << control.width).flat_map(of_value)
    };
    registers.iter().filter(|register| register.controls).flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_found_and_hints_stay_in_an_instance() {
        let netlist = br#"{"modules": {"m": {
            "ports": {"q_o": {"bits": [4]}},
            "cells": {
                "a": {"type": "$adff", "connections": {"Q": [2, 3]}},
                "b": {"type": "$dff", "connections": {"Q": [4]}},
                "c": {"type": "$dffe", "connections": {"Q": [5, 6]}},
                "d": {"type": "$and", "connections": {"Y": [7]}}},
            "netnames": {
                "state": {"hide_name": 0, "bits": [2, 3]},
                "u_a.state_q": {"hide_name": 0, "bits": [2, 3]},
                "q_o": {"hide_name": 0, "bits": [4]},
                "q_q": {"hide_name": 0, "bits": [4]},
                "u_a.mem[1]": {"hide_name": 0, "bits": [5, 6]},
                "u_a.next": {"hide_name": 0, "bits": [7]},
                "$1": {"hide_name": 1, "bits": [4]}}}}}"#;
        let registers = Register::parse(netlist, "m").unwrap();
        let register =
            |name: &str, width, controls| Register { name: name.into(), width, controls };
        assert_eq!(
            registers,
            [
                register("q_q", 1, false),
                register("u_a.mem[1]", 2, false),
                register("u_a.state_q", 2, true)
            ]
        );
        let hints = hints(&registers);
        assert_eq!(hints.len(), 4, "{hints:?}");
        assert_eq!(hints[3], "(\\o:u_a.state_q == 3) && (\\o:u_a.mem[1] != \\m:u_a.mem[1] )");
        assert!(expose(&registers, "m").contains("select -add m/w:u_a.mem?1?\n"));
        assert_eq!(Register::parse(b"{}", "m"), None);
    }
}
