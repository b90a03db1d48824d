//! The `lacuna` command from outside: what it prints, what it writes, how it exits.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A temporary folder to run the command in.
struct Folder(TempDir);

/// What a run of the command left to see.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("temporary folders can be made"))
    }

    /// A folder with a configuration in it.
    fn with(config: &str) -> Folder {
        let folder = Folder::new();
        folder.write("lacuna.toml", config);
        folder
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("it lies in the folder")).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Every file, hidden ones too, with its content.
    fn files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.0.path()).unwrap().display().to_string();
                if path.is_dir() {
                    found.insert(format!("{name}/"), String::new());
                    folders.push(path);
                } else {
                    found.insert(name, fs::read_to_string(path).unwrap());
                }
            }
        }
        found
    }

    fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lacuna"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command.env("LACUNA_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cosim"));
        for variable in [
            "LACUNA_VERILATOR",
            "CXX",
            "COLUMNS",
            "CLICOLOR_FORCE",
            "FORCE_COLOR",
            "RUST_BACKTRACE",
        ] {
            command.env_remove(variable);
        }
        command
    }

    fn finish(&self, mut command: Command) -> Ran {
        let output = command.output().expect("the command starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what it prints is UTF-8");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a line of arguments without white space in them.
    fn run(&self, line: &str) -> Ran {
        self.finish(self.command(line.split_whitespace()))
    }

    /// As [`Folder::run`], with an exit code that is expected.
    #[track_caller]
    fn expect(&self, code: i32, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(code), "lacuna {line}\n{}\n{}", ran.out, ran.err);
        ran
    }

    /// The JSON that a run prints.
    #[track_caller]
    fn json(&self, code: i32, line: &str) -> Value {
        let ran = self.expect(code, &format!("{line} --json"));
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
    }
}

/// The runs of some lines as a person sees them.
fn session(folder: &Folder, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let ran = folder.run(line);
        text.push_str(&format!("$ lacuna {line}\n{}{}", ran.out, ran.err));
        text.push_str(&format!("[exit code {}]\n\n", ran.code.expect("it exits by itself")));
    }
    let here = folder.0.path().display().to_string();
    text.replace(&here, "FOLDER").replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

macro_rules! snapshot {
    ($name:expr, $text:expr) => {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("cli_{}", $name), $text);
        });
    };
}

const FIFO: &str = "[fifo]\nwidth = 8\ndepth = 4\n";

const TWO: &str = "[design]\nname = \"pair\"\n\n[fifo]\nwidth = 8\ndepth = 4\n\n[arbiter]\n";

#[test]
fn from_nothing_to_verilog() {
    let folder = Folder::new();
    folder.expect(0, "init");
    let starter = folder.read("lacuna.toml");
    let files = folder.json(0, "emit -o build");
    assert_eq!(files["folder"], "build");
    assert!(!files["tops"].as_array().unwrap().is_empty());
    for file in files["files"].as_array().unwrap() {
        assert!(!folder.read(&format!("build/{}", file.as_str().unwrap())).is_empty());
    }
    assert_eq!(folder.read("lacuna.toml"), starter);
    let lint = folder.json(0, "lint");
    assert_eq!(lint["findings"], json!([]));
}

#[test]
fn init_overwrites_nothing() {
    let folder = Folder::with("mine");
    folder.write("file", "");
    snapshot!(
        "init",
        session(&folder, &["init", "init new.toml", "init no/x.toml", "init file/x"])
    );
    assert_eq!(folder.read("lacuna.toml"), "mine");
    assert_eq!(folder.names(), ["file", "lacuna.toml", "new.toml"]);
    assert_eq!(folder.json(0, "init other.toml"), json!({ "written": ["other.toml"] }));
    assert_eq!(folder.read("other.toml"), folder.read("new.toml"));
}

#[test]
fn blocks_are_listed_and_described() {
    let folder = Folder::new();
    snapshot!("list", session(&folder, &["list", "--version"]));
    let list = folder.json(0, "list");
    let names: Vec<&str> =
        list.as_array().unwrap().iter().map(|b| b["name"].as_str().unwrap()).collect();
    let registry: Vec<&str> = lacuna::blocks::REGISTRY.iter().map(|entry| entry.name).collect();
    assert_eq!(names, registry);
    snapshot!(
        "describe",
        session(&folder, &["describe fifo", "describe clock_gate", "describe x"])
    );
    for name in names {
        assert!(folder.expect(0, &format!("describe {name}")).out.starts_with(name));
        let description = folder.json(0, &format!("describe {name}"));
        assert_eq!(description["name"], name);
        assert!(!description["ports"].as_array().unwrap().is_empty());
    }
    snapshot!("describe_json", format!("{:#}", folder.json(0, "describe arbiter")));
}

#[test]
fn the_schema_is_json_either_way() {
    let folder = Folder::new();
    let schema = folder.expect(0, "schema");
    let schema: Value = serde_json::from_str(&schema.out).expect("it is JSON");
    assert_eq!(schema, folder.json(0, "schema"));
    assert!(schema["properties"]["fifo"].is_object());
}

#[test]
fn completions_for_every_shell() {
    let folder = Folder::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = folder.expect(0, &format!("completions {shell}")).out;
        assert!(script.contains("snapshot") && script.contains("config"), "{shell}");
        let json = folder.json(0, &format!("completions {shell}"));
        assert_eq!(json["script"].as_str().unwrap().trim_end(), script.trim_end());
    }
    folder.expect(2, "completions tcsh");
}

#[test]
fn help_and_wrong_usage() {
    let folder = Folder::new();
    snapshot!("help", session(&folder, &["--help", "emit --help", "", "emit", "emti", "list --x"]));
    assert!(folder.names().is_empty());
}

#[test]
fn emitted_files() {
    let folder = Folder::with(TWO);
    snapshot!("emit", session(&folder, &["emit -o build", "emit --block arbiter -o one"]));
    let written = folder.files();
    let json = folder.json(0, "emit --config lacuna.toml --output build");
    assert_eq!(folder.files(), written, "emitting again changes nothing");
    let files: Vec<String> = json["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| format!("build/{}", file.as_str().unwrap()))
        .collect();
    let mut expected = files.clone();
    expected.sort();
    let build = written.keys().filter(|name| name.starts_with("build/") && !name.ends_with('/'));
    assert_eq!(build.cloned().collect::<Vec<_>>(), expected);
    let bytes: usize = files.iter().map(|file| written[file].len()).sum();
    assert_eq!(json["bytes"], bytes);
    assert_eq!(json["tops"], json!(["arbiter", "fifo"]));
}

#[test]
fn a_block_needs_no_configuration() {
    let folder = Folder::new();
    folder.expect(0, "emit --block sync_ram -o build");
    assert!(folder.read("build/rtl/sync_ram.v").contains("depth = 256"));
    // Where there is one, it says which blocks there are.
    folder.write("lacuna.toml", FIFO);
    assert!(folder.expect(2, "emit --block sync_ram -o build").err.contains("E0113"));
}

/// The same configuration, wherever it lies, gives the same bytes.
#[test]
fn places_do_not_matter() {
    let (one, other) = (Folder::with(TWO), Folder::new());
    other.write("deep/er/x.toml", TWO);
    one.expect(0, "emit -o build");
    other.expect(0, "emit -c deep/er/x.toml -o deep/build");
    for (name, text) in one.files().iter().filter(|(name, _)| name.starts_with("build/")) {
        assert_eq!(other.files()[&format!("deep/{name}")], *text);
    }
}

#[test]
fn wrong_configurations_are_explained_and_nothing_is_written() {
    for (name, config, codes) in [
        ("unknown_key", "[fifo]\nwith = 8\n", &["E0106"][..]),
        ("wrong_type", "[fifo]\nwidth = \"8\"\n", &["E0107"]),
        ("out_of_range", "[fifo]\nwidth = 0\n", &["E0108"]),
        ("two_errors", "[fifo]\nwidth = 0\ndpth = 4\n", &["E0108", "E0106"]),
        ("rule", "[fifo]\ndepth = 100\n", &["E0103"]),
        ("unknown_block", "[fifi]\n", &["E0104"]),
        ("reserved_word", "[fifo]\nname = \"module\"\n", &["E0110"]),
        ("path_up", "[fifo]\nname = \"../x\"\n", &["E0110"]),
        ("path_absolute", "[fifo]\nname = \"/tmp/x\"\n", &["E0110"]),
        ("two_words", "[fifo]\nname = \"a;b\"\n", &["E0110"]),
        ("design_path_up", "[design]\nname = \"../x\"\n[fifo]\n", &["E0110"]),
        ("design_line", "[design]\nname = \"a\\nb\"\n[fifo]\n", &["E0110"]),
        ("name_twice", "[[fifo]]\n[[fifo]]\nname = \"FIFO\"\n", &["E0111"]),
        ("not_toml", "[fifo\n", &["E0102"]),
        ("empty", "", &["E0112"]),
    ] {
        let folder = Folder::with(config);
        let before = folder.files();
        snapshot!(format!("wrong_{name}"), session(&folder, &["emit -o build"]));
        for command in ["emit -o build", "lint", "snapshot", "snapshot --update"] {
            let ran = folder.expect(2, command);
            assert_eq!(ran.out, "");
            let json = folder.json(2, command);
            let found: Vec<&str> = json["errors"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["code"].as_str().unwrap())
                .collect();
            assert_eq!(found, codes, "{name}");
        }
        assert_eq!(folder.files(), before, "{name}: something was written");
    }
}

#[test]
fn what_is_not_there_is_explained() {
    let folder = Folder::new();
    let lines = [
        "emit -o build",
        "lint",
        "snapshot",
        "emit -c no/such.toml -o build",
        "emit -c . -o build",
        "emit --block fifi -o build",
        "emit --block ../x -o build",
    ];
    snapshot!("not_there", session(&folder, &lines));
    assert!(folder.names().is_empty());
    for line in lines {
        let json = folder.json(2, line);
        assert!(json["errors"][0]["message"].is_string(), "{json}");
    }
    folder.write("lacuna.toml", TWO);
    snapshot!("not_in_the_configuration", session(&folder, &["emit --block sync_ram -o build"]));
    assert_eq!(folder.names(), ["lacuna.toml"]);
}

#[test]
fn folders_that_cannot_be_written() {
    let folder = Folder::with(FIFO);
    folder.write("file", "mine");
    folder.write("taken/rtl", "mine");
    folder.write("blocked/rtl/fifo.v", "mine");
    folder.write("blocked/lacuna.core/x", "mine");
    let before = folder.files();
    let lines = [
        "emit -o file",
        "emit -o file/build",
        "emit -o file/deep/build",
        "emit -o taken",
        "emit -o blocked",
        "snapshot --update --accepted file/x",
    ];
    snapshot!("cannot_write", session(&folder, &lines));
    for line in lines {
        folder.json(2, line);
    }
    assert_eq!(folder.files(), before, "nothing is half-written and nothing is left over");
}

#[test]
fn existing_folders_keep_what_is_not_ours() {
    let folder = Folder::with(TWO);
    folder.expect(0, "emit -o build");
    let foreign = [
        ("build/notes.txt", "mine"),
        ("build/rtl/mine.v", "module mine; endmodule\n"),
        ("build/constraints/mine.sdc", "create_clock"),
        ("build/rtl/old.vh", "// Generated by lacuna 0.0.0; do not edit.\n"),
        ("build/sub/arbiter.v", "// Generated by lacuna 0.0.0; do not edit.\n"),
    ];
    for (path, text) in foreign {
        folder.write(path, text);
    }
    // Edited by hand, and part of the design.
    folder.write("build/rtl/fifo.v", "edited");
    folder.write("lacuna.toml", &TWO.replace("[arbiter]", "[register_slice]"));
    folder.expect(0, "emit -o build");
    for (path, text) in foreign {
        assert_eq!(folder.read(path), text);
    }
    assert!(folder.read("build/rtl/fifo.v").contains("module fifo"));
    for stale in ["build/rtl/arbiter.v", "build/constraints/arbiter.sdc"] {
        assert!(!folder.path(stale).exists(), "{stale} is of the design before");
    }
    assert!(folder.path("build/constraints/register_slice.sdc").is_file());
    let rtl: Vec<String> =
        folder.names().into_iter().filter(|name| name.starts_with("build/rtl/")).collect();
    assert_eq!(
        rtl,
        [
            "build/rtl/",
            "build/rtl/fifo.v",
            "build/rtl/mine.v",
            "build/rtl/old.vh",
            "build/rtl/register_slice.v"
        ]
    );
    assert!(!folder.names().iter().any(|name| name.contains(".lacuna-")));
}

#[test]
fn an_empty_folder_and_the_current_one_will_do() {
    let folder = Folder::with(FIFO);
    fs::create_dir(folder.path("empty")).unwrap();
    folder.expect(0, "emit -o empty");
    folder.expect(0, "emit -o new/deep/");
    folder.expect(0, "emit -o .");
    for path in ["empty/rtl/fifo.v", "new/deep/rtl/fifo.v", "rtl/fifo.v"] {
        assert_eq!(folder.read(path), folder.read("rtl/fifo.v"));
    }
}

#[test]
fn accepted_netlists_are_kept_beside_the_configuration() {
    let folder = Folder::with(FIFO);
    let mut text = session(&folder, &["snapshot", "snapshot --update", "snapshot"]);
    let accepted = folder.read("lacuna.netlist");
    // Wider is more bits, not more cells.
    folder.write("lacuna.toml", &FIFO.replace("width = 8", "width = 9"));
    text.push_str(&session(&folder, &["snapshot"]));
    folder.write("lacuna.toml", &format!("{FIFO}storage = \"ram\"\n"));
    text.push_str(&session(&folder, &["snapshot"]));
    assert_eq!(folder.read("lacuna.netlist"), accepted, "a look accepts nothing");
    let changed = folder.json(1, "snapshot");
    assert_eq!(changed["changed"], true);
    assert!(changed["difference"].as_str().unwrap().contains("+$dff = 1"));
    text.push_str(&session(&folder, &["snapshot --update", "snapshot", "snapshot --update"]));
    snapshot!("snapshot", text);
    assert_eq!(folder.json(0, "snapshot")["changed"], false);
    assert_eq!(folder.names(), ["lacuna.netlist", "lacuna.toml"]);

    folder.expect(1, "snapshot --block fifo");
    folder.expect(0, "snapshot --block fifo --update");
    folder.expect(0, "snapshot --accepted other --update");
    assert_eq!(folder.names(), ["lacuna.fifo.netlist", "lacuna.netlist", "lacuna.toml", "other"]);
}

#[test]
fn a_missing_tool_is_named() {
    let folder = Folder::with(FIFO);
    fs::create_dir(folder.path("bin")).unwrap();
    for line in ["lint", "snapshot", "cosim", "synth", "formal", "mutate", "power", "evidence"] {
        let run = |json: &[&str]| {
            let mut command = folder.command(line.split(' ').chain(json.iter().copied()));
            command.env("PATH", folder.path("bin"));
            folder.finish(command)
        };
        let ran = run(&[]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
        // The tools run at once, but the first that is missing is always the same.
        assert!((0..10).all(|_| run(&[]).err == ran.err));
        snapshot!(format!("missing_tool_{line}"), ran.err);
        let json: Value = serde_json::from_str(&run(&["--json"]).out).unwrap();
        assert_eq!(json["errors"][0]["message"], ran.err.trim_end());
    }
}

#[test]
fn synth_gives_figures_of_both_and_their_ratio() {
    let folder = Folder::with(FIFO);
    let run = |line: &str| folder.finish(folder.command(line.split(' ')));
    let line = "synth reset_synchronizer --target osu018 --set stages=3";
    let text = run(line);
    assert_eq!((text.code, text.err.as_str()), (Some(0), ""));
    let words: Vec<&str> = text.out.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words[..5], ["reset_synchronizer", "528", "22", "3", "3"]);
    assert!(text.out.contains("\nreset_synchronizer: stages=3\n"), "{}", text.out);
    assert!(text.out.contains("proven, 4 points"), "{}", text.out);
    assert!(text.out.lines().all(|line| line.chars().count() <= 100), "{}", text.out);
    assert_eq!(run(line).out, text.out);
    let json: Value = serde_json::from_str(&run(&format!("{line} --json")).out).unwrap();
    assert_eq!(json["passed"], true);
    let row = &json["rows"][0];
    assert_eq!((&row["settings"][0], &row["target"]), (&"stages=3".into(), &"osu018".into()));
    assert_eq!(row["equivalence"]["verdict"], "proven");
    assert_eq!(row["ratios"][0]["ratio"], 1.0);
    assert!(row["tools"][0].as_str().unwrap().starts_with("Yosys 0."));

    let wrong = run("synth fifo --target asap7");
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("possible values: osu018, ice40, ecp5"), "{}", wrong.err);
}

#[cfg(unix)]
#[test]
fn cosim_says_what_was_compared() {
    let folder = Folder::with(FIFO);
    folder
        .write("two.toml", "[tech]\nreset = \"sync_high\"\n[arbiter]\n[fifo]\nname = \"queue\"\n");
    let text = session(
        &folder,
        &[
            "cosim --beats 20",
            "cosim fifo --set width=3 --set depth=5 --scenario random/9 --seed 7 --coverage",
            "cosim -c two.toml --beats 5 --jobs 1",
            "cosim -c two.toml queue --beats 5 --scenario corner/0 --wave -o waves",
        ],
    );
    let version = text.lines().find_map(|line| line.strip_prefix("compared, in ")).unwrap();
    snapshot!("cosim", text.replace(version, "VERILATOR:"));
    let waveform = fs::read(folder.path("waves/queue.tech.reset-sync_high.corner-0.fst"));
    assert!(waveform.unwrap().len() > 100);
    assert!(!folder.path("build").exists());

    let json = folder.json(0, "cosim fifo --set depth=2 --beats 5 --scenario random/0");
    assert_eq!(json["passed"], true);
    assert_eq!(json["blocks"][0]["set"], json!(["depth=2"]));
    assert_eq!(json["blocks"][0]["scenarios"], json!(["random/0"]));
    assert!(json["blocks"][0]["beats"].as_u64().unwrap() > 0);
}

#[test]
fn power_is_estimated_or_refused() {
    let folder = Folder::new();
    let mac = "power mac --set a_width=2 --set b_width=3 --set longest=4 --target osu018";
    let json = folder.json(0, &format!("{mac} --clock 50 --scenario random/half --beats 50"));
    let power = &json["powers"][0];
    assert_eq!((&power["block"], &power["clock_mhz"]), (&json!("mac"), &json!(50.0)));
    assert_eq!(power["settings"], json!(["a_width=2", "b_width=3", "longest=4"]));
    assert_eq!(power["workload"], "random/half");
    let (moving, compared) = (power["moving"].as_f64().unwrap(), power["compared"].as_u64());
    assert!(moving > 0.2 && moving < 0.9 && compared.unwrap() > 0, "{power}");
    assert!(power["combinational"]["switching_mw"].as_f64().unwrap() > 0.0);
    let text = folder.expect(0, &format!("{mac} --scenario random/busy --beats 50")).out;
    for words in ["random/busy    100%", "no wires", "glitches are not counted", "ideal clock"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let refused = folder.expect(1, &format!("{mac} --scenario random/busy --beats 1"));
    assert!(refused.err.contains("error[E0408]: nothing came out of mac"), "{}", refused.err);
    for wrong in ["--scenario random/3", "--scenario busy", "--clock -1", "--target ice40"] {
        folder.expect(2, &format!("{mac} {wrong}"));
    }
    folder.expect(2, "power reset_synchronizer --scenario random/half");
}

#[test]
fn cosim_explains_what_it_cannot_do() {
    let folder = Folder::new();
    folder.write("not_toml.toml", "block = ");
    folder.write(
        "unknown.toml",
        "block = \"nope\"\nstalls = [\"none\", \"none\"]\nseed = 1\ninputs = {}\n",
    );
    let case = |beat: &str| {
        format!(
            "block = \"fifo\"\nset = [\"width=8\"]\nstalls = [\"none\", \"none\"]\nseed = 1\n\
             [inputs]\nin = [[{beat}]]\n"
        )
    };
    folder.write("wide.toml", &case("\"0x100\""));
    folder.write("fields.toml", &case("\"0x1\", \"0x1\""));
    let lines = [
        "cosim",
        "cosim nope",
        "cosim fifo --set depth",
        "cosim fifo --set depth=100",
        "cosim fifo --scenario random/16",
        "cosim fifo --scenario nope.toml",
        "cosim arbiter --scenario random/3",
        "cosim fifo --scenario wide.toml",
        "cosim --scenario not_toml.toml",
        "cosim --scenario unknown.toml",
        "cosim --scenario wide.toml",
        "cosim --scenario fields.toml",
        "cosim fifo --beats 0",
        "cosim fifo --seed 0xzz",
    ];
    snapshot!("cosim_wrong", session(&folder, &lines));
}

#[test]
fn train_says_at_once_what_it_lacks() {
    let folder = Folder::new();
    folder.write("taken", "");
    let ran = folder.expect(2, "train -o taken");
    let code = if cfg!(feature = "train") { "E0115" } else { "E0122" };
    assert!(ran.err.starts_with(&format!("error[{code}]: ")), "{}", ran.err);
    assert_eq!(folder.names(), ["taken"]);
}

#[test]
fn run_tells_what_a_network_does_in_hardware() {
    let folder = Folder::new();
    let frame = |number: usize| {
        let values = (0..12).map(|n| format!("{}", (n + number) as f64 / 8.0));
        values.collect::<Vec<_>>().join(",") + "\n"
    };
    let frames: Vec<String> = (0..5).map(frame).collect();
    let sequences = format!("label,0\n{}\nlabel,3\n{}", frames[..2].concat(), frames[2..].concat());
    folder.write("few.csv", &sequences);
    folder.write("small.toml", "[accelerator]\nelements = 4\nwords = 1024\n");
    let line = "run -c small.toml --data few.csv --engine evaluator --report report --json";
    let json: Value = serde_json::from_str(&folder.expect(0, line).out).unwrap();
    let trials = json["trials"].as_array().unwrap();
    let names: Vec<&str> = trials.iter().map(|trial| trial["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dense, unpruned", "dense", "delta"]);
    assert!(trials.iter().all(|trial| trial["vectors"] == 5 && trial["sequences"] == 2));
    assert_eq!(json["verified"]["disagreement"], Value::Null);
    assert_eq!(json["verified"]["vectors"], 5);
    assert_eq!(json["verified"]["cycles"], trials[2]["cycles"]);
    let page = folder.read("report/index.html");
    for words in ["delta by coherence", "Coherence over time", "cluster 1", "gated"] {
        assert!(page.contains(words), "{words}");
    }

    let ran = folder.expect(2, "run -c small.toml --data few.csv --network no.toml");
    assert!(ran.err.contains("E0501"), "{}", ran.err);
    folder.write("tiny.toml", "[accelerator]\nlongest = 48\nwords = 64\n");
    let ran = folder.expect(2, "run -c tiny.toml --data few.csv");
    assert!(ran.err.contains("E0601") && ran.err.contains("longest = 64"), "{}", ran.err);
    folder.write("other.toml", "[fifo]\n");
    let ran = folder.expect(2, "run -c other.toml --data few.csv");
    assert!(ran.err.contains("E0123"), "{}", ran.err);
}

#[test]
fn a_tool_that_fails_is_quoted_and_its_input_stays() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with(FIFO);
    folder.write("bin/yosys", "#!/bin/sh\necho 'out of patience' >&2\nexit 9\n");
    fs::set_permissions(folder.path("bin/yosys"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.path("tmp")).unwrap();
    let mut command = folder.command(["snapshot"]);
    command.env("PATH", folder.path("bin")).env("TMPDIR", folder.path("tmp"));
    let ran = folder.finish(command);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    let input = fs::read_dir(folder.path("tmp")).unwrap().next().expect("it stays").unwrap().path();
    assert!(input.join("fifo.v").is_file());
    let text = ran.err.replace(&input.display().to_string(), "INPUT");
    snapshot!("failing_tool", text);
    assert!(!folder.path("lacuna.netlist").exists());
}

/// `lacuna list | head -1`.
#[test]
fn a_reader_that_has_gone_is_no_error() {
    let folder = Folder::with(FIFO);
    for line in ["list", "schema", "completions bash", "emit -o build"] {
        let (reader, writer) = std::io::pipe().expect("pipes can be made");
        drop(reader);
        let mut command = folder.command(line.split(' '));
        let output = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), error.as_ref()), (Some(0), ""), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
    let mut command = folder.command(["schema"]);
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"));
}

/// Others of the project read these files, too.
#[cfg(unix)]
#[test]
fn files_have_the_usual_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.expect(0, "init");
    folder.write("lacuna.toml", FIFO);
    folder.expect(0, "init new.toml");
    folder.expect(0, "emit -o build");
    folder.expect(0, "snapshot --update");
    fs::File::create(folder.path("usual")).unwrap().write_all(b"x").unwrap();
    fs::create_dir(folder.path("usual_folder")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in folder.names() {
        let usual = if name.ends_with('/') { "usual_folder" } else { "usual" };
        let (found, usual) = (mode(&folder.path(&name)), mode(&folder.path(usual)));
        assert_eq!(found, usual, "{name} has {found:o}, not {usual:o}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_need_not_be_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::with(FIFO);
    let odd = OsStr::from_bytes(b"b\xffd");
    for json in [&[][..], &["--json"][..]] {
        let arguments = ["emit", "-o"].map(OsStr::new).into_iter().chain([odd]);
        let ran = folder.finish(folder.command(arguments.chain(json.iter().map(OsStr::new))));
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        let arguments = ["snapshot", "--update", "--accepted"].map(OsStr::new);
        let arguments = arguments.into_iter().chain([OsStr::from_bytes(b"n\xff")]);
        let ran = folder.finish(folder.command(arguments.chain(json.iter().map(OsStr::new))));
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    }
    assert!(folder.0.path().join(odd).join("rtl/fifo.v").is_file());
}
