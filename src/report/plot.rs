//! Plots, as text of SVG.

use std::fmt::Write;

use crate::system::driver::Cycles;
use crate::system::trial::{Series, Trial};

/// Sizes in units of the drawing.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 24.0;
const BOTTOM: f64 = 40.0;

/// Colours that are told apart in print and by most eyes (Okabe and Ito, 2008).
const COLOURS: [&str; 5] = ["#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73"];

/// A drawing of a height, from its elements.
fn svg(height: f64, elements: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         style=\"font: 12px sans-serif; background: white\">{elements}</svg>\n"
    )
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
}

fn line(out: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let _ = write!(
        out,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn bar(out: &mut String, (x, y): (f64, f64), width: f64, colour: &str) {
    let _ = write!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"18\" fill=\"{colour}\"/>"
    );
}

/// Accuracy against the work that is left, in powers of two; nothing if the data have no labels. What
/// is below 80 % stands at the edge.
pub(super) fn work(trials: &[Trial], series: &[Series]) -> Option<String> {
    let point = |trial: &Trial| Some((trial.ratio(), 100.0 * trial.accuracy()?));
    let named: Vec<(&str, Vec<(f64, f64)>)> = series
        .iter()
        .map(|series| Some((series.name, series.trials.iter().map(point).collect::<Option<_>>()?)))
        .collect::<Option<_>>()?;
    let alone: Vec<(f64, f64)> = trials.iter().map(point).collect::<Option<_>>()?;
    let all = || named.iter().flat_map(|(_, points)| points).chain(&alone);
    let most = all().map(|(ratio, _)| *ratio).fold(2.0, f64::max).log2().ceil();
    let least = all().map(|(_, accuracy)| *accuracy).fold(100.0, f64::min).max(80.0);
    let (low, high) = ((least / 2.0).floor() * 2.0, 100.0);
    let at = |(ratio, accuracy): (f64, f64)| {
        let x = LEFT + (WIDTH - LEFT - RIGHT) * ratio.max(1.0).log2() / most;
        let share = (accuracy.max(low) - low) / (high - low);
        (x, 10.0 + (HEIGHT - BOTTOM - 10.0) * (1.0 - share))
    };
    let mut out = String::new();
    for power in 0..=most as i32 {
        let ratio = f64::from(power).exp2();
        let ((x, bottom), (_, top)) = (at((ratio, low)), at((ratio, high)));
        line(&mut out, (x, bottom), (x, top), "#ddd");
        text(&mut out, (x, bottom + 16.0), "middle", &format!("{ratio:.0}x"));
    }
    let mut tick = low;
    while tick <= high {
        let ((left, y), (right, _)) = (at((1.0, tick)), at((most.exp2(), tick)));
        line(&mut out, (left, y), (right, y), "#ddd");
        text(&mut out, (left - 6.0, y + 4.0), "end", &format!("{tick:.0} %"));
        tick += 2.0;
    }
    let middle = (LEFT + WIDTH) / 2.0;
    text(&mut out, (middle, HEIGHT - 6.0), "middle", "fewer MACs than a dense execution");
    for (number, (name, points)) in named.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let path: Vec<String> =
            points.iter().map(|&point| at(point)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let path = path.join(" ");
        let _ = write!(out, "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\"/>");
        for &(ratio, accuracy) in points {
            let (x, y) = at((ratio, accuracy));
            let _ = write!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\">\
                 <title>{name}: {ratio:.2}x, {accuracy:.2} %</title></circle>"
            );
        }
        let y = HEIGHT - BOTTOM - 86.0 + 16.0 * number as f64;
        line(&mut out, (LEFT + 10.0, y - 4.0), (LEFT + 30.0, y - 4.0), colour);
        text(&mut out, (LEFT + 36.0, y), "start", name);
    }
    for (trial, &point) in trials.iter().zip(&alone) {
        let (x, y) = at(point);
        let _ = write!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" fill=\"black\"/>",
            x - 4.0,
            y - 4.0
        );
        text(&mut out, (x + 6.0, y - 6.0), "start", &trial.name);
    }
    Some(svg(HEIGHT, &out))
}

/// What the cycles of each trial were spent on, per vector.
pub(super) fn cycles(trials: &[Trial]) -> String {
    let mut out = String::new();
    let of_vector =
        |trial: &Trial, cycles: u64| cycles as f64 / trial.run.results.len().max(1) as f64;
    let most = trials.iter().map(|trial| of_vector(trial, trial.run.cycles)).fold(1.0, f64::max);
    let (left, scale) = (130.0, (WIDTH - 200.0) / most);
    for (number, trial) in trials.iter().enumerate() {
        let y = 10.0 + 26.0 * number as f64;
        let rest = trial.run.cycles.saturating_sub(trial.run.working + trial.run.waiting);
        let mut x = left;
        text(&mut out, (left - 8.0, y + 13.0), "end", &trial.name);
        let parts = [trial.run.working, trial.run.waiting, rest];
        for (cycles, colour) in parts.into_iter().zip([COLOURS[0], COLOURS[3], "#ccc"]) {
            let width = of_vector(trial, cycles) * scale;
            bar(&mut out, (x, y), width, colour);
            x += width;
        }
        let cycles = format!("{:.1}", of_vector(trial, trial.run.cycles));
        text(&mut out, (x + 6.0, y + 13.0), "start", &cycles);
    }
    let y = 10.0 + 26.0 * trials.len() as f64;
    let words = ["on survivors", "until sums were read", "until there was a survivor"];
    for (number, (words, colour)) in
        words.into_iter().zip([COLOURS[0], COLOURS[3], "#ccc"]).enumerate()
    {
        let x = left + 190.0 * number as f64;
        bar(&mut out, (x, y), 18.0, colour);
        text(&mut out, (x + 24.0, y + 13.0), "start", words);
    }
    svg(y + 30.0, &out)
}

/// How often each layer of a trial had which level.
pub(super) fn levels(trial: &Trial) -> String {
    let mut out = String::new();
    let scale = WIDTH - 200.0;
    for (layer, counts) in trial.run.levels.iter().enumerate() {
        let y = 10.0 + 26.0 * layer as f64;
        text(&mut out, (122.0, y + 13.0), "end", &format!("layer {layer}"));
        let all = counts.iter().sum::<u64>().max(1) as f64;
        let mut x = 130.0;
        for (level, &count) in counts.iter().enumerate() {
            let width = scale * count as f64 / all;
            bar(&mut out, (x, y), width, COLOURS[level % 4]);
            if width > 60.0 {
                let share = format!("level {level}: {:.0} %", 100.0 * count as f64 / all);
                let _ = write!(
                    out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"white\">{share}</text>",
                    x + 6.0,
                    y + 13.0
                );
            }
            x += width;
        }
    }
    svg(20.0 + 26.0 * trial.run.levels.len() as f64, &out)
}

/// The share of coherent vectors of each layer, by their position in a sequence.
pub(super) fn coherence(trial: &Trial) -> String {
    let coherence = &trial.run.coherence;
    let begun = coherence.first().and_then(|layer| layer.first()).map_or(0, |first| first.1);
    // Beyond, a share would be that of a handful.
    let is_common = |&&(_, all): &&(u64, u64)| 10 * all >= begun.max(1);
    let positions = coherence.iter().map(|layer| layer.iter().take_while(is_common).count());
    let positions = positions.max().unwrap_or(0).max(2);
    let height = 240.0;
    let at = |position: usize, share: f64| {
        let x = LEFT + (WIDTH - LEFT - RIGHT) * position as f64 / (positions - 1) as f64;
        (x, 10.0 + (height - BOTTOM - 10.0) * (1.0 - share))
    };
    let mut out = String::new();
    for tick in 0..=4 {
        let share = f64::from(tick) / 4.0;
        let ((left, y), (right, _)) = (at(0, share), at(positions - 1, share));
        line(&mut out, (left, y), (right, y), "#ddd");
        text(&mut out, (left - 6.0, y + 4.0), "end", &format!("{:.0} %", 100.0 * share));
    }
    for position in (0..positions).step_by(positions.div_ceil(12)) {
        let (x, y) = at(position, 0.0);
        text(&mut out, (x, y + 16.0), "middle", &position.to_string());
    }
    let middle = (LEFT + WIDTH) / 2.0;
    text(&mut out, (middle, height - 6.0), "middle", "position in the sequence");
    for (number, layer) in coherence.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let share = |&(coherent, all): &(u64, u64)| coherent as f64 / all.max(1) as f64;
        let shares = layer.iter().take_while(is_common).map(share).enumerate();
        let points = shares.map(|(position, share)| at(position, share));
        let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        let _ = write!(out, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\"/>");
        let x = LEFT + 10.0 + 90.0 * number as f64;
        line(&mut out, (x, 18.0), (x + 20.0, 18.0), colour);
        text(&mut out, (x + 26.0, 22.0), "start", &format!("layer {number}"));
    }
    svg(height, &out)
}

/// What the clocks of clusters did.
pub(super) fn activity(clusters: &[Cycles]) -> String {
    let mut out = String::new();
    let scale = WIDTH - 200.0;
    let parts = |cycles: &Cycles| {
        [("active", cycles.active), ("idle", cycles.idle), ("gated", cycles.gated)]
    };
    let colours = [COLOURS[0], COLOURS[3], "#ccc"];
    for (number, cycles) in clusters.iter().enumerate() {
        let y = 10.0 + 26.0 * number as f64;
        text(&mut out, (122.0, y + 13.0), "end", &format!("cluster {number}"));
        let all = parts(cycles).iter().map(|(_, count)| f64::from(*count)).sum::<f64>().max(1.0);
        let mut x = 130.0;
        for ((_, count), colour) in parts(cycles).into_iter().zip(colours) {
            let width = scale * f64::from(count) / all;
            bar(&mut out, (x, y), width, colour);
            if width > 40.0 {
                let share = format!("{:.0} %", 100.0 * f64::from(count) / all);
                text(&mut out, (x + 6.0, y + 13.0), "start", &share);
            }
            x += width;
        }
    }
    let y = 10.0 + 26.0 * clusters.len() as f64;
    for (number, (words, colour)) in
        ["active", "idle", "gated"].into_iter().zip(colours).enumerate()
    {
        let x = 130.0 + 190.0 * number as f64;
        bar(&mut out, (x, y), 18.0, colour);
        text(&mut out, (x + 24.0, y + 13.0), "start", words);
    }
    svg(y + 30.0, &out)
}
