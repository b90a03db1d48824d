//! From what each net did to power: what its toggles cost, summed by part and by module.

use std::collections::BTreeMap;

use super::activity::{Activity, SAMPLES};
use super::analysis::{Analysis, CellAnalysis, PERIOD};
use super::gates::{Gates, Instance, Net};
use super::library::{Cell, Energy, Library};
use super::{Parts, PowerError};

/// How far OpenSTA's power at uniform activity may be from that of the same sums: what single
/// precision leaves.
pub(super) const TOLERANCE: f64 = 1e-3;

/// What a part of a design is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Combinational,
    Sequential,
    Clock,
    Inputs,
}

/// The sums.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub groups: BTreeMap<Group, Parts>,
    /// By the instances that lead to a module, of whatever group.
    pub modules: BTreeMap<Vec<String>, Parts>,
}

/// A netlist and all that is known of it but what it does.
pub(super) struct Plant<'a> {
    pub library: &'a Library,
    pub gates: &'a Gates,
    pub analysis: &'a Analysis,
    is_clock: Vec<bool>,
    /// What each net has to charge when it toggles, in pF.
    loads: Vec<f64>,
}

impl<'a> Plant<'a> {
    pub fn new(library: &'a Library, gates: &'a Gates, analysis: &'a Analysis) -> Plant<'a> {
        let mut loads = vec![[0.0; 2]; gates.nets];
        for instance in &gates.cells {
            for (pin, &net) in &instance.pins {
                let pin = &library.cells[&instance.cell].pins[pin];
                loads[net].iter_mut().zip(pin.capacitances).for_each(|(sum, one)| *sum += one);
            }
        }
        // The larger of the two, as OpenSTA has it; they are much the same.
        let loads = loads.into_iter().map(|[rise, fall]| f64::max(rise, fall)).collect();
        Plant { library, gates, analysis, is_clock: gates.clocks(library), loads }
    }

    /// Power at a clock of `clock_mhz`.
    ///
    /// # Errors
    /// If a pin toggles of which no slew is known.
    pub fn account(&self, activity: &Activity, clock_mhz: f64) -> Result<Account, PowerError> {
        let mut account = Account::default();
        // From pJ in all cycles to mW.
        let scale = clock_mhz / activity.cycles as f64 * 1e-3;
        for (instance, timing) in self.gates.cells.iter().zip(&self.analysis.cells) {
            let cell = &self.library.cells[&instance.cell];
            let group = self.group(instance, cell);
            let leakage = Parts { leakage_mw: cell.leakage * 1e-6, ..Parts::default() };
            account.add(group, &instance.path, leakage);
            for (pin, &net) in &instance.pins {
                let toggles = activity.toggles(net);
                if toggles == 0 {
                    continue;
                }
                let is_output = cell.pins[pin].is_output;
                if is_output && self.loads[net] > 0.0 && !timing.is_reached(pin) {
                    return Err(PowerError::check(format!(
                        "OpenSTA sees no way to a pin `{pin}` that toggles"
                    )));
                }
                let charged = if is_output { self.charge(net) * toggles as f64 } else { 0.0 };
                let used = self.internal(instance, cell, timing, pin, activity)?;
                let parts = Parts {
                    internal_mw: used * scale,
                    switching_mw: charged * scale,
                    ..Parts::default()
                };
                let group = if self.is_clock[net] { Group::Clock } else { group };
                account.add(group, &instance.path, parts);
            }
        }
        for net in self.driven_from_outside() {
            let charged = self.charge(net) * activity.toggles(net) as f64;
            let group = if self.is_clock[net] { Group::Clock } else { Group::Inputs };
            account.add(group, &[], Parts { switching_mw: charged * scale, ..Parts::default() });
        }
        Ok(account)
    }

    /// Of each cell of one output that is no clock, how often that toggles in a cycle; and what this
    /// takes to charge the nets behind them, in mW.
    pub fn charged(&self, activity: &Activity, clock_mhz: f64) -> (BTreeMap<usize, f64>, f64) {
        let (mut toggles, mut sum) = (BTreeMap::new(), 0.0);
        for (index, instance) in self.gates.cells.iter().enumerate() {
            let cell = &self.library.cells[&instance.cell];
            let outputs = instance.pins.iter().filter(|(pin, _)| cell.pins[*pin].is_output);
            if let [(_, &net)] = outputs.collect::<Vec<_>>()[..]
                && !self.is_clock[net]
            {
                let often = activity.toggles(net) as f64 / activity.cycles as f64;
                toggles.insert(index, often);
                sum += self.charge(net) * often * clock_mhz * 1e-3;
            }
        }
        (toggles, sum)
    }

    /// What a toggle of a net takes from the supply to charge it, in pJ: half of what a rise does.
    fn charge(&self, net: Net) -> f64 {
        0.5 * self.loads[net] * self.library.voltage.powi(2)
    }

    fn driven_from_outside(&self) -> impl Iterator<Item = Net> + '_ {
        let mut nets: Vec<Net> = self
            .gates
            .ports
            .iter()
            .filter(|port| !port.is_output)
            .flat_map(|p| p.nets.clone())
            .collect();
        nets.sort_unstable();
        nets.dedup();
        nets.into_iter()
    }

    fn group(&self, instance: &Instance, cell: &Cell) -> Group {
        let mut outputs = instance.pins.iter().filter(|(pin, _)| cell.pins[*pin].is_output);
        match cell.is_sequential {
            true => Group::Sequential,
            false if outputs.any(|(_, &net)| self.is_clock[net]) => Group::Clock,
            false => Group::Combinational,
        }
    }

    /// What is used inside of a cell by the toggles of a pin, in pJ. That of an output depends on
    /// the input that caused it; where several toggled at once, each is as good as the other.
    fn internal(
        &self,
        instance: &Instance,
        cell: &Cell,
        timing: &CellAnalysis,
        pin: &str,
        activity: &Activity,
    ) -> Result<f64, PowerError> {
        let net = instance.pins[pin];
        let costs = cell.pins[pin].energies.iter().map(|energy| {
            let cause = energy.related.as_deref().unwrap_or(pin);
            let cause_net = instance.pins.get(cause).copied();
            let is_still = cause_net.is_none_or(Gates::is_constant);
            // What does not move is no cause.
            let cost = if is_still { None } else { Some(self.cost(energy, timing, cause, net)?) };
            Ok((cause_net, cost))
        });
        let costs = costs.collect::<Result<Vec<_>, PowerError>>()?;
        let costs: Vec<(Net, (f64, f64))> =
            costs.into_iter().filter_map(|(net, cost)| Some((net?, cost?))).collect();
        if costs.is_empty() {
            return Ok(0.0);
        }
        let mean = |rises: bool, of: &dyn Fn(Net) -> bool| {
            let chosen = costs.iter().filter(|(net, _)| of(*net));
            let chosen = chosen.map(|(_, (rise, fall))| if rises { rise } else { fall });
            let (sum, count) = chosen.fold((0.0, 0), |(sum, count), cost| (sum + cost, count + 1));
            (count > 0).then(|| sum / f64::from(count))
        };
        let toggles = activity.changes(net).map(|(sample, rises)| {
            let toggled = mean(rises, &|cause| activity.changes_at(cause, sample));
            // A latch that opens, or what a reset did.
            toggled.or_else(|| mean(rises, &|_| true)).unwrap_or(0.0)
        });
        Ok(toggles.sum())
    }

    /// What a rise and a fall of `net` cost that `cause` brings about, in pJ.
    fn cost(
        &self,
        energy: &Energy,
        timing: &CellAnalysis,
        cause: &str,
        net: Net,
    ) -> Result<(f64, f64), PowerError> {
        let slews = timing.slews.get(cause).filter(|(rise, fall)| {
            [rise, fall].iter().all(|slew| slew.is_finite() && (0.0..1e3).contains(*slew))
        });
        let &(rise, fall) = slews.ok_or_else(|| {
            PowerError::check(format!("OpenSTA knows no slew of a pin `{cause}` that toggles"))
        })?;
        let load = self.loads[net];
        Ok((energy.rise.at(load, rise), energy.fall.at(load, fall)))
    }

    /// Compares loads, leakage and energies with OpenSTA's, which cell for cell have to be the same
    /// where every net toggles once in each cycle, and the clock twice. Energies are compared of
    /// cells with one input, for which OpenSTA counts a rise and a fall at each toggle. Returns how
    /// many cells agree in all three.
    ///
    /// # Errors
    /// The cell that differs most, if it differs.
    pub fn compare(&self) -> Result<usize, PowerError> {
        let mut worst: Option<(f64, String)> = None;
        let mut whole = 0;
        let mut differ = |what: &str, instance: &Instance, mine: f64, theirs: f64| {
            let difference = (mine - theirs).abs() / mine.abs().max(theirs.abs()).max(1e-18);
            if difference > TOLERANCE && worst.as_ref().is_none_or(|(most, _)| *most < difference) {
                let (cell, path) = (&instance.cell, instance.path.join("."));
                let text = format!(
                    "{what} of a {cell} in `{path}` at uniform activity: {mine:e} W, of OpenSTA \
                     {theirs:e} W"
                );
                worst = Some((difference, text));
            }
        };
        for (instance, timing) in self.gates.cells.iter().zip(&self.analysis.cells) {
            let cell = &self.library.cells[&instance.cell];
            let (outputs, inputs): (Vec<_>, Vec<_>) =
                instance.pins.iter().partition(|(pin, _)| cell.pins[*pin].is_output);
            differ("the leakage", instance, cell.leakage * 1e-9, timing.leakage);
            // What follows from constants alone has no clock for OpenSTA, and does not toggle.
            if !outputs.iter().all(|(pin, _)| timing.is_reached(pin)) {
                continue;
            }
            // pJ each period in ns are mW.
            let rate = |net: Net| if self.is_clock[net] { 2.0 } else { 1.0 } * 1e-3 / PERIOD;
            let switching = outputs.iter().map(|(_, net)| self.charge(**net) * rate(**net));
            differ("the switching power", instance, switching.sum(), timing.switching);
            if let ([(output, net)], [(input, _)]) = (&outputs[..], &inputs[..])
                && let [energy] = &cell.pins[*output].energies[..]
            {
                let (rise, fall) = self.cost(energy, timing, input, **net)?;
                differ(
                    "the internal power",
                    instance,
                    (rise + fall) * rate(**net),
                    timing.internal,
                );
                whole += 1;
            }
        }
        match worst {
            Some((_, text)) => Err(PowerError::check(text)),
            None => Ok(whole),
        }
    }
}

impl Account {
    fn add(&mut self, group: Group, path: &[String], parts: Parts) {
        *self.groups.entry(group).or_default() += parts;
        *self.modules.entry(path.to_vec()).or_default() += parts;
    }
}

/// How many nets toggle in a cycle, on average, clocks apart.
pub(super) fn toggles_per_cycle(plant: &Plant, activity: &Activity) -> f64 {
    let nets = plant.gates.variables().filter(|&net| !plant.is_clock[net]);
    nets.map(|net| activity.toggles(net)).sum::<u64>() as f64 / activity.cycles as f64
}

const _: () = assert!(SAMPLES == 2, "a clock toggles at each sample");
