//! The same host on the golden model, the evaluator, and, where a test says so, Verilator.

use super::*;
use crate::blocks::engine::accelerator::Accelerator;
use crate::blocks::{Block, Configured, find};
use crate::config::{Parameters, Tech};
use crate::cosim::{Rig, Subject};
use crate::workload::data_set::{Part, japanese_vowels};
use crate::workload::network::{Mode, Network};

/// An accelerator that is large enough for the built-in network.
fn parameters() -> LayerEngineParameters {
    LayerEngineParameters::default()
}

fn hardware(p: &LayerEngineParameters) -> Hardware {
    let entry = find(Accelerator::NAME).expect("it is registered");
    let subject = Subject::of(&Configured::new(entry, p.to_values(), Tech::default()));
    let subject = subject.unwrap_or_else(|error| panic!("{error}"));
    let rig = Rig::evaluator(&subject).unwrap_or_else(|error| panic!("{error}"));
    Hardware::new(p, rig.pins(&subject))
}

fn program(p: &LayerEngineParameters, network: &Network) -> Program {
    Program::new(p, network).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn sequences(network: &Network, count: usize, vectors: usize) -> Vec<Vec<Vec<i8>>> {
    let utterances = japanese_vowels(Part::Test)[..count].iter();
    let quantised = utterances.map(|utterance| network.quantised(utterance).expect("they fit"));
    quantised.map(|sequence| sequence.into_iter().take(vectors).collect()).collect()
}

/// A network of few words, so that loading it takes few cycles.
fn small() -> (LayerEngineParameters, Network) {
    let mut network = Network::built_in();
    network.layers.truncate(1);
    let layer = &mut network.layers[0];
    layer.requantisation = None;
    layer.outputs = 4;
    layer.weights.truncate(4 * layer.inputs);
    layer.bias.truncate(4);
    let p =
        LayerEngineParameters { elements: 2, layers: 2, longest: 64, words: 256, ..parameters() };
    (p, network)
}

struct Both {
    golden: Driver<Golden>,
    hardware: Driver<Hardware>,
}

impl Both {
    fn new(p: &LayerEngineParameters, hardware: Hardware) -> Both {
        Both { golden: Driver::new(p, Golden::new(p)), hardware: Driver::new(p, hardware) }
    }

    /// Does the same with both, which has to come to the same.
    fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        golden: impl Fn(&mut Driver<Golden>) -> T,
        hardware: impl Fn(&mut Driver<Hardware>) -> T,
    ) -> T {
        let (golden, hardware) = (golden(&mut self.golden), hardware(&mut self.hardware));
        assert_eq!(golden, hardware);
        golden
    }
}

macro_rules! same {
    ($both:ident, |$driver:ident| $body:expr) => {
        $both.same(|$driver| $body, |$driver| $body)
    };
}

#[test]
fn the_same_calls_have_the_same_results_and_take_the_same_cycles() {
    let (p, network) = (parameters(), Network::built_in());
    let (program, sequences) = (program(&p, &network), sequences(&network, 2, 5));
    let mut both = Both::new(&p, hardware(&p));
    same!(both, |driver| driver.load(&program, network.layers[0].inputs)).expect("it loads");
    let results = same!(both, |driver| driver.run(&sequences)).expect("results come");
    assert_eq!(results.len(), 10);
    let span = same!(both, |driver| driver.device.span());
    let run = crate::system::run::Run::new(&p, &program, &sequences);
    assert_eq!((results, span), (run.results, run.cycles));
    same!(both, |driver| driver.rest()).expect("it comes to rest");
    let counters = same!(both, |driver| driver.counters()).expect("it counts");
    let executed: Vec<u64> = counters.executed.iter().map(|&count| count.into()).collect();
    assert_eq!(executed[..run.executed.len()], run.executed, "no weight is wider than a byte");
    assert_eq!(counters.firsts + counters.bands.iter().sum::<u32>(), 10 * 3);
    let before = both.hardware.device.cycle();
    both.hardware.clear_counters().expect("it is allowed");
    let cycles = both.hardware.cycles(0).expect("it is allowed");
    let since = (both.hardware.device.cycle() - before) as u32;
    let counted = cycles.active + cycles.idle + cycles.gated;
    assert!(counted > 0 && counted <= since, "{cycles:?} of {since}");
}

#[test]
fn stalls_change_no_result() {
    let (p, network) = small();
    let (program, sequences) = (program(&p, &network), sequences(&network, 3, 6));
    for seed in 0..3 {
        let mut both = Both::new(&p, hardware(&p).stalling(seed));
        same!(both, |driver| driver.load(&program, 48)).expect("it loads");
        same!(both, |driver| driver.run(&sequences)).expect("results come");
        same!(both, |driver| driver.rest()).expect("it comes to rest");
        same!(both, |driver| driver.counters()).expect("it counts");
    }
}

#[test]
fn a_wrong_packet_is_dropped_and_told_and_the_next_one_works() {
    let (p, network) = small();
    let (program, sequences) = (program(&p, &network), sequences(&network, 1, 4));
    let vectors = &sequences[0];
    let mut both = Both::new(&p, hardware(&p));
    same!(both, |driver| driver.load(&program, 48)).expect("it loads");
    same!(both, |driver| driver.interrupt_at(&["short", "long", "malformed"])).expect("it may");
    for (event, wrong) in
        [("short", 47), ("short", 1), ("long", 49), ("long", 127), ("malformed", 48)]
    {
        let mut beats = packet(&p, &vec![1; wrong], true);
        if event == "malformed" {
            beats[3][1] = Bits::new(4, 0b1011);
        }
        same!(both, |driver| {
            driver.device.send(beats.clone());
            driver.send(&vectors[1], false);
            driver.device.receive()
        })
        .expect("the right packet's result comes");
        let events = same!(both, |driver| driver.events()).expect("it answers");
        assert!(events.contains(&event) && events.len() == 2, "{event}: {events:?}");
        assert!(same!(both, |driver| driver.device.interrupts()));
        same!(both, |driver| driver.clear_events()).expect("it may");
        assert!(!same!(both, |driver| driver.device.interrupts()));
        // What is not to interrupt does not, though it happens.
        same!(both, |driver| {
            driver.send(&vectors[1], false);
            driver.device.receive()
        })
        .expect("a right packet's result comes");
        same!(both, |driver| driver.rest()).expect("it comes to rest");
        assert_eq!(same!(both, |driver| driver.events()), Ok(vec!["done"]));
        assert!(!same!(both, |driver| driver.device.interrupts()));
        same!(both, |driver| driver.clear_events()).expect("it may");
    }
}

#[test]
fn what_describes_the_network_is_refused_while_busy_and_changes_nothing() {
    let (p, network) = small();
    let (program, sequences) = (program(&p, &network), sequences(&network, 1, 4));
    let mut both = Both::new(&p, hardware(&p));
    same!(both, |driver| driver.load(&program, 48)).expect("it loads");
    let refused = ["shape", "weights", "bias", "requantise"].map(|name| ("layer", name));
    let refused =
        refused.into_iter().chain(["packet", "final", "load_word"].map(|name| ("device", name)));
    for (group, name) in refused {
        let answer = same!(both, |driver| {
            driver.send(&sequences[0][0], true);
            let address = driver.address(group, 0, name);
            let before = driver.device.read(address);
            let answer = driver.device.write(address, 0xffff_ffff);
            assert_eq!(driver.device.read(address), before, "{name}");
            answer
        });
        assert!(matches!(answer, Err(DeviceError::Refused(_))), "{name}: {answer:?}");
        same!(both, |driver| driver.device.receive()).expect("a result comes");
        assert!(same!(both, |driver| driver.events()).expect("it answers").contains(&"refused"));
        same!(both, |driver| driver.clear_events()).expect("it may");
    }
    for address in [0x38, 0x7c, 0x100, 0x37c, 0x600] {
        let answer =
            same!(both, |driver| (driver.device.write(address, 0), driver.device.read(address)));
        let refused = DeviceError::Refused(address);
        assert_eq!(answer, (Err(refused.clone()), Err(refused)));
    }
}

#[test]
fn settings_count_from_the_next_packet_on() {
    let (p, network) = small();
    let sequences = sequences(&network, 1, 9);
    let mut masked = network.clone();
    masked.layers[0].control.mode = Mode::Mask;
    masked.layers[0].control.levels[0].keep = 3;
    let programs =
        [program(&p, &network), program(&p, &masked), program(&p, &network.clone().dense())];
    let mut both = Both::new(&p, hardware(&p));
    same!(both, |driver| driver.load(&programs[0], 48)).expect("it loads");
    for (number, vector) in sequences[0].iter().enumerate() {
        same!(both, |driver| driver.apply(&programs[number % 3])).expect("it may at any time");
        same!(both, |driver| {
            driver.send(vector, number == 0);
            driver.device.receive()
        })
        .expect("a result comes");
    }
}

/// Sums of masked weights are not gone on from; what a mask leaves out is not counted.
#[test]
fn weights_may_be_masked_between_vectors_that_mask_none() {
    let (p, mut network) = small();
    let sequences = sequences(&network, 1, 12);
    network.layers[0].control.levels[0].threshold = 6;
    let mut masked = network.clone();
    let control = &mut masked.layers[0].control;
    control.mode = Mode::Mask;
    (control.levels[0].weight_threshold, control.levels[1].weight_threshold) = (20, 60);
    let (delta, masked) = (program(&p, &network), program(&p, &masked));
    let mut both = Both::new(&p, hardware(&p));
    same!(both, |driver| driver.load(&delta, 48)).expect("it loads");
    let mut executed = vec![];
    let mut results = vec![];
    for (number, vector) in sequences[0].iter().enumerate() {
        let program = if number % 4 < 2 { &delta } else { &masked };
        same!(both, |driver| driver.apply(program)).expect("it may at any time");
        let result = same!(both, |driver| {
            driver.send(vector, number % 8 == 0);
            driver.device.receive()
        });
        results.push(result.expect("a result comes"));
        same!(both, |driver| driver.rest()).expect("it comes to rest");
        executed.push(same!(both, |driver| driver.counters()).expect("it counts").executed[0]);
    }
    // After masked weights the vector counts whole, with all weights: the sums are those of a dense
    // network. Where a sequence begins instead, something is left out as ever.
    let dense = crate::workload::reference::run(&network.clone().dense(), &sequences[0]);
    let is_dense = [2, 4, 8].map(|number| results[number] == dense.accumulators[number]);
    assert_eq!(is_dense, [false, true, false]);
    let all: usize = (0..48).map(|input| network.layers[0].stored(input, 0)).sum();
    let of = |vector: usize| (executed[vector] - executed[vector - 1]) as usize;
    assert_eq!(of(4), all);
    assert!(of(2) < all && of(5) < all, "{} and {} of {all}", of(2), of(5));
}

/// What is written while a packet is under way is not for it: neither for what survives of it, nor for
/// the band of its coherence, which is decided last.
#[test]
fn settings_wait_for_packets_that_are_under_way() {
    let (p, network) = small();
    let sequences = sequences(&network, 1, 9);
    // All that there is to set is different in each.
    let different = |coherence: u32, keep: usize, threshold: u32| {
        let mut network = network.clone();
        let control = &mut network.layers[0].control;
        control.coherence[0] = coherence;
        control.levels[0].keep = 16;
        (control.levels[1].keep, control.levels[1].threshold) = (keep, threshold);
        program(&p, &network)
    };
    let programs = [different(255, 2, 0), different(0, 15, 9), different(30, 5, 3)];
    for wait in [13, 16, 20, 24, 28, 32, 36, 40, 50] {
        let mut hardware = Driver::new(&p, hardware(&p));
        let mut golden = Driver::new(&p, Golden::new(&p));
        golden.load(&programs[0], 48).expect("it loads");
        hardware.load(&programs[0], 48).expect("it loads");
        // The second of each pair comes while the first is under way, and has to wait as well.
        for (number, pair) in sequences[0].chunks_exact(2).enumerate() {
            let next = &programs[(number + 1) % 3];
            golden.send(&pair[0], number == 0);
            let first = golden.device.receive();
            golden.apply(next).expect("it may");
            golden.send(&pair[1], false);
            let expected = [first, golden.device.receive()];
            hardware.send(&pair[0], number == 0);
            hardware.device.wait(wait).expect("nothing breaks");
            hardware.apply(next).expect("it may");
            hardware.send(&pair[1], false);
            let found = [hardware.device.receive(), hardware.device.receive()];
            assert_eq!(found, expected, "pair {number}, after {wait} cycles");
            hardware.rest().expect("it comes to rest");
        }
        golden.rest().expect("it comes to rest");
        hardware.rest().expect("it comes to rest");
        assert_eq!(hardware.counters(), golden.counters(), "after {wait} cycles");
    }
}

#[test]
fn a_network_is_loaded_in_the_place_of_another() {
    let (p, network) = small();
    let sequences = sequences(&network, 1, 3);
    let mut other = network.clone();
    other.layers[0].weights.iter_mut().for_each(|weight| *weight = -*weight >> 1);
    let programs = [program(&p, &network), program(&p, &other)];
    let mut both = Both::new(&p, hardware(&p));
    let mut all = vec![];
    for program in [&programs[0], &programs[1], &programs[0]] {
        same!(both, |driver| driver.load(program, 48)).expect("it loads");
        // Nobody says that a sequence begins: it does, because nothing is known any more.
        all.push(same!(both, |driver| {
            sequences[0].iter().for_each(|vector| driver.send(vector, false));
            (0..3).map(|_| driver.device.receive()).collect::<Vec<_>>()
        }));
    }
    assert_eq!(all[0], all[2]);
    assert_ne!(all[0], all[1]);
}

#[test]
fn a_new_sequence_begins_in_the_middle_of_a_stream() {
    let (p, network) = small();
    let (program, sequences) = (program(&p, &network), sequences(&network, 1, 4));
    let mut both = Both::new(&p, hardware(&p));
    same!(both, |driver| driver.load(&program, 48)).expect("it loads");
    let mut results = vec![];
    for number in 0..8 {
        let vector = &sequences[0][number % 4];
        results.push(same!(both, |driver| {
            driver.send(vector, number % 4 == 0);
            driver.device.receive()
        }));
    }
    assert_eq!(results[..4], results[4..], "nothing is left of the sequence before");
}

#[test]
fn a_reset_in_the_middle_of_a_packet_leaves_nothing_behind() {
    let (p, network) = small();
    let (program, sequences) = (program(&p, &network), sequences(&network, 1, 4));
    let mut golden = Driver::new(&p, Golden::new(&p));
    golden.load(&program, 48).expect("it loads");
    let expected = golden.run(&sequences);
    let mut driver = Driver::new(&p, hardware(&p));
    for cycles in [0, 1, 5, 11, 12, 13, 17, 30, 60] {
        driver.load(&program, 48).expect("it loads");
        sequences[0].iter().for_each(|vector| driver.send(vector, true));
        driver.device.wait(cycles).expect("nothing breaks");
        driver.device.reset();
        driver.load(&program, 48).expect("it loads");
        assert_eq!(driver.run(&sequences), expected, "after {cycles} cycles");
        driver.device.reset();
    }
}
