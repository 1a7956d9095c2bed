use si_core::QuadraticPenaltyConfig;
use si_core::importance::{Power, Quantity};

use super::method::{Method, Parameter, Range, chosen};
use super::{Anchor, Measure, Parts};

/// Memory Aware Synapses.
pub(crate) static MAS: Method = Method {
    key: "mas",
    title: "Memory Aware Synapses",
    label: "mas",
    source: "Aljundi et al. 2018",
    summary: "importance is how much the outputs change at a task's end; no labels are needed",
    parameters: &[
        Parameter {
            key: "lambda",
            symbol: "λ",
            summary: "strength of the penalty λ Σ Ω (θ − θ̃)²",
            range: Range::Positive,
            default: Some(|_| 1.0),
            is_strength: true,
            search: |_| &[0.01, 0.1, 1.0, 10.0, 100.0, 1e3],
        },
        OF,
    ],
    parts: |values| {
        let quantity = chosen(values, &OF, QUANTITIES);
        Parts {
            anchor: Some(Anchor {
                penalty: QuadraticPenaltyConfig::mas(values["lambda"]),
                measure: Measure::at_end(move |network, examples| {
                    let (images, outputs) = (examples.images, examples.outputs);
                    network.importance(images, outputs, quantity(), Power::Magnitude)
                }),
            }),
            ..Parts::default()
        }
    },
};

/// What the importance is the change of. The paper has the outputs; Benzing (2022) compares the others. Their importance
/// is smaller, so the paper's strength does not fit them: Benzing has 500 on permuted MNIST and 200 on split CIFAR for the
/// probabilities.
const OF: Parameter = Parameter {
    key: "of",
    symbol: "of",
    summary: "what is measured: the outputs, the probabilities, or the largest probability",
    range: Range::OneOf(&["outputs", "probabilities", "confidence"]),
    default: Some(|_| 0.0),
    is_strength: false,
    search: |_| &[],
};

const QUANTITIES: [fn() -> Quantity<'static>; 3] = [
    || Quantity::SquaredOutputs,
    || Quantity::SquaredProbabilities,
    || Quantity::SquaredConfidence,
];
