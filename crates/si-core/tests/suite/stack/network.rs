use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::prelude::*;
use burn::tensor::activation::relu;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::replicas::{StackedLinear, cross_entropy};

use crate::common::mlp::Mlp;

pub(crate) const REPLICAS: usize = 3;
pub(crate) const INPUTS: usize = 6;
pub(crate) const CLASSES: usize = 4;
const HIDDEN: usize = 9;
const BATCH: usize = 5;

pub(crate) fn device() -> Device {
    crate::common::device().autodiff()
}

/// Three [`Mlp`]s with the same paths.
#[derive(Module, Debug)]
pub(crate) struct Stack {
    pub(crate) fc1: StackedLinear,
    pub(crate) fc2: StackedLinear,
}

impl Stack {
    pub(crate) fn of(networks: &[Mlp]) -> Self {
        let stacked = |layers: Vec<&Linear>| StackedLinear::new(layers).expect("the shapes agree");
        Self {
            fc1: stacked(networks.iter().map(|it| &it.fc1).collect()),
            fc2: stacked(networks.iter().map(|it| &it.fc2).collect()),
        }
    }

    pub(crate) fn replica(&self, index: usize) -> Mlp {
        let of = |layer: &StackedLinear| layer.replica(index).expect("it is in the stack");
        Mlp {
            fc1: of(&self.fc1),
            fc2: of(&self.fc2),
        }
    }

    /// The sum of the replicas' losses in a step of a task.
    pub(crate) fn loss(&self, (task, step): (usize, usize)) -> Tensor<1> {
        let batches = (0..REPLICAS).map(|replica| batch(replica, (task, step)));
        let (inputs, labels): (Vec<_>, Vec<_>) = batches.unzip();
        let hidden = relu(self.fc1.forward(Tensor::stack(inputs, 0)));
        cross_entropy(self.fc2.forward(hidden), Tensor::stack(labels, 0)).sum()
    }
}

/// The loss of one network alone, on the data of a replica.
pub(crate) fn loss_alone(network: &Mlp, replica: usize, at: (usize, usize)) -> Tensor<1> {
    let (inputs, labels) = batch(replica, at);
    network.loss(inputs, labels)
}

/// A network for each replica. They are always the same, drawn on the host, each with another seed.
pub(crate) fn networks() -> Vec<Mlp> {
    (0..REPLICAS as u64).map(network).collect()
}

fn network(seed: u64) -> Mlp {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut layer = |inputs: usize, outputs: usize| Linear {
        weight: Param::from_tensor(matrix(rng, inputs, outputs)),
        bias: Some(Param::from_tensor(
            matrix(rng, 1, outputs).squeeze_dim::<1>(0),
        )),
    };
    Mlp {
        fc1: layer(INPUTS, HIDDEN),
        fc2: layer(HIDDEN, CLASSES),
    }
}

/// The batch of a replica in a step of a task, always the same.
fn batch(replica: usize, (task, step): (usize, usize)) -> (Tensor<2>, Tensor<1, Int>) {
    let seed = 1000 + 100 * replica + 10 * task + step;
    let rng = &mut ChaCha8Rng::seed_from_u64(seed as u64);
    let inputs = matrix(rng, BATCH, INPUTS);
    let labels: Vec<i32> = (0..BATCH)
        .map(|_| rng.random_range(0..CLASSES as i32))
        .collect();
    let labels = Tensor::from_data(TensorData::new(labels, [BATCH]), &device());
    (inputs, labels)
}

fn matrix(rng: &mut ChaCha8Rng, rows: usize, columns: usize) -> Tensor<2> {
    let numbers = (0..rows * columns).map(|_| rng.random_range(-1.0..1.0));
    let numbers = TensorData::new(numbers.collect::<Vec<f32>>(), [rows, columns]);
    Tensor::from_data(numbers, &device())
}
