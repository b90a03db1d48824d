//! The host's side of an accelerator: the same calls, whatever it runs in.

mod golden;
mod hardware;
#[cfg(test)]
mod tests;

use super::program::Program;
use crate::blocks::engine::accelerator::{self, EVENTS, Word, Write};
use crate::blocks::engine::layer_engine::LayerEngineParameters;
use crate::model::{Beat, Bits};
use crate::registers::{FieldKind, RegisterMap};

pub use golden::Golden;
pub use hardware::Hardware;

/// Why an accelerator did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// An access was answered with SLVERR.
    #[error("the access to {0:#05x} was refused")]
    Refused(u32),
    /// Nothing happened for very long.
    #[error("nothing happened for {0} cycles")]
    Silent(u64),
    /// A property of the hardware did not hold, or a port did what no port may do.
    #[error("{0}")]
    Broken(String),
}

/// An accelerator, as a host sees it: registers behind AXI4-Lite, packets of AXI4-Stream.
pub trait Device {
    /// Writes a register.
    ///
    /// # Errors
    /// If it is refused, or never answered.
    fn write(&mut self, address: u32, data: u32) -> Result<(), DeviceError>;

    /// Reads a register.
    ///
    /// # Errors
    /// If it is refused, or never answered.
    fn read(&mut self, address: u32) -> Result<u32, DeviceError>;

    /// Offers a packet behind those that were sent before: beats of TDATA, TKEEP, TUSER and TLAST.
    fn send(&mut self, packet: Vec<Beat>);

    /// The sums of the next packet that comes out.
    ///
    /// # Errors
    /// If none comes.
    fn receive(&mut self) -> Result<Vec<i64>, DeviceError>;

    /// Cycles from the edge of the first beat in to that of the last out, both counted, of the packets
    /// since the accelerator was last at rest.
    fn span(&self) -> u64;

    /// Whether it interrupts.
    fn interrupts(&mut self) -> bool;

    /// Resets it.
    fn reset(&mut self);
}

/// What has happened, by the names of events.
pub type Events = Vec<&'static str>;

/// What the accelerator counted since its counters were cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that went in.
    pub packets: u32,
    /// Packets of results.
    pub results: u32,
    /// Of each layer, vectors that went through it.
    pub vectors: Vec<u32>,
    /// Of each layer, products with weights that are neither 0 nor masked; one for each byte of a
    /// weight of more than 8 bits.
    pub executed: Vec<u32>,
    /// Vectors that there was nothing to compare with.
    pub firsts: u32,
    /// Of each band of coherence, vectors.
    pub bands: Vec<u32>,
}

/// What a cluster's clock did since the counters were cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycles {
    /// Cycles with work.
    pub active: u32,
    /// Cycles without.
    pub idle: u32,
    /// Cycles in which it stood still.
    pub gated: u32,
}

/// A host that drives an accelerator.
pub struct Driver<D> {
    p: LayerEngineParameters,
    map: RegisterMap,
    /// What is driven.
    pub device: D,
}

impl<D: Device> Driver<D> {
    /// A host of an accelerator with these parameters.
    pub fn new(p: &LayerEngineParameters, device: D) -> Driver<D> {
        Driver { p: p.clone(), map: accelerator::map(p), device }
    }

    /// The address of a register of the device or of a layer.
    fn address(&self, group: &str, index: u32, register: &str) -> u32 {
        self.map.address(group, index, register)
    }

    fn write_all(&mut self, writes: Vec<Write>) -> Result<(), DeviceError> {
        writes.into_iter().try_for_each(|write| self.device.write(write.address, write.data))
    }

    /// Waits until nothing is under way.
    ///
    /// # Errors
    /// If that never is.
    pub fn rest(&mut self) -> Result<(), DeviceError> {
        const MOST: u64 = 100_000;
        let address = self.address("device", 0, "status");
        for _ in 0..MOST {
            if self.device.read(address)? & 1 == 0 {
                return Ok(());
            }
        }
        Err(DeviceError::Silent(MOST))
    }

    /// Loads a network, for packets of so many elements.
    ///
    /// # Errors
    /// If the accelerator refuses it.
    pub fn load(&mut self, program: &Program, elements: usize) -> Result<(), DeviceError> {
        self.rest()?;
        let words = program.loads.iter().map(|load| Word {
            unit: load.unit as u32,
            address: load.address as u32,
            bits: load.word.clone(),
        });
        let words: Vec<Word> = words.collect();
        self.write_all(accelerator::settings(&self.p, &program.settings, elements))?;
        self.write_all(accelerator::load(&self.p, &words))
    }

    /// Sets how a network's vectors are thinned out, from the next packet on.
    ///
    /// # Errors
    /// If the accelerator refuses it.
    pub fn apply(&mut self, program: &Program) -> Result<(), DeviceError> {
        self.write_all(accelerator::policy(&self.p, &program.settings))
    }

    /// Offers a vector of layer 0.
    pub fn send(&mut self, vector: &[i8], new_sequence: bool) {
        self.device.send(packet(&self.p, vector, new_sequence));
    }

    /// Runs sequences, one behind the other: the final layer's accumulators of each vector.
    ///
    /// # Errors
    /// If results do not come.
    pub fn run(&mut self, sequences: &[Vec<Vec<i8>>]) -> Result<Vec<Vec<i64>>, DeviceError> {
        let mut count = 0;
        for sequence in sequences {
            for (number, vector) in sequence.iter().enumerate() {
                self.send(vector, number == 0);
                count += 1;
            }
        }
        (0..count).map(|_| self.device.receive()).collect()
    }

    /// Clears all counters.
    ///
    /// # Errors
    /// If the accelerator refuses it.
    pub fn clear_counters(&mut self) -> Result<(), DeviceError> {
        self.order("clear", 1)
    }

    fn order(&mut self, field: &str, value: u32) -> Result<(), DeviceError> {
        let data = self.map.register("device", "order").1.field(field).put(value);
        self.device.write(self.address("device", 0, "order"), data)
    }

    fn read_register(&mut self, group: &str, index: u32, name: &str) -> Result<u32, DeviceError> {
        self.device.read(self.address(group, index, name))
    }

    /// What was counted.
    ///
    /// # Errors
    /// If the accelerator does not answer.
    pub fn counters(&mut self) -> Result<Counters, DeviceError> {
        let (layers, bands) = (self.p.layers, self.p.bands);
        let mut of_layers = |name: &str| -> Result<Vec<u32>, DeviceError> {
            (0..layers).map(|layer| self.read_register("layer", layer, name)).collect()
        };
        let (vectors, executed) = (of_layers("vectors")?, of_layers("executed")?);
        let band = |band| self.read_register("device", 0, &format!("band_{band}"));
        let bands = (0..bands).map(band).collect::<Result<_, _>>()?;
        let mut one = |name: &str| self.read_register("device", 0, name);
        Ok(Counters {
            packets: one("packets")?,
            results: one("results")?,
            firsts: one("firsts")?,
            vectors,
            executed,
            bands,
        })
    }

    /// What a cluster's clock did; the golden model does not know.
    ///
    /// # Errors
    /// If the accelerator does not answer.
    pub fn cycles(&mut self, cluster: u32) -> Result<Cycles, DeviceError> {
        let order = self.map.register("device", "order").1;
        let data = order.field("take").put(1) | order.field("cluster").put(cluster);
        self.device.write(self.address("device", 0, "order"), data)?;
        let mut one = |name: &str| self.read_register("device", 0, name);
        Ok(Cycles { active: one("active")?, idle: one("idle")?, gated: one("gated")? })
    }

    /// What has happened since the events were cleared, in the order of the register's bits.
    ///
    /// # Errors
    /// If the accelerator does not answer.
    pub fn events(&mut self) -> Result<Events, DeviceError> {
        let all = self.read_register("device", 0, "event")?;
        let happened = EVENTS.iter().enumerate().filter(|(bit, _)| all >> bit & 1 == 1);
        Ok(happened.map(|(_, (name, _))| *name).collect())
    }

    /// Clears all events.
    ///
    /// # Errors
    /// If the accelerator refuses it.
    pub fn clear_events(&mut self) -> Result<(), DeviceError> {
        self.device.write(self.address("device", 0, "event"), u32::MAX)
    }

    /// Interrupts from now on where one of these events has happened.
    ///
    /// # Errors
    /// If the accelerator refuses it.
    pub fn interrupt_at(&mut self, events: &[&str]) -> Result<(), DeviceError> {
        let fields = &self.map.register("device", "interrupt").1.fields;
        let chosen = fields.iter().filter(|field| events.contains(&field.name.as_str()));
        let data = chosen.fold(0, |all, field| all | field.put(1));
        self.device.write(self.address("device", 0, "interrupt"), data)
    }

    /// How many clusters there are.
    pub fn clusters(&self) -> u32 {
        self.p.clusters
    }

    /// The registers.
    pub fn map(&self) -> &RegisterMap {
        &self.map
    }
}

/// A vector as a packet.
fn packet(p: &LayerEngineParameters, vector: &[i8], new_sequence: bool) -> Vec<Beat> {
    let (lanes, container) = (p.lanes as usize, accelerator::container(p.activation_bits));
    let bytes = container / 8;
    let chunks = vector.chunks(lanes);
    let count = chunks.len();
    let beat = |(number, chunk): (usize, &[i8])| {
        let element = |lane| Bits::new(container, chunk.get(lane).copied().unwrap_or(0));
        let kept = chunk.len() as u32 * bytes;
        vec![
            Bits::concat(&(0..lanes).map(element).collect::<Vec<_>>()),
            Bits::new(lanes as u32 * bytes, (1_i128 << kept) - 1),
            Bits::new(1, new_sequence && number == 0),
            Bits::new(1, number + 1 == count),
        ]
    };
    chunks.enumerate().map(beat).collect()
}

/// The value that a register has of constants and of nothing else.
fn constant(register: &crate::registers::Register) -> u32 {
    let value = |field: &crate::registers::Field| match field.kind {
        FieldKind::Constant(value) => field.put(value),
        _ => 0,
    };
    register.fields.iter().fold(0, |all, field| all | value(field))
}
