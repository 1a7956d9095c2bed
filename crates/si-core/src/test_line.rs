//! The module that tests of learners, records and checkpoints train.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

/// `x ↦ scale · x + shift`, fitted to a target.
#[derive(Module, Debug)]
pub(crate) struct Line {
    pub(crate) scale: Param<Tensor<2>>,
    pub(crate) shift: Param<Tensor<1>>,
}

impl Line {
    pub(crate) fn new() -> Self {
        let scale = TensorData::from([[0.5_f32, -0.3], [0.1, 0.7]]);
        Self {
            scale: Param::from_tensor(Tensor::from_data(scale, &device())),
            shift: Param::from_tensor(Tensor::from_floats([0.2, -0.1], &device())),
        }
    }

    pub(crate) fn loss(&self, step: usize) -> Tensor<1> {
        let phase = step as f32;
        let x = Tensor::<2>::from_floats([[phase.sin(), phase.cos()]], &device());
        let target = Tensor::<2>::from_floats([[(2.0 * phase).cos(), 0.3]], &device());
        let output = x.matmul(self.scale.val()) + self.shift.val().unsqueeze();
        (output - target).powi_scalar(2).mean()
    }
}

pub(crate) fn device() -> Device {
    crate::test_device::device().autodiff()
}
