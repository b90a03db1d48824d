//! Baselines, and netlists whole and broken.

use std::sync::Mutex;
use std::thread;

use serde_json::{Value as Json, json};

use super::*;
use crate::blocks::{self, Baseline, REGISTRY};
use crate::config::{ClockGate, Reset, Value};
use crate::cosim::{Finding, Mismatch, Rig, Scenario, Subject};
use crate::eda::in_folder;
use crate::model::{Bits, Random, Shape};

fn workshop() -> Workshop {
    Workshop::find().unwrap()
}

/// A block at parameters that are not all defaults.
fn block(name: &str, settings: &[(&'static str, i64)]) -> Configured {
    let mut block = Configured::defaults(blocks::find(name).unwrap());
    settings.iter().for_each(|&(key, value)| block.values.set(key, Value::Integer(value)));
    block
}

fn files(block: &Configured) -> Vec<File> {
    let module = block.elaborate().unwrap();
    verilog::emit(&module, &tech::style(&block.tech, None)).unwrap()
}

/// The netlist for OSU018.
fn mapped(block: &Configured) -> Netlist {
    map(&files(block), &block.name, true).unwrap()
}

fn prove(block: &Configured, netlist: &Netlist) -> Proof {
    equivalence::prove(Target::Osu018, &files(block), netlist, PROOF).unwrap()
}

/// The first cell of a type that `choose` accepts.
fn cell(netlist: &mut Netlist, choose: impl Fn(&Json) -> bool) -> &mut Json {
    let cells = netlist.module["cells"].as_object_mut().unwrap();
    cells.values_mut().find(|cell| choose(cell)).expect("there is such a cell")
}

fn forget_names(netlist: &mut Netlist) {
    let cells = netlist.module["cells"].take();
    let renamed = cells.as_object().unwrap().values().enumerate();
    netlist.module["cells"] = renamed.map(|(i, cell)| (format!("c{i}"), cell.clone())).collect();
    netlist.module["netnames"] = json!({});
}

/// Whether it is about when and how much: a baseline of other stages takes other cycles. The block in
/// the evaluator, to which beats come when the baseline takes them, then sees some that do not wait.
fn is_of_cycles(finding: &Finding) -> bool {
    use Finding::{Capacity, Cycle, Inside, Interval, Latency};
    let of_time = matches!(finding, Cycle { .. } | Interval { .. } | Latency { .. });
    of_time || matches!(finding, Capacity { .. } | Inside(_))
}

/// Blocks whose baselines have other stages, and so other cycles.
const OTHER_STAGES: [&str; 1] = ["mask_generator"];

/// The block itself, or, where its baseline does a part of what it does, the block that does no more.
fn no_more_than_its_baseline(mut block: Configured) -> Configured {
    if block.name == "vp_mac" {
        for key in ["narrowest", "widest", "reference"] {
            block.values.set(key, Value::Integer(8));
        }
    }
    block
}

/// Whatever is valid is what the golden model says, under every stall. What is not valid may differ
/// from our Verilog, so the simulators are not compared with each other.
fn check_plain(baseline: &Baseline, block: &Configured, mut subject: Subject, inside: &Configured) {
    let module = inside.elaborate().unwrap();
    let files = baseline::files(baseline, &module, &block.tech);
    gate_level::replace(&mut subject, files);
    let rig = Rig::verilator(&subject, &workshop(), false).unwrap();
    let mut beats = 0;
    for scenario in Scenario::all(&subject) {
        for case in scenario.cases(&subject, 40, 7) {
            let run = rig.run(&subject, &case);
            let is_fault = |m: &&Mismatch| {
                let may_differ =
                    OTHER_STAGES.contains(&block.name.as_str()) && is_of_cycles(&m.finding);
                !m.finding.is_between_simulators() && !may_differ
            };
            let wrong = run.mismatches.iter().find(is_fault);
            assert!(wrong.is_none(), "{} {:?} {wrong:?}", baseline.module, block.settings());
            beats += run.beats;
        }
    }
    assert!(beats > 0, "{}", baseline.module);
}

#[test]
fn baselines_do_what_the_blocks_do() {
    let blocks = REGISTRY.iter().flat_map(Configured::all_sizes).map(no_more_than_its_baseline);
    let blocks = blocks.filter_map(|block| Some((block.baseline()?, block)));
    let blocks: Vec<(Baseline, Configured)> = blocks.collect();
    let queue = Mutex::new(blocks.into_iter());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((baseline, block)) = { queue.lock().unwrap().next() } {
                    let (subject, inside) = gate_level::subject(&block).unwrap();
                    check_plain(&baseline, &block, subject, &inside);
                }
            });
        }
    });
}

/// What the mask generator is compared with besides its baseline makes masks, too: by sorting the
/// same, by a threshold alone those of groups that have room for all. The latter does not wait for
/// the rest of a group, as our model says, so beats are groups there.
#[test]
fn other_ways_to_a_mask_do_what_they_say() {
    let sort = include_str!("../../../benches/baselines/mask_sort.v");
    let threshold = include_str!("../../../benches/baselines/mask_threshold.v");
    for (lanes, group) in [(1, 16), (4, 16), (8, 8)] {
        let block = block("mask_generator", &[("lanes", lanes), ("group", group)]);
        let ranks = block.baseline().unwrap();
        let plain = |module, text| {
            let is_known = |name: &str| !["CHANGE", "NORM", "SCORE"].contains(&name);
            let parameters = ranks.parameters.iter().copied().filter(|(name, _)| is_known(name));
            Baseline { module, text, parameters: parameters.collect() }
        };
        let subject = || Subject::of(&block).unwrap();
        check_plain(&plain("plain_mask_sort", sort), &block, subject(), &block);
        if lanes < group {
            continue;
        }
        let of_block = block.clone();
        let all_fit = move |shape: &Shape, kind, beats, random: &mut Random| {
            let entry = of_block.entry;
            let mut stimulus = (entry.stimulus)(&of_block.values, shape, kind, beats, random)?;
            let keep = shape.inputs[0].fields.iter().position(|field| field.name == "keep")?;
            for beat in &mut stimulus.inputs[0] {
                beat[keep] = Bits::new(beat[keep].width(), group);
            }
            Some(stimulus)
        };
        let subject = subject().with_stimulus(all_fit);
        check_plain(&plain("plain_mask_threshold", threshold), &block, subject, &block);
    }
}

/// Each kind of reset, of clock gate and of odd size.
#[test]
fn netlists_of_cells_are_proven() {
    let mut blocks = vec![
        block("fifo", &[("width", 3), ("depth", 5)]),
        block("fifo", &[("width", 1), ("depth", 1)]),
        block("arbiter", &[("requesters", 3)]),
        block("arbiter", &[("requesters", 1)]),
        block("width_converter", &[("in_width", 51), ("out_width", 17)]),
        block("sync_ram", &[("width", 3), ("depth", 5)]),
        block("clock_gate", &[]),
    ];
    for reset in [Reset::SyncLow, Reset::SyncHigh] {
        let tech = Tech { reset, ..Tech::default() };
        blocks.push(Configured { tech, ..blocks[0].clone() });
        blocks.push(Configured { tech, ..block("reset_synchronizer", &[]) });
    }
    let tech = Tech { clock_gate: ClockGate::FallingEdge, ..Tech::default() };
    blocks.push(Configured { tech, ..block("clock_gate", &[]) });
    for block in blocks {
        let proof = prove(&block, &mapped(&block));
        let Proof::Proven { points, .. } = proof else {
            panic!("{} {:?}: {proof:?}", block.name, block.settings());
        };
        let module = block.elaborate().unwrap();
        let is_output = |port: &usize| {
            module.direction(module.ports[*port]) == crate::hdl::ir::Direction::Output
        };
        let ports = (0..module.ports.len()).filter(is_output);
        let bits: u32 = ports.map(|port| module.port(port).ty.width).sum();
        // The number of the only requester is a constant, on both sides.
        let constant = u32::from(module.ports.len() == 4 && bits == 2 && block.name == "arbiter");
        assert!(points as u32 >= bits - constant, "{}: {points} points", block.name);
    }
}

/// A wrong gate, a wrong reset, a wrong edge: no proof, and what can be simulated is refuted.
#[test]
fn a_broken_netlist_is_neither_proven_nor_agrees() {
    let fifo = block("fifo", &[("width", 3), ("depth", 5)]);
    let whole = mapped(&fifo);
    let refute = |broken: &Netlist| {
        let why = match prove(&fifo, broken) {
            Proof::Open(why) => why,
            proof => panic!("{proof:?}"),
        };
        gate_level::compare(&fifo, broken, Target::Osu018, &workshop(), why).unwrap()
    };

    let mut broken = whole.clone();
    cell(&mut broken, |cell| cell["type"] == "NAND2X1")["type"] = json!("NOR2X1");
    let Equivalence::Refuted { why, report, folder } = refute(&broken) else {
        panic!("it was not seen")
    };
    assert!(why.ends_with("points not proven"), "{why}");
    assert!(report.starts_with("error[E0401]: rtl disagrees with the golden model"), "{report}");
    assert!(Path::new(&folder).join("netlist.v").is_file());
    std::fs::remove_dir_all(folder).unwrap();

    let mut broken = whole.clone();
    let flip_flop = cell(&mut broken, |cell| cell["type"] == "DFFSR");
    let ports = &mut flip_flop["connections"];
    let reset = ports["R"].take();
    ports["R"] = ports["S"].take();
    ports["S"] = reset;
    let Equivalence::Refuted { folder, .. } = refute(&broken) else { panic!("it was not seen") };
    std::fs::remove_dir_all(folder).unwrap();

    let mut broken = whole.clone();
    cell(&mut broken, |cell| cell["type"] == "DFFPOSX1")["type"] = json!("DFFNEGX1");
    assert!(matches!(prove(&fifo, &broken), Proof::Open(_)));

    // The whole one is proven, and agrees where it is simulated all the same.
    assert!(matches!(prove(&fifo, &whole), Proof::Proven { registers: 9.., .. }));
    let why = "for a test".to_string();
    let found = gate_level::compare(&fifo, &whole, Target::Osu018, &workshop(), why).unwrap();
    assert!(matches!(found, Equivalence::Simulated { beats: 1.., .. }), "{found:?}");
}

/// The proof by cutting, whatever the size.
fn prove_cut(block: &Configured, netlist: &Netlist) -> Proof {
    let files = files(block);
    let proof = in_folder(&files, |folder| {
        let rtl = equivalence::expanded(Target::Osu018, &files, &netlist.top, folder)?;
        equivalence::lay_out(folder, &rtl, netlist)?;
        combinational::prove(Target::Osu018, folder, &netlist.top, PROOF)
    });
    proof.unwrap()
}

/// As by induction, each kind of reset, and a multiplier.
#[test]
fn netlists_are_proven_by_cutting() {
    let fifo = block("fifo", &[("width", 3), ("depth", 4)]);
    let mut blocks = vec![fifo, block("sync_ram", &[("width", 3), ("depth", 16)])];
    for reset in [Reset::SyncLow, Reset::SyncHigh] {
        let tech = Tech { reset, ..Tech::default() };
        blocks.push(Configured { tech, ..block("width_converter", &[]) });
    }
    for block in blocks {
        let netlist = mapped(&block);
        let all = netlist.count("DFF") as usize;
        let proof = prove_cut(&block, &netlist);
        let is_whole = matches!(proof, Proof::Proven { registers, points }
            if registers == all && points >= all);
        assert!(is_whole, "{} {:?}: {proof:?}", block.name, block.settings());
    }
    let mac = block("mac", &[]);
    assert_eq!(prove(&mac, &mapped(&mac)), Proof::Proven { points: 29, registers: 28 });
}

#[test]
fn a_broken_netlist_is_not_proven_by_cutting() {
    let fifo = block("fifo", &[("width", 3), ("depth", 4)]);
    let whole = mapped(&fifo);
    let check = |sabotage: &dyn Fn(&mut Netlist), expected: &str| {
        let mut broken = whole.clone();
        sabotage(&mut broken);
        let Proof::Open(why) = prove_cut(&fifo, &broken) else { panic!("expected: {expected}") };
        assert!(why.contains(expected), "{why}");
    };
    let flip_flop = |kind: &'static str| move |cell: &Json| cell["type"] == kind;
    let gate = |netlist: &mut Netlist| {
        cell(netlist, flip_flop("NAND2X1"))["type"] = json!("NOR2X1");
    };
    check(&gate, "not equal");
    let edge = |netlist: &mut Netlist| {
        cell(netlist, flip_flop("DFFPOSX1"))["type"] = json!("DFFNEGX1");
    };
    check(&edge, "another clock or reset");
    let reset_value = |netlist: &mut Netlist| {
        let ports = &mut cell(netlist, flip_flop("DFFSR"))["connections"];
        let reset = ports["R"].take();
        ports["R"] = ports["S"].take();
        ports["S"] = reset;
    };
    check(&reset_value, "another clock or reset");
    let reset = |netlist: &mut Netlist| {
        let other = netlist.module["ports"]["in_valid_i"]["bits"].clone();
        cell(netlist, flip_flop("DFFSR"))["connections"]["R"] = other;
    };
    check(&reset, "not equal");
    let no_driver = |netlist: &mut Netlist| {
        cell(netlist, flip_flop("DFFPOSX1"))["connections"]["D"] = json!([1_000_000]);
    };
    check(&no_driver, "without a driver");
    let no_clock = |netlist: &mut Netlist| {
        let other = netlist.module["ports"]["in_valid_i"]["bits"].clone();
        cell(netlist, flip_flop("DFFPOSX1"))["connections"]["CLK"] = other;
    };
    check(&no_clock, "another clock or reset");
    check(&forget_names, "not in the netlist by its name");
}

/// Our models of block RAM and multiplier: what Yosys emits agrees, what it might emit is refuted
/// or has no model.
#[test]
fn netlists_of_ecp5_are_simulated_with_our_models() {
    let compare = |block: &Configured, netlist: &Netlist| {
        let why = "for a test".to_string();
        gate_level::compare(block, netlist, Target::Ecp5, &workshop(), why).unwrap()
    };
    let refute = |block: &Configured, netlist: &Netlist| match compare(block, netlist) {
        Equivalence::Refuted { folder, .. } => std::fs::remove_dir_all(folder).unwrap(),
        found => panic!("{}: {found:?}", block.name),
    };
    let unknown = |block: &Configured, netlist: &Netlist, cell: &str| {
        let Equivalence::Unchecked { why } = compare(block, netlist) else { panic!("{cell}") };
        assert!(why.contains(&format!("{cell}_in_another_mode has no model")), "{why}");
    };

    let ram = block("sync_ram", &[]);
    let mut files = files(&ram);
    let whole = fpga::ECP5.map(&files, "sync_ram").unwrap();
    assert_eq!(whole.count("DP16KD"), 1);
    let found = compare(&ram, &whole);
    assert!(matches!(found, Equivalence::Simulated { beats: 1.., .. }), "{found:?}");
    let mut broken = whole.clone();
    cell(&mut broken, |cell| cell["type"] == "DP16KD")["parameters"]["DATA_WIDTH_A"] =
        json!("1001");
    unknown(&ram, &broken, "DP16KD");
    let mut broken = whole.clone();
    // The enable of a lane of 9 bits.
    cell(&mut broken, |cell| cell["type"] == "DP16KD")["connections"]["ADA2"] = json!(["0"]);
    refute(&ram, &broken);
    // Without the logic around it, a read gets what a write at the same edge leaves undefined.
    files[0].text =
        files[0].text.replace("reg [31:0] data_mem", "(* no_rw_check *) reg [31:0] data_mem");
    refute(&ram, &fpga::ECP5.map(&files, "sync_ram").unwrap());

    let mac = block("mac", &[("a_width", 18), ("b_width", 18)]);
    let whole = fpga::ECP5.map(&super::tests::files(&mac), "mac").unwrap();
    let is_multiplier = |cell: &Json| cell["type"] == "MULT18X18D";
    let mut broken = whole.clone();
    cell(&mut broken, is_multiplier)["connections"]["SIGNEDA"] = json!(["0"]);
    refute(&mac, &broken);
    let mut broken = whole.clone();
    cell(&mut broken, is_multiplier)["parameters"] = json!({ "REG_INPUTA_CLK": "CLK0" });
    unknown(&mac, &broken, "MULT18X18D");
}

/// Registers that nobody paired prove nothing.
#[test]
fn a_netlist_without_names_is_not_proven() {
    let fifo = block("fifo", &[("width", 3), ("depth", 5)]);
    let mut netlist = mapped(&fifo);
    forget_names(&mut netlist);
    assert!(matches!(prove(&fifo, &netlist), Proof::Open(_)));
}

/// The figures of one run against those of the plain Verilog.
#[test]
fn cells_cost_what_plain_verilog_costs() {
    let workshop = workshop();
    for block in [block("fifo", &[("width", 8), ("depth", 4)]), block("arbiter", &[])] {
        let row = measure(&block, Target::Osu018, Effort::Full, &workshop).unwrap();
        assert!(matches!(row.equivalence, Equivalence::Proven { .. }), "{:?}", row.equivalence);
        let area = row.ratio("area").unwrap();
        assert!((0.9..1.1).contains(&area), "{}: {area}", block.name);
        assert_eq!(row.ratio("flip-flops"), Some(1.0));
        assert!(row.cost.fmax.is_some() && row.cost.paths.len() >= 3);
        // What is known is the same, to the last digit.
        assert_eq!(measure(&block, Target::Osu018, Effort::Full, &workshop).unwrap(), row);
    }
}

#[test]
fn wires_alone_cost_nothing_and_have_no_frequency() {
    let row =
        measure(&block("arbiter", &[("requesters", 1)]), Target::Osu018, Effort::Full, &workshop());
    let row = row.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((row.cost.figure("cells"), row.cost.figure("area")), (Some(0.0), Some(0.0)));
    assert!(row.cost.fmax.is_none() && row.equivalence.is_good(), "{row:?}");
}

#[test]
fn fpgas_are_placed_and_proven() {
    let workshop = workshop();
    let ice40 = measure(
        &block("fifo", &[("width", 3), ("depth", 3)]),
        Target::Ice40,
        Effort::Full,
        &workshop,
    );
    let ecp5 =
        measure(&block("register_slice", &[("width", 3)]), Target::Ecp5, Effort::Full, &workshop);
    for row in [ice40.unwrap(), ecp5.unwrap()] {
        assert!(matches!(row.equivalence, Equivalence::Proven { .. }), "{:?}", row.equivalence);
        assert_eq!(row.ratio("flip-flops"), Some(1.0), "{}", row.target);
        let fmax = row.cost.fmax.expect("there are registers");
        assert!(fmax.lowest > 20.0 && fmax.lowest <= fmax.median && fmax.median <= fmax.highest);
    }
    let row = measure(&block("clock_gate", &[]), Target::Ice40, Effort::Full, &workshop).unwrap();
    assert_eq!((row.equivalence, row.cost.figures.len()), (Equivalence::NotMapped, 0));
    assert!(row.cost.notes[0].contains("falling_edge"));
}

#[test]
fn the_clock_buffer_of_the_family_gates_clocks() {
    let mut gate = block("clock_gate", &[]);
    let measured = |gate: &Configured| {
        measure(gate, Target::Ecp5, Effort::Full, &workshop()).unwrap_or_else(|e| panic!("{e}"))
    };
    assert!(measured(&gate).cost.notes[0].contains("\"dcca\""));
    gate.tech.clock_gate = ClockGate::Dcca;
    let row = measured(&gate);
    assert_eq!(row.cost.figure("LUT"), Some(1.0), "the enables' or");
    assert!(matches!(row.equivalence, Equivalence::Simulated { .. }), "{:?}", row.equivalence);
}

#[test]
fn what_was_measured_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let workshop = Workshop { cache: Cache::at(folder.path()), ..workshop() };
    let block = block("register_slice", &[("width", 2)]);
    assert_eq!(known(&block, &workshop.cache).unwrap(), []);
    let row = measure(&block, Target::Ice40, Effort::Quick, &workshop).unwrap();
    assert!(matches!(row.equivalence, Equivalence::Unchecked { .. }), "{:?}", row.equivalence);
    let quick = (Target::Ice40, Effort::Quick, row.cost);
    assert_eq!(known(&block, &workshop.cache).unwrap(), [quick]);
    assert_eq!(
        known(&self::block("register_slice", &[("width", 3)]), &workshop.cache).unwrap(),
        []
    );
}
