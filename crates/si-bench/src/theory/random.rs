use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::quadratic::{DIMENSIONS, Matrix, Vector, dot};

/// What random numbers are drawn for. Each purpose has a separate generator.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The eigenvectors of H.
    Rotation,
    /// The optimum θ*.
    Optimum,
    /// The starts of the program's gradient descent.
    Starts,
    /// The starts for the averages in plain arithmetic.
    ManyStarts,
}

/// The generator of a seed for one purpose.
pub(super) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Independent normal numbers of zero mean, by the method of Box and Muller.
pub(super) fn normal_vector(deviation: f64, rng: &mut ChaCha8Rng) -> Vector {
    std::array::from_fn(|_| {
        // In (0, 1], where the logarithm is finite.
        let radius = 1.0 - rng.random_range(0.0..1.0);
        let angle = rng.random_range(0.0..std::f64::consts::TAU);
        deviation * (-2.0 * f64::ln(radius)).sqrt() * f64::cos(angle)
    })
}

/// An orthonormal basis in rows. All bases are equally likely: random directions are made orthogonal one after the
/// other.
pub(super) fn rotation(rng: &mut ChaCha8Rng) -> Matrix {
    let mut basis = [[0.0; DIMENSIONS]; DIMENSIONS];
    for row in 0..DIMENSIONS {
        let mut vector = normal_vector(1.0, rng);
        for other in &basis[..row] {
            let overlap = dot(&vector, other);
            vector = std::array::from_fn(|index| vector[index] - overlap * other[index]);
        }
        let norm = dot(&vector, &vector).sqrt();
        basis[row] = vector.map(|value| value / norm);
    }
    basis
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Statistic;

    #[test]
    fn rotations_are_orthonormal_and_differ_by_seed() {
        let of = |seed| rotation(&mut generator(seed, Purpose::Rotation));
        let basis = of(1);
        for (index, row) in basis.iter().enumerate() {
            for (other_index, other) in basis.iter().enumerate() {
                let expected = f64::from(u8::from(index == other_index));
                assert!((dot(row, other) - expected).abs() < 1e-12);
            }
        }
        assert_eq!(basis, of(1));
        assert_ne!(basis, of(2));
    }

    #[test]
    fn normal_numbers_have_the_right_mean_and_deviation() {
        let mut rng = generator(0, Purpose::ManyStarts);
        let values: Vec<f64> = (0..20_000)
            .flat_map(|_| normal_vector(0.5, &mut rng))
            .collect();
        let statistic = Statistic::new(&values).expect("there are values");
        assert!(statistic.mean.abs() < 0.01, "{statistic:?}");
        let deviation = statistic.std.expect("more than one value");
        assert!((deviation - 0.5).abs() < 0.01, "{statistic:?}");
        let within = values.iter().filter(|value| value.abs() < 0.5).count();
        let share = within as f64 / values.len() as f64;
        assert!((share - 0.6827).abs() < 0.01, "{share}");
    }
}
