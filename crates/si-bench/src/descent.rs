//! Gradient descent in a small parameter space with the method itself. Theory and schematics use
//! it.

use burn::module::{Module, Param};
use burn::optim::{ModuleOptimizer, SgdConfig};
use burn::tensor::{DType, Device, Tensor, TensorData};
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

use crate::Error;

/// Points of an N-dimensional parameter space that descend a loss, in double precision, by plain
/// gradient descent under Synaptic Intelligence.
///
/// The losses of the points are summed, so each point descends as if it were alone. A loss maps
/// `[points, N]` to `[points, 1]`.
pub(crate) struct Descent<const N: usize> {
    learner: ContinualLearner<Points>,
    optimizer: ModuleOptimizer,
    learning_rate: f64,
}

/// The points as the one parameter of a module, `[points, N]`.
#[derive(Module, Debug)]
struct Points {
    theta: Param<Tensor<2>>,
}

impl<const N: usize> Descent<N> {
    /// Puts the points at their starts.
    ///
    /// # Errors
    ///
    /// [`Error::Synaptic`] if the settings are not valid.
    pub(crate) fn new(
        starts: &[[f64; N]],
        config: &SynapticIntelligenceConfig,
        learning_rate: f64,
        device: &Device,
    ) -> Result<Self, Error> {
        let points = Points {
            theta: Param::from_tensor(tensor(starts, &device.clone().autodiff())),
        };
        Ok(Self {
            learner: ContinualLearner::new(points, config)?,
            optimizer: SgdConfig::new().init(),
            learning_rate,
        })
    }

    /// One step down the loss.
    pub(crate) fn step(mut self, loss: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        let sum = |points: &Points| loss(points.theta.val()).sum();
        (self.learner, _) = self
            .learner
            .step(&mut self.optimizer, self.learning_rate, sum);
        self
    }

    /// Ends the task, as [`ContinualLearner::end_task`] does.
    pub(crate) fn end_task(&mut self) {
        self.learner.end_task();
    }

    /// θ of each point.
    pub(crate) fn positions(&self) -> Vec<[f64; N]> {
        rows(self.learner.theta.val())
    }

    /// ω of each point in this task. Zero before its first step.
    pub(crate) fn path_integrals(&self) -> Vec<[f64; N]> {
        let synapse = self.learner.regularizer().synapse(self.learner.theta.id);
        match synapse.and_then(|synapse| synapse.path_integral()) {
            Some(path_integral) => rows(path_integral),
            None => vec![[0.0; N]; self.positions().len()],
        }
    }

    /// Ω of each point. Zero before the first task's end.
    pub(crate) fn importances(&self) -> Vec<[f64; N]> {
        let synapse = self.learner.regularizer().synapse(self.learner.theta.id);
        match synapse.and_then(|synapse| synapse.importance()) {
            Some(importance) => rows(importance),
            None => vec![[0.0; N]; self.positions().len()],
        }
    }
}

/// The loss at each of `points`.
pub(crate) fn losses<const N: usize>(
    loss: impl Fn(Tensor<2>) -> Tensor<2>,
    points: &[[f64; N]],
    device: &Device,
) -> Vec<f64> {
    loss(tensor(points, device))
        .into_data()
        .iter::<f64>()
        .collect()
}

/// A tensor of these rows, `[rows, N]`, in double precision.
pub(crate) fn tensor<const N: usize>(rows: &[[f64; N]], device: &Device) -> Tensor<2> {
    let data = TensorData::new(rows.concat(), [rows.len(), N]);
    Tensor::from_data(data, (device, DType::F64))
}

fn rows<const N: usize>(tensor: Tensor<2>) -> Vec<[f64; N]> {
    let values: Vec<f64> = tensor.into_data().iter::<f64>().collect();
    values
        .chunks_exact(N)
        .map(|row| std::array::from_fn(|index| row[index]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_descends_on_its_own() {
        let config = SynapticIntelligenceConfig::new().with_damping(1e-12);
        let device = Device::flex();
        let half_square = |theta: Tensor<2>| theta.powi_scalar(2).sum_dim(1) * 0.5;
        let mut descent = Descent::new(&[[1.0, 0.0], [0.0, -2.0]], &config, 0.5, &device)
            .expect("the settings are valid");
        assert_eq!(descent.path_integrals(), [[0.0; 2]; 2]);

        descent = descent.step(half_square);
        assert_eq!(descent.positions(), [[0.5, 0.0], [0.0, -1.0]]);
        assert_eq!(descent.path_integrals(), [[0.5, 0.0], [0.0, 2.0]]);
        descent.end_task();
        let importances = descent.importances();
        assert!((importances[1][1] - 2.0).abs() < 1e-9, "{importances:?}");
        assert_eq!(
            losses(half_square, &descent.positions(), &device),
            [0.125, 0.5]
        );
    }
}
