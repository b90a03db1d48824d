//! What a cosimulation has to say at its end.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Row;
use crate::cli::{Report, table};
use crate::cosim::verilator::{Coverage, PointKind};
use crate::cosim::{Plan, Stalls, Workshop};
use crate::model::{Kind, Model};

/// More uncovered places of a module are counted, not listed.
const MOST_UNCOVERED: usize = 20;

/// The reports of all failures, the table, and what exactly was compared.
pub(super) fn report(rows: &[Row], plan: &Plan, workshop: &Workshop) -> Report {
    let passed = rows.iter().all(|row| row.outcome.failed == 0 && row.outcome.beats > 0);
    let mut text = String::new();
    for row in rows {
        if let Some(failure) = &row.outcome.failure {
            text += &failure.report(&row.subject, plan, row.waveform.as_deref());
            if let Some(case) = &row.case {
                text += &format!("\n replay: lacuna cosim --scenario {}", case.display());
            }
            if let Some(why) = &row.not_recorded {
                text += &format!("\n no waveform: {}", why.trim_end());
            }
            text += "\n\n";
        } else if row.outcome.beats == 0 {
            text += &format!(
                "{}: nothing was compared, because nothing came out; give more `--beats`\n",
                row.subject.name
            );
        } else if let Some(waveform) = &row.waveform {
            text += &format!("{}: waveform in {}\n", row.subject.name, waveform.display());
        }
    }
    text += &overview(rows);
    text += &uncovered(rows);
    text += &summary(rows, plan, workshop);
    Report { text, json: json(rows, plan, workshop, passed), passed }
}

/// A subject and what is not the default of it.
fn label(row: &Row) -> String {
    let name = std::iter::once(&row.subject.name);
    name.chain(&row.subject.settings).cloned().collect::<Vec<_>>().join(" ")
}

/// A row for each subject, in columns; numbers to the right.
fn overview(rows: &[Row]) -> String {
    let measured = rows.iter().any(|row| row.outcome.coverage.is_some());
    let mut head = vec!["block", "scenarios", "beats", "cycles", "failed"];
    if measured {
        head.extend(["lines", "toggles"]);
    }
    let mut cells: Vec<Vec<String>> = vec![head.into_iter().map(String::from).collect()];
    for row in rows {
        let outcome = &row.outcome;
        let mut line = vec![
            label(row),
            outcome.scenarios.len().to_string(),
            outcome.beats.to_string(),
            outcome.cycles.to_string(),
            outcome.failed.to_string(),
        ];
        if let Some(coverage) = &outcome.coverage {
            line.extend([lines(coverage), coverage.count(&PointKind::Toggle)].map(percent));
        }
        cells.push(line);
    }
    table::text(&cells)
}

/// Blocks of lines and branches that ran, of how many.
fn lines(coverage: &Coverage) -> (usize, usize) {
    let (hit, all) = coverage.count(&PointKind::Line);
    let (taken, branches) = coverage.count(&PointKind::Branch);
    (hit + taken, all + branches)
}

fn percent((hit, all): (usize, usize)) -> String {
    match all {
        0 => "-".to_string(),
        // What is not all must not look like all.
        _ => format!("{}%", hit * 100 / all),
    }
}

/// The places that were never reached, by module.
fn uncovered(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let Some(coverage) = &row.outcome.coverage else { continue };
        let missed: Vec<String> = coverage
            .points()
            .filter(|(_, hits)| *hits == 0)
            .map(|(point, _)| match point.kind {
                PointKind::Toggle => {
                    format!("{}.v:{}: {} never changed", point.module, point.line, point.comment)
                }
                _ => format!("{}.v:{}: {} never ran", point.module, point.line, point.comment),
            })
            .collect();
        if missed.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\nnot covered in {}", label(row));
        for line in missed.iter().take(MOST_UNCOVERED) {
            let _ = writeln!(text, "  {line}");
        }
        if missed.len() > MOST_UNCOVERED {
            let _ = writeln!(text, "  {} more", missed.len() - MOST_UNCOVERED);
        }
    }
    text
}

/// What exactly was compared.
fn summary(rows: &[Row], plan: &Plan, workshop: &Workshop) -> String {
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
    let failed = sum(|row| row.outcome.failed as u64);
    let unit =
        if rows.iter().any(|row| !row.outcome.scenarios.is_empty()) { "scenario" } else { "case" };
    let mut text = format!(
        "\n{}, {}, {}, {}, seed {:#010x}: {}\n",
        count(rows.len() as u64, "module"),
        count(sum(|row| row.outcome.scenarios.len() as u64), "scenario"),
        count(sum(|row| row.outcome.beats), "beat"),
        count(sum(|row| row.outcome.cycles), "cycle"),
        plan.seed,
        match failed {
            0 => "no mismatch".to_string(),
            _ => format!("{} failed", count(failed, unit)),
        }
    );
    if rows.iter().all(|row| row.outcome.scenarios.is_empty()) {
        let version = workshop.toolchain.verilator_version();
        return text + &format!("compared: one case, golden model = evaluator = {version}\n");
    }
    let ran = |row: &&Row| !row.outcome.scenarios.is_empty();
    let is_stream = |row: &&Row| matches!(row.subject.model, Model::Streams(_));
    let streams: Vec<&Row> = rows.iter().filter(ran).filter(is_stream).collect();
    let ports = rows.iter().filter(ran).any(|row| !is_stream(&row));
    let scenarios = rows.iter().flat_map(|row| &row.outcome.scenarios);
    let of_streams = streams.iter().flat_map(|row| &row.outcome.scenarios);
    let stalls: Vec<_> = of_streams.map(|scenario| scenario.stalls()).collect();
    let _ = writeln!(text, "compared, in {}:", workshop.toolchain.verilator_version());
    let mut say = |line: String| {
        let _ = writeln!(text, "  {line}");
    };
    let kinds: Vec<_> = scenarios.map(|scenario| scenario.kind).collect();
    let kinds = Kind::ALL.iter().filter(|kind| kinds.contains(kind));
    let kinds: Vec<&str> = kinds.map(|kind| kind.name()).collect();
    if !kinds.is_empty() {
        say(format!("stimulus: {}", kinds.join(", ")));
    }
    if !streams.is_empty() {
        let names = |of: fn(&(Stalls, Stalls)) -> Stalls| {
            let met = |profile: &&Stalls| stalls.iter().any(|pair| of(pair) == **profile);
            let names: Vec<&str> = Stalls::ALL.iter().filter(met).map(|s| s.name()).collect();
            names.join(", ")
        };
        let (sources, sinks) = (names(|pair| pair.0), names(|pair| pair.1));
        say("streams: golden model = Verilator in the value and order of every beat".into());
        say(format!("  stalls of the sources: {sources}; of the sinks: {sinks}"));
        if streams.iter().any(|row| !row.subject.shape.status.is_empty() && knows_status(row)) {
            say("  on plain outputs in every cycle".into());
        }
        if stalls.contains(&(Stalls::None, Stalls::None)) {
            let interval = if plan.measures_interval() { " and initiation interval" } else { "" };
            let timing = format!("the declared latency{interval}");
            say(format!("  without stalls also in the cycle of every beat; {timing}"));
            let names = |filled: bool| {
                let rows = streams.iter().filter(|row| row.outcome.filled == filled);
                rows.map(|row| label(row)).collect::<Vec<_>>()
            };
            let (filled, others) = (names(true), names(false));
            if !filled.is_empty() && others.is_empty() {
                say("  how many beats each holds".into());
            } else if !filled.is_empty() {
                say(format!("  how many beats each holds, but not of {}", others.join("; ")));
            }
        }
    }
    if ports {
        say("plain ports: golden model = Verilator on every known output in every cycle".into());
    }
    say("evaluator = Verilator on every port in every cycle from state zero;".into());
    say("  on all that is valid from a random state, with a reset in mid-stream".into());
    say("every property of the modules, in the evaluator and in Verilator".into());
    let unknown = |row: &&&Row| !row.subject.shape.status.is_empty() && !knows_status(row);
    for row in streams.iter().filter(unknown) {
        let names: Vec<&str> = row.subject.shape.status.iter().map(|f| f.name.as_str()).collect();
        say(format!("not with the golden model: {} of {}", names.join(", "), label(row)));
    }
    text
}

/// Whether the golden model of a block between streams knows its plain outputs.
fn knows_status(row: &Row) -> bool {
    matches!(&row.subject.model, Model::Streams(model) if model.has_status())
}

/// A number and what it counts.
fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn json(rows: &[Row], plan: &Plan, workshop: &Workshop, passed: bool) -> Value {
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map(|path| Value::from(path.display().to_string())).unwrap_or_default()
    };
    let count = |(hit, all): (usize, usize)| json!({ "hit": hit, "all": all });
    let blocks: Vec<Value> = rows
        .iter()
        .map(|row| {
            let outcome = &row.outcome;
            let failure = outcome.failure.as_ref();
            let coverage = outcome.coverage.as_ref().map(|coverage| {
                json!({
                    "lines": count(lines(coverage)),
                    "toggles": count(coverage.count(&PointKind::Toggle)),
                })
            });
            json!({
                "block": row.subject.name,
                "set": row.subject.settings,
                "scenarios": outcome.scenarios.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "beats": outcome.beats,
                "cycles": outcome.cycles,
                "failed": outcome.failed,
                "report": failure.map(|f| f.report(&row.subject, plan, row.waveform.as_deref())),
                "waveform": path(&row.waveform),
                "case": path(&row.case),
                "coverage": coverage,
            })
        })
        .collect();
    json!({
        "passed": passed,
        "seed": plan.seed,
        "verilator": workshop.toolchain.verilator_version(),
        "blocks": blocks,
    })
}
