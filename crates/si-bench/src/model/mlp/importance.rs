use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use si_core::importance::{Power, Quantity};
use si_core::{Error, Importance};

use super::Mlp;

impl Mlp {
    /// The importance of the parameters for a quantity of the `outputs`, like
    /// [`importance::from_outputs`](si_core::importance::from_outputs), but one batch at a time.
    ///
    /// `batches` are `[batch, inputs]`; all images have the same weight, whatever the batches. The quantity sees only the
    /// logits at `outputs`. The logits are read from the device once per batch. There is a backward pass
    /// over the batch for each label with [`FisherLabels::Exact`](si_core::importance::FisherLabels), otherwise one in
    /// total.
    ///
    /// # Errors
    ///
    /// [`Error::Importance`], which names the image, if a logit is not finite or if the quantity has no label for it.
    pub fn importance(
        &self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        outputs: Range<usize>,
        mut quantity: Quantity<'_>,
        power: Power,
    ) -> Result<Importance, Error> {
        // Outside autodiff, so that the backward passes stop at each layer's outputs.
        let constant = self.valid();
        let mut importance = Importance::default();
        let mut num_images = 0_usize;
        for images in batches {
            let images = images.inner();
            let trace = constant.trace(images.clone());
            let mut weighted = Vec::new();
            for logits in rows(trace.logits.clone()) {
                let seen = &logits[outputs.clone()];
                let is_finite = seen.iter().all(|logit| logit.is_finite());
                let gradients = is_finite.then(|| quantity.gradients(seen));
                let gradients = gradients.filter(|gradients| !gradients.is_empty());
                weighted.push(gradients.ok_or_else(|| unusable(num_images, seen))?);
                num_images += 1;
            }
            let mut trace = Some(trace);
            let mut factors = Vec::new();
            for round in 0..weighted.iter().map(Vec::len).max().unwrap_or(0) {
                // A backward pass consumes its graph, so the next round needs a new one.
                let trace = trace
                    .take()
                    .unwrap_or_else(|| constant.trace(images.clone()));
                // An image with fewer labels gets weight zero in the remaining rounds.
                let chosen: Vec<_> = weighted.iter().map(|it| it.get(round)).collect();
                let (weights, gradients) = of_round(&chosen, outputs.start, &trace.logits);
                let total = (trace.logits.clone() * gradients).sum();
                trace.add(total, &weights, elementwise(power), &mut factors);
            }
            for (layer, factors) in self.layers().zip(factors) {
                factors.add_to(&mut importance, layer);
            }
        }
        Ok(importance.scale(1.0 / num_images.max(1) as f64))
    }
}

fn unusable(image: usize, outputs: &[f64]) -> Error {
    Error::Importance(format!(
        "image {image} has the outputs {outputs:?}: the network has diverged, or there is no label for the image"
    ))
}

/// The logits of each image, from `[batch, outputs]`.
fn rows(logits: Tensor<2>) -> Vec<Vec<f64>> {
    let [_, outputs] = logits.dims();
    let logits: Vec<f64> = logits.inner().into_data().iter().collect();
    logits.chunks(outputs).map(<[_]>::to_vec).collect()
}

/// A weight, `[batch, 1]`, and a gradient at the logits, `[batch, outputs]`, for each image, on the device and in the
/// precision of `logits`. The gradients that are given begin at the output `first`; those of other outputs are zero.
fn of_round(
    chosen: &[Option<&(f64, Vec<f64>)>],
    first: usize,
    logits: &Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let [batch, num_outputs] = logits.dims();
    let mut weights = vec![0.0; batch];
    let mut gradients = vec![0.0; batch * num_outputs];
    for (image, chosen) in chosen.iter().enumerate() {
        if let Some((weight, gradient)) = chosen {
            weights[image] = *weight;
            let start = image * num_outputs + first;
            gradients[start..start + gradient.len()].copy_from_slice(gradient);
        }
    }
    let options = (&logits.device().inner(), logits.dtype());
    (
        Tensor::from_data(TensorData::new(weights, [batch, 1]), options),
        Tensor::from_data(TensorData::new(gradients, [batch, num_outputs]), options),
    )
}

fn elementwise(power: Power) -> fn(Tensor<2>) -> Tensor<2> {
    match power {
        Power::Square => |it| it.square(),
        Power::Magnitude => |it| it.abs(),
    }
}

#[cfg(test)]
mod tests;
