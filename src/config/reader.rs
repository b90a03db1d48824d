//! From the text of a configuration to a [`Config`], or to all that is wrong with it.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::diagnostic::Source;
use super::{
    BlockSection, Config, DEFAULT_NAME, DESIGN, Diagnostic, Diagnostics, Name, Parameter,
    ParameterKind, Parameters, SectionKind, TECH, Tech, Value, Values, Violation,
};
use crate::hdl::name;

/// The most characters of a text from the file that a message repeats.
const QUOTE_LENGTH: usize = 40;

/// See [`Config::read`].
pub(super) fn read(path: &Path, kinds: &[SectionKind]) -> Result<Config, Diagnostics> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let help = match error.kind() {
            ErrorKind::NotFound => "check the path, or write a first file with `lacuna init`",
            _ => "name a file that can be read",
        };
        Diagnostic {
            code: "E0101",
            message: format!("cannot read {file}: {error}"),
            place: None,
            note: String::new(),
            help: Some(help.into()),
        }
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => parse(&file, &text, kinds),
        Err(error) => {
            // Everything before the first bad byte keeps its offset.
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes());
            Err(Diagnostics::from(Diagnostic {
                code: "E0101",
                message: "a configuration is UTF-8 text".into(),
                place: Some(Source::new(&file, &text).place(at..at + 1, None)),
                note: format!("the byte 0x{:02x} is not UTF-8", error.as_bytes()[at]),
                help: Some("save the file in the encoding UTF-8".into()),
            }))
        }
    }
}

/// See [`Config::parse`].
pub(super) fn parse(file: &str, text: &str, kinds: &[SectionKind]) -> Result<Config, Diagnostics> {
    read_toml(file, text, kinds, |reader, root| reader.config(root))
}

/// Reads TOML: what `read` makes of it, unless something has been reported by then.
pub(crate) fn read_toml<T>(
    file: &str,
    text: &str,
    kinds: &[SectionKind],
    read: impl FnOnce(&mut Reader<'_>, &DeTable<'_>) -> Option<T>,
) -> Result<T, Diagnostics> {
    // A byte order mark is no part of the first line.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (root, mut errors) = DeTable::parse_recoverable(text);
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    let mut reader = Reader { source: Source::new(file, text), kinds, diagnostics: Vec::new() };
    let found = if errors.is_empty() {
        read(&mut reader, root.get_ref())
    } else {
        reader.syntax(text, &errors);
        None
    };
    let mut diagnostics = reader.diagnostics;
    diagnostics.sort_by_key(|error| error.place.as_ref().map(|place| (place.line, place.column)));
    found.filter(|_| diagnostics.is_empty()).ok_or(Diagnostics(diagnostics))
}

/// An error that has not been given its place yet.
#[derive(Debug)]
pub(crate) struct Complaint {
    code: &'static str,
    message: String,
    note: String,
    help: String,
}

impl Complaint {
    pub(crate) fn new(
        code: &'static str,
        message: impl Into<String>,
        note: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { code, message: message.into(), note: note.into(), help: help.into() }
    }
}

/// What a section says.
struct Section {
    /// The name, if one is given.
    name: Option<(String, Range<usize>)>,
    /// All values, defaults included.
    values: Values,
    /// Where the values stand that are given.
    spans: HashMap<&'static str, Range<usize>>,
    /// Where the section starts.
    header: Range<usize>,
}

/// Reads, and gathers what is wrong.
pub(crate) struct Reader<'a> {
    source: Source<'a>,
    kinds: &'a [SectionKind],
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(crate) fn report(
        &mut self,
        span: Range<usize>,
        section: Option<&str>,
        complaint: Complaint,
    ) {
        let Complaint { code, message, note, help } = complaint;
        let place = Some(self.source.place(span, section));
        self.diagnostics.push(Diagnostic { code, message, place, note, help: Some(help) });
    }

    /// Reports the parser's errors, which are in the order of their places.
    fn syntax(&mut self, text: &str, errors: &[toml::de::Error]) {
        let mut last = 0;
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            // What follows the first error of a line is mostly its consequence.
            let line = self.source.line(span.start);
            if line == last {
                continue;
            }
            last = line;
            let (what, note) = match error.message().split_once(", expected ") {
                // The parser means any text that is no value, and even none at all.
                Some(("string values must be quoted", _)) if span.is_empty() => {
                    ("a value is missing", String::new())
                }
                Some(("string values must be quoted", _)) => {
                    ("this is no value", "a text stands in quotes".into())
                }
                Some((what, expected)) => (what, format!("expected {expected}")),
                None => (error.message(), String::new()),
            };
            let header =
                text.lines().nth(line - 1).is_some_and(|line| line.trim().starts_with('['));
            let help = match (what, header) {
                ("duplicate key", true) => {
                    "join the sections, or head each with double brackets, as in [[fifo]]"
                }
                ("duplicate key", false) => "keep one of the lines",
                (_, true) => "a section starts with a line such as [fifo] or [[fifo]]",
                (_, false) => {
                    "a line is `key = value`; a value is a number such as 8, true, false or \"text\""
                }
            };
            let message = format!("the file is not TOML: {what}");
            self.report(span, None, Complaint::new("E0102", message, note, help));
        }
    }

    fn config(&mut self, root: &DeTable<'_>) -> Option<Config> {
        let mut design = DEFAULT_NAME.to_string();
        let mut tech = Tech::default();
        let mut blocks = Vec::new();
        // Every name in lower case, and who has it.
        let default_owner = "the design has it by default".to_string();
        let mut names = HashMap::from([(design.clone(), default_owner)]);
        // The first in the file has a right to its name, but the design goes before every block.
        let mut entries: Vec<_> = root.iter().collect();
        entries.sort_by_key(|(key, _)| (key.get_ref() != DESIGN, key.span().start));
        for (key, value) in entries {
            let title = key.get_ref().as_ref();
            if let Some(&kind) = self.kinds.iter().find(|kind| kind.name == title) {
                for element in self.tables(title, value) {
                    if let Some(block) = self.block(&kind, element, &mut names) {
                        blocks.push(block);
                    }
                }
            } else if title == DESIGN || title == TECH {
                let parameters = if title == TECH { Tech::PARAMETERS } else { &[] };
                let Some(table) = self.single(title, value) else { continue };
                let (section, good) =
                    self.section(title, parameters, title == DESIGN, table, value);
                if title == TECH {
                    tech = Tech::from_values(&section.values);
                    if good {
                        self.violations(title, tech.validate(), &section);
                    }
                } else if let Some((name, span)) = section.name {
                    names = HashMap::from([(name.to_ascii_lowercase(), self.owner(&span))]);
                    design = name;
                }
            } else {
                self.unknown_section(key.span(), title, value.get_ref());
            }
        }
        // A section that is wrong, or misspelt, asks for a block all the same.
        let asks = root.keys().any(|key| key.get_ref() != DESIGN && key.get_ref() != TECH);
        if blocks.is_empty() && (!asks || self.diagnostics.is_empty()) {
            self.no_block();
        }
        self.diagnostics.is_empty().then(|| Config::new(design, tech, blocks))
    }

    fn no_block(&mut self) {
        let sections = list(self.kinds.iter().map(|kind| format!("[{}]", kind.name)), "or");
        self.diagnostics.push(Diagnostic {
            code: "E0112",
            message: format!("{} names no block", self.source.file()),
            place: None,
            note: String::new(),
            help: Some(format!("add a section: {sections}")),
        });
    }

    fn unknown_section(&mut self, span: Range<usize>, title: &str, value: &DeValue<'_>) {
        let known: Vec<&str> =
            [DESIGN, TECH].into_iter().chain(self.kinds.iter().map(|kind| kind.name)).collect();
        let is_section = matches!(value, DeValue::Table(_) | DeValue::Array(_));
        let homes: Vec<String> = [(TECH, Tech::PARAMETERS)]
            .into_iter()
            .chain(self.kinds.iter().map(|kind| (kind.name, kind.parameters)))
            .filter(|(_, keys)| !is_section && keys.iter().any(|key| key.name == title))
            .map(|(section, _)| format!("[{section}]"))
            .collect();
        let complaint = if homes.is_empty() {
            let help = match nearest(title, known.iter().copied()) {
                Some(near) => format!("did you mean [{near}]?"),
                None => {
                    let known = known.iter().map(|name| format!("[{name}]"));
                    format!("the sections are {}", list(known, "and"))
                }
            };
            Complaint::new("E0104", format!("there is no section {}", code(title)), "", help)
        } else {
            let message = format!("{} belongs in a section", code(title));
            let help = format!("write it below {}", list(homes, "or"));
            Complaint::new("E0104", message, "", help)
        };
        self.report(span, None, complaint);
    }

    /// The tables of a section that may stand once or as a list.
    fn tables<'t, 'i>(
        &mut self,
        title: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Vec<(&'t DeTable<'i>, &'t Spanned<DeValue<'i>>)> {
        let elements = match value.get_ref() {
            DeValue::Array(array) => array.iter().collect(),
            _ => vec![value],
        };
        let mut tables = Vec::new();
        for element in elements {
            match element.get_ref() {
                DeValue::Table(table) => tables.push((table, element)),
                other => {
                    let complaint = Complaint::new(
                        "E0105",
                        format!("`{title}` must be a section"),
                        format!("this is {}", article(other.type_str())),
                        format!("write the line [{title}] and the keys below it"),
                    );
                    self.report(element.span(), None, complaint);
                }
            }
        }
        tables
    }

    /// The table of a section that stands once.
    fn single<'t, 'i>(
        &mut self,
        title: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Option<&'t DeTable<'i>> {
        if value.get_ref().is_array() {
            let message = format!("`{title}` must be a single section");
            let help = format!("write [{title}], once");
            let complaint = Complaint::new("E0105", message, "this is a list", help);
            self.report(value.span(), None, complaint);
            return None;
        }
        self.tables(title, value).first().map(|&(table, _)| table)
    }

    fn block(
        &mut self,
        kind: &SectionKind,
        (table, value): (&DeTable<'_>, &Spanned<DeValue<'_>>),
        names: &mut HashMap<String, String>,
    ) -> Option<BlockSection> {
        let (section, good) = self.section(kind.name, kind.parameters, true, table, value);
        // A name that is wrong will be another, of which nothing is known yet.
        let settled = section.name.is_some() || !table.contains_key("name");
        let named = section.name.clone();
        let (name, span) = named.unwrap_or_else(|| (kind.name.into(), section.header.clone()));
        if settled {
            self.claim(kind.name, &name, span, names);
        }
        if !good {
            return None;
        }
        self.violations(kind.name, (kind.validate)(&section.values), &section);
        Some(BlockSection { kind: kind.name, name, values: section.values })
    }

    /// Reports rules between the parameters of a section that are broken.
    fn violations(&mut self, title: &str, violations: Vec<Violation>, section: &Section) {
        for violation in violations {
            let (span, note) = match section.spans.get(violation.parameter) {
                Some(span) => (span.clone(), violation.note),
                None => {
                    let value = section.values.get(violation.parameter);
                    let own =
                        value.map(|value| format!("{} = {value} by default", violation.parameter));
                    let other = Some(violation.note).filter(|note| !note.is_empty());
                    let notes: Vec<String> = own.into_iter().chain(other).collect();
                    (section.header.clone(), notes.join(", "))
                }
            };
            let complaint = Complaint::new(violation.code, violation.rule, note, violation.help);
            self.report(span, Some(title), complaint);
        }
    }

    /// Who has the name that is given at `span`.
    fn owner(&self, span: &Range<usize>) -> String {
        format!("line {} has it already", self.source.line(span.start))
    }

    /// Takes `name` for a module, unless something else has it.
    fn claim(
        &mut self,
        title: &str,
        name: &str,
        span: Range<usize>,
        names: &mut HashMap<String, String>,
    ) {
        // Some file systems, where each module has a file of its own, do not tell case apart.
        let folded = name.to_ascii_lowercase();
        let Some(owner) = names.get(&folded) else {
            names.insert(folded, self.owner(&span));
            return;
        };
        let free = (2..).find(|number| !names.contains_key(&format!("{folded}_{number}")));
        let complaint = Complaint::new(
            "E0111",
            format!("the name `{name}` must be given once, whatever its case"),
            owner,
            format!("write name = \"{name}_{}\"", free.unwrap_or(2)),
        );
        self.report(span, Some(title), complaint);
    }

    /// Reads a section, and says whether all its keys are right; `named` sections have a `name`.
    fn section(
        &mut self,
        title: &str,
        parameters: &[Parameter],
        named: bool,
        table: &DeTable<'_>,
        value: &Spanned<DeValue<'_>>,
    ) -> (Section, bool) {
        let mut section = Section {
            name: None,
            values: Values::defaults(parameters),
            spans: HashMap::new(),
            header: value.span(),
        };
        let before = self.diagnostics.len();
        for (key, value) in table {
            let complaint = if named && key.get_ref() == "name" {
                match read_name(value.get_ref()) {
                    Ok(name) => {
                        section.name = Some((name, value.span()));
                        continue;
                    }
                    Err(complaint) => complaint,
                }
            } else if let Some(parameter) =
                parameters.iter().find(|parameter| parameter.name == key.get_ref())
            {
                match read_value(parameter, value.get_ref()) {
                    Ok(value_read) => {
                        section.values.set(parameter.name, value_read);
                        section.spans.insert(parameter.name, value.span());
                        continue;
                    }
                    Err(complaint) => complaint,
                }
            } else {
                let known = parameters.iter().map(|parameter| parameter.name);
                let known: Vec<&str> = named.then_some("name").into_iter().chain(known).collect();
                let complaint = unknown_key(title, key.get_ref(), &known);
                self.report(key.span(), Some(title), complaint);
                continue;
            };
            self.report(value.span(), Some(title), complaint);
        }
        let good = self.diagnostics.len() == before;
        (section, good)
    }
}

pub(crate) fn unknown_key(title: &str, key: &str, known: &[&str]) -> Complaint {
    let help = match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
            format!("the keys that it has: {}", known.join(", "))
        }
    };
    Complaint::new("E0106", format!("[{title}] has no key {}", code(key)), "", help)
}

fn read_name(value: &DeValue<'_>) -> Result<String, Complaint> {
    let DeValue::String(text) = value else {
        let note = format!("this is {}", article(value.type_str()));
        let help = format!("write name = \"{DEFAULT_NAME}\"");
        return Err(Complaint::new("E0107", "`name` must be a string", note, help));
    };
    name::check(text).map(|()| text.to_string()).map_err(|error| {
        let help = format!("write name = \"{}\"", name::suggest(text));
        Complaint::new("E0110", error.to_string(), "", help)
    })
}

pub(crate) fn read_value(parameter: &Parameter, value: &DeValue<'_>) -> Result<Value, Complaint> {
    let Parameter { name: parameter_name, kind, default, .. } = *parameter;
    // The help of every wrong value is a line that works.
    let wrong = |code, rule: &str, note: String, better: Value| {
        Err(Complaint::new(
            code,
            format!("`{parameter_name}` must be {rule}"),
            note,
            format!("write {parameter_name} = {better}"),
        ))
    };
    let note = format!("this is {}", article(value.type_str()));
    match (kind, value) {
        (ParameterKind::Integer { min, max }, DeValue::Integer(digits)) => {
            let (number, fits) = integer(digits);
            if fits && (min..=max).contains(&number) {
                return Ok(Value::Integer(number));
            }
            let note = match (fits, number < min) {
                (false, _) => "this does not fit in 64 bits".into(),
                (true, true) => format!("this is below {min}"),
                (true, false) => format!("this is above {max}"),
            };
            let rule = format!("an integer from {min} to {max}");
            wrong("E0108", &rule, note, Value::Integer(number.clamp(min, max)))
        }
        (ParameterKind::Boolean, DeValue::Boolean(value)) => Ok(Value::Boolean(*value)),
        (ParameterKind::Choice(words), DeValue::String(text)) => {
            if let Some(word) = words.iter().find(|word| *word == text) {
                return Ok(Value::Choice(word));
            }
            let choices = list(words.iter().map(|word| format!("\"{word}\"")), "or");
            let near = nearest(text, words.iter().copied());
            let better = words.iter().find(|word| Some(**word) == near);
            let better = better.map_or(default, |word| Value::Choice(word));
            wrong("E0109", &choices, String::new(), better)
        }
        (ParameterKind::Name { optional: true }, DeValue::String(text)) if text.is_empty() => {
            Ok(Value::Name(Name::fixed("")))
        }
        (ParameterKind::Name { .. }, DeValue::String(text)) => match name::check(text) {
            Ok(()) => Ok(Value::Name(Name::of(text))),
            Err(error) => {
                let better = match text.is_empty() {
                    true => default,
                    false => Value::Name(Name::of(&name::suggest(text))),
                };
                let help = format!("write {parameter_name} = {better}");
                Err(Complaint::new("E0110", error.to_string(), "", help))
            }
        },
        (ParameterKind::Name { .. }, _) => wrong("E0107", "a string", note, default),
        (ParameterKind::Integer { min, max }, other) => {
            // A number that was only written in the wrong way is still what was meant.
            let meant = match other {
                DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
                DeValue::String(text) => text.trim().parse().ok(),
                _ => None,
            };
            let meant = meant.filter(|number: &f64| number.is_finite());
            let better = meant
                .map_or(default, |number| Value::Integer((number.round() as i64).clamp(min, max)));
            wrong("E0107", &format!("an integer from {min} to {max}"), note, better)
        }
        (ParameterKind::Boolean, other) => {
            let better = match other {
                DeValue::String(text) if text == "true" => Value::Boolean(true),
                DeValue::String(text) if text == "false" => Value::Boolean(false),
                DeValue::Integer(digits) => Value::Boolean(integer(digits).0 != 0),
                _ => default,
            };
            wrong("E0107", "true or false", note, better)
        }
        (ParameterKind::Choice(words), _) => {
            let choices = list(words.iter().map(|word| format!("\"{word}\"")), "or");
            wrong("E0107", &choices, note, default)
        }
    }
}

/// The number, or the nearest there is, and whether it fits.
fn integer(digits: &DeInteger<'_>) -> (i64, bool) {
    match i64::from_str_radix(digits.as_str(), digits.radix()) {
        Ok(number) => (number, true),
        Err(_) if digits.as_str().starts_with('-') => (i64::MIN, false),
        Err(_) => (i64::MAX, false),
    }
}

/// Text from the file as code in a message: printable, and cut if it is long.
fn code(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTE_LENGTH).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTE_LENGTH).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The name of a type with its article.
pub(crate) fn article(type_name: &str) -> String {
    let article = if type_name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {type_name}")
}

/// `a, b and c`.
fn list(items: impl IntoIterator<Item = String>, last: &str) -> String {
    let mut items: Vec<String> = items.into_iter().collect();
    match items.pop() {
        Some(tail) if !items.is_empty() => format!("{} {last} {tail}", items.join(", ")),
        Some(only) => only,
        None => String::new(),
    }
}

/// The candidate that `word` is most likely a misspelling of, if there is one.
fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.len() / 3).max(2);
    candidates
        .into_iter()
        // Words whose lengths differ too much need no look; nor does a text of any length.
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= limit)
        .map(|candidate| (name::distance(word, candidate), candidate))
        // To change every letter is not to misspell.
        .filter(|&(distance, candidate)| {
            distance <= limit && distance < candidate.len().min(word.len())
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_misspellings_have_a_nearest_word() {
        let words = ["depth", "width", "io"];
        assert_eq!(nearest("widht", words), Some("width"));
        assert_eq!(nearest("dept", words), Some("depth"));
        assert_eq!(nearest("lanes", words), None);
        assert_eq!(nearest("ab", words), None);
        assert_eq!(nearest("", words), None);
    }

    #[test]
    fn lists_read_as_english() {
        let words = |words: &[&str]| list(words.iter().map(|word| word.to_string()), "or");
        assert_eq!(words(&[]), "");
        assert_eq!(words(&["a"]), "a");
        assert_eq!(words(&["a", "b"]), "a or b");
        assert_eq!(words(&["a", "b", "c"]), "a, b or c");
    }

    #[test]
    fn quoted_text_is_printable_and_short() {
        assert_eq!(code("a\u{1b}b"), "`a\\u{1b}b`");
        assert_eq!(code(&"x".repeat(99)), format!("`{}…`", "x".repeat(40)));
    }
}
