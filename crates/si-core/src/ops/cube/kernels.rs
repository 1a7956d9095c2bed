//! The kernels. All tensors of a kernel have one shape. Each unit handles every n-th vector of them, where n is
//! the number of all units. Tensors that are updated are written in place.

#![allow(
    clippy::too_many_arguments,
    missing_docs,
    reason = "a kernel takes each tensor as a separate argument; the launchers that the macro makes are not public"
)]

use burn_cubecl::cubecl;
use cubecl::prelude::*;
use cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};

/// The numbers of an [`AdamUpdate`](super::AdamUpdate).
#[derive(CubeLaunch, CubeType)]
pub(super) struct AdamNumbers {
    beta_1: InputScalar,
    beta_2: InputScalar,
    correction_1: InputScalar,
    correction_2: InputScalar,
    epsilon: InputScalar,
    learning_rate: InputScalar,
    weight_decay: InputScalar,
    kept: InputScalar,
}

/// The numbers of an [`SgdUpdate`](super::SgdUpdate).
#[derive(CubeLaunch, CubeType)]
pub(super) struct SgdNumbers {
    momentum: InputScalar,
    undamped: InputScalar,
    learning_rate: InputScalar,
    weight_decay: InputScalar,
}

/// The numbers of a penalty.
#[derive(CubeLaunch, CubeType)]
pub(super) struct PullNumbers {
    twice_scale: InputScalar,
    bound: InputScalar,
}

/// The options of Adam that are compiled into a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct AdamKind {
    pub(super) is_decayed: bool,
    /// Whether the bias of each moment is corrected separately.
    pub(super) corrects_each: bool,
    /// Whether the parameter decays apart from the gradient. Without that there is no product, because kernel
    /// compilers may join it with the difference and so change the result.
    pub(super) is_decoupled: bool,
}

/// The options of stochastic gradient descent that are compiled into a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SgdKind {
    pub(super) is_decayed: bool,
    pub(super) has_momentum: bool,
    pub(super) is_first: bool,
    pub(super) nesterov: bool,
}

/// The options of the synapses that are compiled into a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SynapseKind {
    pub(super) is_penalized: bool,
    pub(super) is_bounded: bool,
    /// Whether the path integral uses the total gradient.
    pub(super) of_total: bool,
    /// Whether the penalty is added to a sum, which may have more parts than there are cubes.
    pub(super) adds_to_sum: bool,
    /// Units in a cube.
    pub(super) num_units: usize,
}

#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn advance<F: Float, N: Size>(
    mut path_integral: LinearViewMut<'_, Vector<F, N>>,
    gradient: LinearView<'_, Vector<F, N>>,
    before: LinearView<'_, Vector<F, N>>,
    after: LinearView<'_, Vector<F, N>>,
    #[define(F)] _dtype: ElemType,
) {
    let mut at = ABSOLUTE_POS;
    while at < path_integral.shape() {
        let step = after.read(at) - before.read(at);
        path_integral.write(at, path_integral.read(at) - step * gradient.read(at));
        at += stride();
    }
}

/// Writes the total gradient and each cube's part of the penalty.
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn penalize<F: Float, H: Float, N: Size>(
    mut total: LinearViewMut<'_, Vector<F, N>>,
    gradient: LinearView<'_, Vector<F, N>>,
    parameter: LinearView<'_, Vector<F, N>>,
    importance: LinearView<'_, Vector<H, N>>,
    anchor: LinearView<'_, Vector<H, N>>,
    penalties: &mut [F],
    numbers: &PullNumbers,
    #[comptime] kind: SynapseKind,
    #[define(F, H)] _dtypes: [ElemType; 2],
) {
    let mut terms = Vector::<F, N>::new(F::new(0.0));
    let mut at = ABSOLUTE_POS;
    while at < total.shape() {
        let pull = pull(
            parameter.read(at),
            &importance,
            &anchor,
            at,
            &mut terms,
            numbers,
            kind,
        );
        total.write(at, gradient.read(at) + pull);
        at += stride();
    }
    write_penalty::<F, N>(terms, penalties, kind);
}

#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn adam<F: Float, N: Size>(
    mut parameter: LinearViewMut<'_, Vector<F, N>>,
    gradient: LinearView<'_, Vector<F, N>>,
    mut moment_1: LinearViewMut<'_, Vector<F, N>>,
    mut moment_2: LinearViewMut<'_, Vector<F, N>>,
    numbers: &AdamNumbers,
    #[comptime] kind: AdamKind,
    #[define(F)] _dtype: ElemType,
) {
    let mut at = ABSOLUTE_POS;
    while at < parameter.shape() {
        let before = parameter.read(at);
        let gradient = gradient.read(at);
        let after = adam_step(
            before,
            gradient,
            &mut moment_1,
            &mut moment_2,
            at,
            numbers,
            kind,
        );
        parameter.write(at, after);
        at += stride();
    }
}

/// If nothing is penalized, importance and anchor are not read, and no penalty is written.
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn synaptic_adam<F: Float, H: Float, N: Size>(
    mut parameter: LinearViewMut<'_, Vector<F, N>>,
    gradient: LinearView<'_, Vector<F, N>>,
    mut moment_1: LinearViewMut<'_, Vector<F, N>>,
    mut moment_2: LinearViewMut<'_, Vector<F, N>>,
    mut path_integral: LinearViewMut<'_, Vector<F, N>>,
    importance: LinearView<'_, Vector<H, N>>,
    anchor: LinearView<'_, Vector<H, N>>,
    penalties: &mut [F],
    numbers: &AdamNumbers,
    pull_numbers: &PullNumbers,
    #[comptime] kind: AdamKind,
    #[comptime] synapse: SynapseKind,
    #[define(F, H)] _dtypes: [ElemType; 2],
) {
    let mut terms = Vector::<F, N>::new(F::new(0.0));
    let mut at = ABSOLUTE_POS;
    while at < parameter.shape() {
        let before = parameter.read(at);
        let of_task = gradient.read(at);
        let mut total = of_task;
        if synapse.is_penalized {
            total += pull(
                before,
                &importance,
                &anchor,
                at,
                &mut terms,
                pull_numbers,
                synapse,
            );
        }
        let after = adam_step(
            before,
            total,
            &mut moment_1,
            &mut moment_2,
            at,
            numbers,
            kind,
        );
        parameter.write(at, after);
        let of_path = if synapse.of_total { total } else { of_task };
        path_integral.write(at, path_integral.read(at) - (after - before) * of_path);
        at += stride();
    }
    if synapse.is_penalized {
        write_penalty::<F, N>(terms, penalties, synapse);
    }
}

#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn sgd<F: Float, N: Size>(
    mut parameter: LinearViewMut<'_, Vector<F, N>>,
    gradient: LinearView<'_, Vector<F, N>>,
    mut velocity: LinearViewMut<'_, Vector<F, N>>,
    numbers: &SgdNumbers,
    #[comptime] kind: SgdKind,
    #[define(F)] _dtype: ElemType,
) {
    let mut at = ABSOLUTE_POS;
    while at < parameter.shape() {
        let before = parameter.read(at);
        let after = sgd_step(before, gradient.read(at), &mut velocity, at, numbers, kind);
        parameter.write(at, after);
        at += stride();
    }
}

/// The same as [`synaptic_adam()`], for stochastic gradient descent.
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn synaptic_sgd<F: Float, H: Float, N: Size>(
    mut parameter: LinearViewMut<'_, Vector<F, N>>,
    gradient: LinearView<'_, Vector<F, N>>,
    mut velocity: LinearViewMut<'_, Vector<F, N>>,
    mut path_integral: LinearViewMut<'_, Vector<F, N>>,
    importance: LinearView<'_, Vector<H, N>>,
    anchor: LinearView<'_, Vector<H, N>>,
    penalties: &mut [F],
    numbers: &SgdNumbers,
    pull_numbers: &PullNumbers,
    #[comptime] kind: SgdKind,
    #[comptime] synapse: SynapseKind,
    #[define(F, H)] _dtypes: [ElemType; 2],
) {
    let mut terms = Vector::<F, N>::new(F::new(0.0));
    let mut at = ABSOLUTE_POS;
    while at < parameter.shape() {
        let before = parameter.read(at);
        let of_task = gradient.read(at);
        let mut total = of_task;
        if synapse.is_penalized {
            total += pull(
                before,
                &importance,
                &anchor,
                at,
                &mut terms,
                pull_numbers,
                synapse,
            );
        }
        let after = sgd_step(before, total, &mut velocity, at, numbers, kind);
        parameter.write(at, after);
        let of_path = if synapse.of_total { total } else { of_task };
        path_integral.write(at, path_integral.read(at) - (after - before) * of_path);
        at += stride();
    }
    if synapse.is_penalized {
        write_penalty::<F, N>(terms, penalties, synapse);
    }
}

/// The number of units in all cubes together.
#[cube]
fn stride() -> usize {
    CUBE_COUNT * (CUBE_DIM as usize)
}

/// Returns the penalty's gradient. Adds its product with the displacement, which is twice the penalty, to the
/// terms.
#[cube]
fn pull<F: Float, H: Float, N: Size>(
    parameter: Vector<F, N>,
    importance: &LinearView<'_, Vector<H, N>>,
    anchor: &LinearView<'_, Vector<H, N>>,
    at: usize,
    terms: &mut Vector<F, N>,
    numbers: &PullNumbers,
    #[comptime] kind: SynapseKind,
) -> Vector<F, N> {
    let displacement = parameter - Vector::cast_from(anchor.read(at));
    let mut importance: Vector<F, N> = Vector::cast_from(importance.read(at));
    if kind.is_bounded {
        importance = clamp_max(importance, Vector::new(numbers.bound.get::<F>()));
    }
    let pull = importance * displacement * Vector::new(numbers.twice_scale.get::<F>());
    *terms += displacement * pull;
    pull
}

/// The parameter after the step.
#[cube]
fn adam_step<F: Float, N: Size>(
    parameter: Vector<F, N>,
    gradient: Vector<F, N>,
    moment_1: &mut LinearViewMut<'_, Vector<F, N>>,
    moment_2: &mut LinearViewMut<'_, Vector<F, N>>,
    at: usize,
    numbers: &AdamNumbers,
    #[comptime] kind: AdamKind,
) -> Vector<F, N> {
    let mut gradient = gradient;
    if kind.is_decayed {
        gradient += parameter * Vector::new(numbers.weight_decay.get::<F>());
    }
    let one = F::new(1.0);
    let beta_1 = numbers.beta_1.get::<F>();
    let beta_2 = numbers.beta_2.get::<F>();
    let first = moment_1.read(at) * Vector::new(beta_1) + gradient * Vector::new(one - beta_1);
    let second =
        moment_2.read(at) * Vector::new(beta_2) + gradient * gradient * Vector::new(one - beta_2);
    moment_1.write(at, first);
    moment_2.write(at, second);
    let correction_1 = Vector::new(numbers.correction_1.get::<F>());
    let first_hat = if kind.corrects_each {
        first / correction_1
    } else {
        first * correction_1
    };
    let second_hat = if kind.corrects_each {
        second / Vector::new(numbers.correction_2.get::<F>())
    } else {
        second
    };
    let root = Vector::sqrt(second_hat) + Vector::new(numbers.epsilon.get::<F>());
    let step = first_hat / root;
    let kept = if kind.is_decoupled {
        parameter * Vector::new(numbers.kept.get::<F>())
    } else {
        parameter
    };
    kept - step * Vector::new(numbers.learning_rate.get::<F>())
}

/// The parameter after the step.
#[cube]
fn sgd_step<F: Float, N: Size>(
    parameter: Vector<F, N>,
    gradient: Vector<F, N>,
    velocity: &mut LinearViewMut<'_, Vector<F, N>>,
    at: usize,
    numbers: &SgdNumbers,
    #[comptime] kind: SgdKind,
) -> Vector<F, N> {
    let mut gradient = gradient;
    if kind.is_decayed {
        gradient += parameter * Vector::new(numbers.weight_decay.get::<F>());
    }
    let mut direction = gradient;
    if kind.has_momentum {
        let momentum = Vector::new(numbers.momentum.get::<F>());
        if !kind.is_first {
            direction =
                direction * Vector::new(numbers.undamped.get::<F>()) + velocity.read(at) * momentum;
        }
        velocity.write(at, direction);
        if kind.nesterov {
            direction = direction * momentum + gradient;
        }
    }
    parameter - direction * Vector::new(numbers.learning_rate.get::<F>())
}

/// Writes half the sum of the cube's terms, because each term is twice its penalty. Or adds it to what is there.
#[cube]
fn write_penalty<F: Float, N: Size>(
    terms: Vector<F, N>,
    penalties: &mut [F],
    #[comptime] kind: SynapseKind,
) {
    let mut sums = Shared::<[F]>::new_slice(kind.num_units);
    let mut sum = F::new(0.0);
    #[unroll]
    for lane in 0..N::value() {
        sum += terms.extract(lane);
    }
    let unit = UNIT_POS as usize;
    sums[unit] = sum;
    sync_cube();
    let mut active = kind.num_units.runtime();
    while active > 1 {
        let half = active.div_ceil(2);
        if unit + half < active {
            let other = sums[unit + half];
            sums[unit] += other;
        }
        active = half;
        sync_cube();
    }
    if unit == 0 {
        let mut penalty = sums[0] * F::new(0.5);
        if kind.adds_to_sum {
            penalty += penalties[CUBE_POS];
        }
        penalties[CUBE_POS] = penalty;
    }
}
