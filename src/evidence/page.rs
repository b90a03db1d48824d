//! The pages of evidence, in Markdown: one for each block, and one with a row of each.

use sha2::{Digest, Sha256};

use crate::eda::short_version;

use super::Known;
use super::formal::{Property, Verdict};
use super::mutation::Mutant;
use super::power::{Parts, Power};
use super::synth::{Cost, Equivalence, Maximum, Row, Target};

const HEAD: &str = "\
<!-- Written by `make evidence`. Do not edit. -->

# Evidence

What the registered blocks cost, and what speaks for them being right: at their default parameters,
and where it says so at the odd sizes that they are simulated at as well. Each block has a page of its
own, with all of it; what a page says comes from one run, unless it says otherwise.

";

/// What the columns of the rows mean.
const LEGEND: &str = "
Area (in two-input NANDs) and frequency are those of OSU018 cells: no wires, an ideal clock, typical
corner; memories are flip-flops there, and the latch has no area in the library. On FPGAs area is LUTs.
Compare areas with a tolerance of 10 %, frequencies with one of 5 %, more where seeds differ by more;
what means more than that are the ratios, to a plain baseline of the same function, in Verilog written
by hand ([benches/baselines](../benches/baselines)), which went through the same recipe in the same
run. Below 1 means less area, or a lower frequency, than the baseline.

Properties count at each size that is proven. Mutants are a sample, those that are proven to do what
the original does apart, and are found by the ordinary cosimulation, not by the properties; lines and
bits are what Verilator's coverage of that cosimulation says.
";

/// What the last line of a block's page begins with.
const SEAL: &str = "<!-- sha256 ";

/// What the line with the hash of a block's Verilog begins with.
const OF_VERILOG: &str = "Verilog: ";

/// The page with a row for each block, from the blocks' own pages.
pub fn overview<'a>(pages: impl IntoIterator<Item = &'a str>) -> String {
    // Each page begins with the table that it has one row of.
    let table = |page: &'a str| page.lines().filter(|line| line.starts_with('|')).take(3);
    let pages: Vec<&str> = pages.into_iter().collect();
    let head = pages.first().into_iter().flat_map(|page| table(page).take(2));
    let rows = pages.iter().flat_map(|page| table(page).skip(2));
    let lines = head.chain(rows).map(|line| match line.split('`').nth(1) {
        Some(block) => {
            line.replacen(&format!("`{block}`"), &format!("[`{block}`](evidence/{block}.md)"), 1)
        }
        None => line.to_string(),
    });
    HEAD.to_string() + &lines.map(|line| line + "\n").collect::<String>() + LEGEND
}

/// The page of a block.
pub fn page(known: &Known) -> String {
    let sections = [
        format!(
            "<!-- Written by `make evidence`. Do not edit: the last line is a sum over the others. -->\n\n\
             # Evidence of `{}`\n\n",
            known.block
        ),
        row(known),
        "\n[What the columns mean](../evidence.md)\n".to_string(),
        format!(
            "\n{OF_VERILOG}{}, the first digits of a hash of the emitted text.\n",
            known.digest
        ),
        "\n## Cells, time and netlists\n".to_string(),
        Target::ALL.map(|target| costs(known, target)).concat(),
        "\n## Proofs\n\n".to_string(),
        proofs(known),
        "\n## Mutants\n\n".to_string(),
        mutants(known),
        "\n## Simulations\n\n".to_string(),
        simulations(known),
        power(&known.power),
        "\n## Made with\n\n".to_string(),
        tools(known),
    ];
    let text = sections.concat();
    let seal = seal(&text);
    text + &seal
}

/// Whether a text is a block's page as it was written.
pub fn is_untouched(page: &str) -> bool {
    let Some(at) = page.rfind(SEAL) else { return false };
    page[at..] == seal(&page[..at])
}

/// Whether a block's page is of Verilog with this hash; see [`digest`](super::digest).
pub fn is_of(page: &str, digest: &str) -> bool {
    page.lines().any(|line| {
        let hash = line.strip_prefix(OF_VERILOG).and_then(|rest| rest.split(',').next());
        hash == Some(digest)
    })
}

fn seal(text: &str) -> String {
    let sum = Sha256::digest(text);
    let digits: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{SEAL}{digits} -->\n")
}

/// What speaks against a block, one line each.
pub fn flaws(known: &Known) -> Vec<String> {
    let block = known.block;
    let mut flaws = vec![];
    for row in known.synth.iter().filter(|row| !row.equivalence.is_good()) {
        flaws.push(format!("E0404: a netlist of {block} for {} is not it", row.target));
    }
    for proven in &known.proofs {
        let name = [vec![block.to_string()], proven.settings.clone()].concat().join(" ");
        let properties = proven.proofs.properties.iter();
        flaws.extend(properties.filter_map(|property| match &property.verdict {
            Verdict::Refuted { .. } => Some(format!("E0405: {name}: {}", property.name)),
            Verdict::Unknown { why } => Some(format!("E0406: {name}: {}: {why}", property.name)),
            _ => None,
        }));
    }
    for survivor in &known.mutation.survivors {
        let Mutant { file, line, change, .. } = &survivor.mutant;
        let what = survivor.what();
        flaws.push(format!("E0407: a mutant of {block} survives: {file}:{line}: {change}; {what}"));
    }
    if known.simulated.failed > 0 {
        flaws.push(format!("E0401: {} scenarios of {block} failed", known.simulated.failed));
    }
    flaws
}

/// The block's row among those of all blocks.
fn row(known: &Known) -> String {
    let head = [
        "block",
        "area, GE",
        "area to plain: OSU018, iCE40, ECP5",
        "Fmax, MHz",
        "Fmax to plain",
        "netlists",
        "proven, all sizes",
        "covers reached",
        "mutants found by simulation",
        "lines run",
        "bits toggled",
    ];
    let cells = known.synth.iter().find(|row| row.target == Target::Osu018.word());
    let cost = |of: fn(&Cost) -> Option<f64>| cells.and_then(|row| of(&row.cost));
    let ratios = |of: fn(&Row) -> Option<f64>| {
        let ratios = known.synth.iter().map(|row| number(of(row), 2));
        ratios.collect::<Vec<_>>().join(", ")
    };
    let of = |is_cover: bool| {
        let good =
            |p: &&Property| matches!(p.verdict, Verdict::Proven { .. } | Verdict::Reached { .. });
        let stated = |p: &&Property| p.is_cover == is_cover && p.verdict != Verdict::Assumed;
        let all = known.properties().filter(stated).count();
        share((known.properties().filter(stated).filter(good).count(), all))
    };
    let mutation = &known.mutation;
    let killed = mutation.killed_by_model + mutation.killed_by_evaluator;
    let row = vec![
        format!("`{}`", known.block),
        number(cost(|cost| cost.figure(AREA)), 0),
        ratios(|row| row.ratio(AREA).or(row.ratio("LUT"))),
        number(cost(|cost| cost.fmax.as_ref().map(|fmax| fmax.median)), 0),
        ratios(|row| row.ratio("Fmax")),
        netlists(&known.synth),
        of(false),
        of(true),
        share((killed, killed + mutation.survivors.len())),
        percent(known.simulated.lines),
        percent(known.simulated.toggles),
    ];
    table(&head, vec![row])
}

/// The figure that is the area of cells, relative to that of a NAND.
const AREA: &str = "area in NAND2X1";

fn netlists(rows: &[Row]) -> String {
    let count = |is: fn(&Equivalence) -> bool| rows.iter().filter(|r| is(&r.equivalence)).count();
    let counts = [
        (count(|verdict| matches!(verdict, Equivalence::Proven { .. })), "proven"),
        (count(|verdict| matches!(verdict, Equivalence::Simulated { .. })), "simulated"),
        (count(|verdict| matches!(verdict, Equivalence::Unchecked { .. })), "unchecked"),
        (count(|verdict| matches!(verdict, Equivalence::NotMapped)), "not mapped"),
        (count(|verdict| matches!(verdict, Equivalence::Refuted { .. })), "REFUTED"),
    ];
    let words = counts.iter().filter(|(count, _)| *count > 0);
    words.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// What the block costs for a target.
fn costs(known: &Known, target: Target) -> String {
    let Some(row) = known.synth.iter().find(|row| row.target == target.word()) else {
        return String::new();
    };
    let figures = &row.cost.figures;
    let titles = figures.iter().map(|figure| match figure.unit.is_empty() {
        true => figure.name.to_string(),
        false => format!("{}, {}", figure.name, figure.unit),
    });
    let mut head: Vec<String> = titles.collect();
    head.extend(["Fmax, MHz", "netlist"].map(String::from));
    let mut line: Vec<String> = figures
        .iter()
        .map(|figure| {
            let digits = if figure.name.contains("path") { 2 } else { 0 };
            beside(number(row.cost.figure(&figure.name), digits), row.ratio(&figure.name))
        })
        .collect();
    line.push(beside(frequency(row.cost.fmax.as_ref()), row.ratio("Fmax")));
    line.push(verdict(row));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let text = table(&head, vec![line]);
    let tools = row.tools.iter().map(|version| short_version(version));
    let tools = tools.collect::<Vec<_>>().join(", ");
    let recipe = &row.recipe;
    format!(
        "\n### {}\n\nWith {tools}: {recipe}. In parentheses the ratio to the baseline; a netlist is \
         proven equal to the Verilog in so many bits of outputs and registers.\n\n{text}",
        target.word()
    )
}

/// The median, and the lowest and the highest if there were several.
fn frequency(fmax: Option<&Maximum>) -> String {
    match fmax {
        Some(fmax) if fmax.lowest < fmax.highest => {
            format!("{:.0} [{:.0}, {:.0}]", fmax.median, fmax.lowest, fmax.highest)
        }
        fmax => number(fmax.map(|fmax| fmax.median), 0),
    }
}

/// A figure, and in parentheses its ratio to the baseline's.
fn beside(figure: String, ratio: Option<f64>) -> String {
    match ratio {
        Some(ratio) => format!("{figure} ({ratio:.2})"),
        None => figure,
    }
}

fn verdict(row: &Row) -> String {
    let notes = row.cost.notes.iter().map(|note| format!("; {note}")).collect::<String>();
    let verdict = match &row.equivalence {
        Equivalence::Proven { points, .. } => format!("proven in {points} bits"),
        Equivalence::Simulated { beats, why } => format!("simulated, {beats} beats: {why}"),
        Equivalence::Refuted { why, .. } => format!("REFUTED: {why}"),
        Equivalence::Unchecked { why } => format!("unchecked: {why}"),
        Equivalence::NotMapped => "none".to_string(),
    };
    verdict + &notes
}

/// What is proven of the block, at all of its sizes.
fn proofs(known: &Known) -> String {
    // In the order in which they come, each once.
    let mut names: [Vec<String>; 2] = Default::default();
    let (mut longest, mut open) = (0, String::new());
    for Property { name, is_cover, verdict, .. } in known.properties() {
        let name = format!("`{name}`");
        match verdict {
            Verdict::Proven { k } => longest = longest.max(*k),
            Verdict::Refuted { step } => open += &format!("\n{name} is REFUTED in step {step}.\n"),
            Verdict::Unknown { why } => open += &format!("\n{name} is open: {why}.\n"),
            Verdict::Reached { .. } | Verdict::Assumed => {}
        }
        let list = &mut names[usize::from(*is_cover)];
        if *verdict != Verdict::Assumed && !list.contains(&name) {
            list.push(name);
        }
    }
    let [proven, reached] = names.map(|names| names.join(", "));
    format!(
        "Assertions hold outside of resets, for every input that keeps the contract of streams (what \
         waits is held), by induction over at most k steps; a step is a cycle, or any moment where \
         clocks are what is looked at. Elsewhere a reset is sampled at the clock's edge. What is \
         reached shows that there is something to prove. The properties stand in the emitted text \
         under `FORMAL`, those of technology cells in templates of their own.\n\n\
         Hold for ever at {} sizes, with k of at most {longest}: {proven}.\n\n\
         Are reached: {reached}.\n{open}",
        known.proofs.len()
    )
}

fn settings(settings: &[String]) -> String {
    if settings.is_empty() { "defaults".to_string() } else { settings.join(", ") }
}

/// Which mistakes would be noticed.
fn mutants(known: &Known) -> String {
    let mutation = &known.mutation;
    let counts = [
        mutation.mutants,
        mutation.available,
        mutation.killed_by_model,
        mutation.killed_by_evaluator,
        mutation.equivalent.len(),
        mutation.survivors.len(),
    ];
    let row =
        [settings(&mutation.settings)].into_iter().chain(counts.map(|count| count.to_string()));
    let head = [
        "at",
        "mutants",
        "of",
        "found by the golden model",
        "by the evaluator alone",
        "proven to do the same",
        "survive",
    ];
    let mut text = "A mutant is the Verilog with one bit of one pin of one operator changed. The \
                    block's ordinary cosimulation has to find it. A large block is a small one here, \
                    because it has to be proven of what is not found that it changes nothing.\n\n"
        .to_string();
    text += &table(&head, vec![row.collect()]);
    for survivor in &mutation.survivors {
        let Mutant { file, line, text: of_line, change, .. } = &survivor.mutant;
        let what = survivor.what();
        text += &format!("\nSurvives: `{file}:{line}` `{of_line}`: {change}; {what}\n");
    }
    text
}

fn simulations(known: &Known) -> String {
    let simulated = &known.simulated;
    let counts = [
        simulated.modules.to_string(),
        simulated.scenarios.to_string(),
        simulated.beats.to_string(),
        simulated.failed.to_string(),
    ];
    "Golden model, evaluator and Verilator side by side, at the defaults and at odd sizes; compared \
     are beats of outputs, or cycles of plain ports.\n\n"
        .to_string()
        + &table(&["modules", "scenarios", "compared", "failed"], vec![counts.to_vec()])
}

/// The example of what power depends on.
fn power(powers: &[Power]) -> String {
    let Some(first) = powers.first() else { return String::new() };
    let row = |power: &Power| {
        let mw = |parts: &Parts| format!("{:.3}", parts.total_mw());
        vec![
            format!("`{}`", power.block),
            settings(&power.settings),
            power.workload.to_string(),
            percent_of(power.moving),
            mw(&power.combinational),
            mw(&power.sequential),
            mw(&power.clock),
            mw(&power.total),
        ]
    };
    let head = [
        "block",
        "parameters",
        "scenario",
        "cycles that move",
        "combinational, mW",
        "sequential",
        "clock",
        "all",
    ];
    let mut text = format!(
        "\n## Power\n\nToggles of the mapped netlist, in OSU018 cells at {} MHz, {} V, {} °C. While nothing is \
         offered, payloads are something else in every cycle, or rest where the scenario says `held`: \
         the first is what operand isolation is for.\n\n",
        first.clock_mhz, first.voltage, first.temperature
    );
    text += &table(&head, powers.iter().map(row).collect());
    text += "\n";
    let mut caveats: Vec<&String> = powers.iter().flat_map(|power| &power.caveats).collect();
    caveats.sort();
    caveats.dedup();
    for caveat in caveats {
        text += &format!("- {caveat}\n");
    }
    text
}

/// Every tool and its version.
fn tools(known: &Known) -> String {
    let mut tools: Vec<String> = known.synth.iter().flat_map(|row| row.tools.clone()).collect();
    tools.extend(known.proofs.iter().flat_map(|proven| proven.proofs.tools.clone()));
    tools.extend([known.mutation.yosys.clone(), known.mutation.verilator.clone()]);
    tools.extend(known.power.iter().flat_map(|power| power.tools.clone()));
    tools = tools.iter().map(|version| short_version(version)).collect();
    tools.sort();
    tools.dedup();
    tools.iter().map(|tool| format!("- {tool}\n")).collect::<String>() + "\n"
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_string(), |value| format!("{value:.digits$}"))
}

/// How many of how many.
fn share((part, all): (usize, usize)) -> String {
    if all == 0 { "–".to_string() } else { format!("{part} of {all}") }
}

fn percent((part, all): (usize, usize)) -> String {
    // Rounded down: what is not all must not look like all.
    let percent = (part * 100).checked_div(all);
    percent.map_or("–".to_string(), |percent| format!("{percent} %"))
}

fn percent_of(share: Option<f64>) -> String {
    share.map_or("–".to_string(), |share| format!("{:.0} %", share * 100.0))
}

/// A table; the first column to the left, numbers to the right.
fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let is_number = |column: usize| {
        let cells = rows.iter().map(|row| row[column].as_str());
        cells.clone().all(|cell| cell.starts_with(|c: char| c.is_ascii_digit() || c == '–'))
    };
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = (0..head.len()).map(|column| if is_number(column) { "---:" } else { "---" });
    let mut text = line(head.iter().map(ToString::to_string).collect());
    text += &format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
    let escaped = |cell: &String| cell.replace('|', "\\|");
    text += &rows.iter().map(|row| line(row.iter().map(escaped).collect())).collect::<String>();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_somebody_edited_is_told_from_one_that_nobody_did() {
        let text = "# Evidence of `fifo`\n\nVerilog: 0123, the first digits\n";
        let page = text.to_string() + &seal(text);
        assert!(is_untouched(&page));
        assert!(!is_untouched(&page.replace("Evidence", "Proof")));
        assert!(!is_untouched(&format!("{page}\n")));
        assert!(!is_untouched(""));
        assert!(is_of(&page, "0123"));
        assert!(!is_of(&page, "012") && !is_of("", "0123"));
    }

    #[test]
    fn the_overview_has_the_first_row_of_each_page() {
        let page =
            |block: &str| format!("#\n| block | area |\n|---|---|\n| `{block}` | 3 |\n| x | y |\n");
        let text = overview([page("a").as_str(), &page("b")]);
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        let expected = [
            "| block | area |",
            "|---|---|",
            "| [`a`](evidence/a.md) | 3 |",
            "| [`b`](evidence/b.md) | 3 |",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn tables_have_numbers_to_the_right() {
        let row = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
        let rows = vec![row(&["`a`", "1 (0.5)", "|"]), row(&["`b`", "–", "x"])];
        let expected = "| h | n | t |\n|---|---:|---|\n| `a` | 1 (0.5) | \\| |\n| `b` | – | x |\n";
        assert_eq!(table(&["h", "n", "t"], rows), expected);
    }
}
