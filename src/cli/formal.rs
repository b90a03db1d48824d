//! `lacuna formal`: proofs of what the blocks' properties say.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::chosen::{Blocks, Chosen, Sizes};
use super::{Failure, Report};
use crate::design;
use crate::eda::Cache;
use crate::evidence;
use crate::evidence::formal::{self, Counterexample, FormalError, Plan, Proofs, Property, Verdict};

/// How many cycles of a counterexample are printed: the last ones.
const SHOWN_CYCLES: usize = 8;

/// Prove the properties of blocks, for every input and for ever.
///
/// Named blocks are proven at their defaults and at the odd sizes that they name themselves; with a
/// configuration, its blocks are. Where nothing is named, that is `lacuna.toml`.
#[derive(Args)]
pub(super) struct Formal {
    #[command(flatten)]
    blocks: Blocks,
    /// How many cycles are searched for what is covered, and for counterexamples of what an
    /// induction does not prove.
    #[arg(long, value_name = "N", default_value_t = Plan::default().depth,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    depth: u32,
    /// How many seconds one run of the solver may take.
    #[arg(long, value_name = "S", default_value_t = Plan::default().limit.as_secs() as u32,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// The folder for waveforms of counterexamples.
    #[arg(short, long, value_name = "DIR", default_value = "build/formal")]
    output: PathBuf,
}

/// What came of a block.
struct Row {
    name: String,
    settings: Vec<String>,
    command: String,
    proofs: Proofs,
    /// For each counterexample where its waveform is.
    waveforms: Vec<PathBuf>,
}

impl From<FormalError> for Failure {
    fn from(error: FormalError) -> Failure {
        match error {
            FormalError::Tool(error) => error.into(),
            error => Failure::input(error),
        }
    }
}

impl Formal {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let mut chosen = self.blocks.chosen("formal", Sizes::AllOdd)?;
        if self.blocks.takes_all_sizes() && chosen.iter().all(|chosen| chosen.command.is_none()) {
            let blocks = chosen.into_iter().map(|chosen| chosen.block).collect();
            let blocks = formal::with_other_cells(blocks).into_iter();
            chosen = blocks.map(|block| Chosen { block, command: None }).collect();
        }
        let plan = Plan { depth: self.depth, limit: Duration::from_secs(self.limit.into()) };
        let cache = Cache::user()?;
        let row = |chosen: &Chosen| self.row(chosen, &plan, &cache);
        let rows = evidence::each(&chosen, row).into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(report(&rows, &plan))
    }

    fn row(&self, chosen: &Chosen, plan: &Plan, cache: &Cache) -> Result<Row, Failure> {
        let block = &chosen.block;
        let proofs = formal::prove(block, plan, cache)?;
        let command = chosen.command.clone();
        let mut row = Row {
            name: block.name.clone(),
            settings: block.settings(),
            command: command.unwrap_or_else(|| format!("lacuna formal {}", block.arguments()))
                + &self.effort(),
            proofs,
            waveforms: vec![],
        };
        for counterexample in &row.proofs.counterexamples {
            let mut name = vec![row.name.clone()];
            name.extend(row.settings.iter().map(|setting| setting.replace('=', "-")));
            name.push(counterexample.property.replace([':', '/'], "-"));
            let path = self.output.join(format!("{}.vcd", name.join(".")));
            write(&path, &counterexample.waveform)?;
            row.waveforms.push(path);
        }
        Ok(row)
    }

    /// The options that say how hard to try, where they are not the defaults.
    fn effort(&self) -> String {
        let default = Plan::default();
        let mut text = String::new();
        if self.depth != default.depth {
            text += &format!(" --depth {}", self.depth);
        }
        if u64::from(self.limit) != default.limit.as_secs() {
            text += &format!(" --limit {}", self.limit);
        }
        text
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder);
    written.and_then(|()| design::write_file(path, text, true)).map_err(|error| {
        Failure::input(format!(
            "error[E0115]: cannot write {}: {error}\n help: name another folder with `--output`",
            path.display()
        ))
    })
}

impl Row {
    /// The block and what is not its default.
    fn title(&self) -> String {
        match self.settings.is_empty() {
            true => self.name.clone(),
            false => format!("{} ({})", self.name, self.settings.join(", ")),
        }
    }

    /// The properties of one verdict in a line.
    fn group(&self, title: &str, word: impl Fn(&Property) -> Option<String>) -> String {
        let words: Vec<String> = self.proofs.properties.iter().filter_map(word).collect();
        if words.is_empty() {
            return String::new();
        }
        let lines = crate::verilog::fill(&words.join(", "), 78);
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            text.push_str(&format!("  {:<14}{line}\n", if index == 0 { title } else { "" }));
        }
        text
    }

    fn text(&self) -> String {
        let mut text = format!("{}  {:.1} s\n", self.title(), self.proofs.seconds);
        let mut lengths: Vec<u32> = vec![];
        for property in &self.proofs.properties {
            if let Verdict::Proven { k } = property.verdict
                && !lengths.contains(&k)
            {
                lengths.push(k);
            }
        }
        for length in lengths {
            text.push_str(&self.group(&format!("proven, k={length}"), |p| {
                (p.verdict == Verdict::Proven { k: length }).then(|| p.name.clone())
            }));
        }
        text.push_str(&self.group("reached at", |p| match p.verdict {
            Verdict::Reached { step } => Some(format!("{} {step}", p.name)),
            _ => None,
        }));
        text.push_str(
            &self.group("assumed", |p| (p.verdict == Verdict::Assumed).then(|| p.name.clone())),
        );
        text.push_str(&self.group("REFUTED at", |p| match p.verdict {
            Verdict::Refuted { step } => Some(format!("{} {step}", p.name)),
            _ => None,
        }));
        text.push_str(&self.group("UNKNOWN", |p| {
            matches!(p.verdict, Verdict::Unknown { .. }).then(|| p.name.clone())
        }));
        text
    }

    /// What is wrong, one error for each run that breaks properties, and one for each reason not
    /// to know.
    fn errors(&self, plan: &Plan) -> String {
        let mut text = String::new();
        let examples: Vec<_> = self.proofs.counterexamples.iter().zip(&self.waveforms).collect();
        for (index, (example, path)) in examples.iter().enumerate() {
            let is_alike = |other: &Counterexample| other.waveform == example.waveform;
            // One run may break several.
            if !examples[..index].iter().any(|(earlier, _)| is_alike(earlier)) {
                let alike = examples.iter().map(|(example, _)| *example);
                let alike: Vec<_> = alike.filter(|example| is_alike(example)).collect();
                text.push_str(&self.refuted(&alike, path));
            }
        }
        let mut reasons: Vec<(&str, bool)> = vec![];
        for property in &self.proofs.properties {
            if let Verdict::Unknown { why } = &property.verdict
                && why != formal::OTHER_FAILS
                && !reasons.contains(&(why, property.is_cover))
            {
                reasons.push((why, property.is_cover));
            }
        }
        for (reason, is_cover) in reasons {
            let names: Vec<&str> = self
                .proofs
                .properties
                .iter()
                .filter(|p| matches!(&p.verdict, Verdict::Unknown { why } if why == reason))
                .filter(|p| p.is_cover == is_cover)
                .map(|p| p.name.as_str())
                .collect();
            let (what, help) = match is_cover {
                true => (
                    "what is covered was not reached",
                    format!(
                        "a larger `--depth` than {}, or look for an assumption that leaves \
                         nothing to prove",
                        plan.depth
                    ),
                ),
                false => (
                    "a property is not proven",
                    format!(
                        "state what ties the registers to each other, so that an induction sees it; \
                         where the solver ran out of time, a larger `--limit` than {}",
                        plan.limit.as_secs()
                    ),
                ),
            };
            text.push_str(&format!(
                "\nerror[E0406]: {what}\n block {}: {}\n {reason}\n help: {help}\n reproduce: {}\n",
                self.title(),
                names.join(", "),
                self.command
            ));
        }
        if self.proofs.properties.is_empty() {
            let title = self.title();
            text.push_str(&format!("\nerror[E0406]: block {title} states no properties\n"));
        }
        text
    }

    /// A run, and the properties that it breaks.
    fn refuted(&self, examples: &[&Counterexample], waveform: &Path) -> String {
        let mut text =
            format!("\nerror[E0405]: a property does not hold\n block {}\n", self.title());
        for example in examples {
            let known = self.proofs.properties.iter().find(|p| p.name == example.property);
            let place = known.map(|p| format!(" ({}:{}): {}", p.file, p.line, p.text));
            let place = place.unwrap_or_default();
            text.push_str(&format!(" property `{}`{place}\n", example.property));
        }
        text.push_str(&cycles(examples[0]));
        text.push_str(&format!(
            " waveform: {}\n reproduce: {}\n",
            waveform.display(),
            self.command
        ));
        text
    }

    fn json(&self) -> Value {
        let mut proofs = serde_json::to_value(&self.proofs).expect("proofs are plain data");
        let examples = proofs["counterexamples"].as_array_mut();
        for (example, path) in examples.into_iter().flatten().zip(&self.waveforms) {
            example["waveform"] = json!(path);
        }
        json!({ "block": self.name, "settings": self.settings, "proofs": proofs })
    }
}

/// The ports in the last cycles of a counterexample.
fn cycles(example: &Counterexample) -> String {
    let length = example.ports.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let first = length.saturating_sub(SHOWN_CYCLES);
    let count = (first..length).map(|cycle| cycle.to_string());
    let mut rows = vec![("cycle".to_string(), count.collect::<Vec<_>>())];
    for (name, values) in &example.ports {
        rows.push((name.clone(), values.iter().skip(first).cloned().collect()));
    }
    let name_width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..length - first)
        .map(|at| rows.iter().filter_map(|(_, values)| values.get(at)).map(String::len).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for (name, values) in &rows {
        let cells = values.iter().zip(&widths).map(|(value, width)| format!("  {value:>width$}"));
        text.push_str(&format!("   {name:name_width$}{}\n", cells.collect::<String>()));
    }
    text
}

fn report(rows: &[Row], plan: &Plan) -> Report {
    let passed = rows.iter().all(|row| row.proofs.all_good());
    let texts: Vec<String> = rows.iter().map(Row::text).collect();
    let mut text = texts.join("\n");
    rows.iter().for_each(|row| text.push_str(&row.errors(plan)));
    let count = |is: fn(&Verdict) -> bool| {
        let properties = rows.iter().flat_map(|row| &row.proofs.properties);
        properties.filter(|p| is(&p.verdict)).count()
    };
    let proven = count(|verdict| matches!(verdict, Verdict::Proven { .. }));
    let reached = count(|verdict| matches!(verdict, Verdict::Reached { .. }));
    let refuted = count(|verdict| matches!(verdict, Verdict::Refuted { .. }));
    let unknown = count(|verdict| matches!(verdict, Verdict::Unknown { .. }));
    let tools = rows.first().map(|row| row.proofs.tools.join("; ")).unwrap_or_default();
    text.push_str(&format!(
        "\n{proven} proven, {reached} reached, {refuted} refuted, {unknown} unknown; designs: {}\n\
         {tools}; {} s for a run of the solver\n",
        rows.len(),
        plan.limit.as_secs()
    ));
    let designs: Vec<Value> = rows.iter().map(Row::json).collect();
    let json = json!({
        "passed": passed,
        "depth": plan.depth,
        "limit": plan.limit.as_secs(),
        "designs": designs,
    });
    Report { text, json, passed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::Configured;

    /// What a person reads of a register slice whose text has `from` replaced by `to`.
    fn shown(from: &str, to: &str) -> Report {
        let settings = ["width=3".to_string()];
        let entry = super::super::find_block("register_slice").ok().expect("it is registered");
        let block: Configured =
            super::super::chosen::with_settings(entry, &settings).ok().expect("that is legal");
        let (mut files, top) = formal::files(&block).unwrap();
        assert!(files[0].text.contains(from));
        files[0].text = files[0].text.replacen(from, to, 1);
        let plan = Plan { depth: 8, limit: Duration::from_secs(600) };
        let proofs = formal::prove_files(&files, &top, &plan, &Cache::user().unwrap()).unwrap();
        let waveforms = proofs.counterexamples.iter();
        let waveforms = waveforms.map(|e| PathBuf::from(format!("{}.vcd", e.property)));
        let row = Row {
            name: block.name.clone(),
            settings: block.settings(),
            command: "lacuna formal".to_string(),
            waveforms: waveforms.collect(),
            proofs,
        };
        report(&[row], &plan)
    }

    #[test]
    fn a_refuted_property_is_shown_with_its_line_and_the_ports() {
        let report = shown("assign out_valid_o = valid_q", "assign out_valid_o = 1'b1");
        assert!(!report.passed);
        let text = &report.text;
        let (_, error) = text.split_once("error[E0405]: a property does not hold").expect(text);
        assert!(error.contains("property `nothing_invented` (register_slice.v:"), "{text}");
        assert!(error.contains("nothing_invented: assert (!out_valid_o ||"), "{text}");
        assert!(error.contains("\n   cycle"), "{text}");
        assert!(error.contains("\n   out_valid_o"), "{text}");
        assert!(error.contains("waveform: nothing_invented.vcd"), "{text}");
        assert!(!text.contains("E0406"), "{text}");
        let example = &report.json["designs"][0]["proofs"]["counterexamples"][0];
        assert_eq!(example["waveform"], "nothing_invented.vcd");
    }

    #[test]
    fn what_is_not_reached_or_proven_is_shown() {
        let report = shown("is_full: cover (", "is_full: cover (1'b0 && ");
        assert!(!report.passed);
        let expected = "error[E0406]: what is covered was not reached\n block register_slice \
                        (width=3): is_full\n not reached within 8 cycles";
        assert!(report.text.contains(expected), "{}", report.text);

        let report = shown("tracked_in_spare: assert (", "tracked_in_spare: assert (1'b1 || ");
        let expected = "error[E0406]: a property is not proven\n block register_slice (width=3): ";
        assert!(report.text.contains(expected), "{}", report.text);
        assert!(report.text.contains("no proof by induction over"), "{}", report.text);
    }
}
