use rand::rngs::ChaCha8Rng;

use super::Normalization;
use super::flow::Flow;
use super::moments::Moments;
use super::quadratic::{DIMENSIONS, Quadratic, diagonal};
use super::random::normal_vector;

/// Random starts, in plain arithmetic.
pub(super) const NUM_STARTS: usize = 1_000_000;
/// Numbers of starts after which the normalisations are recorded.
const LOOKS: [usize; 5] = [100, 1000, 10_000, 100_000, NUM_STARTS];

/// Averages of the integrated flow over normally distributed starts.
pub(super) struct Averages {
    /// Moments of Q_ij and Δ_i².
    pub(super) moments: [[Moments; DIMENSIONS]; DIMENSIONS],
    pub(super) normalization: Vec<Normalization>,
}

impl Averages {
    /// Averages over starts whose distance has this standard deviation in each component.
    pub(super) fn new(quadratic: &Quadratic, deviation: f64, rng: &mut ChaCha8Rng) -> Self {
        let hessian = quadratic.hessian();
        let flow = Flow::new(&hessian);
        let mut moments = [[Moments::default(); DIMENSIONS]; DIMENSIONS];
        let mut normalization = Vec::new();
        for num_starts in 1..=NUM_STARTS {
            let distance = normal_vector(deviation, rng);
            let integrals = flow.path_integrals(&distance);
            for (index, row) in moments.iter_mut().enumerate() {
                // The flow ends at the optimum.
                let square = distance[index] * distance[index];
                for (moments, integral) in row.iter_mut().zip(integrals[index]) {
                    moments.add(integral, square);
                }
            }
            if LOOKS.contains(&num_starts) {
                let of = |value: fn(&Moments) -> f64| -> Vec<f64> {
                    (0..DIMENSIONS)
                        .map(|index| value(&moments[index][index]))
                        .collect()
                };
                normalization.push(Normalization {
                    num_starts,
                    predicted: diagonal(&hessian).map(|curvature| 0.5 * curvature).to_vec(),
                    ratio_of_means: of(|moments| moments.ratio_of_means().0),
                    mean_of_ratios: of(Moments::mean_of_ratios),
                });
            }
        }
        Self {
            moments,
            normalization,
        }
    }
}
