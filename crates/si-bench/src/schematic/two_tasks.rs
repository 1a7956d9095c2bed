use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use si_core::SynapticIntelligenceConfig;

use crate::Error;
use crate::descent::{Descent, losses};

/// Figure 1: two tasks with two parameters, learnt one after the other with and without consolidation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoTasks {
    /// Learning rate η of gradient descent.
    pub learning_rate: f64,
    /// Steps on each task.
    pub num_steps: usize,
    /// Damping ξ.
    pub damping: f64,
    /// θ(t₀), the start of the first task.
    pub start: Place,
    /// θ(t₁), the end of the first task and start of the second.
    pub after_first: Place,
    /// The path from `start` to `after_first`.
    pub first_path: Vec<[f64; 2]>,
    /// ω of the first task.
    pub path_integral: [f64; 2],
    /// Ω after it.
    pub importance: [f64; 2],
    /// The second task, without consolidation and with it.
    pub second: [SecondTask; 2],
}

/// Learning the second task at one strength.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondTask {
    /// Strength c.
    pub strength: f64,
    /// θ(t₂), the end of the second task.
    pub end: Place,
    /// The path from θ(t₁) to it.
    pub path: Vec<[f64; 2]>,
}

/// A point of the parameter space with the losses of both tasks there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// θ.
    pub parameters: [f64; 2],
    /// Loss of the first and of the second task.
    pub losses: [f64; 2],
}

const START: [f64; 2] = [-1.6, -1.5];
const LEARNING_RATE: f64 = 0.02;
/// At the first task's smallest curvature, 1/16, a distance shrinks to e^−5 of its initial value.
const NUM_STEPS: usize = 4000;
const STRENGTHS: [f64; 2] = [0.0, 1.0];
const DAMPING: f64 = 1e-3;

/// Learns two tasks with two parameters, at c = 0 and at c = 1, as in figure 1.
///
/// The first task is a bent valley along θ₁: θ₂ must be right, and θ₁ matters little. The second is a diagonal valley,
/// which can be reached by changing either parameter. The losses grow like squares near the bottom and like distances
/// far away. See [`TwoTasks::losses`] for the formulas.
///
/// # Errors
///
/// [`Error::DeviceNotCompiled`] without the backend `flex`.
pub fn figure1() -> Result<TwoTasks, Error> {
    let device = crate::device("flex")?;
    let [without, with] = STRENGTHS.map(|strength| Run::new(strength, &device));
    let (without, with) = (without?, with?);
    let place = |parameters: [f64; 2]| Place {
        parameters,
        losses: TASKS.map(|task| losses(task, &[parameters], &device)[0]),
    };
    let last = |path: &[[f64; 2]]| place(path.last().copied().unwrap_or(START));
    let second = |run: &Run| SecondTask {
        strength: run.strength,
        end: last(&run.second_path),
        path: run.second_path.clone(),
    };
    Ok(TwoTasks {
        learning_rate: LEARNING_RATE,
        num_steps: NUM_STEPS,
        damping: DAMPING,
        start: place(START),
        after_first: last(&with.first_path),
        path_integral: with.path_integral,
        importance: with.importance,
        second: [second(&without), second(&with)],
        first_path: with.first_path,
    })
}

impl TwoTasks {
    /// Losses of a task, 0 or 1, at points of the parameter space.
    ///
    /// With x = θ₁ and y = θ₂:
    ///
    /// ```text
    /// L₁ = √(1 + ((x + 0.2) / 4)² + ((y − 0.8 − 0.05 x²) / 0.25)²) − 1
    /// L₂ = √(1 + ((x + y − 0.5) / 5)² + ((x − y − 0.2) / 0.8)²) − 1
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::DeviceNotCompiled`] without the backend `flex`.
    ///
    /// # Panics
    ///
    /// If `task` is neither 0 nor 1.
    pub fn losses(task: usize, points: &[[f64; 2]]) -> Result<Vec<f64>, Error> {
        Ok(losses(TASKS[task], points, &crate::device("flex")?))
    }
}

/// A loss of points, `[points, 2]` to `[points, 1]`.
type Task = fn(Tensor<2>) -> Tensor<2>;

const TASKS: [Task; 2] = [first_task, second_task];

fn first_task(theta: Tensor<2>) -> Tensor<2> {
    let [x, y] = components(theta);
    let across = y - x.clone().powi_scalar(2) * 0.05 - 0.8;
    valley((x + 0.2) / 4.0, across / 0.25)
}

fn second_task(theta: Tensor<2>) -> Tensor<2> {
    let [x, y] = components(theta);
    let along = x.clone() + y.clone() - 0.5;
    valley(along / 5.0, (x - y - 0.2) / 0.8)
}

fn valley(along: Tensor<2>, across: Tensor<2>) -> Tensor<2> {
    (along.powi_scalar(2) + across.powi_scalar(2) + 1.0).sqrt() - 1.0
}

/// θ₁ and θ₂, `[points, 1]` each.
fn components(theta: Tensor<2>) -> [Tensor<2>; 2] {
    [0, 1].map(|index| theta.clone().narrow(1, index, 1))
}

/// Both tasks at one strength.
struct Run {
    strength: f64,
    first_path: Vec<[f64; 2]>,
    second_path: Vec<[f64; 2]>,
    path_integral: [f64; 2],
    importance: [f64; 2],
}

impl Run {
    fn new(strength: f64, device: &Device) -> Result<Self, Error> {
        let config = SynapticIntelligenceConfig::new()
            .with_strength(strength)
            .with_damping(DAMPING);
        let descent = Descent::new(&[START], &config, LEARNING_RATE, device)?;
        let (mut descent, first_path) = follow(descent, first_task);
        let path_integral = descent.path_integrals()[0];
        descent.end_task();
        let importance = descent.importances()[0];
        let (_, second_path) = follow(descent, second_task);
        Ok(Self {
            strength,
            first_path,
            second_path,
            path_integral,
            importance,
        })
    }
}

/// Learns a task and records its path: both ends, and a point whenever it has moved by [`STRIDE`].
fn follow(mut descent: Descent<2>, task: Task) -> (Descent<2>, Vec<[f64; 2]>) {
    let mut path = vec![descent.positions()[0]];
    let mut noted = path[0];
    for step in 1..=NUM_STEPS {
        descent = descent.step(task);
        let here = descent.positions()[0];
        let gone = (here[0] - noted[0]).hypot(here[1] - noted[1]);
        if gone >= STRIDE || step == NUM_STEPS {
            path.push(here);
            noted = here;
        }
    }
    (descent, path)
}

/// Distance between the points of a path.
const STRIDE: f64 = 0.02;

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static FIGURE: LazyLock<TwoTasks> = LazyLock::new(|| figure1().expect("flex is compiled in"));

    #[test]
    fn the_second_task_overwrites_the_first_only_without_consolidation() {
        let [without, with] = &FIGURE.second;
        assert_eq!([without.strength, with.strength], STRENGTHS);
        assert!(without.end.losses[0] > 1.0, "{:?}", without.end);
        assert!(without.end.losses[1] < 0.05, "{:?}", without.end);
        assert!(with.end.losses[0] < 0.15, "{:?}", with.end);
        assert!(with.end.losses[1] < 0.05, "{:?}", with.end);
    }

    #[test]
    fn the_important_parameter_stays_where_it_was() {
        let two_tasks = &*FIGURE;
        let [first, second] = two_tasks.importance;
        assert!(second > 5.0 * first, "{:?}", two_tasks.importance);
        let (before, after) = (two_tasks.after_first, two_tasks.second[1].end);
        let moved = |index: usize| (after.parameters[index] - before.parameters[index]).abs();
        assert!(moved(0) > 5.0 * moved(1), "{before:?} to {after:?}");
    }

    #[test]
    fn path_integrals_sum_to_the_drop_of_the_first_tasks_loss() {
        let two_tasks = &*FIGURE;
        let drop = two_tasks.start.losses[0] - two_tasks.after_first.losses[0];
        let sum: f64 = two_tasks.path_integral.iter().sum();
        assert!((sum / drop - 1.0).abs() < 0.1, "{sum} is not {drop}");
    }
}
