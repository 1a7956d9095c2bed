use std::collections::HashMap;

use burn::Tensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};
use burn::module::ParamId;
use burn::tensor::Shape;

use crate::precision::{sum, widened};
use crate::synapse::ranked;

/// How much each element of a module's parameters matters for what was learnt: one tensor for each parameter, in its
/// shape.
///
/// The functions of [`importance`](super) measure it for any module. To use another measure, or a faster one for a
/// specific module, build it with [`add`](Self::add) and [`scale`](Self::scale). Values should be ≥ 0: a penalty would
/// push a parameter with negative importance away from its anchor. The tensors are outside autodiff.
#[derive(Clone, Debug, Default)]
pub struct Importance {
    values: HashMap<ParamId, FloatTensor<Dispatch>>,
}

impl Importance {
    /// Adds to the importance of a parameter, in the parameter's shape. It is kept in f32, or in f64 if `values` are
    /// f64.
    ///
    /// # Panics
    ///
    /// If the existing importance of the parameter has another shape.
    pub fn add<const D: usize>(&mut self, id: ParamId, values: Tensor<D>) {
        let values = widened(values.inner());
        let total = match self.remove(id) {
            Some(before) => sum(before, values),
            None => values,
        };
        self.values.insert(id, total.into_dispatch());
    }

    /// The sum of both, for example of what data-parallel workers have measured on their shares of the data.
    ///
    /// # Panics
    ///
    /// If both are of a parameter, in different shapes.
    pub fn merge(mut self, other: Self) -> Self {
        for (id, values) in other.values {
            let total = match self.values.remove(&id) {
                Some(before) => sum_of(before, values),
                None => values,
            };
            self.values.insert(id, total);
        }
        self
    }

    /// Multiplies everything by `factor`, for example to turn a sum into a mean.
    pub fn scale(self, factor: f64) -> Self {
        let scaled = |(id, values)| (id, Dispatch::float_mul_scalar(values, factor.into()));
        Self {
            values: self.values.into_iter().map(scaled).collect(),
        }
    }

    /// The square root of everything, element by element. The root of Fisher information is another importance (Benzing
    /// 2022): it has the unit of the absolute Fisher information, and differs less between parameters.
    pub fn sqrt(self) -> Self {
        let root = |(id, values)| (id, Dispatch::float_sqrt(values));
        Self {
            values: self.values.into_iter().map(root).collect(),
        }
    }

    /// Limits every element to `limit`, so that single large ones do not outweigh all others.
    pub fn at_most(self, limit: f64) -> Self {
        let limited = |(id, values)| (id, Dispatch::float_clamp_max(values, limit.into()));
        Self {
            values: self.values.into_iter().map(limited).collect(),
        }
    }

    /// The importance of a parameter, in its shape. `None` if it was not measured.
    ///
    /// # Panics
    ///
    /// If the parameter's rank is not `D`.
    pub fn get<const D: usize>(&self, id: ParamId) -> Option<Tensor<D>> {
        self.values.get(&id).map(ranked::<Dispatch, D>)
    }

    /// The number of parameters with importance.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether no parameter has importance.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether the importance of a parameter was measured.
    pub(crate) fn knows(&self, id: ParamId) -> bool {
        self.values.contains_key(&id)
    }

    /// Everything scaled to `[0, 1]`, by the smallest and the largest element of all parameters together. Zero if all
    /// elements are the same.
    pub(crate) fn scaled_to_unit(self) -> Self {
        let extremes = |of: fn(FloatTensor<Dispatch>) -> FloatTensor<Dispatch>| {
            let extremes = self.values.values().cloned().map(of);
            let extremes = extremes.map(|it| Tensor::<1>::from_dispatch(it).into_scalar::<f64>());
            extremes.collect::<Vec<f64>>().into_iter()
        };
        let largest = extremes(Dispatch::float_max)
            .reduce(f64::max)
            .unwrap_or(0.0);
        let smallest = extremes(Dispatch::float_min)
            .reduce(f64::min)
            .unwrap_or(0.0);
        let range = if largest == smallest {
            1.0
        } else {
            largest - smallest
        };
        let scaled = |(id, values)| {
            let above = Dispatch::float_sub_scalar(values, smallest.into());
            (id, Dispatch::float_div_scalar(above, range.into()))
        };
        Self {
            values: self.values.into_iter().map(scaled).collect(),
        }
    }

    fn remove<const D: usize>(&mut self, id: ParamId) -> Option<Tensor<D>> {
        self.values
            .remove(&id)
            .map(|values| ranked::<Dispatch, D>(&values))
    }
}

/// The sum of two tensors of any rank, on the device of the first, in the wider precision of the two.
fn sum_of(first: FloatTensor<Dispatch>, second: FloatTensor<Dispatch>) -> FloatTensor<Dispatch> {
    let shape = first.shape();
    assert_eq!(
        shape,
        second.shape(),
        "the importance of a parameter has two shapes"
    );
    let flat = |tensor: FloatTensor<Dispatch>| -> Tensor<1> {
        let len = Shape::new([shape.num_elements()]);
        Tensor::from_dispatch(Dispatch::float_reshape(tensor, len))
    };
    let total = sum(flat(first), flat(second)).into_dispatch();
    Dispatch::float_reshape(total, shape)
}
