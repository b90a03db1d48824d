//! What is wrong with an input, where, and what would work instead.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// The widest excerpt of a source line that is shown.
const EXCERPT_WIDTH: usize = 96;

/// The characters kept before the marked ones when a long line is cut.
const EXCERPT_LEAD: usize = 24;

/// A text with its line starts known, from which [`Place`]s are cut.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    file: &'a str,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Takes in the `text` of a file; `file` is only its name in messages.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { file, text, starts }
    }

    /// The name of the file.
    pub fn file(&self) -> &'a str {
        self.file
    }

    /// The 1-based number of the line that holds the byte at `offset`.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset)
    }

    /// The place of the bytes `span`, which may lie anywhere, even past the end of the text.
    pub fn place(&self, span: Range<usize>, section: Option<&str>) -> Place {
        let first = floor(self.text, span.start);
        let line = self.line(first);
        let start = self.starts[line - 1];
        let rest = &self.text[start..];
        let text = rest.split('\n').next().unwrap_or(rest);
        let text = text.strip_suffix('\r').unwrap_or(text);
        // A span over several lines is marked up to the end of its first line.
        let from = (first - start).min(text.len());
        let to = floor(text, span.end.saturating_sub(start)).max(from);
        let column = text[..from].chars().count() + 1;
        let length = text[from..to].chars().count().max(1);
        let (excerpt, lead) = excerpt(text, column - 1, length);
        Place {
            file: self.file.to_string(),
            line,
            column,
            length,
            section: section.map(str::to_string),
            excerpt,
            lead,
        }
    }
}

/// The start of the character of `text` that holds the byte at `offset`, or the end of the text.
fn floor(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Cuts `text` to a window around the marked characters, and counts those before them in it.
fn excerpt(text: &str, lead: usize, length: usize) -> (String, usize) {
    // One character stays one character, so that the marker below stays in line; a control
    // character could command a terminal.
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let total = text.chars().count();
    if total <= EXCERPT_WIDTH {
        return (text.chars().map(shown).collect(), lead);
    }
    let skipped = if lead + length <= EXCERPT_WIDTH { 0 } else { lead - EXCERPT_LEAD.min(lead) };
    let mut cut: String = text.chars().skip(skipped).take(EXCERPT_WIDTH).map(shown).collect();
    if skipped + EXCERPT_WIDTH < total {
        cut.push('…');
    }
    if skipped == 0 {
        return (cut, lead);
    }
    cut.insert(0, '…');
    (cut, lead - skipped + 1)
}

/// Where in a file something is wrong. Lines and columns are counted from 1, columns and lengths
/// in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The name of the file.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column of the first marked character.
    pub column: usize,
    /// How many characters of the line are marked.
    pub length: usize,
    /// The section of the configuration, if the place is in one.
    pub section: Option<String>,
    /// The line as it is shown: printable, and cut if it is very long.
    pub excerpt: String,
    /// How many characters of the excerpt stand before the marked ones.
    #[serde(skip)]
    pub lead: usize,
}

/// One error of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The stable code of the error, such as `E0103`.
    pub code: &'static str,
    /// The rule that is broken.
    pub message: String,
    /// Where it is broken, unless the error is about a file as a whole.
    pub place: Option<Place>,
    /// What to know about the marked text; empty if the rule says it all.
    pub note: String,
    /// What would work instead.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        if let Some(place) = &self.place {
            let Place { file, line, column, length, excerpt, lead, .. } = place;
            write!(f, "\n --> {file}:{line}:{column}")?;
            if let Some(section) = &place.section {
                write!(f, " [{section}]")?;
            }
            let gutter = line.to_string().len();
            let marks = "^".repeat((*length).min(excerpt.chars().count() - lead).max(1));
            write!(f, "\n{}", format!("{line} | {excerpt}").trim_end())?;
            write!(f, "\n{:gutter$} | {:lead$}{marks}", "", "")?;
            if !self.note.is_empty() {
                write!(f, " {}", self.note)?;
            }
        }
        match &self.help {
            Some(help) => write!(f, "\n help: {help}"),
            None => Ok(()),
        }
    }
}

/// Every error of an input, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// The errors as a JSON array of objects.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("texts and numbers always have a JSON form")
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, span: Range<usize>) -> String {
        let place = Source::new("a.toml", text).place(span, None);
        let note = "here".to_string();
        Diagnostic { code: "E0000", message: "no".into(), place: Some(place), note, help: None }
            .to_string()
    }

    #[test]
    fn looks_as_designed() {
        let text = format!("{}[mask_generator]\nlanes = 10\n", "\n".repeat(12));
        let at = text.find("10").unwrap();
        let error = Diagnostics::from(Diagnostic {
            code: "E0103",
            message: "`lanes` must divide `group` or be a multiple of it".into(),
            place: Some(
                Source::new("lacuna.toml", &text).place(at..at + 2, Some("mask_generator")),
            ),
            note: "group = 16".into(),
            help: Some("use 1, 2, 4, 8, 16 or 32".into()),
        });
        assert_eq!(
            error.to_string(),
            "error[E0103]: `lanes` must divide `group` or be a multiple of it\n \
             --> lacuna.toml:14:9 [mask_generator]\n\
             14 | lanes = 10\n   \
             |         ^^ group = 16\n \
             help: use 1, 2, 4, 8, 16 or 32"
        );
        assert_eq!(
            error.to_json(),
            serde_json::json!([{
                "code": "E0103",
                "message": "`lanes` must divide `group` or be a multiple of it",
                "place": {
                    "file": "lacuna.toml", "line": 14, "column": 9, "length": 2,
                    "section": "mask_generator", "excerpt": "lanes = 10",
                },
                "note": "group = 16",
                "help": "use 1, 2, 4, 8, 16 or 32",
            }])
        );
    }

    #[test]
    fn columns_count_characters() {
        let text = "ä = \"ö\" # x";
        let place = Source::new("a", text).place(5..9, None);
        assert_eq!((place.line, place.column, place.length), (1, 5, 3));
    }

    #[test]
    fn marks_stay_in_line_behind_tabs_and_before_line_ends() {
        assert!(render("\ta = 1\r\nb = 2", 1..2).ends_with("1 |  a = 1\n  |  ^ here"));
        // Only the first of several lines is marked, without its carriage return.
        assert!(render("a = [\r\n1]", 4..9).ends_with("1 | a = [\n  |     ^ here"));
        assert!(render("a = \u{1b}[2J", 4..5).ends_with("1 | a = \u{fffd}[2J\n  |     ^ here"));
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = format!("{}MARK{}", "a".repeat(500), "b".repeat(500));
        let place = Source::new("a", &text).place(500..504, None);
        assert_eq!(place.column, 501);
        assert_eq!(place.excerpt, format!("…{}MARK{}…", "a".repeat(24), "b".repeat(68)));
        assert_eq!(place.lead, 25);
        let whole = render(&text, 0..1004);
        assert_eq!(whole.lines().last().unwrap().matches('^').count(), EXCERPT_WIDTH + 1);
    }

    #[test]
    fn any_span_of_any_text_has_a_place() {
        for text in ["", "\n", "\r\n", "ä\n€", "a\r", "\u{feff}x"] {
            for start in 0..8 {
                for end in 0..8 {
                    render(text, start..end);
                }
            }
        }
    }
}
