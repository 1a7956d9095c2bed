use burn::tensor::{Int, Tensor, TensorData, activation};
use si_core::Importance;
use si_core::importance::FisherLabels;

use super::Mlp;

impl Mlp {
    /// The Fisher information of the images about the parameters, like
    /// [`importance::fisher`](si_core::importance::fisher()), but one batch at a time.
    ///
    /// `batches` are `[batch, inputs]`; all images have the same weight, whatever the batches. `mask`, `[outputs]`, is
    /// added to the logits; labels whose probability becomes 0 are skipped. The probabilities are read from the device
    /// once per batch. There is a backward pass over the batch for each label with [`FisherLabels::Exact`], and one in
    /// total with [`FisherLabels::Sampled`].
    pub fn fisher(
        &self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        mask: Option<Tensor<1>>,
        mut labels: FisherLabels<'_>,
    ) -> Importance {
        let log_likelihood = |logits: Tensor<2>| {
            let logits = match &mask {
                Some(mask) => logits + mask.clone().unsqueeze(),
                None => logits,
            };
            activation::log_softmax(logits, 1)
        };
        self.mean_over(batches, |constant, images| {
            let trace = constant.trace(images.clone());
            let probabilities = probabilities(log_likelihood(trace.logits.clone()));
            let mut trace = Some(trace);
            let weighted: Vec<_> = probabilities.iter().map(|it| labels.weighted(it)).collect();
            let mut factors = Vec::new();
            for round in 0..weighted.iter().map(Vec::len).max().unwrap_or(0) {
                // An image with fewer labels gets weight zero in the remaining rounds.
                let chosen = weighted.iter().map(|it| it.get(round).copied());
                let chosen: Vec<_> = chosen.map(Option::unwrap_or_default).collect();
                let trace = trace
                    .take()
                    .unwrap_or_else(|| constant.trace(images.clone()));
                let likelihood = log_likelihood(trace.logits.clone());
                let (labels, weights) = columns(&chosen, &likelihood);
                let total = likelihood.gather(1, labels).sum();
                trace.add(total, &weights, |it| it.square(), &mut factors);
            }
            factors
        })
    }
}

/// The probabilities of each image's labels, from `[batch, outputs]`.
fn probabilities(log_likelihood: Tensor<2>) -> Vec<Vec<f64>> {
    let [_, outputs] = log_likelihood.dims();
    let probabilities = log_likelihood.inner().exp().into_data();
    let probabilities: Vec<f64> = probabilities.iter().collect();
    probabilities.chunks(outputs).map(<[_]>::to_vec).collect()
}

/// Labels and their weights, each `[batch, 1]`, on the device and in the precision of `like`.
fn columns(chosen: &[(usize, f64)], like: &Tensor<2>) -> (Tensor<2, Int>, Tensor<2>) {
    let column = [chosen.len(), 1];
    let labels: Vec<i32> = chosen.iter().map(|(label, _)| *label as i32).collect();
    let labels = Tensor::from_data(TensorData::new(labels, column), &like.device());
    let weights: Vec<f64> = chosen.iter().map(|(_, weight)| *weight).collect();
    let options = (&like.device().inner(), like.dtype());
    let weights = Tensor::from_data(TensorData::new(weights, column), options);
    (labels, weights)
}

#[cfg(test)]
mod tests;
