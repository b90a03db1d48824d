//! A shell around a module whose ports are a bus of AMBA, which gives them the names they have there.
//!
//! Streams called `s_axis` or `m_axis` are AXI4-Stream; those called `s_axil_` and a channel are
//! AXI4-Lite.

use std::sync::Arc;

use minijinja::{Value, context};

use super::render::{generator, render};
use crate::config::{Reset, Tech};
use crate::hdl::Module;
use crate::hdl::ir::Direction;
use crate::verilog::File;

/// Whether a module speaks AXI.
pub(crate) fn speaks_axi(module: &Module) -> bool {
    module
        .streams
        .iter()
        .any(|stream| ["s_axi", "m_axi"].iter().any(|axi| stream.name.starts_with(axi)))
}

/// What a port is called there: `s_axis_valid_i` is `s_axis_tvalid`, `s_axil_aw_addr_i` is
/// `s_axil_awaddr`, and `irq_o` is `irq`.
fn amba(module: &Module, name: &str) -> String {
    let bare = name.strip_suffix("_i").or(name.strip_suffix("_o")).unwrap_or(name);
    let channel = module.streams.iter().find_map(|stream| {
        let field = bare.strip_prefix(&format!("{}_", stream.name))?;
        Some((stream.name.as_str(), field))
    });
    match channel {
        Some((stream, field)) if stream.ends_with("axis") => format!("{stream}_t{field}"),
        Some((stream, field)) => format!("{stream}{field}"),
        None => bare.to_string(),
    }
}

/// What a module is called from outside, with its clock, its reset and its ports: those of its shell,
/// if it has one.
pub(super) struct Outside<'a> {
    module: &'a Module,
    is_shell: bool,
}

impl Outside<'_> {
    pub fn of(module: &Module) -> Outside<'_> {
        Outside { module, is_shell: speaks_axi(module) }
    }

    pub fn name(&self) -> String {
        let shell = if self.is_shell { "_axi" } else { "" };
        format!("{}{shell}", self.module.name)
    }

    pub fn clock(&self) -> &'static str {
        if self.is_shell { "aclk" } else { "clk_i" }
    }

    pub fn reset(&self, tech: &Tech) -> &'static str {
        if self.is_shell { "aresetn" } else { tech.reset.port() }
    }

    pub fn port(&self, name: &str) -> String {
        if self.is_shell { amba(self.module, name) } else { name.to_string() }
    }
}

/// The shell of a module that speaks AXI.
pub fn axi_shell(module: &Arc<Module>, tech: &Tech, digest: Option<&str>) -> Option<File> {
    if !speaks_axi(module) {
        return None;
    }
    let head = |direction: Direction, width: u32| {
        let keyword = match direction {
            Direction::Input => "input  wire",
            Direction::Output => "output wire",
        };
        match width {
            1 => keyword.to_string(),
            width => format!("{keyword} [{}:0]", width - 1),
        }
    };
    let mut ports = vec![
        (
            head(Direction::Input, 1),
            "clk_i".to_string(),
            Outside::of(module).clock().to_string(),
            false,
        ),
        (
            head(Direction::Input, 1),
            tech.reset.port().to_string(),
            Outside::of(module).reset(tech).to_string(),
            tech.reset == Reset::SyncHigh,
        ),
    ];
    ports.extend(module.ports.iter().map(|&port| {
        let signal = module.signal(port);
        let head = head(module.direction(port), signal.ty.width);
        (head, signal.name.clone(), amba(module, &signal.name), false)
    }));
    let width = ports.iter().map(|(head, ..)| head.len()).max().unwrap_or(0);
    let port = |(head, name, amba, inverted): (String, String, String, bool)| {
        context! { head => format!("{head:width$}"), name, amba, inverted }
    };
    let ports: Vec<Value> = ports.into_iter().map(port).collect();
    let name = &module.name;
    let text = render("axi_shell.v", context! { name, ports, digest, generator => generator() });
    Some(File { module: Outside::of(module).name(), text })
}
