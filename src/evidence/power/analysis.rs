//! What OpenSTA knows of a netlist: the slew at each pin, and its own power at uniform activity.
//!
//! OpenSTA 2.0.17 cannot be told the activity of a net inside of a design: `set_power_activity
//! -pins` calls a procedure that it does not have, and what the command below that one annotates is
//! overwritten as activities are propagated from the inputs. It also counts the energy of a rise
//! and that of a fall for each toggle of most pins. So powers are summed in `account.rs`, with the
//! slews of OpenSTA.
//!
//! Activity that is said to be everywhere the same does count. One cell after another is asked for
//! its power at the activity of its own output, so OpenSTA does say what recorded toggles cost to
//! charge the nets of a design.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::gates::Gates;
use crate::eda::{Liberty, OPENSTA, ToolError, in_folder};
use crate::verilog::File;

/// What edges at the inputs take, from 20 to 80 %, in ns: the least that the library has.
pub(super) const INPUT_SLEW: f64 = 0.06;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Analysis {
    /// For each cell.
    pub cells: Vec<CellAnalysis>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CellAnalysis {
    /// For each pin, of a rise and of a fall, in ns.
    pub slews: BTreeMap<String, (f64, f64)>,
    /// In W, with one toggle of every net but the clock in each cycle of [`PERIOD`].
    pub internal: f64,
    pub switching: f64,
    pub leakage: f64,
}

impl CellAnalysis {
    /// Whether anything that toggles reaches an output: where nothing does, nothing has a slew.
    pub fn is_reached(&self, output: &str) -> bool {
        self.slews.get(output).is_some_and(|&(rise, fall)| rise > 0.0 || fall > 0.0)
    }
}

/// In ns.
pub(super) const PERIOD: f64 = 10.0;

impl Analysis {
    /// Asks OpenSTA.
    ///
    /// # Errors
    /// If it is missing, does not accept the netlist, or does not say everything.
    pub fn of(gates: &Gates) -> Result<Analysis, ToolError> {
        let script = format!(
            "{}\
             set_power_activity -global -activity 1 -duty 0.5\n\
             foreach cell [get_cells *] {{\n\
             \x20 puts \"cell [get_full_name $cell] [sta::instance_power $cell $corner]\"\n\
             \x20 foreach pin [get_pins -of_objects $cell] {{\n\
             \x20   puts \"pin [get_full_name $pin] \
             [get_property $pin actual_rise_transition_max] \
             [get_property $pin actual_fall_transition_max]\"\n\
             \x20 }}\n\
             }}\n\
             puts \"end\"\n",
            setup(gates, PERIOD, &Liberty::find()?.path)
        );
        run(gates, &script, |text| read(text, gates))
    }
}

/// What it takes to charge the nets behind some cells, in mW, with so many toggles in each cycle
/// of `period` ns.
///
/// # Errors
/// If OpenSTA is missing, does not accept the netlist, or does not say it of each cell.
pub(super) fn switching(
    gates: &Gates,
    toggles: &BTreeMap<usize, f64>,
    period: f64,
) -> Result<f64, ToolError> {
    let mut script = setup(gates, period, &Liberty::find()?.path);
    for (&cell, toggles) in toggles {
        let name = Gates::cell_name(cell);
        script += &format!(
            "set_power_activity -global -activity {toggles} -duty 0.5\n\
             puts \"cell [sta::instance_power [get_cells {name}] $corner]\"\n"
        );
    }
    run(gates, &script, |text| {
        let cells = text.lines().filter_map(|line| line.strip_prefix("cell "));
        let powers: Option<Vec<f64>> =
            cells.map(|cell| cell.split_whitespace().nth(1)?.parse().ok()).collect();
        let powers = powers.filter(|powers| powers.len() == toggles.len())?;
        Some(powers.iter().sum::<f64>() * 1e3)
    })
}

/// Runs a script, and reads what it prints.
fn run<T>(
    gates: &Gates,
    script: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ToolError> {
    let netlist = File { module: gates.top.clone(), text: gates.bare_verilog() };
    in_folder(&[netlist], |folder| {
        let what = "cannot write a script".to_string();
        std::fs::write(folder.join("power.tcl"), script)
            .map_err(|source| ToolError::Files { what, source })?;
        let output = OPENSTA.run_well(folder, &["-no_splash", "-exit", "power.tcl"])?;
        // It ends well whatever happens.
        read(&String::from_utf8_lossy(&output.stdout))
            .ok_or_else(|| OPENSTA.failed(folder, &output))
    })
}

/// A script that reads the netlist and says what its clock and inputs do.
fn setup(gates: &Gates, period: f64, liberty: &Path) -> String {
    let (top, liberty) = (&gates.top, liberty.display());
    let clock = gates.port("clk_i").map(Gates::net_name).unwrap_or_default();
    let source = if clock.is_empty() { String::new() } else { format!("[get_ports {clock}]") };
    format!(
        "read_liberty {liberty}\n\
         read_verilog {top}.v\n\
         link_design {top}\n\
         create_clock -name clock -period {period} {source}\n\
         foreach port [all_inputs] {{\n\
         \x20 set_input_transition {INPUT_SLEW} $port\n\
         \x20 if {{[get_full_name $port] ne \"{clock}\"}} {{\n\
         \x20   set_input_delay 0 -clock clock $port\n\
         \x20 }}\n\
         }}\n\
         set_clock_transition {INPUT_SLEW} [get_clocks clock]\n\
         set corner [sta::cmd_corner]\n"
    )
}

/// What the script prints; none unless it says something of each cell and pin.
fn read(text: &str, gates: &Gates) -> Option<Analysis> {
    let mut analysis = Analysis { cells: vec![CellAnalysis::default(); gates.cells.len()] };
    let mut seen = 0;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let index = |name: &str| name.strip_prefix("cell")?.parse::<usize>().ok();
        match words[..] {
            ["cell", cell, internal, switching, leakage, _total] => {
                let cell = analysis.cells.get_mut(index(cell)?)?;
                cell.internal = internal.parse().ok()?;
                cell.switching = switching.parse().ok()?;
                cell.leakage = leakage.parse().ok()?;
                seen += 1;
            }
            ["pin", pin, rise, fall] => {
                let (cell, pin) = pin.split_once('/')?;
                let slews = (rise.parse().ok()?, fall.parse().ok()?);
                analysis.cells.get_mut(index(cell)?)?.slews.insert(pin.to_string(), slews);
            }
            ["end"] if seen == gates.cells.len() => {
                let mut all = analysis.cells.iter().zip(&gates.cells);
                // It has pins of its own for what is inside of a flip-flop.
                let is_whole = all
                    .all(|(cell, gate)| gate.pins.keys().all(|pin| cell.slews.contains_key(pin)));
                return is_whole.then_some(analysis);
            }
            _ => {}
        }
    }
    None
}
