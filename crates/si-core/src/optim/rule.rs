use core::any::Any;
use std::sync::Arc;

use burn::Tensor;
use burn::backend::{Dispatch, tensor::FloatTensor};
use burn::grad_clipping::GradientClipping;
use burn::optim::{DynOptimizer, DynState, LearningRate, Optimizer};

use super::{SynapticAdam, SynapticAdamW, SynapticSgd};
use crate::ops::{
    Advanced, SynapseTensors, SynapticBackend, SynapticUpdate, Updatable, in_separate_passes,
};

/// How one parameter is updated.
#[derive(Clone)]
pub(super) enum Rule {
    Adam(SynapticAdam),
    AdamW(SynapticAdamW),
    Sgd(SynapticSgd),
    /// Any other optimizer. The penalty and the path integral each have a separate pass.
    Other(Arc<dyn DynOptimizer>),
}

/// An optimizer that can include a parameter's synapses in its own pass over memory.
pub(super) trait FusedOptimizer: Optimizer {
    fn step_fused<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
        synapse: SynapseBefore,
    ) -> (Tensor<D>, Self::State<D>, Advanced<Dispatch>);
}

/// What a step reads of a parameter's synapses.
pub(super) struct SynapseBefore {
    /// The importance is any tensor if nothing is held back: the update's scale is then 0.
    pub(super) tensors: SynapseTensors<Dispatch>,
    pub(super) update: SynapticUpdate,
}

impl Rule {
    pub(super) fn new(optimizer: impl Optimizer) -> Self {
        let any: &dyn Any = &optimizer;
        if let Some(adam) = any.downcast_ref::<SynapticAdam>() {
            Self::Adam(adam.clone())
        } else if let Some(adamw) = any.downcast_ref::<SynapticAdamW>() {
            Self::AdamW(adamw.clone())
        } else if let Some(sgd) = any.downcast_ref::<SynapticSgd>() {
            Self::Sgd(sgd.clone())
        } else {
            Self::Other(Arc::new(optimizer))
        }
    }

    pub(super) fn is_fused(&self) -> bool {
        match self {
            Self::Adam(_) | Self::AdamW(_) | Self::Sgd(_) => true,
            Self::Other(_) => false,
        }
    }

    /// For what Burn's optimizers do without knowing a parameter's rank.
    pub(super) fn as_dyn(&self) -> &dyn DynOptimizer {
        match self {
            Self::Adam(adam) => adam,
            Self::AdamW(adamw) => adamw,
            Self::Sgd(sgd) => sgd,
            Self::Other(other) => &**other,
        }
    }

    /// Updates a parameter without synapses.
    pub(super) fn step<const D: usize>(
        &self,
        clipping: Option<&GradientClipping>,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<DynState>,
    ) -> (Tensor<D>, Option<DynState>) {
        let gradient = match clipping {
            Some(clipping) => clipping.clip_gradient(gradient),
            None => gradient,
        };
        let (parameter, gradient) = (parameter.into_bridge(), gradient.into_bridge());
        let optimizer = self.as_dyn();
        let (parameter, state) = optimizer.step_dyn(D, learning_rate, parameter, gradient, state);
        (Tensor::from_bridge(parameter), state)
    }

    /// Updates a parameter and its synapses: in one pass if the optimizer can do that and the gradient is not clipped.
    pub(super) fn step_with_synapse<const D: usize>(
        &self,
        clipping: Option<&GradientClipping>,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<DynState>,
        synapse: SynapseBefore,
    ) -> (Tensor<D>, Option<DynState>, Advanced<Dispatch>) {
        match self {
            Self::Adam(adam) if clipping.is_none() => {
                fused(adam, learning_rate, parameter, gradient, state, synapse)
            }
            Self::AdamW(adamw) if clipping.is_none() => {
                fused(adamw, learning_rate, parameter, gradient, state, synapse)
            }
            Self::Sgd(sgd) if clipping.is_none() => {
                fused(sgd, learning_rate, parameter, gradient, state, synapse)
            }
            // The norm of the total gradient must be known before any of it is used, and the path integral uses the
            // gradient before clipping.
            _ => {
                let before = AnyState {
                    parameter: Dispatch::primitive(parameter),
                    state,
                };
                let (after, advanced) = in_separate_passes(
                    before,
                    Dispatch::primitive(gradient),
                    synapse.tensors,
                    synapse.update,
                    |AnyState { parameter, state }, total| {
                        let [parameter, total] = [parameter, total].map(Dispatch::tensor::<D>);
                        let (parameter, state) =
                            self.step(clipping, learning_rate, parameter, total, state);
                        AnyState {
                            parameter: Dispatch::primitive(parameter),
                            state,
                        }
                    },
                );
                (Dispatch::tensor(after.parameter), after.state, advanced)
            }
        }
    }
}

/// A parameter, and the state of any optimizer.
struct AnyState {
    parameter: FloatTensor<Dispatch>,
    state: Option<DynState>,
}

impl Updatable<Dispatch> for AnyState {
    fn parameter(&self) -> &FloatTensor<Dispatch> {
        &self.parameter
    }
}

fn fused<O: FusedOptimizer, const D: usize>(
    optimizer: &O,
    learning_rate: LearningRate,
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    state: Option<DynState>,
    synapse: SynapseBefore,
) -> (Tensor<D>, Option<DynState>, Advanced<Dispatch>) {
    let state = state.map(DynState::downcast::<O::State<D>>);
    let (parameter, state, advanced) =
        optimizer.step_fused(learning_rate, parameter, gradient, state, synapse);
    (parameter, Some(DynState::create(state, D)), advanced)
}
