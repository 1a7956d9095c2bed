use burn::backend::Dispatch;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn_train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::ContinualLearner;
use si_core::ops::SynapticBackend;

use crate::common::mlp::Mlp;
use crate::common::{Parts, values};
use crate::train::setup::Batch;

pub(crate) const INPUTS: usize = 3;
pub(crate) const CLASSES: usize = 3;

/// A perceptron. Its parameters are drawn on the host, so that tests can run side by side.
pub(crate) fn mlp(seed: u64, device: &Device) -> Mlp {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Mlp {
        fc1: linear(&mut rng, [INPUTS, 4], device),
        fc2: linear(&mut rng, [4, CLASSES], device),
    }
}

fn linear(rng: &mut ChaCha8Rng, [inputs, outputs]: [usize; 2], device: &Device) -> Linear {
    let mut draw = |shape: Vec<usize>| {
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_: usize| rng.random_range(-1.0..1.0))
            .collect();
        TensorData::new(values, shape)
    };
    Linear {
        weight: Param::from_tensor(Tensor::from_data(draw(vec![inputs, outputs]), device)),
        bias: Some(Param::from_tensor(Tensor::from_data(
            draw(vec![outputs]),
            device,
        ))),
    }
}

fn output(loss: Tensor<1>, logits: Tensor<2>, batch: Batch) -> ClassificationOutput {
    ClassificationOutput::new(loss, logits, batch.labels)
}

impl TrainStep for Mlp {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let item = InferenceStep::step(self, batch);
        TrainOutput::new(self, item.loss.backward(), item)
    }
}

impl InferenceStep for Mlp {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        let logits = self.forward(batch.inputs.clone());
        let loss = self.loss(batch.inputs.clone(), batch.labels.clone());
        output(loss, logits, batch)
    }
}

/// A perceptron that limits its weights after the optimizer's update.
#[derive(Module, Debug)]
pub(crate) struct Clipped {
    pub(crate) inner: Mlp,
}

pub(crate) const WEIGHT_LIMIT: f64 = 0.4;

impl Clipped {
    pub(crate) fn clip(self) -> Self {
        struct Clip;
        impl ModuleMapper for Clip {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|tensor| {
                    let clipped = tensor.inner().clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
                    Tensor::from_inner(clipped).require_grad()
                })
            }
        }
        self.map(&mut Clip)
    }
}

impl TrainStep for Clipped {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        TrainStep::step(&self.inner, batch)
    }

    fn optimize(
        self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: ModuleLearningRate,
        grads: GradientsParams,
    ) -> Self {
        optimizer.step(learning_rate, self, grads).clip()
    }
}

impl InferenceStep for Clipped {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        InferenceStep::step(&self.inner, batch)
    }
}

/// A body with two heads. Batches use only the first.
#[derive(Module, Debug)]
pub(crate) struct TwoHeads {
    pub(crate) body: Linear,
    pub(crate) used: Linear,
    pub(crate) unused: Linear,
}

impl TwoHeads {
    pub(crate) fn new(device: &Device) -> Self {
        Self {
            body: LinearConfig::new(INPUTS, 4).init(device),
            used: LinearConfig::new(4, CLASSES).init(device),
            unused: LinearConfig::new(4, CLASSES).init(device),
        }
    }
}

impl TrainStep for TwoHeads {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let item = InferenceStep::step(self, batch);
        TrainOutput::new(self, item.loss.backward(), item)
    }
}

impl InferenceStep for TwoHeads {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        let features = relu(self.body.forward(batch.inputs.clone()));
        let logits = self.used.forward(features);
        let loss = logits.clone().powi_scalar(2).mean();
        output(loss, logits, batch)
    }
}

/// The parameters, ω, Ω, the anchors and the task number.
pub(crate) fn state<M: Module>(learner: &ContinualLearner<M>) -> Parts {
    struct Parameters(Parts);
    impl burn::module::ModuleVisitor for Parameters {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let name = format!("parameter {}", self.0.len());
            self.0.push((name, values(param.val())));
        }
    }
    let mut parameters = Parameters(Parts::new());
    learner.visit(&mut parameters);
    let Parameters(mut all) = parameters;
    let task = learner.regularizer().task() as f64;
    all.push(("task".to_string(), vec![task]));
    for synapse in learner.regularizer().synapses() {
        let state = [
            ("anchor", Some(synapse.anchor_primitive())),
            ("path integral", synapse.path_integral_primitive()),
            ("importance", synapse.importance_primitive()),
        ];
        for (name, tensor) in state {
            let Some(tensor) = tensor.cloned() else {
                continue;
            };
            let numbers = match synapse.shape().num_dims() {
                1 => values(Dispatch::tensor::<1>(tensor)),
                _ => values(Dispatch::tensor::<2>(tensor)),
            };
            all.push((format!("{name} of {}", synapse.path()), numbers));
        }
    }
    all
}

/// The same without the names.
pub(crate) fn numbers<M: Module>(learner: &ContinualLearner<M>) -> Vec<f64> {
    let parts = state(learner).into_iter();
    parts.flat_map(|(_, numbers)| numbers).collect()
}
