//! Training of the network that comes along, 48 → 64 → 64 → 9, on [`japanese_vowels`].
//!
//! Everything follows from a seed: the same seed gives the same network on the same machine. Whatever
//! is chosen is chosen on training data alone; test data are only counted at the end.
//!
//! 1. Floating point, from random weights, with noise on the data.
//! 2. Integers of it, nothing left out: the baseline.
//! 3. Pruning in steps, balanced, with training after each.
//! 4. Training as integers compute: weights and activations are rounded in the forward pass, and the
//!    gradient goes straight through.
//! 5. In turns, a control that leaves more and more out, and training with it in the forward pass:
//!    so layers learn to do without what is left out.

mod choose;
mod model;
mod quantise;
#[cfg(test)]
mod tests;

use candle_core::{Error, Result};
use rand::SeedableRng;
use serde::Serialize;

use self::choose::Example;
use self::model::{Batch, Course, Model, Regime};
use self::quantise::{Float, Scales};
use super::data_set::{JAPANESE_VOWELS_CLASSES, Part, Sequence, japanese_vowels};
use super::network::{Control, GROUP, Mode, Network};
use super::reference::{Tally, tally};
use crate::model::Random;

/// Frames that are stacked to a vector.
const STACK: usize = 4;

/// Elements of the vectors into, between and behind the layers.
const SIZES: [usize; 4] = [12 * STACK, 64, 64, JAPANESE_VOWELS_CLASSES];

/// Of so many utterances one is looked at while a control is chosen.
const SAMPLED: usize = 2;

/// The share of activations that do not saturate.
const NOT_SATURATED: f64 = 0.999;

/// How a network is trained.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Epochs in floating point.
    pub float_epochs: usize,
    /// Weights of each input and group of outputs that are kept in each layer, step by step.
    pub keeps: Vec<[usize; 3]>,
    /// Epochs after each step of pruning.
    pub pruning_epochs: usize,
    /// Bits of the weights of each layer after pruning.
    pub precisions: [u32; 3],
    /// Epochs as integers compute.
    pub rounding_epochs: usize,
    /// R that the control is made for, on training data, step by step.
    pub targets: Vec<f64>,
    /// Epochs with each control.
    pub delta_epochs: usize,
    /// The standard deviation of the noise on the data, in their own units.
    pub noise: f32,
}

impl Default for Recipe {
    fn default() -> Recipe {
        Recipe {
            float_epochs: 300,
            keeps: vec![[12, 12, 16], [8, 8, 16], [6, 6, 16], [4, 4, 16]],
            pruning_epochs: 60,
            precisions: [8, 8, 8],
            rounding_epochs: 100,
            targets: vec![7.0, 9.5],
            delta_epochs: 100,
            noise: 0.05,
        }
    }
}

/// What training made.
pub struct Trained {
    /// The pruned network with the control that was chosen for it.
    pub network: Network,
    /// The integers of the network before pruning, nothing left out.
    pub dense: Network,
    /// How good they are.
    pub figures: Figures,
}

/// Errors among the utterances that are tested with, and work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Utterances that are tested with.
    pub tested: usize,
    /// Errors in floating point.
    pub float_errors: usize,
    /// Errors of the integers before pruning.
    pub dense_errors: usize,
    /// Errors of the pruned integers, nothing left out of the vectors.
    pub pruned_errors: usize,
    /// Errors of the pruned integers with their control.
    pub delta_errors: usize,
    /// R, products of a dense execution for each that is executed, by pruning alone.
    pub pruned_ratio: f64,
    /// R with the control, over training data.
    pub train_ratio: f64,
    /// R with the control, over test data.
    pub test_ratio: f64,
}

/// Trains a network; `progress` hears what is under way, and the share of it that is done.
///
/// # Errors
/// If the library of tensors fails, or no thread can be had.
pub fn train(
    seed: u64,
    recipe: &Recipe,
    progress: impl FnMut(&'static str, f64) + Send,
) -> Result<Trained> {
    // With one thread, sums are always formed in the same order.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(Error::wrap)?;
    pool.install(|| {
        let [train, test] = [Part::Train, Part::Test].map(japanese_vowels);
        Training::new(seed, recipe, train, progress)?.run(test)
    })
}

/// A network under way.
struct Training<'a, P> {
    recipe: &'a Recipe,
    data: &'a [Sequence],
    batch: Batch,
    model: Model,
    random: Random,
    progress: P,
}

impl<'a, P: FnMut(&'static str, f64)> Training<'a, P> {
    fn new(seed: u64, recipe: &'a Recipe, data: &'a [Sequence], progress: P) -> Result<Self> {
        let mut random = Random::seed_from_u64(seed);
        let model = Model::new(&SIZES, &mut random)?;
        Ok(Training { recipe, data, batch: batch(data)?, model, random, progress })
    }

    fn run(mut self, test: &[Sequence]) -> Result<Trained> {
        let recipe = self.recipe;
        self.fit("floating point", recipe.float_epochs, 5e-3, None)?;
        let float_errors = self.model.errors(&batch(test)?)?;
        let all = Control { mode: Mode::Dense, ..Control::default() };
        let controls = vec![all; SIZES.len() - 1];
        let precisions = vec![8; SIZES.len() - 1];
        let mut regime = Regime { scales: self.scales()?, precisions, controls };
        let (dense, _) = self.integers(&regime, &[GROUP; 3])?;

        for keeps in &recipe.keeps {
            self.model.prune(keeps)?;
            self.fit("pruning", recipe.pruning_epochs, 2e-3, None)?;
        }
        regime.scales = self.scales()?;
        regime.precisions = recipe.precisions.to_vec();
        self.fit("rounding", recipe.rounding_epochs, 2e-3, Some(&regime))?;

        let keeps = recipe.keeps.last().unwrap_or(&[GROUP; 3]);
        regime.controls = vec![Control::default(); SIZES.len() - 1];
        let (mut network, mut unit) = self.integers(&regime, keeps)?;
        let examples =
            self.data.iter().step_by(SAMPLED).map(|sequence| example(&network, sequence));
        let examples: Vec<Example> = examples.collect();
        choose::coherence(&mut network, &examples);
        for &target in &recipe.targets {
            let tick = |share| (self.progress)("choosing a control", share);
            choose::towards(&mut network, unit, &examples, target, tick);
            regime.controls = network.layers.iter().map(|layer| layer.control.clone()).collect();
            self.fit("leaving out", recipe.delta_epochs, 1.5e-3, Some(&regime))?;
            (network, unit) = self.integers(&regime, keeps)?;
        }
        let count = |network: &Network, data: &[Sequence]| -> Tally {
            tally(network, data).expect("the network is of the data's shape")
        };
        let pruned = count(&network.clone().dense(), test);
        let on_test = count(&network, test);
        let figures = Figures {
            tested: test.len(),
            float_errors,
            dense_errors: count(&dense, test).errors,
            pruned_errors: pruned.errors,
            delta_errors: on_test.errors,
            pruned_ratio: pruned.ratio(),
            train_ratio: count(&network, self.data).ratio(),
            test_ratio: on_test.ratio(),
        };
        Ok(Trained { network, dense, figures })
    }

    fn fit(
        &mut self,
        phase: &'static str,
        epochs: usize,
        rate: f64,
        regime: Option<&Regime>,
    ) -> Result<()> {
        let Training { model, batch, random, progress, .. } = self;
        let course = Course { epochs, rate, noise: self.recipe.noise };
        model.fit(batch, course, regime, random, |share| progress(phase, share))
    }

    /// The scale that the data fill 8 bits with, and those that activations fill 7 bits with.
    fn scales(&self) -> Result<Scales> {
        let most = self.batch.vectors.iter().fold(0_f32, |most, value| most.max(value.abs()));
        let unit = |mut values: Vec<f32>| {
            values.sort_by(f32::total_cmp);
            // What is beyond saturates, so that all others have finer steps.
            let most = values[((values.len() - 1) as f64 * NOT_SATURATED) as usize];
            f64::from(most.max(f32::MIN_POSITIVE)) / 127.0
        };
        let (_, activations) = self.model.float(&self.batch.vectors)?;
        let activations = activations.iter().map(|layer| Ok(unit(layer.flatten_all()?.to_vec1()?)));
        let input = (127.0 / f64::from(most)).floor();
        Ok(Scales { input, activations: activations.collect::<Result<_>>()? })
    }

    /// The network of integers, and what a step of its accumulators stands for.
    fn integers(&self, regime: &Regime, keeps: &[usize]) -> Result<(Network, f64)> {
        let layers = SIZES.windows(2).enumerate().map(|(index, sizes)| {
            let (weights, bias) = self.model.layer(index)?;
            Ok(Float { inputs: sizes[0], outputs: sizes[1], weights, bias })
        });
        let layers = layers.collect::<Result<Vec<Float>>>()?;
        let Regime { scales, precisions, controls } = regime;
        Ok(quantise::network(&layers, scales, precisions, controls, STACK, keeps))
    }
}

fn batch(data: &[Sequence]) -> Result<Batch> {
    let stacked: Vec<Sequence> = data.iter().map(|sequence| sequence.stacked(STACK)).collect();
    Batch::new(&stacked)
}

fn example(network: &Network, sequence: &Sequence) -> Example {
    let vectors = network.quantised(sequence).expect("the network is of the data's shape");
    (vectors, sequence.label.expect("training data have labels"))
}
