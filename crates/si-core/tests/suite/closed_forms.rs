//! Section 4 of the paper: on a quadratic loss the path integral has a closed form.
//!
//! The error is `½ (θ − θ*)ᵀ H (θ − θ*)`. Gradient descent with a small learning rate follows the flow `dθ/dt = −H
//! (θ − θ*)`, with τ = 1. Each row of the parameter is a separate start, so a single run covers many.

use crate::common::values;
use burn::module::{Module, Param};
use burn::optim::SgdConfig;
use burn::prelude::*;
use burn::tensor::DType;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

const DIMENSIONS: usize = 4;
const LEARNING_RATE: f64 = 5e-4;
/// The relative deviation of gradient descent from the flow is the learning rate times half the largest
/// eigenvalue, 3.
const TOLERANCE: f64 = 2e-3;
/// The smallest nonzero eigenvalue is 0.7, so e^(−0.7·14) of the distance is left.
const STEPS: usize = 28_000;

type Vector = [f64; DIMENSIONS];
type Matrix = [Vector; DIMENSIONS];

#[test]
fn path_integral_of_a_random_hessian_is_the_diagonal_of_eq_11() {
    let basis = orthonormal_basis(1);
    let eigenvalues = [3.0, 1.9, 1.1, 0.7];
    let starts = [random_vector(2), random_vector(3)];
    let run = descend(&hessian(&basis, &eigenvalues), &starts);
    for (start, path_integral) in starts.iter().zip(&run.path_integral) {
        let expected = eq_11(&basis, &eigenvalues, start);
        for (index, actual) in path_integral.iter().enumerate() {
            assert_close(*actual, expected[index][index], scale(&expected));
        }
    }
}

#[test]
fn mean_over_starts_is_half_the_hessian_as_eq_12_says() {
    let basis = orthonormal_basis(4);
    let eigenvalues = [3.0, 1.9, 1.1, 0.7];
    let hessian = hessian(&basis, &eigenvalues);
    let sigma = 0.8;
    // Every combination of signs occurs once, so the mean over them is the exact expectation.
    let starts: Vec<Vector> = (0..1 << DIMENSIONS)
        .map(|signs: usize| {
            std::array::from_fn(|index| {
                if signs >> index & 1 == 0 {
                    sigma
                } else {
                    -sigma
                }
            })
        })
        .collect();
    let run = descend(&hessian, &starts);
    for (index, row) in hessian.iter().enumerate() {
        let curvature = row[index];
        let mean =
            |rows: &[Vector]| rows.iter().map(|row| row[index]).sum::<f64>() / rows.len() as f64;
        let expected = 0.5 * sigma * sigma * curvature;
        assert_close(mean(&run.path_integral), expected, expected);
        // The normalisation holds as a ratio of means.
        let squared: Vec<Vector> = run
            .displacement
            .iter()
            .map(|row| row.map(|value| value * value))
            .collect();
        let ratio = mean(&run.path_integral) / mean(&squared);
        assert_close(ratio, 0.5 * curvature, curvature);
    }
}

#[test]
fn diagonal_hessian_gives_eq_13_with_its_factor_of_a_half() {
    let eigenvalues = [3.0, 1.9, 1.1, 0.7];
    let identity =
        std::array::from_fn(|row| std::array::from_fn(|column| f64::from(u8::from(row == column))));
    let start = random_vector(5);
    let run = descend(&hessian(&identity, &eigenvalues), &[start]);
    for (index, eigenvalue) in eigenvalues.iter().enumerate() {
        let expected = 0.5 * start[index].powi(2) * eigenvalue;
        assert_close(run.path_integral[0][index], expected, expected);
        // For ξ → 0 the importance is half the curvature.
        assert_close(run.importance[0][index], 0.5 * eigenvalue, *eigenvalue);
    }
}

#[test]
fn rank_one_hessian_gives_eq_14_and_the_same_importance_everywhere() {
    let basis = orthonormal_basis(6);
    let eigenvalues = [3.0, 0.0, 0.0, 0.0];
    let hessian = hessian(&basis, &eigenvalues);
    let start = random_vector(7);
    let along: f64 = (0..DIMENSIONS)
        .map(|index| basis[0][index] * start[index])
        .sum();
    let run = descend(&hessian, &[start]);
    for (index, row) in hessian.iter().enumerate() {
        let expected = 0.5 * along * along * row[index];
        assert_close(run.path_integral[0][index], expected, along * along);
        // Unlike in the paper, this is not the diagonal of H: Δ_i = −u_i d_1, so ω_i / Δ_i² = ½ λ_1.
        assert_close(
            run.importance[0][index],
            0.5 * eigenvalues[0],
            eigenvalues[0],
        );
    }
}

#[test]
fn path_integrals_sum_to_the_drop_of_the_loss() {
    let basis = orthonormal_basis(8);
    let run = descend(&hessian(&basis, &[3.0, 1.9, 1.1, 0.7]), &[random_vector(9)]);
    let sum: f64 = run.path_integral[0].iter().sum();
    assert_close(sum, run.loss_drop, run.loss_drop);
}

struct Run {
    path_integral: Vec<Vector>,
    displacement: Vec<Vector>,
    importance: Vec<Vector>,
    loss_drop: f64,
}

/// Starts, `[starts, dimensions]`, as distances from θ* = 0.
#[derive(Module, Debug)]
struct Quadratic {
    theta: Param<Tensor<2>>,
}

impl Quadratic {
    /// The sum over the starts, which do not affect each other.
    fn error(&self, hessian: Tensor<2>) -> Tensor<1> {
        let theta = self.theta.val();
        (theta.clone().matmul(hessian) * theta).sum() * 0.5
    }
}

fn descend(hessian: &Matrix, starts: &[Vector]) -> Run {
    let device = crate::common::device_with(DType::F64).autodiff();
    let tensor = |rows: &[Vector]| -> Tensor<2> {
        let data = TensorData::new(rows.concat(), [rows.len(), DIMENSIONS]);
        Tensor::from_data(data, (&device, DType::F64))
    };
    let hessian = tensor(hessian);
    let model = Quadratic {
        theta: Param::from_tensor(tensor(starts)),
    };
    let id = model.theta.id;
    let loss_before = values(model.error(hessian.clone()))[0];
    let config = SynapticIntelligenceConfig::new().with_damping(1e-12);
    let mut learner = ContinualLearner::new(model, &config).expect("the config is valid");
    let mut optimizer = SgdConfig::new().init();
    for _ in 0..STEPS {
        let error = |model: &Quadratic| model.error(hessian.clone());
        (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, error);
    }

    let rows = |tensor: Tensor<2>| -> Vec<Vector> {
        values(tensor)
            .chunks_exact(DIMENSIONS)
            .map(|row| std::array::from_fn(|index| row[index]))
            .collect()
    };
    let loss_after = values(learner.error(hessian.clone()))[0];
    let end = rows(learner.theta.val());
    let synapse = learner.regularizer().synapse(id).expect("it was trained");
    let path_integral = rows(synapse.path_integral().expect("it was trained"));
    learner.end_task();
    let synapse = learner.regularizer().synapse(id).expect("it was trained");
    let importance = synapse.importance().expect("the task has ended");
    Run {
        path_integral,
        displacement: end
            .iter()
            .zip(starts)
            .map(|(end, start)| std::array::from_fn(|index| end[index] - start[index]))
            .collect(),
        importance: rows(importance),
        loss_drop: loss_before - loss_after,
    }
}

/// Q of eq. 11, for eigenvectors in the rows of `basis`.
fn eq_11(basis: &Matrix, eigenvalues: &Vector, start: &Vector) -> Matrix {
    let along: Vector = std::array::from_fn(|alpha| {
        (0..DIMENSIONS)
            .map(|index| basis[alpha][index] * start[index])
            .sum()
    });
    let mut q = [[0.0; DIMENSIONS]; DIMENSIONS];
    for alpha in 0..DIMENSIONS {
        for beta in 0..DIMENSIONS {
            let (a, b) = (eigenvalues[alpha], eigenvalues[beta]);
            let factor = along[alpha] * along[beta] * a * b / (a + b);
            for i in 0..DIMENSIONS {
                for j in 0..DIMENSIONS {
                    q[i][j] += basis[alpha][i] * factor * basis[beta][j];
                }
            }
        }
    }
    q
}

/// Σ λ u uᵀ, for eigenvectors in the rows of `basis`.
fn hessian(basis: &Matrix, eigenvalues: &Vector) -> Matrix {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            (0..DIMENSIONS)
                .map(|alpha| eigenvalues[alpha] * basis[alpha][i] * basis[alpha][j])
                .sum()
        })
    })
}

/// Random directions, orthonormalised one after the other.
fn orthonormal_basis(seed: u64) -> Matrix {
    let mut basis: Matrix = std::array::from_fn(|row| random_vector(100 * seed + row as u64));
    for row in 0..DIMENSIONS {
        let (before, rest) = basis.split_at_mut(row);
        for other in before {
            let overlap: f64 = rest[0].iter().zip(&*other).map(|(a, b)| a * b).sum();
            for (value, other) in rest[0].iter_mut().zip(&*other) {
                *value -= overlap * other;
            }
        }
        let norm = rest[0]
            .iter()
            .map(|value| value * value)
            .sum::<f64>()
            .sqrt();
        rest[0] = rest[0].map(|value| value / norm);
    }
    basis
}

fn random_vector(seed: u64) -> Vector {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    std::array::from_fn(|_| rng.random_range(-1.0..1.0))
}

fn scale(matrix: &Matrix) -> f64 {
    matrix
        .iter()
        .flatten()
        .fold(0.0, |max, value| value.abs().max(max))
}

fn assert_close(actual: f64, expected: f64, scale: f64) {
    assert!(
        (actual - expected).abs() <= TOLERANCE * scale.abs(),
        "{actual} is not {expected}"
    );
}
