//! The configuration's JSON Schema, by which editors complete and check it.

use serde_json::{Map, Value as Json, json};

use super::{DEFAULT_NAME, DESIGN, Parameter, ParameterKind, Parameters, SectionKind, TECH, Tech};
use crate::hdl::name::MAX_LENGTH;

/// What a name looks like, as a regular expression.
const IDENTIFIER: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

/// The JSON Schema (draft 2020-12) of a configuration with blocks of these `kinds`.
///
/// It says what a schema can: rules between parameters, and that names are unique and not reserved,
/// are left to [`Config::parse`](super::Config::parse).
pub fn schema(kinds: &[SectionKind]) -> Json {
    let design = json!({ "name": name("The name of the design.", DEFAULT_NAME) });
    let tech = Tech::PARAMETERS.iter().map(property).collect();
    let mut sections = Map::new();
    sections.insert(DESIGN.into(), section("The design as a whole.", design));
    sections.insert(TECH.into(), section("What the technology asks of all blocks.", tech));
    let mut definitions = Map::new();
    for kind in kinds {
        let reference = json!({ "$ref": format!("#/$defs/{}", kind.name) });
        let either = json!({
            "description": kind.summary,
            "anyOf": [reference, { "type": "array", "items": reference }],
        });
        sections.insert(kind.name.into(), either);
        let name = ("name".to_string(), name("The name of the module.", kind.name));
        let keys = std::iter::once(name).chain(kind.parameters.iter().map(property));
        definitions.insert(kind.name.into(), section(kind.summary, keys.collect()));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Lacuna configuration",
        "type": "object",
        "properties": sections,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// An object of only these `properties`, all of which may be left out.
fn section(description: &str, properties: Json) -> Json {
    json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn name(description: &str, default: &str) -> Json {
    json!({
        "description": description,
        "type": "string",
        "pattern": IDENTIFIER,
        "maxLength": MAX_LENGTH,
        "default": default,
    })
}

fn property(parameter: &Parameter) -> (String, Json) {
    let mut property = match parameter.kind {
        ParameterKind::Integer { min, max } => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        ParameterKind::Boolean => json!({ "type": "boolean" }),
        ParameterKind::Choice(words) => json!({ "type": "string", "enum": words }),
        ParameterKind::Name { optional } => {
            let pattern = if optional { format!("^$|{IDENTIFIER}") } else { IDENTIFIER.into() };
            json!({ "type": "string", "pattern": pattern, "maxLength": MAX_LENGTH })
        }
    };
    property["description"] = json!(parameter.doc);
    property["default"] = json!(parameter.default);
    (parameter.name.to_string(), property)
}
