//! What the text of a design has to say while it runs.

use std::fmt;

/// How many messages an instance keeps; failures are all counted.
pub const MAX_MESSAGES: usize = 1000;

/// What made a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `$display` and its relatives.
    Print,
    /// A warning of the simulation.
    Warning,
    /// An assertion or an assumption that did not hold.
    Assertion,
    /// `$stop`, `$error` or `$fatal`.
    Stop,
    /// `$finish`.
    Finish,
    /// The simulation cannot go on, for example because the design does not settle. From here on
    /// the instance stays as it is.
    Fatal,
}

impl Kind {
    /// From the shim's number.
    pub(super) fn of(number: i32) -> Kind {
        match number {
            0 => Kind::Print,
            1 => Kind::Warning,
            2 => Kind::Stop,
            3 => Kind::Finish,
            _ => Kind::Fatal,
        }
    }

    /// Whether something went wrong.
    pub fn is_failure(self) -> bool {
        matches!(self, Kind::Assertion | Kind::Stop | Kind::Fatal)
    }
}

/// Something that the design or the simulation said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What made it.
    pub kind: Kind,
    /// The words. Of a property its path in the design.
    pub text: String,
    /// The file, such as `fifo_8x16.v`; empty if the message has no place.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The number of edges, outside of resets, before the one that it came with.
    pub cycle: u64,
    /// Where that cycle begins in a waveform, in nanoseconds; resets take time there.
    pub time: u64,
}

impl Message {
    pub(super) fn new(kind: Kind, file: String, line: u32, text: String) -> Message {
        let (kind, text) = match report(&text) {
            Some((path, what)) if kind == Kind::Stop => match what {
                "'assert' failed." | "'assume' failed." => (Kind::Assertion, path.to_string()),
                _ => (Kind::Stop, format!("{path}: {what}")),
            },
            _ => (kind, text.trim_end().to_string()),
        };
        Message { kind, text, file, line, cycle: 0, time: 0 }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::Print => "the design printed",
            Kind::Warning => "warning:",
            Kind::Assertion => "property does not hold:",
            Kind::Stop => "the design stopped:",
            Kind::Finish => "the design finished",
            Kind::Fatal => "the simulation cannot go on:",
        };
        write!(f, "{what} {}", self.text)?;
        if !self.file.is_empty() {
            write!(f, " ({}:{})", self.file, self.line)?;
        }
        write!(f, " in cycle {}", self.cycle)
    }
}

/// Where in the design and what, in Verilator's report of a property or an `$error`.
fn report(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("Assertion failed in ")?;
    let (path, what) = rest.trim_end().split_once(": ").unwrap_or((rest.trim_end(), ""));
    let path = path.trim_end_matches('.');
    Some((path.strip_prefix("TOP.").unwrap_or(path), what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Kind, text: &str) -> (Kind, String) {
        let message = Message::new(kind, "a.v".to_string(), 7, text.to_string());
        (message.kind, message.text)
    }

    #[test]
    fn properties_are_told_from_other_stops() {
        let old = "[15] %Error: a.v:7: Assertion failed in TOP.a.u_b.holds: 'assert' failed.\n";
        assert_eq!(message(Kind::Stop, old), (Kind::Assertion, "a.u_b.holds".to_string()));
        let unnamed = "[0] %Error: a.v:7: Assertion failed in a.: 'assert' failed.\n";
        assert_eq!(message(Kind::Stop, unnamed), (Kind::Assertion, "a".to_string()));
        let error = "[0] %Error: a.v:7: Assertion failed in TOP.a: too: late\n";
        assert_eq!(message(Kind::Stop, error), (Kind::Stop, "a: too: late".to_string()));
        assert_eq!(message(Kind::Stop, ""), (Kind::Stop, String::new()));
        assert_eq!(message(Kind::Print, old).0, Kind::Print);
    }

    #[test]
    fn a_message_reads_as_a_sentence() {
        let text = "Assertion failed in TOP.a.holds: 'assert' failed.";
        let mut message = Message::new(Kind::Stop, "a.v".to_string(), 7, text.to_string());
        message.cycle = 3;
        assert_eq!(message.to_string(), "property does not hold: a.holds (a.v:7) in cycle 3");
    }
}
