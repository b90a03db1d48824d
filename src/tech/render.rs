//! Rendering of the templates.

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior, Value};

use crate::hdl::ir::{Direction, Module};

macro_rules! templates {
    ($folder:literal: $($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../", $folder, "/", $name, ".j2")))),*]
    };
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // The output is hardware and plain text, never HTML.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.add_filter("hex", |value: u32| format!("{value:#05x}"));
    environment.add_filter("mask", |low: u32, width: u32| (u32::MAX >> (32 - width)) << low);
    environment.add_filter("sentence", |text: String| {
        let mut letters = text.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    });
    let cells_and_collateral = templates![
        "rtl_templates":
        "clock_gate_latch.v",
        "clock_gate_falling_edge.v",
        "clock_gate_cell.v",
        "clock_gate_model.v",
        "sync_ram.v",
        "reset_synchronizer.v",
        "clock_gate_properties.v",
        "sync_ram_properties.v",
        "reset_synchronizer_properties.v",
        "design.f",
        "design.core",
        "top.sdc",
        "datasheet.md",
        "registers.h",
        "registers.rdl",
        "registers.md",
        "axi_shell.v",
    ];
    let testbenches = templates!["tb": "streams.v", "ports.v", "Makefile"];
    for (name, text) in cells_and_collateral.into_iter().chain(testbenches) {
        environment.add_template(name, text).expect("the templates are part of the program");
    }
    environment
});

/// The generator, as the files name it.
pub(crate) fn generator() -> String {
    format!("lacuna {}", env!("CARGO_PKG_VERSION"))
}

/// Renders a template. Its variables come from this program, so a failure is a defect of it.
pub(crate) fn render(name: &str, variables: Value) -> String {
    let template = TEMPLATES.get_template(name).expect("the name is one of the list");
    let text = template.render(variables);
    let mut text = text.unwrap_or_else(|error| panic!("template {name}: {error:#}"));
    // The renderer takes the last end of line for part of the template's file, not of its text.
    text.push('\n');
    text
}

/// Compares the ports in a cell's text with the ones declared in Rust, clock and reset included.
pub(super) fn check_ports(module: &Module, clock_and_reset: &[&str], text: &str) {
    let mut found: Vec<(Direction, u32, String)> = Vec::new();
    for line in text.lines().map(str::trim) {
        let direction = match () {
            _ if line.starts_with("input ") => Direction::Input,
            _ if line.starts_with("output ") => Direction::Output,
            _ => continue,
        };
        let code = line.split("//").next().unwrap_or_default().trim().trim_end_matches(',');
        let width = match (code.find('['), code.find(':')) {
            (Some(open), Some(colon)) => {
                code[open + 1..colon].parse::<u32>().expect("ranges are numbers") + 1
            }
            _ => 1,
        };
        let name = code.split_whitespace().next_back().unwrap_or_default().to_string();
        found.push((direction, width, name));
    }
    let clocks = clock_and_reset.iter().map(|name| (Direction::Input, 1, name.to_string()));
    let ports = module.ports.iter().map(|&port| {
        let signal = module.signal(port);
        (module.direction(port), signal.ty.width, signal.name.clone())
    });
    let declared: Vec<_> = clocks.chain(ports).collect();
    assert_eq!(found, declared, "the template of `{}` has other ports than declared", module.name);
}
