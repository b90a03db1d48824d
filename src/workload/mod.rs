//! What an accelerator is run on: networks, and sequences of vectors for them.
//!
//! [`data_set`] has the sequences, [`network`] the file of a network, and [`reference`](mod@reference)
//! runs one in plain integers. With the feature `train`, `train` makes the network that comes along.
//!
//! Besides the codes of [configurations](crate::config), which a network's TOML shares:
//!
//! | Code  | What is wrong                                                            |
//! |-------|--------------------------------------------------------------------------|
//! | E0501 | A file of sequences or of a network cannot be read.                      |
//! | E0502 | A line of a file of sequences is no vector.                              |
//! | E0503 | A `.npy` file is none, or not of the type and shape that it should have. |
//! | E0504 | An element of a `.npy` file is out of range.                             |
//! | E0505 | A column of weights has more in a group than is kept.                    |
//! | E0506 | A key is missing.                                                        |
//! | E0507 | Layers, or a network and its data, do not fit each other.                |

pub mod data_set;
pub mod network;
mod npy;
pub mod reference;
#[cfg(feature = "train")]
pub mod train;

use std::path::Path;

use crate::config::{Diagnostic, Diagnostics};

/// An error about a file as a whole.
fn diagnostic(code: &'static str, message: String, help: &str) -> Diagnostic {
    Diagnostic { code, message, place: None, note: String::new(), help: Some(help.into()) }
}

/// The content of a file.
fn read_bytes(path: &Path) -> Result<Vec<u8>, Diagnostics> {
    std::fs::read(path).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        diagnostic("E0501", message, "name a file that can be read").into()
    })
}
