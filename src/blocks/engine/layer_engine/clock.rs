//! When vectors move through a layer engine: counters take the place of values.

use std::collections::VecDeque;
use std::iter::Peekable;

use super::LayerEngineParameters;
use super::model::Settings;
use crate::blocks::engine::pe_cluster::{Clock as Cluster, Layer, Work};
use crate::blocks::temporal::temporal_path::{Arrival, Clock as Path, Queue};

/// A vector on its way through a layer.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    /// Whether the layer's sums begin with 0.
    pub fresh: bool,
    /// The survivors of each beat.
    pub counts: Vec<usize>,
    /// Their columns.
    pub columns: Vec<usize>,
    /// Its level of sparsity.
    pub level: usize,
    /// What the magnitudes of weights had to exceed; 0 if none was left out.
    pub weight_threshold: u64,
    /// The band of its coherence; none if there was nothing to compare it with.
    pub band: Option<usize>,
}

/// A beat between the clusters and the next layer.
#[derive(Clone, Copy, Debug)]
struct Sums {
    layer: usize,
    last: bool,
}

/// What is offered to the path: a beat of the vector that is next in its layer.
#[derive(Clone, Copy, Debug)]
struct Offer {
    layer: usize,
    beat: usize,
}

impl Offer {
    /// Whether it comes back from another layer.
    fn returns(&self) -> bool {
        self.layer > 0
    }
}

/// When everything goes in and comes out.
#[derive(Default)]
pub(crate) struct Schedule {
    pub accepted: Vec<u64>,
    pub out: Vec<u64>,
    /// Cycles in which the clusters work on a survivor.
    pub working: u64,
    /// Cycles in which one waits for sums to be read.
    pub waiting: u64,
}

/// The whole engine.
struct Clock<I: Iterator<Item = Vec<Vector>>> {
    in_flight: usize,
    /// The vectors of each step that has not begun.
    steps: Peekable<I>,
    /// Of the others, for each layer, those that have not gone in whole.
    vectors: Vec<VecDeque<Vector>>,
    layers: Vec<Layer>,
    final_layer: usize,
    latencies: Vec<u64>,
    /// Beats of the longest vector, and of a whole group.
    beats: usize,
    whole: usize,
    path: Path,
    /// Of each vector in the path, how many survivors are to leave it, and what the last will be.
    leaving: VecDeque<(usize, Work)>,
    queue: Queue<Work>,
    cluster: Cluster,
    /// The requantiser's stages.
    stages: [Option<Sums>; 4],
    /// How many steps are.
    under_way: usize,
    /// The vector that goes into the path, if it has not gone in whole.
    inside: Option<Offer>,
    /// Whether its next beat is offered already.
    offered: bool,
    schedule: Schedule,
}

/// Runs an engine on steps that are always offered, with all that comes out taken at once; the first
/// may begin in cycle `from`. The vectors of a step are asked for when the step before has begun.
pub(crate) fn run(
    p: &LayerEngineParameters,
    settings: &Settings,
    steps: impl Iterator<Item = Vec<Vector>>,
    from: u64,
) -> Schedule {
    let path = p.path();
    let layers: Vec<Layer> = settings.layers.iter().map(|layer| layer.cluster).collect();
    let mut clock = Clock {
        in_flight: p.in_flight as usize,
        final_layer: settings.final_layer,
        latencies: settings.layers.iter().map(|layer| path.latency(layer.path.metric)).collect(),
        beats: path.beats() as usize,
        whole: (super::GROUP / p.lanes).max(1) as usize,
        path: Path::new(&path),
        leaving: VecDeque::new(),
        queue: Queue::new(p.queue(1).depth as usize, 2),
        cluster: Cluster::default(),
        stages: [None; 4],
        under_way: 0,
        vectors: vec![VecDeque::new(); layers.len()],
        layers,
        inside: None,
        offered: false,
        schedule: Schedule::default(),
        steps: steps.peekable(),
    };
    let mut cycle = from;
    while clock.under_way > 0 || clock.steps.peek().is_some() {
        clock.cycle(cycle);
        cycle += 1;
    }
    clock.schedule
}

impl<I: Iterator<Item = Vec<Vector>>> Clock<I> {
    /// What is offered to the path, if anything is.
    fn offer(&mut self) -> Option<Offer> {
        let back = self.stages[3];
        if self.inside.is_none() {
            self.inside = match back {
                Some(sums) => Some(Offer { layer: sums.layer + 1, beat: 0 }),
                None => self.begin(),
            };
        }
        let offer = self.inside.filter(|offer| !offer.returns() || back.is_some())?;
        if !self.offered {
            self.offered = true;
            self.path.offer(self.arrival(&offer));
        }
        Some(offer)
    }

    /// A new step, if there is one that may begin.
    fn begin(&mut self) -> Option<Offer> {
        let may_begin = self.under_way < self.in_flight
            && !self.cluster.sends()
            && self.stages.iter().all(Option::is_none);
        if !may_begin {
            return None;
        }
        let step = self.steps.next()?;
        for (vectors, vector) in self.vectors.iter_mut().zip(step) {
            vectors.push_back(vector);
        }
        self.under_way += 1;
        Some(Offer { layer: 0, beat: 0 })
    }

    fn arrival(&self, offer: &Offer) -> Arrival {
        let counts = &self.vectors[offer.layer][0].counts;
        let last = offer.beat + 1 == counts.len();
        Arrival {
            layer: offer.layer,
            place: offer.layer * self.beats + offer.beat,
            survivors: counts[offer.beat],
            first: offer.beat == 0,
            last,
            ends_group: last || (offer.beat + 1).is_multiple_of(self.whole),
            decision: self.latencies[offer.layer],
        }
    }

    fn cycle(&mut self, cycle: u64) {
        let offer = self.offer();
        let moves = self.path.step(cycle);
        let accepted = offer.filter(|_| moves.accepted);

        // The requantiser, from its end: a stage takes a beat if it is empty or is left.
        let leaves = [
            true,
            self.stages[1].is_some_and(|sums| sums.layer == self.final_layer),
            true,
            accepted.is_some_and(|offer| offer.returns()),
        ];
        let mut goes = [false; 4];
        let mut next = false;
        for stage in (0..4).rev() {
            let left = if stage == 3 { leaves[3] } else { next || (stage == 1 && leaves[1]) };
            goes[stage] = self.stages[stage].is_none() || left;
            next = goes[stage];
        }

        // The clusters work alike, so one stands for all.
        let sums = self.cluster.offers().filter(|_| goes[0]);
        let survivor = self.queue.front(cycle).copied();
        let worked = self.cluster.step(&self.layers, survivor, sums.is_some());
        if worked.accepted {
            self.queue.pop();
        }
        self.schedule.working += u64::from(worked.works);
        self.schedule.waiting += u64::from(worked.waits);

        if let Some(sums) = self.stages[1].filter(|sums| sums.layer == self.final_layer) {
            self.schedule.out.push(cycle);
            if sums.last {
                self.under_way -= 1;
            }
            self.stages[1] = None;
        }
        // What has gone out does not go on.
        for stage in (1..4).rev() {
            if goes[stage] {
                self.stages[stage] = self.stages[stage - 1].take();
            }
        }
        if goes[0] {
            self.stages[0] = sums.map(|(work, last)| Sums { layer: work.layer, last });
        }

        if moves.out {
            self.leave(cycle);
        }
        if let Some(offer) = accepted {
            self.accept(cycle, offer);
        }
    }

    /// A survivor leaves the path for the queue.
    fn leave(&mut self, cycle: u64) {
        let (left, work) = self.leaving.front_mut().expect("a vector is in the path");
        self.queue.push(cycle, Work { last: *left == 1, ..*work });
        *left -= 1;
        if *left == 0 {
            self.leaving.pop_front();
        }
    }

    /// A beat goes into the path.
    fn accept(&mut self, cycle: u64, offer: Offer) {
        let Vector { fresh, counts, columns, .. } = &self.vectors[offer.layer][0];
        self.offered = false;
        if offer.beat == 0 {
            let exists = !columns.is_empty();
            let work = Work { layer: offer.layer, exists, fresh: *fresh, last: true };
            self.leaving.push_back((columns.len().max(1), work));
        }
        if !offer.returns() {
            self.schedule.accepted.push(cycle);
        }
        let is_last = offer.beat + 1 == counts.len();
        self.inside = (!is_last).then_some(Offer { beat: offer.beat + 1, ..offer });
        if is_last {
            self.vectors[offer.layer].pop_front();
        }
    }
}
