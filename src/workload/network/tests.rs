use std::collections::HashMap;
use std::io;

use super::*;
use crate::config::Diagnostic;
use crate::workload::npy;

/// Two layers: 4 bits with exponents, then raw accumulators.
const TEXT: &str = r#"[network]
scale = 64.0
stack = 2

[[layer]]
inputs = 4
outputs = 3
precision = 4
keep = 2
weights = "w0.npy"
exponents = "e0.npy"
bias = [1, -2, 3]
multiplier = 700
shift = 9
activation = "none"

[layer.control]
mode = "mask"
metric = "cosine"
coherence = [60000, 65536]
hysteresis = 9
dwell = 3
first_keep = 15
keep = [16, 8, 4]
threshold = [0, 2, 255]
weight_threshold = [0, 16, 96]
bonus = 5

[[layer]]
inputs = 3
outputs = 2
weights = "w1.npy"
bias = "b1.npy"
"#;

type Files = HashMap<String, Vec<u8>>;

fn arrays() -> Files {
    let files = [
        ("w0.npy", npy::write(&[3, 4], &[-8_i8, 0, 1, 7, 0, 2, 3, 0, 4, 5, 0, 0])),
        ("e0.npy", npy::write(&[4, 1], &[0_u8, 1, 2, 4])),
        ("w1.npy", npy::write(&[2, 3], &[-128_i16, 127, 0, 1, 2, 3])),
        ("b1.npy", npy::write(&[2], &[-1_i64 << 47, 7])),
    ];
    files.into_iter().map(|(name, content)| (name.to_string(), content)).collect()
}

fn parse(text: &str, files: &Files) -> Result<Network, Diagnostics> {
    let load = |name: &str| {
        files.get(name).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    reader::parse("network.toml", text, &load)
}

/// The errors after a change of the text.
fn errors(from: &str, to: &str) -> Vec<Diagnostic> {
    assert!(TEXT.contains(from), "{from}");
    parse(&TEXT.replacen(from, to, 1), &arrays()).map_or_else(|errors| errors.0, |_| vec![])
}

/// Code, line, rule, note and help of the one error after a change of the text.
fn error(from: &str, to: &str) -> String {
    shown(&errors(from, to))
}

fn shown(errors: &[Diagnostic]) -> String {
    let [error] = errors else { panic!("{} errors:\n{errors:#?}", errors.len()) };
    let line = error.place.as_ref().map_or(0, |place| place.line);
    let help = error.help.as_deref().unwrap_or_default();
    format!("{} line {line}: {}; {}; {help}", error.code, error.message, error.note)
}

#[test]
fn a_network_is_read() {
    let network = parse(TEXT, &arrays()).unwrap();
    assert_eq!((network.scale, network.stack, network.layers.len()), (64.0, 2, 2));
    let [first, last] = &network.layers[..] else { unreachable!() };
    assert_eq!((first.precision, first.reference, first.keep), (4, 8, 2));
    // -8 * 2^0, 7 * 2^4, 3 * 2^2.
    let weights = [first.weight(0, 0), first.weight(0, 3), first.weight(1, 2)];
    assert_eq!(weights, [-8, 112, 12]);
    let stored = |least| (0..4).map(|input| first.stored(input, least)).collect::<Vec<_>>();
    assert_eq!(stored(0), [2, 2, 2, 1]);
    // Column 0 has 8 and 4, column 3 has 7 * 16.
    assert_eq!([stored(4)[0], stored(3)[0], stored(111)[3], stored(112)[3]], [1, 2, 1, 0]);
    assert_eq!([0, 1, 2].map(|level| first.control.weight_threshold(level)), [0, 16, 96]);
    let requantisation = Requantisation { multiplier: 700, shift: 9, activation: Activation::None };
    assert_eq!(first.requantisation, Some(requantisation));
    let levels = [(16, 0, 0), (8, 2, 16), (4, 255, 96)];
    let levels = levels.map(|(keep, threshold, weight_threshold)| Level {
        keep,
        threshold,
        weight_threshold,
    });
    let control = Control {
        mode: Mode::Mask,
        metric: Metric::Cosine,
        coherence: vec![60000, 65536],
        hysteresis: 9,
        dwell: 3,
        first_keep: 15,
        bonus: 5,
        levels: levels.to_vec(),
    };
    assert_eq!(first.control, control);
    assert_eq!((last.requantisation, &last.control), (None, &Control::default()));
    assert_eq!(last.bias, [-1 << 47, 7]);
    assert_eq!(last.weight(0, 0), -128);
}

#[test]
fn without_exponents_all_precisions_share_the_scale() {
    let text = TEXT.replacen("exponents = \"e0.npy\"\n", "", 1);
    assert_eq!(parse(&text, &arrays()).unwrap().layers[0].weight(0, 3), 7 << 4);
}

#[test]
fn what_is_written_is_read() {
    let network = parse(TEXT, &arrays()).unwrap();
    let mut files: Files = network.files("By hand.\nTwice.").into_iter().collect();
    let text = String::from_utf8(files.remove("network.toml").unwrap()).unwrap();
    assert!(text.starts_with("# By hand.\n# Twice.\n\n[network]\n"), "{text}");
    assert_eq!(parse(&text, &files).unwrap(), network);
    for precision in [16, 32] {
        let mut network = network.clone();
        let layer = &mut network.layers[0];
        (layer.precision, layer.reference, layer.exponents) = (precision, 32, None);
        layer.control.levels.iter_mut().for_each(|level| level.weight_threshold = 0);
        layer.weights[0] = i32::MIN >> (32 - precision);
        let mut files: Files = network.files("").into_iter().collect();
        let text = String::from_utf8(files.remove("network.toml").unwrap()).unwrap();
        assert_eq!(parse(&text, &files).unwrap(), network);
    }
}

#[test]
fn each_wrong_value_has_its_error() {
    let found = [
        error("scale = 64.0\n", ""),
        error("scale = 64.0", "scale = 0"),
        error("scale = 64.0", "scale = \"64\""),
        error("stack = 2", "stack = 3"),
        error("stack = 2", "stak = 2"),
        error("outputs = 3\n", ""),
        error("precision = 4", "precision = 5"),
        error("keep = 2", "keep = 17"),
        error("precision = 4", "precision = 4\nreference = 2"),
        error("keep = 2", "keep = 1"),
        error("bias = [1, -2, 3]", "bias = [1, -2]"),
        error("bias = [1, -2, 3]", "bias = 1"),
        error("multiplier = 700", "multiplier = 65536"),
        error("shift = 9\n", ""),
        error("\"none\"", "\"rely\""),
        error("\"mask\"", "\"dens\""),
        error("[60000, 65536]", "[60000, 65537]"),
        error("[60000, 65536]", "[60000]"),
        error("threshold = [0, 2, 255]", "threshold = [0, 2]"),
        error("[0, 16, 96]", "[0, 16]"),
        error("[0, 16, 96]", "[0, 16, -1]"),
        error("precision = 4", "precision = 16\nreference = 32"),
        error("[16, 8, 4]", "16"),
        error("[layer.control]", "[layer.controls]"),
        error("\"w0.npy\"", "\"w9.npy\""),
        error("\"w0.npy\"", "0"),
        error("bias = \"b1.npy\"", "bias = \"b1.npy\"\nshift = 0"),
        error("inputs = 3\n", "inputs = 3.0\n"),
    ];
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn each_wrong_array_has_its_error() {
    let found = [
        ("w0.npy", npy::write(&[4, 3], &[0_i8; 12])),
        ("w0.npy", npy::write(&[12], &[0_i8; 12])),
        ("w0.npy", npy::write(&[3, 4], &[0.5_f32; 12])),
        ("w0.npy", npy::write(&[3, 4], &[0, 0, 0, 0, 0, 0, 8, -9, 0, 0, 0, 0])),
        ("w0.npy", npy::write(&[3, 4], &[1_i8; 12])),
        ("w0.npy", b"1,2,3".to_vec()),
        ("w0.npy", npy::write(&[3, 4], &[0_i8; 12])[..130].to_vec()),
        ("e0.npy", npy::write(&[4, 1], &[0_u8, 1, 2, 5])),
        ("b1.npy", npy::write(&[2], &[0_i64, 1 << 47])),
    ];
    let found = found.map(|(name, content)| {
        let mut files = arrays();
        files.insert(name.to_string(), content);
        shown(&parse(TEXT, &files).unwrap_err().0)
    });
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn errors_of_the_whole_file_say_so() {
    let found = ["", "[network]\nscale = 1.0\n", "network = 1\n[[layer]]\n", "[network\n"];
    let found = found.map(|text| parse(text, &arrays()).unwrap_err().to_string());
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn all_errors_come_at_once() {
    let text = TEXT.replace("scale = 64.0", "scale = -1").replace("keep = 2", "keep = 0");
    let text = text.replace("inputs = 3\n", "inputs = 4\n").replace("dwell = 3", "dwell = -1");
    let mut files = arrays();
    files.remove("e0.npy");
    let errors = parse(&text, &files).unwrap_err().0;
    let found: Vec<(&str, usize)> =
        errors.iter().map(|error| (error.code, error.place.as_ref().unwrap().line)).collect();
    let wanted = [("E0108", 2), ("E0108", 9), ("E0501", 11), ("E0108", 22), ("E0503", 32)];
    assert_eq!(found, wanted);
}

#[test]
fn layers_must_fit() {
    let mut files = arrays();
    files.insert("w1.npy".into(), npy::write(&[2, 4], &[0_i8; 8]));
    let text = TEXT.replace("inputs = 3\n", "inputs = 4\n");
    let errors = parse(&text, &files).unwrap_err().0;
    let rule = "E0507 line 30: `inputs` must be the outputs of the layer before; outputs = 3; \
                write inputs = 3";
    assert_eq!(shown(&errors), rule);
}

#[test]
fn data_are_rounded_and_stacked() {
    let network = parse(TEXT, &arrays()).unwrap();
    let vectors = vec![vec![0.008, -3.0], vec![0.0077, 3.0]];
    let sequence = Sequence { label: None, vectors };
    let quantised = network.quantised(&sequence).unwrap();
    assert_eq!(quantised, [[1, -128, 1, -128], [1, -128, 0, 127]]);
    let sequence = Sequence { label: None, vectors: vec![vec![0.0; 3]] };
    assert_eq!(network.quantised(&sequence).unwrap_err().0[0].code, "E0507");
}
