use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Int, Tensor, TensorData, activation};
use si_core::Fisher;
use si_core::ewc::FisherLabels;

use super::Mlp;

impl Mlp {
    /// The Fisher information of the images about the parameters, like [`Fisher::estimate`], but one batch at a time.
    ///
    /// For one example, the gradient of a dense layer's weights is the product `a δᵀ`: a are the layer's inputs, δ is
    /// the gradient of the log-likelihood with respect to its outputs. So the sum of squares over a batch is one matrix
    /// product, `Σ a² (δ²)ᵀ`. δ comes from a backward pass over the whole batch: one for each label with
    /// [`FisherLabels::Exact`], one in total with [`FisherLabels::Sampled`].
    ///
    /// `batches` are `[batch, inputs]`; all images have the same weight, whatever the batches.
    /// `mask`, `[outputs]`, is added to the logits; labels whose probability becomes 0 are skipped.
    /// The probabilities are read from the device once per batch.
    pub fn fisher(
        &self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        mask: Option<Tensor<1>>,
        mut labels: FisherLabels<'_>,
    ) -> Fisher {
        // Outside autodiff, so that the backward passes stop at each layer's outputs.
        let constant = self.valid();
        let mut fisher = Fisher::default();
        let mut num_images = 0;
        for images in batches {
            let images = images.inner();
            let [batch, _] = images.dims();
            num_images += batch;
            let mut trace = Some(constant.trace(images.clone(), mask.as_ref()));
            let probabilities = trace
                .iter()
                .flat_map(Trace::probabilities)
                .collect::<Vec<_>>();
            let weighted: Vec<_> = probabilities.iter().map(|it| labels.weighted(it)).collect();
            let mut squares = Vec::new();
            for round in 0..weighted.iter().map(Vec::len).max().unwrap_or(0) {
                // An image with fewer labels gets weight zero in the remaining rounds.
                let chosen = weighted.iter().map(|it| it.get(round).copied());
                let chosen: Vec<_> = chosen.map(Option::unwrap_or_default).collect();
                let trace = trace
                    .take()
                    .unwrap_or_else(|| constant.trace(images.clone(), mask.as_ref()));
                trace.add_squares(&chosen, &mut squares);
            }
            for (layer, squares) in self.layers().zip(squares) {
                squares.add_to(&mut fisher, layer);
            }
        }
        fisher.scale(1.0 / num_images.max(1) as f64)
    }

    /// A forward pass of a module outside autodiff. The backward pass gives gradients at each layer's outputs.
    fn trace(&self, images: Tensor<2>, mask: Option<&Tensor<1>>) -> Trace {
        let mut layers = Vec::new();
        let mut outputs = images;
        for (index, layer) in self.layers().enumerate() {
            let inputs = match index {
                0 => outputs,
                _ => self.activate(outputs),
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
        let logits = match mask {
            Some(mask) => outputs + mask.clone().unsqueeze(),
            None => outputs,
        };
        Trace {
            layers,
            log_likelihood: activation::log_softmax(logits, 1),
        }
    }
}

/// What a forward pass stores for the backward pass.
struct Trace {
    /// From input to output.
    layers: Vec<LayerTrace>,
    /// log p(y | x), `[batch, outputs]`.
    log_likelihood: Tensor<2>,
}

struct LayerTrace {
    /// a, `[batch, inputs]`, outside autodiff.
    inputs: Tensor<2>,
    /// Zeros that were added to the layer's outputs. So their gradient is δ, `[batch, outputs]`.
    probe: Tensor<2>,
}

impl Trace {
    /// The probabilities of each image's labels.
    fn probabilities(&self) -> Vec<Vec<f64>> {
        let [_, outputs] = self.log_likelihood.dims();
        let probabilities = self.log_likelihood.clone().inner().exp().into_data();
        let probabilities: Vec<f64> = probabilities.iter().collect();
        probabilities.chunks(outputs).map(<[_]>::to_vec).collect()
    }

    /// Adds to each layer's squares those of one label per image, which is given with its weight.
    fn add_squares(self, chosen: &[(usize, f64)], squares: &mut Vec<LayerSquares>) {
        let likelihood = &self.log_likelihood;
        let column = [chosen.len(), 1];
        let labels: Vec<i32> = chosen.iter().map(|(label, _)| *label as i32).collect();
        let labels = TensorData::new(labels, column);
        let labels = Tensor::<2, Int>::from_data(labels, &likelihood.device());
        let weights: Vec<f64> = chosen.iter().map(|(_, weight)| *weight).collect();
        let options = (&likelihood.device().inner(), likelihood.dtype());
        let weights = Tensor::<2>::from_data(TensorData::new(weights, column), options);

        let mut grads = likelihood.clone().gather(1, labels).sum().backward();
        for (index, layer) in self.layers.into_iter().enumerate() {
            let Some(delta) = layer.probe.grad_remove(&mut grads) else {
                continue;
            };
            let weighted = delta.square() * weights.clone();
            match squares.get_mut(index) {
                Some(LayerSquares { deltas, .. }) => *deltas = deltas.clone() + weighted,
                None => squares.push(LayerSquares {
                    inputs: layer.inputs.square(),
                    deltas: weighted,
                }),
            }
        }
    }
}

/// The two factors of the product that gives a layer's information, over a batch.
struct LayerSquares {
    /// a², `[batch, inputs]`.
    inputs: Tensor<2>,
    /// δ², weighted and summed over the labels, `[batch, outputs]`.
    deltas: Tensor<2>,
}

impl LayerSquares {
    fn add_to(self, fisher: &mut Fisher, layer: &Linear) {
        if let Some(bias) = layer.bias.as_ref().filter(|bias| bias.is_require_grad()) {
            fisher.add(bias.id, self.deltas.clone().sum_dim(0).squeeze_dim::<1>(0));
        }
        if layer.weight.is_require_grad() {
            fisher.add(layer.weight.id, self.inputs.transpose().matmul(self.deltas));
        }
    }
}

#[cfg(test)]
mod tests;
