mod files;
mod read;
mod refused;
mod round_trip;
mod written;

use std::collections::HashMap;

use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PRelu, PReluConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Shape, Tensor};
use safetensors::{Dtype, tensor::TensorView};

use crate::ops::SynapticBackend;
use crate::safetensors::{SafeTensorsError, WeightLayout};
use crate::synapse::Synapse;
use crate::test_device::{Parts, assert_same_parts};
use crate::{ContinualLearner, SynapticIntelligenceConfig};

const LEARNING_RATE: f64 = 0.05;

#[derive(Module, Debug)]
struct Network {
    convolution: Conv2d,
    normalisation: BatchNorm,
    hidden: Vec<Linear>,
    activation: PRelu,
    scale: Param<Tensor<2>>,
}

impl Network {
    fn new() -> Self {
        let device = device();
        let scale = Tensor::from_floats([[0.5, -1.0, 0.25], [2.0, 0.0, 1.0]], &device);
        Self {
            convolution: Conv2dConfig::new([1, 2], [3, 3]).init(&device),
            normalisation: BatchNormConfig::new(2).init(&device),
            hidden: vec![LinearConfig::new(3, 2).init(&device)],
            activation: PReluConfig::new().init(&device),
            scale: Param::from_tensor(scale),
        }
    }

    /// Pulls each parameter to a different value.
    fn loss(&self) -> Tensor<1> {
        let bias = self.hidden[0].bias.as_ref().expect("a bias");
        let pull = |parameter: Tensor<1>, target: f64| {
            (parameter.clone() - target).powi_scalar(2).sum() + parameter.sin().sum()
        };
        pull(self.convolution.weight.val().flatten(0, 3), 0.3)
            + pull(self.normalisation.gamma.val(), 0.8)
            + pull(self.normalisation.beta.val(), 0.1)
            + pull(self.hidden[0].weight.val().flatten(0, 1), -0.4)
            + pull(bias.val(), 0.2)
            + pull(self.activation.alpha.val(), 0.5)
            + pull(self.scale.val().flatten(0, 1), 0.7)
    }
}

fn device() -> Device {
    crate::test_device::device().autodiff()
}

fn config() -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new()
        .with_strength(0.5)
        .with_damping(0.01)
}

fn learner() -> ContinualLearner<Network> {
    ContinualLearner::new(Network::new(), &config()).expect("valid")
}

fn train(
    mut learner: ContinualLearner<Network>,
    optimizer: &mut ModuleOptimizer,
    num_steps: usize,
) -> ContinualLearner<Network> {
    for _ in 0..num_steps {
        let grads = GradientsParams::from_grads(learner.loss().backward(), &learner);
        learner = learner.optimize(optimizer, LEARNING_RATE, grads);
    }
    learner
}

/// A learner after one task and three steps of the second.
fn trained() -> ContinualLearner<Network> {
    let mut optimizer = AdamConfig::new().init();
    let mut learner = train(learner(), &mut optimizer, 5);
    learner.end_task();
    train(learner, &mut optimizer, 3)
}

/// The same module without state.
fn fresh(learner: &ContinualLearner<Network>) -> ContinualLearner<Network> {
    ContinualLearner::new((**learner).clone(), learner.regularizer().config()).expect("valid")
}

type Part = (&'static str, String, Vec<f64>);

/// The whole state, as numbers.
fn state<M: Module>(learner: &ContinualLearner<M>) -> Vec<Part> {
    let mut parts = Vec::new();
    for synapse in learner.regularizer().synapses() {
        let mut part = |name, primitive: Option<&FloatTensor<Dispatch>>| {
            let numbers = primitive.map(numbers::<Dispatch>).unwrap_or_default();
            parts.push((name, synapse.path().to_string(), numbers));
        };
        part("importance", synapse.importance_primitive());
        part("anchor", Some(synapse.anchor_primitive()));
        part("path_integral", synapse.path_integral_primitive());
    }
    parts
}

/// Asserts that two states were computed to the same numbers.
#[track_caller]
fn assert_same_state(found: &[Part], expected: &[Part]) {
    let parts = |state: &[Part]| -> Parts {
        let parts = state.iter();
        parts
            .map(|(name, path, numbers)| (format!("{name} of {path}"), numbers.clone()))
            .collect()
    };
    assert_same_parts(&parts(found), &parts(expected));
}

fn numbers<B: SynapticBackend>(primitive: &FloatTensor<B>) -> Vec<f64> {
    let flat = Shape::new([primitive.shape().num_elements()]);
    let tensor: Tensor<1> = B::tensor(B::float_reshape(primitive.clone(), flat));
    tensor.into_data().iter::<f64>().collect()
}

fn parameters(learner: &ContinualLearner<Network>) -> Vec<Vec<f64>> {
    let parameters: [Tensor<1>; 4] = [
        learner.convolution.weight.val().flatten(0, 3),
        learner.hidden[0].weight.val().flatten(0, 1),
        learner.normalisation.gamma.val(),
        learner.scale.val().flatten(0, 1),
    ];
    let numbers = parameters.map(|tensor| tensor.into_data().iter::<f64>().collect());
    numbers.to_vec()
}

/// A linear layer, `[3, 2]`, and a learner whose state is given.
fn linear() -> ContinualLearner<Linear> {
    let device = device();
    let layer = LinearConfig::new(3, 2).init(&device);
    let weight = Tensor::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], &device);
    let layer = Linear {
        weight: Param::from_tensor(weight),
        ..layer
    };
    ContinualLearner::new(layer, &config()).expect("valid")
}

fn linear_with_state() -> ContinualLearner<Linear> {
    let mut learner = linear();
    let device = device().inner();
    let anchor = Tensor::<2>::from_floats([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], &device);
    let importance = anchor.clone() * 0.5;
    let id = learner.weight.id;
    let synapse = Synapse {
        importance: Some(Dispatch::primitive(importance)),
        ..Synapse::new("weight".to_string(), Dispatch::primitive(anchor))
    };
    let regularizer = learner.regularizer_mut();
    regularizer.synapses.insert(id, synapse);
    regularizer.task = 2;
    learner
}

/// The bytes of a file as another program would write it.
fn file(tensors: &[(&str, Dtype, &[usize], Vec<u8>)], metadata: &[(&str, &str)]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, precision, shape, bytes)| {
        let view = TensorView::new(*precision, shape.to_vec(), bytes).expect("a tensor");
        (name.to_string(), view)
    });
    let metadata: HashMap<String, String> = metadata
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect();
    safetensors::serialize(views, Some(metadata)).expect("SafeTensors")
}

fn f32s(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().copied().flat_map(f32::to_le_bytes).collect()
}

/// The importance of the linear layer's weight, as PyTorch has it.
fn weight_importance(numbers: &[f32]) -> (&'static str, Dtype, &'static [usize], Vec<u8>) {
    ("weight.importance", Dtype::F32, &[2, 3], f32s(numbers))
}

fn load_error(bytes: &[u8], layout: WeightLayout) -> SafeTensorsError {
    let mut learner = linear_with_state();
    let before = state(&learner);
    let error = learner.load_safetensors(bytes, layout);
    assert_eq!(state(&learner), before, "an error must change nothing");
    assert_eq!(learner.regularizer().task(), 2);
    error.expect_err("refused")
}
