use std::ops::Range;

use burn::tensor::{Tensor, activation};

use crate::model::Output;

/// A loss that compares the network with a frozen copy of it, on the images of the task that is learnt now.
///
/// The copy is the network at the end of the task before. There is none, and no such loss, in the first task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Functional {
    /// Factor of the loss, > 0.
    pub strength: f64,
    /// What is compared.
    pub compared: Compared,
    /// Whether the readout of earlier tasks is frozen: its columns for their outputs do not learn any more.
    pub freezes_readout: bool,
}

/// What of the network is compared with a frozen copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Compared {
    /// The probabilities of the outputs, for some [`ComparedOutputs`]: `−Σ_i p_i log q_i`, summed over these, a mean over
    /// the images. p is the softmax of z/T over the outputs that the copy has learnt, for its logits z. q is that of the
    /// network's logits, which may be over more outputs; p is 0 there. The gradient with respect to a logit is
    /// `(q_i − p_i) / T` for each image.
    Outputs {
        /// T > 0. Above 1, it makes probabilities more even.
        temperature: f64,
    },
    /// The input h of the readout: `½ Σ_i (h_i − h̃_i)²` over the units, a mean over the images. h̃ is the copy's. The
    /// gradient with respect to a unit is `h_i − h̃_i` for each image.
    Features,
}

/// Outputs whose probabilities are compared.
///
/// If the network is given the task, there is one of these for each earlier task, with that task's outputs for both.
/// Otherwise there is one in all. The copy's are the outputs of the tasks before, the network's also those of the new
/// task: it must not raise these on all images alike, or it would no longer choose an earlier class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedOutputs {
    /// Those of the frozen copy.
    pub before: Range<usize>,
    /// Those of the network, which include the copy's.
    pub now: Range<usize>,
}

impl ComparedOutputs {
    /// The same for the copy and the network.
    pub fn of_both(outputs: Range<usize>) -> Self {
        Self {
            before: outputs.clone(),
            now: outputs,
        }
    }
}

impl Functional {
    /// The loss, `[1]`. `now` is the network's output for a minibatch, `before` the frozen copy's. `outputs` are those
    /// that [`Compared::Outputs`] compares.
    pub fn loss(&self, now: &Output, before: &Output, outputs: &[ComparedOutputs]) -> Tensor<1> {
        let loss = match self.compared {
            Compared::Outputs { temperature } => {
                let scaled = |output: &Output, range: &Range<usize>| {
                    let logits = output.logits.clone();
                    logits.narrow(1, range.start, range.len()) / temperature
                };
                let losses = outputs.iter().map(|outputs| {
                    let probabilities = activation::softmax(scaled(before, &outputs.before), 1);
                    let logs = activation::log_softmax(scaled(now, &outputs.now), 1);
                    let start = outputs.before.start - outputs.now.start;
                    let products = probabilities * logs.narrow(1, start, outputs.before.len());
                    products.sum_dim(1).mean().neg()
                });
                let sum = losses.reduce(|sum, loss| sum + loss);
                sum.unwrap_or_else(|| Tensor::zeros([1], &now.logits.device()))
            }
            Compared::Features => {
                let [num_images, _] = now.features.dims();
                let squares = (now.features.clone() - before.features.clone()).square();
                squares.sum() * (0.5 / num_images as f64)
            }
        };
        loss * self.strength
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    const NOW: [[f64; 4]; 2] = [[0.3, -1.2, 2.0, 7.0], [1.5, 0.2, -0.7, 1e30]];
    const BEFORE: [[f64; 4]; 2] = [[1.0, 0.0, -0.5, -1e30], [-2.0, 0.4, 0.1, 3.0]];

    /// The loss for features and logits that are the same numbers, and its gradients with respect to them: those of the
    /// features and those of the logits.
    fn loss(functional: &Functional, outputs: &[ComparedOutputs]) -> (f64, [Vec<f64>; 2]) {
        let device = Device::flex();
        let tracked = || Tensor::<2>::from_floats(NOW, &device.clone().autodiff()).require_grad();
        let now = Output {
            features: tracked(),
            logits: tracked(),
        };
        let before = Tensor::<2>::from_floats(BEFORE, &device);
        let before = Output {
            features: before.clone(),
            logits: before,
        };
        let loss = functional.loss(&now, &before, outputs);
        let grads = loss.backward();
        let gradient = |tensor: &Tensor<2>| {
            let gradient = tensor.grad(&grads);
            gradient.map_or(Vec::new(), |it| it.into_data().iter().collect())
        };
        let gradients = [gradient(&now.features), gradient(&now.logits)];
        (loss.into_scalar(), gradients)
    }

    fn assert_close(found: f64, expected: f64) {
        let scale = expected.abs().max(1.0);
        assert!(
            (found - expected).abs() < 1e-5 * scale,
            "{found} is not {expected}"
        );
    }

    fn softmax(logits: &[f64], temperature: f64) -> Vec<f64> {
        let powers: Vec<f64> = logits.iter().map(|it| (it / temperature).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.iter().map(|it| it / sum).collect()
    }

    #[test]
    fn compared_outputs_give_one_cross_entropy_for_each_entry() {
        // The last output plays no part, however large it is.
        assert_cross_entropies(&[
            ComparedOutputs::of_both(0..2),
            ComparedOutputs::of_both(2..3),
        ]);
    }

    #[test]
    fn outputs_that_the_copy_has_not_learnt_have_the_probability_zero() {
        let outputs = ComparedOutputs {
            before: 0..2,
            now: 0..3,
        };
        assert_cross_entropies(&[outputs]);
    }

    /// Checks the loss and its gradient for outputs that do not overlap.
    #[track_caller]
    fn assert_cross_entropies(outputs: &[ComparedOutputs]) {
        let (strength, temperature) = (3.0, 2.0);
        let functional = Functional {
            strength,
            compared: Compared::Outputs { temperature },
            freezes_readout: false,
        };
        let (found, [features, logits]) = loss(&functional, outputs);
        assert_eq!(features, Vec::<f64>::new());
        let (mut expected, mut gradient) = (0.0, vec![0.0; 8]);
        for image in 0..2 {
            for ComparedOutputs { before, now } in outputs {
                let mut p = softmax(&BEFORE[image][before.clone()], temperature);
                p.resize(now.len(), 0.0);
                let q = softmax(&NOW[image][now.clone()], temperature);
                for ((output, p), q) in now.clone().zip(p).zip(q) {
                    expected -= strength * p * q.ln() / 2.0;
                    gradient[4 * image + output] = strength * (q - p) / temperature / 2.0;
                }
            }
        }
        assert_close(found, expected);
        assert_eq!(logits.len(), gradient.len());
        for (found, expected) in logits.into_iter().zip(gradient) {
            assert_close(found, expected);
        }
    }

    #[test]
    fn compared_features_pull_each_unit_towards_what_it_was() {
        let functional = Functional {
            strength: 0.25,
            compared: Compared::Features,
            freezes_readout: true,
        };
        let (_, [features, logits]) = loss(&functional, &[]);
        assert_eq!(logits, Vec::<f64>::new());
        let pairs = NOW.into_iter().flatten().zip(BEFORE.into_iter().flatten());
        let expected: Vec<f64> = pairs
            .map(|(now, before)| 0.25 * (now - before) / 2.0)
            .collect();
        assert_eq!(features.len(), expected.len());
        for (found, expected) in features.into_iter().zip(expected) {
            assert_close(found, expected);
        }
    }

    #[test]
    fn a_network_that_is_its_copy_has_no_gradient() {
        let device = Device::flex().autodiff();
        for compared in [Compared::Outputs { temperature: 2.0 }, Compared::Features] {
            let functional = Functional {
                strength: 1.0,
                compared,
                freezes_readout: false,
            };
            let values = Tensor::<2>::from_floats([[0.5, -1.0, 2.0]], &device).require_grad();
            let [now, before] = [values.clone(), values.clone().inner()].map(|tensor| Output {
                features: tensor.clone(),
                logits: tensor,
            });
            let outputs = [ComparedOutputs::of_both(0..3)];
            let grads = functional.loss(&now, &before, &outputs).backward();
            let gradient = values.grad(&grads).expect("the loss depends on it");
            for found in gradient.into_data().iter::<f64>() {
                assert!(found.abs() < 1e-7, "{found}");
            }
        }
    }
}
