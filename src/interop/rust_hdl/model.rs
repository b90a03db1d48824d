//! What answers for a module in a simulation.

use std::sync::Arc;

use num_bigint::BigInt;

use crate::hdl::Module;
use crate::hdl::eval::{EvalError, Evaluator, Port};

/// Rust code that behaves like a module.
///
/// Ports are positions in [`Module::ports`]; values are numbers of the port's type.
pub trait Model {
    /// Gives every register that has a reset value that value, at once.
    fn reset(&mut self);
    /// Drives an input.
    fn set(&mut self, port: usize, value: &BigInt);
    /// The value of an output, with the inputs and the state as they are now.
    fn get(&mut self, port: usize) -> BigInt;
    /// One rising edge of the clock.
    fn step(&mut self);
}

impl<M: Model + ?Sized> Model for Box<M> {
    fn reset(&mut self) {
        (**self).reset();
    }

    fn set(&mut self, port: usize, value: &BigInt) {
        (**self).set(port, value);
    }

    fn get(&mut self, port: usize) -> BigInt {
        (**self).get(port)
    }

    fn step(&mut self) {
        (**self).step();
    }
}

/// The model that every module has: its description, run by [`Evaluator`].
pub struct Golden {
    evaluator: Evaluator,
    /// The handle of each of the module's ports.
    ports: Vec<Port>,
}

impl Golden {
    /// Compiles `module`.
    ///
    /// # Errors
    /// What keeps [`Evaluator::new`] from it.
    pub fn new(module: &Arc<Module>) -> Result<Golden, EvalError> {
        let evaluator = Evaluator::new(module)?;
        let names = module.ports.iter().map(|&id| &module.signal(id).name);
        let ports = names.map(|name| evaluator.port(name)).collect::<Result<_, _>>()?;
        Ok(Golden { evaluator, ports })
    }

    /// The evaluator, for what it knows besides ports: failed properties, signals inside.
    pub fn evaluator(&mut self) -> &mut Evaluator {
        &mut self.evaluator
    }
}

impl Model for Golden {
    fn reset(&mut self) {
        self.evaluator.reset();
    }

    fn set(&mut self, port: usize, value: &BigInt) {
        self.evaluator.set_value(self.ports[port], value);
    }

    fn get(&mut self, port: usize) -> BigInt {
        self.evaluator.get_value(self.ports[port])
    }

    fn step(&mut self) {
        self.evaluator.step();
    }
}
