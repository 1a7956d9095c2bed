use burn::config::Config;

use crate::policy::Policies;
use crate::{ElasticWeightConsolidation, Error, ParameterPolicy};

/// How the penalties of several tasks add up.
#[derive(Config, Debug, Copy, PartialEq)]
pub enum ElasticForm {
    /// A separate penalty for each task, `λ/2 Σ_ν Σ F^ν (θ − θ^ν)²` (Kirkpatrick et al. 2017).
    ///
    /// The penalties of the tasks before ν have already influenced θ^ν, so they count again in it. From the
    /// third task on, older tasks therefore weigh more than in the Bayesian recursion from which the penalty
    /// is derived (Huszár 2018).
    PerTask,
    /// One penalty for all tasks, `λ/2 Σ F* (θ − θ̃)²`, around the latest parameters θ̃, where
    /// `F* ← decay · F* + F` at each task's end (Schwarz et al. 2018).
    ///
    /// With a decay of 1, every task counts once (Huszár 2018).
    Online {
        /// The share γ of the old information that is kept at each task's end, in `(0, 1]`.
        decay: f64,
    },
}

/// Configuration of [`ElasticWeightConsolidation`].
///
/// | name | symbol | range | default |
/// |---|---|---|---|
/// | `strength` | λ | ≥ 0 | none |
/// | `form` | γ | `PerTask`, `Online` with γ in `(0, 1]` | `PerTask` |
#[derive(Config, Debug)]
pub struct ElasticWeightConsolidationConfig {
    /// Strength λ of the penalty `λ/2 Σ F (θ − θ*)²`: ≥ 0. At 0 nothing is held back.
    ///
    /// F is a mean over examples. If the task loss is such a mean too, a strength of 1 gives an old task the
    /// weight that it would have in joint training on as many examples, provided that its loss is the parabola
    /// that F describes. It rarely is: a network that has fitted its task is sure of its predictions, so F is
    /// small, and split MNIST needs a strength of thousands. So there is no default.
    pub strength: f64,
    /// How the penalties of several tasks add up. Default: a separate penalty for each task.
    #[config(default = "ElasticForm::PerTask")]
    pub form: ElasticForm,
    /// A separate strength for some parameters, and parameters that are left out, by path and by module type. A later
    /// policy overrides an earlier one. Default: none. Parameters that do not require gradients are never
    /// consolidated, whatever the policies say.
    #[config(default = "Vec::new()")]
    pub policies: Vec<ParameterPolicy>,
}

impl ElasticWeightConsolidationConfig {
    /// Checks the values and makes a regularizer that has not seen a module yet.
    ///
    /// # Errors
    ///
    /// - [`Error::Strength`] if `strength`, or that of a policy, is negative or not finite.
    /// - [`Error::ElasticDamping`] if a policy sets a damping, which this method does not have.
    /// - [`Error::OnlineDecay`] if the online form's decay is outside `(0, 1]`.
    pub fn init(&self) -> Result<ElasticWeightConsolidation, Error> {
        ElasticWeightConsolidation::new(self.clone())
    }

    /// Checks the values, with the errors of [`init`](Self::init).
    pub(super) fn validate(&self) -> Result<(), Error> {
        if !(self.strength.is_finite() && self.strength >= 0.0) {
            return Err(Error::Strength(self.strength));
        }
        for policy in &self.policies {
            policy.validate()?;
            if policy.has_damping() {
                return Err(Error::ElasticDamping(policy.to_string()));
            }
        }
        match self.form {
            ElasticForm::Online { decay } if !(decay > 0.0 && decay <= 1.0) => {
                Err(Error::OnlineDecay(decay))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn policies(&self) -> Policies {
        Policies::new(self.strength, 0.0, &self.policies)
    }
}
