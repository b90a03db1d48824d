//! Any bytes as a configuration: they are refused with a reason, or they mean one design.

#![no_main]

use lacuna::blocks;
use lacuna::config::{Config, Value};
use lacuna::design::{Design, DesignError};
use libfuzzer_sys::fuzz_target;

/// The greatest value, and the most blocks, of a configuration that is made into a design.
const SMALL: i64 = 64;
const FEW: usize = 4;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let kinds = blocks::sections();
    let config = match Config::parse("fuzz.toml", text, &kinds) {
        Ok(config) => config,
        Err(errors) => {
            assert!(!errors.0.is_empty(), "refused without a reason");
            assert!(!errors.to_string().is_empty());
            return;
        }
    };

    let canonical = config.canonical();
    let again = Config::parse("canonical.toml", &canonical, &kinds);
    let again = again.unwrap_or_else(|errors| panic!("{errors}\n{canonical}"));
    assert_eq!(again, config, "the canonical form means something else:\n{canonical}");
    assert_eq!(again.canonical(), canonical);

    let is_small = |value| !matches!(value, Value::Integer(value) if value > SMALL);
    let mut values = config.blocks.iter().flat_map(|block| block.values.iter());
    if config.blocks.len() <= FEW && values.all(|(_, value)| is_small(value)) {
        match Design::of(&config, None) {
            Ok(design) => {
                let files = design.files();
                assert!(files.iter().all(|(path, text)| !path.is_empty() && !text.is_empty()));
            }
            // A block may have the name of a cell that another brings along.
            Err(DesignError::ModuleClash(_)) => {}
            Err(error) => panic!("{error}\n{canonical}"),
        }
    }
});
