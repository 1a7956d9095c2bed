use core::fmt;

use super::FisherLabels;

/// A number that is computed from the outputs z of a model for one example. Its gradient shows which parameters matter.
///
/// [`from_outputs`](super::from_outputs) measures it on a module. [`gradients`](Self::gradients) is for
/// implementations that know a module better, for example its layers.
pub enum Quantity<'a> {
    /// `log p(y)` for labels y, with `p = softmax(z)`. The mean of its squares is the Fisher information, see
    /// [`fisher`](super::fisher()). That of its magnitudes is the absolute Fisher information (Benzing 2022).
    LogLikelihood(FisherLabels<'a>),
    /// `−log p̃(y)` for labels y, with `p̃ = softmax(−z)`: the cross-entropy of the outputs with the opposite sign.
    /// [`FisherLabels`] draws labels from the model's own p.
    ///
    /// A model that is sure of its label has `p(y) ≈ 1`, so its Fisher information vanishes. `p̃(y)` is close to 0
    /// then, and this gradient is large (Liu and Chang 2026).
    ReversedLogLikelihood(FisherLabels<'a>),
    /// `‖z‖²`. It needs no labels. The mean of its magnitudes is what [`sensitivity`](super::sensitivity()) measures.
    SquaredOutputs,
    /// `‖p‖²` with `p = softmax(z)`. It needs no labels, and does not change if all outputs grow by the same amount.
    SquaredProbabilities,
    /// `(max p)²` with `p = softmax(z)`. It needs no labels.
    SquaredConfidence,
}

impl Quantity<'_> {
    /// The gradients `∂ quantity / ∂z` for an example with these `outputs`, each with the weight that the power of the
    /// parameters' gradients is multiplied by.
    ///
    /// For labels there is one gradient for each label that [`FisherLabels`] selects, otherwise one with a weight of 1.
    /// Empty if there are no outputs, or if the data set has no label for the example.
    pub fn gradients(&mut self, outputs: &[f64]) -> Vec<(f64, Vec<f64>)> {
        let Some(largest) = argmax(outputs) else {
            return Vec::new();
        };
        match self {
            Self::LogLikelihood(labels) => {
                let probabilities = softmax(outputs.iter().copied());
                of_labels(labels.weighted(&probabilities), &probabilities)
            }
            Self::ReversedLogLikelihood(labels) => {
                let probabilities = softmax(outputs.iter().copied());
                let reversed = softmax(outputs.iter().map(|output| -output));
                of_labels(labels.weighted(&probabilities), &reversed)
            }
            Self::SquaredOutputs => {
                vec![(1.0, outputs.iter().map(|output| 2.0 * output).collect())]
            }
            Self::SquaredProbabilities => {
                let probabilities = softmax(outputs.iter().copied());
                let norm: f64 = probabilities.iter().map(|p| p * p).sum();
                let gradient = probabilities.iter().map(|p| 2.0 * p * (p - norm));
                vec![(1.0, gradient.collect())]
            }
            Self::SquaredConfidence => {
                let probabilities = softmax(outputs.iter().copied());
                let confidence = probabilities[largest];
                let mut gradient = of_label(largest, &probabilities);
                for slope in &mut gradient {
                    *slope *= 2.0 * confidence * confidence;
                }
                vec![(1.0, gradient)]
            }
        }
    }
}

impl fmt::Debug for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogLikelihood(labels) => write!(f, "LogLikelihood({labels:?})"),
            Self::ReversedLogLikelihood(labels) => write!(f, "ReversedLogLikelihood({labels:?})"),
            Self::SquaredOutputs => f.write_str("SquaredOutputs"),
            Self::SquaredProbabilities => f.write_str("SquaredProbabilities"),
            Self::SquaredConfidence => f.write_str("SquaredConfidence"),
        }
    }
}

/// The place of the largest number, the first one if there are several.
fn argmax(numbers: &[f64]) -> Option<usize> {
    (0..numbers.len()).reduce(|best, place| {
        if numbers[place] > numbers[best] {
            place
        } else {
            best
        }
    })
}

/// `exp zᵢ / Σ exp z`, without overflow.
fn softmax(outputs: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let largest = outputs.clone().fold(f64::NEG_INFINITY, f64::max);
    let mut probabilities: Vec<f64> = outputs.map(|output| (output - largest).exp()).collect();
    let total: f64 = probabilities.iter().sum();
    for probability in &mut probabilities {
        *probability /= total;
    }
    probabilities
}

/// `e_y − p`: the gradient of `log p(y)` if `p = softmax(z)`, and that of `−log p(y)` if `p = softmax(−z)`.
fn of_label(label: usize, probabilities: &[f64]) -> Vec<f64> {
    let mut gradient: Vec<f64> = probabilities.iter().map(|p| -p).collect();
    gradient[label] += 1.0;
    gradient
}

/// The gradient of each label, with its weight.
fn of_labels(weighted: Vec<(usize, f64)>, probabilities: &[f64]) -> Vec<(f64, Vec<f64>)> {
    let weighted = weighted.into_iter();
    weighted
        .map(|(label, weight)| (weight, of_label(label, probabilities)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUTS: [f64; 3] = [0.5, -1.2, 2.0];

    /// Central differences of `quantity` at [`OUTPUTS`].
    fn differences(quantity: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        let step = 1e-5;
        let shifted = |place: usize, step: f64| {
            let mut outputs = OUTPUTS;
            outputs[place] += step;
            quantity(&outputs)
        };
        (0..OUTPUTS.len())
            .map(|place| (shifted(place, step) - shifted(place, -step)) / (2.0 * step))
            .collect()
    }

    fn probabilities(outputs: &[f64], sign: f64) -> Vec<f64> {
        let total: f64 = outputs.iter().map(|it| (sign * it).exp()).sum();
        let each = outputs.iter().map(|it| (sign * it).exp() / total);
        each.collect()
    }

    fn assert_close(actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len());
        let is_close = |(actual, expected): (&f64, &f64)| (actual - expected).abs() < 1e-8;
        let is_close = actual.iter().zip(expected).all(is_close);
        assert!(is_close, "{actual:?} is not {expected:?}");
    }

    #[test]
    fn gradients_of_quantities_without_labels_match_finite_differences() {
        let squares = |numbers: &[f64]| numbers.iter().map(|it| it * it).sum::<f64>();
        type Formula<'a> = &'a dyn Fn(&[f64]) -> f64;
        let cases: [(Quantity<'_>, Formula<'_>); 3] = [
            (Quantity::SquaredOutputs, &squares),
            (Quantity::SquaredProbabilities, &|z| {
                squares(&probabilities(z, 1.0))
            }),
            (Quantity::SquaredConfidence, &|z| {
                probabilities(z, 1.0)[2].powi(2)
            }),
        ];
        for (mut quantity, formula) in cases {
            let found = quantity.gradients(&OUTPUTS);
            let [(1.0, gradient)] = &found[..] else {
                panic!("{quantity:?} has {found:?}");
            };
            assert_close(gradient, &differences(formula));
        }
    }

    #[test]
    fn gradients_of_likelihoods_match_finite_differences_for_every_label() {
        let p = probabilities(&OUTPUTS, 1.0);
        let found = Quantity::LogLikelihood(FisherLabels::Exact).gradients(&OUTPUTS);
        let reversed = Quantity::ReversedLogLikelihood(FisherLabels::Exact).gradients(&OUTPUTS);
        assert_eq!((found.len(), reversed.len()), (3, 3));
        for (label, (weight, gradient)) in found.iter().enumerate() {
            assert!((weight - p[label]).abs() < 1e-12);
            let likelihood = |z: &[f64]| probabilities(z, 1.0)[label].ln();
            assert_close(gradient, &differences(likelihood));
        }
        for (label, (weight, gradient)) in reversed.iter().enumerate() {
            // The model's own labels, not those of the reversed outputs.
            assert!((weight - p[label]).abs() < 1e-12);
            let cross_entropy = |z: &[f64]| -probabilities(z, -1.0)[label].ln();
            assert_close(gradient, &differences(cross_entropy));
        }
    }

    #[test]
    fn a_sure_model_has_no_fisher_information_but_reversed_information() {
        let outputs = [60.0, 0.0];
        let of = |mut quantity: Quantity<'_>| quantity.gradients(&outputs)[0].1[0].abs();
        let [mut labels, mut same] = [[0].into_iter(), [0].into_iter()];
        let plain = Quantity::LogLikelihood(FisherLabels::Empirical(&mut labels));
        let reversed = Quantity::ReversedLogLikelihood(FisherLabels::Empirical(&mut same));
        assert!(of(plain) < 1e-20);
        assert!(of(reversed) > 0.999);
    }

    #[test]
    fn large_outputs_do_not_overflow() {
        for quantity in [
            Quantity::LogLikelihood(FisherLabels::Exact),
            Quantity::ReversedLogLikelihood(FisherLabels::Exact),
            Quantity::SquaredProbabilities,
            Quantity::SquaredConfidence,
        ] {
            let mut quantity = quantity;
            for (_, gradient) in quantity.gradients(&[1e30, -1e30, 0.0]) {
                assert!(gradient.iter().all(|it| it.is_finite()), "{quantity:?}");
            }
        }
    }

    #[test]
    fn an_example_without_outputs_or_without_a_label_has_no_gradient() {
        assert!(Quantity::SquaredOutputs.gradients(&[]).is_empty());
        let mut labels = [3].into_iter();
        let mut quantity = Quantity::LogLikelihood(FisherLabels::Empirical(&mut labels));
        assert!(
            quantity.gradients(&OUTPUTS).is_empty(),
            "there is no label 3"
        );
    }
}
