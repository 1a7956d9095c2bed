use burn::Tensor;
use burn::backend::{Dispatch as B, tensor::FloatTensor};
use burn::tensor::{DType, Int};

use crate::ops::SynapticBackend;
use crate::precision::working;
use crate::settings::StatePrecision;
use crate::synapse::Synapse;

/// The state of one parameter, with zeros for what it does not have yet.
pub(super) struct State<const D: usize> {
    pub(super) anchor: Tensor<D>,
    pub(super) path_integral: Tensor<D>,
    pub(super) importance: Tensor<D>,
    pub(super) penalty_sum: Tensor<1>,
    /// The bits of [`Present`], `[1]`.
    pub(super) present: Tensor<1, Int>,
}

/// One bit for each part of the state that a parameter has.
pub(super) struct Present;

impl Present {
    pub(super) const SYNAPSE: i32 = 1;
    pub(super) const PATH_INTEGRAL: i32 = 2;
    pub(super) const IMPORTANCE: i32 = 4;
    pub(super) const PENALTY_SUM: i32 = 8;
}

impl<const D: usize> State<D> {
    /// `parameter` is outside autodiff.
    pub(super) fn of(
        synapse: Option<&Synapse<B>>,
        parameter: &Tensor<D>,
        state_precision: StatePrecision,
    ) -> Self {
        let (device, dtype) = (parameter.device(), working(parameter.dtype()));
        let shape = parameter.shape();
        let grown = synapse.filter(|it| it.fits(&shape)).cloned().map(|mut it| {
            it.follow(&B::primitive(parameter.clone()), state_precision);
            it
        });
        let synapse = grown.as_ref();
        let penalty_sum = synapse.and_then(Synapse::total_penalty);
        let mut present = 0;
        let mut part = |bit: i32, primitive: Option<&FloatTensor<B>>| {
            if primitive.is_some() {
                present |= bit;
            }
            primitive.cloned()
        };
        let shaped = |primitive: Option<FloatTensor<B>>| match primitive {
            Some(primitive) => B::tensor(primitive),
            None => Tensor::zeros(parameter.dims(), (&device, dtype)),
        };
        let held = |primitive: Option<FloatTensor<B>>| {
            let tensor = B::primitive(shaped(primitive));
            B::tensor(state_precision.hold::<B>(tensor))
        };
        Self {
            anchor: held(part(Present::SYNAPSE, synapse.map(|it| &it.anchor))),
            path_integral: shaped(part(
                Present::PATH_INTEGRAL,
                synapse.and_then(|it| it.path_integral.as_ref()),
            )),
            importance: held(part(
                Present::IMPORTANCE,
                synapse.and_then(|it| it.importance.as_ref()),
            )),
            penalty_sum: match part(Present::PENALTY_SUM, penalty_sum.as_ref()) {
                Some(primitive) => B::tensor(primitive),
                None => Tensor::zeros([1], (&device, dtype)),
            },
            present: Tensor::from_data([present], (&device, DType::I32)),
        }
    }
}
