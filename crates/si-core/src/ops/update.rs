//! The numbers that describe what a fused operation does to one parameter.

use crate::settings::PathGradient;

/// One update of Adam (Kingma and Ba 2015) or AdamW (Loshchilov and Hutter 2019), at a given step.
///
/// With the gradient `g` it updates the moments, `m ← β1 m + (1 − β1) g` and `v ← β2 v + (1 − β2) g²`, and the
/// parameter, `θ ← (1 − d) θ − η · m̂ / (√v̂ + ε)`. m̂ and v̂ are the moments after the [`BiasCorrection`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamUpdate {
    /// Decay β1 of the first moment, in `[0, 1)`.
    pub beta_1: f32,
    /// Decay β2 of the second moment, in `[0, 1)`.
    pub beta_2: f32,
    /// The correction of the moments' bias.
    pub correction: BiasCorrection,
    /// ε in use. With [`BiasCorrection::Joint`] it includes the factor `√(1 − β2^t)`.
    pub epsilon: f32,
    /// Learning rate η.
    pub learning_rate: f64,
    /// The factor with which θ is added to the gradient. 0 for none.
    pub weight_decay: f32,
    /// d: the part of θ that the update takes off, apart from the gradient. ηλ for decoupled weight decay of λ, 0
    /// for none.
    pub decoupled_decay: f64,
}

/// How an update of Adam corrects the bias of the moments, which begin at 0.
///
/// The two ways are the same but for rounding. Burn's Adam has the first, Burn's AdamW the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BiasCorrection {
    /// κ = `√(1 − β2^t) / (1 − β1^t)` at step t. The quotient is `(κ m) / (√v + ε)`.
    Joint(f32),
    /// What each moment is divided by. The quotient is `(m / moment_1) / (√(v / moment_2) + ε)`.
    Separate {
        /// `1 − β1^t` at step t.
        moment_1: f32,
        /// `1 − β2^t` at step t.
        moment_2: f32,
    },
}

/// One update of stochastic gradient descent.
///
/// With the gradient `g` it updates the velocity, `u ← (1 − d) g + μ u`, or `u ← g` at the first step, and the
/// parameter, `θ ← θ − η u`, or with Nesterov momentum `θ ← θ − η (μ u + g)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdUpdate {
    /// Momentum μ. `None` if there is no velocity: the given one is then neither read nor changed.
    pub momentum: Option<f32>,
    /// Dampening d.
    pub dampening: f64,
    /// Whether it is Nesterov momentum.
    pub nesterov: bool,
    /// Whether this is the first step.
    pub is_first: bool,
    /// Learning rate η.
    pub learning_rate: f64,
    /// The factor with which θ is added to the gradient. 0 for none.
    pub weight_decay: f32,
}

/// How the penalty and the path integral enter an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SynapticUpdate {
    /// Factor of the penalty `Σ Ω (θ − θ̃)²`, ≥ 0. At 0 importance and anchor are not read.
    pub scale: f64,
    /// Upper bound of the importance in use. Infinite for none.
    pub bound: f64,
    /// The gradient that the path integral uses.
    pub path_gradient: PathGradient,
}
