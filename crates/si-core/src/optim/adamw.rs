use burn::backend::Dispatch;
use burn::config::Config;
use burn::grad_clipping::GradientClippingConfig;
use burn::optim::{AdamW, AdamWState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

use super::rule::{FusedOptimizer, SynapseBefore};
use super::{SynapticOptimizer, adam};
use crate::ops::{AdamUpdate, Advanced, BiasCorrection, SynapticBackend, SynapticOps};

/// The settings of [`SynapticAdamW`]: those of Burn's [`AdamWConfig`](burn::optim::AdamWConfig) except AMSGrad and
/// cautious weight decay, with the same defaults.
#[derive(Config, Debug)]
pub struct SynapticAdamWConfig {
    /// Decay β1 of the first moment, in `[0, 1)`.
    #[config(default = 0.9)]
    pub beta_1: f32,
    /// Decay β2 of the second moment, in `[0, 1)`.
    #[config(default = 0.999)]
    pub beta_2: f32,
    /// ε > 0, added to √v̂.
    #[config(default = 1e-5)]
    pub epsilon: f32,
    /// Decoupled weight decay λ ≥ 0: each step multiplies the parameter by 1 − ηλ, where η is the learning rate. 0
    /// for none.
    #[config(default = 1e-4)]
    pub weight_decay: f32,
    /// Clipping of the total gradient, per parameter. Default: none.
    ///
    /// With it, the penalty and the path integral each have a separate pass, because they use the gradient before
    /// clipping.
    pub grad_clipping: Option<GradientClippingConfig>,
}

impl SynapticAdamWConfig {
    /// The optimizer for a whole module.
    pub fn init(&self) -> SynapticOptimizer {
        SynapticOptimizer::new(self.build(), self.grad_clipping.as_ref())
    }

    /// The optimizer for one parameter, without clipping.
    ///
    /// Pass it to [`SynapticOptimizer::with_group`]. A [`ModuleOptimizer`](burn::optim::ModuleOptimizer) also takes
    /// it; there, the penalty and the path integral each have a separate pass.
    pub fn build(&self) -> SynapticAdamW {
        SynapticAdamW {
            config: self.clone(),
        }
    }
}

/// AdamW (Loshchilov and Hutter 2019) in one pass over memory, for a
/// [`ContinualLearner`](crate::ContinualLearner): the same pass computes the penalty and the path integral. Without a
/// `ContinualLearner`, it does not consolidate.
///
/// With the total gradient g, the learning rate η and the weight decay λ, at step t:
///
/// ```text
/// m ← β1 m + (1 − β1) g        m̂ = m / (1 − β1^t)
/// v ← β2 v + (1 − β2) g²       v̂ = v / (1 − β2^t)
/// θ ← (1 − ηλ) θ − η m̂ / (√v̂ + ε)
/// ```
///
/// The path integral sees the whole step, also what the decay has taken off.
///
/// It computes what Burn's [`AdamW`] does, in the same order. Each can load the records of the other, but the
/// maximum that AMSGrad keeps is dropped.
#[derive(Clone, Debug)]
pub struct SynapticAdamW {
    config: SynapticAdamWConfig,
}

impl SynapticAdamW {
    /// The update at step `time`, counted from 1.
    fn update(&self, time: usize, learning_rate: LearningRate) -> AdamUpdate {
        let config = &self.config;
        let time = i32::try_from(time).unwrap_or(i32::MAX);
        AdamUpdate {
            beta_1: config.beta_1,
            beta_2: config.beta_2,
            correction: BiasCorrection::Separate {
                moment_1: 1.0 - config.beta_1.powi(time),
                moment_2: 1.0 - config.beta_2.powi(time),
            },
            epsilon: config.epsilon,
            learning_rate,
            weight_decay: 0.0,
            decoupled_decay: learning_rate * f64::from(config.weight_decay),
        }
    }
}

impl Optimizer for SynapticAdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        let (tensors, time) = adam::before(parameter, state.map(|state| state.momentum));
        let adamw = self.update(time, learning_rate);
        let updated = Dispatch::adam(tensors, Dispatch::primitive(gradient), adamw);
        let (parameter, state) = adam::after(updated, time);
        (parameter, Some(AdamWState::new(state)))
    }

    fn to_device<const D: usize>(state: AdamWState<D>, device: &Device) -> AdamWState<D> {
        AdamW::to_device(state, device)
    }
}

impl FusedOptimizer for SynapticAdamW {
    fn step_fused<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
        synapse: SynapseBefore,
    ) -> (Tensor<D>, AdamWState<D>, Advanced<Dispatch>) {
        let (tensors, time) = adam::before(parameter, state.map(|state| state.momentum));
        let (updated, advanced) = Dispatch::synaptic_adam(
            tensors,
            Dispatch::primitive(gradient),
            synapse.tensors,
            self.update(time, learning_rate),
            synapse.update,
        );
        let (parameter, state) = adam::after(updated, time);
        (parameter, AdamWState::new(state), advanced)
    }
}
