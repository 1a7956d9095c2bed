use core::fmt;

/// The labels over which the Fisher information of an example is taken.
///
/// Either way they are of the model's own `p(y | x)`, as the definition `F = E_{y ~ p(y|x)} (∂ log p)²`
/// has it. The labels of the data set have no part in it: squares of the training loss's gradients
/// are the *empirical* Fisher information, which vanishes where the data are fitted, and so says
/// something else (Kunstner et al. 2019).
pub enum Labels<'a> {
    /// Every label, weighted by its probability: the exact expectation. One pass backwards for each
    /// label of an example.
    Exact,
    /// One label for each example, drawn from `p(y | x)`: right on average, for one pass backwards.
    /// The function gives numbers in `[0, 1)`, from the caller's generator.
    Sampled(&'a mut dyn FnMut() -> f64),
}

impl Labels<'_> {
    /// The labels of an example whose label y has the probability `probabilities[y]`, each with the
    /// weight of its squared gradient. Labels of probability zero are not among them.
    pub fn weighted(&mut self, probabilities: &[f64]) -> Vec<(usize, f64)> {
        // What is not a number stays, to be seen in the result.
        let possible = probabilities
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, probability)| *probability != 0.0);
        match self {
            Self::Exact => possible.collect(),
            Self::Sampled(uniform) => {
                // Rounded probabilities may sum to less than 1: then the draw can pass them all, and
                // the last label stands.
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
        }
    }
}

impl fmt::Debug for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "Exact",
            Self::Sampled(_) => "Sampled",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_labels_are_those_that_are_possible_with_their_probabilities() {
        let weighted = Labels::Exact.weighted(&[0.25, 0.0, 0.75]);
        assert_eq!(weighted, [(0, 0.25), (2, 0.75)]);
    }

    #[test]
    fn sampled_label_is_where_the_draw_falls_in_the_cumulative_probability() {
        for (draw, label) in [(0.0, 1), (0.24, 1), (0.26, 3), (0.999_999, 3)] {
            let uniform = &mut || draw;
            let weighted = Labels::Sampled(uniform).weighted(&[0.0, 0.25, 0.0, 0.75, 0.0]);
            assert_eq!(weighted, [(label, 1.0)], "drawn {draw}");
        }
    }

    #[test]
    fn probabilities_that_are_not_numbers_are_not_passed_over() {
        let [(0, weight)] = Labels::Exact.weighted(&[f64::NAN])[..] else {
            panic!("there is one label");
        };
        assert!(weight.is_nan());
        let weighted = Labels::Sampled(&mut || 0.5).weighted(&[f64::NAN, f64::NAN]);
        assert_eq!(weighted.len(), 1);
    }
}
