//! `lacuna list`: the blocks there are.

use clap::Args;
use serde_json::json;

use super::{Failure, Report, columns};
use crate::blocks::REGISTRY;

/// List the blocks.
#[derive(Args)]
pub(super) struct List {}

impl List {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let text = columns(REGISTRY.iter().map(|entry| (entry.name, entry.summary.to_string())));
        let rows: Vec<_> = REGISTRY
            .iter()
            .map(|entry| json!({ "name": entry.name, "summary": entry.summary }))
            .collect();
        Ok(Report::new(text, json!(rows)))
    }
}
