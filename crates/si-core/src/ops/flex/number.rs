//! The numbers that blocks hold, and where they are written.

use core::mem::MaybeUninit;

use burn::backend::Element;
use burn::tensor::bf16;
use num_traits::Float;

/// What the blocks hold.
pub(super) trait Number: Element + Float + bytemuck::Pod {}
impl Number for f32 {}
impl Number for f64 {}

/// What importance and anchor are kept as, for numbers `E` to be computed with.
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
        // Without the special cases of `to_f32`, which no vector has.
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

/// Where a number is written, over what is there or over nothing.
pub(super) trait Slot<E> {
    fn put(&mut self, number: E);
}

impl<E: Number> Slot<E> for E {
    #[inline(always)]
    fn put(&mut self, number: E) {
        *self = number;
    }
}

impl<E: Number> Slot<E> for MaybeUninit<E> {
    #[inline(always)]
    fn put(&mut self, number: E) {
        self.write(number);
    }
}
