use burn::backend::ops::FloatTensorOps;
use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};
use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::optim::{ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
use burn::tensor::{Device, Int, Shape, Tensor};
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

use crate::common;

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

/// The bits of everything in a learner: parameters and buffers, synapses, and its progress.
pub(crate) fn state<M: Module>(learner: &ContinualLearner<M>) -> Vec<String> {
    struct Bits(Vec<String>);
    impl ModuleVisitor for Bits {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0
                .push(format!("{:?}", param.val().into_data().as_bytes()));
        }
    }
    let mut bits = Bits(Vec::new());
    learner.valid().into_inner().visit(&mut bits);
    let Bits(mut state) = bits;
    for synapse in learner.regularizer().synapses() {
        let parts = [
            Some(synapse.anchor_primitive()),
            synapse.importance_primitive(),
            synapse.path_integral_primitive(),
        ];
        let parts = parts.map(|part| part.map(|it| flat(it.clone()).into_data()));
        let parts = parts.map(|part| part.map(|it| it.as_bytes().to_vec()));
        state.push(format!("{}: {parts:?}", synapse.path()));
    }
    let regularizer = learner.regularizer();
    state.push(format!(
        "{} {:?}",
        regularizer.task(),
        regularizer.diagnostics().num_steps
    ));
    state
}

fn flat(primitive: FloatTensor<Dispatch>) -> Tensor<1> {
    let len = primitive.shape().num_elements();
    Tensor::from_dispatch(Dispatch::float_reshape(primitive, Shape::new([len])))
}
