//! What a path makes of vectors, in plain integers: for golden models of what has a path inside.

use super::TemporalPathParameters;
use crate::blocks::temporal::coherence_metric::{Metric, band_of};
use crate::blocks::temporal::delta::{Estimates, Mode};
use crate::blocks::temporal::mask_generator::survivors;
use crate::blocks::temporal::sparsity_control::{Control, Settings, Whose};

/// What stands at the plain inputs for a layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerSettings {
    /// The code of the metric.
    pub metric: u64,
    pub thresholds: Vec<u64>,
    pub hysteresis: u64,
    /// Survivors of a group, for each level.
    pub keeps: Vec<u64>,
    /// What a score has to exceed, for each level.
    pub score_thresholds: Vec<u64>,
    /// Vectors that use a level at least.
    pub dwell: u32,
    /// The level that is ordered, if one is.
    pub ordered: Option<usize>,
}

impl LayerSettings {
    fn metric(&self, metrics: &[Metric]) -> Metric {
        let known = metrics.iter().find(|&&metric| metric as u64 == self.metric);
        *known.unwrap_or(&metrics[0])
    }

    fn of_levels(&self) -> Settings {
        Settings {
            keeps: self.keeps.clone(),
            thresholds: self.score_thresholds.clone(),
            dwell: self.dwell,
            ordered: self.ordered,
        }
    }
}

/// A layer, and what is known of its vector before.
struct Layer {
    metric: Metric,
    settings: LayerSettings,
    control: Control,
    before: Vec<i64>,
    band: u64,
}

/// What became of a vector.
#[derive(Clone, Debug, Default)]
pub(in crate::blocks) struct Step {
    /// Positions and what is transmitted.
    pub survivors: Vec<(usize, i64)>,
    /// Its level of sparsity.
    pub level: usize,
    /// The band of its coherence; none in a first step.
    pub band: Option<usize>,
}

/// A path for vectors of activations, each of which gets the level that the one before decided.
pub(in crate::blocks) struct Steps {
    group: usize,
    bonus: u64,
    metrics: Vec<Metric>,
    layers: Vec<Layer>,
    estimates: Estimates,
}

impl Steps {
    /// As a reset leaves it.
    pub fn new(p: &TemporalPathParameters, settings: Vec<LayerSettings>, bonus: u64) -> Steps {
        let metrics = p.metric().metrics();
        let layers = settings.into_iter().map(|settings| {
            let of_levels = settings.of_levels();
            Layer {
                metric: settings.metric(&metrics),
                control: Control::new(&p.control(), of_levels),
                settings,
                before: vec![],
                band: 0,
            }
        });
        let longest = p.longest.next_multiple_of(p.lanes) as usize;
        Steps {
            group: p.group as usize,
            bonus,
            layers: layers.collect(),
            metrics: p.metric().metrics(),
            estimates: Estimates::new(p.width, p.clip, p.layers as usize, longest),
        }
    }

    /// What is set for each layer counts from the next vector on.
    pub fn set(&mut self, settings: Vec<LayerSettings>, bonus: u64) {
        self.bonus = bonus;
        for (layer, settings) in self.layers.iter_mut().zip(settings) {
            layer.metric = settings.metric(&self.metrics);
            layer.control.set(settings.of_levels());
            layer.settings = settings;
        }
    }

    /// The next vector of a layer; `mode` is the code of it.
    pub fn next(&mut self, layer: usize, mode: u64, new_sequence: bool, values: &[i64]) -> Step {
        let mode = Mode::of(mode);
        let whose = Whose { weights: false, layer };
        if new_sequence {
            self.estimates.begin(layer);
        }
        let of_layer = &mut self.layers[layer];
        let sent = of_layer.control.vector(new_sequence, whose);
        let is_first = new_sequence || of_layer.before.len() != values.len();
        let LayerSettings { thresholds, hysteresis, .. } = &of_layer.settings;
        let thresholds = (thresholds.iter().copied(), *hysteresis);
        let band = match is_first {
            true => 0,
            false => band_of(of_layer.metric, thresholds, of_layer.band, values, &of_layer.before),
        };
        of_layer.control.band(band as u32, is_first, whose);
        of_layer.band = band;
        of_layer.before.clear();
        of_layer.before.extend_from_slice(values);

        let mut step = Step {
            survivors: Vec::with_capacity(values.len()),
            level: sent.level,
            band: (!is_first).then_some(band as usize),
        };
        let (keep, threshold) = (sent.keep as usize, sent.threshold);
        for (group, values) in values.chunks(self.group).enumerate() {
            let from = group * self.group;
            let scores = self.estimates.scores(layer, from, mode, values);
            let mask = survivors(scores, keep, threshold, self.bonus);
            let sent = self.estimates.transmit(layer, from, mode, values, mask);
            step.survivors.extend(sent.map(|(index, value)| (from + index, value)));
        }
        step
    }
}
