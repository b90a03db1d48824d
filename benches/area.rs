//! Where the gates of the default accelerator are: each module with all that is in it, in the OSU018
//! library, without what memories consist of.
//!
//! Modules stay apart, so nothing is optimised across them: shares say more than sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use lacuna::blocks::{Configured, find};
use lacuna::config::Tech;
use lacuna::design::Design;

const LIBERTY: &str = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

/// Area of a NAND2X1, in square micrometres.
const GATE: f64 = 24.0;

/// The parts that are named, by the ends of their modules' names.
const PARTS: [&str; 12] = [
    "engine_path",
    "engine_path_metric",
    "engine_path_generator",
    "engine_path_apply",
    "engine_path_delta",
    "engine_gated_cluster",
    "engine_requantiser",
    "engine_gating",
    "engine_counters",
    "packets",
    "registers_device",
    "registers_layer",
];

fn main() {
    let block = Configured::defaults(find("accelerator").expect("it is registered"));
    let top = block.elaborate().unwrap_or_else(|errors| panic!("{errors}"));
    let design = Design::new("area", vec![top], Tech::default(), None);
    let design = design.unwrap_or_else(|error| panic!("{error}"));
    let folder = tempfile::tempdir().expect("there is room");
    let mut script = String::new();
    for file in &design.verilog {
        let path = folder.path().join(format!("{}.v", file.module));
        std::fs::write(&path, &file.text).expect("there is room");
        writeln!(script, "read_verilog {}", path.display()).expect("it is a string");
    }
    let found = folder.path().join("areas.txt");
    writeln!(
        script,
        "hierarchy -top accelerator\nproc\nopt\nfsm\nopt\nwreduce\npeepopt\nalumacc\nshare\nopt\n\
         memory -nomap\nopt_clean\nopt -fast -full\ntechmap\nopt -fast\n\
         dfflibmap -liberty {LIBERTY}\nabc -liberty {LIBERTY}\nopt_clean\n\
         tee -o {} stat -liberty {LIBERTY}",
        found.display()
    )
    .expect("it is a string");
    let path = folder.path().join("area.ys");
    std::fs::write(&path, script).expect("there is room");
    let done =
        Command::new("yosys").args(["-q", "-s"]).arg(&path).output().expect("yosys is there");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let areas = with_all_inside(&std::fs::read_to_string(found).expect("it was written"));
    let all = areas["accelerator"];
    println!("accelerator: {:.0} GE without memories", all / GATE);
    for part in PARTS {
        let area = areas[&format!("accelerator_{part}")];
        println!("  {part:22} {:8.0} GE {:5.1} %", area / GATE, 100.0 * area / all);
    }
    let mask = ["metric", "generator", "apply"];
    let mask: f64 = mask.map(|part| areas[&format!("accelerator_engine_path_{part}")]).iter().sum();
    println!("metric, generator and apply: {:.1} %", 100.0 * mask / all);
}

/// The area of all copies of each module, with all that is in them.
fn with_all_inside(text: &str) -> BTreeMap<String, f64> {
    let own: BTreeMap<&str, f64> = text
        .lines()
        .filter_map(|line| {
            let (name, area) =
                line.trim().strip_prefix("Chip area for module '\\")?.split_once("':")?;
            Some((name, area.trim().parse().ok()?))
        })
        .collect();
    let tree = text.split("design hierarchy ===").nth(1).expect("Yosys prints the hierarchy");
    let mut areas = BTreeMap::new();
    let mut above: Vec<(usize, f64, &str)> = vec![];
    for line in tree.lines().skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty())
    {
        let depth = line.len() - line.trim_start().len();
        let (name, count) = line.trim().split_once(' ').expect("a name and a number");
        let count: f64 = count.trim().parse().expect("it is a number");
        above.retain(|(other, ..)| *other < depth);
        let copies = count * above.last().map_or(1.0, |(_, copies, _)| *copies);
        above.push((depth, copies, name));
        let area = own.get(name).copied().unwrap_or(0.0) * copies;
        for (_, _, module) in &above {
            *areas.entry(module.to_string()).or_insert(0.0) += area;
        }
    }
    areas
}
