/// Parameters of the quadratic error.
pub(super) const DIMENSIONS: usize = 4;

pub(super) type Vector = [f64; DIMENSIONS];
pub(super) type Matrix = [Vector; DIMENSIONS];

/// Eigenvalues of the Hessians, from the largest.
pub(super) const EIGENVALUES: Vector = [3.0, 2.2, 1.5, 1.0];

/// A quadratic error `½ (θ − θ*)ᵀ H (θ − θ*)` (eq. 6), and the results of section 4 for gradient descent on it. Time is
/// in units of τ.
#[derive(Clone, Debug)]
pub(super) struct Quadratic {
    /// The eigenvectors u^α of H, in rows.
    pub(super) eigenvectors: Matrix,
    /// The eigenvalues λ^α of H, ≥ 0.
    pub(super) eigenvalues: Vector,
    /// θ*.
    pub(super) optimum: Vector,
}

impl Quadratic {
    /// `H = Σ_α λ^α u^α u^αᵀ`.
    pub(super) fn hessian(&self) -> Matrix {
        let modes = || self.eigenvalues.iter().zip(&self.eigenvectors);
        matrix(|i, j| modes().map(|(value, mode)| value * mode[i] * mode[j]).sum())
    }

    /// `θ(0)` from its distance to θ*.
    pub(super) fn start(&self, distance: &Vector) -> Vector {
        std::array::from_fn(|index| self.optimum[index] + distance[index])
    }

    /// `d^α = u^α · (θ(0) − θ*)`.
    pub(super) fn projections(&self, distance: &Vector) -> Vector {
        self.eigenvectors.map(|mode| dot(&mode, distance))
    }

    /// `θ(t)` (eq. 8).
    pub(super) fn position(&self, distance: &Vector, time: f64) -> Vector {
        let projections = self.projections(distance);
        let decayed = |alpha: usize| (-self.eigenvalues[alpha] * time).exp() * projections[alpha];
        std::array::from_fn(|index| {
            let modes = self.eigenvectors.iter().enumerate();
            let moved: f64 = modes
                .map(|(alpha, mode)| mode[index] * decayed(alpha))
                .sum();
            self.optimum[index] + moved
        })
    }

    /// Q (eq. 11).
    pub(super) fn path_integrals(&self, distance: &Vector) -> Matrix {
        let projections = self.projections(distance);
        let pair = |alpha: usize, beta: usize| {
            let (a, b) = (self.eigenvalues[alpha], self.eigenvalues[beta]);
            // Nothing moves along two flat directions.
            let factor = if a + b > 0.0 { a * b / (a + b) } else { 0.0 };
            projections[alpha] * factor * projections[beta]
        };
        let pairs = matrix(pair);
        matrix(|i, j| {
            let mut sum = 0.0;
            for (alpha, row) in pairs.iter().enumerate() {
                for (beta, pair) in row.iter().enumerate() {
                    sum += self.eigenvectors[alpha][i] * pair * self.eigenvectors[beta][j];
                }
            }
            sum
        })
    }
}

/// The matrix of these entries.
pub(super) fn matrix(entry: impl Fn(usize, usize) -> f64) -> Matrix {
    std::array::from_fn(|row| std::array::from_fn(|column| entry(row, column)))
}

/// The identity.
pub(super) fn identity() -> Matrix {
    matrix(|row, column| f64::from(u8::from(row == column)))
}

/// The entries (i, i).
pub(super) fn diagonal(matrix: &Matrix) -> Vector {
    std::array::from_fn(|index| matrix[index][index])
}

pub(super) fn product(left: &Matrix, right: &Matrix) -> Matrix {
    matrix(|row, column| {
        (0..DIMENSIONS)
            .map(|k| left[row][k] * right[k][column])
            .sum()
    })
}

pub(super) fn dot(left: &Vector, right: &Vector) -> f64 {
    left.iter()
        .zip(right)
        .map(|(left, right)| left * right)
        .sum()
}
