//! A mapped netlist as plain data: cells, nets, and which module's instance each cell is in.
//!
//! Nets and cells get numbers for names. So there is one name for a net in the simulation, in the
//! timing analysis and here, whatever the three make of a hierarchy or of a name with brackets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::library::Library;
use crate::eda::{Liberty, ToolError, YOSYS, in_folder};
use crate::evidence::synth::Netlist;
use crate::verilog::File;

/// A net's number; 0 and 1 are the constants.
pub(super) type Net = usize;

/// The constants.
const CONSTANTS: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gates {
    pub top: String,
    pub ports: Vec<Port>,
    pub cells: Vec<Instance>,
    /// One more than the greatest net's number.
    pub nets: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub name: String,
    pub is_output: bool,
    /// The lowest first.
    pub nets: Vec<Net>,
}

/// A cell of the library in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    pub cell: String,
    /// The instances that lead to it from the top, which is the empty path.
    pub path: Vec<String>,
    pub pins: BTreeMap<String, Net>,
}

impl Gates {
    /// What Yosys reads in a mapped netlist; none if it has anything but cells of the library and
    /// instances of modules.
    pub fn parse(top: &str, netlist: &[u8]) -> Option<Gates> {
        let netlist: Value = serde_json::from_slice(netlist).ok()?;
        let mut reader = Reader { modules: netlist.get("modules")?, joined: vec![], cells: vec![] };
        reader.joined.extend(0..CONSTANTS);
        let mut scope = Scope::default();
        let mut ports = vec![];
        for (name, port) in reader.modules.get(top)?.get("ports")?.as_object()? {
            let is_output = match port.get("direction")?.as_str()? {
                "output" => true,
                "input" => false,
                _ => return None,
            };
            let nets = reader.nets(&mut scope, port.get("bits")?)?;
            ports.push(Port { name: name.clone(), is_output, nets });
        }
        reader.module(top, &[], scope)?;
        let Reader { joined, mut cells, .. } = reader;
        // Only nets that stand for themselves are left, in a row.
        let mut numbers = vec![None; joined.len()];
        let mut nets = 0;
        let mut number = |net: Net| {
            *numbers[root(&joined, net)].get_or_insert_with(|| {
                nets += 1;
                nets - 1
            })
        };
        (0..CONSTANTS).for_each(|constant| {
            number(constant);
        });
        ports.iter_mut().flat_map(|port| &mut port.nets).for_each(|net| *net = number(*net));
        cells.iter_mut().flat_map(|c| c.pins.values_mut()).for_each(|net| *net = number(*net));
        Some(Gates { top: top.to_string(), ports, cells, nets })
    }

    /// Reads a mapped netlist with Yosys.
    ///
    /// # Errors
    /// If Yosys or the liberty file is missing, or the text is no such netlist.
    pub fn json(netlist: &Netlist) -> Result<Vec<u8>, ToolError> {
        let file = File { module: netlist.top.clone(), text: netlist.text.clone() };
        in_folder(&[file], |folder| {
            let (liberty, top) = (Liberty::find()?.path, &netlist.top);
            let liberty = liberty.display();
            let script = format!(
                "read_liberty -lib {liberty}; read_verilog {top}.v; hierarchy -top {top}; \
                 write_json netlist.json"
            );
            YOSYS.run_well(folder, &["-q", "-p", &script])?;
            let what = "cannot read Yosys' netlist".to_string();
            std::fs::read(folder.join("netlist.json"))
                .map_err(|source| ToolError::Files { what, source })
        })
    }

    /// The constants and the nets that are driven.
    pub fn is_constant(net: Net) -> bool {
        net < CONSTANTS
    }

    /// Each net that is no constant.
    pub fn variables(&self) -> impl Iterator<Item = Net> + use<> {
        CONSTANTS..self.nets
    }

    /// What a net is called in Verilog. No port is: those of blocks end with their direction.
    pub fn net_name(net: Net) -> String {
        match net {
            0 => "1'b0".to_string(),
            1 => "1'b1".to_string(),
            net => format!("net{net}"),
        }
    }

    /// What a cell is called in Verilog.
    pub fn cell_name(index: usize) -> String {
        format!("cell{index}")
    }

    /// As a module that has the ports of the one it was made of.
    pub fn verilog(&self) -> String {
        let mut text = format!("module {} (", self.top);
        for (index, port) in self.ports.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let direction = if port.is_output { "output" } else { "input" };
            let (high, name) = (port.nets.len() - 1, &port.name);
            let _ = write!(text, "{comma}{direction} wire [{high}:0] {name}");
        }
        text.push_str(");\n");
        for net in self.variables() {
            let _ = writeln!(text, "  wire {};", Gates::net_name(net));
        }
        for port in &self.ports {
            for (bit, &net) in port.nets.iter().enumerate() {
                let (port, net) = (format!("{}[{bit}]", port.name), (port.is_output, net));
                let _ = match net {
                    (true, net) => writeln!(text, "  assign {port} = {};", Gates::net_name(net)),
                    (false, net) => writeln!(text, "  assign {} = {port};", Gates::net_name(net)),
                };
            }
        }
        self.instances(&mut text);
        text
    }

    /// As a module whose ports are nets: timing analysers know no assignments.
    pub fn bare_verilog(&self) -> String {
        let mut directions: BTreeMap<Net, &str> = BTreeMap::new();
        // What passes through is driven from outside, so inputs come last and stay.
        for is_output in [true, false] {
            let ports = self.ports.iter().filter(|port| port.is_output == is_output);
            let direction = if is_output { "output" } else { "input" };
            let nets = ports.flat_map(|port| &port.nets).filter(|net| !Gates::is_constant(**net));
            directions.extend(nets.map(|&net| (net, direction)));
        }
        let names: Vec<String> = directions.keys().map(|&net| Gates::net_name(net)).collect();
        let mut text = format!("module {} ({});\n", self.top, names.join(", "));
        for net in self.variables() {
            let kind = directions.get(&net).unwrap_or(&"wire");
            let _ = writeln!(text, "  {kind} {};", Gates::net_name(net));
        }
        self.instances(&mut text);
        text
    }

    fn instances(&self, text: &mut String) {
        for (index, instance) in self.cells.iter().enumerate() {
            let pins = instance.pins.iter();
            let pins = pins.map(|(pin, &net)| format!(".{pin}({})", Gates::net_name(net)));
            let pins = pins.collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "  {} {} ({pins});", instance.cell, Gates::cell_name(index));
        }
        text.push_str("endmodule\n");
    }

    /// The net of a port of one bit.
    pub fn port(&self, name: &str) -> Option<Net> {
        let port = self.ports.iter().find(|port| port.name == name)?;
        port.nets.first().copied()
    }

    /// Of each net, whether it is the clock: the port's, and what cells without a state make of it.
    pub fn clocks(&self, library: &Library) -> Vec<bool> {
        let mut is_clock = vec![false; self.nets];
        let mut reached: Vec<Net> = self.port("clk_i").into_iter().collect();
        while let Some(net) = reached.pop() {
            if std::mem::replace(&mut is_clock[net], true) {
                continue;
            }
            for instance in &self.cells {
                let cell = &library.cells[&instance.cell];
                let mut pins = instance.pins.iter();
                if !cell.is_sequential
                    && pins.any(|(pin, &at)| at == net && !cell.pins[pin].is_output)
                {
                    let outputs = instance.pins.iter().filter(|(pin, _)| cell.pins[*pin].is_output);
                    reached.extend(outputs.map(|(_, &net)| net));
                }
            }
        }
        is_clock
    }
}

/// The nets of a module's bits.
type Scope = BTreeMap<u64, Net>;

struct Reader<'a> {
    modules: &'a Value,
    /// For each net one that is the same, or itself.
    joined: Vec<Net>,
    cells: Vec<Instance>,
}

impl Reader<'_> {
    /// Takes in the cells of a module, whose ports are in `scope`.
    fn module(&mut self, name: &str, path: &[String], mut scope: Scope) -> Option<()> {
        let modules = self.modules;
        for (name, cell) in modules.get(name)?.get("cells")?.as_object()? {
            let kind = cell.get("type")?.as_str()?;
            let connections = cell.get("connections")?.as_object()?;
            let module = modules.get(kind)?;
            // Those of the library are black boxes.
            let is_cell = module.get("attributes")?.get("blackbox").is_some();
            let mut inside = Scope::new();
            let mut pins = BTreeMap::new();
            for (port, bits) in connections {
                let nets = self.nets(&mut scope, bits)?;
                if is_cell {
                    pins.insert(port.clone(), *nets.first()?);
                    continue;
                }
                let bits = module.get("ports")?.get(port)?.get("bits")?.as_array()?;
                for (bit, net) in bits.iter().zip(nets) {
                    self.connect(&mut inside, bit, net)?;
                }
            }
            if is_cell {
                let (cell, path) = (kind.to_string(), path.to_vec());
                self.cells.push(Instance { cell, path, pins });
            } else {
                let path: Vec<String> = path.iter().chain([name]).cloned().collect();
                self.module(kind, &path, inside)?;
            }
        }
        Some(())
    }

    /// Makes a port's bit inside of a module and a net outside one net.
    fn connect(&mut self, scope: &mut Scope, bit: &Value, net: Net) -> Option<()> {
        let inner = self.net(scope, bit)?;
        let (inner, outer) = (root(&self.joined, inner), root(&self.joined, net));
        // A constant stays one.
        self.joined[inner.max(outer)] = inner.min(outer);
        Some(())
    }

    fn nets(&mut self, scope: &mut Scope, bits: &Value) -> Option<Vec<Net>> {
        bits.as_array()?.iter().map(|bit| self.net(scope, bit)).collect()
    }

    fn net(&mut self, scope: &mut Scope, bit: &Value) -> Option<Net> {
        match (bit.as_u64(), bit.as_str()) {
            (Some(bit), _) => Some(*scope.entry(bit).or_insert_with(|| {
                self.joined.push(self.joined.len());
                self.joined.len() - 1
            })),
            // What is undefined is 0 in the netlist's own text, too.
            (None, Some("1")) => Some(1),
            (None, Some(_)) => Some(0),
            (None, None) => None,
        }
    }
}

fn root(joined: &[Net], mut net: Net) -> Net {
    while joined[net] != net {
        net = joined[net];
    }
    net
}
