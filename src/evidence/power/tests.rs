//! Tests of power.

use super::*;
use crate::blocks::precision::mac::{Mac, MacParameters};
use crate::blocks::{Block, find};
use crate::config::{Parameters, Tech};

fn mac(isolate: bool) -> Configured {
    let values = MacParameters { isolate, ..MacParameters::default() }.to_values();
    Configured::new(find(Mac::NAME).unwrap(), values, Tech::default())
}

#[test]
fn look() {
    let workshop = Workshop::find().unwrap();
    for isolate in [false, true] {
        for w in ["random/busy", "random/half", "random/rare", "random/stalled", "random/rare/held"]
        {
            let t = std::time::Instant::now();
            let o = Options { workload: w.parse().unwrap(), ..Options::default() };
            match estimate(&mac(isolate), &o, &workshop) {
                Ok(p) => println!(
                    "{isolate} {w} {:.4} comb {:.4} seq {:.4} clk {:.4} in {:.4} moving {:?} cyc {} tog {} ge {} cells {} {} leak {} {:?}",
                    p.total.total_mw(),
                    p.combinational.total_mw(),
                    p.sequential.total_mw(),
                    p.clock.total_mw(),
                    p.inputs.total_mw(),
                    p.moving,
                    p.cycles,
                    p.toggles_per_cycle,
                    p.gate_equivalents,
                    p.cells,
                    p.compared_cells,
                    p.total.leakage_mw,
                    t.elapsed()
                ),
                Err(e) => println!("{e}"),
            }
        }
    }
}
