use burn::tensor::{Device, Tensor};
use si_core::SynapticIntelligenceConfig;

use crate::Error;
use crate::descent::{Descent, losses, tensor};

use super::quadratic::{EIGENVALUES, Quadratic, Vector};

/// Small compared with 2 / λ: the relative deviation of gradient descent from the flow is half of η
/// λ.
pub(super) const LEARNING_RATE: f64 = 1e-3;
/// At an eigenvalue of 1, a distance shrinks to e^−10 of its initial value.
pub(super) const NUM_STEPS: usize = 10_000;
/// Allowed relative error due to the step size: twice the error at the largest eigenvalue.
pub(super) const ACCURACY: f64 = LEARNING_RATE * EIGENVALUES[0];
/// ξ, far below every squared displacement.
pub(super) const DAMPING: f64 = 1e-12;
/// Steps after which the position is recorded.
const LOOKS: [usize; 4] = [250, 500, 1000, 2000];

/// Results of gradient descent with the method, by start.
pub(super) struct Learned {
    /// Times in units of τ, and θ of the first start at these times.
    pub(super) positions: Vec<(f64, Vector)>,
    /// ω.
    pub(super) path_integrals: Vec<Vector>,
    /// Δ.
    pub(super) displacements: Vec<Vector>,
    /// Ω.
    pub(super) importances: Vec<Vector>,
    /// Drop of the first start's loss.
    pub(super) loss_drop: f64,
}

impl Learned {
    /// Σ ω of the first start.
    pub(super) fn sum(&self) -> f64 {
        self.path_integrals[0].iter().sum()
    }
}

/// Learns a quadratic error as one task with the program, from starts at these distances to the optimum.
///
/// # Errors
///
/// Those of [`Descent::new`].
pub(super) fn learn(
    quadratic: &Quadratic,
    distances: &[Vector],
    device: &Device,
) -> Result<Learned, Error> {
    let starts: Vec<Vector> = distances
        .iter()
        .map(|distance| quadratic.start(distance))
        .collect();
    let config = SynapticIntelligenceConfig::new().with_damping(DAMPING);
    let mut descent = Descent::new(&starts, &config, LEARNING_RATE, device)?;
    let error = QuadraticError::new(quadratic, &device.clone().autodiff());
    let mut positions = Vec::new();
    for step in 1..=NUM_STEPS {
        descent = descent.step(|theta| error.at(theta));
        if LOOKS.contains(&step) {
            positions.push((step as f64 * LEARNING_RATE, descent.positions()[0]));
        }
    }

    let ends = descent.positions();
    let path_integrals = descent.path_integrals();
    descent.end_task();
    let outside = QuadraticError::new(quadratic, device);
    let before_and_after = losses(|theta| outside.at(theta), &[starts[0], ends[0]], device);
    Ok(Learned {
        positions,
        path_integrals,
        displacements: ends
            .iter()
            .zip(&starts)
            .map(|(end, start)| std::array::from_fn(|index| end[index] - start[index]))
            .collect(),
        importances: descent.importances(),
        loss_drop: before_and_after[0] - before_and_after[1],
    })
}

/// Eq. 6 in tensors.
struct QuadraticError {
    hessian: Tensor<2>,
    optimum: Tensor<2>,
}

impl QuadraticError {
    fn new(quadratic: &Quadratic, device: &Device) -> Self {
        Self {
            hessian: tensor(&quadratic.hessian(), device),
            optimum: tensor(&[quadratic.optimum], device),
        }
    }

    /// `[starts, dimensions]` to `[starts, 1]`.
    fn at(&self, theta: Tensor<2>) -> Tensor<2> {
        let distance = theta - self.optimum.clone();
        (distance.clone().matmul(self.hessian.clone()) * distance).sum_dim(1) * 0.5
    }
}
