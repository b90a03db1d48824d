//! Cases as files: what failed, to be run again or kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scenario::{Case, Idle};
use super::stalls::Stalls;
use super::subject::Subject;
use super::verilator::Start;
use crate::model::{Beat, Bits, Channel, Stimulus};

/// A case and the block it is for; as TOML, a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The block's name in the registry.
    pub block: String,
    /// What is not the default: `key=value` for each parameter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// The seed of the state before the first reset; without one it is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<u64>,
    /// The stalls of the sources and of the sinks.
    stalls: (Stalls, Stalls),
    /// Where their chance comes from.
    seed: u64,
    /// What the payloads are while nothing is offered.
    #[serde(default, skip_serializing_if = "Idle::is_noise")]
    idle: Idle,
    /// After how many cycles a reset interrupts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reset_after: Option<u64>,
    /// The inputs that keep a value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    held: BTreeMap<String, String>,
    /// For each channel its beats, for each beat its fields.
    inputs: BTreeMap<String, Vec<Vec<String>>>,
}

impl Replay {
    /// A case of a block. It can only be replayed from a file if the block is registered.
    pub fn new(subject: &Subject, case: &Case) -> Replay {
        let shape = &subject.shape;
        let held = shape.held.iter().zip(&case.stimulus.held);
        let inputs = shape.inputs.iter().zip(&case.stimulus.inputs);
        let text = |beat: &Beat| beat.iter().map(Bits::to_string).collect();
        Replay {
            block: subject.block.unwrap_or(&subject.name).to_string(),
            set: subject.settings.clone(),
            state: match case.start {
                Start::Zero => None,
                Start::Random(seed) => Some(seed),
            },
            stalls: case.stalls,
            seed: case.seed,
            idle: case.idle,
            reset_after: case.reset_after,
            held: held.map(|(field, value)| (field.name.clone(), value.to_string())).collect(),
            inputs: inputs
                .map(|(channel, beats)| (channel.name.clone(), beats.iter().map(text).collect()))
                .collect(),
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Replay, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_string())
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every value has a form in TOML")
    }

    /// The case, for the block with these settings.
    ///
    /// # Errors
    /// The first value that does not fit the block.
    pub fn case(&self, subject: &Subject) -> Result<Case, String> {
        let shape = &subject.shape;
        let value = |place: &str, width: u32, text: &str| {
            Bits::parse(width, text)
                .ok_or_else(|| format!("{place}: `{text}` is no number of {width} bits, as 0x1 is"))
        };
        let beat = |channel: &Channel, number: usize, fields: &[String]| {
            let place = format!("inputs.{}, beat {number}", channel.name);
            if fields.len() != channel.fields.len() {
                let names: Vec<&str> = channel.fields.iter().map(|f| f.name.as_str()).collect();
                let (count, names) = (fields.len(), names.join(", "));
                return Err(format!("{place}: {count} fields, where the block has [{names}]"));
            }
            let fields = channel.fields.iter().zip(fields);
            fields
                .map(|(field, text)| value(&place, field.width, text))
                .collect::<Result<Beat, _>>()
        };
        let mut stimulus = Stimulus::default();
        for field in &shape.held {
            let text = self.held.get(&field.name).map_or("0", String::as_str);
            stimulus.held.push(value(&format!("held.{}", field.name), field.width, text)?);
        }
        for channel in &shape.inputs {
            let beats = self.inputs.get(&channel.name).map_or(&[][..], Vec::as_slice);
            let beats = beats.iter().enumerate().map(|(at, fields)| beat(channel, at, fields));
            stimulus.inputs.push(beats.collect::<Result<_, _>>()?);
        }
        let known = |name: &&String| shape.inputs.iter().any(|channel| channel.name == **name);
        if let Some(name) = self.inputs.keys().find(|name| !known(name)) {
            let names: Vec<&str> = shape.inputs.iter().map(|c| c.name.as_str()).collect();
            return Err(format!("inputs.{name}: the block has {}", names.join(", ")));
        }
        let known = |name: &&String| shape.held.iter().any(|field| field.name == **name);
        if let Some(name) = self.held.keys().find(|name| !known(name)) {
            let names: Vec<&str> = shape.held.iter().map(|field| field.name.as_str()).collect();
            return Err(format!("held.{name}: the block has [{}]", names.join(", ")));
        }
        if !subject.accepts(&stimulus) {
            return Err("the block may not be given this stimulus".to_string());
        }
        let start = self.state.map_or(Start::Zero, Start::Random);
        let (stalls, seed, idle) = (self.stalls, self.seed, self.idle);
        Ok(Case { start, stalls, seed, idle, reset_after: self.reset_after, stimulus })
    }
}
