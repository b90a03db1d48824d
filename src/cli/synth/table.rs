//! What synthesis has to say: a table for each target.

use std::fmt::Write as _;

use crate::eda::short_version;
use crate::evidence::synth::{Cost, Equivalence, Maximum, Row};

/// A column: what stands above it, the figure, and how many digits it has after the point.
struct Column {
    head: &'static str,
    figure: &'static str,
    digits: usize,
}

const fn column(head: &'static str, figure: &'static str, digits: usize) -> Column {
    Column { head, figure, digits }
}

/// The columns, in their order; those without any figure are left out.
const COLUMNS: &[Column] = &[
    column("area um^2", "area", 0),
    column("GE", "area in NAND2X1", 0),
    column("cells", "cells", 0),
    column("LUT", "LUT", 0),
    column("FF", "flip-flops", 0),
    column("latches", "latches", 0),
    column("carries", "carries", 0),
    column("BRAM", "BRAM", 0),
    column("DSP", "DSP", 0),
    column("path ns", "critical path", 2),
];

/// The whole text.
pub(super) fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|row| row.target == first.target).count();
        let (of_target, others) = rest.split_at(count);
        let _ = writeln!(text, "{}", table(of_target));
        rest = others;
    }
    for row in rows {
        if let Equivalence::Refuted { why, report, folder } = &row.equivalence {
            let _ = writeln!(
                text,
                "error[E0404]: the netlist of {} for {} is not the block\n {why}\n{report}\n \
                 it lies in {folder}\n",
                row.block, row.target
            );
        }
    }
    text + &wrapped(&summary(rows))
}

/// The rows of a target: the block, its baseline, and ours over the baseline's.
fn table(rows: &[Row]) -> String {
    let costs = |row: &Row| {
        [Some(row.cost.clone()), row.baseline.clone()].into_iter().flatten().collect::<Vec<_>>()
    };
    let all: Vec<Cost> = rows.iter().flat_map(costs).collect();
    let has = |column: &&Column| all.iter().any(|cost| cost.figure(column.figure).is_some());
    let columns: Vec<&Column> = COLUMNS.iter().filter(has).collect();
    let mut lines: Vec<Vec<String>> = vec![];
    let mut head = vec![rows[0].target.to_string()];
    head.extend(columns.iter().map(|column| column.head.to_string()));
    head.extend(["Fmax MHz", "netlist"].map(String::from));
    lines.push(head);
    for row in rows {
        lines.push(line(&row.block, &columns, &row.cost, &verdict(&row.equivalence)));
        if let Some(baseline) = &row.baseline {
            lines.push(line("  plain", &columns, baseline, ""));
            lines.push(ratios(row, &columns));
        }
    }
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let last = widths.len() - 1;
    let mut text = String::new();
    for line in &lines {
        let mut row = format!("{:<width$}", line[0], width = widths[0]);
        for (cell, width) in line[1..last].iter().zip(&widths[1..]) {
            let _ = write!(row, "  {cell:>width$}");
        }
        let _ = write!(row, "  {}", line[last]);
        let _ = writeln!(text, "{}", row.trim_end());
    }
    for row in rows {
        if !row.settings.is_empty() {
            let _ = writeln!(text, "{}: {}", row.block, row.settings.join(" "));
        }
        for note in &row.cost.notes {
            let _ = writeln!(text, "{}: {note}", row.block);
        }
    }
    let tools: Vec<String> = rows[0].tools.iter().map(|version| short_version(version)).collect();
    let _ = writeln!(text, "with {}: {}", tools.join(", "), rows[0].recipe);
    wrapped(&text)
}

fn line(label: &str, columns: &[&Column], cost: &Cost, verdict: &str) -> Vec<String> {
    let figure = |column: &&Column| match cost.figure(column.figure) {
        Some(value) => format!("{value:.digits$}", digits = column.digits),
        // What is not there is not counted either.
        None if column.digits == 0 && !cost.figures.is_empty() => "0".to_string(),
        None => "-".to_string(),
    };
    let mut line = vec![label.to_string()];
    line.extend(columns.iter().map(figure));
    line.push(cost.fmax.as_ref().map_or("-".to_string(), frequency));
    line.push(verdict.to_string());
    line
}

/// The median, and how far apart the runs are.
fn frequency(fmax: &Maximum) -> String {
    if fmax.lowest == fmax.highest {
        return format!("{:.0}", fmax.median);
    }
    format!("{:.0} ({:.0}..{:.0})", fmax.median, fmax.lowest, fmax.highest)
}

fn ratios(row: &Row, columns: &[&Column]) -> Vec<String> {
    let ratio = |name: &str| row.ratio(name).map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let mut line = vec!["  ratio".to_string()];
    line.extend(columns.iter().map(|column| ratio(column.figure)));
    line.extend([ratio("Fmax"), String::new()]);
    line
}

fn verdict(equivalence: &Equivalence) -> String {
    match equivalence {
        Equivalence::Proven { points, .. } => format!("proven, {points} points"),
        Equivalence::Simulated { beats, .. } => format!("simulated, {beats} beats"),
        Equivalence::Refuted { .. } => "REFUTED".to_string(),
        Equivalence::Unchecked { .. } => "UNCHECKED".to_string(),
        Equivalence::NotMapped => "-".to_string(),
    }
}

/// What the tables mean, and why what is only simulated is not proven.
fn summary(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let (what, why) = match &row.equivalence {
            Equivalence::Simulated { why, .. } => ("simulated, not proven", why),
            Equivalence::Unchecked { why } => ("neither proven nor simulated", why),
            _ => continue,
        };
        let _ = writeln!(text, "{what}: {} for {}: {why}", row.block, row.target);
    }
    text.push_str(
        "plain: hand-written Verilog of the same function (benches/baselines), same tools, same \
         run\nratio: ours over plain; of Fmax, more is better\n",
    );
    if rows.iter().any(|row| !row.cost.paths.is_empty()) {
        text.push_str(
            "path: the longest between registers, inputs and outputs; Fmax on cells: 1 / path\n",
        );
    }
    if rows.iter().any(|row| row.target != "osu018") {
        text.push_str("Fmax on FPGAs: the median of the seeds (lowest..highest)\n");
    }
    text + "netlist: proven equal to the Verilog in outputs and registers, or simulated at gate \
            level\n"
}

/// Lines of up to 100 columns; what is longer goes on in the next line.
fn wrapped(text: &str) -> String {
    let mut wrapped = String::new();
    for line in text.lines() {
        if line.chars().count() <= 100 {
            let _ = writeln!(wrapped, "{line}");
            continue;
        }
        let mut current = String::new();
        for word in line.split(' ') {
            if !current.trim().is_empty()
                && current.chars().count() + 1 + word.chars().count() > 100
            {
                let _ = writeln!(wrapped, "{current}");
                current = "  ".to_string();
            } else if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        let _ = writeln!(wrapped, "{current}");
    }
    wrapped
}
