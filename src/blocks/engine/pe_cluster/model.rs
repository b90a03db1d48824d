//! The golden model of the cluster of processing elements.

use smallvec::{SmallVec, smallvec};

use super::{PeClusterParameters, ROW_BITS, ROWS, SLOT};
use crate::blocks::engine::bits;
use crate::blocks::precision::vp_mac;
use crate::model::{Beat, Bits, Cause, Emitted, Response, Stimulus};

/// Bits of a sum.
pub(crate) fn sum_bits(p: &PeClusterParameters) -> u32 {
    vp_mac::sum_bits(&p.mac())
}

/// Bits of a word of weights.
pub(crate) fn word_bits(p: &PeClusterParameters) -> u32 {
    Word::pattern(p, p.narrowest, 0, 0, &[]).width()
}

/// What is known of a layer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layer {
    /// The address of its first word.
    pub base: usize,
    /// Words of a column.
    pub stride: usize,
    /// Beats of sums.
    pub beats: usize,
    /// Beats of a row, as a power of two.
    pub spread: u32,
}

/// The plain inputs, in the order of the ports.
pub(super) fn layers(p: &PeClusterParameters, held: &[Bits]) -> Vec<Layer> {
    let of = |port: usize, layer: u32| {
        let width = held[port].width() / p.layers;
        held[port].slice(layer * width, width).unsigned()
    };
    let layer = |layer| Layer {
        base: of(0, layer) as usize,
        stride: of(1, layer) as usize,
        beats: of(2, layer) as usize + 1,
        spread: of(3, layer) as u32,
    };
    (0..p.layers).map(layer).collect()
}

/// A survivor, or the word that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Survivor {
    pub value: i64,
    pub column: usize,
    /// Whether there is one.
    pub exists: bool,
    pub layer: usize,
    pub fresh: bool,
    pub tag: bool,
    pub weight_threshold: u64,
    pub last: bool,
}

impl Survivor {
    pub fn of(p: &PeClusterParameters, beat: &Beat) -> Survivor {
        let layer = beat[3].unsigned().min(u64::from(p.layers) - 1);
        Survivor {
            value: beat[0].signed(),
            column: beat[1].unsigned() as usize,
            exists: beat[2].bit(0),
            layer: layer as usize,
            fresh: beat[4].bit(0),
            tag: beat[5].bit(0),
            weight_threshold: beat[6].unsigned(),
            last: beat[7].bit(0),
        }
    }

    fn work(&self) -> Work {
        Work { layer: self.layer, exists: self.exists, fresh: self.fresh, last: self.last }
    }
}

/// A word of weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word {
    /// The row, in its pass, and the value of each weight.
    weights: SmallVec<[(usize, i64); 4]>,
    /// If it is a byte of a wide weight: bytes of that, and its exponent.
    wide: Option<(u32, u32)>,
}

impl Word {
    /// The pattern of a word: weights of `precision` bits with their rows, all of the same pass and
    /// exponent; of a wide weight, a byte.
    pub fn pattern(
        p: &PeClusterParameters,
        precision: u32,
        exponent: u32,
        pass: usize,
        weights: &[(usize, i32)],
    ) -> Bits {
        let width = precision.min(SLOT);
        let mut slot = 0;
        let mut rows = vec![0; p.places() as usize];
        for (place, &(row, weight)) in (0..).zip(weights) {
            slot |= (weight as u32 & ((1 << width) - 1)) << (place * width);
            rows[(place * width / p.narrowest) as usize] = row;
        }
        let mut parts = vec![Bits::new(SLOT, slot)];
        parts.extend(rows.iter().map(|&row| Bits::new(ROW_BITS, row as u64)));
        parts.extend((p.passes > 1).then(|| Bits::new(p.passes.ilog2(), pass as u64)));
        parts.push(Bits::new(bits(p.reference - p.narrowest + 1), exponent));
        parts.push(Bits::new(3, precision.ilog2() - 1));
        Bits::concat(&parts)
    }

    pub fn of(p: &PeClusterParameters, word: &Bits) -> Word {
        let mut low = 0;
        let mut next = |width: u32| {
            low += width;
            if width == 0 { 0 } else { word.slice(low - width, width).unsigned() }
        };
        let slot = Bits::new(SLOT, next(SLOT) as i64);
        let rows: Vec<u64> = (0..p.places()).map(|_| next(ROW_BITS)).collect();
        let pass = next(p.passes.ilog2());
        let (exponent, tag) = (next(bits(p.reference - p.narrowest + 1)), next(3));
        let width = 2_u32 << tag;
        if tag > 4 || width < p.narrowest || width > p.widest {
            return Word::default();
        }
        let row = |place: u32| (pass * u64::from(ROWS) + rows[place as usize]) as usize;
        if width > SLOT {
            let weights = smallvec![(row(0), slot.unsigned() as i64)];
            return Word { weights, wide: Some((width / SLOT, exponent as u32)) };
        }
        let weight =
            |low: u32| (row(low / p.narrowest), slot.slice(low, width).signed() << exponent);
        Word { weights: (0..SLOT).step_by(width as usize).map(weight).collect(), wide: None }
    }

    /// How many weights it has whose magnitude is above a threshold; a byte of a wide weight counts,
    /// whatever it is.
    pub fn products(&self, threshold: u64) -> u32 {
        match self.wide {
            Some(_) => 1,
            None => {
                let counts = |(_, weight): &&(usize, i64)| weight.unsigned_abs() > threshold;
                self.weights.iter().filter(counts).count() as u32
            }
        }
    }

    /// Which byte of a wide weight follows this word, which has number `byte`: 0 if none has to.
    pub fn byte_after(&self, byte: u32) -> u32 {
        self.weights(byte, 0, |_, _| ())
    }

    /// Hands on each weight with its row, if its magnitude is above a threshold. Bytes of wide weights
    /// are counted over consecutive words of such: this word has number `byte`; returned is that of
    /// the next.
    fn weights(&self, byte: u32, threshold: u64, mut hand_on: impl FnMut(usize, i64)) -> u32 {
        let Some((bytes, exponent)) = self.wide else {
            let counts = |(_, weight): &&(usize, i64)| weight.unsigned_abs() > threshold;
            self.weights.iter().filter(counts).for_each(|&(row, weight)| hand_on(row, weight));
            return 0;
        };
        let byte = byte % bytes;
        let (row, part) = self.weights[0];
        let part = if byte + 1 == bytes { i64::from(part as i8) } else { part };
        hand_on(row, part << (exponent + byte * SLOT));
        (byte + 1) % bytes
    }
}

/// The words of an element; those that were not loaded have no weights.
#[derive(Clone, Default)]
pub(crate) struct Words(Vec<Word>);

impl Words {
    pub fn load(&mut self, address: usize, word: Word) {
        self.0.resize(self.0.len().max(address + 1), Word::default());
        self.0[address] = word;
    }
}

/// What the words of a column come to.
#[derive(Clone, Default)]
struct Column {
    /// The weights that count, each with the number of its sum.
    weights: Vec<(usize, i64)>,
    /// The threshold that they are above.
    threshold: u64,
    /// Whether no wide weight reaches into it or out of it, so that it is always the same.
    is_whole: bool,
}

impl Column {
    /// Whether it is still what its words come to, where the next byte is the first everywhere.
    fn is_known(&self, threshold: u64) -> bool {
        self.is_whole && self.threshold == threshold
    }
}

/// The sums of a layer.
struct LayerSums {
    layer: Layer,
    /// How many sums a row has in each cluster: one for each element, or for those that share an
    /// output's weights.
    width: usize,
    /// Where the sums of each beat begin.
    beats: Vec<usize>,
    /// Row by row, of all passes; within a row those of a beat stand together, cluster by cluster.
    sums: Vec<i64>,
    /// What is known of each column, as of now.
    columns: Vec<Column>,
}

/// The sums of all layers in clusters that are fed alike, modulo 2^64.
pub(crate) struct Sums {
    elements: usize,
    lanes: usize,
    clusters: usize,
    /// The words of each element, and how many there are at most.
    words: Vec<Words>,
    depth: usize,
    /// Which byte of a wide weight comes next in each element.
    bytes: Vec<u32>,
    /// Whether that is the first everywhere.
    is_between: bool,
    layers: Vec<LayerSums>,
}

impl Sums {
    /// As a reset leaves them; `words` are those of each element of one cluster, then of the next.
    pub fn new(p: &PeClusterParameters, layers: &[Layer], words: Vec<Words>) -> Sums {
        let (elements, lanes) = (p.elements as usize, p.lanes as usize);
        let clusters = words.len() / elements;
        let of_layer = |layer: &Layer| {
            let width = elements.min(lanes << layer.spread);
            let beat = |beat: usize| {
                let (row, part) = (beat >> layer.spread, beat & ((1 << layer.spread) - 1));
                let group = part * lanes;
                let row = group / elements * ROWS as usize + row;
                (row * width + group % width) * clusters
            };
            let beats = (0..layer.beats).map(beat).collect();
            let sums = vec![0; p.rows() as usize * width * clusters];
            LayerSums { layer: *layer, width, beats, sums, columns: vec![] }
        };
        Sums {
            elements,
            lanes,
            clusters,
            depth: 1 << bits(p.words),
            bytes: vec![0; words.len()],
            words,
            is_between: true,
            layers: layers.iter().map(of_layer).collect(),
        }
    }

    pub fn clear(&mut self, layer: usize) {
        self.layers[layer].sums.fill(0);
        self.bytes.fill(0);
        self.is_between = true;
    }

    /// Survivors, each a column and a value, times the weights of their columns that are above a
    /// threshold.
    pub fn add(&mut self, layer: usize, survivors: &[(usize, i64)], threshold: u64) {
        for &(column, value) in survivors {
            let known = self.layers[layer].columns.get(column);
            if !known.is_some_and(|known| self.is_between && known.is_known(threshold)) {
                self.look_up(layer, column, threshold);
            }
            let LayerSums { columns, sums, .. } = &mut self.layers[layer];
            for &(sum, weight) in &columns[column].weights {
                let sum = &mut sums[sum];
                *sum = sum.wrapping_add(value.wrapping_mul(weight));
            }
        }
    }

    /// Finds out what a column's words come to now.
    fn look_up(&mut self, layer: usize, column: usize, threshold: u64) {
        let LayerSums { layer: Layer { base, stride, .. }, width, .. } = self.layers[layer];
        let mut weights = vec![];
        for (number, (words, byte)) in self.words.iter().zip(&mut self.bytes).enumerate() {
            let (cluster, element) = (number / self.elements, number % self.elements);
            let group = element / (self.elements / width);
            let (beat, lane) = (group / self.lanes, group % self.lanes);
            let place = (beat * self.clusters + cluster) * self.lanes + lane;
            for number in 0..stride {
                let address = (base + column * stride + number) % self.depth;
                let row_of_sums = width * self.clusters;
                let hand_on = |row, weight| weights.push((row * row_of_sums + place, weight));
                *byte =
                    words.0.get(address).map_or(0, |word| word.weights(*byte, threshold, hand_on));
            }
        }
        weights.retain(|&(_, weight)| weight != 0);
        let began_between = self.is_between;
        self.is_between = self.bytes.iter().all(|&byte| byte == 0);
        let is_whole = began_between && self.is_between;
        let columns = &mut self.layers[layer].columns;
        columns.resize(columns.len().max(column + 1), Column::default());
        columns[column] = Column { weights, threshold, is_whole };
    }

    /// The sums of a beat of a layer, cluster by cluster.
    pub fn beat(&self, layer: usize, beat: usize) -> &[i64] {
        let LayerSums { beats, sums, .. } = &self.layers[layer];
        &sums[beats[beat]..][..self.lanes * self.clusters]
    }
}

/// A survivor, as far as the clock is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub layer: usize,
    /// Whether there is one.
    pub exists: bool,
    pub fresh: bool,
    pub last: bool,
}

/// When beats go in and out. Survivors come one after the other; the sums of a vector are read before
/// the next one's survivors come.
#[derive(Default)]
pub(crate) struct Clock {
    /// A vector does not begin with the next survivor.
    is_inside: bool,
    /// When the last survivor was done with.
    done: u64,
    /// The layer of the last vector, and when the last of its sums was read.
    layer: Option<usize>,
    read: u64,
    /// From when on sums can be read.
    reads: u64,
    /// Cycles in which a survivor is worked on.
    pub working: u64,
    /// Cycles in which one is offered, or about to end its vector, and waits for sums to be read.
    pub waiting: u64,
}

impl Clock {
    /// A survivor is offered from the cycle `from` on: when it goes in.
    pub fn survivor(&mut self, layers: &[Layer], survivor: Work, from: u64) -> u64 {
        let of_layer = self.layer == Some(survivor.layer);
        let accepted = from.max(if of_layer { self.done.max(self.read) } else { self.done });
        self.waiting += accepted.saturating_sub(from.max(self.done + 1));
        let clears = usize::from(survivor.fresh && !self.is_inside);
        let words = if survivor.exists { layers[survivor.layer].stride } else { 0 };
        let cycles = (words + clears).max(1) as u64;
        self.working += cycles;
        self.done = accepted + cycles;
        self.is_inside = !survivor.last;
        if survivor.last {
            let done = self.done;
            self.done = done.max(self.read);
            self.waiting += self.done - done;
            self.layer = Some(survivor.layer);
            self.reads = self.reads.max(self.done + 2);
        }
        accepted
    }

    /// When the last survivor is done with: if it ends its vector, sums are on their way from the next
    /// cycle on.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Reads the sums of the vector that ended. `take` is told of each beat from when on it is offered,
    /// and says when it is taken.
    pub fn sums(&mut self, beats: usize, mut take: impl FnMut(usize, u64) -> u64) {
        for beat in 0..beats {
            self.read = self.reads;
            self.reads = take(beat, self.read + 1);
        }
    }
}

pub(super) fn run(p: &PeClusterParameters, stimulus: &Stimulus) -> Response {
    let layers = layers(p, &stimulus.held);
    let [loads, beats] = &stimulus.inputs[..] else { unreachable!("there are two streams") };
    let survivors: Vec<Survivor> = beats.iter().map(|beat| Survivor::of(p, beat)).collect();
    let loads_end = loads.len() as u64;
    let mut response = Response {
        accepted: vec![(0..loads_end).collect(), vec![]],
        emitted: vec![vec![]],
        capacity: vec![],
    };
    let mut clock = Clock::default();
    let mut outs = vec![];
    for survivor in &survivors {
        let accepted = clock.survivor(&layers, survivor.work(), loads_end);
        response.accepted[1].push(accepted);
        if survivor.last {
            let beats = layers[survivor.layer].beats;
            clock.sums(beats, |beat, cycle| {
                outs.push((cycle, beat + 1 == beats));
                cycle
            });
        }
    }
    response.emitted[0] = emitted(p, &layers, loads, &survivors, outs);
    response
}

/// What comes out, at these times.
fn emitted(
    p: &PeClusterParameters,
    layers: &[Layer],
    loads: &[Beat],
    survivors: &[Survivor],
    outs: Vec<(u64, bool)>,
) -> Vec<Emitted> {
    let mut words = vec![Words::default(); p.elements as usize];
    for load in loads {
        let (address, element) = (load[0].unsigned() as usize, load[1].unsigned() as usize);
        if let Some(words) = words.get_mut(element) {
            words.load(address, Word::of(p, &load[2]));
        }
    }
    let mut sums = Sums::new(p, layers, words);
    let width = sum_bits(p);
    let mut outs = outs.into_iter();
    let mut emitted = vec![];
    let mut is_inside = false;
    for (index, survivor) in survivors.iter().enumerate() {
        if survivor.fresh && !is_inside {
            sums.clear(survivor.layer);
        }
        is_inside = !survivor.last;
        if survivor.exists {
            let Survivor { layer, column, value, weight_threshold, .. } = *survivor;
            sums.add(layer, &[(column, value)], weight_threshold);
        }
        for beat in 0..if survivor.last { layers[survivor.layer].beats } else { 0 } {
            let (cycle, is_last) = outs.next().expect("the clock has as many beats");
            let of_lanes = sums.beat(survivor.layer, beat).iter().map(|&sum| Bits::new(width, sum));
            let beat = vec![
                Bits::concat(&of_lanes.collect::<Vec<_>>()),
                Bits::new(bits(p.layers), survivor.layer as u64),
                Bits::new(1, survivor.tag),
                Bits::new(1, is_last),
            ];
            emitted.push(Emitted { beat, cycle, cause: Cause { channel: 1, beat: index } });
        }
    }
    emitted
}
