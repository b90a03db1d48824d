//! Describes a systolic matrix multiplier, emits it, lints it, multiplies with it, and compares it
//! with its golden model in Verilator.
//!
//! `cargo run --release --example systolic -- [ROWS COLS]`; the files go to `build/systolic`.

mod model;
mod systolic;

use std::path::Path;

use anyhow::{Context, Result, bail};
use lacuna::config::Tech;
use lacuna::cosim::{Plan, Rig, Workshop};
use lacuna::design::{self, Design};
use lacuna::eda;
use lacuna::hdl::eval::Evaluator;

/// How many columns of A and rows of B are multiplied.
const DEPTH: usize = 6;

fn main() -> Result<()> {
    let mut sizes = std::env::args().skip(1);
    let mut size = |default: u32| -> Result<u32> {
        let Some(text) = sizes.next() else { return Ok(default) };
        text.parse().with_context(|| format!("a size is a number such as 4, not `{text}`"))
    };
    let (rows, cols) = (size(4)?, size(4)?);

    let module = systolic::systolic(rows, cols)?;
    let design = Design::new(&module.name, vec![module.clone()], Tech::default(), None)?;
    let files = design.files();
    let folder = Path::new("build/systolic");
    design::write(folder, &files)?;
    let bytes: usize = design.verilog.iter().map(|file| file.text.len()).sum();
    println!("emitted {} files to {}, {bytes} bytes of Verilog", files.len(), folder.display());

    let findings = eda::lint(&design.verilog, &design.top_names())?;
    for finding in &findings {
        println!("{}: {}", finding.tool, finding.message);
    }
    println!("linted with Verilator, Icarus and Yosys: {} findings", findings.len());

    // Small numbers of both signs.
    let (rows, cols) = (rows as usize, cols as usize);
    let a: Vec<Vec<i64>> = matrix(rows, DEPTH, |r, k| (7 * r + 3 * k) as i64 % 11 - 5);
    let b: Vec<Vec<i64>> = matrix(DEPTH, cols, |k, c| (5 * k + 2 * c) as i64 % 9 - 4);
    let mut sim = Evaluator::new(&module)?;
    let product = multiply(&mut sim, &a, &b)?;
    println!("{rows}x{DEPTH} by {DEPTH}x{cols} in {} cycles:", sim.cycle());
    for row in &product {
        println!("  {}", row.iter().map(|x| format!("{x:5}")).collect::<String>());
    }
    let expected = matrix(rows, cols, |r, c| (0..DEPTH).map(|k| a[r][k] * b[k][c]).sum::<i64>());
    if product != expected || !findings.is_empty() {
        bail!("the product or the lint is not what it should be");
    }
    println!("the product is right");

    let (subject, plan) = (model::subject(rows as u32, cols as u32), Plan::default());
    let rig = Rig::verilator(&subject, &Workshop::find()?, false)?;
    let outcome = rig.check(&subject, &plan, || {});
    if let Some(failure) = outcome.failure {
        bail!("{}", failure.report(&subject, &plan, None));
    }
    let (scenarios, rows) = (outcome.scenarios.len(), outcome.beats);
    println!("golden model = evaluator = Verilator: {rows} rows in {scenarios} scenarios");
    Ok(())
}

fn matrix(rows: usize, cols: usize, f: impl Fn(usize, usize) -> i64) -> Vec<Vec<i64>> {
    (0..rows).map(|r| (0..cols).map(|c| f(r, c)).collect()).collect()
}

/// Streams both matrices in and the product out.
fn multiply(sim: &mut Evaluator, a: &[Vec<i64>], b: &[Vec<i64>]) -> Result<Vec<Vec<i64>>> {
    let (rows, cols, depth) = (a.len(), b[0].len(), b.len());
    let port = |name: &str| sim.port(name);
    let (valid, ready, last) = (port("in_valid_i")?, port("in_ready_o")?, port("in_last_i")?);
    let (act, weight) = (port("in_act_i")?, port("in_weight_i")?);
    let (out_valid, out_ready) = (port("out_valid_o")?, port("out_ready_i")?);
    let sum = port("out_sum_o")?;
    sim.reset();
    sim.set(out_ready, 1);

    let mut product = vec![];
    let mut beat = 0;
    while product.len() < rows {
        sim.set(valid, beat < depth);
        if beat < depth {
            let column: Vec<i64> = a.iter().map(|row| row[beat]).collect();
            sim.set_limbs(act, &packed(&column));
            sim.set_limbs(weight, &packed(&b[beat]));
            sim.set(last, beat + 1 == depth);
        }
        beat += usize::from(beat < depth && sim.get(ready) == 1);
        if sim.get(out_valid) == 1 {
            let limbs = sim.get_limbs(sum);
            let lane = |c: usize| (limbs[c / 2] >> (c % 2 * 32)) as i32;
            product.push((0..cols).map(|c| lane(c).into()).collect());
        }
        sim.step();
    }
    // The bottom row comes out first.
    product.reverse();
    Ok(product)
}

/// Int8 lanes side by side, the first lowest.
fn packed(lanes: &[i64]) -> Vec<u64> {
    let limb =
        |lanes: &[i64]| lanes.iter().rev().fold(0, |limb, &lane| limb << 8 | u64::from(lane as u8));
    lanes.chunks(8).map(limb).collect()
}
