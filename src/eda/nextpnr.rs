//! nextpnr: place and route, and what it says of the clock.

use std::path::Path;

use serde_json::Value;

use super::tool::{Tool, ToolError, said};

/// A device, as the options of a nextpnr say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    /// The nextpnr of the family.
    pub tool: Tool,
    /// The device, its package, and that pins may be anywhere.
    pub options: &'static [&'static str],
}

/// What came of placing and routing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Routed {
    /// The highest frequency between registers, in MHz; none if there is no such path.
    Fits(Option<f64>),
    /// The device is too small.
    TooLarge,
}

/// Words of nextpnr when something does not fit.
const TOO_LARGE: [&str; 4] =
    ["no more Bels", "Unable to find legal placement", "Unable to place cell", "exceeds available"];

/// Places and routes `json`, a file in the folder.
///
/// # Errors
/// [`ToolError`] if the tool is missing or fails in another way than for want of room.
pub(crate) fn place_and_route(
    folder: &Path,
    device: Device,
    json: &str,
    seed: u32,
) -> Result<Routed, ToolError> {
    let seed = seed.to_string();
    let mut arguments: Vec<&str> = device.options.to_vec();
    arguments.extend(["--json", json, "--seed", &seed, "--report", "report.json", "--quiet"]);
    let output = device.tool.run(folder, &arguments)?;
    if !output.status.success() {
        let said = said(&output);
        let is_too_large = TOO_LARGE.iter().any(|words| said.contains(words));
        return match is_too_large {
            true => Ok(Routed::TooLarge),
            false => Err(device.tool.failed(folder, &output)),
        };
    }
    let report = std::fs::read(folder.join("report.json")).ok();
    let fmax = report.and_then(|text| fmax(&text));
    fmax.map(Routed::Fits).ok_or_else(|| device.tool.failed(folder, &output))
}

/// The lowest of the clocks' highest frequencies.
fn fmax(report: &[u8]) -> Option<Option<f64>> {
    let report: Value = serde_json::from_slice(report).ok()?;
    let clocks = report.get("fmax")?.as_object()?.values();
    let achieved = clocks.filter_map(|clock| clock["achieved"].as_f64());
    Some(achieved.reduce(f64::min))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_clock_counts() {
        let report = br#"{"critical_paths": [], "fmax": {
            "a": {"achieved": 90.5, "constraint": 12}, "b": {"achieved": 80.25}}}"#;
        assert_eq!(fmax(report), Some(Some(80.25)));
        assert_eq!(fmax(br#"{"fmax": {}}"#), Some(None));
        assert_eq!(fmax(b"{}"), None);
    }
}
