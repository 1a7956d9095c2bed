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
    /// The probabilities of the outputs, separately for each earlier task ν with the outputs O_ν:
    /// `−Σ_ν Σ_{i ∈ O_ν} p_i log q_i`, a mean over the images. p is the softmax of z/T over O_ν for the copy's logits
    /// z, and q the same for the network's. The gradient with respect to a logit is `(q_i − p_i) / T` for each image.
    Outputs {
        /// T > 0. Above 1, it makes probabilities more even.
        temperature: f64,
    },
    /// The input h of the readout: `½ Σ_i (h_i − h̃_i)²` over the units, a mean over the images. h̃ is the copy's. The
    /// gradient with respect to a unit is `h_i − h̃_i` for each image.
    Features,
}

impl Functional {
    /// The loss, `[1]`. `now` is the network's output for a minibatch, `before` the frozen copy's. `earlier` are the
    /// outputs of each earlier task.
    pub fn loss(&self, now: &Output, before: &Output, earlier: &[Range<usize>]) -> Tensor<1> {
        let loss = match self.compared {
            Compared::Outputs { temperature } => {
                let losses = earlier.iter().map(|outputs| {
                    let [now, before] = [now, before].map(|output| {
                        let logits = output.logits.clone();
                        logits.narrow(1, outputs.start, outputs.len()) / temperature
                    });
                    let products = activation::softmax(before, 1) * activation::log_softmax(now, 1);
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
    fn loss(functional: &Functional, earlier: &[Range<usize>]) -> (f64, [Vec<f64>; 2]) {
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
        let loss = functional.loss(&now, &before, earlier);
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
    fn compared_outputs_give_one_cross_entropy_for_each_earlier_task() {
        let (strength, temperature) = (3.0, 2.0);
        let functional = Functional {
            strength,
            compared: Compared::Outputs { temperature },
            freezes_readout: false,
        };
        // The last output is of the task that is learnt now. It plays no part, however large it is.
        let earlier = [0..2, 2..3];
        let (found, [features, logits]) = loss(&functional, &earlier);
        assert_eq!(features, Vec::<f64>::new());
        let (mut expected, mut gradient) = (0.0, vec![0.0; 8]);
        for image in 0..2 {
            for outputs in &earlier {
                let p = softmax(&BEFORE[image][outputs.clone()], temperature);
                let q = softmax(&NOW[image][outputs.clone()], temperature);
                for ((output, p), q) in outputs.clone().zip(p).zip(q) {
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
            let earlier = 0..3;
            let grads = functional.loss(&now, &before, &[earlier]).backward();
            let gradient = values.grad(&grads).expect("the loss depends on it");
            for found in gradient.into_data().iter::<f64>() {
                assert!(found.abs() < 1e-7, "{found}");
            }
        }
    }
}
