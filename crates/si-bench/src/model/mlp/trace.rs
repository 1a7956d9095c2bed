use burn::nn::Linear;
use burn::tensor::Tensor;
use si_core::Importance;

use super::Mlp;

impl Mlp {
    /// A forward pass of a module outside autodiff. The backward pass gives gradients at each layer's outputs.
    pub(super) fn trace(&self, images: Tensor<2>) -> Trace {
        let mut layers = Vec::new();
        let mut outputs = images;
        for (index, layer) in self.layers().enumerate() {
            let inputs = match index {
                0 => outputs,
                _ => self.units.outputs(outputs),
            };
            let sums = layer.forward(inputs.clone());
            let options = (&sums.device().inner(), sums.dtype());
            let probe = Tensor::zeros(sums.dims(), options)
                .autodiff()
                .require_grad();
            outputs = sums + probe.clone();
            layers.push(LayerTrace {
                inputs: inputs.inner(),
                probe,
            });
        }
        Trace {
            layers,
            logits: outputs,
        }
    }
}

/// What a forward pass over a batch stores for the backward pass.
///
/// For one example, the gradient of a dense layer's weights is the product `a δᵀ`: a are the layer's inputs, δ is the
/// gradient with respect to its outputs. So the sum over a batch of squares, or of magnitudes, is one matrix product:
/// `Σ a² (δ²)ᵀ`, or `Σ |a| |δ|ᵀ`. δ comes from a backward pass over the whole batch.
pub(super) struct Trace {
    /// From input to output.
    layers: Vec<LayerTrace>,
    /// `[batch, outputs]`.
    pub(super) logits: Tensor<2>,
}

struct LayerTrace {
    /// a, `[batch, inputs]`, outside autodiff.
    inputs: Tensor<2>,
    /// Zeros that were added to the layer's outputs. So their gradient is δ, `[batch, outputs]`.
    probe: Tensor<2>,
}

/// The square or the magnitude, element by element.
pub(super) type Power = fn(Tensor<2>) -> Tensor<2>;

impl Trace {
    /// Adds the power of each example's gradient of `total`, `[1]`, multiplied by its weight, `[batch, 1]`. `total` is a
    /// sum over the examples.
    pub(super) fn add(
        self,
        total: Tensor<1>,
        weights: &Tensor<2>,
        power: Power,
        factors: &mut Vec<Factors>,
    ) {
        let mut grads = total.backward();
        for (index, layer) in self.layers.into_iter().enumerate() {
            let delta = layer.probe.grad_remove(&mut grads);
            let delta = delta.expect("every layer's outputs are in the graph");
            let weighted = power(delta) * weights.clone();
            match factors.get_mut(index) {
                Some(Factors { deltas, .. }) => *deltas = deltas.clone() + weighted,
                None => factors.push(Factors {
                    inputs: power(layer.inputs),
                    deltas: weighted,
                }),
            }
        }
    }
}

/// The two factors of the product that gives a layer's importance, over a batch.
pub(super) struct Factors {
    /// The power of a, `[batch, inputs]`.
    inputs: Tensor<2>,
    /// The power of δ, weighted and summed, `[batch, outputs]`.
    deltas: Tensor<2>,
}

impl Factors {
    /// Adds the sum over the batch to the importance of the layer's parameters that are trained.
    pub(super) fn add_to(self, importance: &mut Importance, layer: &Linear) {
        if let Some(bias) = layer.bias.as_ref().filter(|bias| bias.is_require_grad()) {
            importance.add(bias.id, self.deltas.clone().sum_dim(0).squeeze_dim::<1>(0));
        }
        if layer.weight.is_require_grad() {
            importance.add(layer.weight.id, self.inputs.transpose().matmul(self.deltas));
        }
    }
}
