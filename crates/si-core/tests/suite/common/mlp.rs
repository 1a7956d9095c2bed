use burn::module::{Module, Param};
use burn::nn::{Linear, loss::CrossEntropyLossConfig};
use burn::prelude::*;
use burn::tensor::activation::relu;

/// A perceptron with one hidden layer.
#[derive(Module, Debug)]
pub(crate) struct Mlp {
    pub(crate) fc1: Linear,
    pub(crate) fc2: Linear,
}

impl Mlp {
    /// Shapes: `[batch, inputs]` to `[batch, classes]`.
    pub(crate) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.fc2.forward(relu(self.fc1.forward(x)))
    }

    pub(crate) fn loss(&self, x: Tensor<2>, y: Tensor<1, Int>) -> Tensor<1> {
        let logits = self.forward(x);
        let device = logits.device();
        CrossEntropyLossConfig::new()
            .init(&device)
            .forward(logits, y)
    }

    #[allow(dead_code, reason = "some test programs need only some of these")]
    pub(crate) fn bias(layer: &Linear) -> &Param<Tensor<1>> {
        layer.bias.as_ref().expect("the layer has a bias")
    }
}
