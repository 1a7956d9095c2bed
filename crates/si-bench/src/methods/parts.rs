use core::fmt;
use std::ops::Range;

use burn::tensor::Tensor;
use si_core::importance::RunningMeasure;
use si_core::settings::Normalization;
use si_core::{Error, Importance, QuadraticPenaltyConfig};

use super::{Compared, Functional, Memory};
use crate::model::{Network, Units};

/// What a method is made of. A part that a method does not have is `None`.
#[derive(Debug, Default)]
pub struct Parts {
    /// The order in which tasks are learnt. Default: one after the other, by the same network.
    pub regime: Option<Regime>,
    /// The penalty of Synaptic Intelligence, whose importance is measured in every step.
    pub synaptic: Option<Synaptic>,
    /// Another quadratic penalty, whose importance is measured at the end of each task or in its steps.
    pub anchor: Option<Anchor>,
    /// What holds back the trunk from the second task on.
    pub trunk: Option<Trunk>,
    /// A loss that compares the network with a frozen copy of it.
    pub functional: Option<Functional>,
    /// Images of earlier minibatches that are used again.
    pub memory: Option<Memory>,
    /// The units of the perceptron's hidden layers. Default: those of the setting `activation`.
    pub units: Option<Units>,
    /// Probability that a unit of a dense hidden layer is dropped in a training step. Default: that of the experiment's
    /// network.
    pub dropout: Option<f64>,
    /// How the network grows. Default: not at all.
    pub growth: Option<Growth>,
}

/// The order in which tasks are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// One after the other, by the same network.
    OneByOne,
    /// Each by a new network.
    Afresh,
    /// All at once, by one network.
    Jointly,
}

/// What holds back the trunk, which is everything before the readout, from the second task on. The readout learns as in
/// the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trunk {
    /// It does not learn, and is in validation mode: its dropout is off.
    Frozen,
    /// As [`Frozen`](Self::Frozen) in the first epochs of each task. After them, it learns as in the first task.
    WarmUp {
        /// The number of these epochs.
        num_epochs: usize,
    },
    /// Its learning rate is multiplied by a factor in (0, 1].
    Slowed {
        /// The factor.
        factor: f64,
    },
}

/// How a network grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Each task has a separate column, which also reads the earlier ones. The earlier ones no longer change.
    ColumnPerTask,
}

/// The settings of Synaptic Intelligence that experiments compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Synaptic {
    /// Strength c.
    pub strength: f64,
    /// Damping ξ.
    pub damping: f64,
    /// What the importance of each task is divided by.
    pub normalization: Normalization,
}

/// A quadratic penalty, and where its importance comes from.
pub struct Anchor {
    /// The penalty.
    pub penalty: QuadraticPenaltyConfig,
    /// Where its importance comes from.
    pub measure: Measure,
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut anchor = f.debug_struct("Anchor");
        anchor.field("penalty", &self.penalty);
        anchor.finish_non_exhaustive()
    }
}

/// How the importance of a task is measured.
pub enum Measure {
    /// At its end, on examples.
    AtEnd(AtEnd),
    /// In every step.
    InSteps(RunningMeasure),
}

/// Measures how important each parameter of a network is for the task that it has just learnt.
pub type AtEnd = Box<dyn Fn(&Network, Examples<'_>) -> Result<Importance, Error>>;

impl Measure {
    /// At a task's end, by a function.
    pub fn at_end(
        measure: impl Fn(&Network, Examples<'_>) -> Result<Importance, Error> + 'static,
    ) -> Self {
        Self::AtEnd(Box::new(measure))
    }
}

/// What importance is measured on.
pub struct Examples<'a> {
    /// Training images of the task, in batches `[batch, pixels]`.
    pub images: &'a mut dyn Iterator<Item = Tensor<2>>,
    /// The label of each image, in their order: its place among `outputs`.
    pub labels: Vec<usize>,
    /// The outputs that the network chooses from.
    pub outputs: Range<usize>,
    /// The outputs of all tasks up to now, from 0. No task has trained the others yet.
    pub outputs_so_far: Range<usize>,
    /// Number of images in a minibatch of the training.
    pub batch_size: usize,
    /// Draws a random number in `[0, 1)`.
    pub uniform: &'a mut dyn FnMut() -> f64,
}

impl Parts {
    /// All parts of both. If both have the same part, that of `other` counts.
    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            regime: other.regime.or(self.regime),
            synaptic: other.synaptic.or(self.synaptic),
            anchor: other.anchor.or(self.anchor),
            trunk: other.trunk.or(self.trunk),
            functional: other.functional.or(self.functional),
            memory: other.memory.or(self.memory),
            units: other.units.or(self.units),
            dropout: other.dropout.or(self.dropout),
            growth: other.growth.or(self.growth),
        }
    }

    /// The part that both have, if there is one.
    pub(crate) fn in_common(&self, other: &Self) -> Option<&'static str> {
        let parts = [
            (
                self.regime.is_some() && other.regime.is_some(),
                "order of the tasks",
            ),
            (self.has_penalty() && other.has_penalty(), "penalty"),
            (
                self.trunk.is_some() && other.trunk.is_some(),
                "rule for the trunk",
            ),
            (
                self.functional.is_some() && other.functional.is_some(),
                "comparison with a frozen copy",
            ),
            (self.memory.is_some() && other.memory.is_some(), "memory"),
            (
                self.units.is_some() && other.units.is_some(),
                "hidden units",
            ),
            (self.dropout.is_some() && other.dropout.is_some(), "dropout"),
            (self.growth.is_some() && other.growth.is_some(), "growth"),
        ];
        let common = parts.into_iter().find(|(is_common, _)| *is_common);
        common.map(|(_, part)| part)
    }

    /// Why a part has no effect beside the others. `None` if each has one.
    pub(crate) fn without_effect(&self) -> Option<String> {
        let held_back = [
            (self.has_penalty(), "a penalty"),
            (self.trunk.is_some(), "holding back the trunk"),
            (self.functional.is_some(), "a comparison with a frozen copy"),
            (self.memory.is_some(), "a memory"),
        ];
        let held_back = held_back.into_iter().find(|(is_there, _)| *is_there);
        let held_back = held_back.map(|(_, part)| part);
        let growth = self.growth.map(|_| "a new column");
        if let Some(part) = held_back.filter(|_| growth.is_some()) {
            return Some(format!(
                "{part} has no effect, because progressive never changes old layers"
            ));
        }
        let compares_features = |it: &Functional| it.compared == Compared::Features;
        if self.trunk == Some(Trunk::Frozen)
            && self.functional.as_ref().is_some_and(compares_features)
        {
            return Some("a comparison of features has no effect on a frozen trunk".to_string());
        }
        let of_later_tasks = held_back.or(growth);
        of_later_tasks
            .filter(|_| self.regime() != Regime::OneByOne)
            .map(|part| {
                format!("{part} has no effect unless one network learns the tasks one by one")
            })
    }

    /// Whether something holds parameters back.
    pub(crate) fn has_penalty(&self) -> bool {
        self.synaptic.is_some() || self.anchor.is_some()
    }

    /// The order in which tasks are learnt.
    pub(crate) fn regime(&self) -> Regime {
        self.regime.unwrap_or(Regime::OneByOne)
    }
}
