//! An optimizer's update of a parameter, with or without penalty and path integral, in one pass over memory and in
//! place.

use burn::backend::{DType, Flex, flex::FlexTensor};
use burn::tensor::bf16;

use super::arithmetic::{Pull, advance, pull};
use super::blocks::sum_over_chunks;
use super::chunks::{LANES, Slices};
use super::number::{Held, Number};
use super::{dense, one_number};
use crate::ops::{AdamUpdate, Advanced, BiasCorrection, SgdUpdate, SynapseTensors, SynapticUpdate};
use crate::precision::convert;
use crate::settings::PathGradient;

/// An optimizer's update of parameters with their gradients and `N` state tensors.
pub(super) trait Rule<E, const N: usize>: Copy + Send + Sync {
    /// The state's numbers.
    type State<'s>: for<'c> Slices<'s, Chunk<'c> = Self::Chunk<'c>>;
    /// A chunk of them.
    type Chunk<'c>;

    fn state(tensors: &mut [FlexTensor; N]) -> Self::State<'_>;

    /// Updates a chunk of the state, and returns the parameters' new values. `#[inline(always)]`.
    fn update(
        self,
        parameter: &[E; LANES],
        gradient: &[E; LANES],
        state: Self::Chunk<'_>,
    ) -> [E; LANES];
}

/// Updates a parameter. Returns the parameter and its state.
pub(super) fn plain<E: Number, R: Rule<E, N>, const N: usize>(
    parameter: FlexTensor,
    gradient: FlexTensor,
    state: [FlexTensor; N],
    rule: R,
) -> (FlexTensor, [FlexTensor; N]) {
    let (mut parameter, gradient) = (dense(parameter), dense(gradient));
    let mut state = state.map(dense);
    let gradients: &[E] = gradient.storage();
    sum_over_chunks(
        ((parameter.storage_mut(), gradients), R::state(&mut state)),
        gradients.len(),
        #[inline(always)]
        |((parameter, gradient), state), _: &mut [E; LANES]| {
            *parameter = rule.update(parameter, gradient, state);
        },
    );
    (parameter, state)
}

/// Updates a parameter and its synapses. Returns the parameter, its state, and what is returned for the synapses.
pub(super) fn synaptic<E: Number, R: Rule<E, N>, const N: usize>(
    parameter: FlexTensor,
    gradient: FlexTensor,
    state: [FlexTensor; N],
    synapse: SynapseTensors<Flex>,
    rule: R,
    synaptic: SynapticUpdate,
) -> (FlexTensor, [FlexTensor; N], Advanced<Flex>)
where
    bf16: Held<E>,
{
    match synapse.importance.dtype() {
        DType::BF16 => {
            synaptic_held::<E, bf16, R, N>(parameter, gradient, state, synapse, rule, synaptic)
        }
        _ => {
            let precision = parameter.dtype();
            let synapse = SynapseTensors {
                importance: convert::<Flex>(synapse.importance, precision),
                anchor: convert::<Flex>(synapse.anchor, precision),
                ..synapse
            };
            synaptic_held::<E, E, R, N>(parameter, gradient, state, synapse, rule, synaptic)
        }
    }
}

fn synaptic_held<E: Number, H: Held<E>, R: Rule<E, N>, const N: usize>(
    parameter: FlexTensor,
    gradient: FlexTensor,
    state: [FlexTensor; N],
    synapse: SynapseTensors<Flex>,
    rule: R,
    synaptic: SynapticUpdate,
) -> (FlexTensor, [FlexTensor; N], Advanced<Flex>) {
    let dtype = parameter.dtype();
    let (mut parameter, gradient) = (dense(parameter), dense(gradient));
    let (mut state, mut path_integral) = (state.map(dense), dense(synapse.path_integral));
    let held = (synaptic.scale > 0.0).then(|| [synapse.importance, synapse.anchor].map(dense));
    let gradients: &[E] = gradient.storage();
    let slices = (
        (parameter.storage_mut(), gradients),
        (R::state(&mut state), path_integral.storage_mut()),
    );
    let numbers = Pull {
        scale: E::from_elem(synaptic.scale),
        bound: E::from_elem(synaptic.bound),
    };
    let of_total = synaptic.path_gradient == PathGradient::Total;
    let sum = if let Some([importance, anchor]) = &held {
        sum_over_chunks(
            (slices, (importance.storage::<H>(), anchor.storage::<H>())),
            gradients.len(),
            #[inline(always)]
            |(((parameter, gradient), (state, path_integral)), held), sums| {
                let before = *parameter;
                let total = pull(gradient, &before, held, numbers, sums);
                let after = rule.update(&before, &total, state);
                if of_total {
                    advance(path_integral, &total, &before, &after);
                } else {
                    advance(path_integral, gradient, &before, &after);
                }
                *parameter = after;
            },
        )
    } else {
        sum_over_chunks(
            slices,
            gradients.len(),
            #[inline(always)]
            |((parameter, gradient), (state, path_integral)), _: &mut [E; LANES]| {
                let before = *parameter;
                let after = rule.update(&before, gradient, state);
                advance(path_integral, gradient, &before, &after);
                *parameter = after;
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
        parameter: &[E; LANES],
        gradient: &[E; LANES],
        (moment_1, moment_2): (&mut [E; LANES], &mut [E; LANES]),
        corrected: impl Fn(E, E) -> (E, E),
    ) -> [E; LANES] {
        let mut after = [E::zero(); LANES];
        let (mut firsts, mut seconds) = (after, after);
        for lane in 0..LANES {
            let before = parameter[lane];
            let gradient = decayed(before, gradient[lane], self.weight_decay);
            let first = moment_1[lane] * self.beta_1 + gradient * self.rest_1;
            let second = moment_2[lane] * self.beta_2 + gradient * gradient * self.rest_2;
            let (first_hat, second_hat) = corrected(first, second);
            let step = first_hat / (second_hat.sqrt() + self.epsilon);
            // Without decay this is exactly the parameter, multiplied by 1.
            let kept = before * self.kept;
            after[lane] = kept - step * self.learning_rate;
            (firsts[lane], seconds[lane]) = (first, second);
        }
        (*moment_1, *moment_2) = (firsts, seconds);
        after
    }
}

impl<E: Number> Rule<E, 2> for Adam<E> {
    type State<'s> = (&'s mut [E], &'s mut [E]);
    type Chunk<'c> = (&'c mut [E; LANES], &'c mut [E; LANES]);

    fn state([moment_1, moment_2]: &mut [FlexTensor; 2]) -> Self::State<'_> {
        (moment_1.storage_mut(), moment_2.storage_mut())
    }

    #[inline(always)]
    fn update(
        self,
        parameter: &[E; LANES],
        gradient: &[E; LANES],
        moments: Self::Chunk<'_>,
    ) -> [E; LANES] {
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
                )
            }
            BiasCorrection::Separate { moment_1, moment_2 } => {
                let divisors = [moment_1, moment_2].map(E::from_elem);
                self.update_by(
                    parameter,
                    gradient,
                    moments,
                    #[inline(always)]
                    |first, second| (first / divisors[0], second / divisors[1]),
                )
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
    type State<'s> = &'s mut [E];
    type Chunk<'c> = &'c mut [E; LANES];

    fn state([velocity]: &mut [FlexTensor; 1]) -> Self::State<'_> {
        velocity.storage_mut()
    }

    #[inline(always)]
    fn update(
        self,
        parameter: &[E; LANES],
        gradient: &[E; LANES],
        velocity: &mut [E; LANES],
    ) -> [E; LANES] {
        let mut after = [E::zero(); LANES];
        let mut velocities = after;
        for lane in 0..LANES {
            let before = parameter[lane];
            let gradient = decayed(before, gradient[lane], self.weight_decay);
            let current = if self.is_first {
                gradient
            } else {
                gradient * self.fresh + velocity[lane] * self.momentum
            };
            let direction = if self.nesterov {
                current * self.momentum + gradient
            } else {
                current
            };
            after[lane] = before - direction * self.learning_rate;
            velocities[lane] = current;
        }
        *velocity = velocities;
        after
    }
}

/// Without momentum there is no velocity.
impl<E: Number> Rule<E, 0> for Sgd<E> {
    type State<'s> = ();
    type Chunk<'c> = ();

    fn state([]: &mut [FlexTensor; 0]) -> Self::State<'_> {}

    #[inline(always)]
    fn update(self, parameter: &[E; LANES], gradient: &[E; LANES], (): ()) -> [E; LANES] {
        let mut after = [E::zero(); LANES];
        for lane in 0..LANES {
            let before = parameter[lane];
            let gradient = decayed(before, gradient[lane], self.weight_decay);
            after[lane] = before - gradient * self.learning_rate;
        }
        after
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
