use core::fmt;

/// The labels that are used for the Fisher information of an example.
///
/// The definition `F = E_{y ~ p(y|x)} (∂ log p(y | x) / ∂θ)²` draws labels from the model's own `p(y | x)`, as
/// [`Exact`](Self::Exact) and [`Sampled`](Self::Sampled) do.
pub enum FisherLabels<'a> {
    /// Every label, weighted by its probability: the exact expectation. Takes one backward pass for each
    /// label of an example.
    Exact,
    /// One label for each example, drawn from `p(y | x)`: right on average, and takes one backward pass.
    /// The function returns random numbers in `[0, 1)` from the caller's generator.
    Sampled(&'a mut dyn FnMut() -> f64),
    /// The label that each example has in the data set, in the order of the examples: the *empirical* Fisher
    /// information. Takes one backward pass. It is a different quantity, which vanishes if the data are fitted
    /// (Kunstner et al. 2019). Much public code for Elastic Weight Consolidation uses it.
    Empirical(&'a mut dyn Iterator<Item = usize>),
}

impl FisherLabels<'_> {
    /// The labels to use for an example whose label y has the probability `probabilities[y]`, each with the weight of
    /// its squared gradient. Labels with probability zero are left out, unless they are the data set's. Empty if the
    /// data set has no more labels, or if its label has no entry in `probabilities`.
    pub fn weighted(&mut self, probabilities: &[f64]) -> Vec<(usize, f64)> {
        // NaN stays, so that it shows in the result.
        let possible = probabilities
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, probability)| *probability != 0.0);
        match self {
            Self::Exact => possible.collect(),
            Self::Sampled(uniform) => {
                // Because of rounding, the draw may exceed the sum of all probabilities. The last label is
                // taken then.
                let total: f64 = probabilities.iter().sum();
                let mut rest = uniform() * total;
                let mut drawn = None;
                for (label, probability) in possible {
                    drawn = Some((label, 1.0));
                    rest -= probability;
                    if rest < 0.0 {
                        break;
                    }
                }
                drawn.into_iter().collect()
            }
            Self::Empirical(labels) => {
                let label = labels.next().filter(|label| *label < probabilities.len());
                label.map(|label| (label, 1.0)).into_iter().collect()
            }
        }
    }
}

impl fmt::Debug for FisherLabels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "Exact",
            Self::Sampled(_) => "Sampled",
            Self::Empirical(_) => "Empirical",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_labels_are_the_possible_ones_with_their_probabilities() {
        let weighted = FisherLabels::Exact.weighted(&[0.25, 0.0, 0.75]);
        assert_eq!(weighted, [(0, 0.25), (2, 0.75)]);
    }

    #[test]
    fn sampled_label_is_where_the_draw_falls_in_the_cumulative_probability() {
        for (draw, label) in [(0.0, 1), (0.24, 1), (0.26, 3), (0.999_999, 3)] {
            let uniform = &mut || draw;
            let weighted = FisherLabels::Sampled(uniform).weighted(&[0.0, 0.25, 0.0, 0.75, 0.0]);
            assert_eq!(weighted, [(label, 1.0)], "drawn {draw}");
        }
    }

    #[test]
    fn empirical_labels_are_those_of_the_data_set_one_per_example() {
        let labels = &mut [1, 0, 7].into_iter();
        let mut labels = FisherLabels::Empirical(labels);
        assert_eq!(labels.weighted(&[0.25, 0.75]), [(1, 1.0)]);
        assert_eq!(labels.weighted(&[0.0, 1.0]), [(0, 1.0)]);
        assert_eq!(labels.weighted(&[0.25, 0.75]), [], "there is no label 7");
        assert_eq!(
            labels.weighted(&[0.25, 0.75]),
            [],
            "there is no fourth label"
        );
    }

    #[test]
    fn probabilities_that_are_not_numbers_are_not_skipped() {
        let [(0, weight)] = FisherLabels::Exact.weighted(&[f64::NAN])[..] else {
            panic!("there is one label");
        };
        assert!(weight.is_nan());
        let weighted = FisherLabels::Sampled(&mut || 0.5).weighted(&[f64::NAN, f64::NAN]);
        assert_eq!(weighted.len(), 1);
    }
}
