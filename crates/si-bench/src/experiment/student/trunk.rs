use burn::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::module::{Module, ParamGroup};

use crate::methods::Trunk;
use crate::model::Network;

/// What holds back the trunk of a network from the second lesson on.
///
/// It has no state to store: how the trunk learns follows from the lesson and the epoch alone.
#[derive(Clone)]
pub(super) struct HeldTrunk {
    rule: Option<Trunk>,
    /// Whether the trunk is frozen in this epoch.
    is_frozen: bool,
    /// The parameters that learn at a lower rate in this lesson, with the factor of their rate.
    slowed: Option<(ParamGroup, f64)>,
}

impl HeldTrunk {
    /// That of a network that has learnt nothing yet. Without a rule, nothing is held back.
    pub(super) fn new(rule: Option<Trunk>) -> Self {
        Self {
            rule,
            is_frozen: false,
            slowed: None,
        }
    }

    /// That of a copy of the network, with its own rule from the next epoch on.
    pub(super) fn copy_with(&self, rule: Option<Trunk>) -> Self {
        Self {
            rule,
            ..self.clone()
        }
    }

    /// Applies the rule to `network`, which has the parameters with which the epoch begins or goes on.
    pub(super) fn begin_epoch(&mut self, lesson: usize, epoch: usize, network: &mut Network) {
        let rule = self.rule.filter(|_| lesson > 0);
        self.slowed = match rule {
            Some(Trunk::Slowed { factor }) => Some((network.trunk(), factor)),
            Some(Trunk::Frozen | Trunk::WarmUp { .. }) | None => None,
        };
        let is_frozen = match rule {
            Some(Trunk::Frozen) => true,
            Some(Trunk::WarmUp { num_epochs }) => epoch < num_epochs,
            Some(Trunk::Slowed { .. }) | None => false,
        };
        if is_frozen != self.is_frozen {
            let (whole, trunk) = (network.clone(), network.trunk());
            *network = if is_frozen {
                whole.freeze_group(trunk)
            } else {
                whole.unfreeze_group(trunk)
            };
            self.is_frozen = is_frozen;
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
