use std::collections::HashMap;

use burn::Tensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Dispatch, TensorMetadata};
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::{ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{GradientCheckpointingStrategy, Shape};

use super::optimizer::{Group, ParameterState, group_of};
use super::rule::SynapseBefore;
use crate::SynapticIntelligenceConfig;
use crate::ops::{SynapseTensors, SynapticBackend, SynapticUpdate};
use crate::step::begin;
use crate::synapse::{Pull, Synapse};
use crate::synapses::Synapses;
use crate::traversal::{Place, Walk};

/// Updates every parameter of a module that has a gradient, and its synapses with it.
pub(super) struct ModuleStep<'a> {
    pub(super) groups: &'a [Group],
    pub(super) states: &'a mut HashMap<ParamId, ParameterState>,
    pub(super) learning_rate: ModuleLearningRate,
    pub(super) grads: GradientsParams,
    pub(super) walk: Walk<'a>,
    /// `None` for a module that learns without consolidation.
    pub(super) consolidation: Option<Consolidation<'a>>,
}

/// What consolidates the parameters in a step.
pub(super) struct Consolidation<'a> {
    pub(super) config: &'a SynapticIntelligenceConfig,
    pub(super) synapses: &'a mut Synapses<Dispatch>,
    pub(super) starts_from_zero: bool,
    /// Whether some parameter in the step has a strength above zero.
    pub(super) pulls: bool,
}

impl Consolidation<'_> {
    /// The synapses of a parameter, and what its update reads of them. Without importance, or at a strength of zero,
    /// nothing holds the parameter back.
    fn begin<const D: usize>(
        &mut self,
        place: Place<'_>,
        id: ParamId,
        parameter: &Tensor<D>,
    ) -> Option<Begun<'_>> {
        if place.settings.excluded {
            return None;
        }
        let parameter = Dispatch::primitive(parameter.clone());
        begin(
            self.synapses,
            place,
            id,
            &parameter,
            self.config,
            self.starts_from_zero,
        );
        let is_reshaped = self.synapses.take_if_reshaped(id);
        let synapse = self.synapses.get_mut(id)?;
        let strength = place.settings.strength;
        self.pulls |= strength > 0.0;
        let path_integral = synapse.path_integral.take()?;
        let path_gradient = self.config.path_gradient;
        let anchor = synapse.anchor.clone();
        let before = match synapse.pull(self.config, strength) {
            Some(Pull {
                importance,
                bound,
                scale,
            }) => {
                let penalty_sum = synapse.penalty_sum.take().unwrap_or_else(|| {
                    let (device, dtype) = (parameter.device(), path_integral.dtype());
                    Dispatch::float_zeros(Shape::new([1]), &device, dtype.into())
                });
                SynapseBefore {
                    update: SynapticUpdate {
                        scale,
                        bound,
                        path_gradient,
                    },
                    tensors: SynapseTensors {
                        path_integral,
                        importance,
                        anchor,
                        penalty_sum,
                    },
                }
            }
            // What is not read may be any tensor.
            None => SynapseBefore {
                update: SynapticUpdate {
                    scale: 0.0,
                    bound: f64::INFINITY,
                    path_gradient,
                },
                tensors: SynapseTensors {
                    path_integral,
                    importance: anchor.clone(),
                    anchor: anchor.clone(),
                    penalty_sum: anchor,
                },
            },
        };
        Some(Begun {
            synapse,
            before,
            is_reshaped,
        })
    }
}

/// A parameter's synapses in a step, before the update.
struct Begun<'a> {
    synapse: &'a mut Synapse<Dispatch>,
    before: SynapseBefore,
    /// Whether the parameter has another shape than in the step before.
    is_reshaped: bool,
}

impl ModuleMapper for ModuleStep<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.walk.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.walk.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let place = self.walk.next_place(param.id);
        let (id, parameter, mapper) = param.consume();
        // Taken out, so that a parameter in several places is updated at the first.
        let Some(gradient) = self.grads.remove::<D>(id) else {
            return Param::from_mapped_value(id, parameter, mapper);
        };
        let autodiff = AutodiffState::of(&parameter);
        let (parameter, gradient) = (parameter.inner(), gradient.inner());
        // In training across devices, a parameter moves to the device of its gradient.
        let device = gradient.device();
        let parameter = if parameter.device() == device {
            parameter
        } else {
            parameter.to_device(&device)
        };

        let (group, path, state) = match self.states.remove(&id) {
            Some(known) => (known.group, known.path, Some(known.state)),
            None => (group_of(self.groups, id, Some(place.path)), None, None),
        };
        let Group { rule, clipping, .. } = &self.groups[group];
        let clipping = clipping.as_ref();
        let state = state.map(|state| rule.as_dyn().to_device_dyn(state, &device));
        let rate = self.learning_rate.lr_from_param(id, Some(place.path));
        let consolidation = self.consolidation.as_mut();
        let begun = consolidation.and_then(|it| it.begin(place, id, &parameter));
        let (parameter, state) = match begun {
            None => rule.step(clipping, rate, parameter, gradient, state),
            Some(begun) => {
                // State of the old shape would make a backend panic or compute nonsense.
                let state = state.filter(|_| !begun.is_reshaped);
                let is_held = begun.before.update.scale > 0.0;
                let (parameter, state, advanced) = rule.step_with_synapse(
                    clipping,
                    rate,
                    parameter,
                    gradient,
                    state,
                    begun.before,
                );
                begun.synapse.path_integral = Some(advanced.path_integral);
                if is_held {
                    begun.synapse.penalty_sum = Some(advanced.penalty_sum);
                }
                (parameter, state)
            }
        };
        if let Some(state) = state {
            let path = path.filter(|path| path == place.path);
            let path = Some(path.unwrap_or_else(|| place.path.to_string()));
            self.states
                .insert(id, ParameterState { group, path, state });
        }
        Param::from_mapped_value(id, autodiff.restored(parameter, id), mapper)
    }
}

/// What a parameter loses when it leaves autodiff for its update.
struct AutodiffState {
    requires_grad: bool,
    is_distributed: bool,
    checkpointing: Option<GradientCheckpointingStrategy>,
}

impl AutodiffState {
    fn of<const D: usize>(parameter: &Tensor<D>) -> Self {
        Self {
            requires_grad: parameter.is_require_grad(),
            is_distributed: parameter.is_distributed(),
            checkpointing: parameter.gradient_checkpointing_strategy(),
        }
    }

    fn restored<const D: usize>(self, updated: Tensor<D>, id: ParamId) -> Tensor<D> {
        let mut parameter = Tensor::from_inner(updated);
        if let Some(checkpointing) = self.checkpointing {
            parameter = parameter.with_gradient_checkpointing_strategy(checkpointing);
        }
        if self.requires_grad {
            parameter = parameter.require_grad();
        }
        if self.is_distributed {
            parameter = parameter.set_distributed(id);
        }
        parameter
    }
}
