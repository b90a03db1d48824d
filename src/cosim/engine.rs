//! The simulators behind one interface.

use std::sync::Arc;

use super::verilator::{Coverage, Instance, Kind, Start};
use crate::config::Reset;
use crate::hdl::Module;
use crate::hdl::eval::{EvalError, Evaluator, Port};
use crate::model::Bits;

/// How long a reset lasts.
pub(crate) const RESET_CYCLES: u32 = 2;

/// A module in a simulator. Ports are known by their position in [`Module::ports`].
pub(super) trait Engine {
    /// Drives an input.
    fn set(&mut self, port: usize, value: &Bits);

    /// A port's value, after the inputs have had their effect.
    fn get(&mut self, port: usize) -> Bits;

    /// One rising edge.
    fn step(&mut self);

    /// Some cycles of reset, with inputs as they are.
    fn reset(&mut self);

    /// What went wrong inside since the last reset, if anything did: first of all, a property that
    /// did not hold.
    fn failure(&self) -> Option<String>;

    /// How often each point of the text was hit, if that is measured.
    fn coverage(&mut self) -> Option<Coverage> {
        None
    }
}

/// The evaluator as an engine.
#[derive(Clone)]
pub(super) struct Evaluated {
    sim: Evaluator,
    ports: Vec<Port>,
    widths: Vec<u32>,
    reset: Reset,
    /// Failures before the last reset ended.
    past: usize,
}

impl Evaluated {
    pub(super) fn new(module: &Arc<Module>, reset: Reset) -> Result<Evaluated, EvalError> {
        let sim = Evaluator::new(module)?;
        let signals = module.ports.iter().map(|&port| module.signal(port));
        let ports = signals.clone().map(|signal| sim.port(&signal.name));
        Ok(Evaluated {
            ports: ports.collect::<Result<_, _>>()?,
            widths: signals.map(|signal| signal.ty.width).collect(),
            sim,
            reset,
            past: 0,
        })
    }

    /// A copy that is about to start.
    pub(super) fn start(&self, start: Start) -> Evaluated {
        let mut engine = self.clone();
        if let Start::Random(seed) = start {
            engine.sim.randomize(seed);
        }
        engine
    }
}

impl Engine for Evaluated {
    fn set(&mut self, port: usize, value: &Bits) {
        self.sim.set_limbs(self.ports[port], value.limbs());
    }

    fn get(&mut self, port: usize) -> Bits {
        Bits::from_limbs(self.widths[port], self.sim.get_limbs(self.ports[port]))
    }

    fn step(&mut self) {
        self.sim.step();
    }

    /// What the cycles of a reset do to registers that have none depends on its kind.
    fn reset(&mut self) {
        for _ in 0..RESET_CYCLES {
            if self.reset == Reset::AsyncLow {
                self.sim.reset();
                self.sim.step();
                self.sim.reset();
            } else {
                self.sim.step_in_reset();
            }
        }
        self.past = self.sim.failures().len();
    }

    fn failure(&self) -> Option<String> {
        let failure = self.sim.failures().get(self.past)?;
        let separator = if failure.path.is_empty() { "" } else { "." };
        Some(format!(
            "the property `{}{separator}{}` does not hold",
            failure.path, failure.property
        ))
    }
}

/// An instance in Verilator as an engine.
pub(super) struct Verilated {
    sim: Instance,
    ports: Vec<super::verilator::Port>,
    widths: Vec<u32>,
    /// What the paths in the module begin with.
    top: String,
    /// Failures before the last reset ended.
    past: usize,
}

impl Verilated {
    /// An instance with the module's ports, and with further inputs at the values they are tied to.
    pub(super) fn new(module: &Module, mut sim: Instance, tied: &[(String, Bits)]) -> Verilated {
        for (input, value) in tied {
            let port = sim.port(input).expect("what is tied is an input of the library");
            sim.set_limbs(port, value.limbs());
        }
        let signals = module.ports.iter().map(|&port| module.signal(port));
        let port = |name: &str| sim.port(name).expect("the library is the module's");
        Verilated {
            ports: signals.clone().map(|signal| port(&signal.name)).collect(),
            widths: signals.map(|signal| signal.ty.width).collect(),
            sim,
            top: format!("{}.", module.name),
            past: 0,
        }
    }
}

impl Engine for Verilated {
    fn set(&mut self, port: usize, value: &Bits) {
        self.sim.set_limbs(self.ports[port], value.limbs());
    }

    fn get(&mut self, port: usize) -> Bits {
        Bits::from_limbs(self.widths[port], self.sim.get_limbs(self.ports[port]))
    }

    fn step(&mut self) {
        self.sim.step();
    }

    fn reset(&mut self) {
        self.sim.set_reset(true);
        self.sim.run(RESET_CYCLES.into());
        self.sim.set_reset(false);
        self.past = self.sim.failures().count();
    }

    fn failure(&self) -> Option<String> {
        let failure = self.sim.failures().nth(self.past)?;
        if failure.kind != Kind::Assertion {
            return Some(failure.to_string());
        }
        let path = failure.text.strip_prefix(&self.top).unwrap_or(&failure.text);
        let (file, line) = (&failure.file, failure.line);
        Some(format!("the property `{path}` does not hold ({file}:{line})"))
    }

    fn coverage(&mut self) -> Option<Coverage> {
        self.sim.coverage().ok()
    }
}
