use burn::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::module::{Module, ParamGroup};

use crate::methods::Trunk;
use crate::model::Network;

/// What holds back the trunk of a network from the second lesson on.
///
/// It has no state to store: how the trunk learns follows from the lesson alone.
#[derive(Clone)]
pub(super) struct HeldTrunk {
    rule: Option<Trunk>,
    /// The parameters that learn at a lower rate in this lesson, with the factor of their rate.
    slowed: Option<(ParamGroup, f64)>,
}

impl HeldTrunk {
    /// Without a rule, nothing is held back.
    pub(super) fn new(rule: Option<Trunk>) -> Self {
        Self { rule, slowed: None }
    }

    /// Applies the rule to `network`, which has the parameters with which the lesson `index` begins or goes on.
    pub(super) fn begin_lesson(&mut self, index: usize, network: &mut Network) {
        match self.rule.filter(|_| index > 0) {
            None => self.slowed = None,
            Some(Trunk::Slowed { factor }) => self.slowed = Some((network.trunk(), factor)),
            Some(Trunk::Frozen) => *network = network.clone().freeze_group(network.trunk()),
        }
    }

    /// The learning rate of each parameter, where that of the readout is `base`.
    pub(super) fn learning_rate(&self, base: f64) -> ModuleLearningRate {
        match &self.slowed {
            None => base.into(),
            Some((trunk, factor)) => {
                let scheduler = ModuleLrScheduler::new(base);
                scheduler.with_group(trunk.clone(), factor * base).step()
            }
        }
    }
}
