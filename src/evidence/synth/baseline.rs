//! The plain Verilog beside a block, under the block's name.

use std::fmt::Write as _;

use crate::blocks::Baseline;
use crate::config::Tech;
use crate::hdl::Module;
use crate::hdl::ir::Direction;
use crate::verilog::File;

/// The baseline's text, and a module of the name and the ports of `module` that only instances it.
/// Where streams are numbered, such as `in_0` and `in_1`, the baseline has one port for a field of
/// all of them, the first lowest.
pub fn files(baseline: &Baseline, module: &Module, tech: &Tech) -> Vec<File> {
    let plain = File { module: baseline.module.into(), text: baseline.text.into() };
    let mut ports: Vec<(String, String)> = vec![];
    if module.has_clock {
        ports.push(("input  wire ".into(), "clk_i".into()));
    }
    if module.has_reset {
        ports.push(("input  wire ".into(), tech.reset.port().into()));
    }
    ports.extend((0..module.ports.len()).map(|index| {
        let is_input = module.direction(module.ports[index]) == Direction::Input;
        let direction = if is_input { "input " } else { "output" };
        let signal = module.port(index);
        let range = match signal.ty.width {
            1 => String::new(),
            width => format!("[{}:0] ", width - 1),
        };
        (format!("{direction} wire {range}"), signal.name.clone())
    }));
    let mut text = format!("`default_nettype none\n\nmodule {} (\n", module.name);
    let list = |of: &dyn Fn(&(String, String)) -> String| {
        ports.iter().map(of).collect::<Vec<_>>().join(",\n")
    };
    let _ = writeln!(text, "{}\n);", list(&|(what, name)| format!("  {what}{name}")));
    let parameters: Vec<String> =
        baseline.parameters.iter().map(|(name, value)| format!("    .{name}({value})")).collect();
    let parameters = match parameters.is_empty() {
        true => String::new(),
        false => format!("#(\n{}\n  ) ", parameters.join(",\n")),
    };
    let connections: Vec<String> = connections(module, ports.iter().map(|(_, name)| name.as_str()))
        .into_iter()
        .map(|(port, values)| match &values[..] {
            [value] => format!("    .{port}({value})"),
            _ => format!("    .{port}({{{}}})", values.join(", ")),
        })
        .collect();
    let connections = connections.join(",\n");
    let _ = writeln!(text, "  {} {parameters}u_plain (\n{connections}\n  );", baseline.module);
    text.push_str("endmodule\n\n`default_nettype wire\n");
    vec![plain, File { module: module.name.clone(), text }]
}

/// The ports of the baseline, each with what it is connected to, the highest first.
fn connections<'a>(
    module: &Module,
    names: impl Iterator<Item = &'a str>,
) -> Vec<(String, Vec<&'a str>)> {
    let mut connections: Vec<(String, Vec<&str>)> = vec![];
    for name in names {
        let is_part =
            |stem: &str| name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('_'));
        let mut streams = module.streams.iter().map(|stream| stream.name.as_str());
        let port = streams.find(|stream| is_part(stream)).and_then(|stream| {
            let (base, number) = stream.rsplit_once('_')?;
            number.parse::<u32>().ok()?;
            Some(format!("{base}{}", &name[stream.len()..]))
        });
        let port = port.unwrap_or(name.to_string());
        match connections.iter_mut().find(|(known, _)| *known == port) {
            Some((_, values)) => values.insert(0, name),
            None => connections.push((port, vec![name])),
        }
    }
    connections
}
