//! The network that most tests train, and how its state is read.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::{AdamConfig, AdamWConfig, RmsPropConfig, SgdConfig, momentum::MomentumConfig};
use burn::prelude::*;
use burn::tensor::DType;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use si_core::{
    ContinualLearner, ContinualOptimizer, SynapticAdamConfig, SynapticIntelligence,
    SynapticIntelligenceConfig, SynapticOptimizer, SynapticSgdConfig,
};

use crate::common::mlp::Mlp;
use crate::common::{self, values};

pub(crate) const LEARNING_RATE: f64 = 0.05;
pub(crate) const INPUTS: usize = 3;
pub(crate) const CLASSES: usize = 3;
/// Rounding of float32, for parameters of size 1 and a few sums in another order.
pub(crate) const ROUNDING: f64 = 1e-5;

pub(crate) fn device() -> Device {
    common::device_with(DType::F32).autodiff()
}

/// A perceptron. Its parameters are drawn on the host, so that tests can run side by side.
pub(crate) fn mlp(rng: &mut ChaCha8Rng) -> Mlp {
    let mut layer = |inputs: usize, outputs: usize| Linear {
        weight: Param::from_tensor(matrix(rng, inputs, outputs)),
        bias: Some(Param::from_tensor(matrix(rng, 1, outputs).squeeze_dim(0))),
    };
    Mlp {
        fc1: layer(INPUTS, 4),
        fc2: layer(4, CLASSES),
    }
}

fn matrix(rng: &mut ChaCha8Rng, rows: usize, columns: usize) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * columns)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, [rows, columns]), &device())
}

/// Inputs `[batch, INPUTS]` and labels `[batch]`.
pub(crate) fn batch(rng: &mut ChaCha8Rng) -> (Tensor<2>, Tensor<1, Int>) {
    let labels: Vec<i32> = (0..6)
        .map(|_| rng.random_range(0..CLASSES as i32))
        .collect();
    let inputs = matrix(rng, labels.len(), INPUTS);
    (inputs, Tensor::from_data(labels.as_slice(), &device()))
}

pub(crate) fn optimizers() -> [fn() -> SynapticOptimizer; 6] {
    [
        || AdamConfig::new().build().into(),
        || AdamWConfig::new().build().into(),
        || RmsPropConfig::new().build().into(),
        || {
            SgdConfig::new()
                .with_momentum(Some(MomentumConfig::new()))
                .build()
                .into()
        },
        || SynapticAdamConfig::new().init(),
        || {
            SynapticSgdConfig::new()
                .with_momentum(Some(MomentumConfig::new()))
                .init()
        },
    ]
}

pub(crate) fn config(strength: f64) -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new()
        .with_strength(strength)
        .with_damping(0.01)
}

pub(crate) fn learner(module: Mlp, strength: f64) -> ContinualLearner<Mlp> {
    ContinualLearner::new(module, &config(strength)).expect("the config is valid")
}

pub(crate) fn train(
    mut learner: ContinualLearner<Mlp>,
    optimizer: &mut impl ContinualOptimizer,
    rng: &mut ChaCha8Rng,
    steps: usize,
) -> ContinualLearner<Mlp> {
    for _ in 0..steps {
        let (x, y) = batch(rng);
        (learner, _) = learner.step(optimizer, LEARNING_RATE, |model| model.loss(x, y));
    }
    learner
}

pub(crate) fn parameters(module: &Mlp) -> Vec<f64> {
    [
        values(module.fc1.weight.val()),
        values(Mlp::bias(&module.fc1).val()),
        values(module.fc2.weight.val()),
        values(Mlp::bias(&module.fc2).val()),
    ]
    .concat()
}

pub(crate) fn importance<const D: usize>(
    regularizer: &SynapticIntelligence,
    param: &Param<Tensor<D>>,
) -> Option<Vec<f64>> {
    Some(values::<D>(regularizer.synapse(param.id)?.importance()?))
}

pub(crate) fn path_integral<const D: usize>(
    regularizer: &SynapticIntelligence,
    param: &Param<Tensor<D>>,
) -> Option<Vec<f64>> {
    Some(values::<D>(regularizer.synapse(param.id)?.path_integral()?))
}

pub(crate) fn anchor<const D: usize>(
    regularizer: &SynapticIntelligence,
    param: &Param<Tensor<D>>,
) -> Vec<f64> {
    let synapse = regularizer.synapse(param.id).expect("it is consolidated");
    values::<D>(synapse.anchor())
}

pub(crate) fn all_importance(learner: &ContinualLearner<Mlp>) -> Vec<f64> {
    let regularizer = learner.regularizer();
    [
        importance(regularizer, &learner.fc1.weight),
        importance(regularizer, Mlp::bias(&learner.fc1)),
        importance(regularizer, &learner.fc2.weight),
        importance(regularizer, Mlp::bias(&learner.fc2)),
    ]
    .into_iter()
    .flatten()
    .flatten()
    .collect()
}

/// The paths of the consolidated parameters, in order.
pub(crate) fn paths<M: Module>(learner: &ContinualLearner<M>) -> Vec<String> {
    let parameters = learner.diagnostics().parameters.into_iter();
    parameters.map(|parameter| parameter.path).collect()
}
