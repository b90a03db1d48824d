//! The networks that come along: see `data/README.md`.

use std::io;

use super::{Network, reader};

/// The files of a folder below `data/network`, by their names.
macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../../data/network/", $folder, $name)) as &[u8])),*]
    };
}

type Files = &'static [(&'static str, &'static [u8])];

const PRUNED: Files = files!("": "network.toml" "weights_0.npy" "weights_1.npy" "weights_2.npy"
    "bias_0.npy" "bias_1.npy" "bias_2.npy");

const DENSE: Files = files!("dense/": "network.toml" "weights_0.npy" "weights_1.npy"
    "weights_2.npy" "bias_0.npy" "bias_1.npy" "bias_2.npy");

impl Network {
    /// The pruned network for [`japanese_vowels`](crate::workload::data_set::japanese_vowels) with
    /// its control, as `lacuna train --seed 0` made it.
    pub fn built_in() -> Network {
        read(PRUNED)
    }

    /// The integers of the same network before pruning, nothing left out.
    pub fn built_in_dense() -> Network {
        read(DENSE)
    }
}

fn read(files: Files) -> Network {
    let load = |name: &str| {
        let found = files.iter().find(|(known, _)| *known == name);
        found.map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let text = load("network.toml").ok().and_then(|text| String::from_utf8(text).ok());
    let text = text.expect("the built-in network is there");
    reader::parse("network.toml", &text, &load).expect("the built-in network is right")
}
