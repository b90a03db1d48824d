//! The network that comes along, on all data that it comes along with.

use lacuna::workload::data_set::{Part, japanese_vowels};
use lacuna::workload::network::{Mode, Network};
use lacuna::workload::reference::{Tally, tally};

fn on(part: Part, network: &Network) -> Tally {
    tally(network, japanese_vowels(part)).expect("the network is of the data's shape")
}

/// Errors and products of the built-in network are what they were when it was trained.
#[test]
fn the_built_in_network_is_as_good_as_stated() {
    let (network, dense) = (Network::built_in(), Network::built_in_dense());
    let products = 5687 * (48 * 64 + 64 * 64 + 64 * 9);
    let wanted = |errors, executed| Tally { labelled: 370, errors, executed, dense: products };
    assert_eq!(on(Part::Test, &dense).errors, 8);
    assert_eq!(on(Part::Test, &network.clone().dense()), wanted(7, 13_449_755));
    let found = on(Part::Test, &network);
    assert_eq!(found, wanted(9, 4_661_419));
    // What is asked of it: at most three more errors than the dense one, for an eighth of the work.
    assert!(found.errors <= on(Part::Test, &dense).errors + 3 && found.ratio() >= 8.0);
    assert_eq!(on(Part::Train, &network).errors, 0);
}

#[test]
fn its_file_is_read_from_disk_as_well() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/network");
    // Not `assert_eq`, which would print every weight.
    assert!(Network::read(&folder.join("network.toml")).unwrap() == Network::built_in());
    let dense = Network::read(&folder.join("dense/network.toml")).unwrap();
    assert!(dense == Network::built_in_dense());
    assert!(dense.layers.iter().all(|layer| layer.control.mode == Mode::Dense));
    let missing = Network::read(&folder.join("none.toml")).unwrap_err().0;
    assert_eq!(missing[0].code, "E0501");
}
