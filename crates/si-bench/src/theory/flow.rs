use super::quadratic::{DIMENSIONS, Matrix, Vector, identity, matrix, product};

/// Gradient flow `τ dθ/dt = −H (θ − θ*)` (eq. 7), integrated step by step for all starts at once. The flow is linear in
/// the start, so the paths from the unit vectors give all others.
///
/// Plain arithmetic in double precision. It uses neither the eigenvectors of H nor eq. 11.
pub(super) struct Flow {
    /// `∫ θ'_i θ'_j dt` by i and j, as a quadratic form of the start's distance to θ*.
    forms: [[Matrix; DIMENSIONS]; DIMENSIONS],
}

/// Step h in units of τ: the errors of four terms of the exponential and of Simpson's rule, at most
/// (2 h λ)⁴ / 180, are below 1e-8 at the largest λ here.
const STEP: f64 = 0.005;
/// Largest error of the integral, as a share of the largest entry of Q.
pub(super) const ACCURACY: f64 = 1e-7;
/// Must be even for Simpson's rule. At λ = 1, a distance then shrinks to e^−20 of its initial
/// value.
const NUM_STEPS: usize = 4000;

impl Flow {
    /// Integrates the flow for an error with this Hessian.
    pub(super) fn new(hessian: &Matrix) -> Self {
        let step = taylor_step(hessian);
        let mut paths = identity();
        let mut forms = [[[[0.0; DIMENSIONS]; DIMENSIONS]; DIMENSIONS]; DIMENSIONS];
        for index in 0..=NUM_STEPS {
            let weight = match index {
                0 | NUM_STEPS => 1.0,
                odd if odd % 2 == 1 => 4.0,
                _ => 2.0,
            } * STEP
                / 3.0;
            let velocities = product(hessian, &paths);
            for (left, row) in velocities.iter().zip(&mut forms) {
                for (right, form) in velocities.iter().zip(row) {
                    let old = *form;
                    *form = matrix(|k, l| old[k][l] + weight * left[k] * right[l]);
                }
            }
            paths = product(&step, &paths);
        }
        Self { forms }
    }

    /// Q (eq. 10) for a start at this distance to θ*.
    pub(super) fn path_integrals(&self, distance: &Vector) -> Matrix {
        matrix(|i, j| quadratic_form(&self.forms[i][j], distance))
    }
}

/// The matrix of one step: e^(−H h) up to the fourth power of h.
fn taylor_step(hessian: &Matrix) -> Matrix {
    let mut sum = identity();
    let mut term = identity();
    for power in 1..=4 {
        let next = product(hessian, &term);
        term = matrix(|row, column| -STEP / f64::from(power) * next[row][column]);
        sum = matrix(|row, column| sum[row][column] + term[row][column]);
    }
    sum
}

fn quadratic_form(form: &Matrix, vector: &Vector) -> f64 {
    let mut sum = 0.0;
    for (row, left) in form.iter().zip(vector) {
        for (entry, right) in row.iter().zip(vector) {
            sum += left * entry * right;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::quadratic::diagonal;

    #[test]
    fn the_integral_of_a_diagonal_hessian_is_the_closed_form() {
        let mut hessian = identity();
        for (index, curvature) in [3.0, 2.0, 1.5, 1.0].into_iter().enumerate() {
            hessian[index][index] = curvature;
        }
        let flow = Flow::new(&hessian);
        let distance = [1.0, -2.0, 0.5, 0.0];
        // ∫ (λ d e^(−λt))² dt = ½ λ d².
        let expected = [1.5, 4.0, 0.1875, 0.0];
        let actual = diagonal(&flow.path_integrals(&distance));
        for (actual, expected) in actual.into_iter().zip(expected) {
            assert!(
                (actual - expected).abs() < ACCURACY,
                "{actual} is not {expected}"
            );
        }
    }
}
