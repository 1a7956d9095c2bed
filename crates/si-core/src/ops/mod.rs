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
mod tensors;
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

pub(crate) use composed::{Updatable, synaptic as in_separate_passes, total};
#[cfg(feature = "flex")]
#[doc(hidden)]
pub use flex::leave_avx512_unused;
pub use tensors::{
    AdamTensors, Advanced, PathStep, Penalized, Penalty, SgdTensors, SynapseTensors,
};
#[cfg(feature = "cube")]
pub use tensors::{
    AdamTensorsMetadata, AdvancedMetadata, PathStepMetadata, PenalizedMetadata, PenaltyMetadata,
    SgdTensorsMetadata, SynapseTensorsMetadata,
};
pub use update::{AdamUpdate, BiasCorrection, SgdUpdate, SynapticUpdate};

#[cfg(feature = "cube")]
use crate::precision::working;

/// Synaptic arithmetic on a backend's float tensors, outside autodiff.
///
/// Each operation has a default body of composed tensor operations. A backend overrides it if it can do the same
/// in one pass over memory. All tensors given to a call have the same shape, except the penalty's sum. Parameter,
/// gradient and the optimizer's state have one data type. Path integral, penalty and its sum are f64 if that type is f64,
/// otherwise f32. Importance and anchor both have the path integral's type, or both are bf16.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    Remote: cfg(feature = "remote"),
    Fusion: cfg(feature = "cube")
)]
pub trait SynapticOps: Backend {
    /// Advances the path integral by one optimizer step (eq. 3): `ω − g · (after − before)`.
    #[fusion(meta = |path_integral, _| path_integral.clone())]
    fn advance_path_integral(
        path_integral: FloatTensor<Self>,
        #[extension_type] step: PathStep<Self>,
    ) -> FloatTensor<Self> {
        composed::advance_path_integral::<Self>(path_integral, step)
    }

    /// Adds the penalty's gradient, `2 · scale · min(Ω, bound) (θ − θ̃)`, to a gradient, and computes the penalty
    /// itself.
    #[fusion(meta = |gradient, _| PenalizedMetadata {
        gradient: gradient.clone(),
        penalty: number(working(gradient.dtype)),
    })]
    fn penalize(
        gradient: FloatTensor<Self>,
        #[extension_type] penalty: Penalty<Self>,
    ) -> Penalized<Self> {
        composed::penalize::<Self>(gradient, penalty)
    }

    /// Updates a parameter and its moments by Adam or AdamW.
    #[fusion(meta = |tensors, _, _| tensors.clone())]
    fn adam(
        #[extension_type] tensors: AdamTensors<Self>,
        gradient: FloatTensor<Self>,
        adam: AdamUpdate,
    ) -> AdamTensors<Self> {
        composed::adam::<Self>(tensors, gradient, adam)
    }

    /// Adds the penalty's gradient, updates a parameter by Adam or AdamW, and advances the path integral:
    /// [`penalize`](Self::penalize), [`adam`](Self::adam) and
    /// [`advance_path_integral`](Self::advance_path_integral) in one.
    #[fusion(meta = |tensors, _, synapse, _, synaptic| (tensors.clone(), advanced(synapse, synaptic)))]
    fn synaptic_adam(
        #[extension_type] tensors: AdamTensors<Self>,
        gradient: FloatTensor<Self>,
        #[extension_type] synapse: SynapseTensors<Self>,
        adam: AdamUpdate,
        synaptic: SynapticUpdate,
    ) -> (AdamTensors<Self>, Advanced<Self>) {
        composed::synaptic(tensors, gradient, synapse, synaptic, |tensors, gradient| {
            composed::adam::<Self>(tensors, gradient, adam)
        })
    }

    /// Updates a parameter and its velocity by stochastic gradient descent.
    #[fusion(meta = |tensors, _, _| tensors.clone())]
    fn sgd(
        #[extension_type] tensors: SgdTensors<Self>,
        gradient: FloatTensor<Self>,
        sgd: SgdUpdate,
    ) -> SgdTensors<Self> {
        composed::sgd::<Self>(tensors, gradient, sgd)
    }

    /// Like [`synaptic_adam`](Self::synaptic_adam), with stochastic gradient descent instead of Adam.
    #[fusion(meta = |tensors, _, synapse, _, synaptic| (tensors.clone(), advanced(synapse, synaptic)))]
    fn synaptic_sgd(
        #[extension_type] tensors: SgdTensors<Self>,
        gradient: FloatTensor<Self>,
        #[extension_type] synapse: SynapseTensors<Self>,
        sgd: SgdUpdate,
        synaptic: SynapticUpdate,
    ) -> (SgdTensors<Self>, Advanced<Self>) {
        composed::synaptic(tensors, gradient, synapse, synaptic, |tensors, gradient| {
            composed::sgd::<Self>(tensors, gradient, sgd)
        })
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

/// What an update returns for these synapses.
#[cfg(feature = "cube")]
fn advanced(synapse: &SynapseTensorsMetadata, synaptic: &SynapticUpdate) -> AdvancedMetadata {
    let path_integral = synapse.path_integral.clone();
    let penalty_sum = if synaptic.scale > 0.0 {
        let num_parts = cube::num_penalty_parts(path_integral.shape.num_elements());
        TensorSpec::new(Shape::new([num_parts]), working(path_integral.dtype))
    } else {
        synapse.penalty_sum.clone()
    };
    AdvancedMetadata {
        path_integral,
        penalty_sum,
    }
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
