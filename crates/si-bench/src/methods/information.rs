//! The kinds of Fisher information that methods measure.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Int, Tensor, TensorData};
use si_core::importance::{self, FisherLabels, Power, Quantity};
use si_core::{Error, Importance};

use super::Examples;
use super::method::{Parameter, Range, Values, chosen};
use crate::experiment::{self, ExperimentConfig};
use crate::model::Network;

/// The labels of Fisher information, or that the gradients of minibatches are squared.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Exact,
    Sampled,
    Empirical,
    /// Not Fisher information: gradients of different images cancel before they are squared. Much public code uses it.
    Batched,
}

const KINDS: [Kind; 4] = [Kind::Exact, Kind::Sampled, Kind::Empirical, Kind::Batched];

/// The kind of the information. By default the labels of the config.
pub(super) const KIND: Parameter = Parameter {
    key: "fisher",
    symbol: "F",
    summary: "kind of Fisher information, for this method instead of --fisher-labels (batched squares the mean gradients of minibatches)",
    range: Range::OneOf(&["exact", "sampled", "empirical", "batched"]),
    default: Some(of_config),
    is_strength: false,
    search: |_| &[],
};

/// [`KIND`], by default `batched`.
pub(super) const KIND_BATCHED: Parameter = Parameter {
    summary: "kind of Fisher information (batched squares the mean gradients of minibatches)",
    default: Some(|_| Kind::Batched as usize as f64),
    ..KIND
};

fn of_config(config: &ExperimentConfig) -> f64 {
    let kind = match config.fisher_labels {
        experiment::FisherLabels::Exact => Kind::Exact,
        experiment::FisherLabels::Sampled => Kind::Sampled,
    };
    kind as usize as f64
}

/// The outputs whose likelihood is differentiated.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outputs {
    /// The network's own.
    Plain,
    /// Those with the opposite sign.
    Reversed,
}

/// Measures the mean of a power of the gradient of the likelihood, in the kind that `values` has.
pub(super) fn information(
    values: &Values,
    outputs: Outputs,
    power: Power,
) -> impl Fn(&Network, Examples<'_>) -> Result<Importance, Error> + use<> {
    let kind = chosen(values, &KIND, KINDS);
    move |network, examples| {
        let mut data = examples.labels.clone().into_iter();
        let labels = match kind {
            Kind::Exact => FisherLabels::Exact,
            Kind::Sampled => FisherLabels::Sampled(examples.uniform),
            Kind::Empirical => FisherLabels::Empirical(&mut data),
            Kind::Batched => return batched(network, examples, outputs, power),
        };
        let quantity = match outputs {
            Outputs::Plain => Quantity::LogLikelihood(labels),
            Outputs::Reversed => Quantity::ReversedLogLikelihood(labels),
        };
        network.importance(examples.images, examples.outputs, quantity, power)
    }
}

/// The mean over minibatches of a power of the gradient of their mean loss.
fn batched(
    network: &Network,
    examples: Examples<'_>,
    outputs: Outputs,
    power: Power,
) -> Result<Importance, Error> {
    // Images are drawn when their minibatch is due, because drawing them reports the progress.
    let mut drawn: Option<Tensor<2>> = None;
    let batches = examples
        .labels
        .chunks(examples.batch_size)
        .map_while(|labels| {
            let size = labels.len();
            let mut images = drawn.take();
            while images.as_ref().map_or(0, |it| it.dims()[0]) < size {
                let more = examples.images.next()?;
                images = Some(match images {
                    Some(images) => Tensor::cat(vec![images, more], 0),
                    None => more,
                });
            }
            let images = images?;
            let num_left = images.dims()[0] - size;
            if num_left > 0 {
                drawn = Some(images.clone().narrow(0, size, num_left));
            }
            Some((images.narrow(0, 0, size), labels))
        });
    let loss = |network: &Network, (images, labels): &(Tensor<2>, &[usize])| {
        let logits = network.forward(images.clone().inner().autodiff());
        let logits = logits.slice([0..labels.len(), examples.outputs.clone()]);
        let logits = match outputs {
            Outputs::Plain => logits,
            Outputs::Reversed => logits.neg(),
        };
        let labels: Vec<i32> = labels.iter().map(|label| *label as i32).collect();
        let labels = TensorData::new(labels, [logits.dims()[0]]);
        let labels = Tensor::<1, Int>::from_data(labels, &logits.device());
        let cross_entropy = CrossEntropyLossConfig::new().init(&logits.device());
        cross_entropy.forward(logits, labels)
    };
    importance::from_gradients(network, batches, loss, power)
}

#[cfg(test)]
mod tests;
