//! The precision in which numbers are kept and computed.

use burn::Tensor;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::config::Config;
use burn::tensor::{DType, FloatDType};

/// Precision in which importance Ω and anchor θ̃ are kept between steps. The path integral ω and all computations
/// are in f32, or in f64 if the parameter is.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum StatePrecision {
    /// f32, or f64 if the parameter is.
    Full,
    /// bf16: 16 bits, with the range of `f32` and a relative error of up to 0.4 %. It halves the memory of both.
    ///
    /// The anchor is rounded, so a synapse is pulled to a value close to its old one. The
    /// device must support bf16; otherwise [`ContinualLearner::new`](crate::ContinualLearner::new) returns
    /// [`Error::StatePrecision`](crate::Error::StatePrecision). State that moves to a device without bf16 is
    /// converted to f32. Files with bf16 state load only on devices that support it.
    Bf16,
}

impl StatePrecision {
    /// Converts a tensor in the [`working`] precision to the one in which it is kept.
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

/// The precision for computing with a parameter of precision `parameter`: f64 if that is f64, otherwise f32.
pub(crate) fn working(parameter: DType) -> DType {
    match parameter {
        DType::F64 => DType::F64,
        _ => DType::F32,
    }
}

/// Converts a tensor from its parameter's precision to the [`working`] precision.
pub(crate) fn widen<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    let precision = working(tensor.dtype());
    convert::<B>(tensor, precision)
}

/// [`widen`], for a tensor inside or outside autodiff.
pub(crate) fn widened<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let precision = working(tensor.dtype());
    tensor.cast(precision)
}

/// The kept tensor in a precision that `device` supports, before it moves there.
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

/// The sum of two tensors of the same shape, on the device of the first, in the wider precision of the two.
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
