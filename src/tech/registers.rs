//! What is made of a register map besides hardware: a C header, SystemRDL, a page.

use minijinja::value::Serde;
use minijinja::{Value, context};

use super::render::{generator, render};
use crate::registers::RegisterMap;

/// When a register may be written, in words.
const WRITES: [(&str, &str); 4] = [
    ("never", "is only read"),
    ("always", "may be written at any time"),
    ("next_packet", "may be written at any time, and counts from the next packet on"),
    ("at_rest", "may be written at rest, otherwise SLVERR"),
];

/// The files of the register map of the module `module`: their paths and texts.
pub fn register_files(
    module: &str,
    map: &RegisterMap,
    digest: Option<&str>,
) -> Vec<(String, String)> {
    let writes = std::collections::BTreeMap::from(WRITES);
    let map = Value::from(Serde(map));
    let variables = context! { module, map, writes, digest, generator => generator() };
    ["h", "rdl", "md"]
        .into_iter()
        .map(|kind| {
            let text = render(&format!("registers.{kind}"), variables.clone());
            (format!("registers/{module}_registers.{kind}"), text)
        })
        .collect()
}
