//! The evaluator: runs finished modules cycle by cycle.
//!
//! A design is compiled once: its hierarchy is flattened, its expressions are put into an order in
//! which each is computed once per cycle, and the result is a list of instructions on machine
//! words; values of more than 64 bits take the same path over several words. No C++ compiler is
//! needed, and a block is tested in milliseconds.
//!
//! ```
//! use lacuna::hdl::eval::Evaluator;
//! use lacuna::hdl::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let m = ModuleBuilder::new("counter");
//! let enable = m.input("enable_i", bit());
//! let count = m.register("count", uint(8)).reset(0);
//! m.when(enable, || count.set((count + 1).truncate(8)));
//! m.output("count_o", uint(8)).set(count);
//! let counter = m.finish()?;
//!
//! let mut sim = Evaluator::new(&counter)?;
//! let (enable, count) = (sim.port("enable_i")?, sim.port("count_o")?);
//! sim.reset();
//! sim.set(enable, 1);
//! sim.run(300);
//! assert_eq!(sim.get(count), 300 % 256);
//! assert_eq!(sim.cycle(), 300);
//! # Ok(())
//! # }
//! ```
//!
//! # What happens when
//!
//! [`Evaluator::step`] is one rising edge of the root clock. Every register, read port and write
//! port takes what its operands were just before the edge, so the order of the description does
//! not matter. A gated clock passes the edge if its enable was 1 just before it and the clock that
//! it gates passed it too. A memory's read ports see its content before the edge. Outputs follow
//! inputs at once: they are computed when someone looks.
//!
//! [`Evaluator::reset`] is an asynchronous reset that takes no time; [`Evaluator::step_in_reset`] is
//! an edge at which a synchronous one is active. State begins as 0;
//! [`Evaluator::randomize`] makes it anything else, which shows what depends on it.

mod design;
mod emit;
mod flat;
mod limbs;
mod order;
mod plan;
mod program;
#[cfg(test)]
mod tests;
mod wide;

use std::fmt;
use std::sync::Arc;

use num_bigint::BigInt;

use self::design::{Design, Memory};
use self::wide::Place;
use super::ir::{Direction, Module, PropertyKind};
use super::ty::Type;

/// How many failures are kept; all are counted.
pub const MAX_FAILURES: usize = 1000;

/// Why a module cannot be evaluated, or a name be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The Verilog of a black box cannot be evaluated, and nothing stands in for it.
    #[error("black box `{module}`{} has no behaviour to evaluate", at(.path))]
    BlackBox {
        /// The name of the module.
        module: String,
        /// The instance; empty for the top.
        path: String,
    },
    /// A value depends on itself without a register between.
    #[error("combinational loop: {}", .0.join(" -> "))]
    Loop(
        /// The signals, by path, in the order in which values flow; the first comes again last.
        Vec<String>,
    ),
    /// The module has no such port.
    #[error("there is no port `{name}`; there are {}", .known.join(", "))]
    UnknownPort {
        /// What was asked for.
        name: String,
        /// The ports there are.
        known: Vec<String>,
    },
    /// The design has no such signal.
    #[error("there is no signal `{path}`; there are {}", .known.join(", "))]
    UnknownPath {
        /// What was asked for.
        path: String,
        /// The signals of the instance, or, if it is the instance that is unknown, the instances.
        known: Vec<String>,
    },
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at `{path}`") }
}

/// A handle to a port of the top module; see [`Evaluator::port`].
///
/// It means the same port in every evaluator of the same module, and something else or nothing in
/// those of other modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Port(u32);

/// An assertion or an assumption that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The instance, such as `u_array.pe[1][2]`; empty for the top.
    pub path: String,
    /// The name of the property.
    pub property: String,
    /// Whether it was asserted or assumed.
    pub kind: PropertyKind,
    /// The number of edges before the one that it failed at.
    pub cycle: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PropertyKind::Assume => "assumption",
            _ => "assertion",
        };
        let name = flat::join(&self.path, &self.property);
        write!(f, "{kind} `{name}` failed in cycle {}", self.cycle)
    }
}

/// A running design: a compiled module and its state.
///
/// A clone shares the compiled part and goes its own way from here.
#[derive(Clone)]
pub struct Evaluator {
    design: Arc<Design>,
    /// Every value, by slot.
    slab: Vec<u64>,
    /// For each domain, whether the current edge passes.
    passes: Vec<bool>,
    /// How much of the slab follows from inputs and state as they are now.
    settled: Settled,
    cycle: u64,
    failures: Vec<Failure>,
    failure_count: u64,
    /// For each property that covers something, how often it came true.
    hits: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Settled {
    Nothing,
    /// What the edge, the outputs and the properties need.
    Needed,
    /// All signals.
    Everything,
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.slab.len();
        f.debug_struct("Evaluator").field("cycle", &self.cycle).field("words", &words).finish()
    }
}

impl Evaluator {
    /// Compiles a module and everything inside. Registers, memories and inputs are 0.
    ///
    /// # Errors
    /// [`EvalError::BlackBox`] if there is a black box without behaviour inside, and
    /// [`EvalError::Loop`] if a value depends on itself without a register between.
    pub fn new(module: &Arc<Module>) -> Result<Evaluator, EvalError> {
        let design = Design::of(module)?;
        Ok(Evaluator {
            slab: design.slab.clone(),
            passes: vec![true; design.domains.len()],
            settled: Settled::Nothing,
            cycle: 0,
            failures: vec![],
            failure_count: 0,
            hits: vec![0; design.properties.len()],
            design: Arc::new(design),
        })
    }

    /// The port of the top module that is called `name`.
    ///
    /// # Errors
    /// [`EvalError::UnknownPort`] if there is none; it lists those there are.
    pub fn port(&self, name: &str) -> Result<Port, EvalError> {
        let found = self.design.ports.iter().position(|port| port.name == name);
        found.map(|index| Port(index as u32)).ok_or_else(|| EvalError::UnknownPort {
            name: name.to_string(),
            known: self.design.ports.iter().map(|port| port.name.clone()).collect(),
        })
    }

    /// The type of a port.
    pub fn ty(&self, port: Port) -> Type {
        self.design.ports[port.0 as usize].place.ty
    }

    /// The number of edges so far.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    // Time.

    /// Gives every register that has a reset value that value, at once and on every clock, gated
    /// or not. Other registers, read data and memories stay as they are.
    pub fn reset(&mut self) {
        for (slot, limbs) in &self.design.resets {
            self.slab[*slot..slot + limbs.len()].copy_from_slice(limbs);
        }
        self.settled = Settled::Nothing;
    }

    /// Fills every register (those of arrays included), read data and memory with values that
    /// follow from `seed`; inputs stay as they are. Call [`Evaluator::reset`] afterwards to see the
    /// design as it comes out of reset.
    pub fn randomize(&mut self, seed: u64) {
        let mut random = SplitMix(seed);
        for &state in &self.design.states {
            random.fill(state.slice_mut(&mut self.slab), state.ty);
        }
        for memory in &self.design.memories {
            for element in self.slab[memory.elements()].chunks_exact_mut(memory.stride()) {
                random.fill(element, memory.element.ty);
            }
        }
        self.settled = Settled::Nothing;
    }

    /// One rising edge of the root clock, after a look at the properties.
    pub fn step(&mut self) {
        self.settle();
        self.check_properties();
        self.edge(false);
        self.cycle += 1;
        self.settled = Settled::Nothing;
    }

    /// One rising edge of the root clock during a synchronous reset. It reaches what runs behind
    /// the gates of modules with a reset, for these are open. Registers that have a reset value
    /// take it, whatever else has an edge takes what its operands were before.
    pub fn step_in_reset(&mut self) {
        self.settle();
        self.edge(true);
        self.cycle += 1;
        self.reset();
    }

    /// As many edges.
    pub fn run(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.step();
        }
    }

    fn settle(&mut self) {
        if self.settled < Settled::Needed {
            self.design.program.run(&mut self.slab);
            self.settled = Settled::Needed;
        }
    }

    fn edge(&mut self, is_reset: bool) {
        let design = &*self.design;
        for (index, domain) in design.domains.iter().enumerate() {
            let passes = |(parent, enable): (usize, usize)| {
                self.passes[parent] && (self.slab[enable] != 0 || is_reset && domain.opens)
            };
            self.passes[index] = domain.gate.is_none_or(passes);
        }
        // Nothing that an operand may stand in changes before the very end.
        for memory in design.memories.iter().filter(|memory| self.passes[memory.domain]) {
            memory.read(&mut self.slab);
            memory.write(&mut self.slab);
        }
        for (domain, _) in design.domains.iter().zip(&self.passes).filter(|(_, passes)| **passes) {
            let next = domain.next..domain.next + domain.state.len();
            self.slab.copy_within(next, domain.state.start);
        }
    }

    // Values.

    /// Drives an input with `value` modulo `2^width`, read by the port's type: -1 sets every bit.
    /// The value is any Rust integer of up to 64 bits, an `i128` or a `bool`.
    ///
    /// # Panics
    /// If the port is an output.
    #[inline]
    pub fn set(&mut self, port: Port, value: impl Into<i128>) {
        let value: i128 = value.into();
        let sign = (value >> 127) as u64;
        let low = [value as u64, (value >> 64) as u64];
        self.drive(port, |index| low.get(index).copied().unwrap_or(sign));
    }

    /// Drives an input of any width with `value` modulo `2^width`.
    ///
    /// # Panics
    /// If the port is an output.
    pub fn set_value(&mut self, port: Port, value: &BigInt) {
        let limbs = limbs::from_integer(value, self.ty(port));
        self.drive(port, |index| limbs[index]);
    }

    /// Drives an input of any width with a bit pattern: 64 bits in each element, the lowest first.
    /// Missing elements count as 0; bits beyond the width are dropped.
    ///
    /// # Panics
    /// If the port is an output.
    pub fn set_limbs(&mut self, port: Port, pattern: &[u64]) {
        self.drive(port, |index| pattern.get(index).copied().unwrap_or(0));
    }

    #[inline]
    fn drive(&mut self, port: Port, limb: impl Fn(usize) -> u64) {
        let port = &self.design.ports[port.0 as usize];
        let is_input = port.direction == Direction::Input;
        assert!(is_input, "`{}` is an output, which the design drives", port.name);
        let limbs = port.place.slice_mut(&mut self.slab);
        let used = (port.place.ty.width - 1) % limbs::BITS + 1;
        let last = limbs.len() - 1;
        for (index, old) in limbs.iter_mut().enumerate() {
            let mut new = limb(index);
            if index == last {
                new = limbs::extend(new, used, port.place.ty.signed);
            }
            if *old != new {
                *old = new;
                self.settled = Settled::Nothing;
            }
        }
    }

    /// The low 64 bits of a port as a pattern: of a narrower port the bits above its width are 0,
    /// also if it is signed.
    pub fn get(&mut self, port: Port) -> u64 {
        let ty = self.ty(port);
        limbs::extend(self.get_limbs(port)[0], ty.width.min(limbs::BITS), false)
    }

    /// The number that a port of up to 64 bits holds, or the low 64 bits of a wider one. Unsigned
    /// values from 2^63 come out negative.
    pub fn get_signed(&mut self, port: Port) -> i64 {
        self.get_limbs(port)[0] as i64
    }

    /// The number that a port of any width holds.
    pub fn get_value(&mut self, port: Port) -> BigInt {
        let ty = self.ty(port);
        limbs::to_integer(self.get_limbs(port), ty)
    }

    /// A port of any width, 64 bits in each element, the lowest first; the top element is extended
    /// to 64 bits by the port's signedness.
    pub fn get_limbs(&mut self, port: Port) -> &[u64] {
        self.settle();
        self.design.ports[port.0 as usize].place.slice(&self.slab)
    }

    /// The number that any signal of the design holds, for a look inside. It is found by the names
    /// on the way to it, such as `u_core.pe[1][2].sum`: instances are called `u_NAME`, the elements
    /// of arrays by the array's name and their indices, and signals as they were declared.
    ///
    /// # Errors
    /// [`EvalError::UnknownPath`] if there is no such signal.
    pub fn peek(&mut self, path: &str) -> Result<BigInt, EvalError> {
        let place = self.find(path)?;
        if self.settled < Settled::Everything {
            self.settle();
            self.design.onlooker.run(&mut self.slab);
            self.settled = Settled::Everything;
        }
        Ok(limbs::to_integer(place.slice(&self.slab), place.ty))
    }

    fn find(&self, path: &str) -> Result<Place, EvalError> {
        let unknown = |known: Vec<String>| EvalError::UnknownPath { path: path.to_string(), known };
        let (instance, signal) = path.rsplit_once('.').unwrap_or(("", path));
        let Some(&scope) = self.design.paths.get(instance) else {
            let paths = self.design.scopes.iter().map(|scope| scope.path.clone());
            return Err(unknown(paths.filter(|path| !path.is_empty()).collect()));
        };
        let scope = &self.design.scopes[scope];
        match scope.names.get(signal) {
            Some(&position) => Ok(scope.places[position]),
            None => {
                let mut names: Vec<String> = scope.names.keys().cloned().collect();
                names.sort();
                Err(unknown(names))
            }
        }
    }

    // Properties.

    /// The first [`MAX_FAILURES`] assertions and assumptions that did not hold, in order. They are
    /// looked at before each edge.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// How many times an assertion or an assumption did not hold.
    pub fn failure_count(&self) -> u64 {
        self.failure_count
    }

    /// For each `cover` property of each instance its path and the number of cycles in which it was
    /// true.
    pub fn covers(&self) -> Vec<(String, u64)> {
        let covers = self.design.properties.iter().zip(&self.hits);
        covers
            .filter(|(property, _)| property.kind == PropertyKind::Cover)
            .map(|(property, &hits)| {
                let path = &self.design.scopes[property.scope].path;
                (flat::join(path, &property.name), hits)
            })
            .collect()
    }

    fn check_properties(&mut self) {
        for (property, hits) in self.design.properties.iter().zip(&mut self.hits) {
            let holds = self.slab[property.slot] != 0;
            match property.kind {
                PropertyKind::Cover => *hits += u64::from(holds),
                _ if holds => {}
                kind => {
                    self.failure_count += 1;
                    if self.failures.len() < MAX_FAILURES {
                        self.failures.push(Failure {
                            path: self.design.scopes[property.scope].path.clone(),
                            property: property.name.clone(),
                            kind,
                            cycle: self.cycle,
                        });
                    }
                }
            }
        }
    }
}

impl Memory {
    /// What the read ports take at an edge, from the content before it.
    fn read(&self, slab: &mut [u64]) {
        let stride = self.stride();
        for port in &self.reads {
            if slab[port.enable] == 0 {
                slab.copy_within(port.data..port.data + stride, port.next);
            } else if let Some(at) = self.element(slab[port.address]) {
                slab.copy_within(at..at + stride, port.next);
            } else {
                slab[port.next..port.next + stride].fill(0);
            }
        }
    }

    /// What the write ports do at an edge; the last one wins.
    fn write(&self, slab: &mut [u64]) {
        for port in &self.writes {
            if slab[port.enable] != 0
                && let Some(at) = self.element(slab[port.address])
            {
                slab.copy_within(port.data..port.data + self.stride(), at);
            }
        }
    }

    /// Where an element starts; none beyond the depth.
    fn element(&self, address: u64) -> Option<usize> {
        (address < self.depth as u64).then(|| self.content + address as usize * self.stride())
    }
}

/// A small generator of well-mixed numbers: Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fill(&mut self, limbs: &mut [u64], ty: Type) {
        limbs.fill_with(|| self.next());
        limbs::canonicalize(limbs, ty);
    }
}
