//! The configuration that `lacuna init` writes.

use super::{DEFAULT_NAME, DESIGN, Parameter, ParameterKind, Parameters, SectionKind, TECH, Tech};

/// How many kinds of blocks the starter asks for; the others are there as comments.
const LIVE: usize = 3;

/// The widest line of a comment.
const WIDTH: usize = 98;

/// A configuration that shows every section and every parameter, at its default value.
///
/// The first kinds are live, the others commented out: taking the leading `# ` off every line of
/// such a section makes it live too.
pub fn starter(kinds: &[SectionKind]) -> String {
    let mut text = String::from(
        "# Every parameter stands here at its default value; a line left out means the same.\n\
         # For several blocks of a kind, head each with [[kind]] and give each a name of its own.\n\
         # Sections that are commented out are live without the `# ` in front of their lines.\n",
    );
    for (title, summary, name, parameters) in [
        (
            DESIGN,
            "The design as a whole.",
            Some(("The name of the design.", DEFAULT_NAME)),
            &[][..],
        ),
        (TECH, "What the technology asks of all blocks.", None, Tech::PARAMETERS),
    ] {
        text.push('\n');
        text += &section(title, summary, name, parameters);
    }
    for (index, kind) in kinds.iter().enumerate() {
        let name = Some(("The name of the module.", kind.name));
        let section = section(kind.name, kind.summary, name, kind.parameters);
        text.push('\n');
        for line in section.lines() {
            text += if index < LIVE { "" } else { "# " };
            text += line;
            text.push('\n');
        }
    }
    text
}

/// One section; `name` is the documentation and the default of its key `name`.
fn section(
    title: &str,
    summary: &str,
    name: Option<(&str, &str)>,
    parameters: &[Parameter],
) -> String {
    let mut text = comment(summary);
    text += &format!("[{title}]\n");
    if let Some((doc, default)) = name {
        text += &format!("{}name = \"{default}\"\n", comment(doc));
    }
    for Parameter { name, doc, kind, default } in parameters {
        text += &comment(doc);
        text += &match kind {
            ParameterKind::Integer { min, max } => format!("{name} = {default} # {min} to {max}\n"),
            ParameterKind::Boolean => format!("{name} = {default} # true or false\n"),
            ParameterKind::Choice(words) => {
                format!("{name} = {default} # \"{}\"\n", words.join("\", \""))
            }
            ParameterKind::Name { .. } => format!("{name} = {default}\n"),
        };
    }
    text
}

/// `text` as comment lines, broken between words.
fn comment(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() > 1 && line.len() + 1 + word.len() > WIDTH {
            lines += &line;
            lines.push('\n');
            line.truncate(1);
        }
        line.push(' ');
        line += word;
    }
    lines + &line + "\n"
}
