use std::cell::RefCell;

use burn::module::{Module, ModuleMapper, Param};
use burn::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::common;

pub(crate) fn device() -> Device {
    common::device_with(burn::tensor::DType::F32).autodiff()
}

/// Draws tensors on the host. The same seed gives the same numbers, whatever other tests draw.
pub(crate) struct Draws(RefCell<ChaCha8Rng>);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(RefCell::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    pub(crate) fn tensor<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| self.0.borrow_mut().random_range(-1.0..1.0))
            .collect();
        Tensor::from_data(TensorData::new(values, shape), &device())
    }

    pub(crate) fn indices<const D: usize>(&self, shape: [usize; D], bound: i32) -> Tensor<D, Int> {
        let values: Vec<i32> = (0..shape.iter().product())
            .map(|_| self.0.borrow_mut().random_range(0..bound))
            .collect();
        Tensor::from_data(TensorData::new(values, shape), &device())
    }

    /// The mean squared distance of `outputs` from drawn targets, `[1]`.
    pub(crate) fn distance<const D: usize>(&self, outputs: Tensor<D>) -> Tensor<1> {
        let targets = self.tensor(outputs.dims());
        (outputs - targets).square().mean()
    }

    /// `module` with drawn numbers everywhere except in buffers.
    pub(crate) fn initialized<M: Module>(self, module: M) -> M {
        module.map(&mut Initialize {
            draws: self,
            path: Vec::new(),
        })
    }
}

struct Initialize {
    draws: Draws,
    path: Vec<String>,
}

impl ModuleMapper for Initialize {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // A drawn variance might be negative.
        let name = self.path.last();
        if name.is_some_and(|name| name.starts_with("running")) {
            return param;
        }
        param.map(|tensor| {
            let drawn = self.draws.tensor(tensor.dims());
            drawn.set_require_grad(tensor.is_require_grad())
        })
    }
}
