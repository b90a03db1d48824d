//! What is simulated: a module, its text, its golden model and its stimulus.

use std::sync::Arc;

use crate::blocks::Configured;
use crate::config::Tech;
use crate::hdl::ir::{Direction, SignalId};
use crate::hdl::{Errors, Module};
use crate::model::{Channel, Field, Kind, Model, Random, Shape, Stimulus};
use crate::tech;
use crate::verilog::{self, File, VerilogError};

/// A module with all that cosimulation needs to know of it.
pub struct Subject {
    /// What reports call it.
    pub name: String,
    /// The block's name in the registry, if it is registered.
    pub block: Option<&'static str>,
    /// What is not the default, for reports: `key=value` for each parameter.
    pub settings: Vec<String>,
    /// The command that simulates it, for reports.
    pub command: Option<String>,
    /// The module.
    pub module: Arc<Module>,
    /// Its Verilog, and that of all it instances.
    pub files: Vec<File>,
    /// The technology that the Verilog is for.
    pub tech: Tech,
    /// The golden model.
    pub model: Model,
    /// The module as stimulus and model see it.
    pub shape: Shape,
    stimulus: Stimuli,
    accepts: Box<dyn Fn(&Stimulus) -> bool + Send + Sync>,
}

type Stimuli = Box<dyn Fn(&Shape, Kind, usize, &mut Random) -> Option<Stimulus> + Send + Sync>;

/// Why there is nothing to simulate.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// The description of a block is wrong: a defect of the block.
    #[error(transparent)]
    Description(#[from] Errors),
    /// The module cannot be printed.
    #[error(transparent)]
    Verilog(#[from] VerilogError),
}

impl Subject {
    /// A module of your own, with random, corner and recorded values for whatever goes in.
    ///
    /// # Errors
    /// If the module cannot be printed.
    pub fn new(module: Arc<Module>, tech: Tech, model: Model) -> Result<Subject, VerilogError> {
        Ok(Subject {
            name: module.name.clone(),
            block: None,
            settings: vec![],
            command: None,
            files: verilog::emit(&module, &tech::style(&tech, None))?,
            shape: shape(&module, &model),
            module,
            tech,
            model,
            stimulus: Box::new(|shape, kind, beats, random| {
                Some(shape.stimulus(kind, beats, random))
            }),
            accepts: Box::new(|_| true),
        })
    }

    /// A registered block at parameters.
    ///
    /// # Errors
    /// If the block's description is wrong.
    pub fn of(block: &Configured) -> Result<Subject, SubjectError> {
        let (entry, values, tech) = (block.entry, block.values.clone(), block.tech);
        let module = (entry.bench)(&block.name, &values, &tech)?;
        let mut subject = Subject::new(module, tech, (entry.model)(&values, &tech))?;
        subject.name = entry.name.to_string();
        subject.block = Some(entry.name);
        subject.settings = block.settings();
        subject.command = Some(format!("lacuna cosim {}", block.arguments()));
        let for_accepts = values.clone();
        subject.stimulus = Box::new(move |shape, kind, beats, random| {
            (entry.stimulus)(&values, shape, kind, beats, random)
        });
        subject.accepts = Box::new(move |stimulus| (entry.accepts)(&for_accepts, stimulus));
        Ok(subject)
    }

    /// The same with a stimulus of its own: from the shape, the kind, the number of beats and
    /// chance to what goes in, or none if there is none of that kind.
    pub fn with_stimulus(
        mut self,
        stimulus: impl Fn(&Shape, Kind, usize, &mut Random) -> Option<Stimulus> + Send + Sync + 'static,
    ) -> Subject {
        self.stimulus = Box::new(stimulus);
        self
    }

    /// The same, whose stimulus is only legal where `accepts` says so.
    pub fn with_accepts(
        mut self,
        accepts: impl Fn(&Stimulus) -> bool + Send + Sync + 'static,
    ) -> Subject {
        self.accepts = Box::new(accepts);
        self
    }

    /// A stimulus of about `beats` beats, if the subject has any of this kind.
    pub fn stimulus(&self, kind: Kind, beats: usize, random: &mut Random) -> Option<Stimulus> {
        (self.stimulus)(&self.shape, kind, beats, random)
    }

    /// Whether the subject may be given this stimulus.
    pub fn accepts(&self, stimulus: &Stimulus) -> bool {
        (self.accepts)(stimulus)
    }
}

/// The module as its model sees it: streams, or plain ports.
fn shape(module: &Module, model: &Model) -> Shape {
    let is_input = |id: &&SignalId| module.direction(**id) == Direction::Input;
    let field = |id: &SignalId, name: &str| {
        let ty = module.signal(*id).ty;
        Field { name: name.to_string(), width: ty.width, signed: ty.signed }
    };
    let plain = |id: &SignalId| field(id, bare(&module.signal(*id).name));
    if let Model::Ports(_) = model {
        let (inputs, outputs): (Vec<_>, Vec<_>) = module.ports.iter().partition(is_input);
        let channel = |name: &str, ids: Vec<&SignalId>| Channel {
            name: name.to_string(),
            fields: ids.into_iter().map(plain).collect(),
        };
        return Shape {
            inputs: vec![channel("inputs", inputs)],
            outputs: vec![channel("outputs", outputs)],
            held: vec![],
            status: vec![],
        };
    }
    let channels = |direction: Direction| -> Vec<Channel> {
        let streams = module.streams.iter().filter(|stream| stream.direction == direction);
        let channel = |stream: &crate::hdl::ir::Stream| {
            let of = |id: &SignalId| {
                let name = bare(&module.signal(*id).name);
                field(id, name.strip_prefix(&format!("{}_", stream.name)).unwrap_or(name))
            };
            Channel { name: stream.name.clone(), fields: stream.payload.iter().map(of).collect() }
        };
        streams.map(channel).collect()
    };
    let alone = module.ports.iter().filter(|&&id| module.stream_of(id).is_none());
    let (held, status): (Vec<_>, Vec<_>) = alone.partition(is_input);
    Shape {
        inputs: channels(Direction::Input),
        outputs: channels(Direction::Output),
        held: held.into_iter().map(plain).collect(),
        status: status.into_iter().map(plain).collect(),
    }
}

/// A port's name without the suffix that says its direction.
fn bare(name: &str) -> &str {
    name.strip_suffix("_i").or(name.strip_suffix("_o")).unwrap_or(name)
}
