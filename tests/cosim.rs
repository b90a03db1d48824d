//! Cosimulation in Verilator: broken text is found and named; waveforms show what was simulated.

#[path = "../examples/systolic/model.rs"]
mod model;
#[path = "../examples/systolic/systolic.rs"]
mod systolic;

use std::path::Path;
use std::sync::LazyLock;

use lacuna::blocks::{self, Configured};
use lacuna::config::{ClockGate, Reset, Tech, Value, Values};
use lacuna::cosim::verilator::Toolchain;
use lacuna::cosim::{Plan, Rig, Subject, Workshop};
use lacuna::eda::Cache;
use lacuna::hdl::{ModuleBuilder, bit, uint};
use lacuna::model::{Bits, Model, PortModel};
use rayon::prelude::*;

static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| Workshop {
    toolchain: Toolchain::find().unwrap_or_else(|error| panic!("{error}")),
    cache: Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cosim")),
});

/// A block with values that are not the defaults.
fn block(name: &str, settings: &[(&'static str, Value)]) -> Subject {
    let entry = blocks::find(name).expect("it is registered");
    let mut values = Values::defaults(entry.parameters);
    settings.iter().for_each(|(name, value)| values.set(name, *value));
    let block = Configured::new(entry, values, Tech::default());
    Subject::of(&block).unwrap_or_else(|error| panic!("{error}"))
}

/// Each block under each technology that makes a difference to it.
fn every_technology() -> Vec<Subject> {
    let mut subjects = vec![];
    for entry in blocks::REGISTRY {
        for reset in [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh] {
            for word in ClockGate::WORDS {
                let clock_gate = word.parse().expect("it is one of the words");
                let gates = ["clock_gate", "gating"].contains(&entry.name);
                if clock_gate == ClockGate::Latch || (gates && reset != Reset::SyncLow) {
                    let tech = Tech { reset, clock_gate, ..Tech::default() };
                    let values = (entry.variants)();
                    // Odd sizes, where the block names any.
                    let values = values.last().cloned().unwrap_or_default();
                    let subject = Subject::of(&Configured::new(entry, values, tech));
                    subjects.push(subject.unwrap_or_else(|error| panic!("{error}")));
                }
            }
        }
    }
    subjects
}

/// The report on the first failure, if there is one.
fn report(subject: &Subject) -> Option<String> {
    let plan = Plan { beats: 64, ..Plan::default() };
    let rig = Rig::verilator(subject, &WORKSHOP, false).unwrap_or_else(|error| panic!("{error}"));
    rig.check(subject, &plan, || {}).failure.map(|failure| failure.report(subject, &plan, None))
}

/// Something wrong with the text of a module.
struct Sabotage {
    what: &'static str,
    subject: Subject,
    /// What stands in the text, and what is put in its place.
    replace: (&'static str, &'static str),
    /// What the report has to say.
    says: &'static [&'static str],
}

#[test]
fn broken_text_is_found_and_named() {
    use Value::{Choice, Integer};
    let fifo = || block("fifo", &[("width", Integer(8)), ("depth", Integer(5))]);
    let cases = [
        Sabotage {
            what: "one element too many",
            subject: fifo(),
            replace: ("in_ready_o = level_q != 3'd5", "in_ready_o = level_q != 3'd6"),
            says: &[
                "stream in",
                "beats held while nothing is taken: model 5, rtl 6",
                "off by one: a beat too many",
            ],
        },
        Sabotage {
            what: "one element too few",
            subject: fifo(),
            replace: ("in_ready_o = level_q != 3'd5", "in_ready_o = level_q < 3'd4"),
            says: &[
                "stream in",
                "beats held while nothing is taken: model 5, rtl 4",
                "off by one: a beat too few",
            ],
        },
        Sabotage {
            what: "a wrong level",
            subject: fifo(),
            replace: ("level_o = level_q", "level_o = ~level_q"),
            says: &["E0401", "level: model 0x0, rtl 0x7"],
        },
        Sabotage {
            what: "a payload that differs where it means nothing",
            subject: block("register_slice", &[("cut", Choice("forward"))]),
            replace: ("out_data_o = data_q", "out_data_o = {32{valid_q}} & data_q"),
            says: &["E0402", "port out_data_o", "the golden model agrees with both"],
        },
        Sabotage {
            what: "a dropped stall",
            subject: block("register_slice", &[("cut", Choice("forward"))]),
            replace: ("accept = !valid_q || out_ready_i", "accept = 1'b1"),
            says: &["stream in", "a stall is dropped: ready does not wait for room"],
        },
        Sabotage {
            what: "a wrong sign",
            subject: model::subject(2, 3),
            replace: ("product = act_i * weight_i", "product = $unsigned(act_i) * weight_i"),
            says: &["stream out", "sum: model"],
        },
        Sabotage {
            what: "a sign that is not extended",
            subject: model::subject(1, 1),
            replace: ("{{16{product[15]}}, product}", "{16'd0, product}"),
            says: &["stream out", "one side extends by the sign, the other by zeros"],
        },
        Sabotage {
            what: "a missing reset",
            subject: block("register_slice", &[("cut", Choice("forward"))]),
            replace: ("valid_q <= 1'b0;", ""),
            says: &["stream out, beat 0", "from a random state", "before it is reset or written"],
        },
        Sabotage {
            what: "a reset that waits for its neighbours",
            subject: fifo(),
            replace: ("if (!rst_ni)", "if (!rst_ni && !in_valid_i)"),
            says: &["E0401", "level: model 0x0", "the reset leaves something behind"],
        },
        Sabotage {
            what: "parts in the wrong order",
            subject: block("width_converter", &[]),
            replace: ("{in_data_i, data_q[31:8]}", "{data_q[23:0], in_data_i}"),
            says: &["stream out, beat 0", "data: model"],
        },
        Sabotage {
            what: "a grant that moves",
            subject: block("arbiter", &[]),
            replace: ("(|kept) ? kept :", "1'b0 ? kept :"),
            says: &["grant: model", "index: model"],
        },
        Sabotage {
            what: "a RAM that reads what is written",
            subject: block("sync_ram", &[("width", Integer(8)), ("depth", Integer(4))]),
            replace: ("read_data_q <= data_mem[read_address_i]", "read_data_q <= write_data_i"),
            says: &["read_data: model"],
        },
        Sabotage {
            what: "a property that does not hold",
            subject: fifo(),
            replace: ("assert (level_q <= 3'd5)", "assert (level_q <= 3'd4)"),
            says: &["level_in_range", "fifo.v:"],
        },
    ];
    cases.into_par_iter().for_each(|mut case| {
        let (from, to) = case.replace;
        let mut texts = case.subject.files.iter_mut().map(|file| &mut file.text);
        let text = texts.rfind(|text| text.contains(from));
        let text = text.unwrap_or_else(|| panic!("{}: no such text", case.what));
        *text = text.replacen(from, to, 1);
        let report = report(&case.subject).unwrap_or_else(|| panic!("{} was not found", case.what));
        for words in case.says {
            assert!(report.contains(words), "{}, {words}:\n{report}", case.what);
        }
    });
}

#[test]
fn what_is_right_passes() {
    let mut subjects = every_technology();
    subjects.extend([(1, 1), (2, 3), (3, 1)].map(|(rows, cols)| model::subject(rows, cols)));
    subjects.par_iter().for_each(|subject| {
        if let Some(report) = report(subject) {
            panic!("{report}");
        }
    });
}

/// A module whose outputs nobody knows, so that only the simulators are compared.
#[derive(Clone)]
struct Unknown(usize);

impl PortModel for Unknown {
    fn outputs(&self, _: &[Bits]) -> Vec<Option<Bits>> {
        vec![None; self.0]
    }

    fn step(&mut self, _: &[Bits]) {}

    fn reset(&mut self) {}
}

#[test]
fn what_no_reset_reaches_is_the_same_in_both_simulators() {
    for reset in [Reset::AsyncLow, Reset::SyncLow, Reset::SyncHigh] {
        let m = ModuleBuilder::new("pipe");
        let count = m.register("count", uint(8)).reset(5);
        count.set((count + 1).truncate(8));
        let pipe = m.register("pipe", uint(8));
        pipe.set((pipe ^ count).wrap(uint(8)));
        m.output("pipe_o", uint(8)).set(pipe);
        let pipe = m.finish().unwrap();

        let m = ModuleBuilder::new("gated");
        let gate = m.gated_clock("gated_clk", m.input("enable_i", bit()));
        let (gated, free) = (m.instance("gated", &pipe), m.instance("free", &pipe));
        gated.clocked_by(gate);
        m.output("gated_o", uint(8)).set(gated.output("pipe_o"));
        m.output("free_o", uint(8)).set(free.output("pipe_o"));
        let tech = Tech { reset, ..Tech::default() };
        let model = Model::ports(Unknown(2));
        let subject = Subject::new(m.finish().unwrap(), tech, model).unwrap();
        assert_eq!(report(&subject), None, "{reset:?}");
    }
}
