//! What of a module's properties its text states.

use std::collections::HashSet;

use super::decide::without_targets;
use crate::hdl::dependencies::{Drivers, Used};
use crate::hdl::ir::{Logic, Module, Properties, SignalId, SignalKind};

/// The logic with the properties that are stated, and the signals that only the others look at: it
/// does not drive those. `used`: what anything but properties looks at.
pub(super) fn stated(module: &Module, logic: Logic, used: &Used) -> (Logic, HashSet<SignalId>) {
    if module.stated == Properties::All {
        return (logic, HashSet::new());
    }
    let mut logic = logic;
    logic.properties.retain(|property| property.is_contract);
    let stated = Used::of(module, &logic, &Drivers::of(&logic), true);
    let unstated: HashSet<SignalId> = (0..module.signals.len() as u32)
        .map(SignalId::from_index)
        .filter(|id| !used.signals[id.index()] && !stated.signals[id.index()])
        .filter(|id| module.signal(*id).kind != SignalKind::Input)
        .collect();
    logic.statements = without_targets(logic.statements, &unstated);
    for memory in &mut logic.memories {
        memory.async_reads.retain(|read| !unstated.contains(&read.data));
    }
    (logic, unstated)
}
