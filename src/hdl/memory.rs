//! Memories: written synchronously, read synchronously or, as register files, asynchronously.

use super::builder::ModuleBuilder;
use super::error::ErrorKind;
use super::expr::{Expr, Operand, here};
use super::ir::{self, AsyncRead, MemoryId, MemoryRead, MemoryWrite, SignalKind, Source};
use super::signal::Signal;
use super::ty::{MAX_DEPTH, Type, index_width, uint};

/// A memory of the module under description.
#[derive(Clone, Copy)]
pub struct Memory<'m> {
    builder: &'m ModuleBuilder,
    id: MemoryId,
    depth: u32,
    ty: Type,
    /// Whether addresses are asserted to be below the depth instead of masked.
    asserted: bool,
}

impl ModuleBuilder {
    /// Declares a memory of `depth` elements of type `ty`; at most [`MAX_DEPTH`](super::MAX_DEPTH).
    ///
    /// Its content is unknown until written; a description must not let an element be observed
    /// that was never written.
    ///
    /// ```
    /// # use lacuna::hdl::*;
    /// let m = ModuleBuilder::new("scratch");
    /// let write = m.input("write_i", bit());
    /// let address = m.input("address_i", uint(4));
    /// let data = m.input("data_i", uint(8));
    /// let memory = m.memory("cells", 16, uint(8));
    /// memory.write(address, data, write);
    /// m.output("data_o", uint(8)).set(memory.read("data", address, !write));
    /// assert!(m.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn memory(&self, name: &str, depth: u32, ty: Type) -> Memory<'_> {
        let source = here();
        self.claim_for(name, &format!("{name}_mem"), source);
        if depth == 0 {
            self.report(ErrorKind::Empty(format!("memory `{name}`")), source);
        }
        if depth > MAX_DEPTH {
            let (what, range) = (format!("a depth of {depth}"), format!("1 to {MAX_DEPTH}"));
            self.report(ErrorKind::OutOfRange { what, range }, source);
        }
        let ty = if ty.is_legal() {
            ty
        } else {
            let what = format!("an element of `{name}`");
            self.report(ErrorKind::Width { what, width: ty.width.into() }, source);
            uint(1)
        };
        let depth = depth.clamp(1, MAX_DEPTH);
        let name = name.to_string();
        let id = self.with_draft(|draft| {
            let (reads, async_reads, writes) = (vec![], vec![], vec![]);
            let memory = ir::Memory { name, ty, depth, reads, async_reads, writes, source };
            draft.logic.memories.push(memory);
            MemoryId(draft.logic.memories.len() as u32 - 1)
        });
        Memory { builder: self, id, depth, ty, asserted: false }
    }
}

impl<'m> Memory<'m> {
    /// The same memory for ports whose addresses the module keeps below the depth by itself, in
    /// every cycle: that is stated as a property, which simulation checks and a proof can show, and
    /// costs no logic.
    pub fn asserted(self) -> Memory<'m> {
        Memory { asserted: true, ..self }
    }

    /// A read port: where `enable` is 1 at the edge, the result, a register called `name`, takes
    /// the element at `address` as it was before the edge. Beyond the depth it takes 0.
    #[track_caller]
    pub fn read(
        &self,
        name: &str,
        address: impl Operand<'m>,
        enable: impl Operand<'m>,
    ) -> Expr<'m> {
        let source = here();
        let m = self.builder;
        let enable = m.condition(enable.lift(m, source), source);
        let (address, inside) = self.address(name, address, source);
        let kind = SignalKind::ReadData(self.id);
        m.claim_for(name, &format!("{name}_q"), source);
        let data = m.with_draft(|draft| {
            let (doc, attributes, ty) = (String::new(), vec![], self.ty);
            let name = name.to_string();
            draft.signals.push(ir::Signal { name, ty, kind, doc, attributes, source });
            let data = ir::SignalId(draft.signals.len() as u32 - 1);
            let read = MemoryRead { address: address.id, enable: enable.id, data };
            draft.logic.memories[self.id.index()].reads.push(read);
            data
        });
        let data = m.node(ir::Op::Signal(data), self.ty, source);
        let Some(inside) = inside else { return data };
        let kind = SignalKind::Register { reset: None };
        let inside_q: Signal<'m> =
            m.declare(format!("{name}_inside"), super::ty::bit(), kind, source);
        m.when(enable, || inside_q.set(inside));
        let zero = m.node(ir::Op::Const(0.into()), self.ty, source);
        inside_q.mux(data, zero)
    }

    /// An asynchronous read port: the result, a wire called `name`, is the element at `address`;
    /// beyond the depth it is 0.
    ///
    /// A memory with such a port is a register file: it costs flip-flops and a multiplexer, and
    /// no RAM macro fits it.
    #[track_caller]
    pub fn read_async(&self, name: &str, address: impl Operand<'m>) -> Expr<'m> {
        let source = here();
        let m = self.builder;
        let (address, inside) = self.address(name, address, source);
        let kind = SignalKind::AsyncReadData(self.id);
        let data = m.declare(name.to_string(), self.ty, kind, source);
        m.with_draft(|draft| {
            let read = AsyncRead { address: address.id, data: data.id };
            draft.logic.memories[self.id.index()].async_reads.push(read);
        });
        match inside {
            None => data.expr(),
            Some(inside) => {
                let zero = m.node(ir::Op::Const(0.into()), self.ty, source);
                if inside.constant().is_some() {
                    // Beyond the depth in every case: the element is read for nothing.
                    m.discard(data);
                }
                inside.mux(data, zero)
            }
        }
    }

    /// A write port: where `enable` is 1 at the edge, the element at `address` becomes `data`,
    /// which has exactly the element's type. Beyond the depth nothing is written.
    #[track_caller]
    pub fn write(
        &self,
        address: impl Operand<'m>,
        data: impl Operand<'m>,
        enable: impl Operand<'m>,
    ) {
        let source = here();
        let m = self.builder;
        let mut enable = m.condition(enable.lift(m, source), source);
        let (name, writes) = m.with_draft(|draft| {
            let memory = &draft.logic.memories[self.id.index()];
            (memory.name.clone(), memory.writes.len())
        });
        let port = match writes {
            0 => format!("{name}_write"),
            earlier => format!("{name}_write_{}", earlier + 1),
        };
        let (address, inside) = self.address(&port, address, source);
        if let Some(inside) = inside {
            enable = enable & inside;
        }
        let data = m.exactly(&name, data.lift(m, source), self.ty, source);
        m.with_draft(|draft| {
            let write = MemoryWrite { address: address.id, data: data.id, enable: enable.id };
            draft.logic.memories[self.id.index()].writes.push(write);
        });
    }

    /// The address at just the width that an index needs, and, where it may lie beyond the depth
    /// and that is not asserted, whether it does not.
    fn address(
        &self,
        port: &str,
        address: impl Operand<'m>,
        source: Source,
    ) -> (Expr<'m>, Option<Expr<'m>>) {
        let m = self.builder;
        let mut address = address.lift(m, source);
        if address.ty.signed {
            let text = format!("an address is unsigned, not {}", address.ty);
            m.report(ErrorKind::Misuse(text), source);
            address = address.cast_at(uint(address.width()), source);
        }
        let inside = address.lt(self.depth);
        let cut = address.cast_at(uint(index_width(self.depth)), source);
        let known = inside.constant();
        if known == Some(1.into()) {
            return (cut, None);
        }
        if self.asserted {
            m.assert(&format!("{port}_inside"), inside);
            return (cut, None);
        }
        if known.is_some() {
            // Nothing is there, so any element may stand in for it.
            return (m.node(ir::Op::Const(0.into()), cut.ty, source), Some(inside));
        }
        (cut, Some(inside))
    }
}
