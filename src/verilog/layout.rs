//! Lines: wrapping at 100 columns, comments, aligned declarations.

/// The longest line.
const COLUMNS: usize = 100;

/// Lines of text at an indentation.
#[derive(Default)]
pub(super) struct Text {
    lines: String,
    indent: usize,
}

impl Text {
    /// Adds one line of code, broken where it is too long.
    pub(super) fn line(&mut self, code: &str) {
        let mut rest = code;
        let mut indent = self.indent * 2;
        while rest.len() > columns(indent) {
            let Some(at) = break_point(rest, columns(indent)) else { break };
            self.push(indent, rest[..at].trim_end());
            rest = rest[at..].trim_start();
            indent = self.indent * 2 + 4;
        }
        self.push(indent, rest);
    }

    /// Adds an empty line, unless one is there already.
    pub(super) fn gap(&mut self) {
        if !self.lines.is_empty() && !self.lines.ends_with("\n\n") {
            self.lines.push('\n');
        }
    }

    /// Adds a comment.
    pub(super) fn comment(&mut self, text: &str) {
        for paragraph in plain(text).lines() {
            let width = columns(self.indent * 2) - 3;
            for line in fill(paragraph, width) {
                self.push(self.indent * 2, format!("// {}", harmless(&line)).trim_end());
            }
        }
    }

    /// Adds a line of code as it is.
    pub(super) fn raw(&mut self, code: &str) {
        self.push(self.indent * 2, code);
    }

    /// An empty text for lines one level further in, which [`insert`](Self::insert) adds.
    pub(super) fn inner(&self) -> Text {
        Text { lines: String::new(), indent: self.indent + 1 }
    }

    /// Adds finished lines as they are.
    pub(super) fn insert(&mut self, lines: &str) {
        self.lines.push_str(lines);
    }

    /// Goes one level in.
    pub(super) fn indent(&mut self) {
        self.indent += 1;
    }

    /// Goes one level out.
    pub(super) fn dedent(&mut self) {
        self.indent -= 1;
    }

    /// Adds lines one level further in.
    pub(super) fn nested(&mut self, body: impl FnOnce(&mut Text)) {
        self.indent += 1;
        body(self);
        self.indent -= 1;
    }

    /// Adds a line, lines one level further in, and a closing line.
    pub(super) fn block(&mut self, open: &str, close: &str, body: impl FnOnce(&mut Text)) {
        self.line(open);
        self.nested(body);
        self.line(close);
    }

    fn push(&mut self, indent: usize, code: &str) {
        if !code.is_empty() {
            self.lines.extend(std::iter::repeat_n(' ', indent));
            self.lines.push_str(code);
        }
        self.lines.push('\n');
    }

    pub(super) fn finish(self) -> String {
        self.lines
    }
}

/// How long a line may be behind an indentation, however deep that is.
fn columns(indent: usize) -> usize {
    COLUMNS.saturating_sub(indent).max(24)
}

/// A text for a comment in ASCII, without control characters but for ends of lines.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => plain.push('\n'),
            c if c.is_ascii_control() => plain.push(' '),
            c if c.is_ascii() => plain.push(c),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => plain.push('-'),
            '\u{2018}' | '\u{2019}' => plain.push('\''),
            '\u{201c}' | '\u{201d}' => plain.push('"'),
            '\u{2026}' => plain.push_str("..."),
            '\u{2192}' => plain.push_str("->"),
            '\u{2264}' => plain.push_str("<="),
            '\u{2265}' => plain.push_str(">="),
            '\u{b5}' | '\u{3bc}' => plain.push('u'),
            '\u{d7}' => plain.push('x'),
            c if c.is_whitespace() => plain.push(' '),
            c => plain.extend(c.escape_unicode()),
        }
    }
    plain
}

/// A comment's line, of which no tool takes the first word for an order.
pub(super) fn harmless(line: &str) -> String {
    let (first, rest) = line.split_at(line.find(' ').unwrap_or(line.len()));
    match first {
        "verilator" | "synopsys" | "synthesis" | "pragma" => format!("`{first}`{rest}"),
        _ => line.to_string(),
    }
}

/// Where to break a line so that the first part fits: behind the outermost operator or comma, and
/// among those as late as possible. Where no part is that short, as early as possible.
fn break_point(code: &str, columns: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut best: Option<(usize, usize)> = None;
    let mut in_string = false;
    for (at, c) in code.char_indices() {
        if at > columns && best.is_some() {
            break;
        }
        match c {
            '"' => in_string = !in_string,
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            // A break before an operand, not before an operator; and not so early that the
            // line would be nearly empty.
            ' ' if !in_string && at >= 12 => {
                let before = code[..at].chars().next_back().unwrap_or(' ');
                let good = !(before.is_alphanumeric() || matches!(before, ')' | '}' | ']' | '_'));
                if good && at > columns {
                    return Some(at);
                }
                if good && best.is_none_or(|(known, _)| depth <= known) {
                    best = Some((depth, at));
                }
            }
            _ => {}
        }
    }
    best.map(|(_, at)| at)
}

/// Words of a paragraph in lines of at most `width` columns.
pub(crate) fn fill(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        let last = lines.last_mut().expect("there is a first line");
        if !last.is_empty() && last.len() + 1 + word.len() > width {
            lines.push(word.to_string());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}
