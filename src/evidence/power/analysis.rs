//! What OpenSTA knows of a netlist: the slew at each pin, and its own power at uniform activity.
//!
//! OpenSTA 2.0.17 cannot be told the activity of a net inside of a design: `set_power_activity
//! -pins` reads a variable that it never sets, and what its internal command annotates is
//! overwritten as activities are propagated from the inputs. It also counts the energy of a rise
//! and that of a fall for each toggle of most pins. So powers are summed in `account.rs`, with the
//! slews of OpenSTA, and compared with its own where both have to say the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::gates::Gates;
use crate::eda::{OPENSTA, ToolError, in_folder, liberty};
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

/// In ns.
pub(super) const PERIOD: f64 = 10.0;

impl Analysis {
    /// Asks OpenSTA.
    ///
    /// # Errors
    /// If it is missing, does not accept the netlist, or does not say everything.
    pub fn of(gates: &Gates) -> Result<Analysis, ToolError> {
        let netlist = File { module: gates.top.clone(), text: gates.bare_verilog() };
        in_folder(&[netlist], |folder| {
            let what = "cannot write a script".to_string();
            std::fs::write(
                folder.join("power.tcl"),
                script(gates, &liberty()?.display().to_string()),
            )
            .map_err(|source| ToolError::Files { what, source })?;
            let output = OPENSTA.run_well(folder, &["-no_splash", "-exit", "power.tcl"])?;
            let text = String::from_utf8_lossy(&output.stdout);
            // It ends well whatever happens.
            read(&text, gates).ok_or_else(|| OPENSTA.failed(folder, &output))
        })
    }
}

fn script(gates: &Gates, liberty: &str) -> String {
    let top = &gates.top;
    let clock = match gates.port("clk_i") {
        Some(net) => format!("[get_ports {}]", Gates::net_name(net)),
        None => String::new(),
    };
    format!(
        "read_liberty {liberty}\n\
         read_verilog {top}.v\n\
         link_design {top}\n\
         create_clock -name clock -period {PERIOD} {clock}\n\
         foreach port [all_inputs] {{\n\
         \x20 set_input_transition {INPUT_SLEW} $port\n\
         \x20 if {{[get_full_name $port] ne \"{clock_name}\"}} {{\n\
         \x20   set_input_delay 0 -clock clock $port\n\
         \x20 }}\n\
         }}\n\
         set_clock_transition {INPUT_SLEW} [get_clocks clock]\n\
         set_power_activity -global -activity 1 -duty 0.5\n\
         set corner [sta::cmd_corner]\n\
         foreach cell [get_cells *] {{\n\
         \x20 puts \"cell [get_full_name $cell] [sta::instance_power $cell $corner]\"\n\
         \x20 foreach pin [get_pins -of_objects $cell] {{\n\
         \x20   puts \"pin [get_full_name $pin] [get_property $pin actual_rise_transition_max] \
         [get_property $pin actual_fall_transition_max]\"\n\
         \x20 }}\n\
         }}\n\
         puts \"end\"\n",
        clock_name = gates.port("clk_i").map(Gates::net_name).unwrap_or_default(),
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
