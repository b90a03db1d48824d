//! What is made of the accelerator's register map: each file is read by the tool that it is for, and
//! says the same addresses as the map.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use lacuna::blocks::engine::layer_engine::LayerEngineParameters;
use lacuna::blocks::find;
use lacuna::config::Parameters;
use lacuna::registers::RegisterMap;
use lacuna::tech::register_files;

/// Maps that differ in what they have: words above 32 bits, one lane, several metrics, eight bands.
fn maps() -> Vec<RegisterMap> {
    let sizes = [
        LayerEngineParameters::default(),
        LayerEngineParameters { lanes: 1, clusters: 1, layers: 3, ..Default::default() },
        LayerEngineParameters {
            widest: 32,
            reference: 32,
            cosine: true,
            bands: 8,
            layers: 8,
            ..Default::default()
        },
    ];
    let registers = find("accelerator").expect("it is registered").registers;
    sizes.iter().map(|p| registers(&p.to_values()).expect("it has registers")).collect()
}

/// The address of every register, by the name of its group, its number there and its own name.
fn addresses(map: &RegisterMap) -> BTreeMap<(String, u32, String), u32> {
    let copies = map.groups.iter().flat_map(|group| (0..group.count).map(move |n| (group, n)));
    let of_copy = copies.flat_map(|(group, n)| {
        group.registers.iter().map(move |register| {
            let key = (group.name.clone(), n, register.name.clone());
            (key, map.address(&group.name, n, &register.name))
        })
    });
    of_copy.collect()
}

fn written(folder: &Path, map: &RegisterMap) -> BTreeMap<&'static str, PathBuf> {
    let kinds = ["h", "rdl", "md"];
    let files = register_files("accelerator", map, Some("0123456789ab"));
    let write = |(kind, (path, text)): (&'static str, (String, String))| {
        let path = folder.join(Path::new(&path).file_name().expect("it is a file"));
        assert_eq!(path.extension().and_then(|kind| kind.to_str()), Some(kind));
        std::fs::write(&path, text).expect("it can be written");
        (kind, path)
    };
    kinds.into_iter().zip(files).map(write).collect()
}

#[test]
fn the_c_header_compiles_and_has_the_addresses() {
    for map in maps() {
        let folder = tempfile::tempdir().expect("there is room");
        written(folder.path(), &map);
        let addresses = addresses(&map);
        let mut program = String::from(
            "#include <stdio.h>\n#include \"accelerator_registers.h\"\nint main(void) {\n",
        );
        for (group, n, register) in addresses.keys() {
            let count = map.groups.iter().find(|one| one.name == *group).expect("it exists").count;
            let arguments = if count > 1 { format!("({n})") } else { String::new() };
            let name = register.to_uppercase();
            program += &format!("  printf(\"%u\\n\", (unsigned)ACCELERATOR_{name}{arguments});\n");
        }
        program += "  return 0;\n}\n";
        std::fs::write(folder.path().join("all.c"), program).expect("it can be written");
        let strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-x", "c"];
        let mut compiler = Command::new("g++");
        let compiled =
            compiler.current_dir(folder.path()).args(strict).args(["all.c", "-o", "all"]).output();
        let compiled = compiled.expect("there is a compiler");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let said = Command::new(folder.path().join("all")).output().expect("it runs");
        let said: Vec<u32> = String::from_utf8_lossy(&said.stdout)
            .lines()
            .map(|line| line.parse().expect("it is a number"))
            .collect();
        assert_eq!(said, addresses.into_values().collect::<Vec<_>>());
    }
}

/// Prints the path, the number of the copy and the address of each register, and its fields.
const READER: &str = "
import sys
from systemrdl import RDLCompiler
from systemrdl.node import RegNode
compiler = RDLCompiler()
compiler.compile_file(sys.argv[1])
for node in compiler.elaborate().top.descendants(unroll=True):
    if isinstance(node, RegNode):
        group = node.parent
        copy = group.current_idx[0] if group.is_array else 0
        print(group.inst_name, copy, node.inst_name, node.absolute_address, len(node.fields()))
";

#[test]
fn the_systemrdl_compiler_reads_the_description() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/bin/python");
    for map in maps() {
        let folder = tempfile::tempdir().expect("there is room");
        let files = written(folder.path(), &map);
        let read = Command::new(&python).args(["-c", READER]).arg(&files["rdl"]).output();
        let read = read.expect("scripts/setup.sh has installed it");
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        let said = String::from_utf8_lossy(&read.stdout).into_owned();
        let mut found = BTreeMap::new();
        for line in said.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [group, copy, register, address, fields] = words[..] else { panic!("{line}") };
            let number = |word: &str| word.parse::<u32>().expect("it is a number");
            let (_, of_map) = map.register(group, register);
            assert_eq!(number(fields) as usize, of_map.fields.len(), "{line}");
            found.insert((group.into(), number(copy), register.into()), number(address));
        }
        assert_eq!(found, addresses(&map));
    }
}

#[test]
fn the_page_names_every_register_and_field() {
    for map in maps() {
        let folder = tempfile::tempdir().expect("there is room");
        let page =
            std::fs::read_to_string(&written(folder.path(), &map)["md"]).expect("it is there");
        for register in map.groups.iter().flat_map(|group| &group.registers) {
            assert!(page.contains(&format!("| `{}` |", register.name)), "{}", register.name);
            for field in &register.fields {
                assert!(page.contains(&format!("| `{}` |", field.name)), "{}", field.name);
            }
        }
    }
}
