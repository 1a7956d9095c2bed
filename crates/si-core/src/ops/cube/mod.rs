//! One kernel for each operation on CubeCL's runtimes: wgpu, Vulkan, Metal, WebGPU, CUDA, ROCm and CubeCL's CPU
//! runtime.

#![allow(
    unsafe_code,
    reason = "kernels are launched without the compiler's bounds checks: they check bounds themselves"
)]

use burn::backend::{ops::FloatTensorOps, tensor::FloatTensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

mod kernels;
mod launch;

use super::{AdamUpdate, SgdUpdate, SynapticOps, SynapticUpdate, composed};
use crate::settings::PathGradient;
use kernels::{AdamKind, SgdKind};
use launch::{Launch, elem_type};

impl SynapticOps for CubeBackend {
    fn advance_path_integral(
        path_integral: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        before: FloatTensor<Self>,
        after: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let numbers = [&path_integral, &gradient, &before, &after];
        let Some(launch) = Launch::over(&numbers, &[]) else {
            return composed::advance_path_integral::<Self>(path_integral, gradient, before, after);
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
                gradient.into_linear_view(),
                before.into_linear_view(),
                after.into_linear_view(),
                launch.elem_type,
            );
        }
        path_integral
    }

    fn penalize(
        gradient: FloatTensor<Self>,
        parameter: FloatTensor<Self>,
        importance: FloatTensor<Self>,
        anchor: FloatTensor<Self>,
        scale: f64,
        bound: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let launch = Launch::over(&[&gradient, &parameter], &[&importance, &anchor]);
        let (Some(launch), Some(held_type)) = (launch, elem_type(anchor.dtype)) else {
            return composed::penalize::<Self>(
                gradient, parameter, importance, anchor, scale, bound,
            );
        };
        let total = launch.empty_like(&gradient);
        let penalties = launch.empty(launch.num_cubes);
        let synaptic = SynapticUpdate {
            scale,
            bound,
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
                parameter.into_linear_view(),
                importance.into_linear_view(),
                anchor.into_linear_view(),
                penalties.clone().into_buffer_arg(),
                launch.pull_numbers(synaptic),
                launch.synapse_kind(synaptic),
                [launch.elem_type, held_type],
            );
        }
        (total, Self::float_sum(penalties))
    }

    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        adam: AdamUpdate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let numbers = [&parameter, &gradient, &moment_1, &moment_2];
        let Some(launch) = Launch::over(&numbers, &[]) else {
            let moments = [moment_1, moment_2];
            return composed::adam::<Self>(parameter, gradient, moments, adam).into();
        };
        let [parameter, moment_1, moment_2] = [parameter, moment_1, moment_2].map(writable);
        // SAFETY: as above.
        unsafe {
            kernels::adam::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                parameter.clone().into_linear_view(),
                gradient.into_linear_view(),
                moment_1.clone().into_linear_view(),
                moment_2.clone().into_linear_view(),
                launch.adam_numbers(adam),
                AdamKind::of(adam),
                launch.elem_type,
            );
        }
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
        let [importance, anchor] = held([importance, anchor], &gradient, synaptic);
        let [moment_1, moment_2] = &moments;
        let numbers = [&parameter, &gradient, moment_1, moment_2, &path_integral];
        let launch = Launch::over(&numbers, &[&importance, &anchor]);
        let (Some(launch), Some(held_type)) = (launch, elem_type(anchor.dtype)) else {
            let synapse = [path_integral, importance, anchor];
            let ([parameter, moment_1, moment_2], path_integral, penalty) =
                composed::synaptic::<Self, _>(
                    parameter,
                    gradient,
                    synapse,
                    synaptic,
                    |parameter, gradient| {
                        let [moment_1, moment_2] = moments;
                        Self::adam(parameter, gradient, moment_1, moment_2, adam).into()
                    },
                );
            return (parameter, moment_1, moment_2, path_integral, penalty);
        };
        let [parameter, path_integral] = [parameter, path_integral].map(writable);
        let [moment_1, moment_2] = moments.map(writable);
        let penalties = launch.penalties(synaptic);
        // SAFETY: as above. There is one penalty for each cube, or none is written.
        unsafe {
            kernels::synaptic_adam::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                parameter.clone().into_linear_view(),
                gradient.into_linear_view(),
                moment_1.clone().into_linear_view(),
                moment_2.clone().into_linear_view(),
                path_integral.clone().into_linear_view(),
                importance.into_linear_view(),
                anchor.into_linear_view(),
                penalties.clone().into_buffer_arg(),
                launch.adam_numbers(adam),
                launch.pull_numbers(synaptic),
                AdamKind::of(adam),
                launch.synapse_kind(synaptic),
                [launch.elem_type, held_type],
            );
        }
        let penalty = total_penalty(penalties, synaptic);
        (parameter, moment_1, moment_2, path_integral, penalty)
    }

    fn sgd(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        sgd: SgdUpdate,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let Some(launch) = Launch::over(&[&parameter, &gradient, &velocity], &[]) else {
            return composed::sgd::<Self>(parameter, gradient, velocity, sgd).into();
        };
        let parameter = writable(parameter);
        let velocity = writable_velocity(velocity, sgd);
        // SAFETY: as above.
        unsafe {
            kernels::sgd::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                parameter.clone().into_linear_view(),
                gradient.into_linear_view(),
                velocity.clone().into_linear_view(),
                launch.sgd_numbers(sgd),
                SgdKind::of(sgd),
                launch.elem_type,
            );
        }
        (parameter, velocity)
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
        let [importance, anchor] = held([importance, anchor], &gradient, synaptic);
        let numbers = [&parameter, &gradient, &velocity, &path_integral];
        let launch = Launch::over(&numbers, &[&importance, &anchor]);
        let (Some(launch), Some(held_type)) = (launch, elem_type(anchor.dtype)) else {
            let synapse = [path_integral, importance, anchor];
            let ([parameter, velocity], path_integral, penalty) = composed::synaptic::<Self, _>(
                parameter,
                gradient,
                synapse,
                synaptic,
                |parameter, gradient| Self::sgd(parameter, gradient, velocity, sgd).into(),
            );
            return (parameter, velocity, path_integral, penalty);
        };
        let [parameter, path_integral] = [parameter, path_integral].map(writable);
        let velocity = writable_velocity(velocity, sgd);
        let penalties = launch.penalties(synaptic);
        // SAFETY: as above. There is one penalty for each cube, or none is written.
        unsafe {
            kernels::synaptic_sgd::launch_unchecked(
                &launch.client,
                launch.cube_count(),
                launch.cube_dim,
                launch.address_type,
                launch.vector_size,
                parameter.clone().into_linear_view(),
                gradient.into_linear_view(),
                velocity.clone().into_linear_view(),
                path_integral.clone().into_linear_view(),
                importance.into_linear_view(),
                anchor.into_linear_view(),
                penalties.clone().into_buffer_arg(),
                launch.sgd_numbers(sgd),
                launch.pull_numbers(synaptic),
                SgdKind::of(sgd),
                launch.synapse_kind(synaptic),
                [launch.elem_type, held_type],
            );
        }
        let penalty = total_penalty(penalties, synaptic);
        (parameter, velocity, path_integral, penalty)
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

/// The velocity, made writable only with momentum: otherwise it is not written.
fn writable_velocity(velocity: CubeTensor, sgd: SgdUpdate) -> CubeTensor {
    match sgd.momentum {
        Some(_) => writable(velocity),
        None => velocity,
    }
}

/// Importance and anchor. If they are not read, replaces them by the gradient, because they may be the same tensor
/// as one that is written.
fn held(held: [CubeTensor; 2], gradient: &CubeTensor, synaptic: SynapticUpdate) -> [CubeTensor; 2] {
    if synaptic.scale > 0.0 {
        held
    } else {
        [gradient.clone(), gradient.clone()]
    }
}

/// The sum of the cubes' parts, of shape `[1]`.
fn total_penalty(penalties: CubeTensor, synaptic: SynapticUpdate) -> CubeTensor {
    if synaptic.scale > 0.0 {
        CubeBackend::float_sum(penalties)
    } else {
        penalties
    }
}
