//! Proofs: each property of each block falls when the text is broken, and is proven when it is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lacuna::blocks::{self, Configured};
use lacuna::config::Config;
use lacuna::eda::Cache;
use lacuna::evidence::formal::{self, Plan, Proofs, Verdict};
use lacuna::hdl::{Module, ModuleBuilder, bit, uint};
use lacuna::verilog::{self, File, Style};
use rayon::prelude::*;

/// Short searches: what is broken here fails soon. A busy machine gets time.
fn plan() -> Plan {
    Plan { depth: 20, limit: Duration::from_secs(600) }
}

/// Most of what is broken fails within so many cycles; longer searches take much longer.
const SOON: u32 = 8;

fn cache() -> Cache {
    Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("formal"))
}

/// A block at parameters, which stand in lines of a configuration.
fn block(section: &str) -> Configured {
    let config = Config::parse("test", section, &blocks::sections()).expect("it is legal");
    Configured::of(&config.blocks[0], config.tech)
}

fn prove(files: &[File], top: &str) -> Proofs {
    prove_within(plan().depth, files, top)
}

fn prove_within(depth: u32, files: &[File], top: &str) -> Proofs {
    let plan = Plan { depth, ..plan() };
    formal::prove_files(files, top, &plan, &cache()).unwrap_or_else(|error| panic!("{error}"))
}

/// The block with a part of its text replaced, where it stands first: in the top module if it does.
fn sabotaged(section: &str, from: &str, to: &str) -> (Vec<File>, String) {
    let (mut files, top) = formal::files(&block(section)).unwrap();
    files.sort_by_key(|file| file.module != top);
    let all: Vec<&str> = files.iter().map(|file| file.text.as_str()).collect();
    let all = all.join("\n");
    let file = files.iter_mut().find(|file| file.text.contains(from));
    let file = file.unwrap_or_else(|| panic!("{section}: there is no `{from}` in\n{all}"));
    file.text = file.text.replacen(from, to, 1);
    (files, top)
}

/// The text without the assertions that are not named: what else falls does not matter, and the
/// search for it takes minutes.
fn stating(names: &[&str], files: Vec<File>) -> Vec<File> {
    // An instance's has the way to it in front.
    let last = |name: &&str| name.rsplit('.').next().unwrap_or_default().to_string();
    let names: BTreeSet<String> = names.iter().map(last).collect();
    let keeps = |label: &str, is_assert: bool| !is_assert || names.contains(label);
    files.into_iter().map(|file| filtered(file, keeps)).collect()
}

/// The text without the statements that are not kept, by their label and whether they assert.
fn filtered(file: File, keeps: impl Fn(&str, bool) -> bool) -> File {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut text = String::new();
    let mut is_left_out = false;
    for (line, next) in lines.iter().zip(lines.iter().skip(1).chain([&""])) {
        let (label, rest) = line.trim().split_once(':').unwrap_or_default();
        let statement = if rest.is_empty() { next.trim() } else { rest.trim() };
        is_left_out |= !keeps(label, statement.starts_with("assert ("));
        if !is_left_out {
            text += line;
            text += "\n";
        }
        is_left_out &= !line.ends_with(';');
    }
    File { text, ..file }
}

const SLICE: &str = "[register_slice]\nwidth = 3\n";
const BACKWARD: &str = "[register_slice]\nwidth = 3\ncut = \"backward\"\n";
const FIFO: &str = "[fifo]\nwidth = 3\ndepth = 5\n";
const RAM_FIFO: &str = "[fifo]\nwidth = 3\ndepth = 4\nstorage = \"ram\"\n";
const JOIN: &str = "[width_converter]\nin_width = 4\nout_width = 12\n";
const SPLIT: &str = "[width_converter]\nin_width = 12\nout_width = 4\n";
const ARBITER: &str = "[arbiter]\nrequesters = 3\n";
const MAC: &str = "[mac]\na_width = 3\nb_width = 2\nlongest = 3\n";
const VP_DOT: &str = "[vp_mac]\nlanes = 1\nactivation_bits = 4\nnarrowest = 4\nwidest = 16\n\
                      reference = 16\nlongest = 3\nproduct_register = true\n";
const VP_OUTER: &str = "[vp_mac]\norganisation = \"outer\"\ndepth = 2\npages = 2\npeek = true\n\
                        activation_bits = 4\nnarrowest = 4\nwidest = 16\nreference = 16\n\
                        longest = 3\nproduct_register = true\n";
const CONTROL: &str = "[sparsity_control]\nbands = 3\ngroup = 4\nfirst_keep = 4\nthreshold_width = 3\n\
                       layers = 3\ncombine = \"weights\"\n";
const DELTA: &str = "[delta]\nwidth = 2\nlanes = 1\nlongest = 3\nlayers = 3\ndepth = 3\n";
const MASK: &str = "[mask_generator]\nwidth = 2\nlanes = 1\ngroup = 3\ndigit = 1\n";
const METRIC: &str = "[coherence_metric]\nwidth = 2\nlanes = 1\nlongest = 3\ncosine = false\n\
                      normalised_l1 = false\nl1 = true\nbands = 3\ndigit = 32\n";
const PACKETS: &str = "[crossbar]\ninputs = 2\noutputs = 1\nwidth = 1\n";
const COPIES: &str = "[crossbar]\ninputs = 2\noutputs = 2\nwidth = 1\nmode = \"multicast\"\n";
const ROUTES: &str = "[crossbar]\ninputs = 2\noutputs = 2\nwidth = 1\nmode = \"static\"\n";
const NETWORK: &str = "[crossbar]\ninputs = 3\noutputs = 4\nwidth = 1\nmode = \"static\"\n\
                       topology = \"benes\"\n";
const APPLY: &str = "[mask_apply]\nwidth = 1\nwindow = 5\nlanes = 2\nqueue = 12\nlongest = 5\n";
const APPLY_GATE: &str = "[mask_apply]\nwidth = 2\nwindow = 3\nmode = \"gate\"\njoint = true\n";
const RAM: &str = "[sync_ram]\nwidth = 3\ndepth = 5\n";
const RESET: &str = "[reset_synchronizer]\n";
const RESET_HIGH: &str = "[tech]\nreset = \"sync_high\"\n[reset_synchronizer]\n";
const GATE: &str = "[clock_gate]\n";
const FALLING: &str = "[tech]\nclock_gate = \"falling_edge\"\n[clock_gate]\n";
const CELL: &str = "[tech]\nclock_gate = \"cell\"\n[clock_gate]\n";
const BUFFER: &str = "[tech]\nclock_gate = \"bufgce\"\n[clock_gate]\n";
const PE_CLUSTER: &str = "[pe_cluster]\nelements = 2\nlanes = 1\nlayers = 2\nlongest = 3\n\
                          words = 16\nactivation_bits = 4\nnarrowest = 4\n";
const REQUANTISER: &str = "[requantiser]\nlanes = 1\nlayers = 2\nsum_bits = 8\n\
                           activation_bits = 4\nbiases = 4\n";
const PACKET_BUFFER: &str = "[packet_buffer]\nlanes = 2\nwidth = 9\nlongest = 3\n";
const GATING: &str = "[gating]\nclusters = 2\ncores = 1\nidle_cycles = 2\nwake_cycles = 3\n\
                      counter_width = 2\n";

const BLOCKS: &[&str] = &[
    SLICE,
    BACKWARD,
    FIFO,
    RAM_FIFO,
    JOIN,
    SPLIT,
    ARBITER,
    MAC,
    METRIC,
    CONTROL,
    DELTA,
    MASK,
    PACKETS,
    COPIES,
    ROUTES,
    NETWORK,
    RAM,
    RESET,
    RESET_HIGH,
    GATE,
    FALLING,
    CELL,
    BUFFER,
    GATING,
    VP_DOT,
    VP_OUTER,
    APPLY,
    APPLY_GATE,
    PE_CLUSTER,
    REQUANTISER,
    PACKET_BUFFER,
];

/// What is broken, how, and which properties notice.
const SABOTAGE: &[(&str, &str, &str, &[&str])] = &[
    (SLICE, "spare_valid_q ? spare_q : in_data_i", "in_data_i", &["in_order", "tracked_in_first"]),
    (SLICE, "spare_q <= in_data_i", "spare_q <= ~in_data_i", &["tracked_in_spare"]),
    (SLICE, "out_valid_o = valid_q", "out_valid_o = 1'b1", &["nothing_invented"]),
    (SLICE, "out_valid_o = valid_q", "out_valid_o = 1'b0", &["nothing_lost"]),
    (SLICE, "in_ready_o = !spare_valid_q", "in_ready_o = 1'b1", &["all_counted"]),
    (SLICE, "spare_valid_d = 1'b0", "spare_valid_d = 1'b1", &["spare_behind_first"]),
    (SLICE, "accept = !valid_q || out_ready_i", "accept = 1'b1", &["out_held"]),
    (SLICE, "!spare_valid_q;", "!spare_valid_q && !out_ready_i;", &["ready_if_room"]),
    (BACKWARD, "!spare_valid_q;", "!spare_valid_q && !out_ready_i;", &["ready_if_room"]),
    (BACKWARD, "spare_valid_q ? spare_q : in_data_i", "in_data_i", &["in_order"]),
    (BACKWARD, "spare_q <= in_data_i", "spare_q <= ~in_data_i", &["tracked_in_place", "out_held"]),
    (BACKWARD, "in_valid_i || spare_valid_q", "1'b1", &["nothing_invented"]),
    (BACKWARD, "in_valid_i || spare_valid_q", "in_valid_i", &["nothing_lost"]),
    (BACKWARD, "spare_valid_d = 1'b1", "spare_valid_d = 1'b0", &["all_counted"]),
    (FIFO, "level_q != 3'd5", "1'b1", &["level_in_range"]),
    (FIFO, "level_q + 3'd1", "level_q + 3'd2", &["level_counts"]),
    (FIFO, "level_o = level_q", "level_o = ~level_q", &["level_counts"]),
    (FIFO, "level_q != 3'd5", "level_q < 3'd4", &["ready_unless_full"]),
    (FIFO, "level_q != 3'd0", "level_q > 3'd1", &["valid_unless_empty"]),
    (RAM_FIFO, "level_q != 3'd4", "level_q < 3'd3", &["ready_unless_full"]),
    (FIFO, "tail_q == 3'd4", "tail_q == 3'd5", &["elements_write_inside", "tail_behind_all"]),
    (FIFO, "head_q == 3'd4", "head_q == 3'd5", &["head_data_inside"]),
    (FIFO, "elements_mem[tail_q]", "elements_mem[head_q]", &["in_order", "tracked_in_place"]),
    (FIFO, "out_valid_o = level_q != 3'd0", "out_valid_o = 1'b1", &["nothing_invented"]),
    (FIFO, "out_valid_o = level_q != 3'd0", "out_valid_o = level_q > 3'd1", &["nothing_lost"]),
    (
        FIFO,
        "out_valid_o = level_q != 3'd0",
        "out_valid_o = (level_q != 3'd0) && !in_valid_i",
        &["out_held"],
    ),
    (
        RAM_FIFO,
        "if (pop) begin\n      head_valid_d",
        "if (1'b0) begin\n      head_valid_d",
        &["head_is_counted", "nothing_invented"],
    ),
    (RAM_FIFO, "elements_mem[head_q]", "elements_mem[tail_q]", &["in_order", "tracked_in_front"]),
    (
        RAM_FIFO,
        "elements_mem[tail_q] <= in_data_i",
        "elements_mem[tail_q] <= ~in_data_i",
        &["tracked_in_place"],
    ),
    (RAM_FIFO, "tail_q + 2'd1", "tail_q + 2'd2", &["tail_behind_all"]),
    (RAM_FIFO, "fetch = waiting &&", "fetch = waiting && out_ready_i &&", &["nothing_lost"]),
    (RAM_FIFO, "(!head_valid_q || pop)", "1'b1", &["out_held"]),
    (RAM_FIFO, "level_q != 3'd4", "1'b1", &["level_in_range"]),
    (RAM_FIFO, "level_q - 3'd1", "level_q - 3'd2", &["level_counts"]),
    (MAC, "= in_valid_i ? in_a_i : 3'd0", "= in_a_i", &["operands_rest"]),
    (MAC, "a_isolated * b_isolated", "a_isolated + b_isolated", &["sum_is_exact"]),
    (MAC, "so_far = first_q", "so_far = !first_q", &["sum_is_exact"]),
    (MAC, "out_valid_o = valid_q", "out_valid_o = 1'b1", &["nothing_invented"]),
    (MAC, "out_valid_o = valid_q", "out_valid_o = 1'b0", &["nothing_lost"]),
    (MAC, "!valid_q || out_ready_i", "out_ready_i", &["ready_unless_blocked"]),
    (MAC, "out_sum_o = sum_q", "out_sum_o = ~sum_q", &["in_order"]),
    (MAC, "first_q <= in_last_i", "first_q <= 1'b1", &["packet_begins"]),
    (MAC, "if (in_ready_o) begin", "if (1'b1) begin", &["all_counted"]),
    (MAC, "first_q <= in_last_i", "first_q <= 1'b0", &["a_sum_that_waits_is_whole"]),
    (MAC, "accept = in_valid_i && in_ready_o", "accept = in_valid_i", &["out_held"]),
    (VP_DOT, "out_valid_o = valid_q", "out_valid_o = 1'b1", &["nothing_invented"]),
    (VP_DOT, "out_valid_o = valid_q", "out_valid_o = 1'b0", &["nothing_lost"]),
    (VP_DOT, "out_sum_o = sum_q", "out_sum_o = ~sum_q", &["in_order"]),
    (VP_DOT, "if (sum_ready) begin", "if (1'b1) begin", &["all_counted"]),
    (VP_DOT, "first_q <= product_last_q", "first_q <= 1'b0", &["a_sum_that_waits_is_whole"]),
    (VP_DOT, "!product_valid_q || sum_ready", "sum_ready", &["ready_unless_blocked"]),
    (VP_DOT, "product_valid_q <= in_valid_i", "product_valid_q <= 1'b1", &["products_wait"]),
    (VP_DOT, "last_q <= in_last_i", "last_q <= ~in_last_i", &["products_are_of_their_beat"]),
    (VP_DOT, "= so_far + addend", "= so_far - addend", &["sum_is_exact"]),
    (VP_DOT, "{product_sum_q, 8'd0}", "{product_sum_q, 8'd1}", &["addend_is_in_place"]),
    (VP_DOT, "joins_0 = in_precision_i > 3'd1", "joins_0 = 1'b0", &["product_is_exact"]),
    (VP_DOT, "product_valid_q && sum_ready", "product_valid_q", &["out_held"]),
    (VP_OUTER, "in_ready_o = free", "in_ready_o = 1'b1", &["ready_unless_blocked"]),
    (VP_OUTER, "out_valid_o = is_read", "out_valid_o = 1'b1", &["reads_are_answered"]),
    (VP_OUTER, "product_valid_q <= in_valid_i", "product_valid_q <= 1'b1", &["products_wait"]),
    (VP_OUTER, "<= in_value_i", "<= ~in_value_i", &["products_are_of_their_beat"]),
    (VP_OUTER, "is_signed_0 = !", "is_signed_0 = ", &["digit_0_is_exact"]),
    (VP_OUTER, "|| byte_number", "|| !byte_number", &["digit_1_is_exact"]),
    (VP_OUTER, "{product_digit_0_q, 12'd0}", "{product_digit_1_q, 12'd0}", &["addend_0_is_exact"]),
    (VP_OUTER, "{product_digit_1_q, 12'd0}", "{product_digit_0_q, 12'd0}", &["addend_1_is_exact"]),
    (VP_OUTER, "out_sums_o = bank_sum", "out_sums_o = {42{in_valid_i}}", &["out_held"]),
    (
        VP_OUTER,
        "written_q & ~rows_of_page",
        "written_q & rows_of_page",
        &["gen_bank[0].u_bank.accumulator_is_exact", "gen_bank[1].u_bank.accumulator_is_exact"],
    ),
    (
        VP_OUTER,
        "stored = sums_mem[row_i]",
        "stored = sums_mem[~row_i]",
        &["gen_bank[0].u_bank.sum_is_that_of_the_row", "gen_bank[1].u_bank.sum_is_that_of_the_row"],
    ),
    (
        VP_OUTER,
        "written_q[peek_row_i]",
        "written_q[row_i]",
        &[
            "gen_bank[0].u_bank.peek_is_that_of_the_row",
            "gen_bank[1].u_bank.peek_is_that_of_the_row",
        ],
    ),
    (
        CONTROL,
        "(band_layer_i < 2'd2) ? band_layer_i : 2'd2",
        "band_layer_i",
        &["last_weights_rank_inside", "level_before_inside", "left_before_inside"],
    ),
    (
        CONTROL,
        "band_layer_i : 2'd2;
  wire [2:0] band_ready_shifted = pending_q >> layer_of_band;
  assign band_ready_o = band_ready_shifted[0];",
        "band_layer_i : 2'd3;
  assign band_ready_o = 1'b1;",
        &["weights_rank_write_inside", "layer_level_write_inside", "dwell_left_write_inside"],
    ),
    (
        CONTROL,
        "(vector_layer_i < 2'd2) ? vector_layer_i : 2'd2",
        "vector_layer_i",
        &["level_now_inside"],
    ),
    (
        CONTROL,
        "(any_layer_q < 2'd2) ? any_layer_q : 2'd2",
        "any_layer_q",
        &["tracked_level_inside", "tracked_left_inside", "tracked_weights_rank_inside"],
    ),
    (
        CONTROL,
        "level_valid_o = valid_q",
        "level_valid_o = 1'b1",
        &["nothing_invented", "one_counted"],
    ),
    (CONTROL, "level_valid_o = valid_q", "level_valid_o = 1'b0", &["nothing_lost"]),
    (CONTROL, "(!valid_q || level_ready_i)", "1'b1", &["level_held"]),
    (
        CONTROL,
        "(override_level_i < 2'd2) ? override_level_i : 2'd2",
        "override_level_i",
        &["override_is_exact", "level_in_range"],
    ),
    (CONTROL, "is_first ? 2'd0 : level_now", "level_now", &["first_is_low"]),
    (CONTROL, "first_decides ? 3'd4 :", "first_decides ? 3'd3 :", &["first_is_low"]),
    (CONTROL, "selected = keep_i[5:3]", "selected = keep_i[2:0]", &["keep_of_level"]),
    (
        CONTROL,
        "selected = threshold_i[5:3]",
        "selected = threshold_i[2:0]",
        &["threshold_of_level"],
    ),
    (CONTROL, "&& !vector_ready_shifted[0]", "", &["one_vector_at_a_time"]),
    (
        CONTROL,
        "band_ready_o = band_ready_shifted[0]",
        "band_ready_o = 1'b1",
        &["bands_behind_vectors"],
    ),
    (CONTROL, "vector_begins ? (3'd1 <<", "vector_begins ? (3'd3 <<", &["pending_waits"]),
    (CONTROL, "stays = left_before != 8'd0", "stays = 1'b0", &["dwells"]),
    (CONTROL, "left_before - 8'd1", "left_before - 8'd2", &["left_is_kept"]),
    (
        CONTROL,
        "activations_known_q <= 3'd0",
        "activations_known_q <= 3'd1",
        &["activations_known_has_begun"],
    ),
    (CONTROL, "weights_known_q <= 3'd0", "weights_known_q <= 3'd1", &["weights_known_has_begun"]),
    (
        CONTROL,
        "(band_band_i < 2'd2) ? band_band_i : 2'd2",
        "band_band_i",
        &["weights_rank_in_range", "tracked_level_in_range"],
    ),
    (
        DELTA,
        "in_layer_i < 2'd2) ? in_layer_i : 2'd2",
        "in_layer_i < 2'd2) ? in_layer_i : 2'd3",
        &["extent_before_inside", "extent_write_inside", "remembered_inside", "layer_in_range"],
    ),
    (
        DELTA,
        "any_layer_q < 2'd2) ? any_layer_q : 2'd2",
        "any_layer_q < 2'd2) ? any_layer_q : 2'd3",
        &["followed_extent_inside", "followed_word_inside"],
    ),
    (
        DELTA,
        "tail_q == 2'd2",
        "tail_q == 2'd3",
        &["waiting_write_inside", "tail_behind_all", "queued_somewhere"],
    ),
    (DELTA, "head_q == 2'd2", "head_q == 2'd3", &["front_inside"]),
    (DELTA, "stage_valid_d = 1'b0", "stage_valid_d = 1'b1", &["one_is_staged"]),
    (DELTA, "level_q + 2'd1", "level_q + 2'd2", &["level_counts"]),
    (DELTA, "out_valid_d = 1'b0", "out_valid_d = 1'b1", &["each_mask_is_sent"]),
    (DELTA, "stage_valid_q && (level_q != 2'd3)", "stage_valid_q", &["score_is_offered"]),
    (DELTA, "(number_q == 2'd2) ? number_q", "1'b0 ? number_q", &["number_in_range"]),
    (DELTA, "in_last_i ? 2'd0 : (number_q", "1'b0 ? 2'd0 : (number_q", &["number_begins"]),
    (
        DELTA,
        "is_known = number_q < extent_now",
        "is_known = number_q <= extent_now",
        &["known_if_fresh"],
    ),
    (
        DELTA,
        "is_known ? extent_now : (number_q",
        "1'b0 ? extent_now : (number_q",
        &["extent_is_fresh"],
    ),
    (DELTA, "begun_q | (accept", "begun_q & (accept", &["extent_without_gaps"]),
    (DELTA, "stage_place_q <= place", "stage_place_q <= 4'd0", &["staged_is_staged"]),
    (DELTA, "(accept ? (9'd1 << place)", "(accept ? (9'd2 << place)", &["busy_under_way"]),
    (DELTA, "&& !in_ready_shifted[0]", "", &["once_under_way"]),
    (
        DELTA,
        "stage_place_q, previous",
        "4'd0, previous",
        &["queued_in_0", "queued_in_1", "queued_in_2"],
    ),
    (
        DELTA,
        "new_estimates = send_estimate",
        "new_estimates = ~send_estimate",
        &["sum_does_not_overflow", "what_is_sent_whole_arrives"],
    ),
    (
        DELTA,
        "front_dense ? present : (mask_mask_i && present)",
        "mask_mask_i && present",
        &["dense_sends_all"],
    ),
    (DELTA, "sent = send_sent", "sent = ~send_sent", &["nothing_else_is_sent"]),
    (DELTA, "out_data_q <= sent", "out_data_q <= ~sent", &["what_goes_out_counts"]),
    (
        DELTA,
        "estimates_write_packed = {new_masks, new_estimates}",
        "estimates_write_packed = {~new_masks, ~new_estimates}",
        &["estimate_is_sum", "mask_is_remembered"],
    ),
    (
        DELTA,
        "score_remembered_all = remembered_q",
        "score_remembered_all = ~remembered_q",
        &["stage_has_base"],
    ),
    (
        DELTA,
        "stage_data_q <= in_data_i",
        "stage_data_q <= ~in_data_i",
        &["stage_has_candidate", "score_is_distance"],
    ),
    (DELTA, "stage_known_q ? remembered_q", "1'b1 ? remembered_q", &["stage_has_previous"]),
    (DELTA, "stage_dense_q <= stage_dense_equal", "stage_dense_q <= 1'b1", &["stage_has_mode"]),
    (
        DELTA,
        "previous, bases, candidates};",
        "~previous, ~bases, ~candidates};",
        &["queue_has_base", "queue_has_candidate", "queue_has_previous"],
    ),
    (DELTA, "{stage_last_q, stage_dense_q", "{stage_last_q, 1'b1", &["queue_has_mode"]),
    (DELTA, "(!stage_valid_q || push)", "1'b1", &["score_held"]),
    (DELTA, "(!out_valid_q || out_ready_i)", "1'b1", &["out_held"]),
    (
        MASK,
        "ends_group = (position_q == 2'd2)",
        "ends_group = 1'b0",
        &["begin_in_range", "gathered_in_range"],
    ),
    (
        MASK,
        "complete_q <= in_valid_i && completes",
        "complete_q <= in_valid_i",
        &["complete_stands_alone"],
    ),
    (
        MASK,
        "digits_so_far = begins ? 2'd0 :",
        "digits_so_far = 1'b0 ? 2'd0 :",
        &["outside_has_no_digit"],
    ),
    (
        MASK,
        "is_last_beat = out_position_q == 2'd2",
        "is_last_beat = out_position_q == 2'd3",
        &["out_position_in_range"],
    ),
    (
        MASK,
        "assign cell_ready[stage] = ready_out",
        "assign cell_ready[stage] = 1'b0",
        &["empty_cell_is_ready"],
    ),
    (
        MASK,
        "assign cell_valid[stage] = valid_out",
        "assign cell_valid[stage] = 1'b1",
        &["no_group_invented"],
    ),
    (
        MASK,
        "assign cell_ready[stage] = ready_out",
        "assign cell_ready[stage] = 1'b1",
        &["full_cell_takes_as_it_gives", "groups_counted"],
    ),
    (
        MASK,
        "assign tag = cell_tag_edge",
        "assign tag = ~cell_tag_edge",
        &["tracked_in_cell_0", "gen_cell[0].u_cell.begin_in_range"],
    ),
    (
        MASK,
        "assign tag = gen_cell[stage-1].tag_out",
        "assign tag = ~gen_cell[stage-1].tag_out",
        &["tracked_in_cell_1", "gen_cell[1].u_cell.begin_in_range"],
    ),
    (MASK, "out_position_q + 2'd1", "out_position_q + 2'd2", &["beats_counted"]),
    (MASK, "out_valid_o = valid_q", "out_valid_o = 1'b1", &["no_beat_invented"]),
    (MASK, "out_last_o = ends_vector_q", "out_last_o = in_valid_i", &["out_held"]),
    (MASK, "assign number = 3'd0", "assign number = 3'd3", &["gen_cell[0].u_cell.digits_in_range"]),
    (
        MASK,
        "assign number = gen_cell[stage-1].number_out",
        "assign number = 3'd5",
        &["gen_cell[1].u_cell.digits_in_range"],
    ),
    (
        MASK,
        "assign digit_2 = gathered_digits_q",
        "assign digit_2 = ~gathered_digits_q",
        &["gen_cell[0].u_cell.survivors_fit"],
    ),
    (
        MASK,
        "assign keep = gen_cell[stage-1].keep_out",
        "assign keep = 2'd0",
        &["gen_cell[1].u_cell.survivors_fit"],
    ),
    (PACKETS, "out_0_valid_o = outlet_valid", "out_0_valid_o = 1'b1", &["nothing_invented"]),
    (PACKETS, "in_0_ready_o = !waiting[0]", "in_0_ready_o = 1'b1", &["leaves_with_last_copy"]),
    (PACKETS, "out_0_data_o = outlet_data", "out_0_data_o = !outlet_data", &["data_arrives"]),
    (PACKETS, "out_0_last_o = outlet_last", "out_0_last_o = !outlet_last", &["last_arrives"]),
    (PACKETS, "outlet_waits = waits", "outlet_waits = ~waits", &["copies_are_counted"]),
    (PACKETS, "out_0_data_o = outlet_data", "out_0_data_o = in_1_valid_i", &["out_0_held"]),
    (
        PACKETS,
        "valid = |(arbiter_grant & asks)",
        "valid = in_packet_q && (|(arbiter_grant & asks))",
        &["gen_outlet[0].u_outlet.free_output_serves"],
    ),
    (
        PACKETS,
        "valid = |(arbiter_grant & asks)",
        "valid = !in_packet_q && (|(arbiter_grant & asks))",
        &["gen_outlet[0].u_outlet.packet_is_served"],
    ),
    (
        PACKETS,
        "request = asks | {in_packet_q, in_packet_q}",
        "request = asks",
        &["gen_outlet[0].u_outlet.packet_is_whole", "gen_outlet[0].u_outlet.grant_waits"],
    ),
    (
        PACKETS,
        "request = asks |",
        "request = (asks & 2'd1) |",
        &["gen_outlet[0].u_outlet.who_waits_asks"],
    ),
    (
        PACKETS,
        "in_packet_q <= !last",
        "in_packet_q <= last",
        &["gen_outlet[0].u_outlet.begun_in_packet"],
    ),
    (PACKETS, ".advance_i(advance)", ".advance_i(1'b0)", &["gen_outlet[0].u_outlet.turn_moves_on"]),
    (
        PACKETS,
        "behind_q <= ~(grant | (grant - 2'd1))",
        "behind_q <= 2'd0",
        &["gen_outlet[0].u_outlet.u_arbiter.others_at_most"],
    ),
    (COPIES, "request = asks & ~taken_q", "request = asks", &["nothing_invented"]),
    (
        COPIES,
        "in_0_ready_o = !waiting[0]",
        "in_0_ready_o = !waiting[1]",
        &["leaves_with_last_copy"],
    ),
    (COPIES, "[0] ? in_0_data_i", "[0] ? in_1_data_i", &["data_arrives"]),
    (
        COPIES,
        "out_0_valid_o = outlet_valid[0]",
        "out_0_valid_o = outlet_valid[0] && out_1_ready_i",
        &["whoever_waits_is_served", "out_0_held"],
    ),
    (
        COPIES,
        "out_1_valid_o = outlet_valid[1]",
        "out_1_valid_o = outlet_valid[1] && out_0_ready_i",
        &["out_1_held"],
    ),
    (COPIES, "asks & waiting_i & ~waits", "asks & ~waits", &["copies_are_counted"]),
    (
        COPIES,
        "valid = |request",
        "valid = |asks",
        &["gen_outlet[0].u_outlet.output_serves", "gen_outlet[1].u_outlet.output_serves"],
    ),
    (
        COPIES,
        ".advance_i(ready_i)",
        ".advance_i(1'b0)",
        &["gen_outlet[0].u_outlet.turn_moves_on", "gen_outlet[1].u_outlet.turn_moves_on"],
    ),
    (ROUTES, "(|offered) && !taken_q", "|offered", &["nothing_invented"]),
    (
        ROUTES,
        "in_0_ready_o = !waiting[0]",
        "in_0_ready_o = !waiting[1]",
        &["leaves_with_last_copy"],
    ),
    (ROUTES, "[0] ? in_0_data_i", "[0] ? in_1_data_i", &["data_arrives"]),
    (
        ROUTES,
        "out_0_valid_o = outlet_valid[0]",
        "out_0_valid_o = outlet_valid[0] && out_1_ready_i",
        &["whoever_waits_is_served", "out_0_held"],
    ),
    (
        ROUTES,
        "out_1_valid_o = outlet_valid[1]",
        "out_1_valid_o = outlet_valid[1] && out_0_ready_i",
        &["out_1_held"],
    ),
    (ROUTES, "(|(offered & waiting_i))", "(|offered)", &["copies_are_counted"]),
    (
        NETWORK,
        "first_o = crossed_i ? second_i : first_i",
        "first_o = first_i",
        &["as_many_arrive_as_are_offered"],
    ),
    (
        NETWORK,
        "first_ready_o = crossed_i ? second_ready_i : first_ready_i",
        "first_ready_o = first_ready_i",
        &["as_many_move_on_both_sides"],
    ),
    (
        METRIC,
        "(place_q == 2'd2) ? 2'd0",
        "(place_q == 2'd2) ? 2'd3",
        &["place_in_range", "before_inside", "vectors_write_inside"],
    ),
    (
        METRIC,
        "out_valid_o = state_q == StateDone",
        "out_valid_o = 1'b1",
        &[
            "nothing_invented",
            "new_sequence_is_first",
            "first_has_band_0",
            "band_in_range",
            "out_held",
        ],
    ),
    (METRIC, "state_d = StateIdle", "state_d = 3'd7", &["state_exists"]),
    (METRIC, "beat_loaded_q <= in_valid_i", "beat_loaded_q <= 1'b1", &["vectors_counted"]),
    (METRIC, "begins_q <= in_last_i", "begins_q <= 1'b0", &["one_beat_at_a_time"]),
    (
        METRIC,
        "head_fresh_q <= in_new_sequence_i",
        "head_fresh_q <= !in_new_sequence_i",
        &["tracked_comes", "tracked_follows"],
    ),
    (METRIC, "head_fresh_q || !known_q", "1'b0", &["tracked_is_fresh"]),
    (METRIC, "next_threshold_d = 2'd0", "next_threshold_d = 2'd1", &["begins_at_first"]),
    (METRIC, "next_threshold_q + 2'd1", "next_threshold_q + 2'd3", &["threshold_exists"]),
    (
        METRIC,
        "thresholds_met_q + {1'b0, is_met}",
        "thresholds_met_q + 2'd2",
        &["met_of_those_before"],
    ),
    (APPLY, "behind = 3'd4 - last_gone_q", "behind = 3'd5 - last_gone_q", &["waits_until_moved"]),
    (
        APPLY,
        "carry_1_of_2 = carry_1_of_2_packed & added_0_of_2",
        "carry_1_of_2 = 5'd0",
        &["rank_0_is_lowest", "rank_1_is_lowest"],
    ),
    (
        APPLY,
        "carry_1_of_2_packed ^ added_0_of_2",
        "carry_1_of_2_packed | added_0_of_2",
        &["rank_2_is_lowest", "rank_3_is_lowest"],
    ),
    (APPLY, "in_ready_o = room && !more", "in_ready_o = room", &["ready_unless_more"]),
    (
        APPLY,
        "out_valid_o = used_q > {2'd0, is_open}",
        "out_valid_o = used_q != 3'd0",
        &["valid_if_whole", "out_held"],
    ),
    (
        APPLY,
        "head_is_last ? head_count : 2'd2",
        "head_count",
        &["count_is_exact", "zero_if_empty", "full_unless_last"],
    ),
    (APPLY, "lanes_out > 2'd1", "lanes_out != 2'd0", &["rest_is_zero"]),
    (APPLY, "head_q[0] ? head_2 : head_0", "head_q[1] ? head_2 : head_0", &["in_order"]),
    (
        APPLY,
        "room = used_q <= 3'd4",
        "room = used_q <= 3'd5",
        &["used_in_range", "what_is_filled_stays"],
    ),
    (
        APPLY,
        "pick_valid[2] + pick_valid[3]",
        "{1'b0, pick_valid[2]}",
        &["moved_counted", "known_is_filled"],
    ),
    (APPLY, "filled > 4'd2", "filled > 4'd3", &["fill_in_range"]),
    (APPLY, "tail_then_sum >= 4'd6", "tail_then_sum > 4'd6", &["counts_write_inside"]),
    (APPLY, "tail_q <= tail_after", "tail_q <= tail_then", &["tail_behind_all"]),
    (APPLY, "(filled[1:0] - 2'd2)", "(filled[1:0] - 2'd3)", &["slot_is_free", "all_counted"]),
    (
        APPLY,
        "counts_mem[tail_then] <= fill_then",
        "counts_mem[tail_then] <= filled[1:0]",
        &["empty_counted"],
    ),
    (
        APPLY,
        "base_q + pick_lane[5:3]",
        "base_q + pick_lane[2:0]",
        &["tracked_is_picked", "indices_grow"],
    ),
    (
        APPLY,
        "{turned_1[9:0], turned_1[19:10]}",
        "{turned_1[14:0], turned_1[19:15]}",
        &["tracked_is_written", "written_as_it_came"],
    ),
    (
        APPLY,
        "row == 2'd2",
        "row == 2'd3",
        &[
            "slot_0_write_inside",
            "slot_1_write_inside",
            "slot_2_write_inside",
            "slot_3_write_inside",
        ],
    ),
    (APPLY, "slot_0_mem[slot_0_write_choice]", "slot_0_mem[row]", &["item_in_place"]),
    (
        APPLY,
        "opens = (fill_q == 2'd0) && (vector_ends || (count != 3'd0))",
        "opens = (fill_q == 2'd0) && vector_ends",
        &["open_is_inside"],
    ),
    (APPLY, "starting = passed + {1'b0, opens}", "starting = {1'b0, opens}", &["filled_inside"]),
    (APPLY, "begun_q <= more", "begun_q <= 1'b0", &["moved_since_begun"]),
    (APPLY, "begun_q <= more", "begun_q <= 1'b1", &["window_waits"]),
    (APPLY, "fill_q <= vector_ends ? 2'd0 : fill_then", "fill_q <= fill_then", &["end_inside"]),
    (APPLY, "base_q + 3'd5", "base_q + 3'd4", &["elements_counted", "moved_before_window"]),
    (
        APPLY,
        "head_sum >= 4'd6",
        "head_sum > 4'd6",
        &["head_count_inside", "head_0_inside", "head_1_inside", "head_2_inside", "head_3_inside"],
    ),
    (APPLY, "begun_beats}) - {2'd0, pop}", "begun_beats})", &["beats_counted"]),
    (
        APPLY,
        "(is_last_q & ~popped) | closed",
        "is_last_q | closed",
        &["ends_marked", "last_with_end"],
    ),
    (
        APPLY,
        "if (step) begin\n      last_gone_q",
        "if (accept) begin\n      last_gone_q",
        &["last_gone_exists", "moved_in_window"],
    ),
    (APPLY, "closes_empty = closes_tracked && (", "closes_empty = (", &["empty_is_end"]),
    (APPLY_GATE, ".keep_i(keep)", ".keep_i(1'b1)", &["element_or_zero"]),
    (
        PE_CLUSTER,
        "(reading_goes_on && (",
        "(1'b0 && (",
        &["next_is_of_another_layer", "sums_rest_while_read"],
    ),
    (
        PE_CLUSTER,
        "(ends_now_q && (layer_now_q",
        "(1'b0 && (layer_now_q",
        &["next_is_of_another_layer"],
    ),
    (PE_CLUSTER, "(busy_q && ends_q && (", "(1'b0 && (", &["next_waits_for_the_end"]),
    (PE_CLUSTER, "(!reading_goes_on && !ends_now_q)", "!ends_now_q", &["one_is_read_at_a_time"]),
    (PE_CLUSTER, "reading_q && (!out_valid_q || out_ready_i)", "reading_q", &["out_held"]),
    (
        REQUANTISER,
        "shifted_goes = !shifted_valid_q || shifted_leaves",
        "shifted_goes = 1'b1",
        &["out_held"],
    ),
    (REQUANTISER, "is_result ? result_ready_i :", "is_result ||", &["result_held"]),
    (PACKET_BUFFER, "first_q <= in_last_i", "first_q <= 1'b1", &["first_is_first"]),
    (
        PACKET_BUFFER,
        "was_malformed_q <= malformed && !in_last_i",
        "was_malformed_q <= malformed",
        &["malformed_counted"],
    ),
    (
        PACKET_BUFFER,
        "was_long_q <= too_long && !in_last_i",
        "was_long_q <= too_long",
        &["long_counted"],
    ),
    (PACKET_BUFFER, "in_last_i ? 2'd0 : total[1:0]", "total[1:0]", &["elements_counted"]),
    (
        PACKET_BUFFER,
        "dropped_malformed_q <= ends && malformed",
        "dropped_malformed_q <= ends && malformed && !too_long",
        &["malformed_is_told", "one_fault_each"],
    ),
    (
        PACKET_BUFFER,
        "ends && too_long && !malformed",
        "ends && too_long",
        &["long_is_told", "one_fault_each"],
    ),
    (
        PACKET_BUFFER,
        "too_short && !malformed && !too_long",
        "too_short",
        &["short_is_told", "one_fault_each"],
    ),
    (PACKET_BUFFER, "begins && !commit", "begins && !ends", &["sequence_counted"]),
    (
        PACKET_BUFFER,
        "if (commit) begin",
        "if (ends) begin",
        &["kept_counted", "wrong_keeps_nothing"],
    ),
    (PACKET_BUFFER, "read_q + 3'd1", "read_q + 3'd2", &["read_counted"]),
    (PACKET_BUFFER, "wrong ? kept_q : next_write", "next_write", &["write_counted"]),
    (PACKET_BUFFER, "in_ready_o = !is_full", "in_ready_o = 1'b1", &["level_in_range"]),
    (PACKET_BUFFER, "== 3'd4", ">= 3'd3", &["ready_if_room"]),
    (
        PACKET_BUFFER,
        "in_ready_o = !is_full",
        "in_ready_o = !is_full && !was_long_q",
        &["dropped_is_taken", "waits_for_others"],
    ),
    (
        PACKET_BUFFER,
        "fetch = (read_q != kept_q) &&",
        "fetch =",
        &["kept_between", "nothing_invented"],
    ),
    (PACKET_BUFFER, "out_valid_o = valid_q", "out_valid_o = 1'b0", &["nothing_lost"]),
    (PACKET_BUFFER, "(!valid_q || pop)", "1'b1", &["out_held"]),
    (PACKET_BUFFER, "empty, begins,", "empty, !begins,", &["in_order", "tracked_in_place"]),
    (PACKET_BUFFER, "out_last_o = front_q[20]", "out_last_o = !front_q[20]", &["packet_is_whole"]),
    (PACKET_BUFFER, "(position_q == 2'd2) ? 2'd2", "1'b0 ? 2'd2", &["position_in_range"]),
    (
        PACKET_BUFFER,
        "before_is_long = (position_q",
        "before_is_long = 1'b0 && (position_q",
        &["tracked_is_framed"],
    ),
    (
        PACKET_BUFFER,
        "number_kept_q <= number_in + 3'd1",
        "number_kept_q <= number_in",
        &["kept_ends_with_last"],
    ),
    (
        PACKET_BUFFER,
        "tracked_place_q <= position_q",
        "tracked_place_q <= 2'd1",
        &["place_counted", "places_follow", "tracked_is_in_place"],
    ),
    (PACKET_BUFFER, "is_left_empty = pop", "is_left_empty = 1'b0 && pop", &["begins_with_none"]),
    (PACKET_BUFFER, "place_out_q + 2'd1", "place_out_q + 2'd2", &["place_in_range"]),
    (
        PACKET_BUFFER,
        "(write_q != read_q) || valid_q",
        "(write_q != read_q)",
        &["holds_what_it_offers"],
    ),
    (PACKET_BUFFER, "packets_q + {2'd0, ends_right}", "{1'b0, packets_q}", &["packets_add_up"]),
    (
        PACKET_BUFFER,
        " : packets_ahead_q) - {2'd0, packet_leaves}",
        " : packets_ahead_q)",
        &["tracked_adds_up"],
    ),
    (JOIN, "count_q + 2'd1", "count_q + 2'd2", &["part_counted"]),
    (JOIN, "(part_q == 2'd2) ? 2'd0", "(part_q == 2'd2) ? 2'd3", &["part_in_range"]),
    (JOIN, "if (push && is_last)", "if (push)", &["one_counted", "one_at_a_time"]),
    (
        JOIN,
        "{in_data_i, data_q[11:4]}",
        "{data_q[7:0], in_data_i}",
        &["in_order", "tracked_in_place"],
    ),
    (JOIN, "out_valid_o = valid_q", "out_valid_o = 1'b1", &["nothing_invented"]),
    (JOIN, "out_valid_o = valid_q", "out_valid_o = 1'b0", &["nothing_lost"]),
    (JOIN, "out_valid_o = valid_q", "out_valid_o = valid_q && !in_valid_i", &["out_held"]),
    (SPLIT, "count_q + 2'd1", "count_q + 2'd2", &["part_counted"]),
    (SPLIT, "(part_q == 2'd2) ? 2'd0", "(part_q == 2'd2) ? 2'd3", &["part_in_range"]),
    (SPLIT, "(part_q == 2'd2) ? 2'd0", "(part_q == 2'd2) ? 2'd1", &["begins_with_first"]),
    (SPLIT, "{4'd0, data_q[11:4]}", "{8'd0, data_q[11:8]}", &["in_order", "tracked_in_place"]),
    (SPLIT, "valid_q <= in_valid_i", "valid_q <= 1'b1", &["one_counted", "nothing_invented"]),
    (SPLIT, "out_valid_o = valid_q", "out_valid_o = valid_q && !is_last", &["nothing_lost"]),
    (
        SPLIT,
        "out_data_o = data_q[3:0]",
        "out_data_o = data_q[3:0] ^ {4{in_valid_i}}",
        &["out_held"],
    ),
    (ARBITER, "(favored & (-favored))", "favored", &["one_at_most"]),
    (ARBITER, "(request_i & (-request_i))", "3'd1", &["only_who_asks", "somebody_if_any"]),
    (ARBITER, "index_0 = grant[1]", "index_0 = grant[0]", &["index_is_granted"]),
    (
        ARBITER,
        "held_q <= advance_i ? 3'd0 : grant",
        "held_q <= 3'd0",
        &["waiting_grant_stays", "held_waited"],
    ),
    (
        ARBITER,
        "behind_q <= ~(grant | (grant - 3'd1))",
        "behind_q <= 3'd0",
        &["others_at_most", "behind_last", "turn_comes_nearer"],
    ),
    (ARBITER, "last_q <= 2'd2", "last_q <= 2'd3", &["last_in_range"]),
    (ARBITER, "advance_i ? 3'd0 : grant;", "advance_i ? 3'd4 : grant;", &["held_before_turn"]),
    (RAM, "<= write_data_i;", "<= ~write_data_i;", &["element_holds_last"]),
    (RAM, "<= data_mem[read_address_i]", "<= data_mem[write_address_i]", &["read_gives_last"]),
    (RAM, "(element < 3'd5)", "(element < 3'd7)", &["element_exists"]),
    (RAM, "read_inside_q ? read_data_q : 3'd0", "read_data_q", &["nothing_beyond"]),
    (RESET, "posedge clk_i or negedge rst_ni", "posedge clk_i", &["begins_at_once"]),
    (RESET, "rst_no = sync_q[1]", "rst_no = sync_q[0]", &["ends_after_stages"]),
    (RESET, "{sync_q[0:0], 1'b1}", "{1'b1, sync_q[0:0]}", &["one_stage_each"]),
    (RESET, "(edges != 4'd2)", "(edges != 4'd4)", &["edges_counted"]),
    (RESET_HIGH, "posedge clk_i or posedge rst_i", "posedge clk_i", &["begins_at_once"]),
    (RESET_HIGH, "rst_o = !sync_q[1]", "rst_o = !sync_q[0]", &["ends_after_stages"]),
    (RESET_HIGH, "{sync_q[0:0], 1'b1}", "{1'b1, sync_q[0:0]}", &["one_stage_each"]),
    (RESET_HIGH, "(edges != 4'd2)", "(edges != 4'd4)", &["edges_counted"]),
    (
        GATE,
        "clk_i && enable_q",
        "clk_i && (enable_i || test_enable_i)",
        &["changes_with_clock", "whole_pulses"],
    ),
    (GATE, "clk_i && enable_q", "enable_q", &["low_with_clock"]),
    (GATE, "enable_q = enable_i || test_enable_i", "enable_q = enable_i", &["as_enabled"]),
    (
        FALLING,
        "clk_i && enable_q",
        "clk_i && (enable_i || test_enable_i)",
        &["changes_with_clock", "whole_pulses"],
    ),
    (FALLING, "clk_i && enable_q", "enable_q", &["low_with_clock"]),
    (
        FALLING,
        "enable_q <= enable_i || test_enable_i",
        "enable_q <= enable_i",
        &["as_enabled", "sample_is_held"],
    ),
    (CELL, "CK && passes", "CK && (E || SE)", &["changes_with_clock", "whole_pulses"]),
    (CELL, "CK && passes", "passes", &["low_with_clock"]),
    (CELL, ".SE(test_enable_i)", ".SE(1'b0)", &["as_enabled"]),
    (BUFFER, "I && passes", "I && CE", &["changes_with_clock", "whole_pulses"]),
    (BUFFER, "I && passes", "passes", &["low_with_clock"]),
    (BUFFER, "enable_i || test_enable_i", "enable_i", &["as_enabled"]),
    (
        GATING,
        "settled_q == 2'd2",
        "settled_q == 2'd3",
        &[
            "gen_core[0].u_core.served_in_time",
            "gen_core[1].u_core.served_in_time",
            "gen_core[0].u_core.settled_in_range",
            "gen_core[1].u_core.settled_in_range",
        ],
    ),
    (
        GATING,
        "enable_q <= wanted;",
        "enable_q <= wanted && !keep_i;",
        &["gen_core[0].u_core.need_wakes", "gen_core[1].u_core.need_wakes"],
    ),
    (
        GATING,
        "enable_q <= wanted;",
        "enable_q <= need;",
        &["gen_core[0].u_core.only_clocks_settle", "gen_core[1].u_core.only_clocks_settle"],
    ),
    (
        GATING,
        "need ? 2'd2 :",
        "need ? 2'd3 :",
        &[
            "gen_core[0].u_core.rest_stops_the_clock",
            "gen_core[1].u_core.rest_stops_the_clock",
            "gen_core[0].u_core.linger_ends",
            "gen_core[1].u_core.linger_ends",
        ],
    ),
    (GATING, "busy = busy_i[core]", "busy = 1'b0", &["busy_runs"]),
    (
        GATING,
        "awake_o = core_awake",
        "awake_o = ~core_awake",
        &["awake_runs", "runs_are_partitioned"],
    ),
    (GATING, "cluster_enable_o = ", "cluster_enable_o = ~", &["cluster_stops_with_its_cores"]),
    (GATING, "cycles_q + 2'd1", "cycles_q + 2'd2", &["cycles_are_partitioned"]),
    (GATING, "is_active = awake_o && works", "is_active = works", &["active_is_counted"]),
    (GATING, "clear_i || enable_o", "clear_i || is_active", &["ran_is_counted"]),
    (GATING, "active_reading_q <= active_now", "active_reading_q <= idle_now", &["active_is_read"]),
    (GATING, "idle_reading_q <= idle_now", "idle_reading_q <= active_now", &["idle_is_read"]),
    (GATING, "cycles_q - ran_now", "cycles_q", &["gated_is_read"]),
];

/// The names of a design's assertions that have some verdict.
fn assertions(proofs: &Proofs, is: impl Fn(&Verdict) -> bool) -> BTreeSet<String> {
    let properties = proofs.properties.iter().filter(|p| !p.is_cover && is(&p.verdict));
    properties.map(|p| p.name.clone()).collect()
}

#[test]
fn every_property_falls_when_it_is_broken() {
    let results: Vec<(&str, BTreeSet<String>)> = SABOTAGE
        .par_iter()
        .map(|(section, from, to, expected)| {
            let (files, top) = sabotaged(section, from, to);
            let files = stating(expected, files);
            let is_refuted = |v: Option<&Verdict>| matches!(v, Some(Verdict::Refuted { .. }));
            let mut proofs = prove_within(SOON, &files, &top);
            if !expected.iter().all(|name| is_refuted(proofs.verdict(name))) {
                proofs = prove(&files, &top);
            }
            let fallen = assertions(&proofs, |v| matches!(v, Verdict::Refuted { .. }));
            for property in *expected {
                assert!(
                    fallen.contains(*property),
                    "{section}: `{to}` for `{from}` breaks {fallen:?}, not `{property}`"
                );
                let example = proofs.counterexamples.iter().find(|e| e.property == *property);
                let example = example.expect("what is refuted has a counterexample");
                assert!(!example.ports.is_empty() && example.waveform.contains("$enddefinitions"));
            }
            (*section, expected.iter().map(|name| name.to_string()).collect())
        })
        .collect();
    let mut fallen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (section, names) in results {
        fallen.entry(section).or_default().extend(names);
    }
    for &section in BLOCKS {
        let proofs = formal::prove(&block(section), &plan(), &cache()).unwrap();
        assert!(proofs.all_good(), "{section}: {proofs:#?}");
        let mut all = assertions(&proofs, |v| matches!(v, Verdict::Proven { .. }));
        // Blocks have bugs of their own; what falls with them inside of another block is enough
        // there.
        let fallen = &fallen[section];
        let is_inside = |name: &str| name.contains(".u_arbiter.") || name.contains(".u_mac.");
        all.retain(|name| !is_inside(name) || fallen.contains(name));
        assert_eq!(all, *fallen, "{section}: each property has a bug that breaks it");
    }
}

/// An assumption that leaves nothing to happen makes every assertion true; the covers tell.
#[test]
fn a_contradictory_assumption_is_noticed() {
    let never = [
        (FIFO, "initial assume", "always @* assume (!in_valid_i);\n  initial assume"),
        (ARBITER, "initial assume", "always @* assume (request_i == 3'd0);\n  initial assume"),
        (RAM, "reg [2:0] element;", "reg [2:0] element;\n  always @* assume (!read_enable_i);"),
        (GATE, "(* gclk *)", "always @* assume (!clk_i);\n  (* gclk *)"),
    ];
    for (section, from, to) in never {
        let (files, top) = sabotaged(section, from, to);
        let proofs = prove(&files, &top);
        let mut covers = proofs.properties.iter().filter(|p| p.is_cover);
        let is_unreached = |p: &formal::Property| {
            let why = format!("not reached within {} cycles", plan().depth);
            p.verdict == Verdict::Unknown { why }
        };
        assert!(covers.all(is_unreached), "{section}: {proofs:#?}");
        assert!(!proofs.all_good());
    }
    let text =
        "always @* assume (in_valid_i);\n  always @* assume (!in_valid_i);\n  initial assume";
    let (files, top) = sabotaged(FIFO, "initial assume", text);
    let proofs = prove(&files, &top);
    let why = "the assumptions contradict each other".to_string();
    assert_eq!(proofs.verdict("in_order"), Some(&Verdict::Unknown { why }));
}

/// What a module assumes of its inputs is for its parent to keep.
#[test]
fn an_assumption_of_an_instance_is_an_assertion_of_its_parent() {
    let child = || {
        let m = ModuleBuilder::new("child");
        let input = m.stream_in("in", &[("data", uint(2))]);
        let sum = m.register("sum", uint(2)).reset(0);
        m.when(input.fire(), || sum.set(input["data"]));
        input.ready.set(sum.bit(0));
        m.output("sum_o", uint(2)).set(sum);
        m.finish().unwrap()
    };
    let parent = |holds: bool| {
        let m = ModuleBuilder::new("parent");
        let child = m.instance("child", &child());
        let offered = m.register("offered", bit()).reset(0);
        let ready = child.output("in_ready_o");
        let wish = m.input("wish_i", bit());
        let waits = offered & !ready;
        offered.set(if holds { wish | waits } else { wish & !waits });
        child.connect("in_valid_i", offered.expr());
        child.connect("in_data_i", m.constant(1, uint(2)));
        m.output("sum_o", uint(2)).set(child.output("sum_o"));
        let files = verilog::emit(&m.finish().unwrap(), &Style::default()).unwrap();
        prove(&files, "parent")
    };
    let name = "u_child.in_held";
    let kept = parent(true);
    assert!(matches!(kept.verdict(name), Some(Verdict::Proven { .. })), "{kept:#?}");
    assert!(matches!(parent(false).verdict(name), Some(Verdict::Refuted { .. })));
}

/// What only a proof of other text needs: no labels, no clock, a module of one's own.
#[test]
fn any_text_can_be_proven() {
    let prove_text = |text: &str| {
        let file = File { module: "miter".to_string(), text: text.to_string() };
        prove(&[file], "miter")
    };
    let miter = |other: &str| {
        format!(
            "module miter (input wire [3:0] a_i, input wire [3:0] b_i);\n\
             always @* assert ((a_i ^ b_i) == ({other}));\nendmodule\n"
        )
    };
    let same = prove_text(&miter("(a_i | b_i) & ~(a_i & b_i)"));
    assert!(same.all_good(), "{same:#?}");
    let different = prove_text(&miter("a_i | b_i"));
    assert_eq!(different.properties[0].name, "miter.v:2");
    assert_eq!(different.properties[0].verdict, Verdict::Refuted { step: 0 });
    let ports = &different.counterexamples[0].ports;
    let value = |name: &str| {
        let (_, values) = ports.iter().find(|(port, _)| port == name).unwrap();
        u8::from_str_radix(&values[0], 16).unwrap()
    };
    assert_ne!(value("a_i") & value("b_i"), 0, "that is where they differ");
}

/// The text is silent with its properties, too.
#[test]
fn properties_are_lint_clean() {
    blocks::REGISTRY.par_iter().flat_map(Configured::all_sizes).for_each(|block| {
        let module = block.elaborate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let files = verilog::emit(&module, &lacuna::tech::style(&block.tech, None)).unwrap();
        let write = |file: &verilog::File| {
            let name = format!("{}.v", file.module);
            std::fs::write(folder.path().join(&name), &file.text).unwrap();
            name
        };
        let names: Vec<String> = files.iter().map(write).collect();
        let run = |tool: &str, arguments: &[&str]| {
            let mut command = std::process::Command::new(tool);
            let output =
                command.args(arguments).args(&names).current_dir(&folder).output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            let (module, settings) = (&module.name, block.settings());
            assert!(output.status.success() && said.is_empty(), "{module} {settings:?}: {said}");
        };
        run("verilator", &["--lint-only", "-Wall", "-DFORMAL", "--top-module", &module.name]);
        run("yosys", &["-q", "-f", "verilog -formal", "-p", "proc; check -assert"]);
    });
}

/// A stream that breaks its contract is told of by the evaluator, too.
#[test]
fn the_evaluator_sees_a_beat_that_is_not_held() {
    let m = ModuleBuilder::new("fickle");
    let output = m.stream_out("out", &[("data", uint(2))]);
    let count = m.register("count", uint(2)).reset(0);
    count.set((count + 1).truncate(2));
    output.valid.set(1);
    output["data"].set(count);
    m.discard(output.ready);
    let module = m.finish().unwrap();
    let mut sim = lacuna::hdl::eval::Evaluator::new(&module).unwrap();
    let ready = sim.port("out_ready_i").unwrap();
    sim.reset();
    sim.set(ready, 1);
    sim.run(3);
    assert_eq!(sim.failures(), []);
    sim.set(ready, 0);
    sim.run(2);
    assert_eq!(sim.failures()[0].property, "out_held");
    // A reset ends the wait.
    let before = sim.failure_count();
    sim.step();
    sim.reset();
    sim.step();
    assert_eq!(sim.failure_count(), before + 1);
}

#[test]
fn contracts_take_free_names_and_no_ports() {
    let m = ModuleBuilder::new("names");
    let output = m.stream_out("out", &[]);
    let held = m.register("out_waited", bit()).reset(0);
    held.set(output.ready);
    output.valid.set(held);
    m.assert("out_held", held | !held);
    let module = m.finish().unwrap();
    let names: Vec<&str> =
        module.logic().unwrap().properties.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["out_held", "out_held_2"]);

    let m = ModuleBuilder::new("wires");
    let (input, output) = (m.stream_in("in", &[]), m.stream_out("out", &[]));
    output.valid.set(input.valid);
    input.ready.set(output.ready);
    let module: Arc<_> = m.finish().unwrap();
    assert!(!module.has_clock && module.logic().unwrap().properties.is_empty());
}

#[test]
fn hardware_has_no_arbitrary_constants() {
    let m = ModuleBuilder::new("wrong");
    let any = m.any_constant("any", uint(4));
    m.assert("same", any.eq(any));
    m.output("any_o", uint(4)).set(any);
    let errors = m.finish().unwrap_err().to_string();
    assert!(errors.contains("`any` is an arbitrary constant for properties"), "{errors}");
}

#[test]
fn arbitrary_constants_stay_what_they_are() {
    let m = ModuleBuilder::new("constant");
    let any = m.any_constant("any", uint(64));
    let before = m.delayed("before", any);
    let begun = m.register("begun", bit()).reset(0);
    begun.set(1);
    m.assert("same", !begun | before.eq(any));
    m.output("begun_o", bit()).set(begun);
    let module = m.finish().unwrap();
    let mut sim = lacuna::hdl::eval::Evaluator::new(&module).unwrap();
    sim.randomize(7);
    sim.reset();
    let value = sim.peek("any").unwrap();
    sim.run(5);
    assert_eq!((sim.peek("any").unwrap(), sim.failure_count()), (value, 0));
    let files = verilog::emit(&module, &Style::default()).unwrap();
    let (hardware, formal) = files[0].text.split_once("`ifdef FORMAL").unwrap();
    assert!(formal.contains("any_q <= any_q") && !hardware.contains("any_q"), "{}", files[0].text);
}

/// The smallest accelerator there is: its registers are behind the same AXI4-Lite as any other's.
const ACCELERATOR: &str = "[accelerator]\nlanes = 2\nclusters = 1\nelements = 2\nlayers = 2\n\
    longest = 4\nwords = 16\nactivation_bits = 4\nnarrowest = 4\ngate = false\n";

/// AXI4-Lite: each access is answered once, and a response stays until it is taken.
#[test]
fn accesses_of_axi_lite_are_answered_once_and_responses_are_held() {
    const TOP: &str = "accelerator_registers";
    let bugs: [(&str, &str, &[&str]); 5] = [
        (
            "assign s_axil_w_ready_o = write_moves",
            "assign s_axil_w_ready_o = write_there",
            &["address_with_data"],
        ),
        (
            "write_answered_d = 1'b1",
            "write_answered_d = write_accepted",
            &["each_write_is_answered"],
        ),
        ("read_answered_d = 1'b1", "read_answered_d = read_known", &["each_read_is_answered"]),
        (
            "if (write_moves) begin\n      b_resp_q",
            "if (write_there) begin\n      b_resp_q",
            &["s_axil_b_held"],
        ),
        (
            "if (read_moves) begin\n      r_resp_q",
            "if (s_axil_ar_valid_i) begin\n      r_resp_q",
            &["s_axil_r_held"],
        ),
    ];
    let (files, _) = formal::files(&block(ACCELERATOR)).unwrap();
    let proofs = prove(&files, TOP);
    assert!(proofs.all_good(), "{proofs:#?}");
    let mut all = assertions(&proofs, |verdict| matches!(verdict, Verdict::Proven { .. }));
    for (from, to, names) in bugs {
        let mut files = files.clone();
        let file = files.iter_mut().find(|file| file.module == TOP).expect("it is there");
        assert!(file.text.contains(from), "there is no `{from}` in\n{}", file.text);
        file.text = file.text.replacen(from, to, 1);
        let proofs = prove(&files, TOP);
        for name in names {
            let verdict = proofs.verdict(name);
            assert!(matches!(verdict, Some(Verdict::Refuted { .. })), "{name}: {verdict:?}");
            all.remove(*name);
        }
    }
    assert!(all.is_empty(), "no bug breaks {all:?}");
}

/// What a module promises to its surroundings if they keep their part, and nothing else: its outputs
/// are whatever it pleases.
fn contract(module: &Arc<Module>) -> File {
    let files = verilog::emit(&module.with_contracts_alone(), &Style::default()).unwrap();
    let file = files.into_iter().find(|file| file.module == module.name).expect("it is there");
    let (ports, rest) = file.text.split_once("\n);\n").expect("its ports end somewhere");
    let (_, properties) = rest.split_once("`ifdef FORMAL").expect("it has a contract");
    let promise = |line: &str| match line.split_once(": assert (") {
        // With a name it would be asserted, as what an inner module assumes is.
        Some((_, condition)) => format!("assume ({condition}\n"),
        None => format!("{line}\n"),
    };
    let promised = properties.replace(":\n          assert", ": assert");
    let promised: String = promised.lines().map(promise).collect();
    File { module: file.module, text: format!("{ports}\n);\n`ifdef FORMAL{promised}") }
}

/// AXI4-Stream, and what the accelerator owes to its engine and its packet buffer, which promise their
/// contracts alone here: packets go in and come out under the rules of handshakes, and settings stay
/// while anything is under way. That a load is taken where the engine rests is in no contract.
#[test]
fn packets_of_axi_stream_are_held_and_settings_rest() {
    const LOADS: [&str; 2] = ["loads_are_taken", "load_held"];
    let bugs: [(&str, &str, &str); 5] = [
        (
            "assign m_axis_valid_o = engine_out_valid",
            "assign m_axis_valid_o = engine_out_valid && packets_in_ready",
            "m_axis_held",
        ),
        (
            "may_enter = enters_q || !registers_pending",
            "may_enter = !registers_pending",
            "u_engine.in_held",
        ),
        ("open = receives_q || !engine_loading", "open = !engine_busy", "u_packets.in_held"),
        (
            "rests = !engine_busy && !packet_enters",
            "rests = !packet_enters",
            "u_engine.settings_rest",
        ),
        (
            "is_busy = engine_busy || packets_holds || packet_arrives || receives_q",
            "is_busy = packets_holds || packet_arrives || receives_q",
            "u_engine.settings_rest",
        ),
    ];
    let block = block(ACCELERATOR);
    let module = block.elaborate().unwrap();
    let inner = |part: &str| {
        let mut instances = module.logic().unwrap().instances.iter();
        let name = format!("accelerator_{part}");
        &instances.find(|instance| instance.module.name == name).expect("it is inside").module
    };
    let parts = [contract(inner("engine")), contract(inner("packets"))];
    let (files, top) = formal::files(&block).unwrap();
    let is_inside =
        |file: &File| parts.iter().any(|part| file.module.starts_with(part.module.as_str()));
    let files = files.into_iter().filter(|file| !is_inside(file)).chain(parts.clone());
    let files: Vec<File> =
        files.map(|file| filtered(file, |label, _| !LOADS.contains(&label))).collect();

    let proofs = prove(&files, &top);
    assert!(proofs.all_good(), "{proofs:#?}");
    bugs.par_iter().for_each(|(from, to, name)| {
        let mut files = files.clone();
        let file = files.iter_mut().find(|file| file.module == top).expect("it is there");
        assert!(file.text.contains(from), "there is no `{from}` in\n{}", file.text);
        file.text = file.text.replacen(from, to, 1);
        let proofs = prove_within(SOON, &stating(&[name], files), &top);
        let verdict = proofs.verdict(name);
        assert!(matches!(verdict, Some(Verdict::Refuted { .. })), "{name}: {verdict:?}");
    });
}
