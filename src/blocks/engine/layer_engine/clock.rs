//! When vectors move through a layer engine.
//!
//! Vectors go through the path, the clusters and the requantiser in the same order, so the times of
//! each follow from those before it. One choice is made on the way: a new step goes into the path if
//! it may before the clusters are done with the next vector, whose sums come back otherwise.

use std::collections::VecDeque;

use super::LayerEngineParameters;
use super::model::Settings;
use crate::blocks::engine::pe_cluster::{Clock as Cluster, Layer, Work};
use crate::blocks::temporal::temporal_path::{Arrival, Clock as Path, Event};

/// Cycles that a survivor is in the queue between path and clusters at least.
const QUEUE: u64 = 2;

/// A vector on its way through a layer.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    /// Whether the layer's sums begin with 0.
    pub fresh: bool,
    /// The beats that it comes in.
    pub beats: usize,
    /// The columns of its survivors, and their values.
    pub survivors: Vec<(usize, i64)>,
    /// Its level of sparsity.
    pub level: usize,
    /// What the magnitudes of weights had to exceed; 0 if none was left out.
    pub weight_threshold: u64,
    /// The band of its coherence; none if there was nothing to compare it with.
    pub band: Option<usize>,
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

/// What the clusters make of a vector that went into the path.
struct Inside {
    /// Survivors, or the word that there is none.
    survivors: usize,
    work: Work,
}

/// The path, and what goes into it.
struct Entrance {
    path: Path,
    lanes: usize,
    latencies: Vec<u64>,
    /// Beats of the longest vector.
    beats: usize,
    /// For each layer, the vectors of steps under way that have not gone in.
    vectors: Vec<VecDeque<Vector>>,
    /// How many survivors of the vector that goes in have done so.
    survived: usize,
    /// From when on another vector may begin to go in.
    free: u64,
    /// The vectors that the clusters are not done with.
    inside: VecDeque<Inside>,
    /// When their survivors are offered to the clusters.
    offered: VecDeque<u64>,
}

impl Entrance {
    /// A beat of the layer's next vector is offered from the cycle `from` on: when it goes in.
    fn beat(&mut self, layer: usize, beat: usize, from: u64) -> u64 {
        let Vector { fresh, beats, survivors, .. } = &self.vectors[layer][0];
        let (last, end) = (beat + 1 == *beats, (beat + 1) * self.lanes);
        let next = survivors[self.survived..].iter().take(self.lanes);
        let of_beat = next.filter(|(column, _)| *column < end).count();
        self.survived += of_beat;
        let arrival = Arrival {
            layer,
            place: layer * self.beats + beat,
            survivors: of_beat,
            first: beat == 0,
            last,
            ends_group: last || end.is_multiple_of(super::GROUP as usize),
            decision: self.latencies[layer],
        };
        let from = from.max(self.free);
        let offered = &mut self.offered;
        let accepted = self.path.beat(arrival, from, &mut |event, cycle| {
            if event == Event::Out {
                offered.push_back(cycle + QUEUE);
            }
        });
        self.free = accepted + 1;
        if last {
            let work = Work { layer, exists: !survivors.is_empty(), fresh: *fresh, last: false };
            self.inside.push_back(Inside { survivors: survivors.len().max(1), work });
            self.vectors[layer].pop_front();
            self.survived = 0;
        }
        accepted
    }
}

/// Runs an engine on steps that are always offered, with all that comes out taken at once; the first
/// may begin in cycle `from`. The vectors of a step are asked for when the step before has begun.
pub(crate) fn run(
    p: &LayerEngineParameters,
    settings: &Settings,
    mut steps: impl Iterator<Item = Vec<Vector>>,
    from: u64,
) -> Schedule {
    let path = p.path();
    let layers: Vec<Layer> = settings.layers.iter().map(|layer| layer.cluster).collect();
    let latency = |layer: &super::Layer| path.latency(layer.path.metric);
    let mut entrance = Entrance {
        path: Path::new(&path),
        lanes: p.lanes as usize,
        latencies: settings.layers.iter().map(latency).collect(),
        beats: path.beats() as usize,
        vectors: vec![VecDeque::new(); layers.len()],
        survived: 0,
        free: from,
        inside: VecDeque::new(),
        offered: VecDeque::new(),
    };
    let mut cluster = Cluster::default();
    let mut requantiser = Requantiser::default();
    let mut schedule = Schedule::default();
    // How many steps are under way, and whether the clusters' work on the first vector inside is known.
    let (mut under_way, mut is_worked) = (0, false);
    let mut next = steps.next();
    while next.is_some() || !entrance.inside.is_empty() {
        if let Some(first) = entrance.inside.front().filter(|_| !is_worked) {
            for left in (0..first.survivors).rev() {
                let offered = entrance.offered.pop_front().expect("all survivors have left");
                cluster.survivor(&layers, Work { last: left == 0, ..first.work }, offered);
            }
            is_worked = true;
        }
        let begins = entrance.free.max(requantiser.results);
        let is_quiet = !is_worked || begins <= cluster.done();
        if let Some(step) = next.take_if(|_| under_way < p.in_flight && is_quiet) {
            next = steps.next();
            under_way += 1;
            let beats = step[0].beats;
            for (vectors, vector) in entrance.vectors.iter_mut().zip(step) {
                vectors.push_back(vector);
            }
            let accepted = (0..beats).map(|beat| entrance.beat(0, beat, begins));
            schedule.accepted.extend(accepted);
            continue;
        }
        let Some(Inside { work: Work { layer, .. }, .. }) = entrance.inside.pop_front() else {
            unreachable!("a step begins where none is under way")
        };
        is_worked = false;
        if layer == settings.final_layer {
            under_way -= 1;
            cluster.sums(layers[layer].beats, |_, offered| {
                let (taken, out) = requantiser.result(offered);
                schedule.out.push(out);
                taken
            });
        } else {
            cluster.sums(layers[layer].beats, |beat, offered| {
                requantiser.element(offered, |offered| entrance.beat(layer + 1, beat, offered))
            });
        }
    }
    (schedule.working, schedule.waiting) = (cluster.working, cluster.waiting);
    schedule
}

/// The requantiser, of which results leave the second stage, and the beats of the next layer the last.
#[derive(Default)]
struct Requantiser {
    /// When the last beat left each stage.
    left: [u64; 4],
    /// The cycle after that in which the last result left.
    results: u64,
}

impl Requantiser {
    /// A beat of results is offered: when it is taken, and when it comes out.
    fn result(&mut self, offered: u64) -> (u64, u64) {
        let taken = offered.max(self.left[0]);
        self.left[0] = self.left[1].max(taken + 1);
        self.left[1] = self.left[0] + 1;
        self.results = self.left[1] + 1;
        (taken, self.left[1])
    }

    /// A beat is offered that goes on to the next layer: when it is taken. `take` is told from when on
    /// it is offered there, and says when it goes in.
    fn element(&mut self, offered: u64, take: impl FnOnce(u64) -> u64) -> u64 {
        let taken = offered.max(self.left[0]);
        let mut cycle = taken;
        for stage in 0..3 {
            cycle = self.left[stage + 1].max(cycle + 1);
            self.left[stage] = cycle;
        }
        self.left[3] = take(cycle + 1);
        taken
    }
}
