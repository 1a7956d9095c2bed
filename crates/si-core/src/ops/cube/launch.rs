//! How kernels are launched over tensors, and their other arguments.

use burn::backend::DType;
use burn::tensor::Shape;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::ir::{AddressType, ElemType, FloatKind, VectorSize};
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::tensor_vector_size_parallel;
use burn_cubecl::ops::numeric::empty_device_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::kernels::{
    AdamKind, AdamNumbersLaunch, PullNumbersLaunch, SgdKind, SgdNumbersLaunch, SynapseKind,
};
use super::{in_parts, num_penalty_parts};
use crate::ops::{AdamUpdate, BiasCorrection, SgdUpdate, SynapticUpdate};
use crate::settings::PathGradient;

/// How a kernel is launched over tensors of one shape.
pub(super) struct Launch {
    pub(super) client: Client,
    device: CubeDevice,
    dtype: DType,
    pub(super) elem_type: ElemType,
    pub(super) address_type: AddressType,
    pub(super) vector_size: VectorSize,
    pub(super) cube_dim: CubeDim,
    pub(super) num_cubes: usize,
    num_penalty_parts: usize,
}

impl Launch {
    /// A launch over `numbers`, and over importance and anchor, which are `held`. `None` if there are no elements,
    /// if the numbers have several types or a type that no kernel supports, or if the device binds too few tensors
    /// at once.
    ///
    /// # Panics
    ///
    /// If the tensors differ in shape or device, for example because a parameter was moved or replaced.
    pub(super) fn over(numbers: &[&CubeTensor], held: &[&CubeTensor]) -> Option<Self> {
        let first = *numbers.first()?;
        if numbers.iter().any(|tensor| tensor.dtype != first.dtype) {
            return None;
        }
        let tensors = [numbers, held].concat();
        let elem_type = match first.dtype {
            DType::F64 | DType::F32 => elem_type(first.dtype)?,
            _ => return None,
        };
        let num_elements = first.meta.num_elements();
        // Besides the tensors, a kernel binds the parts of the penalty and its numbers.
        let num_bindings = first.client.properties().hardware.max_bindings as usize;
        if num_elements == 0 || num_bindings < tensors.len() + 2 {
            return None;
        }
        for tensor in &tensors {
            assert!(
                tensor.meta.shape() == first.meta.shape() && tensor.device == first.device,
                "a parameter, its gradient and its state must have the same shape and device"
            );
        }
        let vector_size = tensors.iter().map(|tensor| {
            tensor_vector_size_parallel(
                first.client.io_optimized_vector_sizes(tensor.dtype.size()),
                tensor.meta.shape(),
                tensor.meta.strides(),
                tensor.meta.num_dims() - 1,
            )
        });
        let vector_size = vector_size.min()?;
        let num_vectors = num_elements / vector_size;
        let cube_dim = CubeDim::new(&first.client, num_vectors);
        let num_cubes = num_vectors.div_ceil(cube_dim.num_elems() as usize);
        let num_penalty_parts = num_penalty_parts(num_elements);
        let addresses = tensors.iter().map(|tensor| tensor.required_address_type());
        Some(Self {
            client: first.client.clone(),
            device: first.device.clone(),
            dtype: first.dtype,
            elem_type,
            address_type: addresses.max()?,
            vector_size,
            cube_dim,
            num_cubes: num_cubes.min(num_penalty_parts),
            num_penalty_parts,
        })
    }

    pub(super) fn cube_count(&self) -> CubeCount {
        CubeCount::Static(self.num_cubes as u32, 1, 1)
    }

    pub(super) fn empty(&self, len: usize) -> CubeTensor {
        let shape = Shape::new([len]);
        empty_device_dtype(self.client.clone(), self.device.clone(), shape, self.dtype)
    }

    pub(super) fn empty_like(&self, tensor: &CubeTensor) -> CubeTensor {
        let shape = tensor.meta.shape().clone();
        empty_device_dtype(self.client.clone(), self.device.clone(), shape, self.dtype)
    }

    /// The penalty's sum, ready to be written in place. As it is if nothing is penalized.
    pub(super) fn penalty_sum(&self, sum: CubeTensor, synaptic: SynapticUpdate) -> CubeTensor {
        if synaptic.scale > 0.0 {
            in_parts(sum, self.num_penalty_parts)
        } else {
            sum
        }
    }

    /// What a kernel is given for the penalty's sum. If nothing is penalized, it does not use it, but a tensor that it
    /// could write must be no other's.
    pub(super) fn bound(&self, penalty_sum: &CubeTensor, synaptic: SynapticUpdate) -> CubeTensor {
        if synaptic.scale > 0.0 {
            penalty_sum.clone()
        } else {
            self.empty(1)
        }
    }

    fn number(&self, number: impl Into<f64>) -> InputScalar {
        InputScalar::new(number.into(), self.elem_type)
    }

    pub(super) fn adam_numbers(&self, adam: AdamUpdate) -> AdamNumbersLaunch {
        let (correction_1, correction_2) = match adam.correction {
            // The kernel does not read the second number.
            BiasCorrection::Joint(factor) => (factor, 1.0),
            BiasCorrection::Separate { moment_1, moment_2 } => (moment_1, moment_2),
        };
        AdamNumbersLaunch::new(
            self.number(adam.beta_1),
            self.number(adam.beta_2),
            self.number(correction_1),
            self.number(correction_2),
            self.number(adam.epsilon),
            self.number(adam.learning_rate),
            self.number(adam.weight_decay),
            self.number(1.0 - adam.decoupled_decay),
        )
    }

    pub(super) fn sgd_numbers(&self, sgd: SgdUpdate) -> SgdNumbersLaunch {
        SgdNumbersLaunch::new(
            self.number(sgd.momentum.unwrap_or_default()),
            self.number(1.0 - sgd.dampening),
            self.number(sgd.learning_rate),
            self.number(sgd.weight_decay),
        )
    }

    pub(super) fn pull_numbers(&self, synaptic: SynapticUpdate) -> PullNumbersLaunch {
        // Without a bound, the kernel does not read this number. Not every device supports infinity.
        let bound = if synaptic.bound.is_finite() {
            synaptic.bound
        } else {
            0.0
        };
        PullNumbersLaunch::new(self.number(2.0 * synaptic.scale), self.number(bound))
    }

    pub(super) fn synapse_kind(&self, synaptic: SynapticUpdate) -> SynapseKind {
        SynapseKind {
            is_penalized: synaptic.scale > 0.0,
            is_bounded: synaptic.bound.is_finite(),
            of_total: synaptic.path_gradient == PathGradient::Total,
            adds_to_sum: true,
            num_units: self.cube_dim.num_elems() as usize,
        }
    }
}

impl AdamKind {
    pub(super) fn of(adam: AdamUpdate) -> Self {
        Self {
            is_decayed: adam.weight_decay != 0.0,
            corrects_each: matches!(adam.correction, BiasCorrection::Separate { .. }),
            is_decoupled: adam.decoupled_decay != 0.0,
        }
    }
}

impl SgdKind {
    pub(super) fn of(sgd: SgdUpdate) -> Self {
        Self {
            is_decayed: sgd.weight_decay != 0.0,
            has_momentum: sgd.momentum.is_some(),
            is_first: sgd.is_first,
            nesterov: sgd.nesterov,
        }
    }
}

/// The kernels' name for a data type. `None` if no kernel supports it.
pub(super) fn elem_type(dtype: DType) -> Option<ElemType> {
    match dtype {
        DType::F64 => Some(ElemType::Float(FloatKind::F64)),
        DType::F32 => Some(ElemType::Float(FloatKind::F32)),
        DType::BF16 => Some(ElemType::Float(FloatKind::BF16)),
        _ => None,
    }
}
