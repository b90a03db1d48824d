//! The OSU018 cells: where their liberty file lies, and how large they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ToolError;

/// Where Debian's package puts the liberty file of the cells.
const LIBERTY: &str = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

/// The liberty file of the OSU018 cells.
#[derive(Clone, Debug)]
pub(crate) struct Liberty {
    pub path: PathBuf,
    pub text: String,
}

impl Liberty {
    /// The file.
    ///
    /// # Errors
    /// [`ToolError::Missing`] if it is not there.
    pub fn find() -> Result<Liberty, ToolError> {
        let path = Path::new(LIBERTY);
        let missing =
            ToolError::Missing { tool: "osu018_stdcells.lib", package: "qflow-tech-osu018" };
        let text = std::fs::read_to_string(path).map_err(|_| missing)?;
        Ok(Liberty { path: path.to_path_buf(), text })
    }

    /// The area of each cell, in the file's unit, which is um^2.
    pub fn areas(&self) -> BTreeMap<String, f64> {
        areas(&self.text)
    }
}

/// The first `area` after each `cell (NAME)`.
fn areas(text: &str) -> BTreeMap<String, f64> {
    let mut areas = BTreeMap::new();
    let mut cell = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("cell (").or(line.strip_prefix("cell(")) {
            cell = rest.split(')').next().map(str::trim);
        } else if let Some(rest) = line.strip_prefix("area")
            && let Some(name) = cell.take()
        {
            let number = rest.trim_matches(|c: char| !c.is_ascii_digit());
            areas.extend(number.parse().ok().map(|area| (name.to_string(), area)));
        }
    }
    areas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_areas() {
        let text = "library(l) {\ncell (A) {\n area : 32;\n pin(Y) { area : 9; }\n}\n\
                    cell(B) {\n  area: 1.5 ;\n}}";
        let expected = [("A", 32.0), ("B", 1.5)].map(|(name, area)| (name.to_string(), area));
        assert_eq!(areas(text), BTreeMap::from(expected));
        let found = Liberty::find().unwrap().areas();
        assert_eq!((found["NAND2X1"], found["DFFSR"]), (24.0, 176.0));
        assert_eq!(found.len(), 32);
    }
}
