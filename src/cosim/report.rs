//! A failure in words.

use std::fmt::Write;
use std::path::Path;

use super::check::{Failure, Plan};
use super::mismatch::{Mismatch, Place};
use super::run::MOST_MISMATCHES;
use super::scenario::Case;
use super::stalls::Stalls;
use super::subject::Subject;
use super::verilator::Start;
use crate::model::Model;

/// Longer stimulus is not printed in full.
const MOST_BEATS: usize = 12;

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
        let (code, title) = match first.finding.is_between_simulators() {
            true => ("E0402", format!("{rtl} disagrees with the evaluator")),
            false => ("E0401", format!("{rtl} disagrees with the golden model")),
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
        writeln!(text, " from {}", conditions(case))?;
        if let Some(Mismatch { cycle, finding, .. }) = &self.property {
            writeln!(text, " also, in cycle {cycle}: {}", finding.lines(rtl).join(" "))?;
        }
        if let Some(likeness) = &self.likeness {
            writeln!(text, " looks like: {likeness}")?;
        }
        match self.evaluator_agrees {
            Some(true) => writeln!(
                text,
                " the evaluator agrees with the golden model: the Verilog is wrong, or its simulator"
            )?,
            Some(false) => writeln!(
                text,
                " the evaluator does not agree with the golden model either: the description is \
                 wrong, or the model"
            )?,
            None => {}
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
        writeln!(text, " shortest stimulus found: {beats} {what}, {}", conditions(&self.shortest))?;
        let mut left = MOST_BEATS;
        for (field, value) in subject.shape.held.iter().zip(&stimulus.held) {
            writeln!(text, "   {}: {value}", field.name)?;
        }
        for (channel, beats) in subject.shape.inputs.iter().zip(&stimulus.inputs) {
            for beat in beats.iter().take(left) {
                let fields = channel.fields.iter().zip(beat);
                let fields: Vec<String> =
                    fields.map(|(field, value)| format!("{} {value}", field.name)).collect();
                writeln!(text, "   {}: {}", channel.name, fields.join(", "))?;
            }
            if beats.len() > left {
                writeln!(text, "   {}: {} more", channel.name, beats.len() - left)?;
            }
            left = left.saturating_sub(beats.len());
        }
        Ok(())
    }
}

/// How a case is applied, in words.
fn conditions(case: &Case) -> String {
    let state = match case.start {
        Start::Zero => "state zero",
        Start::Random(_) => "a random state",
    };
    let stalls = match case.stalls {
        (Stalls::None, Stalls::None) => "no stalls".to_string(),
        (source, sink) => format!("stalls {source} at the sources and {sink} at the sinks"),
    };
    let reset = match case.reset_after {
        None => String::new(),
        Some(cycles) => format!(", a reset after {cycles} cycles"),
    };
    format!("{state}, {stalls}{reset}")
}
