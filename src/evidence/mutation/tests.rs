//! Tests of the parts; what comes of whole blocks is in `tests/mutation.rs`.

use rayon::prelude::*;

use super::*;
use crate::blocks::find;

#[test]
fn tmp_all() {
    let workshop = Workshop::find().unwrap();
    let names = std::env::var("B").unwrap();
    for name in names.split(',') {
        let t = std::time::Instant::now();
        let subject = Subject::of(&Configured::defaults(find(name).unwrap())).unwrap();
        let netlist =
            Netlist::of(&subject, std::env::var("N").unwrap().parse().unwrap(), 1, &workshop.cache)
                .unwrap();
        let rig = rig(&subject, &netlist, &workshop).unwrap();
        let plan = Plan::default();
        let cases: Vec<Case> = plan
            .scenarios(&subject)
            .iter()
            .flat_map(|s| s.cases(&subject, plan.beats, plan.seed))
            .collect();
        let killed: Vec<&Mutant> = netlist
            .mutants
            .par_iter()
            .filter(|m| {
                killer(&subject, &rig.tie(SELECTOR, selected(&netlist, m.number)), &cases).is_some()
            })
            .collect();
        let (proven, others) = prove(&subject, &netlist, &killed).unwrap();
        println!("{name}: {} killed, {} proven, {:?}", killed.len(), proven.len(), t.elapsed());
        for m in &proven {
            println!(
                "  WRONG {}:{} {} | {} {:?}",
                m.file,
                m.line,
                m.text,
                m.change,
                killer(&subject, &rig.tie(SELECTOR, selected(&netlist, m.number)), &cases)
            );
        }
        let _ = others;
    }
}
