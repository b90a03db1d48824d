//! The page of evidence is as it was written, and about today's blocks.

use lacuna::blocks::{Entry, REGISTRY};
use lacuna::evidence::{digest, is_untouched};

#[test]
fn the_page_is_as_it_was_written_and_of_todays_verilog() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/evidence.md");
    let page = &std::fs::read_to_string(path).expect("`make evidence` writes the page");
    assert!(is_untouched(page), "docs/evidence.md was edited; `make evidence` writes it");
    let is_missing = |entry: &&'static Entry| {
        let digest = digest(entry).unwrap_or_else(|error| panic!("{error}"));
        !page.contains(&format!("| `{}` | {digest} |", entry.name))
    };
    let missing: Vec<&str> = REGISTRY.iter().filter(is_missing).map(|entry| entry.name).collect();
    let help = "`make evidence` writes the page";
    assert!(missing.is_empty(), "docs/evidence.md is of other Verilog of {missing:?}; {help}");
}
