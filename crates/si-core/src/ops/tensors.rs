//! The tensors that operations take and return. Each has a name, because the compiler cannot tell one from another.

use burn::backend::{Backend, ExtensionType, tensor::FloatTensor};

/// A parameter that Adam updates, and its state.
#[derive(Clone, Debug, ExtensionType)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub struct AdamTensors<B: Backend> {
    /// The parameter θ.
    pub parameter: FloatTensor<B>,
    /// The first moment m, the running mean of the gradient.
    pub moment_1: FloatTensor<B>,
    /// The second moment v, the running mean of the gradient's square.
    pub moment_2: FloatTensor<B>,
}

/// A parameter that stochastic gradient descent updates, and its state.
#[derive(Clone, Debug, ExtensionType)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub struct SgdTensors<B: Backend> {
    /// The parameter θ.
    pub parameter: FloatTensor<B>,
    /// The velocity u. Without momentum it is neither read nor changed.
    pub velocity: FloatTensor<B>,
}

/// What an update needs from the synapses of a parameter.
#[derive(Clone, Debug, ExtensionType)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub struct SynapseTensors<B: Backend> {
    /// The path integral ω before the update.
    pub path_integral: FloatTensor<B>,
    /// The importance Ω.
    pub importance: FloatTensor<B>,
    /// The anchor θ̃.
    pub anchor: FloatTensor<B>,
    /// Sum of the penalty since it was last read, in any number of parts that add up to it.
    pub penalty_sum: FloatTensor<B>,
}

/// What an update returns for the synapses of a parameter.
#[derive(Clone, Debug, ExtensionType)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub struct Advanced<B: Backend> {
    /// The path integral ω after the update.
    pub path_integral: FloatTensor<B>,
    /// The sum, with the penalty before the update in it. A backend may divide it into other parts. If the update's scale
    /// is 0, the sum is as it was given.
    pub penalty_sum: FloatTensor<B>,
}

/// The penalty of one parameter (eq. 4): `scale · Σ min(Ω, bound) (θ − θ̃)²`.
#[derive(Clone, Debug, ExtensionType)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub struct Penalty<B: Backend> {
    /// The parameter θ.
    pub parameter: FloatTensor<B>,
    /// The importance Ω.
    pub importance: FloatTensor<B>,
    /// The anchor θ̃.
    pub anchor: FloatTensor<B>,
    /// Factor of the sum.
    pub scale: f64,
    /// Upper bound of the importance in use. Infinite for none.
    pub bound: f64,
}

/// A gradient with that of a [`Penalty`] in it.
#[derive(Clone, Debug, ExtensionType)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub struct Penalized<B: Backend> {
    /// The total gradient.
    pub gradient: FloatTensor<B>,
    /// The value of the penalty, of shape `[1]`.
    pub penalty: FloatTensor<B>,
}

/// A step of a parameter along its learning path.
#[derive(Clone, Debug, ExtensionType)]
#[extension_type(fusion: cfg(feature = "cube"))]
pub struct PathStep<B: Backend> {
    /// The gradient g that belongs to the step.
    pub gradient: FloatTensor<B>,
    /// The parameter θ before the step.
    pub before: FloatTensor<B>,
    /// The parameter θ after the step.
    pub after: FloatTensor<B>,
}
