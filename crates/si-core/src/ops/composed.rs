//! The operations composed of a backend's own: the default, and the reference for tests of the fused versions.

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::Shape;

use super::{AdamUpdate, SgdUpdate, SynapticOps, SynapticUpdate};
use crate::precision::{convert, working};
use crate::settings::PathGradient;

pub(super) fn advance_path_integral<B: Backend>(
    path_integral: FloatTensor<B>,
    gradient: FloatTensor<B>,
    before: FloatTensor<B>,
    after: FloatTensor<B>,
) -> FloatTensor<B> {
    let precision = path_integral.dtype();
    let [gradient, before, after] =
        [gradient, before, after].map(|tensor| convert::<B>(tensor, precision));
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
    let given = gradient.dtype();
    let [gradient, parameter, importance, anchor] = [gradient, parameter, importance, anchor]
        .map(|tensor| convert::<B>(tensor, working(given)));
    let importance = if bound.is_finite() {
        B::float_clamp_max(importance, bound.into())
    } else {
        importance
    };
    let displacement = B::float_sub(parameter, anchor);
    let pull = B::float_mul_scalar(
        B::float_mul(importance, displacement.clone()),
        (2.0 * scale).into(),
    );
    let twice_penalty = B::float_sum(B::float_mul(displacement, pull.clone()));
    let penalty = B::float_mul_scalar(B::float_reshape(twice_penalty, Shape::new([1])), 0.5.into());
    (convert::<B>(B::float_add(gradient, pull), given), penalty)
}

/// The same operations in the same order as Burn's own Adam, and so exactly the same numbers (bit for bit).
pub(super) fn adam<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    [moment_1, moment_2]: [FloatTensor<B>; 2],
    adam: AdamUpdate,
) -> [FloatTensor<B>; 3] {
    let scaled = |tensor, factor: f32| B::float_mul_scalar(tensor, factor.into());
    let gradient = decayed::<B>(&parameter, gradient, adam.weight_decay);
    let squared = B::float_mul(gradient.clone(), gradient.clone());
    let moment_1 = B::float_add(
        scaled(moment_1, adam.beta_1),
        scaled(gradient, 1.0 - adam.beta_1),
    );
    let moment_2 = B::float_add(
        scaled(moment_2, adam.beta_2),
        scaled(squared, 1.0 - adam.beta_2),
    );
    let root = B::float_sqrt(moment_2.clone());
    let step = B::float_div(
        scaled(moment_1.clone(), adam.correction),
        B::float_add_scalar(root, adam.epsilon.into()),
    );
    let step = B::float_mul_scalar(step, adam.learning_rate.into());
    [B::float_sub(parameter, step), moment_1, moment_2]
}

/// The same operations in the same order as Burn's own SGD, and so exactly the same numbers (bit for bit).
pub(super) fn sgd<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    velocity: FloatTensor<B>,
    sgd: SgdUpdate,
) -> [FloatTensor<B>; 2] {
    let gradient = decayed::<B>(&parameter, gradient, sgd.weight_decay);
    let (velocity, direction) = match sgd.momentum {
        None => (velocity, gradient),
        Some(momentum) => {
            let carried = |velocity| B::float_mul_scalar(velocity, momentum.into());
            let velocity = if sgd.is_first {
                gradient.clone()
            } else {
                B::float_add(
                    B::float_mul_scalar(gradient.clone(), (1.0 - sgd.dampening).into()),
                    carried(velocity),
                )
            };
            let direction = if sgd.nesterov {
                B::float_add(carried(velocity.clone()), gradient)
            } else {
                velocity.clone()
            };
            (velocity, direction)
        }
    };
    let step = B::float_mul_scalar(direction, sgd.learning_rate.into());
    [B::float_sub(parameter, step), velocity]
}

fn decayed<B: Backend>(
    parameter: &FloatTensor<B>,
    gradient: FloatTensor<B>,
    weight_decay: f32,
) -> FloatTensor<B> {
    if weight_decay == 0.0 {
        gradient
    } else {
        B::float_add(
            B::float_mul_scalar(parameter.clone(), weight_decay.into()),
            gradient,
        )
    }
}

/// Runs `update` with the penalty before it and the path integral after it. `update` returns the parameter first.
/// A synapse is ω, Ω and θ̃. Returns the result of `update`, ω and the penalty.
pub(crate) fn synaptic<B: SynapticOps, const N: usize>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    [path_integral, importance, anchor]: [FloatTensor<B>; 3],
    synaptic: SynapticUpdate,
    update: impl FnOnce(FloatTensor<B>, FloatTensor<B>) -> [FloatTensor<B>; N],
) -> ([FloatTensor<B>; N], FloatTensor<B>, FloatTensor<B>) {
    let SynapticUpdate {
        scale,
        bound,
        path_gradient,
    } = synaptic;
    let (total, penalty) = if scale > 0.0 {
        B::penalize(
            gradient.clone(),
            parameter.clone(),
            importance,
            anchor,
            scale,
            bound,
        )
    } else {
        let (device, dtype) = (parameter.device(), path_integral.dtype());
        let none = B::float_zeros(Shape::new([1]), &device, dtype.into());
        (gradient.clone(), none)
    };
    let of_path = match path_gradient {
        PathGradient::Task => gradient,
        PathGradient::Total => total.clone(),
    };
    let updated = update(parameter.clone(), total);
    let path_integral =
        B::advance_path_integral(path_integral, of_path, parameter, updated[0].clone());
    (updated, path_integral, penalty)
}
