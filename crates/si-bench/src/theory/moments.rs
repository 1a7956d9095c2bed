/// Running sums over starts of one ω_i and its Δ_i².
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    num_starts: f64,
    integral: f64,
    square: f64,
    integral_integral: f64,
    integral_square: f64,
    square_square: f64,
    ratio: f64,
}

impl Moments {
    /// Adds a start with its path integral ω_i and the square of its displacement, Δ_i².
    pub(super) fn add(&mut self, integral: f64, square: f64) {
        self.num_starts += 1.0;
        self.integral += integral;
        self.square += square;
        self.integral_integral += integral * integral;
        self.integral_square += integral * square;
        self.square_square += square * square;
        self.ratio += integral / square;
    }

    /// ⟨ω_i⟩ and its standard error.
    pub(super) fn mean(&self) -> (f64, f64) {
        let mean = self.integral / self.num_starts;
        let variance = self.integral_integral / self.num_starts - mean * mean;
        (mean, (variance.max(0.0) / self.num_starts).sqrt())
    }

    /// ⟨ω_i⟩ / ⟨Δ_i²⟩ and its standard error, to first order in the deviations of both means.
    pub(super) fn ratio_of_means(&self) -> (f64, f64) {
        let ratio = self.integral / self.square;
        let residuals = self.integral_integral - 2.0 * ratio * self.integral_square
            + ratio * ratio * self.square_square;
        (ratio, residuals.max(0.0).sqrt() / self.square)
    }

    /// ⟨ω_i / Δ_i²⟩. It has no standard error where the ratio has no variance.
    pub(super) fn mean_of_ratios(&self) -> f64 {
        self.ratio / self.num_starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_errors_follow_their_definitions() {
        let mut moments = Moments::default();
        for (integral, square) in [(1.0, 1.0), (3.0, 1.0), (2.0, 4.0), (6.0, 2.0)] {
            moments.add(integral, square);
        }
        // Variance 3.5 over four starts; residuals ω − 1.5 Δ² of −0.5, 1.5, −4 and 3.
        assert_eq!(moments.mean(), (3.0, (3.5f64 / 4.0).sqrt()));
        assert_eq!(moments.ratio_of_means(), (1.5, 27.5f64.sqrt() / 8.0));
        assert_eq!(moments.mean_of_ratios(), (1.0 + 3.0 + 0.5 + 3.0) / 4.0);
    }
}
