//! Gated clocks: which modules need to know that their clock may stand still, and how.

use std::collections::HashSet;
use std::sync::Arc;

use super::VerilogError;
use crate::hdl::ir::{Body, DomainId, Logic, Module};

/// How gated clocks are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gating {
    /// By a cell for each, behind the cell of the clock that it gates.
    #[default]
    Tree,
    /// By a cell for each, all at the clock that is never gated: for cells that have to see it, or
    /// that should not stand in a row.
    Flat,
    /// By none: what would stand still holds its state unless it is enabled.
    Enable,
}

/// The port of a module that says whether its clock is to pass.
pub(super) const CLOCK_ENABLE: &str = "clk_enable_i";

/// The port of the clock that is never gated.
pub(super) const FREE_CLOCK: &str = "clk_free_i";

/// What a module is told about its clock, besides the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Clocking {
    /// Nothing.
    Plain,
    /// The clock is gated, and the gates inside stand beside its gate: there are [`FREE_CLOCK`] and
    /// [`CLOCK_ENABLE`] for them.
    Beside,
    /// The clock is not gated, and [`CLOCK_ENABLE`] says when it would pass.
    Enabled,
}

impl Clocking {
    /// What the module's name ends with.
    fn suffix(self) -> &'static str {
        match self {
            Clocking::Plain => "",
            Clocking::Beside => "_gated",
            Clocking::Enabled => "_enabled",
        }
    }

    /// What a module is called that is told so.
    pub(super) fn name(self, module: &Module) -> String {
        format!("{}{}", module.name, self.suffix())
    }

    /// The ports besides the clock, and what they are.
    pub(super) fn ports(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Clocking::Plain => &[],
            Clocking::Beside => &[
                (FREE_CLOCK, "the clock that is never gated"),
                (CLOCK_ENABLE, "whether the gated clock passes"),
            ],
            Clocking::Enabled => &[(CLOCK_ENABLE, "whether registers and memories move")],
        }
    }

    /// What a module is told that stands in `domain` of one that is told this itself.
    pub(super) fn of(self, domain: DomainId, module: &Arc<Module>, gating: Gating) -> Clocking {
        let is_gated = self != Clocking::Plain || domain != DomainId(0);
        match gating {
            Gating::Flat if is_gated && module.hierarchy().iter().any(gates) => Clocking::Beside,
            Gating::Enable if is_gated && module.has_clock => Clocking::Enabled,
            _ => Clocking::Plain,
        }
    }
}

/// Whether a module has a gated clock of its own.
pub(super) fn gates(module: &Arc<Module>) -> bool {
    module.logic().is_some_and(|logic| logic.domains.len() > 1)
}

/// A module and all that it instances at any depth, children first, each once for each way in which
/// it is clocked.
///
/// # Errors
/// If a black box of which nothing but the text is known is to be enabled, or a name is taken.
pub(super) fn hierarchy(
    top: &Arc<Module>,
    gating: Gating,
) -> Result<Vec<(Arc<Module>, Clocking)>, VerilogError> {
    fn visit(
        (module, clocking): (&Arc<Module>, Clocking),
        gating: Gating,
        found: &mut Vec<(Arc<Module>, Clocking)>,
    ) -> Result<(), VerilogError> {
        if found.iter().any(|(known, as_known)| known.name == module.name && *as_known == clocking)
        {
            return Ok(());
        }
        let as_child = |(child, domain)| (child, clocking.of(domain, child, gating));
        match &module.body {
            Body::Logic(logic) => {
                for child in instances(logic).map(as_child) {
                    visit(child, gating, found)?;
                }
            }
            Body::BlackBox(black_box) if clocking == Clocking::Enabled => {
                let Some(behavior) = &black_box.behavior else {
                    return Err(VerilogError::NotEnabled(module.name.clone()));
                };
                found.push((behavior.clone(), clocking));
                return Ok(());
            }
            Body::BlackBox(black_box) => {
                for part in &black_box.parts {
                    visit((part, Clocking::Plain), gating, found)?;
                }
            }
        }
        found.push((module.clone(), clocking));
        Ok(())
    }
    let mut found = vec![];
    visit((top, Clocking::Plain), gating, &mut found)?;
    let mut names = HashSet::new();
    for (module, clocking) in &found {
        let name = clocking.name(module);
        if !names.insert(name.clone()) {
            return Err(VerilogError::ClockingClash(name));
        }
    }
    Ok(found)
}

/// What a module instances: of what, and in which domain.
fn instances(logic: &Logic) -> impl Iterator<Item = (&Arc<Module>, DomainId)> {
    let single = logic.instances.iter().map(|instance| (&instance.module, instance.domain));
    single.chain(logic.arrays.iter().map(|array| (&array.module, array.domain)))
}
