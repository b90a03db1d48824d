//! One simulation from start to end: agents at the streams, a scoreboard, the rules of streams.

mod agents;
mod order;
mod ports;
mod streams;

use super::engine::Engine;
use super::mismatch::{Finding, Mismatch, Place};
use super::scenario::Case;
use super::subject::Subject;
use super::verilator::{Coverage, Start};
use crate::model::{Bits, Model};

pub(super) use streams::MEASURED_INTERVALS;

/// More mismatches than this end a run: one cause makes any number of them.
pub(super) const MOST_MISMATCHES: usize = 100;

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Edges, those of resets apart.
    pub cycles: u64,
    /// Beats of the outputs that were compared with the model's.
    pub beats: u64,
    /// Of these, from the last reset until all beats were through.
    pub through: u64,
    /// Of those, how many in which a beat of a stream went in or came out.
    pub moving: u64,
    /// What was wrong, in the order of its appearance, up to a limit.
    pub mismatches: Vec<Mismatch>,
    /// Whether the block was filled until nothing went in any more, as far as the model says when.
    pub filled: bool,
    /// How often each point of the text was hit, if that was measured.
    pub coverage: Option<Coverage>,
}

/// Runs a stimulus through the engines at once, up to `most` mismatches. The first engine is the
/// one that the model is compared with and that decides when beats move; the others have to show
/// the same.
pub(super) fn run(
    subject: &Subject,
    engines: &mut [Box<dyn Engine>],
    case: &Case,
    most: usize,
) -> Run {
    let stimulus = &case.stimulus;
    let mut bench = Bench {
        subject,
        engines,
        case,
        most,
        cycle: 0,
        engines_agree: true,
        is_sound: true,
        run: Run::default(),
    };
    let fits = subject.shape.check_stimulus(stimulus).and_then(|()| match &subject.model {
        Model::Streams(model) => {
            let response = model.respond(stimulus);
            subject.shape.check_response(stimulus, &response)?;
            let streams = streams::Streams::new(&bench, model, stimulus, &response);
            if let Some(status) = model.status(&streams.moved()) {
                subject.shape.check_status(&status)?;
            }
            streams.run(&mut bench);
            Ok(())
        }
        Model::Ports(model) => ports::run(&mut bench, stimulus, model().as_mut()),
    });
    if let Err(misfit) = fits {
        bench.report(Place::Module, Finding::Misfit(misfit));
    }
    bench.run
}

/// What both kinds of runs share.
struct Bench<'a> {
    subject: &'a Subject,
    engines: &'a mut [Box<dyn Engine>],
    case: &'a Case,
    /// How many mismatches end the run.
    most: usize,
    /// Since the last reset.
    cycle: u64,
    /// Until they do not: what follows from a difference is not one more.
    engines_agree: bool,
    is_sound: bool,
    run: Run,
}

impl Bench<'_> {
    fn set(&mut self, port: usize, value: &Bits) {
        self.engines.iter_mut().for_each(|engine| engine.set(port, value));
    }

    fn get(&mut self, port: usize) -> Bits {
        self.engines[0].get(port)
    }

    fn reset(&mut self) {
        self.engines.iter_mut().for_each(|engine| engine.reset());
        self.cycle = 0;
    }

    fn report(&mut self, place: Place, finding: Finding) {
        self.report_at(self.cycle, place, finding);
    }

    fn report_at(&mut self, cycle: u64, place: Place, finding: Finding) {
        self.run.mismatches.push(Mismatch { cycle, place, finding });
    }

    fn has_same_start(&self) -> bool {
        self.case.start == Start::Zero
    }

    fn has_enough(&self) -> bool {
        self.run.mismatches.len() >= self.most
    }

    /// Compares a port of all engines.
    fn compare(&mut self, port: usize) {
        if !self.engines_agree {
            return;
        }
        let (first, others) = self.engines.split_first_mut().expect("there is an engine");
        let rtl = first.get(port);
        let different = others.iter_mut().map(|engine| engine.get(port)).find(|seen| *seen != rtl);
        if let Some(evaluator) = different {
            self.engines_agree = false;
            let place = Place::Port(self.subject.module.port(port).name.clone());
            self.report(place, Finding::Simulators { evaluator, rtl });
        }
    }

    fn step(&mut self) {
        self.engines.iter_mut().for_each(|engine| engine.step());
        if self.is_sound
            && let Some(failure) = self.engines.iter().find_map(|engine| engine.failure())
        {
            self.is_sound = false;
            self.report(Place::Module, Finding::Inside(failure));
        }
        self.cycle += 1;
        self.run.cycles += 1;
    }
}
