//! Which part of the crate may know which other, and who may print.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each part may import besides itself. Whoever adds a part adds a row.
const ARROWS: &[(&str, &[&str])] = &[
    ("hdl", &[]),
    ("config", &["hdl"]),
    ("verilog", &["config", "hdl"]),
    ("model", &["config"]),
    ("workload", &["config", "model"]),
    ("registers", &[]),
    ("tech", &["config", "hdl", "registers", "verilog"]),
    ("blocks", &["config", "hdl", "model", "registers", "tech", "verilog"]),
    ("design", &["blocks", "config", "hdl", "registers", "tech", "verilog"]),
    ("eda", &["hdl", "verilog"]),
    ("snapshot", &["eda", "hdl", "tech", "verilog"]),
    ("interop", &["config", "hdl", "verilog"]),
    ("cosim", &["blocks", "config", "design", "eda", "hdl", "model", "tech", "verilog"]),
    ("system", &["blocks", "config", "cosim", "model", "registers", "workload"]),
    ("report", &["blocks", "system"]),
    ("evidence", &["blocks", "config", "cosim", "eda", "hdl", "model", "tech", "verilog"]),
    (
        "cli",
        &[
            "blocks", "config", "cosim", "design", "eda", "evidence", "hdl", "model", "tech",
            "report", "system", "verilog", "workload",
        ],
    ),
    // The roots of the library and of the command.
    ("lib", &[]),
    ("main", &["cli"]),
];

/// Macros that stand at the root of the crate, and the part that they belong to.
const MACROS: &[(&str, &str)] = &[("choices", "config"), ("parameters", "config")];

/// What writes to the terminal.
const PRINTS: &[&str] =
    &["println!", "eprintln!", "print!", "eprint!", "dbg!", "stdout()", "stderr()"];

/// A source file that is part of the crate as it is used, not of its tests.
struct Source {
    path: PathBuf,
    /// Its names from the crate's root: `["hdl", "eval", "order"]`; of a `mod.rs`, the folder's.
    module: Vec<String>,
    /// The text without comments and without tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![];
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the sources are readable") {
            let path = entry.expect("the sources are readable").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("names are plain");
            // Tests may look at everything.
            if ["tests", "testing"].contains(&name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(&root).expect("it lies in `src`").with_extension("");
            let mut module: Vec<String> =
                inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if name == "mod" {
                module.pop();
            }
            let text = std::fs::read_to_string(&path).expect("the sources are readable");
            found.push(Source { code: code(&text), path, module });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The text without comments, and without the modules of tests, which stand last.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_test = line.trim() == "#[cfg(test)]";
        if is_test && lines.peek().is_some_and(|next| next.contains("mod ") && next.contains('{')) {
            break;
        }
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    code
}

/// The names right below the crate's root that the code of `module` speaks of.
fn imports(module: &[String], code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for start in ["crate::", "lacuna::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                found.extend(heads(&code[at + start.len()..]));
            }
        }
    }
    // A chain of `super::` that is as long as the path leads to the root.
    let to_root = "super::".repeat(module.len());
    for (at, _) in code.match_indices(&to_root) {
        let rest = &code[at + to_root.len()..];
        if !to_root.is_empty() && !code[..at].ends_with("super::") && !rest.starts_with("super::") {
            found.extend(heads(rest));
        }
    }
    let part = |name: String| {
        let owner = MACROS.iter().find(|(known, _)| *known == name);
        owner.map_or(name, |(_, owner)| owner.to_string())
    };
    found.into_iter().map(part).collect()
}

/// The names that a path goes on with: one, or those of a list in braces.
fn heads(rest: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(list) = rest.trim_start().strip_prefix('{') else { return vec![word(rest)] };
    let mut depth = 0;
    let mut heads = vec![word(list)];
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(word(&list[at + 1..])),
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

/// What a part imports and may not.
fn forbidden(part: &str, imports: &BTreeSet<String>) -> Vec<String> {
    let (_, allowed) = ARROWS
        .iter()
        .find(|(known, _)| *known == part)
        .unwrap_or_else(|| panic!("`{part}` has no row in `ARROWS`: say what it may import"));
    imports
        .iter()
        .filter(|name| *name != part && !allowed.contains(&name.as_str()))
        .cloned()
        .collect()
}

/// What the code of a golden model speaks of that is hardware: the parts of the crate by any path,
/// and the file that lies beside it.
fn hardware(source: &Source) -> Vec<String> {
    let named = imports(&source.module, &source.code);
    let parts = ["hdl", "tech", "verilog"].into_iter().filter(|part| named.contains(*part));
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let speaks_of_rtl = source.code.split(|c| !is_word(c)).any(|word| word == "rtl");
    parts.chain(speaks_of_rtl.then_some("rtl")).map(str::to_string).collect()
}

#[test]
fn imports_go_one_way() {
    let sources = sources();
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    let mut wrong = vec![];
    for source in &sources {
        let part = source.module[0].as_str();
        for name in forbidden(part, &imports(&source.module, &source.code)) {
            wrong.push(format!("{}: `{part}` imports `{name}`", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn golden_models_know_nothing_of_the_hardware() {
    let sources = sources();
    let is_independent = |source: &&Source| {
        let name = source.module.last().map(String::as_str);
        source.module[0] == "blocks" && matches!(name, Some("model" | "stimulus"))
    };
    let independent: Vec<&Source> = sources.iter().filter(is_independent).collect();
    assert!(independent.len() >= 10, "only {} files were found", independent.len());
    let wrong: Vec<String> = independent
        .iter()
        .flat_map(|source| hardware(source).into_iter().map(|name| (source.path.display(), name)))
        .map(|(path, name)| format!("{path}: a golden model and its stimulus may not use `{name}`"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_arrows_have_no_circle() {
    // Every row only names rows that stand above it.
    let mut above = vec![];
    let rows = ARROWS.iter().filter(|(part, _)| *part != "lib");
    for (part, allowed) in rows {
        let unknown: Vec<_> = allowed.iter().filter(|name| !above.contains(*name)).collect();
        assert!(unknown.is_empty(), "`{part}` may import {unknown:?}, which stand below it");
        above.push(*part);
    }
}

#[test]
fn only_the_command_prints() {
    let mut wrong = vec![];
    for source in sources().iter().filter(|source| !["cli", "main"].contains(&&*source.module[0])) {
        for (index, line) in source.code.lines().enumerate() {
            if PRINTS.iter().any(|print| line.contains(print)) {
                wrong.push(format!("{}:{}: {}", source.path.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_are_found_however_they_are_written() {
    let found = |module: &str, text: &str| {
        let module: Vec<String> = module.split("::").map(str::to_string).collect();
        imports(&module, &code(text)).into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found("hdl", "use crate::config::Tech;"), "config");
    assert_eq!(
        found("hdl", "pub(crate) use crate::{config::{A, B}, eda, hdl::c};"),
        "config eda hdl"
    );
    assert_eq!(found("hdl", "use crate::{\n    blocks,\n    tech::{self},\n};"), "blocks tech");
    assert_eq!(found("hdl::eval", "fn f() -> super::super::cli::X {}"), "cli");
    assert_eq!(found("hdl", "use super::cli;"), "cli");
    assert_eq!(found("hdl::eval", "use super::ir::Module;"), "");
    assert_eq!(found("hdl::eval::plan", "use super::super::ir;"), "");
    assert_eq!(found("main", "lacuna::cli::run()"), "cli");
    assert_eq!(found("blocks", "use crate::parameters;"), "config");
    assert_eq!(found("hdl", "$crate::config::x"), "config");
    assert_eq!(found("hdl", "// use crate::cli;\n/// [`crate::eda`]\n//! lacuna::cli"), "");
    assert_eq!(found("hdl", "use x;\n#[cfg(test)]\nmod tests {\n    use crate::cli;\n}"), "");
    assert_eq!(found("hdl", "#[cfg(test)]\nmod tests;\nuse crate::cli;"), "cli");

    let names = |list: &[&str]| list.iter().map(|name| name.to_string()).collect();
    assert_eq!(forbidden("hdl", &names(&["hdl", "config"])), ["config"]);
    assert_eq!(forbidden("verilog", &names(&["hdl", "config", "tech"])), ["tech"]);
    assert_eq!(forbidden("eda", &names(&["verilog"])), Vec::<String>::new());

    let found = |text: &str| {
        let module = ["blocks", "common", "fifo", "model"].map(str::to_string).to_vec();
        hardware(&Source { path: PathBuf::new(), module, code: code(text) }).join(" ")
    };
    assert_eq!(found("use crate::hdl::ir;\nuse crate::model::Bits; // rtl"), "hdl");
    assert_eq!(found("use super::super::super::super::{verilog, tech};"), "tech verilog");
    assert_eq!(found("use super::{rtl::describe, FifoParameters};"), "rtl");
    assert_eq!(found("use super::FifoParameters; use crate::config::Tech;"), "");
}
