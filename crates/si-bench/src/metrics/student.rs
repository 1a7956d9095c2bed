use statrs::distribution::{ContinuousCDF, StudentsT};

/// Student's t distribution: the value that a t of `degrees` > 0 degrees of freedom, whole or not,
/// stays below with probability `p`, in (0, 1). NaN if `degrees` is not above 0.
pub(super) fn quantile(p: f64, degrees: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees).map_or(f64::NAN, |t| t.inverse_cdf(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_match_the_tables() {
        // Abramowitz and Stegun, table 26.10, which prints three decimals.
        for (p, degrees, expected) in [
            (0.95, 1.0, 6.314),
            (0.95, 2.0, 2.920),
            (0.95, 9.0, 1.833),
            (0.975, 4.0, 2.776),
            (0.975, 30.0, 2.042),
            (0.995, 10.0, 3.169),
            (0.95, 120.0, 1.658),
        ] {
            let found = quantile(p, degrees);
            assert!((found - expected).abs() < 6e-4, "{p} {degrees}: {found}");
            assert_eq!(
                quantile(1.0 - p, degrees),
                -quantile(1.0 - (1.0 - p), degrees)
            );
        }
    }

    #[test]
    fn one_degree_of_freedom_is_the_cauchy_distribution() {
        for p in [0.6, 0.9, 0.999] {
            let expected = (std::f64::consts::PI * (p - 0.5)).tan();
            assert!((quantile(p, 1.0) / expected - 1.0).abs() < 1e-10);
        }
    }

    #[test]
    fn degrees_that_are_not_above_zero_have_no_quantile() {
        assert!(quantile(0.95, 0.0).is_nan());
        assert!(quantile(0.95, f64::NAN).is_nan());
    }
}
