//! The arithmetic of a training step: the operations before and after the optimizer's update, the optimizers'
//! updates, and all of them in one.

#![cfg_attr(
    feature = "ndarray",
    expect(
        deprecated,
        reason = "kept until Burn drops it: some platforms have no other CPU backend"
    )
)]

mod composed;
#[cfg(feature = "cube")]
mod cube;
#[cfg(feature = "flex")]
mod flex;
#[cfg(test)]
mod tests;
mod update;

use burn::Tensor;
#[cfg(feature = "flex")]
use burn::backend::Flex;
#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
#[cfg(feature = "remote")]
use burn::backend::Remote;
use burn::backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor};
#[cfg(feature = "cube")]
use burn::backend::{Cube, fusion::custom::TensorSpec};
#[cfg(feature = "cube")]
use burn::tensor::{DType, Shape};

pub(crate) use composed::synaptic as in_separate_passes;
pub use update::{AdamUpdate, SgdUpdate, SynapticUpdate};

#[cfg(feature = "cube")]
use crate::precision::working;

/// Synaptic arithmetic on a backend's float tensors, outside autodiff.
///
/// Each operation has a default body of composed tensor operations. A backend overrides it if it can do the same
/// in one pass over memory. All tensors given to a call have the same shape. Parameter, gradient and the
/// optimizer's state have one data type. Path integral and penalty are f64 if that type is f64, otherwise f32.
/// Importance and anchor both have the path integral's type, or both are bf16.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    Remote: cfg(feature = "remote"),
    Fusion: cfg(feature = "cube")
)]
pub trait SynapticOps: Backend {
    /// Advances the path integral by one optimizer step (eq. 3): `ω − g · (after − before)`.
    #[fusion(meta = |path_integral, _, _, _| path_integral.clone())]
    fn advance_path_integral(
        path_integral: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        before: FloatTensor<Self>,
        after: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed::advance_path_integral::<Self>(path_integral, gradient, before, after)
    }

    /// Adds the penalty's gradient (eq. 4) to a gradient, and computes the penalty itself.
    ///
    /// Returns `gradient + 2 · scale · Ω (θ − θ̃)` and the penalty `scale · Σ Ω (θ − θ̃)²`, of shape `[1]`. Ω is
    /// the importance, at most `bound`.
    #[fusion(meta = |gradient, _, _, _, _, _| (gradient.clone(), number(working(gradient.dtype))))]
    fn penalize(
        gradient: FloatTensor<Self>,
        parameter: FloatTensor<Self>,
        importance: FloatTensor<Self>,
        anchor: FloatTensor<Self>,
        scale: f64,
        bound: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::penalize::<Self>(gradient, parameter, importance, anchor, scale, bound)
    }

    /// Updates a parameter by Adam. Returns the parameter and its two moments.
    #[fusion(meta = |parameter, _, moment_1, moment_2, _| (parameter.clone(), moment_1.clone(), moment_2.clone()))]
    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        adam: AdamUpdate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::adam::<Self>(parameter, gradient, [moment_1, moment_2], adam).into()
    }

    /// Adds the penalty's gradient, updates a parameter by Adam, and advances the path integral:
    /// [`penalize`](Self::penalize), [`adam`](Self::adam) and
    /// [`advance_path_integral`](Self::advance_path_integral) in one.
    ///
    /// Returns the parameter, its two moments, the path integral, and the penalty, of shape `[1]`.
    #[allow(
        clippy::too_many_arguments,
        clippy::type_complexity,
        reason = "one pass over all that a step touches; `expect` fails on the copy that the macro makes"
    )]
    #[fusion(meta = |parameter, _, moment_1, moment_2, path_integral, _, _, _, _| (
        parameter.clone(),
        moment_1.clone(),
        moment_2.clone(),
        path_integral.clone(),
        number(path_integral.dtype),
    ))]
    fn synaptic_adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        path_integral: FloatTensor<Self>,
        importance: FloatTensor<Self>,
        anchor: FloatTensor<Self>,
        adam: AdamUpdate,
        synaptic: SynapticUpdate,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        let synapse = [path_integral, importance, anchor];
        let ([parameter, moment_1, moment_2], path_integral, penalty) = composed::synaptic::<Self, 3>(
            parameter,
            gradient,
            synapse,
            synaptic,
            |parameter, gradient| {
                composed::adam::<Self>(parameter, gradient, [moment_1, moment_2], adam)
            },
        );
        (parameter, moment_1, moment_2, path_integral, penalty)
    }

    /// Updates a parameter by stochastic gradient descent. Returns the parameter and its velocity.
    #[fusion(meta = |parameter, _, velocity, _| (parameter.clone(), velocity.clone()))]
    fn sgd(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        sgd: SgdUpdate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::sgd::<Self>(parameter, gradient, velocity, sgd).into()
    }

    /// Like [`synaptic_adam`](Self::synaptic_adam), with stochastic gradient descent instead of Adam.
    ///
    /// Returns the parameter, its velocity, the path integral, and the penalty, of shape `[1]`.
    #[allow(
        clippy::too_many_arguments,
        reason = "one pass over all that a step touches; `expect` fails on the copy that the macro makes"
    )]
    #[fusion(meta = |parameter, _, velocity, path_integral, _, _, _, _| (
        parameter.clone(),
        velocity.clone(),
        path_integral.clone(),
        number(path_integral.dtype),
    ))]
    fn synaptic_sgd(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        path_integral: FloatTensor<Self>,
        importance: FloatTensor<Self>,
        anchor: FloatTensor<Self>,
        sgd: SgdUpdate,
        synaptic: SynapticUpdate,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        let synapse = [path_integral, importance, anchor];
        let ([parameter, velocity], path_integral, penalty) = composed::synaptic::<Self, 2>(
            parameter,
            gradient,
            synapse,
            synaptic,
            |parameter, gradient| composed::sgd::<Self>(parameter, gradient, velocity, sgd),
        );
        (parameter, velocity, path_integral, penalty)
    }
}

#[cfg(feature = "ndarray")]
impl SynapticOps for NdArray {}

// Composed of Burn's own operations, which any Burn server can run. An operation of ours would have to be
// registered on the server. The same holds with fusion: there `Remote` is a `Fusion` whose inner backend
// deliberately has none of these operations.
#[cfg(feature = "remote")]
impl SynapticOps for Remote {}

/// One number of type `dtype`.
#[cfg(feature = "cube")]
fn number(dtype: DType) -> TensorSpec {
    TensorSpec::new(Shape::new([1]), dtype)
}

/// A backend with synaptic arithmetic, with conversions between its primitives and the tensors of a module.
///
/// Implemented for [`Dispatch`], which accepts tensors on any device, and for each backend that is compiled in.
pub trait SynapticBackend: SynapticOps {
    /// The primitive of a tensor outside autodiff.
    ///
    /// # Panics
    ///
    /// If the tensor is on another backend, or takes part in autodiff.
    fn primitive<const D: usize>(tensor: Tensor<D>) -> FloatTensor<Self>;

    /// The tensor of a primitive of rank `D`.
    fn tensor<const D: usize>(primitive: FloatTensor<Self>) -> Tensor<D>;
}

impl SynapticBackend for Dispatch {
    fn primitive<const D: usize>(tensor: Tensor<D>) -> FloatTensor<Self> {
        tensor.into_dispatch()
    }

    fn tensor<const D: usize>(primitive: FloatTensor<Self>) -> Tensor<D> {
        Tensor::from_dispatch(primitive)
    }
}

/// Implements [`SynapticBackend`] for a backend that tensors can be downcast to.
macro_rules! synaptic_backend {
    ($backend:ident) => {
        impl SynapticBackend for $backend {
            fn primitive<const D: usize>(tensor: Tensor<D>) -> FloatTensor<Self> {
                tensor.try_into_primitive::<Self>().unwrap_or_else(|error| {
                    panic!("the module must be on {}: {error:?}", stringify!($backend))
                })
            }

            fn tensor<const D: usize>(primitive: FloatTensor<Self>) -> Tensor<D> {
                Tensor::from_primitive::<Self>(primitive)
            }
        }
    };
}

#[cfg(feature = "flex")]
synaptic_backend!(Flex);
#[cfg(feature = "ndarray")]
synaptic_backend!(NdArray);
#[cfg(feature = "cube")]
synaptic_backend!(Cube);
#[cfg(feature = "remote")]
synaptic_backend!(Remote);
