use burn::Tensor;
use burn::config::Config;

use crate::Error;

/// What of the steps of a task a [`RunningImportance`](super::RunningImportance) measures.
///
/// g is the gradient of a minibatch's mean task loss, g′ that of another minibatch at the same parameters, and Δθ the step
/// that the optimizer makes with g.
#[derive(Config, Debug, Copy, PartialEq)]
pub enum RunningMeasure {
    /// The root of the gradients' second moment: `v ← decay · v + (1 − decay) g²` in each step, and `Ω = √v` at the task's
    /// end.
    ///
    /// Benzing (2022) calls it Second-Order Synapses, with a decay of 0.999. v begins at zero in each task, and there is no
    /// correction for that. Ω is in the unit of the loss divided by that of a parameter. Use it with
    /// [`Joining::Latest`](crate::quadratic::Joining) and a decay of 1.
    SecondMoment {
        /// The share of v that is kept in each step, in `[0, 1)`.
        decay: f64,
    },
    /// The root of the second moment of the gradients' noise alone: as [`SecondMoment`](Self::SecondMoment), with
    /// `v ← decay · v + (1 − decay) (g − g′)²`.
    ///
    /// Benzing (2022) uses it for large minibatches, whose mean gradient would outweigh the noise: it is the same in g and
    /// g′, so it cancels. v tends to twice the variance of g. Needs
    /// [`begin_step_with`](super::RunningImportance::begin_step_with).
    NoiseMoment {
        /// The share of v that is kept in each step, in `[0, 1)`.
        decay: f64,
    },
    /// How much each parameter lowered the loss on its way, for the distance that its predictions moved, together with
    /// the Fisher information on that way: Riemannian Walk (Chaudhry et al. 2018).
    ///
    /// F is a running mean of g²; `ω ← ω − g · Δθ`. Every `interval` steps, and at a task's end, for the distance d that
    /// the parameter moved since then:
    ///
    /// ```text
    /// s ← s + max(0, ω / (½ F d² + damping)),   ω ← 0
    /// F ← decay · F + (1 − decay) · mean of g² over the interval
    /// ```
    ///
    /// The first interval begins with its own mean as F. At the end of the first task the score is its s, and later
    /// the mean of the old score and the task's s. `Ω` is F plus the score, each scaled to `[0, 1]` over all parameters
    /// together. F and the score span all tasks, so use it with [`Joining::Replace`](crate::quadratic::Joining).
    RiemannianWalk {
        /// The share of F that is kept at the end of an interval, in `[0, 1)`. The authors' code has 0.1.
        decay: f64,
        /// Number of steps between two updates of F and s, ≥ 1. The authors' code has 10 to 50.
        interval: usize,
        /// Lower bound of the denominator: > 0. The authors' code has 10⁻³.
        damping: f64,
    },
    /// The path integral of Synaptic Intelligence without its bias (Benzing 2022): `ω ← ω − g′ · Δθ` in each step, and
    /// `Ω = max(0, ω / (d² + damping))` at the task's end, for the distance d that the parameter moved in the task.
    ///
    /// g shares the noise of its minibatch with the step that it causes, so `−g · Δθ` is too large on average. g′ does
    /// not. Needs [`begin_step_with`](super::RunningImportance::begin_step_with).
    UnbiasedPath {
        /// Lower bound of the denominator: > 0.
        damping: f64,
    },
    /// The bias alone (Benzing 2022): as [`UnbiasedPath`](Self::UnbiasedPath), with `ω ← ω − (g − g′) · Δθ`.
    PathBias {
        /// Lower bound of the denominator: > 0.
        damping: f64,
    },
}

impl RunningMeasure {
    pub(super) fn validate(&self) -> Result<(), Error> {
        let check_decay = |setting, decay: f64| {
            if (0.0..1.0).contains(&decay) {
                Ok(())
            } else {
                Err(Error::Decay { setting, decay })
            }
        };
        let check_damping = |damping: f64| {
            if damping.is_finite() && damping > 0.0 {
                Ok(())
            } else {
                Err(Error::Damping(damping))
            }
        };
        match *self {
            Self::SecondMoment { decay } => check_decay("RunningMeasure::SecondMoment", decay),
            Self::NoiseMoment { decay } => check_decay("RunningMeasure::NoiseMoment", decay),
            Self::RiemannianWalk { interval: 0, .. } => Err(Error::Interval),
            Self::RiemannianWalk { decay, damping, .. } => {
                check_decay("RunningMeasure::RiemannianWalk", decay)?;
                check_damping(damping)
            }
            Self::UnbiasedPath { damping } | Self::PathBias { damping } => check_damping(damping),
        }
    }

    /// Whether it needs the gradient of a second minibatch in each step.
    pub fn needs_second_gradient(&self) -> bool {
        matches!(
            self,
            Self::NoiseMoment { .. } | Self::UnbiasedPath { .. } | Self::PathBias { .. }
        )
    }

    /// The names of the tensors that it keeps of each parameter, in the parameter's shape.
    pub(super) fn names(&self) -> &'static [&'static str] {
        match self {
            Self::SecondMoment { .. } => &["second_moment"],
            Self::NoiseMoment { .. } => &["noise_moment"],
            Self::UnbiasedPath { .. } | Self::PathBias { .. } => &["path_integral", "start"],
            Self::RiemannianWalk { .. } => &[
                "fisher",
                "squares",
                "path_integral",
                "start",
                "task_score",
                "score",
            ],
        }
    }

    /// The state of a parameter before its first step: zeros, except for the place from which the walk starts.
    pub(super) fn begin<const D: usize>(&self, parameter: &Tensor<D>) -> Vec<Tensor<D>> {
        let begin = |name: &&str| match *name {
            "start" => parameter.clone(),
            _ => parameter.zeros_like(),
        };
        self.names().iter().map(begin).collect()
    }

    /// The state after a step with the gradient `gradient` that moved the parameter by `moved`. `second` is the gradient of
    /// another minibatch.
    pub(super) fn step<const D: usize>(
        &self,
        state: Vec<Tensor<D>>,
        gradient: Tensor<D>,
        second: Option<Tensor<D>>,
        moved: Tensor<D>,
    ) -> Vec<Tensor<D>> {
        match *self {
            Self::UnbiasedPath { .. } | Self::PathBias { .. } => {
                let Some(second) = second else {
                    return state;
                };
                let slope = match self {
                    Self::PathBias { .. } => gradient - second,
                    _ => second,
                };
                let mut path = Path::from(state);
                path.path_integral = path.path_integral - slope * moved;
                path.into()
            }
            Self::SecondMoment { decay } => next_moment(state, gradient, decay),
            Self::NoiseMoment { decay } => match second {
                Some(second) => next_moment(state, gradient - second, decay),
                None => state,
            },
            Self::RiemannianWalk { .. } => {
                let mut walk = Walk::from(state);
                walk.squares = walk.squares + gradient.clone().square();
                walk.path_integral = walk.path_integral - gradient * moved;
                walk.into()
            }
        }
    }

    /// Whether an interval ends after `num_steps` steps.
    pub(super) fn ends_interval(&self, num_steps: usize) -> bool {
        matches!(*self, Self::RiemannianWalk { interval, .. } if num_steps >= interval)
    }

    /// The state after an interval of `num_steps` steps that ends at `parameter`.
    pub(super) fn end_interval<const D: usize>(
        &self,
        state: Vec<Tensor<D>>,
        parameter: Tensor<D>,
        num_steps: usize,
        is_first: bool,
    ) -> Vec<Tensor<D>> {
        let Self::RiemannianWalk { decay, damping, .. } = *self else {
            return state;
        };
        let mut walk = Walk::from(state);
        let squares = walk.squares.div_scalar(num_steps.max(1) as f64);
        if is_first {
            walk.fisher = squares.clone();
        }
        let distance = walk.fisher.clone() * (parameter.clone() - walk.start).square();
        let gain = walk.path_integral / (distance.mul_scalar(0.5) + damping);
        walk.task_score = walk.task_score + gain.clamp_min(0.0);
        if !is_first {
            walk.fisher = walk.fisher.mul_scalar(decay) + squares.clone().mul_scalar(1.0 - decay);
        }
        walk.squares = squares.zeros_like();
        walk.path_integral = squares.zeros_like();
        walk.start = parameter;
        walk.into()
    }

    /// The state after a task that ends at `parameter`, and the parts of its importance. `is_first` says whether it was the
    /// first.
    pub(super) fn end_task<const D: usize>(
        &self,
        state: Vec<Tensor<D>>,
        parameter: Tensor<D>,
        is_first: bool,
    ) -> (Vec<Tensor<D>>, Vec<Tensor<D>>) {
        match *self {
            Self::UnbiasedPath { damping } | Self::PathBias { damping } => {
                let path = Path::from(state);
                let distance = (parameter.clone() - path.start).square();
                let importance = path.path_integral / (distance + damping);
                let next = Path {
                    path_integral: parameter.zeros_like(),
                    start: parameter,
                };
                (next.into(), vec![importance.clamp_min(0.0)])
            }
            Self::SecondMoment { .. } | Self::NoiseMoment { .. } => {
                let roots = state.iter().map(|moment| moment.clone().sqrt()).collect();
                (state.iter().map(Tensor::zeros_like).collect(), roots)
            }
            Self::RiemannianWalk { .. } => {
                let mut walk = Walk::from(state);
                walk.score = if is_first {
                    walk.task_score.clone()
                } else {
                    (walk.score + walk.task_score.clone()).mul_scalar(0.5)
                };
                walk.task_score = walk.task_score.zeros_like();
                let parts = vec![walk.fisher.clone(), walk.score.clone()];
                (walk.into(), parts)
            }
        }
    }

    /// Whether each part of the importance is scaled to `[0, 1]` before they are added.
    pub(super) fn is_scaled(&self) -> bool {
        matches!(self, Self::RiemannianWalk { .. })
    }
}

/// The running mean of squares after another number.
fn next_moment<const D: usize>(
    state: Vec<Tensor<D>>,
    number: Tensor<D>,
    decay: f64,
) -> Vec<Tensor<D>> {
    let squares = number.square().mul_scalar(1.0 - decay);
    let moments = state.into_iter();
    moments
        .map(|moment| moment.mul_scalar(decay) + squares.clone())
        .collect()
}

/// What [`RunningMeasure::UnbiasedPath`] and [`RunningMeasure::PathBias`] keep of a parameter.
struct Path<const D: usize> {
    /// ω.
    path_integral: Tensor<D>,
    /// The parameter at the task's start.
    start: Tensor<D>,
}

impl<const D: usize> From<Vec<Tensor<D>>> for Path<D> {
    /// In the order of [`RunningMeasure::names`].
    fn from(state: Vec<Tensor<D>>) -> Self {
        let [path_integral, start] = state
            .try_into()
            .expect("the state has as many tensors as names");
        Self {
            path_integral,
            start,
        }
    }
}

impl<const D: usize> From<Path<D>> for Vec<Tensor<D>> {
    fn from(path: Path<D>) -> Self {
        vec![path.path_integral, path.start]
    }
}

/// What [`RunningMeasure::RiemannianWalk`] keeps of a parameter.
struct Walk<const D: usize> {
    /// F.
    fisher: Tensor<D>,
    /// The sum of g² since the interval's start.
    squares: Tensor<D>,
    /// ω since the interval's start.
    path_integral: Tensor<D>,
    /// The parameter at the interval's start.
    start: Tensor<D>,
    /// s of the current task.
    task_score: Tensor<D>,
    /// The score of all earlier tasks.
    score: Tensor<D>,
}

impl<const D: usize> From<Vec<Tensor<D>>> for Walk<D> {
    /// In the order of [`RunningMeasure::names`].
    fn from(state: Vec<Tensor<D>>) -> Self {
        let [fisher, squares, path_integral, start, task_score, score] = state
            .try_into()
            .expect("the state has as many tensors as names");
        Self {
            fisher,
            squares,
            path_integral,
            start,
            task_score,
            score,
        }
    }
}

impl<const D: usize> From<Walk<D>> for Vec<Tensor<D>> {
    fn from(walk: Walk<D>) -> Self {
        vec![
            walk.fisher,
            walk.squares,
            walk.path_integral,
            walk.start,
            walk.task_score,
            walk.score,
        ]
    }
}
