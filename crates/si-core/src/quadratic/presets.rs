use super::{Joining, QuadraticPenaltyConfig};
use crate::settings::PenaltyFactor;

impl QuadraticPenaltyConfig {
    /// Elastic Weight Consolidation (Kirkpatrick et al. 2017), for Fisher information F: the penalty
    /// `λ/2 Σ_ν Σ F^ν (θ − θ^ν)²`.
    ///
    /// After a task, its posterior is approximated by a Gaussian around the parameters θ^ν that were found, with the
    /// diagonal of F^ν as its precision. The penalties of the tasks before ν have already influenced θ^ν, so they count
    /// again in it. From the third task on, older tasks therefore weigh more than in the Bayesian recursion from which
    /// the penalty is derived (Huszár 2018).
    ///
    /// F is a mean over examples. If the task loss is such a mean too, a strength of 1 gives an old task the weight
    /// that it would have in joint training on as many examples, provided that its loss is the parabola that F
    /// describes. It rarely is: a network that has fitted its task is sure of its predictions, so F is small, and split
    /// MNIST needs a strength of thousands.
    pub fn ewc(strength: f64) -> Self {
        Self::new(strength)
            .with_penalty_factor(PenaltyFactor::Half)
            .with_joining(Joining::PerTask)
    }

    /// Online Elastic Weight Consolidation (Schwarz et al. 2018), for Fisher information: as [`ewc`](Self::ewc), with one
    /// penalty around the latest parameters and with the share `decay` of the earlier information, in `(0, 1]`.
    ///
    /// With a decay of 1, every task counts once (Huszár 2018). Schwarz et al. also normalise each task's information:
    /// [`Normalization`](super::Normalization) does that, and is off here.
    pub fn online_ewc(strength: f64, decay: f64) -> Self {
        Self::new(strength)
            .with_penalty_factor(PenaltyFactor::Half)
            .with_joining(Joining::Latest { decay })
    }

    /// Elastic Weight Consolidation Done Right (Liu and Chang 2026), for reversed Fisher information
    /// ([`Quantity::ReversedLogLikelihood`](crate::importance::Quantity::ReversedLogLikelihood)) of at most 1e-4
    /// ([`Importance::at_most`](crate::Importance::at_most)): the penalty `λ/2 Σ Ω (θ − θ̃)²` around the latest
    /// parameters θ̃, with the mean of the tasks' importance.
    ///
    /// The authors' code has λ = 10⁴, and weights tasks by their number of classes; here every task has the same
    /// weight. If most importance is at the limit, the penalty is close to an [`l2`](Self::l2) anchor: compare the two.
    pub fn ewc_done_right(strength: f64) -> Self {
        Self::new(strength)
            .with_penalty_factor(PenaltyFactor::Half)
            .with_joining(Joining::Average)
    }

    /// Memory Aware Synapses (Aljundi et al. 2018), for the [sensitivity](crate::importance::sensitivity()) of the outputs:
    /// the penalty `λ Σ Ω (θ − θ̃)²` around the latest parameters θ̃, with the sum of the tasks' importance. The paper
    /// has λ = 1.
    pub fn mas(strength: f64) -> Self {
        Self::new(strength)
    }

    /// An L2 anchor, for [constant](crate::importance::constant()) importance: the penalty `λ Σ (θ − θ̃)²` around the
    /// latest parameters θ̃.
    ///
    /// It pulls equally strongly after any number of tasks, so a strength can be compared with one of
    /// [`ewc_done_right`](Self::ewc_done_right): if all importance is at a limit l there, λ corresponds to `λ l / 2` here.
    pub fn l2(strength: f64) -> Self {
        Self::new(strength).with_joining(Joining::Replace)
    }
}
