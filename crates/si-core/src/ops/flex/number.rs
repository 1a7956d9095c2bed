//! The types of the numbers in tensors.

use burn::backend::Element;
use burn::tensor::bf16;
use num_traits::Float;

/// The types in which updates are computed.
pub(super) trait Number: Element + Float + bytemuck::Pod {}
impl Number for f32 {}
impl Number for f64 {}

/// The types in which importance and anchor are stored, for computations with numbers of type `E`.
pub(super) trait Held<E>: Element + bytemuck::Pod {
    fn release(self) -> E;
}

impl<E: Number> Held<E> for E {
    #[inline(always)]
    fn release(self) -> E {
        self
    }
}

impl Held<f32> for bf16 {
    #[inline(always)]
    fn release(self) -> f32 {
        // Unlike `to_f32`, this has no special cases, which would prevent vectorisation.
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

impl Held<f64> for bf16 {
    #[inline(always)]
    fn release(self) -> f64 {
        let number: f32 = self.release();
        number.into()
    }
}
