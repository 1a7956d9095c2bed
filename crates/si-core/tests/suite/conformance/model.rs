use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::Linear;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::tanh;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::common::{self, values};

/// The numbers of each parameter, by path.
pub(crate) type Numbers = BTreeMap<String, Vec<f64>>;

const INPUTS: usize = 3;
const FEATURES: usize = 4;
const HIDDEN: usize = 5;
const OUTPUTS: usize = 2;
/// Small, so that gradients change sign and path integrals become negative.
const BATCH: usize = 2;

pub(crate) fn device() -> Device {
    common::device_with(DType::F32).autodiff()
}

/// A frozen layer, a layer that is always in use, and two heads. The second head may have no gradient.
#[derive(Module, Debug)]
pub(crate) struct Toy {
    frozen: Linear,
    body: Linear,
    first: Linear,
    second: Linear,
}

/// A minibatch of inputs `[batch, inputs]` and targets `[batch, outputs]`.
#[derive(Clone, Debug)]
pub(crate) struct Minibatch {
    inputs: Tensor<2>,
    targets: Tensor<2>,
    uses_second: bool,
    /// The number of minibatches that were joined into this one.
    joined: usize,
}

impl Toy {
    /// Always the same parameters, drawn on the host.
    pub(crate) fn new() -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let mut layer = |inputs: usize, outputs: usize| Linear {
            weight: Param::from_tensor(matrix(rng, inputs, outputs)),
            bias: Some(Param::from_tensor(matrix(rng, 1, outputs).squeeze_dim(0))),
        };
        Self {
            frozen: layer(INPUTS, FEATURES).no_grad(),
            body: layer(FEATURES, HIDDEN),
            first: layer(HIDDEN, OUTPUTS),
            second: layer(HIDDEN, OUTPUTS),
        }
    }

    /// The task loss, `[1]`: the mean, times the number of joined minibatches.
    pub(crate) fn loss(&self, minibatch: &Minibatch) -> Tensor<1> {
        let features = tanh(self.frozen.forward(minibatch.inputs.clone()));
        let hidden = tanh(self.body.forward(features));
        let mut outputs = self.first.forward(hidden.clone());
        if minibatch.uses_second {
            outputs = outputs + self.second.forward(hidden);
        }
        let errors = outputs - minibatch.targets.clone();
        errors.square().mean().mul_scalar(minibatch.joined as f64)
    }

    /// The accumulated gradients of the task losses. `penalty` is included once.
    pub(crate) fn gradients(
        &self,
        minibatches: &[Minibatch],
        mut penalty: Option<Tensor<1>>,
    ) -> GradientsParams {
        let mut accumulator = GradientsAccumulator::new();
        for minibatch in minibatches {
            let loss = self.loss(minibatch);
            let loss = match penalty.take() {
                Some(penalty) => loss + penalty,
                None => loss,
            };
            let grads = GradientsParams::from_grads(loss.backward(), self);
            accumulator.accumulate(self, grads);
        }
        accumulator.grads()
    }

    /// The values of all parameters.
    pub(crate) fn numbers(&self) -> Numbers {
        self.read(None)
    }

    /// The gradients of those parameters that have one.
    pub(crate) fn numbers_of(&self, grads: &GradientsParams) -> Numbers {
        self.read(Some(grads))
    }

    /// Gradients with these numbers.
    pub(crate) fn gradients_of(&self, numbers: &Numbers) -> GradientsParams {
        let mut write = Write {
            path: Vec::new(),
            numbers,
            grads: GradientsParams::new(),
        };
        self.visit(&mut write);
        write.grads
    }

    fn read(&self, grads: Option<&GradientsParams>) -> Numbers {
        let mut read = Read {
            path: Vec::new(),
            grads,
            numbers: Numbers::new(),
        };
        self.visit(&mut read);
        read.numbers
    }
}

impl Minibatch {
    /// The same for the same seed.
    pub(crate) fn new(seed: u64, uses_second: bool) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        Self {
            inputs: matrix(rng, BATCH, INPUTS),
            targets: matrix(rng, BATCH, OUTPUTS),
            uses_second,
            joined: 1,
        }
    }

    /// A minibatch whose loss is the sum of theirs.
    pub(crate) fn join(minibatches: &[Self]) -> Self {
        let all = |part: fn(&Self) -> &Tensor<2>| {
            Tensor::cat(minibatches.iter().map(part).cloned().collect(), 0)
        };
        Self {
            inputs: all(|minibatch| &minibatch.inputs),
            targets: all(|minibatch| &minibatch.targets),
            uses_second: minibatches.iter().any(|minibatch| minibatch.uses_second),
            joined: minibatches.len(),
        }
    }
}

fn matrix(rng: &mut ChaCha8Rng, rows: usize, columns: usize) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * columns)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, [rows, columns]), &device())
}

/// Reads parameters, or their gradients.
struct Read<'a> {
    path: Vec<String>,
    grads: Option<&'a GradientsParams>,
    numbers: Numbers,
}

impl ModuleVisitor for Read<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = match self.grads {
            Some(grads) => grads.get::<D>(param.id),
            None => Some(param.val().inner()),
        };
        if let Some(tensor) = tensor {
            self.numbers.insert(self.path.join("."), values(tensor));
        }
    }
}

struct Write<'a> {
    path: Vec<String>,
    numbers: &'a Numbers,
    grads: GradientsParams,
}

impl ModuleVisitor for Write<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(numbers) = self.numbers.get(&self.path.join(".")) {
            let numbers: Vec<f32> = numbers.iter().map(|number| *number as f32).collect();
            let data = TensorData::new(numbers, param.val().shape());
            let gradient = Tensor::<D>::from_data(data, &device().inner());
            self.grads.register(param.id, gradient);
        }
    }
}
