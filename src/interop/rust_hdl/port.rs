//! Ports whose widths are known at run time, and how a block holds them.

use num_bigint::BigInt;
use rust_hdl_core::ast::VerilogLiteral;
use rust_hdl_core::atom::{Atom, AtomKind};
use rust_hdl_core::block::Block;
use rust_hdl_core::constraint::PinConstraint;
use rust_hdl_core::logic::Logic;
use rust_hdl_core::probe::Probe;
use rust_hdl_core::signal::get_signal_id;
use rust_hdl_core::synth::VCDValue;
use rust_hdl_core::type_descriptor::{TypeDescriptor, TypeKind};

use super::Value;
use crate::hdl::ir::Direction;
use crate::hdl::{Module, Type};

/// A port of a [`Wrapped`](super::Wrapped) module: what `Signal<In, Bits<N>>` and
/// `Signal<Out, Bits<N>>` are, with a width known at run time.
///
/// As with a `Signal`, an input is driven by assigning [`next`](Port::next), and read with
/// [`val`](Port::val).
pub struct Port {
    /// What the port holds after the next update; as wide as the port.
    pub next: Value,
    val: Value,
    changed: bool,
    connected: bool,
    index: usize,
    name: String,
    ty: Type,
    direction: Direction,
    id: usize,
}

impl Port {
    fn new(module: &Module, index: usize) -> Port {
        let (id, signal) = (module.ports[index], module.port(index));
        let zero = Value::new(0, signal.ty.width);
        Port {
            next: zero.clone(),
            val: zero,
            changed: false,
            connected: false,
            index,
            name: signal.name.clone(),
            ty: signal.ty,
            direction: module.direction(id),
            id: get_signal_id(),
        }
    }

    /// The position in [`Module::ports`].
    pub fn index(&self) -> usize {
        self.index
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type in the module. In rust-hdl the port is unsigned.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// Which way it goes, seen from the module.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The bits.
    pub fn val(&self) -> Value {
        // rust-hdl's own output signals answer with what they are about to hold.
        match self.direction {
            Direction::Input => self.val.clone(),
            Direction::Output => self.next.clone(),
        }
    }

    /// The number that the port holds, read by its type.
    pub fn get(&self) -> BigInt {
        self.val().number(self.ty)
    }

    /// Makes `value`, modulo `2^width`, what the port holds after the next update.
    pub fn set(&mut self, value: impl Into<BigInt>) {
        self.next = Value::new(value, self.ty.width);
    }

    pub(super) fn drive_from_inside(&mut self) {
        self.connected |= self.direction == Direction::Output;
    }

    pub(super) fn input_changed(&self) -> bool {
        self.changed && self.direction == Direction::Input
    }
}

impl Atom for Port {
    fn bits(&self) -> usize {
        self.ty.width as usize
    }

    fn connected(&self) -> bool {
        self.connected
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn kind(&self) -> AtomKind {
        match self.direction {
            Direction::Input => AtomKind::InputParameter,
            Direction::Output => AtomKind::OutputParameter,
        }
    }

    fn descriptor(&self) -> TypeDescriptor {
        let width = self.bits();
        TypeDescriptor { name: format!("Bits::<{width}>"), kind: TypeKind::Bits(width) }
    }

    fn vcd(&self) -> VCDValue {
        let digit = |index: u64| match VCDValue::from(self.val.bits().bit(index)) {
            VCDValue::Single(digit) => digit,
            _ => unreachable!("one bit is one digit"),
        };
        match self.ty.width {
            1 => VCDValue::Single(digit(0)),
            width => VCDValue::Vector((0..width.into()).rev().map(digit).collect()),
        }
    }

    fn id(&self) -> usize {
        self.id
    }

    /// A literal that nobody prints: rust-hdl asks every atom, and uses it for constants only.
    fn verilog(&self) -> VerilogLiteral {
        false.into()
    }

    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl Logic for Port {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.connected = true;
    }
}

impl Block for Port {
    fn connect_all(&mut self) {}

    /// # Panics
    /// If what was assigned to `next` is not as wide as the port.
    fn update_all(&mut self) {
        self.changed = self.val != self.next;
        if self.changed {
            let (given, width) = (self.next.width(), self.ty.width);
            assert!(given == width, "port `{}` has {width} bits, not {given}", self.name);
            self.val = self.next.clone();
        }
    }

    fn has_changed(&self) -> bool {
        self.changed
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

/// How a [`Wrapped`](super::Wrapped) module holds its ports: all in one table ([`AllPorts`]), or
/// each in a field of its own ([`rust_hdl_ports!`](crate::rust_hdl_ports)).
pub trait Ports {
    /// Takes every port.
    fn bind(ports: &mut Unbound) -> Self;
    /// Shows every port.
    fn visit(&self, see: &mut dyn FnMut(&Port));
    /// Shows every port, to be changed.
    fn visit_mut(&mut self, see: &mut dyn FnMut(&mut Port));
}

/// The ports of a module that no field holds yet.
pub struct Unbound {
    ports: Vec<Port>,
    /// Names that were asked for in vain.
    pub(super) unknown: Vec<String>,
}

impl Unbound {
    pub(super) fn new(module: &Module) -> Unbound {
        let ports = (0..module.ports.len()).map(|index| Port::new(module, index)).collect();
        Unbound { ports, unknown: vec![] }
    }

    /// The port called `name`. If there is none, the block is not made, and what comes back is of
    /// no use.
    pub fn take(&mut self, name: &str) -> Port {
        if let Some(position) = self.ports.iter().position(|port| port.name == name) {
            return self.ports.remove(position);
        }
        self.unknown.push(name.to_string());
        Port {
            next: Value::new(0, 1),
            val: Value::new(0, 1),
            changed: false,
            connected: false,
            index: usize::MAX,
            name: name.to_string(),
            ty: crate::hdl::bit(),
            direction: Direction::Output,
            id: get_signal_id(),
        }
    }

    /// All that are left.
    pub fn take_all(&mut self) -> Vec<Port> {
        std::mem::take(&mut self.ports)
    }
}

/// The ports of any module, by name: `block["count_o"]`.
pub struct AllPorts(Vec<Port>);

impl Ports for AllPorts {
    fn bind(ports: &mut Unbound) -> AllPorts {
        AllPorts(ports.take_all())
    }

    fn visit(&self, see: &mut dyn FnMut(&Port)) {
        self.0.iter().for_each(see);
    }

    fn visit_mut(&mut self, see: &mut dyn FnMut(&mut Port)) {
        self.0.iter_mut().for_each(see);
    }
}

impl AllPorts {
    /// The ports in declared order.
    pub fn iter(&self) -> impl Iterator<Item = &Port> {
        self.0.iter()
    }

    fn find(&self, name: &str) -> usize {
        let found = self.0.iter().position(|port| port.name == name);
        found.unwrap_or_else(|| {
            let known: Vec<&str> = self.0.iter().map(Port::name).collect();
            panic!("there is no port `{name}`; there are {}", known.join(", "))
        })
    }
}

impl std::ops::Index<&str> for AllPorts {
    type Output = Port;

    /// # Panics
    /// If there is no port of that name.
    fn index(&self, name: &str) -> &Port {
        &self.0[self.find(name)]
    }
}

impl std::ops::IndexMut<&str> for AllPorts {
    /// # Panics
    /// If there is no port of that name.
    fn index_mut(&mut self, name: &str) -> &mut Port {
        let index = self.find(name);
        &mut self.0[index]
    }
}

/// Declares a struct with a field for each port of a module, named like the port, so that
/// `#[hdl_gen]` functions can name them. Directions and widths are the module's, found at run time.
///
/// See [`interop::rust_hdl`](crate::interop::rust_hdl) for its use.
#[macro_export]
macro_rules! rust_hdl_ports {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($port:ident),* $(,)? }) => {
        $(#[$meta])*
        $vis struct $name {
            $(
                #[doc = concat!("`", stringify!($port), "`")]
                pub $port: $crate::interop::rust_hdl::Port,
            )*
        }

        impl $crate::interop::rust_hdl::Ports for $name {
            fn bind(ports: &mut $crate::interop::rust_hdl::Unbound) -> Self {
                Self { $($port: ports.take(stringify!($port)),)* }
            }

            fn visit(&self, see: &mut dyn FnMut(&$crate::interop::rust_hdl::Port)) {
                $(see(&self.$port);)*
            }

            fn visit_mut(&mut self, see: &mut dyn FnMut(&mut $crate::interop::rust_hdl::Port)) {
                $(see(&mut self.$port);)*
            }
        }
    };
}
