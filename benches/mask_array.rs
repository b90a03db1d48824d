//! What the mask generator's array costs beside other ways to the same mask, in OSU018 cells:
//! area per element per cycle, and the highest frequency.
//!
//! All of them sustain `lanes` elements per cycle. The threshold alone has no limit to the number of
//! survivors, so it is a lower bound and not a rival.

use lacuna::blocks::{self, Baseline, Configured};
use lacuna::config::Value;
use lacuna::evidence::synth::{self, Cost};
use lacuna::{tech, verilog};

/// Lanes and group of each comparison; elements have 8 bits.
const SIZES: [(i64, i64); 4] = [(1, 16), (4, 16), (16, 16), (16, 64)];

/// Text in the repository that is no block's baseline.
const SORT: (&str, &str) = ("plain_mask_sort", include_str!("baselines/mask_sort.v"));
const THRESHOLD: (&str, &str) =
    ("plain_mask_threshold", include_str!("baselines/mask_threshold.v"));

fn main() {
    println!("{}", synth::Target::Osu018.recipe(synth::Effort::Full));
    println!();
    println!(
        "| lanes | group | design | GE | GE per element/cycle | over ranks | Fmax MHz | flip-flops |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (lanes, group) in SIZES {
        let ranks = block(lanes, group, 2).baseline().expect("it has one");
        let plain = |(module, text): (&'static str, &'static str)| {
            cost_of_baseline(lanes, group, &without_scores(&ranks, module, text))
        };
        let of_ranks = cost_of_baseline(lanes, group, &ranks);
        let rows = [
            ("array, 1 bit a digit", cost_of_array(lanes, group, 1)),
            ("array, 2 bits a digit", cost_of_array(lanes, group, 2)),
            ("array, 3 bits a digit", cost_of_array(lanes, group, 3)),
            ("ranks of all pairs", of_ranks.clone()),
            ("sorting network", plain(SORT)),
            ("threshold alone", plain(THRESHOLD)),
        ];
        for (design, cost) in rows {
            let figure = |cost: &Cost, name| cost.figure(name).expect("cells have this figure");
            let area = |cost: &Cost| figure(cost, "area in NAND2X1");
            println!(
                "| {lanes} | {group} | {design} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} |",
                area(&cost),
                area(&cost) / lanes as f64,
                area(&cost) / area(&of_ranks),
                cost.fmax.as_ref().map_or(0.0, |fmax| fmax.median),
                figure(&cost, "flip-flops"),
            );
        }
    }
}

fn block(lanes: i64, group: i64, digit: i64) -> Configured {
    let entry = blocks::find("mask_generator").expect("it is registered");
    let mut block = Configured::defaults(entry);
    for (key, value) in [("lanes", lanes), ("group", group), ("digit", digit)] {
        block.values.set(key, Value::Integer(value));
    }
    block
}

fn cost_of_array(lanes: i64, group: i64, digit: i64) -> Cost {
    let block = block(lanes, group, digit);
    let module = block.elaborate().expect("the block is right");
    let files = verilog::emit(&module, &tech::style(&block.tech, None)).expect("it can be printed");
    synth::cost_of_cells(&files, &module.name).unwrap_or_else(|error| panic!("{error}"))
}

fn cost_of_baseline(lanes: i64, group: i64, baseline: &Baseline) -> Cost {
    let block = block(lanes, group, 2);
    let module = block.elaborate().expect("the block is right");
    let files = synth::baseline_files(baseline, &module, &block.tech);
    synth::cost_of_cells(&files, &module.name).unwrap_or_else(|error| panic!("{error}"))
}

/// Another text with the ports of the ranks, which knows of no score but the magnitude.
fn without_scores(ranks: &Baseline, module: &'static str, text: &'static str) -> Baseline {
    let is_known = |name: &str| !["CHANGE", "NORM", "SCORE"].contains(&name);
    let parameters = ranks.parameters.iter().copied().filter(|(name, _)| is_known(name));
    Baseline { module, text, parameters: parameters.collect() }
}
