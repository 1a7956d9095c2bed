use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use si_core::SynapticIntelligenceConfig;

use crate::Error;
use crate::descent::{Descent, losses};

/// Figure 2: the surrogate loss of one task with one parameter, beside the loss that it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurrogateLoss {
    /// Learning rate η of gradient descent.
    pub learning_rate: f64,
    /// Number of its steps.
    pub num_steps: usize,
    /// Damping ξ, small enough not to matter.
    pub damping: f64,
    /// θ(0).
    pub start: f64,
    /// The result of descent on the loss itself.
    pub on_loss: Descended,
    /// ω of that descent.
    pub path_integral: f64,
    /// Ω, the factor of the surrogate's parabola at c = 1.
    pub importance: f64,
    /// The result of descent on the surrogate alone, from the same start.
    pub on_surrogate: Descended,
    /// Second derivative of the loss at θ(T), which determines the Hessian's parabola.
    pub curvature: f64,
}

/// The result of a descent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descended {
    /// θ(T), where it ended.
    pub end: f64,
    /// θ(0) − θ(T), the total net motion.
    pub motion: f64,
    /// L(θ(0)) − L(θ(T)), the total drop of the loss that it descended on.
    pub drop: f64,
    /// That loss at θ(T).
    pub end_loss: f64,
}

const START: f64 = -1.2;
const LEARNING_RATE: f64 = 1e-3;
const NUM_STEPS: usize = 20_000;
const DAMPING: f64 = 1e-9;
/// Distance between points of the difference quotient for the curvature.
const SPACING: f64 = 1e-4;

/// Learns one task with one parameter, and then learns its surrogate loss from the same start, as
/// in figure 2.
///
/// # Errors
///
/// [`Error::DeviceNotCompiled`] without the backend `flex`.
pub fn figure2() -> Result<SurrogateLoss, Error> {
    let device = crate::device("flex")?;
    let config = SynapticIntelligenceConfig::new().with_damping(DAMPING);
    let at = |theta: f64| losses(task, &[[theta]], &device)[0];
    let descend = |loss: &dyn Fn(Tensor<2>) -> Tensor<2>| -> Result<Descent<1>, Error> {
        let mut descent = Descent::new(&[[START]], &config, LEARNING_RATE, &device)?;
        for _ in 0..NUM_STEPS {
            descent = descent.step(loss);
        }
        Ok(descent)
    };

    let mut learned = descend(&task)?;
    let end = learned.positions()[0][0];
    let path_integral = learned.path_integrals()[0][0];
    learned.end_task();
    let importance = learned.importances()[0][0];
    let end_loss = at(end);

    let surrogate = |theta: Tensor<2>| (theta - end).powi_scalar(2) * importance + end_loss;
    let surrogate_end = descend(&surrogate)?.positions()[0][0];
    let surrogate_at = |theta: f64| losses(surrogate, &[[theta]], &device)[0];
    let [below, above] = [at(end - SPACING), at(end + SPACING)];
    Ok(SurrogateLoss {
        learning_rate: LEARNING_RATE,
        num_steps: NUM_STEPS,
        damping: DAMPING,
        start: START,
        on_loss: Descended {
            end,
            motion: START - end,
            drop: at(START) - end_loss,
            end_loss,
        },
        path_integral,
        importance,
        on_surrogate: Descended {
            end: surrogate_end,
            motion: START - surrogate_end,
            drop: surrogate_at(START) - surrogate_at(surrogate_end),
            end_loss: surrogate_at(surrogate_end),
        },
        curvature: (above - 2.0 * end_loss + below) / (SPACING * SPACING),
    })
}

impl SurrogateLoss {
    /// The task's loss, `½ ln(1 + ((θ − 1) / 0.5)²) + 0.06 sin 4θ`, at points.
    ///
    /// # Errors
    ///
    /// [`Error::DeviceNotCompiled`] without the backend `flex`.
    pub fn losses(points: &[f64]) -> Result<Vec<f64>, Error> {
        let rows: Vec<[f64; 1]> = points.iter().map(|point| [*point]).collect();
        Ok(losses(task, &rows, &crate::device("flex")?))
    }

    /// The surrogate `L(θ(T)) + Ω (θ − θ(T))²` at a point (eq. 4, at c = 1).
    pub fn surrogate(&self, theta: f64) -> f64 {
        self.on_loss.end_loss + self.importance * (theta - self.on_loss.end).powi(2)
    }

    /// The Hessian's parabola `L(θ(T)) + ½ L″(θ(T)) (θ − θ(T))²` at a point.
    pub fn hessian_parabola(&self, theta: f64) -> f64 {
        self.on_loss.end_loss + 0.5 * self.curvature * (theta - self.on_loss.end).powi(2)
    }
}

/// `[points, 1]` to the same.
fn task(theta: Tensor<2>) -> Tensor<2> {
    let well = ((theta.clone() - 1.0) / 0.5).powi_scalar(2).log1p() * 0.5;
    well + (theta * 4.0).sin() * 0.06
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static FIGURE: LazyLock<SurrogateLoss> =
        LazyLock::new(|| figure2().expect("flex is compiled in"));

    /// Gradient descent deviates from its flow by about η times half the curvature along the way.
    const TOLERANCE: f64 = 4.0 * LEARNING_RATE;

    fn assert_close(actual: f64, expected: f64) {
        assert!(
            (actual - expected).abs() <= TOLERANCE * expected.abs(),
            "{actual} is not {expected}"
        );
    }

    #[test]
    fn learning_on_the_surrogate_has_the_same_drop_motion_and_end() {
        let figure = *FIGURE;
        let [loss, surrogate] = [figure.on_loss, figure.on_surrogate];
        assert_close(surrogate.drop, loss.drop);
        assert_close(surrogate.motion, loss.motion);
        assert_close(surrogate.end, loss.end);
        assert_close(surrogate.end_loss, loss.end_loss);
    }

    #[test]
    fn the_surrogate_passes_through_the_start_and_is_lowest_at_the_end() {
        let figure = *FIGURE;
        let start_loss = SurrogateLoss::losses(&[figure.start]).expect("flex")[0];
        assert_close(figure.surrogate(figure.start), start_loss);
        assert_close(figure.path_integral, figure.on_loss.drop);
        for step in [-0.1, 0.1] {
            let beside = figure.on_loss.end + step;
            assert!(figure.surrogate(beside) > figure.on_loss.end_loss);
            assert!(SurrogateLoss::losses(&[beside]).expect("flex")[0] > figure.on_loss.end_loss);
        }
    }

    #[test]
    fn the_hessians_parabola_fits_at_the_end_and_misses_the_start() {
        let figure = *FIGURE;
        let beside = figure.on_loss.end + 0.01;
        let rise = |loss: f64| loss - figure.on_loss.end_loss;
        let true_rise = rise(SurrogateLoss::losses(&[beside]).expect("flex")[0]);
        let hessian_rise = rise(figure.hessian_parabola(beside));
        assert!((hessian_rise / true_rise - 1.0).abs() < 0.05);
        assert!(0.5 * figure.curvature > 3.0 * figure.importance);
        assert!(rise(figure.hessian_parabola(figure.start)) > 3.0 * figure.on_loss.drop);
    }
}
