//! All scenarios of a subject, and what came of them.

use std::path::Path;

use super::mismatch::{Finding, Mismatch, Place};
use super::rig::Rig;
use super::run::{MEASURED_INTERVALS, Run};
use super::scenario::{Case, Scenario};
use super::shrink::shrink;
use super::subject::Subject;
use super::verilator::{Coverage, Point, Start};
use crate::verilog::File;

/// What is to be simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// About how many beats a stimulus has.
    pub beats: usize,
    /// Where all chance comes from.
    pub seed: u64,
    /// Only this scenario; all if there is none.
    pub only: Option<Scenario>,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { beats: 256, seed: 0x5eed_0000, only: None }
    }
}

impl Plan {
    /// Whether the stimulus is long enough to tell what the initiation interval is in the long run.
    pub fn measures_interval(&self) -> bool {
        self.beats > 2 * MEASURED_INTERVALS
    }

    /// The scenarios of a subject.
    pub fn scenarios(&self, subject: &Subject) -> Vec<Scenario> {
        let mut scenarios = Scenario::all(subject);
        scenarios.retain(|scenario| self.only.is_none_or(|only| only == *scenario));
        scenarios
    }
}

/// What came of the scenarios of a subject.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The scenarios that were run.
    pub scenarios: Vec<Scenario>,
    /// Beats of outputs that were compared with the model's; of a module of plain ports, cycles.
    pub beats: u64,
    /// Edges.
    pub cycles: u64,
    /// Whether the block was once filled until nothing went in any more.
    pub filled: bool,
    /// Scenarios in which something was wrong.
    pub failed: usize,
    /// The first of them.
    pub failure: Option<Box<Failure>>,
    /// How often each point of the text was hit, if that was measured.
    pub coverage: Option<Coverage>,
}

/// A case in which something is wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The scenario, unless the case came alone.
    pub scenario: Option<Scenario>,
    /// The case.
    pub case: Case,
    /// The mismatch to look at first.
    pub first: Mismatch,
    /// The property that did not hold first, if there is one and it is not the mismatch.
    pub property: Option<Mismatch>,
    /// How many mismatches there are.
    pub count: usize,
    /// How many beats were compared.
    pub beats: u64,
    /// What was compared with the model.
    pub rtl: &'static str,
    /// What kind of mistake it looks like.
    pub likeness: Option<String>,
    /// Whether the evaluator alone agrees with the model, if it is another than what was compared.
    pub evaluator_agrees: Option<bool>,
    /// The shortest case that was found to fail alike.
    pub shortest: Case,
}

impl Rig {
    /// Runs one scenario after another; `progress` is called after each.
    pub fn check(&self, subject: &Subject, plan: &Plan, mut progress: impl FnMut()) -> Outcome {
        let mut outcome = Outcome::default();
        for scenario in plan.scenarios(subject) {
            self.check_scenario(subject, plan, scenario, &mut outcome);
            progress();
        }
        outcome
    }

    /// Runs one case.
    pub fn check_case(&self, subject: &Subject, case: &Case) -> Outcome {
        let mut outcome = Outcome::default();
        self.compare(subject, None, case, &mut outcome);
        outcome
    }

    /// Runs a scenario's cases up to the first that fails, and adds what came of them.
    fn check_scenario(
        &self,
        subject: &Subject,
        plan: &Plan,
        scenario: Scenario,
        outcome: &mut Outcome,
    ) {
        let cases = scenario.cases(subject, plan.beats, plan.seed);
        outcome.scenarios.extend((!cases.is_empty()).then_some(scenario));
        cases.iter().any(|case| !self.compare(subject, Some(scenario), case, outcome));
    }

    /// Runs a case and adds what came of it; whether all was well.
    fn compare(
        &self,
        subject: &Subject,
        scenario: Option<Scenario>,
        case: &Case,
        outcome: &mut Outcome,
    ) -> bool {
        let run = self.run(subject, case);
        outcome.beats += run.beats;
        outcome.cycles += run.cycles;
        outcome.filled |= run.filled;
        if let Some(coverage) = &run.coverage {
            let mut coverage = coverage.clone();
            coverage.retain(|point| !is_for_properties(&subject.files, point));
            outcome.coverage.get_or_insert_default().merge(&coverage);
        }
        if run.mismatches.is_empty() {
            return true;
        }
        outcome.failed += 1;
        if outcome.failure.is_none() {
            outcome.failure = Some(Box::new(self.explain(subject, scenario, case, &run)));
        }
        false
    }

    fn explain(
        &self,
        subject: &Subject,
        scenario: Option<Scenario>,
        case: &Case,
        run: &Run,
    ) -> Failure {
        let mismatches = &run.mismatches;
        // That the simulators differ matters less than that one of them is wrong.
        let against_model = || mismatches.iter().filter(|m| !m.finding.is_between_simulators());
        // A property that speaks of the inside explains less than what comes out.
        let outside = against_model().find(|m| !matches!(m.finding, Finding::Inside(_)));
        let first = outside.or_else(|| against_model().next()).unwrap_or(&mismatches[0]);
        let mut first = first.clone();
        forget_chance(&mut first, mismatches);
        let is_alike = |mismatch: &Mismatch| mismatch.finding.is_alike(&first.finding);
        let around = match first.place {
            Place::Stream { beat, .. } => beat,
            Place::Port(_) | Place::Module => first.cycle as usize,
        };
        let shortest = shrink(
            case,
            around,
            |stimulus| subject.accepts(stimulus),
            |candidate| {
                let run = self.run(subject, candidate);
                (run.mismatches.iter().any(is_alike), run.cycles)
            },
        );
        let from_zero = Case { start: Start::Zero, reset_after: None, ..case.clone() };
        let likeness = match case.start {
            Start::Random(_) if self.run(subject, &from_zero).mismatches.is_empty() => Some(
                "what was there before the reset shows: a register or a memory is read before it \
                 is reset or written",
            ),
            _ if shortest.stimulus.inputs.iter().all(Vec::is_empty) => {
                Some("the reset leaves something behind")
            }
            _ => first.finding.likeness().or_else(|| {
                // With less around it, a mistake shows more plainly.
                let shown = self.run(subject, &shortest).mismatches;
                shown.iter().find(|m| is_alike(m)).and_then(|m| m.finding.likeness())
            }),
        };
        let evaluator_agrees = match first.finding {
            Finding::Misfit(_) => None,
            _ => self.evaluator_agrees(subject, case),
        };
        let property = mismatches.iter().find(|m| matches!(m.finding, Finding::Inside(_)));
        Failure {
            scenario,
            property: property.filter(|property| property.finding != first.finding).cloned(),
            case: case.clone(),
            first,
            count: mismatches.len(),
            beats: run.beats,
            rtl: self.first_name(),
            likeness: likeness.map(str::to_string),
            evaluator_agrees,
            shortest,
        }
    }
}

/// Whether a point lies in what the text has for properties alone: no stimulus has to exercise that.
fn is_for_properties(files: &[File], point: &Point) -> bool {
    let name = Path::new(&point.file).file_stem().and_then(|stem| stem.to_str());
    let text = files.iter().find(|file| Some(file.module.as_str()) == name).map(|file| &file.text);
    let mut lines = text.into_iter().flat_map(|text| text.lines()).take(point.line as usize);
    // It stands at the end.
    lines.any(|line| line == "`ifdef FORMAL")
}

/// A value that the model has at another beat is there by chance if the beats that follow are not
/// as far away.
fn forget_chance(first: &mut Mismatch, mismatches: &[Mismatch]) {
    let displaced = mismatches.iter().filter_map(|mismatch| match mismatch.finding {
        Finding::Value { displaced, .. } if mismatch.place.stream() == first.place.stream() => {
            Some(displaced)
        }
        _ => None,
    });
    let displaced: Vec<_> = displaced.take(4).collect();
    if let Finding::Value { displaced: by, .. } = &mut first.finding
        && displaced.iter().any(|other| other != by)
    {
        *by = None;
    }
}
