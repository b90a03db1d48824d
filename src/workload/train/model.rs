//! The network while it is trained: floating-point weights, and what integers will make of them.

use candle_core::{D, Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss};
use rand::RngExt;

use super::quantise::{self, Scales};
use crate::model::Random;
use crate::workload::data_set::Sequence;
use crate::workload::network::Control;
use crate::workload::reference::Memory;

/// Utterances as one matrix of frames, one below the other.
pub(super) struct Batch {
    /// Stacked frames, in the data's own units.
    pub vectors: Vec<f32>,
    /// Vectors of each utterance.
    pub lengths: Vec<usize>,
    /// The class of each utterance, and of each vector.
    labels: Tensor,
    vector_labels: Tensor,
    /// [utterances, vectors]: takes the mean over each utterance.
    mean: Tensor,
}

impl Batch {
    pub(super) fn new(stacked: &[Sequence]) -> Result<Batch> {
        let lengths: Vec<usize> = stacked.iter().map(|s| s.vectors.len()).collect();
        let label = |s: &Sequence| s.label.expect("training data have labels") as u32;
        let labels: Vec<u32> = stacked.iter().map(label).collect();
        let repeated = labels.iter().zip(&lengths);
        let vector_labels: Vec<u32> =
            repeated.flat_map(|(&label, &length)| std::iter::repeat_n(label, length)).collect();
        let count = vector_labels.len();
        let mut mean = vec![0_f32; lengths.len() * count];
        let mut column = 0;
        for (row, &length) in lengths.iter().enumerate() {
            mean[row * count + column..][..length].fill(1.0 / length as f32);
            column += length;
        }
        let vectors = stacked.iter().flat_map(|s| s.vectors.iter().flatten());
        Ok(Batch {
            vectors: vectors.map(|&value| value as f32).collect(),
            labels: Tensor::new(labels, &Device::Cpu)?,
            vector_labels: Tensor::new(vector_labels, &Device::Cpu)?,
            mean: Tensor::from_vec(mean, (lengths.len(), count), &Device::Cpu)?,
            lengths,
        })
    }
}

/// What the integers of a network look like, while its weights still move.
#[derive(Clone)]
pub(super) struct Regime {
    pub scales: Scales,
    /// Bits of the weights of each layer.
    pub precisions: Vec<u32>,
    /// The run-time control of each layer.
    pub controls: Vec<Control>,
}

/// How long and how to train.
#[derive(Clone, Copy)]
pub(super) struct Course {
    pub epochs: usize,
    /// The learning rate that it begins with; it falls to zero along half a cosine.
    pub rate: f64,
    /// The standard deviation of what is added to the data, in their own units.
    pub noise: f32,
}

/// A perceptron with ReLUs.
pub(super) struct Model {
    /// [outputs, inputs] and [outputs] of each layer.
    weights: Vec<Var>,
    biases: Vec<Var>,
    /// 1 where a weight may differ from zero, 0 elsewhere.
    kept: Vec<Tensor>,
    pub sizes: Vec<usize>,
}

/// Values in the place of others that have the gradient: straight through.
fn straight_through(from: &Tensor, values: Vec<f32>) -> Result<Tensor> {
    let values = Tensor::from_vec(values, from.shape(), &Device::Cpu)?;
    from + (values - from)?.detach()
}

/// A normal variable, from two uniform ones.
fn normal(random: &mut Random) -> f32 {
    let [radius, angle] = [random.random::<f32>(), random.random::<f32>()];
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f32::consts::TAU * angle).cos()
}

impl Model {
    pub(super) fn new(sizes: &[usize], random: &mut Random) -> Result<Model> {
        let mut model =
            Model { weights: vec![], biases: vec![], kept: vec![], sizes: sizes.to_vec() };
        for pair in sizes.windows(2) {
            let (inputs, outputs) = (pair[0], pair[1]);
            let deviation = (2.0 / inputs as f32).sqrt();
            let weights = (0..inputs * outputs).map(|_| deviation * normal(random)).collect();
            let weights = Tensor::from_vec(weights, (outputs, inputs), &Device::Cpu)?;
            model.kept.push(weights.ones_like()?);
            model.weights.push(Var::from_tensor(&weights)?);
            model.biases.push(Var::zeros(outputs, candle_core::DType::F32, &Device::Cpu)?);
        }
        Ok(model)
    }

    /// The weights and biases of a layer; what is pruned is zero.
    pub(super) fn layer(&self, layer: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        let weights = (self.weights[layer].as_tensor() * &self.kept[layer])?;
        Ok((weights.flatten_all()?.to_vec1()?, self.biases[layer].to_vec1()?))
    }

    /// Keeps the weights of each input and group that are the largest, so many in each layer.
    pub(super) fn prune(&mut self, keeps: &[usize]) -> Result<()> {
        for (layer, &keep) in keeps.iter().enumerate() {
            let (inputs, outputs) = (self.sizes[layer], self.sizes[layer + 1]);
            let (weights, _) = self.layer(layer)?;
            let kept = quantise::balanced(&weights, inputs, outputs, keep);
            self.kept[layer] = Tensor::from_vec(kept, (outputs, inputs), &Device::Cpu)?;
        }
        Ok(())
    }

    /// The logits of each vector in floating point, and the activations of each layer on the way.
    pub(super) fn float(&self, vectors: &[f32]) -> Result<(Tensor, Vec<Tensor>)> {
        let inputs = self.sizes[0];
        let mut x = Tensor::from_slice(vectors, (vectors.len() / inputs, inputs), &Device::Cpu)?;
        let mut activations = vec![];
        for (layer, weights) in self.weights.iter().enumerate() {
            let weights = (weights.as_tensor() * &self.kept[layer])?;
            x = x.matmul(&weights.t()?)?.broadcast_add(&self.biases[layer])?;
            if layer + 1 < self.weights.len() {
                x = x.relu()?;
                activations.push(x.clone());
            }
        }
        Ok((x, activations))
    }

    /// The logits of each vector as integers will compute them.
    pub(super) fn integer(
        &self,
        vectors: &[f32],
        lengths: &[usize],
        regime: &Regime,
    ) -> Result<Tensor> {
        let inputs = self.sizes[0];
        let scale = regime.scales.input as f32;
        let element = |value: &f32| (value * scale).round().clamp(-128.0, 127.0);
        let vectors: Vec<f32> = vectors.iter().map(element).collect();
        let shape = (vectors.len() / inputs, inputs);
        let mut x = Tensor::from_vec(vectors, shape, &Device::Cpu)?;
        for (layer, weights) in self.weights.iter().enumerate() {
            let (inputs, outputs) = (self.sizes[layer], self.sizes[layer + 1]);
            let weights = (weights.as_tensor() * &self.kept[layer])?;
            let values = weights.flatten_all()?.to_vec1()?;
            let stored = quantise::weights(&values, inputs, outputs, regime.precisions[layer]);
            let weights = straight_through(&weights, stored.values())?;
            let estimates = estimates(&x, lengths, &regime.controls[layer])?;
            let unit = regime.scales.units(layer);
            x = (straight_through(&x, estimates)? * unit)?;
            x = x.matmul(&weights.t()?)?.broadcast_add(&self.biases[layer])?;
            if let Some(unit) = regime.scales.activations.get(layer) {
                x = (x / *unit)?.clamp(0_f32, 127_f32)?;
                let rounded = x.round()?.flatten_all()?.to_vec1()?;
                x = straight_through(&x, rounded)?;
            }
        }
        Ok(x)
    }

    /// Trains on `batch`, as it is or, with a regime, as integers will compute it.
    pub(super) fn fit(
        &self,
        batch: &Batch,
        course: Course,
        regime: Option<&Regime>,
        random: &mut Random,
        mut progress: impl FnMut(f64),
    ) -> Result<()> {
        let all = self.weights.iter().chain(&self.biases).cloned().collect();
        let parameters = ParamsAdamW { lr: course.rate, weight_decay: 0.01, ..Default::default() };
        let mut optimizer = AdamW::new(all, parameters)?;
        for epoch in 0..course.epochs {
            let share = epoch as f64 / course.epochs as f64;
            progress(share);
            let rate = 0.5 * course.rate * (1.0 + (std::f64::consts::PI * share).cos());
            optimizer.set_learning_rate(rate);
            let vectors: Vec<f32> =
                batch.vectors.iter().map(|value| value + course.noise * normal(random)).collect();
            let logits = match regime {
                None => self.float(&vectors)?.0,
                Some(regime) => self.integer(&vectors, &batch.lengths, regime)?,
            };
            // A vector should be right by itself, and the sum over an utterance all the more.
            let loss = (loss::cross_entropy(&logits, &batch.vector_labels)?
                + loss::cross_entropy(&batch.mean.matmul(&logits)?, &batch.labels)?)?;
            optimizer.backward_step(&loss)?;
        }
        Ok(())
    }

    /// Utterances that floating point takes for another class.
    pub(super) fn errors(&self, batch: &Batch) -> Result<usize> {
        let logits = self.float(&batch.vectors)?.0;
        let found: Vec<u32> = batch.mean.matmul(&logits)?.argmax(D::Minus1)?.to_vec1()?;
        let labels: Vec<u32> = batch.labels.to_vec1()?;
        Ok(found.iter().zip(&labels).filter(|(found, label)| found != label).count())
    }
}

/// What a layer takes its vectors for.
fn estimates(x: &Tensor, lengths: &[usize], control: &Control) -> Result<Vec<f32>> {
    let inputs = x.dim(1)?;
    let values: Vec<f32> = x.flatten_all()?.to_vec1()?;
    let mut vectors = values.chunks(inputs);
    let mut estimates = Vec::with_capacity(values.len());
    for &length in lengths {
        let mut memory = Memory::new(control, inputs);
        for vector in vectors.by_ref().take(length) {
            // They are whole numbers, but for what the gradient's way round them adds.
            let vector: Vec<i8> = vector.iter().map(|value| value.round() as i8).collect();
            memory.take(&vector);
            estimates.extend(memory.estimate.iter().map(|&value| f32::from(value)));
        }
    }
    Ok(estimates)
}
