//! A module of plain ports: the model is asked in every cycle.

use rand::SeedableRng;

use super::Bench;
use crate::cosim::mismatch::{Difference, Finding, Place, difference};
use crate::hdl::ir::Direction;
use crate::model::{Bits, PortModel, Random, Stimulus};

/// Asks the model in every cycle; an error if what it answers is not of the module's shape.
pub(super) fn run(
    bench: &mut Bench,
    stimulus: &Stimulus,
    model: &mut dyn PortModel,
) -> Result<(), String> {
    let module = bench.subject.module.clone();
    let of = |direction: Direction| -> Vec<usize> {
        let ports = 0..module.ports.len();
        ports.filter(|&port| module.direction(module.ports[port]) == direction).collect()
    };
    let (inputs, outputs) = (of(Direction::Input), of(Direction::Output));
    let shape = &bench.subject.shape.outputs[0];
    // A reset asks nobody outside to hold still.
    let mut random = Random::seed_from_u64(bench.case.seed);
    let mut reset = |bench: &mut Bench| {
        for &port in &inputs {
            let width = module.port(port).ty.width;
            let noise = module.has_reset.then(|| Bits::random(width, &mut random));
            bench.set(port, &noise.unwrap_or_else(|| Bits::zero(width)));
        }
        bench.reset();
    };
    reset(bench);
    let mut rows = &stimulus.inputs[0][..];
    let mut interrupts = bench.case.reset_after.filter(|&after| after < rows.len() as u64);
    while let Some((row, rest)) = rows.split_first() {
        if bench.has_enough() {
            return Ok(());
        }
        if interrupts == Some(bench.cycle) {
            interrupts = None;
            reset(bench);
            model.reset();
        }
        for (&port, value) in inputs.iter().zip(row) {
            bench.set(port, value);
        }
        let expected = model.outputs(row);
        bench.subject.shape.check_outputs(&expected)?;
        let mut wrong: Vec<Difference> = vec![];
        for ((&port, field), expected) in outputs.iter().zip(&shape.fields).zip(&expected) {
            if bench.has_same_start() || expected.is_some() {
                bench.compare(port);
            }
            if let Some(expected) = expected {
                wrong.extend(difference(field, expected, &bench.get(port)));
            }
        }
        if !wrong.is_empty() {
            let finding = Finding::Value { differences: wrong, displaced: None };
            bench.report(Place::Module, finding);
        }
        bench.run.beats += 1;
        bench.run.through = bench.cycle + 1;
        bench.step();
        model.step(row);
        rows = rest;
    }
    Ok(())
}
