//! The golden model of the gating fabric and the small cores behind it.

use super::GatingParameters;
use crate::model::{Bits, PortModel};

/// When the clock of a core runs.
#[derive(Clone, Default)]
pub(in crate::blocks::fabric) struct Clock {
    /// How many cycles without work in a row there have been; none before there was any.
    idle_for: Option<u64>,
    /// Whether there was a reason to run in the cycle before.
    wanted: bool,
    /// How many cycles it has run in a row.
    ran: u64,
}

/// What a clock does in a cycle.
pub(in crate::blocks::fabric) struct Running {
    /// Whether there is a reason to run.
    wanted: bool,
    /// Whether it passes, but for scan.
    runs: bool,
    /// Whether the core may take a beat.
    pub awake: bool,
}

impl Clock {
    /// What it does in a cycle in which its core has work or not, or is kept awake.
    pub(in crate::blocks::fabric) fn now(
        &self,
        p: &GatingParameters,
        works: bool,
        keep: bool,
    ) -> Running {
        let lingers = self.idle_for.is_some_and(|cycles| cycles < u64::from(p.idle_cycles));
        let wanted = works || keep || lingers;
        let (runs, awake) = match (p.gate, p.wake_cycles) {
            (false, _) => (true, true),
            (true, 0) => (wanted, wanted),
            (true, wake) => (self.wanted, self.wanted && self.ran + 1 >= u64::from(wake)),
        };
        Running { wanted, runs, awake }
    }

    /// The end of a cycle in which it did that, for work or to keep the core awake if `needed`.
    pub(in crate::blocks::fabric) fn step(&mut self, needed: bool, now: &Running) {
        self.idle_for = if needed { Some(0) } else { self.idle_for.map(|cycles| cycles + 1) };
        self.ran = if now.runs && now.wanted { self.ran + 1 } else { 0 };
        self.wanted = now.wanted;
    }
}

/// What is known of a core.
#[derive(Clone, Default)]
struct Core {
    clock: Clock,
    active: u64,
    idle: u64,
    /// For how many cycles it works on, and what it has made so far.
    rest: u64,
    sum: u64,
}

/// Cores in clusters, and what is counted of them.
#[derive(Clone)]
pub(super) struct Bench {
    parameters: GatingParameters,
    cores: Vec<Core>,
    cycles: u64,
    /// The counts that were read last.
    reading: [u64; 3],
}

/// What goes in, in the order of the ports.
struct Inputs<'a> {
    offer: &'a Bits,
    data: u64,
    keep: bool,
    test: bool,
    clear: bool,
    read: bool,
    core: u64,
}

impl<'a> Inputs<'a> {
    fn of(inputs: &'a [Bits]) -> Inputs<'a> {
        let bit = |port: usize| inputs[port].bit(0);
        Inputs {
            offer: &inputs[0],
            data: inputs[1].unsigned(),
            keep: bit(2),
            test: bit(3),
            clear: bit(4),
            read: bit(5),
            core: inputs[6].unsigned(),
        }
    }
}

/// What a core does in a cycle.
struct Now {
    clock: Running,
    enable: bool,
    active: bool,
    taken: bool,
}

impl Bench {
    pub(super) fn new(p: &GatingParameters) -> Bench {
        let cores = vec![Core::default(); (p.clusters * p.cores) as usize];
        Bench { parameters: p.clone(), cores, cycles: 0, reading: [0; 3] }
    }

    /// Whether core `index` takes what is offered to it.
    pub(super) fn takes(&self, index: usize, inputs: &[Bits]) -> bool {
        self.now(index, &Inputs::of(inputs)).taken
    }

    fn now(&self, index: usize, inputs: &Inputs) -> Now {
        let (p, core) = (&self.parameters, &self.cores[index]);
        let offered = inputs.offer.bit(index as u32);
        let works = offered || core.rest > 0;
        let clock = core.clock.now(p, works, inputs.keep);
        Now {
            enable: clock.runs || inputs.test,
            active: clock.awake && works,
            taken: offered && clock.awake && core.rest == 0,
            clock,
        }
    }

    fn wrap(&self, count: u64) -> u64 {
        count & (u64::MAX >> (64 - self.parameters.counter_width))
    }
}

impl PortModel for Bench {
    fn outputs(&self, inputs: &[Bits]) -> Vec<Option<Bits>> {
        let inputs = Inputs::of(inputs);
        let now: Vec<Now> = (0..self.cores.len()).map(|index| self.now(index, &inputs)).collect();
        let bits = |of: &dyn Fn(&Now) -> bool| {
            Bits::concat(&now.iter().map(|now| Bits::new(1, of(now))).collect::<Vec<_>>())
        };
        let clusters = now.chunks(self.parameters.cores as usize);
        let clusters: Vec<Bits> =
            clusters.map(|cores| Bits::new(1, cores.iter().any(|now| now.enable))).collect();
        let sums: Vec<Bits> =
            self.cores.iter().map(|core| Bits::new(super::bench::SUM_WIDTH, core.sum)).collect();
        let count = |count| Bits::new(self.parameters.counter_width, count);
        let mut outputs = vec![bits(&|now| now.enable), bits(&|now| now.clock.awake)];
        outputs.push(Bits::concat(&clusters));
        outputs.extend(self.reading.map(count));
        outputs.extend([bits(&|now| now.taken), Bits::concat(&sums)]);
        outputs.into_iter().map(Some).collect()
    }

    fn step(&mut self, inputs: &[Bits]) {
        let inputs = Inputs::of(inputs);
        if inputs.read {
            let core = self.cores.get(inputs.core as usize);
            let (active, idle) = core.map_or((0, 0), |core| (core.active, core.idle));
            let gated = self.cycles.wrapping_sub(active).wrapping_sub(idle);
            self.reading = [active, idle, gated].map(|count| self.wrap(count));
        }
        self.cycles = if inputs.clear { 0 } else { self.cycles + 1 };
        for index in 0..self.cores.len() {
            let now = self.now(index, &inputs);
            let core = &mut self.cores[index];
            let works = inputs.offer.bit(index as u32) || core.rest > 0 || inputs.keep;
            core.clock.step(works, &now.clock);
            core.active += u64::from(now.active);
            core.idle += u64::from(now.enable && !now.active);
            if inputs.clear {
                (core.active, core.idle) = (0, 0);
            }
            if !now.enable {
                continue;
            }
            if core.rest > 0 {
                core.sum += core.rest;
                core.rest -= 1;
            } else if now.taken {
                core.sum += inputs.data * inputs.data;
                core.rest = inputs.data % (1 << super::bench::REST_WIDTH);
            }
        }
    }

    fn reset(&mut self) {
        *self = Bench::new(&self.parameters);
    }
}
