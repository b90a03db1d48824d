//! Sequences of vectors: the built-in data set, and files of the user.
//!
//! # Files
//!
//! - `.csv`: a line for each vector, its numbers between commas; a blank line between sequences. The
//!   first line of a sequence may be `label,N`, the class that it is of, counted from 0.
//! - `.npy`: floating-point numbers or integers, [steps, elements] for one sequence or
//!   [sequences, steps, elements] for several of one length. They have no labels.
//!
//! All vectors of a file have as many elements.

use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

use super::{diagnostic, npy, read_bytes};
use crate::config::diagnostic::Source;
use crate::config::{Diagnostic, Diagnostics};

/// What stands in the place of a vector's first number, in the line of a label.
const LABEL: &str = "label";

/// Vectors that follow each other in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// The class that it is of, counted from 0, if that is known.
    pub label: Option<usize>,
    /// The vectors, each of as many elements, in the data's own units.
    pub vectors: Vec<Vec<f64>>,
}

impl Sequence {
    /// The same with `depth` vectors side by side in each, the oldest first: as many vectors as
    /// before, because the first one stands for those that would be before it.
    pub fn stacked(&self, depth: usize) -> Sequence {
        let window = |last: usize| (0..depth).rev().map(move |age| last.saturating_sub(age));
        let vectors = (0..self.vectors.len())
            .map(|last| window(last).flat_map(|step| self.vectors[step].iter().copied()).collect())
            .collect();
        Sequence { label: self.label, vectors }
    }
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What a network is trained on, and whatever is chosen about it.
    Train,
    /// What it has never seen.
    Test,
}

/// Classes of [`japanese_vowels`]: its speakers.
pub const JAPANESE_VOWELS_CLASSES: usize = 9;

/// Utterances of the vowels /ae/ by nine speakers, labelled by speaker: 270 to train with and 370 to
/// test, in the data set's own split and order. A vector is a frame of 12 linear-prediction cepstrum
/// coefficients; see `data/README.md`.
pub fn japanese_vowels(part: Part) -> &'static [Sequence] {
    static TRAIN: LazyLock<Vec<Sequence>> =
        LazyLock::new(|| built_in(include_bytes!("../../data/japanese_vowels/train.csv.gz")));
    static TEST: LazyLock<Vec<Sequence>> =
        LazyLock::new(|| built_in(include_bytes!("../../data/japanese_vowels/test.csv.gz")));
    match part {
        Part::Train => &TRAIN,
        Part::Test => &TEST,
    }
}

fn built_in(packed: &[u8]) -> Vec<Sequence> {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).expect("the built-in data are packed text");
    parse_csv("built-in data", &text).expect("the built-in data are sequences")
}

/// Reads the sequences of a file, by the ending of its name: see [the module](self).
///
/// # Errors
/// Every line that is wrong, or that the file cannot be read or holds something else.
pub fn read(path: &Path) -> Result<Vec<Sequence>, Diagnostics> {
    let file = path.display().to_string();
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending {
        "csv" => {
            let text = String::from_utf8(read_bytes(path)?).map_err(|_| {
                diagnostic("E0501", format!("{file} is not UTF-8 text"), "save it as UTF-8")
            })?;
            parse_csv(&file, &text)
        }
        "npy" => parse_npy(&file, &read_bytes(path)?),
        _ => Err(diagnostic(
            "E0501",
            format!("{file}: the ending of the name says nothing of what is in the file"),
            "name a file that ends in .csv or .npy",
        )
        .into()),
    }
}

fn parse_csv(file: &str, text: &str) -> Result<Vec<Sequence>, Diagnostics> {
    let source = Source::new(file, text);
    let mut diagnostics = vec![];
    let mut sequences: Vec<Sequence> = vec![];
    let mut elements = None;
    let mut is_open = false;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_end();
        if line.is_empty() {
            is_open = false;
            continue;
        }
        if !is_open {
            sequences.push(Sequence { label: None, vectors: vec![] });
            is_open = true;
        }
        let sequence = sequences.last_mut().expect("one is open");
        let read = match line.strip_prefix(LABEL) {
            Some(label) => take_label(sequence, label),
            None => take_vector(sequence, line, &mut elements),
        };
        if let Err((note, help)) = read {
            diagnostics.push(Diagnostic {
                code: "E0502",
                message: "a line must be a vector, or the label of a sequence before its first"
                    .into(),
                place: Some(source.place(start..start + line.len(), None)),
                note,
                help: Some(help),
            });
        }
    }
    if diagnostics.is_empty() && sequences.iter().any(|sequence| sequence.vectors.is_empty()) {
        let message = format!("{file}: a sequence has a label, but no vector");
        diagnostics.push(diagnostic("E0502", message, "write its vectors below the label"));
    }
    if sequences.is_empty() {
        let help = "write a line for each vector, such as 0.5,-1.25,3";
        diagnostics.push(diagnostic("E0502", format!("{file} holds no vector"), help));
    }
    if diagnostics.is_empty() { Ok(sequences) } else { Err(Diagnostics(diagnostics)) }
}

/// What is wrong with a line, and what would work.
type Wrong = (String, String);

fn take_label(sequence: &mut Sequence, text: &str) -> Result<(), Wrong> {
    if sequence.label.is_some() || !sequence.vectors.is_empty() {
        let help = "write one label at most, above the vectors, and a blank line above the label";
        return Err(("this is inside of a sequence".into(), help.into()));
    }
    let label = text.trim_start().strip_prefix(',').and_then(|label| label.trim().parse().ok());
    sequence.label = Some(label.ok_or_else(|| {
        ("this is no class".to_string(), format!("write {LABEL},0 for the first class"))
    })?);
    Ok(())
}

fn take_vector(
    sequence: &mut Sequence,
    line: &str,
    elements: &mut Option<usize>,
) -> Result<(), Wrong> {
    let number = |cell: &str| {
        let number = cell.trim().parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| {
            let note = format!("`{}` is no number", cell.trim().escape_debug());
            (note, "write numbers with commas between them, such as 0.5,-1.25,3".to_string())
        })
    };
    let vector = line.split(',').map(number).collect::<Result<Vec<f64>, Wrong>>()?;
    let elements = *elements.get_or_insert(vector.len());
    if vector.len() != elements {
        let note = format!("this has {} elements", vector.len());
        return Err((note, format!("write {elements}, as many as the first vector has")));
    }
    sequence.vectors.push(vector);
    Ok(())
}

fn parse_npy(file: &str, bytes: &[u8]) -> Result<Vec<Sequence>, Diagnostics> {
    let wrong = |note: String, help: &str| {
        let message = format!("{file} must be an array of sequences: {note}");
        Diagnostics::from(diagnostic("E0503", message, help))
    };
    let npy::Array { shape, values } =
        npy::floats(bytes).map_err(|unreadable| wrong(unreadable.note, unreadable.help))?;
    let (steps, elements) = match shape[..] {
        [steps, elements] | [_, steps, elements] if !values.is_empty() => (steps, elements),
        _ => {
            let note = format!("it holds {}", npy::extents(&shape));
            return Err(wrong(
                note,
                "its shape is [steps, elements] or [sequences, steps, elements]",
            ));
        }
    };
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let note = format!("the element at {at} is {}", values[at]);
        return Err(wrong(note, "every element is a finite number"));
    }
    let sequence = |values: &[f64]| Sequence {
        label: None,
        vectors: values.chunks(elements).map(<[f64]>::to_vec).collect(),
    };
    Ok(values.chunks(steps * elements).map(sequence).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_data_are_whole() {
        let frames = |part| japanese_vowels(part).iter().map(|s| s.vectors.len()).sum::<usize>();
        let [train, test] = [Part::Train, Part::Test].map(japanese_vowels);
        assert_eq!((train.len(), frames(Part::Train)), (270, 4274));
        assert_eq!((test.len(), frames(Part::Test)), (370, 5687));
        let of = |class| test.iter().filter(|s| s.label == Some(class)).count();
        let classes: Vec<usize> = (0..JAPANESE_VOWELS_CLASSES).map(of).collect();
        assert_eq!(classes, [31, 35, 88, 44, 29, 24, 40, 50, 29]);
        assert!(train.iter().chain(test).flat_map(|s| &s.vectors).all(|v| v.len() == 12));
        assert_eq!(train[0].vectors[0][..3], [1.8609, -0.2074, 0.2616]);
    }

    #[test]
    fn a_stack_begins_with_the_first_vector_again() {
        let vectors = (1..=4).map(|value| vec![f64::from(value), -1.0]).collect();
        let stacked = Sequence { label: Some(3), vectors }.stacked(3);
        let first: Vec<Vec<f64>> =
            stacked.vectors.iter().map(|v| v.iter().copied().step_by(2).collect()).collect();
        assert_eq!(first, [[1., 1., 1.], [1., 1., 2.], [1., 2., 3.], [2., 3., 4.]]);
        assert_eq!(stacked.label, Some(3));
    }

    #[test]
    fn sequences_are_read() {
        let text = "label,2\n1,-2.5\r\n3, 4e0\n\n\n5,6\n";
        let sequence = |label, vectors: &[[f64; 2]]| Sequence {
            label,
            vectors: vectors.iter().map(|vector| vector.to_vec()).collect(),
        };
        let wanted = [sequence(Some(2), &[[1., -2.5], [3., 4.]]), sequence(None, &[[5., 6.]])];
        assert_eq!(parse_csv("a.csv", text).unwrap(), wanted);

        let file = npy::write(&[2, 1, 2], &[1.0_f32, 2.0, 3.0, 4.0]);
        let wanted = [sequence(None, &[[1., 2.]]), sequence(None, &[[3., 4.]])];
        assert_eq!(parse_npy("a.npy", &file).unwrap(), wanted);
        let file = npy::write(&[2, 1], &[1_i8, 2]);
        assert_eq!(parse_npy("a.npy", &file).unwrap()[0].vectors, [[1.0], [2.0]]);
    }

    #[test]
    fn every_wrong_line_is_reported() {
        let text = "1,2\n1,x\n3\nlabel,1\n\nlabel,one\nnan,1\n";
        let Diagnostics(errors) = parse_csv("a.csv", text).unwrap_err();
        let found: Vec<String> = errors
            .iter()
            .map(|error| format!("{} {}", error.place.as_ref().unwrap().line, error.note))
            .collect();
        let wanted = [
            "2 `x` is no number",
            "3 this has 1 elements",
            "4 this is inside of a sequence",
            "6 this is no class",
            "7 `nan` is no number",
        ];
        assert_eq!(found, wanted);
        let message = |text: &str| parse_csv("a.csv", text).unwrap_err().0[0].message.clone();
        assert_eq!(message("\n"), "a.csv holds no vector");
        assert_eq!(message("label,1\n"), "a.csv: a sequence has a label, but no vector");
    }

    #[test]
    fn a_wrong_file_says_what_it_holds() {
        let message = |file: Vec<u8>| parse_npy("a.npy", &file).unwrap_err().0[0].message.clone();
        let flat = message(npy::write(&[3], &[1_i8, 2, 3]));
        assert_eq!(flat, "a.npy must be an array of sequences: it holds 3");
        let nan = message(npy::write(&[1, 2], &[0.0, f64::NAN]));
        assert_eq!(nan, "a.npy must be an array of sequences: the element at 1 is NaN");
        let of = |name: &str| read(Path::new(name)).unwrap_err().0[0].clone();
        assert_eq!(of("a.wav").code, "E0501");
        assert!(of("/nowhere/a.csv").message.starts_with("cannot read /nowhere/a.csv"));
    }
}
