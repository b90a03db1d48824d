//! The module builder: where a description starts and ends.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::{Error, ErrorKind, Errors};
use super::expr::{Expr, Operand, here};
use super::ir::{
    BlackBox, Body, Direction, Domain, Logic, Module, Node, NodeId, Op, Property, PropertyKind,
    SignalId, SignalKind, Source, Statement, Stream,
};
use super::signal::Signal;
use super::ty::Type;
use super::{check, contract, ir, name};

/// How deep conditions may nest; a chain of alternatives nests one deeper with each.
pub(super) const MAX_NESTING: usize = 1000;

/// A module under description.
///
/// Declare ports, registers and wires, combine their values with operators, assign, and
/// [`finish`](ModuleBuilder::finish). Mistakes are collected on the way and reported all at once
/// by `finish`, each with the Rust line that made it.
///
/// ```
/// use lacuna::hdl::*;
/// fn counter(width: u32) -> Result<std::sync::Arc<Module>, Errors> {
///     let m = ModuleBuilder::new("counter");
///     m.doc("Counts the cycles in which it is enabled.");
///     let enable = m.input("enable_i", bit());
///     let count = m.register("count", uint(width)).reset(0);
///     m.when(enable, || count.set((count + 1).truncate(width)));
///     m.output("count_o", uint(width)).set(count);
///     m.finish()
/// }
/// assert!(counter(8).is_ok());
/// ```
pub struct ModuleBuilder {
    name: String,
    source: Source,
    draft: RefCell<Draft>,
    /// How many statement blocks are open; kept beside the draft for handles to look at.
    depth: Cell<usize>,
    /// A number of its own.
    id: usize,
    /// How many conditional blocks, of other modules, the module is described inside of.
    inside: usize,
}

thread_local! {
    /// The modules whose conditional blocks are being described, the outermost first.
    static CONDITIONAL: RefCell<Vec<usize>> = const { RefCell::new(vec![]) };
}

/// A conditional block being described; it ends also if its description panics.
struct Conditional;

impl Conditional {
    fn of(builder: &ModuleBuilder) -> Conditional {
        CONDITIONAL.with_borrow_mut(|open| open.push(builder.id));
        Conditional
    }
}

impl Drop for Conditional {
    fn drop(&mut self) {
        CONDITIONAL.with_borrow_mut(Vec::pop);
    }
}

#[derive(Default)]
pub(super) struct Draft {
    pub doc: String,
    pub parameters: Vec<(String, String)>,
    pub latency: Option<u32>,
    pub initiation_interval: Option<u32>,
    pub signals: Vec<ir::Signal>,
    pub ports: Vec<SignalId>,
    pub streams: Vec<Stream>,
    pub logic: Logic,
    /// The statement blocks being described, the outermost first.
    pub open: Vec<Vec<Statement>>,
    pub errors: Vec<Error>,
    pub taken: HashMap<String, Source>,
    /// The registers that hold an arbitrary value for ever, for properties to speak of.
    pub any_constants: Vec<SignalId>,
    pub clocking: (bool, bool),
    /// The modules that a black box's text instances.
    pub parts: Vec<Arc<Module>>,
}

impl ModuleBuilder {
    /// Starts a module called `name`.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> ModuleBuilder {
        let (name, source) = (name.into(), here());
        let mut draft = Draft { open: vec![vec![]], clocking: (true, true), ..Draft::default() };
        draft.logic.domains.push(Domain { name: String::new(), enable: None });
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let (draft, depth) = (RefCell::new(draft), Cell::new(0));
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        let inside = CONDITIONAL.with_borrow(Vec::len);
        let builder = ModuleBuilder { name, source, draft, depth, id, inside };
        // Some tools do not take a port or a net of the module's own name.
        builder.claim(&builder.name, source);
        builder
    }

    /// The module's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says what the module does: one sentence, then, after an empty line, whatever a user of the
    /// module should know. It stands at the top of the emitted file.
    pub fn doc(&self, text: impl Into<String>) {
        self.draft.borrow_mut().doc = text.into();
    }

    /// Records a parameter that the module was made from, for the emitted file's header.
    pub fn parameter(&self, name: impl Into<String>, value: impl ToString) {
        self.draft.borrow_mut().parameters.push((name.into(), value.to_string()));
    }

    /// Declares how many cycles pass from an accepted beat to the one it causes, and from one
    /// accepted beat to the next, when nothing stalls.
    pub fn timing(&self, latency: u32, initiation_interval: u32) {
        let mut draft = self.draft.borrow_mut();
        draft.latency = Some(latency);
        draft.initiation_interval = Some(initiation_interval);
    }

    /// Says whether a black box without a behaviour has a clock and a reset port; unless told
    /// otherwise, it has both. Of other modules, the content decides.
    pub fn clocking(&self, clock: bool, reset: bool) {
        self.draft.borrow_mut().clocking = (clock, reset);
    }

    /// Declares an input port.
    #[track_caller]
    pub fn input(&self, name: impl Into<String>, ty: Type) -> Expr<'_> {
        self.port(name.into(), ty, SignalKind::Input, here()).expr
    }

    /// Declares an input port and what it means.
    #[track_caller]
    pub fn input_doc(&self, name: impl Into<String>, ty: Type, doc: &str) -> Expr<'_> {
        self.port(name.into(), ty, SignalKind::Input, here()).doc(doc).expr
    }

    /// Declares an output port, to be assigned with [`Signal::set`].
    #[track_caller]
    pub fn output(&self, name: impl Into<String>, ty: Type) -> Signal<'_> {
        self.port(name.into(), ty, SignalKind::Output, here())
    }

    /// Declares a wire, to be assigned with [`Signal::set`] in every case.
    #[track_caller]
    pub fn wire(&self, name: impl Into<String>, ty: Type) -> Signal<'_> {
        self.declare(name.into(), ty, SignalKind::Wire, here())
    }

    /// Declares a register on the module's clock. It holds its value where nothing assigns it;
    /// reset leaves it alone unless [`Signal::reset`] gives it a value. In the emitted Verilog it
    /// is called `NAME_q`.
    #[track_caller]
    pub fn register(&self, name: impl Into<String>, ty: Type) -> Signal<'_> {
        self.declare(name.into(), ty, SignalKind::Register { reset: None }, here())
    }

    /// A register without reset that follows `value` one cycle later.
    #[track_caller]
    pub fn delayed<'m>(&'m self, name: impl Into<String>, value: impl Operand<'m>) -> Expr<'m> {
        let source = here();
        let value = value.lift(self, source);
        let kind = SignalKind::Register { reset: None };
        let register = self.declare(name.into(), value.ty, kind, source);
        self.assign(register.id, value, source);
        register.expr
    }

    /// A constant of type `ty`.
    #[track_caller]
    pub fn constant<'m>(&'m self, value: impl Operand<'m>, ty: Type) -> Expr<'m> {
        let source = here();
        let value = value.lift(self, source);
        self.exactly("constant", value, ty, source)
    }

    /// States that `condition` holds in every cycle outside of reset.
    #[track_caller]
    pub fn assert<'m>(&'m self, name: &str, condition: impl Operand<'m>) {
        self.property(PropertyKind::Assert, name, condition, here());
    }

    /// The same of what others may count on: it stays where a text states
    /// [contracts alone](Module::with_contracts_alone), so it should speak of ports.
    #[track_caller]
    pub fn guarantee<'m>(&'m self, name: &str, condition: impl Operand<'m>) {
        self.property(PropertyKind::Assert, name, condition, here());
        if let Some(last) = self.draft.borrow_mut().logic.properties.last_mut() {
            last.is_contract |= last.name == name;
        }
    }

    /// States that whoever drives the inputs keeps `condition` in every cycle outside of reset.
    #[track_caller]
    pub fn assume<'m>(&'m self, name: &str, condition: impl Operand<'m>) {
        self.property(PropertyKind::Assume, name, condition, here());
    }

    /// States that `condition` can come true.
    #[track_caller]
    pub fn cover<'m>(&'m self, name: &str, condition: impl Operand<'m>) {
        self.property(PropertyKind::Cover, name, condition, here());
    }

    /// An arbitrary constant for properties: what is shown of it holds of every value of type `ty`,
    /// so a property about one element, or one beat, is about each.
    ///
    /// It is a register without reset that never changes: a proof starts from each value that it
    /// can have, a simulation from the one that its start gave. Nothing but properties, and
    /// registers for properties, may depend on it.
    #[track_caller]
    pub fn any_constant(&self, name: impl Into<String>, ty: Type) -> Expr<'_> {
        let source = here();
        let register = self.declare(name.into(), ty, SignalKind::Register { reset: None }, source);
        self.with_draft(|draft| {
            let value = register.expr.id;
            draft.open[0].push(Statement::Assign { target: register.id, value, source });
            draft.any_constants.push(register.id);
        });
        register.doc("arbitrary").expr
    }

    /// Says that `value` is unused on purpose, for example the upper bits of an input.
    #[track_caller]
    pub fn discard<'m>(&'m self, value: impl Operand<'m>) {
        let value = value.lift(self, here());
        self.draft.borrow_mut().logic.discarded.push(value.id);
    }

    /// Ends the description.
    ///
    /// # Errors
    /// Every mistake made while describing, and every undriven, doubly driven or unused signal,
    /// latch, combinational loop, ready-to-valid path and name clash.
    pub fn finish(self) -> Result<Arc<Module>, Errors> {
        let (name, source) = (self.name, self.source);
        let mut draft = self.draft.into_inner();
        draft.logic.statements = std::mem::take(&mut draft.open[0]);
        for clash in ["clk_i", "clk_enable_i", "clk_free_i", "rst_ni", "rst_i"] {
            if let Some(&at) = draft.taken.get(clash) {
                let kind = ErrorKind::NameClash { name: clash.to_string(), other: source };
                draft.errors.push(Error { module: name.clone(), kind, source: at });
            }
        }
        let taken: HashSet<String> = draft.taken.keys().cloned().collect();
        let any_constants = std::mem::take(&mut draft.any_constants);
        let (mut module, mut errors) = draft.into_module(name, source, Body::Logic);
        check::check(&mut module, &any_constants, &mut errors);
        if errors.is_empty() {
            contract::add(&mut module, taken);
        }
        Errors(errors).or(Arc::new(module))
    }

    /// Says that the text of a black box instances `module`.
    pub fn part(&self, module: &Arc<Module>) {
        self.with_draft(|draft| draft.parts.push(module.clone()));
    }

    /// Ends the description of a black box: the ports are declared, the Verilog comes from
    /// elsewhere. `verilog` is the text of the module, if it is to be emitted; `behavior` a module
    /// with the same ports that the evaluator runs instead.
    ///
    /// # Errors
    /// Every mistake made while declaring the ports, and a behaviour with other ports.
    pub fn finish_black_box(
        self,
        verilog: Option<String>,
        behavior: Option<Arc<Module>>,
    ) -> Result<Arc<Module>, Errors> {
        let (name, source) = (self.name, self.source);
        let mut draft = self.draft.into_inner();
        let parts = std::mem::take(&mut draft.parts);
        let body = |_| Body::BlackBox(BlackBox { verilog, behavior, parts });
        let (mut module, mut errors) = draft.into_module(name, source, body);
        check::check_black_box(&mut module, &mut errors);
        Errors(errors).or(Arc::new(module))
    }

    // What the other parts of the description language are made of.

    pub(super) fn report(&self, kind: ErrorKind, source: Source) {
        let error = Error { module: self.name.clone(), kind, source };
        self.draft.borrow_mut().errors.push(error);
    }

    pub(super) fn with_draft<R>(&self, f: impl FnOnce(&mut Draft) -> R) -> R {
        f(&mut self.draft.borrow_mut())
    }

    pub(super) fn with_nodes<R>(&self, f: impl FnOnce(&mut Vec<Node>) -> R) -> R {
        f(&mut self.draft.borrow_mut().logic.nodes)
    }

    pub(super) fn with_node<R>(&self, id: NodeId, f: impl FnOnce(&Node) -> R) -> R {
        f(&self.draft.borrow().logic.nodes[id.index()])
    }

    pub(super) fn with_signal<R>(&self, id: SignalId, f: impl FnOnce(&mut ir::Signal) -> R) -> R {
        f(&mut self.draft.borrow_mut().signals[id.index()])
    }

    fn check_name(&self, text: &str, source: Source) {
        if let Err(reason) = name::check(text) {
            self.report(ErrorKind::Name { name: text.to_string(), reason }, source);
        }
    }

    /// Takes the name in Verilog, `text`, of what the user calls `name`.
    pub(super) fn claim_for(&self, name: &str, text: &str, source: Source) {
        if name.is_empty() {
            let reason = name::NameError::Empty;
            self.report(ErrorKind::Name { name: String::new(), reason }, source);
        }
        self.claim(text, source);
    }

    /// Takes a name in the module's one name space.
    pub(super) fn claim(&self, text: &str, source: Source) {
        self.check_name(text, source);
        let taken = self.draft.borrow_mut().taken.insert(text.to_string(), source);
        if let Some(other) = taken {
            self.report(ErrorKind::NameClash { name: text.to_string(), other }, source);
        }
    }

    pub(super) fn declare(
        &self,
        name: String,
        ty: Type,
        kind: SignalKind,
        source: Source,
    ) -> Signal<'_> {
        match kind {
            // The name of a register in Verilog carries a suffix, and it is that name that clashes.
            SignalKind::Register { .. } => self.claim_for(&name, &format!("{name}_q"), source),
            _ => self.claim(&name, source),
        }
        let ty = if ty.is_legal() {
            ty
        } else {
            let what = format!("`{name}`");
            self.report(ErrorKind::Width { what, width: ty.width.into() }, source);
            ty.with_width(1)
        };
        let id = self.with_draft(|draft| {
            let (doc, attributes) = (String::new(), vec![]);
            draft.signals.push(ir::Signal { name, ty, kind, doc, attributes, source });
            SignalId(draft.signals.len() as u32 - 1)
        });
        Signal { id, expr: self.node(Op::Signal(id), ty, source) }
    }

    pub(super) fn port(
        &self,
        name: String,
        ty: Type,
        kind: SignalKind,
        source: Source,
    ) -> Signal<'_> {
        let signal = self.declare(name, ty, kind, source);
        self.draft.borrow_mut().ports.push(signal.id);
        signal
    }

    pub(super) fn assign(&self, target: SignalId, value: Expr<'_>, source: Source) {
        let is_conditional_elsewhere = CONDITIONAL.with_borrow(|open| {
            open.get(self.inside..).unwrap_or_default().iter().any(|&id| id != self.id)
        });
        if is_conditional_elsewhere {
            let text = "a condition of another module does not make an assignment conditional";
            self.report(ErrorKind::Misuse(text.to_string()), source);
        }
        let mut draft = self.draft.borrow_mut();
        let signal = &draft.signals[target.index()];
        let refused = match signal.kind {
            SignalKind::Input
            | SignalKind::ReadData(_)
            | SignalKind::AsyncReadData(_)
            | SignalKind::Instance => Some(ErrorKind::NotAssignable(signal.name.clone())),
            _ => None,
        };
        match refused {
            Some(kind) => {
                drop(draft);
                self.report(kind, source);
            }
            None => draft
                .open
                .last_mut()
                .expect("the outermost block is always open")
                .push(Statement::Assign { target, value: value.id, source }),
        }
    }

    /// Collects the statements that `describe` makes.
    pub(super) fn block(&self, source: Source, describe: impl FnOnce()) -> Vec<Statement> {
        self.draft.borrow_mut().open.push(vec![]);
        self.depth.set(self.depth.get() + 1);
        let conditional = Conditional::of(self);
        describe();
        drop(conditional);
        self.depth.set(self.depth.get() - 1);
        let block = self.draft.borrow_mut().open.pop().expect("the block was opened above");
        if self.depth() >= MAX_NESTING {
            self.too_deep(source);
            return vec![];
        }
        block
    }

    pub(super) fn too_deep(&self, source: Source) {
        let text = format!("conditions nest more than {MAX_NESTING} deep");
        self.report(ErrorKind::Misuse(text), source);
    }

    pub(super) fn depth(&self) -> usize {
        self.depth.get()
    }

    pub(super) fn push_statement(&self, statement: Statement) {
        self.draft.borrow_mut().open.last_mut().expect("a block is open").push(statement);
    }

    pub(super) fn named<'m>(&'m self, e: Expr<'m>, name: &str, source: Source) -> Expr<'m> {
        self.check_name(name, source);
        let ty = e.ty;
        let node = Node { op: Op::Cast(e.id), ty, name: Some(name.to_string()), source };
        let id = self.with_nodes(|nodes| {
            nodes.push(node);
            NodeId(nodes.len() as u32 - 1)
        });
        Expr { builder: self, id, ty }
    }

    fn property<'m>(
        &'m self,
        kind: PropertyKind,
        name: &str,
        condition: impl Operand<'m>,
        source: Source,
    ) {
        self.claim(name, source);
        let condition = self.condition(condition.lift(self, source), source);
        // What is true at this size, whatever happens, states nothing.
        let is_true =
            condition.constant().is_some_and(|value| value == num_bigint::BigInt::from(1));
        if is_true && kind != PropertyKind::Cover {
            return;
        }
        let is_contract = kind == PropertyKind::Assume;
        let (name, condition) = (name.to_string(), condition.id);
        let property = Property { kind, name, condition, is_contract, source };
        self.draft.borrow_mut().logic.properties.push(property);
    }
}

impl Draft {
    fn into_module(
        self,
        name: String,
        source: Source,
        body: impl FnOnce(Logic) -> Body,
    ) -> (Module, Vec<Error>) {
        let module = Module {
            name,
            doc: self.doc,
            parameters: self.parameters,
            latency: self.latency,
            initiation_interval: self.initiation_interval,
            signals: self.signals,
            ports: self.ports,
            streams: self.streams,
            has_clock: self.clocking.0,
            has_reset: self.clocking.1,
            paths: vec![],
            stated: super::ir::Properties::All,
            body: body(self.logic),
            source,
        };
        (module, self.errors)
    }
}

impl Module {
    /// Which way a port goes.
    pub fn direction(&self, port: SignalId) -> Direction {
        match self.signal(port).kind {
            SignalKind::Input => Direction::Input,
            _ => Direction::Output,
        }
    }

    /// The inputs that belong to no stream: name, type and what it is.
    pub fn plain_inputs(&self) -> impl Iterator<Item = (&str, Type, &str)> {
        let is_plain = |port: &&SignalId| {
            self.direction(**port) == Direction::Input && self.stream_of(**port).is_none()
        };
        let ports = self.ports.iter().filter(is_plain).map(|&port| self.signal(port));
        ports.map(|port| (port.name.as_str(), port.ty, port.doc.as_str()))
    }
}
