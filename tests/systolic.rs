//! The systolic example: its Verilog, and its products from any state.

use lacuna::hdl::eval::Evaluator;
use num_bigint::BigInt;

#[path = "../examples/systolic/systolic.rs"]
mod systolic;

#[test]
fn the_text_is_the_accepted_one() {
    let module = systolic::systolic(2, 3).unwrap_or_else(|errors| panic!("{errors}"));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        lacuna::assert_verilog_snapshot!("systolic_2x3", module);
        lacuna::assert_netlist_snapshot!("systolic_2x3.netlist", module);
    });
}

/// A product by the book.
fn product(a: &[Vec<i64>], b: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let cell = |row: &Vec<i64>, c: usize| row.iter().zip(b).map(|(x, row)| x * row[c]).sum();
    a.iter().map(|row| (0..b[0].len()).map(|c| cell(row, c)).collect()).collect()
}

/// Runs matrices through the array, `stalls` making both sides wait at times; gives the products.
fn multiply(sim: &mut Evaluator, a: &[Vec<i64>], b: &[Vec<i64>], stalls: bool) -> Vec<Vec<i64>> {
    let port = |name: &str| sim.port(name).unwrap();
    let (valid, ready, last) = (port("in_valid_i"), port("in_ready_o"), port("in_last_i"));
    let (act, weight) = (port("in_act_i"), port("in_weight_i"));
    let (out_valid, out_ready) = (port("out_valid_o"), port("out_ready_i"));
    let (sum, out_last) = (port("out_sum_o"), port("out_last_o"));
    let pack = |lanes: Vec<i64>, width: u32| {
        let lane = |lane: i64| BigInt::from(lane) & BigInt::from((1u64 << width) - 1);
        lanes.into_iter().rev().fold(BigInt::ZERO, |packed, x| (packed << width) | lane(x))
    };
    let (mut beat, mut rows) = (0, vec![]);
    while rows.len() < a.len() {
        assert!(sim.cycle() < 10_000, "the array hangs");
        let offers = beat < b.len() && !(stalls && sim.cycle().is_multiple_of(3));
        let takes = !(stalls && sim.cycle() % 4 < 2);
        sim.set(valid, offers);
        sim.set(out_ready, takes);
        if offers {
            sim.set_value(act, &pack(a.iter().map(|row| row[beat]).collect(), 8));
            sim.set_value(weight, &pack(b[beat].clone(), 8));
            sim.set(last, beat + 1 == b.len());
        }
        beat += usize::from(offers && sim.get(ready) == 1);
        if takes && sim.get(out_valid) == 1 {
            let packed = sim.get_value(sum);
            let lane = |c: usize| -> i64 {
                let bits: BigInt = (&packed >> (32 * c)) & BigInt::from(u32::MAX);
                i64::from(u32::try_from(bits).unwrap() as i32)
            };
            rows.push((0..b[0].len()).map(lane).collect());
            assert_eq!(sim.get(out_last) == 1, rows.len() == a.len());
        }
        sim.step();
    }
    rows.reverse();
    rows
}

#[test]
fn the_first_product_is_right_from_any_state_and_after_a_reset_in_mid_stream() {
    for (rows, cols, depth) in [(1, 1, 1), (1, 3, 2), (4, 1, 5), (3, 4, 1), (4, 6, 7)] {
        let module = systolic::systolic(rows as u32, cols as u32).unwrap();
        let mut sim = Evaluator::new(&module).unwrap();
        let extreme = |x: usize| [-128, 127, -1, 0, 5, -77][x % 6];
        let a: Vec<Vec<i64>> =
            (0..rows).map(|r| (0..depth).map(|k| extreme(r * 5 + k)).collect()).collect();
        let b: Vec<Vec<i64>> =
            (0..depth).map(|k| (0..cols).map(|c| extreme(k * 7 + c * 3)).collect()).collect();
        for seed in 0..8 {
            sim.randomize(seed);
            sim.reset();
            let stalls = seed % 2 == 1;
            assert_eq!(multiply(&mut sim, &a, &b, stalls), product(&a, &b), "seed {seed}");
            assert_eq!(multiply(&mut sim, &a, &b, stalls), product(&a, &b), "seed {seed}");
            // A beat or two of another matrix, and a reset.
            let valid = sim.port("in_valid_i").unwrap();
            sim.set(valid, 1);
            sim.run(2 + seed);
            sim.reset();
            assert_eq!(multiply(&mut sim, &a, &b, stalls), product(&a, &b), "seed {seed}");
        }
    }
}
