//! What the tests of the blocks share: the golden model beside the evaluator, and snapshots.

use std::sync::Arc;

use rand::SeedableRng;

use super::{Block, Configured, REGISTRY};
use crate::blocks;
use crate::config::{Parameters, Tech};
use crate::cosim::{Plan, Rig, Subject};
use crate::design::Design;
use crate::hdl::Module;
use crate::hdl::eval::Evaluator;
use crate::hdl::ir::Direction;
use crate::model::{Kind, Random};

/// The module of a block that is not to be emitted, for the default technology.
pub fn elaborate<B: Block>(parameters: &B::Parameters) -> Arc<Module> {
    assert!(B::validate(parameters).is_empty(), "the parameters do not go together");
    let module = B::elaborate(B::NAME, parameters, &Tech::default());
    module.unwrap_or_else(|errors| panic!("{:?}: {errors}", parameters.to_values()))
}

/// Runs a block against its golden model in the evaluator: every kind of stimulus under every
/// stall, from state zero and from a random one with a reset in mid-stream.
pub fn agrees<B: Block>(parameters: &B::Parameters) {
    agrees_with::<B>(parameters, Tech::default(), &Plan { beats: 100, ..Plan::default() });
}

/// As [`agrees`], for a technology and a plan.
pub fn agrees_with<B: Block>(parameters: &B::Parameters, tech: Tech, plan: &Plan) {
    assert!(B::validate(parameters).is_empty(), "the parameters do not go together");
    let entry = blocks::find(B::NAME).expect("the block is registered");
    let subject = Subject::of(&Configured::new(entry, parameters.to_values(), tech));
    let subject = subject.unwrap_or_else(|error| panic!("{error}"));
    let rig = Rig::evaluator(&subject).unwrap_or_else(|error| panic!("{error}"));
    let outcome = rig.check(&subject, plan, || {});
    if let Some(failure) = outcome.failure {
        panic!("{}", failure.report(&subject, plan, None));
    }
    assert!(outcome.beats > 0, "nothing was compared");
}

/// The block in the evaluator, out of reset from a random state.
pub fn evaluator<B: Block>(parameters: &B::Parameters) -> Evaluator {
    let sim = Evaluator::new(&elaborate::<B>(parameters));
    let mut sim = sim.unwrap_or_else(|error| panic!("{error}"));
    sim.randomize(7);
    sim.reset();
    sim
}

/// The outputs that depend on an input without a register between: `(output, inputs)`.
pub fn paths(module: &Module) -> Vec<(&str, Vec<&str>)> {
    let name = |port: usize| module.port(port).name.as_str();
    let outputs = (0..module.ports.len())
        .filter(|&port| module.direction(module.ports[port]) == Direction::Output);
    outputs
        .map(|port| {
            (name(port), module.paths[port].iter().map(|&input| name(input as usize)).collect())
        })
        .filter(|(_, inputs): &(_, Vec<_>)| !inputs.is_empty())
        .collect()
}

/// The design of one block under a name of its own.
pub fn design<B: Block>(name: &str, parameters: &B::Parameters, tech: Tech) -> Design {
    let module = B::elaborate(name, parameters, &tech).unwrap_or_else(|errors| panic!("{errors}"));
    let design = Design::new(name, vec![module], tech, None);
    design.unwrap_or_else(|error| panic!("{error}"))
}

/// The design's Verilog, without the generator's version.
pub fn verilog(design: &Design) -> String {
    let texts: Vec<&str> = design.verilog.iter().map(|file| file.text.as_str()).collect();
    let generator = concat!("lacuna ", env!("CARGO_PKG_VERSION"));
    texts.join("\n").replace(generator, "lacuna VERSION")
}

/// Compares a block's Verilog and its netlist with the accepted ones, which lie in `snapshots`
/// beside the calling file.
macro_rules! snapshot {
    ($block:ty, $name:literal, $parameters:expr $(, $tech:expr)?) => {{
        let tech = None::<$crate::config::Tech>$(.or(Some($tech)))?.unwrap_or_default();
        let design = $crate::blocks::testing::design::<$block>($name, &$parameters, tech);
        let netlists = $crate::eda::netlists(&design.verilog);
        let netlists = netlists.unwrap_or_else(|error| panic!("{error}"));
        ::insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            ::insta::assert_snapshot!($name, $crate::blocks::testing::verilog(&design));
            ::insta::assert_snapshot!(concat!($name, ".netlist"), netlists.to_string());
        });
    }};
}
pub(crate) use snapshot;

#[test]
fn a_longer_stimulus_begins_with_the_shorter_one() {
    for entry in REGISTRY {
        for block in Configured::all_sizes(entry) {
            let subject = Subject::of(&block).unwrap();
            for (seed, kind) in (0..20).flat_map(|seed| Kind::ALL.map(|kind| (seed, kind))) {
                let of = |beats| subject.stimulus(kind, beats, &mut Random::seed_from_u64(seed));
                let Some((long, short)) = of(100).zip(of(33)) else { continue };
                assert_eq!(long.held, short.held, "{} {kind}", entry.name);
                for (long, short) in long.inputs.iter().zip(&short.inputs) {
                    assert!(long.starts_with(short), "{} {kind}", entry.name);
                }
            }
        }
    }
}
