//! Netlists: how many cells of each type a module becomes.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::tool::{ToolError, YOSYS, file_names, in_folder};
use crate::verilog::File;

/// The cells of each module, by type, after Yosys' `proc`.
///
/// This is what a review of a generator wants to see: it changes when the hardware changes, not
/// when a name does, and it is the same for all versions of Yosys. Instances count as cells of
/// their module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Netlists(pub BTreeMap<String, BTreeMap<String, u64>>);

impl fmt::Display for Netlists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (module, cells)) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            writeln!(f, "[{module}]")?;
            for (cell, count) in cells {
                writeln!(f, "{cell} = {count}")?;
            }
        }
        Ok(())
    }
}

/// The netlists of a design's modules.
///
/// # Errors
/// [`ToolError`] if Yosys is missing or does not accept the text.
pub fn netlists(files: &[File]) -> Result<Netlists, ToolError> {
    in_folder(files, |folder| {
        let read = format!("read_verilog {}", file_names(files).join(" "));
        let script = format!("{read}; proc; opt_clean; write_json netlist.json");
        let output = YOSYS.run(folder, &["-q", "-p", &script])?;
        if !output.status.success() {
            return Err(YOSYS.failed(folder, &output));
        }
        let what = "cannot read Yosys' netlist".to_string();
        let text = std::fs::read(folder.join("netlist.json"))
            .map_err(|source| ToolError::Files { what, source })?;
        parse(&text).ok_or_else(|| YOSYS.failed(folder, &output))
    })
}

fn parse(text: &[u8]) -> Option<Netlists> {
    let netlist: Value = serde_json::from_slice(text).ok()?;
    let mut found = BTreeMap::new();
    for (module, content) in netlist.get("modules")?.as_object()? {
        let cells: &mut BTreeMap<String, u64> = found.entry(plain(module)).or_default();
        for cell in content.get("cells")?.as_object()?.values() {
            let kind = cell.get("type")?.as_str()?;
            // Only some versions of Yosys keep the scopes.
            if kind != "$scopeinfo" {
                *cells.entry(plain(kind)).or_default() += 1;
            }
        }
    }
    Some(Netlists(found))
}

/// The name of the module that Yosys made a variant of: `$paramod$HASH\name` and the like.
fn plain(name: &str) -> String {
    match name.strip_prefix("$paramod") {
        Some(variant) => {
            let mut parts = variant.split('\\').skip(1);
            parts.next().unwrap_or(variant).to_string()
        }
        None => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_summed_and_scopes_dropped() {
        let text = br#"{"modules": {
            "top": {"cells": {
                "a": {"type": "$paramod$12ab\\pe"}, "b": {"type": "$paramod\\pe\\W=3"},
                "c": {"type": "$scopeinfo"}, "d": {"type": "$add"}}},
            "$paramod$12ab\\pe": {"cells": {"e": {"type": "$mul"}}},
            "$paramod\\pe\\W=3": {"cells": {"f": {"type": "$mul"}}}}}"#;
        let shown = parse(text).unwrap().to_string();
        assert_eq!(shown, "[pe]\n$mul = 2\n\n[top]\n$add = 1\npe = 2\n");
    }
}
