//! What can be wrong, and what it looks like.

use std::fmt;

use crate::model::{Beat, Bits, Channel, Field};

/// A point at which a simulation is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The cycle after the last reset; the first is 0.
    pub cycle: u64,
    /// Where.
    pub place: Place,
    /// What.
    pub finding: Finding,
}

/// Where a mismatch shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A stream, at a beat, the first being 0.
    Stream {
        /// The stream's name.
        name: String,
        /// The beat.
        beat: usize,
    },
    /// A port.
    Port(String),
    /// The module as a whole.
    Module,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The fields are not those of the model.
    Value {
        /// The fields that differ.
        differences: Vec<Difference>,
        /// How many beats before (negative) or after this one the model has what came, if it has.
        displaced: Option<i32>,
    },
    /// A beat that waited was no longer offered.
    Withdrawn,
    /// A beat that waited changed.
    Changed(Vec<Difference>),
    /// A beat came out before what causes it was in.
    Uncaused,
    /// A beat came out of which the model knows nothing.
    Extra,
    /// Nothing moves any more, and beats have yet to go in or come out.
    Stuck {
        /// How many moved.
        moved: usize,
        /// Of how many.
        of: usize,
    },
    /// A beat went in or came out in another cycle than the model says, though nothing stalls.
    Cycle {
        /// The model's cycle.
        model: u64,
    },
    /// More or fewer beats went in than fit, though nothing is taken.
    Capacity {
        /// How many the model takes.
        model: usize,
        /// How many went in.
        seen: usize,
    },
    /// The declared latency is not the measured one.
    Latency {
        /// In the module's header.
        declared: u32,
        /// From acceptance of a beat to the first that follows from it.
        measured: u64,
    },
    /// The declared initiation interval is not the measured one.
    Interval {
        /// In the module's header.
        declared: u32,
        /// Cycles from one accepted beat to the next in the long run, rounded up.
        measured: u64,
    },
    /// The stimulus or what the model answers has not the shape of the module.
    Misfit(String),
    /// Something went wrong inside: a property did not hold.
    Inside(String),
    /// The two simulators show different values.
    Simulators {
        /// The evaluator's.
        evaluator: Bits,
        /// The other's.
        rtl: Bits,
    },
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: String,
    /// Whether it is a two's complement number.
    pub signed: bool,
    /// What it should be: the model's value, or that of the cycle before.
    pub expected: Bits,
    /// What it is.
    pub seen: Bits,
}

/// The fields of `channel` in which two beats differ.
pub(super) fn differences(channel: &Channel, expected: &Beat, seen: &Beat) -> Vec<Difference> {
    let fields = channel.fields.iter().zip(expected.iter().zip(seen));
    fields.filter_map(|(field, (expected, seen))| difference(field, expected, seen)).collect()
}

/// The difference of a field, if there is one.
pub(super) fn difference(field: &Field, expected: &Bits, seen: &Bits) -> Option<Difference> {
    (expected != seen).then(|| Difference {
        field: field.name.clone(),
        signed: field.signed,
        expected: expected.clone(),
        seen: seen.clone(),
    })
}

impl Difference {
    /// The first bits that differ, in words.
    fn bits(&self) -> String {
        const SHOWN: usize = 4;
        let all: Vec<String> =
            self.expected.differences(&self.seen).map(|bit| bit.to_string()).collect();
        match all.len() {
            1 => format!("bit {} differs", all[0]),
            2..=SHOWN => format!("bits {} differ", all.join(", ")),
            more => {
                format!("bits {} and {} more differ", all[..SHOWN].join(", "), more - SHOWN)
            }
        }
    }

    /// What kind of mistake makes such a difference.
    fn likeness(&self) -> Option<&'static str> {
        let width = self.expected.width();
        if !(2..=64).contains(&width) {
            return None;
        }
        let (expected, seen) = (self.expected.unsigned(), self.seen.unsigned());
        let modulo = |value: u64| Bits::new(width, value).unsigned();
        let differing = expected ^ seen;
        let low = differing.trailing_zeros().min(63);
        // The differing bits are the top ones, all of a kind on each side.
        let is_extension = modulo(differing) == modulo(u64::MAX << low)
            && low > 0
            && (self.signed || low + 1 < width)
            && (seen >> low == 0 || expected >> low == 0);
        match () {
            _ if is_extension => Some("one side extends by the sign, the other by zeros"),
            _ if modulo(expected.wrapping_add(seen)) == 0 => Some("the sign is the other one"),
            // Among few values, neighbours are nothing special.
            _ if width >= 6 && modulo(expected.wrapping_sub(seen).wrapping_add(1)) <= 2 => {
                Some("off by one")
            }
            _ if low >= 8 && self.signed => {
                Some("the low bits are right: above them a sign or a carry is lost")
            }
            _ => None,
        }
    }
}

impl Finding {
    /// Whether it says that the two simulators differ, rather than that the model does.
    pub fn is_between_simulators(&self) -> bool {
        matches!(self, Finding::Simulators { .. })
    }

    /// Whether one mistake may well show as either of the two: with fewer beats, a beat too many is
    /// one that came out at the end, not one with another's value.
    pub(super) fn is_alike(&self, other: &Finding) -> bool {
        let class = |finding: &Finding| match finding {
            Finding::Inside(_) => 0,
            Finding::Simulators { .. } => 1,
            Finding::Cycle { .. } => 2,
            Finding::Latency { .. } => 3,
            Finding::Interval { .. } => 4,
            Finding::Capacity { .. } => 5,
            Finding::Misfit(_) => 7,
            _ => 6,
        };
        class(self) == class(other)
    }

    /// What kind of mistake it looks like, if it looks like any.
    pub fn likeness(&self) -> Option<&'static str> {
        match self {
            Finding::Value { displaced: Some(1..), .. } => Some("a beat was lost"),
            Finding::Value { displaced: Some(_), .. } => Some("a beat came twice"),
            Finding::Value { differences, .. } => differences.iter().find_map(Difference::likeness),
            Finding::Withdrawn | Finding::Changed(_) => {
                Some("a register moves on, or is overwritten, although its beat was not taken")
            }
            Finding::Capacity { model, seen } => match seen.abs_diff(*model) {
                1 if seen > model => Some("off by one: a beat too many"),
                1 => Some("off by one: a beat too few"),
                _ if seen > model => Some("a stall is dropped: ready does not wait for room"),
                _ => None,
            },
            Finding::Stuck { .. } => Some("a beat was lost, or a ready or valid never comes"),
            Finding::Extra | Finding::Uncaused => {
                Some("a beat was taken for two, or made of nothing")
            }
            _ => None,
        }
    }

    /// In lines for a report; `rtl` is what the simulator is called that is not the model.
    pub(super) fn lines(&self, rtl: &str) -> Vec<String> {
        let values = |differences: &[Difference], [left, right]: [&str; 2]| -> Vec<String> {
            let line = |d: &Difference| {
                let (field, bits) = (&d.field, d.bits());
                format!("{field}: {left} {}, {right} {}, {bits}", d.expected, d.seen)
            };
            differences.iter().map(line).collect()
        };
        match self {
            Finding::Value { differences, .. } => values(differences, ["model", rtl]),
            Finding::Withdrawn => vec!["valid fell before the beat was taken".into()],
            Finding::Changed(differences) => {
                let mut lines = vec!["the payload changed before the beat was taken".into()];
                lines.extend(values(differences, ["before", "now"]));
                lines
            }
            Finding::Uncaused => vec!["it comes before what causes it went in".into()],
            Finding::Extra => vec!["the model has no such beat".into()],
            Finding::Stuck { moved, of } => {
                vec![format!("nothing moves any more after {moved} of {of} beats")]
            }
            Finding::Cycle { model } => {
                vec![format!("without stalls it moves in cycle {model} of the model")]
            }
            Finding::Capacity { model, seen } => {
                vec![format!("beats held while nothing is taken: model {model}, {rtl} {seen}")]
            }
            Finding::Latency { declared, measured } => {
                vec![format!("the declared latency is {declared}, the measured {measured}")]
            }
            Finding::Interval { declared, measured } => vec![format!(
                "the declared initiation interval is {declared}, the measured {measured}"
            )],
            Finding::Inside(text) | Finding::Misfit(text) => vec![text.clone()],
            Finding::Simulators { evaluator, rtl: seen } => {
                vec![format!("evaluator {evaluator}, {rtl} {seen}")]
            }
        }
    }
}

impl Place {
    /// The name of the stream, if it is one.
    pub fn stream(&self) -> Option<&str> {
        match self {
            Place::Stream { name, .. } => Some(name),
            Place::Port(_) | Place::Module => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Stream { name, beat } => write!(f, "stream {name}, beat {beat}"),
            Place::Port(name) => write!(f, "port {name}"),
            Place::Module => f.write_str("module"),
        }
    }
}
