use serde::{Deserialize, Serialize};

use super::periodic::Periodic;
use super::plateau::Plateau;
use super::shift::Shift;
use crate::Error;
use crate::boundary::BoundaryDetectorConfig;

/// Decides from a stream of losses when a task has ended, if nothing else says so.
///
/// Add one call to the training loop, before the step, and call `end_task` when it reports a boundary:
///
/// ```diff
/// +let mut detector = ShiftDetectorConfig::new().init()?;
///  for (images, labels) in stream {
///      let loss = loss_fn.forward(model.forward(images), labels);
/// +    if detector.observe(loss.clone().into_scalar()).is_some() {
/// +        model.end_task();
/// +    }
///      let grads = GradientsParams::from_grads(loss.backward(), &model);
///      model = model.optimize(&mut optimizer, learning_rate, grads);
///  }
/// +model.end_task(); // what was learnt since the last boundary
/// ```
///
/// Pass the task's loss alone, without the penalty. Observe it before the step: a boundary that is noticed at once is
/// then noticed before the new task has moved the parameters. If you observe it after the step, as with
/// [`ContinualLearner::step`](crate::ContinualLearner::step), everything is one step later. Reading a loss waits for
/// the device. If that is too slow, observe every n-th loss: everything that is counted in steps here is then counted
/// in observations.
///
/// | detector | consolidates | at the right parameters? |
/// |---|---|---|
/// | [`PeriodicDetectorConfig`](crate::boundary::PeriodicDetectorConfig) | after a fixed number of steps | if tasks have that length |
/// | [`PlateauDetectorConfig`](crate::boundary::PlateauDetectorConfig) | when the loss has settled | yes, but not at the end of the task |
/// | [`ShiftDetectorConfig`](crate::boundary::ShiftDetectorConfig) | when the loss jumps up | a known number of steps too late |
///
/// A loss that is not finite counts as a step and is otherwise ignored: it causes no boundary, except after a fixed
/// number of steps, and does not enter the statistics.
///
/// The detector contains its whole state. Write it into a checkpoint with `serde`: after loading, it makes the
/// same decisions.
///
/// ```
/// use si_core::boundary::ShiftDetectorConfig;
///
/// # fn main() -> Result<(), si_core::Error> {
/// let mut detector = ShiftDetectorConfig::new().with_reference(10).init()?;
/// let losses = [vec![0.5; 20], vec![2.5; 20]].concat();
/// let steps: Vec<usize> = losses
///     .into_iter()
///     .filter_map(|loss| detector.observe(loss))
///     .map(|boundary| boundary.step - boundary.num_late_steps)
///     .collect();
/// assert_eq!(steps, [20]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct BoundaryDetector {
    num_observed: usize,
    kind: Kind,
}

/// A detected end of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Number of losses that were observed before the one that revealed the boundary.
    pub step: usize,
    /// How many of these losses were already the new task's: the boundary is this many steps too late. 0 unless a
    /// shift was detected.
    pub num_late_steps: usize,
}

impl BoundaryDetector {
    pub(super) fn new(kind: Kind) -> Result<Self, Error> {
        kind.validate()?;
        Ok(Self {
            num_observed: 0,
            kind,
        })
    }

    /// Takes the next loss of the stream. Returns a boundary if this loss reveals one.
    pub fn observe(&mut self, loss: f64) -> Option<Boundary> {
        let step = self.num_observed;
        self.num_observed = step.saturating_add(1);
        let noticed = |is_boundary: bool| is_boundary.then_some(step);
        let first_of_new_task = match &mut self.kind {
            // Counts steps, whatever the losses are.
            Kind::Periodic(periodic) => noticed(periodic.observe()),
            _ if !loss.is_finite() => None,
            Kind::Plateau(plateau) => noticed(plateau.observe(loss)),
            Kind::Shift(shift) => shift.observe(loss, step),
        };
        first_of_new_task.map(|first| Boundary {
            step,
            num_late_steps: step.saturating_sub(first),
        })
    }

    /// The number of losses observed so far.
    pub fn num_observed(&self) -> usize {
        self.num_observed
    }

    /// The settings.
    pub fn config(&self) -> BoundaryDetectorConfig {
        match &self.kind {
            Kind::Periodic(periodic) => BoundaryDetectorConfig::Periodic(periodic.config),
            Kind::Plateau(plateau) => BoundaryDetectorConfig::Plateau(plateau.config),
            Kind::Shift(shift) => BoundaryDetectorConfig::Shift(shift.config),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Periodic(Periodic),
    Plateau(Plateau),
    Shift(Shift),
}

impl Kind {
    fn validate(&self) -> Result<(), Error> {
        match self {
            Self::Periodic(periodic) => periodic.validate(),
            Self::Plateau(plateau) => plateau.validate(),
            Self::Shift(shift) => shift.validate(),
        }
    }
}

/// A detector as read from a file, before its settings are checked.
#[derive(Deserialize)]
struct Stored {
    num_observed: usize,
    kind: Kind,
}

impl TryFrom<Stored> for BoundaryDetector {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let detector = Self::new(stored.kind)?;
        Ok(Self {
            num_observed: stored.num_observed,
            ..detector
        })
    }
}
