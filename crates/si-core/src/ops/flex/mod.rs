//! One pass over memory for each operation on the Flex backend, with the widest vectors that the
//! processor has.

use core::mem::MaybeUninit;

use burn::backend::flex::FlexTensor;
use burn::backend::{DType, Element, Flex, tensor::FloatTensor};
use burn::tensor::{Bytes, Shape, bf16};
use bytemuck::Pod;

mod arithmetic;
mod blocks;
mod chunks;
mod number;
mod sweep;
#[cfg(test)]
mod tests;

use super::{
    AdamTensors, AdamUpdate, Advanced, PathStep, Penalized, Penalty, SgdTensors, SgdUpdate,
    SynapseTensors, SynapticOps, SynapticUpdate, composed,
};
use arithmetic::Pull;
pub use blocks::leave_avx512_unused;
use chunks::LANES;
use number::{Held, Number};
use sweep::{Adam, Sgd};

impl SynapticOps for Flex {
    fn advance_path_integral(
        path_integral: FloatTensor<Self>,
        step: PathStep<Self>,
    ) -> FloatTensor<Self> {
        match (path_integral.dtype(), step.gradient.dtype()) {
            (DType::F32, DType::F32) => advance::<f32>(path_integral, step),
            (DType::F64, DType::F64) => advance::<f64>(path_integral, step),
            _ => composed::advance_path_integral::<Self>(path_integral, step),
        }
    }

    fn penalize(gradient: FloatTensor<Self>, penalty: Penalty<Self>) -> Penalized<Self> {
        match (gradient.dtype(), penalty.importance.dtype()) {
            (DType::F32, DType::F32) => pull::<f32, f32>(gradient, penalty),
            (DType::F32, DType::BF16) => pull::<f32, bf16>(gradient, penalty),
            (DType::F64, DType::F64) => pull::<f64, f64>(gradient, penalty),
            (DType::F64, DType::BF16) => pull::<f64, bf16>(gradient, penalty),
            _ => composed::penalize::<Self>(gradient, penalty),
        }
    }

    fn adam(
        tensors: AdamTensors<Self>,
        gradient: FloatTensor<Self>,
        adam: AdamUpdate,
    ) -> AdamTensors<Self> {
        match tensors.parameter.dtype() {
            DType::F32 => adam_sweep(tensors, gradient, Adam::<f32>::new(adam)),
            DType::F64 => adam_sweep(tensors, gradient, Adam::<f64>::new(adam)),
            _ => composed::adam::<Self>(tensors, gradient, adam),
        }
    }

    fn synaptic_adam(
        tensors: AdamTensors<Self>,
        gradient: FloatTensor<Self>,
        synapse: SynapseTensors<Self>,
        adam: AdamUpdate,
        synaptic: SynapticUpdate,
    ) -> (AdamTensors<Self>, Advanced<Self>) {
        match tensors.parameter.dtype() {
            DType::F32 => {
                let adam = Adam::<f32>::new(adam);
                synaptic_adam_sweep(tensors, gradient, synapse, adam, synaptic)
            }
            DType::F64 => {
                let adam = Adam::<f64>::new(adam);
                synaptic_adam_sweep(tensors, gradient, synapse, adam, synaptic)
            }
            _ => composed::synaptic(tensors, gradient, synapse, synaptic, |tensors, gradient| {
                composed::adam::<Self>(tensors, gradient, adam)
            }),
        }
    }

    fn sgd(
        tensors: SgdTensors<Self>,
        gradient: FloatTensor<Self>,
        sgd: SgdUpdate,
    ) -> SgdTensors<Self> {
        match tensors.parameter.dtype() {
            DType::F32 => sgd_sweep(tensors, gradient, Sgd::<f32>::new(sgd)),
            DType::F64 => sgd_sweep(tensors, gradient, Sgd::<f64>::new(sgd)),
            _ => composed::sgd::<Self>(tensors, gradient, sgd),
        }
    }

    fn synaptic_sgd(
        tensors: SgdTensors<Self>,
        gradient: FloatTensor<Self>,
        synapse: SynapseTensors<Self>,
        sgd: SgdUpdate,
        synaptic: SynapticUpdate,
    ) -> (SgdTensors<Self>, Advanced<Self>) {
        match tensors.parameter.dtype() {
            DType::F32 => {
                let sgd = Sgd::<f32>::new(sgd);
                synaptic_sgd_sweep(tensors, gradient, synapse, sgd, synaptic)
            }
            DType::F64 => {
                let sgd = Sgd::<f64>::new(sgd);
                synaptic_sgd_sweep(tensors, gradient, synapse, sgd, synaptic)
            }
            _ => composed::synaptic(tensors, gradient, synapse, synaptic, |tensors, gradient| {
                composed::sgd::<Self>(tensors, gradient, sgd)
            }),
        }
    }
}

fn adam_sweep<E: Number>(
    tensors: AdamTensors<Flex>,
    gradient: FlexTensor,
    adam: Adam<E>,
) -> AdamTensors<Flex> {
    let moments = [tensors.moment_1, tensors.moment_2];
    let (parameter, [moment_1, moment_2]) =
        sweep::plain(tensors.parameter, gradient, moments, adam);
    AdamTensors {
        parameter,
        moment_1,
        moment_2,
    }
}

fn synaptic_adam_sweep<E: Number>(
    tensors: AdamTensors<Flex>,
    gradient: FlexTensor,
    synapse: SynapseTensors<Flex>,
    adam: Adam<E>,
    synaptic: SynapticUpdate,
) -> (AdamTensors<Flex>, Advanced<Flex>)
where
    bf16: Held<E>,
{
    let AdamTensors {
        parameter,
        moment_1,
        moment_2,
    } = tensors;
    let moments = [moment_1, moment_2];
    let (parameter, [moment_1, moment_2], advanced) =
        sweep::synaptic(parameter, gradient, moments, synapse, adam, synaptic);
    let tensors = AdamTensors {
        parameter,
        moment_1,
        moment_2,
    };
    (tensors, advanced)
}

/// Without momentum the velocity stays as it is.
fn sgd_sweep<E: Number>(
    tensors: SgdTensors<Flex>,
    gradient: FlexTensor,
    sgd: Sgd<E>,
) -> SgdTensors<Flex> {
    let SgdTensors {
        parameter,
        velocity,
    } = tensors;
    let (parameter, velocity) = if sgd.has_momentum() {
        let (parameter, [velocity]) = sweep::plain(parameter, gradient, [velocity], sgd);
        (parameter, velocity)
    } else {
        let (parameter, []) = sweep::plain(parameter, gradient, [], sgd);
        (parameter, velocity)
    };
    SgdTensors {
        parameter,
        velocity,
    }
}

fn synaptic_sgd_sweep<E: Number>(
    tensors: SgdTensors<Flex>,
    gradient: FlexTensor,
    synapse: SynapseTensors<Flex>,
    sgd: Sgd<E>,
    synaptic: SynapticUpdate,
) -> (SgdTensors<Flex>, Advanced<Flex>)
where
    bf16: Held<E>,
{
    let SgdTensors {
        parameter,
        velocity,
    } = tensors;
    let (parameter, velocity, advanced) = if sgd.has_momentum() {
        let (parameter, [velocity], advanced) =
            sweep::synaptic(parameter, gradient, [velocity], synapse, sgd, synaptic);
        (parameter, velocity, advanced)
    } else {
        let (parameter, [], advanced) =
            sweep::synaptic(parameter, gradient, [], synapse, sgd, synaptic);
        (parameter, velocity, advanced)
    };
    let tensors = SgdTensors {
        parameter,
        velocity,
    };
    (tensors, advanced)
}

fn advance<E: Number>(path_integral: FlexTensor, step: PathStep<Flex>) -> FlexTensor {
    let mut path_integral = dense(path_integral);
    let [gradient, before, after] = [step.gradient, step.before, step.after].map(dense);
    let gradients: &[E] = gradient.storage();
    let len = gradients.len();
    blocks::sum_over_chunks(
        (
            (path_integral.storage_mut(), gradients),
            (before.storage::<E>(), after.storage::<E>()),
        ),
        len,
        #[inline(always)]
        |((path_integral, gradient), (before, after)), _: &mut [E; LANES]| {
            arithmetic::advance(path_integral, gradient, before, after);
        },
    );
    path_integral
}

#[expect(
    unsafe_code,
    reason = "zeroing memory that is written anyway would cost one more pass over it"
)]
fn pull<E: Number, H: Held<E>>(gradient: FlexTensor, penalty: Penalty<Flex>) -> Penalized<Flex> {
    let numbers = Pull {
        scale: E::from_elem(penalty.scale),
        bound: E::from_elem(penalty.bound),
    };
    let (gradient, parameter) = (dense(gradient), dense(penalty.parameter));
    let [importance, anchor] = [penalty.importance, penalty.anchor].map(dense);
    let (dtype, layout) = (gradient.dtype(), gradient.layout().clone());
    let gradients: &[E] = gradient.storage();
    let len = gradients.len();
    let mut total = Vec::<E>::with_capacity(len);
    let sum = blocks::sum_over_chunks(
        (
            (&mut total.spare_capacity_mut()[..len], gradients),
            (
                parameter.storage::<E>(),
                (importance.storage::<H>(), anchor.storage::<H>()),
            ),
        ),
        len,
        #[inline(always)]
        |((slots, gradient), (parameter, held)), sums| {
            let total = arithmetic::pull(gradient, parameter, held, numbers, sums);
            *slots = total.map(MaybeUninit::new);
        },
    );
    // SAFETY: the chunks cover all of the first `len` slots, unless there was a panic. Each is written whole.
    unsafe { total.set_len(len) };
    Penalized {
        gradient: FlexTensor::new(Bytes::from_elems(total), layout, dtype),
        penalty: one_number(numbers.scale * E::from_elem(sum), dtype),
    }
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
