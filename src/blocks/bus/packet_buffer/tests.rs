//! Tests of the packet buffer.

use super::model::{Clock, Dropped, Fate, Fault, Packet, fates, packets};
use super::*;
use crate::blocks::testing::{agrees, agrees_with, elaborate, evaluator, paths, snapshot};
use crate::cosim::Plan;
use crate::model::{Beat, Bits};

fn of(lanes: u32, width: u32, longest: u32) -> PacketBufferParameters {
    PacketBufferParameters { lanes, width, longest }
}

/// A beat of elements that are all `value`, with `keep` as a number.
fn beat(p: &PacketBufferParameters, value: i64, keep: u64, user: bool, last: bool) -> Beat {
    let container = Bits::new(8 * p.bytes(), value);
    let data = vec![container; p.lanes as usize];
    let keep = Bits::new(p.lanes * p.bytes(), keep);
    vec![Bits::concat(&data), keep, Bits::new(1, user), Bits::new(1, last)]
}

/// A well-formed packet.
fn packet(p: &PacketBufferParameters, elements: u32) -> Vec<Beat> {
    let beats = elements.div_ceil(p.lanes);
    let of_number = |number: u32| {
        let here = (elements - number * p.lanes).min(p.lanes);
        let keep = (1_u128 << (here * p.bytes())) - 1;
        beat(p, i64::from(number) - 2, keep as u64, number == 0, number + 1 == beats)
    };
    (0..beats).map(of_number).collect()
}

#[test]
fn the_golden_model_drops_what_is_not_right() {
    let p = of(2, 9, 5);
    let fault = |length, beats: &[(u64, bool)]| {
        let beats: Vec<Beat> =
            beats.iter().map(|&(keep, last)| beat(&p, 1, keep, false, last)).collect();
        let packets = packets(&p, length, &beats);
        assert_eq!(packets.len(), 1);
        packets[0].as_ref().err().map(|dropped| dropped.fault)
    };
    assert_eq!(fault(3, &[(0b1111, false), (0b11, true)]), None);
    assert_eq!(fault(4, &[(0b1111, false), (0b1111, true)]), None);
    assert_eq!(fault(4, &[(0b1111, false), (0b11, true)]), Some(Fault::Short));
    assert_eq!(fault(2, &[(0b1111, false), (0b11, true)]), Some(Fault::Long));
    assert_eq!(fault(0, &[(0b11, true)]), Some(Fault::Long));
    // More than the longest counts as the longest.
    assert_eq!(fault(7, &[(0b1111, false), (0b1111, false), (0b11, true)]), None);
    // A hole before the end, nothing at the end, a gap, not from the bottom, half an element.
    for last in [0b0000, 0b1101, 0b1100, 0b0001, 0b0111] {
        assert_eq!(fault(3, &[(0b1111, false), (last, true)]), Some(Fault::Malformed), "{last:b}");
    }
    assert_eq!(fault(3, &[(0b0011, false), (0b1111, true)]), Some(Fault::Malformed));
    // However long it is.
    assert_eq!(fault(1, &[(0b1111, false), (0b1111, false), (0, true)]), Some(Fault::Malformed));
}

#[test]
fn the_golden_model_keeps_a_new_sequence_for_the_next_right_packet() {
    let p = of(1, 5, 2);
    let beats = [
        // In the second beat `user` means nothing.
        (0b1_0110, false, false),
        (0b1_0000, true, true),
        (7, true, true),
        (7, false, true),
        (1, false, false),
        (2, false, true),
        (3, false, false),
    ];
    let beats = beats.map(|(value, user, last)| beat(&p, value, 1, user, last));
    let right = |elements: &[i64], new_sequence, last| {
        Ok(Packet { elements: elements.to_vec(), new_sequence, last })
    };
    let short = |last| Err(Dropped { fault: Fault::Short, last });
    let expected = [right(&[-10, -16], false, 1), short(2), short(3), right(&[1, 2], true, 5)];
    assert_eq!(packets(&p, 2, &beats), expected);
}

#[test]
fn a_packet_that_is_dropped_needs_no_room() {
    let p = of(1, 8, 2);
    let long: Vec<Beat> = (0..6).map(|number| beat(&p, 0, 1, false, number == 5)).collect();
    let [stored, spoils] = [Fate::Stored, Fate::Spoils];
    assert_eq!(fates(&p, 2, &long)[..3], [stored, spoils, Fate::Dropped]);

    // Nothing is taken: two packets fill the RAM, but for a beat in the output register.
    let mut clock = Clock::new(&p);
    for fate in [stored, Fate::Completes, stored, Fate::Completes, stored] {
        assert!(clock.accepts(fate) && clock.step(Some(fate), false));
    }
    assert!(clock.offers() && !clock.accepts(stored) && !clock.accepts(spoils));
    // What comes behind the beat that spoils its packet goes in all the same.
    assert!(clock.accepts(Fate::Dropped));
}

/// Runs the hardware on beats that are always offered, with all that comes out taken: compares what
/// comes out with the golden model, and what is said of packets in each cycle.
fn check(p: &PacketBufferParameters, length: u32, beats: &[Beat]) {
    let mut sim = evaluator::<PacketBuffer>(p);
    let port = |name: &str| sim.port(name).unwrap();
    let inputs = ["data", "keep", "user", "last"].map(|field| port(&format!("in_{field}_i")));
    let (in_valid, out_valid) = (port("in_valid_i"), port("out_valid_o"));
    let (in_ready, out_ready) = (port("in_ready_o"), port("out_ready_i"));
    let fields: &[&str] = match p.lanes {
        1 => &["data", "new_sequence", "last"],
        _ => &["data", "new_sequence", "empty", "last"],
    };
    let outputs: Vec<_> = fields.iter().map(|field| port(&format!("out_{field}_o"))).collect();
    let faults = ["malformed_o", "long_o", "short_o"].map(port);
    let length_port = port("length_i");
    sim.set(length_port, length);
    sim.set(out_ready, true);

    let held = vec![Bits::new(sim.ty(length_port).width, length)];
    let stimulus = Stimulus { inputs: vec![beats.to_vec()], held };
    let response = model::run(p, &stimulus);
    let mut expected = response.emitted[0].iter();
    let judged = packets(p, length, beats);
    let (mut accepted, mut told) = (0, None);
    for cycle in 0..beats.len() as u64 + 3 + u64::from(p.depth()) {
        sim.set(in_valid, accepted < beats.len());
        if let Some(beat) = beats.get(accepted) {
            inputs.iter().zip(beat).for_each(|(&port, bits)| sim.set_limbs(port, bits.limbs()));
        }
        let now = faults.map(|port| sim.get(port) == 1);
        let is = |fault| told == Some(fault);
        assert_eq!(now, [is(Fault::Malformed), is(Fault::Long), is(Fault::Short)], "{cycle}");
        if sim.get(out_valid) == 1 {
            let beat = expected.next().unwrap();
            for (&port, bits) in outputs.iter().zip(&beat.beat) {
                assert_eq!(sim.get_limbs(port), bits.limbs(), "{cycle}");
            }
            assert_eq!(cycle, beat.cycle);
        }
        told = None;
        if accepted < beats.len() && sim.get(in_ready) == 1 {
            let dropped = judged.iter().filter_map(|packet| packet.as_ref().err());
            told = dropped.filter(|dropped| dropped.last == accepted).map(|d| d.fault).next();
            accepted += 1;
        }
        sim.step();
    }
    assert_eq!((accepted, expected.next()), (beats.len(), None));
    assert_eq!(sim.failures(), []);
}

#[test]
fn packets_of_every_length_go_on_and_others_are_told() {
    for (lanes, width) in [(1, 5), (3, 12), (4, 8), (4, 17), (16, 8)] {
        let p = of(lanes, width, 20);
        for length in 1..=p.longest {
            let mut beats = packet(&p, length);
            for wrong in [length + 1, length + lanes, 3 * p.longest, length.saturating_sub(1)] {
                if wrong > 0 {
                    beats.extend(packet(&p, wrong));
                }
                beats.extend(packet(&p, length));
            }
            let mut malformed = packet(&p, length);
            malformed.iter_mut().for_each(|beat| beat[1] = Bits::new(beat[1].width(), 2));
            beats.extend(malformed);
            beats.extend(packet(&p, length));
            check(&p, length, &beats);
        }
    }
}

#[test]
fn it_agrees_at_all_kinds_of_sizes() {
    let plan = Plan { beats: 60, ..Plan::default() };
    for lanes in [1, 3, 4, 16] {
        for width in [5, 8, 12, 17] {
            agrees_with::<PacketBuffer>(&of(lanes, width, 2 * lanes + 3), Tech::default(), &plan);
        }
    }
    agrees::<PacketBuffer>(&PacketBuffer::mutated());
    PacketBuffer::variants().iter().for_each(agrees::<PacketBuffer>);
    agrees::<PacketBuffer>(&PacketBufferParameters::default());
}

#[test]
fn no_side_sees_the_other_without_a_register_between() {
    for parameters in PacketBuffer::variants() {
        assert_eq!(paths(&elaborate::<PacketBuffer>(&parameters)), []);
    }
}

#[test]
fn two_of_the_longest_packets_have_room() {
    let depth = |lanes, longest| of(lanes, 8, longest).depth();
    assert_eq!([depth(4, 128), depth(4, 129), depth(3, 17), depth(1, 1)], [64, 128, 16, 4]);
    assert_eq!(depth(1, 4096), 8192);
}

#[test]
fn snapshots() {
    snapshot!(PacketBuffer, "packet_buffer_1x8", of(1, 8, 2));
    snapshot!(PacketBuffer, "packet_buffer_3x12", of(3, 12, 5));
}
