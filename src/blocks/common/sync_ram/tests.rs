//! Tests of the RAM's behaviour against an array.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::blocks::testing::{Bits, bits, elaborate, snapshot};
use crate::hdl::eval::Evaluator;

/// What the RAM's data output shows.
#[derive(Clone, Debug)]
enum Shown {
    /// This.
    Known(Bits),
    /// Nobody knows: nothing was read yet, or what was read had never been written.
    Unknown,
    /// Whatever it showed before.
    Same,
}

fn behaves_like_an_array(parameters: &SyncRamParameters, seed: u64) {
    let SyncRamParameters { width, depth } = *parameters;
    let module = elaborate::<SyncRam>(parameters);
    let mut sim = Evaluator::new(&module).unwrap();
    let port = |name: &str| sim.port(name).unwrap();
    let (write_enable, read_enable) = (port("write_enable_i"), port("read_enable_i"));
    let (write_address, read_address) = (port("write_address_i"), port("read_address_i"));
    let (write_data, read_data) = (port("write_data_i"), port("read_data_o"));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    sim.randomize(seed);
    sim.reset();

    let zero = vec![0; width.div_ceil(64) as usize];
    let addresses = 1_u32 << sim.ty(read_address).width;
    let mut elements: Vec<Option<Bits>> = vec![None; depth as usize];
    let mut before = sim.get_limbs(read_data).to_vec();
    let mut beyond = 0;
    for cycle in 0..(600 + 4 * depth) {
        // First every address in turn, then by chance, often the same for both.
        let reads_at = random.random_range(0..addresses);
        let writes_at = match cycle {
            _ if cycle < addresses => cycle,
            _ if random.random() => reads_at,
            _ => random.random_range(0..addresses),
        };
        let (writes, reads): (bool, bool) = (cycle < addresses || random.random(), random.random());
        let data = bits(width, &mut random);
        sim.set(write_enable, writes);
        sim.set(write_address, writes_at);
        sim.set_limbs(write_data, &data);
        sim.set(read_enable, reads);
        sim.set(read_address, reads_at);
        assert_eq!(sim.get_limbs(read_data), before, "cycle {cycle}: the output follows an input");
        sim.step();

        // The read sees what was there before the write.
        let shown = match elements.get(reads_at as usize) {
            _ if !reads => Shown::Same,
            None => Shown::Known(zero.clone()),
            Some(Some(element)) => Shown::Known(element.clone()),
            Some(None) => Shown::Unknown,
        };
        beyond += u32::from(reads && reads_at >= depth);
        if let (true, Some(element)) = (writes, elements.get_mut(writes_at as usize)) {
            *element = Some(data);
        }
        let seen = sim.get_limbs(read_data).to_vec();
        match shown {
            Shown::Known(expected) => assert_eq!(seen, expected, "{parameters:?}, cycle {cycle}"),
            Shown::Same => assert_eq!(seen, before, "{parameters:?}, cycle {cycle}"),
            Shown::Unknown => {}
        }
        before = seen;
        // A reset changes neither the elements nor what is shown.
        if random.random_ratio(1, 50) {
            sim.reset();
        }
    }
    assert_eq!(beyond > 0, addresses > depth);
    assert_eq!(sim.failures(), []);
}

#[test]
fn it_behaves_like_an_array() {
    for depth in [1, 2, 3, 5, 16, 1000] {
        behaves_like_an_array(&SyncRamParameters { width: 17, depth }, u64::from(depth));
    }
    for width in [1, 3, 65, 200] {
        behaves_like_an_array(&SyncRamParameters { width, depth: 5 }, u64::from(width));
    }
}

#[test]
fn the_timing_is_the_declared_one() {
    let module = elaborate::<SyncRam>(&SyncRamParameters { width: 8, depth: 4 });
    let mut sim = Evaluator::new(&module).unwrap();
    let port = |name: &str| sim.port(name).unwrap();
    let (write_enable, read_enable) = (port("write_enable_i"), port("read_enable_i"));
    let (write_address, read_address) = (port("write_address_i"), port("read_address_i"));
    let (write_data, read_data) = (port("write_data_i"), port("read_data_o"));
    sim.set(write_enable, true);
    for i in 0..4 {
        sim.set(write_address, i);
        sim.set(write_data, 10 + i);
        sim.step();
    }
    sim.set(write_enable, false);
    sim.set(read_enable, true);
    // One read per cycle, each seen one edge later.
    for i in 0..4 {
        sim.set(read_address, i);
        sim.step();
        assert_eq!(sim.get(read_data), 10 + i);
    }
    assert_eq!((module.latency, module.initiation_interval), (Some(1), Some(1)));
}

#[test]
fn snapshots() {
    snapshot!(SyncRam, "sync_ram_8x4", SyncRamParameters { width: 8, depth: 4 });
    snapshot!(SyncRam, "sync_ram_1x5", SyncRamParameters { width: 1, depth: 5 });
    snapshot!(SyncRam, "sync_ram_3x1", SyncRamParameters { width: 3, depth: 1 });
}
