//! What the tests of the blocks share: driving a block between two streams, and snapshots.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::config::{Parameters, Tech};
use crate::design::Design;
use crate::hdl::Module;
use crate::hdl::eval::{Evaluator, Port};
use crate::hdl::ir::Direction;

use super::Block;

/// The module of a block that is not to be emitted, for the default technology.
pub fn elaborate<B: Block>(parameters: &B::Parameters) -> Arc<Module> {
    assert!(B::validate(parameters).is_empty(), "the parameters do not go together");
    let module = B::elaborate(B::NAME, parameters, &Tech::default());
    module.unwrap_or_else(|errors| panic!("{:?}: {errors}", parameters.to_values()))
}

/// When one side of a stream does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stalls {
    /// Never.
    None,
    /// In every second cycle, by chance.
    Random,
    /// For some cycles, then works for some cycles: up to 8 each.
    Bursts,
    /// For so long that everything between the two sides runs full or empty.
    Long,
}

impl Stalls {
    /// Every profile against every other: the source's and the sink's.
    pub fn pairs() -> impl Iterator<Item = (Stalls, Stalls)> {
        const ALL: [Stalls; 4] = [Stalls::None, Stalls::Random, Stalls::Bursts, Stalls::Long];
        ALL.into_iter().flat_map(|source| ALL.map(|sink| (source, sink)))
    }
}

/// One side's stalls as they come, cycle by cycle.
struct Pace {
    stalls: Stalls,
    /// What `Stalls::Long` takes for long.
    long: u32,
    works: bool,
    left: u32,
}

impl Pace {
    fn new(stalls: Stalls, long: u32) -> Pace {
        // Long stalls come first, so that they are met with few beats, too.
        Pace { stalls, long, works: true, left: 0 }
    }

    fn works(&mut self, random: &mut ChaCha8Rng) -> bool {
        let longest = match self.stalls {
            Stalls::None => return true,
            Stalls::Random => return random.random(),
            Stalls::Bursts => 8,
            Stalls::Long => self.long,
        };
        if self.left == 0 {
            self.works = !self.works;
            let shortest = if self.stalls == Stalls::Long { longest / 2 + 1 } else { 1 };
            self.left = random.random_range(shortest..=longest);
        }
        self.left -= 1;
        self.works
    }
}

/// A bit pattern: 64 bits in each element, the lowest first.
pub type Bits = Vec<u64>;

/// `count` random values of `width` bits.
pub fn beats(width: u32, count: usize, seed: u64) -> Vec<Bits> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| bits(width, &mut random)).collect()
}

/// A random value of `width` bits.
pub fn bits(width: u32, random: &mut ChaCha8Rng) -> Bits {
    let mut bits: Bits = (0..width.div_ceil(64)).map(|_| random.random()).collect();
    if !width.is_multiple_of(64) {
        *bits.last_mut().expect("widths are not 0") &= (1 << (width % 64)) - 1;
    }
    bits
}

/// A beat that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The number of edges before the one that it moved at.
    pub cycle: u64,
    /// Its payload.
    pub data: Bits,
}

/// The payloads of `beats`.
pub fn data(beats: &[Beat]) -> Vec<Bits> {
    beats.iter().map(|beat| beat.data.clone()).collect()
}

/// A block with a stream `in` and a stream `out`, both with a payload `data`, and what is on the
/// other side of them. In every cycle it checks that what is offered stays until it is taken, and
/// does not depend on whether it is taken.
pub struct Bench {
    pub sim: Evaluator,
    in_valid: Port,
    in_ready: Port,
    in_data: Port,
    out_valid: Port,
    out_ready: Port,
    out_data: Port,
    random: ChaCha8Rng,
    /// What came out and was not taken.
    waiting: Option<Bits>,
    /// The beats that went in since the start or the last reset.
    pub accepted: Vec<Beat>,
    /// The beats that came out.
    pub emitted: Vec<Beat>,
}

impl Bench {
    /// A block that comes out of reset from a random state.
    pub fn new(module: &Arc<Module>, seed: u64) -> Bench {
        let sim = Evaluator::new(module).unwrap_or_else(|error| panic!("{error}"));
        let port = |name: &str| sim.port(name).unwrap_or_else(|error| panic!("{error}"));
        let mut bench = Bench {
            in_valid: port("in_valid_i"),
            in_ready: port("in_ready_o"),
            in_data: port("in_data_i"),
            out_valid: port("out_valid_o"),
            out_ready: port("out_ready_i"),
            out_data: port("out_data_o"),
            sim,
            random: ChaCha8Rng::seed_from_u64(seed),
            waiting: None,
            accepted: vec![],
            emitted: vec![],
        };
        let state = bench.random.random();
        bench.sim.randomize(state);
        bench.reset();
        bench
    }

    /// Resets the block and forgets all beats; nothing may be left inside.
    pub fn reset(&mut self) {
        self.sim.reset();
        (self.waiting, self.accepted, self.emitted) = (None, vec![], vec![]);
        self.sim.set(self.in_valid, false);
        assert_eq!(self.sim.get(self.out_valid), 0, "something is offered after a reset");
    }

    /// Sends `beats`, waits until `expected` beats came out, and then a while for more.
    /// `observe` looks at the block before each edge.
    pub fn run(
        &mut self,
        beats: &[Bits],
        expected: usize,
        stalls: (Stalls, Stalls),
        long: u32,
        mut observe: impl FnMut(&mut Bench),
    ) {
        let (mut source, mut sink) = (Pace::new(stalls.0, long), Pace::new(stalls.1, long));
        let mut offers = false;
        let per_beat = match stalls {
            (Stalls::Long, _) | (_, Stalls::Long) => 4 * u64::from(long) + 100,
            _ => 100,
        };
        let start = self.sim.cycle();
        let limit = start + (beats.len() + expected + 4) as u64 * per_beat;
        while self.accepted.len() < beats.len() || self.emitted.len() < expected {
            let at = self.sim.cycle();
            let (n, m) = (self.accepted.len(), self.emitted.len());
            assert!(
                at < limit,
                "stuck: {n} of {} accepted, {m} of {expected} emitted",
                beats.len()
            );
            let next = beats.get(self.accepted.len());
            offers = next.is_some() && (offers || source.works(&mut self.random));
            let takes = sink.works(&mut self.random);
            if self.cycle(next.filter(|_| offers), takes, &mut observe) {
                offers = false;
            }
        }
        for _ in 0..8 {
            self.cycle(None, true, &mut observe);
        }
        assert_eq!(self.sim.failures(), []);
    }

    /// One cycle in which `offer` is offered; whether it was accepted.
    pub fn cycle(
        &mut self,
        offer: Option<&Bits>,
        takes: bool,
        observe: &mut impl FnMut(&mut Bench),
    ) -> bool {
        let cycle = self.sim.cycle();
        self.sim.set(self.in_valid, offer.is_some());
        // What is not valid means nothing.
        let width = self.sim.ty(self.in_data).width;
        let noise = bits(width, &mut self.random);
        self.sim.set_limbs(self.in_data, offer.unwrap_or(&noise));

        self.sim.set(self.out_ready, !takes);
        let otherwise = self.offered();
        self.sim.set(self.out_ready, takes);
        let offered = self.offered();
        assert_eq!(offered, otherwise, "cycle {cycle}: the offer depends on ready");
        if self.waiting.is_some() {
            assert_eq!(offered, self.waiting, "cycle {cycle}: the offer was not held");
        }
        observe(self);
        let accepted = offer.filter(|_| self.sim.get(self.in_ready) == 1);
        self.accepted.extend(accepted.map(|data| Beat { cycle, data: data.clone() }));
        self.waiting = if takes {
            self.emitted.extend(offered.map(|data| Beat { cycle, data }));
            None
        } else {
            offered
        };
        self.sim.step();
        accepted.is_some()
    }

    fn offered(&mut self) -> Option<Bits> {
        let valid = self.sim.get(self.out_valid) == 1;
        valid.then(|| self.sim.get_limbs(self.out_data).to_vec())
    }

    /// Runs the block for `cycles` cycles with random stalls, resets it, and checks that what came
    /// out up to there was the start of what should have come.
    pub fn abandon(&mut self, beats: &[Bits], should: &[Bits], cycles: u64) {
        for _ in 0..cycles {
            let offers = self.waiting_offer() || self.random.random();
            let takes = self.random.random();
            let next = beats.get(self.accepted.len()).filter(|_| offers);
            self.cycle(next, takes, &mut |_| {});
        }
        let emitted = data(&self.emitted);
        assert_eq!(emitted, should[..emitted.len()]);
        self.reset();
    }

    /// Whether the source still offers what was not accepted in the cycle before.
    fn waiting_offer(&mut self) -> bool {
        let moved = self.accepted.last().is_some_and(|beat| beat.cycle + 1 == self.sim.cycle());
        self.sim.get(self.in_valid) == 1 && !moved
    }
}

/// Checks the declared timing against what is measured when nothing stalls: `parts.0` beats that go
/// in become `parts.1` that come out, one of the two being 1.
pub fn check_timing(module: &Arc<Module>, parts: (usize, usize), beats: &[Bits]) {
    let (into, out) = parts;
    let mut bench = Bench::new(module, 1);
    bench.run(beats, beats.len() / into * out, (Stalls::None, Stalls::None), 1, |_| {});
    // From the beat that completes a group to the first that comes of it.
    let last_in = bench.accepted.chunks_exact(into).map(|group| group[into - 1].cycle);
    let first_out = bench.emitted.chunks_exact(out).map(|group| group[0].cycle);
    let latencies: Vec<u64> = last_in.zip(first_out).map(|(from, to)| to - from).collect();
    let declared = u64::from(module.latency.expect("streams have a latency"));
    assert!(latencies.len() > 1);
    assert_eq!(latencies, vec![declared; latencies.len()], "latency");

    // In the long run, so without the beats that go into an empty block.
    let half = &bench.accepted[bench.accepted.len() / 2..];
    let cycles = half[half.len() - 1].cycle - half[0].cycle;
    let measured = cycles.div_ceil(half.len() as u64 - 1);
    let declared = module.initiation_interval.map(u64::from);
    assert_eq!(declared, Some(measured), "initiation interval");
}

/// The outputs that depend on an input without a register between: `(output, inputs)`.
pub fn paths(module: &Module) -> Vec<(&str, Vec<&str>)> {
    let name = |port: usize| module.port(port).name.as_str();
    let outputs = (0..module.ports.len())
        .filter(|&port| module.direction(module.ports[port]) == Direction::Output);
    outputs
        .map(|port| {
            (name(port), module.paths[port].iter().map(|&input| name(input as usize)).collect())
        })
        .filter(|(_, inputs): &(_, Vec<_>)| !inputs.is_empty())
        .collect()
}

/// The design of one block under a name of its own.
pub fn design<B: Block>(name: &str, parameters: &B::Parameters, tech: Tech) -> Design {
    let module = B::elaborate(name, parameters, &tech).unwrap_or_else(|errors| panic!("{errors}"));
    let design = Design::new(name, vec![module], tech, None);
    design.unwrap_or_else(|error| panic!("{error}"))
}

/// The design's Verilog, without the generator's version.
pub fn verilog(design: &Design) -> String {
    let texts: Vec<&str> = design.verilog.iter().map(|file| file.text.as_str()).collect();
    let generator = concat!("lacuna ", env!("CARGO_PKG_VERSION"));
    texts.join("\n").replace(generator, "lacuna VERSION")
}

/// Compares a block's Verilog and its netlist with the accepted ones, which lie in `snapshots`
/// beside the calling file.
macro_rules! snapshot {
    ($block:ty, $name:literal, $parameters:expr $(, $tech:expr)?) => {{
        let tech = None::<$crate::config::Tech>$(.or(Some($tech)))?.unwrap_or_default();
        let design = $crate::blocks::testing::design::<$block>($name, &$parameters, tech);
        let netlists = $crate::eda::netlists(&design.verilog);
        let netlists = netlists.unwrap_or_else(|error| panic!("{error}"));
        ::insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            ::insta::assert_snapshot!($name, $crate::blocks::testing::verilog(&design));
            ::insta::assert_snapshot!(concat!($name, ".netlist"), netlists.to_string());
        });
    }};
}
pub(crate) use snapshot;
