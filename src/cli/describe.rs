//! `lacuna describe`: what a block does, takes and gives.

use clap::Args;
use serde_json::json;

use super::{Failure, Report, columns, find_block};
use crate::config::{ParameterKind, Tech, Values};
use crate::design::DesignError;
use crate::tech;

/// Describe a block: parameters, and ports and timing at their defaults.
#[derive(Args)]
pub(super) struct Describe {
    /// The block's name, as `lacuna list` shows it.
    block: String,
}

impl Describe {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let entry = find_block(&self.block)?;
        let tech = Tech::default();
        let defaults = Values::defaults(entry.parameters);
        let module = (entry.elaborate)(entry.name, &defaults, &tech).map_err(DesignError::from)?;

        let mut text = format!("{}: {}\n", entry.name, entry.summary);
        if !entry.parameters.is_empty() {
            text.push_str("\nparameters\n");
            text.push_str(&columns(entry.parameters.iter().map(|parameter| {
                let legal = legal(&parameter.kind);
                (
                    parameter.name,
                    format!("{} ({legal}; default {})", parameter.doc, parameter.default),
                )
            })));
        }
        let sheet = tech::datasheet("at the defaults", std::slice::from_ref(&module), &tech, None);
        // The datasheet's own title and the block's repeat what stands above.
        if let Some((_, tables)) = sheet.split_once("\n\n|") {
            text.push_str(&format!("\nat the defaults\n|{tables}"));
        }

        let parameters: Vec<_> = entry
            .parameters
            .iter()
            .map(|parameter| {
                let mut row = json!({
                    "name": parameter.name, "doc": parameter.doc, "default": parameter.default,
                });
                match parameter.kind {
                    ParameterKind::Integer { min, max } => {
                        row["minimum"] = json!(min);
                        row["maximum"] = json!(max);
                    }
                    ParameterKind::Boolean => row["type"] = json!("boolean"),
                    ParameterKind::Choice(words) => row["enum"] = json!(words),
                    ParameterKind::Name { .. } => row["type"] = json!("string"),
                }
                row
            })
            .collect();
        let ports: Vec<_> = module
            .ports
            .iter()
            .map(|&port| {
                let signal = module.signal(port);
                json!({
                    "name": signal.name, "direction": format!("{:?}", module.direction(port)).to_lowercase(),
                    "width": signal.ty.width, "signed": signal.ty.signed, "doc": signal.doc,
                })
            })
            .collect();
        let json = json!({
            "name": entry.name, "summary": entry.summary, "parameters": parameters,
            "latency": module.latency, "initiation_interval": module.initiation_interval,
            "ports": ports,
        });
        Ok(Report::new(text, json))
    }
}

fn legal(kind: &ParameterKind) -> String {
    match kind {
        ParameterKind::Integer { min, max } => format!("{min} to {max}"),
        ParameterKind::Boolean => "true or false".to_string(),
        ParameterKind::Choice(words) => {
            words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")
        }
        ParameterKind::Name { optional: false } => "an identifier".to_string(),
        ParameterKind::Name { optional: true } => "an identifier or \"\"".to_string(),
    }
}
