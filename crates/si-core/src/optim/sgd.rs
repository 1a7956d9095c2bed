use burn::backend::Dispatch;
use burn::config::Config;
use burn::grad_clipping::GradientClippingConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};

use super::SynapticOptimizer;
use super::rule::{FusedOptimizer, SynapseBefore};
use crate::ops::{Advanced, SgdTensors, SgdUpdate, SynapticBackend, SynapticOps};

/// The settings of [`SynapticSgd`]: those of Burn's [`SgdConfig`](burn::optim::SgdConfig).
#[derive(Config, Debug)]
pub struct SynapticSgdConfig {
    /// Weight decay (L2), added to the gradient. Default: none.
    pub weight_decay: Option<WeightDecayConfig>,
    /// Momentum, with Burn's defaults. Default: none.
    pub momentum: Option<MomentumConfig>,
    /// Clipping of the total gradient, per parameter. Default: none.
    ///
    /// With it, the penalty and the path integral each have a separate pass, because they use the gradient before
    /// clipping.
    pub grad_clipping: Option<GradientClippingConfig>,
}

impl SynapticSgdConfig {
    /// The optimizer for a whole module.
    pub fn init(&self) -> SynapticOptimizer {
        SynapticOptimizer::new(self.build(), self.grad_clipping.as_ref())
    }

    /// The optimizer for one parameter, without clipping.
    ///
    /// Pass it to [`SynapticOptimizer::with_group`]. A [`ModuleOptimizer`](burn::optim::ModuleOptimizer) also takes
    /// it; there, the penalty and the path integral each have a separate pass.
    pub fn build(&self) -> SynapticSgd {
        SynapticSgd {
            config: self.clone(),
        }
    }
}

/// Stochastic gradient descent in one pass over memory, for a
/// [`ContinualLearner`](crate::ContinualLearner): the same pass computes the penalty and the path integral. Without a
/// `ContinualLearner`, it does not consolidate.
///
/// It computes what Burn's [`Sgd`](burn::optim::Sgd) does, in the same order. Each can load the records of the
/// other.
#[derive(Clone, Debug)]
pub struct SynapticSgd {
    config: SynapticSgdConfig,
}

/// The state of [`SynapticSgd`] for one parameter.
#[derive(Clone, Debug)]
pub struct SynapticSgdState<const D: usize> {
    /// The velocity, in the parameter's shape. `None` without momentum.
    velocity: Option<Tensor<D>>,
}

impl SynapticSgd {
    fn update(&self, is_first: bool, learning_rate: LearningRate) -> SgdUpdate {
        let config = &self.config;
        let momentum = config.momentum.as_ref();
        SgdUpdate {
            momentum: momentum.map(|momentum| momentum.momentum as f32),
            dampening: momentum.map_or(0.0, |momentum| momentum.dampening),
            nesterov: momentum.is_some_and(|momentum| momentum.nesterov),
            is_first,
            learning_rate,
            weight_decay: config
                .weight_decay
                .as_ref()
                .map_or(0.0, |decay| decay.penalty),
        }
    }

    /// The parameter and its velocity before a step, and whether the step is the first. The velocity starts over if the
    /// parameter has changed its shape; the regularizer warns of that.
    fn before<const D: usize>(
        &self,
        parameter: Tensor<D>,
        gradient: &Tensor<D>,
        state: Option<SynapticSgdState<D>>,
    ) -> (SgdTensors<Dispatch>, bool) {
        let velocity = state.and_then(|state| state.velocity);
        let velocity = velocity.filter(|velocity| velocity.shape() == parameter.shape());
        let is_first = velocity.is_none();
        let velocity = match velocity {
            // A velocity loaded from a record may have another precision.
            Some(velocity) => velocity.cast(parameter.dtype()),
            // At the first step, and without momentum, it is not read.
            None if self.config.momentum.is_some() => parameter.zeros_like(),
            None => gradient.clone(),
        };
        let tensors = SgdTensors {
            parameter: Dispatch::primitive(parameter),
            velocity: Dispatch::primitive(velocity),
        };
        (tensors, is_first)
    }

    /// The parameter and its state after a step.
    fn after<const D: usize>(
        &self,
        tensors: SgdTensors<Dispatch>,
    ) -> (Tensor<D>, SynapticSgdState<D>) {
        let velocity = Dispatch::tensor(tensors.velocity);
        let state = SynapticSgdState {
            velocity: self.config.momentum.is_some().then_some(velocity),
        };
        (Dispatch::tensor(tensors.parameter), state)
    }
}

impl Optimizer for SynapticSgd {
    type State<const D: usize> = SynapticSgdState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<SynapticSgdState<D>>,
    ) -> (Tensor<D>, Option<SynapticSgdState<D>>) {
        let (tensors, is_first) = self.before(parameter, &gradient, state);
        let sgd = self.update(is_first, learning_rate);
        let updated = Dispatch::sgd(tensors, Dispatch::primitive(gradient), sgd);
        let (parameter, state) = self.after(updated);
        (parameter, Some(state))
    }

    fn to_device<const D: usize>(
        state: SynapticSgdState<D>,
        device: &Device,
    ) -> SynapticSgdState<D> {
        SynapticSgdState {
            velocity: state.velocity.map(|velocity| velocity.to_device(device)),
        }
    }
}

impl FusedOptimizer for SynapticSgd {
    fn step_fused<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<SynapticSgdState<D>>,
        synapse: SynapseBefore,
    ) -> (Tensor<D>, SynapticSgdState<D>, Advanced<Dispatch>) {
        let (tensors, is_first) = self.before(parameter, &gradient, state);
        let (updated, advanced) = Dispatch::synaptic_sgd(
            tensors,
            Dispatch::primitive(gradient),
            synapse.tensors,
            self.update(is_first, learning_rate),
            synapse.update,
        );
        let (parameter, state) = self.after(updated);
        (parameter, state, advanced)
    }
}

/// With the names that Burn's own state has.
impl<const D: usize> RecordState for SynapticSgdState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        if let Some(velocity) = &self.velocity {
            out.push_tensor(prefix, VELOCITY, velocity.to_data());
        }
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let velocity = source.take_tensor(prefix, VELOCITY);
        Some(Self {
            velocity: velocity.map(|velocity| {
                let dtype = velocity.dtype();
                Tensor::from_data(velocity, (device, dtype))
            }),
        })
    }
}

const VELOCITY: &str = "momentum.velocity";
