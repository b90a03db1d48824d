//! A failure in words.

use std::fmt::Write;
use std::path::Path;

use super::check::{Failure, Plan};
use super::mismatch::{Finding, Mismatch, Place};
use super::run::MOST_MISMATCHES;
use super::scenario::Case;
use super::stalls::Stalls;
use super::subject::Subject;
use super::verilator::Start;
use crate::model::Model;

/// More lines of stimulus are not printed.
const MOST_LINES: usize = 12;

impl Failure {
    /// The report of a failure: where, what, what it looks like, the shortest stimulus, and how to
    /// see it again. `waveform` is where the shortest stimulus was recorded.
    pub fn report(&self, subject: &Subject, plan: &Plan, waveform: Option<&Path>) -> String {
        let mut text = String::new();
        self.write(&mut text, subject, plan, waveform).expect("a string takes any text");
        text
    }

    fn write(
        &self,
        text: &mut String,
        subject: &Subject,
        plan: &Plan,
        waveform: Option<&Path>,
    ) -> std::fmt::Result {
        let Failure { scenario, case, first, count, beats, rtl, .. } = self;
        let (code, title) = match first.finding {
            Finding::Simulators { .. } => ("E0402", format!("{rtl} disagrees with the evaluator")),
            Finding::Misfit(_) => {
                ("E0403", "the stimulus or the golden model is not of the module's shape".into())
            }
            _ => ("E0401", format!("{rtl} disagrees with the golden model")),
        };
        writeln!(text, "error[{code}]: {title}")?;
        write!(text, " block {}", subject.name)?;
        match scenario {
            Some(scenario) => writeln!(text, ", scenario {scenario}, seed {:#010x}", plan.seed)?,
            None => writeln!(text)?,
        }
        if !subject.settings.is_empty() {
            writeln!(text, " with {}", subject.settings.join(", "))?;
        }
        let unit = match subject.model {
            Model::Streams(_) => "beats",
            Model::Ports(_) => "cycles",
        };
        let place = match &first.place {
            Place::Module => String::new(),
            place => format!("{place}, "),
        };
        let cycle = first.cycle;
        let number = match *count {
            1 => "the only mismatch".to_string(),
            MOST_MISMATCHES.. => format!("first of {count} mismatches or more"),
            _ => format!("first of {count} mismatches"),
        };
        writeln!(text, " {place}cycle {cycle} ({number} in {beats} {unit})")?;
        for line in first.finding.lines(rtl) {
            writeln!(text, "   {line}")?;
        }
        writeln!(text, " from {}", conditions(subject, case))?;
        if let Some(Mismatch { cycle, finding, .. }) = &self.property {
            writeln!(text, " also, in cycle {cycle}: {}", finding.lines(rtl).join(" "))?;
        }
        if let Some(likeness) = &self.likeness {
            writeln!(text, " looks like: {likeness}")?;
        }
        let between = first.finding.is_between_simulators();
        match (self.evaluator_agrees, between) {
            (None, _) => {}
            (Some(true), false) => writeln!(
                text,
                " the evaluator agrees with the golden model: the Verilog is wrong, or its simulator"
            )?,
            (Some(false), false) => writeln!(
                text,
                " the evaluator alone does not agree with the golden model: the description is \
                 wrong, or the model"
            )?,
            (Some(true), true) => {
                writeln!(text, " the golden model agrees with both: it knows nothing of this")?
            }
            (Some(false), true) => writeln!(
                text,
                " the golden model agrees with {rtl}: what the evaluator takes for the module is \
                 wrong, such as a cell's behavior"
            )?,
        }
        self.write_shortest(text, subject)?;
        if let Some(path) = waveform {
            writeln!(text, " waveform of it: {}", path.display())?;
        }
        let beats = match plan.beats == Plan::default().beats {
            true => String::new(),
            false => format!(" --beats {}", plan.beats),
        };
        let (Some(command), Some(scenario)) = (&subject.command, scenario) else { return Ok(()) };
        write!(
            text,
            " reproduce: {command} --scenario {scenario} --seed {:#010x}{beats} --wave",
            plan.seed
        )
    }

    fn write_shortest(&self, text: &mut String, subject: &Subject) -> std::fmt::Result {
        let stimulus = &self.shortest.stimulus;
        let beats: usize = stimulus.inputs.iter().map(Vec::len).sum();
        let what = match (&subject.model, beats) {
            (Model::Streams(_), 1) => "beat",
            (Model::Streams(_), _) => "beats",
            (Model::Ports(_), 1) => "cycle",
            (Model::Ports(_), _) => "cycles",
        };
        let conditions = conditions(subject, &self.shortest);
        writeln!(text, " shortest stimulus found: {beats} {what}, {conditions}")?;
        let mut left = MOST_LINES;
        for (field, value) in subject.shape.held.iter().zip(&stimulus.held) {
            writeln!(text, "   {}: {value}", field.name)?;
        }
        for (channel, beats) in subject.shape.inputs.iter().zip(&stimulus.inputs) {
            if channel.fields.is_empty() {
                continue;
            }
            let mut rest = &beats[..];
            while let (Some(beat), 1..) = (rest.first(), left) {
                let times = rest.iter().take_while(|other| *other == beat).count();
                let fields = channel.fields.iter().zip(beat);
                let fields: Vec<String> =
                    fields.map(|(field, value)| format!("{} {value}", field.name)).collect();
                let times_text = if times > 1 { format!(", {times} times") } else { String::new() };
                writeln!(text, "   {}: {}{times_text}", channel.name, fields.join(", "))?;
                rest = &rest[times..];
                left -= 1;
            }
            if !rest.is_empty() {
                writeln!(text, "   {}: {} more", channel.name, rest.len())?;
            }
        }
        Ok(())
    }
}

/// How a case is applied, in words.
fn conditions(subject: &Subject, case: &Case) -> String {
    let state = match case.start {
        Start::Zero => "state zero",
        Start::Random(_) => "a random state",
    };
    let stalls = match (&subject.model, case.stalls) {
        (Model::Ports(_), _) => String::new(),
        (Model::Streams(_), (Stalls::None, Stalls::None)) => ", no stalls".to_string(),
        (Model::Streams(_), (source, sink)) => {
            format!(", stalls {source} at the sources and {sink} at the sinks")
        }
    };
    let reset = match case.reset_after {
        None => String::new(),
        Some(cycles) => format!(", a reset after {cycles} cycles"),
    };
    format!("{state}{stalls}{reset}")
}
