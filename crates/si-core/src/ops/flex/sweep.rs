//! An optimizer's update of a parameter, with or without penalty and path integral, in one pass over memory and in
//! place.

use burn::backend::{DType, Flex, flex::FlexTensor};
use burn::tensor::bf16;

use super::arithmetic::{Pull, advance, pull};
use super::blocks::sum_over_blocks;
use super::number::{Held, Number};
use super::workspace::Workspace;
use super::{dense, one_number};
use crate::ops::{AdamUpdate, Advanced, BiasCorrection, SgdUpdate, SynapseTensors, SynapticUpdate};
use crate::precision::convert;
use crate::settings::PathGradient;

/// An optimizer's update of parameters with their gradients and `N` state tensors.
pub(super) trait Rule<E, const N: usize>: Copy + Send + Sync {
    /// Updates the parameter and the state. `#[inline(always)]`.
    fn update(self, parameter: &mut [E], gradient: &[E], state: [&mut [E]; N]);
}

/// Updates a parameter. Returns the parameter and its state.
pub(super) fn plain<E: Number, const N: usize>(
    parameter: FlexTensor,
    gradient: FlexTensor,
    state: [FlexTensor; N],
    rule: impl Rule<E, N>,
) -> (FlexTensor, [FlexTensor; N]) {
    let (mut parameter, gradient) = (dense(parameter), dense(gradient));
    let mut state = state.map(dense);
    let gradients: &[E] = gradient.storage();
    let slices = (
        (parameter.storage_mut(), gradients),
        state.each_mut().map(FlexTensor::storage_mut),
    );
    sum_over_blocks(
        slices,
        gradients.len(),
        #[inline(always)]
        |((parameter, gradient), state), _: &mut Workspace<E>| {
            rule.update(parameter, gradient, state)
        },
    );
    (parameter, state)
}

/// Updates a parameter and its synapses. Returns the parameter, its state, and what is returned for the synapses.
pub(super) fn synaptic<E: Number, const N: usize>(
    parameter: FlexTensor,
    gradient: FlexTensor,
    state: [FlexTensor; N],
    synapse: SynapseTensors<Flex>,
    rule: impl Rule<E, N>,
    synaptic: SynapticUpdate,
) -> (FlexTensor, [FlexTensor; N], Advanced<Flex>)
where
    bf16: Held<E>,
{
    match synapse.importance.dtype() {
        DType::BF16 => {
            synaptic_held::<E, bf16, N>(parameter, gradient, state, synapse, rule, synaptic)
        }
        _ => {
            let precision = parameter.dtype();
            let synapse = SynapseTensors {
                importance: convert::<Flex>(synapse.importance, precision),
                anchor: convert::<Flex>(synapse.anchor, precision),
                ..synapse
            };
            synaptic_held::<E, E, N>(parameter, gradient, state, synapse, rule, synaptic)
        }
    }
}

fn synaptic_held<E: Number, H: Held<E>, const N: usize>(
    parameter: FlexTensor,
    gradient: FlexTensor,
    state: [FlexTensor; N],
    synapse: SynapseTensors<Flex>,
    rule: impl Rule<E, N>,
    synaptic: SynapticUpdate,
) -> (FlexTensor, [FlexTensor; N], Advanced<Flex>) {
    let dtype = parameter.dtype();
    let (mut parameter, gradient) = (dense(parameter), dense(gradient));
    let (mut state, mut path_integral) = (state.map(dense), dense(synapse.path_integral));
    let gradients: &[E] = gradient.storage();
    let slices = (
        (parameter.storage_mut(), gradients),
        (
            state.each_mut().map(FlexTensor::storage_mut),
            path_integral.storage_mut(),
        ),
    );
    let numbers = Pull {
        scale: E::from_elem(synaptic.scale),
        bound: E::from_elem(synaptic.bound),
    };
    let of_total = synaptic.path_gradient == PathGradient::Total;
    let sum = if synaptic.scale > 0.0 {
        let held = [synapse.importance, synapse.anchor].map(dense);
        let held = held.each_ref().map(FlexTensor::storage::<H>);
        sum_over_blocks(
            (slices, held),
            gradients.len(),
            #[inline(always)]
            |(((parameter, gradient), (state, path_integral)), [importance, anchor]),
             workspace: &mut Workspace<E>| {
                let len = gradient.len();
                let [total, before] = &mut workspace.scratch;
                let (total, before) = (total.first(len), before.first(len));
                let sums = &mut workspace.sums;
                let held = (importance, anchor);
                pull(total, gradient, parameter, held, numbers, sums);
                before.copy_from_slice(parameter);
                rule.update(parameter, total, state);
                let of_path = if of_total { total } else { gradient };
                advance(path_integral, of_path, before, parameter);
            },
        )
    } else {
        sum_over_blocks(
            slices,
            gradients.len(),
            #[inline(always)]
            |((parameter, gradient), (state, path_integral)), workspace: &mut Workspace<E>| {
                let [before, _] = &mut workspace.scratch;
                let before = before.first(gradient.len());
                before.copy_from_slice(parameter);
                rule.update(parameter, gradient, state);
                advance(path_integral, gradient, before, parameter);
            },
        )
    };
    let penalty_sum = if synaptic.scale > 0.0 {
        let before = dense(synapse.penalty_sum);
        let before = before.storage::<E>().iter().copied();
        let penalty = numbers.scale * E::from_elem(sum);
        one_number(
            before.fold(E::from_elem(0.0), |sum, part| sum + part) + penalty,
            dtype,
        )
    } else {
        synapse.penalty_sum
    };
    let advanced = Advanced {
        path_integral,
        penalty_sum,
    };
    (parameter, state, advanced)
}

/// Constants of Adam and AdamW, in the parameter's precision.
#[derive(Clone, Copy)]
pub(super) struct Adam<E> {
    beta_1: E,
    rest_1: E,
    beta_2: E,
    rest_2: E,
    correction: BiasCorrection,
    epsilon: E,
    learning_rate: E,
    weight_decay: E,
    /// The part of the parameter that decoupled decay leaves.
    kept: E,
}

impl<E: Number> Adam<E> {
    pub(super) fn new(adam: AdamUpdate) -> Self {
        Self {
            beta_1: E::from_elem(adam.beta_1),
            rest_1: E::from_elem(1.0 - adam.beta_1),
            beta_2: E::from_elem(adam.beta_2),
            rest_2: E::from_elem(1.0 - adam.beta_2),
            correction: adam.correction,
            epsilon: E::from_elem(adam.epsilon),
            learning_rate: E::from_elem(adam.learning_rate),
            weight_decay: E::from_elem(adam.weight_decay),
            kept: E::from_elem(1.0 - adam.decoupled_decay),
        }
    }

    /// `corrected` returns m̂ and v̂.
    #[inline(always)]
    fn update_by(
        self,
        parameter: &mut [E],
        gradient: &[E],
        [moment_1, moment_2]: [&mut [E]; 2],
        corrected: impl Fn(E, E) -> (E, E),
    ) {
        let parameters = parameter.iter_mut().zip(gradient);
        let moments = moment_1.iter_mut().zip(moment_2);
        for ((parameter, &gradient), (moment_1, moment_2)) in parameters.zip(moments) {
            // All loads come before all stores: if buffers are a multiple of a page apart, the processor delays a
            // load until the stores before it are done.
            let (before, first, second) = (*parameter, *moment_1, *moment_2);
            let gradient = decayed(before, gradient, self.weight_decay);
            let first = first * self.beta_1 + gradient * self.rest_1;
            let second = second * self.beta_2 + gradient * gradient * self.rest_2;
            let (first_hat, second_hat) = corrected(first, second);
            let step = first_hat / (second_hat.sqrt() + self.epsilon);
            // Without decay this is exactly the parameter, multiplied by 1.
            let kept = before * self.kept;
            *parameter = kept - step * self.learning_rate;
            *moment_1 = first;
            *moment_2 = second;
        }
    }
}

impl<E: Number> Rule<E, 2> for Adam<E> {
    #[inline(always)]
    fn update(self, parameter: &mut [E], gradient: &[E], moments: [&mut [E]; 2]) {
        // A loop for each correction: the first one has only one of the three divisions.
        match self.correction {
            BiasCorrection::Joint(factor) => {
                let factor = E::from_elem(factor);
                self.update_by(
                    parameter,
                    gradient,
                    moments,
                    #[inline(always)]
                    |first, second| (first * factor, second),
                );
            }
            BiasCorrection::Separate { moment_1, moment_2 } => {
                let divisors = [moment_1, moment_2].map(E::from_elem);
                self.update_by(
                    parameter,
                    gradient,
                    moments,
                    #[inline(always)]
                    |first, second| (first / divisors[0], second / divisors[1]),
                );
            }
        }
    }
}

/// Constants of stochastic gradient descent, in the parameter's precision.
#[derive(Clone, Copy)]
pub(super) struct Sgd<E> {
    has_momentum: bool,
    momentum: E,
    fresh: E,
    nesterov: bool,
    is_first: bool,
    learning_rate: E,
    weight_decay: E,
}

impl<E: Number> Sgd<E> {
    pub(super) fn new(sgd: SgdUpdate) -> Self {
        Self {
            has_momentum: sgd.momentum.is_some(),
            momentum: E::from_elem(sgd.momentum.unwrap_or(0.0)),
            fresh: E::from_elem(1.0 - sgd.dampening),
            nesterov: sgd.nesterov,
            is_first: sgd.is_first,
            learning_rate: E::from_elem(sgd.learning_rate),
            weight_decay: E::from_elem(sgd.weight_decay),
        }
    }

    pub(super) fn has_momentum(&self) -> bool {
        self.has_momentum
    }
}

impl<E: Number> Rule<E, 1> for Sgd<E> {
    #[inline(always)]
    fn update(self, parameter: &mut [E], gradient: &[E], [velocity]: [&mut [E]; 1]) {
        let operands = parameter.iter_mut().zip(gradient).zip(velocity);
        for ((parameter, &gradient), velocity) in operands {
            // As above, loads before stores.
            let (before, former) = (*parameter, *velocity);
            let gradient = decayed(before, gradient, self.weight_decay);
            let current = if self.is_first {
                gradient
            } else {
                gradient * self.fresh + former * self.momentum
            };
            let direction = if self.nesterov {
                current * self.momentum + gradient
            } else {
                current
            };
            *parameter = before - direction * self.learning_rate;
            *velocity = current;
        }
    }
}

/// Without momentum there is no velocity.
impl<E: Number> Rule<E, 0> for Sgd<E> {
    #[inline(always)]
    fn update(self, parameter: &mut [E], gradient: &[E], []: [&mut [E]; 0]) {
        for (parameter, &gradient) in parameter.iter_mut().zip(gradient) {
            let gradient = decayed(*parameter, gradient, self.weight_decay);
            *parameter = *parameter - gradient * self.learning_rate;
        }
    }
}

#[inline(always)]
fn decayed<E: Number>(parameter: E, gradient: E, weight_decay: E) -> E {
    if weight_decay == E::zero() {
        gradient
    } else {
        parameter * weight_decay + gradient
    }
}
