/// Student's t distribution: the value that a t of `degrees` > 0 degrees of freedom, whole or not,
/// stays below with probability `p`, in (0, 1).
pub(super) fn quantile(p: f64, degrees: f64) -> f64 {
    if p < 0.5 {
        return -quantile(1.0 - p, degrees);
    }
    let mut high = 1.0;
    while cumulative(high, degrees) < p {
        high *= 2.0;
    }
    let mut low = 0.0;
    // Halves the interval until it is as narrow as the numbers allow.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if cumulative(middle, degrees) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Probability that t stays below `t` ≥ 0.
fn cumulative(t: f64, degrees: f64) -> f64 {
    1.0 - 0.5 * incomplete_beta(0.5 * degrees, 0.5, degrees / (degrees + t * t))
}

/// Regularized incomplete beta function I_x(a, b) for x in [0, 1] and a, b > 0.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges fast only on this side.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let front = (a * x.ln() + b * (-x).ln_1p() - beta).exp() / a;
    front / continued_fraction(a, b, x)
}

/// 1 + d₁ / (1 + d₂ / (1 + …)), NIST Digital Library of Mathematical Functions 8.17.22, from the
/// tail up.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    (1..=NUM_TERMS).rev().fold(1.0, |tail, index| {
        let m = f64::from(index / 2);
        let n = a + 2.0 * m;
        let d = match index % 2 {
            0 => m * (b - m) * x / ((n - 1.0) * n),
            _ => -(a + m) * (a + b + m) * x / (n * (n + 1.0)),
        };
        1.0 + d / tail
    })
}

/// Terms of the fraction. It converges in about √max(a, b) terms, and there are few degrees of
/// freedom.
const NUM_TERMS: u32 = 400;

/// ln Γ(x) for x > 0, by Stirling's series after x is raised to where it is exact to rounding.
fn ln_gamma(mut x: f64) -> f64 {
    let mut shift = 0.0;
    while x < 15.0 {
        shift += x.ln();
        x += 1.0;
    }
    let square = x * x;
    let series =
        1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series / x - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
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
    fn the_logarithm_of_gamma_is_that_of_the_factorial() {
        let factorial: f64 = (1..20).map(f64::from).product();
        assert!((ln_gamma(20.0) - factorial.ln()).abs() < 1e-12);
        let half = std::f64::consts::PI.sqrt().ln();
        assert!((ln_gamma(0.5) - half).abs() < 1e-12);
    }
}
