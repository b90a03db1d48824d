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
        while indent + rest.len() > COLUMNS {
            let Some(at) = break_point(rest, COLUMNS - indent) else { break };
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
        for paragraph in text.lines() {
            let width = COLUMNS - self.indent * 2 - 3;
            for line in fill(paragraph, width) {
                self.push(self.indent * 2, format!("// {line}").trim_end());
            }
        }
    }

    /// Adds a line of code as it is.
    pub(super) fn raw(&mut self, code: &str) {
        self.push(self.indent * 2, code);
    }

    /// Adds finished lines at this indentation.
    pub(super) fn insert(&mut self, lines: &str) {
        lines.lines().for_each(|line| self.raw(line));
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

/// Where to break a line so that the first part fits: behind the outermost operator or comma, and
/// among those as late as possible.
fn break_point(code: &str, columns: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut best: Option<(usize, usize)> = None;
    let mut in_string = false;
    for (at, c) in code.char_indices() {
        match c {
            '"' => in_string = !in_string,
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            // A break before an operand, not before an operator; and not so early that the
            // line would be nearly empty.
            ' ' if !in_string && at >= 12 && at <= columns => {
                let before = code[..at].chars().next_back().unwrap_or(' ');
                let good = !(before.is_alphanumeric() || matches!(before, ')' | '}' | ']' | '_'));
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
pub(super) fn fill(paragraph: &str, width: usize) -> Vec<String> {
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
