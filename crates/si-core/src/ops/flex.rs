//! One pass over memory for each operation on the Flex backend, with the widest vectors that the
//! processor has.

use burn::backend::flex::FlexTensor;
use burn::backend::{DType, Element, Flex, tensor::FloatTensor};
use burn::tensor::{Bytes, Shape};
use bytemuck::Pod;
use num_traits::Float;
use pulp::Arch;

use super::{SynapticOps, composed};

impl SynapticOps for Flex {
    fn advance_path_integral(
        path_integral: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        before: FloatTensor<Self>,
        after: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        match path_integral.dtype() {
            DType::F32 => advance::<f32>(path_integral, gradient, before, after),
            DType::F64 => advance::<f64>(path_integral, gradient, before, after),
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
        let operands = [parameter, importance, anchor];
        match gradient.dtype() {
            DType::F32 => pull::<f32>(gradient, operands, scale as f32, bound as f32),
            DType::F64 => pull::<f64>(gradient, operands, scale, bound),
            _ => {
                let [parameter, importance, anchor] = operands;
                composed::penalize::<Self>(gradient, parameter, importance, anchor, scale, bound)
            }
        }
    }
}

fn advance<E: Element + Float + Pod>(
    path_integral: FlexTensor,
    gradient: FlexTensor,
    before: FlexTensor,
    after: FlexTensor,
) -> FlexTensor {
    let mut path_integral = dense(path_integral);
    let [gradient, before, after] = [gradient, before, after].map(dense);
    let operands = (before.storage::<E>().iter())
        .zip(after.storage::<E>())
        .zip(gradient.storage::<E>());
    let path_integrals = path_integral.storage_mut::<E>().iter_mut();
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (path_integral, ((&before, &after), &gradient)) in path_integrals.zip(operands) {
                *path_integral = *path_integral - (after - before) * gradient;
            }
        },
    );
    path_integral
}

fn pull<E: Element + Float + Pod>(
    gradient: FlexTensor,
    operands: [FlexTensor; 3],
    scale: E,
    bound: E,
) -> (FlexTensor, FlexTensor) {
    let gradient = dense(gradient);
    let [parameter, importance, anchor] = operands.map(dense);
    let mut total = Vec::with_capacity(gradient.layout().num_elements());
    let blocks = (gradient.storage::<E>().chunks(BLOCK))
        .zip(parameter.storage::<E>().chunks(BLOCK))
        .zip(importance.storage::<E>().chunks(BLOCK))
        .zip(anchor.storage::<E>().chunks(BLOCK));
    let penalty = Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut penalty = 0.0;
            let mut out = [E::zero(); BLOCK];
            for (((gradient, parameter), importance), anchor) in blocks {
                let out = &mut out[..gradient.len()];
                let sum = pull_block(out, gradient, [parameter, importance, anchor], scale, bound);
                penalty += sum.elem::<f64>();
                total.extend_from_slice(out);
            }
            penalty
        },
    );
    let dtype = gradient.dtype();
    let total = FlexTensor::new(Bytes::from_elems(total), gradient.layout().clone(), dtype);
    let penalty = scale * E::from_elem(penalty);
    (
        total,
        FlexTensor::filled_typed(Shape::new([1]), dtype, penalty),
    )
}

/// Writes the penalized gradient of a block to `out`, and gives the block's Σ Ω (θ − θ̃)².
#[inline(always)]
fn pull_block<E: Element + Float>(
    out: &mut [E],
    gradient: &[E],
    [parameter, importance, anchor]: [&[E]; 3],
    scale: E,
    bound: E,
) -> E {
    let pull = |gradient: E, parameter: E, importance: E, anchor: E| {
        let displacement = parameter - anchor;
        // In this order what is not a number stays so.
        let importance = if importance > bound {
            bound
        } else {
            importance
        };
        let held = importance * displacement;
        (gradient + (scale + scale) * held, held * displacement)
    };
    let (out, out_rest) = out.as_chunks_mut::<LANES>();
    let (gradient, gradient_rest) = gradient.as_chunks::<LANES>();
    let (parameter, parameter_rest) = parameter.as_chunks::<LANES>();
    let (importance, importance_rest) = importance.as_chunks::<LANES>();
    let (anchor, anchor_rest) = anchor.as_chunks::<LANES>();
    // As many partial sums as the widest register has lanes: one would chain every addition.
    let mut partial = [E::zero(); LANES];
    let lanes = out
        .iter_mut()
        .zip(gradient)
        .zip(parameter)
        .zip(importance)
        .zip(anchor);
    for ((((out, gradient), parameter), importance), anchor) in lanes {
        for lane in 0..LANES {
            let (total, penalty) = pull(
                gradient[lane],
                parameter[lane],
                importance[lane],
                anchor[lane],
            );
            out[lane] = total;
            partial[lane] = partial[lane] + penalty;
        }
    }
    let rest = (out_rest.iter_mut().zip(gradient_rest).zip(parameter_rest))
        .zip(importance_rest)
        .zip(anchor_rest);
    for ((((out, &gradient), &parameter), &importance), &anchor) in rest {
        let (total, penalty) = pull(gradient, parameter, importance, anchor);
        *out = total;
        partial[0] = partial[0] + penalty;
    }
    partial
        .into_iter()
        .fold(E::zero(), |sum, partial| sum + partial)
}

/// Elements whose penalty is summed in their own precision before it joins the sum in f64.
const BLOCK: usize = 1024;
const LANES: usize = 16;

/// The tensor with its elements in order and nothing else in its buffer.
fn dense(tensor: FlexTensor) -> FlexTensor {
    let elements = tensor.layout().num_elements();
    let whole = tensor.is_contiguous()
        && tensor.layout().start_offset() == 0
        && tensor.bytes().len() == elements * tensor.dtype().size();
    // The tensor itself, not a clone of it, where nothing is to be done: a second handle would turn
    // the write in place into a copy.
    if whole {
        tensor
    } else {
        tensor.to_contiguous()
    }
}
