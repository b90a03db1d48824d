//! An accelerator's hardware: its description in the evaluator, or its Verilog in Verilator.

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};

use super::{Device, DeviceError};
use crate::blocks::engine::accelerator;
use crate::blocks::engine::layer_engine::LayerEngineParameters;
use crate::cosim::Pins;
use crate::model::{Beat, Random};

/// Cycles without any beat after which nothing is expected any more.
const PATIENCE: u64 = 200_000;

/// The okay of a response.
const OKAY: u64 = 0;

/// Hardware in a simulator, with a bus master at each of its ports.
pub struct Hardware {
    pins: Pins,
    sum_container: u32,
    outgoing: VecDeque<Beat>,
    results: VecDeque<Vec<i64>>,
    result: Vec<i64>,
    cycle: u64,
    /// The cycle of the first beat that went in since a result was last all there was.
    first: Option<u64>,
    last: u64,
    /// Packets that went in whole, less results.
    under_way: i64,
    /// Beats are offered and taken in about half of the cycles, by this chance; none: always.
    stalls: Option<Random>,
    /// Whether the beat in front has been offered, so that it has to stay.
    offered: bool,
}

/// What a cycle of the bus offers.
#[derive(Clone, Copy, Default)]
struct Offer {
    address: Option<u32>,
    data: Option<u32>,
    read: Option<u32>,
    takes: bool,
}

/// What moved.
#[derive(Clone, Copy, Default)]
struct Moved {
    address: bool,
    data: bool,
    read: bool,
    written: Option<u64>,
    value: Option<(u32, u64)>,
    any: bool,
}

impl Hardware {
    /// Hardware with these parameters behind its pins, after a reset.
    pub fn new(p: &LayerEngineParameters, pins: Pins) -> Hardware {
        Hardware {
            pins,
            sum_container: accelerator::sum_container(p),
            outgoing: VecDeque::new(),
            results: VecDeque::new(),
            result: vec![],
            cycle: 0,
            first: None,
            last: 0,
            under_way: 0,
            stalls: None,
            offered: false,
        }
    }

    /// The same, whose streams of packets stall by chance.
    pub fn stalling(self, seed: u64) -> Hardware {
        Hardware { stalls: Some(Random::seed_from_u64(seed)), ..self }
    }

    /// Cycles since the beginning.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// Lets some cycles pass.
    ///
    /// # Errors
    /// If a property does not hold.
    pub fn wait(&mut self, cycles: u64) -> Result<(), DeviceError> {
        (0..cycles).try_for_each(|_| self.step(Offer::default()).map(drop))
    }

    fn moves(&mut self) -> bool {
        self.stalls.as_mut().is_none_or(|random| random.random())
    }

    fn step(&mut self, offer: Offer) -> Result<Moved, DeviceError> {
        let mut set = |stream: &str, value: Option<u32>, field: &str| {
            self.pins.set(&format!("{stream}_valid_i"), value.is_some().into());
            self.pins.set(&format!("{stream}_{field}_i"), value.unwrap_or(0).into());
        };
        set("s_axil_aw", offer.address, "addr");
        set("s_axil_w", offer.data, "data");
        set("s_axil_ar", offer.read, "addr");
        self.pins.set("s_axil_w_strb_i", 0xf);
        self.pins.set("s_axil_b_ready_i", offer.takes.into());
        self.pins.set("s_axil_r_ready_i", offer.takes.into());
        let offers = !self.outgoing.is_empty() && (self.offered || self.moves());
        self.pins.set("s_axis_valid_i", offers.into());
        if offers && !self.offered {
            for (field, value) in ["data", "keep", "user", "last"].iter().zip(&self.outgoing[0]) {
                self.pins.set_bits(&format!("s_axis_{field}_i"), value);
            }
        }
        self.offered = offers;
        let takes = self.moves();
        self.pins.set("m_axis_ready_i", takes.into());

        let mut moved = Moved {
            address: offer.address.is_some() && self.pins.is_set("s_axil_aw_ready_o"),
            data: offer.data.is_some() && self.pins.is_set("s_axil_w_ready_o"),
            read: offer.read.is_some() && self.pins.is_set("s_axil_ar_ready_o"),
            ..Moved::default()
        };
        if offer.takes && self.pins.is_set("s_axil_b_valid_o") {
            moved.written = Some(self.pins.get("s_axil_b_resp_o").unsigned());
        }
        if offer.takes && self.pins.is_set("s_axil_r_valid_o") {
            let value = self.pins.get("s_axil_r_data_o").unsigned() as u32;
            moved.value = Some((value, self.pins.get("s_axil_r_resp_o").unsigned()));
        }
        if offers && self.pins.is_set("s_axis_ready_o") {
            moved.any = true;
            self.enters();
        }
        if takes && self.pins.is_set("m_axis_valid_o") {
            moved.any = true;
            self.leaves();
        }
        self.pins.step();
        self.cycle += 1;
        match self.pins.failure() {
            None => Ok(moved),
            Some(failure) => Err(DeviceError::Broken(failure)),
        }
    }

    fn enters(&mut self) {
        let beat = self.outgoing.pop_front().expect("a beat was offered");
        self.offered = false;
        if self.under_way == 0 && self.first.is_none() {
            self.first = Some(self.cycle);
        }
        self.under_way += i64::from(beat[3].bit(0));
    }

    fn leaves(&mut self) {
        let data = self.pins.get("m_axis_data_o");
        let keep = self.pins.get("m_axis_keep_o");
        let bytes = self.sum_container / 8;
        let sums = data.lanes(self.sum_container).enumerate();
        let present = sums.filter(|(lane, _)| keep.bit(*lane as u32 * bytes));
        self.result.extend(present.map(|(_, sum)| sum.signed()));
        if self.pins.is_set("m_axis_last_o") {
            self.results.push_back(std::mem::take(&mut self.result));
            self.under_way -= 1;
            self.last = self.cycle;
        }
    }
}

impl Device for Hardware {
    fn write(&mut self, address: u32, data: u32) -> Result<(), DeviceError> {
        let mut offer =
            Offer { address: Some(address), data: Some(data), takes: true, ..Offer::default() };
        for _ in 0..PATIENCE {
            let moved = self.step(offer)?;
            if moved.address {
                offer.address = None;
            }
            if moved.data {
                offer.data = None;
            }
            match moved.written {
                Some(OKAY) => return Ok(()),
                Some(_) => return Err(DeviceError::Refused(address)),
                None => {}
            }
        }
        Err(DeviceError::Silent(PATIENCE))
    }

    fn read(&mut self, address: u32) -> Result<u32, DeviceError> {
        let mut offer = Offer { read: Some(address), takes: true, ..Offer::default() };
        for _ in 0..PATIENCE {
            let moved = self.step(offer)?;
            if moved.read {
                offer.read = None;
            }
            match moved.value {
                Some((value, OKAY)) => return Ok(value),
                Some(_) => return Err(DeviceError::Refused(address)),
                None => {}
            }
        }
        Err(DeviceError::Silent(PATIENCE))
    }

    fn send(&mut self, packet: Vec<Beat>) {
        if self.under_way == 0 && self.outgoing.is_empty() {
            self.first = None;
        }
        self.outgoing.extend(packet);
    }

    fn receive(&mut self) -> Result<Vec<i64>, DeviceError> {
        let mut waited = 0;
        while self.results.is_empty() {
            let moved = self.step(Offer::default())?;
            waited = if moved.any { 0 } else { waited + 1 };
            if waited > PATIENCE {
                return Err(DeviceError::Silent(PATIENCE));
            }
        }
        Ok(self.results.pop_front().expect("one has come"))
    }

    fn span(&self) -> u64 {
        self.first.map_or(0, |first| self.last - first + 1)
    }

    fn interrupts(&mut self) -> bool {
        self.pins.is_set("irq_o")
    }

    fn reset(&mut self) {
        for port in ["s_axil_aw", "s_axil_w", "s_axil_ar", "s_axis"] {
            self.pins.set(&format!("{port}_valid_i"), 0);
        }
        self.pins.reset();
        self.outgoing.clear();
        self.results.clear();
        self.result.clear();
        (self.first, self.under_way, self.offered) = (None, 0, false);
    }
}
