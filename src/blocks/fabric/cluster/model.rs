//! The golden model of the cluster: whose turn it is at each core, and whether the core is awake.

use super::{ClusterParameters, LAST, TO};
use crate::blocks::fabric::gating::Clock;
use crate::blocks::precision::vp_mac;
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// The sums of a source's packets, in order.
fn sums(p: &ClusterParameters, beats: &[Beat]) -> Vec<Bits> {
    let operands = |beat: &Beat| [&beat[..TO], &beat[LAST..]].concat();
    let inputs = vec![beats.iter().map(operands).collect()];
    let response = vp_mac::respond(&p.mac(), &Stimulus { inputs, held: vec![] });
    response.emitted[0].iter().map(|emitted| emitted.beat[0].clone()).collect()
}

/// A core.
#[derive(Clone, Default)]
struct Core {
    /// The source that is asked first.
    turn: usize,
    /// The source whose packet has begun, or waits for the core to wake.
    chosen: Option<usize>,
    clock: Clock,
    /// Whether a sum waits.
    is_full: bool,
    emitted: Vec<Emitted>,
}

/// A source.
struct Source<'a> {
    beats: &'a [Beat],
    /// The sums of packets that have not ended yet.
    sums: std::vec::IntoIter<Bits>,
    accepted: Vec<u64>,
}

impl Source<'_> {
    /// The core that the next beat is for.
    fn to(&self) -> Option<usize> {
        self.beats.get(self.accepted.len()).map(|beat| beat[TO].unsigned() as usize)
    }
}

pub(super) fn run(p: &ClusterParameters, stimulus: &Stimulus) -> Response {
    let (accepted, emitted) = simulate(p, stimulus, true);
    let capacity = simulate(p, stimulus, false).0.iter().map(Vec::len).collect();
    Response { accepted, emitted, capacity }
}

/// When beats go in and sums come out, if every source offers at once and sums are always taken, or
/// never.
fn simulate(
    p: &ClusterParameters,
    stimulus: &Stimulus,
    takes: bool,
) -> (Vec<Vec<u64>>, Vec<Vec<Emitted>>) {
    let keep = stimulus.held[0].bit(0);
    let of_source = |beats: &'_ Vec<Beat>| sums(p, beats).into_iter();
    let mut sources: Vec<Source> = stimulus
        .inputs
        .iter()
        .map(|beats| Source { beats, sums: of_source(beats), accepted: vec![] })
        .collect();
    let mut cores = vec![Core::default(); p.cores as usize];
    let mut rested = 0;
    for cycle in 0.. {
        let asked: Vec<Option<usize>> = sources.iter().map(Source::to).collect();
        let mut moved = false;
        for (number, core) in cores.iter_mut().enumerate() {
            let asks = |source: &usize| asked[*source] == Some(number);
            let in_turn = (0..sources.len()).map(|i| (core.turn + i) % sources.len());
            let offer = match core.chosen {
                Some(source) => Some(source).filter(asks),
                None => { in_turn }.find(asks),
            };
            let works = offer.is_some() || core.is_full;
            let now = core.clock.now(&p.gating(), works, keep);
            core.clock.step(works || keep, &now);
            let has_room = !core.is_full || takes;
            core.is_full &= !takes;
            core.chosen = offer.or(core.chosen);
            let Some(index) = offer.filter(|_| now.awake && has_room) else { continue };
            moved = true;
            let source = &mut sources[index];
            let beat = source.accepted.len();
            source.accepted.push(cycle);
            if source.beats[beat][LAST].bit(0) {
                (core.turn, core.chosen, core.is_full) =
                    ((index + 1) % p.sources as usize, None, true);
                let sum = source.sums.next().expect("each packet has a sum");
                // As many bits as the highest number has.
                let whose = Bits::new((p.sources.max(2) - 1).ilog2() + 1, index as u64);
                let cause = Cause { channel: index, beat };
                core.emitted.push(Emitted { beat: vec![sum, whose], cycle: cycle + 1, cause });
            }
        }
        // What is for no core goes at once.
        for (source, to) in sources.iter_mut().zip(asked) {
            if to.is_some_and(|to| to >= cores.len()) {
                if source.beats[source.accepted.len()][LAST].bit(0) {
                    source.sums.next();
                }
                source.accepted.push(cycle);
                moved = true;
            }
        }
        rested = if moved { 0 } else { rested + 1 };
        if rested > p.wake_cycles + 2 {
            break;
        }
    }
    let accepted = sources.into_iter().map(|source| source.accepted).collect();
    (accepted, cores.into_iter().map(|core| core.emitted).collect())
}
