//! The golden model of the crossbar: whoever's turn it is, cycle by cycle.

use super::{CrossbarParameters, Mode, Topology, benes};
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// For each input, the outputs that its beats are for, where the beats do not say so themselves.
pub(super) fn routes(p: &CrossbarParameters, held: &Bits) -> Vec<Vec<usize>> {
    let mut routes = vec![vec![]; p.inputs as usize];
    let mut connect = |input: usize, output: usize| {
        if let (Some(outputs), true) = (routes.get_mut(input), output < p.outputs as usize) {
            outputs.push(output);
        }
    };
    match p.topology {
        Topology::Mux => {
            // As many bits as the number that stands for none has.
            let selects = held.lanes(p.inputs.ilog2() + 1);
            selects.enumerate().for_each(|(to, from)| connect(from.unsigned() as usize, to));
        }
        Topology::Benes => {
            let crossed: Vec<bool> = (0..held.width()).map(|bit| held.bit(bit)).collect();
            benes::follow(&crossed).into_iter().enumerate().for_each(|(i, to)| connect(i, to));
        }
    }
    routes
}

/// The outputs that a beat is for.
pub(super) fn outputs_of(p: &CrossbarParameters, beat: &Beat) -> Vec<usize> {
    let is_for = |output: &u32| match p.mode {
        Mode::Multicast => beat[1].bit(*output),
        _ => beat[1].unsigned() == u64::from(*output),
    };
    (0..p.outputs).filter(is_for).map(|output| output as usize).collect()
}

/// An output.
#[derive(Clone, Default)]
struct Outlet {
    /// The input that is asked first.
    turn: usize,
    /// The input whose packet has begun.
    open: Option<usize>,
    emitted: Vec<Emitted>,
}

/// Every beat goes to its outputs, and the next one comes when all have it.
pub(super) fn run(p: &CrossbarParameters, stimulus: &Stimulus) -> Response {
    let inputs = p.inputs as usize;
    let fixed = stimulus.held.first().map(|held| routes(p, held));
    let wanted = |input: usize, beat: &Beat| match &fixed {
        Some(routes) => routes[input].clone(),
        None => outputs_of(p, beat),
    };
    // What each beat is yet to be taken by.
    let mut left: Vec<Vec<Vec<usize>>> = stimulus
        .inputs
        .iter()
        .enumerate()
        .map(|(input, beats)| beats.iter().map(|beat| wanted(input, beat)).collect())
        .collect();
    let capacity = left.iter().map(|beats| beats.iter().take_while(|to| to.is_empty()).count());
    let capacity = capacity.collect();
    let mut outlets = vec![Outlet::default(); p.outputs as usize];
    let mut accepted: Vec<Vec<u64>> = vec![vec![]; inputs];
    for cycle in 0.. {
        let mut moved = false;
        for (output, outlet) in outlets.iter_mut().enumerate() {
            let asks = |input: &usize| {
                let beat = left[*input].get(accepted[*input].len());
                beat.is_some_and(|to| to.contains(&output))
            };
            let mut in_turn = (0..inputs).map(|i| (outlet.turn + i) % inputs);
            let granted = match outlet.open {
                Some(owner) => Some(owner).filter(asks),
                None => in_turn.find(asks),
            };
            let Some(input) = granted else { continue };
            let number = accepted[input].len();
            left[input][number].retain(|&to| to != output);
            let beat = &stimulus.inputs[input][number];
            let ends = p.mode != Mode::Arbitrated || beat[2].bit(0);
            if ends {
                outlet.turn = (input + 1) % inputs;
            }
            outlet.open = (!ends).then_some(input);
            let cause = Cause { channel: input, beat: number };
            outlet.emitted.push(Emitted { beat: leaving(p, beat, input), cycle, cause });
            moved = true;
        }
        for (input, accepted) in accepted.iter_mut().enumerate() {
            if left[input].get(accepted.len()).is_some_and(Vec::is_empty) {
                accepted.push(cycle);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let emitted = outlets.into_iter().map(|outlet| outlet.emitted).collect();
    Response { accepted, emitted, capacity }
}

/// What comes out of a beat.
fn leaving(p: &CrossbarParameters, beat: &Beat, input: usize) -> Beat {
    // As many bits as the highest number has.
    let source = Bits::new((p.inputs.max(2) - 1).ilog2() + 1, input as u64);
    match p.mode {
        Mode::Static => vec![beat[0].clone()],
        Mode::Arbitrated => vec![beat[0].clone(), beat[2].clone(), source],
        Mode::Multicast => vec![beat[0].clone(), source],
    }
}
