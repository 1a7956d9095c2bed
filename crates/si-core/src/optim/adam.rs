use burn::backend::Dispatch;
use burn::config::Config;
use burn::grad_clipping::GradientClippingConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{Adam, AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

use super::SynapticOptimizer;
use super::rule::{FusedOptimizer, SynapseBefore};
use crate::ops::{AdamTensors, AdamUpdate, Advanced, BiasCorrection, SynapticBackend, SynapticOps};

/// The settings of [`SynapticAdam`]: those of Burn's [`AdamConfig`](burn::optim::AdamConfig) except AMSGrad, with
/// the same defaults.
#[derive(Config, Debug)]
pub struct SynapticAdamConfig {
    /// Decay β1 of the first moment, in `[0, 1)`.
    #[config(default = 0.9)]
    pub beta_1: f32,
    /// Decay β2 of the second moment, in `[0, 1)`.
    #[config(default = 0.999)]
    pub beta_2: f32,
    /// ε > 0, added to √v̂.
    #[config(default = 1e-5)]
    pub epsilon: f32,
    /// Weight decay (L2), added to the gradient. Default: none.
    pub weight_decay: Option<WeightDecayConfig>,
    /// Clipping of the total gradient, per parameter. Default: none.
    ///
    /// With it, the penalty and the path integral each have a separate pass, because they use the gradient before
    /// clipping.
    pub grad_clipping: Option<GradientClippingConfig>,
}

impl SynapticAdamConfig {
    /// The optimizer for a whole module.
    pub fn init(&self) -> SynapticOptimizer {
        SynapticOptimizer::new(self.build(), self.grad_clipping.as_ref())
    }

    /// The optimizer for one parameter, without clipping.
    ///
    /// Pass it to [`SynapticOptimizer::with_group`]. A [`ModuleOptimizer`](burn::optim::ModuleOptimizer) also takes
    /// it; there, the penalty and the path integral each have a separate pass.
    pub fn build(&self) -> SynapticAdam {
        SynapticAdam {
            config: self.clone(),
        }
    }
}

/// Adam (Kingma and Ba 2015) in one pass over memory, for a
/// [`ContinualLearner`](crate::ContinualLearner): the same pass computes the penalty and the path integral. Without a
/// `ContinualLearner`, it does not consolidate.
///
/// It computes what Burn's [`Adam`] does, in the same order. Each can load the records of the other, but the
/// maximum that AMSGrad keeps is dropped.
#[derive(Clone, Debug)]
pub struct SynapticAdam {
    config: SynapticAdamConfig,
}

impl SynapticAdam {
    /// The update at step `time`, counted from 1.
    fn update(&self, time: usize, learning_rate: LearningRate) -> AdamUpdate {
        let config = &self.config;
        let time = i32::try_from(time).unwrap_or(i32::MAX);
        let root = (1.0 - config.beta_2.powi(time)).sqrt();
        AdamUpdate {
            beta_1: config.beta_1,
            beta_2: config.beta_2,
            correction: BiasCorrection::Joint(root / (1.0 - config.beta_1.powi(time))),
            epsilon: config.epsilon * root,
            learning_rate,
            weight_decay: config
                .weight_decay
                .as_ref()
                .map_or(0.0, |decay| decay.penalty),
            decoupled_decay: 0.0,
        }
    }
}

/// The parameter and its moments before a step of Adam or AdamW, and the number of the step, counted from 1. The
/// moments start over if the parameter has changed its shape; the regularizer warns of that.
pub(super) fn before<const D: usize>(
    parameter: Tensor<D>,
    state: Option<AdaptiveMomentumState<D>>,
) -> (AdamTensors<Dispatch>, usize) {
    let state = match state.filter(|state| state.moment_1.shape() == parameter.shape()) {
        Some(state) => state,
        None => AdaptiveMomentumState::new(0, parameter.zeros_like(), parameter.zeros_like()),
    };
    // State loaded from a record is in the device's default precision.
    let precision = parameter.dtype();
    let tensors = AdamTensors {
        parameter: Dispatch::primitive(parameter),
        moment_1: Dispatch::primitive(state.moment_1.cast(precision)),
        moment_2: Dispatch::primitive(state.moment_2.cast(precision)),
    };
    (tensors, state.time + 1)
}

/// The parameter and its state after a step, the `time`-th.
pub(super) fn after<const D: usize>(
    tensors: AdamTensors<Dispatch>,
    time: usize,
) -> (Tensor<D>, AdaptiveMomentumState<D>) {
    let [moment_1, moment_2] = [tensors.moment_1, tensors.moment_2].map(Dispatch::tensor);
    let state = AdaptiveMomentumState::new(time, moment_1, moment_2);
    (Dispatch::tensor(tensors.parameter), state)
}

impl Optimizer for SynapticAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let (tensors, time) = before(parameter, state.map(|state| state.momentum));
        let adam = self.update(time, learning_rate);
        let updated = Dispatch::adam(tensors, Dispatch::primitive(gradient), adam);
        let (parameter, state) = after(updated, time);
        (parameter, Some(AdamState::new(state)))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        Adam::to_device(state, device)
    }
}

impl FusedOptimizer for SynapticAdam {
    fn step_fused<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
        synapse: SynapseBefore,
    ) -> (Tensor<D>, AdamState<D>, Advanced<Dispatch>) {
        let (tensors, time) = before(parameter, state.map(|state| state.momentum));
        let (updated, advanced) = Dispatch::synaptic_adam(
            tensors,
            Dispatch::primitive(gradient),
            synapse.tensors,
            self.update(time, learning_rate),
            synapse.update,
        );
        let (parameter, state) = after(updated, time);
        (parameter, AdamState::new(state), advanced)
    }
}
