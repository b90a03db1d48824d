//! The golden model behind registers and packets.

use std::collections::{BTreeMap, VecDeque};

use super::{Device, DeviceError, constant};
use crate::blocks::bus::packet_buffer::Fault;
use crate::blocks::engine::accelerator::{self, EVENTS, Registers, Through, Write};
use crate::blocks::engine::layer_engine::{Engine, LayerEngineParameters};
use crate::blocks::engine::pe_cluster;
use crate::model::Beat;
use crate::registers::{self, BITS};

/// The golden model: values, and the cycles of packets that nothing stalls.
///
/// Packets are worked on when a result is asked for; until then settings may change that count for
/// them. It does not know what the clocks of clusters do.
pub struct Golden {
    p: LayerEngineParameters,
    registers: Registers,
    engine: Option<Engine>,
    /// Nothing went in since the network was written.
    fresh: bool,
    /// Beats of packets that nobody has asked for.
    beats: Vec<Beat>,
    results: VecDeque<Vec<i64>>,
    span: u64,
    events: u32,
    interrupts: u32,
    counters: super::Counters,
}

impl Golden {
    /// An accelerator with these parameters, after a reset.
    pub fn new(p: &LayerEngineParameters) -> Golden {
        Golden {
            p: p.clone(),
            registers: Registers::new(p),
            engine: None,
            fresh: true,
            beats: vec![],
            results: VecDeque::new(),
            span: 0,
            events: 0,
            interrupts: 0,
            counters: cleared(p),
        }
    }

    fn happens(&mut self, event: &str) {
        let bit = EVENTS.iter().position(|(name, _)| *name == event);
        self.events |= 1 << bit.expect("it is an event");
    }

    fn is_busy(&self) -> bool {
        !self.beats.is_empty() || !self.results.is_empty()
    }

    fn refuse(&mut self, address: u32) -> DeviceError {
        self.happens("refused");
        DeviceError::Refused(address)
    }

    /// Works on all packets that are there.
    fn work(&mut self) {
        let beats = std::mem::take(&mut self.beats);
        let settings = self.registers.settings();
        let first = (self.registers.elements(), std::mem::take(&mut self.fresh));
        let engine = self
            .engine
            .get_or_insert_with(|| Engine::new(&self.p, &settings, self.registers.loads()));
        engine.set(&settings);
        let through = accelerator::through(&self.p, engine, &settings, first, &beats, 0);
        let dropped: Vec<&str> = through
            .packets
            .iter()
            .filter_map(|packet| match packet {
                Ok(_) => None,
                Err(dropped) => Some(match dropped.fault {
                    Fault::Malformed => "malformed",
                    Fault::Long => "long",
                    Fault::Short => "short",
                }),
            })
            .collect();
        dropped.into_iter().for_each(|event| self.happens(event));
        if !through.vectors.is_empty() {
            self.happens("done");
        }
        let (first, last) = (through.accepted.first(), through.out.last());
        self.span = first.zip(last).map_or(0, |(first, last)| last - first + 1);
        self.count(&through);
        let settings = &settings.layers[settings.final_layer].requantiser;
        for mut sums in through.accumulators {
            sums.truncate(sums.len() - settings.empty as usize);
            self.results.push_back(sums);
        }
    }

    fn count(&mut self, through: &Through) {
        let settings = self.registers.settings();
        let mut products = BTreeMap::new();
        let vectors = through.vectors.iter().flat_map(|vectors| vectors.iter().enumerate());
        for (layer, vector) in vectors {
            let pe_cluster::Layer { base, stride, .. } = settings.layers[layer].cluster;
            let threshold = vector.weight_threshold;
            let products =
                products.entry(threshold).or_insert_with(|| self.registers.products(threshold));
            let of_column = |&(column, _): &(usize, i64)| -> u32 {
                let first = (base + column * stride) as u32;
                let words = first..first + stride as u32;
                words.filter_map(|address| products.get(&address)).sum()
            };
            self.counters.vectors[layer] += 1;
            self.counters.executed[layer] += vector.survivors.iter().map(of_column).sum::<u32>();
            match vector.band {
                None => self.counters.firsts += 1,
                Some(band) => self.counters.bands[band] += 1,
            }
        }
        self.counters.packets += through.vectors.len() as u32;
        self.counters.results += through.vectors.len() as u32;
    }

    /// What a counter shows.
    fn counted(&self, register: &str, index: u32) -> Option<u32> {
        let counters = &self.counters;
        Some(match register {
            "packets" => counters.packets,
            "results" => counters.results,
            "firsts" => counters.firsts,
            "vectors" => counters.vectors[index as usize],
            "executed" => counters.executed[index as usize],
            _ => {
                let band = register.strip_prefix("band_")?.parse::<usize>().ok()?;
                *counters.bands.get(band)?
            }
        })
    }
}

/// Counters as clearing leaves them.
fn cleared(p: &LayerEngineParameters) -> super::Counters {
    let of_layers = vec![0; p.layers as usize];
    super::Counters {
        vectors: of_layers.clone(),
        executed: of_layers,
        bands: vec![0; p.bands as usize],
        ..super::Counters::default()
    }
}

impl Device for Golden {
    fn write(&mut self, address: u32, data: u32) -> Result<(), DeviceError> {
        let Some(found) = self.registers.map.find(address) else {
            return Err(self.refuse(address));
        };
        let (name, write) = (found.register.name.clone(), found.register.write);
        let order = |field: &str| found.register.field(field).of(data) == 1;
        match name.as_str() {
            _ if write == registers::Write::Never => return Err(self.refuse(address)),
            _ if write == registers::Write::AtRest && self.is_busy() => {
                return Err(self.refuse(address));
            }
            "event" => self.events &= !data,
            "interrupt" => self.interrupts = data & ((1 << EVENTS.len()) - 1),
            "order" if order("clear") => self.counters = cleared(&self.p),
            _ => {
                self.registers.write(Write { address, data });
                if write == registers::Write::AtRest {
                    (self.engine, self.fresh) = (None, true);
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, address: u32) -> Result<u32, DeviceError> {
        let Some(found) = self.registers.map.find(address) else {
            return Err(self.refuse(address));
        };
        let (group, index, register) = (&found.group.name, found.index, found.register);
        let loading = u32::from(self.registers.loading);
        Ok(match register.name.as_str() {
            "status" => u32::from(self.is_busy()) | loading << 1,
            "event" => self.events,
            "interrupt" => self.interrupts,
            name => match self.counted(name, index) {
                Some(count) => count,
                None => {
                    let settings = register
                        .fields
                        .iter()
                        .filter(|field| field.kind == registers::FieldKind::Setting);
                    let mask = settings
                        .fold(0, |all, field| all | field.put(u32::MAX >> (BITS - field.width)));
                    self.registers.read(group, index as usize, name) & mask | constant(register)
                }
            },
        })
    }

    fn send(&mut self, packet: Vec<Beat>) {
        self.beats.extend(packet);
    }

    fn receive(&mut self) -> Result<Vec<i64>, DeviceError> {
        if self.results.is_empty() && !self.registers.loading {
            self.work();
        }
        self.results.pop_front().ok_or(DeviceError::Silent(0))
    }

    fn span(&self) -> u64 {
        self.span
    }

    fn interrupts(&mut self) -> bool {
        self.events & self.interrupts != 0
    }

    fn reset(&mut self) {
        *self = Golden::new(&self.p);
    }
}
