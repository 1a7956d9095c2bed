//! The operations composed of a backend's own: the default, and the reference for tests of the fused versions.

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::Shape;

use super::{
    AdamTensors, AdamUpdate, Advanced, BiasCorrection, PathStep, Penalized, Penalty, SgdTensors,
    SgdUpdate, SynapseTensors, SynapticOps, SynapticUpdate,
};
use crate::precision::{convert, working};
use crate::settings::PathGradient;

pub(super) fn advance_path_integral<B: Backend>(
    path_integral: FloatTensor<B>,
    step: PathStep<B>,
) -> FloatTensor<B> {
    let precision = path_integral.dtype();
    let [gradient, before, after] =
        [step.gradient, step.before, step.after].map(|tensor| convert::<B>(tensor, precision));
    let step = B::float_sub(after, before);
    B::float_sub(path_integral, B::float_mul(step, gradient))
}

pub(super) fn penalize<B: Backend>(gradient: FloatTensor<B>, penalty: Penalty<B>) -> Penalized<B> {
    let given = gradient.dtype();
    let Penalty {
        parameter,
        importance,
        anchor,
        scale,
        bound,
    } = penalty;
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
    Penalized {
        gradient: convert::<B>(B::float_add(gradient, pull), given),
        penalty: B::float_mul_scalar(B::float_reshape(twice_penalty, Shape::new([1])), 0.5.into()),
    }
}

/// The same operations in the same order as Burn's own Adam and AdamW, and so exactly the same numbers (bit for
/// bit).
pub(super) fn adam<B: Backend>(
    tensors: AdamTensors<B>,
    gradient: FloatTensor<B>,
    adam: AdamUpdate,
) -> AdamTensors<B> {
    let AdamTensors {
        parameter,
        moment_1,
        moment_2,
    } = tensors;
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
    let (first, second) = match adam.correction {
        BiasCorrection::Joint(factor) => (scaled(moment_1.clone(), factor), moment_2.clone()),
        BiasCorrection::Separate {
            moment_1: divisor_1,
            moment_2: divisor_2,
        } => (
            B::float_div_scalar(moment_1.clone(), divisor_1.into()),
            B::float_div_scalar(moment_2.clone(), divisor_2.into()),
        ),
    };
    let root = B::float_sqrt(second);
    let step = B::float_div(first, B::float_add_scalar(root, adam.epsilon.into()));
    let step = B::float_mul_scalar(step, adam.learning_rate.into());
    let kept = if adam.decoupled_decay == 0.0 {
        parameter
    } else {
        B::float_mul_scalar(parameter, (1.0 - adam.decoupled_decay).into())
    };
    AdamTensors {
        parameter: B::float_sub(kept, step),
        moment_1,
        moment_2,
    }
}

/// The same operations in the same order as Burn's own SGD, and so exactly the same numbers (bit for bit).
pub(super) fn sgd<B: Backend>(
    tensors: SgdTensors<B>,
    gradient: FloatTensor<B>,
    sgd: SgdUpdate,
) -> SgdTensors<B> {
    let SgdTensors {
        parameter,
        velocity,
    } = tensors;
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
    SgdTensors {
        parameter: B::float_sub(parameter, step),
        velocity,
    }
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

/// What an optimizer updates: a parameter, and its state.
pub(crate) trait Updatable<B: Backend> {
    fn parameter(&self) -> &FloatTensor<B>;
}

impl<B: Backend> Updatable<B> for AdamTensors<B> {
    fn parameter(&self) -> &FloatTensor<B> {
        &self.parameter
    }
}

impl<B: Backend> Updatable<B> for SgdTensors<B> {
    fn parameter(&self) -> &FloatTensor<B> {
        &self.parameter
    }
}

/// Runs `update` with the penalty before it and the path integral after it.
pub(crate) fn synaptic<B: SynapticOps, T: Updatable<B>>(
    before: T,
    gradient: FloatTensor<B>,
    synapse: SynapseTensors<B>,
    synaptic: SynapticUpdate,
    update: impl FnOnce(T, FloatTensor<B>) -> T,
) -> (T, Advanced<B>) {
    let SynapseTensors {
        path_integral,
        importance,
        anchor,
        penalty_sum,
    } = synapse;
    let parameter = before.parameter().clone();
    let (with_pull, penalty_sum) = if synaptic.scale > 0.0 {
        let penalty = Penalty {
            parameter: parameter.clone(),
            importance,
            anchor,
            scale: synaptic.scale,
            bound: synaptic.bound,
        };
        let penalized = B::penalize(gradient.clone(), penalty);
        let penalty_sum = B::float_add(total::<B>(penalty_sum), penalized.penalty);
        (penalized.gradient, penalty_sum)
    } else {
        (gradient.clone(), penalty_sum)
    };
    let of_path = match synaptic.path_gradient {
        PathGradient::Task => gradient,
        PathGradient::Total => with_pull.clone(),
    };
    let after = update(before, with_pull);
    let step = PathStep {
        gradient: of_path,
        before: parameter,
        after: after.parameter().clone(),
    };
    let advanced = Advanced {
        path_integral: B::advance_path_integral(path_integral, step),
        penalty_sum,
    };
    (after, advanced)
}

/// The sum of parts, of shape `[1]`.
pub(crate) fn total<B: Backend>(parts: FloatTensor<B>) -> FloatTensor<B> {
    if parts.shape().num_elements() == 1 {
        parts
    } else {
        B::float_reshape(B::float_sum(parts), Shape::new([1]))
    }
}
