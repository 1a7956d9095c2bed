use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, RmsPropConfig};
use burn::tensor::{Device, Tensor};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use si_core::optim::SynapticAdam;
use si_core::{SynapticAdamConfig, SynapticAdamWConfig, SynapticOptimizer, SynapticSgdConfig};

use super::ExperimentConfig;

/// Optimizer. Adam has the paper's constants; the others have Burn's, because the paper names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Optimizer {
    /// Adam, β1 = 0.9, β2 = 0.999, ε = 1e-8.
    #[default]
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Adam with decoupled weight decay of 1e-4.
    AdamW,
    /// RMSprop with Burn's own momentum of 0.9.
    RmsProp,
}

impl Optimizer {
    /// An optimizer without state. `momentum` is for SGD; the others ignore it.
    pub fn init(self, momentum: f64) -> SynapticOptimizer {
        match self {
            Optimizer::Adam => adam().init(),
            Optimizer::AdamW => SynapticAdamWConfig::new().with_epsilon(ADAM_EPSILON).init(),
            Optimizer::RmsProp => RmsPropConfig::new().build().into(),
            Optimizer::Sgd => SynapticSgdConfig::new()
                .with_momentum((momentum > 0.0).then(|| {
                    // Classical momentum; Burn dampens by default.
                    MomentumConfig::new()
                        .with_momentum(momentum)
                        .with_dampening(0.0)
                }))
                .init(),
        }
    }
}

/// What is reset in an optimizer between tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerReset {
    /// Nothing.
    None,
    /// Adam's moments, but not its step count. Adam then no longer corrects the bias of moments
    /// that start at zero, so the first steps of a task are up to three times as large as usual.
    Moments,
    /// Everything: the optimizer starts over.
    #[default]
    All,
}

impl OptimizerReset {
    /// Resets `optimizer`, that of `config`, after `steps_done` steps.
    pub(super) fn apply(
        self,
        optimizer: &mut SynapticOptimizer,
        config: &ExperimentConfig,
        steps_done: usize,
    ) {
        match self {
            Self::None => (),
            Self::Moments => *optimizer = adam_after(steps_done),
            Self::All => *optimizer = config.optimizer.init(config.momentum),
        }
    }
}

/// Adam that has done `steps` steps and has no moments.
fn adam_after(steps: usize) -> SynapticOptimizer {
    let adam = adam().build();
    AdamWithoutMoments { adam, steps }.into()
}

#[derive(Clone)]
struct AdamWithoutMoments {
    adam: SynapticAdam,
    steps: usize,
}

impl burn::optim::Optimizer for AdamWithoutMoments {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let state = state.unwrap_or_else(|| {
            let zeros = gradient.zeros_like();
            AdamState::new(AdaptiveMomentumState::new(self.steps, zeros.clone(), zeros))
        });
        self.adam.step(learning_rate, tensor, gradient, Some(state))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        SynapticAdam::to_device(state, device)
    }
}

fn adam() -> SynapticAdamConfig {
    SynapticAdamConfig::new().with_epsilon(ADAM_EPSILON)
}

// Deviation: the authors' Keras added it to √v; Burn adds it to √v̂, like the Adam paper.
const ADAM_EPSILON: f32 = 1e-8;

#[cfg(test)]
mod tests {
    use burn::optim::Optimizer as _;

    use super::*;

    /// The first step of Adam by its paper (Kingma and Ba 2015, algorithm 1), after t steps that left
    /// no moments: η (1 − β1) g / (1 − β1^t) over √((1 − β2) g² / (1 − β2^t)).
    fn first_step(t: i32) -> f64 {
        let moment_1 = (1.0 - 0.9) / (1.0 - 0.9_f64.powi(t));
        let moment_2 = (1.0 - 0.999) / (1.0 - 0.999_f64.powi(t));
        LEARNING_RATE * moment_1 / moment_2.sqrt()
    }

    const LEARNING_RATE: f64 = 0.01;

    #[test]
    fn adam_without_moments_corrects_the_bias_of_all_its_steps() {
        let device = Device::flex();
        let gradient = Tensor::<1>::from_floats([0.5, -2.0], &device);
        for steps in [0, 3, 1000, 1_000_000] {
            let optimizer = AdamWithoutMoments {
                adam: adam().build(),
                steps,
            };
            let (after, state) = optimizer.step(
                LEARNING_RATE,
                Tensor::<1>::zeros([2], &device),
                gradient.clone(),
                None,
            );
            let expected = first_step(steps as i32 + 1);
            for (moved, sign) in after.into_data().iter::<f64>().zip([-1.0, 1.0]) {
                assert!((moved - sign * expected).abs() < 1e-3 * expected);
            }
            assert_eq!(state.map(|state| state.momentum.time), Some(steps + 1));
        }
        assert!((first_step(1) - LEARNING_RATE).abs() < 1e-12);
        assert!((first_step(1_000_000) - 3.16 * LEARNING_RATE).abs() < 1e-3);
    }
}
