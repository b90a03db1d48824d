//! What a liberty file says about the power of its cells.

use std::collections::BTreeMap;

use crate::eda::Group;

/// A load that few nets have, in pF: energies that are known from there on say little about less.
pub(super) const HEAVY: f64 = 0.1;

/// Energies are in pJ, capacitances in pF, slews in ns, leakage in nW.
#[derive(Clone, Debug)]
pub(super) struct Library {
    /// Of the supply, in V.
    pub voltage: f64,
    /// In degrees Celsius.
    pub temperature: f64,
    pub cells: BTreeMap<String, Cell>,
}

#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// In the file's own unit.
    pub area: f64,
    pub leakage: f64,
    /// Whether it is a flip-flop or a latch.
    pub is_sequential: bool,
    pub pins: BTreeMap<String, Pin>,
}

#[derive(Clone, Debug)]
pub(super) struct Pin {
    pub is_output: bool,
    /// As a rise and as a fall see it.
    pub capacitances: [f64; 2],
    pub energies: Vec<Energy>,
}

/// What is used inside of the cell when a pin toggles, besides what charges its net.
#[derive(Clone, Debug)]
pub(super) struct Energy {
    /// Of an output's toggle, the input that causes it.
    pub related: Option<String>,
    pub rise: Table,
    pub fall: Table,
}

/// Numbers on a grid of one or two axes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    axes: Vec<(Axis, Vec<f64>)>,
    /// The last axis runs fastest.
    values: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Load,
    Slew,
}

impl Library {
    /// Reads a file's text; none if something is missing that power depends on, or a unit is not
    /// the expected one.
    pub fn parse(text: &str) -> Option<Library> {
        let file = Group::parse(text)?;
        let units = [("time_unit", "1ns"), ("voltage_unit", "1V"), ("leakage_power_unit", "1nW")];
        let expected = units.iter().all(|(name, unit)| file.value(name) == Some(unit));
        if !expected || file.values("capacitive_load_unit") != ["1", "pf"] {
            return None;
        }
        let templates = file.groups("power_lut_template").map(|template| {
            let axis = |name: &str| match template.value(name)? {
                "total_output_net_capacitance" => Some(Axis::Load),
                "input_transition_time" => Some(Axis::Slew),
                _ => None,
            };
            (template.name(), ["variable_1", "variable_2"].iter().filter_map(|v| axis(v)).collect())
        });
        let templates: BTreeMap<&str, Vec<Axis>> = templates.collect();
        let cells = file
            .groups("cell")
            .map(|cell| Some((cell.name().to_string(), Cell::read(cell, &templates)?)));
        Some(Library {
            voltage: number(&file, "nom_voltage")?,
            temperature: number(&file, "nom_temperature")?,
            cells: cells.collect::<Option<_>>()?,
        })
    }
}

impl Cell {
    /// The least load for which an energy was characterised.
    pub fn least_load(&self) -> Option<f64> {
        let energies = self.pins.values().flat_map(|pin| &pin.energies);
        energies.filter_map(|energy| energy.rise.least_load()).min_by(f64::total_cmp)
    }

    fn read(cell: &Group, templates: &BTreeMap<&str, Vec<Axis>>) -> Option<Cell> {
        let pins = cell.groups("pin").map(|pin| {
            let energies = pin.groups("internal_power").map(|group| Energy::read(group, templates));
            let read = Pin {
                is_output: pin.value("direction")? == "output",
                capacitances: [number(pin, "rise_capacitance")?, number(pin, "fall_capacitance")?],
                energies: energies.collect::<Option<_>>()?,
            };
            Some((pin.name().to_string(), read))
        });
        Some(Cell {
            area: number(cell, "area")?,
            leakage: number(cell, "cell_leakage_power")?,
            is_sequential: cell.groups("ff").chain(cell.groups("latch")).next().is_some(),
            pins: pins.collect::<Option<_>>()?,
        })
    }
}

impl Energy {
    fn read(group: &Group, templates: &BTreeMap<&str, Vec<Axis>>) -> Option<Energy> {
        let table = |kind: &str| {
            // One table may stand for both edges.
            let table = group.groups(kind).next().or_else(|| group.groups("power").next())?;
            Table::read(table, templates)
        };
        let related = group.value("related_pin").map(str::to_string);
        Some(Energy { related, rise: table("rise_power")?, fall: table("fall_power")? })
    }
}

impl Table {
    fn read(group: &Group, templates: &BTreeMap<&str, Vec<Axis>>) -> Option<Table> {
        let axes = templates.get(group.name())?.iter().zip(["index_1", "index_2"]);
        let axes = axes.map(|(&axis, index)| Some((axis, group.numbers(index)?)));
        let axes: Vec<(Axis, Vec<f64>)> = axes.collect::<Option<_>>()?;
        let values = group.numbers("values")?;
        let size: usize = axes.iter().map(|(_, points)| points.len()).product();
        (size == values.len() && axes.iter().all(|(_, points)| points.len() > 1))
            .then_some(Table { axes, values })
    }

    /// The value at a load and a slew: linear between the points, and on beyond the first and last.
    pub fn at(&self, load: f64, slew: f64) -> f64 {
        interpolate(&self.axes, &self.values, load, slew)
    }

    /// The least load that was characterised, if the table has one.
    fn least_load(&self) -> Option<f64> {
        self.axes.iter().find(|(axis, _)| *axis == Axis::Load).map(|(_, points)| points[0])
    }
}

fn interpolate(axes: &[(Axis, Vec<f64>)], values: &[f64], load: f64, slew: f64) -> f64 {
    let Some(((axis, points), rest)) = axes.split_first() else { return values[0] };
    let at = if *axis == Axis::Load { load } else { slew };
    let segment = points[1..points.len() - 1].iter().filter(|point| **point <= at).count();
    let size = values.len() / points.len();
    let row =
        |index: usize| interpolate(rest, &values[index * size..(index + 1) * size], load, slew);
    let (low, high) = (points[segment], points[segment + 1]);
    let share = (at - low) / (high - low);
    row(segment) * (1.0 - share) + row(segment + 1) * share
}

fn number(group: &Group, name: &str) -> Option<f64> {
    group.value(name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eda::Liberty;

    fn osu018() -> Library {
        Library::parse(&Liberty::find().unwrap().text).unwrap()
    }

    #[test]
    fn tables_are_linear_between_their_points_and_beyond() {
        let axes = vec![(Axis::Load, vec![1.0, 2.0, 4.0]), (Axis::Slew, vec![0.0, 1.0])];
        let table = Table { axes, values: vec![1.0, 2.0, 3.0, 4.0, 7.0, 8.0] };
        for (load, slew, value) in
            [(1.0, 0.0, 1.0), (2.0, 1.0, 4.0), (3.0, 0.5, 5.5), (0.0, 0.0, -1.0), (5.0, 2.0, 11.0)]
        {
            assert_eq!(table.at(load, slew), value, "{load} {slew}");
        }
    }

    /// What is said about the library wherever its numbers are used.
    #[test]
    fn the_library_is_what_the_caveats_say() {
        let library = osu018();
        assert_eq!((library.voltage, library.temperature), (1.8, 25.0));
        assert_eq!(library.cells.len(), 32);
        let heavy = |cell: &Cell| cell.least_load().is_some_and(|load| load >= HEAVY);
        let heavy: Vec<_> = library.cells.iter().filter(|(_, cell)| heavy(cell)).collect();
        let names: Vec<&str> = heavy.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["CLKBUF1", "CLKBUF2", "CLKBUF3", "DFFSR", "LATCH"]);
        for (name, cell) in library.cells.iter().filter(|(name, _)| !name.starts_with("TBUF")) {
            let (outputs, inputs): (Vec<_>, Vec<_>) =
                cell.pins.iter().partition(|(_, pin)| pin.is_output);
            // Each input of a gate can move an output, which has its energy.
            let known = |input: &String| {
                let mut energies = outputs.iter().flat_map(|(_, pin)| &pin.energies);
                energies.any(|energy| energy.related.as_ref() == Some(input))
            };
            for (input, pin) in inputs {
                assert!(cell.is_sequential || known(input), "{name}.{input}");
                assert!(cell.is_sequential || pin.energies.is_empty(), "{name}.{input}");
            }
        }
    }
}
