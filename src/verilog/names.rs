//! Names of the emitted text: the user's survive, the others are made from their use.

use std::collections::{HashMap, HashSet};

use crate::hdl::name;

/// The names of one module that are taken.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// Names that the user gave to values which have no net yet.
    reserved: HashSet<String>,
    /// The number to try next for a wish that was taken.
    next: HashMap<String, u32>,
}

impl Names {
    /// Takes a name that the checks have found to be free.
    pub(super) fn take(&mut self, name: &str) {
        self.taken.insert(name.to_string());
    }

    /// Keeps a name for the value that the user gave it to.
    pub(super) fn reserve(&mut self, name: &str) {
        self.reserved.insert(name.to_string());
    }

    /// Takes a name that the user gave to a value; if several values have it, the later ones get
    /// a number.
    pub(super) fn claim(&mut self, name: &str) -> String {
        self.reserved.remove(name);
        self.fresh(name)
    }

    /// Takes `wish`, or, if it is taken, `wish_2`, `wish_3` and so on.
    pub(super) fn fresh(&mut self, wish: &str) -> String {
        let wish = match name::check(wish) {
            Ok(()) => wish.to_string(),
            Err(_) => name::suggest(wish),
        };
        if !self.reserved.contains(&wish) && self.taken.insert(wish.clone()) {
            return wish;
        }
        let next = self.next.entry(wish.clone()).or_insert(2);
        loop {
            let name = format!("{wish}_{next}");
            *next += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// A port's name without the suffix of its direction.
pub(super) fn stem(port: &str) -> &str {
    port.strip_suffix("_i").or(port.strip_suffix("_o")).unwrap_or(port)
}
