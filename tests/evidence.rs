//! The pages of evidence are as they were written, and about today's blocks.

use std::path::Path;

use lacuna::blocks::REGISTRY;
use lacuna::evidence::{digest, is_of, is_untouched, overview};

/// Blocks whose page is missing, or of older Verilog: their whole evidence has not been gathered.
const PENDING: [&str; 6] =
    ["packet_buffer", "cluster", "pe_cluster", "requantiser", "layer_engine", "accelerator"];

#[test]
fn the_pages_are_as_they_were_written_and_of_todays_verilog() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut pages = vec![];
    let mut stale = vec![];
    for entry in REGISTRY {
        let page = docs.join("evidence").join(format!("{}.md", entry.name));
        let page = std::fs::read_to_string(page).unwrap_or_default();
        let digest = digest(entry).unwrap_or_else(|error| panic!("{error}"));
        let is_good = is_untouched(&page) && is_of(&page, &digest);
        let is_pending = PENDING.contains(&entry.name);
        if is_good == is_pending {
            stale.push(entry.name);
        }
        pages.extend((!page.is_empty()).then_some(page));
    }
    let help = "`make evidence` writes them";
    assert!(
        stale.is_empty(),
        "pages of {stale:?} are missing, edited or of other Verilog, or not pending; {help}"
    );
    let page = std::fs::read_to_string(docs.join("evidence.md")).unwrap_or_default();
    assert_eq!(page, overview(pages.iter().map(String::as_str)), "{help}");
}
