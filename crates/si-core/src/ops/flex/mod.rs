//! One pass over memory for each operation on the Flex backend, with the widest vectors that the
//! processor has.

use burn::backend::flex::FlexTensor;
use burn::backend::{DType, Element, Flex, tensor::FloatTensor};
use burn::tensor::{Bytes, Shape, bf16};
use bytemuck::Pod;

mod arithmetic;
mod blocks;
mod number;
mod sweep;
#[cfg(test)]
mod tests;
mod workspace;

use super::{AdamUpdate, SgdUpdate, SynapticOps, SynapticUpdate, composed};
use arithmetic::Pull;
use number::{Held, Number};
use sweep::{Adam, Sgd};
use workspace::Workspace;

impl SynapticOps for Flex {
    fn advance_path_integral(
        path_integral: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        before: FloatTensor<Self>,
        after: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        match (path_integral.dtype(), gradient.dtype()) {
            (DType::F32, DType::F32) => advance::<f32>(path_integral, gradient, before, after),
            (DType::F64, DType::F64) => advance::<f64>(path_integral, gradient, before, after),
            _ => composed::advance_path_integral::<Self>(path_integral, gradient, before, after),
        }
    }

    fn penalize(
        gradient: FloatTensor<Self>,
        parameter: FloatTensor<Self>,
        importance: FloatTensor<Self>,
        anchor: FloatTensor<Self>,
        scale: f64,
        bound: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let held = [importance, anchor];
        let (scale_32, bound_32) = (scale as f32, bound as f32);
        match (gradient.dtype(), held[0].dtype()) {
            (DType::F32, DType::F32) => {
                pull::<f32, f32>(gradient, parameter, held, scale_32, bound_32)
            }
            (DType::F32, DType::BF16) => {
                pull::<f32, bf16>(gradient, parameter, held, scale_32, bound_32)
            }
            (DType::F64, DType::F64) => pull::<f64, f64>(gradient, parameter, held, scale, bound),
            (DType::F64, DType::BF16) => pull::<f64, bf16>(gradient, parameter, held, scale, bound),
            _ => {
                let [importance, anchor] = held;
                composed::penalize::<Self>(gradient, parameter, importance, anchor, scale, bound)
            }
        }
    }

    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        adam: AdamUpdate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let moments = [moment_1, moment_2];
        let (parameter, [moment_1, moment_2]) = match parameter.dtype() {
            DType::F32 => sweep::plain(parameter, gradient, moments, Adam::<f32>::new(adam)),
            DType::F64 => sweep::plain(parameter, gradient, moments, Adam::<f64>::new(adam)),
            _ => return composed::adam::<Self>(parameter, gradient, moments, adam).into(),
        };
        (parameter, moment_1, moment_2)
    }

    fn synaptic_adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        path_integral: FloatTensor<Self>,
        importance: FloatTensor<Self>,
        anchor: FloatTensor<Self>,
        adam: AdamUpdate,
        synaptic: SynapticUpdate,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        let moments = [moment_1, moment_2];
        let synapse = [path_integral, importance, anchor];
        let (parameter, [moment_1, moment_2], path_integral, penalty) = match parameter.dtype() {
            DType::F32 => {
                let adam = Adam::<f32>::new(adam);
                sweep::synaptic(parameter, gradient, moments, synapse, adam, synaptic)
            }
            DType::F64 => {
                let adam = Adam::<f64>::new(adam);
                sweep::synaptic(parameter, gradient, moments, synapse, adam, synaptic)
            }
            _ => {
                let update = |parameter, gradient| {
                    composed::adam::<Self>(parameter, gradient, moments, adam)
                };
                let ([parameter, moment_1, moment_2], path_integral, penalty) =
                    composed::synaptic::<Self, _>(parameter, gradient, synapse, synaptic, update);
                (parameter, [moment_1, moment_2], path_integral, penalty)
            }
        };
        (parameter, moment_1, moment_2, path_integral, penalty)
    }

    fn sgd(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        sgd: SgdUpdate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        match parameter.dtype() {
            DType::F32 => sgd_sweep(parameter, gradient, velocity, Sgd::<f32>::new(sgd)),
            DType::F64 => sgd_sweep(parameter, gradient, velocity, Sgd::<f64>::new(sgd)),
            _ => composed::sgd::<Self>(parameter, gradient, velocity, sgd).into(),
        }
    }

    fn synaptic_sgd(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        path_integral: FloatTensor<Self>,
        importance: FloatTensor<Self>,
        anchor: FloatTensor<Self>,
        sgd: SgdUpdate,
        synaptic: SynapticUpdate,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        let synapse = [path_integral, importance, anchor];
        match parameter.dtype() {
            DType::F32 => {
                let sgd = Sgd::<f32>::new(sgd);
                synaptic_sgd_sweep(parameter, gradient, velocity, synapse, sgd, synaptic)
            }
            DType::F64 => {
                let sgd = Sgd::<f64>::new(sgd);
                synaptic_sgd_sweep(parameter, gradient, velocity, synapse, sgd, synaptic)
            }
            _ => {
                let update =
                    |parameter, gradient| composed::sgd::<Self>(parameter, gradient, velocity, sgd);
                let ([parameter, velocity], path_integral, penalty) =
                    composed::synaptic::<Self, _>(parameter, gradient, synapse, synaptic, update);
                (parameter, velocity, path_integral, penalty)
            }
        }
    }
}

/// Returns the parameter and its velocity. Without momentum the velocity stays as it is.
fn sgd_sweep<E: Number>(
    parameter: FlexTensor,
    gradient: FlexTensor,
    velocity: FlexTensor,
    sgd: Sgd<E>,
) -> (FlexTensor, FlexTensor) {
    if sgd.has_momentum() {
        let (parameter, [velocity]) = sweep::plain(parameter, gradient, [velocity], sgd);
        (parameter, velocity)
    } else {
        let (parameter, []) = sweep::plain(parameter, gradient, [], sgd);
        (parameter, velocity)
    }
}

/// The same with synapses. The last two results are ω and the penalty.
fn synaptic_sgd_sweep<E: Number>(
    parameter: FlexTensor,
    gradient: FlexTensor,
    velocity: FlexTensor,
    synapse: [FlexTensor; 3],
    sgd: Sgd<E>,
    synaptic: SynapticUpdate,
) -> (FlexTensor, FlexTensor, FlexTensor, FlexTensor)
where
    bf16: Held<E>,
{
    if sgd.has_momentum() {
        let (parameter, [velocity], path_integral, penalty) =
            sweep::synaptic(parameter, gradient, [velocity], synapse, sgd, synaptic);
        (parameter, velocity, path_integral, penalty)
    } else {
        let (parameter, [], path_integral, penalty) =
            sweep::synaptic(parameter, gradient, [], synapse, sgd, synaptic);
        (parameter, velocity, path_integral, penalty)
    }
}

fn advance<E: Number>(
    path_integral: FlexTensor,
    gradient: FlexTensor,
    before: FlexTensor,
    after: FlexTensor,
) -> FlexTensor {
    let mut path_integral = dense(path_integral);
    let [gradient, before, after] = [gradient, before, after].map(dense);
    let operands = [&gradient, &before, &after].map(FlexTensor::storage::<E>);
    let len = operands[0].len();
    blocks::sum_over_blocks(
        (path_integral.storage_mut::<E>(), operands),
        len,
        #[inline(always)]
        |(path_integral, [gradient, before, after]), _: &mut Workspace<E>| {
            arithmetic::advance(path_integral, gradient, before, after);
        },
    );
    path_integral
}

#[expect(
    unsafe_code,
    reason = "zeroing memory that is written anyway would cost one more pass over it"
)]
fn pull<E: Number, H: Held<E>>(
    gradient: FlexTensor,
    parameter: FlexTensor,
    held: [FlexTensor; 2],
    scale: E,
    bound: E,
) -> (FlexTensor, FlexTensor) {
    let (gradient, parameter, held) = (dense(gradient), dense(parameter), held.map(dense));
    let (dtype, layout) = (gradient.dtype(), gradient.layout().clone());
    let gradients: &[E] = gradient.storage();
    let len = gradients.len();
    let mut total = Vec::<E>::with_capacity(len);
    let penalty = blocks::sum_over_blocks(
        (
            (
                (&mut total.spare_capacity_mut()[..len], gradients),
                parameter.storage::<E>(),
            ),
            held.each_ref().map(FlexTensor::storage::<H>),
        ),
        len,
        #[inline(always)]
        |(((total, gradient), parameter), [importance, anchor]), workspace: &mut Workspace<E>| {
            arithmetic::pull(
                total,
                gradient,
                parameter,
                (importance, anchor),
                Pull { scale, bound },
                &mut workspace.sums,
            );
        },
    );
    // SAFETY: the blocks cover all of the first `len` slots, unless there was a panic. The slices of a block have
    // one length, so `pull` has written each slot.
    unsafe { total.set_len(len) };
    let total = FlexTensor::new(Bytes::from_elems(total), layout, dtype);
    (total, one_number(scale * E::from_elem(penalty), dtype))
}

fn one_number<E: Element + Pod>(number: E, dtype: DType) -> FlexTensor {
    FlexTensor::filled_typed(Shape::new([1]), dtype, number)
}

/// The tensor with its elements in order, and nothing else in its buffer.
fn dense(tensor: FlexTensor) -> FlexTensor {
    let elements = tensor.layout().num_elements();
    let whole = tensor.is_contiguous()
        && tensor.layout().start_offset() == 0
        && tensor.bytes().len() == elements * tensor.dtype().size();
    // If nothing is to be done, returns the tensor itself instead of a clone: a second handle would turn the write
    // in place into a copy.
    if whole {
        tensor
    } else {
        tensor.to_contiguous()
    }
}
