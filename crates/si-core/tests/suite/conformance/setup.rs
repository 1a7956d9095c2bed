use burn::grad_clipping::GradientClippingConfig;
use si_core::SynapticIntelligenceConfig;

use crate::conformance::model::Minibatch;

pub(crate) const TASKS: usize = 3;
pub(crate) const STEPS: usize = 4;
pub(crate) const LEARNING_RATE: f64 = 0.02;

/// The tasks that use the second head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecondHead {
    /// All except the first: the head begins late.
    Late,
    /// All except the second: the head then rests, with importance.
    Rests,
}

/// The loop around the method, and its settings.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) config: SynapticIntelligenceConfig,
    /// Clipping of the gradient that the optimizer gets, per parameter.
    pub(crate) clipping: Option<GradientClippingConfig>,
    /// The number of minibatches whose gradients are accumulated for a step.
    pub(crate) accumulated: usize,
    /// Whether these minibatches are joined into one instead.
    pub(crate) joins: bool,
    /// Whether the body's parameters have a separate optimizer.
    pub(crate) has_groups: bool,
    /// Whether everything is stored and loaded after each step and each task's end.
    pub(crate) reloads: bool,
    pub(crate) second_head: SecondHead,
}

impl Setup {
    pub(crate) fn plain() -> Self {
        Self {
            config: SynapticIntelligenceConfig::new()
                .with_strength(2.0)
                .with_damping(0.01),
            clipping: None,
            accumulated: 1,
            joins: false,
            has_groups: false,
            reloads: false,
            second_head: SecondHead::Late,
        }
    }

    pub(crate) fn with_strength(strength: f64) -> Self {
        let plain = Self::plain();
        Self {
            config: plain.config.with_strength(strength),
            ..plain
        }
    }

    /// The minibatches of one step.
    pub(crate) fn minibatches(&self, task: usize, step: usize) -> Vec<Minibatch> {
        let uses_second = match self.second_head {
            SecondHead::Late => task != 0,
            SecondHead::Rests => task != 1,
        };
        let minibatches: Vec<Minibatch> = (0..self.accumulated)
            .map(|index| {
                let seed = 100 * task + 10 * step + index;
                Minibatch::new(seed as u64, uses_second)
            })
            .collect();
        if self.joins {
            vec![Minibatch::join(&minibatches)]
        } else {
            minibatches
        }
    }
}
