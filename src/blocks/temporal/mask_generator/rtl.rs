//! The hardware of the mask generator: scores, gathering, the array, and the way out.

use std::sync::Arc;

use super::cell::{self, Sizes};
use super::properties::{self, State};
use super::score::{self, Elements, Scored};
use super::{MaskGenerator, MaskGeneratorParameters};
use crate::blocks::Block;
use crate::blocks::temporal::vector;
use crate::hdl::{
    Errors, Expr, Field, Module, ModuleBuilder, Signal, StreamOut, bit, concat, index_width, uint,
};

pub(super) fn describe(name: &str, p: &MaskGeneratorParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    let sizes = Sizes::of(p);
    document(&m, p, &sizes);
    let input = m.stream_in("in", &input_fields(p));
    let output = m.stream_out("out", &[("mask", uint(p.lanes)), ("last", bit())]);

    let beat = score::beat(&m, name, p, &sizes, &input)?;
    let entry = match beat.position {
        None => whole(&m, &beat),
        Some(position) => gather(&m, &sizes, &beat, position),
    };
    let cells = m.array("cell", &[("stage", sizes.cells)], &cell::cell(name, &sizes)?);
    cells.chain("valid_i", "valid_o", "stage", &[entry.valid]);
    cells.chain("tied_i", "tied_o", "stage", &[entry.group.tied]);
    cells.chain("digit_i", "digit_o", "stage", &[entry.group.digits]);
    if let Some(lower) = entry.group.lower {
        cells.chain("lower_i", "lower_o", "stage", &[lower]);
        cells.each("remains_i", &sizes.remaining());
    }
    cells.chain("keep_i", "keep_o", "stage", &[entry.keep]);
    cells.chain("tag_i", "tag_o", "stage", &[entry.tag]);
    if sizes.steps > 1 {
        cells.chain("number_i", "number_o", "stage", &[0]);
    }
    cells.each("last_number_i", &sizes.last_digits());
    let ready = m.wire("out_stage_ready", bit());
    cells.chain_back("ready_i", "ready_o", "stage", &[ready.expr()]);
    entry.ready.set(cells.first("ready_o", "stage")[0]);

    let leaves = Decided {
        valid: cells.last("valid_o", "stage")[0],
        mask: cells.last("survives_o", "stage")[0],
        tag: cells.last("tag_o", "stage")[0],
        ready,
    };
    let behind = emit(&m, &sizes, &leaves, &output);
    let state = State {
        entry: (entry.valid, entry.tag),
        exit_ready: ready.expr(),
        before: entry.beats + beat.waiting,
        behind,
    };
    properties::array(&m, &sizes, &cells, (&input, &output), &state);
    m.finish()
}

fn document(m: &ModuleBuilder, p: &MaskGeneratorParameters, s: &Sizes) {
    m.doc(format!(
        "{}\n\n\
         The elements with a score above the threshold and, of each group, the {} with the highest \
         score, bonus included; ties go to the lower index. An array of cells finds the key of the \
         last survivor, which is a score and below it the index counted from the other end, {} at a \
         time. `in_ready_o` follows `out_ready_i` without a register between.\n\n\
         One beat per cycle{}. {}",
        MaskGenerator::SUMMARY,
        "`keep`",
        if p.digit == 1 { "a bit".to_string() } else { format!("{} bits", p.digit) },
        if s.beats > 1 { "; a group at the end that is shorter takes the time of a whole one" } else { "" },
        if s.beats > 1 {
            "`keep`, `threshold` and `bonus` count in the first beat of a group."
        } else {
            "`keep`, `threshold` and `bonus` count for all groups of a beat."
        },
    ));
    m.parameter("width", p.width);
    m.parameter("signed", p.signed);
    m.parameter("lanes", p.lanes);
    m.parameter("group", p.group);
    m.parameter("change", p.change);
    m.parameter("norm", p.norm);
    m.parameter("digit", p.digit);
    if s.beats == 1 {
        m.timing(s.cells + 1 + u32::from(p.norm), 1);
    }
}

fn input_fields(p: &MaskGeneratorParameters) -> Vec<Field<'static>> {
    let score = uint(score::score_width(p));
    let mut fields = vec![("data", uint(p.lanes * p.width))];
    if p.change {
        fields.push(("reference", uint(p.lanes * p.width)));
    }
    if p.norm {
        fields.push(("norm", uint(p.lanes * score::NORM_WIDTH)));
    }
    fields.push(("previous", uint(p.lanes)));
    if p.change || p.norm {
        fields.push(("source", uint(2)));
    }
    fields.push(("keep", uint(index_width(p.group + 1))));
    fields.extend([("threshold", score), ("bonus", score)]);
    fields.extend(vector::framing(p.lanes));
    fields
}

/// A group on its way into the array.
struct Entry<'m> {
    valid: Expr<'m>,
    ready: Signal<'m>,
    group: Elements<'m>,
    keep: Expr<'m>,
    tag: Expr<'m>,
    /// How many beats are gathered.
    beats: Expr<'m>,
}

/// Groups on their way out of the array.
struct Decided<'m> {
    valid: Expr<'m>,
    mask: Expr<'m>,
    tag: Expr<'m>,
    ready: Signal<'m>,
}

/// A beat that holds whole groups goes into the array at once.
fn whole<'m>(m: &'m ModuleBuilder, beat: &Scored<'m>) -> Entry<'m> {
    Entry {
        valid: beat.valid,
        ready: beat.ready,
        group: beat.elements,
        keep: beat.keep,
        tag: beat.last,
        beats: m.constant(0, bit()),
    }
}

/// Beats are shifted in from the top until their group is complete. One that is shorter ends up at
/// the top as well, and takes along with which beat of a whole one it begins.
fn gather<'m>(m: &'m ModuleBuilder, s: &Sizes, beat: &Scored<'m>, position: Expr<'m>) -> Entry<'m> {
    let ready = m.wire("first_cell_ready", bit());
    let complete = m.register("complete", bit()).reset(0);
    let free = (!complete | ready).named("gather_ready");
    beat.ready.set(free);
    let take = (beat.valid & free).named("take");
    let at_end = (position.eq(s.beats - 1) | beat.last).named("completes");
    m.when(free, || complete.set(beat.valid & at_end));

    let begins = position.eq(0).named("begins");
    // What is left of the group before takes no part.
    let shifted = |what: &str, value: Expr<'m>, cleared: bool| {
        let gathered = m.register(format!("gathered_{what}"), uint(s.beats * value.width()));
        let rest = gathered.expr().slice(value.width(), (s.beats - 1) * value.width());
        let rest = if cleared { begins.mux(0, rest) } else { rest };
        m.when(take, || gathered.set(concat(m, &[value, rest.named(&format!("{what}_so_far"))])));
        gathered.expr()
    };
    let group = Elements {
        tied: shifted("tied", beat.elements.tied, true),
        digits: shifted("digits", beat.elements.digits, true),
        lower: beat.elements.lower.map(|lower| shifted("lower", lower, false)),
    };
    let (begin, last) =
        (m.register("begin", uint(index_width(s.beats))), m.register("last", bit()));
    let keep = m.register("keep", beat.keep.ty());
    m.when(take, || {
        begin.set((m.constant(s.beats - 1, begin.ty()) - position).wrap(begin.ty()));
        last.set(beat.last);
    });
    m.when(take & begins, || keep.set(beat.keep));
    let tag = concat(m, &[begin.expr(), last.expr()]);
    let gathered = beat.gathered.unwrap_or(position);
    properties::in_range(m, s, "begin", complete.expr(), begin.expr());
    properties::gathered(m, s, (complete.expr(), gathered), &group);
    let beats = complete.expr().mux(s.beats_of(m, tag), gathered).named("gathered");
    Entry { valid: complete.expr(), ready, group, keep: keep.expr(), tag, beats }
}

/// The masks leave as their beats came.
/// Gives how many beats are on their way.
fn emit<'m>(
    m: &'m ModuleBuilder,
    s: &Sizes,
    from: &Decided<'m>,
    output: &StreamOut<'m>,
) -> Expr<'m> {
    let valid = m.register("valid", bit()).reset(0);
    let mask = m.register("mask", from.mask.ty());
    let last = m.register("ends_vector", bit());
    let position = (s.beats > 1).then(|| m.register("out_position", uint(index_width(s.beats))));
    let at_end = match position {
        Some(position) => position.eq(s.beats - 1).named("is_last_beat"),
        None => m.constant(1, bit()),
    };
    let free = (!valid | (output.ready & at_end)).named("out_free");
    from.ready.set(free);
    m.when(free, || valid.set(from.valid));
    let load = (free & from.valid).named("load");
    m.when(load, || {
        mask.set(from.mask);
        last.set(from.tag.bit(0));
    });
    output.valid.set(valid);
    output["last"].set(last & at_end);
    let Some(position) = position else {
        output["mask"].set(mask);
        return valid.expr();
    };
    let begin = from.tag.slice(1, position.width());
    let next = (position + 1).truncate(position.width());
    m.when(load, || position.set(begin)).or_when(valid & output.ready, || position.set(next));
    output["mask"].set(position.expr().select(&mask.expr().elements(uint(s.lanes))));
    properties::in_range(m, s, "out_position", valid.expr(), position.expr());
    let left = s.beats_of(m, concat(m, &[position.expr(), last.expr()]));
    valid.expr().mux(left, 0)
}
