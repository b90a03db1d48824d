//! What a layer remembers, in the golden model.

use super::TemporalPathParameters;
use crate::model::Bits;

/// What was transmitted of each element since the sequence began, and its last mask.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    elements: Vec<(i64, bool)>,
}

impl Memory {
    /// A new sequence begins.
    pub fn forget(&mut self) {
        self.elements.clear();
    }

    fn at(&self, index: usize) -> (i64, bool) {
        self.elements.get(index).copied().unwrap_or((0, false))
    }

    /// The scores of elements from the index `base` on, unsigned, side by side.
    pub fn scores(&self, width: u32, mode: u64, base: usize, elements: &[i64]) -> Bits {
        let score = |(lane, &x): (usize, &i64)| {
            let reference = if mode >= 2 { self.at(base + lane).0 } else { 0 };
            Bits::new(width, x.abs_diff(reference))
        };
        Bits::concat(&elements.iter().enumerate().map(score).collect::<Vec<_>>())
    }

    /// The masks that these elements had the last time.
    pub fn previous(&self, base: usize, lanes: usize) -> Bits {
        let mask = |lane: usize| Bits::new(1, self.at(base + lane).1);
        Bits::concat(&(0..lanes).map(mask).collect::<Vec<_>>())
    }

    /// What is transmitted of elements from the index `base` on, with a mask, and the mask that
    /// counts.
    pub fn transmit(
        &mut self,
        p: &TemporalPathParameters,
        mode: u64,
        base: usize,
        chosen: &[(i64, bool)],
    ) -> (Vec<i64>, Vec<bool>) {
        let most = (1 << (p.width - 1)) - 1;
        let mut sent = vec![];
        for (lane, &(x, survives)) in chosen.iter().enumerate() {
            let before = self.at(base + lane).0;
            let change = if p.clip { (x - before).clamp(-most, most) } else { x - before };
            let survives = survives || mode == 0;
            let value = match (survives, mode) {
                (false, _) => 0,
                (true, 0 | 1) => x,
                (true, _) => change,
            };
            let after = if mode >= 2 { before + value } else { value };
            if self.elements.len() <= base + lane {
                self.elements.resize(base + lane + 1, (0, false));
            }
            self.elements[base + lane] = (after, survives);
            sent.push((value, survives));
        }
        sent.into_iter().unzip()
    }
}
