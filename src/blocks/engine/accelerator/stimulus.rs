//! Stimulus for the accelerator: that of the layer engine, written into registers and packets.

use rand::{RngExt, SeedableRng};

use super::host::{Word, Write, load, settings};
use super::model::{PACKETS, READ_ADDRESSES, WRITE_ADDRESSES, WRITE_DATA, always_read, written};
use super::registers::{LAYER_INPUTS, fields_of_input, map, word_bits};
use super::{LayerEngine, LayerEngineParameters};
use crate::blocks::Block;
use crate::blocks::bus::packet_buffer;
use crate::blocks::engine::bits;
use crate::blocks::engine::layer_engine::Settings;
use crate::model::{Beat, Bits, Channel, Field, Kind, Random, Shape, Stimulus};
use crate::registers::RegisterMap;

/// The layer engine's ports, as its stimulus sees them.
fn engine(p: &LayerEngineParameters, map: &RegisterMap) -> Shape {
    let field = |name: &str, width: u32| Field { name: name.into(), width, signed: false };
    let width = |name: &str| {
        let of_layers =
            &map.groups.iter().find(|group| group.name == "layer").expect("it is there");
        let fields = fields_of_input(p, name);
        let found = of_layers.registers.iter().flat_map(|register| {
            register
                .fields
                .iter()
                .map(move |field| (format!("{}_{}", register.name, field.name), field))
        });
        let widths = found.filter(|(name, _)| fields.contains(name)).map(|(_, field)| field.width);
        p.layers * widths.sum::<u32>()
    };
    let input = |name: &str| match name {
        "bonus" => field(name, p.path().score_width()),
        "final_layer" => field(name, bits(p.layers)),
        "cluster" => field(name, bits(p.clusters)),
        "keep_awake" | "test_enable" | "clear" | "read" => field(name, 1),
        _ => field(name, width(name)),
    };
    let held = Settings::inputs().into_iter().map(input).filter(|field| field.width > 0);
    let units = p.clusters * p.elements + p.lanes;
    let load = vec![
        field("unit", bits(units + 1)),
        field("address", 20),
        field("word", word_bits(p)),
        field("last", 1),
    ];
    let mut vector = vec![field("data", p.lanes * p.activation_bits), field("new_sequence", 1)];
    vector.extend((p.lanes > 1).then(|| field("empty", bits(p.lanes))));
    vector.push(field("last", 1));
    let channel = |name: &str, fields| Channel { name: name.into(), fields };
    let inputs = vec![channel("load", load), channel("in", vector)];
    debug_assert!(LAYER_INPUTS.iter().all(|(name, _)| Settings::inputs().contains(name)));
    Shape { inputs, outputs: vec![], held: held.collect(), status: vec![] }
}

pub(super) fn stimulus(
    p: &LayerEngineParameters,
    shape: &Shape,
    kind: Kind,
    beats: usize,
    random: &mut Random,
) -> Option<Stimulus> {
    let map = map(p);
    let mut chance = Random::from_rng(random);
    let inner = LayerEngine::stimulus(p, &engine(p, &map), kind, beats, random)?;
    let given = Settings::of(p, &inner.held);
    let words = inner.inputs[0].iter().map(|beat| Word {
        unit: beat[0].unsigned() as u32,
        address: beat[1].unsigned() as u32,
        bits: beat[2].clone(),
    });
    let words: Vec<Word> = words.collect();
    // What is by chance beside elements must not decide what is written.
    let mut beside = Random::from_rng(&mut chance);
    let (elements, packets) = packets(p, &inner.inputs[1], &mut beside);
    let mut writes = settings(p, &given, elements);
    writes.extend(load(p, &words));

    let mut inputs = vec![vec![]; shape.inputs.len()];
    let address = |address: u32, chance: &mut Random| -> Beat {
        let width = shape.inputs[WRITE_ADDRESSES].fields[0].width;
        vec![Bits::new(width, address), Bits::new(3, chance.random_range(0..8_u8))]
    };
    let mut write = |Write { address: at, data }: Write, strobes: u8, chance: &mut Random| {
        inputs[WRITE_ADDRESSES].push(address(at, chance));
        inputs[WRITE_DATA].push(vec![Bits::new(32, data), Bits::new(4, strobes)]);
    };
    for one in writes {
        // Now and then a write that is refused, and must not change what is there.
        if chance.random_ratio(1, 16) {
            let data = chance.random();
            match chance.random_range(0..2) {
                0 => write(Write { address: nowhere(&map, &mut chance), data }, 0xf, &mut chance),
                _ => write(Write { data, ..one }, chance.random_range(0..0xf), &mut chance),
            }
        }
        write(one, 0xf, &mut chance);
    }
    inputs[READ_ADDRESSES] = (0..beats / 4)
        .map(|_| {
            let at = nowhere(&map, &mut chance);
            let known = [0, 4, map.address("device", 0, "load"), at];
            address(known[chance.random_range(0..known.len())], &mut chance)
        })
        .collect();
    inputs[PACKETS] = packets;
    Some(Stimulus { inputs, held: vec![Bits::zero(1)] })
}

/// An address at which there is nothing.
fn nowhere(map: &RegisterMap, chance: &mut Random) -> u32 {
    loop {
        let address = chance.random_range(0..1_u32 << map.address_bits());
        if map.find(address).is_none() {
            return address;
        }
    }
}

/// Vectors as packets, all of as many elements as the first one has; how many those are.
fn packets(p: &LayerEngineParameters, beats: &[Beat], chance: &mut Random) -> (usize, Vec<Beat>) {
    let mut vectors: Vec<(Vec<Bits>, bool)> = vec![];
    let mut is_first = true;
    for beat in beats {
        if std::mem::replace(&mut is_first, beat[beat.len() - 1].bit(0)) {
            vectors.push((vec![], beat[1].bit(0)));
        }
        let missing = if p.lanes > 1 && is_first { beat[2].unsigned() as usize } else { 0 };
        let elements = beat[0].lanes(p.activation_bits).take(p.lanes as usize - missing);
        vectors.last_mut().expect("one was begun").0.extend(elements);
    }
    let length = vectors.first().map_or(1, |(elements, _)| elements.len());
    let mut packets = vec![];
    for (mut elements, new_sequence) in vectors {
        elements.resize(length, Bits::zero(p.activation_bits));
        let chunks = elements.chunks(p.lanes as usize);
        let count = chunks.len();
        packets.extend(chunks.enumerate().map(|(number, chunk)| {
            let mut beat = packet_beat(p, chunk, chance);
            beat.extend([Bits::new(1, new_sequence), Bits::new(1, number + 1 == count)]);
            beat
        }));
    }
    (length, packets)
}

/// TDATA and TKEEP of some elements.
fn packet_beat(p: &LayerEngineParameters, elements: &[Bits], chance: &mut Random) -> Beat {
    let container = super::container(p.activation_bits);
    let bytes = container / 8;
    let (mut data, mut keep) = (vec![], vec![]);
    for lane in 0..p.lanes as usize {
        // What stands beside an element does not count.
        let element = elements.get(lane).cloned().unwrap_or(Bits::zero(p.activation_bits));
        let beside = container - p.activation_bits;
        data.push(match beside {
            0 => element,
            _ => Bits::concat(&[element, Bits::random(beside, chance)]),
        });
        let present = lane < elements.len();
        keep.push(Bits::new(bytes, if present { (1_i128 << bytes) - 1 } else { 0 }));
    }
    vec![Bits::concat(&data), Bits::concat(&keep)]
}

/// Whether the accelerator may be given a stimulus: only what always reads the same is read, the last
/// write ends loading, packets are right, and the layer engine may be given what comes of it all.
pub(super) fn accepts(p: &LayerEngineParameters, stimulus: &Stimulus) -> bool {
    let map = map(p);
    let mut reads = stimulus.inputs[READ_ADDRESSES].iter();
    let reads = reads.all(|beat| always_read(&map, beat[0].unsigned() as u32).is_some());
    let (addresses, data) = (&stimulus.inputs[WRITE_ADDRESSES], &stimulus.inputs[WRITE_DATA]);
    let end = map.address("device", 0, "load_end");
    let is_end = |beat: &Beat| beat[0].unsigned() as u32 & !3 == end;
    let ends = addresses.last().is_some_and(is_end)
        && addresses.iter().filter(|beat| is_end(beat)).count() == 1;
    if !reads || addresses.len() != data.len() || !ends {
        return false;
    }
    let registers = written(p, stimulus);
    let packets =
        packet_buffer::packets(&super::packets(p), registers.elements(), &stimulus.inputs[PACKETS]);
    let Ok(packets) = packets.into_iter().collect::<Result<Vec<_>, _>>() else { return false };
    if registers.loading {
        return false;
    }
    let shape = engine(p, &map);
    let (given, loads) = (registers.settings(), registers.words.len());
    let word = |(number, word): (usize, &Word)| -> Beat {
        vec![
            Bits::new(shape.inputs[0].fields[0].width, word.unit),
            Bits::new(20, word.address),
            word.bits.clone(),
            Bits::new(1, number + 1 == loads),
        ]
    };
    let loads = registers.words.iter().enumerate().map(word).collect();
    let field = |packet: &packet_buffer::Packet| {
        let elements = packet.elements.iter().map(|&element| Bits::new(p.activation_bits, element));
        let elements: Vec<Bits> = elements.collect();
        vector_beats(p, &elements, packet.new_sequence)
    };
    let vectors = packets.iter().flat_map(field).collect();
    let held = shape.held.iter().map(|field| given.port(p, field)).collect();
    LayerEngine::accepts(p, &Stimulus { inputs: vec![loads, vectors], held })
}

/// A vector as the layer engine takes it.
fn vector_beats(p: &LayerEngineParameters, elements: &[Bits], new_sequence: bool) -> Vec<Beat> {
    let lanes = p.lanes as usize;
    let chunks = elements.chunks(lanes);
    let count = chunks.len();
    let beat = |(number, chunk): (usize, &[Bits])| {
        let mut data = chunk.to_vec();
        data.resize(lanes, Bits::zero(p.activation_bits));
        let mut beat = vec![Bits::concat(&data), Bits::new(1, new_sequence)];
        if p.lanes > 1 {
            beat.push(Bits::new(bits(p.lanes), (lanes - chunk.len()) as u64));
        }
        beat.push(Bits::new(1, number + 1 == count));
        beat
    };
    chunks.enumerate().map(beat).collect()
}
