//! Tests of what a failure leaves behind: report, waveform, a file to replay it.

use clap::Parser;
use wellen::simple;

use super::*;
use crate::cosim::verilator::Toolchain;
use crate::eda::Cache;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    cosim: Cosim,
}

fn workshop() -> Workshop {
    let toolchain = Toolchain::find().unwrap_or_else(|error| panic!("{error}"));
    Workshop { toolchain, cache: Cache::user().unwrap_or_else(|error| panic!("{error}")) }
}

#[test]
fn a_failure_leaves_a_report_a_waveform_and_a_case_that_fails_again() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("made").display().to_string();
    let line = ["cosim", "fifo", "--set", "depth=5", "--set", "width=8", "--output", &output];
    let cosim = Line::parse_from(line).cosim;
    let (workshop, plan) = (workshop(), cosim.plan().map_err(|failure| failure.text()).unwrap());
    let broken = |mut subject: Subject| {
        let file = &mut subject.files[0].text;
        assert!(file.contains("in_ready_o = level_q != 3'd5"));
        *file = file.replace("in_ready_o = level_q != 3'd5", "in_ready_o = level_q != 3'd6");
        subject
    };
    let (subjects, _) = cosim.subjects(&plan).map_err(|failure| failure.text()).unwrap();
    let subject = broken(subjects.into_iter().next().unwrap());
    let bar = ProgressBar::hidden();
    let row = cosim
        .simulate(subject, &plan, None, &workshop, &bar)
        .map_err(|failure| failure.text())
        .unwrap();
    let (waveform, case) = (row.waveform.clone().unwrap(), row.case.clone().unwrap());
    let report = table::report(&[row], &plan, &workshop);
    assert!(!report.passed);
    for words in [
        "error[E0401]: rtl disagrees with the golden model",
        "block fifo, scenario random/0, seed 0x5eed0000",
        "with width=8, depth=5",
        "reproduce: lacuna cosim fifo --set width=8 --set depth=5 --scenario random/0 --seed \
         0x5eed0000 --wave",
        "fifo.width-8.depth-5.random-0.fst",
        "beats held while nothing is taken: model 5, rtl 6",
        "replay: lacuna cosim --scenario",
        "1 module, 48 scenarios",
    ] {
        assert!(report.text.contains(words), "{words}:\n{}", report.text);
    }

    // The file alone says all that it takes to see the failure again.
    let case = case.display().to_string();
    let again = Line::parse_from(["cosim", "--scenario", &case]).cosim;
    let (subjects, replayed) = again.subjects(&plan).map_err(|failure| failure.text()).unwrap();
    let subject = broken(subjects.into_iter().next().unwrap());
    let replayed = replayed.unwrap();
    assert!(replayed.stimulus.inputs[0].len() <= 6, "{replayed:?}");
    let again = Line::parse_from(["cosim", "--scenario", &case, "--output", &output]).cosim;
    let row = again.simulate(subject, &plan, Some(&replayed), &workshop, &bar);
    assert_eq!(row.map_err(|failure| failure.text()).unwrap().outcome.failed, 1);

    // Without a place for files there is a report all the same.
    let nowhere = Line::parse_from(["cosim", "--scenario", &case, "--output", &case]).cosim;
    let (subjects, _) = nowhere.subjects(&plan).map_err(|failure| failure.text()).unwrap();
    let subject = broken(subjects.into_iter().next().unwrap());
    let row = nowhere.simulate(subject, &plan, Some(&replayed), &workshop, &bar);
    let report = table::report(&[row.map_err(|failure| failure.text()).unwrap()], &plan, &workshop);
    assert!(report.text.contains("rtl disagrees with the golden model"), "{}", report.text);
    assert!(report.text.contains("no waveform: error[E0115]: cannot write"), "{}", report.text);

    // The waveform shows the level that must not be.
    let mut wave = simple::read(&waveform).unwrap();
    let level = wave.hierarchy().lookup_var(&["TOP", "fifo"], "level_q");
    let level = level.or_else(|| wave.hierarchy().lookup_var(&["TOP"], "level_q"));
    let level = wave.hierarchy()[level.expect("the level is in the waveform")].signal_ref();
    wave.load_signals(&[level]);
    let levels: Vec<String> = wave
        .get_signal(level)
        .unwrap()
        .iter_changes()
        .map(|(_, value)| value.to_bit_string().unwrap_or_default())
        .collect();
    assert!(levels.contains(&"110".to_string()), "{levels:?}");
}
