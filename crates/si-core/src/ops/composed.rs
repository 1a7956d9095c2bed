//! The operations out of a backend's own: the default, and what the fused forms are checked against.

use burn::backend::{Backend, tensor::FloatTensor};
use burn::tensor::Shape;

pub(super) fn advance_path_integral<B: Backend>(
    path_integral: FloatTensor<B>,
    gradient: FloatTensor<B>,
    before: FloatTensor<B>,
    after: FloatTensor<B>,
) -> FloatTensor<B> {
    let step = B::float_sub(after, before);
    B::float_sub(path_integral, B::float_mul(step, gradient))
}

pub(super) fn penalize<B: Backend>(
    gradient: FloatTensor<B>,
    parameter: FloatTensor<B>,
    importance: FloatTensor<B>,
    anchor: FloatTensor<B>,
    scale: f64,
    bound: f64,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let importance = match bound.is_finite() {
        true => B::float_clamp_max(importance, bound.into()),
        false => importance,
    };
    let displacement = B::float_sub(parameter, anchor);
    let pull = B::float_mul_scalar(
        B::float_mul(importance, displacement.clone()),
        (2.0 * scale).into(),
    );
    let twice_penalty = B::float_sum(B::float_mul(displacement, pull.clone()));
    let penalty = B::float_mul_scalar(B::float_reshape(twice_penalty, Shape::new([1])), 0.5.into());
    (B::float_add(gradient, pull), penalty)
}
