//! Regular arrays of instances.

use std::sync::Arc;

use super::builder::ModuleBuilder;
use super::error::ErrorKind;
use super::expr::{Expr, Operand, here, pack};
use super::instance::GatedClock;
use super::ir::{
    self, ArrayInput, ArrayOutput, Direction, DomainId, Module, Op, SignalKind, Source,
};
use super::ty::{MAX_ELEMENTS, Type, uint};

/// A regular array of instances in the module under description.
///
/// Elements are alike and talk to their neighbours along named axes; the text of the emitted
/// Verilog does not grow with their number.
pub struct Array<'m> {
    builder: &'m ModuleBuilder,
    index: usize,
    module: Arc<Module>,
    name: String,
}

impl ModuleBuilder {
    /// Makes a regular array of instances of `module` along `axes`, each a name and a number of
    /// elements, the outermost first; at most [`MAX_ELEMENTS`](super::MAX_ELEMENTS) in all.
    ///
    /// ```
    /// # use lacuna::hdl::*;
    /// let cell = ModuleBuilder::new("add_one");
    /// let a = cell.input("a_i", uint(8));
    /// cell.output("a_o", uint(8)).set((a + 1).truncate(8));
    /// let cell = cell.finish().unwrap();
    ///
    /// let m = ModuleBuilder::new("add_four");
    /// let a = m.input("a_i", uint(8));
    /// let cells = m.array("cell", &[("stage", 4)], &cell);
    /// cells.chain("a_i", "a_o", "stage", &[a]);
    /// m.output("a_o", uint(8)).set(cells.last("a_o", "stage")[0]);
    /// assert!(m.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn array(&self, name: &str, axes: &[(&str, u32)], module: &Arc<Module>) -> Array<'_> {
        let source = here();
        self.claim_for(name, &format!("gen_{name}"), source);
        if axes.is_empty() || axes.iter().any(|&(_, n)| n == 0) {
            self.report(ErrorKind::Empty(format!("array `{name}`")), source);
        }
        let mut known: Vec<(String, u32)> = Vec::new();
        for &(axis, count) in axes {
            // The loops' variables; arrays may share them, but not the axes of one array.
            let is_shared = self.with_draft(|draft| {
                let mut others = draft.logic.arrays.iter().flat_map(|array| &array.axes);
                others.any(|(other, _)| other == axis)
            });
            if !is_shared || known.iter().any(|(other, _)| other == axis) {
                self.claim(axis, source);
            }
            if axes.len() > 1 {
                self.claim(&format!("gen_{name}_{axis}"), source);
            }
            known.push((axis.to_string(), count.max(1)));
        }
        let elements = known.iter().fold(1u64, |all, (_, n)| all.saturating_mul(u64::from(*n)));
        if elements > u64::from(MAX_ELEMENTS) {
            let what = format!("array `{name}` of {elements} elements");
            let range = format!("1 to {MAX_ELEMENTS}");
            self.report(ErrorKind::OutOfRange { what, range }, source);
            known.iter_mut().for_each(|(_, count)| *count = 1);
        }
        let index = self.with_draft(|draft| {
            draft.logic.arrays.push(ir::InstanceArray {
                name: name.to_string(),
                module: module.clone(),
                domain: DomainId(0),
                axes: known,
                inputs: vec![None; module.ports.len()],
                outputs: vec![],
                source,
            });
            draft.logic.arrays.len() - 1
        });
        Array { builder: self, index, module: module.clone(), name: name.to_string() }
    }
}

impl<'m> Array<'m> {
    /// Makes the elements run on a gated clock.
    #[track_caller]
    pub fn clocked_by(&self, clock: GatedClock<'m>) -> &Self {
        let domain = clock.domain(self.builder, here());
        self.builder.with_draft(|draft| draft.logic.arrays[self.index].domain = domain);
        self
    }

    /// Gives the input `port` of every element the same value.
    #[track_caller]
    pub fn broadcast(&self, port: &str, value: impl Operand<'m>) -> &Self {
        let source = here();
        let value = value.lift(self.builder, source);
        if let Some((index, ty)) = self.input(port, source) {
            let value = self.builder.exactly(port, value, ty, source);
            self.attach(index, ArrayInput::Broadcast(value.id), source);
        }
        self
    }

    /// Gives the input `port` of each element a value of its own; the last axis varies fastest.
    #[track_caller]
    pub fn each<T: Operand<'m> + Copy>(&self, port: &str, values: &[T]) -> &Self {
        let source = here();
        if let Some((index, ty)) = self.input(port, source) {
            let count = self.with(|array| array.len());
            let packed = self.packed(port, values, ty, count, source);
            self.attach(index, ArrayInput::Each(packed.id), source);
        }
        self
    }

    /// Connects the input `port` of each element to the output `from` of the element before it
    /// along `axis`. The first elements along the axis take `edge`, one value for each position
    /// across it.
    #[track_caller]
    pub fn chain<T: Operand<'m> + Copy>(
        &self,
        port: &str,
        from: &str,
        axis: &str,
        edge: &[T],
    ) -> &Self {
        self.neighbour(port, from, axis, edge, false, here())
    }

    /// Like [`chain`](Array::chain), from the element after: the last elements take `edge`.
    #[track_caller]
    pub fn chain_back<T: Operand<'m> + Copy>(
        &self,
        port: &str,
        from: &str,
        axis: &str,
        edge: &[T],
    ) -> &Self {
        self.neighbour(port, from, axis, edge, true, here())
    }

    /// Passes values along `axis`, one element further at each cycle in which `enable` is 1: the
    /// input `port` of an element is what the element before it had. The first elements take
    /// `edge`. The registers between the elements belong to the array; there is none behind the
    /// last.
    #[track_caller]
    pub fn shift<T: Operand<'m> + Copy>(
        &self,
        port: &str,
        axis: &str,
        edge: &[T],
        enable: impl Operand<'m>,
    ) -> &Self {
        let source = here();
        let m = self.builder;
        let enable = m.condition(enable.lift(m, source), source).id;
        if let (Some((index, ty)), Some(axis)) = (self.input(port, source), self.axis(axis, source))
        {
            let count = self.with(|array| array.len_across(axis));
            let edge = self.packed(port, edge, ty, count, source).id;
            self.attach(index, ArrayInput::Shift { axis, enable, edge }, source);
        }
        self
    }

    /// The output `port` of every element; the last axis varies fastest.
    #[track_caller]
    pub fn outputs(&self, port: &str) -> Vec<Expr<'m>> {
        self.collect(port, None, here())
    }

    /// The output `port` of the last elements along `axis`, one for each position across it.
    #[track_caller]
    pub fn last(&self, port: &str, axis: &str) -> Vec<Expr<'m>> {
        let source = here();
        let only = self.axis(axis, source).map(|axis| (axis, false));
        self.collect(port, only, source)
    }

    /// The output `port` of the first elements along `axis`, one for each position across it.
    #[track_caller]
    pub fn first(&self, port: &str, axis: &str) -> Vec<Expr<'m>> {
        let source = here();
        let only = self.axis(axis, source).map(|axis| (axis, true));
        self.collect(port, only, source)
    }

    fn with<R>(&self, f: impl FnOnce(&mut ir::InstanceArray) -> R) -> R {
        self.builder.with_draft(|draft| f(&mut draft.logic.arrays[self.index]))
    }

    fn input(&self, port: &str, source: Source) -> Option<(usize, Type)> {
        let found =
            self.builder.find_port(&self.name, &self.module, port, Direction::Input, source)?;
        Some((found, self.module.port(found).ty))
    }

    fn axis(&self, axis: &str, source: Source) -> Option<usize> {
        let known: Vec<String> =
            self.with(|array| array.axes.iter().map(|(name, _)| name.clone()).collect());
        let found = known.iter().position(|name| name == axis);
        if found.is_none() {
            let (owner, what, name) = (self.name.clone(), "axis", axis.to_string());
            self.builder.report(ErrorKind::Unknown { owner, what, name, known }, source);
        }
        found
    }

    /// One value for each of `count` elements, in one.
    #[track_caller]
    fn packed<T: Operand<'m> + Copy>(
        &self,
        port: &str,
        values: &[T],
        ty: Type,
        count: usize,
        source: Source,
    ) -> Expr<'m> {
        let m = self.builder;
        if values.len() != count {
            let what = format!("{} values for `{port}`", values.len());
            let range = format!("the {count} elements that take one");
            m.report(ErrorKind::OutOfRange { what, range }, source);
            return m.node(Op::Const(0.into()), uint(ty.width), source);
        }
        let fit = |value: &T| m.exactly(port, value.lift(m, source), ty, source);
        let values: Vec<_> = values.iter().map(fit).collect();
        pack(m, &values)
    }

    fn attach(&self, port: usize, input: ArrayInput, source: Source) {
        let before = self.with(|array| array.inputs[port].replace(input));
        if before.is_some() {
            let port = &self.module.port(port).name;
            let text = format!("input `{port}` of array `{}` is connected twice", self.name);
            self.builder.report(ErrorKind::Misuse(text), source);
        }
    }

    #[track_caller]
    fn neighbour<T: Operand<'m> + Copy>(
        &self,
        port: &str,
        from: &str,
        axis: &str,
        edge: &[T],
        reverse: bool,
        source: Source,
    ) -> &Self {
        let m = self.builder;
        let input = self.input(port, source);
        let output = m.find_port(&self.name, &self.module, from, Direction::Output, source);
        let axis = self.axis(axis, source);
        let (Some((index, ty)), Some(output), Some(axis)) = (input, output, axis) else {
            return self;
        };
        let found = self.module.port(output).ty;
        if found != ty {
            let (target, expected) = (port.to_string(), ty);
            m.report(ErrorKind::TypeMismatch { target, expected, found }, source);
        }
        let count = self.with(|array| array.len_across(axis));
        let edge = self.packed(port, edge, ty, count, source).id;
        self.attach(index, ArrayInput::Chain { output, axis, reverse, edge }, source);
        self
    }

    fn collect(&self, port: &str, only: Option<(usize, bool)>, source: Source) -> Vec<Expr<'m>> {
        let m = self.builder;
        let found = m.find_port(&self.name, &self.module, port, Direction::Output, source);
        let Some(index) = found else {
            return vec![m.node(Op::Const(0.into()), uint(1), source)];
        };
        let ty = self.module.port(index).ty;
        let count = self.with(|array| match only {
            Some((axis, _)) => array.len_across(axis),
            None => array.len(),
        });
        let known = self.with(|array| {
            let mut outputs = array.outputs.iter();
            outputs.find(|o| o.port == index && o.only == only).map(|o| o.signal)
        });
        let packed = uint(ty.width.saturating_mul(count as u32));
        let signal = match known {
            Some(signal) => m.node(Op::Signal(signal), packed, source),
            None => {
                let place = match only {
                    Some((_, true)) => "_first",
                    Some((_, false)) => "_last",
                    None => "",
                };
                let name = format!("{}_{}{place}", self.name, port.trim_end_matches("_o"));
                let signal = m.declare(name, packed, SignalKind::Instance, source);
                self.with(|array| {
                    array.outputs.push(ArrayOutput { port: index, only, signal: signal.id });
                });
                signal.expr()
            }
        };
        if signal.width() != packed.width {
            return vec![m.node(Op::Const(0.into()), ty, source); count];
        }
        signal.elements(uint(ty.width)).into_iter().map(|e| e.cast_at(ty, source)).collect()
    }
}
