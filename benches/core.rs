//! How long a description takes to become files, and how fast the evaluator runs.

#[path = "../examples/systolic/systolic.rs"]
mod systolic;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lacuna::config::Tech;
use lacuna::design::{self, Design};
use lacuna::hdl::eval::Evaluator;

/// From parameters to files on disk, collateral included.
fn emission(c: &mut Criterion) {
    let mut group = c.benchmark_group("parameters_to_files");
    for size in [8, 64, 256] {
        let make = || {
            let module = systolic::systolic(size, size).expect("the example is right");
            let name = module.name.clone();
            Design::new(&name, vec![module], Tech::default(), None).expect("it can be printed")
        };
        let bytes: usize = make().verilog.iter().map(|file| file.text.len()).sum();
        eprintln!("systolic {size}x{size}: {bytes} bytes of Verilog");
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        group.bench_function(BenchmarkId::new("systolic", size), |b| {
            b.iter(|| design::write(&folder.path().join("design"), &make().files()).unwrap());
        });
    }
    group.finish();
}

/// Cycles of the systolic example with new operands in each.
fn evaluation(c: &mut Criterion) {
    const CYCLES: u64 = 1000;
    let mut group = c.benchmark_group("evaluator");
    group.throughput(Throughput::Elements(CYCLES));
    for size in [8, 16] {
        let module = systolic::systolic(size, size).expect("the example is right");
        let mut sim = Evaluator::new(&module).expect("it has no black boxes");
        let port = |sim: &Evaluator, name: &str| sim.port(name).expect("the port is there");
        let (act, weight) = (port(&sim, "in_act_i"), port(&sim, "in_weight_i"));
        let (valid, ready) = (port(&sim, "in_valid_i"), port(&sim, "out_ready_i"));
        let last = port(&sim, "in_last_i");
        sim.reset();
        sim.set(valid, 1);
        sim.set(ready, 1);
        let mut operands = vec![0x0123_4567_89ab_cdef_u64; size as usize / 8];
        group.bench_function(BenchmarkId::new("systolic", size), |b| {
            b.iter(|| {
                for cycle in 0..CYCLES {
                    operands.iter_mut().for_each(|limb| *limb = limb.rotate_left(7));
                    sim.set_limbs(act, &operands);
                    sim.set_limbs(weight, &operands);
                    sim.set(last, cycle % 64 == 63);
                    sim.step();
                }
                black_box(sim.cycle())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, emission, evaluation);
criterion_main!(benches);
