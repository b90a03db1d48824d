//! A running simulation.

use std::ffi::CString;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use num_bigint::{BigInt, Sign};

use super::coverage::Coverage;
use super::library::{Functions, Model, Pin, Wire};
use super::messages::{Kind, MAX_MESSAGES, Message};
use super::{Clocking, Options};
use crate::config::Reset;
use crate::eda::ToolError;
use crate::hdl::Type;
use crate::hdl::eval::EvalError;
use crate::hdl::ir::{Direction, Module, SignalId};

/// The state in which an instance begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Start {
    /// Every register and memory is 0.
    #[default]
    Zero,
    /// Registers and memories hold what follows from the seed: always the same of one module with
    /// one Verilator.
    Random(u64),
}

/// A handle to a port of the top module; see [`Instance::port`].
///
/// It means the same port in every instance of the same module, and something else or nothing in
/// those of other modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Port(u32);

/// What an instance has to know about its module.
pub(super) struct Design {
    module: String,
    ports: Vec<PortInfo>,
    has_reset: bool,
    reset: Reset,
    options: Options,
    clocking: Clocking,
}

struct PortInfo {
    name: String,
    ty: Type,
    wire: Wire,
}

impl Design {
    pub fn new(top: &Module, reset: Reset, options: Options, clocking: Clocking) -> Design {
        let feeds = |index| top.paths.iter().any(|inputs| inputs.contains(&index));
        let info = |(index, &port): (usize, &SignalId)| {
            let signal = &top.signals[port.index()];
            let is_input = top.direction(port) == Direction::Input;
            let through = if is_input { feeds(index as u32) } else { !top.paths[index].is_empty() };
            let wire = Wire { width: signal.ty.width, is_input, through };
            PortInfo { name: signal.name.clone(), ty: signal.ty, wire }
        };
        Design {
            module: top.name.clone(),
            ports: top.ports.iter().enumerate().map(info).collect(),
            has_reset: top.has_reset,
            reset,
            options,
            clocking,
        }
    }
}

/// A running simulation; see [the module](super) for what happens when.
pub struct Instance {
    model: Model,
    design: Arc<Design>,
    late_fall: bool,
    has_latch: bool,
    /// Whether the model was last evaluated in the clock's low phase.
    is_low: bool,
    /// Whether an input changed since the model was evaluated, and whether one did that an output
    /// follows at once.
    changed: bool,
    stale: bool,
    in_reset: bool,
    cycle: u64,
    /// Edges, those in resets included.
    edges: u64,
    messages: Vec<Message>,
    failure_count: u64,
    /// Where the widest port has room.
    limbs: Box<[u64]>,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let module = &self.design.module;
        f.debug_struct("Instance").field("module", module).field("cycle", &self.cycle).finish()
    }
}

impl Instance {
    pub(super) fn new(functions: &Arc<Functions>, design: &Arc<Design>, start: Start) -> Instance {
        let mut wires: Vec<Wire> = design.ports.iter().map(|port| port.wire).collect();
        let widest = wires.iter().map(|wire| wire.width).max().unwrap_or(0);
        // No input that a handle may drive: one of another module might have its place.
        let reset = Wire { width: 1, is_input: false, through: false };
        wires.extend(design.has_reset.then_some(reset));
        let model = Model::open(functions, &wires, seed(start));
        let mut instance = Instance {
            model: model.expect("a model that Verilator made can be constructed"),
            design: design.clone(),
            late_fall: design.clocking.late_fall,
            has_latch: design.clocking.has_latch,
            is_low: !design.clocking.late_fall,
            changed: false,
            stale: false,
            in_reset: false,
            cycle: 0,
            edges: 0,
            messages: vec![],
            failure_count: 0,
            limbs: vec![0; widest.div_ceil(64) as usize].into(),
        };
        instance.listen();
        instance
    }

    /// The port of the module that is called `name`.
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
        self.design.ports[port.0 as usize].ty
    }

    /// The number of rising edges so far, without those in resets.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    // Time.

    /// One rising edge.
    #[inline]
    pub fn step(&mut self) {
        self.arrive();
        let fall = self.late_fall || self.changed || !self.is_low;
        let spoke = self.model.step(fall);
        self.is_low = false;
        self.changed = false;
        self.stale = false;
        if spoke {
            self.listen();
        }
        self.edges += 1;
        self.cycle += u64::from(!self.in_reset);
    }

    /// As many edges.
    pub fn run(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.step();
        }
    }

    /// Makes the reset active or not, whatever its level is. An asynchronous one acts at once.
    /// Nothing happens if the module has no reset.
    pub fn set_reset(&mut self, active: bool) {
        if self.design.has_reset {
            // The clock falls first: a reset begins and ends between its edges.
            if !self.late_fall && !self.is_low {
                self.settle();
            }
            let level = active == (self.design.reset == Reset::SyncHigh);
            self.model.write(self.design.ports.len(), 0, u64::from(level));
            self.in_reset = active;
            self.settle();
        }
    }

    /// Resets the design: at once if its reset is asynchronous, else with one edge, which what has
    /// no reset takes as well.
    pub fn reset(&mut self) {
        self.set_reset(true);
        if self.design.has_reset && self.design.reset != Reset::AsyncLow {
            self.step();
        }
        self.set_reset(false);
    }

    /// Lets new inputs arrive while the clock is still high, where a latch might let them through.
    #[inline]
    fn arrive(&mut self) {
        if self.has_latch && self.changed && !self.is_low && self.model.eval(true) {
            self.listen();
        }
    }

    /// Lets outputs follow the inputs.
    fn settle(&mut self) {
        self.arrive();
        // The clock stays high where something takes values when it falls: an input may still
        // change, and only what holds just before the rising edge counts.
        let level = self.late_fall && !self.is_low;
        let spoke = self.model.eval(level);
        self.is_low = !level;
        self.changed = false;
        self.stale = false;
        if spoke {
            self.listen();
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
        if self.input(port).top == 0 {
            self.drive(port, 0, value as u64);
        } else {
            let sign = (value >> 127) as u64;
            self.drive_all(port, &[value as u64, (value >> 64) as u64], sign);
        }
    }

    /// Drives an input of any width with `value` modulo `2^width`.
    ///
    /// # Panics
    /// If the port is an output.
    pub fn set_value(&mut self, port: Port, value: &BigInt) {
        let pattern = crate::hdl::uint(self.ty(port).width).wrap(value);
        let limbs: Vec<u64> = pattern.iter_u64_digits().collect();
        self.set_limbs(port, &limbs);
    }

    /// Drives an input of any width with a bit pattern: 64 bits in each element, the lowest first.
    /// Missing elements count as 0; bits beyond the width are dropped.
    ///
    /// # Panics
    /// If the port is an output.
    #[inline]
    pub fn set_limbs(&mut self, port: Port, pattern: &[u64]) {
        match (self.input(port).top, pattern) {
            (0, [low, ..]) => self.drive(port, 0, *low),
            _ => self.drive_all(port, pattern, 0),
        }
    }

    /// What is known about an input.
    #[inline]
    fn input(&self, port: Port) -> &Pin {
        let pin = self.model.pin(port.0 as usize);
        if !pin.is_input {
            self.refuse(port);
        }
        pin
    }

    #[cold]
    fn refuse(&self, port: Port) -> ! {
        let name = &self.design.ports[port.0 as usize].name;
        panic!("`{name}` is an output, which the design drives")
    }

    /// All limbs of an input; those that `pattern` does not have are `rest`.
    fn drive_all(&mut self, port: Port, pattern: &[u64], rest: u64) {
        for limb in 0..=self.input(port).top {
            self.drive(port, limb, pattern.get(limb).copied().unwrap_or(rest));
        }
    }

    /// One limb of an input. Whether it changes is hard to foresee, so nothing branches on it.
    #[inline]
    fn drive(&mut self, port: Port, limb: usize, value: u64) {
        let through = self.model.pin(port.0 as usize).through;
        let changed = self.model.write(port.0 as usize, limb, value);
        self.changed |= changed;
        self.stale |= changed & through;
    }

    /// The low 64 bits of a port as a pattern: of a narrower port the bits above its width are 0,
    /// also if it is signed.
    #[inline]
    pub fn get(&mut self, port: Port) -> u64 {
        self.refresh(port);
        self.model.read(port.0 as usize)
    }

    /// The number that a port of up to 64 bits holds, or the low 64 bits of a wider one. Unsigned
    /// values from 2^63 come out negative.
    pub fn get_signed(&mut self, port: Port) -> i64 {
        let ty = self.ty(port);
        let unused = 64 - ty.width.min(64);
        let pattern = self.get(port) << unused;
        if ty.signed { pattern as i64 >> unused } else { (pattern >> unused) as i64 }
    }

    /// The number that a port of any width holds.
    pub fn get_value(&mut self, port: Port) -> BigInt {
        let ty = self.ty(port);
        let limbs = self.get_limbs(port).iter();
        let words = limbs.flat_map(|&limb| [limb as u32, (limb >> 32) as u32]).collect();
        ty.wrap(&BigInt::new(Sign::Plus, words))
    }

    /// A port of any width, 64 bits in each element, the lowest first. It is a pattern: bits above
    /// the width are 0, also if the port is signed.
    #[inline]
    pub fn get_limbs(&mut self, port: Port) -> &[u64] {
        self.refresh(port);
        let limbs = &mut self.limbs[..=self.model.pin(port.0 as usize).top];
        self.model.read_all(port.0 as usize, limbs);
        limbs
    }

    /// Sees to it that a port is up to date. What only registers feed is, ever since their edge.
    #[inline]
    fn refresh(&mut self, port: Port) {
        if self.stale && self.model.pin(port.0 as usize).through {
            self.settle();
        }
    }

    // Messages.

    /// The first [`MAX_MESSAGES`] messages, in order.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Those messages that tell of something wrong: properties that did not hold, `$stop`, and
    /// whatever ended the simulation. What a property says in a reset does not count.
    pub fn failures(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.kind.is_failure())
    }

    /// How many failures there were.
    pub fn failure_count(&self) -> u64 {
        self.failure_count
    }

    /// Takes what the model has to say.
    #[cold]
    fn listen(&mut self) {
        while let Some((kind, file, line, text)) = self.model.message() {
            let mut message = Message::new(kind, file, line, text);
            if self.in_reset && message.kind == Kind::Assertion {
                continue;
            }
            (message.cycle, message.time) = (self.cycle, 10 * self.edges);
            self.failure_count += u64::from(message.kind.is_failure());
            if self.messages.len() < MAX_MESSAGES {
                self.messages.push(message);
            }
        }
    }

    // Records.

    /// Writes a waveform (FST) from here on, until the instance is dropped. A cycle takes 10 ns;
    /// the clock rises in its middle.
    ///
    /// # Errors
    /// [`ToolError::Files`] if the library was built without [`Options::trace`], there already is
    /// a waveform, or the file cannot be written.
    pub fn trace(&mut self, path: &Path) -> Result<(), ToolError> {
        let what = || format!("cannot write a waveform to {}", path.display());
        let refuse = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why);
        let mut begin = || {
            if !self.design.options.trace {
                return Err(refuse("the simulation was built without waveforms"));
            }
            File::create(path)?;
            let begun = self.model.trace(&c_path(path)?);
            if begun { Ok(()) } else { Err(refuse("there already is one")) }
        };
        begin().map_err(|source| ToolError::Files { what: what(), source })
    }

    /// How often each point was hit so far.
    ///
    /// # Errors
    /// [`ToolError::Files`] if the library was built without [`Options::coverage`], or there is no
    /// room for a temporary file.
    pub fn coverage(&mut self) -> Result<Coverage, ToolError> {
        let failed =
            |source| ToolError::Files { what: "cannot write the coverage".to_string(), source };
        let file = tempfile::NamedTempFile::new().map_err(failed)?;
        let path = c_path(file.path()).map_err(failed)?;
        if !self.design.options.coverage || !self.model.coverage(&path) {
            let why = "the simulation was built without coverage";
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, why)));
        }
        Coverage::read(file.path())
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_encoded_bytes()).map_err(io::Error::from)
}

/// Verilator's seeds have 31 bits, and 0 would mean any.
fn seed(start: Start) -> Option<i32> {
    let Start::Random(seed) = start else { return None };
    // Neighbours among seeds shall not be neighbours among states.
    let mixed = (seed ^ (seed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    Some((mixed as i32).max(1))
}
