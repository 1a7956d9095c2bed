use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::config::Config;
use burn::tensor::{DType, FloatDType};

/// Precision in which importance Ω and anchor θ̃ are kept between steps. They are computed with in the
/// parameter's.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum HeldPrecision {
    /// That of the parameter.
    Parameter,
    /// 16 bits, with the range of `f32` and a relative error of up to 0.4 %: half the memory of both.
    ///
    /// The anchor is rounded, so a synapse is pulled towards a place next to the one where it was. The
    /// device must bear the type: a [`ContinualLearner`](crate::ContinualLearner) is not made where it does
    /// not ([`Error::HeldPrecision`](crate::Error::HeldPrecision)), and what is moved to such a device is widened. A file that holds bf16
    /// loads where the device bears it.
    Bf16,
}

impl HeldPrecision {
    /// What is kept of a tensor of the parameter's precision.
    pub(crate) fn hold<B: Backend>(self, tensor: FloatTensor<B>) -> FloatTensor<B> {
        match self {
            HeldPrecision::Bf16
                if tensor.dtype().size() > DType::BF16.size()
                    && B::supports_dtype(&tensor.device(), DType::BF16) =>
            {
                B::float_cast(tensor, FloatDType::BF16)
            }
            HeldPrecision::Bf16 | HeldPrecision::Parameter => tensor,
        }
    }
}

/// What is kept, as `device` bears it, on which it is to go.
pub(crate) fn portable<B: Backend>(held: FloatTensor<B>, device: &B::Device) -> FloatTensor<B> {
    match B::supports_dtype(device, held.dtype()) {
        true => held,
        false => B::float_cast(held, FloatDType::F32),
    }
}

/// What is kept, in the precision that it is computed with.
pub(crate) fn release<B: Backend>(held: FloatTensor<B>, precision: DType) -> FloatTensor<B> {
    match held.dtype() == precision {
        true => held,
        false => B::float_cast(held, precision.into()),
    }
}
