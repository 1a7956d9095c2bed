//! The settings of the method: the paper's choices and those of other implementations.

use burn::config::Config;

pub use crate::normalization::Normalization;
use crate::policy::Policies;
pub use crate::precision::StatePrecision;
use crate::{Error, ParameterPolicy, SynapticIntelligence};

/// Gradient that enters the path integral ω.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum PathGradient {
    /// The gradient of the task loss alone (eq. 3).
    Task,
    /// The gradient of the surrogate loss: the penalty's gradient is added.
    Total,
}

/// Treatment of synapses with a negative path integral, whose movement raised the loss.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum NegativeImportance {
    /// Clamps the running sum at zero after each task: `Ω ← max(0, Ω + new)`.
    ///
    /// The paper's text has no clamp. Its authors' code has this one.
    ReluOnSum,
    /// Clamps each task's contribution before adding it: `Ω ← Ω + max(0, new)`.
    ReluPerTask,
    /// Keeps negative values. They push a synapse away from its anchor.
    Keep,
}

/// How a task's contribution is combined with the importance Ω of earlier tasks.
#[derive(Config, Debug, Copy, PartialEq)]
pub enum Accumulation {
    /// `Ω ← Ω + new` (eq. 5).
    Sum,
    /// `Ω ← decay · Ω + (1 − decay) · new`, with `decay` in `[0, 1)`.
    MovingAverage {
        /// The share of the old importance that is kept at each task's end.
        decay: f64,
    },
}

/// Factor in front of the penalty.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum PenaltyFactor {
    /// `c Σ Ω (θ − θ̃)²` (eq. 4).
    One,
    /// `c/2 Σ Ω (θ − θ̃)²`.
    Half,
}

/// Point from which the first task's displacement Δ is measured.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum FirstTaskStart {
    /// The parameters before the first step.
    InitialParameters,
    /// Zero, so that Δ is the parameter itself.
    ///
    /// This is what the authors' permuted-MNIST notebook does.
    Zero,
}

/// Configuration of [`SynapticIntelligence`].
///
/// The defaults are the paper's; [`Preset`](crate::Preset) has the settings of other
/// implementations. [`init`](Self::init) checks the values.
///
/// | name | symbol | range | default |
/// |---|---|---|---|
/// | `strength` | c | ≥ 0 | 1 (split MNIST, fig. 3) |
/// | `damping` | ξ | > 0 | 1e-3 |
/// | `importance_bound` | | > 0 | none |
/// | `normalization` | | `Off`, `Mean`, `Largest` | `Off` |
#[derive(Config, Debug)]
pub struct SynapticIntelligenceConfig {
    /// Strength c of the penalty (eq. 4): ≥ 0. At 0 nothing is held back, but everything is still
    /// measured. Default 1, the paper's value for split MNIST.
    #[config(default = 1.0)]
    pub strength: f64,
    /// Factors, each ≥ 0, for every strength, including those of policies, task by task. Element `t` applies to the
    /// task of index `t`; the last element also applies to all later tasks. Default: empty, which means a factor of 1.
    /// With a strength of 1, the factors are the strengths.
    #[config(default = "Vec::new()")]
    pub strength_schedule: Vec<f64>,
    /// Factors, each ≥ 0, for every strength, replica by replica, if the module is a stack of
    /// [`replicas`](crate::replicas). There must be one for each replica. Default: empty, which means a factor of 1. With
    /// a strength of 1, the factors are the strengths.
    #[config(default = "Vec::new()")]
    pub replica_strengths: Vec<f64>,
    /// Damping ξ (eq. 5): > 0, in squared units of a parameter. It bounds the importance of synapses that
    /// hardly moved. Default 1e-3, the paper's value for split MNIST and split CIFAR.
    #[config(default = 1e-3)]
    pub damping: f64,
    /// Gradient that enters the path integral ω. Default: the task's (eq. 3).
    #[config(default = "PathGradient::Task")]
    pub path_gradient: PathGradient,
    /// Treatment of negative values. Default: clamp the running sum, as the authors' code does.
    #[config(default = "NegativeImportance::ReluOnSum")]
    pub negative_importance: NegativeImportance,
    /// What the contribution of each task is divided by before it joins the importance of earlier tasks. With the mean or
    /// the largest element, importance does not grow with the number of steps of a task or with the noise of its
    /// gradients, and every task counts equally. The strength is then one for importance of that size. In a stack of
    /// [`replicas`](crate::replicas), all have one mean. Default: nothing.
    #[config(default = "Normalization::Off")]
    pub normalization: Normalization,
    /// Upper bound, > 0, on the importance that the penalty uses. The sum itself is kept without the
    /// bound. It is a bound on normalised importance if `normalization` is on. Default: none.
    #[config(default = "None")]
    pub importance_bound: Option<f64>,
    /// How the importance of several tasks is combined. Default: the sum (eq. 5).
    #[config(default = "Accumulation::Sum")]
    pub accumulation: Accumulation,
    /// Factor in front of the penalty. Default: 1 (eq. 4).
    #[config(default = "PenaltyFactor::One")]
    pub penalty_factor: PenaltyFactor,
    /// Point from which the first task's displacement is measured. Default: the initial parameters.
    #[config(default = "FirstTaskStart::InitialParameters")]
    pub first_task_start: FirstTaskStart,
    /// Precision in which importance and anchor are kept. Default: f32, or f64 if the parameter is.
    #[config(default = "StatePrecision::Full")]
    pub state_precision: StatePrecision,
    /// Separate settings for some parameters, and parameters that are left out: by path, module type or group. A later
    /// policy overrides an earlier one. Default: none. Parameters that do not require gradients are never
    /// consolidated, whatever the policies say.
    #[config(default = "Vec::new()")]
    pub policies: Vec<ParameterPolicy>,
}

impl SynapticIntelligenceConfig {
    /// Checks the values and makes a regularizer that has not seen a module yet.
    ///
    /// # Errors
    ///
    /// - [`Error::Strength`] if `strength`, or that of a policy, is negative or not finite.
    /// - [`Error::StrengthSchedule`] if a factor of `strength_schedule` is negative or not finite.
    /// - [`Error::ReplicaStrength`] if a factor of `replica_strengths` is negative or not finite.
    /// - [`Error::Damping`] if `damping`, or that of a policy, is not a positive number.
    /// - [`Error::ImportanceBound`] if `importance_bound` is not a positive number.
    /// - [`Error::Decay`] if the moving average's decay is outside `[0, 1)`.
    pub fn init(&self) -> Result<SynapticIntelligence, Error> {
        SynapticIntelligence::new(self.clone())
    }

    /// Checks the values, with the errors of [`init`](Self::init).
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let negative = |value: &&f64| !(value.is_finite() && **value >= 0.0);
        if negative(&&self.strength) {
            return Err(Error::Strength(self.strength));
        }
        if let Some(factor) = self.strength_schedule.iter().find(negative) {
            return Err(Error::StrengthSchedule(*factor));
        }
        if let Some(factor) = self.replica_strengths.iter().find(negative) {
            return Err(Error::ReplicaStrength(*factor));
        }
        if !positive(self.damping) {
            return Err(Error::Damping(self.damping));
        }
        for policy in &self.policies {
            policy.validate()?;
        }
        if let Some(bound) = self.importance_bound.filter(|bound| !positive(*bound)) {
            return Err(Error::ImportanceBound(bound));
        }
        match self.accumulation {
            Accumulation::MovingAverage { decay } if !(0.0..1.0).contains(&decay) => {
                Err(Error::Decay {
                    setting: "Accumulation::MovingAverage",
                    decay,
                })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn policies(&self) -> Policies {
        Policies::new(self.strength, self.damping, &self.policies)
    }

    /// The factor of every strength in a task, apart from those of the replicas.
    pub(crate) fn strength_factor(&self, task: usize) -> f64 {
        let replicas = &self.replica_strengths;
        if !replicas.is_empty() && replicas.iter().all(|factor| *factor == 0.0) {
            return 0.0;
        }
        let factors = &self.strength_schedule;
        let factor = factors.get(task).or_else(|| factors.last());
        factor.copied().unwrap_or(1.0)
    }

    /// The factor of a parameter's `Σ Ω (θ − θ̃)²` in the surrogate loss: c or c/2, for the strength c.
    pub(crate) fn penalty_scale(&self, strength: f64) -> f64 {
        self.penalty_factor.scale(strength)
    }
}

impl PenaltyFactor {
    /// The factor of `Σ Ω (θ − θ̃)²` in the surrogate loss.
    pub(crate) fn scale(self, strength: f64) -> f64 {
        match self {
            Self::One => strength,
            Self::Half => strength / 2.0,
        }
    }
}
