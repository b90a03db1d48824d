//! What each net did in a simulation: its level before each edge of the clock and after it.

use std::path::Path;

use wellen::simple;

use super::PowerError;
use super::gates::{Gates, Net};

/// Time in waveforms from one edge of the clock to the other.
const HALF: u64 = 5;

/// Samples of each cycle: with the clock low, and high.
pub(super) const SAMPLES: u64 = 2;

/// The levels of all nets in some cycles that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Activity {
    pub cycles: u64,
    nets: Vec<Levels>,
}

/// Of a net: one level for the moment before, and [`SAMPLES`] for each cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Levels(Vec<bool>);

impl Activity {
    /// Reads a waveform: `cycles` cycles after the first `skipped`.
    ///
    /// # Errors
    /// If the waveform cannot be read, or has not every net that is no constant.
    pub fn read(
        gates: &Gates,
        waveform: &Path,
        skipped: u64,
        cycles: u64,
    ) -> Result<Activity, PowerError> {
        let unreadable = |error| PowerError::check(format!("cannot read the waveform: {error}"));
        let mut wave = simple::read(waveform).map_err(unreadable)?;
        let mut signals = vec![];
        for net in gates.variables() {
            let name = Gates::net_name(net);
            let scopes = [vec!["TOP", gates.top.as_str()], vec!["TOP"]];
            let found = scopes.iter().find_map(|path| wave.hierarchy().lookup_var(path, &name));
            let Some(found) = found else {
                let text = format!("the simulation shows nothing of {}", place(gates, net));
                return Err(PowerError::check(text));
            };
            signals.push((net, wave.hierarchy()[found].signal_ref()));
        }
        let all: Vec<_> = signals.iter().map(|(_, signal)| *signal).collect();
        wave.load_signals(&all);
        let (first, count) = (skipped * SAMPLES, (cycles * SAMPLES) as usize);
        // Sample k is taken at this time; the one before the first cycle is the first.
        let sample = |time: u64| (time / HALF + 1).saturating_sub(first) as usize;
        let mut nets = vec![Levels::default(); gates.nets];
        for (net, signal) in signals {
            let Some(signal) = wave.get_signal(signal) else {
                let text = format!("the waveform has no values of {}", place(gates, net));
                return Err(PowerError::check(text));
            };
            let levels = &mut nets[net].0;
            let mut level = false;
            for (time, value) in signal.iter_changes() {
                let at = sample(wave.time_table()[time as usize]).min(count + 1);
                levels.resize(at.max(levels.len()), level);
                level = value.to_bit_string().as_deref() == Some("1");
            }
            levels.resize(count + 1, level);
        }
        Ok(Activity { cycles, nets })
    }

    /// How often a net changes in all cycles together.
    pub fn toggles(&self, net: Net) -> u64 {
        self.changes(net).count() as u64
    }

    /// The samples at which a net has another level than at the one before, and whether it rises.
    pub fn changes(&self, net: Net) -> impl Iterator<Item = (usize, bool)> + '_ {
        let levels = self.nets[net].0.windows(2).enumerate();
        levels.filter(|(_, pair)| pair[0] != pair[1]).map(|(sample, pair)| (sample, pair[1]))
    }

    /// Whether a net changes at a sample.
    pub fn changes_at(&self, net: Net, sample: usize) -> bool {
        self.nets[net].0.get(sample..sample + 2).is_some_and(|pair| pair[0] != pair[1])
    }

    /// The level of a net in a cycle before the clock's edge, and after it.
    #[cfg(test)]
    pub fn levels(&self, net: Net, cycle: u64) -> [bool; 2] {
        let first = (1 + SAMPLES * cycle) as usize;
        [self.nets[net].0[first], self.nets[net].0[first + 1]]
    }

    #[cfg(test)]
    pub fn of(nets: &[&[bool]]) -> Activity {
        let levels = nets.iter().map(|levels| Levels(levels.to_vec())).collect();
        let samples = nets.iter().map(|levels| levels.len()).max().unwrap_or(1) as u64 - 1;
        Activity { cycles: samples / SAMPLES, nets: levels }
    }
}

/// A net in words: its own name says nothing.
fn place(gates: &Gates, net: Net) -> String {
    let at_port = gates.ports.iter().find(|port| port.nets.contains(&net));
    let at_cell = gates.cells.iter().find(|cell| cell.pins.values().any(|&at| at == net));
    match (at_port, at_cell) {
        (Some(port), _) => format!("a net at the port `{}`", port.name),
        (None, Some(cell)) => format!("a net at a {} in `{}`", cell.cell, cell.path.join(".")),
        (None, None) => "a net".to_string(),
    }
}
