//! The precision that numbers are kept and computed in.

use burn::Tensor;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::config::Config;
use burn::tensor::{DType, FloatDType};

/// Precision in which importance Ω and anchor θ̃ are kept between steps. The path integral ω, and all that is
/// computed, is in f32, or in f64 if the parameter is.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum StatePrecision {
    /// f32, or f64 if the parameter is.
    Full,
    /// bf16: 16 bits, with the range of `f32` and a relative error of up to 0.4 %: half the memory of both.
    ///
    /// The anchor is rounded, so a synapse is pulled towards a place next to the one where it was. The
    /// device must support bf16; otherwise [`ContinualLearner::new`](crate::ContinualLearner::new) returns
    /// [`Error::StatePrecision`](crate::Error::StatePrecision). State that moves to a device without bf16 is
    /// converted to f32. Files with bf16 state load only on devices that support it.
    Bf16,
}

impl StatePrecision {
    /// What is kept of a tensor in the [`working`] precision.
    pub(crate) fn hold<B: Backend>(self, tensor: FloatTensor<B>) -> FloatTensor<B> {
        match self {
            StatePrecision::Bf16
                if tensor.dtype().size() > DType::BF16.size()
                    && B::supports_dtype(&tensor.device(), DType::BF16) =>
            {
                B::float_cast(tensor, FloatDType::BF16)
            }
            StatePrecision::Bf16 | StatePrecision::Full => tensor,
        }
    }
}

/// The precision that a parameter of precision `parameter` is computed with: f64 if it is that, or else f32.
pub(crate) fn working(parameter: DType) -> DType {
    match parameter {
        DType::F64 => DType::F64,
        _ => DType::F32,
    }
}

/// A tensor of a parameter's precision in the [`working`] precision.
pub(crate) fn widen<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    let precision = working(tensor.dtype());
    convert::<B>(tensor, precision)
}

/// [`widen`], for a tensor inside autodiff or outside.
pub(crate) fn widened<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let precision = working(tensor.dtype());
    tensor.cast(precision)
}

/// What is kept, as `device` supports it, to which it is to go.
pub(crate) fn portable<B: Backend>(held: FloatTensor<B>, device: &B::Device) -> FloatTensor<B> {
    if B::supports_dtype(device, held.dtype()) {
        held
    } else {
        B::float_cast(held, FloatDType::F32)
    }
}

/// The tensor in `precision`.
pub(crate) fn convert<B: Backend>(tensor: FloatTensor<B>, precision: DType) -> FloatTensor<B> {
    if tensor.dtype() == precision {
        tensor
    } else {
        B::float_cast(tensor, precision.into())
    }
}

/// The sum of two tensors of one shape, on the device of the first and in the wider of their precisions.
pub(crate) fn sum<const D: usize>(first: Tensor<D>, second: Tensor<D>) -> Tensor<D> {
    let second = if second.device() == first.device() {
        second
    } else {
        second.to_device(&first.device())
    };
    match (first.dtype(), second.dtype()) {
        (one, other) if one == other => first + second,
        (DType::F64, _) => first + second.cast(DType::F64),
        (_, DType::F64) => first.cast(DType::F64) + second,
        _ => widened(first) + widened(second),
    }
}
