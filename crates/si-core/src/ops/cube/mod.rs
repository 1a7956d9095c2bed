//! One kernel for each operation on CubeCL's runtimes: wgpu, Vulkan, Metal, WebGPU, CUDA, ROCm and CubeCL's CPU
//! runtime.

#![allow(
    unsafe_code,
    reason = "kernels are launched without the compiler's bounds checks: they check bounds themselves"
)]

use burn::backend::{ops::FloatTensorOps, tensor::FloatTensor};
use burn::tensor::{Shape, Slice};
use burn_cubecl::CubeBackend;
use burn_cubecl::ops::numeric::zeros;
use burn_cubecl::tensor::CubeTensor;

mod kernels;
mod launch;

use super::{
    AdamTensors, AdamUpdate, Advanced, PathStep, Penalized, Penalty, SgdTensors, SgdUpdate,
    SynapseTensors, SynapticOps, SynapticUpdate, composed,
};
use crate::settings::PathGradient;
use kernels::{AdamKind, SgdKind, SynapseKind};
use launch::{Launch, elem_type};

impl SynapticOps for CubeBackend {
    fn advance_path_integral(
        path_integral: FloatTensor<Self>,
        step: PathStep<Self>,
    ) -> FloatTensor<Self> {
        let numbers = [&path_integral, &step.gradient, &step.before, &step.after];
        let Some(launch) = Launch::over(&numbers, &[]) else {
            return composed::advance_path_integral::<Self>(path_integral, step);
        };
        let path_integral = writable(path_integral);
        // SAFETY: every access is within the tensors' length, and all tensors have one shape.
        unsafe {
            kernels::advance::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                path_integral.clone().into_linear_view(),
                step.gradient.into_linear_view(),
                step.before.into_linear_view(),
                step.after.into_linear_view(),
                launch.elem_type,
            );
        }
        path_integral
    }

    fn penalize(gradient: FloatTensor<Self>, penalty: Penalty<Self>) -> Penalized<Self> {
        let launch = Launch::over(
            &[&gradient, &penalty.parameter],
            &[&penalty.importance, &penalty.anchor],
        );
        let (Some(launch), Some(held_type)) = (launch, elem_type(penalty.anchor.dtype)) else {
            return composed::penalize::<Self>(gradient, penalty);
        };
        let total = launch.empty_like(&gradient);
        let penalties = launch.empty(launch.num_cubes);
        let synaptic = SynapticUpdate {
            scale: penalty.scale,
            bound: penalty.bound,
            path_gradient: PathGradient::Task,
        };
        // SAFETY: as above. There is one penalty for each cube.
        unsafe {
            kernels::penalize::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                total.clone().into_linear_view(),
                gradient.into_linear_view(),
                penalty.parameter.into_linear_view(),
                penalty.importance.into_linear_view(),
                penalty.anchor.into_linear_view(),
                penalties.clone().into_buffer_arg(),
                launch.pull_numbers(synaptic),
                SynapseKind {
                    adds_to_sum: false,
                    ..launch.synapse_kind(synaptic)
                },
                [launch.elem_type, held_type],
            );
        }
        Penalized {
            gradient: total,
            penalty: Self::float_sum(penalties),
        }
    }

    fn adam(
        tensors: AdamTensors<Self>,
        gradient: FloatTensor<Self>,
        adam: AdamUpdate,
    ) -> AdamTensors<Self> {
        let numbers = [
            &tensors.parameter,
            &gradient,
            &tensors.moment_1,
            &tensors.moment_2,
        ];
        let Some(launch) = Launch::over(&numbers, &[]) else {
            return composed::adam::<Self>(tensors, gradient, adam);
        };
        let tensors = writable_adam(tensors);
        // SAFETY: as above.
        unsafe {
            kernels::adam::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                tensors.parameter.clone().into_linear_view(),
                gradient.into_linear_view(),
                tensors.moment_1.clone().into_linear_view(),
                tensors.moment_2.clone().into_linear_view(),
                launch.adam_numbers(adam),
                AdamKind::of(adam),
                launch.elem_type,
            );
        }
        tensors
    }

    fn synaptic_adam(
        tensors: AdamTensors<Self>,
        gradient: FloatTensor<Self>,
        synapse: SynapseTensors<Self>,
        adam: AdamUpdate,
        synaptic: SynapticUpdate,
    ) -> (AdamTensors<Self>, Advanced<Self>) {
        let synapse = readable(synapse, &gradient, synaptic);
        let numbers = [
            &tensors.parameter,
            &gradient,
            &tensors.moment_1,
            &tensors.moment_2,
            &synapse.path_integral,
        ];
        let launch = Launch::over(&numbers, &[&synapse.importance, &synapse.anchor]);
        let (Some(launch), Some(held_type)) = (launch, elem_type(synapse.anchor.dtype)) else {
            let (tensors, advanced) =
                composed::synaptic(tensors, gradient, synapse, synaptic, |tensors, gradient| {
                    Self::adam(tensors, gradient, adam)
                });
            return (tensors, as_by_kernel(advanced, synaptic));
        };
        let tensors = writable_adam(tensors);
        let path_integral = writable(synapse.path_integral);
        let penalty_sum = launch.penalty_sum(synapse.penalty_sum, synaptic);
        // SAFETY: as above. There is a part of the sum for each cube, or none is written.
        unsafe {
            kernels::synaptic_adam::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                tensors.parameter.clone().into_linear_view(),
                gradient.into_linear_view(),
                tensors.moment_1.clone().into_linear_view(),
                tensors.moment_2.clone().into_linear_view(),
                path_integral.clone().into_linear_view(),
                synapse.importance.into_linear_view(),
                synapse.anchor.into_linear_view(),
                launch.bound(&penalty_sum, synaptic).into_buffer_arg(),
                launch.adam_numbers(adam),
                launch.pull_numbers(synaptic),
                AdamKind::of(adam),
                launch.synapse_kind(synaptic),
                [launch.elem_type, held_type],
            );
        }
        let advanced = Advanced {
            path_integral,
            penalty_sum,
        };
        (tensors, advanced)
    }

    fn sgd(
        tensors: SgdTensors<Self>,
        gradient: FloatTensor<Self>,
        sgd: SgdUpdate,
    ) -> SgdTensors<Self> {
        let numbers = [&tensors.parameter, &gradient, &tensors.velocity];
        let Some(launch) = Launch::over(&numbers, &[]) else {
            return composed::sgd::<Self>(tensors, gradient, sgd);
        };
        let tensors = writable_sgd(tensors, sgd);
        // SAFETY: as above.
        unsafe {
            kernels::sgd::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                tensors.parameter.clone().into_linear_view(),
                gradient.into_linear_view(),
                tensors.velocity.clone().into_linear_view(),
                launch.sgd_numbers(sgd),
                SgdKind::of(sgd),
                launch.elem_type,
            );
        }
        tensors
    }

    fn synaptic_sgd(
        tensors: SgdTensors<Self>,
        gradient: FloatTensor<Self>,
        synapse: SynapseTensors<Self>,
        sgd: SgdUpdate,
        synaptic: SynapticUpdate,
    ) -> (SgdTensors<Self>, Advanced<Self>) {
        let synapse = readable(synapse, &gradient, synaptic);
        let numbers = [
            &tensors.parameter,
            &gradient,
            &tensors.velocity,
            &synapse.path_integral,
        ];
        let launch = Launch::over(&numbers, &[&synapse.importance, &synapse.anchor]);
        let (Some(launch), Some(held_type)) = (launch, elem_type(synapse.anchor.dtype)) else {
            let (tensors, advanced) =
                composed::synaptic(tensors, gradient, synapse, synaptic, |tensors, gradient| {
                    Self::sgd(tensors, gradient, sgd)
                });
            return (tensors, as_by_kernel(advanced, synaptic));
        };
        let tensors = writable_sgd(tensors, sgd);
        let path_integral = writable(synapse.path_integral);
        let penalty_sum = launch.penalty_sum(synapse.penalty_sum, synaptic);
        // SAFETY: as above. There is a part of the sum for each cube, or none is written.
        unsafe {
            kernels::synaptic_sgd::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                tensors.parameter.clone().into_linear_view(),
                gradient.into_linear_view(),
                tensors.velocity.clone().into_linear_view(),
                path_integral.clone().into_linear_view(),
                synapse.importance.into_linear_view(),
                synapse.anchor.into_linear_view(),
                launch.bound(&penalty_sum, synaptic).into_buffer_arg(),
                launch.sgd_numbers(sgd),
                launch.pull_numbers(synaptic),
                SgdKind::of(sgd),
                launch.synapse_kind(synaptic),
                [launch.elem_type, held_type],
            );
        }
        let advanced = Advanced {
            path_integral,
            penalty_sum,
        };
        (tensors, advanced)
    }
}

/// The tensor, or a copy of it if it cannot be written in place.
fn writable(tensor: CubeTensor) -> CubeTensor {
    if tensor.can_mut() && tensor.is_nonoverlapping() {
        tensor
    } else {
        tensor.copy()
    }
}

fn writable_adam(tensors: AdamTensors<CubeBackend>) -> AdamTensors<CubeBackend> {
    AdamTensors {
        parameter: writable(tensors.parameter),
        moment_1: writable(tensors.moment_1),
        moment_2: writable(tensors.moment_2),
    }
}

/// The velocity is made writable only with momentum: otherwise it is not written.
fn writable_sgd(tensors: SgdTensors<CubeBackend>, sgd: SgdUpdate) -> SgdTensors<CubeBackend> {
    SgdTensors {
        parameter: writable(tensors.parameter),
        velocity: match sgd.momentum {
            Some(_) => writable(tensors.velocity),
            None => tensors.velocity,
        },
    }
}

/// The synapse. If importance and anchor are not read, replaces them by the gradient, because they may be the same
/// tensor as one that is written.
fn readable(
    synapse: SynapseTensors<CubeBackend>,
    gradient: &CubeTensor,
    synaptic: SynapticUpdate,
) -> SynapseTensors<CubeBackend> {
    if synaptic.scale > 0.0 {
        synapse
    } else {
        SynapseTensors {
            importance: gradient.clone(),
            anchor: gradient.clone(),
            ..synapse
        }
    }
}

/// The most parts of a penalty's sum, and so the most cubes of a kernel: enough to fill a large GPU.
const MAX_PENALTY_PARTS: usize = 2048;

/// The number of parts in which a kernel keeps the penalty's sum over so many elements. Each cube has a separate part.
pub(super) fn num_penalty_parts(num_elements: usize) -> usize {
    (num_elements / 128).clamp(1, MAX_PENALTY_PARTS)
}

/// The sum in so many parts, to be written in place. It may have been a single number, or from another backend.
fn in_parts(sum: CubeTensor, num_parts: usize) -> CubeTensor {
    if sum.meta.num_elements() == num_parts {
        return writable(sum);
    }
    let parts = zeros(sum.device.clone(), Shape::new([num_parts]), sum.dtype);
    let total = composed::total::<CubeBackend>(sum);
    CubeBackend::float_slice_assign(parts, &[Slice::from(0..1)], total)
}

/// The same, with the sum in as many parts as a kernel would have.
fn as_by_kernel(
    advanced: Advanced<CubeBackend>,
    synaptic: SynapticUpdate,
) -> Advanced<CubeBackend> {
    if synaptic.scale > 0.0 {
        let num_parts = num_penalty_parts(advanced.path_integral.meta.num_elements());
        Advanced {
            penalty_sum: in_parts(advanced.penalty_sum, num_parts),
            ..advanced
        }
    } else {
        advanced
    }
}
