//! What is said about wrong configurations: one snapshot per file of `tests/errors`.

mod fake_kinds;

use std::path::Path;

use fake_kinds::KINDS;
use lacuna::config::Config;

#[test]
fn every_wrong_file_is_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder exists")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(files.len() > 10, "only {} files were found", files.len());
    for path in files {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a plain name");
        let error = Config::read(&path, KINDS).expect_err(name).to_string();
        // The folder the project lies in is no part of the snapshot.
        let error = error.replace(&path.display().to_string(), &format!("{name}.toml"));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, error);
        });
    }
}

#[test]
fn a_missing_file_is_explained() {
    let error = Config::read("no/such/file.toml", KINDS).unwrap_err();
    assert_eq!(error.0[0].code, "E0101");
    assert!(error.0[0].message.starts_with("cannot read no/such/file.toml: "));
    let help = "check the path, or write a first file with `lacuna init`";
    assert_eq!(error.0[0].help.as_deref(), Some(help));
}
