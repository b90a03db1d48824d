//! Which lines ran and which bits toggled.

use std::collections::BTreeMap;
use std::path::Path;

use crate::eda::ToolError;

/// What a point counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PointKind {
    /// How often a block of lines ran.
    Line,
    /// How often a branch was taken.
    Branch,
    /// How often a bit changed.
    Toggle,
    /// What a newer Verilator counts besides.
    Other(String),
}

/// A place of the emitted text whose runs are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// What is counted.
    pub kind: PointKind,
    /// The module.
    pub module: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; two points may share a line.
    pub column: u32,
    /// What it is about: of a toggle point the bit, such as `count_q[3]`; else what kind of block.
    pub comment: String,
}

/// How often each point was hit. Instances of one module count together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    hits: BTreeMap<Point, u64>,
}

impl Coverage {
    /// Adds the hits of another run.
    pub fn merge(&mut self, other: &Coverage) {
        for (point, hits) in &other.hits {
            *self.hits.entry(point.clone()).or_default() += hits;
        }
    }

    /// Forgets the points for which `keeps` is false.
    pub fn retain(&mut self, keeps: impl Fn(&Point) -> bool) {
        self.hits.retain(|point, _| keeps(point));
    }

    /// Every point and its hits, in order of kind, module, file and line.
    pub fn points(&self) -> impl Iterator<Item = (&Point, u64)> {
        self.hits.iter().map(|(point, &hits)| (point, hits))
    }

    /// How many points of a kind were hit, and how many there are.
    pub fn count(&self, kind: &PointKind) -> (usize, usize) {
        let of_kind = || self.points().filter(|(point, _)| point.kind == *kind);
        (of_kind().filter(|(_, hits)| *hits > 0).count(), of_kind().count())
    }

    /// Reads what Verilator wrote.
    pub(super) fn read(path: &Path) -> Result<Coverage, ToolError> {
        let text = std::fs::read(path).map_err(|source| ToolError::Files {
            what: "cannot read the coverage".to_string(),
            source,
        })?;
        Ok(Coverage::parse(&String::from_utf8_lossy(&text)))
    }

    /// Lines `C 'KEY' HITS`, where the key is a list of `\x01NAME\x02VALUE`.
    fn parse(text: &str) -> Coverage {
        let mut coverage = Coverage::default();
        for line in text.lines() {
            let Some((key, hits)) = line.strip_prefix("C '").and_then(|l| l.rsplit_once("' "))
            else {
                continue;
            };
            let fields: BTreeMap<&str, &str> =
                key.split('\x01').filter_map(|field| field.split_once('\x02')).collect();
            let field = |name: &str| fields.get(name).copied().unwrap_or_default();
            let (page, module) = field("page").split_once('/').unwrap_or_default();
            let point = Point {
                kind: match page {
                    "v_line" => PointKind::Line,
                    "v_branch" => PointKind::Branch,
                    "v_toggle" => PointKind::Toggle,
                    other => PointKind::Other(other.to_string()),
                },
                module: module.to_string(),
                file: field("f").to_string(),
                line: field("l").parse().unwrap_or_default(),
                column: field("n").parse().unwrap_or_default(),
                comment: field("o").to_string(),
            };
            *coverage.hits.entry(point).or_default() += hits.trim().parse::<u64>().unwrap_or(0);
        }
        coverage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = "# SystemC::Coverage-3\n\
        C '\x01f\x02a.v\x01l\x0212\x01n\x023\x01page\x02v_line/a\x01o\x02if\x01h\x02TOP.t.u_0' 3\n\
        C '\x01f\x02a.v\x01l\x0212\x01n\x023\x01page\x02v_line/a\x01o\x02if\x01h\x02TOP.t.u_1' 4\n\
        C '\x01f\x02a.v\x01l\x029\x01n\x025\x01page\x02v_toggle/a\x01o\x02q[1]\x01h\x02TOP.t.u_1' 0\n";

    #[test]
    fn instances_of_a_module_count_together() {
        let mut coverage = Coverage::parse(DATA);
        let points: Vec<_> =
            coverage.points().map(|(p, hits)| (p.comment.as_str(), hits)).collect();
        assert_eq!(points, [("if", 7), ("q[1]", 0)]);
        assert_eq!(coverage.count(&PointKind::Line), (1, 1));
        assert_eq!(coverage.count(&PointKind::Toggle), (0, 1));
        coverage.merge(&coverage.clone());
        let (point, hits) = coverage.points().next().unwrap();
        assert_eq!((point.file.as_str(), point.line, point.column, hits), ("a.v", 12, 3, 14));
        assert_eq!(point.module, "a");
    }
}
