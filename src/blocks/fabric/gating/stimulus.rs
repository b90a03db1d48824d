//! Stimulus for the gating fabric: work in bursts and single beats, with pauses of all lengths.

use rand::{RngExt, SeedableRng};

use super::GatingParameters;
use super::bench::DATA_WIDTH;
use super::model::Bench;
use crate::model::{Bits, Kind, PortModel, Random, Stimulus, recording};

/// What is offered to a core for a while.
#[derive(Clone, Copy)]
struct Habit {
    /// Cycles that it goes on for.
    left: u32,
    /// In one of how many cycles a beat comes; none comes if it is 0.
    one_in: u32,
    /// Whether a beat stands until it is taken.
    stands: bool,
}

impl Habit {
    fn of(kind: Kind, p: &GatingParameters, random: &mut Random) -> Habit {
        let about = p.idle_cycles.min(100) + p.wake_cycles;
        let left = match random.random_range(0..6) {
            0 => 1,
            // Pauses after which a clock is just about to stop.
            1 | 2 => (about + random.random_range(0..4)).max(1),
            3 => 3 * about + 8,
            _ => random.random_range(1..=32),
        };
        let one_in = match kind {
            Kind::Corner => [0, 0, 1][random.random_range(0..3)],
            _ => [0, 0, 1, 2, 8][random.random_range(0..5)],
        };
        Habit { left, one_in, stands: random.random_ratio(3, 4) }
    }
}

/// Of recorded numbers, one in each cycle goes to each core of the first quarter, and the others
/// sleep: work packed into as few cores as it takes. Otherwise each core is offered work by habits
/// of its own, and everything else happens at any time.
pub(super) fn stimulus(
    p: &GatingParameters,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Stimulus {
    // How much chance a row takes depends on the one before, so the rows have their own.
    let mut chance = Random::from_rng(random);
    let rows = match kind {
        Kind::Recorded => packed(p, beats, &mut chance),
        _ => mixed(p, kind, beats, &mut chance),
    };
    Stimulus { inputs: vec![rows], held: vec![] }
}

fn row(
    p: &GatingParameters,
    offers: &[bool],
    data: i128,
    flags: [bool; 4],
    core: u32,
) -> Vec<Bits> {
    let offers: Vec<Bits> = offers.iter().map(|&offer| Bits::new(1, offer)).collect();
    let mut row = vec![Bits::concat(&offers), Bits::new(DATA_WIDTH, data)];
    row.extend(flags.map(|flag| Bits::new(1, flag)));
    let width = (p.clusters * p.cores).max(2) - 1;
    row.push(Bits::new(width.ilog2() + 1, core));
    row
}

fn packed(p: &GatingParameters, beats: usize, random: &mut Random) -> Vec<Vec<Bits>> {
    let cores = p.clusters * p.cores;
    let offers: Vec<bool> = (0..cores).map(|core| core < cores.div_ceil(4)).collect();
    let numbers = recording();
    let first = random.random_range(0..numbers.len());
    let of = |beat: usize| {
        let data = i128::from(numbers[(first + beat) % numbers.len()]);
        row(p, &offers, data, [false; 4], 0)
    };
    (0..beats).map(of).collect()
}

fn mixed(p: &GatingParameters, kind: Kind, beats: usize, random: &mut Random) -> Vec<Vec<Bits>> {
    let cores = (p.clusters * p.cores) as usize;
    let mut bench = Bench::new(p);
    let mut habits = vec![Habit { left: 0, one_in: 0, stands: true }; cores];
    let mut offers = vec![false; cores];
    // Cycles for which all are kept awake, or scanned, or nobody is offered anything.
    let (mut keep, mut test, mut silence) = (0_u32, 0_u32, 0_u32);
    let mut rows = vec![];
    for _ in 0..beats {
        for (habit, offer) in habits.iter_mut().zip(&mut offers) {
            if habit.left == 0 {
                *habit = Habit::of(kind, p, random);
            }
            habit.left -= 1;
            let comes = silence == 0 && habit.one_in > 0 && random.random_ratio(1, habit.one_in);
            *offer = comes || (*offer && habit.stands);
        }
        for (left, one_in, longest) in [
            (&mut keep, 64, 8),
            (&mut test, 96, 3),
            (&mut silence, 64, 2 * p.idle_cycles.min(50) + 8),
        ] {
            *left = match random.random_ratio(1, one_in) {
                true => random.random_range(1..=longest),
                false => left.saturating_sub(1),
            };
        }
        let data = match kind {
            Kind::Corner => Bits::corner(DATA_WIDTH, random),
            _ => Bits::random(DATA_WIDTH, random),
        };
        let flags = [keep > 0, test > 0, random.random_ratio(1, 48), random.random_ratio(1, 3)];
        let core = random.random_range(0..(cores as u32).next_power_of_two().max(2));
        let row = row(p, &offers, data.unsigned() as i128, flags, core);
        for (index, offer) in offers.iter_mut().enumerate() {
            *offer &= !bench.takes(index, &row);
        }
        bench.step(&row);
        rows.push(row);
    }
    rows
}
