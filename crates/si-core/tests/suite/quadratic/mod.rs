//! Compares quadratic penalties, and the importance that they are made of, with plain numbers and closed forms.

mod fisher;
mod outputs;
mod penalty;
mod protection;
mod record;
mod running;
mod sensitivity;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::DType;
use si_core::{Importance, QuadraticPenalty, QuadraticPenaltyConfig};

/// A bare parameter without a model, in double precision.
#[derive(Module, Debug)]
struct Vector {
    theta: Param<Tensor<1>>,
}

impl Vector {
    fn new(theta: &[f64]) -> Self {
        Self {
            theta: Param::from_tensor(tensor(theta)),
        }
    }

    fn moved_to(&self, theta: &[f64]) -> Self {
        Self {
            theta: Param::initialized(self.theta.id, tensor(theta).require_grad()),
        }
    }

    fn fisher(&self, information: &[f64]) -> Importance {
        let mut fisher = Importance::default();
        fisher.add(self.theta.id, tensor(information));
        fisher
    }

    /// The total of a gradient and the penalty's.
    fn pull(&self, ewc: &QuadraticPenalty, gradient: &[f64]) -> Vec<f64> {
        let mut grads = GradientsParams::new();
        grads.register(self.theta.id, tensor(gradient).inner());
        let total = ewc.penalize(self, grads).get::<1>(self.theta.id);
        crate::common::values(total.expect("it has a gradient"))
    }
}

fn tensor(values: &[f64]) -> Tensor<1> {
    Tensor::from_data(TensorData::from(values), (&device(), DType::F64))
}

fn device() -> Device {
    crate::common::device_with(DType::F64).autodiff()
}

fn ewc(config: &QuadraticPenaltyConfig) -> QuadraticPenalty {
    config.init().expect("the config is valid")
}

fn config(strength: f64) -> QuadraticPenaltyConfig {
    QuadraticPenaltyConfig::ewc(strength)
}
