//! What goes into a block.

use std::fmt;
use std::sync::LazyLock;

use rand::{Rng, RngExt};

use super::{Beat, Bits, Field, Shape};

/// Where chance comes from: the same numbers for a seed, on every machine.
pub type Random = rand_chacha::ChaCha8Rng;

/// All that goes into a block between two resets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stimulus {
    /// For each channel into the block, its beats.
    pub inputs: Vec<Vec<Beat>>,
    /// For each held input, its value.
    pub held: Vec<Bits>,
}

/// How a stimulus is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// By chance.
    Random,
    /// From values at which hardware tends to break.
    Corner,
    /// From data that were measured.
    Recorded,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 3] = [Kind::Random, Kind::Corner, Kind::Recorded];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Random => "random",
            Kind::Corner => "corner",
            Kind::Recorded => "recorded",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Shape {
    /// A stimulus for a block to which every value is as good as any other: `beats` beats for each
    /// channel. Recorded numbers are laid side by side into the fields.
    pub fn stimulus(&self, kind: Kind, beats: usize, random: &mut Random) -> Stimulus {
        let mut recording = Recording { position: random.random_range(0..recording().len()) };
        let mut value = |field: &Field| match kind {
            Kind::Random => Bits::random(field.width, random),
            Kind::Corner => Bits::corner(field.width, random),
            Kind::Recorded => recording.next(field.width),
        };
        // Beat by beat, so that a longer stimulus begins with the shorter one.
        let held = self.held.iter().map(&mut value).collect();
        let mut inputs = vec![vec![]; self.inputs.len()];
        for _ in 0..beats {
            for (channel, beats) in self.inputs.iter().zip(&mut inputs) {
                beats.push(channel.fields.iter().map(&mut value).collect());
            }
        }
        Stimulus { inputs, held }
    }
}

impl Bits {
    /// Any pattern.
    pub fn random(width: u32, random: &mut Random) -> Bits {
        Bits::of(width, |_| random.next_u64())
    }

    /// A pattern at which hardware tends to break: no bit set, all, the lowest, the highest, all
    /// but the highest, every second, any one.
    pub fn corner(width: u32, random: &mut Random) -> Bits {
        let one =
            |position: u32| {
                Bits::of(width, |index| {
                    if position as usize / 64 == index { 1 << (position % 64) } else { 0 }
                })
            };
        match random.random_range(0..8) {
            0 | 1 => Bits::zero(width),
            2 => Bits::new(width, -1),
            3 => one(0),
            4 => one(width - 1),
            5 => {
                let top = one(width - 1);
                Bits::of(width, |index| !top.limbs()[index])
            }
            6 => Bits::of(width, |_| 0x5555_5555_5555_5555 << random.random_range(0..2)),
            _ => one(random.random_range(0..width)),
        }
    }
}

/// Measured numbers of 8 bits, two's complement: see `data/README.md`.
pub fn recording() -> &'static [i8] {
    static RECORDING: LazyLock<Vec<i8>> = LazyLock::new(|| {
        let text = include_str!("../../data/vowels.csv");
        let numbers = text.split([',', '\n']).filter(|number| !number.is_empty());
        numbers.map(|number| number.parse().expect("the file holds numbers of 8 bits")).collect()
    });
    &RECORDING
}

/// A place in the [`recording`], which begins again after its end.
struct Recording {
    position: usize,
}

impl Recording {
    fn byte(&mut self) -> u8 {
        let numbers = recording();
        self.position = (self.position + 1) % numbers.len();
        numbers[self.position] as u8
    }

    fn next(&mut self, width: u32) -> Bits {
        Bits::of(width, |index| {
            let bytes = (width as usize - 64 * index).div_ceil(8).min(8);
            (0..bytes).fold(0, |limb, byte| limb | u64::from(self.byte()) << (8 * byte))
        })
    }
}
