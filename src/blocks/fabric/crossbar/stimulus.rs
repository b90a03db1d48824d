//! Stimulus for the crossbar: permutations, everything to one output, to any, to all and to none,
//! in packets of one beat or many.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::{CrossbarParameters, Mode, Topology, benes};
use crate::model::{Beat, Bits, Kind, Random, Shape, Stimulus};

/// Where the beats of an input go for a while.
#[derive(Clone, Copy)]
enum Habit {
    /// To one output, which all inputs share.
    Same(u32),
    /// To an output of its own, as far as there are any.
    Own(u32),
    /// Mostly to one that all share, else to any.
    Hot(u32),
    /// Anywhere.
    Any,
    /// To all; where there is one at most, to any.
    All,
    /// Nowhere; where the number of outputs leaves no other, to any.
    None,
}

/// About how many beats a habit lasts.
const LASTS: usize = 12;

pub(super) fn stimulus(
    p: &CrossbarParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // A beat may have to wait for one of every other input.
    let beats = beats.div_ceil(p.inputs.div_ceil(8) as usize);
    let routes = (p.mode == Mode::Static).then(|| configuration(p, random));
    let seed: u64 = random.random();
    let mut stimulus = shape.stimulus(kind, beats, random);
    match routes {
        Some(routes) => stimulus.held = vec![routes],
        None => {
            for (input, beats) in (0..).zip(&mut stimulus.inputs) {
                address(p, input, beats, seed);
            }
        }
    }
    stimulus
}

/// Gives the beats of an input destinations, and leaves out a packet that would not end.
fn address(p: &CrossbarParameters, input: u32, beats: &mut Vec<Beat>, seed: u64) {
    // Inputs change their habits together, so that they meet, but else have chances of their own: a
    // longer stimulus begins with the shorter one.
    let mut shared = Random::seed_from_u64(seed);
    let mut own = Random::seed_from_u64(seed);
    own.set_stream(1 + u64::from(input));
    let mut whole = 0;
    'all: loop {
        let habit = habit(p, input, &mut shared);
        let longest = [1, 2, 9][shared.random_range(0..3)];
        let until = whole + LASTS;
        while whole < until {
            let to = destination(p, habit, &mut own);
            let length = if p.mode == Mode::Arbitrated { own.random_range(1..=longest) } else { 1 };
            let Some(packet) = beats.get_mut(whole..whole + length) else { break 'all };
            for (left, beat) in (0..length).rev().zip(packet) {
                beat[1] = to.clone();
                if let Some(last) = beat.get_mut(2) {
                    *last = Bits::new(1, left == 0);
                }
            }
            whole += length;
        }
    }
    beats.truncate(whole);
}

fn habit(p: &CrossbarParameters, input: u32, shared: &mut Random) -> Habit {
    let output = shared.random_range(0..p.outputs);
    match shared.random_range(0..8) {
        0 => Habit::Same(output),
        1 | 2 => Habit::Own((output + input) % p.outputs),
        3 => Habit::Hot(output),
        4 => Habit::All,
        5 => Habit::None,
        _ => Habit::Any,
    }
}

fn destination(p: &CrossbarParameters, habit: Habit, own: &mut Random) -> Bits {
    let width = p.to_width();
    let any = Bits::random(width, own);
    let is_hot = own.random_ratio(3, 4);
    let one = |output: u32| match p.mode {
        Mode::Multicast => {
            let bits: Vec<Bits> = (0..width).map(|bit| Bits::new(1, bit == output)).collect();
            Bits::concat(&bits)
        }
        _ => Bits::new(width, output),
    };
    match habit {
        Habit::Same(output) | Habit::Own(output) => one(output),
        Habit::Hot(output) if is_hot => one(output),
        Habit::All if p.mode == Mode::Multicast => Bits::new(width, -1),
        Habit::None if p.mode == Mode::Multicast => Bits::zero(width),
        Habit::None => Bits::new(width, -1),
        Habit::Hot(_) | Habit::All | Habit::Any => any,
    }
}

/// Where every input is led: each to an output of its own, or anywhere.
fn configuration(p: &CrossbarParameters, random: &mut Random) -> Bits {
    let is_permutation: bool = random.random();
    let is_shared: bool = random.random();
    if p.topology == Topology::Benes {
        let mut outputs: Vec<usize> = (0..p.ports() as usize).collect();
        outputs.shuffle(random);
        let mut crossed = benes::route_ports(&outputs, outputs.len());
        if !is_permutation {
            crossed.iter_mut().for_each(|crossed| *crossed = random.random());
        }
        let crossed: Vec<Bits> = crossed.into_iter().map(|bit| Bits::new(1, bit)).collect();
        return Bits::concat(&crossed);
    }
    let mut inputs: Vec<u32> = (0..p.inputs.max(p.outputs)).collect();
    inputs.shuffle(random);
    let shared = random.random_range(0..p.inputs);
    let followed = |output: u32| match (is_permutation, is_shared) {
        (true, _) => inputs[output as usize].min(p.inputs),
        (false, true) if random.random_ratio(3, 4) => shared,
        (false, _) => random.random_range(0..=p.inputs),
    };
    let followed: Vec<u32> = (0..p.outputs).map(followed).collect();
    let followed = followed.into_iter().map(|input| Bits::new(p.select_width(), input));
    Bits::concat(&followed.collect::<Vec<_>>())
}

/// Whether packets end, and have one destination each.
pub(super) fn is_legal(p: &CrossbarParameters, stimulus: &Stimulus) -> bool {
    let ends = |beat: &Beat| beat[2].bit(0);
    p.mode != Mode::Arbitrated
        || stimulus.inputs.iter().all(|beats| {
            let goes_on = |pair: &[Beat]| ends(&pair[0]) || pair[0][1] == pair[1][1];
            beats.last().is_none_or(ends) && beats.windows(2).all(goes_on)
        })
}
