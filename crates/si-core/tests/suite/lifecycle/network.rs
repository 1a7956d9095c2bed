use burn::backend::ops::FloatTensorOps;
use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};
use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::optim::{ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
use burn::tensor::{Device, Int, Shape, Tensor, TensorData};
use si_core::diagnostics::Diagnostics;
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

use crate::common::{self, Parts};

/// A network with buffers between its layers, and with two heads.
#[derive(Module, Debug)]
pub(crate) struct Network {
    pub(crate) body: Linear,
    pub(crate) norm: BatchNorm,
    pub(crate) heads: Vec<Linear>,
}

impl Network {
    /// Always the same numbers, because all tests share the device's generator.
    pub(crate) fn new(device: &Device) -> Self {
        Self {
            body: layer(3, 4, device),
            norm: BatchNormConfig::new(4).init(device),
            heads: (0..2).map(|_| layer(4, 2, device)).collect(),
        }
    }

    /// Shapes: `[batch, 3]` to `[batch, outputs]`.
    pub(crate) fn forward(&self, x: Tensor<2>, head: usize) -> Tensor<2> {
        let hidden = self.norm.forward(self.body.forward(x)).tanh();
        self.heads[head].forward(hidden)
    }

    pub(crate) fn loss(&self, head: usize) -> Tensor<1> {
        let x = inputs(&self.body.weight.device());
        (self.forward(x, head) - 0.7).square().mean()
    }
}

/// A layer with the numbers of a wave.
pub(crate) fn layer(num_inputs: usize, num_outputs: usize, device: &Device) -> Linear {
    let wave = |len: usize| {
        let len = len as i64;
        let phase = Tensor::<1, Int>::arange(0..len, device).float();
        phase.mul_scalar(1.7).sin().mul_scalar(0.5)
    };
    let weight = wave(num_inputs * num_outputs).reshape([num_inputs, num_outputs]);
    let layer = LinearConfig::new(num_inputs, num_outputs).init(device);
    Linear {
        weight: layer.weight.map(|_| weight.require_grad()),
        bias: layer
            .bias
            .map(|bias| bias.map(|_| wave(num_outputs).require_grad())),
    }
}

pub(crate) fn device() -> Device {
    common::device().autodiff()
}

pub(crate) fn inputs(device: &Device) -> Tensor<2> {
    Tensor::from_floats(
        [[0.1, 0.4, 1.0], [0.3, -0.8, -1.0], [0.9, 0.2, 0.5]],
        device,
    )
}

pub(crate) fn learner(device: &Device) -> ContinualLearner<Network> {
    wrapped(Network::new(device))
}

pub(crate) fn wrapped<M: Module>(module: M) -> ContinualLearner<M> {
    ContinualLearner::new(module, &SynapticIntelligenceConfig::new()).expect("it is valid")
}

pub(crate) fn sgd() -> ModuleOptimizer {
    let momentum = MomentumConfig {
        momentum: 0.9,
        dampening: 0.0,
        nesterov: false,
    };
    SgdConfig::new().with_momentum(Some(momentum)).init()
}

/// A learner after some steps with head 0.
pub(crate) fn trained(device: &Device, steps: usize) -> ContinualLearner<Network> {
    train(learner(device), &mut sgd(), steps, 0)
}

pub(crate) fn train(
    mut learner: ContinualLearner<Network>,
    optimizer: &mut ModuleOptimizer,
    steps: usize,
    head: usize,
) -> ContinualLearner<Network> {
    for _ in 0..steps {
        (learner, _) = learner.step(optimizer, 0.1, |network| network.loss(head));
    }
    learner
}

/// Everything in a learner: parameters and buffers, synapses, and its progress. The names tell the data types.
pub(crate) fn state<M: Module>(learner: &ContinualLearner<M>) -> Parts {
    struct Read(Parts);
    impl Read {
        fn push(&mut self, name: String, data: TensorData) {
            let name = format!("{name} in {:?}", data.dtype());
            self.0.push((name, data.iter::<f64>().collect()));
        }
    }
    impl ModuleVisitor for Read {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let name = format!("tensor {} of the module", self.0.len());
            self.push(name, param.val().into_data());
        }
    }
    let mut read = Read(Parts::new());
    learner.valid().into_inner().visit(&mut read);
    let regularizer = learner.regularizer();
    for synapse in regularizer.synapses() {
        let parts = [
            ("anchor", Some(synapse.anchor_primitive())),
            ("importance", synapse.importance_primitive()),
            ("path integral", synapse.path_integral_primitive()),
        ];
        for (name, part) in parts {
            if let Some(part) = part {
                let name = format!("{name} of {}", synapse.path());
                read.push(name, flat(part.clone()).into_data());
            }
        }
    }
    let Read(mut state) = read;
    let progress = [regularizer.task(), regularizer.diagnostics().num_steps];
    let progress = progress.map(|count| count as f64).to_vec();
    state.push(("progress".to_string(), progress));
    state
}

/// What is diagnosed of each parameter, in numbers.
pub(crate) fn numbers_of(diagnostics: Diagnostics) -> Parts {
    let parameters = diagnostics.parameters.into_iter();
    parameters
        .map(|it| {
            let quantiles = it.importance_quantiles.into_iter().flatten();
            let numbers = quantiles.chain(it.negative_path_integral_share);
            (it.path, numbers.collect())
        })
        .collect()
}

fn flat(primitive: FloatTensor<Dispatch>) -> Tensor<1> {
    let len = primitive.shape().num_elements();
    Tensor::from_dispatch(Dispatch::float_reshape(primitive, Shape::new([len])))
}
