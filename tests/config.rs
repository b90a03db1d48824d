//! Right configurations: what they mean, their canonical form, the starter and the schema.

mod fake_kinds;

use fake_kinds::{FifoParameters, KINDS, Policy, SliceParameters};
use lacuna::config::{
    ClockGate, Config, Diagnostics, Parameter, Parameters, Reset, schema, starter,
};
use proptest::prelude::*;
use serde_json::Value as Json;

fn parse(source: &str) -> Result<Config, Diagnostics> {
    Config::parse("lacuna.toml", source, KINDS)
}

const GOOD: &str = r#"
# A configuration that uses everything.
[design]
name = "top"

[tech]
reset = "sync_high"
clock_gate = "falling_edge"

[[register_slice]]
name = "right_slice"

[[register_slice]]
name = "left_slice"
width = 12

[fifo]
width = 0x9
policy = "drop"
registered = false
"#;

#[test]
fn a_configuration_says_what_it_says() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.name, "top");
    assert_eq!(config.tech.reset, Reset::SyncHigh);
    assert_eq!(config.tech.clock_gate, ClockGate::FallingEdge);
    let names: Vec<_> =
        config.blocks.iter().map(|block| (block.kind, block.name.as_str())).collect();
    assert_eq!(
        names,
        [("fifo", "fifo"), ("register_slice", "left_slice"), ("register_slice", "right_slice")]
    );
    let fifo = FifoParameters::from_values(&config.blocks[0].values);
    let expected = FifoParameters {
        width: 9,
        registered: false,
        policy: Policy::Drop,
        ..FifoParameters::default()
    };
    assert_eq!(fifo, expected);
    assert_eq!(SliceParameters::from_values(&config.blocks[1].values).width, 12);
    assert_eq!(SliceParameters::from_values(&config.blocks[2].values).width, 8);
}

#[test]
fn a_cell_has_a_name_and_pins() {
    let text = "[tech]\nclock_gate = \"cell\"\nclock_gate_cell = \"CKLNQD1\"\n\
                clock_gate_clock = \"CP\"\nclock_gate_test = \"\"\n[fifo]\n";
    let tech = parse(text).unwrap().tech;
    assert_eq!(tech.clock_gate, ClockGate::Cell);
    assert_eq!(tech.clock_gate_cell.as_str(), "CKLNQD1");
    assert_eq!((tech.clock_gate_clock.as_str(), tech.clock_gate_enable.as_str()), ("CP", "E"));
    assert!(tech.clock_gate_test.is_none());
    let config = parse(text).unwrap();
    assert_eq!(parse(&config.canonical()).unwrap(), config);
    // Where no cell is asked for, its name means nothing.
    let latch = parse(&text.replace("\"cell\"", "\"latch\"")).unwrap();
    assert_eq!(latch, parse("[fifo]\n").unwrap());
}

#[test]
fn little_is_enough() {
    let config = parse("[fifo]").unwrap();
    assert_eq!(config.name, "lacuna");
    assert_eq!((config.tech.reset, Reset::default()), (Reset::AsyncLow, Reset::AsyncLow));
    assert_eq!(
        (config.tech.clock_gate, ClockGate::default()),
        (ClockGate::Latch, ClockGate::Latch)
    );
    assert_eq!(config.blocks[0].values, FifoParameters::default().to_values());
    // The same file as Windows editors save it.
    assert_eq!(parse("\u{feff}[fifo]\r\n").unwrap(), config);
}

#[test]
fn the_digest_is_of_the_meaning_alone() {
    let digest = |text: &str| parse(text).unwrap().digest;
    let one = digest("[fifo]\nwidth = 9\ndepth = 4\n[register_slice]\n");
    assert_eq!(one.len(), 12);
    let same = "# Other order.\n[[register_slice]]\nwidth = 8\n[fifo]\ndepth = 0x4\nwidth = 9\n";
    assert_eq!(digest(same), one);
    for other in [
        "[fifo]\nwidth = 10\ndepth = 4\n[register_slice]\n",
        "[fifo]\nwidth = 9\ndepth = 4\n[register_slice]\nname = \"slice\"\n",
        "[fifo]\nwidth = 9\ndepth = 4\n",
        "[design]\nname = \"x\"\n[fifo]\nwidth = 9\ndepth = 4\n[register_slice]\n",
        "[tech]\nreset = \"sync_low\"\n[fifo]\nwidth = 9\ndepth = 4\n[register_slice]\n",
    ] {
        assert_ne!(digest(other), one, "{other}");
    }
}

#[test]
fn the_digest_is_stable() {
    let config = parse("[mask_generator]\nlanes = 8").unwrap();
    let expected = "[design]\nname = \"lacuna\"\n\n\
        [tech]\nreset = \"async_low\"\nclock_gate = \"latch\"\n\n\
        [[mask_generator]]\nname = \"mask_generator\"\ngroup = 16\nlanes = 8\n";
    assert_eq!(config.canonical(), expected);
    assert_eq!(config.digest, "0953004d67d4");
}

#[test]
fn rules_between_parameters_wait_for_right_keys() {
    let error = parse("[mask_generator]\nlanes = 10\ngroup = 0").unwrap_err();
    let codes: Vec<_> = error.0.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, ["E0108"]);
}

#[test]
fn the_starter_is_a_configuration() {
    let text = starter(KINDS);
    insta::assert_snapshot!(text);
    let config = parse(&text).unwrap();
    assert_eq!(config.blocks.len(), 3);
    assert!(config.blocks.iter().all(|block| {
        let kind = KINDS.iter().find(|kind| kind.name == block.kind).unwrap();
        block.values.iter().eq(kind.parameters.iter().map(|p| (p.name, p.default)))
    }));
    assert!(text.lines().all(|line| line.len() <= 100));

    // The sections that are commented out are as good.
    let start = text.find("\n# # ").unwrap();
    let all = text[..start].to_string() + &text[start..].replace("\n# ", "\n");
    assert_eq!(parse(&all).unwrap().blocks.len(), KINDS.len());
}

/// Whether `value` is what `schema` describes. A keyword this does not know is an error, so that
/// none is skipped.
fn conforms(root: &Json, schema: &Json, value: &Json) -> bool {
    schema.as_object().expect("a schema is an object").iter().all(|(keyword, rule)| {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" => true,
            "$ref" => {
                let path = rule.as_str().unwrap().strip_prefix('#').expect("a local reference");
                conforms(root, root.pointer(path).expect("a definition"), value)
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|rule| conforms(root, rule, value)),
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64(),
                other => panic!("the type {other}"),
            },
            "properties" => value.as_object().is_none_or(|object| {
                object.iter().all(|(key, value)| {
                    rule.get(key).is_none_or(|rule| conforms(root, rule, value))
                })
            }),
            "additionalProperties" => {
                assert_eq!(rule, false);
                let known = &schema["properties"];
                value
                    .as_object()
                    .is_none_or(|object| object.keys().all(|key| known.get(key).is_some()))
            }
            "items" => {
                let items = value.as_array();
                items.is_none_or(|items| items.iter().all(|item| conforms(root, rule, item)))
            }
            "minimum" => value.as_i64().is_none_or(|value| value >= rule.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|value| value <= rule.as_i64().unwrap()),
            "maxLength" => {
                let most = rule.as_u64().unwrap() as usize;
                value.as_str().is_none_or(|value| value.chars().count() <= most)
            }
            "pattern" => {
                let optional = "^$|^[A-Za-z_][A-Za-z0-9_]*$";
                assert!(rule == optional || rule == "^[A-Za-z_][A-Za-z0-9_]*$", "{rule}");
                value.as_str().filter(|text| rule != optional || !text.is_empty()).is_none_or(
                    |value| {
                        value.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
                            && value.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
                    },
                )
            }
            "enum" => rule.as_array().unwrap().contains(value),
            other => panic!("the keyword {other}"),
        }
    })
}

fn accepted(schema: &Json, text: &str) -> bool {
    let value: Json = toml::from_str(text).expect("TOML");
    conforms(schema, schema, &value)
}

#[test]
fn the_schema_accepts_what_is_right_and_refuses_what_is_wrong() {
    let schema = schema(KINDS);
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema).unwrap());
    for good in [GOOD.to_string(), starter(KINDS), parse(GOOD).unwrap().canonical()] {
        assert!(accepted(&schema, &good), "{good}");
    }
    for bad in [
        "fifo = 3",
        "[fifos]",
        "[fifo]\nwidht = 3",
        "[fifo]\nwidth = 0",
        "[fifo]\nwidth = 4097",
        "[fifo]\nwidth = 9.5",
        "[fifo]\nregistered = 1",
        "[fifo]\npolicy = \"wait\"",
        "[[fifo]]\n[[fifo]]\nwidth = 0",
        "[fifo]\nname = \"../x\"",
        "[[tech]]",
        "[tech]\nreset = \"none\"",
        "[design]\nname = \"a;b\"",
    ] {
        assert!(!accepted(&schema, bad), "{bad}");
        assert!(parse(bad).is_err(), "{bad}");
    }
}

/// A line that gives `parameter` a legal value made from `random`.
fn assignment(parameter: &Parameter, random: u64) -> String {
    let mut state = random;
    let value = parameter.sample(&mut || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state.rotate_left(24)
    });
    format!("{} = {value}\n", parameter.name)
}

/// A file in which every value is legal, if not always in company.
fn file() -> impl Strategy<Value = String> {
    let section = (0..KINDS.len(), prop::collection::vec(any::<u64>(), 8));
    prop::collection::vec(section, 1..5).prop_map(|sections| {
        let mut text = String::from("[tech]\nreset = \"sync_low\"\n");
        for (index, (kind, randoms)) in sections.into_iter().enumerate() {
            let kind = &KINDS[kind];
            text += &format!("[[{}]]\nname = \"block_{index}\"\n", kind.name);
            for (parameter, random) in kind.parameters.iter().zip(randoms) {
                // A third of the values is left out.
                if random % 3 > 0 {
                    text += &assignment(parameter, random);
                }
            }
        }
        text
    })
}

/// Text that is nearly a configuration.
fn mutated() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        Just("[".to_string()),
        Just("]]\n".to_string()),
        Just("\"".to_string()),
        Just("'''".to_string()),
        Just(" = ".to_string()),
        Just("\r\n".to_string()),
        Just("{ a.b = [1,\n2] }".to_string()),
        Just("99999999999999999999".to_string()),
        Just("-1e400".to_string()),
        Just("1979-05-27".to_string()),
        Just("[[fifo]]\n".to_string()),
        Just("[fifo.width]\n".to_string()),
        Just("name = \"block_0\"\n".to_string()),
        Just("\u{feff}".to_string()),
        "\\PC{0,4}",
    ];
    let edit = (any::<prop::sample::Index>(), 0..12_usize, scrap);
    let start = prop_oneof![file(), Just(GOOD.to_string()), Just(starter(KINDS))];
    (start, prop::collection::vec(edit, 1..4)).prop_map(|(text, edits)| {
        edits.into_iter().fold(text, |text, (at, removed, scrap)| {
            let letters: Vec<char> = text.chars().collect();
            let at = at.index(letters.len() + 1);
            let rest = letters[at..].iter().skip(removed);
            letters[..at].iter().copied().chain(scrap.chars()).chain(rest.copied()).collect()
        })
    })
}

/// Reads `text` in every way there is, and checks what holds for every text.
fn read(text: &str) {
    match parse(text) {
        Ok(config) => {
            assert_eq!(parse(&config.canonical()).unwrap(), config);
            for block in &config.blocks {
                assert_eq!(lacuna::hdl::name::check(&block.name), Ok(()));
            }
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            assert!(!errors.to_string().chars().any(|c| c.is_control() && c != '\n'));
            errors.to_json();
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_explained(text: String) {
        read(&text);
    }

    #[test]
    fn toml_like_text_is_read_or_explained(text in "([\\[\\]a-z=\"'.,{}#0-9\n \t\r_-]|fifo|é){0,60}") {
        read(&text);
    }

    #[test]
    fn nearly_right_text_is_read_or_explained(text in mutated()) {
        read(&text);
    }

    #[test]
    fn the_canonical_form_means_the_same(text in file()) {
        if let Ok(config) = parse(&text) {
            let again = parse(&config.canonical()).unwrap();
            prop_assert_eq!(&again, &config);
            prop_assert_eq!(again.canonical(), config.canonical());
            for block in &config.blocks {
                let kind = KINDS.iter().find(|kind| kind.name == block.kind).unwrap();
                prop_assert_eq!(block.values.iter().count(), kind.parameters.len());
            }
        }
    }

    #[test]
    fn samples_are_accepted(random: u64) {
        for kind in KINDS {
            for parameter in kind.parameters {
                let text = format!("[{}]\n{}", kind.name, assignment(parameter, random));
                let only_rules = parse(&text).err().is_none_or(|errors| {
                    errors.0.iter().all(|error| error.code == "E0103")
                });
                prop_assert!(only_rules, "{}", text);
            }
        }
    }
}
