//! Nothing is silently wrong: for thousands of random modules, the evaluator, Verilator and Icarus
//! agree on every bit of every output in every cycle, and no tool has anything to say about the
//! emitted text.
//!
//! `LACUNA_RANDOM_MODULES` sets how many modules, `LACUNA_SEED` where they start;
//! `LACUNA_RANDOM_MODULE` picks one by its number.

mod generator;
mod recipe;
mod shrink;
mod simulators;

use rayon::prelude::*;
use simulators::*;

/// The seed unless `LACUNA_SEED` gives another.
const SEED: u64 = 0x1ac0_17a5;
/// How many modules unless `LACUNA_RANDOM_MODULES` says so.
const MODULES: usize = 1000;
/// How many modules go through a tool at once.
const BATCH: usize = 25;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let digits = text.strip_prefix("0x");
    let number = match digits {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    Some(number.unwrap_or_else(|_| panic!("`{name}` is a number, not `{text}`")))
}

/// Whether evaluator and Icarus agree where Verilator differs, and Verilator too without its
/// optimisation.
fn agrees_plainly((case, failure): &(Case, Failure)) -> bool {
    let Failure::Differ(difference) = failure else { return false };
    let tools = Tools { verilator: true, icarus: true, yosys: false, optimized: false };
    difference.icarus == difference.evaluator && run(std::slice::from_ref(case), tools) == [None]
}

#[test]
fn three_simulators_agree() {
    let seed = number("LACUNA_SEED").unwrap_or(SEED);
    let numbers: Vec<usize> = match number("LACUNA_RANDOM_MODULE") {
        Some(number) => vec![number as usize],
        None => (0..number("LACUNA_RANDOM_MODULES").map_or(MODULES, |n| n as usize)).collect(),
    };
    let failures: Vec<(Case, Failure)> = numbers
        .par_chunks(BATCH)
        .flat_map(|numbers| {
            let case =
                |&number: &usize| Case { seed, number, recipe: generator::recipe(seed, number) };
            let cases: Vec<Case> = numbers.iter().map(case).collect();
            let yosys = numbers[0] == 0;
            let verdicts =
                run(&cases, Tools { verilator: true, icarus: true, yosys, optimized: true });
            let failures = cases.into_iter().zip(verdicts);
            failures.filter_map(|(case, failure)| Some((case, failure?))).collect::<Vec<_>>()
        })
        .collect();
    let (miscompiled, failures): (Vec<_>, Vec<_>) = failures.into_iter().partition(agrees_plainly);
    for (case, failure) in &miscompiled {
        println!("module {}: {}", case.number, failure.brief());
        println!("Verilator's optimisation is wrong there: without it, all three agree");
    }
    if failures.is_empty() {
        println!("{} random modules agree, seed {seed:#x}", numbers.len());
        return;
    }
    for (case, failure) in &failures {
        println!("module {}: {}", case.number, failure.brief());
    }
    let smallest = failures.iter().min_by_key(|(case, _)| case.recipe.size());
    let (case, failure) = smallest.expect("there is a failure");
    println!("shrinking module {}", case.number);
    let limit = number("LACUNA_SHRINK_SECONDS").unwrap_or(120);
    let (case, failure) = shrink::shrink(case, failure, std::time::Duration::from_secs(limit));
    println!("{:?}", case.recipe);
    for text in case.verilog() {
        println!("{text}");
    }
    println!("{failure}");
    println!(
        "reproduce: LACUNA_SEED={seed:#x} LACUNA_RANDOM_MODULE={} cargo test --test random_modules",
        case.number
    );
    panic!("{} of {} random modules fail, seed {seed:#x}", failures.len(), numbers.len());
}

/// All three simulators run what the builder has simplified. So the evaluator also runs modules in
/// which every constant comes from outside, where there is nothing to simplify.
#[test]
fn simplification_changes_no_value() {
    let seed = number("LACUNA_SEED").unwrap_or(SEED) ^ 0x0cea;
    let compared: usize = (0..MODULES)
        .into_par_iter()
        .map(|number| {
            let case = Case { seed, number, recipe: generator::recipe(seed, number) };
            // Some recipes give a literal where a value of its type would not be taken.
            let Some([simplified, opaque]) = evaluate_opaque(&case) else { return 0 };
            assert!(simplified == opaque, "module {number}, seed {seed:#x}: {:?}", case.recipe);
            1
        })
        .sum();
    println!("{compared} of {MODULES} random modules are the same without constants");
    assert!(compared > MODULES / 2, "{compared}");
}
