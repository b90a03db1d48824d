//! The golden model of the synchronous RAM: an array, and what is shown of it.

use super::SyncRamParameters;
use crate::model::{Bits, PortModel};

/// Elements that were never written are unknown.
#[derive(Clone)]
pub(super) struct Array {
    width: u32,
    elements: Vec<Option<Bits>>,
    shown: Option<Bits>,
}

impl Array {
    pub(super) fn new(p: &SyncRamParameters) -> Array {
        Array { width: p.width, elements: vec![None; p.depth as usize], shown: None }
    }
}

impl PortModel for Array {
    fn outputs(&self, _: &[Bits]) -> Vec<Option<Bits>> {
        vec![self.shown.clone()]
    }

    fn step(&mut self, inputs: &[Bits]) {
        let [write_enable, write_address, write_data, read_enable, read_address] = inputs else {
            panic!("a RAM has five inputs");
        };
        // The read sees what was there before the write.
        if read_enable.bit(0) {
            let element = self.elements.get(read_address.unsigned() as usize);
            self.shown = element.cloned().unwrap_or_else(|| Some(Bits::zero(self.width)));
        }
        let element = self.elements.get_mut(write_address.unsigned() as usize);
        if let (true, Some(element)) = (write_enable.bit(0), element) {
            *element = Some(write_data.clone());
        }
    }

    /// A reset reaches neither the elements nor what is shown.
    fn reset(&mut self) {}
}
