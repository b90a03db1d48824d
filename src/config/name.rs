//! Names that a configuration gives to things outside of it, such as a library's cells.

use std::collections::HashSet;
use std::fmt;
use std::sync::{LazyLock, Mutex};

use serde::{Serialize, Serializer};

/// A name: an identifier, or nothing where something may have no name.
///
/// Names are few and small, and parameters are copied a lot. So each is kept once, for as long as
/// the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name(&'static str);

impl Name {
    /// A name that the program brings along.
    pub const fn fixed(text: &'static str) -> Name {
        Name(text)
    }

    /// A name from elsewhere.
    pub fn of(text: &str) -> Name {
        static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
        let mut names = NAMES.lock().expect("nothing panics with the names in hand");
        let known = names.get(text).copied();
        Name(known.unwrap_or_else(|| {
            let kept: &'static str = Box::leak(text.into());
            names.insert(kept);
            kept
        }))
    }

    /// The text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether there is none.
    pub const fn is_none(self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        let (one, other) = (Name::of("CKGATE"), Name::of(&String::from("CKGATE")));
        assert!(std::ptr::eq(one.as_str(), other.as_str()));
        assert_eq!(one, Name::fixed("CKGATE"));
        assert_ne!(one, Name::of("ckgate"));
        assert!(Name::of("").is_none() && !one.is_none());
    }
}
