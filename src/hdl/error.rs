//! What can be wrong with a description.

use std::fmt;

use super::ir::Source;
use super::name::NameError;
use super::ty::{MAX_WIDTH, Type};

/// One mistake in the description of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The module being described.
    pub module: String,
    /// What is wrong.
    pub kind: ErrorKind,
    /// The Rust line to look at.
    pub source: Source,
}

/// What is wrong with a description. The codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// E0201: an assignment or a connection needs exactly the target's type.
    #[error("`{target}` takes {expected}, not {found}")]
    TypeMismatch {
        /// What is assigned.
        target: String,
        /// Its type.
        expected: Type,
        /// The type of the value.
        found: Type,
    },
    /// E0202: a width outside of 1 to [`MAX_WIDTH`].
    #[error("{what} would be {width} bits wide, and a width is 1 to {MAX_WIDTH}")]
    Width {
        /// What has the width.
        what: String,
        /// The width.
        width: u64,
    },
    /// E0203: a condition of another type than one unsigned bit.
    #[error("a condition is one unsigned bit, not {0}")]
    NotABit(Type),
    /// E0204: nothing ever drives the signal.
    #[error("nothing drives `{0}`")]
    Undriven(String),
    /// E0205: there is a case in which nothing drives the wire, so it would need a latch.
    #[error("`{0}` is not driven in every case")]
    Latch(String),
    /// E0206: two drivers, or an assignment that a later one always overrides.
    #[error("`{name}` is driven twice; the other driver is at {other}")]
    DrivenTwice {
        /// The signal.
        name: String,
        /// The other driver.
        other: Source,
    },
    /// E0207: a value depends on itself without a register between.
    #[error("combinational loop: {}", .0.join(" -> "))]
    Loop(Vec<String>),
    /// E0208: a stream's valid depends on a ready without a register between.
    #[error("`{valid}` depends combinationally on `{ready}`")]
    ReadyToValid {
        /// The ready input.
        ready: String,
        /// The valid output.
        valid: String,
    },
    /// E0209: no output, instance or property depends on the signal.
    #[error("`{0}` is never used")]
    Unused(String),
    /// E0210: a name that the Verilog tools do not take.
    #[error("`{name}` cannot be a name: {reason}")]
    Name {
        /// The name.
        name: String,
        /// Why not.
        reason: NameError,
    },
    /// E0211: two things of one name.
    #[error("`{name}` is already the name of something declared at {other}")]
    NameClash {
        /// The name.
        name: String,
        /// Where it was declared first.
        other: Source,
    },
    /// E0212: bits, an element or a value outside of what there is.
    #[error("{what} is outside of {range}")]
    OutOfRange {
        /// What was asked for.
        what: String,
        /// What there is.
        range: String,
    },
    /// E0213: something that cannot be assigned.
    #[error("`{0}` cannot be assigned: it is driven by its port, memory or instance")]
    NotAssignable(String),
    /// E0214: a name that the thing asked does not have.
    #[error("`{owner}` has no {what} `{name}`; it has {}", .known.join(", "))]
    Unknown {
        /// Who was asked.
        owner: String,
        /// What for: port, field, state, axis.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// E0215: an input of an instance that nothing is connected to.
    #[error("input `{port}` of instance `{instance}` is not connected")]
    Unconnected {
        /// The instance.
        instance: String,
        /// The input.
        port: String,
    },
    /// E0216: a value of another module.
    #[error("a value of module `{0}` is used here; values cross modules through ports")]
    Foreign(String),
    /// E0217: one value in two arms of a switch.
    #[error("the value {0} has an arm already")]
    ArmTwice(String),
    /// E0218: something that needs at least one element has none.
    #[error("{0} needs at least one element")]
    Empty(String),
    /// E0219: two different modules of one name under one parent.
    #[error("two different modules are named `{0}`")]
    ModuleClash(String),
    /// E0220: a behaviour whose ports differ from the black box's.
    #[error("the behaviour of black box `{0}` has other ports than the black box")]
    Behavior(String),
    /// E0221: a value of a kind that cannot be used so.
    #[error("{0}")]
    Misuse(String),
}

impl ErrorKind {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        use ErrorKind::*;
        match self {
            TypeMismatch { .. } => "E0201",
            Width { .. } => "E0202",
            NotABit(_) => "E0203",
            Undriven(_) => "E0204",
            Latch(_) => "E0205",
            DrivenTwice { .. } => "E0206",
            Loop(_) => "E0207",
            ReadyToValid { .. } => "E0208",
            Unused(_) => "E0209",
            Name { .. } => "E0210",
            NameClash { .. } => "E0211",
            OutOfRange { .. } => "E0212",
            NotAssignable(_) => "E0213",
            Unknown { .. } => "E0214",
            Unconnected { .. } => "E0215",
            Foreign(_) => "E0216",
            ArmTwice(_) => "E0217",
            Empty(_) => "E0218",
            ModuleClash(_) => "E0219",
            Behavior(_) => "E0220",
            Misuse(_) => "E0221",
        }
    }

    /// What would work instead.
    pub fn help(&self) -> String {
        use ErrorKind::*;
        match self {
            TypeMismatch { expected, found, .. } => {
                if expected.join(*found) == *expected {
                    format!("widen the value with `.cast({expected})`")
                } else {
                    format!(
                        "narrow the value with `.wrap({expected})`, `.saturate({expected})` or a slice"
                    )
                }
            }
            Width { .. } => "check the parameters that the width is derived from".into(),
            NotABit(_) => "compare it, or reduce it with `any()` or `all()`".into(),
            Undriven(_) => "give it a value with `set`".into(),
            Latch(_) => "set a default before the condition".into(),
            DrivenTwice { .. } => "remove one of the two, or put it under a condition".into(),
            Loop(_) => "put a register into the loop".into(),
            ReadyToValid { .. } => "valid must not wait for ready: register it, or buffer".into(),
            Unused(_) => "remove it, or say that it is meant with `discard`".into(),
            Name { name, .. } => format!("`{}` would do", super::name::suggest(name)),
            NameClash { name, .. } => format!("`{name}_2` would do"),
            OutOfRange { .. } => "check the bounds where the index is computed".into(),
            NotAssignable(_) => "assign a wire, a register or an output".into(),
            Unknown { known, name, .. } => match super::name::nearest(name, known) {
                Some(nearest) => format!("`{nearest}` would do"),
                None => "there is nothing to choose from".into(),
            },
            Unconnected { port, .. } => format!("connect it with `connect(\"{port}\", ...)`"),
            Foreign(_) => "declare an input and connect the value to it".into(),
            ArmTwice(_) => "join the two arms".into(),
            Empty(_) => "check the parameters that the count is derived from".into(),
            ModuleClash(_) => "put the parameters that differ into the name".into(),
            Behavior(_) => "declare the same ports in the same order".into(),
            Misuse(_) => "see the documentation of the call".into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.kind.code(), self.kind)?;
        writeln!(f, " --> {} [{}]", self.source, self.module)?;
        write!(f, " help: {}", self.kind.help())
    }
}

impl std::error::Error for Error {}

/// Every mistake found in a module, in the order of the Rust lines that made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors(pub Vec<Error>);

impl Errors {
    /// `value`, unless there are mistakes. They come sorted by line; a mistake that one line makes
    /// several times is there once.
    pub(super) fn or<T>(mut self, value: T) -> Result<T, Errors> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by_key(|e| (e.source.0.file(), e.source.0.line(), e.source.0.column()));
        // A source takes no part in comparisons.
        self.0.dedup_by(|a, b| a == b && a.source.0 == b.source.0);
        Err(self)
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}
