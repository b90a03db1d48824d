//! Tests that mutants are found, that what is equivalent is proven, and that neither is by default.

use std::sync::Arc;

use super::*;
use crate::blocks::find;
use crate::config::{Tech, Value};
use crate::hdl::{ModuleBuilder, bit, uint};
use crate::model::{Kind, Model, PortModel, Stimulus};
use crate::verilog::File;

fn workshop() -> Workshop {
    Workshop::find().unwrap_or_else(|error| panic!("{error}"))
}

fn options(mutants: usize) -> Options {
    Options { mutants, plan: Plan { beats: 100, ..Plan::default() }, ..Options::default() }
}

fn subject(name: &str, settings: &[(&'static str, i64)]) -> Subject {
    let mut block = Configured::defaults(find(name).unwrap());
    for &(key, value) in settings {
        block.values.set(key, Value::Integer(value));
    }
    Subject::of(&block).unwrap()
}

fn run(subject: &Subject, mutants: usize) -> Mutation {
    let result = mutate_subject(subject, &options(mutants), &workshop(), |_| {});
    result.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn mutants_are_found_or_proven_to_be_none() {
    let fifo = subject("fifo", &[("width", 2), ("depth", 3)]);
    let arbiter = subject("arbiter", &[("requesters", 2)]);
    let mac = subject("mac", &[("a_width", 3), ("b_width", 2), ("longest", 3)]);
    for subject in [fifo, arbiter, mac] {
        let result = run(&subject, 60);
        assert_eq!(result.survivors, [], "{}", subject.name);
        assert_eq!(result.mutants, 60);
        assert!(result.available > 100, "{}", result.available);
        assert!(result.killed_by_model > 45, "{result:?}");
        assert!(!result.equivalent.is_empty());
        assert_eq!(
            result.mutants,
            result.killed_by_model + result.killed_by_evaluator + result.equivalent.len()
        );
        // The same again, and others with another seed.
        assert_eq!(run(&subject, 60), result);
    }
}

#[test]
fn wires_alone_have_no_mutants() {
    let result = run(&subject("arbiter", &[("requesters", 1)]), 60);
    assert_eq!((result.mutants, result.available), (0, 0));
}

#[test]
fn a_clock_gate_that_lets_glitches_pass_is_found() {
    let result = run(&subject("clock_gate", &[]), 1000);
    // So few cycles do not get the counter behind the gate far.
    let of_the_gate = |mutant: &&Mutant| mutant.file == "lacuna_clock_gate.v";
    let survivors = result.survivors.iter().map(|survivor| &survivor.mutant);
    assert_eq!(survivors.into_iter().find(of_the_gate), None);
}

#[test]
fn a_weak_stimulus_leaves_survivors_at_the_lines_that_it_does_not_reach() {
    // Data that never change.
    let fifo = subject("fifo", &[("width", 2), ("depth", 3)]);
    let fifo = fifo.with_stimulus(|shape, kind, beats, random| {
        let mut stimulus = shape.stimulus(kind, beats, random);
        stimulus.inputs[0].iter_mut().for_each(|beat| beat[0] = Bits::zero(2));
        Some(stimulus)
    });
    let result = run(&fifo, 60);
    let text: Vec<&str> = fifo.files[0].text.lines().map(str::trim).collect();
    assert!(result.survivors.len() > 3, "{result:?}");
    for survivor in &result.survivors {
        assert_eq!(survivor.mutant.file, "fifo.v");
        assert_eq!(text[survivor.mutant.line - 1], survivor.mutant.text);
        // It takes a beat to go in and to come out.
        assert!(survivor.differs_after.is_some_and(|cycles| cycles > 1), "{survivor:?}");
    }
    let at = |text: &str| result.survivors.iter().filter(|s| s.mutant.text.contains(text)).count();
    assert!(at("head_q") + at("tail_q") > 3, "{:?}", result.survivors);
    // How many elements there are shows without data.
    assert_eq!(at("level_q +") + at("level_q -"), 0, "{:?}", result.survivors);
}

/// `x` is a bit of what goes in, with a term that changes nothing; `y` a register behind it.
fn redundant() -> Arc<crate::hdl::Module> {
    let m = ModuleBuilder::new("redundant");
    let (a, b, c) = (m.input("a_i", bit()), m.input("b_i", bit()), m.input("c_i", bit()));
    let needed = (a & b).named("needed");
    let surplus = (needed & c).named("surplus");
    let held = m.register("held", bit()).reset(0);
    held.set(needed | surplus);
    m.output("x_o", bit()).set(a ^ c);
    m.output("y_o", bit()).set(held);
    m.finish().unwrap()
}

/// What [`redundant`] should show; of `x` it may know nothing.
#[derive(Clone)]
struct Redundant {
    knows_x: bool,
    held: bool,
}

impl PortModel for Redundant {
    fn outputs(&self, inputs: &[Bits]) -> Vec<Option<Bits>> {
        let x = Bits::new(1, inputs[0].bit(0) != inputs[2].bit(0));
        vec![self.knows_x.then_some(x), Some(Bits::new(1, self.held))]
    }

    fn step(&mut self, inputs: &[Bits]) {
        self.held = inputs[0].bit(0) && inputs[1].bit(0);
    }

    fn reset(&mut self) {
        self.held = false;
    }
}

fn redundant_subject(knows_x: bool) -> Subject {
    let model = Model::ports(Redundant { knows_x, held: false });
    Subject::new(redundant(), Tech::default(), model).unwrap()
}

#[test]
fn what_changes_nothing_is_proven_to_change_nothing() {
    let result = run(&redundant_subject(true), 1000);
    assert_eq!(result.survivors, []);
    assert_eq!(result.killed_by_evaluator, 0);
    let surplus: Vec<&str> = result
        .equivalent
        .iter()
        .filter(|mutant| mutant.text.starts_with("wire surplus ="))
        .map(|mutant| mutant.change.as_str())
        .collect();
    // Without the term, or with one of its factors alone where that is the needed one.
    let expected = [
        "bit 0 of the left operand of $logic_and stuck at 0",
        "bit 0 of the result of $logic_and stuck at 0",
        "bit 0 of the right operand of $logic_and inverted",
        "bit 0 of the right operand of $logic_and stuck at 0",
        "bit 0 of the right operand of $logic_and stuck at 1",
    ];
    for change in expected {
        assert!(surplus.contains(&change), "{change}: {surplus:?}");
    }
    assert!(!surplus.contains(&"bit 0 of the left operand of $logic_and stuck at 1"));
}

#[test]
fn what_the_model_does_not_know_the_evaluator_finds_alone() {
    let (knowing, ignorant) =
        (run(&redundant_subject(true), 99), run(&redundant_subject(false), 99));
    assert_eq!(knowing.killed_by_evaluator, 0);
    assert!(ignorant.killed_by_evaluator > 5, "{ignorant:?}");
    let killed = |result: &Mutation| result.killed_by_model + result.killed_by_evaluator;
    assert_eq!(killed(&knowing), killed(&ignorant));
    assert_eq!(ignorant.killers[&Killer::Evaluator], ignorant.killed_by_evaluator);
}

#[test]
fn no_mutant_that_was_found_is_proven_to_be_equivalent() {
    let workshop = workshop();
    let blocks = [
        subject("fifo", &[("width", 1), ("depth", 2)]),
        subject("arbiter", &[("requesters", 2)]),
        subject("mac", &[("a_width", 3), ("b_width", 2), ("longest", 3)]),
        subject("clock_gate", &[]),
    ];
    for subject in &blocks {
        let netlist = Netlist::of(subject, 12, 7, &workshop.cache).unwrap();
        let rig = rig(subject, &netlist, &workshop).unwrap();
        let cases = cases(subject, &options(0).plan);
        let is_found = |mutant: &&Mutant| {
            let rig = rig.tie(SELECTOR, selected(&netlist, mutant.number));
            by_model(subject, &rig, &cases)
                .or_else(|| by_evaluator(subject, &rig, &cases))
                .is_some()
        };
        let found: Vec<&Mutant> = netlist.mutants.iter().filter(is_found).collect();
        assert!(found.len() > 6, "{}", found.len());
        for mutant in found {
            let comparison = compare(subject, &netlist, mutant).unwrap();
            assert_ne!(comparison, Comparison::Same, "{mutant:?}");
            if netlist.has_plain_clock {
                let comparison = prove::hinted(subject, &netlist, mutant);
                assert_ne!(comparison, Comparison::Same, "{mutant:?} with hints");
            }
        }
    }
}

#[test]
fn a_netlist_that_is_wrong_without_a_mutant_is_an_error() {
    let (workshop, subject) = (workshop(), subject("fifo", &[("width", 1), ("depth", 2)]));
    let plan = options(0).plan;
    let mut netlist = Netlist::of(&subject, 10, 1, &workshop.cache).unwrap();
    let check = |netlist: &Netlist| {
        let rig = rig(&subject, netlist, &workshop).unwrap();
        check_original(&subject, &rig.tie(SELECTOR, selected(netlist, 0)), netlist, &plan)
    };
    check(&netlist).unwrap();
    let right = netlist.verilog.clone();
    netlist.verilog = right.replacen("posedge clk_i", "negedge clk_i", 1);
    assert_ne!(netlist.verilog, right);
    let error = check(&netlist).unwrap_err();
    let ToolError::Failed { folder, last_lines, .. } = &error else { panic!("{error}") };
    assert!(last_lines.contains("without a mutant, the netlist does not pass"), "{last_lines}");
    assert!(folder.join("fifo.v").is_file());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_loop_that_does_not_settle_is_found() {
    let m = ModuleBuilder::new("wire_only");
    let a = m.input("a_i", uint(1));
    m.output("b_o", uint(1)).set(a);
    #[derive(Clone)]
    struct Same;
    impl PortModel for Same {
        fn outputs(&self, inputs: &[Bits]) -> Vec<Option<Bits>> {
            vec![Some(inputs[0].clone())]
        }
        fn step(&mut self, _: &[Bits]) {}
        fn reset(&mut self) {}
    }
    let subject = Subject::new(m.finish().unwrap(), Tech::default(), Model::ports(Same)).unwrap();
    let subject = subject.with_stimulus(|_, kind, _, _| {
        let rows = [0, 1, 0].map(|bit| vec![Bits::new(1, bit)]).to_vec();
        (kind == Kind::Random).then_some(Stimulus { inputs: vec![rows], held: vec![] })
    });
    let text = "module wire_only(input a_i, output b_o, input mutant_i);\n\
                assign b_o = (mutant_i & a_i) ? ~b_o : a_i;\nendmodule\n";
    let m = ModuleBuilder::new("wire_only");
    m.input("a_i", uint(1));
    m.output("b_o", uint(1));
    m.input(SELECTOR, uint(1));
    m.clocking(false, false);
    let module = m.finish_black_box(None, None).unwrap();
    let files = [File { module: "wire_only".into(), text: text.into() }];
    let Workshop { toolchain, cache } = workshop();
    let (reset, building) = (subject.tech.reset, Building::default());
    let library = Library::build(&module, &files, reset, building, &toolchain, &cache).unwrap();
    let rig = Rig::of_library(&subject, library).unwrap();
    let cases = cases(&subject, &Plan::default());
    let killer_at =
        |value: u64| by_model(&subject, &rig.tie(SELECTOR, Bits::new(1, value)), &cases);
    assert_eq!(killer_at(0), None);
    assert!(killer_at(1).is_some());
}
