//! What is kept for each layer, or for each place of one.

use crate::hdl::{Expr, Memory, ModuleBuilder, Signal, Type, bit, uint};

/// A value for each layer: in a register if there is one layer, otherwise in a register file, whose
/// content is unknown until written.
pub(super) enum PerLayer<'m> {
    One(Signal<'m>),
    Several(Memory<'m>),
}

impl<'m> PerLayer<'m> {
    pub fn new(m: &'m ModuleBuilder, name: &str, ty: Type, layers: u32) -> PerLayer<'m> {
        match layers {
            1 => PerLayer::One(m.register(name, ty)),
            _ => PerLayer::Several(m.memory(name, layers, ty)),
        }
    }

    /// The layer's value; with several, through a port of that name.
    pub fn read(&self, port: &str, layer: Option<Expr<'m>>) -> Expr<'m> {
        match (self, layer) {
            (PerLayer::Several(memory), Some(layer)) => memory.asserted().read_async(port, layer),
            (PerLayer::One(register), _) => register.expr(),
            (PerLayer::Several(_), None) => unreachable!("of several layers, one is meant"),
        }
    }

    /// As [`read`](Self::read), a cycle later, of the layer at an edge where `enable` is 1: in a
    /// register, or from a RAM that is read at the edge.
    pub fn fetch(
        &self,
        m: &'m ModuleBuilder,
        port: &str,
        layer: Option<Expr<'m>>,
        enable: Expr<'m>,
    ) -> Expr<'m> {
        match (self, layer) {
            (PerLayer::Several(memory), Some(layer)) => memory.asserted().read(port, layer, enable),
            (PerLayer::One(register), _) => {
                let fetched = m.register(port, register.ty());
                m.when(enable, || fetched.set(*register));
                fetched.expr()
            }
            (PerLayer::Several(_), None) => unreachable!("of several layers, one is meant"),
        }
    }

    pub fn write(
        &self,
        m: &'m ModuleBuilder,
        layer: Option<Expr<'m>>,
        value: Expr<'m>,
        enable: Expr<'m>,
    ) {
        match self {
            PerLayer::Several(memory) => {
                PerLayer::Several(memory.asserted()).write_if_there(m, layer, value, enable);
            }
            PerLayer::One(_) => self.write_if_there(m, layer, value, enable),
        }
    }

    /// As [`write`](Self::write); of a layer that there is not, nothing is written.
    pub fn write_if_there(
        &self,
        m: &'m ModuleBuilder,
        layer: Option<Expr<'m>>,
        value: Expr<'m>,
        enable: Expr<'m>,
    ) {
        match (self, layer) {
            (PerLayer::Several(memory), Some(layer)) => memory.write(layer, value, enable),
            (PerLayer::One(register), _) => {
                m.when(enable, || register.set(value));
            }
            (PerLayer::Several(_), None) => unreachable!("of several layers, one is meant"),
        }
    }
}

/// A bit for each layer, 0 after reset.
pub(super) struct Flags<'m> {
    bits: Signal<'m>,
}

impl<'m> Flags<'m> {
    pub fn new(m: &'m ModuleBuilder, name: &str, layers: u32) -> Flags<'m> {
        let ty = if layers == 1 { bit() } else { uint(layers) };
        Flags { bits: m.register(name, ty).reset(0) }
    }

    /// The layer's bit.
    pub fn get(&self, layer: Option<Expr<'m>>) -> Expr<'m> {
        layer.map_or(self.bits.expr(), |layer| self.bits.expr().bit_at(layer))
    }

    /// Sets a layer's bit where the condition holds, and clears another's.
    pub fn change(
        &self,
        m: &'m ModuleBuilder,
        set: (Expr<'m>, Option<Expr<'m>>),
        clear: Option<(Expr<'m>, Option<Expr<'m>>)>,
    ) {
        let width = self.bits.width();
        let mask = |(condition, layer): (Expr<'m>, Option<Expr<'m>>)| match layer {
            None => condition,
            Some(layer) => {
                let one = m.constant(1, uint(width)).shift_left(layer).truncate(width);
                condition.mux(one, 0).wrap(uint(width))
            }
        };
        let kept = clear.map_or(self.bits.expr(), |clear| self.bits & !mask(clear));
        self.bits.set(kept | mask(set));
    }
}
