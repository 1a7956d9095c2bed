use burn::Tensor;
use burn::backend::{Backend, TensorMetadata, get_device_settings, tensor::FloatTensor};
use burn::tensor::{DType, Shape};
use log::warn;

use crate::growth::{has_grown, laid_over, zeros_like};
use crate::ops::{SynapticBackend, total};
use crate::precision::{StatePrecision, convert, portable, widen, working};
use crate::replicas::strengths::{by_replica, divides, misfit};
use crate::settings::{Accumulation, NegativeImportance, SynapticIntelligenceConfig};
use crate::traversal::Place;

/// The state of the synapses of one parameter: ω, Ω and θ̃, each a tensor of the parameter's shape.
///
/// The tensors are outside autodiff. ω is in f32, or in f64 if the parameter is; Ω and θ̃ have the precision that
/// [`StatePrecision`] says.
///
/// ```
/// # use burn::{nn::LinearConfig, optim::SgdConfig, tensor::{Device, Tensor}};
/// # use si_core::{ContinualLearner, SynapticIntelligenceConfig};
/// # fn main() -> Result<(), si_core::Error> {
/// # let device = Device::flex().autodiff();
/// # let model = LinearConfig::new(2, 1).init(&device);
/// # let mut learner = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
/// # let x = Tensor::<2>::ones([1, 2], &device);
/// # let loss = |model: &burn::nn::Linear| model.forward(x.clone()).square().mean();
/// # (learner, _) = learner.step(&mut SgdConfig::new().init(), 0.1, loss);
/// learner.end_task();
/// let synapse = learner.regularizer().synapse(learner.weight.id).expect("it was trained");
/// let importance = synapse.importance::<2>().expect("a task has ended");
/// assert_eq!(importance.dims(), [2, 1]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Synapse<B: Backend> {
    pub(crate) path: String,
    /// Place in the module's order.
    pub(crate) order: usize,
    /// Strength c of its parameter in the last step.
    pub(crate) strength: f64,
    pub(crate) anchor: FloatTensor<B>,
    pub(crate) path_integral: Option<FloatTensor<B>>,
    pub(crate) importance: Option<FloatTensor<B>>,
    /// The importance times the strength of each replica, once it was needed. It follows from the importance and the
    /// settings, so records do not hold it.
    pub(crate) weighted: Option<FloatTensor<B>>,
    /// Sum of the penalty over the steps since it was last read, in parts that add up to it.
    pub(crate) penalty_sum: Option<FloatTensor<B>>,
    pub(crate) open_step: Option<OpenStep<B>>,
    /// Its number among the synapses that began with a step.
    pub(crate) began: usize,
    /// Sum of what the last task's end added to the importance, `[1]`, until it is read. Finite if every term was.
    pub(crate) last_contribution: Option<FloatTensor<B>>,
}

/// What pulls a parameter to its anchor in a step: the penalty is `scale · Σ min(importance, bound) (θ − θ̃)²`.
pub(crate) struct Pull<B: Backend> {
    pub(crate) importance: FloatTensor<B>,
    /// Infinite for none.
    pub(crate) bound: f64,
    pub(crate) scale: f64,
}

/// What must be kept from before the optimizer's update until after it.
#[derive(Clone, Debug)]
pub(crate) struct OpenStep<B: Backend> {
    pub(crate) gradient: FloatTensor<B>,
    pub(crate) parameter: FloatTensor<B>,
    /// `[1]`. `None` if nothing was added to the gradient.
    pub(crate) penalty: Option<FloatTensor<B>>,
}

impl<B: SynapticBackend> Synapse<B> {
    /// θ̃: the parameter at the end of the previous task, which is where this task began.
    ///
    /// # Panics
    ///
    /// If the parameter's rank is not `D`.
    pub fn anchor<const D: usize>(&self) -> Tensor<D> {
        ranked::<B, D>(&self.anchor)
    }

    /// ω: the running −Σ g·Δθ of this task. `None` before the task's first step.
    ///
    /// # Panics
    ///
    /// If the parameter's rank is not `D`.
    pub fn path_integral<const D: usize>(&self) -> Option<Tensor<D>> {
        self.path_integral.as_ref().map(ranked::<B, D>)
    }

    /// Ω: the importance consolidated over all past tasks. `None` before the first task's end.
    ///
    /// # Panics
    ///
    /// If the parameter's rank is not `D`.
    pub fn importance<const D: usize>(&self) -> Option<Tensor<D>> {
        self.importance.as_ref().map(ranked::<B, D>)
    }
}

/// The tensor of a parameter's state.
pub(crate) fn ranked<B: SynapticBackend, const D: usize>(state: &FloatTensor<B>) -> Tensor<D> {
    let rank = state.shape().num_dims();
    assert_eq!(rank, D, "this parameter has rank {rank}, but `D` is {D}");
    B::tensor(state.clone())
}

impl<B: Backend> Synapse<B> {
    pub(crate) fn new(path: String, anchor: FloatTensor<B>) -> Self {
        Self {
            path,
            order: 0,
            strength: 0.0,
            anchor,
            path_integral: None,
            importance: None,
            weighted: None,
            penalty_sum: None,
            open_step: None,
            began: 0,
            last_contribution: None,
        }
    }

    /// Path of the parameter in its module, such as `fc1.weight`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Shape of the parameter, and of each tensor here.
    pub fn shape(&self) -> Shape {
        self.anchor.shape()
    }

    /// [`anchor`](Self::anchor) as the backend's primitive, for code that does not know the parameter's rank.
    pub fn anchor_primitive(&self) -> &FloatTensor<B> {
        &self.anchor
    }

    /// [`path_integral`](Self::path_integral) as the backend's primitive, for code that does not know the parameter's
    /// rank.
    pub fn path_integral_primitive(&self) -> Option<&FloatTensor<B>> {
        self.path_integral.as_ref()
    }

    /// [`importance`](Self::importance) as the backend's primitive, for code that does not know the parameter's rank.
    pub fn importance_primitive(&self) -> Option<&FloatTensor<B>> {
        self.importance.as_ref()
    }

    /// Moves the state to another device, between two steps.
    #[expect(clippy::wrong_self_convention, reason = "Burn's name for it")]
    pub(crate) fn to_device(self, device: &B::Device) -> Self {
        let moved = |tensor| carry::<B>(tensor, device);
        Self {
            anchor: moved(self.anchor),
            path_integral: self.path_integral.map(moved),
            importance: self.importance.map(moved),
            weighted: None,
            penalty_sum: self.penalty_sum.map(moved),
            last_contribution: self.last_contribution.map(moved),
            open_step: None,
            ..self
        }
    }

    /// Records where its parameter is in the module now, and the strength there.
    pub(crate) fn update_place(&mut self, place: Place<'_>) {
        self.order = place.order;
        self.strength = place.settings.strength;
        if self.path != place.path {
            self.path = place.path.to_string();
        }
    }

    /// What pulls the parameter at a strength. `None` if the strength is zero, and before the first task's end.
    ///
    /// With strengths by replica, the importance includes them and the bound. If they do not fit the parameter, a warning
    /// is logged and they do not count.
    pub(crate) fn pull(
        &mut self,
        config: &SynapticIntelligenceConfig,
        strength: f64,
    ) -> Option<Pull<B>> {
        let scale = config.penalty_scale(strength);
        let importance = self.importance.clone().filter(|_| scale > 0.0)?;
        let strengths = &config.replica_strengths;
        if strengths.is_empty() {
            return Some(Pull {
                importance,
                bound: config.importance_bound.unwrap_or(f64::INFINITY),
                scale,
            });
        }
        let (shape, precision) = (importance.shape(), importance.dtype());
        let weighted = self.weighted.get_or_insert_with(|| {
            let importance = widen::<B>(importance);
            let importance = match config.importance_bound {
                Some(bound) => B::float_clamp_max(importance, bound.into()),
                None => importance,
            };
            let weighted = if divides(strengths.len(), &shape) {
                by_replica::<B>(importance, strengths)
            } else {
                warn!(
                    "{}: no factor counts for it",
                    misfit(&self.path, &shape, strengths.len())
                );
                importance
            };
            convert::<B>(weighted, precision)
        });
        Some(Pull {
            importance: weighted.clone(),
            bound: f64::INFINITY,
            scale,
        })
    }

    /// Adds a step's penalty, `[1]`, to the sum.
    pub(crate) fn add_penalty(&mut self, penalty: FloatTensor<B>) {
        self.penalty_sum = Some(match self.penalty_sum.take() {
            Some(sum) => B::float_add(total::<B>(sum), penalty),
            None => penalty,
        });
    }

    /// The sum of the penalty since it was last read, `[1]`. `None` if nothing was penalized since.
    pub(crate) fn total_penalty(&self) -> Option<FloatTensor<B>> {
        self.penalty_sum.clone().map(total::<B>)
    }

    /// Whether this can be the state of a parameter of that shape. The parameter may have grown.
    pub(crate) fn fits(&self, shape: &Shape) -> bool {
        has_grown(&self.shape(), shape)
    }

    /// Moves the state to the parameter's current device and precision, and lets it grow along every axis on which
    /// the parameter has grown. New numbers are free: they have no importance yet and are anchored at their
    /// current values. The state must fit.
    pub(crate) fn follow(&mut self, parameter: &FloatTensor<B>, state_precision: StatePrecision) {
        let device = parameter.device();
        if self.anchor.device() != device {
            *self = self.clone().to_device(&device);
        }
        let precision = working(parameter.dtype());
        let is_held = |state: &FloatTensor<B>| {
            state.dtype() == precision
                || state.dtype() == DType::BF16 && state_precision == StatePrecision::Bf16
        };
        let is_computed = |state: &Option<FloatTensor<B>>| {
            state.as_ref().is_none_or(|it| it.dtype() == precision)
        };
        let is_of_precision = is_held(&self.anchor)
            && is_computed(&self.path_integral)
            && is_computed(&self.penalty_sum);
        if self.shape() == parameter.shape() && is_of_precision {
            return;
        }
        let laid_over = |ground, state| laid_over::<B>(ground, convert::<B>(state, precision));
        let held = |ground, state| state_precision.hold::<B>(laid_over(ground, state));
        let zeros = || zeros_like::<B>(parameter);
        self.path_integral = (self.path_integral.take()).map(|state| laid_over(zeros(), state));
        self.importance = self.importance.take().map(|state| held(zeros(), state));
        self.anchor = held(widen::<B>(parameter.clone()), self.anchor.clone());
        self.penalty_sum = (self.penalty_sum.take()).map(|sum| convert::<B>(sum, precision));
        self.weighted = None;
        self.open_step = None;
    }

    /// What a task that ends at `parameter` adds to Ω with the damping ξ (eq. 5), before it is normalised: `ω / (Δ² + ξ)`.
    /// `None` if the task has not used the parameter.
    pub(crate) fn contribution(
        &self,
        parameter: FloatTensor<B>,
        damping: f64,
        config: &SynapticIntelligenceConfig,
    ) -> Option<FloatTensor<B>> {
        let path_integral = self.path_integral.clone()?;
        let parameter = widen::<B>(parameter);
        let anchor = convert::<B>(self.anchor.clone(), parameter.dtype());
        let displacement = B::float_sub(parameter, anchor);
        let squared = B::float_mul(displacement.clone(), displacement);
        let damped = B::float_add_scalar(squared, damping.into());
        let contribution = B::float_div(path_integral, damped);
        Some(match config.negative_importance {
            NegativeImportance::ReluPerTask => B::float_clamp_min(contribution, 0.0.into()),
            NegativeImportance::ReluOnSum | NegativeImportance::Keep => contribution,
        })
    }

    /// Ends a task at `parameter`: folds ω into Ω (eq. 5) with the damping ξ, moves the anchor, and clears ω. What the
    /// task adds to Ω is divided by `divisor`. Whatever an infinite or NaN gradient left in ω adds nothing.
    pub(crate) fn consolidate(
        &mut self,
        parameter: FloatTensor<B>,
        damping: f64,
        config: &SynapticIntelligenceConfig,
        divisor: f64,
    ) {
        let parameter = widen::<B>(parameter);
        let precision = parameter.dtype();
        let contribution = self.contribution(parameter.clone(), damping, config);
        self.path_integral = None;
        self.anchor = config.state_precision.hold::<B>(parameter);
        self.weighted = None;
        let importance = self.importance.take();
        let importance = importance.map(|importance| convert::<B>(importance, precision));
        let contribution = contribution.map(|all| {
            self.last_contribution = Some(B::float_sum(all.clone()));
            let finite = finite_or_zero::<B>(all);
            if divisor == 1.0 {
                finite
            } else {
                B::float_div_scalar(finite, divisor.into())
            }
        });
        let (kept, added) = match config.accumulation {
            Accumulation::Sum => (importance, contribution),
            Accumulation::MovingAverage { decay } => {
                let scaled = |tensor: Option<FloatTensor<B>>, factor: f64| {
                    tensor.map(|tensor| B::float_mul_scalar(tensor, factor.into()))
                };
                (scaled(importance, decay), scaled(contribution, 1.0 - decay))
            }
        };
        let importance = match (kept, added) {
            (Some(kept), Some(added)) => Some(B::float_add(kept, added)),
            (kept, added) => kept.or(added),
        };
        let importance = match config.negative_importance {
            NegativeImportance::ReluOnSum => {
                importance.map(|importance| B::float_clamp_min(importance, 0.0.into()))
            }
            NegativeImportance::ReluPerTask | NegativeImportance::Keep => importance,
        };
        self.importance = importance.map(|importance| config.state_precision.hold::<B>(importance));
    }
}

/// The tensor on `device`, in a precision that it supports.
pub(crate) fn carry<B: Backend>(tensor: FloatTensor<B>, device: &B::Device) -> FloatTensor<B> {
    if tensor.device() == *device {
        tensor
    } else {
        B::float_to_device(portable::<B>(tensor, device), device)
    }
}

/// The tensor with 0 in place of infinite and NaN values.
pub(crate) fn finite_or_zero<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    let largest = if tensor.dtype() == DType::F64 {
        f64::MAX
    } else {
        f64::from(f32::MAX)
    };
    let booleans = get_device_settings::<B>(&tensor.device()).bool_dtype;
    let magnitude = B::float_abs(tensor.clone());
    let is_finite = B::float_lower_equal_elem(magnitude, largest.into(), booleans);
    B::float_mask_fill(tensor, B::bool_not(is_finite), 0.0.into())
}
