//! The emitted accelerator beside its golden model, on sequences that mean something.

use std::fmt;
use std::time::Instant;

use super::driver::{Counters, Cycles, Device, DeviceError, Driver, Golden, Hardware};
use super::program::Program;
use crate::blocks::Configured;
use crate::blocks::engine::layer_engine::LayerEngineParameters;
use crate::config::Parameters;
use crate::cosim::{Rig, RigError, Subject, SubjectError, Workshop};

/// What runs the accelerator's hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulator {
    /// The evaluator of descriptions.
    Evaluator,
    /// The emitted Verilog in Verilator.
    Verilator,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The accelerator cannot be described.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// It cannot be simulated.
    #[error(transparent)]
    Rig(#[from] RigError),
}

/// In what hardware and golden model differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// The hardware did not go on.
    Device(DeviceError),
    /// An accumulator of the final layer, of a vector of all that went in.
    Accumulator {
        /// The vector, counted over all sequences.
        vector: usize,
        /// Which of its accumulators.
        output: usize,
        /// What it should be; none if there should be no such accumulator.
        expected: Option<i64>,
        /// What it is; none if there is no such accumulator.
        found: Option<i64>,
    },
    /// Cycles from the first beat in to the last one out.
    Cycles {
        /// As many as it should take.
        expected: u64,
        /// As many as it takes.
        found: u64,
    },
    /// What it counted: as it should be, and as it is.
    Counters(Box<(Counters, Counters)>),
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number =
            |value: &Option<i64>| value.map_or("nothing".into(), |value| value.to_string());
        match self {
            Disagreement::Device(error) => error.fmt(f),
            Disagreement::Accumulator { vector, output, expected, found } => {
                let (expected, found) = (number(expected), number(found));
                write!(f, "vector {vector}, output {output}: expected {expected}, found {found}")
            }
            Disagreement::Cycles { expected, found } => {
                write!(f, "it takes {found} cycles, not {expected}")
            }
            Disagreement::Counters(both) => {
                write!(f, "counters: expected {:?}, found {:?}", both.0, both.1)
            }
        }
    }
}

/// What was compared with the golden model.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Cycles from the first beat in to the last one out.
    pub cycles: u64,
    /// Vectors of results.
    pub vectors: usize,
    /// What the clock of each cluster did meanwhile.
    pub clusters: Vec<Cycles>,
    /// How long the simulator took for them, loading left out.
    pub seconds: f64,
    /// What was wrong first.
    pub disagreement: Option<Disagreement>,
}

/// Runs sequences through an accelerator: each result has to be that of the golden model, all of them
/// have to take as many cycles, and what was counted has to be the same.
///
/// # Errors
/// If there is no simulation of the accelerator.
pub fn verify(
    block: &Configured,
    program: &Program,
    sequences: &[Vec<Vec<i8>>],
    simulator: Simulator,
) -> Result<Verified, VerifyError> {
    let subject = Subject::of(block)?;
    let p = LayerEngineParameters::from_values(&block.values);
    let rig = match simulator {
        Simulator::Evaluator => Rig::evaluator(&subject).map_err(RigError::from)?,
        Simulator::Verilator => {
            Rig::verilator(&subject, &Workshop::find().map_err(RigError::from)?, false)?
        }
    };
    let mut golden = Driver::new(&p, Golden::new(&p));
    let mut hardware = Driver::new(&p, Hardware::new(&p, rig.pins(&subject)));
    let mut verified =
        Verified { cycles: 0, vectors: 0, clusters: vec![], seconds: 0.0, disagreement: None };
    let compared = compare(&mut golden, &mut hardware, program, sequences, &mut verified);
    verified.disagreement = match compared {
        Ok(disagreement) => disagreement,
        Err(error) => Some(Disagreement::Device(error)),
    };
    Ok(verified)
}

fn compare(
    golden: &mut Driver<Golden>,
    hardware: &mut Driver<Hardware>,
    program: &Program,
    sequences: &[Vec<Vec<i8>>],
    verified: &mut Verified,
) -> Result<Option<Disagreement>, DeviceError> {
    let elements = sequences.iter().flatten().next().map_or(1, Vec::len);
    golden.load(program, elements)?;
    hardware.load(program, elements)?;
    golden.clear_counters()?;
    hardware.clear_counters()?;
    let expected = golden.run(sequences)?;
    let begin = Instant::now();
    let found = hardware.run(sequences)?;
    verified.seconds = begin.elapsed().as_secs_f64();
    verified.vectors = found.len();
    verified.cycles = hardware.device.span();
    for (vector, (expected, found)) in expected.iter().zip(&found).enumerate() {
        for output in 0..expected.len().max(found.len()) {
            let (expected, found) = (expected.get(output).copied(), found.get(output).copied());
            if expected != found {
                return Ok(Some(Disagreement::Accumulator { vector, output, expected, found }));
            }
        }
    }
    let (expected, found) = (golden.device.span(), hardware.device.span());
    if expected != found {
        return Ok(Some(Disagreement::Cycles { expected, found }));
    }
    golden.rest()?;
    hardware.rest()?;
    let clusters = 0..hardware.clusters();
    verified.clusters =
        clusters.map(|cluster| hardware.cycles(cluster)).collect::<Result<_, _>>()?;
    let both = (golden.counters()?, hardware.counters()?);
    Ok((both.0 != both.1).then(|| Disagreement::Counters(Box::new(both))))
}
