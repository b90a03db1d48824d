//! OpenSTA: the slowest paths of a netlist of OSU018 cells.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::tool::{OPENSTA, ToolError, said};

/// Where a path begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathClass {
    /// From a register to a register.
    RegisterToRegister,
    /// From an input to a register.
    InputToRegister,
    /// From a register to an output.
    RegisterToOutput,
    /// From an input to an output.
    InputToOutput,
}

/// The slowest path of a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimingPath {
    /// Where it begins and ends.
    pub class: PathClass,
    /// From the launching edge to the end of the setup time, in ns.
    pub nanoseconds: f64,
    /// The register or port at which it begins.
    pub start: String,
    /// The register or port at which it ends.
    pub end: String,
}

impl PathClass {
    /// Every class, with the Tcl that selects its ends.
    const ALL: [(PathClass, &str); 4] = [
        (PathClass::RegisterToRegister, "-from $clocks -to $data"),
        (PathClass::InputToRegister, "-from $inputs -to $data"),
        (PathClass::RegisterToOutput, "-from $clocks -to [all_outputs]"),
        (PathClass::InputToOutput, "-from $inputs -to [all_outputs]"),
    ];
}

/// What stands before each report.
const MARK: &str = "lacuna path class";

/// Long enough for any path, in ns; what is reported does not depend on it.
const PERIOD: f64 = 1000.0;

/// The slowest path of each class of the module `top`, whose netlist is `netlist.v` in the folder.
/// The clock `clk_i` is ideal, nets have no resistance and no capacitance but that of the pins,
/// `setup` says what drives the inputs (`$inputs`) and what outputs load.
///
/// # Errors
/// [`ToolError`] if OpenSTA is missing or does not accept the netlist.
pub(crate) fn slowest_paths(
    folder: &Path,
    liberty: &Path,
    top: &str,
    setup: &str,
) -> Result<Vec<TimingPath>, ToolError> {
    let mut script = format!(
        "read_liberty {}\nread_verilog netlist.v\nlink_design {top}\n\
         set inputs {{}}\nforeach port [all_inputs] {{\n  \
         if {{[get_property $port full_name] ne \"clk_i\"}} {{lappend inputs $port}}\n}}\n\
         if {{[llength [get_ports -quiet clk_i]] > 0}} {{\n  \
         create_clock -name clk -period {PERIOD} [get_ports clk_i]\n\
         }} else {{\n  create_clock -name clk -period {PERIOD}\n}}\n\
         if {{[llength $inputs] > 0}} {{set_input_delay 0 -clock clk $inputs}}\n\
         set_output_delay 0 -clock clk [all_outputs]\n{setup}\n\
         set clocks [all_registers -clock_pins]\nset data [all_registers -data_pins]\n",
        liberty.display()
    );
    for (index, (class, ends)) in PathClass::ALL.iter().enumerate() {
        // It takes a path from or to nothing for a mistake.
        let from_inputs = matches!(class, PathClass::InputToRegister | PathClass::InputToOutput);
        let to_outputs = matches!(class, PathClass::RegisterToOutput | PathClass::InputToOutput);
        let from = if from_inputs { "$inputs" } else { "$clocks" };
        let to = if to_outputs { "[all_outputs]" } else { "$data" };
        let _ = writeln!(
            script,
            "puts \"{MARK} {index}\"\n\
             if {{[llength {from}] > 0 && [llength {to}] > 0}} {{report_checks {ends} -digits 4}}"
        );
    }
    let _ = writeln!(script, "puts \"{MARK} end\"");
    let what = "cannot write the script of OpenSTA".to_string();
    std::fs::write(folder.join("timing.tcl"), script)
        .map_err(|source| ToolError::Files { what, source })?;
    let output = OPENSTA.run_well(folder, &["-exit", "timing.tcl"])?;
    // It goes on after an error, and says nothing of it in its exit code.
    let said = said(&output);
    let has_failed = said.lines().any(|line| line.starts_with("Error"));
    match said.contains(&format!("{MARK} end")) && !has_failed {
        true => Ok(parse(&said)),
        false => Err(OPENSTA.failed(folder, &output)),
    }
}

fn parse(said: &str) -> Vec<TimingPath> {
    let reports = said.split(MARK).skip(1);
    let path = |report: &str| {
        let (index, report) = report.trim_start().split_once('\n')?;
        let (class, _) = PathClass::ALL.get(index.trim().parse::<usize>().ok()?)?;
        let point = |word: &str| {
            let line = report.lines().find_map(|line| line.strip_prefix(word))?;
            Some(line.split(" (").next()?.trim().to_string())
        };
        // Each line ends with its time and what it is; the first one of an edge is the launch's.
        let time = |what: &str, column: usize| {
            let line = report.lines().find(|line| line.trim_end().ends_with(what))?;
            line.split_whitespace().nth(column)?.parse::<f64>().ok()
        };
        let launch = report
            .lines()
            .find(|line| line.contains(" edge)"))
            .and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        let arrival = time("data arrival time", 0)?;
        let setup = -time("library setup time", 0).unwrap_or(0.0);
        Some(TimingPath {
            class: *class,
            nanoseconds: arrival - launch.unwrap_or(0.0) + setup,
            start: point("Startpoint:")?,
            end: point("Endpoint:")?,
        })
    };
    reports.filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_counts_from_its_launch_to_its_setup() {
        let said = "Warning\nlacuna path class 0\nStartpoint: a_q (falling edge-triggered)\n\
                    Endpoint: b_q[1] (rising edge-triggered flip-flop clocked by clk)\n\
                    \x20  500.0000   500.0000   clock clk (fall edge)\n\
                    \x20  0.0000    501.5000 v b_q[1]/D (DFFSR)\n\
                    \x20            501.5000   data arrival time\n\n\
                    \x20 -0.2500  999.7500   library setup time\n\
                    \x20          -501.5000   data arrival time\n\
                    lacuna path class 1\nNo paths found.\nlacuna path class end\n";
        let path = TimingPath {
            class: PathClass::RegisterToRegister,
            nanoseconds: 1.75,
            start: "a_q".into(),
            end: "b_q[1]".into(),
        };
        assert_eq!(parse(said), [path]);
    }
}
