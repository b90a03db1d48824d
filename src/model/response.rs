//! What should come of a stimulus.

use super::{Beat, Bits, Stimulus};

/// A golden model.
pub enum Model {
    /// Of a block between streams.
    Streams(StreamModel),
    /// Of a block of plain ports: makes a machine as it is after a reset.
    Ports(Box<dyn Fn() -> Box<dyn PortModel> + Send + Sync>),
}

/// The golden model of a block between streams; see [`Model::streams`].
pub struct StreamModel {
    run: Box<dyn Fn(&Stimulus) -> Response + Send + Sync>,
    status: Option<Status>,
    turns: Option<Turns>,
}

type Status = Box<dyn Fn(&Moved) -> Vec<Option<Bits>> + Send + Sync>;

/// Whether a turn ends with a beat of an output, which is given by its position.
pub(crate) type Turns = Box<dyn Fn(usize, &Beat) -> bool + Send + Sync>;

/// How many beats of each stream have moved since the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Of each stream into the block.
    pub accepted: Vec<usize>,
    /// Of each stream out of the block.
    pub emitted: Vec<usize>,
}

impl StreamModel {
    /// What comes of all that goes in after a reset.
    pub fn respond(&self, stimulus: &Stimulus) -> Response {
        (self.run)(stimulus)
    }

    /// The outputs that belong to no stream, in the order of the ports; none where anything may
    /// stand. Nothing at all if the model does not speak of them.
    pub fn status(&self, moved: &Moved) -> Option<Vec<Option<Bits>>> {
        self.status.as_ref().map(|status| status(moved))
    }

    /// Whether the model speaks of the outputs that belong to no stream.
    pub fn has_status(&self) -> bool {
        self.status.is_some()
    }

    /// Whether a turn ends with a beat, if the streams into the block take turns.
    pub(crate) fn turns(&self) -> Option<&Turns> {
        self.turns.as_ref()
    }
}

impl Model {
    /// The model of a block between streams: from all that goes in after a reset to all that comes
    /// out.
    pub fn streams(run: impl Fn(&Stimulus) -> Response + Send + Sync + 'static) -> Model {
        Model::Streams(StreamModel { run: Box::new(run), status: None, turns: None })
    }

    /// The same model, which also knows the outputs that belong to no stream: in the order of the
    /// ports, from the beats that have moved before the cycle; none where anything may stand.
    ///
    /// # Panics
    /// If it is a model of plain ports, which knows all outputs anyway.
    pub fn with_status(
        self,
        status: impl Fn(&Moved) -> Vec<Option<Bits>> + Send + Sync + 'static,
    ) -> Model {
        match self {
            Model::Streams(model) => {
                Model::Streams(StreamModel { status: Some(Box::new(status)), ..model })
            }
            Model::Ports(_) => panic!("a model of plain ports knows all outputs anyway"),
        }
    }

    /// The same model, of a block into which several streams take turns by when their beats arrive:
    /// then stalls decide in which order they come out. Where anything stalls, each output has to
    /// show the beats that follow from one stream (their [`Cause`]) in the model's order; those of
    /// different streams may come in any, but behind one for which `ends`, of the position of the
    /// output and the beat, is false comes the next of the same stream.
    ///
    /// A beat has to tell which stream it follows from: of equal ones, that of the first counts.
    ///
    /// # Panics
    /// If it is a model of plain ports, which knows every cycle.
    pub fn with_turns(self, ends: impl Fn(usize, &Beat) -> bool + Send + Sync + 'static) -> Model {
        match self {
            Model::Streams(model) => {
                Model::Streams(StreamModel { turns: Some(Box::new(ends)), ..model })
            }
            Model::Ports(_) => panic!("a model of plain ports knows every cycle"),
        }
    }

    /// The model of a block of plain ports; `reset` is the machine as a reset leaves it.
    pub fn ports<M: PortModel + Clone + Send + Sync + 'static>(reset: M) -> Model {
        Model::Ports(Box::new(move || Box::new(reset.clone())))
    }
}

/// A golden model that is asked in every cycle.
pub trait PortModel {
    /// The outputs in a cycle with these inputs, both in the order of the ports; none where
    /// anything may stand.
    fn outputs(&self, inputs: &[Bits]) -> Vec<Option<Bits>>;

    /// The clock's edge at the end of a cycle with these inputs.
    fn step(&mut self, inputs: &[Bits]);

    /// A reset in mid-stream, during which any inputs may stand. What a reset does not reach, such
    /// as a memory, stays; a block with a reset is not to write to it meanwhile.
    fn reset(&mut self);
}

/// What a block between streams does with a stimulus. Cycles count from the first in which sources
/// offer, and hold when nothing stalls: every source offers its next beat at once, every sink takes
/// what is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// For each stream into the block, the cycle in which each beat is accepted.
    pub accepted: Vec<Vec<u64>>,
    /// For each stream out of the block, what comes out.
    pub emitted: Vec<Vec<Emitted>>,
    /// For each stream into the block, how many beats go in while nothing is ever taken from it;
    /// empty if the model does not say. Where the stimulus is shorter, all of it goes in.
    pub capacity: Vec<usize>,
}

impl Response {
    /// The cycle in which the last beat goes in or comes out; 0 if there is none.
    pub(crate) fn last(&self) -> u64 {
        let emitted = self.emitted.iter().flatten().map(|emitted| emitted.cycle);
        self.accepted.iter().flatten().copied().chain(emitted).max().unwrap_or(0)
    }

    /// The most cycles from a beat to the next of its stream that goes in, or to one that follows
    /// from it.
    pub(crate) fn longest_wait(&self) -> u64 {
        let intervals = self.accepted.iter().flat_map(|cycles| {
            let before = std::iter::once(&0).chain(cycles);
            cycles.iter().zip(before).map(|(cycle, before)| cycle.saturating_sub(*before))
        });
        let delays = self.emitted.iter().flatten().map(|Emitted { cycle, cause, .. }| {
            cycle.saturating_sub(self.accepted[cause.channel][cause.beat])
        });
        delays.chain(intervals).max().unwrap_or(0)
    }
}

/// A beat that comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The payload.
    pub beat: Beat,
    /// When, if nothing stalls.
    pub cycle: u64,
    /// The last of the beats that it follows from: before that one is accepted it cannot come out.
    pub cause: Cause,
}

/// A beat that went in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The stream, by its position in the stimulus.
    pub channel: usize,
    /// The beat of that stream.
    pub beat: usize,
}
