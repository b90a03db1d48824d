//! A module in a simulator, driven pin by pin: for hosts that decide as they go.

use std::collections::HashMap;

use super::engine::Engine;
use super::subject::Subject;
use crate::model::Bits;

/// The pins of a module that runs.
pub struct Pins {
    engine: Box<dyn Engine>,
    ports: HashMap<String, (usize, u32)>,
}

impl Pins {
    pub(super) fn new(subject: &Subject, engine: Box<dyn Engine>) -> Pins {
        let module = &subject.module;
        let port = |(number, &port): (usize, _)| {
            let signal = module.signal(port);
            (signal.name.clone(), (number, signal.ty.width))
        };
        let mut pins = Pins { engine, ports: module.ports.iter().enumerate().map(port).collect() };
        for (number, width) in pins.ports.values().copied().collect::<Vec<_>>() {
            if module.direction(module.ports[number]) == crate::hdl::ir::Direction::Input {
                pins.engine.set(number, &Bits::zero(width));
            }
        }
        pins
    }

    fn port(&self, name: &str) -> (usize, u32) {
        *self.ports.get(name).unwrap_or_else(|| panic!("no port is called `{name}`"))
    }

    /// Drives an input with the lowest bits of a value.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn set(&mut self, name: &str, value: u64) {
        let (number, width) = self.port(name);
        self.engine.set(number, &Bits::new(width, value));
    }

    /// Drives an input with a pattern of its width.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn set_bits(&mut self, name: &str, value: &Bits) {
        let (number, _) = self.port(name);
        self.engine.set(number, value);
    }

    /// What a port shows, after the inputs have had their effect.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn get(&mut self, name: &str) -> Bits {
        let (number, _) = self.port(name);
        self.engine.get(number)
    }

    /// Whether a port of a bit shows 1.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn is_set(&mut self, name: &str) -> bool {
        self.get(name).bit(0)
    }

    /// A rising edge of the clock.
    pub fn step(&mut self) {
        self.engine.step();
    }

    /// Some cycles of reset, with inputs as they are.
    pub fn reset(&mut self) {
        self.engine.reset();
    }

    /// What went wrong inside since the last reset, if anything did.
    pub fn failure(&self) -> Option<String> {
        self.engine.failure()
    }
}
