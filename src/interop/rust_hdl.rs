//! Modules as blocks of [`rust-hdl`](https://rust-hdl.org) 0.46 (feature `rust-hdl`).
//!
//! [`Wrapped`] makes any finished module a rust-hdl block: it simulates in a rust-hdl
//! `Simulation`, where a [`Model`] answers for it (by default the evaluator), and
//! `generate_verilog` prints it as an instance of the emitted module, whose text follows. All
//! widths are those of the module, known at run time.
//!
//! ```
//! use lacuna::hdl::{Errors, Module, ModuleBuilder, bit, uint};
//! use lacuna::interop::rust_hdl::rust_hdl_core;
//! use lacuna::interop::rust_hdl::{BlockError, Wrapped};
//! use lacuna::verilog::Style;
//! use rust_hdl_core::prelude::*;
//!
//! fn counter(width: u32) -> Result<std::sync::Arc<Module>, Errors> {
//!     let m = ModuleBuilder::new("counter");
//!     let enable = m.input("enable_i", bit());
//!     let count = m.register("count", uint(width)).reset(0);
//!     m.when(enable, || count.set((count + 1).truncate(width)));
//!     m.output("count_o", uint(width)).set(count);
//!     m.finish()
//! }
//!
//! lacuna::rust_hdl_ports! {
//!     /// The ports of the counter.
//!     struct CounterPorts { enable_i, count_o }
//! }
//!
//! // A block of the user's own, with the counter inside.
//! #[derive(LogicBlock)]
//! struct Blinker {
//!     clock: Signal<In, Clock>,
//!     reset: Signal<In, Bit>,
//!     led: Signal<Out, Bits<4>>,
//!     counter: Wrapped<CounterPorts>,
//! }
//!
//! impl Logic for Blinker {
//!     #[hdl_gen]
//!     fn update(&mut self) {
//!         clock!(self, clock, counter);
//!         self.counter.reset.next = self.reset.val();
//!         self.counter.enable_i.next = true.into();
//!         self.led.next = self.counter.count_o.val().into();
//!     }
//! }
//!
//! impl Blinker {
//!     fn new() -> Result<Blinker, BlockError> {
//!         let counter = counter(4).expect("the description is right");
//!         Ok(Blinker {
//!             clock: Signal::default(),
//!             reset: Signal::default(),
//!             led: Signal::default(),
//!             counter: Wrapped::new(&counter, &Style::default())?,
//!         })
//!     }
//! }
//!
//! let mut sim = Simulation::new();
//! sim.add_clock(5, |x: &mut Box<Blinker>| x.clock.next = !x.clock.val());
//! sim.add_testbench(|mut sim: Sim<Blinker>| {
//!     let mut x = sim.init()?;
//!     x.reset.next = true; // `rst_ni` is active low
//!     for _ in 0..20 {
//!         wait_clock_cycle!(sim, clock, x);
//!     }
//!     sim_assert_eq!(sim, x.led.val(), bits::<4>(20 % 16), x);
//!     sim.done(x)
//! });
//! sim.run(Box::new(Blinker::new()?), 10_000).unwrap();
//!
//! let mut top = Blinker::new()?;
//! top.connect_all();
//! let verilog = generate_verilog(&top);
//! assert!(verilog.contains("module counter (") && verilog.contains("counter u_counter ("));
//! # Ok::<(), BlockError>(())
//! ```
//!
//! Without a struct of ports, `Wrapped::<AllPorts>::new(…)` gives a block whose ports are found by
//! name, `block["enable_i"].set(1)`: enough to simulate it and to print it, but `#[hdl_gen]` can
//! name fields only.
//!
//! # What is what
//!
//! - The clock is the field [`clock`](Wrapped::clock), as rust-hdl's `clock!` macro expects it; the
//!   reset is [`reset`](Wrapped::reset), active as the [`Style`] says. A module without a clock or
//!   a reset has no such port in the Verilog, and the field does nothing.
//! - rust-hdl sees every port as unsigned, as wide as it is. [`Port::get`] and [`Port::set`] read
//!   and write numbers by the module's own type; `Signed<N>` converts to and from the bits. The
//!   emitted module keeps its signed ports.
//! - Widths are checked when values move in a simulation, since rustc cannot.
//! - An input that changes together with the clock's edge counts as changed before it, as for
//!   rust-hdl's own flip-flops. State begins as 0, where Verilog's begins as unknown, until reset.
//! - The text of a module that several blocks wrap, or instance, stands in the Verilog once for
//!   each, inside of an `` `ifndef `` of its name and digest, so that tools read it once.
//!
//! # Messages of linters
//!
//! The result is clean under `verilator --lint-only -Wall -Wno-DECLFILENAME`: rust-hdl puts all
//! modules into one text, and that one message asks for a file each. Nothing else needs a flag;
//! what a block of your own adds is rust-hdl's to print.

mod model;
mod port;
mod value;

use std::fmt::Write;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use rust_hdl_core::ast::{Verilog, Wrapper};
use rust_hdl_core::bits::Bit;
use rust_hdl_core::block::Block;
use rust_hdl_core::clock::Clock;
use rust_hdl_core::direction::In;
use rust_hdl_core::logic::Logic;
use rust_hdl_core::probe::Probe;
use rust_hdl_core::signal::Signal;
use sha2::{Digest, Sha256};

pub use model::{Golden, Model};
pub use port::{AllPorts, Port, Ports, Unbound};
pub use rust_hdl_core;
pub use value::Value;

use crate::config::Reset;
use crate::hdl::Module;
use crate::hdl::eval::EvalError;
use crate::hdl::ir::Direction;
use crate::verilog::{self, File, Style, VerilogError};

/// Why a module cannot become a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It cannot be printed.
    #[error(transparent)]
    Verilog(#[from] VerilogError),
    /// It cannot be evaluated; [`Wrapped::with_model`] takes another model.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The struct of ports names others than the module has.
    #[error(
        "the struct of ports does not fit module `{module}`: \
         the module has no {unknown:?}, and the struct no {missing:?}"
    )]
    Ports {
        /// The module.
        module: String,
        /// Fields that are not ports.
        unknown: Vec<String>,
        /// Ports that have no field.
        missing: Vec<String>,
    },
    /// rust-hdl gives a meaning of its own to a port's name.
    #[error("port `{port}` of module `{module}` has a name that the block itself uses")]
    PortName {
        /// The module.
        module: String,
        /// The port.
        port: String,
    },
    /// rust-hdl calls the outermost module `top`, so no other can be called so.
    #[error("rust-hdl's own module `top` leaves the name to no other")]
    ModuleName,
}

/// A module as a rust-hdl block.
///
/// It dereferences to its ports: with a struct of ports `P` they are fields, and with [`AllPorts`]
/// they are found by name.
pub struct Wrapped<P = AllPorts, M = Golden> {
    /// The clock, `clk_i` of the module.
    pub clock: Signal<In, Clock>,
    /// The reset, `rst_ni` or `rst_i` of the module.
    pub reset: Signal<In, Bit>,
    ports: P,
    model: M,
    module: Arc<Module>,
    style: Reset,
    verilog: Wrapper,
    /// Whether the outputs have never been computed.
    fresh: bool,
    /// Whether the reset was active at the last update.
    in_reset: bool,
}

impl<P: Ports> Wrapped<P> {
    /// Wraps a module; the evaluator answers for it in simulations.
    ///
    /// # Errors
    /// [`BlockError`], if the module cannot be printed or evaluated, or a name is in the way.
    pub fn new(module: &Arc<Module>, style: &Style) -> Result<Self, BlockError> {
        Wrapped::with_model(module, style, Golden::new(module)?)
    }
}

impl<P: Ports, M: Model> Wrapped<P, M> {
    /// Wraps a module that `model` answers for.
    ///
    /// # Errors
    /// [`BlockError`], if the module cannot be printed or a name is in the way.
    pub fn with_model(module: &Arc<Module>, style: &Style, model: M) -> Result<Self, BlockError> {
        let mut unbound = Unbound::new(module);
        let ports = P::bind(&mut unbound);
        let unknown = std::mem::take(&mut unbound.unknown);
        let missing: Vec<String> =
            unbound.take_all().iter().map(|port| port.name().to_string()).collect();
        if !unknown.is_empty() || !missing.is_empty() {
            return Err(BlockError::Ports { module: module.name.clone(), unknown, missing });
        }
        Ok(Wrapped {
            clock: Signal::default(),
            reset: Signal::default(),
            ports,
            model,
            module: module.clone(),
            style: style.reset,
            verilog: wrapper(module, style)?,
            fresh: true,
            in_reset: false,
        })
    }
}

impl<P, M> Wrapped<P, M> {
    /// The module.
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// What answers for the module.
    pub fn model(&mut self) -> &mut M {
        &mut self.model
    }

    fn reset_is_active(&self) -> bool {
        let level = self.style == Reset::SyncHigh;
        self.module.has_reset && self.reset.val() == level
    }
}

impl<P, M> Deref for Wrapped<P, M> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.ports
    }
}

impl<P, M> DerefMut for Wrapped<P, M> {
    fn deref_mut(&mut self) -> &mut P {
        &mut self.ports
    }
}

impl<P: Ports, M: Model> Logic for Wrapped<P, M> {
    fn update(&mut self) {
        let edge = self.module.has_clock && self.clock.pos_edge();
        let in_reset = self.reset_is_active();
        let enters = in_reset && (self.fresh || !self.in_reset);
        let mut stale = self.fresh;
        let model = &mut self.model;
        self.ports.visit(&mut |port| {
            if port.input_changed() {
                model.set(port.index(), &port.get());
                stale = true;
            }
        });
        // Registers without a reset value take the edge in reset, too.
        if edge {
            model.step();
            stale = true;
        }
        if in_reset && (edge || enters && self.style == Reset::AsyncLow) {
            model.reset();
            stale = true;
        }
        self.in_reset = in_reset;
        self.fresh = false;
        if stale {
            self.ports.visit_mut(&mut |port| {
                if port.direction() == Direction::Output {
                    port.set(model.get(port.index()));
                }
            });
        }
    }

    fn connect(&mut self) {
        self.ports.visit_mut(&mut Port::drive_from_inside);
    }

    fn hdl(&self) -> Verilog {
        Verilog::Wrapper(self.verilog.clone())
    }
}

impl<P: Ports, M: Model> Block for Wrapped<P, M> {
    fn connect_all(&mut self) {
        self.connect();
    }

    fn update_all(&mut self) {
        self.update();
        self.clock.update_all();
        self.reset.update_all();
        self.ports.visit_mut(&mut |port| port.update_all());
    }

    fn has_changed(&self) -> bool {
        let mut changed = self.clock.has_changed() || self.reset.has_changed();
        self.ports.visit(&mut |port| changed |= port.has_changed());
        changed
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(name, self);
        if self.module.has_clock {
            self.clock.accept("clock", probe);
        }
        if self.module.has_reset {
            self.reset.accept("reset", probe);
        }
        self.ports.visit(&mut |port| port.accept(port.name(), probe));
        probe.visit_end_scope(name, self);
    }
}

/// The instance of `module`, and the text of all it consists of.
///
/// A `BlackBox` would do without the module around the instance, but rust-hdl does not print one
/// that is outermost, and it fixes the names of the clock and the reset.
fn wrapper(module: &Arc<Module>, style: &Style) -> Result<Wrapper, BlockError> {
    let files = verilog::emit(module, style)?;
    if module.hierarchy().iter().any(|m| m.name == "top") {
        return Err(BlockError::ModuleName);
    }
    let ports: Vec<&str> = module.ports.iter().map(|&id| module.signal(id).name.as_str()).collect();
    // `next` is taken for the field of that name and dropped.
    let own = [(module.has_clock, "clock"), (module.has_reset, "reset"), (true, "next")];
    if let Some((_, port)) = own.iter().find(|(used, name)| *used && ports.contains(name)) {
        return Err(BlockError::PortName { module: module.name.clone(), port: port.to_string() });
    }
    let mut pins: Vec<(&str, &str)> = Vec::new();
    if module.has_clock {
        pins.push(("clk_i", "clock"));
    }
    if module.has_reset {
        pins.push((style.reset.port(), "reset"));
    }
    pins.extend(ports.iter().map(|&port| (port, port)));
    let mut instance = format!("u_{}", module.name);
    while ports.contains(&instance.as_str()) {
        instance.push('_');
    }
    let pins: Vec<String> =
        pins.iter().map(|(inner, outer)| format!("    .{inner}({outer})")).collect();
    let code = format!("{} {instance} (\n{}\n);\n", module.name, pins.join(",\n"));
    Ok(Wrapper { code, cores: files.iter().map(guarded).collect() })
}

/// The text of a module, for tools to read once however often it stands there. Modules that share
/// no more than the name do not hide each other.
fn guarded(file: &File) -> String {
    let mut guard = format!("LACUNA_{}_", file.module.to_ascii_uppercase());
    for byte in &Sha256::digest(&file.text)[..8] {
        write!(guard, "{byte:02X}").expect("a string takes all text");
    }
    format!("`ifndef {guard}\n`define {guard}\n{}\n`endif\n", file.text.trim_end_matches('\n'))
}
