use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::Linear;
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::activation::{log_softmax, tanh};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::common::values;
use crate::forks::data::{CLASSES, Example, INPUTS, device};

/// A body and two heads. Each example uses one head.
#[derive(Module, Debug)]
pub(crate) struct Network {
    body: Linear,
    heads: Vec<Linear>,
}

impl Network {
    /// Always the same numbers, drawn on the host.
    pub(crate) fn new(hidden: usize) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let mut layer = |inputs: usize, outputs: usize| Linear {
            weight: Param::from_tensor(matrix(rng, inputs, outputs)),
            bias: Some(Param::from_tensor(matrix(rng, 1, outputs).squeeze_dim(0))),
        };
        Self {
            body: layer(INPUTS, hidden),
            heads: vec![layer(hidden, CLASSES), layer(hidden, CLASSES)],
        }
    }

    /// The gradients of the mean loss over `examples`. A head that no example uses has no gradient.
    pub(crate) fn gradients(&self, examples: &[Example]) -> GradientsParams {
        let losses = (0..self.heads.len()).filter_map(|head| {
            let of_head: Vec<_> = examples.iter().filter(|it| it.head == head).collect();
            (!of_head.is_empty()).then(|| self.loss(head, &of_head))
        });
        let loss = losses
            .reduce(|sum, loss| sum + loss)
            .expect("a share has examples");
        let loss = loss / examples.len() as f64;
        GradientsParams::from_grads(loss.backward(), self)
    }

    /// The sum of the losses of one head's examples, `[1]`.
    fn loss(&self, head: usize, examples: &[&Example]) -> Tensor<1> {
        let inputs: Vec<f32> = examples.iter().flat_map(|it| it.input).collect();
        let one_hot = |label| (0..CLASSES).map(move |class| f32::from(class == label));
        let labels: Vec<f32> = examples.iter().flat_map(|it| one_hot(it.label)).collect();
        let labels = Tensor::<2>::from_data(
            TensorData::new(labels, [examples.len(), CLASSES]),
            &device(),
        );
        let inputs = TensorData::new(inputs, [examples.len(), INPUTS]);
        let log_likelihoods = self.log_likelihoods(head, Tensor::from_data(inputs, &device()));
        (log_likelihoods * labels).sum().neg()
    }

    /// The logarithm of each label's probability, `[labels]`.
    pub(crate) fn log_likelihood(&self, example: &Example) -> Tensor<1> {
        let input = Tensor::<2>::from_floats([example.input], &device());
        self.log_likelihoods(example.head, input).squeeze_dim(0)
    }

    /// Shapes: `[batch, inputs]` to `[batch, labels]`.
    fn log_likelihoods(&self, head: usize, inputs: Tensor<2>) -> Tensor<2> {
        let hidden = tanh(self.body.forward(inputs));
        log_softmax(self.heads[head].forward(hidden), 1)
    }

    /// The values of the parameter at `path`.
    pub(crate) fn numbers(&self, path: &str) -> Vec<f64> {
        struct Find<'a> {
            path: Vec<String>,
            wanted: &'a str,
            found: Vec<f64>,
        }
        impl ModuleVisitor for Find<'_> {
            fn enter_module(&mut self, name: &str, _container_type: &str) {
                self.path.push(name.to_string());
            }

            fn exit_module(&mut self, _name: &str, _container_type: &str) {
                self.path.pop();
            }

            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if self.path.join(".") == self.wanted {
                    self.found = values(param.val());
                }
            }
        }
        let mut find = Find {
            path: Vec::new(),
            wanted: path,
            found: Vec::new(),
        };
        self.visit(&mut find);
        find.found
    }
}

fn matrix(rng: &mut ChaCha8Rng, rows: usize, columns: usize) -> Tensor<2> {
    let numbers = (0..rows * columns).map(|_| rng.random_range(-1.0..1.0));
    let numbers = TensorData::new(numbers.collect::<Vec<f32>>(), [rows, columns]);
    Tensor::from_data(numbers, &device())
}
