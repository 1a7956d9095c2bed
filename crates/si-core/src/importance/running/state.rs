use burn::Tensor;
use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};

use super::RunningMeasure;
use crate::growth::has_grown;
use crate::precision::working;
use crate::synapse::ranked;

/// What is kept of one parameter: tensors in its shape, in the order of [`RunningMeasure::names`].
#[derive(Clone, Debug)]
pub(super) struct State(Vec<FloatTensor<Dispatch>>);

impl State {
    pub(super) fn new<const D: usize>(tensors: Vec<Tensor<D>>) -> Self {
        Self(tensors.into_iter().map(Tensor::into_dispatch).collect())
    }

    /// The tensors as the backend's primitives.
    pub(super) fn primitives(&self) -> impl Iterator<Item = &FloatTensor<Dispatch>> {
        self.0.iter()
    }

    /// The tensors for `parameter`: on its device, in its working precision, and grown to its shape. `None` if they do not
    /// fit its shape.
    pub(super) fn tensors<const D: usize>(
        &self,
        measure: RunningMeasure,
        parameter: &Tensor<D>,
    ) -> Option<Vec<Tensor<D>>> {
        let shape = parameter.shape();
        if !self.0.iter().all(|it| has_grown(&it.shape(), &shape)) {
            return None;
        }
        let precision = working(parameter.dtype());
        let device = parameter.device();
        let tensors = self.0.iter();
        let tensors =
            tensors.map(|it| ranked::<Dispatch, D>(it).cast(precision).to_device(&device));
        let tensors: Vec<Tensor<D>> = tensors.collect();
        if tensors.iter().all(|it| it.shape() == shape) {
            return Some(tensors);
        }
        let ground = measure.begin(parameter).into_iter();
        let grown = ground.zip(tensors).map(|(ground, tensor)| {
            let corner = tensor.dims().map(|size| 0..size);
            ground.slice_assign(corner, tensor)
        });
        Some(grown.collect())
    }
}
