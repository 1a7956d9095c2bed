use burn::config::Config;

use crate::normalization::Normalization;
use crate::policy::Policies;
use crate::settings::PenaltyFactor;
use crate::{Error, ParameterPolicy, QuadraticPenalty};

/// How the penalties of several tasks join.
#[derive(Config, Debug, Copy, PartialEq)]
pub enum Joining {
    /// A separate penalty for each task ν, around its own parameters: `Σ_ν Σ Ω^ν (θ − θ^ν)²`.
    PerTask,
    /// One penalty for all tasks, `Σ Ω (θ − θ̃)²`, around the latest parameters θ̃. At each task's end, `Ω ← decay · Ω`
    /// plus the task's importance. With a decay of 1, every task counts once.
    Latest {
        /// The share of the importance of earlier tasks that is kept at each task's end, in `(0, 1]`.
        decay: f64,
    },
    /// One penalty for all tasks around the latest parameters, as `Latest`, with the mean of the tasks' importance: at the
    /// end of the n-th task, `Ω ← ((n − 1) Ω + Ω^n) / n`. So the penalty does not grow with the number of tasks.
    Average,
    /// One penalty around the latest parameters, as `Latest`, with the latest importance alone: for importance that spans
    /// all tasks already, such as [`RunningMeasure::RiemannianWalk`](crate::importance::RunningMeasure), and for
    /// [constant](crate::importance::constant()) importance.
    Replace,
}

/// Configuration of a [`QuadraticPenalty`]. Its presets are the methods of papers.
///
/// | name | symbol | range | default |
/// |---|---|---|---|
/// | `strength` | λ | ≥ 0 | none |
/// | `penalty_factor` | | `One`, `Half` | `One` |
/// | `joining` | | `PerTask`, `Latest` with a decay in `(0, 1]`, `Average`, `Replace` | `Latest` with a decay of 1 |
/// | `normalization` | | `Off`, `Mean`, `Largest` | `Off` |
#[derive(Config, Debug)]
pub struct QuadraticPenaltyConfig {
    /// Strength λ of the penalty: ≥ 0. At 0 nothing is held back. It depends on the unit of the importance, so there
    /// is no default.
    pub strength: f64,
    /// Whether the penalty is `λ Σ Ω (θ − θ̃)²`, with the gradient `2 λ Ω (θ − θ̃)`, or half of that. Default: the
    /// former.
    #[config(default = "PenaltyFactor::One")]
    pub penalty_factor: PenaltyFactor,
    /// How the penalties of several tasks join. Default: one penalty with the sum of their importance.
    #[config(default = "Joining::Latest { decay: 1.0 }")]
    pub joining: Joining,
    /// What the importance of each task is divided by before it joins. Default: nothing.
    #[config(default = "Normalization::Off")]
    pub normalization: Normalization,
    /// A separate strength for some parameters, and parameters that are left out: by path, module type or group. A later
    /// policy overrides an earlier one. Default: none. Parameters that do not require gradients are never
    /// consolidated, whatever the policies say.
    #[config(default = "Vec::new()")]
    pub policies: Vec<ParameterPolicy>,
}

impl QuadraticPenaltyConfig {
    /// Checks the values and makes a penalty that has not seen a module yet.
    ///
    /// # Errors
    ///
    /// - [`Error::Strength`] if `strength`, or that of a policy, is negative or not finite.
    /// - [`Error::PenaltyDamping`] if a policy sets a damping, which this penalty does not have.
    /// - [`Error::JoiningDecay`] if the decay of [`Joining::Latest`] is outside `(0, 1]`.
    pub fn init(&self) -> Result<QuadraticPenalty, Error> {
        QuadraticPenalty::new(self.clone())
    }

    /// Checks the values, with the errors of [`init`](Self::init).
    pub(super) fn validate(&self) -> Result<(), Error> {
        if !(self.strength.is_finite() && self.strength >= 0.0) {
            return Err(Error::Strength(self.strength));
        }
        for policy in &self.policies {
            policy.validate()?;
            if policy.has_damping() {
                return Err(Error::PenaltyDamping(policy.to_string()));
            }
        }
        match self.joining {
            Joining::Latest { decay } if !(decay > 0.0 && decay <= 1.0) => {
                Err(Error::JoiningDecay(decay))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn policies(&self) -> Policies {
        Policies::new(self.strength, 0.0, &self.policies)
    }
}
