//! Arrays of numbers in NumPy's `.npy` files.

use npyz::{AutoSerialize, NpyFile, WriterBuilder};

/// Numbers in the order of C: the last index counts fastest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array<T> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

/// What a file holds instead of an array that can be read, and what would do.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub note: String,
    pub help: &'static str,
}

/// The elements as numbers of `$to`, if the file has them as one of the types `$from`.
macro_rules! elements {
    ($file:ident as $to:ty, from $($from:ty)*) => {
        'found: {
            $(let $file = match $file.try_data::<$from>() {
                Ok(data) => break 'found Some(data.map_while(Result::ok).map(|v| v as $to).collect()),
                Err(file) => file,
            };)*
            drop($file);
            None
        }
    };
}

/// Reads an array of integers, which fit in 64 bits.
pub(super) fn integers(bytes: &[u8]) -> Result<Array<i64>, Unreadable> {
    read(
        bytes,
        "integers",
        "save it with .astype(numpy.int32), for example",
        |file| elements!(file as i64, from i8 i16 i32 i64 u8 u16 u32),
    )
}

/// Reads an array of floating-point numbers or integers.
pub(super) fn floats(bytes: &[u8]) -> Result<Array<f64>, Unreadable> {
    read(
        bytes,
        "numbers",
        "save it with .astype(numpy.float32), for example",
        |file| elements!(file as f64, from f32 f64 i8 i16 i32 i64 u8 u16 u32),
    )
}

fn read<T: Copy>(
    bytes: &[u8],
    what: &str,
    type_help: &'static str,
    elements: impl Fn(NpyFile<&[u8]>) -> Option<Vec<T>>,
) -> Result<Array<T>, Unreadable> {
    let help = "write it with numpy.save";
    let file = NpyFile::new(bytes)
        .map_err(|error| Unreadable { note: format!("it has no valid header: {error}"), help })?;
    let strides: Vec<usize> = file.strides().iter().map(|&stride| stride as usize).collect();
    let shape: Vec<usize> = file.shape().iter().map(|&extent| extent as usize).collect();
    let dtype = file.dtype().descr();
    let values = elements(file).ok_or_else(|| Unreadable {
        note: format!("it holds {dtype}, which are no {what}"),
        help: type_help,
    })?;
    if shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent))
        != Some(values.len())
    {
        let note = format!("it ends after {} elements of {}", values.len(), extents(&shape));
        return Err(Unreadable { note, help });
    }
    let place = |index: usize| {
        let mut rest = index;
        let places = shape.iter().zip(&strides).rev().map(|(extent, stride)| {
            let place = rest % extent * stride;
            rest /= extent;
            place
        });
        places.sum::<usize>()
    };
    let values = (0..values.len()).map(|index| values[place(index)]).collect();
    Ok(Array { shape, values })
}

/// The file that holds an array of `shape`.
pub(super) fn write<T: AutoSerialize + Copy>(shape: &[usize], values: &[T]) -> Vec<u8> {
    let mut bytes = vec![];
    let shape: Vec<u64> = shape.iter().map(|&extent| extent as u64).collect();
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape);
    let written = options.writer(&mut bytes).begin_nd().and_then(|mut writer| {
        writer.extend(values.iter().copied())?;
        writer.finish()
    });
    written.expect("memory takes as many elements as the shape has");
    bytes
}

/// A shape as it is written: `64 x 48`.
pub(super) fn extents(shape: &[usize]) -> String {
    let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
    if extents.is_empty() { "a single number".into() } else { extents.join(" x ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = write(&[2, 3], &[-1_i8, 2, -3, 4, -5, 6]);
        let array = Array { shape: vec![2, 3], values: vec![-1, 2, -3, 4, -5, 6] };
        assert_eq!(integers(&bytes).unwrap(), array);
        assert_eq!(floats(&bytes).unwrap().values[4], -5.0);
        assert_eq!(floats(&write(&[1], &[0.5_f32])).unwrap().values, [0.5]);
    }

    #[test]
    fn columns_first_is_read_too() {
        let bytes = write(&[2, 3], b"adbecf");
        let at = bytes.windows(5).position(|word| word == b"False").unwrap();
        let bytes = [&bytes[..at], b"True ", &bytes[at + 5..]].concat();
        let letters: Vec<u8> = integers(&bytes).unwrap().values.iter().map(|&v| v as u8).collect();
        assert_eq!(letters, b"abcdef");
    }

    #[test]
    fn what_is_no_such_array_says_so() {
        let note = |bytes: &[u8]| integers(bytes).unwrap_err().note;
        assert!(note(b"a,b").starts_with("it has no valid header"), "{}", note(b"a,b"));
        let floats = write(&[2], &[0.5_f32, 1.0]);
        assert_eq!(note(&floats), "it holds '<f4', which are no integers");
        let cut = write(&[2, 2], &[1_i16, 2, 3, 4]);
        assert_eq!(note(&cut[..cut.len() - 1]), "it ends after 3 elements of 2 x 2");
    }
}
