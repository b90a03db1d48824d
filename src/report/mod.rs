//! A page about trials: self-contained HTML with plots in SVG.

mod plot;

use minijinja::{Environment, UndefinedBehavior, context};

use crate::blocks::engine::layer_engine::LayerEngineParameters;
use crate::system::driver::Cycles;
use crate::system::trial::{Series, Trial};

/// What a page is about.
pub struct Page<'a> {
    /// The command that makes it.
    pub command: &'a str,
    /// The engine that the trials ran in.
    pub engine: &'a LayerEngineParameters,
    /// The trials of the table; the last is what the others are beside.
    pub trials: &'a [Trial],
    /// What coherence is good for.
    pub series: &'a [Series],
    /// What a simulator said of the last trial.
    pub verdict: Option<&'a str>,
    /// What the clock of each cluster did in it.
    pub clusters: &'a [Cycles],
    /// What the accelerator costs, a line for each target that it was synthesised for.
    pub area: &'a [String],
}

impl Page<'_> {
    /// The page as text.
    ///
    /// # Panics
    /// If there is no trial.
    pub fn html(&self) -> String {
        let last = self.trials.last().expect("a page is about trials");
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // `.html` has the engine escape what comes from outside.
        environment
            .add_template("report.html", include_str!("report.html"))
            .expect("the template is well-formed");
        let template = environment.get_template("report.html").expect("it was just added");
        let rows: Vec<Vec<String>> = self.trials.iter().map(|trial| self.row(trial)).collect();
        let page = template.render(context! {
            command => self.command,
            slots => self.engine.clusters * self.engine.elements,
            sequences => last.sequences,
            vectors => last.run.results.len(),
            rows,
            verdict => self.verdict,
            work => self.work(),
            cycles => plot::cycles(self.trials),
            levels => plot::levels(last),
            coherence => plot::coherence(last),
            area => self.area.to_vec(),
            activity => (!self.clusters.is_empty()).then(|| plot::activity(self.clusters)),
        });
        page.expect("the template asks for what it is given")
    }

    /// Accuracy against work as a picture, SVG; nothing if the data have no labels.
    pub fn work(&self) -> Option<String> {
        plot::work(self.trials, self.series)
    }

    /// The cells of a row of the table.
    fn row(&self, trial: &Trial) -> Vec<String> {
        let dash = || "–".to_string();
        let of_vector = trial.run.cycles as f64 / trial.run.results.len().max(1) as f64;
        vec![
            trial.name.clone(),
            trial.accuracy().map_or_else(dash, |a| format!("{:.2} %", 100.0 * a)),
            trial.errors.map_or_else(dash, |errors| errors.to_string()),
            trial.executed().to_string(),
            format!("{:.2}x", trial.ratio()),
            trial.run.cycles.to_string(),
            format!("{of_vector:.1}"),
            format!("{:.3}", trial.run.utilisation(self.engine, &trial.network)),
        ]
    }
}
