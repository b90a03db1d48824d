//! Verilog from finished modules: legalise, name, print.
//!
//! The text is a subset of Verilog-2005 that Verilator, Icarus, Yosys and the vendors' tools
//! accept without a message: one module per file, `default_nettype none`, ANSI ports, sized
//! literals, no latches, no `initial` (but for an assumption under `FORMAL`), temporaries named after
//! their use. The same module and style give the same bytes.

mod array;
mod ast;
mod clocking;
mod decide;
mod instances;
mod interface;
mod layout;
mod legalize;
mod module;
mod names;
mod plan;
mod stated;
mod statements;

use std::sync::Arc;

use crate::config::Reset;
use crate::hdl::ir::{Body, Module};
use ast::Expr;
use clocking::Clocking;
pub use clocking::Gating;
use layout::Text;
pub(crate) use layout::fill;

impl Reset {
    /// The name of the reset port.
    pub fn port(self) -> &'static str {
        match self {
            Reset::AsyncLow | Reset::SyncLow => "rst_ni",
            Reset::SyncHigh => "rst_i",
        }
    }

    /// The event list of a block that it resets.
    fn sensitivity(self) -> &'static str {
        match self {
            Reset::AsyncLow => "posedge clk_i or negedge rst_ni",
            Reset::SyncLow | Reset::SyncHigh => "posedge clk_i",
        }
    }

    /// What holds while it is active.
    fn is_active(self) -> Expr {
        let port = Expr::Ident { name: self.port().to_string(), width: 1, signed: false };
        match self {
            Reset::AsyncLow | Reset::SyncLow => Expr::unary("!", port, 1),
            Reset::SyncHigh => port,
        }
    }

    /// What holds while it is not active.
    fn inactive(self) -> &'static str {
        match self {
            Reset::AsyncLow | Reset::SyncLow => "rst_ni",
            Reset::SyncHigh => "!rst_i",
        }
    }

    /// The comment at its port.
    pub(crate) fn doc(self) -> &'static str {
        match self {
            Reset::AsyncLow => "asynchronous, active low",
            Reset::SyncLow => "synchronous, active low",
            Reset::SyncHigh => "synchronous, active high",
        }
    }
}

/// What the emitted text leaves to choose.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// How registers are reset.
    pub reset: Reset,
    /// The cell behind gated clocks: ports `clk_i`, `enable_i`, `test_enable_i`, `clk_o`. Without
    /// one, a module with a gated clock is an error.
    pub clock_gate: Option<Arc<Module>>,
    /// Where the cells stand, or what there is in their place.
    pub gating: Gating,
    /// What the design was made from, for the headers.
    pub digest: Option<String>,
}

/// Why a module cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerilogError {
    /// A gated clock, and no cell in the style.
    #[error(
        "module `{module}` gates its clock as `{clock}`, and the style names no clock gate cell"
    )]
    NoClockGate {
        /// The module.
        module: String,
        /// The gated clock.
        clock: String,
    },
    /// A module of the design is called like the style's clock gate.
    #[error("a module of the design is called `{0}`, which is the name of the clock gate cell")]
    ClockGateClash(String),
    /// What would stand still is to be enabled instead, and a black box cannot be.
    #[error(
        "black box `{0}` stands on a gated clock, and where clocks are not gated it has no enable"
    )]
    NotEnabled(String),
    /// A module of the design is called like one that is made of another for a gated clock.
    #[error("two modules are called `{0}`: one of them is made of another for a gated clock")]
    ClockingClash(String),
}

/// One emitted file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The module in it; the file is called so, with `.v` behind.
    pub module: String,
    /// The text.
    pub text: String,
}

/// Prints a module and everything it instances: one file per module, children first.
///
/// Black boxes without a text are left to the user's flow.
///
/// # Errors
/// [`VerilogError`], if the style lacks something that a module needs.
///
/// ```
/// use lacuna::hdl::*;
/// use lacuna::verilog;
/// let m = ModuleBuilder::new("inverter");
/// let a = m.input("a_i", uint(4));
/// m.output("b_o", uint(4)).set(!a);
/// let files = verilog::emit(&m.finish().unwrap(), &verilog::Style::default()).unwrap();
/// assert!(files[0].text.contains("assign b_o = ~a_i;"));
/// ```
pub fn emit(module: &Arc<Module>, style: &Style) -> Result<Vec<File>, VerilogError> {
    let mut modules = clocking::hierarchy(module, style.gating)?;
    if let Some(cell) = &style.clock_gate
        && style.gating != Gating::Enable
        && modules.iter().any(|(module, _)| clocking::gates(module))
    {
        for part in cell.hierarchy().into_iter().rev() {
            match modules.iter().find(|(known, _)| known.name == part.name) {
                None => modules.insert(0, (part, Clocking::Plain)),
                Some((known, _)) if *known == part => {}
                Some(_) => return Err(VerilogError::ClockGateClash(part.name.clone())),
            }
        }
    }
    let mut files = Vec::new();
    for (module, clocking) in modules {
        let text = match &module.body {
            Body::Logic(logic) => module::print(&module, logic, style, clocking)?,
            Body::BlackBox(black_box) => match &black_box.verilog {
                Some(text) => text.clone(),
                None => continue,
            },
        };
        files.push(File { module: clocking.name(&module), text });
    }
    Ok(files)
}

/// Runs a step of a recursion, on more stack if there is little left: descriptions may nest, and
/// chain expressions, deeper than a thread's stack is.
fn deep<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, step)
}

/// The comment at the top of a module.
fn header(text: &mut Text, module: &Module, style: &Style) {
    text.comment(if module.doc.is_empty() { &module.name } else { &module.doc });
    let mut facts: Vec<String> =
        module.parameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    if !facts.is_empty() {
        facts = vec![format!("Parameters: {}.", facts.join(", "))];
    }
    if let Some(latency) = module.latency {
        facts.push(format!("Latency: {latency} {}.", cycles(latency)));
    }
    if let Some(interval) = module.initiation_interval {
        facts.push(format!("Initiation interval: {interval} {}.", cycles(interval)));
    }
    if !facts.is_empty() {
        text.comment("\n");
        facts.iter().for_each(|fact| text.comment(fact));
    }
    text.comment("\n");
    let from = match &style.digest {
        Some(digest) => format!(" from configuration {digest}"),
        None => String::new(),
    };
    text.comment(&format!("Generated by lacuna {}{from}; do not edit.", env!("CARGO_PKG_VERSION")));
    text.gap();
}

fn cycles(count: u32) -> &'static str {
    if count == 1 { "cycle" } else { "cycles" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Tech;
    use crate::hdl::{ModuleBuilder, bit, uint};

    /// A module called `child` on a gated clock.
    fn gated(child: &str) -> Arc<Module> {
        let m = ModuleBuilder::new(child);
        let held = m.register("held", bit()).reset(0);
        held.set(!held);
        m.output("held_o", bit()).set(held);
        let child = m.finish().unwrap();
        let m = ModuleBuilder::new("top");
        let clock = m.gated_clock("clk_child", m.input("enable_i", bit()));
        let child = m.instance("child", &child);
        child.clocked_by(clock);
        m.output("held_o", bit()).set(child.output("held_o"));
        m.finish().unwrap()
    }

    #[test]
    fn a_text_of_contracts_alone_has_nothing_else_to_say() {
        let m = ModuleBuilder::new("inner");
        let input = m.stream_in("in", &[("data", uint(4))]);
        let output = m.stream_out("out", &[("data", uint(4))]);
        output.valid.set(input.valid);
        input.ready.set(output.ready);
        output["data"].set(input["data"]);
        let ghost = m.register("ghost", uint(4)).reset(0);
        m.when(input.valid, || ghost.set(input["data"]));
        m.assert("ghost_is_small", ghost.lt(15));
        m.assume("data_is_small", input["data"].lt(15));
        let inner = m.finish().unwrap();
        let text = |module: &Arc<Module>| emit(module, &Style::default()).unwrap()[0].text.clone();
        let kept = ["in_held: assume", "out_held: assert", "data_is_small: assume"];
        let left_out = ["ghost_q", "ghost_is_small"];
        let (all, few) = (text(&inner), text(&inner.with_contracts_alone()));
        assert!(kept.iter().chain(&left_out).all(|part| all.contains(part)), "{all}");
        assert!(kept.iter().all(|part| few.contains(part)), "{few}");
        assert!(!left_out.iter().any(|part| few.contains(part)), "{few}");

        let m = ModuleBuilder::new("outer");
        let instance = m.instance("inner", &inner);
        instance.feed("in", &m.stream_in("in", &[("data", uint(4))]));
        instance.drain("out", &m.stream_out("out", &[("data", uint(4))]));
        assert_eq!(text(&m.finish().unwrap().with_contracts_alone()), few);
    }

    #[test]
    fn a_gated_clock_needs_its_cell() {
        let with_cell = crate::tech::style(&Tech::default(), None);
        let cell = with_cell.clock_gate.as_ref().unwrap().name.clone();
        assert_eq!(emit(&gated("child"), &with_cell).unwrap().len(), 3);
        let missing = emit(&gated("child"), &Style::default());
        assert!(matches!(missing, Err(VerilogError::NoClockGate { .. })), "{missing:?}");
        let clash = emit(&gated(&cell), &with_cell);
        assert_eq!(clash, Err(VerilogError::ClockGateClash(cell)));
    }
}
